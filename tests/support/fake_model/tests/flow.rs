//! Calls at the same time, held, late, given up, and cut in two.

use std::time::Duration;

use super::client::{SYSTEM, WAYS, Way, post, receive, send};
use crate::support::fake_model::script::cut;
use crate::support::fake_model::{FakeModel, Fault, Latency};
use crate::support::wait_until;

#[test]
fn calls_are_held_counted_and_released() {
    let model = FakeModel::start(Vec::new());
    let send_to = |way: Way| send(&model, "POST", way.path, &way.body("x").to_string());
    assert_eq!((model.calls(), model.peak(), model.in_flight()), (0, 0, 0));
    drop(WAYS[0].ask(&model, "x"));
    drop(WAYS[0].ask(&model, "x"));
    assert_eq!(model.peak(), 1);
    model.hold();
    let held = WAYS.map(send_to);
    model.wait_for_calls(6);
    assert_eq!((model.calls(), model.peak(), model.in_flight()), (6, 4, 4));
    model.release();
    for (way, stream) in WAYS.into_iter().zip(held) {
        assert!(receive(stream).text(way).is_some());
    }
    drop(WAYS[0].ask(&model, "x"));
    assert_eq!((model.peak(), model.in_flight()), (4, 0));
}

#[test]
fn a_release_frees_those_who_waited_and_not_who_comes_after() {
    let model = FakeModel::start(Vec::new());
    let body = WAYS[0].body("x").to_string();
    let ask = || send(&model, "POST", WAYS[0].path, &body);
    model.hold();
    let mut before = ask();
    for round in 1..20 {
        model.wait_for_calls(round);
        model.release();
        model.hold();
        let after = ask();
        model.wait_for_calls(round + 1);
        assert_eq!(receive(before).status, 200);
        assert_eq!(model.in_flight(), 1);
        before = after;
    }
    model.release();
    assert_eq!(receive(before).status, 200);
}

#[test]
fn a_client_that_is_gone_counts_no_longer() {
    let model = FakeModel::start(Vec::new());
    let body = WAYS[0].body("x").to_string();
    model.hold();
    let killed = send(&model, "POST", WAYS[0].path, &body);
    model.wait_for_calls(1);
    drop(killed);
    wait_until("the call is given up", || model.in_flight() == 0);
    let next = send(&model, "POST", WAYS[0].path, &body);
    model.wait_for_calls(2);
    model.release();
    assert_eq!(receive(next).status, 200);
    assert_eq!(model.peak(), 1);
    let paid = WAYS[0].ask(&model, "x").usage(WAYS[0]);
    let each = paid["output_tokens"].as_u64().unwrap();
    assert_eq!(model.tokens().output, 2 * each, "who is gone pays nothing");
}

#[test]
fn a_late_answer_keeps_nobody_else_waiting() {
    let model = FakeModel::start(Vec::new());
    model.set_latency(Some(Latency::Fixed(Duration::from_hours(1))));
    let body = WAYS[0].body("x").to_string();
    let late = send(&model, "POST", WAYS[0].path, &body);
    model.wait_for_calls(1);
    let brief = Duration::from_millis(1);
    model.set_latency(Some(Latency::Between {
        least: brief,
        most: 20 * brief,
        seed: 7,
    }));
    assert_eq!(WAYS[2].ask(&model, "x").status, 200);
    assert_eq!(model.in_flight(), 1);
    drop(model);
    assert_eq!(receive(late).status, 0, "the end of the server ends it");
}

#[test]
fn a_latency_is_in_its_range_and_the_same_for_the_same_seed() {
    let (least, most) = (Duration::from_millis(10), Duration::from_millis(90));
    let times = |seed| {
        let latency = Latency::Between { least, most, seed };
        (0..100).map(|call| latency.of(call)).collect::<Vec<_>>()
    };
    assert_eq!(times(3), times(3));
    assert_ne!(times(3), times(4));
    assert!(times(3).iter().all(|time| (least..most).contains(time)));
    let middle = Duration::from_millis(50);
    assert!(times(3).iter().any(|time| *time < middle));
    assert!(times(3).iter().any(|time| *time > middle));
    assert_eq!(Latency::Fixed(most).of(5), most);
}

