//! Containers that are made once and shared: a parameter's default by all calls, a class's attribute by all
//! objects. Speaks where an asserted value came from a function that changes such a container.

use super::{changes, first_statement, line_end, makes_container, reached};
use crate::diagnose::case::{Case, at, code, in_tests, line_of};
use crate::diagnose::difference::{self, Way};
use crate::diagnose::draft::TextEdit;
use crate::diagnose::origin::Operands;
use crate::diagnose::rules::given::{Given, given};
use crate::diagnose::rules::spot::target;
use crate::diagnose::{Draft, Finding};
use crate::model::{Category, Place, Severity};
use crate::workspace::SourceFile;
use crate::workspace::python::{Class, Expr, ExprKind, Function, Module, Param, Span, Stmt, StmtKind};
use crate::workspace::resolve::Called;

/// What an assertion's value came from.
struct Asserted<'a> {
    operands: &'a Operands,
    place: &'a Place,
    /// Whether the code gave more than was expected, as leftovers do.
    has_more: bool,
}

fn asserted<'a>(case: &Case<'a>) -> Option<Asserted<'a>> {
    let root = case.root().filter(|root| root.short_type() == "AssertionError")?;
    let (_, place) = case.frame()?;
    let operands = case.operands()?;
    let differences = root.assertion.as_ref().map(difference::of_assertion).unwrap_or_default();
    let has_more = differences.iter().any(|difference| match difference.way {
        Way::Extra => operands.actual_is_left,
        Way::Missing => !operands.actual_is_left,
        Way::Duplicates => true,
        _ => {
            let number = |value: &Option<crate::diagnose::value::Value>| {
                value.as_ref().and_then(crate::diagnose::value::Value::number)
            };
            match (number(&difference.left), number(&difference.right)) {
                (Some(left), Some(right)) => (left > right) == operands.actual_is_left,
                _ => false,
            }
        }
    });
    Some(Asserted { operands, place, has_more })
}

/// `def add(item, seen=[])` where `seen` is changed: the list is made once, when the function is defined.
pub(super) fn default(case: &Case<'_>) -> Option<Finding> {
    let asserted = asserted(case)?;
    let (_, reached) = reached(case)?;
    for called in reached {
        let Some(source) = case.workspace.source(&called.path) else { continue };
        let Some(function) = source.module().function(&called.qualified_name) else { continue };
        for param in &function.signature.params {
            let Some(default) = param.default.as_ref().filter(|default| makes_container(default)) else {
                continue;
            };
            let Some((span, how)) = changed(&source, called, function, &param.name) else { continue };
            if in_tests(&source.place(param.span)) || !leaves_out(called, function, param) {
                continue;
            }
            let place = Place { function: Some(called.qualified_name.clone()), ..source.place(param.span) };
            let change = source.place(span);
            let confidence = if asserted.has_more { 0.88 } else { 0.72 };
            return Some(
                Finding::new("state-default", Category::Other, Severity::High, confidence)
                    .because(format!(
                        "The default `{}={}` of {} is one object that all calls share, and {how} changes it: what \
                         earlier calls left is still there",
                        param.name,
                        default.span.of(source.text()),
                        at(&place)
                    ))
                    .suggest(format!(
                        "Use `None` as the default of `{}` and make the container in the function ({})",
                        param.name,
                        line_of(&place)
                    ))
                    .shown(format!("{} does not pass `{}`", code(&called.text), param.name), Some(asserted.place))
                    .suspect(&place, confidence, "the default is made once and shared by all calls")
                    .shown(format!("{} changes it", code(span.of(source.text()))), Some(&change))
                    .suspect(&change, 0.5, "changes the shared default")
                    .mend(fresh_default(&source, &place, function, param, default)),
            );
        }
    }
    None
}

