//! The wrapper around the service: what `tower-lsp` leaves to do about null parameters, panics, `exit` and a
//! client that is gone.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::{Value as Json, json};
use tokio::io::{AsyncRead, ReadBuf};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tower::Service;
use tower_lsp::jsonrpc::{Error, Request, Response};

/// Longest time for sending the last answers to a client that may not read them.
const FLUSH: Duration = Duration::from_secs(2);
/// How often the client's process is looked for.
#[cfg(unix)]
const LOOK: Duration = Duration::from_secs(1);

/// How and when the server ends.
#[derive(Debug, Clone, Default)]
pub struct Ending {
    stop: CancellationToken,
    shut_down: Arc<AtomicBool>,
}

impl Ending {
    /// Triggered when the server is to end.
    pub fn token(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// 0 after `shutdown`, else 1.
    pub fn code(&self) -> u8 {
        u8::from(!self.shut_down.load(Ordering::Relaxed))
    }

    /// Runs `serving` to its end, or until a while after the end was asked for: standard input may be held open
    /// and standard output may not be read.
    pub async fn bound(&self, serving: impl Future<Output = ()>) {
        tokio::pin!(serving);
        tokio::select! {
            () = &mut serving => {}
            () = self.stop.cancelled() => {
                if tokio::time::timeout(FLUSH, serving).await.is_err() {
                    tracing::warn!("the client does not read its last messages");
                }
            }
        }
    }

    /// Ends the server when the process `id` is gone.
    #[cfg(unix)]
    pub fn with_process(&self, id: u32) {
        let Some(pid) = i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw) else { return };
        let stop = self.stop.clone();
        tokio::spawn(async move {
            while is_alive(pid) {
                tokio::select! {
                    () = tokio::time::sleep(LOOK) => {}
                    () = stop.cancelled() => return,
                }
            }
            tracing::warn!("the client's process {id} is gone");
            stop.cancel();
        });
    }

    /// Ends the server when the process `id` is gone: not known how on this platform; the stream's end does.
    #[cfg(not(unix))]
    pub fn with_process(&self, _id: u32) {}
}

/// Whether a process exists and has not ended: one that nobody waited for (a zombie) has.
#[cfg(unix)]
fn is_alive(pid: rustix::process::Pid) -> bool {
    match rustix::process::test_kill_process(pid) {
        Ok(()) => {}
        // It exists and belongs to someone else.
        Err(error) => return error == rustix::io::Errno::PERM,
    }
    // "pid (name) state …"; the name may hold anything, so it is read from its last parenthesis on.
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    !stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with(['Z', 'X']))
}

/// The service within which everything runs.
#[derive(Debug)]
pub struct Guard<S> {
    inner: S,
    ending: Ending,
}

impl<S> Guard<S> {
    /// Wraps `inner`.
    pub fn new(inner: S, ending: Ending) -> Self {
        Self { inner, ending }
    }
}

impl<S> Service<Request> for Guard<S>
where
    S: Service<
            Request,
            Response = Option<Response>,
            Future = BoxFuture<'static, Result<Option<Response>, <S as Service<Request>>::Error>>,
        >,
    S::Error: Send + 'static,
{
    type Response = Option<Response>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        // After `exit` the inner service is never ready again, which would keep the read loop from ending.
        if self.ending.stop.is_cancelled() { Poll::Ready(Ok(())) } else { self.inner.poll_ready(cx) }
    }

    fn call(&mut self, request: Request) -> Self::Future {
        if self.ending.stop.is_cancelled() {
            return async { Ok(None) }.boxed();
        }
        match request.method() {
            "shutdown" => self.ending.shut_down.store(true, Ordering::Relaxed),
            "exit" => self.ending.stop.cancel(),
            _ => {}
        }
        let request = mended(request);
        let id = request.id().cloned();
        let method = request.method().to_owned();
        let inner = &mut self.inner;
        let called = std::panic::catch_unwind(AssertUnwindSafe(|| inner.call(request)));
        async move {
            let done = match called {
                Ok(future) => AssertUnwindSafe(future).catch_unwind().await,
                Err(panic) => Err(panic),
            };
            done.unwrap_or_else(|_| {
                // The panic's message is on standard error already; it may hold what nobody should see.
                tracing::error!("handling {method} broke; this is a fault of Failscope");
                Ok(id.map(|id| Response::from_error(id, Error::internal_error())))
            })
        }
        .boxed()
    }
}

