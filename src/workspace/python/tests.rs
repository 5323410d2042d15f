#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

const SHOP: &str = "\
\u{feff}from __future__ import annotations\r
import os.path, sys as system\r
from ..shop.cart import (\r
    Cart,\r
    total as grand_total,\r
)\r
\r
@decorate(\r
    1,\r
    two=2,\r
)\r
@other\r
class Größe(Base, metaclass=Meta):\r
\tLIMIT: int = 3\r
\r
\tdef __init__(self, a, /, b: int = 1, *rest, c, d=None, **more) -> None:\r
\t\tself.width, self.höhe = a, b\r
\t\tif (n := len(rest)) > 1:\r
\t\t\tself.count = n\r
\r
\tasync def load(self):\r
\t\tdef inner(x):\r
\t\t\treturn x\r
\t\tasync with open_it() as (left, right):\r
\t\t\tpass\r
\t\tassert (\r
\t\t\tself.width ==\r
\t\t\tinner(3)\r
\t\t), f'{self.höhe!r:>{n}} {f\"{LIMIT}\"}'\r
\r
def generic[T: int, *Ts, **P](x: T) -> T:\r
\tmatch x:\r
\t\tcase {'a': [first, *others], **tail} if first:\r
\t\t\treturn first\r
\t\tcase Größe(width=w) | [w]:\r
\t\t\treturn w\r
\treturn x";

fn names(bindings: &[Binding]) -> Vec<&str> {
    bindings.iter().map(|b| &*b.name).collect()
}

#[test]
fn definitions_with_decorators_tabs_crlf_bom_and_no_final_newline() {
    let module = Module::parse(SHOP);
    assert_eq!(module.errors(), []);
    let found: Vec<_> = module
        .definitions()
        .iter()
        .map(|d| (&*d.qualified_name, d.start_line, d.name_line, d.end_line, d.is_class))
        .collect();
    assert_eq!(
        found,
        [
            ("Größe", 8, 13, 29, true),
            ("Größe.__init__", 16, 16, 19, false),
            ("Größe.load", 21, 21, 29, false),
            ("Größe.load.inner", 22, 22, 23, false),
            ("generic", 31, 31, 37, false),
        ]
    );
}

#[test]
fn enclosing_function_of_every_kind_of_line() {
    let module = Module::parse(SHOP);
    for (line, expected) in [
        (1, None),
        (9, None),
        (14, None),
        (16, Some("Größe.__init__")),
        (19, Some("Größe.__init__")),
        (20, None),
        (23, Some("Größe.load.inner")),
        (24, Some("Größe.load")),
        (29, Some("Größe.load")),
        (36, Some("generic")),
        (37, Some("generic")),
        (38, None),
        (0, None),
        (u32::MAX, None),
    ] {
        let found = module.enclosing_function(line).map(|d| &*d.qualified_name);
        assert_eq!(found, expected, "line {line}");
    }
}

#[test]
fn statement_lines_cover_the_whole_statement_or_header() {
    let module = Module::parse(SHOP);
    for (line, expected) in [
        (2, Some((2, 2))),
        (4, Some((3, 6))),
        (9, Some((8, 13))),
        (13, Some((8, 13))),
        (17, Some((17, 17))),
        (18, Some((18, 18))),
        (27, Some((26, 29))),
        (29, Some((26, 29))),
        (33, Some((33, 33))),
        (7, None),
    ] {
        assert_eq!(module.statement_lines(line), expected, "line {line}");
    }
}

#[test]
fn signatures_keep_kinds_defaults_and_places() {
    let module = Module::parse(SHOP);
    let init = module.function("Größe.__init__").unwrap();
    let params: Vec<_> = init
        .signature
        .params
        .iter()
        .map(|p| (p.name_span.of(SHOP), p.kind, p.default.as_ref().map(|d| d.span.of(SHOP))))
        .collect();
    assert_eq!(
        params,
        [
            ("self", ParamKind::PositionalOnly, None),
            ("a", ParamKind::PositionalOnly, None),
            ("b", ParamKind::Positional, Some("1")),
            ("c", ParamKind::KeywordOnly, None),
            ("d", ParamKind::KeywordOnly, Some("None")),
        ]
    );
    assert_eq!(&*init.signature.vararg.as_ref().unwrap().name, "rest");
    assert_eq!(&*init.signature.kwarg.as_ref().unwrap().name, "more");
    assert!(module.function("Größe.load").unwrap().is_async);
    assert_eq!(module.function("generic").unwrap().type_params.len(), 3);
}

