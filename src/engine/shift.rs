//! Where the lines of an older text are in a newer one.

use std::collections::HashMap;
use std::ops::Range;
use std::time::{Duration, Instant};

use similar::{Algorithm, DiffOp};

/// Longest time a comparison may take; what is not compared by then counts as changed.
const LIMIT: Duration = Duration::from_millis(60);

/// The lines of one text mapped to those of another. Lines count from 1.
///
/// It is made from the two texts and not from the edits between them, so undoing an edit restores everything,
/// and a formatter that replaces the whole file loses nothing.
#[derive(Debug)]
pub struct LineMap {
    /// Old lines and the new lines they became, with whether both are equal; in order and without gaps.
    /// `None` where both texts are the same.
    pieces: Option<Vec<Piece>>,
    new_len: usize,
}

#[derive(Debug)]
struct Piece {
    old: Range<usize>,
    new: Range<usize>,
    equal: bool,
}

impl LineMap {
    /// Compares `old` with `new`.
    pub fn between(old: &str, new: &str) -> Self {
        if old == new {
            return Self { pieces: None, new_len: new.split('\n').count() };
        }
        let old: Vec<&str> = old.split('\n').map(trim_end).collect();
        let new: Vec<&str> = new.split('\n').map(trim_end).collect();
        let mut pieces = Pieces { pieces: Vec::new(), old: 0, new: 0 };
        let top = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
        pieces.equal(0, 0, top);
        let (old_rest, new_rest) = (&old[top..], &new[top..]);
        let bottom =
            old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(old, new)| old == new).count();
        let old_middle = &old_rest[..old_rest.len() - bottom];
        let new_middle = &new_rest[..new_rest.len() - bottom];
        for (in_old, in_new, length) in common(old_middle, new_middle) {
            pieces.equal(top + in_old, top + in_new, length);
        }
        pieces.equal(old.len() - bottom, new.len() - bottom, bottom);
        pieces.gap(old.len(), new.len());
        Self { pieces: Some(pieces.pieces), new_len: new.len() }
    }

    /// Where `line` of the old text is now, or the nearest line if it is gone or was rewritten.
    pub fn line(&self, line: u32) -> u32 {
        let at = line.saturating_sub(1) as usize;
        let last = self.new_len.saturating_sub(1);
        let Some(pieces) = &self.pieces else { return at.min(last) as u32 + 1 };
        let found = match pieces.iter().find(|p| p.old.contains(&at)) {
            Some(piece) => {
                let offset = at - piece.old.start;
                if piece.equal {
                    piece.new.start + offset
                } else {
                    (piece.new.start + offset).min(piece.new.end.saturating_sub(1).max(piece.new.start))
                }
            }
            None => last,
        };
        found.min(last) as u32 + 1
    }

    /// Whether the old lines `first..=last` are all still there, unchanged and with nothing in between.
    pub fn keeps(&self, first: u32, last: u32) -> bool {
        let Some(pieces) = &self.pieces else { return true };
        let (first, last) = (first.saturating_sub(1) as usize, last.saturating_sub(1) as usize);
        pieces.iter().any(|p| p.equal && p.old.contains(&first) && p.old.contains(&last))
    }
}

/// Collects pieces in order.
struct Pieces {
    pieces: Vec<Piece>,
    /// Where the last one ended.
    old: usize,
    new: usize,
}

impl Pieces {
    /// What is between the last piece and here was rewritten.
    fn gap(&mut self, old: usize, new: usize) {
        if (self.old, self.new) != (old, new) {
            self.pieces.push(Piece { old: self.old..old, new: self.new..new, equal: false });
            (self.old, self.new) = (old, new);
        }
    }

    /// So many lines are equal from here on.
    fn equal(&mut self, old: usize, new: usize, length: usize) {
        if length == 0 {
            return;
        }
        self.gap(old, new);
        (self.old, self.new) = (old + length, new + length);
        match self.pieces.last_mut() {
            Some(last) if last.equal => (last.old.end, last.new.end) = (self.old, self.new),
            _ => self.pieces.push(Piece { old: old..self.old, new: new..self.new, equal: true }),
        }
    }
}

