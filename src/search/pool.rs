//! The rows that are compared for one answer.

use std::collections::BTreeMap;

use crate::embedding::{DIMENSIONS, Vector};
use crate::store::StoreError;

use super::dates::{self, Mention};
use super::effort::Effort;
use super::excerpt;
use super::fusion::{Channels, Fusion};
use super::lexicon::{Lexicon, query_vector};
use super::query::Query;
use super::reading::{self, Reading, Searched};
use super::score::{Fit, REACH, Scorer, Surroundings};

/// Rows of one session belong together as long as no more time lies between
/// them, in milliseconds.
const PAUSE: i64 = 30 * 60 * 1000;

/// Rows beside a candidate that are read: an answer may stand beside the words
/// that it is looked for by, and has neighbours of its own.
const BESIDE: usize = 1 + REACH;

/// How a row's vector fades into that of its neighbour.
const FADE: f64 = 0.6;

/// Days over which a row loses half of what it gains by being new.
const HALF_LIFE: f64 = 30.0;

/// What the newest row gains.
const NEWNESS: f64 = 0.02;

/// Where rows come from.
pub(super) trait Source<T> {
    fn row(&self, id: i64) -> Result<Option<T>, StoreError>;
    fn vector(&self, id: i64) -> Result<Option<Vector>, StoreError>;
    /// Whether the row may be found.
    fn admits(&self, row: &T) -> bool;
}

/// A row that was read.
pub(super) struct Read<T> {
    pub(super) row: T,
    pub(super) reading: Reading,
    vector: Option<Vector>,
    admitted: bool,
}

/// A row with its verdict.
#[derive(Debug)]
pub(super) struct Ranked<T> {
    pub(super) row: T,
    pub(super) vector: Option<Vector>,
    pub(super) score: f64,
    pub(super) coverage: f64,
    pub(super) channels: Channels,
}

pub(super) struct Pool<'a, 'l, T, S> {
    pub(super) query: &'a Query,
    source: &'a S,
    lexicon: &'a mut Lexicon<'l>,
    /// `None` for an id that there is no row for.
    rows: BTreeMap<i64, Option<Read<T>>>,
    /// Dates that the query names, with the terms that name them.
    dates: Vec<(Mention, Vec<usize>)>,
}

impl<'a, 'l, T: Searched, S: Source<T>> Pool<'a, 'l, T, S> {
    pub(super) fn new(query: &'a Query, lexicon: &'a mut Lexicon<'l>, source: &'a S) -> Self {
        Self {
            query,
            source,
            lexicon,
            rows: BTreeMap::new(),
            dates: Vec::new(),
        }
    }

    /// Reads candidates, and what stands around them if they are short.
    pub(super) fn read(&mut self, ids: &[i64]) -> Result<(), StoreError> {
        for &id in ids {
            self.add(id)?;
            for step in [-1, 1] {
                let mut last = id;
                for _ in 0..BESIDE {
                    if !self.is_single(last) {
                        break;
                    }
                    self.add(last + step)?;
                    if !self.belongs(last, last + step) {
                        break;
                    }
                    last += step;
                }
            }
        }
        Ok(())
    }

    /// Looks for dates in the query; the times that they mean. A date without a
    /// year means the years of the rows that were read.
    pub(super) fn find_dates(&mut self, now: i64) -> Vec<(i64, i64)> {
        let at = || self.rows.values().flatten().map(|read| read.row.at());
        let (Some(first), Some(last)) = (at().min(), at().max()) else {
            return Vec::new();
        };
        let years = year(first)..year(last) + 1;
        let mentions = dates::mentions(&self.query.text, now, years);
        self.dates = mentions
            .into_iter()
            .map(|mention| {
                let terms = self.query.terms_at(&mention.place);
                (mention, terms)
            })
            .collect();
        let spans = self.dates.iter().flat_map(|(mention, _)| &mention.spans);
        spans.copied().collect()
    }

    fn add(&mut self, id: i64) -> Result<(), StoreError> {
        if self.rows.contains_key(&id) {
            return Ok(());
        }
        let read = match self.source.row(id)? {
            Some(row) => Some(Read {
                reading: reading::read(&excerpt::fields(&row, self.query), self.lexicon),
                vector: self.source.vector(id)?,
                admitted: self.source.admits(&row),
                row,
            }),
            None => None,
        };
        self.rows.insert(id, read);
        Ok(())
    }

    pub(super) fn get(&self, id: i64) -> Option<&Read<T>> {
        self.rows.get(&id)?.as_ref()
    }

