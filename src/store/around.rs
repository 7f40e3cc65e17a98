//! What happened before and after a moment.

use std::cmp::Ordering;

use rusqlite::params;
use serde::Serialize;

use super::error::{SqlContext as _, StoreError};
use super::reader::Reader;
use super::rows::{ObservationRow, PromptRow, Stored, SummaryRow};

/// A row of any kind, as a point in time.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum Moment {
    Observation(Box<ObservationRow>),
    Summary(Box<SummaryRow>),
    Prompt(Box<PromptRow>),
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
    pub projects: Option<Vec<String>>,
    pub before: usize,
    pub after: usize,
}

impl Reader {
    /// The rows around a moment in order of time: `before` ones of all kinds
    /// together before it, `after` ones from it on, and the row of `middle`
    /// itself. Superseded rows are left out, unless one is the middle.
    pub fn around(
        &self,
        at: i64,
        middle: Option<Moment>,
        around: &Around,
    ) -> Result<Vec<Moment>, StoreError> {
        self.snapshot(|| {
            let anchor = middle.as_ref().map_or((at, 0, 0), Moment::order);
            let mut before = self.side(anchor, Side::Before, around)?;
            before.reverse();
            before.extend(middle);
            before.extend(self.side(anchor, Side::After, around)?);
            Ok(before)
        })
    }

    /// The rows on one side of the anchor, the nearest first.
    fn side(
        &self,
        (at, kind, id): (i64, u8, i64),
        side: Side,
        around: &Around,
    ) -> Result<Vec<Moment>, StoreError> {
        // Of the anchor's own millisecond, kinds that come first are before it.
        let from = |other: u8| match other.cmp(&kind) {
            Ordering::Less => (at, i64::MAX),
            Ordering::Equal => (at, id),
            Ordering::Greater => (at, 0),
        };
        let wanted = match side {
            Side::Before => around.before,
            Side::After => around.after,
        };
        let projects: Vec<Option<&str>> = match &around.projects {
            None => vec![None],
            Some(names) => names.iter().map(|name| Some(name.as_str())).collect(),
        };
        let mut found = Vec::new();
        for project in projects {
            let rows = self.next_to::<PromptRow>(from(0), side, project, wanted)?;
            found.extend(rows.into_iter().map(|row| Moment::Prompt(Box::new(row))));
            let rows = self.next_to::<ObservationRow>(from(1), side, project, wanted)?;
            found.extend(
                rows.into_iter()
                    .map(|row| Moment::Observation(Box::new(row))),
            );
            let rows = self.next_to::<SummaryRow>(from(2), side, project, wanted)?;
            found.extend(rows.into_iter().map(|row| Moment::Summary(Box::new(row))));
        }
        found.sort_by_key(Moment::order);
        if side == Side::Before {
            found.reverse();
        }
        found.truncate(wanted);
        Ok(found)
    }

    fn next_to<T: Stored>(
        &self,
        (at, id): (i64, i64),
        side: Side,
        project: Option<&str>,
        limit: usize,
    ) -> Result<Vec<T>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut statement = self
            .connection
            .prepare_cached(&next_to_sql::<T>(side, project.is_some()))
            .doing("list rows")?;
        let rows = statement
            .query_map(params![at, id, limit, project], T::read)
            .doing("list rows")?;
        rows.collect::<Result<_, _>>().doing("list rows")
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Before,
    After,
}

/// One statement with a project and one without, because no index serves an OR.
fn next_to_sql<T: Stored>(side: Side, of_project: bool) -> String {
    let (comparison, direction) = match side {
        Side::Before => ("<", "DESC"),
        Side::After => (">", "ASC"),
    };
    let project = if of_project {
        "o.project = ?4"
    } else {
        "?4 IS NULL"
    };
    let current = if T::TABLE == PromptRow::TABLE {
        "1"
    } else {
        "o.superseded_by IS NULL"
    };
    format!(
        "SELECT {} FROM {} o LEFT JOIN sdk_sessions s ON s.id = o.session_db_id
         WHERE {project} AND (o.created_at_epoch, o.id) {comparison} (?1, ?2) AND {current}
         ORDER BY o.created_at_epoch {direction}, o.id {direction} LIMIT ?3",
        T::COLUMNS,
        T::TABLE
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan<T: Stored>(reader: &Reader, side: Side, project: Option<&str>) -> Vec<String> {
        let sql = next_to_sql::<T>(side, project.is_some());
        let mut plan = reader
            .connection
            .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
            .unwrap();
        plan.query_map(params![1, 1, 1, project], |row| row.get(3))
            .unwrap()
            .map(Result::unwrap)
            .collect()
    }

    #[test]
    fn neighbours_are_read_in_the_order_of_an_index() {
        let directory = tempfile::tempdir().unwrap();
        let locations = sockets_protocol::Locations::new(directory.path());
        drop(crate::store::Writer::open(&locations, "test").unwrap());
        let reader = Reader::open(&locations.database()).unwrap().unwrap();
        for side in [Side::Before, Side::After] {
            for project in [None, Some("billing")] {
                for steps in [
                    plan::<PromptRow>(&reader, side, project),
                    plan::<ObservationRow>(&reader, side, project),
                    plan::<SummaryRow>(&reader, side, project),
                ] {
                    let index = if project.is_some() {
                        "_project (project=? AND created_at_epoch"
                    } else {
                        "_time (created_at_epoch"
                    };
                    assert!(steps[0].contains(index), "{steps:?}");
                    assert!(
                        !steps.iter().any(|step| step.contains("TEMP B-TREE")),
                        "{steps:?}"
                    );
                }
            }
        }
    }
}
