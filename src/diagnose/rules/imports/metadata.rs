//! A distribution whose metadata are not installed: the project's own, or another's.

use crate::diagnose::case::{Case, at, code, line_of};
use crate::diagnose::rules::spot::Spot;
use crate::diagnose::{Draft, Finding};
use crate::model::{Category, FixTarget, RelPath, Severity};
use crate::workspace::Workspace;

/// `PackageNotFoundError: No package metadata was found for x`.
pub(super) fn not_installed(case: &Case<'_>) -> Option<Finding> {
    let root = case
        .root()
        .filter(|root| matches!(root.short_type(), "PackageNotFoundError" | "DistributionNotFound"))?;
    let line = root.message.lines().next()?.trim();
    let name = match line.rsplit_once(" was found for ") {
        Some((_, name)) => name,
        None => line.split([' ', '\'']).find(|word| !word.is_empty() && *word != "The")?,
    };
    let name = name.trim_matches(['\'', '"', '.']);
    let spot = Spot::nearest(case)?;
    let own = own_name(case.workspace).is_some_and(|own| folded(&own) == folded(name));
    let new = |confidence| {
        Finding::new("imports-metadata", Category::EnvIssue, Severity::High, confidence)
            .shown(code(line), Some(spot.place))
            .suspect(spot.place, 0.85, "asks for the metadata")
    };
    if own {
        return Some(
            new(0.95)
                .because(format!(
                    "{} asks for the metadata of `{name}`, which is this project itself: it is not installed where the tests run, only its files are there",
                    at(spot.place)
                ))
                .suggest("Install the project: `pip install -e .`")
                .mend(Draft::command(
                    FixTarget::Environment,
                    format!("Install `{name}` itself with `pip install -e .`"),
                    "Metadata are made when the project is installed",
                    "pip install -e .",
                )),
        );
    }
    Some(
        new(0.85)
            .because(format!(
                "The distribution `{name}` is not installed, and {} asks for its metadata",
                at(spot.place)
            ))
            .suggest(format!("Install `{name}`, or do without its metadata ({})", line_of(spot.place)))
            .mend(Draft::command(
                FixTarget::Environment,
                format!("Install `{name}` with `pip install {name}`"),
                "Its metadata come with it",
                format!("pip install {}", crate::diagnose::rules::shell_word(name)),
            )),
    )
}

/// The project's own name, of `pyproject.toml` or `setup.cfg`.
fn own_name(workspace: &Workspace) -> Option<String> {
    for (file, section) in
        [("pyproject.toml", "[project]"), ("pyproject.toml", "[tool.poetry]"), ("setup.cfg", "[metadata]")]
    {
        let Some(text) = RelPath::new(file).and_then(|path| workspace.text(&path)) else { continue };
        let mut inside = false;
        for line in text.lines().map(str::trim) {
            if line.starts_with('[') {
                inside = line == section;
            } else if inside
                && let Some((key, value)) = line.split_once('=')
                && key.trim() == "name"
            {
                return Some(value.trim().trim_matches(['"', '\'']).to_owned());
            }
        }
    }
    None
}

/// Names of distributions are compared without case, dots, dashes and underscores.
fn folded(name: &str) -> String {
    name.to_lowercase().replace(['_', '.'], "-")
}
