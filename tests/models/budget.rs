//! What memory costs: calls, tokens and characters, all bounded.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use serde_json::json;

use crate::support::fake_model::{Asked, FakeModel, Fault, Latency};
use crate::support::{Client, Foreground, Sandbox, Talk, wait_until};

use super::sending::{begin, call, end, send, stop, turn};
use super::{with_anthropic, with_openai};

/// No worker takes a turn as over while the test still sends it.
fn patient((mut sandbox, model): (Sandbox, FakeModel)) -> (Sandbox, FakeModel) {
    sandbox.set("CLAUDE_MEM_WORKER_IDLE_SECS", "60");
    sandbox.set("CLAUDE_MEM_CALLS_PER_HOUR", "100000");
    sandbox.set("CLAUDE_MEM_DAILY_TOKENS", "100000000");
    (sandbox, model)
}

/// What was noted of all calls is what the provider said of them.
fn assert_noted(sandbox: &Sandbox, model: &FakeModel) {
    let noted = |what: &str| {
        let sum = sandbox.count(&format!("SELECT coalesce(sum({what}), 0) FROM usage"));
        u64::try_from(sum).unwrap()
    };
    let said = model.tokens();
    assert_eq!(noted("1"), model.calls() as u64);
    assert_eq!(noted("output_tokens"), said.output);
    assert_eq!(
        noted("input_tokens + cache_read_tokens + cache_write_tokens"),
        said.total() - said.output
    );
    assert_eq!(
        sandbox.count("SELECT count(*) FROM usage WHERE outcome = 'running'"),
        0
    );
}

/// The largest prompt that the model was sent.
fn largest(model: &FakeModel) -> usize {
    let sizes = model.observed().iter().map(Asked::input_chars).max();
    sizes.unwrap_or_default()
}

/// Events of the turns of one session; each is a little more than a batch.
const SIZES: [usize; 7] = [49, 49, 50, 52, 97, 97, 106];

#[test]
fn ten_thousand_events_take_a_call_a_turn_and_one_for_forty_events() {
    const SESSIONS: usize = 20;
    let (sandbox, model) = patient(with_anthropic());
    let next = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    if number >= SESSIONS {
                        return;
                    }
                    let session = format!("s{number}");
                    for (at, size) in SIZES.into_iter().enumerate() {
                        let mut client = begin(&sandbox, &session, at);
                        let mut rest = turn(&session, at, size - 2);
                        rest.remove(0);
                        send(&mut client, &rest);
                    }
                    let talk = Talk::new(&session, &sandbox.project);
                    drop(sandbox.event(&talk.end(&format!("turn-{}", SIZES.len() - 1))));
                }
            });
        }
    });
    wait_until("all calls have ended", || {
        sandbox.count(
            "SELECT count(*) FROM pending_messages WHERE status IN ('pending', 'processing')",
        ) == 0
    });
    sandbox.wait_for_quiet();
    sandbox.assert_all_done();
    let (turns, events) = (
        SESSIONS * SIZES.len(),
        SESSIONS * SIZES.iter().sum::<usize>(),
    );
    assert_eq!(events, 10_000);
    // With the end of each session.
    assert_eq!(
        sandbox.count("SELECT count(*) FROM pending_messages"),
        i64::try_from(events + SESSIONS).unwrap()
    );
    let calls = model.calls();
    assert!(
        (turns..=turns + events / 40).contains(&calls),
        "{calls} calls"
    );
    assert!(model.peak() <= 2, "{} at once", model.peak());
    assert!(largest(&model) <= 24_000, "{} characters", largest(&model));
    let summaries = "SELECT count(*) FROM session_summaries WHERE generated_by_model <> 'local'";
    assert_eq!(sandbox.count(summaries), i64::try_from(turns).unwrap());
    assert_noted(&sandbox, &model);
    eprintln!(
        "10,000 events, {turns} turns: {calls} calls, {} at once, {} characters at most, {} tokens",
        model.peak(),
        largest(&model),
        model.tokens().total()
    );
}

#[test]
fn fifty_workers_ask_two_at_a_time() {
    const WORKERS: usize = 50;
    let (sandbox, model) = patient(with_openai());
    model.set_latency(Some(Latency::Fixed(Duration::from_millis(25))));
    let sessions: Vec<String> = (0..WORKERS).map(|number| format!("s{number}")).collect();
    let mut clients: Vec<Client> = sessions
        .iter()
        .map(|session| {
            let mut client = begin(&sandbox, session, 0);
            let calls: Vec<_> = (0..3).map(|number| call(session, 0, number)).collect();
            send(&mut client, &calls);
            client
        })
        .collect();
    assert_eq!(sandbox.workers().len(), WORKERS);
    assert_eq!(model.calls(), 0);
    // All turns are over at the same moment.
    for (client, session) in clients.iter_mut().zip(&sessions) {
        client.send(format!("{}\n{}\n", stop(session, 0), end(session, 0)).as_bytes());
    }
    model.wait_for_calls(WORKERS);
    sandbox.wait_for_quiet();
    assert_eq!(model.peak(), 2);
    assert_eq!(model.calls(), WORKERS);
    assert_noted(&sandbox, &model);
    sandbox.assert_all_done();
}

