//! `None` where an object was needed: which expression was `None`, and where it came from.
//!
//! Silent when the failing line has several candidates and no value tells them apart.

use crate::diagnose::Finding;
use crate::diagnose::case::{Case, at, code, line_of};
use crate::model::{Category, Frame, Place, Severity};
use crate::workspace::python::{Expr, ExprKind, Function, Stmt, StmtKind};
use crate::workspace::resolve::{Resolver, Symbol, assigned};
use crate::workspace::{SourceFile, Workspace};

/// Where a `None` came from.
struct Source {
    sentence: String,
    place: Option<Place>,
    category: Category,
    confidence: f64,
    suggestion: Option<String>,
}

/// `'NoneType' object has no attribute …` and the other faces of `None`.
pub(super) fn none_used(case: &Case<'_>) -> Option<Finding> {
    let root = case.root()?;
    let message = root.message.lines().next()?.trim();
    if !matches!(root.short_type(), "AttributeError" | "TypeError") || !message.contains("NoneType") {
        return None;
    }
    let (frame, place) = case.frame()?;
    // The exception may come from a library that was given the `None`.
    let chain = &case.representative().exceptions;
    let frames = &chain.iter().find(|exception| std::ptr::eq(*exception, root))?.frames;
    if !frames.last().is_some_and(|last| std::ptr::eq(last, frame)) {
        return None;
    }
    let source = case.workspace.source(&place.path)?;
    let stmt = source.module().statement(place.line)?;
    let wanted = Use::of(message)?;
    let mut candidates: Vec<&Expr> = Vec::new();
    for expr in stmt.expressions() {
        expr.walk(&mut |part| wanted.candidates(part, &mut candidates));
    }
    wanted.of_statement(stmt, &mut candidates);
    let expr = pick(&candidates, frame, &source)?;
    let text = expr.span.of(source.text());
    let statement = case.statement(frame, place).unwrap_or_default();
    let mut finding = Finding::new("none-used", Category::Other, Severity::High, 0.55);
    let base = format!("{} is `None` at {} in {}", code(text), code(&statement), at(place));
    let trail = Trail { workspace: case.workspace, frames };
    let found = trail.origin(&source, place, expr, frames.len() - 1, 0);
    let Some(found) = found else {
        return Some(
            finding
                .because(base)
                .suggest(format!("Find out why {} is `None`, or handle that case before {}", code(text), line_of(place)))
                .shown(format!("`{message}`"), Some(place))
                .suspect(place, 0.5, "uses the `None`")
                .note("What would settle it: the values of the calling frames (run with the plugin, or with `-l`)"),
        );
    };
    finding.category = found.category;
    finding.confidence = found.confidence;
    finding =
        finding
            .because(format!("{base}: {}", found.sentence))
            .shown(format!("`{message}`"), Some(place))
            .suggest(found.suggestion.unwrap_or_else(|| {
                format!("Return a value there, or handle `None` before {}", line_of(place))
            }));
    if let Some(origin) = &found.place
        && origin != place
    {
        finding =
            finding.shown(found.sentence, Some(origin)).suspect(origin, found.confidence, "made the `None`");
    }
    Some(finding.suspect(place, if found.place.is_some() { 0.4 } else { 0.5 }, "uses the `None`"))
}

/// An operand of a binary operator.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

