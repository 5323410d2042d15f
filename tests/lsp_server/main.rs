//! The language server, driven by an in-process client that fails on messages nobody read.
#![expect(clippy::unwrap_used, reason = "tests")]

mod client;
mod fake;
#[expect(dead_code, reason = "made for several test programs")]
#[path = "../support/project.rs"]
mod kinds;
#[path = "../support/models/mod.rs"]
mod models;
#[path = "../support/python.rs"]
mod python;
#[path = "../support/scripted.rs"]
mod scripted;
#[expect(
    dead_code,
    clippy::disallowed_methods,
    reason = "made for several test programs, which start what they test"
)]
#[path = "../history/suite.rs"]
mod suite;

mod actions;
mod alone;
mod configuration;
mod diagnostics;
mod grades;
mod hover;
mod lifecycle;
mod live;
mod model;
mod pull;
mod run;
mod same;
mod secrets;
mod surfaces;
mod tower_lsp;
mod trace;
mod trust;
mod verify;
