//! Analyses made by hand, for the tests of what is written from them. Their texts look like those of real runs;
//! some are hostile.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use failscope::evidence::redact::Redactor;
use failscope::model::{
    Also, Analysis, Category, Cluster, Comparison, Counts, Culprit, Detail, Diagnosis, Edit, EvidenceItem,
    Exit, FailureId, FailureKind, FailureRecord, Fingerprint, Fix, FixKind, FixTarget, FrameRecord, Grade,
    HistorySummary, ModelRun, ModelState, Part, Phase, Place, Redacted, RelPath, ResultFormat, RunPoint,
    RunSummary, Severity, ShownProblem, Since, Site, Source, Stability, TestId, Trend, ValueRecord, Verdict,
    Verification, VerificationState,
};

const CATEGORIES: [Category; 9] = [
    Category::AssertionFailure,
    Category::Timeout,
    Category::ConnectionError,
    Category::EnvIssue,
    Category::FlakyTest,
    Category::DataIssue,
    Category::ImportError,
    Category::PermissionError,
    Category::Other,
];
const SEVERITIES: [Severity; 4] = [Severity::Low, Severity::Medium, Severity::High, Severity::Critical];
const PHASES: [Phase; 4] = [Phase::Call, Phase::Setup, Phase::Teardown, Phase::Collect];
const STATES: [VerificationState; 5] = [
    VerificationState::NotRun,
    VerificationState::Verified,
    VerificationState::NoHelp,
    VerificationState::Breaks,
    VerificationState::TimedOut,
];

/// Text that would do harm if a writer took it for more than text.
pub const HOSTILE: &str = "</script><script>window.hacked=1</script><img src=x onerror=\"window.hacked=1\">\
    <!-- ::error file=a.py::owned %0A | `cell` [link](javascript:alert(1)) @everyone ${{ secrets.X }} \u{1b}[2J\u{202e}\r\n::set-output name=x::y";

/// `text` as it leaves the redactor.
pub fn shown(text: &str) -> Redacted {
    Redactor::default().text(text)
}

/// A place in the sample project.
pub fn site(path: &str, line: u32, function: &str, source: &str) -> Site {
    let relative = RelPath::new(path).unwrap();
    Site {
        place: Place { function: Some(function.into()), ..Place::line(relative, line) },
        path: shown(path),
        function: Some(shown(function)),
        source: Some(shown(source)),
    }
}

/// An analysis with `n` findings; `log` bytes of output in each.
pub fn analysis(n: usize, log: usize) -> Analysis {
    Analysis {
        run: RunSummary {
            sources: vec![(shown("reports/junit.xml"), ResultFormat::Junit, Some(1_795_350_000.0))],
            root: Some(shown("/home/dev/trips")),
            started: Some(1_795_349_912.0),
            duration: Some(88.4),
            args: vec![shown("-q"), shown("tests")],
            exit: Exit::Code(i32::from(n > 0)),
            counts: Counts { passed: 941, failed: n as u64, skipped: 12, xfailed: 3, ..Counts::default() },
            ..RunSummary::default()
        },
        clusters: (0..n).map(|index| cluster(index, log)).collect(),
        problems: if n == 0 {
            Vec::new()
        } else {
            vec![ShownProblem {
                file: shown("reports/shard-3.xml"),
                offset: Some(81_920),
                message: shown("the file stops in the middle of a test case; 412 tests before it were read"),
            }]
        },
        redactions: if n == 0 {
            BTreeMap::new()
        } else {
            [("api_key".to_owned(), 2), ("password".to_owned(), 1)].into()
        },
        model: ModelRun {
            state: if n == 0 { ModelState::NotAsked } else { ModelState::Partial },
            provider: Some("ollama".to_owned()),
            model: Some(shown("llama3.2")),
            reason: shown("the budget of 12 calls is spent"),
            answered: n.div_ceil(4) as u64,
            calls: 12,
            input_tokens: 48_000,
            output_tokens: 3_100,
            cost: Some(0.0),
            notes: vec![shown("the model takes no temperature; it was left out")],
            ..ModelRun::default()
        },
        redactor: Redactor::default(),
        history: (n > 1).then(|| history(n)),
    }
}

