//! What is known about what the user asks.

use crate::search::Found;
use crate::store::{ObservationRow, Reader, StoreError};

use super::Listener;
use super::evidence::{Telling, held, telling, weight};

/// Words of a prompt that are looked for: those at its beginning, and at the end
/// of a long one, which is where a request stands around what was pasted.
const FIRST: usize = 22;
const LAST: usize = 8;

/// Telling words that prompt and row have in common, at least.
const LEAST_WORDS: f64 = 2.0;

/// What is worth an interruption: the words that both have, times the share of
/// the prompt that they are, and the nearness in meaning. Of the 32 prompts of
/// `tests/data/recall.jsonl` that a row answers, 31 are told it where there are 30
/// rows, and 30 among 400 other notes, where the other two are told of the same
/// thing. Of 98 other prompts none is told anything, and among those notes two
/// are, of what they are about. Rows that have words in common by chance reach
/// 1.24, and seldom more.
const FLOOR: f64 = 1.3;

/// A row beside the best one has at least this share of its evidence.
const BESIDE: f64 = 0.4;

/// Rows that belong to the prompt, best first.
pub(super) fn known(
    reader: &Reader,
    text: &str,
    listener: &Listener,
) -> Result<Vec<ObservationRow>, StoreError> {
    let words = looked_for(text);
    if weight(&words) < LEAST_WORDS {
        return Ok(Vec::new());
    }
    let query: Vec<&str> = words.iter().map(|word| word.shown.as_str()).collect();
    let found = super::search(reader, query.join(" "), listener)?;
    let evidence = found.iter().map(|found| evidence(&words, found));
    let evidence: Vec<f64> = evidence.collect();
    let best = evidence.iter().copied().fold(0.0, f64::max);
    let floor = FLOOR.max(BESIDE * best);
    let mut worth: Vec<(f64, ObservationRow)> = evidence
        .into_iter()
        .zip(found)
        .filter(|(evidence, _)| *evidence >= floor)
        .map(|(evidence, found)| (evidence, found.row))
        .collect();
    worth.sort_by(|left, right| right.0.total_cmp(&left.0));
    Ok(worth.into_iter().map(|(_, row)| row).collect())
}

fn looked_for(text: &str) -> Vec<Telling> {
    let mut words = telling(text);
    if words.len() > FIRST + LAST {
        words.drain(FIRST..words.len() - LAST);
    }
    words
}

fn evidence(words: &[Telling], found: &Found<ObservationRow>) -> f64 {
    let held = weight(held(words, &found.row));
    if held < LEAST_WORDS {
        return 0.0;
    }
    held * found.explanation.coverage + found.explanation.meaning
}

#[cfg(test)]
#[path = "prompt_tests.rs"]
mod tests;
