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
    "key=",
    "pw",
    "password=>",
    "ghp_...",
    "-----BEGIN A-----\\n",
    "DE89 3704 0044 0532 0130 00 ",
    "b64encode(\"",
    "insert into t(password) values(",
    "A1 LOGIN a ",
    "AUTH ",
    ":::",
    ":*:",
    "b:p4ssw0rd@1.2.3.4 ",
    "---- BEGIN A ----",
    "\"token\" {\n",
    "password for a to '",
    "password.type('",
    "echo a1b2 | sudo -S ",
    "curl -u a:b9c8d7 ",
    "%41%42",
    "=",
    "\\",
    "{'[\"(",
    "token=YWJjOmRlZmdoaTEy ",
    "postgres://a:b9c8d7@h ",
];

/// How long this thread has been on a processor, in seconds (Linux; elsewhere the clock's).
fn on_cpu(begun: Instant) -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = stat.split(' ').next().and_then(|n| n.parse::<f64>().ok());
    nanoseconds.map_or_else(|| begun.elapsed().as_secs_f64(), |n| n / 1e9)
}

/// The best of three measurements, in seconds of the processor. The system tells them by its own ticks of a few
/// milliseconds, so that short texts are redacted often.
fn seconds(text: &str) -> f64 {
    let begun = Instant::now();
    let times = (8_000_000 / text.len().max(1)).clamp(1, 80);
    (0..3)
        .map(|_| {
            let start = on_cpu(begun);
            for _ in 0..times {
                black_box(Redactor::default().text(text));
            }
            (on_cpu(begun) - start) / times as f64
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

/// Lines of 1 MB full of secrets that are all different, and of pieces of all units in disorder.
fn distinct() -> Vec<(String, String)> {
    let mut state = 7_u64;
    let mut draw = move |limit: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % limit
    };
    let letters = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    let mut texts = Vec::new();
    for (before, len, after) in [("ghp_", 36, " "), ("pw='", 7, "' "), ("password=", 8, " "), ("", 24, " ")] {
        let mut text = String::new();
        while text.len() < 1_000_000 {
            text.push_str(before);
            text.extend((0..len).map(|_| char::from(letters[draw(letters.len())])));
            text.push_str(after);
        }
        texts.push((format!("{before:?} and {len} letters and digits"), text));
    }
    let mut text = String::new();
    while text.len() < 1_000_000 {
        text.push_str(UNITS[draw(UNITS.len())]);
    }
    texts.push(("all of these in disorder".to_owned(), text));
    texts
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
    let repeated = UNITS.iter().map(|unit| (format!("{unit:?}"), unit.repeat(1_000_000 / unit.len())));
    for (name, text) in repeated.chain(distinct()) {
        let tenth = text.floor_char_boundary(text.len() / 10);
        let (whole, tenth) = (seconds(&text), seconds(&text[..tenth]));
        writeln!(out, "1 MB of {name}: {:.1} ms, {:.1} times its tenth", whole * 1e3, whole / tenth)?;
    }
    Ok(())
}
