//! Names that a test replaces: with `unittest.mock.patch`, pytest's `monkeypatch`, `mocker`, and mocks with a spec.

mod active;
mod signature;
mod swapped;

use crate::diagnose::Finding;
use crate::diagnose::case::{Case, at, code, line_of};
use crate::diagnose::draft::{Draft, TextEdit};
use crate::diagnose::rules::edits;
use crate::diagnose::rules::near::{loosely, near};
use crate::diagnose::rules::spot::{Spot, between, line};
use crate::model::{Category, FixTarget, Place, RelPath, Severity};
use crate::workspace::members::{Member, members};
use crate::workspace::python::{Expr, ExprKind, Span};
use crate::workspace::resolve::{Symbol, assigned};

use active::{Patch, patches};
pub(super) use signature::not_accepted;
pub(super) use swapped::swapped;

/// What a patch names.
enum Owner {
    Module(RelPath),
    Class(RelPath, String),
}

impl Owner {
    fn members(&self, spot: &Spot<'_>) -> Vec<Member> {
        match self {
            Self::Module(file) => {
                let Some(source) = spot.workspace.source(file) else { return Vec::new() };
                let globals = source.module().globals();
                globals
                    .into_iter()
                    .map(|b| Member { name: b.name.to_string(), place: line(file, b.line), kind: b.kind })
                    .collect()
            }
            Self::Class(file, class) => members(spot.workspace, file, class).0,
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Module(file) => format!("the module {}", code(file.as_str())),
            Self::Class(file, class) => format!("the class {} ({})", code(class), file.as_str()),
        }
    }
}

/// A patch of an attribute that its object does not have.
pub(super) fn no_such_target(case: &Case<'_>) -> Option<Finding> {
    let root =
        case.root().filter(|root| matches!(root.short_type(), "AttributeError" | "ModuleNotFoundError"))?;
    let message = root.message.lines().next()?;
    // A decorator is applied before any line of the test runs.
    let definition = case.definition();
    let spot = Spot::nearest(case).or_else(|| Spot::given(case.workspace, definition.as_ref()?))?;
    let all = patches(&spot.source, spot.place.line);
    let name = between(message, "does not have the attribute '", "'")
        .or_else(|| between(message, "has no attribute '", "'"))
        .or_else(|| message.rsplit_once("No module named '").map(|(_, rest)| rest.trim_end_matches('\'')))?;
    let last = name.rsplit('.').next().unwrap_or(name);
    // The patch at the line, else the only one with that name.
    let patch = all.iter().find(|p| p.mentions(last, name))?;
    let owner = owner(&spot, patch, name)?;
    let all = owner.members(&spot);
    if all.iter().any(|m| m.name == last) {
        return None;
    }
    let here = spot.place_of(patch.span);
    let new = |confidence| {
        Finding::new("mock-target-missing", Category::Other, Severity::High, confidence)
            .shown(format!("{} replaces {}", line_of(&here), code(&patch.shown)), Some(&here))
            .suspect(&here, 0.88, format!("there is no `{last}` to replace"))
    };
    // Names that share a word count if they are the only ones.
    let public = all.iter().filter(|m| !m.name.starts_with("__"));
    let candidates: Vec<(String, Place)> = public.map(|m| (m.name.clone(), m.place.clone())).collect();
    let meant = near(last, candidates.clone()).or_else(|| loosely(last, &candidates));
    let shown = owner.shown();
    let Some(meant) = meant else {
        let elsewhere: Vec<_> = spot.workspace.symbols().find(last).iter().collect();
        let hint = match elsewhere[..] {
            [only] => format!("; `{last}` is defined in {}:{}", only.path.as_str(), only.line),
            _ => String::new(),
        };
        return Some(
            new(0.85)
                .because(format!(
                    "{} replaces {} of {shown}, which has no such name{hint}",
                    at(&here),
                    code(last)
                ))
                .suggest(format!("Replace a name that {shown} has"))
                .mend(Draft::advice(
                    FixTarget::Test,
                    format!("Patch a name that {shown} has ({})", line_of(&here)),
                    format!("There is no `{last}`"),
                )),
        );
    };
    let edit = patch.rename(&spot.source, last, &meant.name);
    Some(
        new(if meant.likeness >= 0.5 { 0.92 } else { 0.85 })
            .because(format!(
                "{} replaces {} of {shown}, which has no such name; {} ({}) is {} meant",
                at(&here),
                code(last),
                code(&meant.name),
                line_of(&meant.with),
                if meant.is_certain { "probably" } else { "perhaps" }
            ))
            .suggest(format!("Replace `{}` instead of `{last}`", meant.name))
            .shown(format!("`{}` is defined here", meant.name), Some(&meant.with))
            .mend(edit.map(|edit| {
                Draft::edits(
                    FixTarget::Test,
                    format!("Patch `{}` instead of `{last}` ({})", meant.name, line_of(&here)),
                    "That name exists",
                    vec![edit],
                )
            })),
    )
}

