//! The plugin's event streams. See [`crate::pytest::events`] for the format.

use std::collections::{BTreeSet, HashSet};
use std::io::Read;
use std::time::{Duration, SystemTime};

use super::{IngestError, ReadOptions};
use crate::model::{
    Assertion, Detail, Exception, Exit, Failure, FailureKind, FixtureUse, Frame, Link, Outcome, Phase,
    Problem, ResultFormat, ResultSource, Run, Section, TestId, ToolInfo, Value,
};
use crate::pytest::events::{
    self, End, Event, ExceptionEvent, FailureEvent, FrameEvent, Kind, LinkEvent, Session, Verdict,
};
use crate::pytest::follow::{Line, Lines};

/// Whether `head`, the beginning of a file, is that of an event stream.
pub fn matches(head: &[u8]) -> bool {
    head.starts_with(events::MAGIC)
}

/// Reads a whole stream, or as much as there is of one that is still being written.
pub fn read(
    mut input: impl Read,
    name: &str,
    modified: Option<SystemTime>,
    options: &ReadOptions,
) -> Result<Run, IngestError> {
    let failed = |source| IngestError::Io { file: name.to_owned(), source };
    let mut assembler = Assembler::new(name, options.clone());
    let mut lines = Lines::default();
    let mut buffer = vec![0; 1 << 16];
    let mut is_gone = false;
    loop {
        let count = match input.read(&mut buffer) {
            // What it wrote last may have come after the end that was just seen.
            Ok(0) if !is_gone && !assembler.finished && assembler.process_is_running() == Some(false) => {
                is_gone = true;
                continue;
            }
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(failed(error)),
        };
        assembler.bytes += count as u64;
        lines.feed(&buffer[..count], |offset, line| assembler.line(offset, line));
    }
    // A last line without its end is what a killed process leaves, or one that is just writing; it is whole
    // if only the line break is missing.
    let (_, rest) = lines.rest();
    if let Ok(Some(event)) = events::parse(rest) {
        assembler.push(event);
    }
    if is_gone {
        assembler.process_is_gone();
    }
    Ok(assembler.finish(modified))
}

/// Puts a run together from events as they come.
#[derive(Debug, Clone)]
pub struct Assembler {
    run: Run,
    options: ReadOptions,
    name: String,
    bytes: u64,
    /// Tests that have begun and not ended.
    running: BTreeSet<String>,
    /// Tests with a failure whose end has not come.
    unsettled: HashSet<String>,
    failures_seen: usize,
    cut_texts: usize,
    finished: bool,
    interrupted: bool,
    /// Host and id of the process that writes.
    process: (String, u32),
}

impl Assembler {
    /// Nothing has happened yet. `name` is the stream's name in sources and problems.
    pub fn new(name: &str, options: ReadOptions) -> Self {
        Self {
            run: Run { exit: Exit::Unfinished, ..Run::default() },
            options,
            name: name.to_owned(),
            bytes: 0,
            running: BTreeSet::new(),
            unsettled: HashSet::new(),
            failures_seen: 0,
            cut_texts: 0,
            finished: false,
            interrupted: false,
            process: (String::new(), 0),
        }
    }

    /// What is known so far; [`Run::sources`] is filled by [`Self::finish`] only.
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// The tests that are running.
    pub fn running(&self) -> impl Iterator<Item = &str> {
        self.running.iter().map(String::as_str)
    }

    /// Whether the run is over.
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// Whether the process that runs the tests is still there; `None` if this machine cannot know.
    pub fn process_is_running(&self) -> Option<bool> {
        let (host, id) = &self.process;
        crate::system::is_running(host, *id)
    }

    /// Says that the process has ended without finishing its run (it was killed or crashed): the tests that
    /// were running count as crashed, except those whose failure is known: how they end is written when the next one
    /// begins, so nothing tells that they were still running. Only who knows that the process is gone may call this.
    pub fn process_is_gone(&mut self) {
        if self.finished || self.interrupted {
            return;
        }
        for id in std::mem::take(&mut self.running) {
            if !self.unsettled.insert(id.clone()) {
                continue;
            }
            let mut failure = Failure::bare(TestId::new(&id), Phase::Call);
            failure.kind = FailureKind::Crash;
            "the Python process died while this test was running".clone_into(&mut failure.headline);
            failure.detail = Detail::Message;
            self.run.failures.push(failure);
        }
    }

