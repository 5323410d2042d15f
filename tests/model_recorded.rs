//! What real small models have answered (`fixtures/models/`), read, looked up and shown: with every answer about every
//! cause of a real run, nothing is shown that is not there.
#![expect(clippy::unwrap_used, reason = "tests")]

#[expect(dead_code, reason = "made for several test programs")]
#[path = "support/project.rs"]
mod project;
#[expect(dead_code, reason = "made for several test programs")]
#[path = "support/scripted.rs"]
mod scripted;

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use failscope::diagnose::agents::answer;
use failscope::front::model::{self, Standing};
use failscope::model::{Cluster, Source, Told};
use failscope::system::System;
use failscope::workspace::{Config, Workspace};
use failscope::{analysis, front};
use project::Project;
use scripted::{Scripted, choice};
use tokio_util::sync::CancellationToken;

/// An answer as a server gave it.
struct Recorded {
    /// Where it stands.
    name: String,
    /// Whether the server held the model to the schema.
    to_schema: bool,
    /// Whether it ended by itself.
    whole: bool,
    text: String,
}

fn recorded() -> Vec<Recorded> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/models");
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|end| end != "jsonl") {
            continue;
        }
        for (index, line) in std::fs::read_to_string(&path).unwrap().lines().enumerate() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            all.push(Recorded {
                name: format!("{}:{}", path.file_name().unwrap().display(), index + 1),
                to_schema: line["format"] == "json_schema",
                whole: line["finish"] == "stop",
                text: line["content"].as_str().unwrap().to_owned(),
            });
        }
    }
    assert!(all.iter().any(|one| one.to_schema) && all.iter().any(|one| !one.to_schema));
    all
}

#[test]
fn what_obeys_the_schema_is_read_and_no_part_of_an_answer_is_too_odd_to_read() {
    for one in recorded() {
        let read = answer::read(&one.text);
        if one.to_schema && one.whole {
            let json: serde_json::Value = serde_json::from_str(&one.text).unwrap();
            let cause = json["root_cause"].as_str().unwrap().trim();
            // An empty cause is no answer.
            assert_eq!(read.map(|read| read.root_cause).unwrap_or_default().trim(), cause, "{}", one.name);
        }
        for (at, _) in one.text.char_indices().step_by(7) {
            let _ = answer::read(&one.text[..at]);
            let _ = answer::read(&one.text[at..]);
        }
    }
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The texts of the project's files, and everything that was sent, with lines of source as they are.
fn material(project: &Project, model: &Scripted) -> String {
    let mut all = String::new();
    let mut folders = vec![project.path("")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(text) = std::fs::read_to_string(&path) {
                all = all + &text + "\n";
            }
        }
    }
    for request in model.asked.lock().unwrap().iter() {
        for line in request.user.as_str().lines() {
            let numbered = line.split_once('|').filter(|(number, _)| number.trim().parse::<u32>().is_ok());
            let bare = numbered.map_or(line, |(_, rest)| rest);
            all = all + line + "\n" + bare + "\n";
        }
    }
    squeezed(&all)
}

/// What of the model's diagnosis of `cluster` is not in `material`.
fn unfounded(cluster: &Cluster, material: &str, words: &HashSet<&str>, root: &Path) -> Vec<String> {
    let diagnosis = &cluster.diagnosis;
    let mut unfounded = Vec::new();
    for item in &diagnosis.evidence {
        // What the rules know stays beside what a model cites.
        let of_rules = cluster
            .offline
            .as_ref()
            .is_some_and(|old| old.diagnosis.evidence.iter().any(|known| known.text == item.text));
        if !of_rules && !material.contains(&squeezed(item.text.as_str())) {
            unfounded.push(format!("evidence: {}", item.text));
        }
    }
    for quoted in diagnosis.root_cause.as_str().split('`').skip(1).step_by(2) {
        for word in quoted.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|w| !w.is_empty()) {
            if !words.contains(word) {
                unfounded.push(format!("name: {word}"));
            }
        }
    }
    for culprit in &cluster.culprits {
        let place = &culprit.site.place;
        let lines = std::fs::read_to_string(root.join(place.path.as_str())).map_or(0, |t| t.lines().count());
        if place.line == 0 || place.line as usize > lines.max(1) {
            unfounded.push(format!("place: {}:{}", place.path.as_str(), place.line));
        }
    }
    unfounded
}

#[tokio::test]
async fn about_every_cause_only_what_is_there_is_shown() {
    let (mut shown, mut kept) = (0, 0);
    for one in recorded() {
        let project = Project::with_results();
        let root = project.path("");
        let state = ("XDG_STATE_HOME".to_owned(), project.path("state").display().to_string());
        let system = System::fixed(SystemTime::UNIX_EPOCH, [state], root.clone());
        let config = Config::default();
        let workspace = Arc::new(Workspace::new(root.clone(), Arc::new(config.clone())));
        let results = front::read(&root, &project.path("results.xml")).unwrap();
        let run = front::gather(vec![results], Vec::new());
        let options = front::analysis_options(&root, &config, &system);
        let mut analysis = analysis::analyze(run, &workspace, &options);

        let text = one.text.clone();
        let model = Arc::new(Scripted::new(move |_, _| Ok(text.clone())));
        let choice = choice(&model);
        model::recall(&mut analysis, &Standing::Ready(choice.clone()), &workspace, &root, &config);
        let agents = model::agents(&choice, workspace, &analysis.redactor, &root, &config);
        let cancel = CancellationToken::new();
        model::ask(&mut analysis, &choice, agents, &config, &system, &cancel, |_, _| {}).await;
        // Answers in the cache would vouch for themselves.
        let _ = std::fs::remove_dir_all(project.path(".failscope"));
        // The critic is sent the analyzer's answer, which is no evidence.
        model.asked.lock().unwrap().retain(|request| !request.user.as_str().contains("<<<D1 "));
        let material = material(&project, &model);
        let words: HashSet<&str> = material
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .filter(|word| !word.is_empty())
            .collect();

        for cluster in &analysis.clusters {
            // What is not there would be found.
            let mut invented = cluster.clone();
            invented.diagnosis.root_cause = analysis.redactor.text("`frobnicate_twice` is called");
            assert!(!unfounded(&invented, &material, &words, &root).is_empty());
            let told = analysis.model.told.get(&cluster.fingerprint);
            assert!(matches!(told, Some(Told::Answered { .. })), "{}: {told:?}", one.name);
            if matches!(cluster.diagnosis.source, Source::Model(..)) {
                shown += 1;
                let unfounded = unfounded(cluster, &material, &words, &root);
                assert!(unfounded.is_empty(), "{}: {unfounded:?} in {:#?}", one.name, cluster.diagnosis);
            } else {
                kept += 1;
                let says_why = |note: &failscope::model::Redacted| {
                    ["The offline diagnosis stands: ", "No model analysis: "]
                        .iter()
                        .any(|how| note.as_str().starts_with(how))
                };
                assert!(
                    cluster.diagnosis.notes.iter().any(says_why),
                    "{}: {:#?}",
                    one.name,
                    cluster.diagnosis
                );
            }
        }
    }
    assert!(kept > shown, "of answers that are mostly about something else {shown} are shown, {kept} not");
}
