//! Where a provider's key comes from: the environment, a file that the environment names, or the key ring of the
//! operating system. Never from a workspace's settings, which are shared.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use crate::system::System;

/// Name under which the key ring holds the keys; the user name there is the provider's name.
pub const RING_SERVICE: &str = "failscope";
/// How long the key ring is waited for: it may be locked, or its service not answer.
const RING_PATIENCE: Duration = Duration::from_secs(2);
/// Most bytes of a key file.
const MAX_FILE: u64 = 16 << 10;

/// A key. Shows nothing of itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(Arc<str>);

impl Key {
    /// A key from text: without the white space around it; visible ASCII only, as it goes into a header.
    fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty() && text.len() <= 8192 && text.bytes().all(|b| b.is_ascii_graphic()))
            .then(|| Self(text.into()))
    }

    /// The key, for the header and for taking it out of texts.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

/// A key and where it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The key.
    pub key: Key,
    /// Where it was found, e.g. `GROQ_API_KEY`.
    pub origin: String,
    /// What the user may want to change, e.g. that others can read the file.
    pub note: Option<String>,
}

/// Asks a key ring for the key of a provider.
pub type Ring<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// The key of `provider`, whose variable is `variable`: the variable, then the file that `<variable>_FILE` names,
/// then the key ring. The error says what is wrong with the place where a key should be.
pub fn find(
    provider: &str,
    variable: &str,
    system: &System,
    ring: &Ring<'_>,
) -> Result<Option<Found>, String> {
    if let Some(found) = find_in_environment(variable, system)? {
        return Ok(Some(found));
    }
    let Some(text) = ring(provider) else { return Ok(None) };
    let key = Key::new(&text)
        .ok_or_else(|| format!("the key ring's entry {RING_SERVICE}/{provider} is no key: {NO_KEY}"))?;
    Ok(Some(Found { key, origin: format!("the key ring's entry {RING_SERVICE}/{provider}"), note: None }))
}

const NO_KEY: &str = "it is empty, or holds spaces, line breaks or other characters that no key has";

/// The key from `variable`, or from the file that `<variable>_FILE` names.
pub fn find_in_environment(variable: &str, system: &System) -> Result<Option<Found>, String> {
    if let Some(text) = system.env(variable).filter(|text| !text.trim().is_empty()) {
        let key = Key::new(text).ok_or_else(|| format!("{variable} is no key: {NO_KEY}"))?;
        return Ok(Some(Found { key, origin: variable.to_owned(), note: None }));
    }
    let variable = format!("{variable}_FILE");
    let Some(name) = system.env(&variable) else { return Ok(None) };
    let path = system.current_dir().join(name);
    let (text, note) = read(&path).map_err(|error| format!("{variable}: {name} cannot be read: {error}"))?;
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let key =
        Key::new(line).ok_or_else(|| format!("{variable}: the first line of {name} is no key: {NO_KEY}"))?;
    let note = note.map(|note| format!("{name} {note}"));
    Ok(Some(Found { key, origin: format!("the file in {variable}"), note }))
}

/// All keys that the environment holds, for taking them out of texts.
pub fn all_in(system: &System) -> impl Iterator<Item = Key> {
    let named = |name: &str| name.ends_with("_API_KEY");
    // What is shorter is no key, and may be part of any word.
    let keys =
        system.environment().iter().filter(move |(name, value)| named(name) && value.trim().len() >= 8);
    keys.filter_map(|(_, value)| Key::new(value)).collect::<Vec<_>>().into_iter()
}

/// The text of a key file, and what is unwise about it.
fn read(path: &Path) -> std::io::Result<(String, Option<&'static str>)> {
    // A pipe or a device could keep the reader for ever.
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(std::io::Error::other("it is no regular file"));
    }
    let mut text = String::new();
    std::fs::File::open(path)?.take(MAX_FILE).read_to_string(&mut text)?;
    Ok((text, readable_by_others(&metadata).then_some("can be read by other users; `chmod 600` it")))
}

#[cfg(unix)]
fn readable_by_others(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn readable_by_others(_metadata: &std::fs::Metadata) -> bool {
    false
}

/// The key ring of the operating system, if one is within reach. An absent, locked or silent one holds nothing,
/// and is not waited for.
pub fn os_ring(system: &System) -> impl Fn(&str) -> Option<String> {
    // Without a session bus the Secret Service cannot be there, and looking for it could start one.
    let reachable = cfg!(any(windows, target_os = "macos"))
        || system.env("DBUS_SESSION_BUS_ADDRESS").is_some()
        || system.env("XDG_RUNTIME_DIR").is_some_and(|folder| Path::new(folder).join("bus").exists());
    let silent = std::cell::Cell::new(!reachable);
    move |provider| {
        if silent.get() {
            return None;
        }
        let (sender, receiver) = mpsc::channel();
        let provider = provider.to_owned();
        std::thread::Builder::new()
            .name("key-ring".to_owned())
            .spawn(move || {
                let entry = keyring::Entry::new(RING_SERVICE, &provider);
                // Nobody may be waiting any more.
                let _ = sender.send(entry.and_then(|entry| entry.get_password()).ok());
            })
            .ok()?;
        receiver.recv_timeout(RING_PATIENCE).unwrap_or_else(|_| {
            silent.set(true);
            None
        })
    }
}
