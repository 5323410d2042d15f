//! Which format a file is of, told by its first bytes and never by its name.

use memchr::memmem;

use crate::model::ResultFormat;

/// How many bytes are looked at.
pub(crate) const HEAD: usize = 64 << 10;

/// The format of a file that begins with `head`; `None` if it is none of those that can be told by structure
/// (console output is what remains, and its reader says whether it is that).
pub(crate) fn detect(head: &[u8]) -> Option<ResultFormat> {
    let has = |what: &str| memmem::find(head, what.as_bytes()).is_some();
    let space = head.iter().take_while(|b| b.is_ascii_whitespace() || **b == 0).count();
    let start = &head[space..];
    match start.first()? {
        b'<' if has("<testsuite") || has("<testcase") => Some(ResultFormat::Junit),
        b'{' => json(start),
        // The first line may have been cut off.
        _ if has("\"$report_type\": \"") => Some(ResultFormat::Reportlog),
        _ if has("<testcase ")
            && has("classname=")
            && has("/testcase>")
            && !has("= test session starts =") =>
        {
            Some(ResultFormat::Junit)
        }
        _ => None,
    }
}

fn json(head: &[u8]) -> Option<ResultFormat> {
    let has = |what: &str| memmem::find(head, what.as_bytes()).is_some();
    let line = &head[..memchr::memchr(b'\n', head).unwrap_or(head.len())];
    if memmem::find(line, b"\"$report_type\"").is_some() {
        return Some(ResultFormat::Reportlog);
    }
    // By the keys of the outermost object, as far as it is seen.
    let mut keys: Vec<&[u8]> = Vec::new();
    let mut flags = true;
    let mut seen = super::json::fields(head);
    for (key, value) in seen.by_ref().take(64) {
        keys.push(key);
        // The head may end within the last one.
        flags &= b"true".starts_with(value);
    }
    let any = |name: &str| keys.contains(&name.as_bytes()) || has(&format!("\"{name}\":"));
    if any("reportFormat") || any("results") && any("tool") && (any("summary") || any("tests")) {
        Some(ResultFormat::Ctrf)
    } else if any("created") && any("exitcode")
        || (any("created") || any("exitcode") || any("root"))
            && (any("collectors") || any("tests") || any("summary"))
    {
        Some(ResultFormat::JsonReport)
    } else if flags && (!keys.is_empty() || seen.whole) {
        Some(ResultFormat::LastFailed)
    } else {
        has("\"$report_type\": \"").then_some(ResultFormat::Reportlog)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_by_content() {
        use ResultFormat::{Ctrf, JsonReport, Junit, LastFailed, Reportlog};
        let cases: &[(&str, Option<ResultFormat>)] = &[
            ("", None),
            ("  \n", None),
            ("<?xml version='1.0'?>\n<testsuites>", Some(Junit)),
            ("<testsuite name='x'/>", Some(Junit)),
            ("<html><body/></html>", None),
            ("t</failure></testcase><testcase classname='a' name='b'></testcase>", Some(Junit)),
            ("{\"pytest_version\": \"9.0.2\", \"$report_type\": \"SessionStart\"}\n", Some(Reportlog)),
            ("sed\"}\n{\"nodeid\": \"\", \"$report_type\": \"CollectReport\"}\n", Some(Reportlog)),
            (
                "{\"created\": 1.5, \"duration\": 2, \"exitcode\": 1, \"root\": \"/x\", \"summary\": {}}",
                Some(JsonReport),
            ),
            ("{\n  \"reportFormat\": \"CTRF\"", Some(Ctrf)),
            ("{\"results\": {\"tool\": {\"name\": \"pytest\"}, \"summary\": {}, \"tests\": []}}", Some(Ctrf)),
            ("{\n  \"tests/test_a.py::test_b\": true\n}", Some(LastFailed)),
            ("{}", Some(LastFailed)),
            ("{\"tests/test_a.py\": true, \"x\": tr", Some(LastFailed)),
            ("{\"name\": \"left-pad\", \"version\": \"1.0\"}", None),
            ("{\"a\": true, \"b\": 3}", None),
            ("===== test session starts =====", None),
            ("plain words", None),
        ];
        for (head, expected) in cases {
            assert_eq!(detect(head.as_bytes()), *expected, "{head}");
        }
    }
}
