//! Rows that a function writes with a connection of its own and does not commit.

use super::with_test;
use crate::diagnose::case::{Case, at, code, in_tests, line_of};
use crate::diagnose::draft::TextEdit;
use crate::diagnose::rules::edits;
use crate::diagnose::rules::spot::target;
use crate::diagnose::value::Value;
use crate::diagnose::{Draft, Finding};
use crate::model::{Category, Place, Severity};
use crate::workspace::SourceFile;
use crate::workspace::python::{Expr, ExprKind, Function, Span, StmtKind};
use crate::workspace::resolve::Resolver;

/// A connection of its own that a function writes with and leaves without `commit`, where the asserted value can be one
/// that lacks what was written.
pub(super) fn uncommitted(case: &Case<'_>) -> Option<Finding> {
    let assertion = case.assertion().filter(|assertion| assertion.operator == "==")?;
    let (left, right) = (Value::parse(&assertion.left)?, Value::parse(assertion.right.as_deref()?)?);
    let resolver = Resolver::new(case.workspace);
    let mut calls = with_test(case, |source, test| {
        let mut calls = Vec::new();
        for stmt in &test.body {
            stmt.walk(false, &mut |stmt| {
                for expr in stmt.expressions() {
                    calls.extend(resolver.calls(source.path(), stmt.start_line, expr));
                }
            });
        }
        calls
    })?;
    calls.dedup_by(|a, b| a.path == b.path && a.qualified_name == b.qualified_name);
    for called in calls.iter().take(20) {
        let Some(source) = case.workspace.source(&called.path) else { continue };
        let Some(function) = source.module().function(&called.qualified_name) else { continue };
        if source.text().contains("isolation_level") || source.text().contains("autocommit") {
            continue;
        }
        let Some(written) = left_open(resolver, case, &source, function) else { continue };
        let Written { span, connection, verb } = &written;
        let place = Place { function: Some(called.qualified_name.clone()), ..source.place(*span) };
        if in_tests(&place) || !(verb != "insert" || lacks_some(&left, &right)) {
            continue;
        }
        let (newline, indent) = (edits::newline(source.text()), edits::indentation(&source, span.start));
        return Some(
            Finding::new("database-uncommitted", Category::AssertionFailure, Severity::High, 0.85)
                .because(format!(
                    "{} writes with the connection `{connection}`, which is left without `commit`: what was written is rolled back, and other connections never see it",
                    at(&place)
                ))
                .suggest(format!("Call `{connection}.commit()` after {}", line_of(&place)))
                .shown(format!("the test calls {}", code(&called.text)), None)
                .suspect(&place, 0.85, "writes what is not committed")
                .mend(Draft::edits(
                    target(&place),
                    format!("Call `{connection}.commit()` after the statement ({})", line_of(&place)),
                    "Without it `sqlite3` takes the change back when the connection is closed",
                    vec![TextEdit::insert(
                        source.path(),
                        span.end,
                        format!("{newline}{indent}{connection}.commit()"),
                    )],
                )),
        );
    }
    None
}

/// Whether `left` is what `right` is with less in it: fewer items, a smaller number, nothing.
fn lacks_some(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::None, right) => *right != Value::None,
        (Value::Int(left), Value::Int(right)) => left < right,
        _ => left.items().zip(right.items()).is_some_and(|(left, right)| left.len() < right.len()),
    }
}

/// A statement that writes to a database.
struct Written {
    span: Span,
    connection: String,
    /// The query's first word.
    verb: String,
}

/// The last statement of a function that writes with a connection made in it, if nothing commits.
fn left_open(
    resolver: Resolver<'_>,
    case: &Case<'_>,
    source: &SourceFile,
    function: &Function,
) -> Option<Written> {
    let mut made: Vec<String> = Vec::new();
    let mut written = None;
    let mut committed = false;
    for stmt in &function.body {
        stmt.walk(false, &mut |stmt| match &stmt.kind {
            StmtKind::Assign { targets, value } => {
                if let [target] = targets.as_slice()
                    && let Some(name) = target.as_name()
                    && (connects(source, value) || gives_new(resolver, case, source, stmt.start_line, value))
                {
                    made.push(name.to_owned());
                }
            }
            // A connection commits at the end of its `with`; what is returned is somebody else's.
            StmtKind::With { .. } | StmtKind::Return(Some(_)) => committed = true,
            StmtKind::Expr(expr) => {
                let ExprKind::Call { func, args, .. } = &expr.kind else { return };
                let ExprKind::Attribute { value, attr, .. } = &func.kind else { return };
                committed |= &**attr == "commit";
                let query = args.first().and_then(Expr::as_str).unwrap_or_default().trim_start();
                let verb = query.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
                if let Some(name) = value.as_name()
                    && matches!(&**attr, "execute" | "executemany")
                    && matches!(verb.as_str(), "insert" | "update" | "delete" | "replace")
                    && made.iter().any(|made| made == name)
                {
                    written = Some(Written { span: stmt.span, connection: name.to_owned(), verb });
                }
            }
            _ => {}
        });
    }
    written.filter(|_| !committed)
}

