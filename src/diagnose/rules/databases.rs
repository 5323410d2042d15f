//! SQL that the database refuses: tables and columns that it does not have, constraints, placeholders. Messages are
//! `SQLite`'s; those of `PostgreSQL` about missing tables and columns are read as well.

mod order;
mod schema;

pub(super) use order::order;

use std::sync::Arc;

use crate::diagnose::Finding;
use crate::diagnose::case::{Case, at, code, in_tests, line_of};
use crate::diagnose::draft::{Draft, TextEdit};
use crate::diagnose::rules::edits;
use crate::diagnose::rules::near::near;
use crate::diagnose::rules::spot::{between, target};
use crate::model::{Category, FixTarget, Place, Severity};
use crate::workspace::SourceFile;
use crate::workspace::python::{Expr, ExprKind, Span};
use schema::{Table, is_schema, tables};

/// An exception of a database driver.
pub(super) fn refused(case: &Case<'_>) -> Option<Finding> {
    let root = case.root()?;
    let known = ["OperationalError", "IntegrityError", "ProgrammingError", "InterfaceError", "DatabaseError"];
    let postgres = ["UndefinedTable", "UndefinedColumn"];
    if !known.contains(&root.short_type()) && !postgres.contains(&root.short_type()) {
        return None;
    }
    let message = root.message.lines().next()?.trim();
    let (_, place) = case.frame()?;
    let source = case.workspace.source(&place.path)?;
    let view = View { case, place, source: &source };
    let word = |before: &str| {
        let rest = message.split_once(before)?.1.trim_start_matches(['"', ' ']);
        let name = rest.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.'))).next()?;
        (!name.is_empty()).then(|| name.to_owned())
    };
    let postgres = |kind: &str| {
        let name = between(message, &format!("{kind} \""), "\"")?;
        message.contains("does not exist").then(|| name.to_owned())
    };
    if let Some(name) = word("no such table: ").or_else(|| postgres("relation")) {
        return Some(view.no_table(name.rsplit('.').next().unwrap_or(&name)));
    }
    if let Some(name) = word("no such column: ").or_else(|| postgres("column")) {
        return Some(view.no_column(name.rsplit('.').next().unwrap_or(&name), None));
    }
    if let Some((table, rest)) = message.split_once(" has no column named ") {
        return Some(view.no_column(rest.trim(), table.rsplit(' ').next()));
    }
    if let Some((kind, what)) = message.split_once(" constraint failed") {
        let what = what.trim_start_matches([':', ' ']);
        return Some(view.constraint(kind, what));
    }
    if message.starts_with("Incorrect number of bindings supplied") {
        return view.bindings(message);
    }
    if let Some(name) = message.strip_prefix("table ").and_then(|rest| rest.strip_suffix(" already exists")) {
        return Some(view.table_exists(name.trim_matches('"')));
    }
    if let Some((_, kind)) = message.split_once("Error binding parameter ")
        && let Some(kind) = between(kind, "type '", "'")
    {
        return Some(
            view.finding("database-type", 0.8)
                .because(format!(
                    "{} gives the database a {}, which SQLite cannot store, at {}",
                    at(place),
                    code(kind),
                    code(&view.statement())
                ))
                .suggest(format!(
                    "Convert the `{kind}` (e.g. to `str`), or register an adapter for it, at {}",
                    line_of(place)
                ))
                .suspect(place, 0.7, format!("passes a `{kind}`"))
                .mend(Draft::advice(
                    target(place),
                    format!("Convert the `{kind}` before it is stored, e.g. `str(…)` ({})", line_of(place)),
                    "SQLite stores numbers, text, bytes and `None`",
                )),
        );
    }
    if message.contains(": syntax error") {
        let near = between(message, "near \"", "\"").unwrap_or_default();
        return Some(
            view.finding("database-syntax", 0.75)
                .because(format!(
                    "The SQL that {} runs is not valid near {}: {}",
                    at(place),
                    code(near),
                    code(&view.sql().unwrap_or_else(|| view.statement()))
                ))
                .suggest(format!("Correct the SQL near {} at {}", code(near), line_of(place)))
                .suspect(place, 0.7, "runs the statement")
                .mend(Draft::advice(
                    target(place),
                    format!("Correct the SQL near {} ({})", code(near), line_of(place)),
                    "The database cannot parse it",
                )),
        );
    }
    if message.contains("closed database") || message.contains("closed cursor") {
        return Some(
            view.finding("database-closed", 0.75)
                .because(format!(
                    "{} uses a database connection that has been closed, at {}",
                    at(place),
                    code(&view.statement())
                ))
                .suggest("Keep the connection open until the last use, or open a new one")
                .suspect(place, 0.6, "uses the closed connection")
                .mend(Draft::advice(
                    target(place),
                    "Close the connection only after its last use",
                    "Nothing can be read or written after `close()`",
                )),
        );
    }
    if message.contains("unable to open database file") {
        return Some(
            view.finding("database-file", 0.8)
                .because(format!(
                    "{} cannot open its database file: the folder does not exist or cannot be written, at {}",
                    at(place),
                    code(&view.statement())
                ))
                .suggest(format!("Make the folder first, or use a file in `tmp_path`, at {}", line_of(place)))
                .suspect(place, 0.7, "opens the file")
                .mend(Draft::advice(
                    target(place),
                    "Make the folder of the database file first",
                    "SQLite makes the file but no folders",
                )),
        );
    }
    if message.contains("database is locked") {
        return Some(
            view.finding("database-locked", 0.6)
                .because(format!(
                    "{} finds the database locked: another connection has an open transaction, at {}",
                    at(place),
                    code(&view.statement())
                ))
                .suggest("Commit or close the other connection first")
                .suspect(place, 0.5, "waits for the lock"),
        );
    }
    None
}

