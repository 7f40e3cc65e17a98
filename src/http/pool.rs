//! A few read-only handles of the database for all requests. SQLite blocks, so
//! each question is asked on a thread of its own, and no more at a time than
//! there are handles.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use tokio::sync::Semaphore;

use crate::store::{Reader, Signatures, StoreError};

use super::answer::Failure;

/// Handles at most, and so questions at a time; and no more than there are
/// processors: more would only take turns on these and each keep a cache.
const MOST_HANDLES: usize = 4;

/// How long a question may wait for its turn.
const TURN: Duration = Duration::from_secs(20);

/// The handles.
#[derive(Debug, Clone)]
pub(super) struct Pool {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    idle: Mutex<Vec<Handle>>,
    turns: Arc<Semaphore>,
    /// What all handles of a file know of its vectors.
    signatures: Mutex<Option<((u64, u64), Signatures)>>,
}

/// A reader, and the file that it was opened on: the file can be replaced.
#[derive(Debug)]
struct Handle {
    reader: Reader,
    file: (u64, u64),
}

impl Pool {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            inner: Arc::new(Inner {
                path,
                idle: Mutex::default(),
                signatures: Mutex::default(),
                turns: Arc::new(Semaphore::new(handles())),
            }),
        }
    }

    /// Where the database is, or will be.
    pub(super) fn path(&self) -> &Path {
        &self.inner.path
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

    /// Asks the database, or learns why it cannot be opened.
    pub(super) async fn try_read<T: Send + 'static>(
        &self,
        ask: impl FnOnce(Result<Option<&Reader>, StoreError>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let turn = tokio::time::timeout(TURN, Arc::clone(&self.inner.turns).acquire_owned())
            .await
            .map_err(|_| Failure::unavailable("the database is busy; try again"))?
            .map_err(|_| Failure::unavailable("the server is ending"))?;
        let inner = Arc::clone(&self.inner);
        tokio::task::spawn_blocking(move || {
            let answer = inner.ask(ask);
            drop(turn);
            answer
        })
        .await
        .unwrap_or_else(|_| {
            Err(Failure::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the request failed; see the log",
            ))
        })
    }
}

/// One question that takes long must not keep all others waiting.
fn handles() -> usize {
    std::thread::available_parallelism()
        .map_or(2, |processors| processors.get().clamp(2, MOST_HANDLES))
}

impl Inner {
    fn ask<T>(&self, ask: impl FnOnce(Result<Option<&Reader>, StoreError>) -> T) -> T {
        match self.take() {
            Ok(Some(handle)) => {
                let answer = ask(Ok(Some(&handle.reader)));
                self.idle
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(handle);
                answer
            }
            Ok(None) => ask(Ok(None)),
            Err(error) => ask(Err(error)),
        }
    }

    /// An idle handle of the file that is there now, or a new one.
    fn take(&self) -> Result<Option<Handle>, StoreError> {
        let Some(file) = identity(&self.path) else {
            self.idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clear();
            return Reader::open_for_web(&self.path).map(|_| None);
        };
        loop {
            let idle = self
                .idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pop();
            match idle {
                Some(handle) if handle.file == file => return Ok(Some(handle)),
                Some(_) => {}
                None => {
                    let opened = Reader::open_for_web(&self.path)?;
                    let signatures = self.signatures_of(file);
                    return Ok(opened.map(|reader| Handle {
                        reader: reader.with_signatures(&signatures),
                        file,
                    }));
                }
            }
        }
    }
}

impl Inner {
    fn signatures_of(&self, file: (u64, u64)) -> Signatures {
        let mut known = self
            .signatures
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
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
