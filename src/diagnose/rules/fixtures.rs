//! Fixtures that are missing or misused.

use crate::diagnose::case::{Case, at, code, line_of, named};
use crate::diagnose::draft::TextEdit;
use crate::diagnose::rules::near::{Near, near};
use crate::diagnose::rules::spot::{Spot, between, line, target};
use crate::diagnose::{Draft, Finding};
use crate::model::{Category, FixTarget, Frame, Phase, Place, RelPath, Severity};
use crate::workspace::python::{Expr, ExprKind, Fixture, Function, Keyword};
use crate::workspace::symbols::SymbolKind;
use crate::workspace::{SourceFile, Workspace};

use super::Rule;

/// The rules of this family.
pub(super) const RULES: &[&dyn Rule] = &[
    &unknown,
    &scope_mismatch,
    &direct::called,
    &circle::recursive,
    &no_async_plugin,
    &fails_in_setup,
    &nothing::given,
    &indirect::forgotten,
];

/// Fixtures of well-known plugins, and the distribution that brings them.
const PLUGINS: &[(&str, &str)] = &[
    ("mocker", "pytest-mock"),
    ("class_mocker", "pytest-mock"),
    ("module_mocker", "pytest-mock"),
    ("session_mocker", "pytest-mock"),
    ("benchmark", "pytest-benchmark"),
    ("db", "pytest-django"),
    ("transactional_db", "pytest-django"),
    ("django_user_model", "pytest-django"),
    ("admin_client", "pytest-django"),
    ("rf", "pytest-django"),
    ("settings", "pytest-django"),
    ("live_server", "pytest-django"),
    ("django_assert_num_queries", "pytest-django"),
    ("aiohttp_client", "pytest-aiohttp"),
    ("aiohttp_server", "pytest-aiohttp"),
    ("httpx_mock", "pytest-httpx"),
    ("requests_mock", "requests-mock"),
    ("respx_mock", "respx"),
    ("httpserver", "pytest-httpserver"),
    ("freezer", "pytest-freezer"),
    ("faker", "Faker"),
    ("event_loop", "pytest-asyncio"),
    ("unused_tcp_port", "pytest-asyncio"),
    ("page", "pytest-playwright"),
    ("browser", "pytest-playwright"),
    ("snapshot", "syrupy"),
    ("datadir", "pytest-datadir"),
    ("shared_datadir", "pytest-datadir"),
    ("data_regression", "pytest-regressions"),
    ("file_regression", "pytest-regressions"),
    ("qtbot", "pytest-qt"),
    ("fs", "pyfakefs"),
    ("cov", "pytest-cov"),
    ("worker_id", "pytest-xdist"),
    ("testrun_uid", "pytest-xdist"),
    ("subtests", "pytest-subtests"),
    ("anyio_backend", "anyio"),
    ("postgresql", "pytest-postgresql"),
    ("docker_services", "pytest-docker"),
    ("celery_app", "pytest-celery"),
    ("time_machine", "time-machine"),
];

mod circle;
mod direct;
mod indirect;
mod moving;
mod nothing;

const SCOPES: [&str; 5] = ["function", "class", "module", "package", "session"];

/// The function whose `def` (or decorators) stand at the place of `frame`.
fn function_at<'s>(source: &'s SourceFile, place: &Place) -> Option<&'s Function> {
    let module = source.module();
    let definition = module.enclosing_function(place.line)?;
    module.function(&definition.qualified_name)
}

fn new(rule: &'static str, confidence: f64) -> Finding {
    Finding::new(rule, Category::EnvIssue, Severity::High, confidence)
}

