//! A bounded window over an input: the part that a reader looks at, which grows only as far as it is allowed.

use std::io::{self, BufRead, Read};

const FIRST: usize = 128 << 10;

/// The part of an input that is being looked at. A read error ends the input and is kept in
/// [`Window::failure`].
pub(crate) struct Window<'a> {
    input: Box<dyn Read + 'a>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    base: u64,
    most: usize,
    ended: bool,
    failure: Option<io::Error>,
}

impl<'a> Window<'a> {
    /// A window over `input` that holds at most `most` bytes.
    pub(crate) fn new(input: impl Read + 'a, most: usize) -> Self {
        Self {
            input: Box::new(input),
            buffer: vec![0; FIRST.min(most.max(64))],
            start: 0,
            end: 0,
            base: 0,
            most: most.max(64),
            ended: false,
            failure: None,
        }
    }

    /// What is in the window.
    pub(crate) fn data(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Offset in the input of the window's first byte.
    pub(crate) fn offset(&self) -> u64 {
        self.base + self.start as u64
    }

    /// Offset in the input of the window's end.
    pub(crate) fn end_offset(&self) -> u64 {
        self.base + self.end as u64
    }

    /// Whether the input has no more bytes than those in the window.
    pub(crate) fn ended(&self) -> bool {
        self.ended
    }

    /// The error that ended the input, if one did.
    pub(crate) fn take_failure(&mut self) -> Option<io::Error> {
        self.failure.take()
    }

    /// Drops the first `count` bytes.
    pub(crate) fn drop_front(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
    }

    /// Reads more behind what is there. `false` if the input has ended or the window is as large as it may be.
    pub(crate) fn more(&mut self) -> bool {
        if self.ended {
            return false;
        }
        if self.start == self.end {
            self.base += self.start as u64;
            (self.start, self.end) = (0, 0);
        } else if self.end == self.buffer.len() && self.start > 0 {
            // What remains is moved once per window's length at most, so the whole stays linear.
            self.buffer.copy_within(self.start..self.end, 0);
            self.base += self.start as u64;
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.buffer.len() {
            if self.end >= self.most {
                return false;
            }
            self.buffer.resize((self.end * 2).min(self.most), 0);
        }
        loop {
            match self.input.read(&mut self.buffer[self.end..]) {
                Ok(0) => {
                    self.ended = true;
                    return false;
                }
                Ok(count) => {
                    self.end += count;
                    return true;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.failure = Some(error);
                    self.ended = true;
                    return false;
                }
            }
        }
    }

    /// Reads until the window holds `count` bytes, or the input ends.
    pub(crate) fn want(&mut self, count: usize) {
        while self.end - self.start < count && self.more() {}
    }
}

impl Read for Window<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let data = self.fill_buf()?;
        let count = data.len().min(out.len());
        out[..count].copy_from_slice(&data[..count]);
        self.drop_front(count);
        Ok(count)
    }
}

impl BufRead for Window<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.start == self.end {
            self.more();
            if let Some(error) = self.failure.take() {
                return Err(error);
            }
        }
        Ok(self.data())
    }

    fn consume(&mut self, count: usize) {
        self.drop_front(count);
    }
}

/// The encoding that the first bytes tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Utf16 { little: bool },
}

/// `input` as UTF-8: a byte order mark is taken off and UTF-16 (with a mark, or recognised by the zero bytes
/// around its first character) is converted. Offsets then count converted bytes.
pub(crate) fn decoded<'a>(mut input: impl Read + 'a) -> Box<dyn Read + 'a> {
    let mut head = [0; 4];
    let mut filled = 0;
    let mut failure = None;
    while filled < head.len() {
        match input.read(&mut head[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                failure = Some(error);
                break;
            }
        }
    }
    let head = &head[..filled];
    let (encoding, mark) = match head {
        [0xEF, 0xBB, 0xBF, ..] => (Encoding::Utf8, 3),
        [0xFF, 0xFE, ..] => (Encoding::Utf16 { little: true }, 2),
        [0xFE, 0xFF, ..] => (Encoding::Utf16 { little: false }, 2),
        [first, 0, second, 0] if *first != 0 && *second != 0 => (Encoding::Utf16 { little: true }, 0),
        [0, first, 0, second] if *first != 0 && *second != 0 => (Encoding::Utf16 { little: false }, 0),
        _ => (Encoding::Utf8, 0),
    };
    let rest = io::Cursor::new(head[mark..].to_vec()).chain(Failing { failure, input });
    match encoding {
        Encoding::Utf8 => Box::new(rest),
        Encoding::Utf16 { little } => Box::new(Utf16 {
            input: io::BufReader::with_capacity(32 << 10, rest),
            little,
            high: None,
            out: Vec::new(),
            at: 0,
        }),
    }
}

