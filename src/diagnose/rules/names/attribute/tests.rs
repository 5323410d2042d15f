use super::*;
use crate::diagnose::rules::testing::scene;

const CART: &str = "class Base:\n    def __init__(self):\n        self.owner = None\n\nclass Cart(Base):\n    LIMIT = 3\n\n    \
                    def __init__(self):\n        self.items = []\n\n    def open(self):\n        self.session = 1\n\n    \
                    @property\n    def total(self):\n        return 1\n";

#[test]
fn near_attributes_of_the_projects_classes() {
    for (use_, message, parts, fixed) in [
        (
            "cart.totl",
            "'Cart' object has no attribute 'totl'",
            &["`.totl`", "`total` (src/shop.py:15)"][..],
            "cart.total ==",
        ),
        (
            "cart.itmes",
            "'Cart' object has no attribute 'itmes'. Did you mean: 'items'?",
            &["`items` (src/shop.py:9)"],
            "cart.items ==",
        ),
        (
            "Cart.LIMTI",
            "type object 'Cart' has no attribute 'LIMTI'",
            &["`LIMIT` (src/shop.py:6)"],
            "Cart.LIMIT ==",
        ),
    ] {
        let test =
            format!("from shop import Cart\n\ndef test_it():\n    cart = Cart()\n    assert {use_} == 1\n");
        scene(
            &[("src/shop.py", CART), ("tests/test_it.py", &test)],
            &format!("AttributeError: {message}"),
            &[("tests/test_it.py", "assert")],
        )
        .check(attribute, parts, "tests/test_it.py:5", Some(("tests/test_it.py", fixed)));
    }
}

#[test]
fn a_name_with_the_same_words_is_told_but_not_changed() {
    let test = "from shop import Cart\n\ndef test_it():\n    assert Cart().get_total() == 1\n";
    scene(
        &[("src/shop.py", CART), ("tests/test_it.py", test)],
        "AttributeError: 'Cart' object has no attribute 'get_total'",
        &[("tests/test_it.py", "assert")],
    )
    .check(attribute, &["`total` (src/shop.py:15)"], "tests/test_it.py:4", None);
}

#[test]
fn attributes_that_were_not_set_yet() {
    let test = "from shop import Cart\n\ndef test_it():\n    cart = Cart()\n    assert cart.WHAT\n";
    let files = |what: &str| test.replace("WHAT", what);
    let run = |what: &str, message: &str| {
        scene(
            &[("src/shop.py", CART), ("tests/test_it.py", &files(what))],
            &format!("AttributeError: {message}"),
            &[("tests/test_it.py", "assert")],
        )
    };
    run("owner", "'Cart' object has no attribute 'owner'").check(
        attribute,
        &["`Cart.__init__` (src/shop.py:8) does not call `super().__init__()`"],
        "src/shop.py:8",
        Some(("src/shop.py", "        super().__init__()\n        self.items")),
    );
    run("session", "'Cart' object has no attribute 'session'").check(
        attribute,
        &["only `Cart.open` (src/shop.py:12) sets it"],
        "tests/test_it.py:5",
        None,
    );
    scene(
        &[
            ("src/shop.py", CART),
            ("tests/test_it.py", "from shop import Cart\n\ndef test_it():\n    assert Cart.items\n"),
        ],
        "AttributeError: type object 'Cart' has no attribute 'items'",
        &[("tests/test_it.py", "assert")],
    )
    .check(attribute, &["from the class itself"], "tests/test_it.py:4", None);
}