#[test]
fn imports_with_alias_level_and_line() {
    let module = Module::parse(SHOP);
    let found: Vec<_> = module
        .imports()
        .into_iter()
        .map(|i| (&*i.module, i.name.as_deref(), i.bound_name(), i.level, i.line, i.name_span.of(SHOP)))
        .collect();
    assert_eq!(
        found,
        [
            ("__future__", Some("annotations"), "annotations", 0, 1, "annotations"),
            ("os.path", None, "os", 0, 2, "os.path"),
            ("sys", None, "system", 0, 2, "sys"),
            ("shop.cart", Some("Cart"), "Cart", 2, 4, "Cart"),
            ("shop.cart", Some("total"), "grand_total", 2, 5, "total"),
        ]
    );
}

#[test]
fn names_by_scope() {
    let module = Module::parse(SHOP);
    let class = module.class("Größe").unwrap();
    assert_eq!(names(&module.attributes(class)), ["LIMIT", "__init__", "load", "width", "höhe", "count"]);
    let init = module.function("Größe.__init__").unwrap();
    assert_eq!(names(&module.locals(init)), ["self", "a", "b", "c", "d", "rest", "more", "n"]);
    let generic = module.function("generic").unwrap();
    let bound = module.locals(generic);
    let mut locals = names(&bound);
    locals.sort_unstable();
    assert_eq!(locals, ["first", "others", "tail", "w", "w", "x"]);
    let visible = module.visible(23);
    let visible = names(&visible);
    assert_eq!(visible[..5], ["x", "self", "inner", "left", "right"]);
    assert!(visible.contains(&"grand_total") && !visible.contains(&"LIMIT"), "{visible:?}");
    assert_eq!(names(&module.visible(14))[..3], ["LIMIT", "__init__", "load"]);
}

#[test]
fn expressions_at_a_line_have_byte_ranges() {
    let module = Module::parse(SHOP);
    let texts =
        |line| -> Vec<&str> { module.expressions_at(line).into_iter().map(|e| e.span.of(SHOP)).collect() };
    assert_eq!(texts(28), ["self.width ==\r\n\t\t\tinner(3)", "inner(3)", "inner", "3"]);
    assert!(texts(29).contains(&"LIMIT") && texts(29).contains(&"n"), "{:?}", texts(29));
    assert_eq!(texts(0), Vec::<&str>::new());
    assert_eq!(texts(999), Vec::<&str>::new());
}

#[test]
fn inherited_test_methods_and_longest_prefix() {
    let module = Module::parse(
        "class A:\n    def test_one(self): pass\nclass B(A):\n    pass\nclass C(B, Unknown):\n    x = 1\n\
         class Loop(Loop): pass\ndef test_two(): pass\ndef test_two(): pass\n",
    );
    let line = |names: &[&str]| module.definition(names).map(|d| d.name_line);
    assert_eq!(line(&["C", "test_one"]), Some(2));
    assert_eq!(line(&["C", "test_elsewhere"]), Some(5));
    assert_eq!(line(&["Loop", "test_x"]), Some(7));
    assert_eq!(line(&["test_two"]), Some(9));
    assert_eq!(line(&["test_three"]), None);
    assert_eq!(line(&[]), None);
}

