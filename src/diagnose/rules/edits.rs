//! Small edits that several rules propose.

use crate::diagnose::draft::TextEdit;
use crate::workspace::SourceFile;
use crate::workspace::python::{Expr, ExprKind, Span, StmtKind};

/// The line ending of a text.
pub(super) fn newline(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

/// The edit that adds `text` as the last argument of a call.
pub(in crate::diagnose) fn argument(source: &SourceFile, call: &Expr, text: &str) -> Option<TextEdit> {
    let ExprKind::Call { arguments_span, args, keywords, .. } = &call.kind else { return None };
    let last = args.iter().map(|arg| arg.span.end).chain(keywords.iter().map(|k| k.span.end)).max();
    let Some(last) = last else {
        return Some(TextEdit::insert(source.path(), arguments_span.start + 1, text));
    };
    // Parentheses around the last argument are not part of it; comments may follow.
    let after = Span { start: last, end: arguments_span.end - 1 }.of(source.text());
    let mut at = last;
    let mut in_comment = false;
    for (offset, byte) in (1..).zip(after.bytes()) {
        match byte {
            b'#' => in_comment = true,
            b'\n' => in_comment = false,
            b')' if !in_comment => at = last + offset,
            _ => {}
        }
    }
    Some(TextEdit::insert(source.path(), at, format!(", {text}")))
}

/// The edit that adds an import after the last import at the top of the file.
pub(super) fn import(source: &SourceFile, statement: &str) -> TextEdit {
    let text = source.text();
    let newline = newline(text);
    let body = source.module().body();
    let top = || body.iter().take_while(|s| matches!(s.kind, StmtKind::Import(_)) || is_docstring(&s.kind));
    let last_import = top().filter(|s| matches!(s.kind, StmtKind::Import(_))).last();
    let docstring = body.first().filter(|s| is_docstring(&s.kind));
    match (last_import.or(docstring), body.first()) {
        (Some(after), _) => TextEdit::insert(source.path(), after.span.end, format!("{newline}{statement}")),
        (None, Some(before)) => {
            TextEdit::insert(source.path(), before.span.start, format!("{statement}{newline}"))
        }
        (None, None) => TextEdit::insert(source.path(), text.len() as u32, format!("{statement}{newline}")),
    }
}

/// Whether a statement is a string: a docstring, where it comes first.
pub(super) fn is_docstring(kind: &StmtKind) -> bool {
    matches!(kind, StmtKind::Expr(Expr { kind: ExprKind::Str(_), .. }))
}

/// How the file spells `name` of `module`, with the import it needs for that.
pub(in crate::diagnose) fn spelled(
    source: &SourceFile,
    module: &str,
    name: &str,
) -> (String, Option<TextEdit>) {
    let top: Vec<_> = source
        .module()
        .body()
        .iter()
        .filter_map(|stmt| match &stmt.kind {
            StmtKind::Import(all) => Some(all),
            _ => None,
        })
        .flatten()
        .collect();
    if let Some(import) =
        top.iter().find(|i| i.level == 0 && *i.module == *module && i.name.as_deref() == Some(name))
    {
        return (import.bound_name().to_owned(), None);
    }
    let whole = top.iter().find(|i| i.name.is_none() && *i.module == *module);
    if let Some(import) = whole {
        let bound = import.alias.as_deref().unwrap_or(module);
        return (format!("{bound}.{name}"), None);
    }
    (name.to_owned(), Some(self::import(source, &format!("from {module} import {name}"))))
}

/// The blanks before byte `offset` on its line.
pub(super) fn indentation(source: &SourceFile, offset: u32) -> String {
    let before = source.text().get(..offset as usize).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    line.chars().take_while(|c| matches!(c, ' ' | '\t')).collect()
}

/// The places where `word` stands as a whole word within `span`.
pub(super) fn words(source: &SourceFile, span: Span, word: &str) -> Vec<Span> {
    let text = span.of(source.text());
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    text.match_indices(word)
        .filter(|(at, _)| {
            !is_part(text[..*at].chars().next_back()) && !is_part(text[at + word.len()..].chars().next())
        })
        .map(|(at, _)| {
            let start = span.start + at as u32;
            Span { start, end: start + word.len() as u32 }
        })
        .collect()
}

/// The quote that a file uses more.
pub(super) fn quote(source: &SourceFile) -> char {
    let count = |quote| source.text().matches(quote).count();
    if count('\'') > count('"') { '\'' } else { '"' }
}

/// The string literals and f-strings of a file, in order.
pub(super) fn strings(source: &SourceFile) -> Vec<Span> {
    let mut found = Vec::new();
    source.module().walk(&mut |stmt| {
        for expr in stmt.expressions() {
            expr.walk(&mut |part| {
                if matches!(part.kind, ExprKind::Str(_) | ExprKind::FString(_)) {
                    found.push(part.span);
                }
            });
        }
    });
    found
}

/// A piece of Python's string literal, escaped and in quotes.
pub(super) fn literal(source: &SourceFile, text: &str) -> String {
    let quote = quote(source);
    let escaped: String =
        text.chars().flat_map(|c| if c == quote || c == '\\' { vec!['\\', c] } else { vec![c] }).collect();
    format!("{quote}{escaped}{quote}")
}
