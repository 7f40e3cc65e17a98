//! What is known about a file, also when it has moved since.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use serde::Serialize;

use crate::store::{FileCandidate, ObservationRow, PathEnd, Reader, StoreError, path_components};

/// Rows of one project that are looked at for one end of a path: the newest that
/// modified such a file and the newest that read one. It bounds the cost where
/// every directory has a file of the same name.
const LOOKED_AT: usize = 100;

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

/// An observation about the file, or one that may be it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KnownOfFile {
    #[serde(flatten)]
    pub row: ObservationRow,
    /// The path as it stands in the row.
    pub path: String,
    pub nearness: Nearness,
    /// Components that both paths end with.
    pub common: usize,
    pub modified: bool,
}

impl KnownOfFile {
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
        let projects = match &request.projects {
            Some(projects) => projects.clone(),
            None => reader.projects()?,
        };
        let mut fits: HashMap<i64, Fit> = HashMap::new();
        let distinct: HashSet<Vec<String>> = request
            .paths
            .iter()
            .map(|path| path_components(path))
            .filter(|wanted| !wanted.is_empty())
            .collect();
        for wanted in distinct {
            collect(reader, &wanted, &projects, request.limit, &mut fits)?;
        }
        let mut ranked: Vec<(i64, Fit)> = fits.into_iter().collect();
        ranked.sort_by_key(|(_, fit)| std::cmp::Reverse(fit.rank));
        let mut known = Vec::new();
        for (id, fit) in ranked.into_iter().take(request.limit) {
            if let Some(row) = reader.observation(id)? {
                let (nearness, common, modified, _, _) = fit.rank;
                known.push(KnownOfFile {
                    row,
                    path: fit.path,
                    nearness,
                    common,
                    modified,
                });
            }
        }
        Ok(known)
    })
}

/// Looks from the longest end to the shortest, and no further than needed: rows
/// of a longer end come first anyway.
fn collect(
    reader: &Reader,
    wanted: &[String],
    projects: &[String],
    limit: usize,
    fits: &mut HashMap<i64, Fit>,
) -> Result<(), StoreError> {
    for end in PathEnd::ALL {
        let mut found = 0;
        for project in projects {
            for modified in [true, false] {
                let candidates =
                    reader.file_candidates(project, wanted, end, modified, LOOKED_AT.max(limit))?;
                for candidate in candidates {
                    found += usize::from(take(wanted, candidate, fits));
                }
            }
        }
        if found >= limit {
            break;
        }
    }
    Ok(())
}

/// Keeps the nearest path of a candidate; `false` where none is near.
fn take(wanted: &[String], candidate: FileCandidate, fits: &mut HashMap<i64, Fit>) -> bool {
    let (id, at) = (candidate.id, candidate.created_at_epoch);
    let modified = candidate
        .files_modified
        .into_iter()
        .map(|path| (path, true));
    let read = candidate.files_read.into_iter().map(|path| (path, false));
    let best = modified
        .chain(read)
        .filter_map(|(path, modified)| {
            let (nearness, common) = nearness(wanted, &path_components(&path))?;
            let rank = (nearness, common, modified, at, id);
            Some(Fit { rank, path })
        })
        .max_by_key(|fit| fit.rank);
    let Some(best) = best else {
        return false;
    };
    match fits.get_mut(&id) {
        Some(known) if known.rank >= best.rank => {}
        Some(known) => *known = best,
        None => drop(fits.insert(id, best)),
    }
    true
}

fn nearness(wanted: &[String], stored: &[String]) -> Option<(Nearness, usize)> {
    let pairs = wanted.iter().rev().zip(stored.iter().rev());
    let common = pairs
        .take_while(|(wanted, stored)| wanted == stored)
        .count();
    match common {
        0 => None,
        _ if wanted == stored => Some((Nearness::SamePath, common)),
        1 => Some((Nearness::SameName, 1)),
        _ => Some((Nearness::SameEnd, common)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_compared_from_their_ends() {
        let near = |wanted: &str, stored: &str| {
            nearness(&path_components(wanted), &path_components(stored))
        };
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
    }
}
