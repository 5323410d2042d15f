//! What pytest says about tests and fixtures that are written in a way it does not take: scopes that do not fit,
//! fixtures that are not asked for, parameters that no argument takes, tests that return, assertions on a tuple.

mod logs;
mod warnings;

pub(super) use logs::below_level;

use crate::diagnose::Finding;
use crate::diagnose::case::{Case, code, line_of};
use crate::diagnose::draft::{Draft, TextEdit};
use crate::model::{Category, FixTarget, Place, RelPath, Severity};
use crate::workspace::SourceFile;
use crate::workspace::python::{Expr, ExprKind, Function, Span, StmtKind};
use crate::workspace::resolve::Resolver;

fn new(rule: &'static str, confidence: f64) -> Finding {
    Finding::new(rule, Category::DataIssue, Severity::Medium, confidence)
}

/// The word between two parts of a text.
fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    let rest = &text[text.find(before)? + before.len()..];
    Some(&rest[..rest.find(after)?])
}

fn function_place(path: &RelPath, function: &Function) -> Place {
    let name = Some(function.qualified_name.clone());
    Place { function: name, ..Place::line(path.clone(), function.name_line) }
}

/// A test uses a fixture's function without asking for it: the name is the definition, not the value.
pub(super) fn not_requested(case: &Case<'_>) -> Option<Finding> {
    let root = case.root()?;
    root.message.contains("'FixtureFunctionDefinition'").then_some(())?;
    let (_, place) = case.frame()?;
    let source = case.workspace.source(&place.path)?;
    let definition = source.module().enclosing_function(place.line)?;
    let function = source.module().function(&definition.qualified_name)?;
    let resolver = Resolver::new(case.workspace);
    let mut name = None;
    for expr in source.module().expressions_at(place.line) {
        expr.walk(&mut |part| {
            if let ExprKind::Name(known) = &part.kind
                && name.is_none()
                && resolver.fixture_function(&place.path, known).is_some()
            {
                name = Some(known.to_string());
            }
        });
    }
    let name = name?;
    let at = function_place(&place.path, function);
    let what = format!(
        "`{}` ({}) uses the fixture `{name}` without asking for it: `{name}` is not among its parameters, so the name means the fixture's definition",
        function.name,
        line_of(&at)
    );
    let inside = function.signature.params.last().map(|param| param.span.end);
    let edit = match inside {
        Some(end) => TextEdit::insert(&place.path, end, format!(", {name}")),
        None => TextEdit::insert(&place.path, function.signature.span.start + 1, name.clone()),
    };
    let title = format!("Add the parameter `{name}` to `{}` ({})", function.name, line_of(&at));
    Some(
        new("fixtures-not-requested", 0.93)
            .because(what)
            .suggest(format!("Add `{name}` to the parameters of `{}`", function.name))
            .shown(format!("{} was raised here", code(&root.message)), Some(place))
            .suspect(&at, 0.93, format!("lacks the parameter `{name}`"))
            .mend(Draft::edits(
                FixTarget::Test,
                title,
                "pytest passes fixtures by parameter name",
                vec![edit],
            )),
    )
}

/// `parametrize` names an argument that the function does not take.
pub(super) fn no_argument(case: &Case<'_>) -> Option<Finding> {
    let message = &case.last()?.message;
    let wrong = between(message, "function uses no argument '", "'")?;
    let test = between(message, "In ", ":")?;
    let path = case.workspace.resolve(test.trim(), None)?;
    let name = between(message, "::", ": function")?.rsplit("::").next()?;
    let source = case.workspace.source(&path)?;
    let definition = source.module().definition(&[name])?;
    let function = source.module().function(&definition.qualified_name)?;
    let mark = mark_with(function, wrong)?;
    let place = source.place(mark.span);
    let taken: Vec<&str> = function.signature.params.iter().map(|param| &*param.name).collect();
    let named: Vec<&str> = mark.as_str()?.split(',').map(str::trim).collect();
    // The one argument that no name of the mark fills is the one that is meant.
    let free: Vec<&&str> = taken.iter().filter(|param| !named.contains(param)).collect();
    let meant = match free.as_slice() {
        [one] => Some(**one),
        _ => None,
    };
    let rest = meant.map_or_else(String::new, |meant| format!("; its parameter `{meant}` gets no value"));
    let shown = mark.span.of(source.text());
    let fix = meant.map(|meant| {
        let edit = TextEdit::replace(&path, mark.span, shown.replacen(wrong, meant, 1));
        let title = format!("Change `{wrong}` to `{meant}` in `parametrize` ({})", line_of(&place));
        Draft::edits(
            FixTarget::Test,
            title,
            "Names in the mark and parameters of the function must be the same",
            vec![edit],
        )
    });
    Some(
        new("outcome-parametrize-argument", 0.93)
            .because(format!(
                "`parametrize` of `{name}` ({}) names the argument `{wrong}`, which the signature of `{name}` does not have{rest}",
                line_of(&place)
            ))
            .suggest(format!("Use the same names in the mark and in the parameters of `{name}`"))
            .shown(format!("the mark names {}", code(shown)), Some(&place))
            .suspect(&place, 0.9, "names an argument that is not there")
            .mend(fix),
    )
}

