//! What is known about a file, also when it has moved since.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::path::Path;

use serde::Serialize;

use crate::store::{
    FileCandidate, ObservationRow, PathEnd, Reader, StoreError, path_components, path_parts,
};

/// Rows of one project, or of all together where all are asked for, that are
/// looked at for one end of a path: those stored last that modified such a file
/// and those that read one. It bounds the cost where every directory has a file
/// of the same name.
const LOOKED_AT: usize = 100;

/// Rows with the very path that are looked at for each that is wanted: rows of
/// late events, and of turns that were done again, are older than others that
/// were stored before them.
const LOOKED_AT_EACH: usize = 3;

/// What is asked.
#[derive(Debug, Clone, Default)]
pub struct FileRequest {
    /// Absolute, or relative to the project's root, or any end of that. A row
    /// about any of them is found.
    pub paths: Vec<String>,
    /// `None` for all projects.
    pub projects: Option<Vec<String>>,
    pub limit: usize,
}

/// How near a stored path is to the one that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Nearness {
    /// A file of that name elsewhere.
    SameName,
    /// The name and some directories above it are the same: the file or a
    /// directory has moved, or the path was not given whole.
    SameEnd,
    SamePath,
}

/// Which observation is about the file, or may be, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FileMatch {
    #[serde(skip)]
    pub id: i64,
    /// The path as it stands in the row.
    pub path: String,
    pub nearness: Nearness,
    /// Components that both paths end with.
    pub common: usize,
    pub modified: bool,
}

/// An observation about the file, or one that may be it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KnownOfFile {
    #[serde(flatten)]
    pub row: ObservationRow,
    #[serde(flatten)]
    pub fits: FileMatch,
}

impl FileMatch {
    /// Why the row is here, in words.
    pub fn why(&self) -> String {
        let what = if self.modified { "modified" } else { "read" };
        match self.nearness {
            Nearness::SamePath => format!("{what} {}", self.path),
            Nearness::SameEnd => format!("{what} {}, which ends the same", self.path),
            Nearness::SameName => format!("{what} {}, which has the same name", self.path),
        }
    }
}

/// How well a row fits: whatever is nearer comes first, then what changed the
/// file, then what is newer.
type Rank = (Nearness, usize, bool, i64, i64);

struct Fit {
    rank: Rank,
    path: String,
}

/// A path as it is stored: relative to the project's root where it lies below.
pub fn path_in(path: &str, root: &Path) -> String {
    let relative = Some(root)
        .filter(|root| !root.as_os_str().is_empty())
        .and_then(|root| Path::new(path).strip_prefix(root).ok())
        .filter(|relative| !relative.as_os_str().is_empty());
    relative.map_or_else(
        || path.to_owned(),
        |relative| relative.to_string_lossy().into_owned(),
    )
}

/// What is known about a file, best first.
///
/// # Errors
/// When the database cannot be read.
pub fn about_file(reader: &Reader, request: &FileRequest) -> Result<Vec<KnownOfFile>, StoreError> {
    reader.snapshot(|| {
        let mut known = Vec::new();
        for fits in match_file(reader, request)? {
            if let Some(row) = reader.observation(fits.id)? {
                known.push(KnownOfFile { row, fits });
            }
        }
        Ok(known)
    })
}

/// Which rows are about a file, best first, for those who read them themselves.
///
/// # Errors
/// When the database cannot be read.
pub fn match_file(reader: &Reader, request: &FileRequest) -> Result<Vec<FileMatch>, StoreError> {
    reader.snapshot(|| {
        let mut fits: HashMap<i64, Fit> = HashMap::new();
        let distinct: HashSet<Vec<String>> = request
            .paths
            .iter()
            .map(|path| path_components(path))
            .filter(|wanted| !wanted.is_empty())
            .collect();
        for wanted in distinct {
            collect(reader, &wanted, request, &mut fits)?;
        }
        let mut ranked: Vec<(i64, Fit)> = fits.into_iter().collect();
        ranked.sort_by_key(|(_, fit)| Reverse(fit.rank));
        let best = ranked.into_iter().take(request.limit);
        Ok(best.map(|(id, fit)| fit.of_row(id)).collect())
    })
}