    fn line(&mut self, offset: u64, line: Line<'_>) {
        let message = match line {
            Line::Whole(bytes) if bytes.iter().all(u8::is_ascii_whitespace) => return,
            Line::Whole(bytes) => match events::parse(bytes) {
                Ok(Some(event)) => return self.push(event),
                Ok(None) => return,
                Err(error) => format!("the line is no event ({error}); it was skipped"),
            },
            Line::TooLong => "the line is too long; it was skipped".to_owned(),
        };
        self.problem(Some(offset), message);
    }

    fn problem(&mut self, offset: Option<u64>, message: String) {
        // One broken line may be followed by a million.
        if self.run.problems.len() < 100 {
            self.run.problems.push(Problem { file: self.name.clone(), offset, message });
        }
    }

    /// Takes the next event.
    pub fn push(&mut self, event: Event) {
        match event {
            Event::Session(session) => self.session(session),
            Event::Begin(begin) => {
                self.running.insert(begin.id);
            }
            Event::Failure(failure) => self.failure(*failure),
            Event::End(end) => self.end(&end),
            Event::Interrupted(_) => {
                self.interrupted = true;
                self.run.exit = Exit::Interrupted;
            }
            Event::Finish(finish) => {
                self.finished = true;
                self.run.duration = Some(finish.seconds);
                if !self.interrupted {
                    self.run.exit = Exit::Code(finish.exit);
                }
            }
            Event::Collected(_) | Event::Trace(_) | Event::Steps(_) => {}
        }
    }

