//! What is worth remembering depends on the work: a mode says which types and
//! concepts observations have, and tells the model what to look for.
//!
//! The modes `code` and `research` are built in. A user's own mode is a file
//! `<name>.json` in the directory of modes; it wins over a built-in one of the
//! same name. Names consist of `a`–`z`, `0`–`9`, `-` and `_`. The file:
//!
//! ```json
//! {
//!   "name": "Legal review",
//!   "types": [
//!     { "id": "risk", "description": "a clause that can harm us" },
//!     { "id": "note", "description": "anything else worth knowing" }
//!   ],
//!   "concepts": [
//!     { "id": "deadline", "description": "a date that must be kept" }
//!   ],
//!   "fallback_type": "note",
//!   "guidance": "Keep: risks, deadlines, open questions. Leave out: reading.",
//!   "language": "German"
//! }
//! ```
//!
//! * `name`: what people see. Default: the file's name.
//! * `types` (needed): what an observation can be, the most telling first.
//! * `concepts`: what an observation can be useful for. Default: none.
//! * `fallback_type`: the type of an observation to which the model gave an
//!   unknown one. Default: the last of `types`.
//! * `guidance` (needed): what to look for and what to leave out, said to the
//!   model.
//! * `language`: English name of the language to write in. Default: that of the
//!   instructions, which are English.
//!
//! Ids are written like names of modes. A model reads all of this with each
//! call, so it is bounded: [`MOST_TEXT`] characters in all.
//!
//! A suffix after `--` is a language: `code--de`, `code--pt-br`. If there is a
//! file of exactly that name, its fields replace those of the mode before the
//! `--`, so `{"language": "Bavarian"}` is a whole file, and any suffix will do.

mod file;
mod languages;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use file::ModeFile;

/// Largest file of a mode, in bytes.
pub const MOST_FILE_BYTES: u64 = 64 * 1024;

/// Most characters of a mode's ids, descriptions and guidance together: with the
/// rest of the instructions half of the smallest prompt.
pub const MOST_TEXT: usize = 2_500;

/// The built-in modes.
const BUILT_IN: [(&str, &str); 2] = [
    ("code", include_str!("code.json")),
    ("research", include_str!("research.json")),
];

/// A mode, as its file describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mode {
    /// The name that chooses it, such as `code` or `code--de`.
    pub id: String,
    /// What it is called for people.
    pub name: String,
    /// Types of observations, the most telling first. Never empty.
    pub types: Vec<Term>,
    /// Concepts of observations.
    pub concepts: Vec<Term>,
    /// Type of an observation whose own is unknown: one of `types`.
    pub fallback_type: String,
    /// What to look for and what to leave out, in the mode's own words.
    pub guidance: String,
    /// English name of the language that observations are written in; `None`
    /// for the mode's own.
    pub language: Option<String>,
}

/// One name of a closed list, with its meaning for the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    pub id: String,
    pub description: String,
}

/// Why a mode cannot be used. The text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ModeError {
    #[error(
        "'{0}' cannot be the name of a mode: use at most 64 of a-z, 0-9, '-' and '_', not beginning with '-'"
    )]
    Name(String),
    #[error("there is no mode '{id}'; known modes: {known}. A mode of your own is a file {}", place(.id, .dir.as_deref()))]
    Unknown {
        id: String,
        known: String,
        dir: Option<PathBuf>,
    },
    #[error("mode '{id}': '{code}' is not a known language and there is no file {}; known languages: {}", place(.id, .dir.as_deref()), languages::codes())]
    Language {
        id: String,
        code: String,
        dir: Option<PathBuf>,
    },
    #[error("cannot read the mode file {file}: {source}")]
    Io {
        file: String,
        source: std::io::Error,
    },
    #[error(
        "the mode file {0} has more than {limit} bytes; a mode needs far fewer",
        limit = MOST_FILE_BYTES
    )]
    TooLarge(String),
    #[error("the mode file {file} is not valid: {problem}")]
    Invalid { file: String, problem: String },
}

fn place(id: &str, dir: Option<&Path>) -> String {
    match dir {
        Some(dir) => dir.join(format!("{id}.json")).display().to_string(),
        None => format!("{id}.json in the directory of modes"),
    }
}

/// Loads a mode by its name.
///
/// # Errors
/// When the name is none, no such mode or language is known, or a file of the
/// user's cannot be read or does not describe a mode.
pub fn load(id: &str, user_dir: Option<&Path>) -> Result<Mode, ModeError> {
    if !is_id(id) {
        return Err(ModeError::Name(id.chars().take(80).collect()));
    }
    let whole = |base: &str| -> Result<ModeFile, ModeError> {
        file::find(base, user_dir)?.ok_or_else(|| ModeError::Unknown {
            id: base.to_owned(),
            known: names(user_dir),
            dir: user_dir.map(Path::to_owned),
        })
    };
    let Some((base, code)) = id.split_once("--").filter(|(base, _)| !base.is_empty()) else {
        return whole(id)?.into_mode(id);
    };
    let mut mode = whole(base)?;
    let language = languages::name(code);
    if let Some(language) = language {
        mode.set_language(language);
    }
    match file::find_users(id, user_dir)? {
        Some(own) => mode.override_with(own),
        None if language.is_none() => {
            return Err(ModeError::Language {
                id: id.to_owned(),
                code: code.to_owned(),
                dir: user_dir.map(Path::to_owned),
            });
        }
        None => {}
    }
    mode.into_mode(id)
}

/// Names of all modes with what they are called, built-in ones first. Languages
/// are left out unless they have a file, and files that do not describe a mode
/// are named as such.
pub fn known(user_dir: Option<&Path>) -> Vec<(String, String)> {
    let mut ids: Vec<String> = BUILT_IN.iter().map(|(id, _)| (*id).to_owned()).collect();
    for id in file::users_ids(user_dir) {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids.into_iter()
        .map(|id| {
            let name = match load(&id, user_dir) {
                Ok(mode) => mode.name,
                Err(_) => "not valid".to_owned(),
            };
            (id, name)
        })
        .collect()
}

fn names(user_dir: Option<&Path>) -> String {
    let known = known(user_dir).into_iter().map(|(id, _)| id);
    known.collect::<Vec<_>>().join(", ")
}

fn is_id(id: &str) -> bool {
    !id.starts_with('-')
        && (1..=64).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte))
}
