//! Edits that make the code look where the file is.

use std::sync::Arc;

use crate::diagnose::case::{Case, code, line_of};
use crate::diagnose::draft::{Draft, TextEdit};
use crate::diagnose::rules::spot::target;
use crate::diagnose::rules::{constant, edits};
use crate::model::{FixTarget, Place, RelPath};
use crate::workspace::SourceFile;
use crate::workspace::python::{Expr, ExprKind, Span, Stmt};

/// An expression that spells the path, in a file on the way to the failure.
struct Spelled {
    source: Arc<SourceFile>,
    /// The literal, or the `Path(…)` around it.
    span: Span,
    /// Whether more follows it: `….read_text()`.
    has_more: bool,
}

/// Builds the path from the folder of the file that spells it.
pub(super) fn beside(case: &Case<'_>, raw: &str, found: &RelPath, place: &Place) -> Option<Draft> {
    if raw.starts_with('/') {
        return rename(case, raw, found, place);
    }
    let spelled = spelled(case, raw, place)?;
    let source = &spelled.source;
    let own = source.path().as_str().rsplit_once('/').map_or("", |(folder, _)| folder);
    let below =
        if own.is_empty() { Some(found.as_str()) } else { found.as_str().strip_prefix(&format!("{own}/")) };
    let (mut ups, mut folder, mut rest) = (1, own, below.map(str::to_owned));
    while rest.is_none() {
        folder = folder.rsplit_once('/').map_or("", |(parent, _)| parent);
        ups += 1;
        rest = if folder.is_empty() {
            Some(found.as_str().to_owned())
        } else {
            found.as_str().strip_prefix(&format!("{folder}/")).map(str::to_owned)
        };
    }
    let (path, import) = edits::spelled(source, "pathlib", "Path");
    let base = if ups == 1 { "parent".to_owned() } else { format!("parents[{}]", ups - 1) };
    let whole = format!("{path}(__file__).{base} / {}", edits::literal(source, &rest?));
    let whole = if spelled.has_more { format!("({whole})") } else { whole };
    let here = source.place(spelled.span);
    let changes = import.into_iter().chain([TextEdit::replace(source.path(), spelled.span, whole)]).collect();
    Some(Draft::edits(
        target(&here),
        format!("Build the path from the file's own folder ({})", line_of(&here)),
        "It is then found whichever folder pytest runs in",
        changes,
    ))
}

/// Corrects the last part of the path where it is written.
pub(super) fn rename(case: &Case<'_>, raw: &str, found: &RelPath, place: &Place) -> Option<Draft> {
    let wrong = raw.rsplit('/').next()?;
    let right = found.as_str().rsplit('/').next()?;
    if wrong == right {
        return None;
    }
    let mut literals = Vec::new();
    for source in sources(case, place) {
        for span in edits::strings(&source) {
            let text = span.of(source.text());
            if let Some(at) = text.find(wrong) {
                let start = span.start + at as u32;
                literals.push((Arc::clone(&source), Span { start, end: start + wrong.len() as u32 }));
            }
        }
        if !literals.is_empty() {
            break;
        }
    }
    let [(source, span)] = literals.as_slice() else { return None };
    let here = source.place(*span);
    Some(Draft::edits(
        target(&here),
        format!("Change `{wrong}` to `{right}` ({})", line_of(&here)),
        format!("{} exists", found.as_str()),
        vec![TextEdit::replace(source.path(), *span, right)],
    ))
}

/// The files on the way to the failure, the innermost first, each once.
fn sources(case: &Case<'_>, place: &Place) -> Vec<Arc<SourceFile>> {
    let frames = case.root().map(|root| root.frames.as_slice()).unwrap_or_default();
    let mut paths: Vec<&RelPath> = vec![&place.path];
    for frame in frames.iter().rev().filter(|frame| frame.in_project) {
        paths.extend(frame.place.as_ref().map(|place| &place.path));
    }
    let mut seen: Vec<&RelPath> = Vec::new();
    let mut found = Vec::new();
    for path in paths {
        if seen.contains(&path) {
            continue;
        }
        seen.push(path);
        let Some(source) = case.workspace.source(path) else { continue };
        // Constants live in modules that these files import.
        let imported: Vec<RelPath> = source
            .module()
            .imports()
            .iter()
            .filter_map(|import| case.workspace.module_file(path, &import.module, import.level))
            .collect();
        found.push(source);
        found.extend(imported.iter().filter_map(|path| case.workspace.source(path)));
    }
    found
}

