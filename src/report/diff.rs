//! What differs: between the two sides of a comparison, and between lines before and after a fix.

use similar::{Algorithm, ChangeTag, DiffOp};

/// A piece of one side, and whether the other side lacks it.
pub type Piece<'a> = (bool, &'a str);

/// Beyond the common ends, more words than this are not compared one by one: the work grows with their square.
const MAX_WORDS: usize = 400;

/// Both sides in pieces, in reading order; the pieces of a side put together are the side.
pub fn compare<'a>(left: &'a str, right: &'a str) -> (Vec<Piece<'a>>, Vec<Piece<'a>>) {
    let (a, b) = (words(left), words(right));
    let head = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let tail = a[head..].iter().rev().zip(b[head..].iter().rev()).take_while(|(x, y)| x == y).count();
    let (a_middle, b_middle) = (&a[head..a.len() - tail], &b[head..b.len() - tail]);

    let mut left_out = Pieces::default();
    let mut right_out = Pieces::default();
    left_out.add(false, &a[..head]);
    right_out.add(false, &b[..head]);
    if a_middle.len().max(b_middle.len()) > MAX_WORDS {
        left_out.add(true, a_middle);
        right_out.add(true, b_middle);
    } else {
        for op in similar::capture_diff_slices(Algorithm::Myers, a_middle, b_middle) {
            let same = matches!(op, DiffOp::Equal { .. });
            left_out.add(!same, &a_middle[op.old_range()]);
            right_out.add(!same, &b_middle[op.new_range()]);
        }
    }
    left_out.add(false, &a[a.len() - tail..]);
    right_out.add(false, &b[b.len() - tail..]);
    (left_out.finish(left), right_out.finish(right))
}

/// Lines before and after a change, as a diff: class and text with its sign.
pub fn lines(before: &str, after: &str) -> Vec<(&'static str, String)> {
    let diff = similar::TextDiff::from_lines(before, after);
    diff.iter_all_changes()
        .map(|change| {
            let (class, sign) = match change.tag() {
                ChangeTag::Equal => ("same", ' '),
                ChangeTag::Delete => ("del", '-'),
                ChangeTag::Insert => ("add", '+'),
            };
            (class, format!("{sign}{}", change.value().trim_end_matches('\n')))
        })
        .collect()
}

/// Words, numbers and single signs: what people see as one piece in a `repr`.
fn words(text: &str) -> Vec<&str> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    let mut found = Vec::new();
    let mut start = 0;
    let mut inside = false;
    for (at, c) in text.char_indices() {
        if at > start && !(inside && is_word(c)) {
            found.push(&text[start..at]);
            start = at;
        }
        inside = is_word(c);
    }
    if start < text.len() {
        found.push(&text[start..]);
    }
    found
}

/// Pieces by their lengths; neighbours of one kind are joined.
#[derive(Default)]
struct Pieces(Vec<(bool, usize)>);

impl Pieces {
    fn add(&mut self, changed: bool, words: &[&str]) {
        let length = words.iter().map(|word| word.len()).sum::<usize>();
        match self.0.last_mut() {
            _ if length == 0 => {}
            Some((last, total)) if *last == changed => *total += length,
            _ => self.0.push((changed, length)),
        }
    }

    fn finish(self, text: &str) -> Vec<Piece<'_>> {
        let mut rest = text;
        self.0
            .into_iter()
            .map(|(changed, length)| {
                let (piece, after) = rest.split_at(length);
                rest = after;
                (changed, piece)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_differs_is_marked() {
        let show = |pieces: &[Piece<'_>]| {
            pieces
                .iter()
                .map(|(changed, text)| if *changed { format!("<{text}>") } else { (*text).to_owned() })
                .collect::<String>()
        };
        let check = |left, right, expected_left: &str, expected_right: &str| {
            let (a, b) = compare(left, right);
            assert_eq!((show(&a).as_str(), show(&b).as_str()), (expected_left, expected_right));
        };
        check("10.5", "3.2", "<10.5>", "<3.2>");
        check("{'a': 1, 'b': 2}", "{'a': 1, 'b': 3}", "{'a': 1, 'b': <2>}", "{'a': 1, 'b': <3>}");
        check("[1, 2, 3]", "[1, 3]", "[1, <2, >3]", "[1, 3]");
        check("same", "same", "same", "same");
        check("", "x", "", "<x>");
        check("'größe'", "'grösse'", "'<größe>'", "'<grösse>'");
    }

    #[test]
    fn long_sides_are_compared_at_their_ends_only() {
        let numbers = |from: u32| (from..from + 5000).map(|n| n.to_string()).collect::<Vec<_>>().join(", ");
        let (left, right) = (format!("[{}]", numbers(0)), format!("[{}]", numbers(90_000)));
        let (a, b) = compare(&left, &right);
        assert_eq!(a.len(), 3, "bracket, middle, bracket");
        assert_eq!(b.len(), 3);
    }

    proptest! {
        #[test]
        fn pieces_put_together_are_the_sides(left in "[a-c, \\n()\u{e9}]{0,40}", right in "[a-c, \\n()\u{e9}]{0,40}") {
            let (a, b) = compare(&left, &right);
            prop_assert_eq!(a.iter().map(|p| p.1).collect::<String>(), left.as_str());
            prop_assert_eq!(b.iter().map(|p| p.1).collect::<String>(), right.as_str());
            if left == right {
                prop_assert!(a.iter().all(|p| !p.0));
            }
        }
    }
}
