//! What is more than one failed call: an event that no model can read, a worker
//! that dies while it waits, a budget that is used up, an outage for everyone.

use std::time::Instant;

use nix::sys::signal::{Signal, kill};
use serde_json::Value;

use crate::support::fake_model::{FakeModel, Fault, RetryAfter};
use crate::support::{Sandbox, Talk, wait_until};

use super::outage::{
    FIRST_WAIT, assert_few_calls, assert_stalled, assert_told_once, assert_turns_told,
    assert_untouched, assert_well, counted, event, steps, talk, turn, turns_without_model,
    wait_for_return, wait_until_drained,
};
use super::{with_anthropic, with_openai};

/// What the model of these tests cannot read.
const POISON: &str = "POISON";

/// A turn of twenty calls; the output of the given ones has the poison in it.
fn long_turn(talk: &Talk, poisoned: &[usize]) -> Vec<Value> {
    let call = |number: usize| {
        let name = event("long", number);
        let poison = if poisoned.contains(&number) {
            POISON
        } else {
            ""
        };
        talk.bash(
            "long",
            &name,
            &format!("cat docs/{name}"),
            &format!("Chapter {number} is about invoices {poison}\n"),
        )
    };
    let mut payloads = vec![talk.prompt("long", "Read every chapter about invoices.")];
    payloads.extend((0..20).map(call));
    payloads.push(talk.stop(
        "long",
        "All twenty chapters are about invoices, and none of them says how they are rounded.",
    ));
    payloads
}

/// Plays the long turn with poison in it, and another one after it.
fn poisoned(world: fn() -> (Sandbox, FakeModel), poisoned: &[usize]) -> (Sandbox, FakeModel) {
    let (sandbox, model) = world();
    model.fault_when(|text| text.contains(POISON), Fault::Malformed);
    let first = talk(&sandbox, "first");
    sandbox.play(&long_turn(&first, poisoned));
    wait_until("the turn is done", || turns_without_model(&sandbox) == 1);
    sandbox.play(&turn(&first, "b"));
    sandbox.wait_for_quiet();
    sandbox.assert_all_done();
    let marked = sandbox.dump("SELECT prompt_number FROM turns WHERE fallback_reason IS NOT NULL");
    assert_eq!(marked, ["Integer(1)"]);
    assert_turns_told(&sandbox, &["b"]);
    (sandbox, model)
}

#[test]
fn one_event_that_no_model_can_read_does_not_sink_the_others() {
    for world in [with_anthropic, with_openai] {
        let (sandbox, model) = poisoned(world, &[13]);
        let others: Vec<String> = (0..20)
            .filter(|number| *number != 13)
            .map(|number| event("long", number))
            .collect();
        assert_told_once(&sandbox, others.iter().map(String::as_str));
        // Three times the whole; halves of 20, 10, 5 and 3 or 2 events; and the
        // turn after.
        let calls = model.calls() - 1;
        assert!((3 + 2 * 4..=3 + 2 * 5).contains(&calls), "{calls}");
        assert_well(&sandbox);
    }
}

#[test]
fn where_both_halves_cannot_be_read_the_turn_is_done_without_the_model() {
    for world in [with_anthropic, with_openai] {
        let (sandbox, model) = poisoned(world, &[4, 13]);
        assert_eq!(model.calls() - 1, 3 + 2);
        let local = "SELECT count(*) FROM observations
                     WHERE prompt_number = 1 AND generated_by_model <> 'local'";
        assert_eq!(sandbox.count(local), 0);
        assert_well(&sandbox);
    }
}

#[test]
fn the_worker_of_another_session_does_what_waits() {
    let (sandbox, model) = with_anthropic();
    model.set_fault(Some(Fault::Auth));
    sandbox.play(&turn(&talk(&sandbox, "first"), "a"));
    wait_for_return(&sandbox, "auth");
    kill(sandbox.worker_pid("first"), Signal::SIGTERM).unwrap();
    sandbox.wait_for_quiet();
    assert_untouched(&sandbox, "invalid x-api-key");
    assert_stalled(&sandbox, "auth", "invalid x-api-key", "check the key");
    model.clear_faults();
    // What is adopted has been quiet for as long as a worker waits.
    wait_until("the first session counts as left", || {
        sandbox.count(
            "SELECT count(*) FROM pending_messages WHERE status = 'pending'
             AND created_at_epoch > (unixepoch('subsec') * 1000) - 1000",
        ) == 0
    });
    sandbox.play(&turn(&talk(&sandbox, "second"), "b"));
    wait_until_drained(&sandbox);
    sandbox.wait_for_quiet();
    assert_well(&sandbox);
    assert_turns_told(&sandbox, &["a", "b"]);
}