struct View<'a, 'c> {
    case: &'a Case<'c>,
    place: &'a Place,
    source: &'a Arc<SourceFile>,
}

impl View<'_, '_> {
    fn finding(&self, rule: &'static str, confidence: f64) -> Finding {
        Finding::new(rule, Category::DataIssue, Severity::High, confidence)
            .shown(format!("{} ran {}", at(self.place), code(&self.statement())), Some(self.place))
    }

    fn statement(&self) -> String {
        let frame = self.case.frame();
        frame.and_then(|(frame, place)| self.case.statement(frame, place)).unwrap_or_default()
    }

    /// The string literals at the failing line; if there is none, those of the file that hold `word`.
    fn literals(&self, word: &str) -> Vec<Span> {
        let mut found = Vec::new();
        if let Some(stmt) = self.source.module().statement(self.place.line) {
            for expr in stmt.expressions() {
                expr.walk(&mut |part| {
                    if matches!(part.kind, ExprKind::Str(_) | ExprKind::FString(_)) {
                        found.push(part.span);
                    }
                });
            }
        }
        found.retain(|span| !edits::words(self.source, *span, word).is_empty());
        if found.is_empty() {
            found = edits::strings(self.source);
            found.retain(|span| {
                !is_schema(span.of(self.source.text())) && !edits::words(self.source, *span, word).is_empty()
            });
        }
        found
    }

    /// The SQL at the failing line, where it is a literal.
    fn sql(&self) -> Option<String> {
        let stmt = self.source.module().statement(self.place.line)?;
        let mut found = None;
        for expr in stmt.expressions() {
            expr.walk(&mut |part| {
                if let (None, ExprKind::Str(text)) = (&found, &part.kind) {
                    found = Some(text.to_string());
                }
            });
        }
        found
    }

