//! Files that Python cannot parse: what is wrong where it really begins, and an edit with which the file parses.

use crate::diagnose::case::{Case, code, line_of};
use crate::diagnose::draft::TextEdit;
use crate::diagnose::rules::spot::{Spot, between, line, target};
use crate::diagnose::{Draft, Finding};
use crate::model::{Category, Severity};
use crate::workspace::SourceFile;
use crate::workspace::python::{Module, Span, brackets};

/// `SyntaxError`, `IndentationError`, `TabError` of a file of the project.
pub(super) fn syntax(case: &Case<'_>) -> Option<Finding> {
    let exception =
        case.root().filter(|e| matches!(e.short_type(), "SyntaxError" | "IndentationError" | "TabError"))?;
    let spot = Spot::of(case)?;
    let message = exception.message.lines().map(str::trim).find(|line| !line.is_empty())?;
    if spot.module().errors().is_empty() {
        return newer(&spot, message);
    }
    let (at, sentence, repair) = understood(&spot.source, spot.place.line, message);
    let place = if at == spot.place.line { spot.place.clone() } else { line(&spot.place.path, at) };
    let mut finding = Finding::new("imports-syntax", Category::ImportError, Severity::High, 0.93)
        .because(format!("{} is not valid Python: {sentence}", line_of(&place)))
        .suggest(repair.as_ref().map_or_else(
            || format!("Mend the syntax at {}", line_of(&place)),
            |(title, _)| format!("{title} ({})", line_of(&place)),
        ))
        .shown(format!("Python stops at {} with {}", line_of(spot.place), code(message)), Some(spot.place))
        .suspect(&place, 0.93, sentence);
    if let Some((title, edits)) = repair {
        finding = finding.mend(Draft::edits(
            target(&place),
            format!("{title} ({})", line_of(&place)),
            "The file parses with this edit",
            edits,
        ));
    }
    if place.line != spot.place.line {
        finding = finding.suspect(spot.place, 0.3, "where Python noticed");
    }
    Some(finding)
}

/// Syntax that the running Python does not know yet.
fn newer(spot: &Spot<'_>, message: &str) -> Option<Finding> {
    let text = spot.source.line(spot.place.line)?.trim();
    let starts = |word: &str| text.strip_prefix(word).is_some_and(|rest| rest.starts_with([' ', '(', '[']));
    let generic = ["def ", "class ", "async def "].iter().any(|word| {
        text.strip_prefix(word)
            .and_then(|rest| rest.find(|c: char| !c.is_alphanumeric() && c != '_').map(|at| &rest[at..]))
            .is_some_and(|rest| rest.starts_with('['))
    });
    let (what, version) = if starts("match") && text.ends_with(':') {
        ("the `match` statement", "3.10")
    } else if starts("type") && text.contains('=') {
        ("the `type` statement", "3.12")
    } else if text.starts_with("except*") || text.starts_with("except *") {
        ("`except*`", "3.11")
    } else if generic {
        ("type parameters in brackets", "3.12")
    } else if message.starts_with("f-string") {
        ("the same quotes, backslashes or comments inside an f-string's braces", "3.12")
    } else if text.contains(":=") {
        ("the operator `:=`", "3.8")
    } else {
        return None;
    };
    Some(
        Finding::new("imports-syntax-version", Category::ImportError, Severity::High, 0.85)
            .because(format!(
                "{} uses {what}, which Python has since {version}; the tests ran with an older one",
                line_of(spot.place)
            ))
            .suggest(format!("Run the tests with Python {version} or newer, or write it without {what}"))
            .shown(format!("Python stops there with {}", code(message)), Some(spot.place))
            .suspect(spot.place, 0.9, format!("{what}: Python {version}")),
    )
}

type Repair = (String, Vec<TextEdit>);

