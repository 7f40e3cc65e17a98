use serde_json::{Value, json};

use super::server::{Server, json as answer_json};
use super::*;
use crate::agent::model::{Reason, TokenUsage};

fn message() -> Value {
    json!({
        "type": "message",
        "model": "model-1-20260101",
        "content": [
            {"type": "thinking", "thinking": "hm"},
            {"type": "text", "text": "<observation>"},
            {"type": "text", "text": "</observation>"},
        ],
        "stop_reason": "end_turn",
        "usage": {
            "input_tokens": 11,
            "cache_read_input_tokens": 22,
            "cache_creation_input_tokens": 33,
            "output_tokens": 44,
        },
    })
}

#[test]
fn a_call_is_a_message_whose_fixed_part_is_cached() {
    let server = Server::start(vec![answer_json(200, &message())]);
    let reply = ask_anthropic(&anthropic_at(&server.url())).unwrap();
    assert_eq!(
        reply,
        Reply {
            text: "<observation></observation>".to_owned(),
            truncated: false,
            usage: TokenUsage {
                input: 11,
                cache_read: 22,
                cache_write: 33,
                output: 44
            },
            model: "model-1-20260101".to_owned(),
        }
    );

    let [received] = &server.received()[..] else {
        panic!("one request");
    };
    assert_eq!(received.line, "POST /v1/messages");
    assert_eq!(received.header("x-api-key"), Some(KEY));
    assert_eq!(received.header("authorization"), None);
    assert_eq!(received.header("anthropic-version"), Some("2023-06-01"));
    assert_eq!(received.header("content-type"), Some("application/json"));
    assert_eq!(
        received.json(),
        json!({
            "model": "model-1",
            "max_tokens": 500,
            "system": [{
                "type": "text",
                "text": "Be brief.",
                "cache_control": {"type": "ephemeral"},
            }],
            "messages": [{"role": "user", "content": "What happened?"}],
        })
    );
}

#[test]
fn a_token_wins_over_a_key() {
    let server = Server::start(vec![answer_json(200, &message())]);
    let mut config = anthropic_at(&server.url());
    config.anthropic.auth_token = Secret::new("token-of-a-gateway");
    ask_anthropic(&config).unwrap();
    let received = &server.received()[0];
    assert_eq!(
        received.header("authorization"),
        Some("Bearer token-of-a-gateway")
    );
    assert_eq!(received.header("x-api-key"), None);
}

#[test]
fn a_base_url_is_taken_as_people_write_it() {
    for (end, target) in [
        ("", "/v1/messages"),
        ("/", "/v1/messages"),
        ("/v1", "/v1/messages"),
        ("/v1/", "/v1/messages"),
        ("/v1/messages", "/v1/messages"),
        ("/gateway//", "/gateway/v1/messages"),
        ("/gateway/v1", "/gateway/v1/messages"),
        ("/gateway?beta=true", "/gateway/v1/messages?beta=true"),
    ] {
        let server = Server::start(vec![answer_json(200, &message())]);
        ask_anthropic(&anthropic_at(&format!("{}{end}", server.url()))).unwrap();
        assert_eq!(server.received()[0].line, format!("POST {target}"), "{end}");
    }
}

#[test]
fn without_credentials_nothing_is_sent() {
    let server = Server::start(vec![answer_json(200, &message())]);
    let mut config = anthropic_at(&server.url());
    config.anthropic.api_key = None;
    let failure = ask_anthropic(&config).unwrap_err();
    assert_eq!(failure.reason, Reason::Auth);
    assert!(
        failure.detail.contains("CLAUDE_MEM_ANTHROPIC_API_KEY"),
        "{failure}"
    );

    config.anthropic.api_key = Secret::new("sk\nbroken");
    assert_eq!(ask_anthropic(&config).unwrap_err().reason, Reason::Auth);
    assert_eq!(server.received().len(), 0);
}

#[test]
fn an_answer_that_was_cut_off_says_so() {
    let mut message = message();
    message["stop_reason"] = json!("max_tokens");
    let server = Server::start(vec![answer_json(200, &message)]);
    assert!(
        ask_anthropic(&anthropic_at(&server.url()))
            .unwrap()
            .truncated
    );
}

#[test]
fn an_answer_without_text_is_none_but_has_its_cost() {
    let mut message = message();
    message["content"] =
        json!([{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": " "}]);
    message["stop_reason"] = json!("refusal");
    let server = Server::start(vec![answer_json(200, &message)]);
    let failure = ask_anthropic(&anthropic_at(&server.url())).unwrap_err();
    assert_eq!(failure.reason, Reason::Empty);
    assert!(failure.detail.contains("refusal"), "{failure}");
    assert_eq!(failure.usage.total(), 110);
}

#[test]
fn json_of_another_kind_is_malformed() {
    let server = Server::start(vec![answer_json(200, &json!({"choices": []}))]);
    let failure = ask_anthropic(&anthropic_at(&server.url())).unwrap_err();
    assert_eq!(failure.reason, Reason::Malformed);
}

#[test]
fn an_empty_fixed_part_is_left_out() {
    let server = Server::start(vec![answer_json(200, &message())]);
    let provider = AnthropicProvider::new(&anthropic_at(&server.url()));
    let bare = Request {
        system: String::new(),
        ..request()
    };
    ask_for(&provider, &bare).unwrap();
    assert_eq!(server.received()[0].json().get("system"), None);
}
