//! The jobs of the application's interval store.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::Driver;
use super::jobs::{Jobs, Worker};
use crate::contain::contain;
use crate::keeper::{Input, Learned, Recalled};
use crate::store::{IntervalStore, PathKey, StoreError};
use crate::transport::Transport;
use crate::{Event, StoreFault};

/// How many paths may wait to be remembered; of more, the oldest is dropped. A
/// host that changes its network faster than the store can write gains nothing
/// from being remembered.
const WAITING: usize = 8;

/// The driver's side of an interval store.
pub(super) struct StoreClient {
    jobs: Jobs<StoreWorker>,
    /// The fault that was last told, until a job works.
    told: Option<StoreFault>,
}

struct StoreWorker(Arc<dyn IntervalStore>);

/// Jobs to remember go before jobs to recall; of the latter only the last waits.
enum Job {
    Remember(PathKey, Learned),
    Recall { path: PathKey, network: Option<Arc<str>> },
}

enum StoreAnswer {
    /// The store has remembered a path.
    Remembered,
    /// The store has recalled a path, or knows nothing of it.
    Recalled {
        network: Option<Arc<str>>,
        recalled: Option<Recalled>,
    },
    Failed(StoreFault),
}

impl Job {
    fn is_recall(&self) -> bool {
        matches!(self, Job::Recall { .. })
    }

    fn is_of(&self, path: &PathKey) -> bool {
        matches!(self, Job::Remember(waiting, _) if waiting == path)
    }
}

impl StoreClient {
    pub(super) fn new(store: Arc<dyn IntervalStore>) -> StoreClient {
        StoreClient { jobs: Jobs::new(StoreWorker(store)), told: None }
    }

    fn recall(&self, path: PathKey, network: Option<Arc<str>>) {
        self.jobs.arrange(|waiting| {
            // Only the network that the host is on now matters.
            waiting.retain(|job| !job.is_recall());
            waiting.push_back(Job::Recall { path, network });
        });
    }

    fn remember(&self, path: PathKey, learned: Learned) {
        self.jobs.arrange(|waiting| line_up(waiting, path, learned));
    }
}

/// Adds a job to remember `learned`. Only the last such job of each path waits.
fn line_up(waiting: &mut VecDeque<Job>, path: PathKey, learned: Learned) {
    waiting.retain(|job| !job.is_of(&path));
    let question = if waiting.back().is_some_and(Job::is_recall) { waiting.pop_back() } else { None };
    if waiting.len() == WAITING {
        waiting.pop_front();
    }
    waiting.push_back(Job::Remember(path, learned));
    waiting.extend(question);
}

impl StoreWorker {
    fn one(&self, job: Job) -> Result<StoreAnswer, StoreError> {
        match job {
            Job::Remember(path, learned) => {
                self.0.remember(&path, &learned)?;
                Ok(StoreAnswer::Remembered)
            }
            Job::Recall { path, network } => {
                let recalled = self.0.recall(&path)?;
                Ok(StoreAnswer::Recalled { network, recalled })
            }
        }
    }
}

impl Worker for StoreWorker {
    type Job = Job;
    type Done = StoreAnswer;

    fn blocks(&self) -> bool {
        self.0.blocks()
    }

    fn work(&self, job: Job) -> StoreAnswer {
        self.one(job).unwrap_or_else(|error| {
            // The error's own text is code of the store's, too.
            tell_log(&error);
            StoreAnswer::Failed(error.fault())
        })
    }

    fn panicked() -> StoreAnswer {
        StoreAnswer::Failed(StoreFault::Panicked)
    }
}

fn tell_log(error: &StoreError) {
    match std::error::Error::source(error) {
        Some(source) => tracing::warn!(target: "longlink", "{error}: {source}"),
        None => tracing::warn!(target: "longlink", "{error}"),
    }
}

impl<T: Transport> Driver<T> {
    /// Asks the store what it knows of a path.
    pub(super) fn recall(&mut self, network: Option<Arc<str>>, route: usize) {
        if let Some(path) = self.path(network.as_deref(), route)
            && let Some(store) = &self.store
        {
            store.recall(path, network);
        }
    }

