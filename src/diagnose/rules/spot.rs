//! The place where an exception was raised, with its syntax: what most rules begin with.

use std::sync::Arc;

use crate::diagnose::case::Case;
use crate::model::{FixTarget, Frame, Place, RelPath};
use crate::workspace::python::{Expr, Function, Module, Span};
use crate::workspace::resolve::Resolver;
use crate::workspace::{SourceFile, Workspace};

/// The line of the project's own code that raised the root exception itself.
pub(super) struct Spot<'a> {
    pub frame: &'a Frame,
    pub place: &'a Place,
    pub source: Arc<SourceFile>,
    pub workspace: &'a Workspace,
}

impl<'a> Spot<'a> {
    /// The spot of the root exception, if its last frame is the project's.
    pub(super) fn of(case: &Case<'a>) -> Option<Self> {
        let exception = case.root()?;
        let frame = exception.frames.last()?;
        Self::at(case, frame)
    }

    /// The spot of the deepest frame of the project, for exceptions that a library raises about its caller.
    pub(super) fn nearest(case: &Case<'a>) -> Option<Self> {
        let exception = case.root()?;
        let frame = exception.frames.iter().rev().find(|frame| frame.in_project && frame.place.is_some())?;
        Self::at(case, frame)
    }

    /// A line of the project that no frame shows.
    pub(super) fn given(workspace: &'a Workspace, place: &'a Place) -> Option<Self> {
        static NO_FRAME: std::sync::LazyLock<Frame> = std::sync::LazyLock::new(|| Frame {
            path: String::new(),
            line: 0,
            span: None,
            function: None,
            source: None,
            locals: Vec::new(),
            place: None,
            in_project: true,
        });
        let source = workspace.source(&place.path)?;
        Some(Self { frame: &NO_FRAME, place, source, workspace })
    }

    fn at(case: &Case<'a>, frame: &'a Frame) -> Option<Self> {
        let place = frame.place.as_ref().filter(|_| frame.in_project)?;
        let source = case.workspace.source(&place.path)?;
        Some(Self { frame, place, source, workspace: case.workspace })
    }

    pub(super) fn module(&self) -> &Module {
        self.source.module()
    }

    pub(super) fn resolver(&self) -> Resolver<'a> {
        Resolver::new(self.workspace)
    }

    /// The function that holds the spot.
    pub(super) fn function(&self) -> Option<&Function> {
        let definition = self.module().enclosing_function(self.place.line)?;
        self.module().function(&definition.qualified_name)
    }

    /// The expressions of the statement at the spot, outer before inner; only those that touch the failing span
    /// where it is known.
    pub(super) fn expressions(&self) -> Vec<&Expr> {
        let Some(stmt) = self.module().statement(self.place.line) else { return Vec::new() };
        let mut all = Vec::new();
        for expr in stmt.expressions() {
            expr.walk(&mut |part| all.push(part));
        }
        // A compound statement's header may go over several lines, and so may a call.
        let on_line: Vec<&Expr> = all
            .iter()
            .copied()
            .filter(|e| {
                let (first, last) = (self.source.line_of(e.span.start), self.source.line_of(e.span.end));
                (first..=last).contains(&self.place.line)
            })
            .collect();
        if on_line.is_empty() { all } else { on_line }
    }

    /// The text of a range.
    pub(super) fn text(&self, span: Span) -> &str {
        span.of(self.source.text())
    }

    /// A place of this file.
    pub(super) fn place_of(&self, span: Span) -> Place {
        self.source.place(span)
    }

    /// What a fix of this file changes.
    pub(super) fn target(&self) -> FixTarget {
        target(self.place)
    }
}

/// What a fix at `place` changes.
pub(super) fn target(place: &Place) -> FixTarget {
    if crate::diagnose::case::in_tests(place) { FixTarget::Test } else { FixTarget::Code }
}

/// A line of a file as a place.
pub(super) fn line(path: &RelPath, line: u32) -> Place {
    Place::line(path.clone(), line)
}

/// The text between `before` and the next `after` of `text`.
pub(super) fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    let start = text.find(before)? + before.len();
    let end = text[start..].find(after)?;
    Some(&text[start..start + end])
}

/// The parts of `text` in single quotes that are names, in order.
pub(super) fn quoted(text: &str) -> Vec<&str> {
    let is_name =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.'));
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find('\'') {
        let Some(end) = rest[start + 1..].find('\'') else { break };
        let part = &rest[start + 1..start + 1 + end];
        if is_name(part) {
            found.push(part);
            rest = &rest[start + end + 2..];
        } else {
            rest = &rest[start + 1..];
        }
    }
    found
}
