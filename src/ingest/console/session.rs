//! One pytest session in a log, line by line.

use std::collections::HashMap;

use super::marks::{Heading, Verdict, failure_title, final_counts, fits, heading, is_id, summary, verbose};
use crate::evidence::traceback::{self, Rest, location, ruler_title, section_title};
use crate::model::{Counts, Exit, Outcome, Phase, Run, Section, TestOutcomes, ToolInfo};

/// Text of which the middle is left out when it grows too long.
#[derive(Debug, Clone, Default)]
pub(super) struct Bounded {
    head: String,
    tail: String,
    /// Bytes left out between the two.
    pub(super) dropped: usize,
}

impl Bounded {
    pub(super) fn push_line(&mut self, line: &str, max: usize) {
        let half = max / 2;
        if self.tail.is_empty() && self.dropped == 0 && self.head.len() + line.len() < half {
            self.head.push_str(line);
            self.head.push('\n');
            return;
        }
        self.tail.push_str(line);
        self.tail.push('\n');
        if self.tail.len() > 2 * half.max(1) {
            let mut cut = self.tail.len() - half;
            while !self.tail.is_char_boundary(cut) {
                cut += 1;
            }
            // Whole lines only, if there are any.
            cut += memchr::memchr(b'\n', &self.tail.as_bytes()[cut..]).map_or(0, |at| at + 1);
            self.tail.drain(..cut);
            self.dropped += cut;
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.head.is_empty() && self.tail.is_empty()
    }

    fn starts_with(&self, start: &str) -> bool {
        self.head.starts_with(start)
    }

    pub(super) fn into_text(mut self) -> String {
        self.head.push_str(&self.tail);
        let end = self.head.trim_end_matches('\n').len();
        self.head.truncate(end);
        let start = self.head.len() - self.head.trim_start_matches('\n').len();
        self.head.drain(..start);
        self.head
    }
}

/// A failure as it stands under its title.
#[derive(Debug, Default)]
pub(super) struct Block {
    /// The words of the ruler; `None` for a failure whose beginning was cut off.
    pub(super) title: Option<String>,
    pub(super) in_errors: bool,
    pub(super) body: Bounded,
    pub(super) sections: Vec<(String, Bounded)>,
    pub(super) worker: Option<String>,
    pub(super) offset: u64,
}

impl Block {
    pub(super) fn sections(&mut self) -> Vec<Section> {
        std::mem::take(&mut self.sections)
            .into_iter()
            .map(|(name, text)| Section { name, text: text.into_text() })
            .filter(|section| !section.text.is_empty())
            .collect()
    }
}

/// A line of the summary that names a failure.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) verdict: Verdict,
    /// Id and message.
    pub(super) rest: String,
    pub(super) subtest: Option<String>,
}

/// A line of `-v` output that names a failure.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) id: String,
    pub(super) verdict: Verdict,
    pub(super) worker: Option<String>,
    /// The test's call had ended before: this is an error of its teardown.
    pub(super) after_call: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    /// Before anything of pytest has been seen.
    #[default]
    Outside,
    Running,
    Errors,
    Failures,
    Summary,
    Reruns,
    Durations,
    Other,
    Ended,
}

/// Limits of one reading.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) max_text: usize,
    pub(super) max_failures: usize,
    pub(super) keep_names: bool,
}

/// What one session's output says, before failures are joined with their ids.
#[derive(Debug, Default)]
pub(super) struct Session {
    state: State,
    width: Option<usize>,
    /// Sessions inside a failure's captured output.
    nested: bool,
    /// A title of which the first lines have been read.
    open_title: Option<(String, usize)>,
    /// A `-v` line without its verdict yet.
    open_id: Option<String>,
    /// Tests that passed last, by worker: their teardown may still fail.
    passed: HashMap<String, String>,
    in_block: bool,
    ignoring: bool,
    headed: bool,

