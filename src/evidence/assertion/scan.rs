//! Text outside of quotes and brackets, of Python source and of printed values.

/// What is scanned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Python source: comments and triple quotes count, `<` is an operator.
    Source,
    /// Printed values: `<Foo object at 0x…>` is a bracket, and quotes may be cut off.
    Values,
}

/// pytest's comparisons as printed; longer ones first where one is part of another.
pub(super) const COMPARISONS: [&str; 10] = ["==", "!=", "<=", ">=", "not in", "is not", "<", ">", "in", "is"];

/// The kind of an asserted expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Operator {
    /// A single value.
    Bare,
    /// `not x`.
    Not,
    /// `and` or `or`.
    Boolean(&'static str),
    /// One or (chained) several comparisons, with the text left of the first and right of the last.
    Compare { names: Vec<&'static str>, left: String, right: String },
}

/// An `assert` statement's expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shape<'a> {
    /// The expression without the message.
    pub(super) text: std::borrow::Cow<'a, str>,
    pub(super) operator: Operator,
}

impl<'a> Shape<'a> {
    /// The shape of `assert …` source; `None` if the statement is none, or has been cut off.
    pub(super) fn of(statement: &'a str) -> Option<Self> {
        let rest = statement.trim().strip_prefix("assert")?;
        if !rest.starts_with([' ', '(', '[', '\t', '\n', '"', '\'', '{', '\\']) {
            return None;
        }
        let mask = Mask::new(rest, Style::Source);
        if mask.open {
            return None;
        }
        let end = mask.find(b',').unwrap_or(rest.len());
        let text = without_comments(&rest[..end], &mask);
        let mut inner: &str = &text;
        while let Some(stripped) = strip_parentheses(inner) {
            inner = stripped;
        }
        let operator = Self::operator(inner);
        Some(Self { text, operator })
    }

    fn operator(text: &str) -> Operator {
        let mask = Mask::new(text, Style::Source);
        let words = mask.words();
        let has = |word: &str| words.iter().any(|&(_, found)| found == word);
        if has("lambda") || has("if") || has("for") {
            return Operator::Bare;
        }
        if has("or") {
            return Operator::Boolean("or");
        }
        if has("and") {
            return Operator::Boolean("and");
        }
        let mut found: Vec<(usize, usize, &'static str)> = Vec::new();
        let bytes = text.as_bytes();
        for (at, &byte) in bytes.iter().enumerate() {
            if !mask.top[at] {
                continue;
            }
            let next = bytes.get(at + 1).copied().unwrap_or(0);
            let previous = if at > 0 { bytes[at - 1] } else { 0 };
            let name = match (byte, next) {
                (b'=', b'=') if !matches!(previous, b'=' | b'!' | b'<' | b'>') => "==",
                (b'!', b'=') => "!=",
                (b'<', b'=') if previous != b'<' => "<=",
                (b'>', b'=') if previous != b'>' => ">=",
                (b'<', n) if n != b'<' && previous != b'<' => "<",
                (b'>', n) if n != b'>' && !matches!(previous, b'>' | b'-') => ">",
                _ => continue,
            };
            found.push((at, name.len(), name));
        }
        for (index, &(at, word)) in words.iter().enumerate() {
            let next = words.get(index + 1).filter(|next| text[at + word.len()..next.0].trim().is_empty());
            let before = index.checked_sub(1).map(|i| words[i]);
            let after = |word: &str| {
                before.is_some_and(|(b, w)| w == word && text[b + w.len()..at].trim().is_empty())
            };
            match word {
                "in" if !after("not") => found.push((at, 2, "in")),
                "not" if at > 0 && next.is_some_and(|n| n.1 == "in") => {
                    found.push((at, next.map_or(3, |n| n.0 + 2 - at), "not in"));
                }
                "is" => match next.filter(|n| n.1 == "not") {
                    Some(not) => found.push((at, not.0 + 3 - at, "is not")),
                    None => found.push((at, 2, "is")),
                },
                _ => {}
            }
        }
        found.sort_unstable();
        if words.first().is_some_and(|&(at, word)| at == 0 && word == "not") {
            return Operator::Not;
        }
        match (found.first(), found.last()) {
            (Some(first), Some(last)) => {
                let mut names: Vec<&'static str> = Vec::new();
                for &(_, _, name) in &found {
                    if !names.contains(&name) {
                        names.push(name);
                    }
                }
                // A shorter operator must not be found inside a longer one.
                names.sort_unstable_by_key(|name| std::cmp::Reverse(name.len()));
                Operator::Compare {
                    names,
                    left: text[..first.0].trim().to_owned(),
                    right: text[last.0 + last.1..].trim().to_owned(),
                }
            }
            _ => Operator::Bare,
        }
    }
}

/// `(x)` without its parentheses, if they belong together and hold no tuple.
fn strip_parentheses(text: &str) -> Option<&str> {
    let trimmed = text.trim();
    let inner = trimmed.strip_prefix('(')?.strip_suffix(')')?;
    let mask = Mask::new(inner, Style::Source);
    let closed = !mask.open && !mask.underflow;
    (closed && mask.find(b',').is_none()).then_some(inner)
}

fn without_comments<'a>(text: &'a str, mask: &Mask<'_>) -> std::borrow::Cow<'a, str> {
    if mask.comments.is_empty() && !text.contains('\n') {
        return text.trim().into();
    }
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for &(start, end) in mask.comments.iter().filter(|c| c.0 < text.len()) {
        out.push_str(&text[from..start]);
        from = end.min(text.len());
    }
    out.push_str(&text[from..]);
    let lines: Vec<&str> = out
        .lines()
        .map(|line| line.trim().trim_end_matches('\\').trim_end())
        .filter(|l| !l.is_empty())
        .collect();
    lines.join(" ").into()
}

/// Which bytes of a text are outside of quotes, brackets and comments.
struct Mask<'a> {
    text: &'a str,
    top: Vec<bool>,
    comments: Vec<(usize, usize)>,
    /// A bracket or quote was not closed.
    open: bool,
    /// A bracket was closed that was not open.
    underflow: bool,
}

