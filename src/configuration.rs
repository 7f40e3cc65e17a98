//! From the user's settings and environment to what the agent is told: which
//! provider, with which credentials, and how it is asked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use capture::settings::{Key, Settings, Source};
use sockets_protocol::Locations;

use crate::agent::extractor::Asked;
use crate::agent::providers::{Anthropic, ClaudeCli, Config, OpenAi, Secret, Wanted};

/// Variables that the user's `claude` needs to know who it is and how it gets
/// out: by name, and by the beginning of a name. Nothing else of the session's
/// environment reaches it.
const CHILD_VARIABLES: &[&str] = &[
    "HOME",
    "PATH",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "TZ",
    "TMPDIR",
    "TERM",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NODE_EXTRA_CA_CERTS",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
    "CLAUDE_CONFIG_DIR",
    "CLAUDE_CODE_API_KEY_HELPER_TTL_MS",
    "CLAUDE_CODE_CERT_STORE",
    "CLAUDE_CODE_CUSTOM_OAUTH_URL",
    "CLAUDE_CODE_PROXY_RESOLVES_HOSTS",
    "CLAUDE_CODE_TMPDIR",
    "CLAUDE_SECURESTORAGE_CONFIG_DIR",
    "CLOUD_ML_REGION",
    "GCE_METADATA_HOST",
    "GCLOUD_PROJECT",
    "IS_SANDBOX",
    "NODE_TLS_REJECT_UNAUTHORIZED",
    "NODE_USE_ENV_PROXY",
    "NODE_USE_SYSTEM_CA",
];
const CHILD_PREFIXES: &[&str] = &[
    "ANTHROPIC_",
    "AWS_",
    "AZURE_",
    "CLAUDE_CODE_CLIENT_",
    "CLAUDE_CODE_OAUTH_",
    "CLAUDE_CODE_SKIP_",
    "CLAUDE_CODE_USE_",
    "CLOUDSDK_",
    "GOOGLE_",
    "VERTEX_",
    "XDG_",
    "LC_",
];

/// What the choice of a provider depends on.
pub fn providers(settings: &Settings) -> Config {
    let text = |text: std::ffi::OsString| text.into_string().ok();
    let environment: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((text(name)?, text(value)?)))
        .collect();
    config(settings, &environment)
}

fn config(settings: &Settings, environment: &BTreeMap<String, String>) -> Config {
    let variable = |name: &str| environment.get(name).filter(|text| !text.is_empty());
    let wanted = settings.get(Key::Provider);
    let secret = |key: Key, names: &[&str]| {
        Secret::new(&settings.get(key))
            .or_else(|| Secret::new(names.iter().find_map(|name| variable(name))?))
    };
    let (openai, openai_model) = openai(settings, wanted.as_ref(), variable("OPENAI_API_KEY"));
    let wanted = match wanted.as_ref() {
        "anthropic" => Wanted::Anthropic,
        "openai" | "openrouter" | "gemini" => Wanted::OpenAi,
        "claude-cli" | "claude" => Wanted::ClaudeCli,
        "local" => Wanted::Local,
        _ => Wanted::Auto,
    };
    let chosen = settings.source(Key::Model) != Source::Default;
    let locations = Locations::new(settings.data_dir());
    Config {
        wanted,
        model: chosen.then(|| settings.get(Key::Model).into_owned()),
        openai_model,
        timeout: Duration::from_secs(settings.number(Key::CallTimeoutSecs)),
        anthropic: Anthropic {
            api_key: secret(Key::AnthropicApiKey, &["ANTHROPIC_API_KEY"]),
            auth_token: variable("ANTHROPIC_AUTH_TOKEN").and_then(|text| Secret::new(text)),
            base_url: text(settings, Key::AnthropicBaseUrl)
                .or_else(|| variable("ANTHROPIC_BASE_URL").cloned()),
        },
        openai,
        claude_cli: ClaudeCli {
            path: text(settings, Key::ClaudePath).map(PathBuf::from),
            search: search(settings.home(), variable("PATH").map(String::as_str)),
            directory: locations.data_dir().join("claude-cli"),
            supervisor: std::env::current_exe().unwrap_or_else(|_| "claude-mem".into()),
            environment: child_environment(environment, settings.home()),
        },
        extra_ca: variable("NODE_EXTRA_CA_CERTS").map(PathBuf::from),
    }
}

