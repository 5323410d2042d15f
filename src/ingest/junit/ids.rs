//! Test ids from JUnit's `classname` and `name`, in which pytest has put dots for `/` and `::` and dropped `.py`.

use crate::ingest::FileProbe;
use crate::model::maps::Map;

/// Most class names remembered.
const MOST_CACHED: usize = 16 << 10;

/// Makes test ids. The same class name always gives the same file, for passed and failed tests alike.
pub(crate) struct Ids<'a> {
    probe: Option<&'a FileProbe>,
    /// By class name and file, with a zero between: the id's part before the test's own name.
    cache: Map<String, String>,
    key: String,
    /// The last id, which begins with the prefix of the tests being read and `::`.
    id: String,
    /// Length of that beginning; zero when it is to be looked up.
    prefix: usize,
}

impl<'a> Ids<'a> {
    /// Ids settled by the files that `probe` knows, where there is one.
    pub(crate) fn new(probe: Option<&'a FileProbe>) -> Self {
        Self { probe, cache: Map::default(), key: String::new(), id: String::new(), prefix: 0 }
    }

    /// Other class names or files follow.
    pub(crate) fn forget(&mut self) {
        self.prefix = 0;
    }

    /// The id of a test; of one with another class or file than the test before only after
    /// [`Ids::forget`]. `file` is JUnit's attribute, or empty; `text` is what the failure says, or empty.
    pub(crate) fn test(&mut self, classname: &str, name: &str, file: &str, text: &str) -> &str {
        self.id.truncate(self.prefix);
        if self.prefix == 0 && !(classname.is_empty() && file.is_empty()) {
            self.key.clear();
            self.key.push_str(classname);
            self.key.push('\0');
            self.key.push_str(file);
            if let Some(known) = self.cache.get(&self.key) {
                self.id.push_str(known);
            } else {
                let prefix = self.settle(classname, name, file, text);
                self.id.push_str(&prefix);
                if self.cache.len() >= MOST_CACHED {
                    self.cache.clear();
                }
                self.cache.insert(self.key.clone(), prefix);
            }
            self.id.push_str("::");
            self.prefix = self.id.len();
        }
        self.id.push_str(name);
        &self.id
    }

    fn settle(&self, classname: &str, name: &str, file: &str, text: &str) -> String {
        let file = file.replace('\\', "/");
        if !file.is_empty() {
            // The attribute is where the function is defined, which is another file for an inherited test.
            if classname.is_empty() {
                return file;
            }
            for stem in [file.strip_suffix(".py").unwrap_or(&file), &file] {
                let dotted = stem.replace('/', ".");
                if let Some(rest) = after(classname, &dotted) {
                    return with_classes(&file, rest);
                }
            }
        }
        if let Some(found) = self.split(classname, name, text) {
            return found;
        }
        if !file.is_empty() {
            return file;
        }
        classname.replace('.', "/") + ".py"
    }

    /// Finds the prefix of `classname` that is a file.
    fn split(&self, classname: &str, name: &str, text: &str) -> Option<String> {
        let parts: Vec<&str> = classname.split('.').collect();
        let path = |from: usize, to: usize| parts[from..to].join("/");
        let classes = |from: usize| parts[from..].join(".");
        // A text file with doctests: `docs.guide.txt`, `guide.txt`.
        if name.contains('.') && (classname == name || classname.ends_with(&format!(".{name}"))) {
            let folder = classname[..classname.len() - name.len()].replace('.', "/");
            return Some(format!("{folder}{name}"));
        }
        if let Some(probe) = self.probe {
            // Beginning later serves a prefix from `--junitprefix`, and a workspace below pytest's rootdir.
            for from in 0..parts.len().min(16) {
                for to in ((from + 1)..=parts.len().min(from + 32)).rev() {
                    let file = path(from, to) + ".py";
                    if probe.exists(&file) {
                        return Some(with_classes(&file, &classes(to)));
                    }
                }
            }
        }
        let is_test = |part: &&str| part.starts_with("test_") || part.ends_with("_test");
        if let Some(at) = parts.iter().rposition(is_test) {
            return Some(with_classes(&(path(0, at + 1) + ".py"), &classes(at + 1)));
        }
        for to in (1..=parts.len()).rev() {
            let file = path(0, to) + ".py";
            if !text.is_empty()
                && memchr::memmem::find(text.as_bytes(), format!("{file}:").as_bytes()).is_some()
            {
                return Some(with_classes(&file, &classes(to)));
            }
        }
        // Classes begin with a capital, modules seldom do.
        let upper = |part: &&str| part.chars().next().is_some_and(char::is_uppercase);
        match parts.iter().position(upper) {
            Some(at) if at > 0 => Some(with_classes(&(path(0, at) + ".py"), &classes(at))),
            _ => None,
        }
    }

