#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::cluster::fingerprint::fingerprint;
use crate::model::{Detail, Exception, Failure, FailureKind, Frame, Link, Phase, RelPath, Run, TestId};
use crate::workspace::Workspace;

const BASKET: (&str, &str) = (
    "shop/basket.py",
    "from dataclasses import dataclass\nclass Basket:\n    def __init__(self, owner):\n        self.owner = owner\n    def add(self, sku, count): ...\n    def open(self):\n        self.lines = []\n    def first(self):\n        return self.lines[0]\n@dataclass\nclass Line:\n    sku: str\ndef total(basket, *, tax): ...\n",
);
const OTHER: (&str, &str) = ("market/basket.py", "class Basket:\n    def add(self): ...\n");
const MAGIC: (&str, &str) =
    ("shop/magic.py", "class Magic:\n    def __getattr__(self, name):\n        raise AttributeError(name)\n");
const FIXTURES: (&str, &str) = (
    "tests/conftest.py",
    "import pytest\nfrom shop.basket import Basket\n@pytest.fixture\ndef basket():\n    return Basket('me')\n",
);
const INITS: [(&str, &str); 2] = [("shop/__init__.py", ""), ("market/__init__.py", "")];

/// How many clusters these are: a failure in each of the functions with these `bodies` of `tests/test_it.py`, at
/// the line that ends in `# here`, with `messages` in their order (the last one for all further ones).
fn clusters(
    imports: &str,
    bodies: &[&str],
    type_name: &str,
    messages: &[&str],
    more: &[(&str, &str)],
) -> usize {
    let text: String = std::iter::once(format!("{imports}\n"))
        .chain((0..).zip(bodies).map(|(index, body)| {
            format!("def test_{index}(basket):\n    {}\n\n", body.replace('\n', "\n    "))
        }))
        .collect();
    let frames: Vec<(u32, &str)> =
        (1..).zip(text.lines().map(str::trim)).filter(|(_, line)| line.ends_with("# here")).collect();
    assert_eq!(frames.len(), bodies.len(), "{text}");
    let files: HashMap<RelPath, Arc<str>> = INITS
        .iter()
        .chain([&BASKET, &MAGIC, &FIXTURES, &("tests/test_it.py", text.as_str())])
        .chain(more)
        .map(|(path, text)| (RelPath::new(path).unwrap(), (*text).into()))
        .collect();
    let workspace = Workspace::new("/no/such/folder", Arc::default()).with_overlay(files);
    let failures = frames.iter().enumerate().map(|(index, (line, source))| {
        let frame = Frame {
            path: "tests/test_it.py".into(),
            line: *line,
            span: None,
            function: Some(format!("test_{index}")),
            source: Some((*source).to_owned()),
            locals: Vec::new(),
            place: None,
            in_project: false,
        };
        let exception = Exception {
            type_name: type_name.into(),
            message: messages[index.min(messages.len() - 1)].into(),
            link: Link::Last,
            frames: vec![frame],
            assertion: None,
            group: Vec::new(),
            notes: Vec::new(),
        };
        Failure {
            kind: FailureKind::Exception,
            exceptions: vec![exception],
            detail: Detail::Traceback,
            ..Failure::bare(TestId::new(&format!("tests/test_it.py::test_{index}")), Phase::Call)
        }
    });
    let mut run = Run { failures: failures.collect(), ..Run::default() };
    crate::evidence::collect(&mut run, &workspace);
    let found: BTreeSet<_> = run.failures.iter().map(|failure| fingerprint(failure, &workspace).0).collect();
    found.len()
}

