//! What the VS Code extension offers as settings are the keys that the server reads: no more, no fewer.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::path::Path;

use failscope::workspace::config::KEYS;
use serde_json::Value as Json;

/// Settings of the extension itself, as `editors/vscode/src/config.ts` lists them.
const OURS: [&str; 3] = ["path", "testResults", "trace.server"];

fn manifest() -> Json {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("editors/vscode/package.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn settings_of_the_extension_are_the_servers() {
    let manifest = manifest();
    let offered = manifest["contributes"]["configuration"]["properties"].as_object().unwrap();
    let offered: BTreeSet<&str> = offered
        .keys()
        .map(|name| name.strip_prefix("failscope.").unwrap())
        .filter(|name| !OURS.contains(name))
        .collect();
    let read: BTreeSet<&str> = KEYS.iter().map(|key| key.name).collect();
    assert_eq!(
        offered, read,
        "add to editors/vscode/package.json (contributes.configuration) what is new in workspace/config/keys.rs"
    );
}

#[test]
fn what_may_run_code_or_send_data_is_restricted() {
    let manifest = manifest();
    let restricted =
        manifest["capabilities"]["untrustedWorkspaces"]["restrictedConfigurations"].as_array().unwrap();
    let restricted: BTreeSet<&str> =
        restricted.iter().map(|name| name.as_str().unwrap().strip_prefix("failscope.").unwrap()).collect();
    // What only says where results are and how they are shown.
    let harmless = ["resultGlobs", "pathMappings", "maxLogSize", "severity", "surfaces"];
    let expected: BTreeSet<&str> =
        KEYS.iter().map(|key| key.name).filter(|name| !harmless.contains(name)).chain(["path"]).collect();
    assert_eq!(restricted, expected);
}
