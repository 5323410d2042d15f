//! Missing, extra, misnamed and doubled arguments, against the signature that is called.

mod given;

use std::sync::Arc;

use crate::diagnose::case::{Case, at, code, line_of};
use crate::diagnose::draft::TextEdit;
use crate::diagnose::rules::near::near;
use crate::diagnose::rules::spot::{Spot, between, line, quoted, target};
use crate::diagnose::{Draft, Finding};
use crate::model::{Category, FixTarget, Place, RelPath, Severity};
use crate::workspace::SourceFile;
use crate::workspace::python::{Expr, ExprKind, Function, Keyword, Param, ParamKind, StmtKind};
use crate::workspace::resolve::Symbol;
use crate::workspace::symbols::SymbolKind;

/// The call that failed and the function of the project that it reached.
struct Call<'s> {
    /// The call as an expression, where the source shows it.
    expr: &'s Expr,
    func: &'s Expr,
    args: &'s [Expr],
    keywords: &'s [Keyword],
    callee: Callee,
    /// What the callee overrides, if the call's own type says that.
    overridden: Option<Callee>,
}

struct Callee {
    path: RelPath,
    name: String,
    source: Arc<SourceFile>,
    place: Place,
}

impl Callee {
    fn function(&self) -> Option<&Function> {
        self.source.module().function(&self.name)
    }

