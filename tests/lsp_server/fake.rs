//! A pipeline of known results: it reads files named `*.results` that say what the analysis is, so that the
//! protocol is tested apart from the readers and the rules. And a project in a temporary folder.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, SystemTime};

use failscope::diagnose::providers::{Choice, NoProvider};
use failscope::engine::tools::{Candidate, Tools};
use failscope::evidence::redact::Redactor;
use failscope::front::model::{self, Standing};
use failscope::ingest::IngestError;
use failscope::model::{
    Analysis, Category, Cluster, Culprit, Detail, Diagnosis, Edit, EvidenceItem, Exit, Failure, FailureId,
    FailureKind, FailureRecord, Fingerprint, Fix, FixKind, FixTarget, FrameRecord, Outcome, Phase, Place,
    Problem, Redacted, RelPath, ResultFormat, ResultSource, Run, Severity, Site, Source, TestId,
    TestOutcomes, ValueRecord, Verification, VerificationState,
};
use failscope::system::System;
use failscope::workspace::{Config, Workspace};
use serde_json::Value as Json;

/// The pipeline.
#[derive(Default)]
pub struct Fake {
    /// How many analyses were begun.
    pub analyses: AtomicUsize,
    /// How many times reports were written.
    pub reports: AtomicUsize,
    closed: Mutex<bool>,
    opened: Condvar,
    breaks: Mutex<bool>,
    /// The model that there is.
    pub model: Mutex<Option<Choice>>,
    /// Why there is none, if that is to be said.
    pub no_model: Mutex<Option<Standing>>,
}

impl Fake {
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Makes the next analyses wait until [`Self::release`].
    pub fn hold(&self) {
        *self.closed.lock().unwrap() = true;
    }

    pub fn release(&self) {
        *self.closed.lock().unwrap() = false;
        self.opened.notify_all();
    }

    /// Makes the next analysis panic.
    pub fn break_next(&self) {
        *self.breaks.lock().unwrap() = true;
    }
}

/// Lets a held analysis go even if the test fails: the runtime waits for its threads.
pub struct Release(pub Arc<Fake>);

impl Drop for Release {
    fn drop(&mut self) {
        self.0.release();
    }
}

impl Tools for Fake {
    fn find(&self, root: &Path, config: &Config) -> Vec<PathBuf> {
        let mut folders = vec![root.to_path_buf(), root.join("reports")];
        folders.extend(self.elsewhere(root, config));
        let mut found: Vec<PathBuf> = folders
            .iter()
            .filter_map(|folder| std::fs::read_dir(folder).ok())
            .flat_map(|entries| entries.flatten().map(|e| e.path()))
            .filter(|path| path.extension().is_some_and(|e| e == "results"))
            .collect();
        found.sort();
        found
    }

    fn candidates(&self, _root: &Path, _config: &Config) -> Candidate {
        Box::new(|path| path.extension().is_some_and(|e| e == "results"))
    }

    fn elsewhere(&self, root: &Path, config: &Config) -> Vec<PathBuf> {
        config.result_globs.iter().map(|folder| root.join(folder)).collect()
    }

    fn read(&self, _root: &Path, path: &Path) -> Result<Run, IngestError> {
        let name = path.display().to_string();
        let text =
            std::fs::read_to_string(path).map_err(|source| IngestError::Io { file: name.clone(), source })?;
        let mut run = Run::default();
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        run.sources.push(ResultSource {
            name: name.clone(),
            format: ResultFormat::Junit,
            time: Some(time),
            bytes: text.len() as u64,
        });
        // Half a file is read as what it is.
        let Ok(content) = serde_json::from_str::<Json>(&text) else {
            run.exit = Exit::Unfinished;
            return Ok(run);
        };
        for test in
            content["clusters"].as_array().into_iter().flatten().flat_map(|c| c["tests"].as_array().unwrap())
        {
            run.failures.push(Failure::bare(TestId::new(test["id"].as_str().unwrap()), Phase::Call));
        }
        for test in content["passed"].as_array().into_iter().flatten() {
            run.outcomes.add(test.as_str().unwrap(), Outcome::Passed, None, false);
        }
        Ok(run)
    }

