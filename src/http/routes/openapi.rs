//! The API's own description, which the contract tests hold the answers to.

use axum::http::HeaderMap;
use axum::response::Response;

use super::viewer::unchanging;

const DOCUMENT: &str = include_str!("../openapi.json");

pub(in super::super) async fn document(headers: HeaderMap) -> Response {
    unchanging("application/json", DOCUMENT, &headers)
}
