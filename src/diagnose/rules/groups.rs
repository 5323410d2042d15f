//! Exception groups: each leaf is a cause of its own.

use crate::diagnose::Finding;
use crate::diagnose::case::{Case, Memo, at, line_of, named};
use crate::diagnose::taxonomy;
use crate::model::{Category, Exception, Failure, Place, Severity};

/// Deepest nesting of groups that is followed.
const MAX_DEPTH: usize = 20;

/// Names the leaves of an exception group with their places.
pub(super) fn group(case: &Case<'_>) -> Option<Finding> {
    let group = case.representative().exceptions.iter().find(|exception| !exception.group.is_empty())?;
    let mut leaves = Vec::new();
    collect(group, 0, &mut leaves);
    let first = leaves.first()?;
    if let Some(finding) = of_one_place(case, group, &leaves) {
        return Some(finding);
    }
    let kind = leaves.iter().find_map(|leaf| taxonomy::of_exception(leaf.0));
    let shown: Vec<String> = leaves
        .iter()
        .take(4)
        .map(|(leaf, place)| match place {
            Some(place) => format!("{} in {}", named(leaf), at(place)),
            None => named(leaf),
        })
        .collect();
    let more = leaves.len().saturating_sub(shown.len());
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    let count = leaves.len();
    let what = if count == 1 { "one exception".to_owned() } else { format!("{count} exceptions") };
    let mut finding = Finding::new(
        "group-leaves",
        kind.map_or(Category::Other, |kind| kind.category),
        kind.map_or(Severity::High, |kind| kind.severity),
        0.65,
    )
    .because(format!("{} holds {what}: {}{more}", named(group), shown.join("; ")));
    for (index, (leaf, place)) in leaves.iter().take(8).enumerate() {
        finding = finding.shown(format!("leaf {}: {}", index + 1, named(leaf)), *place);
        if let Some(place) = place {
            finding = finding.suspect(place, 0.6 - 0.05 * index as f64, format!("raises {}", named(leaf)));
        }
    }
    if finding.culprits.is_empty()
        && let Some((_, place)) = case.frame()
    {
        finding = finding.suspect(place, 0.4, "raises the group");
    }
    let place = first.1.or_else(|| case.frame().map(|(_, place)| place));
    let start = place.map_or_else(String::new, |place| format!(", at {} first", line_of(place)));
    Some(finding.suggest(format!("Mend each of them{start}: the group only gathers them")))
}

/// What the rules say of the first leaf, where all leaves come from one line.
fn of_one_place(
    case: &Case<'_>,
    group: &Exception,
    leaves: &[(&Exception, Option<&Place>)],
) -> Option<Finding> {
    let (first, place) = leaves.first()?;
    let same = |other: Option<&Place>| other.map(|p| (&p.path, p.line)) == place.map(|p| (&p.path, p.line));
    if place.is_none() || !leaves.iter().all(|(_, other)| same(*other)) {
        return None;
    }
    let failure = Failure { exceptions: vec![(*first).clone()], ..case.representative().clone() };
    let memo = Memo::default();
    let leaf = Case { failures: &[&failure], workspace: case.workspace, replay: false, memo: &memo };
    let mut finding = super::all()
        .iter()
        .filter_map(|rule| rule.examine(&leaf))
        .reduce(|best, next| if next.confidence > best.confidence { next } else { best })
        .filter(|finding| finding.confidence >= 0.6)?;
    let count = match leaves.len() {
        1 => "the leaf".to_owned(),
        n => format!("all {n} leaves"),
    };
    finding.root_cause = format!("{} ({count} of {})", finding.root_cause, named(group));
    Some(finding)
}

fn collect<'a>(exception: &'a Exception, depth: usize, leaves: &mut Vec<(&'a Exception, Option<&'a Place>)>) {
    if depth > MAX_DEPTH {
        return;
    }
    for chain in &exception.group {
        let Some(root) = chain.first() else { continue };
        if let Some(inner) = chain.iter().find(|member| !member.group.is_empty()) {
            collect(inner, depth + 1, leaves);
        } else {
            let place = chain.iter().find_map(|member| {
                member.frames.iter().rev().find_map(|frame| frame.place.as_ref().filter(|_| frame.in_project))
            });
            leaves.push((root, place));
        }
    }
}
