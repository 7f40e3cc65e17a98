//! What became of turns that were to be done again.

use std::io::Write;

use serde::Serialize;

use crate::context::text::line;
use crate::store::Redoable;

use super::super::output::{FAINT, GOOD, ID, WARNING};
use super::super::usage::thousands;
use super::state;

/// What became of one turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Outcome {
    /// By `model`.
    Done,
    /// The offline extractor did it again in a model's place.
    Offline,
    Failed,
    /// It is in the queue, and done by the next worker that can.
    Waits,
    /// It is as it was.
    Left,
    /// It would be done.
    Planned,
}

#[derive(Debug, Serialize)]
pub(super) struct Told {
    #[serde(flatten)]
    pub(super) turn: Redoable,
    pub(super) outcome: Outcome,
    pub(super) model: Option<String>,
    /// Why it is not done by a model.
    pub(super) why: Option<String>,
}

/// What is printed.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    pub(super) dry_run: bool,
    pub(super) provider: String,
    pub(super) turns: Vec<Told>,
    /// What the turns take, roughly; nothing of the offline extractor.
    pub(super) estimated_tokens: i64,
    pub(super) warnings: Vec<String>,
}

/// One that is not done again.
pub(super) fn left_alone(turn: Redoable) -> Told {
    Told {
        why: state(&turn).map(str::to_owned),
        outcome: if turn.waiting > 0 {
            Outcome::Waits
        } else {
            Outcome::Left
        },
        model: None,
        turn,
    }
}

/// One that would be.
pub(super) fn planned(turn: Redoable) -> Told {
    Told {
        why: None,
        outcome: Outcome::Planned,
        model: None,
        turn,
    }
}

pub(super) fn write(report: &Report, out: &mut dyn Write) -> anyhow::Result<()> {
    if report.turns.is_empty() {
        writeln!(
            out,
            "There is nothing to do again: a model did every turn that it was chosen for, and no event failed."
        )?;
    }
    for told in &report.turns {
        let turn = &told.turn;
        write!(
            out,
            "{ID}{:>5}{ID:#} {}, turn {}: ",
            turn.turn_id,
            line(&turn.project),
            turn.prompt_number
        )?;
        let why = told.why.as_deref().map(line).unwrap_or_default();
        match told.outcome {
            Outcome::Done => {
                let model = told
                    .model
                    .as_deref()
                    .unwrap_or("nobody, for nothing is worth keeping");
                writeln!(out, "{GOOD}done{GOOD:#} by {}", line(model))?;
            }
            Outcome::Offline => writeln!(out, "{WARNING}still offline{WARNING:#}: {why}")?,
            Outcome::Failed => writeln!(out, "{WARNING}failed{WARNING:#}: {why}")?,
            Outcome::Waits => writeln!(out, "{WARNING}waits{WARNING:#}: {why}")?,
            Outcome::Left => writeln!(out, "{FAINT}left as it is{FAINT:#}: {why}")?,
            Outcome::Planned => writeln!(
                out,
                "{} events, {} bytes",
                turn.events,
                thousands_of(turn.bytes)
            )?,
        }
    }
    if report.dry_run && !report.turns.is_empty() {
        let cost = match report.estimated_tokens {
            0 => "no tokens".to_owned(),
            tokens => format!(
                "about {} tokens of {}",
                thousands_of(tokens),
                line(&report.provider)
            ),
        };
        writeln!(out, "Nothing was done. Doing it takes {cost}.")?;
    }
    Ok(())
}

fn thousands_of(number: i64) -> String {
    thousands(u64::try_from(number).unwrap_or(0))
}
