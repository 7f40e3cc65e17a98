//! Any endpoint that speaks OpenAI's chat completions.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderMap};
use serde_json::{Value, json};

use super::endpoints::{self, Endpoint};
use super::http::{Answer, Deadline, Http, sensitive};
use super::{Config, address, refusal};
use crate::agent::model::{Asking, Failure, Provider, Reason, Reply, Request, TokenUsage};

/// Names of models that a failure lists.
const SHOWN_MODELS: usize = 5;
/// What addresses are given with although it is added here.
const SPARE: &[&str] = &["/chat/completions"];

pub(super) struct OpenAiProvider {
    http: Http,
    /// The address below which everything is; a failure if there is none.
    base: Result<Url, Failure>,
    /// The headers that say who asks; a failure where a needed key is missing.
    headers: Result<HeaderMap, Failure>,
    /// The setting that names the model, for people.
    model_setting: &'static str,
    /// The endpoint wants the newer name of the limit of output tokens.
    newer_limit: AtomicBool,
    /// The only model that the endpoint has, once it was asked.
    only_model: Mutex<Option<String>>,
}

impl fmt::Debug for OpenAiProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let base = self.base.as_ref().map(|url| address::shown(url.as_str()));
        f.debug_struct("OpenAiProvider")
            .field("http", &self.http)
            .field("base", &base)
            .field("newer_limit", &self.newer_limit)
            .field("only_model", &self.only_model)
            .finish_non_exhaustive()
    }
}

impl OpenAiProvider {
    pub(super) fn new(config: &Config) -> Self {
        let (ready, base) = match config.openai.endpoint.as_deref().map(str::trim) {
            None | Some("") => (
                Some(endpoints::DEFAULT),
                address::parse(endpoints::DEFAULT.base),
            ),
            Some(text) if endpoints::is_address(text) => (None, address::parse(text)),
            Some(name) => match endpoints::named(name) {
                Some(ready) => (Some(ready), address::parse(ready.base)),
                None => (None, Err(unknown_endpoint(name))),
            },
        };
        let key = config.openai.api_key.as_ref();
        let mut secrets: Vec<_> = key.cloned().into_iter().collect();
        secrets.extend(base.iter().flat_map(address::secrets));
        Self {
            http: Http::new(config, secrets),
            base,
            headers: headers(key.map(super::Secret::expose), ready),
            model_setting: endpoints::model_setting(ready),
            newer_limit: AtomicBool::new(ready == Some(endpoints::DEFAULT)),
            only_model: Mutex::new(None),
        }
    }

    async fn call(&self, request: &Request) -> Result<Reply, Failure> {
        let headers = self.headers.as_ref().map_err(Failure::clone)?;
        let base = self.base.as_ref().map_err(Failure::clone)?;
        let deadline = self.http.deadline();
        let model = self.model(&request.model, base, headers, deadline).await?;
        let url = address::below(base, SPARE, "chat/completions");
        let newer = self.newer_limit.load(Ordering::Relaxed);
        let mut answer = self
            .post(&url, headers, request, &model, newer, deadline)
            .await?;
        if !newer && wants_newer_limit(&answer) {
            answer = self
                .post(&url, headers, request, &model, true, deadline)
                .await?;
            if is_success(&answer) {
                self.newer_limit.store(true, Ordering::Relaxed);
            }
        }
        if !is_success(&answer) {
            return Err(refusal::failure(&self.http, &answer));
        }
        let completion = self.http.json(&answer)?;
        match refusal::inside(&self.http, &answer, &completion) {
            Some(failure) => Err(failure),
            None => reply(&completion, &model),
        }
    }

    async fn post(
        &self,
        url: &Url,
        headers: &HeaderMap,
        request: &Request,
        model: &str,
        newer_limit: bool,
        deadline: Deadline,
    ) -> Result<Answer, Failure> {
        let body = body(request, model, newer_limit);
        self.http.post(url, headers.clone(), &body, deadline).await
    }

    /// The model to ask: the one that was asked for, else the only one there is.
    async fn model(
        &self,
        asked: &str,
        base: &Url,
        headers: &HeaderMap,
        deadline: Deadline,
    ) -> Result<String, Failure> {
        if !asked.is_empty() {
            return Ok(asked.to_owned());
        }
        if let Some(known) = self
            .only_model
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
        {
            return Ok(known);
        }
        let url = address::below(base, SPARE, "models");
        let answer = self.http.get(&url, headers.clone(), deadline).await?;
        if !is_success(&answer) {
            return Err(refusal::failure(&self.http, &answer));
        }
        let only = only_model(&self.http.json(&answer)?, self.model_setting)?;
        *self
            .only_model
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(only.clone());
        Ok(only)
    }
}

