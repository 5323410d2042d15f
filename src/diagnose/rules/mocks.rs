//! `unittest.mock`: not called, called too often, called with something else.

mod exhausted;
mod mend;
mod unconfigured;

pub(super) use exhausted::exhausted;
pub(super) use unconfigured::unconfigured;

use crate::diagnose::case::{Case, at, code, line_of};
use crate::diagnose::difference;
use crate::diagnose::expression;
use crate::diagnose::value::Value;
use crate::diagnose::{Draft, Finding};
use crate::model::{Category, FixTarget, Place, Severity};
use crate::workspace::python::{Expr, ExprKind, StmtKind};

/// An assertion of a mock about its calls.
pub(super) fn calls(case: &Case<'_>) -> Option<Finding> {
    let root = case.root().filter(|root| root.short_type() == "AssertionError")?;
    let message = root.message.trim_start();
    let compared = expected_and_actual(message);
    // Most assertions are of no mock, which the message tells sooner than the syntax trees.
    if compared.is_none() && !["called", "awaited", "not found"].iter().any(|word| message.contains(word)) {
        return None;
    }
    let (_, place) = case.test_frame()?;
    let new = |rule, confidence| Finding::new(rule, Category::AssertionFailure, Severity::Medium, confidence);
    let mock = asserted_mock(case, place);
    let name = mock
        .clone()
        .or_else(|| quoted_name(message))
        .map_or_else(|| "the mock".to_owned(), |name| code(&name));
    let patch = mock.as_deref().and_then(|mock| patched(case, place, mock));
    let finding = if let Some((expected, actual)) = compared {
        if actual.starts_with("not called") {
            not_called(new("mock-not-called", 0.45), &name, patch.as_deref())
        } else {
            let how = argument_difference(&expected, &actual)
                .unwrap_or_else(|| format!("with {} instead of {}", code(&actual), code(&expected)));
            let mut finding =
                new("mock-arguments", 0.55).because(format!("{name} was called {how}")).suggest(format!(
                    "Correct the arguments where the code calls {name}, or expect them as they are at {}",
                    line_of(place)
                ));
            if let Some(site) = mend::call_site(case, place) {
                finding = finding.shown("the code calls it here", Some(&site.place)).suspect(
                    &site.place,
                    0.5,
                    "calls the mock with these arguments",
                );
                finding.root_cause.push_str(&format!(" ({})", line_of(&site.place)));
            }
            for draft in mend::arguments(case, place, &expected, &actual) {
                finding = finding.mend(draft);
            }
            finding
        }
    } else if let Some(times) = message
        .split_once(" to be called once. Called ")
        .or_else(|| message.split_once(" to have been called once. Called "))
    {
        let count = times.1.split(' ').next().unwrap_or_default();
        if count == "0" {
            not_called(new("mock-not-called", 0.45), &name, patch.as_deref())
        } else {
            new("mock-count", 0.5)
                .because(format!("{name} was called {count} times where the test expects one call"))
                .suggest(format!(
                    "Find the extra calls of {name} in the code, or drop the expectation at {}",
                    line_of(place)
                ))
        }
    } else if message.contains(" to have been called.")
        || message.ends_with("to have been called")
        || message.contains("to have been awaited")
    {
        not_called(new("mock-not-called", 0.45), &name, patch.as_deref())
    } else if message.contains(" to not have been called. Called ") {
        new("mock-count", 0.5)
            .because(format!("{name} was called although the test expects that it is not"))
            .suggest(format!("Find what calls {name}, or drop the expectation at {}", line_of(place)))
    } else if message.starts_with("Calls not found.") || message.contains(" call not found") {
        new("mock-arguments", 0.5)
            .because(format!(
                "{name} was not called as the test expects: {}",
                code(message.lines().next().unwrap_or_default())
            ))
            .suggest(format!("Compare the calls listed with the expectation at {}", line_of(place)))
    } else {
        return None;
    };
    let finding = message
        .lines()
        .filter(|line| !line.trim().is_empty())
        .take(4)
        .fold(finding, |finding, line| finding.shown(code(line.trim()), Some(place)));
    let finding = match mend::call_site(case, place).filter(|_| finding.rule == "mock-not-called") {
        Some(site) => {
            let mut finding = finding
                .shown("the only call in the code that the test imports", Some(&site.place))
                .suspect(&site.place, 0.35, "the call that was not reached");
            finding
                .root_cause
                .push_str(&format!("; the code calls it at {}, which was not reached", at(&site.place)));
            finding
        }
        None => finding,
    };
    let finding = finding.note("What would settle it: the calls that the code makes").mend(Draft::advice(
        FixTarget::Code,
        format!("Make the code call {name} as the test expects"),
        "Right if the test is right",
    ));
    Some(finding.suspect(place, 0.3, "the expectation about the mock").mend(Draft::advice(
        FixTarget::Test,
        format!("expect the calls as they are ({})", line_of(place)),
        "Right if the code is right",
    )))
}

