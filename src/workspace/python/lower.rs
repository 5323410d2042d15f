//! From the parser crate's tree to ours. Tolerant: what the parser could not read is simply not there.
//!
//! The parser makes no promise about its types, so that nothing outside this file names them.

mod expressions;

use ruff_python_ast as ast;
use ruff_python_parser::{Mode, ParseOptions, Parsed, parse_cells_unchecked, parse_unchecked};
use ruff_text_size::{Ranged as _, TextRange};

use super::SyntaxError;
use super::syntax::{
    Class, Expr, ExprKind, Function, Handler, Import, MatchCase, Name, Param, ParamKind, Pattern, Signature,
    Span, Stmt, StmtKind,
};

/// Deepest nesting of statements and expressions that is kept. Python itself refuses about 100 levels of
/// indentation and 200 of brackets; a longer chain of operators keeps its outer part.
const MAX_DEPTH: u32 = 256;

/// Parses `text` and brings it into our form.
pub(super) fn parse(text: &str, line_starts: &[u32]) -> (Vec<Stmt>, Vec<SyntaxError>) {
    let parsed = parse_unchecked(text, ParseOptions::from(Mode::Module));
    let mut lower = Lower { text, line_starts, scopes: Vec::new(), too_deep: false };
    let errors = parsed
        .errors()
        .iter()
        .map(|error| {
            let span = span(error.location);
            let line = lower.line_of(span.start);
            SyntaxError { line, span, message: error.error.to_string() }
        })
        .collect();
    let body = match parsed.syntax() {
        ast::Mod::Module(module) => lower.body(&module.body, 0),
        ast::Mod::Expression(_) => Vec::new(),
    };
    if lower.too_deep {
        drop_deep(parsed, text.len());
    }
    (body, errors)
}

/// Parses the part `piece` of `text`, which must be whole statements at the module's level, and brings it into our
/// form; `None` if it has errors.
pub(super) fn parse_piece(text: &str, piece: Span, line_starts: &[u32]) -> Option<Vec<Stmt>> {
    let range = TextRange::new(piece.start.into(), piece.end.into());
    let parsed = parse_cells_unchecked(text, [range], &ParseOptions::from(Mode::Module));
    if !parsed.errors().is_empty() {
        // A tree with errors may be deep as well.
        drop_deep(parsed, (piece.end - piece.start) as usize);
        return None;
    }
    let mut lower = Lower { text, line_starts, scopes: Vec::new(), too_deep: false };
    let body = lower.body(&parsed.syntax().body, 0);
    if lower.too_deep {
        drop_deep(parsed, (piece.end - piece.start) as usize);
    }
    Some(body)
}

/// A tree that is nested more deeply than the stack of this thread may allow is dropped on one of its own
/// (its drop is recursive); should that not start, the tree is kept rather than the process lost.
fn drop_deep<T: Send + 'static>(parsed: Parsed<T>, bytes: usize) {
    let cell = std::sync::Arc::new(std::sync::Mutex::new(Some(parsed)));
    let theirs = std::sync::Arc::clone(&cell);
    let size = (bytes.saturating_mul(512)).clamp(4 << 20, 1 << 32);
    let started = std::thread::Builder::new().stack_size(size).spawn(move || {
        if let Ok(mut parsed) = theirs.lock() {
            parsed.take();
        }
    });
    match started.map(std::thread::JoinHandle::join) {
        Ok(_) => {}
        Err(_) => std::mem::forget(cell),
    }
}

fn span(range: TextRange) -> Span {
    Span { start: range.start().to_u32(), end: range.end().to_u32() }
}

fn name(identifier: &ast::Identifier) -> Name {
    identifier.as_str().into()
}

struct Lower<'a> {
    text: &'a str,
    line_starts: &'a [u32],
    /// The definitions that are open at this statement with the columns (in bytes) where they begin. Kept
    /// by indentation and not by the parser's nesting, which an unclosed bracket throws off.
    scopes: Vec<(u32, Name)>,
    too_deep: bool,
}

