//! From what a person typed to what is looked for. No text is a syntax error:
//! what is not understood as a filter, a phrase or an exclusion is a word.

use std::collections::HashMap;

use crate::analysis::{self, Kind, stem};

use super::filter::{self, Filter};

/// Words of a query that are looked at; a pasted page must not become a query
/// of thousands of terms.
const MOST_WORDS: usize = 32;

/// Terms of a query, parts of identifiers and pairs of characters included: one
/// bit each.
pub(super) const MOST_TERMS: usize = 63;

/// Shortest last word that is also tried as the beginning of a longer one.
const PREFIX_CHARS: usize = 3;

/// A query that is ready to run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Query {
    /// Every term once; words refer to them by number.
    pub(super) terms: Vec<String>,
    /// The word that each term is the stem of; none for pairs of characters and
    /// whole identifiers.
    pub(super) surfaces: Vec<Option<String>>,
    pub(super) words: Vec<Word>,
    /// Stems of words that must not occur; several are a phrase.
    pub(super) unwanted: Vec<Vec<String>>,
    pub(super) filter: Filter,
    /// What is looked for by its meaning: the text without filters and
    /// exclusions.
    pub(super) text: String,
    /// The stem of a last word that may go on.
    pub(super) open_end: Option<String>,
    /// What was typed like a filter and is none, and what was made of it.
    pub notes: Vec<String>,
}

/// One thing that is looked for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Word {
    /// As it was typed, in lower case.
    pub(super) shown: String,
    /// Numbers of terms, each with its share of the word.
    pub(super) terms: Vec<(usize, f64)>,
    /// The terms must stand next to each other to count in full.
    pub(super) phrase: bool,
}

/// Share of an identifier that its whole spelling is worth; its parts together
/// are worth the rest.
const WHOLE_SHARE: f64 = 0.5;

impl Query {
    /// Whether there is neither a word nor a filter.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty() && self.filter.is_empty()
    }

    /// The numbers of the terms that stand in a part of the text.
    pub(super) fn terms_at(&self, place: &std::ops::Range<usize>) -> Vec<usize> {
        let mut found = Vec::new();
        analysis::tokens(&self.text, |token| {
            if token.start >= place.start && token.end <= place.end {
                let term = stem(token.text, token.kind);
                found.extend(self.terms.iter().position(|known| *known == term));
            }
        });
        found
    }

    /// Whether there is a word to look for.
    pub(super) fn has_words(&self) -> bool {
        !self.words.is_empty()
    }
}

/// Understands any text. `now`, in epoch milliseconds, is what `since:7d` counts
/// from.
pub fn parse(text: &str, now: i64) -> Query {
    let mut building = Building::default();
    let mut pieces = pieces(text);
    building.take_filters(&mut pieces, now);
    let (wanted, unwanted): (Vec<Piece>, Vec<Piece>) =
        pieces.into_iter().partition(|piece| !piece.negated);
    // With nothing wanted, "-x" can only be meant as text: a command's flag.
    let (wanted, unwanted) = if wanted.is_empty() && building.query.filter.is_empty() {
        (unwanted, wanted)
    } else {
        (wanted, unwanted)
    };
    let all: Vec<&str> = wanted.iter().map(|piece| piece.text.as_str()).collect();
    building.query.text = all.join(" ");
    let telling = wanted
        .iter()
        .any(|piece| piece.phrase || !is_stopword(&piece.text));
    for piece in &wanted {
        if telling && !piece.phrase && is_stopword(&piece.text) {
            continue;
        }
        building.want(piece);
    }
    for piece in &unwanted {
        building.refuse(piece);
    }
    let is_open = text.ends_with(|c: char| c.is_alphanumeric());
    if let Some(last) = wanted.last().filter(|last| is_open && !last.phrase) {
        building.leave_open(last);
    }
    building.query
}

#[derive(Default)]
struct Building {
    query: Query,
    known: HashMap<String, usize>,
}

impl Building {
    fn take_filters(&mut self, pieces: &mut Vec<Piece>, now: i64) {
        pieces.retain_mut(|piece| {
            let Some((name, value)) = piece.filter.take() else {
                return true;
            };
            match filter::add(&mut self.query.filter, &name, &value, now) {
                filter::Added::Yes => false,
                filter::Added::Unknown => true,
                filter::Added::Invalid(why) => {
                    self.query.notes.push(why);
                    true
                }
            }
        });
    }

