//! Chat completions, as OpenAI and those who imitate it have them.

use serde_json::{Value, json};

use super::anthropic::pieces;
use super::asked::Asked;
use super::faults::Fault;
use super::http::Answer;
use super::tokens::Usage;

/// When every answer was made, in seconds since the epoch.
const CREATED: u64 = 1_700_000_000;

/// The model's whole answer, in the way that the client asked for. Without text
/// its content is null.
pub(super) fn answer(
    number: usize,
    body: &Value,
    text: Option<&str>,
    finish: &str,
    usage: Usage,
) -> Answer {
    let base = |object: &str| {
        json!({"id": format!("chatcmpl-{number:06}"), "object": object, "created": CREATED,
            "model": body["model"]})
    };
    let usage = json!({"prompt_tokens": usage.read(), "completion_tokens": usage.output,
        "total_tokens": usage.total(),
        "prompt_tokens_details": {"cached_tokens": usage.cache_read}});
    if body["stream"] == true {
        let usage = reports_usage(body).then_some(usage);
        return Answer::events(as_events(
            &base("chat.completion.chunk"),
            text,
            finish,
            usage,
        ));
    }
    let mut completion = base("chat.completion");
    let message = json!({"role": "assistant", "content": text, "refusal": null});
    completion["choices"] =
        json!([{"index": 0, "message": message, "logprobs": null, "finish_reason": finish}]);
    completion["usage"] = usage;
    Answer::json(&completion)
}

/// Whether the client is told what a call cost.
pub(super) fn reports_usage(body: &Value) -> bool {
    body["stream"] != true || body["stream_options"]["include_usage"] == true
}

fn as_events(base: &Value, text: Option<&str>, finish: &str, usage: Option<Value>) -> String {
    let chunk = |delta: Value, finish: Option<&str>| {
        let mut chunk = base.clone();
        chunk["choices"] =
            json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}]);
        chunk
    };
    let mut chunks = vec![chunk(json!({"role": "assistant", "content": ""}), None)];
    for piece in pieces(text.unwrap_or_default()) {
        chunks.push(chunk(json!({"content": piece}), None));
    }
    chunks.push(chunk(json!({}), Some(finish)));
    if let Some(usage) = usage {
        let mut last = base.clone();
        last["choices"] = json!([]);
        last["usage"] = usage;
        chunks.push(last);
    }
    let mut events: Vec<String> = chunks
        .iter()
        .map(|chunk| format!("data: {chunk}\n\n"))
        .collect();
    events.push("data: [DONE]\n\n".to_owned());
    events.concat()
}

/// What can be asked, in the shapes of both dialects.
pub(super) fn models() -> Answer {
    let model = json!({"id": "fake-model", "object": "model", "type": "model",
        "created": CREATED, "owned_by": "tests", "display_name": "Fake model"});
    Answer::json(&json!({"object": "list", "data": [model], "has_more": false}))
}

/// The error that a fault shows itself as; `None` for one that is no error.
pub(super) fn refusal(fault: &Fault, asked: &Asked) -> Option<Answer> {
    let (status, kind, code) = match fault {
        Fault::Auth => (401, "invalid_request_error", json!("invalid_api_key")),
        Fault::Permission => (403, "invalid_request_error", Value::Null),
        Fault::Credit => (402, "insufficient_credits", json!(402)),
        Fault::Quota => (429, "insufficient_quota", json!("insufficient_quota")),
        Fault::RateLimit { .. } => (429, "requests", json!("rate_limit_exceeded")),
        Fault::Overloaded => (503, "server_error", Value::Null),
        Fault::ApiError => (500, "server_error", Value::Null),
        Fault::NotFound => (404, "invalid_request_error", json!("model_not_found")),
        Fault::BadRequest => (400, "invalid_request_error", json!("invalid_value")),
        Fault::ContextTooLong { .. } => (
            400,
            "invalid_request_error",
            json!("context_length_exceeded"),
        ),
        _ => return None,
    };
    let error = json!({"message": words(fault, asked), "type": kind, "param": null, "code": code});
    Some(Answer::error(status, &json!({"error": error})))
}

fn words(fault: &Fault, asked: &Asked) -> String {
    let model = asked.body["model"].as_str().unwrap_or_default();
    let text = match fault {
        Fault::Auth => {
            "Incorrect API key provided. You can find your API key at https://platform.openai.com/account/api-keys."
        }
        Fault::Permission => {
            "You have insufficient permissions for this operation. Missing scopes: model.request."
        }
        Fault::Credit => {
            "Insufficient credits. Add more using https://openrouter.ai/settings/credits"
        }
        Fault::Quota => {
            "You exceeded your current quota, please check your plan and billing details."
        }
        Fault::RateLimit { .. } => {
            return format!(
                "Rate limit reached for {model} on requests per min (RPM): Limit 3, Used 3, Requested 1."
            );
        }
        Fault::Overloaded => "The engine is currently overloaded, please try again later",
        Fault::NotFound => {
            return format!("The model `{model}` does not exist or you do not have access to it.");
        }
        Fault::BadRequest => "Invalid value for 'messages': expected at least one message.",
        Fault::ContextTooLong { over_chars } => {
            let (most, given) = (over_chars.div_ceil(4), asked.input_chars().div_ceil(4));
            return format!(
                "This model's maximum context length is {most} tokens. However, your messages resulted in {given} tokens. Please reduce the length of the messages."
            );
        }
        _ => "The server had an error while processing your request. Sorry about that!",
    };
    text.to_owned()
}
