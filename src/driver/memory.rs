//! Asks and tells the application's memory without waiting for it.
//!
//! One job at a time runs in the blocking pool; what it comes to is taken in
//! one of the driver's next turns. Words that wait are kept when the driver
//! goes: whoever works on them goes on to the last.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::Driver;
use crate::contain::contain;
use crate::keeper::{Event, Input, Learned, MemoryFault, Recalled};
use crate::store::{IntervalMemory, MemoryError, PathKey};
use crate::transport::Transport;

/// Paths of which a word may wait; of more, the oldest is dropped. A host
/// that changes its network faster than a memory can write gains nothing by
/// being remembered.
const WAITING: usize = 8;

/// The driver's side of a memory.
pub(super) struct Remembrance {
    work: Arc<Work>,
    /// The fault that was last told, until something works.
    told: Option<MemoryFault>,
}

/// What is to be done, and what came of it.
struct Work {
    memory: Arc<dyn IntervalMemory>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// What waits to be remembered, the oldest first.
    words: VecDeque<(PathKey, Learned)>,
    question: Option<Question>,
    /// Somebody works.
    busy: bool,
    answers: VecDeque<Answer>,
    driver: Option<Waker>,
}

/// What is to be recalled.
struct Question {
    path: PathKey,
    network: Option<Arc<str>>,
}

enum Job {
    Remember(PathKey, Learned),
    Recall(Question),
}

enum Answer {
    /// It worked.
    Remembered,
    /// It worked.
    Recalled {
        network: Option<Arc<str>>,
        recalled: Option<Recalled>,
    },
    Failed(MemoryFault),
}

impl Remembrance {
    pub(super) fn new(memory: Arc<dyn IntervalMemory>) -> Remembrance {
        let work = Arc::new(Work { memory, state: Mutex::default() });
        Remembrance { work, told: None }
    }

    fn recall(&self, path: PathKey, network: Option<Arc<str>>) {
        // Only the network that the host is on now matters.
        self.work.lock().question = Some(Question { path, network });
        self.start();
    }

    fn remember(&self, path: PathKey, learned: Learned) {
        let mut state = self.work.lock();
        state.words.retain(|(waiting, _)| *waiting != path);
        if state.words.len() == WAITING {
            state.words.pop_front();
        }
        state.words.push_back((path, learned));
        drop(state);
        self.start();
    }

    /// Sees to it that somebody works.
    fn start(&self) {
        if std::mem::replace(&mut self.work.lock().busy, true) {
            return;
        }
        let work = Arc::clone(&self.work);
        if contain(|| work.memory.blocks()).unwrap_or(true) {
            tokio::task::spawn_blocking(move || work.all());
        } else {
            work.all();
        }
    }

    fn poll_answer(&self, cx: &mut Context<'_>) -> Poll<Answer> {
        let mut state = self.work.lock();
        if let Some(answer) = state.answers.pop_front() {
            return Poll::Ready(answer);
        }
        match &mut state.driver {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        Poll::Pending
    }
}

impl Work {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does all that waits.
    fn all(&self) {
        while let Some(job) = self.next_job() {
            // What the memory says of its error is code of its own, too.
            let answer = contain(|| {
                self.one(job).unwrap_or_else(|error| {
                    tell_log(&error);
                    Answer::Failed(error.fault())
                })
            });
            let answer = answer.unwrap_or(Answer::Failed(MemoryFault::Panicked));
            let mut state = self.lock();
            state.answers.push_back(answer);
            let driver = state.driver.take();
            drop(state);
            if let Some(driver) = driver {
                driver.wake();
            }
        }
    }

    /// The next job; what is to be kept goes before what is asked. Without
    /// one, nobody works any more.
    fn next_job(&self) -> Option<Job> {
        let mut state = self.lock();
        let word = state.words.pop_front().map(|(path, learned)| Job::Remember(path, learned));
        let job = word.or_else(|| state.question.take().map(Job::Recall));
        state.busy = job.is_some();
        job
    }

