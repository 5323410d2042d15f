//! Edits of the way through a function: what stands in a loop or after it, and which branch comes first.

use super::candidates::Maker;
use crate::workspace::python::{Expr, ExprKind, Function, Span, Stmt, StmtKind};

/// Makes the candidates of a statement.
pub(super) fn statement<'a>(maker: &mut Maker<'a>, stmt: &'a Stmt, body: &'a [Stmt]) {
    let at = body.iter().position(|known| known.span == stmt.span);
    let rest = at.and_then(|at| body.get(at + 1..)).unwrap_or_default();
    match &stmt.kind {
        StmtKind::For { body: inner, .. } | StmtKind::While { body: inner, .. } => {
            left_over(maker, stmt, inner, rest);
            moved(maker, stmt, inner, rest);
            gives_up(maker, stmt, inner);
        }
        StmtKind::If(branches) => {
            ordered(maker, branches);
            alternative(maker, stmt, branches, rest);
            unnoted(maker, stmt, branches, rest);
        }
        _ => {}
    }
}

/// What a function as a whole lacks.
pub(super) fn function<'a>(maker: &mut Maker<'a>, function: &'a Function) {
    kept(maker, function);
    endless(maker, function);
}

/// Whether `name` is read in `stmt`.
fn mentions(stmt: &Stmt, name: &str) -> bool {
    let mut found = false;
    stmt.walk(true, &mut |stmt| {
        for expr in stmt.expressions() {
            expr.walk(&mut |part| found |= part.dotted().as_deref() == Some(name));
        }
    });
    found
}

/// What is gathered in a loop and handed on from time to time is not handed on once more after the loop.
fn left_over(maker: &mut Maker<'_>, stmt: &Stmt, inner: &[Stmt], rest: &[Stmt]) {
    let mut found: Vec<(String, Span)> = Vec::new();
    let mut blocks: Vec<&[Stmt]> = vec![inner];
    while let Some(block) = blocks.pop() {
        for (at, reset) in block.iter().enumerate() {
            blocks.extend(reset.bodies().into_iter().filter(|_| !is_definition(reset)));
            let Some(name) = begun_again(reset) else { continue };
            let emit = block[..at].iter().find(|emit| hands_on(emit, &name));
            let Some(emit) = emit.filter(|emit| emit.start_line == emit.end_line) else { continue };
            if !rest.iter().any(|stmt| mentions(stmt, &name)) {
                found.push((name, emit.span));
            }
        }
    }
    let indent = maker.indent(stmt.start_line).to_owned();
    let step = indent_step(maker, stmt, inner);
    for (name, emit) in found {
        let emit = maker.text(emit).to_owned();
        let at = Span { start: stmt.span.end, end: stmt.span.end };
        let new = format!("\n{indent}if {name}:\n{indent}{step}{emit}");
        let why = format!(
            "what is left in `{name}` after the loop is lost: the last one is not handed on (`{emit}`)"
        );
        let line = rest.first().map_or(stmt.end_line, |next| next.start_line);
        maker.edits_at(line, vec![(at, new.clone())], 1, why.clone());
        // A text that is handed on only when another begins is handed on even where it is empty.
        let plain = format!("\n{indent}{emit}");
        maker.edits_at(line, vec![(at, plain)], 2, why);
    }
}

fn is_definition(stmt: &Stmt) -> bool {
    matches!(stmt.kind, StmtKind::Function(_) | StmtKind::Class(_))
}