    pub(super) seen_any: bool,
    pub(super) root: Option<String>,
    pub(super) tools: ToolInfo,
    pub(super) blocks: Vec<Block>,
    /// Entries of `--tb=line`.
    pub(super) one_liners: Vec<String>,
    loose: Bounded,
    pub(super) named: Vec<Named>,
    pub(super) seen: Vec<Seen>,
    /// The file of each `F` and of each `E` in the progress dots.
    pub(super) dots_failed: Vec<String>,
    pub(super) dots_errors: Vec<String>,
    dots_file: Option<String>,
    pub(super) reruns: HashMap<String, u32>,
    pub(super) durations: HashMap<(String, Phase), f64>,
    pub(super) outcomes: TestOutcomes,
    pub(super) internal: Bounded,
    pub(super) usage: Vec<(u64, String)>,
    tally: Counts,
    counts: Option<(Counts, Option<f64>)>,
    interrupted: bool,
    /// Failures beyond the limit.
    pub(super) left_out: u64,
}

impl Session {
    /// Whether this line starts another session.
    pub(super) fn ends_before(&self, line: &str) -> bool {
        let starts = heading(line, None) == Some(Heading::SessionStart);
        starts && self.seen_any && !self.in_captured_section()
            || self.state == State::Ended
                && self.seen_any
                && (matches!(heading(line, self.width), Some(Heading::Errors | Heading::Failures)))
    }

    fn in_captured_section(&self) -> bool {
        matches!(self.state, State::Errors | State::Failures)
            && self.in_block
            && self.blocks.last().is_some_and(|block| !block.sections.is_empty())
    }

    pub(super) fn line(&mut self, line: &str, offset: u64, limits: Limits) {
        if let Some(text) = line.strip_prefix("INTERNALERROR>") {
            self.internal.push_line(text.strip_prefix(' ').unwrap_or(text), limits.max_text);
            self.seen_any = true;
            return;
        }
        if self.nested {
            self.push(line, limits);
            let ended = heading(line, None) == Some(Heading::Final) || final_counts(line).is_some();
            self.nested = !ended;
            return;
        }
        if let Some((title, lines)) = self.open_title.take()
            && self.continue_title(title, lines, line, offset, limits)
        {
            return;
        }
        if let Some(heading) = heading(line, self.width) {
            if self.is_nested(heading) {
                self.nested = true;
                self.push(line, limits);
            } else {
                self.start(heading, line, limits);
            }
            return;
        }
        if line.starts_with('!')
            && let Some(title) = ruler_title(line, '!')
            && self.width.is_none_or(|width| fits(line, width))
        {
            self.interrupted |= !title.is_empty();
            self.leave_block(limits);
            self.state = State::Other;
            return;
        }
        if let Some(counts) = self.bare_final(line) {
            self.counts = Some(counts);
            self.leave_block(limits);
            self.state = State::Ended;
            return;
        }
        match self.state {
            State::Errors | State::Failures => self.failure_line(line, offset, limits),
            State::Summary => self.summary_line(line, limits),
            State::Reruns => {
                if let Some(id) = line.strip_prefix("RERUN ") {
                    self.count_rerun(id.split(" - ").next().unwrap_or(id).trim());
                }
            }
            State::Durations => self.duration_line(line),
            State::Outside | State::Running => self.running_line(line, offset, limits),
            State::Other | State::Ended => {
                let resumed =
                    line.starts_with('_') && failure_title(line, self.width).is_some_and(is_test_title);
                if resumed && self.counts.is_some() && self.width.is_some() {
                    self.state = State::Failures;
                    self.failure_line(line, offset, limits);
                }
            }
        }
    }

    /// Headings that can only come from output that a failure captured.
    fn is_nested(&self, heading: Heading) -> bool {
        self.in_captured_section()
            && match heading {
                Heading::SessionStart => true,
                Heading::Failures => self.state == State::Failures,
                Heading::Errors => true,
                _ => false,
            }
    }

    fn bare_final(&self, line: &str) -> Option<(Counts, Option<f64>)> {
        let plausible = self.seen_any && line.len() < 200 && line.ends_with(['s', ')']);
        (plausible && self.state != State::Ended).then(|| final_counts(line)).flatten()
    }

    fn start(&mut self, heading: Heading, line: &str, limits: Limits) {
        if self.width.is_none() || heading == Heading::SessionStart {
            self.width = Some(line.trim_end().chars().count());
        }
        let cut = self.state == State::Outside && !self.seen_any;
        self.leave_block(limits);
        if cut && !matches!(heading, Heading::SessionStart | Heading::Errors | Heading::Failures) {
            self.take_cut_off();
        }
        self.loose = Bounded::default();
        self.seen_any = true;
        self.headed |= heading == Heading::SessionStart;
        self.ignoring = false;
        self.state = match heading {
            Heading::SessionStart => State::Running,
            Heading::Errors => State::Errors,
            Heading::Failures => State::Failures,
            Heading::Summary => State::Summary,
            Heading::RerunSummary => State::Reruns,
            Heading::Durations => State::Durations,
            Heading::Other => State::Other,
            Heading::Final => {
                self.counts = ruler_title(line, '=').and_then(final_counts);
                State::Ended
            }
        };
    }

