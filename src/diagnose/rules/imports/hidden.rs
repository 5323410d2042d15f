//! Modules that stand in the way of others: a file with the name of a standard module or of a package, and two
//! test files with one name.

use crate::diagnose::case::{Case, code, line_of};
use crate::diagnose::rules::python_names::STDLIB_MODULES;
use crate::diagnose::rules::spot::{Spot, between, line};
use crate::diagnose::{Draft, Finding};
use crate::model::{Category, FixTarget, RelPath, Severity};

/// `'x' is not a package`: a file `x.py` is found before the package `x`, or there is no such package at all.
pub(super) fn not_a_package(case: &Case<'_>) -> Option<Finding> {
    let exception =
        case.root().filter(|e| matches!(e.short_type(), "ModuleNotFoundError" | "ImportError"))?;
    let wanted = between(&exception.message, "No module named '", "'")?;
    let module = between(&exception.message, "; '", "' is not a package")?;
    let spot = Spot::nearest(case);
    let from = spot.as_ref().map_or_else(|| RelPath::new("conftest.py"), |s| Some(s.place.path.clone()))?;
    if STDLIB_MODULES.contains(&module)
        && let Some(file) = own_file(case, &from, module, None)
    {
        return Some(shadows(&file, module, spot.as_ref()));
    }
    let file = case.workspace.module_file(&from, module, 0).filter(|file| is_module(file, module))?;
    let folder = file.as_str().strip_suffix(".py")?;
    let inner = wanted.strip_prefix(module)?.trim_start_matches('.');
    let beside = format!("{folder}/{}", inner.replace('.', "/"));
    let index = case.workspace.index();
    let package = index.files().iter().find(|path| {
        let below = path.as_str().strip_prefix(beside.as_str());
        below.is_some_and(|rest| rest == ".py" || rest.starts_with('/'))
    });
    let finding = Finding::new("imports-not-a-package", Category::ImportError, Severity::High, 0.92);
    let finding = match package {
        Some(package) => finding
            .because(format!(
                "{} is imported as {}, so that {} in the folder {} of the same name is out of reach",
                code(file.as_str()),
                code(module),
                code(package.as_str()),
                code(folder)
            ))
            .suggest(format!(
                "Rename {}, or give the folder an `__init__.py` and move the code there",
                code(file.as_str())
            ))
            .shown(format!("the folder's {}", code(package.as_str())), Some(&line(package, 1))),
        None => finding
            .because(format!(
                "{} is a single file, not a package: there is no {} in it to import",
                code(file.as_str()),
                code(wanted)
            ))
            .suggest(format!("Import from `{module}` itself, or make it a package with `{inner}` in it")),
    };
    let finding = match &spot {
        Some(spot) => finding
            .shown(format!("{} imports {}", line_of(spot.place), code(wanted)), Some(spot.place))
            .suspect(spot.place, 0.8, format!("imports `{wanted}`")),
        None => finding,
    };
    Some(finding.suspect(&line(&file, 1), 0.6, format!("is what `{module}` means")))
}

/// A file of the project that is imported instead of the standard module of the same name.
pub(super) fn shadowed(case: &Case<'_>) -> Option<Finding> {
    let exception = case.root()?;
    let message = &exception.message;
    let module = match exception.short_type() {
        "ImportError" => between(message, "cannot import name ", " (")
            .and_then(|text| between(text, "from '", "'"))
            .or_else(|| between(message, "partially initialized module '", "'"))?,
        "AttributeError" => between(message, "module '", "' has no attribute")?,
        _ => return None,
    };
    let top = module.split('.').next().unwrap_or(module);
    if !STDLIB_MODULES.contains(&top) {
        return None;
    }
    let told = message.split(['(', '\'']).find_map(|part| {
        let path = part.split([')', '\'']).next()?;
        path.ends_with(&format!("{top}.py")).then_some(path)
    });
    let spot = Spot::nearest(case);
    let from = spot.as_ref().map_or_else(|| RelPath::new("conftest.py"), |s| Some(s.place.path.clone()))?;
    let file = own_file(case, &from, top, told)?;
    Some(shadows(&file, top, spot.as_ref()))
}

