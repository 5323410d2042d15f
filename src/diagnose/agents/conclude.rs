//! What is shown of a cause when a model has answered: its diagnosis, or the offline one with the reason. What is shown
//! is never less grounded than the offline diagnosis.

use super::claims;
use super::ground::{Grounded, Rejected};
use crate::evidence::redact::Redactor;
use crate::model::{Cluster, Culprit, EvidenceItem, Redacted, Severity, Site, Source};

/// From this confidence on the offline diagnosis counts as certain.
const CERTAIN: f64 = 0.9;
/// Most confidence a model's diagnosis is given: nothing has been tried.
const MOST: f64 = 0.9;
/// … that rests on one answer that nobody has checked.
const MOST_SINGLE: f64 = 0.7;
/// … that names no place.
const MOST_WITHOUT_PLACE: f64 = 0.6;
/// … that cites no evidence.
const MOST_WITHOUT_EVIDENCE: f64 = 0.5;
/// Most pieces of evidence of a diagnosis.
const MAX_EVIDENCE: usize = 8;

/// Who answered, and how.
#[derive(Debug, Clone)]
pub struct Author<'a> {
    /// The provider's name.
    pub provider: &'a str,
    /// The model's name.
    pub model: &'a str,
    /// Whether there was no critic.
    pub single: bool,
}

/// How far two diagnoses are of one mind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Agreement {
    /// They name different places, or different kinds of cause.
    None,
    /// Nothing tells them apart: one names no place.
    Open,
    /// The same file, but another function.
    File,
    /// The same function.
    Function,
    /// The same line.
    Line,
}

/// Puts the model's diagnosis in the place of the offline one of `cluster`, or a note that says why not. Gives whether
/// the diagnosis is now the model's.
pub fn conclude(
    cluster: &mut Cluster,
    analyzer: Option<&Grounded>,
    last: &Grounded,
    author: &Author<'_>,
    redactor: &Redactor,
) -> bool {
    let name = format!("{}/{}", author.provider, author.model);
    cluster.keep_offline();
    if let Some(rejected) = &last.rejected {
        let reason = match rejected {
            Rejected::Insufficient(missing) if missing.is_empty() => {
                "the model says that the evidence does not suffice".to_owned()
            }
            other => other.to_string(),
        };
        keep(cluster, &reason, redactor);
        return false;
    }
    let agreement = agreement(cluster, last);
    let confidence = calibrated(last, agreement, author);
    let offline = cluster.diagnosis.confidence;
    let cause = last.answer.root_cause.trim();
    let agrees = agreement >= Agreement::Function;
    let says_more = confidence > offline && !(last.repeats && offline > 0.0);
    if offline >= CERTAIN || !says_more {
        let how = match agreement {
            Agreement::Function | Agreement::Line => "names the same place",
            Agreement::Open => "sees it less surely",
            Agreement::None | Agreement::File => "thinks otherwise, with less to show for it",
        };
        keep(cluster, &format!("{name} {how}: {cause}"), redactor);
        if let Some(fix) = last.fix.iter().find(|_| agrees)
            && !cluster.fixes.iter().any(|known| known.does_the_same(fix))
        {
            cluster.fixes.push(fix.clone());
        }
        return false;
    }
    replace(cluster, analyzer, last, author, confidence, agreement, redactor);
    true
}

/// The offline diagnosis stands. That is said first: where there is little room, only the first notes are shown.
fn keep(cluster: &mut Cluster, reason: &str, redactor: &Redactor) {
    cluster.diagnosis.notes.insert(0, redactor.text(&format!("The offline diagnosis stands: {reason}")));
}

fn replace(
    cluster: &mut Cluster,
    analyzer: Option<&Grounded>,
    last: &Grounded,
    author: &Author<'_>,
    confidence: f64,
    agreement: Agreement,
    redactor: &Redactor,
) {
    let answer = &last.answer;
    let old = &cluster.diagnosis;
    let agrees = agreement >= Agreement::Function;
    let mut notes = Vec::new();
    if !agrees && old.confidence > 0.0 {
        notes.push(redactor.text(&format!(
            "The rules say ({:.0} %): {}",
            old.confidence * 100.0,
            old.root_cause
        )));
    }
    if !last.struck.is_empty() {
        let what = format!("Left out of the model's answer: {}", last.struck.join("; "));
        notes.push(redactor.text(&what));
    }
    if !answer.missing.trim().is_empty() {
        notes.push(redactor.text(&format!("To be sure: {}", answer.missing.trim())));
    }
    // What the rules know stays beside what the model cites.
    let mut evidence: Vec<EvidenceItem> = last.cited.clone();
    for item in &old.evidence {
        let known = evidence.iter().any(|other| other.text == item.text);
        if agrees && !known {
            evidence.push(item.clone());
        }
    }
    if evidence.is_empty() {
        evidence.clone_from(&old.evidence);
    }
    evidence.truncate(MAX_EVIDENCE);
    for (index, item) in evidence.iter_mut().enumerate() {
        item.id = format!("E{}", index + 1);
    }
    let suggestion = if answer.suggestion.trim().is_empty() {
        old.fix_suggestion.clone()
    } else {
        redactor.text(answer.suggestion.trim())
    };
    let diagnosis = crate::model::Diagnosis {
        root_cause: redactor.text(answer.root_cause.trim()),
        category: answer.category.unwrap_or(old.category),
        severity: answer.severity.map_or(old.severity, |severity| near(severity, old.severity)),
        fix_suggestion: suggestion,
        confidence,
        evidence,
        source: Source::Model(author.provider.to_owned(), author.model.to_owned()),
        was_critic_override: !author.single && analyzer.is_none_or(|first| differs(first, last)),
        notes,
    };
    if let Some(site) = &last.site {
        put_first(&mut cluster.culprits, site, confidence, author, redactor);
    }
    if let Some(fix) = &last.fix {
        // What the rules propose too is theirs: nobody needs to be asked before it is tried.
        match cluster.fixes.iter().position(|known| known.does_the_same(fix)) {
            Some(at) => cluster.fixes[..=at].rotate_right(1),
            None => cluster.fixes.insert(0, fix.clone()),
        }
    }
    cluster.diagnosis = diagnosis;
}