/// The only expression on the way that is this relative path.
fn spelled(case: &Case<'_>, raw: &str, place: &Place) -> Option<Spelled> {
    let wanted = raw.trim_start_matches("./");
    for source in sources(case, place) {
        let mut all: Vec<(Span, bool)> = Vec::new();
        source.module().walk(&mut |stmt: &Stmt| {
            for expr in stmt.expressions() {
                look(case, &source, stmt.start_line, expr, wanted, false, &mut all);
            }
        });
        all.sort_unstable();
        all.dedup();
        if let [(span, has_more)] = all[..] {
            return Some(Spelled { source, span, has_more });
        }
        if !all.is_empty() {
            return None;
        }
    }
    None
}

/// Collects the outermost expressions that are literally the path.
fn look(
    case: &Case<'_>,
    source: &SourceFile,
    line: u32,
    expr: &Expr,
    wanted: &str,
    has_more: bool,
    all: &mut Vec<(Span, bool)>,
) {
    let is_written = match &expr.kind {
        ExprKind::Call { func, args, .. } => {
            args.len() == 1 && matches!(func.dotted().as_deref(), Some("Path" | "pathlib.Path"))
        }
        ExprKind::Str(_) | ExprKind::BinOp { op: "/", .. } => true,
        _ => false,
    };
    if is_written
        && constant::text(case.workspace, source.path(), line, expr, None)
            .is_some_and(|text| text.trim_start_matches("./") == wanted)
    {
        // A name in between means that the constant stands elsewhere.
        let mut names = false;
        expr.walk(&mut |part| {
            names |= part.as_name().is_some_and(|name| !matches!(name, "Path" | "pathlib"));
        });
        if !names {
            all.push((expr.span, has_more));
        }
        return;
    }
    if let ExprKind::Attribute { value, .. } = &expr.kind {
        look(case, source, line, value, wanted, true, all);
        return;
    }
    for part in parts(expr) {
        look(case, source, line, part, wanted, false, all);
    }
}

/// The direct parts of an expression.
fn parts(expr: &Expr) -> Vec<&Expr> {
    let mut inner: Vec<&Expr> = Vec::new();
    expr.walk(&mut |part| {
        let is_direct = !std::ptr::eq(part, expr)
            && !inner
                .iter()
                .any(|known| known.span.start <= part.span.start && part.span.end <= known.span.end);
        if is_direct {
            inner.push(part);
        }
    });
    inner
}

/// Whether the statement at `place` creates something.
pub(super) fn writes(case: &Case<'_>, place: &Place) -> bool {
    let Some(source) = case.workspace.source(&place.path) else { return false };
    let mut found = false;
    for stmt in statements(&source, place) {
        for expr in stmt.expressions() {
            expr.walk(&mut |part| found |= written(part).is_some());
        }
    }
    found
}

/// The statement at the place; for a `with`, its header.
fn statements<'s>(source: &'s SourceFile, place: &Place) -> Vec<&'s Stmt> {
    source.module().statement(place.line).into_iter().collect()
}

/// What a call that creates a file or folder creates, and whether that is the object before the dot.
fn written(expr: &Expr) -> Option<(&Expr, &str)> {
    let ExprKind::Call { func, args, keywords, .. } = &expr.kind else { return None };
    let mode = |index: usize| {
        let given = args
            .get(index)
            .or_else(|| keywords.iter().find(|k| k.name.as_deref() == Some("mode")).map(|k| &k.value));
        given.and_then(Expr::as_str).is_some_and(|mode| mode.starts_with(['w', 'x', 'a']))
    };
    match &func.kind {
        ExprKind::Name(name) if **name == *"open" && mode(1) => Some((args.first()?, "open")),
        ExprKind::Attribute { value, attr, .. } => match &**attr {
            "write_text" | "write_bytes" | "touch" => Some((value, "method")),
            "mkdir" if !keywords.iter().any(|k| k.name.as_deref() == Some("parents")) => {
                Some((value, "mkdir"))
            }
            "open" if mode(0) => Some((value, "method")),
            _ => None,
        },
        _ => None,
    }
}

