//! The model that makes memories: it counts who asks, waits as it is told to,
//! and answers by the script or with what goes wrong.

use std::net::TcpStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;

use super::asked::{Asked, Dialect};
use super::faults::{Fault, Latency, Plan};
use super::http::{Answer, Delivery, is_gone};
use super::tokens::{Cache, TokenTotals};
use super::{anthropic, openai, script};

/// How often a waiting call looks whether its client is still there.
const LOOK: Duration = Duration::from_millis(20);

type Script = Arc<dyn Fn(&Asked) -> String + Send + Sync>;

#[derive(Default)]
pub(super) struct Observer {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) seen: Vec<Asked>,
    pub(super) in_flight: usize,
    pub(super) peak: usize,
    pub(super) plan: Plan,
    pub(super) latency: Option<Latency>,
    pub(super) script: Option<Script>,
    pub(super) totals: TokenTotals,
    /// Calls that arrive wait for the next release.
    pub(super) held: bool,
    pub(super) releases: u64,
    pub(super) let_gos: u64,
    cut: Vec<Cut>,
    cache: Cache,
}

/// An answer that broke off.
struct Cut {
    /// All that was said so far, as [`squeezed`] leaves it.
    so_far: String,
    rest: String,
    /// What was asked.
    user: String,
    /// The block that broke off, from its beginning.
    block: String,
}

/// A call that has arrived.
struct Call {
    number: usize,
    fault: Option<Fault>,
    latency: Duration,
    /// Releases before the one that it waits for.
    held_since: Option<u64>,
    let_gos: u64,
    arrived: Instant,
}

/// A call that is counted as long as this lives.
struct InFlight<'a>(&'a Observer);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.change(|state| state.in_flight -= 1);
    }
}

impl Observer {
    /// Of use also after a test's own condition has panicked.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes something that a waiting call may wait for.
    pub(super) fn change(&self, how: impl FnOnce(&mut State)) {
        how(&mut self.state());
        self.changed.notify_all();
    }

    /// Waits for a condition; whether it came true in time.
    pub(super) fn wait_until(&self, limit: Duration, condition: impl Fn(&State) -> bool) -> bool {
        let (state, _) = self
            .changed
            .wait_timeout_while(self.state(), limit, |state| !condition(state))
            .unwrap_or_else(PoisonError::into_inner);
        condition(&state)
    }

    /// The whole of a call. It is over for the counting before the client has
    /// its answer, so that whoever waits for the answer never counts twice.
    pub(super) fn answer(&self, asked: &Asked, dialect: Dialect, client: &TcpStream) -> Answer {
        let call = self.arrive(asked);
        let _counted = InFlight(self);
        if self.wait(&call, client) {
            self.compose(asked, dialect, &call)
        } else {
            Answer::none(Delivery::Nothing)
        }
    }

    fn arrive(&self, asked: &Asked) -> Call {
        let mut state = self.state();
        let number = state.seen.len();
        let nth = number as u64;
        state.seen.push(asked.clone());
        let call = Call {
            number,
            fault: state.plan.next(asked, nth),
            latency: state.latency.map_or(Duration::ZERO, |time| time.of(nth)),
            held_since: state.held.then_some(state.releases),
            let_gos: state.let_gos,
            arrived: Instant::now(),
        };
        // After the plan: a test's own condition may panic.
        state.in_flight += 1;
        state.peak = state.peak.max(state.in_flight);
        drop(state);
        self.changed.notify_all();
        call
    }

