//! What the model is asked.
//!
//! A request is the mode's fixed instructions and the record of one turn. The
//! record is text for reading, not JSON: a line for each call and below it what
//! matters of its result. Whatever comes from the session stands behind a `|` on
//! its line, and our own words never do, so nothing that was read or said can
//! pretend to be a part of the request. All sizes are counted in bytes,
//! which bounds characters too and comes nearer to tokens in scripts that need
//! several bytes for a character.

mod call;
mod cut;
mod events;
mod paths;
mod quote;
mod shares;
mod shell;
mod system;
mod tools;
mod user;

#[cfg(test)]
mod tests;

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

/// Below this a turn cannot be told.
pub const LEAST_CHARS: usize = 8_000;

/// Most bytes that [`continuation`] adds.
pub const MOST_CONTINUATION: usize = 2_000;

/// Puts a turn into words. `most_chars` bounds both halves together, however
/// much happened in the turn; it is at least [`LEAST_CHARS`].
pub fn build(mode: &Mode, turn: &Turn, most_chars: usize) -> Prompt {
    let most = most_chars.max(LEAST_CHARS);
    let system = system::text(mode, most / 8 * 5);
    let user = user::text(turn, most - system.len());
    Prompt { system, user }
}

/// Whether more of the turn follows, so that it has no summary yet.
fn is_part(turn: &Turn) -> bool {
    turn.continues
}

/// Asks for what is missing of an answer that was cut off after `so_far`: whole
/// blocks again, so that each answer can be read by itself. Adds at most
/// [`MOST_CONTINUATION`] bytes to the request.
pub fn continuation(user: &str, so_far: &str) -> String {
    let done = super::reply::outline(so_far);
    let mut ask = "\nYour answer to this was cut off at its limit. ".to_owned();
    if done.titles.is_empty() {
        ask.push_str("None of its observations was complete.\n");
    } else {
        ask.push_str("These observations were complete; do not give them again:\n");
        for title in &done.titles {
            ask.push_str(&quote::item(title, 160));
        }
    }
    ask.push_str(if done.summary {
        "The summary was complete too. Give only the observations that are missing, shorter than before."
    } else {
        "Begin anew with the block that was cut off and give what is missing, shorter than before."
    });
    [user, &ask].concat()
}
