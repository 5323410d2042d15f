//! The history on disk or in `PostgreSQL`: one schema, one transaction for each run.
//!
//! What two processes write at once is kept, whatever becomes of either: `SQLite` works with a write-ahead log that is
//! synchronised at each commit, and takes the write lock before it looks at anything; `PostgreSQL` takes a lock for
//! each project until the transaction ends. Ids are digests of content, so a run that is recorded twice is
//! recorded once.

mod clean;
mod read;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::sqlite::{
    SqliteAutoVacuum, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _};

use super::context::{CodeOfRun, hex};
use super::pack;
use super::recording::{Packed, Recording, Times};
use super::target::Target;

pub use read::StoredPart;

/// The migrations, in order; each is applied once.
const MIGRATIONS: &[&str] = &[include_str!("migrations/1.sql")];
/// The version that the newest migration makes.
#[expect(clippy::cast_possible_wrap, reason = "there are few")]
const NEWEST: i64 = MIGRATIONS.len() as i64;
/// How long to wait for others that write.
const BUSY: Duration = Duration::from_secs(30);
/// How long to wait for a database server.
const CONNECT: Duration = Duration::from_secs(5);
/// How long one recording may take altogether.
const LIMIT: Duration = Duration::from_mins(1);
/// Causes written with one statement.
const CAUSES_AT_ONCE: usize = 500;

/// Why the history could not be used.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// There is no such database, or it is not ours.
    #[error("cannot open the history of runs in {name}: {reason}")]
    Open {
        /// Where.
        name: String,
        /// Why, and what to do.
        reason: String,
    },
    /// It was made by a newer version.
    #[error(
        "the history of runs in {name} has version {found}, this version of Failscope knows up to {}; install a \
         newer one", MIGRATIONS.len()
    )]
    Version {
        /// Where.
        name: String,
        /// Its version.
        found: i64,
    },
    /// A statement failed.
    #[error("the history of runs in {name} could not be {action}: {reason}")]
    Query {
        /// Where.
        name: String,
        /// What was being done.
        action: &'static str,
        /// Why.
        reason: String,
    },
}

