//! Speed of redaction: `cargo bench --bench redact [FILE…]`. Prints megabytes a second of processor time on the
//! given files (pytest output), on a generated log of 20 MB, and on hostile lines of 1 MB with the ratio of
//! their time to that of their first tenth.

use std::fmt::Write as _;
use std::hint::black_box;
use std::io::Write as _;
use std::time::Instant;

use failscope::evidence::redact::Redactor;

/// What hostile lines repeat.
const UNITS: &[&str] = &[
    "x",
    "a1",
    "password=",
    "password='",
    "token:",
    "ghp_",
    "sk-",
    "eyJhbGciOi.",
    "a://b:c",
    "@",
    "a@b.co ",
    "\\\"",
    "-----BEGIN A-----",
    "4111 ",
    "Authorization: ",
    "Cookie: a=",
    "[REDACTED:x]",
    "{\"password\":",
    "A1b2C3d4E5f6G7h8I9j0/",
    "T3BlbkFJ",
    "deadbeef12",
    "a%3A%2F%2Fb%3Ac%40",
    "%3A%2F%2F",
    "a='token='+b ",
];

/// The best of three runs, in seconds.
fn seconds(text: &str) -> f64 {
    (0..3)
        .map(|_| {
            let start = Instant::now();
            black_box(Redactor::default().text(text));
            start.elapsed().as_secs_f64()
        })
        .fold(f64::MAX, f64::min)
}

fn log() -> String {
    let mut log = String::new();
    let mut line: u64 = 0;
    while log.len() < 20 << 20 {
        line += 1;
        let _ = writeln!(
            log,
            "2026-01-02 12:00:{:02},{:03} INFO app.worker [{line}] request id={} path=/api/v1/items/{line} in {} ms",
            line % 60,
            line % 1000,
            line * 7919,
            line % 100
        );
    }
    log
}

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    black_box(Redactor::default().text("password = 'x'"));
    let speed = |text: &str| text.len() as f64 / seconds(text) / 1e6;
    for file in std::env::args().skip(1).filter(|a| !a.starts_with('-')) {
        let text = String::from_utf8_lossy(&std::fs::read(&file)?).into_owned();
        writeln!(out, "{file}: {:.0} MB/s", speed(&text))?;
    }
    writeln!(out, "20 MB log: {:.0} MB/s", speed(&log()))?;
    for unit in UNITS {
        let text = unit.repeat(1_000_000 / unit.len());
        let (whole, tenth) = (seconds(&text), seconds(&text[..unit.len() * (100_000 / unit.len())]));
        writeln!(out, "1 MB of {unit:?}: {:.1} ms, {:.1} times its tenth", whole * 1e3, whole / tenth)?;
    }
    Ok(())
}
