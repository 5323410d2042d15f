//! Where an asserted value came from: the operands of the assertion in the syntax tree, the calls that made
//! them, and the statements of the called functions that fit the way in which the value is wrong.
//!
//! A function that has returned leaves no frame, so what is found here is suspicion, and weighted as such.

use super::difference::{Difference, Way};
use super::value::Value;
use crate::cluster::fingerprint::is_test_path;
use crate::model::{Place, RelPath};
use crate::workspace::python::{Expr, ExprKind, Function, Span, Stmt, StmtKind};
use crate::workspace::resolve::{Called, Resolver, assigned};
use crate::workspace::{SourceFile, Workspace};

/// An assertion's operands as the source has them.
#[derive(Debug, Clone, Default)]
pub struct Operands {
    /// What the code gave, as written: `route.length()`.
    pub actual: String,
    /// What the test expects, as written; empty for a bare truth test.
    pub expected: String,
    /// Where the expectation stands, if it is a literal or a constant expression of the assertion.
    pub expected_span: Option<Span>,
    /// Whether the actual value is pytest's left operand.
    pub actual_is_left: bool,
    /// For a variable, the expression that was assigned to it and the line.
    pub assigned: Option<(String, u32)>,
    /// The functions of the project that made the actual value, nearest first.
    pub called: Vec<Called>,
    /// Of these the qualified names of the ones that only made an argument, and of those that were called for their
    /// effect on an object.
    pub arguments: Vec<String>,
    /// See `arguments`.
    pub changers: Vec<String>,
    /// The attribute that is compared, if one is: `until` of `renewed.until`.
    pub attribute: Option<String>,
}

/// A place that may have made the wrong value.
#[derive(Debug, Clone, PartialEq)]
pub struct Suspect {
    /// The statement.
    pub place: Place,
    /// 0 to 1.
    pub score: f64,
    /// Why.
    pub reason: String,
}

/// The operands of the assertion on the line of `place`: of `assert`, or of a `self.assert…` call.
pub fn operands(workspace: &Workspace, place: &Place) -> Option<Operands> {
    let source = workspace.source(&place.path)?;
    let stmt = source.module().statement(place.line)?;
    let (left, right) = sides(stmt)?;
    let text = |expr: &Expr| expr.span.of(source.text()).split_whitespace().collect::<Vec<_>>().join(" ");
    let actual_is_left = right.is_none_or(|right| !expectation(left) || expectation(right));
    let (actual, expected) = match right {
        Some(right) if actual_is_left => (left, Some(right)),
        Some(right) => (right, Some(left)),
        None => (left, None),
    };
    let resolver = Resolver::new(workspace);
    let mut trail = Trail { resolver, source: &source, called: Vec::new(), names: Vec::new() };
    trail.follow(actual, place.line, 0);
    let made = trail.called.len();
    trail.mutations(place.line);
    let changers = trail.called[made..].iter().map(|called| called.qualified_name.to_string()).collect();
    let arguments = arguments_of(resolver, &source, place.line, actual);
    let own = |called: &Called| is_test_path(called.path.as_str());
    let mut called = trail.called;
    called.sort_by_key(own);
    let assigned = actual.as_name().and_then(|name| {
        let (line, value) = local_value(&source, name, place.line)?;
        Some((text(value), line))
    });
    Some(Operands {
        actual: text(actual),
        expected: expected.map(text).unwrap_or_default(),
        expected_span: expected.filter(|expr| is_constant(expr)).map(|expr| expr.span),
        actual_is_left,
        assigned,
        called,
        arguments,
        changers,
        attribute: match &actual.kind {
            ExprKind::Attribute { attr, .. } => Some(attr.to_string()),
            _ => None,
        },
    })
}

/// The functions that are called for the arguments of a call only: `where` of `db.count(where("x"))`.
fn arguments_of(resolver: Resolver<'_>, source: &SourceFile, line: u32, expr: &Expr) -> Vec<String> {
    let ExprKind::Call { func, args, keywords, .. } = &expr.kind else { return Vec::new() };
    // What a function of Python's own is given is what is compared.
    if func.as_name().is_some_and(|name| crate::diagnose::rules::python_names::BUILTINS.contains(&name)) {
        return Vec::new();
    }
    let values = args.iter().chain(keywords.iter().map(|keyword| &keyword.value));
    values
        .flat_map(|value| resolver.calls(source.path(), line, value))
        .map(|called| called.qualified_name.to_string())
        .collect()
}

