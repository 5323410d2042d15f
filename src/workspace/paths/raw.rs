//! A path as a result file gives it, taken apart without asking this machine what it means.

/// Longest path that is looked at, in bytes.
const MAX_LENGTH: usize = 8192;

/// A path of any platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RawPath {
    /// The parts, without `.` and inner `..`; a drive (`c:`) or the host of a share is the first.
    pub parts: Vec<String>,
    /// Whether it begins at a root, drive or share.
    pub is_absolute: bool,
    /// Whether it is a Windows path: case does not count.
    pub is_windows: bool,
    /// Leading `..` of a relative path.
    pub climbs: usize,
}

impl RawPath {
    /// Takes `text` apart; `None` if it cannot name a file: empty, `<string>`, `<frozen importlib>`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() || text.len() > MAX_LENGTH || text.starts_with('<') || text.contains('\0') {
            return None;
        }
        let text = match text.get(..7) {
            Some(scheme) if scheme.eq_ignore_ascii_case("file://") => &from_uri(&text[7..]),
            _ => text,
        };
        let drive = |text: &str| {
            let bytes = text.as_bytes();
            bytes.first().is_some_and(u8::is_ascii_alphabetic) && bytes.get(1) == Some(&b':')
        };
        let is_windows = text.contains('\\') || drive(text) || text.strip_prefix('/').is_some_and(drive);
        let text = text.replace('\\', "/");
        // `//?/C:/x` is the long form of `C:/x`; `//./` names devices.
        let text = text.strip_prefix("//?/").or_else(|| text.strip_prefix("//./")).unwrap_or(&text);
        let text = text.strip_prefix("UNC/").unwrap_or(text);
        let text = text.strip_prefix('/').filter(|rest| drive(rest)).unwrap_or(text);
        let is_absolute = text.starts_with('/') || drive(text);
        let mut parts: Vec<String> = Vec::new();
        let mut climbs = 0;
        for part in text.split('/') {
            match part {
                "" | "." => {}
                ".." if parts.is_empty() => climbs += usize::from(!is_absolute),
                ".." => {
                    parts.pop();
                }
                part => parts.push(part.to_owned()),
            }
        }
        if drive(text)
            && let Some(first) = parts.first_mut()
        {
            *first = first.to_ascii_lowercase();
        }
        Some(Self { parts, is_absolute, is_windows, climbs })
    }

    /// This relative path, seen from `root`.
    pub(super) fn joined_to(&self, root: &Self) -> Self {
        let kept = root.parts.len().saturating_sub(self.climbs);
        Self {
            parts: root.parts[..kept].iter().chain(&self.parts).cloned().collect(),
            is_absolute: root.is_absolute,
            is_windows: root.is_windows || self.is_windows,
            climbs: 0,
        }
    }

    /// The parts below `prefix`, at least one.
    pub(super) fn below(&self, prefix: &Self, ignore_case: bool) -> Option<Vec<&str>> {
        if self.is_absolute != prefix.is_absolute || self.climbs != prefix.climbs {
            return None;
        }
        let rest = self.parts.get(prefix.parts.len()..).filter(|rest| !rest.is_empty())?;
        let same = self
            .parts
            .iter()
            .zip(&prefix.parts)
            .all(|(a, b)| a == b || (ignore_case && a.to_lowercase() == b.to_lowercase()));
        same.then(|| rest.iter().map(String::as_str).collect())
    }

    /// The path in this machine's notation; `None` if it is of another platform.
    pub(super) fn native(&self) -> Option<String> {
        match (cfg!(windows), self.is_windows) {
            (false, false) => Some(format!("/{}", self.parts.join("/"))),
            (true, true) => Some(self.parts.join("\\")),
            _ => None,
        }
    }

    /// What comes after the last `site-packages` or `dist-packages`.
    pub(super) fn after_site_packages(&self) -> Option<&[String]> {
        let at = self.parts.iter().rposition(|p| matches!(p.as_str(), "site-packages" | "dist-packages"))?;
        Some(&self.parts[at + 1..])
    }

    /// Whether it names installed code: packages, the standard library, an environment of tox or nox.
    pub(super) fn is_installed(&self) -> bool {
        self.parts.iter().any(|part| super::is_foreign_name(part))
            || self.parts.windows(2).any(|pair| super::is_stdlib_pair(&pair[0], &pair[1]))
    }
}

/// The path of a `file:` URI after its `//`: `host/path` or `/path`, percent signs decoded.
fn from_uri(rest: &str) -> String {
    let rest = rest.strip_prefix("localhost").filter(|rest| rest.starts_with('/')).unwrap_or(rest);
    let rest = if rest.starts_with('/') { rest.to_owned() } else { format!("//{rest}") };
    let mut bytes = Vec::with_capacity(rest.len());
    let mut from = rest.as_bytes();
    while let [first, tail @ ..] = from {
        let code = (*first == b'%')
            .then(|| tail.get(..2))
            .flatten()
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(code.unwrap_or(*first));
        from = if code.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
