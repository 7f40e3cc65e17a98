//! Turns are worked on by a model: what it is sent, what becomes of its
//! answers, and what happens when it does not give any.

mod budget;
mod canaries;
mod claude_cli_faults;
mod crashes;
mod faults;
mod injection;
mod modes;
mod moments;
mod outage;
mod real_cli;
mod sending;
mod stalls;
mod turns;

use crate::support::Sandbox;
use crate::support::fake_model::FakeModel;

/// A world in which the Messages API is the fake's.
fn with_anthropic() -> (Sandbox, FakeModel) {
    let model = FakeModel::start(Vec::new());
    let mut sandbox = Sandbox::new();
    sandbox.set("CLAUDE_MEM_PROVIDER", "anthropic");
    sandbox.set("ANTHROPIC_BASE_URL", model.url());
    sandbox.set("ANTHROPIC_API_KEY", "dummy-key");
    sandbox.set("CLAUDE_MEM_RETRY_BASE_MS", "10");
    (sandbox, model)
}

/// The same with the chat endpoint.
fn with_openai() -> (Sandbox, FakeModel) {
    let (mut sandbox, model) = with_anthropic();
    sandbox.set("CLAUDE_MEM_PROVIDER", "openai");
    sandbox.set("CLAUDE_MEM_OPENAI_BASE_URL", model.openai_url());
    sandbox.set("CLAUDE_MEM_OPENAI_API_KEY", "dummy-key");
    sandbox.set("CLAUDE_MEM_OPENAI_MODEL", "fake-model");
    (sandbox, model)
}
