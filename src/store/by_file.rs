//! Which observations are about a file: an index of the ends of their paths.
//!
//! A path is found under three keys: the whole, its last two components, and
//! its name. A key is a number made of that text, of whether the file was
//! modified, and of the project, so the index holds no text; what is found under
//! a key is compared with the paths that stand in the row. Keys of a deleted row
//! lead nowhere, and its id is never given again.

use std::ops::Range;

use rusqlite::{CachedStatement, OptionalExtension as _, Transaction, params};
use sockets_protocol::fnv1a;

use super::error::{SqlContext as _, StoreError};
use super::lists::each_text;
use super::outcome::NewObservation;
use super::reader::Reader;

/// Files of one observation that are indexed; one that names more is about none
/// of them.
const MOST_FILES: usize = 64;

/// What of a path is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathEnd {
    Whole,
    /// The last two components.
    Two,
    Name,
}

impl PathEnd {
    pub const ALL: [Self; 3] = [Self::Whole, Self::Two, Self::Name];

    /// The text of a key; `None` where the path is shorter.
    fn text(self, components: &[String]) -> Option<String> {
        let count = components.len();
        match self {
            _ if count == 0 => None,
            // No other end begins with a slash.
            Self::Whole => Some(format!("/{}", components.join("/"))),
            Self::Two => Some(components[count.checked_sub(2)?..].join("/")),
            Self::Name => Some(components[count - 1].clone()),
        }
    }
}

/// An observation that may be about a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileCandidate {
    pub id: i64,
    pub created_at_epoch: i64,
    /// Lists as they are stored.
    files_modified: String,
    files_read: String,
}

impl FileCandidate {
    /// Gives `look` every path, and whether it was modified.
    pub fn each_path(&self, mut look: impl FnMut(&str, bool)) {
        each_text(&self.files_modified, |path| look(path, true));
        each_text(&self.files_read, |path| look(path, false));
    }
}

/// The components of a path that tell it from another.
pub fn path_parts(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split(['/', '\\'])
        .filter(|part| !matches!(*part, "" | "."))
}

/// The same in lower case: not every file system tells the cases apart.
pub fn path_components(path: &str) -> Vec<String> {
    path_parts(path).map(str::to_lowercase).collect()
}

/// Bits of a key: what of the path it is, whether the file was modified, the
/// project. Together no more than the 47 that SQLite stores in six bytes. Keys
/// of one end stand together, so that it is found whatever the project.
const END_BITS: u32 = 30;
const PROJECT_BITS: u32 = 16;

fn folded(text: &str, bits: u32) -> i64 {
    let hash = fnv1a(text.as_bytes());
    i64::try_from((hash ^ (hash >> 32)) & ((1 << bits) - 1)).unwrap_or(0)
}

/// The keys of an end and a use in all projects.
fn keys(end: &str, modified: bool) -> Range<i64> {
    let first = (folded(end, END_BITS) << 1 | i64::from(modified)) << PROJECT_BITS;
    first..first + (1 << PROJECT_BITS)
}

fn key(project: &str, end: &str, modified: bool) -> i64 {
    keys(end, modified).start + folded(project, PROJECT_BITS)
}

/// Indexes the files of an observation that has just been added.
pub(super) fn index_files(
    tx: &Transaction<'_>,
    observation_id: i64,
    project: &str,
    new: &NewObservation,
) -> Result<(), StoreError> {
    if new.files_read.len() + new.files_modified.len() > MOST_FILES {
        return Ok(());
    }
    let mut insert = tx
        .prepare_cached(
            "INSERT INTO observation_files (key, observation_id) VALUES (?1, ?2)
             ON CONFLICT DO NOTHING",
        )
        .doing("index the files")?;
    for (files, modified) in [(&new.files_modified, true), (&new.files_read, false)] {
        for file in files {
            let components = path_components(file);
            for end in PathEnd::ALL {
                if let Some(text) = end.text(&components) {
                    insert
                        .execute(params![key(project, &text, modified), observation_id])
                        .doing("index the files")?;
                }
            }
        }
    }
    Ok(())
}

impl Reader {
    /// The newest current observations of a project (of each one with `None`)
    /// that modified (or read) a file whose path ends like this one. A few may be
    /// about another file: the caller compares the paths.
    pub fn file_candidates(
        &self,
        project: Option<&str>,
        components: &[String],
        end: PathEnd,
        modified: bool,
        limit: usize,
    ) -> Result<Vec<FileCandidate>, StoreError> {
        let Some(text) = end.text(components) else {
            return Ok(Vec::new());
        };
        match project {
            Some(project) => self.candidates_of(project, key(project, &text, modified), limit),
            None => self.candidates_of_all(keys(&text, modified), limit),
        }
        .doing("find rows by file")
    }

