//! Failscope finds the root cause of pytest failures and shows it in the editor, the terminal and CI.
//!
//! pytest results in → failures → evidence → clusters → diagnoses (cause, place, fix) → editor, terminal,
//! CI and `.failscope/`. There is one pipeline, [`analysis::analyze`], and it is pure: the language server,
//! the command line and `pytest --failscope` are three thin fronts over it, and the same run gives the same
//! [`model::Analysis`] in all three.
//!
//! | module | what it holds | what it may not do |
//! |---|---|---|
//! | [`model`] | the words of the domain as plain types | protocol, I/O |
//! | [`ingest`] | one reader per result format, all giving the same [`model::Run`] | decide what a failure means |
//! | [`evidence`] | tracebacks and assertions taken apart, noise, truncation, redaction | touch the network |
//! | [`cluster`] | fingerprints and grouping | look at anything but the failures and the sources of their frames |
//! | [`diagnose`] | cause, place, category, severity of each cluster | publish anything |
//! | [`replay`] | a machine for small pure Python programs, to see what would mend a failure | reach outside: files, network, clock, processes |
//! | [`fix`] | edits, tried on a throw-away copy of the workspace | write the workspace |
//! | [`analysis`] | the pipeline from a run to an analysis | time, environment |
//! | [`history`] | the store of runs, and the stability of each test over them | start processes, decide what is shown |
//! | [`report`] | JSON, HTML, Markdown, SARIF, CTRF, GitHub annotations | accept unredacted text |
//! | [`workspace`] | configuration, discovery of results, sources, Python syntax | hold live state |
//! | [`pytest`] | starting pytest and the plugin's event schema | interpret results |
//! | [`engine`] | the one owner of live state | name protocol types |
//! | [`lsp`] | the language server | be named outside this folder |
//! | [`front`] | what the command line, the language server and `failscope run` do alike | know which of them asks |
//! | [`cli`] | one file per subcommand | analyse by itself |
//! | [`system`] | clock, environment, working directory | |

pub mod analysis;
pub mod cli;
pub mod cluster;
pub mod diagnose;
pub mod engine;
pub mod evidence;
pub mod fix;
pub mod front;
pub mod history;
pub mod ingest;
pub mod lsp;
pub mod model;
pub mod pytest;
pub mod replay;
pub mod report;
pub mod system;
pub mod workspace;
