//! Frames and their places in the workspace.

use std::sync::Arc;

use super::{assertion, traceback};
use crate::model::maps::Map;
use crate::model::{Exception, Failure, Frame, Place, RelPath, Run};
use crate::workspace::python::Definition;
use crate::workspace::{SourceFile, Workspace};

/// See [`super::collect`].
pub(super) fn collect(run: &mut Run, workspace: &Workspace) {
    let root = run.root.clone();
    let mut places =
        Places { workspace, root: root.as_deref(), paths: Map::default(), moved: Map::default() };
    for failure in &mut run.failures {
        read(failure);
        for exception in &mut failure.exceptions {
            complete(exception, &mut places, 0);
        }
    }
}

/// Reads the exceptions from the failure's texts where the format has no structure of its own.
fn read(failure: &mut Failure) {
    if failure.exceptions.is_empty() && !failure.text.is_empty() {
        failure.exceptions = traceback::exceptions(&failure.text);
    }
    let headline = traceback::parse_headline(&failure.headline);
    match (failure.exceptions.last_mut(), headline) {
        (None, Some(exception)) => failure.exceptions.push(exception),
        (Some(last), Some(named)) => {
            // A text without a traceback does not name its exception; the headline may.
            let start = named.message.lines().next().unwrap_or_default().trim_end_matches("...");
            if last.frames.is_empty()
                && last.type_name == "Failed"
                && named.type_name != "Failed"
                && last.message.starts_with(start)
            {
                last.type_name = named.type_name;
            }
        }
        _ => {}
    }
}

fn complete(exception: &mut Exception, places: &mut Places<'_>, depth: usize) {
    // pytest raises `Failed: ScopeMismatch: …` and prints it without the `Failed`.
    if exception.type_name == "Failed"
        && let Some(rest) = exception.message.strip_prefix("ScopeMismatch: ")
    {
        exception.message = rest.to_owned();
        "ScopeMismatch".clone_into(&mut exception.type_name);
    }
    if exception.assertion.is_none() && exception.short_type() == "AssertionError" {
        exception.assertion = assertion::of_frames(&exception.message, &exception.frames);
    }
    for frame in &mut exception.frames {
        places.find(frame);
    }
    whole_statement(exception, places.workspace);
    if depth < traceback::MAX_GROUP_DEPTH {
        for member in exception.group.iter_mut().flatten() {
            complete(member, places, depth + 1);
        }
    }
}

/// A short traceback shows the first line of a statement only: where the file still has it, the rest of an
/// `assert` of several lines tells its operator.
fn whole_statement(exception: &mut Exception, workspace: &Workspace) {
    const MAX_LINES: u32 = 200;
    let open = exception.assertion.as_ref().is_some_and(|assertion| assertion.expression.is_none());
    let Some(frame) = exception.frames.last().filter(|_| open) else { return };
    let (Some(place), Some(shown)) = (&frame.place, &frame.source) else { return };
    let Some(source) = workspace.source(&place.path) else { return };
    let Some((first, last)) = source.module().statement_lines(place.line) else { return };
    let unchanged = source.line(place.line).is_some_and(|line| line.trim() == shown);
    if !unchanged || last - first > MAX_LINES {
        return;
    }
    let lines: Vec<&str> = (first..=last).filter_map(|line| source.line(line)).collect();
    let again = assertion::take_apart(&exception.message, Some(&lines.join("\n")));
    if let Some(assertion) = again.filter(|assertion| assertion.expression.is_some()) {
        exception.assertion = Some(assertion);
    }
}

/// Looks up places; the same frames come again and again, in recursion and over many failures.
struct Places<'a> {
    workspace: &'a Workspace,
    root: Option<&'a str>,
    paths: Map<String, Option<(RelPath, bool)>>,
    moved: Map<(RelPath, u32, String, Option<String>), u32>,
}