    fn want(&mut self, piece: &Piece) {
        if piece.phrase {
            return self.want_phrase(piece);
        }
        // A path is several words to the analysis, and to a reader.
        let mut current: Vec<(Kind, String)> = Vec::new();
        let mut parts: Vec<Vec<(Kind, String)>> = Vec::new();
        analysis::tokens(&piece.text, |token| {
            let term = token.text.to_owned();
            let begins = match token.kind {
                Kind::Whole => true,
                Kind::Pair | Kind::Single => current
                    .last()
                    .is_some_and(|(kind, _)| matches!(kind, Kind::Whole)),
                Kind::Word => current
                    .first()
                    .is_some_and(|(kind, _)| *kind != Kind::Whole),
            };
            if begins && !current.is_empty() {
                parts.push(std::mem::take(&mut current));
            }
            current.push((token.kind, term));
        });
        if !current.is_empty() {
            parts.push(current);
        }
        for part in parts {
            self.want_word(&piece.text, &part);
        }
    }

    fn want_word(&mut self, shown: &str, tokens: &[(Kind, String)]) {
        // A character says less than the pair that it is part of.
        let pairs = tokens.iter().any(|(kind, _)| *kind == Kind::Pair);
        let tokens: Vec<&(Kind, String)> = tokens
            .iter()
            .filter(|(kind, _)| !(pairs && *kind == Kind::Single))
            .collect();
        let whole = tokens.iter().any(|(kind, _)| *kind == Kind::Whole);
        let parts = tokens.len() - usize::from(whole);
        let mut terms = Vec::new();
        for (kind, term) in tokens {
            let share = match (whole, *kind) {
                (true, Kind::Whole) => WHOLE_SHARE,
                (true, _) => (1.0 - WHOLE_SHARE) / ratio(parts),
                (false, _) => 1.0 / ratio(parts),
            };
            if let Some(number) = self.term(*kind, term) {
                terms.push((number, share));
            }
        }
        self.push(shown, terms, false);
    }

    fn want_phrase(&mut self, piece: &Piece) {
        let words = words(&piece.text);
        let share = 1.0 / ratio(words.len());
        let terms: Vec<(usize, f64)> = words
            .iter()
            .filter_map(|(kind, word)| Some((self.term(*kind, word)?, share)))
            .collect();
        let phrase = terms.len() > 1;
        self.push(&piece.text, terms, phrase);
    }

    fn push(&mut self, shown: &str, terms: Vec<(usize, f64)>, phrase: bool) {
        let is_new = self.query.words.iter().all(|word| word.terms != terms);
        if is_new && !terms.is_empty() && self.query.words.len() < MOST_WORDS {
            self.query.words.push(Word {
                shown: shown.to_lowercase(),
                terms,
                phrase,
            });
        }
    }

    fn term(&mut self, kind: Kind, word: &str) -> Option<usize> {
        let term = stem(word, kind);
        if let Some(number) = self.known.get(&*term) {
            return Some(*number);
        }
        let number = self.query.terms.len();
        if number == MOST_TERMS {
            return None;
        }
        self.query.terms.push(term.clone().into_owned());
        let surface = (kind == Kind::Word).then(|| word.to_owned());
        self.query.surfaces.push(surface);
        self.known.insert(term.into_owned(), number);
        Some(number)
    }

    fn refuse(&mut self, piece: &Piece) {
        let stems: Vec<String> = words(&piece.text)
            .iter()
            .map(|(kind, word)| stem(word, *kind).into_owned())
            .collect();
        if !stems.is_empty() && self.query.unwanted.len() < MOST_WORDS {
            self.query.unwanted.push(stems);
        }
    }

    fn leave_open(&mut self, last: &Piece) {
        let mut ends = Vec::new();
        analysis::tokens(&last.text, |token| {
            if token.kind == Kind::Word {
                ends.push(stem(token.text, token.kind).into_owned());
            }
        });
        self.query.open_end = ends
            .pop()
            .filter(|end| end.chars().count() >= PREFIX_CHARS && !is_stopword(end));
    }
}