/// The place named by the model comes first; if it is one of those known, its reasons stay. A known line of the
/// function that it names says more than the function's first line.
fn put_first(
    culprits: &mut Vec<Culprit>,
    site: &Site,
    confidence: f64,
    author: &Author<'_>,
    redactor: &Redactor,
) {
    let reason = redactor.text(&format!("named by {}/{}", author.provider, author.model));
    let heads = ["def ", "async def ", "class ", "@"];
    let is_head = site.source.as_ref().is_some_and(|line| heads.iter().any(|h| line.as_str().starts_with(h)));
    let same = |other: &Culprit| {
        let (other, named) = (&other.site.place, &site.place);
        let in_it = is_head && named.function.is_some() && other.function == named.function;
        other.path == named.path && (other.line == named.line || in_it)
    };
    let culprit = match culprits.iter().position(same) {
        Some(at) => {
            let mut known = culprits.remove(at);
            known.reasons.push(reason);
            known
        }
        None => Culprit { site: site.clone(), score: confidence, reasons: vec![reason] },
    };
    culprits.insert(0, culprit);
}

/// A severity no more than one step away from what the reach of the failures says.
fn near(wanted: Severity, known: Severity) -> Severity {
    const STEPS: [Severity; 4] = [Severity::Low, Severity::Medium, Severity::High, Severity::Critical];
    let at = STEPS.iter().position(|step| *step == known).unwrap_or(1);
    wanted.clamp(STEPS[at.saturating_sub(1)], STEPS[(at + 1).min(3)])
}

fn agreement(cluster: &Cluster, last: &Grounded) -> Agreement {
    let place = cluster.culprits.first().map(|culprit| &culprit.site.place);
    let (Some(rule), Some(model)) = (place, last.site.as_ref().map(|site| &site.place)) else {
        return Agreement::Open;
    };
    if rule.path != model.path {
        Agreement::None
    } else if (rule.line..=rule.end_line.max(rule.line)).contains(&model.line) {
        Agreement::Line
    } else if rule.function.is_some() && rule.function == model.function {
        Agreement::Function
    } else {
        Agreement::File
    }
}

/// A confidence made of what could be found of the answer, of how far it agrees with the rules, and a little of what
/// the model says itself. The weights order answers; they are no measured frequencies.
fn calibrated(last: &Grounded, agreement: Agreement, author: &Author<'_>) -> f64 {
    let (found, struck) = (last.supported as f64, last.struck.len() as f64);
    let share = found / (found + struck).max(1.0);
    let enough = (found / 4.0).min(1.0);
    let own = last.answer.confidence.unwrap_or(0.5);
    let agreed = match agreement {
        Agreement::Line => 0.2,
        Agreement::Function => 0.15,
        Agreement::File => 0.05,
        Agreement::Open | Agreement::None => 0.0,
    };
    let mut confidence = 0.2 + 0.4 * share * enough + 0.15 * own + agreed - 0.04 * struck;
    let bounds = [
        (author.single, MOST_SINGLE),
        (last.site.is_none(), MOST_WITHOUT_PLACE),
        (last.cited.is_empty(), MOST_WITHOUT_EVIDENCE),
        (last.repeats, MOST_WITHOUT_EVIDENCE),
        (true, MOST),
    ];
    for (applies, most) in bounds {
        if applies {
            confidence = confidence.min(most);
        }
    }
    (confidence.max(0.05) * 100.0).round() / 100.0
}

/// Whether the final answer is another conclusion than the first one: another kind, place or set of things named. In
/// other words is no other conclusion.
fn differs(first: &Grounded, last: &Grounded) -> bool {
    let named = |grounded: &Grounded| {
        let mut named: Vec<String> = claims::claims(&grounded.answer.root_cause)
            .into_iter()
            .map(|claim| claim.text.trim_matches(['`', '"', '\'', '(', ')']).to_lowercase())
            .collect();
        named.sort();
        named.dedup();
        named
    };
    let place =
        |grounded: &Grounded| grounded.site.as_ref().map(|site| (site.place.path.clone(), site.place.line));
    first.rejected.is_some()
        || first.answer.category != last.answer.category
        || place(first) != place(last)
        || named(first) != named(last)
}

/// Says in a cluster's notes, before all others, why there is no model analysis of it.
pub fn without_answer(cluster: &mut Cluster, reason: &Redacted) {
    cluster.keep_offline();
    let note = Redacted::join([Redacted::fixed("No model analysis:"), reason.clone()], " ");
    cluster.diagnosis.notes.insert(0, note);
}