/// Where the error begins, what it is, and what would mend it.
fn understood(source: &SourceFile, at: u32, message: &str) -> (u32, String, Option<Repair>) {
    let mut found = brackets(source.text());
    if found.unclosed.is_some()
        && let Some(deeper) = closed_too_far_out(source)
    {
        found.unclosed = Some(deeper);
    }
    let ends_early = ["unexpected EOF", "was never closed", "EOF while scanning", "invalid syntax"];
    if let Some((offset, bracket)) = found.unclosed
        && (ends_early.iter().any(|sign| message.contains(sign))
            || message.contains("does not match opening"))
    {
        let opened = source.line_of(offset);
        let repair =
            close(source, offset, bracket, found.stray).map(|edit| (format!("Close `{bracket}`"), edit));
        return (opened, format!("`{bracket}` is opened there and never closed"), repair);
    }
    if let Some((offset, bracket)) = found.stray
        && message.contains("unmatched")
    {
        let edit = TextEdit::replace(source.path(), Span { start: offset, end: offset + 1 }, "");
        let repair = checked(source, vec![edit]).map(|edits| (format!("Remove `{bracket}`"), edits));
        return (source.line_of(offset), format!("`{bracket}` closes nothing"), repair);
    }
    let first = source.module().errors().first();
    let start = first.map_or(at, |error| error.line);
    if message.contains("forgot a comma") {
        let repair = first.and_then(|error| {
            let before = source.text()[..error.span.start as usize].trim_end().len() as u32;
            checked(source, vec![TextEdit::insert(source.path(), before, ",")])
        });
        return (
            start,
            "a comma is missing".to_owned(),
            repair.map(|edits| ("Add the comma".to_owned(), edits)),
        );
    }
    let (sentence, repair) = in_line(source, at, message);
    // Where a string ends nowhere, older versions of Python name the end of the file.
    let at = if message.starts_with("EOF while scanning") { start } else { at };
    (at, sentence, repair)
}

/// The bracket that a closing one of a line further out takes for its own: where the indentations say that it closes
/// another one. `{` of `"de": {"a": 1,` when the next line but two is `}` at the margin.
fn closed_too_far_out(source: &SourceFile) -> Option<(u32, char)> {
    let indent = |line: u32| source.line(line).map(|text| text.len() - text.trim_start().len());
    let mut open: Vec<(u32, char)> = Vec::new();
    for (offset, bracket) in crate::workspace::python::bracket_list(source.text()) {
        if matches!(bracket, '(' | '[' | '{') {
            open.push((offset, bracket));
            continue;
        }
        let (opened, kind) = open.pop()?;
        let (first, last) = (source.line_of(opened), source.line_of(offset));
        let leads = source.line(last).is_some_and(|text| text.trim_start().starts_with(bracket));
        let outer = open.last().map(|(outer, _)| source.line_of(*outer));
        if leads
            && first != last
            && indent(last) < indent(first)
            && outer.is_some_and(|outer| outer != first && indent(outer) == indent(last))
        {
            return Some((opened, kind));
        }
    }
    None
}

/// What can be mended on line `at` itself.
fn in_line(source: &SourceFile, at: u32, message: &str) -> (String, Option<Repair>) {
    let plain = message.split(". ").next().unwrap_or(message).to_owned();
    let Some(text) = source.line(at) else { return (plain, None) };
    let Some(offset) = source.offset(at, 1) else { return (plain, None) };
    let body = &text[..code_length(text)];
    let indent = body.len() - body.trim_start().len();
    let end = offset + body.len() as u32;
    let path = source.path();
    let fixed =
        |title: &str, edits: Vec<TextEdit>| checked(source, edits).map(|edits| (title.to_owned(), edits));
    if message.contains("expected ':'") {
        return (
            "the `:` at its end is missing".to_owned(),
            fixed("Add `:`", vec![TextEdit::insert(path, end, ":")]),
        );
    }
    if message.contains("unterminated string") || message.contains("EOL while scanning string") {
        let quote = text.chars().find(|c| matches!(c, '"' | '\''));
        let whole = offset + text.trim_end().len() as u32;
        let repair = quote.and_then(|quote| {
            fixed(&format!("Close the string with `{quote}`"), vec![TextEdit::insert(path, whole, quote)])
        });
        return ("a string is not closed".to_owned(), repair);
    }
    if message.contains("unterminated triple-quoted") {
        return ("the triple-quoted string that begins there is never closed".to_owned(), None);
    }
    if message.contains("instead of '='") {
        let equals: Vec<usize> = single_equals(body);
        let repair = match equals[..] {
            [only] => {
                let start = offset + only as u32;
                fixed(
                    "Compare with `==`",
                    vec![TextEdit::replace(path, Span { start, end: start + 1 }, "==")],
                )
            }
            _ => None,
        };
        return ("`=` assigns where a comparison is meant".to_owned(), repair);
    }
    if let Some(name) = between(message, "Missing parentheses in call to '", "'") {
        let repair =
            body.trim_start().strip_prefix(name).filter(|rest| rest.starts_with(' ')).and_then(|rest| {
                let start = offset + (indent + name.len()) as u32;
                let edit = TextEdit::replace(path, Span { start, end }, format!("({})", rest.trim()));
                fixed(&format!("Put the arguments of `{name}` in parentheses"), vec![edit])
            });
        return (format!("`{name}` is a function since Python 3 and needs parentheses"), repair);
    }
    let sentence = if message.starts_with("unexpected indent") {
        "it is indented deeper than its block".to_owned()
    } else if message.starts_with("unindent does not match") {
        "its indentation fits no block around it".to_owned()
    } else if message.starts_with("expected an indented block") {
        let after = between(&format!("{message} "), "after ", " on line").map(str::to_owned);
        format!("{} has no indented body", after.unwrap_or_else(|| "the line before".to_owned()))
    } else if message.starts_with("inconsistent use of tabs") {
        let repair = untabbed(source).map(|edits| ("Indent with spaces only".to_owned(), edits));
        return ("tabs and spaces are mixed in its indentation".to_owned(), repair);
    } else {
        return (plain, None);
    };
    (
        sentence,
        reindented(source, at, offset, indent).map(|edits| ("Correct the indentation".to_owned(), edits)),
    )
}

