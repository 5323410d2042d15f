//! Numbers and sizes: division by zero, an index beyond the end, recursion without an end.

use crate::diagnose::case::{Case, at, code, line_of};
use crate::diagnose::draft::TextEdit;
use crate::diagnose::value::Value;
use crate::diagnose::{Draft, Finding};
use crate::model::{Category, FixTarget, Frame, Place, Severity};
use crate::workspace::SourceFile;
use crate::workspace::python::{Expr, ExprKind, Function, Stmt, StmtKind};
use crate::workspace::resolve::{Resolver, Symbol, assigned};

/// The frame where `exception` was raised, if that is in the project, with its statement.
fn here<'a>(case: &Case<'a>, type_name: &str) -> Option<(&'a Frame, &'a Place, std::sync::Arc<SourceFile>)> {
    let root = case.root().filter(|root| root.short_type() == type_name)?;
    let (frame, place) = case.frame()?;
    let own = root.frames.last().is_some_and(|last| std::ptr::eq(last, frame));
    own.then(|| Some((frame, place, case.workspace.source(&place.path)?))).flatten()
}

/// The expressions of the failing statement, nested ones included, that `choose` takes.
fn parts<'s>(stmt: &'s Stmt, choose: impl Fn(&'s Expr) -> Option<&'s Expr>) -> Vec<&'s Expr> {
    let mut found = Vec::new();
    for expr in stmt.expressions() {
        expr.walk(&mut |part| found.extend(choose(part)));
    }
    found
}

/// `a / b` with `b` zero.
pub(super) fn division(case: &Case<'_>) -> Option<Finding> {
    let (frame, place, source) = here(case, "ZeroDivisionError")?;
    let stmt = source.module().statement(place.line)?;
    let mut divisors = parts(stmt, |part| match &part.kind {
        ExprKind::BinOp { op: "/" | "//" | "%", right, .. } => Some(&**right),
        ExprKind::Call { func, args, .. } if func.dotted().as_deref() == Some("divmod") => args.get(1),
        _ => None,
    });
    if let StmtKind::AugAssign { op: "/" | "//" | "%", value, .. } = &stmt.kind {
        divisors.push(value);
    }
    // A number in the source is not zero, nor is a variable that is shown as something else.
    divisors.retain(|divisor| {
        let text = divisor.span.of(source.text());
        let literal = matches!(divisor.kind, ExprKind::Int(_) | ExprKind::Float(_));
        !literal
            && frame
                .shown(text)
                .and_then(Value::parse)
                .and_then(|value| value.number())
                .is_none_or(|n| n == 0.0)
    });
    let first = divisors.first()?;
    let text = first.span.of(source.text());
    let sure = divisors.iter().all(|other| other.span.of(source.text()) == text);
    let why = match &first.kind {
        ExprKind::Call { func, args, .. } if matches!(func.dotted().as_deref(), Some("len" | "sum")) => {
            let of = args.first().map_or("its argument", |arg| arg.span.of(source.text()));
            format!(": {} is empty", code(of))
        }
        ExprKind::Name(name) => origin_of(&source, place, name).map_or_else(String::new, |(line, value)| {
            format!(", which line {line} makes as {}", code(&value))
        }),
        _ => String::new(),
    };
    let statement = case.statement(frame, place).unwrap_or_default();
    let which = if sure { code(text) } else { "one of the divisors".to_owned() };
    Some(
        Finding::new("arithmetic-division", Category::Other, Severity::High, if sure { 0.8 } else { 0.55 })
            .because(format!("{which} is zero at {} in {}{why}", code(&statement), at(place)))
            .suggest(format!(
                "Decide what {} gives when {which} is zero, and handle that before the division at {}",
                place.function.as_deref().map_or_else(|| "it".to_owned(), code),
                line_of(place)
            ))
            .shown(format!("{} divides by {which}", code(&statement)), Some(place))
            .suspect(place, 0.75, "divides by zero"),
    )
}

