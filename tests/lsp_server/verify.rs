//! Trying fixes from the editor, with a real pytest and the real pipeline.

#![cfg(unix)]

use std::sync::Arc;

use failscope::engine::tools::Pipeline;
use serde_json::{Value as Json, json};
use tokio::sync::Notify;

use crate::client::{Client, Setup, uri, whole};
use crate::fake::Project;
use crate::models::{self, Act, Server, Vendor};
use crate::run::python;

const SHOP: &str = "class Cart:\n    def __init__(self, prices):\n        self.prices = prices\n\n    def total(self):\n        return sum(self.price)\n";

fn project() -> Project {
    let project = Project::empty();
    project.write(
        "pyproject.toml",
        "[tool.pytest.ini_options]\npythonpath = [\".\"]\naddopts = \"-p no:cacheprovider\"\n",
    );
    project.write("shop.py", SHOP);
    project.write(
        "test_shop.py",
        "from shop import Cart\n\n\ndef test_total():\n    assert Cart([1, 2]).total() == 3\n",
    );
    project
}

fn setup(project: &Project, verify: &str) -> Setup {
    let mut setup = Setup::new(project.root(), Arc::new(Pipeline::default()));
    setup.initialization_options = json!({ "python": python(), "verify": verify });
    let home = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("home");
    setup.environment = vec![("HOME".to_owned(), home.display().to_string())];
    setup
}

async fn actions(client: &mut Client, project: &Project) -> Vec<Json> {
    let mut all = Vec::new();
    for only in [json!([""]), json!(["source.fixAll"])] {
        let mut params = whole(&project.path("shop.py"));
        params["context"]["only"] = only;
        let answer = client.request("textDocument/codeAction", params).await.unwrap();
        all.extend(answer.as_array().cloned().unwrap_or_default());
    }
    all
}

async fn failing(client: &mut Client, project: &Project) {
    client.execute("failscope.runTest", json!({ "tests": ["test_shop.py"] })).await.unwrap();
    for name in ["test_shop.py", "shop.py"] {
        while client.diagnostics(&project.path(name)).await.is_empty() {}
    }
}

#[tokio::test]
async fn a_fix_is_tried_preferred_and_applied() {
    let project = project();
    let mut client = Client::start(setup(&project, "onRequest")).await;
    failing(&mut client, &project).await;
    let before = std::fs::read(project.path("shop.py")).unwrap();
    let all = actions(&mut client, &project).await;
    let fix = all.iter().find(|a| a["kind"] == "quickfix").unwrap();
    assert_eq!(fix.get("isPreferred"), None);
    assert!(!all.iter().any(|a| a["kind"] == "source.fixAll.failscope"), "nothing has been tried: {all:#?}");
    let trial = all.iter().find(|a| a["command"]["command"] == "failscope.verifyFix").unwrap();
    assert_eq!(trial["title"], "Try this fix on a copy");
    let params = json!({
        "command": "failscope.verifyFix",
        "arguments": trial["command"]["arguments"],
        "workDoneToken": "try",
    });
    let answer = client.request("workspace/executeCommand", params).await.unwrap();
    assert_eq!(answer["fixes"][0]["state"], "verified", "{answer:#}");
    assert_eq!(answer["fixes"][0]["passed"], json!(["test_shop.py::test_total"]));
    assert_eq!(std::fs::read(project.path("shop.py")).unwrap(), before);
    let message = client.notification("window/showMessage").await;
    let text = message["message"].as_str().unwrap();
    assert!(text.ends_with("verified: 1 test passes, none newly fail"), "{text}");
    while client.notification("$/progress").await["value"]["kind"] != "end" {}

    let all = actions(&mut client, &project).await;
    let fix = all.iter().find(|a| a["kind"] == "quickfix").unwrap();
    assert_eq!(fix["isPreferred"], true, "{fix:#}");
    assert!(
        fix["title"].as_str().unwrap().ends_with("(verified: 1 test passes, none newly fail)"),
        "{fix:#}"
    );
    assert!(!all.iter().any(|a| a["command"]["command"] == "failscope.verifyFix"), "{all:#?}");
    let every = all.iter().find(|a| a["kind"] == "source.fixAll.failscope").unwrap();
    let edits = &every["edit"]["documentChanges"][0];
    assert_eq!(edits["textDocument"]["uri"], uri(&project.path("shop.py")));
    assert_eq!(edits["edits"][0]["newText"], "prices");
    let report = std::fs::read_to_string(project.path(".failscope/rca_report.json")).unwrap();
    let report: Json = serde_json::from_str(&report).unwrap();
    assert_eq!(report["analyses"][0]["fixes"][0]["verification"]["state"], "verified");

    let argument = json!({ "fingerprint": report["analyses"][0]["fingerprint_hash"] });
    let answer = client.execute("failscope.fixAll", argument).await.unwrap();
    assert_eq!(answer["applied"].as_array().unwrap().len(), 1);
    let (id, asked) = client.server_request("workspace/applyEdit").await;
    assert_eq!(asked["edit"]["documentChanges"][0]["edits"][0]["newText"], "prices");
    client.respond(id, json!({ "applied": true })).await;
    client.close().await;
}