#[test]
fn fixtures_in_every_spelling() {
    let module = Module::parse(
        "import pytest\nfrom pytest import fixture as fixture\n\
         @pytest.fixture\ndef a(tmp_path, b=1): pass\n\
         @pytest.fixture(scope='session', name='renamed', autouse=True)\ndef b(): yield\n\
         class TestX:\n    @fixture(params=[1])\n    async def c(self, a): pass\n\
         @pytest_asyncio.fixture(scope=SCOPE)\nasync def d(): pass\n\
         @pytest.mark.usefixtures('a')\ndef test_not_one(a): pass\n",
    );
    let found: Vec<_> = module
        .fixtures()
        .into_iter()
        .map(|f| {
            let requests: Vec<String> = f.requests().map(|p| p.name.to_string()).collect();
            (f.name.to_string(), f.scope.as_deref().map(str::to_owned), f.autouse, f.start_line, requests)
        })
        .collect();
    let some = |scope: &str| Some(scope.to_owned());
    assert_eq!(
        found,
        [
            ("a".to_owned(), some("function"), false, 3, vec!["tmp_path".to_owned()]),
            ("renamed".to_owned(), some("session"), true, 5, vec![]),
            ("c".to_owned(), some("function"), false, 8, vec!["a".to_owned()]),
            ("d".to_owned(), None, false, 10, vec![]),
        ]
    );
}

#[test]
fn three_syntax_errors_leave_the_rest_readable() {
    let module = Module::parse(
        "def one(:\n    return 1\n\ndef two(a):\n    x = (a +\n    return x\n\nclass Three\n    def four(self):\n        \
         assert self\n\ndef five():\n    assert True\n",
    );
    assert!(module.errors().len() >= 3, "{:?}", module.errors());
    assert_eq!(module.errors()[0].line, 1);
    let found: Vec<&str> = module.definitions().iter().map(|d| &*d.qualified_name).collect();
    for name in ["one", "two", "Three", "Three.four", "five"] {
        assert!(found.contains(&name), "{name} in {found:?}");
    }
    assert_eq!(module.enclosing_function(13).map(|d| &*d.qualified_name), Some("five"));
}

#[test]
fn hostile_nesting_and_bytes_never_overflow_the_stack() {
    let n = 60_000;
    for text in [
        "(".repeat(n),
        format!("x = {}1{}", "(".repeat(n), ")".repeat(n)),
        format!("x = {}1", "-".repeat(n)),
        format!("x = {}1", "not ".repeat(n)),
        format!("x = 1{}", "+1".repeat(n)),
        format!("x = a{}", ".b".repeat(n)),
        format!("x = a{}", "()".repeat(n)),
        format!("x = {}1", "lambda: ".repeat(n)),
        format!("x = 1{}", "**1".repeat(n)),
        format!("x = {}", "f'{".repeat(500)),
        format!("match x:\n case {}1{}: pass", "[".repeat(n), "]".repeat(n)),
        (0..2000).flat_map(|i| [" ".repeat(i), "if x:\n".to_owned()]).collect(),
        format!("if a: pass\n{}", "elif b: pass\n".repeat(n)),
        "\0\u{1}é\u{feff}'''\\".to_owned(),
        String::new(),
        "\u{feff}".to_owned(),
    ] {
        let module = Module::parse(&text);
        let _ = (module.statement_lines(1), module.visible(1), module.expressions_at(1).len());
    }
}

#[test]
fn expressions_of_deep_chains_keep_their_outer_part() {
    let module = Module::parse(&format!("x = 1{}\ndef after(): pass\n", "+1".repeat(5000)));
    assert_eq!(module.errors(), []);
    assert_eq!(module.definitions().len(), 1);
    assert!(module.expressions_at(1).len() > 100);
}