impl<'a> Mask<'a> {
    fn new(text: &'a str, style: Style) -> Self {
        let bytes = text.as_bytes();
        let mut mask =
            Self { text, top: vec![false; bytes.len()], comments: Vec::new(), open: false, underflow: false };
        let mut depth = 0_usize;
        let mut angles = 0_usize;
        // Once a kind of quote is known not to be closed any more, it is not looked for again.
        let mut unclosed = [false; 2];
        let mut at = 0;
        while at < bytes.len() {
            let byte = bytes[at];
            let previous = if at > 0 { bytes[at - 1] } else { b' ' };
            match byte {
                b'\'' | b'"' if starts_string(bytes, at, style) && !unclosed[usize::from(byte == b'"')] => {
                    if let Some(end) = string_end(bytes, at, style) {
                        at = end;
                        continue;
                    }
                    unclosed[usize::from(byte == b'"')] = true;
                    mask.open = true;
                }
                b'#' if style == Style::Source => {
                    let end = memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |n| at + n);
                    mask.comments.push((at, end));
                    at = end;
                    continue;
                }
                b'(' | b'[' | b'{' => depth += 1,
                b')' | b']' | b'}' => {
                    mask.underflow |= depth == 0;
                    depth = depth.saturating_sub(1);
                }
                b'<' if style == Style::Values
                    && bytes
                        .get(at + 1)
                        .is_some_and(|b| b.is_ascii_alphabetic() || *b == b'[' || *b == b'_')
                    && matches!(previous, b' ' | b'(' | b'[' | b'{' | b',' | b'=' | b':') =>
                {
                    angles += 1;
                }
                b'>' if angles > 0 && previous != b'-' && previous != b'=' && previous != b' ' => {
                    angles -= 1;
                }
                _ => mask.top[at] = depth == 0 && angles == 0,
            }
            at += 1;
        }
        mask.open |= depth > 0;
        mask
    }

    /// The first such byte outside of quotes and brackets.
    fn find(&self, byte: u8) -> Option<usize> {
        self.all(byte).next()
    }

    fn all(&self, byte: u8) -> impl Iterator<Item = usize> + '_ {
        memchr::memchr_iter(byte, self.text.as_bytes()).filter(|&at| self.top[at])
    }

    /// The words outside of quotes and brackets, with their places.
    fn words(&self) -> Vec<(usize, &'a str)> {
        let text = self.text;
        let mut words = Vec::new();
        let mut start = None;
        for (at, c) in text.char_indices() {
            let part = self.top[at] && (c.is_alphanumeric() || c == '_');
            match (part, start) {
                (true, None) => start = Some(at),
                (false, Some(from)) => {
                    words.push((from, &text[from..at]));
                    start = None;
                }
                _ => {}
            }
        }
        if let Some(from) = start {
            words.push((from, &text[from..]));
        }
        words
    }
}

