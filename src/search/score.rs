//! How well a row fits the words of a query.
//!
//! The weights were found on conversations and coding notes by cross-validation
//! over conversations; each may be a third higher or lower at next to no change.

use std::ops::AddAssign;

use crate::embedding;

use super::passages::Passage;
use super::query::Query;
use super::reading::Reading;

/// BM25's saturation: how soon another occurrence of a term tells nothing new.
const K1: f64 = 0.9;

/// BM25's share of the length.
const B: f64 = 0.3;

/// Telling words of a common passage.
const PASSAGE_LENGTH: f64 = 40.0;

/// What stands in a neighbouring passage counts by this, and by its square in
/// the one after that.
const NEIGHBOUR: f64 = 0.6;

/// How far neighbours count.
pub(super) const REACH: usize = 2;

/// What stands in a question counts in its answer by this.
const ANSWER: f64 = 1.5;

/// Share of the whole row; the rest is its best passage's.
const WHOLE_ROW: f64 = 0.25;

/// How much the rarity of a word in the language counts beside its rarity here.
const PRIOR: f64 = 0.2;

/// Rarity in the language of a word that the language model does not know.
const UNKNOWN_PRIOR: f64 = 5.0;

/// Rank of the first word in the language model's vocabulary; letters and marks
/// come before it.
const FIRST_WORD: u16 = 1_000;

/// What the words of a phrase are worth where they do not stand together.
const SCATTERED: f64 = 0.4;

/// A question is rarely what is looked for.
const QUESTION: f64 = 0.9;

/// What it adds that a row is labelled with a word of the query.
const LABEL: f64 = 0.06;

/// What a title adds that is made of the query's words and holds all of them.
const HEADLINE: f64 = 1.0;

/// The verdict on one row.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Fit {
    /// 0 to 1.9; 1 is about every word of the query once in one place.
    pub(super) score: f64,
    /// The same by exact words alone.
    pub(super) exact: f64,
    /// Share of the query's weight that the row's words hold, 0 to 1.
    pub(super) coverage: f64,
    /// Words of the query that the row holds.
    pub(super) words: usize,
}

/// A score, and the same by exact words alone.
#[derive(Debug, Clone, Copy, Default)]
struct Pair {
    score: f64,
    exact: f64,
}

impl AddAssign for Pair {
    fn add_assign(&mut self, other: Self) {
        self.score += other.score;
        self.exact += other.exact;
    }
}

impl Pair {
    fn max(self, other: Self) -> Self {
        Self {
            score: self.score.max(other.score),
            exact: self.exact.max(other.exact),
        }
    }

    fn times(self, factor: f64) -> Self {
        Self {
            score: self.score * factor,
            exact: self.exact * factor,
        }
    }
}

/// The query with what its terms are worth in this collection.
pub(super) struct Scorer<'a> {
    query: &'a Query,
    /// By number of term; they sum up to 1.
    weights: Vec<f64>,
}

/// What is known of a row beside what it holds.
#[derive(Debug, Default)]
pub(super) struct Surroundings<'a> {
    /// Passages of the rows before it in the same session, the nearest first.
    pub(super) before: Vec<&'a Passage>,
    pub(super) after: Vec<&'a Passage>,
    /// A short text without a title: nothing but a question is no answer.
    pub(super) single: bool,
    /// By number of term: how well the row's time fits a date that it is part
    /// of. Empty without dates.
    pub(super) dates: Vec<f64>,
}

impl<'a> Scorer<'a> {
    /// `idf` by number of term, one more than the query has where its last word
    /// is completed. `open` if that word is in no row as it stands.
    pub(super) fn new(query: &'a Query, idf: &[f64], open: bool) -> Self {
        let mut weights = vec![0.0; idf.len().max(query.terms.len())];
        for word in &query.words {
            for &(term, share) in &word.terms {
                weights[term] += share * (idf[term] + PRIOR * prior(query, term));
            }
        }
        let last = query.words.last().and_then(|word| word.terms.last());
        if let Some(&(last, _)) = last.filter(|_| idf.len() > query.terms.len()) {
            // The unfinished word gives its weight to what it may become.
            let share = if open { 1.0 } else { 0.5 };
            let weight = share * weights[last];
            weights[query.terms.len()] = weight;
            weights[last] -= if open { weight } else { 0.0 };
        }
        let sum: f64 = weights[..query.terms.len()].iter().sum();
        let whole = if open {
            sum + weights.last().copied().unwrap_or(0.0)
        } else {
            sum
        };
        for weight in &mut weights {
            *weight /= whole.max(f64::MIN_POSITIVE);
        }
        Self { query, weights }
    }

    /// `average` is the mean length of the rows that are compared.
    pub(super) fn fit(&self, reading: &Reading, around: &Surroundings<'_>, average: f64) -> Fit {
        let row = Row {
            scorer: self,
            reading,
            around,
            penalty: self.penalty(reading),
        };
        let mut fit = row.whole(average).times(WHOLE_ROW);
        fit += row.best_passage().times(1.0 - WHOLE_ROW);
        if around.single && reading.passages.first().is_some_and(|only| only.asks) {
            fit = fit.times(QUESTION);
        }
        if reading.label {
            fit += Pair {
                score: LABEL,
                exact: LABEL,
            };
        }
        fit += self.headline(reading);
        let words = self.query.words.iter();
        let held = words.filter(|word| {
            let mut terms = word.terms.iter();
            terms.any(|(term, _)| reading.frequency[*term] > 0.0)
        });
        let coverage: f64 = (0..self.weights.len())
            .filter(|term| reading.frequency[*term] > 0.0)
            .map(|term| self.weights[term] * row.penalty[term])
            .sum();
        Fit {
            score: fit.score,
            exact: fit.exact,
            coverage: coverage.min(1.0),
            words: held.count(),
        }
    }

