//! `None` where an object was needed: which expression was `None`, and where it came from.
//!
//! Silent when the failing line has several candidates and no value tells them apart.

mod trail;

use crate::diagnose::Finding;
use crate::diagnose::case::{Case, at, code, line_of};
use crate::model::{Category, Frame, Severity};
use crate::workspace::SourceFile;
use crate::workspace::python::{Expr, ExprKind, Stmt, StmtKind};
use trail::Trail;

/// `'NoneType' object has no attribute …` and the other faces of `None`.
pub(super) fn none_used(case: &Case<'_>) -> Option<Finding> {
    let root = case.root()?;
    let message = root.message.lines().next()?.trim();
    if !matches!(root.short_type(), "AttributeError" | "TypeError") || !message.contains("NoneType") {
        return None;
    }
    let (frame, place) = case.frame()?;
    // The exception may come from a library that was given the `None`.
    let chain = &case.representative().exceptions;
    let frames = &chain.iter().find(|exception| std::ptr::eq(*exception, root))?.frames;
    if !frames.last().is_some_and(|last| std::ptr::eq(last, frame)) {
        return None;
    }
    let source = case.workspace.source(&place.path)?;
    let stmt = source.module().statement(place.line)?;
    let wanted = Use::of(message)?;
    let mut candidates: Vec<&Expr> = Vec::new();
    for expr in stmt.expressions() {
        expr.walk(&mut |part| wanted.candidates(part, &mut candidates));
    }
    wanted.of_statement(stmt, &mut candidates);
    let expr = pick(&candidates, frame, &source)?;
    let text = expr.span.of(source.text());
    let statement = case.statement(frame, place).unwrap_or_default();
    let mut finding = Finding::new("none-used", Category::Other, Severity::High, 0.55);
    let base = format!("{} is `None` at {} in {}", code(text), code(&statement), at(place));
    let trail = Trail { workspace: case.workspace, frames };
    let found = trail.origin(&source, place, expr, frames.len() - 1, 0);
    let Some(found) = found else {
        return Some(
            finding
                .because(base)
                .suggest(format!("Find out why {} is `None`, or handle that case before {}", code(text), line_of(place)))
                .shown(format!("`{message}`"), Some(place))
                .suspect(place, 0.5, "uses the `None`")
                .note("What would settle it: the values of the calling frames (run with the plugin, or with `-l`)"),
        );
    };
    finding.category = found.category;
    finding.confidence = found.confidence;
    finding =
        finding
            .because(format!("{base}: {}", found.sentence))
            .shown(format!("`{message}`"), Some(place))
            .suggest(found.suggestion.unwrap_or_else(|| {
                format!("Return a value there, or handle `None` before {}", line_of(place))
            }));
    if let Some(origin) = &found.place
        && origin != place
    {
        finding =
            finding.shown(found.sentence, Some(origin)).suspect(origin, found.confidence, "made the `None`");
    }
    Some(finding.suspect(place, if found.place.is_some() { 0.4 } else { 0.5 }, "uses the `None`"))
}

/// An operand of a binary operator.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