/// The lines that both have in the same order: their places in `old` and in `new`, and how many follow each other.
///
/// Lines that only one of both has cannot be among them. Without those, and with numbers in the place of lines, the
/// comparison of texts that have become very different takes a small part of the time.
fn common(old: &[&str], new: &[&str]) -> Vec<(usize, usize, usize)> {
    let mut numbers: HashMap<&str, u32> = HashMap::with_capacity(old.len());
    for line in old {
        let next = numbers.len() as u32;
        numbers.entry(line).or_insert(next);
    }
    let mut is_kept = vec![false; numbers.len()];
    let mut new_lines: Vec<(usize, u32)> = Vec::new();
    for (at, line) in new.iter().enumerate() {
        if let Some(&number) = numbers.get(line) {
            is_kept[number as usize] = true;
            new_lines.push((at, number));
        }
    }
    let old_lines: Vec<(usize, u32)> = old
        .iter()
        .enumerate()
        .filter_map(|(at, line)| Some((at, *numbers.get(line)?)))
        .filter(|&(_, number)| is_kept[number as usize])
        .collect();
    let only_numbers = |lines: &[(usize, u32)]| lines.iter().map(|&(_, number)| number).collect::<Vec<u32>>();
    let ops = similar::capture_diff_slices_deadline(
        Algorithm::Myers,
        &only_numbers(&old_lines),
        &only_numbers(&new_lines),
        Some(Instant::now() + LIMIT),
    );
    let equal = ops.into_iter().filter(|op| matches!(op, DiffOp::Equal { .. }));
    let pairs = equal.flat_map(|op| op.old_range().zip(op.new_range()));
    pairs.map(|(old, new)| (old_lines[old].0, new_lines[new].0, 1)).collect()
}

fn trim_end(line: &str) -> &str {
    line.strip_suffix('\r').unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "import a\n\ndef f():\n    x = 1\n    assert x\n\ndef g():\n    return 2\n";

    #[test]
    fn lines_are_found_again() {
        // (new text, old line, its new line, whether f (3..=5) is kept)
        let rows: &[(&str, u32, u32, bool)] = &[
            (OLD, 5, 5, true),
            (
                "# new\n# new\nimport a\n\ndef f():\n    x = 1\n    assert x\n\ndef g():\n    return 2\n",
                5,
                7,
                true,
            ),
            ("import a\n\ndef f():\n    x = 1\n\n    assert x\n\ndef g():\n    return 2\n", 5, 6, false),
            ("import a\n\ndef f():\n    x = 3\n    assert x\n\ndef g():\n    return 2\n", 5, 5, false),
            ("import a\n\ndef f():\n    x = 1\n    assert not x\n\ndef g():\n    return 2\n", 5, 5, false),
            ("import a\n\ndef f():\n    x = 1\n\ndef g():\n    return 2\n", 5, 5, false),
            ("import a\n\ndef f():\n    x = 1\n    assert x\n\ndef g():\n    return 3\n# end\n", 5, 5, true),
            ("import a\r\n\r\ndef f():\r\n    x = 1\r\n    assert x\r\n", 5, 5, true),
            ("", 5, 1, false),
            ("def g():\n    return 2\n", 8, 2, false),
        ];
        for (new, line, expected, kept) in rows {
            let map = LineMap::between(OLD, new);
            assert_eq!(map.line(*line), *expected, "line {line} in {new:?}");
            assert_eq!(map.keeps(3, 5), *kept, "f in {new:?}");
        }
    }

    #[test]
    fn a_line_outside_the_text_stays_inside_the_new_one() {
        let map = LineMap::between("a\nb", "b");
        assert_eq!(map.line(99), 1);
        assert_eq!(map.line(0), 1);
        assert!(!map.keeps(1, 99));
    }
}
