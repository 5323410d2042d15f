//! The language server, driven by an in-process client that fails on messages nobody read.
#![expect(clippy::unwrap_used, reason = "tests")]

mod client;
mod fake;

mod diagnostics;
mod lifecycle;
mod tower_lsp;
