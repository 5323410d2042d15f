//! Changes that a model proposes, as fixes: only in files of the evidence, only where the text that goes stands once
//! and was shown, and only if the result is Python still.

use super::answer::Replacement;
use super::claims::{Library, without_numbers};
use super::dossier::Dossier;
use crate::analysis;
use crate::cluster::fingerprint::is_test_path;
use crate::diagnose::Draft;
use crate::diagnose::draft::TextEdit;
use crate::evidence::redact::Redactor;
use crate::model::{Fix, FixTarget, RelPath};
use crate::workspace::python::{Module, Span};
use crate::workspace::{SourceFile, Workspace};

/// Most lines of a replacement.
const MAX_LINES: usize = 120;

/// What the fix is made of.
pub struct Context<'a> {
    /// The evidence that was sent.
    pub dossier: &'a Dossier,
    /// The files as they were then.
    pub workspace: &'a Workspace,
    /// For texts that are shown.
    pub redactor: &'a Redactor,
    /// `provider/model`.
    pub by: &'a str,
}

/// The fix that `replacements` make together; an error says which of them cannot be made, and why.
pub fn fix(
    replacements: &[Replacement],
    rationale: &str,
    library: &Library<'_>,
    context: &Context<'_>,
) -> Result<Option<Fix>, String> {
    let mut edits: Vec<TextEdit> = Vec::new();
    for replacement in replacements {
        let refused = |why: &str| format!("the proposed change of `{}` {why}", replacement.file);
        let path = library
            .file(&replacement.file)
            .filter(is_allowed)
            .ok_or_else(|| refused("is not in a source file of the evidence"))?;
        let source = context.workspace.source(&path).ok_or_else(|| refused("is in a file that is gone"))?;
        if !is_inside(context.workspace, &path) {
            return Err(refused("is outside of the workspace"));
        }
        if replacement.search.contains("[REDACTED:") || replacement.replace.contains("[REDACTED:") {
            return Err(refused("touches a secret"));
        }
        if replacement.replace.lines().count() > MAX_LINES {
            return Err(refused("is too long"));
        }
        let edit = place(&source, &path, replacement).map_err(refused)?;
        let (from, to) = (source.line_of(edit.span.start), source.line_of(edit.span.end));
        let was_sent = context
            .dossier
            .sources()
            .any(|(_, sent, lines)| *sent == path && lines.contains(&from) && lines.contains(&to));
        if !was_sent {
            return Err(refused("is in lines that were not shown"));
        }
        let old = source.text().get(edit.span.start as usize..edit.span.end as usize).unwrap_or_default();
        if old != edit.new_text {
            edits.push(edit);
        }
    }
    if edits.is_empty() {
        return Ok(None);
    }
    edits.sort_by(|a, b| (&a.path, a.span).cmp(&(&b.path, b.span)));
    if edits.windows(2).any(|pair| pair[0].path == pair[1].path && pair[1].span.start < pair[0].span.end) {
        return Err("the proposed changes overlap".to_owned());
    }
    let mut files: Vec<&RelPath> = edits.iter().map(|edit| &edit.path).collect();
    files.dedup();
    let target =
        if files.iter().all(|path| is_test_path(path.as_str())) { FixTarget::Test } else { FixTarget::Code };
    let names: Vec<String> = files.iter().map(|path| format!("`{}`", path.as_str())).collect();
    let files: Vec<RelPath> = files.into_iter().cloned().collect();
    let title = format!("Change {} as {} proposes", names.join(" and "), context.by);
    let draft = Draft::edits(target, title, rationale, edits);
    for path in &files {
        let before = context.workspace.source(path).map_or(0, |source| source.module().errors().len());
        let after = draft.applied(context.workspace, path).map(|text| Module::parse(&text).errors().len());
        if after.is_none_or(|after| after > before) {
            return Err(format!("with the proposed change `{}` is no Python any more", path.as_str()));
        }
    }
    let mut fix = analysis::shown_fix(&draft, context.workspace, context.redactor);
    if let Some(fix) = &mut fix {
        fix.proposed_by = Some(context.redactor.text(context.by));
    }
    Ok(fix)
}

/// Whether a model may change the file: Python, and nothing that configures the repository, its checks or machines.
fn is_allowed(path: &RelPath) -> bool {
    let path = path.as_str();
    let ending = std::path::Path::new(path).extension();
    let is_python = ending.is_some_and(|ending| ending == "py" || ending == "pyi");
    is_python
        && !path
            .split('/')
            .any(|part| part.starts_with('.') || part == "node_modules" || part == "site-packages")
}

