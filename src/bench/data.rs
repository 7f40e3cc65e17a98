//! The data set: one JSON object a line, a document or a query of a haystack.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::io::BufRead;

use anyhow::{Context as _, ensure};
use serde::{Deserialize, Serialize};

/// The name of a document, a query or a haystack.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Id {
    Number(i64),
    Text(String),
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

/// Something that can be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    pub id: Id,
    /// Epoch milliseconds.
    pub at: i64,
    pub text: String,
}

/// Documents that are searched together, in the file's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Haystack {
    pub name: Id,
    pub documents: Vec<Document>,
}

/// A question, and which documents answer it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    pub haystack: Id,
    pub id: Id,
    pub text: String,
    /// Empty where nothing should be found.
    pub gold: HashSet<Id>,
    pub slice: String,
}

/// A whole data set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Data {
    /// In the order of their first documents.
    pub haystacks: Vec<Haystack>,
    pub queries: Vec<Query>,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Line {
    Doc {
        haystack: Id,
        id: Id,
        at: Option<i64>,
        text: String,
    },
    Query {
        haystack: Id,
        id: Id,
        text: String,
        gold: Vec<Id>,
        slice: Option<String>,
    },
}

impl Data {
    /// Reads a data set; empty lines are passed over.
    ///
    /// # Errors
    /// When the input cannot be read, or a line is no document and no query; the
    /// error names the line. Also when there is not one of each.
    pub fn read(input: impl BufRead) -> anyhow::Result<Self> {
        let mut data = Self::default();
        let mut places = HashMap::new();
        let mut asked = HashSet::new();
        for (index, line) in input.lines().enumerate() {
            let number = index + 1;
            let line = line.with_context(|| format!("line {number} cannot be read"))?;
            if line.trim().is_empty() {
                continue;
            }
            let parsed = serde_json::from_str(&line).with_context(|| {
                format!("line {number} is neither a document nor a query of the neutral format")
            })?;
            data.add(parsed, &mut places);
            if let Some(query) = data.queries.get(asked.len()) {
                ensure!(
                    asked.insert(query.id.clone()),
                    "line {number} is a second query with the id {}",
                    query.id
                );
            }
        }
        ensure!(!data.haystacks.is_empty(), "there is no document in it");
        ensure!(!data.queries.is_empty(), "there is no query in it");
        Ok(data)
    }

    /// `places` says where each haystack is.
    fn add(&mut self, line: Line, places: &mut HashMap<Id, usize>) {
        match line {
            Line::Doc {
                haystack,
                id,
                at,
                text,
            } => {
                let place = *places.entry(haystack).or_insert_with_key(|name| {
                    self.haystacks.push(Haystack {
                        name: name.clone(),
                        documents: Vec::new(),
                    });
                    self.haystacks.len() - 1
                });
                let at = at.unwrap_or(0);
                self.haystacks[place]
                    .documents
                    .push(Document { id, at, text });
            }
            Line::Query {
                haystack,
                id,
                text,
                gold,
                slice,
            } => self.queries.push(Query {
                haystack,
                id,
                text,
                gold: gold.into_iter().collect(),
                slice: slice
                    .filter(|slice| !slice.is_empty())
                    .unwrap_or_else(|| "-".to_owned()),
            }),
        }
    }

    pub fn documents(&self) -> usize {
        self.haystacks
            .iter()
            .map(|haystack| haystack.documents.len())
            .sum()
    }

    /// Queries of which no document that answers them is there: they cannot be
    /// answered.
    pub fn unanswerable(&self) -> usize {
        let there: HashSet<(&Id, &Id)> = self
            .haystacks
            .iter()
            .flat_map(|haystack| {
                haystack
                    .documents
                    .iter()
                    .map(|one| (&haystack.name, &one.id))
            })
            .collect();
        let is_there = |query: &Query, id| there.contains(&(&query.haystack, id));
        self.queries
            .iter()
            .filter(|query| !query.gold.is_empty())
            .filter(|query| !query.gold.iter().any(|id| is_there(query, id)))
            .count()
    }
}