/// The words of a text in order, identifiers in their parts; a script without
/// spaces in pairs of characters.
fn words(text: &str) -> Vec<(Kind, String)> {
    let of = |kinds: &[Kind]| {
        let mut words = Vec::new();
        analysis::tokens(text, |token| {
            if kinds.contains(&token.kind) && words.len() < MOST_TERMS {
                words.push((token.kind, token.text.to_owned()));
            }
        });
        words
    };
    let words = of(&[Kind::Word, Kind::Pair]);
    if words.is_empty() {
        return of(&[Kind::Single]);
    }
    words
}

fn is_stopword(text: &str) -> bool {
    let mut words = 0;
    let mut stop = true;
    analysis::tokens(text, |token| {
        words += 1;
        stop &= analysis::is_stopword(token.text);
    });
    words > 0 && stop
}

#[expect(clippy::cast_precision_loss, reason = "a count of a few terms")]
fn ratio(count: usize) -> f64 {
    count.max(1) as f64
}

/// A word or phrase with something in it to look for.
struct Piece {
    text: String,
    phrase: bool,
    negated: bool,
    /// `name:value`, if it has that form.
    filter: Option<(String, String)>,
}

/// Longest word in bytes; what is beyond says nothing more.
const LONGEST_PIECE: usize = 400;

fn pieces(text: &str) -> Vec<Piece> {
    let mut found = Vec::new();
    let mut rest = text;
    while found.len() < 2 * MOST_WORDS {
        rest = rest.trim_start_matches(is_gap);
        let after_sign = rest.strip_prefix('-').unwrap_or(rest);
        let negated = after_sign.len() < rest.len()
            && after_sign.starts_with(|c: char| c.is_alphanumeric() || is_quote(c));
        let body = if negated { after_sign } else { rest };
        let Some(first) = body.chars().next() else {
            break;
        };
        let (piece, phrase, filter, used) = if let Some((inside, used)) = quoted(body) {
            (inside, true, None, used)
        } else {
            // A quote that nobody closes is a gap like any other.
            let skip = if is_quote(first) { first.len_utf8() } else { 0 };
            let word = &body[skip..];
            let end = word.find(ends_word(word)).unwrap_or(word.len());
            let (filter, more) = named(word, end);
            (&word[..end], false, filter, skip + end + more)
        };
        rest = &body[used..];
        let piece = &piece[..piece.floor_char_boundary(LONGEST_PIECE)];
        if filter.is_some() || piece.contains(is_telling) {
            found.push(Piece {
                text: piece.to_owned(),
                phrase,
                negated,
                filter,
            });
        }
    }
    found
}

/// The inside of the quotes that a text begins with, and the bytes up to after
/// them.
fn quoted(text: &str) -> Option<(&str, usize)> {
    let first = text.chars().next().filter(|c| is_quote(*c))?;
    let inside = &text[first.len_utf8()..];
    let end = inside.find(is_quote)?;
    let closing = inside[end..].chars().next().map_or(0, char::len_utf8);
    Some((&inside[..end], first.len_utf8() + end + closing))
}

/// `name:value` or `name:"a value"` at the beginning of a text whose first word
/// ends at `end`; and the bytes of a quoted value, which `end` does not count.
fn named(text: &str, end: usize) -> (Option<(String, String)>, usize) {
    let Some((name, value)) = text[..end].split_once(':') else {
        return (None, 0);
    };
    if !filter::is_name(name) {
        return (None, 0);
    }
    if let Some((inside, used)) = value.is_empty().then(|| quoted(&text[end..])).flatten() {
        return (Some((name.to_owned(), inside.to_owned())), used);
    }
    (Some((name.to_owned(), value.to_owned())), 0)
}

/// What ends the word that a text begins with: a filter may name several
/// values.
fn ends_word(text: &str) -> impl Fn(char) -> bool {
    let named = text
        .split_once(':')
        .is_some_and(|(name, _)| filter::is_name(name));
    move |c| (is_gap(c) && !(named && c == ',')) || is_quote(c)
}

fn is_gap(c: char) -> bool {
    c.is_whitespace() || c.is_control() || matches!(c, ',' | ';')
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '“' | '”' | '„' | '«' | '»')
}

/// Whether the analysis makes a term of it.
fn is_telling(c: char) -> bool {
    !c.is_ascii() || c.is_ascii_alphanumeric()
}

#[cfg(test)]
#[path = "query_tests.rs"]
mod tests;
