//! Starting Python for something else than a recorded test run.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use process_wrap::tokio::{ChildWrapper, CommandWrap};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{ChildStdin, ChildStdout};

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

/// A process that is spoken to through its standard input and output. It is asked to end by closing its input when
/// the value is dropped, and killed with its whole group a little later.
#[derive(Debug)]
pub struct Piped {
    child: Option<Box<dyn ChildWrapper>>,
    input: Option<ChildStdin>,
    output: tokio::io::Lines<BufReader<ChildStdout>>,
}

/// How long a process may take to end by itself.
const GRACE: Duration = Duration::from_secs(2);

impl Piped {
    /// Starts Python with `args` in `folder`. Needs a Tokio runtime.
    pub fn start(
        interpreter: &Interpreter,
        args: &[String],
        folder: &Path,
        environment: &[(String, String)],
    ) -> Result<Self, RunError> {
        let [program, before @ ..] = interpreter.command.as_slice() else { return Err(RunError::NoPython) };
        #[expect(clippy::disallowed_methods, reason = "this is where interpreters are started")]
        let mut command = tokio::process::Command::new(program);
        command
            .args(before)
            .args(args)
            .current_dir(folder)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut wrap = CommandWrap::from(command);
        #[cfg(unix)]
        wrap.wrap(process_wrap::tokio::ProcessGroup::leader());
        #[cfg(windows)]
        wrap.wrap(process_wrap::tokio::JobObject);
        let failed =
            |source| RunError::Start { program: program.clone(), why: interpreter.why.clone(), source };
        let mut child = wrap.spawn().map_err(failed)?;
        let (Some(input), Some(output)) = (child.stdin().take(), child.stdout().take()) else {
            return Err(failed(std::io::Error::other("it has no pipes")));
        };
        Ok(Self { child: Some(child), input: Some(input), output: BufReader::new(output).lines() })
    }

    /// Sends a line.
    pub async fn send(&mut self, line: &str) -> std::io::Result<()> {
        let Some(input) = &mut self.input else { return Err(std::io::ErrorKind::BrokenPipe.into()) };
        input.write_all(line.as_bytes()).await?;
        input.write_all(b"\n").await?;
        input.flush().await
    }

    /// The next line; `None` if the process has closed its output.
    pub async fn receive(&mut self) -> std::io::Result<Option<String>> {
        self.output.next_line().await
    }

    /// Ends the process and waits until it and all of its group are gone.
    pub async fn end(mut self) {
        self.input = None;
        if let Some(child) = self.child.take() {
            ended(child).await;
        }
    }
}

async fn ended(mut child: Box<dyn ChildWrapper>) {
    let _ = tokio::time::timeout(GRACE, child.wait()).await;
    // An error says that there is nobody left.
    let _ = child.start_kill();
    let _ = child.wait().await;
}

impl Drop for Piped {
    fn drop(&mut self) {
        self.input = None;
        if let Some(child) = self.child.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(ended(child));
        }
    }
}
