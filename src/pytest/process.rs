//! Starting Python for something else than a test run.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use super::interpreter::Interpreter;
use super::runner::RunError;

/// How long a tool may take to say which interpreter it would start.
const PATIENCE: Duration = Duration::from_secs(20);

/// The interpreter itself, where a tool such as `uv run` would start it: in another folder the tool would make
/// another environment. Nothing is installed for that.
pub async fn resolved(interpreter: Interpreter, root: &Path) -> Result<Interpreter, RunError> {
    let [program, before @ ..] = interpreter.command.as_slice() else { return Err(RunError::NoPython) };
    if before.is_empty() {
        return Ok(interpreter);
    }
    let failed = |source| RunError::Start {
        program: interpreter.command.join(" "),
        why: interpreter.why.clone(),
        source,
    };
    #[expect(clippy::disallowed_methods, reason = "this is where interpreters are started")]
    let mut command = tokio::process::Command::new(program);
    command
        .args(before)
        .args(["-c", "import sys; print(sys.executable)"])
        .current_dir(root)
        .env("UV_NO_SYNC", "1")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output())
        .await
        .map_err(|_| failed(std::io::Error::from(std::io::ErrorKind::TimedOut)))?
        .map_err(failed)?;
    let printed = String::from_utf8_lossy(&output.stdout);
    match printed.lines().map(str::trim).rfind(|line| !line.is_empty()) {
        Some(path) if output.status.success() => {
            Ok(Interpreter { command: vec![path.to_owned()], why: interpreter.why })
        }
        _ => {
            let said = String::from_utf8_lossy(&output.stderr);
            let last = said.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
            Err(failed(std::io::Error::other(last.to_owned())))
        }
    }
}
