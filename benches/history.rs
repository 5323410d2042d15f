//! What recording a run costs beside `SQLite`'s own floor for the same rows, and how fast a whole history is graded.
//! `cargo bench --bench history`. Time on the processor of this process, all threads (`SQLite` works on one of its own);
//! the floor is measured in the same run. Writes its own files below `target/`.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use failscope::evidence::redact::Redactor;
use failscope::history::context::CodeOfRun;
use failscope::history::pack::Entry;
use failscope::history::recording::Recording;
use failscope::history::store::{NewRun, Store};
use failscope::history::summary::Graded;
use failscope::history::target::Target;
use failscope::model::{Exit, Outcome, ResultFormat, TestId};
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode};

const RUNS: usize = 20;

/// Run `number` of `tests` tests: every hundredth fails now and then.
fn recording(number: usize, tests: usize) -> Recording {
    let entry = |test: usize| {
        let failed = test.is_multiple_of(100) && !(number + test / 100).is_multiple_of(3);
        Entry {
            outcome: if failed { Outcome::Failed } else { Outcome::Passed },
            phases: if failed { 2 } else { 0 },
            duration: Some(0.001 + (test * 31 + number * 17) as f32 % 100.0 / 1e4),
            reruns: 0,
        }
    };
    let mut named: Vec<(TestId, Entry)> = (0..tests)
        .map(|test| {
            let name = format!(
                "tests/unit/part{}/test_module_{}.py::TestThings::test_it[{test}-value]",
                test / 2000,
                test / 50
            );
            (TestId::new(&name), entry(test))
        })
        .collect();
    named.sort_by(|a, b| a.0.cmp(&b.0));
    let ended = 1_795_000_000.0 + number as f64 * 3600.0;
    Recording {
        started: Some(ended - 60.0),
        ended,
        duration: Some(60.0),
        environment: None,
        format: ResultFormat::Junit,
        exit: Exit::Code(1),
        tests: named,
        failures: Vec::new(),
    }
}

/// Time that this process has spent on processors (Linux; elsewhere the clock's).
fn on_cpu(begun: Instant) -> Duration {
    let ticks = std::fs::read_to_string("/proc/self/stat").ok().and_then(|stat| {
        let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
        Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
    });
    // A tick is a hundredth of a second.
    ticks.map_or_else(|| begun.elapsed(), |ticks| Duration::from_millis(ticks * 10))
}

/// Milliseconds on the processor of one call of `work`, over so many calls that ticks do not matter.
fn milliseconds(times: usize, mut work: impl FnMut(usize)) -> f64 {
    let begun = Instant::now();
    let before = on_cpu(begun);
    for at in 0..times {
        work(at);
    }
    on_cpu(begun).saturating_sub(before).as_secs_f64() * 1e3 / times as f64
}

fn open(name: &str) -> (PathBuf, Store) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/bench-history");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{end}", path.display()));
    }
    let store = Store::open(&Target::File(path.clone()), true).unwrap().unwrap();
    (path, store)
}

fn record(store: &mut Store, recording: &Recording, redactor: &Redactor) {
    let packed = recording.packed(redactor);
    let causes = BTreeMap::new();
    let key = recording.digest();
    let code = CodeOfRun::default();
    let run = NewRun {
        project: "",
        key: &key,
        shard: None,
        machine: None,
        code,
        recording,
        packed: &packed,
        causes: &causes,
    };
    assert!(store.record(&run).unwrap());
}

/// The same tests and runs as rows of their own: one table, one prepared statement, one transaction a run.
fn floor(tests: usize, times: usize) -> f64 {
    let (path, store) = open("floor.db");
    store.close();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let options = SqliteConnectOptions::new().filename(&path).journal_mode(SqliteJournalMode::Wal);
    let mut connection = runtime.block_on(SqliteConnection::connect_with(&options)).unwrap();
    let table = "CREATE TABLE plain (test INTEGER, run INTEGER, outcome INTEGER, duration REAL, PRIMARY KEY (test, run)) WITHOUT ROWID";
    runtime.block_on(sqlx::raw_sql(table).execute(&mut connection)).unwrap();
    milliseconds(times, |run| {
        runtime.block_on(async {
            let mut tx = connection.begin().await.unwrap();
            // SQLite makes the rows by itself: no driver stands between.
            sqlx::query(
                "INSERT INTO plain WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < $1)
                 SELECT i, $2, i % 100 = 0, i * 0.0001 FROM n",
            )
            .bind(tests as i64)
            .bind(run as i64)
            .execute(&mut *tx)
            .await
            .unwrap();
            tx.commit().await.unwrap();
        });
    })
}

fn main() {
    let redactor = Redactor::default();
    let tests = 10_000;
    let (_, mut store) = open("record.db");
    let recordings: Vec<Recording> = (0..RUNS * 4).map(|run| recording(run, tests)).collect();
    for recording in &recordings[..RUNS] {
        record(&mut store, recording, &redactor);
    }
    let ours = milliseconds(RUNS * 3, |at| record(&mut store, &recordings[RUNS + at], &redactor));
    let rows = floor(tests, RUNS * 3);
    println!(
        "recording {tests} tests into a history of {RUNS} runs: {ours:.1} ms; SQLite for that many rows: {rows:.1} ms"
    );
    store.close();

    let tests = 100_000;
    let (_, mut store) = open("grade.db");
    for run in 0..RUNS {
        record(&mut store, &recording(run, tests), &redactor);
    }
    let begun = Instant::now();
    let cpu = milliseconds(3, |_| {
        let graded = Graded::read(&mut store, "", &redactor).unwrap();
        assert_eq!(graded.tests.len(), tests);
    });
    let wall = begun.elapsed().as_secs_f64() * 1e3 / 3.0;
    println!(
        "grading {tests} tests over {RUNS} runs: {cpu:.0} ms on the processor, {wall:.0} ms on the clock"
    );
    store.close();
}