fn origin_of(source: &SourceFile, place: &Place, name: &str) -> Option<(u32, String)> {
    let module = source.module();
    let function = module.function(&module.enclosing_function(place.line)?.qualified_name)?;
    let (line, value) = assigned(&function.body, name, place.line, source)?;
    Some((line, value.span.of(source.text()).to_owned()))
}

/// `items[i]` with `i` beyond the end.
pub(super) fn index(case: &Case<'_>) -> Option<Finding> {
    let (frame, place, source) = here(case, "IndexError")?;
    let message = &case.root()?.message;
    let stmt = source.module().statement(place.line)?;
    let new = |confidence| Finding::new("arithmetic-index", Category::DataIssue, Severity::High, confidence);
    let statement = case.statement(frame, place).unwrap_or_default();
    if message.starts_with("pop from") {
        let popped = parts(stmt, |part| match &part.kind {
            ExprKind::Call { func, .. } => match &func.kind {
                ExprKind::Attribute { value, attr, .. }
                    if matches!(&**attr, "pop" | "popleft" | "popitem") =>
                {
                    Some(&**value)
                }
                _ => None,
            },
            _ => None,
        });
        let name = popped.first()?.span.of(source.text());
        return Some(
            new(0.75)
                .because(format!(
                    "{} is empty when {} takes an item from it at {}",
                    code(name),
                    at(place),
                    code(&statement)
                ))
                .suggest(format!("Check that {} holds something before {}", code(name), line_of(place)))
                .shown(code(message), Some(place))
                .suspect(place, 0.65, "takes from an empty container"),
        );
    }
    let subscripts = parts(stmt, |part| {
        matches!(&part.kind, ExprKind::Subscript { index, .. } if !matches!(index.kind, ExprKind::Slice { .. } | ExprKind::Str(_))).then_some(part)
    });
    let mut candidates = Vec::new();
    for part in subscripts {
        let ExprKind::Subscript { value, index } = &part.kind else { continue };
        let (name, by) = (value.span.of(source.text()), index.span.of(source.text()));
        let length = frame
            .shown(name)
            .and_then(Value::parse)
            .filter(|v| !v.is_cut())
            .and_then(|v| v.items().map(<[Value]>::len));
        let at = match &index.kind {
            ExprKind::Int(number) => number.parse::<i128>().ok(),
            ExprKind::UnaryOp { op: "-", operand } => match &operand.kind {
                ExprKind::Int(number) => number.parse::<i128>().ok().map(|n| -n),
                _ => None,
            },
            _ => match frame.shown(by).and_then(Value::parse) {
                Some(Value::Int(n)) => Some(n),
                _ => None,
            },
        };
        if let (Some(length), Some(at)) = (length, at) {
            let length = length as i128;
            if at < length && at >= -length {
                continue;
            }
        }
        candidates.push((name, by, length, at, index));
    }
    // Of `items[i]` and `items[i + 1]` the further one is beyond the end first.
    if candidates.len() > 1 {
        candidates.retain(|(.., index)| matches!(index.kind, ExprKind::BinOp { op: "+", .. }));
    }
    let [(name, by, length, at_index, index)] = candidates.as_slice() else { return None };
    let mut finding = new(0.7);
    let size =
        length.map_or_else(String::new, |n| format!(", which has {n} item{}", if n == 1 { "" } else { "s" }));
    let shown = at_index
        .filter(|_| *by != at_index.map(|n| n.to_string()).unwrap_or_default())
        .map_or_else(String::new, |n| format!(" = {n}"));
    let mut sentence = format!(
        "The index {}{shown} is beyond the end of {}{size}, at {} in {}",
        code(by),
        code(name),
        code(&statement),
        at(place)
    );
    let mut suspect = None;
    if *length == Some(0)
        || (length.is_none() && matches!(index.kind, ExprKind::Int(_) | ExprKind::UnaryOp { .. }))
    {
        sentence.push_str(if *length == Some(0) {
            ": it is empty"
        } else {
            ": it holds fewer items than the code takes for granted"
        });
    } else if let Some((line, text)) = range_with_extra(&source, place, by) {
        sentence = format!("{sentence}: the loop {} runs one step too far", code(&text));
        finding.confidence = 0.85;
        suspect = Some(Place { function: place.function.clone(), ..Place::line(place.path.clone(), line) });
    } else if let ExprKind::BinOp { op: "+", .. } = index.kind {
        sentence.push_str(": the last step reaches past the last item");
        finding.confidence = 0.75;
    } else if by.replace(' ', "") == format!("len({name})") {
        sentence.push_str(": the last item is at the length minus one");
        finding.confidence = 0.9;
    }
    finding = finding
        .because(sentence)
        .suggest(format!(
            "Stop at the last item, or check the length of {} before {}",
            code(name),
            line_of(place)
        ))
        .shown(format!("{}: {}", code(message), code(&statement)), Some(place));
    if let Some(suspect) = suspect.filter(|suspect| suspect != place) {
        finding = finding.suspect(&suspect, 0.8, "counts one step too far");
    }
    Some(finding.suspect(place, 0.6, "takes the item"))
}

