//! Failures and their test ids. Above a failure pytest prints only `TestA.test_b[x]`; the id is in the `-v`
//! lines, in the summary, or has to be put together from the paths of the traceback.

mod one_liners;

use std::collections::{HashMap, HashSet, VecDeque};

use super::marks::{Verdict, domain, id_splits, is_id};
use super::session::{Block, Limits, Session, crashed_test, is_conftest};
use crate::evidence::traceback;
use crate::model::{Detail, Failure, FailureKind, Outcome, Phase, TestId};
use one_liners::one_liners;

/// A failure that the summary or a `-v` line names.
#[derive(Debug, Clone)]
struct Known {
    id: String,
    subtest: Option<String>,
    phase: Phase,
    message: String,
    worker: Option<String>,
    claimed: bool,
}

/// The failures of a session.
pub(super) fn failures(session: &mut Session, limits: Limits) -> Vec<Failure> {
    let mut known = known(session);
    let mut by_title: HashMap<String, VecDeque<usize>> = HashMap::new();
    for (index, entry) in known.iter().enumerate() {
        by_title.entry(title_of(entry)).or_default().push_back(index);
    }
    let mut failures = Vec::new();
    let mut dots = Dots::new(session);
    let mut unnamed = Vec::new();
    for block in std::mem::take(&mut session.blocks) {
        if block.title.is_none() {
            unnamed.push(block);
            continue;
        }
        failures.push(named_block(block, session, &mut known, &mut by_title, &mut dots));
    }
    for block in unnamed {
        failures.extend(cut_off_block(block, &mut known));
    }
    one_liners(session, &mut known, &mut failures);
    for entry in known.into_iter().filter(|entry| !entry.claimed) {
        failures.push(bare(entry));
    }
    if !session.internal.is_empty() {
        let mut failure = Failure::bare(TestId::new("INTERNALERROR"), Phase::Collect);
        failure.kind = FailureKind::Internal;
        failure.text = std::mem::take(&mut session.internal).into_text().into();
        failure.detail = Detail::Traceback;
        failures.push(failure);
    }
    for failure in &mut failures {
        if let Some(&reruns) = session.reruns.get(failure.test.as_str()) {
            failure.reruns = reruns;
        }
        let key = (failure.test.as_str().to_owned(), failure.phase);
        failure.duration = session.durations.get(&key).copied();
    }
    // Every xdist worker collects, and tells of the same errors.
    let mut collected: HashSet<TestId> = HashSet::new();
    failures.retain(|failure| failure.phase != Phase::Collect || collected.insert(failure.test.clone()));
    if failures.len() > limits.max_failures {
        session.left_out += (failures.len() - limits.max_failures) as u64;
        failures.truncate(limits.max_failures);
    }
    failures
}

/// What the ruler above a known failure says.
fn title_of(entry: &Known) -> String {
    let name = domain(&entry.id);
    match (&entry.subtest, entry.phase) {
        (Some(subtest), _) => format!("{name} {subtest}"),
        (None, Phase::Collect) => format!("ERROR collecting {}", entry.id),
        (None, Phase::Setup | Phase::Teardown) => format!("ERROR {name}"),
        (None, Phase::Call) => name,
    }
}

/// All failures that are named, the summary's first.
fn known(session: &Session) -> Vec<Known> {
    let exact: HashSet<&str> = session.seen.iter().map(|seen| seen.id.as_str()).collect();
    let titles: HashSet<&str> = session
        .blocks
        .iter()
        .filter_map(|block| block.title.as_deref())
        .map(|title| bare_title(title).1)
        .collect();
    let mut known: Vec<Known> = Vec::new();
    for line in &session.named {
        let (rest, subtest) = match (&line.subtest, line.verdict) {
            (Some(subtest), _) => (line.rest.as_str(), Some(subtest.clone())),
            (None, Verdict::SubtestFailed) => split_subtest(&line.rest, &exact),
            _ => (line.rest.as_str(), None),
        };
        let (id, message) = split_id(rest, &exact, &titles);
        let id = id.trim().to_owned();
        if !is_id(&id) && !id.contains('/') && line.verdict != Verdict::Ended(Outcome::Error) {
            continue;
        }
        // The phase of errors is told below, when all lines are known.
        let phase = if line.verdict == Verdict::Ended(Outcome::Error) { Phase::Setup } else { Phase::Call };
        known.push(Known { id, subtest, phase, message: message.to_owned(), worker: None, claimed: false });
    }
    let failed: HashSet<String> = known
        .iter()
        .filter(|entry| entry.phase == Phase::Call && entry.subtest.is_none())
        .map(|entry| entry.id.clone())
        .collect();
    let mut errors: HashMap<String, u32> = HashMap::new();
    for entry in known.iter_mut().filter(|entry| entry.phase != Phase::Call) {
        let count = errors.entry(entry.id.clone()).or_default();
        *count += 1;
        entry.phase = error_phase(session, &entry.id, *count, failed.contains(&entry.id));
    }
    add_seen(session, &mut known);
    known
}