fn sides(stmt: &Stmt) -> Option<(&Expr, Option<&Expr>)> {
    match &stmt.kind {
        StmtKind::Assert { test, .. } => Some(match &test.kind {
            ExprKind::Compare { left, rest } => (&**left, rest.first().map(|(_, right)| right)),
            ExprKind::UnaryOp { op: "not", operand } => (&**operand, None),
            _ => (test, None),
        }),
        StmtKind::Expr(Expr { kind: ExprKind::Call { func, args, .. }, .. }) => {
            let name = func.dotted()?;
            let method = name.rsplit('.').next().unwrap_or_default();
            (method.starts_with("assert") && !args.is_empty()).then(|| (&args[0], args.get(1)))
        }
        _ => None,
    }
}

/// Whether an operand is what the test expects: literals, `approx`, constants, names that say so.
fn expectation(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Str(_)
        | ExprKind::Bytes
        | ExprKind::Int(_)
        | ExprKind::Float(_)
        | ExprKind::Bool(_)
        | ExprKind::None => true,
        ExprKind::List(items) | ExprKind::Tuple(items) | ExprKind::Set(items) => {
            items.iter().all(expectation)
        }
        ExprKind::Dict(items) => items.iter().all(|(_, value)| expectation(value)),
        ExprKind::UnaryOp { operand, .. } => expectation(operand),
        ExprKind::Name(name) => {
            name.starts_with("expect")
                || matches!(&**name, "want" | "wanted" | "exp" | "golden" | "reference")
                || (name.len() > 1
                    && name.chars().all(|c| c.is_uppercase() || c == '_' || c.is_ascii_digit()))
        }
        ExprKind::Call { func, .. } => func.dotted().is_some_and(|name| name.ends_with("approx")),
        _ => false,
    }
}

/// Whether the expression is made of literals only.
fn is_constant(expr: &Expr) -> bool {
    let name = matches!(expr.kind, ExprKind::Name(_) | ExprKind::Call { .. });
    !name && expectation(expr) && expr.children().into_iter().all(is_constant)
}

fn local_value<'s>(source: &'s SourceFile, name: &str, line: u32) -> Option<(u32, &'s Expr)> {
    let module = source.module();
    let function = module.function(&module.enclosing_function(line)?.qualified_name)?;
    assigned(&function.body, name, line, source)
}

/// Collects the calls that made a value.
struct Trail<'a, 's> {
    resolver: Resolver<'a>,
    source: &'s SourceFile,
    called: Vec<Called>,
    names: Vec<String>,
}

impl Trail<'_, '_> {
    fn follow(&mut self, expr: &Expr, line: u32, depth: usize) {
        if depth > 4 {
            return;
        }
        for called in self.resolver.calls(self.source.path(), line, expr) {
            self.add(called);
        }
        let mut names = Vec::new();
        expr.walk(&mut |part| {
            if let ExprKind::Name(name) = &part.kind {
                names.push(name.to_string());
            }
        });
        for name in names {
            if self.names.contains(&name) {
                continue;
            }
            self.names.push(name.clone());
            if let Some((line, value)) = local_value(self.source, &name, line) {
                self.follow(value, line, depth + 1);
            }
        }
    }

    /// Methods called for their effect on a variable the value depends on: `cart.add(item)`.
    fn mutations(&mut self, line: u32) {
        let module = self.source.module();
        let Some(function) = module
            .enclosing_function(line)
            .and_then(|definition| module.function(&definition.qualified_name))
        else {
            return;
        };
        let mut found = Vec::new();
        for stmt in &function.body {
            stmt.walk(false, &mut |stmt| {
                let StmtKind::Expr(expr) = &stmt.kind else { return };
                let ExprKind::Call { func, args, .. } = &expr.kind else { return };
                let names = std::iter::once(&**func).chain(args).filter_map(base_name);
                if stmt.start_line < line
                    && names.into_iter().any(|name| self.names.iter().any(|n| n == name))
                {
                    found.extend(self.resolver.calls(self.source.path(), stmt.start_line, expr));
                }
            });
        }
        for called in found.into_iter().rev() {
            self.add(called);
        }
    }

