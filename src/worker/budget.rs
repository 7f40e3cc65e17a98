//! The machine's budget around a provider: no call is made before a slot is
//! free, the ledger has room for the most that it can cost, and the provider is
//! not known to be out of order.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use capture::privacy::scrub;
use capture::settings::{Key, Settings, create_private_dir};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use sockets_protocol::Locations;

use crate::agent::model::{Asking, Failure, Provider, Reason, Reply, Request};
use crate::store::{
    Admission, CallLimits, CallUsage, Ledger, Limit, NewCall, ProviderStall, StoreError,
};

use super::now;

/// How long a call waits for others to end before it gives its events back.
const WAIT_FOR_SLOT: Duration = Duration::from_mins(15);

/// Pause between two looks for a free slot, at most.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Longest time between two attempts at a provider that does not answer.
const LONGEST_WAIT: Duration = Duration::from_mins(5);

/// The same where the provider itself said when to come back.
const LONGEST_ASKED_WAIT: Duration = Duration::from_mins(15);

/// Somebody has to act, which takes a while: such failures wait this many times
/// longer before the next attempt.
const WAITING_FACTOR: u32 = 15;

/// How soon a budget that is used up is looked at again: its owner may have
/// raised it.
const BUDGET_LOOK: Duration = Duration::from_mins(1);

/// A provider within the budget. What it is asked is for one turn.
#[derive(Debug)]
pub(super) struct Metered<'a> {
    pub(super) inner: &'a dyn Provider,
    pub(super) budget: &'a Budget,
    pub(super) project: &'a str,
    pub(super) session_db_id: i64,
    pub(super) prompt_number: i64,
}

/// The budget as the settings have it.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    locations: Locations,
    daily_tokens: u64,
    calls_per_hour: u64,
    slots: u64,
    timeout: Duration,
    retry_base: Duration,
}

impl Budget {
    pub(super) fn new(settings: &Settings, locations: &Locations) -> Self {
        Self {
            locations: locations.clone(),
            daily_tokens: settings.number(Key::DailyTokens),
            calls_per_hour: settings.number(Key::CallsPerHour),
            slots: settings.number(Key::MaxConcurrentCalls),
            timeout: Duration::from_secs(settings.number(Key::CallTimeoutSecs)),
            retry_base: Duration::from_millis(settings.number(Key::RetryBaseMs)),
        }
    }

    /// How long the provider is to be left alone, and why.
    pub(super) fn held(&self, provider: &str) -> Option<Failure> {
        let stall = Ledger::open(&self.locations).and_then(|ledger| ledger.stall(provider));
        let stall = stall.ok()??;
        if stall.reason == Reason::Budget.as_str() && !self.refuses_with(&stall.detail) {
            return None;
        }
        let left = u64::try_from(stall.retry_at_epoch.saturating_sub(now())).ok()?;
        let reason = Reason::parse(&stall.reason).unwrap_or(Reason::Overloaded);
        (left > 0).then(|| {
            Failure::new(reason, &stall.detail)
                .retry_after(Some(Duration::from_millis(left)))
                .untried()
        })
    }

    /// Whether the words are of a limit that still holds: its owner may have
    /// raised it.
    fn refuses_with(&self, words: &str) -> bool {
        [Limit::DailyTokens, Limit::CallsPerHour]
            .into_iter()
            .any(|limit| self.refusal(limit) == words)
    }

    fn refusal(&self, limit: Limit) -> String {
        match limit {
            Limit::DailyTokens => {
                format!("the {} tokens of the day are used up", self.daily_tokens)
            }
            Limit::CallsPerHour => {
                format!("the {} calls of the hour are used up", self.calls_per_hour)
            }
        }
    }

    /// The pause before another attempt at a batch that has had `attempts`.
    pub(super) fn pause_after(&self, attempts: u32) -> Duration {
        backoff(attempts, self.retry_base)
    }

    /// Notes that the offline extractor stood in.
    pub(super) fn note_fallback(&self, provider: &str, failure: &Failure) {
        let detail = scrub(&failure.detail);
        let noted = Ledger::open(&self.locations).and_then(|mut ledger| {
            ledger.note_fallback(provider, failure.reason.as_str(), &detail, now())
        });
        warn_of(noted, "note who did the turn");
    }

