//! Rows in another order than the test expects: `ORDER BY` is missing, or goes the wrong way.

use crate::diagnose::case::{Case, at, code, in_tests, line_of};
use crate::diagnose::draft::TextEdit;
use crate::diagnose::rules::spot::target;
use crate::diagnose::rules::state::reached;
use crate::diagnose::value::Value;
use crate::diagnose::{Draft, Finding};
use crate::model::{Category, Place, Severity};
use crate::workspace::SourceFile;
use crate::workspace::python::{ExprKind, Function, Span, StmtKind};

/// How the rows differ from those that are expected.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Way {
    /// The same rows, backwards.
    Reversed,
    /// The same rows in another order; the expected ones go up or down.
    Unordered(Option<bool>),
    /// As many rows, others.
    Others,
}

/// Rows that a query gives in another order than is expected.
pub(in crate::diagnose::rules) fn order(case: &Case<'_>) -> Option<Finding> {
    let assertion = case.assertion().filter(|assertion| assertion.operator == "==")?;
    let (left, right) = (Value::parse(&assertion.left)?, Value::parse(assertion.right.as_deref()?)?);
    let operands = case.operands()?;
    let (got, wanted) = if operands.actual_is_left { (&left, &right) } else { (&right, &left) };
    let way = way(got, wanted)?;
    let (asserted, reached) = reached(case)?;
    let mut queries: Vec<(Query, Place)> = Vec::new();
    for called in reached {
        let Some(source) = case.workspace.source(&called.path) else { continue };
        let Some(function) = source.module().function(&called.qualified_name) else { continue };
        // What follows parses the whole file for its constants.
        if !["select ", "SELECT ", "Select "].iter().any(|word| source.text().contains(word)) {
            continue;
        }
        if in_tests(&source.place(function.name_span)) || sorts(function) {
            continue;
        }
        for span in literals(&source, function) {
            let Some(query) = query(&source, span) else { continue };
            let place = Place { function: Some(called.qualified_name.clone()), ..source.place(query.shown) };
            if queries.iter().all(|(known, _)| known.shown != query.shown) {
                queries.push((query, place));
            }
        }
    }
    let [(query, place)] = queries.as_slice() else { return None };
    let (edit, sentence, confidence) = match (way, &query.order) {
        (Way::Reversed, Some(order)) => (order.turned(), order.said(), 0.85),
        (Way::Others, Some(order)) if query.limited => (order.turned(), order.said(), 0.6),
        (Way::Reversed | Way::Unordered(Some(_)), None) => {
            let descending = match way {
                Way::Unordered(Some(up)) => !up,
                _ => going(wanted)? == Going::Down,
            };
            let column = query.column.clone()?;
            let words = if query.capitals { (" ORDER BY ", " DESC") } else { (" order by ", " desc") };
            let new = format!("{}{column}{}", words.0, if descending { words.1 } else { "" });
            let sentence = "gives rows in no order that is promised: `ORDER BY` is missing".to_owned();
            ((Span { start: query.end, end: query.end }, new), sentence, 0.8)
        }
        _ => return None,
    };
    let path = &place.path;
    Some(
        Finding::new("database-order", Category::AssertionFailure, Severity::Medium, confidence)
            .because(format!(
                "The rows come in another order than {} expects: the query in {} {sentence}",
                line_of(asserted),
                at(place)
            ))
            .suggest(format!("Correct the order of the query ({})", line_of(place)))
            .shown(code(&query.text), Some(place))
            .suspect(place, confidence, "orders the rows")
            .suspect(asserted, 0.2, "the assertion that failed: its expectation may be wrong")
            .mend(Draft::edits(
                target(place),
                format!("Change the order of the rows ({})", line_of(place)),
                "The test expects the rows in this order",
                vec![TextEdit::replace(path, edit.0, edit.1)],
            )),
    )
}

fn way(got: &Value, wanted: &Value) -> Option<Way> {
    if got.is_cut() || wanted.is_cut() || got == wanted {
        return None;
    }
    let (Some(a), Some(b)) = (got.items(), wanted.items()) else {
        // One row of many: the newest, the best.
        return (!matches!(got, Value::None) && !matches!(wanted, Value::None)).then_some(Way::Others);
    };
    if a.len() != b.len() || a.is_empty() {
        return None;
    }
    if a.len() > 1 && a.iter().eq(b.iter().rev()) {
        return Some(Way::Reversed);
    }
    if b.iter().all(|item| a.contains(item)) {
        return Some(Way::Unordered(going(wanted).map(|going| going == Going::Up)));
    }
    Some(Way::Others)
}

