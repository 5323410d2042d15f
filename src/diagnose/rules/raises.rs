//! `pytest.raises` and `assertRaises`: nothing was raised, another exception was raised, or its text differs.

mod mend;

use crate::diagnose::Finding;
use crate::diagnose::case::{Case, at, code, in_tests, line_of, named};
use crate::model::{Category, Place, Severity};
use crate::workspace::Workspace;
use crate::workspace::python::{Expr, ExprKind, Function, Stmt, StmtKind};
use crate::workspace::resolve::{Called, Resolver};

/// A `with pytest.raises(…)` around a failing line.
struct Expectation {
    /// The expected types as written: `ValueError` or `(KeyError, IndexError)`.
    written: String,
    /// The short names of the expected types.
    types: Vec<String>,
    /// The calls of the project in the block.
    called: Vec<Called>,
    /// What the block runs, as written.
    body: String,
}

/// The block did not raise.
pub(super) fn did_not_raise(case: &Case<'_>) -> Option<Finding> {
    let last = case.last()?;
    let silent = (last.short_type() == "Failed" && last.message.trim_start().starts_with("DID NOT RAISE"))
        || (last.short_type() == "AssertionError" && last.message.trim_end().ends_with(" not raised"));
    let (_, place) = case.test_frame().filter(|_| silent)?;
    let expectation = expectation(case.workspace, place)?;
    let runs = code(&expectation.body);
    let mut finding = Finding::new("raises-nothing", Category::AssertionFailure, Severity::Medium, 0.4);
    let mut sentence = format!("{runs} raises nothing where the test expects {}", code(&expectation.written));
    let mut suspects: Vec<(Place, f64, String)> = Vec::new();
    for called in &expectation.called {
        if suspects.len() >= 3 {
            break;
        }
        for (place, guard) in raise_places(case.workspace, called, &expectation.types) {
            let reason = match guard {
                Some(guard) => format!("the condition {} before the `raise` was not met", code(&guard)),
                None => "the `raise` that was not reached".to_owned(),
            };
            suspects.push((place, 0.45, reason));
        }
    }
    let named = expectation.called.first().filter(|_| suspects.is_empty());
    if let Some((place, _, reason)) = suspects.first() {
        sentence = format!("{sentence}: in {} {reason}", at(place));
        finding.confidence = if suspects.len() == 1 { 0.6 } else { 0.45 };
    } else if let Some(called) = named
        && let Some(place) = Resolver::new(case.workspace).place(&called.path, &called.qualified_name)
    {
        let types = expectation.types.join(" or ");
        sentence = format!("{sentence}: {} contains no `raise` of {}", at(&place), code(&types));
        finding.confidence = 0.5;
        suspects.push((place, 0.45, format!("is expected to raise {}", code(&types))));
    }
    finding = finding.because(sentence).shown(format!("{runs} ran to its end"), Some(place));
    for (suspect, score, reason) in suspects {
        finding = finding
            .shown(format!("{}: {reason}", at(&suspect)), Some(&suspect))
            .suspect(&suspect, score, reason);
    }
    let target = finding.culprits.first().map(|(place, ..)| at(place));
    finding = finding.suspect(place, 0.2, "the expectation of the test");
    for draft in mend::nothing(&expectation.written, target.as_deref(), place) {
        finding = finding.mend(draft);
    }
    Some(match target {
        Some(target) => finding.suggest(format!(
            "Make {target} raise for this input, or drop the expectation at {}",
            line_of(place)
        )),
        None => finding.suggest(format!(
            "Make the called code raise for this input, or drop the expectation at {}",
            line_of(place)
        )),
    })
}

/// The block raised something else.
pub(super) fn raised_another(case: &Case<'_>) -> Option<Finding> {
    let (root, last) = (case.root()?, case.last()?);
    if matches!(last.short_type(), "Failed" | "AssertionError") {
        return None;
    }
    let (_, test) = case.test_frame()?;
    let expectation = expectation(case.workspace, test)?;
    if expectation.types.is_empty() || expectation.types.iter().any(|name| name == last.short_type()) {
        return None;
    }
    let (frame, place) = case.frame()?;
    let category = case.kind().map_or(Category::Other, |kind| kind.category);
    let statement = case.statement(frame, place);
    let statement = statement.filter(|text| !text.starts_with("raise"));
    let quoted = statement.as_deref().map_or_else(String::new, |text| format!(" at {}", code(text)));
    let near = case
        .representative()
        .exceptions
        .iter()
        .any(|e| expectation.types.iter().any(|name| name == e.short_type()));
    let wrapped = if near { ", which hides the expected one" } else { "" };
    let mut finding =
        Finding::new("raises-another", category, Severity::Medium, if in_tests(place) { 0.5 } else { 0.7 })
            .because(format!(
                "{} raises {}{quoted} where the test expects {}{wrapped}",
                at(place),
                named(root),
                code(&expectation.written)
            ))
            .suggest(format!(
                "Raise {} at {} instead, or expect {} at {}",
                code(&expectation.written),
                line_of(place),
                code(last.short_type()),
                line_of(test)
            ))
            .shown(format!("{} was raised{quoted}", named(last)), Some(place))
            .shown(
                format!("the test expects {} from {}", code(&expectation.written), code(&expectation.body)),
                Some(test),
            )
            .suspect(place, 0.7, "raises the other exception");
    if place != test {
        finding = finding.suspect(test, 0.25, "the expectation of the test");
    }
    for draft in mend::another(case, place, test, &expectation.types) {
        finding = finding.mend(draft);
    }
    Some(finding)
}

