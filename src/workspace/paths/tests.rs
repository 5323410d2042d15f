#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use super::*;
use crate::workspace::Config;

/// A workspace in a temporary folder called `shop` with these files, each holding its own path.
fn workspace(files: &[&str], mappings: &[(&str, &str)]) -> (tempfile::TempDir, Workspace) {
    let parent = tempfile::tempdir().unwrap();
    let root = parent.path().join("shop");
    for file in files {
        let path = root.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, file.rsplit("site-packages/").next().unwrap()).unwrap();
    }
    std::fs::create_dir_all(&root).unwrap();
    let path_mappings = mappings.iter().map(|&(a, b)| (a.to_owned(), b.to_owned())).collect();
    let config = Config { path_mappings, ..Config::default() };
    let workspace = Workspace::new(root, Arc::new(config));
    (parent, workspace)
}

fn check(workspace: &Workspace, raw: &str, run_root: Option<&str>, expected: Option<&str>) {
    for _ in 0..2 {
        let found = workspace.resolve(raw, run_root);
        assert_eq!(found.as_ref().map(RelPath::as_str), expected, "{raw} of a run in {run_root:?}");
    }
}

#[test]
fn paths_of_other_machines_map_by_their_ends() {
    let (_parent, workspace) = workspace(
        &[
            "tests/test_cart.py",
            "tests/unit/test_tax.py",
            "tests/Größe test.py",
            "src/shop/cart.py",
            "src/shop/json/decoder.py",
            "conftest.py",
            "backend/tests/test_cart.py",
            "backend/api/views.py",
            "frontend/api/views.py",
            ".venv/pyvenv.cfg",
            ".venv/lib/python3.11/site-packages/requests/api.py",
            "myenv/pyvenv.cfg",
            "myenv/tool/run.py",
        ],
        &[],
    );
    let none = None;
    for (raw, run_root, expected) in [
        // Relative to the workspace or the run's root.
        ("tests/test_cart.py", none, Some("tests/test_cart.py")),
        (r"tests\test_cart.py", none, Some("tests/test_cart.py")),
        ("./tests/../tests/test_cart.py", none, Some("tests/test_cart.py")),
        ("tests/test_cart.py", Some("/app"), Some("tests/test_cart.py")),
        ("tests/test_cart.py", Some("/ci/repo/backend"), Some("backend/tests/test_cart.py")),
        ("tests/test_cart.py", Some(r"D:\a\repo\Backend"), Some("backend/tests/test_cart.py")),
        ("unit/test_tax.py", none, Some("tests/unit/test_tax.py")),
        ("test_tax.py", Some("/app/tests/unit"), Some("tests/unit/test_tax.py")),
        ("../src/shop/cart.py", none, Some("src/shop/cart.py")),
        ("../src/shop/cart.py", Some("/app/tests"), Some("src/shop/cart.py")),
        ("shop/tests/unit/test_tax.py", none, Some("tests/unit/test_tax.py")),
        ("shop/conftest.py", none, Some("conftest.py")),
        ("tests/Größe test.py", none, Some("tests/Größe test.py")),
        // Absolute on another machine.
        ("/app/src/shop/cart.py", Some("/app"), Some("src/shop/cart.py")),
        ("/app/shop/cart.py", none, Some("src/shop/cart.py")),
        ("/app/conftest.py", none, Some("conftest.py")),
        ("/app/conftest.py", Some("/app"), Some("conftest.py")),
        (r"C:\Users\me\Shop\SRC\shop\Cart.py", none, Some("src/shop/cart.py")),
        ("c:/agent/_work/1/s/src/shop/cart.py", Some(r"C:\agent\_work\1\s"), Some("src/shop/cart.py")),
        (r"\\build\share\shop\tests\unit\test_tax.py", none, Some("tests/unit/test_tax.py")),
        (r"\\?\C:\x\tests\unit\test_tax.py", none, Some("tests/unit/test_tax.py")),
        ("file:///app/tests/Gr%C3%B6%C3%9Fe%20test.py", none, Some("tests/Größe test.py")),
        ("file:///C:/x/tests/unit/test_tax.py", none, Some("tests/unit/test_tax.py")),
        ("file://server/x/tests/unit/test_tax.py", none, Some("tests/unit/test_tax.py")),
        // Nothing here is meant.
        ("/app/SRC/shop/cart.py", none, None),
        ("/app/api/views.py", none, None),
        ("/app/other/cart.py", none, None),
        ("pkg/conftest.py", none, None),
        ("gone/unit/test_tax.py", Some("/app"), None),
        ("/usr/lib/python3.11/json/decoder.py", none, None),
        ("/home/x/.pyenv/versions/3.12.1/lib/python3.12/json/decoder.py", none, None),
        (r"C:\Python311\Lib\json\decoder.py", none, None),
        (r"C:\hostedtoolcache\windows\Python\3.11.4\x64\Lib\json\decoder.py", none, None),
        ("/opt/venv/lib/python3.11/site-packages/shop/json/decoder.pyx", none, None),
        ("<frozen importlib._bootstrap>", none, None),
        ("<string>", none, None),
        ("", none, None),
        ("/", none, None),
        ("..", none, None),
        ("C:", none, None),
        ("tests", none, None),
        ("\0", none, None),
    ] {
        check(&workspace, raw, run_root, expected);
    }
    let literal = ".venv/lib/python3.11/site-packages/requests/api.py";
    check(&workspace, literal, none, Some(literal));
    let here = workspace.root().to_str().unwrap().to_owned();
    check(&workspace, &format!("{here}/src/shop/cart.py"), none, Some("src/shop/cart.py"));
    check(
        &workspace,
        "tests/test_cart.py",
        Some(&format!("{here}/backend")),
        Some("backend/tests/test_cart.py"),
    );
    check(&workspace, "backend/api/views.py", Some(&format!("{here}/backend")), Some("backend/api/views.py"));
    check(&workspace, &format!("{here}/new/src/shop/cart.py"), none, None);
}