/// Mends what clients send and the library does not take: `"params": null` counts as none, `initialized` may
/// come without parameters, and the capability `workspace.diagnostics` has another name in the library.
fn mended(request: Request) -> Request {
    let (method, id, params) = request.into_parts();
    let mut params = params.filter(|params| !params.is_null());
    match &*method {
        "shutdown" | "exit" => params = None,
        "initialized" => params = params.or_else(|| Some(json!({}))),
        "initialize" => {
            if let Some(workspace) = params.as_mut().and_then(|p| p.pointer_mut("/capabilities/workspace"))
                && let Some(diagnostics) = workspace.get("diagnostics").cloned()
                && let Json::Object(workspace) = workspace
            {
                workspace.insert("diagnostic".to_owned(), diagnostics);
            }
        }
        _ => {}
    }
    let mut builder = Request::build(method);
    if let Some(params) = params {
        builder = builder.params(params);
    }
    if let Some(id) = id {
        builder = builder.id(id);
    }
    builder.finish()
}

/// A stream that ends when its token is triggered, even if the other side holds it open.
pub struct Until<R> {
    inner: R,
    stop: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl<R> Until<R> {
    /// Reads `inner` until `stop`.
    pub fn new(inner: R, stop: CancellationToken) -> Self {
        Self { inner, stop: Box::pin(stop.cancelled_owned()) }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Until<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        if self.stop.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A service that breaks while it is called, while it is polled, or not.
    struct Breaking;

    impl Service<Request> for Breaking {
        type Response = Option<Response>;
        type Error = std::convert::Infallible;
        type Future = BoxFuture<'static, Result<Option<Response>, Self::Error>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, request: Request) -> Self::Future {
            assert_ne!(request.method(), "now");
            async move {
                tokio::task::yield_now().await;
                assert_ne!(request.method(), "later");
                let params = request.params().cloned().unwrap_or(json!("none"));
                Ok(request.id().cloned().map(|id| Response::from_ok(id, params)))
            }
            .boxed()
        }
    }

    #[tokio::test]
    async fn a_panic_is_an_internal_error() {
        let mut guard = Guard::new(Breaking, Ending::default());
        for method in ["now", "later"] {
            let Ok(answer) = guard.call(Request::build(method).id(7).finish()).await;
            assert_eq!(answer, Some(Response::from_error(7.into(), Error::internal_error())), "{method}");
            let Ok(answer) = guard.call(Request::build(method).finish()).await;
            assert_eq!(answer, None, "a notification gets no answer");
        }
        let Ok(answer) = guard.call(Request::build("other").id(8).finish()).await;
        assert_eq!(answer, Some(Response::from_ok(8.into(), json!("none"))), "the next one is served");
    }

    #[tokio::test]
    async fn parameters_are_mended() {
        let rows = [
            ("shutdown", json!(null), json!("none")),
            ("shutdown", json!({}), json!("none")),
            ("initialized", json!(null), json!({})),
            ("textDocument/hover", json!(null), json!("none")),
            ("textDocument/hover", json!({ "a": null }), json!({ "a": null })),
            (
                "initialize",
                json!({ "capabilities": { "workspace": { "diagnostics": { "refreshSupport": true } } } }),
                json!({ "capabilities": { "workspace": {
                    "diagnostics": { "refreshSupport": true },
                    "diagnostic": { "refreshSupport": true },
                } } }),
            ),
            ("initialize", json!({ "capabilities": {} }), json!({ "capabilities": {} })),
        ];
        for (method, params, expected) in rows {
            let mut guard = Guard::new(Breaking, Ending::default());
            let Ok(answer) = guard.call(Request::build(method).params(params.clone()).id(1).finish()).await;
            assert_eq!(answer, Some(Response::from_ok(1.into(), expected)), "{method} {params}");
        }
    }
}
