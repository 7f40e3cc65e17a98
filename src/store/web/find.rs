//! Rows by what they are rather than by their words.

use std::fmt::Write as _;

use rusqlite::params_from_iter;
use rusqlite::types::Value;

use super::super::error::{SqlContext as _, StoreError};
use super::super::reader::{Reader, json_list};
use super::list::number;
use super::rows::{WebObservation, WebRow};

/// Types that are looked up one by one; of more, rows are looked through.
const MOST_KINDS: usize = 8;

/// Which end of time comes first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    #[default]
    NewestFirst,
    OldestFirst,
}

/// What rows must be; what is `None` or empty does not count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Criteria {
    pub project: Option<String>,
    /// Of a session of this platform (`claude`).
    pub platform: Option<String>,
    /// Observation types.
    pub kinds: Vec<String>,
    /// One of these concepts.
    pub concepts: Vec<String>,
    /// One of these is part of a path that was read or modified.
    pub files: Vec<String>,
    /// Epoch milliseconds, both included.
    pub from: Option<i64>,
    pub until: Option<i64>,
}

impl Criteria {
    /// Whether a row can be told by these only if it is an observation.
    pub fn is_about_observations(&self) -> bool {
        !self.kinds.is_empty() || !self.concepts.is_empty() || !self.files.is_empty()
    }

    /// Whether there is nothing to choose by.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether an observation that was found by its words is meant.
    pub fn admits<T: AsRef<str>>(&self, row: &WebObservation<T>) -> bool {
        let list =
            |text: &T| -> Vec<String> { serde_json::from_str(text.as_ref()).unwrap_or_default() };
        let platform = row.session.platform_source.as_ref();
        self.admits_any(row.project.as_ref(), platform, row.created_at_epoch)
            && (self.kinds.is_empty() || self.kinds.iter().any(|kind| kind == row.kind.as_ref()))
            && (self.concepts.is_empty()
                || list(&row.concepts)
                    .iter()
                    .any(|concept| self.concepts.contains(concept)))
            && (self.files.is_empty()
                || list(&row.files_read)
                    .iter()
                    .chain(&list(&row.files_modified))
                    .any(|path| self.files.iter().any(|file| path.contains(file.as_str()))))
    }

    /// Whether a row of any kind is meant, by its project, platform and time.
    pub fn admits_any(&self, project: &str, platform: &str, at: i64) -> bool {
        let is = |one: &Option<String>, other: &str| one.as_deref().is_none_or(|one| one == other);
        is(&self.project, project)
            && is(&self.platform, platform)
            && self.from.is_none_or(|from| at >= from)
            && self.until.is_none_or(|until| at <= until)
    }

