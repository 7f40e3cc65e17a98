//! The scanner: words, identifiers and their parts, pairs of characters.

use std::ops::Range;

use super::fold::{Class, class, is_hangul, push};

/// Characters of a term; what is beyond says nothing more.
const LONGEST_TERM: usize = 64;

/// Changes between letters and digits up to which the pieces mean something:
/// `ts2345`, `sha256sum`, but not a hash.
const MOST_DIGIT_CHANGES: usize = 2;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A word, or a word that is part of an identifier.
    Word,
    /// An identifier as a whole, without what joins its parts.
    Whole,
    /// Two neighbouring characters.
    Pair,
    /// One character of a script without spaces.
    Single,
}

/// A term at its place.
#[derive(Debug, Clone, Copy)]
pub struct Token<'a> {
    /// Folded, not stemmed.
    pub text: &'a str,
    pub kind: Kind,
    /// Bytes of the text.
    pub start: usize,
    pub end: usize,
    /// Counts words; a whole has the position of its first part.
    pub position: u32,
}

/// Calls `found` with every token of the text, in order.
pub fn tokens(text: &str, mut found: impl FnMut(Token<'_>)) {
    let mut scanner = Scanner::default();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        if let Some(end) = plain_word(text.as_bytes(), at) {
            found(Token {
                text: &text[at..end],
                kind: Kind::Word,
                start: at,
                end,
                position: scanner.position,
            });
            scanner.position += 1;
            at = end;
            continue;
        }
        let kind = class(c);
        if !matches!(kind, Class::Word | Class::Gram) {
            at += c.len_utf8();
            continue;
        }
        let end = at + run(&text[at..], kind);
        if kind == Class::Gram {
            scanner.grams(text, at..end, &mut found);
        } else {
            scanner.chunk(text, at..end, &mut found);
        }
        at = end;
    }
}

/// Where a word ends that begins here, has nothing but small letters of ASCII in it
/// and is joined to nothing: nine of ten words of a text, and a token as it stands.
fn plain_word(text: &[u8], start: usize) -> Option<usize> {
    let rest = &text[start..];
    let length = rest
        .iter()
        .take_while(|byte| byte.is_ascii_lowercase())
        .count();
    let ends = |byte: Option<&u8>| byte.is_none_or(|byte| class(char::from(*byte)) == Class::Gap);
    let is_ascii = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii);
    let (next, after) = (rest.get(length), rest.get(length + 1));
    let is_alone = match next.map(|byte| class(char::from(*byte))) {
        // A full stop joins two words, or it ends a sentence.
        Some(Class::Joiner | Class::Apostrophe) => {
            is_ascii(after) && after.is_none_or(|byte| !byte.is_ascii_alphanumeric())
        }
        _ => is_ascii(next) && ends(next),
    };
    (is_alone && (1..=LONGEST_TERM).contains(&length)).then_some(start + length)
}

/// Bytes of the characters of one class that a text begins with. In a word, what
/// joins its parts counts with it.
fn run(text: &str, kind: Class) -> usize {
    let mut end = 0;
    // Where a joiner stands whose next character is not known yet.
    let mut open = false;
    for (at, c) in text.char_indices() {
        let here = class(c);
        if here == kind {
            end = at + c.len_utf8();
            open = false;
        } else if kind == Class::Word && !open && matches!(here, Class::Joiner | Class::Apostrophe)
        {
            open = true;
        } else {
            break;
        }
    }
    end
}

#[derive(Default)]
struct Scanner {
    position: u32,
    buffer: String,
    parts: Vec<Range<usize>>,
}

