//! Tells a piece of work as an observation.

use super::closing::{Closing, Role, Said};
use super::evidence::{Evidence, What};
use super::prompt::{self, Prompt};
use super::text::{self, clip, listing, paragraph, same_statement};
use super::work::Unit;
use super::{facts, kind, phrasing};
use crate::agent::{Close, Concept, Observation, ObservationKind as Kind, ToolEvent};

/// Most facts of one observation.
pub(super) const FACTS: usize = 7;
/// Most characters of a narrative.
const NARRATIVE: usize = 1_100;
/// Most files in one list.
const FILES: usize = 25;

/// One unit and everything that was said about it.
pub(super) struct Story<'a> {
    pub(super) unit: &'a Unit<'a>,
    pub(super) prompt: Option<&'a Prompt>,
    /// The sentences that are about this unit.
    pub(super) closing: Closing,
    pub(super) evidence: &'a Evidence<'a>,
    pub(super) close: Close,
}

impl Story<'_> {
    /// The observation.
    pub(super) fn tell(&self) -> Observation {
        let kind = kind::of(self.unit, self.prompt, &self.closing);
        let title = self.title(kind);
        let narrative = self.narrative(kind);
        let mut files_modified = self.unit.files();
        let files_read = self.files_read(&files_modified);
        files_modified.truncate(FILES);
        let facts = self.facts(kind, &title);
        let subtitle = self.subtitle(kind, &title, &files_modified);
        let mut observation = Observation {
            kind,
            title,
            subtitle,
            narrative,
            facts,
            concepts: self.concepts(kind),
            files_read,
            files_modified,
            agent_id: None,
            agent_type: None,
            events: Vec::new(),
        };
        attribute(&mut observation, &self.unit.events());
        observation
    }

    /// Sure statements of a role that the title does not say already.
    fn beyond(&self, role: Role, title: &str) -> impl Iterator<Item = &Said> {
        let title = title.to_owned();
        self.closing.sure(role).filter(move |s| {
            !same_statement(&phrasing::title(&s.text), &title) && !same_statement(&s.text, &title)
        })
    }

    fn subtitle(&self, kind: Kind, title: &str, files: &[String]) -> String {
        let cause = || self.beyond(Role::Cause, title).next();
        let deed = || self.beyond(Role::Statement, title).next();
        let chosen = if kind == Kind::Bugfix {
            cause().or_else(deed)
        } else {
            deed().or_else(cause)
        };
        if let Some(said) = chosen {
            return text::full_stop(&phrasing::capitalise_statement(&phrasing::shorten(
                &phrasing::strip_lead(&said.text),
                200,
            )));
        }
        if let Some(cured) = self.unit.cured.as_ref().filter(|_| kind == Kind::Bugfix) {
            return text::full_stop(&clip(&facts::failure(cured), 200));
        }
        let verified = self
            .unit
            .proof
            .map(|(_, run)| format!("; {}", facts::success(run)))
            .unwrap_or_default();
        if matches!(self.close, Close::NextPrompt | Close::StopFailure)
            && self.closing.said.is_empty()
        {
            let end = if self.close == Close::StopFailure {
                "An API error ended the turn"
            } else {
                "The turn was interrupted"
            };
            return format!("{end} after changes to {}{verified}.", listing(files, 3));
        }
        format!("Changes {}{verified}.", listing(files, 3))
    }

    fn narrative(&self, kind: Kind) -> String {
        let mut all: Vec<String> = Vec::new();
        let sole = self.prompt.filter(|p| !p.vague && self.unit.sole);
        all.extend(sole.map(|p| problem(p, kind)));
        let causes = || {
            self.closing
                .sure(Role::Cause)
                .take(2)
                .map(|s| s.text.clone())
        };
        if kind == Kind::Bugfix {
            all.extend(self.unit.cured.as_ref().map(facts::failure));
            all.extend(causes());
        }
        if let Some((_, commit)) = self.unit.commit.filter(|_| self.closing.said.is_empty()) {
            let body = commit.body.replace('\n', " ");
            all.extend(super::markdown::sentences(&body).into_iter().take(1));
        }
        let deeds: Vec<&Said> = self.closing.sure(Role::Statement).take(3).collect();
        all.extend(deeds.iter().map(|s| s.text.clone()));
        if deeds.is_empty() {
            all.extend(facts::changes(self.unit).iter().take(2).cloned());
        }
        // Causes of a fix stand above; a repetition is left out below.
        all.extend(causes());
        match (self.closing.sure(Role::Verified).next(), self.unit.proof) {
            (Some(said), _) => all.push(said.text.clone()),
            (None, Some((_, run))) if !self.closing.verifies() => all.push(facts::success(run)),
            (None, _) => {}
        }
        if let Some((_, run)) = self.unit.broken {
            all.push(format!("At the end of the turn {} still failed", run.label));
        }
        bounded(&all)
    }

    fn facts(&self, kind: Kind, title: &str) -> Vec<String> {
        let mut out = Vec::new();
        let told = |role, max| {
            let short = |said: &&Said| text::word_count(&said.text) <= 32;
            self.closing
                .sure(role)
                .filter(short)
                .take(max)
                .map(|s| s.text.clone())
        };
        let red = self
            .unit
            .cured
            .filter(|c| kind == Kind::Bugfix || !c.failed.1.outcome.failing.is_empty());
        out.extend(facts::replacement(self.unit));
        out.extend(red.map(|cured| facts::failure(&cured)));
        out.extend(self.many_files());
        out.extend(told(Role::Cause, 1));
        let changes = facts::changes(self.unit);
        out.extend(changes.iter().take(3).cloned());
        out.extend(self.unit.proof.map(|(_, run)| facts::success(run)));
        out.extend(facts::commit(self.unit));
        out.extend(told(Role::Warning, 2));
        out.extend(self.left_open());
        out.extend(self.thrown_away());
        let items = self.closing.sure(Role::Statement);
        let telling = items.filter(|s| {
            let lower = s.text.to_lowercase();
            (s.item || text::is_specific(&s.text)) && !super::roles::starts_with_pronoun(&lower)
        });
        out.extend(
            telling
                .filter(|s| text::word_count(&s.text) <= 32 && !same_statement(&s.text, title))
                .take(3)
                .map(|s| s.text.clone()),
        );
        out.extend(changes.iter().skip(3).cloned());
        out.extend(facts::untold(self.unit, &out));
        if out.len() < 3 {
            out.extend(facts::sizes(self.unit));
        }
        facts::settled(out, FACTS)
    }

    fn many_files(&self) -> Option<String> {
        let files = self.unit.files();
        (files.len() > 4).then(|| {
            format!(
                "{} files changed, among them {}",
                files.len(),
                files[..3].join(", ")
            )
        })
    }

    /// What the turn left broken or unanswered.
    fn left_open(&self) -> Option<String> {
        if let Some((_, run)) = self.unit.broken {
            let error = run.outcome.error.as_deref().unwrap_or("no message");
            return Some(format!(
                "Not cured at the end of the turn: {} ({error})",
                run.label
            ));
        }
        let end = match self.close {
            Close::NextPrompt if self.closing.said.is_empty() => "The turn was interrupted",
            Close::StopFailure => "An API error ended the turn",
            _ => return None,
        };
        Some(format!("{end} before it was answered"))
    }

    /// Files whose changes of an earlier turn were thrown away.
    fn thrown_away(&self) -> Option<String> {
        let mut paths: Vec<&str> = Vec::new();
        for (at, step) in self.evidence.steps.iter().enumerate() {
            let What::Revert(reverted) = &step.what else {
                continue;
            };
            let own = |path: &str| {
                self.evidence.steps[..at]
                    .iter()
                    .any(|s| matches!(&s.what, What::Edit(edit) if edit.path == path))
            };
            paths.extend(reverted.iter().map(String::as_str).filter(|p| !own(p)));
        }
        paths.dedup();
        (self.unit.sole && !paths.is_empty())
            .then(|| format!("Earlier changes to {} were thrown away", listing(&paths, 3)))
    }

    fn concepts(&self, kind: Kind) -> Vec<Concept> {
        let mut out = match kind {
            Kind::Bugfix => vec![Concept::ProblemSolution, Concept::WhatChanged],
            Kind::Refactor => vec![Concept::WhatChanged, Concept::Pattern],
            _ => vec![Concept::WhatChanged],
        };
        if kind == Kind::Feature
            && self
                .closing
                .sure(Role::Statement)
                .any(|s| text::is_specific(&s.text))
        {
            out.push(Concept::HowItWorks);
        }
        if self.closing.sure(Role::Warning).next().is_some() || self.unit.broken.is_some() {
            out.push(Concept::Gotcha);
        }
        out
    }

    fn files_read(&self, modified: &[String]) -> Vec<String> {
        let range = if self.unit.sole {
            0..usize::MAX
        } else {
            self.unit.from..self.unit.to + 1
        };
        self.evidence
            .files_read_in(&range)
            .into_iter()
            .filter(|f| !modified.contains(f))
            .take(FILES)
            .collect()
    }
}

