//! Which rows are worth a closer look: those that hold the query's words, the
//! rare ones first.
//!
//! The index is asked for a bounded number of the newest rows of each term. A
//! term with fewer rows than that is known completely; of a frequent one it is
//! known how frequent it is, and it is looked for only together with others.
//! So the time of a search does not grow with the frequency of its words.

use hashbrown::HashMap;
use memchr::memmem;

use crate::analysis;
use crate::store::{Bounds, Postings, Reader, StoreError, Table};

use super::effort::Effort;
use super::excerpt::beginning;
use super::limits::Limits;
use super::query::Query;

/// Frequent terms that are looked for together.
const MOST_JOINED: usize = 5;

/// Share of what the best candidate covers of the query below which another one is
/// read only where there are few.
const WORTH_READING: f64 = 0.5;

/// What the collection knows of the query's terms, and the rows that hold them.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    /// Inverse document frequency by number of term; the last one is that of
    /// the completions of the last word.
    pub(super) idf: Vec<f64>,
    /// Whether the last word is in no row as it stands, so that it must be the
    /// beginning of another.
    pub(super) open: bool,
    /// Terms that complete the last word.
    pub(super) completions: Vec<String>,
    /// Ids, best first.
    pub(super) ids: Vec<i64>,
}

/// The rows of a table that hold the query's words, best first, `most` at most.
pub(super) fn find(
    reader: &Reader,
    table: Table,
    query: &Query,
    limits: &Limits,
    effort: Effort,
    most: usize,
) -> Result<Candidates, StoreError> {
    let mut gathering = Gathering::new(reader, table, limits, effort)?;
    let mut candidates = Candidates::default();
    for term in &query.terms {
        gathering.term(&limits.any_of(std::slice::from_ref(term)))?;
    }
    if let Some(open) = &query.open_end {
        let last = query.words.last().and_then(|word| word.terms.last());
        let stands = last.is_none_or(|(term, _)| gathering.terms[*term].rows >= 1.0);
        // A word that stands in rows need not be the beginning of another.
        let most = if stands {
            effort.completions / 2
        } else {
            effort.completions
        };
        candidates.completions = limits.completions(reader, table, open, most)?;
        candidates
            .completions
            .retain(|completion| !query.terms.contains(completion));
        candidates.open = !stands && !candidates.completions.is_empty();
    }
    if !candidates.completions.is_empty() {
        gathering.term(&limits.any_of(&candidates.completions))?;
    }
    gathering.join(query, most)?;
    candidates.idf = gathering.terms.iter().map(|term| term.idf).collect();
    candidates.ids = gathering.headed(query, most / 2)?;
    let best = gathering.best(query, most);
    let others = best.into_iter().filter(|id| !candidates.ids.contains(id));
    let others: Vec<i64> = others.take(most - candidates.ids.len()).collect();
    candidates.ids.extend(others);
    Ok(candidates)
}

/// A term of the query in this collection.
struct Term {
    expression: String,
    idf: f64,
    rows: f64,
    complete: bool,
}

struct Gathering<'a> {
    reader: &'a Reader,
    table: Table,
    limits: &'a Limits,
    effort: Effort,
    /// Rows that are searched, about.
    total: f64,
    newest: i64,
    terms: Vec<Term>,
    /// Which terms a row is known to hold.
    rows: HashMap<i64, u64>,
}

impl<'a> Gathering<'a> {
    fn new(
        reader: &'a Reader,
        table: Table,
        limits: &'a Limits,
        effort: Effort,
    ) -> Result<Self, StoreError> {
        let mut gathering = Self {
            reader,
            table,
            limits,
            effort,
            total: 0.0,
            newest: reader.newest_id(table)?,
            terms: Vec::new(),
            rows: HashMap::new(),
        };
        gathering.total = match limits.newest(reader, table, effort.postings)? {
            Some(ids) => gathering.estimate(&ids),
            None => float(gathering.newest),
        };
        Ok(gathering)
    }

