//! Something to be remembered in somebody's own words.

use std::path::Path;
use std::time::Instant;

use axum::extract::State;
use capture::project::UNFILED;
use capture::relay::{NamedProject, Relayed};
use capture::remember::{Memory, Unfit, remember};
use serde_json::Value;

use super::super::answer::{Answer, Failure, ok};
use super::super::ask::JsonBody;
use super::super::state::{MayWrite, Shared, settings};
use super::{ACK, Outcome, checked, hand_over_with, project, status};

/// Sessions that nobody has had: each collects what is remembered of a project.
/// The command line and the MCP server call them so too.
const SESSION: &str = "remember-";

/// Concepts, and files, of one memory.
const MOST_ITEMS: usize = 20;

/// The words are kept as they are, and no model reads them. The answer comes
/// when they are stored.
pub(in super::super) async fn save(
    State(app): State<Shared>,
    _may: MayWrite,
    mut body: JsonBody,
) -> Answer {
    let memory = memory(&body)?;
    let name = checked(body.text(&["project"]).unwrap_or(UNFILED), "project")?;
    body.0.insert("project".to_owned(), name.clone().into());
    let session = format!("{SESSION}{name}");
    let project = project(&app, &session, &body).await?;
    let of = session.clone();
    let outcome = hand_over_with(&app, &session, move || keep(&memory, &of, project)).await?;
    let mut answer = status(&outcome);
    answer["project"] = name.into();
    answer["success"] = matches!(outcome, Outcome::Committed { .. }).into();
    answer["message"] = match outcome {
        Outcome::NotCaptured(reason) => format!("Not kept: {reason}"),
        Outcome::Committed { event_id, .. } => match row(&app, event_id).await? {
            Some((id, title)) => {
                answer["id"] = id.into();
                answer["title"] = title.into();
                "Remembered, word for word".to_owned()
            }
            None => "This was remembered before".to_owned(),
        },
    }
    .into();
    ok(&answer)
}

fn memory(body: &JsonBody) -> Result<Memory, Failure> {
    let text = body
        .text(&["text"])
        .filter(|text| !text.trim().is_empty())
        .ok_or_else(|| Failure::bad("text is required"))?
        .to_owned();
    let list = |name: &str| match body.value(&[name]) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(items)) if items.len() <= MOST_ITEMS => items
            .iter()
            .map(|item| item.as_str().map(str::to_owned))
            .collect::<Option<_>>()
            .ok_or_else(|| Failure::bad(format!("{name} must be an array of texts"))),
        Some(_) => Err(Failure::bad(format!(
            "{name} must be an array of at most {MOST_ITEMS} texts"
        ))),
    };
    Ok(Memory {
        text,
        kind: body.text(&["type"]).map(str::to_owned),
        title: body.text(&["title"]).map(str::to_owned),
        concepts: list("concepts")?,
        files: list("files")?,
    })
}

fn keep(memory: &Memory, session: &str, project: Option<NamedProject>) -> Result<Relayed, Failure> {
    let by = Instant::now() + ACK;
    remember(&settings(), memory, session, Path::new("/"), project, by).map_err(|why| match why {
        Unfit::Empty => Failure::bad("text is empty, or wholly private"),
        Unfit::TooLong { bytes, most } => Failure::bad(format!(
            "with title, concepts and files it has {bytes} bytes, and {most} are kept word for word"
        )),
    })
}

/// Id and title of what an event has stored, if it has.
async fn row(app: &Shared, event_id: String) -> Result<Option<(i64, String)>, Failure> {
    app.pool
        .read(move |reader| {
            let Some(reader) = reader else {
                return Ok(None);
            };
            let id = reader.observation_id(&event_id)?;
            let row = id.map(|id| reader.observation(id)).transpose()?.flatten();
            Ok(row.map(|row| (row.id, row.title)))
        })
        .await
}