/// `match=` does not fit the message.
pub(super) fn match_differs(case: &Case<'_>) -> Option<Finding> {
    let last = case.last()?;
    let message = last.message.trim_start();
    let differs = message.starts_with("Regex pattern did not match") || message.starts_with("Pattern '");
    let (_, place) = case.test_frame().filter(|_| differs)?;
    let field = |names: &[&str]| {
        message.lines().find_map(|line| {
            names.iter().find_map(|name| line.trim().strip_prefix(name)).map(|rest| {
                let rest = rest.trim();
                let quoted = rest.strip_prefix(['\'', '"']).and_then(|rest| rest.strip_suffix(['\'', '"']));
                quoted.unwrap_or(rest).to_owned()
            })
        })
    };
    let expected = field(&["Expected regex:", "Regex:"])?;
    let actual = field(&["Actual message:", "Input:"])?;
    // The exception whose text it is comes before the assertion in the chain.
    let raised = case.representative().exceptions.iter().rev().skip(1).find(|e| e.message.contains(&actual));
    let raise_place = raised.and_then(|exception| {
        exception.frames.iter().rev().find_map(|frame| frame.place.as_ref().filter(|_| frame.in_project))
    });
    let specials = expected.chars().any(|c| "()[]{}.*+?|^$\\".contains(c));
    let literal = specials && actual.contains(&expected.replace('\\', ""));
    let mut finding = if literal || actual.contains(&expected) {
        Finding::new("raises-match-special", Category::AssertionFailure, Severity::Low, 0.85)
            .because(format!(
                "`match={}` is read as a regular expression, whose special characters do not match the text {} literally",
                code(&expected).trim_matches('`'),
                code(&actual)
            ))
            .suggest(format!("Use `match=re.escape({expected:?})` at {}", line_of(place)))
            .suspect(place, 0.85, "the pattern's special characters are not escaped")
            .mend(mend::escaped(case, place))
    } else {
        // pytest cuts the original exception off: its `raise` is looked for in the called functions.
        let static_place = expectation(case.workspace, place).and_then(|expectation| {
            let mut texts: Vec<(Place, String)> = Vec::new();
            for called in &expectation.called {
                texts.extend(raise_lines(case.workspace, called, &expectation.types));
            }
            let by_text = texts.iter().find(|(_, text)| text.contains(actual.as_str())).cloned();
            by_text.or_else(|| texts.pop().filter(|_| texts.is_empty())).map(|(place, _)| place)
        });
        let raise_place = raise_place.or(static_place.as_ref());
        let mut finding = Finding::new("raises-match", Category::AssertionFailure, Severity::Medium, 0.55)
            .because(format!(
                "The exception's text is {} where the test expects a match of {}",
                code(&actual),
                code(&expected)
            ));
        if let Some(raised) = raise_place {
            finding = finding.shown(format!("{} makes the text", at(raised)), Some(raised)).suspect(
                raised,
                0.5,
                "makes the exception's text",
            );
        }
        finding
            .suggest(format!("Change the text of the exception, or the pattern at {}", line_of(place)))
            .suspect(place, 0.4, "the pattern that did not match")
            .mend(mend::text(case, place, raise_place, &expected, &actual))
            .mend(mend::pattern(case, place, &expected, &actual))
    };
    finding = finding
        .shown(format!("the pattern {} did not match {}", code(&expected), code(&actual)), Some(place));
    Some(finding)
}

