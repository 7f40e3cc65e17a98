//! Tells a whole turn in a few lines.

use super::closing::{Closing, Role, Said};
use super::command::Class;
use super::evidence::{Evidence, What};
use super::finding;
use super::outcome::State;
use super::prompt::Prompt;
use super::roles::starts_with_pronoun;
use super::text::{self, capitalise, clip, listing, paragraph};
use super::work::Unit;
use super::{facts, phrasing};
use crate::agent::{Close, Summary};

/// Longest field, in characters.
const FIELD: usize = 700;

/// The summary of a turn, or none where nothing is known.
pub(super) fn tell(
    prompt: Option<&Prompt>,
    evidence: &Evidence<'_>,
    closing: &Closing,
    units: &[Unit<'_>],
    close: Close,
) -> Option<Summary> {
    let summary = Summary {
        request: prompt.map(|p| p.request.clone()).unwrap_or_default(),
        investigated: investigated(evidence),
        learned: learned(closing, evidence),
        completed: completed(prompt, closing, evidence, units),
        next_steps: next_steps(closing),
        notes: notes(evidence, closing, close),
    };
    let known = [
        &summary.request,
        &summary.learned,
        &summary.completed,
        &summary.next_steps,
    ];
    let anything = known.iter().any(|field| !field.is_empty())
        || evidence
            .steps
            .iter()
            .any(|s| !matches!(s.what, What::Stage(_)));
    anything.then_some(summary)
}

fn said(closing: &Closing, roles: &[Role], max: usize) -> String {
    let sentences: Vec<String> = closing
        .said
        .iter()
        .filter(|s| roles.contains(&s.role) && !finding::is_state_of_tree(&s.text))
        .map(|s| phrasing::capitalise_statement(&strip(s)))
        .collect();
    clip(&paragraph(&distinct(sentences, max)), FIELD)
}

/// What is left to do. "Add a migration with that index" takes the sentence
/// along that says which one.
fn next_steps(closing: &Closing) -> String {
    let mut sentences: Vec<String> = Vec::new();
    for (at, said) in closing.said.iter().enumerate() {
        if said.role != Role::Next || finding::is_state_of_tree(&said.text) {
            continue;
        }
        let before = at.checked_sub(1).map(|i| &closing.said[i]);
        let context = before.filter(|b| {
            let tells = matches!(b.role, Role::Warning | Role::Statement | Role::Cause);
            tells && b.block == said.block && points_back(&said.text)
        });
        for part in context.into_iter().chain([said]) {
            sentences.push(phrasing::capitalise_statement(&strip(part)));
        }
    }
    clip(&paragraph(&distinct(sentences, 6)), FIELD)
}

/// Whether a sentence has a "that" or "this" that stands for something before.
fn points_back(sentence: &str) -> bool {
    let lower = sentence.split("; ").next().unwrap_or("").to_lowercase();
    let words: Vec<&str> = lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
        .collect();
    let leads = [
        "with", "for", "of", "in", "to", "on", "about", "from", "mention", "add", "do", "fix",
        "change", "cover", "handle", "check", "document", "test", "update", "remove",
    ];
    words.windows(2).any(|pair| {
        matches!(pair[1], "that" | "this" | "these" | "those") && leads.contains(&pair[0])
    })
}

fn strip(said: &Said) -> String {
    phrasing::strip_lead(&said.text)
}

/// Without repetitions, in order.
fn distinct(sentences: Vec<String>, max: usize) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for sentence in sentences {
        // "Added x in a.rs" and "Changed y in a.rs" are not the same.
        let marked = |s: &str| {
            let mut chars = s.chars();
            chars.next() == Some(text::CODE) && chars.next().is_some_and(char::is_uppercase)
        };
        let repeats = |old: &String| {
            old == &sentence
                || !(marked(old) && marked(&sentence)) && text::same_statement(old, &sentence)
        };
        if out.len() < max && !out.iter().any(repeats) {
            out.push(sentence);
        }
    }
    out
}

