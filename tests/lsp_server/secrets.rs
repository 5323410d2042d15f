//! Secrets that a real pytest printed, in sources, in `.env` and in the environment: hardly one is in any message,
//! and none that is known.

use std::path::Path;
use std::sync::Arc;

use failscope::engine::tools::Pipeline;
use serde_json::{Value as Json, json};

use crate::client::{Client, Setup, uri, whole};
use crate::kinds::Project;

/// Longest piece of a secret that may be seen, plus one.
const PIECE: usize = 12;

/// Lines of the test file; the fixtures' last failure is before its end.
const LINES: usize = 130;

fn fixtures() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/redact")
}

fn survivors<'a>(said: &str, planted: &'a [String]) -> Vec<&'a String> {
    let survives = |secret: &&String| {
        let size = PIECE.min(secret.len());
        secret.as_bytes().windows(size).any(|piece| memchr::memmem::find(said.as_bytes(), piece).is_some())
    };
    planted.iter().filter(survives).collect()
}

/// Has everything said that there is to say about the test file; gives all that the server said.
async fn everything(project: &Project, environment: &[(String, String)]) -> String {
    let test = project.path("test_it.py");
    let mut setup = Setup::new(&project.path(""), Arc::new(Pipeline::default()));
    setup.environment = environment.to_vec();
    let mut client = Client::start(setup).await;
    client.analyze().await;
    client.open(&test, &project.read("test_it.py")).await;
    for line in 0..LINES {
        client.hover(&test, u32::try_from(line).unwrap(), 8).await;
    }
    for method in ["textDocument/codeLens", "textDocument/inlayHint"] {
        client.request(method, whole(&test)).await.unwrap();
    }
    let actions = client.request("textDocument/codeAction", whole(&test)).await.unwrap();
    for action in actions.as_array().cloned().unwrap_or_default() {
        // What cannot be resolved is answered with a message, which is listened to as well.
        let _ = client.request("codeAction/resolve", action).await;
    }
    let findings = client.execute("failscope.findings", json!({})).await.unwrap();
    assert_ne!(findings, Json::Null);
    client.discard();
    let said = std::mem::take(&mut client.heard);
    client.close().await;
    said
}

#[tokio::test]
async fn messages_hold_no_planted_secret() {
    let secrets = std::fs::read_to_string(fixtures().join("secrets.json")).unwrap();
    let mut planted: Vec<String> = serde_json::from_str(&secrets).unwrap();
    let environment = vec![
        ("CANARY_PASSWORD".to_owned(), "correct-horse-battery-staple".to_owned()),
        ("CANARY_TOKEN".to_owned(), "tok_9f8Kq2LmZx7Vb4Nw".to_owned()),
    ];
    planted.extend(environment.iter().map(|(_, value)| value.clone()));
    planted.push("plum tarragon orchard".to_owned());
    assert!(planted.len() >= 37, "{} planted", planted.len());

    let mut situations = 0;
    let mut seen = Vec::new();
    for entry in std::fs::read_dir(fixtures().join("rendered")).unwrap() {
        let rendered = entry.unwrap().path();
        let text = std::fs::read_to_string(&rendered).unwrap();
        // The end of what was printed tells the secrets that only the environment gives away.
        let told = "E       AssertionError: correct-horse-battery-staple tok_9f8Kq2LmZx7Vb4Nw plum tarragon orchard\n";
        let text = text.replacen("\ntest_it.py:", &format!("\n{told}\ntest_it.py:"), 1);
        let project = Project::empty();
        std::fs::create_dir(project.path("reports")).unwrap();
        std::fs::write(project.path("reports/pytest-output-it.txt"), text).unwrap();
        std::fs::write(project.path(".env"), "SHOP_PASSWORD='plum tarragon orchard'\n").unwrap();
        let lines: Vec<String> = (0..LINES)
            .map(|line| format!("api_key = \"{}\"  # {line}\n", planted[line % planted.len()]))
            .collect();
        std::fs::write(project.path("test_it.py"), lines.concat()).unwrap();

        let said = everything(&project, &environment).await;
        let name = rendered.file_stem().unwrap().display().to_string();
        assert!(said.contains(&uri(&project.path("test_it.py"))), "{name}: nothing is shown: {said}");
        assert!(said.contains("[REDACTED:"), "{name}");
        seen.extend(survivors(&said, &planted).into_iter().map(|secret| (name.clone(), secret.clone())));
        situations += 1;
    }
    // As in `tests/redact.rs`, a few are not to be known: passwords as bare parameter ids, and ends that `repr`
    // left of a token. Those that the environment or `.env` gives away are.
    let known =
        |secret: &str| environment.iter().any(|(_, value)| value == secret) || secret.contains("tarragon");
    assert!(seen.iter().all(|(_, secret)| !known(secret)), "{seen:#?}");
    assert!(seen.len() * 100 <= situations * planted.len(), "{seen:#?}");
    assert!(situations >= 12, "{situations} situations");
}
