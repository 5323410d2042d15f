//! Broken, cut, huge and hostile files: what could be read, plus problems; never a panic, never a hang.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Read;

use failscope::ingest::{IngestError, ReadOptions, read};
use failscope::model::{Exit, Run};
use proptest::prelude::*;

fn text(bytes: &[u8]) -> Result<Run, IngestError> {
    read(bytes, "file", None, &ReadOptions::default())
}

fn fixture(file: &str) -> Vec<u8> {
    std::fs::read(format!("{}/fixtures/results/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// What was found, in short: `id` of each failure, then `exit` and the offsets of problems.
fn short(bytes: &[u8]) -> String {
    match text(bytes) {
        Err(error) => error.to_string().split(" holds ").next().unwrap().to_owned(),
        Ok(run) => {
            let failures: Vec<String> =
                run.failures.iter().map(|f| format!("{}={}", f.test, f.headline)).collect();
            let problems: Vec<String> =
                run.problems.iter().map(|p| p.offset.map_or("-".to_owned(), |at| at.to_string())).collect();
            let cut = if run.exit == Exit::Unfinished { " cut" } else { "" };
            format!("{}{cut} !{}", failures.join(","), problems.join(","))
        }
    }
}

fn check(cases: Vec<(Vec<u8>, &str)>) {
    let mut wrong = String::new();
    for (document, expected) in cases {
        let found = short(&document);
        if found != expected {
            let start = String::from_utf8_lossy(&document[..document.len().min(400)]).into_owned();
            let _ = write!(wrong, "\n{start}\n  found {found:?}\n  not   {expected:?}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

const FAILED: &str = "<testcase classname='a' name='t'><failure message='m'>x</failure></testcase>";

#[test]
fn broken_junit() {
    let suite = |inner: &str| format!("<testsuite>{inner}</testsuite>");
    let bomb: String = (0..20).fold("<!ENTITY e0 'lol'>".to_owned(), |all, n| {
        format!("{all}<!ENTITY e{} '{}'>", n + 1, format!("&e{n};").repeat(10))
    });
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (suite(FAILED).into(), "a.py::t=m !"),
        (suite(&FAILED.repeat(2)).into(), "a.py::t=m !"),
        (format!("<!DOCTYPE x [{bomb}]>{}", suite(&FAILED.replace("'m'", "'&e20;'"))).into(), "a.py::t=&e20; !"),
        (
            format!("<!DOCTYPE x [<!ENTITY f SYSTEM 'file:///etc/passwd'>]>{}", suite(&FAILED.replace("'m'", "'&f;'"))).into(),
            "a.py::t=&f; !",
        ),
        // Cut.
        (b"<testsuite><testcase classname='a' name='t'><failure message='m'>x".to_vec(), "a.py::t=m cut !66"),
        (b"<testsuite><testcase classname='a' name='t'".to_vec(), " cut !43"),
        (b"<testsuite><testcase classname='a' name='t'>".to_vec(), " cut !44"),
        (format!("<testsuite>{FAILED}").into(), "a.py::t=m cut !87"),
        // Only the end is left.
        (format!("ure></testcase>{FAILED}</testsuite></testsuites>").into(), "a.py::t=m !116"),
        // Not closed, closed twice, closed wrongly.
        (suite(&FAILED.replace("</testcase>", "")).into(), "a.py::t=m !"),
        (suite(&format!("{}{FAILED}", FAILED.replace("</failure></testcase>", ""))).into(), "a.py::t=m !"),
        (format!("{}</testsuite></testcase>", suite(FAILED)).into(), "a.py::t=m !"),
        (suite(&FAILED.replace("</failure>", "</error>")).into(), "a.py::t=m !"),
        (suite(&format!("<testcase name='x><testcase name='y'/>{FAILED}")).into(), "a.py::t=m !11"),
        (suite(&format!("<testcase <{FAILED}")).into(), "a.py::t=m !11"),
        // Bytes.
        (suite(&FAILED.replace("'m'", "'\0\u{1}z'")).into(), "a.py::t=z !"),
        ([b"<testsuite>".as_slice(), &FAILED.as_bytes()[..54], b"\xff\xfe</failure></testcase></testsuite>"].concat(), "a.py::t=m !11"),
        ([b"\xEF\xBB\xBF \n".as_slice(), suite(FAILED).as_bytes()].concat(), "a.py::t=m !"),
        (suite(FAILED).encode_utf16().flat_map(u16::to_le_bytes).collect(), "a.py::t=m !"),
        // Numbers that are none, repeated attributes.
        (
            suite("<testcase classname='a' name='t' time='1e999' line='99999999999999' file='a.py'><failure message='m' message='n'/></testcase>").into(),
            "a.py::t=n !",
        ),
        (suite("<testcase time='nan' name='' classname=''><error/></testcase>").into(), "= !"),
        // Depth.
        (suite(&format!("{}{FAILED}{}", "<a>".repeat(50_000), "</a>".repeat(50_000))).into(), "a.py::t=m !"),
        (
            suite(&FAILED.replace(">x<", &format!(">{}y{}<", "<a>".repeat(50_000), "</a>".repeat(50_000)))).into(),
            "a.py::t=m !",
        ),
        ("<testsuite>".repeat(100_000).into(), " cut !1100000"),
        // Other documents.
        (b"<html><body>no</body></html>".to_vec(), "file"),
        (b"".to_vec(), "file"),
        (vec![0; 10_000], "file"),
    ];
    check(cases);
}

#[test]
fn broken_json() {
    let line = |id: &str| {
        format!(
            r#"{{"nodeid": "{id}", "outcome": "failed", "longrepr": "E   boom", "when": "call", "$report_type": "TestReport"}}"#
        )
    };
    let log = |lines: &[String]| {
        let finish = r#"{"exitstatus": 1, "$report_type": "SessionFinish"}"#;
        format!(
            "{{\"pytest_version\": \"9\", \"$report_type\": \"SessionStart\"}}\n{}\n{finish}\n",
            lines.join("\n")
        )
    };
    let deep = format!(
        r#"{{"nodeid": "d", "outcome": "failed", "x": {}{}, "longrepr": "E   boom", "when": "call", "$report_type": "TestReport"}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let open = format!(r#"{{"nodeid": "d", "outcome": "failed", "x": {}"#, "[{\"a\":".repeat(100_000));
    let report = |tests: &str| {
        format!(r#"{{"created": 1.0, "exitcode": 1, "root": "/r", "summary": {{}}, "tests": [{tests}]}}"#)
    };
    let test = |id: &str| {
        format!(
            r#"{{"nodeid": "{id}", "outcome": "failed", "call": {{"outcome": "failed", "longrepr": "E   boom"}}}}"#
        )
    };
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (log(&[line("a.py::x"), line("a.py::y")]).into(), "a.py::x=boom,a.py::y=boom !"),
        // A broken line loses only itself.
        (log(&[line("a::x"), "{\"nodeid\": \"a::z\", \"out".into(), line("a::y")]).into(), "a::x=boom,a::y=boom !166"),
        (log(&["[]".into(), "null".into(), "nonsense".into(), line("a::y")]).into(), "a::y=boom !56,59,64"),
        (log(&[deep]).into(), "d=boom !"),
        (log(&[open, line("a::y")]).into(), "a::y=boom !56"),
        // The last line is half written.
        (format!("{}\n{}", line("a::x"), &line("a::y")[..60]).into(), "a::x=boom cut !110"),
        (line("a::x").into(), "a::x=boom cut !109"),
        // Repeated keys, half a surrogate pair, wrong types, unknown reports.
        (log(&[line("a::x").replace("\"when\"", "\"nodeid\": \"b::x\", \"when\"")]).into(), "b::x=boom !"),
        (log(&[line("a::\\ud83d\\ude9a\\ud800!")]).into(), "a::🚚\u{fffd}!=boom !"),
        (log(&[line("a::x").replace("\"E   boom\"", "17")]).into(), "a::x= !"),
        (log(&[line("a::x").replace("\"a::x\"", "17")]).into(), " !56"),
        (log(&[line("a::x").replace("TestReport", "Odd")]).into(), " !"),
        (log(&[line("a::x").replace("\"when\"", "\"duration\": 1e999, \"start\": -1e300, \"stop\": 1e300, \"location\": [1, 2], \"sections\": [[1], 2, [\"a\"]], \"when\"")]).into(), "a::x=boom !"),
        (log(&[line("a::x").replace("E   boom", "E   \\u0000\\u001b[31mboom")]).into(), "a::x=boom !"),
        // One document.
        (report(&[test("a::x"), test("a::y")].join(",")).into(), "a::x=boom,a::y=boom !"),
        (report(&[test("a::x"), "7".into(), "{\"nodeid\": 3}".into(), test("a::y")].join(",")).into(), "a::x=boom,a::y=boom !166,168"),
        (report(&test("a::x")).replace("]}", "").into(), "a::x=boom cut !165"),
        (report(&[test("a::x"), test("a::y")[..50].to_owned()].join(","))[..210].into(), "a::x=boom cut !210"),
        (br#"{"results": {"tool": {"name": "pytest"}, "summary": 3, "tests": [{"name": "a.py::x", "status": "failed", "message": "m"}, {"name": 1}]}}"#.to_vec(), "a.py::x=m !122"),
        // pytest's cache.
        (br#"{"a.py::x": true, "a.py": true}"#.to_vec(), "a.py::x=,a.py= !"),
        (br#"{"a.py::x": true, "a.py::y": tr"#.to_vec(), "a.py::x= !29,31"),
        (b"{}".to_vec(), " !"),
    ];
    check(cases);
}

/// Bytes that are made while they are read.
fn huge(before: &str, filler: u8, count: u64, after: &str) -> impl Read {
    let before = std::io::Cursor::new(before.as_bytes().to_vec());
    before.chain(std::io::repeat(filler).take(count)).chain(std::io::Cursor::new(after.as_bytes().to_vec()))
}

#[test]
fn one_huge_value_does_not_hide_the_rest() {
    const COUNT: u64 = 64 << 20;
    let options = ReadOptions { max_text: 64 << 10, ..ReadOptions::default() };
    let line = r#"{"nodeid": "a.py::t", "outcome": "failed", "longrepr": "E   m", "when": "call", "$report_type": "TestReport"}"#;
    let cases = [
        // An attribute.
        ("<testsuite><testcase classname='b' name='", "'/>".to_owned() + FAILED + "</testsuite>"),
        // A failure's text, a captured section, a comment, CDATA, a closing tag, space within a tag.
        (
            "<testsuite><testcase classname='b' name='u'><failure message='n'>",
            format!("</failure></testcase>{FAILED}</testsuite>"),
        ),
        (
            "<testsuite><testcase classname='b' name='u'><failure message='n'/><system-out>",
            format!("</system-out></testcase>{FAILED}</testsuite>"),
        ),
        ("<testsuite><!-- ", format!(" -->{FAILED}</testsuite>")),
        ("<testsuite><![CDATA[", format!("]]>{FAILED}</testsuite>")),
        ("<testsuite></", format!(">{FAILED}</testsuite>")),
        // A line, a number, a field.
        (
            "{\"$report_type\": \"SessionStart\"}\n{\"nodeid\": \"b.py::u\", \"outcome\": \"failed\", \"longrepr\": \"",
            format!("\"}}\n{line}\n"),
        ),
        ("{\"$report_type\": \"SessionStart\"}\n", format!("\n{line}\n")),
        (
            "{\"created\": 1, \"exitcode\": 1, \"root\": \"",
            format!("\", \"tests\": [{line}]}}")
                .replace("\"longrepr\"", "\"call\": {\"outcome\": \"failed\", \"longrepr\"")
                .replace("\"E   m\"", "\"E   m\"}"),
        ),
        (
            "{\"created\": 1, \"exitcode\": 1, \"tests\": [{\"nodeid\": \"b.py::u\", \"outcome\": \"failed\", \"call\": \"",
            format!("\"}}, {line}]}}")
                .replace("\"longrepr\"", "\"call\": {\"outcome\": \"failed\", \"longrepr\"")
                .replace("\"E   m\"", "\"E   m\"}"),
        ),
    ];
    for (before, after) in cases {
        let run = read(huge(before, b'y', COUNT, &after), "file", None, &options).unwrap();
        let found: Vec<&str> = run.failures.iter().map(|f| f.test.as_str()).collect();
        assert!(found.contains(&"a.py::t"), "{before}: {found:?} {:?}", run.problems);
        let kept: usize = run
            .failures
            .iter()
            .map(|f| f.text.len() + f.headline.len() + f.sections.iter().map(|s| s.text.len()).sum::<usize>())
            .sum();
        assert!(kept < 200 << 10, "{before}: {kept}");
    }
}

#[test]
fn no_more_failures_than_allowed_are_kept() {
    let options = ReadOptions { max_failures: 10, ..ReadOptions::default() };
    let cases: String = (0..1000).map(|n| FAILED.replace("'t'", &format!("'t{n}'"))).collect();
    let run = read(format!("<testsuite>{cases}</testsuite>").as_bytes(), "file", None, &options).unwrap();
    assert_eq!(run.failures.len(), 10);
    assert!(run.problems[0].message.starts_with("990 more failures"), "{:?}", run.problems);
    let bad: String = "{\"$report_type\": \"SessionStart\"}\n".to_owned() + &"{\n".repeat(5000);
    let run = text(bad.as_bytes()).unwrap();
    assert_eq!(run.problems.len(), 101);
}

#[test]
fn an_error_while_reading_keeps_what_came_before() {
    struct Fails;
    impl Read for Fails {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the disk is gone"))
        }
    }
    let start = format!("<testsuite>{FAILED}");
    let run = read(start.as_bytes().chain(Fails), "file", None, &ReadOptions::default()).unwrap();
    assert_eq!((run.failures.len(), run.exit), (1, Exit::Unfinished));
    assert!(run.problems.iter().any(|p| p.message.contains("the disk is gone")), "{:?}", run.problems);
    let error = read(Fails, "file", None, &ReadOptions::default()).unwrap_err();
    assert!(matches!(error, IngestError::Io { .. }), "{error}");
}

const FILES: [&str; 10] = [
    "pytest9/ids/main.xml",
    "pytest9/ids/xunit1.xml",
    "pytest9/ids/rerun.xml",
    "pytest9/kinds/collect.xml",
    "pytest9/ids/main.reportlog.jsonl",
    "pytest9/crash/crash.reportlog.jsonl",
    "pytest9/ids/rerun.json-report.json",
    "pytest9/kinds/collect.json-report.json",
    "pytest9/ids/main.ctrf.json",
    "pytest9/kinds/main.lastfailed",
];

fn ids(run: &Run) -> BTreeSet<String> {
    run.failures.iter().map(|f| format!("{} {:?}", f.test, f.phase)).collect()
}

/// Cut anywhere, a file still tells the failures whose records are whole; none that the whole does not tell
/// is made up, and what is told says so of itself.
#[test]
fn a_cut_file_keeps_every_whole_failure() {
    for file in FILES {
        let bytes = fixture(file);
        let whole = text(&bytes).unwrap();
        let all = ids(&whole);
        let step = (bytes.len() / 150).max(1);
        let mut before = BTreeSet::new();
        let mut last = 0;
        for cut in (step..=bytes.len()).step_by(step) {
            let Ok(run) = text(&bytes[..cut]) else {
                assert!(before.is_empty(), "{file} cut at {cut}");
                continue;
            };
            let found = ids(&run);
            assert!(found.is_superset(&before), "{file} cut at {cut}: lost {:?}", before.difference(&found));
            assert!(found.is_subset(&all), "{file} cut at {cut}: made up {:?}", found.difference(&all));
            before = found;
            last = cut;
        }
        assert!(last > 0 && before.len() + 1 >= all.len(), "{file}: {} of {}", before.len(), all.len());
        assert_eq!(ids(&text(&bytes).unwrap()), all);
    }
}

#[derive(Debug, Clone)]
enum Change {
    Flip(usize, u8),
    Delete(usize, usize),
    Double(usize, usize),
    Insert(usize, Vec<u8>),
}

fn change() -> impl Strategy<Value = Change> {
    let at = 0_usize..200_000;
    let odd = prop::sample::select(vec![
        b"<".to_vec(),
        b"\"".to_vec(),
        b"\\".to_vec(),
        b"]]>".to_vec(),
        b"<![CDATA[".to_vec(),
        b"<!--".to_vec(),
        b"&#x".to_vec(),
        b"\0".to_vec(),
        b"\xff".to_vec(),
        b"{".to_vec(),
        b"[".to_vec(),
        b"\n".to_vec(),
        b"\xed\xa0\x80".to_vec(),
        b"\\ud800".to_vec(),
        b"<!DOCTYPE [".to_vec(),
        b"</testcase>".to_vec(),
    ]);
    prop_oneof![
        (at.clone(), any::<u8>()).prop_map(|(at, byte)| Change::Flip(at, byte)),
        (at.clone(), 1_usize..500).prop_map(|(at, len)| Change::Delete(at, len)),
        (at.clone(), 1_usize..500).prop_map(|(at, len)| Change::Double(at, len)),
        (at, odd).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
    ]
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    let len = bytes.len().max(1);
    match change {
        Change::Flip(at, byte) => {
            if let Some(b) = bytes.get_mut(at % len) {
                *b ^= byte;
            }
        }
        Change::Delete(at, count) => {
            let at = at % len;
            bytes.drain(at..(at + count).min(bytes.len()));
        }
        Change::Double(at, count) => {
            let at = at % len;
            let piece = bytes[at..(at + count).min(bytes.len())].to_vec();
            bytes.splice(at..at, piece);
        }
        Change::Insert(at, piece) => {
            let at = at % len;
            bytes.splice(at..at, piece.iter().copied());
        }
    }
}

/// Reads `bytes` in pieces of `piece` bytes.
struct Pieces<'b>(&'b [u8], usize);

impl Read for Pieces<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let count = self.1.min(out.len()).min(self.0.len());
        out[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes(bytes in prop::collection::vec(any::<u8>(), 0..2000), start in 0_usize..6) {
        let starts: [&[u8]; 6] = [
            b"", b"<testsuite>", b"{\"$report_type\": \"SessionStart\"}\n", b"{\"created\": 1, \"root\": \"\", \"tests\": [",
            b"{\"reportFormat\": \"CTRF\", \"results\": {\"tests\": [", b"{\"a\": true, ",
        ];
        let bytes = [starts[start], &bytes].concat();
        let found = text(&bytes);
        if start > 0 {
            prop_assert!(found.is_ok());
        }
    }

    #[test]
    fn changed_files(file in 0..FILES.len(), changes in prop::collection::vec(change(), 1..6)) {
        let mut bytes = fixture(FILES[file]);
        for change in &changes {
            apply(&mut bytes, change);
        }
        if let Ok(run) = text(&bytes) {
            prop_assert!(run.failures.len() < 1000 && run.problems.len() <= 102);
        }
    }

    /// How the bytes arrive makes no difference.
    #[test]
    fn pieces(file in 0..FILES.len(), piece in 1_usize..5000, most in 4096_usize..20_000) {
        let bytes = fixture(FILES[file]);
        let options = ReadOptions { max_text: most, ..ReadOptions::default() };
        let whole = read(&bytes[..], "file", None, &options).unwrap();
        let pieces = read(Pieces(&bytes, piece), "file", None, &options).unwrap();
        prop_assert_eq!(whole.failures, pieces.failures);
        prop_assert_eq!(whole.problems, pieces.problems);
    }
}
