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