    /// How many rows there are of something, from the newest of them.
    fn estimate(&self, ids: &[i64]) -> f64 {
        let found = count(ids.len());
        match ids.last() {
            Some(last) if ids.len() >= self.effort.postings => {
                let seen = float((self.newest - last + 1).max(1));
                (found * float(self.newest) / seen).max(found)
            }
            _ => found,
        }
    }

    fn postings(
        &self,
        expression: &str,
        bounds: Bounds,
        most: usize,
    ) -> Result<Postings, StoreError> {
        self.limits
            .postings(self.reader, self.table, expression, bounds, most)
    }

    /// The newest rows whose title is made of the query's words. There is no other
    /// way to an old one where many rows hold each of them.
    fn headed(&self, query: &Query, most: usize) -> Result<Vec<i64>, StoreError> {
        let Some(heading) = analysis::heading(&query.text) else {
            return Ok(Vec::new());
        };
        let expression = self.limits.any_of(&[heading]);
        let found = self.postings(&expression, self.limits.bounds(), most)?;
        Ok(found.ids)
    }

    fn term(&mut self, expression: &str) -> Result<(), StoreError> {
        let mut found = self.postings(expression, self.limits.bounds(), self.effort.postings)?;
        let bit = 1_u64 << self.terms.len();
        let mut rows = self.estimate(&found.ids);
        if let Some(&last) = found
            .ids
            .last()
            .filter(|_| !found.complete && rows <= count(self.effort.rare))
        {
            let rest = self.postings(
                expression,
                self.limits.bounds().before(last),
                2 * self.effort.rare,
            )?;
            found.ids.extend(rest.ids);
            found.complete = rest.complete;
            rows = rows.max(count(found.ids.len()));
        }
        for id in found.ids {
            *self.rows.entry(id).or_default() |= bit;
        }
        let total = self.total.max(rows);
        self.terms.push(Term {
            expression: expression.to_owned(),
            // As in BM25, and never negative.
            idf: (1.0 + (total - rows + 0.5) / (rows + 0.5)).ln(),
            rows,
            complete: found.complete,
        });
        Ok(())
    }

    /// Looks for the frequent terms where they matter: in the rows of the rare
    /// ones, and together.
    fn join(&mut self, query: &Query, most: usize) -> Result<(), StoreError> {
        // One word and what it may be the beginning of.
        if query.terms.len() < 2 {
            return Ok(());
        }
        let mut order: Vec<usize> = (0..self.terms.len()).collect();
        order.sort_by(|a, b| self.terms[*a].rows.total_cmp(&self.terms[*b].rows));
        let frequent: Vec<usize> = order
            .iter()
            .copied()
            .filter(|&index| !self.terms[index].complete)
            .collect();
        let rare: Vec<usize> = order
            .into_iter()
            .filter(|&index| self.terms[index].complete)
            .collect();
        self.find_in_rare(query, &rare, &frequent, most)?;
        if self.holding(query, &frequent) < most {
            self.join_frequent(&frequent, most)?;
        }
        Ok(())
    }

