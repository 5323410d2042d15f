//! Asks a model about causes: all at once, each by itself, and stops when told to.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use futures::StreamExt as _;
use tokio_util::sync::CancellationToken;

use super::answer::{self, Answer};
use super::budget::{Budget, Ticket};
use super::cache::Cache;
use super::claims::Library;
use super::conclude::{self, Author};
use super::dossier::{Dossier, Size};
use super::ground::{Grounded, ground};
use super::tally::Spent;
use super::{edits, prompt};
use crate::diagnose::providers::{ErrorKind, Finish, ProviderError, Reply, Request, SharedProvider};
use crate::evidence::redact::Redactor;
use crate::model::{Cluster, Redacted, Severity, Told};
use crate::system::System;
use crate::workspace::Workspace;

/// Most causes in work at once: it bounds memory. How many calls are under way the provider decides.
const MAX_IN_WORK: usize = 64;
/// Most causes whose evidence is collected at once, besides those in work.
const MAX_PREPARED: usize = 4;
/// So many failures in a row of a kind that may pass, and nothing more is asked.
const MAX_IN_A_ROW: usize = 4;
/// Most bytes of an answer that are kept.
const MAX_KEPT: usize = super::loose::MAX_ANSWER;

/// All that asking needs besides the causes.
#[derive(Clone)]
pub struct Agents {
    /// Who is asked.
    pub provider: SharedProvider,
    /// The files as they were when the tests ran.
    pub workspace: Arc<Workspace>,
    /// The redactor of the run.
    pub redactor: Redactor,
    /// Most characters of a log that are sent.
    pub max_log: usize,
    /// Earlier answers.
    pub cache: Cache,
}

/// A cause that has been heard, or could not be.
#[derive(Debug)]
pub struct Heard {
    /// The cause with its conclusion.
    pub cluster: Cluster,
    /// What became of it.
    pub told: Told,
}

impl Agents {
    /// What is sent about `cluster`, and what answers are checked against.
    pub fn dossier(&self, cluster: &Cluster) -> Dossier {
        let size = if self.provider.single_pass() { Size::SMALL } else { Size::FULL };
        Dossier::new(cluster, &self.workspace, &self.redactor, self.max_log, size)
    }

    /// The first question about `cluster`.
    pub fn question(&self, dossier: &Dossier) -> Request {
        if self.provider.single_pass() {
            prompt::single(dossier, &self.redactor)
        } else {
            prompt::analyzer(dossier, &self.redactor)
        }
    }

    /// The earlier answer about `cluster`, put into it. Sends nothing.
    pub fn recall(&self, cluster: &mut Cluster) -> Option<Told> {
        cluster.restore();
        let dossier = self.dossier(cluster);
        let entry = self.cache.get(&cluster.fingerprint, &dossier, &*self.provider)?;
        Some(self.conclude(cluster, &dossier, &entry.analyzer, entry.critic.as_deref(), entry.notes, true))
    }

    /// Concludes from what the model wrote. The texts are redacted.
    fn conclude(
        &self,
        cluster: &mut Cluster,
        dossier: &Dossier,
        analyzer: &str,
        critic: Option<&str>,
        notes: Vec<String>,
        cached: bool,
    ) -> Told {
        let library = Library::new(dossier, &self.workspace);
        let by = format!("{}/{}", self.provider.name(), self.provider.model());
        let context =
            edits::Context { dossier, workspace: &self.workspace, redactor: &self.redactor, by: &by };
        let grounded = |text: &str| answer::read(text).map(|answer| ground(&answer, &library, &context));
        let first = grounded(analyzer);
        let second = critic.and_then(grounded);
        let author =
            Author { provider: self.provider.name(), model: self.provider.model(), single: second.is_none() };
        // A critic of whom nothing can be used has not refuted the analyzer; one who says that the evidence does
        // not suffice has.
        let unusable = |grounded: &Grounded| {
            grounded
                .rejected
                .as_ref()
                .is_some_and(|why| !matches!(why, super::ground::Rejected::Insufficient(_)))
        };
        let last = match (&first, &second) {
            (Some(first), Some(second)) if unusable(second) && first.rejected.is_none() => {
                Some((None, first, true))
            }
            (_, Some(second)) => Some((first.as_ref(), second, false)),
            (Some(first), None) => Some((None, first, true)),
            (None, None) => None,
        };
        if let Some((before, last, alone)) = last {
            let author = Author { single: author.single || alone, ..author };
            let is_model = conclude::conclude(cluster, before, last, &author, &self.redactor);
            Told::Answered { kept: !is_model, cached, notes }
        } else {
            let reason = self.redactor.text(&format!("the answer of {by} could not be read"));
            conclude::without_answer(cluster, &reason);
            Told::Answered { kept: true, cached, notes }
        }
    }
}

