//! The names of subtests, which JUnit does not tell, as far as the source in the traceback shows them.

/// How a failure of a test with several failures stands to its subtests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Within {
    /// In the subtest that is called so, as pytest describes it: `[msg]`, or `(<subtest>)` without a name.
    Subtest(String),
    /// In a subtest whose name is made up while the test runs.
    Unknown,
    /// In the test itself, after or between its subtests.
    Test,
}

/// Where the failure with this text happened, if the source of the test is shown from its `def` to the failing line.
pub(super) fn within(text: &str) -> Option<Within> {
    let lines: Vec<&str> = text.lines().collect();
    let failing = lines.iter().position(|line| line.starts_with("> "))?;
    // The mark takes the place of four columns of margin.
    let mut margin = indent(lines[failing].get(1..)?) + 1;
    for line in lines[..failing].iter().rev() {
        let code = line.trim_start();
        if code.is_empty() || code.starts_with('#') || indent(line) >= margin {
            continue;
        }
        margin = indent(line);
        if let Some(call) = subtest(code) {
            return Some(name(call));
        }
        if code.starts_with("def ") || code.starts_with("async def ") {
            return Some(Within::Test);
        }
    }
    None
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// The arguments in `with subtests.test(…):` and `with self.subTest(…):`.
fn subtest(code: &str) -> Option<&str> {
    let call = code.strip_prefix("with ")?.trim_end().strip_suffix("):")?;
    let (object, arguments) = call.split_once('(')?;
    (object.ends_with("subtests.test") || object.ends_with(".subTest")).then_some(arguments)
}

/// The name of the subtest with these arguments, if they are a plain string or nothing.
fn name(arguments: &str) -> Within {
    let arguments = arguments.trim();
    if arguments.is_empty() {
        return Within::Subtest("(<subtest>)".to_owned());
    }
    let literal = arguments.strip_prefix("msg=").unwrap_or(arguments);
    let quoted = ['"', '\''].into_iter().find_map(|quote| literal.strip_prefix(quote)?.strip_suffix(quote));
    match quoted {
        Some(text) if !text.is_empty() && !text.contains(['"', '\'', '\\']) => {
            Within::Subtest(format!("[{text}]"))
        }
        _ => Within::Unknown,
    }
}

/// What the failures of one test's call are called, in their order: `None` for the test itself. What the source does
/// not tell is numbered.
pub(super) fn names(places: &[Option<Within>]) -> Vec<Option<String>> {
    let all_seen = places.iter().all(Option::is_some);
    let own = places.iter().filter(|place| **place == Some(Within::Test)).count();
    places
        .iter()
        .enumerate()
        .map(|(index, place)| match place {
            Some(Within::Subtest(name)) => Some(name.clone()),
            // Only one failure can be the test's own.
            Some(Within::Test) if all_seen && own == 1 => None,
            _ => Some(format!("#{}", index + 1)),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_tells_which_subtest_failed() {
        let text = |with: &str, body: &str| {
            format!(
                "subtests = <Subtests>\n\n    def test_a(subtests):\n        for n in [1]:\n            {with}\n{body}\nE   assert 1"
            )
        };
        let inside = ">               assert n";
        let named = |name: &str| Some(Within::Subtest(name.to_owned()));
        let rows = [
            (text("with subtests.test():", inside), named("(<subtest>)")),
            (
                text("with subtests.test(\"odd [brackets] :: (colons)\"):", inside),
                named("[odd [brackets] :: (colons)]"),
            ),
            (text("with subtests.test(msg='x'):", inside), named("[x]")),
            (text("with self.subTest('x'):", inside), named("[x]")),
            (text("with subtests.test('x', n=n):", inside), Some(Within::Unknown)),
            (text("with subtests.test(f'{n}'):", inside), Some(Within::Unknown)),
            (text("with subtests.test(label):", inside), Some(Within::Unknown)),
            (text("with subtests.test('a' 'b'):", inside), Some(Within::Unknown)),
            (
                text(
                    "with subtests.test('x'):",
                    "                y = 1\n            if y:\n>               assert n",
                ),
                Some(Within::Test),
            ),
            (text("with open('x'):", inside), Some(Within::Test)),
            (
                text("with subtests.test('x'):", "                z\n\n>       raise ValueError"),
                Some(Within::Test),
            ),
            ("tests/test_a.py:3: in test_a\n    assert n\nE   assert 1".to_owned(), None),
            (">       assert n\nE   assert 1".to_owned(), None),
            (String::new(), None),
        ];
        for (text, expected) in rows {
            assert_eq!(within(&text), expected, "{text}");
        }
    }

    #[test]
    fn only_one_failure_is_the_tests_own() {
        let named = |name: &str| Some(Within::Subtest(name.to_owned()));
        let check = |places: &[Option<Within>], expected: &[Option<&str>]| {
            let found = names(places);
            assert_eq!(found.iter().map(Option::as_deref).collect::<Vec<_>>(), expected, "{places:?}");
        };
        check(&[named("[a]"), named("[b]"), Some(Within::Test)], &[Some("[a]"), Some("[b]"), None]);
        check(&[named("[a]"), named("[a]"), Some(Within::Test)], &[Some("[a]"), Some("[a]"), None]);
        check(&[named("[a]"), None, Some(Within::Test)], &[Some("[a]"), Some("#2"), Some("#3")]);
        check(&[Some(Within::Test), Some(Within::Test)], &[Some("#1"), Some("#2")]);
        check(&[Some(Within::Unknown), named("(<subtest>)")], &[Some("#1"), Some("(<subtest>)")]);
    }
}
