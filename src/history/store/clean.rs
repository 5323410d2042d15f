//! What keeps the history bounded: of old runs the durations are dropped, and the oldest go.

use sqlx::{Connection as _, Row as _};

use super::{Connection, HistoryError, LIMIT, Store, plain};
use crate::history::pack;

/// Parts of runs that keep everything.
pub const WHOLE: i64 = 200;
/// Parts of runs that are kept at all.
pub const KEPT: i64 = 2000;
/// Seconds that a part is kept.
pub const AGE: f64 = 400.0 * 86_400.0;
/// Parts that are compacted at once, so that no recording waits for long.
const AT_ONCE: i64 = 50;

/// The same statements for either kind of connection.
macro_rules! clean {
    ($c:expr, $project:expr, $now:expr) => {{
        let (c, project, now): (_, &str, f64) = ($c, $project, $now);
        let old = sqlx::query(
            "SELECT id, tests, results FROM part WHERE project = $1 AND compacted = 0
             ORDER BY ended DESC, id LIMIT $2 OFFSET $3",
        )
        .bind(project)
        .bind(AT_ONCE)
        .bind(WHOLE)
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
        .bind(KEPT)
        .fetch_optional(&mut *c)
        .await?;
        let edge: f64 = edge.map(|row| row.try_get(0)).transpose()?.unwrap_or(f64::MIN);
        let gone = sqlx::query("DELETE FROM part WHERE project = $1 AND (ended <= $2 OR ended < $3)")
            .bind(project)
            .bind(edge)
            .bind(now - AGE)
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
            sqlx::query("DELETE FROM cause WHERE project = $1 AND last_seen < $2")
                .bind(project)
                .bind(edge.max(now - AGE))
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
        let Self { runtime, connection, name } = self;
        let cleaned = runtime.block_on(async {
            tokio::time::timeout(LIMIT, async {
                match connection {
                    Connection::Sqlite(c) => {
                        let mut tx = c.begin_with("BEGIN IMMEDIATE").await?;
                        let gone = clean!(&mut *tx, project, now)?;
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
                        let gone = clean!(&mut *tx, project, now)?;
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
