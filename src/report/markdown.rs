//! Markdown (GitHub Flavored, <https://github.github.com/gfm/>) for a step summary or a pull-request comment. In
//! it test output can neither make links, images, HTML and headings, nor mention people or issues.

use std::fmt::Write as _;

use super::document::{affected_tests, place_text};
use super::text::{counted, cut, one_line, visible};
use super::{Meta, human};
use crate::model::{Also, Analysis, Cluster, Fix, FixKind, Site};

/// A comment on GitHub holds 65,536 characters.
const MAX_BYTES: usize = 60_000;
const MAX_TESTS: usize = 20;

/// The findings as Markdown, most affected tests first; those that no longer fit are counted.
pub fn render(analysis: &Analysis, meta: &Meta) -> String {
    let mut out = format!("## Failscope: {}\n", human::headline(analysis));
    let line = human::run_line(analysis, meta);
    if !line.is_empty() {
        let _ = writeln!(out, "\n{}", prose(&line));
    }
    if let Some(redacted) = human::redactions(&analysis.redactions) {
        let _ = writeln!(out, "\n{}", prose(&redacted));
    }
    if let Some(line) = human::model_line(&analysis.model) {
        let _ = writeln!(out, "\n{}", prose(&cut(&line, 500)));
    }
    if !analysis.problems.is_empty() {
        out.push_str("\nNot everything could be read:\n\n");
        for problem in analysis.problems.iter().take(10) {
            let _ = writeln!(out, "- {}", prose(&cut(&human::problem_text(problem), 500)));
        }
        if analysis.problems.len() > 10 {
            let _ = writeln!(out, "- … and {} more", analysis.problems.len() - 10);
        }
    }
    for (index, cluster) in analysis.clusters.iter().enumerate() {
        let section = finding(index + 1, cluster, meta);
        if out.len() + section.len() > MAX_BYTES {
            let rest = analysis.clusters.len() - index;
            let _ = writeln!(
                out,
                "\n… and {}, all in `rca_report.html`",
                counted(rest, "more root cause", "more root causes")
            );
            break;
        }
        out.push_str(&section);
    }
    out
}

fn finding(number: usize, cluster: &Cluster, meta: &Meta) -> String {
    let diagnosis = &cluster.diagnosis;
    let mut out =
        format!("\n### {number}. {}\n\n", prose(&cut(&one_line(diagnosis.root_cause.as_str()), 600)));
    let _ = write!(out, "**{}** · {}", diagnosis.severity.name(), code(diagnosis.category.name()));
    if let Some(site) = super::place_of(cluster) {
        let _ = write!(out, " · {}", place(site, meta));
        if let Some(function) = &site.function {
            let _ = write!(out, " in {}", code(function.as_str()));
        }
    }
    let _ = writeln!(out, " · {:.0} % sure\n", diagnosis.confidence * 100.0);
    for item in diagnosis.evidence.iter().take(6) {
        let at = item.site.as_ref().filter(|s| !item.text.as_str().contains(&place_text(s)));
        let at = at.map(|site| format!(" ({})", place(site, meta))).unwrap_or_default();
        let _ = writeln!(out, "- {}{at}", prose(&cut(&one_line(item.text.as_str()), 600)));
    }
    for note in diagnosis.notes.iter().take(3) {
        let _ = writeln!(out, "- {}", prose(&cut(&one_line(note.as_str()), 600)));
    }
    let more = Also::sentences(&cluster.also)
        .into_iter()
        .chain(human::parting(cluster))
        .chain(cluster.since.as_ref().map(|since| since.as_str().to_owned()));
    for text in more {
        let _ = writeln!(out, "- {}", prose(&cut(&one_line(&text), 600)));
    }
    if !diagnosis.fix_suggestion.is_empty() {
        let _ =
            writeln!(out, "\n**Fix:** {}", prose(&cut(&one_line(diagnosis.fix_suggestion.as_str()), 600)));
    }
    for fix in cluster.fixes.iter().filter(|fix| fix.kind != FixKind::Advice).take(2) {
        proposal(&mut out, fix, meta);
    }

    let tests = affected_tests(cluster);
    let _ = writeln!(out, "\n<details><summary>{}</summary>\n", counted(tests.len(), "test", "tests"));
    for test in tests.iter().take(MAX_TESTS) {
        let _ = writeln!(out, "- {}", code(&cut(test, 300)));
    }
    if tests.len() > MAX_TESTS {
        let _ = writeln!(out, "- … and {} more", tests.len() - MAX_TESTS);
    }
    if let Some(failure) = cluster.failures.first()
        && !failure.message.is_empty()
    {
        let text = format!("{}: {}", failure.exception, failure.message);
        let _ = write!(out, "\n{}", block("text", &cut(&visible(&text), 1500)));
    }
    out.push_str("\n</details>\n");
    out
}

