//! pytest's settings in the project's files, and edits of them.

use crate::diagnose::draft::TextEdit;
use crate::diagnose::rules::edits;
use crate::model::RelPath;
use crate::workspace::python::Span;
use crate::workspace::{SourceFile, Workspace};

/// The files that pytest reads, in its order, each with the section that counts there.
const FILES: [(&str, &str); 5] = [
    ("pytest.ini", "[pytest]"),
    (".pytest.ini", "[pytest]"),
    ("pyproject.toml", "[tool.pytest.ini_options]"),
    ("tox.ini", "[pytest]"),
    ("setup.cfg", "[tool:pytest]"),
];

/// The edit that adds `value` to the list `option`; `None` where no file of settings is there, or none that this
/// can change.
pub(super) fn add(workspace: &Workspace, option: &str, value: &str) -> Option<TextEdit> {
    let sources = FILES.iter().filter_map(|(name, section)| {
        let path = RelPath::new(name).filter(|path| workspace.is_file(path))?;
        Some((workspace.source(&path)?, *section))
    });
    let sources: Vec<_> = sources.collect();
    // `pytest.ini` counts even when it is empty; of the others the first that has the section.
    let chosen = sources
        .iter()
        .find(|(source, section)| {
            has_section(source, section) || source.path().as_str().ends_with("pytest.ini")
        })
        .or_else(|| sources.iter().find(|(source, _)| source.path().as_str() == "pyproject.toml"))
        .or_else(|| sources.first())?;
    edit(&chosen.0, chosen.1, option, value)
}

fn has_section(source: &SourceFile, section: &str) -> bool {
    source.text().lines().any(|line| line.trim() == section)
}

fn edit(source: &SourceFile, section: &str, option: &str, value: &str) -> Option<TextEdit> {
    let (text, path) = (source.text(), source.path());
    let is_toml = path.as_str() == "pyproject.toml";
    let newline = edits::newline(text);
    let entry = if is_toml {
        format!("{option} = [\"{}\"]", value.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        format!("{option} ={newline}    {value}")
    };
    let Some(header) =
        (1..=source.line_count()).find(|&n| source.line(n).is_some_and(|l| l.trim() == section))
    else {
        let end = text.trim_end().len() as u32;
        let gap = if end == 0 { String::new() } else { format!("{newline}{newline}") };
        let last = if end as usize == text.len() { newline } else { "" };
        return Some(TextEdit::insert(path, end, format!("{gap}{section}{newline}{entry}{last}")));
    };
    let mut line = header + 1;
    while let Some(content) = source.line(line).filter(|content| !content.trim_start().starts_with('[')) {
        let is_option = content.strip_prefix(option).is_some_and(|rest| rest.trim_start().starts_with('='));
        if is_option {
            return into_list(source, line, content, is_toml, value, newline);
        }
        line += 1;
    }
    let after = source.offset(header, 1)? + source.line(header)?.trim_end().len() as u32;
    Some(TextEdit::insert(path, after, format!("{newline}{entry}")))
}

/// Adds to a list that is there already.
fn into_list(
    source: &SourceFile,
    line: u32,
    content: &str,
    is_toml: bool,
    value: &str,
    newline: &str,
) -> Option<TextEdit> {
    let start = source.offset(line, 1)?;
    if is_toml {
        let open = start + content.find('[')? as u32;
        let quoted = format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""));
        let rest = source.text().get(open as usize + 1..)?;
        let is_empty = rest.trim_start().starts_with(']');
        let new = if is_empty { quoted } else { format!("{quoted}, ") };
        return Some(TextEdit::insert(source.path(), open + 1, new));
    }
    let end = start + content.trim_end().len() as u32;
    let given = content.split_once('=').is_some_and(|(_, given)| !given.trim().is_empty());
    let new = if given && content.starts_with("pythonpath") {
        format!(" {value}")
    } else {
        format!("{newline}    {value}")
    };
    Some(TextEdit::replace(source.path(), Span { start: end, end }, new))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::diagnose::draft::edited;
    use std::sync::Arc;

    #[test]
    fn settings_are_added_where_pytest_reads_them() {
        for (files, expected) in [
            (
                &[("pyproject.toml", "[project]\nname = 'x'\n")][..],
                "[project]\nname = 'x'\n\n[tool.pytest.ini_options]\nmarkers = [\"slow\"]\n",
            ),
            (
                &[("pyproject.toml", "[tool.pytest.ini_options]\naddopts = '-q'\n")],
                "[tool.pytest.ini_options]\nmarkers = [\"slow\"]\naddopts = '-q'\n",
            ),
            (
                &[("pyproject.toml", "[tool.pytest.ini_options]\nmarkers = ['a: b']")],
                "[tool.pytest.ini_options]\nmarkers = [\"slow\", 'a: b']",
            ),
            (
                &[("pyproject.toml", "[tool.pytest.ini_options]\nmarkers = [\n  'a',\n]\n")],
                "[tool.pytest.ini_options]\nmarkers = [\"slow\", \n  'a',\n]\n",
            ),
            (
                &[("pytest.ini", "[pytest]\r\nmarkers =\r\n    a: b\r\n"), ("pyproject.toml", "")],
                "[pytest]\r\nmarkers =\r\n    slow\r\n    a: b\r\n",
            ),
            (
                &[("setup.cfg", "[metadata]\nname = x\n\n[tool:pytest]\n"), ("tox.ini", "[tox]\n")],
                "[metadata]\nname = x\n\n[tool:pytest]\nmarkers =\n    slow\n",
            ),
            (&[("pyproject.toml", "")], "[tool.pytest.ini_options]\nmarkers = [\"slow\"]\n"),
        ] {
            let overlay = files.iter().map(|(p, t)| (RelPath::new(p).unwrap(), Arc::from(*t))).collect();
            let workspace = Workspace::new("/no/such", Arc::default()).with_overlay(overlay);
            let edit = add(&workspace, "markers", "slow").expect(expected);
            let text = workspace.text(&edit.path).unwrap();
            assert_eq!(edited(&text, [&edit]).as_deref(), Some(expected), "{files:?}");
        }
    }
}
