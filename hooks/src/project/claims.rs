//! Who owns a project name. Two directories called `app` are two projects, and stay apart.
//!
//! `projects/` in the data directory holds one small file for each name in use. The first root to
//! ask for a name gets it; a different one gets the name with a hash of what it is. A project is
//! known again by its root, or by its identity after it was moved or cloned once more. Readers ask
//! the same questions in the same order, without writing.
//!
//! A claim is made by a hard link, which cannot replace a file, so that of many hooks at once one
//! wins and the others see its claim. Everything else happens under a lock that nobody waits for.

use std::cell::OnceCell;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use super::UNFILED;
use super::git;
use super::path::{hex, text};
use crate::settings::{create_private_dir, open_lock, write_beside};

/// The identity of a name that a user chose. It matches nothing, so that a directory which only
/// happens to be called the same does not join.
const CHOSEN: &str = "chosen";

/// A claim is a name, a path of at most 4096 bytes and a URL; escapes can make that six times as long.
const MAX_CLAIM_BYTES: u64 = 64 << 10;

/// Bounds of the search for a project's earlier name: files listed, and claims read.
const MAX_LISTED: usize = 20_000;
const MAX_READ: usize = 256;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Claim {
    name: String,
    root: String,
    #[serde(default)]
    identity: Option<String>,
}

/// A project that asks for a name.
pub(super) struct Applicant<'a> {
    /// The name it would have if it were alone.
    pub(super) label: &'a str,
    pub(super) root: &'a Path,
    /// The repository's shared directory, where there is a repository.
    pub(super) common_dir: Option<&'a Path>,
}

/// The names in use.
pub(super) struct Claims {
    directory: PathBuf,
    writable: bool,
}

/// What the file of a name says.
enum Entry {
    Free,
    Held(Claim),
    /// There is a file, and it is no claim.
    Corrupt,
}

impl Claims {
    pub(super) fn new(data_dir: &Path, writable: bool) -> Self {
        Self {
            directory: data_dir.join("projects"),
            writable,
        }
    }

    /// The name that belongs to the applicant. It is the same for readers and for writers, and
    /// where claims cannot be written it is still computed.
    pub(super) fn name(&self, applicant: &Applicant<'_>) -> String {
        let seeker = Seeker {
            root: text(applicant.root).into_owned(),
            common_dir: applicant.common_dir,
            place: applicant.root,
            identity: OnceCell::new(),
        };
        let label = applicant.label;
        let entry = self.read(label);
        if let Entry::Held(claim) = &entry
            && seeker.is(claim)
        {
            self.refresh(claim, &seeker);
            return label.to_owned();
        }
        let hash = hex(seeker.identity().unwrap_or(&seeker.root));
        let candidates =
            [6, 12, 16].map(|digits| format!("{label}-{}", hash.get(..digits).unwrap_or(&hash)));

        // A project keeps the longer name even when the shorter one has become free: under the
        // shorter one lies what another project stored.
        if let Some(claim) = self.find_earlier(label, &candidates[0], &seeker) {
            self.refresh(&claim, &seeker);
            return claim.name;
        }
        let shortest = match entry {
            Entry::Held(_) => None,
            Entry::Free | Entry::Corrupt => Some(label),
        };
        shortest
            .filter(|label| *label != UNFILED)
            .into_iter()
            .chain(candidates.iter().map(String::as_str))
            .find(|name| self.take(name, &seeker))
            .unwrap_or(&candidates[2])
            .to_owned()
    }

    /// Keeps a name that a user chose from being given to a directory that is only called the same.
    pub(super) fn reserve(&self, name: &str, root: &Path) {
        if self.writable && matches!(self.read(name), Entry::Free) {
            let claim = Claim {
                name: name.to_owned(),
                root: text(root).into_owned(),
                identity: Some(CHOSEN.to_owned()),
            };
            // The name holds without the reservation, so a failure costs nothing now.
            self.create(&claim).ok();
        }
    }