/// How the `None` was used, by Python's message.
enum Use<'m> {
    Attribute(&'m str),
    Subscript,
    Iterated,
    Called,
    /// The operator, and which operand is the `None` where the message tells.
    Operand(&'m str, Option<Side>),
    Argument,
    Container,
    Context,
}

impl<'m> Use<'m> {
    fn of(message: &'m str) -> Option<Self> {
        if let Some((_, rest)) = message.split_once("'NoneType' object has no attribute '") {
            return Some(Self::Attribute(rest.split('\'').next()?));
        }
        if let Some((_, rest)) = message.split_once("unsupported operand type(s) for ") {
            let (operator, types) = rest.split_once(": ")?;
            let operator = operator.split(" or ").next()?.trim_end_matches('=');
            return Some(Self::Operand(operator, side(types)));
        }
        if let Some((operator, types)) = message.split_once(" not supported between instances of ") {
            return Some(Self::Operand(operator.trim_matches('\''), side(types)));
        }
        if message.contains("concatenate") {
            return Some(Self::Operand("+", Some(Side::Right)));
        }
        let table = [
            ("object is not subscriptable", Self::Subscript),
            ("object does not support item", Self::Subscript),
            ("object is not iterable", Self::Iterated),
            ("non-iterable NoneType", Self::Iterated),
            ("object is not callable", Self::Called),
            ("argument of type 'NoneType' is not", Self::Container),
            ("context manager protocol", Self::Context),
            ("has no len()", Self::Argument),
            ("argument must be", Self::Argument),
            ("argument 1 must be", Self::Argument),
            ("expected str", Self::Argument),
            ("not NoneType", Self::Argument),
            ("not 'NoneType'", Self::Argument),
        ];
        table.into_iter().find(|(words, _)| message.contains(words)).map(|(_, kind)| kind)
    }

    /// Adds the parts of `expr` itself (not of what is in it) that may be the `None`.
    fn candidates<'e>(&self, expr: &'e Expr, found: &mut Vec<&'e Expr>) {
        match (self, &expr.kind) {
            (Self::Attribute(name), ExprKind::Attribute { value, attr, .. }) if **attr == **name => {
                found.push(value);
            }
            (Self::Subscript, ExprKind::Subscript { value, .. })
            | (Self::Iterated, ExprKind::Starred(value)) => {
                found.push(value);
            }
            (Self::Called, ExprKind::Call { func, .. }) => found.push(func),
            (Self::Operand(op, side), ExprKind::BinOp { left, op: this, right }) if op == this => {
                found.extend((*side != Some(Side::Right)).then_some(&**left));
                found.extend((*side != Some(Side::Left)).then_some(&**right));
            }
            (Self::Operand(op, side), ExprKind::Compare { left, rest })
                if rest.iter().any(|(this, _)| this == op) =>
            {
                let chained = rest.len() > 1;
                found.extend((chained || *side != Some(Side::Right)).then_some(&**left));
                let right = chained || *side != Some(Side::Left);
                found.extend(rest.iter().map(|(_, operand)| operand).filter(|_| right));
            }
            (Self::Container, ExprKind::Compare { rest, .. }) => {
                found.extend(
                    rest.iter().filter(|(op, _)| matches!(*op, "in" | "not in")).map(|(_, right)| right),
                );
            }
            (Self::Argument | Self::Iterated, ExprKind::Call { args, .. }) => found.extend(args),
            (Self::Iterated, ExprKind::Comprehension { fors, .. }) => {
                found.extend(fors.iter().map(|clause| &clause.iter));
            }
            _ => {}
        }
    }

    fn of_statement<'e>(&self, stmt: &'e Stmt, found: &mut Vec<&'e Expr>) {
        match (self, &stmt.kind) {
            (Self::Iterated, StmtKind::For { iter, .. }) => found.push(iter),
            (Self::Iterated, StmtKind::Assign { targets, value })
                if targets.iter().any(|t| matches!(t.kind, ExprKind::Tuple(_) | ExprKind::List(_))) =>
            {
                found.push(value);
            }
            (Self::Operand(op, side), StmtKind::AugAssign { target, op: this, value }) if op == this => {
                found.extend((*side != Some(Side::Right)).then_some(target));
                found.extend((*side != Some(Side::Left)).then_some(value));
            }
            (Self::Context, StmtKind::With { items, .. }) => {
                found.extend(items.iter().map(|(context, _)| context));
            }
            _ => {}
        }
    }
}

