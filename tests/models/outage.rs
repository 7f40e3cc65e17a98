//! What the tests of failures share: turns whose events can be told apart, and
//! what is to hold of a memory while its model fails.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::fake_model::FakeModel;
use crate::support::{Sandbox, Talk, wait_until};

use super::{with_anthropic, with_openai};

/// What makes a world.
pub(super) type World = fn() -> (Sandbox, FakeModel);

/// The name of the dialect, its world, and its place in pairs of words.
pub(super) const DIALECTS: [(&str, World, usize); 2] =
    [("anthropic", with_anthropic, 0), ("openai", with_openai, 1)];

/// The first repetition comes so long after a failure that somebody has to cure,
/// with the shortest setting: fifteen times the ten milliseconds.
pub(super) const FIRST_WAIT: Duration = Duration::from_millis(150);

/// The name of a turn's event, as the model's answers have it.
pub(super) fn event(turn: &str, number: usize) -> String {
    format!("event-{turn}-{number}.md")
}

/// A turn of two calls, which both extractors make something of.
pub(super) fn turn(talk: &Talk, name: &str) -> Vec<Value> {
    let read = event(name, 1);
    let path = format!("{}/docs/decisions/{}", talk.cwd, event(name, 2));
    vec![
        talk.prompt(name, "Where are invoices to be kept? Write a decision record."),
        talk.bash(
            name,
            &format!("{name}-1"),
            &format!("cat docs/{read}"),
            "Invoices are read by one process.\n",
        ),
        talk.write(
            name,
            &format!("{name}-2"),
            &path,
            "# Invoices are kept in SQLite\n\nStatus: accepted\n\nOne process reads them, and they must survive a restart.\n",
        ),
        talk.stop(
            name,
            "Decision: keep invoices in SQLite, because one process reads them and they must survive a restart.",
        ),
    ]
}

/// A fresh session of the sandbox's project.
pub(super) fn talk(sandbox: &Sandbox, session: &str) -> Talk {
    Talk::new(session, &sandbox.project)
}

/// What `claude-mem status` says, and that its equation holds. The exit code
/// says whether something is stalled.
pub(super) fn status(sandbox: &Sandbox) -> Value {
    let ran = sandbox.claude_mem(["status", "--json"]);
    let status = ran.json();
    let part = |name: &str| status["capture"][name].as_i64().unwrap();
    assert_eq!(
        part("captured"),
        ["processed", "skipped", "pending", "processing", "failed"]
            .map(part)
            .iter()
            .sum::<i64>(),
        "{status}"
    );
    let stalled = status["stalled"].as_bool().unwrap();
    assert_eq!(ran.code, Some(i32::from(stalled)), "{status}");
    status
}

/// Asserts that `status` and the start of a session tell the cause and what to
/// do, the session in one line that stays the same.
#[track_caller]
pub(super) fn assert_stalled(sandbox: &Sandbox, reason: &str, words: &str, action: &str) {
    let status = status(sandbox);
    let cause = status["stall_reason"].as_str().unwrap_or_default();
    let to_do = status["stall_action"].as_str().unwrap_or_default();
    assert!(cause.contains(&format!("({reason}: ")), "{status}");
    assert!(cause.contains(words), "{words:?} is not in {status}");
    assert!(to_do.contains(action), "{action:?} is not in {status}");
    let lines = stall_lines(sandbox, "next");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains(cause.trim_end_matches('.')), "{lines:?}");
    assert!(lines[0].contains(to_do.trim_end_matches('.')), "{lines:?}");
    assert_eq!(lines, stall_lines(sandbox, "next-but-one"));
}

/// Asserts that nothing is said of a failure any more.
#[track_caller]
pub(super) fn assert_well(sandbox: &Sandbox) {
    let status = status(sandbox);
    assert_eq!(status["stalled"], false, "{status}");
    assert_eq!(stall_lines(sandbox, "after"), Vec::<String>::new());
}

fn stall_lines(sandbox: &Sandbox, session: &str) -> Vec<String> {
    sandbox
        .told(&talk(sandbox, session), "startup")
        .lines()
        .filter(|line| line.starts_with("claude-mem is not keeping memory"))
        .map(str::to_owned)
        .collect()
}