/// The innermost `with pytest.raises(…)` (or `assertRaises`) that holds the line of `place`, or the call on it.
fn expectation(workspace: &Workspace, place: &Place) -> Option<Expectation> {
    let source = workspace.source(&place.path)?;
    let module = source.module();
    let text = |expr: &Expr| expr.span.of(source.text()).to_owned();
    let path = module.path_to(place.line);
    let (call, body): (&Expr, Vec<&Stmt>) = path.iter().rev().find_map(|stmt| match &stmt.kind {
        StmtKind::With { items, body, .. } => {
            let context = items.iter().map(|(context, _)| context).find(|context| is_raises(context))?;
            Some((context, body.iter().collect()))
        }
        StmtKind::Expr(expr) if is_raises(expr) => Some((expr, Vec::new())),
        _ => None,
    })?;
    let ExprKind::Call { args, keywords, .. } = &call.kind else { return None };
    let types = args.first().or_else(|| {
        keywords.iter().find(|k| k.name.as_deref() == Some("expected_exception")).map(|k| &k.value)
    })?;
    let names: Vec<&Expr> = match &types.kind {
        ExprKind::Tuple(items) => items.iter().collect(),
        _ => vec![types],
    };
    let short =
        |expr: &Expr| expr.dotted().map(|name| name.rsplit('.').next().unwrap_or_default().to_owned());
    let resolver = Resolver::new(workspace);
    let mut called = Vec::new();
    for stmt in &body {
        stmt.walk(false, &mut |stmt| {
            for expr in stmt.expressions() {
                called.extend(resolver.calls(&place.path, stmt.start_line, expr));
            }
        });
    }
    if body.is_empty() {
        // `pytest.raises(ValueError, parse, "x")`
        let function = args.get(1)?;
        let as_call = Expr {
            span: function.span,
            kind: ExprKind::Call {
                func: Box::new(function.clone()),
                args: Vec::new(),
                keywords: Vec::new(),
                arguments_span: function.span,
            },
        };
        called.extend(resolver.calls(&place.path, place.line, &as_call));
    }
    called.retain(|call| call.path != place.path);
    let body = match (body.first(), body.last()) {
        (Some(first), Some(last)) => {
            source.text()[first.span.start as usize..last.span.end as usize].to_owned()
        }
        _ => args.get(1).map(text)?,
    };
    Some(Expectation {
        written: text(types),
        types: names.into_iter().filter_map(short).collect(),
        called,
        body,
    })
}

pub(super) fn is_raises(expr: &Expr) -> bool {
    let ExprKind::Call { func, .. } = &expr.kind else { return false };
    func.dotted().is_some_and(|name| {
        matches!(name.rsplit('.').next(), Some("raises" | "assertRaises" | "assertRaisesRegex"))
    })
}

/// Where the called function, or a function that it calls, raises one of `types`; with the condition before it.
fn raise_places(workspace: &Workspace, called: &Called, types: &[String]) -> Vec<(Place, Option<String>)> {
    let resolver = Resolver::new(workspace);
    let mut found = Vec::new();
    let Some(source) = workspace.source(&called.path) else { return found };
    let Some(function) = source.module().function(&called.qualified_name) else { return found };
    let mut todo = vec![called.clone()];
    for stmt in &function.body {
        stmt.walk(false, &mut |stmt| {
            for expr in stmt.expressions() {
                todo.extend(resolver.calls(&called.path, stmt.start_line, expr));
            }
        });
    }
    todo.truncate(12);
    for called in todo {
        let Some(source) = workspace.source(&called.path) else { continue };
        let Some(function) = source.module().function(&called.qualified_name) else { continue };
        collect_raises(&function.body, None, types, &mut |stmt, guard| {
            let at = guard.unwrap_or(stmt);
            let (line, end) =
                source.module().statement_lines(at.start_line).unwrap_or((at.start_line, at.end_line));
            let condition = guard.and_then(|guard| match &guard.kind {
                StmtKind::If(branches) => branches.first()?.0.as_ref(),
                StmtKind::While { test, .. } => Some(test),
                _ => None,
            });
            let place = Place {
                end_line: end,
                function: Some(function_name(function)),
                ..Place::line(called.path.clone(), line)
            };
            let condition = condition.map(|test| test.span.of(source.text()).to_owned());
            if !found.iter().any(|(known, _)| *known == place) {
                found.push((place, condition));
            }
        });
    }
    found.truncate(4);
    found
}

/// The `raise` statements of `types` in the called function, with their texts.
fn raise_lines(workspace: &Workspace, called: &Called, types: &[String]) -> Vec<(Place, String)> {
    let mut found = Vec::new();
    let Some(source) = workspace.source(&called.path) else { return found };
    let Some(function) = source.module().function(&called.qualified_name) else { return found };
    collect_raises(&function.body, None, types, &mut |stmt, _| {
        let place = Place {
            end_line: stmt.end_line,
            function: Some(function_name(function)),
            ..Place::line(called.path.clone(), stmt.start_line)
        };
        found.push((place, stmt.span.of(source.text()).to_owned()));
    });
    found
}

fn function_name(function: &Function) -> std::sync::Arc<str> {
    function.qualified_name.clone()
}

fn collect_raises<'s>(
    body: &'s [Stmt],
    guard: Option<&'s Stmt>,
    types: &[String],
    found: &mut impl FnMut(&'s Stmt, Option<&'s Stmt>),
) {
    for stmt in body {
        match &stmt.kind {
            StmtKind::Raise { exc: Some(exc), .. } => {
                let callee = match &exc.kind {
                    ExprKind::Call { func, .. } => func,
                    _ => exc,
                };
                let name = callee.dotted().unwrap_or_default();
                let short = name.rsplit('.').next().unwrap_or_default();
                if types.iter().any(|wanted| wanted == short) {
                    found(stmt, guard);
                }
            }
            StmtKind::Function(_) | StmtKind::Class(_) => {}
            StmtKind::If(_) => {
                for inner in stmt.bodies() {
                    collect_raises(inner, Some(stmt), types, found);
                }
            }
            _ => {
                for inner in stmt.bodies() {
                    collect_raises(inner, guard, types, found);
                }
            }
        }
    }
}