    fn add(&mut self, called: Called) {
        let known =
            |other: &Called| other.path == called.path && other.qualified_name == called.qualified_name;
        if !self.called.iter().any(known) {
            self.called.push(called);
        }
    }
}

/// `cart` of `cart.items.add`.
fn base_name(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Name(name) => Some(name),
        ExprKind::Attribute { value, .. } | ExprKind::Subscript { value, .. } => base_name(value),
        _ => None,
    }
}

/// The places of the called functions that may have made the wrong value, best first. `actual_is_left` tells
/// which side of the differences the code gave.
pub fn suspects(workspace: &Workspace, operands: &Operands, differences: &[Difference]) -> Vec<Suspect> {
    let resolver = Resolver::new(workspace);
    let first = differences.first();
    let wrong = first.and_then(|d| if operands.actual_is_left { d.left.as_ref() } else { d.right.as_ref() });
    let way = first.map_or(Way::Other, |difference| difference.way);
    let mut found: Vec<Suspect> = Vec::new();
    for (rank, called) in operands.called.iter().take(6).enumerate() {
        if is_test_path(called.path.as_str()) {
            continue;
        }
        let near = [0.42, 0.3, 0.22, 0.18, 0.15, 0.12][rank];
        let Some(source) = workspace.source(&called.path) else { continue };
        let Some(function) = source.module().function(&called.qualified_name) else { continue };
        if let Some(suspect) = literal(&source, &called.path, function, wrong, called) {
            found.push(suspect);
        } else {
            for helper in helpers(resolver, &source, function).into_iter().take(8) {
                let Some(source) = workspace.source(&helper.path) else { continue };
                let Some(function) = source.module().function(&helper.qualified_name) else { continue };
                found.extend(
                    literal(&source, &helper.path, function, wrong, called)
                        .map(|suspect| Suspect { score: suspect.score - 0.1, ..suspect }),
                );
            }
        }
        let name = called.qualified_name.to_string();
        let (what, weight) = if operands.arguments.contains(&name) {
            ("made an argument", 0.4)
        } else if operands.changers.contains(&name) {
            ("was called on the way", 1.0)
        } else if name.ends_with("__init__") || !gives(function) {
            ("made the object", 0.5)
        } else {
            ("made the value", 1.0)
        };
        let (place, weight) = match writer(&called.path, function, operands.attribute.as_deref()) {
            // The statement that wrote the attribute is as good as a `return` of the value.
            Some(place) if !name.ends_with("__init__") => (place, 1.0_f64.max(weight)),
            Some(place) => (place, weight),
            None => (statement_place(&source, &called.path, function, way), weight),
        };
        found.push(Suspect {
            place,
            score: near * weight,
            reason: format!("`{}` {what}: {}", called.qualified_name, super::case::code(&called.text)),
        });
    }
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut unique: Vec<Suspect> = Vec::new();
    for suspect in found {
        if !unique.iter().any(|known| known.place == suspect.place) {
            unique.push(suspect);
        }
    }
    unique.truncate(5);
    unique
}

/// Whether the function returns or yields anything.
fn gives(function: &Function) -> bool {
    let mut found = false;
    for stmt in &function.body {
        stmt.walk(false, &mut |stmt| {
            found |= matches!(stmt.kind, StmtKind::Return(Some(_)));
            for expr in stmt.expressions() {
                expr.walk(&mut |part| {
                    found |= matches!(part.kind, ExprKind::Yield(_) | ExprKind::YieldFrom(_));
                });
            }
        });
    }
    found
}

