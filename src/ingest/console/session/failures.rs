//! The sections of errors and failures.

use super::block::{Block, Bounded};
use super::{Limits, Session, State};
use crate::evidence::traceback::{Rest, location, ruler_title, section_title};
use crate::ingest::console::marks::{failure_title, fits};

impl Session {
    /// The text before the first mark of a log whose beginning is missing may end in a failure.
    pub(super) fn take_cut_off(&mut self) {
        let body = std::mem::take(&mut self.loose);
        if !body.is_empty() {
            self.blocks.push(Block { body, ..Block::default() });
        }
    }

    pub(super) fn failure_line(&mut self, line: &str, offset: u64, limits: Limits) {
        if line.starts_with('_') {
            if let Some(title) = failure_title(line, self.width) {
                if title.starts_with("coverage: ") {
                    self.in_block = false;
                    self.state = State::Other;
                } else {
                    self.open_block(title.to_owned(), offset, limits);
                }
                return;
            }
            if self.may_open_title(line) {
                self.open_title = Some((line.to_owned(), 1));
                return;
            }
        }
        if !self.in_block {
            if self.state == State::Failures && !self.ignoring {
                self.one_liner(line, limits);
            }
            return;
        }
        if line.starts_with('-') {
            let title = match self.width {
                Some(width) => ruler_title(line, '-').filter(|_| fits(line, width)),
                None => section_title(line),
            };
            if let Some(title) = title {
                let of_run = ["generated ", "coverage: ", "JSON report", "benchmark", "Coverage "];
                if of_run.iter().any(|start| title.starts_with(start)) {
                    self.in_block = false;
                    self.ignoring = true;
                } else if let Some(block) = self.blocks.last_mut() {
                    block.sections.push((title.to_owned(), Bounded::default()));
                }
                return;
            }
        }
        self.push(line, limits);
    }

    /// `--tb=line` prints one line a failure, pytest 9.0 the exception's lines before it; a failure without
    /// a place has only the beginning of its text.
    pub(super) fn one_liner(&mut self, line: &str, limits: Limits) {
        let place = location(line).map(|(_, _, rest)| rest);
        let doctest = place == Some(Rest::Type("DocTestFailure"));
        let ends = matches!(place, Some(Rest::Message(_) | Rest::Type(_)));
        // An exception group is printed as Python prints it.
        let begun = self.loose.starts_with("E  ") || self.loose.starts_with("  + Exception Group Traceback");
        let starts = line.starts_with("E  ") || ends && !doctest && !begun;
        if starts && !self.loose.is_empty() {
            self.end_one_liner(limits);
        }
        self.loose.push_line(line, limits.max_text);
        if ends {
            self.end_one_liner(limits);
        }
    }

    pub(super) fn end_one_liner(&mut self, limits: Limits) {
        let text = std::mem::take(&mut self.loose).into_text();
        if self.one_liners.len() < limits.max_failures && !text.trim().is_empty() {
            self.one_liners.push(text);
        }
    }

    /// A title that goes on in the next line: a parameter with a line break in it.
    pub(super) fn may_open_title(&self, line: &str) -> bool {
        let left = line.bytes().take_while(|b| *b == b'_').count();
        left >= 2
            && self.width.is_some()
            && line.as_bytes().get(left) == Some(&b' ')
            && !line.trim_end().ends_with('_')
    }

    /// Adds a line to an unfinished title; whether it has been used up.
    pub(super) fn continue_title(
        &mut self,
        title: &str,
        lines: usize,
        line: &str,
        offset: u64,
        limits: Limits,
    ) -> bool {
        const MAX_LINES: usize = 16;
        let whole = format!("{title}\n{line}");
        let width = self.width.unwrap_or_default();
        let fitting = whole.chars().count() == width;
        if let Some(name) = ruler_title(&whole, '_').filter(|_| fitting) {
            let name = name.to_owned();
            self.open_block(name, offset, limits);
            return true;
        }
        if lines < MAX_LINES && whole.chars().count() < width {
            self.open_title = Some((whole, lines + 1));
            return true;
        }
        // It was no title.
        for part in title.split('\n') {
            self.push(part, limits);
        }
        false
    }

    pub(super) fn open_block(&mut self, title: String, offset: u64, limits: Limits) {
        if self.blocks.len() >= limits.max_failures {
            self.left_out += 1;
            self.in_block = false;
            self.ignoring = true;
            return;
        }
        self.loose = Bounded::default();
        let in_errors = self.state == State::Errors;
        self.blocks.push(Block { title: Some(title), in_errors, offset, ..Block::default() });
        self.in_block = true;
    }

    pub(super) fn push(&mut self, line: &str, limits: Limits) {
        let Some(block) = self.blocks.last_mut().filter(|_| self.in_block) else { return };
        if let Some((_, text)) = block.sections.last_mut() {
            text.push_line(line, limits.max_text);
        } else if block.body.is_empty() && line.starts_with("[gw") && line.contains(" -- Python ") {
            block.worker = line[1..].split(']').next().map(str::to_owned);
        } else {
            block.body.push_line(line, limits.max_text);
        }
    }
}

/// Whether words between `_` rulers can be a test's: coverage and other plugins draw such rulers too.
pub(super) fn is_test_title(title: &str) -> bool {
    let name = title
        .strip_prefix("ERROR at setup of ")
        .or_else(|| title.strip_prefix("ERROR at teardown of "))
        .or_else(|| title.strip_prefix("ERROR collecting "))
        .or_else(|| title.strip_prefix("[doctest] "))
        .unwrap_or(title);
    let bare = name.split(['[', ' ']).next().unwrap_or(name);
    !bare.is_empty()
        && !title.contains(": ")
        && bare.chars().all(|c| c.is_alphanumeric() || "_.<>/-\\:".contains(c))
}