/// The loop around the line that counts `index` over `range(len(…) + 1)` or the like.
fn range_with_extra(source: &SourceFile, place: &Place, index: &str) -> Option<(u32, String)> {
    source.module().path_to(place.line).into_iter().rev().find_map(|stmt| match &stmt.kind {
        StmtKind::For { target, iter, .. } if target.as_name() == Some(index) => {
            let ExprKind::Call { func, args, .. } = &iter.kind else { return None };
            let end = if args.len() >= 2 { args.get(1)? } else { args.first()? };
            let text = end.span.of(source.text()).replace(' ', "");
            (func.dotted()? == "range" && text.starts_with("len(") && text.ends_with("+1"))
                .then(|| (stmt.start_line, format!("for {index} in {}", iter.span.of(source.text()))))
        }
        StmtKind::While { test, .. } => {
            let ExprKind::Compare { left, rest } = &test.kind else { return None };
            let [("<=", right)] = rest.as_slice() else { return None };
            (left.as_name() == Some(index) && right.span.of(source.text()).starts_with("len("))
                .then(|| (stmt.start_line, format!("while {}", test.span.of(source.text()))))
        }
        _ => None,
    })
}

/// Recursion that does not end.
pub(super) fn recursion(case: &Case<'_>) -> Option<Finding> {
    let root = case.root().filter(|root| root.short_type() == "RecursionError")?;
    let mut seen: Vec<(&Place, &str)> = Vec::new();
    let mut circle: Option<(Vec<&str>, &Place)> = None;
    for frame in &root.frames {
        let Some(place) = frame.place.as_ref().filter(|_| frame.in_project) else { continue };
        let Some(name) = place.function.as_deref().or(frame.function.as_deref()) else { continue };
        if let Some(start) = seen.iter().position(|(known, other)| known.path == place.path && *other == name)
        {
            let mut names: Vec<&str> = seen[start..].iter().map(|(_, name)| *name).collect();
            names.dedup();
            circle = Some((names, seen[start].0));
            break;
        }
        seen.push((place, name));
        if seen.len() > 200 {
            break;
        }
    }
    let fallback = || {
        let (frame, place) = case.frame()?;
        let name = place.function.as_deref().or(frame.function.as_deref())?;
        Some((vec![name], place))
    };
    let (names, place) = circle.or_else(fallback)?;
    let source = case.workspace.source(&place.path);
    let function = source.as_ref().and_then(|source| source.module().function(names[0]));
    let text = source.as_ref().and_then(|source| source.line(place.line)).map_or("", str::trim);
    let (why, confidence) = match (function, names.len()) {
        (Some(function), 1) if !has_way_out(function) => {
            (" and has no case in which it does not".to_owned(), 0.9)
        }
        (Some(function), 1) => match unchanged_argument(case, place, function) {
            Some(call) => (format!(" with unchanged arguments ({})", code(&call)), 0.85),
            None => (", and its end is not reached for this input".to_owned(), 0.7),
        },
        _ => (String::new(), 0.7),
    };
    let cycle = if let [one] = names.as_slice() {
        format!("{} calls itself", code(one))
    } else {
        let circle: Vec<String> = names.iter().take(5).chain(names.first()).map(|name| code(name)).collect();
        format!(
            "{} call each other without end ({})",
            code(names[0]).clone() + " and " + &code(names[names.len() - 1]),
            circle.join(" → ")
        )
    };
    let property = function.is_some_and(|function| {
        text.contains(&format!("self.{}", function.name)) && !function.decorators.is_empty()
    });
    let hint = if property { "; a property that reads itself needs another name for its value" } else { "" };
    Some(
        Finding::new("arithmetic-recursion", Category::Other, Severity::High, confidence)
            .because(format!("{cycle} at {} ({}){why}{hint}", code(text), line_of(place)))
            .suggest(format!(
                "Add or correct the case in which {} returns without calling itself",
                code(names[0])
            ))
            .shown(format!("{} is on the stack again and again", code(names[0])), Some(place))
            .suspect(place, 0.75, "the call that repeats")
            .mend(function.filter(|_| property).and_then(|function| other_name(case, place, function))),
    )
}

