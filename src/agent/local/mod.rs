//! The extractor that needs no model, no key and no network.
//!
//! It reads a turn's events as evidence (what was read, changed, run and
//! committed), the closing message as testimony, and tells what both support.
//! It invents nothing: each statement is a sentence of the session or is put
//! together from names and numbers in its events. The same turn always gives
//! the same result.

mod bash;
mod closing;
mod command;
mod decision;
mod edit;
mod evidence;
mod facts;
mod finding;
mod git;
mod kind;
mod markdown;
mod outcome;
mod paths;
mod phrasing;
mod programs;
mod prompt;
mod report;
mod roles;
mod shell;
mod summary;
mod surface;
mod symbols;
mod telling;
pub(super) mod text;
mod titles;
mod words;
mod work;

#[cfg(test)]
mod tests;

use super::{Close, Extraction, Observation, ObservationKind, SubagentMessage, Summary, Turn};
use closing::Closing;
use telling::Story;

/// Most observations of one turn. More would bury the one that matters.
const MAX_OBSERVATIONS: usize = 4;

/// Extracts what is worth remembering from a turn.
pub fn extract(turn: &Turn) -> Extraction {
    let mut prompt = prompt::read(turn.prompt.as_deref());
    if let Some(prompt) = &mut prompt {
        prompt.mark(&turn.project);
    }
    let prompt = prompt.as_ref();
    let evidence = evidence::gather(turn);
    let failed = turn.close == Close::StopFailure;
    let mut closing = closing::read(turn.last_assistant_message.as_deref(), failed);
    if closing.said.is_empty() && closing.api_error.is_none() {
        closing = subagents_words(&turn.subagent_messages);
    }
    let records = decision::records(&evidence);
    let mut units = work::units(&evidence);
    // A record is told as its decision, not once more as an edit.
    for unit in &mut units {
        unit.edits
            .retain(|t| !records.iter().any(|r| r.path == t.edit.path));
    }
    units.retain(|unit| !unit.edits.is_empty() || (unit.commit.is_some() && records.is_empty()));
    let functions: Vec<String> = units.iter().flat_map(work::Unit::functions).collect();
    closing.resolve(&functions);
    closing.mark(&plain_names(&functions, &turn.project, &evidence));
    if mends(prompt, &closing, &units) {
        closing.find_cause();
    }

    // What a subagent found out is not what the turn built.
    let own = if closing.borrowed {
        Closing::default()
    } else {
        closing.clone()
    };
    let mut found = works(turn, prompt, &evidence, &own, &units);
    if closing.borrowed {
        found.extend(finding::conclusion(&evidence, prompt, &closing));
    }
    found.extend(decision::observe(&evidence, &records, &closing));
    let taken: Vec<i64> = found
        .iter()
        .flat_map(|o| o.events.iter().copied())
        .collect();
    found.extend(finding::cure(&evidence, &closing, &taken));
    if found.is_empty() && !finding::asks_status(prompt) {
        found.extend(finding::conclusion(&evidence, prompt, &closing));
    } else if !units.is_empty() {
        found.extend(finding::aside(&evidence, &closing));
    }
    let mut observations = settled(found, &turn.earlier_titles);
    observations.iter_mut().for_each(scrub);
    let summary = summary::tell(prompt, &evidence, &closing, &units, turn.close);
    let skip_reason = observations
        .is_empty()
        .then(|| skip_reason(turn, &evidence).to_owned());
    Extraction {
        observations,
        summary: summary.as_ref().map(scrub_summary),
        skip_reason,
    }
}