/// The module or class whose attribute the patch names.
fn owner(spot: &Spot<'_>, patch: &Patch, name: &str) -> Option<Owner> {
    if let Some(object) = &patch.object {
        let expr = find(&spot.source, *object)?;
        return match spot.resolver().infer(&spot.place.path, spot.place.line, expr, 0)? {
            Symbol::Module(file) => Some(Owner::Module(file)),
            Symbol::Class(file, class) | Symbol::Instance(file, class) => {
                Some(Owner::Class(file, class.to_string()))
            }
            Symbol::Function(..) => None,
        };
    }
    // The dotted target up to the name that is missing.
    let dotted = &*patch.shown;
    let last = name.rsplit('.').next().unwrap_or(name);
    let parts: Vec<&str> = dotted.split('.').collect();
    let missing = parts.iter().rposition(|part| *part == last)?;
    let before = parts[..missing].join(".");
    if let Some(file) = spot.workspace.module_file(&spot.place.path, &before, 0) {
        return Some(Owner::Module(file));
    }
    let (module, class) = before.rsplit_once('.')?;
    let file = spot.workspace.module_file(&spot.place.path, module, 0)?;
    match spot.resolver().global(&file, class, 0)? {
        Symbol::Class(file, class) => Some(Owner::Class(file, class.to_string())),
        Symbol::Module(file) => Some(Owner::Module(file)),
        _ => None,
    }
}

/// The expression with that range.
fn find(source: &crate::workspace::SourceFile, span: Span) -> Option<&Expr> {
    let mut found = None;
    source.module().walk(&mut |stmt| {
        for expr in stmt.expressions() {
            expr.walk(&mut |part| {
                if part.span == span {
                    found = Some(part);
                }
            });
        }
    });
    found
}