/// One round of asking.
pub struct Round {
    agents: Arc<Agents>,
    budget: Arc<Budget>,
    spent: Mutex<Spent>,
    cancel: CancellationToken,
    /// Whether answers in the cache count.
    fresh: bool,
    /// Why nothing more is asked, once that is so.
    ended: Mutex<Option<Redacted>>,
    in_a_row: AtomicUsize,
}

/// A cause about which it is known what is to be done.
struct Prepared {
    cluster: Cluster,
    next: Next,
}

/// What is to be done about a cause.
enum Next {
    /// Nothing: it was answered before.
    Known(Told),
    /// To ask this, with this evidence.
    Ask(Box<(Dossier, Request)>),
}

/// The place of a severity among all.
fn rank(severity: Severity) -> u8 {
    match severity {
        Severity::Low => 0,
        Severity::Medium => 1,
        Severity::High => 2,
        Severity::Critical => 3,
    }
}

/// Does what blocks where nothing else has to wait for it; at once where there is no runtime, as in tests whose time
/// passes only when nothing else happens. `None` if it panicked.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => runtime.spawn_blocking(work).await.ok(),
        Err(_) => Some(work()),
    }
}

/// Why no answer came.
enum Silence {
    Cancelled,
    Because(Redacted),
}

impl Round {
    /// A round that ends when `cancel` is cancelled. With `fresh`, earlier answers do not count.
    pub fn new(
        agents: Arc<Agents>,
        budget: Arc<Budget>,
        cancel: CancellationToken,
        fresh: bool,
    ) -> Arc<Self> {
        Arc::new(Self {
            agents,
            budget,
            spent: Mutex::default(),
            cancel,
            fresh,
            ended: Mutex::default(),
            in_a_row: AtomicUsize::new(0),
        })
    }

    /// Asks about `clusters`, the severest and those of most tests first, and gives each to `heard` as soon as it has
    /// been heard, in any order. Ends when all have been, or soon after it is cancelled; what was not heard then is not
    /// given.
    pub async fn ask(
        self: &Arc<Self>,
        clusters: impl IntoIterator<Item = Cluster>,
        mut heard: impl FnMut(Heard),
        system: &System,
    ) -> Spent {
        self.agents.provider.settle(&self.cancel).await;
        let mut clusters: Vec<Cluster> = clusters.into_iter().collect();
        clusters.sort_by_key(|cluster| {
            std::cmp::Reverse((rank(cluster.diagnosis.severity), cluster.failures.len()))
        });
        let mut stored = false;
        let mut work = futures::stream::iter(clusters)
            .map(|cluster| Arc::clone(self).prepare(cluster))
            .buffered(MAX_PREPARED)
            // In this order, so that a budget goes to the first ones.
            .map(|prepared| {
                let ticket = prepared.as_ref().map(|prepared| self.ticket(prepared));
                let round = Arc::clone(self);
                async move { round.hear(prepared?, ticket?).await }
            })
            .buffer_unordered(MAX_IN_WORK);
        while let Some(next) = work.next().await {
            let Some(next) = next else { continue };
            stored |= matches!(next.told, Told::Answered { cached: false, .. });
            heard(next);
        }
        if stored {
            let (cache, now) = (self.agents.cache.clone(), system.now());
            // If it cannot be done now it is done the next time.
            let _ = aside(move || cache.prune(now)).await;
        }
        *self.spent()
    }

    fn spent(&self) -> std::sync::MutexGuard<'_, Spent> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ended(&self) -> Option<Redacted> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks for an earlier answer, and collects the evidence if there is none; `None` if it was cancelled before.
    async fn prepare(self: Arc<Self>, mut cluster: Cluster) -> Option<Prepared> {
        if self.cancel.is_cancelled() {
            return None;
        }
        // Reading sources, redaction and hashing block.
        aside(move || {
            cluster.restore();
            let told = if self.fresh { None } else { self.agents.recall(&mut cluster) };
            let next = if let Some(told) = told {
                Next::Known(told)
            } else {
                let dossier = self.agents.dossier(&cluster);
                let question = self.agents.question(&dossier);
                Next::Ask(Box::new((dossier, question)))
            };
            Prepared { cluster, next }
        })
        .await
    }