#[test]
fn modules_and_functions() {
    let test = "import shop.cart\n\ndef test_it():\n    assert shop.cart.make_crat().name\n";
    let files = [
        ("src/shop/__init__.py", ""),
        ("src/shop/cart.py", "def make_cart():\n    return 1\n"),
        ("tests/test_it.py", test),
    ];
    scene(
        &files,
        "AttributeError: module 'shop.cart' has no attribute 'make_crat'",
        &[("tests/test_it.py", "assert")],
    )
    .check(
        attribute,
        &["the module `shop.cart` (src/shop/cart.py)", "`make_cart` (src/shop/cart.py:1)"],
        "tests/test_it.py:4",
        Some(("tests/test_it.py", "shop.cart.make_cart()")),
    );
    scene(
        &[
            ("src/shop/__init__.py", ""),
            ("src/shop/cart.py", ""),
            ("tests/test_it.py", "import shop\n\ndef test_it():\n    shop.cart\n"),
        ],
        "AttributeError: module 'shop' has no attribute 'cart'",
        &[("tests/test_it.py", "    shop.cart")],
    )
    .check(
        attribute,
        &["has not been imported"],
        "tests/test_it.py:4",
        Some(("tests/test_it.py", "import shop\nimport shop.cart\n")),
    );
    scene(
        &[("a.py", "def config():\n    return 1\n\ndef f():\n    return config.name\n")],
        "AttributeError: 'function' object has no attribute 'name'",
        &[("a.py", "return config")],
    )
    .check(
        attribute,
        &["parentheses of the call are missing"],
        "a.py:5",
        Some(("a.py", "config().name")),
    );
}

#[test]
fn pythons_own_types() {
    for (line, message, locals, fixed) in [
        ("xs.push(1)", "'list' object has no attribute 'push'", &[][..], "xs.append(1)"),
        (
            "xs.starts_with('a')",
            "'str' object has no attribute 'starts_with'. Did you mean: 'startswith'?",
            &[],
            "xs.startswith('a')",
        ),
        ("xs.name", "'dict' object has no attribute 'name'", &[("xs", "{'name': 'Ada'}")], "xs['name']"),
    ] {
        scene(
            &[("a.py", &format!("def f(xs):\n    return {line}\n\nQ = 'q'\n"))],
            &format!("AttributeError: {message}"),
            &[("a.py", "return")],
        )
        .locals(locals)
        .check(attribute, &["xs"], "a.py:2", Some(("a.py", fixed)));
    }
}

#[test]
fn silent_where_others_know_better_or_nobody_does() {
    let files = [("a.py", "class A(Unknown):\n    x = 1\n\ndef f(a):\n    return a.zebra\n")];
    for message in [
        "'NoneType' object has no attribute 'zebra'",
        "'coroutine' object has no attribute 'zebra'",
        "'A' object has no attribute 'zebra'",
        "'Elsewhere' object has no attribute 'zebra'",
        "module 'os' has no attribute 'zebra'",
        "'int' object has no attribute 'zebra'",
        "zebra",
    ] {
        scene(&files, &format!("AttributeError: {message}"), &[("a.py", "return a.zebra")]).silent(attribute);
    }
}

/// What is defined, what uses it, and the place that is named first.
#[test]
fn what_most_say_is_what_is_meant() {
    let class = "class Order:\n    def total_amont(self):\n        return 1\n";
    let field = "class Order:\n    def __init__(self):\n        self.total_amont = 1\n";
    let twice = "def report(order):\n    return order.total_amount\n\ndef mail(other):\n    return other.total_amount\n";
    let once = "def report(order):\n    return order.total_amount\n";
    let both = "def report(order):\n    return order.total_amount\n\ndef mail(other):\n    return other.total_amont, other.total_amount\n";
    for (defined, used, place, fixed) in [
        (class, twice, "app/order.py:2", ("app/order.py", "def total_amount(self)")),
        (field, twice, "app/order.py:3", ("app/order.py", "self.total_amount = 1")),
        (class, once, "app/report.py:2", ("app/report.py", "order.total_amont")),
        (class, both, "app/report.py:2", ("app/report.py", "return order.total_amont")),
    ] {
        let files = [
            ("app/order.py", defined),
            ("app/report.py", used),
            (
                "tests/test_it.py",
                "from app.order import Order\nfrom app.report import report\n\ndef test_it():\n    assert report(Order())\n",
            ),
        ];
        scene(
            &files,
            "AttributeError: 'Order' object has no attribute 'total_amount'",
            &[("tests/test_it.py", "assert"), ("app/report.py", "return order.")],
        )
        .check(attribute, &["total_amont"], place, Some(fixed));
    }
}