impl Scanner {
    /// Characters of a script without spaces: each, and each pair.
    fn grams(&mut self, text: &str, range: Range<usize>, found: &mut impl FnMut(Token<'_>)) {
        let mut before: Option<Range<usize>> = None;
        for (offset, c) in text[range.clone()].char_indices() {
            let start = range.start + offset;
            let end = start + c.len_utf8();
            if let Some(before) = before {
                self.buffer.clear();
                for c in text[before.start..end].chars() {
                    push(c, &mut self.buffer);
                }
                self.emit(Kind::Pair, before.start..end, found);
                self.position += 1;
            }
            self.buffer.clear();
            push(c, &mut self.buffer);
            self.emit(Kind::Single, start..end, found);
            before = Some(start..end);
        }
        self.position += 1;
    }

    /// What stands between gaps: a word, or several that are joined.
    fn chunk(&mut self, text: &str, range: Range<usize>, found: &mut impl FnMut(Token<'_>)) {
        self.split(text, range.clone());
        let parts = std::mem::take(&mut self.parts);
        if let [only] = parts.as_slice() {
            self.word(text, only.clone(), found);
        } else if let Some(first) = self.fold_parts(text, &parts) {
            self.emit(Kind::Whole, first..range.end, found);
            for part in &parts {
                // One letter of an identifier tells nothing.
                if part.len() > 1 {
                    self.word(text, part.clone(), found);
                }
            }
        }
        self.parts = parts;
    }

    /// Puts all parts into the buffer as one; where the first of them begins.
    fn fold_parts(&mut self, text: &str, parts: &[Range<usize>]) -> Option<usize> {
        self.buffer.clear();
        for part in parts {
            fold(&text[part.clone()], &mut self.buffer);
        }
        parts.first().map(|part| part.start)
    }

    fn word(&mut self, text: &str, range: Range<usize>, found: &mut impl FnMut(Token<'_>)) {
        self.buffer.clear();
        let word = &text[range.clone()];
        fold(word, &mut self.buffer);
        self.emit(Kind::Word, range.clone(), found);
        if word.chars().next().is_some_and(is_hangul) {
            self.hangul(word, range.start, found);
        }
        self.position += 1;
    }

    fn hangul(&mut self, word: &str, start: usize, found: &mut impl FnMut(Token<'_>)) {
        let mut before: Option<usize> = None;
        for (offset, c) in word.char_indices() {
            let end = offset + c.len_utf8();
            if let Some(before) = before {
                self.buffer.clear();
                fold(&word[before..end], &mut self.buffer);
                self.emit(Kind::Pair, start + before..start + end, found);
            }
            before = Some(offset);
        }
    }

    fn emit(&mut self, kind: Kind, range: Range<usize>, found: &mut impl FnMut(Token<'_>)) {
        if self.buffer.len() > LONGEST_TERM {
            let end = self.buffer.floor_char_boundary(LONGEST_TERM);
            self.buffer.truncate(end);
        }
        if self.buffer.is_empty() {
            return;
        }
        found(Token {
            text: &self.buffer,
            kind,
            start: range.start,
            end: range.end,
            position: self.position,
        });
    }

    /// The parts of an identifier: at joiners, at humps, between letters and
    /// digits. A plain word is one part.
    fn split(&mut self, text: &str, range: Range<usize>) {
        self.parts.clear();
        let mut start = range.start;
        for (offset, c) in text[range.clone()].char_indices() {
            if class(c) == Class::Joiner {
                let at = range.start + offset;
                split_piece(text, start..at, &mut self.parts);
                start = at + c.len_utf8();
            }
        }
        split_piece(text, start..range.end, &mut self.parts);
    }
}

/// Articles and the like that French and Italian join to the next word.
const ELIDED: [&str; 12] = [
    "l", "d", "j", "n", "s", "m", "t", "c", "qu", "dell", "nell", "un",
];

/// Letters that follow an elided word at least; "I'd", "d'you" have fewer.
const ELIDED_BEFORE: usize = 4;

/// Folded, without apostrophes, the English genitive and elided words.
fn fold(word: &str, into: &mut String) {
    let word = word
        .strip_suffix("'s")
        .or_else(|| word.strip_suffix("’s"))
        .unwrap_or(word);
    let word = word
        .split_once(['\'', '’'])
        .filter(|(before, after)| {
            after.chars().count() >= ELIDED_BEFORE
                && ELIDED
                    .iter()
                    .any(|elided| before.eq_ignore_ascii_case(elided))
        })
        .map_or(word, |(_, after)| after);
    for c in word.chars() {
        if class(c) != Class::Apostrophe {
            push(c, into);
        }
    }
}

fn split_piece(text: &str, piece: Range<usize>, parts: &mut Vec<Range<usize>>) {
    let word = &text[piece.clone()];
    if word.is_empty() {
        return;
    }
    let is_plain = word
        .bytes()
        .skip(1)
        .all(|byte| byte.is_ascii_lowercase() || byte == b'\'');
    if is_plain {
        parts.push(piece);
        return;
    }
    let digits = digit_changes(word) <= MOST_DIGIT_CHANGES;
    let mut start = piece.start;
    let mut before: Option<char> = None;
    let mut chars = word.char_indices().peekable();
    while let Some((offset, c)) = chars.next() {
        let after = chars.peek().map(|(_, after)| *after);
        if before.is_some_and(|before| is_border(before, c, after, digits)) {
            parts.push(start..piece.start + offset);
            start = piece.start + offset;
        }
        before = Some(c);
    }
    parts.push(start..piece.end);
}

/// Whether a part of an identifier ends between two characters.
fn is_border(before: char, c: char, after: Option<char>, digits: bool) -> bool {
    if before.is_numeric() != c.is_numeric() {
        return digits;
    }
    (before.is_lowercase() && c.is_uppercase())
        // In HTTPServer the last capital begins the next word.
        || (before.is_uppercase()
            && c.is_uppercase()
            && after.is_some_and(char::is_lowercase))
}

fn digit_changes(word: &str) -> usize {
    let digits = word.chars().map(char::is_numeric);
    digits
        .clone()
        .zip(digits.skip(1))
        .filter(|(left, right)| left != right)
        .count()
}
