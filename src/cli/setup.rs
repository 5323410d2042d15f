//! `failscope setup`: switches the plugin on for every pytest run of a project, whoever starts it, or off again.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::output;
use super::project::Project;
use crate::system::System;

/// Arguments of `failscope setup`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The project's folder [default: the one around the working directory]
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Take the setting out again
    #[arg(long)]
    undo: bool,
}

/// The plugin's ini option.
const KEY: &str = "failscope";

/// Runs the subcommand; gives the exit code.
pub fn execute(args: &Args, system: &System) -> anyhow::Result<u8> {
    let project = Project::open(args.root.as_deref(), system)?;
    let place = Place::find(&project.root)?;
    let shown = place.path.strip_prefix(&project.root).unwrap_or(&place.path).display();
    let section = &place.section;
    let changed = if args.undo { place.without()? } else { place.with()? };
    let message = match (changed, args.undo) {
        (None, false) => format!("{shown} has `{KEY}` in [{section}] already; nothing was changed"),
        (None, true) => format!("{shown} has no `{KEY}` in [{section}]; nothing was changed"),
        (Some(Change::Write(text)), undo) => {
            replace(&place.path, &text)?;
            if undo {
                format!("took `{KEY}` out of [{section}] in {shown}")
            } else {
                format!(
                    "added `{KEY} = true` to [{section}] in {shown}: every pytest run of this project is now \
                     recorded and analysed, also those of an editor.\nThe plugin has to be installed where pytest \
                     is: pip install failscope\nUndo: failscope setup --undo"
                )
            }
        }
        (Some(Change::Remove), _) => {
            std::fs::remove_file(&place.path)
                .with_context(|| format!("cannot remove {}", place.path.display()))?;
            format!("removed {shown}, which held nothing else")
        }
    };
    let mut out = output::stdout(false);
    writeln!(out, "{message}").context("cannot write to standard output")?;
    Ok(super::EXIT_OK)
}

/// What becomes of a file.
#[derive(Debug, PartialEq, Eq)]
enum Change {
    /// It gets this text.
    Write(String),
    /// It goes.
    Remove,
}

/// The file and section that pytest takes its options from.
#[derive(Debug)]
struct Place {
    path: PathBuf,
    section: String,
    /// `None` if there is no such file yet.
    text: Option<String>,
}

impl Place {
    /// As pytest looks for it: <https://docs.pytest.org/en/stable/reference/customize.html>. `pytest.toml` and
    /// `pytest.ini` count even when they are empty, the others if they have the section. A project with none
    /// of them gets the section in its `pyproject.toml`, or else a `pytest.ini`.
    fn find(root: &Path) -> anyhow::Result<Self> {
        let candidates = [
            ("pytest.toml", "pytest", true),
            (".pytest.toml", "pytest", true),
            ("pytest.ini", "pytest", true),
            (".pytest.ini", "pytest", true),
            ("pyproject.toml", "tool.pytest", false),
            ("pyproject.toml", "tool.pytest.ini_options", false),
            ("tox.ini", "pytest", false),
            ("setup.cfg", "tool:pytest", false),
        ];
        let mut pyproject = None;
        for (name, section, always) in candidates {
            let path = root.join(name);
            let text = match std::fs::read_to_string(&path) {
                Ok(text) => text,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
            };
            let place = Self { path, section: section.to_owned(), text: Some(text) };
            if always || place.has_section()? {
                return Ok(place);
            }
            if name == "pyproject.toml" {
                pyproject = Some(place);
            }
        }
        Ok(pyproject.unwrap_or_else(|| Self {
            path: root.join("pytest.ini"),
            section: "pytest".to_owned(),
            text: None,
        }))
    }

    fn is_toml(&self) -> bool {
        self.path.extension().is_some_and(|extension| extension == "toml")
    }

    fn text(&self) -> &str {
        self.text.as_deref().unwrap_or_default()
    }

    fn document(&self) -> anyhow::Result<toml_edit::DocumentMut> {
        self.text().parse().with_context(|| format!("cannot read {}", self.path.display()))
    }

