//! What would mend a failure: small edits of the lines that ran, each tried in a replay of the test's file.
//!
//! Silent unless the replay first fails exactly as pytest said. An edit counts if the test then passes and no
//! other test of the file that passed before fails.

mod calls;
mod candidates;
mod caught;
mod expressions;
mod flow;
mod idioms;
mod library;
mod numbers;
mod parameters;
mod statements;
#[cfg(test)]
mod tests;
mod texts;
mod truth;

use std::collections::{BTreeMap, BTreeSet};

use super::case::{Case, code, in_tests};
use super::draft::{Draft, edited};
use super::value::Value;
use super::{Finding, case};
use crate::model::{FixTarget, Phase, Place, RelPath};
use crate::replay::{self, Program, Report, Results, Verdict};
use crate::workspace::python::{ExprKind, StmtKind};
use candidates::{Candidate, Hints};

/// Bytes of stack for the replay; only what is used is taken.
const STACK: usize = 64 << 20;
/// Steps that the first replay may take.
const FIRST: u64 = 60_000;
/// Steps that all replays of one failure may take together.
const ALL: u64 = 400_000;
/// Most edits that are tried.
const MAX_TRIED: usize = 600;
/// Most edits that are shown.
const MAX_SHOWN: usize = 3;
/// Confidence by what was found. On the development half of `fixtures/causes` (plugin) and 68 programs written after it,
/// 43 of 45 with one place and a usual slip were right, 13 of 17 with one place and a far-fetched edit, 8 of 15 with
/// several places: (right + 1) / (all + 2), less something for what those numbers have been tuned on.
const ONE_PLACE: f64 = 0.88;
const FAR_FETCHED: f64 = 0.66;
const SEVERAL_PLACES: f64 = 0.5;
/// From here on the place that a rule names goes before others that mend the failure in a replay, too.
const CERTAIN: f64 = 0.8;

/// An edit that mends the failure in the replay.
struct Mended {
    candidate: Candidate,
    old: String,
    new: String,
    /// Other tests of the file still fail with it.
    leaves: bool,
}

/// Adds what the replay finds to what the rules said.
pub(super) fn improve(case: &Case<'_>, finding: Finding) -> Finding {
    // A rule that is sure and has an edit needs no help.
    let has_edit = finding
        .fixes
        .iter()
        .any(|fix| fix.kind() == crate::model::FixKind::Edit && fix.target != FixTarget::Test);
    if finding.confidence >= 0.85 && has_edit {
        return finding;
    }
    // The replay calls itself for every call of the program, deeper than a worker's stack may be.
    let found = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK);
        thread.spawn_scoped(scope, || mend(case)).ok().and_then(|running| running.join().ok()).flatten()
    });
    match found {
        Some(found) if !found.mended.is_empty() => merged(case, finding, found),
        Some(found) if found.alone => order_dependent(finding),
        Some(Found { suspect: Some(at), report, .. }) if report.exception == "AssertionError" => {
            suspected(case, finding, &at)
        }
        _ => finding,
    }
}

/// How likely the place of a candidate is, from which lines ran.
struct Judge<'b> {
    base: &'b Results,
}

impl Judge<'_> {
    /// Small for what is likely: usual slips, in lines that no passing test ran.
    fn rank(&self, candidate: &Candidate) -> u32 {
        let key = (candidate.path.clone(), candidate.line);
        let ran = self.base.ran.contains_key(&key);
        let only_failing = ran && !self.base.passed.is_empty() && !self.base.passed.contains(&key);
        candidate.cost * 4 + 5 - 5 * u32::from(only_failing)
    }

    /// As the how many-th its line was done: what is done first is nearer to the cause than what it is passed to.
    fn order(&self, candidate: &Candidate) -> u32 {
        self.base.ran.get(&(candidate.path.clone(), candidate.line)).copied().unwrap_or(u32::MAX)
    }
}

struct Found {
    mended: Vec<Mended>,
    /// The test passes when it runs alone.
    alone: bool,
    report: Box<Report>,
    /// The line of the project that most likely made the wrong value, if none of the edits mends it.
    suspect: Option<Place>,
    /// The steps were used up before all edits were tried that are as likely.
    cut: bool,
}