    /// Tells the store what was learned of a path.
    pub(super) fn remember(&mut self, network: Option<&str>, route: usize, learned: Learned) {
        if let Some(path) = self.path(network, route)
            && let Some(store) = &self.store
        {
            store.remember(path, learned);
        }
    }

    /// The name under which a path is remembered, if it has one.
    fn path(&self, network: Option<&str>, route: usize) -> Option<PathKey> {
        self.store.as_ref()?;
        match contain(|| self.transport.endpoint(route)) {
            Ok(endpoint) => Some(PathKey::new(network, endpoint?)),
            Err(_) => {
                self.count_panic();
                None
            }
        }
    }

    /// Takes the store's answers.
    pub(super) fn take_answers(&mut self, cx: &mut Context<'_>) {
        while let Some(store) = &mut self.store
            && let Poll::Ready(answer) = store.jobs.poll_done(cx)
        {
            let told = match &answer {
                StoreAnswer::Remembered | StoreAnswer::Recalled { .. } => None,
                StoreAnswer::Failed(fault) => Some(*fault),
            };
            let news = told.filter(|_| store.told != told);
            store.told = told;
            if let Some(fault) = news {
                self.tell(&Event::StoreFailed { fault });
            }
            match answer {
                StoreAnswer::Recalled { network, recalled } => {
                    let now = self.now();
                    self.keeper.handle(Input::Recalled { network: network.as_deref(), recalled }, now);
                    self.execute();
                }
                StoreAnswer::Failed(StoreFault::Panicked) => self.count_panic(),
                StoreAnswer::Remembered | StoreAnswer::Failed(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, mpsc};
    use std::time::Duration;

    use super::*;

    /// Notes every path that it is to remember, and answers no question before it is let.
    struct Stuck {
        let_go: Mutex<mpsc::Receiver<()>>,
        words: Mutex<mpsc::Sender<(String, Duration)>>,
    }

    impl IntervalStore for Stuck {
        fn recall(&self, _: &PathKey) -> Result<Option<Recalled>, StoreError> {
            let _ = self.let_go.lock().unwrap().recv();
            Ok(None)
        }

        fn remember(&self, path: &PathKey, learned: &Learned) -> Result<(), StoreError> {
            let word = (path.endpoint.clone(), learned.proven);
            self.words.lock().unwrap().send(word).map_err(|_| StoreError::new(StoreFault::Refused))
        }
    }

    #[tokio::test]
    async fn of_words_that_wait_the_last_of_each_path_counts_and_there_are_eight() {
        let (let_go, waits) = mpsc::channel();
        let (says, words) = mpsc::channel();
        let store = Stuck { let_go: Mutex::new(waits), words: Mutex::new(says) };
        let remembrance = StoreClient::new(Arc::new(store));
        let path = |name: &str| PathKey::new(None, name);
        let known = |secs| Learned::new(Duration::from_secs(secs));
        remembrance.recall(path("a"), None);
        // Jobs to remember go first until the store works on the question.
        while remembrance.jobs.waiting() > 0 {
            tokio::task::yield_now().await;
        }
        for secs in 1..=3 {
            remembrance.remember(path("b"), known(secs));
        }
        for name in ["c", "d", "e", "f", "g", "h", "i"] {
            remembrance.remember(path(name), known(10));
        }
        remembrance.remember(path("c"), known(11));
        remembrance.remember(path("j"), known(12));
        let_go.send(()).unwrap();
        drop(remembrance);
        let all = tokio::task::spawn_blocking(move || words.iter().collect::<Vec<_>>()).await.unwrap();
        let ten = Duration::from_secs(10);
        let mut expected: Vec<_> = ["d", "e", "f", "g", "h", "i"].map(|name| (name.to_owned(), ten)).into();
        expected.push(("c".to_owned(), Duration::from_secs(11)));
        expected.push(("j".to_owned(), Duration::from_secs(12)));
        assert_eq!(all, expected);
    }
}
