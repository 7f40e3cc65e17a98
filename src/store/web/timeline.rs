//! What happened before and after a moment.

use std::cmp::Ordering;

use rusqlite::params;

use super::super::error::StoreError;
use super::super::reader::Reader;
use super::rows::{WebObservation, WebPrompt, WebRow, WebSummary, number, select};

/// A row of any kind, as a point in time.
#[derive(Debug, Clone, PartialEq)]
pub enum Moment {
    Observation(Box<WebObservation>),
    Summary(Box<WebSummary>),
    Prompt(Box<WebPrompt>),
}

impl Moment {
    /// By time; of the same millisecond a prompt is before what came of it.
    pub fn order(&self) -> (i64, u8, i64) {
        match self {
            Self::Prompt(row) => (row.created_at_epoch, 0, row.id),
            Self::Observation(row) => (row.created_at_epoch, 1, row.id),
            Self::Summary(row) => (row.created_at_epoch, 2, row.id),
        }
    }
}

/// How much before and after is wanted.
#[derive(Debug, Clone, Default)]
pub struct Around {
    /// `None` for all projects.
    pub project: Option<String>,
    pub before: usize,
    pub after: usize,
}

impl Reader {
    /// The rows around a moment in order of time: `before` ones of all kinds
    /// together before it, `after` ones from it on, and the row of `middle`
    /// itself.
    pub fn timeline(
        &self,
        at: i64,
        middle: Option<Moment>,
        around: &Around,
    ) -> Result<Vec<Moment>, StoreError> {
        self.snapshot(|| {
            let anchor = middle.as_ref().map_or((at, 0, 0), Moment::order);
            let mut before = self.all_kinds(anchor, false, around, around.before)?;
            before.sort_by_key(|moment| std::cmp::Reverse(moment.order()));
            before.truncate(around.before);
            before.reverse();
            let mut after = self.all_kinds(anchor, true, around, around.after)?;
            after.sort_by_key(Moment::order);
            after.truncate(around.after);
            before.extend(middle);
            before.extend(after);
            Ok(before)
        })
    }

    fn all_kinds(
        &self,
        (at, kind, id): (i64, u8, i64),
        later: bool,
        around: &Around,
        wanted: usize,
    ) -> Result<Vec<Moment>, StoreError> {
        // Of the anchor's own millisecond, kinds that come first are before it.
        let from = |other: u8| match other.cmp(&kind) {
            Ordering::Less => (at, i64::MAX),
            Ordering::Equal => (at, id),
            Ordering::Greater => (at, 0),
        };
        let limit = number(wanted);
        let project = around.project.as_deref();
        let mut found = Vec::new();
        let rows = self.side(from(0), later, project, limit)?;
        found.extend(rows.into_iter().map(|row| Moment::Prompt(Box::new(row))));
        let rows = self.side(from(1), later, project, limit)?;
        found.extend(
            rows.into_iter()
                .map(|row| Moment::Observation(Box::new(row))),
        );
        let rows = self.side(from(2), later, project, limit)?;
        found.extend(rows.into_iter().map(|row| Moment::Summary(Box::new(row))));
        Ok(found)
    }

    fn side<T: WebRow>(
        &self,
        (at, id): (i64, i64),
        later: bool,
        project: Option<&str>,
        limit: i64,
    ) -> Result<Vec<T>, StoreError> {
        let (comparison, direction) = if later { (">", "ASC") } else { ("<", "DESC") };
        // Two statements rather than one with an OR, which no index serves.
        let of_project = if project.is_some() {
            "o.project = ?2"
        } else {
            "?2 IS NULL"
        };
        let sql = format!(
            "{} WHERE {of_project} AND (o.created_at_epoch, o.id) {comparison} (?1, ?4)
             ORDER BY o.created_at_epoch {direction}, o.id {direction} LIMIT ?3",
            select::<T>()
        );
        self.web_rows(&sql, params![at, project, limit, id])
    }
}
