//! What trying small edits has shown of statements: an edit with which the failing tests pass, and none that passed
//! fails, speaks for the statement that it changes (Moon et al., "Ask the Mutants", 2014, for mutants at large).

use std::collections::HashMap;

use super::spectrum::Key;
use crate::diagnose::case::code;
use crate::model::RelPath;

/// Longest text that is quoted whole.
const QUOTED: usize = 50;

/// The edits of one statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Tried {
    /// The file.
    pub path: RelPath,
    /// A line of the statement, from 1.
    pub line: u32,
    /// Edits with which the tests could be run.
    pub edits: u32,
    /// The greatest share of the failing tests that pass with one of them, whatever else fails then; those run
    /// after the first one that still fails are not counted.
    pub healed: f64,
    /// The cheapest one with which all failing tests pass and no other fails.
    pub mended: Option<Mended>,
}

/// An edit with which the tests pass.
#[derive(Debug, Clone, PartialEq)]
pub struct Mended {
    /// How small and usual it is, see [`crate::fix::search::Candidate`].
    pub cost: f64,
    /// Whether more than one test has run the statement: what is checked by one test alone may fit that test only.
    pub checked: bool,
    /// The text that it replaces.
    pub old: String,
    /// The text in its place.
    pub new: String,
}

impl Mended {
    /// What it says for its statement.
    pub fn reason(&self) -> String {
        let (old, new) = (self.old.trim(), self.new.trim());
        let is_short = |text: &str| text.chars().count() <= QUOTED && !text.contains('\n');
        let edit = match (old, new) {
            (old, new) if !is_short(old) || !is_short(new) => "with a small edit here".to_owned(),
            ("", new) => format!("with {} added here", code(new)),
            (old, "") => format!("without {} here", code(old)),
            (old, new) => format!("with {} in place of {} here", code(new), code(old)),
        };
        let others = if self.checked { "and no other fails" } else { "but no other test runs it" };
        format!("{edit} what fails passes, {others}")
    }
}

/// By statement, where several lines are one statement together.
pub(super) fn by_statement(
    tried: &[Tried],
    key: impl Fn(&RelPath, u32) -> Option<Key>,
) -> HashMap<Key, Tried> {
    let mut found: HashMap<Key, Tried> = HashMap::new();
    for one in tried {
        let Some(key) = key(&one.path, one.line) else { continue };
        let Some(known) = found.get_mut(&key) else {
            found.insert(key, one.clone());
            continue;
        };
        known.edits += one.edits;
        known.healed = known.healed.max(one.healed);
        let cost = |mended: &Option<Mended>| mended.as_ref().map_or(f64::INFINITY, |mended| mended.cost);
        if cost(&one.mended) < cost(&known.mended) {
            known.mended.clone_from(&one.mended);
        }
    }
    found
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn reasons_say_what_was_changed() {
        let rows = [
            (("<=", "<", true), "with `<` in place of `<=` here what fails passes, and no other fails"),
            (("", ".copy()", true), "with `.copy()` added here what fails passes, and no other fails"),
            ((" - 1", "", false), "without `- 1` here what fails passes, but no other test runs it"),
            (("a\nb", "c", true), "with a small edit here what fails passes, and no other fails"),
        ];
        for ((old, new, checked), expected) in rows {
            let mended = Mended { cost: 1.0, checked, old: old.to_owned(), new: new.to_owned() };
            assert_eq!(mended.reason(), expected);
        }
    }

    #[test]
    fn lines_of_one_statement_count_together() {
        let path = RelPath::new("a.py").unwrap();
        let mended = |cost| Mended { cost, checked: true, old: String::new(), new: "x".to_owned() };
        let tried = |line, edits, healed, mended| Tried { path: path.clone(), line, edits, healed, mended };
        let all = [
            tried(3, 2, 0.0, None),
            tried(4, 1, 0.5, Some(mended(3.0))),
            tried(5, 4, 0.2, Some(mended(1.0))),
            tried(9, 7, 0.0, None),
            tried(99, 1, 1.0, Some(mended(1.0))),
        ];
        let key = |path: &RelPath, line: u32| (line < 50).then(|| (path.clone(), usize::from(line > 5)));
        let found = by_statement(&all, key);
        assert_eq!(found.len(), 2);
        assert_eq!(found[&(path.clone(), 0)], tried(3, 7, 0.5, Some(mended(1.0))));
        assert_eq!(found[&(path.clone(), 1)].edits, 7);
    }
}
