mod build;
mod commands;
mod edges;
mod edits;
mod outcomes;
mod prompts;
mod recording;
mod reports;
mod robust;
mod session_a;
mod sessions;
mod stacks;
mod verdicts;

use std::fmt::Write as _;

use crate::agent::{Extraction, Observation};

/// Asserts that one of the facts contains the text.
#[track_caller]
fn has_fact(observation: &Observation, text: &str) {
    assert!(
        observation.facts.iter().any(|fact| fact.contains(text)),
        "no fact says '{text}': {:#?}",
        observation.facts
    );
}

/// An extraction as a person would read it.
fn shown(extraction: &Extraction) -> String {
    let mut out = String::new();
    for o in &extraction.observations {
        let concepts: Vec<&str> = o.concepts.iter().map(|c| c.as_str()).collect();
        let _ = writeln!(out, "[{}] {}", o.kind.as_str(), o.title);
        let _ = writeln!(
            out,
            "  subtitle: {}\n  narrative: {}",
            o.subtitle, o.narrative
        );
        for fact in &o.facts {
            let _ = writeln!(out, "  - {fact}");
        }
        let _ = writeln!(out, "  concepts: {}", concepts.join(", "));
        let _ = writeln!(
            out,
            "  read: {:?}\n  modified: {:?}",
            o.files_read, o.files_modified
        );
        let _ = writeln!(out, "  agent: {:?} events: {:?}", o.agent_type, o.events);
    }
    if let Some(reason) = &extraction.skip_reason {
        let _ = writeln!(out, "skipped: {reason}");
    }
    if let Some(summary) = &extraction.summary {
        let _ = writeln!(out, "{summary:#?}");
    }
    out
}
