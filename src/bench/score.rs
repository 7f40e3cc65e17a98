//! The measures. At a cut-off k, `any` says whether one of the documents that
//! answer a query is among the first k, `frac` which share of them is, `all`
//! whether every one is. MRR is the mean of 1 / place of the first of them in
//! the whole list, and 0 where none is in it.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;

use super::Answer;
use super::data::Query;

/// Means over the queries of one slice, in per cent; the lists are in the order
/// of the cut-offs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Score {
    pub slice: String,
    pub queries: usize,
    pub any: Vec<f64>,
    pub frac: Vec<f64>,
    pub all: Vec<f64>,
    pub mrr: f64,
}

/// How good the answers to all queries are.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Scores {
    /// The cut-offs.
    pub k: Vec<usize>,
    /// Every query that has an answer; `None` where none has.
    pub overall: Option<Score>,
    /// The same for each slice, by name.
    pub slices: Vec<Score>,
    /// Queries without an answer for which nothing was returned, which is right.
    pub abstained: usize,
    /// Queries without an answer.
    pub abstentions: usize,
}

/// Scores the answers to queries, which are in the queries' order.
pub fn score(queries: &[Query], answers: &[Answer], k: &[usize]) -> Scores {
    let mut overall = Sum::new(k);
    let mut slices: BTreeMap<&str, Sum> = BTreeMap::new();
    let (mut abstained, mut abstentions) = (0, 0);
    for (query, answer) in queries.iter().zip(answers) {
        if query.gold.is_empty() {
            abstentions += 1;
            abstained += usize::from(answer.ids.is_empty());
            continue;
        }
        let mut seen = HashSet::new();
        let right: Vec<bool> = answer
            .ids
            .iter()
            .filter(|id| seen.insert(*id))
            .map(|id| query.gold.contains(id))
            .collect();
        let slice = slices.entry(&query.slice).or_insert_with(|| Sum::new(k));
        for sum in [&mut overall, slice] {
            sum.add(&right, query.gold.len(), k);
        }
    }
    Scores {
        k: k.to_vec(),
        overall: (overall.queries > 0).then(|| overall.mean("ALL")),
        slices: slices.iter().map(|(name, sum)| sum.mean(name)).collect(),
        abstained,
        abstentions,
    }
}

/// Sums of the measures, queries counted.
struct Sum {
    queries: usize,
    any: Vec<f64>,
    frac: Vec<f64>,
    all: Vec<f64>,
    mrr: f64,
}

impl Sum {
    fn new(k: &[usize]) -> Self {
        let zeros = || vec![0.0; k.len()];
        Self {
            queries: 0,
            any: zeros(),
            frac: zeros(),
            all: zeros(),
            mrr: 0.0,
        }
    }

    /// Adds a query: which places of its list are right, and how many documents
    /// would be.
    fn add(&mut self, right: &[bool], gold: usize, k: &[usize]) {
        self.queries += 1;
        for (index, &k) in k.iter().enumerate() {
            let hits = right.iter().take(k).filter(|right| **right).count();
            self.any[index] += f64::from(u8::from(hits > 0));
            self.frac[index] += float(hits) / float(gold);
            self.all[index] += f64::from(u8::from(hits == gold));
        }
        let first = right.iter().position(|right| *right);
        self.mrr += first.map_or(0.0, |place| 1.0 / float(place + 1));
    }

    fn mean(&self, slice: &str) -> Score {
        let percent = |sum: &f64| 100.0 * sum / float(self.queries);
        Score {
            slice: slice.to_owned(),
            queries: self.queries,
            any: self.any.iter().map(percent).collect(),
            frac: self.frac.iter().map(percent).collect(),
            all: self.all.iter().map(percent).collect(),
            mrr: percent(&self.mrr),
        }
    }
}

fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
