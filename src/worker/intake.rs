//! From a message to an event for the store. Hooks have already taken private
//! parts and credentials out and bounded the sizes; a client that talks to the
//! socket by hand has not, so it is done here again (both change nothing the
//! second time).

use std::collections::HashMap;

use capture::privacy;
use capture::remember::TOOL;
use capture::settings::{Key, Settings};
use capture::shape::{Budget, head_and_tail, prepare_tool};
use capture::skip;
use serde_json::Value;
use sockets_protocol::{Finalize, Observation, Prompt, Request, fnv1a};

use crate::store::{NewEvent, NewEventKind};

use super::now;
use super::remember::{NO_WORDS, memory};

/// Closing messages and prompts may be this many times as long as a field.
const MESSAGE_BUDGETS: usize = 2;

/// Turns messages into events.
#[derive(Debug)]
pub(super) struct Intake {
    settings: Settings,
    budget: Budget,
    /// How often the same content came at the same time, for events without an
    /// id of their own.
    order: HashMap<u64, u32>,
}

impl Intake {
    pub(super) fn new(settings: Settings) -> Self {
        let field_bytes = usize::try_from(settings.number(Key::FieldBytes)).unwrap_or(16 * 1024);
        Self {
            settings,
            budget: Budget { field_bytes },
            order: HashMap::new(),
        }
    }

    /// The event in a message; `None` for one that asks something.
    pub(super) fn event(&mut self, request: Request) -> Option<NewEvent> {
        match request {
            Request::Prompt(prompt) => Some(self.prompt(prompt)),
            Request::Observation(seen) => Some(self.observation(seen)),
            Request::Finalize(end) => Some(self.finalize(end)),
            Request::Status | Request::Ping | Request::Drain => None,
        }
    }

    fn prompt(&mut self, prompt: Prompt) -> NewEvent {
        let private = prompt.private || privacy::is_wholly_private(&prompt.prompt);
        let text = self.message(&prompt.prompt);
        let (id, at) = self.key(prompt.id, prompt.at, &["prompt", &text]);
        NewEvent {
            event_id: id,
            prompt_id: prompt.prompt_id,
            at,
            skip: self.outside(prompt.cwd.as_deref()),
            cwd: prompt.cwd,
            project: named(prompt.project),
            project_root: prompt.project_root,
            agent_id: None,
            agent_type: None,
            kind: NewEventKind::Prompt {
                text,
                private,
                git_branch: prompt.git_branch,
                git_head: prompt.git_head,
            },
        }
    }

    fn observation(&mut self, seen: Observation) -> NewEvent {
        let (input, output) = prepare_tool(
            &seen.tool_name,
            seen.tool_input,
            seen.tool_output,
            &self.budget,
        );
        let (input_json, output_json) = (json(&input), json(&output));
        let (id, at) = self.key(
            seen.id,
            seen.at,
            &[&seen.tool_name, &input_json, &output_json],
        );
        let mut excluded =
            skip::tool(&self.settings, &seen.tool_name).map(skip::SkipReason::as_str);
        let kind = if seen.tool_name == TOOL {
            let memory = memory(&input, seen.project_root.as_deref(), at);
            if memory.narrative.is_empty() {
                excluded = Some(NO_WORDS);
            }
            NewEventKind::Remember {
                tool_name: TOOL,
                input: input_json,
                memory: Box::new(memory),
            }
        } else {
            NewEventKind::Observation {
                tool_name: seen.tool_name,
                input: input_json,
                output: output_json,
                failed: seen.failed,
            }
        };
        NewEvent {
            event_id: id,
            prompt_id: seen.prompt_id,
            at,
            skip: excluded.or_else(|| self.outside(seen.cwd.as_deref())),
            cwd: seen.cwd,
            project: named(seen.project),
            project_root: seen.project_root,
            agent_id: seen.agent_id,
            agent_type: seen.agent_type,
            kind,
        }
    }

    fn finalize(&mut self, end: Finalize) -> NewEvent {
        let message = end
            .last_assistant_message
            .as_deref()
            .map(|text| self.message(text));
        let reason = end.reason.as_str();
        let (id, at) = self.key(end.id, end.at, &[reason, message.as_deref().unwrap_or("")]);
        NewEvent {
            event_id: id,
            prompt_id: end.prompt_id,
            at,
            skip: None,
            cwd: end.cwd,
            project: named(end.project),
            project_root: end.project_root,
            agent_id: end.agent_id,
            agent_type: end.agent_type,
            kind: NewEventKind::Finalize {
                reason,
                message,
                closes_turn: end.reason.closes_turn(),
            },
        }
    }