/// Where the parameter's container is changed: in the function, or by a method of the object that keeps it.
fn changed(source: &SourceFile, called: &Called, function: &Function, name: &str) -> Option<(Span, String)> {
    if rebinds(&function.body, name) {
        return None;
    }
    if let Some(change) = changes(&function.body, name, source).first() {
        return Some((change.span, "the function".to_owned()));
    }
    let (class_name, _) = called.qualified_name.rsplit_once('.')?;
    let class = source.module().class(class_name)?;
    let kept = function.body.iter().find_map(|stmt| match &stmt.kind {
        StmtKind::Assign { targets, value } if value.as_name() == Some(name) => {
            targets.iter().find_map(|target| target.dotted().filter(|dotted| dotted.starts_with("self.")))
        }
        _ => None,
    })?;
    methods(class).find_map(|method| {
        let change = changes(&method.body, &kept, source);
        change.first().map(|change| (change.span, format!("`{}`", method.qualified_name)))
    })
}

/// Whether the name is given another value: then it is no longer the default that is changed.
fn rebinds(body: &[Stmt], name: &str) -> bool {
    let mut found = false;
    for stmt in body {
        stmt.walk(false, &mut |stmt| {
            if let StmtKind::Assign { targets, .. } = &stmt.kind {
                found |= targets.iter().any(|target| target.dotted().as_deref() == Some(name));
            }
        });
    }
    found
}

fn methods(class: &Class) -> impl Iterator<Item = &Function> {
    class.body.iter().filter_map(|stmt| match &stmt.kind {
        StmtKind::Function(function) => Some(&**function),
        _ => None,
    })
}

/// Whether the call leaves the parameter to its default.
fn leaves_out(called: &Called, function: &Function, param: &Param) -> bool {
    let module = Module::parse(&called.text);
    let [Stmt { kind: StmtKind::Expr(call), .. }] = module.body() else { return false };
    matches!(given(call, function, &param.name), Some(Given::Nothing))
}

fn fresh_default(
    source: &SourceFile,
    place: &Place,
    function: &Function,
    param: &Param,
    default: &Expr,
) -> Option<Draft> {
    let (first, indent) = first_statement(function, source)?;
    let made = default.span.of(source.text());
    let name = &param.name;
    let end = line_end(source);
    // One level deeper, by the blanks that the file itself uses.
    let step = if indent.contains('\t') { "\t" } else { "    " };
    Some(Draft::edits(
        target(place),
        format!("Make {made} in each call of {} ({})", function.name, line_of(place)),
        "a default is evaluated once, when the function is defined",
        vec![
            TextEdit::replace(source.path(), default.span, "None"),
            TextEdit::insert(
                source.path(),
                first.span.start,
                format!("if {name} is None:{end}{indent}{step}{name} = {made}{end}{indent}"),
            ),
        ],
    ))
}

/// `class Cart: items = []` where methods change `self.items`: the list belongs to the class.
pub(super) fn attribute(case: &Case<'_>) -> Option<Finding> {
    let asserted = asserted(case)?;
    for called in asserted.operands.called.iter().take(6) {
        let Some(source) = case.workspace.source(&called.path) else { continue };
        let Some((class_name, _)) = called.qualified_name.rsplit_once('.') else { continue };
        let Some(class) = source.module().class(class_name) else { continue };
        // Decorators and metaclasses give class attributes another meaning.
        if !class.decorators.is_empty() || !class.keywords.is_empty() {
            continue;
        }
        for stmt in &class.body {
            let Some((name, value)) = container_of(stmt) else { continue };
            let own = format!("self.{name}");
            if methods(class).any(|method| rebinds(&method.body, &own)) {
                continue;
            }
            let change = methods(class).find_map(|method| {
                let found = changes(&method.body, &own, &source);
                found.first().map(|change| (change.span, method))
            });
            let Some((span, method)) = change else { continue };
            let place = Place { function: Some(class.qualified_name.clone()), ..source.place(stmt.span) };
            if in_tests(&place) {
                continue;
            }
            let change = Place { function: Some(method.qualified_name.clone()), ..source.place(span) };
            let confidence = if asserted.has_more { 0.85 } else { 0.55 };
            return Some(
                Finding::new("state-attribute", Category::Other, Severity::High, confidence)
                    .because(format!(
                        "`{name} = {}` ({}) belongs to the class `{}` and is shared by all its objects, and `{}` \
                         changes it: what other objects left is still there",
                        value.span.of(source.text()),
                        line_of(&place),
                        class.name,
                        method.qualified_name
                    ))
                    .suggest(format!("Set `self.{name}` in `{}.__init__` instead", class.name))
                    .shown(format!("{} made the asserted value", code(&called.text)), Some(asserted.place))
                    .suspect(&place, confidence, "the attribute of the class is shared by all objects")
                    .shown(format!("{} changes it", code(span.of(source.text()))), Some(&change))
                    .suspect(&change, 0.5, "changes the shared attribute")
                    .mend(own_attribute(&source, &place, class, stmt, name, value)),
            );
        }
    }
    None
}

