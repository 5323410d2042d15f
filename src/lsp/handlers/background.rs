//! What is done in the background after each analysis, where the settings say so.

use std::collections::HashMap;
use std::future::Future;
use std::path::PathBuf;

use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::engine::Handle;

/// Calls `work` with every folder that has new results. Newer results of a folder cancel what is being done with
/// the ones before; the end of the engine cancels everything.
pub fn on_new_results<F>(engine: &Handle, work: impl Fn(PathBuf, CancellationToken) -> F + Send + 'static)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut news = engine.news();
    tokio::spawn(async move {
        let mut running: HashMap<PathBuf, DropGuard> = HashMap::new();
        loop {
            let root = match news.recv().await {
                Ok(root) => root,
                Err(RecvError::Lagged(_)) => continue,
                Err(RecvError::Closed) => return,
            };
            let cancel = CancellationToken::new();
            running.insert(root.clone(), cancel.clone().drop_guard());
            tokio::spawn(work(root, cancel));
        }
    });
}