/// The edit that closes `bracket`, opened at `opened`: the only one of the likely places where the file parses.
fn close(
    source: &SourceFile,
    opened: u32,
    bracket: char,
    stray: Option<(u32, char)>,
) -> Option<Vec<TextEdit>> {
    let closing = match bracket {
        '(' => ')',
        '[' => ']',
        _ => '}',
    };
    let path = source.path();
    let mut candidates: Vec<TextEdit> = Vec::new();
    if let Some((offset, _)) = stray {
        candidates.push(TextEdit::insert(path, offset, closing));
    }
    let first = source.line_of(opened);
    let text = source.line(first)?;
    let start = source.offset(first, 1)?;
    let length = code_length(text);
    candidates.push(TextEdit::insert(path, start + length as u32, closing));
    if let Some(header) = text[..length].strip_suffix(':') {
        candidates.push(TextEdit::insert(path, start + header.trim_end().len() as u32, closing));
    }
    // The end of the lines that are indented deeper than the one with the bracket.
    let indent = &text[..text.len() - text.trim_start().len()];
    let mut last = None;
    for number in first + 1..=source.line_count() {
        let Some(line) = source.line(number) else { break };
        if line.trim().is_empty() {
            continue;
        }
        if line.len() - line.trim_start().len() <= indent.len() {
            break;
        }
        last = Some(number);
    }
    if let Some((number, line)) = last.and_then(|number| Some((number, source.line(number)?))) {
        let newline = if source.text().contains("\r\n") { "\r\n" } else { "\n" };
        let opens_line = text[..length].ends_with(bracket);
        let end = source.offset(number, 1)? + if opens_line { line.len() } else { code_length(line) } as u32;
        let new = if opens_line { format!("{newline}{indent}{closing}") } else { closing.to_string() };
        candidates.push(TextEdit::insert(path, end, new));
    }
    candidates.dedup();
    let mut good = candidates.into_iter().filter_map(|edit| checked(source, vec![edit]));
    let only = good.next()?;
    good.next().is_none().then_some(only)
}

/// Line `at` with the indentation of a line around it, if only one depth makes the file parse.
fn reindented(source: &SourceFile, at: u32, offset: u32, indent: usize) -> Option<Vec<TextEdit>> {
    let previous = (1..at).rev().find(|&n| source.line(n).is_some_and(|l| !l.trim().is_empty()))?;
    let before = source.line(previous)?;
    let depth = &before[..before.len() - before.trim_start().len()];
    let new = if before[..code_length(before)].ends_with(':') {
        let one_line =
            source.line(at + 1).is_none_or(|next| next.trim().is_empty() || next.starts_with(depth));
        let text = source.line(at)?.trim_start();
        let is_body = !["def ", "class ", "@", "async def "].iter().any(|start| text.starts_with(start));
        let follows = source
            .line(at + 1)
            .is_some_and(|next| !next.trim().is_empty() && next.len() - next.trim_start().len() == indent);
        (one_line && is_body && !follows).then(|| format!("{depth}    "))?
    } else {
        depth.to_owned()
    };
    let span = Span { start: offset, end: offset + indent as u32 };
    checked(source, vec![TextEdit::replace(source.path(), span, new)])
}

