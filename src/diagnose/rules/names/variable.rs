//! `NameError` and `UnboundLocalError`.

use crate::diagnose::case::{Case, at, code, line_of};
use crate::diagnose::draft::TextEdit;
use crate::diagnose::rules::near::near;
use crate::diagnose::rules::spot::{Spot, between, line};
use crate::diagnose::{Draft, Finding};
use crate::model::{Category, FixTarget, Severity};
use crate::workspace::python::{BindingKind, Expr, ExprKind, Span, StmtKind};
use crate::workspace::symbols::SymbolKind;

/// `name 'x' is not defined`: a slip, a missing `self.`, a missing import, a name of another scope.
pub(in crate::diagnose::rules) fn variable(case: &Case<'_>) -> Option<Finding> {
    let exception = case.root().filter(|e| e.short_type() == "NameError")?;
    let name = between(&exception.message, "name '", "' is not defined")?;
    let spot = Spot::of(case)?;
    let used = uses(&spot, name);
    let first = used.first().copied();
    let new = |confidence: f64| {
        let confidence = if first.is_some() { confidence } else { confidence.min(0.5) };
        let severity = if spot.target() == FixTarget::Test { Severity::Medium } else { Severity::High };
        Finding::new("names-undefined", Category::Other, severity, confidence)
            .shown(format!("{} uses {}", at(spot.place), code(name)), Some(spot.place))
    };
    let here = first.map_or_else(|| spot.place.clone(), |span| spot.place_of(span));
    let replace = |with: &str| {
        let edits: Vec<TextEdit> =
            used.iter().map(|&span| TextEdit::replace(&spot.place.path, span, with)).collect();
        (!edits.is_empty()).then(|| {
            Draft::edits(
                spot.target(),
                format!("Change `{name}` to `{with}` ({})", line_of(spot.place)),
                format!("`{name}` is not defined there, `{with}` is"),
                edits,
            )
        })
    };
    // Spellings of other languages.
    if let Some(python) = foreign_constant(name) {
        return Some(
            new(0.97)
                .because(format!(
                    "{} uses {}, which Python spells {}",
                    at(spot.place),
                    code(name),
                    code(python)
                ))
                .suggest(format!("Write `{python}` instead of `{name}`"))
                .suspect(&here, 0.97, format!("`{name}` is not a name of Python"))
                .mend(replace(python)),
        );
    }
    if let Some(finding) = missing_self(&spot, name, &here, &new, &used) {
        return Some(finding);
    }
    let bindings = spot.module().visible(spot.place.line);
    if let Some(later) = bindings.iter().find(|b| *b.name == *name && b.line > spot.place.line) {
        let place = line(&spot.place.path, later.line);
        return Some(
            new(0.85)
                .because(format!(
                    "{} uses {} before it is defined in line {} of the same file",
                    at(spot.place),
                    code(name),
                    later.line
                ))
                .suggest(format!("Move the definition of `{name}` above line {}", spot.place.line))
                .shown(format!("`{name}` is defined only here"), Some(&place))
                .suspect(&here, 0.85, format!("runs before line {} defines `{name}`", later.line)),
        );
    }
    let candidates = bindings
        .iter()
        .filter(|b| {
            b.line < spot.place.line || b.kind != BindingKind::Variable || !is_same_scope(&spot, b.line)
        })
        .map(|b| (b.name.to_string(), Some((b.line, b.kind))))
        .chain(BUILTINS.iter().map(|n| ((*n).to_owned(), None)));
    let hint = between(&exception.message, "Did you mean: '", "'");
    let mut found = near(name, candidates);
    if let (Some(near), Some(hint)) = (&mut found, hint) {
        near.is_certain |= near.name == hint;
    }
    let import = import_for(&spot, name);
    if let Some(near) = found.filter(|near| import.is_none() && near.likeness >= 0.7) {
        let (what, defined) = match near.with {
            Some((bound, kind)) => {
                (format!("the {} {} (line {bound})", kind_name(kind), code(&near.name)), Some(bound))
            }
            None => (format!("the builtin {}", code(&near.name)), None),
        };
        let mut finding = new(if near.is_certain { 0.93 } else { 0.6 })
            .because(format!(
                "{} uses {}, which is not defined; {what} is probably meant",
                at(spot.place),
                code(name)
            ))
            .suggest(format!("Change `{name}` to `{}`", near.name))
            .suspect(&here, 0.93, format!("`{name}` is bound nowhere, `{}` is", near.name))
            .mend(replace(&near.name));
        if let Some(bound) = defined {
            finding = finding
                .shown(format!("`{}` is defined here", near.name), Some(&line(&spot.place.path, bound)));
        }
        return Some(finding);
    }
    if let Some((statement, from)) = import {
        return Some(
            new(0.92)
                .because(format!("{} is used in {} but never imported there", code(name), at(spot.place)))
                .suggest(format!("Add `{statement}` to {}", spot.place.path.as_str()))
                .shown(from, None)
                .suspect(&here, 0.9, format!("`{name}` is not imported in this file"))
                .mend(add_import(&spot, &statement)),
        );
    }
    if let Some((function, bound)) = local_elsewhere(&spot, name) {
        let place = line(&spot.place.path, bound);
        return Some(
            new(0.75)
                .because(format!(
                    "{} uses {}, which is only a local variable of {} (line {bound})",
                    at(spot.place),
                    code(name),
                    code(&function)
                ))
                .suggest(format!("Pass `{name}` as an argument, return it, or define it where it is used"))
                .shown(format!("`{name}` is set in `{function}` only"), Some(&place))
                .suspect(&here, 0.75, format!("`{name}` is not visible here")),
        );
    }
    Some(
        new(0.6)
            .because(format!("{} uses {}, which is defined nowhere in its scope", at(spot.place), code(name)))
            .suggest(format!("Define or import `{name}` before line {}", spot.place.line))
            .suspect(&here, 0.7, format!("`{name}` is bound nowhere")),
    )
}