impl Places<'_> {
    fn find(&mut self, frame: &mut Frame) {
        if frame.place.is_some() || frame.path.is_empty() || frame.path.starts_with('<') {
            return;
        }
        if !self.paths.contains_key(&frame.path) {
            let found = self.workspace.resolve(&frame.path, self.root);
            let found = found.map(|path| (path.clone(), self.workspace.is_project(&path)));
            self.paths.insert(frame.path.clone(), found);
        }
        let Some((path, in_project)) = self.paths.get(&frame.path).cloned().flatten() else { return };
        frame.in_project = in_project;
        let source = self.workspace.source(&path).filter(|_| frame.line > 0);
        let line = source.as_ref().map_or(frame.line, |source| self.line_now(frame, &path, source));
        let mut place = Place::line(path, line.max(1));
        if let Some((end_line, from, to)) = frame.span.filter(|_| line == frame.line) {
            place.end_line = end_line.max(line);
            place.columns = Some((from, to));
        }
        if let Some(source) = source {
            place.function = function(&source, line, frame.function.as_deref());
        } else if let Some(name) = frame.function.as_deref().filter(|name| !name.starts_with('<')) {
            place.function = Some(name.into());
        }
        if let Some(name) = &place.function
            && frame.function.as_deref().is_none_or(|given| !given.starts_with('<'))
        {
            frame.function = Some(name.to_string());
        }
        frame.place = Some(place);
    }

    /// The line that holds the frame's source now: the given one if it still does (or nothing was shown), else
    /// the nearest in the same function, else the only one in the file, else the given one.
    fn line_now(&mut self, frame: &Frame, path: &RelPath, source: &SourceFile) -> u32 {
        let Some(shown) = frame.source.as_deref().and_then(|text| text.lines().next()).map(str::trim) else {
            return frame.line;
        };
        if shown.is_empty() || source.line(frame.line).is_some_and(|text| text.trim() == shown) {
            return frame.line;
        }
        let key = (path.clone(), frame.line, shown.to_owned(), frame.function.clone());
        *self.moved.entry(key).or_insert_with(|| {
            let lines: Vec<u32> = (1..=source.line_count())
                .filter(|&line| source.line(line).is_some_and(|text| text.trim() == shown))
                .collect();
            let name = frame.function.as_deref();
            let nearest = lines
                .iter()
                .filter(|&&line| {
                    let holder = source.module().enclosing_function(line);
                    name.is_some_and(|name| holder.map_or(name == "<module>", |holder| names(holder, name)))
                })
                .min_by_key(|&&line| line.abs_diff(frame.line));
            match (nearest, &lines[..]) {
                (Some(&line), _) | (None, &[line]) => line,
                _ => frame.line,
            }
        })
    }
}

/// Whether a definition has this bare or qualified name.
fn names(definition: &Definition, name: &str) -> bool {
    let qualified = &*definition.qualified_name;
    qualified == name || qualified.rsplit('.').next() == name.rsplit('.').next()
}

