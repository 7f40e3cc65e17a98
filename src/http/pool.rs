//! A few threads that ask the database, each with a read-only handle of its own.
//! SQLite blocks, so no question is asked where requests are taken; and there are
//! no more threads than processors, because more would only take turns on these
//! and each keep a cache and an arena of memory.

use std::os::unix::fs::MetadataExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use tokio::sync::{Semaphore, SemaphorePermit, oneshot};

use crate::store::{Reader, Signatures, StoreError};

use super::answer::Failure;

/// Threads at most, and so questions at a time.
const MOST_THREADS: usize = 4;

/// Questions that are handed over for each thread: the one that it asks, and one more
/// that waits beside it, so that no thread waits for the runtime to hand it the next.
const HANDED_OVER: usize = 2;

/// How long a question may wait for its turn.
const TURN: Duration = Duration::from_secs(20);

type Job = Box<dyn FnOnce(&mut Desk) + Send>;

/// The threads.
#[derive(Debug, Clone)]
pub(super) struct Pool {
    path: Arc<Path>,
    turns: Arc<Semaphore>,
    /// Ends the threads when the last of it is dropped.
    jobs: Sender<Job>,
}

impl Pool {
    pub(super) fn new(path: PathBuf) -> Self {
        let path: Arc<Path> = path.into();
        let (jobs, waiting) = channel();
        let waiting = Arc::new(Mutex::new(waiting));
        let signatures = Arc::default();
        for _ in 0..threads() {
            let desk = Desk {
                path: Arc::clone(&path),
                handle: None,
                stop: Arc::default(),
                signatures: Arc::clone(&signatures),
            };
            let waiting = Arc::clone(&waiting);
            std::thread::spawn(move || work(desk, &waiting));
        }
        Self {
            path,
            turns: Arc::new(Semaphore::new(HANDED_OVER * threads())),
            jobs,
        }
    }

    /// Where the database is, or will be.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Asks the database; `None` where there is none yet.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        ask: impl FnOnce(Option<&Reader>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        self.try_read(|reader| match reader {
            Ok(reader) => ask(reader),
            Err(error) => Err(error.into()),
        })
        .await
    }

    /// Asks the database, or learns why it cannot be opened. Whoever does not
    /// wait for the answer any more takes the question back.
    pub(super) async fn try_read<T: Send + 'static>(
        &self,
        ask: impl FnOnce(Result<Option<&Reader>, StoreError>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let (tell, told) = oneshot::channel();
        let question = Arc::new(Question::default());
        let asker = Asker(Arc::clone(&question));
        let job = Box::new(move |desk: &mut Desk| {
            if let Some(answer) = desk.answer(&question, ask) {
                // Who has gone hears nothing.
                drop(tell.send(answer));
            }
        });
        let turn = self.hand_over(job).await?;
        let answer = told.await;
        // Here and not by the thread, which would wake the runtime once more for it.
        // Of a question that is taken back the turn is free a moment early.
        drop((asker, turn));
        answer.unwrap_or_else(|_| {
            Err(Failure::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the request failed; see the log",
            ))
        })
    }

    /// Gives a thread something to do when its turn has come; the turn lasts until it
    /// is dropped.
    async fn hand_over(&self, job: Job) -> Result<SemaphorePermit<'_>, Failure> {
        let turn = tokio::time::timeout(TURN, self.turns.acquire())
            .await
            .map_err(|_| Failure::unavailable("the database is busy; try again"))?
            .map_err(|_| Failure::unavailable("the server is ending"))?;
        self.jobs
            .send(job)
            .map_err(|_| Failure::unavailable("the server is ending"))?;
        Ok(turn)
    }
}

/// One question that takes long must not keep all others waiting.
fn threads() -> usize {
    std::thread::available_parallelism()
        .map_or(2, |processors| processors.get().clamp(2, MOST_THREADS))
}