/// The file of the project that `import module` finds: the one that the message names, or else the one that
/// would be found from `from`.
fn own_file(case: &Case<'_>, from: &RelPath, module: &str, told: Option<&str>) -> Option<RelPath> {
    let found = match told {
        Some(path) => case.workspace.resolve(path, None)?,
        None => case.workspace.module_file(from, module, 0)?,
    };
    (is_module(&found, module) && case.workspace.is_project(&found)).then_some(found)
}

fn is_module(file: &RelPath, module: &str) -> bool {
    let name = module.rsplit('.').next().unwrap_or(module);
    file.as_str().rsplit('/').next().and_then(|last| last.strip_suffix(".py")) == Some(name)
}

fn shadows(file: &RelPath, module: &str, spot: Option<&Spot<'_>>) -> Finding {
    let place = line(file, 1);
    let mut finding = Finding::new("imports-shadowed", Category::ImportError, Severity::High, 0.95)
        .because(format!(
            "{} hides the standard module {}: whoever imports it gets the project's file",
            code(file.as_str()),
            code(module)
        ))
        .suggest(format!("Rename {} and what imports it", code(file.as_str())))
        .shown(format!("{} is found first", code(file.as_str())), Some(&place))
        .suspect(&place, 0.95, format!("has the name of the standard module `{module}`"));
    if let Some(spot) = spot.filter(|spot| spot.place.path != *file) {
        finding = finding.suspect(spot.place, 0.3, format!("needs the standard `{module}`"));
    }
    finding.mend(Draft::advice(
        FixTarget::Code,
        format!("Rename {}", file.as_str()),
        format!("The standard module `{module}` can be imported again"),
    ))
}

/// `import file mismatch`: two test files of one name in folders that are no packages.
pub(super) fn same_name(case: &Case<'_>) -> Option<Finding> {
    let message = &case.last()?.message;
    if !message.trim_start().starts_with("import file mismatch:") {
        return None;
    }
    let module = between(message, "imported module '", "'")?;
    let after = |label: &str| {
        let mut lines = message.lines().map(str::trim).skip_while(|line| !line.starts_with(label)).skip(1);
        lines.find(|line| !line.is_empty()).and_then(|path| case.workspace.resolve(path, None))
    };
    let first = after("imported module '")?;
    let second = after("which is not the same as")?;
    let place = line(&second, 1);
    if first == second {
        return Some(
            Finding::new("imports-same-name", Category::EnvIssue, Severity::High, 0.8)
                .because(format!(
                    "Python knows {} from another place than {}: from an old compiled file or another copy of the project",
                    code(module),
                    code(second.as_str())
                ))
                .suggest("Remove the `__pycache__` folders and `.pyc` files, and install the project with `pip install -e .`")
                .suspect(&place, 0.6, "is not the file that was imported"),
        );
    }
    let folder = |path: &RelPath| path.as_str().rsplit_once('/').map_or(".", |(folder, _)| folder).to_owned();
    Some(
        Finding::new("imports-same-name", Category::ImportError, Severity::High, 0.97)
            .because(format!(
                "{} and {} are both the module {}: their folders are no packages, so only one of them can be imported",
                code(first.as_str()),
                code(second.as_str()),
                code(module)
            ))
            .suggest(format!(
                "Give `{}` and `{}` an `__init__.py` each, rename one of the files, or set `--import-mode=importlib`",
                folder(&first),
                folder(&second)
            ))
            .shown(format!("{} was imported first", code(first.as_str())), Some(&line(&first, 1)))
            .suspect(&place, 0.9, format!("has the same module name as {}", first.as_str()))
            .suspect(&line(&first, 1), 0.6, "was imported first")
            .mend(Draft::advice(
                FixTarget::Config,
                "Add `--import-mode=importlib` to pytest's `addopts`",
                "Test files need no unique names in that mode",
            )),
    )
}