    fn analyze(
        &self,
        runs: Vec<Run>,
        _problems: Vec<Problem>,
        workspace: &Arc<Workspace>,
        config: &Config,
        _live: bool,
        _system: &System,
    ) -> (Analysis, TestOutcomes) {
        self.analyses.fetch_add(1, Ordering::SeqCst);
        let mut closed = self.closed.lock().unwrap();
        while *closed {
            closed = self.opened.wait(closed).unwrap();
        }
        drop(closed);
        assert!(!std::mem::take(&mut *self.breaks.lock().unwrap()), "a fault in the analysis");
        let mut analysis = Analysis::default();
        let mut outcomes = TestOutcomes::default();
        let redactor = Redactor::default();
        for run in runs {
            outcomes.extend(run.outcomes);
            for source in run.sources {
                let time =
                    source.time.map(|t| t.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64());
                analysis.run.sources.push((redactor.text(&source.name), source.format, time));
                let text = std::fs::read_to_string(&source.name).unwrap_or_default();
                let content: Json = serde_json::from_str(&text).unwrap_or_default();
                for cluster in content["clusters"].as_array().into_iter().flatten() {
                    analysis.clusters.push(Maker { workspace, redactor: &redactor }.cluster(cluster));
                }
            }
        }
        let root = workspace.root();
        let ready = self.model.lock().unwrap().clone().map(Standing::Ready);
        if let Some(standing) = ready.or_else(|| self.no_model.lock().unwrap().clone()) {
            model::recall(&mut analysis, &standing, workspace, root, config);
        }
        (analysis, outcomes)
    }

    fn choose(&self, _: &Config, _: &System) -> Result<Choice, NoProvider> {
        let none = || NoProvider { reason: "there is no key".to_owned() };
        self.model.lock().unwrap().clone().ok_or_else(none)
    }

    fn write_reports(&self, root: &Path, config: &Config, _: &Analysis, _: &System) -> Vec<String> {
        self.reports.fetch_add(1, Ordering::SeqCst);
        let folder = root.join(&config.output);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("rca_report.html"), "<p>report").unwrap();
        Vec::new()
    }
}

struct Maker<'a> {
    workspace: &'a Workspace,
    redactor: &'a Redactor,
}

impl Maker<'_> {
    fn text(&self, value: &Json) -> Redacted {
        self.redactor.text(value.as_str().unwrap_or_default())
    }

    /// A place is `["path", line]`.
    fn site(&self, value: &Json) -> Option<Site> {
        let path = RelPath::new(value[0].as_str()?)?;
        let line = u32::try_from(value[1].as_u64()?).unwrap();
        let shown = self.redactor.text(path.as_str());
        Some(Site { place: Place::line(path, line), path: shown, function: None, source: None })
    }

    fn cluster(&self, json: &Json) -> Cluster {
        let culprit = self.site(&json["culprit"]);
        let failures = json["tests"].as_array().unwrap().iter().map(|t| self.failure(t)).collect();
        let fixes = json["fixes"].as_array().into_iter().flatten().map(|f| self.fix(f)).collect();
        let evidence = json["evidence"].as_array().into_iter().flatten().enumerate();
        Cluster {
            fingerprint: Fingerprint(json["fingerprint"].as_str().unwrap_or("f1").to_owned()),
            failures,
            diagnosis: Diagnosis {
                root_cause: self.text(&json["cause"]),
                category: Category::AssertionFailure,
                severity: Severity::High,
                fix_suggestion: self.text(&json["suggestion"]),
                confidence: json["confidence"].as_f64().unwrap_or(0.75),
                evidence: evidence
                    .map(|(n, e)| EvidenceItem {
                        id: format!("E{}", n + 1),
                        text: self.text(&e["text"]),
                        site: self.site(&e["at"]),
                    })
                    .collect(),
                source: Source::Rule("fake"),
                was_critic_override: false,
                notes: json["notes"].as_array().into_iter().flatten().map(|note| self.text(note)).collect(),
            },
            culprits: culprit
                .map(|site| Culprit { site, score: 1.0, reasons: vec![self.redactor.text("it is named")] })
                .into_iter()
                .collect(),
            also: Vec::new(),
            parts: Vec::new(),
            since: None,
            fixes,
            stability: None,
            offline: None,
        }
    }

    fn failure(&self, json: &Json) -> FailureRecord {
        let id = json["id"].as_str().unwrap();
        let failing = self.site(&json["at"]);
        let frames = json["frames"].as_array().into_iter().flatten();
        let values = json["values"].as_array().into_iter().flatten();
        let detail = if json["bare"] == true { Detail::Name } else { Detail::Traceback };
        FailureRecord {
            id: FailureId(format!("id:{id}")),
            test_id: TestId::new(id),
            test: self.redactor.text(id),
            phase: Phase::Call,
            subtest: None,
            kind: FailureKind::Exception,
            definition: self.site(&json["def"]),
            exception: self.redactor.text(json["exception"].as_str().unwrap_or("AssertionError")),
            message: self.redactor.text(json["message"].as_str().unwrap_or("assert 1 == 2")),
            frames: frames
                .map(|frame| FrameRecord {
                    path: self.text(&frame["at"][0]),
                    line: u32::try_from(frame["at"][1].as_u64().unwrap()).unwrap(),
                    function: Some(self.text(&frame["function"])),
                    source: frame["source"].as_str().map(|s| self.redactor.text(s)),
                    site: self.site(&frame["at"]),
                    in_project: true,
                    exception: 0,
                })
                .collect(),
            values: values
                .map(|value| ValueRecord {
                    name: self.text(&value[0]),
                    repr: self.text(&value[1]),
                    site: failing.clone(),
                })
                .collect(),
            failing,
            comparison: None,
            log: self.redactor.text(""),
            duration: None,
            reruns: 0,
            detail,
        }
    }

    /// `{"title", "at": [path, line], "columns": [from, to], "text", "verified"}`
    fn fix(&self, json: &Json) -> Fix {
        use sha2::Digest as _;
        let mut site = self.site(&json["at"]).unwrap();
        let column = |n: usize| u32::try_from(json["columns"][n].as_u64().unwrap()).unwrap();
        site.place.columns = Some((column(0), column(1)));
        let source = self.workspace.source(&site.place.path).unwrap();
        let digest = sha2::Sha256::digest(source.text().as_bytes());
        let state =
            if json["verified"] == true { VerificationState::Verified } else { VerificationState::NotRun };
        Fix {
            title: self.text(&json["title"]),
            rationale: self.redactor.text("because"),
            kind: FixKind::Edit,
            target: FixTarget::Code,
            edits: vec![Edit {
                site,
                new_text: json["text"].as_str().unwrap().to_owned(),
                shown: self.text(&json["text"]),
                lines: None,
                digest: digest.iter().fold(String::new(), |mut hex, byte| {
                    use std::fmt::Write as _;
                    let _ = write!(hex, "{byte:02x}");
                    hex
                }),
            }],
            command: None,
            proposed_by: None,
            verification: Verification { state, ..Verification::default() },
        }
    }
}