impl Lower<'_> {
    fn line_of(&self, offset: u32) -> u32 {
        self.line_starts.partition_point(|&start| start <= offset) as u32
    }

    fn body(&mut self, body: &[ast::Stmt], depth: u32) -> Vec<Stmt> {
        body.iter().map(|stmt| self.stmt(stmt, depth)).collect()
    }

    fn stmt(&mut self, stmt: &ast::Stmt, depth: u32) -> Stmt {
        let span = span(stmt.range());
        let end_line = self.line_of(span.end.saturating_sub(1).max(span.start));
        let column = self.column(span.start);
        while self.scopes.last().is_some_and(|&(open, _)| open >= column) {
            self.scopes.pop();
        }
        let kind = if depth >= MAX_DEPTH {
            self.too_deep = true;
            StmtKind::Other
        } else {
            self.stmt_kind(stmt, depth + 1)
        };
        Stmt { span, start_line: self.line_of(span.start), end_line, kind }
    }

    fn stmt_kind(&mut self, stmt: &ast::Stmt, depth: u32) -> StmtKind {
        match stmt {
            ast::Stmt::FunctionDef(def) => StmtKind::Function(Box::new(self.function(def, depth))),
            ast::Stmt::ClassDef(def) => StmtKind::Class(Box::new(self.class(def, depth))),
            ast::Stmt::Return(s) => StmtKind::Return(self.opt(s.value.as_deref(), depth)),
            ast::Stmt::Delete(s) => StmtKind::Delete(self.exprs(&s.targets, depth)),
            ast::Stmt::Assign(s) => {
                StmtKind::Assign { targets: self.exprs(&s.targets, depth), value: self.expr(&s.value, depth) }
            }
            ast::Stmt::AugAssign(s) => StmtKind::AugAssign {
                target: self.expr(&s.target, depth),
                op: s.op.as_str(),
                value: self.expr(&s.value, depth),
            },
            ast::Stmt::AnnAssign(s) => StmtKind::AnnAssign {
                target: self.expr(&s.target, depth),
                annotation: self.expr(&s.annotation, depth),
                value: self.opt(s.value.as_deref(), depth),
            },
            ast::Stmt::For(s) => StmtKind::For {
                is_async: s.is_async,
                target: self.expr(&s.target, depth),
                iter: self.expr(&s.iter, depth),
                body: self.body(&s.body, depth),
                orelse: self.body(&s.orelse, depth),
            },
            ast::Stmt::While(s) => StmtKind::While {
                test: self.expr(&s.test, depth),
                body: self.body(&s.body, depth),
                orelse: self.body(&s.orelse, depth),
            },
            ast::Stmt::If(s) => {
                let mut branches = vec![(Some(self.expr(&s.test, depth)), self.body(&s.body, depth))];
                for clause in &s.elif_else_clauses {
                    branches.push((self.opt(clause.test.as_ref(), depth), self.body(&clause.body, depth)));
                }
                StmtKind::If(branches)
            }
            ast::Stmt::With(s) => StmtKind::With {
                is_async: s.is_async,
                items: s
                    .items
                    .iter()
                    .map(|item| {
                        let target = self.opt(item.optional_vars.as_deref(), depth);
                        (self.expr(&item.context_expr, depth), target)
                    })
                    .collect(),
                body: self.body(&s.body, depth),
            },
            ast::Stmt::Match(s) => StmtKind::Match {
                subject: self.expr(&s.subject, depth),
                cases: s.cases.iter().map(|case| self.case(case, depth)).collect(),
            },
            ast::Stmt::Raise(s) => StmtKind::Raise {
                exc: self.opt(s.exc.as_deref(), depth),
                cause: self.opt(s.cause.as_deref(), depth),
            },
            ast::Stmt::Try(s) => StmtKind::Try {
                body: self.body(&s.body, depth),
                handlers: s.handlers.iter().map(|handler| self.handler(handler, depth)).collect(),
                orelse: self.body(&s.orelse, depth),
                finalbody: self.body(&s.finalbody, depth),
            },
            ast::Stmt::Assert(s) => {
                StmtKind::Assert { test: self.expr(&s.test, depth), msg: self.opt(s.msg.as_deref(), depth) }
            }
            ast::Stmt::Import(s) => StmtKind::Import(
                s.names
                    .iter()
                    .map(|alias| self.import(name(&alias.name), span(alias.name.range), None, alias, 0))
                    .collect(),
            ),
            ast::Stmt::ImportFrom(s) => {
                let module: Name = s.module.as_ref().map_or_else(|| "".into(), name);
                let module_span = s.module.as_ref().map_or(span(s.range), |m| span(m.range));
                let one = |alias: &ast::Alias| {
                    let what = Some(name(&alias.name));
                    self.import(module.clone(), module_span, what, alias, s.level)
                };
                StmtKind::Import(s.names.iter().map(one).collect())
            }
            ast::Stmt::Global(s) => StmtKind::Global(s.names.iter().map(name).collect()),
            ast::Stmt::Nonlocal(s) => StmtKind::Nonlocal(s.names.iter().map(name).collect()),
            ast::Stmt::Expr(s) => StmtKind::Expr(self.expr(&s.value, depth)),
            ast::Stmt::Pass(_) => StmtKind::Pass,
            ast::Stmt::Break(_) => StmtKind::Break,
            ast::Stmt::Continue(_) => StmtKind::Continue,
            ast::Stmt::TypeAlias(s) => StmtKind::Assign {
                targets: vec![self.expr(&s.name, depth)],
                value: self.expr(&s.value, depth),
            },
            ast::Stmt::IpyEscapeCommand(_) => StmtKind::Other,
        }
    }

    fn import(
        &self,
        module: Name,
        module_span: Span,
        what: Option<Name>,
        alias: &ast::Alias,
        level: u32,
    ) -> Import {
        let name_span = span(alias.name.range);
        Import {
            module,
            module_span,
            name: what,
            name_span,
            alias: alias.asname.as_ref().map(name),
            level,
            line: self.line_of(name_span.start),
        }
    }

    /// The column of `offset` in bytes from 0, a byte order mark left out.
    fn column(&self, offset: u32) -> u32 {
        let line = self.line_of(offset) as usize;
        let start = self.line_starts.get(line.wrapping_sub(1)).copied().unwrap_or(0);
        let mark = if start == 0 && self.text.starts_with('\u{feff}') { 3 } else { 0 };
        offset.saturating_sub(start).saturating_sub(mark)
    }

    /// Opens the scope of the definition `name` whose statement begins at `start`; gives the qualified name.
    fn open(&mut self, name: &ast::Identifier, start: u32) -> Name {
        self.scopes.push((self.column(start), name.as_str().into()));
        self.scopes.iter().map(|(_, name)| &**name).collect::<Vec<_>>().join(".").into()
    }

    fn function(&mut self, def: &ast::StmtFunctionDef, depth: u32) -> Function {
        let qualified_name = self.open(&def.name, def.range.start().to_u32());
        let body = self.body(&def.body, depth);
        Function {
            name: name(&def.name),
            name_span: span(def.name.range),
            qualified_name,
            name_line: self.line_of(def.name.range.start().to_u32()),
            is_async: def.is_async,
            decorators: def.decorator_list.iter().map(|d| self.expr(&d.expression, depth)).collect(),
            type_params: type_params(def.type_params.as_deref()),
            signature: self.signature(&def.parameters, depth),
            returns: self.opt(def.returns.as_deref(), depth),
            body,
        }
    }

    fn class(&mut self, def: &ast::StmtClassDef, depth: u32) -> Class {
        let qualified_name = self.open(&def.name, def.range.start().to_u32());
        let body = self.body(&def.body, depth);
        let arguments = def.arguments.as_deref();
        Class {
            name: name(&def.name),
            name_span: span(def.name.range),
            qualified_name,
            name_line: self.line_of(def.name.range.start().to_u32()),
            decorators: def.decorator_list.iter().map(|d| self.expr(&d.expression, depth)).collect(),
            type_params: type_params(def.type_params.as_deref()),
            bases: arguments.map(|a| self.exprs(&a.args, depth)).unwrap_or_default(),
            keywords: arguments.map(|a| self.keywords(&a.keywords, depth)).unwrap_or_default(),
            body,
        }
    }

    fn signature(&mut self, parameters: &ast::Parameters, depth: u32) -> Signature {
        let mut params = Vec::new();
        let groups = [
            (&parameters.posonlyargs, ParamKind::PositionalOnly),
            (&parameters.args, ParamKind::Positional),
            (&parameters.kwonlyargs, ParamKind::KeywordOnly),
        ];
        for (group, kind) in groups {
            for param in group {
                let default = self.opt(param.default.as_deref(), depth);
                params.push(self.param(&param.parameter, kind, param.range, default, depth));
            }
        }
        let mut variadic = |param: Option<&ast::Parameter>, kind| {
            param.map(|param| self.param(param, kind, param.range, None, depth))
        };
        let vararg = variadic(parameters.vararg.as_deref(), ParamKind::VarArgs);
        let kwarg = variadic(parameters.kwarg.as_deref(), ParamKind::KwArgs);
        Signature { span: span(parameters.range), params, vararg, kwarg }
    }

    fn param(
        &mut self,
        param: &ast::Parameter,
        kind: ParamKind,
        range: TextRange,
        default: Option<Expr>,
        depth: u32,
    ) -> Param {
        Param {
            name: name(&param.name),
            name_span: span(param.name.range),
            span: span(range),
            kind,
            annotation: self.opt(param.annotation.as_deref(), depth),
            default,
        }
    }

    fn case(&mut self, case: &ast::MatchCase, depth: u32) -> MatchCase {
        let mut names = Vec::new();
        self.too_deep |= !pattern_names(&case.pattern, &mut names, depth);
        MatchCase {
            pattern: span(case.pattern.range()),
            form: self.pattern(&case.pattern, depth),
            names,
            guard: self.opt(case.guard.as_deref(), depth),
            body: self.body(&case.body, depth),
        }
    }

    fn pattern(&mut self, pattern: &ast::Pattern, depth: u32) -> Pattern {
        if depth >= MAX_DEPTH {
            return Pattern::Other;
        }
        let depth = depth + 1;
        match pattern {
            ast::Pattern::MatchValue(p) => Pattern::Value(self.expr(&p.value, depth)),
            ast::Pattern::MatchSingleton(p) => {
                let kind = match p.value {
                    ast::Singleton::None => ExprKind::None,
                    ast::Singleton::True => ExprKind::Bool(true),
                    ast::Singleton::False => ExprKind::Bool(false),
                };
                Pattern::Value(Expr { span: span(p.range), kind })
            }
            ast::Pattern::MatchSequence(p) => Pattern::Sequence(self.patterns(&p.patterns, depth)),
            ast::Pattern::MatchStar(p) => Pattern::Star(p.name.as_ref().map(name)),
            ast::Pattern::MatchMapping(p) => {
                let item = |(key, value)| (self.expr(key, depth), self.pattern(value, depth));
                Pattern::Mapping {
                    items: p.keys.iter().zip(&p.patterns).map(item).collect(),
                    rest: p.rest.as_ref().map(name),
                }
            }
            ast::Pattern::MatchClass(p) => Pattern::Class {
                class: self.expr(&p.cls, depth),
                args: self.patterns(&p.arguments.patterns, depth),
                keywords: p
                    .arguments
                    .keywords
                    .iter()
                    .map(|keyword| (name(&keyword.attr), self.pattern(&keyword.pattern, depth)))
                    .collect(),
            },
            ast::Pattern::MatchAs(p) => Pattern::As {
                pattern: p.pattern.as_deref().map(|inner| Box::new(self.pattern(inner, depth))),
                name: p.name.as_ref().map(name),
            },
            ast::Pattern::MatchOr(p) => Pattern::Or(self.patterns(&p.patterns, depth)),
        }
    }

    fn patterns(&mut self, patterns: &[ast::Pattern], depth: u32) -> Vec<Pattern> {
        patterns.iter().map(|pattern| self.pattern(pattern, depth)).collect()
    }

    fn handler(&mut self, handler: &ast::ExceptHandler, depth: u32) -> Handler {
        let ast::ExceptHandler::ExceptHandler(handler) = handler;
        Handler {
            line: self.line_of(handler.range.start().to_u32()),
            type_: self.opt(handler.type_.as_deref(), depth),
            name: handler.name.as_ref().map(|n| (name(n), span(n.range))),
            body: self.body(&handler.body, depth),
        }
    }
}

