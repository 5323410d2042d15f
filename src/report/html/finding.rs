//! The details of one finding.

use std::borrow::Cow;
use std::cell::RefCell;

use askama::Template as _;

use super::pieces::{Pieces, Referring};
use super::{chart, prose};
use crate::model::{
    Also, Cluster, Edit, FailureRecord, Fix, FrameRecord, Grade, Phase, Redacted, Site, VerificationState,
};
use crate::report::document::place_text;
use crate::report::text::{counted, cut, one_line, visible};
use crate::report::{Meta, diff, human};

/// Tests listed by name.
const MAX_TESTS: usize = 300;
/// Tests listed with their own message.
const MAX_MESSAGES: usize = 30;
const MAX_VALUES: usize = 100;
const MAX_FRAMES: usize = 80;

#[derive(askama::Template)]
#[template(path = "finding.html", config = "src/report/html/askama.toml")]
struct Body<'a> {
    culprits: Vec<Suspect<'a>>,
    evidence: Vec<Evidence>,
    error: String,
    notes: Vec<String>,
    suggestion: String,
    fixes: Vec<Proposal<'a>>,
    comparison: Option<Sides<'a>>,
    values: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    tests_title: String,
    tests: Vec<Test<'a>>,
    more_tests: usize,
    frames: Vec<Group<'a>>,
    log: Vec<(&'static str, Cow<'a, str>)>,
    /// The strip of the recent runs, and what they say.
    stability: Option<(String, String)>,
    source: String,
    fingerprint: &'a str,
}

/// A place, and the link that opens it in the user's editor if that was asked for.
struct Link {
    text: String,
    href: Option<String>,
}

struct Suspect<'a> {
    place: Link,
    function: Cow<'a, str>,
    source: Cow<'a, str>,
    reasons: Vec<String>,
}

struct Evidence {
    text: String,
    place: Option<Link>,
}

struct Proposal<'a> {
    title: String,
    rationale: String,
    state: String,
    state_class: &'static str,
    command: Option<Cow<'a, str>>,
    edits: Vec<Change>,
}

struct Change {
    place: Link,
    lines: Vec<(&'static str, String)>,
}

struct Sides<'a> {
    operator: Cow<'a, str>,
    left: Vec<(bool, Cow<'a, str>)>,
    right: Vec<(bool, Cow<'a, str>)>,
}

struct Test<'a> {
    name: Cow<'a, str>,
    phase: String,
    place: Option<Link>,
    message: String,
}

struct Group<'a> {
    title: String,
    frames: Vec<Frame<'a>>,
}

struct Frame<'a> {
    place: Link,
    function: Cow<'a, str>,
    source: Cow<'a, str>,
    own: bool,
}

/// The details of one finding. They are made when they are written: those of all findings at once would take as
/// much memory as the page.
pub(super) struct Details<'a> {
    pub(super) cluster: &'a Cluster,
    /// How many tests it affects.
    pub(super) tests: usize,
    pub(super) meta: &'a Meta,
    /// Most bytes of pytest's output.
    pub(super) log_share: usize,
    /// What the findings of a long report have in common.
    pub(super) pieces: Option<&'a RefCell<Pieces>>,
}

impl askama::FastWritable for Details<'_> {
    fn write_into(&self, out: &mut dyn std::fmt::Write, values: &dyn askama::Values) -> askama::Result<()> {
        // In one piece: adding to a text costs less than handing on each of its hundreds of pieces.
        let mut text = String::with_capacity(4096 + self.log_share.min(1 << 16));
        let body = body(self);
        match self.pieces {
            Some(pieces) => {
                let mut referring = Referring { text: &mut text, pieces: &mut pieces.borrow_mut() };
                body.render_into_with_values(&mut referring, values)?;
            }
            None => body.render_into_with_values(&mut text, values)?,
        }
        Ok(out.write_str(&text)?)
    }
}