/// `Mock object has no attribute 'x'`: the mock has a spec.
pub(super) fn not_in_spec(case: &Case<'_>) -> Option<Finding> {
    let root = case.root().filter(|root| root.short_type() == "AttributeError")?;
    let name = between(&root.message, "Mock object has no attribute '", "'")
        .or_else(|| between(&root.message, "mock has no attribute '", "'"))?;
    let spot = Spot::nearest(case)?;
    let (mock, span) = spot.expressions().into_iter().find_map(|expr| match &expr.kind {
        ExprKind::Attribute { value, attr, attr_span } if **attr == *name => Some((&**value, *attr_span)),
        _ => None,
    })?;
    let text = spot.text(mock.span).to_owned();
    let made = made_with_spec(case, &spot, mock);
    let here = spot.place_of(span);
    let new = |confidence| {
        Finding::new("mock-spec", Category::Other, Severity::High, confidence)
            .shown(format!("{} asks for {}", at(spot.place), code(&format!("{text}.{name}"))), Some(&here))
            .suspect(&here, 0.85, format!("the spec has no `{name}`"))
    };
    let Some((file, class, function)) = made else {
        return Some(
            new(0.7)
                .because(format!(
                    "{} asks the mock {} for {}, which its spec does not have",
                    at(spot.place),
                    code(&text),
                    code(name)
                ))
                .suggest(format!(
                    "Use an attribute that the spec has, or correct the spec, at {}",
                    line_of(spot.place)
                ))
                .mend(Draft::advice(
                    spot.target(),
                    format!("Use a name that the spec has instead of `{name}` ({})", line_of(spot.place)),
                    "A mock with a spec has the spec's attributes only",
                )),
        );
    };
    let (all, _) = members(case.workspace, &file, &class);
    if all.iter().any(|m| m.name == name && m.kind != crate::workspace::python::BindingKind::Attribute) {
        return None;
    }
    let class_place = spot.resolver().place(&file, &class)?;
    if all.iter().any(|m| m.name == name) {
        // Set in `__init__`: a spec made of the class does not see it.
        return Some(
            new(0.85)
                .because(format!(
                    "{} asks the mock {} for {}, which `{class}` ({}) sets on its objects only: a spec made of the class does not see it",
                    at(spot.place),
                    code(&text),
                    code(name),
                    line_of(&class_place)
                ))
                .suggest(format!("Set `{text}.{name}` on the mock, or declare `{name}` in the class"))
                .mend(Draft::advice(FixTarget::Test, format!("Make the mock from an object of `{class}`, or set `{name}` on it"), "Attributes that `__init__` sets are not in the class")),
        );
    }
    let public: Vec<(String, Place)> =
        all.iter().filter(|m| !m.name.starts_with('_')).map(|m| (m.name.clone(), m.place.clone())).collect();
    let meant = near(name, public.clone()).filter(|n| n.likeness >= 0.5).or_else(|| {
        // What the code under test asks of such an object.
        let used: Vec<&(String, Place)> = public.iter().filter(|(n, _)| is_used(case, &spot, n)).collect();
        match used[..] {
            [only] => Some(crate::diagnose::rules::near::Near {
                name: only.0.clone(),
                with: only.1.clone(),
                likeness: 0.5,
                is_certain: false,
            }),
            _ => loosely(name, &public),
        }
    });
    let names: Vec<String> = public.iter().take(6).map(|(n, _)| code(n)).collect();
    let has = if names.is_empty() { "nothing public".to_owned() } else { names.join(", ") };
    let spec = if function { "the function" } else { "the class" };
    let mut finding = new(0.88).because(format!(
        "{} asks the mock {} for {}, but its spec, {spec} `{class}` ({}), has no such name; it has {has}",
        at(spot.place),
        code(&text),
        code(name),
        line_of(&class_place)
    ));
    finding = finding.suggest(format!("Use a name that `{class}` has, or add `{name}` to it")).suspect(
        &class_place,
        0.3,
        "the spec",
    );
    Some(match meant {
        Some(meant) => finding.mend(Draft::edits(
            spot.target(),
            format!("Change `{name}` to `{}` ({})", meant.name, line_of(spot.place)),
            format!("`{class}` has `{}` ({})", meant.name, line_of(&meant.with)),
            every_use(&spot, &text, name, &meant.name),
        )),
        None => finding.mend(Draft::advice(
            spot.target(),
            format!("Use a name that `{class}` has instead of `{name}` ({})", line_of(spot.place)),
            "A mock with a spec has the spec's attributes only",
        )),
    })
}

/// The edits of each `mock.name` in the function.
fn every_use(spot: &Spot<'_>, mock: &str, name: &str, right: &str) -> Vec<TextEdit> {
    let mut spans = Vec::new();
    let mut visit = |stmt: &crate::workspace::python::Stmt| {
        for expr in stmt.expressions() {
            expr.walk(&mut |part| {
                if let ExprKind::Attribute { value, attr, attr_span } = &part.kind
                    && **attr == *name
                    && spot.text(value.span) == mock
                {
                    spans.push(*attr_span);
                }
            });
        }
    };
    match spot.function() {
        Some(function) => function.body.iter().for_each(|stmt| stmt.walk(true, &mut |stmt| visit(stmt))),
        None => spot.module().walk(&mut |stmt| visit(stmt)),
    }
    spans.sort_unstable();
    spans.dedup();
    spans.into_iter().map(|span| TextEdit::replace(&spot.place.path, span, right)).collect()
}

/// Whether a module that the test's file imports asks something for `.name`.
fn is_used(case: &Case<'_>, spot: &Spot<'_>, name: &str) -> bool {
    spot.module().imports().iter().any(|import| {
        let file = case.workspace.module_file(&spot.place.path, &import.module, import.level);
        file.and_then(|file| case.workspace.source(&file)).is_some_and(|source| {
            let mut found = false;
            source.module().walk(&mut |stmt| {
                for expr in stmt.expressions() {
                    expr.walk(&mut |part| {
                        if let ExprKind::Call { func, .. } = &part.kind
                            && let ExprKind::Attribute { attr, .. } = &func.kind
                        {
                            found |= **attr == *name;
                        }
                    });
                }
            });
            found
        })
    })
}