    /// Calls that a turn has had and events that it has; `None` where the ledger
    /// cannot be read.
    pub(super) fn calls_of_turn(&self, turn_id: i64) -> Option<(i64, i64)> {
        let ledger = Ledger::open(&self.locations).ok()?;
        ledger.calls_of_turn(turn_id).ok()
    }

    fn limits(&self) -> CallLimits {
        CallLimits {
            daily_tokens: self.daily_tokens,
            calls_per_hour: self.calls_per_hour,
            day: day_of(Timestamp::now(), &TimeZone::system()),
        }
    }

    async fn slot(&self) -> Result<File, Failure> {
        let directory = self.locations.data_dir().join("slots");
        let give_up = Instant::now() + WAIT_FOR_SLOT;
        let mut looks: u64 = 0;
        loop {
            match free_slot(&directory, self.slots) {
                Ok(Some(slot)) => return Ok(slot),
                Ok(None) if Instant::now() < give_up => {}
                Ok(None) => {
                    return Err(Failure::new(
                        Reason::Budget,
                        "no call could be made: too many others were under way all the time",
                    )
                    .untried());
                }
                Err(error) => {
                    let words =
                        format!("failed to lock a slot in {}: {error}", directory.display());
                    return Err(Failure::new(Reason::Budget, &words).untried());
                }
            }
            // Not in step with others that wait.
            looks += 1;
            let uneven = (u64::from(std::process::id()) * 31 + looks * 17) % 50;
            tokio::time::sleep(LOOK_EVERY / 2 + Duration::from_millis(uneven / 2)).await;
        }
    }
}

/// The pause after so many failures in a row: four times as long each time, a
/// quarter more or less.
fn backoff(failures: u32, base: Duration) -> Duration {
    let wait = base.saturating_mul(4_u32.saturating_pow(failures.saturating_sub(1)));
    let uneven = 75 + now().unsigned_abs().wrapping_mul(7_919) % 50;
    (wait / 100)
        .saturating_mul(u32::try_from(uneven).unwrap_or(100))
        .min(LONGEST_WAIT)
}

/// The kernel lets go of a slot when its process dies.
fn free_slot(directory: &Path, slots: u64) -> std::io::Result<Option<File>> {
    create_private_dir(directory)?;
    for number in 0..slots {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(slot_path(directory, number))?;
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(std::fs::TryLockError::WouldBlock) => {}
            Err(std::fs::TryLockError::Error(error)) => return Err(error),
        }
    }
    Ok(None)
}

fn slot_path(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("call-{number}.lock"))
}

/// The user's local day around a moment, in epoch milliseconds.
fn day_of(moment: Timestamp, zone: &TimeZone) -> (i64, i64) {
    let here = moment.to_zoned(zone.clone());
    let began = here.start_of_day().unwrap_or_else(|_| here.clone());
    let ends = here
        .tomorrow()
        .and_then(|next| next.start_of_day())
        .unwrap_or(here);
    (
        began.timestamp().as_millisecond(),
        ends.timestamp().as_millisecond(),
    )
}

impl Provider for Metered<'_> {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn overhead_tokens(&self) -> u32 {
        self.inner.overhead_tokens()
    }

    fn most_tokens(&self, request: &Request) -> u64 {
        self.inner.most_tokens(request)
    }

    fn ask<'b>(&'b self, request: &'b Request) -> Asking<'b> {
        Box::pin(self.ask_within_budget(request))
    }
}

