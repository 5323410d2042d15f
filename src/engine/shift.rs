//! Where the lines of an older text are in a newer one.

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
        let new_lines: Vec<&str> = new.split('\n').map(trim_end).collect();
        if old == new {
            return Self { pieces: None, new_len: new_lines.len() };
        }
        let old_lines: Vec<&str> = old.split('\n').map(trim_end).collect();
        let ops = similar::capture_diff_slices_deadline(
            Algorithm::Myers,
            &old_lines,
            &new_lines,
            Some(Instant::now() + LIMIT),
        );
        let pieces = ops
            .iter()
            .map(|op| Piece {
                old: op.old_range(),
                new: op.new_range(),
                equal: matches!(op, DiffOp::Equal { .. }),
            })
            .collect();
        Self { pieces: Some(pieces), new_len: new_lines.len() }
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
