//! Paths that a model names.

use std::path::Path;

use crate::agent::Reading;

/// Longest path that is kept, in characters.
const MOST_PATH: usize = 300;

/// A path without its decoration, `.` and `..` resolved. `None` for what is none:
/// an address, a sentence, a way out of the project.
pub(super) fn cleaned(given: &str) -> Option<String> {
    let bare = given
        .trim()
        .trim_matches(['`', '"', '\'', '*', '<', '>'])
        .trim();
    // Some add a remark: `src/lib.rs (lines 1-20)`.
    let bare = bare.split(" (").next().unwrap_or(bare).trim();
    let path: String = bare.chars().filter(|c| !c.is_control()).collect();
    if path.is_empty() || path.chars().count() > MOST_PATH || path.contains("://") {
        return None;
    }
    if path.split_whitespace().count() > 4 {
        return None;
    }
    let absolute = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            other => parts.push(other),
        }
    }
    if parts.is_empty() {
        return None;
    }
    let joined = parts.join("/");
    Some(if absolute {
        format!("/{joined}")
    } else {
        joined
    })
}

/// Makes the paths of a reading relative to the project's root. Absolute paths
/// elsewhere stay as they are.
pub fn relative_paths(reading: &mut Reading, root: Option<&Path>) {
    let Some(root) = root.filter(|root| root.components().count() > 1) else {
        return;
    };
    for own in &mut reading.observations {
        for file in own.files_read.iter_mut().chain(&mut own.files_modified) {
            let inside = Path::new(file.as_str()).strip_prefix(root).ok();
            if let Some(inside) = inside
                .and_then(Path::to_str)
                .filter(|path| !path.is_empty())
            {
                *file = inside.to_owned();
            }
        }
        let modified = own.files_modified.clone();
        own.files_read.retain(|file| !modified.contains(file));
    }
}
