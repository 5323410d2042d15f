//! Reading the history, newest first.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use futures::TryStreamExt as _;
use sqlx::{AssertSqlSafe, Row as _};

use super::{HistoryError, Store, on, plain};
use crate::history::pack;
use crate::history::recording::StoredFailure;

/// Most parts that are looked at.
const MAX_PARTS: i64 = 4000;

/// A part of a run as it is stored.
#[derive(Debug, Clone)]
pub struct StoredPart {
    /// Its id.
    pub id: String,
    /// The id of its run, and the key that names the run.
    pub run: String,
    /// The run's key.
    pub key: String,
    /// Start and end in seconds since the Unix epoch.
    pub started: Option<f64>,
    /// End.
    pub ended: f64,
    /// Seconds.
    pub duration: Option<f64>,
    /// The branch.
    pub branch: Option<String>,
    /// The commit.
    pub commit: Option<String>,
    /// The code, changes in no commit included.
    pub tree: Option<String>,
    /// Whether there were such changes.
    pub dirty: Option<bool>,
    /// Which part of the run.
    pub shard: Option<String>,
    /// The machine.
    pub machine: Option<String>,
    /// Platform, Python and pytest.
    pub environment: Option<String>,
    /// Tests that passed.
    pub passed: u64,
    /// Tests that failed.
    pub failed: u64,
    /// Tests that did neither.
    pub other: u64,
    /// Number of tests.
    pub tests: usize,
    /// The digest of their names.
    pub roster: String,
    /// How they ended, packed.
    pub results: Vec<u8>,
}

const PARTS: &str = "SELECT part.id, part.run, run.key, part.started, part.ended, part.duration, run.branch,
    run.commit_id, run.tree, run.dirty, part.shard, part.machine, part.environment, part.passed, part.failed,
    part.other, part.tests, part.roster, part.results
    FROM part JOIN run ON run.id = part.run
    WHERE part.project = $1 ORDER BY part.ended DESC, part.id LIMIT $2";

impl Store {
    /// Which of these tellings were taken in.
    pub fn known(&mut self, project: &str, digests: &[String]) -> Result<Vec<bool>, HistoryError> {
        let Self { runtime, connection, .. } = self;
        let read: Result<Vec<bool>, sqlx::Error> = runtime.block_on(async {
            let mut known = Vec::with_capacity(digests.len());
            for digest in digests {
                known.push(on!(&mut *connection, c => {
                    sqlx::query("SELECT 1 FROM source WHERE project = $1 AND digest = $2")
                        .bind(project).bind(digest).fetch_optional(c).await?.is_some()
                }));
            }
            Ok(known)
        });
        read.map_err(|error| self.unread(&error))
    }

