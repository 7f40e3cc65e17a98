//! A ledger with calls of today, of yesterday and of last week.

use std::time::{SystemTime, UNIX_EPOCH};

use claude_mem::store::{
    Admission, BatchLimits, CallLimits, CallUsage, Ledger, NewCall, NewEvent, NewEventKind,
    NewObservation, SessionIdentity, TurnOutcome, Writer,
};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::support::Sandbox;

pub(super) const DAY_MS: i64 = 24 * 3_600_000;
pub(super) const HAIKU: &str = "claude-haiku-4-5-20251001";

/// A sandbox where it is about noon, so that no test runs over midnight.
pub(super) struct Noon {
    pub(super) sandbox: Sandbox,
    zone: TimeZone,
    pub(super) now: i64,
}

impl Noon {
    fn new() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let now = i64::try_from(since.as_millis()).unwrap();
        let utc = Timestamp::from_millisecond(now).unwrap();
        let west = i32::from(utc.to_zoned(TimeZone::UTC).hour()) - 12;
        let rule = format!("<HERE>{west}");
        let mut sandbox = Sandbox::new();
        sandbox.set("TZ", &rule);
        Self {
            sandbox,
            zone: TimeZone::posix(&rule).unwrap(),
            now,
        }
    }

    pub(super) fn day(&self, at: i64) -> String {
        let at = Timestamp::from_millisecond(at).unwrap();
        at.to_zoned(self.zone.clone()).date().to_string()
    }

    pub(super) fn usage(&self, args: &[&str]) -> Value {
        let all = ["usage", "--json"].into_iter().chain(args.iter().copied());
        let ran = self.sandbox.claude_mem(all);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        ran.json()
    }

    pub(super) fn text(&self, args: &[&str]) -> String {
        let all = std::iter::once("usage").chain(args.iter().copied());
        self.sandbox.claude_mem(all).success()
    }
}

fn identity(session: &str, project: &str) -> SessionIdentity {
    SessionIdentity {
        content_session_id: session.to_owned(),
        project: project.to_owned(),
        project_root: String::new(),
    }
}

fn usage(input: u64, cache_read: u64, cache_write: u64, output: u64) -> CallUsage {
    CallUsage {
        input,
        cache_read,
        cache_write,
        output,
    }
}

/// One call; `None` for one that still runs.
fn call(
    noon: &Noon,
    (session, project): (i64, &str),
    (provider, model): (&str, &str),
    at: i64,
    ended: Option<(&str, CallUsage)>,
) {
    let mut ledger = Ledger::open(&noon.sandbox.locations()).unwrap();
    let new = NewCall {
        session_db_id: session,
        prompt_number: 1,
        project: project.to_owned(),
        provider: provider.to_owned(),
        model: model.to_owned(),
        tokens: 9_000,
    };
    let limits = CallLimits {
        daily_tokens: u64::MAX >> 1,
        calls_per_hour: 1000,
        day: (0, i64::MAX),
    };
    let Admission::Admitted(row) = ledger.reserve(&new, limits, at).unwrap() else {
        panic!("refused");
    };
    if let Some((outcome, usage)) = ended {
        ledger.settle(row, outcome, Some(usage), 1_500).unwrap();
    }
}

/// A turn of session `one` that haiku made observations of just now. The row of
/// the session.
pub(super) fn remember(noon: &Noon, prompt: &str, titles: &[&str]) -> i64 {
    let mut writer = Writer::open(&noon.sandbox.locations(), "test").unwrap();
    let one = identity("one", "billing");
    let event = NewEvent::new(
        prompt,
        Some(prompt),
        noon.now,
        NewEventKind::prompt("do it"),
    );
    writer.ingest(&one, &[event]).unwrap();
    let row = writer.session(&one, noon.now).unwrap();
    let limits = BatchLimits {
        events: 10,
        bytes: 1000,
        lease_ms: 1000,
    };
    let turn = writer.claim_turn(row, limits, true, noon.now);
    let observation = |title: &&str| NewObservation {
        kind: "bugfix".to_owned(),
        title: (*title).to_owned(),
        discovery_tokens: 40_000,
        at: noon.now,
        ..NewObservation::default()
    };
    let outcome = TurnOutcome {
        observations: titles.iter().map(observation).collect(),
        model: HAIKU.to_owned(),
        ..TurnOutcome::default()
    };
    let turn = turn.unwrap().unwrap();
    writer.commit_turn(&turn, &outcome, noon.now).unwrap();
    row
}

/// Calls of today, of yesterday and of last week.
pub(super) fn filled() -> Noon {
    let noon = Noon::new();
    let one = remember(&noon, "p", &["One thing", "Another"]);
    let two = Writer::open(&noon.sandbox.locations(), "test")
        .unwrap()
        .session(&identity("two", "shop"), noon.now)
        .unwrap();
    let (today, yesterday) = (noon.now - 1000, noon.now - DAY_MS);
    let haiku = ("anthropic", HAIKU);
    let big = usage(1_000_000, 2_000_000, 1_000_000, 100_000);
    call(&noon, (one, "billing"), haiku, today, Some(("ok", big)));
    let nothing = usage(0, 0, 0, 0);
    call(
        &noon,
        (one, "billing"),
        haiku,
        today,
        Some(("rate_limit", nothing)),
    );
    call(&noon, (0, ""), haiku, today, None);
    let sonnet = ("claude-cli", "claude-sonnet-4-5");
    let small = usage(1_000, 0, 0, 100);
    call(
        &noon,
        (one, "billing"),
        sonnet,
        yesterday,
        Some(("ok", small)),
    );
    let own = ("openai", "moonshine-2");
    call(
        &noon,
        (two, "shop"),
        own,
        yesterday,
        Some(("ok", usage(500, 0, 0, 50))),
    );
    let old = noon.now - 8 * DAY_MS;
    call(
        &noon,
        (two, "shop"),
        own,
        old,
        Some(("ok", usage(7, 0, 0, 7))),
    );
    noon
}
