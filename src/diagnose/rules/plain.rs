//! Messages of Python and its standard library that name the slip: what a dataclass refuses, names of `__future__`,
//! assertions of mocks that do not exist, paths that are added, lists that a cache is asked for, bytes of a process.

use crate::diagnose::case::{Case, at, code, line_of};
use crate::diagnose::draft::TextEdit;
use crate::diagnose::rules::edits;
use crate::diagnose::rules::near::near;
use crate::diagnose::rules::spot::{Spot, between, line, target};
use crate::diagnose::{Draft, Finding};
use crate::model::{Category, Place, Severity};
use crate::workspace::python::{Expr, ExprKind, Span, StmtKind};
use crate::workspace::resolve::Resolver;

/// Features of `__future__`.
const FUTURES: &[&str] = &[
    "annotations",
    "division",
    "print_function",
    "absolute_import",
    "unicode_literals",
    "generator_stop",
    "with_statement",
    "nested_scopes",
    "generators",
];
/// Assertions of a mock.
const ASSERTIONS: &[&str] = &[
    "assert_called",
    "assert_called_once",
    "assert_called_with",
    "assert_called_once_with",
    "assert_any_call",
    "assert_has_calls",
    "assert_not_called",
    "assert_awaited",
    "assert_awaited_once",
    "assert_awaited_with",
    "assert_awaited_once_with",
    "assert_any_await",
    "assert_has_awaits",
    "assert_not_awaited",
];

/// `non-default argument 'amount' follows default argument`, of a dataclass.
pub(super) fn field_order(case: &Case<'_>) -> Option<Finding> {
    let root = case.root().filter(|root| root.short_type() == "TypeError")?;
    let message = root.message.lines().next()?;
    let field = between(message, "non-default argument '", "' follows default argument")?;
    let spot = Spot::nearest(case)?;
    let mut found = Vec::new();
    spot.module().walk(&mut |stmt| {
        let StmtKind::Class(class) = &stmt.kind else { return };
        // The traceback shows the class's line or its decorator's.
        let Some(first) = class.decorators.first() else { return };
        let first = spot.source.line_of(first.span.start).min(stmt.start_line);
        if !(first..=stmt.end_line).contains(&spot.place.line) {
            return;
        }
        let mut default = None;
        for stmt in &class.body {
            let StmtKind::AnnAssign { target, value, .. } = &stmt.kind else { continue };
            match (value, default) {
                (None, Some(before)) if target.as_name() == Some(field) => {
                    found.push((class.name.clone(), before, (stmt.start_line, stmt.end_line)));
                }
                (Some(_), None) => default = Some((stmt.start_line, target.span)),
                _ => {}
            }
        }
    });
    let [(class, (first, name), (from, to))] = found.as_slice() else { return None };
    let source = &spot.source;
    let here = line(&spot.place.path, *from);
    let earlier = spot.text(*name).to_owned();
    let offset = |number: u32| source.offset(number, 1);
    let moved = (|| {
        let span = Span { start: offset(*from)?, end: offset(to + 1)? };
        let text = spot.text(span).to_owned();
        Some(vec![
            TextEdit::insert(&spot.place.path, offset(*first)?, text),
            TextEdit::replace(&spot.place.path, span, ""),
        ])
    })();
    let fix = moved.map(|changes| {
        Draft::edits(
            target(&here),
            format!("Put `{field}` before `{earlier}` ({})", line_of(&here)),
            "Fields without a default come first",
            changes,
        )
    });
    Some(
        Finding::new("protocols-field-order", Category::Other, Severity::High, 0.93)
            .because(format!(
                "The field `{field}` of the dataclass `{class}` ({}) has no default, but stands after `{earlier}` (line {first}), which has one",
                line_of(&here)
            ))
            .suggest(format!("Put `{field}` before `{earlier}`, or give it a default"))
            .shown(code(message), Some(spot.place))
            .suspect(&here, 0.9, "has no default after one that has")
            .mend(fix),
    )
}