#[test]
fn an_installed_copy_of_the_project_is_the_project() {
    let (_parent, workspace) = workspace(
        &[
            "src/shop/cart.py",
            "src/shop/tax.py",
            ".tox/py/lib/python3.11/site-packages/shop/cart.py",
            ".tox/py/lib/python3.11/site-packages/shop/tax.py",
            "vendor/requests/api.py",
        ],
        &[],
    );
    std::fs::write(workspace.root().join("src/shop/cart.py"), "shop/cart.py").unwrap();
    let tox = ".tox/py/lib/python3.11/site-packages";
    check(&workspace, &format!("{tox}/shop/cart.py"), None, Some("src/shop/cart.py"));
    // Not the same text: an old copy.
    check(&workspace, &format!("{tox}/shop/tax.py"), None, Some(&format!("{tox}/shop/tax.py")));
    check(&workspace, "/venv/lib/python3.9/site-packages/shop/tax.py", None, Some("src/shop/tax.py"));
    check(&workspace, "/venv/lib/python3.9/site-packages/requests/api.py", None, None);
}

#[test]
fn mappings_come_first_and_the_longest_wins() {
    let (_parent, workspace) = workspace(
        &["src/a.py", "backend/a.py", "tests/a.py", "backend/tests/test_b.py"],
        &[
            ("/app", "backend"),
            ("/app/code", "src/"),
            (r"C:\build", "tests"),
            ("unit", "backend/tests"),
            ("", "x"),
        ],
    );
    for (raw, run_root, expected) in [
        ("/app/a.py", None, Some("backend/a.py")),
        ("/app/code/a.py", None, Some("src/a.py")),
        ("code/a.py", Some("/app"), Some("src/a.py")),
        (r"c:\BUILD\a.py", None, Some("tests/a.py")),
        ("unit/test_b.py", None, Some("backend/tests/test_b.py")),
        ("/apple/a.py", None, None),
    ] {
        check(&workspace, raw, run_root, expected);
    }
    let absolute = workspace.root().join("src");
    let config = Config {
        path_mappings: vec![("/srv".to_owned(), absolute.to_str().unwrap().to_owned())],
        ..Config::default()
    };
    check(&workspace.with_config(Arc::new(config)), "/srv/a.py", None, Some("src/a.py"));
}

#[cfg(unix)]
#[test]
fn symbolic_links_to_the_root_and_within_are_followed() {
    let (parent, real) = workspace(&["src/shop/cart.py"], &[]);
    let link = parent.path().join("link");
    std::os::unix::fs::symlink(real.root(), &link).unwrap();
    std::os::unix::fs::symlink(real.root().join("src/shop"), real.root().join("shop")).unwrap();
    let linked = Workspace::new(link.clone(), Arc::new(Config::default()));
    let root = real.root().to_str().unwrap();
    check(&linked, &format!("{root}/src/shop/cart.py"), None, Some("src/shop/cart.py"));
    check(&linked, &format!("{}/src/shop/cart.py", link.display()), None, Some("src/shop/cart.py"));
    check(&real, &format!("{}/src/shop/cart.py", link.display()), None, Some("src/shop/cart.py"));
    check(&real, "shop/cart.py", None, Some("shop/cart.py"));
}

