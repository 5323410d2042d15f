//! A table read with another delimiter than it is written with.

use crate::diagnose::case::{Case, at, code, line_of};
use crate::diagnose::draft::TextEdit;
use crate::diagnose::rules::edits;
use crate::diagnose::rules::spot::{Spot, target};
use crate::diagnose::value::Value;
use crate::diagnose::{Draft, Finding};
use crate::model::{Category, Place, Severity};
use crate::workspace::python::ExprKind;

/// `KeyError: 'price'` where the row's only key is `'name;price'`.
pub(in crate::diagnose::rules) fn delimiter(case: &Case<'_>) -> Option<Finding> {
    let root = case.root().filter(|root| root.short_type() == "KeyError")?;
    let Some(Value::Str(wanted)) = Value::parse(root.message.lines().next()?.trim()) else { return None };
    let spot = Spot::of(case)?;
    let mut found = None;
    for expr in spot.expressions() {
        if let ExprKind::Subscript { value, .. } = &expr.kind
            && let Some(Value::Dict(items)) = spot.frame.shown(spot.text(value.span)).and_then(Value::parse)
            && let [(Value::Str(key), _)] = items.as_slice()
            && let Some(sign) = [';', '\t', '|', ',']
                .into_iter()
                .find(|sign| key.split(*sign).any(|part| part.trim() == wanted))
        {
            found = Some((spot.text(value.span).to_owned(), key.clone(), sign));
        }
    }
    let (row, key, sign) = found?;
    // The only reader of the project that does not name a delimiter.
    let mut readers = Vec::new();
    for path in case.workspace.symbols().files() {
        let Some(source) = case.workspace.source(path) else { continue };
        if !source.text().contains("DictReader(") {
            continue;
        }
        source.module().walk(&mut |stmt| {
            for expr in stmt.expressions() {
                expr.walk(&mut |part| {
                    let ExprKind::Call { func, args, keywords, arguments_span } = &part.kind else { return };
                    let named =
                        func.dotted().is_some_and(|name| name == "DictReader" || name == "csv.DictReader");
                    let given = keywords
                        .iter()
                        .any(|k| matches!(k.name.as_deref(), None | Some("delimiter" | "dialect")));
                    if named && !given && !args.is_empty() {
                        readers.push((std::sync::Arc::clone(&source), part.span, arguments_span.end - 1));
                    }
                });
            }
        });
    }
    let literal = if sign == '\t' { "\\t".to_owned() } else { sign.to_string() };
    let mut finding = Finding::new("formats-delimiter", Category::DataIssue, Severity::High, 0.92)
        .shown(format!("`{row}` has the only key {}", code(&format!("'{key}'"))), Some(spot.place));
    let mut said = String::new();
    if let [(source, span, close)] = readers.as_slice() {
        let place = Place { columns: None, ..source.place(*span) };
        said = format!(" by {} ({})", code(span.of(source.text())), line_of(&place));
        let quote = edits::quote(source);
        finding = finding.suspect(&place, 0.9, "reads the table with the usual comma").mend(Draft::edits(
            target(&place),
            format!("Read it with `delimiter={quote}{literal}{quote}` ({})", line_of(&place)),
            "The cells are separated by it",
            vec![TextEdit::insert(source.path(), *close, format!(", delimiter={quote}{literal}{quote}"))],
        ));
    }
    Some(
        finding
            .because(format!(
                "{} reads the key {}, but {} has the one key {}: the table is separated by `{literal}`, and is read{said} with another delimiter",
                at(spot.place),
                code(&format!("'{wanted}'")),
                code(&row),
                code(&format!("'{key}'"))
            ))
            .suggest(format!("Give the reader `delimiter=\"{literal}\"`"))
            .suspect(spot.place, 0.5, "reads the key"),
    )
}