    fn candidates_of(
        &self,
        project: &str,
        key: i64,
        limit: usize,
    ) -> rusqlite::Result<Vec<FileCandidate>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.connection
            .prepare_cached(FILE_CANDIDATES)?
            .query_map(params![key, project, limit], candidate)?
            .collect()
    }

    /// Goes from one key that there is to the next, and reads the newest rows of
    /// them all.
    fn candidates_of_all(
        &self,
        keys: Range<i64>,
        limit: usize,
    ) -> rusqlite::Result<Vec<FileCandidate>> {
        let mut next_key = self.connection.prepare_cached(NEXT_FILE_KEY)?;
        let mut ids_of = self.connection.prepare_cached(FILE_IDS)?;
        let most = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut ids: Vec<i64> = Vec::new();
        let mut from = keys.start;
        while let Some(key) = next(&mut next_key, from, keys.end)? {
            for id in ids_of.query_map([key, most], |row| row.get(0))? {
                ids.push(id?);
            }
            from = key + 1;
        }
        ids.sort_unstable_by(|a, b| b.cmp(a));
        ids.dedup();
        let mut row = self.connection.prepare_cached(FILE_CANDIDATE)?;
        let mut found = Vec::new();
        for id in ids {
            if found.len() >= limit {
                break;
            }
            found.extend(row.query_row([id], candidate).optional()?);
        }
        Ok(found)
    }
}

fn next(statement: &mut CachedStatement<'_>, from: i64, end: i64) -> rusqlite::Result<Option<i64>> {
    statement
        .query_row([from, end], |row| row.get(0))
        .optional()
}

fn candidate(row: &rusqlite::Row<'_>) -> rusqlite::Result<FileCandidate> {
    Ok(FileCandidate {
        id: row.get(0)?,
        created_at_epoch: row.get(1)?,
        files_modified: row.get(2)?,
        files_read: row.get(3)?,
    })
}

const FILE_CANDIDATES: &str = "SELECT o.id, o.created_at_epoch, o.files_modified, o.files_read
     FROM observation_files f JOIN observations o ON o.id = f.observation_id
     WHERE f.key = ?1 AND o.project = ?2 AND o.superseded_by IS NULL
     ORDER BY f.observation_id DESC LIMIT ?3";

const FILE_CANDIDATE: &str = "SELECT id, created_at_epoch, files_modified, files_read
     FROM observations WHERE id = ?1 AND superseded_by IS NULL";

const NEXT_FILE_KEY: &str =
    "SELECT key FROM observation_files WHERE key >= ?1 AND key < ?2 ORDER BY key LIMIT 1";

const FILE_IDS: &str = "SELECT observation_id FROM observation_files WHERE key = ?1
     ORDER BY observation_id DESC LIMIT ?2";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_tell_project_end_and_use_apart_and_fit_into_six_bytes() {
        let one = key("billing", "/src/a.rs", false);
        assert_ne!(one, key("billing", "/src/a.rs", true));
        for other in [
            key("shop", "/src/a.rs", false),
            key("billing", "src/a.rs", false),
            key("billing", "a.rs", false),
        ] {
            assert_ne!(one, other);
        }
        assert!((0..1 << 47).contains(&one));
    }

    #[test]
    fn keys_of_an_end_and_a_use_stand_together() {
        for modified in [true, false] {
            let all = keys("src/a.rs", modified);
            for project in ["billing", "shop", ""] {
                assert!(all.contains(&key(project, "src/a.rs", modified)));
                assert!(!all.contains(&key(project, "src/a.rs", !modified)));
                assert!(!all.contains(&key(project, "src/b.rs", modified)));
            }
        }
    }

    #[test]
    fn a_path_has_the_ends_that_it_is_long_enough_for() {
        let ends = |path: &str| {
            PathEnd::ALL.map(|end| end.text(&path_components(path)).unwrap_or_default())
        };
        assert_eq!(ends("./Src//a.rs"), ["/src/a.rs", "src/a.rs", "a.rs"]);
        assert_eq!(ends("C:\\x\\a.rs"), ["/c:/x/a.rs", "x/a.rs", "a.rs"]);
        assert_eq!(ends("a.rs"), ["/a.rs", "", "a.rs"]);
        assert_eq!(ends("/"), ["", "", ""]);
    }

    #[test]
    fn candidates_are_read_in_the_order_of_the_index() {
        let directory = tempfile::tempdir().unwrap();
        let locations = sockets_protocol::Locations::new(directory.path());
        drop(crate::store::Writer::open(&locations, "test").unwrap());
        let reader = Reader::open(&locations.database()).unwrap().unwrap();
        let mut plan = reader
            .connection
            .prepare(&format!("EXPLAIN QUERY PLAN {FILE_CANDIDATES}"))
            .unwrap();
        let steps: Vec<String> = plan
            .query_map(params![1, "billing", 1], |row| row.get(3))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert_eq!(
            steps,
            [
                "SEARCH f USING PRIMARY KEY (key=?)",
                "SEARCH o USING INTEGER PRIMARY KEY (rowid=?)"
            ]
        );
    }
}
