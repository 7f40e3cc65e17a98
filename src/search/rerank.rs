//! What a sentence model makes of the best rows: its cosines take the place of
//! the static table's.

use std::sync::Arc;

use crate::embedding;
use crate::store::Table;

use super::excerpt;
use super::fusion::{Channels, Fusion};
use super::pool::{Pool, Source, Verdicts};
use super::reading::Searched;
use super::reranker::Reranker;
use super::score::Scorer;

/// Observations that are read, which takes nearly all of a search's time: a quarter
/// to three quarters of a second on two processors, with a model of 22 million
/// parameters. With 8, paraphrases gain half as much; with 32, talks gain no more.
const ROWS: usize = 16;

/// Rows of the other kinds, which accompany them.
const OTHERS: usize = 4;

/// A sentence model at work for one search.
#[derive(Debug)]
pub(super) struct Reranking {
    reranker: Arc<Reranker>,
    /// Why it compares nothing.
    warning: Option<String>,
}

impl Reranking {
    pub(super) fn new(reranker: Arc<Reranker>) -> Self {
        Self {
            reranker,
            warning: None,
        }
    }

    /// What compares: its name, or why it does not.
    pub(super) fn told(&self) -> Result<String, String> {
        self.warning
            .clone()
            .map_or_else(|| Ok(self.reranker.name()), Err)
    }

    /// Has the best rows compared anew; how the channels are weighed from then
    /// on. Where that cannot be done, everything stays as it is.
    pub(super) fn run<T: Searched, S: Source<T>>(
        &mut self,
        pool: &Pool<'_, '_, T, S>,
        scorer: &Scorer<'_>,
        fusion: Fusion,
        verdicts: &mut Verdicts,
        table: Table,
    ) -> Fusion {
        if self.warning.is_some() {
            return fusion;
        }
        let most = match table {
            Table::Observations => ROWS,
            Table::Summaries | Table::Prompts => OTHERS,
        };
        let best = verdicts.best(fusion, most).into_iter();
        let read = best.filter_map(|id| Some((id, pool.text(id, scorer, fusion, verdicts)?)));
        let (ids, texts): (Vec<i64>, Vec<String>) = read.unzip();
        if texts.is_empty() {
            return fusion;
        }
        match self.reranker.nearness(&pool.query.text, &texts) {
            Ok(cosines) => {
                take(&ids, &cosines, verdicts);
                fusion.reranked()
            }
            Err(warning) => {
                self.warning = Some(warning);
                fusion
            }
        }
    }
}

/// Replaces the cosines of these rows. Each model has a scale of its own, and rows
/// that were not read keep the table's, so the new ones are brought to the mean
/// and the spread of those that they replace.
fn take(ids: &[i64], cosines: &[f64], verdicts: &mut Verdicts) {
    let old = ids.iter().filter_map(|id| verdicts.of.get(id));
    let old = Spread::of(old.map(|(_, channels)| channels.meaning));
    let new = Spread::of(cosines.iter().copied());
    for (id, cosine) in ids.iter().zip(cosines) {
        if let Some((_, channels)) = verdicts.of.get_mut(id) {
            channels.meaning = old.at(new.place(*cosine)).clamp(0.0, 1.0);
            channels.reranked = true;
        }
    }
}

/// Mean and standard deviation.
#[derive(Debug, Clone, Copy)]
struct Spread {
    mean: f64,
    deviation: f64,
}

impl Spread {
    fn of(numbers: impl Iterator<Item = f64> + Clone) -> Self {
        let mean = |numbers: &mut dyn Iterator<Item = f64>| {
            let (count, sum) = numbers.fold((0.0, 0.0), |(count, sum), x| (count + 1.0, sum + x));
            sum / f64::max(count, 1.0)
        };
        let middle = mean(&mut numbers.clone());
        let deviation = mean(&mut numbers.map(|x| (x - middle).powi(2))).sqrt();
        Self {
            mean: middle,
            deviation,
        }
    }

    /// How many deviations above the mean a number is.
    fn place(self, number: f64) -> f64 {
        if self.deviation > f64::EPSILON {
            (number - self.mean) / self.deviation
        } else {
            0.0
        }
    }

    fn at(self, place: f64) -> f64 {
        self.mean + self.deviation * place
    }
}

impl<T: Searched, S: Source<T>> Pool<'_, '_, T, S> {
    /// What is read of a row: of a short one all, between the row before and the
    /// one after it, without which a remark may say little; of a long one its
    /// best passage under the row's heading. More passages of it gain nothing.
    fn text(
        &self,
        id: i64,
        scorer: &Scorer<'_>,
        fusion: Fusion,
        verdicts: &Verdicts,
    ) -> Option<String> {
        let read = self.get(id)?;
        let (before, after) = (self.walk(id, -1), self.walk(id, 1));
        if read.reading.is_single() {
            let parts = [before.first().copied(), Some(read), after.first().copied()];
            let parts = parts.into_iter().flatten().map(|read| whole(&read.row));
            return Some(parts.collect::<Vec<_>>().join("\n"));
        }
        let fields = excerpt::fields(&read.row, self.query);
        let words = scorer.passages(&read.reading, &self.around(read, &before, &after));
        let passages = read.reading.passages.iter().zip(words);
        let best = passages
            .filter_map(|(passage, words)| {
                let text = fields.get(passage.field)?.text.get(passage.span.clone())?;
                let channels = Channels {
                    words,
                    meaning: table_nearness(verdicts, text),
                    ..Channels::default()
                };
                Some((fusion.score(channels), text))
            })
            .max_by(|a, b| a.0.total_cmp(&b.0));
        let headings = fields.iter().filter(|field| field.heads());
        let parts = headings
            .map(|field| &*field.text)
            .chain(best.map(|(_, text)| text));
        Some(joined(parts))
    }
}

/// All that a short row says.
fn whole<T: Searched>(row: &T) -> String {
    joined(row.fields().iter().map(|field| &*field.text))
}

/// A line for each text that says anything.
fn joined<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let texts = texts.map(str::trim).filter(|text| !text.is_empty());
    texts.collect::<Vec<_>>().join("\n")
}

/// How near a passage is by the static table.
fn table_nearness(verdicts: &Verdicts, text: &str) -> f64 {
    let vectors = verdicts.query.as_ref().zip(embedding::embed(text));
    vectors.map_or(0.0, |(query, vector)| {
        f64::from(embedding::similarity(query, &vector)).max(0.0)
    })
}