    /// The edit that puts `right` for the only `wrong` of the SQL.
    fn rename(&self, wrong: &str, right: &str, why: String) -> Option<Draft> {
        let literals = self.literals(wrong);
        let [literal] = literals[..] else { return None };
        let changes: Vec<TextEdit> = edits::words(self.source, literal, wrong)
            .into_iter()
            .map(|span| TextEdit::replace(self.source.path(), span, right))
            .collect();
        let here = self.source.place(literal);
        let title = format!("Change `{wrong}` to `{right}` in the SQL ({})", line_of(&here));
        Some(Draft::edits(target(&here), title, why, changes))
    }

    #[expect(clippy::single_match_else, reason = "two cases of equal weight")]
    fn no_table(&self, name: &str) -> Finding {
        let tables = tables(self.case);
        if let Some(table) = tables.iter().find(|table| table.name == name) {
            let maker = table.place.function.as_deref().filter(|f| *f != "<module>");
            let how = maker.map_or_else(
                || format!("its schema ({})", line_of(&table.place)),
                |maker| format!("`{maker}` ({})", line_of(&table.place)),
            );
            let advice = format!("Run {how} on this connection before {}", at(self.place));
            return self.finding("database-schema-not-run", 0.8)
                .because(format!(
                    "{} uses the table {}, which does not exist in this database: {how} makes it and has not been run on this connection",
                    at(self.place),
                    code(name)
                ))
                .suggest(advice.clone())
                .suspect(self.place, 0.6, format!("uses `{name}` before it is made"))
                .suspect(&table.place, 0.5, format!("makes `{name}`"))
                .mend(Draft::advice(FixTarget::Code, advice, "Each new database begins empty, each `:memory:` connection too"));
        }
        let candidates = tables.iter().map(|table| (table.name.clone(), table.place.clone()));
        let near = near(name, candidates).filter(|near| near.likeness >= 0.6);
        let known: Vec<String> = tables.iter().map(|table| code(&table.name)).collect();
        let finding = |confidence| {
            self.finding("database-table", confidence).suspect(
                self.place,
                0.85,
                format!("there is no table `{name}`"),
            )
        };
        match near {
            Some(near) => finding(if near.is_certain { 0.92 } else { 0.75 })
                .because(format!(
                    "{} uses the table {} in its SQL, which does not exist; {} ({}) is {} meant",
                    at(self.place),
                    code(name),
                    code(&near.name),
                    line_of(&near.with),
                    if near.is_certain { "probably" } else { "perhaps" }
                ))
                .suggest(format!("Change `{name}` to `{}` in the SQL", near.name))
                .suspect(&near.with, 0.3, format!("makes the table `{}`", near.name))
                .mend(self.rename(name, &near.name, format!("The table `{}` exists", near.name))),
            None => {
                let which = if known.is_empty() {
                    "no `CREATE TABLE` of the project makes it".to_owned()
                } else {
                    format!("the project makes {}", known.join(", "))
                };
                finding(0.75)
                    .because(format!(
                        "{} uses the table {}, which does not exist; {which}",
                        at(self.place),
                        code(name)
                    ))
                    .suggest(format!(
                        "Create the table `{name}` first, or correct its name at {}",
                        line_of(self.place)
                    ))
                    .mend(Draft::advice(
                        FixTarget::Code,
                        format!("Create the table `{name}` before it is used (migrations, schema)"),
                        "The database has no such table",
                    ))
            }
        }
    }

