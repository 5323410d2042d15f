//! Where a place of the run is in the texts as they are now.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Span;
use crate::engine::job::{BasisKey, Results};
use crate::engine::shift::LineMap;
use crate::model::{Place, RelPath};
use crate::workspace::source::SourceFile;

/// The texts of now beside those of the run.
pub struct Texts<'a> {
    pub(super) results: &'a Results,
    current: &'a HashMap<RelPath, Option<Arc<SourceFile>>>,
    maps: &'a Maps,
}

/// Line maps by basis, with the text they lead to. The engine and the readers of its snapshots share them: comparing
/// two texts takes longer than all the rest of a hover.
#[derive(Debug, Default)]
pub struct Maps(Mutex<Known>);

type Known = HashMap<BasisKey, (Arc<str>, Arc<LineMap>)>;

impl Maps {
    /// The map from `basis`, which has this key, to the text `now`.
    pub fn get(&self, key: &BasisKey, basis: &SourceFile, now: &Arc<str>) -> Arc<LineMap> {
        if let Some((text, map)) = self.known().get(key)
            && Arc::ptr_eq(text, now)
        {
            return Arc::clone(map);
        }
        // Nobody else waits meanwhile; if two do the same, the one who is done last is remembered.
        let map = Arc::new(LineMap::between(basis.text(), now));
        self.known().insert(key.clone(), (Arc::clone(now), Arc::clone(&map)));
        map
    }

    /// Forgets the maps of all other texts than these.
    pub fn keep(&self, bases: &HashMap<BasisKey, Arc<SourceFile>>) {
        self.known().retain(|key, _| bases.contains_key(key));
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) struct Located {
    pub(super) span: Span,
    pub(super) stale: bool,
}

impl<'a> Texts<'a> {
    /// Puts them together.
    pub fn new(
        results: &'a Results,
        current: &'a HashMap<RelPath, Option<Arc<SourceFile>>>,
        maps: &'a Maps,
    ) -> Self {
        Self { results, current, maps }
    }

    /// Where `place` of the run `stamp` is now; `None` if its file is gone. `seen` is the source line that the
    /// traceback showed there.
    pub(super) fn locate(&self, stamp: u64, place: &Place, seen: Option<&str>) -> Option<Located> {
        let now = self.current.get(&place.path)?.as_ref()?;
        let key = (stamp, place.path.clone());
        let Some(basis) = self.results.bases.get(&key) else {
            return Some(Located { span: span(now, place.line, None), stale: false });
        };
        let (line, doubtful) = match seen {
            Some(seen) => settle(basis, place.line, seen),
            None => (place.line, place.line > basis.line_count()),
        };
        let map = self.maps.get(&key, basis, now.text());
        let (first, last) = basis
            .module()
            .enclosing_function(line)
            .map_or((line, line), |def| (def.start_line, def.end_line.max(line)));
        let stale = doubtful || !map.keeps(first, last);
        let here = map.line(line);
        let columns = place.columns.filter(|_| {
            line == place.line && basis.line(line).is_some() && basis.line(line) == now.line(here)
        });
        let columns =
            columns.map(|(start, end)| (start, if place.end_line == place.line { end } else { u32::MAX }));
        Some(Located { span: span(now, here, columns), stale })
    }
}

/// The line of `basis` that the traceback's source line `seen` stands on, starting from the line it named, and
/// whether it cannot be found: then the file was changed after the run and before it was first read here.
fn settle(basis: &SourceFile, line: u32, seen: &str) -> (u32, bool) {
    let wanted = squeeze(seen);
    if wanted.is_empty() || wanted.contains("[REDACTED") {
        return (line, line > basis.line_count());
    }
    let is_at = |at: u32| basis.line(at).is_some_and(|text| squeeze(text) == wanted);
    if is_at(line) {
        return (line, false);
    }
    // The nearest line with that text; of two equally near ones neither can be trusted.
    let mut nearest: Option<(u32, u32)> = None;
    let mut tie = false;
    for at in (1..=basis.line_count()).filter(|&at| is_at(at)) {
        let distance = at.abs_diff(line);
        match nearest {
            Some((best, _)) if best < distance => {}
            Some((best, _)) if best == distance => tie = true,
            _ => (nearest, tie) = (Some((distance, at)), false),
        }
    }
    match nearest {
        Some((_, at)) if !tie => (at, false),
        _ => (line, true),
    }
}

pub(super) fn squeeze(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The given columns of a line, or the line without its margins.
pub(super) fn span(source: &SourceFile, line: u32, columns: Option<(u32, u32)>) -> Span {
    let line = line.clamp(1, source.line_count().max(1));
    let text = source.line(line).unwrap_or_default();
    let length = text.chars().count() as u32 + 1;
    let first = text.chars().take_while(|c| c.is_whitespace()).count() as u32 + 1;
    let trimmed = text.trim_end().chars().count() as u32 + 1;
    let columns = match columns {
        Some((start, end)) if start < length => (start, end.min(trimmed.max(start))),
        _ => (first.min(trimmed), trimmed),
    };
    Span { line, columns, text: text.into() }
}
