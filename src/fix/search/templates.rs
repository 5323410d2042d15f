//! Candidate edits: small changes of one statement of the kinds that developers' one-line fixes are made of
//! (Karampatsis and Sutton, "How Often Do Single-Statement Bugs Occur?", MSR 2020, count most of these kinds in
//! Python and Java projects). Each has a cost: what is smaller and more usual costs less.

use std::collections::HashSet;

use super::{expressions, statements};
use crate::model::{Place, RelPath};
use crate::workspace::python::{Expr, ExprKind, Function, Module, Span, Stmt, StmtKind};
use crate::workspace::{SourceFile, Workspace};

/// A candidate.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The file.
    pub path: RelPath,
    /// The bytes that go.
    pub span: Span,
    /// The text that comes.
    pub new_text: String,
    /// What it costs: less is tried first and preferred. What is less suspected costs more.
    pub cost: f64,
    /// What it costs by itself, wherever it is: from 1 for the most usual.
    pub own: f64,
    /// The first line of the suspected statement, from 1.
    pub line: u32,
}

/// What is known of the failure that some kinds of edit need.
#[derive(Debug, Clone, Default)]
pub struct Hints {
    /// The exception's type without its module.
    pub exception: String,
    /// The `repr`s of what the code gave and of what the test expects.
    pub values: Option<(String, String)>,
}

/// Everything a template looks at.
pub(super) struct Context<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) path: &'a RelPath,
    pub(super) text: &'a str,
    pub(super) module: &'a Module,
    pub(super) function: Option<&'a Function>,
    pub(super) line: u32,
    pub(super) hints: &'a Hints,
    /// Whether the statement is a `def`, whose expressions are defaults, decorators and annotations.
    pub(super) is_default: bool,
    /// What the statement returns.
    pub(super) returned: Option<Span>,
    found: Vec<(Span, String, f64)>,
}

impl Context<'_> {
    /// The text of a range.
    pub(super) fn of(&self, span: Span) -> &str {
        span.of(self.text)
    }

    /// Adds a candidate that replaces a range.
    pub(super) fn replace(&mut self, span: Span, new_text: impl Into<String>, cost: f64) {
        let new_text = new_text.into();
        if self.of(span) != new_text {
            self.found.push((span, new_text, cost));
        }
    }

    /// The indentation of the line that holds a byte.
    pub(super) fn indent(&self, offset: u32) -> &str {
        let start = self.text[..offset as usize].rfind('\n').map_or(0, |at| at + 1);
        let line = &self.text[start..offset as usize];
        &line[..line.len() - line.trim_start().len()]
    }
}

/// The candidates for the statement at `place`, which is the `rank`th (from 0) of the suspects.
pub fn candidates(workspace: &Workspace, place: &Place, rank: usize, hints: &Hints) -> Vec<Candidate> {
    let Some(source) = workspace.source(&place.path) else { return Vec::new() };
    let mut context = context(workspace, &source, place.line, hints);
    let path = context.module.path_to(place.line);
    let Some((stmt, around)) = path.split_last() else { return Vec::new() };
    context.is_default = matches!(stmt.kind, StmtKind::Function(_));
    if let StmtKind::Return(Some(value)) = &stmt.kind {
        context.returned = Some(value.span);
    }
    statement(&mut context, stmt, around.last().copied());
    statements::around(&mut context, stmt, around.last().copied());
    let exprs: Vec<&Expr> = if let StmtKind::Function(_) | StmtKind::Class(_) = stmt.kind {
        stmt.expressions()
    } else {
        // Of a compound statement with several headers only the one that is meant.
        let all = stmt.expressions();
        let (first, last) = context.module.statement_lines(place.line).unwrap_or((place.line, place.line));
        let lines = first.min(place.line)..=last.max(place.end_line);
        all.into_iter().filter(|e| lines.contains(&context.module.line_of(e.span.start))).collect()
    };
    for expr in exprs {
        expr.walk(&mut |part| expressions::expression(&mut context, part));
    }
    let mut seen = HashSet::new();
    let mut found = context.found;
    found.sort_by(|a, b| a.2.total_cmp(&b.2));
    found.retain(|(span, new_text, _)| seen.insert((*span, new_text.clone())));
    let late = rank as f64 * 0.6;
    found
        .into_iter()
        .map(|(span, new_text, cost)| Candidate {
            path: place.path.clone(),
            span,
            new_text,
            cost: cost + late,
            own: cost,
            line: place.line,
        })
        .collect()
}

