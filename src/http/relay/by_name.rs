//! Clients that call a session by Claude Code's id of it.

use axum::extract::State;
use serde_json::json;

use super::super::answer::{Answer, Failure, ok};
use super::super::ask::JsonBody;
use super::super::state::{MayWrite, Shared};
use super::{Outcome, hand_over, payload, session, session_name, status};

/// What clients call what a tool gave back.
const TOOL_OUTPUT: [&str; 5] = [
    "tool_response",
    "tool_result",
    "tool_output",
    "toolResponse",
    "toolOutput",
];

pub(in super::super) async fn init(
    State(app): State<Shared>,
    _may: MayWrite,
    body: JsonBody,
) -> Answer {
    let name = session_name(&app, &body).await?;
    let prompt = body.text(&["prompt", "userPrompt"]).unwrap_or_default();
    ok(&begin(&app, &name, prompt, &body).await?)
}

/// A prompt; without one the session is only looked up.
pub(super) async fn begin(
    app: &Shared,
    name: &str,
    prompt: &str,
    body: &JsonBody,
) -> Result<serde_json::Value, Failure> {
    let mut event = payload(name, "UserPromptSubmit", body);
    event.insert("prompt".to_owned(), prompt.into());
    let outcome = hand_over(app, name, event, body).await?;
    let (receipt, reason) = match outcome {
        Outcome::Committed { receipt, .. } => {
            let reason = receipt.skip_reason.clone();
            (Some(receipt), reason)
        }
        Outcome::NotCaptured(reason) => (None, Some(reason.to_owned())),
    };
    let row = session(app, name).await?;
    let number = receipt.as_ref().map(|receipt| receipt.prompt_number);
    let mut answer = json!({
        "sessionDbId": row.as_ref().map(|row| row.id),
        "promptNumber": number.or_else(|| row.as_ref().map(|row| row.prompt_counter)),
        "skipped": reason.is_some(),
        "status": "initialized",
    });
    if let Some(reason) = reason {
        answer["reason"] = reason.into();
    }
    Ok(answer)
}

pub(in super::super) async fn observation(
    State(app): State<Shared>,
    _may: MayWrite,
    body: JsonBody,
) -> Answer {
    let name = session_name(&app, &body).await?;
    ok(&status(&tool_call(&app, &name, &body).await?))
}

pub(super) async fn tool_call(
    app: &Shared,
    name: &str,
    body: &JsonBody,
) -> Result<Outcome, Failure> {
    let Some(tool) = body.text(&["tool_name", "toolName"]) else {
        return Err(Failure::bad("tool_name is required"));
    };
    let mut event = payload(name, "PostToolUse", body);
    event.insert("tool_name".to_owned(), tool.into());
    let input = body.value(&["tool_input", "toolInput"]).cloned();
    event.insert("tool_input".to_owned(), input.unwrap_or_default());
    let output = body.value(&TOOL_OUTPUT);
    event.insert(
        "tool_response".to_owned(),
        output.cloned().unwrap_or_default(),
    );
    if let Some(id) = body.text(&["tool_use_id", "toolUseId", "correlation_id"]) {
        event.insert("tool_use_id".to_owned(), id.into());
    }
    hand_over(app, name, event, body).await
}

pub(in super::super) async fn summarize(
    State(app): State<Shared>,
    _may: MayWrite,
    body: JsonBody,
) -> Answer {
    let name = session_name(&app, &body).await?;
    ok(&status(&stop(&app, &name, &body).await?))
}

/// The end of a turn, which is what a summary is made at.
pub(super) async fn stop(app: &Shared, name: &str, body: &JsonBody) -> Result<Outcome, Failure> {
    let mut event = payload(name, "Stop", body);
    if let Some(text) = body.text(&["last_assistant_message", "lastAssistantMessage"]) {
        event.insert("last_assistant_message".to_owned(), text.into());
    }
    hand_over(app, name, event, body).await
}

pub(in super::super) async fn complete(
    State(app): State<Shared>,
    _may: MayWrite,
    body: JsonBody,
) -> Answer {
    let name = session_name(&app, &body).await?;
    end(&app, &name, &body).await?;
    ok(&json!({ "success": true }))
}

/// The end of the session.
pub(super) async fn end(app: &Shared, name: &str, body: &JsonBody) -> Result<Outcome, Failure> {
    hand_over(app, name, payload(name, "SessionEnd", body), body).await
}
