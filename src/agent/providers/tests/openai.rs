use serde_json::{Value, json};

use super::server::{Server, json as answer_json};
use super::*;
use crate::agent::model::{Reason, TokenUsage};

fn completion(content: &Value, finish: &str) -> Value {
    json!({
        "model": "model-1-served",
        "choices": [{"message": {"role": "assistant", "content": content}, "finish_reason": finish}],
        "usage": {
            "prompt_tokens": 100,
            "completion_tokens": 20,
            "total_tokens": 120,
            "prompt_tokens_details": {"cached_tokens": 60},
        },
    })
}

fn fine() -> server::Step {
    answer_json(200, &completion(&json!("All is well."), "stop"))
}

#[test]
fn a_call_is_a_chat_completion() {
    let server = Server::start(vec![fine()]);
    let reply = ask_openai(&openai_at(&format!("{}/v1", server.url()))).unwrap();
    assert_eq!(
        reply,
        Reply {
            text: "All is well.".to_owned(),
            truncated: false,
            usage: TokenUsage {
                input: 40,
                cache_read: 60,
                cache_write: 0,
                output: 20
            },
            model: "model-1-served".to_owned(),
        }
    );
    let received = &server.received()[0];
    assert_eq!(received.line, "POST /v1/chat/completions");
    assert_eq!(
        received.header("authorization"),
        Some(&*format!("Bearer {KEY}"))
    );
    assert_eq!(
        received.json(),
        json!({
            "model": "model-1",
            "max_tokens": 500,
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "What happened?"},
            ],
        })
    );
}

#[test]
fn a_base_url_is_taken_as_people_write_it() {
    for (end, target) in [
        ("/v1/", "/v1/chat/completions"),
        ("/v1/chat/completions", "/v1/chat/completions"),
        (
            "/openai/deployments/x?api-version=1",
            "/openai/deployments/x/chat/completions?api-version=1",
        ),
    ] {
        let server = Server::start(vec![fine()]);
        ask_openai(&openai_at(&format!("{}{end}", server.url()))).unwrap();
        assert_eq!(server.received()[0].line, format!("POST {target}"), "{end}");
    }
}

#[test]
fn parts_are_joined_and_a_cut_is_told() {
    let parts = json!([
        {"type": "text", "text": "one "},
        {"type": "image_url"},
        {"type": "text", "text": "two"},
    ]);
    let server = Server::start(vec![answer_json(200, &completion(&parts, "length"))]);
    let reply = ask_openai(&openai_at(&server.url())).unwrap();
    assert_eq!((reply.text.as_str(), reply.truncated), ("one two", true));
}

#[test]
fn tokens_of_reasoning_are_counted() {
    let mut body = completion(&json!("x"), "stop");
    body["usage"]["total_tokens"] = json!(500);
    let server = Server::start(vec![answer_json(200, &body)]);
    assert_eq!(
        ask_openai(&openai_at(&server.url())).unwrap().usage.output,
        400
    );
}

#[test]
fn no_text_is_empty_but_has_its_cost() {
    for (content, finish, words) in [
        (Value::Null, "length", "CLAUDE_MEM_MAX_OUTPUT_TOKENS"),
        (json!(""), "content_filter", "content_filter"),
    ] {
        let server = Server::start(vec![answer_json(200, &completion(&content, finish))]);
        let failure = ask_openai(&openai_at(&server.url())).unwrap_err();
        assert_eq!(
            (failure.reason, failure.usage.total()),
            (Reason::Empty, 120)
        );
        assert!(failure.detail.contains(words), "{failure}");
    }
}

#[test]
fn the_newer_limit_is_found_once_and_remembered() {
    let refusal = json!({"error": {
        "message": "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        "type": "invalid_request_error",
        "code": "unsupported_parameter",
    }});
    let server = Server::start(vec![answer_json(400, &refusal), fine(), fine()]);
    let provider = OpenAiProvider::new(&openai_at(&server.url()));
    ask(&provider).unwrap();
    ask(&provider).unwrap();
    let limits: Vec<_> = server
        .received()
        .iter()
        .map(|received| {
            let body = received.json();
            (
                body["max_tokens"].as_u64(),
                body["max_completion_tokens"].as_u64(),
            )
        })
        .collect();
    assert_eq!(
        limits,
        [(Some(500), None), (None, Some(500)), (None, Some(500))]
    );
}

#[test]
fn the_newer_limit_is_tried_once_only() {
    let refusal = json!({"error": {"message": "max_tokens: use max_completion_tokens"}});
    let steps = (0..3).map(|_| answer_json(400, &refusal)).collect();
    let server = Server::start(steps);
    let failure = ask_openai(&openai_at(&server.url())).unwrap_err();
    assert_eq!(
        (failure.reason, server.received().len()),
        (Reason::BadRequest, 2)
    );
}

#[test]
fn a_server_with_one_model_is_asked_for_that_one() {
    let models = json!({"object": "list", "data": [{"id": "qwen:7b"}]});
    let server = Server::start(vec![answer_json(200, &models), fine(), fine()]);
    let mut config = openai_at(&format!("{}/v1", server.url()));
    config.openai.api_key = None;
    let provider = OpenAiProvider::new(&config);
    let any = Request {
        model: String::new(),
        ..request()
    };
    ask_for(&provider, &any).unwrap();
    ask_for(&provider, &any).unwrap();
    let received = server.received();
    let lines: Vec<_> = received
        .iter()
        .map(|received| received.line.as_str())
        .collect();
    let chat = "POST /v1/chat/completions";
    assert_eq!(lines, ["GET /v1/models", chat, chat]);
    assert_eq!(received[0].header("authorization"), None);
    assert_eq!(received[2].json()["model"], "qwen:7b");
}

#[test]
fn a_server_with_several_models_or_none_wants_a_name() {
    for (models, words) in [
        (json!({"data": [{"id": "a-1"}, {"id": "b-2"}]}), "a-1, b-2"),
        (json!({"data": []}), "no model loaded"),
    ] {
        let server = Server::start(vec![answer_json(200, &models)]);
        let provider = OpenAiProvider::new(&openai_at(&server.url()));
        let any = Request {
            model: String::new(),
            ..request()
        };
        let failure = ask_for(&provider, &any).unwrap_err();
        assert_eq!(failure.reason, Reason::NotFound);
        assert!(failure.detail.contains(words), "{failure}");
        assert!(
            failure.detail.contains("CLAUDE_MEM_OPENAI_MODEL"),
            "{failure}"
        );
    }
}

#[test]
fn a_ready_name_without_its_key_names_the_setting() {
    for (name, setting) in [
        (None, "CLAUDE_MEM_OPENAI_API_KEY"),
        (Some("openrouter"), "CLAUDE_MEM_OPENROUTER_API_KEY"),
        (Some("Gemini"), "CLAUDE_MEM_GEMINI_API_KEY"),
    ] {
        let mut config = config();
        config.openai.endpoint = name.map(str::to_owned);
        let failure = ask_openai(&config).unwrap_err();
        assert_eq!(failure.reason, Reason::Auth);
        assert!(failure.detail.contains(setting), "{failure}");
    }
}

#[test]
fn what_is_no_endpoint_is_told_with_what_would_be_one() {
    for (endpoint, words) in [
        ("olama", "openrouter, gemini, ollama"),
        ("ftp://example.com", "not an http:// or https:// address"),
        ("http://", "not an http:// or https:// address"),
    ] {
        let failure = ask_openai(&openai_at(endpoint)).unwrap_err();
        assert_eq!(failure.reason, Reason::Connection, "{endpoint}");
        assert!(failure.detail.contains(words), "{failure}");
    }
}
