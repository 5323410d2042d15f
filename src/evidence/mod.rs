//! From a raw run to evidence: tracebacks and assertions taken apart, places found in the workspace, noise
//! removed, secrets replaced.

pub mod assertion;
mod frames;
pub mod preprocess;
pub mod redact;
pub mod traceback;

use crate::model::Run;
use crate::workspace::Workspace;

/// Completes every failure of `run`: parses `text` into exceptions where a reader gave none, resolves the
/// place of every frame in the workspace and marks the project's own, finds each test's definition, and fills
/// in what a terse traceback leaves out (the function of a frame) from the syntax tree.
pub fn collect(run: &mut Run, workspace: &Workspace) {
    frames::collect(run, workspace);
}