/// The line that most likely made the wrong value: one that ran in no passing test, and that slips are possible in.
fn suspect(judge: &Judge<'_>, all: &[Candidate]) -> Option<Place> {
    let mut lines: BTreeMap<(&RelPath, u32), f64> = BTreeMap::new();
    for candidate in all.iter().filter(|candidate| candidate.cost <= 4) {
        let key = (candidate.path.clone(), candidate.line);
        if is_test(&candidate.path) || !judge.base.ran.contains_key(&key) {
            continue;
        }
        let new = if judge.base.passed.contains(&key) { 1.0 } else { 3.0 };
        *lines.entry((&candidate.path, candidate.line)).or_default() += new / f64::from(candidate.cost);
    }
    let best = lines.into_iter().max_by(|(_, a), (_, b)| a.total_cmp(b));
    best.map(|((path, line), _)| Place::line(path.clone(), line))
}

fn mend(case: &Case<'_>) -> Option<Found> {
    let failure = case.representative();
    if matches!(failure.phase, Phase::Teardown) || failure.subtest.is_some() {
        return None;
    }
    let path = case.workspace.resolve(failure.test.file(), None)?;
    let program = Program::load(case.workspace, &path)?;
    let target = replay::name_of(&failure.test);
    let base = program.run(&target, FIRST);
    let Some(Verdict::Fail(report)) = base.of(&target) else { return None };
    if !agrees(case, report) {
        return None;
    }
    let report = report.clone();
    let alone =
        base.tests.len() > 1 && matches!(program.run_alone(&target, FIRST).of(&target), Some(Verdict::Pass));
    let hints = hints(&program, &report);
    let mut all: Vec<Candidate> = Vec::new();
    for source in program.files() {
        let tests = is_test(source.path());
        let ran: BTreeSet<u32> =
            base.ran.keys().filter(|(path, _)| path == source.path()).map(|(_, line)| *line).collect();
        // A fixture that was made for a test before it may be what they share.
        if ran.is_empty() && (tests && !alone || !tests && !uses_module_level(&base, source.path())) {
            continue;
        }
        let mut found = candidates::of_file(source, &ran, &hints);
        // In tests only fixtures and names of parameters are mended, never what a test does or expects.
        if tests {
            found.retain(|candidate| in_fixture(source, candidate.line));
            found.extend(parameters::of_tests(source));
        }
        all.extend(found);
    }
    let judge = Judge { base: &base };
    let failing: BTreeSet<(&RelPath, u32)> = report.trace.iter().map(|(path, line)| (path, *line)).collect();
    let last = report.trace.last();
    all.sort_by_key(|candidate| {
        let here = last.is_some_and(|(path, line)| *path == candidate.path && *line == candidate.line);
        let on_way = failing.contains(&(&candidate.path, candidate.line));
        judge.rank(candidate) - 2 * u32::from(here) - u32::from(on_way && !here)
    });
    if alone {
        // What passes alone has no slip in its own lines: only what is shared between tests can be it.
        all.retain(|candidate| candidate.shared);
    }
    let suspect = suspect(&judge, &all);
    let (mut mended, cut) = tried(&program, &target, &base, all);
    mended.sort_by_key(|mended| (judge.rank(&mended.candidate), judge.order(&mended.candidate)));
    Some(Found { mended, alone, report, suspect, cut })
}

/// Whether constants of the file's module level can matter: something of the file ran.
fn uses_module_level(base: &Results, path: &RelPath) -> bool {
    // A file of constants only has no lines that run during the test, but may be imported by one that has.
    !base.ran.is_empty() && !is_test(path)
}

fn is_test(path: &RelPath) -> bool {
    in_tests(&Place::line(path.clone(), 1))
}

fn in_fixture(source: &crate::workspace::SourceFile, line: u32) -> bool {
    source.module().fixtures().iter().any(|fixture| (fixture.start_line..=fixture.end_line).contains(&line))
}

/// Whether the replay fails as pytest said.
fn agrees(case: &Case<'_>, report: &Report) -> bool {
    let chain = &case.representative().exceptions;
    let Some(exception) = chain.last() else { return false };
    if exception.short_type() != report.exception {
        return false;
    }
    // The innermost frame of the project must be the same file.
    let place =
        exception.frames.iter().rev().find_map(|frame| frame.place.as_ref().filter(|_| frame.in_project));
    if let (Some(assertion), Some((left, right))) = (&exception.assertion, &report.compared)
        && !right.is_empty()
    {
        let seen = assertion.left.trim();
        let cut = seen.contains("...") || seen.contains('\n') || seen.contains("[REDACTED");
        if !cut && !left.is_empty() && Value::parse(seen) != Value::parse(left) && seen != left {
            return false;
        }
    }
    match (place, report.trace.last()) {
        (Some(place), Some((path, _))) => place.path == *path,
        _ => true,
    }
}

