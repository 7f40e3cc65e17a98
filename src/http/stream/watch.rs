//! Noticing that any process has committed something.
//!
//! As long as there are clients, one task asks SQLite for its data version: a
//! look into the shared index of the write-ahead log, which alone says whether
//! anything is new. When it looks is said by the kernel's notices about the files
//! (`notices.rs`); without these it looks all the time.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::store::Reader;
use crate::store::web::Cursor;

use super::super::answer::Failure;
use super::super::pool::{Pool, identity};
use super::notices::Notices;
use super::{Queue, Told};

/// How often the data version is looked at where the kernel gives no notices. That
/// was measured at 0.5 % of a processor, with notices a tenth of it; a change may
/// take 150 ms to reach a client.
const LOOK: Duration = Duration::from_millis(50);

/// From a notice to the look: the log is written to a moment before what it holds
/// counts.
const MOMENT: Duration = Duration::from_millis(5);

/// Looks that follow notices are so far apart, however many notices come.
const APART: Duration = Duration::from_millis(20);

/// After a notice the pauses between looks grow up to this: a writer may be held up
/// between writing and committing, as by a disk that it waits for.
const LONGEST_PAUSE: Duration = Duration::from_millis(160);

/// How often the data version is looked at although there was no notice. What is
/// then found was kept from us, and notices are not relied on any more.
const LOOK_ANYWAY: Duration = Duration::from_secs(2);

/// Tells clients of the stream that something is new, and reads it once for all
/// that stand at the same place.
#[derive(Debug)]
pub(in super::super) struct Hub {
    pool: Pool,
    changed: watch::Sender<u64>,
    clients: Arc<AtomicUsize>,
    latest: tokio::sync::Mutex<Option<(Cursor, u64, Arc<Told>)>>,
    watching: Arc<Mutex<bool>>,
    notices_of: NoticesOf,
}

/// Where notices about a database come from; a test has others than the kernel.
type NoticesOf = fn(&Path) -> Option<Notices>;

/// A place among the clients, until it is dropped.
#[derive(Debug)]
pub(super) struct Client(Arc<AtomicUsize>);

impl Drop for Client {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Hub {
    pub(in super::super) fn new(pool: Pool) -> Self {
        Self::hearing(pool, Notices::of)
    }

    pub(super) fn hearing(pool: Pool, notices_of: NoticesOf) -> Self {
        Self {
            notices_of,
            pool,
            changed: watch::Sender::new(0),
            clients: Arc::default(),
            latest: tokio::sync::Mutex::default(),
            watching: Arc::default(),
        }
    }

    pub(in super::super) fn clients(&self) -> usize {
        self.clients.load(Ordering::SeqCst)
    }

    /// A place for one more client; `None` where there are `most` of them.
    pub(super) fn enter(&self, most: usize) -> Option<Client> {
        let before = self.clients.fetch_add(1, Ordering::SeqCst);
        let client = Client(Arc::clone(&self.clients));
        if before >= most {
            return None;
        }
        self.watch();
        Some(client)
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// What comes after `cursor`.
    pub(super) async fn page(&self, cursor: Cursor, limit: usize) -> Result<Arc<Told>, Failure> {
        let version = *self.changed.borrow();
        let mut latest = self.latest.lock().await;
        if let Some((from, at, told)) = &*latest
            && *from == cursor
            && *at == version
        {
            return Ok(Arc::clone(told));
        }
        let told = self
            .pool
            .read(move |reader| {
                let changes = reader
                    .map(|reader| reader.changes(&cursor, limit))
                    .transpose()?
                    .unwrap_or_default();
                Ok(Arc::new(Told::new(cursor, &changes, queue(reader)?)))
            })
            .await?;
        // Rows are of use to those who stand at the same place now; they are
        // not kept when everyone has gone on.
        *latest = Some((cursor, version, Arc::clone(&told)));
        drop(latest);
        Ok(told)
    }

    /// Makes sure that somebody looks.
    fn watch(&self) {
        let mut watching = locked(&self.watching);
        if std::mem::replace(&mut *watching, true) {
            return;
        }
        drop(watching);
        let (clients, watching) = (Arc::clone(&self.clients), Arc::clone(&self.watching));
        let (changed, pool) = (self.changed.clone(), self.pool.clone());
        let notices_of = self.notices_of;
        tokio::spawn(async move {
            let mut looked = Looked::default();
            let mut pace = Pace::default();
            while is_wanted(&clients, &watching) {
                let saw = looked.look(&pool);
                if saw != Saw::Nothing {
                    changed.send_modify(|version| *version += 1);
                }
                pace.next_look(saw, || notices_of(pool.path())).await;
            }
        });
    }
}

/// Whether there are clients; where there are none, whoever comes next has to
/// make sure that somebody looks.
fn is_wanted(clients: &AtomicUsize, watching: &Mutex<bool>) -> bool {
    let mut watching = locked(watching);
    *watching = clients.load(Ordering::SeqCst) > 0;
    *watching
}

fn locked(watching: &Mutex<bool>) -> MutexGuard<'_, bool> {
    watching.lock().unwrap_or_else(PoisonError::into_inner)
}

/// When to look.
#[derive(Debug, Default)]
struct Pace {
    notices: Option<Notices>,
    /// Until the next look, while something is going on.
    pause: Option<Duration>,
    /// The last look followed no notice.
    unasked: bool,
}

impl Pace {
    /// Waits for the moment of the next look, after one that saw this.
    async fn next_look(&mut self, saw: Saw, notices: impl FnOnce() -> Option<Notices>) {
        if saw == Saw::AnotherFile {
            self.notices = notices();
            self.unasked = false;
            // What was committed before the first notice.
            return;
        }
        if saw == Saw::News && self.unasked && !self.has_heard().await {
            tracing::info!("no notice of a commit came; the database is looked at all the time");
            (self.notices, self.unasked) = (None, false);
        }
        let Some(notices) = &mut self.notices else {
            return tokio::time::sleep(LOOK).await;
        };
        let looked = Instant::now();
        tokio::select! {
            biased;
            heard = notices.heard() => {
                if heard.is_none() {
                    self.notices = None;
                }
                (self.pause, self.unasked) = (Some(MOMENT), false);
                tokio::time::sleep(APART.saturating_sub(looked.elapsed()).max(MOMENT)).await;
            }
            () = tokio::time::sleep(self.pause.unwrap_or(LOOK_ANYWAY)) => {
                self.unasked = self.pause.is_none();
                self.pause = self
                    .pause
                    .map(|pause| pause * 2)
                    .filter(|pause| *pause <= LONGEST_PAUSE);
            }
        }
    }