/// A local variable that is read before it is set: a missing `global`, or set on some branches only.
pub(in crate::diagnose::rules) fn unbound(case: &Case<'_>) -> Option<Finding> {
    let exception = case.root().filter(|e| e.short_type() == "UnboundLocalError")?;
    let name = between(&exception.message, "variable '", "'")?;
    let spot = Spot::of(case)?;
    let function = spot.function()?;
    let own: Vec<u32> = spot
        .module()
        .locals(function)
        .iter()
        .filter(|b| *b.name == *name && b.kind != BindingKind::Parameter)
        .map(|b| b.line)
        .collect();
    let first = *own.first()?;
    let global = spot.module().globals().into_iter().find(|b| *b.name == *name);
    let here = spot.place.clone();
    let new = |confidence| Finding::new("names-unbound", Category::Other, Severity::High, confidence);
    if let Some(global) = global {
        let stmt = function.body.first()?;
        let indent = indentation(&spot, stmt.span.start);
        let after_doc = function.body.get(1).filter(|_| is_docstring(&stmt.kind)).unwrap_or(stmt);
        let newline = if spot.source.text().contains("\r\n") { "\r\n" } else { "\n" };
        let edit = TextEdit::insert(
            &spot.place.path,
            after_doc.span.start,
            format!("global {name}{newline}{indent}"),
        );
        let place = line(&spot.place.path, global.line);
        return Some(
            new(0.9)
                .because(format!(
                    "{} reads {} before it is set: the assignment in line {first} makes it a local variable, so \
                     that the module's {} (line {}) is not seen: `global` is missing",
                    at(&here),
                    code(name),
                    code(name),
                    global.line
                ))
                .suggest(format!("Declare `global {name}` in `{}`, or use another name in it", function.qualified_name))
                .shown(format!("the assignment that makes `{name}` local"), Some(&line(&spot.place.path, first)))
                .shown(format!("`{name}` of the module"), Some(&place))
                .suspect(&here, 0.9, format!("`{name}` is local to `{}`", function.qualified_name))
                .mend(Draft::edits(
                    spot.target(),
                    format!("Add `global {name}` to `{}`", function.qualified_name),
                    format!("`{name}` then means the variable of line {}", global.line),
                    vec![edit],
                )),
        );
    }
    let set = own.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
    let branch = own.iter().find_map(|&bound| branch_of(&spot, bound, spot.place.line));
    let why = match &branch {
        Some(branch) => format!("it is set only inside {branch} (line {set}), which did not run"),
        None if first >= spot.place.line => format!("it is set only in line {set}"),
        None => format!("it is set in line {set}, which did not run"),
    };
    Some(
        new(if branch.is_some() { 0.85 } else { 0.75 })
            .because(format!("{} reads {} before it is set: {why}", at(&here), code(name)))
            .suggest(format!("Give `{name}` a value on every way to line {}", here.line))
            .shown(format!("`{name}` is set here"), Some(&line(&here.path, first)))
            .suspect(
                &line(&here.path, first),
                0.6,
                format!("the only place that sets `{name}` was passed by"),
            )
            .suspect(&here, 0.8, format!("reads `{name}`")),
    )
    .map(|mut finding| {
        finding.culprits.sort_by(|a, b| b.1.total_cmp(&a.1));
        finding
    })
}

