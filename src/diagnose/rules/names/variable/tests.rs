use super::*;
use crate::diagnose::rules::testing::scene;

#[test]
fn a_slip_is_named_with_what_was_meant_and_changed() {
    scene(
        &[(
            "src/cart.py",
            "def total(prices, discount):\n    subtotal = sum(prices)\n    return subtotl - discount\n",
        )],
        "NameError: name 'subtotl' is not defined",
        &[("src/cart.py", "return subtotl")],
    )
    .check(
        variable,
        &["`subtotl`", "variable `subtotal` (line 2)"],
        "src/cart.py:3",
        Some(("src/cart.py", "return subtotal -")),
    );
    scene(
        &[(
            "app/räume.py",
            "GRÖSSE = 3\r\n\r\nclass A:\r\n\tdef f(self):\r\n\t\treturn [GRÖßE for _ in rang(3)]\r\n",
        )],
        "NameError: name 'rang' is not defined. Did you mean: 'range'?",
        &[("app/räume.py", "rang(3)")],
    )
    .check(variable, &["builtin `range`"], "app/räume.py:5", Some(("app/räume.py", "in range(3)]\r\n")));
    scene(
        &[(
            "tests/test_it.py",
            "import shop as store\ndef test_it():\n    assert stroe.open(\n        stroe.key)\n",
        )],
        "NameError: name 'stroe' is not defined",
        &[("tests/test_it.py", "assert stroe")],
    )
    .check(
        variable,
        &["import `store` (line 1)"],
        "tests/test_it.py:3",
        Some(("tests/test_it.py", "assert store.open(\n        stroe.key)")),
    );
}

#[test]
fn attributes_constants_and_imports() {
    scene(
        &[("a.py", "class Cart:\n    def __init__(self):\n        self.items = []\n    def size(self):\n        return len(items)\n")],
        "NameError: name 'items' is not defined",
        &[("a.py", "return len(items)")],
    )
    .check(variable, &["attribute of `Cart`", "`self.` is missing"], "a.py:5", Some(("a.py", "len(self.items)")));
    scene(
        &[("a.py", "def f():\n    return {'a': null}\n")],
        "NameError: name 'null' is not defined",
        &[("a.py", "return")],
    )
    .check(variable, &["Python spells `None`"], "a.py:2", Some(("a.py", "{'a': None}")));
    scene(
        &[("tests/test_it.py", "\"\"\"Doc.\"\"\"\nimport os\n\n@pytest.fixture\ndef x(): pass\n")],
        "NameError: name 'pytest' is not defined",
        &[("tests/test_it.py", "@pytest")],
    )
    .check(
        variable,
        &["never imported"],
        "tests/test_it.py:4",
        Some(("tests/test_it.py", "import os\nimport pytest\n\n@pytest")),
    );
    scene(
        &[
            ("tests/test_it.py", "def test_it():\n    assert make_cart() == 1\n"),
            ("src/shop/cart.py", "def make_cart(): ...\n"),
        ],
        "NameError: name 'make_cart' is not defined",
        &[("tests/test_it.py", "assert")],
    )
    .check(
        variable,
        &["never imported"],
        "tests/test_it.py:2",
        Some(("tests/test_it.py", "from shop.cart import make_cart\ndef test_it")),
    );
    scene(
        &[("a.py", "def f(data):\n    return json.dumps(data)\n")],
        "NameError: name 'json' is not defined. Did you forget to import 'json'?",
        &[("a.py", "json.dumps")],
    )
    .check(variable, &["never imported"], "a.py:2", Some(("a.py", "import json\ndef f")));
}

#[test]
fn other_scopes_and_later_definitions() {
    scene(
        &[("a.py", "x = compute(3)\n\ndef compute(n):\n    return n\n")],
        "NameError: name 'compute' is not defined",
        &[("a.py", "x = compute")],
    )
    .check(variable, &["before it is defined in line 3"], "a.py:1", None);
    scene(
        &[("a.py", "def setup():\n    connection = 1\n\ndef use():\n    return connection\n")],
        "NameError: name 'connection' is not defined",
        &[("a.py", "return connection")],
    )
    .check(variable, &["local variable of `setup` (line 2)"], "a.py:5", None);
    scene(
        &[("a.py", "def use():\n    return zebra\n")],
        "NameError: name 'zebra' is not defined",
        &[("a.py", "return")],
    )
    .check(variable, &["defined nowhere"], "a.py:2", None);
}

#[test]
fn locals_that_are_not_set() {
    scene(
        &[("a.py", "count = 0\n\ndef bump():\n    \"\"\"Doc.\"\"\"\n    count += 1\n    return count\n")],
        "UnboundLocalError: cannot access local variable 'count' where it is not associated with a value",
        &[("a.py", "count += 1")],
    )
    .check(
        unbound,
        &["makes it a local variable", "(line 1)"],
        "a.py:5",
        Some(("a.py", "    global count\n    count += 1")),
    );
    scene(
        &[(
            "a.py",
            "def pick(xs):\n    for x in xs:\n        if x > 3:\n            best = x\n    return best\n",
        )],
        "UnboundLocalError: local variable 'best' referenced before assignment",
        &[("a.py", "return best")],
    )
    .check(unbound, &["only inside the `for` of line 2 (line 4)"], "a.py:5", None);
}

#[test]
fn other_errors_are_left_to_other_rules() {
    let files = [("a.py", "def f():\n    return x\n")];
    scene(&files, "KeyError: 'x'", &[("a.py", "return x")]).silent(variable);
    scene(&files, "NameError: something else", &[("a.py", "return x")]).silent(variable);
    scene(&files, "NameError: name 'x' is not defined", &[]).silent(variable);
    scene(&files, "NameError: name 'x' is not defined", &[("a.py", "return x")]).silent(unbound);
}
