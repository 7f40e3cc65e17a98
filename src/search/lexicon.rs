//! What words of texts are to the words of the query: the same, near in
//! meaning, or nothing.

use std::collections::HashMap;
use std::rc::Rc;

use crate::analysis::{self, Kind, Token, stem};
use crate::embedding;

use super::query::Query;

/// Cosine of two words below which they have nothing to do with each other.
const UNRELATED: f64 = 0.2;

/// What the nearest word is worth of the word itself.
const NEAREST: f64 = 0.9;

/// A word of a text, seen from the query.
#[derive(Debug, Clone)]
pub(super) struct Sense {
    /// The number of the term that it is.
    pub(super) number: Option<usize>,
    /// It is in nearly every text.
    pub(super) stopword: bool,
    /// By number of term: how near in meaning it is without being it, 0 to 1.
    /// Empty where nothing is near.
    pub(super) nearness: Vec<f64>,
}

/// Recognises the terms of a query. A word is stemmed and compared once,
/// however often it occurs in the rows that are read.
pub(super) struct Lexicon<'a> {
    numbers: HashMap<&'a str, usize>,
    /// By number of term: its vector and the length of that.
    vectors: Vec<Option<(embedding::Vector, f32)>>,
    /// Whether any term has a vector.
    compares: bool,
    words: HashMap<String, Rc<Sense>>,
    terms: usize,
}

impl<'a> Lexicon<'a> {
    /// The completions of the last word all count as one term, the last.
    pub(super) fn new(query: &'a Query, completions: &'a [String]) -> Self {
        let terms = query.terms.len() + usize::from(!completions.is_empty());
        let mut numbers = HashMap::new();
        for (number, term) in query.terms.iter().enumerate() {
            numbers.entry(term.as_str()).or_insert(number);
        }
        for completion in completions {
            numbers.entry(completion).or_insert(query.terms.len());
        }
        let mut vectors: Vec<_> = query
            .surfaces
            .iter()
            .map(|surface| surface.as_deref().and_then(vector))
            .map(|vector| vector.map(|vector| (vector, embedding::length(&vector))))
            .collect();
        vectors.resize(terms, None);
        Self {
            numbers,
            compares: vectors.iter().any(Option::is_some),
            vectors,
            words: HashMap::new(),
            terms,
        }
    }

    /// How many terms there are.
    pub(super) fn terms(&self) -> usize {
        self.terms
    }

    pub(super) fn sense(&mut self, token: Token<'_>) -> Rc<Sense> {
        // Pairs and wholes may be spelt like words, and are no words.
        if token.kind != Kind::Word {
            return Rc::new(Sense {
                number: self.numbers.get(token.text).copied(),
                stopword: false,
                nearness: Vec::new(),
            });
        }
        if let Some(sense) = self.words.get(token.text) {
            return Rc::clone(sense);
        }
        let sense = Rc::new(self.look_up(token.text));
        self.words.insert(token.text.to_owned(), Rc::clone(&sense));
        sense
    }

    fn look_up(&self, word: &str) -> Sense {
        let number = self.numbers.get(&*stem(word, Kind::Word)).copied();
        let stopword = number.is_none() && analysis::is_stopword(word);
        let mut nearness = Vec::new();
        if !stopword
            && self.compares
            && let Some(vector) = vector(word)
        {
            nearness = vec![0.0; self.terms];
            let length = embedding::length(&vector);
            for (term, other) in self.vectors.iter().enumerate() {
                if let Some((other, other_length)) = other.filter(|_| number != Some(term)) {
                    let product = embedding::product(&vector, &other);
                    let cosine = f64::from(product / (length * other_length).max(1.0));
                    let near = (cosine - UNRELATED) / (1.0 - UNRELATED);
                    nearness[term] = NEAREST * near.clamp(0.0, 1.0);
                }
            }
        }
        Sense {
            number,
            stopword,
            nearness,
        }
    }
}

/// Characters of a piece below which a word is in crumbs: a name or gibberish,
/// and its pieces say nothing of its meaning.
const CRUMB: usize = 3;

/// What a word means; `None` for what only its spelling tells.
fn vector(word: &str) -> Option<embedding::Vector> {
    if word.contains(|c: char| c.is_numeric()) || is_in_crumbs(word) {
        return None;
    }
    embedding::embed(word)
}

/// Whether the language model knows no part of the word that is long enough to
/// mean something.
pub(super) fn is_in_crumbs(word: &str) -> bool {
    let pieces = embedding::pieces(word).count();
    pieces > 1 && word.chars().count() < CRUMB * pieces
}

/// What the query is about: its telling words together.
pub(super) fn query_vector(query: &Query) -> Option<embedding::Vector> {
    let mut told = String::new();
    let mut all = String::new();
    analysis::tokens(&query.text, |token| {
        if token.kind == Kind::Word && !is_in_crumbs(token.text) {
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
