//! Events as text. Each row is told in three dialects, because three
//! generations of clients listen.

use std::fmt::Write as _;

use axum::body::Bytes;
use serde_json::{Map, Value, json};

use crate::store::web::{
    Changes, Cursor, Fields, Object, WebObservation, WebPrompt, WebRow as _, WebSummary,
};

use super::super::state::now_ms;
use super::Queue;

/// Text that is made at a time, by the row: it is kept until the slowest of its
/// clients has taken it.
const MOST_BYTES: usize = 256 * 1024;

/// Text of events in the making.
struct Frames {
    text: String,
    cursor: Cursor,
    at: i64,
}

impl Frames {
    fn new(cursor: Cursor) -> Self {
        Self {
            text: String::new(),
            cursor,
            at: now_ms(),
        }
    }

    /// An event; one without a name goes to `onmessage`. JSON has no line
    /// breaks in it, so the data is one line.
    fn event(&mut self, name: Option<&str>, data: &Value) {
        if let Some(name) = name {
            let _ = writeln!(self.text, "event: {name}");
        }
        let _ = write!(self.text, "id: {}\ndata: {data}\n\n", self.cursor);
    }

    fn message(&mut self, kind: &str, fields: Value) {
        let mut data = json!({ "type": kind, "timestamp": self.at });
        if let (Value::Object(all), Value::Object(fields)) = (&mut data, fields) {
            all.extend(fields);
        }
        self.event(None, &data);
    }

    /// A row's own fields with the time of telling.
    fn flat(&self, row: &impl Fields) -> Map<String, Value> {
        let mut bytes = Vec::new();
        Object::write(&mut bytes, |object| row.fields(object));
        let mut fields: Map<String, Value> = serde_json::from_slice(&bytes).unwrap_or_default();
        fields.insert("timestamp".to_owned(), self.at.into());
        fields
    }

    // The cursor moves with a row's last event: a client that was cut off before
    // it gets the whole row again.

    fn observation(&mut self, row: &WebObservation) {
        let flat = Value::Object(self.flat(row));
        self.message("new_observation", json!({ "observation": flat }));
        self.message("observation_created", json!({ "observation": flat }));
        self.cursor.observation = row.id;
        self.event(Some("observation-created"), &flat);
    }

    /// A summary that was made or changed, told alike.
    fn summary(&mut self, revision: i64, row: &WebSummary) {
        let flat = Value::Object(self.flat(row));
        self.message("new_summary", json!({ "summary": flat }));
        self.message("summary_created", json!({ "summary": flat }));
        self.cursor.summary = revision;
        self.event(Some("session-summary-created"), &flat);
    }

    fn prompt(&mut self, row: &WebPrompt) {
        let fields = self.flat(row);
        let flat = Value::Object(fields.clone());
        // The row's own text is a field `prompt` too; here it is the row.
        let mut all = fields;
        all.insert("prompt".to_owned(), flat.clone());
        self.message("new_prompt", Value::Object(all));
        self.cursor.prompt = row.id;
        self.event(Some("user-prompt-created"), &flat);
    }

    fn is_full(&self) -> bool {
        self.text.len() >= MOST_BYTES
    }

    fn done(self) -> (Bytes, Cursor) {
        (Bytes::from(self.text), self.cursor)
    }
}

/// What a client is told first.
pub(super) fn greeting(cursor: &Cursor, projects: &Value, queue: Queue) -> Bytes {
    let mut frames = Frames::new(*cursor);
    frames.message("connected", json!({}));
    frames.message("initial_load", projects.clone());
    frames.message("processing_status", status(queue));
    frames.done().0
}

pub(super) fn processing_status(cursor: &Cursor, queue: Queue) -> Bytes {
    let mut frames = Frames::new(*cursor);
    frames.message("processing_status", status(queue));
    frames.done().0
}

fn status(queue: Queue) -> Value {
    json!({ "isProcessing": queue.processing, "queueDepth": queue.depth })
}

/// A comment, which clients skip.
pub(super) fn heartbeat() -> Bytes {
    Bytes::from_static(b": still here\n\n")
}

/// What is new, and the cursor behind it; whether it was cut because it is
/// much, and goes on behind that cursor.
pub(super) fn changes(from: Cursor, changes: &Changes) -> (Bytes, Cursor, bool) {
    let mut frames = Frames::new(from);
    let cut = sessions_started(&mut frames, changes)
        || events_queued(&mut frames, changes)
        || rows(&mut frames, changes)
        || sessions_ended(&mut frames, changes);
    let (bytes, cursor) = frames.done();
    (bytes, cursor, cut)
}

fn sessions_started(frames: &mut Frames, changes: &Changes) -> bool {
    for session in &changes.started {
        frames.cursor.session = session.session_db_id;
        frames.message(
            "session_started",
            json!({ "sessionDbId": session.session_db_id, "project": session.project }),
        );
    }
    frames.is_full()
}

fn events_queued(frames: &mut Frames, changes: &Changes) -> bool {
    for event in &changes.queued {
        frames.cursor.queued = event.id;
        let kind = if event.message_type == "summarize" {
            "summarize_queued"
        } else {
            "observation_queued"
        };
        frames.message(
            kind,
            json!({ "sessionDbId": event.session_db_id, "messageId": event.id }),
        );
    }
    frames.is_full()
}

fn sessions_ended(frames: &mut Frames, changes: &Changes) -> bool {
    for session in &changes.ended {
        frames.cursor.ended = (session.at, session.session_db_id);
        frames.message(
            "session_completed",
            json!({ "sessionDbId": session.session_db_id, "project": session.project }),
        );
    }
    false
}

/// Rows of all kinds as they came about; each kind stays in its own order,
/// which the cursor needs. Whether some are left.
fn rows(frames: &mut Frames, changes: &Changes) -> bool {
    let mut prompts = changes.prompts.iter().peekable();
    let mut observations = changes.observations.iter().peekable();
    let mut summaries = changes.summaries.iter().peekable();
    loop {
        let at = |row: Option<i64>| row.unwrap_or(i64::MAX);
        let prompt = at(prompts.peek().map(|row| row.created_at_epoch()));
        let observation = at(observations.peek().map(|row| row.created_at_epoch()));
        let summary = at(summaries.peek().map(|(_, row)| row.created_at_epoch()));
        let next = prompt.min(observation).min(summary);
        if next == i64::MAX {
            return false;
        }
        if frames.is_full() {
            return true;
        }
        if let Some(row) = prompts.next_if(|_| prompt == next) {
            frames.prompt(row);
        } else if let Some(row) = observations.next_if(|_| observation == next) {
            frames.observation(row);
        } else if let Some((revision, row)) = summaries.next_if(|_| summary == next) {
            frames.summary(*revision, row);
        }
    }
}
