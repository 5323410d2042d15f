#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

#[test]
fn reprs_are_read_and_written_back() {
    let rows = [
        "None",
        "True",
        "-3",
        "1.5",
        "1e-07",
        "'it'",
        "\"it's\"",
        "'a\\nb'",
        "b'x'",
        "[]",
        "[1, [2, 'x']]",
        "()",
        "(1,)",
        "(1, 2)",
        "set()",
        "{1, 2}",
        "{}",
        "{'a': [1], 'b': {'c': None}}",
        "datetime.datetime(2024, 1, 2, 0, 0, tzinfo=datetime.timezone.utc)",
        "Decimal('1.10')",
        "Point(x=1, y=Point(x=2, y=3))",
        "<Status.OPEN: 1>",
        "<class 'int'>",
        "[1, ...]",
        "{'a': 1, ...: ...}",
        "PosixPath('/a/b')",
        "nan",
        "inf",
        "Status.OPEN",
    ];
    for repr in rows {
        assert_eq!(Value::parse(repr).unwrap_or_else(|| panic!("{repr}")).repr(), repr);
    }
}

#[test]
fn other_spellings_are_read_too() {
    let rows = [
        ("1_000", "1000"),
        ("<app.User object at 0x7f3a>", "<app.User object>"),
        ("{'a': 1, ...}", "{'a': 1, ...: ...}"),
        ("frozenset({1})", "{1}"),
        ("OrderedDict({'a': 1})", "{'a': 1}"),
        ("defaultdict(<class 'int'>, {'a': 1})", "{'a': 1}"),
        ("(1)", "1"),
        ("'\\u00fc\\x41'", "'üA'"),
        ("u'x'", "'x'"),
        ("(0.1 + 0.2)", "0.30000000000000004"),
        ("((2 * 3) - 1)", "5"),
        ("('a' + 'b')", "'ab'"),
    ];
    for (repr, expected) in rows {
        assert_eq!(Value::parse(repr).unwrap().repr(), expected, "{repr}");
    }
}

#[test]
fn what_is_no_whole_value_is_refused() {
    let deep = "[".repeat(100_000);
    for text in
        ["", "[1", "'a", "{1: 2, 3}", "1 2", "a b", "{'a' 1}", "<a", "f(", "f(1 2)", "0x", "\\", &deep]
    {
        assert_eq!(Value::parse(text), None, "{text:.40}");
    }
}

#[test]
fn cut_values_are_known_as_such() {
    for repr in ["[1, ...]", "{'a': 1, ...}", "'aaaaaaaaaaaaaaa...bbbbbbbbbbbb'", "f(...)"] {
        assert!(Value::parse(repr).unwrap().is_cut(), "{repr}");
    }
    for repr in ["'wait...'", "[1]", "None"] {
        assert!(!Value::parse(repr).unwrap().is_cut(), "{repr}");
    }
}

#[test]
fn types_are_named() {
    let rows = [
        ("<app.models.User object at 0x7f3a>", "app.models.User"),
        ("<Status.OPEN: 1>", "Status"),
        ("Decimal('1')", "Decimal"),
        ("1", "int"),
    ];
    for (repr, expected) in rows {
        assert_eq!(Value::parse(repr).unwrap().type_name(), expected);
    }
}
