//! Values that `json.dumps` does not take.

use std::sync::Arc;

use crate::diagnose::Finding;
use crate::diagnose::case::{Case, at, code, line_of};
use crate::diagnose::draft::{Draft, TextEdit};
use crate::diagnose::rules::spot::{between, target};
use crate::model::{Category, Place, RelPath, Severity};
use crate::workspace::SourceFile;
use crate::workspace::members::members;
use crate::workspace::python::{Expr, ExprKind, StmtKind};
use crate::workspace::resolve::{Resolver, Symbol, assigned};

/// An entry of a dict literal, or an item of a list, that may hold the value.
struct Entry {
    source: Arc<SourceFile>,
    key: String,
    place: Place,
    edit: TextEdit,
    title: String,
}

/// `Object of type X is not JSON serializable`.
pub(in crate::diagnose::rules) fn not_serialisable(case: &Case<'_>) -> Option<Finding> {
    let root = case.root().filter(|root| root.short_type() == "TypeError")?;
    let (_, place) = case.frame()?;
    let source = case.workspace.source(&place.path)?;
    let stmt = source.module().statement(place.line)?;
    let mut dump = None;
    for expr in stmt.expressions() {
        expr.walk(&mut |part| {
            if let ExprKind::Call { func, .. } = &part.kind
                && func.dotted().is_some_and(|name| matches!(name.rsplit('.').next(), Some("dumps" | "dump")))
            {
                dump = Some(part);
            }
        });
    }
    let ExprKind::Call { args, keywords, arguments_span, .. } = &dump?.kind else { return None };
    let new = |rule, confidence| {
        Finding::new(rule, Category::DataIssue, Severity::High, confidence)
            .shown(format!("{} ran {}", at(place), code(stmt.span.of(source.text()))), Some(place))
    };
    if root.message.starts_with("keys must be str") {
        let kind = root.message.rsplit_once("not ").map_or("", |(_, kind)| kind.trim());
        return Some(
            new("json-key", 0.85)
                .because(format!(
                    "{} writes a dict as JSON whose keys are {}s: JSON's keys are texts",
                    at(place),
                    code(kind)
                ))
                .suggest(format!("Make the keys texts before {}", line_of(place)))
                .suspect(place, 0.6, "writes the dict")
                .mend(Draft::advice(
                    target(place),
                    format!("Make the keys texts, e.g. `{{str(k): v …}}` ({})", line_of(place)),
                    "JSON's keys are texts",
                )),
        );
    }
    let kind = between(&root.message, "Object of type ", " is not JSON serializable")?;
    let argument = args.first()?;
    let entries = entries(case, &source, place, argument, kind);
    let mut finding = new("json-type", 0.85);
    if let [entry] = entries.as_slice() {
        finding = finding
            .because(format!(
                "{} writes {} as JSON, in which {} ({}) is a {}, which JSON cannot hold",
                at(place),
                code(argument.span.of(source.text())),
                entry.key,
                line_of(&entry.place),
                code(kind)
            ))
            .suggest(format!(
                "Convert it where it is put in ({}), or say how with `default=` at {}",
                line_of(&entry.place),
                line_of(place)
            ))
            .suspect(&entry.place, 0.75, format!("puts in a `{kind}`"))
            .suspect(place, 0.7, "writes it as JSON")
            .mend(Draft::edits(
                target(&entry.place),
                format!("{} ({})", entry.title, line_of(&entry.place)),
                format!("JSON cannot hold a `{kind}`"),
                vec![entry.edit.clone()],
            ));
        debug_assert!(!entry.source.text().is_empty());
    } else {
        finding = finding
            .because(format!(
                "{} writes {} as JSON, but it holds a {}, which JSON cannot hold",
                at(place),
                code(argument.span.of(source.text())),
                code(kind)
            ))
            .suggest(format!(
                "Convert the {} first, or say how with `default=` at {}",
                code(kind),
                line_of(place)
            ))
            .suspect(place, 0.7, "writes it as JSON");
    }
    let has_default = keywords.iter().any(|k| matches!(k.name.as_deref(), Some("default" | "cls") | None));
    if !has_default {
        let default = match kind {
            "set" | "frozenset" => "sorted",
            "bytes" => "bytes.decode",
            _ if own_conversion(case, &source, place.line, kind).as_deref() == Some("value") => {
                "lambda member: member.value"
            }
            _ => "str",
        };
        let comma =
            source.text().get(..arguments_span.end as usize - 1).is_some_and(|t| t.trim_end().ends_with(','));
        let lead = if comma { " " } else { ", " };
        finding = finding.mend(Draft::edits(
            target(place),
            format!("Say how to write it: `default={default}` ({})", line_of(place)),
            format!("`{default}` makes a value of a `{kind}` that JSON can hold"),
            vec![TextEdit::insert(&place.path, arguments_span.end - 1, format!("{lead}default={default}"))],
        ));
    }
    Some(finding)
}

