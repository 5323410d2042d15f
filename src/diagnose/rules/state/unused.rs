//! A value that a function is given or makes and never uses, which a call in it is meant to be given.

use super::reached;
use crate::diagnose::case::{Case, at, code, in_tests, line_of};
use crate::diagnose::rules::edits;
use crate::diagnose::rules::spot::target;
use crate::diagnose::{Draft, Finding};
use crate::model::{Category, Place, Severity};
use crate::workspace::SourceFile;
use crate::workspace::python::{Expr, ExprKind, Function, Span, Stmt, StmtKind};
use crate::workspace::resolve::Resolver;

/// What a process is given, and the words that names of such values are made of.
const OF_PROCESS: &[(&str, &[&str])] = &[
    ("env", &["env", "environ", "environment", "variables", "vars"]),
    ("cwd", &["cwd", "folder", "directory", "dir", "workdir", "workspace", "root", "checkout"]),
    ("input", &["input", "stdin"]),
    ("timeout", &["timeout"]),
];

/// A variable that is never read, with the call that is meant to take it.
struct Unused {
    name: String,
    /// Where it is bound.
    bound: Span,
    call: Span,
    /// The name of what is called.
    callee: String,
    keyword: String,
}

/// A value that is never used beside a call that lacks it.
pub(super) fn unused(case: &Case<'_>) -> Option<Finding> {
    let (asserted, reached) = reached(case)?;
    let mut found = Vec::new();
    for called in reached {
        let Some(source) = case.workspace.source(&called.path) else { continue };
        let Some(function) = source.module().function(&called.qualified_name) else { continue };
        if in_tests(&source.place(function.name_span)) {
            continue;
        }
        for unused in of_function(case, &source, function) {
            let place = Place { function: Some(called.qualified_name.clone()), ..source.place(unused.call) };
            if found.iter().all(|(_, known, ..): &(Unused, Place, _, _)| *known != place) {
                let edit = call_at(function, unused.call).and_then(|call| {
                    edits::argument(&source, call, &format!("{}={}", unused.keyword, unused.name))
                });
                let bound = source.place(unused.bound);
                found.push((unused, place, bound, edit));
            }
        }
    }
    let [(unused, place, bound, edit)] = found.as_slice() else { return None };
    let Unused { name, callee, keyword, .. } = unused;
    let given = format!("{keyword}={name}");
    let fix = edit.clone().map(|edit| {
        Draft::edits(
            target(place),
            format!("Pass `{given}` to `{callee}` ({})", line_of(place)),
            format!("`{name}` is there for it and used nowhere else"),
            vec![edit],
        )
    });
    Some(
        Finding::new("calls-unused", Category::AssertionFailure, Severity::High, 0.8)
            .because(format!(
                "{} calls {} without {}: `{name}` ({}) is never used",
                at(place),
                code(callee),
                code(&given),
                line_of(bound)
            ))
            .suggest(format!("Pass `{given}` to `{callee}` ({})", line_of(place)))
            .shown("the assertion that failed", Some(asserted))
            .suspect(place, 0.8, format!("leaves out `{name}`"))
            .suspect(bound, 0.4, "is never used")
            .mend(fix),
    )
}

/// The call that stands at `span`.
fn call_at(function: &Function, span: Span) -> Option<&Expr> {
    let mut found = None;
    each(&function.body, &mut |part| {
        if part.span == span && matches!(part.kind, ExprKind::Call { .. }) {
            found = Some(part);
        }
    });
    found
}

fn each<'s>(body: &'s [Stmt], visit: &mut impl FnMut(&'s Expr)) {
    for stmt in body {
        stmt.walk(true, &mut |stmt| {
            for expr in stmt.expressions() {
                expr.walk(visit);
            }
        });
    }
}

/// The values that a function does not use, each with the only call that can take it.
fn of_function(case: &Case<'_>, source: &SourceFile, function: &Function) -> Vec<Unused> {
    let mut bound: Vec<(String, Span)> = function
        .signature
        .params
        .iter()
        .filter(|param| !matches!(&*param.name, "self" | "cls"))
        .map(|param| (param.name.to_string(), param.name_span))
        .collect();
    for stmt in &function.body {
        stmt.walk(false, &mut |stmt| {
            if let StmtKind::Assign { targets, .. } = &stmt.kind
                && let [target] = targets.as_slice()
                && let Some(name) = target.as_name()
            {
                bound.push((name.to_owned(), target.span));
            }
        });
    }
    bound.retain(|(name, _)| !name.starts_with('_'));
    let mut read: Vec<&str> = Vec::new();
    let mut calls: Vec<(&Expr, u32)> = Vec::new();
    for stmt in &function.body {
        stmt.walk(true, &mut |stmt| {
            let written = match &stmt.kind {
                StmtKind::Assign { targets, .. } => targets.as_slice(),
                _ => &[],
            };
            for expr in stmt.expressions() {
                expr.walk(&mut |part| {
                    if written.iter().any(|target| target.span == part.span) {
                        return;
                    }
                    read.extend(part.as_name());
                    if matches!(part.kind, ExprKind::Call { .. }) {
                        calls.push((part, stmt.start_line));
                    }
                });
            }
        });
    }
    let hides = |name: &str| matches!(name, "locals" | "vars" | "eval" | "exec");
    if read.iter().any(|name| hides(name)) {
        return Vec::new();
    }
    bound.retain(|(name, _)| !read.contains(&name.as_str()));
    let mut found = Vec::new();
    for (name, span) in bound {
        let mut taking: Vec<Unused> = Vec::new();
        for (call, line) in &calls {
            let ExprKind::Call { func, args, keywords, .. } = &call.kind else { continue };
            if keywords.iter().any(|keyword| keyword.name.is_none())
                || args.iter().any(|arg| matches!(arg.kind, ExprKind::Starred(_)))
            {
                continue;
            }
            let callee = func.dotted().unwrap_or_default();
            let keyword = of_process(&callee, &name)
                .map(str::to_owned)
                .or_else(|| takes(case, source, call, *line, &name, args.len()));
            let Some(keyword) = keyword else { continue };
            if keywords.iter().any(|known| known.name.as_deref() == Some(&*keyword)) {
                continue;
            }
            taking.push(Unused { name: name.clone(), bound: span, call: call.span, callee, keyword });
        }
        if taking.len() == 1 {
            found.extend(taking);
        }
    }
    found
}

