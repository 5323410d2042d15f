//! What is printed while tests run: the header, `-v` lines, dots.

use super::{Limits, Seen, Session, State, is_test_title};
use crate::ingest::console::marks::{Verdict, failure_title, is_id, verbose};
use crate::model::Outcome;

impl Session {
    pub(super) fn running_line(&mut self, line: &str, offset: u64, limits: Limits) {
        if self.in_block {
            // A conftest that could not be imported: up to the first empty line.
            if line.is_empty() {
                self.in_block = false;
            } else {
                self.push(line, limits);
            }
            return;
        }
        if self.state == State::Outside && self.died.line(line, limits.max_text) && self.died.is_certain() {
            self.seen_any = true;
            return;
        }
        if line.starts_with("ImportError while loading conftest ") {
            self.seen_any = true;
            self.open_block(line.to_owned(), offset, limits);
            return;
        }
        if let Some(message) = line.strip_prefix("ERROR: ") {
            self.usage.push((offset, message.to_owned()));
            self.seen_any |= self.state == State::Running;
            return;
        }
        if self.state == State::Outside
            && let Some((_, message)) = self.usage.last_mut()
            && message.contains("[file_or_dir]")
            && let Some((_, why)) = line.split_once(": error: ")
        {
            *message = format!("usage: {why}");
            return;
        }
        if self.header_line(line) {
            return;
        }
        if self.state == State::Outside
            && line.starts_with('_')
            && let Some(title) = failure_title(line, None).filter(|title| is_test_title(title))
        {
            // The log starts in the middle of the failures.
            self.width = Some(line.trim_end().chars().count());
            self.seen_any = true;
            self.take_cut_off();
            self.state = if title.starts_with("ERROR ") { State::Errors } else { State::Failures };
            self.open_block(title.to_owned(), offset, limits);
            return;
        }
        if let Some(found) = verbose(line) {
            let id = match (found.id, self.open_id.take()) {
                ("", Some(open)) => open,
                (id, Some(open)) if !is_id(id) && open.contains('[') && !open.ends_with(']') => {
                    format!("{open}\n{id}")
                }
                (id, _) => id.to_owned(),
            };
            if is_id(&id) {
                let worker = found.worker.map(str::to_owned);
                self.ended(id, found.verdict, worker, subtest_of(line, found.verdict), limits);
                return;
            }
        } else if is_id(line) && line.contains("::") && line.len() < 4096 {
            self.open_id = Some(line.trim_end().to_owned());
        } else {
            self.dots(line, limits);
        }
        if self.state == State::Outside {
            self.loose.push_line(line, limits.max_text);
        }
    }

    pub(super) fn ended(
        &mut self,
        id: String,
        verdict: Verdict,
        worker: Option<String>,
        subtest: Option<String>,
        limits: Limits,
    ) {
        self.seen_any = true;
        let slot = worker.clone().unwrap_or_default();
        let before = self.passed.remove(&slot);
        let after_call = before.as_deref() == Some(&*id)
            || self
                .seen
                .last()
                .is_some_and(|last| last.id == id && last.verdict == Verdict::Ended(Outcome::Failed));
        if let Some(passed) = before.filter(|passed| *passed != id) {
            self.outcomes.add(&passed, Outcome::Passed, None, limits.keep_names);
        }
        match verdict {
            Verdict::Ended(Outcome::Passed) => {
                self.tally.passed += 1;
                self.passed.insert(slot, id);
            }
            Verdict::Ended(outcome @ (Outcome::Failed | Outcome::Error)) => {
                match outcome {
                    Outcome::Failed => self.tally.failed += 1,
                    _ => self.tally.errors += 1,
                }
                if self.seen.len() < limits.max_failures {
                    self.seen.push(Seen { id, verdict, worker, after_call });
                }
            }
            Verdict::Ended(outcome) => {
                match outcome {
                    Outcome::Skipped => self.tally.skipped += 1,
                    Outcome::Xfailed => self.tally.xfailed += 1,
                    _ => self.tally.xpassed += 1,
                }
                self.outcomes.add(&id, outcome, None, limits.keep_names);
            }
            Verdict::Rerun => self.count_rerun(&id),
            Verdict::SubtestFailed => {
                self.tally.failed += 1;
                if self.seen.len() < limits.max_failures {
                    let id = subtest.map_or(id.clone(), |subtest| format!("{id} {subtest}"));
                    self.seen.push(Seen { id, verdict, worker, after_call: false });
                }
            }
            Verdict::SubtestFine => {}
        }
    }

    pub(super) fn header_line(&mut self, line: &str) -> bool {
        if let Some(rest) = line.strip_prefix("platform ")
            && let Some((platform, rest)) = rest.split_once(" -- Python ")
        {
            self.tools.platform = Some(platform.to_owned());
            for (index, part) in rest.split(", ").enumerate() {
                let part = part.split(" -- ").next().unwrap_or(part).trim();
                if index == 0 {
                    self.tools.python = part.split(' ').next().map(str::to_owned);
                } else if let Some(version) = part.strip_prefix("pytest-") {
                    self.tools.pytest = Some(version.to_owned());
                }
            }
        } else if let Some(rest) = line.strip_prefix("rootdir: ") {
            let root = rest.split(", configfile: ").next().unwrap_or(rest);
            let root = root.split(", inifile: ").next().unwrap_or(root);
            let root = root.split(", testpaths: ").next().unwrap_or(root);
            self.root = Some(root.trim().trim_end_matches(", inifile:").to_owned());
        } else if let Some(rest) = line.strip_prefix("plugins: ").filter(|_| self.state == State::Running) {
            self.tools.plugins = rest.split(", ").map(|plugin| plugin.trim().to_owned()).collect();
        } else {
            return false;
        }
        self.seen_any |= self.root.is_some();
        true
    }

    /// `tests/test_a.py ..F.E  [ 50%]`, and further lines of the same file.
    pub(super) fn dots(&mut self, line: &str, limits: Limits) {
        let text = line.trim_end();
        let text = match text.strip_suffix("%]").and_then(|text| text.rsplit_once('[')) {
            Some((before, _)) => before.trim_end(),
            None => text,
        };
        let (file, marks) = text.rsplit_once(' ').unwrap_or(("", text));
        let dots = !marks.is_empty() && marks.bytes().all(|b| b".FEsxXRupP,-u".contains(&b));
        if !dots || self.state != State::Running || !(file.is_empty() || is_id(file)) {
            return;
        }
        if !file.is_empty() {
            self.dots_file = Some(file.to_owned());
        }
        let Some(file) = &self.dots_file else { return };
        for mark in marks.bytes() {
            match mark {
                b'F' if self.dots_failed.len() < limits.max_failures => self.dots_failed.push(file.clone()),
                b'E' if self.dots_errors.len() < limits.max_failures => self.dots_errors.push(file.clone()),
                _ => {}
            }
        }
    }
}

/// A subtest's description behind the verdict of a `-v` line.
fn subtest_of(line: &str, verdict: Verdict) -> Option<String> {
    if verdict != Verdict::SubtestFailed {
        return None;
    }
    let at = line.rfind(" SUBFAILED")? + " SUBFAILED".len();
    let text = line[at..].trim_end();
    let text = match text.strip_suffix("%]").and_then(|text| text.rsplit_once('[')) {
        Some((before, _)) => before.trim_end(),
        None => text,
    };
    (!text.is_empty()).then(|| text.to_owned())
}
