//! Fixes that were found after the analysis, as they may be shown.

use super::Options;
use super::show::Shower;
use crate::diagnose::draft::Draft;
use crate::model::Fix;
use crate::workspace::Workspace;

/// The fix that `draft` proposes; `None` if an edit does not fit its file.
pub fn show(draft: &Draft, workspace: &Workspace, options: &Options) -> Option<Fix> {
    Shower::new(workspace, options, None).fix(draft)
}