    #[expect(clippy::single_match_else, reason = "two cases of equal weight")]
    fn no_column(&self, name: &str, table: Option<&str>) -> Finding {
        let tables = tables(self.case);
        let sql = self.sql().unwrap_or_default().to_lowercase();
        let mut used: Vec<&Table> = match table {
            Some(table) => tables.iter().filter(|t| t.name == table).collect(),
            None => tables.iter().filter(|t| has_word(&sql, &t.name.to_lowercase())).collect(),
        };
        if used.is_empty() {
            used = tables.iter().collect();
        }
        let candidates: Vec<(String, &Table)> =
            used.iter().flat_map(|t| t.columns.iter().map(|(column, _)| (column.clone(), *t))).collect();
        let finding = |confidence| {
            self.finding("database-column", confidence).suspect(
                self.place,
                0.85,
                format!("there is no column `{name}`"),
            )
        };
        // "name" in double quotes is a column for SQL, and a text for most people.
        if sql.contains(&format!("\"{}\"", name.to_lowercase())) && !candidates.iter().any(|(c, _)| c == name)
        {
            return finding(0.8)
                .because(format!(
                    "The SQL of {} has {} in double quotes: that is the name of a column, not a text",
                    at(self.place),
                    code(name)
                ))
                .suggest(format!("Use a placeholder for {} at {}", code(name), line_of(self.place)))
                .mend(Draft::advice(
                    target(self.place),
                    "Put the text in single quotes, or use a placeholder",
                    "Double quotes are for names in SQL",
                ));
        }
        let of = |t: &Table| format!("`{}` ({})", t.name, line_of(&t.place));
        match near(name, candidates.clone()).or_else(|| abbreviated(name, &candidates)) {
            Some(near) => finding(if near.is_certain { 0.92 } else { 0.75 })
                .because(format!(
                    "{} uses the column {} in its SQL, which the table {} does not have; {} is {} meant",
                    at(self.place),
                    code(name),
                    of(near.with),
                    code(&near.name),
                    if near.is_certain { "probably" } else { "perhaps" }
                ))
                .suggest(format!("Change `{name}` to `{}` in the SQL", near.name))
                .suspect(&near.with.place, 0.3, "the table's definition")
                .mend(self.rename(name, &near.name, format!("The table has the column `{}`", near.name))),
            None => {
                let which = match used.as_slice() {
                    [only] => format!(
                        "the table {} has {}",
                        of(only),
                        only.columns.iter().map(|(c, _)| code(c)).collect::<Vec<_>>().join(", ")
                    ),
                    _ => "no table of the project that it names has one".to_owned(),
                };
                finding(0.75)
                    .because(format!(
                        "{} uses the column {} in its SQL, which does not exist; {which}",
                        at(self.place),
                        code(name)
                    ))
                    .suggest(format!(
                        "Add the column `{name}` to the schema, or correct the SQL at {}",
                        line_of(self.place)
                    ))
                    .mend(Draft::advice(
                        FixTarget::Code,
                        format!("Add the column `{name}` to the schema, or use one that exists"),
                        "The table has no such column",
                    ))
            }
        }
    }

