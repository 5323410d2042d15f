//! The words of the domain as plain types: no protocol, no I/O.
//!
//! [`run`] holds what came out of pytest, *raw*: it may contain secrets, and none of its types can be
//! serialised. [`analysis`] holds what is shown to people: every free text in it is [`Redacted`].
//! Lines count from 1; columns count from 1 in Unicode scalar values; frames run from the outermost call to
//! the place of the exception; an exception chain runs from the first (innermost) cause to the last exception.

pub mod analysis;
pub mod maps;
mod outcomes;
pub mod place;
pub mod run;
pub mod stability;

pub use crate::evidence::redact::Redacted;
pub use analysis::{
    Also, Analysis, Category, Cluster, Comparison, Conclusion, Culprit, Diagnosis, Edit, EvidenceItem,
    FailureId, FailureRecord, Fingerprint, Fix, FixKind, FixTarget, FrameRecord, ModelRun, ModelState, Part,
    RunSummary, Severity, ShownProblem, Source, Told, ValueRecord, Verification, VerificationState,
};
pub use outcomes::TestOutcomes;
pub(crate) use outcomes::hash;
pub use place::{Place, RelPath, Site};
pub use run::{
    Assertion, Counts, Detail, Exception, Exit, Failure, FailureKind, FixtureUse, Frame, Link, Outcome,
    Phase, Problem, ResultFormat, ResultSource, Run, Section, TestId, ToolInfo, Value,
};
pub use stability::{Grade, HistorySummary, RunPoint, Since, Stability, Trend, Verdict};