    /// Looks for frequent terms in the rows of rare ones. Where these are few
    /// enough to be read all, they count as if they held them; else a glance at
    /// their texts tells.
    fn find_in_rare(
        &mut self,
        query: &Query,
        rare: &[usize],
        frequent: &[usize],
        most: usize,
    ) -> Result<(), StoreError> {
        let held = bits(rare);
        let mut rows: Vec<(f64, i64)> = self
            .rows
            .iter()
            .filter(|(_, bits)| **bits & held != 0)
            .map(|(&id, &bits)| (self.coverage(query, bits), id))
            .collect();
        if frequent.is_empty() || rows.is_empty() {
            return Ok(());
        }
        if rows.len() <= most / 2 {
            let all = bits(frequent);
            for (_, id) in rows {
                self.mark(&[id], all);
            }
            return Ok(());
        }
        rows.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(b.1.cmp(&a.1)));
        if rows.len() > self.effort.glanced {
            self.join_all(query)?;
        }
        for &(_, id) in rows.iter().take(self.effort.glanced) {
            let text = self.reader.text(self.table, id)?;
            for &index in frequent.iter().filter(|index| **index < query.terms.len()) {
                if memmem::find(&text, beginning(&query.terms[index])).is_some() {
                    self.mark(&[id], 1 << index);
                }
            }
        }
        Ok(())
    }

    /// Rows with every term that is in any row.
    fn join_all(&mut self, query: &Query) -> Result<(), StoreError> {
        let known = |index: &usize| self.terms[*index].rows > 0.0;
        let together: Vec<usize> = (0..query.terms.len()).filter(known).collect();
        self.join_together(&together)?;
        Ok(())
    }

    /// How many of the known rows cover as much of the query as all frequent
    /// terms together.
    fn holding(&self, query: &Query, frequent: &[usize]) -> usize {
        let enough = self.coverage(query, bits(frequent));
        let rows = self.rows.values();
        rows.filter(|&&bits| self.coverage(query, bits) >= enough)
            .count()
    }

    /// Rows with several frequent terms: with all of them, then with all but
    /// the most frequent, and so on.
    fn join_frequent(&mut self, frequent: &[usize], most: usize) -> Result<(), StoreError> {
        let mut found = 0;
        for size in (2..=frequent.len().min(MOST_JOINED)).rev() {
            found += self.join_together(&frequent[..size])?;
            if found >= most {
                break;
            }
        }
        Ok(())
    }

    /// Rows with all of these terms; how many.
    fn join_together(&mut self, together: &[usize]) -> Result<usize, StoreError> {
        let terms = together.iter().map(|&index| &self.terms[index]);
        let expressions: Vec<&str> = terms.clone().map(|term| term.expression.as_str()).collect();
        let bounds = self.within_steps(terms.map(|term| term.rows).sum());
        let rows = self.postings(&expressions.join(" AND "), bounds, self.effort.postings)?;
        self.mark(&rows.ids, bits(together));
        Ok(rows.ids.len())
    }

    /// The newest rows among which terms that are in so many rows are found in
    /// [`Effort::steps`].
    #[expect(clippy::cast_possible_truncation, reason = "less than all rows")]
    fn within_steps(&self, rows: f64) -> Bounds {
        if rows <= self.effort.steps {
            return self.limits.bounds();
        }
        let share = self.effort.steps / rows;
        let span = (float(self.newest) * share) as i64;
        self.limits.bounds().from(self.newest - span)
    }

    fn mark(&mut self, ids: &[i64], bits: u64) {
        for &id in ids {
            *self.rows.entry(id).or_default() |= bits;
        }
    }

    /// The rows that hold most of the query; the newer one of two alike.
    fn best(&self, query: &Query, most: usize) -> Vec<i64> {
        let mut scored: Vec<(f64, i64)> = self
            .rows
            .iter()
            .map(|(&id, &bits)| (self.coverage(query, bits), id))
            .collect();
        let better = |a: &(f64, i64), b: &(f64, i64)| b.0.total_cmp(&a.0).then(b.1.cmp(&a.1));
        if scored.len() > most {
            scored.select_nth_unstable_by(most, better);
            scored.truncate(most);
        }
        scored.sort_unstable_by(better);
        let enough = scored.first().map_or(0.0, |(best, _)| best * WORTH_READING);
        let worth = scored.partition_point(|(coverage, _)| *coverage >= enough);
        scored.truncate(worth.max(most * 3 / 8));
        scored.into_iter().map(|(_, id)| id).collect()
    }

    fn coverage(&self, query: &Query, bits: u64) -> f64 {
        let mut sum = 0.0;
        for word in &query.words {
            for &(term, share) in &word.terms {
                if bits & (1 << term) != 0 {
                    sum += share * self.terms[term].idf;
                }
            }
        }
        let completion = query.terms.len();
        if bits & (1 << completion) != 0 && self.terms.len() > completion {
            sum += self.terms[completion].idf / 2.0;
        }
        sum
    }
}

fn bits(terms: &[usize]) -> u64 {
    terms.iter().fold(0, |bits, index| bits | 1 << index)
}

#[expect(clippy::cast_precision_loss, reason = "counts of rows, for estimates")]
fn float(rows: i64) -> f64 {
    rows as f64
}

#[expect(clippy::cast_precision_loss, reason = "counts of rows, for estimates")]
fn count(rows: usize) -> f64 {
    rows as f64
}
