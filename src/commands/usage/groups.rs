//! Calls added up by day, project, session or model.

use serde::Serialize;

use crate::store::{Made, UsageRow};
use crate::usage::{Prices, Sum};

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