/// The kind of block that holds `bound` but not `used`.
fn branch_of(spot: &Spot<'_>, bound: u32, used: u32) -> Option<String> {
    let module = spot.module();
    let outer: Vec<u32> = module.path_to(used).iter().map(|s| s.start_line).collect();
    let stmt = module
        .path_to(bound)
        .into_iter()
        .find(|s| !outer.contains(&s.start_line) && !s.bodies().is_empty())?;
    let kind = match stmt.kind {
        StmtKind::If(_) => "`if`",
        StmtKind::For { .. } => "`for`",
        StmtKind::While { .. } => "`while`",
        StmtKind::Try { .. } => "`try`",
        StmtKind::With { .. } => "`with`",
        StmtKind::Match { .. } => "`match`",
        _ => return None,
    };
    Some(format!("the {kind} of line {}", stmt.start_line))
}

/// Where the name stands in the failing statement.
fn uses(spot: &Spot<'_>, name: &str) -> Vec<Span> {
    let mut spans: Vec<Span> =
        spot.expressions().into_iter().filter(|e| e.as_name() == Some(name)).map(|e| e.span).collect();
    spans.sort_unstable();
    spans.dedup();
    spans
}

fn missing_self(
    spot: &Spot<'_>,
    name: &str,
    here: &crate::model::Place,
    new: &dyn Fn(f64) -> Finding,
    used: &[Span],
) -> Option<Finding> {
    let function = spot.function()?;
    let (class_name, _) = function.qualified_name.rsplit_once('.')?;
    let class = spot.module().class(class_name)?;
    let this = function.signature.params.first().filter(|p| matches!(&*p.name, "self" | "cls"))?;
    let attribute = spot.module().attributes(class).into_iter().find(|b| *b.name == *name);
    let is_inherited =
        attribute.is_none() && spot.resolver().member(&spot.place.path, class_name, name, 0).is_some();
    if attribute.is_none() && !is_inherited {
        return None;
    }
    let edits: Vec<TextEdit> = used
        .iter()
        .map(|span| TextEdit::insert(&spot.place.path, span.start, format!("{}.", this.name)))
        .collect();
    let mut finding = new(0.95)
        .because(format!(
            "{} uses {} as a variable, but it is an attribute of {}: `{}.` is missing",
            at(spot.place),
            code(name),
            code(class_name),
            this.name
        ))
        .suggest(format!("Write `{}.{name}`", this.name))
        .suspect(here, 0.95, format!("`{name}` is an attribute, not a variable"));
    if let Some(attribute) = attribute {
        finding = finding.shown(
            format!("`{class_name}.{name}` is defined here"),
            Some(&line(&spot.place.path, attribute.line)),
        );
    }
    let draft = Draft::edits(
        spot.target(),
        format!("Change `{name}` to `{}.{name}` ({})", this.name, line_of(spot.place)),
        format!("`{name}` is an attribute of `{class_name}`"),
        edits,
    );
    Some(finding.mend((!used.is_empty()).then_some(draft)))
}

