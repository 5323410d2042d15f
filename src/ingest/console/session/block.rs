//! One failure's text while it is read.

use crate::model::Section;

/// Text of which the middle is left out when it grows too long.
#[derive(Debug, Clone, Default)]
pub(in crate::ingest::console) struct Bounded {
    head: String,
    tail: String,
    /// Bytes left out between the two.
    pub(in crate::ingest::console) dropped: usize,
}

impl Bounded {
    pub(in crate::ingest::console) fn push_line(&mut self, line: &str, max: usize) {
        let half = max / 2;
        if self.tail.is_empty() && self.dropped == 0 && self.head.len() + line.len() < half {
            self.head.push_str(line);
            self.head.push('\n');
            return;
        }
        self.tail.push_str(line);
        self.tail.push('\n');
        if self.tail.len() > 2 * half.max(1) {
            let mut cut = self.tail.len() - half;
            while !self.tail.is_char_boundary(cut) {
                cut += 1;
            }
            // Whole lines only, if there are any.
            cut += memchr::memchr(b'\n', &self.tail.as_bytes()[cut..]).map_or(0, |at| at + 1);
            self.tail.drain(..cut);
            self.dropped += cut;
        }
    }

    pub(in crate::ingest::console) fn is_empty(&self) -> bool {
        self.head.is_empty() && self.tail.is_empty()
    }

    pub(super) fn starts_with(&self, start: &str) -> bool {
        self.head.starts_with(start)
    }

    pub(in crate::ingest::console) fn into_text(mut self) -> String {
        self.head.push_str(&self.tail);
        let end = self.head.trim_end_matches('\n').len();
        self.head.truncate(end);
        let start = self.head.len() - self.head.trim_start_matches('\n').len();
        self.head.drain(..start);
        self.head
    }
}

/// A failure as it stands under its title.
#[derive(Debug, Default)]
pub(in crate::ingest::console) struct Block {
    /// The words of the ruler; `None` for a failure whose beginning was cut off.
    pub(in crate::ingest::console) title: Option<String>,
    pub(in crate::ingest::console) in_errors: bool,
    pub(in crate::ingest::console) body: Bounded,
    pub(in crate::ingest::console) sections: Vec<(String, Bounded)>,
    pub(in crate::ingest::console) worker: Option<String>,
    pub(in crate::ingest::console) offset: u64,
}

impl Block {
    pub(in crate::ingest::console) fn sections(&mut self) -> Vec<Section> {
        std::mem::take(&mut self.sections)
            .into_iter()
            .map(|(name, text)| Section { name, text: text.into_text() })
            .filter(|section| !section.text.is_empty())
            .collect()
    }
}
