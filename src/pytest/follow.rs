//! Reading an event stream while it grows.
//!
//! ```no_run
//! # use failscope::pytest::follow::Follower;
//! let mut follower = Follower::new("/w/.failscope/runs/20261122T120000.000-4711.jsonl");
//! // Whenever the file has changed:
//! let news = follower.poll()?;
//! if news.restarted { /* another stream took the file's place: forget what was read before */ }
//! for event in news.events { /* … */ }
//! if news.more { /* poll again at once: one call reads a bounded amount */ }
//! # std::io::Result::Ok(())
//! ```

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use super::events::{self, Event};

/// Longest line that is kept; the plugin writes far shorter ones.
pub const MAX_LINE: usize = 32 << 20;
/// Most bytes read by one [`Follower::poll`].
const MAX_POLL: u64 = 4 << 20;

/// Cuts bytes that arrive in pieces into lines; what follows the last line break waits for its end.
#[derive(Debug, Default)]
pub struct Lines {
    /// The beginning of a line whose end has not come.
    rest: Vec<u8>,
    /// Where the line that is coming in begins.
    offset: u64,
    /// Bytes of that line that were dropped.
    dropped: u64,
    /// The line that is coming in is longer than [`MAX_LINE`] and dropped up to its end.
    too_long: bool,
}

/// A line, or why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line<'a> {
    /// Its bytes without the line break.
    Whole(&'a [u8]),
    /// It was longer than [`MAX_LINE`].
    TooLong,
}

impl Lines {
    /// Takes `bytes`; calls `each` with the offset of every line that ends in them.
    pub fn feed(&mut self, mut bytes: &[u8], mut each: impl FnMut(u64, Line<'_>)) {
        while let Some(at) = memchr::memchr(b'\n', bytes) {
            let (head, tail) = (&bytes[..at], &bytes[at + 1..]);
            let start = self.offset;
            self.offset += self.dropped + (self.rest.len() + head.len() + 1) as u64;
            if self.too_long || self.rest.len() + head.len() > MAX_LINE {
                each(start, Line::TooLong);
            } else if self.rest.is_empty() {
                each(start, Line::Whole(head));
            } else {
                self.rest.extend_from_slice(head);
                each(start, Line::Whole(&self.rest));
            }
            self.rest.clear();
            self.too_long = false;
            self.dropped = 0;
            bytes = tail;
        }
        if self.too_long || self.rest.len() + bytes.len() > MAX_LINE {
            self.too_long = true;
            self.dropped += (self.rest.len() + bytes.len()) as u64;
            self.rest = Vec::new();
        } else {
            self.rest.extend_from_slice(bytes);
        }
    }

    /// The beginning of a line that has not ended, and its offset.
    pub fn rest(&self) -> (u64, &[u8]) {
        (self.offset, &self.rest)
    }
}

/// Follows one file.
#[derive(Debug)]
pub struct Follower {
    path: PathBuf,
    read: u64,
    lines: Lines,
}

/// What a [`Follower::poll`] found.
#[derive(Debug, Default)]
pub struct News {
    /// Events that have come since the last call.
    pub events: Vec<Event>,
    /// Offset of lines that could not be read, and why.
    pub problems: Vec<(u64, String)>,
    /// The file has become shorter: it is another stream, and `events` begins anew.
    pub restarted: bool,
    /// There is more to read already.
    pub more: bool,
}

impl Follower {
    /// Follows the file at `path`, which need not exist yet, from its beginning.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), read: 0, lines: Lines::default() }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads what has been appended since the last call, at most a few megabytes. A file that does not exist
    /// yet has no news. Blocks for the reading only.
    pub fn poll(&mut self) -> io::Result<News> {
        let mut news = News::default();
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(news),
            Err(error) => return Err(error),
        };
        let size = file.metadata()?.len();
        if size < self.read {
            *self = Self::new(std::mem::take(&mut self.path));
            news.restarted = true;
        }
        file.seek(SeekFrom::Start(self.read))?;
        let mut bytes = Vec::new();
        file.take(MAX_POLL).read_to_end(&mut bytes)?;
        self.read += bytes.len() as u64;
        news.more = self.read < size;
        self.lines.feed(&bytes, |offset, line| match line {
            Line::TooLong => news.problems.push((offset, "the line is too long; it was skipped".to_owned())),
            Line::Whole([]) => {}
            Line::Whole(line) => match events::parse(line) {
                Ok(event) => news.events.extend(event),
                Err(error) => {
                    news.problems.push((offset, format!("the line is no event ({error}); it was skipped")));
                }
            },
        });
        Ok(news)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::io::Write as _;

