//! Two runs compared: what is new, fixed, still failing, and what fails for another reason now.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::document::SCHEMA_VERSION;
use super::text::{counted, cut, one_line};
use crate::model::{Analysis, Phase};

/// What failed in the other run, by test, phase and subtest.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Baseline {
    /// When it was reported, in seconds since the Unix epoch.
    pub timestamp: Option<f64>,
    failures: BTreeMap<Key, Cause>,
}

type Key = (String, Phase, Option<String>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Cause {
    fingerprint: String,
    root_cause: String,
}

/// Why a report cannot be compared with.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// It is no JSON of ours.
    #[error("it is no report of Failscope: {0}")]
    Malformed(#[from] serde_json::Error),
    /// It was written by a version that is too new.
    #[error(
        "it has schema version {0}, this version of Failscope reads up to {SCHEMA_VERSION}; install a newer one"
    )]
    Version(u32),
}

impl Baseline {
    /// Reads an `rca_report.json`. Fields that are not needed are not looked at.
    pub fn from_report(json: &[u8]) -> Result<Self, BaselineError> {
        #[derive(Deserialize)]
        struct Version {
            schema_version: u32,
        }
        #[derive(Deserialize)]
        struct Report {
            timestamp: Option<f64>,
            analyses: Vec<Finding>,
        }
        #[derive(Deserialize)]
        struct Finding {
            fingerprint_hash: String,
            root_cause: String,
            failures: Vec<Failed>,
        }
        #[derive(Deserialize)]
        struct Failed {
            test: String,
            phase: Phase,
            subtest: Option<String>,
        }
        let Version { schema_version } = serde_json::from_slice(json)?;
        if schema_version > SCHEMA_VERSION {
            return Err(BaselineError::Version(schema_version));
        }
        let report: Report = serde_json::from_slice(json)?;
        let mut failures = BTreeMap::new();
        for finding in report.analyses {
            let cause = Cause { fingerprint: finding.fingerprint_hash, root_cause: finding.root_cause };
            for failed in finding.failures {
                failures.insert((failed.test, failed.phase, failed.subtest), cause.clone());
            }
        }
        Ok(Self { timestamp: report.timestamp, failures })
    }

    /// What failed in runs of the history, the newest of which ended then.
    pub fn from_history(timestamp: f64, failed: impl IntoIterator<Item = Earlier>) -> Self {
        let failures = failed
            .into_iter()
            .map(|earlier| {
                let cause = Cause { fingerprint: earlier.fingerprint, root_cause: earlier.root_cause };
                ((earlier.test, earlier.phase, earlier.subtest), cause)
            })
            .collect();
        Self { timestamp: Some(timestamp), failures }
    }

    /// What failed in `analysis`.
    pub fn from_analysis(analysis: &Analysis) -> Self {
        Self { timestamp: analysis.run.started, failures: failures(analysis) }
    }
}

/// A failure of an earlier run; all text as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earlier {
    /// The test.
    pub test: String,
    /// The phase.
    pub phase: Phase,
    /// The subtest.
    pub subtest: Option<String>,
    /// The fingerprint of the cause; empty if it is not known.
    pub fingerprint: String,
    /// The cause.
    pub root_cause: String,
}

fn failures(analysis: &Analysis) -> BTreeMap<Key, Cause> {
    let mut failures = BTreeMap::new();
    for cluster in &analysis.clusters {
        let cause = Cause {
            fingerprint: cluster.fingerprint.0.clone(),
            root_cause: cluster.diagnosis.root_cause.to_string(),
        };
        for failure in &cluster.failures {
            let subtest = failure.subtest.as_ref().map(ToString::to_string);
            failures.insert((failure.test.to_string(), failure.phase, subtest), cause.clone());
        }
    }
    failures
}

/// The differences, each list by test.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// Fails now, did not fail then.
    pub new: Vec<Entry>,
    /// Failed then, is known not to fail now.
    pub fixed: Vec<Entry>,
    /// Fails in both for one cause.
    pub still_failing: Vec<Entry>,
    /// Fails in both, now for another cause.
    pub changed_cause: Vec<Entry>,
    /// Failed then; the results of now do not mention it.
    pub not_run: Vec<Entry>,
}