#[test]
fn unsaved_new_files_are_found() {
    let (_parent, workspace) = workspace(&[], &[]);
    let path = RelPath::new("tests/test_new.py").unwrap();
    let workspace = workspace.with_overlay([(path, Arc::from("x = 1"))].into());
    check(&workspace, "tests/test_new.py", None, Some("tests/test_new.py"));
}

#[test]
fn what_is_the_projects_own_code() {
    let (_parent, workspace) = workspace(&["myenv/pyvenv.cfg", "myenv/tool/run.py", "env/run.py"], &[]);
    for (path, expected) in [
        ("src/shop/cart.py", true),
        ("tests/test_a.py", true),
        ("env/run.py", true),
        ("lib/shop/a.py", true),
        ("build/scripts/make.py", true),
        (".github/scripts/release.py", true),
        ("src/_pytest/python.py", true),
        ("python/lib/tool.py", true),
        ("Python311/Lib/json/decoder.py", false),
        ("myenv/tool/run.py", false),
        (".venv/lib/python3.11/site-packages/a/b.py", false),
        ("vendor/site-packages/b.py", false),
        ("usr/lib/python3/dist-packages/b.py", false),
        (".tox/py311/lib/a.py", false),
        (".nox/tests/tmp/a.py", false),
        ("build/lib/shop/cart.py", false),
        ("build/lib.linux-x86_64-cpython-311/shop/cart.py", false),
        ("shop.egg-info/a.py", false),
        ("dist/shop-1.0-py3.11.egg/shop/a.py", false),
        ("opt/lib/python3.13t/json/decoder.py", false),
        ("proto/shop_pb2.py", false),
        ("node_modules/node-gyp/gyp/gyp_main.py", false),
    ] {
        assert_eq!(workspace.is_project(&RelPath::new(path).unwrap()), expected, "{path}");
    }
}

#[test]
fn the_index_leaves_environments_out_and_keeps_the_rest() {
    let (_parent, workspace) = workspace(
        &[
            "a.py",
            ".gitignore",
            "ignored/b.py",
            "myenv/pyvenv.cfg",
            "myenv/c.py",
            ".hidden/d.py",
            "build/lib/e.py",
        ],
        &[],
    );
    std::fs::write(workspace.root().join(".gitignore"), "ignored/\n").unwrap();
    let mut files: Vec<&str> = workspace.index().files().iter().map(RelPath::as_str).collect();
    files.sort_unstable();
    assert_eq!(files, [".gitignore", "a.py", "ignored/b.py"]);
}

#[test]
fn suffixes_with_ties_and_letter_case() {
    let mut index = FileIndex::default();
    for path in ["a/x.py", "b/x.py", "x.py", "c/Y.py", "c/y.py", "d/e/f.py", "e/f.py", "g/g/h.py"] {
        index.add(RelPath::new(path).unwrap());
    }
    for (parts, ignore_case, expected) in [
        (&["q", "x.py"][..], false, Some(("x.py", 1, true))),
        (&["q", "a", "x.py"], false, Some(("a/x.py", 2, true))),
        (&["c", "Y.py"], true, Some(("c/Y.py", 2, true))),
        (&["c", "y.py"], false, Some(("c/y.py", 2, true))),
        (&["C", "Y.PY"], true, None),
        (&["e", "f.py"], false, Some(("e/f.py", 2, true))),
        (&["d", "e", "f.py"], false, Some(("d/e/f.py", 3, true))),
        (&["D", "E", "F.py"], false, None),
        (&["D", "E", "F.py"], true, Some(("d/e/f.py", 3, true))),
        (&["f.py"], false, None),
        (&["g", "h.py"], false, Some(("g/g/h.py", 2, false))),
        (&[], false, None),
    ] {
        let found = index.longest_suffix(parts, ignore_case);
        assert_eq!(found.map(|s| (s.path.as_str(), s.parts, s.is_whole)), expected, "{parts:?}");
    }
    assert_eq!(FileIndex::default().longest_suffix(&["a.py"], true), None);
}
