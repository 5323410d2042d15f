//! JSON cut into slices without being parsed: records of a line or of a large document, and their fields.
//!
//! Readers look at few fields of few records, so values stay slices of the input until they are asked for.
//! Depth costs nothing (the scan is iterative), a repeated key counts as in Python (the last one), half a
//! surrogate pair becomes U+FFFD, and a record that is broken loses only itself.

use std::borrow::Cow;

use memchr::memchr2;

use super::window::Window;

/// The index after the string that begins at `at`.
fn string_end(data: &[u8], at: usize) -> Option<usize> {
    let mut at = at + 1;
    loop {
        let found = at + memchr2(b'"', b'\\', data.get(at..)?)?;
        if data[found] == b'"' {
            return Some(found + 1);
        }
        at = found + 2;
    }
}

/// The index after the value that begins at `at`; `None` if it does not end within `data`. A number or
/// literal may end where `data` ends if `whole`.
fn value_end(data: &[u8], at: usize, whole: bool) -> Option<usize> {
    match *data.get(at)? {
        b'"' => string_end(data, at),
        b'{' | b'[' => {
            let mut depth = 0_u64;
            let mut at = at;
            loop {
                match *data.get(at)? {
                    b'"' => {
                        at = string_end(data, at)?;
                        continue;
                    }
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => {
                        depth -= 1;
                        if depth == 0 {
                            return Some(at + 1);
                        }
                    }
                    _ => {}
                }
                at += 1;
            }
        }
        _ => {
            let end = data[at..].iter().position(|b| {
                b.is_ascii_whitespace() || matches!(b, b',' | b'}' | b']' | b'{' | b'[' | b'"' | b':')
            });
            match end {
                Some(0) => None,
                Some(len) => Some(at + len),
                None => whole.then_some(data.len()),
            }
        }
    }
}

fn skip_space(data: &[u8], mut at: usize) -> usize {
    while data.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    at
}

/// The fields of an object, as raw keys and raw values, as far as they are whole.
pub(crate) struct Fields<'d> {
    data: &'d [u8],
    at: usize,
    /// Whether the object ended as it should.
    pub(crate) whole: bool,
}

/// The fields of `object`, or none if it is something else.
pub(crate) fn fields(object: &[u8]) -> Fields<'_> {
    let at = skip_space(object, 0);
    let at = if object.get(at) == Some(&b'{') { at + 1 } else { object.len() };
    Fields { data: object, at, whole: false }
}

impl<'d> Iterator for Fields<'d> {
    type Item = (&'d [u8], &'d [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let mut at = skip_space(self.data, self.at);
        if self.data.get(at) == Some(&b',') {
            at = skip_space(self.data, at + 1);
        }
        if self.data.get(at) == Some(&b'}') {
            self.whole = true;
            self.at = self.data.len();
            return None;
        }
        if self.data.get(at) != Some(&b'"') {
            return None;
        }
        let key = string_end(self.data, at)?;
        let colon = skip_space(self.data, key);
        if self.data.get(colon) != Some(&b':') {
            return None;
        }
        let value = skip_space(self.data, colon + 1);
        let end = value_end(self.data, value, true)?;
        self.at = end;
        Some((&self.data[at + 1..key - 1], &self.data[value..end]))
    }
}

/// The raw value of the field `name` of `object`, if it has one.
pub(crate) fn field<'d>(object: &'d [u8], name: &str) -> Option<&'d [u8]> {
    fields(object).filter(|(key, _)| *key == name.as_bytes()).last().map(|(_, value)| value)
}

/// The raw items of an array, or none if it is something else.
pub(crate) fn items(array: &[u8]) -> impl Iterator<Item = &[u8]> {
    let first = skip_space(array, 0);
    let mut at = if array.get(first) == Some(&b'[') { first + 1 } else { array.len() };
    std::iter::from_fn(move || {
        at = skip_space(array, at);
        if array.get(at) == Some(&b',') {
            at = skip_space(array, at + 1);
        }
        if matches!(array.get(at), None | Some(b']')) {
            return None;
        }
        let start = at;
        at = value_end(array, start, true)?;
        Some(&array[start..at])
    })
}

/// Whether `object` is one whole object and nothing else.
pub(crate) fn is_whole(object: &[u8]) -> bool {
    let start = skip_space(object, 0);
    if object.get(start) != Some(&b'{') {
        return false;
    }
    let mut fields = fields(object);
    while fields.next().is_some() {}
    fields.whole && value_end(object, start, true).is_some_and(|end| skip_space(object, end) == object.len())
}

