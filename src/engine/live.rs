//! Event streams of runs that are still going: what they tell so far, without reading them from the start again
//! each time a test ends.

use std::collections::HashSet;
use std::io::Read as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::front;
use crate::ingest::events::{self, Assembler};
use crate::model::{Outcome, Run};
use crate::pytest::events::{Event, MAGIC, Verdict};
use crate::pytest::follow::Follower;

/// How often to look whether the process behind a stream that is silent still lives.
pub const LOOK: Duration = Duration::from_secs(1);
/// How long a stream may be silent, if nothing is known of its process, before it is taken as it is.
const SILENT: Duration = Duration::from_mins(1);

/// A stream that is being written.
#[derive(Debug)]
pub struct Live {
    follower: Follower,
    assembler: Assembler,
}

/// What a stream has told since the last time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum News {
    /// Nothing that changes what fails.
    Nothing,
    /// Something failed, or passed that failed before.
    Results,
    /// The run is over, its process has ended, or the file cannot be followed: it is to be read as any other.
    Over,
}

impl Live {
    /// Begins to follow the file at `path` of the workspace at `root`, if it is an event stream.
    pub fn new(root: &Path, path: &Path) -> Option<Self> {
        let mut head = [0; MAGIC.len()];
        std::fs::File::open(path).ok()?.read_exact(&mut head).ok()?;
        events::matches(&head).then(|| Self {
            follower: Follower::new(path),
            assembler: Assembler::new(&front::name(root, path), front::read_options(root)),
        })
    }

    /// Reads on. `failing` says which tests fail as far as is known elsewhere; `silence` is how long nothing
    /// was written.
    pub fn poll(&mut self, failing: &HashSet<&str>, silence: Duration) -> News {
        let Some(mut found) = self.read_on(failing) else { return News::Over };
        let is_running = self.assembler.process_is_running();
        if is_running == Some(false) {
            // What it wrote last may have come since.
            found = found.max(self.read_on(failing).unwrap_or(News::Over));
        }
        let is_over = match is_running {
            _ if self.assembler.is_finished() => true,
            Some(is_running) => !is_running,
            None => silence > SILENT,
        };
        if is_over { News::Over } else { found }
    }

    /// Takes what has been appended; `None` if the file cannot be followed.
    fn read_on(&mut self, failing: &HashSet<&str>) -> Option<News> {
        let mut found = News::Nothing;
        loop {
            let news = self.follower.poll().ok().filter(|news| !news.restarted)?;
            for event in news.events {
                let tells = match &event {
                    Event::Failure(failure) => failure.outcome == Verdict::Failed,
                    Event::End(end) => {
                        !matches!(end.outcome, Outcome::Failed | Outcome::Error)
                            && failing.contains(end.id.as_str())
                    }
                    _ => false,
                };
                if tells {
                    found = News::Results;
                }
                self.assembler.push(event);
            }
            if !news.more {
                return Some(found);
            }
        }
    }

    /// What is known so far; `modified` dates it.
    pub fn run(&self, modified: Option<SystemTime>) -> Run {
        let mut run = self.assembler.clone().finish(modified);
        // Without it the run would count as one with the run that ended just before it began.
        run.duration = modified
            .zip(run.started)
            .and_then(|(end, start)| Some(end.duration_since(start).ok()?.as_secs_f64()));
        run
    }
}
