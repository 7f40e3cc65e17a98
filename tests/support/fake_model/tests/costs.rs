//! What clients are told that their calls cost.

use serde_json::{Value, json};

use super::client::{ANTHROPIC, OPENAI, SYSTEM, WAYS, post};
use crate::support::fake_model::{FakeModel, Fault, TokenTotals};

fn output_of(model: &FakeModel) -> u64 {
    model.tokens().output
}

#[test]
fn four_bytes_are_a_token() {
    for way in WAYS {
        let model = FakeModel::start(Vec::new());
        model.answer_with(|_| "123456789".to_owned());
        let usage = way.ask(&model, "äöüx").usage(way);
        let input = (SYSTEM.len() as u64 + 7).div_ceil(4);
        let told = if way.is_anthropic() {
            json!([usage["input_tokens"], usage["output_tokens"]])
        } else {
            assert_eq!(usage["total_tokens"], input + 3);
            json!([usage["prompt_tokens"], usage["completion_tokens"]])
        };
        assert_eq!(told, json!([input, 3]), "{way:?}");
        let totals = model.tokens();
        assert_eq!((totals.input, totals.output), (input, 3));
        assert_eq!(totals.total(), input + 3);
        drop(way.ask(&model, "äöüx"));
        assert_eq!(model.tokens().total(), 2 * (input + 3));
        model.set_fault(Some(Fault::Empty));
        drop(way.ask(&model, "äöüx"));
        assert_eq!(model.tokens().output, 6, "no words, no tokens");
    }
}

/// A conversation whose instructions are marked for the cache.
fn marked(system: &str, user: &str) -> Value {
    let mark = json!({"type": "ephemeral"});
    let block = json!({"type": "text", "text": system, "cache_control": mark});
    json!({"model": "m", "system": [block], "messages": [{"role": "user", "content": user}]})
}

#[test]
fn what_is_marked_is_written_once_and_read_from_then_on() {
    let model = FakeModel::start(Vec::new());
    let system = format!("{SYSTEM}{}", "x".repeat(400 - SYSTEM.len()));
    let ask = |system: &str, user: &str| {
        let usage = post(&model, ANTHROPIC, &marked(system, user)).usage(WAYS[0]);
        let names = [
            "input_tokens",
            "cache_creation_input_tokens",
            "cache_read_input_tokens",
        ];
        names.map(|name| usage[name].as_u64().unwrap())
    };
    assert_eq!(ask(&system, "12345678"), [2, 100, 0]);
    assert_eq!(ask(&system, "1234567890ab"), [3, 0, 100]);
    assert_eq!(ask(&format!("{system}abcd"), "1234"), [1, 101, 0]);
    let output = output_of(&model);
    let expected = TokenTotals {
        input: 6,
        cache_creation: 201,
        cache_read: 100,
        output,
    };
    assert_eq!(model.tokens(), expected);
}

#[test]
fn a_longer_beginning_is_partly_read() {
    let model = FakeModel::start(Vec::new());
    let mark = json!({"type": "ephemeral"});
    let block = |text: &str| json!({"type": "text", "text": text, "cache_control": mark});
    let system = format!("{SYSTEM}{}", "x".repeat(80 - SYSTEM.len()));
    let ask = |user: &str| {
        let messages = json!([{"role": "user", "content": [block(user)]}]);
        let body = json!({"model": "m", "system": [block(&system)], "messages": messages});
        drop(post(&model, ANTHROPIC, &body));
        let TokenTotals {
            input,
            cache_creation,
            cache_read,
            ..
        } = model.tokens();
        [input, cache_creation, cache_read]
    };
    assert_eq!(ask("12345678"), [0, 22, 0]);
    assert_eq!(ask("abcdefgh"), [0, 24, 20]);
    assert_eq!(ask("12345678"), [0, 24, 42]);
}

#[test]
fn the_other_dialect_tells_of_readings_and_streams_only_on_demand() {
    let model = FakeModel::start(Vec::new());
    let system = format!("{SYSTEM}{}", "x".repeat(400 - SYSTEM.len()));
    let mut body = marked(&system, "1234");
    let system = body["system"].take();
    let user = body["messages"][0].take();
    body["messages"] = json!([{"role": "system", "content": system}, user]);
    for (cached, totals) in [(0, [101, 0, 0]), (100, [102, 0, 100])] {
        let usage = post(&model, OPENAI, &body).usage(WAYS[2]);
        assert_eq!(usage["prompt_tokens"], 101);
        assert_eq!(usage["prompt_tokens_details"]["cached_tokens"], cached);
        let TokenTotals {
            input,
            cache_creation,
            cache_read,
            ..
        } = model.tokens();
        assert_eq!([input, cache_creation, cache_read], totals);
    }
    let before = model.tokens();
    body["stream"] = json!(true);
    assert_eq!(post(&model, OPENAI, &body).usage(WAYS[3]), Value::Null);
    assert_eq!(model.tokens(), before);
    body["stream_options"] = json!({"include_usage": true});
    let told = post(&model, OPENAI, &body).usage(WAYS[3]);
    assert_eq!(told["prompt_tokens"], 101);
    assert!(model.tokens().total() > before.total());
}

#[test]
fn an_answer_that_breaks_off_is_not_accounted() {
    let model = FakeModel::start(Vec::new());
    for way in WAYS {
        model.queue_faults([
            Some(Fault::ResetMidstream),
            Some(Fault::Reset),
            Some(Fault::NotJson),
        ]);
        for _ in 0..3 {
            drop(way.ask(&model, "x"));
        }
    }
    assert_eq!(model.tokens(), TokenTotals::default());
}
