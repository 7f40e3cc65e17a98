//! Clients that call a session by its number: ours, or one of their own choice
//! that they have told us with the first prompt.

use axum::extract::State;
use serde_json::{Value, json};

use super::super::answer::{Answer, Failure, ok};
use super::super::ask::{JsonBody, Segment};
use super::super::routes::rows::number;
use super::super::state::{MayWrite, Shared};
use super::by_name::{begin, end, stop, tool_call};
use super::{Outcome, checked, status};

pub(in super::super) async fn init(
    State(app): State<Shared>,
    Segment(id): Segment,
    _may: MayWrite,
    body: JsonBody,
) -> Answer {
    let id = number(&id)?;
    let names = ["sdk_session_id", "claudeSessionId", "contentSessionId"];
    let name = match body.text(&names) {
        Some(name) => checked(name, "sdk_session_id")?,
        None => name_of(&app, id).await?,
    };
    app.name_session(id, &name);
    let prompt = body.text(&["userPrompt", "prompt"]).unwrap_or_default();
    let answer = if prompt.is_empty() {
        json!({ "sessionDbId": super::session(&app, &name).await?.map(|row| row.id) })
    } else {
        begin(&app, &name, prompt, &body).await?
    };
    ok(&json!({
        "success": true,
        "session_id": name,
        "sessionDbId": answer["sessionDbId"].as_i64().unwrap_or(id),
        "status": "initialized",
    }))
}

pub(in super::super) async fn observation(
    State(app): State<Shared>,
    Segment(id): Segment,
    _may: MayWrite,
    body: JsonBody,
) -> Answer {
    let name = name_of(&app, number(&id)?).await?;
    let outcome = tool_call(&app, &name, &body).await?;
    ok(&queued(&outcome, "observation_id"))
}

pub(in super::super) async fn summarize(
    State(app): State<Shared>,
    Segment(id): Segment,
    _may: MayWrite,
    body: JsonBody,
) -> Answer {
    let name = name_of(&app, number(&id)?).await?;
    let outcome = stop(&app, &name, &body).await?;
    ok(&queued(&outcome, "summary_id"))
}

/// `{success, status, <id>}`: the id is the event's in the queue.
fn queued(outcome: &Outcome, id: &str) -> Value {
    let mut answer = status(outcome);
    answer["success"] = true.into();
    if let Outcome::Committed { receipt, .. } = outcome {
        answer[id] = receipt.queue_id.into();
    }
    answer
}

pub(in super::super) async fn complete(
    State(app): State<Shared>,
    Segment(id): Segment,
    _may: MayWrite,
    body: JsonBody,
) -> Answer {
    let name = name_of(&app, number(&id)?).await?;
    end(&app, &name, &body).await?;
    ok(&json!({ "success": true }))
}

/// Ends the session; what it has left in memory stays.
pub(in super::super) async fn forget(
    State(app): State<Shared>,
    Segment(id): Segment,
    _may: MayWrite,
) -> Answer {
    let name = name_of(&app, number(&id)?).await?;
    end(&app, &name, &JsonBody::default()).await?;
    ok(&json!({ "success": true }))
}

pub(super) async fn name_of(app: &Shared, id: i64) -> Result<String, Failure> {
    if let Some(name) = app.named_session(id) {
        return Ok(name);
    }
    app.pool
        .read(move |reader| {
            let row = reader
                .map(|reader| reader.session(id))
                .transpose()?
                .flatten();
            row.map(|row| row.content_session_id)
                .ok_or_else(|| Failure::not_found(format!("Session #{id} not found")))
        })
        .await
}