    /// The calls that a cause is allowed: for both agents, so that no answer goes unchecked for want of a call. A budget
    /// that does not even suffice for that once is spent on the analyzer alone.
    fn ticket(&self, prepared: &Prepared) -> Result<Option<Ticket>, Redacted> {
        let Next::Ask(question) = &prepared.next else { return Ok(None) };
        let request = &question.1;
        let letters = request.system.as_str().len() + request.user.as_str().len();
        // About four letters make a token.
        let estimate = letters as u64 / 4 + u64::from(request.max_tokens);
        let wanted = if self.agents.provider.single_pass() { 1 } else { 2 };
        let is_first = self.budget.is_untouched();
        let ticket = self.budget.reserve(wanted, estimate).or_else(|reason| {
            if is_first && wanted > 1 { self.budget.reserve(1, estimate) } else { Err(reason) }
        });
        ticket.map(Some).map_err(|reason| self.agents.redactor.text(&reason))
    }

    /// Hears the model about one cause; `None` if it was cancelled before there was an answer.
    async fn hear(
        self: Arc<Self>,
        prepared: Prepared,
        ticket: Result<Option<Ticket>, Redacted>,
    ) -> Option<Heard> {
        let Prepared { mut cluster, next } = prepared;
        let (dossier, question) = match next {
            Next::Known(told) => return Some(Heard { cluster, told }),
            Next::Ask(question) => *question,
        };
        let dossier = Arc::new(dossier);
        let replies = match ticket {
            Ok(Some(ticket)) => self.replies(&dossier, question, ticket).await,
            Ok(None) => return None,
            Err(reason) => Err(Silence::Because(reason)),
        };
        match replies {
            Ok((analyzer, critic, notes)) => {
                let round = Arc::clone(&self);
                aside(move || {
                    let agents = &round.agents;
                    let critic = critic.map(|text| round.kept(&text));
                    let told = agents.conclude(
                        &mut cluster,
                        &dossier,
                        &analyzer,
                        critic.as_deref(),
                        notes.clone(),
                        false,
                    );
                    // Half an answer would stand in the way of a whole one.
                    if critic.is_some() || agents.provider.single_pass() {
                        let kept = (analyzer, critic);
                        let put =
                            agents.cache.put(&cluster.fingerprint, &dossier, &*agents.provider, kept, notes);
                        if let Err(error) = put {
                            tracing::warn!("an answer is not kept: {error}");
                        }
                    }
                    Heard { cluster, told }
                })
                .await
            }
            Err(Silence::Cancelled) => None,
            Err(Silence::Because(reason)) => {
                conclude::without_answer(&mut cluster, &reason);
                Some(Heard { cluster, told: Told::Failed(reason) })
            }
        }
    }

    /// The analyzer's words, redacted; those of the critic as they came; and what was done differently from what was
    /// asked.
    async fn replies(
        self: &Arc<Self>,
        dossier: &Arc<Dossier>,
        question: Request,
        mut ticket: Ticket,
    ) -> Result<(String, Option<String>, Vec<String>), Silence> {
        let first = self.call(&question, &mut ticket).await?;
        let mut notes = first.notes;
        let (is_single, is_last) = (self.agents.provider.single_pass(), ticket.calls() == 0);
        let (round, dossier) = (Arc::clone(self), Arc::clone(dossier));
        // Checking the answer takes longer than the others that are under way should wait.
        let checked = aside(move || {
            let analyzer = round.kept(&first.text);
            let question = (!is_single && !is_last).then(|| {
                let (proposal, remarks) = round.proposal(&analyzer, &dossier);
                prompt::critic(&dossier, &proposal, &remarks, &round.agents.redactor)
            });
            (analyzer, question)
        });
        let (analyzer, question) = checked.await.ok_or(Silence::Cancelled)?;
        if is_single {
            return Ok((analyzer, None, notes));
        }
        let second = match question {
            Some(question) => self.call(&question, &mut ticket).await,
            None => Err(Silence::Because(Redacted::fixed("the budget allows no second call"))),
        };
        match second {
            Ok(second) => {
                notes.extend(second.notes);
                notes.sort();
                notes.dedup();
                Ok((analyzer, Some(second.text), notes))
            }
            Err(Silence::Cancelled) => Err(Silence::Cancelled),
            Err(Silence::Because(reason)) => {
                notes.push(format!("some answers were not checked by a critic: {reason}"));
                Ok((analyzer, None, notes))
            }
        }
    }

