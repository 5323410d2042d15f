//! Asking a model from the editor: only when asked or allowed, with what is sent shown on request, in place, and
//! never in the way.

use std::path::Path;
use std::sync::Arc;

use failscope::diagnose::providers::ErrorKind;
use failscope::front::model::Standing;
use failscope::model::ModelState;
use serde_json::{Value as Json, json};
use tokio::sync::Semaphore;

use crate::client::{Client, Setup, uri, whole};
use crate::fake::{Fake, Project, SHOP, cluster, results};
use crate::scripted::{Scripted, choice};

const ALLOW: &str = "Allow for this folder";

fn answer() -> Json {
    json!({
        "root_cause": "`total` returns `sum_ + 1` where the sum itself is meant",
        "category": "assertion_failure", "severity": "high", "confidence": 0.9,
        "affected_file": "shop.py", "affected_line": 5, "affected_function": "total",
        "fix_suggestion": "Return the sum.",
        "evidence": [{ "id": "E3", "quote": "return sum_ + 1" }, { "id": "E1", "quote": "assert 4 == 3" }],
        "edits": [{ "file": "shop.py", "search": "    return sum_ + 1", "replace": "    return sum_" }],
        "missing": "",
    })
}

/// A project whose rules are not sure, with this model.
fn set_up(model: &Arc<Scripted>) -> (Project, Arc<Fake>, Setup) {
    let project = Project::new();
    let mut unsure = cluster();
    unsure["confidence"] = json!(0.3);
    project.write("run.results", &results(&[unsure]));
    let tools = Fake::new();
    *tools.model.lock().unwrap() = Some(choice(model));
    let mut setup =
        Setup::new(project.root(), tools.clone()).with("/window/showDocument", json!({ "support": true }));
    setup.environment = vec![("XDG_STATE_HOME".to_owned(), project.path("state").display().to_string())];
    (project, tools, setup)
}

async fn started(project: &Project, setup: Setup) -> Client {
    let mut client = Client::start(setup).await;
    published(&mut client, project).await;
    client
}

async fn published(client: &mut Client, project: &Project) -> String {
    client.diagnostics(&project.path("test_shop.py")).await;
    let all = client.diagnostics(&project.path("shop.py")).await;
    all[0]["message"].as_str().unwrap().to_owned()
}

async fn titles(client: &mut Client, path: &Path) -> Vec<(String, Json)> {
    let all = client.request("textDocument/codeAction", whole(path)).await.unwrap();
    let title = |action: &Json| (action["title"].as_str().unwrap().to_owned(), action.clone());
    all.as_array().unwrap().iter().map(title).collect()
}

#[tokio::test]
async fn the_first_time_the_user_is_asked_and_then_no_more() {
    let model = Arc::new(Scripted::saying(&answer()));
    let (project, _, setup) = set_up(&model);
    let mut client = started(&project, setup).await;
    let all = titles(&mut client, &project.path("shop.py")).await;
    let ask = &all.iter().find(|(title, _)| title == "Ask the model (groq/wise-1)").unwrap().1;
    let argument = ask["command"]["arguments"][0].clone();
    assert_eq!(model.calls(), 0, "nothing is sent by itself");

    let request = json!({ "command": "failscope.askModel", "arguments": [argument] });
    let id = client.ask("workspace/executeCommand", request.clone()).await;
    let (question, params) = client.server_request("window/showMessageRequest").await;
    let message = params["message"].as_str().unwrap();
    assert!(message.contains("groq") && message.contains("https://models.example"), "{message}");
    assert_eq!(model.calls(), 0, "not before it is allowed");
    client.respond(question, json!({ "title": ALLOW })).await;
    let done = client.answer(id).await.unwrap();
    assert_eq!(done, json!({ "asked": 1, "answered": 1, "failed": 0, "cancelled": false }));
    assert!(published(&mut client, &project).await.starts_with("`total` returns `sum_ + 1`"));

    let hover = client.hover(&project.path("shop.py"), 4, 6).await;
    assert!(hover.to_string().contains("where the sum itself is meant"), "{hover}");
    let all = titles(&mut client, &project.path("shop.py")).await;
    assert!(all.iter().any(|(title, _)| title.contains("as groq/wise-1 proposes")), "{all:#?}");
    assert!(all.iter().any(|(title, _)| title == "Ask the model again (groq/wise-1)"));
    // Asked again, the model is asked again, and the user is not.
    client.request("workspace/executeCommand", request.clone()).await.unwrap();
    assert_eq!(model.calls(), 4);
    client.analyze().await;
    client.discard();
    client.close().await;

    // In another session too; what was answered is known without asking.
    let (_, tools, mut setup) = set_up(&model);
    setup.roots = vec![project.root().to_path_buf()];
    setup.environment = vec![("XDG_STATE_HOME".to_owned(), project.path("state").display().to_string())];
    let mut client = Client::start(setup).await;
    assert!(published(&mut client, &project).await.starts_with("`total` returns `sum_ + 1`"));
    assert_eq!(model.calls(), 4);
    client.request("workspace/executeCommand", request).await.unwrap();
    assert_eq!(model.calls(), 6);
    client.discard();
    client.close().await;
    drop(tools);
    let state = std::fs::read_to_string(project.path("state/failscope/consent.json")).unwrap();
    assert!(state.contains("https://models.example"), "{state}");
}