    /// The root of the project that holds `name`.
    pub(super) fn root_of(&self, name: &str) -> Option<PathBuf> {
        match self.read(name) {
            Entry::Held(claim) => Some(PathBuf::from(claim.root)),
            _ => None,
        }
    }

    /// Whether `name` is the seeker's, after claiming it where it is free.
    fn take(&self, name: &str, seeker: &Seeker<'_>) -> bool {
        // A second round sees the claim of whoever was faster; a third the one that took the place
        // of a corrupt file.
        for _ in 0..3 {
            match self.read(name) {
                Entry::Held(claim) => return seeker.is(&claim),
                _ if !self.writable => return true,
                Entry::Free => match self.create(&seeker.claim(name)) {
                    Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                    // Where claims cannot be written nothing else is written either.
                    _ => return true,
                },
                Entry::Corrupt => {
                    if !self.remove_corrupt(name) {
                        return true;
                    }
                }
            }
        }
        true
    }

    fn find_earlier(&self, label: &str, likely: &str, seeker: &Seeker<'_>) -> Option<Claim> {
        if let Entry::Held(claim) = self.read(likely)
            && seeker.is(&claim)
        {
            return Some(claim);
        }
        let prefix = format!("{}-", slug(label));
        std::fs::read_dir(&self.directory)
            .ok()?
            .take(MAX_LISTED)
            .filter_map(Result::ok)
            .filter(|entry| {
                let name = entry.file_name();
                let name = name.as_encoded_bytes();
                name.starts_with(prefix.as_bytes()) && name.ends_with(b".json")
            })
            .take(MAX_READ)
            .filter_map(|entry| parse(&git::read_bounded(&entry.path(), MAX_CLAIM_BYTES)?))
            .find(|claim| is_suffixed(&claim.name, label) && seeker.is(claim))
    }

    fn read(&self, name: &str) -> Entry {
        let path = self.path(name);
        match git::read_bounded(&path, MAX_CLAIM_BYTES) {
            Some(text) => match parse(&text) {
                Some(claim) if claim.name == name => Entry::Held(claim),
                _ => Entry::Corrupt,
            },
            None if path.symlink_metadata().is_ok() => Entry::Corrupt,
            None => Entry::Free,
        }
    }

    /// Makes a claim; fails with [`ErrorKind::AlreadyExists`] where there is one.
    fn create(&self, claim: &Claim) -> io::Result<()> {
        create_private_dir(&self.directory)?;
        let path = self.path(&claim.name);
        let bytes = bytes(claim)?;
        let (file, temporary) = write_beside(&path, &bytes)?;
        drop(file);
        let linked = std::fs::hard_link(&temporary, &path);
        std::fs::remove_file(&temporary).ok();
        match linked {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(error),
            // Some file systems have no hard links. Creating the file is exclusive too; only a
            // crash between creating and writing would leave an empty one, which is replaced.
            Err(_) => OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&path)?
                .write_all(&bytes),
            Ok(()) => Ok(()),
        }
    }

    /// Brings a claim up to date: with the new root of a moved project, and with the identity of a
    /// directory that has got a better one since.
    fn refresh(&self, claim: &Claim, seeker: &Seeker<'_>) {
        if !self.writable {
            return;
        }
        let mut fresh = claim.clone();
        if claim.root == seeker.root {
            // An origin or a choice stays; an inode may have become an origin, or another inode
            // after a restart.
            let settled = claim
                .identity
                .as_deref()
                .is_some_and(|identity| !identity.starts_with("inode:"));
            if !settled && let Some(identity) = seeker.identity() {
                fresh.identity = Some(identity.to_owned());
            }
        } else if is_gone(Path::new(&claim.root)) {
            fresh.root.clone_from(&seeker.root);
        }
        if fresh != *claim
            && let Some(_lock) = self.try_lock()
            && let Ok(bytes) = bytes(&fresh)
            && let Ok((_, temporary)) = write_beside(&self.path(&claim.name), &bytes)
            && std::fs::rename(&temporary, self.path(&claim.name)).is_err()
        {
            std::fs::remove_file(&temporary).ok();
        }
    }

    /// Takes away a file that is no claim. The lock makes sure that it is not yet someone's new one.
    fn remove_corrupt(&self, name: &str) -> bool {
        let Some(_lock) = self.try_lock() else {
            return false;
        };
        !matches!(self.read(name), Entry::Corrupt) || std::fs::remove_file(self.path(name)).is_ok()
    }

    fn try_lock(&self) -> Option<File> {
        let lock = open_lock(&self.directory.join(".lock")).ok()?;
        match lock.try_lock() {
            Ok(()) => Some(lock),
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => None,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(file_name(name))
    }
}

