//! One file per group of methods. A handler reads snapshots and answers; it changes nothing and never awaits the
//! client.

mod background;
pub mod code_action;
pub mod code_lens;
pub mod commands;
pub mod configuration;
pub mod diagnostics;
pub mod findings;
pub mod hover;
pub mod inlay_hint;
pub mod run;
pub mod trace;
pub mod verify;
