//! The whole program with a provider that does odd things: always a report, always a reason in the terminal and in every
//! report, never the key, never without end.
#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "../support/models/mod.rs"]
mod models;
#[expect(dead_code, reason = "made for several test programs")]
#[path = "../support/project.rs"]
mod project;
#[path = "../support/python.rs"]
mod python;
mod rows;

use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt as _, StreamExt as _};
use models::vendor::KEY;
use models::{Server, Vendor, answer};
use project::Project;
use rows::{Expect, Row, says};
use serde_json::{Value as Json, json};

/// What a run of the program left.
struct Done {
    project: Project,
    code: Option<i32>,
    terminal: String,
    errors: String,
}

impl Done {
    /// The only finding of the report.
    fn finding(&self) -> Json {
        let analyses = self.project.report()["analyses"].clone();
        assert_eq!(analyses.as_array().map(Vec::len), Some(1), "{}", self.errors);
        analyses[0].clone()
    }

    fn model(&self) -> Json {
        self.project.report()["run"]["model"].clone()
    }

    /// The words of the page.
    fn page(&self) -> String {
        let page = scraper::Html::parse_document(&self.project.read(".failscope/rca_report.html"));
        words(&page.root_element().text().collect::<Vec<_>>().join(" "))
    }
}

/// Text with single spaces, and as the terminal shows it.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The run of one failing test that pytest has recorded, analysed with this environment.
async fn analysed(args: &[String], environment: &[(String, String)]) -> Done {
    let project = Project::empty();
    project.add("first.xml", "results.xml");
    analysed_in(project, args, environment).await
}

async fn analysed_in(project: Project, args: &[String], environment: &[(String, String)]) -> Done {
    let home = tempfile::tempdir().unwrap();
    let state = home.path().display().to_string();
    let arguments = ["analyze", "results.xml"].into_iter().chain(args.iter().map(String::as_str));
    let mut command = project.failscope(&arguments.collect::<Vec<_>>());
    command.env("XDG_STATE_HOME", &state).env("HOME", &state).env("COLUMNS", "10000");
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    let running = tokio::task::spawn_blocking(move || {
        let output = command.output().unwrap();
        drop(home);
        output
    });
    let output = tokio::time::timeout(Duration::from_mins(5), running).await.unwrap().unwrap();
    Done {
        project,
        code: output.status.code(),
        terminal: words(&String::from_utf8(output.stdout).unwrap()),
        errors: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The environment in which a vendor's server is at `address` and has the key of the tests.
fn environment(vendor: Vendor, address: impl std::fmt::Display) -> Vec<(String, String)> {
    vendor.system(address).environment().clone().into_iter().collect()
}

/// The files below a folder that hold a text.
fn holding(folder: &Path, text: &str, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            holding(&path, text, found);
        } else if memchr::memmem::find(&std::fs::read(&path).unwrap(), text.as_bytes()).is_some() {
            found.push(path.display().to_string());
        }
    }
}

async fn run(row: Row, offline: Arc<Json>) {
    let server = Server::start(move |number, seen| (row.script)(row.vendor, seen, number)).await;
    let address = server.address.to_string();
    let mut environment = environment(row.vendor, &address);
    for &(name, value) in row.environment {
        let value = value.replace("HOST", &address);
        environment.retain(|(known, _)| known != name);
        environment.push((name.to_owned(), value));
    }
    let done =
        analysed(&row.args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>(), &environment).await;
    let (finding, model, page) = (done.finding(), done.model(), done.page());
    let context = format!("{}\n{}\n{model:#}\n{:#}", done.terminal, done.errors, finding["notes"]);
    assert_eq!(done.code, Some(1), "{context}");
    let notes: Vec<&str> = finding["notes"].as_array().unwrap().iter().filter_map(Json::as_str).collect();
    let reason = model["reason"].as_str().unwrap();
    let everywhere = |text: &str| {
        let text = words(text);
        assert!(done.terminal.contains(&text), "not in the terminal: {text}\n{context}");
        assert!(page.contains(&text), "not in the page: {text}\n{context}");
    };
    match row.expect {
        Expect::Heard => {
            assert_eq!((&model["state"], reason), (&json!("complete"), ""), "{context}");
            let is_models = finding["source"].as_str().unwrap().starts_with("model:");
            let agrees = notes.iter().any(|note| note.contains("names the same place"));
            assert!(is_models || agrees, "{context}");
            let seen = server.seen();
            let astray = seen.iter().find(|seen| seen.method == "POST" && seen.path != row.vendor.path());
            assert!(astray.is_none(), "{astray:?}");
        }
        Expect::Kept(said) => {
            assert_eq!((&model["state"], &model["kept"]), (&json!("complete"), &json!(1)), "{context}");
            let note =
                notes.iter().find(|note| note.contains(said)).unwrap_or_else(|| panic!("{said}: {context}"));
            everywhere(note);
        }
        Expect::Silent(said) => {
            assert_eq!(model["state"], "unavailable", "{context}");
            assert!(reason.contains(said), "{said}: {context}");
            everywhere(reason);
            assert!(
                notes.is_empty() || model["provider"].is_null() || notes[0].contains(reason),
                "{context}"
            );
        }
        Expect::Nobody(said) => {
            assert!(["unavailable", "not_asked"].iter().any(|state| model["state"] == *state), "{context}");
            assert!(reason.contains(said), "{said}: {context}");
            everywhere(reason);
            assert!(server.seen().is_empty(), "{context}");
        }
    }
    if !matches!(row.expect, Expect::Heard) {
        for field in
            ["root_cause", "category", "severity", "affected_file", "affected_line", "fixes", "evidence"]
        {
            assert_eq!(finding[field], offline[field], "{field}: {context}");
        }
    }
    // Not the key, and no control sequence of anybody else's.
    let mut found = Vec::new();
    for secret in [KEY, "pass-of-the-url"] {
        holding(&done.project.path(".failscope"), secret, &mut found);
        assert!(!done.terminal.contains(secret) && !done.errors.contains(secret), "{context}");
    }
    assert!(found.is_empty(), "{found:?}");
    assert!(!done.terminal.contains('\u{1b}') && !done.errors.contains('\u{1b}'), "{context:?}");
    // What is asked stays what a provider takes, and goes nowhere else.
    for post in server.seen().iter().filter(|seen| seen.method == "POST" && seen.path == row.vendor.path()) {
        assert_eq!(row.vendor.complaints(post), Vec::<String>::new());
    }
}