/// The text of a JSON string; `None` if `raw` is something else.
pub(crate) fn string(raw: &[u8]) -> Option<Cow<'_, str>> {
    let inner = raw.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    Some(unescaped(inner))
}

/// The text of a string's inside.
pub(crate) fn unescaped(inner: &[u8]) -> Cow<'_, str> {
    if memchr::memchr(b'\\', inner).is_none() {
        return String::from_utf8_lossy(inner);
    }
    let text = String::from_utf8_lossy(inner);
    let mut out = String::with_capacity(text.len());
    let mut rest: &str = &text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let escaped = &rest[at + 1..];
        let mut chars = escaped.chars();
        let Some(kind) = chars.next() else { return Cow::Owned(out) };
        rest = chars.as_str();
        match kind {
            'n' => out.push('\n'),
            't' => out.push('\t'),
            'r' => out.push('\r'),
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            'u' => {
                let unit = |text: &str| text.get(..4).and_then(|hex| u32::from_str_radix(hex, 16).ok());
                let Some(first) = unit(rest) else {
                    out.push(char::REPLACEMENT_CHARACTER);
                    continue;
                };
                rest = &rest[4..];
                let mut code = first;
                if (0xD800..0xDC00).contains(&first)
                    && let Some(second) = rest.strip_prefix("\\u").and_then(unit)
                    && (0xDC00..0xE000).contains(&second)
                {
                    code = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
                    rest = &rest[6..];
                }
                out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            other => out.push(other),
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The number that `raw` is; `None` if it is something else or not finite.
pub(crate) fn number(raw: &[u8]) -> Option<f64> {
    let first = raw.first()?;
    if !first.is_ascii_digit() && *first != b'-' {
        return None;
    }
    std::str::from_utf8(raw).ok()?.parse().ok().filter(|n: &f64| n.is_finite())
}

/// The string field `name` of `object`.
pub(crate) fn text<'d>(object: &'d [u8], name: &str) -> Option<Cow<'d, str>> {
    field(object, name).and_then(string)
}

/// What a large document holds next.
#[derive(Debug)]
pub(crate) enum Piece<'d> {
    /// A field of an entered object that is not entered itself: key, raw value, offset.
    Field(&'d [u8], &'d [u8], u64),
    /// An item of an entered array: the array's key, raw value, offset.
    Item(&'d [u8], &'d [u8], u64),
    /// A value larger than the window: key, what was seen of it, offset.
    Oversize(&'d [u8], &'d [u8], u64),
    /// Something that is no JSON, at this offset; what follows is read as far as it makes sense.
    Broken(u64),
    /// The end; `false` if the document is not whole.
    End(bool),
}

/// Cuts one large document into pieces: enters the objects and arrays named in `enter`.
pub(crate) struct Splitter<'w, 'i> {
    window: &'w mut Window<'i>,
    enter: &'static [&'static str],
    /// Open containers with their keys: `true` for arrays.
    open: Vec<(Vec<u8>, bool)>,
    started: bool,
    used: usize,
    /// A value is being skipped: depth, and whether within a string.
    skipping: Option<(u64, bool)>,
    key: Vec<u8>,
}

enum Step {
    Continue,
    Field(usize, usize),
    Item(usize, usize),
    Oversize,
    Broken,
    End(bool),
}

