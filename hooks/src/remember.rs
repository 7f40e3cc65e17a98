//! What somebody wants to be remembered in their own words. It goes the way of
//! every event, as a call of a tool that no host has.

use std::path::Path;
use std::time::Instant;

use serde_json::{Map, Value, json};

use crate::privacy;
use crate::relay::{NamedProject, Relayed, relay};
use crate::settings::{Key, Settings};

/// Stands for the tool in an event. A host's own names have no slash.
pub const TOOL: &str = "claude-mem/remember";

/// The words, and what is said about them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memory {
    pub text: String,
    /// Type of observation.
    pub kind: Option<String>,
    pub title: Option<String>,
    pub concepts: Vec<String>,
    pub files: Vec<String>,
}

/// Why a text cannot be kept word for word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// Nothing is left of it without what is private.
    Empty,
    /// With what is said about it, it has more bytes than a field may have.
    TooLong { bytes: usize, most: usize },
}

/// Hands a memory in as an event of `session` at work in `dir`; without
/// `project` it belongs to the project of that directory. The worker has until
/// `ack_by` to answer.
///
/// # Errors
/// When the text is empty or too long; nothing was handed in then.
pub fn remember(
    settings: &Settings,
    memory: &Memory,
    session: &str,
    dir: &Path,
    project: Option<NamedProject>,
    ack_by: Instant,
) -> Result<Relayed, Unfit> {
    let most = usize::try_from(settings.number(Key::FieldBytes)).unwrap_or(usize::MAX);
    let text = privacy::scrub(&memory.text);
    if text.trim().is_empty() {
        return Err(Unfit::Empty);
    }
    let input = json!({
        "text": text,
        "type": memory.kind,
        "title": memory.title,
        "concepts": memory.concepts,
        "files": memory.files,
    });
    // Twice as much would be left whole, field by field.
    let bytes = input.to_string().len();
    if bytes > most {
        return Err(Unfit::TooLong { bytes, most });
    }
    let payload = json!({
        "session_id": session,
        "hook_event_name": "PostToolUse",
        "cwd": dir.to_string_lossy(),
        "tool_name": TOOL,
        "tool_input": input,
    });
    let payload = match payload {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    Ok(relay(settings, payload, project, ack_by))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn memory(text: &str) -> Memory {
        Memory {
            text: text.to_owned(),
            ..Memory::default()
        }
    }

    #[test]
    fn a_text_that_cannot_be_kept_whole_is_refused_before_anything_is_written() {
        let home = tempfile::tempdir().unwrap();
        let data = home.path().join("data");
        let settings = Settings::from_parts(
            |name| (name == "CLAUDE_MEM_FIELD_BYTES").then(|| "1024".to_owned()),
            &data,
        );
        let by = Instant::now() + Duration::from_millis(1);
        let refused = |memory: &Memory| {
            remember(&settings, memory, "s", home.path(), None, by).map(|relayed| {
                panic!("{relayed:?}");
            })
        };
        for text in ["", " \n", "<private>mine</private>"] {
            assert_eq!(refused(&memory(text)), Err(Unfit::Empty), "{text:?}");
        }
        // Quotes and line breaks are longer in JSON.
        let text = "\n".repeat(600);
        let long = Memory {
            concepts: vec!["x".repeat(2000)],
            ..memory("short")
        };
        for memory in [memory(&format!("a{text}")), long] {
            assert!(
                matches!(refused(&memory), Err(Unfit::TooLong { most: 1024, .. })),
                "{memory:?}"
            );
        }
        assert!(!data.exists());
    }
}