#[derive(Clone, Copy, PartialEq)]
enum Going {
    Up,
    Down,
}

/// Which way plain items go.
fn going(value: &Value) -> Option<Going> {
    let items = value.items().filter(|items| items.len() > 1)?;
    let less = |a: &Value, b: &Value| match (a, b) {
        (Value::Int(a), Value::Int(b)) => Some(a < b),
        (Value::Str(a), Value::Str(b)) => Some(a < b),
        _ => None,
    };
    let steps: Option<Vec<bool>> = items.windows(2).map(|pair| less(&pair[0], &pair[1])).collect();
    let steps = steps?;
    if steps.iter().all(|up| *up) {
        Some(Going::Up)
    } else if steps.iter().all(|up| !up) {
        Some(Going::Down)
    } else {
        None
    }
}

/// Whether a function puts what it got in order itself.
fn sorts(function: &Function) -> bool {
    let mut found = false;
    for stmt in &function.body {
        stmt.walk(true, &mut |stmt| {
            for expr in stmt.expressions() {
                expr.walk(&mut |part| {
                    let name = match &part.kind {
                        ExprKind::Name(name) => Some(&**name),
                        ExprKind::Attribute { attr, .. } => Some(&**attr),
                        _ => None,
                    };
                    found |= matches!(name, Some("sorted" | "sort" | "reversed" | "reverse"));
                });
            }
        });
    }
    found
}

/// The texts in a function, and those of the module's constants that it names.
fn literals(source: &SourceFile, function: &Function) -> Vec<Span> {
    let mut found = Vec::new();
    let mut named: Vec<String> = Vec::new();
    for stmt in &function.body {
        stmt.walk(true, &mut |stmt| {
            for expr in stmt.expressions() {
                expr.walk(&mut |part| match &part.kind {
                    ExprKind::Str(_) => found.push(part.span),
                    ExprKind::Name(name) => named.push(name.to_string()),
                    _ => {}
                });
            }
        });
    }
    for stmt in source.module().body() {
        if let StmtKind::Assign { targets, value } = &stmt.kind
            && let ExprKind::Str(_) = &value.kind
            && targets
                .iter()
                .filter_map(|target| target.as_name())
                .any(|name| named.iter().any(|n| n == name))
        {
            found.push(value.span);
        }
    }
    found
}

/// A query that reads rows.
struct Query {
    text: String,
    /// The line that tells most.
    shown: Span,
    order: Option<Order>,
    limited: bool,
    /// Where `ORDER BY` belongs.
    end: u32,
    /// The only column that is read.
    column: Option<String>,
    capitals: bool,
}

/// `order by COLUMN [desc]`
struct Order {
    column: String,
    /// After the column.
    end: u32,
    /// `asc` or `desc`, with the blanks before it.
    direction: Option<(Span, bool)>,
    capitals: bool,
}

impl Order {
    fn turned(&self) -> (Span, String) {
        let word = if self.capitals { " DESC" } else { " desc" };
        match self.direction {
            Some((span, true)) => (span, String::new()),
            Some((span, false)) => (span, word.to_owned()),
            None => (Span { start: self.end, end: self.end }, word.to_owned()),
        }
    }

    fn said(&self) -> String {
        let (now, meant) = match self.direction {
            Some((_, true)) => ("`desc`", "the lowest first"),
            _ => ("ascending", "`desc`, the highest first"),
        };
        format!("orders them by `{}` {now}, where {meant} is expected", self.column)
    }
}