fn mark_with<'f>(function: &'f Function, name: &str) -> Option<&'f Expr> {
    function.decorators.iter().find_map(|mark| match &mark.kind {
        ExprKind::Call { args, .. } => {
            args.first().filter(|arg| arg.as_str().is_some_and(|text| text.contains(name)))
        }
        _ => None,
    })
}

/// A test that returns its condition instead of asserting it.
pub(super) fn returns(case: &Case<'_>) -> Option<Finding> {
    let last = case.last().filter(|last| last.short_type() == "PytestReturnNotNoneWarning")?;
    let (source, function) = test_function(case)?;
    let mut found = None;
    for stmt in &function.body {
        stmt.walk(false, &mut |stmt| {
            if let StmtKind::Return(Some(value)) = &stmt.kind {
                found = Some((stmt.span, value.span));
            }
        });
    }
    let (stmt, value) = found?;
    let place = source.place(stmt);
    let text = value.of(source.text());
    let edit = TextEdit::replace(source.path(), Span { start: stmt.start, end: value.start }, "assert ");
    let title = format!("Assert {} instead of returning it ({})", code(text), line_of(&place));
    Some(
        new("testing-return", 0.95)
            .because(format!(
                "`{}` returns {} ({}) instead of asserting it: pytest ignores what a test returns, so `assert` is missing",
                function.name,
                code(text),
                line_of(&place)
            ))
            .suggest(format!("Write `assert` instead of `return` ({})", line_of(&place)))
            .shown(code(last.message.lines().next().unwrap_or_default()), Some(&place))
            .suspect(&place, 0.95, "returns a value from a test")
            .mend(Draft::edits(FixTarget::Test, title, "What a test returns is not looked at", vec![edit])),
    )
}

/// `assert (condition, "message")`: a tuple that is always true.
pub(super) fn asserts_tuple(case: &Case<'_>) -> Option<Finding> {
    let failure = case.representative();
    let last = case
        .last()
        .filter(|last| last.message.contains("assertion is always true, perhaps remove parentheses"))?;
    let path = case.workspace.resolve(failure.test.file(), None)?;
    let source = case.workspace.source(&path)?;
    let mut found = None;
    source.module().walk(&mut |stmt| {
        if let StmtKind::Assert { test, msg: None } = &stmt.kind
            && let ExprKind::Tuple(items) = &test.kind
            && found.is_none()
        {
            found = Some((stmt.span, test.span, items.clone()));
        }
    });
    let (stmt, tuple, items) = found?;
    let place = source.place(stmt);
    let shown = tuple.of(source.text());
    let fix = match items.as_slice() {
        [condition, message] => {
            let text = source.text();
            let new = format!("{}, {}", condition.span.of(text), message.span.of(text));
            let title =
                format!("Remove the parentheses around the condition and its message ({})", line_of(&place));
            let edits = vec![TextEdit::replace(&path, tuple, new)];
            Some(Draft::edits(FixTarget::Test, title, "Without them the message belongs to `assert`", edits))
        }
        _ => None,
    };
    Some(
        new("testing-tuple", 0.95)
            .because(format!(
                "{} asserts the tuple {}, which is always true: the parentheses make one value of the condition and its message",
                line_of(&place),
                code(shown)
            ))
            .suggest(format!("Remove the parentheses ({})", line_of(&place)))
            .shown(code(&last.message), Some(&place))
            .suspect(&place, 0.95, "asserts a tuple")
            .mend(fix),
    )
}

