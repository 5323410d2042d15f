//! What is done in the background after each analysis, where the settings say so.

use std::collections::HashMap;
use std::future::Future;
use std::path::PathBuf;

use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::engine::{Handle, News};

/// Calls `work` with every folder that has something new. New results of a folder cancel what is being done with the
/// ones before, and with what a model has said of them; the end of the engine cancels everything.
pub fn on_news<F>(engine: &Handle, work: impl Fn(News, CancellationToken) -> F + Send + 'static)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut news = engine.news();
    tokio::spawn(async move {
        let mut running: HashMap<PathBuf, (CancellationToken, DropGuard)> = HashMap::new();
        loop {
            let news = match news.recv().await {
                Ok(news) => news,
                Err(RecvError::Lagged(_)) => continue,
                Err(RecvError::Closed) => return,
            };
            let known = running.get(&news.root).filter(|_| news.of_model).map(|(cancel, _)| cancel.clone());
            let cancel = known.unwrap_or_else(|| {
                let cancel = CancellationToken::new();
                running.insert(news.root.clone(), (cancel.clone(), cancel.clone().drop_guard()));
                cancel
            });
            tokio::spawn(work(news, cancel));
        }
    });
}