enum Connection {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// Does the same with either connection.
macro_rules! on {
    ($connection:expr, $name:ident => $body:expr) => {
        match $connection {
            $crate::history::store::Connection::Sqlite($name) => $body,
            $crate::history::store::Connection::Postgres($name) => $body,
        }
    };
}
use on;

/// An open history.
pub struct Store {
    runtime: tokio::runtime::Runtime,
    connection: Connection,
    name: String,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A run to record.
#[derive(Debug)]
pub struct NewRun<'a> {
    /// The project.
    pub project: &'a str,
    /// The run that it is, or is a part of.
    pub key: &'a str,
    /// Its part of that run.
    pub shard: Option<&'a str>,
    /// The machine.
    pub machine: Option<&'a str>,
    /// The code.
    pub code: CodeOfRun,
    /// What happened.
    pub recording: &'a Recording,
    /// The same, packed.
    pub packed: &'a Packed,
    /// Root causes by fingerprint, as they may be shown.
    pub causes: &'a BTreeMap<String, String>,
}

/// Makes the tables that are not there yet, in a transaction of either kind whose lock is held; gives the version
/// that was found.
macro_rules! migrate {
    ($tx:expr, $first:expr, $adapted:expr) => {{
        let table = "CREATE TABLE IF NOT EXISTS failscope_schema (version BIGINT NOT NULL)";
        sqlx::raw_sql(AssertSqlSafe(format!("{}{table}", $first))).execute($tx).await?;
        let version = "SELECT coalesce(max(version), 0) FROM failscope_schema";
        let done: i64 = sqlx::query(version).fetch_one($tx).await?.try_get(0)?;
        for (at, sql) in MIGRATIONS.iter().enumerate().skip(usize::try_from(done).unwrap_or(0)) {
            sqlx::raw_sql(AssertSqlSafe($adapted(sql))).execute($tx).await?;
            sqlx::query("INSERT INTO failscope_schema VALUES ($1)")
                .bind(integer(at) + 1)
                .execute($tx)
                .await?;
        }
        done
    }};
}

impl Store {
    /// Opens the history; `None` if it is off, or there is none yet and `create` is false.
    pub fn open(target: &Target, create: bool) -> Result<Option<Self>, HistoryError> {
        let name = target.name();
        let refused = |reason: String| HistoryError::Open { name: name.clone(), reason };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| refused(error.to_string()))?;
        let connection = match target {
            Target::Off => return Ok(None),
            Target::File(path) if !create && !path.exists() => return Ok(None),
            Target::File(path) => {
                prepare_folder(path).map_err(|error| refused(error.to_string()))?;
                let options = SqliteConnectOptions::new()
                    .filename(path)
                    .create_if_missing(create)
                    .busy_timeout(BUSY)
                    .journal_mode(SqliteJournalMode::Wal)
                    .synchronous(SqliteSynchronous::Full)
                    .auto_vacuum(SqliteAutoVacuum::Incremental)
                    .disable_statement_logging();
                runtime.block_on(SqliteConnection::connect_with(&options)).map(Connection::Sqlite)
            }
            Target::Postgres(url) => {
                let options: PgConnectOptions =
                    url.parse().map_err(|error: sqlx::Error| refused(plain(&error)))?;
                // Statements that had to wait for others are nothing to warn of.
                let options = options.application_name("failscope").disable_statement_logging();
                let options = options.options([("search_path", "failscope")]);
                let connect = runtime.block_on(async {
                    tokio::time::timeout(CONNECT, PgConnection::connect_with(&options)).await
                });
                let connected = connect.map_err(|_| {
                    refused(format!("the server does not answer within {} s", CONNECT.as_secs()))
                })?;
                connected.map(Connection::Postgres)
            }
        };
        let connection = connection.map_err(|error| refused(advice(&error, target)))?;
        let mut store = Self { runtime, connection, name };
        store.migrate(target)?;
        Ok(Some(store))
    }

    /// Closes it; `SQLite`'s files beside the database go.
    pub fn close(self) {
        let Self { runtime, connection, .. } = self;
        // All is committed; whoever is last tidies up.
        let _ = runtime.block_on(async { on!(connection, c => c.close().await) });
    }

    /// Brings the schema up to date.
    fn migrate(&mut self, target: &Target) -> Result<(), HistoryError> {
        let Self { runtime, connection, name } = self;
        let migrated: Result<i64, sqlx::Error> = runtime.block_on(async {
            // Nearly always it is up to date, which needs no lock to see.
            let version = on!(&mut *connection, c => {
                sqlx::query("SELECT max(version) FROM failscope_schema").fetch_one(c).await
                    .and_then(|row| row.try_get::<Option<i64>, _>(0)).ok().flatten()
            });
            if let Some(version) = version.filter(|version| *version >= NEWEST) {
                return Ok(version);
            }
            let done = match connection {
                Connection::Sqlite(c) => {
                    let mut tx = c.begin_with("BEGIN IMMEDIATE").await?;
                    let done = migrate!(&mut *tx, "", |sql: &str| sql.to_owned());
                    tx.commit().await?;
                    done
                }
                Connection::Postgres(c) => {
                    let mut tx = c.begin().await?;
                    // Any fixed number, the same in every process.
                    sqlx::raw_sql("SELECT pg_advisory_xact_lock(7105923)").execute(&mut *tx).await?;
                    let schema = "CREATE SCHEMA IF NOT EXISTS failscope;";
                    let done = migrate!(&mut *tx, schema, |sql: &str| sql.replace(" BLOB", " BYTEA"));
                    tx.commit().await?;
                    done
                }
            };
            Ok(done.max(NEWEST))
        });
        match migrated {
            Ok(found) if found > NEWEST => Err(HistoryError::Version { name: name.clone(), found }),
            Ok(_) => Ok(()),
            Err(error) => Err(HistoryError::Open { name: name.clone(), reason: advice(&error, target) }),
        }
    }

