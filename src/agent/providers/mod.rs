//! Who is asked: the providers, and the choice between them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::model::Provider;
use anthropic::AnthropicProvider;
use claude_cli::ClaudeCliProvider;
use endpoints::ENDPOINTS;
use openai::OpenAiProvider;

mod address;
mod anthropic;
mod claude_cli;
mod client;
mod endpoints;
mod http;
mod openai;
mod refusal;
mod retry_after;
#[cfg(test)]
mod tests;

/// The model that `anthropic` and `claude-cli` are asked for by default.
pub const CLAUDE_MODEL: &str = "claude-haiku-4-5-20251001";

/// All that a choice depends on. The agent reads neither settings nor the
/// environment itself.
#[derive(Debug, Clone)]
pub struct Config {
    pub wanted: Wanted,
    /// A Claude model that was asked for by name; `None` for the usual one.
    pub model: Option<String>,
    /// The model that was asked for at the OpenAI-compatible endpoint; `None` for
    /// the endpoint's usual one.
    pub openai_model: Option<String>,
    /// How long one call may take.
    pub timeout: Duration,
    pub anthropic: Anthropic,
    pub openai: OpenAi,
    pub claude_cli: ClaudeCli,
    /// Extra certificate authorities, as a PEM file.
    pub extra_ca: Option<PathBuf>,
}

/// The provider that the settings name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    Auto,
    Anthropic,
    OpenAi,
    ClaudeCli,
    Local,
}

/// Access to the Messages API.
#[derive(Clone, Default)]
pub struct Anthropic {
    pub api_key: Option<Secret>,
    /// Sent as a bearer token; wins over the key.
    pub auth_token: Option<Secret>,
    /// `None` for the public address.
    pub base_url: Option<String>,
}

/// Access to an OpenAI-compatible chat endpoint.
#[derive(Clone, Default)]
pub struct OpenAi {
    pub api_key: Option<Secret>,
    /// An address, or one of the ready names.
    pub endpoint: Option<String>,
}

/// The user's own `claude`.
#[derive(Clone, Default)]
pub struct ClaudeCli {
    /// Where it is, if the user says so.
    pub path: Option<PathBuf>,
    /// Where it is looked for: `PATH`, then the usual places below the home.
    pub search: Vec<PathBuf>,
    /// An empty private directory to run it in; made when needed.
    pub directory: PathBuf,
    /// The executable that supervises it: `claude-mem`.
    pub supervisor: PathBuf,
    /// The environment of the child, exactly.
    pub environment: BTreeMap<String, String>,
}

/// A credential. Its `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// `None` for an empty one.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// An address may hold a password.
impl fmt::Debug for Anthropic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Anthropic")
            .field("api_key", &self.api_key)
            .field("auth_token", &self.auth_token)
            .field("base_url", &self.base_url.as_deref().map(address::shown))
            .finish()
    }
}

/// An address may hold a password.
impl fmt::Debug for OpenAi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenAi")
            .field("api_key", &self.api_key)
            .field("endpoint", &self.endpoint.as_deref().map(shown))
            .finish()
    }
}

/// An environment holds credentials: its names are shown.
impl fmt::Debug for ClaudeCli {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClaudeCli")
            .field("path", &self.path)
            .field("search", &self.search)
            .field("directory", &self.directory)
            .field("supervisor", &self.supervisor)
            .field("environment", &self.environment.keys())
            .finish()
    }
}

/// The outcome of a choice.
#[derive(Debug)]
pub enum Choice {
    Model {
        provider: Box<dyn Provider>,
        /// The model's name at the provider. Empty where the endpoint itself is
        /// asked, at the first call, which one it has.
        model: String,
        /// Why this one, for people.
        why: String,
    },
    /// No model; the offline extractor.
    Local { why: String },
}

/// Chooses. Nothing is connected to and nothing is started here.
pub fn choose(config: &Config) -> Choice {
    match config.wanted {
        Wanted::Anthropic => anthropic(config, &asked(anthropic_access(config))),
        Wanted::OpenAi => openai(config, &asked(openai_access(config))),
        Wanted::ClaudeCli => {
            let found = claude_cli::find(&config.claude_cli).map(|path| found(&path));
            claude_cli(config, &asked(found))
        }
        Wanted::Local => Choice::Local {
            why: "local: asked for".to_owned(),
        },
        Wanted::Auto => automatic(config),
    }
}

/// The names that stand for an endpoint's address.
pub fn ready_names() -> impl Iterator<Item = &'static str> {
    ENDPOINTS.iter().map(|endpoint| endpoint.name)
}

fn automatic(config: &Config) -> Choice {
    if let Some(path) = claude_cli::find(&config.claude_cli) {
        claude_cli(config, &found(&path))
    } else if let Some(access) = anthropic_access(config) {
        anthropic(config, &access)
    } else if let Some(access) = openai_access(config) {
        openai(config, &access)
    } else {
        Choice::Local {
            why: "local: no claude executable and no API key".to_owned(),
        }
    }
}

/// A provider that the settings name is taken, whether or not it has what it
/// needs: a call says what is missing.
fn asked(access: Option<String>) -> String {
    let access = access.unwrap_or_else(|| "nothing that it needs is set".to_owned());
    format!("asked for; {access}")
}

fn found(path: &Path) -> String {
    format!("found {}", path.display())
}

fn anthropic_access(config: &Config) -> Option<String> {
    let access = &config.anthropic;
    let credential = if access.auth_token.is_some() {
        "auth token"
    } else if access.api_key.is_some() {
        "API key"
    } else {
        return None;
    };
    let base = access.base_url.as_deref().map(address::shown);
    Some(match base {
        Some(base) => format!("{credential} for {base}"),
        None => credential.to_owned(),
    })
}

fn openai_access(config: &Config) -> Option<String> {
    let access = &config.openai;
    match (&access.endpoint, &access.api_key) {
        (Some(endpoint), Some(_)) => Some(format!("API key for {}", shown(endpoint))),
        (Some(endpoint), None) => Some(format!("endpoint {}", shown(endpoint))),
        (None, Some(_)) => Some("API key".to_owned()),
        (None, None) => None,
    }
}

/// An endpoint as it may be shown: its name, or what of its address may be.
fn shown(endpoint: &str) -> String {
    if endpoints::is_address(endpoint) {
        address::shown(endpoint)
    } else {
        endpoint.to_owned()
    }
}

fn anthropic(config: &Config, why: &str) -> Choice {
    model(AnthropicProvider::new(config), claude_model(config), why)
}

fn claude_cli(config: &Config, why: &str) -> Choice {
    let provider = ClaudeCliProvider::new(&config.claude_cli, config.timeout);
    model(provider, claude_model(config), why)
}

fn openai(config: &Config, why: &str) -> Choice {
    let ready = match config.openai.endpoint.as_deref() {
        Some(endpoint) => endpoints::named(endpoint.trim()),
        None => Some(endpoints::DEFAULT),
    };
    let usual = ready.and_then(|ready| ready.model).unwrap_or_default();
    let name = config.openai_model.as_deref().unwrap_or(usual).to_owned();
    model(OpenAiProvider::new(config), name, why)
}

fn claude_model(config: &Config) -> String {
    config.model.as_deref().unwrap_or(CLAUDE_MODEL).to_owned()
}

fn model(provider: impl Provider + 'static, model: String, why: &str) -> Choice {
    let why = format!("{}: {why}", provider.name());
    Choice::Model {
        provider: Box::new(provider),
        model,
        why,
    }
}
