//! What takes long to make, kept for as long as the database stays as it is.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::store::UsageRow;

/// Bytes of what one kind of question is answered with.
const MOST_BYTES: usize = 512 * 1024;

/// Two commits within so much time may leave the same time on a file: the
/// kernel's clock for files moves every few milliseconds.
const ONE_MOMENT: Duration = Duration::from_millis(100);

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

/// Whether a file was changed so lately that one more change may not show.
fn may_change_unseen(files: &Files) -> bool {
    let now = SystemTime::now();
    files.iter().flatten().any(|(_, changed)| {
        now.duration_since(*changed)
            .map_or(true, |ago| ago < ONE_MOMENT)
    })
}

/// What a value takes beside itself, about.
pub(super) trait Bytes {
    fn bytes(&self) -> usize;
}

/// Results by what was asked, the newest last.
#[derive(Debug)]
pub(super) struct Kept<K, T>(Mutex<VecDeque<Entry<K, T>>>);

/// A result; `None` until it is made.
type Place<T> = Arc<Mutex<Option<Arc<T>>>>;

#[derive(Debug)]
struct Entry<K, T> {
    asked: K,
    files: Files,
    /// Until when it counts, where the files alone cannot tell.
    until: Option<Instant>,
    bytes: usize,
    place: Place<T>,
}

impl<K, T> Default for Kept<K, T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Bytes + Clone + PartialEq, T: Bytes> Kept<K, T> {
    /// The result for `asked` from the database at `path`, made anew unless it is
    /// known. Who asks the same meanwhile waits for it, and nobody else does.
    pub(super) fn get<E>(
        &self,
        path: &Path,
        asked: &K,
        make: impl FnOnce(&K) -> Result<T, E>,
    ) -> Result<Arc<T>, E> {
        let place = self.place(path, asked);
        let mut known = locked(&place);
        if let Some(known) = &*known {
            return Ok(Arc::clone(known));
        }
        let result = Arc::new(make(asked)?);
        *known = Some(Arc::clone(&result));
        drop(known);
        self.weigh(&place, result.bytes());
        Ok(result)
    }

    /// Where the result is, or is to be.
    fn place(&self, path: &Path, asked: &K) -> Place<T> {
        // Before the rows are read: a commit in between is noticed next time.
        let files = files(path);
        let now = Instant::now();
        let mut entries = locked(&self.0);
        entries.retain(|entry| entry.files == files && entry.until.is_none_or(|until| now < until));
        let known = entries.iter().find(|entry| entry.asked == *asked);
        let place = known.map_or_else(Place::default, |entry| Arc::clone(&entry.place));
        if known.is_none() {
            entries.push_back(Entry {
                asked: asked.clone(),
                files,
                until: may_change_unseen(&files).then(|| now + ONE_MOMENT),
                bytes: asked.bytes() + size_of::<Entry<K, T>>(),
                place: Arc::clone(&place),
            });
            make_room(&mut entries);
        }
        drop(entries);
        place
    }

    /// Adds what a result takes.
    fn weigh(&self, place: &Place<T>, bytes: usize) {
        let mut entries = locked(&self.0);
        if let Some(entry) = entries
            .iter_mut()
            .find(|entry| Arc::ptr_eq(&entry.place, place))
        {
            entry.bytes += bytes;
        }
        make_room(&mut entries);
        drop(entries);
    }
}