/// Reads what a query in the literal at `span` says of its order.
fn query(source: &SourceFile, span: Span) -> Option<Query> {
    let text = span.of(source.text());
    let lower = text.to_ascii_lowercase();
    let select = lower.find("select ")?;
    lower[select..]
        .find(" from ")
        .or_else(|| lower[select..].find("\nfrom "))
        .or_else(|| lower.find("from "))?;
    // Several queries in one text, and unions, are more than is looked at.
    if lower.matches("select ").count() > 1 {
        return None;
    }
    let capitals = text[select..].starts_with("SELECT");
    let offset = |at: usize| span.start + at as u32;
    let word_at = |word: &str| {
        lower.match_indices(word).map(|(at, _)| at).find(|at| {
            let before = lower[..*at].chars().next_back();
            before.is_none_or(|c| !c.is_alphanumeric() && c != '_')
        })
    };
    let limit = word_at("limit ");
    let closing = lower.trim_end_matches(['"', '\'']).trim_end_matches([';', ' ', '\n', '\t', '\r']).len();
    let order = word_at("order by ").and_then(|at| {
        let start = at + "order by ".len();
        let end = limit.filter(|limit| *limit > start).unwrap_or(closing);
        let clause = text.get(start..end)?;
        if clause.contains(',') {
            return None;
        }
        let trimmed = clause.trim_end();
        let mut words = trimmed.split_whitespace();
        let column = words.next()?.to_owned();
        let direction = words.next();
        if words.next().is_some() {
            return None;
        }
        let from = start + clause.find(&column)? + column.len();
        let direction = match direction.map(str::to_ascii_lowercase).as_deref() {
            Some("desc") => Some(true),
            Some("asc") => Some(false),
            Some(_) => return None,
            None => None,
        };
        Some(Order {
            column,
            end: offset(from),
            direction: direction
                .map(|down| (Span { start: offset(from), end: offset(start + trimmed.len()) }, down)),
            capitals,
        })
    });
    let has_order = word_at("order by ");
    if has_order.is_some() && order.is_none() {
        return None;
    }
    let columns = &text[select + "select ".len()..];
    let columns = columns[..columns.to_ascii_lowercase().find("from")?].trim();
    let plain = |column: &str| column.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.'));
    let column = columns.split(',').next().map(str::trim).filter(|column| plain(column)).map(str::to_owned);
    let shown = has_order.map_or(span, |at| Span { start: offset(at), end: offset(at) });
    let end = limit.map_or(closing, |limit| lower[..limit].trim_end().len());
    Some(Query {
        text: text.to_owned(),
        shown,
        order,
        limited: limit.is_some(),
        end: offset(end),
        column,
        capitals,
    })
}

#[cfg(test)]
mod tests {
    use super::order;
    use crate::diagnose::rules::testing::{Scene, scene};

    fn rows(code: &'static str, got: &str, wanted: &str) -> Scene {
        scene(
            &[
                ("app.py", code),
                (
                    "tests/test_it.py",
                    "from app import names\n\ndef test_it(db):\n    assert names(db) == WANTED\n",
                ),
            ],
            "AssertionError: assert",
            &[("tests/test_it.py", "assert")],
        )
        .compared(got, wanted)
    }

    #[test]
    fn the_order_is_turned_or_added() {
        for (code, got, wanted, place, fixed) in [
            (
                "def names(db):\n    return [n for n, in db.execute('select name from t order by age')]\n",
                "['a', 'b']",
                "['b', 'a']",
                "app.py:2",
                "order by age desc')",
            ),
            (
                "QUERY = \"\"\"\nSELECT name, sum(n) FROM t\nGROUP BY name\nORDER BY sum(n) DESC\n\"\"\"\n\ndef names(db):\n    return db.execute(QUERY).fetchall()\n",
                "[('b', 2), ('a', 1)]",
                "[('a', 1), ('b', 2)]",
                "app.py:4",
                "ORDER BY sum(n)\n",
            ),
            (
                "def names(db):\n    return [n for n, in db.execute('select name from t order by sent asc limit ?', (2,))]\n",
                "['a', 'b']",
                "['z', 'y']",
                "app.py:2",
                "order by sent desc limit ?",
            ),
            (
                "def names(db):\n    return [n for n, in db.execute('SELECT name FROM t WHERE x = 1;')]\n",
                "['b', 'c', 'a']",
                "['a', 'b', 'c']",
                "app.py:2",
                "WHERE x = 1 ORDER BY name;'",
            ),
        ] {
            rows(code, got, wanted).check(order, &["order"], place, Some(("app.py", fixed)));
        }
    }

    #[test]
    fn silent_where_the_order_is_not_the_matter() {
        for (code, got, wanted) in [
            (
                "def names(db):\n    return db.execute('select name from t order by age').fetchall()\n",
                "['a']",
                "['a', 'b']",
            ),
            (
                "def names(db):\n    return db.execute('select name from t order by age').fetchall()\n",
                "['a', 'c']",
                "['a', 'b']",
            ),
            (
                "def names(db):\n    return sorted(db.execute('select name from t'))\n",
                "['a', 'b']",
                "['b', 'a']",
            ),
            ("def names(db):\n    return ['select a from the list']\n", "['b', 'a', 'c']", "['c', 'b', 'z']"),
            (
                "def names(db):\n    return db.execute('select name from t order by a, b').fetchall()\n",
                "['a', 'b']",
                "['b', 'a']",
            ),
        ] {
            rows(code, got, wanted).silent(order);
        }
    }
}
