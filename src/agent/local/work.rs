//! Cuts a turn's edits into pieces of work and finds what cured what.

use std::cell::OnceCell;

use super::command::Class;
use super::edit::{Action, Edit};
use super::evidence::{Evidence, Run, Step, What};
use super::git::Commit;
use super::outcome::State;
use super::paths;
use super::phrasing;
use crate::agent::ToolEvent;

/// Most pieces of work that one turn is told in.
const MAX_UNITS: usize = 3;

/// Edits that belong together: those of one commit, of one subagent, or all
/// that a turn did.
#[derive(Debug)]
pub(super) struct Unit<'e> {
    pub(super) edits: Vec<Touch<'e>>,
    pub(super) commit: Option<(&'e ToolEvent, &'e Commit)>,
    /// Positions of the first and the last step.
    pub(super) from: usize,
    pub(super) to: usize,
    /// Whether the turn has no other unit.
    pub(super) sole: bool,
    pub(super) agent: Option<&'e str>,
    /// A failure that these edits cured.
    pub(super) cured: Option<Cured<'e>>,
    /// The last run that shows the work in order.
    pub(super) proof: Option<(&'e ToolEvent, &'e Run)>,
    /// The last run of tests or builds, where it failed.
    pub(super) broken: Option<(&'e ToolEvent, &'e Run)>,
    /// Facts that stand in the edits; see [`super::facts::changes`].
    pub(super) changes: OnceCell<Vec<String>>,
}

/// One edit and the event that made it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Touch<'e> {
    pub(super) at: usize,
    pub(super) event: &'e ToolEvent,
    pub(super) edit: &'e Edit,
}

/// A failure and the run that shows it gone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cured<'e> {
    pub(super) failed: (&'e ToolEvent, &'e Run),
    pub(super) passed: (&'e ToolEvent, &'e Run),
    /// Whether it failed before anything but tests was changed.
    pub(super) was_there: bool,
}

/// The turn's pieces of work, in order.
pub(super) fn units<'e>(evidence: &'e Evidence<'e>) -> Vec<Unit<'e>> {
    let mut units = by_commit(evidence);
    if units.iter().all(|u| u.commit.is_none()) {
        units = by_agent(units);
    }
    units.retain(|u| !u.edits.is_empty() || u.commit.is_some());
    merge_vague(&mut units);
    while units.len() > MAX_UNITS {
        let last = units.remove(units.len() - 1);
        absorb(&mut units, last);
    }
    let sole = units.len() == 1;
    let last = evidence.steps.len();
    let count = units.len();
    for (i, unit) in units.iter_mut().enumerate() {
        unit.sole = sole;
        // What ran after the last commit still speaks of the last work.
        let end = if i + 1 == count || unit.commit.is_none() {
            last
        } else {
            unit.to + 1
        };
        let start = if sole { 0 } else { unit.from };
        unit.cured = cured(evidence, unit, start, end);
        let by_agent = !sole && unit.commit.is_none();
        let agent = unit.agent;
        let runs = || {
            evidence.runs().filter(move |(at, step, _)| {
                (start..end).contains(at) && (!by_agent || step.event.agent_id.as_deref() == agent)
            })
        };
        let first_edit = unit.edits.first().map_or(start, |t| t.at);
        unit.proof = runs()
            .filter(|(at, _, run)| {
                *at > first_edit && run.outcome.state == State::Passed && run.class >= Class::Lint
            })
            .max_by_key(|(at, _, run)| (run.class == Class::Test, *at))
            .map(|(_, step, run)| (step.event, run))
            .or(unit.cured.map(|cured| cured.passed));
        unit.broken = runs()
            .filter(|(at, _, run)| *at > first_edit && run.class >= Class::Build)
            .next_back_by_family();
    }
    units
}

/// The last run of all, if it failed and nothing like it passed afterwards.
trait LastFailure<'e> {
    fn next_back_by_family(self) -> Option<(&'e ToolEvent, &'e Run)>;
}

impl<'e, I: Iterator<Item = (usize, &'e Step<'e>, &'e Run)>> LastFailure<'e> for I {
    fn next_back_by_family(self) -> Option<(&'e ToolEvent, &'e Run)> {
        self.last()
            .filter(|(_, _, run)| run.outcome.state == State::Failed)
            .map(|(_, step, run)| (step.event, run))
    }
}

fn empty<'e>(from: usize) -> Unit<'e> {
    Unit {
        edits: Vec::new(),
        commit: None,
        from,
        to: from,
        sole: false,
        agent: None,
        cured: None,
        proof: None,
        broken: None,
        changes: OnceCell::new(),
    }
}

