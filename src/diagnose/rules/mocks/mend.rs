//! Where the code calls a mock, and edits of that call and of the expectation.

use std::sync::Arc;

use crate::diagnose::case::{Case, code, in_tests, line_of};
use crate::diagnose::draft::{Draft, TextEdit};
use crate::diagnose::rules::spot::target;
use crate::diagnose::value::Value;
use crate::model::{FixTarget, Place};
use crate::workspace::SourceFile;
use crate::workspace::python::{Expr, ExprKind, Keyword, Span};

/// An argument: its keyword, and its value.
type Argument = (Option<String>, Value);

/// The only call of the asserted mock's name in the modules that the test's file imports.
pub(super) struct Site {
    source: Arc<SourceFile>,
    args: Vec<Expr>,
    keywords: Vec<Keyword>,
    /// The line.
    pub place: Place,
}

/// The arguments of the mock's assertion at the test's line, and the last part of the mock's name.
#[expect(clippy::type_complexity, reason = "the parts of one call")]
fn asserted(
    case: &Case<'_>,
    place: &Place,
) -> Option<(Arc<SourceFile>, String, Span, Vec<Expr>, Vec<Keyword>)> {
    let source = case.workspace.source(&place.path)?;
    let stmt = source.module().statement(place.line)?;
    let mut found = None;
    for expr in stmt.expressions() {
        expr.walk(&mut |part| {
            if let ExprKind::Call { func, args, keywords, arguments_span } = &part.kind
                && let ExprKind::Attribute { value, attr, .. } = &func.kind
                && attr.starts_with("assert_")
            {
                let name = value.dotted().unwrap_or_default();
                let last =
                    name.rsplit('.').find(|n| !matches!(*n, "return_value" | "mock")).unwrap_or_default();
                found = Some((last.to_owned(), *arguments_span, args.clone(), keywords.clone()));
            }
        });
    }
    let (name, span, args, keywords) = found?;
    Some((source, name, span, args, keywords))
}

pub(super) fn call_site(case: &Case<'_>, place: &Place) -> Option<Site> {
    let (source, name, ..) = asserted(case, place)?;
    let mut files = Vec::new();
    for import in source.module().imports() {
        let direct = import.name.as_deref().map(|n| format!("{}.{n}", import.module));
        let names = direct.into_iter().chain([import.module.to_string()]);
        files.extend(names.filter_map(|n| case.workspace.module_file(&place.path, &n, import.level)));
    }
    files.sort();
    files.dedup();
    let mut sites = Vec::new();
    for file in files {
        let Some(source) = case.workspace.source(&file) else { continue };
        source.module().walk(&mut |stmt| {
            for expr in stmt.expressions() {
                expr.walk(&mut |part| {
                    let ExprKind::Call { func, args, keywords, .. } = &part.kind else { return };
                    let called = match &func.kind {
                        ExprKind::Attribute { attr, .. } => &**attr,
                        ExprKind::Name(called) => &**called,
                        _ => return,
                    };
                    if called == name {
                        let place = Place { columns: None, ..source.place(part.span) };
                        sites.push(Site {
                            source: Arc::clone(&source),
                            args: args.clone(),
                            keywords: keywords.clone(),
                            place,
                        });
                    }
                });
            }
        });
    }
    let only = sites.pop();
    only.filter(|site| sites.is_empty() && !in_tests(&site.place))
}

/// The one keyword of `named` that `positional` gives by position instead, with its value.
pub(super) fn by_position(named: &[Argument], positional: &[Argument]) -> Option<(String, String)> {
    let count = |all: &[Argument]| all.iter().filter(|(name, _)| name.is_none()).count();
    if named.len() != positional.len() || count(named) + 1 != count(positional) {
        return None;
    }
    let mut missing =
        named.iter().filter(|(name, _)| name.is_some() && !positional.iter().any(|(n, _)| n == name));
    let (Some((Some(name), value)), None) = (missing.next(), missing.next()) else { return None };
    let (_, given) = positional.iter().rfind(|(name, _)| name.is_none())?;
    (given == value).then(|| (name.clone(), value.to_string()))
}

/// Edits of the call and of the expectation.
pub(super) fn arguments(case: &Case<'_>, place: &Place, expected: &str, actual: &str) -> Vec<Draft> {
    let mut drafts = Vec::new();
    let (Some(Value::Call(_, wanted)), Some(Value::Call(_, given))) =
        (Value::parse(expected), Value::parse(actual))
    else {
        return drafts;
    };
    let Some((source, _, span, args, keywords)) = asserted(case, place) else { return drafts };
    let site = call_site(case, place);
    // The same values, one by keyword on one side and by position on the other.
    if let Some((name, _)) = by_position(&wanted, &given) {
        if let Some(site) = &site
            && let Some(last) = site.args.last()
        {
            drafts.push(Draft::edits(
                target(&site.place),
                format!("Pass `{name}` by keyword ({})", line_of(&site.place)),
                format!("The test expects it ({})", line_of(place)),
                vec![TextEdit::insert(site.source.path(), last.span.start, format!("{name}="))],
            ));
        }
        if let Some(keyword) = keywords.iter().find(|k| k.name.as_deref() == Some(&name))
            && keywords.first().is_some_and(|first| first.span == keyword.span)
        {
            drafts.push(Draft::edits(
                FixTarget::Test,
                format!("expect `{name}` by position ({})", line_of(place)),
                "Right if the code is right",
                vec![TextEdit::replace(
                    source.path(),
                    Span { start: keyword.span.start, end: keyword.value.span.start },
                    "",
                )],
            ));
        }
        return drafts;
    }
    if let Some((name, _)) = by_position(&given, &wanted) {
        if let Some(site) = &site
            && let Some(keyword) = site.keywords.first().filter(|k| k.name.as_deref() == Some(&name))
        {
            drafts.push(Draft::edits(
                target(&site.place),
                format!("Pass `{name}` by position ({})", line_of(&site.place)),
                format!("The test expects it ({})", line_of(place)),
                vec![TextEdit::replace(
                    site.source.path(),
                    Span { start: keyword.span.start, end: keyword.value.span.start },
                    "",
                )],
            ));
        }
        if let Some(last) = args.last() {
            drafts.push(Draft::edits(
                FixTarget::Test,
                format!("expect `{name}` by keyword ({})", line_of(place)),
                "Right if the code is right",
                vec![TextEdit::insert(source.path(), last.span.start, format!("{name}="))],
            ));
        }
        return drafts;
    }
    // What the call gives, where it can be written down.
    let inner =
        actual.split_once('(').map(|(_, rest)| rest.strip_suffix(')').unwrap_or(rest)).unwrap_or_default();
    let is_plain = !given.iter().any(|(_, value)| is_opaque(value)) && !inner.contains("[REDACTED");
    if is_plain {
        drafts.push(Draft::edits(
            FixTarget::Test,
            format!("expect {} instead of {} ({})", code(actual), code(expected), line_of(place)),
            "Right if the code is right",
            vec![TextEdit::replace(source.path(), Span { start: span.start + 1, end: span.end - 1 }, inner)],
        ));
    }
    drafts
}

/// Whether a value's text is no expression that gives it.
fn is_opaque(value: &Value) -> bool {
    match value {
        Value::Opaque(_) | Value::Elided | Value::Call(..) => true,
        Value::Dict(items) => items.iter().any(|(k, v)| is_opaque(k) || is_opaque(v)),
        _ => value.is_cut() || value.items().is_some_and(|items| items.iter().any(is_opaque)),
    }
}
