//! What a call in an outer frame gave for a parameter.

use crate::workspace::python::{Expr, ExprKind, Function, Stmt};

/// The one call of `function` (of its class, if it is `__init__`) in a statement; `None` if there are several.
pub(super) fn call_of<'s>(stmt: &'s Stmt, function: &Function) -> Option<&'s Expr> {
    let class = function.qualified_name.rsplit('.').nth(1);
    let mut calls = Vec::new();
    for expr in stmt.expressions() {
        expr.walk(&mut |part| {
            let ExprKind::Call { func, .. } = &part.kind else { return };
            let called = match &func.kind {
                ExprKind::Attribute { attr, .. } => &**attr,
                ExprKind::Name(name) => &**name,
                _ => return,
            };
            if called == &*function.name || *function.name == *"__init__" && class == Some(called) {
                calls.push(part);
            }
        });
    }
    let [call] = calls[..] else { return None };
    Some(call)
}

/// What a call gives for the parameter `name`.
#[derive(Debug, Clone, Copy)]
pub(super) enum Given<'e> {
    /// This argument.
    Argument(&'e Expr),
    /// Nothing: its default counts.
    Nothing,
    /// `*args` or `**kwargs` hide it.
    Hidden,
}

/// What `call` gives for the parameter `name` of `function`; `None` if it has no such parameter.
pub(super) fn given<'e>(call: &'e Expr, function: &Function, name: &str) -> Option<Given<'e>> {
    let ExprKind::Call { func, args, keywords, .. } = &call.kind else { return None };
    function.signature.param(name)?;
    if let Some(keyword) = keywords.iter().find(|keyword| keyword.name.as_deref() == Some(name)) {
        return Some(Given::Argument(&keyword.value));
    }
    let position = function.signature.positional().position(|param| *param.name == *name);
    // The object before the dot, or the new one, is the first argument.
    let is_own =
        function.signature.params.first().is_some_and(|param| matches!(&*param.name, "self" | "cls"));
    let bound = is_own && (matches!(func.kind, ExprKind::Attribute { .. }) || *function.name == *"__init__");
    let index = position.and_then(|position| position.checked_sub(usize::from(bound)));
    let before = &args[..args.len().min(index.map_or(args.len(), |index| index + 1))];
    if before.iter().any(|arg| matches!(arg.kind, ExprKind::Starred(_))) {
        return Some(Given::Hidden);
    }
    Some(match index.and_then(|index| args.get(index)) {
        Some(argument) => Given::Argument(argument),
        None if keywords.iter().any(|keyword| keyword.name.is_none()) => Given::Hidden,
        None => Given::Nothing,
    })
}

#[cfg(test)]
mod tests {
    use super::{Given, call_of, given};
    use crate::workspace::python::Module;

    /// `(definitions, function, statement, parameter, what it is given)`; `-` for nothing, `*` for hidden.
    #[test]
    fn arguments_are_matched_with_parameters() {
        for (code, function, call, name, expected) in [
            ("def run(a, b=1): ...\n", "run", "x = run(p, q)", "b", Some("q")),
            ("def run(a, b=1): ...\n", "run", "x = run(p)", "b", Some("-")),
            ("def run(a, *, b=1): ...\n", "run", "x = run(p, b=q)", "b", Some("q")),
            ("def run(a, *, b=1): ...\n", "run", "x = run(p, q)", "b", Some("-")),
            ("def run(a, b=1): ...\n", "run", "x = run(*p, q)", "b", Some("*")),
            ("def run(a, b=1): ...\n", "run", "x = run(p, **q)", "b", Some("*")),
            ("def run(a, b=1): ...\n", "run", "x = run(p, *q)", "a", Some("p")),
            ("def run(a, b=1): ...\n", "run", "x = run(p)", "c", None),
            ("def run(a, b=1): ...\n", "run", "x = run(p) + run(q)", "a", None),
            ("class C:\n    def run(self, a): ...\n", "C.run", "x = c.run(p)", "a", Some("p")),
            ("class C:\n    def run(self, a): ...\n", "C.run", "x = c.run(p)", "self", Some("-")),
            ("class C:\n    def __init__(self, a): ...\n", "C.__init__", "x = C(p)", "a", Some("p")),
            ("class C:\n    @staticmethod\n    def run(a): ...\n", "C.run", "x = C.run(p)", "a", Some("p")),
        ] {
            let (module, caller) = (Module::parse(code), Module::parse(call));
            let function = module.function(function).expect(code);
            let found = call_of(&caller.body()[0], function).and_then(|call| given(call, function, name));
            let text = found.map(|found| match found {
                Given::Argument(expr) => expr.span.of(call),
                Given::Nothing => "-",
                Given::Hidden => "*",
            });
            assert_eq!(text, expected, "{code}{call}: {name}");
        }
    }
}