#[tokio::test]
async fn what_has_been_tried_stays_so_when_a_model_is_heard() {
    // A model that says what the rules say, with the same change.
    let answer = json!({
        "root_cause": "`Cart.total` reads `self.price`, but the attribute is `prices`",
        "category": "assertion_failure", "severity": "high", "confidence": 0.9,
        "affected_file": "shop.py", "affected_line": 6, "affected_function": "Cart.total",
        "fix_suggestion": "Read `self.prices`.",
        "evidence": [{ "id": "E1", "quote": "AttributeError" }],
        "edits": [{ "file": "shop.py", "search": "self.price)", "replace": "self.prices)" }],
        "missing": "",
    });
    let thought = Arc::new(Notify::new());
    let server = Server::start({
        let thought = Arc::clone(&thought);
        move |number, _| {
            let reply = models::answer(200, &[], Vendor::Ollama.reply("m", &answer.to_string()).to_string());
            // The first time it takes as long as the test wants.
            let wait = (number == 0).then(|| Act::Await(Arc::clone(&thought)));
            wait.into_iter().chain(reply).collect()
        }
    })
    .await;
    let project = project();
    let mut setup = setup(&project, "onRequest");
    setup.environment.push(("OLLAMA_HOST".to_owned(), server.address.to_string()));
    let mut client = Client::start(setup).await;
    failing(&mut client, &project).await;
    let all = actions(&mut client, &project).await;
    let trial = all.iter().find(|a| a["command"]["command"] == "failscope.verifyFix").unwrap();
    let argument = trial["command"]["arguments"][0].clone();
    let question = json!({
        "command": "failscope.askModel", "arguments": [{ "fingerprint": argument["fingerprint"] }],
    });
    // While the model thinks the fix is tried.
    let id = client.ask("workspace/executeCommand", question.clone()).await;
    while server.seen().is_empty() {
        tokio::task::yield_now().await;
    }
    client.execute("failscope.verifyFix", argument.clone()).await.unwrap();
    client.notification("window/showMessage").await;
    thought.notify_one();
    assert_eq!(client.answer(id).await.unwrap()["asked"], 1);
    let check = async |client: &mut Client| {
        let all = actions(client, &project).await;
        let fix: Vec<&Json> = all.iter().filter(|a| a["kind"] == "quickfix").collect();
        let verified = |a: &Json| a["title"].as_str().unwrap().contains("(verified: 1 test passes");
        assert_eq!(fix.iter().filter(|a| verified(a)).count(), 1, "{all:#?}");
        assert_eq!(fix[0]["isPreferred"], true, "{all:#?}");
    };
    check(&mut client).await;
    // Asked anew, what the rules say is the starting point again.
    client.request("workspace/executeCommand", question).await.unwrap();
    check(&mut client).await;
    assert_eq!(server.seen().iter().filter(|seen| seen.method == "POST").count(), 2);
    // An analysis of the same results, after a setting has changed, knows it too.
    let settings = json!({ "settings": { "failscope": { "python": python(), "maxLogSize": 70_000 } } });
    client.notify("workspace/didChangeConfiguration", settings).await;
    client.analyze().await;
    check(&mut client).await;
    client.discard();
    client.close().await;
}

#[tokio::test]
async fn unsaved_text_is_tried() {
    let project = project();
    let mut client = Client::start(setup(&project, "onRequest")).await;
    failing(&mut client, &project).await;
    // What is typed breaks what the fix would mend.
    let source = project.path("shop.py");
    client.open(&source, SHOP).await;
    client.edit(&source, 2, ((2, 22), (2, 28)), "[0] + prices[:-1]").await;
    let fingerprint = actions(&mut client, &project).await;
    let trial = fingerprint.iter().find(|a| a["command"]["command"] == "failscope.verifyFix").unwrap();
    let argument = trial["command"]["arguments"][0].clone();
    let answer = client.execute("failscope.verifyFix", argument).await.unwrap();
    assert_eq!(answer["fixes"][0]["state"], "no_help", "{answer:#}");
    let message = client.notification("window/showMessage").await;
    assert!(message["message"].as_str().unwrap().contains("does not help"), "{message}");
    let all = actions(&mut client, &project).await;
    assert!(all.iter().any(|a| a["title"].as_str().unwrap().ends_with("(does not help)")), "{all:#?}");
    client.discard();
    client.close().await;
}

#[tokio::test]
async fn fixes_are_tried_in_the_background_where_the_setting_says_so() {
    let project = project();
    let mut client = Client::start(setup(&project, "auto")).await;
    failing(&mut client, &project).await;
    loop {
        let all = actions(&mut client, &project).await;
        if all.iter().any(|a| a["isPreferred"] == true) {
            break;
        }
        tokio::task::yield_now().await;
    }
    client.discard();
    client.close().await;
}

#[tokio::test]
async fn trying_can_be_switched_off() {
    let project = project();
    let mut client = Client::start(setup(&project, "off")).await;
    failing(&mut client, &project).await;
    let all = actions(&mut client, &project).await;
    assert!(!all.iter().any(|a| a["command"]["command"] == "failscope.verifyFix"), "{all:#?}");
    let report = std::fs::read_to_string(project.path(".failscope/rca_report.json")).unwrap();
    let report: Json = serde_json::from_str(&report).unwrap();
    let argument = json!({ "fingerprint": report["analyses"][0]["fingerprint_hash"] });
    let error = client.execute("failscope.verifyFix", argument).await.unwrap_err();
    assert!(error["message"].as_str().unwrap().contains("setting `verify`"), "{error}");
    client.close().await;
}
