//! Real texts, as pytest 7.4.4, 8.4.2 and 9.2.0 printed them.

use super::*;

/// The last exception's type and message, and its last frame as `path:line function | source`.
fn last(text: &str) -> (String, String, String) {
    let parsed = parse(text);
    let Some(exception) = parsed.exceptions.last() else { return Default::default() };
    let frame = exception.frames.last().map_or(String::new(), |frame| {
        format!(
            "{}:{} {} | {}",
            frame.path,
            frame.line,
            frame.function.as_deref().unwrap_or("-"),
            frame.source.as_deref().unwrap_or("-")
        )
    });
    (exception.type_name.clone(), exception.message.clone(), frame)
}

#[test]
fn single_exceptions_in_every_style() {
    let rows = [
        (
            "\n    def test_empty():\n>       cart.empty()\n\ntests/test_kinds.py:124: \n_ _ _ _ _ _ _ _ _ _ _ _ _ _ \n\n    \
             def empty():\n>       raise ValueError\nE       ValueError\n\nsrc/shop/cart.py:50: ValueError\n",
            ("ValueError", "", "src/shop/cart.py:50 empty | raise ValueError"),
        ),
        (
            "tests/test_kinds.py:120: in test_message\n    cart.message()\nsrc/shop/cart.py:46: in message\n    raise \
             RuntimeError(\"first line\\nsecond\")\nE   RuntimeError: first line\nE   second: line\nE   \nE     third\n",
            (
                "RuntimeError",
                "first line\nsecond: line\n\n  third",
                "src/shop/cart.py:46 message | raise RuntimeError(\"first line\\nsecond\")",
            ),
        ),
        (
            "/tmp/p/tests/test_kinds.py:11: assert 3.5 == 4.5",
            ("AssertionError", "assert 3.5 == 4.5", "/tmp/p/tests/test_kinds.py:11 - | -"),
        ),
        (
            "Traceback (most recent call last):\n  File \"/p/tests/test_kinds.py\", line 150, in test_key\n    \
             C.price(\"zzz\")\n  File \"/p/src/shop/cart.py\", line 19, in price\n    raise KeyError(name)\nKeyError: \
             'zzz'\n",
            ("KeyError", "'zzz'", "/p/src/shop/cart.py:19 price | raise KeyError(name)"),
        ),
        (
            "C:\\w\\tests\\test_a.py:3: in test_a\n    f()\nC:\\w\\src\\a.py:7: in f\n    raise E()\nE   a.E: x: y\n",
            ("a.E", "x: y", "C:\\w\\src\\a.py:7 f | raise E()"),
        ),
        (
            "../lib/ast.py:50: in parse\n    return compile(source, filename, mode, flags,\nE     File \
             \"/p/tests/collect/test_indent.py\", line 2\nE       pass\nE       ^^^^\nE   IndentationError: expected an \
             indented block after function definition on line 1\n",
            (
                "IndentationError",
                "expected an indented block after function definition on line 1",
                "/p/tests/collect/test_indent.py:2 - | pass",
            ),
        ),
        (
            "[gw0] linux -- Python 3.11.7 /v/bin/python\nworker 'gw0' crashed while running 'tests/test_c.py::test_c'\n",
            ("", "worker 'gw0' crashed while running 'tests/test_c.py::test_c'", ""),
        ),
        ("[XPASS(strict)] should fail", ("Failed", "[XPASS(strict)] should fail", "")),
        (
            "file /p/tests/test_kinds.py, line 182\n  @mark\n  def test_missing(nonexistent):\nE       fixture \
             'nonexistent' not found\n>       available fixtures: a, b\n>       use 'pytest --fixtures [testpath]' for \
             help on them.\n\n/p/tests/test_kinds.py:182\n",
            (
                "FixtureLookupError",
                "fixture 'nonexistent' not found\navailable fixtures: a, b",
                "/p/tests/test_kinds.py:183 test_missing | def test_missing(nonexistent):",
            ),
        ),
        (
            "009 \n010     >>> f()\nExpected:\n    2\nGot:\n    1\n\n/p/tests/test_doc.py:10: DocTestFailure\n",
            ("DocTestFailure", "Expected:\n    2\nGot:\n    1", "/p/tests/test_doc.py:10 - | f()"),
        ),
    ];
    for (text, (type_name, message, frame)) in rows {
        let (got_type, got_message, got_frame) = last(text);
        assert_eq!((&*got_type, &*got_message, &*got_frame), (type_name, message, frame), "{text}");
    }
}