    /// Conditions on a row `o`, and their values, but for its type.
    fn conditions<T: WebRow>(&self) -> (String, Vec<Value>) {
        let mut conditions = String::from("1");
        let mut values: Vec<Value> = Vec::new();
        let mut only = |condition: &str, value: Option<Value>| {
            if let Some(value) = value {
                conditions.push_str(" AND ");
                conditions.push_str(condition);
                values.push(value);
            }
        };
        only("o.project = ?", self.project.clone().map(Value::from));
        only(
            "o.session_db_id IN (SELECT id FROM sdk_sessions WHERE platform_source = ?)",
            self.platform.clone().map(Value::from),
        );
        only("o.created_at_epoch >= ?", self.from.map(Value::from));
        only("o.created_at_epoch <= ?", self.until.map(Value::from));
        if T::TABLE == WebObservation::TABLE {
            only(
                "json_valid(o.concepts) AND EXISTS (SELECT 1 FROM json_each(o.concepts) c
                     JOIN json_each(?) w ON w.value = c.value)",
                list_of(&self.concepts),
            );
            only(
                "EXISTS (SELECT 1 FROM json_each(?) w
                     WHERE instr(o.files_modified, w.value) OR instr(o.files_read, w.value))",
                list_of(&self.files),
            );
            conditions.push_str(" AND o.superseded_by IS NULL");
        }
        (conditions, values)
    }

    /// The types that are looked up one by one in the index by type and time.
    /// Rows of one project are found by that, and their types in the same index.
    fn indexed_kinds<T: WebRow>(&self) -> Vec<&String> {
        if self.project.is_some() || T::TABLE != WebObservation::TABLE {
            return Vec::new();
        }
        let mut kinds: Vec<&String> = self.kinds.iter().collect();
        kinds.sort_unstable();
        kinds.dedup();
        if kinds.len() > MOST_KINDS {
            kinds.clear();
        }
        kinds
    }

    /// A statement that gives the ids of the rows in order of time, and its
    /// values.
    fn ids<T: WebRow>(&self, order: Order, limit: usize, offset: usize) -> (String, Vec<Value>) {
        let (mut conditions, mut each) = self.conditions::<T>();
        let indexed = self.indexed_kinds::<T>();
        let mut values = Vec::new();
        let mut rows = String::new();
        for kind in &indexed {
            // Each is in order of time by itself; SQLite merges them.
            if !rows.is_empty() {
                rows.push_str(" UNION ALL ");
            }
            let _ = write!(
                rows,
                "SELECT o.id AS id, o.created_at_epoch AS at FROM {} o
                 INDEXED BY observations_type WHERE o.type = ? AND {conditions}",
                T::TABLE
            );
            values.push(Value::from((*kind).clone()));
            values.extend(each.iter().cloned());
        }
        if indexed.is_empty() {
            if T::TABLE == WebObservation::TABLE
                && let Some(kinds) = list_of(&self.kinds)
            {
                // The plus: types of a list are in no order of time together.
                conditions.push_str(" AND +o.type IN (SELECT value FROM json_each(?))");
                each.push(kinds);
            }
            rows = format!(
                "SELECT o.id AS id, o.created_at_epoch AS at FROM {} o WHERE {conditions}",
                T::TABLE
            );
            values = each;
        }
        values.push(number(limit).into());
        values.push(number(offset).into());
        let direction = match order {
            Order::NewestFirst => "DESC",
            Order::OldestFirst => "ASC",
        };
        let sql = format!("{rows} ORDER BY at {direction}, id {direction} LIMIT ? OFFSET ?");
        (sql, values)
    }
}

fn list_of(items: &[String]) -> Option<Value> {
    (!items.is_empty()).then(|| Value::from(json_list(items)))
}

