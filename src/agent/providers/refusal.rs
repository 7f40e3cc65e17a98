//! What a provider's refusal means.
//!
//! Status codes alone do not say it: the same 429 is "wait a second" or "pay
//! first", the same 400 is "too long" or "no credit". So the provider's own
//! kinds and words are read as well. They are the ones of Anthropic, OpenAI,
//! `OpenRouter`, Gemini, Azure, llama.cpp and vLLM.

use std::time::Duration;

use serde_json::Value;

use super::http::{Answer, Http};
use super::retry_after;
use crate::agent::model::{Failure, Reason};

const CREDENTIALS: &[&str] = &[
    "authentication_error",
    "permission_error",
    "invalid_api_key",
    "api_key_invalid",
    "permission_denied",
    "unauthenticated",
    "api key not valid",
];
const TOO_LONG: &[&str] = &[
    "prompt is too long",
    "context_length_exceeded",
    "context length",
    "context limit",
    "context window",
    "context size",
    "exceed_context_size",
    "request_too_large",
    "input token count",
    "too many input tokens",
];
const USED_UP: &[&str] = &[
    "billing_error",
    "insufficient_quota",
    "credit balance",
    "insufficient credit",
    "insufficient balance",
    "usage limit",
    "spending limit",
    "spend limit",
    "quota",
];
/// Used up until tomorrow, or longer. Anthropic says the last, with the kind that
/// each of its 429 has.
const OF_THE_DAY: &[&str] = &["per day", "per-day", "perday", "daily", "regain access"];
/// Used up for moments. The last is Gemini's sentence about any 429.
const OF_THE_MOMENT: &[&str] = &[
    "rate limit",
    "rate_limit_error",
    "per minute",
    "per-minute",
    "perminute",
    "check quota",
];

/// A refusal as a failure, with the provider's words.
pub(super) fn failure(http: &Http, answer: &Answer) -> Failure {
    let body = serde_json::from_slice(&answer.body).ok();
    let said = Said::read(answer.status, body.as_ref(), &answer.body);
    said.failure(http, answer.retry_after)
}

/// An error inside an answer with status 200, if there is one. `OpenRouter`
/// answers so when a model fails after the call was accepted.
pub(super) fn inside(http: &Http, answer: &Answer, body: &Value) -> Option<Failure> {
    let choice = body.pointer("/choices/0/error");
    let error = [only(body).get("error"), choice]
        .into_iter()
        .flatten()
        .find(|error| !error.is_null())?;
    let status = error
        .get("code")
        .and_then(Value::as_u64)
        .and_then(|code| u16::try_from(code).ok())
        .filter(|code| (400..600).contains(code));
    let said = Said::read(status.unwrap_or(400), Some(error), &[]);
    Some(said.failure(http, answer.retry_after))
}

/// Gemini puts its errors into a list of one.
fn only(body: &Value) -> &Value {
    body.get(0).unwrap_or(body)
}

struct Said {
    status: u16,
    words: String,
    /// Kinds and words in small letters.
    all: String,
    /// A wait that the body asks for.
    wait: Option<Duration>,
}

impl Said {
    fn read(status: u16, body: Option<&Value>, raw: &[u8]) -> Self {
        if (300..400).contains(&status) {
            // What a page says about the other place may name it, with a token.
            let words = format!("HTTP {status}: a redirect is not followed: set the final address");
            return Self {
                status,
                words,
                all: String::new(),
                wait: None,
            };
        }
        let Some(body) = body.map(only) else {
            let words = format!("HTTP {status} {}", plain(raw));
            let all = words.to_lowercase();
            return Self {
                status,
                words,
                all,
                wait: None,
            };
        };
        let error = body
            .get("error")
            .filter(|error| !error.is_null())
            .unwrap_or(body);
        let mut words = words(error)
            .or_else(|| words(body))
            .unwrap_or_else(|| format!("HTTP {status}"));
        if let Some(raw) = error.pointer("/metadata/raw").and_then(Value::as_str) {
            words = format!("{words}: {raw}");
        }
        let mut said = Self {
            status,
            all: words.to_lowercase(),
            words,
            wait: None,
        };
        said.note_kinds(error);
        said
    }

