//! What an expression is as far as the source alone shows it: literals, constants, defaults of parameters and of
//! environment variables, and what is joined of these. For sentences ("nothing listens at 127.0.0.1:8080"), never for
//! a verdict.

use crate::model::{Frame, RelPath};
use crate::workspace::Workspace;
use crate::workspace::python::{Expr, ExprKind, Stmt, StmtKind};
use crate::workspace::resolve::{Resolver, Symbol, assigned};

/// Longest way from a name to its value.
const MAX_DEPTH: usize = 10;
/// Longest text that is made.
const MAX_LENGTH: usize = 500;

/// The text of `expr` on a line of `path`; `frame`'s values count where it shows them.
pub(super) fn text(
    workspace: &Workspace,
    path: &RelPath,
    line: u32,
    expr: &Expr,
    frame: Option<&Frame>,
) -> Option<String> {
    Reader { workspace, frame }.text(path, line, expr, 0).filter(|text| text.len() <= MAX_LENGTH)
}

struct Reader<'a> {
    workspace: &'a Workspace,
    frame: Option<&'a Frame>,
}

impl Reader<'_> {
    fn text(&self, path: &RelPath, line: u32, expr: &Expr, depth: usize) -> Option<String> {
        if depth > MAX_DEPTH {
            return None;
        }
        let source = self.workspace.source(path)?;
        if depth == 0
            && let Some(shown) = self.frame.and_then(|frame| frame.shown(expr.span.of(source.text())))
            && let Some(text) = plain(shown)
        {
            return Some(text);
        }
        let next = |expr: &Expr| self.text(path, line, expr, depth + 1);
        match &expr.kind {
            ExprKind::Str(text) => Some(text.to_string()),
            ExprKind::Int(text) => Some(text.replace('_', "")),
            ExprKind::FString(parts) => {
                let whole = expr.span.of(source.text());
                let open = whole.find(['"', '\''])?;
                let quotes = if whole[open..].starts_with("\"\"\"") || whole[open..].starts_with("'''") {
                    3
                } else {
                    1
                };
                let mut text = String::new();
                let mut from = expr.span.start as usize + open + quotes;
                for part in parts {
                    let literal = source.text().get(from..part.span.start as usize)?;
                    text.push_str(literal.strip_suffix('{')?);
                    let value = self.frame.and_then(|f| f.shown(part.span.of(source.text()))).and_then(plain);
                    text.push_str(&value.or_else(|| next(part)).unwrap_or_else(|| "…".to_owned()));
                    let after = source.text().get(part.span.end as usize..)?;
                    from = part.span.end as usize + after.find('}')? + 1;
                }
                text.push_str(source.text().get(from..expr.span.end as usize - quotes)?);
                Some(text)
            }
            ExprKind::BinOp { left, op: "+", right } => Some(next(left)? + &next(right)?),
            ExprKind::BinOp { left, op: "/", right } => Some(format!("{}/{}", next(left)?, next(right)?)),
            ExprKind::BoolOp { op: "or", values } => values.iter().find_map(next),
            ExprKind::Call { func, args, .. } => match func.dotted()?.as_str() {
                "os.environ.get" | "environ.get" | "os.getenv" | "getenv" => next(args.get(1)?),
                "Path" | "pathlib.Path" | "str" | "int" | "os.fspath" if args.len() == 1 => next(&args[0]),
                "os.path.join" => Some(args.iter().map(next).collect::<Option<Vec<_>>>()?.join("/")),
                _ => None,
            },
            ExprKind::Name(name) => self.name(path, line, name, depth),
            ExprKind::Attribute { value, attr, .. } => self.attribute(path, line, value, attr, depth),
            _ => None,
        }
    }

    fn name(&self, path: &RelPath, line: u32, name: &str, depth: usize) -> Option<String> {
        if let Some(shown) =
            self.frame.filter(|_| depth < 3).and_then(|frame| frame.shown(name)).and_then(plain)
        {
            return Some(shown);
        }
        let source = self.workspace.source(path)?;
        let module = source.module();
        if let Some(function) =
            module.enclosing_function(line).and_then(|d| module.function(&d.qualified_name))
        {
            if let Some((at, value)) =
                assigned(&function.body, name, line, &source).or_else(|| one_of(&function.body, name))
            {
                return self.text(path, at, value, depth + 1);
            }
            if let Some(param) = function.signature.param(name) {
                let default = param.default.as_ref()?;
                return self.text(path, function.name_line, default, depth + 1);
            }
        }
        self.global(path, name, depth)
    }

    fn global(&self, path: &RelPath, name: &str, depth: usize) -> Option<String> {
        let source = self.workspace.source(path)?;
        let module = source.module();
        if let Some((at, value)) =
            assigned(module.body(), name, u32::MAX, &source).or_else(|| one_of(module.body(), name))
        {
            return self.text(path, at, value, depth + 1);
        }
        let import = module.imports().into_iter().rfind(|import| import.bound_name() == name)?.clone();
        let original = import.name.as_deref()?;
        let file = self.workspace.module_file(path, &import.module, import.level)?;
        (depth < MAX_DEPTH).then(|| self.global(&file, original, depth + 1))?
    }

    fn attribute(&self, path: &RelPath, line: u32, value: &Expr, attr: &str, depth: usize) -> Option<String> {
        let source = self.workspace.source(path)?;
        let resolver = Resolver::new(self.workspace);
        let own = value.as_name() == Some("self");
        let symbol = if own {
            let class = source.module().enclosing_class(line)?;
            Some(Symbol::Instance(path.clone(), class.qualified_name.clone()))
        } else {
            resolver.infer(path, line, value, 0)
        };
        match symbol? {
            Symbol::Module(file) => self.global(&file, attr, depth + 1),
            Symbol::Instance(file, name) | Symbol::Class(file, name) => {
                let source = self.workspace.source(&file)?;
                let class = source.module().class(&name)?;
                let mut found = None;
                for stmt in &class.body {
                    stmt.walk(true, &mut |stmt| {
                        let (target, given) = match &stmt.kind {
                            StmtKind::Assign { targets, value } => (targets.first(), Some(value)),
                            StmtKind::AnnAssign { target, value, .. } => (Some(target), value.as_ref()),
                            _ => return,
                        };
                        let dotted = target.and_then(Expr::dotted);
                        let is_it =
                            dotted.is_some_and(|d| d == attr || d.strip_prefix("self.") == Some(attr));
                        if let (true, None, Some(given)) = (is_it, found, given) {
                            found = Some((stmt.start_line, given));
                        }
                    });
                }
                let (at, given) = found?;
                self.text(&file, at, given, depth + 1)
            }
            Symbol::Function(..) => None,
        }
    }
}

