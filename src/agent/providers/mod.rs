//! Who is asked: the providers, and the choice between them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::model::Provider;

/// All that a choice depends on. The agent reads neither settings nor the
/// environment itself.
#[derive(Debug, Clone)]
pub struct Config {
    pub wanted: Wanted,
    /// A model that was asked for by name; `None` for the provider's own default.
    pub model: Option<String>,
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
#[derive(Debug, Clone, Default)]
pub struct Anthropic {
    pub api_key: Option<Secret>,
    /// Sent as a bearer token; wins over the key.
    pub auth_token: Option<Secret>,
    /// `None` for the public address.
    pub base_url: Option<String>,
}

/// Access to an OpenAI-compatible chat endpoint.
#[derive(Debug, Clone, Default)]
pub struct OpenAi {
    pub api_key: Option<Secret>,
    /// An address, or one of the ready names.
    pub endpoint: Option<String>,
}

/// The user's own `claude`.
#[derive(Debug, Clone, Default)]
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

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The outcome of a choice.
#[derive(Debug)]
pub enum Choice {
    Model {
        provider: Box<dyn Provider>,
        /// The model's name at the provider.
        model: String,
        /// Why this one, for people.
        why: String,
    },
    /// No model; the offline extractor.
    Local { why: String },
}

/// Chooses. Nothing is connected to and nothing is started here.
pub fn choose(_config: &Config) -> Choice {
    Choice::Local {
        why: "offline extractor".to_owned(),
    }
}
