//! The chosen model, and whether it can be asked.

use capture::settings::{Key, Settings};
use serde::Serialize;

use crate::agent::model::Reason;
use crate::agent::providers::{self, Choice};
use crate::configuration;
use crate::store::ProviderStall;

use super::stall::Stall;

/// Who turns events into observations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Provider {
    pub name: &'static str,
    /// `None` where no model is asked.
    pub model: Option<String>,
    /// Why this one.
    pub reason: String,
}

/// Whom the settings and the environment choose; asks nobody.
pub(super) fn provider(settings: &Settings) -> Provider {
    match providers::choose(&configuration::providers(settings)) {
        Choice::Local { why } => Provider {
            name: "local",
            model: None,
            reason: why,
        },
        Choice::Model {
            provider,
            model,
            why,
        } => Provider {
            name: provider.name(),
            model: Some(model),
            reason: why,
        },
    }
}

/// What keeps the model from being asked. A failure that passes by itself is
/// none before a turn had to do without the model; one that somebody has to
/// cure is one as soon as events wait for it.
pub(super) fn stall(found: &ProviderStall, waiting: i64) -> Option<Stall> {
    let reason = Reason::parse(&found.reason);
    let waits = reason.is_some_and(Reason::waits);
    if found.fallbacks == 0 && !(waits && waiting > 0) {
        return None;
    }
    let who = match reason {
        Some(Reason::Budget) => "the model may not be asked".to_owned(),
        Some(reason) if reason.is_about_the_batch() => {
            format!("answers of {} cannot be used", found.provider)
        }
        _ => format!("{} does not answer", found.provider),
    };
    let meanwhile = match found.fallbacks {
        0 => String::new(),
        1 => "; 1 turn was noted without it".to_owned(),
        turns => format!("; {turns} turns were noted without it"),
    };
    Some(Stall::new(
        format!("{who} ({}: {}){meanwhile}", found.reason, found.detail),
        action(reason, &found.provider),
    ))
}

fn action(reason: Option<Reason>, provider: &str) -> String {
    let other = format!(
        "choose another provider with `claude-mem settings set {}`",
        Key::Provider.name()
    );
    match reason {
        Some(Reason::Auth) if provider == "claude-cli" => {
            "run `claude` and log in with /login; what waits is then done by itself".to_owned()
        }
        Some(Reason::Auth) => {
            format!("check the key of {provider}, or {other}; what waits is then done by itself")
        }
        Some(Reason::Quota) => format!("wait until the limit is lifted, or {other}"),
        Some(Reason::Budget) => format!(
            "see `claude-mem usage`, and wait or raise {} or {}",
            Key::DailyTokens.name(),
            Key::CallsPerHour.name()
        ),
        Some(Reason::NotFound) => format!(
            "name another model with `claude-mem settings set {}` (or {} for openai), or check the address",
            Key::Model.name(),
            Key::OpenAiModel.name()
        ),
        Some(Reason::BinaryMissing) => format!(
            "install Claude Code, or set {} to its executable",
            Key::ClaudePath.name()
        ),
        Some(Reason::UnsafeTools) => format!("update Claude Code, or {other}"),
        _ => "read `claude-mem logs`; `claude-mem queue redo` sends those turns again".to_owned(),
    }
}
