//! What calls cost, with a prompt cache as Anthropic has one.

use std::collections::HashSet;

use super::asked::{Asked, Part};
use super::script::digest;

/// Tokens that were reported to clients.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct TokenTotals {
    /// Neither read from nor written to the prompt cache.
    pub(crate) input: u64,
    pub(crate) cache_creation: u64,
    pub(crate) cache_read: u64,
    pub(crate) output: u64,
}

/// Of one call.
pub(super) type Usage = TokenTotals;

impl TokenTotals {
    pub(crate) fn total(&self) -> u64 {
        self.read() + self.output
    }

    /// As told to those who hear nothing of what is written to the cache.
    pub(super) fn without_creation(self) -> Self {
        Self {
            input: self.input + self.cache_creation,
            cache_creation: 0,
            ..self
        }
    }

    /// All that the model reads.
    pub(super) fn read(&self) -> u64 {
        self.input + self.cache_creation + self.cache_read
    }
}

impl std::ops::AddAssign for TokenTotals {
    fn add_assign(&mut self, more: Self) {
        self.input += more.input;
        self.cache_creation += more.cache_creation;
        self.cache_read += more.cache_read;
        self.output += more.output;
    }
}

/// Beginnings of prompts that a client asked to have kept.
#[derive(Debug, Default)]
pub(super) struct Cache(HashSet<String>);

impl Cache {
    /// What a call costs. A marked part's beginning costs a creation the first
    /// time and a reading from then on.
    pub(super) fn usage(&mut self, asked: &Asked, output: &str) -> Usage {
        let parts = asked.parts();
        let mut beginning = asked.body["model"].to_string();
        let (mut bytes, mut known, mut marked) = (0, 0, 0);
        for Part {
            role,
            text,
            marked: is_marked,
        } in parts
        {
            bytes += text.len();
            beginning = digest(&format!("{beginning}\n{role}\n{text}"));
            if is_marked {
                marked = bytes;
                if !self.0.insert(beginning.clone()) {
                    known = bytes;
                }
            }
        }
        Usage {
            input: tokens(bytes) - tokens(marked),
            cache_creation: tokens(marked) - tokens(known),
            cache_read: tokens(known),
            output: tokens(output.len()),
        }
    }
}

/// Four bytes each.
fn tokens(bytes: usize) -> u64 {
    bytes.div_ceil(4) as u64
}