/// `cannot assign to field 'state'`, of a frozen dataclass.
pub(super) fn frozen(case: &Case<'_>) -> Option<Finding> {
    let root = case.root().filter(|root| root.short_type() == "FrozenInstanceError")?;
    let message = root.message.lines().next()?;
    let field = between(message, "cannot assign to field '", "'")?;
    let spot = Spot::nearest(case)?;
    let stmt = spot.module().statement(spot.place.line)?;
    let StmtKind::Assign { targets, value } = &stmt.kind else { return None };
    let [Expr { kind: ExprKind::Attribute { value: object, attr, .. }, .. }] = targets.as_slice() else {
        return None;
    };
    let object = object.as_name().filter(|name| &**attr == field && !matches!(*name, "self" | "cls"))?;
    let (spelled, import) = edits::spelled(&spot.source, "dataclasses", "replace");
    let new = format!("{object} = {spelled}({object}, {field}={})", spot.text(value.span));
    let mut changes = vec![TextEdit::replace(&spot.place.path, stmt.span, new.clone())];
    changes.extend(import);
    Some(
        Finding::new("protocols-frozen", Category::Other, Severity::High, 0.85)
            .because(format!(
                "{} assigns to `{field}` of `{object}`, which is a frozen dataclass: its objects cannot be changed, only replaced",
                at(spot.place)
            ))
            .suggest(format!("Make a changed copy: `{new}` ({})", line_of(spot.place)))
            .shown(code(message), Some(spot.place))
            .suspect(spot.place, 0.85, "changes what is frozen")
            .mend(Draft::edits(
                spot.target(),
                format!("Make a changed copy with `replace` ({})", line_of(spot.place)),
                "A frozen dataclass refuses assignments",
                changes,
            )),
    )
}

/// `future feature annotation is not defined`.
pub(super) fn future(case: &Case<'_>) -> Option<Finding> {
    let root = case.root().filter(|root| root.short_type() == "SyntaxError")?;
    let message = root.message.lines().next()?;
    let name = between(message, "future feature ", " is not defined")?;
    let spot = Spot::nearest(case)?;
    let right = near(name, FUTURES.iter().map(|name| ((*name).to_owned(), ())))?.name;
    let text = spot.source.line(spot.place.line)?;
    let column = text.rfind(name)?;
    let start = spot.source.offset(spot.place.line, 1)? + column as u32;
    let span = Span { start, end: start + name.len() as u32 };
    Some(
        Finding::new("imports-future", Category::ImportError, Severity::High, 0.93)
            .because(format!(
                "{} imports `{name}` from `__future__`, which has no such feature; `{right}` is probably meant",
                at(spot.place)
            ))
            .suggest(format!("Change `{name}` to `{right}` ({})", line_of(spot.place)))
            .suspect(spot.place, 0.93, format!("`__future__` has `{right}`, not `{name}`"))
            .mend(Draft::edits(
                spot.target(),
                format!("Change `{name}` to `{right}` ({})", line_of(spot.place)),
                "The feature's name is misspelt",
                vec![TextEdit::replace(&spot.place.path, span, right.clone())],
            )),
    )
}

/// `'assert_called_onec' is not a valid assertion. Use a spec for the mock …`
pub(super) fn no_assertion(case: &Case<'_>) -> Option<Finding> {
    let root = case.root().filter(|root| root.short_type() == "AttributeError")?;
    let message = root.message.lines().next()?;
    let name = message.split('\'').nth(1).filter(|_| message.contains("is not a valid assertion"))?;
    let spot = Spot::nearest(case)?;
    let span = spot.expressions().into_iter().find_map(|expr| match &expr.kind {
        ExprKind::Attribute { attr, attr_span, .. } if **attr == *name => Some(*attr_span),
        _ => None,
    })?;
    let called = spot.text(Span { start: span.end, end: span.end + 2 }) != "()";
    // With arguments only those assertions come into question that take some.
    let wants = |known: &&&str| {
        let takes = known.ends_with("_with") || known.contains("has_") || known.contains("any_");
        takes == called
    };
    let fitting = ASSERTIONS.iter().filter(wants).map(|name| ((*name).to_owned(), ()));
    let right = near(name, fitting)?.name;
    Some(
        Finding::new("mock-no-assertion", Category::Other, Severity::Medium, 0.93)
            .because(format!(
                "{} calls `{name}`, which is misspelt: mocks have no such assertion; `{right}` is probably meant",
                at(spot.place)
            ))
            .suggest(format!("Change `{name}` to `{right}` ({})", line_of(spot.place)))
            .shown(code(message), Some(spot.place))
            .suspect(spot.place, 0.93, "the misspelt assertion")
            .mend(Draft::edits(
                spot.target(),
                format!("Change `{name}` to `{right}` ({})", line_of(spot.place)),
                "The assertion's name is misspelt",
                vec![TextEdit::replace(&spot.place.path, span, right.clone())],
            )),
    )
}