/// The entries whose value is of the type, in the literal that is written or in the functions that make it.
fn entries(
    case: &Case<'_>,
    source: &Arc<SourceFile>,
    place: &Place,
    argument: &Expr,
    kind: &str,
) -> Vec<Entry> {
    let resolver = Resolver::new(case.workspace);
    let mut found = Vec::new();
    let mut seen = Vec::new();
    let function = source
        .module()
        .enclosing_function(place.line)
        .and_then(|d| source.module().function(&d.qualified_name));
    let local = argument
        .as_name()
        .and_then(|name| assigned(&function?.body, name, place.line, source))
        .map_or(argument, |(_, value)| value);
    collect(case, source, place.line, local, kind, &mut found);
    let mut waiting: Vec<(RelPath, String)> = Vec::new();
    for expr in [argument, local] {
        waiting.extend(
            resolver
                .calls(&place.path, place.line, expr)
                .into_iter()
                .map(|c| (c.path, c.qualified_name.to_string())),
        );
    }
    // `[event.as_dict() for event in events]`: methods of that name.
    for expr in [argument, local] {
        expr.walk(&mut |part| {
            if let ExprKind::Call { func, .. } = &part.kind
                && let ExprKind::Attribute { attr, .. } = &func.kind
            {
                let all = case.workspace.symbols().find(attr);
                if let [only] = all {
                    waiting.extend(
                        qualified(case, &only.path, attr, only.line).map(|name| (only.path.clone(), name)),
                    );
                }
            }
        });
    }
    while let Some((path, name)) = waiting.pop() {
        if seen.contains(&(path.clone(), name.clone())) || seen.len() > 8 {
            continue;
        }
        seen.push((path.clone(), name.clone()));
        let Some(source) = case.workspace.source(&path) else { continue };
        let Some(function) = source.module().function(&name) else { continue };
        for stmt in &function.body {
            stmt.walk(false, &mut |stmt| {
                let value = match &stmt.kind {
                    StmtKind::Return(Some(value)) | StmtKind::Assign { value, .. } => value,
                    StmtKind::Expr(expr) => expr,
                    _ => return,
                };
                collect(case, &source, stmt.start_line, value, kind, &mut found);
                if matches!(stmt.kind, StmtKind::Return(_)) {
                    let calls = resolver.calls(&path, stmt.start_line, value);
                    waiting.extend(calls.into_iter().map(|c| (c.path, c.qualified_name.to_string())));
                }
            });
        }
    }
    found
}

fn qualified(case: &Case<'_>, path: &RelPath, name: &str, line: u32) -> Option<String> {
    let source = case.workspace.source(path)?;
    let found = source
        .module()
        .definitions()
        .iter()
        .find(|d| d.name_line == line && d.qualified_name.ends_with(name))?;
    Some(found.qualified_name.to_string())
}

