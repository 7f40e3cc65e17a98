//! Answers: JSON, whatever happens.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::body::{Frame, SizeHint};
use serde::Serialize;
use serde_json::{Value, json};

use crate::store::StoreError;

/// A request that cannot be answered as it was meant.
#[derive(Debug)]
pub(super) struct Failure {
    status: StatusCode,
    body: Value,
    /// Methods that would be answered, with status 405.
    allow: Option<&'static str>,
}

impl Failure {
    pub(super) fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self {
            status,
            body: json!({ "error": error.into() }),
            allow: None,
        }
    }

    pub(super) fn bad(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error)
    }

    pub(super) fn not_found(error: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, error)
    }

    pub(super) fn forbidden(error: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, error)
    }

    pub(super) fn unavailable(error: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, error)
    }

    /// With one more field.
    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        if let Value::Object(fields) = &mut self.body {
            fields.insert(name.to_owned(), value.into());
        }
        self
    }

    pub(super) fn allowing(mut self, methods: &'static str) -> Self {
        self.allow = Some(methods);
        self
    }

    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    /// What to do about it, where that is known.
    pub(super) fn hint(&self) -> &str {
        self.body["hint"].as_str().unwrap_or_default()
    }

    /// What went wrong, for a client that shows it as text.
    pub(super) fn text(&self) -> &str {
        self.body["error"].as_str().unwrap_or_default()
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        tracing::warn!("{error}");
        Self::unavailable(error.to_string())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = with_json(self.status, self.body.to_string().into_bytes());
        if let Some(methods) = self.allow {
            response
                .headers_mut()
                .insert(header::ALLOW, HeaderValue::from_static(methods));
        }
        response
    }
}

pub(super) type Answer = Result<Response, Failure>;

/// Status 200 and this value.
pub(super) fn ok(value: &impl Serialize) -> Answer {
    let bytes = serde_json::to_vec(value).map_err(|error| unwritten(&error))?;
    Ok(with_json(StatusCode::OK, bytes))
}

/// Status 200 and a value that is written already.
pub(super) fn written(json: String) -> Response {
    with_json(StatusCode::OK, json.into_bytes())
}

/// A value as JSON.
pub(super) fn json_of(value: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|error| unwritten(&error))
}

/// A JSON array that is written item by item.
#[derive(Debug, Default)]
pub(super) struct Items(Vec<u8>);

/// Items of a JSON array, written: however often it stands in an answer, it is
/// there once.
#[derive(Debug, Clone)]
pub(super) struct Array(Bytes);

impl Items {
    pub(super) fn of<T: Serialize>(items: impl IntoIterator<Item = T>) -> Result<Array, Failure> {
        let mut all = Self::default();
        for item in items {
            all.push(&item)?;
        }
        Ok(all.done())
    }

    pub(super) fn push(&mut self, item: &impl Serialize) -> Result<(), Failure> {
        if !self.0.is_empty() {
            self.0.push(b',');
        }
        serde_json::to_writer(&mut self.0, item).map_err(|error| unwritten(&error))
    }

    pub(super) fn done(self) -> Array {
        Array(self.0.into())
    }
}

/// A JSON object whose fields are written one by one.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pieces: Pieces,
    /// What comes behind the pieces.
    last: Vec<u8>,
}

impl Fields {
    /// A field; its name needs no escape.
    pub(super) fn put(mut self, name: &str, value: &impl Serialize) -> Result<Self, Failure> {
        self.name(name);
        serde_json::to_writer(&mut self.last, value).map_err(|error| unwritten(&error))?;
        Ok(self)
    }

    /// The items of these arrays, one after the other, as one.
    pub(super) fn put_items(mut self, name: &str, arrays: &[&Array]) -> Self {
        self.name(name);
        self.last.push(b'[');
        let filled = arrays.iter().filter(|array| !array.0.is_empty());
        for (place, array) in filled.enumerate() {
            if place > 0 {
                self.last.push(b',');
            }
            self.pieces.push(std::mem::take(&mut self.last).into());
            self.pieces.push(array.0.clone());
        }
        self.last.push(b']');
        self
    }

    fn name(&mut self, name: &str) {
        let is_first = self.last.is_empty() && self.pieces.0.is_empty();
        self.last.push(if is_first { b'{' } else { b',' });
        self.last.push(b'"');
        self.last.extend_from_slice(name.as_bytes());
        self.last.extend_from_slice(b"\":");
    }

    /// Status 200 and the object.
    pub(super) fn ok(mut self) -> Response {
        if self.last.is_empty() {
            self.last.push(b'{');
        }
        self.last.push(b'}');
        self.pieces.push(self.last.into());
        with_type(Body::new(self.pieces), "application/json")
    }
}

/// A body whose length is known.
#[derive(Debug, Default)]
struct Pieces(VecDeque<Bytes>);

impl Pieces {
    fn push(&mut self, piece: Bytes) {
        self.0.push_back(piece);
    }
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.iter().map(|piece| piece.len() as u64).sum())
    }
}

fn unwritten(error: &serde_json::Error) -> Failure {
    Failure::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        format!("failed to write the answer: {error}"),
    )
}

/// Status 200 and a text for people.
pub(super) fn text(text: String) -> Response {
    with_type(Body::from(text), "text/plain; charset=utf-8")
}

fn with_json(status: StatusCode, bytes: Vec<u8>) -> Response {
    let mut response = with_type(Body::from(bytes), "application/json");
    *response.status_mut() = status;
    response
}

fn with_type(body: Body, kind: &'static str) -> Response {
    let mut response = Response::new(body);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_written_piece_by_piece_is_json() {
        let numbers = Items::of([1, 2]).unwrap();
        let nothing = Items::default().done();
        let texts = Items::of(["\"a\""]).unwrap();
        let written = Fields::default()
            .put("title", &"line\nbreak")
            .unwrap()
            .put_items("none", &[&nothing, &nothing])
            .put_items("all", &[&nothing, &numbers, &nothing, &texts])
            .put_items("again", &[&numbers])
            .ok();
        let length = written.body().size_hint().exact();
        let bytes = axum::body::to_bytes(written.into_body(), 1000)
            .await
            .unwrap();
        let read: Value = serde_json::from_slice(&bytes).unwrap();
        let expected = json!({
            "title": "line\nbreak", "none": [], "all": [1, 2, "\"a\""], "again": [1, 2],
        });
        assert_eq!(length, Some(bytes.len() as u64));
        assert_eq!(read, expected);
        let empty = Fields::default().ok().into_body();
        assert_eq!(axum::body::to_bytes(empty, 10).await.unwrap(), "{}");
    }
}
