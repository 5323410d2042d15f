//! What keeps the history bounded: of old runs the durations are dropped, and the oldest go.

use sqlx::{Connection as _, Row as _};

use super::{Connection, HistoryError, LIMIT, Store, plain};
use crate::history::pack;

/// How much is kept of each project.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Parts of runs that keep everything.
    pub whole: i64,
    /// Parts of runs that are kept at all.
    pub kept: i64,
    /// Seconds that a part is kept.
    pub age: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { whole: 200, kept: 2000, age: 400.0 * 86_400.0 }
    }
}

/// Parts that are compacted at once, so that no recording waits for long.
const AT_ONCE: i64 = 50;

/// The same statements for either kind of connection.
macro_rules! clean {
    ($c:expr, $project:expr, $now:expr, $limits:expr) => {{
        let (c, project, now): (_, &str, f64) = ($c, $project, $now);
        let Limits { whole, kept, age } = $limits;
        let old = sqlx::query(
            "SELECT id, tests, results FROM part WHERE project = $1 AND compacted = 0
             ORDER BY ended DESC, id LIMIT $2 OFFSET $3",
        )
        .bind(project)
        .bind(AT_ONCE)
        .bind(whole)
        .fetch_all(&mut *c)
        .await?;
        for row in &old {
            let (part, tests): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
            let results: Vec<u8> = row.try_get(2)?;
            let results = pack::compacted(&results, usize::try_from(tests).unwrap_or(0)).unwrap_or(results);
            sqlx::query("UPDATE part SET results = $1, compacted = 1 WHERE id = $2")
                .bind(results)
                .bind(part)
                .execute(&mut *c)
                .await?;
        }
        let edge = sqlx::query(
            "SELECT ended FROM part WHERE project = $1 ORDER BY ended DESC, id LIMIT 1 OFFSET $2",
        )
        .bind(project)
        .bind(kept)
        .fetch_optional(&mut *c)
        .await?;
        let edge: f64 = edge.map(|row| row.try_get(0)).transpose()?.unwrap_or(f64::MIN);
        let gone = sqlx::query("DELETE FROM part WHERE project = $1 AND (ended <= $2 OR ended < $3)")
            .bind(project)
            .bind(edge)
            .bind(now - age)
            .execute(&mut *c)
            .await?
            .rows_affected();
        if gone > 0 {
            sqlx::query("DELETE FROM source WHERE project = $1 AND part NOT IN (SELECT id FROM part)")
                .bind(project)
                .execute(&mut *c)
                .await?;
            sqlx::query("DELETE FROM run WHERE project = $1 AND id NOT IN (SELECT run FROM part)")
                .bind(project)
                .execute(&mut *c)
                .await?;
            sqlx::query("DELETE FROM cause WHERE project = $1 AND (last_seen <= $2 OR last_seen < $3)")
                .bind(project)
                .bind(edge)
                .bind(now - age)
                .execute(&mut *c)
                .await?;
        }
        Ok::<u64, sqlx::Error>(gone)
    }};
}

impl Store {
    /// Compacts old runs of the project and removes the oldest; gives how many parts were removed. `now` is in seconds
    /// since the Unix epoch.
    pub fn clean(&mut self, project: &str, now: f64) -> Result<u64, HistoryError> {
        self.clean_to(project, now, Limits::default())
    }

