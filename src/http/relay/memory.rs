//! Something to be remembered that no session has seen.

use axum::extract::State;
use capture::project::UNFILED;
use serde_json::json;

use super::super::answer::{Answer, Failure, ok};
use super::super::ask::JsonBody;
use super::super::state::{MayWrite, Shared};
use super::{Outcome, checked, hand_over, payload, status};

/// Sessions that nobody has had; each project has one.
const SESSION: &str = "manual-";

/// Characters of the text that stand for a title.
const TITLE_CHARS: usize = 60;

/// It becomes a turn of its own, whose end says it: so it goes the way of
/// everything else, and is scrubbed and remembered by the same rules.
pub(in super::super) async fn save(
    State(app): State<Shared>,
    _may: MayWrite,
    mut body: JsonBody,
) -> Answer {
    let text = body
        .text(&["text"])
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .ok_or_else(|| Failure::bad("text is required"))?
        .to_owned();
    let project = checked(body.text(&["project"]).unwrap_or(UNFILED), "project")?;
    body.0.insert("project".to_owned(), project.clone().into());
    let title = body
        .text(&["title"])
        .map_or_else(|| shortened(&text), str::to_owned);
    let session = format!("{SESSION}{project}");
    let mut prompt = payload(&session, "UserPromptSubmit", &body);
    prompt.insert("prompt".to_owned(), format!("Remember: {title}").into());
    hand_over(&app, &session, prompt, &body).await?;
    let mut end = payload(&session, "Stop", &body);
    end.insert("last_assistant_message".to_owned(), text.into());
    let outcome = hand_over(&app, &session, end, &body).await?;
    let mut answer = status(&outcome);
    answer["success"] = matches!(outcome, Outcome::Committed { .. }).into();
    answer["title"] = title.into();
    answer["project"] = project.into();
    answer["message"] = json!("Taken; it can be found in a moment");
    ok(&answer)
}

fn shortened(text: &str) -> String {
    let mut title: String = text.chars().take(TITLE_CHARS).collect();
    if title.len() < text.len() {
        title.push('…');
    }
    title
}