impl Reader {
    /// Rows that meet the criteria, in order of time: their ids and times.
    pub fn web_find<T: WebRow>(
        &self,
        criteria: &Criteria,
        order: Order,
        limit: usize,
        offset: usize,
    ) -> Result<Vec<(i64, i64)>, StoreError> {
        let (sql, values) = criteria.ids::<T>(order, limit, offset);
        let mut statement = self.connection.prepare_cached(&sql).doing("find rows")?;
        statement
            .query_map(params_from_iter(values), |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .and_then(Iterator::collect)
            .doing("find rows")
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::Writer;
    use super::*;

    const PROJECTS: [&str; 2] = ["billing", "shop"];
    const KINDS: [&str; 3] = ["bugfix", "decision", "feature"];

    /// 300 rows of two projects and three types; some of the same time, some
    /// superseded.
    fn filled() -> (tempfile::TempDir, Reader) {
        let directory = tempfile::tempdir().unwrap();
        let locations = sockets_protocol::Locations::new(directory.path());
        drop(Writer::open(&locations, "test").unwrap());
        let connection =
            super::super::super::open::open_for_writing(&locations.database()).unwrap();
        for row in 0..300_i64 {
            let index = usize::try_from(row).unwrap();
            let superseded = (row % 7 == 0).then_some("newer");
            connection
                .execute(
                    "INSERT INTO observations (uid, memory_session_id, project, type, content_hash,
                         concepts, superseded_by, created_at, created_at_epoch)
                     VALUES (?1, 'm', ?2, ?3, ?1, ?4, ?5, '', ?6)",
                    rusqlite::params![
                        row.to_string(),
                        PROJECTS[index % 5 % 2],
                        KINDS[index % 11 % 3],
                        if row % 3 == 0 { r#"["gotcha"]"# } else { "" },
                        superseded,
                        // Not in the order of ids.
                        row * 37 % 100,
                    ],
                )
                .unwrap();
        }
        let reader = Reader::open_for_web(&locations.database()).unwrap();
        (directory, reader.unwrap())
    }

    /// All rows that are meant, by looking at each.
    fn plainly(reader: &Reader, criteria: &Criteria, order: Order) -> Vec<i64> {
        let ids: Vec<i64> = (1..=300).collect();
        let mut rows: Vec<WebObservation> = reader.web_rows_by_id(&ids).unwrap();
        rows.retain(|row| row.superseded_by.is_none() && criteria.admits(row));
        rows.sort_by_key(|row| (row.created_at_epoch, row.id));
        if order == Order::NewestFirst {
            rows.reverse();
        }
        rows.iter().map(|row| row.id).collect()
    }

    fn asked() -> Vec<Criteria> {
        let kinds = |names: &[&str]| Criteria {
            kinds: names.iter().map(|name| (*name).to_owned()).collect(),
            ..Criteria::default()
        };
        let many: Vec<String> = (0..=MOST_KINDS).map(|number| number.to_string()).collect();
        vec![
            Criteria::default(),
            kinds(&["bugfix"]),
            kinds(&["feature", "bugfix", "feature"]),
            kinds(&["nothing"]),
            Criteria {
                project: Some("shop".to_owned()),
                ..kinds(&["decision", "bugfix"])
            },
            Criteria {
                kinds: [many, vec!["bugfix".to_owned()]].concat(),
                ..Criteria::default()
            },
            Criteria {
                from: Some(20),
                until: Some(70),
                concepts: vec!["gotcha".to_owned()],
                ..kinds(&["feature", "decision"])
            },
        ]
    }

    #[test]
    fn a_page_is_the_same_however_far_it_is() {
        let (_directory, reader) = filled();
        for criteria in asked() {
            for order in [Order::NewestFirst, Order::OldestFirst] {
                let all = plainly(&reader, &criteria, order);
                for offset in [0, 1, 20, 83, 299] {
                    let page = reader.web_find::<WebObservation>(&criteria, order, 20, offset);
                    let found: Vec<i64> = page.unwrap().iter().map(|(id, _)| *id).collect();
                    let expected: Vec<i64> = all.iter().skip(offset).take(20).copied().collect();
                    assert_eq!(found, expected, "{criteria:?} {order:?} {offset}");
                }
            }
        }
    }

    #[test]
    fn rows_are_found_in_the_order_of_an_index() {
        const OF_A_TYPE: &str = "SEARCH o USING INDEX observations_type (type=?)";
        let (_directory, reader) = filled();
        for (criteria, steps) in asked().iter().zip([
            &["SCAN o USING INDEX observations_time"][..],
            &[OF_A_TYPE],
            &["MERGE (UNION ALL)", OF_A_TYPE, OF_A_TYPE],
            &[OF_A_TYPE],
            &["SEARCH o USING COVERING INDEX observations_project (project=?)"],
            &["SCAN o USING INDEX observations_time"],
        ]) {
            let (sql, values) = criteria.ids::<WebObservation>(Order::NewestFirst, 20, 100);
            let mut plan = reader
                .connection
                .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
                .unwrap();
            let mut found: Vec<String> = plan
                .query_map(params_from_iter(values), |row| row.get(3))
                .unwrap()
                .map(Result::unwrap)
                .collect();
            found.retain(|step| {
                [" o ", "MERGE", "ORDER BY"]
                    .iter()
                    .any(|it| step.contains(it))
            });
            assert_eq!(found, steps, "{sql}");
        }
    }
}
