//! `AttributeError` on a module, a class of the project, or one of Python's own types.

use crate::diagnose::case::{Case, at, code, line_of};
use crate::diagnose::draft::TextEdit;
use crate::diagnose::rules::edits;
use crate::diagnose::rules::near::{Near, near};
use crate::diagnose::rules::spot::{Spot, between, line};
use crate::diagnose::value::Value;
use crate::diagnose::{Draft, Finding};
use crate::model::{Category, Place, Severity};
use crate::workspace::members::{Member, class_named, members};
use crate::workspace::python::{BindingKind, Expr, ExprKind, Span};
use crate::workspace::resolve::Symbol;
use crate::workspace::symbols::SymbolKind;

/// The attribute that was asked for, and where.
struct Access<'e> {
    name: &'e str,
    /// Object and range of the attribute's name, where the source shows them.
    found: Option<(&'e Expr, Span)>,
    here: Place,
}

/// `… has no attribute 'x'`.
pub(in crate::diagnose::rules) fn attribute(case: &Case<'_>) -> Option<Finding> {
    let exception = case.root().filter(|e| e.short_type() == "AttributeError")?;
    let spot = Spot::of(case)?;
    let message = exception.message.as_str();
    let name = between(message, "has no attribute '", "'")?;
    let accesses: Vec<(&Expr, Span)> = spot
        .expressions()
        .into_iter()
        .filter_map(|e| match &e.kind {
            ExprKind::Attribute { value, attr, attr_span } if **attr == *name => Some((&**value, *attr_span)),
            _ => None,
        })
        .collect();
    let found = accesses.first().copied();
    let here = found.map_or_else(|| spot.place.clone(), |(_, span)| spot.place_of(span));
    let access = Access { name, found, here };
    if let Some(module) = between(message, "module '", "' has no attribute") {
        return (!message.contains("partially initialized"))
            .then(|| of_module(&spot, module, &access))
            .flatten();
    }
    if let Some(class) = between(message, "type object '", "' has no attribute") {
        return of_class(&spot, class, &access, true);
    }
    let class = between(message, "'", "' object has no attribute")?;
    match class {
        "NoneType" | "coroutine" | "async_generator" => None,
        "function" | "method" | "builtin_function_or_method" | "method_descriptor" => {
            missing_call(&spot, class, &access)
        }
        _ => of_class(&spot, class, &access, false).or_else(|| of_builtin(&spot, class, &access)),
    }
}

fn new(spot: &Spot<'_>, confidence: f64, access: &Access<'_>) -> Finding {
    let confidence = if access.found.is_some() { confidence } else { confidence.min(0.5) };
    Finding::new("names-attribute", Category::Other, Severity::High, confidence).shown(
        format!("{} asks for {}", at(spot.place), code(&format!(".{}", access.name))),
        Some(spot.place),
    )
}

fn rename(spot: &Spot<'_>, access: &Access<'_>, near: &str, owner: &str) -> Option<Draft> {
    let (_, span) = access.found?;
    Some(Draft::edits(
        spot.target(),
        format!("Change `{}` to `{near}` ({})", access.name, line_of(spot.place)),
        format!("{owner} has no `{}`, but it has `{near}`", access.name),
        vec![TextEdit::replace(&spot.place.path, span, near)],
    ))
}

fn near_member(name: &str, members: &[Member]) -> Option<Near<Place>> {
    near(name, members.iter().map(|m| (m.name.clone(), m.place.clone()))).filter(|near| near.likeness >= 0.5)
}

/// Most files that are looked through for uses of a name.
const MAX_FILES: usize = 100;