impl Metered<'_> {
    async fn ask_within_budget(&self, request: &Request) -> Result<Reply, Failure> {
        let _slot = self.budget.slot().await?;
        // Others may have found out meanwhile.
        if let Some(failure) = self.budget.held(self.name()) {
            return Err(failure);
        }
        let row = self.reserve(request)?;
        let began = Instant::now();
        let answer = tokio::time::timeout(self.budget.timeout, self.inner.ask(request)).await;
        let answer = answer.unwrap_or_else(|_| {
            let words = format!("no answer within {} s", self.budget.timeout.as_secs());
            Err(Failure::new(Reason::Timeout, &words))
        });
        self.settle(row, &answer, began.elapsed());
        // While the slot is held: whoever has it next knows.
        answer.map_err(|failure| self.note(failure))
    }

    fn reserve(&self, request: &Request) -> Result<i64, Failure> {
        let call = NewCall {
            session_db_id: self.session_db_id,
            prompt_number: self.prompt_number,
            project: self.project.to_owned(),
            provider: self.name().to_owned(),
            model: request.model.clone(),
            tokens: self.inner.most_tokens(request),
        };
        let admission = Ledger::open(&self.budget.locations)
            .and_then(|mut ledger| ledger.reserve(&call, self.budget.limits(), now()));
        match admission {
            Ok(Admission::Admitted(row)) => Ok(row),
            Ok(Admission::Refused { limit, free_at, .. }) => {
                let words = self.budget.refusal(limit);
                let until = u64::try_from(free_at.saturating_sub(now())).unwrap_or(0);
                let failure = Failure::new(Reason::Budget, &words)
                    .retry_after(Some(Duration::from_millis(until).min(BUDGET_LOOK)));
                Err(self.note(failure).untried())
            }
            Err(error) => {
                let words = format!("failed to ask the budget: {error}");
                Err(Failure::new(Reason::Budget, &words)
                    .retry_after(Some(BUDGET_LOOK))
                    .untried())
            }
        }
    }

    fn settle(&self, row: i64, answer: &Result<Reply, Failure>, took: Duration) {
        let (outcome, usage) = match answer {
            Ok(reply) if reply.truncated => (Reason::Truncated.as_str(), Some(reply.usage)),
            Ok(reply) => ("ok", Some(reply.usage)),
            Err(failure) => {
                let usage = (!failure.has_unknown_cost()).then_some(failure.usage);
                (failure.reason.as_str(), usage)
            }
        };
        let usage = usage.map(|usage| CallUsage {
            input: usage.input,
            cache_read: usage.cache_read,
            cache_write: usage.cache_write,
            output: usage.output,
        });
        let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let settled = Ledger::open(&self.budget.locations)
            .and_then(|mut ledger| ledger.settle(row, outcome, usage, millis));
        warn_of(settled, "settle a call");
    }

    /// Notes that the provider gives answers that can be used.
    pub(super) fn answered(&self) {
        let of_budget = |stall: &ProviderStall| {
            stall.reason == Reason::Budget.as_str()
                && stall.retry_at_epoch > now()
                && self.budget.refuses_with(&stall.detail)
        };
        let cleared = Ledger::open(&self.budget.locations).and_then(|mut ledger| {
            // That the budget ran out while this call was under way is as true
            // as before.
            if ledger.stall(self.name())?.as_ref().is_some_and(of_budget) {
                return Ok(());
            }
            ledger.clear_stall(self.name())
        });
        warn_of(cleared, "note that a provider answers");
    }

    /// The same as [`Self::note`] for an answer that turned out to be none. A
    /// failure that says when to come back has been noted.
    pub(super) fn noted(&self, failure: Failure) -> Failure {
        if failure.retry_after.is_some() {
            return failure;
        }
        self.note(failure)
    }

    /// Has every worker leave a provider alone that cannot answer for now.
    fn note(&self, mut failure: Failure) -> Failure {
        failure.detail = scrub(&failure.detail).into_owned();
        if failure.reason.is_about_the_batch() {
            return failure;
        }
        let noted = Ledger::open(&self.budget.locations).and_then(|mut ledger| {
            let reason = failure.reason.as_str();
            let failures = ledger.note_stall(self.name(), reason, &failure.detail, now())?;
            let wait = self.wait_after(&failure, u32::try_from(failures).unwrap_or(u32::MAX));
            let millis = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
            ledger.hold(self.name(), now().saturating_add(millis))?;
            Ok(wait)
        });
        failure.retry_after = match noted {
            Ok(wait) => Some(wait),
            Err(error) => {
                tracing::warn!(
                    "failed to note that {} does not answer: {error}",
                    self.name()
                );
                Some(self.wait_after(&failure, 1))
            }
        };
        failure
    }

    fn wait_after(&self, failure: &Failure, failures: u32) -> Duration {
        let base = if failure.reason.waits() {
            self.budget.retry_base * WAITING_FACTOR
        } else {
            self.budget.retry_base
        };
        match failure.retry_after {
            Some(asked) => asked.min(LONGEST_ASKED_WAIT),
            None => backoff(failures, base),
        }
    }
}

fn warn_of(result: Result<(), StoreError>, what: &str) {
    if let Err(error) = result {
        tracing::warn!("failed to {what}: {error}");
    }
}