/// Whether a quote at `at` opens a string: in values an apostrophe within a word does not.
fn starts_string(bytes: &[u8], at: usize, style: Style) -> bool {
    if style == Style::Source || at == 0 {
        return true;
    }
    let previous = bytes[at - 1];
    if !(previous.is_ascii_alphanumeric() || previous == b'_' || previous >= 0x80) {
        return true;
    }
    // `b'…'`: a prefix, if it is a word of its own.
    matches!(previous, b'b' | b'r' | b'u' | b'f')
        && (at < 2 || !(bytes[at - 2].is_ascii_alphanumeric() || bytes[at - 2] == b'_'))
}

/// The end (exclusive) of the string that starts at `at`.
fn string_end(bytes: &[u8], at: usize, style: Style) -> Option<usize> {
    let quote = bytes[at];
    let triple = style == Style::Source && bytes[at..].starts_with(&[quote; 3]);
    let mut from = at + if triple { 3 } else { 1 };
    while let Some(found) = memchr::memchr2(quote, b'\\', bytes.get(from..)?).map(|n| from + n) {
        if bytes[found] == b'\\' {
            from = found + 2;
        } else if triple && !bytes[found..].starts_with(&[quote; 3]) {
            from = found + 1;
        } else {
            return Some(found + if triple { 3 } else { 1 });
        }
    }
    None
}

/// Where one of `separators` stands outside of quotes and brackets: (byte, index of the separator), in order.
pub(super) fn find_top_level(text: &str, separators: &[&str], style: Style) -> Vec<(usize, usize)> {
    let mask = Mask::new(text, style);
    find(text, separators, |at| mask.top[at])
}

/// Where one of `separators` stands anywhere.
pub(super) fn find_anywhere(text: &str, separators: &[&str]) -> Vec<(usize, usize)> {
    find(text, separators, |_| true)
}

fn find(text: &str, separators: &[&str], allowed: impl Fn(usize) -> bool) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut from = 0;
    for at in memchr::memchr_iter(b' ', text.as_bytes()) {
        if at < from || !allowed(at) {
            continue;
        }
        let hit = separators.iter().position(|separator| text[at..].starts_with(separator));
        if let Some(which) = hit {
            found.push((at, which));
            // The space after an operator may start the next one only if operands are empty.
            from = at + separators[which].len() - 1;
        }
    }
    found
}

/// The commas of printed values that stand outside of quotes and brackets.
pub(crate) fn top_level_commas(text: &str) -> Vec<usize> {
    let mask = Mask::new(text, Style::Values);
    let commas: Vec<usize> = mask.all(b',').collect();
    if mask.open {
        // Values that were cut leave brackets and quotes open: every comma may separate.
        return memchr::memchr_iter(b',', text.as_bytes()).collect();
    }
    commas
}

/// The arguments of the first call in `source`, as written; `None` if it is not closed.
pub(super) fn call_arguments(source: &str) -> Option<Vec<&str>> {
    let start = source.find('(')?;
    let inner = source.trim_end().get(start + 1..)?.strip_suffix(')')?;
    let mask = Mask::new(inner, Style::Source);
    if mask.open || mask.underflow {
        return None;
    }
    let mut arguments = Vec::new();
    let mut from = 0;
    for at in mask.all(b',') {
        arguments.push(inner[from..at].trim());
        from = at + 1;
    }
    if !inner[from..].trim().is_empty() {
        arguments.push(inner[from..].trim());
    }
    Some(arguments)
}