    fn is_single(&self, id: i64) -> bool {
        self.get(id).is_some_and(|read| read.reading.is_single())
    }

    /// Whether two short rows follow each other in one session.
    fn belongs(&self, one: i64, other: i64) -> bool {
        let (Some(left), Some(right)) = (self.get(one), self.get(other)) else {
            return false;
        };
        left.reading.is_single()
            && right.reading.is_single()
            && left.row.session().is_some()
            && left.row.session() == right.row.session()
            && (left.row.at() - right.row.at()).abs() <= PAUSE
    }

    /// The short rows on one side of a short row, the nearest first.
    pub(super) fn walk(&self, id: i64, step: i64) -> Vec<&Read<T>> {
        let mut found = Vec::new();
        let mut last = id;
        while found.len() < REACH && self.belongs(last, last + step) {
            last += step;
            found.extend(self.get(last));
        }
        found
    }

    pub(super) fn around<'b>(
        &'b self,
        read: &Read<T>,
        before: &[&'b Read<T>],
        after: &[&'b Read<T>],
    ) -> Surroundings<'b> {
        let passages = |rows: &[&'b Read<T>]| {
            let first = rows.iter().map(|read| read.reading.passages.first());
            first.flatten().collect()
        };
        let mut dates = Vec::new();
        for (mention, terms) in &self.dates {
            dates.resize(self.lexicon.terms(), 0.0);
            let fit = mention.fit(read.row.at());
            for &term in terms {
                dates[term] = f64::max(dates[term], fit);
            }
        }
        Surroundings {
            before: passages(before),
            after: passages(after),
            single: read.reading.is_single(),
            dates,
        }
    }

    /// Whether the words of the rows that were read cover the query so well that
    /// rows which are only near in meaning need not be looked for.
    pub(super) fn is_covered(&self, idf: &[f64], open: bool) -> bool {
        self.verdicts(&Scorer::new(self.query, idf, open))
            .fusion(self)
            .is_covered()
    }

    /// The rows that may be found, best first; the newer one of two alike.
    /// Empty where none is relevant; else `closer` may look at the best ones once
    /// more.
    pub(super) fn rank(
        mut self,
        idf: &[f64],
        open: bool,
        effort: Effort,
        closer: impl FnOnce(&Self, &Scorer<'_>, Fusion, &mut Verdicts) -> Fusion,
    ) -> Vec<Ranked<T>> {
        let scorer = Scorer::new(self.query, idf, open);
        let mut verdicts = self.verdicts(&scorer);
        let promising = verdicts.best(verdicts.fusion(&self), effort.compared);
        for &id in &promising {
            if let Some(Some(read)) = self.rows.get_mut(&id) {
                read.reading.compare(self.lexicon);
            }
        }
        for id in promising {
            self.judge(id, &scorer, &mut verdicts);
        }
        let fusion = verdicts.fusion(&self);
        if !fusion.is_relevant() {
            return Vec::new();
        }
        let fusion = closer(&self, &scorer, fusion, &mut verdicts);
        let best = verdicts.best_score(fusion);
        let newest = self.rows.values().flatten().map(|read| read.row.at()).max();
        let mut ranked: Vec<Ranked<T>> = self
            .rows
            .into_values()
            .flatten()
            .filter_map(|read| {
                let &(fit, channels) = verdicts
                    .of
                    .get(&read.row.id())
                    .filter(|(_, channels)| fusion.is_worth_showing(*channels, best))?;
                // What people said is no better for being said later.
                let age = read.row.title().and(newest).map(|at| at - read.row.at());
                Some(Ranked {
                    score: fusion.score(channels) * age.map_or(1.0, freshness),
                    coverage: fit.coverage,
                    channels,
                    row: read.row,
                    vector: read.vector,
                })
            })
            .collect();
        ranked.sort_by(|a, b| {
            let newer = (b.row.at(), b.row.id()).cmp(&(a.row.at(), a.row.id()));
            b.score.total_cmp(&a.score).then(newer)
        });
        ranked
    }

    fn verdicts(&self, scorer: &Scorer<'_>) -> Verdicts {
        let (mut lengths, mut count) = (0.0, 0.0);
        for read in self.rows.values().flatten() {
            lengths += read.reading.length;
            count += 1.0;
        }
        let mut verdicts = Verdicts {
            average: lengths / f64::max(count, 1.0),
            query: query_vector(self.query),
            of: BTreeMap::new(),
        };
        for &id in self.rows.keys() {
            self.judge(id, scorer, &mut verdicts);
        }
        verdicts
    }

    fn judge(&self, id: i64, scorer: &Scorer<'_>, verdicts: &mut Verdicts) {
        let Some(read) = self.get(id).filter(|read| read.admitted) else {
            return;
        };
        let (before, after) = (self.walk(id, -1), self.walk(id, 1));
        let around = self.around(read, &before, &after);
        let fit = scorer.fit(&read.reading, &around, verdicts.average);
        let meaning = verdicts
            .query
            .as_ref()
            .map_or(0.0, |query| meaning(query, read, &before, &after));
        let channels = Channels {
            words: fit.score,
            exact: fit.exact,
            meaning,
            reranked: false,
        };
        verdicts.of.insert(id, (fit, channels));
    }
}

/// The verdicts on all rows that may be found.
pub(super) struct Verdicts {
    /// Mean length of the rows that were read.
    average: f64,
    pub(super) query: Option<Vector>,
    pub(super) of: BTreeMap<i64, (Fit, Channels)>,
}

impl Verdicts {
    fn fusion<T, S>(&self, pool: &Pool<'_, '_, T, S>) -> Fusion {
        Fusion::new(
            self.of.values().map(|(_, channels)| *channels),
            pool.query.terms.len(),
            self.held(pool.query),
        )
    }

