//! `No module named …`: not installed, not on the import path, or misspelled.

use crate::diagnose::case::{Case, code, line_of};
use crate::diagnose::draft::TextEdit;
use crate::diagnose::rules::near::{loosely, near};
use crate::diagnose::rules::python_names::STDLIB_MODULES;
use crate::diagnose::rules::settings;
use crate::diagnose::rules::spot::{Spot, between, line};
use crate::diagnose::{Draft, Finding};
use crate::model::{Category, FixTarget, RelPath, Severity};
use crate::workspace::Workspace;
use crate::workspace::python::{Import, Span, StmtKind};

/// Distributions that are called otherwise than the module they bring.
const DISTRIBUTIONS: &[(&str, &str)] = &[
    ("yaml", "PyYAML"),
    ("PIL", "Pillow"),
    ("cv2", "opencv-python"),
    ("sklearn", "scikit-learn"),
    ("skimage", "scikit-image"),
    ("bs4", "beautifulsoup4"),
    ("dateutil", "python-dateutil"),
    ("dotenv", "python-dotenv"),
    ("jwt", "PyJWT"),
    ("OpenSSL", "pyOpenSSL"),
    ("Crypto", "pycryptodome"),
    ("serial", "pyserial"),
    ("usb", "pyusb"),
    ("MySQLdb", "mysqlclient"),
    ("psycopg2", "psycopg2-binary"),
    ("git", "GitPython"),
    ("github", "PyGithub"),
    ("docx", "python-docx"),
    ("pptx", "python-pptx"),
    ("magic", "python-magic"),
    ("slugify", "python-slugify"),
    ("multipart", "python-multipart"),
    ("jose", "python-jose"),
    ("ldap", "python-ldap"),
    ("telegram", "python-telegram-bot"),
    ("attr", "attrs"),
    ("pkg_resources", "setuptools"),
    ("google.protobuf", "protobuf"),
    ("zmq", "pyzmq"),
    ("win32api", "pywin32"),
    ("faiss", "faiss-cpu"),
    ("fitz", "PyMuPDF"),
    ("rest_framework", "djangorestframework"),
    ("environ", "django-environ"),
    ("corsheaders", "django-cors-headers"),
    ("flask_sqlalchemy", "Flask-SQLAlchemy"),
    ("requests_mock", "requests-mock"),
    ("factory", "factory-boy"),
    ("faker", "Faker"),
];

/// Modules of Python 2 and of earlier versions, and what there is instead.
const GONE: &[(&str, &str)] = &[
    ("ConfigParser", "configparser"),
    ("Queue", "queue"),
    ("cPickle", "pickle"),
    ("StringIO", "io"),
    ("urllib2", "urllib.request"),
    ("urlparse", "urllib.parse"),
    ("httplib", "http.client"),
    ("Tkinter", "tkinter"),
    ("imp", "importlib"),
    ("distutils", "setuptools"),
];

