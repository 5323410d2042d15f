//! All causes of a run at once, from their evidence to what is concluded of them, on the same clock: what the processor
//! takes is no part of it, what the pipeline waits for is.

use std::path::Path;

use super::*;
use crate::analysis;
use crate::diagnose::agents::{Agents, Cache};
use crate::diagnose::providers::Choice;
use crate::front::{self, model};
use crate::model::{Analysis, Fingerprint, ModelState, Source};
use crate::workspace::{Config, Workspace};

/// A run with so many causes: copies of the one in a file that pytest wrote, each with a fingerprint of its own.
struct Case {
    analysis: Analysis,
    workspace: Arc<Workspace>,
    config: Config,
    system: System,
    cache: tempfile::TempDir,
}

impl Case {
    fn new(causes: usize) -> Self {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
        let root = fixtures.join("suites/kinds");
        let config = Config { ai_prices: vec![("gpt-4o".to_owned(), 2.5, 10.0)], ..Config::default() };
        let system = System::fixed(std::time::UNIX_EPOCH, [], root.clone());
        let workspace = Arc::new(Workspace::new(root.clone(), Arc::new(config.clone())));
        let run = front::read(&root, &fixtures.join("results/pytest9/kinds/first.xml")).unwrap();
        let options = front::analysis_options(&root, &config, &system);
        let mut analysis = analysis::analyze(front::gather(vec![run], Vec::new()), &workspace, &options);
        assert_eq!(analysis.clusters.len(), 1);
        // No rule may be so sure that the model's answer is of no use.
        analysis.clusters[0].diagnosis.confidence = 0.2;
        let copies = (0..causes).map(|number| {
            let mut cluster = analysis.clusters[0].clone();
            cluster.fingerprint = Fingerprint(format!("{number:064x}"));
            cluster
        });
        analysis.clusters = copies.collect();
        Self { analysis, workspace, config, system, cache: tempfile::tempdir().unwrap() }
    }

    /// Asks about all causes while something else is done; gives how often it was said how far it is, and what came of
    /// the other.
    fn ask<T>(
        &mut self,
        clock: &Virtual,
        client: impl Provider + 'static,
        cancel: &CancellationToken,
        beside: impl Future<Output = T>,
    ) -> (usize, T) {
        let choice = Choice {
            provider: Arc::new(client),
            address: "https://api.openai.com".to_owned(),
            why: "a test wants it".to_owned(),
            notes: Vec::new(),
        };
        let agents = Agents {
            provider: Arc::clone(&choice.provider),
            workspace: Arc::clone(&self.workspace),
            redactor: self.analysis.redactor.clone(),
            max_log: self.config.max_log_size,
            cache: Cache::new(self.cache.path()),
        };
        let mut told = 0;
        let progress = |_, _| told += 1;
        let Self { analysis, config, system, .. } = self;
        let asking = model::ask(analysis, &choice, agents, config, system, cancel, progress);
        let ((), beside) = clock.run(futures::future::join(asking, beside));
        (told, beside)
    }

    fn of_model(&self) -> usize {
        let is_model = |source: &Source| matches!(source, Source::Model(..));
        self.analysis.clusters.iter().filter(|cluster| is_model(&cluster.diagnosis.source)).count()
    }
}

fn says() -> String {
    json!({
        "root_cause": "`broken_setup` raises `RuntimeError` with 'forklift not charged'",
        "category": "fixture_error", "severity": "high", "confidence": 0.9,
        "affected_file": "tests/test_fixtures.py", "affected_line": 6, "affected_function": "broken_setup",
        "fix_suggestion": "Charge the forklift.",
        "evidence": [{"id": "E1", "quote": "forklift not charged"}], "edits": [], "missing": "",
    })
    .to_string()
}

type Make = fn(Arc<dyn Clock>) -> Slots;