    /// Records a run in one transaction; whether it was new.
    pub fn record(&mut self, run: &NewRun<'_>) -> Result<bool, HistoryError> {
        let Self { runtime, connection, name } = self;
        let written = runtime.block_on(async {
            tokio::time::timeout(LIMIT, async {
                match connection {
                    Connection::Sqlite(c) => {
                        let mut tx = c.begin_with("BEGIN IMMEDIATE").await?;
                        let new = insert_sqlite(&mut tx, run).await?;
                        tx.commit().await.map(|()| new)
                    }
                    Connection::Postgres(c) => {
                        let mut tx = c.begin().await?;
                        sqlx::query("SELECT pg_advisory_xact_lock(7105924, hashtext($1))")
                            .bind(run.project)
                            .execute(&mut *tx)
                            .await?;
                        let new = insert_postgres(&mut tx, run).await?;
                        tx.commit().await.map(|()| new)
                    }
                }
            })
            .await
        });
        let failed = |reason: String| HistoryError::Query { name: name.clone(), action: "written", reason };
        written
            .map_err(|_| failed(format!("it took longer than {} s", LIMIT.as_secs())))?
            .map_err(|e| failed(plain(&e)))
    }
}

/// The same statements for either kind of connection, whose types differ.
macro_rules! insert {
    ($name:ident, $connection:ty, $database:ty) => {
        async fn $name(c: &mut $connection, run: &NewRun<'_>) -> Result<bool, sqlx::Error> {
            let NewRun { project, key, recording, packed, .. } = run;
            let digest = recording.digest();
            let known = sqlx::query("SELECT 1 FROM source WHERE project = $1 AND digest = $2")
                .bind(project)
                .bind(&digest)
                .fetch_optional(&mut *c)
                .await?;
            if known.is_some() {
                return Ok(false);
            }
            let roster = hex(&Sha256::digest(&packed.roster)[..16]);
            let near = sqlx::query(
                "SELECT id, started, ended, tests, results FROM part
                 WHERE project = $1 AND ended BETWEEN $2 AND $3 AND roster = $4",
            )
            .bind(project)
            .bind(recording.ended - 5.0)
            .bind(recording.ended + 5.0)
            .bind(&roster)
            .fetch_all(&mut *c)
            .await?;
            for row in near {
                let times = Times { started: row.try_get("started")?, ended: row.try_get("ended")? };
                let count = usize::try_from(row.try_get::<i64, _>("tests")?).unwrap_or(0);
                let theirs = pack::entries(row.try_get("results")?, count).unwrap_or_default();
                if recording.is_same_execution(times, &theirs, packed) {
                    let part: String = row.try_get("id")?;
                    sqlx::query("INSERT INTO source (digest, project, part) VALUES ($1, $2, $3)")
                        .bind(&digest)
                        .bind(project)
                        .bind(part)
                        .execute(&mut *c)
                        .await?;
                    return Ok(false);
                }
            }
            let run_id = id(&[project, key]);
            let part_id = id(&[&run_id, &digest]);
            sqlx::query("INSERT INTO roster (digest, tests, names) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
                .bind(&roster)
                .bind(integer(packed.tests))
                .bind(&packed.roster[..])
                .execute(&mut *c)
                .await?;
            sqlx::query(
                "INSERT INTO run (id, project, key, branch, commit_id, tree, dirty)
                 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
            )
            .bind(&run_id)
            .bind(project)
            .bind(key)
            .bind(run.code.branch.as_deref())
            .bind(run.code.commit.as_deref())
            .bind(run.code.tree.as_deref())
            .bind(run.code.dirty.map(i64::from))
            .execute(&mut *c)
            .await?;
            let counts = recording.counts();
            let failures = serde_json::to_string(&packed.failures).unwrap_or_default();
            sqlx::query(
                "INSERT INTO part (id, run, project, started, ended, duration, shard, machine, environment,
                 format, outcome, passed, failed, other, tests, roster, results, failures)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
            )
            .bind(&part_id)
            .bind(&run_id)
            .bind(project)
            .bind(recording.started)
            .bind(recording.ended)
            .bind(recording.duration)
            .bind(run.shard)
            .bind(run.machine)
            .bind(recording.environment.as_deref())
            .bind(recording.format.name())
            .bind(outcome(recording))
            .bind(integer(counts.passed + counts.xpassed))
            .bind(integer(counts.failed + counts.errors))
            .bind(integer(counts.skipped + counts.xfailed))
            .bind(integer(packed.tests))
            .bind(&roster)
            .bind(&packed.results[..])
            .bind(failures)
            .execute(&mut *c)
            .await?;
            sqlx::query("INSERT INTO source (digest, project, part) VALUES ($1, $2, $3)")
                .bind(&digest)
                .bind(project)
                .bind(&part_id)
                .execute(&mut *c)
                .await?;
            let mut causes: Vec<(&str, &str)> = packed
                .failures
                .iter()
                .filter_map(|f| f.fingerprint.as_ref().and_then(|print| run.causes.get_key_value(print)))
                .map(|(print, cause)| (print.as_str(), cause.as_str()))
                .collect();
            causes.sort_unstable();
            causes.dedup_by_key(|(print, _)| *print);
            for some in causes.chunks(CAUSES_AT_ONCE) {
                let mut query = sqlx::QueryBuilder::<$database>::new(
                    "INSERT INTO cause (project, fingerprint, root_cause, first_seen, last_seen) ",
                );
                query.push_values(some, |mut row, (print, cause)| {
                    row.push_bind(*project)
                        .push_bind(*print)
                        .push_bind(*cause)
                        .push_bind(recording.ended)
                        .push_bind(recording.ended);
                });
                query.push(
                    " ON CONFLICT (project, fingerprint) DO UPDATE SET
                     first_seen = CASE WHEN excluded.first_seen < cause.first_seen
                         THEN excluded.first_seen ELSE cause.first_seen END,
                     last_seen = CASE WHEN excluded.last_seen > cause.last_seen
                         THEN excluded.last_seen ELSE cause.last_seen END",
                );
                query.build().execute(&mut *c).await?;
            }
            Ok(true)
        }
    };
}
insert!(insert_sqlite, SqliteConnection, sqlx::Sqlite);
insert!(insert_postgres, PgConnection, sqlx::Postgres);