/// Forty runs in which less and less passes.
fn history(n: usize) -> HistorySummary {
    let run = |at: u64| RunPoint {
        time: 1_793_000_000.0 + at as f64 * 60_000.0,
        duration: (at % 7 != 3).then_some(60.0 + (at % 5) as f64 * 9.0),
        passed: 1000 - at * at / 4,
        failed: at * at / 4,
        other: 12,
        commit: (!at.is_multiple_of(3)).then(|| format!("{:040x}", at * 0x1234_5678_9abc)),
        dirty: (!at.is_multiple_of(3)).then_some(at.is_multiple_of(2)),
    };
    HistorySummary {
        runs: (0..40).map(run).collect(),
        grades: Grade::ALL.into_iter().zip([900, 40, 20, 9, 24, 19]).collect(),
        flaky: 17,
        slow: 5,
        new_causes: Some((0..n).step_by(4).map(|index| cluster(index, 0).fingerprint.0).collect()),
    }
}

fn cluster(index: usize, log: usize) -> Cluster {
    let module = ["route", "trip", "booking", "fare", "station"][index % 5];
    let path = format!("src/trips/{module}_{}.py", index / 5 % 40);
    let line = 20 + (index % 300) as u32;
    let culprit = site(&path, line, "Route.length", "return sum(leg.km for leg in self.legs[1:])");
    let failures = 1 + if index.is_multiple_of(7) { 20 } else { index % 3 };
    let hostile = index % 5 == 3;
    Cluster {
        fingerprint: Fingerprint(format!(
            "{:016x}{:048x}",
            (index as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15),
            index
        )),
        failures: (0..failures).map(|n| failure(index, n, &path, line, log)).collect(),
        diagnosis: Diagnosis {
            root_cause: shown(&if hostile {
                format!("`parse` of {module} {index} gave {HOSTILE}")
            } else {
                format!(
                    "`Route.length` leaves out the first leg: `legs[1:]` drops it, so {module} {index} is {} km short",
                    index + 1
                )
            }),
            category: CATEGORIES[index % CATEGORIES.len()],
            severity: SEVERITIES[index % SEVERITIES.len()],
            fix_suggestion: shown("Sum over all of `self.legs` instead of `self.legs[1:]`."),
            confidence: (index % 11) as f64 / 10.0,
            evidence: vec![
                EvidenceItem {
                    id: "E1".to_owned(),
                    text: shown("`length()` returned 10.5, the test expects 13.7"),
                    site: Some(site(
                        "tests/test_route.py",
                        20,
                        "test_length",
                        "assert route.length() == 13.7",
                    )),
                },
                EvidenceItem {
                    id: "E2".to_owned(),
                    text: shown("the difference 3.2 is `legs[0].km`"),
                    site: None,
                },
            ],
            source: match index % 4 {
                0 => Source::Model("ollama".to_owned(), "llama3.2".to_owned()),
                1 => Source::None,
                _ => Source::Rule("assertion-slice"),
            },
            was_critic_override: index.is_multiple_of(8),
            notes: if index % 4 == 1 {
                vec![shown("A run with --showlocals would settle it.")]
            } else {
                Vec::new()
            },
        },
        culprits: vec![
            Culprit {
                site: culprit.clone(),
                score: 0.9,
                reasons: vec![shown("the wrong value was computed here")],
            },
            Culprit {
                site: site(&path, line + 9, "Route.add", "self.legs.append(leg)"),
                score: 0.3,
                reasons: vec![],
            },
        ],
        also: if index % 9 == 4 {
            vec![Also {
                fingerprint: Fingerprint(format!("{index:064x}")),
                tests: 14,
                reason: shown("both values come from `Route.length`"),
            }]
        } else {
            Vec::new()
        },
        parts: if index % 9 == 5 {
            vec![Part { tests: vec![shown("tests/test_route.py::test_far")], site: culprit.clone() }]
        } else {
            Vec::new()
        },
        since: (index % 6 == 2).then(|| shown("passed 3 commits ago; src/route.py:57 changed since")),
        fixes: if index.is_multiple_of(2) { vec![edit(&culprit, index), command()] } else { Vec::new() },
        stability: (index % 6 == 2).then(|| Stability {
            grade: Grade::C,
            flakiness_score: 58,
            flakiness_interval: (30, 86),
            verdict: Verdict::Flaky,
            trend: Trend::Degrading,
            pass_rate: Some(0.72),
            pass_rate_interval: Some((0.52, 0.87)),
            flaky_probability: 0.998,
            recent: "PPPFPPSPFFPPRPPXPFPF".to_owned(),
            total_runs: 18,
            failed_runs: 5,
            same_code_flips: 2,
            avg_duration: Some(1.25),
            slow: true,
            failing_since: Some(Since {
                time: 1_795_349_912.0,
                commit: Some("5e1f0a7c".to_owned()),
                last_passed_commit: None,
                runs: 1,
            }),
        }),
        offline: None,
    }
}

