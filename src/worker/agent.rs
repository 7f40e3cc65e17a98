//! Who works on this worker's turns: a model within the machine's budget, or
//! the offline extractor; and what a failure means for the events.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use capture::settings::{Key, Settings};
use sockets_protocol::Locations;

use crate::agent::extractor::{self, Asked, Extractor, Made};
use crate::agent::mode::{self, Mode};
use crate::agent::model::{Failure, Provider};
use crate::agent::providers::{self, Choice};
use crate::configuration;
use crate::store::{BatchLimits, ClaimedTurn, GiveBack, TurnOutcome};

use super::budget::{Budget, Metered};
use super::extract;

/// One batch for the offline extractor, which sees best when it sees a turn
/// whole; this only bounds the memory of a turn that never ends.
const WHOLE_TURN: BatchLimits = BatchLimits {
    events: 1000,
    bytes: 8 * 1024 * 1024,
    lease_ms: 5 * 60 * 1000,
};

/// One batch for a model, the prompt and the end of the turn counted in: a call
/// for every 40 calls of tools is the most that a turn may cost. A lease lasts
/// as long as a batch that is cut in half again and again.
const ONE_CALL: BatchLimits = BatchLimits {
    events: 48,
    bytes: 8 * 1024 * 1024,
    lease_ms: 60 * 60 * 1000,
};

/// Events of a turn that pay for one more call than the first.
const EVENTS_PER_CALL: i64 = 40;

/// Attempts at a batch, by whomever.
const MOST_ATTEMPTS: i64 = 3;

/// A batch that a model has had so often goes to the offline extractor, which
/// has as many attempts more.
const MODEL_ATTEMPTS: i64 = 3;

/// Works on turns.
#[derive(Debug)]
pub(super) struct Agent {
    /// `None` where the offline extractor was chosen.
    model: Option<Model>,
    budget: Budget,
}

#[derive(Debug)]
struct Model {
    provider: Box<dyn Provider>,
    mode: Mode,
    asked: Asked,
}

/// What became of a turn.
#[derive(Debug)]
pub(super) enum Worked {
    Done(Box<TurnOutcome>),
    Back(GivenBack),
}

/// A turn that goes back into the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GivenBack {
    pub(super) reason: String,
    pub(super) how: GiveBack,
    /// Not to be tried again before.
    pub(super) wait: Duration,
}

impl GivenBack {
    /// The worker was told to end before the turn was done.
    pub(super) fn told_to_end() -> Self {
        Self {
            reason: "the worker was told to end".to_owned(),
            how: GiveBack::Untried,
            wait: Duration::ZERO,
        }
    }

    /// The work itself broke.
    pub(super) fn broken(reason: &str) -> Self {
        Self {
            reason: reason.to_owned(),
            how: GiveBack::Attempted {
                most_attempts: MOST_ATTEMPTS,
            },
            wait: Duration::ZERO,
        }
    }
}

impl Agent {
    /// As the settings say. Connects to nothing.
    pub(super) fn new(settings: &Settings, locations: &Locations) -> Self {
        let model = match providers::choose(&configuration::providers(settings)) {
            Choice::Local { why } => {
                tracing::debug!(why, "offline extractor");
                None
            }
            Choice::Model {
                provider,
                model,
                why,
            } => {
                tracing::debug!(provider = provider.name(), model, why, "model");
                Some(Model {
                    provider,
                    mode: chosen_mode(settings, locations),
                    asked: configuration::asked(settings, model),
                })
            }
        };
        Self {
            model,
            budget: Budget::new(settings, locations),
        }
    }