/// Looks at the dict literals, `dict(…)` calls and stored items in `expr`.
fn collect(
    case: &Case<'_>,
    source: &Arc<SourceFile>,
    line: u32,
    expr: &Expr,
    kind: &str,
    found: &mut Vec<Entry>,
) {
    expr.walk(&mut |part| {
        let pairs: Vec<(String, &Expr)> = match &part.kind {
            ExprKind::Dict(items) => items
                .iter()
                .filter_map(|(key, value)| Some((key.as_ref()?.span.of(source.text()).to_owned(), value)))
                .collect(),
            ExprKind::Call { func, keywords, .. } if func.as_name() == Some("dict") => keywords
                .iter()
                .filter_map(|k| Some((format!("`{}`", k.name.as_deref()?), &k.value)))
                .collect(),
            _ => return,
        };
        for (key, value) in pairs {
            if !is_of(case, source, line, value, kind, 0) {
                continue;
            }
            let text = value.span.of(source.text());
            let atom = matches!(
                value.kind,
                ExprKind::Name(_)
                    | ExprKind::Attribute { .. }
                    | ExprKind::Call { .. }
                    | ExprKind::Subscript { .. }
            );
            let dotted = if atom { text.to_owned() } else { format!("({text})") };
            let new = match kind {
                "datetime" | "date" | "time" => format!("{dotted}.isoformat()"),
                "set" | "frozenset" => format!("sorted({text})"),
                "bytes" => format!("{dotted}.decode()"),
                "Decimal" | "UUID" | "PosixPath" | "WindowsPath" | "Fraction" | "timedelta" => {
                    format!("str({text})")
                }
                "generator" | "dict_keys" | "dict_values" | "map" | "filter" | "range" | "deque" => {
                    format!("list({text})")
                }
                _ => match own_conversion(case, source, line, kind) {
                    Some(method) => format!("{dotted}.{method}"),
                    None => continue,
                },
            };
            let place = Place { columns: None, ..source.place(value.span) };
            if found.iter().any(|entry| entry.place == place && entry.edit.span == value.span) {
                continue;
            }
            found.push(Entry {
                source: Arc::clone(source),
                key: format!("the value of {key}"),
                place,
                title: format!("Convert it: `{new}`"),
                edit: TextEdit::replace(source.path(), value.span, new),
            });
        }
    });
}

/// `to_dict()` and its like of a class of the project, `value` of an enumeration.
fn own_conversion(case: &Case<'_>, source: &SourceFile, line: u32, kind: &str) -> Option<String> {
    let (file, class) =
        crate::workspace::members::class_named(case.workspace, source.path(), line, None, kind)?;
    let definition = case.workspace.source(&file)?;
    let definition = definition.module().class(&class)?;
    let is_enum = definition.bases.iter().any(|base| {
        base.dotted().is_some_and(|name| name.rsplit('.').next().is_some_and(|n| n.ends_with("Enum")))
    });
    if is_enum {
        return Some("value".to_owned());
    }
    let (all, _) = members(case.workspace, &file, &class);
    let known = ["to_dict", "as_dict", "asdict", "to_json", "_asdict", "dict", "serialize", "model_dump"];
    let method = known.iter().find(|name| all.iter().any(|m| m.name == **name))?;
    Some(format!("{method}()"))
}

/// Whether the variable `name` of the frame that writes is of the type, by what was recorded, or by what it is called.
fn held(case: &Case<'_>, source: &SourceFile, name: &str, kind: &str) -> bool {
    let frame = case.frame().filter(|(_, place)| place.path == *source.path()).map(|(frame, _)| frame);
    let local = frame.and_then(|frame| frame.locals.iter().find(|local| local.name == name));
    match local {
        Some(local) => {
            let repr = local.repr.trim_start_matches('<');
            local.type_name.as_deref().and_then(|full| full.rsplit('.').next()) == Some(kind)
                || repr.strip_prefix(kind).is_some_and(|rest| rest.starts_with(['.', '(', ':']))
        }
        None => name.replace('_', "").eq_ignore_ascii_case(kind),
    }
}

