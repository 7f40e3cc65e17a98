use std::os::unix::fs::PermissionsExt as _;

use super::super::{CLAUDE_MODEL, Choice, choose, ready_names};
use super::*;
use crate::agent::model::Reason;

/// Provider, model and reason of a choice.
fn chosen(config: &Config) -> (&'static str, String, String) {
    match choose(config) {
        Choice::Model {
            provider,
            model,
            why,
        } => (provider.name(), model, why),
        Choice::Local { why } => ("local", String::new(), why),
    }
}

/// A directory with an executable `claude`, to be searched.
fn with_claude(config: &mut Config) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("claude");
    std::fs::write(&path, "#!/bin/sh\n").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    config.claude_cli.search = vec![directory.path().to_owned()];
    directory
}

#[test]
fn auto_takes_claude_then_a_key_then_an_endpoint_then_nobody() {
    let mut config = config();
    let nobody = chosen(&config);
    assert_eq!(nobody.0, "local");
    assert_eq!(nobody.2, "local: no claude executable and no API key");

    config.openai.endpoint = Some("ollama".to_owned());
    let endpoint = chosen(&config);
    assert_eq!(
        endpoint,
        (
            "openai",
            String::new(),
            "openai: endpoint ollama".to_owned()
        )
    );

    config.anthropic.api_key = Secret::new(KEY);
    let key = chosen(&config);
    assert_eq!(
        key,
        (
            "anthropic",
            CLAUDE_MODEL.to_owned(),
            "anthropic: API key".to_owned()
        )
    );

    let directory = with_claude(&mut config);
    let (name, model, why) = chosen(&config);
    assert_eq!((name, model.as_str()), ("claude-cli", CLAUDE_MODEL));
    let path = directory.path().join("claude");
    assert_eq!(why, format!("claude-cli: found {}", path.display()));
}

#[test]
fn who_is_asked_for_is_taken_even_if_something_is_missing() {
    let mut config = config();
    let _directory = with_claude(&mut config);
    for (wanted, name) in [
        (Wanted::Anthropic, "anthropic"),
        (Wanted::OpenAi, "openai"),
        (Wanted::ClaudeCli, "claude-cli"),
        (Wanted::Local, "local"),
    ] {
        config.wanted = wanted;
        let (chosen, _, why) = chosen(&config);
        assert_eq!(chosen, name);
        assert!(why.starts_with(&format!("{name}: asked for")), "{why}");
    }
    config.wanted = Wanted::Anthropic;
    let Choice::Model { provider, .. } = choose(&config) else {
        panic!("a model");
    };
    assert_eq!(ask(provider.as_ref()).unwrap_err().reason, Reason::Auth);
}

#[test]
fn each_ready_name_has_its_model_unless_the_user_names_one() {
    let mut config = config();
    config.wanted = Wanted::OpenAi;
    config.model = Some("a-claude-model".to_owned());
    let models: Vec<_> = ready_names()
        .map(|name| {
            config.openai.endpoint = Some(name.to_owned());
            (name, chosen(&config).1)
        })
        .collect();
    let usual = |name: &str| {
        models
            .iter()
            .find(|known| known.0 == name)
            .unwrap()
            .1
            .as_str()
    };
    assert_eq!(usual("openrouter"), "anthropic/claude-haiku-4.5");
    for name in ["ollama", "llama.cpp", "vllm", "lmstudio"] {
        assert_eq!(usual(name), "");
    }

    config.openai.endpoint = None;
    assert_eq!(chosen(&config).1, usual("openai"));
    config.openai_model = Some("mine".to_owned());
    assert_eq!(chosen(&config).1, "mine");
    config.wanted = Wanted::Anthropic;
    assert_eq!(chosen(&config).1, "a-claude-model");
}

#[test]
fn nothing_that_is_shown_holds_a_credential() {
    let address = format!("https://user:{KEY}@gateway.example/v1?key={KEY}");
    let mut config = config();
    config.anthropic.api_key = Secret::new(KEY);
    config.anthropic.auth_token = Secret::new(KEY);
    config.anthropic.base_url = Some(address.clone());
    config.openai.api_key = Secret::new(KEY);
    config.openai.endpoint = Some(address);
    let variable = ("ANTHROPIC_API_KEY".to_owned(), KEY.to_owned());
    config.claude_cli.environment = [variable].into();
    let mut shown = vec![format!("{config:?}")];
    for wanted in [Wanted::Anthropic, Wanted::OpenAi, Wanted::ClaudeCli] {
        config.wanted = wanted;
        shown.push(format!("{:?}", choose(&config)));
    }
    let shown = shown.join("\n");
    assert!(shown.contains("https://gateway.example/v1"), "{shown}");
    assert!(!shown.contains(KEY), "{shown}");
}