/// The value of `name` in `name, other = value, other_value`.
fn one_of<'b>(body: &'b [Stmt], name: &str) -> Option<(u32, &'b Expr)> {
    body.iter().rev().find_map(|stmt| {
        let StmtKind::Assign { targets, value } = &stmt.kind else { return None };
        let [Expr { kind: ExprKind::Tuple(names), .. }] = targets.as_slice() else { return None };
        let ExprKind::Tuple(values) = &value.kind else { return None };
        let index = names.iter().position(|target| target.as_name() == Some(name))?;
        (names.len() == values.len()).then(|| Some((stmt.start_line, values.get(index)?)))?
    })
}

/// The text of a `repr` of a string, number or path.
fn plain(repr: &str) -> Option<String> {
    let repr = repr.strip_prefix("PosixPath(").and_then(|rest| rest.strip_suffix(')')).unwrap_or(repr);
    let quoted = |quote: char| repr.strip_prefix(quote)?.strip_suffix(quote);
    if let Some(text) = quoted('\'').or_else(|| quoted('"')) {
        return (!text.contains("...") && !text.contains('\\') && !text.is_empty()).then(|| text.to_owned());
    }
    repr.parse::<i64>().ok().map(|_| repr.to_owned())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use std::sync::Arc;

    #[test]
    fn constants_are_followed() {
        let files = [
            ("app/settings.py", "import os\nHOST, PORT = os.environ.get('HOST', 'db.local'), 5433\n"),
            (
                "app/client.py",
                "from app import settings\nfrom app.settings import PORT\n\nclass Client:\n    def __init__(self, host=None, port=PORT):\n        self.host = host or settings.HOST\n        self.port = port\n\n    def open(self, user, path='/x'):\n        base = f'http://{self.host}:{self.port}'\n        call((self.host, self.port), base + path, user, f'{user}@{self.host}')\n",
            ),
        ];
        let overlay = files.iter().map(|(p, t)| (RelPath::new(p).unwrap(), Arc::from(*t))).collect();
        let workspace = Workspace::new("/no/such", Arc::default()).with_overlay(overlay);
        let path = RelPath::new("app/client.py").unwrap();
        let source = workspace.source(&path).unwrap();
        let stmt = source.module().statement(11).unwrap();
        let ExprKind::Call { args, .. } = &stmt.expressions()[0].kind else { panic!("a call") };
        let ExprKind::Tuple(pair) = &args[0].kind else { panic!("a pair") };
        let said = |expr: &Expr| text(&workspace, &path, 11, expr, None);
        let all = [&pair[0], &pair[1], &args[1], &args[2], &args[3]].map(said);
        let expected = ["db.local", "5433", "http://db.local:5433/x", "", "…@db.local"];
        assert_eq!(all.map(Option::unwrap_or_default), expected.map(str::to_owned));
    }
}
