//! Decisions: records that were written, and choices that the assistant told.

use super::closing::{Closing, Role, Said};
use super::edit::Edit;
use super::evidence::Evidence;
use super::facts;
use super::markdown::{self, Line};
use super::phrasing;
use super::telling::{FACTS, attribute};
use super::text::{self, capitalise, clip, find, has, paragraph, same_statement};
use crate::agent::{Concept, Observation, ObservationKind as Kind, ToolEvent};

/// A decision record that was written in the turn.
pub(super) struct Record<'e> {
    pub(super) path: &'e str,
    event: &'e ToolEvent,
    title: Option<String>,
    lines: Vec<Line>,
}

/// The decision records among a turn's edits.
pub(super) fn records<'e>(evidence: &'e Evidence<'e>) -> Vec<Record<'e>> {
    let mut out: Vec<Record<'e>> = Vec::new();
    for (_, step, edit) in evidence.edits() {
        if !is_record(edit) || out.iter().any(|r| r.path == edit.path) {
            continue;
        }
        let added: Vec<&str> = edit
            .lines
            .iter()
            .filter(|(m, _)| *m == '+')
            .map(|(_, t)| t.as_str())
            .collect();
        let text = without_front_matter(&added);
        let heading = text
            .lines()
            .find_map(|l| l.strip_prefix("# "))
            .map(record_title);
        out.push(Record {
            path: &edit.path,
            event: step.event,
            title: heading.filter(|h| text::word_count(h) >= 2),
            lines: markdown::read(&text),
        });
    }
    out
}

fn is_record(edit: &Edit) -> bool {
    let lower = edit.path.to_ascii_lowercase();
    let prose = super::paths::is_prose(&lower);
    let name = lower.rsplit('/').next().unwrap_or(&lower);
    let index = matches!(
        name,
        "readme.md" | "index.md" | "template.md" | "0000-template.md"
    );
    let placed = lower
        .split('/')
        .rev()
        .skip(1)
        .any(|d| matches!(d, "decisions" | "adr" | "adrs" | "decision-records"))
        || name.starts_with("adr-")
        || name.starts_with("decision");
    let marked = || {
        edit.marked('+').any(|line| {
            let line = line.to_lowercase().replace(['*', '#', '-'], "");
            let line = line.trim();
            line.starts_with("status: accepted")
                || line.starts_with("status: proposed")
                || line.starts_with("status: decided")
        })
    };
    prose && !index && (placed || marked()) && edit.marked('+').count() >= 3
}

fn without_front_matter(lines: &[&str]) -> String {
    let body = match lines.first() {
        Some(&"---") => lines
            .iter()
            .skip(1)
            .position(|l| *l == "---")
            .map_or(lines, |end| &lines[end + 2..]),
        _ => lines,
    };
    body.join("\n")
}

/// "ADR-0001: Use Postgres" and "1. Use Postgres" are "Use Postgres".
fn record_title(heading: &str) -> String {
    let mut rest = heading.trim();
    for mark in ["ADR", "Decision record", "Decision", "RFC"] {
        rest = rest.strip_prefix(mark).unwrap_or(rest);
    }
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit() || " -:.#—–".contains(c));
    markdown::inline(rest)
}

