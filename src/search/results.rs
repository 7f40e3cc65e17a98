//! Running a query and fetching what it found.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use serde::Serialize;

use crate::embedding::{MODEL_ID, Vector};
use crate::store::{ObservationRow, PromptRow, Reader, StoreError, SummaryRow, Table};

use super::candidates;
use super::diversity;
use super::effort::Effort;
use super::excerpt;
use super::explain;
use super::filter::Filter;
use super::fold::{self, Folded};
use super::lexicon::{Lexicon, query_vector};
use super::limits::Limits;
use super::pool::{Pool, Source};
use super::query::{self, Query};
use super::reading::{self, Searched};
use super::rerank::Reranking;
use super::reranker::Reranker;

/// What is looked for, and where.
#[derive(Debug, Clone)]
pub struct Request {
    /// Words, phrases, exclusions and filters as a person types them.
    pub text: String,
    /// `None` for all projects.
    pub projects: Option<Vec<String>>,
    /// Observation types; empty for all. With types, only observations are
    /// found.
    pub kinds: Vec<String>,
    /// What rows must be beside what the text says.
    pub filter: Filter,
    pub tables: Tables,
    /// Rows of each kind.
    pub limit: usize,
    /// Rows of each kind that are left out before that.
    pub offset: usize,
    /// What `since:7d` counts from, in epoch milliseconds; `None` for now.
    pub now: Option<i64>,
    /// A sentence model that compares the best rows; `None` for the static table
    /// alone, which is all that anybody with a deadline has time for.
    pub reranker: Option<Arc<Reranker>>,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            text: String::new(),
            projects: None,
            kinds: Vec::new(),
            filter: Filter::default(),
            tables: Tables::default(),
            limit: 10,
            offset: 0,
            now: None,
            reranker: None,
        }
    }
}

/// Which kinds of rows are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tables {
    pub observations: bool,
    pub summaries: bool,
    pub prompts: bool,
}

/// All.
impl Default for Tables {
    fn default() -> Self {
        Self {
            observations: true,
            summaries: true,
            prompts: true,
        }
    }
}

/// A row that was found. Scores compare rows of one kind in one answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Found<T> {
    #[serde(flatten)]
    pub row: T,
    /// Higher is better.
    pub score: f64,
    /// Which words were found in which field.
    pub why: String,
    /// The text around the first match, in one line.
    pub snippet: String,
    /// Ids of rows that say the same, older ones, and are not shown for that.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<i64>,
    /// Ids of older rows about the same thing that this one takes back.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub corrects: Vec<i64>,
    /// What the score is made of.
    pub explanation: Explanation,
}

/// The channels' verdicts on a row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Explanation {
    /// Share of the query's weight that the row's words hold, 0 to 1.
    pub coverage: f64,
    /// The verdict of the words and of words near in meaning: 1 is about every
    /// word once in one place.
    pub words: f64,
    /// The same by exact words alone.
    pub exact: f64,
    /// The cosine of the row's vector and the query's, 0 to 1.
    pub meaning: f64,
    /// Whether a sentence model said so, and not the static table.
    pub reranked: bool,
}

/// The answer, each kind best first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Results {
    pub observations: Vec<Found<ObservationRow>>,
    pub summaries: Vec<Found<SummaryRow>>,
    pub prompts: Vec<Found<PromptRow>>,
    /// Which channels found them.
    pub strategy: &'static str,
    /// What compared the best of them with the query in meaning: the sentence model
    /// that was asked for, else the static table.
    pub model: String,
    /// Why it was not the model that was asked for, and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
    /// What was not understood as it was typed.
    pub notes: Vec<String>,
}

/// The strategy of a search by words and meaning.
const HYBRID: &str = "hybrid";

/// The strategy of a search without words.
const FILTER: &str = "filter";

/// Nothing found.
impl Default for Results {
    fn default() -> Self {
        Self {
            observations: Vec::new(),
            summaries: Vec::new(),
            prompts: Vec::new(),
            strategy: HYBRID,
            model: MODEL_ID.to_owned(),
            warning: None,
            notes: Vec::new(),
        }
    }
}

impl Results {
    pub fn is_empty(&self) -> bool {
        self.observations.is_empty() && self.summaries.is_empty() && self.prompts.is_empty()
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    #[error(
        "nothing to search for: give at least one word, for example `claude-mem search \"exchange rates\"`"
    )]
    Empty,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Finds the rows that fit the words best, or without words the newest that the
/// filters admit.
///
/// # Errors
/// When the text has neither a word nor a filter in it, or the database cannot
/// be read. No text is a syntax error.
pub fn run(reader: &Reader, request: &Request) -> Result<Results, SearchError> {
    run_with(reader, request, Effort::USUAL)
}

