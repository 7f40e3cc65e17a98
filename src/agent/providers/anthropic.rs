//! Anthropic's Messages API.

use std::fmt;

use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::http::{Http, sensitive};
use super::{Config, Secret, address, refusal};
use crate::agent::model::{Asking, Failure, Provider, Reason, Reply, Request, TokenUsage};

const PUBLIC: &str = "https://api.anthropic.com";
const VERSION: &str = "2023-06-01";

pub(super) struct AnthropicProvider {
    http: Http,
    /// Where messages are posted.
    url: Result<Url, Failure>,
    /// The header that says who asks; a failure without credentials.
    credential: Result<(HeaderName, HeaderValue), Failure>,
}

impl fmt::Debug for AnthropicProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.url.as_ref().map(|url| address::shown(url.as_str()));
        f.debug_struct("AnthropicProvider")
            .field("http", &self.http)
            .field("url", &url)
            .finish_non_exhaustive()
    }
}

impl AnthropicProvider {
    pub(super) fn new(config: &Config) -> Self {
        let access = &config.anthropic;
        let base = address::parse(access.base_url.as_deref().unwrap_or(PUBLIC));
        let url = base.map(|base| address::below(&base, &["/messages", "/v1"], "v1/messages"));
        let mut secrets: Vec<Secret> = [&access.auth_token, &access.api_key]
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        secrets.extend(url.iter().flat_map(address::secrets));
        Self {
            http: Http::new(config, secrets),
            url,
            credential: credential(access.auth_token.as_ref(), access.api_key.as_ref()),
        }
    }

    async fn call(&self, request: &Request) -> Result<Reply, Failure> {
        let (name, value) = self.credential.clone()?;
        let url = self.url.as_ref().map_err(Failure::clone)?;
        let mut headers = HeaderMap::new();
        headers.insert(name, value);
        headers.insert("anthropic-version", HeaderValue::from_static(VERSION));
        let answer = self
            .http
            .post(url, headers, &body(request), self.http.deadline())
            .await?;
        if !(200..300).contains(&answer.status) {
            return Err(refusal::failure(&self.http, &answer));
        }
        let message = self.http.json(&answer)?;
        match refusal::inside(&self.http, &answer, &message) {
            Some(failure) => Err(failure),
            None => reply(&message, &request.model),
        }
    }
}

impl Provider for AnthropicProvider {
    fn name(&self) -> &'static str {
        "anthropic"
    }

    fn ask<'a>(&'a self, request: &'a Request) -> Asking<'a> {
        Box::pin(self.call(request))
    }
}

/// A bearer token wins over a key, as in Claude Code.
fn credential(
    auth_token: Option<&Secret>,
    api_key: Option<&Secret>,
) -> Result<(HeaderName, HeaderValue), Failure> {
    if let Some(token) = auth_token {
        let bearer = sensitive(&format!("Bearer {}", token.expose()))?;
        Ok((AUTHORIZATION, bearer))
    } else if let Some(key) = api_key {
        Ok((
            HeaderName::from_static("x-api-key"),
            sensitive(key.expose())?,
        ))
    } else {
        let words = "no API key: set CLAUDE_MEM_ANTHROPIC_API_KEY or ANTHROPIC_API_KEY";
        Err(Failure::new(Reason::Auth, words))
    }
}

/// The fixed part is marked for the prompt cache. An empty block cannot be.
fn body(request: &Request) -> Value {
    let mut body = json!({
        "model": request.model,
        "max_tokens": request.max_output_tokens,
        "messages": [{"role": "user", "content": request.user}],
    });
    if !request.system.is_empty() {
        body["system"] = json!([{
            "type": "text",
            "text": request.system,
            "cache_control": {"type": "ephemeral"},
        }]);
    }
    body
}

fn reply(message: &Value, asked: &str) -> Result<Reply, Failure> {
    let Some(blocks) = message.get("content").and_then(Value::as_array) else {
        let words = "the answer is not one of the Messages API: it has no content";
        return Err(Failure::new(Reason::Malformed, words));
    };
    let count = |name: &str| message["usage"][name].as_u64().unwrap_or(0);
    let usage = TokenUsage {
        input: count("input_tokens"),
        cache_read: count("cache_read_input_tokens"),
        cache_write: count("cache_creation_input_tokens"),
        output: count("output_tokens"),
    };
    let text: String = blocks
        .iter()
        .filter(|block| block["type"] == "text")
        .filter_map(|block| block["text"].as_str())
        .collect();
    let stop = message["stop_reason"].as_str().unwrap_or("unknown");
    if text.trim().is_empty() {
        let words = format!("no text (stop_reason {stop})");
        return Err(Failure::new(Reason::Empty, &words).costing(usage));
    }
    Ok(Reply {
        text,
        truncated: matches!(stop, "max_tokens" | "model_context_window_exceeded"),
        usage,
        model: message["model"].as_str().unwrap_or(asked).to_owned(),
    })
}
