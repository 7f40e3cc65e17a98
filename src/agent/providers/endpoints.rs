//! OpenAI-compatible endpoints that have a name, so that nobody has to look up
//! an address.

/// An endpoint that can be asked for by name.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    pub(super) name: &'static str,
    pub(super) base: &'static str,
    /// A small and cheap model of the endpoint. `None` where the user's own
    /// server has whatever the user loaded.
    pub(super) model: Option<&'static str>,
    /// The setting that holds its key; `None` where no key is needed.
    pub(super) key: Option<&'static str>,
    /// The setting that names another model.
    pub(super) model_setting: &'static str,
}

const MODEL_SETTING: &str = "CLAUDE_MEM_OPENAI_MODEL";

const fn local(name: &'static str, base: &'static str) -> Endpoint {
    Endpoint {
        name,
        base,
        model: None,
        key: None,
        model_setting: MODEL_SETTING,
    }
}

/// The models are the ones that the providers' pages list as generally
/// available, with no date of shutdown, in November 2026.
pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        name: "openai",
        base: "https://api.openai.com/v1",
        model: Some("gpt-6-luna"),
        key: Some("CLAUDE_MEM_OPENAI_API_KEY"),
        model_setting: MODEL_SETTING,
    },
    Endpoint {
        name: "openrouter",
        base: "https://openrouter.ai/api/v1",
        model: Some("anthropic/claude-haiku-4.5"),
        key: Some("CLAUDE_MEM_OPENROUTER_API_KEY"),
        model_setting: "CLAUDE_MEM_OPENROUTER_MODEL",
    },
    Endpoint {
        name: "gemini",
        base: "https://generativelanguage.googleapis.com/v1beta/openai",
        model: Some("gemini-3.5-flash-lite"),
        key: Some("CLAUDE_MEM_GEMINI_API_KEY"),
        model_setting: "CLAUDE_MEM_GEMINI_MODEL",
    },
    local("ollama", "http://127.0.0.1:11434/v1"),
    local("llama.cpp", "http://127.0.0.1:8080/v1"),
    local("vllm", "http://127.0.0.1:8000/v1"),
    local("lmstudio", "http://127.0.0.1:1234/v1"),
];

/// Where calls go when a key is given and no endpoint.
pub(super) const DEFAULT: &Endpoint = &ENDPOINTS[0];

/// An address stands for an endpoint of the user's own.
pub(super) fn is_address(endpoint: &str) -> bool {
    endpoint.contains("://")
}

pub(super) fn named(name: &str) -> Option<&'static Endpoint> {
    ENDPOINTS
        .iter()
        .find(|endpoint| endpoint.name.eq_ignore_ascii_case(name))
}

/// The setting that names the model of an endpoint which is given as an address.
pub(super) const fn model_setting(endpoint: Option<&Endpoint>) -> &'static str {
    match endpoint {
        Some(endpoint) => endpoint.model_setting,
        None => MODEL_SETTING,
    }
}