/// `pytest.warns` around code that does not warn.
pub(super) fn did_not_warn(case: &Case<'_>) -> Option<Finding> {
    let last = case.last().filter(|last| last.message.starts_with("DID NOT WARN"))?;
    let kind = between(&last.message, "<class '", "'").unwrap_or("a warning");
    let kind = kind.rsplit('.').next().unwrap_or(kind);
    let (_, place) = case.test_frame()?;
    let source = case.workspace.source(&place.path)?;
    let resolver = Resolver::new(case.workspace);
    let mut called = Vec::new();
    if let Some(stmt) = source.module().statement(place.line) {
        stmt.walk(false, &mut |stmt| {
            for expr in stmt.expressions() {
                called.extend(resolver.calls(&place.path, stmt.start_line, expr));
            }
        });
    }
    let own =
        called.iter().find(|called| !crate::diagnose::case::in_tests(&Place::line(called.path.clone(), 1)));
    let finding = new("testing-no-warning", 0.55);
    Some(match own.and_then(|called| resolver.place(&called.path, &called.qualified_name)) {
        Some(at) => {
            let name = at.function.as_deref().unwrap_or("the code").to_owned();
            if let Some(other) = warnings::other_category(case, &at, &name, place, kind) {
                return Some(other);
            }
            finding
                .mend(Draft::advice(
                    FixTarget::Code,
                    format!("Call `warnings.warn(…, {kind})` in `{name}` ({})", line_of(&at)),
                    "The test expects the warning",
                ))
                .mend(Draft::advice(
                    FixTarget::Test,
                    format!("expect no `{kind}` ({})", line_of(place)),
                    "The code gives none",
                ))
                .because(format!(
                    "`{name}` ({}) does not warn with `{kind}`, as the test expects",
                    line_of(&at)
                ))
                .suggest(format!(
                    "Call `warnings.warn(…, {kind})` in `{name}`, or drop the expectation ({})",
                    line_of(place)
                ))
                .shown(code(&last.message), Some(place))
                .suspect(place, 0.5, format!("expects a `{kind}`"))
                .suspect(&at, 0.5, "was called, and did not warn")
        }
        None => finding
            .because(format!("No `{kind}` was given where the test expects one"))
            .suggest(format!("Warn with `{kind}` in the code, or drop the expectation ({})", line_of(place)))
            .shown(code(&last.message), Some(place))
            .suspect(place, 0.5, format!("expects a `{kind}`")),
    })
}

/// Two test files of one name without packages: Python imports only one of them.
pub(super) fn same_name(case: &Case<'_>) -> Option<Finding> {
    let failure = case.representative();
    let text = if failure.text.is_empty() { &*case.last()?.message } else { &*failure.text };
    text.contains("import file mismatch")
        .then_some(())
        .or_else(|| case.last().filter(|last| last.short_type() == "ImportPathMismatchError").map(|_| ()))?;
    let path = case.workspace.resolve(failure.test.file(), None)?;
    let (_, name) = path.as_str().rsplit_once('/')?;
    let place = Place::line(path.clone(), 1);
    Some(
        new("imports-same-name", 0.95)
            .because(format!(
                "Two test files have the same name `{name}` and no package tells them apart: {} is not the one that was imported first, and its folder has no `__init__.py`",
                path.as_str()
            ))
            .suggest("Rename one of the files, add an `__init__.py` to each of their folders, or use `--import-mode=importlib`")
            .shown(format!("`{name}` was imported from another folder before"), Some(&place))
            .suspect(&place, 0.9, "has the name of another test file")
            .mend(Draft::advice(
                FixTarget::Test,
                format!("Add an `__init__.py` to the folder of {}, or rename it", path.as_str()),
                "Test files in packages may have the same name",
            )),
    )
}

fn test_function(case: &Case<'_>) -> Option<(std::sync::Arc<SourceFile>, Function)> {
    let failure = case.representative();
    let path = case.workspace.resolve(failure.test.file(), None)?;
    let source = case.workspace.source(&path)?;
    let definition = source.module().definition(&failure.test.names())?.qualified_name.clone();
    let function = source.module().function(&definition)?.clone();
    Some((source, function))
}
