//! The labelled programs of `fixtures/causes`: how often the cause, the place and the fix are right, and how sure
//! the wrong ones are. Fails when the score falls below the table in `fixtures/causes/README.md`.
//!
//! Nothing runs here: what pytest said is captured, and whether a fix helps was recorded in `outcomes.txt` when
//! `causes.py score` tried it. A fix that is not in there counts as none.

#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::print_stdout, reason = "the score is the test's output")]

#[path = "support/causes.rs"]
mod causes;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use causes::{Program, Wanted};
use failscope::analysis::{Options, analyze};
use failscope::ingest;
use failscope::model::{Analysis, Cluster, Edit, Fix, FixKind, FixTarget};
use failscope::workspace::Workspace;
use sha2::{Digest, Sha256};

/// The inputs: name in the table, captured forms in order of preference, and of every second program.
const INPUTS: [(&str, [&str; 2], [&str; 2]); 2] = [
    ("plugin", ["events", "console"], ["events", "console"]),
    ("text", ["junit", "console"], ["console", "junit"]),
];
/// From here on a diagnosis that is wrong counts as confidently wrong.
const CONFIDENT: f64 = 0.7;
/// Bounds of the buckets of the calibration.
const BUCKETS: [f64; 6] = [0.0, 0.4, 0.55, 0.7, 0.85, 1.01];

/// The judgement of one program.
#[expect(clippy::struct_excessive_bools, reason = "each is a column of the table")]
struct Judged {
    place: bool,
    cause: bool,
    fix: bool,
    confidence: f64,
    /// The rule that spoke.
    rule: String,
    /// For near misses: nothing forbidden was said.
    silent: bool,
    line: String,
}

/// Numbers of one input and half.
#[derive(Default)]
struct Score {
    programs: usize,
    place: usize,
    cause: usize,
    fix: usize,
    wrong: usize,
    near: usize,
    silent: usize,
}

#[derive(Default)]
struct Tried {
    known: BTreeMap<(String, String), bool>,
    untried: BTreeMap<(String, String), BTreeMap<String, String>>,
}

impl Tried {
    fn read() -> Self {
        let text = std::fs::read_to_string(causes::folder().join("outcomes.txt")).unwrap_or_default();
        let row = |line: &str| {
            let mut words = line.split(' ').map(str::to_owned);
            Some(((words.next()?, words.next()?), words.next()? == "pass"))
        };
        Self { known: text.lines().filter_map(row).collect(), untried: BTreeMap::new() }
    }

    /// Whether the program's tests pass with `edits`; `false` if that is not known yet.
    fn passes(&mut self, program: &Program, edits: &[Edit]) -> bool {
        let Some(files) = applied(program, edits) else { return false };
        let mut hash = Sha256::new();
        for (path, text) in &files {
            hash.update(format!("{path}\0{}\0{text}\0", text.len()));
        }
        let key = (program.name.clone(), format!("{:x}", hash.finalize())[..16].to_owned());
        if let Some(&passes) = self.known.get(&key) {
            return passes;
        }
        self.untried.insert(key, files);
        false
    }

    fn write(&self) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/causes/untried.json");
        let items: Vec<_> = self
            .untried
            .iter()
            .map(|((program, hash), files)| serde_json::json!({"program": program, "hash": hash, "files": files}))
            .collect();
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, serde_json::to_string(&items).unwrap()).unwrap();
    }
}

/// The program's files with `edits` applied; `None` if one does not fit.
fn applied(program: &Program, edits: &[Edit]) -> Option<BTreeMap<String, String>> {
    let mut files = program.files.clone();
    let mut edits: Vec<&Edit> = edits.iter().collect();
    edits.sort_by_key(|edit| std::cmp::Reverse((edit.site.place.line, edit.site.place.columns)));
    for edit in edits {
        let place = &edit.site.place;
        let (start, end) = place.columns?;
        let text = files.entry(place.path.as_str().to_owned()).or_default();
        let from = offset(text, place.line, start)?;
        let to = offset(text, place.end_line, end)?;
        text.replace_range(from..to, &edit.new_text);
    }
    Some(files)
}

fn offset(text: &str, line: u32, column: u32) -> Option<usize> {
    let mut start = 0;
    for _ in 1..line {
        start += text[start..].find('\n')? + 1;
    }
    let rest = &text[start..];
    let chars = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
    chars.take(column as usize).last().map(|at| start + at)
}

fn analysis(program: &Program, results: &str) -> Option<Analysis> {
    let root = tempfile::tempdir().unwrap();
    program.write(root.path());
    let run = ingest::read(results.as_bytes(), "results", None, &ingest::ReadOptions::default()).ok()?;
    let workspace = Workspace::new(root.path(), Arc::default());
    Some(analyze(run, &workspace, &Options::default()))
}

fn says(text: &str, groups: &[Vec<String>]) -> bool {
    let text = text.to_lowercase();
    groups.iter().all(|group| group.iter().any(|word| text.contains(word.as_str())))
}

