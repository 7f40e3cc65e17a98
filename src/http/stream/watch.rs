//! Noticing that any process has committed something.
//!
//! One task asks SQLite for its data version, as long as there are clients: a
//! look into the shared index of the write-ahead log, without a file event to
//! miss or a watch to renew when files come and go. Measured: see `LOOK`.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::store::Reader;
use crate::store::web::Cursor;

use super::super::answer::Failure;
use super::super::pool::{Pool, identity};
use super::{Queue, Told};

/// How often the data version is looked at while there are clients. Looking
/// twice as often was measured at 0.6 % of a processor; a change may take 150 ms
/// to reach a client.
const LOOK: Duration = Duration::from_millis(50);

/// Tells clients of the stream that something is new, and reads it once for all
/// that stand at the same place.
#[derive(Debug)]
pub(in super::super) struct Hub {
    pool: Pool,
    changed: watch::Sender<u64>,
    clients: Arc<AtomicUsize>,
    latest: tokio::sync::Mutex<Option<(Cursor, u64, Arc<Told>)>>,
    watching: Mutex<bool>,
}

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
        Self {
            pool,
            changed: watch::Sender::new(0),
            clients: Arc::default(),
            latest: tokio::sync::Mutex::default(),
            watching: Mutex::default(),
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
        let mut watching = self.watching.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut *watching, true) {
            return;
        }
        drop(watching);
        let (clients, changed, pool) = (
            Arc::clone(&self.clients),
            self.changed.clone(),
            self.pool.clone(),
        );
        tokio::spawn(async move {
            let mut looked = Looked::default();
            loop {
                tokio::time::sleep(LOOK).await;
                if clients.load(Ordering::SeqCst) > 0 && looked.is_news(&pool) {
                    changed.send_modify(|version| *version += 1);
                }
            }
        });
    }
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
    fn is_news(&mut self, pool: &Pool) -> bool {
        let now = identity(pool.path());
        if self.open.as_ref().map(|(_, file)| *file) != now {
            self.open = None;
            if let (Some(file), Ok(Some(reader))) = (now, Reader::open_for_web(pool.path())) {
                self.open = Some((reader, file));
                self.version = 0;
            }
        }
        let Some((reader, _)) = &self.open else {
            return false;
        };
        let Ok(version) = reader.data_version() else {
            self.open = None;
            return true;
        };
        std::mem::replace(&mut self.version, version) != version
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