fn hints(program: &Program, report: &Report) -> Hints {
    let mut hints = Hints {
        exception: report.exception.clone(),
        message: report.message.clone(),
        fallbacks: ["0", "None", "\"\"", "False", "[]", "{}", "1"].map(str::to_owned).into(),
        ..Hints::default()
    };
    if let Some((left, right)) = &report.compared
        && !right.is_empty()
    {
        let (left, right) = (Value::parse(left), Value::parse(right));
        if let (Some(left), Some(right)) = (&left, &right) {
            texts(left, right, &mut hints);
        }
    }
    for source in program.files() {
        source.module().walk(&mut |stmt| {
            if let StmtKind::Class(class) = &stmt.kind {
                let names = source.module().attributes(class);
                hints.attributes.extend(names.iter().map(|binding| binding.name.to_string()));
            }
            if let StmtKind::Function(function) = &stmt.kind {
                let params = function.signature.params.iter().map(|param| param.name.to_string());
                let params = params.filter(|name| name != "self" && name != "cls").collect();
                hints.params.insert(function.name.to_string(), params);
                if replay::yields(&function.body) {
                    hints.generators.insert(function.name.to_string());
                }
            }
            for expr in stmt.expressions() {
                expr.walk(&mut |part| match &part.kind {
                    ExprKind::Subscript { index, .. } => hints.keys.extend(index.as_str().map(str::to_owned)),
                    ExprKind::Dict(items) => {
                        for key in items.iter().filter_map(|(key, _)| key.as_ref()) {
                            hints.keys.extend(key.as_str().map(str::to_owned));
                            if let ExprKind::Tuple(parts) = &key.kind {
                                hints.keys.extend(parts.iter().filter_map(|part| Some(part.as_str()?.to_owned())));
                            }
                        }
                    }
                    ExprKind::Call { func, args, .. } => {
                        if matches!(&func.kind, ExprKind::Attribute { attr, .. } if matches!(&**attr, "get" | "pop" | "setdefault")) {
                            hints.keys.extend(args.first().and_then(|arg| arg.as_str()).map(str::to_owned));
                        }
                    }
                    // The literals of the test are what may be missing elsewhere.
                    ExprKind::Str(text) if is_test(source.path()) && text.len() < 9 && text.chars().all(char::is_alphanumeric) && !text.is_empty() => {
                        let literal = format!("\"{text}\"");
                        if !hints.fallbacks.contains(&literal) && hints.fallbacks.len() < 14 {
                            hints.fallbacks.push(literal);
                        }
                    }
                    _ => {}
                });
            }
        });
    }
    hints
}

