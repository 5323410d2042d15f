//! Marks that pytest does not know.

use crate::diagnose::Finding;
use crate::diagnose::case::{Case, code, line_of};
use crate::diagnose::draft::{Draft, TextEdit};
use crate::diagnose::rules::near::near;
use crate::diagnose::rules::settings;
use crate::diagnose::rules::spot::between;
use crate::model::{Category, FixTarget, RelPath, Severity};
use crate::workspace::python::{Expr, ExprKind, Span};

/// Marks that pytest itself has.
const OWN: [&str; 6] = ["parametrize", "skip", "skipif", "xfail", "usefixtures", "filterwarnings"];

/// `'x' not found in `markers` configuration option`, or the warning about it as an error.
pub(super) fn unknown(case: &Case<'_>) -> Option<Finding> {
    let last = case.last()?;
    let name = if last.message.contains("not found in `markers` configuration option") {
        between(&last.message, "'", "'")?
    } else if last.short_type() == "PytestUnknownMarkWarning" || last.message.contains("Unknown pytest.mark.")
    {
        let rest = last.message.split_once("Unknown pytest.mark.")?.1;
        rest.split(|c: char| !(c.is_alphanumeric() || c == '_')).next()?
    } else {
        return None;
    };
    let path = case.workspace.resolve(case.representative().test.file(), None)?;
    let source = case.workspace.source(&path)?;
    // The mark on the line that pytest names, else the first of that name.
    let mut spans: Vec<Span> = Vec::new();
    let mut look = |expr: &Expr| {
        expr.walk(&mut |part| {
            if let ExprKind::Attribute { attr, attr_span, .. } = &part.kind
                && **attr == *name
                && part.dotted().is_some_and(|d| d.ends_with(&format!("mark.{name}")))
            {
                spans.push(*attr_span);
            }
        });
    };
    source.module().walk(&mut |stmt| stmt.expressions().into_iter().for_each(&mut look));
    for definition in source.module().definitions() {
        if let Some(function) = source.module().function(&definition.qualified_name) {
            function.decorators.iter().for_each(&mut look);
        } else if let Some(class) = source.module().class(&definition.qualified_name) {
            class.decorators.iter().for_each(&mut look);
        }
    }
    spans.sort_unstable();
    spans.dedup();
    let first = spans.first().copied()?;
    let place = source.place(first);
    let known = registered(case);
    let candidates = known.iter().map(String::as_str).chain(OWN).map(|mark| (mark.to_owned(), ()));
    let mut finding = Finding::new("marks-unknown", Category::DataIssue, Severity::Medium, 0.93)
        .shown(format!("the mark {} is used here", code(&format!("@pytest.mark.{name}"))), Some(&place))
        .suspect(&place, 0.9, format!("no mark `{name}` is registered"));
    if let Some(near) = near(name, candidates).filter(|near| near.is_certain) {
        finding = finding
            .because(format!(
                "{} uses the mark {}, which is not registered in pytest's settings; {} is probably meant",
                line_of(&place),
                code(name),
                code(&near.name)
            ))
            .suggest(format!("Change `{name}` to `{}`", near.name))
            .mend(Draft::edits(
                FixTarget::Test,
                format!("Change the mark `{name}` to `{}` ({})", near.name, line_of(&place)),
                "That mark is known",
                spans.iter().map(|span| TextEdit::replace(&path, *span, near.name.clone())).collect(),
            ));
    } else {
        finding = finding
            .because(format!(
                "{} uses the mark {}, which is not registered in pytest's settings, and unknown marks are errors here",
                line_of(&place),
                code(name)
            ))
            .suggest(format!("Register the marker: `markers = [\"{name}: …\"]` in pytest's settings"));
    }
    let register = settings::add(case.workspace, "markers", name).map(|edit| {
        Draft::edits(
            FixTarget::Config,
            format!("Register the marker `{name}` ({})", edit.path.as_str()),
            "pytest takes registered marks only",
            vec![edit],
        )
    });
    Some(finding.mend(register).mend(Draft::advice(
        FixTarget::Config,
        format!("Register the marker: `markers = [\"{name}: …\"]` in pytest's settings"),
        "pytest takes registered marks only",
    )))
}

/// The names under `markers` in pytest's settings.
fn registered(case: &Case<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for file in ["pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg"] {
        let Some(text) = RelPath::new(file).and_then(|path| case.workspace.text(&path)) else { continue };
        let Some((_, rest)) = text.split_once("markers") else { continue };
        for line in rest.lines().take(60) {
            for part in line.split(['"', '\'', ',', '[', '=']) {
                let name = part.trim().split([':', '(']).next().unwrap_or_default().trim();
                if !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_') {
                    found.push(name.to_owned());
                }
            }
            if line.contains(']') {
                break;
            }
        }
    }
    found
}
