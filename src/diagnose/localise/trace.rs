//! What was recorded of the tests of a traced run, put together from the plugin's events.

use std::collections::{BTreeMap, HashMap};

use crate::model::{RelPath, TestId};
use crate::pytest::events::{Code, Event, Steps};
use crate::workspace::Workspace;

/// Largest line number that is believed.
const MAX_LINE: u32 = 10_000_000;
/// Most lines of one range that are believed.
const MAX_RANGE: u32 = 100_000;

/// The traces of a run.
#[derive(Debug, Default)]
pub struct Traces {
    /// By test.
    pub tests: BTreeMap<TestId, TestTrace>,
}

/// What the project's code did while one test ran.
#[derive(Debug, Default)]
pub struct TestTrace {
    /// Lines that ran, sorted, by file of the workspace.
    pub lines: HashMap<RelPath, Vec<u32>>,
    /// The blocks of code that the steps name, with their files.
    pub codes: Vec<(Option<RelPath>, Code)>,
    /// Texts of values, by their number less one.
    pub values: Vec<String>,
    /// The steps in parts, in the order of time; empty for a test that was not followed closely.
    pub parts: Vec<Steps>,
    /// Whether earlier steps are left out.
    pub cut: bool,
}

impl Traces {
    /// Takes what `event` says of a trace. `root` is pytest's rootdir.
    pub fn push(&mut self, event: &Event, workspace: &Workspace, root: Option<&str>) {
        match event {
            Event::Trace(trace) => {
                let mut test = TestTrace { cut: trace.cut, ..TestTrace::default() };
                for (file, ranges) in &trace.files {
                    if let Some(path) = workspace.resolve(file, root) {
                        test.lines.insert(path, lines(ranges));
                    }
                }
                test.codes = trace
                    .codes
                    .iter()
                    .map(|code| (workspace.resolve(&code.file, root), code.clone()))
                    .collect();
                test.values.clone_from(&trace.values);
                self.tests.insert(TestId::new(&trace.id), test);
            }
            Event::Steps(steps) => {
                if let Some(test) = self.tests.get_mut(&TestId::new(&steps.id)) {
                    test.parts.push((**steps).clone());
                }
            }
            _ => {}
        }
    }
}

impl TestTrace {
    /// The text of value `number`.
    pub fn value(&self, number: u32) -> Option<&str> {
        self.values.get((number as usize).checked_sub(1)?).map(String::as_str)
    }
}

/// The lines of `1-3,7`; what is no range is left out.
fn lines(ranges: &str) -> Vec<u32> {
    let mut all = Vec::new();
    for range in ranges.split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        if let (Ok(first), Ok(last)) = (first.parse::<u32>(), last.parse::<u32>())
            && last < MAX_LINE
            && last.saturating_sub(first) < MAX_RANGE
        {
            all.extend(first..=last);
        }
    }
    all.sort_unstable();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_and_nonsense_is_left_out() {
        let rows: [(&str, &[u32]); 7] = [
            ("1-3,7", &[1, 2, 3, 7]),
            ("", &[]),
            ("7,1", &[1, 7]),
            ("x,4,-", &[4]),
            ("5-3", &[]),
            ("1-4000000000", &[]),
            ("2-3,3-4", &[2, 3, 4]),
        ];
        for (text, expected) in rows {
            assert_eq!(lines(text), expected, "{text}");
        }
    }
}