/// `unsupported operand type(s) for +: 'PosixPath' and 'str'`.
pub(super) fn added_path(case: &Case<'_>) -> Option<Finding> {
    let root = case.root().filter(|root| root.short_type() == "TypeError")?;
    let message = root.message.lines().next()?;
    let kind = between(message, "unsupported operand type(s) for +: '", "' and 'str'")
        .filter(|kind| kind.ends_with("Path"))?;
    let spot = Spot::nearest(case)?;
    // The innermost sum: its left side is the path.
    let mut chains: Vec<Vec<&Expr>> = Vec::new();
    for expr in spot.expressions() {
        let mut parts = Vec::new();
        let mut rest = expr;
        while let ExprKind::BinOp { left, op: "+", right } = &rest.kind {
            parts.push(&**right);
            rest = left;
        }
        if !parts.is_empty() {
            parts.push(rest);
            parts.reverse();
            chains.push(parts);
        }
    }
    // Only a sum that is the only one, as a whole, is sure to be the one that failed.
    let chain = chains.iter().max_by_key(|chain| chain.len())?;
    let inner = |other: &Vec<&Expr>| other.first().map(|e| e.span) == chain.first().map(|e| e.span);
    if !chains.iter().all(inner) {
        return None;
    }
    let (path, rest) = chain.split_first()?;
    let name = spot.text(path.span);
    let tail =
        |parts: &[&Expr]| parts.iter().map(|part| spot.text(part.span)).collect::<Vec<_>>().join(" + ");
    let new = match rest {
        [] => return None,
        [first, more @ ..] => match first.as_str() {
            Some("/") if more.is_empty() => return None,
            Some("/") if more.len() == 1 => format!("{name} / {}", tail(more)),
            Some("/") => format!("{name} / ({})", tail(more)),
            Some(text) if text.starts_with('/') => return None,
            Some(text) if text.starts_with(['.', '_', '-']) => {
                format!("{name}.with_name({name}.name + {})", tail(rest))
            }
            _ if rest.len() == 1 => format!("{name} / {}", tail(rest)),
            _ => format!("{name} / ({})", tail(rest)),
        },
    };
    let whole = Span { start: path.span.start, end: rest.last()?.span.end };
    Some(
        Finding::new("types-path", Category::Other, Severity::High, 0.85)
            .because(format!(
                "{} adds a `str` to `{name}`, which is a `{kind}`: paths are joined with `/`, not `+`",
                at(spot.place)
            ))
            .suggest(format!("Write `{new}` ({})", line_of(spot.place)))
            .shown(code(message), Some(spot.place))
            .suspect(spot.place, 0.85, "adds to a path")
            .mend(Draft::edits(
                spot.target(),
                format!("Join the path with `/`: {new} ({})", line_of(spot.place)),
                "`+` is not defined for paths and texts",
                vec![TextEdit::replace(&spot.place.path, whole, new.clone())],
            )),
    )
}