/// The last statement of `function` that writes the compared attribute; where none is compared and the function
/// gives nothing back, the last that writes an attribute or an item.
fn writer(path: &RelPath, function: &Function, attribute: Option<&str>) -> Option<Place> {
    if attribute.is_none() && gives(function) {
        return None;
    }
    let writes = |target: &Expr| match (&target.kind, attribute) {
        (ExprKind::Attribute { attr, .. }, Some(wanted)) => **attr == *wanted,
        (ExprKind::Attribute { .. } | ExprKind::Subscript { .. }, None) => true,
        _ => false,
    };
    let changes = |expr: &Expr| {
        let ExprKind::Call { func, .. } = &expr.kind else { return false };
        let ExprKind::Attribute { value, attr, .. } = &func.kind else { return false };
        let kept = match (&value.kind, attribute) {
            (ExprKind::Attribute { attr, .. }, Some(wanted)) => **attr == *wanted,
            (ExprKind::Attribute { .. } | ExprKind::Subscript { .. }, None) => true,
            _ => false,
        };
        kept && matches!(
            &**attr,
            "append" | "add" | "extend" | "update" | "insert" | "pop" | "remove" | "clear" | "setdefault"
        )
    };
    let mut line = None;
    for stmt in &function.body {
        stmt.walk(false, &mut |stmt| {
            let found = match &stmt.kind {
                StmtKind::Assign { targets, .. } => targets.iter().any(writes),
                StmtKind::AugAssign { target, .. } | StmtKind::AnnAssign { target, .. } => writes(target),
                StmtKind::Expr(expr) => changes(expr),
                _ => false,
            };
            if found {
                line = Some((stmt.start_line, stmt.end_line));
            }
        });
    }
    let (line, end_line) = line?;
    let function = Some(function.qualified_name.clone());
    Some(Place { end_line, function, ..Place::line(path.clone(), line) })
}

fn helpers(resolver: Resolver<'_>, source: &SourceFile, function: &Function) -> Vec<Called> {
    let mut found = Vec::new();
    for stmt in &function.body {
        stmt.walk(false, &mut |stmt| {
            for expr in stmt.expressions() {
                found.extend(resolver.calls(source.path(), stmt.start_line, expr));
            }
        });
    }
    found
}

/// The literal in `function` that is the wrong value, if there is exactly one.
fn literal(
    source: &SourceFile,
    path: &RelPath,
    function: &Function,
    wrong: Option<&Value>,
    called: &Called,
) -> Option<Suspect> {
    let wrong = wrong?;
    let telling = match wrong {
        Value::Str(text) => text.chars().count() > 1,
        Value::Int(n) => n.abs() > 2,
        Value::Float(_) => true,
        _ => false,
    };
    if !telling {
        return None;
    }
    let mut lines = Vec::new();
    for stmt in &function.body {
        stmt.walk(false, &mut |stmt| {
            for expr in stmt.expressions() {
                expr.walk(&mut |part| {
                    if is_literal(part, wrong) && !docstring(stmt) {
                        lines.push((stmt.start_line, stmt.end_line, part.span.of(source.text()).to_owned()));
                    }
                });
            }
        });
    }
    let [(line, end_line, text)] = lines.as_slice() else { return None };
    Some(Suspect {
        place: Place {
            end_line: *end_line,
            function: Some(function.qualified_name.clone()),
            ..Place::line(path.clone(), *line)
        },
        score: 0.55,
        reason: format!(
            "the wrong value {} stands here, in what `{}` runs",
            super::case::code(text),
            called.qualified_name
        ),
    })
}

fn docstring(stmt: &Stmt) -> bool {
    matches!(&stmt.kind, StmtKind::Expr(expr) if expr.as_str().is_some())
}

fn is_literal(expr: &Expr, value: &Value) -> bool {
    match (&expr.kind, value) {
        (ExprKind::Str(text), Value::Str(wrong)) => **text == **wrong,
        (ExprKind::Int(text), Value::Int(wrong)) => text.replace('_', "").parse() == Ok(*wrong),
        (ExprKind::Float(text), Value::Float(wrong)) => text.replace('_', "").parse() == Ok(*wrong),
        _ => false,
    }
}

/// The statement of `function` that fits best how the value is wrong; the last `return` otherwise, the `def`
/// line if there is none.
fn statement_place(source: &SourceFile, path: &RelPath, function: &Function, way: Way) -> Place {
    let mut best: Option<(u32, &Stmt)> = None;
    for stmt in &function.body {
        stmt.walk(false, &mut |stmt| {
            if docstring(stmt) {
                return;
            }
            let weight = fits(stmt, way);
            if weight > 0 && best.is_none_or(|(known, _)| weight >= known) {
                best = Some((weight, stmt));
            }
        });
    }
    let name = Some(function.qualified_name.clone());
    match best {
        Some((_, stmt)) => {
            let (line, end) =
                source.module().statement_lines(stmt.start_line).unwrap_or((stmt.start_line, stmt.end_line));
            Place { end_line: end, function: name, ..Place::line(path.clone(), line) }
        }
        None => Place { function: name, ..Place::line(path.clone(), function.name_line) },
    }
}

