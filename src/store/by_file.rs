//! Which observations are about a file: an index of the ends of their paths.
//!
//! A path is found under three keys: the whole, its last two components, and
//! its name. A key is a number made of the project and that text, so the index
//! holds no text; what is found under a key is compared with the paths that
//! stand in the row. Keys of a deleted row lead nowhere, and its id is never
//! given again.

use rusqlite::{Transaction, params};
use sockets_protocol::fnv1a;

use super::error::{SqlContext as _, StoreError};
use super::outcome::NewObservation;
use super::reader::Reader;
use super::rows::read_list;

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
    pub files_read: Vec<String>,
    pub files_modified: Vec<String>,
}

/// The components of a path that tell it from another, in lower case: not every
/// file system tells the cases apart.
pub fn path_components(path: &str) -> Vec<String> {
    path.split(['/', '\\'])
        .filter(|part| !matches!(*part, "" | "."))
        .map(str::to_lowercase)
        .collect()
}

/// Thirty bits of a hash and one that says whether the file was modified:
/// SQLite stores such a number in four bytes.
fn key(project: &str, end: &str, modified: bool) -> i64 {
    let hash = fnv1a(format!("{project}\0{end}").as_bytes());
    let folded = (hash ^ (hash >> 32)) & 0x3fff_ffff;
    i64::try_from(folded << 1 | u64::from(modified)).unwrap_or(0)
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
    /// The newest current observations of a project that modified (or read) a
    /// file whose path ends like this one. A few may be about another file: the
    /// caller compares the paths.
    pub fn file_candidates(
        &self,
        project: &str,
        components: &[String],
        end: PathEnd,
        modified: bool,
        limit: usize,
    ) -> Result<Vec<FileCandidate>, StoreError> {
        let Some(text) = end.text(components) else {
            return Ok(Vec::new());
        };
        let mut statement = self
            .connection
            .prepare_cached(FILE_CANDIDATES)
            .doing("find rows by file")?;
        let rows = statement
            .query_map(
                params![
                    key(project, &text, modified),
                    project,
                    i64::try_from(limit).unwrap_or(i64::MAX)
                ],
                |row| {
                    Ok(FileCandidate {
                        id: row.get(0)?,
                        created_at_epoch: row.get(1)?,
                        files_read: read_list(row.get(2)?),
                        files_modified: read_list(row.get(3)?),
                    })
                },
            )
            .doing("find rows by file")?;
        rows.collect::<Result<_, _>>().doing("find rows by file")
    }
}

const FILE_CANDIDATES: &str = "SELECT o.id, o.created_at_epoch, o.files_read, o.files_modified
     FROM observation_files f JOIN observations o ON o.id = f.observation_id
     WHERE f.key = ?1 AND o.project = ?2 AND o.superseded_by IS NULL
     ORDER BY f.observation_id DESC LIMIT ?3";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_tell_project_end_and_use_apart_and_fit_into_four_bytes() {
        let one = key("billing", "/src/a.rs", false);
        assert_eq!(one + 1, key("billing", "/src/a.rs", true));
        for other in [
            key("shop", "/src/a.rs", false),
            key("billing", "src/a.rs", false),
            key("billing", "a.rs", false),
        ] {
            assert_ne!(one, other);
        }
        assert!((0..=i64::from(i32::MAX)).contains(&one));
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
