//! Where the history is kept.

use std::path::{Path, PathBuf};

use crate::system::System;
use crate::workspace::Config;

/// The name of the database in the reports' folder.
pub const FILE: &str = "history.db";
/// The variable that comes before the setting.
pub const VARIABLE: &str = "FAILSCOPE_HISTORY";

/// Where the history is kept.
#[derive(Clone, PartialEq, Eq)]
pub enum Target {
    /// Nowhere.
    Off,
    /// In a file of `SQLite`.
    File(PathBuf),
    /// In a `PostgreSQL` database, by its URL.
    Postgres(String),
}

impl std::fmt::Debug for Target {
    /// Without what may be secret in a URL.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name())
    }
}

impl Target {
    /// Where the settings and the environment want the history of the workspace at `root`.
    pub fn of(root: &Path, config: &Config, system: &System) -> Self {
        match system.env(VARIABLE).or(config.history.as_deref()).map(str::trim) {
            None | Some("" | "on" | "true" | "1") => Self::File(root.join(&config.output).join(FILE)),
            Some("off" | "false" | "0" | "none") => Self::Off,
            Some(url) if is_postgres(url) => Self::Postgres(url.to_owned()),
            Some(path) => {
                let path = path.strip_prefix("sqlite:").unwrap_or(path);
                // `sqlite:///abs`, `sqlite:rel` and a bare path.
                Self::File(root.join(path.strip_prefix("//").unwrap_or(path)))
            }
        }
    }

    /// What it is called in messages: without user, password and options.
    pub fn name(&self) -> String {
        match self {
            Self::Off => "off".to_owned(),
            Self::File(path) => path.display().to_string(),
            Self::Postgres(url) => match url::Url::parse(url) {
                Ok(url) => {
                    let host = url.host_str().unwrap_or_default();
                    format!("PostgreSQL {host}{}", url.path())
                }
                Err(_) => "PostgreSQL".to_owned(),
            },
        }
    }
}

/// Whether `text` is the URL of a `PostgreSQL` database.
pub fn is_postgres(text: &str) -> bool {
    text.starts_with("postgresql://") || text.starts_with("postgres://")
}

/// Whether the URL `text` holds a password.
pub fn has_password(text: &str) -> bool {
    let authority =
        text.split_once("://").map_or("", |(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or(""));
    let user = authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'));
    user || text
        .split_once('?')
        .is_some_and(|(_, query)| query.split('&').any(|p| p.starts_with("password=")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets() {
        let check = |setting: Option<&str>, variable: Option<&str>, expected: Target| {
            let config = Config { history: setting.map(str::to_owned), ..Config::default() };
            let variables = variable.map(|value| (VARIABLE.to_owned(), value.to_owned()));
            let system = System::fixed(std::time::SystemTime::UNIX_EPOCH, variables, PathBuf::from("/"));
            assert_eq!(Target::of(Path::new("/w"), &config, &system), expected, "{setting:?} {variable:?}");
        };
        let file = |path: &str| Target::File(PathBuf::from(path));
        check(None, None, file("/w/.failscope/history.db"));
        check(Some("off"), None, Target::Off);
        check(Some("off"), Some("on"), file("/w/.failscope/history.db"));
        check(None, Some("off"), Target::Off);
        check(Some("ci/runs.db"), None, file("/w/ci/runs.db"));
        check(Some("sqlite:ci/runs.db"), None, file("/w/ci/runs.db"));
        check(Some("sqlite:///var/runs.db"), None, file("/var/runs.db"));
        check(Some("postgres://h/d"), None, Target::Postgres("postgres://h/d".to_owned()));
        check(Some("off"), Some("postgresql://h/d"), Target::Postgres("postgresql://h/d".to_owned()));
    }

    #[test]
    fn passwords_are_seen_and_not_told() {
        for (url, expected) in [
            ("postgresql://u:p@h/d", true),
            ("postgresql://h/d?user=u&password=p", true),
            ("postgresql://u@h:5432/d", false),
            ("postgresql:///d?host=/tmp:x", false),
        ] {
            assert_eq!(has_password(url), expected, "{url}");
        }
        let target = Target::Postgres("postgresql://me:hush@db.example:5432/runs?password=hush".to_owned());
        assert_eq!(target.name(), "PostgreSQL db.example/runs");
    }
}