/// Which of `'NoneType' and 'int'` is the `None`.
fn side(types: &str) -> Option<Side> {
    let (left, right) = types.split_once(" and ")?;
    match (left.contains("NoneType"), right.contains("NoneType")) {
        (true, false) => Some(Side::Left),
        (false, true) => Some(Side::Right),
        _ => None,
    }
}

/// The one candidate that can be `None`: literals cannot; a local variable's value decides where it is shown.
fn pick<'e>(candidates: &[&'e Expr], frame: &Frame, source: &SourceFile) -> Option<&'e Expr> {
    let value = |expr: &Expr| {
        let text = expr.span.of(source.text());
        frame.locals.iter().find(|local| local.name == text).map(|local| local.repr.as_str())
    };
    if let Some(known) = candidates.iter().find(|expr| value(expr) == Some("None")) {
        return Some(known);
    }
    let mut possible = candidates.iter().filter(|expr| {
        let literal = !matches!(
            expr.kind,
            ExprKind::Name(_)
                | ExprKind::Attribute { .. }
                | ExprKind::Call { .. }
                | ExprKind::Subscript { .. }
                | ExprKind::Await(_)
                | ExprKind::None
                | ExprKind::If { .. }
                | ExprKind::BoolOp { .. }
        );
        !literal && value(expr).is_none()
    });
    let first = possible.next()?;
    // The same expression twice on the line is one candidate.
    possible.all(|other| other.span.of(source.text()) == first.span.of(source.text())).then_some(*first)
}

struct Trail<'a> {
    workspace: &'a Workspace,
    frames: &'a [Frame],
}

