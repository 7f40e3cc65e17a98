//! The Messages API.

use serde_json::{Value, json};

use super::asked::Asked;
use super::faults::Fault;
use super::http::Answer;
use super::tokens::Usage;

/// Characters in one event of a stream.
const CHUNK: usize = 200;

/// The model's whole answer.
pub(super) fn message(
    number: usize,
    body: &Value,
    content: &[Value],
    stop_reason: &str,
    usage: Usage,
) -> Value {
    json!({
        "id": format!("msg_{number:06}"), "type": "message", "role": "assistant",
        "model": body["model"], "stop_sequence": null, "stop_reason": stop_reason,
        "usage": {"input_tokens": usage.input, "output_tokens": usage.output,
            "cache_creation_input_tokens": usage.cache_creation,
            "cache_read_input_tokens": usage.cache_read, "service_tier": "standard"},
        "content": content,
    })
}

/// The message, in the way that the client asked for.
pub(super) fn answer(body: &Value, message: &Value) -> Answer {
    if body["stream"] == true {
        Answer::events(as_events(message))
    } else {
        Answer::json(message)
    }
}

/// The message as the events in which it is streamed.
fn as_events(message: &Value) -> String {
    let mut begun = message.clone();
    begun["content"] = json!([]);
    begun["stop_reason"] = Value::Null;
    let mut events = vec![
        json!({"type": "message_start", "message": begun}),
        json!({"type": "ping"}),
    ];
    let blocks = message["content"].as_array().into_iter().flatten();
    for (index, block) in blocks.enumerate() {
        let mut empty = block.clone();
        let deltas = if block["type"] == "tool_use" {
            empty["input"] = json!({});
            vec![json!({"type": "input_json_delta", "partial_json": block["input"].to_string()})]
        } else {
            empty["text"] = json!("");
            pieces(block["text"].as_str().unwrap_or_default())
                .map(|piece| json!({"type": "text_delta", "text": piece}))
                .collect()
        };
        events.push(json!({"type": "content_block_start", "index": index, "content_block": empty}));
        for delta in deltas {
            events.push(json!({"type": "content_block_delta", "index": index, "delta": delta}));
        }
        events.push(json!({"type": "content_block_stop", "index": index}));
    }
    let delta = json!({"stop_reason": message["stop_reason"], "stop_sequence": null});
    events.push(json!({"type": "message_delta", "delta": delta, "usage": message["usage"]}));
    events.push(json!({"type": "message_stop"}));
    events
        .iter()
        .map(|event| {
            let name = event["type"].as_str().unwrap_or_default();
            format!("event: {name}\ndata: {event}\n\n")
        })
        .collect::<Vec<_>>()
        .concat()
}

/// A text as the pieces in which it is streamed.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = String> {
    let characters: Vec<char> = text.chars().collect();
    let pieces: Vec<String> = characters
        .chunks(CHUNK)
        .map(|chunk| chunk.iter().collect())
        .collect();
    pieces.into_iter()
}

/// The error that a fault shows itself as; `None` for one that is no error.
pub(super) fn refusal(fault: &Fault, asked: &Asked, number: usize) -> Option<Answer> {
    let (status, kind) = match fault {
        Fault::Auth => (401, "authentication_error"),
        Fault::Permission => (403, "permission_error"),
        Fault::Quota | Fault::RateLimit { .. } => (429, "rate_limit_error"),
        Fault::Overloaded => (529, "overloaded_error"),
        Fault::ApiError => (500, "api_error"),
        Fault::NotFound => (404, "not_found_error"),
        Fault::Credit | Fault::BadRequest | Fault::ContextTooLong { .. } => {
            (400, "invalid_request_error")
        }
        _ => return None,
    };
    let id = format!("req_{number:06}");
    let error = json!({"type": kind, "message": words(fault, asked)});
    let body = json!({"type": "error", "error": error, "request_id": id});
    Some(Answer::error(status, &body).header("request-id", id))
}

fn words(fault: &Fault, asked: &Asked) -> String {
    let text = match fault {
        Fault::Auth => "invalid x-api-key",
        Fault::Permission => "Your API key does not have permission to use the specified resource.",
        Fault::Credit => {
            "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits."
        }
        Fault::Quota => {
            "You have reached your specified API usage limits. You will regain access on 2099-01-01 at 00:00 UTC."
        }
        Fault::RateLimit { .. } => {
            "This request would exceed your account's rate limit. Please try again later."
        }
        Fault::Overloaded => "Overloaded",
        Fault::NotFound => {
            let model = asked.body["model"].as_str().unwrap_or_default();
            return format!("model: {model}");
        }
        Fault::BadRequest => "messages: at least one message is required",
        Fault::ContextTooLong { over_chars } => {
            let (given, most) = (asked.input_chars().div_ceil(4), over_chars.div_ceil(4));
            return format!("prompt is too long: {given} tokens > {most} maximum");
        }
        _ => "Internal server error",
    };
    text.to_owned()
}
