//! `failscope redact`: redaction as a filter, so that people can see what would be sent, and use it in CI.

use std::io::{self, BufRead, Read, Write};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::project::Project;
use crate::evidence::redact::{Found, Redacted, Redactor};
use crate::system::System;

/// Most bytes that are held while waiting for a line to end.
const MAX_HELD: usize = 8 << 20;
/// Bytes asked for at once.
const BLOCK: usize = 256 << 10;

/// Arguments of `failscope redact`.
#[derive(Debug, Default, clap::Args)]
pub struct Args {
    /// Read one {"id", "text"} object a line and write {"id", "text", "found"}
    #[arg(long)]
    json_lines: bool,
    /// Leave this value alone; given as its hex SHA-256 digest
    #[arg(long, value_name = "SHA256")]
    allow: Vec<String>,
    /// Do not replace secrets of this kind
    #[arg(long, value_name = "KIND")]
    keep: Vec<String>,
    /// Also replace what this regular expression (or its first group) matches
    #[arg(long, value_name = "KIND=REGEX")]
    pattern: Vec<String>,
    /// Replace addresses at documentation domains such as example.com too
    #[arg(long)]
    example_emails: bool,
}

/// Runs the subcommand; gives the exit code.
pub fn execute(args: Args, system: &System) -> anyhow::Result<u8> {
    let stdin = io::stdin().lock();
    let stdout = io::stdout().lock();
    filter(args, system, stdin, stdout, io::stderr().lock())
}

/// Filters `input` to `output`; the warning with the counts goes to `log`.
fn filter(
    args: Args,
    system: &System,
    input: impl BufRead,
    output: impl Write,
    mut log: impl Write,
) -> anyhow::Result<u8> {
    let json_lines = args.json_lines;
    let redactor = redactor(args, system, &mut log)?;
    let mut output = io::BufWriter::new(output);
    let result = if json_lines {
        lines(&redactor, input, &mut output, &mut log)
    } else {
        stream(&redactor, input, &mut output).map(|()| super::EXIT_OK)
    };
    let result = result.and_then(|code| output.flush().map(|()| code));
    let code = match result {
        Ok(code) => code,
        // Whoever read the output has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => super::EXIT_OK,
        Err(error) => return Err(error).context("redacting standard input"),
    };
    if let Some(warning) = warning(&redactor) {
        let _ = writeln!(log, "{warning}");
    }
    Ok(code)
}

fn redactor(args: Args, system: &System, log: &mut impl Write) -> anyhow::Result<Redactor> {
    let project = Project::open(None, system)?;
    for line in project.problem_lines() {
        let _ = writeln!(log, "failscope: {}", Redactor::default().text(&line));
    }
    let mut settings = project.config.redaction;
    settings.example_emails |= args.example_emails;
    settings.allow.extend(args.allow.iter().map(|digest| digest.to_ascii_lowercase()));
    settings.off.extend(args.keep);
    for pattern in args.pattern {
        let (kind, regex) = pattern
            .split_once('=')
            .with_context(|| format!("--pattern {pattern:?} is not of the form KIND=REGEX"))?;
        settings.patterns.push((kind.to_owned(), regex.to_owned()));
    }
    let redactor = Redactor::with_settings(system.environment(), settings)
        .context("reading a pattern of --pattern; give a regular expression")?;
    redactor.know_dotenv_files(&project.root);
    Ok(redactor)
}

/// The warning that a redaction occurred, e.g. `failscope: redacted 3 values (api_key: 2, email: 1)`; `None`
/// when nothing was replaced.
pub fn warning(redactor: &Redactor) -> Option<String> {
    let counts = redactor.counts();
    let total: u64 = counts.values().sum();
    let list: Vec<String> = counts.iter().map(|(kind, count)| format!("{kind}: {count}")).collect();
    let noun = if total == 1 { "value" } else { "values" };
    (total > 0).then(|| format!("failscope: redacted {total} {noun} ({})", list.join(", ")))
}

/// A line of `--json-lines` input.
#[derive(Deserialize)]
struct Request {
    #[serde(default)]
    id: serde_json::Value,
    text: String,
}

/// A line of `--json-lines` output.
#[derive(Serialize)]
struct Answer {
    id: serde_json::Value,
    text: Redacted,
    found: Vec<Found>,
}

fn lines(
    redactor: &Redactor,
    mut input: impl BufRead,
    output: &mut impl Write,
    log: &mut impl Write,
) -> io::Result<u8> {
    let mut code = super::EXIT_OK;
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        let text = String::from_utf8_lossy(&line);
        if text.trim().is_empty() {
            continue;
        }
        match serde_json::from_str::<Request>(&text) {
            Ok(Request { id, text }) => {
                let (text, found) = redactor.text_with_finds(&text);
                let id = redacted_id(redactor, id);
                serde_json::to_writer(&mut *output, &Answer { id, text, found })?;
                output.write_all(b"\n")?;
            }
            Err(error) => {
                code = super::EXIT_UNREADABLE;
                let _ = writeln!(
                    log,
                    "failscope: standard input, line {number}: not a JSON object with \"id\" and \"text\" (column {}); the line was left out",
                    error.column()
                );
            }
        }
    }
    Ok(code)
}

fn redacted_id(redactor: &Redactor, id: serde_json::Value) -> serde_json::Value {
    match id {
        serde_json::Value::String(text) => redactor.text(&text).as_str().into(),
        other => other,
    }
}

