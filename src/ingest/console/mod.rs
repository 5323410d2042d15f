//! Captured terminal output of pytest: any `--tb` style, `-v`, `-q`, `-rA`, xdist, colours, what CI systems
//! put around it, cut at either end, several sessions in one log.
//!
//! [`clean`] makes plain lines, [`session`] follows pytest's sections and keeps what belongs to a failure, and
//! [`join`] gives each failure its test id.

mod clean;
mod join;
mod marks;
mod session;
#[cfg(test)]
mod tests;

use std::io::Read;
use std::time::SystemTime;

use super::{IngestError, ReadOptions};
use crate::model::{Failure, Phase, Problem, ResultFormat, ResultSource, Run};
use clean::{Prefixes, clean, is_ci_command};
use marks::{Heading, Verdict, heading, is_id, summary, verbose};
use session::{Limits, Session};

/// Longer lines are cut: a traceback's line of a megabyte says nothing more than its first part.
const MAX_LINE: usize = 1 << 20;

/// How much is read ahead to find out what stands in front of each line.
const LOOK_AHEAD: usize = 64 << 10;

/// Whether the beginning of a file looks like pytest's terminal output.
pub fn looks_like(peek: &[u8]) -> bool {
    let text = String::from_utf8_lossy(peek);
    let cleaned: Vec<_> =
        text.split('\n').map(|line| clean(line.strip_suffix('\r').unwrap_or(line))).collect();
    let prefixes = Prefixes::of(|| cleaned.iter().map(AsRef::as_ref));
    let mut failure_rulers = 0;
    let mut errors = 0;
    for line in &cleaned {
        let line = prefixes.strip(line);
        let found = match heading(line, None) {
            Some(
                Heading::SessionStart
                | Heading::Errors
                | Heading::Failures
                | Heading::Summary
                | Heading::Final,
            ) => true,
            Some(_) => false,
            None => {
                line.starts_with("INTERNALERROR> ")
                    || line.starts_with("ImportError while loading conftest ")
                    || verbose(line).is_some_and(|found| found.id.contains(".py::"))
                    || summary(line).is_some_and(|found| {
                        matches!(found.verdict, Verdict::Ended(_))
                            && is_id(found.rest)
                            && found.rest.contains(".py")
                    })
            }
        };
        if found {
            return true;
        }
        failure_rulers += usize::from(line.starts_with('_') && marks::failure_title(line, None).is_some());
        errors += usize::from(line.starts_with("E   "));
        if failure_rulers > 0 && errors > 0 {
            return true;
        }
    }
    false
}

/// Reads captured terminal output. `name` is what problems and the source call it; `modified` dates it.
pub fn read(
    input: impl Read,
    name: &str,
    modified: Option<SystemTime>,
    options: &ReadOptions,
) -> Result<Run, IngestError> {
    let limits = Limits {
        max_text: options.max_text,
        max_failures: options.max_failures,
        keep_names: options.keep_names,
    };
    let mut reader = Reader { run: Run::default(), session: Session::default(), sessions: 0, name, limits };
    let mut lines = Lines::new(input);
    let mut ahead: Vec<(u64, String)> = Vec::new();
    let mut ahead_bytes = 0;
    let mut prefixes = None;
    let io = |source| IngestError::Io { file: name.to_owned(), source };
    let mut broken = None;
    loop {
        let line = match lines.next() {
            Ok(line) => line,
            // What has been read so far counts.
            Err(source) if reader.session.seen_any || reader.sessions > 0 || !ahead.is_empty() => {
                broken = Some(source);
                None
            }
            Err(source) => return Err(io(source)),
        };
        match (&prefixes, line) {
            (Some(prefixes), Some((offset, line))) => reader.line(prefixes, &line, offset),
            (None, Some((offset, line))) => {
                ahead_bytes += line.len() + 1;
                ahead.push((offset, line));
                if ahead_bytes < LOOK_AHEAD {
                    continue;
                }
            }
            (_, None) if prefixes.is_some() => break,
            (_, None) => {}
        }
        if prefixes.is_none() {
            let found = Prefixes::of(|| ahead.iter().map(|(_, line)| line.as_str()));
            for (offset, line) in ahead.drain(..) {
                reader.line(&found, &line, offset);
            }
            prefixes = Some(found);
        }
    }
    if let Some(source) = broken {
        reader.problem(
            Some(lines.offset),
            format!("reading stopped here: {source}; what came before was used"),
        );
    }
    reader.finish(lines.offset, modified)
}