fn investigated(evidence: &Evidence<'_>) -> String {
    let mut patterns: Vec<&str> = Vec::new();
    let mut lookups: Vec<&str> = Vec::new();
    let mut tasks: Vec<&str> = Vec::new();
    let mut runs: Vec<&str> = Vec::new();
    for step in &evidence.steps {
        let (list, item) = match &step.what {
            What::Search { pattern, .. } => (&mut patterns, pattern.as_str()),
            What::Lookup(what) => (&mut lookups, what.as_str()),
            What::Delegate(what) => (&mut tasks, what.as_str()),
            What::Run(run) if run.class > Class::Run || run.outcome.state != State::Failed => {
                (&mut runs, run.label.as_str())
            }
            _ => continue,
        };
        // `grep .` searches for nothing.
        let telling = item.chars().filter(|c| c.is_alphanumeric()).count() > 1;
        if telling && !list.contains(&item) {
            list.push(item);
        }
    }
    let mut parts: Vec<String> = Vec::new();
    for (verb, items, max) in [
        ("read", evidence.files_opened(), 8),
        ("searched for", patterns, 4),
        ("looked up", lookups, 4),
        ("ran", runs, 4),
        ("delegated", tasks, 3),
    ] {
        if !items.is_empty() {
            parts.push(format!("{verb} {}", listing(&items, max)));
        }
    }
    clip(&text::full_stop(&capitalise(&parts.join("; "))), FIELD)
}

/// Whether a turn only looked: then its sentences are findings, not deeds.
fn is_research(evidence: &Evidence<'_>) -> bool {
    let changed = evidence.edits().next().is_some();
    let installed = evidence
        .runs()
        .any(|(_, _, run)| run.class == Class::Install);
    !changed && !installed && !evidence.steps.is_empty()
}

fn learned(closing: &Closing, evidence: &Evidence<'_>) -> String {
    let roles: &[Role] = if closing.borrowed || is_research(evidence) {
        &[
            Role::Cause,
            Role::Warning,
            Role::Statement,
            Role::Decision,
            Role::Reason,
        ]
    } else {
        &[Role::Cause, Role::Warning, Role::Reason]
    };
    said(closing, roles, 5)
}

fn completed(
    prompt: Option<&Prompt>,
    closing: &Closing,
    evidence: &Evidence<'_>,
    units: &[Unit<'_>],
) -> String {
    if is_research(evidence) {
        // The findings stand under "learned"; the answer itself is what was done.
        let key = closing
            .key_sentence(prompt.map_or("", |p| p.request.as_str()), false)
            .map(strip)
            .filter(|key| !starts_with_pronoun(&key.to_lowercase()))
            .unwrap_or_default();
        return clip(
            &text::full_stop(&phrasing::capitalise_statement(&key)),
            FIELD,
        );
    }
    let roles = [Role::Statement, Role::Decision, Role::Verified];
    let told: Vec<String> = closing
        .said
        .iter()
        .filter(|s| roles.contains(&s.role) && !closing.borrowed)
        .map(|s| phrasing::capitalise_statement(&strip(s)))
        .collect();
    let mut sentences = distinct(told, 4);
    let verified = closing.verifies();
    for unit in units {
        if sentences.len() < 2 {
            sentences.extend(facts::changes(unit).iter().take(2).cloned());
        }
        sentences.extend(facts::commit(unit));
        if let Some((_, run)) = unit.proof.filter(|_| !verified) {
            sentences.push(facts::success(run));
        }
    }
    if sentences.is_empty() && closing.is_substantial() && !closing.borrowed {
        sentences.extend(closing.telling().take(3).map(strip));
    }
    clip(&paragraph(&distinct(sentences, 8)), FIELD + 200)
}

fn notes(evidence: &Evidence<'_>, closing: &Closing, close: Close) -> String {
    let mut out: Vec<String> = Vec::new();
    if let Some(error) = &closing.api_error {
        let error = error.trim_start_matches("API Error:").trim();
        out.push(format!("The turn ended with an API error: {error}"));
    } else if close == Close::StopFailure {
        out.push("The turn ended with an API error".to_owned());
    } else if closing.said.is_empty() || closing.borrowed {
        match close {
            Close::NextPrompt => {
                out.push("The turn was interrupted before it was answered".to_owned());
            }
            Close::SessionEnd | Close::Idle => {
                out.push("The turn ended without a closing message".to_owned());
            }
            _ => {}
        }
    }
    for run in finding::uncured(evidence).into_iter().take(2) {
        let error = run.outcome.error.as_deref().unwrap_or("no message");
        out.push(format!(
            "Still failing at the end: {} ({})",
            run.label,
            clip(error, 140)
        ));
    }
    for said in closing
        .said
        .iter()
        .filter(|s| s.role == Role::DeadEnd)
        .take(2)
    {
        out.push(format!("Tried without success: {}", said.text));
    }
    clip(&paragraph(&out), FIELD)
}
