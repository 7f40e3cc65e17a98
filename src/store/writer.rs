//! The writing handle: one a worker.

use std::collections::HashMap;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};
use sockets_protocol::Locations;

use super::error::{SqlContext as _, StoreError};
use super::events::{Ingested, NewEvent, SessionIdentity, ensure_session, ingest};
use super::index;
use super::ledger::{ProviderStall, stall};
use super::migrate::migrate;
use super::open::{
    assert_sqlite_version, damaged_or_sql, open_for_writing, private_dir, set_writer_pragmas,
    wait_for_writer,
};
use super::outcome::{self, TurnOutcome};
use super::status::{StatusTotals, counters};
use super::turns::{self, BatchLimits, ClaimedTurn, GiveBack};

/// Free pages that one clean-up gives back to the disk: 8 MiB at most, so that
/// other writers never wait long for it.
const VACUUM_PAGES: u32 = 2048;

/// How long between two checks of the whole file.
const CHECK_EVERY: Duration = Duration::from_hours(24);

/// Writes the database. Every method is one short transaction that begins
/// IMMEDIATE: a transaction that reads first and writes later would fail at
/// once when another process writes in between, whatever the busy timeout.
#[derive(Debug)]
pub struct Writer {
    pub(super) connection: Connection,
    locations: Locations,
    /// Lease owner: unique to this handle.
    owner: String,
    sessions: HashMap<String, i64>,
}

/// How long processed events stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    pub age: Duration,
    pub bytes: u64,
}

impl Writer {
    /// Opens the database under `locations`, makes it where there is none, and
    /// brings its schema up to date (after an online backup).
    ///
    /// # Errors
    /// When the file belongs to another program, to the original claude-mem or
    /// to a newer version, is damaged, or cannot be written.
    pub fn open(locations: &Locations, owner: &str) -> Result<Self, StoreError> {
        assert_sqlite_version()?;
        private_dir(locations.data_dir())?;
        let mut attempt = 0;
        // While the first one of all turns a new file to WAL, SQLite refuses
        // the others without asking their busy handler.
        let connection = loop {
            match Self::connect(locations) {
                Err(error) if error.is_busy() && wait_for_writer(attempt) => attempt += 1,
                connected => break connected?,
            }
        };
        Ok(Self {
            connection,
            locations: locations.clone(),
            owner: owner.to_owned(),
            sessions: HashMap::new(),
        })
    }

    fn connect(locations: &Locations) -> Result<Connection, StoreError> {
        let path = locations.database();
        let mut connection = open_for_writing(&path)?;
        migrate(&mut connection, &path, &locations.backups_dir())?;
        set_writer_pragmas(&connection).map_err(|error| match error {
            StoreError::Sql { action, source } => damaged_or_sql(&path, action, source),
            other => other,
        })?;
        if index::is_outdated(&connection)? {
            let tx = write_tx(&mut connection)?;
            index::renew(&tx)?;
            tx.commit().doing("begin a new index")?;
        }
        Ok(connection)
    }

    /// Commits events, all in one transaction; the receipts are in their order.
    /// An event that was committed before changes nothing.
    pub fn ingest(
        &mut self,
        identity: &SessionIdentity,
        events: &[NewEvent],
    ) -> Result<Vec<Ingested>, StoreError> {
        let known = self.sessions.get(&identity.content_session_id).copied();
        let tx = write_tx(&mut self.connection)?;
        let session = match known {
            Some(id) => id,
            None => ensure_session(
                &tx,
                identity,
                events.iter().map(|event| event.at).min().unwrap_or(0),
            )?,
        };
        let receipts = events
            .iter()
            .map(|event| ingest(&tx, session, identity, event))
            .collect::<Result<_, _>>()?;
        index::catch_up(&tx, events.len())?;
        tx.commit().doing("commit the events")?;
        self.sessions
            .insert(identity.content_session_id.clone(), session);
        Ok(receipts)
    }

    /// The session's row id; the row is made where there is none.
    pub fn session(&mut self, identity: &SessionIdentity, now: i64) -> Result<i64, StoreError> {
        let tx = write_tx(&mut self.connection)?;
        let session = ensure_session(&tx, identity, now)?;
        tx.commit().doing("commit the session")?;
        self.sessions
            .insert(identity.content_session_id.clone(), session);
        Ok(session)
    }