impl Fit {
    fn of_row(self, id: i64) -> FileMatch {
        let (nearness, common, modified, _, _) = self.rank;
        FileMatch {
            id,
            path: self.path,
            nearness,
            common,
            modified,
        }
    }
}

/// Looks from the longest end to the shortest, and no further than needed: rows
/// of a longer end come first anyway, and among those of the whole path the ones
/// that modified the file.
fn collect(
    reader: &Reader,
    wanted: &[String],
    request: &FileRequest,
    fits: &mut HashMap<i64, Fit>,
) -> Result<(), StoreError> {
    for end in PathEnd::ALL {
        let mut found = HashSet::new();
        for modified in [true, false] {
            for candidate in candidates(reader, wanted, end, modified, request)? {
                // Of equal paths the newest rows are enough.
                if end == PathEnd::Whole && found.len() >= request.limit {
                    return Ok(());
                }
                if take(wanted, &candidate, fits) {
                    found.insert(candidate.id);
                }
            }
        }
        if found.len() >= request.limit {
            break;
        }
    }
    Ok(())
}

/// Rows that may be about the file, the newest first.
fn candidates(
    reader: &Reader,
    wanted: &[String],
    end: PathEnd,
    modified: bool,
    request: &FileRequest,
) -> Result<Vec<FileCandidate>, StoreError> {
    let most = match end {
        PathEnd::Whole => request.limit.saturating_mul(LOOKED_AT_EACH),
        PathEnd::Two | PathEnd::Name => LOOKED_AT.max(request.limit),
    };
    let mut found = Vec::new();
    match &request.projects {
        None => found = reader.file_candidates(None, wanted, end, modified, most)?,
        Some(projects) => {
            for project in projects {
                found.extend(reader.file_candidates(Some(project), wanted, end, modified, most)?);
            }
        }
    }
    found.sort_by_key(|candidate| Reverse((candidate.created_at_epoch, candidate.id)));
    Ok(found)
}

/// Keeps the nearest path of a candidate; `false` where none is near.
fn take(wanted: &[String], candidate: &FileCandidate, fits: &mut HashMap<i64, Fit>) -> bool {
    let mut best: Option<Fit> = None;
    candidate.each_path(|path, modified| {
        let Some((nearness, common)) = nearness(wanted, path) else {
            return;
        };
        let rank = (
            nearness,
            common,
            modified,
            candidate.created_at_epoch,
            candidate.id,
        );
        if best.as_ref().is_none_or(|best| best.rank <= rank) {
            best = Some(Fit {
                rank,
                path: path.to_owned(),
            });
        }
    });
    let Some(best) = best else {
        return false;
    };
    match fits.get_mut(&candidate.id) {
        Some(known) if known.rank >= best.rank => {}
        Some(known) => *known = best,
        None => drop(fits.insert(candidate.id, best)),
    }
    true
}

/// How near a stored path is to the components of the one that is wanted.
fn nearness(wanted: &[String], stored: &str) -> Option<(Nearness, usize)> {
    let common = wanted
        .iter()
        .rev()
        .zip(path_parts(stored).rev())
        .take_while(|(wanted, part)| is_in_lower_case(part, wanted))
        .count();
    match common {
        0 => None,
        _ if common == wanted.len() && path_parts(stored).count() == common => {
            Some((Nearness::SamePath, common))
        }
        1 => Some((Nearness::SameName, 1)),
        _ => Some((Nearness::SameEnd, common)),
    }
}