/// The name and value of `items = []` in a class's body.
fn container_of(stmt: &Stmt) -> Option<(&str, &Expr)> {
    let (target, value) = match &stmt.kind {
        StmtKind::Assign { targets, value } if targets.len() == 1 => (&targets[0], value),
        StmtKind::AnnAssign { target, value: Some(value), annotation } => {
            // A `ClassVar` is meant to be shared.
            let shared = annotation.dotted().is_some_and(|name| name.ends_with("ClassVar"))
                || matches!(&annotation.kind, ExprKind::Subscript { value, .. }
                    if value.dotted().is_some_and(|name| name.ends_with("ClassVar")));
            if shared {
                return None;
            }
            (target, value)
        }
        _ => return None,
    };
    Some((target.as_name()?, value)).filter(|(_, value)| makes_container(value))
}

fn own_attribute(
    source: &SourceFile,
    place: &Place,
    class: &Class,
    stmt: &Stmt,
    name: &str,
    value: &Expr,
) -> Option<Draft> {
    let made = value.span.of(source.text());
    let end = line_end(source);
    let edit = match methods(class).find(|method| &*method.name == "__init__") {
        Some(init) => {
            let (first, indent) = first_statement(init, source)?;
            TextEdit::insert(source.path(), first.span.start, format!("self.{name} = {made}{end}{indent}"))
        }
        None if class.bases.is_empty() => {
            let line = source.line(stmt.start_line)?;
            let indent = &line[..line.len() - line.trim_start().len()];
            let step = if indent.contains('\t') { "\t" } else { "    " };
            let text = format!("def __init__(self):{end}{indent}{step}self.{name} = {made}{end}");
            TextEdit::replace(source.path(), stmt.span, text)
        }
        // What the base class's `__init__` takes is not known here.
        None => return None,
    };
    Some(Draft::edits(
        target(place),
        format!("Give each object its own {name} ({})", line_of(place)),
        "what stands in the class's body is evaluated once and shared",
        vec![edit],
    ))
}

#[cfg(test)]
mod tests {
    use super::{attribute, default};
    use crate::diagnose::rules::testing::{Scene, scene};

