//! Names that a module of the standard library, or a usual package, no longer has.

use crate::diagnose::Finding;
use crate::diagnose::case::{Case, at, code, line_of};
use crate::diagnose::draft::{Draft, TextEdit};
use crate::diagnose::rules::edits;
use crate::diagnose::rules::spot::{Spot, between};
use crate::model::{Category, Severity};
use crate::workspace::python::ExprKind;

/// Module, names, the module and name that replace each (`*`: the same name; no module: a builtin), since when. From
/// the release notes.
const REMOVED: &[(&str, &str, &str, &str, &str)] = &[
    (
        "collections",
        "Awaitable Coroutine AsyncIterable AsyncIterator AsyncGenerator Hashable Iterable Iterator Generator \
         Reversible Container Collection Callable Set MutableSet Mapping MutableMapping MappingView KeysView \
         ItemsView ValuesView Sequence MutableSequence ByteString",
        "collections.abc",
        "*",
        "Python 3.10",
    ),
    ("fractions", "gcd", "math", "gcd", "Python 3.9"),
    ("inspect", "getargspec", "inspect", "getfullargspec", "Python 3.11"),
    ("time", "clock", "time", "perf_counter", "Python 3.8"),
    ("base64", "encodestring", "base64", "encodebytes", "Python 3.9"),
    ("base64", "decodestring", "base64", "decodebytes", "Python 3.9"),
    ("cgi", "escape", "html", "escape", "Python 3.8"),
    ("asyncio", "async", "asyncio", "ensure_future", "Python 3.7"),
    ("os", "getcwdu", "os", "getcwd", "Python 3"),
    ("string", "letters", "string", "ascii_letters", "Python 3"),
    ("string", "maketrans", "str", "maketrans", "Python 3"),
    ("itertools", "izip", "", "zip", "Python 3"),
    ("itertools", "imap", "", "map", "Python 3"),
    ("itertools", "ifilter", "", "filter", "Python 3"),
    ("itertools", "izip_longest", "itertools", "zip_longest", "Python 3"),
    ("gettext", "lgettext", "gettext", "gettext", "Python 3.11"),
    ("sys", "maxint", "sys", "maxsize", "Python 3"),
    ("types", "StringType", "", "str", "Python 3"),
    ("unittest", "makeSuite", "unittest", "defaultTestLoader.loadTestsFromTestCase", "Python 3.13"),
    ("numpy", "float", "", "float", "NumPy 1.24"),
    ("numpy", "int", "", "int", "NumPy 1.24"),
    ("numpy", "bool", "", "bool", "NumPy 1.24"),
    ("numpy", "object", "", "object", "NumPy 1.24"),
    ("numpy", "str", "", "str", "NumPy 1.24"),
    ("numpy", "product", "numpy", "prod", "NumPy 2.0"),
    ("numpy", "NaN", "numpy", "nan", "NumPy 2.0"),
    ("numpy", "Inf", "numpy", "inf", "NumPy 2.0"),
    ("numpy", "float_", "numpy", "float64", "NumPy 2.0"),
];

/// `module 'm' has no attribute 'x'`, which it once had.
pub(super) fn attribute(case: &Case<'_>) -> Option<Finding> {
    let exception = case.root().filter(|e| e.short_type() == "AttributeError")?;
    let module = between(&exception.message, "module '", "' has no attribute")?;
    let name = between(&exception.message, "has no attribute '", "'")?;
    let (_, _, target, new, since) = REMOVED
        .iter()
        .find(|(from, names, ..)| *from == module && names.split_whitespace().any(|known| known == name))?;
    let spot = Spot::nearest(case)?;
    let new = if *new == "*" { name } else { new };
    let shown = if target.is_empty() { new.to_owned() } else { format!("{target}.{new}") };
    let span = spot.expressions().into_iter().find_map(|expr| match &expr.kind {
        ExprKind::Attribute { attr, .. } if **attr == *name => Some(expr.span),
        _ => None,
    });
    let here = span.map_or_else(|| spot.place.clone(), |span| spot.place_of(span));
    let draft = span.map(|span| {
        let mut changes = Vec::new();
        let prefix = spot.text(span).rsplit_once('.').map_or("", |(prefix, _)| prefix).to_owned();
        let text = if *target == module {
            format!("{prefix}.{new}")
        } else {
            if !target.is_empty() && *target != "str" {
                let is_there =
                    spot.module().imports().iter().any(|i| i.name.is_none() && *i.module == **target);
                if !is_there {
                    changes.push(edits::import(&spot.source, &format!("import {target}")));
                }
            }
            shown.clone()
        };
        changes.push(TextEdit::replace(&spot.place.path, span, text));
        Draft::edits(
            spot.target(),
            format!("Use `{shown}` ({})", line_of(spot.place)),
            format!("`{module}.{name}` was removed in {since}"),
            changes,
        )
    });
    Some(
        Finding::new("imports-removed", Category::ImportError, Severity::High, 0.95)
            .because(format!(
                "{} uses {}, which was removed in {since}; {} replaces it",
                at(spot.place),
                code(&format!("{module}.{name}")),
                code(&shown)
            ))
            .suggest(format!("Write `{shown}`"))
            .suspect(&here, 0.93, format!("`{module}.{name}` no longer exists"))
            .mend(draft),
    )
}
