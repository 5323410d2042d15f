//! Paths of result files to files of the workspace: results may come from another machine, container or
//! platform. A path maps by `pathMappings` first, then literally or relative to the run's root, then by the
//! longest end that it shares with a file of the workspace.

pub mod index;
mod raw;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use super::Workspace;
use crate::model::RelPath;
pub use index::FileIndex;
use raw::RawPath;

/// See [`Workspace::resolve`]; without its memory.
pub fn resolve(workspace: &Workspace, raw: &str, run_root: Option<&str>) -> Option<RelPath> {
    let raw = RawPath::parse(raw)?;
    let run_root = run_root.and_then(RawPath::parse).filter(|root| root.is_absolute);
    Resolver { workspace, ignore_case: raw.is_windows || run_root.as_ref().is_some_and(|r| r.is_windows) }
        .resolve(&raw, run_root.as_ref())
}

struct Resolver<'a> {
    workspace: &'a Workspace,
    ignore_case: bool,
}

impl Resolver<'_> {
    fn resolve(&self, raw: &RawPath, run_root: Option<&RawPath>) -> Option<RelPath> {
        let full = match run_root {
            Some(root) if !raw.is_absolute => raw.joined_to(root),
            _ => raw.clone(),
        };
        if let Some(mapped) = self.mapped(raw).or_else(|| self.mapped(&full)) {
            return Some(mapped);
        }
        let literal = self.literal(&full);
        if let Some(installed) = full.after_site_packages() {
            let source = self.source_of_installed(installed, literal.as_ref());
            return source.or(literal);
        }
        if literal.is_some() {
            return literal;
        }
        if full.is_installed() || (raw.is_absolute && self.is_here(raw)) {
            return None;
        }
        let within_run = run_root.and_then(|root| full.below(root, self.ignore_case));
        // What is relative to some folder of the run, if it is.
        let relative = match &within_run {
            Some(below) => Some(below.clone()),
            None if !raw.is_absolute => Some(raw.parts.iter().map(String::as_str).collect()),
            None => None,
        };
        let direct = relative.as_ref().and_then(|parts| self.existing(&parts.join("/")));
        let length = relative.as_ref().map_or(usize::MAX, Vec::len);
        if direct.is_some() && !full.is_absolute {
            return direct;
        }
        let parts: Vec<&str> = full.parts.iter().map(String::as_str).collect();
        let Some(found) = self.workspace.index().longest_suffix(&parts, self.ignore_case) else {
            return direct;
        };
        if direct.is_some() {
            // More than the path within the run is shared: the workspace holds several projects with like
            // files, and this is the one that ran.
            return if found.parts > length { Some(found.path.clone()) } else { direct };
        }
        let is_enough = match relative {
            // All of the relative path, or else the workspace is a folder of what ran.
            Some(_) => {
                found.parts >= length || (found.is_whole && self.is_below_run(&parts, found.parts, run_root))
            }
            None => found.parts >= 2 || (found.is_whole && run_root.is_none()),
        };
        is_enough.then(|| found.path.clone())
    }

    /// Whether an absolute path lies in this very workspace.
    fn is_here(&self, raw: &RawPath) -> bool {
        self.workspace.roots().iter().any(|root| {
            let root = root.to_str().and_then(RawPath::parse);
            root.is_some_and(|root| raw.below(&root, cfg!(windows)).is_some())
        })
    }

    /// Whether the workspace may be a folder of the run: it is not the run's root itself or around it, and
    /// more than a file's name is shared, or else the name of the workspace's folder too.
    fn is_below_run(&self, parts: &[&str], shared: usize, run_root: Option<&RawPath>) -> bool {
        if run_root.is_some_and(|root| {
            self.is_here(root)
                || self.workspace.roots().iter().any(|here| {
                    here.to_str().and_then(RawPath::parse).is_some_and(|here| here.parts == root.parts)
                })
        }) {
            return false;
        }
        let folder = parts.len().checked_sub(shared + 1).and_then(|at| parts.get(at));
        let root = self.workspace.root().file_name().and_then(|name| name.to_str());
        shared >= 2 || root.is_some_and(|root| folder == Some(&root))
    }

    /// By `pathMappings`, the longest prefix first.
    fn mapped(&self, raw: &RawPath) -> Option<RelPath> {
        let mut found: Vec<(usize, String)> = Vec::new();
        for (from, to) in &self.workspace.config().path_mappings {
            let Some(from) = RawPath::parse(from) else { continue };
            if from.is_absolute != raw.is_absolute {
                continue;
            }
            if let Some(below) = raw.below(&from, from.is_windows || self.ignore_case) {
                found.push((
                    from.parts.len(),
                    format!("{}/{}", to.trim_end_matches(['/', '\\']), below.join("/")),
                ));
            }
        }
        found.sort_by_key(|&(length, _)| std::cmp::Reverse(length));
        found.iter().find_map(|(_, text)| self.literal(&RawPath::parse(text)?))
    }

    /// A path of this machine, or relative to the workspace, that is a file here.
    fn literal(&self, raw: &RawPath) -> Option<RelPath> {
        if !raw.is_absolute {
            return (raw.climbs == 0).then(|| self.existing(&raw.parts.join("/"))).flatten();
        }
        for root in self.workspace.roots() {
            let root = RawPath::parse(root.to_str()?)?;
            if let Some(below) = raw.below(&root, cfg!(windows)) {
                return self.existing(&below.join("/"));
            }
        }
        // A symbolic link on the way to the file. Names of other machines mostly don't exist here.
        let path = PathBuf::from(raw.native()?);
        let real = path.canonicalize().ok()?;
        let below = real.strip_prefix(self.workspace.roots().last()?).ok()?.to_str()?.to_owned();
        self.existing(&below)
    }

    fn existing(&self, relative: &str) -> Option<RelPath> {
        let path = RelPath::new(relative)?;
        self.workspace.is_file(&path).then_some(path)
    }

    /// The project's own file of which `installed` (the path below `site-packages`) is a copy: the project was
    /// installed to be tested, as tox does. A `literal` file of the workspace must have the same text.
    fn source_of_installed(&self, installed: &[String], literal: Option<&RelPath>) -> Option<RelPath> {
        if installed.len() < 2 {
            return None;
        }
        let relative = installed.join("/");
        let source = ["", "src/", "lib/", "python/"]
            .iter()
            .find_map(|folder| self.existing(&format!("{folder}{relative}")))?;
        let same = literal.is_none_or(|literal| {
            let texts = [literal, &source].map(|path| self.workspace.source(path));
            matches!(texts, [Some(a), Some(b)] if a.text() == b.text())
        });
        same.then_some(source)
    }
}