    /// The share of the query's words that the row with most of them holds.
    fn held(&self, query: &Query) -> f64 {
        let most = self.of.values().map(|(fit, _)| fit.words).max();
        let count = |words: usize| f64::from(u32::try_from(words).unwrap_or(u32::MAX));
        count(most.unwrap_or(0)) / count(query.words.len().max(1))
    }

    /// The ids of the best rows, in no order.
    pub(super) fn best(&self, fusion: Fusion, most: usize) -> Vec<i64> {
        let mut scored: Vec<(f64, i64)> = self
            .of
            .iter()
            .map(|(id, (_, channels))| (fusion.score(*channels), *id))
            .collect();
        if scored.len() > most {
            scored.select_nth_unstable_by(most, |a, b| b.0.total_cmp(&a.0).then(b.1.cmp(&a.1)));
            scored.truncate(most);
        }
        scored.into_iter().map(|(_, id)| id).collect()
    }

    fn best_score(&self, fusion: Fusion) -> f64 {
        let scores = self
            .of
            .values()
            .map(|(_, channels)| fusion.score(*channels));
        scores.fold(0.0, f64::max)
    }
}

/// The cosine of a row's vector, with those of its neighbours mixed in, and the
/// query's; 0 where they point away from each other.
fn meaning<T>(query: &Vector, read: &Read<T>, before: &[&Read<T>], after: &[&Read<T>]) -> f64 {
    let mut sum = [0.0; DIMENSIONS];
    mix(&mut sum, read, 1.0);
    for rows in [before, after] {
        let mut share = 1.0;
        for neighbour in rows {
            share *= FADE;
            mix(&mut sum, neighbour, share);
        }
    }
    let (mut product, mut own, mut other) = (0.0, 0.0, 0.0);
    for (mixed, byte) in sum.iter().zip(query.as_bytes()) {
        let number = f64::from(byte.cast_signed());
        product += mixed * number;
        own += mixed * mixed;
        other += number * number;
    }
    let lengths: f64 = (own * other).sqrt();
    if lengths > 0.0 {
        (product / lengths).max(0.0)
    } else {
        0.0
    }
}

/// A vector has no length of its own: longer texts say more.
fn mix<T>(sum: &mut [f64; DIMENSIONS], read: &Read<T>, share: f64) {
    let Some(vector) = &read.vector else {
        return;
    };
    let numbers = vector.as_bytes().map(|byte| f64::from(byte.cast_signed()));
    let length: f64 = numbers
        .iter()
        .map(|number| number * number)
        .sum::<f64>()
        .sqrt();
    let share = share * read.reading.length.max(1.0) / length.max(1.0);
    for (sum, number) in sum.iter_mut().zip(numbers) {
        *sum += share * number;
    }
}

/// A newer row is a little better than an equal one.
#[expect(clippy::cast_precision_loss, reason = "milliseconds of a few years")]
fn freshness(age: i64) -> f64 {
    let days = age as f64 / 86_400_000.0;
    1.0 + NEWNESS * (-days / HALF_LIFE).exp2()
}

fn year(at: i64) -> i16 {
    jiff::Timestamp::from_millisecond(at).map_or(1970, |at| {
        at.to_zoned(jiff::tz::TimeZone::UTC).date().year()
    })
}