/// Makes the folder before the statement that needs it.
pub(super) fn make_folder(case: &Case<'_>, place: &Place) -> Option<Draft> {
    let source = case.workspace.source(&place.path)?;
    let stmt = *statements(&source, place).first()?;
    let mut call: Option<(&Expr, &Expr, &str)> = None;
    for expr in stmt.expressions() {
        expr.walk(&mut |part| {
            if let (None, Some((path, how))) = (call, written(part)) {
                call = Some((part, path, how));
            }
        });
    }
    let (call, path, how) = call?;
    if how == "mkdir" {
        let edit = edits::argument(&source, call, "parents=True")?;
        return Some(Draft::edits(
            target(place),
            format!("Make the folders above as well: add `parents=True` ({})", line_of(place)),
            "A folder above it does not exist",
            vec![edit],
        ));
    }
    let text = path.span.of(source.text());
    let frame = case.frame().map(|(frame, _)| frame);
    let is_path =
        how == "method" || frame.and_then(|f| f.shown(text)).is_some_and(|shown| shown.contains("Path("));
    let (receiver, import) = if is_path
        && matches!(path.kind, ExprKind::Name(_) | ExprKind::Attribute { .. } | ExprKind::Call { .. })
    {
        (text.to_owned(), None)
    } else {
        let (spelled, import) = edits::spelled(&source, "pathlib", "Path");
        (format!("{spelled}({text})"), import)
    };
    let (indent, newline) = (edits::indentation(&source, stmt.span.start), edits::newline(source.text()));
    let line = format!("{receiver}.parent.mkdir(parents=True, exist_ok=True){newline}{indent}");
    let changes = import.into_iter().chain([TextEdit::insert(&place.path, stmt.span.start, line)]).collect();
    Some(Draft::edits(
        target(place),
        format!("Make the folder before writing into it ({})", line_of(place)),
        "The folder does not exist yet",
        changes,
    ))
}

/// The file that the test or a fixture writes into the temporary folder under another name with the same ending:
/// its name, where it is written, and the edit that writes the name that is read.
pub(super) fn written_elsewhere(case: &Case<'_>, wanted: &str) -> Option<(String, Place, Draft)> {
    let name = wanted.rsplit('/').next()?;
    let (_, suffix) = name.rsplit_once('.')?;
    let test = case.definition()?;
    let mut files = vec![test.path.clone()];
    let conftests =
        case.workspace.symbols().files().iter().filter(|path| path.as_str().ends_with("conftest.py"));
    files.extend(conftests.filter(|path| **path != test.path).cloned());
    let mut found = Vec::new();
    for path in files {
        let Some(source) = case.workspace.source(&path) else { continue };
        let mut own: Vec<(String, Span)> = Vec::new();
        source.module().walk(&mut |stmt| {
            for expr in stmt.expressions() {
                expr.walk(&mut |part| {
                    if let Some(text) = part.as_str()
                        && text.rsplit_once('.').is_some_and(|(stem, end)| end == suffix && !stem.is_empty())
                        && !text.contains(['/', ' ', '\n'])
                        && !own.iter().any(|(known, _)| known == text)
                    {
                        own.push((text.to_owned(), part.span));
                    }
                });
            }
        });
        if own.iter().any(|(known, _)| known == name) {
            return None;
        }
        found.extend(own.into_iter().map(|(text, span)| (text, span, Arc::clone(&source))));
    }
    let [(text, span, source)] = found.as_slice() else { return None };
    let place = Place { columns: None, ..source.place(*span) };
    let fix = Draft::edits(
        FixTarget::Test,
        format!("Write {} instead of {} ({})", code(name), code(text), line_of(&place)),
        "It is what the code reads",
        vec![TextEdit::replace(source.path(), *span, edits::literal(source, name))],
    );
    Some((text.clone(), place, fix))
}
