//! What a request asks: its query and its body, both bounded.

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use futures_util::StreamExt as _;
use serde_json::{Map, Value};

use super::answer::Failure;
use super::state::Shared;

/// Longest body that is taken.
const MAX_BODY_BYTES: usize = 5 * 1024 * 1024;

/// How long a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(10);

/// A body that is too long is read to its end, and dropped, for so long: a
/// client that is still writing does not read the answer.
const DRAIN_TIME: Duration = Duration::from_secs(3);

/// The one part of a path that is not fixed.
#[derive(Debug)]
pub(super) struct Segment(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        Path::from_request_parts(parts, state)
            .await
            .map(|Path(text)| Self(text))
            .map_err(|_| Failure::bad("the path cannot be read"))
    }
}

/// The query's parameters, in their order.
#[derive(Debug, Default)]
pub(super) struct Params(Vec<(String, String)>);

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Failure> {
        Query::try_from_uri(&parts.uri)
            .map(|Query(pairs)| Self(pairs))
            .map_err(|_| Failure::bad("the query string cannot be read"))
    }
}

impl Params {
    /// The first value of this name that is not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// The first of several names that has a value.
    pub(super) fn any(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.get(name))
    }

    pub(super) fn owned(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }

    /// Every value of this name, those joined by commas one by one.
    pub(super) fn list(&self, name: &str) -> Vec<String> {
        self.values(name)
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .filter(|value| !value.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// Every value of this name as it is.
    pub(super) fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(move |(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.get(name)
            .is_some_and(|value| matches!(value, "true" | "1" | "yes"))
    }

    /// A count; more than `most` counts as that.
    pub(super) fn count(&self, name: &str, default: usize, most: usize) -> Result<usize, Failure> {
        let Some(text) = self.get(name) else {
            return Ok(default);
        };
        text.parse()
            .map(|count: usize| count.min(most))
            .map_err(|_| Failure::bad(format!("{name} must be a whole number of 0 or more")))
    }
}

/// A body that is a JSON object; an empty body is an empty one.
#[derive(Debug, Default)]
pub(super) struct JsonBody(pub(super) Map<String, Value>);

impl FromRequest<Shared> for JsonBody {
    type Rejection = Failure;

    async fn from_request(request: Request, _state: &Shared) -> Result<Self, Failure> {
        let declared = request
            .headers()
            .get(header::CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        let bytes = read(request.into_body(), declared).await?;
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self::default());
        }
        match serde_json::from_slice(&bytes) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            Ok(_) => Err(Failure::bad("the body must be a JSON object")),
            Err(error) => Err(Failure::bad(format!("the body is not JSON: {error}"))),
        }
    }
}

impl JsonBody {
    /// The text of the first of these fields that is there and not empty.
    pub(super) fn text(&self, names: &[&str]) -> Option<&str> {
        names
            .iter()
            .find_map(|name| self.0.get(*name)?.as_str())
            .filter(|text| !text.is_empty())
    }

    /// The value of the first of these fields that is there.
    pub(super) fn value(&self, names: &[&str]) -> Option<&Value> {
        names.iter().find_map(|name| self.0.get(*name))
    }

    /// A count; more than `most` counts as that.
    pub(super) fn count(&self, name: &str, default: usize, most: usize) -> Result<usize, Failure> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(default),
            // Some clients send their settings, which are text.
            Some(value) => value
                .as_u64()
                .or_else(|| value.as_str()?.trim().parse().ok())
                .map(|count| usize::try_from(count).unwrap_or(most).min(most))
                .ok_or_else(|| Failure::bad(format!("{name} must be a whole number of 0 or more"))),
        }
    }
}

async fn read(body: Body, declared: Option<u64>) -> Result<Vec<u8>, Failure> {
    let mut chunks = body.into_data_stream();
    let began = Instant::now();
    let mut bytes = Vec::new();
    let mut too_long = declared.is_some_and(|length| length > MAX_BODY_BYTES as u64);
    loop {
        let allowed = if too_long { DRAIN_TIME } else { BODY_TIME };
        let left = allowed.saturating_sub(began.elapsed());
        match tokio::time::timeout(left, chunks.next()).await {
            Ok(None) if !too_long => return Ok(bytes),
            Err(_) if !too_long => {
                return Err(Failure::new(
                    StatusCode::REQUEST_TIMEOUT,
                    "the body took too long to arrive",
                ));
            }
            Ok(Some(Err(_))) if !too_long => {
                return Err(Failure::bad("the body ended before its time"));
            }
            Ok(Some(Ok(chunk))) => {
                if !too_long && bytes.len() + chunk.len() <= MAX_BODY_BYTES {
                    bytes.extend_from_slice(&chunk);
                } else {
                    too_long = true;
                    bytes = Vec::new();
                }
            }
            Ok(None | Some(Err(_))) | Err(_) => {
                return Err(Failure::new(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    format!("a body may have {MAX_BODY_BYTES} bytes"),
                ));
            }
        }
    }
}