    fn has_section(&self) -> anyhow::Result<bool> {
        if !self.is_toml() {
            return Ok(self.ini_section().is_some());
        }
        let document = self.document()?;
        let mut item = document.as_item();
        for part in self.section.split('.') {
            match item.get(part) {
                Some(inner) => item = inner,
                None => return Ok(false),
            }
        }
        // [tool.pytest] may be there for [tool.pytest.ini_options] only.
        Ok(self.section != "tool.pytest"
            || item.as_table_like().is_some_and(|table| table.iter().any(|(key, _)| key != "ini_options")))
    }

    /// The lines of the ini file's section: the line of its header and the one after its last.
    fn ini_section(&self) -> Option<(usize, usize)> {
        let header = format!("[{}]", self.section);
        let mut lines = self.text().lines().enumerate();
        let (start, _) = lines.by_ref().find(|(_, line)| line.trim_end() == header)?;
        let end =
            lines.find(|(_, line)| line.starts_with('[')).map_or(self.text().lines().count(), |(at, _)| at);
        Some((start, end))
    }

    /// The line of the option in the ini file.
    fn ini_option(&self) -> Option<usize> {
        let (start, end) = self.ini_section()?;
        let is_it =
            |line: &str| line.strip_prefix(KEY).is_some_and(|rest| rest.trim_start().starts_with(['=', ':']));
        self.text()
            .lines()
            .enumerate()
            .take(end)
            .skip(start + 1)
            .find(|(_, line)| is_it(line))
            .map(|(at, _)| at)
    }

    /// The file with the option; `None` if it has it.
    fn with(&self) -> anyhow::Result<Option<Change>> {
        if self.is_toml() {
            let mut document = self.document()?;
            let table = table_at(document.as_table_mut(), &self.section)
                .with_context(|| format!("[{}] in {} is no table", self.section, self.path.display()))?;
            if table.get(KEY).is_some() {
                return Ok(None);
            }
            table.insert(KEY, toml_edit::value("true"));
            return Ok(Some(Change::Write(document.to_string())));
        }
        if self.ini_option().is_some() {
            return Ok(None);
        }
        let line = format!("{KEY} = true");
        let text = match self.ini_section() {
            Some((start, _)) => self.lines_with(|at| if at == start { Some(line.as_str()) } else { None }),
            None => format!("{}[{}]\n{line}\n", self.text(), self.section),
        };
        Ok(Some(Change::Write(text)))
    }

    /// The file's text with a line after those for which there is one; line ends stay as they are.
    fn lines_with<'a>(&self, after: impl Fn(usize) -> Option<&'a str>) -> String {
        let mut text = String::new();
        for (at, line) in self.text().split_inclusive('\n').enumerate() {
            text += line;
            if let Some(more) = after(at) {
                let end = if line.ends_with("\r\n") { "\r\n" } else { "\n" };
                if !line.ends_with('\n') {
                    text += end;
                }
                text += more;
                text += end;
            }
        }
        text
    }

    /// The file without the option; `None` if it does not have it.
    fn without(&self) -> anyhow::Result<Option<Change>> {
        if self.is_toml() {
            let mut document = self.document()?;
            if !self.has_section()? {
                return Ok(None);
            }
            let table = table_at(document.as_table_mut(), &self.section)
                .with_context(|| format!("[{}] in {} is no table", self.section, self.path.display()))?;
            if table.remove(KEY).is_none() {
                return Ok(None);
            }
            if table.is_empty()
                && let Some((parent, name)) = self.section.rsplit_once('.')
                && let Some(parent) = table_at(document.as_table_mut(), parent)
            {
                parent.remove(name);
            }
            return Ok(Some(Change::Write(document.to_string())));
        }
        let Some(option) = self.ini_option() else { return Ok(None) };
        let kept: String = self
            .text()
            .split_inclusive('\n')
            .enumerate()
            .filter(|(at, _)| *at != option)
            .map(|(_, line)| line)
            .collect();
        if kept.trim() == format!("[{}]", self.section) {
            return Ok(Some(Change::Remove));
        }
        Ok(Some(Change::Write(kept)))
    }
}

/// The table at a dotted path, made where it is missing.
fn table_at<'a>(root: &'a mut toml_edit::Table, path: &str) -> Option<&'a mut dyn toml_edit::TableLike> {
    let mut table: &mut dyn toml_edit::TableLike = root;
    for part in path.split('.') {
        let item = table.entry(part).or_insert_with(|| {
            let mut made = toml_edit::Table::new();
            made.set_implicit(true);
            toml_edit::Item::Table(made)
        });
        table = item.as_table_like_mut()?;
    }
    Some(table)
}

