//! What the user has cleared stays so until there are new results, also over a restart: which state of the result
//! files it was is kept beside the reports.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::report::files::{Folder, WriteError};

const VERSION: u32 = 1;
const NAME: &str = "cleared.json";

#[derive(Debug, Serialize, Deserialize)]
struct Document {
    schema_version: u32,
    results: String,
}

/// Keeps in the folder of the reports that the state `results` was cleared.
///
/// # Errors
/// When it cannot be written.
pub fn note(output: &Path, results: &str) -> Result<(), WriteError> {
    let document = Document { schema_version: VERSION, results: results.to_owned() };
    let text = serde_json::to_vec(&document).unwrap_or_default();
    Folder::open(output)?.replace(NAME, &text).map(drop)
}

/// The state that was cleared, if one was.
pub fn read(output: &Path) -> Option<String> {
    let text = std::fs::read(output.join(NAME)).ok()?;
    let document: Document = serde_json::from_slice(&text).ok()?;
    (document.schema_version == VERSION).then_some(document.results)
}

/// Forgets it. What cannot be removed names a state that has passed.
pub fn forget(output: &Path) {
    let _ = std::fs::remove_file(output.join(NAME));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_remembered_until_it_is_forgotten() -> Result<(), Box<dyn std::error::Error>> {
        let dir = tempfile::tempdir()?;
        let output = dir.path().join(".failscope");
        assert_eq!(read(&output), None);
        note(&output, "a1")?;
        assert_eq!(read(&output).as_deref(), Some("a1"));
        for broken in ["", "{", r#"{"schema_version":2,"results":"a1"}"#] {
            std::fs::write(output.join(NAME), broken)?;
            assert_eq!(read(&output), None, "{broken}");
        }
        forget(&output);
        forget(&output);
        assert!(!output.join(NAME).exists());
        Ok(())
    }
}