    /// The identity of a session by Claude Code's session id.
    pub fn identity_by_content_id(
        &self,
        content_session_id: &str,
    ) -> Result<Option<SessionIdentity>, StoreError> {
        self.connection
            .query_row(
                "SELECT content_session_id, project, project_root FROM sdk_sessions
                 WHERE content_session_id = ?1",
                [content_session_id],
                identity_row,
            )
            .optional()
            .doing("find the session")
    }

    /// Leases the oldest turn of a session that is ready for the agent; with
    /// `all`, any turn with waiting events, which is thereby over.
    pub fn claim_turn(
        &mut self,
        session_db_id: i64,
        limits: BatchLimits,
        all: bool,
        now: i64,
    ) -> Result<Option<ClaimedTurn>, StoreError> {
        let tx = write_tx(&mut self.connection)?;
        let turn = turns::claim(&tx, session_db_id, &self.owner, limits, all, now)?;
        tx.commit().doing("commit the lease")?;
        Ok(turn)
    }

    /// Commits what a leased turn became. Returns the ids of the new
    /// observations.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`] when another worker took the events meanwhile;
    /// nothing is written then.
    pub fn commit_turn(
        &mut self,
        turn: &ClaimedTurn,
        outcome: &TurnOutcome,
        now: i64,
    ) -> Result<Vec<i64>, StoreError> {
        let tx = write_tx(&mut self.connection)?;
        let ids = outcome::commit(&tx, turn, &self.owner, outcome, now)?;
        index::catch_up(&tx, ids.len() + 1 + index::BACKLOG)?;
        tx.commit().doing("commit the turn")?;
        Ok(ids)
    }

    /// Brings rows into the index that no transaction of ours wrote; whether
    /// there may be more.
    pub fn index_backlog(&mut self) -> Result<bool, StoreError> {
        let tx = write_tx(&mut self.connection)?;
        let indexed = index::catch_up(&tx, index::BACKLOG)?;
        tx.commit().doing("commit index entries")?;
        Ok(indexed == index::BACKLOG)
    }

    /// Gives a leased turn back with the reason why it came to nothing.
    pub fn release_turn(
        &mut self,
        turn_id: i64,
        how: GiveBack,
        error: &str,
        now: i64,
    ) -> Result<(), StoreError> {
        let tx = write_tx(&mut self.connection)?;
        turns::release(&tx, turn_id, &self.owner, how, error, now)?;
        tx.commit().doing("commit the release")
    }

    /// Takes back what a dead worker of this session left in processing. Call
    /// it only while holding the session's lock. Events that have had
    /// `most_attempts` fail for good.
    pub fn reclaim(
        &mut self,
        session_db_id: i64,
        most_attempts: i64,
        now: i64,
    ) -> Result<usize, StoreError> {
        let tx = write_tx(&mut self.connection)?;
        let taken = turns::reclaim(&tx, session_db_id, most_attempts, now)?;
        tx.commit().doing("commit the take-back")?;
        Ok(taken)
    }

