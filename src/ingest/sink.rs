//! Where the readers put what they find: counts, limits, reruns and repeats are handled here, once for all.

use std::time::SystemTime;

use super::ReadOptions;
use super::text::{first_line, without_ansi};
use crate::model::maps::Map;
use crate::model::{Exit, Failure, Outcome, Problem, ResultFormat, ResultSource, Run, Section, TestId, hash};

/// Most problems listed one by one.
const MOST_PROBLEMS: usize = 100;

/// Builds a [`Run`] from what one file tells.
pub(crate) struct Sink<'a> {
    pub(crate) options: &'a ReadOptions,
    /// The run so far; its failures are added by [`Sink::finish`].
    pub(crate) run: Run,
    name: &'a str,
    failures: Vec<Option<Failure>>,
    /// Indices into `failures` by the hash of the test's id.
    failing: Map<u64, Vec<usize>>,
    /// A bit for the first 16 bits of each key of `failing`: most tests are none of them, which is quickly seen.
    maybe_failing: Vec<u64>,
    /// How many times a test was run before, by the hash of its id.
    reruns: Map<u64, u32>,
    left_out: u64,
    problems_left_out: u64,
    /// When the run ended, as far as the file says.
    pub(crate) ended: Option<SystemTime>,
}

impl<'a> Sink<'a> {
    /// An empty run of the file `name`.
    pub(crate) fn new(name: &'a str, options: &'a ReadOptions) -> Self {
        Self {
            options,
            run: Run::default(),
            name,
            failures: Vec::new(),
            failing: Map::default(),
            maybe_failing: vec![0; 1 << 10],
            reruns: Map::default(),
            left_out: 0,
            problems_left_out: 0,
            ended: None,
        }
    }

    /// Lists something that could not be read.
    pub(crate) fn problem(&mut self, offset: Option<u64>, message: impl Into<String>) {
        if self.run.problems.len() >= MOST_PROBLEMS {
            self.problems_left_out += 1;
            return;
        }
        self.run.problems.push(Problem { file: self.name.to_owned(), offset, message: message.into() });
    }

    /// The record stops at `offset`, in the middle.
    pub(crate) fn unfinished(&mut self, offset: u64, what: &str) {
        self.run.exit = Exit::Unfinished;
        self.problem(
            Some(offset),
            format!(
                "the file ends in the middle {what}; what came before was read. Was the run killed, or is it still going?"
            ),
        );
    }

    /// Records a test (or subtest) that did not fail. A later pass takes the place of earlier failures of the
    /// same test: it was run again.
    pub(crate) fn ended_well(&mut self, test: &str, outcome: Outcome, duration: Option<f64>) {
        let key = hash(test);
        let (word, bit) = filter_place(key);
        if self.maybe_failing[word] & bit != 0
            && let Some(indices) = self.failing.get_mut(&key)
            && outcome != Outcome::Skipped
        {
            let failures = &mut self.failures;
            let mut replaced = 0;
            indices.retain(|at| {
                // A test can pass though subtests of it failed.
                let same =
                    failures[*at].as_ref().is_some_and(|f| f.subtest.is_none() && f.test.as_str() == test);
                if same {
                    failures[*at] = None;
                    replaced = 1;
                }
                !same
            });
            if indices.is_empty() {
                self.failing.remove(&key);
            }
            if replaced > 0 {
                self.rerun(test);
            }
        }
        self.run.outcomes.add_hashed(key, test, outcome, duration, self.options.keep_names);
    }

    /// Records one more execution of `test` that is not its last.
    pub(crate) fn rerun(&mut self, test: &str) {
        self.run.counts.reruns += 1;
        *self.reruns.entry(hash(test)).or_default() += 1;
        *self.run.outcomes.reruns.entry(TestId::new(test)).or_default() += 1;
    }

    /// Records a failure. One of the same test and phase takes the place of an earlier one: it was run again.
    /// Subtests of one description stay apart.
    pub(crate) fn failed(&mut self, mut failure: Failure) {
        let key = hash(failure.test.as_str());
        let failures = &mut self.failures;
        let indices = self.failing.entry(key).or_default();
        let (word, bit) = filter_place(key);
        self.maybe_failing[word] |= bit;
        let same = |other: &Failure| {
            other.test == failure.test && other.phase == failure.phase && other.subtest == failure.subtest
        };
        let earlier = indices.iter().copied().find(|at| failures[*at].as_ref().is_some_and(same));
        match earlier {
            Some(at) if failure.subtest.is_none() => {
                failures[at] = None;
                indices.retain(|index| *index != at);
                self.run.counts.reruns += 1;
                *self.run.outcomes.reruns.entry(failure.test.clone()).or_default() += 1;
                failure.reruns += 1;
            }
            Some(_) => {
                let alike = indices.len();
                failure.subtest = failure.subtest.map(|name| format!("{name} #{}", alike + 1));
            }
            None => {}
        }
        if self.failures.len() >= self.options.max_failures {
            self.left_out += 1;
            return;
        }
        failure.reruns += self.reruns.get(&key).copied().unwrap_or(0);
        indices.push(self.failures.len());
        self.failures.push(Some(failure));
    }

    /// `text` without control sequences and no longer than may be kept; a cut is listed as a problem.
    pub(crate) fn text(&mut self, text: &str, offset: u64) -> String {
        let mut bounded = super::text::Bounded::new(self.options.max_text);
        bounded.push(without_ansi(text).as_bytes());
        let (text, dropped) = bounded.take();
        self.cut(dropped, offset);
        text
    }

    /// Lists that `dropped` bytes of a text at `offset` were left out, if any were.
    pub(crate) fn cut(&mut self, dropped: u64, offset: u64) {
        if dropped > 0 {
            self.problem(Some(offset), format!("{dropped} bytes of a long text were left out of its middle"));
        }
    }

    /// The run. `modified` dates it when the file does not.
    pub(crate) fn finish(mut self, format: ResultFormat, bytes: u64, modified: Option<SystemTime>) -> Run {
        if self.left_out > 0 {
            let message = format!(
                "{} more failures were left out; only {} are kept",
                self.left_out, self.options.max_failures
            );
            self.problem(None, message);
        }
        if self.problems_left_out > 0 {
            self.run.problems.push(Problem {
                file: self.name.to_owned(),
                offset: None,
                message: format!("{} more problems of this kind", self.problems_left_out),
            });
        }
        // In this form it is collected in place, where `flatten` would need the memory twice.
        self.failures.retain(Option::is_some);
        self.run.failures = self.failures.into_iter().map_while(|failure| failure).collect();
        self.run.count();
        self.run.sources.push(ResultSource {
            name: self.name.to_owned(),
            format,
            time: self.ended.or(modified),
            bytes,
        });
        self.run
    }
}

/// Word and bit of `key` in [`Sink::maybe_failing`].
fn filter_place(key: u64) -> (usize, u64) {
    ((key >> 54) as usize, 1 << (key >> 48 & 63))
}

/// Adds a captured section unless it is empty.
pub(crate) fn add_section(sections: &mut Vec<Section>, name: &str, text: String) {
    if !text.trim().is_empty() {
        sections.push(Section { name: name.to_owned(), text });
    }
}

/// The headline of a failure of which only the text is known: the last `E` line's exception, or the first line.
pub(crate) fn headline(text: &str) -> String {
    let line = text
        .lines()
        .filter_map(|line| line.strip_prefix("E   "))
        .map(str::trim_start)
        .find(|line| !line.is_empty())
        .unwrap_or(text.trim_start());
    first_line(line, 1000).to_owned()
}