/// Gives the value that a property reads or sets a name of its own.
fn other_name(case: &Case<'_>, place: &Place, function: &Function) -> Option<Draft> {
    let source = case.workspace.source(&place.path)?;
    let name = &*function.name;
    let private = format!("_{name}");
    let mut spans = Vec::new();
    for expr in source.module().statement(place.line)?.expressions() {
        expr.walk(&mut |part| {
            if let ExprKind::Attribute { value, attr, attr_span } = &part.kind
                && value.as_name() == Some("self")
                && **attr == *name
            {
                spans.push(*attr_span);
            }
        });
    }
    if spans.is_empty() {
        return None;
    }
    let edits = spans.into_iter().map(|span| TextEdit::replace(&place.path, span, private.clone())).collect();
    Some(Draft::edits(
        FixTarget::Code,
        format!("Change `self.{name}` to `self.{private}` ({})", line_of(place)),
        "A property keeps its value under another name than its own",
        edits,
    ))
}

/// Whether a function has a branch, loop, or `try` that may spare the call.
fn has_way_out(function: &Function) -> bool {
    let mut branches = false;
    for stmt in &function.body {
        stmt.walk(false, &mut |stmt| {
            branches |= matches!(
                stmt.kind,
                StmtKind::If(_)
                    | StmtKind::While { .. }
                    | StmtKind::For { .. }
                    | StmtKind::Match { .. }
                    | StmtKind::Try { .. }
            );
            for expr in stmt.expressions() {
                expr.walk(&mut |part| {
                    branches |= matches!(
                        part.kind,
                        ExprKind::If { .. } | ExprKind::BoolOp { .. } | ExprKind::Comprehension { .. }
                    );
                });
            }
        });
    }
    branches
}

/// The recursive call that passes on all its parameters as they are.
fn unchanged_argument(case: &Case<'_>, place: &Place, function: &Function) -> Option<String> {
    let source = case.workspace.source(&place.path)?;
    let stmt = source.module().statement(place.line)?;
    let mut found = None;
    for expr in stmt.expressions() {
        expr.walk(&mut |part| {
            let ExprKind::Call { func, args, keywords, .. } = &part.kind else { return };
            let resolved = Resolver::new(case.workspace).infer(&place.path, place.line, func, 0);
            let same = matches!(resolved, Some(Symbol::Function(_, name)) if name == function.qualified_name);
            let method = matches!(func.kind, ExprKind::Attribute { .. });
            let params: Vec<&str> =
                function.signature.params.iter().skip(usize::from(method)).map(|p| &*p.name).collect();
            let given: Vec<Option<&str>> = args.iter().map(Expr::as_name).collect();
            if same
                && keywords.is_empty()
                && !params.is_empty()
                && given.len() == params.len()
                && given.iter().zip(&params).all(|(given, param)| *given == Some(*param))
            {
                found = Some(part.span.of(source.text()).to_owned());
            }
        });
    }
    found
}
