//! From a line to a [`Request`], with an error that says what is wrong.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::message::{ErrorCode, ErrorReply, Request};

/// Why a line is no request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestError {
    /// The message's id, where that much could be read.
    pub id: Option<String>,
    pub code: ErrorCode,
    pub message: String,
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for RequestError {}

impl From<RequestError> for ErrorReply {
    fn from(error: RequestError) -> Self {
        Self {
            id: error.id,
            code: error.code,
            message: error.message,
        }
    }
}

/// Only what decides how the rest is read.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(default)]
    id: Option<serde_json::Value>,
}

/// Reads one line (with or without its newline).
///
/// # Errors
/// `bad_json` when the line is not JSON (a string with half of a UTF-16 pair is
/// none either), `unknown_type` for a `type` that this
/// version does not know, `invalid_field` when a field is missing or of the
/// wrong kind; the message names the field.
pub fn parse_request(line: &[u8]) -> Result<Request, RequestError> {
    // serde_json does not look at the bytes of a field that it ignores.
    let text = std::str::from_utf8(line).map_err(|error| RequestError {
        id: None,
        code: ErrorCode::BadJson,
        message: format!("not a message: {error}"),
    })?;
    let head: Head<'_> = serde_json::from_str(text).map_err(|error| head_error(&error))?;
    // serde would take an array for an object with its fields in order.
    if !text.trim_ascii_start().starts_with('{') {
        return Err(invalid(
            None,
            "not a message: expected an object".to_owned(),
        ));
    }
    let id = head.id.and_then(|id| match id {
        serde_json::Value::String(text) => Some(text),
        _ => None,
    });
    let Some(kind) = head.kind else {
        return Err(invalid(id, "missing field `type`".to_owned()));
    };
    match kind.as_ref() {
        "prompt" => typed(text, id).map(Request::Prompt),
        "observation" => {
            let request = typed(text, id.clone()).map(Request::Observation)?;
            match &request {
                Request::Observation(seen) if seen.tool_name.is_empty() => {
                    Err(invalid(id, "missing field `tool_name`".to_owned()))
                }
                _ => Ok(request),
            }
        }
        "finalize" => typed(text, id).map(Request::Finalize),
        "status" => Ok(Request::Status),
        "ping" => Ok(Request::Ping),
        "drain" => Ok(Request::Drain),
        other => Err(RequestError {
            id,
            code: ErrorCode::UnknownType,
            message: format!(
                "unknown message type `{other}`: expected prompt, observation, finalize, status, ping or drain"
            ),
        }),
    }
}

/// A message as its line, newline included. `serde_json` escapes control
/// characters inside strings, so the newline at the end is the only one.
pub fn encode<T: serde::Serialize>(message: &T) -> Vec<u8> {
    let mut line =
        serde_json::to_vec(message).expect("messages have string keys and no failing serializers");
    line.push(b'\n');
    line
}

fn typed<T: DeserializeOwned>(text: &str, id: Option<String>) -> Result<T, RequestError> {
    serde_json::from_str(text).map_err(|error| RequestError {
        id,
        code: code_of(&error),
        message: error.to_string(),
    })
}

fn invalid(id: Option<String>, message: String) -> RequestError {
    RequestError {
        id,
        code: ErrorCode::InvalidField,
        message,
    }
}

fn head_error(error: &serde_json::Error) -> RequestError {
    RequestError {
        id: None,
        code: code_of(error),
        message: format!("not a message: {error}"),
    }
}

fn code_of(error: &serde_json::Error) -> ErrorCode {
    match error.classify() {
        Category::Data => ErrorCode::InvalidField,
        Category::Syntax | Category::Eof | Category::Io => ErrorCode::BadJson,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Finalize, FinalizeReason, Observation};
    use serde_json::json;

    #[test]
    fn every_field_but_type_may_be_missing() {
        let request = parse_request(
            br#"{"type":"observation","tool_name":"Read","tool_input":"{}","tool_output":"{}"}"#,
        )
        .unwrap();
        assert_eq!(
            request,
            Request::Observation(Observation {
                tool_name: "Read".into(),
                tool_input: json!("{}"),
                tool_output: json!("{}"),
                ..Observation::default()
            })
        );
        assert_eq!(
            parse_request(br#"{"type":"finalize"}"#).unwrap(),
            Request::Finalize(Finalize {
                reason: FinalizeReason::Stop,
                ..Finalize::default()
            })
        );
    }

    #[test]
    fn tool_response_is_taken_for_tool_output_and_unknown_fields_are_ignored() {
        let request = parse_request(
            br#"{"type":"observation","tool_name":"X","tool_response":[1],"shoe_size":44}"#,
        )
        .unwrap();
        let Request::Observation(seen) = request else {
            panic!("not an observation: {request:?}");
        };
        assert_eq!(seen.tool_output, json!([1]));
    }

    #[test]
    fn errors_name_the_code_the_id_and_the_field() {
        let cases: &[(&[u8], ErrorCode, Option<&str>, &str)] = &[
            (b"not json", ErrorCode::BadJson, None, "not a message"),
            (b"{\"type\":\"ping\"", ErrorCode::BadJson, None, "EOF"),
            (b"\xff\xfe", ErrorCode::BadJson, None, "not a message"),
            (b"[]", ErrorCode::InvalidField, None, "not a message"),
            (
                b"{\"id\":\"e1\"}",
                ErrorCode::InvalidField,
                Some("e1"),
                "`type`",
            ),
            (
                b"{\"type\":\"dance\",\"id\":\"e2\"}",
                ErrorCode::UnknownType,
                Some("e2"),
                "`dance`",
            ),
            (
                b"{\"type\":\"observation\",\"id\":\"e3\"}",
                ErrorCode::InvalidField,
                Some("e3"),
                "`tool_name`",
            ),
            (
                b"{\"type\":\"finalize\",\"reason\":\"bored\"}",
                ErrorCode::InvalidField,
                None,
                "bored",
            ),
        ];
        for (line, code, id, part) in cases {
            let error = parse_request(line).unwrap_err();
            assert_eq!(error.code, *code, "{error}");
            assert_eq!(error.id.as_deref(), *id, "{error}");
            assert!(error.message.contains(part), "{error} lacks {part}");
        }
    }

    #[test]
    fn a_request_survives_its_own_encoding() {
        let request = Request::Observation(Observation {
            id: Some("toolu_1".into()),
            tool_name: "Bash".into(),
            tool_input: json!({"command": "printf 'a\nb'"}),
            tool_output: json!({"stdout": "a\nb"}),
            at: Some(1_700_000_000_000),
            failed: true,
            ..Observation::default()
        });
        let line = encode(&request);
        let first = line.iter().position(|byte| *byte == b'\n');
        assert_eq!(first, Some(line.len() - 1));
        assert_eq!(parse_request(&line).unwrap(), request);
    }
}
