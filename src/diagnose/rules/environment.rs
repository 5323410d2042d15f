//! What lies outside the code: variables, files, permissions, ports, servers, names, time limits, encodings.

mod files;
mod peers;
mod variables;

use super::edits;
use super::spot::target;
use crate::diagnose::case::{Case, at, code, in_tests, line_of, named};
use crate::diagnose::draft::TextEdit;
use crate::diagnose::{Draft, Finding};
use crate::model::{Category, Exception, FixTarget, Place, Severity};
use crate::workspace::SourceFile;
use crate::workspace::python::{Expr, ExprKind, StmtKind};

pub(super) use files::missing_file;
pub(super) use variables::missing_variable;

/// The text between the first pair of quotes.
fn quoted(text: &str) -> Option<&str> {
    let start = text.find(['\'', '"'])?;
    let quote = text[start..].chars().next()?;
    text[start + 1..].split(quote).next().filter(|inner| !inner.is_empty())
}

fn place_of(case: &Case<'_>) -> Option<Place> {
    case.frame().map(|(_, place)| place.clone()).or_else(|| case.definition())
}

/// Adds the place where it came up, and the statement there.
fn located(mut finding: Finding, case: &Case<'_>, place: &Place, score: f64, reason: &str) -> Finding {
    if let Some((frame, known)) = case.frame()
        && let Some(statement) = case.statement(frame, known)
    {
        finding = finding.shown(format!("{} ran {}", at(known), code(&statement)), Some(known));
    }
    finding = finding.suspect(place, score, reason);
    if let Some((_, test)) = case.test_frame().filter(|(_, test)| *test != place) {
        finding = finding.suspect(test, score / 3.0, "the call in the test");
    }
    finding
}

/// What an `OSError`'s number says.
fn number(exception: &Exception) -> Option<u32> {
    let rest = exception.message.trim_start();
    let rest = rest.strip_prefix("[Errno ").or_else(|| rest.strip_prefix("[WinError "))?;
    rest.split(']').next()?.trim().parse().ok()
}

/// Permissions, ports, disks: `OSError` by its number.
pub(super) fn refused_by_system(case: &Case<'_>) -> Option<Finding> {
    let root = case.root()?;
    let place = place_of(case)?;
    let errno = number(root);
    let line = root.message.lines().next().unwrap_or_default();
    let subject = quoted(line).map_or_else(String::new, |path| format!(" on {}", code(path)));
    let (rule, category, sentence, suggestion) = match (root.short_type(), errno) {
        ("PermissionError", _) | (_, Some(13 | 1)) if is_os_error(root) => (
            "environment-permission",
            Category::PermissionError,
            format!("The operating system denies {} what it asks for{subject} ({})", at(&place), code(line)),
            format!(
                "Give the user that runs the tests the permission, or use a place of the test's own (`tmp_path`) at {}",
                line_of(&place)
            ),
        ),
        (_, Some(98 | 48 | 10048)) => return Some(port_in_use(case, &place)),
        (_, Some(28)) => (
            "environment-disk",
            Category::EnvIssue,
            format!("No space is left on the device that {} writes to{subject}", at(&place)),
            "Free disk space where the tests run".to_owned(),
        ),
        (_, Some(24)) => (
            "environment-files",
            Category::EnvIssue,
            format!(
                "Too many files are open when {} opens another one: something does not close its files",
                at(&place)
            ),
            "Close what is opened (`with open(…)`), or raise the limit (`ulimit -n`)".to_owned(),
        ),
        (_, Some(30)) => (
            "environment-permission",
            Category::PermissionError,
            format!("{} writes to a read-only file system{subject}", at(&place)),
            format!("Write to `tmp_path` instead at {}", line_of(&place)),
        ),
        _ => return None,
    };
    let advice = Draft::advice(
        FixTarget::Environment,
        suggestion.clone(),
        "The operating system decides, not the code",
    );
    let finding =
        Finding::new(rule, category, Severity::High, 0.8).because(sentence).suggest(suggestion).mend(advice);
    Some(located(finding, case, &place, 0.6, "asked the operating system"))
}