fn not_called(finding: Finding, name: &str, patch: Option<&str>) -> Finding {
    match patch {
        Some(target) => finding
            .because(format!("{name}, which replaces {}, was never called: the code does not get to the call, or it uses another reference than the one patched", code(target)))
            .suggest(format!("Patch the name where the code under test looks it up, not where it is defined ({}), or correct the way to the call", code(target))),
        None => finding
            .because(format!("{name} was never called"))
            .suggest("Check that the code gets to the call, and that it uses this mock"),
    }
}

fn quoted_name(message: &str) -> Option<String> {
    let rest = message.split_once("Expected '")?.1;
    Some(rest.split('\'').next()?.to_owned()).filter(|name| name != "mock")
}

/// The `Expected:` and `Actual:` lines of a mock's message.
fn expected_and_actual(message: &str) -> Option<(String, String)> {
    let field = |name: &str| {
        message.lines().find_map(|line| line.trim().strip_prefix(name)).map(|rest| rest.trim().to_owned())
    };
    Some((
        field("Expected: ").or_else(|| field("expected: "))?,
        field("Actual: ").or_else(|| field("actual: "))?,
    ))
    .map(|(expected, actual)| (expected, actual.trim_end_matches('.').to_owned()))
}

/// Which argument of `send('a', to=1)` differs from `send('a', to=2)`, and how.
fn argument_difference(expected: &str, actual: &str) -> Option<String> {
    let (Value::Call(name, wanted), Value::Call(other, given)) =
        (Value::parse(expected)?, Value::parse(actual)?)
    else {
        return None;
    };
    if name != other {
        return None;
    }
    if let Some(keyword) = mend::by_position(&wanted, &given) {
        return Some(format!(
            "with {} by position where the test expects it as {}",
            code(&keyword.1),
            code(&format!("{}=", keyword.0))
        ));
    }
    if let Some(keyword) = mend::by_position(&given, &wanted) {
        return Some(format!(
            "with {} as {} where the test expects it by position",
            code(&keyword.1),
            code(&format!("{}=", keyword.0))
        ));
    }
    if wanted.len() != given.len() || wanted.iter().zip(&given).any(|(w, g)| w.0 != g.0) {
        return Some(format!("with {} instead of {}", arguments(actual), arguments(expected)));
    }
    let (index, (want, got)) = wanted.iter().zip(&given).enumerate().find(|(_, (w, g))| w != g)?;
    let which = want.0.as_ref().map_or_else(|| format!("argument {}", index + 1), |name| code(name));
    let detail = difference::compare(&got.1, &want.1).into_iter().next();
    let path = detail
        .map(|d| d.path)
        .filter(|path| !path.is_empty())
        .map_or_else(String::new, |path| format!(" (at {})", code(&path)));
    Some(format!(
        "with {which} = {} where {} is expected{path}",
        code(&got.1.to_string()),
        code(&want.1.to_string())
    ))
}

fn arguments(call: &str) -> String {
    let inner = call.split_once('(').map_or(call, |(_, rest)| rest);
    let inner = inner.strip_suffix(')').unwrap_or(inner);
    if expression::split_commas(inner).is_empty() { "no arguments".to_owned() } else { code(inner) }
}

/// `notify` of `notify.assert_called_once_with(…)` on the line of `place`.
fn asserted_mock(case: &Case<'_>, place: &Place) -> Option<String> {
    let source = case.workspace.source(&place.path)?;
    let stmt = source.module().statement(place.line)?;
    let StmtKind::Expr(Expr { kind: ExprKind::Call { func, .. }, .. }) = &stmt.kind else { return None };
    let ExprKind::Attribute { value, attr, .. } = &func.kind else { return None };
    attr.starts_with("assert_").then(|| value.span.of(source.text()).to_owned())
}

/// What `mock` replaces: the target of the `patch(…)` that made it.
fn patched(case: &Case<'_>, place: &Place, mock: &str) -> Option<String> {
    let source = case.workspace.source(&place.path)?;
    let target = |call: &Expr| {
        let ExprKind::Call { func, args, .. } = &call.kind else { return None };
        let name = func.dotted()?;
        let plain = name.rsplit('.').next() == Some("patch");
        plain.then(|| args.first()?.as_str().map(str::to_owned)).flatten()
    };
    for stmt in source.module().path_to(place.line) {
        match &stmt.kind {
            StmtKind::With { items, .. } => {
                for (context, bound) in items {
                    if bound.as_ref().and_then(Expr::as_name) == Some(mock)
                        && let Some(found) = target(context)
                    {
                        return Some(found);
                    }
                }
            }
            StmtKind::Function(function) => {
                // Decorators are applied from the innermost out; their mocks come in that order.
                let method = function.signature.params.first().is_some_and(|param| &*param.name == "self");
                let position = function.signature.params.iter().position(|param| &*param.name == mock);
                let patches: Vec<String> = function.decorators.iter().rev().filter_map(target).collect();
                if let Some(found) = position.and_then(|at| patches.get(at.checked_sub(usize::from(method))?))
                {
                    return Some(found.clone());
                }
            }
            _ => {}
        }
    }
    None
}
