use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::store::Writer;

const DAY: (i64, i64) = (1_000_000, 87_400_000);

struct World {
    _root: tempfile::TempDir,
    locations: Locations,
}

impl World {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let locations = Locations::new(root.path().join("data"));
        drop(Writer::open(&locations, "w").unwrap());
        Self {
            _root: root,
            locations,
        }
    }

    fn ledger(&self) -> Ledger {
        Ledger::open(&self.locations).unwrap()
    }
}

fn call(tokens: u64) -> NewCall {
    NewCall {
        session_db_id: 0,
        prompt_number: 1,
        project: "billing".to_owned(),
        provider: "anthropic".to_owned(),
        model: "m".to_owned(),
        tokens,
    }
}

fn limits(daily_tokens: u64, calls_per_hour: u64) -> CallLimits {
    CallLimits {
        daily_tokens,
        calls_per_hour,
        day: DAY,
    }
}

fn admitted(admission: Admission) -> i64 {
    match admission {
        Admission::Admitted(row) => row,
        refused @ Admission::Refused { .. } => panic!("{refused:?}"),
    }
}

#[test]
fn a_call_counts_as_the_most_it_can_cost_until_it_is_settled() {
    let world = World::new();
    let mut ledger = world.ledger();
    let now = DAY.0 + 5;
    let row = admitted(ledger.reserve(&call(60), limits(100, 9), now).unwrap());
    let refused = ledger.reserve(&call(50), limits(100, 9), now).unwrap();
    assert_eq!(
        refused,
        Admission::Refused {
            limit: Limit::DailyTokens,
            used: 60,
            most: 100,
            free_at: DAY.1,
        }
    );
    let usage = CallUsage {
        input: 10,
        cache_read: 5,
        cache_write: 4,
        output: 1,
    };
    ledger.settle(row, "ok", Some(usage), 7).unwrap();
    let next = admitted(ledger.reserve(&call(80), limits(100, 9), now).unwrap());
    // What it cost is not known, so it stays the most.
    ledger.settle(next, "timeout", None, 7).unwrap();
    let refused = ledger.reserve(&call(1), limits(100, 9), now).unwrap();
    assert!(matches!(refused, Admission::Refused { used: 100, .. }));
}

#[test]
fn a_call_that_was_never_settled_stays_paid_for_and_is_settled_only_once() {
    let world = World::new();
    let row = {
        let mut ledger = world.ledger();
        admitted(ledger.reserve(&call(90), limits(100, 9), DAY.0).unwrap())
    };
    let mut ledger = world.ledger();
    let refused = ledger.reserve(&call(11), limits(100, 9), DAY.0).unwrap();
    assert!(matches!(refused, Admission::Refused { used: 90, .. }));
    ledger
        .settle(row, "ok", Some(CallUsage::default()), 1)
        .unwrap();
    let more = CallUsage {
        input: 99,
        ..CallUsage::default()
    };
    ledger.settle(row, "ok", Some(more), 1).unwrap();
    admitted(ledger.reserve(&call(100), limits(100, 9), DAY.0).unwrap());
}

#[test]
fn a_new_day_and_a_new_hour_begin_with_nothing_used() {
    let world = World::new();
    let mut ledger = world.ledger();
    let evening = DAY.1 - 10;
    admitted(ledger.reserve(&call(100), limits(100, 1), evening).unwrap());
    let morning = CallLimits {
        day: (DAY.1, DAY.1 + 86_400_000),
        ..limits(100, 1)
    };
    // The day is new, the hour is not.
    assert_eq!(
        ledger.reserve(&call(100), morning, DAY.1 + 1).unwrap(),
        Admission::Refused {
            limit: Limit::CallsPerHour,
            used: 1,
            most: 1,
            free_at: evening + HOUR_MS,
        }
    );
    admitted(
        ledger
            .reserve(&call(100), morning, evening + HOUR_MS)
            .unwrap(),
    );
}

#[test]
fn however_many_ask_at_once_the_budget_holds_to_the_token() {
    let world = World::new();
    let granted = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (world, granted) = (&world, &granted);
            scope.spawn(move || {
                let mut ledger = world.ledger();
                for turn in 0..20 {
                    let tokens = 37 + (thread * 20 + turn) % 11;
                    let asked = ledger.reserve(&call(tokens), limits(2_000, 1000), DAY.0);
                    if matches!(asked.unwrap(), Admission::Admitted(_)) {
                        granted.fetch_add(tokens, Ordering::SeqCst);
                    }
                }
            });
        }
    });
    let granted = granted.into_inner();
    assert!(granted <= 2_000 && granted > 2_000 - 48, "{granted}");
}

#[test]
fn a_stall_grows_until_the_provider_answers() {
    let world = World::new();
    let mut ledger = world.ledger();
    assert_eq!(ledger.stall("anthropic").unwrap(), None);
    assert_eq!(
        ledger
            .note_stall("anthropic", "auth", "who are you", 5)
            .unwrap(),
        1
    );
    assert_eq!(
        ledger
            .note_stall("anthropic", "quota", "no more", 9)
            .unwrap(),
        2
    );
    ledger.hold("anthropic", 70).unwrap();
    ledger.hold("anthropic", 60).unwrap();
    ledger
        .note_fallback("anthropic", "quota", "no more", 10)
        .unwrap();
    let stall = Reader::open(&world.locations.database())
        .unwrap()
        .unwrap()
        .provider_stall("anthropic")
        .unwrap()
        .unwrap();
    assert_eq!(
        (stall.reason.as_str(), stall.detail.as_str()),
        ("quota", "no more")
    );
    assert_eq!((stall.failures, stall.fallbacks), (2, 1));
    assert_eq!((stall.since_epoch, stall.retry_at_epoch), (5, 70));
    assert_eq!(ledger.stall("openai").unwrap(), None);
    ledger.clear_stall("anthropic").unwrap();
    ledger.clear_stall("anthropic").unwrap();
    assert_eq!(ledger.stall("anthropic").unwrap(), None);
}
