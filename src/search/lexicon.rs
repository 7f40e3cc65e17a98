//! What words of texts are to the words of the query: the same, near in
//! meaning, or nothing.

use std::collections::HashMap;
use std::hash::BuildHasher as _;
use std::ops::Range;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::analysis::{self, Kind, Token, stem};
use crate::embedding::{self, WordEmbedder};

use super::query::Query;

/// Cosine of two words below which they have nothing to do with each other.
const UNRELATED: f64 = 0.2;

/// What the nearest word is worth of the word itself.
const NEAREST: f64 = 0.9;

/// A word of a text, seen from the query.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sense {
    /// The number of the term that it is.
    pub(super) number: Option<usize>,
    /// It is in nearly every text.
    pub(super) stopword: bool,
    /// What to ask [`Lexicon::nearness`] for; none for stopwords and what is no
    /// word.
    pub(super) word: Option<WordId>,
}

/// A word that the lexicon has met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WordId(u32);

impl WordId {
    fn index(self) -> usize {
        self.0 as usize
    }
}

/// Recognises the terms of a query. A word is stemmed and compared once,
/// however often it occurs in the rows that are read.
pub(super) struct Lexicon<'a> {
    terms: Terms<'a>,
    /// The words that were met.
    words: HashTable<WordId>,
    hasher: DefaultHashBuilder,
    /// Their spellings, one after the other.
    spellings: String,
    met: Vec<Met>,
    nearness: Vec<f64>,
    embedder: WordEmbedder,
}

/// A word that was met.
struct Met {
    spelling: Range<usize>,
    sense: Sense,
    nearness: Nearness,
}

#[derive(Clone, Copy)]
enum Nearness {
    NotAsked,
    None,
    /// From here on in [`Lexicon::nearness`], a number for each term.
    From(usize),
}

/// The terms that are looked for.
struct Terms<'a> {
    count: usize,
    numbers: HashMap<&'a str, usize>,
    /// Whether a term begins with this byte. A stem begins as its word does.
    initials: [bool; 256],
    /// By number: its vector and the length of that.
    vectors: Vec<Option<(embedding::Vector, f32)>>,
}

impl<'a> Terms<'a> {
    fn new(query: &'a Query, completions: &'a [String]) -> Self {
        let mut numbers = HashMap::new();
        for (number, term) in query.terms.iter().enumerate() {
            numbers.entry(term.as_str()).or_insert(number);
        }
        for completion in completions {
            numbers.entry(completion).or_insert(query.terms.len());
        }
        let mut initials = [false; 256];
        for first in numbers.keys().filter_map(|term| term.bytes().next()) {
            initials[usize::from(first)] = true;
        }
        let count = query.terms.len() + usize::from(!completions.is_empty());
        let mut embedder = WordEmbedder::default();
        let mut vectors: Vec<_> = query
            .surfaces
            .iter()
            .map(|surface| {
                let vector = embedder.embed(surface.as_deref()?)?;
                Some((vector, embedding::length(&vector)))
            })
            .collect();
        vectors.resize(count, None);
        Self {
            count,
            numbers,
            initials,
            vectors,
        }
    }

    fn number(&self, word: &str, kind: Kind) -> Option<usize> {
        let first = word.bytes().next()?;
        if !self.initials[usize::from(first)] {
            return None;
        }
        self.numbers.get(&*stem(word, kind)).copied()
    }
}

impl<'a> Lexicon<'a> {
    /// The completions of the last word all count as one term, the last.
    pub(super) fn new(query: &'a Query, completions: &'a [String]) -> Self {
        Self {
            terms: Terms::new(query, completions),
            words: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            spellings: String::new(),
            met: Vec::new(),
            nearness: Vec::new(),
            embedder: WordEmbedder::default(),
        }
    }

    /// How many terms there are.
    pub(super) fn terms(&self) -> usize {
        self.terms.count
    }

    pub(super) fn sense(&mut self, token: Token<'_>) -> Sense {
        // Pairs and wholes may be spelt like words, and are no words.
        if token.kind != Kind::Word {
            return Sense {
                number: self.terms.number(token.text, token.kind),
                stopword: false,
                word: None,
            };
        }
        let hash = self.hasher.hash_one(token.text);
        let (met, spellings) = (&self.met, &self.spellings);
        let known = self.words.find(hash, |word| {
            &spellings[met[word.index()].spelling.clone()] == token.text
        });
        match known {
            Some(word) => met[word.index()].sense,
            None => self.meet(token.text, hash),
        }
    }

    fn meet(&mut self, word: &str, hash: u64) -> Sense {
        let number = self.terms.number(word, Kind::Word);
        let stopword = number.is_none() && analysis::is_stopword(word);
        let id = WordId(u32::try_from(self.met.len()).unwrap_or(u32::MAX));
        let sense = Sense {
            number,
            stopword,
            word: (!stopword).then_some(id),
        };
        let start = self.spellings.len();
        self.spellings.push_str(word);
        self.met.push(Met {
            spelling: start..self.spellings.len(),
            sense,
            nearness: Nearness::NotAsked,
        });
        let (met, spellings, hasher) = (&self.met, &self.spellings, &self.hasher);
        self.words.insert_unique(hash, id, |word| {
            hasher.hash_one(&spellings[met[word.index()].spelling.clone()])
        });
        sense
    }

    /// By number of term: how near in meaning a word is without being it, 0 to
    /// 1. `None` where it is near to nothing.
    pub(super) fn nearness(&mut self, word: WordId) -> Option<&[f64]> {
        let met = &mut self.met[word.index()];
        if let Nearness::NotAsked = met.nearness {
            let spelling = &self.spellings[met.spelling.clone()];
            let start = self.nearness.len();
            let near = compare(
                &self.terms,
                &mut self.embedder,
                spelling,
                met.sense.number,
                &mut self.nearness,
            );
            met.nearness = if near {
                Nearness::From(start)
            } else {
                self.nearness.truncate(start);
                Nearness::None
            };
        }
        match met.nearness {
            Nearness::From(start) => Some(&self.nearness[start..start + self.terms.count]),
            _ => None,
        }
    }
}

/// Appends how near a word is to each term; whether it is near to any.
fn compare(
    terms: &Terms<'_>,
    embedder: &mut WordEmbedder,
    word: &str,
    number: Option<usize>,
    into: &mut Vec<f64>,
) -> bool {
    if terms.vectors.iter().all(Option::is_none) {
        return false;
    }
    let Some(vector) = embedder.embed(word) else {
        return false;
    };
    let length = embedding::length(&vector);
    let mut any = false;
    for (term, other) in terms.vectors.iter().enumerate() {
        let other = other.as_ref().filter(|_| number != Some(term));
        let near = other.map_or(0.0, |(other, other_length)| {
            let product = embedding::product(&vector, other);
            let cosine = f64::from(product / (length * other_length).max(1.0));
            NEAREST * ((cosine - UNRELATED) / (1.0 - UNRELATED)).clamp(0.0, 1.0)
        });
        any |= near > 0.0;
        into.push(near);
    }
    any
}

/// What the query is about: its telling words together.
pub(super) fn query_vector(query: &Query) -> Option<embedding::Vector> {
    let mut embedder = WordEmbedder::default();
    let mut told = String::new();
    let mut all = String::new();
    analysis::tokens(&query.text, |token| {
        if token.kind == Kind::Word && embedder.knows(token.text) {
            let told = if analysis::is_stopword(token.text) {
                &mut all
            } else {
                &mut told
            };
            told.push_str(token.text);
            told.push(' ');
        }
    });
    embedding::embed(&told).or_else(|| embedding::embed(&all))
}
