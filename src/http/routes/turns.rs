//! One session, from its first prompt on.

use axum::extract::State;

use super::super::answer::{Answer, Failure, ok};
use super::super::ask::Segment;
use super::super::state::Shared;

/// Rows of each kind.
const MOST: usize = 1000;

pub(in super::super) async fn turns(State(app): State<Shared>, Segment(id): Segment) -> Answer {
    app.pool
        .read(move |reader| {
            let turns = reader
                .map(|reader| reader.web_turns(&id, MOST))
                .transpose()?
                .flatten()
                .ok_or_else(|| Failure::not_found(format!("Session {id} not found")))?;
            ok(&turns)
        })
        .await
}