/// It would wait for longer than a worker stays, and must neither stay for ever
/// nor come and go by itself.
#[test]
fn a_worker_does_not_stay_for_a_model_that_is_away_for_long() {
    let (sandbox, model) = with_anthropic();
    model.set_fault(Some(Fault::RateLimit {
        retry_after: Some(RetryAfter::Seconds(3600)),
    }));
    let first = talk(&sandbox, "first");
    sandbox.play(&turn(&first, "a"));
    sandbox.wait_for_quiet();
    assert_eq!(model.calls(), 1);
    assert!(sandbox.count("SELECT count(*) FROM pending_messages WHERE status = 'pending'") > 0);
    let began = sandbox.worker_log().matches("listening").count();
    assert!(began <= 6, "{}", sandbox.worker_log());
    // What comes meanwhile is captured, and asks for nothing.
    sandbox.play(&turn(&first, "b"));
    sandbox.wait_for_quiet();
    assert_eq!(model.calls(), 1);
    assert_eq!(sandbox.spooled(), 0);
    sandbox.assert_sound();
}

#[test]
fn a_worker_that_is_told_to_end_gives_a_call_that_hangs_back() {
    let (sandbox, model) = with_anthropic();
    model.set_fault(Some(Fault::Hang));
    let first = talk(&sandbox, "first");
    sandbox.play(&turn(&first, "a"));
    model.wait_for_calls(1);
    kill(sandbox.worker_pid("first"), Signal::SIGTERM).unwrap();
    // The call may take two minutes; the worker does not.
    sandbox.wait_for_quiet();
    assert_untouched(&sandbox, "the worker was told to end");
    wait_until("the call was given up", || model.in_flight() == 0);
    model.clear_faults();
    sandbox.play(&[first.end("a")]);
    wait_until_drained(&sandbox);
    sandbox.wait_for_quiet();
    assert_eq!(model.calls(), 2);
    assert_well(&sandbox);
    assert_turns_told(&sandbox, &["a"]);
}

#[test]
fn a_turn_over_which_three_workers_died_is_done_without_the_model() {
    let (sandbox, model) = with_anthropic();
    model.hold();
    let first = talk(&sandbox, "first");
    sandbox.play(&turn(&first, "a"));
    for died in 1..=3 {
        model.wait_for_calls(died);
        kill(sandbox.worker_pid("first"), Signal::SIGKILL).unwrap();
        sandbox.wait_for_quiet();
        sandbox.assert_sound();
        assert_eq!(
            sandbox.count("SELECT count(*) FROM pending_messages WHERE status = 'processing'"),
            4
        );
        if died == 3 {
            model.release();
        }
        // Not before a while after a crash does a hook start another worker.
        let mut tries = 0;
        wait_until("another worker is there", || {
            tries += 1;
            let late = format!("late-{died}-{tries}");
            sandbox.play(&[first.prompt(&late, "Go on.")]);
            sandbox.workers_started() > died
        });
    }
    sandbox.play(&[first.end("late")]);
    wait_until_drained(&sandbox);
    sandbox.wait_for_quiet();
    assert_eq!(model.calls(), 3);
    let why = sandbox.dump("SELECT fallback_reason FROM turns WHERE fallback_reason IS NOT NULL");
    assert_eq!(why.len(), 1, "{why:?}");
    assert!(why[0].contains("the worker died"), "{why:?}");
    assert!(sandbox.count("SELECT count(*) FROM observations") > 0);
    sandbox.assert_all_done();
    sandbox.assert_sound();
}

#[test]
fn a_worker_that_died_over_a_call_leaves_the_turn_to_the_next() {
    let (sandbox, model) = with_anthropic();
    model.hold();
    let first = talk(&sandbox, "first");
    sandbox.play(&turn(&first, "a"));
    model.wait_for_calls(1);
    kill(sandbox.worker_pid("first"), Signal::SIGKILL).unwrap();
    sandbox.wait_for_quiet();
    model.release();
    wait_until("another worker is there", || {
        sandbox.play(&[first.end("a")]);
        sandbox.workers_started() > 1
    });
    wait_until_drained(&sandbox);
    sandbox.wait_for_quiet();
    assert_eq!(model.calls(), 2);
    assert_well(&sandbox);
    assert_turns_told(&sandbox, &["a"]);
}

/// The first turn is within the limit and the second is not, until the user
/// raises it; no process is started or ended by hand.
fn runs_out(setting: &str, least: impl Fn(&Sandbox) -> String, most: &str, words: &str) {
    let (mut sandbox, model) = with_anthropic();
    sandbox.set("CLAUDE_MEM_WORKER_IDLE_SECS", "60");
    let first = talk(&sandbox, "first");
    sandbox.play(&turn(&first, "a"));
    wait_until("the first turn is done", || {
        counted(&sandbox, "SELECT count(*) FROM session_summaries") == 1
    });
    sandbox.wait_for_quiet();
    let limit = least(&sandbox);
    drop(
        sandbox
            .claude_mem(["settings", "set", setting, &limit])
            .success(),
    );
    sandbox.play(&turn(&first, "b"));
    wait_for_return(&sandbox, "budget");
    assert_stalled(&sandbox, "budget", words, "claude-mem usage");
    assert_stalled(&sandbox, "budget", words, setting);
    assert_eq!(model.calls(), 1);
    let worker = sandbox.worker_pid("first");
    drop(
        sandbox
            .claude_mem(["settings", "set", setting, most])
            .success(),
    );
    sandbox.play(&[first.end("b")]);
    wait_until("the second turn is done", || {
        sandbox.count("SELECT count(*) FROM session_summaries") == 2
    });
    assert!(sandbox.worker_log().contains(&format!("pid={worker}")));
    sandbox.wait_for_quiet();
    assert_eq!(sandbox.workers_started(), 2, "{}", sandbox.worker_log());
    assert_eq!(model.calls(), 2);
    assert_well(&sandbox);
    assert_turns_told(&sandbox, &["a", "b"]);
}