/// The class (or function) that the mock's spec is, from where the mock is made: in the function, or in a fixture.
fn made_with_spec(case: &Case<'_>, spot: &Spot<'_>, mock: &Expr) -> Option<(RelPath, String, bool)> {
    let of_call = |path: &RelPath, at: u32, call: &Expr| -> Option<(RelPath, String, bool)> {
        let ExprKind::Call { func, args, keywords, .. } = &call.kind else { return None };
        let dotted = func.dotted()?;
        let maker = dotted.rsplit('.').next()?;
        let spec = keywords
            .iter()
            .find(|k| matches!(k.name.as_deref(), Some("spec" | "spec_set" | "autospec")))
            .map(|k| &k.value);
        let spec = match maker {
            "create_autospec" | "Mock" | "MagicMock" | "AsyncMock" | "NonCallableMock" => {
                spec.or(args.first())
            }
            _ => None,
        }?;
        match spot.resolver().infer(path, at, spec, 0)? {
            Symbol::Class(file, class) | Symbol::Instance(file, class) => {
                Some((file, class.to_string(), false))
            }
            Symbol::Function(file, name) => Some((file, name.to_string(), true)),
            Symbol::Module(_) => None,
        }
    };
    let name = mock.as_name()?;
    if let Some(function) = spot.function()
        && let Some((at, value)) = assigned(&function.body, name, spot.place.line, &spot.source)
    {
        return of_call(&spot.place.path, at, value);
    }
    // The frames that called with it, and fixtures of its name.
    let (file, fixture) = spot.resolver().fixture_function(&spot.place.path, name)?;
    let source = case.workspace.source(&file)?;
    let function = source.module().function(&fixture)?;
    let mut found = None;
    for stmt in &function.body {
        stmt.walk(false, &mut |stmt| {
            for expr in stmt.expressions() {
                expr.walk(&mut |part| {
                    if found.is_none() {
                        found = of_call(&file, stmt.start_line, part);
                    }
                });
            }
        });
    }
    found
}

/// A patch that has no effect, because the code under test has taken the name into its own module.
pub(super) fn elsewhere(case: &Case<'_>) -> Option<Finding> {
    let (_, place) = case.test_frame()?;
    let source = case.workspace.source(&place.path)?;
    let root = case.root()?;
    let mut found = None;
    for patch in patches(&source, place.line) {
        let Some((user, name, definition)) = taken_by(case, place, &source, &patch) else { continue };
        // The real thing ran, or the test's own statement tells that the replacement was not used.
        let ran = root.frames.iter().any(|frame| {
            frame.place.as_ref().is_some_and(|p| {
                p.path == definition.path
                    && p.function.as_deref().is_some_and(|f| f.rsplit('.').next() == Some(&*name))
            })
        });
        let in_test = root.frames.last().is_some_and(|frame| frame.place.as_ref() == Some(place))
            && root.short_type() == "AssertionError";
        if ran || in_test {
            if found.is_some() {
                return None;
            }
            found = Some((patch, user, name, definition, ran));
        }
    }
    let (patch, user, name, definition, ran) = found?;
    let here = source.place(patch.span);
    let user_module = super::names::variable::module_name(user.path.as_str());
    let target = format!("{user_module}.{name}");
    let effect = if ran { "the real one ran" } else { "the replacement is not used" };
    let edit = patch.retarget(&source, &target);
    Some(
        Finding::new("mock-target-elsewhere", Category::AssertionFailure, Severity::High, if ran { 0.93 } else { 0.85 })
            .because(format!(
                "{} patches {} where it is defined, but {} has imported {} by name ({}) and looks it up there: {effect}",
                at(&here),
                code(&patch.shown),
                code(user.path.as_str()),
                code(&name),
                line_of(&user)
            ))
            .suggest(format!("Patch `{target}`, where the code under test looks the name up"))
            .shown(format!("`{name}` is imported by name here"), Some(&user))
            .shown(format!("`{name}` is defined here"), Some(&definition))
            .suspect(&here, 0.88, format!("replaces `{name}` where nobody looks it up"))
            .suspect(&user, 0.4, format!("has taken `{name}` into its own module"))
            .mend(Draft::edits(
                FixTarget::Test,
                format!("Patch `{target}` ({})", line_of(&here)),
                "A name is looked up in the module that uses it",
                edit,
            )),
    )
}