/// `fixture 'x' not found`.
fn unknown(case: &Case<'_>) -> Option<Finding> {
    let exception = case.root()?;
    let name = between(&exception.message, "fixture '", "' not found")?;
    let spot = Spot::nearest(case)?;
    let function = function_at(&spot.source, spot.place)?;
    let param = function.signature.param(name);
    let here = param.map_or_else(|| spot.place.clone(), |p| spot.place_of(p.name_span));
    let user = function.qualified_name.to_string();
    let finding = |confidence: f64| {
        new("fixtures-unknown", confidence)
            .shown(format!("`{user}` asks for the fixture `{name}`"), Some(&here))
    };
    if matches!(name, "self" | "cls") {
        return Some(
            finding(0.93)
                .because(format!("{} has a `{name}` parameter but is in no class, so that pytest looks for a fixture of that name", at(&here)))
                .suggest(format!("Remove `{name}`, or indent the function into its class"))
                .suspect(&here, 0.93, "a method outside of a class")
                .mend(param.map(|p| {
                    let text = spot.source.text();
                    let mut end = p.span.end as usize;
                    let rest = &text[end..];
                    let blanks = rest.len() - rest.trim_start_matches([',', ' ']).len();
                    end += blanks;
                    let span = crate::workspace::python::Span { start: p.span.start, end: end as u32 };
                    Draft::edits(spot.target(), format!("Remove `{name}` from `{user}`"), "It is no method", vec![TextEdit::replace(&spot.place.path, span, "")])
                })),
        );
    }
    let own: Vec<(String, Option<Place>)> = visible(case.workspace, &spot.place.path);
    let listed = exception.message.split_once("available fixtures:").map_or("", |(_, rest)| rest);
    let mut candidates = own.clone();
    for other in listed.split([',', '\n']).map(str::trim).filter(|n| !n.is_empty() && !n.contains(' ')) {
        if !candidates.iter().any(|(known, _)| known == other) {
            candidates.push((other.to_owned(), None));
        }
    }
    // A parameter of `parametrize` that is spelled in another way.
    let parametrized = parametrized(function);
    let all = candidates.into_iter().chain(parametrized.iter().map(|n| (n.clone(), None)));
    let alike = near(name, all).filter(|near| near.likeness >= 0.7).or_else(|| longer(name, &own));
    if let Some(near) = alike {
        let mut edits: Vec<TextEdit> = param
            .map(|p| TextEdit::replace(&spot.place.path, p.name_span, near.name.clone()))
            .into_iter()
            .collect();
        for stmt in &function.body {
            stmt.walk(true, &mut |stmt| {
                for expr in stmt.expressions() {
                    expr.walk(&mut |e| {
                        if e.as_name() == Some(name) {
                            edits.push(TextEdit::replace(&spot.place.path, e.span, near.name.clone()));
                        }
                    });
                }
            });
        }
        let defined = match &near.with {
            Some(place) => format!(" ({})", line_of(place)),
            None => String::new(),
        };
        let mut found = finding(if near.is_certain { 0.94 } else { 0.7 })
            .because(format!(
                "{} asks for the fixture {}, which does not exist; {}{defined} is probably meant",
                at(&here),
                code(name),
                code(&near.name)
            ))
            .suggest(format!("Change `{name}` to `{}`", near.name))
            .suspect(&here, 0.92, format!("no fixture is called `{name}`"));
        if let Some(place) = &near.with {
            found = found.shown(format!("the fixture `{}`", near.name), Some(place));
        }
        return Some(found.mend(param.is_some().then(|| {
            Draft::edits(
                target(&here),
                format!("Change `{name}` to `{}` in `{user}` ({})", near.name, line_of(&here)),
                format!("`{}` is a fixture there", near.name),
                edits,
            )
        })));
    }
    if let Some(place) = elsewhere(case.workspace, name) {
        let is_conftest = place.path.as_str().ends_with("conftest.py");
        let folder = place.path.as_str().rsplit_once('/').map_or("the root", |(folder, _)| folder).to_owned();
        let why = if is_conftest {
            format!("that file serves the tests in {} only", code(&folder))
        } else {
            "that file is no `conftest.py`, so that its fixtures serve its own tests only".to_owned()
        };
        return Some(
            finding(0.92)
                .because(format!(
                    "{} asks for the fixture {}, which is defined in {}: {why}",
                    at(&here),
                    code(name),
                    line_of(&place)
                ))
                .suggest(format!("Move `{name}` to a `conftest.py` in a folder above both files"))
                .shown(format!("the fixture `{name}`"), Some(&place))
                .suspect(&place, 0.75, "defined where this test does not see it")
                .suspect(&here, 0.6, "asks for it")
                .mend(moving::to_conftest(case.workspace, &place, &spot.place.path, name))
                .mend(Draft::advice(
                    FixTarget::Test,
                    format!("Move the fixture `{name}` to a common `conftest.py`"),
                    why,
                )),
        );
    }
    if let Some((_, distribution)) = PLUGINS.iter().find(|(fixture, _)| *fixture == name) {
        return Some(
            finding(0.85)
                .because(format!("{} asks for the fixture {}, which the plugin {} brings; it is not installed where the tests ran", at(&here), code(name), code(distribution)))
                .suggest(format!("Install `{distribution}`, and declare it with the test requirements"))
                .suspect(&here, 0.8, format!("needs `{distribution}`"))
                .mend(Draft::command(FixTarget::Environment, format!("Install `{distribution}`"), format!("It brings the fixture `{name}`"), format!("python -m pip install {distribution}"))),
        );
    }
    Some(
        finding(0.7)
            .because(format!(
                "{} asks for the fixture {}, which nothing defines that this file sees",
                at(&here),
                code(name)
            ))
            .suggest(format!("Define the fixture `{name}`, or remove the parameter"))
            .suspect(&here, 0.7, format!("there is no fixture `{name}`")),
    )
}