/// Finds where two values differ in a text or lack a key.
fn texts(left: &Value, right: &Value, hints: &mut Hints) {
    match (left, right) {
        (Value::Str(left), Value::Str(right)) if hints.swapped.is_none() && left != right => {
            let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
            let start = left.iter().zip(&right).take_while(|(a, b)| a == b).count();
            let rest = left.len().min(right.len()) - start;
            let end =
                left.iter().rev().zip(right.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
            let wrong: String = left[start..left.len() - end].iter().collect();
            let fitting: String = right[start..right.len() - end].iter().collect();
            // A text that is swapped several times differs in more than it should: its first character will do.
            let (wrong, fitting) = match (wrong.chars().next(), fitting.chars().next()) {
                (Some(a), Some(b))
                    if wrong.chars().count() == fitting.chars().count() && wrong.chars().count() > 3 =>
                {
                    (a.to_string(), b.to_string())
                }
                _ => (wrong, fitting),
            };
            let fine = |text: &str| !text.contains(['"', '\'', '\\', '\n', '{', '}']);
            if fine(&wrong) && fine(&fitting) && wrong.len() < 30 {
                hints.swapped = Some((wrong, fitting));
            }
        }
        (Value::Dict(left), Value::Dict(right)) => {
            for (key, value) in right {
                match left.iter().find(|(known, _)| known == key) {
                    Some((_, other)) => texts(other, value, hints),
                    None => {
                        if let Value::Str(key) = key {
                            hints.missing_keys.push(key.clone());
                        }
                    }
                }
            }
        }
        _ => {
            if let (Some(left), Some(right)) = (left.items(), right.items()) {
                for (a, b) in left.iter().zip(right) {
                    texts(a, b, hints);
                }
            }
        }
    }
}

/// Tries the candidates in order; gives those that mend the failure, the least far-fetched only, and whether the steps
/// were used up before the others could be tried.
fn tried(program: &Program, target: &str, base: &Results, all: Vec<Candidate>) -> (Vec<Mended>, bool) {
    let passed: Vec<&str> = base
        .tests
        .iter()
        .filter(|(_, verdict)| *verdict == Verdict::Pass)
        .map(|(name, _)| name.as_str())
        .collect();
    let mut fuel = ALL;
    let mut found: Vec<(usize, Mended)> = Vec::new();
    let mut seen: BTreeSet<(RelPath, String)> = BTreeSet::new();
    let each = (base.steps * 8).clamp(3_000, FIRST);
    let mut best = u32::MAX;
    let mut cut = false;
    for candidate in all.into_iter().take(MAX_TRIED) {
        cut = fuel < each;
        if candidate.cost > best.saturating_add(1) || cut || found.len() >= 12 {
            break;
        }
        let Some(source) = program.files().find(|file| *file.path() == candidate.path) else {
            continue;
        };
        let Some(text) = edited(source.text(), &candidate.edits) else { continue };
        if text == **source.text() || !seen.insert((candidate.path.clone(), text.clone())) {
            continue;
        }
        let Some(changed) = program.with(&candidate.path, &text) else { continue };
        let results = changed.run(target, each);
        fuel = fuel.saturating_sub(results.steps.max(40));
        if results.of(target) != Some(&Verdict::Pass) {
            continue;
        }
        if passed.iter().any(|name| results.of(name) != Some(&Verdict::Pass)) {
            continue;
        }
        let still = results.tests.iter().filter(|(_, verdict)| *verdict != Verdict::Pass).count();
        best = best.min(candidate.cost);
        let (old, new) = lines(source.text(), &text);
        let leaves = results.tests.iter().any(|(_, verdict)| matches!(verdict, Verdict::Fail(_)));
        found.push((still, Mended { candidate, old, new, leaves }));
    }
    // An edit that mends more of the file's failing tests is nearer to the cause.
    let fewest = found.iter().map(|(still, _)| *still).min().unwrap_or(0);
    found.retain(|(still, _)| *still == fewest);
    (found.into_iter().map(|(_, mended)| mended).collect(), cut)
}

/// The lines that differ, before and after, trimmed.
fn lines(before: &str, after: &str) -> (String, String) {
    let (a, b): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let start = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let rest = a.len().min(b.len()) - start;
    let end = a.iter().rev().zip(b.iter().rev()).take(rest).take_while(|(x, y)| x == y).count();
    let join = |lines: &[&str]| lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join("; ");
    (join(&a[start..a.len() - end]), join(&b[start..b.len() - end]))
}

/// The place of a candidate, with the function it is in.
fn place(case: &Case<'_>, candidate: &Candidate) -> Place {
    let function = case.workspace.source(&candidate.path).and_then(|source| {
        source.module().enclosing_function(candidate.line).map(|def| def.qualified_name.clone())
    });
    Place { function, ..Place::line(candidate.path.clone(), candidate.line) }
}

fn merged(case: &Case<'_>, mut finding: Finding, found: Found) -> Finding {
    let Found { mut mended, alone, report, cut, .. } = found;
    // What a rule that is sure has said of the place and a replay confirms goes before what only a replay says: without
    // an assertion whatever ends the exception makes a test pass.
    if finding.confidence >= CERTAIN
        && let Some((place, ..)) = finding.culprits.first()
        && let Some(at) =
            mended.iter().position(|m| m.candidate.path == place.path && m.candidate.line == place.line)
    {
        mended[..=at].rotate_right(1);
    }
    let first = &mended[0];
    let at = place(case, &first.candidate);
    let known =
        finding.culprits.first().is_some_and(|(place, ..)| place.path == at.path && place.line == at.line);
    let sure = finding.confidence >= 0.6;
    if cut && !known && finding.confidence >= CERTAIN {
        // An edit where the rule points to may not have been tried any more.
        finding.fixes.extend(mended.iter().take(MAX_SHOWN).map(|mended| draft(case, mended)));
        return finding;
    }
    let places: BTreeSet<(&RelPath, u32)> =
        mended.iter().map(|m| (&m.candidate.path, m.candidate.line)).collect();
    let confidence = match (places.len(), first.candidate.cost) {
        (1, 0..=2) => ONE_PLACE,
        (1, _) => FAR_FETCHED,
        _ => SEVERAL_PLACES,
    };
    // What leaves other tests failing may only hide the cause from this one.
    let confidence = if first.leaves { confidence.min(SEVERAL_PLACES) } else { confidence };
    let change = if first.new.is_empty() {
        format!("{} left out", code(&first.old))
    } else if first.old.is_empty() {
        format!("{} added", code(&first.new))
    } else {
        format!("{} instead of {}", code(&first.new), code(&first.old))
    };
    let why = &first.candidate.why;
    let mends = format!("with {change} the test passes in a replay");
    if sure && known {
        if !finding.root_cause.contains(why.as_str()) {
            finding.root_cause = format!("{}; {why}", finding.root_cause);
        }
        finding.confidence = finding.confidence.max(confidence);
    } else {
        let symptom = symptom(case, &finding, &report);
        finding.root_cause = format!("{symptom}: in {} {why}; {mends}", case::at(&at));
        finding.rule = "replayed";
        finding.suggestion = match first.new.as_str() {
            "" => format!("Remove {} ({})", code(&first.old), case::line_of(&at)),
            new => format!("Write {} ({})", code(new), case::line_of(&at)),
        };
        finding.confidence = confidence;
    }
    if alone {
        finding
            .root_cause
            .push_str("; the test passes when it runs alone, and fails after the tests before it");
    }
    finding = finding.shown(mends, Some(&at));
    finding.notes.retain(|note| !note.contains("What would settle it"));
    let score = finding.confidence;
    let reason = format!("{} mends the failure in a replay", code(&first.new));
    finding.culprits.retain(|(place, ..)| !(place.path == at.path && place.line == at.line));
    finding.culprits.insert(0, (at, score, vec![reason]));
    for other in mended.iter().skip(1).take(MAX_SHOWN) {
        let at = place(case, &other.candidate);
        if !finding.culprits.iter().any(|(known, ..)| known.path == at.path && known.line == at.line) {
            let reason = format!("{} mends the failure in a replay, too", code(&other.new));
            finding.culprits.insert(1, (at, score * 0.8, vec![reason]));
        }
    }
    let fixes: Vec<Draft> = mended.iter().take(MAX_SHOWN).map(|mended| draft(case, mended)).collect();
    finding.fixes.splice(0..0, fixes);
    finding
}

fn draft(case: &Case<'_>, mended: &Mended) -> Draft {
    let at = place(case, &mended.candidate);
    let target = if in_tests(&at) { FixTarget::Test } else { FixTarget::Code };
    let where_ = case::line_of(&at);
    let title = match (mended.old.as_str(), mended.new.as_str()) {
        (old, "") => format!("Remove {} ({where_})", code(old)),
        ("", new) => format!("Add {} ({where_})", code(new)),
        (old, new) => format!("Change {} to {} ({where_})", code(old), code(new)),
    };
    let mut why = mended.candidate.why.clone();
    if let Some(first) = why.get(..1) {
        why = first.to_uppercase() + &why[1..];
    }
    Draft::edits(target, title, why, mended.candidate.edits.clone())
}

/// What is wrong, before the reason: the finding's own sentence without guesses about the place.
fn symptom(case: &Case<'_>, finding: &Finding, report: &Report) -> String {
    if report.compared.is_some() && !finding.root_cause.is_empty() && finding.rule.starts_with("assertion") {
        return finding.root_cause.clone();
    }
    if finding.rule == "raised" || finding.root_cause.is_empty() {
        return case.last().map_or_else(|| finding.root_cause.clone(), case::named);
    }
    finding.root_cause.clone()
}

/// Puts the line that the replay suspects first, where nothing better is known.
fn suspected(case: &Case<'_>, mut finding: Finding, at: &Place) -> Finding {
    if finding.confidence > 0.5 || !finding.rule.starts_with("assertion") && finding.rule != "raised" {
        return finding;
    }
    let function = case
        .workspace
        .source(&at.path)
        .and_then(|source| source.module().enclosing_function(at.line).map(|def| def.qualified_name.clone()));
    let at = Place { function, ..at.clone() };
    let known =
        finding.culprits.iter().position(|(place, ..)| place.path == at.path && place.line == at.line);
    let score = finding.culprits.first().map_or(0.4, |(_, score, _)| (score + 0.01).min(0.5));
    let line = case
        .workspace
        .source(&at.path)
        .and_then(|source| source.line(at.line).map(|line| line.trim().to_owned()));
    if let Some(line) = line.filter(|line| !line.is_empty()) {
        finding.root_cause.push_str(&format!(
            "; most likely it is made in {}: {}",
            case::at(&at),
            code(&line)
        ));
    }
    let mut reasons = vec!["ran while the wrong value was made".to_owned()];
    if let Some(known) = known {
        reasons.extend(finding.culprits.remove(known).2);
    }
    finding.culprits.insert(0, (at, score, reasons));
    finding
}

fn order_dependent(mut finding: Finding) -> Finding {
    finding
        .root_cause
        .push_str("; the test passes when it runs alone: state left by a test before it is shared");
    finding
}
