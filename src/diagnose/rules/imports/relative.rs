//! Relative imports that leave the package.

use crate::diagnose::Finding;
use crate::diagnose::case::{Case, code, line_of};
use crate::diagnose::draft::{Draft, TextEdit};
use crate::diagnose::rules::spot::Spot;
use crate::model::{Category, Severity};
use crate::workspace::python::{Span, StmtKind};

/// `attempted relative import beyond top-level package`, or `with no known parent package`.
pub(super) fn beyond(case: &Case<'_>) -> Option<Finding> {
    let exception = case.root().filter(|e| e.short_type() == "ImportError")?;
    let too_far = exception.message.contains("relative import beyond top-level package");
    let no_package = exception.message.contains("relative import with no known parent package");
    if !too_far && !no_package {
        return None;
    }
    let spot = Spot::nearest(case)?;
    let stmt = spot.module().statement(spot.place.line)?;
    let StmtKind::Import(imports) = &stmt.kind else { return None };
    let import = imports.first().filter(|import| import.level > 0)?;
    let dots = ".".repeat(import.level as usize);
    let written = format!("{dots}{}", import.module);
    let start = import.module_span.start.checked_sub(import.level)?;
    let at_dots =
        spot.source.text().get(start as usize..import.module_span.start as usize) == Some(dots.as_str());
    // The same module by its full name, or with fewer dots.
    let package =
        spot.place.path.as_str().rsplit_once('/').map_or("", |(folder, _)| folder).replace('/', ".");
    let absolute =
        spot.workspace.module_file(&spot.place.path, &import.module, 0).map(|_| import.module.to_string());
    let nearer = || {
        let inner = format!("{package}.{}", import.module);
        let file = spot.workspace.module_file(&spot.place.path, &inner, 0)?;
        (file != spot.place.path).then(|| if no_package { inner } else { format!(".{}", import.module) })
    };
    let right = absolute.filter(|name| !name.is_empty()).or_else(nearer);
    let why = if too_far {
        format!("goes {} folders up, further than the package `{package}` reaches", import.level)
    } else {
        "is relative, but the file is not imported as part of a package".to_owned()
    };
    let here = spot.place_of(import.module_span);
    let finding = Finding::new("imports-relative", Category::ImportError, Severity::High, 0.9)
        .because(format!("{} imports {}, which {why}", line_of(spot.place), code(&written)))
        .suggest(match &right {
            Some(right) => format!("Import `{right}`"),
            None => "Import it by its full name from the project's root".to_owned(),
        })
        .suspect(&here, 0.88, format!("`{written}` leaves the package"));
    Some(finding.mend(right.filter(|_| at_dots && !import.module.is_empty()).map(|right| {
        Draft::edits(
            spot.target(),
            format!("Change `{written}` to `{right}` ({})", line_of(spot.place)),
            "The module is found there",
            vec![TextEdit::replace(&spot.place.path, Span { start, end: import.module_span.end }, right)],
        )
    })))
}
