//! A worker dies while a model thinks: nothing is lost, nothing is told twice,
//! and no batch is paid for again and again.

use nix::sys::signal::Signal;

use crate::support::{Foreground, Sandbox, wait_until};

use super::sending::{end, name, send, turn};
use super::with_anthropic;

const SESSIONS: usize = 10;
const TURNS: usize = 5;
const CALLS: usize = 8;

/// Deaths in the middle of each turn's call.
const DEATHS: usize = 2;

fn session(number: usize) -> String {
    format!("s{number}")
}

/// A worker for each session.
fn workers(sandbox: &Sandbox) -> Vec<Foreground> {
    (0..SESSIONS)
        .map(|number| Foreground::start(sandbox, &session(number), &session(number)))
        .collect()
}

fn kill(workers: Vec<Foreground>) {
    for worker in &workers {
        worker.signal(Signal::SIGKILL);
    }
    for worker in workers {
        assert_eq!(worker.wait().0, None);
    }
}

/// A worker that takes over does not know that no more is coming, and stays.
fn wait_until_done(sandbox: &Sandbox) {
    let open = "SELECT count(*) FROM pending_messages WHERE status IN ('pending', 'processing')";
    wait_until("nothing waits any more", || sandbox.count(open) == 0);
}

fn crash_world() -> (Sandbox, crate::support::fake_model::FakeModel) {
    let (mut sandbox, model) = with_anthropic();
    sandbox.set("CLAUDE_MEM_WORKER_IDLE_SECS", "60");
    sandbox.set("CLAUDE_MEM_CALLS_PER_HOUR", "100000");
    sandbox.set("CLAUDE_MEM_DAILY_TOKENS", "100000000");
    sandbox.set("CLAUDE_MEM_MAX_CONCURRENT_CALLS", SESSIONS.to_string());
    (sandbox, model)
}

#[test]
fn workers_killed_a_hundred_times_in_mid_call_lose_and_double_nothing() {
    let (sandbox, model) = crash_world();
    let (mut calls, mut deaths) = (0, 0);
    for number in 0..TURNS {
        model.hold();
        let mut running = workers(&sandbox);
        for index in 0..SESSIONS {
            let mut messages = turn(&session(index), number, CALLS);
            messages.extend((number + 1 == TURNS).then(|| end(&session(index), number)));
            send(&mut sandbox.client(&session(index)), &messages);
        }
        for _ in 0..DEATHS {
            calls += SESSIONS;
            model.wait_for_calls(calls);
            kill(running);
            deaths += SESSIONS;
            running = workers(&sandbox);
        }
        calls += SESSIONS;
        model.wait_for_calls(calls);
        model.release();
        wait_until_done(&sandbox);
        for worker in running {
            drop(worker.stop());
        }
    }
    assert_eq!(deaths, 100);
    // A batch is asked about once for each worker that had it: here the two
    // that died and the one that did not. Its limit is three.
    assert_eq!(model.calls(), SESSIONS * TURNS * (DEATHS + 1));
    sandbox.wait_for_quiet();
    sandbox.assert_all_done();
    let told = sandbox.dump(
        "SELECT value, count(*) FROM observations, json_each(facts)
         WHERE value LIKE 'event %' GROUP BY value",
    );
    assert_eq!(told.len(), SESSIONS * TURNS * CALLS);
    for index in 0..SESSIONS {
        for number in 0..TURNS {
            for event in 0..CALLS {
                let name = name(&session(index), number, event);
                let once = format!("Text(\"event {name}\") | Integer(1)");
                assert!(told.contains(&once), "{once}");
            }
        }
    }
    let (turns, events) = (SESSIONS * TURNS, SESSIONS * (TURNS * (CALLS + 2) + 1));
    let counted = |sql: &str| usize::try_from(sandbox.count(sql)).unwrap();
    assert_eq!(counted("SELECT count(*) FROM observations"), turns);
    assert_eq!(counted("SELECT count(*) FROM session_summaries"), turns);
    assert_eq!(
        counted("SELECT count(*) FROM pending_messages WHERE status = 'processed'"),
        events
    );
    sandbox.assert_sound();
}

#[test]
fn a_batch_whose_workers_all_die_is_not_asked_about_a_fourth_time() {
    let (sandbox, model) = crash_world();
    model.hold();
    let session = session(0);
    let worker = Foreground::start(&sandbox, &session, &session);
    let mut messages = turn(&session, 0, CALLS);
    messages.push(end(&session, 0));
    send(&mut sandbox.client(&session), &messages);
    let mut running = Some(worker);
    for deaths in 1..=3 {
        model.wait_for_calls(deaths);
        kill(running.take().into_iter().collect());
        running = Some(Foreground::start(&sandbox, &session, &session));
    }
    wait_until_done(&sandbox);
    drop(running.map(Foreground::stop));
    assert_eq!(model.calls(), 3);
    assert_eq!(
        sandbox.count("SELECT count(*) FROM session_summaries WHERE generated_by_model = 'local'"),
        1
    );
    sandbox.assert_all_done();
    // The calls whose end nobody saw count as the most that they can have cost.
    let dead = "SELECT count(*) FROM usage WHERE outcome = 'running' AND reserved_tokens > 4096";
    assert_eq!(sandbox.count(dead), 3);
    model.release();
}
