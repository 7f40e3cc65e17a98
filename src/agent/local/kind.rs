//! Decides what sort of work a unit is, from its words and its shape.

use super::closing::{Closing, Role};
use super::edit::Action;
use super::paths;
use super::phrasing;
use super::prompt::{self, Intent, Prompt};
use super::text::has;
use super::words::{CHORE, FEATURE, FIX, REFACTOR};
use super::work::{Cured, Unit};
use crate::agent::ObservationKind as Kind;

/// Points for each sort of work; the highest wins.
#[derive(Debug, Default)]
struct Points {
    fix: i32,
    feature: i32,
    refactor: i32,
    chore: i32,
}

/// The sort of work that a unit is.
pub(super) fn of(unit: &Unit<'_>, prompt: Option<&Prompt>, closing: &Closing) -> Kind {
    let subject = unit
        .commit
        .map(|(_, commit)| phrasing::subject(&commit.subject));
    if let Some(kind) = subject
        .as_ref()
        .and_then(|s| s.kind.as_deref())
        .and_then(conventional)
    {
        return kind;
    }
    let mut points = Points::default();
    if let Some(subject) = &subject {
        words(&subject.text.to_lowercase(), 4, &mut points);
    }
    // In a turn of several commits the prompt speaks of all of them at once.
    let weight = if unit.sole { 3 } else { 1 };
    match prompt.map(|p| p.intent) {
        Some(Intent::Fix) => points.fix += weight,
        Some(Intent::Feature) => points.feature += weight,
        Some(Intent::Refactor) => points.refactor += weight,
        Some(Intent::Chore) => points.chore += weight,
        Some(Intent::Question | Intent::Unclear) | None => {}
    }
    if unit.sole {
        testimony(closing, &mut points);
    }
    shape(unit, prompt, &mut points);
    let typo = |text: &str| has(&text.to_lowercase(), &["typo*", "tippfehler"]);
    let told = closing.said.iter().take(2).any(|s| typo(&s.text));
    if subject.as_ref().is_some_and(|s| typo(&s.text)) || told {
        points.chore += 6;
    }
    let kind = choose(unit, &points);
    // What still fails was not fixed.
    if kind == Kind::Bugfix && unit.broken.is_some() {
        Kind::Change
    } else {
        kind
    }
}

/// What the message says of the work, in its first sentence above all.
fn testimony(closing: &Closing, points: &mut Points) {
    let first = closing
        .said
        .iter()
        .find(|s| !matches!(s.role, Role::Next | Role::Offer | Role::DeadEnd));
    if let Some(first) = first {
        words(&first.text.to_lowercase(), 2, points);
    }
    let bug = |text: &str| {
        has(
            &text.to_lowercase(),
            &["root cause", "bug", "ursache", "原因"],
        )
    };
    points.fix += i32::from(closing.sure(Role::Cause).any(|s| bug(&s.text)));
}

fn conventional(name: &str) -> Option<Kind> {
    Some(match name {
        "fix" | "bugfix" | "hotfix" | "security" => Kind::Bugfix,
        "feat" | "feature" => Kind::Feature,
        "refactor" => Kind::Refactor,
        "docs" | "doc" | "chore" | "style" | "build" | "ci" | "deps" | "test" | "tests"
        | "revert" | "perf" => Kind::Change,
        _ => return None,
    })
}

/// A statement's first word says what was done; any other word less so.
fn words(lower: &str, weight: i32, points: &mut Points) {
    let plain = phrasing::strip_lead(lower);
    let first = plain.split_whitespace().next().unwrap_or("");
    for (list, slot) in [
        (FIX, &mut points.fix),
        (REFACTOR, &mut points.refactor),
        (CHORE, &mut points.chore),
        (FEATURE, &mut points.feature),
    ] {
        if has(first, list) {
            *slot += weight;
            return;
        }
        if has(lower, list) {
            *slot += weight / 2;
        }
    }
}

fn shape(unit: &Unit<'_>, prompt: Option<&Prompt>, points: &mut Points) {
    if let Some(cured) = unit.cured {
        // A test that was written first fails in a feature as in a fix.
        let instructed = prompt.is_some_and(|p| {
            p.intent != Intent::Fix && phrasing::is_instruction(&prompt::instruction(&p.sentences))
        });
        points.fix += match (cured.was_there, instructed && tests_first(unit, &cured)) {
            (_, true) => 0,
            (true, false) => 2,
            (false, false) => 1,
        };
    }
    let new_code = unit.edits.iter().any(|t| {
        t.edit.action == Action::Created
            && paths::is_code(&t.edit.path)
            && !paths::is_test_path(&t.edit.path)
    });
    points.feature += i32::from(new_code);
    let moved = unit
        .edits
        .iter()
        .any(|t| matches!(t.edit.action, Action::MovedFrom(_)));
    points.refactor += i32::from(moved) * 2;
    if unit.only(|p| !paths::is_code(p)) {
        points.chore += 4;
        points.feature -= 3;
    } else if unit.only(paths::is_test_path) {
        points.chore += 3;
    }
}

/// Whether the tests that failed were added by the work itself.
fn tests_first(unit: &Unit<'_>, cured: &Cured<'_>) -> bool {
    let failing = &cured.failed.1.outcome.failing;
    let added: Vec<&String> = unit
        .edits
        .iter()
        .take_while(|t| (t.event.at, t.event.id) < (cured.failed.0.at, cured.failed.0.id))
        .flat_map(|t| &t.edit.touched().added)
        .collect();
    let new = |name: &String| added.iter().any(|a| name.ends_with(a.as_str()));
    !failing.is_empty() && failing.iter().all(new)
}

fn choose(unit: &Unit<'_>, points: &Points) -> Kind {
    let ranked = [
        (points.fix, Kind::Bugfix),
        (points.feature, Kind::Feature),
        (points.refactor, Kind::Refactor),
        (points.chore, Kind::Change),
    ];
    let top = ranked.iter().map(|(n, _)| *n).max().unwrap_or(0);
    if top <= 0 {
        // Nothing was said: new definitions are new behaviour.
        let adds = unit
            .edits
            .iter()
            .any(|t| !paths::is_test_path(&t.edit.path) && !t.edit.touched().added.is_empty());
        return if adds { Kind::Feature } else { Kind::Change };
    }
    ranked
        .into_iter()
        .find(|(n, _)| *n == top)
        .map_or(Kind::Change, |(_, kind)| kind)
}