#[tokio::test]
async fn who_does_not_allow_it_is_sent_nothing_for() {
    let model = Arc::new(Scripted::saying(&answer()));
    let (project, _, setup) = set_up(&model);
    let mut client = started(&project, setup).await;
    for refusal in [json!({ "title": "Not now" }), Json::Null] {
        let request = json!({ "command": "failscope.askModel", "arguments": [{}] });
        let id = client.ask("workspace/executeCommand", request).await;
        let (question, _) = client.server_request("window/showMessageRequest").await;
        client.respond(question, refusal).await;
        let error = client.answer(id).await.unwrap_err();
        assert!(error["message"].as_str().unwrap().contains("not allowed"), "{error}");
    }
    // To see it first.
    let request = json!({ "command": "failscope.askModel", "arguments": [{ "fingerprint": "f1" }] });
    let id = client.ask("workspace/executeCommand", request).await;
    let (question, _) = client.server_request("window/showMessageRequest").await;
    client.respond(question, json!({ "title": "Show what would be sent" })).await;
    let (shown, params) = client.server_request("window/showDocument").await;
    assert_eq!(params["uri"], uri(&project.path(".failscope/prompt.txt")));
    client.respond(shown, json!({ "success": true })).await;
    client.answer(id).await.unwrap_err();
    let text = std::fs::read_to_string(project.path(".failscope/prompt.txt")).unwrap();
    assert!(text.contains("return sum_ + 1") && text.contains("https://models.example"), "{text}");
    assert_eq!(model.calls(), 0);
    client.close().await;
}

#[tokio::test]
async fn what_would_be_sent_can_be_seen() {
    let model = Arc::new(Scripted::saying(&answer()));
    let (project, _, setup) = set_up(&model);
    let setup = setup.with("/window/showDocument", Json::Null);
    let mut client = started(&project, setup).await;
    let all = titles(&mut client, &project.path("test_shop.py")).await;
    let show = &all.iter().find(|(title, _)| title == "Show what the model would be sent").unwrap().1;
    let shown =
        client.execute("failscope.showPrompt", show["command"]["arguments"][0].clone()).await.unwrap();
    let text = shown["text"].as_str().unwrap();
    assert!(text.contains("=== material ===") && text.contains("return sum_ + 1"), "{text}");
    assert_eq!(model.calls(), 0);
    client.close().await;
}

#[tokio::test]
async fn a_local_model_needs_no_consent_and_auto_asks_by_itself() {
    let model = Arc::new(Scripted { local: true, single: true, ..Scripted::saying(&answer()) });
    let (project, tools, mut setup) = set_up(&model);
    setup.initialization_options = json!({ "ai": "auto" });
    let mut client = Client::start(setup).await;
    // The rules first, then the model.
    assert!(published(&mut client, &project).await.starts_with("total adds 1"));
    assert!(published(&mut client, &project).await.starts_with("`total` returns `sum_ + 1`"));
    assert_eq!(model.calls(), 1);
    // The same results once more: the answer is known.
    client.analyze().await;
    client.discard();
    assert_eq!(model.calls(), 1);
    drop(tools);
    client.close().await;
}

