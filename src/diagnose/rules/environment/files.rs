//! Files and programs that are not where the code looks for them.

mod mend;

use super::{located, place_of, quoted};
use crate::diagnose::case::{Case, at, code, line_of};
use crate::diagnose::draft::Change;
use crate::diagnose::{Draft, Finding};
use crate::model::{Category, FixTarget, Place, RelPath, Severity};

/// A file or program that is not there.
pub(in crate::diagnose::rules) fn missing_file(case: &Case<'_>) -> Option<Finding> {
    let root = case.root()?;
    let kind = root.short_type();
    if !matches!(kind, "FileNotFoundError" | "NotADirectoryError" | "IsADirectoryError" | "FileExistsError") {
        return None;
    }
    let line = root.message.lines().next()?;
    let raw = quoted(line)?;
    let place = place_of(case)?;
    let runs = root.frames.iter().any(|frame| {
        let path = frame.path.replace('\\', "/");
        !frame.in_project && (path.ends_with("/subprocess.py") || path.contains("/asyncio/"))
    });
    if runs && kind == "FileNotFoundError" && !raw.contains('/') {
        let finding = Finding::new("environment-program", Category::EnvIssue, Severity::High, 0.9)
            .because(format!(
                "The program {} is not installed (or not on PATH), and {} starts it",
                code(raw),
                at(&place)
            ))
            .suggest(format!(
                "Install {} where the tests run, or skip the test without it (`shutil.which({raw:?})`)",
                code(raw)
            ));
        let finding = finding.mend(Draft::advice(
            FixTarget::Environment,
            format!("Install {} where the tests run, or skip the test without it", code(raw)),
            format!("{} starts it", at(&place)),
        ));
        return Some(located(finding, case, &place, 0.8, "starts the program"));
    }
    let path = raw.replace('\\', "/");
    let (what, confidence) = match kind {
        "NotADirectoryError" => ("is used as a folder but is none", 0.7),
        "IsADirectoryError" => ("is a folder where a file is needed", 0.7),
        "FileExistsError" => ("exists already", 0.7),
        _ => ("does not exist", 0.7),
    };
    let system = ["/etc/", "/var/", "/usr/", "/opt/", "/proc/", "/run/", "/dev/", "/mnt/"]
        .iter()
        .any(|prefix| path.starts_with(prefix));
    let root_folder = case.workspace.root().to_string_lossy().replace('\\', "/");
    let inside = !root_folder.is_empty() && path.starts_with(&*root_folder);
    let temporary =
        path.contains("/pytest-of-") || !inside && (path.starts_with("/tmp/") || path.contains("/Temp/"));
    let relative = !path.starts_with('/') && path.as_bytes().get(1) != Some(&b':');
    let category = if system { Category::EnvIssue } else { Category::DataIssue };
    let writes = mend::writes(case, &place);
    let near = (kind == "FileNotFoundError" && !temporary && !writes)
        .then(|| nearest(case, &path, &place))
        .flatten();
    let mut finding = Finding::new("environment-file", category, Severity::High, confidence);
    let base = format!("{} {what}, and {} needs it", code(raw), at(&place));
    finding = match near {
        Some(Near::Elsewhere(found)) if relative => {
            finding.confidence = 0.85;
            finding
                .mend(mend::beside(case, &path, &found, &place))
                .because(format!("{base}: the file is at {}, and a relative path counts from the folder pytest runs in", code(found.as_str())))
                .suggest(format!("Build the path from the file's own folder at {}: `Path(__file__).parent / …`, or run pytest from the folder the path counts from", line_of(&place)))
        }
        Some(Near::Elsewhere(found)) => finding
            .mend(mend::beside(case, &path, &found, &place))
            .because(format!("{base}; a file of that name is at {}", code(found.as_str())))
            .suggest(format!("Use {} at {}", code(found.as_str()), line_of(&place))),
        Some(Near::Similar(found)) => {
            finding.confidence = 0.8;
            finding
                .mend(mend::rename(case, &path, &found, &place))
                .because(format!("{base}; the nearest name that exists is {}", code(found.as_str())))
                .suggest(format!("Use {} at {}", code(found.as_str()), line_of(&place)))
        }
        None if kind == "FileNotFoundError" && writes && !system => {
            finding.confidence = 0.85;
            let folder = path.rsplit_once('/').map_or(".", |(folder, _)| folder);
            finding
                .mend(mend::make_folder(case, &place))
                .because(format!(
                    "{} cannot create {}: the folder {} does not exist, and nothing makes it before",
                    at(&place),
                    code(raw),
                    code(folder)
                ))
                .suggest(format!(
                    "Make the folder first at {}: `….mkdir(parents=True, exist_ok=True)`",
                    line_of(&place)
                ))
        }
        None if temporary && let Some((other, setter, fix)) = mend::written_elsewhere(case, &path) => {
            finding.confidence = 0.85;
            finding
                .mend(fix)
                .because(format!(
                    "{} reads {}, but the test writes {} ({}): the two names differ",
                    at(&place),
                    code(raw.rsplit(['/', '\\']).next().unwrap_or(raw)),
                    code(&other),
                    line_of(&setter)
                ))
                .suggest(format!("Use one name in both: {} or {}", line_of(&setter), line_of(&place)))
                .suspect(&setter, 0.75, "writes another name")
        }
        None if temporary => finding
            .because(format!("{base}: nothing has written it into the test's temporary folder before"))
            .suggest(format!(
                "Write the file in the test before {} reads it, or handle its absence",
                line_of(&place)
            )),
        None => {
            let relative_note = if relative { " (relative to the folder pytest runs in)" } else { "" };
            let advice = if system {
                format!(
                    "Use a path of the project's own, or `tmp_path` in the test, instead of {} at {}",
                    code(raw),
                    line_of(&place)
                )
            } else {
                format!("Create {} or correct the path at {}", code(raw), line_of(&place))
            };
            finding.because(format!("{base}{relative_note}")).suggest(advice.clone()).mend(Draft::advice(
                FixTarget::Environment,
                advice,
                "The path has to exist where the tests run",
            ))
        }
    };
    // The line that spells the path is the one to change.
    let spelled = finding.fixes.first().and_then(|fix| match &fix.change {
        Change::Edits(edits) => edits.last(),
        _ => None,
    });
    if let Some(edit) = spelled
        && let Some(source) = case.workspace.source(&edit.path)
        && !writes
        && finding.culprits.is_empty()
    {
        let here = Place { columns: None, ..source.place(edit.span) };
        finding = finding.suspect(&here, 0.75, "spells the path");
    }
    Some(located(finding, case, &place, 0.6, "uses the path"))
}