/// Waits until a turn is back in the queue because of this failure.
#[track_caller]
pub(super) fn wait_for_return(sandbox: &Sandbox, reason: &str) {
    wait_until("the turn waits in the queue", || {
        counted(
            sandbox,
            &format!(
                "SELECT count(*) FROM pending_messages
                 WHERE status = 'pending' AND last_error LIKE '{reason}: %'"
            ),
        ) > 0
    });
}

/// Turns, or parts of turns, that were done without the model.
pub(super) fn turns_without_model(sandbox: &Sandbox) -> i64 {
    counted(
        sandbox,
        "SELECT count(*) FROM turns WHERE fallback_reason IS NOT NULL",
    )
}

/// One number from a database that may not be there yet.
pub(super) fn counted(sandbox: &Sandbox, sql: &str) -> i64 {
    let path = sandbox.locations().database();
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    rusqlite::Connection::open_with_flags(path, flags)
        .and_then(|database| database.query_row(sql, [], |row| row.get(0)))
        .unwrap_or(0)
}

/// Asserts that the events of the turns wait and have lost nothing by it.
#[track_caller]
pub(super) fn assert_untouched(sandbox: &Sandbox, words: &str) {
    let touched = sandbox.dump(
        "SELECT event_id, status, retry_count FROM pending_messages
         WHERE message_type <> 'prompt'
           AND (status NOT IN ('pending', 'processing')
                OR retry_count > (status = 'processing'))",
    );
    assert_eq!(touched, Vec::<String>::new());
    let words = words.replace('\'', "''");
    let told =
        format!("SELECT count(*) FROM pending_messages WHERE instr(last_error, '{words}') > 0");
    assert!(
        sandbox.count(&told) > 0,
        "{words:?}: {}",
        sandbox.worker_log()
    );
    for made in [
        "SELECT count(*) FROM observations",
        "SELECT count(*) FROM session_summaries",
        "SELECT count(*) FROM turns WHERE fallback_reason IS NOT NULL",
    ] {
        assert_eq!(sandbox.count(made), 0, "{made}");
    }
}

/// Waits until no event waits any more.
#[track_caller]
pub(super) fn wait_until_drained(sandbox: &Sandbox) {
    wait_until("every event is done", || {
        sandbox.spooled() == 0
            && sandbox.count(
                "SELECT count(*) FROM pending_messages WHERE status IN ('pending', 'processing')",
            ) == 0
    });
}

/// Asserts that a model has told each of these events, and each once.
#[track_caller]
pub(super) fn assert_told_once<'a>(sandbox: &Sandbox, events: impl IntoIterator<Item = &'a str>) {
    for event in events {
        let told = format!(
            "SELECT count(*) FROM observations
             WHERE superseded_by IS NULL AND generated_by_model <> 'local'
               AND instr(facts, '\"event {event}\"') > 0"
        );
        assert_eq!(sandbox.count(&told), 1, "{event}: {}", sandbox.worker_log());
    }
}

/// Asserts that a model has told the turns, and nothing of them twice.
#[track_caller]
pub(super) fn assert_turns_told(sandbox: &Sandbox, turns: &[&str]) {
    for name in turns {
        let events = [event(name, 1), event(name, 2)];
        assert_told_once(sandbox, events.iter().map(String::as_str));
    }
    sandbox.assert_all_done();
    sandbox.assert_sound();
}

/// Asserts that no more calls came than a backoff allows that begins with
/// `first` and is four times as long each time, `at_once` of them at one time.
/// The longest that it can have lasted is counted, so a slow machine does no
/// harm.
#[track_caller]
pub(super) fn assert_few_calls(model: &FakeModel, began: Instant, first: Duration, at_once: usize) {
    let calls = model.calls();
    let most = at_once * steps(began.elapsed(), first);
    assert!(calls <= most, "{calls} calls, where {most} are allowed");
}

/// Attempts that fit into a time: each wait may be a quarter shorter.
pub(super) fn steps(elapsed: Duration, first: Duration) -> usize {
    let mut wait = first * 3 / 4;
    let mut at = wait;
    let mut steps = 1;
    while at <= elapsed {
        steps += 1;
        wait *= 4;
        at += wait;
    }
    steps
}
