//! Small edits that developers' slips call for, made for the lines that ran. None is proposed for its own sake:
//! each is replayed, and only those that mend the failure are shown.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{caught, expressions, flow, idioms, statements, truth};
use crate::diagnose::draft::TextEdit;
use crate::diagnose::rules::edits;
use crate::model::RelPath;
use crate::workspace::SourceFile;
use crate::workspace::python::{Class, ExprKind, Function, Span, Stmt, StmtKind};

/// An edit that may mend the failure.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub path: RelPath,
    pub edits: Vec<TextEdit>,
    /// How far it is fetched: 1 for the slips that are made most often.
    pub cost: u32,
    /// What is wrong, said of the line.
    pub why: String,
    /// The line that is wrong.
    pub line: u32,
    /// Whether it is about what tests, calls or objects share.
    pub shared: bool,
}

/// What the failure says that edits can be made of.
#[derive(Debug, Default)]
pub(super) struct Hints {
    /// Text of the wrong value and of the expected one, where they differ: `('.', '/')`.
    pub swapped: Option<(String, String)>,
    /// Literals that may stand in for a missing value.
    pub fallbacks: Vec<String>,
    /// Keys that the expected value has and the wrong one lacks.
    pub missing_keys: Vec<String>,
    /// The exception's type.
    pub exception: String,
    /// The exception's message.
    pub message: String,
    /// Strings used as keys anywhere in the program.
    pub keys: BTreeSet<String>,
    /// Parameters of the program's functions by their names, `self` left out.
    pub params: BTreeMap<String, Vec<String>>,
    /// Functions of the program that yield.
    pub generators: BTreeSet<String>,
    /// Attributes and methods of the program's classes.
    pub attributes: BTreeSet<String>,
}

/// Collects the candidates of one file.
pub(super) struct Maker<'a> {
    pub source: &'a Arc<SourceFile>,
    pub hints: &'a Hints,
    pub made: Vec<Candidate>,
    /// The function being looked at, with the names it can use.
    pub function: Option<&'a Function>,
    pub class: Option<&'a Class>,
    pub names: Vec<String>,
    pub line: u32,
}

/// The candidates for the lines of `source` that ran, and for what is defined at its module level.
pub(super) fn of_file(source: &Arc<SourceFile>, ran: &BTreeSet<u32>, hints: &Hints) -> Vec<Candidate> {
    let mut maker =
        Maker { source, hints, made: Vec::new(), function: None, class: None, names: Vec::new(), line: 0 };
    maker.body(source.module().body(), ran, true);
    maker.made
}

impl<'a> Maker<'a> {
    fn body(&mut self, body: &'a [Stmt], ran: &BTreeSet<u32>, always: bool) {
        for stmt in body {
            match &stmt.kind {
                StmtKind::Function(function) => {
                    idioms::scope(self, function);
                    let inside = (function.name_line..=stmt.end_line).any(|line| ran.contains(&line));
                    if inside {
                        let outer = (self.function.replace(function), std::mem::take(&mut self.names));
                        self.names = self
                            .source
                            .module()
                            .locals(function)
                            .into_iter()
                            .map(|binding| binding.name.to_string())
                            .collect::<BTreeSet<_>>()
                            .into_iter()
                            .collect();
                        self.line = function.name_line;
                        // What says what is equal or how it is shown is not what makes a value.
                        if !matches!(&*function.name, "__eq__" | "__ne__" | "__repr__") {
                            statements::signature(self, function);
                            idioms::function(self, function);
                            flow::function(self, function);
                            caught::decorators(self, function);
                            self.body(&function.body, ran, false);
                            statements::end(self, function);
                        }
                        (self.function, self.names) = outer;
                    }
                }
                StmtKind::Class(class) => {
                    let inside = (stmt.start_line..=stmt.end_line).any(|line| ran.contains(&line));
                    if inside {
                        let outer = self.class.replace(class);
                        statements::class(self, class);
                        idioms::descriptor(self, class);
                        self.body(&class.body, ran, false);
                        self.class = outer;
                    }
                }
                StmtKind::Import(_) => {}
                _ => {
                    if always || ran.contains(&stmt.start_line) {
                        self.line = stmt.start_line;
                        statements::statement(self, stmt, body);
                        flow::statement(self, stmt, body);
                        caught::statement(self, stmt, body);
                        truth::statement(self, stmt);
                        for expr in stmt.expressions() {
                            expressions::walk(self, expr, stmt);
                            expr.walk(&mut |part| {
                                idioms::expression(self, part, stmt);
                                truth::expression(self, part);
                            });
                        }
                    }
                    for inner in stmt.bodies() {
                        self.body(inner, ran, always);
                    }
                }
            }
        }
    }

    pub(super) fn text(&self, span: Span) -> &'a str {
        span.of(self.source.text())
    }

    /// Proposes to replace a span.
    pub(super) fn replace(&mut self, span: Span, new: impl Into<String>, cost: u32, why: impl Into<String>) {
        self.edits(vec![(span, new.into())], cost, why);
    }

    pub(super) fn edits(&mut self, edits: Vec<(Span, String)>, cost: u32, why: impl Into<String>) {
        let line = edits.first().map_or(self.line, |(span, _)| self.source.line_of(span.start));
        self.edits_at(line, edits, cost, why);
    }

    pub(super) fn edits_at(
        &mut self,
        line: u32,
        edits: Vec<(Span, String)>,
        cost: u32,
        why: impl Into<String>,
    ) {
        let path = self.source.path();
        let edits = edits.into_iter().map(|(span, new)| TextEdit::replace(path, span, new)).collect();
        self.made.push(Candidate { path: path.clone(), edits, cost, why: why.into(), line, shared: false });
    }

    /// How the file spells `name` of `module`, with the edit that imports it where it is not.
    pub(super) fn spelled(&self, module: &str, name: &str) -> (String, Option<(Span, String)>) {
        let (spelled, import) = edits::spelled(self.source, module, name);
        (spelled, import.map(|edit| (edit.span, edit.new_text)))
    }

    /// The edit that was made last is about what tests, calls or objects share.
    pub(super) fn about_shared(&mut self) {
        if let Some(last) = self.made.last_mut() {
            last.shared = true;
        }
    }

    /// The blanks a line begins with.
    pub(super) fn indent(&self, line: u32) -> &'a str {
        let text = self.source.line(line).unwrap_or_default();
        let text = &text[..text.len() - text.trim_start().len()];
        // The line belongs to the source, which lives as long as the maker.
        let start = self.source.offset(line, 1).unwrap_or(0);
        Span { start, end: start + text.len() as u32 }.of(self.source.text())
    }

    /// Where a line begins.
    pub(super) fn start(&self, line: u32) -> Span {
        let at = self.source.offset(line, 1).unwrap_or(self.source.text().len() as u32);
        Span { start: at, end: at }
    }

    /// The first statement of a function after its docstring.
    pub(super) fn first(function: &Function) -> Option<&Stmt> {
        let docstring = |stmt: &&Stmt| matches!(&stmt.kind, StmtKind::Expr(expr) if matches!(expr.kind, ExprKind::Str(_)));
        function.body.iter().find(|stmt| !docstring(stmt))
    }
}