#[tokio::test]
async fn off_is_off() {
    let model = Arc::new(Scripted { local: true, ..Scripted::saying(&answer()) });
    let (project, _, mut setup) = set_up(&model);
    setup.initialization_options = json!({ "ai": "off" });
    let mut client = started(&project, setup).await;
    let all = titles(&mut client, &project.path("shop.py")).await;
    assert!(!all.iter().any(|(title, _)| title.contains("model")), "{all:#?}");
    let error = client.execute("failscope.askModel", json!({})).await.unwrap_err();
    assert!(error["message"].as_str().unwrap().contains("switched off"), "{error}");
    assert_eq!(model.calls(), 0);
    client.close().await;
}

#[tokio::test]
async fn nothing_leaves_an_untrusted_workspace() {
    let model = Arc::new(Scripted { local: true, ..Scripted::saying(&answer()) });
    let (project, _, mut setup) = set_up(&model);
    setup.initialization_options = json!({ "restricted": true, "ai": "auto" });
    let mut client = started(&project, setup).await;
    let error = client.execute("failscope.askModel", json!({})).await.unwrap_err();
    assert!(error["message"].as_str().unwrap().contains("Restricted Mode"), "{error}");
    assert_eq!(model.calls(), 0);
    client.close().await;
}

#[tokio::test]
async fn while_a_model_thinks_everything_else_goes_on_and_it_can_be_cancelled() {
    let model =
        Arc::new(Scripted { local: true, gate: Some(Semaphore::new(0)), ..Scripted::saying(&answer()) });
    let (project, _, setup) = set_up(&model);
    let setup = setup.with("/window/workDoneProgress", json!(true));
    let mut client = started(&project, setup).await;
    let request = json!({ "command": "failscope.askModel", "arguments": [{ "fingerprint": "f1" }] });
    let id = client.ask("workspace/executeCommand", request).await;
    let (create, params) = client.server_request("window/workDoneProgress/create").await;
    client.respond(create, Json::Null).await;
    let begin = client.notification("$/progress").await;
    assert_eq!(begin["value"]["title"], "Asking groq (wise-1) about 1 cause");
    assert_eq!(begin["value"]["cancellable"], true);
    model.came.acquire().await.unwrap().forget();

    let hover = client.hover(&project.path("shop.py"), 4, 6).await;
    assert!(hover.to_string().contains("total adds 1"), "{hover}");
    client.open(&project.path("shop.py"), SHOP).await;

    client.notify("window/workDoneProgress/cancel", json!({ "token": params["token"] })).await;
    let done = client.answer(id).await.unwrap();
    assert_eq!(done["cancelled"], true);
    let end = client.notification("$/progress").await;
    assert_eq!(end["value"]["kind"], "end");
    assert_eq!(model.calls(), 1, "nothing was asked after that");
    client.discard();
    client.close().await;
}

#[tokio::test]
async fn an_answer_about_an_old_run_is_not_put_into_a_new_one() {
    let model =
        Arc::new(Scripted { local: true, gate: Some(Semaphore::new(0)), ..Scripted::saying(&answer()) });
    let (project, _, setup) = set_up(&model);
    let mut client = started(&project, setup).await;
    let request = json!({ "command": "failscope.askModel", "arguments": [{ "fingerprint": "f1" }] });
    let id = client.ask("workspace/executeCommand", request).await;
    model.came.acquire().await.unwrap().forget();
    // A new run, in which something else is wrong.
    let mut other = cluster();
    other["cause"] = json!("now it is something else");
    other["tests"][0]["message"] = json!("assert 9 == 3");
    project.write("run.results", &results(&[other]));
    client.analyze().await;
    model.gate.as_ref().unwrap().add_permits(100);
    client.answer(id).await.unwrap();
    client.analyze().await;
    let hover = client.hover(&project.path("shop.py"), 4, 6).await;
    assert!(hover.to_string().contains("now it is something else"), "{hover}");
    client.discard();
    client.close().await;
}

