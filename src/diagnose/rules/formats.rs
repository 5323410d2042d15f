//! JSON that cannot be read or written.

mod delimiter;
mod written;

use crate::diagnose::Finding;
use crate::diagnose::case::{Case, at, code, line_of};
use crate::diagnose::draft::{Draft, TextEdit};
use crate::diagnose::rules::constant;
use crate::diagnose::rules::spot::{between, target};
use crate::diagnose::value::Value;
use crate::model::{Category, FixTarget, Frame, Place, RelPath, Severity};
use crate::workspace::SourceFile;
use crate::workspace::python::{Expr, ExprKind, Span};
use crate::workspace::resolve::assigned;

pub(super) use delimiter::delimiter;
pub(super) use written::not_serialisable;

/// Longest part of a document that is quoted.
const MAX_SHOWN: usize = 40;

/// The call of `json.load`, `json.loads` or a response's `.json()` at the failing line.
fn read_call(stmt: &[&Expr]) -> Option<(Span, Option<Span>, Span)> {
    let mut found = None;
    for expr in stmt {
        expr.walk(&mut |part| {
            if let ExprKind::Call { func, args, .. } = &part.kind
                && let Some(name) = func.dotted()
                && matches!(
                    name.as_str(),
                    "json.loads" | "json.load" | "loads" | "load" | "orjson.loads" | "ujson.loads"
                )
                && found.is_none()
            {
                found = Some((part.span, args.first().map(|a| a.span), func.span));
            }
        });
    }
    found
}

/// A text that is no JSON.
pub(super) fn not_json(case: &Case<'_>) -> Option<Finding> {
    let root = case.root()?;
    let (frame, place) = case.frame()?;
    let source = case.workspace.source(&place.path)?;
    let stmt = source.module().statement(place.line)?;
    let call = read_call(&stmt.expressions());
    if root.short_type() == "TypeError" {
        return wrong_input(case, &source, place, &root.message, call?);
    }
    if root.short_type() != "JSONDecodeError" {
        return None;
    }
    let message = root.message.lines().next()?.trim();
    let text_of = |span: Span| span.of(source.text()).to_owned();
    let argument = call.and_then(|(_, argument, _)| argument).map(text_of);
    let shown = argument.as_deref().and_then(|name| frame.shown(name)).and_then(text);
    let statement = case.statement(frame, place).unwrap_or_default();
    let new = |rule, confidence| {
        Finding::new(rule, Category::DataIssue, Severity::High, confidence)
            .shown(format!("{} ran {}", at(place), code(&statement)), Some(place))
    };
    if let Some((path, at_line, offset)) =
        file(case, &source, place, stmt.start_line, &stmt.expressions(), message)
    {
        return Some(in_file(case, &path, at_line, offset, place, message, new));
    }
    let subject = argument.as_deref().map_or_else(|| "the text".to_owned(), code);
    let at_start = message.contains("char 0)");
    let is_empty = shown.as_deref().map(|text| text.trim().is_empty());
    let mut found = if at_start && is_empty == Some(true) {
        new("json-empty", 0.85)
            .because(format!("{} parses {subject} as JSON, but it is empty: there is no document", at(place)))
            .suggest(format!(
                "Handle an empty text before parsing at {}, or find out why nothing was written",
                line_of(place)
            ))
    } else if let Some(text) = &shown {
        let part: String = text.chars().take(MAX_SHOWN).collect();
        let why = kind(text, message);
        new("json-invalid", 0.8)
            .because(format!(
                "{} parses {subject} as JSON, but it is {why}: {} ({})",
                at(place),
                code(&part),
                code(message)
            ))
            .suggest(format!("Give {} valid JSON, or handle what it gets", line_of(place)))
    } else if at_start {
        new("json-invalid", 0.65)
            .because(format!("{} parses {subject} as JSON, but it is empty or no JSON at all: not even its first character fits ({})", at(place), code(message)))
            .suggest(format!("Look at what {subject} is at {}: an empty text, HTML and Python's own `repr` all fail like this", line_of(place)))
            .note("What would settle it: the text that was parsed (run with the plugin, or with `-l`)")
    } else {
        new("json-invalid", 0.6)
            .because(format!("The text that {} parses as JSON is not valid: {}", at(place), code(message)))
            .suggest(format!("Correct the document that {} parses", line_of(place)))
    };
    found = found.suspect(place, 0.6, "parses the text");
    if let Some((_, test)) = case.test_frame().filter(|(_, test)| *test != place) {
        found = found.suspect(test, 0.25, "the call in the test");
    }
    if let (Some((span, Some(argument), _)), true) = (call, at_start && is_empty != Some(false)) {
        let text = argument.of(source.text());
        let simple = text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.'));
        let edit = TextEdit::insert(&place.path, span.end, format!(" if {text} else None"));
        let follows = source.text().get(span.end as usize..).and_then(|rest| rest.chars().next());
        if simple && follows.is_none_or(|c| matches!(c, '\n' | '\r' | ')')) {
            found = found.mend(Draft::edits(
                target(place),
                format!("Give `None` for an empty text ({})", line_of(place)),
                "An empty text holds no document",
                vec![edit],
            ));
        }
    }
    Some(found.mend(Draft::advice(
        FixTarget::Code,
        format!("Check what {subject} is before it is parsed ({})", line_of(place)),
        "It is no JSON",
    )))
}

