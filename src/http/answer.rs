//! Answers: JSON, whatever happens.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
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

/// A JSON array whose items are written one by one.
#[derive(Debug, Default)]
pub(super) struct Items(Vec<u8>);

impl Items {
    pub(super) fn of<T: Serialize>(items: impl IntoIterator<Item = T>) -> Result<Self, Failure> {
        let mut all = Self::default();
        for item in items {
            all.push(&item)?;
        }
        Ok(all)
    }

    pub(super) fn push(&mut self, item: &impl Serialize) -> Result<(), Failure> {
        if !self.0.is_empty() {
            self.0.push(b',');
        }
        serde_json::to_writer(&mut self.0, item).map_err(|error| unwritten(&error))
    }
}

/// A JSON object whose fields are written one by one: the same rows can stand
/// under several names and be written once.
#[derive(Debug, Default)]
pub(super) struct Fields(Vec<u8>);

impl Fields {
    /// A field; its name needs no escape.
    pub(super) fn put(mut self, name: &str, value: &impl Serialize) -> Result<Self, Failure> {
        self.name(name);
        serde_json::to_writer(&mut self.0, value).map_err(|error| unwritten(&error))?;
        Ok(self)
    }

    /// The items of these arrays, one after the other, as one.
    pub(super) fn put_items(mut self, name: &str, arrays: &[&Items]) -> Self {
        self.name(name);
        // Whole at once: such an answer may have a hundred thousand bytes.
        self.0
            .reserve(arrays.iter().map(|items| items.0.len() + 1).sum::<usize>() + 64);
        self.0.push(b'[');
        let filled = arrays.iter().filter(|items| !items.0.is_empty());
        for (place, items) in filled.enumerate() {
            if place > 0 {
                self.0.push(b',');
            }
            self.0.extend_from_slice(&items.0);
        }
        self.0.push(b']');
        self
    }

    fn name(&mut self, name: &str) {
        self.0.push(if self.0.is_empty() { b'{' } else { b',' });
        self.0.push(b'"');
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":");
    }

    /// Status 200 and the object.
    pub(super) fn ok(mut self) -> Response {
        if self.0.is_empty() {
            self.0.push(b'{');
        }
        self.0.push(b'}');
        with_json(StatusCode::OK, self.0)
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
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    response
}

fn with_json(status: StatusCode, bytes: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_written_piece_by_piece_is_json() {
        let numbers = Items::of([1, 2]).unwrap();
        let nothing = Items::default();
        let texts = Items::of(["\"a\""]).unwrap();
        let written = Fields::default()
            .put("title", &"line\nbreak")
            .unwrap()
            .put_items("none", &[&nothing, &nothing])
            .put_items("all", &[&nothing, &numbers, &nothing, &texts])
            .ok();
        let bytes = axum::body::to_bytes(written.into_body(), 1000)
            .await
            .unwrap();
        let read: Value = serde_json::from_slice(&bytes).unwrap();
        let expected = json!({ "title": "line\nbreak", "none": [], "all": [1, 2, "\"a\""] });
        assert_eq!(read, expected);
        let empty = Fields::default().ok().into_body();
        assert_eq!(axum::body::to_bytes(empty, 10).await.unwrap(), "{}");
    }
}