/// An address that something else has bound.
fn port_in_use(case: &Case<'_>, place: &Place) -> Finding {
    let address = peers::peer(case);
    let port = address.as_deref().and_then(|a| a.rsplit(':').next()).unwrap_or("that port").to_owned();
    let named = address.as_deref().map_or_else(
        || "The address and port".to_owned(),
        |a| format!("The port {port} (address {})", code(a)),
    );
    let mut finding = Finding::new("environment-port", Category::EnvIssue, Severity::High, 0.8)
        .because(format!(
            "{named} that {} binds is already in use: another process or test has not let go of it",
            at(place)
        ))
        .suggest(format!(
            "Bind port 0 and ask for the port given, or close the other server, at {}",
            line_of(place)
        ));
    let chain = [Some(place.clone()), case.test_frame().map(|(_, test)| test.clone())];
    let drafts = port_zero(case, &port, &chain.into_iter().flatten().collect::<Vec<_>>());
    for draft in drafts {
        finding = finding.mend(draft);
    }
    finding = finding.mend(Draft::advice(
        FixTarget::Environment,
        format!("Close what has bound port {port}, or bind port 0 and use the port that is given"),
        "Only one socket can listen at an address",
    ));
    located(finding, case, place, 0.6, "asked the operating system")
}

/// Edits that bind any free port: where the port is written as a number.
fn port_zero(case: &Case<'_>, port: &str, places: &[Place]) -> Vec<Draft> {
    let mut drafts = Vec::new();
    if port.parse::<u16>().is_err() {
        return drafts;
    }
    for place in places {
        let Some(source) = case.workspace.source(&place.path) else { continue };
        let mut spans = Vec::new();
        source.module().walk(&mut |stmt| {
            for expr in stmt.expressions() {
                expr.walk(&mut |part| {
                    if matches!(&part.kind, ExprKind::Int(text) if text.replace('_', "") == port) {
                        spans.push(part.span);
                    }
                });
            }
        });
        if let [span] = spans[..] {
            let here = source.place(span);
            drafts.push(Draft::edits(
                target(&here),
                format!("Let the system choose a free port: change `{port}` to `0` ({})", line_of(&here)),
                "Port 0 is any free port; the socket's `getsockname()` tells which",
                vec![TextEdit::replace(&place.path, span, "0")],
            ));
        }
    }
    drafts
}

fn is_os_error(exception: &Exception) -> bool {
    matches!(exception.short_type(), "PermissionError" | "OSError" | "IOError")
}

/// A peer that does not answer: refused, reset, not found.
pub(super) fn connection(case: &Case<'_>) -> Option<Finding> {
    let root = case.root()?;
    let kind = case.kind()?;
    if kind.category != Category::ConnectionError {
        return None;
    }
    let place = place_of(case)?;
    let chain = &case.representative().exceptions;
    let messages = || chain.iter().map(|exception| exception.message.as_str());
    let peer = messages().find_map(peer).or_else(|| local_peer(case)).or_else(|| peers::peer(case));
    let to = peer.as_deref().map_or_else(|| "a server".to_owned(), code);
    let text = messages().collect::<Vec<_>>().join("\n").to_lowercase();
    let name = root.short_type();
    let (rule, sentence, confidence) = if name == "gaierror"
        || text.contains("name or service not known")
        || text.contains("name resolution")
        || text.contains("getaddrinfo failed")
        || text.contains("nodename nor servname")
    {
        (
            "connection-name",
            format!("The host name of {to} cannot be resolved, which {} needs", at(&place)),
            0.9,
        )
    } else if name == "ConnectionRefusedError"
        || text.contains("connection refused")
        || text.contains("actively refused")
    {
        (
            "connection-refused",
            format!("Nothing listens at {to}: {} was refused a connection", at(&place)),
            0.9,
        )
    } else if name == "ConnectionResetError"
        || name == "RemoteDisconnected"
        || text.contains("reset by peer")
        || text.contains("without response")
    {
        ("connection-closed", format!("{to} closed the connection that {} used", at(&place)), 0.7)
    } else if text.contains("certificate") || name.starts_with("SSL") {
        (
            "connection-certificate",
            format!("The TLS connection of {} to {to} failed: {}", at(&place), named(root)),
            0.75,
        )
    } else {
        ("connection", format!("{} could not talk to {to}: {}", at(&place), named(root)), 0.6)
    };
    let raised_here = root.frames.last().is_some_and(|frame| frame.in_project)
        && case
            .frame()
            .and_then(|(frame, place)| case.statement(frame, place))
            .is_some_and(|s| s.starts_with("raise"));
    // The code says so itself: whether there was a connection at all is not known.
    if raised_here {
        return None;
    }
    let finding = Finding::new(rule, Category::ConnectionError, Severity::High, confidence)
        .because(sentence)
        .suggest(format!(
            "Start {to} where the tests run, correct its address, or replace it in the test (a fake, or `monkeypatch`) for {}",
            line_of(&place)
        ))
        .shown(format!("{} is the first cause", named(root)), Some(&place));
    let finding = finding.mend(Draft::advice(
        FixTarget::Environment,
        format!("Start {to} where the tests run, correct its address, or replace it in the test (a fake, or `monkeypatch`)"),
        "The test needs it, or a stand-in for it",
    ));
    Some(located(finding, case, &place, 0.6, "makes the connection"))
}