/// Whether the file is one of the workspace when symbolic links are followed.
fn is_inside(workspace: &Workspace, path: &RelPath) -> bool {
    let (root, file) = (workspace.root().canonicalize(), path.under(workspace.root()).canonicalize());
    match (root, file) {
        (Ok(root), Ok(file)) => file.strip_prefix(root).is_ok_and(|inside| {
            !inside.components().any(|part| part.as_os_str().to_string_lossy().starts_with('.'))
        }),
        // An unsaved document.
        _ => true,
    }
}

/// Whether lines of the file are those that were searched for.
type Alike<'s> = &'s dyn Fn(&[&str]) -> bool;

/// Where the replacement goes: the one place where its lines stand, apart from blanks at their ends and from how far
/// all of them are indented; or the one place of a piece of a line.
fn place(source: &SourceFile, path: &RelPath, replacement: &Replacement) -> Result<TextEdit, &'static str> {
    let search = plain(&replacement.search);
    let replace = plain(&replacement.replace);
    let wanted: Vec<&str> = search.lines().collect();
    if search.trim().is_empty() {
        return Err("does not say what it replaces");
    }
    let lines: Vec<&str> =
        (1..=source.line_count()).map(|line| source.line(line).unwrap_or_default()).collect();
    let newline = if source.text().contains("\r\n") { "\r\n" } else { "\n" };
    let same: [Alike<'_>; 2] =
        [&|window| window.iter().zip(&wanted).all(|(a, b)| a.trim_end() == b.trim_end()), &|window| {
            let (a, b) = (indent(window), indent(&wanted));
            window.iter().zip(&wanted).all(|(x, y)| without(x, a.len()) == without(y, b.len()))
        }];
    for same in same {
        let mut hits = lines.windows(wanted.len()).enumerate().filter(|(_, window)| same(window));
        let Some((at, window)) = hits.next() else { continue };
        if hits.next().is_some() {
            return Err("fits more than one place");
        }
        let first = at as u32 + 1;
        let last = first + wanted.len() as u32 - 1;
        let start = source.offset(first, 1).ok_or("does not fit the file")?;
        let end = source.offset(last, 1).ok_or("does not fit the file")?
            + source.line(last).unwrap_or_default().len() as u32;
        let text = indented(&replace, indent(&wanted), indent(window)).join(newline);
        return Ok(TextEdit::replace(path, Span { start, end }, text));
    }
    // A piece of a line.
    let (search, replace) = (search.trim(), replace.trim());
    if search.contains('\n') || replace.contains('\n') {
        return Err("does not stand in the file");
    }
    let mut hits = source.text().match_indices(search);
    let Some((at, _)) = hits.next() else { return Err("does not stand in the file") };
    if hits.next().is_some() {
        return Err("fits more than one place");
    }
    let span = Span { start: at as u32, end: (at + search.len()) as u32 };
    Ok(TextEdit::replace(path, span, replace))
}

/// What was meant: without a fence, without the numbers that were sent in front of the lines, without empty lines
/// around it.
fn plain(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let fenced = text.lines().next().is_some_and(|line| line.trim_start().starts_with("```"));
    let lines: Vec<&str> =
        text.lines().filter(|line| !(fenced && line.trim_start().starts_with("```"))).collect();
    let numbered = |line: &&str| line.trim().is_empty() || without_numbers(line) != **line;
    let text = lines.join("\n");
    let text = if lines.iter().all(numbered) { without_numbers(&text) } else { text };
    text.trim_matches('\n').trim_end().to_owned()
}

/// The white space that all lines but empty ones begin with.
fn indent<'a>(lines: &[&'a str]) -> &'a str {
    lines
        .iter()
        .filter(|line| !line.trim().is_empty())
        .map(|line| &line[..line.len() - line.trim_start().len()])
        .min_by_key(|indent| indent.len())
        .unwrap_or_default()
}

/// `line` without its first `indent` bytes of white space, and without blanks at its end.
fn without(line: &str, indent: usize) -> &str {
    line.get(indent..)
        .filter(|_| line.len() >= indent && line[..indent].trim().is_empty())
        .unwrap_or(line)
        .trim_end()
}

/// The lines of `text`, moved from the indentation `from` to `to`.
fn indented(text: &str, from: &str, to: &str) -> Vec<String> {
    text.lines()
        .map(|line| match line.strip_prefix(from) {
            _ if line.trim().is_empty() => String::new(),
            Some(rest) => format!("{to}{rest}"),
            None => format!("{to}{}", line.trim_start()),
        })
        .collect()
}
