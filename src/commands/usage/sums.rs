//! Calls added up by day, project, session or model.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use crate::store::{Made, UsageRow};

use super::prices::{Price, Prices};

/// What a group has in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(super) enum By {
    #[default]
    Day,
    Project,
    Session,
    Model,
}

impl By {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Project => "project",
            Self::Session => "session",
            Self::Model => "model",
        }
    }
}

/// What the calls of a group came to.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(super) struct Sum {
    /// The day, the project, the session or the model.
    pub(super) name: String,
    /// The session's project; empty for other groups.
    pub(super) project: String,
    pub(super) calls: u64,
    /// Calls that brought no whole answer, by reason.
    pub(super) failed: BTreeMap<String, u64>,
    pub(super) input_tokens: u64,
    pub(super) cache_read_tokens: u64,
    pub(super) cache_write_tokens: u64,
    pub(super) output_tokens: u64,
    /// All four kinds.
    pub(super) tokens: u64,
    /// Calls that have not ended, and the most that they can cost.
    pub(super) running_calls: u64,
    pub(super) reserved_tokens: u64,
    pub(super) duration_ms: u64,
    /// Made by models of what happened in the same span.
    pub(super) observations: u64,
    pub(super) tokens_per_observation: Option<u64>,
    pub(super) cost: Cost,
}

/// Dollars.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(super) struct Cost {
    #[serde(serialize_with = "rounded")]
    pub(super) dollars: f64,
    /// Some of the tokens have a price that is not known.
    pub(super) at_least: bool,
    /// Calls were made on a subscription, and cost this only at API prices.
    pub(super) subscription: bool,
    /// Models whose price is not known.
    pub(super) unknown_models: Vec<String>,
}

/// To the millionth of a dollar: sums of binary fractions have longer tails.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands a reference over"
)]
fn rounded<S: Serializer>(dollars: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((dollars * 1e6).round() / 1e6)
}

/// A millionth: prices are for a million tokens.
const MILLIONTH: f64 = 1e-6;

impl Sum {
    pub(super) fn new(name: &str, project: &str) -> Self {
        Self {
            name: name.to_owned(),
            project: project.to_owned(),
            ..Self::default()
        }
    }

    pub(super) fn add(&mut self, row: &UsageRow, prices: &Prices) {
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
        self.tokens += tokens(row);
        self.duration_ms += row.duration_ms;
        self.cost.add(row, prices);
    }

    pub(super) fn made(&mut self, observations: u64) {
        self.observations += observations;
    }

    pub(super) fn settle(&mut self) {
        self.tokens_per_observation = self.tokens.checked_div(self.observations);
    }

    pub(super) fn failed_calls(&self) -> u64 {
        self.failed.values().sum()
    }
}

impl Cost {
    fn add(&mut self, row: &UsageRow, prices: &Prices) {
        if tokens(row) == 0 {
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

pub(super) fn tokens(row: &UsageRow) -> u64 {
    row.input + row.cache_read + row.cache_write + row.output
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

/// Groups in the order in which they were met.
#[derive(Debug, Default)]
pub(super) struct Groups {
    pub(super) all: Vec<Sum>,
}

impl Groups {
    pub(super) fn calls(&mut self, by: By, day: &str, rows: &[UsageRow], prices: &Prices) {
        for row in rows {
            let (name, project) = match by {
                By::Day => (day, ""),
                By::Project => (row.project.as_str(), ""),
                By::Session => (row.content_session_id.as_str(), row.project.as_str()),
                By::Model => (row.model.as_str(), ""),
            };
            self.group(name, project).add(row, prices);
        }
    }

    /// Observations of groups without a call are left out: they were paid for
    /// outside of the span.
    pub(super) fn made(&mut self, by: By, day: &str, made: &[Made]) {
        for made in made {
            let belongs = |sum: &&mut Sum| match by {
                By::Day => sum.name == day,
                By::Project => sum.name == made.project,
                By::Session => sum.name == made.content_session_id && sum.project == made.project,
                By::Model => is_same_model(&sum.name, &made.model),
            };
            if let Some(sum) = self.all.iter_mut().find(belongs) {
                sum.made(made.observations);
            }
        }
    }

    fn group(&mut self, name: &str, project: &str) -> &mut Sum {
        let is_it = |sum: &Sum| sum.name == name && sum.project == project;
        let place = self.all.iter().position(is_it).unwrap_or_else(|| {
            self.all.push(Sum::new(name, project));
            self.all.len() - 1
        });
        &mut self.all[place]
    }
}

/// A provider answers with the full name of the model that was asked for.
fn is_same_model(asked: &str, answered: &str) -> bool {
    !asked.is_empty() && (answered.starts_with(asked) || asked.starts_with(answered))
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

    #[test]
    fn an_observation_is_counted_once_even_where_names_of_models_begin_alike() {
        let mut groups = Groups::default();
        let rows = [
            row("claude-haiku", "ok", 1, 1),
            row("claude-haiku-4", "ok", 1, 1),
        ];
        groups.calls(By::Model, "", &rows, &Prices::default());
        let made = Made {
            content_session_id: "s".to_owned(),
            project: "billing".to_owned(),
            model: "claude-haiku-4-2025".to_owned(),
            observations: 3,
        };
        groups.made(By::Model, "", &[made]);
        let counts: Vec<u64> = groups.all.iter().map(|sum| sum.observations).collect();
        assert_eq!(counts.iter().sum::<u64>(), 3);
    }
}