/// `unhashable type: 'list'` at the call of a function that keeps its results by its arguments.
pub(super) fn cached_argument(case: &Case<'_>) -> Option<Finding> {
    let root = case.root().filter(|root| root.short_type() == "TypeError")?;
    let kind = between(root.message.lines().next()?, "unhashable type: '", "'")?;
    let convert = match kind {
        "list" | "bytearray" => "tuple",
        "set" => "frozenset",
        "dict" => "",
        _ => return None,
    };
    let spot = Spot::nearest(case)?;
    let resolver = Resolver::new(case.workspace);
    let mut found = Vec::new();
    for expr in spot.expressions() {
        let ExprKind::Call { args, .. } = &expr.kind else { continue };
        for called in resolver.calls(&spot.place.path, spot.place.line, expr) {
            if called.text != spot.text(expr.span) {
                continue;
            }
            let Some(source) = case.workspace.source(&called.path) else { continue };
            let Some(function) = source.module().function(&called.qualified_name) else { continue };
            let cached = function.decorators.iter().find(|decorator| {
                let of = match &decorator.kind {
                    ExprKind::Call { func, .. } => func.dotted(),
                    _ => decorator.dotted(),
                };
                of.is_some_and(|name| {
                    matches!(name.rsplit('.').next(), Some("lru_cache" | "cache" | "cached" | "memoize"))
                })
            });
            if let (Some(cached), [arg]) = (cached, args.as_slice()) {
                let decorator = cached.span.of(source.text()).to_owned();
                found.push((function.name.to_string(), decorator, source.place(cached.span), arg.span));
            }
        }
    }
    let [(function, decorator, cache, arg)] = found.as_slice() else { return None };
    let given = spot.text(*arg);
    let fix = (!convert.is_empty()).then(|| {
        Draft::edits(
            spot.target(),
            format!("Pass `{convert}({given})` ({})", line_of(spot.place)),
            format!("A `{convert}` has a hash, so that the cache can look it up"),
            vec![TextEdit::replace(&spot.place.path, *arg, format!("{convert}({given})"))],
        )
    });
    Some(
        Finding::new("types-cached", Category::Other, Severity::High, 0.88)
            .because(format!(
                "{} passes {}, a `{kind}`, to `{function}`, whose results `@{decorator}` ({}) keeps by its arguments: a `{kind}` is unhashable",
                at(spot.place),
                code(given),
                line_of(cache)
            ))
            .suggest(format!("Pass something with a hash, such as a `tuple`, to `{function}`"))
            .suspect(spot.place, 0.88, "passes what has no hash")
            .suspect(cache, 0.4, "keeps results by arguments")
            .mend(fix),
    )
}

/// `a bytes-like object is required, not 'str'`: the output of a process that was not asked for as text.
pub(super) fn process_bytes(case: &Case<'_>) -> Option<Finding> {
    let root = case.root().filter(|root| root.short_type() == "TypeError")?;
    let message = root.message.lines().next()?;
    if !message.contains("a bytes-like object is required, not 'str'")
        && !message.contains("cannot use a string pattern on a bytes-like object")
        && !message.contains("(not \"bytes\") to str")
        && !message.contains("can't concat str to bytes")
    {
        return None;
    }
    let spot = Spot::nearest(case)?;
    let function = spot.function()?;
    let used: Vec<String> =
        spot.expressions().iter().filter_map(|expr| expr.as_name()).map(str::to_owned).collect();
    let mut found = Vec::new();
    for stmt in &function.body {
        stmt.walk(false, &mut |stmt| {
            let own = (stmt.start_line..=stmt.end_line).contains(&spot.place.line);
            let kept = match &stmt.kind {
                StmtKind::Assign { targets, .. } => {
                    targets.iter().filter_map(Expr::as_name).any(|name| used.iter().any(|u| u == name))
                }
                _ => false,
            };
            if !own && !kept {
                return;
            }
            for expr in stmt.expressions() {
                expr.walk(&mut |part| {
                    let ExprKind::Call { func, keywords, .. } = &part.kind else { return };
                    let name = func.dotted().unwrap_or_default();
                    let is_process = matches!(
                        name.as_str(),
                        "subprocess.run" | "subprocess.check_output" | "subprocess.Popen"
                    );
                    let as_text = keywords.iter().any(|k| {
                        matches!(
                            k.name.as_deref(),
                            None | Some("text" | "universal_newlines" | "encoding" | "errors")
                        )
                    });
                    if is_process && !as_text && !found.iter().any(|(span, _, _)| *span == part.span) {
                        found.extend(
                            edits::argument(&spot.source, part, "text=True")
                                .map(|edit| (part.span, name, edit)),
                        );
                    }
                });
            }
        });
    }
    let [(call, name, edit)] = found.as_slice() else { return None };
    let place = Place { function: spot.place.function.clone(), ..spot.place_of(*call) };
    Some(
        Finding::new("types-process", Category::Other, Severity::High, 0.9)
            .because(format!(
                "`{name}` ({}) gives bytes, as `text=True` is missing, and {} uses its output as a `str`",
                line_of(&place),
                at(spot.place)
            ))
            .suggest(format!("Pass `text=True` to `{name}` ({})", line_of(&place)))
            .shown(code(message), Some(spot.place))
            .suspect(&place, 0.88, "gives bytes")
            .suspect(spot.place, 0.6, "uses them as text")
            .mend(Draft::edits(
                target(&place),
                format!("Pass `text=True` to `{name}` ({})", line_of(&place)),
                "The output is decoded then",
                vec![edit.clone()],
            )),
    )
}

#[cfg(test)]
mod tests;