/// Sentences as a narrative: without repetitions, and not too long.
fn bounded(all: &[String]) -> String {
    let mut out: Vec<String> = Vec::new();
    for sentence in all {
        let sentence = phrasing::statement(sentence);
        let new = !out.iter().any(|old| same_statement(old, &sentence));
        let length: usize = out.iter().map(String::len).sum();
        if new && !sentence.is_empty() && out.len() < 6 && length + sentence.len() < NARRATIVE {
            out.push(clip(&sentence, 400));
        }
    }
    paragraph(&out)
}

/// What the user reported or wanted, as the first sentence of a narrative.
fn problem(prompt: &Prompt, kind: Kind) -> String {
    if kind == Kind::Bugfix
        && let Some(complaint) = prompt::complaint(&prompt.sentences)
    {
        return clip(&complaint, 260);
    }
    let instruction = prompt::instruction(&prompt.sentences);
    let quoted = clip(
        instruction.trim_end_matches(['.', '!', '?', ':', '。']),
        240,
    );
    if !prompt::is_english(&quoted) {
        return quoted;
    }
    format!("The request was: {}", text::uncapitalise(&quoted))
}

/// Sets evidence and, where all of it is one subagent's, the author.
pub(super) fn attribute(observation: &mut Observation, events: &[&ToolEvent]) {
    observation.events = events.iter().map(|e| e.id).collect();
    let Some(first) = events.first() else {
        return;
    };
    if first.agent_id.is_some() && events.iter().all(|e| e.agent_id == first.agent_id) {
        observation.agent_id.clone_from(&first.agent_id);
        observation.agent_type.clone_from(&first.agent_type);
    }
}

/// The sentences of a closing message that are about each of several units.
pub(super) fn divide(closing: &Closing, units: &[Unit<'_>]) -> Vec<Closing> {
    if units.len() <= 1 {
        return vec![closing.clone()];
    }
    // A subagent speaks for itself; the rest of the message is about the rest.
    let main: Vec<usize> = (0..units.len())
        .filter(|&i| units[i].agent.is_none())
        .collect();
    if let [only] = main[..] {
        let mut out = vec![Closing::default(); units.len()];
        out[only] = closing.clone();
        return out;
    }
    let vocabularies: Vec<String> = units.iter().map(Unit::vocabulary).collect();
    let mut out = vec![Closing::default(); units.len()];
    for said in &closing.said {
        let best = vocabularies
            .iter()
            .enumerate()
            .map(|(i, words)| (i, text::overlap(&said.text, words)))
            .filter(|(_, share)| *share > 0.15)
            .max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
        if let Some((i, _)) = best {
            out[i].said.push(said.clone());
        }
    }
    out
}
