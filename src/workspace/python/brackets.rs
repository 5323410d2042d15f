//! Brackets that do not match, in text that may be anything but valid.

/// What [`brackets`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Brackets {
    /// The innermost bracket that is never closed, or that another kind is closed in its place: offset and bracket.
    pub unclosed: Option<(u32, char)>,
    /// The first closing bracket that fits no opening one.
    pub stray: Option<(u32, char)>,
}

/// Matches the brackets of `text` outside of strings and comments.
pub fn brackets(text: &str) -> Brackets {
    let bytes = text.as_bytes();
    let mut open: Vec<(u32, u8)> = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'#' => at = memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |n| at + n),
            b'"' | b'\'' => {
                at = after_string(bytes, at);
                continue;
            }
            b'(' | b'[' | b'{' => open.push((at as u32, byte)),
            b')' | b']' | b'}' => {
                let fits = matches!(
                    (open.last(), byte),
                    (Some((_, b'(')), b')') | (Some((_, b'[')), b']') | (Some((_, b'{')), b'}')
                );
                if !fits {
                    let unclosed = open.last().map(|&(at, byte)| (at, char::from(byte)));
                    return Brackets { unclosed, stray: Some((at as u32, char::from(byte))) };
                }
                open.pop();
            }
            _ => {}
        }
        at += 1;
    }
    Brackets { unclosed: open.last().map(|&(at, byte)| (at, char::from(byte))), stray: None }
}

/// The brackets of `text` outside of strings and comments, in order.
pub fn bracket_list(text: &str) -> Vec<(u32, char)> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'#' => at = memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |n| at + n),
            b'"' | b'\'' => {
                at = after_string(bytes, at);
                continue;
            }
            b'(' | b'[' | b'{' | b')' | b']' | b'}' => found.push((at as u32, char::from(byte))),
            _ => {}
        }
        at += 1;
    }
    found
}

/// One past the string that begins at `at`; a plain one ends with its line at the latest.
fn after_string(bytes: &[u8], at: usize) -> usize {
    let quote = bytes[at];
    let triple = bytes.get(at..at + 3).is_some_and(|three| three.iter().all(|&byte| byte == quote));
    let mut now = at + if triple { 3 } else { 1 };
    while let Some(&byte) = bytes.get(now) {
        match byte {
            b'\\' => now += 1,
            b'\n' if !triple => return now,
            _ if byte != quote => {}
            _ if !triple => return now + 1,
            _ if bytes.get(now..now + 3).is_some_and(|three| three.iter().all(|&b| b == quote)) => {
                return now + 3;
            }
            _ => {}
        }
        now += 1;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::brackets;

    #[test]
    fn what_does_not_match() {
        for (text, unclosed, stray) in [
            ("f(a, [1], {2: (3)})", None, None),
            ("f(a, [1]", Some((1, '(')), None),
            ("x = {\n  '}': 1,  # )\n", Some((4, '{')), None),
            ("f(')', \"\\\")\", '''\n)''')", None, None),
            ("f(1))", None, Some((4, ')'))),
            ("f([1, 2)", Some((2, '[')), Some((7, ')'))),
            ("x = 'abc\n(", Some((9, '(')), None),
            ("\"\"\"(", None, None),
        ] {
            let found = brackets(text);
            assert_eq!((found.unclosed, found.stray), (unclosed, stray), "{text}");
        }
    }
}