impl Provider for OpenAiProvider {
    fn name(&self) -> &'static str {
        "openai"
    }

    fn ask<'a>(&'a self, request: &'a Request) -> Asking<'a> {
        Box::pin(self.call(request))
    }
}

fn unknown_endpoint(name: &str) -> Failure {
    let names: Vec<_> = super::ready_names().collect();
    let words = format!(
        "CLAUDE_MEM_OPENAI_BASE_URL is {name:?}, which is neither an address nor one of {}",
        names.join(", ")
    );
    Failure::new(Reason::Connection, &words)
}

/// A key is sent wherever there is one; it is missed only where it is known to
/// be needed.
fn headers(key: Option<&str>, ready: Option<&Endpoint>) -> Result<HeaderMap, Failure> {
    let mut headers = HeaderMap::new();
    if let Some(key) = key {
        headers.insert(AUTHORIZATION, sensitive(&format!("Bearer {key}"))?);
    } else if let Some(setting) = ready.and_then(|ready| ready.key) {
        let words = format!("no API key: set {setting}");
        return Err(Failure::new(Reason::Auth, &words));
    }
    Ok(headers)
}

fn body(request: &Request, model: &str, newer_limit: bool) -> Value {
    let limit = if newer_limit {
        "max_completion_tokens"
    } else {
        "max_tokens"
    };
    let mut messages = Vec::new();
    if !request.system.is_empty() {
        messages.push(json!({"role": "system", "content": request.system}));
    }
    messages.push(json!({"role": "user", "content": request.user}));
    json!({"model": model, "messages": messages, limit: request.max_output_tokens})
}

fn is_success(answer: &Answer) -> bool {
    (200..300).contains(&answer.status)
}

/// OpenAI's newer models refuse `max_tokens` and name what they take instead.
fn wants_newer_limit(answer: &Answer) -> bool {
    let words = String::from_utf8_lossy(&answer.body);
    matches!(answer.status, 400 | 422)
        && words.contains("max_tokens")
        && (words.contains("max_completion_tokens") || words.contains("unsupported_parameter"))
}

fn only_model(list: &Value, setting: &str) -> Result<String, Failure> {
    let models: Vec<&str> = list["data"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|model| model["id"].as_str())
        .collect();
    let words = match models[..] {
        [only] => return Ok(only.to_owned()),
        [] => format!("the endpoint has no model loaded: load one, or name it in {setting}"),
        _ => {
            let some = &models[..models.len().min(SHOWN_MODELS)];
            format!(
                "name the model in {setting}: the endpoint has {}",
                some.join(", ")
            )
        }
    };
    Err(Failure::new(Reason::NotFound, &words))
}

fn reply(completion: &Value, asked: &str) -> Result<Reply, Failure> {
    let Some(choice) = completion.pointer("/choices/0") else {
        let words = "the answer is not a chat completion: it has no choices";
        return Err(Failure::new(Reason::Malformed, words));
    };
    let usage = usage(&completion["usage"]);
    let text = text(&choice["message"]["content"]);
    let finish = choice["finish_reason"].as_str().unwrap_or("unknown");
    if text.trim().is_empty() {
        let words = if finish == "length" {
            "no text: all output tokens went into reasoning; raise CLAUDE_MEM_MAX_OUTPUT_TOKENS"
                .to_owned()
        } else {
            format!("no text (finish_reason {finish})")
        };
        return Err(Failure::new(Reason::Empty, &words).costing(usage));
    }
    Ok(Reply {
        text,
        truncated: finish == "length",
        usage,
        model: completion["model"].as_str().unwrap_or(asked).to_owned(),
    })
}

/// A content is a text, or a list of parts of which the texts count.
fn text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts
            .iter()
            .filter_map(|part| part["text"].as_str())
            .collect(),
        _ => String::new(),
    }
}

/// `prompt_tokens` includes those of the cache. Gemini leaves the tokens of
/// reasoning out of `completion_tokens`, but not out of the total.
fn usage(usage: &Value) -> TokenUsage {
    let count = |name: &str| usage[name].as_u64().unwrap_or(0);
    let detail = |name: &str| usage["prompt_tokens_details"][name].as_u64().unwrap_or(0);
    let (read, write) = (detail("cached_tokens"), detail("cache_write_tokens"));
    let prompt = count("prompt_tokens");
    let beyond_prompt = count("total_tokens").saturating_sub(prompt);
    TokenUsage {
        input: prompt.saturating_sub(read).saturating_sub(write),
        cache_read: read,
        cache_write: write,
        output: count("completion_tokens").max(beyond_prompt),
    }
}
