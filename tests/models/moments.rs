//! Failures that a turn gets over: the next attempt, the rest of an answer, or
//! less at a time brings what was wanted; and a skip, which is no failure.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::fake_model::{Fault, RetryAfter};
use crate::support::{Talk, wait_until};

use super::outage::{
    DIALECTS, World, assert_told_once, assert_turns_told, assert_well, counted, event, status,
    talk, turn, turns_without_model,
};

#[test]
fn an_answer_that_is_cut_off_once_is_made_whole() {
    for (_, world, _) in DIALECTS {
        for (faults, summaries) in [(1, 1), (2, 0)] {
            let (sandbox, model) = world();
            model.queue_faults((0..faults).map(|_| Some(Fault::Truncated)));
            sandbox.play(&turn(&talk(&sandbox, "first"), "a"));
            sandbox.wait_for_quiet();
            assert_eq!(model.calls(), 2);
            // What was complete is kept, also where the rest is never had.
            assert_eq!(
                sandbox.count("SELECT count(*) FROM session_summaries"),
                summaries
            );
            assert_well(&sandbox);
            assert_turns_told(&sandbox, &["a"]);
        }
    }
}

#[test]
fn a_failure_of_a_moment_is_made_good_by_the_next_attempt() {
    let moments = [
        Fault::Auth,
        Fault::RateLimit { retry_after: None },
        Fault::Overloaded,
        Fault::ContextTooLong { over_chars: 0 },
        Fault::Malformed,
        Fault::Empty,
        Fault::Reset,
    ];
    for (_, world, _) in DIALECTS {
        let (sandbox, model) = world();
        let names: Vec<String> = (0..moments.len())
            .map(|number| format!("t{number}"))
            .collect();
        let first = talk(&sandbox, "first");
        for ((fault, name), done) in moments.iter().zip(&names).zip(1..) {
            model.queue_faults([Some(fault.clone())]);
            sandbox.play(&turn(&first, name));
            wait_until("the turn is done", || {
                counted(&sandbox, "SELECT count(*) FROM session_summaries") == done
            });
        }
        sandbox.wait_for_quiet();
        assert_eq!(turns_without_model(&sandbox), 0);
        assert_eq!(
            sandbox.count("SELECT max(retry_count) FROM pending_messages"),
            2
        );
        assert_well(&sandbox);
        sandbox.assert_all_done();
        for name in &names {
            let first = event(name, 1);
            // Two smaller calls may tell the turn in place of one.
            assert_told_once(&sandbox, [first.as_str()]);
        }
    }
}

/// A turn of twenty calls that have much to say.
fn chapters(talk: &Talk, turn: &str) -> Vec<Value> {
    let call = |number: usize| {
        let name = event(turn, number);
        let lines: Vec<String> = (0..40)
            .map(|line| format!("Chapter {number}, {line}: invoices are rounded half to even."))
            .collect();
        talk.bash(turn, &name, &format!("cat docs/{name}"), &lines.join("\n"))
    };
    let mut payloads = vec![talk.prompt(turn, "Read every chapter about invoices.")];
    payloads.extend((0..20).map(call));
    payloads.push(talk.stop(
        turn,
        "I have read every chapter about the invoices, and they are rounded half to even.",
    ));
    payloads
}

#[test]
fn a_model_of_a_small_window_is_asked_about_less_at_a_time() {
    for (_, world, _) in DIALECTS {
        let (sandbox, model) = world();
        let wide = talk(&sandbox, "wide");
        sandbox.play(&chapters(&wide, "w"));
        sandbox.wait_for_quiet();
        assert_eq!(model.calls(), 1);
        let over_chars = model.observed()[0].input_chars() - 300;
        model.set_fault(Some(Fault::ContextTooLong { over_chars }));
        sandbox.play(&chapters(&talk(&sandbox, "first"), "a"));
        sandbox.wait_for_quiet();
        // One that is too long, and its halves.
        assert_eq!(model.calls() - 1, 3);
        let names: Vec<String> = (0..20).map(|number| event("a", number)).collect();
        assert_eq!(turns_without_model(&sandbox), 0);
        assert_told_once(&sandbox, names.iter().map(String::as_str));
        assert_well(&sandbox);
        sandbox.assert_all_done();
    }
}

#[test]
fn a_skip_is_an_answer_and_counted_with_its_reason() {
    for (_, world, _) in DIALECTS {
        let (sandbox, model) = world();
        model.set_fault(Some(Fault::Skip));
        sandbox.play(&turn(&talk(&sandbox, "first"), "a"));
        sandbox.wait_for_quiet();
        assert_eq!(model.calls(), 1);
        let status = status(&sandbox);
        assert_eq!(status["capture"]["skipped"], 4, "{status}");
        assert_eq!(status["skipped_by_reason"]["routine"], 4, "{status}");
        assert_eq!(sandbox.count("SELECT count(*) FROM observations"), 0);
        assert_well(&sandbox);
        sandbox.assert_all_done();
    }
}

#[test]
fn a_provider_that_says_when_to_come_back_is_left_alone_until_then() {
    let asked = Duration::from_secs(2);
    // Clocks count in milliseconds here.
    let least = asked.saturating_sub(Duration::from_millis(5));
    let check = |world: World, dated: bool| {
        let (sandbox, model) = world();
        model.hold();
        let began = Instant::now();
        // A date has whole seconds only.
        let when = if dated {
            RetryAfter::date_in(asked + Duration::from_secs(1))
        } else {
            RetryAfter::Seconds(2)
        };
        model.queue_faults([Some(Fault::RateLimit {
            retry_after: Some(when),
        })]);
        sandbox.play(&turn(&talk(&sandbox, "first"), "a"));
        model.wait_for_calls(1);
        let refused = if dated { began } else { Instant::now() };
        model.release();
        model.wait_for_calls(2);
        assert!(refused.elapsed() >= least, "dated: {dated}");
        sandbox.wait_for_quiet();
        assert_turns_told(&sandbox, &["a"]);
    };
    std::thread::scope(|threads| {
        for (_, world, _) in DIALECTS {
            for dated in [false, true] {
                threads.spawn(move || check(world, dated));
            }
        }
    });
}