/// Whether an expression is `sqlite3.connect(…)`, as the file imports it.
fn connects(source: &SourceFile, expr: &Expr) -> bool {
    let ExprKind::Call { func, .. } = &expr.kind else { return false };
    func.dotted().is_some_and(|name| name == edits::spelled(source, "sqlite3", "connect").0)
}

/// Whether an expression calls a function of the project that makes a connection each time.
fn gives_new(resolver: Resolver<'_>, case: &Case<'_>, source: &SourceFile, line: u32, expr: &Expr) -> bool {
    resolver.calls(source.path(), line, expr).iter().any(|called| {
        let Some(source) = case.workspace.source(&called.path) else { return false };
        let module = source.module();
        let Some(function) = module.function(&called.qualified_name).filter(|f| f.decorators.is_empty()) else {
            return false;
        };
        // One that keeps it, in a global name or an attribute, gives the same to all.
        let (mut makes, mut keeps) = (false, false);
        for stmt in &function.body {
            stmt.walk(false, &mut |stmt| {
                keeps |= matches!(&stmt.kind, StmtKind::Global(_))
                    || matches!(&stmt.kind, StmtKind::Assign { targets, .. } if targets.iter().any(|t| t.as_name().is_none()));
                for expr in stmt.expressions() {
                    expr.walk(&mut |part| makes |= connects(&source, part));
                }
            });
        }
        makes && !keeps
    })
}

#[cfg(test)]
mod tests {
    use super::uncommitted;
    use crate::diagnose::rules::testing::scene;

    const TEST: &str = "tests/test_it.py";

    #[test]
    fn rows_that_are_not_committed() {
        const ADD: &str = "def add(path, n):\n    db = sqlite3.connect(path)\n    db.execute('insert into t values (?)', (n,))\n";
        let row = |head: &str, add: &str, end: &str, left: &str, fixed: Option<&str>| {
            let test = "from shop import add, rows\n\ndef test_it(tmp_path):\n    add(tmp_path, 1)\n    assert rows(tmp_path) == [1]\n";
            let shop = format!("{head}\n{add}{end}\ndef rows(path):\n    return []\n");
            let files = [("shop.py", shop.as_str()), (TEST, test)];
            let scene =
                scene(&files, "AssertionError: assert", &[(TEST, "assert rows")]).compared(left, "[1]");
            match fixed {
                Some(fixed) => {
                    let line = shop.lines().position(|line| line.contains("insert")).unwrap_or_default() + 1;
                    let place = format!("shop.py:{line}");
                    scene.check(uncommitted, &["without `commit`"], &place, Some(("shop.py", fixed)));
                }
                None => scene.silent(uncommitted),
            }
        };
        let import = "import sqlite3\n";
        row(import, ADD, "    db.close()\n", "[]", Some("(n,))\n    db.commit()\n    db.close()"));
        row(import, ADD, "", "[]", Some("(n,))\n    db.commit()\n"));
        row(import, ADD, "    db.commit()\n", "[]", None);
        row(import, ADD, "    return db\n", "[]", None);
        // The row is there: something else is wrong.
        row(import, ADD, "    db.close()\n", "[2]", None);
        row(import, ADD, "    db.close()\n", "[1, 1]", None);
        // What gives the connection: makes one each time, or keeps one for all, or is nothing of sqlite3.
        let by = |call: &str| ADD.replace("sqlite3.connect(path)", call);
        let made = "import sqlite3\n\ndef opened(path):\n    db = sqlite3.connect(path)\n    return db\n";
        row(made, &by("opened(path)"), "    db.close()\n", "[]", Some("db.commit()"));
        let kept = "import sqlite3\n\nALL = {}\n\ndef opened(path):\n    ALL[path] = sqlite3.connect(path)\n    return ALL[path]\n";
        row(kept, &by("opened(path)"), "    db.close()\n", "[]", None);
        row("import sqlite3\n\nDB = sqlite3.connect('x')\n", &by("DB"), "    db.close()\n", "[]", None);
        row("from sheets import Sheet\n", &by("Sheet(path)"), "    db.close()\n", "[]", None);
    }
}
