//! Every way in which a call can fail, in both dialects: what waits, what is
//! done without the model, what is said of it, and how it ends.

use std::net::TcpListener;
use std::time::Instant;

use crate::support::fake_model::{FakeModel, Fault, RetryAfter};
use crate::support::{Sandbox, wait_until};

use super::outage::{
    DIALECTS, FIRST_WAIT, World, assert_few_calls, assert_stalled, assert_turns_told,
    assert_untouched, assert_well, talk, turn, turns_without_model, wait_for_return,
    wait_until_drained,
};

/// A failure, the name of its reason, and the provider's first words in both
/// dialects.
type Case = (Fault, &'static str, [&'static str; 2]);

/// Runs the cases in both dialects, all at one time: most of it is waiting.
fn in_both_dialects(cases: &[Case], check: impl Fn(World, &Fault, &str, &str) + Sync) {
    std::thread::scope(|threads| {
        for (dialect, world, place) in DIALECTS {
            for (fault, reason, words) in cases {
                let check = &check;
                std::thread::Builder::new()
                    .name(format!("{dialect} {fault:?}"))
                    .spawn_scoped(threads, move || check(world, fault, reason, words[place]))
                    .unwrap();
            }
        }
    });
}

/// Nothing is lost and nothing done without the model, it is asked seldom, and
/// all of it is said; when the failure is over, so is everything about it.
fn waits(world: World, fault: &Fault, reason: &str, words: &str) {
    let (sandbox, model) = world();
    model.set_fault(Some(fault.clone()));
    let began = Instant::now();
    sandbox.play(&turn(&talk(&sandbox, "first"), "a"));
    wait_for_return(&sandbox, reason);
    assert_untouched(&sandbox, words);
    let action = match reason {
        "quota" => "wait until the limit is lifted",
        "not_found" => "name another model",
        _ => "check the key",
    };
    assert_stalled(&sandbox, reason, words, action);
    assert_few_calls(&model, began, FIRST_WAIT, 1);
    assert_untouched(&sandbox, words);
    model.clear_faults();
    wait_until_drained(&sandbox);
    assert_well(&sandbox);
    sandbox.wait_for_quiet();
    assert_eq!(sandbox.workers_started(), 1, "{}", sandbox.worker_log());
    assert_turns_told(&sandbox, &["a"]);
}

#[test]
fn a_refused_key_costs_no_event_and_heals_by_itself() {
    let login = "Not logged in · Please run /login";
    in_both_dialects(
        &[
            (
                Fault::Auth,
                "auth",
                ["invalid x-api-key", "Incorrect API key provided"],
            ),
            (
                Fault::Permission,
                "auth",
                [
                    "Your API key does not have permission",
                    "You have insufficient permissions",
                ],
            ),
            (Fault::Prose(login.to_owned()), "auth", [login, login]),
            (Fault::NotFound, "not_found", ["model: ", "The model `"]),
        ],
        waits,
    );
}

#[test]
fn an_account_that_is_used_up_costs_no_event_and_heals_by_itself() {
    in_both_dialects(
        &[
            (
                Fault::Credit,
                "quota",
                ["Your credit balance is too low", "Insufficient credits"],
            ),
            (
                Fault::Quota,
                "quota",
                [
                    "You have reached your specified API usage limits",
                    "You exceeded your current quota",
                ],
            ),
        ],
        waits,
    );
}

/// After the last attempt the offline extractor does the turn, which is said;
/// the next turn is the model's again, and nothing is said any more.
fn falls_back(
    (sandbox, model): (&Sandbox, &FakeModel),
    reason: &str,
    words: &str,
    most_calls: usize,
) {
    let first = talk(sandbox, "first");
    sandbox.play(&turn(&first, "a"));
    wait_until("the turn is done without the model", || {
        turns_without_model(sandbox) == 1
    });
    let calls = model.calls();
    assert!(
        calls <= most_calls,
        "{calls} calls: {}",
        sandbox.worker_log()
    );
    let why = sandbox.dump("SELECT fallback_reason FROM turns WHERE fallback_reason IS NOT NULL");
    assert!(
        why[0].contains(&format!("{reason}: ")) && why[0].contains(words),
        "{why:?}"
    );
    assert!(sandbox.count("SELECT count(*) FROM observations") > 0);
    let others = "SELECT count(*) FROM observations WHERE generated_by_model <> 'local'";
    assert_eq!(sandbox.count(others), 0);
    assert_stalled(sandbox, reason, words, "claude-mem queue redo");
    sandbox.assert_all_done();

    model.clear_faults();
    sandbox.play(&turn(&first, "b"));
    wait_until_drained(sandbox);
    assert_well(sandbox);
    sandbox.wait_for_quiet();
    assert_turns_told(sandbox, &["b"]);
    assert_eq!(model.calls(), calls + 1, "{}", sandbox.worker_log());
}

