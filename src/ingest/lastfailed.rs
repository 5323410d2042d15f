//! `.pytest_cache/v/cache/lastfailed`: an object whose keys are the ids of what failed in the last run.

use std::time::SystemTime;

use super::ReadOptions;
use super::json::{Piece, Splitter, unescaped};
use super::sink::Sink;
use super::window::Window;
use crate::model::{Failure, Phase, ResultFormat, Run, TestId};

/// Reads the whole document from `window`. An id without `::` is a file that could not be collected.
pub(crate) fn read(
    window: &mut Window<'_>,
    name: &str,
    modified: Option<SystemTime>,
    options: &ReadOptions,
) -> Run {
    let mut sink = Sink::new(name, options);
    let mut pieces = Splitter::new(window, &[]);
    loop {
        match pieces.next() {
            Piece::Field(key, b"true", _) => {
                let id = unescaped(key);
                let phase = if id.contains("::") { Phase::Call } else { Phase::Collect };
                sink.failed(Failure::bare(TestId::new(&id), phase));
            }
            Piece::Field(_, _, offset) => {
                sink.problem(
                    Some(offset),
                    "an entry that is not `true` was left out; the cache may be damaged",
                );
            }
            Piece::Item(_, _, offset) | Piece::Oversize(_, _, offset) | Piece::Broken(offset) => {
                sink.problem(
                    Some(offset),
                    "something that is no entry was left out; the cache may be damaged",
                );
            }
            Piece::End(whole) => {
                if !whole {
                    let message = "the cache is cut off; the entries before were read";
                    sink.problem(Some(window.end_offset()), message);
                }
                break;
            }
        }
    }
    sink.finish(ResultFormat::LastFailed, window.end_offset(), modified)
}