/// Adds what only `-v` lines name, and the workers.
fn add_seen(session: &Session, known: &mut Vec<Known>) {
    let mut listed: HashMap<(String, bool), Vec<usize>> = HashMap::new();
    for (index, entry) in known.iter().enumerate() {
        let name = entry.subtest.as_ref().map_or(entry.id.clone(), |s| format!("{} {s}", entry.id));
        listed.entry((name, entry.phase == Phase::Call)).or_default().push(index);
    }
    let summary_has_errors = known.iter().any(|entry| entry.phase != Phase::Call);
    let mut errors_seen: HashMap<&str, usize> = HashMap::new();
    for seen in &session.seen {
        let call = seen.verdict != Verdict::Ended(Outcome::Error);
        match listed.get(&(seen.id.clone(), call)) {
            Some(indexes) => {
                let nth = errors_seen.entry(&seen.id).or_default();
                for &index in indexes {
                    known[index].worker.clone_from(&seen.worker);
                }
                if !call && let Some(&index) = indexes.get(*nth) {
                    if seen.after_call {
                        known[index].phase = Phase::Teardown;
                    }
                    *nth += 1;
                }
            }
            None if !call
                && summary_has_errors
                && session.named.len() > 1
                && errors_seen.contains_key(&*seen.id) => {}
            None => {
                let phase = match (call, seen.after_call) {
                    (true, _) => Phase::Call,
                    (false, true) => Phase::Teardown,
                    (false, false) => Phase::Setup,
                };
                let (id, subtest) = match seen.verdict {
                    Verdict::SubtestFailed => split_seen_subtest(&seen.id),
                    _ => (seen.id.as_str(), None),
                };
                known.push(Known {
                    id: id.to_owned(),
                    subtest,
                    phase,
                    message: String::new(),
                    worker: seen.worker.clone(),
                    claimed: false,
                });
            }
        }
    }
}

/// `tests/a.py::b [msg] (i=1)`
fn split_seen_subtest(text: &str) -> (&str, Option<String>) {
    let names = text.find("::").unwrap_or(0);
    match text[names..].find([' ']).map(|at| names + at) {
        Some(at) if text[at + 1..].starts_with(['[', '(']) => (&text[..at], Some(text[at + 1..].to_owned())),
        _ => (text, None),
    }
}

/// `[discount] (percent=10) tests/a.py::b - message`: the id and what follows, and the description.
fn split_subtest<'a>(rest: &'a str, exact: &HashSet<&str>) -> (&'a str, Option<String>) {
    let mut best = None;
    for (at, _) in rest.match_indices("] ").chain(rest.match_indices(") ")).take(64) {
        let after = &rest[at + 2..];
        let word = after.split(" - ").next().unwrap_or(after).trim();
        if exact.contains(word) {
            return (after, Some(rest[..=at].to_owned()));
        }
        if is_id(word) && !word.starts_with(['[', '(', ':']) && best.is_none_or(|best| at > best) {
            best = Some(at);
        }
    }
    match best {
        Some(at) => (&rest[at + 2..], Some(rest[..=at].to_owned())),
        None => (rest, None),
    }
}

/// Tells id and message of a summary line apart.
fn split_id<'a>(rest: &'a str, exact: &HashSet<&str>, titles: &HashSet<&str>) -> (&'a str, &'a str) {
    let splits = id_splits(rest);
    let at = splits
        .iter()
        .find(|&&at| exact.contains(rest[..at].trim()))
        .or_else(|| splits.iter().find(|&&at| titles.contains(&*domain(rest[..at].trim()))))
        .unwrap_or(&splits[0]);
    (&rest[..*at], rest[*at..].strip_prefix(" - ").unwrap_or_default())
}

fn error_phase(session: &Session, id: &str, count: u32, failed: bool) -> Phase {
    if !id.contains("::") {
        Phase::Collect
    } else if failed || count > 1 || session.outcomes.contains(id) {
        Phase::Teardown
    } else {
        Phase::Setup
    }
}

/// The phase a title tells, and the test's name in it.
fn bare_title(title: &str) -> (Option<Phase>, &str) {
    for (start, phase) in [
        ("ERROR at setup of ", Phase::Setup),
        ("ERROR at teardown of ", Phase::Teardown),
        ("ERROR at call of ", Phase::Call),
        ("ERROR collecting ", Phase::Collect),
    ] {
        if let Some(rest) = title.strip_prefix(start) {
            return (Some(phase), rest.strip_prefix("[doctest] ").unwrap_or(rest));
        }
    }
    (None, title.strip_prefix("[doctest] ").unwrap_or(title))
}

