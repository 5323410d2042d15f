//! The language server. The only folder that names `tower_lsp` or `lsp_types`.
//!
//! [`transport`] wraps the service, [`backend`] forwards notifications to the engine and requests to
//! [`handlers`], [`outbox`] sends what the engine shows, [`convert`] is the only place with protocol positions,
//! ranges and URIs. [`order`] has answers follow the publications that belong before them.

mod alone;
mod asker;
mod backend;
mod capabilities;
mod convert;
mod handlers;
mod markup;
mod order;
mod outbox;
pub mod streams;
mod tap;
mod transport;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tower_lsp::{LspService, Server};

use crate::engine::Watching;
use crate::engine::tools::{Pipeline, Tools};
use crate::system::System;
use backend::Backend;
use order::{Counted, Written};
use transport::{Ending, Guard, Until};

/// Requests that may be in work at once. It bounds memory, and must be high enough that requests which wait for
/// an analysis never keep notifications from being read.
const CONCURRENCY: usize = 256;

/// What the server is made with.
#[derive(Clone)]
pub struct Options {
    /// The world.
    pub system: System,
    /// The pipeline.
    pub tools: Arc<dyn Tools>,
    /// How files are watched.
    pub watching: Watching,
    /// Longest wait for the client's answer to a request of the server.
    pub patience: Duration,
    /// Where every message is recorded, for checking the protocol.
    pub log_messages: Option<PathBuf>,
}

impl Options {
    /// The real pipeline, native watching.
    pub fn new(system: System) -> Self {
        Self {
            system,
            tools: Arc::new(Pipeline::default()),
            watching: Watching::Native,
            patience: Duration::from_secs(10),
            log_messages: None,
        }
    }
}

/// Serves one client until it says `exit`, closes the stream or dies; gives the exit code of the specification:
/// 0 if `shutdown` came first, else 1.
pub async fn serve<I, O>(input: I, output: O, options: Options) -> u8
where
    I: AsyncRead + Unpin + Send,
    O: AsyncWrite + Unpin + Send,
{
    let ending = Ending::default();
    let tap = options.log_messages.as_deref().and_then(|path| match tap::Log::append(path) {
        Ok(log) => Some(log),
        Err(error) => {
            tracing::warn!("cannot record messages in {}: {error}", path.display());
            None
        }
    });
    let input = Until::new(tap::Tapped::new(input, tap.clone()), ending.token());
    let output = tap::Tapped::new(output, tap);
    let written = Written::default();
    let (service, socket) = LspService::build({
        let (ending, written) = (ending.clone(), written.clone());
        move |client| Backend::new(client, options, ending, written)
    })
    .custom_method("window/workDoneProgress/cancel", Backend::cancel_progress)
    .custom_method("$/setTrace", Backend::set_trace)
    .finish();
    let serving = Server::new(input, output, Counted { socket, written })
        .concurrency_level(CONCURRENCY)
        .serve(Guard::new(service, ending.clone()));
    ending.bound(serving).await;
    ending.code()
}