fn body<'a>(&Details { cluster, tests, meta, log_share, .. }: &Details<'a>) -> Body<'a> {
    let diagnosis = &cluster.diagnosis;
    let representative = cluster.failures.first();
    let error = representative.map(error_text).unwrap_or_default();
    Body {
        culprits: cluster
            .culprits
            .iter()
            .take(5)
            .map(|culprit| Suspect {
                place: link(&culprit.site, meta),
                function: optional(culprit.site.function.as_ref()),
                source: optional(culprit.site.source.as_ref()),
                reasons: culprit.reasons.iter().map(|r| prose(r.as_str())).collect(),
            })
            .collect(),
        evidence: diagnosis
            .evidence
            .iter()
            .map(|item| Evidence {
                text: prose(item.text.as_str()),
                place: item
                    .site
                    .as_ref()
                    .filter(|site| !item.text.as_str().contains(&place_text(site)))
                    .map(|site| link(site, meta)),
            })
            .collect(),
        notes: diagnosis
            .notes
            .iter()
            .map(|note| note.as_str().to_owned())
            .chain(Also::sentences(&cluster.also))
            .chain(human::parting(cluster))
            .chain(cluster.since.as_ref().map(|since| since.as_str().to_owned()))
            .map(|text| prose(&text))
            .collect(),
        suggestion: prose(diagnosis.fix_suggestion.as_str()),
        fixes: cluster.fixes.iter().take(10).map(|fix| proposal(fix, meta)).collect(),
        comparison: representative.and_then(comparison),
        values: representative
            .map(|failure| {
                let values = crate::report::values_of(failure).into_iter().take(MAX_VALUES);
                values.map(|v| (visible(v.name.as_str()), visible(v.repr.as_str()))).collect()
            })
            .unwrap_or_default(),
        tests_title: if tests == 1 { "Test".to_owned() } else { format!("{tests} tests") },
        more_tests: cluster.failures.len().saturating_sub(MAX_TESTS),
        tests: cluster
            .failures
            .iter()
            .take(MAX_TESTS)
            .enumerate()
            .map(|(index, failure)| test(failure, index, &error, meta))
            .collect(),
        error,
        frames: representative.map(|failure| groups(failure, meta)).unwrap_or_default(),
        log: representative.map(|failure| log(failure, log_share)).unwrap_or_default(),
        stability: cluster.stability.as_ref().map(|s| {
            let grade = match s.grade {
                Grade::Ungraded => "Not graded yet".to_owned(),
                grade => format!("Grade {grade}"),
            };
            let score = if s.flakiness_score > 0 {
                format!(" (flakiness {} of 100)", s.flakiness_score)
            } else {
                String::new()
            };
            let text = format!("{grade}, {}{score}: {}.", s.verdict, s.sentence());
            (chart::strip(&s.recent), text)
        }),
        source: if diagnosis.was_critic_override {
            format!("{} (changed by the critic)", diagnosis.source)
        } else {
            diagnosis.source.to_string()
        },
        fingerprint: &cluster.fingerprint.0,
    }
}

fn optional(text: Option<&Redacted>) -> Cow<'_, str> {
    text.map_or(Cow::Borrowed(""), |text| visible(text.as_str()))
}

fn link(site: &Site, meta: &Meta) -> Link {
    Link { text: one_line(&place_text(site)), href: meta.editor_link(&site.place.path, site.place.line) }
}

fn proposal<'a>(fix: &'a Fix, meta: &Meta) -> Proposal<'a> {
    let reason =
        || fix.verification.reason.as_ref().map(|reason| format!("not tried: {}", one_line(reason.as_str())));
    let state = fix.verification.summary().or_else(reason).unwrap_or_else(|| "not verified".to_owned());
    let state_class = match fix.verification.state {
        VerificationState::Verified => "verified",
        VerificationState::NoHelp | VerificationState::Breaks => "bad",
        VerificationState::TimedOut | VerificationState::NotRun => "open",
    };
    Proposal {
        title: prose(fix.title.as_str()),
        rationale: prose(fix.rationale.as_str()),
        state,
        state_class,
        command: fix.command.as_ref().map(|c| visible(c.as_str())),
        edits: fix.edits.iter().map(|edit| change(edit, meta)).collect(),
    }
}

fn change(edit: &Edit, meta: &Meta) -> Change {
    let lines = match &edit.lines {
        Some((before, after)) => diff::lines(&visible(before.as_str()), &visible(after.as_str())),
        None => visible(edit.shown.as_str()).lines().map(|line| ("add", format!("+{line}"))).collect(),
    };
    Change { place: link(&edit.site, meta), lines }
}

fn comparison(failure: &FailureRecord) -> Option<Sides<'_>> {
    let compared = failure.comparison.as_ref()?;
    // Made visible as a whole: what is one line end may be two pieces.
    let (left, right) = (visible(compared.left.as_str()), visible(compared.right.as_str()));
    let owned = |pieces: Vec<diff::Piece<'_>>| -> Vec<(bool, Cow<'static, str>)> {
        pieces.into_iter().map(|(changed, text)| (changed, Cow::Owned(text.to_owned()))).collect()
    };
    // Only of equal things can it be said what is different.
    let (left, right) = if compared.operator.as_str() == "==" {
        let (left, right) = diff::compare(&left, &right);
        (owned(left), owned(right))
    } else {
        (vec![(false, left)], vec![(false, right)])
    };
    Some(Sides { operator: visible(compared.operator.as_str()), left, right })
}

