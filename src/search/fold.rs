//! What says the same, or takes something back, stands in one place of an
//! answer.

use std::collections::HashMap;

use crate::analysis::{Kind, is_stopword, stem, tokens};
use crate::embedding::similarity;

use super::excerpt;
use super::fusion::Channels;
use super::pool::Ranked;
use super::reading::Searched;

/// Rows that are compared with each other.
const COMPARED: usize = 40;

/// From this cosine on, two rows whose titles have the same words say the same.
const SAME: f32 = 0.98;

/// Share of all words of two such titles that both have, at least: a number may
/// be all that tells them apart.
const SAME_TITLES: f64 = 0.999;

/// From this cosine on, two rows are about the same thing.
const ABOUT_THE_SAME: f32 = 0.7;

/// Share of all words of two titles about the same that both have, at least.
const TITLES: f64 = 0.35;

/// Words by which a row takes an older one back.
const CORRECTIONS: [&str; 12] = [
    "actually",
    "anymore",
    "corrected",
    "correction",
    "incorrect",
    "instead",
    "longer",
    "misread",
    "mistaken",
    "reverted",
    "undone",
    "wrong",
];

/// A row with those that it stands for.
#[derive(Debug)]
pub(super) struct Folded<T> {
    pub(super) ranked: Ranked<T>,
    /// Older rows that say the same.
    pub(super) also: Vec<i64>,
    /// Older rows that it takes back.
    pub(super) corrects: Vec<i64>,
}

impl<T> Folded<T> {
    pub(super) fn alone(row: T) -> Self {
        Self {
            ranked: Ranked {
                row,
                vector: None,
                score: 0.0,
                coverage: 0.0,
                channels: Channels::default(),
            },
            also: Vec::new(),
            corrects: Vec::new(),
        }
    }
}

/// Puts rows that say the same under the newest of them, at the place of the
/// best, and a row that takes another back before it. Of rows so far behind that
/// nobody asked for them, nothing comes back.
pub(super) fn fold<T: Searched>(ranked: Vec<Ranked<T>>, wanted: usize) -> Vec<Folded<T>> {
    let mut titles = Titles::default();
    let mut folded: Vec<Folded<T>> = Vec::with_capacity(ranked.len());
    for row in ranked.into_iter().take(wanted.saturating_add(COMPARED)) {
        let place = folded
            .iter()
            .take(COMPARED)
            .position(|other| titles.relation(&other.ranked, &row).is_some());
        let new = Folded {
            ranked: row,
            also: Vec::new(),
            corrects: Vec::new(),
        };
        match place {
            Some(place) => merge(&mut titles, &mut folded, place, new),
            None => folded.push(new),
        }
    }
    folded
}

/// What two rows are to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    Same,
    /// The newer one takes the older one back.
    Correction,
}

/// The telling words of titles by their rows' ids.
#[derive(Default)]
struct Titles(HashMap<i64, Vec<String>>);

impl Titles {
    fn relation<T: Searched>(&mut self, one: &Ranked<T>, other: &Ranked<T>) -> Option<Relation> {
        if one.row.project() != other.row.project() {
            return None;
        }
        let (first, second) = (one.row.title()?, other.row.title()?);
        let cosine = similarity(one.vector.as_ref()?, other.vector.as_ref()?);
        if cosine < ABOUT_THE_SAME {
            return None;
        }
        for (row, title) in [(&one.row, first), (&other.row, second)] {
            self.0.entry(row.id()).or_insert_with(|| title_words(title));
        }
        let common = common_words(&self.0[&one.row.id()], &self.0[&other.row.id()]);
        if common < TITLES {
            return None;
        }
        let newer = if is_newer(&one.row, &other.row) {
            &one.row
        } else {
            &other.row
        };
        if corrects(newer) {
            return Some(Relation::Correction);
        }
        (cosine >= SAME && common >= SAME_TITLES).then_some(Relation::Same)
    }
}

fn merge<T: Searched>(
    titles: &mut Titles,
    folded: &mut Vec<Folded<T>>,
    place: usize,
    mut new: Folded<T>,
) {
    let relation = titles.relation(&folded[place].ranked, &new.ranked);
    let old = &mut folded[place];
    if is_newer(&new.ranked.row, &old.ranked.row) {
        // The newer one takes the place that the older one had earned.
        new.ranked.score = old.ranked.score;
        std::mem::swap(old, &mut new);
        old.also.append(&mut new.also);
        old.corrects.append(&mut new.corrects);
    }
    match relation {
        Some(Relation::Correction) => {
            old.corrects.push(new.ranked.row.id());
            // What was taken back is still there for who looks for it.
            new.ranked.score = new.ranked.score.min(old.ranked.score);
            let after = folded[place + 1..]
                .iter()
                .position(|other| other.ranked.score < new.ranked.score)
                .map_or(folded.len(), |offset| place + 1 + offset);
            folded.insert(after, new);
        }
        _ => old.also.push(new.ranked.row.id()),
    }
}

fn is_newer<T: Searched>(one: &T, other: &T) -> bool {
    (one.at(), one.id()) > (other.at(), other.id())
}

/// Share of the telling words of two titles that both have (Jaccard index).
fn common_words(one: &[String], other: &[String]) -> f64 {
    let common = one.iter().filter(|word| other.contains(word)).count();
    let count = |words: usize| f64::from(u32::try_from(words).unwrap_or(u32::MAX));
    count(common) / count((one.len() + other.len() - common).max(1))
}

fn title_words(title: &str) -> Vec<String> {
    let mut words = Vec::new();
    tokens(title, |token| {
        if token.kind != Kind::Single && !is_stopword(token.text) {
            words.push(stem(token.text, token.kind).into_owned());
        }
    });
    words.sort_unstable();
    words.dedup();
    words
}

/// Whether a row says that something else was not so.
fn corrects<T: Searched>(row: &T) -> bool {
    let mut found = false;
    for field in row.fields() {
        let text = &field.text[..field.text.floor_char_boundary(excerpt::MOST)];
        tokens(text, |token| {
            found |= CORRECTIONS.contains(&token.text);
        });
    }
    found
}
