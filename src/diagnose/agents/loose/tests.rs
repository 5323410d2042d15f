#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

#[test]
fn what_models_write() {
    let rows: Vec<(&str, Vec<(&str, Value)>)> = vec![
        (r#"{"a": "x", "b": 2}"#, vec![("a", text("x")), ("b", Value::Number(2.0))]),
        ("\u{feff}{\"a\": 1}", vec![("a", Value::Number(1.0))]),
        ("Sure! Here it is:\n```json\n{\"a\": \"x\"}\n```\nHope that helps {x}.", vec![("a", text("x"))]),
        ("<think>maybe {\"a\": \"wrong\"}</think>\n{\"a\": \"right\"}", vec![("a", text("right"))]),
        ("maybe {\"a\": \"wrong\"}</think>{\"a\": \"right\"}", vec![("a", text("right"))]),
        ("<think>hm, {\"a\": \"x\"}", vec![("a", text("x"))]),
        (r#" "{\"a\": \"it is \\\"x\\\"\"}" "#, vec![("a", text("it is \"x\""))]),
        (r#""a" is {"a": "x"}"#, vec![("a", text("x"))]),
        ("{\"a\": \"x\"}<think>done</think>", vec![("a", text("x"))]),
        (
            "{'a': 'it is', 'b': None, 'c': True,}",
            vec![("a", text("it is")), ("b", Value::Null), ("c", Value::Bool(true))],
        ),
        (
            "{a: 1, b: two words, c: 3}",
            vec![("a", Value::Number(1.0)), ("b", text("two words")), ("c", Value::Number(3.0))],
        ),
        (
            "{\"a\": \"the \"x\" is, well, \"gone\"\", \"b\": 1}",
            vec![("a", text("the \"x\" is, well, \"gone\"")), ("b", Value::Number(1.0))],
        ),
        ("{\"a\": \"line one\nline two\"}", vec![("a", text("line one\nline two"))]),
        ("{\"a\": \"x\" \"b\": \"y\"}", vec![("a", text("x\" \"b\": \"y"))]),
        ("{\"a\": \"x\"\n \"b\": \"y\"}", vec![("a", text("x")), ("b", text("y"))]),
        ("{\"a\": \"never ends", vec![("a", text("never ends"))]),
        (
            "{\"a\": \"x\", \"b\": [1, 2",
            vec![("a", text("x")), ("b", Value::List(vec![Value::Number(1.0), Value::Number(2.0)]))],
        ),
        ("{\"a\": \"x\", \"b\":", vec![("a", text("x"))]),
        ("{\"a\": \"x\", \"b", vec![("a", text("x"))]),
        (
            "{\"a\": NaN, \"b\": -Infinity, \"c\": 1e999}",
            vec![("a", Value::Null), ("b", Value::Null), ("c", Value::Null)],
        ),
        ("{\"a\": 87%}", vec![("a", text("87%"))]),
        (
            r#"{"a": "\ud83d", "b": "\ud83d\ude00", "c": "\ud83dx", "d": "\udc00"}"#,
            vec![
                ("a", text("\u{fffd}")),
                ("b", text("😀")),
                ("c", text("\u{fffd}x")),
                ("d", text("\u{fffd}")),
            ],
        ),
        (r#"{"a": "C:\work \d+ \x \u12"}"#, vec![("a", text(r"C:\work \d+ \x \u12"))]),
        (
            "{\"a\": 1, // why\n \"b\": 2 /* not */, # so\n \"c\": 3}",
            vec![("a", Value::Number(1.0)), ("b", Value::Number(2.0)), ("c", Value::Number(3.0))],
        ),
        ("{“a”: “typographic”}", vec![("a", text("typographic"))]),
        (
            "{\"a\": \"\"\"long \"text\" here\"\"\", \"b\": \"\"}",
            vec![("a", text("long \"text\" here")), ("b", text(""))],
        ),
        ("{\"a\": `x`, \"b\": \"y\"]", vec![("a", text("x")), ("b", text("y"))]),
    ];
    for (answer, expected) in rows {
        let expected = expected.into_iter().map(|(n, v)| (n.to_owned(), v)).collect();
        assert_eq!(objects(answer).first(), Some(&Value::Object(expected)), "{answer}");
    }
}

#[test]
fn nothing_is_nothing() {
    for answer in ["", "   ", "I cannot help with that.", "{}", "[]", "{", "[[[[", "[1, 2]", "<think>"] {
        assert_eq!(objects(answer), Vec::new(), "{answer}");
    }
}

#[test]
fn hostile_answers_end() {
    let deep = "{\"a\":".repeat(50_000);
    let lists = "[".repeat(300_000);
    let braces = "{ ".repeat(200_000);
    let quotes = "{\"a\": \"".to_owned() + &"\" , ".repeat(50_000);
    let commas = "{a: ".to_owned() + &",".repeat(200_000);
    for answer in [deep, lists, braces, quotes, commas] {
        objects(&answer);
    }
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i32>().prop_map(Into::into),
        ".*".prop_map(Into::into),
        r#"[ "',:{}\[\]/#\\nu0-9a-c]{0,12}"#.prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            prop::collection::btree_map("[a-z_ ]{1,9}|.{1,6}", inner, 0..5)
                .prop_map(|fields| serde_json::Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn valid_json_is_read_as_it_is(value in json()) {
        let outer = serde_json::json!({ "first": value, "last": 1 });
        for text in [serde_json::to_string(&outer).unwrap(), serde_json::to_string_pretty(&outer).unwrap()] {
            prop_assert_eq!(&objects(&text), &[serde_json::from_value::<Value>(outer.clone()).unwrap()], "{}", text);
        }
    }

    #[test]
    fn anything_at_all_is_read(text in r#"[\PC\n]{0,200}|[{}\[\]"':,\\/#a-c `“”\n]{0,80}"#) {
        objects(&text);
    }

    #[test]
    fn a_cut_keeps_what_came_before_it(value in json(), part in 0.0..1.0f64) {
        let text = serde_json::to_string(&serde_json::json!({ "first": "kept", "second": value })).unwrap();
        let at = "{\"first\":\"kept\",".len();
        let mut end = at + ((text.len() - at) as f64 * part) as usize;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let found = objects(&text[..end]);
        let Some(Value::Object(fields)) = found.first() else { panic!("{text}") };
        prop_assert_eq!(&fields[0], &("first".to_owned(), Value::Text("kept".to_owned())));
    }
}