fn named_block(
    mut block: Block,
    session: &Session,
    known: &mut [Known],
    by_title: &mut HashMap<String, VecDeque<usize>>,
    dots: &mut Dots,
) -> Failure {
    let title = block.title.take().unwrap_or_default();
    let worker = block.worker.take();
    let sections = block.sections();
    let conftest = title.starts_with("ImportError while loading conftest ");
    let body = std::mem::take(&mut block.body).into_text();
    let (phase, name) = bare_title(&title);
    let phase = if conftest { Phase::Collect } else { phase.unwrap_or(Phase::Call) };
    let hint = dots.next(phase);

    let crashed = crashed_test(&body).map(str::to_owned);
    let key = match phase {
        Phase::Collect => format!("ERROR collecting {name}"),
        Phase::Setup | Phase::Teardown => format!("ERROR {name}"),
        Phase::Call => crashed.as_deref().map_or_else(|| name.to_owned(), domain),
    };
    let found = claim(&key, phase, &body, known, by_title);
    let mut failure = match found {
        Some(index) => {
            let entry = &mut known[index];
            entry.claimed = true;
            let mut failure = Failure::bare(TestId::new(&entry.id), phase);
            failure.subtest.clone_from(&entry.subtest);
            failure.headline = std::mem::take(&mut entry.message);
            failure.worker = entry.worker.take();
            failure
        }
        None if conftest => Failure::bare(TestId::new(&conftest_path(&title, &body, session)), phase),
        None => {
            let (id, subtest) = match crashed {
                Some(id) => (id, None),
                None => put_together(
                    name,
                    phase,
                    &body,
                    session,
                    hint.as_deref(),
                    title.starts_with("[doctest] "),
                ),
            };
            let mut failure = Failure::bare(TestId::new(&id), phase);
            failure.subtest = subtest;
            failure
        }
    };
    failure.kind = kind_of(&body);
    failure.worker = worker.or(failure.worker);
    failure.detail = if body.is_empty() { Detail::Name } else { Detail::Traceback };
    failure.text = body.into();
    failure.sections = sections;
    failure
}

fn kind_of(text: &str) -> FailureKind {
    if crashed_test(text).is_some() {
        FailureKind::Crash
    } else if text.starts_with("[XPASS(strict)]") || text == "Unexpected success" {
        FailureKind::StrictXpass
    } else {
        FailureKind::Exception
    }
}

/// The known failure that a title means: of several, the first whose file the traceback shows.
fn claim(
    key: &str,
    phase: Phase,
    body: &str,
    known: &mut [Known],
    by_title: &mut HashMap<String, VecDeque<usize>>,
) -> Option<usize> {
    let queue = by_title.get_mut(key)?;
    // Errors of setup and teardown share a title; which is which was only guessed.
    let exact = |index: &usize| known[*index].phase == phase;
    let file_of = |index: usize| known[index].id.split("::").next().unwrap_or_default().to_owned();
    let first = *queue.front()?;
    let several = queue.iter().take(64).any(|&index| file_of(index) != file_of(first));
    let position = if several {
        let shown: Vec<String> = traceback::parse(body)
            .exceptions
            .iter()
            .rev()
            .flat_map(|exception| exception.frames.iter().map(|frame| frame.path.replace('\\', "/")))
            .take(64)
            .collect();
        queue
            .iter()
            .take(64)
            .position(|&index| shown.iter().any(|path| ends_with_path(path, &file_of(index))))
            .unwrap_or(0)
    } else {
        queue.iter().take(8).position(exact).unwrap_or(0)
    };
    queue.remove(position)
}

fn ends_with_path(path: &str, file: &str) -> bool {
    path.strip_suffix(file).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
        || file.strip_suffix(path).is_some_and(|rest| rest.ends_with('/'))
}

/// The files of the `F`s and `E`s in the progress dots, in the order of the failures; of no use if their
/// numbers differ.
struct Dots {
    failed: VecDeque<String>,
    errors: VecDeque<String>,
}

impl Dots {
    fn new(session: &mut Session) -> Self {
        let titled = |errors: bool| {
            let blocks =
                session.blocks.iter().filter(|block| !is_conftest(block) && block.in_errors == errors);
            blocks.filter(|b| b.title.as_deref().is_some_and(|t| !t.starts_with("ERROR collecting "))).count()
        };
        let whole = |dots: &mut Vec<String>, count: usize| {
            let dots = std::mem::take(dots);
            if dots.len() == count { dots.into() } else { VecDeque::new() }
        };
        let (errors, failed) = (titled(true), titled(false));
        Self {
            failed: whole(&mut session.dots_failed, failed),
            errors: whole(&mut session.dots_errors, errors),
        }
    }