    fn session(&mut self, session: Session) {
        if session.version > events::VERSION {
            let message = format!(
                "the stream has version {}, written by a newer plugin; this program knows {} and may miss \
                 something: update it",
                session.version,
                events::VERSION
            );
            self.problem(Some(0), message);
        }
        self.process = (session.host, session.pid);
        let text = |text: String| (!text.is_empty()).then_some(text);
        self.run.root = text(session.root);
        self.run.started = Duration::try_from_secs_f64(session.time)
            .ok()
            .and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since));
        self.run.args = session.args;
        self.run.tools = ToolInfo {
            python: text(session.python),
            pytest: text(session.pytest),
            platform: text(session.platform),
            plugins: session.plugins,
        };
    }

    fn failure(&mut self, event: FailureEvent) {
        if event.outcome == Verdict::Rerun {
            return;
        }
        if let Some(note) = &event.note {
            let message = format!("{}: {note}", event.id);
            self.problem(None, message);
        }
        self.failures_seen += 1;
        if event.phase == Phase::Collect || event.kind == Kind::Internal {
            self.run.counts.errors += 1;
        } else {
            self.unsettled.insert(event.id.clone());
        }
        if self.run.failures.len() < self.options.max_failures {
            let failure = self.converted(event);
            self.run.failures.push(failure);
        }
    }

    fn end(&mut self, end: &End) {
        self.running.remove(&end.id);
        self.unsettled.remove(&end.id);
        let counts = &mut self.run.counts;
        counts.reruns += u64::from(end.reruns);
        if end.reruns > 0 {
            self.run.outcomes.reruns.insert(TestId::new(&end.id), end.reruns);
        }
        match end.outcome {
            Outcome::Passed => counts.passed += 1,
            Outcome::Failed => counts.failed += 1,
            Outcome::Error => counts.errors += 1,
            Outcome::Skipped => counts.skipped += 1,
            Outcome::Xfailed => counts.xfailed += 1,
            Outcome::Xpassed => counts.xpassed += 1,
        }
        if !matches!(end.outcome, Outcome::Failed | Outcome::Error) {
            let (setup, call, teardown) = end.seconds;
            self.run.outcomes.add(
                &end.id,
                end.outcome,
                Some(setup + call + teardown),
                self.options.keep_names,
            );
        }
    }

    fn converted(&mut self, event: FailureEvent) -> Failure {
        let kind = match event.kind {
            Kind::Exception => FailureKind::Exception,
            Kind::StrictXpass => FailureKind::StrictXpass,
            Kind::Crash => FailureKind::Crash,
            Kind::Internal => FailureKind::Internal,
        };
        let detail = if !event.exceptions.is_empty() {
            Detail::Values
        } else if event.text.is_empty() {
            Detail::Message
        } else {
            Detail::Traceback
        };
        let mut failure = Failure::bare(TestId::new(&event.id), event.phase);
        failure.subtest = event.subtest;
        failure.kind = kind;
        failure.location = event.location;
        failure.exceptions = event.exceptions.into_iter().map(exception).collect();
        failure.headline = event.headline;
        failure.text = self.bounded(event.text).into();
        failure.sections = event
            .sections
            .into_iter()
            .map(|(name, text)| Section { name, text: self.bounded(text) })
            .collect();
        failure.duration = Some(event.seconds);
        failure.worker = event.worker;
        failure.reruns = event.reruns;
        failure.fixtures = event
            .fixtures
            .into_iter()
            .map(|f| FixtureUse { name: f.name, scope: f.scope, location: f.location })
            .collect();
        failure.params = event.params;
        failure.marks = event.marks;
        failure.detail = detail;
        failure
    }

    /// `text` without what is beyond the limit: its middle.
    fn bounded(&mut self, text: String) -> String {
        let max = self.options.max_text;
        if text.len() <= max {
            return text;
        }
        self.cut_texts += 1;
        let head = text.floor_char_boundary(max / 2);
        let tail = text.ceil_char_boundary(text.len() - max / 2);
        format!("{}\n[…]\n{}", &text[..head], &text[tail..])
    }

    /// The run with its source; `modified` dates a stream that does not say when it ended.
    pub fn finish(mut self, modified: Option<SystemTime>) -> Run {
        let in_call: HashSet<&str> =
            self.run.failures.iter().filter(|f| f.phase == Phase::Call).map(|f| f.test.as_str()).collect();
        let failed = self.unsettled.iter().filter(|id| in_call.contains(id.as_str())).count() as u64;
        self.run.counts.failed += failed;
        self.run.counts.errors += self.unsettled.len() as u64 - failed;
        let left_out = self.failures_seen.saturating_sub(self.options.max_failures);
        if left_out > 0 {
            self.problem(
                None,
                format!("{left_out} failures beyond the first {} were left out", self.options.max_failures),
            );
        }
        if self.cut_texts > 0 {
            let message = format!(
                "{} texts were longer than {} bytes; their middle was left out",
                self.cut_texts, self.options.max_text
            );
            self.problem(None, message);
        }
        let ended = self
            .run
            .started
            .zip(self.run.duration)
            .and_then(|(start, seconds)| start.checked_add(Duration::try_from_secs_f64(seconds).ok()?));
        self.run.sources.push(ResultSource {
            name: self.name,
            format: ResultFormat::Events,
            time: ended.or(modified).or(self.run.started),
            bytes: self.bytes,
        });
        self.run
    }
}

fn exception(event: ExceptionEvent) -> Exception {
    let assertion = event.operands.map(|operands| Assertion {
        operator: operands.op,
        left: operands.left,
        right: Some(operands.right),
        ..Assertion::default()
    });
    Exception {
        type_name: event.type_name,
        message: event.message,
        link: match event.link {
            LinkEvent::Last => Link::Last,
            LinkEvent::Cause => Link::Cause,
            LinkEvent::Context => Link::Context,
        },
        frames: event.frames.into_iter().map(frame).collect(),
        assertion,
        group: event.group.into_iter().map(|chain| chain.into_iter().map(exception).collect()).collect(),
        notes: event.notes,
    }
}

fn frame(event: FrameEvent) -> Frame {
    Frame {
        path: event.path,
        line: event.line,
        span: event.span,
        function: event.function,
        source: event.source,
        locals: event
            .locals
            .into_iter()
            .map(|(name, repr, type_name)| Value { name, repr, type_name: Some(type_name) })
            .collect(),
        place: None,
        in_project: false,
    }
}
