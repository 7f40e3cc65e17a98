//! What narrows a search before any word is looked at: projects, types, concepts,
//! files, times and unwanted words, as expressions of the index's terms.

use crate::analysis::{self, Kind, Scope, scope, stem, tokens};
use crate::store::{Bounds, Postings, Reader, StoreError, Table};

use super::filter::Filter;
use super::query::Query;

/// Projects that terms are asked for one by one.
const MOST_WITHIN: usize = 8;

/// What narrows a search before any word is looked at.
#[derive(Debug, Clone, Default)]
pub(super) struct Limits {
    /// What stands before the terms of the projects that are searched; empty for
    /// all projects and for more than [`MOST_WITHIN`].
    within: Vec<String>,
    /// The expression of these projects.
    projects: Option<String>,
    /// An expression of terms that every row must fit beside that.
    required: Option<String>,
    /// One that none may fit.
    refused: Option<String>,
    bounds: Bounds,
}

impl Limits {
    pub(super) fn new(
        reader: &Reader,
        table: Table,
        filter: &Filter,
        projects: Option<&[String]>,
        query: &Query,
    ) -> Result<Self, StoreError> {
        let mut required = Vec::new();
        let within = projects.filter(|projects| projects.len() <= MOST_WITHIN);
        for (kind, values) in [
            (Scope::Type, &filter.kinds),
            (Scope::Concept, &filter.concepts),
        ] {
            if !values.is_empty() {
                required.push(any_of(values.iter().map(|value| scope(kind, value))));
            }
        }
        if !filter.files.is_empty() {
            let files: Vec<String> = filter.files.iter().filter_map(|file| path(file)).collect();
            if !files.is_empty() {
                required.push(format!("({})", files.join(" OR ")));
            }
        }
        let refused: Vec<String> = query
            .unwanted
            .iter()
            .filter(|stems| stems.len() == 1)
            .flatten()
            .map(|term| quoted(term))
            .collect();
        let of_projects =
            |projects: &[String]| any_of(projects.iter().map(|name| scope(Scope::Project, name)));
        Ok(Self {
            within: within
                .unwrap_or_default()
                .iter()
                .map(|project| analysis::within(project))
                .collect(),
            projects: projects.map(of_projects),
            required: (!required.is_empty()).then(|| required.join(" AND ")),
            refused: (!refused.is_empty()).then(|| refused.join(" OR ")),
            bounds: reader.bounds(table, filter.from, filter.until)?,
        })
    }

    /// Rows of the projects with one of these terms.
    pub(super) fn any_of(&self, terms: &[String]) -> String {
        if self.within.is_empty() {
            let any = any_of(terms.iter());
            return match &self.projects {
                Some(projects) => format!("({projects} AND {any})"),
                None => any,
            };
        }
        any_of(
            self.within
                .iter()
                .flat_map(|within| terms.iter().map(move |term| format!("{within}{term}"))),
        )
    }

    /// Terms of the projects that begin so, `most` at most.
    pub(super) fn completions(
        &self,
        reader: &Reader,
        table: Table,
        open: &str,
        most: usize,
    ) -> Result<Vec<String>, StoreError> {
        if self.within.is_empty() {
            return reader.completions(table, open, most);
        }
        let mut found = Vec::new();
        for within in &self.within {
            let terms = reader.completions(table, &format!("{within}{open}"), most)?;
            found.extend(terms.iter().map(|term| term[within.len()..].to_owned()));
        }
        found.sort_unstable();
        found.dedup();
        found.truncate(most);
        Ok(found)
    }

    fn apply(&self, expression: &str) -> String {
        let mut whole = match &self.required {
            Some(required) => format!("{required} AND ({expression})"),
            None => expression.to_owned(),
        };
        if let Some(refused) = &self.refused {
            whole = format!("({whole}) NOT ({refused})");
        }
        whole
    }

    /// The newest rows within the limits and these bounds that an expression of
    /// terms fits.
    pub(super) fn postings(
        &self,
        reader: &Reader,
        table: Table,
        expression: &str,
        bounds: Bounds,
        most: usize,
    ) -> Result<Postings, StoreError> {
        reader.postings(table, &self.apply(expression), bounds, most)
    }

    /// The ids between which the rows lie.
    pub(super) fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// The newest rows of a time within the limits.
    pub(super) fn within(
        &self,
        reader: &Reader,
        table: Table,
        (from, to): (i64, i64),
        most: usize,
    ) -> Result<Vec<i64>, StoreError> {
        let of_time = Self {
            bounds: reader.bounds(table, Some(from), Some(to - 1))?,
            ..self.clone()
        };
        match of_time.newest(reader, table, most)? {
            Some(ids) => Ok(ids),
            None => reader.newest_in(table, Some(from), Some(to - 1), most),
        }
    }

    /// Rows within the limits, the newest first.
    pub(super) fn newest(
        &self,
        reader: &Reader,
        table: Table,
        most: usize,
    ) -> Result<Option<Vec<i64>>, StoreError> {
        let of_rows = [&self.projects, &self.required];
        let of_rows: Vec<&str> = of_rows.into_iter().flatten().map(String::as_str).collect();
        if of_rows.is_empty() {
            return Ok(None);
        }
        let mut expression = of_rows.join(" AND ");
        if let Some(refused) = &self.refused {
            expression = format!("({expression}) NOT ({refused})");
        }
        let found = reader.postings(table, &expression, self.bounds, most)?;
        Ok(Some(found.ids))
    }
}

/// The words of a path, all of which must be there.
fn path(file: &str) -> Option<String> {
    let mut words = Vec::new();
    tokens(file, |token| {
        if token.kind == Kind::Word || token.kind == Kind::Pair {
            words.push(quoted(&stem(token.text, token.kind)));
        }
    });
    (!words.is_empty()).then(|| format!("({})", words.join(" AND ")))
}

fn quoted(term: &str) -> String {
    format!("\"{}\"", term.replace('"', "\"\""))
}

fn any_of(terms: impl Iterator<Item = impl AsRef<str>>) -> String {
    let terms: Vec<String> = terms.map(|term| quoted(term.as_ref())).collect();
    // A list that admits nothing: no text has this term.
    if terms.is_empty() {
        return "\"_\"".to_owned();
    }
    format!("({})", terms.join(" OR "))
}