/// What a model does, and what the hover says of it: however many notes the rules have made before.
#[tokio::test]
async fn why_there_is_no_answer_stands_in_the_hover() {
    let offered = vec![failscope::evidence::redact::Redactor::default().text("wise-2")];
    let seconds = std::time::Duration::from_secs;
    let unsure = json!({ "root_cause": "", "missing": "what `total` is given" });
    let invented = json!({ "root_cause": "`apply_discount_twice` is called by the checkout" });
    let rows: [(Result<String, ErrorKind>, &str); 16] = [
        (
            Err(ErrorKind::Refused { key: Some("GROQ_API_KEY".to_owned()) }),
            "the key was refused; check GROQ_API_KEY",
        ),
        (Err(ErrorKind::Refused { key: None }), "it wants a key and there is none"),
        (Err(ErrorKind::QuotaSpent), "credit or allowance is used up"),
        (Err(ErrorKind::NoSuchModel { offered }), "choose another with --model: wise-2"),
        (
            Err(ErrorKind::Unreachable { address: "https://models.example".to_owned() }),
            "https://models.example cannot be reached",
        ),
        (Err(ErrorKind::RateLimited { retry_after: Some(seconds(90)) }), "takes requests again in 90 s"),
        (Err(ErrorKind::Overloaded { status: 529 }), "overloaded or out of order (HTTP 529)"),
        (Err(ErrorKind::TimedOut { after: seconds(120) }), "no complete answer within 120 s"),
        (Err(ErrorKind::TooLong), "longer than the model's context"),
        (Err(ErrorKind::BadRequest { status: 422 }), "rejected the request (HTTP 422)"),
        (Err(ErrorKind::Interrupted), "the connection broke off"),
        (Err(ErrorKind::BadAnswer), "could not be understood"),
        (Err(ErrorKind::Redirected), "its address sends elsewhere"),
        (Ok("I am sorry, I cannot help with that.".to_owned()), "could not be read"),
        (Ok(unsure.to_string()), "the evidence does not suffice"),
        (Ok(invented.to_string()), "The offline diagnosis stands"),
    ];
    for (says, expected) in rows {
        let says = Arc::new(std::sync::Mutex::new(says));
        let model = Arc::new(Scripted {
            local: true,
            ..Scripted::new({
                let says = Arc::clone(&says);
                move |_, _| says.lock().unwrap().clone()
            })
        });
        let (project, _, setup) = set_up(&model);
        let mut unsure = cluster();
        unsure["confidence"] = json!(0.3);
        unsure["notes"] =
            json!(["first", "second", "third", "fourth"].map(|n| format!("The {n} note of the rules.")));
        project.write("run.results", &results(&[unsure]));
        let mut client = started(&project, setup).await;
        let hover = client.hover(&project.path("shop.py"), 4, 6).await.to_string();
        assert!(hover.contains("No model analysis: nobody has asked it"), "{hover}");
        let done = client.execute("failscope.askModel", json!({})).await.unwrap();
        assert_eq!(done["asked"], 1);
        // On the line of the culprit and on that of the test.
        for (file, line) in [("shop.py", 4), ("test_shop.py", 5)] {
            let hover = client.hover(&project.path(file), line, 6).await;
            let text = hover["contents"]["value"].as_str().unwrap().replace('\\', "");
            assert!(text.contains(expected) && text.contains("total adds 1"), "{expected}: {text}");
        }
        client.discard();
        client.close().await;
    }
}

/// Why no model can be asked at all.
#[tokio::test]
async fn why_there_is_no_model_stands_in_the_hover() {
    let rows = [
        Standing::offline(),
        Standing::Not(ModelState::NotAsked, "switched off in the settings (`ai = \"off\"`)".to_owned()),
        Standing::Not(ModelState::Unavailable, "there is no key; set GROQ_API_KEY".to_owned()),
        Standing::Not(ModelState::Unavailable, "OPENAI_BASE_URL: it must be an address".to_owned()),
        Standing::Not(ModelState::NotAsked, "the workspace is not trusted".to_owned()),
    ];
    for standing in rows {
        let Standing::Not(_, reason) = standing.clone() else { unreachable!() };
        let project = Project::new();
        let tools = Fake::new();
        *tools.no_model.lock().unwrap() = Some(standing);
        let mut client = started(&project, Setup::new(project.root(), tools)).await;
        let hover = client.hover(&project.path("shop.py"), 4, 6).await;
        let text = hover["contents"]["value"].as_str().unwrap().replace('\\', "");
        assert!(text.contains(&format!("No model analysis: {reason}")), "{text}");
        client.discard();
        client.close().await;
    }
}
