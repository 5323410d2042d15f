use super::*;
use crate::diagnose::rules::testing::scene;

const SHOP: &str = "class Cart:\n    def __init__(self, owner, *, currency='EUR'):\n        self.owner = owner\n\n    def add(self, item, quantity):\n        \
                    pass\n\n    def size():\n        return 1\n\ndef convert(amount, /, rate=1):\n    return amount * rate\n";

fn run(statement: &str, message: &str) -> crate::diagnose::rules::testing::Scene {
    let test = format!(
        "from shop import Cart, convert\n\ndef test_it(quantity):\n    cart = Cart('me')\n    assert {statement}\n"
    );
    scene(
        &[("src/shop.py", SHOP), ("tests/test_it.py", &test)],
        &format!("TypeError: {message}"),
        &[("tests/test_it.py", "assert")],
    )
}

#[test]
fn each_way_in_which_arguments_do_not_fit() {
    let test = "tests/test_it.py";
    for (statement, message, parts, place, fixed) in [
        (
            "cart.add('x', quantty=3)",
            "Cart.add() got an unexpected keyword argument 'quantty'. Did you mean 'quantity'?",
            &["`quantty`", "`quantity` (src/shop.py:5)"][..],
            "tests/test_it.py:5",
            Some((test, "add('x', quantity=3)")),
        ),
        (
            "cart.add('x', count=3)",
            "add() got an unexpected keyword argument 'count'",
            &["`count`", "`quantity`"],
            "tests/test_it.py:5",
            Some((test, "add('x', quantity=3)")),
        ),
        (
            "cart.add('x')",
            "Cart.add() missing 1 required positional argument: 'quantity'",
            &["without `quantity`", "Cart.add(self, item, quantity)", "src/shop.py:5"],
            "tests/test_it.py:5",
            Some((test, "cart.add('x', quantity=quantity)")),
        ),
        (
            "cart.add()",
            "add() missing 2 required positional arguments: 'item' and 'quantity'",
            &["`item` and `quantity`"],
            "tests/test_it.py:5",
            None,
        ),
        (
            "Cart()",
            "Cart.__init__() missing 1 required positional argument: 'owner'",
            &["without `owner`", "src/shop.py:2"],
            "tests/test_it.py:5",
            None,
        ),
        (
            "Cart('a', 'USD')",
            "Cart.__init__() takes 2 positional arguments but 3 were given",
            &["`currency` can be given by name only"],
            "tests/test_it.py:5",
            Some((test, "Cart('a', currency='USD')")),
        ),
        (
            "cart.size()",
            "Cart.size() takes 0 positional arguments but 1 was given",
            &["`Cart.size` (src/shop.py:8) has no `self`"],
            "src/shop.py:8",
            Some(("src/shop.py", "def size(self):")),
        ),
        (
            "convert(1, 2, 3)",
            "convert() takes from 1 to 2 positional arguments but 3 were given",
            &["too many arguments", "`3` too many"],
            "tests/test_it.py:5",
            None,
        ),
        (
            "convert(amount=1)",
            "convert() got some positional-only arguments passed as keyword arguments: 'amount'",
            &["by position only"],
            "tests/test_it.py:5",
            Some((test, "convert(1)")),
        ),
        (
            "convert(1, 2, rate=3)",
            "convert() got multiple values for argument 'rate'",
            &["`rate`", "twice"],
            "tests/test_it.py:5",
            None,
        ),
        (
            "Cart.add(1, 2)",
            "Cart.add() missing 1 required positional argument: 'self'",
            &["on the class `Cart` itself"],
            "tests/test_it.py:5",
            None,
        ),
    ] {
        run(statement, message).check(arguments, parts, place, fixed);
    }
}

#[test]
fn silent_on_what_is_not_of_the_project() {
    for (statement, message) in [
        ("int(1, 2, 3)", "int() takes at most 2 arguments (3 given)"),
        ("open()", "open() missing required argument 'file' (pos 1)"),
        ("cart + 1", "unsupported operand type(s) for +: 'Cart' and 'int'"),
        ("client.get()", "Client.get() missing 1 required positional argument: 'url'"),
    ] {
        run(statement, message).silent(arguments);
    }
}