    /// The parameters that a caller gives, `self` and `cls` left out.
    fn params<'f>(&self, function: &'f Function) -> &'f [Param] {
        let skip = usize::from(self.is_method(function));
        function.signature.params.get(skip..).unwrap_or(&[])
    }

    fn is_method(&self, function: &Function) -> bool {
        let in_class =
            self.name.rsplit_once('.').is_some_and(|(class, _)| self.source.module().class(class).is_some());
        in_class && !function.decorators.iter().any(|d| d.as_name() == Some("staticmethod"))
    }

    fn shown(&self, function: &Function) -> String {
        let signature = function.signature.span.of(self.source.text());
        format!("{}{}", self.name, signature.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

/// `TypeError: f() missing …`, `takes … but … were given`, `got an unexpected keyword argument …`, `got multiple
/// values …`.
pub(super) fn arguments(case: &Case<'_>) -> Option<Finding> {
    let exception = case.root().filter(|e| e.short_type() == "TypeError")?;
    let message = exception.message.lines().next()?;
    let (name, rest) = message.split_once("() ")?;
    let is_known = [
        "missing ",
        "takes ",
        "got an unexpected keyword",
        "got multiple values",
        "got some positional-only",
    ]
    .iter()
    .any(|start| rest.starts_with(start));
    if !is_known || name.contains(' ') {
        return None;
    }
    let spot = Spot::of(case)?;
    let call = find(&spot, name)?;
    let finding = judged(&spot, &call, rest)?;
    Some(match &call.overridden {
        Some(base) => overriding(&call, base, finding),
        None => finding,
    })
}

/// Says that an override has another signature than what it overrides: the call fits that one.
fn overriding(call: &Call<'_>, base: &Callee, mut finding: Finding) -> Finding {
    let (Some(function), Some(expected)) = (call.callee.function(), base.function()) else { return finding };
    let shown = base.shown(expected);
    finding.root_cause.push_str(&format!(
        ": it overrides {} ({}), whose parameters it does not have",
        code(&shown),
        line_of(&base.place)
    ));
    // The override comes first: callers rely on what it overrides.
    if let Some(at) = finding.culprits.iter().position(|(place, ..)| *place == call.callee.place) {
        let (place, score, reasons) = finding.culprits.remove(at);
        finding.culprits.insert(0, (place, score.max(0.8), reasons));
    } else {
        finding
            .culprits
            .insert(0, (call.callee.place.clone(), 0.8, vec!["the override's signature".to_owned()]));
    }
    let names = |function: &Function| -> Vec<String> {
        function.signature.params.iter().map(|param| param.name.to_string()).collect()
    };
    let (own, wanted) = (names(function), names(expected));
    if wanted.len() > own.len() && wanted.starts_with(&own) {
        let text = expected.signature.span.of(base.source.text()).to_owned();
        finding = finding.mend(Draft::edits(
            FixTarget::Code,
            format!(
                "Give `{}` the parameters {} ({})",
                call.callee.name,
                code(&text),
                line_of(&call.callee.place)
            ),
            format!("It overrides `{}`", base.name),
            vec![TextEdit::replace(&call.callee.path, function.signature.span, text)],
        ));
    }
    finding
}

fn judged(spot: &Spot<'_>, call: &Call<'_>, rest: &str) -> Option<Finding> {
    let callee = &call.callee;
    let function = callee.function()?;
    let shown = callee.shown(function);
    let here = spot.place_of(call.expr.span);
    let new = |confidence: f64| {
        Finding::new("calls-arguments", Category::Other, Severity::High, confidence)
            .shown(format!("{} calls {}", at(spot.place), code(spot.text(call.expr.span))), Some(&here))
            .shown(format!("the signature is {}", code(&shown)), Some(&callee.place))
    };
    if let Some(finding) = without_self(spot, call, function, rest, &new) {
        return Some(finding);
    }
    if rest.starts_with("got an unexpected keyword") || rest.starts_with("got some positional-only") {
        return unexpected(spot, call, function, rest, &new);
    }
    if rest.starts_with("missing ") {
        return Some(missing(spot, call, function, rest, &new));
    }
    if rest.starts_with("got multiple values") {
        let name = between(rest, "argument '", "'")?;
        return Some(
            new(0.85)
                .because(format!(
                    "{} gives {} of {} twice: by position and by name",
                    at(spot.place),
                    code(name),
                    code(&shown)
                ))
                .suggest(format!(
                    "Leave out one of the two, or give the positional argument the name it is meant for ({})",
                    line_of(&callee.place)
                ))
                .suspect(&here, 0.85, format!("`{name}` is given twice"))
                .suspect(&callee.place, 0.3, "the signature, if its order has changed"),
        );
    }
    Some(too_many(spot, call, function, rest, &new))
}

fn find<'s>(spot: &'s Spot<'_>, called: &str) -> Option<Call<'s>> {
    let short = called.rsplit('.').next().unwrap_or(called);
    let owner = called.rsplit('.').nth(1);
    let mut fallback = None;
    let mut calls = Vec::new();
    for expr in spot.expressions() {
        let ExprKind::Call { func, .. } = &expr.kind else { continue };
        let symbol = spot.resolver().infer(&spot.place.path, spot.place.line, func, 0);
        let found = match symbol {
            Some(Symbol::Function(path, name)) => Some((path, name.to_string())),
            Some(Symbol::Class(path, name)) => match spot.resolver().member(&path, &name, "__init__", 0) {
                Some(Symbol::Function(path, name)) => Some((path, name.to_string())),
                _ => None,
            },
            Some(Symbol::Instance(path, name)) => match spot.resolver().member(&path, &name, "__call__", 0) {
                Some(Symbol::Function(path, name)) => Some((path, name.to_string())),
                _ => None,
            },
            _ => None,
        };
        match found {
            Some((path, name)) if name.rsplit('.').next() == Some(short) => calls.push((expr, path, name)),
            Some(_) => {}
            None => {
                let last = func.dotted().map(|d| d.rsplit('.').next().unwrap_or_default().to_owned());
                let wanted = if short == "__init__" { owner } else { Some(short) };
                if last.as_deref() == wanted {
                    fallback = Some(expr);
                }
            }
        }
    }
    let (expr, path, name) = if let Some(first) = calls.into_iter().next() {
        first
    } else {
        let (path, name) = by_name(spot, called)?;
        (fallback?, path, name)
    };
    let ExprKind::Call { func, args, keywords, .. } = &expr.kind else { return None };
    let mut callee = callee(spot, path, name)?;
    // The message has the method that ran: an override, where the call's own type says another.
    let mut overridden = None;
    if called.contains('.')
        && short != "__init__"
        && callee.name != called
        && !called.ends_with(&format!(".{}", callee.name))
        && let Some((path, name)) = by_name(spot, called)
    {
        overridden = Some(std::mem::replace(&mut callee, self::callee(spot, path, name)?));
    }
    Some(Call { expr, func, args, keywords, callee, overridden })
}

fn callee(spot: &Spot<'_>, path: RelPath, name: String) -> Option<Callee> {
    let source = spot.workspace.source(&path)?;
    let definition = source.module().definition_exact(&name)?;
    let place =
        Place { function: Some(definition.qualified_name.clone()), ..line(&path, definition.name_line) };
    Some(Callee { path, name, source: Arc::clone(&source), place })
}

/// The only definition of the project that is called so.
fn by_name(spot: &Spot<'_>, called: &str) -> Option<(RelPath, String)> {
    let short = called.rsplit('.').next().unwrap_or(called);
    let mut known = Vec::new();
    for symbol in spot.workspace.symbols().find(short) {
        if !matches!(symbol.kind, SymbolKind::Function | SymbolKind::Method) {
            continue;
        }
        let source = spot.workspace.source(&symbol.path)?;
        let Some(definition) = source.module().definitions().iter().find(|d| d.name_line == symbol.line)
        else {
            continue;
        };
        let name = definition.qualified_name.to_string();
        if !called.contains('.') || name == called || name.ends_with(&format!(".{called}")) {
            known.push((symbol.path.clone(), name));
        }
    }
    match known.as_slice() {
        [only] => Some(only.clone()),
        _ => None,
    }
}

/// A method whose `def` has no `self`: every call gives one argument more than it takes.
fn without_self(
    spot: &Spot<'_>,
    call: &Call<'_>,
    function: &Function,
    rest: &str,
    new: &dyn Fn(f64) -> Finding,
) -> Option<Finding> {
    let callee = &call.callee;
    let (class, _) = callee.name.rsplit_once('.')?;
    callee.source.module().class(class)?;
    if !(rest.starts_with("takes ") || rest.starts_with("got multiple values")) {
        return None;
    }
    let is_marked =
        function.decorators.iter().any(|d| matches!(d.as_name(), Some("staticmethod" | "classmethod")));
    let first = function.signature.params.first();
    let has_self = first.is_some_and(|p| matches!(&*p.name, "self" | "cls" | "_self" | "this" | "mcs"));
    let by_object = matches!(&call.func.kind, ExprKind::Attribute { .. });
    if is_marked || has_self || function.signature.vararg.is_some() || !by_object {
        return None;
    }
    let open = function.signature.span.start + 1;
    let text = if function.signature.params.is_empty() { "self" } else { "self, " };
    Some(
        new(0.95)
            .because(format!(
                "The method {} ({}) has no `self` parameter, so that the object itself is taken for its first argument",
                code(&callee.name),
                line_of(&callee.place)
            ))
            .suggest(format!("Add `self` to `{}`, or mark it `@staticmethod`", callee.name))
            .suspect(&callee.place, 0.95, "a method without `self`")
            .suspect(&spot.place_of(call.expr.span), 0.3, "the call")
            .mend(Draft::edits(
                target(&callee.place),
                format!("Add `self` to `{}` ({})", callee.name, line_of(&callee.place)),
                "A method is given its object as first argument",
                vec![TextEdit::insert(&callee.path, open, text)],
            )),
    )
}

fn unexpected(
    spot: &Spot<'_>,
    call: &Call<'_>,
    function: &Function,
    rest: &str,
    new: &dyn Fn(f64) -> Finding,
) -> Option<Finding> {
    let callee = &call.callee;
    let name = *quoted(rest).first()?;
    if let Some(finding) = given::by_mapping(spot, call, callee.params(function), name, new) {
        return Some(finding);
    }
    let keyword = call.keywords.iter().find(|k| k.name.as_deref() == Some(name));
    let here = keyword.map_or_else(|| spot.place_of(call.expr.span), |k| spot.place_of(k.name_span));
    let params = callee.params(function);
    if params.iter().any(|p| *p.name == *name && p.kind == ParamKind::PositionalOnly) {
        let edit = keyword.map(|k| {
            let start = k.span.start;
            TextEdit::replace(
                &spot.place.path,
                crate::workspace::python::Span { start, end: k.value.span.start },
                "",
            )
        });
        let follows = call.keywords.first().is_some_and(|k| k.name.as_deref() == Some(name));
        return Some(
            new(0.9)
                .because(format!(
                    "{} gives {} of {} by name, but it can be given by position only",
                    at(spot.place),
                    code(name),
                    code(&callee.name)
                ))
                .suggest(format!("Give `{name}` by position"))
                .suspect(&here, 0.9, "a positional-only parameter")
                .mend(
                    edit.filter(|_| {
                        follows
                            && call.args.len()
                                == params.iter().position(|p| *p.name == *name).unwrap_or(usize::MAX)
                    })
                    .map(|edit| {
                        Draft::edits(
                            spot.target(),
                            format!("Give `{name}` by position ({})", line_of(spot.place)),
                            "It has no name for callers",
                            vec![edit],
                        )
                    }),
                ),
        );
    }
    if params.iter().any(|p| *p.name == *name) {
        return None;
    }
    let given = |p: &&Param| {
        let at = params.iter().position(|other| other.name == p.name).unwrap_or(usize::MAX);
        p.kind == ParamKind::KeywordOnly || at >= call.args.len()
    };
    let free: Vec<&Param> = params
        .iter()
        .filter(|p| {
            p.kind != ParamKind::PositionalOnly
                && !call.keywords.iter().any(|k| k.name.as_ref() == Some(&p.name))
        })
        .filter(given)
        .collect();
    let mut found = near(name, free.iter().map(|p| (p.name.to_string(), ())));
    // One name too many here, one required name missing there: they are the same thing.
    let required: Vec<&&Param> = free.iter().filter(|p| p.default.is_none()).collect();
    let extra = call
        .keywords
        .iter()
        .filter(|k| k.name.as_ref().is_some_and(|n| !params.iter().any(|p| p.name == *n)))
        .count();
    let mut by_elimination = false;
    if found.is_none()
        && extra == 1
        && let [only] = required.as_slice()
    {
        by_elimination = true;
        found = Some(crate::diagnose::rules::near::Near {
            name: only.name.to_string(),
            with: (),
            likeness: 0.7,
            is_certain: false,
        });
    }
    let Some(near) = found else {
        let names = params.iter().map(|p| code(&p.name)).collect::<Vec<_>>().join(", ");
        return Some(
            new(0.7)
                .because(format!(
                    "{} gives {} to {} ({}), which takes {}",
                    at(spot.place),
                    code(name),
                    code(&callee.name),
                    line_of(&callee.place),
                    if names.is_empty() { "no such argument".to_owned() } else { names }
                ))
                .suggest(format!("Leave `{name}` out of the call, or add it to `{}`", callee.name))
                .suspect(&here, 0.6, format!("`{}` has no parameter `{name}`", callee.name))
                .suspect(&callee.place, 0.55, format!("the signature that should have `{name}`")),
        );
    };
    let confidence = match (near.is_certain, by_elimination) {
        (true, _) => 0.93,
        (false, true) => 0.75,
        (false, false) => 0.65,
    };
    let edit = keyword.map(|k| TextEdit::replace(&spot.place.path, k.name_span, near.name.clone()));
    Some(
        new(confidence)
            .because(format!(
                "{} gives {} to {}, whose parameter is called {} ({})",
                at(spot.place),
                code(name),
                code(&callee.name),
                code(&near.name),
                line_of(&callee.place)
            ))
            .suggest(format!("Change `{name}=` to `{}=`", near.name))
            .suspect(&here, 0.88, format!("the parameter is `{}`", near.name))
            .suspect(&callee.place, 0.45, "the signature, if its parameter was renamed by mistake")
            .mend(edit.map(|edit| {
                Draft::edits(
                    spot.target(),
                    format!("Change `{name}=` to `{}=` ({})", near.name, line_of(spot.place)),
                    format!("`{}` calls it so", callee.name),
                    vec![edit],
                )
            })),
    )
}

fn missing(
    spot: &Spot<'_>,
    call: &Call<'_>,
    function: &Function,
    rest: &str,
    new: &dyn Fn(f64) -> Finding,
) -> Finding {
    let callee = &call.callee;
    let names = quoted(rest);
    let listed = names.iter().map(|n| code(n)).collect::<Vec<_>>().join(" and ");
    let here = spot.place_of(call.expr.span);
    // An object was not made: `Cart.total()` for `Cart().total()`.
    if names == ["self"] {
        let class = callee.name.rsplit_once('.').map_or("", |(class, _)| class);
        return new(0.9)
            .because(format!(
                "{} calls the method {} on the class {} itself, not on an object of it",
                at(spot.place),
                code(&callee.name),
                code(class)
            ))
            .suggest(format!("Make an object first: `{class}(…).{}(…)`", function.name))
            .suspect(&here, 0.9, "there is no object")
            .suspect(&callee.place, 0.2, "the method");
    }
    // Variables of just these names are at hand.
    let visible = spot.module().visible(spot.place.line);
    let at_hand = names.iter().all(|n| visible.iter().any(|b| *b.name == **n && b.line < spot.place.line));
    let close = call.expr.span.end.saturating_sub(1);
    let is_empty = call.args.is_empty() && call.keywords.is_empty();
    let has_comma = spot.source.text()[..close as usize].trim_end().ends_with(',');
    let given = names.iter().map(|n| format!("{n}={n}")).collect::<Vec<_>>().join(", ");
    let comma = match (is_empty, has_comma) {
        (true, _) => "",
        (false, true) => " ",
        (false, false) => ", ",
    };
    let one_line = !spot.text(call.expr.span).contains('\n');
    let elsewhere = if let ([name], true) = (names.as_slice(), one_line && !at_hand) {
        given::as_elsewhere(spot, call, function, name)
    } else {
        None
    };
    let draft = (at_hand && one_line).then(|| {
        Draft::edits(
            spot.target(),
            format!("Give {listed} ({})", line_of(spot.place)),
            "Variables of that name are at hand",
            vec![TextEdit::insert(&spot.place.path, close, format!("{comma}{given}"))],
        )
    });
    new(0.85)
        .because(format!(
            "{} calls {} without {listed}, which {} requires ({})",
            at(spot.place),
            code(spot.text(call.func.span)),
            code(&callee.shown(function)),
            line_of(&callee.place)
        ))
        .suggest(format!("Give {listed} in the call, or a default in `{}`", callee.name))
        .suspect(&here, 0.75, format!("does not give {listed}"))
        .suspect(&callee.place, 0.6, format!("requires {listed}"))
        .mend(draft)
        .mend(elsewhere.map(|argument| {
            Draft::edits(
                spot.target(),
                format!("Give {listed}: {} ({})", code(&argument), line_of(spot.place)),
                "It is what other calls give, or what the other arguments come from",
                vec![TextEdit::insert(&spot.place.path, close, format!("{comma}{argument}"))],
            )
        }))
        .mend(Draft::advice(
            target(&callee.place),
            format!("Give {listed} a default in `{}` ({})", callee.name, line_of(&callee.place)),
            "if callers need not know of it",
        ))
}

fn too_many(
    spot: &Spot<'_>,
    call: &Call<'_>,
    function: &Function,
    rest: &str,
    new: &dyn Fn(f64) -> Finding,
) -> Finding {
    let callee = &call.callee;
    let here = spot.place_of(call.expr.span);
    let params = callee.params(function);
    let positional: Vec<&Param> = params.iter().filter(|p| p.kind != ParamKind::KeywordOnly).collect();
    let keyword_only: Vec<&Param> = params.iter().filter(|p| p.kind == ParamKind::KeywordOnly).collect();
    let extra: Vec<&Expr> = call.args.iter().skip(positional.len()).collect();
    let starred = call.args.iter().any(|a| matches!(a.kind, ExprKind::Starred(_)));
    let free: Vec<&&Param> = keyword_only
        .iter()
        .filter(|p| !call.keywords.iter().any(|k| k.name.as_ref() == Some(&p.name)))
        .collect();
    if !starred && !extra.is_empty() && extra.len() <= free.len() {
        let edits = extra
            .iter()
            .zip(&free)
            .map(|(arg, param)| {
                TextEdit::insert(&spot.place.path, arg.span.start, format!("{}=", param.name))
            })
            .collect();
        let names = free.iter().take(extra.len()).map(|p| code(&p.name)).collect::<Vec<_>>().join(" and ");
        return new(if free.len() == extra.len() { 0.92 } else { 0.7 })
            .because(format!(
                "{} gives {} to {} by position, but {names} can be given by name only ({})",
                at(spot.place),
                code(&extra.iter().map(|e| spot.text(e.span)).collect::<Vec<_>>().join(", ")),
                code(&callee.name),
                line_of(&callee.place)
            ))
            .suggest(format!("Give {names} by name"))
            .suspect(&here, 0.88, "gives a keyword-only parameter by position")
            .suspect(&callee.place, 0.35, "the signature, if it should not be keyword-only")
            .mend((free.len() == extra.len()).then(|| {
                Draft::edits(
                    spot.target(),
                    format!("Give {names} by name ({})", line_of(spot.place)),
                    "They are keyword-only",
                    edits,
                )
            }));
    }
    let counts = rest.trim_start_matches("takes ");
    let surplus = extra.iter().map(|e| code(spot.text(e.span))).collect::<Vec<_>>().join(", ");
    let what = if surplus.is_empty() { String::new() } else { format!(": {surplus} too many") };
    new(0.82)
        .because(format!(
            "{} gives too many arguments to {} ({}), which takes {counts}{what}",
            at(spot.place),
            code(&callee.shown(function)),
            line_of(&callee.place)
        ))
        .suggest(format!("Leave out what `{}` does not take, or add a parameter to it", callee.name))
        .suspect(&here, 0.7, "gives more than is taken")
        .suspect(&callee.place, 0.6, "the signature that was called")
}

/// Whether a statement is a `def`; for the rules of this family.
pub(super) fn enclosing_def<'s>(spot: &'s Spot<'_>) -> Option<&'s Function> {
    spot.module().path_to(spot.place.line).into_iter().rev().find_map(|stmt| match &stmt.kind {
        StmtKind::Function(function) => Some(&**function),
        _ => None,
    })
}

#[cfg(test)]
mod tests;
