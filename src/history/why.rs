//! Why a failure began, where history and git can tell: what has changed in the suspected places since the test
//! passed.

use std::collections::HashMap;
use std::path::Path;

use crate::evidence::redact::Redactor;
use crate::model::{Analysis, Cluster, Redacted};
use crate::workspace::git::changes::{self, Changed};

/// Places of a cluster that are looked at.
const PLACES: usize = 5;
/// Commits that git is asked about: one process each, two with the count.
const COMMITS: usize = 4;
/// Places that are named.
const NAMED: usize = 3;

/// Puts the sentence into each cluster of `analysis` whose test is known to have passed at a commit; gives them by
/// fingerprint as well.
pub fn attach(analysis: &mut Analysis, root: &Path, redactor: &Redactor) -> HashMap<String, Redacted> {
    let mut asked: HashMap<String, Option<(u32, Vec<Changed>)>> = HashMap::new();
    let mut all = HashMap::new();
    for cluster in &mut analysis.clusters {
        cluster.since = None;
        let since = cluster.stability.as_ref().and_then(|stability| stability.failing_since.as_ref());
        let Some(commit) = since.and_then(|since| since.last_passed_commit.clone()) else { continue };
        if !asked.contains_key(&commit) && asked.len() >= COMMITS {
            continue;
        }
        let known = asked.entry(commit.clone()).or_insert_with(|| {
            let count = changes::commits_since(root, &commit)?;
            Some((count, changes::since_commit(root, &commit)))
        });
        let Some((count, changed)) = known else { continue };
        let text = redactor.text(&sentence(*count, &places(cluster, changed)));
        all.insert(cluster.fingerprint.0.clone(), text.clone());
        cluster.since = Some(text);
    }
    all
}

/// The suspected places that lie in changed lines, as they are shown: `route.py:57`.
fn places(cluster: &Cluster, changed: &[Changed]) -> Vec<String> {
    let mut found = Vec::new();
    for culprit in cluster.culprits.iter().take(PLACES) {
        let place = &culprit.site.place;
        let last = place.end_line.max(place.line);
        let hit = changed.iter().any(|c| c.path == place.path && c.first <= last && place.line <= c.last);
        let shown = format!("{}:{}", culprit.site.path.as_str(), place.line);
        if hit && !found.contains(&shown) {
            found.push(shown);
        }
    }
    found
}

fn sentence(commits: u32, places: &[String]) -> String {
    let when = match commits {
        0 => "passed at this commit".to_owned(),
        1 => "passed 1 commit ago".to_owned(),
        n => format!("passed {n} commits ago"),
    };
    let mut shown = places.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    if places.len() > NAMED {
        shown = format!("{shown} and {} more", places.len() - NAMED);
    }
    match (places.is_empty(), commits) {
        (true, 0) => when,
        (true, _) => format!("{when}; none of the suspected places has changed since"),
        (false, _) => format!("{when}; {shown} changed since"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences() {
        let rows: [(u32, &[&str], &str); 5] = [
            (3, &["route.py:57"], "passed 3 commits ago; route.py:57 changed since"),
            (1, &["a.py:1", "b.py:2"], "passed 1 commit ago; a.py:1, b.py:2 changed since"),
            (0, &["a.py:1"], "passed at this commit; a.py:1 changed since"),
            (0, &[], "passed at this commit"),
            (2, &[], "passed 2 commits ago; none of the suspected places has changed since"),
        ];
        for (commits, places, expected) in rows {
            let places: Vec<String> = places.iter().map(|&place| place.to_owned()).collect();
            assert_eq!(sentence(commits, &places), expected);
        }
    }
}