/// The analyses of all programs, two at a time.
fn analyses(
    programs: &[Program],
    text: &(dyn Fn(usize, &Program) -> String + Sync),
) -> Vec<Option<Analysis>> {
    let middle = programs.len() / 2;
    let part = |from: usize, to: usize| -> Vec<Option<Analysis>> {
        (from..to).map(|index| analysis(&programs[index], &text(index, &programs[index]))).collect()
    };
    std::thread::scope(|scope| {
        let first = scope.spawn(|| part(0, middle));
        let second = part(middle, programs.len());
        first.join().unwrap().into_iter().chain(second).collect()
    })
}

fn judge(program: &Program, analysis: Option<&Analysis>, tried: &mut Tried) -> Judged {
    let Some(cluster) = analysis.and_then(|analysis| analysis.clusters.first()) else {
        let line = format!("{}: no failure was read", program.name);
        let rule = String::new();
        return Judged { place: false, cause: false, fix: false, confidence: 0.0, rule, silent: true, line };
    };
    let diagnosis = &cluster.diagnosis;
    let first = cluster.culprits.first().map(|culprit| &culprit.site);
    let at = first.map(|site| format!("{}:{}", site.path, site.place.line)).unwrap_or_default();
    // A statement of several lines is its place whichever of its lines is named.
    let place = first.is_some_and(|site| {
        let path = site.path.as_str();
        (site.place.line..=site.place.end_line.max(site.place.line))
            .any(|line| program.places.contains(&format!("{path}:{line}")))
    });
    let cause = says(diagnosis.root_cause.as_str(), &program.cause);
    let titles: Vec<String> =
        cluster.fixes.iter().map(|fix| format!("{:?} {}", fix.kind, fix.title)).collect();
    let edits = titles.iter().filter(|title| title.starts_with("Edit")).map(String::as_str);
    let said: String =
        edits.chain([diagnosis.root_cause.as_str()]).collect::<Vec<_>>().join("\n").to_lowercase();
    let silent = !program.not.iter().any(|word| said.contains(word.as_str()));
    let fix = accepted(program, cluster, tried);
    let line = format!(
        "{} {} {} {}/{}: {:.2} {} @{at} (wanted {})\n      {}\n{}",
        mark(place, 'P'),
        mark(cause, 'C'),
        mark(fix, 'F'),
        program.family,
        program.name,
        diagnosis.confidence,
        diagnosis.source,
        program.places.join(" "),
        diagnosis.root_cause,
        titles.iter().fold(String::new(), |mut all, title| {
            let _ = writeln!(all, "      + {title}");
            all
        })
    );
    let rule = diagnosis.source.to_string();
    Judged { place, cause, fix, confidence: diagnosis.confidence, rule, silent, line }
}

fn mark(right: bool, letter: char) -> char {
    if right { letter } else { '-' }
}

fn accepted(program: &Program, cluster: &Cluster, tried: &mut Tried) -> bool {
    let words = match &program.fix {
        Wanted::Do(words) => words,
        wanted => {
            return cluster.fixes.iter().filter(|fix| fix.kind == FixKind::Edit).any(|fix| {
                let tests = fix.target == FixTarget::Test;
                let wanted = match wanted {
                    Wanted::Code => !tests,
                    Wanted::Test => tests,
                    _ => true,
                };
                // Every edit is tried, so that one that is not wanted here does not stay unknown.
                tried.passes(program, &fix.edits) && wanted
            });
        }
    };
    let said = |fix: &Fix| {
        let command = fix.command.as_ref().map(|command| command.as_str().to_owned()).unwrap_or_default();
        format!("{} {} {command}", fix.title, fix.rationale)
    };
    let by_edit =
        cluster.fixes.iter().any(|fix| fix.kind == FixKind::Edit && tried.passes(program, &fix.edits));
    by_edit || cluster.fixes.iter().any(|fix| says(&said(fix), std::slice::from_ref(words)))
}

/// The rows of the table in the README: input and half, then the numbers.
fn recorded() -> BTreeMap<(String, String), Vec<usize>> {
    let text = std::fs::read_to_string(causes::folder().join("README.md")).unwrap();
    text.lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.trim().trim_matches('|').split('|').map(str::trim).collect();
            let number = |cell: &&str| cell.split(' ').next().and_then(|number| number.parse().ok());
            let numbers: Vec<usize> = cells.iter().skip(2).filter_map(number).collect();
            (numbers.len() == 7).then(|| ((cells[0].to_owned(), cells[1].to_owned()), numbers))
        })
        .collect()
}

fn percent(part: usize, whole: usize) -> String {
    format!("{part} ({} %)", (part * 100 + whole / 2) / whole.max(1))
}

