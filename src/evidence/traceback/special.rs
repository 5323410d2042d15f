//! Texts that pytest prints without a traceback of its own: fixtures that are not found, doctests, and plain
//! messages (`pytest.fail(pytrace=False)`, strict xpass, a crashed worker, parametrisation errors).

use super::entries::definition;
use super::lines::{Rest, location};
use super::{message, native, trim_blank};
use crate::model::{Assertion, Exception, Frame, Link};

/// Drops what stands before the failure itself: xdist's line about the worker (`[gw1] linux -- Python 3.11.7 …`).
pub(super) fn skip_preamble<'a, 'b>(mut lines: &'b [&'a str]) -> &'b [&'a str] {
    while let [first, rest @ ..] = lines {
        if !(first.starts_with("[gw") && first.contains("] ") && first.contains(" -- Python ")) {
            break;
        }
        lines = trim_blank(rest);
    }
    lines
}

/// One of the forms with a shape of its own.
pub(super) fn parse(lines: &[&str]) -> Option<Vec<Exception>> {
    fixture_lookup(lines).or_else(|| scope_mismatch(lines)).or_else(|| doctest(lines))
}

/// A text that is only a message.
pub(super) fn plain(lines: &[&str]) -> Exception {
    let first = lines.first().copied().unwrap_or_default();
    if is_worker_crash(first) {
        return super::exception(String::new(), lines.join("\n"));
    }
    let (type_name, text) = message::split(lines);
    let named = type_name.starts_with(|c: char| c.is_uppercase()) && !first.trim_end().eq(&type_name)
        || type_name == "AssertionError";
    if named {
        return super::exception(type_name, text);
    }
    // pytest prints its own `Failed` without the type when it is told to print no traceback.
    super::exception("Failed".to_owned(), lines.join("\n").trim_end().to_owned())
}

/// `worker 'gw1' crashed while running 'tests/test_a.py::test_b'`.
pub(crate) fn is_worker_crash(line: &str) -> bool {
    line.starts_with("worker '") && line.contains("' crashed while running '")
}

/// `file a.py, line 3`, the source down to the `def`, `E  fixture 'x' not found` and the available ones.
fn fixture_lookup(lines: &[&str]) -> Option<Vec<Exception>> {
    fixture_file(lines.first()?)?;
    let mut frames: Vec<Frame> = Vec::new();
    let mut shown = 0;
    let mut errors = Vec::new();
    let mut hints = Vec::new();
    for line in lines {
        if let Some((path, number)) = fixture_file(line) {
            frames.push(super::frame(path, number));
            shown = 0;
        } else if let Some(text) = line.strip_prefix('E') {
            errors.push(text);
        } else if let Some(text) = line.strip_prefix('>') {
            hints.push(text.trim());
        } else if let Some(frame) = frames.last_mut()
            && line.starts_with("  ")
        {
            if frame.function.is_none()
                && let Some(name) = definition(line)
            {
                frame.function = Some(name.to_owned());
                frame.source = Some(line.trim().to_owned());
                frame.line = frame.line.saturating_add(shown);
            }
            shown += 1;
        }
    }
    let mut text = message::dedent(&errors).join("\n");
    for hint in hints.iter().filter(|hint| !hint.starts_with("use 'pytest --fixtures")) {
        text.push('\n');
        text.push_str(hint);
    }
    let mut exception = super::exception("FixtureLookupError".to_owned(), text);
    exception.frames = frames;
    Some(vec![exception])
}

/// `ScopeMismatch: …` with the stack of fixtures as `path:line:  def name(…)`.
fn scope_mismatch(lines: &[&str]) -> Option<Vec<Exception>> {
    let text = lines.first()?.strip_prefix("ScopeMismatch: ")?;
    let mut exception = super::exception("ScopeMismatch".to_owned(), text.to_owned());
    for line in &lines[1..] {
        exception.message.push('\n');
        exception.message.push_str(line);
        if let Some((path, number, Rest::Message(source))) = location(line) {
            let mut frame = super::frame(path, number);
            frame.function = definition(source).map(str::to_owned);
            frame.source = Some(source.to_owned());
            exception.frames.push(frame);
        }
    }
    Some(vec![exception])
}

fn fixture_file(line: &str) -> Option<(&str, u32)> {
    let (path, number) = line.strip_prefix("file ")?.rsplit_once(", line ")?;
    Some((path, number.trim_end().parse().ok()?))
}

