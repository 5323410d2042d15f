//! An exception of any kind: what was raised, where, and by which call of the test. The rule of last resort
//! wherever there is a traceback.

use crate::diagnose::Finding;
use crate::diagnose::case::{Case, at, code, in_tests, line_of, named};
use crate::diagnose::draft::{Draft, TextEdit};
use crate::model::{Category, Exception, FixTarget, Phase, Place, Severity};
use crate::workspace::SourceFile;
use crate::workspace::python::StmtKind;

/// States the exception and its place.
pub(super) fn raised(case: &Case<'_>) -> Option<Finding> {
    let failure = case.representative();
    let (root, last) = (case.root()?, case.last()?);
    let kind = case.kind();
    let category = kind.map_or(Category::Other, |kind| kind.category);
    let severity = kind.map_or(Severity::Medium, |kind| kind.severity);
    let new = |confidence| Finding::new("raised", category, severity, confidence);
    let phase = match failure.phase {
        Phase::Collect => " while the file is imported",
        Phase::Setup => " while the test is set up",
        Phase::Call => "",
        Phase::Teardown => " while the test is torn down",
    };
    let wrapped = if std::ptr::eq(root, last) || root.short_type() == last.short_type() {
        String::new()
    } else {
        format!(", reported as {}", code(last.short_type()))
    };
    let Some((frame, place)) = case.frame() else {
        let mut finding = new(0.15)
            .because(format!("{}{wrapped}{phase}, in no line of the project", named(root)))
            .suggest("Run the test with `--full-trace` to see which code raises it")
            .note("What would settle it: a traceback with a frame of the project");
        if let Some(place) = case.definition() {
            finding = finding.suspect(&place, 0.1, "the test itself is the only place known");
        }
        return Some(finding);
    };
    let statement = case.statement(frame, place);
    if let Some(finding) = invalid_syntax(case, place, root) {
        return Some(finding);
    }
    let on_purpose = statement.as_deref().is_some_and(|text| text == "raise" || text.starts_with("raise "));
    // A `raise` says nothing that its message does not.
    let what = match statement.as_deref().filter(|_| !on_purpose) {
        Some(text) => format!("{} fails with {} in {}", at(place), named(root), code(text)),
        None => format!("{} raises {}", at(place), named(root)),
    };
    let sentence = format!("{what}{wrapped}{phase}");
    let short = code(root.short_type());
    let finding = if on_purpose {
        let is_checked = case.workspace.source(&place.path).is_some_and(|source| {
            let path = source.module().path_to(place.line);
            path.iter().rev().nth(1).is_some_and(|stmt| matches!(stmt.kind, StmtKind::If(_)))
        });
        let advice = if is_checked {
            format!("Correct what leads to the `raise` at {}, or the condition before it", line_of(place))
        } else {
            format!("Correct what leads to the `raise` at {}, or handle the {short}", line_of(place))
        };
        new(if in_tests(place) { 0.3 } else { 0.5 }).because(sentence).suggest(advice)
    } else if in_tests(place) {
        new(if root.assertion.is_some() { 0.2 } else { 0.3 })
            .because(sentence)
            .suggest(format!(
                "Compare {} with what the called code gives now: either may be wrong",
                line_of(place)
            ))
            .note("What would settle it: the values at that line (run with the plugin, or with `-l`)")
    } else {
        new(0.5).because(sentence).suggest(format!("Prevent or handle the {short} at {}", line_of(place)))
    };
    let score = if in_tests(place) { 0.3 } else { 0.6 };
    let mut finding = finding.shown(format!("{} was raised here", named(root)), Some(place)).suspect(
        place,
        score,
        "deepest frame of the project that the exception went through",
    );
    for value in frame.locals.iter().take(8) {
        finding = finding.shown(format!("`{}` was {}", value.name, code(&value.repr)), Some(place));
    }
    if let Some((frame, test)) = case.test_frame().filter(|(_, test)| *test != place)
        && let Some(statement) = case.statement(frame, test)
    {
        finding = finding.shown(format!("called from the test by {}", code(&statement)), Some(test)).suspect(
            test,
            score / 2.0,
            "the call in the test",
        );
    }
    Some(finding)
}

/// The colon that a line like `if x` or `def f()` lacks at its end, a comment left out.
fn missing_colon(source: &SourceFile, place: &Place, message: &str) -> Option<Draft> {
    if message.trim() != "expected ':'" {
        return None;
    }
    let line = source.line(place.line)?;
    let code = line.split('#').next().unwrap_or(line).trim_end();
    let brackets = code.chars().filter(|c| "([{".contains(*c)).count()
        == code.chars().filter(|c| ")]}".contains(*c)).count();
    if !brackets || code.contains(['"', '\'']) || code.ends_with(':') {
        return None;
    }
    let at = source.offset(place.line, code.chars().count() as u32 + 1)?;
    let edits = vec![TextEdit::insert(&place.path, at, ":")];
    let title = format!("Add `:` at the end of {}", line_of(place));
    Some(Draft::edits(FixTarget::Code, title, "A header ends with a colon", edits))
}

/// A file that Python could not parse.
fn invalid_syntax(case: &Case<'_>, place: &Place, root: &Exception) -> Option<Finding> {
    let is_syntax = matches!(root.short_type(), "SyntaxError" | "IndentationError" | "TabError");
    // `eval` and its like raise it about other text.
    let source = case.workspace.source(&place.path).filter(|_| is_syntax)?;
    if source.module().errors().is_empty() {
        return None;
    }
    let message = root.message.lines().next().unwrap_or_default();
    // `… does not match opening parenthesis '(' on line 3`: the bracket that was never closed.
    let opened =
        message.rsplit_once("on line ").and_then(|(_, line)| line.trim_end_matches([')', ' ']).parse().ok());
    let line = opened.filter(|_| message.contains("opening parenthesis")).unwrap_or(place.line);
    let place = Place { function: None, ..Place::line(place.path.clone(), line) };
    if let Some(bracket) = message.split("opening parenthesis '").nth(1).and_then(|rest| rest.get(..1))
        && opened.is_some()
    {
        return Some(
            Finding::new("raised-syntax", Category::ImportError, Severity::High, 0.65)
                .because(format!(
                    "The bracket `{bracket}` that {} opens is never closed: {}",
                    line_of(&place),
                    code(message)
                ))
                .suggest(format!("Close the `{bracket}` of {}", line_of(&place)))
                .shown(format!("{}: {}", root.short_type(), code(message)), Some(&place))
                .suspect(&place, 0.9, "opens a bracket that is not closed"),
        );
    }
    Some(
        Finding::new("raised-syntax", Category::ImportError, Severity::High, 0.65)
            .because(format!("{} is not valid Python: {}", line_of(&place), code(message)))
            .suggest(format!("Correct the syntax at {}", line_of(&place)))
            .shown(format!("{}: {}", root.short_type(), code(message)), Some(&place))
            .suspect(&place, 0.95, "where Python's parser gave up")
            .mend(missing_colon(&source, &place, message)),
    )
}
