//! A model that says what a test wants it to say, and remembers what it was asked.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use failscope::diagnose::providers::{
    Choice, ErrorKind, Finish, Provider, ProviderError, Reply, Request, Usage,
};
use failscope::evidence::redact::Redactor;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

pub type Script = dyn Fn(&Request, usize) -> Result<String, ErrorKind> + Send + Sync;

/// The model.
pub struct Scripted {
    pub model: String,
    pub local: bool,
    pub single: bool,
    pub script: Box<Script>,
    /// What it was asked, in order.
    pub asked: Mutex<Vec<Request>>,
    /// Calls that have been answered.
    pub answered: AtomicUsize,
    /// Permits of calls that may go on; all of them if there is none.
    pub gate: Option<Semaphore>,
    /// Told whenever a call comes in.
    pub came: Semaphore,
}

impl Scripted {
    /// A model of the cloud that answers with `script` (the request, and the number of the call from 0).
    pub fn new(
        script: impl Fn(&Request, usize) -> Result<String, ErrorKind> + Send + Sync + 'static,
    ) -> Self {
        Self {
            model: "wise-1".to_owned(),
            local: false,
            single: false,
            script: Box::new(script),
            asked: Mutex::default(),
            answered: AtomicUsize::new(0),
            gate: None,
            came: Semaphore::new(0),
        }
    }

    /// One that always says this.
    pub fn saying(answer: &serde_json::Value) -> Self {
        let answer = answer.to_string();
        Self::new(move |_, _| Ok(answer.clone()))
    }

    pub fn calls(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

/// The choice of this model.
pub fn choice(provider: &Arc<Scripted>) -> Choice {
    Choice {
        provider: Arc::clone(provider) as Arc<dyn Provider>,
        address: "https://models.example".to_owned(),
        why: "a test wants it".to_owned(),
        notes: Vec::new(),
    }
}

#[async_trait]
impl Provider for Scripted {
    fn name(&self) -> &'static str {
        "groq"
    }

    fn model(&self) -> &str {
        &self.model
    }

    fn single_pass(&self) -> bool {
        self.single
    }

    fn is_local(&self) -> bool {
        self.local
    }

    fn slots(&self) -> usize {
        8
    }

    async fn complete(&self, request: &Request, cancel: &CancellationToken) -> Result<Reply, ProviderError> {
        let failed = |kind| ProviderError {
            provider: "groq",
            model: self.model.clone(),
            kind,
            detail: Redactor::default().text(""),
        };
        if cancel.is_cancelled() {
            return Err(failed(ErrorKind::Cancelled));
        }
        let number = {
            let mut asked = self.asked.lock().unwrap();
            asked.push(request.clone());
            asked.len() - 1
        };
        self.came.add_permits(1);
        if let Some(gate) = &self.gate {
            tokio::select! {
                permit = gate.acquire() => permit.unwrap().forget(),
                () = cancel.cancelled() => return Err(failed(ErrorKind::Cancelled)),
            }
        }
        let text = (self.script)(request, number).map_err(failed)?;
        self.answered.fetch_add(1, Ordering::SeqCst);
        Ok(Reply {
            text,
            model: self.model.clone(),
            usage: Usage { input_tokens: Some(1000), output_tokens: Some(100) },
            finish: Finish::Stop,
            notes: vec!["the model takes no temperature; it was left out".to_owned()],
        })
    }
}
