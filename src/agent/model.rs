//! A language model, as the extraction sees it: a text goes in, a text comes
//! out, or a reason why not.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use capture::privacy::scrub;
use serde::{Deserialize, Serialize};

/// One call. Calls are stateless: nothing of an earlier one is known to the
/// model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The provider's name of the model.
    pub model: String,
    /// The fixed instructions: the same for every call of a mode, so that a
    /// provider can keep them in its prompt cache.
    pub system: String,
    /// What this call is about.
    pub user: String,
    /// Most tokens that the answer may have.
    pub max_output_tokens: u32,
}

impl Request {
    /// No call of this request can cost more tokens: a token stands for at least
    /// one byte, and `overhead` is what the provider adds of its own.
    pub fn most_tokens(&self, overhead: u32) -> u64 {
        let bytes = u64::try_from(self.system.len() + self.user.len()).unwrap_or(u64::MAX);
        bytes
            .saturating_add(u64::from(overhead))
            .saturating_add(u64::from(self.max_output_tokens))
    }
}

/// What a model answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub text: String,
    /// The answer was cut off at the limit of output tokens.
    pub truncated: bool,
    pub usage: TokenUsage,
    /// The model that answered, as the provider names it.
    pub model: String,
}

/// What a call cost, in tokens, as the provider counts them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenUsage {
    /// Input that was neither read from nor written to a prompt cache.
    pub input: u64,
    pub cache_read: u64,
    pub cache_write: u64,
    pub output: u64,
}

impl TokenUsage {
    pub fn total(self) -> u64 {
        self.input
            .saturating_add(self.cache_read)
            .saturating_add(self.cache_write)
            .saturating_add(self.output)
    }
}

impl std::ops::AddAssign for TokenUsage {
    fn add_assign(&mut self, more: Self) {
        self.input = self.input.saturating_add(more.input);
        self.cache_read = self.cache_read.saturating_add(more.cache_read);
        self.cache_write = self.cache_write.saturating_add(more.cache_write);
        self.output = self.output.saturating_add(more.output);
    }
}

/// A call that did not bring a usable answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {detail}")]
pub struct Failure {
    pub reason: Reason,
    /// The provider's own first words without credentials, at most
    /// [`MAX_DETAIL`] characters, on one line.
    pub detail: String,
    /// When the provider asks to be left alone until, counted from now.
    pub retry_after: Option<Duration>,
    /// What the call cost all the same, where the provider said so.
    pub usage: TokenUsage,
    /// No call was made: something forbade it beforehand.
    pub untried: bool,
    /// The provider never had the prompt, so the call cost nothing.
    pub unsent: bool,
}

/// Characters kept of a provider's words.
pub const MAX_DETAIL: usize = 300;

impl Failure {
    /// A failure with the provider's words as one bounded line. Credentials are
    /// taken out first: half of one would no longer be known for what it is.
    pub fn new(reason: Reason, words: &str) -> Self {
        let words = scrub(words);
        let one_line = words.split_whitespace().collect::<Vec<_>>().join(" ");
        Self {
            reason,
            detail: one_line.chars().take(MAX_DETAIL).collect(),
            retry_after: None,
            usage: TokenUsage::default(),
            untried: false,
            unsent: false,
        }
    }

    /// The same for a call that never reached the provider.
    #[must_use]
    pub fn unsent(mut self) -> Self {
        self.unsent = true;
        self
    }

    /// The same for a call that was not made.
    #[must_use]
    pub fn untried(mut self) -> Self {
        self.untried = true;
        self
    }

    /// The provider may have had the prompt, and nobody says what it cost.
    pub fn has_unknown_cost(&self) -> bool {
        let broke_off = matches!(
            self.reason,
            Reason::Timeout | Reason::Connection | Reason::ChildDied
        );
        broke_off && !self.unsent && self.usage == TokenUsage::default()
    }

    #[must_use]
    pub fn retry_after(mut self, wait: Option<Duration>) -> Self {
        self.retry_after = wait;
        self
    }

    #[must_use]
    pub fn costing(mut self, usage: TokenUsage) -> Self {
        self.usage = usage;
        self
    }
}