/// Where the user's own modes lie.
pub fn modes_dir(locations: &Locations) -> PathBuf {
    locations.data_dir().join("modes")
}

/// How the chosen model is asked.
pub fn asked(settings: &Settings, model: String) -> Asked {
    Asked {
        model,
        simple_model: text(settings, Key::SimpleModel),
        most_chars: usize::try_from(settings.number(Key::PromptChars)).unwrap_or(usize::MAX),
        max_output_tokens: u32::try_from(settings.number(Key::MaxOutputTokens)).unwrap_or(u32::MAX),
    }
}

/// Which endpoint, with which key and model. A key that is in the environment
/// for other programs is used only where this provider was asked for by name:
/// nobody's sessions go to an address that they did not choose.
fn openai(
    settings: &Settings,
    wanted: &str,
    from_environment: Option<&String>,
) -> (OpenAi, Option<String>) {
    let secret = |key: Key| Secret::new(&settings.get(key));
    let endpoint = text(settings, Key::OpenAiEndpoint);
    let own = || {
        let key = secret(Key::OpenAiApiKey);
        let shared = from_environment.filter(|_| wanted == "openai");
        let api_key = key.or_else(|| Secret::new(shared?));
        let openai = OpenAi {
            api_key,
            endpoint: endpoint.clone(),
        };
        (openai, text(settings, Key::OpenAiModel))
    };
    let ready = |name: &str, key: Key, model: Key| {
        let openai = OpenAi {
            api_key: secret(key),
            endpoint: Some(name.to_owned()),
        };
        (openai, text(settings, model))
    };
    let openrouter = || ready("openrouter", Key::OpenRouterApiKey, Key::OpenRouterModel);
    let gemini = || ready("gemini", Key::GeminiApiKey, Key::GeminiModel);
    match wanted {
        "openrouter" => openrouter(),
        "gemini" => gemini(),
        "openai" => own(),
        _ if endpoint.is_some() || secret(Key::OpenAiApiKey).is_some() => own(),
        _ if secret(Key::OpenRouterApiKey).is_some() => openrouter(),
        _ if secret(Key::GeminiApiKey).is_some() => gemini(),
        _ => own(),
    }
}

fn text(settings: &Settings, key: Key) -> Option<String> {
    let text = settings.get(key);
    (!text.trim().is_empty()).then(|| text.trim().to_owned())
}

/// `PATH`, then where Claude Code's installers put it.
fn search(home: Option<&Path>, path: Option<&str>) -> Vec<PathBuf> {
    let on_path = path.map(std::env::split_paths).into_iter().flatten();
    let usual = home.into_iter().flat_map(|home| {
        [".claude/local", ".local/bin", ".npm-global/bin", ".bun/bin"].map(|dir| home.join(dir))
    });
    on_path
        .chain(usual)
        .chain(["/usr/local/bin".into(), "/opt/homebrew/bin".into()])
        .collect()
}

fn child_environment(
    environment: &BTreeMap<String, String>,
    home: Option<&Path>,
) -> BTreeMap<String, String> {
    let mut child: BTreeMap<String, String> = environment
        .iter()
        .filter(|(name, _)| {
            CHILD_VARIABLES.contains(&name.as_str())
                || CHILD_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        })
        // A descriptor that the child does not have.
        .filter(|(name, _)| !name.ends_with("_FILE_DESCRIPTOR"))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    if is_subscriber(&child, home) {
        // Without a terminal a key wins over a login (observed with 2.1.197), and
        // calls that the subscription covers would be paid for.
        child.remove("ANTHROPIC_API_KEY");
    }
    child
}

