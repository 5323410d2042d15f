//! The line(s) that name an exception: `package.Error: message`.

use super::lines::{indent, is_type_name};

/// Splits the lines that Python prints for an exception into type and message. pytest leaves the type of a
/// rewritten assertion out; other texts without a type give an empty one.
pub(crate) fn split(lines: &[&str]) -> (String, String) {
    let Some((first, rest)) = lines.split_first() else { return Default::default() };
    if *first == "assert" || first.starts_with("assert ") {
        return ("AssertionError".to_owned(), lines.join("\n"));
    }
    let (type_name, start) = match first.split_once(':') {
        Some((name, start)) if is_type_name(name) && (start.is_empty() || start.starts_with(' ')) => {
            (name, start.strip_prefix(' ').unwrap_or(start))
        }
        _ if is_type_name(first.trim_end()) => (first.trim_end(), ""),
        _ => return (String::new(), lines.join("\n").trim_end().to_owned()),
    };
    let mut message = start.to_owned();
    for line in rest {
        message.push('\n');
        message.push_str(line);
    }
    (type_name.to_owned(), message.trim_end().to_owned())
}

/// Removes the margin that all lines share: `E` lines carry the indentation of the failing statement.
pub(crate) fn dedent<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    let margin = lines.iter().filter(|l| !l.trim().is_empty()).map(|l| indent(l)).min().unwrap_or(0);
    lines.iter().map(|line| line.get(margin..).unwrap_or("")).collect()
}
