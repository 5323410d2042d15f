#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::take_apart;

/// Operator, left and right of a message under a source statement (empty for none).
fn parts(message: &str, statement: &str) -> (String, String, Option<String>) {
    let statement = Some(statement).filter(|text| !text.is_empty());
    let assertion = take_apart(message, statement).unwrap();
    (assertion.operator, assertion.left, assertion.right)
}

#[test]
fn operands_of_real_messages() {
    let rows = [
        // (message, source, operator, left, right)
        ("assert 3.5 == 4.5", "assert C.total() == 4.5", "==", "3.5", Some("4.5")),
        ("assert 3.5 == 4.5", "", "==", "3.5", Some("4.5")),
        ("assert 3.5 == 4.5", "assert C.total()==4.5", "==", "3.5", Some("4.5")),
        (
            "assert 'a == b\\n c' == 'a == c'",
            r#"assert "a == b" + "\n c" == "a == c""#,
            "==",
            "'a == b\\n c'",
            Some("'a == c'"),
        ),
        ("assert 'a == b' == 'a == c'", "", "==", "'a == b'", Some("'a == c'")),
        (
            "assert 'pear' in ['apple', 'pear == 2']",
            "assert 'pear' in names",
            "in",
            "'pear'",
            Some("['apple', 'pear == 2']"),
        ),
        ("assert 1 not in (1, 2)", "assert 1 not in (1, 2)", "not in", "1", Some("(1, 2)")),
        ("assert 1 not in (1, 2)", "", "not in", "1", Some("(1, 2)")),
        ("assert [('a', 1)] is None", "assert C.items is None", "is", "[('a', 1)]", Some("None")),
        ("assert None is not None", "assert x is not None", "is not", "None", Some("None")),
        ("assert []", "assert x", "", "[]", None),
        ("assert not [1]", "assert not x", "not", "[1]", None),
        ("assert not 1 == 1", "assert not (a == b)", "not", "1 == 1", None),
        ("assert (1 and 0 == 1)", "assert a and b == 1", "and", "1", Some("0 == 1")),
        ("assert (0 == 1 or 0)", "", "or", "0 == 1", Some("0")),
        ("assert False", "assert isinstance(C.total(), str)", "", "False", None),
        (
            "assert 3.5 == 3.6 ± 3.6e-06",
            "assert C.total() == pytest.approx(3.6)",
            "==",
            "3.5",
            Some("3.6 ± 3.6e-06"),
        ),
        ("assert 3.5 < 3", "assert 1 < 2 < C.total() < 3", "<", "3.5", Some("3")),
        ("assert {1, 2} <= {2, 3}", "assert {1, 2} <= {2, 3}", "<=", "{1, 2}", Some("{2, 3}")),
        ("assert 3.5 == 9", "assert (\n    C.total()  # now\n    == 9\n)", "==", "3.5", Some("9")),
        // A repr without quotes that holds the operator.
        ("assert <R\\nmulti == line> == 1", "assert R() == 1", "==", "<R\\nmulti == line>", Some("1")),
        ("assert a == b == 1", "assert R() == 1", "==", "a == b", Some("1")),
        ("assert 1 == a == b", "assert 1 == R()", "==", "1", Some("a == b")),
        // An apostrophe that opens no string.
        ("assert don't == x", "assert R() == x", "==", "don't", Some("x")),
        // A repr cut in the middle of a string.
        ("assert {'a': 1, 'b...d', 'e'] == 7", "assert f() == 7", "==", "{'a': 1, 'b...d', 'e']", Some("7")),
        // `<` of a comparison and of a repr.
        (
            "assert <A object at 0x7f> < <A object at 0x8f>",
            "assert a < b",
            "<",
            "<A object at 0x7f>",
            Some("<A object at 0x8f>"),
        ),
        ("assert 5 > 7", "assert 5 > len(x)", ">", "5", Some("7")),
        // Words that hold operators.
        ("assert 'in' == 'is'", "assert inside == island", "==", "'in'", Some("'is'")),
        ("assert 2", "assert (2 if a == 1 else b)", "", "2", None),
        ("assert 0", "assert len([x for x in y if x == 1])", "", "0", None),
        // Without the source, two operators outside of quotes prove nothing.
        ("assert a == b == 1", "", "", "a == b == 1", None),
        // A source line that is only the beginning of the statement is as good as none.
        ("assert 1 == 2", "assert (", "==", "1", Some("2")),
        ("assert 1 == 2", "check(1, 2)", "==", "1", Some("2")),
    ];
    for (message, statement, operator, left, right) in rows {
        let (got_operator, got_left, got_right) = parts(message, statement);
        assert_eq!(
            (&*got_operator, &*got_left, got_right.as_deref()),
            (operator, left, right),
            "{message} | {statement}"
        );
    }
}

