//! Expressions.

use super::{Name, Signature, Span};

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// Where it stands, without enclosing parentheses.
    pub span: Span,
    /// What it is.
    pub kind: ExprKind,
}

/// A keyword argument; `name` is `None` for `**mapping`.
#[derive(Debug, Clone, PartialEq)]
pub struct Keyword {
    /// Its name.
    pub name: Option<Name>,
    /// Where the name stands (the whole argument for `**mapping`).
    pub name_span: Span,
    /// Name, `=` and value.
    pub span: Span,
    /// Its value.
    pub value: Expr,
}

/// The kinds of comprehension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComprehensionKind {
    /// `[…]`
    List,
    /// `{…}`
    Set,
    /// `{k: v …}`
    Dict,
    /// `(…)`
    Generator,
}

/// One `for … in … if …` of a comprehension.
#[derive(Debug, Clone, PartialEq)]
pub struct ComprehensionFor {
    /// The loop variable or variables.
    pub target: Expr,
    /// What is iterated.
    pub iter: Expr,
    /// Conditions.
    pub ifs: Vec<Expr>,
}

/// The kinds of expression.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// A variable.
    Name(Name),
    /// `value.attr`.
    Attribute {
        /// The object.
        value: Box<Expr>,
        /// The attribute.
        attr: Name,
        /// Where the attribute's name stands.
        attr_span: Span,
    },
    /// `func(args, keywords)`.
    Call {
        /// What is called.
        func: Box<Expr>,
        /// Positional arguments.
        args: Vec<Expr>,
        /// Keyword arguments.
        keywords: Vec<Keyword>,
        /// The parentheses and what is between them.
        arguments_span: Span,
    },
    /// `value[index]`.
    Subscript {
        /// The object.
        value: Box<Expr>,
        /// The index, key or slice.
        index: Box<Expr>,
    },
    /// A string literal, decoded, parts joined.
    Str(Name),
    /// A bytes literal.
    Bytes,
    /// An integer as written.
    Int(Name),
    /// A float or complex number as written.
    Float(Name),
    /// `True` or `False`.
    Bool(bool),
    /// `None`.
    None,
    /// `...`
    Ellipsis,
    /// An f-string or t-string with its interpolated expressions.
    FString(Vec<Expr>),
    /// `[…]`
    List(Vec<Expr>),
    /// `(…)` or a bare `a, b`.
    Tuple(Vec<Expr>),
    /// `{…}`
    Set(Vec<Expr>),
    /// `{key: value}`; the key is `None` for `**mapping`.
    Dict(Vec<(Option<Expr>, Expr)>),
    /// `left op right`.
    BinOp {
        /// Left operand.
        left: Box<Expr>,
        /// `+`, `//`, …
        op: &'static str,
        /// Right operand.
        right: Box<Expr>,
    },
    /// `-a`, `not a`, …
    UnaryOp {
        /// `-`, `+`, `~`, `not`.
        op: &'static str,
        /// Operand.
        operand: Box<Expr>,
    },
    /// `a and b and c`.
    BoolOp {
        /// `and` or `or`.
        op: &'static str,
        /// Operands.
        values: Vec<Expr>,
    },
    /// `a < b <= c`.
    Compare {
        /// The first operand.
        left: Box<Expr>,
        /// Operators, each with its right operand.
        rest: Vec<(&'static str, Expr)>,
    },
    /// `body if test else orelse`.
    If {
        /// The condition.
        test: Box<Expr>,
        /// The value if true.
        body: Box<Expr>,
        /// The value if false.
        orelse: Box<Expr>,
    },
    /// `lambda …: body`.
    Lambda {
        /// Parameters.
        signature: Box<Signature>,
        /// Body.
        body: Box<Expr>,
    },
    /// `target := value`.
    Named {
        /// The target.
        target: Box<Expr>,
        /// The value.
        value: Box<Expr>,
    },
    /// `await value`.
    Await(Box<Expr>),
    /// `yield value`.
    Yield(Option<Box<Expr>>),
    /// `yield from value`.
    YieldFrom(Box<Expr>),
    /// `*value`.
    Starred(Box<Expr>),
    /// A comprehension.
    Comprehension {
        /// Its kind.
        kind: ComprehensionKind,
        /// The element, or key and value.
        element: Vec<Expr>,
        /// The `for` clauses.
        fors: Vec<ComprehensionFor>,
    },
    /// `lower:upper:step`.
    Slice {
        /// Lower bound, upper bound and step.
        parts: Box<[Option<Expr>; 3]>,
    },
    /// Something nested too deeply to be kept, or not Python.
    Other,
}

impl Expr {
    /// The dotted name that the expression spells, e.g. `pytest.mark.skip`; `None` if it is anything else.
    pub fn dotted(&self) -> Option<String> {
        match &self.kind {
            ExprKind::Name(name) => Some(name.to_string()),
            ExprKind::Attribute { value, attr, .. } => {
                let mut text = value.dotted()?;
                text.push('.');
                text.push_str(attr);
                Some(text)
            }
            _ => None,
        }
    }

    /// The variable's name, if it is one.
    pub fn as_name(&self) -> Option<&str> {
        match &self.kind {
            ExprKind::Name(name) => Some(name),
            _ => None,
        }
    }

    /// The string, if it is a string literal.
    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            ExprKind::Str(text) => Some(text),
            _ => None,
        }
    }
}
