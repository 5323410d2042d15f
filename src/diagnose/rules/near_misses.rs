//! Failures that look like a rule's and are not: the rule has to be silent.

use super::testing::scene;
use super::{Rule, arithmetic, environment, groups, mocks, none, outcome, raises};

/// (code of `shop.py`, code of `tests/test_it.py`, exception, lines it went through)
type Row = (&'static str, &'static str, &'static str, &'static [(&'static str, &'static str)]);

const SHOP: &str = "shop.py";
const TEST: &str = "tests/test_it.py";

fn silent(rule: impl Rule + Copy, rows: &[Row]) {
    for (shop, test, exception, through) in rows {
        scene(&[(SHOP, shop), (TEST, test)], exception, through).silent(rule);
    }
}

const CALLS: &str = "from shop import run\ndef test_it():\n    run(None)\n";

#[test]
fn none_is_named_only_where_it_is_the_cause() {
    silent(
        none::none_used,
        &[
            // Another type; the word in a message of the project's own; a name that only begins like it.
            (
                "def run(x):\n    return x.name\n",
                CALLS,
                "AttributeError: 'int' object has no attribute 'name'",
                &[(TEST, "run(None)"), (SHOP, "x.name")],
            ),
            (
                "def run(x):\n    raise ValueError('NoneType given')\n",
                CALLS,
                "ValueError: NoneType given",
                &[(TEST, "run(None)"), (SHOP, "raise")],
            ),
            // Two candidates on the line, and no value that tells them apart.
            (
                "def run(x, y):\n    return x.name + y.name\n",
                CALLS,
                "AttributeError: 'NoneType' object has no attribute 'name'",
                &[(TEST, "run(None)"), (SHOP, "x.name")],
            ),
        ],
    );
}

#[test]
fn the_world_outside_is_blamed_only_by_its_exceptions() {
    silent(
        environment::missing_variable,
        &[
            (
                "OPTIONS = {}\ndef run(x):\n    return OPTIONS['HOME_DIR']\n",
                CALLS,
                "KeyError: 'HOME_DIR'",
                &[(TEST, "run(None)"), (SHOP, "return")],
            ),
            (
                "import os\ndef run(x):\n    raise RuntimeError(os.environ.get('A'))\n",
                CALLS,
                "RuntimeError: 'A'",
                &[(TEST, "run(None)"), (SHOP, "raise")],
            ),
        ],
    );
    silent(
        environment::missing_file,
        &[
            (
                "def run(x):\n    raise ValueError('no such file: a.csv')\n",
                CALLS,
                "ValueError: no such file: 'a.csv'",
                &[(TEST, "run(None)"), (SHOP, "raise")],
            ),
            // Nothing is named.
            (
                "def run(x):\n    raise FileNotFoundError\n",
                CALLS,
                "FileNotFoundError",
                &[(TEST, "run(None)"), (SHOP, "raise")],
            ),
        ],
    );
    let words: &[Row] = &[(
        "def run(x):\n    # connection refused, timeout, permission denied\n    raise ValueError(x)\n",
        CALLS,
        "ValueError: connection refused: timeout after 5 s at db:5432, permission denied",
        &[(TEST, "run(None)"), (SHOP, "raise")],
    )];
    silent(environment::connection, words);
    silent(environment::time_limit, words);
    silent(environment::refused_by_system, words);
    silent(environment::encoding, words);
    silent(
        environment::refused_by_system,
        &[(
            "def run(x):\n    open(x)\n",
            CALLS,
            "OSError: [Errno 5] Input/output error: 'a'",
            &[(TEST, "run(None)"), (SHOP, "open(x)")],
        )],
    );
    // A project's exception that only has the name of a well-known one.
    silent(
        environment::time_limit,
        &[(
            "class TimeoutError(Exception): ...\ndef run(x):\n    raise TimeoutError('x')\n",
            CALLS,
            "shop.TimeoutError: x",
            &[(TEST, "run(None)"), (SHOP, "raise TimeoutError('x')")],
        )],
    );
}

