//! What calls of a model cost, and whether one more may be made: the whole
//! machine shares one budget, and whoever wants to call asks here first.

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use sockets_protocol::Locations;

use super::error::{SqlContext as _, StoreError};
use super::open::{open_for_writing, set_writer_pragmas};
use super::reader::Reader;
use super::writer::write_tx;

const HOUR_MS: i64 = 3_600_000;

/// The budget's handle: it writes calls and stalls, and nothing else.
#[derive(Debug)]
pub struct Ledger {
    connection: Connection,
}

/// A call that is about to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCall {
    /// 0 where it is for no session.
    pub session_db_id: i64,
    pub prompt_number: i64,
    pub project: String,
    pub provider: String,
    pub model: String,
    /// The most that it can cost.
    pub tokens: u64,
}

/// The machine's budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallLimits {
    pub daily_tokens: u64,
    pub calls_per_hour: u64,
    /// When the user's day began and ends, in epoch milliseconds.
    pub day: (i64, i64),
}

/// The answer to a wish to call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// The row to settle when the call is over.
    Admitted(i64),
    Refused {
        limit: Limit,
        /// What has been used of it.
        used: u64,
        most: u64,
        /// When there may be room again, in epoch milliseconds.
        free_at: i64,
    },
}

/// Which limit a call would go over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    DailyTokens,
    CallsPerHour,
}

/// What a call cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CallUsage {
    pub input: u64,
    pub cache_read: u64,
    pub cache_write: u64,
    pub output: u64,
}

/// A provider that does not answer.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ProviderStall {
    pub provider: String,
    /// One of the names of the agent's reasons.
    pub reason: String,
    /// The provider's own words.
    pub detail: String,
    /// Calls in a row that failed.
    pub failures: i64,
    /// Turns that the offline extractor did meanwhile.
    pub fallbacks: i64,
    pub since_epoch: i64,
    pub retry_at_epoch: i64,
}

/// Tokens of a row: what it cost, or what it can cost as long as nobody knows.
const TOKENS: &str = "iif(outcome = 'running', reserved_tokens,
    input_tokens + cache_read_tokens + cache_write_tokens + output_tokens)";