impl Trail<'_> {
    /// Where the `None` of `expr`, on the line of `place` in the frame `index`, came from.
    fn origin(
        &self,
        source: &SourceFile,
        place: &Place,
        expr: &Expr,
        index: usize,
        depth: usize,
    ) -> Option<Source> {
        if depth > 6 {
            return None;
        }
        match &expr.kind {
            ExprKind::Await(value) => self.origin(source, place, value, index, depth + 1),
            ExprKind::Call { func, args, .. } => self
                .known_call(source, place, expr, func, args)
                .or_else(|| self.returned(source, place, expr, func, depth)),
            ExprKind::Name(name) => {
                let module = source.module();
                let function = place.function.as_deref().and_then(|name| module.function(name));
                let function = function
                    .or_else(|| module.function(&module.enclosing_function(place.line)?.qualified_name));
                if let Some(function) = function {
                    if let Some((line, value)) = assigned(&function.body, name, place.line, source) {
                        let at = Place {
                            function: place.function.clone(),
                            ..Place::line(place.path.clone(), line)
                        };
                        if matches!(value.kind, ExprKind::None) {
                            return Some(Source {
                                sentence: format!(
                                    "{} sets it to `None` and nothing changes that before",
                                    line_of(&at)
                                ),
                                place: Some(at),
                                category: Category::Other,
                                confidence: 0.6,
                                suggestion: None,
                            });
                        }
                        return self.origin(source, &at, value, index, depth + 1);
                    }
                    if let Some(param) = function.signature.param(name) {
                        return self.argument(function, &param.name, index, depth);
                    }
                }
                let (line, value) = assigned(module.body(), name, u32::MAX, source)?;
                matches!(value.kind, ExprKind::None).then(|| {
                    let at = Place::line(place.path.clone(), line);
                    Source {
                        sentence: format!("{} sets it to `None` and nothing has changed that", line_of(&at)),
                        place: Some(at),
                        category: Category::Other,
                        confidence: 0.6,
                        suggestion: None,
                    }
                })
            }
            ExprKind::Attribute { attr, value, .. } => self.attribute(source, place, value, attr),
            _ => None,
        }
    }

    /// An argument: the call in the next outer frame.
    fn argument(&self, function: &Function, name: &str, index: usize, depth: usize) -> Option<Source> {
        let outer = self.frames[..index].last()?;
        let place = outer.place.as_ref()?;
        let source = self.workspace.source(&place.path)?;
        let stmt = source.module().statement(place.line)?;
        let method = function.qualified_name.contains('.');
        let mut calls = Vec::new();
        for expr in stmt.expressions() {
            expr.walk(&mut |part| {
                let ExprKind::Call { func, .. } = &part.kind else { return };
                let called = match &func.kind {
                    ExprKind::Attribute { attr, .. } => &**attr,
                    ExprKind::Name(name) => &**name,
                    _ => return,
                };
                let constructs = *function.name == *"__init__"
                    && function.qualified_name.rsplit('.').nth(1) == Some(called);
                if called == &*function.name || constructs {
                    calls.push(part);
                }
            });
        }
        let [call] = calls.as_slice() else { return None };
        let ExprKind::Call { args, keywords, func, .. } = &call.kind else { return None };
        let bound =
            method && (matches!(func.kind, ExprKind::Attribute { .. }) || *function.name == *"__init__");
        let position = function
            .signature
            .params
            .iter()
            .position(|param| *param.name == *name)
            .and_then(|at| at.checked_sub(usize::from(bound)))?;
        let given = keywords
            .iter()
            .find(|keyword| keyword.name.as_deref() == Some(name))
            .map(|keyword| &keyword.value)
            .or_else(|| args.get(position));
        let Some(given) = given else {
            let default = function.signature.param(name)?.default.as_ref()?;
            return matches!(default.kind, ExprKind::None).then(|| Source {
                sentence: format!(
                    "the call {} leaves out {}, whose default is `None`",
                    code(call.span.of(source.text())),
                    code(name)
                ),
                place: Some(place.clone()),
                category: Category::Other,
                confidence: 0.6,
                suggestion: Some(format!("Give {} at {}, or handle its default", code(name), line_of(place))),
            });
        };
        if matches!(given.kind, ExprKind::None) {
            return Some(Source {
                sentence: format!("{} passes `None` for {}", at(place), code(name)),
                place: Some(place.clone()),
                category: Category::Other,
                confidence: 0.6,
                suggestion: None,
            });
        }
        self.origin(&source, place, given, index - 1, depth + 1)
    }

    /// Library calls that give `None` when they find nothing.
    fn known_call(
        &self,
        source: &SourceFile,
        place: &Place,
        expr: &Expr,
        func: &Expr,
        args: &[Expr],
    ) -> Option<Source> {
        let name = func.dotted();
        let method = match &func.kind {
            ExprKind::Attribute { attr, .. } => &**attr,
            _ => name.as_deref()?,
        };
        let text = code(expr.span.of(source.text()));
        let first = args.first().map(|arg| code(arg.span.of(source.text())));
        let dotted = name.as_deref().unwrap_or_default();
        let mut category = Category::DataIssue;
        let mut suggestion = None;
        let what = match (dotted, method) {
            ("os.getenv" | "getenv" | "os.environ.get" | "environ.get", _) if args.len() < 2 => {
                category = Category::EnvIssue;
                suggestion = Some(format!(
                    "Set {} where the tests run, set it in the test with `monkeypatch.setenv`, or give a default at {}",
                    first.clone()?,
                    line_of(place)
                ));
                format!("the environment variable {} is not set, so {text} gives `None`", first?)
            }
            ("shutil.which" | "which", _) => {
                category = Category::EnvIssue;
                format!("the program {} is not installed, so {text} gives `None`", first?)
            }
            ("re.match" | "re.search" | "re.fullmatch", _) => format!("{text} finds no match"),
            (_, "match" | "search" | "fullmatch") if args.len() == 1 && self.is_foreign(place, func) => {
                format!("{text} finds no match")
            }
            (_, "get") if args.len() == 1 && self.is_foreign(place, func) => {
                format!("{text} gives `None` because the key {} is missing", first?)
            }
            (
                _,
                "find" | "find_one" | "first" | "one_or_none" | "scalar_one_or_none" | "fetchone" | "scalar"
                | "select_one",
            ) if self.is_foreign(place, func) => {
                format!("{text} finds nothing and gives `None`")
            }
            (
                _,
                "append" | "extend" | "sort" | "reverse" | "insert" | "clear" | "update" | "add" | "remove"
                | "discard",
            ) if self.is_foreign(place, func) => {
                return Some(Source {
                    sentence: format!("{text} changes its object in place and returns `None`"),
                    place: Some(place.clone()),
                    category: Category::Other,
                    confidence: 0.85,
                    suggestion: Some(format!(
                        "Use the object itself and not what `.{method}()` returns at {}",
                        line_of(place)
                    )),
                });
            }
            _ => return None,
        };
        Some(Source { sentence: what, place: Some(place.clone()), category, confidence: 0.7, suggestion })
    }

    /// Whether the called method is not one of the project's own.
    fn is_foreign(&self, place: &Place, func: &Expr) -> bool {
        !matches!(
            Resolver::new(self.workspace).infer(&place.path, place.line, func, 0),
            Some(Symbol::Function(..) | Symbol::Class(..))
        )
    }

    /// A function of the project that returns `None` on some path.
    fn returned(
        &self,
        source: &SourceFile,
        place: &Place,
        expr: &Expr,
        func: &Expr,
        depth: usize,
    ) -> Option<Source> {
        let resolver = Resolver::new(self.workspace);
        let Symbol::Function(path, name) = resolver.infer(&place.path, place.line, func, 0)? else {
            return None;
        };
        let text = code(expr.span.of(source.text()));
        let file = self.workspace.source(&path)?;
        let function = file.module().function(&name)?;
        let mut yields = false;
        let mut bare: Vec<u32> = Vec::new();
        let mut values: Vec<&Stmt> = Vec::new();
        for stmt in &function.body {
            stmt.walk(false, &mut |stmt| match &stmt.kind {
                StmtKind::Return(None | Some(Expr { kind: ExprKind::None, .. })) => {
                    bare.push(stmt.start_line);
                }
                StmtKind::Return(Some(_)) => values.push(stmt),
                StmtKind::Expr(Expr { kind: ExprKind::Yield(_) | ExprKind::YieldFrom(_), .. }) => {
                    yields = true;
                }
                _ => {}
            });
        }
        if yields {
            return None;
        }
        let here = |line: u32| Place { function: Some(name.clone()), ..Place::line(path.clone(), line) };
        let falls = falls_through(&function.body);
        let (sentence, line, confidence) = if values.is_empty() && bare.is_empty() {
            let last = function.body.last().map_or(function.name_line, |stmt| stmt.start_line);
            (format!("{text} calls `{name}`, which has no `return`"), last, 0.85)
        } else if falls && bare.is_empty() {
            let line = falling_line(&function.body).unwrap_or(function.name_line);
            (
                format!(
                    "{text} calls `{name}`, which ends without a `return` when no branch returns ({}:{line})",
                    path.as_str()
                ),
                line,
                0.8,
            )
        } else if let [line] = bare.as_slice()
            && !falls
        {
            (format!("{text} calls `{name}`, which returns `None` at {}:{line}", path.as_str()), *line, 0.75)
        } else if !bare.is_empty() {
            let lines: Vec<String> = bare.iter().map(ToString::to_string).collect();
            (
                format!(
                    "{text} calls `{name}`, which returns `None` on several ways (lines {})",
                    lines.join(", ")
                ),
                bare[0],
                0.5,
            )
        } else if let [only] = values.as_slice()
            && let StmtKind::Return(Some(value)) = &only.kind
        {
            let place = here(only.start_line);
            return self.origin(&file, &place, value, 0, depth + 1);
        } else {
            return None;
        };
        Some(Source {
            sentence,
            place: Some(here(line)),
            category: Category::Other,
            confidence,
            suggestion: None,
        })
    }

    /// An attribute that `__init__` sets to `None`.
    fn attribute(&self, source: &SourceFile, place: &Place, object: &Expr, attr: &str) -> Option<Source> {
        let resolver = Resolver::new(self.workspace);
        let symbol = resolver.infer(&place.path, place.line, object, 0)?;
        let (Symbol::Instance(path, class) | Symbol::Class(path, class)) = symbol else { return None };
        let file = self.workspace.source(&path)?;
        let class = file.module().class(&class)?;
        let mut none = Vec::new();
        let mut other = Vec::new();
        for method in &class.body {
            let StmtKind::Function(function) = &method.kind else { continue };
            for stmt in &function.body {
                stmt.walk(false, &mut |stmt| {
                    let (targets, value) = match &stmt.kind {
                        StmtKind::Assign { targets, value } => (targets.as_slice(), value),
                        StmtKind::AnnAssign { target, value: Some(value), .. } => (std::slice::from_ref(target), value),
                        _ => return,
                    };
                    let sets = targets.iter().any(|target| {
                        matches!(&target.kind, ExprKind::Attribute { attr: name, value, .. }
                            if **name == *attr && value.as_name() == function.signature.params.first().map(|p| &*p.name))
                    });
                    if sets {
                        let list = if matches!(value.kind, ExprKind::None) { &mut none } else { &mut other };
                        list.push((function.name.clone(), function.qualified_name.clone(), stmt.start_line));
                    }
                });
            }
        }
        let (_, qualified, line) = none.first()?.clone();
        let _ = source;
        let at = Place { function: Some(qualified), ..Place::line(path.clone(), line) };
        let setter = match other.as_slice() {
            [] => "and no method sets it".to_owned(),
            [(name, ..), ..] => format!("until `{name}` is called"),
        };
        Some(Source {
            sentence: format!("{} sets `{attr}` to `None` {setter}", line_of(&at)),
            place: Some(at),
            category: Category::Other,
            confidence: 0.6,
            suggestion: None,
        })
    }
}

