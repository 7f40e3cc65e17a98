//! What calls came to, and what that costs.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::prices::{Price, Prices};
use crate::store::UsageRow;

/// What the calls of a group came to.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Sum {
    /// The day, the project, the session or the model.
    pub name: String,
    /// The session's project; empty for other groups.
    pub project: String,
    pub calls: u64,
    /// Calls that brought no whole answer, by reason.
    pub failed: BTreeMap<String, u64>,
    pub input_tokens: u64,
    pub cache_read_tokens: u64,
    pub cache_write_tokens: u64,
    pub output_tokens: u64,
    /// All four kinds.
    pub tokens: u64,
    /// Calls that have not ended, and the most that they can cost.
    pub running_calls: u64,
    pub reserved_tokens: u64,
    pub duration_ms: u64,
    /// Made by models of what happened in the same span.
    pub observations: u64,
    pub tokens_per_observation: Option<u64>,
    pub cost: Cost,
}

/// Dollars.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Cost {
    #[serde(serialize_with = "rounded")]
    pub dollars: f64,
    /// Some of the tokens have a price that is not known.
    pub at_least: bool,
    /// Calls were made on a subscription, and cost this only at API prices.
    pub subscription: bool,
    /// Models whose price is not known.
    pub unknown_models: Vec<String>,
}

/// To the millionth of a dollar: sums of binary fractions have longer tails.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands a reference over"
)]
fn rounded<S: Serializer>(dollars: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(round(*dollars))
}

fn round(dollars: f64) -> f64 {
    (dollars * 1e6).round() / 1e6
}

/// A millionth: prices are for a million tokens.
const MILLIONTH: f64 = 1e-6;

impl Sum {
    pub fn new(name: &str, project: &str) -> Self {
        Self {
            name: name.to_owned(),
            project: project.to_owned(),
            ..Self::default()
        }
    }

    pub fn add(&mut self, row: &UsageRow, prices: &Prices) {
        self.calls += row.calls;
        match row.outcome.as_str() {
            "ok" => {}
            "running" => {
                self.running_calls += row.calls;
                self.reserved_tokens += row.reserved;
            }
            reason => *self.failed.entry(reason.to_owned()).or_default() += row.calls,
        }
        self.input_tokens += row.input;
        self.cache_read_tokens += row.cache_read;
        self.cache_write_tokens += row.cache_write;
        self.output_tokens += row.output;
        self.tokens += row.tokens();
        self.duration_ms += row.duration_ms;
        self.cost.add(row, prices);
    }

    pub fn made(&mut self, observations: u64) {
        self.observations += observations;
    }

    pub fn settle(&mut self) {
        self.tokens_per_observation = self.tokens.checked_div(self.observations);
    }

    pub fn failed_calls(&self) -> u64 {
        self.failed.values().sum()
    }
}

impl Cost {
    /// `None` where no price of what was used is known.
    pub fn known(&self) -> Option<f64> {
        (!self.at_least || self.dollars > 0.0).then(|| round(self.dollars))
    }

    fn add(&mut self, row: &UsageRow, prices: &Prices) {
        if row.tokens() == 0 {
            return;
        }
        self.subscription |= row.provider == "claude-cli";
        let Some(price) = prices.of(&row.provider, &row.model) else {
            self.at_least = true;
            if !self.unknown_models.contains(&row.model) {
                self.unknown_models.push(row.model.clone());
            }
            return;
        };
        self.dollars += dollars(row, price);
    }
}

fn dollars(row: &UsageRow, price: Price) -> f64 {
    [
        (row.input, price.input),
        (row.cache_read, price.cache_read),
        (row.cache_write, price.cache_write),
        (row.output, price.output),
    ]
    .into_iter()
    .map(|(tokens, price)| exact(tokens) * price * MILLIONTH)
    .sum()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "numbers of tokens are far below 2^52"
)]
fn exact(tokens: u64) -> f64 {
    tokens as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(model: &str, outcome: &str, input: u64, output: u64) -> UsageRow {
        UsageRow {
            content_session_id: "s".to_owned(),
            project: "billing".to_owned(),
            provider: "anthropic".to_owned(),
            model: model.to_owned(),
            outcome: outcome.to_owned(),
            calls: 1,
            input,
            output,
            duration_ms: 10,
            ..UsageRow::default()
        }
    }

    #[test]
    fn tokens_of_every_kind_have_their_price() {
        let mut sum = Sum::default();
        let all = UsageRow {
            cache_read: 2_000_000,
            cache_write: 3_000_000,
            ..row("claude-haiku-4-5", "ok", 1_000_000, 4_000_000)
        };
        sum.add(&all, &Prices::default());
        assert!((sum.cost.dollars - (1.0 + 0.2 + 3.75 + 20.0)).abs() < 1e-9);
        assert_eq!(sum.tokens, 10_000_000);
    }

    #[test]
    fn what_failed_or_runs_is_told_apart_and_an_unknown_price_makes_it_at_least() {
        let mut sum = Sum::default();
        let prices = Prices::default();
        sum.add(&row("claude-haiku-4-5", "timeout", 1_000_000, 0), &prices);
        let running = UsageRow {
            reserved: 9_000,
            ..row("claude-haiku-4-5", "running", 0, 0)
        };
        sum.add(&running, &prices);
        // A call that cost nothing has no price to be unknown.
        sum.add(&row("moonshine", "connection", 0, 0), &prices);
        assert!(!sum.cost.at_least);
        sum.add(&row("moonshine", "ok", 5, 5), &prices);
        assert!(sum.cost.at_least && (sum.cost.dollars - 1.0).abs() < 1e-9);
        assert_eq!(sum.cost.unknown_models, ["moonshine"]);
        assert_eq!((sum.calls, sum.failed_calls()), (4, 2));
        assert_eq!((sum.running_calls, sum.reserved_tokens), (1, 9_000));
        sum.settle();
        assert_eq!(sum.tokens_per_observation, None);
        sum.made(7);
        sum.settle();
        assert_eq!(sum.tokens_per_observation, Some(1_000_010 / 7));
    }
}