#[test]
fn the_days_tokens_are_never_exceeded_and_what_is_over_them_waits() {
    const BUDGET: u64 = 30_000;
    for (at_once, (mut sandbox, model)) in [
        ("1", patient(with_anthropic())),
        ("2", patient(with_openai())),
    ] {
        sandbox.set("CLAUDE_MEM_MAX_CONCURRENT_CALLS", at_once);
        sandbox.set("CLAUDE_MEM_DAILY_TOKENS", BUDGET.to_string());
        sandbox.set("CLAUDE_MEM_MAX_OUTPUT_TOKENS", "1024");
        let sessions: Vec<String> = (0..6).map(|number| format!("s{number}")).collect();
        for session in &sessions {
            let mut client = begin(&sandbox, session, 0);
            let mut messages = turn(session, 0, 4);
            messages.remove(0);
            for number in 1..6 {
                messages.extend(turn(session, number, 6));
            }
            send(&mut client, &messages);
        }
        wait_until("all workers wait for another day", || {
            let waits = "SELECT count(*) FROM provider_stalls WHERE reason = 'budget'";
            let works = "SELECT count(*) FROM pending_messages WHERE status = 'processing'";
            sandbox.count(waits) == 1 && sandbox.count(works) == 0
        });
        for worker in sandbox.workers() {
            // One may have left meanwhile.
            let _gone = kill(worker, Signal::SIGTERM);
        }
        sandbox.wait_for_quiet();
        let used = model.tokens().total();
        assert!(used <= BUDGET, "{used} tokens");
        assert!(
            used > BUDGET / 4,
            "{used} tokens: it was never about the budget"
        );
        let waiting = "SELECT count(*) FROM pending_messages WHERE status = 'pending'";
        assert!(sandbox.count(waiting) > 0);
        let other =
            "SELECT count(*) FROM pending_messages WHERE status IN ('processing', 'failed')";
        assert_eq!(sandbox.count(other), 0);
        assert_noted(&sandbox, &model);
        sandbox.assert_conserved();
        sandbox.assert_sound();
        let status = sandbox.claude_mem(["status", "--json"]).json();
        assert_eq!(status["stalled"], true, "{status}");
        let told = sandbox.told(&Talk::new("next", &sandbox.project), "startup");
        assert!(told.contains("tokens of the day"), "{told}");
        let line = |text: &&str| text.contains("is not keeping memory");
        assert_eq!(told.lines().filter(line).count(), 1, "{told}");
        eprintln!("{used} of {BUDGET} tokens in {} calls", model.calls());
    }
}

/// Change of `y` for each step of `x`, by least squares.
fn slope(points: &[(f64, f64)]) -> f64 {
    let count = f64::from(u32::try_from(points.len()).unwrap());
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let with = |of: &dyn Fn(f64, f64) -> f64| -> f64 {
        points
            .iter()
            .map(|point| of(point.0 - x, point.1 - y))
            .sum()
    };
    with(&|x, y| x * y) / with(&|x, _| x * x)
}

#[test]
fn a_prompt_does_not_grow_with_the_age_of_its_session() {
    const TURNS: usize = 60;
    let (sandbox, model) = patient(with_anthropic());
    let worker = Foreground::start(&sandbox, "old", "old");
    let mut client = sandbox.client("old");
    for number in 0..TURNS {
        send(&mut client, &turn("old", number, 5));
        // Titles of this turn are there for the next one.
        model.wait_for_calls(number + 1);
    }
    send(&mut client, &[end("old", TURNS - 1)]);
    drop(worker.wait());
    assert_eq!(model.calls(), TURNS);
    let asked = model.observed();
    let points: Vec<(f64, f64)> = asked
        .iter()
        .enumerate()
        .skip(20)
        .map(|(number, asked)| {
            let figure = |number: usize| f64::from(u32::try_from(number).unwrap());
            (figure(number), figure(asked.input_chars()))
        })
        .collect();
    let slope = slope(&points);
    assert!(slope.abs() <= 1.0, "{slope} characters a turn: {points:?}");
    eprintln!(
        "{slope:.3} characters a turn, {} characters at most",
        largest(&model)
    );
    // What was told last is what is easily told again.
    for pair in asked.windows(2) {
        let title = format!(
            "Told {}",
            crate::support::fake_model::digest(&pair[0].user_text())
        );
        assert!(
            pair[1].user_text().contains(&title),
            "{title} is not listed in\n{}",
            pair[1].user_text()
        );
    }
    sandbox.assert_all_done();
}

