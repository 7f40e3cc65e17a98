//! What takes long to count, kept for as long as the database stays as it is.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// Results at most: of a few projects and spans.
const MOST: usize = 8;

/// How long a result counts at most: the files' times are not exact enough to
/// tell two commits of the same moment apart.
const GOOD_FOR: Duration = Duration::from_secs(5);

/// Size and time of the database and of its log, which every commit changes.
pub(super) type Files = [Option<(u64, SystemTime)>; 2];

pub(super) fn files(path: &Path) -> Files {
    let look = |path: &Path| {
        let file = std::fs::metadata(path).ok()?;
        Some((file.len(), file.modified().ok()?))
    };
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    [look(path), look(&PathBuf::from(log))]
}

/// Results by what was asked, the newest last.
#[derive(Debug)]
pub(super) struct Kept<K, T>(Mutex<VecDeque<Entry<K, T>>>);

#[derive(Debug)]
struct Entry<K, T> {
    asked: K,
    files: Files,
    at: Instant,
    result: Arc<T>,
}

impl<K, T> Default for Kept<K, T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: PartialEq, T> Kept<K, T> {
    /// The result for `asked` from the database at `path`, made anew unless it is
    /// known. Who asks the same meanwhile waits for it.
    pub(super) fn get<E>(
        &self,
        path: &Path,
        asked: K,
        make: impl FnOnce(&K) -> Result<T, E>,
    ) -> Result<Arc<T>, E> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Before the rows are read: a commit in between is noticed next time.
        let files = files(path);
        entries.retain(|entry| entry.files == files && entry.at.elapsed() < GOOD_FOR);
        if let Some(entry) = entries.iter().find(|entry| entry.asked == asked) {
            return Ok(Arc::clone(&entry.result));
        }
        let result = Arc::new(make(&asked)?);
        if entries.len() >= MOST {
            entries.pop_front();
        }
        entries.push_back(Entry {
            asked,
            files,
            at: Instant::now(),
            result: Arc::clone(&result),
        });
        drop(entries);
        Ok(result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_kept_until_a_file_changes() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("db");
        std::fs::write(&path, "a").unwrap();
        let kept = Kept::<String, usize>::default();
        let mut made = 0;
        let mut get = |asked: &str| {
            let result = kept.get(&path, asked.to_owned(), |_| {
                made += 1;
                Ok::<_, ()>(made)
            });
            *result.unwrap()
        };
        assert_eq!((get("one"), get("two"), get("one")), (1, 2, 1));
        std::fs::write(directory.path().join("db-wal"), "commit").unwrap();
        assert_eq!((get("one"), get("one")), (3, 3));
        std::fs::write(&path, "longer").unwrap();
        assert_eq!(get("one"), 4);
    }

    #[test]
    fn no_more_are_kept_than_a_few_and_no_failure() {
        let nowhere = Path::new("/nowhere/db");
        let kept = Kept::<usize, usize>::default();
        assert_eq!(kept.get(nowhere, 0, |_| Err("no")), Err("no"));
        for number in 0..3 * MOST {
            let result = kept.get(nowhere, number, |number| Ok::<_, ()>(*number));
            assert_eq!(result, Ok(Arc::new(number)));
        }
        assert_eq!(kept.0.lock().unwrap().len(), MOST);
    }
}