/// The words of an answer that was cut off, having looked that it was.
fn first_part(way: Way, model: &FakeModel, user: &str) -> String {
    let got = way.ask(model, user);
    let stop = if way.is_anthropic() {
        "max_tokens"
    } else {
        "length"
    };
    assert_eq!(got.stop(way), stop, "{way:?}");
    got.text(way).unwrap()
}

#[test]
fn the_rest_follows_for_those_who_quote_the_beginning() {
    for way in WAYS {
        let model = FakeModel::start(Vec::new());
        let whole = way.ask(&model, "the turn").text(way).unwrap();
        model.queue_faults([Some(Fault::Truncated)]);
        let first = first_part(way, &model, "the turn");
        let summary = first.find("<summary>").unwrap();
        assert!(!first[summary..].contains("</summary>"), "{first}");
        assert!(first[..summary].contains("</observation>"), "{first}");
        let escaped = first.replace('<', "&lt;").replace('>', "&gt;");
        let tail = &first[first.len() - 300..];
        for messages in [
            vec![("user", "the turn"), ("assistant", &*first)],
            vec![
                ("user", "the turn"),
                ("assistant", &*first),
                ("user", "go on"),
            ],
            vec![("user", &*format!("Continue after:\n{escaped}\n"))],
            vec![("user", &*format!("Continue after …{tail}"))],
        ] {
            let rest = post(&model, way.path, &way.conversation(&messages));
            let joined = format!("{first}{}", rest.text(way).unwrap());
            assert_eq!(joined, whole, "{way:?} {messages:?}");
        }
        assert_eq!(way.ask(&model, "the turn").text(way).unwrap(), whole);
    }
}

#[test]
fn the_block_comes_again_for_those_who_say_that_it_was_cut_off() {
    for way in WAYS {
        let model = FakeModel::start(Vec::new());
        let whole = way.ask(&model, "the turn").text(way).unwrap();
        let summary = &whole[whole.find("<summary>").unwrap()..];
        let again = "the turn\nYour answer to this was cut off.";
        let before = way.ask(&model, again).text(way).unwrap();
        assert!(before.starts_with("<observation>"), "nothing was: {before}");
        model.queue_faults([Some(Fault::Truncated), Some(Fault::Truncated)]);
        drop(first_part(way, &model, "the turn"));
        let first = first_part(way, &model, again);
        assert!(summary.starts_with(&first), "{first}");
        assert_eq!(way.ask(&model, again).text(way).unwrap(), summary);
        for other in ["the turn", "the turn and more", "another turn, cut off"] {
            let text = way.ask(&model, other).text(way).unwrap();
            assert!(text.starts_with("<observation>"), "{other}: {text}");
        }
    }
}

#[test]
fn what_is_cut_again_and_again_comes_in_more_parts() {
    let way = WAYS[0];
    let model = FakeModel::start(Vec::new());
    model.answer_with(|asked| format!("<observation>{0}</observation>", asked.user_text()));
    let user = "äß".repeat(40);
    model.set_fault(Some(Fault::Truncated));
    let first = first_part(way, &model, &user);
    let go_on = |said: &[&str]| {
        let mut messages = vec![("user", user.as_str())];
        for part in said {
            messages.extend([("assistant", *part), ("user", "go on")]);
        }
        post(&model, way.path, &way.conversation(&messages))
    };
    let second = go_on(&[&first]);
    assert_eq!(second.stop(way), "max_tokens");
    let second = second.text(way).unwrap();
    model.clear_faults();
    let third = go_on(&[&first, &second]).text(way).unwrap();
    let joined = format!("{first}{second}");
    let stateless = way.conversation(&[("user", &format!("Continue: {joined}"))]);
    assert_eq!(
        post(&model, way.path, &stateless).text(way),
        Some(third.clone())
    );
    assert_eq!(
        joined + &third,
        format!("<observation>{user}</observation>")
    );
    assert!(model.observed()[1].text().starts_with(SYSTEM));
}

#[test]
fn the_cut_is_not_at_a_blank_and_not_in_a_character() {
    let text = "<observation>a</observation>\n<summary>ää    \n  ö</summary>";
    let (first, rest) = cut(text);
    assert_eq!(first, "<observation>a</observation>\n<summary>ää    \n  ö");
    assert_eq!(rest, "</summary>");
    assert_eq!(cut("äöü"), ("ä", "öü"));
    assert_eq!(cut(""), ("", ""));
}
