//! The messages, as bare data.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A line from a client to a worker.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Request {
    /// The user submitted a prompt: a turn begins.
    Prompt(Prompt),
    /// A tool call ended.
    Observation(Observation),
    /// Something ended: a turn, a subagent, the session.
    Finalize(Finalize),
    /// Asks for [`Reply::Status`].
    Status,
    /// Asks for [`Reply::Pong`].
    Ping,
    /// Asks the worker to look into its spool now; answered by [`Reply::Pong`].
    /// A worker that finds another one already serving its session says this
    /// to it and leaves.
    Drain,
}

/// The user's prompt. `at` is in epoch milliseconds, as everywhere.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Prompt {
    /// Idempotency key: Claude Code's `prompt_id`, else a `UUIDv7`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    pub prompt: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Top of the project's work tree; paths are shown relative to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_root: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub git_branch: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub git_head: Option<String>,
    /// Ties the prompt to the observations and the finalize of its turn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_id: Option<String>,
    /// The prompt was wholly private: its text is gone and its turn is silent.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub private: bool,
}

/// A tool call and its result.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Observation {
    /// Idempotency key: Claude Code's `tool_use_id`, else a `UUIDv7`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    pub tool_name: String,
    /// A JSON value, or a string that holds JSON.
    pub tool_input: Value,
    /// A JSON value, or a string; of a failed call the error's text.
    #[serde(alias = "tool_response")]
    pub tool_output: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_root: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_type: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub failed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_id: Option<String>,
}

/// The end of a turn, a subagent or the session.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Finalize {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_assistant_message: Option<String>,
    pub reason: FinalizeReason,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_root: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_id: Option<String>,
}

/// Why a [`Finalize`] was sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinalizeReason {
    /// The assistant finished its turn.
    #[default]
    Stop,
    /// The turn ended with an API error.
    StopFailure,
    /// Claude Code left the session.
    SessionEnd,
    /// A subagent finished; the turn goes on.
    SubagentStop,
    /// The conversation is about to be compacted; the turn goes on.
    PreCompact,
}

impl FinalizeReason {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::StopFailure => "stop_failure",
            Self::SessionEnd => "session_end",
            Self::SubagentStop => "subagent_stop",
            Self::PreCompact => "pre_compact",
        }
    }

    /// Whether nothing more is expected of the turn.
    pub fn closes_turn(self) -> bool {
        matches!(self, Self::Stop | Self::StopFailure | Self::SessionEnd)
    }
}

/// A line from a worker to a client: one for each request, in their order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Reply {
    Ack(Ack),
    Error(ErrorReply),
    Status(Box<StatusReply>),
    Pong,
}

/// The event is committed to SQLite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    pub id: String,
    pub status: AckStatus,
    /// Row id in the queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_id: Option<i64>,
    /// Why the event was skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What became of an event on arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AckStatus {
    Queued,
    /// The same id arrived before; nothing changed.
    Duplicate,
    /// Counted, but not kept: see `reason`.
    Skipped,
}

/// The line could not be taken. The connection lives on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorReply {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    pub code: ErrorCode,
    pub message: String,
}

/// What was wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    BadJson,
    TooLarge,
    UnknownType,
    InvalidField,
    /// The worker cannot store anything now; spool the event and try later.
    Unavailable,
}

/// The parts of the conservation equation: at any moment
/// `captured = processed + skipped + pending + processing + failed`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counters {
    pub captured: i64,
    pub processed: i64,
    pub skipped: i64,
    pub pending: i64,
    pub processing: i64,
    pub failed: i64,
}

impl Counters {
    /// Whether every captured event is accounted for.
    pub fn balanced(&self) -> bool {
        self.captured
            == self.processed + self.skipped + self.pending + self.processing + self.failed
    }
}

/// A worker's view of its session.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StatusReply {
    /// Claude Code's session id.
    pub session: String,
    /// Row id of the session in the database.
    pub session_db_id: Option<i64>,
    pub project: String,
    pub counters: Counters,
    /// Skipped events by reason.
    pub skipped_by_reason: BTreeMap<String, i64>,
    pub stall_reason: Option<String>,
    /// Which agent turns events into observations.
    pub provider: String,
    pub version: String,
    pub protocol: u32,
    pub pid: u32,
}
