//! Running a query and fetching what it found.

use std::cell::RefCell;

use crate::embedding::Vector;
use crate::store::{Reader, StoreError, Table};

use super::candidates::{self, Candidates};
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
use super::results::{Explanation, FILTER, Found, HYBRID, Request, Results, SearchError};

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
    let mut found = reader.snapshot(|| search.answer())?;
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

/// What the index knows of one table.
struct Gathered {
    table: Table,
    limits: Limits,
    candidates: Candidates,
}

/// The rows of one table that are shown.
struct Page<T> {
    found: Vec<Found<T>>,
    /// Whether the words of these rows cover the query.
    covered: bool,
}

/// Nothing found.
impl<T> Default for Page<T> {
    fn default() -> Self {
        Self {
            found: Vec::new(),
            covered: false,
        }
    }
}

impl Search<'_> {
    /// First what the index knows of all tables, then their rows: a word that was met
    /// in the rows of one need not be stemmed and compared again in another.
    fn answer(&self) -> Result<Results, StoreError> {
        let tables = self.request.tables;
        let others = !self.query.filter.is_about_observations();
        let observations = self.gather(tables.observations, Table::Observations)?;
        let summaries = self.gather(others && tables.summaries, Table::Summaries)?;
        let prompts = self.gather(others && tables.prompts, Table::Prompts)?;
        let gathered = [&observations, &summaries, &prompts].into_iter().flatten();
        let completions: Vec<String> = gathered
            .flat_map(|gathered| gathered.candidates.completions.iter().cloned())
            .collect();
        let mut lexicon = Lexicon::new(self.query, &completions);
        let observations = self.page(observations, &mut lexicon, false, |id| {
            self.reader.observation(id)
        })?;
        // Where words find what was looked for, nothing that is only near in meaning
        // need accompany it.
        let covered = observations.covered;
        let summaries = self.page(summaries, &mut lexicon, covered, |id| {
            self.reader.summary(id)
        })?;
        let prompts = self.page(prompts, &mut lexicon, covered, |id| self.reader.prompt(id))?;
        Ok(Results {
            observations: observations.found,
            summaries: summaries.found,
            prompts: prompts.found,
            strategy: if self.query.has_words() {
                HYBRID
            } else {
                FILTER
            },
            notes: self.query.notes.clone(),
            ..Results::default()
        })
    }

    /// `None` for a table that is not asked.
    fn gather(&self, asked_for: bool, table: Table) -> Result<Option<Gathered>, StoreError> {
        if !asked_for {
            return Ok(None);
        }
        let limits = Limits::new(
            self.reader,
            table,
            &self.query.filter,
            self.projects().as_deref(),
            self.query,
        )?;
        let candidates = if self.query.has_words() {
            let effort = self.effort.of(table);
            let most = effort
                .rows(self.query.terms.len())
                .max(self.wanted().saturating_add(effort.spare));
            candidates::find(self.reader, table, self.query, &limits, effort, most)?
        } else {
            Candidates::default()
        };
        Ok(Some(Gathered {
            table,
            limits,
            candidates,
        }))
    }

    /// Rows up to the end of the page that is asked for.
    fn wanted(&self) -> usize {
        self.request.offset.saturating_add(self.request.limit)
    }

    fn page<T: Searched>(
        &self,
        gathered: Option<Gathered>,
        lexicon: &mut Lexicon<'_>,
        covered: bool,
        fetch: impl Fn(i64) -> Result<Option<T>, StoreError>,
    ) -> Result<Page<T>, StoreError> {
        let Some(gathered) = gathered else {
            return Ok(Page::default());
        };
        let source = TableSource {
            search: self,
            table: gathered.table,
            fetch,
        };
        if self.query.has_words() {
            self.ranked(&source, &gathered, lexicon, covered)
        } else {
            self.unranked(&source, &gathered.limits, lexicon)
        }
    }

    /// The rows that fit best. Those that are only near in meaning are looked for
    /// unless the query is `covered` by words, those of another table or of this one.
    fn ranked<T: Searched, F: Fn(i64) -> Result<Option<T>, StoreError>>(
        &self,
        source: &TableSource<'_, F>,
        gathered: &Gathered,
        lexicon: &mut Lexicon<'_>,
        covered: bool,
    ) -> Result<Page<T>, StoreError> {
        let Gathered {
            table,
            limits,
            candidates,
        } = gathered;
        let (reader, effort) = (self.reader, self.effort.of(*table));
        let mut pool = Pool::new(self.query, lexicon, source);
        pool.read(&candidates.ids)?;
        let covered = covered || pool.is_covered(&candidates.idf, candidates.open);
        if let Some(vector) = query_vector(self.query).filter(|_| !covered) {
            let projects = self.projects();
            let near = reader.nearest(*table, &vector, projects.as_deref(), effort.others)?;
            let ids: Vec<i64> = near.iter().map(|near| near.id).collect();
            pool.read(&ids)?;
        }
        for span in pool.find_dates(self.now) {
            pool.read(&limits.within(reader, *table, span, effort.others)?)?;
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
                reranking.run(pool, scorer, fusion, verdicts, *table)
            },
        );
        let wanted = self.wanted();
        let page = diversity::spread(fold::fold(ranked, wanted), wanted);
        let found = page
            .into_iter()
            .skip(self.request.offset)
            .map(|folded| self.found(folded, lexicon))
            .collect();
        Ok(Page { found, covered })
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
        lexicon: &mut Lexicon<'_>,
    ) -> Result<Page<T>, StoreError> {
        let most = self.wanted().saturating_add(self.effort.spare);
        let Filter { from, until, .. } = self.query.filter;
        let ids = match limits.newest(self.reader, source.table, most)? {
            Some(ids) => ids,
            None => self.reader.newest_in(source.table, from, until, most)?,
        };
        let mut rows = Vec::new();
        for id in ids {
            rows.extend(source.row(id)?.filter(|row| self.admits(row)));
        }
        let page = rows.into_iter().skip(self.request.offset);
        let found = page
            .take(self.request.limit)
            .map(|row| self.found(Folded::alone(row), lexicon))
            .collect();
        Ok(Page {
            found,
            covered: false,
        })
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
