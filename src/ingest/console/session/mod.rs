//! One pytest session in a log, line by line.

mod block;
mod died;
mod failures;
mod running;

use std::collections::HashMap;

use crate::evidence::traceback::{self, ruler_title};
use crate::ingest::console::marks::{
    Heading, Verdict, failure_title, final_counts, fits, heading, is_id, summary,
};
use crate::model::{Counts, Exit, Outcome, Phase, Run, TestOutcomes, ToolInfo};

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

pub(super) use block::{Block, Bounded};
use failures::is_test_title;

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
#[expect(clippy::struct_excessive_bools, reason = "independent facts about where the reader stands")]
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
    died: died::Died,
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
            && self.continue_title(&title, lines, line, offset, limits)
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
                Heading::Failures => self.state == State::Failures,
                Heading::SessionStart | Heading::Errors => true,
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

    fn leave_block(&mut self, limits: Limits) {
        self.in_block = false;
        if self.state == State::Failures && !self.loose.is_empty() {
            self.end_one_liner(limits);
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
                let id = found.rest[..crate::ingest::console::marks::id_splits(found.rest)[0]].trim();
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
            self.refused(limits);
            if !self.internal.is_empty() {
                run.exit = worse(run.exit, Exit::Code(4));
            }
            return;
        }
        if let Some(text) = self.died.take() {
            self.internal = text;
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
                None if self.blocks.iter().any(is_conftest) => Exit::Code(4),
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
