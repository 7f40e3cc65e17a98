//! Answers: JSON, whatever happens.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::body::{Frame, SizeHint};
use serde::Serialize;
use serde_json::{Value, json};

use crate::store::StoreError;
use crate::store::web::Object;

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

/// Status 200 and an object.
pub(super) fn object(fill: impl FnOnce(&mut Object<'_>)) -> Response {
    let mut bytes = Vec::new();
    Object::write(&mut bytes, fill);
    with_json(StatusCode::OK, bytes)
}

/// Status 200 and these items.
pub(super) fn array(items: &Array) -> Response {
    with_json(StatusCode::OK, [b"[", &*items.0, b"]"].concat())
}

/// Status 200 and a value that is written already.
pub(super) fn written(json: Bytes) -> Response {
    with_json(StatusCode::OK, json)
}

/// A value as JSON, which several answers may share.
pub(super) fn json_of(value: &impl Serialize) -> Result<Bytes, Failure> {
    let mut bytes = serde_json::to_vec(value).map_err(|error| unwritten(&error))?;
    bytes.shrink_to_fit();
    Ok(bytes.into())
}

/// A JSON array of objects that is written item by item.
#[derive(Debug, Default)]
pub(super) struct Items(Vec<u8>);

/// Items of a JSON array, written: however often it stands in an answer, it is
/// there once.
#[derive(Debug, Clone)]
pub(super) struct Array(Bytes);

impl Items {
    /// Adds an object.
    pub(super) fn push(&mut self, fill: impl FnOnce(&mut Object<'_>)) {
        if !self.0.is_empty() {
            self.0.push(b',');
        }
        Object::write(&mut self.0, fill);
    }

    pub(super) fn done(self) -> Array {
        Array(self.0.into())
    }
}

/// Items that stand in the order of their keys, in whatever order they are written.
#[derive(Debug)]
pub(super) struct Sorted<K> {
    items: Items,
    /// Where each lies.
    places: Vec<(K, Range<usize>)>,
}

impl<K> Default for Sorted<K> {
    fn default() -> Self {
        Self {
            items: Items::default(),
            places: Vec::new(),
        }
    }
}

impl<K: Ord + Copy> Sorted<K> {
    /// Adds an object.
    pub(super) fn push(&mut self, key: K, fill: impl FnOnce(&mut Object<'_>)) {
        let start = self.items.0.len();
        self.items.push(fill);
        // Behind the comma.
        let start = start + usize::from(start > 0);
        self.places.push((key, start..self.items.0.len()));
    }

    pub(super) fn done(mut self) -> Array {
        if self.places.is_sorted_by_key(|(key, _)| *key) {
            return self.items.done();
        }
        self.places.sort_by_key(|(key, _)| *key);
        let mut sorted = Vec::with_capacity(self.items.0.len());
        for (_, place) in self.places {
            if !sorted.is_empty() {
                sorted.push(b',');
            }
            sorted.extend_from_slice(&self.items.0[place]);
        }
        Items(sorted).done()
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

fn with_json(status: StatusCode, bytes: impl Into<Body>) -> Response {
    let mut response = with_type(bytes.into(), "application/json");
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
    async fn items_stand_in_the_order_of_their_keys() {
        for (keys, expected) in [
            (vec![], "[]"),
            (vec![1, 2, 2], r#"[{"n":0},{"n":1},{"n":2}]"#),
            (vec![3, 1, 2, 1], r#"[{"n":1},{"n":3},{"n":2},{"n":0}]"#),
        ] {
            let mut items = Sorted::default();
            for (place, key) in keys.into_iter().enumerate() {
                items.push(key, |object| object.value("n", &place));
            }
            let written = Fields::default().put_items("all", &[&items.done()]).ok();
            let bytes = axum::body::to_bytes(written.into_body(), 100).await;
            assert_eq!(bytes.unwrap(), format!("{{\"all\":{expected}}}"));
        }
    }

    #[tokio::test]
    async fn what_is_written_piece_by_piece_is_json() {
        let mut numbers = Items::default();
        numbers.push(|object| object.value("n", &1));
        numbers.push(|object| object.value("n", &2));
        let mut texts = Items::default();
        texts.push(|object| {
            object.text("t", "\"a\"");
        });
        let (numbers, nothing, texts) = (numbers.done(), Items::default().done(), texts.done());
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
            "title": "line\nbreak", "none": [], "all": [{"n": 1}, {"n": 2}, {"t": "\"a\""}],
            "again": [{"n": 1}, {"n": 2}],
        });
        assert_eq!(length, Some(bytes.len() as u64));
        assert_eq!(read, expected);
        let empty = Fields::default().ok().into_body();
        assert_eq!(axum::body::to_bytes(empty, 10).await.unwrap(), "{}");
    }
}