    use super::*;

    const STREAM: &str = concat!(
        r#"{"session":{"version":1,"pid":7}}"#,
        "\n",
        r#"{"begin":{"id":"a.py::t"}}"#,
        "\n",
        r#"{"weather":{"sun":true}}"#,
        "\n",
        r#"{"end":{"id":"a.py::t","outcome":"passed","seconds":[0,1e-3,0.25]}}"#,
        "\n",
        r#"{"finish":{"exit":0,"seconds":2}}"#,
        "\n",
    );

    /// However the bytes arrive, the same events come out, each as soon as its line is whole.
    #[test]
    fn any_pieces_give_the_same_events() {
        for size in [1, 2, 7, 40, 1000] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("run.jsonl");
            let mut follower = Follower::new(&path);
            assert!(follower.poll().unwrap().events.is_empty(), "there is no file yet");
            let mut seen = Vec::new();
            let mut written = Vec::new();
            for piece in STREAM.as_bytes().chunks(size) {
                std::fs::OpenOptions::new()
                    .append(true)
                    .create(true)
                    .open(&path)
                    .unwrap()
                    .write_all(piece)
                    .unwrap();
                written.extend_from_slice(piece);
                let news = follower.poll().unwrap();
                assert!(news.problems.is_empty() && !news.restarted && !news.more, "{news:?}");
                seen.extend(news.events);
                let whole = memchr::memchr_iter(b'\n', &written).count();
                // The unknown event is the third line.
                assert_eq!(seen.len(), whole - usize::from(whole >= 3), "in pieces of {size}");
            }
            assert!(matches!(&seen[2], Event::End(end) if end.id == "a.py::t"));
        }
    }

    #[test]
    fn a_shorter_file_is_another_stream() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.jsonl");
        std::fs::write(&path, STREAM).unwrap();
        let mut follower = Follower::new(&path);
        assert_eq!(follower.poll().unwrap().events.len(), 4);
        std::fs::write(&path, STREAM.lines().next().unwrap().to_owned() + "\n").unwrap();
        let news = follower.poll().unwrap();
        assert!(news.restarted);
        assert_eq!(news.events.len(), 1);
    }

    #[test]
    fn broken_lines_are_told_with_their_place_and_skipped() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.jsonl");
        std::fs::write(&path, "{\"begin\":{\"id\":\"a\"}}\n{\"begin\":\n\n{\"begin\":{\"id\":\"b\"}}\n")
            .unwrap();
        let news = Follower::new(&path).poll().unwrap();
        assert_eq!(news.events.len(), 2);
        assert_eq!(news.problems.iter().map(|p| p.0).collect::<Vec<_>>(), [21]);
    }

    #[test]
    fn a_line_without_end_takes_no_memory() {
        let mut lines = Lines::default();
        let mut found = Vec::new();
        for _ in 0..5 {
            lines.feed(&vec![b'x'; MAX_LINE / 4], |_, _| found.push(None));
        }
        assert!(lines.rest().1.is_empty());
        lines.feed(b"\nshort\n", |offset, line| {
            found.push(Some((offset, matches!(line, Line::TooLong))));
        });
        let long = (MAX_LINE / 4 * 5) as u64 + 1;
        assert_eq!(found, [Some((0, true)), Some((long, false))]);
    }
}
