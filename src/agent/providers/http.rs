//! One exchange with a provider over HTTP: bounded in time and size, and with
//! failures that hold no credentials.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, Method, Response, Url};
use serde_json::Value;

use super::{Config, Secret, client, retry_after};
use crate::agent::model::{Failure, Reason};

/// Bytes of an answer. The longest one that is asked for has a hundredth of it.
const MAX_ANSWER: usize = 8 * 1024 * 1024;
/// Shorter texts are no secrets; taking them out would garble words.
const MIN_SECRET: usize = 6;

/// Whoever talks to one host.
pub(super) struct Http {
    timeout: Duration,
    extra_ca: Option<PathBuf>,
    /// Never to be seen in a failure.
    secrets: Vec<Secret>,
    /// Built at the first call: a worker that has nothing to ask does not pay for
    /// it.
    client: Mutex<Option<Client>>,
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http")
            .field("timeout", &self.timeout)
            .field("extra_ca", &self.extra_ca)
            .finish_non_exhaustive()
    }
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) retry_after: Option<Duration>,
    pub(super) body: Vec<u8>,
    /// Why the body is not whole.
    pub(super) torn: Option<Failure>,
}

/// When a call has to be over, however many requests it takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline(Instant);

impl Http {
    pub(super) fn new(config: &Config, secrets: Vec<Secret>) -> Self {
        Self {
            timeout: config.timeout,
            extra_ca: config.extra_ca.clone(),
            secrets,
            client: Mutex::new(None),
        }
    }

    /// The deadline of a call that begins at this moment.
    pub(super) fn deadline(&self) -> Deadline {
        Deadline(Instant::now() + self.timeout)
    }

    pub(super) async fn post(
        &self,
        url: &Url,
        headers: HeaderMap,
        body: &Value,
        deadline: Deadline,
    ) -> Result<Answer, Failure> {
        self.exchange(Method::POST, url, headers, Some(body), deadline)
            .await
    }

    pub(super) async fn get(
        &self,
        url: &Url,
        headers: HeaderMap,
        deadline: Deadline,
    ) -> Result<Answer, Failure> {
        self.exchange(Method::GET, url, headers, None, deadline)
            .await
    }

    async fn exchange(
        &self,
        method: Method,
        url: &Url,
        mut headers: HeaderMap,
        body: Option<&Value>,
        deadline: Deadline,
    ) -> Result<Answer, Failure> {
        let remaining = deadline.0.saturating_duration_since(Instant::now());
        let client = self.client(url)?;
        let mut request = client.request(method, url.clone()).timeout(remaining);
        if let Some(body) = body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            request = request.body(body.to_string());
        }
        let response = request
            .headers(headers)
            .send()
            .await
            .map_err(|error| self.broken(url, error))?;
        Ok(self.read(url, response).await)
    }

    /// As much of an answer as arrives, and fits.
    async fn read(&self, url: &Url, mut response: Response) -> Answer {
        let mut answer = Answer {
            status: response.status().as_u16(),
            retry_after: retry_after::header(response.headers()),
            body: Vec::new(),
            torn: None,
        };
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if answer.body.len() + chunk.len() <= MAX_ANSWER => {
                    answer.body.extend_from_slice(&chunk);
                }
                Ok(Some(_)) => {
                    let words = format!("the answer is longer than {MAX_ANSWER} bytes");
                    answer.torn = Some(Failure::new(Reason::Malformed, &words));
                    return answer;
                }
                Ok(None) => return answer,
                Err(error) => {
                    answer.torn = Some(self.broken(url, error));
                    return answer;
                }
            }
        }
    }

    fn client(&self, url: &Url) -> Result<Client, Failure> {
        let kept = self.kept().clone();
        if let Some(client) = kept {
            return Ok(client);
        }
        let built = client::build(url, self.extra_ca.as_deref()).map_err(|error| {
            let words = format!(
                "no TLS: {}; install the system's certificates (ca-certificates) or name a PEM \
                 file in NODE_EXTRA_CA_CERTS",
                chain(&error.without_url())
            );
            self.hidden(Failure::new(Reason::Connection, &words))
        })?;
        *self.kept() = Some(built.clone());
        Ok(built)
    }

    fn kept(&self) -> MutexGuard<'_, Option<Client>> {
        self.client.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What an error of the transport means.
    fn broken(&self, url: &Url, error: reqwest::Error) -> Failure {
        let host = url.host_str().unwrap_or_default();
        let error = error.without_url();
        let failure = if error.is_connect() {
            let mut words = format!("{host}: no connection: {}", chain(&error));
            if words.contains("certificate") {
                words.push_str("; NODE_EXTRA_CA_CERTS may name a PEM file with more authorities");
            }
            Failure::new(Reason::Connection, &words).unsent()
        } else if error.is_timeout() {
            let words = format!("{host}: no answer within {} s", self.timeout.as_secs_f32());
            Failure::new(Reason::Timeout, &words)
        } else {
            let words = format!("{host}: the connection broke: {}", chain(&error));
            Failure::new(Reason::Connection, &words)
        };
        self.hidden(failure)
    }

    /// The JSON of an answer that reports success.
    pub(super) fn json(&self, answer: &Answer) -> Result<Value, Failure> {
        if let Some(torn) = &answer.torn {
            return Err(torn.clone());
        }
        serde_json::from_slice(&answer.body).map_err(|_| {
            let start = String::from_utf8_lossy(&answer.body[..answer.body.len().min(4096)]);
            // Somebody else answers: the login page of a network, a proxy.
            let words = format!("the answer is not JSON: {}", self.hide(&start));
            Failure::new(Reason::Connection, &words).unsent()
        })
    }

    /// `text` without the credentials that this provider knows. Some servers
    /// repeat a key in their words.
    pub(super) fn hide(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.secrets {
            if secret.expose().len() >= MIN_SECRET {
                text = text.replace(secret.expose(), "…");
            }
        }
        text
    }

    fn hidden(&self, mut failure: Failure) -> Failure {
        failure.detail = self.hide(&failure.detail);
        failure
    }
}

/// A header whose value shows up in no log.
pub(super) fn sensitive(text: &str) -> Result<HeaderValue, Failure> {
    let mut value = HeaderValue::from_str(text).map_err(|_| {
        let words = "the key has characters that no key can have";
        Failure::new(Reason::Auth, words)
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// An error's causes in one line. The outermost says only that a request failed.
fn chain(error: &dyn Error) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if words.last().is_none_or(|last| !last.contains(&text)) {
            words.push(text);
        }
        next = cause.source();
    }
    if words.is_empty() {
        return error.to_string();
    }
    words.join(": ")
}