fn edit(culprit: &Site, index: usize) -> Fix {
    let mut at = culprit.clone();
    at.place.columns = Some((16, 42));
    Fix {
        title: shown("Sum over all legs"),
        rationale: shown("The first leg is part of the route."),
        kind: FixKind::Edit,
        target: FixTarget::Code,
        edits: vec![Edit {
            site: at,
            new_text: "leg.km for leg in self.legs".to_owned(),
            shown: shown("leg.km for leg in self.legs"),
            lines: Some((
                shown("        return sum(leg.km for leg in self.legs[1:])\n"),
                shown("        return sum(leg.km for leg in self.legs)\n"),
            )),
            digest: "0".repeat(64),
        }],
        command: None,
        proposed_by: None,
        verification: Verification {
            state: STATES[index / 2 % STATES.len()],
            passed: vec![shown("tests/test_route.py::test_length")],
            broken: Vec::new(),
            reason: None,
        },
    }
}

fn command() -> Fix {
    Fix {
        title: shown("Install the missing package"),
        rationale: Redacted::default(),
        kind: FixKind::Command,
        target: FixTarget::Environment,
        edits: Vec::new(),
        command: Some(shown("python -m pip install 'geo<3' && echo \"$HOME\"")),
        proposed_by: None,
        verification: Verification::default(),
    }
}

fn failure(index: usize, n: usize, path: &str, line: u32, log: usize) -> FailureRecord {
    let test = format!("tests/test_route_{}.py::TestLength::test_length[{index}-{n}-größe]", index % 50);
    let failing = site("tests/test_route.py", 20, "test_length", "assert route.length() == 13.7");
    let mut output = format!(
        "    def test_length():\n        route = Route(legs)\n>       assert route.length() == 13.7\nE       assert 10.5 == 13.7\nE        +  where 10.5 = length()\n\ntests/test_route.py:20: AssertionError\n----- Captured stdout call -----\n{}\n",
        if index % 5 == 3 { HOSTILE } else { "reading legs" }
    );
    let mut count = 0;
    while output.len() < log {
        count += 1;
        let _ = writeln!(
            output,
            "DEBUG trips.route:route.py:{count} leg {count} of {index} is {}.5 km long <b>&amp;",
            count % 17
        );
    }
    FailureRecord {
        id: FailureId(format!("{index:032x}{n:032x}")),
        test_id: TestId::new(&test),
        test: shown(&test),
        phase: PHASES[(index + n) % PHASES.len()],
        subtest: (index % 9 == 4).then(|| shown("[leg] (i=1)")),
        kind: FailureKind::Exception,
        failing: Some(failing.clone()),
        definition: Some(site("tests/test_route.py", 17, "test_length", "def test_length():")),
        exception: shown("AssertionError"),
        message: shown(if index % 5 == 3 {
            HOSTILE
        } else {
            "assert 10.5 == 13.7\n +  where 10.5 = length()"
        }),
        frames: vec![
            FrameRecord {
                path: shown("tests/test_route.py"),
                line: 20,
                function: Some(shown("test_length")),
                source: Some(shown("assert route.length() == 13.7")),
                site: Some(failing.clone()),
                in_project: true,
                exception: 1,
            },
            FrameRecord {
                path: shown(path),
                line,
                function: Some(shown("length")),
                source: None,
                site: Some(site(path, line, "Route.length", "return sum(leg.km for leg in self.legs[1:])")),
                in_project: true,
                exception: 1,
            },
            FrameRecord {
                path: shown("/usr/lib/python3.11/json/decoder.py"),
                line: 355,
                function: Some(shown("raw_decode")),
                source: Some(shown("raise JSONDecodeError(\"Expecting value\", s, err.value) from None")),
                site: None,
                in_project: false,
                exception: 0,
            },
        ],
        values: vec![
            ValueRecord { name: shown("route.length()"), repr: shown("10.5"), site: Some(failing) },
            ValueRecord {
                name: shown("self.legs"),
                repr: shown(if index % 5 == 3 { HOSTILE } else { "[Leg(km=3.2), Leg(km=10.5)]" }),
                site: None,
            },
        ],
        comparison: Some(Comparison {
            operator: shown("=="),
            left: shown("{'km': 10.5, 'legs': 2, 'to': 'Graz'}"),
            right: shown("{'km': 13.7, 'legs': 2, 'to': 'Graz'}"),
        }),
        log: shown(&output),
        duration: Some(0.25),
        reruns: (index % 10 == 9).into(),
        detail: Detail::Traceback,
    }
}
