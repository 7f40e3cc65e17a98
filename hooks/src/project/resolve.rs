//! The order in which a project is looked for, and what comes of it.

use std::path::{Path, PathBuf};

use super::claims::{Applicant, Claims};
use super::git::{self, Repository, Shape};
use super::path;

/// The name under which everything is filed that belongs to no project.
pub const UNFILED: &str = "unfiled";

/// A file of this name in a directory names the project in its first line.
pub const MARKER: &str = ".claude-mem-project";

/// A marker is one line; nobody reads a name longer than this.
const MAX_MARKER_BYTES: u64 = 4096;

/// Directories between a file and its project; a limit for paths made to be slow.
const MAX_DEPTH: usize = 256;

/// Temporary directories that exist beside the one of the environment.
const TEMPORARY: [&str; 4] = ["/tmp", "/var/tmp", "/private/tmp", "/private/var/tmp"];

/// What a resolver must know. Nothing is taken from the process's own environment.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Where the session was started (`CLAUDE_PROJECT_DIR`), else the event's `cwd`. It need not
    /// exist on this machine.
    pub dir: &'a Path,
    pub home: Option<&'a Path>,
    /// The root for temporary files (`TMPDIR`).
    pub temp_dir: &'a Path,
    pub data_dir: &'a Path,
    /// The value of `CLAUDE_MEM_PROJECT`.
    pub name_override: Option<&'a str>,
    /// Whether a name may be claimed. Readers find the same name without.
    pub claim: bool,
}

/// How a project was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Named in the environment.
    Override,
    /// Named by a marker file.
    Marker,
    /// The main work tree of a repository, or a bare repository.
    Git,
    /// A linked work tree.
    Worktree,
    Submodule,
    /// No repository: the directory itself.
    Directory,
    /// No project: captured, but nothing is injected there.
    Unfiled,
}

/// A project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// What is stored and filtered by: `billing`, `billing/feature-x` for a work tree,
    /// `billing/libs-parser` for a submodule, `billing-3fa2c1` where `billing` is someone else.
    pub name: String,
    /// The name as it would be if no other project were called the same.
    pub label: String,
    /// The main project's name, for a work tree and a submodule.
    pub parent: Option<String>,
    /// The top of the work tree; paths are shown relative to it.
    pub root: PathBuf,
    pub kind: Kind,
    /// The git directory that holds this work tree's `HEAD`.
    pub git_dir: Option<PathBuf>,
}

/// Which stored projects a reader sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Projects of exactly these names.
    pub exact: Vec<String>,
    /// Projects whose names begin with this one and a slash.
    pub children_of: Option<String>,
}

/// Finds the project of a directory. Typically some tens of microseconds.
pub fn resolve(request: &Request<'_>) -> Project {
    let directory_bytes = request.dir.as_os_str().len();
    if directory_bytes == 0 || directory_bytes > path::MAX_PATH_BYTES {
        return unfiled(request.dir.to_owned());
    }
    let ceilings = Ceilings::new(request);
    let dir = path::canonical(request.dir);
    let found = search(&dir, &ceilings);
    let claims = Claims::new(request.data_dir, request.claim);

    let chosen = request
        .name_override
        .and_then(path::part)
        .map(|name| (name, Kind::Override, None))
        .or_else(|| {
            let (name, place) = found.marker.clone()?;
            Some((name, Kind::Marker, Some(place)))
        });
    if let Some((name, kind, place)) = chosen {
        let (root, git_dir) = match found.repository {
            Some((top, repository)) => (top, repository.git_dir),
            None => (place.unwrap_or(dir), None),
        };
        if name == UNFILED {
            return unfiled(root);
        }
        claims.reserve(&name, &root);
        return Project {
            label: name.clone(),
            name,
            parent: None,
            root,
            kind,
            git_dir,
        };
    }
    match found.repository {
        Some((top, repository)) => in_repository(top, repository, &claims, &ceilings),
        None if ceilings.contains(&dir) => unfiled(dir),
        None => {
            let owner = Owner::alone(&dir, None);
            owner.project(&claims, dir, Kind::Directory, None)
        }
    }
}

/// The branch and the commit that are checked out in the project, where there is a repository.
pub fn git_head(project: &Project) -> (Option<String>, Option<String>) {
    project.git_dir.as_deref().map_or((None, None), git::head)
}

/// A reader sees its own project and that of its main repository; the main repository also sees its
/// work trees and submodules.
pub fn read_scope(project: &Project) -> Scope {
    let mut exact = vec![project.name.clone()];
    exact.extend(project.parent.clone());
    let is_main = project.parent.is_none() && project.kind != Kind::Unfiled;
    Scope {
        exact,
        children_of: is_main.then(|| project.name.clone()),
    }
}

/// Directories that are never projects, and above which no search goes.
struct Ceilings(Vec<PathBuf>);

impl Ceilings {
    fn new(request: &Request<'_>) -> Self {
        let given = request.home.into_iter().chain([request.temp_dir]);
        let given = given
            .filter(|path| path.is_absolute())
            .flat_map(|path| [path::canonical(path), path.to_owned()]);
        Self(given.chain(TEMPORARY.map(PathBuf::from)).collect())
    }

    fn contains(&self, path: &Path) -> bool {
        path.parent().is_none() || self.0.iter().any(|ceiling| ceiling == path)
    }
}