/// Why a call brought no usable answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// No credentials, or refused ones.
    Auth,
    /// The account has used up what it may use.
    Quota,
    /// Our own budget is used up.
    Budget,
    /// Too many calls at this moment.
    RateLimit,
    /// The provider is overloaded or has an internal error.
    Overloaded,
    /// The prompt is longer than the model takes.
    ContextTooLong,
    /// The answer was cut off, and asking for the rest did not help.
    Truncated,
    /// Words instead of the format that was asked for.
    Prose,
    /// The format, but not so that anything could be read.
    Malformed,
    /// Nothing.
    Empty,
    /// No answer within the time limit.
    Timeout,
    /// No connection, or one that broke.
    Connection,
    /// The provider knows no such model, or there is nothing at the address.
    NotFound,
    /// The provider refuses the request.
    BadRequest,
    /// The child process ended without an answer.
    ChildDied,
    /// The provider's executable is not there.
    BinaryMissing,
    /// The provider's executable offers its model tools, which could act.
    UnsafeTools,
}

impl Reason {
    pub const ALL: [Self; 17] = [
        Self::Auth,
        Self::Quota,
        Self::Budget,
        Self::RateLimit,
        Self::Overloaded,
        Self::ContextTooLong,
        Self::Truncated,
        Self::Prose,
        Self::Malformed,
        Self::Empty,
        Self::Timeout,
        Self::Connection,
        Self::NotFound,
        Self::BadRequest,
        Self::ChildDied,
        Self::BinaryMissing,
        Self::UnsafeTools,
    ];

    /// The name in the database and in `--json`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Quota => "quota",
            Self::Budget => "budget",
            Self::RateLimit => "rate_limit",
            Self::Overloaded => "overloaded",
            Self::ContextTooLong => "context_too_long",
            Self::Truncated => "truncated",
            Self::Prose => "prose",
            Self::Malformed => "malformed",
            Self::Empty => "empty",
            Self::Timeout => "timeout",
            Self::Connection => "connection",
            Self::NotFound => "not_found",
            Self::BadRequest => "bad_request",
            Self::ChildDied => "child_died",
            Self::BinaryMissing => "binary_missing",
            Self::UnsafeTools => "unsafe_tools",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == name)
    }

    /// Nothing that a batch of events is or does can cause it or cure it:
    /// somebody has to act, or time has to pass. Such a failure uses up no
    /// attempt; the events wait.
    pub const fn waits(self) -> bool {
        matches!(
            self,
            Self::Auth
                | Self::Quota
                | Self::Budget
                | Self::NotFound
                | Self::BinaryMissing
                | Self::UnsafeTools
        )
    }

    /// It is the answer to this batch, and a smaller one may fare better.
    pub const fn is_about_the_batch(self) -> bool {
        matches!(
            self,
            Self::ContextTooLong
                | Self::Truncated
                | Self::Prose
                | Self::Malformed
                | Self::Empty
                | Self::BadRequest
        )
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A call under way.
pub type Asking<'a> = Pin<Box<dyn Future<Output = Result<Reply, Failure>> + Send + 'a>>;

/// Whoever can be asked. Dropping the future ends the call, and with it any
/// child process.
pub trait Provider: fmt::Debug + Send + Sync {
    /// The name in settings and in the usage table.
    fn name(&self) -> &'static str;

    /// Tokens that the provider adds to a prompt of its own accord, at most.
    fn overhead_tokens(&self) -> u32 {
        0
    }

    /// No call of this request can cost more. A provider that may ask its model
    /// more than once for one answer says so here.
    fn most_tokens(&self, request: &Request) -> u64 {
        request.most_tokens(self.overhead_tokens())
    }

    /// Asks once: no retries here, the caller decides about them.
    fn ask<'a>(&'a self, request: &'a Request) -> Asking<'a>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_reasons_are_read_back() {
        for reason in Reason::ALL {
            assert_eq!(Reason::parse(reason.as_str()), Some(reason));
        }
        assert_eq!(Reason::parse("moonshine"), None);
    }

    #[test]
    fn a_providers_words_become_one_bounded_line() {
        let failure = Failure::new(
            Reason::Prose,
            &format!("Not\nlogged  in {}", "x".repeat(999)),
        );
        assert!(failure.detail.starts_with("Not logged in xxx"));
        assert_eq!(failure.detail.chars().count(), MAX_DETAIL);
    }

    #[test]
    fn a_credential_is_taken_out_before_the_words_are_cut() {
        let key = ["sk-a", "nt-api03-", &"aB3dE5gH7j".repeat(9)].concat();
        let failure = Failure::new(Reason::Prose, &format!("{}{key}", "so ".repeat(90)));
        assert!(!failure.detail.contains("aB3dE"), "{}", failure.detail);
        assert!(failure.detail.contains("so so"));
    }

    #[test]
    fn no_call_can_cost_more_than_its_bytes_and_its_answer() {
        let request = Request {
            model: String::new(),
            system: "äb".to_owned(),
            user: "c".to_owned(),
            max_output_tokens: 10,
        };
        assert_eq!(request.most_tokens(5), 3 + 1 + 10 + 5);
    }
}