fn fixture(path: &str) -> Vec<u8> {
    std::fs::read(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/results").join(path))
        .unwrap_or_default()
}

/// The chain as every style tells it: links, types, messages, and each exception's last frame of the project.
fn chain(text: &str) -> Vec<String> {
    let parsed = parse(text);
    let told = |exception: &Exception| {
        let ours = |frame: &&Frame| {
            !["site-packages", "lib/python", "<frozen"].iter().any(|other| frame.path.contains(other))
        };
        let frame = exception.frames.iter().rev().find(ours).map_or(String::new(), |frame| {
            let path = frame.path.strip_prefix("/home/dev/kinds/").unwrap_or(&frame.path);
            format!("{path}:{}", frame.line)
        });
        let members: Vec<&str> = exception.group.iter().flatten().map(|e| e.type_name.as_str()).collect();
        format!(
            "{:?} {} {:?} {frame} {:?} {members:?}",
            exception.link,
            exception.type_name,
            // What follows depends on `-v` and on installed plugins.
            exception.message.lines().next().unwrap_or_default().chars().take(20).collect::<String>(),
            exception.assertion.as_ref().map(|a| (&a.operator, a.right.is_some())),
        )
    };
    parsed.exceptions.iter().map(told).collect()
}

#[test]
fn every_style_tells_the_same_chain() {
    let read = |name: &str| {
        let bytes = fixture(&format!("pytest9/kinds/{name}.console.txt"));
        let run =
            crate::ingest::console::read(&bytes[..], name, None, &crate::ingest::ReadOptions::default());
        let failures = run.map(|run| run.failures).unwrap_or_default();
        let texts = failures.into_iter().map(|f| ((f.test, f.phase, f.subtest), chain(&f.text)));
        texts.collect::<std::collections::BTreeMap<_, _>>()
    };
    let auto = read("main");
    assert!(auto.len() > 100);
    for name in ["long", "short", "native", "xdist"] {
        let other = read(name);
        assert_eq!(other.len(), auto.len(), "{name}");
        for (key, chain) in &auto {
            // Values of other runs: temporary folders. Groups are printed by Python in every style.
            if chain.iter().any(|told| told.contains("pytest-of-")) {
                continue;
            }
            assert_eq!(&other[key], chain, "{name}: {key:?}");
        }
    }
}

#[test]
fn exception_groups_keep_their_tree() {
    let text = "  + Exception Group Traceback (most recent call last):\n  |   File \"/p/t.py\", line 9, in test_g\n  |     raise \
                ExceptionGroup(\"several: things\", errors)\n  | ExceptionGroup: several: things (2 sub-exceptions)\n  \
                +-+---------------- 1 ----------------\n    | Traceback (most recent call last):\n    |   File \"/p/s.py\", \
                line 19, in price\n    |     raise KeyError(name)\n    | KeyError: 'x'\n    | \n    | The above exception was \
                the direct cause of the following exception:\n    | \n    | Traceback (most recent call last):\n    |   File \
                \"/p/s.py\", line 25, in safe\n    |     raise PriceError() from error\n    | shop.PriceError: no price\n    \
                +---------------- 2 ----------------\n    | ExceptionGroup: inner (1 sub-exception)\n    \
                +-+---------------- 1 ----------------\n      | TypeError: t\n      +------------------------------------\n";
    let parsed = parse(text);
    let [group] = &parsed.exceptions[..] else { panic!("{parsed:?}") };
    assert_eq!(
        (&*group.type_name, &*group.message),
        ("ExceptionGroup", "several: things (2 sub-exceptions)")
    );
    assert_eq!(group.frames.len(), 1);
    let [first, second] = &group.group[..] else { panic!("{group:?}") };
    let types: Vec<(&str, Link)> = first.iter().map(|e| (&*e.type_name, e.link)).collect();
    assert_eq!(types, [("KeyError", Link::Cause), ("shop.PriceError", Link::Last)]);
    assert_eq!(second[0].group[0][0].type_name, "TypeError");
    // A stripped text lacks the first margin.
    assert_eq!(parse(text.trim()).exceptions[0].group.len(), 2);
}

/// Texts on which a parser that recurses, or looks back for every line, would overflow or never end.
#[test]
fn hostile_texts_end() {
    let deep: Vec<String> =
        (0..3000).map(|n| format!("{0}+-+---- 1 ----\n{0}  | X: y\n", " ".repeat(2 + 2 * n))).collect();
    let deep = deep.concat();
    let _ = parse(&format!("  + Exception Group Traceback (most recent call last):\n  | G: g\n{deep}"));
    for unit in [
        "E   x\n",
        "> x\n",
        "a.py:1: in f\n",
        "a.py:1: X\n",
        "a.py:1: \n",
        "    x\n",
        "x = 1, y = (2\n",
        "_ _ _ _ _\n",
        "x          = 1\n",
        "Traceback (most recent call last):\n",
        "  File \"a\", line 1, in f\n",
        "  | x\n",
        "  +-+-- 1 --\n",
        "\"\"\"\n",
        ":1:",
        "a:1",
        "(",
        "'",
        "E",
        "-- Captured stdout call --\n",
        "file a.py, line 1\n",
        "001 >>> x\n",
        "During handling of the above exception, another exception occurred:\n",
        "INTERNALERROR> ",
        "a.py:3: DocTestFailure\n",
    ] {
        let _ = parse(&unit.repeat(20_000));
        let _ = parse(&format!("Traceback (most recent call last):\n{}", unit.repeat(20_000)));
    }
}

proptest::proptest! {
    /// Pieces of real tracebacks in any order never panic, and what is read is not more than the text.
    #[test]
    fn any_mixture_of_lines_is_parsed(picks in proptest::collection::vec((0..9_000_usize, 0..30_usize, "\\PC{0,12}"), 0..20)) {
        let real = ["locals", "native", "line", "collect", "doctest"]
            .map(|name| fixture(&format!("pytest9/kinds/{name}.console.txt")))
            .concat();
        let real = String::from_utf8_lossy(&real);
        let lines: Vec<&str> = real.lines().collect();
        let mut text = String::new();
        for (at, count, noise) in picks {
            let from = at % lines.len();
            text.push_str(&lines[from..(from + count).min(lines.len())].join("\n"));
            text.push_str(&noise);
            text.push('\n');
        }
        let parsed = parse(&text);
        for exception in &parsed.exceptions {
            proptest::prop_assert!(exception.message.len() <= text.len());
        }
    }
}