#[tokio::test]
async fn whatever_a_provider_does_there_is_a_report_and_a_reason() {
    let rows = rows::all();
    assert!(rows.len() >= 60, "{}", rows.len());
    let offline = Arc::new(analysed(&["--offline".to_owned()], &[]).await.finding());
    let failed: Vec<String> = futures::stream::iter(rows)
        .map(|row| {
            let (name, offline) = (format!("{} ({:?})", row.name, row.vendor), Arc::clone(&offline));
            async move { AssertUnwindSafe(run(row, offline)).catch_unwind().await.err().map(|_| name) }
        })
        .buffer_unordered(6)
        .filter_map(std::future::ready)
        .collect()
        .await;
    assert!(failed.is_empty(), "{} failed: {failed:#?}", failed.len());
}

/// What a model rejects is left out, and the report says so: of both agents, once.
#[tokio::test]
async fn a_rejected_temperature_is_noted_in_the_report() {
    let server = Server::start(|_, seen| {
        if seen.json().get("temperature").is_some() {
            let message = "`temperature` is deprecated for this model.";
            let error = Vendor::Anthropic.error("invalid_request_error", None, message);
            return answer(400, &[], error.to_string());
        }
        answer(200, &[], Vendor::Anthropic.reply("claude-haiku-4-5", &says()).to_string())
    })
    .await;
    let done = analysed(&[], &environment(Vendor::Anthropic, server.address)).await;
    let model = done.model();
    let note = "temperature left out: claude-haiku-4-5-20251001 rejects it";
    assert_eq!(model["notes"], json!([note]), "{model:#}");
    assert_eq!((&model["state"], &model["calls"]), (&json!("complete"), &json!(2)));
    assert!(done.terminal.contains(note) && done.page().contains(note), "{}", done.terminal);
    let sent: Vec<bool> = server.seen().iter().map(|seen| seen.json().get("temperature").is_some()).collect();
    assert_eq!(sent, [true, false, false], "it is learned once");

    // Of a model that is known to take none it is not even sent; and it is said all the same.
    let server =
        Server::start(|_, _| answer(200, &[], Vendor::OpenAi.reply("gpt-5", &says()).to_string())).await;
    let args = ["--model".to_owned(), "gpt-5".to_owned()];
    let done = analysed(&args, &environment(Vendor::OpenAi, server.address)).await;
    assert_eq!(done.model()["notes"], json!(["temperature left out: gpt-5 rejects it"]), "{}", done.model());
    assert!(server.seen().iter().all(|seen| seen.json().get("temperature").is_none()));
}