    /// Whether there is a notice that was not heard yet.
    async fn has_heard(&mut self) -> bool {
        let Some(notices) = &mut self.notices else {
            return false;
        };
        let heard = tokio::time::timeout(MOMENT, notices.heard()).await;
        heard.is_ok_and(|heard| heard.is_some())
    }
}

/// What a look at the database saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Saw {
    Nothing,
    News,
    /// The first look at this file; it may have anything.
    AnotherFile,
}

/// The handle of the one who looks, and what it saw.
#[derive(Debug, Default)]
struct Looked {
    open: Option<(Reader, (u64, u64))>,
    version: i64,
}

impl Looked {
    /// Whether anything was committed since the last look. Asked on the
    /// runtime's own thread: it takes less time than handing it to another.
    fn look(&mut self, pool: &Pool) -> Saw {
        let now = identity(pool.path());
        let mut saw = Saw::Nothing;
        if self.open.as_ref().map(|(_, file)| *file) != now {
            self.open = None;
            if let (Some(file), Ok(Some(reader))) = (now, Reader::open_for_web(pool.path())) {
                self.open = Some((reader, file));
                saw = Saw::AnotherFile;
            }
        }
        let Some((reader, _)) = &self.open else {
            return Saw::Nothing;
        };
        let Ok(version) = reader.data_version() else {
            self.open = None;
            return Saw::News;
        };
        if std::mem::replace(&mut self.version, version) != version && saw == Saw::Nothing {
            saw = Saw::News;
        }
        saw
    }
}

pub(super) fn queue(reader: Option<&Reader>) -> Result<Queue, Failure> {
    let state = reader
        .map(|reader| reader.queue_state(0))
        .transpose()?
        .unwrap_or_default();
    Ok(Queue {
        processing: state.depth() > 0,
        depth: state.depth(),
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// Notices of a directory, and a pace that has just seen something unasked.
    fn surprised() -> (tempfile::TempDir, Pace) {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let pace = Pace {
            notices: Notices::of(&directory.path().join("db")),
            pause: None,
            unasked: true,
        };
        assert!(pace.notices.is_some());
        (directory, pace)
    }

    #[tokio::test]
    async fn notices_that_do_not_come_are_not_relied_on() {
        let (_directory, mut pace) = surprised();
        let next = pace.next_look(Saw::News, || None);
        drop(tokio::time::timeout(10 * LOOK, next).await);
        assert!(pace.notices.is_none());
    }

    #[tokio::test]
    async fn a_notice_that_comes_with_the_look_is_not_missed() {
        let (directory, mut pace) = surprised();
        std::fs::write(directory.path().join("db-wal"), "commit").unwrap();
        // It then waits for the next notice, which nobody gives.
        let next = pace.next_look(Saw::News, || None);
        assert!(tokio::time::timeout(10 * MOMENT, next).await.is_err());
        assert!(pace.notices.is_some());
    }
}
