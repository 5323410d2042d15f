//! Log records that `caplog` does not see because of their level.

use std::sync::Arc;

use crate::diagnose::case::{Case, code, in_tests, line_of};
use crate::diagnose::draft::TextEdit;
use crate::diagnose::rules::edits;
use crate::diagnose::{Draft, Finding};
use crate::model::{Category, FixTarget, Place, Severity};
use crate::workspace::python::{Expr, ExprKind};

/// Most files that are looked through.
const MAX_FILES: usize = 200;
/// Shortest part of a message that tells it.
const MIN_PART: usize = 4;

/// `assert "…" in caplog.text` where the message is logged below the level that is recorded.
pub(in crate::diagnose::rules) fn below_level(case: &Case<'_>) -> Option<Finding> {
    case.root().filter(|root| root.short_type() == "AssertionError")?;
    let place = case.definition()?;
    let source = case.workspace.source(&place.path)?;
    let function = source.module().function(place.function.as_deref()?)?;
    let (_, here) = case.frame().filter(|(_, here)| here.path == place.path)?;
    function.signature.param("caplog")?;
    let mut wanted = Vec::new();
    let mut is_about_logs = false;
    for expr in source.module().statement(here.line)?.expressions() {
        expr.walk(&mut |part| match &part.kind {
            ExprKind::Str(text) => wanted.push(text.to_string()),
            ExprKind::Attribute { value, .. } => is_about_logs |= value.as_name() == Some("caplog"),
            _ => {}
        });
    }
    let stmt = source.module().find(&function.qualified_name)?;
    let body = stmt.span.of(source.text());
    if !is_about_logs || wanted.is_empty() || body.contains(".set_level(") || body.contains(".at_level(") {
        return None;
    }
    let configured = case.workspace.symbols().files().iter().any(|path| {
        path.as_str().ends_with("conftest.py")
            && case
                .workspace
                .text(path)
                .is_some_and(|text| text.contains("set_level(") || text.contains("setLevel("))
    });
    if configured {
        return None;
    }
    let mut found: Option<(Place, String, String)> = None;
    for path in case.workspace.symbols().files().iter().take(MAX_FILES) {
        if in_tests(&Place::line(path.clone(), 1)) {
            continue;
        }
        let Some(source) = case.workspace.source(path) else { continue };
        if !source.text().contains(".info(") && !source.text().contains(".debug(") {
            continue;
        }
        source.module().walk(&mut |stmt| {
            for expr in stmt.expressions() {
                expr.walk(&mut |part| {
                    let ExprKind::Call { func, args, .. } = &part.kind else { return };
                    let ExprKind::Attribute { attr, .. } = &func.kind else { return };
                    let Some(message) = args.first() else { return };
                    if matches!(&**attr, "info" | "debug")
                        && found.is_none()
                        && wanted.iter().any(|wanted| says(message, message.span.of(source.text()), wanted))
                    {
                        let function = source.module().enclosing_function(stmt.start_line);
                        let place = Place {
                            function: function.map(|definition| definition.qualified_name.clone()),
                            ..Place::line(path.clone(), stmt.start_line)
                        };
                        found = Some((place, attr.to_uppercase(), part.span.of(source.text()).to_owned()));
                    }
                });
            }
        });
    }
    let (logged, level, call) = found?;
    let first = function.body.first()?;
    let source = Arc::clone(&source);
    let one_line = source.line_of(first.span.start) == function.name_line;
    let indent = edits::indentation(&source, first.span.start);
    let newline = edits::newline(source.text());
    let text = format!("caplog.set_level({}){newline}{indent}", edits::literal(&source, &level));
    let fix = (!one_line).then(|| {
        Draft::edits(
            FixTarget::Test,
            format!("Record `{level}` in `{}` with `caplog.set_level` ({})", function.name, line_of(&place)),
            "The root logger's level is `WARNING` unless a test says otherwise",
            vec![TextEdit::insert(source.path(), first.span.start, text)],
        )
    });
    Some(
        Finding::new("testing-log-level", Category::AssertionFailure, Severity::Medium, 0.88)
            .because(format!(
                "{} logs with level `{level}` ({}), which `caplog` does not record: the level is `WARNING` unless the test sets another (`caplog.set_level`)",
                code(&call),
                line_of(&logged)
            ))
            .suggest(format!("Set the level in the test: `caplog.set_level(\"{level}\")` ({})", line_of(here)))
            .shown(format!("{} is below `WARNING`", code(&level)), Some(&logged))
            .suspect(here, 0.7, "expects a record that is not kept")
            .suspect(&logged, 0.6, "logs below the level that is recorded")
            .mend(fix),
    )
}

/// Whether a message that is logged can be the text that is wanted.
fn says(message: &Expr, shown: &str, wanted: &str) -> bool {
    let text = match &message.kind {
        ExprKind::Str(text) => text.to_string(),
        ExprKind::FString(_) => {
            shown.trim_start_matches(['f', 'F', '"', '\'']).trim_end_matches(['"', '\'']).to_owned()
        }
        _ => return false,
    };
    let mut parts: Vec<&str> = Vec::new();
    for piece in text.split(['%', '{']) {
        parts.push(piece.rsplit('}').next().unwrap_or(piece));
    }
    let first = parts.first().map_or("", |part| part.trim());
    if first.len() >= MIN_PART {
        return wanted.contains(first) || text.contains(wanted);
    }
    parts
        .iter()
        .map(|part| part.trim_start_matches(['d', 's', 'r']).trim())
        .any(|part| part.len() >= MIN_PART && wanted.contains(part))
}