    /// The name in `status`.
    pub(super) fn name(&self) -> &'static str {
        self.model
            .as_ref()
            .map_or(extract::LOCAL_MODEL, |model| model.provider.name())
    }

    pub(super) fn limits(&self) -> BatchLimits {
        match self.model {
            Some(_) => ONE_CALL,
            None => WHOLE_TURN,
        }
    }

    /// After so many attempts an event fails for good.
    pub(super) fn most_attempts(&self) -> i64 {
        match self.model {
            Some(_) => MODEL_ATTEMPTS + MOST_ATTEMPTS,
            None => MOST_ATTEMPTS,
        }
    }

    /// How long nothing is to be asked, because the provider is out of order.
    pub(super) fn held(&self) -> Option<Duration> {
        let provider = &self.model.as_ref()?.provider;
        self.budget.held(provider.name())?.retry_after
    }

    /// Works on one turn.
    pub(super) async fn work(&self, claimed: &ClaimedTurn) -> Worked {
        let Some(model) = &self.model else {
            return self.offline(claimed, None).await;
        };
        let turn = extract::turn(claimed);
        if extract::only_ends_again(claimed)
            || extract::owes_no_summary(claimed) && extractor::is_trivial(&turn)
        {
            return self.offline(claimed, None).await;
        }
        if self.has_had_its_calls(claimed) {
            return self.late(claimed).await;
        }
        if claimed.attempt > MODEL_ATTEMPTS {
            let reason = claimed.last_error.clone();
            let reason = reason.unwrap_or_else(|| "no attempt came to its end".to_owned());
            return self.offline(claimed, Some(reason)).await;
        }
        let metered = Metered {
            inner: model.provider.as_ref(),
            budget: &self.budget,
            project: &claimed.project,
            session_db_id: claimed.session_db_id,
            prompt_number: claimed.prompt_number,
        };
        let asking = Extractor {
            provider: &metered,
            mode: &model.mode,
            asked: &model.asked,
        };
        let last = claimed.attempt >= MODEL_ATTEMPTS;
        match asking.attempt(&turn, last).await {
            Ok(made) => {
                metered.answered();
                if let Some(failure) = &made.fallback {
                    self.budget.note_fallback(metered.name(), failure);
                }
                Worked::Done(Box::new(outcome(claimed, made)))
            }
            Err(failure) => self.failed(claimed, &metered, failure).await,
        }
    }

    /// A turn costs one call, and one more for every [`EVENTS_PER_CALL`] events:
    /// a few that come after its end are not worth another one.
    fn has_had_its_calls(&self, claimed: &ClaimedTurn) -> bool {
        let follows = claimed.events.iter().any(|event| event.earlier);
        follows
            && !claimed.redo
            && self
                .budget
                .calls_of_turn(claimed.turn_id)
                .is_some_and(|(calls, events)| calls > events / EVENTS_PER_CALL)
    }

    /// What came after the turn was told. Without new closing words the model's
    /// summary stands.
    async fn late(&self, claimed: &ClaimedTurn) -> Worked {
        let mut worked = self.offline(claimed, None).await;
        if let Worked::Done(outcome) = &mut worked
            && claimed.has_summary
            && !extract::has_closing_words(claimed)
        {
            outcome.summary = None;
        }
        worked
    }

    async fn failed(
        &self,
        claimed: &ClaimedTurn,
        metered: &Metered<'_>,
        failure: Failure,
    ) -> Worked {
        let failure = metered.noted(failure);
        tracing::warn!(
            turn = claimed.prompt_number,
            attempt = claimed.attempt,
            provider = metered.name(),
            "no answer: {failure}"
        );
        let waits = failure.untried || failure.reason.waits();
        if !waits && claimed.attempt >= MODEL_ATTEMPTS {
            self.budget.note_fallback(metered.name(), &failure);
            return self.offline(claimed, Some(failure.to_string())).await;
        }
        let attempts = u32::try_from(claimed.attempt).unwrap_or(1);
        let pause = self.budget.pause_after(attempts);
        Worked::Back(GivenBack {
            reason: failure.to_string(),
            how: if waits {
                GiveBack::Untried
            } else {
                GiveBack::Attempted {
                    most_attempts: self.most_attempts(),
                }
            },
            wait: failure.retry_after.unwrap_or(pause),
        })
    }

    /// The offline extractor, on a thread of its own; with the reason where it
    /// stands in for a model. A panic in it is a reason like any other.
    async fn offline(&self, claimed: &ClaimedTurn, fallback: Option<String>) -> Worked {
        let turn = claimed.clone();
        let work = tokio::task::spawn_blocking(move || {
            catch_unwind(AssertUnwindSafe(|| extract::outcome(&turn)))
        });
        let panic = match work.await {
            Ok(Ok(mut outcome)) => {
                outcome.fallback_reason = fallback;
                return Worked::Done(Box::new(outcome));
            }
            Ok(Err(panic)) => panic,
            Err(error) => Box::new(error.to_string()),
        };
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied());
        Worked::Back(GivenBack {
            reason: format!("the extractor panicked: {}", text.unwrap_or("no message")),
            how: GiveBack::Attempted {
                most_attempts: self.most_attempts(),
            },
            wait: Duration::ZERO,
        })
    }
}

/// A mode that cannot be read is no reason to remember nothing: `status` names
/// it.
fn chosen_mode(settings: &Settings, locations: &Locations) -> Mode {
    let modes = configuration::modes_dir(locations);
    mode::load(&settings.get(Key::Mode), Some(&modes)).unwrap_or_else(|error| {
        tracing::error!("{error}; the mode code is used");
        mode::load("code", None).expect("the built-in mode can be read")
    })
}

fn outcome(claimed: &ClaimedTurn, made: Made) -> TurnOutcome {
    let mut outcome = extract::to_outcome(claimed, made.reading);
    if !made.model.is_empty() {
        outcome.model = made.model;
    }
    outcome.fallback_reason = made.fallback.map(|failure| failure.to_string());
    outcome
}