enum Near {
    /// A file of the same name.
    Elsewhere(RelPath),
    /// A file with a similar name in the same folder.
    Similar(RelPath),
}

/// Looks beside the code, in the usual folders, and for a similar name in the folder meant.
fn nearest(case: &Case<'_>, path: &str, place: &Place) -> Option<Near> {
    const MAX_ENTRIES: usize = 2000;
    let root = case.workspace.root();
    let inside = case.workspace.root().to_str().and_then(|root| path.strip_prefix(&root.replace('\\', "/")));
    // Results of another machine or checkout: the longest end of the path whose folder is in this workspace.
    let ends = || {
        let absolute = path.strip_prefix('/').filter(|_| inside.is_none())?;
        let starts = absolute.match_indices('/').map(|(at, _)| &absolute[at + 1..]);
        starts.filter(|end| end.contains('/')).find(|end| {
            let folder = end.rsplit_once('/').and_then(|(folder, _)| RelPath::new(folder));
            folder.is_some_and(|folder| folder.under(root).is_dir())
        })
    };
    let elsewhere = ends();
    let inside = inside.or(elsewhere);
    let wanted = RelPath::new(inside.unwrap_or(path).trim_start_matches('/'))?;
    let name = wanted.as_str().rsplit('/').next()?;
    let test = case.representative().test.file().rsplit_once('/').map_or("", |(folder, _)| folder);
    let code_folder = place.path.as_str().rsplit_once('/').map_or("", |(folder, _)| folder);
    let folders: Vec<String> =
        [code_folder, test, "tests", "src", "data", "tests/data", "resources", "fixtures", "tests/fixtures"]
            .iter()
            .flat_map(|folder| {
                std::iter::successors(Some(*folder), |folder| {
                    folder.rsplit_once('/').map(|(parent, _)| parent)
                })
                .map(str::to_owned)
            })
            .collect();
    for folder in &folders {
        for tail in [wanted.as_str(), name] {
            let candidate = RelPath::new(&format!("{folder}/{tail}"))
                .filter(|candidate| *candidate != wanted || inside.is_none());
            if let Some(candidate) = candidate.filter(|candidate| case.workspace.is_file(candidate)) {
                return Some(Near::Elsewhere(candidate));
            }
        }
    }
    let parent = wanted.as_str().rsplit_once('/').map_or("", |(parent, _)| parent);
    let folder = RelPath::new(parent).map_or_else(|| root.to_path_buf(), |parent| parent.under(root));
    let entries = std::fs::read_dir(folder).ok()?;
    let mut names: Vec<String> =
        entries.take(MAX_ENTRIES).filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    let (distance, best) = names
        .iter()
        .map(|other| (strsim::damerau_levenshtein(other, name), other))
        .min_by_key(|(distance, _)| *distance)?;
    let close = distance > 0 && distance * 4 <= name.chars().count().max(4);
    close.then(|| RelPath::new(&format!("{parent}/{best}")).map(Near::Similar)).flatten()
}
