//! Paths as keys: one spelling for one directory, and names that are safe to store and to show.

use std::borrow::Cow;
use std::path::{Component, Path, PathBuf};

use crate::privacy::scrub;

/// Longer paths cannot be opened on Linux; nothing is looked up for them.
pub(super) const MAX_PATH_BYTES: usize = 4096;

/// Longest part of a project's name, in characters, before a hash takes the place of the rest. It
/// keeps a claim's file name below the 255 bytes that file systems allow, and lists readable.
const MAX_NAME_CHARS: usize = 60;

/// The path without `.` and `..`, judged by the text alone.
pub(super) fn normalise(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}

/// The path without symbolic links, as far as it exists; what does not exist is kept as text. A
/// removed directory of a repository still belongs to that repository.
pub(crate) fn canonical(path: &Path) -> PathBuf {
    if let Ok(path) = std::fs::canonicalize(path) {
        return path;
    }
    let path = normalise(path);
    path.ancestors()
        .skip(1)
        .find_map(|ancestor| {
            let rest = path.strip_prefix(ancestor).ok()?;
            // A failure of another kind than absence will not go away further up.
            ancestor.symlink_metadata().ok()?;
            Some(std::fs::canonicalize(ancestor).ok()?.join(rest))
        })
        .unwrap_or(path)
}

/// A name that is one part of a project's name: no separator, nothing invisible, no credential,
/// bounded. `None` where nothing remains.
pub(super) fn part(text: &str) -> Option<String> {
    let clean: String = scrub(text.trim())
        .chars()
        .map(|character| match character {
            '/' | '\\' => '-',
            character if is_invisible(character) => '-',
            character => character,
        })
        .collect();
    if clean
        .chars()
        .all(|character| matches!(character, '.' | ' '))
    {
        return None;
    }
    match clean.char_indices().nth(MAX_NAME_CHARS) {
        // Names that differ only in their ends stay different.
        Some((end, _)) => Some(format!("{}-{}", &clean[..end], &hex(text)[..6])),
        None => Some(clean),
    }
}

/// Characters that would break a line, hide in it or turn its direction.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// The path as text for a claim. One that is not UTF-8, or that has a credential in it, stays
/// different from every other.
pub(super) fn text(path: &Path) -> Cow<'_, str> {
    let shown = match path.to_str().map(scrub) {
        Some(Cow::Borrowed(text)) => return Cow::Borrowed(text),
        Some(Cow::Owned(scrubbed)) => scrubbed,
        None => scrub(&path.to_string_lossy()).into_owned(),
    };
    Cow::Owned(format!(
        "{shown} #{}",
        hex(path.as_os_str().as_encoded_bytes())
    ))
}

/// FNV-1a of 64 bits as 16 hexadecimal digits: short, and the same in every version and on every
/// machine. It tells names apart; it protects nothing.
pub(super) fn hex(bytes: impl AsRef<[u8]>) -> String {
    format!("{:016x}", sockets_protocol::fnv1a(bytes.as_ref()))
}
