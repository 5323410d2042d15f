//! Which server or address the code talks to, as far as its source and its values tell.

use crate::diagnose::case::Case;
use crate::diagnose::rules::constant;
use crate::model::{Frame, Place};
use crate::workspace::python::{Expr, ExprKind, StmtKind};
use crate::workspace::resolve::assigned;

/// `host:port` or a URL that the project's innermost lines connect to or bind; and whether it is written as a
/// constant.
pub(super) fn peer(case: &Case<'_>) -> Option<String> {
    let frames = case.representative().exceptions.iter().flat_map(|exception| exception.frames.iter().rev());
    let own = frames.filter(|frame| frame.in_project);
    own.take(4).find_map(|frame| of_frame(case, frame, frame.place.as_ref()?))
}

fn of_frame(case: &Case<'_>, frame: &Frame, place: &Place) -> Option<String> {
    let source = case.workspace.source(&place.path)?;
    let module = source.module();
    let stmt = module.statement(place.line)?;
    let text = |line: u32, expr: &Expr| constant::text(case.workspace, &place.path, line, expr, Some(frame));
    let mut parts: Vec<&Expr> = Vec::new();
    let headers = module.path_to(place.line).into_iter().filter(|s| matches!(s.kind, StmtKind::With { .. }));
    for stmt in headers.chain([stmt]).rev() {
        for expr in stmt.expressions() {
            expr.walk(&mut |part| parts.push(part));
        }
    }
    let found = parts.iter().find_map(|part| of_call(part, &|expr| text(place.line, expr)));
    // `conn.request(…)` of a connection made before.
    found.or_else(|| {
        let function = module.function(&module.enclosing_function(place.line)?.qualified_name)?;
        parts.iter().find_map(|part| {
            let ExprKind::Call { func, .. } = &part.kind else { return None };
            let ExprKind::Attribute { value, .. } = &func.kind else { return None };
            let (line, made) = assigned(&function.body, value.as_name()?, place.line, &source)?;
            of_call(made, &|expr| text(line, expr))
        })
    })
}

/// The address among the arguments of a call: a pair of host and port, two arguments, or a URL.
fn of_call(expr: &Expr, text: &dyn Fn(&Expr) -> Option<String>) -> Option<String> {
    let ExprKind::Call { args, keywords, .. } = &expr.kind else { return None };
    let pair = |host: &Expr, port: &Expr| {
        let port = text(port).filter(|port| port.parse::<u16>().is_ok())?;
        let host = text(host).filter(|host| is_host(host))?;
        Some(format!("{host}:{port}"))
    };
    let keyword = |names: &[&str]| {
        keywords.iter().find(|k| k.name.as_deref().is_some_and(|n| names.contains(&n))).map(|k| &k.value)
    };
    for arg in args {
        if let ExprKind::Tuple(items) = &arg.kind
            && let [host, port, ..] = items.as_slice()
            && let Some(found) = pair(host, port)
        {
            return Some(found);
        }
    }
    if let (Some(host), Some(port)) = (keyword(&["host", "hostname", "server"]), keyword(&["port"]))
        && let Some(found) = pair(host, port)
    {
        return Some(found);
    }
    if let [host, port, ..] = args.as_slice()
        && let Some(found) = pair(host, port)
    {
        return Some(found);
    }
    let url = args.first().and_then(text).filter(|text| text.contains("://"));
    if let Some(url) = url {
        let end = url.find(['?', ' ', '#']).unwrap_or(url.len());
        return Some(url[..end].to_owned());
    }
    // An address that is one value: `connect(self.address)`.
    let named = args.first().and_then(text)?;
    let (host, port) = named.rsplit_once(':')?;
    (is_host(host) && port.parse::<u16>().is_ok()).then_some(named)
}

fn is_host(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':'))
}