fn is_subscriber(environment: &BTreeMap<String, String>, home: Option<&Path>) -> bool {
    let directory = environment
        .get("CLAUDE_CONFIG_DIR")
        .map(PathBuf::from)
        .or_else(|| Some(home?.join(".claude")));
    environment.contains_key("CLAUDE_CODE_OAUTH_TOKEN")
        || directory.is_some_and(|directory| directory.join(".credentials.json").exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(settings: &[(&str, &str)], environment: &[(&str, &str)]) -> Config {
        let given = |name: &str| {
            let found = settings.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let settings = Settings::from_parts(given, "/nonexistent/claude-mem");
        let environment = environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        config(&settings, &environment)
    }

    fn exposed(secret: Option<&Secret>) -> Option<&str> {
        secret.map(Secret::expose)
    }

    #[test]
    fn a_key_for_other_programs_is_used_only_where_it_was_asked_for() {
        let environment = [("OPENAI_API_KEY", "sk-shared")];
        let auto = of(&[], &environment);
        assert_eq!(auto.wanted, Wanted::Auto);
        assert_eq!(exposed(auto.openai.api_key.as_ref()), None);
        let asked = of(&[("CLAUDE_MEM_PROVIDER", "openai")], &environment);
        assert_eq!(exposed(asked.openai.api_key.as_ref()), Some("sk-shared"));
        let own = [("CLAUDE_MEM_OPENAI_API_KEY", "sk-own")];
        let own = of(&own, &environment);
        assert_eq!(exposed(own.openai.api_key.as_ref()), Some("sk-own"));
    }

    #[test]
    fn the_originals_names_lead_to_ready_endpoints() {
        let gemini = of(
            &[
                ("CLAUDE_MEM_PROVIDER", "gemini"),
                ("CLAUDE_MEM_GEMINI_API_KEY", "g"),
                ("CLAUDE_MEM_GEMINI_MODEL", "flash"),
                ("CLAUDE_MEM_OPENAI_BASE_URL", "http://other"),
            ],
            &[],
        );
        assert_eq!(gemini.wanted, Wanted::OpenAi);
        assert_eq!(gemini.openai.endpoint.as_deref(), Some("gemini"));
        assert_eq!(gemini.openai_model.as_deref(), Some("flash"));
        let router = of(&[("CLAUDE_MEM_OPENROUTER_API_KEY", "r")], &[]);
        assert_eq!(router.openai.endpoint.as_deref(), Some("openrouter"));
        assert_eq!(
            of(&[("CLAUDE_MEM_PROVIDER", "claude")], &[]).wanted,
            Wanted::ClaudeCli
        );
    }

    #[test]
    fn the_child_gets_what_it_needs_to_log_in_and_nothing_else() {
        let all = [
            ("HOME", "/home/demo"),
            ("PATH", "/usr/bin"),
            ("ANTHROPIC_BASE_URL", "http://gateway"),
            ("ANTHROPIC_API_KEY", "key"),
            ("HTTPS_PROXY", "http://proxy"),
            ("CLAUDECODE", "1"),
            ("CLAUDE_CODE_ENTRYPOINT", "cli"),
            ("CLAUDE_CODE_OAUTH_TOKEN_FILE_DESCRIPTOR", "3"),
            ("DATABASE_PASSWORD", "secret"),
        ];
        let child = of(&[], &all).claude_cli.environment;
        let names: Vec<&str> = child.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "ANTHROPIC_API_KEY",
                "ANTHROPIC_BASE_URL",
                "HOME",
                "HTTPS_PROXY",
                "PATH"
            ]
        );
        // A login is not to be paid for a second time.
        let mut subscribed = all.to_vec();
        subscribed.push(("CLAUDE_CODE_OAUTH_TOKEN", "token"));
        let child = of(&[], &subscribed).claude_cli.environment;
        assert!(!child.contains_key("ANTHROPIC_API_KEY"));
        assert!(child.contains_key("CLAUDE_CODE_OAUTH_TOKEN"));
    }

    #[test]
    fn a_model_that_nobody_named_is_the_providers_own_choice() {
        assert_eq!(of(&[], &[]).model, None);
        let named = of(&[("CLAUDE_MEM_MODEL", "claude-sonnet-4-5")], &[]);
        assert_eq!(named.model.as_deref(), Some("claude-sonnet-4-5"));
    }
}
