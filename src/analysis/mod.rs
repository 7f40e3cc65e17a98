//! From text to the terms that it is found by.
//!
//! The index and the query go through the same steps, so that a row is found by
//! its own words whatever their script and spelling:
//!
//! * words are folded (case, accents, width) and cut back to their stem;
//! * an identifier, file name or hyphened word counts as a whole and in its
//!   parts: `applyDiscount`, `apply_discount` and `apply-discount` are the same;
//! * scripts without spaces are cut into pairs of characters, and each character
//!   counts for itself, so that a term of one character is found as well.

mod fold;
mod scan;
mod stem;
mod stopwords;
#[cfg(test)]
mod tests;

pub use scan::{Kind, Token, tokens};
pub use stem::stem;
pub use stopwords::is_stopword;

use std::collections::HashSet;

/// Changes whenever the same text gives other terms: an index of another
/// version is built anew.
pub const VERSION: u32 = 3;

/// Terms of one row that are kept whatever they are: a pasted log of a megabyte
/// does not fill the index with its numbers and hashes.
const MOST_TERMS: usize = 4_000;

/// Terms of one row that are kept where they are words: a session of hundreds of
/// pages has no more.
const MOST_WORDS: usize = 24_000;

/// The distinct terms of some texts, in the order of their first occurrence.
#[derive(Debug, Default)]
pub struct Terms {
    seen: HashSet<String>,
    joined: String,
    /// See [`within`].
    prefix: Option<String>,
}

impl Terms {
    /// Every term of a text counts twice: by itself, and [`within`] the project.
    pub fn of_project(project: &str) -> Self {
        Self {
            prefix: Some(within(project)),
            ..Self::default()
        }
    }

    pub fn add_text(&mut self, text: &str) {
        tokens(text, |token| {
            let term = stem(token.text, token.kind);
            if !self.takes(&term) || self.seen.contains(&*term) {
                return;
            }
            if let Some(prefix) = &self.prefix {
                push(&mut self.joined, &[prefix, &term]);
            }
            self.add(&term);
        });
    }

    fn takes(&self, term: &str) -> bool {
        let count = self.seen.len();
        count < MOST_TERMS
            || (count < MOST_WORDS && !term.bytes().any(|byte| byte.is_ascii_digit()))
    }

    /// Adds the term of a heading, if it has one: see [`heading`].
    pub fn add_heading(&mut self, text: &str) {
        if let Some(term) = heading(text) {
            if let Some(prefix) = &self.prefix {
                push(&mut self.joined, &[prefix, &term]);
            }
            self.add(&term);
        }
    }

    /// Adds a term as it is, such as one of [`scope`].
    pub fn add(&mut self, term: &str) {
        if self.seen.insert(term.to_owned()) {
            push(&mut self.joined, &[term]);
        }
    }

    /// The terms with spaces between; none has a space in it.
    pub fn joined(&self) -> &str {
        &self.joined
    }
}

fn push(joined: &mut String, parts: &[&str]) {
    if !joined.is_empty() {
        joined.push(' ');
    }
    joined.extend(parts.iter().copied());
}

/// What stands before a term that counts for the rows of one project only, so
/// that a search in a project asks for nobody else's rows. No term of a text
/// begins with an underscore.
pub fn within(project: &str) -> String {
    format!("_{}_", digits(project, 7))
}

/// Words of a heading: a longer text is none.
const MOST_HEADING_WORDS: usize = 64;

/// The one term that stands for all words of a heading, in whatever order and
/// with whatever endings: a row is found by the words of its title however many
/// rows hold each of them. None where there is no word, or more than a heading has.
/// It has an underscore in it, which no term of a text has.
pub fn heading(text: &str) -> Option<String> {
    let (mut telling, mut stopwords) = (Vec::new(), Vec::new());
    tokens(text, |token| {
        if token.kind == Kind::Whole || telling.len() > MOST_HEADING_WORDS {
            return;
        }
        let words = if is_stopword(token.text) {
            &mut stopwords
        } else {
            &mut telling
        };
        words.push(stem(token.text, token.kind).into_owned());
    });
    let mut words = if telling.is_empty() {
        stopwords
    } else {
        telling
    };
    if words.is_empty() || words.len() > MOST_HEADING_WORDS {
        return None;
    }
    words.sort_unstable();
    words.dedup();
    Some(format!("h_{}", digits(&words.join(" "), 12)))
}

/// So many base-32 digits of a text's hash, 12 at most.
fn digits(text: &str, count: u32) -> String {
    const DIGITS: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";
    let hash = sockets_protocol::fnv1a(text.as_bytes());
    let digits = (0..count).map(|digit| {
        let five = (hash >> (5 * digit)) & 31;
        char::from(DIGITS[usize::try_from(five).unwrap_or(0)])
    });
    digits.collect()
}

/// The kinds of exact values by which an index is narrowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Project,
    Type,
    Concept,
}

/// The term of an exact value. It has an underscore in it, which no term of a
/// text has.
pub fn scope(scope: Scope, value: &str) -> String {
    use std::fmt::Write as _;
    let mut term = String::from(match scope {
        Scope::Project => "p_",
        Scope::Type => "t_",
        Scope::Concept => "c_",
    });
    for byte in value.bytes() {
        if byte.is_ascii_lowercase() || byte.is_ascii_digit() {
            term.push(char::from(byte));
        } else {
            write!(term, "_{byte:02x}").expect("a string takes all that is written");
        }
    }
    term
}