/// Does what is wanted until nobody can want anything any more.
fn work(mut desk: Desk, waiting: &Mutex<Receiver<Job>>) {
    loop {
        let job = locked(waiting).recv();
        let Ok(job) = job else {
            return;
        };
        if catch_unwind(AssertUnwindSafe(|| job(&mut desk))).is_err() {
            // The panic is in the log; its handle may be in any state.
            desk.handle = None;
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How far a question has come.
#[derive(Debug, Default)]
enum Stage {
    #[default]
    Waiting,
    /// By a thread that stops when this is true.
    Asked(Arc<AtomicBool>),
    Over,
}

#[derive(Debug, Default)]
struct Question(Mutex<Stage>);

/// Whoever waits for the answer. A client that hangs up drops it.
struct Asker(Arc<Question>);

impl Drop for Asker {
    fn drop(&mut self) {
        // Under the lock: the thread must not have gone on to another question.
        let mut stage = locked(&self.0.0);
        if let Stage::Asked(stop) = &*stage {
            stop.store(true, Ordering::Relaxed);
        }
        *stage = Stage::Over;
    }
}

/// A reader, and the file that it was opened on: the file can be replaced.
#[derive(Debug)]
struct Handle {
    reader: Reader,
    file: (u64, u64),
}

/// What the handles of a file know of its vectors together.
type Shared = Mutex<Option<((u64, u64), Signatures)>>;

/// What a thread has.
#[derive(Debug)]
struct Desk {
    path: Arc<Path>,
    handle: Option<Handle>,
    /// Whether the question that is asked now has been taken back.
    stop: Arc<AtomicBool>,
    signatures: Arc<Shared>,
}

impl Desk {
    /// `None` where nobody waits for the answer any more.
    fn answer<T>(
        &mut self,
        question: &Question,
        ask: impl FnOnce(Result<Option<&Reader>, StoreError>) -> T,
    ) -> Option<T> {
        {
            let mut stage = locked(&question.0);
            if matches!(*stage, Stage::Over) {
                return None;
            }
            self.stop.store(false, Ordering::Relaxed);
            *stage = Stage::Asked(Arc::clone(&self.stop));
        }
        let answer = ask(self.reader());
        *locked(&question.0) = Stage::Over;
        Some(answer)
    }

    /// The handle of the file that is there now.
    fn reader(&mut self) -> Result<Option<&Reader>, StoreError> {
        let file = identity(&self.path);
        if self.handle.as_ref().map(|handle| handle.file) != file {
            self.handle = None;
        }
        if self.handle.is_none() {
            let opened = Reader::open_for_web(&self.path)?;
            if let Some((reader, file)) = opened.zip(file) {
                let reader = reader
                    .with_signatures(&self.signatures_of(file))
                    .stopped_by(Arc::clone(&self.stop))?;
                self.handle = Some(Handle { reader, file });
            }
        }
        Ok(self.handle.as_ref().map(|handle| &handle.reader))
    }

    fn signatures_of(&self, file: (u64, u64)) -> Signatures {
        let mut known = locked(&self.signatures);
        match &*known {
            Some((of, signatures)) if *of == file => signatures.clone(),
            _ => {
                let signatures = Signatures::default();
                *known = Some((file, signatures.clone()));
                signatures
            }
        }
    }
}

/// Which file is at the path.
pub(super) fn identity(path: &Path) -> Option<(u64, u64)> {
    let file = std::fs::metadata(path).ok()?;
    Some((file.dev(), file.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Writer;

    /// A pool over an empty database.
    fn pool() -> (tempfile::TempDir, Pool) {
        let directory = tempfile::tempdir().unwrap();
        let locations = sockets_protocol::Locations::new(directory.path());
        drop(Writer::open(&locations, "test").unwrap());
        let pool = Pool::new(locations.database());
        (directory, pool)
    }

    #[tokio::test]
    async fn a_question_that_panics_spoils_no_other() {
        let (_directory, pool) = pool();
        for _ in 0..2 * threads() {
            let answer = pool.read(|_| -> Result<(), Failure> { panic!("as the test wants") });
            let failure = answer.await.unwrap_err();
            assert_eq!(failure.text(), "the request failed; see the log");
        }
        let projects = pool.read(|reader| Ok(reader.unwrap().projects()?));
        assert_eq!(projects.await.unwrap(), [""; 0]);
    }

    #[tokio::test]
    async fn who_hangs_up_takes_the_question_back() {
        let (_directory, pool) = pool();
        let (began, has_begun) = oneshot::channel();
        let (ended, has_ended) = oneshot::channel();
        let asking = pool.read(move |reader| {
            began.send(()).unwrap();
            // Takes hours, unless it is stopped.
            drop(ended.send(reader.unwrap().count_to(i64::MAX)));
            Ok(())
        });
        tokio::select! {
            _ = asking => panic!("it has ended"),
            begun = has_begun => begun.unwrap(),
        }
        let counted = tokio::time::timeout(Duration::from_secs(30), has_ended).await;
        let error = counted.unwrap().unwrap().unwrap_err();
        assert!(error.to_string().contains("interrupted"), "{error}");
        // And the handle is good for the next one.
        for _ in 0..2 * threads() {
            let counted = pool.read(|reader| Ok(reader.unwrap().count_to(10)?));
            assert_eq!(counted.await.unwrap(), 10);
        }
    }
}