/// The file's indentation in spaces, if only one width of a tab makes it parse.
fn untabbed(source: &SourceFile) -> Option<Vec<TextEdit>> {
    let mut good = [4, 8].into_iter().filter_map(|width| {
        let mut edits = Vec::new();
        for number in 1..=source.line_count() {
            let Some(text) = source.line(number) else { continue };
            let indent = &text[..text.len() - text.trim_start_matches([' ', '\t']).len()];
            if indent.contains('\t') {
                let columns =
                    indent.chars().fold(0, |at, c| if c == '\t' { (at / width + 1) * width } else { at + 1 });
                let start = source.offset(number, 1)?;
                let span = Span { start, end: start + indent.len() as u32 };
                edits.push(TextEdit::replace(source.path(), span, " ".repeat(columns)));
            }
        }
        checked(source, edits)
    });
    let only = good.next()?;
    good.next().is_none().then_some(only)
}

/// The edits, if the file parses with them.
fn checked(source: &SourceFile, edits: Vec<TextEdit>) -> Option<Vec<TextEdit>> {
    let mut text = source.text().to_string();
    for edit in edits.iter().rev() {
        text.replace_range(edit.span.start as usize..edit.span.end as usize, &edit.new_text);
    }
    (!edits.is_empty() && Module::parse(&text).errors().is_empty()).then_some(edits)
}

