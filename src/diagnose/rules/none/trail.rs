//! Where a `None` came from: back over assignments, parameters, calls and attributes.

use crate::diagnose::case::{at, code, line_of};
use crate::diagnose::rules::given::{Given, call_of, given};
use crate::model::{Category, Frame, Place};
use crate::workspace::python::{Expr, ExprKind, Function, Stmt, StmtKind};
use crate::workspace::resolve::{Resolver, Symbol, assigned};
use crate::workspace::{SourceFile, Workspace};

/// Where a `None` came from.
pub(super) struct Source {
    pub(super) sentence: String,
    pub(super) place: Option<Place>,
    pub(super) category: Category,
    pub(super) confidence: f64,
    pub(super) suggestion: Option<String>,
}

pub(super) struct Trail<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) frames: &'a [Frame],
}

impl Trail<'_> {
    /// Where the `None` of `expr`, on the line of `place` in the frame `index`, came from.
    pub(super) fn origin(
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
        let call = call_of(stmt, function)?;
        let given = match given(call, function, name)? {
            Given::Argument(given) => given,
            Given::Hidden => return None,
            Given::Nothing => {
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
                    suggestion: Some(format!(
                        "Give {} at {}, or handle its default",
                        code(name),
                        line_of(place)
                    )),
                });
            }
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
