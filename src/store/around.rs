//! What happened before and after a moment.

use std::cmp::Ordering;

use rusqlite::{OptionalExtension as _, params};
use serde::Serialize;

use super::error::{SqlContext as _, StoreError};
use super::reader::Reader;
use super::rows::{ObservationRow, PromptRow, Stored as _, SummaryRow};

/// Kinds of rows. Of the same millisecond a prompt is before what came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Prompt,
    Observation,
    Summary,
}

/// Where a row lies in time: by its time, its kind and its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Point {
    /// Epoch milliseconds.
    pub at: i64,
    pub kind: Kind,
    pub id: i64,
}

/// A row of any kind.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum Moment {
    Observation(Box<ObservationRow>),
    Summary(Box<SummaryRow>),
    Prompt(Box<PromptRow>),
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
    /// Which rows lie around a moment, in order of time: `before` ones of all
    /// kinds together before it, `after` ones from it on, and `middle` itself.
    /// Superseded rows are left out, unless one is the middle. Only as many rows
    /// as are asked for need be read then.
    pub fn around(
        &self,
        at: i64,
        middle: Option<Point>,
        around: &Around,
    ) -> Result<Vec<Point>, StoreError> {
        self.snapshot(|| {
            let anchor = middle.unwrap_or(Point {
                at,
                kind: Kind::Prompt,
                id: 0,
            });
            let mut points = self.side(anchor, Side::Before, around)?;
            points.reverse();
            points.extend(middle);
            points.extend(self.side(anchor, Side::After, around)?);
            Ok(points)
        })
    }

    /// Where a row lies; `None` where there is none.
    pub fn point(&self, kind: Kind, id: i64) -> Result<Option<Point>, StoreError> {
        let sql = format!("SELECT created_at_epoch FROM {} WHERE id = ?1", table(kind));
        self.connection
            .prepare_cached(&sql)
            .and_then(|mut statement| statement.query_row([id], |row| row.get(0)).optional())
            .map(|at| at.map(|at| Point { at, kind, id }))
            .doing("find a row")
    }

    /// The row itself; `None` if it has gone meanwhile.
    pub fn moment(&self, kind: Kind, id: i64) -> Result<Option<Moment>, StoreError> {
        Ok(match kind {
            Kind::Prompt => self.prompt(id)?.map(|row| Moment::Prompt(Box::new(row))),
            Kind::Observation => self
                .observation(id)?
                .map(|row| Moment::Observation(Box::new(row))),
            Kind::Summary => self.summary(id)?.map(|row| Moment::Summary(Box::new(row))),
        })
    }

    /// The points on one side of the anchor, the nearest first.
    fn side(&self, anchor: Point, side: Side, around: &Around) -> Result<Vec<Point>, StoreError> {
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
            for kind in [Kind::Prompt, Kind::Observation, Kind::Summary] {
                self.next_to(anchor, kind, side, project, wanted, &mut found)?;
            }
        }
        found.sort_unstable();
        if side == Side::Before {
            found.reverse();
        }
        found.truncate(wanted);
        Ok(found)
    }

    fn next_to(
        &self,
        anchor: Point,
        kind: Kind,
        side: Side,
        project: Option<&str>,
        limit: usize,
        found: &mut Vec<Point>,
    ) -> Result<(), StoreError> {
        // Of the anchor's own millisecond, kinds that come first are before it.
        let from = match kind.cmp(&anchor.kind) {
            Ordering::Less => i64::MAX,
            Ordering::Equal => anchor.id,
            Ordering::Greater => 0,
        };
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut statement = self
            .connection
            .prepare_cached(&next_to_sql(kind, side, project.is_some()))
            .doing("list rows")?;
        let points = statement
            .query_map(params![anchor.at, from, limit, project], |row| {
                Ok(Point {
                    at: row.get(0)?,
                    kind,
                    id: row.get(1)?,
                })
            })
            .doing("list rows")?;
        for point in points {
            found.push(point.doing("list rows")?);
        }
        Ok(())
    }
}

fn table(kind: Kind) -> &'static str {
    match kind {
        Kind::Prompt => PromptRow::TABLE,
        Kind::Observation => ObservationRow::TABLE,
        Kind::Summary => SummaryRow::TABLE,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Before,
    After,
}

/// One statement with a project and one without, because no index serves an OR.
fn next_to_sql(kind: Kind, side: Side, of_project: bool) -> String {
    let (comparison, direction) = match side {
        Side::Before => ("<", "DESC"),
        Side::After => (">", "ASC"),
    };
    let project = if of_project {
        "o.project = ?4"
    } else {
        "?4 IS NULL"
    };
    let current = match kind {
        Kind::Prompt => "1",
        Kind::Observation | Kind::Summary => "o.superseded_by IS NULL",
    };
    format!(
        "SELECT o.created_at_epoch, o.id FROM {} o
         WHERE {project} AND (o.created_at_epoch, o.id) {comparison} (?1, ?2) AND {current}
         ORDER BY o.created_at_epoch {direction}, o.id {direction} LIMIT ?3",
        table(kind)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(reader: &Reader, kind: Kind, side: Side, project: Option<&str>) -> Vec<String> {
        let sql = next_to_sql(kind, side, project.is_some());
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
                for kind in [Kind::Prompt, Kind::Observation, Kind::Summary] {
                    let steps = plan(&reader, kind, side, project);
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
