//! Settings: `initializationOptions`, `workspace/didChangeConfiguration`, `workspace/configuration`; and what is
//! registered with the client.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use tower_lsp::lsp_types::request::{RegisterCapability, WorkspaceConfiguration};
use tower_lsp::lsp_types::{ConfigurationItem, ConfigurationParams, Registration, RegistrationParams};

use crate::engine::Event;
use crate::lsp::backend::Session;

/// The section of the settings.
const SECTION: &str = "failscope";

/// Settings may come under their section's name or bare.
pub fn unwrapped(mut settings: Json) -> Json {
    match settings.get_mut(SECTION) {
        Some(section) => section.take(),
        None => settings,
    }
}

/// `workspace/didChangeConfiguration`: takes what was sent, or asks if nothing was.
pub fn changed(session: &Session, settings: Json) {
    let sent = unwrapped(settings);
    let is_empty = sent.is_null() || sent.as_object().is_some_and(serde_json::Map::is_empty);
    if is_empty && session.outbox.capabilities().configuration {
        pull(session);
    } else {
        let value = over(session.initial.as_ref(), sent);
        session.engine.send(Event::Settings { root: None, value });
    }
}

/// Asks the client for every folder's settings, if it can be asked. Runs by itself.
pub fn pull(session: &Session) {
    if !session.outbox.capabilities().configuration {
        return;
    }
    let (engine, outbox) = (session.engine.clone(), Arc::clone(&session.outbox));
    let initial = session.initial.clone();
    tokio::spawn(async move {
        engine.settled().await;
        let folders = engine.folders();
        let items = folders
            .iter()
            .map(|folder| ConfigurationItem {
                scope_uri: outbox.uri(&folder.root),
                section: Some(SECTION.to_owned()),
            })
            .collect();
        if folders.is_empty() {
            return;
        }
        let params = ConfigurationParams { items };
        let Some(answers) = outbox.ask::<WorkspaceConfiguration>(params).await else { return };
        for (folder, answer) in folders.iter().zip(answers) {
            let value = over(initial.as_ref(), answer);
            engine.send(Event::Settings { root: Some(folder.root.clone()), value });
        }
    });
}

/// `settings` over those of `initializationOptions`, key by key.
fn over(initial: Option<&Json>, settings: Json) -> Json {
    match (initial, settings) {
        (Some(initial), Json::Null) => initial.clone(),
        (Some(Json::Object(initial)), Json::Object(settings)) => {
            let mut all = initial.clone();
            // Editors send null for what is not set.
            all.extend(settings.into_iter().filter(|(_, value)| !value.is_null()));
            Json::Object(all)
        }
        (_, Json::Object(settings)) => {
            Json::Object(settings.into_iter().filter(|(_, value)| !value.is_null()).collect())
        }
        (_, settings) => settings,
    }
}

/// Registers what can only be registered later: watched files and configuration changes. Runs by itself.
pub fn register(session: &Session) {
    let capabilities = session.outbox.capabilities();
    let mut registrations = Vec::new();
    if capabilities.watches {
        // Sources too: deleting or replacing one outside the editor changes what can be shown.
        let globs = ["**/*.{xml,json,jsonl,log,txt,py}", "**/lastfailed", "**/pyproject.toml"];
        let watchers: Vec<Json> = globs.iter().map(|glob| json!({ "globPattern": glob })).collect();
        registrations.push(Registration {
            id: "failscope/files".to_owned(),
            method: "workspace/didChangeWatchedFiles".to_owned(),
            register_options: Some(json!({ "watchers": watchers })),
        });
    }
    if capabilities.registers_configuration {
        registrations.push(Registration {
            id: "failscope/configuration".to_owned(),
            method: "workspace/didChangeConfiguration".to_owned(),
            register_options: Some(json!({ "section": SECTION })),
        });
    }
    if registrations.is_empty() {
        return;
    }
    let outbox = Arc::clone(&session.outbox);
    tokio::spawn(async move {
        // A client that refuses is no harm: the server watches by itself.
        let _ = outbox.ask::<RegisterCapability>(RegistrationParams { registrations }).await;
    });
}
