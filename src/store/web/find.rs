//! Rows by what they are rather than by their words.

use rusqlite::params_from_iter;
use rusqlite::types::Value;

use super::super::error::StoreError;
use super::super::reader::{Reader, json_list};
use super::list::number;
use super::rows::{WebObservation, WebRow};

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
    pub fn admits(&self, row: &WebObservation) -> bool {
        let list = |text: &str| -> Vec<String> { serde_json::from_str(text).unwrap_or_default() };
        self.admits_time(row)
            && (self.kinds.is_empty() || self.kinds.contains(&row.kind))
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

    /// Whether a row of any kind is of the project, the platform and the time.
    pub fn admits_time(&self, row: &impl WebRow) -> bool {
        let at = row.created_at_epoch();
        self.project
            .as_deref()
            .is_none_or(|project| project == row.project())
            && self
                .platform
                .as_deref()
                .is_none_or(|platform| platform == row.session().platform_source)
            && self.from.is_none_or(|from| at >= from)
            && self.until.is_none_or(|until| at <= until)
    }

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
        let many = |items: &[String]| (!items.is_empty()).then(|| Value::from(json_list(items)));
        only("o.project = ?", self.project.clone().map(Value::from));
        only(
            "o.session_db_id IN (SELECT id FROM sdk_sessions WHERE platform_source = ?)",
            self.platform.clone().map(Value::from),
        );
        only("o.created_at_epoch >= ?", self.from.map(Value::from));
        only("o.created_at_epoch <= ?", self.until.map(Value::from));
        if T::TABLE == WebObservation::TABLE {
            only("o.superseded_by IS NULL AND ?", Some(Value::from(1)));
            only(
                "o.type IN (SELECT value FROM json_each(?))",
                many(&self.kinds),
            );
            only(
                "json_valid(o.concepts) AND EXISTS (SELECT 1 FROM json_each(o.concepts) c
                     JOIN json_each(?) w ON w.value = c.value)",
                many(&self.concepts),
            );
            only(
                "EXISTS (SELECT 1 FROM json_each(?) w
                     WHERE instr(o.files_modified, w.value) OR instr(o.files_read, w.value))",
                many(&self.files),
            );
        }
        (conditions, values)
    }
}

impl Reader {
    /// Rows that meet the criteria, in order of time.
    pub fn web_find<T: WebRow>(
        &self,
        criteria: &Criteria,
        order: Order,
        limit: usize,
        offset: usize,
    ) -> Result<Vec<T>, StoreError> {
        let (conditions, mut values) = criteria.conditions::<T>();
        let direction = match order {
            Order::NewestFirst => "DESC",
            Order::OldestFirst => "ASC",
        };
        values.push(number(limit).into());
        values.push(number(offset).into());
        let sql = format!(
            "SELECT o.id FROM {} o WHERE {conditions}
             ORDER BY o.created_at_epoch {direction}, o.id {direction} LIMIT ? OFFSET ?",
            T::TABLE
        );
        self.snapshot(|| {
            let ids = self.web_ids(&sql, params_from_iter(values))?;
            self.web_rows_by_id(&ids)
        })
    }
}