/// One observation for each decision of the turn.
pub(super) fn observe(
    evidence: &Evidence<'_>,
    records: &[Record<'_>],
    closing: &Closing,
) -> Vec<Observation> {
    let told: Vec<&Said> = closing.sure(Role::Decision).collect();
    let mut out: Vec<Observation> = Vec::new();
    for record in records.iter().take(2) {
        out.push(from_record(evidence, record, &told, closing));
    }
    if records.is_empty()
        && let Some(first) = told.iter().find(|s| is_reasoned(s, closing))
    {
        out.push(from_words(evidence, first, closing));
    }
    out
}

/// A choice without a reason or an alternative is only a step of the work.
fn is_reasoned(said: &Said, closing: &Closing) -> bool {
    let lower = said.text.to_lowercase();
    let own = has(
        &lower,
        &[
            "because",
            "since",
            "over",
            "instead of",
            "rather than",
            ", not",
            "weil",
            "statt",
            "而不是",
            "因为",
            "porque",
            "parce que",
        ],
    );
    own || closing
        .sure(Role::Reason)
        .any(|r| r.block + 2 >= said.block && r.block <= said.block + 2)
        || lower.starts_with("decision")
}

fn from_record(
    evidence: &Evidence<'_>,
    record: &Record<'_>,
    told: &[&Said],
    closing: &Closing,
) -> Observation {
    let choice = told.first().map(|s| s.text.clone());
    let body: Vec<&Line> = record
        .lines
        .iter()
        .filter(|l| !is_bookkeeping(&l.text))
        .collect();
    let decided = body
        .iter()
        .find(|l| l.heading.contains("decision") && !l.heading.contains("driver"))
        .map(|l| l.text.clone());
    let title = record
        .title
        .clone()
        .filter(|t| !t.ends_with('?'))
        .or_else(|| choice.clone())
        .or_else(|| decided.clone())
        .unwrap_or_else(|| format!("Decision recorded in {}", record.path));
    let statements: Vec<String> = body
        .iter()
        .filter(|l| !l.text.ends_with([':', '?']))
        .map(|l| l.text.clone())
        .collect();
    let mut out = decision(phrasing::title(&title));
    out.subtitle = choice
        .clone()
        .or(decided)
        .filter(|c| !same_statement(c, &out.title))
        .or_else(|| statements.first().cloned())
        .map(|c| text::full_stop(&capitalise(&clip(&phrasing::strip_lead(&c), 220))))
        .unwrap_or_default();
    out.narrative = clip(
        &paragraph(&statements.iter().take(5).collect::<Vec<_>>()),
        1_100,
    );
    let mut found = choice_facts(choice.as_deref().unwrap_or(&title));
    found.extend(reasons(closing));
    found.extend(closing.telling().find_map(|s| because(&s.text)));
    // What was decided and what follows say more than how things stood before.
    let mut weighty: Vec<&&Line> = body
        .iter()
        .filter(|l| !l.text.ends_with([':', '?']))
        .collect();
    weighty.sort_by_key(|l| has(&l.heading, &["context", "background", "problem*"]));
    found.extend(weighty.iter().flat_map(|l| statement_facts(&l.text)));
    found.extend(revisits(closing));
    out.facts = facts::settled(revisit_last(found), FACTS);
    out.files_modified = vec![record.path.to_owned()];
    finish(&mut out, evidence, &[record.event]);
    out
}

fn from_words(evidence: &Evidence<'_>, said: &Said, closing: &Closing) -> Observation {
    let plain = strip_person(&said.text);
    let choice = choice_and_reason(&plain).map_or(plain.as_str(), |(choice, _)| choice);
    let mut out = decision(phrasing::title(choice));
    let near: Vec<String> = closing
        .telling()
        .filter(|s| {
            matches!(s.role, Role::Reason | Role::Decision | Role::Cause) && s.text != said.text
        })
        .map(|s| s.text.clone())
        .collect();
    let reason = because(&said.text)
        .or_else(|| near.first().cloned())
        .unwrap_or_else(|| said.text.clone());
    out.subtitle = text::full_stop(&capitalise(&clip(&reason, 220)));
    out.narrative = paragraph(
        &std::iter::once(said.text.clone())
            .chain(near.iter().take(4).cloned())
            .collect::<Vec<_>>(),
    );
    let mut found = choice_facts(&said.text);
    found.extend(reasons(closing));
    found.extend(because(&said.text));
    found.extend(near);
    found.extend(revisits(closing));
    out.facts = facts::settled(revisit_last(found), FACTS);
    let events: Vec<&ToolEvent> = evidence.steps.iter().map(|s| s.event).collect();
    finish(&mut out, evidence, &events[..events.len().min(12)]);
    out
}

fn decision(title: String) -> Observation {
    Observation {
        kind: Kind::Decision,
        title,
        subtitle: String::new(),
        narrative: String::new(),
        facts: Vec::new(),
        concepts: vec![Concept::TradeOff, Concept::WhyItExists],
        files_read: Vec::new(),
        files_modified: Vec::new(),
        agent_id: None,
        agent_type: None,
        events: Vec::new(),
    }
}

fn finish(out: &mut Observation, evidence: &Evidence<'_>, events: &[&ToolEvent]) {
    out.files_read = evidence
        .files_read()
        .into_iter()
        .filter(|f| !out.files_modified.contains(f))
        .take(15)
        .collect();
    let mut events = events.to_vec();
    events.dedup_by_key(|e| e.id);
    attribute(out, &events);
}

fn is_bookkeeping(text: &str) -> bool {
    let lower = text.to_lowercase();
    [
        "status:",
        "date:",
        "deciders:",
        "authors:",
        "author:",
        "tags:",
        "accepted",
        "proposed",
    ]
    .iter()
    .any(|mark| lower.starts_with(mark))
        && text::word_count(text) <= 6
}

/// "We decided to use X" as a title: "Use X".
fn strip_person(text: &str) -> String {
    let plain = phrasing::strip_lead(text);
    let lower = plain.to_lowercase();
    for lead in [
        "decided to ",
        "we decided to ",
        "i decided to ",
        "going with ",
        "i'd go with ",
        "i would go with ",
        "let's go with ",
        "i'd choose ",
        "i'd pick ",
        "we went with ",
        "went with ",
    ] {
        if lower.len() == plain.len() && lower.starts_with(lead) {
            let rest = &plain[lead.len()..];
            return if lead.ends_with("with ") || lead.starts_with("i'd ") {
                format!("Use {rest}")
            } else {
                capitalise(rest)
            };
        }
    }
    plain
}

/// What was chosen, and what was not.
fn choice_facts(sentence: &str) -> Vec<String> {
    let plain = strip_person(sentence);
    let plain = [
        "chose ",
        "picked ",
        "opted for ",
        "selected ",
        "settled on ",
        "use ",
        "Chose ",
        "Picked ",
        "Use ",
    ]
    .iter()
    .find_map(|lead| plain.strip_prefix(lead))
    .unwrap_or(&plain);
    let plain = plain.trim_end_matches(['.', '。']);
    let end = [
        " because ",
        ", because ",
        ", since ",
        " since ",
        "; ",
        ": ",
        " weil ",
        "，因为",
        "因为",
    ]
    .iter()
    .filter_map(|m| plain.find(m))
    .min()
    .unwrap_or(plain.len());
    let head = &plain[..end];
    for mark in [
        ", not ",
        " over ",
        " instead of ",
        " rather than ",
        " and not ",
        " statt ",
        "而不是",
    ] {
        if let Some((chosen, rejected)) = head.split_once(mark) {
            let rejected = rejected.trim_end_matches([',', ' ']);
            // "In S3 rather than on the share" rejects the share.
            let rejected = ["on ", "in ", "with ", "to ", "at ", "into ", "by "]
                .iter()
                .find_map(|small| rejected.strip_prefix(small))
                .unwrap_or(rejected);
            return vec![
                format!("Chosen: {}", chosen.trim_end_matches(',')),
                format!("Rejected: {rejected}"),
            ];
        }
    }
    vec![format!("Chosen: {head}")]
}

/// The parts of "C++17 rather than a backport: the compiler supports it".
fn choice_and_reason(sentence: &str) -> Option<(&str, &str)> {
    let against = |choice: &str| has(choice, &["over", "instead of", "rather than", "statt"]);
    sentence
        .split_once(": ")
        .filter(|(choice, _)| against(choice))
}

fn because(sentence: &str) -> Option<String> {
    let marks = ["because", "since", "weil", "因为", "porque", "parce que"];
    let reason = match find(sentence, &marks) {
        Some((at, length)) => &sentence[at + length..],
        None => choice_and_reason(sentence)?.1,
    };
    let reason = reason.trim_matches([' ', '.', '。', ',']);
    (text::word_count(reason) >= 2).then(|| format!("Reason: {reason}"))
}

/// "Reasons: one reader, offline" as one fact each.
fn reasons(closing: &Closing) -> Vec<String> {
    let mut out = Vec::new();
    for said in closing.sure(Role::Reason).take(5) {
        let plain =
            said.text
                .split_once([':', '：'])
                .map_or(said.text.as_str(), |(label, rest)| {
                    if text::word_count(label) <= 3 {
                        rest.trim()
                    } else {
                        &said.text
                    }
                });
        let plain = plain.trim_end_matches(['.', '。']);
        let parts: Vec<&str> = plain
            .split([',', '、', '，'])
            .map(str::trim)
            .filter(|p| !p.is_empty())
            .collect();
        let listed = parts.len() > 1 && parts.iter().all(|p| text::word_count(p) <= 6);
        if listed {
            out.extend(
                parts
                    .iter()
                    .map(|p| format!("Reason: {}", p.trim_start_matches("and "))),
            );
        } else {
            out.push(format!("Reason: {plain}"));
        }
    }
    out
}

fn revisits(closing: &Closing) -> Vec<String> {
    closing
        .said
        .iter()
        .filter(|s| has(&s.text.to_lowercase(), &["revisit*", "reconsider*"]))
        .map(|s| s.text.clone())
        .take(1)
        .collect()
}

/// Clauses of a record's sentence that weigh something.
fn statement_facts(sentence: &str) -> Vec<String> {
    sentence
        .split("; ")
        .filter(|clause| text::word_count(clause) >= 3)
        .map(|clause| clip(clause.trim_end_matches('.'), 180))
        .collect()
}

/// When to think again comes last, once, whoever said it.
fn revisit_last(found: Vec<String>) -> Vec<String> {
    let again = |f: &String| has(&f.to_lowercase(), &["revisit*", "reconsider*"]);
    let (mut later, mut rest): (Vec<String>, Vec<String>) = found.into_iter().partition(again);
    rest.truncate(FACTS - 1);
    later.truncate(1);
    rest.append(&mut later);
    rest
}