/// An applicant whose identity is found out at most once, and only when it matters: a known root
/// needs none.
struct Seeker<'a> {
    root: String,
    place: &'a Path,
    common_dir: Option<&'a Path>,
    identity: OnceCell<Option<String>>,
}

impl Seeker<'_> {
    fn identity(&self) -> Option<&str> {
        self.identity
            .get_or_init(|| {
                let origin = self.common_dir.and_then(git::origin);
                match origin {
                    Some(url) => Some(format!("origin:{url}")),
                    None => inode(self.common_dir.unwrap_or(self.place)),
                }
            })
            .as_deref()
    }

    fn is(&self, claim: &Claim) -> bool {
        if claim.root == self.root {
            return true;
        }
        let Some(claimed) = claim.identity.as_deref() else {
            return false;
        };
        if self.identity() != Some(claimed) {
            return false;
        }
        // A directory that moved is gone from its old place. If something is there still, the
        // inode number has been given to another directory, unless both are one.
        let old = Path::new(&claim.root);
        claimed.starts_with("origin:") || is_gone(old) || inode(old) == inode(self.place)
    }

    fn claim(&self, name: &str) -> Claim {
        Claim {
            name: name.to_owned(),
            root: self.root.clone(),
            identity: self.identity().map(str::to_owned),
        }
    }
}

/// What tells a directory from every other one, wherever it is moved on its file system. The time
/// of its birth is part of it where the system tells, because inode numbers are given out again.
fn inode(path: &Path) -> Option<String> {
    let metadata = std::fs::metadata(path).ok()?;
    let place = format!("inode:{}:{}", metadata.dev(), metadata.ino());
    let born = metadata
        .created()
        .ok()
        .and_then(|born| born.duration_since(UNIX_EPOCH).ok());
    Some(match born {
        Some(born) => format!("{place}:{}", born.as_nanos()),
        None => place,
    })
}

/// Whether nothing is there. A directory that only cannot be looked at is not gone.
fn is_gone(path: &Path) -> bool {
    path.symlink_metadata().is_err_and(|error| {
        matches!(
            error.kind(),
            ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidFilename
        )
    })
}

/// Whether `name` is `label` with one of the hashes that this module appends.
fn is_suffixed(name: &str, label: &str) -> bool {
    name.strip_prefix(label)
        .and_then(|rest| rest.strip_prefix('-'))
        .is_some_and(|hash| {
            matches!(hash.len(), 6 | 12 | 16) && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
}

fn parse(text: &str) -> Option<Claim> {
    serde_json::from_str(text).ok()
}

fn bytes(claim: &Claim) -> io::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(claim)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// The file of a name. Different names have different files, on file systems that do not tell
/// upper case from lower case too.
fn file_name(name: &str) -> String {
    let slug = slug(name);
    if slug == name && !slug.starts_with('.') {
        format!("{slug}.json")
    } else {
        format!("{}%{}.json", slug.trim_start_matches('.'), hex(name))
    }
}

fn slug(name: &str) -> String {
    name.trim_start_matches('.')
        .chars()
        .map(|character| match character.to_ascii_lowercase() {
            safe @ ('a'..='z' | '0'..='9' | '.' | '_' | '-') => safe,
            _ => '_',
        })
        .collect()
}