    /// The greatest number of tests of one of the newest runs.
    pub fn largest_run(&mut self, project: &str) -> Result<usize, HistoryError> {
        let Self { runtime, connection, .. } = self;
        let read: Result<i64, sqlx::Error> = runtime.block_on(async {
            on!(connection, c => {
                let row = sqlx::query(
                    "SELECT coalesce(max(n), 0) FROM (SELECT CAST(sum(tests) AS BIGINT) AS n FROM
                     (SELECT run, tests, ended FROM part WHERE project = $1 ORDER BY ended DESC LIMIT 400) AS newest
                     GROUP BY run) AS runs",
                );
                row.bind(project).fetch_one(c).await?.try_get(0)
            })
        });
        read.map(|n| usize::try_from(n).unwrap_or(0)).map_err(|error| self.unread(&error))
    }

    /// Hands the parts of the project's runs to `take`, newest first, until it has enough.
    pub fn parts(
        &mut self,
        project: &str,
        mut take: impl FnMut(StoredPart) -> ControlFlow<()>,
    ) -> Result<(), HistoryError> {
        let Self { runtime, connection, .. } = self;
        let read: Result<(), sqlx::Error> = runtime.block_on(async {
            on!(connection, c => {
                let mut rows = sqlx::query(PARTS).bind(project).bind(MAX_PARTS).fetch(c);
                while let Some(row) = rows.try_next().await? {
                    let number = |name: &str| row.try_get::<i64, _>(name).map(|n| u64::try_from(n).unwrap_or(0));
                    let part = StoredPart {
                        id: row.try_get("id")?,
                        run: row.try_get("run")?,
                        key: row.try_get("key")?,
                        started: row.try_get("started")?,
                        ended: row.try_get("ended")?,
                        duration: row.try_get("duration")?,
                        branch: row.try_get("branch")?,
                        commit: row.try_get("commit_id")?,
                        tree: row.try_get("tree")?,
                        dirty: row.try_get::<Option<i64>, _>("dirty")?.map(|n| n != 0),
                        shard: row.try_get("shard")?,
                        machine: row.try_get("machine")?,
                        environment: row.try_get("environment")?,
                        passed: number("passed")?,
                        failed: number("failed")?,
                        other: number("other")?,
                        tests: number("tests")? as usize,
                        roster: row.try_get("roster")?,
                        results: row.try_get("results")?,
                    };
                    if take(part).is_break() {
                        break;
                    }
                }
                Ok(())
            })
        });
        read.map_err(|error| self.unread(&error))
    }

    /// The names of the tests of each of these rosters; what is damaged is left out.
    pub fn rosters(&mut self, digests: &[String]) -> Result<HashMap<String, Vec<String>>, HistoryError> {
        let Self { runtime, connection, .. } = self;
        let read: Result<HashMap<String, Vec<String>>, sqlx::Error> = runtime.block_on(async {
            let mut found = HashMap::new();
            for digest in digests {
                let packed = on!(&mut *connection, c => {
                    let row = sqlx::query("SELECT names FROM roster WHERE digest = $1").bind(digest)
                        .fetch_optional(c).await?;
                    row.map(|row| row.try_get::<Vec<u8>, _>(0)).transpose()?
                });
                if let Some(names) = packed.and_then(|packed| pack::names(&packed)) {
                    found.insert(digest.clone(), names);
                }
            }
            Ok(found)
        });
        read.map_err(|error| self.unread(&error))
    }

    /// What failed in these parts.
    pub fn failures(&mut self, parts: &[String]) -> Result<Vec<StoredFailure>, HistoryError> {
        let Self { runtime, connection, .. } = self;
        let read: Result<Vec<StoredFailure>, sqlx::Error> = runtime.block_on(async {
            let mut found = Vec::new();
            for part in parts {
                let text = on!(&mut *connection, c => {
                    let row = sqlx::query("SELECT failures FROM part WHERE id = $1").bind(part)
                        .fetch_optional(c).await?;
                    row.map(|row| row.try_get::<String, _>(0)).transpose()?
                });
                let failures = text.and_then(|text| serde_json::from_str::<Vec<StoredFailure>>(&text).ok());
                found.extend(failures.unwrap_or_default());
            }
            Ok(found)
        });
        read.map_err(|error| self.unread(&error))
    }

    /// The fingerprints of the root causes that were seen in the project before `time`. They come in one row: each row
    /// of its own would have to be handed from one thread to another.
    pub fn causes_before(&mut self, project: &str, time: f64) -> Result<HashSet<String>, HistoryError> {
        let Self { runtime, connection, .. } = self;
        let joined = match connection {
            super::Connection::Sqlite(_) => "group_concat(fingerprint, ' ')",
            super::Connection::Postgres(_) => "string_agg(fingerprint, ' ')",
        };
        let sql = format!("SELECT {joined} FROM cause WHERE project = $1 AND first_seen < $2");
        let read: Result<Option<String>, sqlx::Error> = runtime.block_on(async {
            on!(connection, c => {
                let row = sqlx::query(AssertSqlSafe(sql)).bind(project).bind(time).fetch_one(c).await?;
                row.try_get(0)
            })
        });
        let read = read.map_err(|error| self.unread(&error))?;
        Ok(read.unwrap_or_default().split_ascii_whitespace().map(str::to_owned).collect())
    }

    /// The root causes that were ever seen in the project: text, first and last time, by fingerprint.
    pub fn causes(&mut self, project: &str) -> Result<HashMap<String, (String, f64, f64)>, HistoryError> {
        let Self { runtime, connection, .. } = self;
        let read: Result<HashMap<String, (String, f64, f64)>, sqlx::Error> = runtime.block_on(async {
            let mut found = HashMap::new();
            on!(connection, c => {
                let rows = sqlx::query(
                    "SELECT fingerprint, root_cause, first_seen, last_seen FROM cause WHERE project = $1",
                );
                let mut rows = rows.bind(project).fetch(c);
                while let Some(row) = rows.try_next().await? {
                    found.insert(row.try_get(0)?, (row.try_get(1)?, row.try_get(2)?, row.try_get(3)?));
                }
            });
            Ok(found)
        });
        read.map_err(|error| self.unread(&error))
    }

    fn unread(&self, error: &sqlx::Error) -> HistoryError {
        HistoryError::Query { name: self.name.clone(), action: "read", reason: plain(error) }
    }
}
