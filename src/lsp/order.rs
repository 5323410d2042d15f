//! The order of publications and answers. The library mixes what the server sends with what it answers in any
//! order; here it is counted how many publications are on their way out for sure, so that an answer can follow them.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::{Stream, StreamExt as _};
use tokio::sync::watch;
use tower_lsp::jsonrpc::Request;
use tower_lsp::lsp_types::notification::{Notification as _, PublishDiagnostics};
use tower_lsp::{ClientSocket, Loopback};

/// How many publications have been taken for writing since the start.
#[derive(Debug, Clone, Default)]
pub struct Written(Arc<watch::Sender<u64>>);

impl Written {
    /// Counts one more.
    pub fn count(&self) {
        self.0.send_modify(|count| *count += 1);
    }

    /// Waits until there are at least `count`.
    pub async fn reach(&self, count: u64) {
        // The sender is held by `self`, so there is always somebody to wait for.
        let _ = self.0.subscribe().wait_for(|written| *written >= count).await;
    }
}

/// The library's socket, whose publications are counted when they are taken: each is written before what is taken
/// next, so an answer that is given afterwards comes after them.
pub struct Counted {
    /// The library's own.
    pub socket: ClientSocket,
    /// The count.
    pub written: Written,
}

impl Loopback for Counted {
    type RequestStream = CountedStream<<ClientSocket as Loopback>::RequestStream>;
    type ResponseSink = <ClientSocket as Loopback>::ResponseSink;

    fn split(self) -> (Self::RequestStream, Self::ResponseSink) {
        let (inner, answers) = self.socket.split();
        (CountedStream { inner, written: self.written }, answers)
    }
}

/// The messages of [`Counted`].
pub struct CountedStream<S> {
    inner: S,
    written: Written,
}

impl<S: Stream<Item = Request> + Unpin> Stream for CountedStream<S> {
    type Item = Request;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Request>> {
        let polled = self.inner.poll_next_unpin(cx);
        if let Poll::Ready(Some(request)) = &polled
            && request.method() == PublishDiagnostics::METHOD
        {
            self.written.count();
        }
        polled
    }
}