#[test]
fn score() {
    let programs = causes::programs();
    let mut tried = Tried::read();
    let mut scores: BTreeMap<(usize, &str), Score> = BTreeMap::new();
    let mut buckets: BTreeMap<(usize, &str), [(usize, usize); 5]> = BTreeMap::new();
    let mut details = String::new();
    // Of the development half by rule: how often it spoke, was right, and the sum of what it stated.
    let mut by_rule: BTreeMap<String, (usize, usize, f64)> = BTreeMap::new();
    for (rank, (input, even, odd)) in INPUTS.iter().enumerate() {
        let captured: BTreeMap<&str, BTreeMap<String, String>> =
            even.iter().chain(odd).map(|form| (*form, causes::captured(form))).collect();
        let text = |index: usize, program: &Program| {
            let forms = if index.is_multiple_of(2) { even } else { odd };
            let mut texts = forms.iter().filter_map(|form| captured[form].get(&program.name));
            texts.find(|text| text.trim().len() > 1).cloned().unwrap_or_default()
        };
        let analyses = analyses(&programs, &text);
        for (program, analysis) in programs.iter().zip(&analyses) {
            let half = if program.development() { "development" } else { "test" };
            let judged = judge(program, analysis.as_ref(), &mut tried);
            let score = scores.entry((rank, half)).or_default();
            if program.near() {
                score.near += 1;
                score.silent += usize::from(judged.silent);
                if !judged.silent && program.development() {
                    let _ = writeln!(details, "{input} NEAR {}", judged.line);
                }
                continue;
            }
            let right = judged.place && judged.cause;
            score.programs += 1;
            score.place += usize::from(judged.place);
            score.cause += usize::from(judged.cause);
            score.fix += usize::from(judged.fix);
            score.wrong += usize::from(!right && judged.confidence >= CONFIDENT);
            let bucket = BUCKETS.windows(2).position(|b| (b[0]..b[1]).contains(&judged.confidence)).unwrap();
            let bucket = &mut buckets.entry((rank, half)).or_default()[bucket];
            bucket.0 += 1;
            bucket.1 += usize::from(right);
            if program.development() {
                let _ = writeln!(details, "{input} {}", judged.line);
                let rule = by_rule.entry(judged.rule).or_default();
                *rule = (rule.0 + 1, rule.1 + usize::from(right), rule.2 + judged.confidence);
            }
        }
    }
    tried.write();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/causes");
    std::fs::write(folder.join("development.txt"), details).unwrap();
    let rules = by_rule.iter().fold(String::new(), |mut all, (rule, (spoke, right, stated))| {
        let _ = writeln!(all, "{rule}: {right} of {spoke} right, stated {:.2}", stated / *spoke as f64);
        all
    });
    std::fs::write(folder.join("rules.txt"), rules).unwrap();

    let mut table = String::from(
        "| input | half | programs | place right | cause right | fix accepted | confidently wrong | near misses | left alone |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    for ((rank, half), s) in &scores {
        let of = |part| percent(part, s.programs);
        let _ = writeln!(
            table,
            "| {} | {half} | {} | {} | {} | {} | {} | {} | {} |",
            INPUTS[*rank].0,
            s.programs,
            of(s.place),
            of(s.cause),
            of(s.fix),
            of(s.wrong),
            s.near,
            percent(s.silent, s.near),
        );
    }
    table.push_str("\n| input | half |");
    for bounds in BUCKETS.windows(2) {
        let _ = write!(table, " {:.2}–{:.2} |", bounds[0], bounds[1].min(1.0));
    }
    table.push_str("\n|---|---|---|---|---|---|---|\n");
    for ((rank, half), row) in &buckets {
        let cells: Vec<String> = row.iter().map(|(all, right)| format!("{right} of {all}")).collect();
        let _ = writeln!(table, "| {} | {half} | {} |", INPUTS[*rank].0, cells.join(" | "));
    }
    println!("{table}");
    std::fs::write(folder.join("table.md"), &table).unwrap();

    let recorded = recorded();
    let kept: BTreeSet<&str> = INPUTS.iter().map(|(input, ..)| *input).collect();
    assert_eq!(recorded.len(), kept.len() * 2, "the README's table has a row for each input and half");
    for ((rank, half), s) in &scores {
        let row = &recorded[&(INPUTS[*rank].0.to_owned(), (*half).to_owned())];
        let now = [s.programs, s.place, s.cause, s.fix, s.wrong, s.near, s.silent];
        for (index, (&now, &then)) in now.iter().zip(row).enumerate() {
            let fine = if index == 4 { now <= then } else { now >= then };
            assert!(fine, "{} {half}: column {} was {then}, is {now}", INPUTS[*rank].0, index + 1);
        }
    }
}

#[test]
fn the_set_is_large_and_its_labels_are_whole() {
    let programs = causes::programs();
    let near = programs.iter().filter(|program| program.near()).count();
    assert!(
        programs.len() - near >= 150 && near >= 60,
        "{} programs, {near} near misses",
        programs.len() - near
    );
    let names: BTreeSet<&str> = programs.iter().map(|program| program.name.as_str()).collect();
    assert_eq!(names.len(), programs.len(), "names are unique");
    for program in &programs {
        let whole = if program.near() {
            !program.not.is_empty()
        } else {
            !program.cause.is_empty() && !program.places.is_empty()
        };
        assert!(whole, "{} lacks a label", program.name);
        assert!(program.files.len() >= 2, "{} has one file only", program.name);
    }
    let halves = programs.iter().filter(|program| program.development()).count();
    assert!(
        halves * 5 > programs.len() * 2 && halves * 5 < programs.len() * 3,
        "{halves} of {}",
        programs.len()
    );
}