fn by_commit<'e>(evidence: &'e Evidence<'e>) -> Vec<Unit<'e>> {
    let mut units: Vec<Unit<'e>> = Vec::new();
    let mut pending: Vec<Touch<'e>> = Vec::new();
    let mut staged: Vec<&str> = Vec::new();
    let mut all = false;
    let mut from = 0;
    for (at, step) in evidence.steps.iter().enumerate() {
        match &step.what {
            What::Edit(edit) if !edit.reverted => pending.push(Touch {
                at,
                event: step.event,
                edit,
            }),
            What::Stage(paths) if paths.is_empty() => all = true,
            What::Stage(paths) => staged.extend(paths.iter().map(String::as_str)),
            What::Commit(commit) => {
                let mut unit = empty(from);
                let named = |t: &Touch<'_>| {
                    staged
                        .iter()
                        .any(|p| t.edit.path == *p || t.edit.path.starts_with(&format!("{p}/")))
                };
                let some = !all && pending.iter().any(named);
                let (taken, left) = pending.into_iter().partition(|t| !some || named(t));
                unit.edits = taken;
                pending = left;
                unit.to = at;
                unit.commit = Some((step.event, commit));
                units.push(unit);
                staged.clear();
                all = false;
                from = at + 1;
            }
            _ => {}
        }
    }
    rest(&mut units, pending, from);
    units
}

/// Adds what was left without a commit.
fn rest<'e>(units: &mut Vec<Unit<'e>>, pending: Vec<Touch<'e>>, from: usize) {
    // A commit without edits of this turn commits someone else's work; it is
    // kept only as news of its own if it stands alone.
    if units.iter().any(|u| !u.edits.is_empty()) {
        units.retain(|u| !u.edits.is_empty());
    }
    if pending.is_empty() {
        return;
    }
    let mut unit = empty(from);
    unit.to = pending.last().map_or(from, |t| t.at);
    unit.edits = pending;
    if units.last().is_some_and(|last| same_files(last, &unit)) {
        absorb(units, unit);
    } else {
        units.push(unit);
    }
}

fn same_files(a: &Unit<'_>, b: &Unit<'_>) -> bool {
    b.edits
        .iter()
        .all(|t| a.edits.iter().any(|o| o.edit.path == t.edit.path))
}

/// Without commits, a subagent's work on files of its own is its own piece.
fn by_agent(units: Vec<Unit<'_>>) -> Vec<Unit<'_>> {
    let mut out: Vec<Unit<'_>> = Vec::new();
    for unit in units {
        let mut parts: Vec<Unit<'_>> = Vec::new();
        for touch in &unit.edits {
            let agent = touch.event.agent_id.as_deref();
            if let Some(part) = parts.iter_mut().find(|p| p.agent == agent) {
                part.edits.push(*touch);
                part.to = touch.at;
            } else {
                let mut part = empty(touch.at);
                part.agent = agent;
                part.to = touch.at;
                part.edits.push(*touch);
                parts.push(part);
            }
        }
        let shared = parts.iter().enumerate().any(|(i, a)| {
            parts[i + 1..].iter().any(|b| {
                b.edits
                    .iter()
                    .any(|t| a.edits.iter().any(|o| o.edit.path == t.edit.path))
            })
        });
        if shared || parts.len() > MAX_UNITS {
            out.push(unit);
        } else {
            out.extend(parts);
        }
    }
    out
}

/// "wip" and "fix typo" belong to the commit before or after them.
fn merge_vague(units: &mut Vec<Unit<'_>>) {
    let mut at = 0;
    while units.len() > 1 && at < units.len() {
        let vague = units[at].commit.is_some_and(|(_, c)| {
            phrasing::is_vague(&phrasing::subject(&c.subject).text)
                || c.subject.starts_with("fixup!")
        });
        if !vague {
            at += 1;
            continue;
        }
        let mut unit = units.remove(at);
        if at > 0 {
            at -= 1;
            absorb_at(units, at, unit);
        } else {
            unit.commit = None;
            absorb_at(units, 0, unit);
        }
    }
}

fn absorb<'e>(units: &mut Vec<Unit<'e>>, unit: Unit<'e>) {
    match units.len().checked_sub(1) {
        Some(last) => absorb_at(units, last, unit),
        None => units.push(unit),
    }
}

fn absorb_at<'e>(units: &mut [Unit<'e>], at: usize, unit: Unit<'e>) {
    let host = &mut units[at];
    host.edits.extend(unit.edits);
    host.edits.sort_by_key(|t| t.at);
    host.from = host.from.min(unit.from);
    host.to = host.to.max(unit.to);
    host.commit = host.commit.or(unit.commit);
}

