#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

fn ways(left: &str, right: &str) -> Vec<(String, Way)> {
    compare(&Value::parse(left).unwrap(), &Value::parse(right).unwrap())
        .into_iter()
        .map(|difference| (difference.path, difference.way))
        .collect()
}

#[test]
fn one_difference_is_named() {
    let rows = [
        ("4", "3", "", Way::OffByOne(1)),
        ("[1, 2]", "[1, 3]", "[1]", Way::OffByOne(-1)),
        ("0.30000000000000004", "0.3", "", Way::Rounding),
        ("2.675", "2.67", "", Way::Rounded),
        ("2.5", "3", "", Way::Rounded),
        ("-12.5", "12.5", "", Way::Sign),
        ("3280.84", "1000.000032", "", Way::Factor(1.0 / 0.3048, "metres in a foot")),
        ("1500", "15", "", Way::Factor(100.0, "a hundred")),
        ("17", "42", "", Way::Other),
        ("nan", "nan", "", Way::NotANumber),
        ("'1'", "1", "", Way::Type),
        ("(1, 2)", "[1, 2]", "", Way::Type),
        ("b'ab'", "'ab'", "", Way::Type),
        ("Decimal('1.5')", "1.5", "", Way::Type),
        ("<Status.OPEN: 'open'>", "'open'", "", Way::Type),
        ("None", "[1]", "", Way::None),
        ("True", "False", "", Way::Negated),
        ("'Hello'", "'hello'", "", Way::Case),
        ("'a  b '", "'a b'", "", Way::Blanks),
        ("'a\\n'", "'a'", "", Way::FinalNewline),
        ("'a\\r\\nb'", "'a\\nb'", "", Way::LineEnds),
        ("'Ã¼ber'", "'über'", "", Way::Encoding),
        ("'route 66'", "'route'", "", Way::Part),
        ("'cat'", "'dog'", "", Way::Other),
        ("[3, 1, 2]", "[1, 2, 3]", "", Way::Order),
        ("[1, 2, 2]", "[1, 2]", "[2]", Way::Duplicates),
        ("[1, 2]", "[1, 2, 3]", "[2]", Way::Missing),
        ("{1, 2}", "{1}", "", Way::Extra),
        ("{'a': {'b': [1, 5]}}", "{'a': {'b': [1, 9]}}", "['a']['b'][1]", Way::Other),
        ("{'a': 1}", "{'a': 1, 'b': 2}", "['b']", Way::Missing),
        ("{'userId': 1}", "{'user_id': 1}", " key", Way::Renamed),
        ("{1: 'x'}", "{'1': 'x'}", " key", Way::Type),
        ("P(x=1, y='a')", "P(x=1, y='b')", ".y", Way::Other),
        (
            "datetime.datetime(2024, 1, 1, 0, 0)",
            "datetime.datetime(2024, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)",
            "",
            Way::Zone,
        ),
        ("datetime.datetime(2024, 1, 1, 22, 0)", "datetime.datetime(2024, 1, 2, 0, 0)", "", Way::Hours(-2)),
    ];
    for (left, right, path, way) in rows {
        assert_eq!(ways(left, right), [(path.to_owned(), way)], "{left} against {right}");
    }
}

#[test]
fn what_is_equal_or_cut_shows_no_difference() {
    for (left, right) in [("1", "1.0"), ("{'a': 1}", "{'a': 1}"), ("[1, ...]", "[2, ...]"), ("...", "1")] {
        assert_eq!(ways(left, right), [], "{left} against {right}");
    }
}

#[test]
fn cut_operands_are_read_from_the_explanation() {
    let rows: &[(&str, &[(&str, Way)])] = &[
        ("At index 99 diff: 99 != 100\nUse -v to get more diff", &[("[99]", Way::OffByOne(-1))]),
        ("Left contains one more item: 4\nUse -v to get more diff", &[("", Way::Extra)]),
        ("Right contains 3 more items, first extra item: 'x'", &[("", Way::Missing)]),
        (
            "Omitting 1 identical items, use -vv to show\nDiffering items:\n{'b': {'c': [1, 2]}} != {'b': {'c': [1, 3]}}\n{'a': '1'} != {'a': 1}\nLeft contains 1 more item:\n{'extra': 3}...",
            &[("['b']['c'][1]", Way::OffByOne(-1)), ("['a']", Way::Type), ("['extra']", Way::Extra)],
        ),
        (
            "Extra items in the left set:\n1\nExtra items in the right set:\n4",
            &[("", Way::Extra), ("", Way::Missing)],
        ),
        (
            "Omitting 1 identical items, use -vv to show\nDiffering attributes:\n['y']\n\nDrill down into differing attribute y:\n  y: 'a' != 'b'\n  - b\n  + a",
            &[(".y", Way::Other)],
        ),
        ("- hello\n+ hullo", &[]),
    ];
    for (text, expected) in rows {
        let assertion = Assertion {
            operator: "==".into(),
            left: "[0, 1, 2, ...]".into(),
            right: Some("[0, 1, 2, ...]".into()),
            explanation: text.lines().map(str::to_owned).collect(),
            ..Assertion::default()
        };
        let found: Vec<(String, Way)> =
            of_assertion(&assertion).into_iter().map(|d| (d.path, d.way)).collect();
        let expected: Vec<(String, Way)> =
            expected.iter().map(|(path, way)| ((*path).to_owned(), *way)).collect();
        assert_eq!(found, expected, "{text}");
    }
}