fn proposal(out: &mut String, fix: &Fix, meta: &Meta) {
    let _ = writeln!(out, "\n{}{}", prose(&one_line(fix.title.as_str())), human::verification(fix));
    if let Some(command) = &fix.command {
        let _ = write!(out, "\n{}", block("sh", &visible(command.as_str())));
    }
    for edit in &fix.edits {
        let lines = match &edit.lines {
            Some((before, after)) => super::diff::lines(&visible(before.as_str()), &visible(after.as_str())),
            None => visible(edit.shown.as_str()).lines().map(|l| ("add", format!("+{l}"))).collect(),
        };
        let text = lines.into_iter().map(|(_, line)| line).collect::<Vec<_>>().join("\n");
        let _ = write!(out, "\n{}\n\n{}", place(&edit.site, meta), block("diff", &cut(&text, 3000)));
    }
}

/// `path:line`, linked to the code host where that is known.
fn place(site: &Site, meta: &Meta) -> String {
    let shown = code(&place_text(site));
    match meta.code_link(&site.place.path, site.place.line) {
        Some(url) => format!("[{shown}]({url})"),
        None => shown,
    }
}

/// A code span that holds exactly `text`, on one line.
fn code(text: &str) -> String {
    let text = one_line(text);
    if text.is_empty() {
        return String::new();
    }
    let fence = "`".repeat(longest_run(&text) + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// A fenced block that `text` cannot end.
fn block(language: &str, text: &str) -> String {
    let fence = "`".repeat(longest_run(text).max(2) + 1);
    format!("{fence}{language}\n{}\n{fence}\n", text.trim_end_matches('\n'))
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// A sentence: what stands between backticks as code, everything else as plain text.
fn prose(text: &str) -> String {
    let text = visible(text);
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest: &str = &text;
    while let Some((before, after)) = rest.split_once('`') {
        plain(before, &mut out);
        match after.split_once('`') {
            Some((inner, behind)) if !inner.trim().is_empty() => {
                out.push_str(&code(inner));
                rest = behind;
            }
            _ => {
                out.push_str("\\`");
                rest = after;
            }
        }
    }
    plain(rest, &mut out);
    out
}

/// Escapes what has a meaning in Markdown. An empty comment keeps GitHub from seeing a mention, an issue or an
/// address.
fn plain(text: &str, out: &mut String) {
    let mut previous = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '@' | '#' => {
                out.push(c);
                out.push_str("<!-- -->");
            }
            ':' if rest.peek() == Some(&'/') => out.push_str(":<!-- -->"),
            '.' if previous.eq_ignore_ascii_case(&'w') => out.push_str("<!-- -->."),
            '\\' | '`' | '*' | '_' | '[' | ']' | '(' | ')' | '!' | '|' | '~' | '{' | '}' | '$' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push(' '),
            c => out.push(c),
        }
        previous = c;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_text() {
        let check = |text: &str, expected: &str| assert_eq!(prose(text), expected, "{text:?}");
        check("a sum of 3", "a sum of 3");
        check("[x](http://e)", "\\[x\\]\\(http:<!-- -->//e\\)");
        check("<img src=x>", "&lt;img src=x&gt;");
        check("@all see #12", "@<!-- -->all see #<!-- -->12");
        check("www.example.org", "www<!-- -->.example.org");
        check("`a*b` and *c*", "`a*b` and \\*c\\*");
        check("odd ` one", "odd \\` one");
        check("line\nbreak", "line break");
    }

    #[test]
    fn code_is_never_left() {
        let check = |text: &str, expected: &str| assert_eq!(code(text), expected, "{text:?}");
        check("plain", "`plain`");
        check("a `b` c", "``a `b` c``");
        check("`b", "`` `b ``");
        check("a\nb", "`a b`");
        check("", "");
        assert_eq!(block("text", "```\nx"), "````text\n```\nx\n````\n");
    }
}