/// Whether `lower` is the text in lower case.
fn is_in_lower_case(text: &str, lower: &str) -> bool {
    if text.is_ascii() {
        text.eq_ignore_ascii_case(lower)
    } else {
        text.to_lowercase() == lower
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::fixture::{MINUTE, MORNING, Memory, new_observation};

    #[test]
    fn paths_are_compared_from_their_ends() {
        let near = |wanted: &str, stored: &str| nearness(&path_components(wanted), stored);
        assert_eq!(
            near("src/a.rs", "./src/A.rs"),
            Some((Nearness::SamePath, 2))
        );
        assert_eq!(
            near("app/src/a.rs", "lib/src/a.rs"),
            Some((Nearness::SameEnd, 2))
        );
        assert_eq!(
            near("/home/x/p/src/a.rs", "src/a.rs"),
            Some((Nearness::SameEnd, 2))
        );
        assert_eq!(near("a.rs", "src/a.rs"), Some((Nearness::SameName, 1)));
        assert_eq!(near("src/a.rs", "src/b.rs"), None);
        assert_eq!(near("xa.rs", "a.rs"), None);
        assert_eq!(
            near("ПЛАН/é.md", "План/É.md"),
            Some((Nearness::SamePath, 2))
        );
        assert_eq!(near("a.rs", "./a.rs/"), Some((Nearness::SamePath, 1)));
        assert_eq!(near("a.rs", "b/"), None);
        assert_eq!(near("a.rs", ""), None);
    }

    /// Sixty rows of two projects that name the same files in many directories,
    /// and not quite in the order of time.
    fn filled() -> Memory {
        let path = |seed: usize| {
            let name = ["a.rs", "b.rs"][seed % 2];
            let directory = ["src/", "lib/src/", "app/src/", ""][seed % 7 % 4];
            format!("{directory}{name}")
        };
        let mut memory = Memory::new();
        for row in 0..60 {
            let at = MORNING + MINUTE * i64::try_from(row / 3 * 3 + 2 - row % 3).unwrap();
            let mut known = new_observation(&format!("row {row}"), at);
            known.files_modified = vec![path(row)];
            known.files_read = vec![path(row / 3 + 1), path(row / 5)];
            let session = format!("s{row}");
            let project = ["billing", "shop"][row % 5 % 2];
            memory.remember((&session, project), at, vec![known], None);
        }
        memory.supersede(8);
        memory
    }

    /// The same by looking at every row.
    fn plainly(reader: &Reader, request: &FileRequest) -> Vec<(i64, String)> {
        let wanted = path_components(&request.paths[0]);
        let of_project = |row: &ObservationRow| {
            let projects = request.projects.as_ref();
            projects.is_none_or(|projects| projects.contains(&row.project))
        };
        let mut found: Vec<_> = (1..=60)
            .filter_map(|id| reader.observation(id).unwrap())
            .filter(|row| row.superseded_by.is_none() && of_project(row))
            .filter_map(|row| {
                let modified = row.files_modified.iter().map(|path| (path, true));
                let read = row.files_read.iter().map(|path| (path, false));
                let best = modified.chain(read).filter_map(|(path, modified)| {
                    let (nearness, common) = nearness(&wanted, path)?;
                    Some(((nearness, common, modified), path.clone()))
                });
                let (fit, path) = best.max_by_key(|(fit, _)| *fit)?;
                Some(((fit, row.created_at_epoch), row.id, path))
            })
            .collect();
        found.sort_by_key(|(rank, ..)| Reverse(*rank));
        found.truncate(request.limit);
        found.into_iter().map(|(_, id, path)| (id, path)).collect()
    }

    #[test]
    fn what_is_found_is_what_every_row_says() {
        let memory = filled();
        let reader = memory.reader();
        for path in [
            "src/a.rs",
            "B.rs",
            "/x/lib/src/b.rs",
            "app/src/a.rs",
            "c.rs",
        ] {
            for projects in [None, Some(vec!["billing"]), Some(vec!["shop", "billing"])] {
                for limit in [1, 5, 15, 60] {
                    let request = FileRequest {
                        paths: vec![path.to_owned()],
                        projects: projects
                            .as_ref()
                            .map(|names| names.iter().map(|name| (*name).to_owned()).collect()),
                        limit,
                    };
                    let expected = plainly(&reader, &request);
                    let found = match_file(&reader, &request).unwrap();
                    let found: Vec<_> = found.into_iter().map(|it| (it.id, it.path)).collect();
                    assert_eq!(found, expected, "{request:?}");
                }
            }
        }
    }
}
