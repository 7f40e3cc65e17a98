//! `claude-mem recall --hook`: the answer to Claude Code's `UserPromptSubmit`,
//! `PreToolUse` of `Read` and `PostToolUseFailure`.
//!
//! The hooks start it for what they have captured, and do not wait longer than
//! their deadline. Whatever is broken, it ends with exit code 0 and one JSON
//! object.

use std::path::{Path, PathBuf};
use std::time::Duration;

use capture::privacy::{is_wholly_private, scrub};
use capture::project::{self, Kind};
use capture::settings::{Key, Settings};
use capture::{skip, stdin};
use jiff::tz::TimeZone;
use serde_json::{Map, Value};
use sockets_protocol::Locations;

use crate::context::{project_at, projects, recalled};
use crate::store::Reader;

use super::{Listener, Moment, known, render};

/// The process has answered by then; the longest of the hooks that start it
/// takes 300 ms.
const DEADLINE: Duration = Duration::from_millis(290);

/// Answers on stdout and ends the process.
pub fn run() -> ! {
    let told = capture::find_in_time(DEADLINE, |patience, settings| {
        let event = Event::from_payload(&stdin::read_object(patience)?)?;
        event.tell(
            &settings,
            project::host_dir().as_deref(),
            &crate::context::zone::local(),
        )
    });
    let answer = told.unwrap_or_else(|| "{}".to_owned());
    capture::answer(&answer)
}

/// An event at which memory may have something to say.
#[derive(Debug, PartialEq, Eq)]
struct Event {
    name: &'static str,
    switch: Key,
    moment: Moment,
    session: String,
    cwd: PathBuf,
}

impl Event {
    /// `None` for an event of another kind, and for one about which nothing may
    /// be asked: a private prompt, a call that the user ended.
    fn from_payload(payload: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| payload.get(name).and_then(Value::as_str);
        let (name, switch, moment) = match text("hook_event_name")? {
            "UserPromptSubmit" => {
                let prompt = text("prompt").filter(|prompt| !is_wholly_private(prompt))?;
                let moment = Moment::Prompt(scrub(prompt).into_owned());
                ("UserPromptSubmit", Key::RecallPrompt, moment)
            }
            "PreToolUse" if text("tool_name") == Some("Read") => {
                let path = payload.get("tool_input")?.get("file_path")?.as_str()?;
                let moment = Moment::Read(path.to_owned());
                ("PreToolUse", Key::RecallRead, moment)
            }
            "PostToolUseFailure"
                if payload.get("is_interrupt").and_then(Value::as_bool) != Some(true) =>
            {
                let moment = Moment::Failure(scrub(text("error")?).into_owned());
                ("PostToolUseFailure", Key::RecallFailure, moment)
            }
            _ => return None,
        };
        Some(Self {
            name,
            switch,
            moment,
            session: text("session_id").filter(|id| !id.is_empty())?.to_owned(),
            cwd: PathBuf::from(text("cwd").unwrap_or("/")),
        })
    }

    /// The answer in which the session is told what is known; `None` where
    /// nothing may or need be said.
    fn tell(
        &self,
        settings: &Settings,
        host_dir: Option<&Path>,
        zone: &TimeZone,
    ) -> Option<String> {
        if skip::disabled_by_settings(settings).is_some() || !settings.bool(self.switch) {
            return None;
        }
        let project = project_at(settings, host_dir.unwrap_or(&self.cwd));
        // Rows of no project are of anywhere.
        if project.kind == Kind::Unfiled || skip::project(settings, &project, &self.cwd).is_some() {
            return None;
        }
        let locations = Locations::new(settings.data_dir());
        let reader = Reader::open(&locations.database()).ok()??;
        let listener = Listener {
            projects: projects(&reader, &project::read_scope(&project)).ok()?,
            root: project.root,
            session: Some(self.session.clone()),
        };
        let rows = known(&reader, &self.moment, &listener).ok()?;
        // From here on it counts as told, so this comes last.
        let rows = recalled::claim(&locations, &self.session, rows, self.moment.most()).ok()?;
        let text = render(&self.moment, &rows, &project.name, zone);
        (!text.is_empty()).then(|| capture::envelope(self.name, &text))
    }
}

#[cfg(test)]
#[path = "hook_tests.rs"]
mod tests;