    /// The text before the first mark of a log whose beginning is missing may end in a failure.
    fn take_cut_off(&mut self) {
        let body = std::mem::take(&mut self.loose);
        if !body.is_empty() {
            self.blocks.push(Block { body, ..Block::default() });
        }
    }

    fn leave_block(&mut self, limits: Limits) {
        self.in_block = false;
        if self.state == State::Failures && !self.loose.is_empty() {
            self.end_one_liner(limits);
        }
    }

    /// `--tb=line` prints one line a failure, pytest 9.0 the exception's lines before it; a failure without
    /// a place has only the beginning of its text.
    fn one_liner(&mut self, line: &str, limits: Limits) {
        let place = location(line).map(|(_, _, rest)| rest);
        let doctest = place == Some(Rest::Type("DocTestFailure"));
        let ends = matches!(place, Some(Rest::Message(_) | Rest::Type(_)));
        let starts = line.starts_with("E  ") || ends && !doctest && !self.loose.starts_with("E  ");
        if starts && !self.loose.is_empty() {
            self.end_one_liner(limits);
        }
        self.loose.push_line(line, limits.max_text);
        if ends {
            self.end_one_liner(limits);
        }
    }

    fn end_one_liner(&mut self, limits: Limits) {
        let text = std::mem::take(&mut self.loose).into_text();
        if self.one_liners.len() < limits.max_failures && !text.trim().is_empty() {
            self.one_liners.push(text);
        }
    }