#[test]
fn a_thousand_causes_take_little_longer_than_the_limit_makes_them() {
    const CAUSES: usize = 1000;
    // Two calls of 200 ms for each, and the seconds that they take at this rate.
    let ideal = |per_second: f64, at_once: f64| (2.0 * CAUSES as f64 - at_once) / per_second + 0.2;
    let rows: [(Rule, Make, f64); 2] = [
        (Rule::Bucket { capacity: 1.0, per_second: 50.0 }, Slots::adaptive, ideal(50.0, 1.0)),
        (Rule::Bucket { capacity: 1.0, per_second: 50.0 }, Slots::tried, ideal(50.0, 1.0)),
    ];
    for (index, (rule, slots, ideal)) in rows.into_iter().enumerate() {
        let clock = Arc::new(Virtual::default());
        let server = Limited::saying(&clock, rule, &says());
        let mut case = Case::new(CAUSES);
        let client = client(&clock, &server, slots);
        let (told, ()) = case.ask(&clock, client, &CancellationToken::new(), std::future::ready(()));
        let (took, run) = (clock.now().as_secs_f64(), &case.analysis.model);
        let summary = format!("row {index}: {took:.1} s of {ideal:.1}; {run:?}");
        assert!(took <= ideal * 1.2, "{}", &summary[..200]);
        assert_eq!((told, case.of_model()), (CAUSES, CAUSES), "{}", &summary[..200]);
        assert_eq!((run.state, run.calls), (ModelState::Complete, 2 * CAUSES as u64));
        assert_eq!((run.input_tokens, run.output_tokens), (2_000_000, 200_000));
        assert_eq!(run.cost, Some(7.0), "2 million tokens for 2.50 each, and 200,000 of 10");
        assert!(server.most_under_way.load(Ordering::SeqCst) <= 32);
    }
}

/// A provider that counts the questions which somebody holds, waiting or under way: each has its evidence with it.
struct Counting {
    inner: Client,
    held: Arc<(AtomicUsize, AtomicUsize)>,
}

#[async_trait]
impl Provider for Counting {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn model(&self) -> &str {
        self.inner.model()
    }

    fn single_pass(&self) -> bool {
        self.inner.single_pass()
    }

    fn is_local(&self) -> bool {
        self.inner.is_local()
    }

    fn slots(&self) -> usize {
        self.inner.slots()
    }

    async fn settle(&self, cancel: &CancellationToken) {
        self.inner.settle(cancel).await;
    }

    async fn complete(&self, request: &Request, cancel: &CancellationToken) -> Result<Reply, ProviderError> {
        let (now, most) = &*self.held;
        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let reply = self.inner.complete(request, cancel).await;
        now.fetch_sub(1, Ordering::SeqCst);
        reply
    }
}

#[test]
fn memory_does_not_depend_on_how_many_causes_are_asked_about() {
    // The provider is slow, so that all wait that may.
    let most = |causes: usize| {
        let clock = Arc::new(Virtual::default());
        let server = Limited::saying(&clock, Rule::Bucket { capacity: 1.0, per_second: 10.0 }, &says());
        let held = Arc::<(AtomicUsize, AtomicUsize)>::default();
        let inner = client(&clock, &server, Slots::adaptive);
        let provider = Counting { inner, held: Arc::clone(&held) };
        let mut case = Case::new(causes);
        case.ask(&clock, provider, &CancellationToken::new(), std::future::ready(()));
        assert_eq!((case.of_model(), held.0.load(Ordering::SeqCst)), (causes, 0));
        held.1.load(Ordering::SeqCst)
    };
    let few = most(150);
    assert!(few < 100, "{few}");
    assert_eq!(most(1000), few);
}

#[test]
fn cancelling_a_thousand_causes_sends_nothing_more_at_that_very_moment() {
    let clock = Arc::new(Virtual::default());
    let server = Limited::saying(&clock, Rule::Bucket { capacity: 1.0, per_second: 50.0 }, &says());
    let mut case = Case::new(1000);
    let before = case.analysis.clusters[0].diagnosis.root_cause.clone();
    let cancel = CancellationToken::new();
    let client = client(&clock, &server, Slots::adaptive);
    let at = Duration::from_secs(10);
    let stop = async {
        clock.sleep_until(at).await;
        cancel.cancel();
        server.requests.load(Ordering::SeqCst)
    };
    let (_, sent) = case.ask(&clock, client, &cancel, stop);
    assert_eq!(server.requests.load(Ordering::SeqCst), sent, "nothing came after it");
    assert_eq!(clock.now(), at, "and nothing was waited for");
    let run = &case.analysis.model;
    assert_eq!(run.state, ModelState::Partial);
    assert!(run.reason.as_str().contains("cancelled"), "{}", run.reason);
    let heard = case.of_model();
    assert!((100..300).contains(&heard), "{heard}");
    let kept = case.analysis.clusters.iter().filter(|cluster| cluster.diagnosis.root_cause == before).count();
    assert_eq!(heard + kept, 1000);
}
