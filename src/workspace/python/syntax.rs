//! The syntax tree that the rest of the program sees: plain types, independent of the parser crate, with byte
//! ranges into the text and lines from 1.

mod expressions;

use std::sync::Arc;

pub use expressions::{ComprehensionFor, ComprehensionKind, Expr, ExprKind, Keyword};

/// A name or other short text of the source.
pub type Name = Arc<str>;

/// A range of bytes in the text, the end exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// Whether `offset` is in the range or directly after it.
    pub fn touches(self, offset: u32) -> bool {
        self.start <= offset && offset <= self.end
    }

    /// The text of the range.
    pub fn of(self, text: &str) -> &str {
        text.get(self.start as usize..self.end as usize).unwrap_or("")
    }
}

/// A statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Stmt {
    /// The whole statement, decorators included.
    pub span: Span,
    /// First line, decorators included.
    pub start_line: u32,
    /// Last line.
    pub end_line: u32,
    /// What it is.
    pub kind: StmtKind,
}

/// The kinds of statement.
#[derive(Debug, Clone, PartialEq)]
pub enum StmtKind {
    /// `def` and `async def`.
    Function(Box<Function>),
    /// `class`.
    Class(Box<Class>),
    /// `return`.
    Return(Option<Expr>),
    /// `del`.
    Delete(Vec<Expr>),
    /// `a = b = value`.
    Assign {
        /// The targets, in order.
        targets: Vec<Expr>,
        /// The value.
        value: Expr,
    },
    /// `a += value`.
    AugAssign {
        /// The target.
        target: Expr,
        /// The operator without `=`.
        op: &'static str,
        /// The value.
        value: Expr,
    },
    /// `a: annotation = value`.
    AnnAssign {
        /// The target.
        target: Expr,
        /// The annotation.
        annotation: Expr,
        /// The value.
        value: Option<Expr>,
    },
    /// `for` and `async for`.
    For {
        /// Whether it is `async for`.
        is_async: bool,
        /// The loop variable or variables.
        target: Expr,
        /// What is iterated.
        iter: Expr,
        /// The body.
        body: Vec<Stmt>,
        /// The `else` branch.
        orelse: Vec<Stmt>,
    },
    /// `while`.
    While {
        /// The condition.
        test: Expr,
        /// The body.
        body: Vec<Stmt>,
        /// The `else` branch.
        orelse: Vec<Stmt>,
    },
    /// `if`, `elif`, `else`: each branch with its condition (`None` for `else`).
    If(Vec<(Option<Expr>, Vec<Stmt>)>),
    /// `with` and `async with`.
    With {
        /// Whether it is `async with`.
        is_async: bool,
        /// Context expressions and what they are bound to.
        items: Vec<(Expr, Option<Expr>)>,
        /// The body.
        body: Vec<Stmt>,
    },
    /// `match`.
    Match {
        /// The subject.
        subject: Expr,
        /// The cases.
        cases: Vec<MatchCase>,
    },
    /// `raise`.
    Raise {
        /// The exception.
        exc: Option<Expr>,
        /// What follows `from`.
        cause: Option<Expr>,
    },
    /// `try`.
    Try {
        /// The body.
        body: Vec<Stmt>,
        /// The `except` branches.
        handlers: Vec<Handler>,
        /// The `else` branch.
        orelse: Vec<Stmt>,
        /// The `finally` branch.
        finalbody: Vec<Stmt>,
    },
    /// `assert`.
    Assert {
        /// The condition.
        test: Expr,
        /// The message.
        msg: Option<Expr>,
    },
    /// `import` and `from … import`, one entry per bound name.
    Import(Vec<Import>),
    /// `global`.
    Global(Vec<Name>),
    /// `nonlocal`.
    Nonlocal(Vec<Name>),
    /// An expression.
    Expr(Expr),
    /// `pass`.
    Pass,
    /// `break`.
    Break,
    /// `continue`.
    Continue,
    /// A type alias, or something nested too deeply to be kept.
    Other,
}

/// One `case` of a `match`.
#[derive(Debug, Clone, PartialEq)]
pub struct MatchCase {
    /// Where the pattern stands.
    pub pattern: Span,
    /// The pattern itself.
    pub form: Pattern,
    /// Names the pattern binds.
    pub names: Vec<(Name, Span)>,
    /// The guard.
    pub guard: Option<Expr>,
    /// The body.
    pub body: Vec<Stmt>,
}

/// A pattern of a `case`.
#[derive(Debug, Clone, PartialEq)]
pub enum Pattern {
    /// A value, compared with `==` (`None`, `True` and `False` with `is`).
    Value(Expr),
    /// `[a, b, *rest]` and `(a, b)`.
    Sequence(Vec<Pattern>),
    /// `*rest`, and `*_` without a name; only in a sequence.
    Star(Option<Name>),
    /// `{"kind": k, **rest}`.
    Mapping {
        /// Keys with the patterns of their values.
        items: Vec<(Expr, Pattern)>,
        /// What the remaining items are bound to.
        rest: Option<Name>,
    },
    /// `Point(x, y=0)`.
    Class {
        /// The class.
        class: Expr,
        /// Patterns by position.
        args: Vec<Pattern>,
        /// Patterns by attribute.
        keywords: Vec<(Name, Pattern)>,
    },
    /// `pattern as name`; a name alone without pattern, `_` with neither.
    As {
        /// What must fit.
        pattern: Option<Box<Pattern>>,
        /// What the value is bound to.
        name: Option<Name>,
    },
    /// `a | b`.
    Or(Vec<Pattern>),
    /// Nested too deeply to be kept.
    Other,
}