pub(super) fn run_with(
    reader: &Reader,
    request: &Request,
    effort: Effort,
) -> Result<Results, SearchError> {
    let now = request
        .now
        .unwrap_or_else(|| jiff::Timestamp::now().as_millisecond());
    let mut query = query::parse(&request.text, now);
    merge(&mut query.filter, request);
    if query.is_empty() {
        return Err(SearchError::Empty);
    }
    let search = Search {
        covered: Cell::default(),
        reader,
        query: &query,
        request,
        effort,
        now,
        reranking: request
            .reranker
            .clone()
            .map(|reranker| RefCell::new(Reranking::new(reranker))),
    };
    let tables = request.tables;
    let others = !query.filter.is_about_observations();
    let mut found = reader.snapshot(|| {
        Ok(Results {
            observations: search.rows(tables.observations, Table::Observations, |id| {
                reader.observation(id)
            })?,
            summaries: search.rows(others && tables.summaries, Table::Summaries, |id| {
                reader.summary(id)
            })?,
            prompts: search.rows(others && tables.prompts, Table::Prompts, |id| {
                reader.prompt(id)
            })?,
            strategy: if query.has_words() { HYBRID } else { FILTER },
            notes: query.notes.clone(),
            ..Results::default()
        })
    })?;
    search.tell(&mut found);
    Ok(found)
}

/// Adds what the request demands to what the text does.
fn merge(filter: &mut Filter, request: &Request) {
    let Filter {
        projects,
        kinds,
        concepts,
        files,
        from,
        until,
    } = request.filter.clone();
    filter.projects.extend(projects);
    filter.kinds.extend(kinds);
    filter.kinds.extend(request.kinds.iter().cloned());
    filter.concepts.extend(concepts);
    filter.files.extend(files);
    filter.from = filter.from.max(from);
    filter.until = match (filter.until, until) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    };
}

struct Search<'a> {
    /// Whether the words of rows of one table cover the query, so that rows which
    /// are only near in meaning need be looked for in no other.
    covered: Cell<bool>,
    reader: &'a Reader,
    query: &'a Query,
    request: &'a Request,
    effort: Effort,
    now: i64,
    reranking: Option<RefCell<Reranking>>,
}

/// One table as the source of the rows to compare.
struct TableSource<'a, F> {
    search: &'a Search<'a>,
    table: Table,
    fetch: F,
}

impl<T: Searched, F: Fn(i64) -> Result<Option<T>, StoreError>> Source<T> for TableSource<'_, F> {
    fn row(&self, id: i64) -> Result<Option<T>, StoreError> {
        (self.fetch)(id)
    }

    fn vector(&self, id: i64) -> Result<Option<Vector>, StoreError> {
        self.search.reader.vector(self.table, id)
    }

    fn admits(&self, row: &T) -> bool {
        self.search.admits(row)
    }
}