/// `host='x', port=1`, `('x', 1)`, `x:1`, a URL.
fn peer(message: &str) -> Option<String> {
    let field = |name: &str| {
        let rest = message.split_once(name)?.1.trim_start();
        let rest = rest.trim_start_matches(['\'', '"']);
        let end = rest
            .find(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':')))
            .unwrap_or(rest.len());
        (end > 0).then(|| rest[..end].to_owned())
    };
    if let (Some(host), Some(port)) = (field("host="), field("port=")) {
        return Some(format!("{host}:{port}"));
    }
    if let Some(at) = message.find("://") {
        let start = message[..at].rfind(|c: char| !c.is_ascii_alphanumeric()).map_or(0, |i| i + 1);
        let end = message[at..].find([' ', '\'', '"', ')', ',']).map_or(message.len(), |i| at + i);
        return Some(message[start..end].to_owned());
    }
    message.split([' ', '(', ')', '[', ']', '\'', '"', ',']).find_map(|word| {
        let word = word.trim_end_matches('.');
        let (host, port) = word.rsplit_once(':')?;
        let fits = !host.is_empty()
            && port.parse::<u16>().is_ok()
            && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
        fits.then(|| word.to_owned())
    })
}

/// Host and port among the values at the failing line.
fn local_peer(case: &Case<'_>) -> Option<String> {
    let (frame, _) = case.frame()?;
    let value = |names: &[&str]| {
        frame
            .locals
            .iter()
            .find(|local| names.contains(&local.name.as_str()))
            .map(|local| local.repr.trim_matches(['\'', '"']).to_owned())
    };
    let host = value(&["host", "hostname", "server", "address"])?;
    Some(match value(&["port"]) {
        Some(port) => format!("{host}:{port}"),
        None => host,
    })
}

/// Time limits: pytest-timeout, asyncio, sockets, subprocesses.
pub(super) fn time_limit(case: &Case<'_>) -> Option<Finding> {
    let root = case.root()?;
    let last = case.last()?;
    let by_plugin = last.short_type() == "Failed" && last.message.trim_start().starts_with("Timeout");
    let kind = case.kind()?;
    if kind.category != Category::Timeout {
        return None;
    }
    let place = place_of(case)?;
    let line = if by_plugin { &last.message } else { &root.message };
    let limit = line
        .split(|c: char| !(c.is_ascii_digit() || c == '.'))
        .find(|part| part.parse::<f64>().is_ok())
        .map_or_else(String::new, |number| format!(" of {number} s"));
    let statement = case.frame().and_then(|(frame, known)| case.statement(frame, known));
    let running = statement.as_deref().map_or_else(String::new, |text| format!(" at {}", code(text)));
    let looping = by_plugin.then(|| endless_loop(case, &place)).flatten();
    let raised_here = root.frames.last().is_some_and(|frame| frame.in_project)
        && statement.as_deref().is_some_and(|text| text.starts_with("raise"));
    let mut finding =
        Finding::new("timeout", Category::Timeout, Severity::High, if raised_here { 0.5 } else { 0.65 });
    finding = match &looping {
        Some((condition, _)) => finding
            .because(format!("The time limit{limit} ran out in {}{running}, inside the loop {}, whose condition nothing in the loop seems to end", at(&place), code(condition)))
            .suggest(format!("Make the loop end: something in it has to change what {} depends on", code(condition))),
        None if by_plugin => finding
            .because(format!("The time limit{limit} of the test ran out while {} was running{running}", at(&place)))
            .suggest(format!("Look for what {} waits for or repeats; raise the limit only if it is honestly slow", line_of(&place))),
        None => finding
            .because(format!("{} waited longer than the limit{limit} allows{running}: {}", at(&place), named(root)))
            .suggest(format!("Find out why the answer does not come, or raise the limit at {}", line_of(&place))),
    };
    if let Some((_, loop_place)) = &looping {
        finding.confidence = 0.75;
        finding = finding.suspect(loop_place, 0.7, "the loop that does not end");
    }
    Some(located(finding, case, &place, 0.5, "was running when the time was over"))
}

