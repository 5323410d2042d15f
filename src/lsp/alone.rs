//! A file that is opened without a workspace folder: which folder is looked at for it.

use std::path::{Path, PathBuf};

/// Files that stand in the top folder of a Python project.
const MARKERS: [&str; 7] =
    ["pyproject.toml", "pytest.ini", "tox.ini", "setup.cfg", "setup.py", ".failscope", ".git"];

/// The project around `file`: the nearest folder above it with a project's file, else the folder it is in. The
/// user's `home` and the top of the file system hold far more than a project and are never taken.
pub fn project(file: &Path, home: Option<&Path>) -> Option<PathBuf> {
    let is_possible = |folder: &Path| Some(folder) != home && folder.parent().is_some();
    let marked = |folder: &Path| MARKERS.iter().any(|marker| folder.join(marker).exists());
    let above = file.ancestors().skip(1).filter(|folder| is_possible(folder));
    let found = above.clone().find(|folder| marked(folder));
    found.or_else(|| file.parent().filter(|folder| is_possible(folder))).map(Path::to_path_buf)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn the_nearest_project_is_taken() {
        let top = tempfile::tempdir().unwrap();
        let home = top.path();
        for (path, is_folder) in [
            ("work/shop/pyproject.toml", false),
            ("work/shop/.git", true),
            ("work/shop/src", true),
            ("work/shop/tools/setup.py", false),
            ("loose", true),
        ] {
            let path = home.join(path);
            std::fs::create_dir_all(if is_folder { &path } else { path.parent().unwrap() }).unwrap();
            if !is_folder {
                std::fs::write(&path, "").unwrap();
            }
        }
        let rows = [
            ("work/shop/src/basket.py", Some("work/shop")),
            ("work/shop/conftest.py", Some("work/shop")),
            ("work/shop/tools/a/b.py", Some("work/shop/tools")),
            ("loose/test_it.py", Some("loose")),
            ("test_it.py", None),
        ];
        for (file, expected) in rows {
            let expected = expected.map(|folder| home.join(folder));
            assert_eq!(project(&home.join(file), Some(home)), expected, "{file}");
        }
        assert_eq!(project(Path::new("/test_it.py"), None), None);
    }
}