/// Bytes of a line before its comment and the blanks there.
fn code_length(line: &str) -> usize {
    let mut quote = None;
    for (at, c) in line.char_indices() {
        match (quote, c) {
            (None, '#') => return line[..at].trim_end().len(),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
    }
    line.trim_end().len()
}

/// Where `=` stands alone, outside of brackets' keyword arguments as far as one line tells.
fn single_equals(line: &str) -> Vec<usize> {
    let bytes = line.as_bytes();
    let alone = |at: usize| {
        let around = |c: Option<&u8>| c.is_some_and(|c| b"=!<>:+-*/%&|^@~".contains(c));
        bytes[at] == b'='
            && !around(at.checked_sub(1).and_then(|i| bytes.get(i)))
            && bytes.get(at + 1) != Some(&b'=')
    };
    (0..bytes.len()).filter(|&at| alone(at)).collect()
}

#[cfg(test)]
mod tests {
    use super::syntax;
    use crate::diagnose::rules::testing::scene;
    use crate::model::Phase;

    /// Text, a part of the line where Python stops, its error; then a part of the cause, its line, and a text
    /// that the mended file holds.
    type Row = (&'static str, &'static str, &'static str, &'static str, u32, Option<&'static str>);

    fn case(text: &'static str, at: &'static str, exception: &str) -> crate::diagnose::rules::testing::Scene {
        scene(&[("tests/test_it.py", text)], exception, &[("tests/test_it.py", at)]).phase(Phase::Collect)
    }

    /// Messages as Python 3.11 and 3.9 print them for these very texts.
    #[test]
    fn the_error_is_named_where_it_begins() {
        let rates =
            "RATES = {\n    'de': 19,\n    'fr': 20,\n\n\ndef rate(country):\n    return RATES[country]\n";
        let rows: &[Row] = &[
            (rates, "RATES = {", "SyntaxError: '{' was never closed", "`{` is opened", 1, Some("20,\n}\n")),
            (rates, "def rate", "SyntaxError: invalid syntax", "`{` is opened", 1, Some("20,\n}\n")),
            (
                "x = max(1, (2\ny = 3\n",
                "x = max",
                "SyntaxError: '(' was never closed",
                "never closed",
                1,
                None,
            ),
            (
                "x = max(1, 2\ny = 3\n",
                "x = max",
                "SyntaxError: '(' was never closed",
                "never closed",
                1,
                Some("2)\n"),
            ),
            (
                "def test_a()\n    assert 1\n",
                "def test_a",
                "SyntaxError: expected ':'",
                "`:` at its end",
                1,
                Some("_a():\n"),
            ),
            (
                "for x in [1]  # all\n    print(x)\n",
                "for x",
                "SyntaxError: expected ':'",
                "`:`",
                1,
                Some("[1]:  # all"),
            ),
            (
                "def f(a):\n    return max(a, 2))\n",
                "return",
                "SyntaxError: unmatched ')'",
                "closes nothing",
                2,
                Some("2)\n"),
            ),
            (
                "def f(a):\n    return max(a, [1, 2)\n",
                "return",
                "SyntaxError: closing parenthesis ')' does not match opening parenthesis '['",
                "`[` is opened",
                2,
                Some("[1, 2])"),
            ),
            (
                "N = 'abc\n",
                "N =",
                "SyntaxError: unterminated string literal (detected at line 1)",
                "string",
                1,
                Some("'abc'"),
            ),
            (
                "def f(x):\n    if x = 3:\n        return 1\n",
                "if x",
                "SyntaxError: invalid syntax. Maybe you meant '==' or ':=' instead of '='?",
                "`=` assigns",
                2,
                Some("if x == 3:"),
            ),
            (
                "def f(x):\n    print 'a', x  # say\n",
                "print",
                "SyntaxError: Missing parentheses in call to 'print'. Did you mean print(...)?",
                "`print` is a function",
                2,
                Some("print('a', x)  # say"),
            ),
            (
                "A = [\n    'a',\n    'b'\n    'c' 4,\n]\n",
                "    'b'",
                "SyntaxError: invalid syntax. Perhaps you forgot a comma?",
                "comma",
                4,
                Some("'c', 4,"),
            ),
            (
                "def f(x):\n    y = x\n      return y\n",
                "return",
                "IndentationError: unexpected indent",
                "deeper",
                3,
                Some("\n    return y"),
            ),
            (
                "def f(x):\nreturn x\n\ndef g():\n    pass\n",
                "return",
                "IndentationError: expected an indented block after function definition on line 1",
                "function definition has no indented body",
                2,
                Some("\n    return x"),
            ),
            (
                "def f(x):\n\ndef g():\n    pass\n",
                "def g",
                "IndentationError: expected an indented block after function definition on line 1",
                "no indented body",
                3,
                None,
            ),
            (
                "def f(x):\n    if x:\n\treturn 1\n    return 2\n",
                "return 1",
                "TabError: inconsistent use of tabs and spaces in indentation",
                "tabs and spaces",
                3,
                Some("\n        return 1"),
            ),
            (
                "def f(x):\n    \"\"\"Doc\n    return x\n",
                "Doc",
                "SyntaxError: unterminated triple-quoted string literal (detected at line 3)",
                "triple-quoted",
                2,
                None,
            ),
        ];
        for (text, at, exception, part, line, fixed) in rows {
            case(text, at, exception).check(
                syntax,
                &[part],
                &format!("tests/test_it.py:{line}"),
                fixed.map(|fixed| ("tests/test_it.py", fixed)),
            );
        }
    }

    #[test]
    fn syntax_of_newer_versions_and_near_misses() {
        let check = |text, at, exception: &str, parts: &[&str], place| {
            case(text, at, exception).check(syntax, parts, place, None);
        };
        check("type X = int\n", "type", "SyntaxError: invalid syntax", &["3.12"], "tests/test_it.py:1");
        let f = "def f(a):\n    return f\"{a[\"x\"]}\"\n";
        check(
            f,
            "return",
            "SyntaxError: f-string: unmatched '['",
            &["f-string", "3.12"],
            "tests/test_it.py:2",
        );
        check("def f[T](a): ...\n", "def", "SyntaxError: invalid syntax", &["3.12"], "tests/test_it.py:1");
        // Raised by the project itself, or by what it gave to `eval`.
        let raised = "def f(text):\n    raise SyntaxError('bad template')\n";
        case(raised, "raise", "SyntaxError: bad template").silent(syntax);
        case("def f(text):\n    return eval(text)\n", "eval", "SyntaxError: invalid syntax").silent(syntax);
        case("x = (1\n", "x", "ValueError: '(' was never closed").silent(syntax);
    }
}