fn type_params(params: Option<&ast::TypeParams>) -> Vec<Name> {
    params
        .into_iter()
        .flat_map(|params| &params.type_params)
        .map(|param| match param {
            ast::TypeParam::TypeVar(p) => name(&p.name),
            ast::TypeParam::TypeVarTuple(p) => name(&p.name),
            ast::TypeParam::ParamSpec(p) => name(&p.name),
        })
        .collect()
}

/// Collects the names that `pattern` binds; `false` if it is nested too deeply to be read whole.
fn pattern_names(pattern: &ast::Pattern, names: &mut Vec<(Name, Span)>, depth: u32) -> bool {
    if depth >= MAX_DEPTH {
        return false;
    }
    let mut bind = |identifier: Option<&ast::Identifier>| {
        names.extend(identifier.map(|i| (name(i), span(i.range))));
    };
    let nested: Vec<&ast::Pattern> = match pattern {
        ast::Pattern::MatchValue(_) | ast::Pattern::MatchSingleton(_) => Vec::new(),
        ast::Pattern::MatchSequence(p) => p.patterns.iter().collect(),
        ast::Pattern::MatchMapping(p) => {
            bind(p.rest.as_ref());
            p.patterns.iter().collect()
        }
        ast::Pattern::MatchClass(p) => {
            p.arguments.patterns.iter().chain(p.arguments.keywords.iter().map(|k| &k.pattern)).collect()
        }
        ast::Pattern::MatchStar(p) => {
            bind(p.name.as_ref());
            Vec::new()
        }
        ast::Pattern::MatchAs(p) => {
            bind(p.name.as_ref());
            p.pattern.as_deref().into_iter().collect()
        }
        ast::Pattern::MatchOr(p) => p.patterns.iter().collect(),
    };
    let mut whole = true;
    for pattern in nested {
        whole &= pattern_names(pattern, names, depth + 1);
    }
    whole
}