/// Folders that hold no code of the project, whatever lies around them.
const FOREIGN_FOLDERS: &[&str] = &[
    "site-packages",
    "dist-packages",
    "node_modules",
    "__pycache__",
    "__pypackages__",
    "bower_components",
    ".tox",
    ".nox",
    ".venv",
    ".eggs",
    ".git",
    ".hg",
    ".svn",
    ".direnv",
    ".pixi",
    ".conda",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".failscope",
];

/// Whether `path` can be the project's own code by its name: not installed, generated or a tool's. See
/// [`Workspace::is_project`], which also knows the virtual environments.
pub fn is_project(path: &RelPath) -> bool {
    let text = path.as_str();
    if text.contains(['<', '>']) || text.ends_with("_pb2.py") || text.ends_with("_pb2_grpc.py") {
        return false;
    }
    let parts: Vec<&str> = text.split('/').collect();
    let (_, folders) = parts.split_last().unwrap_or((&"", &[]));
    !folders.iter().any(|folder| is_foreign_name(folder))
        && !folders
            .windows(2)
            .any(|pair| is_generated_pair(pair[0], pair[1]) || is_stdlib_pair(pair[0], pair[1]))
}

pub(super) fn is_foreign_name(folder: &str) -> bool {
    FOREIGN_FOLDERS.contains(&folder)
        || [".egg-info", ".dist-info", ".egg"].iter().any(|end| folder.ends_with(end))
}

/// `build/lib`, `build/bdist.…`, `build/temp.…`: what setuptools makes.
fn is_generated_pair(parent: &str, folder: &str) -> bool {
    parent == "build"
        && (folder == "lib"
            || ["lib.", "bdist.", "temp.", "__editable__"].iter().any(|p| folder.starts_with(p)))
}

/// `lib/python3.11`, `Python311\Lib`, `Python/3.11.4/x64/Lib` and the like.
fn is_stdlib_pair(parent: &str, folder: &str) -> bool {
    let is_version = |rest: &str| {
        rest.bytes().any(|b| b.is_ascii_digit())
            && rest.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b't' | b'-'))
    };
    let is_python = |name: &str| {
        ["python", "pypy"].iter().any(|p| {
            name.get(..p.len()).is_some_and(|start| start.eq_ignore_ascii_case(p))
                && is_version(&name[p.len()..])
        })
    };
    (matches!(parent, "lib" | "lib64" | "Lib") && is_python(folder))
        || (folder == "Lib" && (is_python(parent) || matches!(parent, "x64" | "x86" | "arm64")))
}

/// Whether a walk over the workspace leaves `folder` out: hidden, installed, generated, or a virtual
/// environment under any name.
pub(super) fn is_skipped_folder(folder: &Path) -> bool {
    let name = folder.file_name().and_then(|n| n.to_str()).unwrap_or("");
    let parent = folder.parent().and_then(Path::file_name).and_then(|n| n.to_str()).unwrap_or("");
    name.starts_with('.')
        || is_foreign_name(name)
        || is_generated_pair(parent, name)
        || is_virtual_environment(folder)
}

/// Whether `folder` is a virtual environment (has a `pyvenv.cfg`) or a conda environment.
pub(super) fn is_virtual_environment(folder: &Path) -> bool {
    folder.join("pyvenv.cfg").is_file() || folder.join("conda-meta").is_dir()
}