/// Whether the text has pieces; an error says what they answer otherwise than the whole.
fn same_in_pieces(text: &str) -> Result<bool, String> {
    let lazy = Module::parse(text);
    let whole = Module { pieces: None, ..Module::parse(text) };
    let in_pieces = lazy.pieces.is_some();
    let check = |what: &str, same: bool| if same { Ok(()) } else { Err(what.to_owned()) };
    check("imports", lazy.imports() == whole.imports())?;
    check("globals", lazy.globals() == whole.globals())?;
    check("fixtures", lazy.fixtures() == whole.fixtures())?;
    for line in 0..=whole.line_starts.len() as u32 + 1 {
        check(&format!("path to {line}"), lazy.path_to(line) == whole.path_to(line))?;
        let around = |module: &Module| -> Vec<_> {
            module.enclosing(line).map(|d| (d.qualified_name.clone(), d.start_line, d.end_line)).collect()
        };
        check(&format!("around {line}"), around(&lazy) == around(&whole))?;
        check(&format!("lines of {line}"), lazy.statement_lines(line) == whole.statement_lines(line))?;
    }
    for definition in whole.definitions() {
        let name = &*definition.qualified_name;
        let place = |module: &Module| module.definition_exact(name).map(|d| (d.name_line, d.end_line));
        check(name, place(&lazy) == place(&whole) && lazy.find(name) == whole.find(name))?;
    }
    check("nothing", lazy.definition_exact("no.such").is_none())?;
    Ok(in_pieces)
}

#[test]
fn pieces_say_what_the_whole_says() {
    let mut wrong = Vec::new();
    for (text, in_pieces) in [
        ("", true),
        ("\u{feff}# nothing\n", true),
        ("import a\ndef f(x=(y := 1)): pass\nclass C:\n    def f(self): pass\n", true),
        ("# first\n@a\n\n@b(\n1)\n# then\nasync def f(): pass\nx = 1\ny = 2\n@c\nclass D: pass", true),
        (
            "if x:\n    def f(): pass\nelse:\n    def f(): pass\ndef f(): pass\ntry:\n    class f: pass\nfinally: pass\n",
            true,
        ),
        ("def f():\n    '''\ndef g(): pass\n'''\n    return \\\n1\ndef g(): return (\n1,\n)\n", true),
        ("x = 'a\\\ndef b(): pass'\ndef c(): pass # ' (\nr'\\''\nd = f\"{x['(']}\"\n", true),
        ("@fixture\ndef a(): pass\nclass T:\n    @pytest.fixture\n    def b(self): import c\n", true),
        ("def f():\r\n\tpass\r\nclass G: pass\r\n", true),
        ("x = 1; y = 2\nclass A: pass; import z\nif a: pass\nelif b: pass\n", true),
        // What is in doubt is read as a whole.
        ("def f(:\n    pass\ndef g(): pass\n", false),
        ("x = (\ndef g(): pass\n", false),
        ("x = 'open\ndef g(): pass\n", false),
        ("'''open\ndef g(): pass\n", false),
        ("x = 1)\ndef g(): pass\n", false),
        ("@a\nx = 1\n", false),
        ("@a\n", false),
        ("def größe(): pass\n", false),
        ("x = 1\rdef f(): pass\n", false),
        ("\u{c}def f(): pass\n", false),
        // The text looks right until it is parsed.
        ("def f():\nreturn 1\ndef g(): pass\n", true),
        ("  x = 1\ndef g(): pass\n", false),
        ("def f(): pass\nelse: pass\nimport q\nclass g: pass\n", true),
        ("import\nx = = 1\ndef fixture(: pass)\n", true),
    ] {
        if same_in_pieces(text) != Ok(in_pieces) {
            wrong.push((text, same_in_pieces(text)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Folders of Python files to compare, beside the project's own: `FAILSCOPE_TEST_SOURCES=/usr/lib/python3`.
#[test]
fn pieces_say_what_the_whole_says_of_real_files() {
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures").to_owned();
    #[expect(clippy::disallowed_methods, reason = "a test's setting")]
    let more = std::env::var("FAILSCOPE_TEST_SOURCES").ok();
    let mut waiting: Vec<std::path::PathBuf> = vec![own.into()];
    waiting.extend(more.into_iter().flat_map(|m| m.split(':').map(Into::into).collect::<Vec<_>>()));
    let (mut files, mut in_pieces) = (0, 0);
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|ending| ending == "py")
            && let Ok(text) = std::fs::read_to_string(&path)
        {
            files += 1;
            match same_in_pieces(&text) {
                Ok(is) => in_pieces += usize::from(is),
                Err(what) => panic!("{}: {what}", path.display()),
            }
        }
    }
    assert!(files > 40 && in_pieces * 10 > files * 9, "{in_pieces} of {files}");
}