#[test]
fn tokens_that_are_used_up_are_waited_for_and_named() {
    let used = |sandbox: &Sandbox| {
        let used = sandbox.count(
            "SELECT sum(input_tokens + cache_read_tokens + cache_write_tokens + output_tokens)
             FROM usage",
        );
        (used + 100).to_string()
    };
    runs_out(
        "CLAUDE_MEM_DAILY_TOKENS",
        used,
        "2000000",
        "tokens of the day are used up",
    );
}

#[test]
fn calls_that_are_used_up_are_waited_for_and_named() {
    let one = |_: &Sandbox| "1".to_owned();
    runs_out(
        "CLAUDE_MEM_CALLS_PER_HOUR",
        one,
        "240",
        "the 1 calls of the hour are used up",
    );
}

/// Ten sessions that end a turn while the model fails, and come through it.
fn ten_sessions(fault: Fault, reason: &str, first: std::time::Duration) {
    let (sandbox, model) = with_anthropic();
    model.set_fault(Some(fault));
    let began = Instant::now();
    let names: Vec<String> = (0..10).map(|number| format!("s{number}")).collect();
    std::thread::scope(|threads| {
        for name in &names {
            let sandbox = &sandbox;
            threads.spawn(move || sandbox.play(&turn(&talk(sandbox, name), name)));
        }
    });
    wait_until("somebody was refused twice", || {
        counted(&sandbox, "SELECT failures FROM provider_stalls") >= 2
    });
    wait_for_return(&sandbox, reason);
    wait_until("every turn is over and nobody asks", || {
        let ends = "SELECT count(*) FROM pending_messages WHERE message_type = 'summarize'";
        let asking = "SELECT count(*) FROM pending_messages WHERE status = 'processing'";
        sandbox.count(ends) == 10 && sandbox.count(asking) == 0
    });
    assert_few_calls(&model, began, first, 2);
    let in_steps = steps(began.elapsed(), first);
    eprintln!(
        "{reason}: {} calls of ten sessions in {in_steps} steps",
        model.calls()
    );
    sandbox.assert_sound();
    model.clear_faults();
    wait_until_drained(&sandbox);
    sandbox.wait_for_quiet();
    sandbox.assert_all_done();
    assert!(model.peak() <= 2, "{}", model.peak());
    let done = turns_without_model(&sandbox);
    if reason == "auth" {
        assert_eq!(done, 0);
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_turns_told(&sandbox, &names);
        assert_well(&sandbox);
    }
    sandbox.assert_sound();
}

#[test]
fn a_key_that_is_refused_to_one_session_is_tried_by_no_other() {
    ten_sessions(Fault::Auth, "auth", FIRST_WAIT);
}

#[test]
fn a_provider_in_trouble_is_left_alone_by_every_session() {
    ten_sessions(Fault::Overloaded, "overloaded", FIRST_WAIT / 15);
}

#[test]
fn a_turn_that_was_done_without_the_model_can_be_done_again_by_it() {
    for world in [with_anthropic, with_openai] {
        let (sandbox, model) = world();
        model.set_fault(Some(Fault::Overloaded));
        let first = talk(&sandbox, "first");
        sandbox.play(&turn(&first, "a"));
        wait_until("the turn is done without the model", || {
            turns_without_model(&sandbox) == 1
        });
        sandbox.wait_for_quiet();
        let offline = sandbox.count("SELECT count(*) FROM observations");
        assert!(offline > 0);
        model.clear_faults();
        drop(sandbox.claude_mem(["queue", "redo", "--offline"]).success());
        sandbox.wait_for_quiet();
        assert_turns_told(&sandbox, &["a"]);
        assert_eq!(turns_without_model(&sandbox), 0);
        assert_eq!(model.calls(), 3 + 1);
        let replaced = "SELECT count(*) FROM observations WHERE superseded_by IS NOT NULL";
        assert_eq!(sandbox.count(replaced), offline);
        let summaries = sandbox.dump("SELECT generated_by_model FROM session_summaries");
        assert!(
            summaries.len() == 1 && !summaries[0].contains("local"),
            "{summaries:?}"
        );
        assert_well(&sandbox);
        // There is nothing left to be done again.
        drop(sandbox.claude_mem(["queue", "redo", "--offline"]).success());
        assert_eq!(model.calls(), 3 + 1);
        assert_turns_told(&sandbox, &["a"]);
    }
}
