//! pytest that ends before its session: a plain traceback from the program's start, or a refusal of its arguments
//! or settings.

use super::{Bounded, Limits, Session};

/// A traceback outside of any session.
#[derive(Debug, Default)]
pub(super) struct Died {
    text: Bounded,
    open: bool,
    /// It goes through the start of the program pytest.
    certain: bool,
    blank: bool,
}

impl Died {
    /// Takes a line in; whether it belongs to the traceback.
    pub(super) fn line(&mut self, line: &str, max: usize) -> bool {
        let starts = line.starts_with("Traceback (most recent call last):");
        if starts && !self.open && !self.certain {
            *self = Self { open: true, ..Self::default() };
        }
        if !self.open {
            return false;
        }
        if line.trim().is_empty() {
            self.blank = true;
            return true;
        }
        let goes_on = starts
            || line.starts_with(' ')
            || line.starts_with("During handling of the above exception")
            || line.starts_with("The above exception was the direct cause");
        if std::mem::take(&mut self.blank) {
            if !goes_on {
                self.open = false;
                return false;
            }
            self.text.push_line("", max);
        }
        self.certain |= is_start_of_pytest(line);
        self.text.push_line(line, max);
        true
    }

    /// Whether it is pytest that died.
    pub(super) fn is_certain(&self) -> bool {
        self.certain
    }

    /// The traceback, if it is pytest's.
    pub(super) fn take(&mut self) -> Option<Bounded> {
        let died = std::mem::take(self);
        died.certain.then_some(died.text)
    }
}

/// Whether a traceback's line is where the program pytest starts: `python -m pytest`, the script, or the import
/// of pytest by either.
fn is_start_of_pytest(line: &str) -> bool {
    let Some(rest) = line.trim_start().strip_prefix("File \"") else { return false };
    let Some((path, _)) = rest.split_once("\", line ") else { return false };
    let path = path.replace('\\', "/");
    [
        "/pytest/__main__.py",
        "/bin/pytest",
        "/bin/py.test",
        "/Scripts/pytest.exe/__main__.py",
        "/pytest/__init__.py",
    ]
    .iter()
    .any(|end| path.ends_with(end))
}

impl Session {
    /// What pytest refused before its session, if that is all it said, as the failure of pytest itself.
    pub(super) fn refused(&mut self, limits: Limits) {
        for (_, message) in self.usage.extract_if(.., |(_, message)| is_refusal(message)) {
            let first = if self.internal.is_empty() { "UsageError: " } else { "" };
            let message = message.strip_prefix("usage: ").unwrap_or(&message);
            self.internal.push_line(&format!("{first}{message}"), limits.max_text);
        }
    }
}

/// Whether words behind `ERROR: ` are surely pytest's.
fn is_refusal(message: &str) -> bool {
    let config = ["pyproject.toml: ", "pytest.toml: ", "pytest.ini:", "tox.ini:", "setup.cfg:"];
    message.starts_with("usage: ")
        || message.starts_with("file or directory not found: ")
        || message.starts_with("Error importing plugin \"")
        || message.starts_with("Missing required plugins: ")
        || config.iter().any(|file| message.contains(file))
}
