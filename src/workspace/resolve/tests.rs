#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::HashMap;

use super::*;

fn workspace(files: &[(&str, &str)]) -> Workspace {
    let overlay: HashMap<RelPath, Arc<str>> =
        files.iter().map(|(path, text)| (RelPath::new(path).unwrap(), (*text).into())).collect();
    Workspace::new("/nowhere", Arc::default()).with_overlay(overlay)
}

/// The functions that the last line of `tests/test_it.py` calls.
fn calls(files: &[(&str, &str)]) -> Vec<String> {
    let workspace = workspace(files);
    let path = RelPath::new("tests/test_it.py").unwrap();
    let source = workspace.source(&path).unwrap();
    let line = source.text().trim_end().lines().count() as u32;
    let stmt = source.module().statement(line).unwrap();
    let resolver = Resolver::new(&workspace);
    let mut found = Vec::new();
    for expr in stmt.expressions() {
        for called in resolver.calls(&path, line, expr) {
            found.push(format!("{}:{}", called.path.as_str(), called.qualified_name));
        }
    }
    found
}

const SHOP: (&str, &str) = (
    "src/shop/cart.py",
    "from .money import Money\n\nclass Base:\n    def ship(self): ...\n\nclass Cart(Base):\n    def __init__(self, owner):\n        self.money = Money()\n    @property\n    def total(self): ...\n    def add(self, item) -> 'Cart': ...\n\ndef parse(text):\n    return Cart(text)\n",
);
const MONEY: (&str, &str) = ("src/shop/money.py", "class Money:\n    def round(self): ...\n");
const INIT: (&str, &str) = ("src/shop/__init__.py", "from .cart import *\n");

#[test]
fn calls_lead_to_their_definitions() {
    let rows: &[(&str, &[&str])] = &[
        (
            "from shop.cart import parse\ndef test_a():\n    assert parse('x') == 1\n",
            &["src/shop/cart.py:parse"],
        ),
        ("from shop import parse as p\ndef test_a():\n    assert p('x') == 1\n", &["src/shop/cart.py:parse"]),
        ("import shop.cart\ndef test_a():\n    assert shop.cart.parse(1)\n", &["src/shop/cart.py:parse"]),
        (
            "import shop.cart as c\ndef test_a():\n    assert c.Cart('x').total == 1\n",
            &["src/shop/cart.py:Cart.total", "src/shop/cart.py:Cart.__init__"],
        ),
        (
            "from shop.cart import parse\ndef test_a():\n    cart = parse('x')\n    assert cart.add(1).total == 2\n",
            &["src/shop/cart.py:Cart.total", "src/shop/cart.py:Cart.add"],
        ),
        (
            "from shop.cart import parse\ndef test_a():\n    cart = parse('x')\n    assert cart.ship() == 2\n",
            &["src/shop/cart.py:Base.ship"],
        ),
        (
            "from shop.cart import Cart\ndef test_a(cart: Cart):\n    assert cart.money.round() == 2\n",
            &["src/shop/money.py:Money.round"],
        ),
        ("def test_a(cart):\n    assert cart.add(1) == 2\n", &["src/shop/cart.py:Cart.add"]),
        ("import json\ndef test_a():\n    assert json.loads('x') == 2\n", &[]),
        ("def test_a(unknown):\n    assert unknown.total() == len([1])\n", &[]),
    ];
    let conftest =
        "import pytest\nfrom shop.cart import Cart\n@pytest.fixture\ndef cart():\n    yield Cart('me')\n";
    for (test, expected) in rows {
        let files = [SHOP, MONEY, INIT, ("tests/conftest.py", conftest), ("tests/test_it.py", test)];
        assert_eq!(calls(&files), *expected, "{test}");
    }
}

#[test]
fn circles_end() {
    let files = [
        ("a.py", "from b import *\nfrom c import *\nclass A(A): ...\nx = x\n"),
        ("b.py", "from a import *\nfrom c import *\ndef f(): return f()\n"),
        ("c.py", "from a import *\nfrom b import *\n"),
        ("tests/test_it.py", "from a import *\ndef test_a():\n    assert x.y(A().z(), f().g, missing())\n"),
    ];
    assert_eq!(calls(&files), ["b.py:f"]);
}
