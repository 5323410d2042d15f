//! Redaction as people see it: on secrets that a real pytest printed, on output without any, and over
//! everything that an analysis writes.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests; the measured numbers are shown")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use failscope::evidence::redact::Redactor;

/// Bytes of a secret that may survive, less one.
const PIECE: usize = 12;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

fn secrets() -> Vec<String> {
    let text = std::fs::read_to_string(fixtures().join("redact/secrets.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn rendered() -> Vec<(String, String)> {
    let mut files: Vec<_> = std::fs::read_dir(fixtures().join("redact/rendered"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect();
    files.sort();
    files
}

/// Whether `bytes` hold a piece of `secret` that gives it away.
fn holds(bytes: &[u8], secret: &str) -> bool {
    let size = PIECE.min(secret.len());
    secret.as_bytes().windows(size).any(|piece| memchr::memmem::find(bytes, piece).is_some())
}

#[test]
fn strict_recall_on_what_pytest_prints() {
    let secrets = secrets();
    let (mut kept, mut all) = (0, 0);
    for (situation, text) in rendered() {
        let redacted = Redactor::default().text(&text);
        assert_eq!(redacted.as_str().lines().count(), text.lines().count(), "lines of {situation}");
        let present: Vec<_> = secrets.iter().filter(|s| holds(text.as_bytes(), s)).collect();
        let lost = present.iter().filter(|s| holds(redacted.as_str().as_bytes(), s)).count();
        println!("{situation}: {} of {}", present.len() - lost, present.len());
        kept += present.len() - lost;
        all += present.len();
    }
    println!("strict recall: {kept} of {all}");
    assert!(all >= 400, "the labelled set has {all} rows");
    assert!(kept * 100 >= all * 95, "strict recall {kept} of {all}");
}

fn text_files(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            text_files(&path, files);
        } else if path.extension().is_some_and(|e| e == "txt" || e == "xml" || e == "json" || e == "jsonl") {
            files.push(path);
        }
    }
}

#[test]
fn output_without_secrets_stays_as_it_is() {
    let mut files = Vec::new();
    text_files(&fixtures().join("results"), &mut files);
    files.sort();
    let (mut lines, mut changed) = (0, Vec::new());
    for file in files {
        let Ok(text) = std::fs::read_to_string(&file) else { continue };
        let redacted = Redactor::default().text(&text);
        lines += text.lines().count();
        changed.extend(
            text.lines()
                .zip(redacted.as_str().lines())
                .filter(|(before, after)| before != after)
                .map(|(_, after)| format!("{}: {:.200}", file.display(), after)),
        );
    }
    println!("false redactions: {} in {lines} lines", changed.len());
    assert!(lines > 2000, "the captured results have {lines} lines");
    assert!(changed.len() * 10_000 <= lines * 3, "{changed:#?}");
}

fn escape(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .map(|c| match c {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            '"' => "&quot;".to_owned(),
            c => c.to_string(),
        })
        .collect()
}

fn files_under(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files_under(&path, found) } else { found.push(path) }
    }
}

#[test]
fn nothing_that_an_analysis_writes_holds_a_planted_secret() {
    let mut planted = secrets();
    let environment = BTreeMap::from([
        ("CANARY_PASSWORD", "correct-horse-battery-staple"),
        ("CANARY_TOKEN", "tok_9f8Kq2LmZx7Vb4Nw"),
        ("CANARY_API_KEY", "0c4f1b9a7d3e5f60718293a4b5c6d7e8"),
        ("CANARY_SECRET", "S3cr3t/With+Signs=="),
        ("CANARY_AUTH_KEY", "Zm9vYmFyYmF6cXV4cXV1eA"),
    ]);
    planted.extend(environment.values().map(|v| (*v).to_owned()));
    assert!(planted.len() >= 39, "{} planted", planted.len());

    let mut cases = String::new();
    for (situation, text) in rendered() {
        let mut output = String::new();
        for value in environment.values() {
            writeln!(output, "from outside: {value}").unwrap();
        }
        writeln!(
            cases,
            "<testcase classname=\"test_it\" name=\"test_{situation}[{id}]\"><failure message=\"{message}\">{text}</failure><system-out>{output}</system-out></testcase>",
            id = escape(environment["CANARY_TOKEN"]),
            message = escape(text.lines().find(|l| l.starts_with("E ")).unwrap_or_default()),
            text = escape(&text),
            output = escape(&output),
        )
        .unwrap();
    }
    let workspace = tempfile::tempdir().unwrap();
    std::fs::write(workspace.path().join("pyproject.toml"), "[project]\nname = \"canary\"\n").unwrap();
    std::fs::write(
        workspace.path().join("results.xml"),
        format!(
            "<?xml version=\"1.0\"?><testsuites><testsuite name=\"pytest\">{cases}</testsuite></testsuites>"
        ),
    )
    .unwrap();
    for format in ["human", "json", "github", "markdown"] {
        let run = assert_cmd::Command::cargo_bin("failscope")
            .unwrap()
            .args(["analyze", "results.xml", "--offline", "--format", format])
            .envs(environment.iter().map(|(k, v)| (*k, *v)))
            .current_dir(workspace.path())
            .output()
            .unwrap();
        assert_eq!(run.status.code(), Some(1), "{}", String::from_utf8_lossy(&run.stderr));
        for (stream, bytes) in [("stdout", &run.stdout), ("stderr", &run.stderr)] {
            for secret in &planted {
                assert!(!holds(bytes, secret), "{format}: {stream} holds {secret}");
            }
        }
    }
    let mut written = Vec::new();
    files_under(&workspace.path().join(".failscope"), &mut written);
    assert!(!written.is_empty());
    for file in written {
        let bytes = std::fs::read(&file).unwrap();
        for secret in &planted {
            assert!(!holds(&bytes, secret), "{} holds {secret}", file.display());
        }
    }
}
