//! The columns of the queue that depend on the kind of an event.

use super::events::NewEventKind;

#[derive(Default)]
pub(super) struct Columns<'a> {
    pub(super) message_type: &'static str,
    pub(super) tool_name: Option<&'a str>,
    pub(super) input: Option<&'a str>,
    pub(super) output: Option<&'a str>,
    pub(super) failed: bool,
    pub(super) message: Option<&'a str>,
    pub(super) reason: Option<&'a str>,
}

impl<'a> Columns<'a> {
    /// Of an event that is not `kept` only what it was.
    pub(super) fn of(kind: &'a NewEventKind, kept: bool) -> Self {
        match kind {
            NewEventKind::Prompt { .. } => Self {
                message_type: "prompt",
                ..Self::default()
            },
            NewEventKind::Observation {
                tool_name,
                input,
                output,
                failed,
            } => Self {
                message_type: "observation",
                tool_name: Some(tool_name),
                failed: *failed,
                input: kept.then_some(input),
                output: kept.then_some(output),
                ..Self::default()
            },
            NewEventKind::Remember {
                tool_name, input, ..
            } => Self {
                message_type: "observation",
                tool_name: Some(tool_name),
                input: kept.then_some(input),
                ..Self::default()
            },
            NewEventKind::Finalize {
                reason, message, ..
            } => Self {
                message_type: "summarize",
                reason: Some(reason),
                message: message.as_deref().filter(|_| kept),
                ..Self::default()
            },
        }
    }

    pub(super) fn bytes(&self) -> i64 {
        let length = [self.input, self.output, self.message]
            .into_iter()
            .flatten()
            .map(str::len)
            .sum::<usize>();
        i64::try_from(length).unwrap_or(i64::MAX)
    }
}