    fn message(&self, text: &str) -> String {
        head_and_tail(
            &privacy::scrub(text),
            self.budget.field_bytes * MESSAGE_BUDGETS,
        )
        .into_owned()
    }

    /// What happens inside our own directory is our own doing.
    fn outside(&self, cwd: Option<&str>) -> Option<&'static str> {
        cwd.is_some_and(|cwd| std::path::Path::new(cwd).starts_with(self.settings.data_dir()))
            .then(|| skip::SkipReason::DataDir.as_str())
    }

    /// The idempotency key and the time. Without an id the key comes from
    /// content and time, and from the order of arrival when the client gives no
    /// time either.
    fn key(&mut self, id: Option<String>, at: Option<i64>, content: &[&str]) -> (String, i64) {
        let at = at.filter(|at| *at > 0);
        let time = at.unwrap_or_else(now);
        if let Some(id) = id.filter(|id| !id.is_empty()) {
            return (id, time);
        }
        let hash = fnv1a(content.join("\u{1f}").as_bytes());
        if at.is_some() {
            return (format!("c-{hash:016x}-{time}"), time);
        }
        let count = self.order.entry(hash).or_default();
        *count += 1;
        (format!("c-{hash:016x}-{time}-{count}"), time)
    }
}

fn named(project: Option<String>) -> Option<String> {
    project.filter(|name| !name.is_empty())
}

fn json(value: &Value) -> String {
    value.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn intake() -> Intake {
        Intake::new(Settings::from_parts(|_| None, "/nonexistent/claude-mem"))
    }

    fn seen(id: Option<&str>, at: Option<i64>, command: &str) -> Request {
        Request::Observation(Observation {
            id: id.map(str::to_owned),
            tool_name: "Bash".to_owned(),
            tool_input: json!({ "command": command }),
            at,
            ..Observation::default()
        })
    }

    #[test]
    fn an_event_without_an_id_gets_one_from_content_time_and_order() {
        let mut intake = intake();
        let mut id = |request| intake.event(request).unwrap().event_id;
        assert_eq!(id(seen(Some("t1"), None, "ls")), "t1");
        let timed = id(seen(None, Some(1000), "make"));
        assert_eq!(timed, id(seen(None, Some(1000), "make")), "sent again");
        assert_ne!(timed, id(seen(None, Some(1001), "make")));
        assert_ne!(timed, id(seen(None, Some(1000), "make test")));
        // Two lines typed by hand are two events, however alike.
        assert_ne!(id(seen(None, None, "make")), id(seen(None, None, "make")));
    }

    #[test]
    fn what_a_client_sends_by_hand_is_scrubbed_and_bounded() {
        let mut intake = intake();
        let key = format!("sk_live_{}", "4eC39HqLyjWDarjtT1zdp7dc");
        let event = intake
            .event(Request::Observation(Observation {
                tool_name: "Read".to_owned(),
                tool_output: json!(format!(
                    "<private>mine</private> {key} {}",
                    "x".repeat(100_000)
                )),
                ..Observation::default()
            }))
            .unwrap();
        let NewEventKind::Observation { output, .. } = event.kind else {
            panic!("another kind: {event:?}");
        };
        assert!(
            !output.contains("mine") && !output.contains(&key),
            "{output:.100}"
        );
        assert!(output.len() < 20_000, "{}", output.len());
    }

    #[test]
    fn our_own_doing_and_bookkeeping_are_counted_but_not_kept() {
        let mut intake = intake();
        let mut skip = |tool: &str, cwd: &str| {
            let request = Request::Observation(Observation {
                tool_name: tool.to_owned(),
                cwd: Some(cwd.to_owned()),
                ..Observation::default()
            });
            intake.event(request).unwrap().skip
        };
        assert_eq!(skip("Bash", "/home/demo"), None);
        assert_eq!(
            skip("Bash", "/nonexistent/claude-mem/spool"),
            Some("data_dir")
        );
        assert_eq!(skip("TodoWrite", "/home/demo"), Some("tool_excluded"));
    }

    #[test]
    fn a_prompt_that_is_wholly_private_is_marked_so() {
        let mut intake = intake();
        let mut private = |text: &str| {
            let request = Request::Prompt(Prompt {
                prompt: text.to_owned(),
                ..Prompt::default()
            });
            match intake.event(request).unwrap().kind {
                NewEventKind::Prompt { private, text, .. } => (private, text),
                other => panic!("another kind: {other:?}"),
            }
        };
        assert_eq!(
            private("<private>all of it</private>"),
            (true, String::new())
        );
        assert!(!private("part <private>of it</private>").0);
    }
}