/// Replaces a file at once, with the permissions it had.
fn replace(path: &Path, text: &str) -> anyhow::Result<()> {
    let failed = || format!("cannot write {}", path.display());
    // A link stays a link.
    let path = &std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().with_context(failed)?;
    let mut file = tempfile::NamedTempFile::new_in(folder).with_context(failed)?;
    file.write_all(text.as_bytes()).with_context(failed)?;
    if let Ok(known) = std::fs::metadata(path) {
        std::fs::set_permissions(file.path(), known.permissions()).with_context(failed)?;
    } else {
        #[cfg(unix)]
        std::fs::set_permissions(file.path(), std::os::unix::fs::PermissionsExt::from_mode(0o644))
            .with_context(failed)?;
    }
    file.persist(path).with_context(failed)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// File before; file with the option. Taking it out again gives the file before.
    #[test]
    fn the_option_comes_and_goes_without_a_trace() {
        let rows = [
            (
                "pyproject.toml",
                "[tool.pytest.ini_options] # ours\naddopts = '-q' # quiet\n",
                "[tool.pytest.ini_options] # ours\naddopts = '-q' # quiet\nfailscope = \"true\"\n",
            ),
            (
                "pyproject.toml",
                "[project]\nname = 'x'\n",
                "[project]\nname = 'x'\n\n[tool.pytest.ini_options]\nfailscope = \"true\"\n",
            ),
            (
                "pyproject.toml",
                "[tool.pytest]\nminversion = '9'\n",
                "[tool.pytest]\nminversion = '9'\nfailscope = \"true\"\n",
            ),
            (
                "pyproject.toml",
                "[tool.black]\nline-length = 80\n\n[tool.pytest.ini_options]\nx = 1\n\n[tool.mypy]\nstrict = true\n",
                "[tool.black]\nline-length = 80\n\n[tool.pytest.ini_options]\nx = 1\nfailscope = \"true\"\n\n[tool.mypy]\nstrict = true\n",
            ),
            (
                "pytest.ini",
                "; a comment\n[pytest]\naddopts =\n    -q\n",
                "; a comment\n[pytest]\nfailscope = true\naddopts =\n    -q\n",
            ),
            (
                "tox.ini",
                "[tox]\nenvlist = py\r\n[pytest]\r\nx = 1\r\n",
                "[tox]\nenvlist = py\r\n[pytest]\r\nfailscope = true\r\nx = 1\r\n",
            ),
            (
                "setup.cfg",
                "[metadata]\n[tool:pytest]\ntestpaths = tests\n[other]\nfailscope = 1\n",
                "[metadata]\n[tool:pytest]\nfailscope = true\ntestpaths = tests\n[other]\nfailscope = 1\n",
            ),
            ("pytest.toml", "[pytest]\nx = 1\n", "[pytest]\nx = 1\nfailscope = \"true\"\n"),
        ];
        for (name, before, after) in rows {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join(name);
            std::fs::write(&path, before).unwrap();
            assert_eq!(Place::find(dir.path()).unwrap().without().unwrap(), None, "{before}");
            let Some(Change::Write(text)) = Place::find(dir.path()).unwrap().with().unwrap() else {
                panic!("{before}: nothing is written")
            };
            assert_eq!(text, after);
            std::fs::write(&path, &text).unwrap();
            let place = Place::find(dir.path()).unwrap();
            assert_eq!(place.with().unwrap(), None, "{before}");
            assert_eq!(place.without().unwrap(), Some(Change::Write(before.to_owned())));
        }
    }

    #[test]
    fn a_project_without_settings_gets_a_file_that_goes_again() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::find(dir.path()).unwrap();
        assert_eq!(place.with().unwrap(), Some(Change::Write("[pytest]\nfailscope = true\n".to_owned())));
        replace(&place.path, "[pytest]\nfailscope = true\n").unwrap();
        assert_eq!(Place::find(dir.path()).unwrap().without().unwrap(), Some(Change::Remove));
    }

    #[test]
    fn a_broken_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("pyproject.toml"), "[tool.pytest\n").unwrap();
        let error = format!("{:#}", Place::find(dir.path()).unwrap_err());
        assert!(error.contains("pyproject.toml") && error.contains("line 1"), "{error}");
    }
}