fn test<'a>(failure: &'a FailureRecord, index: usize, error: &str, meta: &Meta) -> Test<'a> {
    let mut phase = if failure.phase == Phase::Call {
        String::new()
    } else {
        human::phase_name(failure.phase).to_owned()
    };
    if let Some(subtest) = &failure.subtest {
        phase = format!("{phase} subtest {}", one_line(subtest.as_str()));
    }
    if failure.reruns > 0 {
        phase = format!("{phase} after {}", counted(failure.reruns as usize, "rerun", "reruns"));
    }
    // What all have in common stands once, above.
    let message = match error_text(failure) {
        own if index < MAX_MESSAGES && own != *error => cut(&own, 300).into_owned(),
        _ => String::new(),
    };
    Test {
        name: visible(failure.test.as_str()),
        phase: phase.trim_start().to_owned(),
        place: failure.failing.as_ref().or(failure.definition.as_ref()).map(|site| link(site, meta)),
        message,
    }
}

/// The exception and its message.
fn error_text(failure: &FailureRecord) -> String {
    let (exception, message) = (visible(failure.exception.as_str()), visible(failure.message.as_str()));
    let separator = if exception.is_empty() || message.is_empty() { "" } else { ": " };
    format!("{exception}{separator}{message}")
}

/// The frames by exception: what was reported first, then its causes, as the records have them.
fn groups<'a>(failure: &'a FailureRecord, meta: &Meta) -> Vec<Group<'a>> {
    let chained =
        failure.frames.iter().any(|f| Some(f.exception) != failure.frames.first().map(|f| f.exception));
    let mut groups: Vec<(usize, Group<'a>)> = Vec::new();
    for record in failure.frames.iter().take(MAX_FRAMES) {
        let frame = frame(record, meta);
        match groups.last_mut() {
            Some((exception, group)) if *exception == record.exception => group.frames.push(frame),
            _ => {
                let title = match (chained, groups.is_empty()) {
                    (false, _) => "",
                    (true, true) => "What was reported",
                    (true, false) => "What it came from",
                };
                groups.push((record.exception, Group { title: title.to_owned(), frames: vec![frame] }));
            }
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

fn frame<'a>(record: &'a FrameRecord, meta: &Meta) -> Frame<'a> {
    let place = match &record.site {
        Some(site) => Link {
            text: format!("{}:{}", one_line(site.path.as_str()), record.line),
            href: meta.editor_link(&site.place.path, record.line),
        },
        None => Link { text: format!("{}:{}", one_line(record.path.as_str()), record.line), href: None },
    };
    let source = record.source.as_ref().or(record.site.as_ref().and_then(|s| s.source.as_ref()));
    Frame {
        place,
        function: optional(record.function.as_ref()),
        source: optional(source),
        own: record.in_project,
    }
}

/// The log in lines with the class of each; lines without one that follow each other are one piece. Of a long log the
/// start and the end.
fn log(failure: &FailureRecord, share: usize) -> Vec<(&'static str, Cow<'_, str>)> {
    let text = failure.log.as_str();
    let mut pieces = Vec::new();
    if text.len() <= share {
        lines(text, &mut pieces);
        return pieces;
    }
    let head = text.floor_char_boundary(share / 4);
    let tail = text.ceil_char_boundary(text.len() - share / 4 * 3);
    let left_out = text[head..tail].chars().count();
    lines(&text[..head], &mut pieces);
    pieces
        .push(("head", Cow::Owned(format!("… {left_out} characters left out; the result file has them …"))));
    lines(&text[tail..], &mut pieces);
    pieces
}

fn lines<'a>(text: &'a str, pieces: &mut Vec<(&'static str, Cow<'a, str>)>) {
    // What a carriage return is depends on where its line ends.
    let joins = memchr::memchr(b'\r', text.as_bytes()).is_none();
    // Where lines without a class begin that have not been added yet.
    let mut plain = None;
    let mut start = 0;
    for line in text.split('\n') {
        let end = start + line.len();
        let line = line.strip_suffix('\r').unwrap_or(line);
        let class = match line.as_bytes() {
            [b'E', b' ', ..] | [b'E'] => "err",
            [b'>', b' ', ..] => "here",
            [b'_' | b'-' | b'=', b'_' | b'-' | b'=' | b' ', ..] => "head",
            _ => "",
        };
        if joins && class.is_empty() {
            plain.get_or_insert(start);
        } else {
            if let Some(from) = plain.take() {
                pieces.push(("", visible(&text[from..start - 1])));
            }
            pieces.push((class, visible(line)));
        }
        start = end + 1;
    }
    if let Some(from) = plain {
        pieces.push(("", visible(&text[from..])));
    }
}
