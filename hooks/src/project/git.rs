//! Git repositories read by hand: what kind of work tree a directory is, where its repository lies,
//! and what is checked out. Git itself is never run, because starting it costs more than a hook may.
//!
//! Every read is bounded, and whatever cannot be read or understood counts as absent.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Component, Path, PathBuf};

use super::path::normalise;

/// Enough for a `.git` file, `HEAD`, `commondir` or a loose ref: a path of 4096 bytes and a keyword.
const MAX_POINTER_BYTES: u64 = 8 << 10;
/// A `config` is a few hundred bytes; one with hundreds of branches is tens of thousands.
const MAX_CONFIG_BYTES: u64 = 256 << 10;
/// About 100,000 refs. Where a branch lies beyond that, its commit is unknown.
const MAX_PACKED_REFS_BYTES: u64 = 8 << 20;
/// Git itself follows five symbolic refs.
const MAX_SYMBOLIC_REFS: usize = 5;

/// What the top of a work tree is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Repository {
    pub(super) shape: Shape,
    /// Holds this work tree's own `HEAD`; `None` where the pointer to it is broken.
    pub(super) git_dir: Option<PathBuf>,
    /// The repository's shared directory, for a submodule that of the submodule. A path that was
    /// only read from a broken pointer may not exist.
    pub(super) common_dir: PathBuf,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    /// The main work tree, or a bare repository.
    Main,
    /// A linked work tree, under the name that the repository gave it, which is unique there.
    Worktree { id: String },
    /// A submodule: its module path below the superproject's shared directory.
    Submodule {
        superproject: PathBuf,
        module: PathBuf,
    },
}

/// The repository whose work tree has its top at `top`, if there is one.
pub(super) fn discover(top: &Path) -> Option<Repository> {
    let dot_git = top.join(".git");
    let Ok(metadata) = std::fs::metadata(&dot_git) else {
        return is_bare(top).then(|| Repository {
            shape: Shape::Main,
            git_dir: Some(top.to_owned()),
            common_dir: top.to_owned(),
        });
    };
    if metadata.is_dir() {
        // An empty `.git` directory is no repository to git either.
        return is_git_dir(&dot_git).then(|| Repository {
            shape: Shape::Main,
            git_dir: Some(dot_git.clone()),
            common_dir: dot_git,
        });
    }
    let text = read_bounded(&dot_git, MAX_POINTER_BYTES)?;
    let pointer = text.strip_prefix("gitdir:")?.trim();
    if pointer.is_empty() || pointer.contains('\0') {
        return None;
    }
    let git_dir = normalise(&top.join(pointer));
    if !is_git_dir(&git_dir) {
        return broken(&git_dir);
    }
    if let Some(common_dir) = linked_common_dir(&git_dir) {
        let id = name_of(&git_dir);
        return Some(Repository {
            shape: Shape::Worktree { id },
            git_dir: Some(git_dir),
            common_dir,
        });
    }
    let shape = submodule(&git_dir).unwrap_or(Shape::Main);
    Some(Repository {
        shape,
        common_dir: git_dir.clone(),
        git_dir: Some(git_dir),
    })
}

/// The main work tree of a repository and the name it goes by, from its shared directory:
/// `billing/.git` and `billing/.bare` belong to `billing`, and `billing.git` is `billing` itself.
pub(super) fn main_of(common_dir: &Path) -> (PathBuf, String) {
    let name = name_of(common_dir);
    if name.starts_with('.')
        && let Some(parent) = common_dir.parent()
    {
        return (parent.to_owned(), name_of(parent));
    }
    let plain = name.strip_suffix(".git").unwrap_or(&name).to_owned();
    (common_dir.to_owned(), plain)
}

/// Whether the repository at `common_dir` says that its linked work tree `id` lies at `top`.
pub(super) fn owns_worktree(common_dir: &Path, id: &str, top: &Path) -> bool {
    let directory = common_dir.join("worktrees").join(id);
    read_bounded(&directory.join("gitdir"), MAX_POINTER_BYTES)
        .is_some_and(|text| normalise(&directory.join(text.trim())).parent() == Some(top))
}

/// The URL of the remote "origin" without credentials, scheme and spelling variants, so that two
/// clones of one repository agree: `host/path`, or the path of a local one.
pub(super) fn origin(common_dir: &Path) -> Option<String> {
    let config = read_bounded(&common_dir.join("config"), MAX_CONFIG_BYTES)?;
    let mut in_origin = false;
    let mut url = None;
    for line in config.lines().map(str::trim) {
        if let Some(header) = line.strip_prefix('[') {
            in_origin = is_origin_header(header);
        } else if in_origin
            && let Some((key, value)) = line.split_once('=')
            && key.trim().eq_ignore_ascii_case("url")
        {
            url = Some(value.trim().trim_matches('"'));
        }
    }
    url.map(plain_url).filter(|url| !url.is_empty())
}

/// The branch and the commit that are checked out. Both are unknown where there is no repository;
/// a detached head has no branch; a branch without a commit has no commit.
pub(super) fn head(git_dir: &Path) -> (Option<String>, Option<String>) {
    let Some(head) = read_bounded(&git_dir.join("HEAD"), MAX_POINTER_BYTES) else {
        return (None, None);
    };
    let Some(reference) = head.strip_prefix("ref:").map(str::trim) else {
        return (None, commit(&head));
    };
    // This is what `HEAD` holds where refs are kept in a reftable, which is not read here.
    if reference == "refs/heads/.invalid" {
        return (None, None);
    }
    let branch = reference.strip_prefix("refs/heads/").unwrap_or(reference);
    (Some(branch.to_owned()), resolve_ref(git_dir, reference))
}

