//! The API's own description, which the contract tests hold the answers to.

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;

const DOCUMENT: &str = include_str!("../openapi.json");

pub(in super::super) async fn document() -> Response {
    let mut response = Response::new(Body::from(DOCUMENT));
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}
