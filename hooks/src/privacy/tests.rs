//! Tests of the whole module; each part's name says what it holds.

mod canaries;
mod harmless;
mod private_tags;
mod properties;
mod values;

/// A small generator with a fixed beginning, so that every run is the same.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 16) % limit as u64).unwrap()
    }

    pub(super) fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }

    /// A random word of an alphabet, with a digit and a letter in it where the
    /// alphabet has both.
    pub(super) fn word(&mut self, length: usize, alphabet: &str) -> String {
        let alphabet = alphabet.as_bytes();
        loop {
            let word: String = (0..length)
                .map(|_| char::from(*self.pick(alphabet)))
                .collect();
            let letters = word.bytes().any(|byte| byte.is_ascii_alphabetic());
            let digits = word.bytes().filter(u8::is_ascii_digit).count() > 1;
            if letters
                && digits
                && !word.ends_with(['-', '_', '=', '/', '+'])
                && !word.starts_with(['-', '_', '/', '+'])
            {
                return word;
            }
        }
    }
}

pub(super) const ALNUM: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
pub(super) const URL64: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
pub(super) const BASE64: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
pub(super) const CAPITALS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
pub(super) const HEX: &str = "0123456789abcdef";
