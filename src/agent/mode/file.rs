//! Files of modes: finding, reading, holding them to their bounds.

use std::collections::HashSet;
use std::io::Read as _;
use std::path::Path;

use serde::Deserialize;

use super::{BUILT_IN, MOST_FILE_BYTES, MOST_TEXT, Mode, ModeError, Term, is_id};

/// Most characters of a name for people or of a language.
const MOST_NAME: usize = 60;

/// Most types, and most concepts.
const MOST_TERMS: usize = 24;

/// Most own modes that are listed.
const MOST_LISTED: usize = 100;

/// What the file says. Whatever is missing comes from the mode it overrides.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    name: Option<String>,
    types: Option<Vec<TermField>>,
    concepts: Option<Vec<TermField>>,
    fallback_type: Option<String>,
    guidance: Option<String>,
    language: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TermField {
    id: String,
    description: String,
}

/// A file's fields, and where they are from.
#[derive(Debug)]
pub(super) struct ModeFile {
    /// For errors.
    file: String,
    fields: Fields,
}

/// The file of a mode: the user's, else the built-in one.
pub(super) fn find(id: &str, user_dir: Option<&Path>) -> Result<Option<ModeFile>, ModeError> {
    if let Some(own) = find_users(id, user_dir)? {
        return Ok(Some(own));
    }
    BUILT_IN
        .iter()
        .find(|(name, _)| *name == id)
        .map(|(_, text)| parse(format!("built-in {id}.json"), text))
        .transpose()
}

/// The user's file of exactly that name, if there is one.
pub(super) fn find_users(id: &str, user_dir: Option<&Path>) -> Result<Option<ModeFile>, ModeError> {
    let Some(path) = user_dir.map(|dir| dir.join(format!("{id}.json"))) else {
        return Ok(None);
    };
    let file = path.display().to_string();
    let io = |source| ModeError::Io {
        file: file.clone(),
        source,
    };
    match std::fs::metadata(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io(error)),
        // Opening a pipe would wait for its writer.
        Ok(data) if !data.is_file() => {
            return Err(io(std::io::Error::other("it is not a regular file")));
        }
        Ok(_) => {}
    }
    let mut bytes = Vec::new();
    std::fs::File::open(&path)
        .and_then(|open| open.take(MOST_FILE_BYTES + 1).read_to_end(&mut bytes))
        .map_err(io)?;
    if bytes.len() as u64 > MOST_FILE_BYTES {
        return Err(ModeError::TooLarge(file));
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    parse(file, text.trim_start_matches('\u{feff}')).map(Some)
}

/// Names of the user's modes, sorted.
pub(super) fn users_ids(user_dir: Option<&Path>) -> Vec<String> {
    let entries = user_dir.and_then(|dir| std::fs::read_dir(dir).ok());
    let mut ids: Vec<String> = entries
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let id = name.strip_suffix(".json")?;
            is_id(id).then(|| id.to_owned())
        })
        .take(MOST_LISTED)
        .collect();
    ids.sort();
    ids
}

fn parse(file: String, text: &str) -> Result<ModeFile, ModeError> {
    match serde_json::from_str(text) {
        Ok(fields) => Ok(ModeFile { file, fields }),
        Err(error) => Err(ModeError::Invalid {
            file,
            problem: error.to_string(),
        }),
    }
}

impl ModeFile {
    pub(super) fn set_language(&mut self, language: &str) {
        self.fields.language = Some(language.to_owned());
    }

    /// Takes over what the other file says. Errors name that file from here on.
    pub(super) fn override_with(&mut self, other: Self) {
        let (mine, theirs) = (&mut self.fields, other.fields);
        self.file = other.file;
        // A fallback belongs to its list of types.
        if theirs.types.is_some() {
            mine.fallback_type = None;
        }
        mine.name = theirs.name.or_else(|| mine.name.take());
        mine.types = theirs.types.or_else(|| mine.types.take());
        mine.concepts = theirs.concepts.or_else(|| mine.concepts.take());
        mine.fallback_type = theirs.fallback_type.or_else(|| mine.fallback_type.take());
        mine.guidance = theirs.guidance.or_else(|| mine.guidance.take());
        mine.language = theirs.language.or_else(|| mine.language.take());
    }

    /// The mode, if the fields make one.
    pub(super) fn into_mode(self, id: &str) -> Result<Mode, ModeError> {
        let file = self.file;
        mode(id, self.fields).map_err(|problem| ModeError::Invalid { file, problem })
    }
}

fn mode(id: &str, fields: Fields) -> Result<Mode, String> {
    let types = fields
        .types
        .ok_or("'types' is missing: a list of {\"id\", \"description\"}")?;
    let types = terms("types", types)?;
    let last = types
        .last()
        .ok_or("'types' is empty; a mode needs at least one")?;
    let fallback_type = fields.fallback_type.unwrap_or_else(|| last.id.clone());
    if !types.iter().any(|term| term.id == fallback_type) {
        let ids: Vec<&str> = types.iter().map(|term| term.id.as_str()).collect();
        return Err(format!(
            "'fallback_type' is '{fallback_type}'; allowed is one of 'types': {}",
            ids.join(", ")
        ));
    }
    let concepts = terms("concepts", fields.concepts.unwrap_or_default())?;
    let guidance = fields.guidance.unwrap_or_default().trim().to_owned();
    if guidance.is_empty() {
        return Err("'guidance' is missing: what to keep and what to leave out".to_owned());
    }
    let text: usize = types
        .iter()
        .chain(&concepts)
        .map(|term| term.id.chars().count() + term.description.chars().count())
        .sum::<usize>()
        + guidance.chars().count();
    if text > MOST_TEXT {
        return Err(format!(
            "ids, descriptions and 'guidance' have {text} characters together; allowed are {MOST_TEXT}, since they are sent with each call"
        ));
    }
    let language = fields.language.map(|language| line("language", &language));
    let name = line("name", fields.name.as_deref().unwrap_or(id))?;
    Ok(Mode {
        id: id.to_owned(),
        name,
        types,
        concepts,
        fallback_type,
        guidance,
        language: language.transpose()?,
    })
}

/// A short text on one line.
fn line(field: &str, text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > MOST_NAME || text.contains(char::is_control) {
        return Err(format!(
            "'{field}' must be one line of 1 to {MOST_NAME} characters"
        ));
    }
    Ok(text.to_owned())
}

fn terms(field: &str, given: Vec<TermField>) -> Result<Vec<Term>, String> {
    if given.len() > MOST_TERMS {
        return Err(format!(
            "'{field}' has {} entries; allowed are {MOST_TERMS}",
            given.len()
        ));
    }
    let mut seen = HashSet::new();
    given
        .into_iter()
        .map(|term| {
            if !is_id(&term.id) {
                return Err(format!(
                    "'{field}' has the id '{}'; allowed are a-z, 0-9, '-' and '_'",
                    term.id.chars().take(80).collect::<String>()
                ));
            }
            if !seen.insert(term.id.replace(['-', '_'], "")) {
                return Err(format!("'{field}' has '{}' twice", term.id));
            }
            let description = term.description.trim();
            if description.is_empty() || description.contains(char::is_control) {
                return Err(format!(
                    "the description of '{}' in '{field}' must be one line that is not empty",
                    term.id
                ));
            }
            Ok(Term {
                id: term.id,
                description: description.to_owned(),
            })
        })
        .collect()
}