    fn one(&self, job: Job) -> Result<Answer, MemoryError> {
        match job {
            Job::Remember(path, learned) => {
                self.memory.remember(&path, &learned)?;
                Ok(Answer::Remembered)
            }
            Job::Recall(Question { path, network }) => {
                let recalled = self.memory.recall(&path)?;
                Ok(Answer::Recalled { network, recalled })
            }
        }
    }
}

fn tell_log(error: &MemoryError) {
    match std::error::Error::source(error) {
        Some(source) => tracing::warn!(target: "longlink", "{error}: {source}"),
        None => tracing::warn!(target: "longlink", "{error}"),
    }
}

impl<T: Transport> Driver<T> {
    /// Asks for what is remembered of a path.
    pub(super) fn recall(&mut self, network: Option<Arc<str>>, route: usize) {
        if let Some(path) = self.path(network.as_deref(), route)
            && let Some(memory) = &self.memory
        {
            memory.recall(path, network);
        }
    }

    /// Keeps what was learned of a path.
    pub(super) fn remember(&mut self, network: Option<&str>, route: usize, learned: Learned) {
        if let Some(path) = self.path(network, route)
            && let Some(memory) = &self.memory
        {
            memory.remember(path, learned);
        }
    }

    /// The name by which a path is remembered, if it is.
    fn path(&self, network: Option<&str>, route: usize) -> Option<PathKey> {
        self.memory.as_ref()?;
        match contain(|| self.transport.endpoint(route)) {
            Ok(endpoint) => Some(PathKey::new(network, endpoint?)),
            Err(_) => {
                self.count_panic();
                None
            }
        }
    }

    /// Takes what the memory says.
    pub(super) fn take_answers(&mut self, cx: &mut Context<'_>) {
        while let Some(memory) = &mut self.memory
            && let Poll::Ready(answer) = memory.poll_answer(cx)
        {
            let told = match &answer {
                Answer::Remembered | Answer::Recalled { .. } => None,
                Answer::Failed(fault) => Some(*fault),
            };
            let news = told.filter(|_| memory.told != told);
            memory.told = told;
            if let Some(fault) = news {
                self.tell(&Event::MemoryFailed { fault });
            }
            match answer {
                Answer::Recalled { network, recalled } => {
                    let now = self.now();
                    self.keeper.handle(Input::Recalled { network: network.as_deref(), recalled }, now);
                    self.execute();
                }
                Answer::Failed(MemoryFault::Panicked) => self.count_panic(),
                Answer::Remembered | Answer::Failed(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    /// Notes every word, and answers no question before it is let.
    struct Stuck {
        let_go: Mutex<mpsc::Receiver<()>>,
        words: Mutex<mpsc::Sender<(String, Duration)>>,
    }

    impl IntervalMemory for Stuck {
        fn recall(&self, _: &PathKey) -> Result<Option<Recalled>, MemoryError> {
            let _ = self.let_go.lock().unwrap().recv();
            Ok(None)
        }

        fn remember(&self, path: &PathKey, learned: &Learned) -> Result<(), MemoryError> {
            let word = (path.endpoint.clone(), learned.proven);
            self.words.lock().unwrap().send(word).map_err(|_| MemoryError::new(MemoryFault::Refused))
        }
    }

    #[tokio::test]
    async fn of_words_that_wait_the_last_of_each_path_counts_and_there_are_eight() {
        let (let_go, waits) = mpsc::channel();
        let (says, words) = mpsc::channel();
        let memory = Stuck { let_go: Mutex::new(waits), words: Mutex::new(says) };
        let remembrance = Remembrance::new(Arc::new(memory));
        let path = |name: &str| PathKey::new(None, name);
        let known = |secs| Learned::new(Duration::from_secs(secs));
        remembrance.recall(path("a"), None);
        // Until somebody works on the question, words go before it.
        while remembrance.work.lock().question.is_some() {
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