/// The qualified name of the function that `line` is in. `given` is the name in the traceback, which decides
/// whether the file still fits.
fn function(source: &SourceFile, line: u32, given: Option<&str>) -> Option<Arc<str>> {
    let module = source.module();
    let enclosing = module.enclosing_function(line);
    match given {
        Some("<module>") => None,
        Some(name) if !name.starts_with('<') => match enclosing {
            Some(definition) if names(definition, name) => Some(definition.qualified_name.clone()),
            // A class body has the class's name.
            _ => match module.enclosing_class(line) {
                Some(class) if names(class, name) => Some(class.qualified_name.clone()),
                _ => Some(name.into()),
            },
        },
        // Decorators run where the function is defined.
        _ => module
            .enclosing(line)
            .find(|definition| !definition.is_class && definition.name_line <= line)
            .map(|definition| definition.qualified_name.clone()),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::sync::Arc;

    use crate::model::{Failure, Phase, Run, TestId};
    use crate::workspace::{Config, Workspace};

    const SOURCE: &str = "import os\n\n\nclass Cart:\n    def total(self):\n        items = 1\n        return items / 0\n\n\
                          \n    def other(self):\n        return items / 0\n\n\ndef helper():\n    raise OSError()\n\n\ndef check():\n    assert (\n        R()\n        == 1\n    )\n";

    /// Collects one failure with `text` in a workspace where `src/cart.py` holds [`SOURCE`].
    fn collected(text: &str, headline: &str) -> Failure {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("src")).unwrap();
        std::fs::write(folder.path().join("src/cart.py"), SOURCE).unwrap();
        let mut failure = Failure::bare(TestId::new("tests/test_a.py::test_a"), Phase::Call);
        failure.text = text.into();
        headline.clone_into(&mut failure.headline);
        let mut run = Run { failures: vec![failure], ..Run::default() };
        super::collect(&mut run, &Workspace::new(folder.path(), Arc::new(Config::default())));
        run.failures.pop().unwrap()
    }

    #[test]
    fn places_follow_the_source() {
        let rows = [
            // (what the traceback says, line now, function)
            ("src/cart.py:7: in total\n    return items / 0\nE   E: x", 7, Some("Cart.total")),
            // Moved within the function; the same text stands nearer, in another function.
            ("src/cart.py:12: in total\n    return items / 0\nE   E: x", 7, Some("Cart.total")),
            // Moved to where it is the only one.
            ("src/cart.py:3: in gone\n    raise OSError()\nE   E: x", 15, Some("gone")),
            // Gone: the line is kept.
            ("src/cart.py:6: in total\n    return 17\nE   E: x", 6, Some("Cart.total")),
            // No function is told.
            ("src/cart.py:11: ZeroDivisionError: division by zero", 11, Some("Cart.other")),
            ("src/cart.py:1: in <module>\n    import os\nE   E: x", 1, None),
            ("src/cart.py:15: in <lambda>\n    raise OSError()\nE   E: x", 15, Some("helper")),
        ];
        for (text, line, function) in rows {
            let failure = collected(text, "");
            let frame = failure.exceptions[0].frames.last().unwrap();
            let place = frame.place.as_ref().unwrap();
            assert_eq!((place.line, place.function.as_deref()), (line, function), "{text}");
            assert!(frame.in_project);
        }
    }

    #[test]
    fn an_assert_of_several_lines_is_completed_from_the_file() {
        let failure = collected("src/cart.py:19: in check\n    assert (\nE   assert a == b == 1", "");
        let assertion = failure.exceptions[0].assertion.as_ref().unwrap();
        assert_eq!(assertion.expression.as_deref(), Some("assert ( R() == 1 )"));
        assert_eq!((&*assertion.left, assertion.right.as_deref()), ("a == b", Some("1")));
    }

    #[test]
    fn what_is_not_in_the_workspace_has_no_place() {
        let failure = collected("/usr/lib/python3/json.py:7: in loads\n    x\nE   E: x", "");
        assert_eq!(failure.exceptions[0].frames[0].place, None);
        assert!(!failure.exceptions[0].frames[0].in_project);
    }

    #[test]
    fn the_headline_helps_where_the_text_is_silent() {
        let rows = [
            ("", "KeyError: 'x'", "KeyError", "'x'"),
            ("Broken: because", "CollectError: Broken: because", "Broken", "because"),
            ("it broke\nbadly", "_pytest.CollectError: it broke", "_pytest.CollectError", "it broke\nbadly"),
            ("it broke", "KeyError: 'other'", "Failed", "it broke"),
            ("", "Failed: ScopeMismatch: You tried", "ScopeMismatch", "You tried"),
        ];
        for (text, headline, type_name, message) in rows {
            let failure = collected(text, headline);
            let last = failure.exceptions.last().unwrap();
            assert_eq!((&*last.type_name, &*last.message), (type_name, message), "{text:?} {headline:?}");
        }
        assert!(collected("", "collection failure").exceptions.is_empty());
    }
}