impl<'w, 'i> Splitter<'w, 'i> {
    /// The pieces of the document in `window`; fields named in `enter` are cut further if they are containers.
    pub(crate) fn new(window: &'w mut Window<'i>, enter: &'static [&'static str]) -> Self {
        Self { window, enter, open: Vec::new(), started: false, used: 0, skipping: None, key: Vec::new() }
    }

    /// The next piece.
    pub(crate) fn next(&mut self) -> Piece<'_> {
        loop {
            self.window.drop_front(std::mem::take(&mut self.used));
            let step = self.step();
            let offset = self.window.offset();
            match step {
                Step::Continue => {}
                Step::Field(start, end) => {
                    self.used = end;
                    return Piece::Field(&self.key, &self.window.data()[start..end], offset + start as u64);
                }
                Step::Item(start, end) => {
                    self.used = end;
                    let key = self.open.last().map_or(&b""[..], |(key, _)| key);
                    return Piece::Item(key, &self.window.data()[start..end], offset + start as u64);
                }
                Step::Oversize => {
                    self.skipping = Some((0, false));
                    let key = match self.open.last() {
                        Some((key, true)) => key,
                        _ => &self.key,
                    };
                    return Piece::Oversize(key, self.window.data(), offset);
                }
                Step::Broken => {
                    self.used = 1;
                    return Piece::Broken(offset);
                }
                Step::End(whole) => return Piece::End(whole),
            }
        }
    }

    fn step(&mut self) -> Step {
        if let Some((depth, string)) = self.skipping {
            return self.skip(depth, string);
        }
        loop {
            let space = skip_space(self.window.data(), 0);
            self.window.drop_front(space);
            if !self.window.data().is_empty() {
                break;
            }
            if !self.window.more() {
                return Step::End(self.started && self.open.is_empty());
            }
        }
        let first = self.window.data()[0];
        let Some((_, array)) = self.open.last() else {
            if self.started {
                return Step::End(true);
            }
            self.started = true;
            if first != b'{' {
                return Step::Broken;
            }
            self.open.push((Vec::new(), false));
            self.used = 1;
            return Step::Continue;
        };
        match (first, *array) {
            (b',', _) => {
                self.used = 1;
                Step::Continue
            }
            (b'}' | b']', _) => {
                self.open.pop();
                self.used = 1;
                Step::Continue
            }
            (_, true) => match self.value(0) {
                Ok(end) => Step::Item(0, end),
                Err(step) => step,
            },
            (b'"', false) => self.field(),
            (_, false) => Step::Broken,
        }
    }

    fn field(&mut self) -> Step {
        let key = match self.value(0) {
            Ok(end) => end,
            Err(step) => return step,
        };
        let mut at = key;
        let mut colon = false;
        loop {
            at = skip_space(self.window.data(), at);
            match self.window.data().get(at).copied() {
                Some(b':') if !colon => {
                    colon = true;
                    at += 1;
                }
                Some(_) if colon => break,
                Some(_) => return Step::Broken,
                None if self.window.more() => {}
                None => {
                    self.used = self.window.data().len();
                    return Step::End(false);
                }
            }
        }
        self.key.clear();
        let data = self.window.data();
        self.key.extend_from_slice(&data[1..key - 1]);
        let entered = self.enter.iter().any(|name| name.as_bytes() == self.key);
        if entered && matches!(data[at], b'{' | b'[') && self.open.len() < 8 {
            self.open.push((self.key.clone(), data[at] == b'['));
            self.used = at + 1;
            return Step::Continue;
        }
        match self.value(at) {
            Ok(end) => Step::Field(at, end),
            Err(Step::Oversize) => {
                self.window.drop_front(at);
                Step::Oversize
            }
            Err(step) => step,
        }
    }

    /// The end of the value that begins at `at` in the window, which is filled as needed.
    fn value(&mut self, at: usize) -> Result<usize, Step> {
        loop {
            let data = self.window.data();
            if let Some(end) = value_end(data, at, self.window.ended()) {
                return Ok(end);
            }
            if matches!(data.get(at), Some(b',' | b'}' | b']' | b':')) {
                return Err(Step::Broken);
            }
            let before = data.len();
            // Twice as much each time, so that scanning from the start again stays linear.
            self.window.want(before * 2);
            if self.window.data().len() == before {
                if self.window.ended() {
                    self.used = before;
                    return Err(Step::End(false));
                }
                return Err(Step::Oversize);
            }
        }
    }

    /// Skips the rest of an oversize value.
    fn skip(&mut self, mut depth: u64, mut string: bool) -> Step {
        if self.window.data().is_empty() && !self.window.more() {
            return Step::End(false);
        }
        let data = self.window.data();
        let mut at = 0;
        while at < data.len() {
            if string {
                let Some(found) = memchr2(b'"', b'\\', &data[at..]) else {
                    at = data.len();
                    break;
                };
                at += found;
                if data[at] == b'"' {
                    string = false;
                    at += 1;
                } else if at + 1 < data.len() {
                    at += 2;
                    continue;
                } else if at > 0 {
                    break;
                } else {
                    // A lone backslash in the window: wait for what it escapes.
                    self.window.want(2);
                    self.used = 2;
                    return Step::Continue;
                }
            } else {
                match data[at] {
                    b'"' => {
                        string = true;
                        at += 1;
                        continue;
                    }
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                at += 1;
            }
            if depth == 0 && !string {
                self.skipping = None;
                self.used = at;
                return Step::Continue;
            }
        }
        self.used = at;
        self.skipping = Some((depth, string));
        Step::Continue
    }
}