/// The only fixture whose name is `name` written out, or the other way round: `repo` and `repository`.
fn longer(name: &str, own: &[(String, Option<Place>)]) -> Option<Near<Option<Place>>> {
    let fits = |other: &str| {
        let (mine, theirs): (Vec<&str>, Vec<&str>) = (name.split('_').collect(), other.split('_').collect());
        let word = |(a, b): (&&str, &&str)| {
            a == b || a.len().min(b.len()) >= 2 && (a.starts_with(*b) || b.starts_with(*a))
        };
        other != name && mine.len() == theirs.len() && mine.iter().zip(&theirs).all(word)
    };
    let mut found = own.iter().filter(|(other, _)| fits(other));
    let (Some((other, place)), None) = (found.next(), found.next()) else { return None };
    Some(Near { name: other.clone(), with: place.clone(), likeness: 0.7, is_certain: true })
}

/// The names that `parametrize` decorators of `function` give.
fn parametrized(function: &Function) -> Vec<String> {
    let mut names = Vec::new();
    for decorator in &function.decorators {
        let ExprKind::Call { func, args, .. } = &decorator.kind else { continue };
        if func.dotted().is_some_and(|d| d.ends_with("parametrize"))
            && let Some(text) = args.first().and_then(Expr::as_str)
        {
            names.extend(
                text.split(',')
                    .map(|n| n.trim().to_owned())
                    .filter(|n| function.signature.param(n).is_none()),
            );
        }
    }
    names
}

/// The project's fixtures that tests in `path` see, with their places.
fn visible(workspace: &Workspace, path: &RelPath) -> Vec<(String, Option<Place>)> {
    let mut all = Vec::new();
    for file in files_seen(path) {
        let Some(source) = workspace.source(&file) else { continue };
        for fixture in source.module().fixtures() {
            all.push((fixture.name.to_string(), Some(line(&file, fixture.function.name_line))));
        }
    }
    all
}

/// The file itself and the `conftest.py` files beside and above it, the nearest first.
fn files_seen(path: &RelPath) -> Vec<RelPath> {
    let mut files = vec![path.clone()];
    let mut folder = path.as_str();
    while let Some((parent, _)) = folder.rsplit_once('/') {
        files.extend(RelPath::new(&format!("{parent}/conftest.py")));
        folder = parent;
    }
    files.extend(RelPath::new("conftest.py"));
    files.dedup();
    files
}

/// The only fixture of that name in the project.
fn elsewhere(workspace: &Workspace, name: &str) -> Option<Place> {
    let mut found = Vec::new();
    for symbol in workspace.symbols().find(name) {
        if !matches!(symbol.kind, SymbolKind::Function | SymbolKind::Method) {
            continue;
        }
        let source = workspace.source(&symbol.path)?;
        found.extend(
            source
                .module()
                .fixtures()
                .iter()
                .filter(|f| *f.name == *name)
                .map(|f| line(&symbol.path, f.function.name_line)),
        );
    }
    found.dedup();
    match found.as_slice() {
        [only] => Some(only.clone()),
        _ => None,
    }
}

