//! Reading a model's answer, leniently.

use super::Reading;
use super::mode::Mode;
use super::model::Reason;

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
    /// [`Reason::ContextTooLong`].
    pub reason: Reason,
    /// Its first words.
    pub words: String,
}

/// Reads an answer.
///
/// # Errors
/// When it holds neither an observation, nor a summary, nor a skip.
pub fn read(text: &str, _mode: &Mode) -> Result<Read, Unreadable> {
    Err(Unreadable {
        reason: Reason::Prose,
        words: text.to_owned(),
    })
}