struct Reader<'a> {
    run: Run,
    session: Session,
    sessions: usize,
    name: &'a str,
    limits: Limits,
}

impl Reader<'_> {
    fn line(&mut self, prefixes: &Prefixes, line: &str, offset: u64) {
        let line = prefixes.strip(line);
        if is_ci_command(line) {
            return;
        }
        if self.session.ends_before(line) {
            self.end_session();
        }
        self.session.line(line, offset, self.limits);
    }

    fn end_session(&mut self) {
        let mut session = std::mem::take(&mut self.session);
        if !session.seen_any && session.usage.is_empty() {
            return;
        }
        self.sessions += 1;
        session.close(&mut self.run, self.limits);
        let dropped: Vec<(u64, usize)> = session
            .blocks
            .iter()
            .map(|b| (b.offset, b.body.dropped + b.sections.iter().map(|s| s.1.dropped).sum::<usize>()))
            .filter(|(_, dropped)| *dropped > 0)
            .collect();
        for (offset, dropped) in dropped {
            self.problem(
                Some(offset),
                format!("{dropped} bytes of a failure's text were left out of its middle"),
            );
        }
        for (offset, message) in std::mem::take(&mut session.usage) {
            self.problem(Some(offset), format!("pytest reported: {message}"));
        }
        let failures = join::failures(&mut session, self.limits);
        for failure in failures {
            self.add(failure);
        }
        if session.left_out > 0 {
            self.problem(None, format!("{} further failures were left out", session.left_out));
        }
        self.run.outcomes.extend(session.outcomes);
    }

    /// Sessions of one log may tell of the same failure (tox, `--lf`): the telling with more detail stays.
    fn add(&mut self, failure: Failure) {
        let same = (self.sessions > 1)
            .then(|| {
                self.run.failures.iter_mut().find(|known| {
                    known.test == failure.test
                        && known.phase == failure.phase
                        && known.subtest == failure.subtest
                })
            })
            .flatten();
        match same {
            Some(known) if failure.phase != Phase::Collect || !failure.text.is_empty() => {
                if failure.detail >= known.detail {
                    *known = failure;
                }
            }
            Some(_) => {}
            None => self.run.failures.push(failure),
        }
    }

    fn problem(&mut self, offset: Option<u64>, message: String) {
        self.run.problems.push(Problem { file: self.name.to_owned(), offset, message });
    }

    fn finish(mut self, bytes: u64, modified: Option<SystemTime>) -> Result<Run, IngestError> {
        self.end_session();
        if self.sessions == 0 {
            return Err(IngestError::Unknown { file: self.name.to_owned() });
        }
        self.run.sources.push(ResultSource {
            name: self.name.to_owned(),
            format: ResultFormat::Console,
            time: modified,
            bytes,
        });
        Ok(self.run)
    }
}

/// Lines of a stream, cleaned, of bounded length; bytes that are not UTF-8 are replaced.
struct Lines<R> {
    input: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    offset: u64,
    done: bool,
}

impl<R: Read> Lines<R> {
    fn new(input: R) -> Self {
        Self { input, buffer: vec![0; 64 << 10], start: 0, end: 0, offset: 0, done: false }
    }

    fn next(&mut self) -> std::io::Result<Option<(u64, String)>> {
        let mut line: Vec<u8> = Vec::new();
        let at = self.offset;
        loop {
            if self.start == self.end {
                if self.done {
                    break;
                }
                self.start = 0;
                self.end = match self.input.read(&mut self.buffer) {
                    Ok(read) => read,
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                    Err(error) => {
                        self.done = true;
                        return Err(error);
                    }
                };
                if self.end == 0 {
                    self.done = true;
                    break;
                }
            }
            let chunk = &self.buffer[self.start..self.end];
            let newline = memchr::memchr(b'\n', chunk);
            let part = &chunk[..newline.unwrap_or(chunk.len())];
            let room = MAX_LINE.saturating_sub(line.len());
            line.extend_from_slice(&part[..part.len().min(room)]);
            let used = newline.map_or(chunk.len(), |at| at + 1);
            self.start += used;
            self.offset += used as u64;
            if newline.is_some() {
                return Ok(Some((at, Self::text(&line))));
            }
        }
        Ok((!line.is_empty()).then(|| (at, Self::text(&line))))
    }

    fn text(line: &[u8]) -> String {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        clean(&String::from_utf8_lossy(line)).into_owned()
    }
}
