//! `SessionStart` as Claude Code sends it; any field may be missing.

use std::path::PathBuf;

use serde_json::{Map, Value};

/// Why the session starts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Source {
    /// Startup, clear, compact, and whatever else a later host may say: the
    /// conversation holds nothing of what memory could tell.
    #[default]
    Fresh,
    /// The conversation is there again, with all that it was told.
    Resume,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Payload {
    pub(super) session: Option<String>,
    pub(super) cwd: Option<PathBuf>,
    pub(super) source: Source,
}

impl From<&Map<String, Value>> for Payload {
    fn from(object: &Map<String, Value>) -> Self {
        let text = |name: &str| {
            object
                .get(name)
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty())
        };
        Self {
            session: text("session_id").map(str::to_owned),
            cwd: text("cwd").map(PathBuf::from),
            source: match text("source") {
                Some("resume") => Source::Resume,
                _ => Source::Fresh,
            },
        }
    }
}
