//! One session, from its first prompt on.

use axum::extract::State;

use crate::store::Reader;
use crate::store::web::{Fields as _, WebObservation, WebPrompt, WebRow, WebSummary};

use super::super::answer::{Answer, Array, Failure, Fields, Sorted};
use super::super::ask::Segment;
use super::super::state::Shared;

/// Rows of each kind.
const MOST: usize = 1000;

pub(in super::super) async fn turns(State(app): State<Shared>, Segment(id): Segment) -> Answer {
    app.pool
        .read(move |reader| {
            let found = reader.map(|reader| reader.in_snapshot(|| told(reader, &id)));
            found
                .transpose()?
                .flatten()
                .map(Fields::ok)
                .ok_or_else(|| Failure::not_found(format!("Session {id} not found")))
        })
        .await
}

/// Everything that is remembered of a session, each list oldest first.
fn told(reader: &Reader, name: &str) -> Result<Option<Fields>, Failure> {
    let Some(session) = reader.web_session_named(name)? else {
        return Ok(None);
    };
    let id = session.id;
    let prompts = rows::<WebPrompt>(reader, id, |row| (row.created_at_epoch, row.id))?;
    let observations = rows::<WebObservation>(reader, id, |row| (row.created_at_epoch, row.id))?;
    let summaries = rows::<WebSummary>(reader, id, |row| (row.created_at_epoch, row.id))?;
    let fields = Fields::default()
        .put("session", &session)?
        .put_items("prompts", &[&prompts.0])
        .put_items("observations", &[&observations.0])
        .put_items("summaries", &[&summaries.0])
        // A list was cut at its limit: there is more.
        .put("truncated", &(prompts.1 || observations.1 || summaries.1))?;
    Ok(Some(fields))
}

/// The first rows of a session, and whether there are more.
fn rows<T: WebRow>(
    reader: &Reader,
    session: i64,
    order: impl Fn(&T::Seen<'_>) -> (i64, i64),
) -> Result<(Array, bool), Failure> {
    let (ids, truncated) = reader.web_ids_of_session::<T>(session, MOST)?;
    let mut rows = reader.web_rows_of::<T>()?;
    let mut items = Sorted::default();
    for id in ids {
        rows.see(id, |row| {
            items.push(order(&row), |object| row.fields(object));
        })?;
    }
    Ok((items.done(), truncated))
}