    fn failure_line(&mut self, line: &str, offset: u64, limits: Limits) {
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

    /// A title that goes on in the next line: a parameter with a line break in it.
    fn may_open_title(&self, line: &str) -> bool {
        let left = line.bytes().take_while(|b| *b == b'_').count();
        left >= 2
            && self.width.is_some()
            && line.as_bytes().get(left) == Some(&b' ')
            && !line.trim_end().ends_with('_')
    }

    /// Adds a line to an unfinished title; whether it has been used up.
    fn continue_title(
        &mut self,
        title: String,
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

    fn open_block(&mut self, title: String, offset: u64, limits: Limits) {
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

    fn push(&mut self, line: &str, limits: Limits) {
        let Some(block) = self.blocks.last_mut().filter(|_| self.in_block) else { return };
        if let Some((_, text)) = block.sections.last_mut() {
            text.push_line(line, limits.max_text);
        } else if block.body.is_empty() && line.starts_with("[gw") && line.contains(" -- Python ") {
            block.worker = line[1..].split(']').next().map(str::to_owned);
        } else {
            block.body.push_line(line, limits.max_text);
        }
    }

    fn summary_line(&mut self, line: &str, limits: Limits) {
        let Some(found) = summary(line) else {
            // A message of several lines, or an id with a line break.
            if let Some(last) = self.named.last_mut()
                && last.rest.len() + line.len() < limits.max_text
            {
                last.rest.push('\n');
                last.rest.push_str(line);
            }
            return;
        };
        match found.verdict {
            Verdict::Ended(Outcome::Failed | Outcome::Error) | Verdict::SubtestFailed => {
                if self.named.len() < limits.max_failures {
                    let subtest = found.subtest.map(str::to_owned);
                    self.named.push(Named { verdict: found.verdict, rest: found.rest.to_owned(), subtest });
                } else {
                    self.left_out += 1;
                }
            }
            Verdict::Ended(outcome) => {
                let id = found.rest[..super::marks::id_splits(found.rest)[0]].trim();
                if is_id(id) && outcome != Outcome::Skipped {
                    self.outcomes.add(id, outcome, None, limits.keep_names);
                }
            }
            Verdict::Rerun => self.count_rerun(found.rest.split(" - ").next().unwrap_or_default().trim()),
            Verdict::SubtestFine => {}
        }
    }

    fn count_rerun(&mut self, id: &str) {
        if is_id(id) {
            // `-v` and the summary tell of the same reruns; the summary comes last and is not counted again.
            if self.state == State::Running {
                self.tally.reruns += 1;
            } else if self.tally.reruns > 0 {
                return;
            }
            *self.reruns.entry(id.to_owned()).or_default() += 1;
        }
    }

    /// `0.10s call     tests/test_a.py::test_b`
    fn duration_line(&mut self, line: &str) {
        let mut parts = line.splitn(3, ' ').map(str::trim);
        let seconds = parts.next().and_then(|text| text.strip_suffix('s')).and_then(|text| text.parse().ok());
        let phase = match parts.next() {
            Some("call") => Phase::Call,
            Some("setup") => Phase::Setup,
            Some("teardown") => Phase::Teardown,
            _ => return,
        };
        if let (Some(seconds), Some(id)) = (seconds, parts.next())
            && self.durations.len() < 100_000
        {
            self.durations.insert((id.to_owned(), phase), seconds);
        }
    }

    fn running_line(&mut self, line: &str, offset: u64, limits: Limits) {
        if self.in_block {
            // A conftest that could not be imported: up to the first empty line.
            if line.is_empty() {
                self.in_block = false;
            } else {
                self.push(line, limits);
            }
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

    fn ended(
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

    fn header_line(&mut self, line: &str) -> bool {
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
    fn dots(&mut self, line: &str, limits: Limits) {
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

    /// Ends the reading and fills in everything of `run` but its failures.
    pub(super) fn close(&mut self, run: &mut Run, limits: Limits) {
        if let Some((title, _)) = self.open_title.take() {
            self.push(&title, limits);
        }
        self.leave_block(limits);
        for (_, id) in std::mem::take(&mut self.passed) {
            self.outcomes.add(&id, Outcome::Passed, None, limits.keep_names);
        }
        if self.state == State::Outside && !self.seen_any {
            return;
        }
        let (counts, seconds) = self.counts.unwrap_or((self.tally, None));
        let total = &mut run.counts;
        total.passed += counts.passed;
        total.failed += counts.failed;
        total.errors += counts.errors;
        total.skipped += counts.skipped;
        total.xfailed += counts.xfailed;
        total.xpassed += counts.xpassed;
        total.reruns += counts.reruns;
        if let Some(seconds) = seconds {
            run.duration = Some(run.duration.unwrap_or_default() + seconds);
        }
        let exit = if !self.internal.is_empty() {
            Exit::Code(3)
        } else if self.interrupted {
            Exit::Interrupted
        } else {
            match self.counts {
                None if self.blocks.iter().any(|block| is_conftest(block)) => Exit::Code(4),
                // `-qq` prints neither a header nor a last line.
                None if !self.headed => Exit::Unknown,
                None => Exit::Unfinished,
                Some((counts, _)) if counts.failed + counts.errors > 0 => Exit::Code(1),
                Some((counts, _)) if counts == Counts::default() => Exit::Code(5),
                Some(_) => Exit::Code(0),
            }
        };
        run.exit = worse(run.exit, exit);
        if self.root.is_some() {
            run.root.clone_from(&self.root);
        }
        if self.tools != ToolInfo::default() {
            run.tools = std::mem::take(&mut self.tools);
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

/// Whether words between `_` rulers can be a test's: coverage and other plugins draw such rulers too.
fn is_test_title(title: &str) -> bool {
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

pub(super) fn is_conftest(block: &Block) -> bool {
    block.title.as_deref().is_some_and(|title| title.starts_with("ImportError while loading conftest "))
}

/// Of several sessions in one log the worst end counts.
fn worse(a: Exit, b: Exit) -> Exit {
    let rank = |exit: Exit| match exit {
        Exit::Unknown => 0,
        Exit::Code(0 | 5) => 1,
        Exit::Code(1) => 2,
        Exit::Interrupted => 3,
        Exit::Code(_) => 4,
        Exit::Unfinished => 5,
    };
    if rank(b) > rank(a) { b } else { a }
}

/// Whether a failure's text shows that its test's worker died, and the id it names.
pub(super) fn crashed_test(body: &str) -> Option<&str> {
    let line = body.lines().find(|line| traceback::is_worker_crash(line))?;
    line.split_once(" crashed while running '")?.1.trim_end().strip_suffix('\'')
}