/// Whether the end of `body` can be reached.
fn falls_through(body: &[Stmt]) -> bool {
    let Some(last) = body.last() else { return true };
    match &last.kind {
        StmtKind::Return(_) | StmtKind::Raise { .. } | StmtKind::Continue | StmtKind::Break => false,
        StmtKind::If(branches) => {
            let complete = branches.last().is_some_and(|(test, _)| test.is_none());
            !complete || branches.iter().any(|(_, body)| falls_through(body))
        }
        StmtKind::With { body, .. } => falls_through(body),
        StmtKind::While { test, body, .. } => {
            let forever = matches!(&test.kind, ExprKind::Bool(true))
                || matches!(&test.kind, ExprKind::Int(n) if &**n == "1");
            let mut leaves = false;
            for stmt in body {
                stmt.walk(false, &mut |stmt| leaves |= matches!(stmt.kind, StmtKind::Break));
            }
            !forever || leaves
        }
        StmtKind::Try { body, handlers, orelse, finalbody } => {
            if !finalbody.is_empty() && !falls_through(finalbody) {
                return false;
            }
            let end = if orelse.is_empty() { body } else { orelse };
            falls_through(end) || handlers.iter().any(|handler| falls_through(&handler.body))
        }
        _ => true,
    }
}

/// The line of the statement after which the function ends without a value: the innermost last statement of a
/// branch that does not return.
fn falling_line(body: &[Stmt]) -> Option<u32> {
    let last = body.last()?;
    let bodies = last.bodies();
    let open = bodies.into_iter().filter(|body| !body.is_empty()).find(|body| falls_through(body));
    match (&last.kind, open) {
        (StmtKind::Function(_) | StmtKind::Class(_), _) | (_, None) => Some(last.start_line),
        (_, Some(inner)) => falling_line(inner),
    }
}
