//! Clients that call a session by Claude Code's id of it.

use axum::extract::State;
use axum::http::StatusCode;
use capture::privacy;
use serde_json::json;

use crate::store::web::NewestTurn;

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
    if !event.contains_key("prompt_id")
        && let Some(id) = turn_id(newest_turn(app, name).await?.as_ref())
    {
        event.insert("prompt_id".to_owned(), id.into());
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

/// The end of a turn, which is what a summary is made at. A client that has not
/// told what was asked may tell it now.
pub(super) async fn stop(app: &Shared, name: &str, body: &JsonBody) -> Result<Outcome, Failure> {
    if let Some(text) = body.text(&["last_user_message", "lastUserMessage"]) {
        let newest = newest_turn(app, name).await?;
        if !is_known(newest.as_ref(), text) {
            let mut event = payload(name, "UserPromptSubmit", body);
            event.insert("prompt".to_owned(), text.into());
            if let Some(id) = unasked(newest.as_ref()) {
                event.insert("prompt_id".to_owned(), id.into());
            }
            match hand_over(app, name, event, body).await {
                // Not every message is one that the user wrote.
                Err(failure) if failure.status() == StatusCode::BAD_REQUEST => {}
                outcome => drop(outcome?),
            }
        }
    }
    let mut event = payload(name, "Stop", body);
    if let Some(text) = body.text(&["last_assistant_message", "lastAssistantMessage"]) {
        event.insert("last_assistant_message".to_owned(), text.into());
    }
    hand_over(app, name, event, body).await
}

/// Begins the ids of turns whose prompt is told at their end.
const UNASKED: &str = "relay-";

/// The turn of a tool call from a client that tells no prompts beforehand: under
/// its id, the prompt that comes with the turn's end will find it.
fn turn_id(newest: Option<&NewestTurn>) -> Option<String> {
    match newest {
        None => Some(format!("{UNASKED}1")),
        Some(turn) if !is_unasked(turn) => None,
        Some(turn) if turn.is_open => turn.prompt_id.clone(),
        Some(turn) => Some(format!("{UNASKED}{}", turn.number + 1)),
    }
}

fn is_unasked(turn: &NewestTurn) -> bool {
    let id = turn.prompt_id.as_deref();
    id.is_some_and(|id| id.starts_with(UNASKED))
}

/// The open turn that waits for its prompt.
fn unasked(newest: Option<&NewestTurn>) -> Option<String> {
    let waits = |turn: &&NewestTurn| turn.is_open && turn.prompt.is_none() && is_unasked(turn);
    newest.filter(waits)?.prompt_id.clone()
}

/// Whether the turn that is about to end has its prompt, or has ended with this
/// one before.
fn is_known(newest: Option<&NewestTurn>, text: &str) -> bool {
    newest.is_some_and(|turn| {
        let had = turn.prompt.is_some() || turn.private;
        let same = turn.prompt.as_deref().map(str::trim) == Some(privacy::scrub(text).trim());
        same || (had && turn.is_open)
    })
}

async fn newest_turn(app: &Shared, name: &str) -> Result<Option<NewestTurn>, Failure> {
    let name = name.to_owned();
    app.pool
        .read(move |reader| match reader {
            Some(reader) => Ok(reader.newest_turn(&name)?),
            None => Ok(None),
        })
        .await
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