    fn note_kinds(&mut self, error: &Value) {
        for kind in ["type", "code", "status"] {
            add(&mut self.all, error.get(kind));
        }
        for detail in items(error.get("details")) {
            add(&mut self.all, detail.get("reason"));
            let written = detail.get("retryDelay").and_then(Value::as_str);
            self.wait = self.wait.or_else(|| retry_after::written(written?));
            for violation in items(detail.get("violations")) {
                add(&mut self.all, violation.get("quotaId"));
            }
        }
    }

    fn failure(&self, http: &Http, header: Option<Duration>) -> Failure {
        let reason = self.reason();
        let wait = match reason {
            Reason::RateLimit => header.or(self.wait),
            // What Gemini writes into the body is short even if the day is over.
            Reason::Overloaded | Reason::Quota => header,
            _ => None,
        };
        Failure::new(reason, &http.hide(&self.words)).retry_after(wait)
    }

    fn reason(&self) -> Reason {
        match self.status {
            // A redirect, or a proxy that wants a password.
            300..=399 | 407 => Reason::Connection,
            401 => Reason::Auth,
            402 => Reason::Quota,
            403 => self.forbidden(),
            408 => Reason::Timeout,
            413 => Reason::ContextTooLong,
            429 => self.too_much(),
            500.. if self.has(TOO_LONG) => Reason::ContextTooLong,
            500.. => Reason::Overloaded,
            _ => self.other(),
        }
    }

    fn forbidden(&self) -> Reason {
        if self.has(USED_UP) || self.has(&["billing"]) {
            Reason::Quota
        } else if self.has(&["moderation", "flagged"]) {
            // It is this prompt that may not pass, not the key.
            Reason::BadRequest
        } else {
            Reason::Auth
        }
    }

    fn too_much(&self) -> Reason {
        if self.has(&["insufficient_quota"]) || self.has(OF_THE_DAY) {
            Reason::Quota
        } else if self.has(OF_THE_MOMENT) || self.wait.is_some() {
            Reason::RateLimit
        } else if self.has(USED_UP) {
            Reason::Quota
        } else {
            Reason::RateLimit
        }
    }

    fn other(&self) -> Reason {
        if self.has(CREDENTIALS) {
            Reason::Auth
        } else if self.has(TOO_LONG) {
            Reason::ContextTooLong
        } else if self.has(&["resource_exhausted"]) {
            self.too_much()
        } else if self.has(USED_UP) || self.has(&["billing"]) {
            Reason::Quota
        } else if self.has(&["rate_limit"]) {
            Reason::RateLimit
        } else if self.has(&["overloaded_error", "server_error", "unavailable"]) {
            Reason::Overloaded
        } else if self.status == 404 || self.has(&["model_not_found", "not_found_error"]) {
            Reason::NotFound
        } else {
            Reason::BadRequest
        }
    }

    fn has(&self, any: &[&str]) -> bool {
        any.iter().any(|text| self.all.contains(text))
    }
}

fn items(list: Option<&Value>) -> &[Value] {
    list.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn add(all: &mut String, kind: Option<&Value>) {
    if let Some(kind) = kind.and_then(Value::as_str) {
        all.push(' ');
        all.push_str(&kind.to_lowercase());
    }
}

/// The sentence for people in an error object.
fn words(error: &Value) -> Option<String> {
    let text = [Some(error), error.get("message"), error.get("detail")]
        .into_iter()
        .flatten()
        .find_map(Value::as_str)?;
    (!text.trim().is_empty()).then(|| text.to_owned())
}

/// What an answer says that is no JSON: the title of a page, or its beginning.
fn plain(raw: &[u8]) -> String {
    let text = String::from_utf8_lossy(&raw[..raw.len().min(4096)]).into_owned();
    let title = text
        .split_once("<title>")
        .and_then(|(_, rest)| rest.split_once("</title>"));
    match title {
        Some((title, _)) => title.to_owned(),
        None if text.trim_start().starts_with('<') => String::new(),
        None => text,
    }
}