    /// The id of something that could not be collected: a file, a folder or a class.
    pub(crate) fn collected(&self, classname: &str, name: &str, file: &str, text: &str) -> String {
        if !classname.is_empty() {
            // A class, or something else within a file.
            let prefix = self.settle(classname, name, file, text);
            return format!("{prefix}::{name}");
        }
        if !file.is_empty() {
            return file.replace('\\', "/");
        }
        let path = name.replace('.', "/");
        let module = format!("{path}.py");
        let mentions = |what: &str| memchr::memmem::find(text.as_bytes(), what.as_bytes()).is_some();
        if let Some(probe) = self.probe {
            if probe.exists(&module) {
                return module;
            }
            if probe.exists(&path) {
                return path;
            }
        }
        let last = name.rsplit('.').next().unwrap_or(name);
        if mentions(&module) {
            module
        } else if mentions(&format!("{path}/")) || name.is_empty() {
            path
        } else if let Some((stem, suffix)) = name.rsplit_once('.')
            && matches!(suffix, "txt" | "rst" | "md" | "yaml" | "yml" | "ipynb" | "toml" | "json")
        {
            format!("{}.{suffix}", stem.replace('.', "/"))
        } else if last.starts_with("test_") || last.ends_with("_test") {
            module
        } else {
            path
        }
    }
}

/// What follows `prefix` in the dotted `name`, without its leading dot.
fn after<'n>(name: &'n str, prefix: &str) -> Option<&'n str> {
    let rest = name.strip_prefix(prefix)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('.') }
}

/// `file` followed by dotted class names.
fn with_classes(file: &str, classes: &str) -> String {
    if classes.is_empty() { file.to_owned() } else { format!("{file}::{}", classes.replace('.', "::")) }
}

