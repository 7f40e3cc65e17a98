//! What the model is asked.

use super::Turn;
use super::mode::Mode;

/// The two halves of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// The same for every turn of a mode.
    pub system: String,
    /// This turn.
    pub user: String,
}

/// Puts a turn into words. `most_chars` bounds both halves together, however
/// much happened in the turn; it is at least [`LEAST_CHARS`].
pub fn build(_mode: &Mode, _turn: &Turn, _most_chars: usize) -> Prompt {
    Prompt {
        system: String::new(),
        user: String::new(),
    }
}

/// Below this a turn cannot be told.
pub const LEAST_CHARS: usize = 8_000;

/// Asks for what is missing of an answer that was cut off after `so_far`.
pub fn continuation(user: &str, _so_far: &str) -> String {
    user.to_owned()
}
