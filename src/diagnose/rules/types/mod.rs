//! Values of another type, shape or notation than the code needs: dates with and without zone, operands that do not
//! go together, texts that cannot be read as numbers or dates, and where those values came from.

mod operands;
mod parsing;
mod unpack;
mod zones;

use super::Rule;
use super::given::{Given, call_of, given};
use super::spot::Spot;
use crate::diagnose::Finding;
use crate::diagnose::case::{Case, code, line_of};
use crate::model::{Frame, Place, RelPath};
use crate::workspace::python::{Expr, ExprKind, Function, StmtKind};
use crate::workspace::resolve::assigned;

/// The rules of this family.
pub(super) const RULES: &[&dyn Rule] = &[
    &zones::mixed,
    &operands::unsupported,
    &operands::not_iterable,
    &unpack::counts,
    &parsing::number,
    &parsing::date,
];

/// Where a value was made or handed over.
struct Origin {
    /// The expression as written.
    text: String,
    place: Place,
    /// The expression is a literal.
    is_literal: bool,
}

impl Origin {
    /// `` `date(2026, 1, 3)` (tests/test_it.py:4) ``
    fn said(&self) -> String {
        format!("{} ({})", code(&self.text), line_of(&self.place))
    }
}

/// How many assignments and calls are followed back.
const MAX_STEPS: usize = 6;

/// Where the value of `expr`, in the deepest frame, came from: back over assignments and the arguments of calls.
fn origin(case: &Case<'_>, spot: &Spot<'_>, expr: &Expr) -> Option<Origin> {
    let frames = &case.root()?.frames;
    let index = frames.iter().position(|frame| std::ptr::eq(frame, spot.frame))?;
    follow(case, frames, index, &spot.place.path, spot.place.line, expr, 0)
}

fn follow(
    case: &Case<'_>,
    frames: &[Frame],
    index: usize,
    path: &RelPath,
    line: u32,
    expr: &Expr,
    step: usize,
) -> Option<Origin> {
    let source = case.workspace.source(path)?;
    let found = |expr: &Expr| Origin {
        text: expr.span.of(source.text()).to_owned(),
        place: source.place(expr.span),
        is_literal: matches!(
            expr.kind,
            ExprKind::Str(_) | ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Bytes | ExprKind::Bool(_)
        ),
    };
    let Some(name) = expr.as_name().filter(|_| step < MAX_STEPS) else { return Some(found(expr)) };
    let module = source.module();
    let function = module.function(&module.enclosing_function(line)?.qualified_name)?;
    if let Some((at, value)) = assigned(&function.body, name, line, &source) {
        return follow(case, frames, index, path, at, value, step + 1);
    }
    if let Some(iterated) = looped(function, name, line) {
        return Some(found(iterated));
    }
    let outer = frames[..index].last()?;
    let place = outer.place.as_ref()?;
    let caller = case.workspace.source(&place.path)?;
    let call = call_of(caller.module().statement(place.line)?, function)?;
    let Given::Argument(argument) = given(call, function, name)? else { return None };
    follow(case, frames, index - 1, &place.path, place.line, argument, step + 1)
}

/// What is iterated by the loop around `line` whose variable is `name`.
fn looped<'f>(function: &'f Function, name: &str, line: u32) -> Option<&'f Expr> {
    let mut found = None;
    for stmt in &function.body {
        stmt.walk(false, &mut |stmt| {
            if let StmtKind::For { target, iter, .. } = &stmt.kind
                && (stmt.start_line..=stmt.end_line).contains(&line)
                && std::iter::once(target).chain(target.children()).any(|part| part.as_name() == Some(name))
            {
                found = Some(iter);
            }
        });
    }
    found
}

/// The type of an expression's value, of a literal or of a variable that is shown.
fn type_of(spot: &Spot<'_>, expr: &Expr) -> Option<String> {
    let text = spot.text(expr.span);
    if let Some(local) = spot.frame.local(text) {
        let named = local.type_name.as_deref().map(|name| name.rsplit('.').next().unwrap_or(name).to_owned());
        return named.or_else(|| {
            let value = crate::diagnose::value::Value::parse(&local.repr)?;
            let name = value.type_name();
            Some(name.rsplit('.').next().unwrap_or(name).to_owned())
        });
    }
    let name = match &expr.kind {
        ExprKind::Str(_) | ExprKind::FString(_) => "str",
        ExprKind::Bytes => "bytes",
        ExprKind::Int(_) => "int",
        ExprKind::Float(_) => "float",
        ExprKind::Bool(_) => "bool",
        ExprKind::None => "NoneType",
        ExprKind::List(_) => "list",
        ExprKind::Tuple(_) => "tuple",
        ExprKind::Dict(_) => "dict",
        ExprKind::Set(_) => "set",
        ExprKind::Call { func, .. } => match func.as_name()? {
            name @ ("str" | "int" | "float" | "list" | "dict" | "set" | "tuple" | "bytes") => name,
            "len" => "int",
            "repr" | "input" => "str",
            "sorted" => "list",
            _ => return None,
        },
        _ => return None,
    };
    Some(name.to_owned())
}

/// Adds the place of an origin that is not the spot itself.
fn with_origin(finding: Finding, origin: &Origin, spot: &Spot<'_>, score: f64, reason: &str) -> Finding {
    if origin.place.path == spot.place.path && origin.place.line == spot.place.line {
        return finding;
    }
    let mut place = origin.place.clone();
    if place.function.is_none() {
        place.function = None;
    }
    finding.shown(format!("{} gives the value", code(&origin.text)), Some(&place)).suspect(
        &place,
        score,
        reason.to_owned(),
    )
}