/// The `while` around the line whose condition's variables its body never assigns or touches.
fn endless_loop(case: &Case<'_>, place: &Place) -> Option<(String, Place)> {
    let source = case.workspace.source(&place.path)?;
    source.module().path_to(place.line).into_iter().rev().find_map(|stmt| {
        let StmtKind::While { test, body, .. } = &stmt.kind else { return None };
        let mut names = Vec::new();
        test.walk(&mut |part| names.extend(part.as_name()));
        let mut ends = false;
        for stmt in body {
            stmt.walk(false, &mut |stmt| {
                ends |= matches!(stmt.kind, StmtKind::Break | StmtKind::Return(_) | StmtKind::Raise { .. });
                let mut touched = Vec::new();
                match &stmt.kind {
                    StmtKind::Assign { targets, .. } => touched.extend(targets),
                    StmtKind::AugAssign { target, .. }
                    | StmtKind::AnnAssign { target, .. }
                    | StmtKind::For { target, .. } => {
                        touched.push(target);
                    }
                    _ => {}
                }
                // A method may change its object, a function its arguments.
                for expr in stmt.expressions() {
                    expr.walk(&mut |part| match &part.kind {
                        ExprKind::Call { func, args, .. } => {
                            touched.push(func);
                            touched.extend(args);
                        }
                        ExprKind::Named { target, .. } => touched.push(target),
                        _ => {}
                    });
                }
                for expr in touched {
                    expr.walk(&mut |part| ends |= part.as_name().is_some_and(|name| names.contains(&name)));
                }
            });
        }
        if ends {
            return None;
        }
        let at =
            Place { function: place.function.clone(), ..Place::line(place.path.clone(), stmt.start_line) };
        Some((test.span.of(source.text()).to_owned(), at))
    })
}

/// Text that is not in the encoding it is read with.
pub(super) fn encoding(case: &Case<'_>) -> Option<Finding> {
    let root = case.root()?;
    let decode = match root.short_type() {
        "UnicodeDecodeError" => true,
        "UnicodeEncodeError" => false,
        _ => return None,
    };
    let line = root.message.lines().next()?;
    let codec = quoted(line)?;
    let (frame, place) = case.frame()?;
    let source = case.workspace.source(&place.path)?;
    let stmt = source.module().statement(place.line);
    // `open(…)` without `encoding=` takes the locale's.
    let mut opened = None;
    if let Some(stmt) = stmt {
        let mut path = source.module().path_to(place.line);
        path.push(stmt);
        for expr in path.iter().flat_map(|stmt| stmt.expressions()) {
            expr.walk(&mut |part| opened = opened.or_else(|| without_encoding(part)));
        }
    }
    let statement = case.statement(frame, place).unwrap_or_default();
    let byte = line
        .split("byte ")
        .nth(1)
        .and_then(|rest| rest.split(' ').next())
        .map_or_else(String::new, |b| format!(" (byte {b})"));
    let mut finding = Finding::new("encoding", Category::DataIssue, Severity::Medium, 0.65);
    let named = opened.and_then(|call| name_encoding(&source, call, place));
    let unicode = codec.to_lowercase().replace(['-', '_'], "").starts_with("utf");
    let written = decode.then(|| other_encoding(case, &source, place, codec)).flatten();
    finding = if let Some((sentence, fix)) = written {
        finding.confidence = 0.88;
        finding
            .because(format!("{} reads as {} what {sentence}{byte}", at(place), code(codec)))
            .suggest(format!(
                "Use one encoding where it is written and where it is read ({})",
                line_of(place)
            ))
            .mend(fix)
    } else if let Some(call) = opened.filter(|_| !unicode) {
        let call = call.span.of(source.text());
        finding.confidence = 0.75;
        finding
            .because(format!("{} opens the file without naming its encoding, so the locale's {} is used, which does not fit the content{byte}", code(call), code(codec)))
            .suggest(format!("Name the encoding, e.g. `encoding=\"utf-8\"`, at {}", line_of(place)))
            .mend(named)
    } else if decode {
        finding
            .because(format!(
                "The bytes that {} reads as {} are in another encoding{byte}, at {}",
                at(place),
                code(codec),
                code(&statement)
            ))
            .suggest(format!("Decode with the encoding the data really have at {}", line_of(place)))
    } else {
        finding
            .because(format!(
                "{} cannot hold all characters of the text that {} writes, at {}",
                code(codec),
                at(place),
                code(&statement)
            ))
            .suggest(format!(
                "Encode with `utf-8` at {}, or say what to do with other characters (`errors=`)",
                line_of(place)
            ))
    };
    let score = if in_tests(place) { 0.5 } else { 0.65 };
    let place = place.clone();
    Some(located(finding, case, &place, score, "reads or writes the text"))
}