/// A module that cannot be found.
pub(super) fn missing_module(case: &Case<'_>) -> Option<Finding> {
    let exception =
        case.root().filter(|e| matches!(e.short_type(), "ModuleNotFoundError" | "ImportError"))?;
    let module = between(&exception.message, "No module named '", "'")?;
    if exception.message.contains("is not a package") {
        return None;
    }
    let top = module.split('.').next().unwrap_or(module);
    let spot = Spot::nearest(case)?;
    let import = spot.module().statement(spot.place.line).and_then(|stmt| match &stmt.kind {
        StmtKind::Import(all) => all.iter().find(|i| i.module.split('.').next() == Some(top)),
        _ => None,
    });
    let here = import.map_or_else(|| spot.place.clone(), |i| spot.place_of(i.module_span));
    let new = |confidence| {
        Finding::new("imports-missing", Category::ImportError, Severity::High, confidence)
            .shown(format!("{} imports {}", line_of(spot.place), code(module)), Some(&here))
    };
    if let Some((_, instead)) = GONE.iter().find(|(gone, _)| *gone == top) {
        return Some(
            new(0.9)
                .because(format!(
                    "{} imports {}, which this version of Python no longer has; {} replaces it",
                    line_of(spot.place),
                    code(module),
                    code(instead)
                ))
                .suggest(format!("Use `{instead}`"))
                .suspect(&here, 0.9, format!("`{top}` is gone")),
        );
    }
    if let Some(root) = root_of(&spot, top) {
        return of_project(&spot, import, module, &root, &here, &new);
    }
    let known = packages(spot.workspace);
    let others = STDLIB_MODULES.iter().map(|m| (*m).to_owned());
    if module == top
        && let Some(near) = near(top, known.into_iter().chain(others).map(|n| (n, ())))
            .filter(|n| n.is_certain && n.likeness >= 0.8)
        && !is_declared(spot.workspace, top)
    {
        let edit = import.map(|i| {
            let span = Span { start: i.module_span.start, end: i.module_span.start + top.len() as u32 };
            TextEdit::replace(&spot.place.path, span, near.name.clone())
        });
        let binds = import.is_some_and(|i| i.name.is_some() || i.alias.is_some());
        return Some(
            new(0.8)
                .because(format!(
                    "{} imports {}, which does not exist; {} is probably meant",
                    line_of(spot.place),
                    code(top),
                    code(&near.name)
                ))
                .suggest(format!("Import `{}`", near.name))
                .suspect(&here, 0.85, format!("`{}` exists", near.name))
                .mend(edit.filter(|_| binds).map(|edit| {
                    Draft::edits(
                        spot.target(),
                        format!("Change `{top}` to `{}` ({})", near.name, line_of(spot.place)),
                        "That module exists",
                        vec![edit],
                    )
                })),
        );
    }
    let distribution = DISTRIBUTIONS.iter().find(|(m, _)| *m == top || *m == module).map_or(top, |(_, d)| d);
    let declared = is_declared(spot.workspace, distribution);
    let called = if distribution == top {
        String::new()
    } else {
        format!(" (the distribution is called {})", code(distribution))
    };
    let state = if declared {
        "the project declares it, but it is not installed where the tests ran"
    } else {
        "it is neither part of the project nor installed where the tests ran, and the project does not declare it"
    };
    let confidence = if declared || distribution != top { 0.92 } else { 0.8 };
    Some(
        new(confidence)
            .because(format!("{} imports {}{called}: {state}", line_of(spot.place), code(module)))
            .suggest(if declared {
                format!("Install the project's requirements, among them `{distribution}`")
            } else {
                format!("Install `{distribution}` and declare it, or correct the import")
            })
            .suspect(&here, 0.8, format!("needs `{distribution}`"))
            .mend(Draft::command(
                FixTarget::Environment,
                format!("Install `{distribution}`"),
                format!("It brings the module `{top}`"),
                format!("python -m pip install {distribution}"),
            )),
    )
}

/// The folder of the project in which the module or package `top` lies; empty for the root.
fn root_of(spot: &Spot<'_>, top: &str) -> Option<String> {
    let mut found: Vec<String> = Vec::new();
    for file in spot.workspace.symbols().files() {
        let text = file.as_str();
        let folder = [format!("{top}/__init__.py"), format!("{top}.py")].iter().find_map(|end| {
            let before = text.strip_suffix(end.as_str())?;
            (before.is_empty() || before.ends_with('/')).then(|| before.trim_end_matches('/').to_owned())
        });
        found.extend(folder.filter(|f| *file != spot.place.path && !is_package(spot.workspace, f)));
    }
    found.sort_by_key(String::len);
    found.into_iter().next().or_else(|| namespace_root(spot, top))
}

/// Imports the module by its path from the root, where that is a chain of names.
fn by_full_name(spot: &Spot<'_>, import: Option<&Import>, root: &str) -> Option<Draft> {
    let import = import.filter(|i| i.level == 0 && (i.name.is_some() || i.alias.is_some()))?;
    // Folders of sources are on the path or ought to be; those of tests are packages of the root.
    let in_tests = crate::cluster::fingerprint::is_test_path(&format!("{root}/module.py"));
    let names = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_');
    if !in_tests || !root.split('/').all(names) {
        return None;
    }
    let prefix = format!("{}.", root.replace('/', "."));
    Some(Draft::edits(
        spot.target(),
        format!("Import it by its full name: `{prefix}{}` ({})", import.module, line_of(spot.place)),
        "It is found from the project's root",
        vec![TextEdit::insert(&spot.place.path, import.module_span.start, prefix)],
    ))
}

