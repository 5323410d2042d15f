//! Python's own style (`--tb=native`, exception groups, `INTERNALERROR`).

use super::entries::build;
use super::lines::{indent, is_caret_line, native_file};
use super::{CAUSE, CONTEXT, trim_blank};
use crate::evidence::assertion;
use crate::model::{Exception, Frame, Link};

/// Deeper exception groups are left out: nothing reads them, and each level costs stack to walk.
pub(crate) const MAX_GROUP_DEPTH: usize = 32;

const HEAD: &str = "Traceback (most recent call last):";
const GROUP_HEAD: &str = "Exception Group Traceback (most recent call last):";

/// Whether a block is in Python's style.
pub(super) fn is_native(lines: &[&str]) -> bool {
    lines.iter().any(|line| {
        line.starts_with(HEAD)
            || group_head(line).is_some()
            || line.starts_with("  |   File \"")
            || line.starts_with("  File \"") && native_file(line).is_some()
    })
}

/// The head of a group. Where the whole text has been stripped, as in JUnit files, its margin is missing.
fn group_head(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("  + ").or_else(|| line.strip_prefix("+ "))?;
    rest.starts_with(GROUP_HEAD).then_some(rest)
}

/// Reads one block: one exception, with the members of a group as chains of their own.
pub(super) fn parse(lines: &[&str]) -> Vec<Exception> {
    let mut levels = vec![Level::new(0)];
    for line in lines {
        let Some(level) = levels.last() else { break };
        let margin = level.margin;
        let grouped = margin > 0;
        let at_margin = |text: &'_ str| indent(text) == margin;
        if !grouped {
            if let Some(rest) = group_head(line) {
                levels[0].margin = 2;
                levels[0].line(rest);
            } else if line.starts_with("  |   File \"") {
                // The head was cut off.
                levels[0].margin = 2;
                levels[0].line(&line[4..]);
            } else {
                levels[0].line(line);
            }
            continue;
        }
        if at_margin(line) && line[margin..].starts_with("+-+-") {
            // Lines of a group that is too deep to keep have more margin than any level and fall through.
            if levels.len() <= MAX_GROUP_DEPTH {
                levels.push(Level::new(margin + 2));
            }
            continue;
        }
        if at_margin(line) && line[margin..].starts_with("+-") {
            let more = line[margin..].trim_matches(['+', '-']).trim();
            if levels.len() > 1 {
                close(&mut levels);
            }
            if !more.is_empty() && !levels.is_empty() {
                levels.push(Level::new(margin));
            }
        } else if at_margin(line) && line[margin..].starts_with('|') {
            let text = &line[margin + 1..];
            let text = text.strip_prefix(' ').unwrap_or(text);
            if let Some(level) = levels.last_mut() {
                level.line(text);
            }
        } else {
            // Less margin than expected: inner groups have ended (or their end was cut off).
            while levels.len() > 1 && levels.last().is_some_and(|level| indent(line) < level.margin) {
                close(&mut levels);
            }
        }
    }
    while levels.len() > 1 {
        close(&mut levels);
    }
    levels.pop().map(Level::finish).unwrap_or_default()
}

/// Ends the innermost member and gives it to the group it belongs to.
fn close(levels: &mut Vec<Level<'_>>) {
    let Some(level) = levels.pop() else { return };
    let chain = level.finish();
    if let Some(parent) = levels.last_mut()
        && !chain.is_empty()
        && chain.iter().any(|e| !e.type_name.is_empty())
    {
        parent.group.push(chain);
    }
}

/// The chain that is printed at one margin.
struct Level<'a> {
    /// Column of the `|`; 0 outside groups.
    margin: usize,
    done: Vec<Exception>,
    frames: Vec<Frame>,
    message: Vec<&'a str>,
    group: Vec<Vec<Exception>>,
    quoted: bool,
}

impl<'a> Level<'a> {
    fn new(margin: usize) -> Self {
        Self {
            margin,
            done: Vec::new(),
            frames: Vec::new(),
            message: Vec::new(),
            group: Vec::new(),
            quoted: false,
        }
    }

    fn line(&mut self, line: &'a str) {
        if !self.message.is_empty() {
            if line == "\"\"\"" {
                self.quoted = !self.quoted;
            }
            match line {
                _ if self.quoted => self.message.push(line),
                CAUSE => self.next(Link::Cause),
                CONTEXT => self.next(Link::Context),
                _ if self.margin > 0 && line.is_empty() => self.message.push(line),
                _ => self.message.push(line),
            }
            return;
        }
        if line.starts_with(HEAD) || line.starts_with(GROUP_HEAD) || line.trim().is_empty() {
            return;
        }
        if line.starts_with("  ") {
            if let Some((path, number, name)) = native_file(line).filter(|_| indent(line) == 2) {
                let mut frame = super::frame(path, number);
                frame.function = name.map(str::to_owned);
                self.frames.push(frame);
            } else if line.starts_with("    ")
                && !is_caret_line(line)
                && let Some(frame) = self.frames.last_mut()
                && frame.source.is_none()
            {
                frame.source = Some(line.trim().to_owned());
            }
            return;
        }
        self.message.push(line);
    }

    /// Ends an exception that is tied to the next one.
    fn next(&mut self, link: Link) {
        let frames = std::mem::take(&mut self.frames);
        let message = std::mem::take(&mut self.message);
        let group = std::mem::take(&mut self.group);
        if message.is_empty() && frames.is_empty() {
            return;
        }
        let mut frames = frames;
        let mut exception = build(trim_blank(&message), &mut frames);
        exception.frames = frames;
        exception.group = group;
        exception.link = link;
        if exception.short_type() == "AssertionError" {
            exception.assertion = assertion::of_frames(&exception.message, &exception.frames);
        }
        self.done.push(exception);
    }

    fn finish(mut self) -> Vec<Exception> {
        self.next(Link::Last);
        self.done
    }
}
