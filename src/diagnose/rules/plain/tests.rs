use super::*;
use crate::diagnose::rules::testing::scene;

#[test]
fn dataclasses_say_what_they_refuse() {
    let text = "from dataclasses import dataclass\n\n\n@dataclass\nclass Price:\n    code: str = 'EUR'\n    note: str = ''\n    amount: int\n";
    scene(
        &[("a.py", text)],
        "TypeError: non-default argument 'amount' follows default argument",
        &[("a.py", "class Price")],
    )
    .check(
        field_order,
        &["`amount`", "`Price`", "stands after `code` (line 6)"],
        "a.py:8",
        Some(("a.py", "class Price:\n    amount: int\n    code: str = 'EUR'\n    note: str = ''\n")),
    );
    // The default is one of a base class.
    scene(
        &[("a.py", "@dataclass\nclass Price(Base):\n    amount: int\n")],
        "TypeError: non-default argument 'amount' follows default argument",
        &[("a.py", "class Price")],
    )
    .silent(field_order);
    let text = "def ship(order):\n    order.state = 'sent'\n    return order\n";
    scene(
        &[("a.py", text)],
        "dataclasses.FrozenInstanceError: cannot assign to field 'state'",
        &[("a.py", "order.state")],
    )
    .check(
        frozen,
        &["frozen", "`state` of `order`"],
        "a.py:2",
        Some(("a.py", "order = replace(order, state='sent')")),
    );
    scene(
        &[("a.py", "class A:\n    def f(self):\n        self.n = 1\n")],
        "dataclasses.FrozenInstanceError: cannot assign to field 'n'",
        &[("a.py", "self.n")],
    )
    .silent(frozen);
}

#[test]
fn misspelt_features_and_assertions() {
    scene(
        &[("a.py", "from __future__ import annotation\n")],
        "SyntaxError: future feature annotation is not defined",
        &[("a.py", "from")],
    )
    .check(
        future,
        &["`annotations` is probably meant"],
        "a.py:1",
        Some(("a.py", "from __future__ import annotations")),
    );
    for (wrong, right) in [
        ("m.assert_called_onec_with(1)", "m.assert_called_once_with(1)"),
        ("m.assert_not_caled()", "m.assert_not_called()"),
        ("m.assert_called_wiht(a=1)", "m.assert_called_with(a=1)"),
    ] {
        let name = wrong.split(['.', '(']).nth(1).unwrap_or_default();
        let message = format!(
            "AttributeError: '{name}' is not a valid assertion. Use a spec for the mock if '{name}' is meant to be an attribute."
        );
        let text = format!("def test_a():\n    {wrong}\n");
        scene(&[("test_a.py", &text)], &message, &[("test_a.py", "m.assert")]).check(
            no_assertion,
            &["misspelt"],
            "test_a.py:2",
            Some(("test_a.py", right)),
        );
    }
    scene(
        &[("test_a.py", "def test_a():\n    m.assertion\n")],
        "AttributeError: 'C' object has no attribute 'assertion'",
        &[("test_a.py", "m.assertion")],
    )
    .silent(no_assertion);
}

#[test]
fn paths_and_texts() {
    const MESSAGE: &str = "TypeError: unsupported operand type(s) for +: 'PosixPath' and 'str'";
    for (wrong, right) in [
        ("root + '/' + page + '.html'", "root / (page + '.html')"),
        ("root + name", "root / name"),
        ("path + '.bak'", "path.with_name(path.name + '.bak')"),
        ("open(root + '/' + name)", "open(root / name)"),
    ] {
        let text = format!("def f(root, page, name, path):\n    return {wrong}\n");
        scene(&[("a.py", &text)], MESSAGE, &[("a.py", "return")]).check(
            added_path,
            &["PosixPath", "joined with `/`"],
            "a.py:2",
            Some(("a.py", right)),
        );
    }
    // Which of the two sums failed is not known; an absolute part would replace the path.
    for silent in ["(a + b, c + d)", "root + '/etc'"] {
        let text = format!("def f():\n    return {silent}\n");
        scene(&[("a.py", &text)], MESSAGE, &[("a.py", "return")]).silent(added_path);
    }
}

#[test]
fn lists_as_keys_of_a_cache() {
    const MESSAGE: &str = "TypeError: unhashable type: 'list'";
    let text = "from functools import lru_cache\n\n@lru_cache(maxsize=None)\ndef cost(path):\n    return sum(path)\n\ndef best(paths):\n    return min(cost(p) for p in paths)\n";
    scene(&[("a.py", text)], MESSAGE, &[("a.py", "return min")]).check(
        cached_argument,
        &["`p`, a `list`, to `cost`", "lru_cache"],
        "a.py:8",
        Some(("a.py", "cost(tuple(p))")),
    );
    let text =
        "def cost(path):\n    return sum(path)\n\ndef best(paths):\n    return {cost(p): 1 for p in paths}\n";
    scene(&[("a.py", text)], MESSAGE, &[("a.py", "return {")]).silent(cached_argument);
}

#[test]
fn bytes_of_a_process() {
    const MESSAGE: &str = "TypeError: a bytes-like object is required, not 'str'";
    let text = "import subprocess\n\ndef f(c):\n    out = subprocess.run(c, capture_output=True)\n    return out.stdout.split(' ')\n";
    scene(&[("a.py", text)], MESSAGE, &[("a.py", "return out")]).check(
        process_bytes,
        &["gives bytes", "text=True"],
        "a.py:4",
        Some(("a.py", "subprocess.run(c, capture_output=True, text=True)")),
    );
    // The last argument may end with parentheses, stand in some, or be followed by a comma and a comment.
    for (call, right) in [
        ("run(c, env=dict(a=1))", "run(c, env=dict(a=1), text=True)"),
        ("run((c))", "run((c), text=True)"),
        ("run(\n        c,  # (all)\n    )", "run(\n        c, text=True,  # (all)\n    )"),
    ] {
        let text = format!(
            "import subprocess\n\ndef f(c):\n    out = subprocess.{call}\n    return out.stdout.split(' ')\n"
        );
        scene(&[("a.py", &text)], MESSAGE, &[("a.py", "return out")]).check(
            process_bytes,
            &["gives bytes"],
            "a.py:4",
            Some(("a.py", right)),
        );
    }
    for silent in [
        "import subprocess\n\ndef f(c):\n    out = subprocess.run(c, text=True)\n    return b'a'.split(' ')\n",
        "def f(c):\n    out = c.read()\n    return out.split(' ')\n",
    ] {
        scene(&[("a.py", silent)], MESSAGE, &[("a.py", "return")]).silent(process_bytes);
    }
}