/// The function of this file that has `name` as a local variable, and the line.
fn local_elsewhere(spot: &Spot<'_>, name: &str) -> Option<(String, u32)> {
    let module = spot.module();
    module.definitions().iter().filter(|d| !d.is_class).find_map(|d| {
        let function = module.function(&d.qualified_name)?;
        let bound = module
            .locals(function)
            .into_iter()
            .find(|b| *b.name == *name && b.kind != BindingKind::Parameter)?;
        Some((d.qualified_name.to_string(), bound.line))
    })
}

fn is_same_scope(spot: &Spot<'_>, bound: u32) -> bool {
    let scope = |line| spot.module().enclosing_function(line).map(|d| d.start_line);
    scope(bound) == scope(spot.place.line)
}

/// The statement that would import `name`, and why: as other files of the project do, as the project defines it,
/// or as everyone does.
fn import_for(spot: &Spot<'_>, name: &str) -> Option<(String, String)> {
    let symbols = spot.workspace.symbols();
    let is_module_like = spot
        .expressions()
        .iter()
        .any(|e| matches!(&e.kind, ExprKind::Attribute { value, .. } if value.as_name() == Some(name)));
    let is_called = spot
        .expressions()
        .iter()
        .any(|e| matches!(&e.kind, ExprKind::Call { func, .. } if func.as_name() == Some(name)));
    // `date` alone may be a slip; `date(…)`, `date.x` and `Decimal` are not.
    let is_api =
        is_module_like || is_called || name.starts_with(char::is_uppercase) || is_decorator(spot, name);
    if let Some((_, statement)) = WELL_KNOWN.iter().find(|(known, _)| *known == name).filter(|_| is_api) {
        // The project's own definition of that name is meant rather than the library's.
        if symbols.find(name).iter().all(|s| s.kind == SymbolKind::Method) {
            return Some(((*statement).to_owned(), format!("`{name}` is what `{statement}` gives")));
        }
    }
    let defined: Vec<_> = symbols
        .find(name)
        .iter()
        .filter(|s| s.kind != SymbolKind::Method && s.path != spot.place.path)
        .filter(|s| !crate::cluster::fingerprint::is_test_path(s.path.as_str()))
        .collect();
    if let [only] = defined[..] {
        let module = module_name(only.path.as_str());
        let statement = format!("from {module} import {name}");
        return Some((statement, format!("`{name}` is defined in {}:{}", only.path.as_str(), only.line)));
    }
    if is_module_like && STDLIB_MODULES.contains(&name) {
        return Some((format!("import {name}"), format!("`{name}` is a module of the standard library")));
    }
    None
}

fn is_decorator(spot: &Spot<'_>, name: &str) -> bool {
    spot.module().statement(spot.place.line).is_some_and(|stmt| {
        let decorators = match &stmt.kind {
            StmtKind::Function(f) => &f.decorators,
            StmtKind::Class(c) => &c.decorators,
            _ => return false,
        };
        decorators.iter().any(|d| d.as_name() == Some(name))
    })
}

/// The dotted name of a file of the project: without the source folder and `__init__`.
pub(in crate::diagnose::rules) fn module_name(path: &str) -> String {
    let path = path.strip_suffix(".py").unwrap_or(path);
    let path = path.strip_suffix("/__init__").unwrap_or(path);
    let path = ["src/", "lib/", "python/"].iter().find_map(|p| path.strip_prefix(p)).unwrap_or(path);
    path.replace('/', ".")
}

/// The edit that adds an import after the last import at the top of the file.
pub(in crate::diagnose::rules) fn add_import(spot: &Spot<'_>, statement: &str) -> Draft {
    let edit = crate::diagnose::rules::edits::import(&spot.source, statement);
    Draft::edits(
        spot.target(),
        format!("Add `{statement}` to {}", spot.place.path.as_str()),
        "The name is then defined".to_owned(),
        vec![edit],
    )
}

pub(in crate::diagnose::rules) fn is_docstring(kind: &StmtKind) -> bool {
    matches!(kind, StmtKind::Expr(Expr { kind: ExprKind::Str(_), .. }))
}