/// What a text is instead of JSON.
fn kind(text: &str, message: &str) -> &'static str {
    let start = text.trim_start();
    if start.is_empty() {
        "empty"
    } else if start.starts_with('<') {
        "HTML or XML"
    } else if start.starts_with("{'")
        || start.starts_with("['")
        || message.contains("property name enclosed in double quotes") && start.contains('\'')
    {
        "Python's notation with single quotes, not JSON"
    } else if message.starts_with("Extra data") {
        "more than one document"
    } else {
        "not valid"
    }
}

/// The text of the `repr` of a string.
fn text(repr: &str) -> Option<String> {
    match Value::parse(repr)? {
        Value::Str(text) | Value::Bytes(text) => Some(text),
        _ => None,
    }
}

/// `json.loads` of what is no text.
fn wrong_input(
    case: &Case<'_>,
    source: &SourceFile,
    place: &Place,
    message: &str,
    (_, argument, func): (Span, Option<Span>, Span),
) -> Option<Finding> {
    let kind = message.split_once("the JSON object must be str, bytes or bytearray, not ")?.1;
    let kind = kind.split_whitespace().next()?;
    let argument = argument?;
    let shown = argument.of(source.text());
    let mut finding = Finding::new("json-input", Category::DataIssue, Severity::High, 0.88).suspect(
        place,
        0.8,
        format!("parses a `{kind}`"),
    );
    let (why, draft) = match kind {
        "dict" | "list" | "int" | "float" | "bool" => {
            let call = read_call(&source.module().statement(place.line)?.expressions())?.0;
            (
                "it has been parsed already",
                Some((
                    format!("Use {} as it is", code(shown)),
                    vec![TextEdit::replace(&place.path, call, shown)],
                )),
            )
        }
        "TextIOWrapper" | "BufferedReader" | "StringIO" | "BytesIO" | "HTTPResponse" => {
            let name = func.of(source.text());
            let at = func.start + name.len() as u32;
            let edit = TextEdit::replace(&place.path, Span { start: at - 1, end: at }, "");
            (
                "it is an open file: `json.load` reads files",
                name.ends_with("loads")
                    .then(|| ("Use `json.load`, which reads files".to_owned(), vec![edit])),
            )
        }
        "PosixPath" | "WindowsPath" => {
            let edit = TextEdit::insert(&place.path, argument.end, ".read_text(encoding=\"utf-8\")");
            (
                "it is a path, not what the file holds",
                Some((format!("Read the file: `{shown}.read_text()`"), vec![edit])),
            )
        }
        "NoneType" => return None,
        _ => ("it is no text", None),
    };
    finding = finding
        .because(format!(
            "{} gives {} to a JSON parser, but that is a {}: {why}",
            at(place),
            code(shown),
            code(kind)
        ))
        .suggest(format!("Parse text only at {}", line_of(place)));
    debug_assert!(case.workspace.is_project(&place.path));
    Some(match draft {
        Some((title, changes)) => finding.mend(Draft::edits(
            target(place),
            format!("{title} ({})", line_of(place)),
            format!("It is a `{kind}`"),
            changes,
        )),
        None => finding,
    })
}

/// `line 4 column 1 (char 35)`
fn position(message: &str) -> Option<(u32, u32)> {
    let line = between(message, ": line ", " ")?.parse().ok()?;
    let column = between(message, " column ", " ")?.parse().ok()?;
    Some((line, column))
}

