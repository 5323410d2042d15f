//! The kinds of lines that tracebacks are made of.

/// What follows `path:line:`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rest<'a> {
    /// Nothing.
    None,
    /// `in NAME`: the head of a short entry.
    In(&'a str),
    /// An exception's type: the end of a long entry.
    Type(&'a str),
    /// Anything else: a message.
    Message(&'a str),
}

/// Takes `path:line: rest` apart.
pub(crate) fn location(line: &str) -> Option<(&str, u32, Rest<'_>)> {
    let mut from = 0;
    while let Some(at) = line.get(from..)?.find(':').map(|at| from + at) {
        from = at + 1;
        let digits = line[from..].bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 || digits > 9 {
            continue;
        }
        let after = &line[from + digits..];
        let Some(after) = after.strip_prefix(':') else {
            // pytest's fixture errors end in a bare `path:line`.
            if after.is_empty() && has_extension(&line[..at]) {
                return Some((&line[..at], line[from..].parse().ok()?, Rest::None));
            }
            continue;
        };
        let path = &line[..at];
        let rest = after.trim();
        if path.is_empty() || path.starts_with(' ') || !(after.is_empty() || after.starts_with(' ')) {
            continue;
        }
        let number = line[from..from + digits].parse().ok()?;
        if let Some(name) = rest.strip_prefix("in ")
            && (has_extension(path) || !path.contains(' '))
            && !name.is_empty()
        {
            return Some((path, number, Rest::In(name)));
        }
        if !has_extension(path) {
            continue;
        }
        let rest = match rest {
            "" => Rest::None,
            name if is_type_name(name) => Rest::Type(name),
            text => Rest::Message(text),
        };
        return Some((path, number, rest));
    }
    None
}

/// Whether `path` ends like a file (`a.py`, `doc.txt`) or a code name (`<string>`).
fn has_extension(path: &str) -> bool {
    if path.starts_with('<') && path.ends_with('>') {
        return true;
    }
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    name.rsplit_once('.').is_some_and(|(stem, extension)| {
        !stem.is_empty()
            && !extension.is_empty()
            && extension.len() <= 10
            && extension.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    })
}

/// Whether `text` can be an exception's type: dotted identifiers, `<locals>` between them.
pub(crate) fn is_type_name(text: &str) -> bool {
    !text.is_empty() && text.split('.').all(|part| part == "<locals>" || is_identifier(part))
}

/// Whether `text` is a Python identifier.
pub(crate) fn is_identifier(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && chars.all(|c| c.is_alphanumeric() || c == '_')
}

/// `File "path", line N, in name` (the name is `None` for a syntax error's place).
pub(crate) fn native_file(line: &str) -> Option<(&str, u32, Option<&str>)> {
    let rest = line.trim_start().strip_prefix("File \"")?;
    let (path, rest) = rest.split_once("\", line ")?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let number = rest[..digits].parse().ok()?;
    let rest = &rest[digits..];
    match rest.strip_prefix(", in ") {
        Some(name) => Some((path, number, Some(name.trim_end()))),
        None if rest.trim().is_empty() => Some((path, number, None)),
        None => None,
    }
}

/// `_ _ _ _ _` between the entries of a long traceback.
pub(crate) fn is_separator(line: &str) -> bool {
    let line = line.trim_end();
    line.len() >= 5 && line.bytes().enumerate().all(|(at, b)| b == if at % 2 == 0 { b'_' } else { b' ' })
}

/// A line that only points at columns of the line above it.
pub(crate) fn is_caret_line(line: &str) -> bool {
    let text = line.trim();
    !text.is_empty() && text.contains('^') && text.bytes().all(|b| matches!(b, b'^' | b'~' | b' '))
}

/// The title of a ruler that pytest draws over the whole width of the terminal: `==== title ====`. The
/// right side is as long as the left, or one longer.
pub(crate) fn ruler_title(line: &str, fill: char) -> Option<&str> {
    let line = line.trim_end();
    let inner = line.trim_start_matches(fill);
    let left = line.len() - inner.len();
    let title = inner.trim_end_matches(fill);
    let right = inner.len() - title.len();
    let title = title.strip_prefix(' ')?.strip_suffix(' ')?;
    let balanced = left >= 1 && (right == left || right == left + 1);
    (balanced && !title.trim().is_empty()).then_some(title)
}

/// The spaces a line starts with.
pub(crate) fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}