#[test]
fn messages_explanations_and_where_clauses() {
    let assertion = take_apart(
        "total was 3.5 == wrong, sorry\nassert False\n +  where False = isinstance(3.5, str)\n +    where 3.5 = total()\n \
         +      where total = <shop.Cart object at 0x7f>.total\n +  and   'a = b' = f(x = 1)\n\nOmitting 1 item",
        Some("assert isinstance(C.total(), str), f\"total was {total} == wrong, sorry\""),
    )
    .unwrap();
    assert_eq!(assertion.expression.as_deref(), Some("assert isinstance(C.total(), str)"));
    assert_eq!(assertion.message.as_deref(), Some("total was 3.5 == wrong, sorry"));
    assert_eq!(assertion.explanation, ["Omitting 1 item"]);
    let wheres: Vec<(&str, &str)> = assertion.wheres.iter().map(|(a, b)| (&**a, &**b)).collect();
    assert_eq!(
        wheres,
        [
            ("False", "isinstance(3.5, str)"),
            ("3.5", "total()"),
            ("total", "<shop.Cart object at 0x7f>.total"),
            ("'a = b'", "f(x = 1)"),
        ]
    );
    let several = take_apart("assert this\nassert that\nassert 1 == 2", Some("assert a == b, text")).unwrap();
    assert_eq!(several.message.as_deref(), Some("assert this\nassert that"));
    assert_eq!((&*several.left, several.right.as_deref()), ("1", Some("2")));
}

#[test]
fn unittest_messages() {
    let rows = [
        ("1 != 2", "self.assertEqual(self.x, 2)", Some(("==", "1", Some("2"), None))),
        (
            "'k' not found in {'a': 1} : custom",
            "self.assertIn('k', d, 'custom')",
            Some(("in", "'k'", Some("{'a': 1}"), Some("custom"))),
        ),
        (
            "'a : b' not found in ['c : d']",
            "self.assertIn(a, b)",
            Some(("in", "'a : b'", Some("['c : d']"), None)),
        ),
        ("False is not true", "self.assertTrue(ok)", Some(("", "False", None, None))),
        ("3 is not false : odd", "self.assertFalse(n, 'odd')", Some(("not", "3", None, Some("odd")))),
        (
            "1.0 != 1.1 within 7 places (0.1 difference)",
            "self.assertAlmostEqual(a, b)",
            Some(("==", "1.0", Some("1.1"), None)),
        ),
        (
            "[1] != [2]\n\nFirst differing element 0:",
            "self.assertEqual(a, b)",
            Some(("==", "[1]", Some("[2]"), None)),
        ),
        ("5 not less than 5", "self.assertLess(5, self.n)", Some(("<", "5", Some("5"), None))),
        ("it broke", "self.fail('it broke')", None),
        ("it broke", "raise AssertionError('it broke')", None),
        ("1 != 2", "check_equal(1, 2)", None),
    ];
    for (message, statement, expected) in rows {
        let got = take_apart(message, Some(statement));
        let got = got.as_ref().map(|a| (&*a.operator, &*a.left, a.right.as_deref(), a.message.as_deref()));
        assert_eq!(got, expected, "{message} | {statement}");
    }
}

/// Texts on which a scan that starts again at each quote, bracket or operator would never end.
#[test]
fn hostile_lines_end() {
    for unit in [
        "(",
        "'",
        "\"",
        "\\'",
        "<a",
        " == ",
        " - ",
        "b'",
        "'''",
        "not ",
        " in ",
        " = ",
        "#",
        "\n",
        "assert ",
        " +  where ",
    ] {
        let long = unit.repeat(20_000);
        for message in [
            format!("assert {long}"),
            format!("assert {long} == {long}"),
            long.clone(),
            format!("assert 1\n +  where {long}"),
        ] {
            let _ = take_apart(&message, Some("assert a == b"));
            let _ = take_apart(&message, Some(&format!("assert {long}")));
            let _ = take_apart(&message, Some(&format!("self.assertEqual({long})")));
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_taken(message in "(assert )?[ -~\n±é'\"<>()\\[\\]{}=]{0,200}", statement in "(assert |self\\.assertIn\\()?[ -~\né]{0,80}") {
        if let Some(assertion) = take_apart(&message, Some(&statement)) {
            let whole = format!("{}{}", assertion.left, assertion.right.unwrap_or_default());
            prop_assert!(whole.chars().count() <= message.chars().count());
        }
    }

    /// Whatever the values hold in quotes, the operator is found.
    #[test]
    fn quoted_values_never_confuse(left in "[a-z =<>!()\\[\\]{}]{0,30}", right in "[a-z =<>!()\\[\\]{}]{0,30}") {
        let message = format!("assert '{left}' == '{right}'");
        let expected = (String::from("=="), format!("'{left}'"), Some(format!("'{right}'")));
        prop_assert_eq!(parts(&message, "assert f(x) == y"), expected.clone());
        prop_assert_eq!(parts(&message, ""), expected);
    }
}