    fn failing(shop: &str, test: &str, message: &str) -> Scene {
        let name = shop.split([' ', '(', ':']).nth(1).unwrap_or_default();
        let test = format!("from shop import {name}\ndef test_it():\n{test}");
        let files: &[(&'static str, &str)] = &[("shop.py", shop), ("tests/test_it.py", &test)];
        scene(files, &format!("AssertionError: {message}"), &[("tests/test_it.py", "assert ")])
    }

    #[test]
    fn a_default_that_all_calls_share() {
        for (shop, test, message, parts, place, fixed) in [
            (
                "def large(numbers, seen=[]):\n    \"\"\"Big ones.\"\"\"\n    for n in numbers:\n        if n > 9:\n            \
                 seen.append(n)\n    return seen\n",
                "    assert large([20]) == [20]\n",
                "assert [10, 20] == [20]",
                vec!["`seen=[]`", "`large` (shop.py:1)"],
                "shop.py:1",
                "def large(numbers, seen=None):\n    \"\"\"Big ones.\"\"\"\n    if seen is None:\n        seen = []\n    for",
            ),
            (
                "class Bag:\n    def __init__(self, *, items={}):\n        self.items = items\n\n    def put(self, k, v):\n        \
                 self.items[k] = v\n",
                "    bag = Bag()\n    bag.put('a', 1)\n    assert len(bag.items) == 1\n",
                "assert 2 == 1",
                vec!["`items={}`", "`Bag.put`"],
                "shop.py:2",
                "items=None):\n        if items is None:\n            items = {}\n        self.items",
            ),
        ] {
            failing(shop, test, message).check(default, &parts, place, Some(("shop.py", fixed)));
        }
        // Called by what the test calls; the leftovers hide what is new.
        let shop = "def day(word):\n    return fresh([word])\n\ndef fresh(words, seen=set()):\n    new = [w for w in words if w \
                    not in seen]\n    seen.update(words)\n    return new\n";
        failing(shop, "    assert day('sun') == ['sun']\n", "assert [] == ['sun']").check(
            default,
            &["`seen=set()`", "`fresh` (shop.py:4)"],
            "shop.py:4",
            Some(("shop.py", "if seen is None:\n        seen = set()\n    new")),
        );
    }

    #[test]
    fn defaults_that_are_not_shared_or_not_the_matter() {
        for (shop, test) in [
            // Not changed; given by the call; made anew; given by a star.
            ("def large(n, seen=[]):\n    return [n, *seen]\n", "    assert large(2) == [2]\n"),
            (
                "def large(n, seen=[]):\n    seen.append(n)\n    return seen\n",
                "    assert large(2, []) == [2]\n",
            ),
            (
                "def large(n, seen=[]):\n    seen.append(n)\n    return seen\n",
                "    assert large(2, seen=[]) == [2]\n",
            ),
            (
                "def large(n, seen=[]):\n    seen = list(seen)\n    seen.append(n)\n    return seen\n",
                "    assert large(2) == [2]\n",
            ),
            (
                "def large(n, seen=[]):\n    seen.append(n)\n    return seen\n",
                "    args = (2, [])\n    assert large(*args) == [2]\n",
            ),
            ("def large(n, seen=None):\n    return [n]\n", "    assert large(2) == [2]\n"),
        ] {
            failing(shop, test, "assert [1, 2] == [2]").silent(default);
        }
    }

    #[test]
    fn an_attribute_that_all_objects_share() {
        failing(
            "class Cart:\n    items = []\n\n    def add(self, item):\n        self.items.append(item)\n        return self.items\n",
            "    cart = Cart()\n    assert cart.add(3) == [3]\n",
            "assert [1, 3] == [3]",
        )
        .check(
            attribute,
            &["`items = []`", "class `Cart`", "`Cart.add`"],
            "shop.py:2",
            Some(("shop.py", "class Cart:\n    def __init__(self):\n        self.items = []\n")),
        );
        failing(
            "class Cart:\n    tags: dict = {}\n\n    def __init__(self, name):\n        self.name = name\n\n    def \
             add(self, k, v):\n        self.tags[k] = v\n        return self.tags\n",
            "    cart = Cart('c')\n    assert cart.add('a', 3) == {'a': 3}\n",
            "assert {'b': 1, 'a': 3} == {'a': 3}",
        )
        .check(
            attribute,
            &["`tags = {}`", "`Cart.add`"],
            "shop.py:2",
            Some(("shop.py", "(self, name):\n        self.tags = {}\n        self.name = name")),
        );
    }

    #[test]
    fn attributes_of_the_object_or_meant_for_the_class() {
        for shop in [
            "class Cart:\n    items = []\n    def __init__(self):\n        self.items = []\n    def add(self, item):\n        \
             self.items.append(item)\n        return self.items\n",
            "class Cart:\n    items: ClassVar[list] = []\n    def add(self, item):\n        self.items.append(item)\n        \
             return self.items\n",
            "class Cart:\n    items = []\n    def add(self, item):\n        return [*self.items, item]\n",
            "class Cart:\n    items = ()\n    def add(self, item):\n        self.items += (item,)\n        return self.items\n",
        ] {
            failing(shop, "    cart = Cart()\n    assert cart.add(3) == [3]\n", "assert [1, 3] == [3]")
                .silent(attribute);
        }
    }
}
