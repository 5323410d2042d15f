//! Modules of the standard library that the replay runs as Python of its own. They know less than the real ones and
//! end the replay (`__unknown__()`) where they do not know; their lines are no part of the program.

use std::sync::{Arc, LazyLock};

use crate::model::RelPath;
use crate::workspace::SourceFile;

/// The folder of the modules; no project can have one of this name.
const FOLDER: &str = "<library>";

const TEXTS: &[(&str, &str)] = &[
    ("argparse", include_str!("library/argparse.py")),
    ("asyncio", include_str!("library/asyncio.py")),
    ("bisect", include_str!("library/bisect.py")),
    ("calendar", include_str!("library/calendar.py")),
    ("collections", include_str!("library/collections.py")),
    ("concurrent.futures", include_str!("library/concurrent.futures.py")),
    ("configparser", include_str!("library/configparser.py")),
    ("contextlib", include_str!("library/contextlib.py")),
    ("csv", include_str!("library/csv.py")),
    ("datetime", include_str!("library/datetime.py")),
    ("decimal", include_str!("library/decimal.py")),
    ("fractions", include_str!("library/fractions.py")),
    ("functools", include_str!("library/functools.py")),
    ("heapq", include_str!("library/heapq.py")),
    ("html", include_str!("library/html.py")),
    ("io", include_str!("library/io.py")),
    ("itertools", include_str!("library/itertools.py")),
    ("logging", include_str!("library/logging.py")),
    ("os", include_str!("library/os.py")),
    ("os.path", include_str!("library/os.path.py")),
    ("pathlib", include_str!("library/pathlib.py")),
    ("queue", include_str!("library/queue.py")),
    ("shlex", include_str!("library/shlex.py")),
    ("statistics", include_str!("library/statistics.py")),
    ("string", include_str!("library/string.py")),
    ("tempfile", include_str!("library/tempfile.py")),
    ("textwrap", include_str!("library/textwrap.py")),
    ("threading", include_str!("library/threading.py")),
    ("types", include_str!("library/types.py")),
    ("unittest.mock", include_str!("library/mock.py")),
    ("urllib.parse", include_str!("library/urllib.parse.py")),
    ("warnings", include_str!("library/warnings.py")),
];

/// The modules, each parsed when it is first run.
static MODULES: LazyLock<Vec<(&str, Arc<SourceFile>)>> = LazyLock::new(|| {
    let made = |&(name, text): &(&'static str, &'static str)| {
        let path = RelPath::new(&format!("{FOLDER}/{name}.py"))?;
        Some((name, Arc::new(SourceFile::new(path, text.into()))))
    };
    TEXTS.iter().filter_map(made).collect()
});

/// The module called `name`.
pub(super) fn module(name: &str) -> Option<Arc<SourceFile>> {
    MODULES.iter().find(|(known, _)| *known == name).map(|(_, source)| Arc::clone(source))
}

/// Whether the file is one of these modules.
pub(super) fn is_part(path: &RelPath) -> bool {
    path.as_str().starts_with(FOLDER)
}

/// The name of the module in the file at `path`.
pub(super) fn name_of(path: &RelPath) -> Option<&str> {
    path.as_str().strip_prefix(FOLDER)?.strip_prefix('/')?.strip_suffix(".py")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_module_is_python() {
        assert_eq!(MODULES.len(), TEXTS.len());
        for (name, source) in MODULES.iter() {
            assert!(source.module().errors().is_empty(), "{name}");
            assert_eq!(name_of(source.path()), Some(*name));
        }
    }
}
