//! The counts of all rows, taken once for everyone who asks.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::store::web::Census;
use crate::store::{Reader, StoreError};

use super::kept::{Files, files};

/// How often rows that went are looked for, which takes a whole count.
const WHOLE_AFTER: Duration = Duration::from_secs(5);

/// The counts as they were last taken.
#[derive(Debug, Default)]
pub(super) struct Counted {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    census: Census,
    whole_at: Option<Instant>,
    /// What the files looked like at the last whole count.
    files: Files,
}

impl Counted {
    /// The counts as they are now.
    pub(super) fn with<T>(
        &self,
        path: &Path,
        reader: Option<&Reader>,
        look: impl FnOnce(&Census) -> T,
    ) -> Result<T, StoreError> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(reader) = reader else {
            *inner = Inner::default();
            return Ok(look(&inner.census));
        };
        let files = files(path);
        let whole = inner
            .whole_at
            .is_none_or(|at| at.elapsed() > WHOLE_AFTER && inner.files != files);
        reader.update_census(&mut inner.census, whole)?;
        if whole {
            inner.whole_at = Some(Instant::now());
            inner.files = files;
        }
        Ok(look(&inner.census))
    }
}
