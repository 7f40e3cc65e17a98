//! Reading a model's answer, leniently.
//!
//! What models write is rarely well-formed: there are words and code fences
//! around it, `<` and `&` within it, tags that are missing, and an end that is
//! cut off. So the reader knows our tags only; everything else is text. It goes
//! through the answer once (`tags`), puts blocks together from the tags
//! (`blocks`), and holds what it finds to the mode's lists and to bounds
//! (`observation`, `summary`). Entities are decoded by `quick-xml`.

mod blocks;
mod instruction;
mod observation;
mod paths;
mod summary;
mod tags;
mod text;
mod words;

#[cfg(test)]
mod tests;

use std::collections::HashSet;

pub use instruction::{INSTRUCTION_LIKE, is_instruction_like};
pub use paths::relative_paths;

use super::mode::Mode;
use super::model::Reason;
use super::{Extraction, Reading};
use blocks::{Block, Blocks};

/// Most observations of one answer.
pub const MOST_OBSERVATIONS: usize = 8;

/// Most characters of [`Unreadable::words`].
const MOST_WORDS: usize = 300;

/// Most characters of a reason to skip.
const MOST_REASON: usize = 300;

/// What could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    pub reading: Reading,
    /// The answer ends inside a block, which was left out.
    pub cut_off: bool,
}

/// An answer of which nothing can be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// [`Reason::Empty`], [`Reason::Prose`] or [`Reason::Malformed`], or what the
    /// words mean: [`Reason::Auth`], [`Reason::Quota`], [`Reason::RateLimit`],
    /// [`Reason::Overloaded`], [`Reason::ContextTooLong`].
    pub reason: Reason,
    /// Its first words, without credentials.
    pub words: String,
}

/// What is complete in an answer that was cut off.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outline {
    pub titles: Vec<String>,
    pub summary: bool,
}

/// Reads an answer. Observations come without events and agents; a skip counts
/// only where there is no observation.
///
/// # Errors
/// When it holds neither an observation, nor a summary, nor a skip.
pub fn read(text: &str, mode: &Mode) -> Result<Read, Unreadable> {
    let mut found = blocks::find(text);
    // Some escape the whole of it.
    let unescaped;
    if found.all.is_empty() && text.contains("&lt;") {
        unescaped = text::decoded(text);
        found = blocks::find(&unescaped);
    }
    let cut_off = found.cut_off;
    let seen_tags = found.seen_tags;
    let reading = reading(found, mode);
    let nothing = reading.observations.is_empty()
        && reading.summary.is_none()
        && reading.skip_reason.is_none();
    if nothing {
        return Err(Unreadable {
            reason: words::reason(text, seen_tags),
            words: text::line(&capture::privacy::scrub(text), MOST_WORDS),
        });
    }
    Ok(Read { reading, cut_off })
}

/// What is complete in an answer.
pub fn outline(text: &str) -> Outline {
    let mut outline = Outline::default();
    for block in blocks::find(text).all {
        match block {
            Block::Observation(fields) => {
                let title = observation::title(&fields);
                if !title.is_empty() && outline.titles.len() < MOST_OBSERVATIONS {
                    outline.titles.push(title);
                }
            }
            Block::Summary(fields) => outline.summary |= summary::read(&fields).is_some(),
            Block::Skip(_) => {}
        }
    }
    outline
}

fn reading(found: Blocks<'_>, mode: &Mode) -> Reading {
    let mut reading = Extraction::default();
    let mut seen = HashSet::new();
    for block in found.all {
        match block {
            Block::Observation(fields) if reading.observations.len() < MOST_OBSERVATIONS => {
                if let Some(own) = observation::read(&fields, mode)
                    && seen.insert(text::key(&own.title))
                {
                    reading.observations.push(own);
                }
            }
            Block::Observation(_) => {}
            Block::Summary(fields) => {
                if reading.summary.is_none() {
                    reading.summary = summary::read(&fields);
                }
            }
            Block::Skip(reason) => {
                reading.skip_reason.get_or_insert_with(|| {
                    let reason = text::line(&text::decoded(reason), MOST_REASON);
                    if reason.is_empty() {
                        "no reason given".to_owned()
                    } else {
                        reason
                    }
                });
            }
        }
    }
    if !reading.observations.is_empty() {
        reading.skip_reason = None;
    }
    reading
}
