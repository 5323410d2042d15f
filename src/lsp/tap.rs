//! Records every message of a session as JSON lines, `{"direction":"in"|"out","message":…}`, `out` being what
//! the server sends. For checking the protocol; off unless asked for.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The file.
#[derive(Debug, Clone)]
pub struct Log(Arc<Mutex<File>>);

impl Log {
    /// Appends to `path`.
    pub fn append(path: &Path) -> std::io::Result<Self> {
        let file = File::options().create(true).append(true).open(path)?;
        Ok(Self(Arc::new(Mutex::new(file))))
    }

    fn write(&self, direction: &str, body: &[u8]) {
        let Ok(message) = serde_json::from_slice::<serde_json::Value>(body) else { return };
        let line = serde_json::json!({ "direction": direction, "message": message });
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = writeln!(file, "{line}") {
            tracing::warn!("cannot record a message: {error}");
        }
    }
}

/// A stream whose messages are recorded if there is a log.
pub struct Tapped<S> {
    inner: S,
    log: Option<Log>,
    seen: Vec<u8>,
}

impl<S> Tapped<S> {
    /// Wraps `inner`.
    pub fn new(inner: S, log: Option<Log>) -> Self {
        Self { inner, log, seen: Vec::new() }
    }

    fn note(&mut self, direction: &str, bytes: &[u8]) {
        let Some(log) = &self.log else { return };
        self.seen.extend_from_slice(bytes);
        while let Some((body, end)) = message(&self.seen) {
            log.write(direction, &self.seen[body..end]);
            self.seen.drain(..end);
        }
    }
}

/// Where the first message's body starts and ends, if it is complete.
fn message(bytes: &[u8]) -> Option<(usize, usize)> {
    let body = memchr::memmem::find(bytes, b"\r\n\r\n")? + 4;
    let header = std::str::from_utf8(&bytes[..body]).ok()?;
    let length: usize = header
        .lines()
        .find_map(|line| line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("content-length")))
        .and_then(|(_, value)| value.trim().parse().ok())?;
    (bytes.len() >= body + length).then_some((body, body + length))
}

impl<S: AsyncRead + Unpin> AsyncRead for Tapped<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(cx, buffer);
        if polled.is_ready() {
            self.note("in", &buffer.filled()[before..]);
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tapped<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write(cx, bytes);
        if let Poll::Ready(Ok(written)) = polled {
            self.note("out", &bytes[..written]);
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