/// The folder in which a package without `__init__.py` lies: the root or a folder for sources.
fn namespace_root(spot: &Spot<'_>, top: &str) -> Option<String> {
    let files = spot.workspace.symbols().files();
    let holds = |folder: &str| {
        let prefix = if folder.is_empty() { format!("{top}/") } else { format!("{folder}/{top}/") };
        files.iter().any(|file| file.as_str().starts_with(&prefix))
    };
    ["", "src", "lib", "python"].into_iter().find(|folder| holds(folder)).map(str::to_owned)
}

fn is_package(workspace: &Workspace, folder: &str) -> bool {
    !folder.is_empty()
        && RelPath::new(&format!("{folder}/__init__.py")).is_some_and(|p| workspace.is_file(&p))
}

fn of_project(
    spot: &Spot<'_>,
    import: Option<&Import>,
    module: &str,
    root: &str,
    here: &crate::model::Place,
    new: &dyn Fn(f64) -> Finding,
) -> Option<Finding> {
    let top = module.split('.').next().unwrap_or(module);
    let prefix = if root.is_empty() { String::new() } else { format!("{root}/") };
    let relative = module.replace('.', "/");
    let exists = [format!("{prefix}{relative}.py"), format!("{prefix}{relative}/__init__.py")]
        .iter()
        .filter_map(|p| RelPath::new(p))
        .find(|p| spot.workspace.is_file(p));
    if let Some(file) = exists {
        let folder = if root.is_empty() { "." } else { root };
        return Some(
            new(0.9)
                .because(format!(
                    "{} imports {}, which is in {}, but {} was not on Python's import path",
                    line_of(spot.place),
                    code(module),
                    code(file.as_str()),
                    if root.is_empty() { "the project's root".to_owned() } else { code(root) }
                ))
                .suggest(format!("Set `pythonpath = [\"{folder}\"]` under `[tool.pytest.ini_options]`, or install the project: `python -m pip install -e .`"))
                .shown("the module is here", Some(&line(&file, 1)))
                .suspect(here, 0.7, format!("`{top}` cannot be found from here"))
                .mend(settings::add(spot.workspace, "pythonpath", folder).map(|edit| {
                    Draft::edits(
                        FixTarget::Config,
                        format!("Add `{folder}` to pytest's `pythonpath` ({})", edit.path.as_str()),
                        format!("`{top}` lies in {folder}"),
                        vec![edit],
                    )
                }))
                .mend(by_full_name(spot, import, root))
                .mend(Draft::advice(FixTarget::Config, format!("Add `pythonpath = [\"{folder}\"]` to pytest's settings"), format!("`{top}` lies in {folder}")))
                .mend(Draft::command(FixTarget::Environment, "Install the project in editable mode", format!("`{top}` is then importable from everywhere"), "python -m pip install -e .")),
        );
    }
    // A submodule that the package does not have.
    let (package, missing) = module.rsplit_once('.')?;
    let folder = format!("{prefix}{}/", package.replace('.', "/"));
    let siblings = spot.workspace.symbols().files().iter().filter_map(|f| {
        let name = f.as_str().strip_prefix(&folder)?;
        let name = name.split('/').next()?.trim_end_matches(".py");
        (name != "__init__").then(|| (name.to_owned(), ()))
    });
    let siblings: Vec<(String, ())> = siblings.collect();
    let near =
        near(missing, siblings.clone()).filter(|n| n.likeness >= 0.7).or_else(|| loosely(missing, &siblings));
    let import = import.filter(|i| *i.module == *module && i.level == 0);
    let Some(near) = near else {
        return Some(
            new(0.8)
                .because(format!(
                    "{} imports {}, but the package {} has no module {}",
                    line_of(spot.place),
                    code(module),
                    code(package),
                    code(missing)
                ))
                .suggest(format!("Create `{folder}{missing}.py`, or import what the package has"))
                .suspect(here, 0.8, format!("`{package}` has no `{missing}`")),
        );
    };
    let edit = import.map(|i| {
        let span = Span { start: i.module_span.end - missing.len() as u32, end: i.module_span.end };
        TextEdit::replace(&spot.place.path, span, near.name.clone())
    });
    let binds = import.is_some_and(|i| i.name.is_some() || i.alias.is_some());
    Some(
        new(0.92)
            .because(format!(
                "{} imports {}, but the package {} has no module {}; {} is probably meant",
                line_of(spot.place),
                code(module),
                code(package),
                code(missing),
                code(&near.name)
            ))
            .suggest(format!("Import `{package}.{}`", near.name))
            .suspect(here, 0.9, format!("`{package}` has `{}`", near.name))
            .mend(edit.filter(|_| binds).map(|edit| {
                Draft::edits(
                    spot.target(),
                    format!("Change `{missing}` to `{}` ({})", near.name, line_of(spot.place)),
                    format!("`{package}` has that module"),
                    vec![edit],
                )
            })),
    )
}