/// The blanks before byte `offset` on its line.
pub(in crate::diagnose::rules) fn indentation(spot: &Spot<'_>, offset: u32) -> String {
    let text = &spot.source.text()[..offset as usize];
    let line = text.rsplit('\n').next().unwrap_or_default();
    line.chars().take_while(|c| matches!(c, ' ' | '\t')).collect()
}

fn kind_name(kind: BindingKind) -> &'static str {
    match kind {
        BindingKind::Variable => "variable",
        BindingKind::Function => "function",
        BindingKind::Class => "class",
        BindingKind::Import => "import",
        BindingKind::Parameter => "parameter",
        BindingKind::Attribute => "attribute",
    }
}

fn foreign_constant(name: &str) -> Option<&'static str> {
    Some(match name {
        "true" | "TRUE" => "True",
        "false" | "FALSE" => "False",
        "null" | "nil" | "NULL" | "none" | "undefined" => "None",
        "unicode" | "basestring" => "str",
        "xrange" => "range",
        "raw_input" => "input",
        "unichr" => "chr",
        _ => return None,
    })
}

/// Names that nearly every file imports in the same way.
const WELL_KNOWN: &[(&str, &str)] = &[
    ("pytest", "import pytest"),
    ("np", "import numpy as np"),
    ("pd", "import pandas as pd"),
    ("plt", "import matplotlib.pyplot as plt"),
    ("Path", "from pathlib import Path"),
    ("Decimal", "from decimal import Decimal"),
    ("Fraction", "from fractions import Fraction"),
    ("datetime", "from datetime import datetime"),
    ("timedelta", "from datetime import timedelta"),
    ("timezone", "from datetime import timezone"),
    ("date", "from datetime import date"),
    ("defaultdict", "from collections import defaultdict"),
    ("Counter", "from collections import Counter"),
    ("OrderedDict", "from collections import OrderedDict"),
    ("namedtuple", "from collections import namedtuple"),
    ("deque", "from collections import deque"),
    ("dataclass", "from dataclasses import dataclass"),
    ("field", "from dataclasses import field"),
    ("asdict", "from dataclasses import asdict"),
    ("replace", "from dataclasses import replace"),
    ("Enum", "from enum import Enum"),
    ("IntEnum", "from enum import IntEnum"),
    ("partial", "from functools import partial"),
    ("reduce", "from functools import reduce"),
    ("wraps", "from functools import wraps"),
    ("lru_cache", "from functools import lru_cache"),
    ("cached_property", "from functools import cached_property"),
    ("contextmanager", "from contextlib import contextmanager"),
    ("suppress", "from contextlib import suppress"),
    ("ABC", "from abc import ABC"),
    ("abstractmethod", "from abc import abstractmethod"),
    ("Any", "from typing import Any"),
    ("Optional", "from typing import Optional"),
    ("Union", "from typing import Union"),
    ("List", "from typing import List"),
    ("Dict", "from typing import Dict"),
    ("Tuple", "from typing import Tuple"),
    ("Callable", "from typing import Callable"),
    ("Iterator", "from typing import Iterator"),
    ("Iterable", "from typing import Iterable"),
    ("NamedTuple", "from typing import NamedTuple"),
    ("TypedDict", "from typing import TypedDict"),
    ("Protocol", "from typing import Protocol"),
    ("TypeVar", "from typing import TypeVar"),
    ("Generic", "from typing import Generic"),
    ("cast", "from typing import cast"),
    ("StringIO", "from io import StringIO"),
    ("BytesIO", "from io import BytesIO"),
    ("Mock", "from unittest.mock import Mock"),
    ("MagicMock", "from unittest.mock import MagicMock"),
    ("AsyncMock", "from unittest.mock import AsyncMock"),
    ("patch", "from unittest.mock import patch"),
    ("mock", "from unittest import mock"),
    ("uuid4", "from uuid import uuid4"),
    ("sleep", "from time import sleep"),
    ("deepcopy", "from copy import deepcopy"),
    ("chain", "from itertools import chain"),
    ("product", "from itertools import product"),
    ("sqrt", "from math import sqrt"),
];

use crate::diagnose::rules::python_names::{BUILTINS, STDLIB_MODULES};

#[cfg(test)]
mod tests;