#[test]
fn numbers_are_blamed_only_where_they_are_seen() {
    silent(
        arithmetic::division,
        &[
            // Raised in a library that was called; no division on the line; a divisor that is not zero.
            (
                "def run(x):\n    raise ZeroDivisionError('own')\n",
                CALLS,
                "ZeroDivisionError: own",
                &[(TEST, "run(None)"), (SHOP, "raise")],
            ),
            (
                "def run(x):\n    return x / 2\n",
                CALLS,
                "ZeroDivisionError: division by zero",
                &[(TEST, "run(None)"), (SHOP, "x / 2")],
            ),
        ],
    );
    silent(
        arithmetic::index,
        &[
            (
                "def run(x):\n    raise IndexError('no item')\n",
                CALLS,
                "IndexError: no item",
                &[(TEST, "run(None)"), (SHOP, "raise")],
            ),
            // Two subscripts: which one was too far is not told.
            (
                "def run(x, a, b):\n    return a[0] + b[0]\n",
                CALLS,
                "IndexError: list index out of range",
                &[(TEST, "run(None)"), (SHOP, "a[0]")],
            ),
        ],
    );
    silent(
        arithmetic::recursion,
        &[(
            "def run(x):\n    raise RuntimeError('maximum recursion depth exceeded')\n",
            CALLS,
            "RuntimeError: maximum recursion depth exceeded",
            &[(TEST, "run(None)"), (SHOP, "raise")],
        )],
    );
}

#[test]
fn assertions_of_other_kinds_are_not_mocks() {
    silent(
        mocks::calls,
        &[
            (
                "",
                "def test_it():\n    assert 1 == 2, 'Expected 1'\n",
                "AssertionError: Expected 1\nassert 1 == 2",
                &[(TEST, "assert 1")],
            ),
            (
                "",
                "def test_it():\n    assert False, 'mail was not called back'\n",
                "AssertionError: mail was not called back\nassert False",
                &[(TEST, "assert False")],
            ),
            (
                "",
                "def test_it():\n    raise ValueError('x')\n",
                "ValueError: Expected 'mock' to have been called.",
                &[(TEST, "raise")],
            ),
        ],
    );
}

const RAISES: &str = "import pytest\nfrom shop import run\ndef test_it():\n    with pytest.raises(KeyError):\n        run(1)\n    run(2)\n";

#[test]
fn only_the_block_of_raises_has_its_expectation() {
    silent(
        raises::raised_another,
        &[
            // After the block.
            (
                "def run(x):\n    raise ValueError(x)\n",
                RAISES,
                "ValueError: 2",
                &[(TEST, "    run(2)"), (SHOP, "raise")],
            ),
            // No expectation at all.
            (
                "def run(x):\n    raise ValueError(x)\n",
                CALLS,
                "ValueError: 2",
                &[(TEST, "run(None)"), (SHOP, "raise")],
            ),
        ],
    );
    silent(
        raises::did_not_raise,
        &[
            (
                "",
                "import pytest\ndef test_it():\n    pytest.fail('it did not raise')\n",
                "Failed: it did not raise",
                &[(TEST, "pytest.fail")],
            ),
            (
                "",
                "def test_it():\n    assert False, 'the flag was not raised high'\n",
                "AssertionError: the flag was not raised high\nassert False",
                &[(TEST, "assert")],
            ),
        ],
    );
    silent(
        raises::match_differs,
        &[(
            "",
            "def test_it():\n    assert 'a' == 'b', 'Regex'\n",
            "AssertionError: Regex\nassert 'a' == 'b'",
            &[(TEST, "assert")],
        )],
    );
}

#[test]
fn outcomes_are_what_pytest_says_they_are() {
    let failing: &[Row] = &[
        (
            "",
            "import pytest\ndef test_it():\n    pytest.fail('the basket contains 2 failed subtests of the card')\n",
            "Failed: the basket contains 2 failed subtests of the card",
            &[(TEST, "pytest.fail")],
        ),
        (
            "",
            "import pytest\ndef test_it():\n    pytest.fail('contains rotten fruit')\n",
            "Failed: contains rotten fruit",
            &[(TEST, "pytest.fail")],
        ),
        (
            "",
            "def test_it():\n    raise ValueError('worker gw0 crashed: [XPASS(strict)] INTERNALERROR')\n",
            "ValueError: worker gw0 crashed: [XPASS(strict)] INTERNALERROR",
            &[(TEST, "raise")],
        ),
        (
            "",
            "def test_it():\n    assert render() == 'Expected:'\n",
            "AssertionError: assert 'Expected:' == 'Got:'",
            &[(TEST, "assert")],
        ),
        (
            "",
            "def test_it():\n    raise Failed('in \"parametrize\" the number')\n",
            "Failed: in \"parametrize\" the number of names is odd",
            &[(TEST, "raise")],
        ),
    ];
    silent(outcome::subtests, failing);
    silent(outcome::crash, failing);
    silent(outcome::internal, failing);
    silent(outcome::strict_xpass, failing);
    silent(outcome::doctest, failing);
    silent(outcome::parametrize, failing);
    silent(groups::group, failing);
    silent(
        groups::group,
        &[(
            "",
            "def test_it():\n    raise ExceptionGroup('restocking failed', [])\n",
            "ValueError: second argument (exceptions) must be a non-empty sequence",
            &[(TEST, "raise")],
        )],
    );
}