fn context<'a>(workspace: &'a Workspace, source: &'a SourceFile, line: u32, hints: &'a Hints) -> Context<'a> {
    let module = source.module();
    let function =
        module.enclosing_function(line).and_then(|definition| module.function(&definition.qualified_name));
    let path = source.path();
    Context {
        workspace,
        path,
        text: source.text(),
        module,
        function,
        line,
        hints,
        is_default: false,
        returned: None,
        found: Vec::new(),
    }
}

/// Changes of the statement as a whole.
fn statement(context: &mut Context<'_>, stmt: &Stmt, parent: Option<&Stmt>) {
    match &stmt.kind {
        StmtKind::If(branches) => {
            for test in branches.iter().filter_map(|(test, _)| test.as_ref()) {
                if context.module.line_of(test.span.start) == context.line {
                    condition(context, test);
                }
            }
        }
        StmtKind::While { test, .. } => condition(context, test),
        StmtKind::AugAssign { target, op, value } => {
            let between = Span { start: target.span.end, end: value.span.start };
            let swaps: &[&str] = match *op {
                "+" => &["-", ""],
                "-" => &["+", ""],
                "*" => &["/", "+", ""],
                "/" => &["*", "//"],
                "|" => &["&", "-"],
                "&" => &["|"],
                _ => &[],
            };
            let old = format!("{op}=");
            if let Some(at) = context.of(between).find(&old) {
                let start = between.start + at as u32;
                for new in swaps {
                    let cost = if new.is_empty() { 3.5 } else { 2.0 };
                    let span = Span { start, end: start + old.len() as u32 };
                    context.replace(span, format!("{new}="), cost);
                }
            }
        }
        StmtKind::Assign { targets, value } => {
            if let [target] = targets.as_slice()
                && matches!(target.kind, ExprKind::Name(_) | ExprKind::Attribute { .. })
                && (matches!(parent.map(|p| &p.kind), Some(StmtKind::For { .. } | StmtKind::While { .. }))
                    || statements::is_bound_before(context, target))
            {
                let between = Span { start: target.span.end, end: value.span.start };
                if context.of(between).trim() == "=" {
                    context.replace(between, " += ", 3.5);
                }
            }
            copied(context, value);
        }
        StmtKind::Return(Some(value)) => {
            copied(context, value);
            out_of_loop(context, stmt, parent);
        }
        StmtKind::Expr(value) if !matches!(value.kind, ExprKind::Str(_)) && is_last(context, stmt) => {
            let span = Span { start: value.span.start, end: value.span.start };
            context.replace(span, "return ", 2.5);
        }
        StmtKind::Break => context.replace(stmt.span, "continue", 3.0),
        StmtKind::Continue => context.replace(stmt.span, "break", 3.0),
        StmtKind::Raise { exc: Some(exc), .. } => raised(context, exc),
        StmtKind::Try { handlers, .. } => {
            for caught in handlers.iter().filter_map(|handler| handler.type_.as_ref()) {
                let name = context.hints.exception.clone();
                if is_identifier(&name) && !context.of(caught.span).contains(&name) {
                    let inner = context.of(caught.span).trim_matches(['(', ')']).to_owned();
                    context.replace(caught.span, name.clone(), 2.8);
                    context.replace(caught.span, format!("({inner}, {name})"), 3.0);
                }
            }
        }
        _ => {}
    }
    returned(context, stmt);
    if let StmtKind::Expr(_) | StmtKind::AugAssign { .. } = stmt.kind {
        // Deleting makes many tests pass by leaving out what they test.
        context.replace(stmt.span, "pass", 7.0);
    }
}