/// How the `None` was used, by Python's message.
enum Use<'m> {
    Attribute(&'m str),
    Subscript,
    Iterated,
    Called,
    /// The operator, and which operand is the `None` where the message tells.
    Operand(&'m str, Option<Side>),
    Argument,
    Container,
    Context,
}

impl<'m> Use<'m> {
    fn of(message: &'m str) -> Option<Self> {
        if let Some((_, rest)) = message.split_once("'NoneType' object has no attribute '") {
            return Some(Self::Attribute(rest.split('\'').next()?));
        }
        if let Some((_, rest)) = message.split_once("unsupported operand type(s) for ") {
            let (operator, types) = rest.split_once(": ")?;
            let operator = operator.split(" or ").next()?.trim_end_matches('=');
            return Some(Self::Operand(operator, side(types)));
        }
        if let Some((operator, types)) = message.split_once(" not supported between instances of ") {
            return Some(Self::Operand(operator.trim_matches('\''), side(types)));
        }
        if message.contains("concatenate") {
            return Some(Self::Operand("+", Some(Side::Right)));
        }
        let table = [
            ("object is not subscriptable", Self::Subscript),
            ("object does not support item", Self::Subscript),
            ("object is not iterable", Self::Iterated),
            ("non-iterable NoneType", Self::Iterated),
            ("object is not callable", Self::Called),
            ("argument of type 'NoneType' is not", Self::Container),
            ("context manager protocol", Self::Context),
            ("has no len()", Self::Argument),
            ("argument must be", Self::Argument),
            ("argument 1 must be", Self::Argument),
            ("expected str", Self::Argument),
            ("not NoneType", Self::Argument),
            ("not 'NoneType'", Self::Argument),
        ];
        table.into_iter().find(|(words, _)| message.contains(words)).map(|(_, kind)| kind)
    }

    /// Adds the parts of `expr` itself (not of what is in it) that may be the `None`.
    fn candidates<'e>(&self, expr: &'e Expr, found: &mut Vec<&'e Expr>) {
        match (self, &expr.kind) {
            (Self::Attribute(name), ExprKind::Attribute { value, attr, .. }) if **attr == **name => {
                found.push(value);
            }
            (Self::Subscript, ExprKind::Subscript { value, .. })
            | (Self::Iterated, ExprKind::Starred(value)) => {
                found.push(value);
            }
            (Self::Called, ExprKind::Call { func, .. }) => found.push(func),
            (Self::Operand(op, side), ExprKind::BinOp { left, op: this, right }) if op == this => {
                found.extend((*side != Some(Side::Right)).then_some(&**left));
                found.extend((*side != Some(Side::Left)).then_some(&**right));
            }
            (Self::Operand(op, side), ExprKind::Compare { left, rest })
                if rest.iter().any(|(this, _)| this == op) =>
            {
                let chained = rest.len() > 1;
                found.extend((chained || *side != Some(Side::Right)).then_some(&**left));
                let right = chained || *side != Some(Side::Left);
                found.extend(rest.iter().map(|(_, operand)| operand).filter(|_| right));
            }
            (Self::Container, ExprKind::Compare { rest, .. }) => {
                found.extend(
                    rest.iter().filter(|(op, _)| matches!(*op, "in" | "not in")).map(|(_, right)| right),
                );
            }
            (Self::Argument | Self::Iterated, ExprKind::Call { args, .. }) => found.extend(args),
            (Self::Iterated, ExprKind::Comprehension { fors, .. }) => {
                found.extend(fors.iter().map(|clause| &clause.iter));
            }
            _ => {}
        }
    }

    fn of_statement<'e>(&self, stmt: &'e Stmt, found: &mut Vec<&'e Expr>) {
        match (self, &stmt.kind) {
            (Self::Iterated, StmtKind::For { iter, .. }) => found.push(iter),
            (Self::Iterated, StmtKind::Assign { targets, value })
                if targets.iter().any(|t| matches!(t.kind, ExprKind::Tuple(_) | ExprKind::List(_))) =>
            {
                found.push(value);
            }
            (Self::Operand(op, side), StmtKind::AugAssign { target, op: this, value }) if op == this => {
                found.extend((*side != Some(Side::Right)).then_some(target));
                found.extend((*side != Some(Side::Left)).then_some(value));
            }
            (Self::Context, StmtKind::With { items, .. }) => {
                found.extend(items.iter().map(|(context, _)| context));
            }
            _ => {}
        }
    }
}

/// Which of `'NoneType' and 'int'` is the `None`.
fn side(types: &str) -> Option<Side> {
    let (left, right) = types.split_once(" and ")?;
    match (left.contains("NoneType"), right.contains("NoneType")) {
        (true, false) => Some(Side::Left),
        (false, true) => Some(Side::Right),
        _ => None,
    }
}

/// The one candidate that can be `None`: literals cannot; a local variable's value decides where it is shown.
fn pick<'e>(candidates: &[&'e Expr], frame: &Frame, source: &SourceFile) -> Option<&'e Expr> {
    let value = |expr: &Expr| {
        let text = expr.span.of(source.text());
        frame.shown(text)
    };
    if let Some(known) = candidates.iter().find(|expr| value(expr) == Some("None")) {
        return Some(known);
    }
    let mut possible = candidates.iter().filter(|expr| {
        let literal = !matches!(
            expr.kind,
            ExprKind::Name(_)
                | ExprKind::Attribute { .. }
                | ExprKind::Call { .. }
                | ExprKind::Subscript { .. }
                | ExprKind::Await(_)
                | ExprKind::None
                | ExprKind::If { .. }
                | ExprKind::BoolOp { .. }
        );
        !literal && value(expr).is_none()
    });
    let first = possible.next()?;
    // The same expression twice on the line is one candidate.
    possible.all(|other| other.span.of(source.text()) == first.span.of(source.text())).then_some(*first)
}