/// The oldest go where there is too much.
fn make_room<K, T>(entries: &mut VecDeque<Entry<K, T>>) {
    let mut sum: usize = entries.iter().map(|entry| entry.bytes).sum();
    while sum > MOST_BYTES
        && let Some(oldest) = entries.pop_front()
    {
        sum -= oldest.bytes;
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Bytes for String {
    fn bytes(&self) -> usize {
        self.capacity()
    }
}

impl Bytes for axum::body::Bytes {
    fn bytes(&self) -> usize {
        self.len()
    }
}

impl Bytes for i64 {
    fn bytes(&self) -> usize {
        0
    }
}

impl<T: Bytes> Bytes for Option<T> {
    fn bytes(&self) -> usize {
        self.as_ref().map_or(0, T::bytes)
    }
}

impl<T: Bytes> Bytes for Vec<T> {
    fn bytes(&self) -> usize {
        self.capacity() * size_of::<T>() + self.iter().map(T::bytes).sum::<usize>()
    }
}

impl<A: Bytes, B: Bytes> Bytes for (A, B) {
    fn bytes(&self) -> usize {
        self.0.bytes() + self.1.bytes()
    }
}

impl Bytes for UsageRow {
    fn bytes(&self) -> usize {
        let texts = [
            &self.content_session_id,
            &self.project,
            &self.provider,
            &self.model,
            &self.outcome,
        ];
        texts.iter().map(|text| text.bytes()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Bytes for usize {
        fn bytes(&self) -> usize {
            *self
        }
    }

    impl Bytes for u8 {
        fn bytes(&self) -> usize {
            0
        }
    }

    /// A file that was last changed long ago, and its log.
    fn database() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("db");
        std::fs::write(&path, "a").unwrap();
        age(&path);
        (directory, path)
    }

    fn age(path: &Path) {
        let file = std::fs::File::options().write(true).open(path).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_mins(1))
            .unwrap();
    }

    #[test]
    fn a_result_is_kept_until_a_file_changes() {
        let (directory, path) = database();
        let kept = Kept::<String, usize>::default();
        let mut made = 0;
        let mut get = |asked: &str| {
            let result = kept.get(&path, &asked.to_owned(), |_| {
                made += 1;
                Ok::<_, ()>(made)
            });
            *result.unwrap()
        };
        assert_eq!((get("one"), get("two"), get("one")), (1, 2, 1));
        let log = directory.path().join("db-wal");
        std::fs::write(&log, "commit").unwrap();
        age(&log);
        assert_eq!((get("one"), get("one")), (3, 3));
        std::fs::write(&path, "longer").unwrap();
        assert_eq!(get("one"), 4);
    }

    #[test]
    fn what_follows_a_change_at_once_is_not_believed_for_long() {
        let (_directory, path) = database();
        let kept = Kept::<u8, usize>::default();
        let until = |kept: &Kept<u8, usize>| kept.0.lock().unwrap()[0].until;
        kept.get(&path, &0, |_| Ok::<_, ()>(0)).unwrap();
        assert_eq!(until(&kept), None);
        std::fs::write(&path, "b").unwrap();
        kept.get(&path, &0, |_| Ok::<_, ()>(0)).unwrap();
        assert!(until(&kept).unwrap() <= Instant::now() + ONE_MOMENT);
        kept.0.lock().unwrap()[0].until = Some(Instant::now());
        let anew = kept.get(&path, &0, |_| Ok::<_, ()>(1)).unwrap();
        assert_eq!(*anew, 1);
    }

    #[test]
    fn no_more_bytes_are_kept_than_a_bound_and_no_failure() {
        let (_directory, path) = database();
        let kept = Kept::<usize, usize>::default();
        let asked = || -> Vec<usize> {
            let entries = kept.0.lock().unwrap();
            entries.iter().map(|entry| entry.asked).collect()
        };
        assert_eq!(kept.get(&path, &0, |_| Err("no")), Err("no"));
        assert_eq!(kept.get(&path, &0, |_| Ok::<_, ()>(1)), Ok(Arc::new(1)));
        for number in 1..8 {
            let result = kept.get(&path, &number, |_| Ok::<_, ()>(MOST_BYTES / 4));
            assert_eq!(result, Ok(Arc::new(MOST_BYTES / 4)));
        }
        assert_eq!(asked(), [5, 6, 7]);
        // What is asked counts too, and what is larger than all that may be kept
        // is answered all the same.
        let result = kept.get(&path, &(MOST_BYTES / 2), |_| Ok::<_, ()>(0));
        assert_eq!(
            (result, asked()),
            (Ok(Arc::new(0)), vec![7, MOST_BYTES / 2])
        );
        let large = kept.get(&path, &9, |_| Ok::<_, ()>(2 * MOST_BYTES));
        assert_eq!((large, asked()), (Ok(Arc::new(2 * MOST_BYTES)), vec![]));
    }

    #[test]
    fn only_who_asks_the_same_waits() {
        let (_directory, path) = database();
        let kept = Kept::<u8, usize>::default();
        let outer = kept.get(&path, &1, |_| {
            let inner = kept.get(&path, &2, |_| Ok::<_, ()>(2))?;
            Ok::<_, ()>(*inner + 1)
        });
        assert_eq!(outer, Ok(Arc::new(3)));
    }
}