#[test]
fn no_prompt_is_longer_than_the_setting_allows() {
    for most in [10_000, 24_000] {
        for (mut sandbox, model) in [patient(with_anthropic()), patient(with_openai())] {
            sandbox.set("CLAUDE_MEM_PROMPT_CHARS", most.to_string());
            // The rest of an answer that broke off is asked for, and what was
            // whole in it is named.
            model.answer_with(|_| {
                let observation = |number| {
                    let title = format!("{number} {}", "word ".repeat(23));
                    format!("<observation><type>change</type><title>{title}</title></observation>")
                };
                (0..8).map(observation).collect::<Vec<_>>().concat()
            });
            model.queue_faults([Some(Fault::Truncated)]);
            let worker = Foreground::start(&sandbox, "long", "long");
            let long = |what: &str| -> String {
                let lines = (0..600).map(|line| format!("{line}: {what} has many words\n"));
                lines.collect::<Vec<_>>().concat()
            };
            let mut messages = turn("long", 0, 45);
            messages[0]["prompt"] = json!(long("prompt"));
            messages[46]["last_assistant_message"] = json!(long("message"));
            for (number, message) in messages[1..46].iter_mut().enumerate() {
                let path = format!("{number}.py");
                let text = long(&path);
                message["tool_name"] = json!("Write");
                message["tool_input"] = json!({"file_path": path, "content": text});
            }
            messages.push(end("long", 0));
            send(&mut sandbox.client("long"), &messages);
            drop(worker.wait());
            assert_eq!(model.calls(), 2);
            let longest = largest(&model);
            assert!(longest <= most, "{longest} of {most}");
            assert!(longest > most / 4 * 3, "{longest} of {most}");
            sandbox.assert_all_done();
        }
    }
}

#[test]
fn what_belongs_to_a_turn_costs_no_call_of_its_own() {
    for (sandbox, model) in [patient(with_anthropic()), patient(with_openai())] {
        let talk = Talk::new("talk", &sandbox.project);
        sandbox.play(&[talk.prompt("p1", "Look into the ledger with a helper.")]);
        for number in 0..4 {
            let mut own = talk.bash("p1", &format!("own{number}"), "make", "made");
            sandbox.play(std::slice::from_ref(&own));
            own["tool_use_id"] = json!(format!("helper{number}"));
            own["agent_id"] = json!("a1");
            own["agent_type"] = json!("Explore");
            sandbox.play(&[own]);
        }
        let mut helper = talk.stop("p1", "The ledger is written by one process only.");
        helper["hook_event_name"] = json!("SubagentStop");
        helper["agent_id"] = json!("a1");
        helper["agent_type"] = json!("Explore");
        sandbox.play(&[helper, talk.stop("p1", "One process writes the ledger.")]);
        model.wait_for_calls(1);
        wait_until("the turn is done", || {
            sandbox.count("SELECT count(*) FROM session_summaries") == 1
        });
        // Late, and the end of the session.
        sandbox.play(&[talk.bash("p1", "late", "make late", "made"), talk.end("p1")]);
        sandbox.wait_for_quiet();
        assert_eq!(model.calls(), 1);
        assert_eq!(
            sandbox
                .count("SELECT count(*) FROM session_summaries WHERE generated_by_model = 'local'"),
            0
        );
        // No tool, and not much of an answer.
        let talk = Talk::new("chat", &sandbox.project);
        sandbox.play(&[
            talk.prompt("q1", "Thanks!"),
            talk.stop("q1", "You are welcome."),
            talk.end("q1"),
        ]);
        sandbox.wait_for_quiet();
        assert_eq!(model.calls(), 1);
        // A model that has no summary to give is not asked again for one.
        model.answer_with(|_| {
            "<observation><type>decision</type><title>Kept in SQLite</title>\
             <narrative>It is.</narrative></observation>"
                .to_owned()
        });
        let talk = Talk::new("brief", &sandbox.project);
        let mut payloads = talk.decision("r1", "the ledger");
        let last = payloads.pop().unwrap();
        sandbox.play(&payloads);
        wait_until("the turn is done", || {
            sandbox.count("SELECT count(*) FROM observations WHERE title = 'Kept in SQLite'") == 1
        });
        sandbox.play(&[last]);
        sandbox.wait_for_quiet();
        assert_eq!(model.calls(), 2);
        let brief =
            "SELECT count(*) FROM observations o JOIN sdk_sessions s ON s.id = o.session_db_id
            WHERE s.content_session_id = 'brief'";
        assert_eq!(sandbox.count(brief), 1);
        sandbox.assert_all_done();
    }
}