/// How well a statement fits a kind of difference.
fn fits(stmt: &Stmt, way: Way) -> u32 {
    let mut weight = match &stmt.kind {
        StmtKind::Return(Some(value)) if value.as_name().is_none() => 2,
        StmtKind::Return(_) => 1,
        _ => 0,
    };
    let mut bonus = 0;
    for expr in stmt.expressions() {
        expr.walk(&mut |part| bonus = bonus.max(clue(part, way)));
    }
    if let StmtKind::AugAssign { .. } = &stmt.kind
        && matches!(way, Way::Other | Way::Sign | Way::Factor(..) | Way::OffByOne(_) | Way::Rounded)
    {
        bonus = bonus.max(3);
    }
    if matches!(way, Way::None) && matches!(&stmt.kind, StmtKind::Return(None)) {
        bonus = 6;
    }
    weight += bonus;
    weight
}

fn clue(expr: &Expr, way: Way) -> u32 {
    let method = |names: &[&str]| match &expr.kind {
        ExprKind::Call { func, .. } => {
            let name = match &func.kind {
                ExprKind::Attribute { attr, .. } => Some(&**attr),
                ExprKind::Name(name) => Some(&**name),
                _ => None,
            };
            name.is_some_and(|name| names.contains(&name))
        }
        _ => false,
    };
    let arithmetic = matches!(&expr.kind, ExprKind::BinOp { op, .. } if matches!(*op, "+" | "-" | "*" | "/" | "//" | "%" | "**"));
    let by_one = match &expr.kind {
        ExprKind::BinOp { op: "+" | "-", right, .. } => {
            matches!(&right.kind, ExprKind::Int(n) if &**n == "1")
        }
        _ => false,
    };
    let compares = matches!(expr.kind, ExprKind::Compare { .. });
    let slices = matches!(expr.kind, ExprKind::Slice { .. });
    match way {
        Way::OffByOne(_) if by_one || method(&["range"]) => 6,
        Way::OffByOne(_) if compares || slices || method(&["len", "enumerate"]) => 4,
        Way::Sign | Way::Factor(..) if arithmetic => 5,
        Way::Rounded | Way::Rounding if method(&["round", "int", "floor", "ceil", "trunc"]) => 7,
        Way::Rounded if matches!(&expr.kind, ExprKind::BinOp { op: "//", .. }) => 7,
        Way::Case if method(&["lower", "upper", "title", "capitalize", "casefold", "swapcase"]) => 7,
        Way::Blanks | Way::FinalNewline | Way::LineEnds
            if method(&[
                "strip",
                "rstrip",
                "lstrip",
                "split",
                "splitlines",
                "join",
                "replace",
                "ljust",
                "rjust",
            ]) =>
        {
            6
        }
        Way::Encoding if method(&["encode", "decode", "open", "read_text", "write_text"]) => 7,
        Way::Order
            if method(&[
                "sorted", "sort", "set", "reversed", "reverse", "keys", "values", "items", "glob",
            ]) =>
        {
            6
        }
        Way::Type
            if method(&[
                "str", "int", "float", "list", "tuple", "dict", "set", "bool", "encode", "decode",
            ]) =>
        {
            6
        }
        Way::Zone | Way::Hours(_)
            if method(&[
                "now",
                "utcnow",
                "fromtimestamp",
                "utcfromtimestamp",
                "astimezone",
                "replace",
                "localize",
                "strptime",
            ]) =>
        {
            7
        }
        Way::Missing | Way::Extra | Way::Duplicates
            if compares
                || slices
                || method(&["append", "add", "extend", "filter", "pop", "remove", "set"]) =>
        {
            4
        }
        Way::Negated
            if compares
                || matches!(&expr.kind, ExprKind::UnaryOp { op: "not", .. } | ExprKind::BoolOp { .. }) =>
        {
            5
        }
        Way::Other | Way::Rounded | Way::Rounding | Way::OffByOne(_) if arithmetic => 3,
        _ => 0,
    }
}