/// The first failure that passed after edits of the unit.
fn cured<'e>(
    evidence: &'e Evidence<'e>,
    unit: &Unit<'e>,
    start: usize,
    end: usize,
) -> Option<Cured<'e>> {
    let runs: Vec<_> = evidence
        .runs()
        .filter(|(at, _, _)| (start..end).contains(at))
        .collect();
    for (i, (failed_at, failed_step, failed)) in runs.iter().enumerate() {
        let checks = failed.class >= Class::Run && failed.class != Class::Install;
        if failed.outcome.state != State::Failed || !checks {
            continue;
        }
        let Some(first_edit) = unit.edits.iter().map(|t| t.at).find(|at| at > failed_at) else {
            continue;
        };
        let passes: Vec<_> = runs[i + 1..]
            .iter()
            .filter(|(_, _, run)| run.outcome.state == State::Passed && equivalent(failed, run))
            .collect();
        // What passed before the edit was cured by something else.
        let by_edit = passes.first().is_some_and(|(at, _, _)| *at > first_edit);
        let passed = passes.last().filter(|_| by_edit);
        if let Some((_, passed_step, passed)) = passed {
            let was_there = unit
                .edits
                .iter()
                .filter(|t| t.at < *failed_at)
                .all(|t| paths::is_test_path(&t.edit.path));
            return Some(Cured {
                failed: (failed_step.event, failed),
                passed: (passed_step.event, passed),
                was_there,
            });
        }
    }
    None
}

/// Whether one run passing shows that the other would pass as well.
pub(super) fn equivalent(failed: &Run, passed: &Run) -> bool {
    if failed.family == passed.family {
        return true;
    }
    let ecosystems = failed.ecosystem == passed.ecosystem
        || failed.ecosystem.is_empty()
        || passed.ecosystem.is_empty();
    let checks = matches!(failed.class, Class::Test | Class::Build | Class::Lint);
    // A test run compiles first, so it also answers for the build.
    let covers = failed.class == passed.class
        || (failed.class == Class::Build && passed.class == Class::Test);
    checks && covers && ecosystems && (failed.class == Class::Test || !failed.ecosystem.is_empty())
}

impl Unit<'_> {
    /// Files in order of the first touch; a moved file's old path as well.
    pub(super) fn files(&self) -> Vec<String> {
        let mut out: Vec<String> = Vec::new();
        for touch in &self.edits {
            let old = match &touch.edit.action {
                Action::MovedFrom(old) => Some(old),
                _ => None,
            };
            for path in old.into_iter().chain([&touch.edit.path]) {
                if !out.contains(path) {
                    out.push(path.clone());
                }
            }
        }
        out
    }

    /// Names of the definitions that were touched.
    pub(super) fn functions(&self) -> Vec<String> {
        self.edits
            .iter()
            .take(40)
            .map(|t| t.edit.touched())
            .flat_map(|t| t.added.iter().chain(&t.changed).cloned())
            .collect()
    }

    /// Whether every edit is of files that satisfy the condition.
    pub(super) fn only(&self, condition: impl Fn(&str) -> bool) -> bool {
        !self.edits.is_empty() && self.edits.iter().all(|t| condition(&t.edit.path))
    }

    /// The words by which sentences about this unit are recognised.
    pub(super) fn vocabulary(&self) -> String {
        let mut out = String::new();
        if let Some((_, commit)) = self.commit {
            out.push_str(&commit.subject);
            out.push(' ');
            out.push_str(&commit.body);
        }
        for touch in &self.edits {
            out.push(' ');
            out.push_str(touch.edit.path.rsplit('/').next().unwrap_or(""));
            let touched = touch.edit.touched();
            for name in touched.added.iter().chain(&touched.changed) {
                out.push(' ');
                out.push_str(name);
            }
        }
        out
    }

    /// Events that prove the work, in order.
    pub(super) fn events(&self) -> Vec<&ToolEvent> {
        let mut events: Vec<&ToolEvent> = self.edits.iter().map(|t| t.event).collect();
        if let Some(cured) = self.cured {
            events.push(cured.failed.0);
            events.push(cured.passed.0);
        }
        events.extend(self.proof.map(|(event, _)| event));
        events.extend(self.commit.map(|(event, _)| event));
        events.sort_by_key(|e| (e.at, e.id));
        events.dedup_by_key(|e| e.id);
        events
    }
}
