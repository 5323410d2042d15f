//! pytest's structured representation of a failure (`longrepr` of a report, as reportlog serialises it), put
//! back into the text that pytest prints of it.
//!
//! The text is what all formats have in common, so it is rendered as pytest renders it where there is no
//! terminal (80 columns): one failure then reads the same from JUnit and from reportlog.

use std::fmt::Write as _;

use super::json::{field, items, number, string, text};

/// pytest's width where there is no terminal.
const WIDTH: usize = 80;

/// The text of `longrepr`, which is a string, a structure or something else (then the text is empty).
pub(crate) fn rendered(longrepr: &[u8]) -> String {
    if let Some(text) = string(longrepr) {
        return text.into_owned();
    }
    let mut out = String::new();
    let mut chained = false;
    for link in field(longrepr, "chain").into_iter().flat_map(items) {
        let mut parts = items(link);
        if let Some(traceback) = parts.next() {
            chained = true;
            render_traceback(traceback, &mut out);
        }
        if let Some(description) = parts.nth(1).and_then(string) {
            out.push('\n');
            out.push_str(&description);
            out.push('\n');
        }
    }
    if !chained && let Some(traceback) = field(longrepr, "reprtraceback") {
        render_traceback(traceback, &mut out);
    }
    for section in field(longrepr, "sections").into_iter().flat_map(items) {
        let parts: Vec<_> = items(section).filter_map(string).collect();
        if let [name, content, ..] = parts.as_slice() {
            let ruler = "-".repeat(WIDTH.saturating_sub(name.chars().count() + 2) / 2);
            let _ = writeln!(out, "{ruler} {name} {ruler}\n{content}");
        }
    }
    out.trim().to_owned()
}

/// The message of the crash: the last exception with its type.
pub(crate) fn crash_message(longrepr: &[u8]) -> Option<String> {
    text(field(longrepr, "reprcrash")?, "message").map(Into::into)
}

fn render_traceback(traceback: &[u8], out: &mut String) {
    let entries: Vec<&[u8]> =
        field(traceback, "reprentries").map(|list| items(list).collect()).unwrap_or_default();
    for (at, entry) in entries.iter().enumerate() {
        let Some(data) = field(entry, "data") else { continue };
        let style = style(data);
        if style == "long" {
            out.push('\n');
        }
        render_entry(data, &style, out);
        if let Some(next) = entries.get(at + 1) {
            let next = field(next, "data").map(self::style).unwrap_or_default();
            if style == "long" || style == "short" && next == "long" {
                out.push_str(&"_ ".repeat(WIDTH / 2));
                out.push('\n');
            }
        }
    }
    if let Some(extra) = text(traceback, "extraline") {
        out.push_str(&extra);
        out.push('\n');
    }
}

fn style(data: &[u8]) -> String {
    text(data, "style").map(Into::into).unwrap_or_default()
}

fn render_entry(data: &[u8], style: &str, out: &mut String) {
    let lines: Vec<_> = field(data, "lines").into_iter().flat_map(items).filter_map(string).collect();
    let locals: Vec<_> = field(data, "reprlocals")
        .and_then(|locals| field(locals, "lines"))
        .into_iter()
        .flat_map(items)
        .filter_map(string)
        .collect();
    let push = |out: &mut String, indent: &str, lines: &[std::borrow::Cow<'_, str>]| {
        for line in lines {
            out.push_str(indent);
            out.push_str(line);
            out.push('\n');
        }
    };
    match style {
        "short" => {
            location(data, out);
            push(out, "", &lines);
            push(out, "        ", &locals);
        }
        // Native tracebacks have lines that end themselves, and no style.
        "" if field(data, "reprfileloc").is_none() => lines.iter().for_each(|line| out.push_str(line)),
        _ => {
            arguments(data, out);
            push(out, "", &lines);
            if !locals.is_empty() {
                out.push('\n');
                push(out, "", &locals);
            }
            if field(data, "reprfileloc").is_some_and(|location| location != b"null") {
                if !lines.is_empty() {
                    out.push('\n');
                }
                location(data, out);
            }
        }
    }
}

fn location(data: &[u8], out: &mut String) {
    let Some(location) = field(data, "reprfileloc").filter(|location| *location != b"null") else { return };
    let message = text(location, "message").unwrap_or_default();
    let line = field(location, "lineno").and_then(number).unwrap_or(0.0);
    let path = text(location, "path").unwrap_or_default();
    let _ = writeln!(out, "{path}:{line}: {}", message.lines().next().unwrap_or_default());
}

fn arguments(data: &[u8], out: &mut String) {
    let Some(list) = field(data, "reprfuncargs").and_then(|arguments| field(arguments, "args")) else {
        return;
    };
    let mut line = String::new();
    let mut any = false;
    for argument in items(list) {
        let parts: Vec<_> = items(argument).filter_map(string).collect();
        let [name, value] = parts.as_slice() else { continue };
        any = true;
        let next = format!("{name} = {value}");
        if next.chars().count() + line.chars().count() + 2 > WIDTH {
            if !line.is_empty() {
                out.push_str(&line);
                out.push('\n');
            }
            line = next;
        } else if line.is_empty() {
            line = next;
        } else {
            line.push_str(", ");
            line.push_str(&next);
        }
    }
    if any {
        out.push_str(&line);
        out.push_str("\n\n");
    }
}