/// The settings' prices, what the provider says of the tokens of a call, and the cost that the report gives.
#[tokio::test]
async fn what_it_cost_is_in_the_report_where_price_and_tokens_are_known() {
    let both = json!({"prompt_tokens": 1_200_000, "completion_tokens": 50_000});
    let rows = [
        ("\"gpt-4o\" = [2.5, 10]", both.clone(), json!(7.0), "$7.0000"),
        ("\"gpt-4o\" = [0, 0.1]", both.clone(), json!(0.01), "$0.0100"),
        ("\"other\" = [2.5, 10]", both.clone(), Json::Null, ""),
        ("\"gpt-4o\" = [2.5, 10]", Json::Null, Json::Null, "how many tokens 2 calls took is not known"),
        (
            "\"gpt-4o\" = [2.5, 10]",
            json!({"prompt_tokens": 1000}),
            Json::Null,
            "how many tokens 2 calls took is not known",
        ),
    ];
    for (prices, usage, cost, said) in rows {
        let answers = usage.clone();
        let server = Server::start(move |_, _| {
            let mut reply = Vendor::OpenAi.reply("gpt-4o", &says());
            reply["usage"] = answers.clone();
            answer(200, &[], reply.to_string())
        })
        .await;
        let project = Project::empty();
        project.add("first.xml", "results.xml");
        let settings = project.read("pyproject.toml");
        let settings = format!("{settings}\n[tool.failscope]\naiPrices = {{ {prices} }}\n");
        std::fs::write(project.path("pyproject.toml"), settings).unwrap();
        // What this machine answers costs nothing, so the server is that of a proxy for a name that is never resolved.
        let mut environment = environment(Vendor::OpenAi, "models.invalid");
        environment.push(("HTTP_PROXY".to_owned(), format!("http://{}", server.address)));
        let done = analysed_in(project, &["--model".to_owned(), "gpt-4o".to_owned()], &environment).await;
        let model = done.model();
        assert_eq!(model["cost_usd"], cost, "{prices} {usage}: {model:#}");
        assert!(done.terminal.contains(said), "{prices} {usage}: {}", done.terminal);
        // The next run asks nothing, and costs nothing.
        let again =
            analysed_in(done.project, &["--model".to_owned(), "gpt-4o".to_owned()], &environment).await;
        assert_eq!((&again.model()["calls"], &again.model()["cached"]), (&json!(0), &json!(1)));
        assert_eq!(server.seen().len(), 2);
    }
    let server =
        Server::start(|_, _| answer(200, &[], rows::reply(Vendor::Ollama, &says()).to_string())).await;
    let done = analysed(&[], &environment(Vendor::Ollama, server.address)).await;
    assert_eq!(done.model()["cost_usd"], json!(0.0), "{:#}", done.model());
}

const SHOP: &str = "\
RATES = {'third': 0.3333}


def with_tax(cents, kind):
    return int(cents * (1 + RATES[kind]))
";

/// A project with nothing in it.
fn bare() -> Project {
    let project = Project::empty();
    for entry in std::fs::read_dir(project.path("")).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            std::fs::remove_dir_all(path).unwrap();
        } else {
            std::fs::remove_file(path).unwrap();
        }
    }
    project
}

/// What a model wrote is run only if the user has said that it may be: trying fixes is not enough.
#[tokio::test]
async fn a_models_edit_is_tried_only_where_the_settings_say_so() {
    let edit = json!({
        "file": "shop.py",
        "search": "    return int(cents * (1 + RATES[kind]))",
        "replace": "    kept = open('ran', 'a')\n    kept.close()\n    return int(cents * (1 + RATES[kind]) + 0.5)",
    });
    let says = json!({
        "root_cause": "`with_tax` cuts off with `int` instead of rounding", "confidence": 0.9,
        "category": "assertion_failure", "severity": "high",
        "affected_file": "shop.py", "affected_line": 5, "affected_function": "with_tax",
        "fix_suggestion": "Round.", "evidence": [{"id": "E1", "quote": "assert 39 == 40"}], "edits": [edit], "missing": "",
    });
    for (setting, expected) in
        [("", "not_run"), ("verifyModelFixes = false", "not_run"), ("verifyModelFixes = true", "verified")]
    {
        let reply = rows::reply(Vendor::Ollama, &says.to_string()).to_string();
        let server = Server::start(move |_, _| answer(200, &[], &reply)).await;
        let project = bare();
        let python = python::python();
        let settings = format!(
            "[tool.pytest.ini_options]\npythonpath = ['.']\n\n[tool.failscope]\npython = {python:?}\n{setting}\n"
        );
        std::fs::write(project.path("pyproject.toml"), settings).unwrap();
        std::fs::write(project.path("shop.py"), SHOP).unwrap();
        let test = "from shop import with_tax\n\n\ndef test_tax():\n    assert with_tax(30, 'third') == 40\n";
        std::fs::write(project.path("test_shop.py"), test).unwrap();
        let home = tempfile::tempdir().unwrap();
        project.failscope(&["run", "--offline"]).env("HOME", home.path()).output().unwrap();
        let results = std::fs::read_dir(project.path(".failscope/runs")).unwrap().next().unwrap().unwrap();
        std::fs::copy(results.path(), project.path("results.xml")).unwrap();
        let done =
            analysed_in(project, &["--verify".to_owned()], &environment(Vendor::Ollama, server.address))
                .await;
        let finding = done.finding();
        let fixes = finding["fixes"].as_array().unwrap();
        let of_model = fixes.iter().find(|fix| !fix["proposed_by"].is_null());
        let of_model = of_model.unwrap_or_else(|| panic!("{}\n{finding:#}", done.errors));
        assert_eq!(of_model["verification"]["state"], expected, "{setting}: {finding:#}");
        assert!(!done.project.path("ran").exists(), "a trial is made on a copy");
        assert_eq!(done.project.read("shop.py"), SHOP);
    }
}