/// Where the project writes text with another encoding than the one that fails here: said in words, and the edit that
/// reads with that one.
fn other_encoding(
    case: &Case<'_>,
    source: &SourceFile,
    place: &Place,
    codec: &str,
) -> Option<(String, Option<Draft>)> {
    let folded = |name: &str| name.to_lowercase().replace(['-', '_'], "");
    let mut found: Vec<(Place, String)> = Vec::new();
    for path in case.workspace.symbols().files() {
        let Some(source) = case.workspace.source(path) else { continue };
        if !source.text().contains("encod") {
            continue;
        }
        source.module().walk(&mut |stmt| {
            for expr in stmt.expressions() {
                expr.walk(&mut |part| {
                    let ExprKind::Call { func, args, keywords, .. } = &part.kind else { return };
                    let name = match &func.kind {
                        ExprKind::Name(name) => name,
                        ExprKind::Attribute { attr, .. } => attr,
                        _ => return,
                    };
                    let named =
                        keywords.iter().find(|k| k.name.as_deref() == Some("encoding")).map(|k| &k.value);
                    let mode = args
                        .iter()
                        .filter_map(Expr::as_str)
                        .any(|mode| mode.len() <= 3 && mode.contains(['w', 'a', 'x']));
                    let encoding = match &**name {
                        "open" if mode => named,
                        "write_text" => named,
                        "encode" => args.first().or(named),
                        _ => None,
                    };
                    if let Some(encoding) = encoding.and_then(Expr::as_str)
                        && folded(encoding) != folded(codec)
                    {
                        let function = source.module().enclosing_function(stmt.start_line);
                        let function = function.map(|definition| definition.qualified_name.clone());
                        let here =
                            Place { function, ..Place::line(path.clone(), source.line_of(part.span.start)) };
                        found.push((here, encoding.to_owned()));
                    }
                });
            }
        });
    }
    let [(writer, encoding)] = found.as_slice() else { return None };
    let mut named = Vec::new();
    for stmt in source.module().path_to(place.line) {
        for expr in stmt.expressions() {
            expr.walk(&mut |part| {
                if part.as_str().is_some_and(|text| folded(text) == folded(codec)) {
                    named.push(part.span);
                }
            });
        }
    }
    let fix = match named[..] {
        [span] => Some(Draft::edits(
            target(place),
            format!("Read it as `{encoding}`, as it is written ({})", line_of(place)),
            format!("{} writes it so", at(writer)),
            vec![TextEdit::replace(source.path(), span, edits::literal(source, encoding))],
        )),
        _ => None,
    };
    Some((format!("{} writes as {}", at(writer), code(encoding)), fix))
}

/// Adds `encoding="utf-8"` to a call that opens a file.
fn name_encoding(source: &SourceFile, call: &Expr, place: &Place) -> Option<Draft> {
    let edit = edits::argument(source, call, &format!("encoding={}", edits::literal(source, "utf-8")))?;
    Some(Draft::edits(
        target(place),
        format!("Add `encoding=\"utf-8\"` ({})", line_of(place)),
        "Without it the locale's encoding is used",
        vec![edit],
    ))
}

fn without_encoding(expr: &Expr) -> Option<&Expr> {
    let ExprKind::Call { func, args, keywords, .. } = &expr.kind else { return None };
    let name = match &func.kind {
        ExprKind::Name(name) => name,
        ExprKind::Attribute { attr, .. } => attr,
        _ => return None,
    };
    let opens = matches!(&**name, "open" | "read_text" | "write_text");
    let named = keywords
        .iter()
        .any(|keyword| keyword.name.as_deref().is_none_or(|name| name == "encoding" || name == "mode"));
    let binary =
        args.iter().any(|arg| arg.as_str().is_some_and(|mode| mode.len() <= 3 && mode.contains('b')));
    (opens && !named && !binary).then_some(expr)
}