    /// Whether the client is to be answered. The end of the server cuts every
    /// connection, so that none is waited for any longer.
    fn wait(&self, call: &Call, client: &TcpStream) -> bool {
        let mut state = self.state();
        loop {
            let is_held = call.held_since == Some(state.releases);
            let hangs = call.fault == Some(Fault::Hang) && call.let_gos == state.let_gos;
            let left = call.latency.saturating_sub(call.arrived.elapsed());
            if !is_held && !hangs && left.is_zero() {
                return true;
            }
            if is_gone(client) {
                return false;
            }
            let pause = if is_held || hangs {
                LOOK
            } else {
                left.min(LOOK)
            };
            let waited = self.changed.wait_timeout(state, pause);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn compose(&self, asked: &Asked, dialect: Dialect, call: &Call) -> Answer {
        let refusal = call.fault.as_ref().and_then(|fault| match dialect {
            Dialect::Anthropic => anthropic::refusal(fault, asked, call.number),
            Dialect::OpenAi => openai::refusal(fault, asked),
        });
        match (refusal, &call.fault) {
            (Some(refusal), Some(Fault::RateLimit { retry_after: Some(when) })) => {
                refusal.header("retry-after", when.header())
            }
            (Some(refusal), _) => refusal,
            (None, Some(Fault::Reset)) => Answer::none(Delivery::Reset),
            (None, Some(Fault::NotJson)) => Answer::new(
                200,
                "text/html; charset=utf-8",
                "<!DOCTYPE html><html><head><title>Sign in</title></head><body><h1>Sign in to this network</h1></body></html>".to_owned(),
            ),
            (None, _) => self.speak(asked, dialect, call),
        }
    }

    /// An answer with status 200 and the model's words.
    fn speak(&self, asked: &Asked, dialect: Dialect, call: &Call) -> Answer {
        let (text, is_cut) = match &call.fault {
            Some(Fault::Prose(words)) => (Some(words.clone()), false),
            Some(Fault::Malformed) => (Some(script::MALFORMED.to_owned()), false),
            Some(Fault::Skip) => (Some(script::SKIP.to_owned()), false),
            Some(Fault::Empty) => (Some(String::new()), false),
            Some(Fault::EmptyContent) => (None, false),
            fault => {
                let is_cut = *fault == Some(Fault::Truncated);
                (Some(self.words(asked, is_cut)), is_cut)
            }
        };
        let breaks = call.fault == Some(Fault::ResetMidstream);
        let said = text.as_deref();
        let mut state = self.state();
        let usage = state.cache.usage(asked, said.unwrap_or_default());
        let is_told = dialect == Dialect::Anthropic || openai::reports_usage(&asked.body);
        if is_told && !breaks {
            state.totals += match dialect {
                Dialect::Anthropic => usage,
                Dialect::OpenAi => usage.without_creation(),
            };
        }
        drop(state);
        let mut answer = match dialect {
            Dialect::Anthropic => {
                let stop = if is_cut { "max_tokens" } else { "end_turn" };
                let block = said.map(|text| json!({"type": "text", "text": text}));
                let content: Vec<_> = block.into_iter().collect();
                let message = anthropic::message(call.number, &asked.body, &content, stop, usage);
                anthropic::answer(&asked.body, &message)
            }
            Dialect::OpenAi => {
                let finish = if is_cut { "length" } else { "stop" };
                openai::answer(call.number, &asked.body, said, finish, usage)
            }
        };
        if breaks {
            answer.delivery = Delivery::Half;
        }
        answer
    }

    /// What follows on what was cut off, where the request is about that, or else
    /// what the script says; only its first part where it is to be cut.
    fn words(&self, asked: &Asked, is_cut: bool) -> String {
        let follows = self.state().follows(asked);
        let (mut so_far, whole) = if let Some(follows) = follows {
            follows
        } else {
            let script = self.state().script.clone();
            let whole = script.map_or_else(|| script::answer(asked), |script| script(asked));
            (String::new(), whole)
        };
        if !is_cut {
            return whole;
        }
        let (first, rest) = script::cut(&whole);
        so_far.push_str(&squeezed(first));
        self.state().cut.push(Cut {
            so_far,
            rest: rest.to_owned(),
            user: asked.user_text(),
            block: whole[script::last_block(&whole)..].to_owned(),
        });
        first.to_owned()
    }
}

impl State {
    /// What was said so far and what follows: the rest for who quotes the
    /// beginning, and the whole block for who asks the same question again and
    /// says that the answer was cut off.
    fn follows(&self, asked: &Asked) -> Option<(String, String)> {
        self.quoted(asked)
            .map(|cut| (cut.so_far.clone(), cut.rest.clone()))
            .or_else(|| {
                let cut = self.asked_again(&asked.user_text())?;
                Some((String::new(), cut.block.clone()))
            })
    }

    fn quoted(&self, asked: &Asked) -> Option<&Cut> {
        let all: String = asked
            .parts()
            .iter()
            .map(|part| squeezed(part.text))
            .collect();
        let said = squeezed(&asked.texts_of("assistant"));
        self.cut
            .iter()
            .filter(|cut| {
                let tail = end_of(&cut.so_far);
                !tail.is_empty() && (all.contains(tail) || said.contains(tail))
            })
            .max_by_key(|cut| cut.so_far.len())
    }

    fn asked_again(&self, user: &str) -> Option<&Cut> {
        self.cut
            .iter()
            .filter(|cut| {
                user.strip_prefix(cut.user.as_str())
                    .is_some_and(|added| added.contains("cut off"))
            })
            .max_by_key(|cut| cut.user.len())
    }
}

/// Without blanks and escapes, which a quotation may change.
fn squeezed(text: &str) -> String {
    let plain = text
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&");
    plain.chars().filter(|c| !c.is_whitespace()).collect()
}

/// As much as a client quotes that quotes only the end.
fn end_of(text: &str) -> &str {
    const TAIL: usize = 200;
    &text[text.ceil_char_boundary(text.len().saturating_sub(TAIL))..]
}
