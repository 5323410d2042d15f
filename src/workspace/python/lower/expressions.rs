//! Expressions.

use ruff_python_ast as ast;
use ruff_text_size::Ranged as _;

use super::{Lower, MAX_DEPTH, name, span};
use crate::workspace::python::syntax::{ComprehensionFor, ComprehensionKind, Expr, ExprKind, Keyword, Name};

impl Lower<'_> {
    pub(super) fn opt(&mut self, expr: Option<&ast::Expr>, depth: u32) -> Option<Expr> {
        expr.map(|expr| self.expr(expr, depth))
    }

    pub(super) fn exprs(&mut self, exprs: &[ast::Expr], depth: u32) -> Vec<Expr> {
        exprs.iter().map(|expr| self.expr(expr, depth)).collect()
    }

    fn boxed(&mut self, expr: &ast::Expr, depth: u32) -> Box<Expr> {
        Box::new(self.expr(expr, depth))
    }

    pub(super) fn keywords(&mut self, keywords: &[ast::Keyword], depth: u32) -> Vec<Keyword> {
        keywords
            .iter()
            .map(|keyword| Keyword {
                name: keyword.arg.as_ref().map(name),
                name_span: span(keyword.arg.as_ref().map_or(keyword.range, |a| a.range)),
                span: span(keyword.range),
                value: self.expr(&keyword.value, depth),
            })
            .collect()
    }

    pub(super) fn expr(&mut self, expr: &ast::Expr, depth: u32) -> Expr {
        let span = span(expr.range());
        let kind = if depth >= MAX_DEPTH {
            self.too_deep = true;
            ExprKind::Other
        } else {
            self.expr_kind(expr, depth + 1)
        };
        Expr { span, kind }
    }

    fn expr_kind(&mut self, expr: &ast::Expr, depth: u32) -> ExprKind {
        match expr {
            ast::Expr::Name(e) => ExprKind::Name(e.id.as_str().into()),
            ast::Expr::Attribute(e) => ExprKind::Attribute {
                value: self.boxed(&e.value, depth),
                attr: name(&e.attr),
                attr_span: span(e.attr.range),
            },
            ast::Expr::Call(e) => ExprKind::Call {
                func: self.boxed(&e.func, depth),
                args: self.exprs(&e.arguments.args, depth),
                keywords: self.keywords(&e.arguments.keywords, depth),
                arguments_span: span(e.arguments.range),
            },
            ast::Expr::Subscript(e) => {
                ExprKind::Subscript { value: self.boxed(&e.value, depth), index: self.boxed(&e.slice, depth) }
            }
            ast::Expr::StringLiteral(e) => ExprKind::Str(e.value.to_str().into()),
            ast::Expr::BytesLiteral(_) => ExprKind::Bytes,
            ast::Expr::NumberLiteral(e) => {
                let written: Name = span(e.range).of(self.text).into();
                match e.value {
                    ast::Number::Int(_) => ExprKind::Int(written),
                    ast::Number::Float(_) | ast::Number::Complex { .. } => ExprKind::Float(written),
                }
            }
            ast::Expr::BooleanLiteral(e) => ExprKind::Bool(e.value),
            ast::Expr::NoneLiteral(_) => ExprKind::None,
            ast::Expr::EllipsisLiteral(_) => ExprKind::Ellipsis,
            ast::Expr::FString(e) => ExprKind::FString(self.interpolations(e.value.elements(), depth)),
            ast::Expr::TString(e) => ExprKind::FString(self.interpolations(e.value.elements(), depth)),
            ast::Expr::List(e) => ExprKind::List(self.exprs(&e.elts, depth)),
            ast::Expr::Tuple(e) => ExprKind::Tuple(self.exprs(&e.elts, depth)),
            ast::Expr::Set(e) => ExprKind::Set(self.exprs(&e.elts, depth)),
            ast::Expr::Dict(e) => ExprKind::Dict(
                e.items
                    .iter()
                    .map(|item| (self.opt(item.key.as_ref(), depth), self.expr(&item.value, depth)))
                    .collect(),
            ),
            ast::Expr::BinOp(e) => ExprKind::BinOp {
                left: self.boxed(&e.left, depth),
                op: e.op.as_str(),
                right: self.boxed(&e.right, depth),
            },
            ast::Expr::UnaryOp(e) => {
                ExprKind::UnaryOp { op: e.op.as_str(), operand: self.boxed(&e.operand, depth) }
            }
            ast::Expr::BoolOp(e) => {
                ExprKind::BoolOp { op: e.op.as_str(), values: self.exprs(&e.values, depth) }
            }
            ast::Expr::Compare(e) => ExprKind::Compare {
                left: self.boxed(&e.left, depth),
                rest: e
                    .ops
                    .iter()
                    .zip(&e.comparators)
                    .map(|(op, right)| (op.as_str(), self.expr(right, depth)))
                    .collect(),
            },
            ast::Expr::If(e) => ExprKind::If {
                test: self.boxed(&e.test, depth),
                body: self.boxed(&e.body, depth),
                orelse: self.boxed(&e.orelse, depth),
            },
            ast::Expr::Lambda(e) => {
                let signature = e.parameters.as_deref().map(|p| self.signature(p, depth));
                ExprKind::Lambda {
                    signature: Box::new(signature.unwrap_or_default()),
                    body: self.boxed(&e.body, depth),
                }
            }
            ast::Expr::Named(e) => {
                ExprKind::Named { target: self.boxed(&e.target, depth), value: self.boxed(&e.value, depth) }
            }
            ast::Expr::Await(e) => ExprKind::Await(self.boxed(&e.value, depth)),
            ast::Expr::Yield(e) => ExprKind::Yield(self.opt(e.value.as_deref(), depth).map(Box::new)),
            ast::Expr::YieldFrom(e) => ExprKind::YieldFrom(self.boxed(&e.value, depth)),
            ast::Expr::Starred(e) => ExprKind::Starred(self.boxed(&e.value, depth)),
            ast::Expr::ListComp(e) => {
                self.comprehension(ComprehensionKind::List, &[&e.elt], &e.generators, depth)
            }
            ast::Expr::SetComp(e) => {
                self.comprehension(ComprehensionKind::Set, &[&e.elt], &e.generators, depth)
            }
            ast::Expr::Generator(e) => {
                self.comprehension(ComprehensionKind::Generator, &[&e.elt], &e.generators, depth)
            }
            ast::Expr::DictComp(e) => {
                let element: Vec<&ast::Expr> = e.key.as_deref().into_iter().chain([&*e.value]).collect();
                self.comprehension(ComprehensionKind::Dict, &element, &e.generators, depth)
            }
            ast::Expr::Slice(e) => {
                let parts = [&e.lower, &e.upper, &e.step].map(|part| self.opt(part.as_deref(), depth));
                ExprKind::Slice { parts: Box::new(parts) }
            }
            ast::Expr::IpyEscapeCommand(_) => ExprKind::Other,
        }
    }

    fn interpolations<'e>(
        &mut self,
        elements: impl Iterator<Item = &'e ast::InterpolatedStringElement>,
        depth: u32,
    ) -> Vec<Expr> {
        let mut all = Vec::new();
        for element in elements {
            if let ast::InterpolatedStringElement::Interpolation(part) = element {
                all.push(self.expr(&part.expression, depth));
                if let Some(spec) = &part.format_spec {
                    for nested in spec.elements.interpolations() {
                        all.push(self.expr(&nested.expression, depth));
                    }
                }
            }
        }
        all
    }

    fn comprehension(
        &mut self,
        kind: ComprehensionKind,
        element: &[&ast::Expr],
        generators: &[ast::Comprehension],
        depth: u32,
    ) -> ExprKind {
        ExprKind::Comprehension {
            kind,
            element: element.iter().map(|e| self.expr(e, depth)).collect(),
            fors: generators
                .iter()
                .map(|clause| ComprehensionFor {
                    target: self.expr(&clause.target, depth),
                    iter: self.expr(&clause.iter, depth),
                    ifs: self.exprs(&clause.ifs, depth),
                })
                .collect(),
        }
    }
}
