//! How memory is used, for clients that ask the server; and what other versions
//! of the API offer and this one does not.

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

use super::super::answer::{self, Answer, Failure, ok};

const GUIDE: &str = include_str!("guide.md");

pub(in super::super) async fn for_models() -> Answer {
    ok(&json!({ "content": [{ "type": "text", "text": GUIDE }] }))
}

pub(in super::super) async fn for_people() -> Response {
    answer::text(GUIDE.to_owned())
}

/// The original's lists of observations that a model is made to read. None are
/// kept, so the list of them is empty.
pub(in super::super) async fn no_corpora() -> Answer {
    ok(&json!({ "content": [{ "type": "text", "text": "[]" }] }))
}

pub(in super::super) async fn corpora(request: Request) -> Failure {
    unsupported(
        &request,
        "search with project, obs_type, concepts, files or dates instead: GET /api/search",
    )
}

pub(in super::super) async fn tool_uses(request: Request) -> Failure {
    unsupported(
        &request,
        "tool calls are not kept once they are remembered; read the observations of their session: POST /api/observations/batch",
    )
}

pub(in super::super) async fn administration(request: Request) -> Failure {
    unsupported(
        &request,
        "use `claude-mem serve stop` or `claude-mem serve restart`; workers end by themselves",
    )
}

fn unsupported(request: &Request, hint: &str) -> Failure {
    Failure::new(StatusCode::NOT_IMPLEMENTED, "not offered by this server")
        .with("path", request.uri().path())
        .with("hint", hint)
}
