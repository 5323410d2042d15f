//! Attributes of objects that are made of options, keywords or keys: `argparse.Namespace`, `SimpleNamespace`.

use crate::diagnose::case::{Case, at, code, line_of};
use crate::diagnose::draft::TextEdit;
use crate::diagnose::rules::near::near;
use crate::diagnose::rules::spot::{Spot, between};
use crate::diagnose::{Draft, Finding};
use crate::model::{Category, Place, Severity};
use crate::workspace::python::{Expr, ExprKind, Span};

/// Most files that are looked through for options.
const MAX_FILES: usize = 60;

/// `'Namespace' object has no attribute 'x'`, where the object has one that is nearly called so.
pub(in crate::diagnose::rules) fn namespace(case: &Case<'_>) -> Option<Finding> {
    let exception = case.root().filter(|e| e.short_type() == "AttributeError")?;
    let message = exception.message.lines().next()?;
    let class = between(message, "'", "' object has no attribute '")?;
    let name = between(message, "has no attribute '", "'")?;
    let of_options = class.rsplit('.').next() == Some("Namespace");
    if !of_options && class.rsplit('.').next() != Some("SimpleNamespace") {
        return None;
    }
    let spot = Spot::of(case)?;
    let (object, span): (&Expr, Span) = spot.expressions().into_iter().find_map(|e| match &e.kind {
        ExprKind::Attribute { value, attr, attr_span } if **attr == *name => Some((&**value, *attr_span)),
        _ => None,
    })?;
    let text = spot.text(object.span);
    let shown = spot.frame.shown(text).map(fields).unwrap_or_default();
    let certain = !shown.is_empty();
    let mut names: Vec<(String, Option<Place>)> = made(case, of_options);
    if certain {
        names.retain(|(name, _)| shown.contains(name));
        names.extend(shown.into_iter().map(|name| (name, None)));
    }
    let found = near(name, names).filter(|near| near.likeness >= 0.7)?;
    let place = spot.place_of(span);
    let from = found.with.as_ref().map_or_else(String::new, |place| format!(" ({})", line_of(place)));
    let confidence = match (certain, found.is_certain) {
        (true, true) => 0.93,
        (false, true) => 0.85,
        _ => 0.6,
    };
    let mut finding = Finding::new("names-namespace", Category::Other, Severity::High, confidence)
        .because(format!(
            "{} uses {}, but {} has no `{name}`: {}{from} is probably meant",
            at(spot.place),
            code(&format!("{text}.{name}")),
            code(text),
            code(&found.name)
        ))
        .suggest(format!("Change `.{name}` to `.{}` ({})", found.name, line_of(spot.place)))
        .shown(code(message), Some(spot.place))
        .suspect(&place, 0.9, format!("`{name}` does not exist, `{}` does", found.name))
        .mend(Draft::edits(
            spot.target(),
            format!("Change `{name}` to `{}` ({})", found.name, line_of(spot.place)),
            format!("`{text}` has `{}`", found.name),
            vec![TextEdit::replace(&spot.place.path, span, found.name.clone())],
        ));
    if let Some(place) = &found.with {
        finding = finding.shown(format!("`{}` is given its name here", found.name), Some(place));
    }
    Some(finding)
}

/// The names in `Namespace(a=1, b='x')`.
fn fields(repr: &str) -> Vec<String> {
    let Some((head, rest)) = repr.split_once('(') else { return Vec::new() };
    if !head.to_lowercase().ends_with("namespace") || !rest.ends_with(')') {
        return Vec::new();
    }
    let is_name = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || c == '_');
    let word = |part: &str| part.rsplit([' ', ',', '(']).next().map(str::to_owned);
    let parts: Vec<&str> = rest.split('=').collect();
    parts[..parts.len() - 1].iter().filter_map(|part| word(part)).filter(|word| is_name(word)).collect()
}

/// Options of `add_argument`, or keywords of `SimpleNamespace` and keys of dictionaries, with their places.
fn made(case: &Case<'_>, of_options: bool) -> Vec<(String, Option<Place>)> {
    let word = if of_options { "add_argument(" } else { "SimpleNamespace(" };
    let mut found: Vec<(String, Option<Place>)> = Vec::new();
    let files = case.workspace.symbols().files().iter();
    let sources =
        files.filter_map(|path| case.workspace.source(path)).filter(|source| source.text().contains(word));
    for source in sources.take(MAX_FILES) {
        source.module().walk(&mut |stmt| {
            for expr in stmt.expressions() {
                expr.walk(&mut |part| {
                    let mut add = |name: &str, span: Span| {
                        let place = Place { columns: None, ..source.place(span) };
                        if !found.iter().any(|(known, _)| known == name) {
                            found.push((name.to_owned(), Some(place)));
                        }
                    };
                    match &part.kind {
                        ExprKind::Call { func, args, keywords, .. } if of_options => {
                            if !matches!(&func.kind, ExprKind::Attribute { attr, .. } if &**attr == "add_argument") {
                                return;
                            }
                            let dest = keywords.iter().find(|k| k.name.as_deref() == Some("dest"));
                            if let Some(dest) = dest.and_then(|k| k.value.as_str()) {
                                add(dest, part.span);
                                return;
                            }
                            let names: Vec<&str> = args.iter().filter_map(Expr::as_str).collect();
                            let long = names.iter().find(|name| name.starts_with("--")).or(names.first());
                            if let Some(name) = long {
                                add(&name.trim_start_matches('-').replace('-', "_"), part.span);
                            }
                        }
                        ExprKind::Call { keywords, .. } if !of_options => {
                            for keyword in keywords {
                                if let Some(name) = &keyword.name {
                                    add(name, keyword.name_span);
                                }
                            }
                        }
                        ExprKind::Dict(items) if !of_options => {
                            for key in items.iter().filter_map(|(key, _)| key.as_ref()) {
                                if let Some(name) = key.as_str() {
                                    add(name, key.span);
                                }
                            }
                        }
                        _ => {}
                    }
                });
            }
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{fields, namespace};
    use crate::diagnose::rules::testing::scene;

    #[test]
    fn names_of_a_shown_namespace() {
        assert_eq!(fields("Namespace(dry_run=True, name='a b', n=3)"), ["dry_run", "name", "n"]);
        assert_eq!(fields("<Other object>"), Vec::<String>::new());
    }

    #[test]
    fn options_and_keywords() {
        let cli = "import argparse\ndef main(argv):\n    p = argparse.ArgumentParser()\n    p.add_argument('--dry-run', action='store_true')\n    \
                   p.add_argument('-o', '--out')\n    args = p.parse_args(argv)\n    return args.dryrun\n";
        let test = "from cli import main\ndef test_it():\n    assert main([])\n";
        let message = "AttributeError: 'Namespace' object has no attribute 'dryrun'";
        let files = [("cli.py", cli), ("tests/test_it.py", test)];
        let through = [("tests/test_it.py", "assert"), ("cli.py", "return args")];
        scene(&files, message, &through).check(
            namespace,
            &["`args.dryrun`", "`dry_run`"],
            "cli.py:7",
            Some(("cli.py", "return args.dry_run\n")),
        );
        let far = "AttributeError: 'Namespace' object has no attribute 'colour'";
        let cli = cli.replace("dryrun", "colour");
        scene(&[("cli.py", &cli), ("tests/test_it.py", test)], far, &through).silent(namespace);
    }
}
