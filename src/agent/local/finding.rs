//! What a turn found out without building it: conclusions of a search,
//! failures that something else than an edit cured, and failures left open.

use super::closing::{Closing, Role, Said};
use super::command::Class;
use super::evidence::{Evidence, Run, Step, What};
use super::outcome::State;
use super::prompt::{Intent, Prompt};
use super::telling::{FACTS, attribute};
use super::text::{self, CODE, clip, full_stop, has, paragraph, same_statement, word_count};
use super::work::equivalent;
use super::{facts, phrasing};
use crate::agent::{Concept, Observation, ObservationKind as Kind, ToolEvent};

/// Least number of words of a conclusion that is worth keeping.
const CONCLUSION: usize = 10;

/// The conclusion of a turn that changed nothing.
pub(super) fn conclusion(
    evidence: &Evidence<'_>,
    prompt: Option<&Prompt>,
    closing: &Closing,
) -> Option<Observation> {
    let request = prompt.map_or("", |p| p.request.as_str());
    let telling: Vec<&Said> = closing
        .telling()
        .filter(|s| !s.hedged && s.role != Role::Verified && !is_state_of_tree(&s.text))
        .collect();
    let words: usize = telling.iter().map(|s| word_count(&s.text)).sum();
    let looked = evidence
        .steps
        .iter()
        .any(|s| !matches!(s.what, What::Stage(_) | What::Revert(_)));
    // Glances alone (`ls`, `git log`) carry a conclusion only if it is a real one.
    let enough = if looked { CONCLUSION } else { CONCLUSION * 3 };
    if words < enough || (evidence.steps.is_empty() && evidence.trivial == 0) {
        return None;
    }
    let key = closing
        .key_sentence(request, false)
        .filter(|k| !is_state_of_tree(&k.text))?;
    if key.role == Role::Verified {
        return None;
    }
    let mut out = discovery(phrasing::title(&key.text));
    let other = telling
        .iter()
        .find(|s| s.text != key.text && is_whole(s) && !same_statement(&s.text, &out.title));
    let second = other.map_or(key.text.as_str(), |s| s.text.as_str());
    out.subtitle = full_stop(&phrasing::capitalise_statement(&phrasing::shorten(
        second, 200,
    )));
    let told: Vec<String> = telling
        .iter()
        .take(6)
        .map(|s| phrasing::statement(&s.text))
        .collect();
    out.narrative = clip(&paragraph(&told), 1_100);
    out.facts = conclusion_facts(&telling, key);
    out.concepts = vec![Concept::HowItWorks];
    let asks_why = |p: &Prompt| has(&p.request.to_lowercase(), WHY);
    if prompt.is_some_and(asks_why) || closing.sure(Role::Cause).next().is_some() {
        out.concepts.push(Concept::WhyItExists);
    }
    if closing.sure(Role::Warning).next().is_some() {
        out.concepts.push(Concept::Gotcha);
    }
    secure(&mut out);
    out.files_read = evidence.files_read().into_iter().take(20).collect();
    let events: Vec<&ToolEvent> = unique(evidence.steps.iter().map(|s| s.event));
    attribute(&mut out, &events[..events.len().min(20)]);
    Some(out)
}

const WHY: &[&str] = &["why", "warum", "为什么", "por qué", "pourquoi", "почему"];

/// The checkable sentences of a conclusion besides its main one; all of them
/// where there are few.
fn conclusion_facts(telling: &[&Said], key: &Said) -> Vec<String> {
    let others = telling
        .iter()
        .filter(|s| (s.text != key.text && is_whole(s)) || telling.len() < 3)
        .filter(|s| (5..=40).contains(&word_count(&s.text)) || s.item || text::is_specific(&s.text))
        .filter(|s| word_count(&s.text) <= 40)
        .map(|s| s.text.clone());
    let mut out = facts::settled(others.collect(), FACTS);
    if out.len() < 2 {
        let all = telling.iter().map(|s| s.text.clone());
        out = facts::settled(all.flat_map(|s| clauses(&s)).collect(), 3);
    }
    out
}

/// Whether a sentence can stand alone.
fn is_whole(said: &Said) -> bool {
    !super::roles::starts_with_pronoun(&phrasing::strip_lead(&said.text).to_lowercase())
}

/// The parts of a sentence that say something each.
fn clauses(sentence: &str) -> Vec<String> {
    let parts: Vec<&str> = sentence
        .split("; ")
        .flat_map(|p| p.split(", and "))
        .collect();
    if parts.iter().all(|p| word_count(p) >= 4) {
        parts.into_iter().map(str::to_owned).collect()
    } else {
        vec![sentence.to_owned()]
    }
}

fn unique<'e>(events: impl Iterator<Item = &'e ToolEvent>) -> Vec<&'e ToolEvent> {
    let mut out: Vec<&ToolEvent> = events.collect();
    out.dedup_by_key(|e| e.id);
    out
}

/// "The working tree is clean" is true today and means nothing tomorrow.
pub(super) fn is_state_of_tree(text: &str) -> bool {
    has(
        &text.to_lowercase(),
        &[
            "working tree",
            "nothing to commit",
            "up to date with",
            "up-to-date with",
            "uncommitted change*",
            "no changes",
            "branch is",
            "commits ahead",
            "on branch",
            "arbeitsverzeichnis",
        ],
    )
}