/// (imports, bodies, messages, number of clusters)
type Row = (&'static str, &'static [&'static str], &'static [&'static str], usize);

fn check(type_name: &str, rows: &[Row], more: &[(&str, &str)]) {
    for (imports, bodies, messages, expected) in rows {
        assert_eq!(
            clusters(imports, bodies, type_name, messages, more),
            *expected,
            "{bodies:?} {messages:?}"
        );
    }
}

const FROM: &str = "from shop.basket import Basket, Line, total\nimport shop.basket\n";

#[test]
fn an_attribute_that_a_class_lacks_is_one_cause() {
    check(
        "AttributeError",
        &[
            (
                FROM,
                &[
                    "assert Basket('me').getlist('a') == []  # here",
                    "other = Basket('you')\nother.getlist('b')  # here",
                    "assert 2 == len(basket.getlist('c'))  # here",
                ],
                &["'Basket' object has no attribute 'getlist'"],
                1,
            ),
            (
                FROM,
                &["shop.basket.parse('a')  # here", "from shop import basket as b\n    b.parse()  # here"],
                &["module 'shop.basket' has no attribute 'parse'"],
                1,
            ),
            (
                FROM,
                &["Basket.load('a')  # here", "print(shop.basket.Basket.load)  # here"],
                &["type object 'Basket' has no attribute 'load'"],
                1,
            ),
            // The hint that newer Pythons print.
            (
                FROM,
                &["basket.frist()  # here", "Basket('x').frist()  # here"],
                &[
                    "'Basket' object has no attribute 'frist'",
                    "'Basket' object has no attribute 'frist'. Did you mean: 'first'?",
                ],
                1,
            ),
        ],
        &[],
    );
}

#[test]
fn other_attributes_and_other_owners_are_other_causes() {
    check(
        "AttributeError",
        &[
            (
                FROM,
                &["basket.getlist()  # here", "basket.gettotal()  # here"],
                &[
                    "'Basket' object has no attribute 'getlist'",
                    "'Basket' object has no attribute 'gettotal'",
                ],
                2,
            ),
            // Only one of the two objects' classes is the project's.
            ("", &["len(basket.x)  # here", "[].x  # here"], &["'list' object has no attribute 'x'"], 2),
            (
                "",
                &["basket.x  # here", "basket.y().x  # here"],
                &["'NoneType' object has no attribute 'x'"],
                2,
            ),
            ("", &["basket.x  # here", "foreign().x  # here"], &["'Order' object has no attribute 'x'"], 2),
            // The class of that name comes from another package.
            (
                "from sold_goods import Line",
                &["Line().tax  # here", "Line().tax + 1  # here"],
                &["'Line' object has no attribute 'tax'"],
                2,
            ),
            // Set by a method that was not called: each use is early for a reason of its own.
            (
                FROM,
                &["basket.lines  # here", "Basket('b').lines  # here"],
                &["'Basket' object has no attribute 'lines'"],
                2,
            ),
            (
                "from shop.magic import Magic",
                &["Magic().x  # here", "Magic().x + 1  # here"],
                &["'Magic' object has no attribute 'x'"],
                2,
            ),
            // A statement that raises it on purpose, and a use that the line does not show.
            (
                FROM,
                &["raise AttributeError('…')  # here", "getattr(basket, 'getlist')  # here"],
                &["'Basket' object has no attribute 'getlist'"],
                2,
            ),
            (
                "",
                &["json.parse()  # here", "json.parse(1)  # here"],
                &["module 'json' has no attribute 'parse'"],
                2,
            ),
        ],
        &[],
    );
    // Two classes of one name: those that the syntax tells apart are apart, and so is what it cannot tell.
    check(
        "AttributeError",
        &[(
            FROM,
            &[
                "Basket('a').getlist()  # here",
                "basket.getlist(1)  # here",
                "from market.basket import Basket as B\n    B().getlist()  # here",
                "made().getlist()  # here",
            ],
            &["'Basket' object has no attribute 'getlist'"],
            3,
        )],
        &[OTHER],
    );
}

#[test]
fn a_signature_that_calls_do_not_fit_is_one_cause() {
    check(
        "TypeError",
        &[
            (
                FROM,
                &["total(basket, rate=3)  # here", "assert shop.basket.total(1, rate=4) == 2  # here"],
                &["total() got an unexpected keyword argument 'rate'"],
                1,
            ),
            (
                FROM,
                &["total(basket)  # here", "x = shop.basket.total(1)  # here"],
                &["total() missing 1 required keyword-only argument: 'tax'"],
                1,
            ),
            (
                FROM,
                &["basket.add(1, 2, 3)  # here", "Basket('a').add(1, 2, 3, 4)  # here"],
                &[
                    "Basket.add() takes 3 positional arguments but 4 were given",
                    "Basket.add() takes 3 positional arguments but 5 were given",
                ],
                1,
            ),
            // Before Python 3.10 without the class; a data class; an object of unknown class.
            (
                FROM,
                &["Basket()  # here", "print(shop.basket.Basket())  # here"],
                &["__init__() missing 1 required positional argument: 'owner'"],
                1,
            ),
            (
                FROM,
                &["Line()  # here", "print(Line())  # here"],
                &["Line.__init__() missing 1 required positional argument: 'sku'"],
                1,
            ),
            (
                FROM,
                &["unknown().add(1)  # here", "basket.add(2)  # here"],
                &["Basket.add() missing 1 required positional argument: 'count'"],
                1,
            ),
        ],
        &[],
    );
}

#[test]
fn other_misfits_and_other_callables_are_other_causes() {
    check(
        "TypeError",
        &[
            (
                FROM,
                &["total(1, rate=3)  # here", "total(2, scale=3)  # here", "total(1)  # here"],
                &[
                    "total() got an unexpected keyword argument 'rate'",
                    "total() got an unexpected keyword argument 'scale'",
                    "total() missing 1 required keyword-only argument: 'tax'",
                ],
                3,
            ),
            // Each test's own function of that name.
            (
                "",
                &["def fake(a): ...\nfake()  # here", "def fake(a): ...\nfake( )  # here"],
                &["test.<locals>.fake() missing 1 required positional argument: 'a'"],
                2,
            ),
            // A stand-in for the project's function.
            (
                FROM,
                &["total(1)  # here", "shop.basket.total(1)  # here"],
                &["test_0.<locals>.total() missing 1 required positional argument: 'x'"],
                2,
            ),
            (
                FROM,
                &["total(1)  # here", "shop.basket.total(1)  # here"],
                &["deco.<locals>.wrapper() missing 1 required positional argument: 'x'"],
                2,
            ),
            (
                "",
                &["int(1, 2, 3)  # here", "int(4, 5, 6)  # here"],
                &["int() takes at most 2 arguments (3 given)"],
                2,
            ),
            (
                "from sold_goods import total",
                &["total()  # here", "total( )  # here"],
                &["total() missing 1 required positional argument: 'x'"],
                2,
            ),
        ],
        &[],
    );
}
