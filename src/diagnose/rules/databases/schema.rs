//! The tables that a project's SQL makes.

use crate::diagnose::case::Case;
use crate::diagnose::rules::edits;
use crate::model::{Place, RelPath};
use crate::workspace::SourceFile;
use crate::workspace::python::Span;

/// Most files that are searched for the schema.
const MAX_FILES: usize = 400;

/// A table as a `CREATE TABLE` of the project defines it.
pub(super) struct Table {
    /// Its name.
    pub name: String,
    /// Columns, each with its whole declaration.
    pub columns: Vec<(String, String)>,
    /// Where it is made.
    pub place: Place,
}

/// Whether a text makes tables.
pub(super) fn is_schema(text: &str) -> bool {
    text.to_uppercase().contains("CREATE TABLE")
}

/// The tables that the project's SQL makes, in `.sql` files and in strings.
pub(super) fn tables(case: &Case<'_>) -> Vec<Table> {
    let mut found = Vec::new();
    let workspace = case.workspace;
    for path in workspace.symbols().files().iter().take(MAX_FILES) {
        let Some(text) = workspace.text(path).filter(|text| is_schema(text)) else { continue };
        let source = SourceFile::new(path.clone(), text);
        for span in edits::strings(&source) {
            read_tables(&source, span, &mut found);
        }
        // A schema that lies beside the code that reads it.
    }
    let mut folders: Vec<String> = Vec::new();
    for path in workspace.symbols().files().iter().take(MAX_FILES) {
        let folder = path.as_str().rsplit_once('/').map_or("", |(folder, _)| folder);
        for folder in [folder.to_owned(), format!("{folder}/migrations"), format!("{folder}/sql")] {
            if !folders.contains(&folder) {
                folders.push(folder);
            }
        }
    }
    for folder in folders {
        let on_disk = RelPath::new(&folder)
            .map_or_else(|| workspace.root().to_path_buf(), |f| f.under(workspace.root()));
        let Ok(entries) = std::fs::read_dir(on_disk) else { continue };
        let mut names: Vec<String> =
            entries.take(MAX_FILES).filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
        names.retain(|name| name.rsplit('.').next() == Some("sql"));
        names.sort();
        for name in names {
            let path = RelPath::new(format!("{folder}/{name}").trim_start_matches('/'));
            let Some(path) = path else { continue };
            let Some(text) = workspace.text(&path) else { continue };
            let end = text.len() as u32;
            let source = SourceFile::new(path, text);
            read_tables(&source, Span { start: 0, end }, &mut found);
        }
    }
    found
}

/// Reads `CREATE TABLE name (column type …, …)` within `span`.
fn read_tables(source: &SourceFile, span: Span, found: &mut Vec<Table>) {
    let text = span.of(source.text());
    let upper = text.to_ascii_uppercase();
    for (at, _) in upper.match_indices("CREATE TABLE") {
        let mut rest = text[at + "CREATE TABLE".len()..].trim_start();
        if rest.to_ascii_uppercase().starts_with("IF NOT EXISTS") {
            rest = rest["IF NOT EXISTS".len()..].trim_start();
        }
        let name: String = rest
            .trim_start_matches(['"', '`', '['])
            .chars()
            .take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '.'))
            .collect();
        let Some(open) = rest.find('(') else { continue };
        if name.is_empty() {
            continue;
        }
        let columns = crate::diagnose::expression::split_commas(closed(&rest[open + 1..]))
            .into_iter()
            .filter_map(|part| {
                let part = part.split_whitespace().collect::<Vec<_>>().join(" ");
                let column = part.split(' ').next()?.trim_matches(['"', '`', '[', ']']).to_owned();
                let is_rule = ["PRIMARY", "FOREIGN", "UNIQUE", "CHECK", "CONSTRAINT"]
                    .contains(&column.to_ascii_uppercase().as_str());
                (!is_rule && !column.is_empty()).then_some((column, part))
            })
            .collect();
        let start = span.start + at as u32;
        let mut place = source.place(Span { start, end: start + 12 });
        place.columns = None;
        let name = name.rsplit('.').next().unwrap_or(&name).to_owned();
        found.push(Table { name, columns, place });
    }
}

/// What stands before the parenthesis that closes.
fn closed(text: &str) -> &str {
    let mut depth = 0_u32;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' if depth == 0 => return &text[..at],
            ')' => depth -= 1,
            _ => {}
        }
    }
    text
}