/// The keyword by which a process takes a value of that name.
fn of_process(callee: &str, name: &str) -> Option<&'static str> {
    let starts = matches!(
        callee.rsplit_once('.').map_or(("", callee), |(module, name)| (module, name)),
        ("subprocess" | "sp", "run" | "Popen" | "call" | "check_call" | "check_output")
            | ("", "Popen" | "check_call" | "check_output")
    );
    let words: Vec<&str> = name.split('_').collect();
    let fits = |known: &&(&'static str, &[&str])| words.iter().any(|word| known.1.contains(word));
    OF_PROCESS.iter().filter(|_| starts).find(fits).map(|(keyword, _)| *keyword)
}

/// Whether the function of the project that is called has a parameter of that name with a default, which it is not given.
fn takes(
    case: &Case<'_>,
    source: &SourceFile,
    call: &Expr,
    line: u32,
    name: &str,
    given: usize,
) -> Option<String> {
    let called = Resolver::new(case.workspace)
        .calls(source.path(), line, call)
        .into_iter()
        .find(|called| called.text.split_whitespace().eq(call.span.of(source.text()).split_whitespace()))?;
    let other = case.workspace.source(&called.path)?;
    let function = other.module().function(&called.qualified_name)?;
    let own = usize::from(
        function.signature.params.first().is_some_and(|param| matches!(&*param.name, "self" | "cls")),
    );
    let at = function.signature.params.iter().position(|param| &*param.name == name)?;
    let param = &function.signature.params[at];
    (param.default.is_some() && at >= own + given).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::unused;
    use crate::diagnose::rules::testing::scene;

    fn assertion(code: &'static str, call: &'static str) -> crate::diagnose::rules::testing::Scene {
        let test: &'static str = Box::leak(
            format!("from app import run\n\ndef test_it():\n    assert {call} == 'a'\n").into_boxed_str(),
        );
        scene(
            &[("app.py", code), ("tests/test_it.py", test)],
            "AssertionError: assert 'b' == 'a'",
            &[("tests/test_it.py", "assert")],
        )
        .compared("'b'", "'a'")
    }

    #[test]
    fn what_is_made_for_a_call_and_not_passed() {
        for (code, place, fixed) in [
            (
                "import os\nimport subprocess\n\ndef run(word):\n    env = dict(os.environ, WORD=word)\n    return subprocess.run(['x'], text=True).stdout\n",
                "app.py:6",
                "subprocess.run(['x'], text=True, env=env).stdout",
            ),
            (
                "import subprocess\n\ndef run(work_dir):\n    return subprocess.check_output(\n        ['ls'],\n        text=True,\n    )\n",
                "app.py:4",
                "text=True, cwd=work_dir,",
            ),
            (
                "def price(net, discount=0):\n    return net - discount\n\ndef run(net, discount=0):\n    return price(net)\n",
                "app.py:5",
                "price(net, discount=discount)",
            ),
        ] {
            assertion(code, "run(1)").check(unused, &["never used"], place, Some(("app.py", fixed)));
        }
    }

    #[test]
    fn silent_where_nothing_is_left_over() {
        for code in [
            "import subprocess\n\ndef run(env):\n    return subprocess.run(['x'], env=env).stdout\n",
            "import subprocess\n\ndef run(word):\n    return subprocess.run(['x']).stdout\n",
            "def price(net, discount=0):\n    return net - discount\n\ndef run(net, _discount=0):\n    return price(net)\n",
            "def price(net):\n    return net\n\ndef run(net, discount=0):\n    return price(net)\n",
            "def price(net, discount=0):\n    return net - discount\n\ndef run(net, discount=0):\n    return price(net, **locals())\n",
        ] {
            assertion(code, "run(1)").silent(unused);
        }
    }
}
