//! The other end of `python/failscope/search.py`: a pytest session that tries candidates in forked children.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::fix::copy::Copy;
use crate::fix::ran::{self, Start};
use crate::pytest::process::Piped;

/// What a candidate is asked.
#[derive(Debug, Serialize)]
pub struct Request<'a> {
    /// The file that is changed, absolute; `None` to run the tests as they are.
    pub path: Option<&'a str>,
    /// Its text.
    pub source: &'a str,
    /// Tests to run first.
    pub first: &'a [String],
    /// Tests to run then.
    pub then: &'a [String],
    /// Whether they are all run, also when one fails.
    pub all: bool,
    /// Longest time.
    pub seconds: f64,
    /// Longest processor time, in seconds; `None` for as long as the longest time.
    pub processor: Option<f64>,
}

/// What came of it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Answer {
    /// `done`, `timeout`, `died`, `invalid`, `missing`, `broke`.
    pub ended: String,
    /// Tests that passed.
    pub passed: Vec<String>,
    /// Tests that did not.
    pub failed: Vec<String>,
    /// Processor time of the worker and of all that it has tried, in seconds.
    pub used: f64,
}

/// What the worker says of itself.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Hello {
    tests: Vec<String>,
    contained: Vec<String>,
}

/// A running worker.
#[derive(Debug)]
pub struct Worker {
    process: Piped,
    /// The tests that it has collected.
    pub tests: Vec<String>,
    /// What candidates are kept from.
    pub contained: Vec<String>,
}

impl Worker {
    /// Starts a worker that collects the tests of `files` in `copy`.
    pub async fn start(
        copy: &Copy,
        start: &Start,
        files: &[String],
        time: Duration,
        cancel: &CancellationToken,
    ) -> Result<Self, String> {
        let prepared = ran::prepare(copy, start).map_err(|error| error.to_string())?;
        let separator = if cfg!(windows) { ';' } else { ':' };
        let path = format!("{}{separator}{}", start.plugin.display(), prepared.python_path);
        let mut environment = prepared.environment;
        environment.push(("PYTHONPATH".to_owned(), path));
        let mut args: Vec<String> =
            ["-m", "pytest", "-p", "failscope", "-p", "failscope.search"].map(str::to_owned).into();
        args.extend(prepared.args);
        args.extend_from_slice(files);
        let process = Piped::start(&start.interpreter, &args, copy.root(), &environment)
            .map_err(|error| error.to_string())?;
        let mut worker = Self { process, tests: Vec::new(), contained: Vec::new() };
        match worker.receive::<Hello>(time, cancel).await {
            Ok(hello) => {
                (worker.tests, worker.contained) = (hello.tests, hello.contained);
                Ok(worker)
            }
            Err(because) => {
                worker.end().await;
                Err(because)
            }
        }
    }

    /// Has a candidate tried.
    pub async fn ask(&mut self, request: &Request<'_>, cancel: &CancellationToken) -> Result<Answer, String> {
        let line = serde_json::to_string(request).map_err(|error| error.to_string())?;
        self.process.send(&line).await.map_err(|error| error.to_string())?;
        // The worker itself minds the time.
        let time = Duration::from_secs_f64(request.seconds) + Duration::from_secs(10);
        self.receive(time, cancel).await
    }

    /// Ends it and all that it has started.
    pub async fn end(self) {
        self.process.end().await;
    }

    async fn receive<T: for<'de> Deserialize<'de>>(
        &mut self,
        time: Duration,
        cancel: &CancellationToken,
    ) -> Result<T, String> {
        let line = tokio::select! {
            line = tokio::time::timeout(time, self.process.receive()) => line,
            () = cancel.cancelled() => return Err("cancelled".to_owned()),
        };
        let line = line.map_err(|_| "the tests take too long".to_owned())?;
        let line = line.map_err(|error| error.to_string())?;
        let line = line.ok_or("pytest ended before it had collected the tests, or in between")?;
        serde_json::from_str(&line).map_err(|error| error.to_string())
    }
}
