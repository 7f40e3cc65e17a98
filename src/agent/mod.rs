//! Turns what a session did into what is worth remembering.
//!
//! Events of one turn go in, observations and one summary come out. Nothing
//! here knows where either is stored: the worker reads the queue, calls this
//! module and commits the result.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub mod extractor;
pub mod local;
pub mod mode;
pub mod model;
pub mod prompt;
pub mod providers;
pub mod reply;
mod vocabulary;

pub use vocabulary::{Concept, ObservationKind};

/// One prompt of the user and everything that happened until it was answered.
#[derive(Debug, Clone, Default)]
pub struct Turn {
    /// Name of the project, as it is shown to people.
    pub project: String,
    /// Root directory of the project. Paths inside it are told relative to it;
    /// where it is unknown, the common ancestor of the events' directories serves.
    pub root: Option<PathBuf>,
    /// What the user asked. `None` when the prompt was not captured.
    pub prompt: Option<String>,
    /// Position of the prompt in its session, counted from 1.
    pub prompt_number: i64,
    /// The tool calls, in the order in which they happened.
    pub events: Vec<ToolEvent>,
    /// What subagents answered when they stopped.
    pub subagent_messages: Vec<SubagentMessage>,
    /// The assistant's closing words, or the error text of a failed turn.
    pub last_assistant_message: Option<String>,
    /// What ended the turn.
    pub close: Close,
    /// Titles of the observations that this session already has, the newest
    /// last, so that nothing is told twice.
    pub earlier_titles: Vec<String>,
    /// What the user asked in the turns before, the newest last.
    pub earlier_prompts: Vec<String>,
    /// More of the turn follows in another batch, so no summary is wanted yet.
    pub continues: bool,
}

/// One call of a tool, as the hook captured it.
#[derive(Debug, Clone, Default)]
pub struct ToolEvent {
    /// Identity in the queue; observations name their evidence by it.
    pub id: i64,
    /// Claude Code's tool name, such as `Bash` or `mcp__server__tool`.
    pub tool_name: String,
    /// The call's arguments: an object, or a string that holds JSON.
    pub input: Value,
    /// The call's result: an object, an array, a text, or a string that holds
    /// JSON. For a failed call it is the error text.
    pub output: Value,
    /// Whether Claude Code reported the call as failed.
    pub failed: bool,
    /// Working directory of the call.
    pub cwd: Option<String>,
    /// The subagent that made the call, if one did.
    pub agent_id: Option<String>,
    /// The kind of that subagent, such as `Explore`.
    pub agent_type: Option<String>,
    /// When the call ended, in milliseconds since the Unix epoch.
    pub at: i64,
    /// An earlier batch of the same turn has dealt with it; it comes along as
    /// context.
    pub earlier: bool,
}

/// The last words of a subagent.
#[derive(Debug, Clone, Default)]
pub struct SubagentMessage {
    /// The subagent's id.
    pub agent_id: String,
    /// The kind of subagent; empty for the pseudo agent of a compaction.
    pub agent_type: String,
    /// What it answered.
    pub text: String,
}

/// What ended a turn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Close {
    /// The assistant finished.
    #[default]
    Stop,
    /// An API error ended the turn; the last message is the error's text.
    StopFailure,
    /// The session ended.
    SessionEnd,
    /// The context is about to be compacted.
    PreCompact,
    /// The user's next prompt came without a stop: the turn was interrupted.
    NextPrompt,
    /// Nothing happened for so long that the turn is taken as finished.
    Idle,
}

/// What one turn leaves behind. Kinds and concepts are the closed lists of the
/// offline extractor, or names that belong to a [`mode::Mode`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extraction<K = ObservationKind, C = Concept> {
    /// What was learned or done, most important first.
    pub observations: Vec<Observation<K, C>>,
    /// The turn in a few lines. `None` when there is nothing to say.
    pub summary: Option<Summary>,
    /// Why there is no observation, when there is none.
    pub skip_reason: Option<String>,
}

/// What a model made of a turn, in the names of its mode.
pub type Reading = Extraction<String, String>;

impl<K, C> Default for Extraction<K, C> {
    fn default() -> Self {
        Self {
            observations: Vec::new(),
            summary: None,
            skip_reason: None,
        }
    }
}

/// One thing worth remembering.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation<K = ObservationKind, C = Concept> {
    /// What sort of thing it is.
    #[serde(rename = "type")]
    pub kind: K,
    /// One line of at most 90 characters, as a person would write it.
    pub title: String,
    /// One sentence that adds to the title.
    pub subtitle: String,
    /// Two to five sentences: problem, cause, change, verification.
    pub narrative: String,
    /// Short statements that can be checked.
    pub facts: Vec<String>,
    /// What the row is useful for.
    pub concepts: Vec<C>,
    /// Files that were read but not changed, in order of the first touch.
    pub files_read: Vec<String>,
    /// Files that were changed, in order of the first touch.
    pub files_modified: Vec<String>,
    /// The subagent, where all evidence is from that one.
    pub agent_id: Option<String>,
    /// The kind of that subagent.
    pub agent_type: Option<String>,
    /// Ids of the events that prove it.
    pub events: Vec<i64>,
}

impl Observation {
    /// The same with its names spelled out.
    fn named(self) -> Observation<String, String> {
        Observation {
            kind: self.kind.as_str().to_owned(),
            concepts: self
                .concepts
                .iter()
                .map(|concept| concept.as_str().to_owned())
                .collect(),
            title: self.title,
            subtitle: self.subtitle,
            narrative: self.narrative,
            facts: self.facts,
            files_read: self.files_read,
            files_modified: self.files_modified,
            agent_id: self.agent_id,
            agent_type: self.agent_type,
            events: self.events,
        }
    }
}

/// A turn in a few lines. Fields are empty where nothing is known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// What the user wanted, at most 300 characters.
    pub request: String,
    /// What was read, searched and run.
    pub investigated: String,
    /// Causes and findings.
    pub learned: String,
    /// What was done.
    pub completed: String,
    /// What is left to do, as far as the assistant said so.
    pub next_steps: String,
    /// Anything else worth knowing, such as a failure that was not cured.
    pub notes: String,
}
