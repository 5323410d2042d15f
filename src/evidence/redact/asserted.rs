//! Secrets in what pytest prints of a comparison: by the names in the asserted expression, and in literals cut
//! in the middle (`'ghp_ab...yz'`).

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::bytes::{self, BASE64, BLANK, DOT, RUN};
use super::claims;
use super::engine::Span;
use super::kind::{self, Kind};
use super::random::Shape;
use super::vendor;

/// How many lines after the source line its explanation is looked for, and how many of it are read.
const LINES: usize = 24;
/// Longest line that is read.
const MAX_LINE: usize = 4096;

/// Finds the operands of `>  assert token == other` in the `E` lines below, when a name says that it is secret.
pub fn find(text: &[u8], spans: &mut Vec<Span>) {
    static ASSERT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("assert "));
    for at in ASSERT.find_iter(text) {
        let line = bytes::line_start(text, at, 200);
        if text.get(line) != Some(&b'>') || !text[line + 1..at].iter().all(|b| bytes::is(*b, BLANK)) {
            continue;
        }
        let end = bytes::line_end(text, at, MAX_LINE);
        let expression = &text[at + 7..end];
        let expression = expression.strip_prefix(b"not ").unwrap_or(expression);
        let operator = [&b" == "[..], b" != ", b" in ", b" not in ", b" is "]
            .into_iter()
            .find_map(|o| memchr::memmem::find(expression, o).map(|i| (i, i + o.len())));
        let (left, right) = match operator {
            Some((left, right)) => (&expression[..left], &expression[right..]),
            None => (expression, &[][..]),
        };
        let sides = (secret_operand(left), secret_operand(right));
        if sides != (None, None) {
            explanation(text, end, sides, spans);
        }
    }
}

/// Finds what pytest says that an attribute or a call was: `E   +  where 'hunter2' = User().password`.
pub fn wheres(text: &[u8], spans: &mut Vec<Span>) {
    static WHERE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(" where "));
    static AND: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("+  and   "));
    for at in WHERE.find_iter(text).map(|at| at + 7).chain(AND.find_iter(text).map(|at| at + 9)) {
        let line = bytes::line_start(text, at, 64);
        let before = &text[line..at];
        let sign = before.strip_prefix(b"E ").is_some_and(|b| b.trim_ascii_start().starts_with(b"+"));
        let end = bytes::line_end(text, at, MAX_LINE);
        if !sign {
            continue;
        }
        let Some((start, stop, next)) = literal(text, at, end) else { continue };
        let Some(expression) = text[next..end].strip_prefix(b" = ") else { continue };
        let expression = expression.trim_ascii_end();
        let expression = match expression.strip_suffix(b")").and_then(|e| memchr::memrchr(b'(', e)) {
            Some(open) => &expression[..open],
            None => expression,
        };
        let name = &expression[bytes::run_start(expression, expression.len(), RUN, 80)..];
        if let Some(kind) = std::str::from_utf8(name).ok().and_then(super::names::secret_name) {
            push(text, start, stop, kind, spans);
        }
    }
}

/// The kind of the secret that an operand's name speaks of.
fn secret_operand(operand: &[u8]) -> Option<Kind> {
    let end = bytes::run_end(operand, 0, RUN | DOT, 80);
    let name = std::str::from_utf8(&operand[..end]).ok().filter(|n| !n.is_empty())?;
    // A call or an index says something about the secret, not what it is.
    if matches!(operand.get(end), Some(b'(' | b'[')) {
        return None;
    }
    super::names::secret_name(name.rsplit('.').next().unwrap_or(name))
}

/// The operands in the `E` lines from `at` on: in the line of the assertion and in the lines of its diff.
fn explanation(text: &[u8], at: usize, sides: (Option<Kind>, Option<Kind>), spans: &mut Vec<Span>) {
    let mut line = at + 1;
    for _ in 0..LINES {
        if line >= text.len() {
            return;
        }
        let end = bytes::line_end(text, line, MAX_LINE);
        let content = &text[line..end];
        if let Some(rest) = content.strip_prefix(b"E ") {
            let begin = line + 2;
            if let Some(found) =
                memchr::memmem::find(rest, b"assert ").filter(|_| !rest.starts_with(b"        "))
            {
                operands(text, begin + found + 7, end, sides, spans);
            } else if rest.len() > 10 && rest[..8].iter().all(|b| *b == b' ') && rest[9] == b' ' {
                let kind = match rest[8] {
                    b'+' => sides.0,
                    b'-' => sides.1,
                    _ => None,
                };
                if let Some(kind) = kind {
                    push(text, begin + 10, end, kind, spans);
                }
            }
        } else if line > at + 1 && content.is_empty() {
            return;
        }
        line = end + 1;
    }
}

fn operands(text: &[u8], at: usize, end: usize, sides: (Option<Kind>, Option<Kind>), spans: &mut Vec<Span>) {
    let at = if text[at..end].starts_with(b"not ") { at + 4 } else { at };
    let Some((start, stop, next)) = literal(text, at, end) else { return };
    if let Some(kind) = sides.0 {
        push(text, start, stop, kind, spans);
    }
    let Some(kind) = sides.1 else { return };
    let operator = bytes::run_end(text, next + 1, RUN | bytes::EQUALS | bytes::PUNCTUATION, 8);
    if next + 1 < operator
        && operator < end
        && let Some((start, stop, _)) = literal(text, operator + 1, end)
    {
        push(text, start, stop, kind, spans);
    }
}