/// A weakness that was found and not yet mended is an alert.
fn secure(out: &mut Observation) {
    let words = format!("{} {}", out.title, out.narrative).to_lowercase();
    let strong = has(
        &words,
        &[
            "vulnerab*",
            "cve-*",
            "sql injection",
            "command injection",
            "path traversal",
            "xss",
            "leaked",
            "remote code execution",
            "exposed secret*",
            "hard-coded password",
            "hardcoded password",
            "hardcoded secret*",
            "csrf",
            "ssrf",
            "directory traversal",
            "auth bypass",
        ],
    );
    if !strong {
        return;
    }
    let denied = has(
        &words,
        &[
            "no vulnerab*",
            "not vulnerable",
            "not affected",
            "0 vulnerab*",
            "isn't vulnerable",
            "no known vulnerab*",
            "is safe",
        ],
    );
    out.kind = if denied {
        Kind::SecurityNote
    } else {
        Kind::SecurityAlert
    };
}

fn discovery(title: String) -> Observation {
    Observation {
        kind: Kind::Discovery,
        title,
        subtitle: String::new(),
        narrative: String::new(),
        facts: Vec::new(),
        concepts: Vec::new(),
        files_read: Vec::new(),
        files_modified: Vec::new(),
        agent_id: None,
        agent_type: None,
        events: Vec::new(),
    }
}

