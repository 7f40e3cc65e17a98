//! The pieces of a text's words, found as the model's tokenizer finds them
//! (`WordPiece`), but for identifiers, which are cut at their capitals first.

use super::table::{LONGEST, Piece, find, find_longest};
use super::words::Words;

/// A word that is longer, in characters, is no word.
const MAX_WORD: usize = 100;

/// The pieces of a text, in order. Words that no pieces make up are left out.
pub fn pieces(text: &str) -> Pieces<'_> {
    Pieces {
        words: Words::new(text),
        found: Vec::new(),
        next: 0,
    }
}

/// See [`pieces`].
pub struct Pieces<'a> {
    words: Words<'a>,
    /// Those of the current word.
    found: Vec<Piece>,
    next: usize,
}

impl Iterator for Pieces<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        loop {
            if let Some(piece) = self.found.get(self.next) {
                self.next += 1;
                return Some(*piece);
            }
            self.found.clear();
            self.next = 0;
            if !self.words.advance() {
                return None;
            }
            take_apart(&self.words, &mut self.found);
        }
    }
}

fn take_apart(words: &Words<'_>, found: &mut Vec<Piece>) {
    let word = words.word();
    if is_longer(word, MAX_WORD) {
        return;
    }
    // `JavaScript` is a word, whatever its capitals say.
    if let Some(piece) = find(word.as_bytes(), false) {
        found.push(piece);
        return;
    }
    if words.has_humps() {
        for part in words.parts() {
            wordpiece(part, found);
        }
    } else {
        wordpiece(word, found);
    }
    if is_noise(word, found.len()) {
        found.clear();
    }
}

/// Hashes, keys and the like: letters and digits that fall into crumbs, whose
/// vectors have nothing to do with what the text is about.
fn is_noise(word: &str, pieces: usize) -> bool {
    2 * pieces > word.len()
        && word.len() >= 6
        && word.bytes().any(|byte| byte.is_ascii_digit())
        && word.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// The longest piece that the word begins with, then the longest that goes on
/// from there, and so on. `false`, with nothing found, when that leads nowhere.
pub(super) fn wordpiece(word: &str, found: &mut Vec<Piece>) -> bool {
    let before = found.len();
    let mut rest = word;
    while !rest.is_empty() {
        let Some((piece, length)) = longest(rest, rest.len() < word.len()) else {
            found.truncate(before);
            return false;
        };
        found.push(piece);
        rest = &rest[length..];
    }
    true
}

/// The pieces of one folded word, if the model knows enough of it to tell what it
/// means: `None` for a word in crumbs, a name or gibberish whose pieces are
/// shorter than `crumb` characters each on average, and for one that no pieces
/// make up.
pub(super) fn of_word(word: &str, crumb: usize, found: &mut Vec<Piece>) -> Option<()> {
    found.clear();
    if !word.bytes().all(|byte| byte.is_ascii_lowercase()) {
        found.extend(pieces(word));
        let in_crumbs = found.len() > 1 && word.chars().count() < crumb * found.len();
        return (!found.is_empty() && !in_crumbs).then_some(());
    }
    if word.len() > MAX_WORD {
        return None;
    }
    let mut rest = word.as_bytes();
    while !rest.is_empty() {
        let (piece, length) = find_longest(rest, rest.len() < word.len())?;
        found.push(piece);
        if found.len() > 1 && word.len() < crumb * found.len() {
            return None;
        }
        rest = &rest[length..];
    }
    (!found.is_empty()).then_some(())
}

/// The longest piece that the text begins with, and its bytes.
fn longest(text: &str, continues: bool) -> Option<(Piece, usize)> {
    let end = text
        .char_indices()
        .nth(LONGEST)
        .map_or(text.len(), |(at, _)| at);
    text[..end]
        .char_indices()
        .rev()
        .map(|(at, c)| at + c.len_utf8())
        .find_map(|end| Some((find(&text.as_bytes()[..end], continues)?, end)))
}

pub(super) fn is_longer(word: &str, characters: usize) -> bool {
    word.len() > characters && word.chars().nth(characters).is_some()
}