impl Search<'_> {
    fn rows<T: Searched>(
        &self,
        asked_for: bool,
        table: Table,
        fetch: impl Fn(i64) -> Result<Option<T>, StoreError>,
    ) -> Result<Vec<Found<T>>, StoreError> {
        if !asked_for {
            return Ok(Vec::new());
        }
        let source = TableSource {
            search: self,
            table,
            fetch,
        };
        let limits = Limits::new(
            self.reader,
            table,
            &self.query.filter,
            self.projects().as_deref(),
            self.query,
        )?;
        if self.query.has_words() {
            self.ranked(&source, &limits)
        } else {
            self.unranked(&source, &limits)
        }
    }

    fn ranked<T: Searched, F: Fn(i64) -> Result<Option<T>, StoreError>>(
        &self,
        source: &TableSource<'_, F>,
        limits: &Limits,
    ) -> Result<Vec<Found<T>>, StoreError> {
        let (reader, table) = (self.reader, source.table);
        let wanted = self.request.offset.saturating_add(self.request.limit);
        let effort = self.effort.of(table);
        let most = effort
            .rows(self.query.terms.len())
            .max(wanted.saturating_add(effort.spare));
        let candidates = candidates::find(reader, table, self.query, limits, effort, most)?;
        let mut lexicon = Lexicon::new(self.query, &candidates.completions);
        let mut pool = Pool::new(self.query, &mut lexicon, source);
        pool.read(&candidates.ids)?;
        if !self.covered.get() {
            self.covered
                .set(pool.is_covered(&candidates.idf, candidates.open));
        }
        if let Some(vector) = query_vector(self.query).filter(|_| !self.covered.get()) {
            let projects = self.projects();
            let near = reader.nearest(table, &vector, projects.as_deref(), effort.others)?;
            let ids: Vec<i64> = near.iter().map(|near| near.id).collect();
            pool.read(&ids)?;
        }
        for span in pool.find_dates(self.now) {
            pool.read(&limits.within(reader, table, span, effort.others)?)?;
        }
        let ranked = pool.rank(
            &candidates.idf,
            candidates.open,
            effort,
            |pool, scorer, fusion, verdicts| {
                let Some(reranking) = &self.reranking else {
                    return fusion;
                };
                let mut reranking = reranking.borrow_mut();
                reranking.run(pool, scorer, fusion, verdicts, table)
            },
        );
        let page = diversity::spread(fold::fold(ranked, wanted), wanted);
        Ok(page
            .into_iter()
            .skip(self.request.offset)
            .map(|folded| self.found(folded, &mut lexicon))
            .collect())
    }

    /// Says in the answer what compared the rows.
    fn tell(&self, results: &mut Results) {
        match self.reranking.as_ref().map(|one| one.borrow().told()) {
            Some(Ok(name)) => results.model = name,
            Some(Err(warning)) => results.warning = Some(warning),
            None => {}
        }
    }

    /// The newest rows within the limits.
    fn unranked<T: Searched, F: Fn(i64) -> Result<Option<T>, StoreError>>(
        &self,
        source: &TableSource<'_, F>,
        limits: &Limits,
    ) -> Result<Vec<Found<T>>, StoreError> {
        let wanted = self.request.offset.saturating_add(self.request.limit);
        let most = wanted.saturating_add(self.effort.spare);
        let Filter { from, until, .. } = self.query.filter;
        let ids = match limits.newest(self.reader, source.table, most)? {
            Some(ids) => ids,
            None => self.reader.newest_in(source.table, from, until, most)?,
        };
        let mut rows = Vec::new();
        for id in ids {
            rows.extend(source.row(id)?.filter(|row| self.admits(row)));
        }
        let mut lexicon = Lexicon::new(self.query, &[]);
        let page = rows.into_iter().skip(self.request.offset);
        Ok(page
            .take(self.request.limit)
            .map(|row| self.found(Folded::alone(row), &mut lexicon))
            .collect())
    }

    /// The projects that rows may be of; `None` for all.
    fn projects(&self) -> Option<Vec<String>> {
        let asked = &self.query.filter.projects;
        match &self.request.projects {
            Some(allowed) if asked.is_empty() => Some(allowed.clone()),
            Some(allowed) => {
                let both = allowed.iter().filter(|name| asked.contains(name));
                Some(both.cloned().collect())
            }
            None if asked.is_empty() => None,
            None => Some(asked.clone()),
        }
    }

    /// Whether a row may be found. What the index has narrowed already is held
    /// once more: rows beside a candidate are read as well.
    fn admits<T: Searched>(&self, row: &T) -> bool {
        let filter = &self.query.filter;
        let one_of = |allowed: &[String], value: Option<&str>| {
            allowed.is_empty() || allowed.iter().any(|one| Some(one.as_str()) == value)
        };
        let concepts = || row.concepts().iter();
        let projects = self.request.projects.as_deref();
        !row.superseded()
            && projects.is_none_or(|projects| projects.iter().any(|name| name == row.project()))
            && one_of(&filter.projects, Some(row.project()))
            && one_of(&filter.kinds, row.kind())
            && (filter.concepts.is_empty()
                || concepts().any(|concept| filter.concepts.contains(concept)))
            && filter.admits_time(row.at())
            && filter.admits_files(row.files())
            && !self.holds_unwanted(row)
    }

    /// Whether an unwanted word or phrase stands in the row.
    fn holds_unwanted<T: Searched>(&self, row: &T) -> bool {
        self.query.unwanted.iter().any(|stems| {
            let phrase = Query {
                terms: stems.clone(),
                ..Query::default()
            };
            let numbers: Vec<usize> = (0..stems.len()).collect();
            let mut lexicon = Lexicon::new(&phrase, &[]);
            reading::read(&excerpt::fields(row, &phrase), &mut lexicon).holds_phrase(&numbers)
        })
    }

    fn found<T: Searched>(&self, folded: Folded<T>, lexicon: &mut Lexicon<'_>) -> Found<T> {
        let Folded {
            ranked,
            also,
            corrects,
        } = folded;
        let fields = excerpt::fields(&ranked.row, self.query);
        let (why, snippet) = explain::explain(&fields, self.query, lexicon);
        drop(fields);
        Found {
            row: ranked.row,
            score: ranked.score,
            why,
            snippet,
            also,
            corrects,
            explanation: Explanation {
                coverage: ranked.coverage,
                words: ranked.channels.words,
                exact: ranked.channels.exact,
                meaning: ranked.channels.meaning,
                reranked: ranked.channels.reranked,
            },
        }
    }
}