/// `You tried to access the function scoped fixture x with a session scoped request object`.
fn scope_mismatch(case: &Case<'_>) -> Option<Finding> {
    let exception = case.root()?;
    let message = exception.message.as_str();
    let narrow = between(message, "You tried to access the ", " scoped fixture ")?;
    let name = between(message, " scoped fixture ", " with a ")?;
    let wide = between(message, " with a ", " scoped request object")?;
    let mut sources = Vec::new();
    let frames = exception.frames.iter().filter(|frame| frame.in_project);
    let mut files: Vec<RelPath> =
        frames.filter_map(|frame| Some(frame.place.as_ref()?.path.clone())).collect();
    // pytest may name no line of the project: then the files whose fixtures the test sees.
    let test = case.workspace.resolve(case.representative().test.file(), None);
    files.extend(test.iter().flat_map(files_seen));
    for file in files {
        let is_new = |known: &std::sync::Arc<SourceFile>| *known.path() != file;
        if let Some(source) = case.workspace.source(&file).filter(|_| sources.iter().all(is_new)) {
            sources.push(source);
        }
    }
    let all: Vec<(&SourceFile, Fixture<'_>)> =
        sources.iter().flat_map(|s| s.module().fixtures().into_iter().map(move |f| (&**s, f))).collect();
    let (file, requester) = all
        .iter()
        .find(|(_, f)| f.scope.as_deref() == Some(wide) && f.requests().any(|p| *p.name == *name))?;
    let place = line(file.path(), requester.function.name_line);
    let scope = scope_keyword(requester.function)?;
    let quote = if scope.value.span.of(file.text()).starts_with('"') { '"' } else { '\'' };
    let wanted = all
        .iter()
        .find(|(_, f)| *f.name == *name)
        .map(|(s, f)| line(s.path(), f.function.name_line))
        .or_else(|| elsewhere(case.workspace, name));
    let mut finding = new("fixtures-scope", 0.94)
        .because(format!(
            "The {wide}-scoped fixture {} ({}) asks for {}, which lives for one {narrow} only{}",
            code(&requester.name),
            line_of(&place),
            code(name),
            wanted.as_ref().map_or_else(String::new, |p| format!(" ({})", line_of(p)))
        ))
        .suggest(format!(
            "Give `{}` the scope \"{narrow}\", or `{name}` the scope \"{wide}\"",
            requester.name
        ))
        .suspect(&place, 0.9, format!("{wide}-scoped, asks for a {narrow}-scoped fixture"));
    if let Some(wanted) = &wanted {
        finding = finding.shown(format!("the fixture `{name}`"), Some(wanted)).suspect(
            wanted,
            0.5,
            "the narrower fixture",
        );
    }
    if !SCOPES.contains(&narrow) {
        return Some(finding);
    }
    Some(finding.mend(Draft::edits(
        target(&place),
        format!("Give `{}` the scope \"{narrow}\" ({})", requester.name, line_of(&place)),
        "A fixture cannot live longer than what it asks for",
        vec![TextEdit::replace(file.path(), scope.value.span, format!("{quote}{narrow}{quote}"))],
    )))
}

fn scope_keyword(function: &Function) -> Option<&Keyword> {
    function.decorators.iter().find_map(|decorator| match &decorator.kind {
        ExprKind::Call { keywords, .. } => keywords.iter().find(|k| k.name.as_deref() == Some("scope")),
        _ => None,
    })
}

/// Async tests or fixtures without a plugin that runs them.
fn no_async_plugin(case: &Case<'_>) -> Option<Finding> {
    let exception = case.last()?;
    let message = exception.message.as_str();
    let is_test = message.contains("async def functions are not natively supported");
    let is_fixture = message.contains("requested an async fixture");
    if !is_test && !is_fixture {
        return None;
    }
    let place = case.definition()?;
    let what = if is_test { "is an `async def` test" } else { "asks for an async fixture" };
    Some(
        new("fixtures-async", 0.93)
            .because(format!("{} {what}, but no plugin that runs coroutines handles it", at(&place)))
            .suggest("Install pytest-asyncio (and mark the test `@pytest.mark.asyncio`, or set `asyncio_mode = \"auto\"`), or use anyio's plugin")
            .suspect(&place, 0.85, "a coroutine function, which pytest alone does not run")
            .mend(Draft::command(
                FixTarget::Environment,
                "Install `pytest-asyncio`",
                "It runs coroutine tests and fixtures",
                "python -m pip install pytest-asyncio",
            )),
    )
}

/// The frames of the project.
fn in_project(exception: &crate::model::Exception) -> Vec<(&Frame, &Place)> {
    let own = exception.frames.iter().filter(|f| f.in_project);
    own.filter_map(|f| Some((f, f.place.as_ref()?))).collect()
}

/// The fixture that was running: its name, its scope and its place.
fn running(case: &Case<'_>, frames: &[(&Frame, &Place)]) -> Option<(String, String, Place)> {
    frames.iter().find_map(|(_, place)| {
        let source = case.workspace.source(&place.path)?;
        let module = source.module();
        let holder = module.enclosing_function(place.line)?;
        let fixtures = module.fixtures();
        let fixture = fixtures.iter().find(|f| f.function.qualified_name == holder.qualified_name)?;
        let scope = fixture.scope.as_deref().unwrap_or("function").to_owned();
        Some((fixture.name.to_string(), scope, line(&place.path, fixture.function.name_line)))
    })
}

/// Which fixture it happened in, for the cause that another rule has found: `, while the fixture …`.
pub(in crate::diagnose) fn context(case: &Case<'_>) -> Option<(String, Place)> {
    let failure = case.representative();
    let doing = match failure.phase {
        Phase::Setup => "set up",
        Phase::Teardown => "torn down",
        _ => return None,
    };
    let frames: Vec<(&Frame, &Place)> = failure.exceptions.iter().flat_map(in_project).collect();
    let (fixture, scope, place) = running(case, &frames)?;
    let count = case.failures.len();
    let reach = match (count, failure.phase) {
        (0 | 1, _) => String::new(),
        (count, Phase::Setup) => format!("; {count} tests do not run because of it"),
        (count, _) => format!("; {count} tests are affected"),
    };
    let scope = if scope == "function" { String::new() } else { format!("{scope}-scoped ") };
    Some((
        format!(", while the {scope}fixture {} ({}) is {doing}{reach}", code(&fixture), line_of(&place)),
        place,
    ))
}

/// An exception that a fixture raises while it is set up: the tests that use it are not at fault.
fn fails_in_setup(case: &Case<'_>) -> Option<Finding> {
    let failure = case.representative();
    if failure.phase != Phase::Setup {
        return None;
    }
    let exception = case.root()?;
    let in_project = in_project(exception);
    let (fixture, scope, place) = running(case, &in_project)?;
    let (frame, deepest) = in_project.last()?;
    let statement = case.statement(frame, deepest);
    let quoted = statement.as_deref().map_or_else(String::new, |text| format!(" at {}", code(text)));
    let count = case.failures.len();
    let reach = if count > 1 { format!("; {count} tests fail because of it") } else { String::new() };
    let category = case.kind().map_or(Category::EnvIssue, |kind| kind.category);
    Some(
        Finding::new("fixtures-setup", category, Severity::High, 0.45)
            .because(format!(
                "The {scope}-scoped fixture {} ({}) raises {}{quoted} ({}) while it is set up{reach}",
                code(&fixture),
                line_of(&place),
                named(exception),
                line_of(deepest)
            ))
            .suggest(format!("Mend the fixture `{fixture}`; the tests that use it have not run"))
            .shown(format!("{} was raised{quoted}", named(exception)), Some(deepest))
            .suspect(deepest, 0.8, "raises during set-up")
            .suspect(&place, 0.6, format!("the fixture `{fixture}`"))
            .mend(Draft::advice(
                target(deepest),
                format!("Mend what raises {} at {}", named(exception), line_of(deepest)),
                "The tests that use the fixture have not run",
            )),
    )
}

#[cfg(test)]
mod tests;