    /// Whether the session has events that wait for a turn to end.
    pub fn has_pending(&self, session_db_id: i64) -> Result<bool, StoreError> {
        self.connection
            .query_row(
                "SELECT EXISTS (SELECT 1 FROM pending_messages
                                WHERE session_db_id = ?1 AND status = 'pending')",
                [session_db_id],
                |row| row.get(0),
            )
            .doing("look at the queue")
    }

    /// Other sessions with events that wait or were left in processing, and
    /// whose last event is older than `quiet_before`: the oldest first.
    pub fn abandoned(
        &self,
        not_session: i64,
        quiet_before: i64,
        limit: usize,
    ) -> Result<Vec<SessionIdentity>, StoreError> {
        let mut statement = self
            .connection
            .prepare(
                "SELECT DISTINCT s.content_session_id, s.project, s.project_root
                 FROM pending_messages p JOIN sdk_sessions s ON s.id = p.session_db_id
                 WHERE p.status IN ('pending', 'processing') AND s.id <> ?1
                   AND s.last_event_at_epoch < ?2
                 ORDER BY s.last_event_at_epoch LIMIT ?3",
            )
            .doing("look for abandoned events")?;
        let rows = statement
            .query_map(
                params![
                    not_session,
                    quiet_before,
                    i64::try_from(limit).unwrap_or(i64::MAX)
                ],
                identity_row,
            )
            .doing("look for abandoned events")?;
        rows.collect::<Result<_, _>>()
            .doing("look for abandoned events")
    }

    /// The provider's stall, if it does not answer.
    pub fn provider_stall(&self, provider: &str) -> Result<Option<ProviderStall>, StoreError> {
        stall(&self.connection, provider)
    }

    /// The conservation equation of one session.
    pub fn counters(&self, session_db_id: i64) -> Result<StatusTotals, StoreError> {
        counters(&self.connection, Some(session_db_id))
    }

    /// Deletes processed events that are older than the retention or, the
    /// oldest first, over its size, and gives free pages back to the disk.
    /// Their counts stay.
    pub fn prune(&mut self, retention: Retention, now: i64) -> Result<usize, StoreError> {
        let age = i64::try_from(retention.age.as_millis()).unwrap_or(i64::MAX);
        let bytes = i64::try_from(retention.bytes).unwrap_or(i64::MAX);
        let tx = write_tx(&mut self.connection)?;
        let deleted = tx
            .execute(
                "DELETE FROM pending_messages WHERE id IN (
                     SELECT id FROM (
                         SELECT id, completed_at_epoch,
                                sum(bytes) OVER (ORDER BY completed_at_epoch DESC, id DESC) AS newer
                         FROM pending_messages WHERE status IN ('processed', 'skipped')
                     ) WHERE completed_at_epoch < ?1 OR newer > ?2)",
                params![now.saturating_sub(age), bytes],
            )
            .doing("delete old events")?;
        tx.commit().doing("commit the clean-up")?;
        self.connection
            .execute_batch(&format!("PRAGMA incremental_vacuum({VACUUM_PAGES})"))
            .doing("give pages back")?;
        Ok(deleted)
    }

    /// Checks the whole file, once a day at most. The result stays in the
    /// database for `status` to tell.
    pub fn check_integrity(&mut self, now: i64) -> Result<(), StoreError> {
        let last: Option<String> = self
            .connection
            .query_row(
                "SELECT value FROM meta WHERE key = 'checked_at'",
                [],
                |row| row.get(0),
            )
            .optional()
            .doing("read the last check")?;
        let due = last
            .and_then(|text| text.parse::<i64>().ok())
            .is_none_or(|at| {
                u128::try_from(now.saturating_sub(at)).unwrap_or(0) > CHECK_EVERY.as_millis()
            });
        if !due {
            return Ok(());
        }
        let path = self.locations.database();
        let verdict: String = self
            .connection
            .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
            .map_err(|source| damaged_or_sql(&path, "check the database", source))?;
        let found = if verdict == "ok" { "" } else { &verdict };
        let tx = write_tx(&mut self.connection)?;
        tx.execute(
            "INSERT INTO meta (key, value) VALUES ('checked_at', ?1), ('damage', ?2)
             ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            [&now.to_string(), found],
        )
        .doing("record the check")?;
        tx.commit().doing("commit the check")?;
        if found.is_empty() {
            return Ok(());
        }
        Err(StoreError::Damaged {
            path,
            detail: verdict,
        })
    }
}

fn identity_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<SessionIdentity> {
    Ok(SessionIdentity {
        content_session_id: row.get(0)?,
        project: row.get(1)?,
        project_root: row.get(2)?,
    })
}

/// The only way to a write transaction.
pub(super) fn write_tx(connection: &mut Connection) -> Result<Transaction<'_>, StoreError> {
    connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .doing("begin a transaction")
}

/// ISO-8601, UTC, milliseconds, of an epoch in milliseconds.
pub(super) fn iso(at: i64) -> String {
    jiff::Timestamp::from_millisecond(at)
        .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
        .strftime("%Y-%m-%dT%H:%M:%S%.3fZ")
        .to_string()
}