    /// As [`Self::clean`], to other limits.
    pub fn clean_to(&mut self, project: &str, now: f64, limits: Limits) -> Result<u64, HistoryError> {
        let Self { runtime, connection, name } = self;
        let cleaned = runtime.block_on(async {
            tokio::time::timeout(LIMIT, async {
                match connection {
                    Connection::Sqlite(c) => {
                        let mut tx = c.begin_with("BEGIN IMMEDIATE").await?;
                        let gone = clean!(&mut *tx, project, now, limits)?;
                        if gone > 0 {
                            sqlx::query("DELETE FROM roster WHERE digest NOT IN (SELECT roster FROM part)")
                                .execute(&mut *tx)
                                .await?;
                        }
                        tx.commit().await?;
                        if gone > 0 {
                            sqlx::raw_sql("PRAGMA incremental_vacuum").execute(&mut *c).await?;
                        }
                        Ok(gone)
                    }
                    Connection::Postgres(c) => {
                        let mut tx = c.begin().await?;
                        sqlx::query("SELECT pg_advisory_xact_lock(7105924, hashtext($1))")
                            .bind(project)
                            .execute(&mut *tx)
                            .await?;
                        // Rosters stay: another project's transaction may be about to refer to one.
                        let gone = clean!(&mut *tx, project, now, limits)?;
                        tx.commit().await?;
                        Ok(gone)
                    }
                }
            })
            .await
        });
        let failed = |reason: String| HistoryError::Query { name: name.clone(), action: "compacted", reason };
        cleaned
            .map_err(|_| failed(format!("it took longer than {} s", LIMIT.as_secs())))?
            .map_err(|error: sqlx::Error| failed(plain(&error)))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::collections::BTreeMap;
    use std::ops::ControlFlow;

    use super::*;
    use crate::evidence::redact::Redactor;
    use crate::history::context::CodeOfRun;
    use crate::history::pack::{Entry, entries};
    use crate::history::recording::{Failed, Recording};
    use crate::history::store::{NewRun, StoredPart};
    use crate::history::target::Target;
    use crate::model::{Exit, Outcome, Phase, ResultFormat, TestId};

    const LIMITS: Limits = Limits { whole: 5, kept: 12, age: 30.0 * 86_400.0 };
    const DAY: f64 = 86_400.0;
    const START: f64 = 1_795_000_000.0;

    /// The run of day `day`: a test of its own, one that fails for a cause of its own, and many that pass.
    fn recording(day: usize) -> Recording {
        let entry = |outcome| Entry { outcome, phases: 0, duration: Some(0.25), reruns: 0 };
        let mut tests: Vec<(TestId, Entry)> = (0..400)
            .map(|n| (TestId::new(&format!("test_a.py::test_{n:03}")), entry(Outcome::Passed)))
            .collect();
        tests.push((TestId::new("test_b.py::test_broken"), entry(Outcome::Failed)));
        tests.push((TestId::new(&format!("test_c.py::test_of_{day:04}")), entry(Outcome::Passed)));
        let ended = START + day as f64 * DAY;
        Recording {
            started: Some(ended - 9.0),
            ended,
            duration: Some(9.0),
            environment: None,
            format: ResultFormat::Junit,
            exit: Exit::Code(1),
            tests,
            failures: vec![Failed {
                test: TestId::new("test_b.py::test_broken"),
                phase: Phase::Call,
                subtest: None,
                fingerprint: Some(format!("cause {day}")),
            }],
        }
    }

    fn record(store: &mut Store, project: &str, day: usize) {
        let recording = recording(day);
        let packed = recording.packed(&Redactor::default());
        let causes = BTreeMap::from([(format!("cause {day}"), "it broke".to_owned())]);
        let run = NewRun {
            project,
            key: &format!("{project} {day}"),
            shard: None,
            machine: None,
            code: CodeOfRun::default(),
            recording: &recording,
            packed: &packed,
            causes: &causes,
        };
        assert!(store.record(&run).unwrap());
    }

    fn parts(store: &mut Store, project: &str) -> Vec<StoredPart> {
        let mut parts = Vec::new();
        store
            .parts(project, |part| {
                parts.push(part);
                ControlFlow::Continue(())
            })
            .unwrap();
        parts
    }

    fn number(store: &mut Store, sql: &'static str) -> i64 {
        let Store { runtime, connection, .. } = store;
        let Connection::Sqlite(c) = connection else { return 0 };
        runtime.block_on(sqlx::query(sql).fetch_one(c)).unwrap().try_get(0).unwrap()
    }

    #[test]
    fn the_history_stays_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.db");
        let mut store = Store::open(&Target::File(path.clone()), true).unwrap().unwrap();
        record(&mut store, "other", 0);
        let mut sizes = Vec::new();
        for day in 0..90 {
            record(&mut store, "", day);
            store.clean_to("", START + day as f64 * DAY, LIMITS).unwrap();
            if day % 30 == 29 {
                sizes.push(number(&mut store, "SELECT page_count FROM pragma_page_count"));
            }
        }
        // The newest are there with all they had, older ones without durations, the oldest not at all.
        let kept = parts(&mut store, "");
        assert_eq!(kept.len(), 12);
        for (age, part) in kept.iter().enumerate() {
            assert!((part.ended - (START + (89 - age) as f64 * DAY)).abs() < 1e-6, "{age}");
            let entries = entries(&part.results, part.tests).unwrap();
            assert_eq!(entries.iter().filter(|e| e.failed()).count(), 1, "{age}");
            assert_eq!(entries.iter().all(|e| e.duration.is_some()), age < 5, "{age}");
        }
        // With them goes all that belonged to them alone; another project's history is its own.
        let tables = [
            ("SELECT count(*) FROM part", 13),
            ("SELECT count(*) FROM run", 13),
            ("SELECT count(*) FROM source", 13),
            ("SELECT count(*) FROM roster", 13),
            ("SELECT count(*) FROM cause", 13),
        ];
        for (sql, expected) in tables {
            assert_eq!(number(&mut store, sql), expected, "{sql}");
        }
        assert_eq!(parts(&mut store, "other").len(), 1);
        // The file does not grow from month to month.
        assert!(sizes[2] <= sizes[0] + 2, "{sizes:?}");

        // What is old goes even if there is little of it.
        store.clean_to("", START + (89.0 + 26.0) * DAY, LIMITS).unwrap();
        assert_eq!(parts(&mut store, "").len(), 5);
        store.close();
        assert!(path.metadata().unwrap().len() < 1 << 20);
    }
}
