//! Between the store's turns and the agent's: neither knows the other.

use std::path::PathBuf;

use serde_json::Value;

use crate::agent::reply::{INSTRUCTION_LIKE, is_instruction_like};
use crate::agent::{self, Close, Extraction, Observation, SubagentMessage, ToolEvent, Turn};
use crate::store::{ClaimedEvent, ClaimedTurn, NewObservation, NewSummary, TurnOutcome};

/// Name of the offline extractor in `generated_by_model`.
pub(super) const LOCAL_MODEL: &str = "local";

/// Bytes of English text and code that a model counts as one token, on average.
const BYTES_PER_TOKEN: usize = 4;

/// What a turn becomes.
pub(super) fn outcome(claimed: &ClaimedTurn) -> TurnOutcome {
    if only_ends_again(claimed) {
        return TurnOutcome {
            model: LOCAL_MODEL.to_owned(),
            ..TurnOutcome::default()
        };
    }
    let turn = turn(claimed);
    let extraction = agent::local::extract(&turn);
    to_outcome(claimed, extraction)
}

/// A `SessionEnd` after the turn's `Stop` brings nothing new.
pub(super) fn only_ends_again(claimed: &ClaimedTurn) -> bool {
    let is_told = |event: &ClaimedEvent| event.earlier && is_stop(event);
    (claimed.has_summary || claimed.events.iter().any(is_told))
        && claimed
            .events
            .iter()
            .filter(|event| !event.earlier)
            .all(|event| event.message_type == "summarize" && event.message.is_none())
}

fn is_stop(event: &ClaimedEvent) -> bool {
    matches!(event.reason.as_deref(), Some("stop" | "stop_failure"))
}

/// Whether the turn has its summary, or is told here as a whole.
pub(super) fn owes_no_summary(claimed: &ClaimedTurn) -> bool {
    claimed.has_summary || !claimed.events.iter().any(|event| event.earlier)
}

/// Whether the assistant has said something at an end that is new.
pub(super) fn has_closing_words(claimed: &ClaimedTurn) -> bool {
    claimed.events.iter().any(|event| {
        !event.earlier
            && event.message.is_some()
            && event.reason.as_deref() != Some("subagent_stop")
    })
}

/// The turn as the agent knows it.
pub(super) fn turn(claimed: &ClaimedTurn) -> Turn {
    let of_type = |kind: &'static str| {
        claimed
            .events
            .iter()
            .filter(move |event| event.message_type == kind)
    };
    let is_subagent = |event: &&ClaimedEvent| event.reason.as_deref() == Some("subagent_stop");
    Turn {
        project: claimed.project.clone(),
        root: (!claimed.project_root.is_empty()).then(|| PathBuf::from(&claimed.project_root)),
        prompt: claimed
            .prompt
            .clone()
            .filter(|text| !text.trim().is_empty()),
        prompt_number: claimed.prompt_number,
        events: of_type("observation")
            .filter(|event| event.tool_name != capture::remember::TOOL)
            .map(tool_event)
            .collect(),
        subagent_messages: of_type("summarize")
            .filter(is_subagent)
            .filter_map(|event| {
                Some(SubagentMessage {
                    agent_id: event.agent_id.clone().unwrap_or_default(),
                    agent_type: event.agent_type.clone().unwrap_or_default(),
                    text: event.message.clone()?,
                })
            })
            .collect(),
        last_assistant_message: of_type("summarize")
            .filter(|event| !is_subagent(event))
            .filter_map(|event| event.message.clone())
            .next_back(),
        close: close(claimed),
        earlier_titles: claimed.earlier_titles.clone(),
        earlier_prompts: claimed.earlier_prompts.clone(),
        continues: continues(claimed),
    }
}

fn tool_event(event: &ClaimedEvent) -> ToolEvent {
    let json =
        |text: &str| serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()));
    ToolEvent {
        id: event.id,
        tool_name: event.tool_name.clone(),
        input: json(&event.input),
        output: json(&event.output),
        failed: event.failed,
        cwd: event.cwd.clone(),
        agent_id: event.agent_id.clone(),
        agent_type: event.agent_type.clone(),
        at: event.at,
        earlier: event.earlier,
    }
}