/// A failure that went away without an edit: a tool, a library, a variable or
/// a flag was missing.
pub(super) fn cure(
    evidence: &Evidence<'_>,
    closing: &Closing,
    taken: &[i64],
) -> Option<Observation> {
    let runs: Vec<(usize, &Step<'_>, &Run)> = evidence.runs().collect();
    for (i, (at, step, failed)) in runs.iter().enumerate() {
        let known = taken.contains(&step.event.id);
        if failed.outcome.state != State::Failed || known {
            continue;
        }
        let Some(error) = &failed.outcome.error else {
            continue;
        };
        let Some((passed_at, passed_step, passed)) = runs[i + 1..]
            .iter()
            .find(|(_, _, run)| run.outcome.state == State::Passed && same_work(failed, run))
        else {
            continue;
        };
        // A source edit in between is the cure then, and told as the work.
        let edited = evidence.edits().any(|(e, _, _)| e > *at && e < *passed_at);
        let Some(cure) = found_cure(&runs[i + 1..], *passed_at, failed, passed) else {
            continue;
        };
        if edited && !cure.1 {
            continue;
        }
        let between: Vec<&ToolEvent> = runs[i..]
            .iter()
            .take_while(|(p, _, _)| p <= passed_at)
            .filter(|(_, _, run)| run.class == Class::Install || same_work(failed, run))
            .map(|(_, s, _)| s.event)
            .chain([passed_step.event])
            .collect();
        return Some(cured(
            failed,
            error,
            &cure.0,
            &unique(between.into_iter()),
            closing,
            taken.is_empty(),
        ));
    }
    None
}

fn same_work(failed: &Run, passed: &Run) -> bool {
    equivalent(failed, passed)
        || (failed.class == passed.class
            && failed.words.first() == passed.words.first()
            && failed.words.get(1) == passed.words.get(1))
}

/// What made the difference, and whether it is more than another flag.
fn found_cure(
    later: &[(usize, &Step<'_>, &Run)],
    passed_at: usize,
    failed: &Run,
    passed: &Run,
) -> Option<(String, bool)> {
    let mut installs: Vec<String> = Vec::new();
    for (at, _, run) in later {
        if *at <= passed_at {
            installs.extend(run.cures.iter().cloned());
        }
        let works = run.outcome.state != State::Failed;
        if *at < passed_at && run.class == Class::Install && works && !same_work(failed, run) {
            installs.push(run.label.clone());
        }
    }
    installs.dedup();
    // Values of variables may be secrets or machine names; the name is enough.
    let names = passed
        .env
        .iter()
        .filter(|e| !failed.env.contains(e))
        .filter_map(|e| e.split_once('='));
    let mut needed: Vec<String> = names.map(|(name, _)| name.to_owned()).collect();
    needed.append(&mut installs);
    if !needed.is_empty() {
        return Some((text::listing(&needed, 3), true));
    }
    let added: Vec<&String> = passed
        .words
        .iter()
        .filter(|w| w.starts_with('-') && !failed.words.contains(w))
        .collect();
    let removed = failed.words.iter().any(|w| !passed.words.contains(w));
    // Other words than flags differ in a typo, which is nothing to remember.
    (!added.is_empty() && !removed && failed.class != Class::Run)
        .then(|| (text::listing(&added, 3), false))
}

/// The sentence of the message that speaks of a cure.
fn about<'c>(error: &str, cure: &str, closing: &'c Closing) -> Option<&'c Said> {
    let cure = cure.to_lowercase();
    let named = |lower: &str| {
        cure.split_whitespace()
            .filter(|w| w.len() > 2)
            .any(|w| lower.contains(w.trim_start_matches('-')))
    };
    closing
        .said
        .iter()
        .filter(|s| {
            !matches!(
                s.role,
                Role::Verified | Role::Empty | Role::Offer | Role::DeadEnd
            )
        })
        .filter(|s| !s.hedged && word_count(&s.text) >= 5)
        .find(|s| named(&s.text.to_lowercase()) || text::overlap(error, &s.text) > 0.3)
}

fn cured(
    failed: &Run,
    error: &str,
    cure: &str,
    events: &[&ToolEvent],
    closing: &Closing,
    alone: bool,
) -> Observation {
    let told = about(error, cure, closing);
    let template = format!("{CODE}{} needs {cure}", failed.family);
    let program = failed.words.first().map_or("", String::as_str);
    let title = told
        .filter(|s| {
            let plain = phrasing::strip_lead(&s.text);
            let first = plain.trim_start_matches(CODE);
            let code = plain.starts_with(CODE) && !first.starts_with(program);
            !code
                && s.role != Role::Next
                && !super::roles::starts_with_pronoun(&first.to_lowercase())
        })
        .map_or_else(|| phrasing::title(&template), |s| phrasing::title(&s.text));
    let mut out = discovery(title);
    out.subtitle = full_stop(&clip(
        &format!("{CODE}{} failed with: {error}", failed.label),
        220,
    ));
    let mut sentences = vec![
        format!("{CODE}{} failed with: {error}", failed.label),
        format!("It worked with {cure}"),
    ];
    // In a turn of other work the cause that is told is that work's.
    let causes = closing.sure(Role::Cause).filter(|_| alone);
    sentences.extend(causes.take(2).map(|s| s.text.clone()));
    sentences.extend(told.map(|s| s.text.clone()));
    sentences.dedup();
    out.narrative = clip(&paragraph(&sentences), 900);
    let mut found = vec![
        format!("Error: {error}"),
        format!("Cure: {cure}"),
        format!("Command: {}", failed.label),
    ];
    found.extend(told.map(|s| s.text.clone()));
    found.extend(closing.sure(Role::Warning).take(1).map(|s| s.text.clone()));
    out.facts = facts::settled(found, FACTS);
    out.concepts = vec![Concept::Gotcha, Concept::ProblemSolution];
    attribute(&mut out, events);
    out
}

/// A finding beside the work, which the message sets apart by words.
pub(super) fn aside(evidence: &Evidence<'_>, closing: &Closing) -> Option<Observation> {
    let first = closing.sure(Role::Warning).find(|s| {
        let marked = has(
            &s.text.to_lowercase(),
            &[
                "unrelated",
                "separate finding",
                "separately",
                "also noticed",
                "also found",
                "also discovered",
                "while here",
                "pre-existing",
                "along the way",
            ],
        );
        marked && word_count(&s.text) >= 10
    })?;
    let mut out = discovery(phrasing::title(&first.text));
    let near: Vec<&str> = closing
        .telling()
        .filter(|s| s.block == first.block)
        .skip_while(|s| s.text != first.text)
        .map(|s| s.text.as_str())
        .take(3)
        .collect();
    out.narrative = paragraph(&near);
    out.subtitle = full_stop(&clip(near.get(1).unwrap_or(&near[0]), 220));
    out.facts = facts::settled(near.iter().map(|s| (*s).to_owned()).collect(), 3);
    out.concepts = vec![Concept::Gotcha];
    secure(&mut out);
    // The files that the finding names, among those that were touched.
    out.files_read = evidence
        .files_read()
        .into_iter()
        .filter(|f| {
            f.rsplit('/')
                .next()
                .is_some_and(|name| near.iter().any(|s| s.contains(name)))
        })
        .collect();
    let events: Vec<&ToolEvent> = unique(evidence.steps.iter().map(|s| s.event));
    attribute(&mut out, &events[..events.len().min(12)]);
    Some(out)
}

/// Runs that failed and never passed again, the last of each family.
pub(super) fn uncured<'e>(evidence: &'e Evidence<'e>) -> Vec<&'e Run> {
    let runs: Vec<&Run> = evidence.runs().map(|(_, _, run)| run).collect();
    let mut out: Vec<&Run> = Vec::new();
    for (i, run) in runs.iter().enumerate() {
        let failed = run.outcome.state == State::Failed && run.outcome.error.is_some();
        let telling = run.class >= Class::Install;
        let later = runs[i + 1..].iter().any(|next| same_work(run, next));
        if failed && telling && !later {
            out.push(run);
        }
    }
    out
}

/// Whether a prompt only asks for a status, which is stale tomorrow.
pub(super) fn asks_status(prompt: Option<&Prompt>) -> bool {
    prompt.is_some_and(|p| {
        let lower = p.request.to_lowercase();
        p.intent != Intent::Fix
            && has(
                &lower,
                &[
                    "run the tests",
                    "run tests",
                    "run the test suite",
                    "do the tests pass",
                    "git status",
                    "commit this",
                    "commit it",
                    "push it",
                ],
            )
            && word_count(&lower) <= 12
    })
}