/// Redacts in blocks that end with a line and outside of a PEM block, so that no secret is cut.
fn stream(redactor: &Redactor, mut input: impl Read, output: &mut impl Write) -> io::Result<()> {
    let mut held: Vec<u8> = Vec::new();
    let mut block = vec![0; BLOCK];
    loop {
        let read = match input.read(&mut block) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        held.extend_from_slice(&block[..read]);
        let end = if read == 0 { held.len() } else { safe_end(&held) };
        if end > 0 {
            let text = String::from_utf8_lossy(&held[..end]);
            output.write_all(redactor.text(&text).as_str().as_bytes())?;
            output.flush()?;
            held.drain(..end);
        }
        if read == 0 {
            return Ok(());
        }
    }
}

/// Up to where `held` can be redacted without what comes after it.
fn safe_end(held: &[u8]) -> usize {
    let mut end = memchr::memrchr(b'\n', held).map_or(0, |i| i + 1);
    // The last lines stay: a name may have its value on the next line, a wrapped secret its rest.
    for _ in 0..2 {
        end = memchr::memrchr(b'\n', &held[..end.saturating_sub(1)]).map_or(0, |i| i + 1);
    }
    let begin = memchr::memmem::rfind(&held[..end], b"-----BEGIN ");
    let close = memchr::memmem::rfind(&held[..end], b"-----END ");
    if let Some(begin) = begin
        && close.is_none_or(|close| close < begin)
        && held.len() - begin < 64 << 10
    {
        end = memchr::memrchr(b'\n', &held[..begin]).map_or(0, |i| i + 1);
    }
    if end == 0 && held.len() >= MAX_HELD {
        // One endless line: cut where no word is cut.
        let tail = held.len() - (64 << 10);
        end = held[tail..]
            .iter()
            .position(|b| b.is_ascii_whitespace() || matches!(b, b',' | b';'))
            .map_or(tail, |i| tail + i + 1);
        while end > 0 && end < held.len() && held[end] & 0xC0 == 0x80 {
            end -= 1;
        }
    }
    end
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::path::PathBuf;
    use std::time::SystemTime;

    use super::*;

    /// Gives its bytes in small pieces.
    struct Drip<'a>(&'a [u8], usize);

    impl Read for Drip<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let count = self.0.len().min(self.1).min(into.len());
            into[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn system() -> System {
        System::fixed(SystemTime::UNIX_EPOCH, [], PathBuf::from("no such directory"))
    }

    fn run(args: Args, input: &[u8]) -> (u8, String, String) {
        let (mut output, mut log) = (Vec::new(), Vec::new());
        let code = filter(args, &system(), input, &mut output, &mut log).unwrap();
        (code, String::from_utf8(output).unwrap(), String::from_utf8(log).unwrap())
    }

    #[test]
    fn filters_and_warns() {
        let (code, output, log) = run(Args::default(), b"a\npassword = 'hunter2'\n");
        assert_eq!((code, output.as_str()), (0, "a\npassword = '[REDACTED:password]'\n"));
        assert_eq!(log, "failscope: redacted 1 value (password: 1)\n");
        assert_eq!(run(Args::default(), b"nothing\n").2, "");
    }

    #[test]
    fn pieces_of_any_size_give_the_same() {
        let text = "one\npassword = 'hunter2'\n-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA1c7\n-----END RSA PRIVATE KEY-----\nlast \u{e9}";
        let (_, whole, _) = run(Args::default(), text.as_bytes());
        for size in [1, 2, 3, 7, 50] {
            let mut output = Vec::new();
            stream(&Redactor::default(), Drip(text.as_bytes(), size), &mut output).unwrap();
            assert_eq!(String::from_utf8(output).unwrap(), whole, "in pieces of {size}");
        }
        assert!(!whole.contains("MIIE") && whole.ends_with("last \u{e9}"));
    }

    #[test]
    fn invalid_utf_8_is_replaced() {
        assert_eq!(run(Args::default(), b"a \xff b\n").1, "a \u{fffd} b\n");
    }

    #[test]
    fn json_lines() {
        let args = Args { json_lines: true, ..Args::default() };
        let (code, output, log) =
            run(args, b"{\"id\": 7, \"text\": \"password='hunter2'\"}\n[]\n{\"id\":\"b\",\"text\":\"x\"}\n");
        let answers: Vec<serde_json::Value> =
            output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(answers[0]["id"], 7);
        assert_eq!(answers[0]["text"], "password='[REDACTED:password]'");
        assert_eq!(answers[0]["found"][0]["kind"], "password");
        assert_eq!(answers[0]["found"][0]["start"], 10);
        assert_eq!(answers[1], serde_json::json!({"id": "b", "text": "x", "found": []}));
        assert_eq!(code, super::super::EXIT_UNREADABLE);
        assert!(log.contains("line 2"), "{log}");
    }

    #[test]
    fn settings() {
        let digest = crate::evidence::redact::digest("hunter2");
        let args = Args {
            allow: vec![digest],
            pattern: vec!["badge=B-[0-9]{4}".to_owned()],
            keep: vec!["email".to_owned()],
            ..Args::default()
        };
        let (_, output, _) = run(args, b"password='hunter2' B-1234 jane@acme.com\n");
        assert_eq!(output, "password='hunter2' [REDACTED:badge] jane@acme.com\n");
    }
}