/// Gives an error seen while looking ahead before going on.
struct Failing<R> {
    failure: Option<io::Error>,
    input: R,
}

impl<R: Read> Read for Failing<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self.failure.take() {
            Some(error) => Err(error),
            None => self.input.read(out),
        }
    }
}

/// UTF-16 to UTF-8; what is not valid becomes U+FFFD.
struct Utf16<R> {
    input: R,
    little: bool,
    high: Option<u16>,
    out: Vec<u8>,
    at: usize,
}

impl<R: BufRead> Utf16<R> {
    fn refill(&mut self) -> io::Result<()> {
        self.out.clear();
        self.at = 0;
        let mut pair = [0; 2];
        while self.out.len() < 16 << 10 {
            if self.input.read(&mut pair[..1])? == 0 {
                break;
            }
            if self.input.read(&mut pair[1..])? == 0 {
                self.push(char::REPLACEMENT_CHARACTER);
                break;
            }
            let unit = if self.little { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) };
            let pending = self.high.take();
            match (pending, unit) {
                (Some(high), 0xDC00..=0xDFFF) => {
                    let code = 0x10000 + ((u32::from(high) - 0xD800) << 10) + (u32::from(unit) - 0xDC00);
                    self.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                    continue;
                }
                (Some(_), _) => self.push(char::REPLACEMENT_CHARACTER),
                (None, _) => {}
            }
            if (0xD800..0xDC00).contains(&unit) {
                self.high = Some(unit);
            } else {
                self.push(char::from_u32(unit.into()).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
        }
        Ok(())
    }

    fn push(&mut self, c: char) {
        self.out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

impl<R: BufRead> Read for Utf16<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.at == self.out.len() {
            self.refill()?;
        }
        let count = out.len().min(self.out.len() - self.at);
        out[..count].copy_from_slice(&self.out[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn all(bytes: &[u8]) -> String {
        let mut text = String::new();
        decoded(bytes).read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn encodings_are_recognised() {
        let utf16 = |text: &str, mark: &[u8], little: bool| {
            let units = text
                .encode_utf16()
                .flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() });
            mark.iter().copied().chain(units).collect::<Vec<u8>>()
        };
        let text = "<a b='größe 🚚'/>";
        assert_eq!(all(text.as_bytes()), text);
        assert_eq!(all(&[b"\xEF\xBB\xBF", text.as_bytes()].concat()), text);
        assert_eq!(all(&utf16(text, b"\xFF\xFE", true)), text);
        assert_eq!(all(&utf16(text, b"\xFE\xFF", false)), text);
        assert_eq!(all(&utf16(text, b"", true)), text);
        assert_eq!(all(&utf16(text, b"", false)), text);
        assert_eq!(all(b"\xFF\xFEa\0\x00\xD8b\0c"), "a\u{FFFD}b\u{FFFD}");
        assert_eq!(all(b""), "");
        assert_eq!(all(b"x"), "x");
    }

    #[test]
    fn the_window_grows_no_further_than_allowed() {
        let text = vec![b'x'; 1000];
        let mut window = Window::new(&text[..], 100);
        window.want(1000);
        assert_eq!((window.data().len(), window.offset(), window.ended()), (100, 0, false));
        window.drop_front(60);
        window.want(100);
        assert_eq!((window.data().len(), window.offset()), (100, 60));
        while !window.ended() {
            window.drop_front(usize::MAX / 2);
            window.more();
        }
        assert_eq!(window.offset(), 1000);
    }
}