/// Nothing has ended the turn yet, or its end is not all that is left of it.
fn continues(claimed: &ClaimedTurn) -> bool {
    if claimed.more_waits {
        return true;
    }
    let ends = |reason: &str| matches!(reason, "stop" | "stop_failure" | "session_end");
    claimed.close_reason.is_none()
        && !claimed
            .events
            .iter()
            .any(|event| event.reason.as_deref().is_some_and(ends))
}

/// The last thing that says how the turn ended; the end of the session says it
/// only where nothing else does.
fn close(claimed: &ClaimedTurn) -> Close {
    let reasons = || {
        claimed
            .events
            .iter()
            .filter_map(|event| event.reason.as_deref())
    };
    let last = reasons().rfind(|reason| matches!(*reason, "stop" | "stop_failure"));
    match last {
        Some("stop_failure") => return Close::StopFailure,
        Some(_) => return Close::Stop,
        None => {}
    }
    if reasons().any(|reason| reason == "session_end") {
        return Close::SessionEnd;
    }
    match claimed.close_reason.as_deref() {
        Some("next_prompt") => Close::NextPrompt,
        Some("idle") => Close::Idle,
        _ if reasons().any(|reason| reason == "pre_compact") => Close::PreCompact,
        _ => Close::NextPrompt,
    }
}

/// What is written of an extraction.
pub(super) fn to_outcome<K: AsRef<str>, C: AsRef<str>>(
    claimed: &ClaimedTurn,
    extraction: Extraction<K, C>,
) -> TurnOutcome {
    let tokens = tokens(claimed);
    let at = claimed
        .events
        .iter()
        .map(|event| event.at)
        .max()
        .unwrap_or(0);
    let share = tokens / i64::try_from(extraction.observations.len().max(1)).unwrap_or(1);
    let nothing = extraction.observations.is_empty() && extraction.summary.is_none();
    TurnOutcome {
        observations: extraction
            .observations
            .into_iter()
            .map(|seen| NewObservation {
                at: claimed
                    .events
                    .iter()
                    .filter(|event| seen.events.contains(&event.id))
                    .map(|event| event.at)
                    .max()
                    .unwrap_or(at),
                kind: seen.kind.as_ref().to_owned(),
                concepts: concepts(&seen),
                title: seen.title,
                subtitle: seen.subtitle,
                narrative: seen.narrative,
                facts: seen.facts,
                files_read: seen.files_read,
                files_modified: seen.files_modified,
                agent_id: seen.agent_id,
                agent_type: seen.agent_type,
                discovery_tokens: share,
            })
            .collect(),
        summary: extraction.summary.map(|summary| NewSummary {
            request: summary.request,
            investigated: summary.investigated,
            learned: summary.learned,
            completed: summary.completed,
            next_steps: summary.next_steps,
            notes: summary.notes,
            discovery_tokens: tokens,
            at,
        }),
        skip_reason: nothing.then(|| {
            extraction
                .skip_reason
                .unwrap_or_else(|| "nothing_to_keep".to_owned())
        }),
        model: LOCAL_MODEL.to_owned(),
        fallback_reason: None,
    }
}

/// What the extractor says, and a mark for text that speaks to a model: it may
/// have come from a page or a file that somebody else wrote.
fn concepts<K, C: AsRef<str>>(seen: &Observation<K, C>) -> Vec<String> {
    let mut concepts: Vec<String> = seen
        .concepts
        .iter()
        .map(|concept| concept.as_ref().to_owned())
        .collect();
    let mut texts = [&seen.title, &seen.subtitle, &seen.narrative]
        .into_iter()
        .chain(&seen.facts);
    if !concepts.iter().any(|concept| concept == INSTRUCTION_LIKE)
        && texts.any(|text| is_instruction_like(text))
    {
        concepts.push(INSTRUCTION_LIKE.to_owned());
    }
    concepts
}