impl Pattern {
    /// Collects the expressions of the pattern: values, keys and classes, in the order of the source.
    pub fn expressions<'p>(&'p self, all: &mut Vec<&'p Expr>) {
        match self {
            Self::Value(value) => all.push(value),
            Self::Sequence(patterns) | Self::Or(patterns) => {
                for pattern in patterns {
                    pattern.expressions(all);
                }
            }
            Self::Mapping { items, .. } => {
                for (key, pattern) in items {
                    all.push(key);
                    pattern.expressions(all);
                }
            }
            Self::Class { class, args, keywords } => {
                all.push(class);
                for pattern in args.iter().chain(keywords.iter().map(|(_, pattern)| pattern)) {
                    pattern.expressions(all);
                }
            }
            Self::As { pattern: Some(pattern), .. } => pattern.expressions(all),
            Self::As { pattern: None, .. } | Self::Star(_) | Self::Other => {}
        }
    }
}

/// One `except` branch.
#[derive(Debug, Clone, PartialEq)]
pub struct Handler {
    /// Line of the word `except`.
    pub line: u32,
    /// The exception type or tuple of types.
    pub type_: Option<Expr>,
    /// What it is bound to.
    pub name: Option<(Name, Span)>,
    /// The body.
    pub body: Vec<Stmt>,
}

/// One name that an import binds.
#[derive(Debug, Clone, PartialEq)]
pub struct Import {
    /// For `import a.b`: `a.b`. For `from a.b import c`: `a.b`; empty for `from . import c`.
    pub module: Name,
    /// Where the module's name stands.
    pub module_span: Span,
    /// For `from a import c`: `c` (`*` for all).
    pub name: Option<Name>,
    /// Where the imported name stands (the module's for `import a.b`).
    pub name_span: Span,
    /// The name after `as`.
    pub alias: Option<Name>,
    /// Leading dots of a relative import.
    pub level: u32,
    /// The line of the imported name.
    pub line: u32,
}

impl Import {
    /// The name that is bound here: the alias, the imported name, or the first part of `a.b.c`.
    pub fn bound_name(&self) -> &str {
        match (&self.alias, &self.name) {
            (Some(alias), _) => alias,
            (None, Some(name)) => name,
            (None, None) => self.module.split('.').next().unwrap_or(&self.module),
        }
    }
}

/// A function definition.
#[derive(Debug, Clone, PartialEq)]
pub struct Function {
    /// Its name.
    pub name: Name,
    /// Where the name stands.
    pub name_span: Span,
    /// `Route.length`; nested functions as `outer.inner`.
    pub qualified_name: Name,
    /// Line of the name.
    pub name_line: u32,
    /// Whether it is `async def`.
    pub is_async: bool,
    /// Decorators without `@`, outermost first.
    pub decorators: Vec<Expr>,
    /// Type parameters (PEP 695).
    pub type_params: Vec<Name>,
    /// Its parameters.
    pub signature: Signature,
    /// The return annotation.
    pub returns: Option<Expr>,
    /// The body.
    pub body: Vec<Stmt>,
}

/// A class definition.
#[derive(Debug, Clone, PartialEq)]
pub struct Class {
    /// Its name.
    pub name: Name,
    /// Where the name stands.
    pub name_span: Span,
    /// Qualified by enclosing classes and functions.
    pub qualified_name: Name,
    /// Line of the name.
    pub name_line: u32,
    /// Decorators without `@`, outermost first.
    pub decorators: Vec<Expr>,
    /// Type parameters (PEP 695).
    pub type_params: Vec<Name>,
    /// Base classes.
    pub bases: Vec<Expr>,
    /// `metaclass=` and other keywords.
    pub keywords: Vec<Keyword>,
    /// The body.
    pub body: Vec<Stmt>,
}

/// The parameters of a function or lambda.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Signature {
    /// Everything between the parentheses, these included for a `def`.
    pub span: Span,
    /// Positional-only, positional, keyword-only, in source order, without `*args` and `**kwargs`.
    pub params: Vec<Param>,
    /// `*args`.
    pub vararg: Option<Param>,
    /// `**kwargs`.
    pub kwarg: Option<Param>,
}

impl Signature {
    /// The parameter called `name`, `*args` and `**kwargs` left out.
    pub fn param(&self, name: &str) -> Option<&Param> {
        self.params.iter().find(|p| *p.name == *name)
    }

    /// Parameters that may be given by position.
    pub fn positional(&self) -> impl Iterator<Item = &Param> {
        self.params.iter().filter(|p| p.kind != ParamKind::KeywordOnly)
    }
}

/// How an argument may be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParamKind {
    /// By position only.
    PositionalOnly,
    /// By position or keyword.
    Positional,
    /// By keyword only.
    KeywordOnly,
    /// `*args`.
    VarArgs,
    /// `**kwargs`.
    KwArgs,
}

/// A parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    /// Its name.
    pub name: Name,
    /// Where the name stands.
    pub name_span: Span,
    /// The whole parameter with annotation and default.
    pub span: Span,
    /// How it may be given.
    pub kind: ParamKind,
    /// Its annotation.
    pub annotation: Option<Expr>,
    /// Its default.
    pub default: Option<Expr>,
}