/// A project in a temporary folder.
pub struct Project {
    folder: tempfile::TempDir,
}

impl Project {
    /// With a source, a test that fails because of it, and results that say so.
    pub fn new() -> Self {
        let project = Self::empty();
        project.write("shop.py", SHOP);
        project.write("test_shop.py", TEST);
        project.write("run.results", &results(&[cluster()]));
        project
    }

    pub fn empty() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    /// Replaces a file, in one step as pytest's reporters do not.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    pub fn remove(&self, name: &str) {
        std::fs::remove_file(self.path(name)).unwrap();
    }
}

pub const SHOP: &str = "\
def total(items):
    sum_ = 0
    for price in items:
        sum_ += price
    return sum_ + 1


def other():
    return 1
";

pub const TEST: &str = "\
from shop import total


def test_total():
    items = [1, 2]
    assert total(items) == 3


def test_nothing():
    assert total([]) == 0
";

/// The text of a result file.
pub fn results(clusters: &[Json]) -> String {
    serde_json::json!({ "clusters": clusters, "passed": ["test_shop.py::test_nothing"] }).to_string()
}

/// `total` adds one too many, and one test sees it.
pub fn cluster() -> Json {
    serde_json::json!({
        "fingerprint": "f1",
        "cause": "total adds 1 to the sum",
        "suggestion": "Return the sum as it is",
        "culprit": ["shop.py", 5],
        "evidence": [{ "text": "total returned 4", "at": ["shop.py", 5] }, { "text": "3 was expected" }],
        "tests": [{
            "id": "test_shop.py::test_total",
            "at": ["test_shop.py", 6],
            "def": ["test_shop.py", 4],
            "message": "assert 4 == 3",
            "frames": [{ "at": ["test_shop.py", 6], "function": "test_total", "source": "assert total(items) == 3" }],
            "values": [["total(items)", "4"], ["items", "[1, 2]"]],
        }],
        "fixes": [{ "title": "Return `sum_`", "at": ["shop.py", 5], "columns": [12, 20], "text": "sum_" }],
    })
}
