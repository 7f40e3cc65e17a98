//! What memory says by itself, at a moment when it may help: at a prompt, before
//! a file is read, after a command failed.
//!
//! [`known`] finds what is worth an interruption, [`render()`] makes the text, and
//! [`hook`] answers Claude Code within its deadline; a session does not hear the
//! same twice ([`crate::context::recalled`]).

mod evidence;
mod failure;
mod file;
pub mod hook;
mod prompt;
mod render;

use std::path::PathBuf;

use crate::agent::reply::INSTRUCTION_LIKE;
use crate::search::{Filter, Found, Request, SearchError, Tables};
use crate::store::{ObservationRow, Reader, StoreError};

pub use render::{MAX_CHARS, render};

/// Rows that a search is asked for: enough that some remain of which the session
/// has not been told.
const CANDIDATES: usize = 12;

/// What happens in a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moment {
    /// The user says this.
    Prompt(String),
    /// This file is about to be read.
    Read(String),
    /// A tool call failed with this text.
    Failure(String),
}

impl Moment {
    /// Most memories that are told at such a moment.
    pub fn most(&self) -> usize {
        match self {
            Self::Prompt(_) | Self::Read(_) => 3,
            Self::Failure(_) => 2,
        }
    }
}

/// Who is to be told.
#[derive(Debug, Clone, Default)]
pub struct Listener {
    /// The stored projects that it may see.
    pub projects: Vec<String>,
    /// Top of its project's work tree.
    pub root: PathBuf,
    /// Claude Code's id of its session, whose own work is no news to it.
    pub session: Option<String>,
}

/// What is known that is worth an interruption at this moment, best first.
///
/// # Errors
/// When the database cannot be read.
pub fn known(
    reader: &Reader,
    moment: &Moment,
    listener: &Listener,
) -> Result<Vec<ObservationRow>, StoreError> {
    let mut rows = match moment {
        Moment::Prompt(text) => prompt::known(reader, text, listener)?,
        Moment::Read(path) => file::known(reader, path, listener)?,
        Moment::Failure(text) => failure::known(reader, text, listener)?,
    };
    rows.retain(|row| may_be_told(row, listener));
    Ok(rows)
}

/// Not what the session has just done itself, not what was taken back, and not
/// what speaks to a model.
fn may_be_told(row: &ObservationRow, listener: &Listener) -> bool {
    let own = listener
        .session
        .as_ref()
        .is_some_and(|session| *session == row.content_session_id);
    let to_a_model = row
        .concepts
        .iter()
        .any(|concept| concept == INSTRUCTION_LIKE);
    !own && !to_a_model && row.superseded_by.is_none()
}

/// Observations that fit these words, of the listener's projects.
fn search(
    reader: &Reader,
    text: String,
    listener: &Listener,
) -> Result<Vec<Found<ObservationRow>>, StoreError> {
    let request = Request {
        text,
        projects: Some(listener.projects.clone()),
        kinds: Vec::new(),
        filter: Filter::default(),
        tables: Tables {
            observations: true,
            summaries: false,
            prompts: false,
        },
        limit: CANDIDATES,
        offset: 0,
        now: None,
        // Loading one takes longer than a hook may.
        reranker: None,
    };
    match crate::search::run(reader, &request) {
        Ok(results) => Ok(results.observations),
        Err(SearchError::Empty) => Ok(Vec::new()),
        Err(SearchError::Store(error)) => Err(error),
    }
}