/// A doctest's failure: numbered source, `Expected:` and `Got:` (or a diff, or an unexpected exception), and
/// the place. With `--doctest-continue-on-failure` there are several; the further ones become members.
fn doctest(lines: &[&str]) -> Option<Vec<Exception>> {
    let mut chains = Vec::new();
    let mut start = 0;
    for (at, line) in lines.iter().enumerate() {
        let Some((path, number, Rest::Type(kind))) = location(line) else { continue };
        if kind == "DocTestFailure" || kind == "UnexpectedException" {
            chains.push(example(trim_blank(&lines[start..at]), path, number));
            start = at + 1;
        }
    }
    if chains.is_empty() {
        return cut_doctest(lines);
    }
    let mut first = chains.remove(0);
    if let Some(last) = first.last_mut() {
        last.group = chains;
    }
    Some(first)
}

/// A doctest's failure whose end is missing: numbered lines of source. `--tb=line` prints the first 50
/// characters only.
fn cut_doctest(lines: &[&str]) -> Option<Vec<Exception>> {
    let numbered = |line: &&&str| {
        let digits = line.bytes().take_while(u8::is_ascii_digit).count();
        digits >= 3 && (line.len() == digits || line.as_bytes()[digits] == b' ')
    };
    let shown = lines.iter().take_while(numbered).count();
    let prompts = lines[..shown]
        .iter()
        .any(|line| line.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start().starts_with(">>> "));
    let rest = trim_blank(&lines[shown..]);
    let told =
        rest.first().is_none_or(|line| line.starts_with("Expected") || line.starts_with("Differences ("));
    (prompts && told).then(|| {
        let exception = super::exception("DocTestFailure".to_owned(), rest.join("\n").trim_end().to_owned());
        vec![exception]
    })
}

fn example(lines: &[&str], path: &str, number: u32) -> Vec<Exception> {
    let start = lines.iter().position(|line| {
        line.starts_with("Expected")
            || line.starts_with("Differences (")
            || line.starts_with("UNEXPECTED EXCEPTION:")
    });
    let (shown, told) = lines.split_at(start.unwrap_or(0));
    let statement = example_source(shown);
    let mut place = super::frame(path, number);
    place.source.clone_from(&statement);

    if told.first().is_some_and(|line| line.starts_with("UNEXPECTED EXCEPTION:")) {
        let mut chain = native::parse(&told[1..]);
        for exception in &mut chain {
            for frame in &mut exception.frames {
                if frame.path.starts_with("<doctest ") {
                    *frame = Frame { function: frame.function.take(), ..place.clone() };
                }
            }
            // The frames before the example's are doctest's own.
            if let Some(at) = exception.frames.iter().position(|frame| frame.path == path) {
                exception.frames.drain(..at);
            }
        }
        if let Some(last) = chain.last_mut() {
            last.link = Link::Last;
            return chain;
        }
    }
    let mut exception = super::exception("DocTestFailure".to_owned(), told.join("\n"));
    exception.frames.push(place);
    if let (Some(expected), Some(got)) = (part(told, "Expected"), part(told, "Got")) {
        exception.assertion = Some(Assertion {
            expression: statement,
            operator: "==".to_owned(),
            left: got,
            right: Some(expected),
            ..Assertion::default()
        });
    }
    vec![exception]
}

/// The last example shown: the lines from the last `>>>` on, without line numbers and prompts.
fn example_source(shown: &[&str]) -> Option<String> {
    let texts: Vec<&str> =
        shown.iter().map(|line| line.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start()).collect();
    let from = texts.iter().rposition(|text| text.starts_with(">>>"))?;
    let lines: Vec<&str> = texts[from..]
        .iter()
        .take_while(|text| text.starts_with(">>>") || text.starts_with("..."))
        .map(|text| text[3..].trim())
        .collect();
    Some(lines.join("\n"))
}

/// The indented lines under `Expected:` or `Got:`; `Expected nothing` has none.
fn part(lines: &[&str], name: &str) -> Option<String> {
    let at = lines
        .iter()
        .position(|line| line.strip_prefix(name).is_some_and(|rest| matches!(rest, ":" | " nothing")))?;
    let lines: Vec<&str> = lines[at + 1..]
        .iter()
        .take_while(|line| line.starts_with("    ") || line.is_empty())
        .map(|line| line.get(4..).unwrap_or(""))
        .collect();
    Some(lines.join("\n").trim_end().to_owned())
}