#[cfg(test)]
mod tests {
    use super::{not_a_package, same_name, shadowed};
    use crate::diagnose::rules::testing::scene;
    use crate::model::Phase;

    #[test]
    fn files_that_hide_others() {
        let test = "import random\nfrom tools.helpers import y\n\ndef test_it():\n    assert random.choice([1]) == 1\n";
        let files = [
            ("tests/test_it.py", test),
            ("random.py", "def pick(x): ...\n"),
            ("tools.py", "x = 1\n"),
            ("shop/json.py", "x = 1\n"),
            ("shop/__init__.py", ""),
        ];
        let choice = "AttributeError: module 'random' has no attribute 'choice'";
        scene(&files, choice, &[("tests/test_it.py", "random.choice")]).check(
            shadowed,
            &["`random.py` hides the standard module `random`"],
            "random.py:1",
            None,
        );
        let newer = "AttributeError: module 'random' has no attribute 'choice' (consider renaming '/no/such/folder/random.py' since it has the same name as the standard library module named 'random' and prevents importing that standard library module)";
        scene(&files[..3], newer, &[("tests/test_it.py", "random.choice")]).check(
            shadowed,
            &["hides"],
            "random.py:1",
            None,
        );
        let name = "ImportError: cannot import name 'Random' from 'random' (/no/such/folder/random.py)";
        scene(&files, name, &[]).check(shadowed, &["hides"], "random.py:1", None);
        let inner = "ModuleNotFoundError: No module named 'tools.helpers'; 'tools' is not a package";
        scene(&files, inner, &[("tests/test_it.py", "tools.helpers")]).phase(Phase::Collect).check(
            not_a_package,
            &["`tools.py` is a single file"],
            "tests/test_it.py:2",
            None,
        );
        let standard = "ModuleNotFoundError: No module named 'random.seed'; 'random' is not a package";
        scene(&files, standard, &[]).check(
            not_a_package,
            &["hides the standard module"],
            "random.py:1",
            None,
        );

        // Near misses: a module inside of a package is not in the way; the standard module itself; another module.
        let json = "AttributeError: module 'json' has no attribute 'parse'";
        scene(&files, json, &[("tests/test_it.py", "random.choice")]).silent(shadowed);
        let installed = "ImportError: cannot import name 'x' from 'random' (/usr/lib/python3.11/random.py)";
        scene(&files[..1], installed, &[("tests/test_it.py", "import random")]).silent(shadowed);
        let tools = "AttributeError: module 'tools' has no attribute 'z'";
        scene(&files, tools, &[("tests/test_it.py", "tools.helpers")]).silent(shadowed);
        let foreign = "ModuleNotFoundError: No module named 'yaml.x'; 'yaml' is not a package";
        scene(&files, foreign, &[("tests/test_it.py", "tools.helpers")]).silent(not_a_package);
    }

    #[test]
    fn two_files_of_one_name() {
        let files = [("a/test_x.py", "def test_a(): ...\n"), ("b/test_x.py", "def test_b(): ...\n")];
        // As pytest 9.2 prints it.
        let told = |first: &str, second: &str| {
            format!(
                "Failed: import file mismatch:\nimported module 'test_x' has this __file__ attribute:\n  {first}\nwhich is not the same as the test file we want to collect:\n  {second}\nHINT: remove __pycache__ / .pyc files and/or use a unique basename for your test file modules"
            )
        };
        let check =
            |first: &str, second: &str| scene(&files, &told(first, second), &[]).phase(Phase::Collect);
        check("/no/such/folder/a/test_x.py", "/no/such/folder/b/test_x.py").check(
            same_name,
            &["`a/test_x.py` and `b/test_x.py`", "`test_x`"],
            "b/test_x.py:1",
            None,
        );
        check("/no/such/folder/./b/test_x.py", "/no/such/folder/b/test_x.py").check(
            same_name,
            &["another place"],
            "b/test_x.py:1",
            None,
        );
        scene(&files, "Failed: import of the file", &[]).silent(same_name);
    }
}