/// The variable that a statement begins again.
fn begun_again(stmt: &Stmt) -> Option<String> {
    match &stmt.kind {
        StmtKind::Assign { targets, .. } => match targets.as_slice() {
            [target] => target.dotted(),
            _ => None,
        },
        StmtKind::Expr(Expr { kind: ExprKind::Call { func, .. }, .. }) => match &func.kind {
            ExprKind::Attribute { value, attr, .. } if &**attr == "clear" => value.dotted(),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a statement yields `name` or hands it to a call, as it is or within something.
fn hands_on(stmt: &Stmt, name: &str) -> bool {
    let StmtKind::Expr(expr) = &stmt.kind else { return false };
    let given = match &expr.kind {
        ExprKind::Yield(value) => value.iter().any(|value| has(value, name)),
        ExprKind::Call { args, .. } => args.iter().any(|arg| has(arg, name)),
        _ => false,
    };
    given && mentions(stmt, name)
}

fn has(expr: &Expr, name: &str) -> bool {
    let mut found = false;
    expr.walk(&mut |part| found |= part.dotted().as_deref() == Some(name));
    found
}

/// What the body of `stmt` is further indented by.
fn indent_step(maker: &Maker<'_>, stmt: &Stmt, inner: &[Stmt]) -> String {
    let outer = maker.indent(stmt.start_line);
    let first = inner.iter().find(|first| first.start_line > stmt.start_line);
    let deeper = first.map(|first| maker.indent(first.start_line));
    deeper
        .and_then(|deeper| deeper.strip_prefix(outer))
        .filter(|step| !step.is_empty())
        .unwrap_or("    ")
        .to_owned()
}

fn is_step(stmt: &Stmt) -> bool {
    stmt.start_line == stmt.end_line
        && matches!(stmt.kind, StmtKind::Expr(_) | StmtKind::Assign { .. } | StmtKind::AugAssign { .. })
}

/// A statement that stands after the loop where it belongs into it, or the other way round.
fn moved(maker: &mut Maker<'_>, stmt: &Stmt, inner: &[Stmt], rest: &[Stmt]) {
    let Some(last) = inner.last().filter(|last| last.start_line > stmt.start_line) else { return };
    let outer = maker.indent(stmt.start_line).to_owned();
    let deeper = maker.indent(inner[0].start_line).to_owned();
    let lines = |maker: &Maker<'_>, of: &Stmt| Span {
        start: maker.start(of.start_line).start,
        end: maker.start(of.end_line + 1).start,
    };
    if let Some(next) = rest.first().filter(|next| is_step(next)) {
        let what = maker.text(next.span).to_owned();
        let why = format!("`{what:.60}` stands after the loop: it is done once only, not for every item");
        let span = Span { start: maker.start(next.start_line).start, end: next.span.start };
        maker.edits_at(next.start_line, vec![(span, deeper)], 3, why);
    }
    if is_step(last) && inner.len() > 1 {
        let what = maker.text(last.span).to_owned();
        let why = format!("`{what:.60}` stands in the loop: it is done for every item, not once after it");
        let span = Span { start: lines(maker, last).start, end: last.span.start };
        maker.edits_at(last.start_line, vec![(span, outer)], 3, why);
    }
}

/// A loop that decides on its first item: `if …: return True` with `else: return False`.
fn gives_up(maker: &mut Maker<'_>, stmt: &Stmt, inner: &[Stmt]) {
    let Some(StmtKind::If(branches)) = inner.last().map(|last| &last.kind) else { return };
    let [.., (Some(_), before), (None, last)] = branches.as_slice() else { return };
    let ([answer], Some(end)) = (last.as_slice(), before.last()) else { return };
    if !matches!(answer.kind, StmtKind::Return(_)) || answer.start_line != answer.end_line {
        return;
    }
    let indent = maker.indent(stmt.start_line).to_owned();
    let span = Span { start: end.span.end, end: answer.span.end };
    let new = format!("\n{indent}{}", maker.text(answer.span));
    let why = "the `else` gives up at the first item that does not fit, before the others are looked at";
    maker.edits_at(answer.start_line, vec![(span, new)], 1, why);
}

fn whole(block: &[Stmt]) -> Option<Span> {
    Some(Span { start: block.first()?.span.start, end: block.last()?.span.end })
}

/// Conditions that are asked in the wrong order: an earlier one takes what a later one is for.
fn ordered(maker: &mut Maker<'_>, branches: &[(Option<Expr>, Vec<Stmt>)]) {
    let parts: Vec<(Span, Span)> =
        branches.iter().filter_map(|(test, block)| Some((test.as_ref()?.span, whole(block)?))).collect();
    for (at, pair) in parts.windows(2).enumerate() {
        let (first, second) = (pair[0], pair[1]);
        let text = |span: Span| maker.text(span).to_owned();
        let edits = vec![
            (first.0, text(second.0)),
            (first.1, text(second.1)),
            (second.0, text(first.0)),
            (second.1, text(first.1)),
        ];
        let why = format!(
            "`{}` is asked before `{}`, so that what fits both never gets to the second",
            maker.text(first.0),
            maker.text(second.0)
        );
        maker.edits(edits, if at == 0 { 2 } else { 3 }, why);
    }
    if parts.len() > 2 {
        let text = |span: Span| maker.text(span).to_owned();
        let edits: Vec<(Span, String)> = parts
            .iter()
            .zip(parts.iter().rev())
            .flat_map(|(old, new)| [(old.0, text(new.0)), (old.1, text(new.1))])
            .collect();
        let why =
            format!("the conditions are asked in the wrong order: `{}` comes first", maker.text(parts[0].0));
        maker.edits(edits, 2, why);
    }
}

/// `if` where `elif` is meant, and the other way round.
fn alternative(maker: &mut Maker<'_>, stmt: &Stmt, branches: &[(Option<Expr>, Vec<Stmt>)], rest: &[Stmt]) {
    if let Some(next) = rest.first().filter(|next| matches!(next.kind, StmtKind::If(_)))
        && branches.iter().all(|(test, _)| test.is_some())
    {
        let at = Span { start: next.span.start, end: next.span.start };
        let why =
            "both conditions are asked: the second is meant only where the first does not hold (`elif`)";
        maker.edits_at(next.start_line, vec![(at, "el".into())], 3, why);
    }
    for pair in branches.windows(2) {
        let (Some(end), Some(test)) = (pair[0].1.last(), &pair[1].0) else { continue };
        let gap = Span { start: end.span.end, end: test.span.start };
        let Some(word) = maker.text(gap).rfind("elif") else { continue };
        let start = gap.start + word as u32;
        let why = "the second condition is asked only where the first does not hold: both are meant (`if`)";
        maker.edits(vec![(Span { start, end: start + 2 }, String::new())], 3, why);
    }
    let answers = |stmt: &Stmt| match &stmt.kind {
        StmtKind::If(branches) => {
            matches!(branches.as_slice(), [(_, block)] if matches!(block.last().map(|last| &last.kind), Some(StmtKind::Return(_))))
        }
        _ => false,
    };
    if let Some(next) = rest.first().filter(|next| answers(stmt) && answers(next)) {
        let (first, second) = (maker.text(stmt.span).to_owned(), maker.text(next.span).to_owned());
        let why = "the conditions are asked in the wrong order: the first one takes what the second is for";
        maker.edits(vec![(stmt.span, second), (next.span, first)], 2, why);
    }
}

/// `if item not in seen:` without anything ever being put into `seen`.
fn unnoted(maker: &mut Maker<'_>, stmt: &Stmt, branches: &[(Option<Expr>, Vec<Stmt>)], rest: &[Stmt]) {
    let Some(function) = maker.function else { return };
    let [(Some(test), block), ..] = branches else { return };
    let ExprKind::Compare { left, rest: compared } = &test.kind else { return };
    let [(op @ ("in" | "not in"), of)] = compared.as_slice() else { return };
    let (Some(of), item) = (of.dotted(), maker.text(left.span).to_owned()) else { return };
    let noted = function.body.iter().any(|stmt| {
        let mut found = false;
        stmt.walk(true, &mut |stmt| {
            found |= match &stmt.kind {
                StmtKind::Assign { targets, .. } => targets.iter().any(|target| {
                    matches!(&target.kind, ExprKind::Subscript { value, .. } if value.dotted().as_deref() == Some(&of))
                }),
                _ => false,
            };
            for expr in stmt.expressions() {
                expr.walk(&mut |part| {
                    if let ExprKind::Call { func, .. } = &part.kind
                        && let ExprKind::Attribute { value, attr, .. } = &func.kind
                    {
                        found |= matches!(&**attr, "add" | "append" | "update" | "insert" | "extend")
                            && value.dotted().as_deref() == Some(&of);
                    }
                });
            }
        });
        found
    });
    let (Some(first), false) = (block.first(), noted) else { return };
    let why = format!("`{item}` is never put into `{of}`, so that it is not known there the next time");
    for method in ["add", "append"] {
        let step = format!("{of}.{method}({item})");
        if *op == "not in" && first.start_line > test_line(maker, test) {
            let indent = maker.indent(first.start_line).to_owned();
            let at = maker.start(first.start_line);
            maker.edits_at(stmt.start_line, vec![(at, format!("{indent}{step}\n"))], 2, why.clone());
        } else if *op == "in" && !rest.is_empty() && branches.len() == 1 {
            let indent = maker.indent(stmt.start_line).to_owned();
            let at = Span { start: stmt.span.end, end: stmt.span.end };
            maker.edits_at(stmt.start_line, vec![(at, format!("\n{indent}{step}"))], 2, why.clone());
        }
    }
}

fn test_line(maker: &Maker<'_>, test: &Expr) -> u32 {
    maker.source.line_of(test.span.start)
}

/// What a method hands out stays there: `return list(self.items)` where the items are meant to be gone then, or a
/// `reset` that leaves something as it was.
fn kept(maker: &mut Maker<'_>, function: &Function) {
    let (Some(class), Some(last)) = (maker.class, function.body.last()) else { return };
    if matches!(&*function.name, "__init__" | "__enter__" | "__len__" | "__iter__" | "__contains__") {
        return;
    }
    let mut initial: Vec<(String, String)> = Vec::new();
    for stmt in &class.body {
        let StmtKind::Function(init) = &stmt.kind else { continue };
        if &*init.name != "__init__" {
            continue;
        }
        for stmt in &init.body {
            let StmtKind::Assign { targets, value } = &stmt.kind else { continue };
            let plain = match &value.kind {
                ExprKind::List(items) | ExprKind::Tuple(items) => items.is_empty(),
                ExprKind::Dict(items) => items.is_empty(),
                ExprKind::Int(text) => &**text == "0",
                ExprKind::Str(text) => text.is_empty(),
                ExprKind::Call { func, args, keywords, .. } => {
                    args.is_empty()
                        && keywords.is_empty()
                        && matches!(func.as_name(), Some("set" | "list" | "dict" | "deque" | "Counter"))
                }
                ExprKind::Bool(known) => !known,
                _ => false,
            };
            let target = targets.first().and_then(Expr::dotted).filter(|name| name.starts_with("self."));
            if let Some(target) = target.filter(|_| plain) {
                initial.push((target, maker.text(value.span).to_owned()));
            }
        }
    }
    let resets =
        ["reset", "clear", "start", "begin", "flush", "drain", "restart", "close", "stop", "pop", "take"]
            .iter()
            .any(|word| function.name.to_lowercase().contains(word));
    let indent = maker.indent(function.body[0].start_line).to_owned();
    for (attr, value) in initial {
        let read = function.body.iter().any(|stmt| mentions(stmt, &attr));
        let set = function.body.iter().any(|stmt| {
            let mut found = false;
            stmt.walk(false, &mut |stmt| found |= begun_again(stmt).as_deref() == Some(&attr));
            found
        });
        let gives = matches!(&last.kind, StmtKind::Return(Some(_)));
        if set || !(resets || read && gives) {
            continue;
        }
        let cost = if resets { 2 } else { 4 };
        let why = format!("`{attr}` keeps what it holds: it is not emptied here");
        if let StmtKind::Return(Some(given)) = &last.kind {
            let shown = maker.text(given.span).to_owned();
            let new = if has_text(&shown, &attr) {
                format!("result = {shown}\n{indent}{attr} = {value}\n{indent}return result")
            } else {
                format!("{attr} = {value}\n{indent}return {shown}")
            };
            maker.edits_at(last.start_line, vec![(last.span, new)], cost, why);
        } else {
            let at = Span { start: last.span.end, end: last.span.end };
            maker.edits_at(last.start_line, vec![(at, format!("\n{indent}{attr} = {value}"))], cost, why);
        }
        maker.about_shared();
    }
}

fn has_text(text: &str, word: &str) -> bool {
    text.match_indices(word)
        .any(|(at, _)| !text[at + word.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_'))
}

/// A function that calls itself without end.
fn endless(maker: &mut Maker<'_>, function: &Function) {
    if maker.hints.exception != "RecursionError" {
        return;
    }
    let Some(first) = Maker::first(function).filter(|first| first.start_line > function.name_line) else {
        return;
    };
    let param = function.signature.params.iter().find(|param| !matches!(&*param.name, "self" | "cls"));
    let Some(name) = param.map(|param| param.name.to_string()) else { return };
    let indent = maker.indent(first.start_line).to_owned();
    let at = maker.start(first.start_line);
    let own = &*function.name;
    let mut line = function.name_line;
    for stmt in &function.body {
        stmt.walk(false, &mut |stmt| {
            for expr in stmt.expressions() {
                expr.walk(&mut |part| {
                    if let ExprKind::Call { func, .. } = &part.kind
                        && func.dotted().is_some_and(|name| name.rsplit('.').next() == Some(own))
                    {
                        line = stmt.start_line;
                    }
                });
            }
        });
    }
    let why = format!("`{own}` calls itself without end: there is no case in which it stops");
    for answer in maker.hints.fallbacks.clone() {
        for test in [format!("not {name}"), format!("{name} <= 1"), format!("{name} is None")] {
            let new = format!("{indent}if {test}:\n{indent}    return {answer}\n");
            maker.edits_at(line, vec![(at, new)], 3, why.clone());
        }
    }
}