fn resolve_ref(git_dir: &Path, reference: &str) -> Option<String> {
    let common_dir = linked_common_dir(git_dir).unwrap_or_else(|| git_dir.to_owned());
    let mut reference = reference.to_owned();
    for _ in 0..MAX_SYMBOLIC_REFS {
        // The name comes from a file, and must not lead out of the repository.
        let inside = Path::new(&reference)
            .components()
            .all(|component| matches!(component, Component::Normal(_)));
        if !inside {
            return None;
        }
        let loose = read_bounded(&git_dir.join(&reference), MAX_POINTER_BYTES)
            .or_else(|| read_bounded(&common_dir.join(&reference), MAX_POINTER_BYTES));
        match loose {
            Some(text) => match text.strip_prefix("ref:") {
                Some(next) => next.trim().clone_into(&mut reference),
                None => return commit(&text),
            },
            None => return packed(&common_dir, &reference),
        }
    }
    None
}

fn packed(common_dir: &Path, reference: &str) -> Option<String> {
    let path = common_dir.join("packed-refs");
    let file = open_regular(&path)?;
    let mut lines = BufReader::with_capacity(64 << 10, file.take(MAX_PACKED_REFS_BYTES));
    let mut line = Vec::new();
    loop {
        line.clear();
        if lines.read_until(b'\n', &mut line).ok()? == 0 {
            return None;
        }
        let text = line.trim_ascii_end();
        if let Some(rest) = text.strip_suffix(reference.as_bytes())
            && let Some(hash) = rest.strip_suffix(b" ")
        {
            return commit(std::str::from_utf8(hash).ok()?);
        }
    }
}

/// A commit's name: 40 hexadecimal digits, or 64 in a repository of the newer format.
fn commit(text: &str) -> Option<String> {
    let text = text.trim();
    let hexadecimal = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    (hexadecimal && matches!(text.len(), 40 | 64)).then(|| text.to_ascii_lowercase())
}

/// The pointer leads nowhere: the main repository was moved, deleted or is not mounted. Its text
/// still tells what this was.
fn broken(git_dir: &Path) -> Option<Repository> {
    let parent = git_dir.parent()?;
    if parent.file_name()? != "worktrees" {
        return None;
    }
    Some(Repository {
        shape: Shape::Worktree {
            id: name_of(git_dir),
        },
        git_dir: None,
        common_dir: parent.parent()?.to_owned(),
    })
}

/// A submodule's repository lies in `modules` of its superproject's, which may be a linked work
/// tree's; the superproject is then the main repository.
fn submodule(git_dir: &Path) -> Option<Shape> {
    // The outermost one counts, so that a submodule's submodule belongs to the whole as well.
    let above: Vec<&Path> = git_dir.ancestors().skip(1).collect();
    above.into_iter().rev().find_map(|ancestor| {
        let module = git_dir.strip_prefix(ancestor.join("modules")).ok()?;
        if module.as_os_str().is_empty() || !is_git_dir(ancestor) {
            return None;
        }
        Some(Shape::Submodule {
            superproject: linked_common_dir(ancestor).unwrap_or_else(|| ancestor.to_owned()),
            module: module.to_owned(),
        })
    })
}

/// The shared directory that a linked work tree's own git directory names.
fn linked_common_dir(git_dir: &Path) -> Option<PathBuf> {
    let text = read_bounded(&git_dir.join("commondir"), MAX_POINTER_BYTES)?;
    let text = text.trim();
    (!text.is_empty() && !text.contains('\0')).then(|| normalise(&git_dir.join(text)))
}

fn is_git_dir(path: &Path) -> bool {
    path.join("HEAD").symlink_metadata().is_ok()
}

fn is_bare(path: &Path) -> bool {
    is_git_dir(path) && path.join("objects").is_dir() && path.join("refs").is_dir()
}

/// Whether what follows a section's opening bracket is `remote "origin"]`.
fn is_origin_header(header: &str) -> bool {
    let Some((header, _)) = header.split_once(']') else {
        return false;
    };
    let mut words = header.split_ascii_whitespace();
    words
        .next()
        .is_some_and(|word| word.eq_ignore_ascii_case("remote"))
        && words.next() == Some("\"origin\"")
        && words.next().is_none()
}

fn plain_url(url: &str) -> String {
    let (has_scheme, rest) = match url.split_once("://") {
        Some(("file", path)) => (false, path),
        Some((_, rest)) => (true, rest),
        None => (false, url),
    };
    let rest = if has_scheme {
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        // Tokens are also put into the query, and a password may hold an `@`.
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let host = authority.rsplit('@').next().unwrap_or_default();
        format!("{}/{path}", host.to_ascii_lowercase())
    } else if let Some((authority, path)) = rest.split_once(':')
        && !authority.contains('/')
    {
        let host = authority.rsplit('@').next().unwrap_or_default();
        format!(
            "{}/{}",
            host.to_ascii_lowercase(),
            path.trim_start_matches('/')
        )
    } else {
        rest.to_owned()
    };
    let rest = rest.trim_end_matches('/');
    rest.strip_suffix(".git").unwrap_or(rest).to_owned()
}

fn name_of(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// The text of a regular file's first bytes. A device or a pipe could make the reader wait.
pub(super) fn read_bounded(path: &Path, limit: u64) -> Option<String> {
    let mut bytes = Vec::new();
    open_regular(path)?
        .take(limit)
        .read_to_end(&mut bytes)
        .ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn open_regular(path: &Path) -> Option<File> {
    if !std::fs::metadata(path).ok()?.is_file() {
        return None;
    }
    File::open(path).ok()
}