/// A number as databases have them.
fn integer(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

/// How the run ended, in a word or a number.
fn outcome(recording: &Recording) -> String {
    match recording.exit {
        crate::model::Exit::Unknown => "unknown".to_owned(),
        crate::model::Exit::Code(code) => code.to_string(),
        crate::model::Exit::Interrupted => "interrupted".to_owned(),
        crate::model::Exit::Unfinished => "unfinished".to_owned(),
    }
}

fn id(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
        hash.update([0]);
    }
    hex(&hash.finalize()[..16])
}

/// Makes the folder of the database, which is kept out of git as that of the reports is.
fn prepare_folder(path: &Path) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    if let Some(folder) = path.parent().filter(|folder| !folder.exists()) {
        crate::report::files::Folder::open(folder)?;
    }
    Ok(())
}

/// An error without the lines that drivers add.
fn plain(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => error.message().to_owned(),
        error => error.to_string(),
    }
}

/// An error on opening, with what to do.
fn advice(error: &sqlx::Error, target: &Target) -> String {
    let reason = plain(error);
    match target {
        Target::File(_) if reason.contains("not a database") || reason.contains("malformed") => {
            format!("{reason}; move the file away, and a new one is made")
        }
        Target::File(_) => format!("{reason}; check the permissions of the file and its folder"),
        _ => format!("{reason}; check the `history` setting or the variable {}", super::target::VARIABLE),
    }
}