/// The names under which the project's own modules are imported.
fn packages(workspace: &Workspace) -> Vec<String> {
    let mut names: Vec<String> = workspace
        .symbols()
        .files()
        .iter()
        .filter_map(|f| {
            crate::diagnose::rules::names::variable::module_name(f.as_str())
                .split('.')
                .next()
                .map(str::to_owned)
        })
        .filter(|n| !matches!(n.as_str(), "tests" | "test" | "conftest" | "setup"))
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Whether a requirements file or the project's metadata name the distribution.
fn is_declared(workspace: &Workspace, distribution: &str) -> bool {
    let fold = |text: &str| text.to_lowercase().replace(['_', '.'], "-");
    let wanted = fold(distribution);
    let files = [
        "pyproject.toml",
        "requirements.txt",
        "requirements-dev.txt",
        "requirements-test.txt",
        "dev-requirements.txt",
        "test-requirements.txt",
        "setup.cfg",
        "setup.py",
        "Pipfile",
        "environment.yml",
    ];
    files.iter().filter_map(|f| workspace.source(&RelPath::new(f)?)).any(|source| {
        fold(source.text())
            .split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
            .any(|word| word == wanted)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::rules::testing::{Scene, scene};
    use crate::model::Phase;

    fn run(test: &str, module: &str) -> Scene {
        scene(
            &[
                ("source/shop/__init__.py", ""),
                ("source/shop/cart.py", "class Cart: ...\n"),
                ("requirements.txt", "requests>=2\npython-dateutil\n"),
                ("tests/test_it.py", test),
            ],
            &format!("ModuleNotFoundError: No module named '{module}'"),
            &[("tests/test_it.py", "import")],
        )
        .phase(Phase::Collect)
    }

    #[test]
    fn modules_that_are_not_found() {
        let (test, at) = ("tests/test_it.py", "tests/test_it.py:1");
        run("from shop.cart import Cart\n", "shop").check(
            missing_module,
            &["`source/shop/__init__.py`", "`source` was not on Python's import path"],
            at,
            None,
        );
        run("from shop.crat import Cart\n", "shop.crat").check(
            missing_module,
            &["no module `crat`", "`cart` is probably meant"],
            at,
            Some((test, "from shop.cart import Cart")),
        );
        run("import yaml\n", "yaml").check(
            missing_module,
            &["distribution is called `PyYAML`", "does not declare it"],
            at,
            None,
        );
        run("import requests\n", "requests").check(missing_module, &["the project declares it"], at, None);
        run("from dateutil import tz\n", "dateutil").check(
            missing_module,
            &["`python-dateutil`", "declares it"],
            at,
            None,
        );
        run("from colections import Counter\n", "colections").check(
            missing_module,
            &["`collections` is probably meant"],
            at,
            Some((test, "from collections import Counter")),
        );
        run("import ConfigParser\n", "ConfigParser").check(
            missing_module,
            &["`configparser` replaces it"],
            at,
            None,
        );
        scene(
            &[("a.py", "import x\n")],
            "ImportError: cannot import name 'x' from 'y'",
            &[("a.py", "import x")],
        )
        .silent(missing_module);
        scene(&[("a.py", "import x\n")], "ModuleNotFoundError: No module named 'x'", &[])
            .silent(missing_module);
    }
}