/// The string literal at `at`: its content and where it ends with its quote.
fn literal(text: &[u8], at: usize, end: usize) -> Option<(usize, usize, usize)> {
    let open = at + usize::from(matches!(text.get(at), Some(b'b')));
    let quote = *text.get(open).filter(|q| matches!(q, b'"' | b'\''))?;
    let mut stop = open + 1;
    while stop < end && text[stop] != quote {
        stop += 1 + usize::from(text[stop] == b'\\');
    }
    let stop = stop.min(end);
    Some((open + 1, stop, (stop + 1).min(end)))
}

/// Adds a value, around the ellipsis if it was cut in the middle.
fn push(text: &[u8], start: usize, end: usize, kind: Kind, spans: &mut Vec<Span>) {
    let value = &text[start..end];
    if value.len() < 4 || claims::is_nothing(value) || super::structural::is_template(value) {
        return;
    }
    match memchr::memmem::find(value, b"...") {
        Some(cut) => {
            let secret = super::registry::hash(value);
            for (from, to) in [(start, start + cut), (start + cut + 3, end)] {
                if from < to {
                    spans.push(Span::new(from, to, kind, 5).with_secret(secret));
                }
            }
        }
        None => spans.push(Span::new(start, end, kind, 5)),
    }
}

/// Finds tokens that a `repr` cut in the middle: a vendor's prefix before the ellipsis, or two random parts.
pub fn elided(text: &[u8], spans: &mut Vec<Span>) {
    const TOKEN: u16 = RUN | BASE64 | DOT;
    static ELLIPSIS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("..."));
    for at in ELLIPSIS.find_iter(text) {
        if !bytes::is_at(text, at + 3, RUN | BASE64) {
            continue;
        }
        let start = bytes::run_start(text, at, RUN | BASE64, 128);
        let end = bytes::run_end(text, at + 3, TOKEN, 128);
        // What goes on after another ellipsis is looked at from there.
        let end = memchr::memmem::find(&text[at + 3..end], b"...").map_or(end, |i| at + 3 + i);
        let jwt_begins = &text[start..at] == b"eyJ";
        if at - start < 4 && !jwt_begins || end - at < 7 {
            continue;
        }
        let joined = [&text[start..at], &text[at + 3..end]].concat();
        let shape = Shape::of(&joined);
        if shape.is_monotonous() {
            continue;
        }
        let prefix = vendor::longest_prefix(&joined);
        let prefixed = prefix.is_some_and(|p| p.len() >= 3);
        let random = !shape.hex
            && shape.len >= 18
            && shape.digits > 1
            && shape.upper > 0
            && shape.lower > 0
            && shape.score > 12.0;
        // Digits and letters up to `f` are no more random than others, but none follows such a prefix by chance.
        let prefixed_hex = prefix
            .filter(|p| p.len() >= 5)
            .and_then(|p| joined.strip_prefix(p))
            .is_some_and(|rest| rest.len() >= 12 && Shape::of(rest).hex);
        let jwt = joined.starts_with(b"eyJ") && shape.upper > 2 && (shape.digits > 0 || is_jose(&joined));
        if random || jwt || prefixed_hex || prefixed && shape.score > 4.0 {
            let secret = super::registry::hash(&joined);
            spans.push(Span::new(start, at, kind::API_KEY, 3).with_secret(secret));
            spans.push(Span::new(at + 3, end, kind::API_KEY, 3).with_secret(secret));
        }
    }
}

/// Finds the ends of values of which a `repr` left the name: `b'mailgun key...1118761b67c92'`.
pub fn beheaded(text: &[u8], spans: &mut Vec<Span>) {
    const HEAD: usize = 40;
    static ELLIPSIS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("..."));
    for at in ELLIPSIS.find_iter(text) {
        let end = bytes::run_end(text, at + 3, RUN | BASE64, 64);
        let tail = &text[at + 3..end];
        if tail.len() < 10 {
            continue;
        }
        let near = &text[bytes::line_start(text, at, HEAD)..at];
        let Some(open) = memchr::memrchr2(b'\'', b'"', near) else { continue };
        let shape = Shape::of(tail);
        let letters = shape.digits == 0 && shape.upper > 1 && shape.lower > 1;
        let random = shape.score > 5.0 && (shape.digits > 0 || letters);
        if shape.is_monotonous() || shape.digits == shape.len || !(shape.hex && shape.digits > 0 || random) {
            continue;
        }
        let head = &near[open + 1..];
        if !letters && super::entropy::names_a_service(head) || names_a_secret(head) {
            let end = bytes::run_end(text, end, bytes::EQUALS, 2);
            spans.push(Span::new(at + 3, end, kind::API_KEY, 3));
        }
    }
}

/// Whether the last name in `head`, which may be cut off, is that of a secret.
fn names_a_secret(head: &[u8]) -> bool {
    let end = head.len() - head.iter().rev().take_while(|b| !bytes::is(**b, bytes::ALNUM)).count();
    let name = &head[bytes::run_start(head, end, RUN, 40)..end];
    std::str::from_utf8(name).ok().and_then(super::names::secret_name).is_some()
}

/// Whether `token` begins as the header of a JSON web token does: `{"alg":`, `{"typ":`, `{"kid":` in base 64.
fn is_jose(token: &[u8]) -> bool {
    [&b"eyJhbGciOi"[..], b"eyJ0eXAiOi", b"eyJraWQiOi"].iter().any(|header| token.starts_with(header))
}