impl Ledger {
    /// Opens the budget of a database that a worker has made.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn open(locations: &Locations) -> Result<Self, StoreError> {
        let connection = open_for_writing(&locations.database())?;
        set_writer_pragmas(&connection)?;
        Ok(Self { connection })
    }

    /// Asks for a call. Two that ask at once are answered one after the other,
    /// so the limits hold however many ask.
    pub fn reserve(
        &mut self,
        call: &NewCall,
        limits: CallLimits,
        now: i64,
    ) -> Result<Admission, StoreError> {
        let tx = write_tx(&mut self.connection)?;
        let used: i64 = tx
            .prepare_cached(&format!(
                "SELECT coalesce(sum({TOKENS}), 0) FROM usage WHERE created_at_epoch >= ?1"
            ))
            .and_then(|mut sum| sum.query_row([limits.day.0], |row| row.get(0)))
            .doing("count the day's tokens")?;
        let used = u64::try_from(used).unwrap_or(0);
        if used.saturating_add(call.tokens) > limits.daily_tokens {
            return Ok(Admission::Refused {
                limit: Limit::DailyTokens,
                used,
                most: limits.daily_tokens,
                free_at: limits.day.1,
            });
        }
        let (calls, oldest): (i64, Option<i64>) = tx
            .prepare_cached(
                "SELECT count(*), min(created_at_epoch) FROM usage WHERE created_at_epoch > ?1",
            )
            .and_then(|mut count| {
                count.query_row([now - HOUR_MS], |row| Ok((row.get(0)?, row.get(1)?)))
            })
            .doing("count the hour's calls")?;
        let calls = u64::try_from(calls).unwrap_or(0);
        if calls >= limits.calls_per_hour {
            return Ok(Admission::Refused {
                limit: Limit::CallsPerHour,
                used: calls,
                most: limits.calls_per_hour,
                free_at: oldest.unwrap_or(now).saturating_add(HOUR_MS),
            });
        }
        tx.execute(
            "INSERT INTO usage (session_db_id, prompt_number, project, provider, model, outcome,
                                reserved_tokens, created_at_epoch)
             VALUES (nullif(?1, 0), ?2, ?3, ?4, ?5, 'running', ?6, ?7)",
            params![
                call.session_db_id,
                call.prompt_number,
                call.project,
                call.provider,
                call.model,
                signed(call.tokens),
                now
            ],
        )
        .doing("reserve the tokens")?;
        let id = tx.last_insert_rowid();
        tx.commit().doing("commit the reservation")?;
        Ok(Admission::Admitted(id))
    }

    /// Notes what an admitted call came to. `usage` is `None` where nobody knows
    /// what it cost: it counts as the most that it could.
    pub fn settle(
        &mut self,
        id: i64,
        outcome: &str,
        usage: Option<CallUsage>,
        duration_ms: u64,
    ) -> Result<(), StoreError> {
        let tx = write_tx(&mut self.connection)?;
        let (usage, unknown) = (usage.unwrap_or_default(), usage.is_none());
        tx.execute(
            "UPDATE usage SET outcome = ?2, duration_ms = ?3, cache_read_tokens = ?4,
                    cache_write_tokens = ?5, output_tokens = ?6,
                    input_tokens = iif(?8, reserved_tokens, ?7), reserved_tokens = 0
             WHERE id = ?1 AND outcome = 'running'",
            params![
                id,
                outcome,
                signed(duration_ms),
                signed(usage.cache_read),
                signed(usage.cache_write),
                signed(usage.output),
                signed(usage.input),
                unknown
            ],
        )
        .doing("settle the call")?;
        tx.commit().doing("commit the settlement")
    }

    /// Notes that a provider does not answer. Returns how often in a row it has
    /// failed.
    pub fn note_stall(
        &mut self,
        provider: &str,
        reason: &str,
        detail: &str,
        now: i64,
    ) -> Result<i64, StoreError> {
        let tx = write_tx(&mut self.connection)?;
        let failures = tx
            .query_row(
                "INSERT INTO provider_stalls (provider, reason, detail, failures, since_epoch)
                 VALUES (?1, ?2, ?3, 1, ?4)
                 ON CONFLICT (provider) DO UPDATE SET reason = excluded.reason,
                     detail = excluded.detail, failures = failures + 1
                 RETURNING failures",
                params![provider, reason, detail, now],
                |row| row.get(0),
            )
            .doing("note the stall")?;
        tx.commit().doing("commit the stall")?;
        Ok(failures)
    }

    /// Notes that the offline extractor did a turn in the provider's place.
    pub fn note_fallback(
        &mut self,
        provider: &str,
        reason: &str,
        detail: &str,
        now: i64,
    ) -> Result<(), StoreError> {
        let tx = write_tx(&mut self.connection)?;
        tx.execute(
            "INSERT INTO provider_stalls (provider, reason, detail, fallbacks, since_epoch)
             VALUES (?1, ?2, ?3, 1, ?4)
             ON CONFLICT (provider) DO UPDATE SET reason = excluded.reason,
                 detail = excluded.detail, fallbacks = fallbacks + 1",
            params![provider, reason, detail, now],
        )
        .doing("note who did the turn")?;
        tx.commit().doing("commit who did the turn")
    }

    /// Calls that brought an answer about a turn, and the events that the turn
    /// has had so far.
    pub fn calls_of_turn(&self, turn_id: i64) -> Result<(i64, i64), StoreError> {
        self.connection
            .query_row(
                "SELECT (SELECT count(*) FROM usage u WHERE u.session_db_id = t.session_db_id
                             AND u.prompt_number = t.prompt_number AND u.outcome = 'ok'),
                        (SELECT count(*) FROM pending_messages p WHERE p.turn_id = t.id)
                 FROM turns t WHERE t.id = ?1",
                [turn_id],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .doing("count the turn's calls")
    }

    /// Until when every worker leaves the provider alone.
    pub fn hold(&mut self, provider: &str, retry_at: i64) -> Result<(), StoreError> {
        let tx = write_tx(&mut self.connection)?;
        tx.execute(
            "UPDATE provider_stalls SET retry_at_epoch = max(retry_at_epoch, ?2) WHERE provider = ?1",
            params![provider, retry_at],
        )
        .doing("hold the provider")?;
        tx.commit().doing("commit the hold")
    }

    /// The provider answers again.
    pub fn clear_stall(&mut self, provider: &str) -> Result<(), StoreError> {
        if self.stall(provider)?.is_none() {
            return Ok(());
        }
        let tx = write_tx(&mut self.connection)?;
        tx.execute(
            "DELETE FROM provider_stalls WHERE provider = ?1",
            [provider],
        )
        .doing("end the stall")?;
        tx.commit().doing("commit the end of the stall")
    }

    /// The provider's stall, if it does not answer.
    pub fn stall(&self, provider: &str) -> Result<Option<ProviderStall>, StoreError> {
        stall(&self.connection, provider)
    }
}

impl Reader {
    /// The provider's stall, if it does not answer.
    pub fn provider_stall(&self, provider: &str) -> Result<Option<ProviderStall>, StoreError> {
        stall(&self.connection, provider)
    }
}

pub(super) fn stall(
    connection: &Connection,
    provider: &str,
) -> Result<Option<ProviderStall>, StoreError> {
    connection
        .query_row(
            "SELECT provider, reason, detail, failures, fallbacks, since_epoch, retry_at_epoch
             FROM provider_stalls WHERE provider = ?1",
            [provider],
            stall_row,
        )
        .optional()
        .doing("read the provider's state")
}

fn stall_row(row: &Row<'_>) -> rusqlite::Result<ProviderStall> {
    Ok(ProviderStall {
        provider: row.get(0)?,
        reason: row.get(1)?,
        detail: row.get(2)?,
        failures: row.get(3)?,
        fallbacks: row.get(4)?,
        since_epoch: row.get(5)?,
        retry_at_epoch: row.get(6)?,
    })
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