/// An estimate of what the work behind the batch cost the assistant to see.
fn tokens(claimed: &ClaimedTurn) -> i64 {
    let bytes: usize = claimed
        .events
        .iter()
        .filter(|event| !event.earlier)
        .map(|event| {
            event.input.len() + event.output.len() + event.message.as_ref().map_or(0, String::len)
        })
        .sum();
    i64::try_from(bytes / BYTES_PER_TOKEN).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: i64, kind: &str, reason: Option<&str>, message: Option<&str>) -> ClaimedEvent {
        ClaimedEvent {
            id,
            message_type: kind.to_owned(),
            tool_name: "Bash".to_owned(),
            input: r#"{"command":"make"}"#.to_owned(),
            output: "not json".to_owned(),
            failed: false,
            cwd: None,
            message: message.map(str::to_owned),
            reason: reason.map(str::to_owned),
            agent_id: None,
            agent_type: None,
            at: id * 10,
            earlier: false,
        }
    }

    fn claimed(events: Vec<ClaimedEvent>, close_reason: &str) -> ClaimedTurn {
        ClaimedTurn {
            turn_id: 1,
            session_db_id: 1,
            prompt_number: 1,
            project: "billing".to_owned(),
            project_root: String::new(),
            prompt: Some("do it".to_owned()),
            close_reason: Some(close_reason.to_owned()),
            events,
            earlier_titles: Vec::new(),
            earlier_prompts: Vec::new(),
            has_summary: false,
            more_waits: false,
            attempt: 1,
            last_error: None,
            redo: false,
        }
    }

    #[test]
    fn how_a_turn_ended_is_told_by_its_last_end() {
        let end = |id, reason| event(id, "summarize", Some(reason), None);
        let cases = [
            (
                vec![end(1, "stop"), end(2, "session_end")],
                "stop",
                Close::Stop,
            ),
            (
                vec![end(1, "stop"), end(2, "stop_failure")],
                "stop",
                Close::StopFailure,
            ),
            (
                vec![end(1, "session_end")],
                "session_end",
                Close::SessionEnd,
            ),
            (
                vec![end(1, "subagent_stop")],
                "next_prompt",
                Close::NextPrompt,
            ),
            (vec![], "idle", Close::Idle),
            (vec![end(1, "pre_compact")], "", Close::PreCompact),
        ];
        for (events, reason, wanted) in cases {
            assert_eq!(
                close(&claimed(events.clone(), reason)),
                wanted,
                "{events:?}"
            );
        }
    }

    #[test]
    fn the_closing_message_is_the_assistants_and_not_a_subagents() {
        let turn = turn(&claimed(
            vec![
                event(1, "observation", None, None),
                event(2, "summarize", Some("subagent_stop"), Some("found it")),
                event(3, "summarize", Some("stop"), Some("done")),
                event(4, "summarize", Some("session_end"), None),
            ],
            "stop",
        ));
        assert_eq!(turn.last_assistant_message.as_deref(), Some("done"));
        assert_eq!(turn.subagent_messages[0].text, "found it");
        assert_eq!(turn.events.len(), 1);
        assert_eq!(turn.events[0].output, Value::String("not json".to_owned()));
    }

    #[test]
    fn remembered_words_are_no_work_for_an_agent() {
        let mut words = event(1, "observation", None, None);
        words.tool_name = capture::remember::TOOL.to_owned();
        let call = event(2, "observation", None, None);
        let events = turn(&claimed(vec![words, call], "stop")).events;
        assert_eq!(events.iter().map(|event| event.id).collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn the_end_of_the_session_after_the_end_of_the_turn_changes_nothing() {
        let mut turn = claimed(
            vec![event(9, "summarize", Some("session_end"), None)],
            "stop",
        );
        turn.has_summary = true;
        let nothing = outcome(&turn);
        assert_eq!((nothing.observations.len(), nothing.summary), (0, None));
        assert_eq!(nothing.skip_reason, None);
        // What came late is looked at again.
        turn.events.push(event(10, "observation", None, None));
        assert!(!only_ends_again(&turn));
    }
}