/// The module that has imported by name what the patch replaces (the place of the import), the name there, and where
/// it is defined.
#[expect(clippy::single_match_else, reason = "two cases of equal weight")]
fn taken_by(
    case: &Case<'_>,
    place: &Place,
    source: &crate::workspace::SourceFile,
    patch: &Patch,
) -> Option<(Place, String, Place)> {
    let workspace = case.workspace;
    let resolver = crate::workspace::resolve::Resolver::new(workspace);
    let (file, name) = match &patch.object {
        Some(object) => {
            let expr = find(source, *object)?;
            let Symbol::Module(file) = resolver.infer(&place.path, place.line, expr, 0)? else { return None };
            (file, patch.attribute.clone()?)
        }
        None => {
            let (module, name) = patch.shown.rsplit_once('.')?;
            (workspace.module_file(&place.path, module, 0)?, name.to_owned())
        }
    };
    let module = workspace.source(&file)?;
    let definition = module.module().definition_exact(&name)?;
    let definition =
        Place { function: Some(definition.qualified_name.clone()), ..line(&file, definition.name_line) };
    let mut users = Vec::new();
    for import in source.module().imports() {
        let dotted = match &import.name {
            Some(name) => [format!("{}.{name}", import.module), import.module.to_string()],
            None => [import.module.to_string(), String::new()],
        };
        let user = dotted
            .iter()
            .filter(|d| !d.is_empty())
            .find_map(|d| workspace.module_file(&place.path, d, import.level));
        let Some(user) = user.filter(|user| *user != file && *user != place.path) else { continue };
        // A package's `__init__` that passes on what the module defines is not the one that uses it.
        let Some(user_source) = workspace.source(&user) else { continue };
        let taken = user_source.module().imports().into_iter().find(|i| {
            i.name.as_deref() == Some(&*name)
                && workspace.module_file(&user, &i.module, i.level).as_ref() == Some(&file)
        });
        if let Some(taken) = taken {
            let bound = taken.bound_name().to_owned();
            let mut is_called = false;
            user_source.module().walk(&mut |stmt| {
                for expr in stmt.expressions() {
                    expr.walk(&mut |part| is_called |= part.as_name() == Some(&bound));
                }
            });
            let entry = (line(&user, taken.line), bound);
            if is_called && !users.contains(&entry) {
                users.push(entry);
            }
        }
    }
    let [(user, bound)] = users.as_slice() else { return None };
    Some((user.clone(), bound.clone(), definition))
}

impl Patch {
    /// Whether the patch is about `last`, or about the module `whole`.
    fn mentions(&self, last: &str, whole: &str) -> bool {
        self.attribute.as_deref() == Some(last)
            || (self.object.is_none()
                && (self.shown.split('.').any(|part| part == last) || self.shown.starts_with(whole)))
    }

    /// The edit that puts `right` for `wrong` in the target.
    fn rename(&self, source: &crate::workspace::SourceFile, wrong: &str, right: &str) -> Option<TextEdit> {
        let found = edits::words(source, self.name_span, wrong);
        Some(TextEdit::replace(source.path(), *found.last()?, right))
    }

    /// The edits that make the patch replace `target`.
    fn retarget(&self, source: &crate::workspace::SourceFile, target: &str) -> Vec<TextEdit> {
        let literal = edits::literal(source, target);
        match self.object {
            None => vec![TextEdit::replace(source.path(), self.name_span, literal)],
            // `patch.object(module, "name")` → `patch("other.name")`
            Some(object) => {
                let span = Span { start: object.start, end: self.name_span.end };
                let mut all = vec![TextEdit::replace(source.path(), span, literal)];
                if let Some(dot) = self.dot_object {
                    all.push(TextEdit::replace(source.path(), dot, ""));
                }
                all
            }
        }
    }
}