#[test]
fn a_provider_in_trouble_is_asked_three_times_and_then_done_without() {
    in_both_dialects(
        &[
            (
                Fault::RateLimit { retry_after: None },
                "rate_limit",
                [
                    "This request would exceed your account's rate limit",
                    "Rate limit reached for",
                ],
            ),
            (
                Fault::RateLimit {
                    retry_after: Some(RetryAfter::Seconds(1)),
                },
                "rate_limit",
                [
                    "This request would exceed your account's rate limit",
                    "Rate limit reached for",
                ],
            ),
            (
                Fault::Overloaded,
                "overloaded",
                ["Overloaded", "The engine is currently overloaded"],
            ),
            (
                Fault::ApiError,
                "overloaded",
                ["Internal server error", "The server had an error"],
            ),
        ],
        |world, fault, reason, words| {
            let (sandbox, model) = world();
            model.set_fault(Some(fault.clone()));
            falls_back((&sandbox, &model), reason, words, 3);
        },
    );
}

#[test]
fn a_way_that_is_broken_is_tried_three_times_and_then_done_without() {
    in_both_dialects(
        &[
            (Fault::Reset, "connection", ["the connection broke"; 2]),
            (
                Fault::ResetMidstream,
                "connection",
                ["the connection broke"; 2],
            ),
            (Fault::Hang, "timeout", ["no answer within 1 s"; 2]),
            (Fault::NotJson, "connection", ["Sign in"; 2]),
        ],
        |world, fault, reason, words| {
            let (mut sandbox, model) = world();
            sandbox.set("CLAUDE_MEM_CALL_TIMEOUT_SECS", "1");
            model.set_fault(Some(fault.clone()));
            falls_back((&sandbox, &model), reason, words, 3);
        },
    );
}

#[test]
fn a_provider_that_is_not_there_is_done_without_until_it_comes() {
    for (_, world, _) in DIALECTS {
        let (mut sandbox, model) = world();
        // A port that nobody listens on.
        let free = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}", free.local_addr().unwrap());
        drop(free);
        sandbox.set("ANTHROPIC_BASE_URL", &url);
        sandbox.set("CLAUDE_MEM_OPENAI_BASE_URL", format!("{url}/v1"));
        let first = talk(&sandbox, "first");
        sandbox.play(&turn(&first, "a"));
        wait_until("the turn is done without the model", || {
            turns_without_model(&sandbox) == 1
        });
        let tried = "SELECT count(*) FROM usage WHERE outcome = 'connection'";
        assert_eq!(sandbox.count(tried), 3);
        assert_stalled(
            &sandbox,
            "connection",
            "no connection",
            "claude-mem queue redo",
        );
        sandbox.wait_for_quiet();
        sandbox.set("ANTHROPIC_BASE_URL", model.url());
        sandbox.set("CLAUDE_MEM_OPENAI_BASE_URL", model.openai_url());
        sandbox.play(&turn(&first, "b"));
        wait_until_drained(&sandbox);
        assert_well(&sandbox);
        sandbox.wait_for_quiet();
        assert_turns_told(&sandbox, &["b"]);
    }
}

#[test]
fn answers_that_cannot_be_used_cost_a_bounded_number_of_calls() {
    in_both_dialects(
        &[
            (
                Fault::BadRequest,
                "bad_request",
                [
                    "messages: at least one message",
                    "Invalid value for 'messages'",
                ],
            ),
            (
                Fault::ContextTooLong { over_chars: 0 },
                "context_too_long",
                ["prompt is too long", "This model's maximum context length"],
            ),
            (
                Fault::Prose("I am sorry, I cannot do that.".to_owned()),
                "prose",
                ["I am sorry"; 2],
            ),
            // Tags that are none are words.
            (Fault::Malformed, "prose", ["<observation <type>"; 2]),
            (Fault::Empty, "empty", [""; 2]),
            (Fault::EmptyContent, "empty", [""; 2]),
        ],
        |world, fault, reason, words| {
            let (sandbox, model) = world();
            model.set_fault(Some(fault.clone()));
            // Three attempts; the last one also asks about both halves. A prompt
            // that is too long is asked about in half the length, each time.
            falls_back((&sandbox, &model), reason, words, 3 + 2 + 3);
        },
    );
}

#[test]
fn an_answer_that_is_always_cut_off_is_done_without_the_model() {
    for (_, world, _) in DIALECTS {
        let (sandbox, model) = world();
        model.answer_with(|_| "<observation><title>Half</title></observation>".to_owned());
        model.set_fault(Some(Fault::Truncated));
        sandbox.play(&turn(&talk(&sandbox, "first"), "a"));
        wait_until("the turn is done without the model", || {
            turns_without_model(&sandbox) == 1
        });
        // Every question once more for the rest, and in the end both halves.
        assert_eq!(model.calls(), 2 * (3 + 2));
        assert_stalled(&sandbox, "truncated", "", "claude-mem queue redo");
        sandbox.assert_all_done();
    }
}
