//! What goes wrong, and when.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

use super::asked::Asked;

/// One thing that goes wrong with one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// 401: the key is refused.
    Auth,
    /// 403: the key may not do this.
    Permission,
    /// 400 (402 in the other dialect): the money is used up.
    Credit,
    /// 429: what the account may use is used up.
    Quota,
    /// 429: too many calls at this moment.
    RateLimit { retry_after: Option<RetryAfter> },
    /// 529 (503 in the other dialect).
    Overloaded,
    /// 500.
    ApiError,
    /// 404: there is no such model.
    NotFound,
    /// 400: a parameter is wrong.
    BadRequest,
    /// 400, for prompts of more characters only.
    ContextTooLong { over_chars: usize },
    /// The answer ends in the middle of its last block, at the limit of output
    /// tokens. Whoever quotes the first part gets the rest.
    Truncated,
    /// Words instead of the format.
    Prose(String),
    /// The format's tags, but nothing that could be read.
    Malformed,
    /// An answer without a character in it.
    Empty,
    /// An answer without content.
    EmptyContent,
    /// 200 with a web page.
    NotJson,
    /// The connection is reset before the answer.
    Reset,
    /// The connection is reset in the middle of the answer.
    ResetMidstream,
    /// No answer until the test lets go.
    Hang,
    /// Nothing is worth remembering.
    Skip,
}

/// When a client may come again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RetryAfter {
    Seconds(u64),
    /// As the header has it, such as `Sat, 21 Nov 2026 08:00:00 GMT`.
    Date(String),
}

impl RetryAfter {
    /// The date so far from now.
    pub(crate) fn date_in(wait: Duration) -> Self {
        let then = jiff::Timestamp::try_from(SystemTime::now() + wait).unwrap();
        let printer = jiff::fmt::rfc2822::DateTimePrinter::new();
        Self::Date(printer.timestamp_to_rfc9110_string(&then).unwrap())
    }

    pub(super) fn header(&self) -> String {
        match self {
            Self::Seconds(seconds) => seconds.to_string(),
            Self::Date(date) => date.clone(),
        }
    }
}

/// How long an answer takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Latency {
    Fixed(Duration),
    /// The nth call takes the same time whenever the seed is the same.
    Between {
        least: Duration,
        most: Duration,
        seed: u64,
    },
}

impl Latency {
    pub(super) fn of(self, call: u64) -> Duration {
        match self {
            Self::Fixed(time) => time,
            Self::Between { least, most, seed } => {
                least + most.saturating_sub(least).mul_f64(draw(seed, call))
            }
        }
    }
}

type Condition = Box<dyn Fn(&str) -> bool + Send + Sync>;

/// Which calls go wrong, and how.
#[derive(Default)]
pub(super) struct Plan {
    /// For calls whose text fulfils the condition; the first that fits.
    pub(super) when: Vec<(Condition, Fault)>,
    /// One entry for each call.
    pub(super) queue: VecDeque<Option<Fault>>,
    pub(super) permanent: Option<Fault>,
    /// Seed, and faults with their probabilities.
    pub(super) random: Option<(u64, Vec<(Fault, f64)>)>,
}

impl Plan {
    /// What goes wrong with the nth call.
    pub(super) fn next(&mut self, asked: &Asked, call: u64) -> Option<Fault> {
        let fault = self.choose(&asked.text(), call);
        fault.filter(|fault| match fault {
            Fault::ContextTooLong { over_chars } => asked.input_chars() > *over_chars,
            _ => true,
        })
    }

    fn choose(&mut self, text: &str, call: u64) -> Option<Fault> {
        if let Some((_, fault)) = self.when.iter().find(|(condition, _)| condition(text)) {
            return Some(fault.clone());
        }
        if let Some(planned) = self.queue.pop_front() {
            return planned;
        }
        if self.permanent.is_some() {
            return self.permanent.clone();
        }
        let (seed, faults) = self.random.as_ref()?;
        let mut left = draw(*seed, call);
        faults
            .iter()
            .find(|(_, probability)| {
                left -= probability;
                left < 0.0
            })
            .map(|(fault, _)| fault.clone())
    }
}

/// A number from 0 to below 1 (the generator is `SplitMix64`).
fn draw(seed: u64, call: u64) -> f64 {
    let mut mixed = seed.wrapping_add((call + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    let high = u32::try_from(mixed >> 32).unwrap_or_default();
    f64::from(high) / (f64::from(u32::MAX) + 1.0)
}