/// What lies on the way up from a directory.
struct Found {
    repository: Option<(PathBuf, Repository)>,
    /// The nearest marker's name and its directory.
    marker: Option<(String, PathBuf)>,
}

fn search(dir: &Path, ceilings: &Ceilings) -> Found {
    let mut marker = None;
    for place in dir.ancestors().take(MAX_DEPTH) {
        if ceilings.contains(place) {
            break;
        }
        if marker.is_none() {
            marker = marked(place).map(|name| (name, place.to_owned()));
        }
        if let Some(repository) = git::discover(place) {
            return Found {
                repository: Some((place.to_owned(), repository)),
                marker,
            };
        }
    }
    Found {
        repository: None,
        marker,
    }
}

fn marked(place: &Path) -> Option<String> {
    let text = git::read_bounded(&place.join(MARKER), MAX_MARKER_BYTES)?;
    path::part(text.lines().next()?)
}

fn in_repository(
    top: PathBuf,
    repository: Repository,
    claims: &Claims,
    ceilings: &Ceilings,
) -> Project {
    let Repository {
        shape,
        git_dir,
        mut common_dir,
    } = repository;
    let (kind, owner) = match shape {
        Shape::Main => {
            let (main, label) = git::main_of(&common_dir);
            // A repository that is kept elsewhere, or beside the home's files, is called like its
            // work tree.
            let named_by_repository = common_dir.starts_with(&top) && !ceilings.contains(&main);
            let owner = if named_by_repository {
                Owner::new(label, main, Some(common_dir))
            } else {
                Owner::alone(&top, Some(common_dir))
            };
            (Kind::Git, owner)
        }
        Shape::Worktree { id } => {
            if git_dir.is_none() {
                common_dir = moved_repository(&common_dir, &id, &top, claims);
            }
            let owner = Owner::main(&common_dir, ceilings).map_or_else(
                || Owner::alone(&top, None),
                |main| main.with_child(&id, "worktree"),
            );
            (Kind::Worktree, owner)
        }
        Shape::Submodule {
            superproject,
            module,
        } => {
            let owner = Owner::main(&superproject, ceilings).map_or_else(
                || Owner::alone(&top, Some(common_dir)),
                |main| {
                    let inside = top.strip_prefix(&main.root).unwrap_or(&module).to_owned();
                    main.with_child(&inside.to_string_lossy(), "submodule")
                },
            );
            (Kind::Submodule, owner)
        }
    };
    let root = match kind {
        // A bare repository has no work tree; what stands for it is the directory it is named by.
        Kind::Git if git_dir.as_deref() == Some(&top) => owner.root.clone(),
        _ => top,
    };
    owner.project(claims, root, kind, git_dir)
}

/// Where the main repository of a work tree is now, if its own pointer leads nowhere. The claim of
/// its name knows the new place, and that place must know the work tree.
fn moved_repository(common_dir: &Path, id: &str, top: &Path, claims: &Claims) -> PathBuf {
    let (old_root, label) = git::main_of(common_dir);
    let inside = common_dir.strip_prefix(&old_root).unwrap_or(Path::new(""));
    path::part(&label)
        .and_then(|label| claims.root_of(&label))
        .map(|root| root.join(inside))
        .filter(|moved| git::owns_worktree(moved, id, top))
        .unwrap_or_else(|| common_dir.to_owned())
}

/// The project that claims a name, and the part of it that is meant.
struct Owner {
    label: String,
    root: PathBuf,
    common_dir: Option<PathBuf>,
    child: Option<String>,
}

impl Owner {
    fn new(label: impl AsRef<str>, root: PathBuf, common_dir: Option<PathBuf>) -> Self {
        Self {
            label: path::part(label.as_ref()).unwrap_or_else(|| "unnamed".to_owned()),
            root,
            common_dir,
            child: None,
        }
    }

    /// A directory that belongs to nothing greater.
    fn alone(top: &Path, common_dir: Option<PathBuf>) -> Self {
        let name = top.file_name().unwrap_or_default().to_string_lossy();
        Self::new(name, top.to_owned(), common_dir)
    }

    /// The main repository of a work tree or submodule; `None` if that is no project, like a
    /// repository whose work tree is the home directory.
    fn main(common_dir: &Path, ceilings: &Ceilings) -> Option<Self> {
        let common_dir = path::canonical(common_dir);
        let (root, label) = git::main_of(&common_dir);
        (!ceilings.contains(&root)).then(|| Self::new(label, root, Some(common_dir)))
    }

    fn with_child(self, child: &str, otherwise: &str) -> Self {
        Self {
            child: path::part(child).or_else(|| Some(otherwise.to_owned())),
            ..self
        }
    }

    fn project(
        self,
        claims: &Claims,
        root: PathBuf,
        kind: Kind,
        git_dir: Option<PathBuf>,
    ) -> Project {
        let name = claims.name(&Applicant {
            label: &self.label,
            root: &self.root,
            common_dir: self.common_dir.as_deref(),
        });
        let (name, label, parent) = match self.child {
            Some(child) => (
                format!("{name}/{child}"),
                format!("{}/{child}", self.label),
                Some(name),
            ),
            None => (name, self.label, None),
        };
        Project {
            name,
            label,
            parent,
            root,
            kind,
            git_dir,
        }
    }
}

fn unfiled(root: PathBuf) -> Project {
    Project {
        name: UNFILED.to_owned(),
        label: UNFILED.to_owned(),
        parent: None,
        root,
        kind: Kind::Unfiled,
        git_dir: None,
    }
}