    /// How well each passage of a row fits.
    pub(super) fn passages(&self, reading: &Reading, around: &Surroundings<'_>) -> Vec<f64> {
        let row = Row {
            scorer: self,
            reading,
            around,
            penalty: self.penalty(reading),
        };
        let passages = 0..reading.passages.len();
        passages.map(|index| row.passage(index).score).collect()
    }

    /// What the title adds: who types a title's words looks for that row.
    fn headline(&self, reading: &Reading) -> Pair {
        let Some(title) = &reading.title else {
            return Pair::default();
        };
        let (mut of_query, mut of_title) = (0.0, 0.0);
        for (term, weight) in self.weights.iter().enumerate() {
            if title.frequency[term] > 0.0 {
                of_query += weight;
                of_title += title.frequency[term];
            }
        }
        let both = of_query * (of_title / title.length.max(1.0)).min(1.0);
        Pair {
            score: HEADLINE * both,
            exact: HEADLINE * both,
        }
    }

    /// By number of term: less than 1 where it is part of a phrase that does
    /// not stand there.
    fn penalty(&self, reading: &Reading) -> Vec<f64> {
        let mut penalty = vec![1.0; self.weights.len()];
        for word in self.query.words.iter().filter(|word| word.phrase) {
            let numbers: Vec<usize> = word.terms.iter().map(|(term, _)| *term).collect();
            if !reading.holds_phrase(&numbers) {
                for number in numbers {
                    penalty[number] = SCATTERED;
                }
            }
        }
        penalty
    }
}

/// One row on its way to a verdict.
struct Row<'a> {
    scorer: &'a Scorer<'a>,
    reading: &'a Reading,
    around: &'a Surroundings<'a>,
    penalty: Vec<f64>,
}

impl Row<'_> {
    fn whole(&self, average: f64) -> Pair {
        let Reading {
            frequency, length, ..
        } = self.reading;
        let all = self.reading.passages.iter().chain(&self.reading.head);
        let nearest = |term: usize| {
            let near = all.clone().map(|passage| passage.nearness(term));
            near.fold(0.0, f64::max)
        };
        self.sum(|term| {
            let exact = bm25(frequency[term], length / average.max(1.0));
            (exact, nearest(term))
        })
    }

    fn best_passage(&self) -> Pair {
        let passages = &self.reading.passages;
        if let (true, Some(head)) = (passages.is_empty(), &self.reading.head) {
            return self.sum(|term| {
                let exact = bm25(head.frequency[term], head.length / PASSAGE_LENGTH);
                (exact, head.nearness(term))
            });
        }
        (0..passages.len())
            .map(|index| self.passage(index))
            .fold(Pair::default(), Pair::max)
    }

    /// A passage with what stands around it.
    fn passage(&self, index: usize) -> Pair {
        let here = &self.reading.passages[index];
        let near = self.neighbours(index);
        let length = near.iter().fold(here.length, |sum, (passage, worth)| {
            sum + worth * passage.length
        });
        self.sum(|term| {
            let frequency = near
                .iter()
                .fold(here.frequency[term], |sum, (passage, worth)| {
                    sum + worth * passage.frequency[term]
                });
            let exact = bm25(frequency, length / PASSAGE_LENGTH);
            (exact, here.nearness(term))
        })
    }

    fn neighbours(&self, index: usize) -> Vec<(&Passage, f64)> {
        let passages = &self.reading.passages;
        let mut near: Vec<(&Passage, f64)> = Vec::new();
        let mut worth = 1.0;
        for distance in 1..=REACH {
            worth *= NEIGHBOUR;
            let before = match index.checked_sub(distance) {
                Some(index) => passages.get(index),
                None => self.around.before.get(distance - index - 1).copied(),
            };
            if let Some(before) = before {
                let asked = distance == 1 && before.asks;
                near.push((before, if asked { ANSWER } else { worth }));
            }
            let after = passages.get(index + distance).or_else(|| {
                let beyond = index + distance - passages.len();
                self.around.after.get(beyond).copied()
            });
            near.extend(after.map(|after| (after, worth)));
        }
        near.extend(self.reading.head.as_ref().map(|head| (head, NEIGHBOUR)));
        near
    }

    /// The sum over all terms of what is held of them: exactly, and by
    /// nearness.
    fn sum(&self, held: impl Fn(usize) -> (f64, f64)) -> Pair {
        let mut sum = Pair::default();
        for (term, weight) in self.scorer.weights.iter().enumerate() {
            let (exact, near) = held(term);
            let dated = self.around.dates.get(term).copied().unwrap_or(0.0);
            let exact = (self.penalty[term] * exact).max(dated);
            sum += Pair {
                score: weight * exact.max(near),
                exact: weight * exact,
            };
        }
        sum
    }
}

/// 0 to 1.9. `length` is relative to the mean.
fn bm25(frequency: f64, length: f64) -> f64 {
    if frequency <= 0.0 {
        return 0.0;
    }
    (1.0 + K1) * frequency / (frequency + K1 * (1.0 - B + B * length))
}

/// How rare a word is in the language: the logarithm of its rank.
fn prior(query: &Query, term: usize) -> f64 {
    let pieces = query.surfaces[term].as_deref().map(embedding::pieces);
    let rank = pieces.and_then(|pieces| pieces.map(embedding::rank).max());
    rank.map_or(UNKNOWN_PRIOR, |rank| {
        f64::from(rank.saturating_sub(FIRST_WORD).max(1)).ln()
    })
}
