//! Edits of `pytest.mark.parametrize`: names that stand in another order than their values.

use std::sync::Arc;

use super::candidates::Candidate;
use crate::diagnose::draft::TextEdit;
use crate::workspace::SourceFile;
use crate::workspace::python::{Expr, ExprKind, Function, Span, StmtKind};

/// The candidates for a file of tests.
pub(super) fn of_tests(source: &Arc<SourceFile>) -> Vec<Candidate> {
    let mut made = Vec::new();
    source.module().walk(&mut |stmt| {
        if let StmtKind::Function(function) = &stmt.kind {
            for decorator in &function.decorators {
                made.extend(reordered(source, function, decorator));
            }
        }
    });
    made
}

/// Names in the order in which the function has them.
fn reordered(source: &Arc<SourceFile>, function: &Function, decorator: &Expr) -> Option<Candidate> {
    let ExprKind::Call { func, args, .. } = &decorator.kind else { return None };
    func.dotted().filter(|name| name.rsplit('.').next() == Some("parametrize"))?;
    let given = args.first()?;
    let (names, spans) = names(source, given)?;
    let own: Vec<&str> = function.signature.params.iter().map(|param| &*param.name).collect();
    let mut wanted: Vec<&str> = names.iter().map(String::as_str).collect();
    let place = |name: &&str| own.iter().position(|known| known == name);
    if !wanted.iter().all(|name| place(name).is_some()) {
        return None;
    }
    wanted.sort_by_key(place);
    if wanted.iter().zip(&names).all(|(a, b)| a == b) {
        return None;
    }
    let edits: Vec<TextEdit> = spans
        .iter()
        .zip(&wanted)
        .map(|(span, name)| TextEdit::replace(source.path(), *span, (*name).to_owned()))
        .collect();
    let why = format!(
        "`parametrize` names its values in the order `{}`, where they stand in the order `{}` of the test's parameters",
        names.join(", "),
        wanted.join(", ")
    );
    let line = source.line_of(given.span.start);
    Some(Candidate { path: source.path().clone(), edits, cost: 1, why, line, shared: false })
}

/// The names of `"a, b"` or `["a", "b"]`, and where each stands.
fn names(source: &SourceFile, given: &Expr) -> Option<(Vec<String>, Vec<Span>)> {
    let items: Vec<&Expr> = match &given.kind {
        ExprKind::Str(_) => vec![given],
        ExprKind::List(items) | ExprKind::Tuple(items) => items.iter().collect(),
        _ => return None,
    };
    let (mut names, mut spans) = (Vec::new(), Vec::new());
    for item in items {
        let text = item.span.of(source.text());
        item.as_str()?;
        let mut at = 0;
        for part in text.split(',') {
            let name = part.trim_matches(|c: char| !c.is_alphanumeric() && c != '_');
            let start = item.span.start + (at + part.find(name)?) as u32;
            names.push(name.to_owned());
            spans.push(Span { start, end: start + name.len() as u32 });
            at += part.len() + 1;
        }
    }
    (names.len() > 1).then_some((names, spans))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::sync::Arc;

    use super::of_tests;
    use crate::diagnose::repair::edited;
    use crate::model::RelPath;
    use crate::workspace::SourceFile;

    #[test]
    fn names_get_the_order_of_the_parameters() {
        for (given, params, expected) in [
            ("\"word, text, n\"", "text, word, n", Some("\"text, word, n\"")),
            ("['b', 'a']", "a, b", Some("['a', 'b']")),
            ("(\"b\",\"a\")", "a, b", Some("(\"a\",\"b\")")),
            ("'a,b'", "a, b", None),
            ("'a, b'", "b, client, a", Some("'b, a'")),
            ("'a, c'", "b, a", None),
            ("'a'", "b, a", None),
            ("NAMES", "b, a", None),
        ] {
            let text =
                format!("@pytest.mark.parametrize({given}, [(1, 2)])\ndef test_it({params}):\n    pass\n");
            let source = Arc::new(SourceFile::new(RelPath::new("test_a.py").unwrap(), text.as_str().into()));
            let made = of_tests(&source).first().map(|c| edited(&text, &c.edits).unwrap());
            assert_eq!(made, expected.map(|new| text.replace(given, new)), "{given}");
        }
    }
}