/// One failure of a comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The test.
    pub test: String,
    /// The phase.
    pub phase: Phase,
    /// The subtest.
    pub subtest: Option<String>,
    /// The cause now, or then for what does not fail any more.
    pub root_cause: String,
    /// The fingerprint of that cause.
    pub fingerprint: String,
    /// The cause then, where it was another.
    pub previous_root_cause: Option<String>,
}

/// Compares `now` with `then`. `did_not_fail` says whether the results of now hold a test that did not fail.
pub fn compare(then: &Baseline, now: &Analysis, did_not_fail: impl Fn(&str) -> bool) -> Comparison {
    let failing = failures(now);
    let mut comparison = Comparison::default();
    let entry = |key: &Key, cause: &Cause, previous: Option<&Cause>| Entry {
        test: key.0.clone(),
        phase: key.1,
        subtest: key.2.clone(),
        root_cause: cause.root_cause.clone(),
        fingerprint: cause.fingerprint.clone(),
        previous_root_cause: previous.map(|p| p.root_cause.clone()),
    };
    for (key, cause) in &failing {
        match then.failures.get(key) {
            None => comparison.new.push(entry(key, cause, None)),
            Some(old) if old.fingerprint == cause.fingerprint || old.fingerprint.is_empty() => {
                comparison.still_failing.push(entry(key, cause, None));
            }
            Some(old) => comparison.changed_cause.push(entry(key, cause, Some(old))),
        }
    }
    for (key, cause) in then.failures.iter().filter(|(key, _)| !failing.contains_key(*key)) {
        // A test that fails now in another phase was run, and what failed then did not fail again.
        let was_run = did_not_fail(&key.0) || failing.keys().any(|other| other.0 == key.0);
        let list = if was_run { &mut comparison.fixed } else { &mut comparison.not_run };
        list.push(entry(key, cause, None));
    }
    comparison
}

impl Comparison {
    /// `3 new, 2 fixed, 10 still failing, 1 changed cause`; what there is none of is left out.
    pub fn headline(&self) -> String {
        let parts: Vec<String> = self
            .lists()
            .into_iter()
            .filter(|(_, list)| !list.is_empty())
            .map(|(name, list)| format!("{} {name}", list.len()))
            .collect();
        if parts.is_empty() { "nothing failed then or now".to_owned() } else { parts.join(", ") }
    }

    fn lists(&self) -> [(&'static str, &[Entry]); 5] {
        [
            ("new", &self.new),
            ("changed cause", &self.changed_cause),
            ("fixed", &self.fixed),
            ("not in these results", &self.not_run),
            ("still failing", &self.still_failing),
        ]
    }

    /// The comparison for people: each list by cause, at most `most` tests of each cause by name.
    pub fn text(&self, most: usize) -> String {
        let mut out = format!("{}\n", self.headline());
        for (name, list) in self.lists() {
            let mut by_cause: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
            for entry in list {
                by_cause.entry(&entry.fingerprint).or_default().push(entry);
            }
            if list.is_empty() {
                continue;
            }
            // Writing to a string cannot fail.
            let _ = writeln!(out, "\n{name}:");
            let mut causes: Vec<&Vec<&Entry>> = by_cause.values().collect();
            causes.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a[0].test.cmp(&b[0].test)));
            for entries in causes {
                let _ = writeln!(out, "  {}", cut(&one_line(&entries[0].root_cause), 300));
                if let Some(previous) = &entries[0].previous_root_cause {
                    let _ = writeln!(out, "    before: {}", cut(&one_line(previous), 300));
                }
                for entry in entries.iter().take(most) {
                    let _ = writeln!(out, "    {}", cut(&one_line(&entry.test), 300));
                }
                if entries.len() > most {
                    let more = counted(entries.len() - most, "more", "more");
                    let _ = writeln!(out, "    … and {more}");
                }
            }
        }
        out
    }
}
