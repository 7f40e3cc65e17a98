//! The user's own `claude` as a model: a call brings an answer or a reason, and
//! leaves neither a process nor a file.

mod fake;
mod real;
mod supervisor;

use std::path::Path;
use std::time::Duration;

use claude_mem::agent::model::{Failure, Provider, Reason, Reply, Request};
use claude_mem::agent::providers::{Anthropic, Choice, ClaudeCli, Config, OpenAi, Wanted, choose};

use crate::support::{Sandbox, binary};

const INSTRUCTIONS: &str = "Answer in XML.";

/// Far more than a call needs here, for calls that are to end by themselves.
const AMPLE: Duration = Duration::from_mins(1);

/// A provider that runs this executable in a sandbox.
fn config(sandbox: &Sandbox, claude: &Path) -> Config {
    let environment = sandbox
        .command(claude)
        .get_envs()
        .filter_map(|(name, value)| Some((name.to_str()?.to_owned(), value?.to_str()?.to_owned())))
        .collect();
    Config {
        wanted: Wanted::ClaudeCli,
        model: None,
        openai_model: None,
        timeout: AMPLE,
        anthropic: Anthropic::default(),
        openai: OpenAi::default(),
        claude_cli: ClaudeCli {
            path: Some(claude.to_owned()),
            search: Vec::new(),
            directory: sandbox.data.join("model"),
            supervisor: binary("claude-mem"),
            environment,
        },
        extra_ca: None,
    }
}

fn provider(config: &Config) -> (Box<dyn Provider>, String) {
    match choose(config) {
        Choice::Model {
            provider, model, ..
        } => {
            assert_eq!(provider.name(), "claude-cli");
            (provider, model)
        }
        Choice::Local { why } => panic!("{why}"),
    }
}

fn request(model: String, user: &str) -> Request {
    Request {
        model,
        system: INSTRUCTIONS.to_owned(),
        user: user.to_owned(),
        max_output_tokens: 4096,
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// One call, to its end.
fn ask(config: &Config, user: &str) -> Result<Reply, Failure> {
    let (provider, model) = provider(config);
    runtime().block_on(provider.ask(&request(model, user)))
}

/// One call that fails, and leaves nothing behind.
#[track_caller]
fn failure(sandbox: &Sandbox, config: &Config, reason: Reason) -> Failure {
    let failure = ask(config, "What happened?").unwrap_err();
    assert_eq!(failure.reason, reason, "{failure}");
    sandbox.wait_for_quiet();
    failure
}

/// Names in the directory in which the child runs.
fn left_in(directory: &Path) -> usize {
    std::fs::read_dir(directory).unwrap().count()
}
