//! A memory in somebody's own words: stored together with its event, and never
//! given to an agent.

use rusqlite::{OptionalExtension as _, Transaction};
use uuid::Uuid;

use super::error::{SqlContext as _, StoreError};
use super::outcome::{NewObservation, insert_observation};
use super::reader::Reader;

/// Stores the memory of an event. The event's id becomes the row's `uid`, so
/// that whoever sent it finds the row; an id of another form stays the event's
/// alone.
pub(super) fn remember(
    tx: &Transaction<'_>,
    turn_id: i64,
    event_id: &str,
    memory: &NewObservation,
) -> Result<(), StoreError> {
    let uid = Uuid::parse_str(event_id).unwrap_or_else(|_| Uuid::now_v7());
    insert_observation(tx, turn_id, &uid.to_string(), memory, None)?;
    Ok(())
}

impl Reader {
    /// The id of an observation by its `uid`.
    pub fn observation_id(&self, uid: &str) -> Result<Option<i64>, StoreError> {
        self.connection
            .query_row("SELECT id FROM observations WHERE uid = ?1", [uid], |row| {
                row.get(0)
            })
            .optional()
            .doing("find an observation")
    }
}