    /// The analyzer's answer for the critic, with what was not found of it.
    fn proposal(&self, analyzer: &str, dossier: &Dossier) -> (Answer, Vec<String>) {
        let agents = &self.agents;
        let Some(answer) = answer::read(analyzer) else {
            return (Answer::default(), vec!["the diagnosis could not be read".to_owned()]);
        };
        let library = Library::new(dossier, &agents.workspace);
        let by = agents.provider.name();
        let context =
            edits::Context { dossier, workspace: &agents.workspace, redactor: &agents.redactor, by };
        let grounded = ground(&answer, &library, &context);
        let mut remarks = grounded.struck;
        remarks.extend(grounded.rejected.map(|why| why.to_string()));
        (answer, remarks)
    }

    fn kept(&self, text: &str) -> String {
        let mut end = text.len().min(MAX_KEPT);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        self.agents.redactor.for_provider().text(&text[..end]).as_str().to_owned()
    }

    /// One call of those that are allowed.
    async fn call(&self, request: &Request, ticket: &mut Ticket) -> Result<Reply, Silence> {
        if self.cancel.is_cancelled() {
            return Err(Silence::Cancelled);
        }
        if let Some(reason) = self.ended() {
            return Err(Silence::Because(reason));
        }
        match self.agents.provider.complete(request, &self.cancel).await {
            Ok(reply) => {
                self.in_a_row.store(0, Ordering::Relaxed);
                let usage = reply.usage;
                let known = usage.input_tokens.is_some() || usage.output_tokens.is_some();
                let tokens = usage.input_tokens.unwrap_or_default() + usage.output_tokens.unwrap_or_default();
                ticket.settle(known.then_some(tokens), true);
                self.spent().add(usage);
                self.complete(reply, request)
            }
            Err(error) if error.kind == ErrorKind::Cancelled => {
                ticket.settle(None, false);
                Err(Silence::Cancelled)
            }
            Err(error) => {
                let sent = !matches!(error.kind, ErrorKind::Setup | ErrorKind::Unreachable { .. });
                ticket.settle(Some(0), sent);
                Err(self.failed(&error))
            }
        }
    }

    /// A reply that was not withheld, with a note if it was cut off.
    fn complete(&self, mut reply: Reply, request: &Request) -> Result<Reply, Silence> {
        match reply.finish {
            // What it says instead is nothing that was looked up.
            Finish::Filter if answer::read(&reply.text).is_none() => {
                let (provider, model) = (self.agents.provider.name(), self.agents.provider.model());
                let reason = format!("{provider} ({model}) refuses to answer");
                Err(Silence::Because(self.agents.redactor.text(&reason)))
            }
            Finish::Length => {
                let note = format!("some answers were cut off after {} tokens", request.max_tokens);
                reply.notes.push(note);
                Ok(reply)
            }
            Finish::Stop | Finish::Filter | Finish::Other => Ok(reply),
        }
    }

    fn failed(&self, error: &ProviderError) -> Silence {
        let reason = self.agents.redactor.text(&error.to_string());
        let hopeless = matches!(
            error.kind,
            ErrorKind::Refused { .. }
                | ErrorKind::NoSuchModel { .. }
                | ErrorKind::QuotaSpent
                | ErrorKind::Redirected
                | ErrorKind::Setup
        );
        let in_a_row = if error.retryable() { self.in_a_row.fetch_add(1, Ordering::Relaxed) + 1 } else { 0 };
        if hopeless || in_a_row >= MAX_IN_A_ROW {
            return self.end(&reason);
        }
        Silence::Because(reason)
    }

    /// Asks nothing more, for this reason or the one that came first.
    fn end(&self, reason: &Redacted) -> Silence {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        Silence::Because(ended.get_or_insert_with(|| reason.clone()).clone())
    }
}
