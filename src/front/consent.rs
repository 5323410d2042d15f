//! What the user has allowed to be sent where: remembered in the user's own state, never in the workspace, which
//! others may have written.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::report::files::Folder;
use crate::system::System;

/// The version of the file.
const VERSION: u32 = 1;
/// The file in the user's state folder.
const NAME: &str = "consent.json";

#[derive(Debug, Default, Serialize, Deserialize)]
struct Document {
    version: u32,
    allowed: Vec<Allowed>,
}

/// A provider that may be sent the evidence of a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowed {
    /// The workspace's folder.
    pub folder: PathBuf,
    /// The provider's name.
    pub provider: String,
    /// Where it answers: another address is another question.
    pub address: String,
}

/// The consents of this user.
#[derive(Debug, Clone)]
pub struct Consent {
    folder: Option<PathBuf>,
}

impl Consent {
    /// Those of the user whose environment this is.
    pub fn new(system: &System) -> Self {
        Self { folder: system.state_dir() }
    }

    /// Whether this was allowed before. Blocks for a short read.
    pub fn allows(&self, wanted: &Allowed) -> bool {
        self.read().allowed.contains(wanted)
    }

    /// Remembers that this is allowed.
    ///
    /// # Errors
    /// When there is no folder for it, or it cannot be written.
    pub fn allow(&self, wanted: Allowed) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let Some(folder) = &self.folder else {
            return Err("the environment names no folder for the user's state (HOME)".into());
        };
        let mut document = self.read();
        if !document.allowed.contains(&wanted) {
            document.allowed.push(wanted);
        }
        document.version = VERSION;
        Folder::open(folder)?.replace(NAME, &serde_json::to_vec_pretty(&document)?)?;
        Ok(())
    }

    fn read(&self) -> Document {
        let path = self.folder.as_deref().map(|folder: &Path| folder.join(NAME));
        path.and_then(|path| std::fs::read(path).ok())
            .and_then(|bytes| serde_json::from_slice::<Document>(&bytes).ok())
            .filter(|document| document.version == VERSION)
            .unwrap_or_default()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn what_was_allowed_is_remembered_for_that_folder_provider_and_address() {
        let dir = tempfile::tempdir().unwrap();
        let variable = ("XDG_STATE_HOME".to_owned(), dir.path().display().to_string());
        let system = System::fixed(SystemTime::UNIX_EPOCH, [variable], dir.path().into());
        let wanted = Allowed {
            folder: "/home/dev/shop".into(),
            provider: "groq".to_owned(),
            address: "https://api.groq.com".to_owned(),
        };
        let other = Allowed { folder: "/home/dev/other".into(), ..wanted.clone() };
        let consent = Consent::new(&system);
        assert!(!consent.allows(&wanted));
        consent.allow(wanted.clone()).unwrap();
        consent.allow(other.clone()).unwrap();
        assert!(Consent::new(&system).allows(&wanted) && consent.allows(&other));
        assert!(!consent.allows(&Allowed { address: "https://elsewhere".to_owned(), ..wanted.clone() }));
        assert!(!consent.allows(&Allowed { provider: "openai".to_owned(), ..wanted.clone() }));
        std::fs::write(dir.path().join("failscope/consent.json"), "{").unwrap();
        assert!(!consent.allows(&wanted), "what cannot be read allows nothing");
        let homeless = Consent::new(&System::fixed(SystemTime::UNIX_EPOCH, [], "/".into()));
        assert!(homeless.allow(wanted).is_err());
    }
}