/// The document's file, where the code names it; with the line that is wrong, and its offset.
fn file(
    case: &Case<'_>,
    source: &SourceFile,
    place: &Place,
    line: u32,
    parts: &[&Expr],
    message: &str,
) -> Option<(RelPath, u32, Option<u32>)> {
    let (wrong, column) = position(message)?;
    // Names of files that the statement, the function or the module mentions.
    let mut texts: Vec<String> = Vec::new();
    let mut add = |expr: &Expr, line: u32| {
        expr.walk(&mut |part| {
            if let ExprKind::Str(text) = &part.kind {
                texts.push(text.to_string());
            }
            if matches!(part.kind, ExprKind::Name(_) | ExprKind::Attribute { .. })
                && let Some(text) = constant::text(case.workspace, &place.path, line, part, None)
            {
                texts.push(text);
            }
        });
    };
    for part in parts {
        add(part, line);
        let mut names = Vec::new();
        part.walk(&mut |inner| names.extend(inner.as_name()));
        let function = source
            .module()
            .enclosing_function(line)
            .and_then(|d| source.module().function(&d.qualified_name));
        for name in names {
            let local = function.and_then(|f| assigned(&f.body, name, line, source));
            if let Some((at, value)) =
                local.or_else(|| assigned(source.module().body(), name, u32::MAX, source))
            {
                add(value, at);
            }
        }
    }
    for stmt in source.module().path_to(line) {
        for expr in stmt.expressions() {
            add(expr, line);
        }
    }
    // Values in the frames say it for sure.
    let frames: Vec<&Frame> = case.root()?.frames.iter().rev().filter(|f| f.in_project).take(4).collect();
    for frame in &frames {
        texts.extend(frame.locals.iter().filter_map(|local| {
            let repr = local
                .repr
                .strip_prefix("PosixPath(")
                .and_then(|r| r.strip_suffix(')'))
                .unwrap_or(&local.repr);
            text(repr)
        }));
    }
    let root = case.workspace.root().to_string_lossy().replace('\\', "/");
    let folder = place.path.as_str().rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut fits: Vec<(RelPath, u32, Option<u32>)> = Vec::new();
    for text in texts {
        if !matches!(text.rsplit('.').next(), Some("json" | "jsonl")) {
            continue;
        }
        let inside = text.strip_prefix(&*root).unwrap_or(&text).trim_start_matches('/').to_owned();
        for base in [folder, "", "tests", "tests/data", "data"] {
            let path = if base.is_empty() { inside.clone() } else { format!("{base}/{inside}") };
            let Some(path) = RelPath::new(&path).filter(|path| case.workspace.is_file(path)) else {
                continue;
            };
            if fits.iter().any(|(known, ..)| *known == path) {
                continue;
            }
            let Some(content) = case.workspace.text(&path) else { continue };
            // It is this file if Python's message fits where a parser stops in it.
            if serde_json::from_str::<serde_json::Value>(content.trim_start_matches('\u{feff}')).is_ok() {
                continue;
            }
            let document = SourceFile::new(path.clone(), content);
            if wrong <= document.line_count() + 1 {
                let offset = document.offset(wrong, column);
                fits.push((path, wrong, offset));
            }
        }
    }
    let only = fits.pop();
    only.filter(|_| fits.is_empty())
}

/// A wrong document of the project.
fn in_file(
    case: &Case<'_>,
    path: &RelPath,
    wrong: u32,
    offset: Option<u32>,
    place: &Place,
    message: &str,
    new: impl Fn(&'static str, f64) -> Finding,
) -> Finding {
    let here = Place { function: None, ..Place::line(path.clone(), wrong) };
    let content = case.workspace.text(path).unwrap_or_default();
    let offset = offset.unwrap_or(content.len() as u32) as usize;
    let before = content.get(..offset.min(content.len())).unwrap_or_default();
    // Python 3.13 points at the comma, earlier versions at what follows it.
    let after = content.get(offset.min(content.len())..).unwrap_or_default();
    let head = if after.starts_with(',') { content.get(..=offset).unwrap_or(before) } else { before };
    let last = head.trim_end();
    let rest = content.get(head.len()..).unwrap_or_default().trim_start();
    let mut finding = new("json-file", 0.9);
    if content.trim().is_empty() {
        return finding
            .because(format!("{} is empty, and {} parses it as JSON", path.as_str(), at(place)))
            .suggest(format!("Write a document into {}", path.as_str()))
            .suspect(&here, 0.8, "the empty file")
            .suspect(place, 0.4, "parses it");
    }
    let source = SourceFile::new(path.clone(), content.clone());
    if last.ends_with(',') && rest.starts_with(['}', ']']) {
        let comma = last.len() as u32 - 1;
        let at_comma = source.place(Span { start: comma, end: comma + 1 });
        finding = finding
            .because(format!(
                "{} has a trailing comma before {} at line {}, which JSON does not allow; {} parses it",
                path.as_str(),
                code(&rest[..1]),
                at_comma.line,
                at(place)
            ))
            .suggest(format!("Remove the comma at the end of {}:{}", path.as_str(), at_comma.line))
            .suspect(&Place { function: None, columns: None, ..at_comma }, 0.9, "the trailing comma")
            .mend(Draft::edits(
                FixTarget::Code,
                format!("Remove the trailing comma ({}:{})", path.as_str(), source.position(comma).0),
                "JSON has no trailing commas",
                vec![TextEdit::replace(path, Span { start: comma, end: comma + 1 }, "")],
            ));
    } else {
        let line = source.line(wrong).unwrap_or_default().trim().to_owned();
        let single = line.contains('\'') && message.contains("double quotes");
        let why = if single { " (JSON's texts are in double quotes)" } else { "" };
        finding = finding
            .because(format!(
                "{}:{wrong} is not valid JSON: {} at {}{why}; {} parses it",
                path.as_str(),
                code(message),
                code(&line),
                at(place)
            ))
            .suggest(format!("Correct {}:{wrong}", path.as_str()))
            .suspect(&here, 0.85, "where the document stops being JSON");
        if message.starts_with("Expecting ',' delimiter") {
            let end = last.len() as u32;
            finding = finding.mend(Draft::edits(
                FixTarget::Code,
                format!("Add the missing comma ({}:{})", path.as_str(), source.position(end).0),
                "Entries are separated by commas",
                vec![TextEdit::insert(path, end, ",")],
            ));
        }
        finding = finding.mend(Draft::advice(
            FixTarget::Code,
            format!("Correct {}:{wrong}", path.as_str()),
            "It is no JSON",
        ));
    }
    finding.suspect(place, 0.4, "parses the file")
}