/// Characters that pytest's JUnit writer could not write in XML and spelled as `#x1B` or `#x1F69A`, restored.
/// Only spellings that the writer makes are: control characters, and those beyond U+FFFF.
pub(crate) fn unspelled(text: &str) -> std::borrow::Cow<'_, str> {
    if memchr::memchr(b'#', text.as_bytes()).is_none() {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("#x") {
        out.push_str(&rest[..at]);
        let digits = rest[at + 2..].bytes().take(6).take_while(u8::is_ascii_hexdigit).count();
        let upper = |n: usize| {
            let text = &rest[at + 2..at + 2 + n];
            (n <= digits && !text.bytes().any(|b| b.is_ascii_lowercase()))
                .then(|| u32::from_str_radix(text, 16).ok())
                .flatten()
                .and_then(char::from_u32)
        };
        let found = match (digits >= 5).then(|| upper(5)).flatten() {
            Some(c) if c as u32 >= 0x1_0000 => Some((c, 5)),
            _ => (digits >= 2).then(|| upper(2)).flatten().filter(char::is_ascii_control).map(|c| (c, 2)),
        };
        if let Some((c, len)) = found {
            out.push(c);
            rest = &rest[at + 2 + len..];
        } else {
            out.push_str("#x");
            rest = &rest[at + 2..];
        }
    }
    out.push_str(rest);
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids() {
        let files =
            ["tests/test_a.py", "tests/unit/checks.py", "tests/pkg", "src/app/price.py", "sub/test_b.py"];
        let probe = FileProbe::new(move |path| files.contains(&path));
        // class name, name, file attribute, text; id with the files known, id without.
        let cases = [
            ("tests.test_a", "test_x", "", "", "tests/test_a.py::test_x", "tests/test_a.py::test_x"),
            ("tests.test_a.TestB", "test_x[a.b::c]", "", "", "tests/test_a.py::TestB::test_x[a.b::c]", ""),
            ("tests.test_a.TestB.TestC", "t", "", "", "tests/test_a.py::TestB::TestC::t", ""),
            ("tests.unit.checks", "test_x", "", "", "tests/unit/checks.py::test_x", ""),
            ("tests.unit.checks.Inner", "test_x", "", "", "tests/unit/checks.py::Inner::test_x", ""),
            (
                "tests.unit.checks.inner",
                "t",
                "",
                "tests/unit/checks.py:3: Error",
                "tests/unit/checks.py::inner::t",
                "",
            ),
            (
                "prefix.tests.unit.checks",
                "t",
                "",
                "",
                "tests/unit/checks.py::t",
                "prefix/tests/unit/checks.py::t",
            ),
            ("src.app.price", "app.price.total", "", "", "src/app/price.py::app.price.total", ""),
            ("docs.guide.txt", "guide.txt", "", "", "docs/guide.txt::guide.txt", ""),
            ("README.md", "README.md", "", "", "README.md::README.md", ""),
            ("tests.test_a.TestB", "t", "tests/test_a.py", "", "tests/test_a.py::TestB::t", ""),
            ("tests.test_a.TestB", "t", "tests\\test_a.py", "", "tests/test_a.py::TestB::t", ""),
            // Inherited: the attribute names the base class's file.
            ("tests.test_a.TestB", "t", "tests/base.py", "", "tests/test_a.py::TestB::t", ""),
            ("docs.guide.txt", "guide.txt", "docs/guide.txt", "", "docs/guide.txt::guide.txt", ""),
            ("", "test_x", "tests/test_a.py", "", "tests/test_a.py::test_x", ""),
            ("", "lonely", "", "", "lonely", ""),
        ];
        for (classname, name, file, text, with, without) in cases {
            let without = if without.is_empty() { with } else { without };
            assert_eq!(Ids::new(Some(&probe)).test(classname, name, file, text), with);
            assert_eq!(Ids::new(None).test(classname, name, file, text), without, "no files known");
        }
    }

    #[test]
    fn collection_ids() {
        let probe = FileProbe::new(|path| ["pkg/sub", "checks.py"].contains(&path));
        let cases = [
            ("", "tests.test_a", "", "", "tests/test_a.py"),
            ("", "pkg.sub", "", "", "pkg/sub"),
            ("", "checks", "", "", "checks.py"),
            ("", "tests.more", "", "tests/more/conftest.py:3: in <module>", "tests/more"),
            ("", "tests.more", "", "tests/more.py:3: in <module>", "tests/more.py"),
            ("", "docs.guide.txt", "", "", "docs/guide.txt"),
            ("", "", "", "", ""),
            ("", "tests.test_a", "tests\\test_a.py", "", "tests/test_a.py"),
            ("tests.test_a", "TestB", "", "", "tests/test_a.py::TestB"),
        ];
        for (classname, name, file, text, expected) in cases {
            assert_eq!(Ids::new(Some(&probe)).collected(classname, name, file, text), expected);
        }
    }

    #[test]
    fn spelled_characters() {
        let cases = [
            ("#x1F69A!", "🚚!"),
            ("#x1B[31m", "\u{1b}[31m"),
            ("#x00a", "\0a"),
            ("#x41 #xff #x #xZZ #x1f69a #xFFFF", "#x41 #xff #x #xZZ #x1f69a #xFFFF"),
            ("größe", "größe"),
            ("#x1F69A#x1F69A", "🚚🚚"),
        ];
        for (text, expected) in cases {
            assert_eq!(unspelled(text), expected, "{text}");
        }
    }
}