    fn next(&mut self, phase: Phase) -> Option<String> {
        match phase {
            Phase::Collect => None,
            Phase::Call => self.failed.pop_front(),
            Phase::Setup | Phase::Teardown => self.errors.pop_front(),
        }
    }
}

/// An id from a title and the paths of the traceback. Without any hint of the file it is the name alone.
fn put_together(
    name: &str,
    phase: Phase,
    body: &str,
    session: &Session,
    hint: Option<&str>,
    doctest: bool,
) -> (String, Option<String>) {
    if phase == Phase::Collect {
        return (name.to_owned(), None);
    }
    let (name, subtest) = match name.find([' ', '[']).filter(|&at| name.as_bytes()[at] == b' ') {
        Some(at) if name[at + 1..].starts_with(['[', '(']) => (&name[..at], Some(name[at + 1..].to_owned())),
        _ => (name, None),
    };
    let bare = name.split('[').next().unwrap_or(name);
    let function = bare.rsplit('.').next().unwrap_or(bare);
    let parsed = traceback::parse(body);
    let frames = parsed.exceptions.last().map_or(&[][..], |exception| &exception.frames);
    let file = hint.map(str::to_owned).or_else(|| {
        let test = frames.iter().find(|frame| frame.function.as_deref() == Some(function));
        let first = frames.first().filter(|_| phase == Phase::Call);
        test.or(first).map(|frame| relative(&frame.path, session.root.as_deref()))
    });
    let names =
        if doctest { name.to_owned() } else { format!("{}{}", bare.replace('.', "::"), &name[bare.len()..]) };
    (file.map_or(names.clone(), |file| format!("{file}::{names}")), subtest)
}

fn relative(path: &str, root: Option<&str>) -> String {
    let path = path.replace('\\', "/");
    let root = root.map(|root| root.replace('\\', "/"));
    let inside = root.as_deref().and_then(|root| path.strip_prefix(root.trim_end_matches('/')));
    inside.and_then(|rest| rest.strip_prefix('/')).map_or(path.clone(), str::to_owned)
}

/// The path of a conftest that could not be imported, as its frames give it.
fn conftest_path(title: &str, body: &str, session: &Session) -> String {
    let path = title.split('\'').nth(1).unwrap_or_default().replace('\\', "/");
    let parsed = traceback::parse(body);
    let frames = parsed.exceptions.iter().flat_map(|exception| &exception.frames);
    frames
        .map(|frame| frame.path.replace('\\', "/"))
        .find(|shown| !shown.starts_with("..") && path.ends_with(&format!("/{shown}")))
        .unwrap_or_else(|| relative(&path, session.root.as_deref()))
}

/// A failure whose title was cut off belongs to the only named one whose message it has.
fn cut_off_block(mut block: Block, known: &mut [Known]) -> Option<Failure> {
    let sections = block.sections();
    let body = std::mem::take(&mut block.body).into_text();
    let parsed = traceback::parse(&body);
    let last = parsed.exceptions.last().filter(|last| !last.frames.is_empty())?;
    let first_line = last.message.lines().next().unwrap_or_default();
    let fits = |entry: &Known| {
        let message = entry.message.lines().next().unwrap_or_default();
        let message = message.strip_suffix("...").unwrap_or(message);
        !message.is_empty()
            && (first_line.starts_with(message)
                || message.strip_prefix(&*last.type_name).is_some_and(|rest| {
                    rest.is_empty()
                        || rest.strip_prefix(": ").is_some_and(|rest| first_line.starts_with(rest))
                }))
    };
    let mut fitting = known.iter_mut().filter(|entry| !entry.claimed && fits(entry));
    let entry = fitting.next()?;
    if fitting.next().is_some() {
        return None;
    }
    entry.claimed = true;
    let mut failure = bare(entry.clone());
    failure.kind = FailureKind::Exception;
    failure.detail = Detail::Traceback;
    failure.text = body.into();
    failure.sections = sections;
    Some(failure)
}

fn bare(entry: Known) -> Failure {
    let mut failure = Failure::bare(TestId::new(&entry.id), entry.phase);
    failure.kind = if entry.message.starts_with("[XPASS(strict)]") {
        FailureKind::StrictXpass
    } else if traceback::is_worker_crash(&entry.message) {
        FailureKind::Crash
    } else {
        FailureKind::Unknown
    };
    failure.detail = if entry.message.is_empty() { Detail::Name } else { Detail::Message };
    failure.headline = entry.message;
    failure.subtest = entry.subtest;
    failure.worker = entry.worker;
    failure
}
