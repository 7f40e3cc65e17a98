//! Providers against a real server on a real socket, which answers what a test
//! wrote down.

mod anthropic;
mod choice;
mod dialects;
mod openai;
mod proxy;
mod refusals;
mod server;
mod transport;

use std::time::Duration;

use super::anthropic::AnthropicProvider;
use super::openai::OpenAiProvider;
use super::{Anthropic, ClaudeCli, Config, OpenAi, Secret, Wanted};
use crate::agent::model::{Failure, Provider, Reply, Request};

const KEY: &str = "sk-test-0123456789";

/// A configuration in which nothing is set. The timeout is for tests in which
/// nobody waits for it.
fn config() -> Config {
    Config {
        wanted: Wanted::Auto,
        model: None,
        openai_model: None,
        timeout: Duration::from_mins(1),
        anthropic: Anthropic::default(),
        openai: OpenAi::default(),
        claude_cli: ClaudeCli::default(),
        extra_ca: None,
    }
}

fn anthropic_at(base: &str) -> Config {
    let mut config = config();
    config.anthropic.api_key = Secret::new(KEY);
    config.anthropic.base_url = Some(base.to_owned());
    config
}

fn openai_at(base: &str) -> Config {
    let mut config = config();
    config.openai.api_key = Secret::new(KEY);
    config.openai.endpoint = Some(base.to_owned());
    config
}

fn request() -> Request {
    Request {
        model: "model-1".to_owned(),
        system: "Be brief.".to_owned(),
        user: "What happened?".to_owned(),
        max_output_tokens: 500,
    }
}

/// Asks as a worker does: each time on a runtime of its own.
fn ask_for(provider: &dyn Provider, request: &Request) -> Result<Reply, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(provider.ask(request))
}

fn ask(provider: &dyn Provider) -> Result<Reply, Failure> {
    ask_for(provider, &request())
}

fn ask_anthropic(config: &Config) -> Result<Reply, Failure> {
    ask(&AnthropicProvider::new(config))
}

fn ask_openai(config: &Config) -> Result<Reply, Failure> {
    ask(&OpenAiProvider::new(config))
}