/// Whether the turn is the story of a fix.
fn mends(prompt: Option<&prompt::Prompt>, closing: &Closing, units: &[work::Unit<'_>]) -> bool {
    let fix = |unit: &work::Unit<'_>| kind::of(unit, prompt, closing) == ObservationKind::Bugfix;
    let cured = units.iter().any(|unit| unit.cured.is_some());
    match prompt.map(|p| p.intent) {
        Some(prompt::Intent::Fix) => !units.is_empty(),
        None | Some(prompt::Intent::Unclear | prompt::Intent::Question) => {
            cured || units.iter().any(fix)
        }
        Some(_) => units.iter().any(fix),
    }
}

/// Names that look like words but are none: of functions, of the project, of
/// programs and of what was installed.
fn plain_names(
    functions: &[String],
    project: &str,
    evidence: &evidence::Evidence<'_>,
) -> Vec<String> {
    let last = |name: &str| name.rsplit(['.', ':']).next().unwrap_or(name).to_owned();
    let installed = evidence
        .runs()
        .filter(|(_, _, run)| {
            let fetches = |w: &String| matches!(w.as_str(), "install" | "add" | "get" | "i");
            run.class == command::Class::Install && run.words.iter().any(fetches)
        })
        .flat_map(|(_, _, run)| run.words.iter().skip(1));
    let programs = evidence.runs().filter_map(|(_, _, run)| run.words.first());
    functions
        .iter()
        .map(|f| last(f))
        .chain([project.to_owned()])
        .chain(installed.chain(programs).cloned())
        .filter(|name| name.starts_with(char::is_lowercase) && !name.contains(' '))
        .filter(|name| !text::is_code_word(name))
        .collect()
}

fn scrub_summary(summary: &Summary) -> Summary {
    Summary {
        request: text::scrub(&summary.request),
        investigated: text::scrub(&summary.investigated),
        learned: text::scrub(&summary.learned),
        completed: text::scrub(&summary.completed),
        next_steps: text::scrub(&summary.next_steps),
        notes: text::scrub(&summary.notes),
    }
}

/// Removes what only served to write the texts.
fn scrub(observation: &mut Observation) {
    let texts = [
        &mut observation.title,
        &mut observation.subtitle,
        &mut observation.narrative,
    ];
    for field in texts.into_iter().chain(&mut observation.facts) {
        *field = text::scrub(field);
    }
}

/// One observation for each piece of work.
fn works(
    turn: &Turn,
    prompt: Option<&prompt::Prompt>,
    evidence: &evidence::Evidence<'_>,
    closing: &Closing,
    units: &[work::Unit<'_>],
) -> Vec<Observation> {
    let parts = telling::divide(closing, units);
    units
        .iter()
        .zip(parts)
        .map(|(unit, part)| {
            let own = unit.agent.and_then(|agent| {
                let message = turn
                    .subagent_messages
                    .iter()
                    .find(|m| m.agent_id == agent)?;
                Some(closing::read(Some(&message.text), false)).filter(|_| !unit.sole)
            });
            let closing = own.unwrap_or(part);
            Story {
                unit,
                prompt,
                closing,
                evidence,
                close: turn.close,
            }
            .tell()
        })
        .collect()
}

/// What the last subagent answered stands in for a message that never came.
/// A compaction's pseudo agent has no type.
fn subagents_words(messages: &[SubagentMessage]) -> Closing {
    let last = messages.iter().rev().find(|m| !m.agent_type.is_empty());
    let mut closing = closing::read(last.map(|m| m.text.as_str()), false);
    closing.borrowed = last.is_some();
    closing
}

/// Without what was told before, the most important first.
fn settled(found: Vec<Observation>, earlier: &[String]) -> Vec<Observation> {
    let mut out: Vec<Observation> = Vec::new();
    for observation in found {
        let told = earlier
            .iter()
            .any(|title| text::same_statement(title, &observation.title))
            || out
                .iter()
                .any(|o| text::same_statement(&o.title, &observation.title));
        if !told && !observation.title.is_empty() {
            out.push(observation);
        }
    }
    out.sort_by_key(|o| match o.kind {
        ObservationKind::SecurityAlert => 0,
        ObservationKind::Discovery | ObservationKind::SecurityNote => 2,
        _ => 1,
    });
    out.truncate(MAX_OBSERVATIONS);
    out
}

fn skip_reason(turn: &Turn, evidence: &evidence::Evidence<'_>) -> &'static str {
    if turn.events.is_empty() {
        "no tool was used and nothing was found out"
    } else if evidence.edits().next().is_some() {
        "everything in the turn is known already"
    } else if turn.last_assistant_message.is_none() {
        "nothing was changed and no conclusion was told"
    } else {
        "only routine steps without a conclusion worth keeping"
    }
}