/// `if a` → `if not a`, and without one of several conditions.
fn condition(context: &mut Context<'_>, test: &Expr) {
    match &test.kind {
        ExprKind::UnaryOp { op: "not", operand } => {
            let negated = context.of(operand.span).to_owned();
            context.replace(test.span, negated, 2.0);
        }
        // Their operators are changed instead.
        ExprKind::Compare { .. } => {}
        ExprKind::BoolOp { .. } => {
            let negated = format!("not ({})", context.of(test.span));
            context.replace(test.span, negated, 3.5);
        }
        _ => {
            let negated = format!("not {}", context.of(test.span));
            context.replace(test.span, negated, 2.0);
        }
    }
}

/// What is stored or returned as it is may have to be a copy.
fn copied(context: &mut Context<'_>, value: &Expr) {
    if matches!(value.kind, ExprKind::Name(_) | ExprKind::Attribute { .. }) {
        let end = Span { start: value.span.end, end: value.span.end };
        context.replace(end, ".copy()", 4.0);
        let text = context.of(value.span).to_owned();
        context.replace(value.span, format!("list({text})"), 4.5);
    }
}

/// `raise` of another of the usual exceptions.
fn raised(context: &mut Context<'_>, exc: &Expr) {
    const USUAL: [&str; 8] = [
        "ValueError",
        "TypeError",
        "KeyError",
        "IndexError",
        "RuntimeError",
        "AttributeError",
        "LookupError",
        "NotImplementedError",
    ];
    let name = match &exc.kind {
        ExprKind::Call { func, .. } => func,
        _ => exc,
    };
    if context.of(name.span) == context.hints.exception {
        for other in USUAL {
            context.replace(name.span, other, 3.0);
        }
    }
}

/// A `return` in the last line of a loop may belong behind the loop.
fn out_of_loop(context: &mut Context<'_>, stmt: &Stmt, parent: Option<&Stmt>) {
    let Some(parent) = parent else { return };
    let (StmtKind::For { body, .. } | StmtKind::While { body, .. }) = &parent.kind else { return };
    if body.len() < 2 || body.last().is_none_or(|last| last.span != stmt.span) {
        return;
    }
    let outer = context.indent(parent.span.start).to_owned();
    let inner = context.indent(stmt.span.start).len() as u32;
    context.replace(Span { start: stmt.span.start - inner, end: stmt.span.start }, outer, 3.0);
}

/// Whether the statement is the last of its function, which returns nothing anywhere.
fn is_last(context: &Context<'_>, stmt: &Stmt) -> bool {
    context.function.is_some_and(|function| {
        let mut returns = false;
        for part in &function.body {
            part.walk(false, &mut |stmt| returns |= matches!(stmt.kind, StmtKind::Return(Some(_))));
        }
        !returns && function.body.last().is_some_and(|last| last.span == stmt.span)
    })
}

/// After the last statement: the value that it has made may have to be returned.
fn returned(context: &mut Context<'_>, stmt: &Stmt) {
    let Some(function) = context.function else { return };
    if function.body.last().is_none_or(|last| last.span != stmt.span)
        || matches!(stmt.kind, StmtKind::Return(_) | StmtKind::Raise { .. } | StmtKind::Pass)
    {
        return;
    }
    let mut names: Vec<String> = Vec::new();
    for part in &function.body {
        part.walk(false, &mut |stmt| {
            if let StmtKind::Assign { targets, .. } = &stmt.kind
                && let [target] = targets.as_slice()
                && let Some(name) = target.as_name()
                && !names.iter().any(|known| known == name)
            {
                names.push(name.to_owned());
            }
        });
    }
    if *function.name == *"__init__" {
        return;
    }
    let indent = function.body.first().map_or("", |first| context.indent(first.span.start)).to_owned();
    let newline = if context.text.contains("\r\n") { "\r\n" } else { "\n" };
    for name in names.iter().rev().take(3) {
        let end = Span { start: stmt.span.end, end: stmt.span.end };
        context.replace(end, format!("{newline}{indent}return {name}"), 3.0);
    }
}

pub(super) fn is_identifier(text: &str) -> bool {
    text.chars().all(|c| c.is_alphanumeric() || c == '_') && text.starts_with(|c: char| c.is_alphabetic())
}