/// Whether the source shows that `expr` is of the type.
fn is_of(
    case: &Case<'_>,
    source: &Arc<SourceFile>,
    line: u32,
    expr: &Expr,
    kind: &str,
    depth: usize,
) -> bool {
    const MAX_DEPTH: usize = 6;
    if depth > MAX_DEPTH {
        return false;
    }
    let names = |expr: &Expr| {
        let mut found = false;
        expr.walk(&mut |part| {
            found |= part.as_name() == Some(kind)
                || matches!(&part.kind, ExprKind::Attribute { attr, .. } if **attr == *kind);
        });
        found
    };
    let next = |expr: &Expr, line: u32| is_of(case, source, line, expr, kind, depth + 1);
    match &expr.kind {
        ExprKind::Set(_) => matches!(kind, "set"),
        ExprKind::Bytes => kind == "bytes",
        ExprKind::Comprehension { kind: how, .. } => match how {
            crate::workspace::python::ComprehensionKind::Set => kind == "set",
            crate::workspace::python::ComprehensionKind::Generator => kind == "generator",
            _ => false,
        },
        ExprKind::BinOp { left, right, .. } => next(left, line) || next(right, line),
        ExprKind::BoolOp { values, .. } => values.iter().any(|value| next(value, line)),
        ExprKind::If { body, orelse, .. } => next(body, line) || next(orelse, line),
        ExprKind::Call { func, args, .. } => {
            let dotted = func.dotted().unwrap_or_default();
            let last = dotted.rsplit('.').next().unwrap_or_default();
            let converts = matches!(
                last,
                "str"
                    | "isoformat"
                    | "float"
                    | "int"
                    | "format"
                    | "strftime"
                    | "sorted"
                    | "list"
                    | "len"
                    | "decode"
                    | "repr"
                    | "timestamp"
                    | "join"
            );
            if converts {
                return false;
            }
            let makes = match kind {
                "datetime" => {
                    dotted.contains("datetime")
                        && matches!(
                            last,
                            "now"
                                | "utcnow"
                                | "datetime"
                                | "fromtimestamp"
                                | "strptime"
                                | "combine"
                                | "fromisoformat"
                        )
                }
                "date" => {
                    (dotted.contains("date") && matches!(last, "today" | "date" | "fromisoformat"))
                        || last == "date"
                }
                "UUID" => matches!(last, "uuid4" | "uuid1" | "uuid5" | "uuid3" | "UUID"),
                "PosixPath" | "WindowsPath" => last == "Path",
                "bytes" => last == "encode" || last == "bytes",
                "dict_keys" => last == "keys",
                "dict_values" => last == "values",
                _ => last == kind,
            };
            makes
                || matches!(last, "sum" | "max" | "min" | "abs" | "round")
                    && args.iter().any(|arg| names(arg) || next(arg, line))
        }
        ExprKind::Name(name) => {
            let module = source.module();
            let function = module.enclosing_function(line).and_then(|d| module.function(&d.qualified_name));
            if let Some(function) = function {
                if let Some((at, value)) = assigned(&function.body, name, line, source) {
                    return next(value, at);
                }
                if let Some(param) = function.signature.param(name) {
                    return param.annotation.as_ref().is_some_and(names) || held(case, source, name, kind);
                }
            }
            assigned(module.body(), name, u32::MAX, source).is_some_and(|(at, value)| next(value, at))
        }
        ExprKind::Attribute { value, attr, .. } => {
            let resolver = Resolver::new(case.workspace);
            let class = if value.as_name() == Some("self") {
                source
                    .module()
                    .enclosing_class(line)
                    .map(|d| (source.path().clone(), d.qualified_name.to_string()))
            } else {
                match resolver.infer(source.path(), line, value, 0) {
                    Some(Symbol::Instance(file, name)) => Some((file, name.to_string())),
                    _ => None,
                }
            };
            let Some((file, class)) = class else { return false };
            let Some(source) = case.workspace.source(&file) else { return false };
            let Some(definition) = source.module().class(&class) else { return false };
            let mut found = false;
            for stmt in &definition.body {
                stmt.walk(true, &mut |stmt| match &stmt.kind {
                    StmtKind::Assign { targets, value } => {
                        let wanted = format!("self.{attr}");
                        if targets.iter().any(|t| t.dotted().as_deref() == Some(&wanted)) {
                            found |= is_of(case, &source, stmt.start_line, value, kind, depth + 1);
                        }
                    }
                    StmtKind::AnnAssign { target, annotation, .. }
                        if target.as_name() == Some(attr)
                            || target.dotted().as_deref() == Some(&format!("self.{attr}")) =>
                    {
                        found |= names(annotation);
                    }
                    _ => {}
                });
            }
            found
        }
        _ => false,
    }
}
