//! What the tests of the rules share: a case from a few files, an exception and the lines it went through.

#![expect(clippy::unwrap_used, clippy::needless_pass_by_value, reason = "tests")]

use std::collections::HashMap;
use std::sync::Arc;

use crate::diagnose::case::Memo;
use crate::diagnose::rules::Rule;
use crate::diagnose::{Case, Finding};
use crate::model::{
    Assertion, Detail, Exception, Failure, FailureKind, Frame, Link, Phase, RelPath, Run, TestId, Value,
};
use crate::workspace::Workspace;

/// A failing test.
pub(super) struct Scene {
    pub files: Vec<(&'static str, String)>,
    pub test: &'static str,
    pub phase: Phase,
    /// `Type: message`, as Python prints it.
    pub exception: String,
    /// The lines it went through, outermost first: a file and a text that occurs on that line only.
    pub through: Vec<(&'static str, &'static str)>,
    /// Locals of the last frame.
    pub locals: Vec<(&'static str, &'static str)>,
    compared: Option<(String, String)>,
}

/// A test in `tests/test_it.py` that fails in its call with `exception` at the lines `through`.
pub(super) fn scene(
    files: &[(&'static str, &str)],
    exception: &str,
    through: &[(&'static str, &'static str)],
) -> Scene {
    Scene {
        files: files.iter().map(|(path, text)| (*path, (*text).to_owned())).collect(),
        test: "tests/test_it.py::test_it",
        phase: Phase::Call,
        exception: exception.to_owned(),
        through: through.to_vec(),
        locals: Vec::new(),
        compared: None,
    }
}

impl Scene {
    pub(super) fn phase(mut self, phase: Phase) -> Self {
        self.phase = phase;
        self
    }

    pub(super) fn locals(mut self, locals: &[(&'static str, &'static str)]) -> Self {
        self.locals = locals.to_vec();
        self
    }

    /// The root of the failure is `assert left == right`.
    pub(super) fn compared(mut self, left: &str, right: &str) -> Self {
        self.compared = Some((left.to_owned(), right.to_owned()));
        self
    }

    pub(super) fn workspace(&self) -> Workspace {
        let overlay: HashMap<RelPath, Arc<str>> = self
            .files
            .iter()
            .map(|(path, text)| (RelPath::new(path).unwrap(), text.as_str().into()))
            .collect();
        Workspace::new("/no/such/folder", Arc::default()).with_overlay(overlay)
    }

    fn failure(&self, workspace: &Workspace) -> Failure {
        let (type_name, message) = self.exception.split_once(": ").unwrap_or((&self.exception, ""));
        let mut frames: Vec<Frame> = self
            .through
            .iter()
            .map(|(path, text)| {
                let source = workspace.source(&RelPath::new(path).unwrap()).expect(path);
                let lines: Vec<u32> =
                    (1..=source.line_count()).filter(|&n| source.line(n).unwrap().contains(text)).collect();
                let [line] = lines[..] else { panic!("{text:?} is on lines {lines:?} of {path}") };
                let function = source.module().enclosing_function(line).map_or_else(
                    || "<module>".to_owned(),
                    |d| d.qualified_name.rsplit('.').next().unwrap().to_owned(),
                );
                Frame {
                    path: (*path).to_owned(),
                    line,
                    span: None,
                    function: Some(function),
                    source: source.line(line).map(|l| l.trim().to_owned()),
                    locals: Vec::new(),
                    place: None,
                    in_project: false,
                }
            })
            .collect();
        if let Some(last) = frames.last_mut() {
            last.locals = self
                .locals
                .iter()
                .map(|(name, repr)| Value {
                    name: (*name).to_owned(),
                    repr: (*repr).to_owned(),
                    type_name: None,
                })
                .collect();
        }
        let exception = Exception {
            type_name: type_name.to_owned(),
            message: message.to_owned(),
            link: Link::Last,
            frames,
            assertion: self.compared.as_ref().map(|(left, right)| Assertion {
                operator: "==".to_owned(),
                left: left.clone(),
                right: Some(right.clone()),
                ..Assertion::default()
            }),
            group: Vec::new(),
            notes: Vec::new(),
        };
        Failure {
            kind: FailureKind::Exception,
            exceptions: vec![exception],
            detail: Detail::Traceback,
            ..Failure::bare(TestId::new(self.test), self.phase)
        }
    }

    /// What `rule` says.
    pub(super) fn examine(&self, rule: impl Rule) -> Option<Finding> {
        let workspace = self.workspace();
        let mut run = Run { failures: vec![self.failure(&workspace)], ..Run::default() };
        crate::evidence::collect(&mut run, &workspace);
        let memo = Memo::default();
        let case = Case { failures: &[&run.failures[0]], workspace: &workspace, replay: false, memo: &memo };
        rule.examine(&case)
    }

    /// Checks that `rule` says a sentence with all of `parts`, suspects `place` (`path:line`) first, and that
    /// its first fix leaves `fixed` (a path and a text that the file then holds) or, if `None`, is no edit.
    pub(super) fn check(&self, rule: impl Rule, parts: &[&str], place: &str, fixed: Option<(&str, &str)>) {
        let finding = self.examine(rule).unwrap_or_else(|| panic!("silent on {}", self.exception));
        for part in parts {
            assert!(finding.root_cause.contains(part), "{part:?} in {:?}", finding.root_cause);
        }
        let (first, ..) = &finding.culprits[0];
        assert_eq!(format!("{}:{}", first.path.as_str(), first.line), place, "{}", finding.root_cause);
        let workspace = self.workspace();
        let first = finding.fixes.first();
        match fixed {
            Some((path, text)) => {
                let path = RelPath::new(path).unwrap();
                let fix = first.unwrap_or_else(|| panic!("no fix: {}", finding.root_cause));
                let after =
                    fix.applied(&workspace, &path).unwrap_or_else(|| panic!("no edits: {}", fix.title));
                assert!(after.contains(text), "{text:?} in {after:?}");
                let before = workspace.source(&path).unwrap();
                let errors = crate::workspace::python::Module::parse(&after).errors().len();
                assert!(errors <= before.module().errors().len(), "parses after the fix: {after}");
                assert_ne!(after, **before.text());
            }
            None => assert!(
                first.is_none_or(|fix| !matches!(fix.change, crate::diagnose::draft::Change::Edits(_))),
                "an edit was proposed: {first:?}"
            ),
        }
        assert!((0.0..=1.0).contains(&finding.confidence) && !finding.suggestion.is_empty());
    }

    /// Checks that `rule` says nothing.
    pub(super) fn silent(&self, rule: impl Rule) {
        if let Some(finding) = self.examine(rule) {
            panic!("spoke on {}: {}", self.exception, finding.root_cause);
        }
    }
}