/// How often the attribute `name` is used in the project; `None` if that would take too long to find out.
fn uses(spot: &Spot<'_>, name: &str) -> Option<usize> {
    let files = spot.workspace.symbols().files();
    let dotted = format!(".{name}");
    let mut found = 0;
    for path in (files.len() <= MAX_FILES).then_some(files)? {
        let Some(text) = spot.workspace.text(path) else { continue };
        found += text
            .match_indices(&dotted)
            .filter(|(at, _)| {
                !text[at + dotted.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_')
            })
            .count();
    }
    Some(found)
}

/// Several uses agree on a name that the class lacks, and nobody uses the one that it has: the definition is misspelt.
fn misdefined(spot: &Spot<'_>, access: &Access<'_>, owner: &str, near: &Near<Place>) -> Option<Finding> {
    let source = spot.workspace.source(&near.with.path)?;
    let start = source.offset(near.with.line, 1)?;
    let text = source.line(near.with.line)?;
    let words = edits::words(&source, Span { start, end: start + text.len() as u32 }, &near.name);
    let [defined] = words.as_slice() else { return None };
    let (wanted, given) = (access.name, &near.name);
    let of_itself = usize::from(text.contains(&format!(".{given}")));
    let count = uses(spot, wanted).filter(|count| *count > 1)?;
    if uses(spot, given)? > of_itself {
        return None;
    }
    Some(
        new(spot, 0.82, access)
            .because(format!(
                "{} uses {}, but {owner} has no such attribute: {} ({}) is probably misspelt, as {count} uses in the project agree on {} and none has {}",
                at(spot.place),
                code(&format!(".{wanted}")),
                code(given),
                line_of(&near.with),
                code(wanted),
                code(given)
            ))
            .suggest(format!("Change `{given}` to `{wanted}` where it is defined ({})", line_of(&near.with)))
            .shown(format!("`{given}` is defined here"), Some(&near.with))
            .suspect(&near.with, 0.82, format!("all uses say `{wanted}`"))
            .suspect(&access.here, 0.5, format!("`{wanted}` does not exist, `{given}` does"))
            .mend(Draft::edits(
                super::super::spot::target(&near.with),
                format!("Change `{given}` to `{wanted}` where it is defined ({})", line_of(&near.with)),
                format!("{count} uses say `{wanted}`"),
                vec![TextEdit::replace(&near.with.path, *defined, wanted)],
            ))
            .mend(rename(spot, access, given, owner)),
    )
}

fn said(spot: &Spot<'_>, access: &Access<'_>, owner: &str, near: &Near<Place>) -> Finding {
    if near.is_certain
        && let Some(finding) = misdefined(spot, access, owner, near)
    {
        return finding;
    }
    new(spot, if near.is_certain { 0.93 } else { 0.6 }, access)
        .because(format!(
            "{} uses {}, but {owner} has no such attribute; {} ({}) is {} meant",
            at(spot.place),
            code(&format!(".{}", access.name)),
            code(&near.name),
            line_of(&near.with),
            if near.is_certain { "probably" } else { "perhaps" }
        ))
        .suggest(format!("Change `{}` to `{}`", access.name, near.name))
        .shown(format!("`{}` is defined here", near.name), Some(&near.with))
        .suspect(&access.here, 0.9, format!("`{}` does not exist, `{}` does", access.name, near.name))
        .suspect(&near.with, 0.3, "the definition, if it was renamed by mistake")
        .mend(rename(spot, access, &near.name, owner).filter(|_| near.likeness >= 0.7))
}

fn of_module(spot: &Spot<'_>, module: &str, access: &Access<'_>) -> Option<Finding> {
    let file = spot.workspace.module_file(&spot.place.path, module, 0)?;
    let source = spot.workspace.source(&file)?;
    let globals: Vec<Member> = source
        .module()
        .globals()
        .into_iter()
        .map(|b| Member { name: b.name.to_string(), place: line(&file, b.line), kind: b.kind })
        .collect();
    if globals.iter().any(|m| m.name == access.name) {
        return None;
    }
    let owner = format!("the module `{module}` ({})", file.as_str());
    if let Some(near) = near_member(access.name, &globals) {
        return Some(said(spot, access, &owner, &near));
    }
    // A submodule that nobody has imported.
    let submodule = spot.workspace.module_file(&spot.place.path, &format!("{module}.{}", access.name), 0);
    if let Some(submodule) = submodule {
        return Some(
            new(spot, 0.9, access)
                .because(format!(
                    "{} uses {} as an attribute, but the submodule {} has not been imported",
                    at(spot.place),
                    code(&format!("{module}.{}", access.name)),
                    code(submodule.as_str())
                ))
                .suggest(format!("Add `import {module}.{}`", access.name))
                .suspect(&access.here, 0.85, "a submodule is an attribute only once it is imported")
                .mend(super::variable::add_import(spot, &format!("import {module}.{}", access.name))),
        );
    }
    let elsewhere: Vec<_> =
        spot.workspace.symbols().find(access.name).iter().filter(|s| s.kind != SymbolKind::Method).collect();
    let (confidence, hint) = match elsewhere[..] {
        [only] => (0.75, format!("; `{}` is defined in {}:{}", access.name, only.path.as_str(), only.line)),
        _ => (0.6, String::new()),
    };
    Some(
        new(spot, confidence, access)
            .because(format!(
                "{} uses {}, which {owner} does not define{hint}",
                at(spot.place),
                code(&format!("{module}.{}", access.name))
            ))
            .suggest(format!("Define `{}` in {}, or use what it defines now", access.name, file.as_str()))
            .suspect(&access.here, 0.7, format!("`{module}` has no `{}`", access.name))
            .suspect(&line(&file, 1), 0.3, "the module, if the name was removed from it"),
    )
}

fn of_class(spot: &Spot<'_>, name: &str, access: &Access<'_>, on_class: bool) -> Option<Finding> {
    let object = access.found.map(|(object, _)| object);
    let (file, class) = class_named(spot.workspace, &spot.place.path, spot.place.line, object, name)?;
    let source = spot.workspace.source(&file)?;
    let definition = source.module().definition_exact(&class)?;
    let class_place = line(&file, definition.name_line);
    let (members, is_complete) = members(spot.workspace, &file, &class);
    let own: Vec<&Member> = members.iter().filter(|m| m.name == access.name).collect();
    if let Some(first) = own.first() {
        if own.iter().any(|m| m.kind != BindingKind::Attribute) {
            // It is there now: the source is not what ran.
            return None;
        }
        return Some(set_later(spot, &class, access, first, on_class, &class_place));
    }
    let owner = format!("`{class}` ({})", line_of(&class_place));
    if let Some(near) = near_member(access.name, &members) {
        return Some(said(spot, access, &owner, &near));
    }
    if !is_complete {
        return None;
    }
    Some(
        new(spot, 0.6, access)
            .because(format!(
                "{} uses {}, which {owner} does not define",
                at(spot.place),
                code(&format!(".{}", access.name))
            ))
            .suggest(format!("Define `{}` in `{class}`, or use what it defines now", access.name))
            .shown(format!("`{class}` is defined here"), Some(&class_place))
            .suspect(&access.here, 0.6, format!("`{class}` has no `{}`", access.name))
            .suspect(&class_place, 0.4, format!("the class that should have `{}`", access.name)),
    )
}

/// The attribute is set on instances, but had not been set on this object: on the class itself, because a base
/// class's `__init__` did not run, or because the method that sets it had not been called.
fn set_later(
    spot: &Spot<'_>,
    class: &str,
    access: &Access<'_>,
    member: &Member,
    on_class: bool,
    class_place: &Place,
) -> Finding {
    let name = access.name;
    let setter = member.place.function.clone().unwrap_or_default();
    let setter_name = setter.rsplit('.').next().unwrap_or_default().to_owned();
    let base = setter.rsplit_once('.').map_or("", |(base, _)| base).to_owned();
    let finding =
        new(spot, 0.88, access).shown(format!("`{name}` is set here, in `{setter}`"), Some(&member.place));
    if on_class {
        return finding
            .because(format!(
                "{} reads {} from the class itself, but it is set on objects only, in `{setter}` ({})",
                at(spot.place),
                code(&format!("{class}.{name}")),
                line_of(&member.place)
            ))
            .suggest(format!("Make an object first: `{class}(…).{name}`"))
            .suspect(&access.here, 0.85, format!("`{class}` is a class, not an object"));
    }
    let source = spot.workspace.source(&class_place.path);
    let own_init = source.as_ref().and_then(|s| s.module().function(&format!("{class}.__init__")));
    if setter_name == "__init__"
        && base != class
        && let (Some(init), Some(source)) = (own_init, &source)
        && !calls_super_init(init, &base)
    {
        let place = line(source.path(), init.name_line);
        let edit = init.body.first().map(|first| {
            let start = init
                .body
                .get(1)
                .filter(|_| super::variable::is_docstring(&first.kind))
                .unwrap_or(first)
                .span
                .start;
            let text = source.text();
            let before = text.get(..start as usize).unwrap_or_default();
            let indent: String = before.rsplit('\n').next().unwrap_or_default().to_owned();
            let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
            (start, format!("super().__init__(){newline}{indent}"))
        });
        let needs_nothing = spot.workspace.source(&member.place.path).is_some_and(|s| {
            s.module()
                .function(&setter)
                .is_some_and(|f| f.signature.positional().skip(1).all(|p| p.default.is_some()))
        });
        return finding
            .because(format!(
                "`{class}.__init__` ({}) does not call `super().__init__()`, so that `{base}` never sets {}",
                line_of(&place),
                code(name)
            ))
            .suggest(format!("Call `super().__init__()` in `{class}.__init__`"))
            .suspect(&place, 0.9, format!("`{base}.__init__` is not called"))
            .suspect(&access.here, 0.4, format!("reads `{name}`"))
            .mend(edit.filter(|_| needs_nothing).map(|(start, text)| {
                Draft::edits(
                    super::super::spot::target(&place),
                    format!("Call `super().__init__()` first in `{class}.__init__` ({})", line_of(&place)),
                    format!("`{base}.__init__` sets `{name}`"),
                    vec![TextEdit::insert(source.path(), start, text)],
                )
            }));
    }
    let same_function = spot.place.function.as_deref() == Some(&*setter);
    let why = if setter_name == "__init__" || same_function {
        format!("before line {} of `{setter}` sets it", member.place.line)
    } else {
        format!("but only `{setter}` ({}) sets it, and it had not been called", line_of(&member.place))
    };
    finding
        .because(format!("{} reads {} {why}", at(spot.place), code(&format!(".{name}"))))
        .suggest(format!("Set `{name}` in `{class}.__init__`, or call `{setter_name}` first"))
        .suspect(&access.here, 0.7, format!("reads `{name}` too early"))
        .suspect(&member.place, 0.5, format!("the only place that sets `{name}`"))
}

/// Whether `init` calls the `__init__` of a base class.
fn calls_super_init(init: &crate::workspace::python::Function, base: &str) -> bool {
    let mut found = false;
    for stmt in &init.body {
        stmt.walk(true, &mut |stmt| {
            for expr in stmt.expressions() {
                expr.walk(&mut |e| {
                    if let ExprKind::Call { func, .. } = &e.kind
                        && let ExprKind::Attribute { value, attr, .. } = &func.kind
                        && &**attr == "__init__"
                    {
                        let is_super = matches!(&value.kind, ExprKind::Call { func, .. } if func.as_name() == Some("super"));
                        found |= is_super || value.dotted().is_some_and(|d| d.rsplit('.').next() == base.rsplit('.').next());
                    }
                });
            }
        });
    }
    found
}

/// An attribute of a function that was meant to be called.
fn missing_call(spot: &Spot<'_>, kind: &str, access: &Access<'_>) -> Option<Finding> {
    let (value, _) = access.found?;
    let text = spot.text(value.span).to_owned();
    let needs_nothing = match spot.resolver().infer(&spot.place.path, spot.place.line, value, 0) {
        Some(Symbol::Function(file, name)) => spot.workspace.source(&file).is_some_and(|s| {
            s.module().function(&name).is_some_and(|f| {
                let skip = usize::from(name.contains('.'));
                f.signature.params.iter().skip(skip).all(|p| p.default.is_some())
            })
        }),
        Some(_) => return None,
        None => kind != "function",
    };
    let draft = Draft::edits(
        spot.target(),
        format!("Call it: `{text}()` ({})", line_of(spot.place)),
        format!("`{text}` is a function, and its result has `{}`", access.name),
        vec![TextEdit::insert(&spot.place.path, value.span.end, "()")],
    );
    Some(
        new(spot, 0.85, access)
            .because(format!(
                "{} uses {} of the function {} itself: the parentheses of the call are missing",
                at(spot.place),
                code(&format!(".{}", access.name)),
                code(&text)
            ))
            .suggest(format!("Write `{text}()`"))
            .suspect(&spot.place_of(value.span), 0.9, format!("`{text}` is a function, not its result"))
            .mend(needs_nothing.then_some(draft)),
    )
}

/// Methods of Python's own types that people look for under other names.
const EQUIVALENTS: &[(&str, &str, &str)] = &[
    ("list", "push", "append"),
    ("list", "add", "append"),
    ("list", "push_back", "append"),
    ("list", "append_all", "extend"),
    ("list", "addAll", "extend"),
    ("list", "indexOf", "index"),
    ("set", "append", "add"),
    ("set", "push", "add"),
    ("set", "extend", "update"),
    ("dict", "iteritems", "items"),
    ("dict", "itervalues", "values"),
    ("dict", "iterkeys", "keys"),
    ("dict", "viewitems", "items"),
    ("str", "trim", "strip"),
    ("str", "toLowerCase", "lower"),
    ("str", "toUpperCase", "upper"),
    ("str", "to_lower", "lower"),
    ("str", "to_upper", "upper"),
    ("str", "indexOf", "index"),
    ("str", "substring", "removeprefix"),
];

/// The public methods of Python's own types, from its documentation.
const METHODS: &[(&str, &str)] = &[
    (
        "str",
        "capitalize casefold center count encode endswith expandtabs find format format_map index isalnum isalpha \
             isascii isdecimal isdigit isidentifier islower isnumeric isprintable isspace istitle isupper join ljust \
             lower lstrip maketrans partition removeprefix removesuffix replace rfind rindex rjust rpartition rsplit \
             rstrip split splitlines startswith strip swapcase title translate upper zfill",
    ),
    (
        "bytes",
        "capitalize center count decode endswith expandtabs find fromhex hex index join ljust lower lstrip \
               partition replace rfind rindex rjust rpartition rsplit rstrip split splitlines startswith strip title \
               translate upper zfill",
    ),
    ("list", "append clear copy count extend index insert pop remove reverse sort"),
    ("dict", "clear copy fromkeys get items keys pop popitem setdefault update values"),
    (
        "set",
        "add clear copy difference difference_update discard intersection intersection_update isdisjoint issubset \
             issuperset pop remove symmetric_difference union update",
    ),
    ("tuple", "count index"),
    (
        "int",
        "as_integer_ratio bit_count bit_length conjugate denominator from_bytes imag numerator real to_bytes",
    ),
    ("float", "as_integer_ratio conjugate fromhex hex imag is_integer real"),
];

fn of_builtin(spot: &Spot<'_>, class: &str, access: &Access<'_>) -> Option<Finding> {
    let (_, methods) = METHODS.iter().find(|(known, _)| *known == class)?;
    let (value, span) = access.found?;
    let owner = format!("a `{class}`");
    let equivalent = EQUIVALENTS
        .iter()
        .find(|(c, wrong, _)| *c == class && *wrong == access.name)
        .map(|(.., right)| *right);
    let methods = methods.split_whitespace().map(|m| (m.to_owned(), ()));
    let near = near(access.name, methods).filter(|near| near.is_certain).map(|near| near.name);
    let text = spot.text(value.span).to_owned();
    if let Some(right) = equivalent.map(str::to_owned).or(near) {
        return Some(
            new(spot, 0.9, access)
                .because(format!(
                    "{} calls {} on {}, {owner}: the method is called {}",
                    at(spot.place),
                    code(access.name),
                    code(&text),
                    code(&right)
                ))
                .suggest(format!("Change `{}` to `{right}`", access.name))
                .suspect(&access.here, 0.9, format!("{owner} has `{right}`, not `{}`", access.name))
                .mend(rename(spot, access, &right, &owner)),
        );
    }
    if class == "dict" {
        let shown = spot.frame.shown(&text).and_then(Value::parse);
        let has_key = matches!(&shown, Some(Value::Dict(items)) if items.iter().any(|(k, _)| *k == Value::Str(access.name.to_owned())));
        let dot = Span { start: value.span.end, end: span.end };
        let quote = if spot.source.text().matches('\'').count() > spot.source.text().matches('"').count() {
            '\''
        } else {
            '"'
        };
        let draft = Draft::edits(
            spot.target(),
            format!("Read the key: `{text}[{quote}{}{quote}]` ({})", access.name, line_of(spot.place)),
            format!("`{text}` is a dict"),
            vec![TextEdit::replace(&spot.place.path, dot, format!("[{quote}{}{quote}]", access.name))],
        );
        return Some(
            new(spot, if has_key { 0.92 } else { 0.7 }, access)
                .because(format!(
                    "{} reads {} as an attribute, but {} is a dict{}",
                    at(spot.place),
                    code(&format!("{text}.{}", access.name)),
                    code(&text),
                    if has_key { format!(", which has the key '{}'", access.name) } else { String::new() }
                ))
                .suggest(format!(
                    "Write `{text}[\"{}\"]`, or make the value an object of a class",
                    access.name
                ))
                .suspect(&access.here, 0.8, format!("`{text}` is a dict"))
                .mend(draft),
        );
    }
    None
}

#[cfg(test)]
mod tests;