    fn constraint(&self, kind: &str, what: &str) -> Finding {
        let tables = tables(self.case);
        let (table, column) =
            what.split(',').next().unwrap_or(what).trim().split_once('.').unwrap_or((what, ""));
        let schema = tables.iter().find(|t| t.name == table);
        let declared = schema.and_then(|t| Some((t, t.columns.iter().find(|(name, _)| name == column)?)));
        let shown = declared.map_or_else(String::new, |(t, (_, text))| {
            format!(", declared as {} ({})", code(text), line_of(&t.place))
        });
        let (sentence, advice) = match kind.rsplit(' ').next().unwrap_or(kind) {
            "UNIQUE" | "KEY" => (
                format!(
                    "{} writes a row whose {} another row has already; it has to be unique{shown}",
                    at(self.place),
                    code(what)
                ),
                format!(
                    "Look for the row before inserting, or say `ON CONFLICT({column}) …` / `INSERT OR IGNORE`, at {}",
                    line_of(self.place)
                ),
            ),
            "NULL" => (
                format!(
                    "{} writes a row without a value for {}, which must not be empty (NOT NULL{shown})",
                    at(self.place),
                    code(what)
                ),
                format!(
                    "Give {} a value at {}, or a DEFAULT in the schema",
                    code(column),
                    line_of(self.place)
                ),
            ),
            "FOREIGN" => (
                format!(
                    "{} writes a row that refers to a row of another table which does not exist (foreign key)",
                    at(self.place)
                ),
                format!("Insert the row that is referred to before {}", line_of(self.place)),
            ),
            _ => (
                format!(
                    "{} writes a row that breaks the database's {kind} constraint {}{shown}",
                    at(self.place),
                    code(what)
                ),
                format!("Write values that the constraint allows at {}", line_of(self.place)),
            ),
        };
        let mut finding = self
            .finding("database-constraint", 0.8)
            .because(sentence)
            .suggest(advice.clone())
            .suspect(self.place, 0.7, "writes the row");
        if let Some((table, _)) = declared {
            finding = finding.suspect(&table.place, 0.3, "declares the constraint");
        }
        if let Some((_, test)) = self.case.test_frame().filter(|(_, test)| *test != self.place) {
            finding = finding.suspect(test, 0.3, "the call in the test");
        }
        if kind.ends_with("UNIQUE")
            && let Some(span) = self
                .literals("INSERT")
                .first()
                .and_then(|l| edits::words(self.source, *l, "INSERT").into_iter().next())
            && !in_tests(self.place)
        {
            finding = finding.mend(Draft::edits(
                target(self.place),
                format!(
                    "Replace the row that has the same {} (`INSERT OR REPLACE`, {})",
                    code(column),
                    line_of(self.place)
                ),
                "Only if a second row of the same key is meant to replace the first",
                vec![TextEdit::replace(self.source.path(), span, "INSERT OR REPLACE")],
            ));
        }
        finding.mend(Draft::advice(target(self.place), advice, "The database refuses the row"))
    }

    fn bindings(&self, message: &str) -> Option<Finding> {
        let wanted = between(message, "uses ", ",")?;
        let given = between(message, "there are ", " supplied")
            .or_else(|| between(message, "there is ", " supplied"))?;
        let call = self.execute();
        let values = call.and_then(|call| match &call.kind {
            ExprKind::Call { args, .. } => args.get(1),
            _ => None,
        });
        let mut finding = self
            .finding("database-placeholders", 0.92)
            .because(format!(
                "The SQL of {} has {wanted} placeholders, but {given} values are given{}",
                at(self.place),
                values.map_or_else(String::new, |v| format!(": {}", code(v.span.of(self.source.text()))))
            ))
            .suggest(format!("Give as many values as there are placeholders at {}", line_of(self.place)))
            .suspect(self.place, 0.9, "placeholders and values differ in number");
        if let Some(values) = values {
            match &values.kind {
                // `(name)` is no tuple, and a text is taken as its characters.
                ExprKind::Name(_) | ExprKind::Attribute { .. } | ExprKind::Str(_) | ExprKind::FString(_)
                    if wanted == "1" =>
                {
                    let text = values.span.of(self.source.text());
                    let closed = self
                        .source
                        .text()
                        .get(values.span.end as usize..)
                        .is_some_and(|t| t.starts_with(')'))
                        && self
                            .source
                            .text()
                            .get(..values.span.start as usize)
                            .is_some_and(|t| t.ends_with('('));
                    finding = finding
                        .because(format!(
                            "The SQL of {} has one placeholder, but {} is no tuple: each of its {given} characters counts as a value",
                            at(self.place),
                            code(&if closed { format!("({text})") } else { text.to_owned() })
                        ))
                        .mend(Draft::edits(
                            target(self.place),
                            format!("Make it a tuple of one: `({text},)` ({})", line_of(self.place)),
                            "A comma makes the tuple",
                            vec![if closed {
                                TextEdit::insert(self.source.path(), values.span.end, ",")
                            } else {
                                TextEdit::replace(self.source.path(), values.span, format!("({text},)"))
                            }],
                        ));
                }
                ExprKind::Tuple(items) | ExprKind::List(items) => {
                    finding = finding.mend(self.left_out(items, wanted));
                }
                _ => {}
            }
        }
        Some(finding.mend(Draft::advice(
            target(self.place),
            format!("Give {wanted} values ({})", line_of(self.place)),
            "Each `?` needs one",
        )))
    }

    /// Adds the parameters of the function that the values leave out, if that gives the right number.
    fn left_out(&self, items: &[Expr], wanted: &str) -> Option<Draft> {
        let module = self.source.module();
        let function = module.function(&module.enclosing_function(self.place.line)?.qualified_name)?;
        let mut used: Vec<&str> = Vec::new();
        for item in items {
            item.walk(&mut |part| used.extend(part.as_name()));
        }
        let missing: Vec<&str> = function
            .signature
            .params
            .iter()
            .map(|p| &*p.name)
            .filter(|name| {
                !matches!(*name, "self" | "cls" | "conn" | "connection" | "cursor" | "db")
                    && !used.contains(name)
            })
            .collect();
        let last = items.last()?;
        (items.len() + missing.len() == wanted.parse::<usize>().ok()? && !missing.is_empty()).then(|| {
            let names = missing.join(", ");
            Draft::edits(
                target(self.place),
                format!("Add `{names}` to the values ({})", line_of(self.place)),
                "It is a parameter that is not stored",
                vec![TextEdit::insert(self.source.path(), last.span.end, format!(", {names}"))],
            )
        })
    }

    /// The `execute(…)` at the line.
    fn execute(&self) -> Option<&Expr> {
        let stmt = self.source.module().statement(self.place.line)?;
        let mut found = None;
        for expr in stmt.expressions() {
            expr.walk(&mut |part| {
                if let ExprKind::Call { func, .. } = &part.kind
                    && let ExprKind::Attribute { attr, .. } = &func.kind
                    && matches!(&**attr, "execute" | "executemany")
                {
                    found = Some(part);
                }
            });
        }
        found
    }

    fn table_exists(&self, name: &str) -> Finding {
        let spans = self.literals(name);
        let mut draft = None;
        if let [literal] = spans[..] {
            let text = literal.of(self.source.text());
            let upper = text.to_uppercase();
            let found = upper.match_indices("CREATE TABLE").find(|(at, _)| {
                let rest = text[at + 12..].trim_start().trim_start_matches(['"', '`']);
                rest.starts_with(name)
            });
            if let (Some((at, _)), true) = (found, upper.len() == text.len()) {
                let end = literal.start + at as u32 + 12;
                draft = Some(Draft::edits(
                    target(self.place),
                    format!("Write `CREATE TABLE IF NOT EXISTS {name}` ({})", line_of(self.place)),
                    "The table may be there already",
                    vec![TextEdit::insert(self.source.path(), end, " IF NOT EXISTS")],
                ));
            }
        }
        self.finding("database-table-exists", 0.85)
            .because(format!(
                "{} creates the table {}, which the database has already: it runs twice on the same database",
                at(self.place),
                code(name)
            ))
            .suggest(format!(
                "Write `CREATE TABLE IF NOT EXISTS {name}` at {}, or give each test a database of its own",
                line_of(self.place)
            ))
            .suspect(self.place, 0.75, "creates the table")
            .mend(draft)
    }
}

fn abbreviated<'t>(
    name: &str,
    candidates: &[(String, &'t Table)],
) -> Option<crate::diagnose::rules::near::Near<&'t Table>> {
    let short = |a: &str, b: &str| {
        let mut rest = b.chars();
        a.len() >= 2
            && a.len() < b.len()
            && a.chars().next() == b.chars().next()
            && a.chars().all(|c| rest.any(|d| c == d))
    };
    let mut fits = candidates.iter().filter(|(other, _)| short(name, other) || short(other, name));
    let (Some((other, table)), None) = (fits.next(), fits.next()) else { return None };
    Some(crate::diagnose::rules::near::Near {
        name: other.clone(),
        with: table,
        likeness: 0.6,
        is_certain: false,
    })
}

fn has_word(text: &str, word: &str) -> bool {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|part| part == word)
}
