//! `claude-mem context --hook`: the answer to Claude Code's `SessionStart`.
//!
//! Whatever is broken, the process ends with exit code 0 and one JSON object
//! before its deadline; what cannot be told is left out.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use capture::project::{self, Kind, Project};
use capture::settings::{Key, Settings};
use capture::{skip, stdin};
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use sockets_protocol::Locations;

use crate::health::{self, Stall};
use crate::store::{Reader, StoreError};

use super::autostart;
use super::fetch::{Input, Mode, Options, Since, fetch, projects};
use super::payload::{Payload, Source};
use super::recalled;
use super::render::render;
use super::told::{self, Told};

/// The process has answered by then. The host waits for the hook, and 500 ms
/// is what the hook as a whole, its executable included, may take.
const DEADLINE: Duration = Duration::from_millis(450);

/// Answers on stdout and ends the process.
pub fn run() -> ! {
    let told = capture::find_in_time(DEADLINE, |patience, settings| {
        let payload = stdin::read_object(patience);
        let payload = payload.as_ref().map(Payload::from).unwrap_or_default();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        let wants_server = settings
            .bool(Key::HttpAutostart)
            .then(|| settings.data_dir().to_owned());
        let session = Session {
            dir: directory(project::host_dir(), &payload)?,
            now_ms: i64::try_from(now.as_millis()).ok()?,
            zone: super::zone::local(),
            settings,
            payload,
        };
        Some((session.tell(), wants_server))
    });
    let (text, wants_server) = told.unwrap_or_default();
    let answer = envelope(text.as_deref()).to_string();
    // The session has its answer; only the end of this process waits.
    capture::say(&answer);
    if let Some(data_dir) = wants_server {
        autostart::start(&Locations::new(data_dir));
    }
    capture::answer(&answer)
}

fn envelope(text: Option<&str>) -> Value {
    match text {
        None | Some("") => json!({}),
        Some(text) => json!({"hookSpecificOutput": {
            "hookEventName": "SessionStart", "additionalContext": text}}),
    }
}

/// The directory that the project is found by.
fn directory(host_dir: Option<PathBuf>, payload: &Payload) -> Option<PathBuf> {
    host_dir.or_else(|| payload.cwd.clone())
}

/// A session that starts.
struct Session {
    settings: Settings,
    payload: Payload,
    dir: PathBuf,
    now_ms: i64,
    zone: TimeZone,
}

impl Session {
    /// What it is told; `None` where nothing may or need be said.
    fn tell(&self) -> Option<String> {
        let settings = &self.settings;
        if skip::disabled_by_settings(settings).is_some() {
            return None;
        }
        let project = self.project();
        let cwd = self.payload.cwd.as_deref().unwrap_or(&self.dir);
        if skip::project(settings, &project, cwd).is_some() {
            return None;
        }
        let locations = Locations::new(settings.data_dir());
        let reader = Reader::open(&locations.database());
        let mut input = Input::empty(
            &project.name,
            Options::from_settings(settings),
            self.zone.clone(),
        );
        // Nothing is told where there is no project: its rows are of anywhere.
        let silent = project.kind == Kind::Unfiled;
        let mut unwritten = None;
        let mut unread = None;
        match &reader {
            Ok(Some(reader)) if !silent => {
                match self.fill(reader, &locations, &project, &mut input) {
                    Ok(stall) => unwritten = stall,
                    Err(error) => unread = Some(Stall::of_store(&error)),
                }
            }
            _ if silent || self.payload.source == Source::Resume => input.mode = Mode::Resume,
            _ => {}
        }
        input.stall = unread
            .or_else(|| health::stall(&locations, settings, self.now_ms, &reader))
            .or(unwritten);
        Some(render(&input)).filter(|text| !text.is_empty())
    }

    fn project(&self) -> Project {
        let name = self.settings.get(Key::Project);
        project::resolve(&project::Request {
            dir: &self.dir,
            home: self.settings.home(),
            temp_dir: &std::env::temp_dir(),
            data_dir: self.settings.data_dir(),
            name_override: Some(name.as_ref()).filter(|name| !name.is_empty()),
            claim: health::is_writable(self.settings.data_dir()),
        })
    }

    /// Reads the rows and notes down that the session has been told them; the
    /// stall is that the note could not be written.
    fn fill(
        &self,
        reader: &Reader,
        locations: &Locations,
        project: &Project,
        input: &mut Input,
    ) -> Result<Option<Stall>, StoreError> {
        let scope = projects(reader, &project::read_scope(project))?;
        let session = self.payload.session.as_deref();
        let since = match (self.payload.source, session) {
            (Source::Resume, Some(session)) => Some(since(reader, locations, session)?),
            _ => None,
        };
        fetch(reader, &scope, since, input)?;
        if let Some(session) = session {
            self.note_what_is_shown(locations, session, input);
        }
        let (observation, summary) = input.highest();
        let before = since.unwrap_or_default();
        let told = Told {
            observation: observation.max(before.observation),
            summary: summary.max(before.summary),
        };
        // Writing over a file makes some file systems wait for the disk, so the
        // same again is not written.
        let session = session.filter(|_| observation > 0 || summary > 0);
        let Some(session) = session.filter(|id| told::read(locations, id) != Some(told)) else {
            return Ok(None);
        };
        Ok(told::write(locations, session, told)
            .err()
            .map(|error| cannot_write(&locations.told_dir(), &error)))
    }
}

impl Session {
    /// What the conversation holds is not recalled later: what is shown in full.
    /// One that begins anew, as after a compaction, holds nothing else.
    fn note_what_is_shown(&self, locations: &Locations, session: &str, input: &Input) {
        if self.payload.source == Source::Fresh {
            recalled::forget(locations, session);
        }
        let in_full = input.options.full_count;
        let shown = input.observations.iter().take(in_full).cloned().collect();
        // Where it cannot be noted down nothing is recalled.
        drop(recalled::claim(locations, session, shown, in_full));
    }
}

fn since(reader: &Reader, locations: &Locations, session: &str) -> Result<Since, StoreError> {
    let told = told::read(locations, session).unwrap_or_default();
    let session_db_id = reader.session_by_content_id(session)?.map(|row| row.id);
    Ok(Since {
        observation: told.observation,
        summary: told.summary,
        session_db_id,
    })
}

fn cannot_write(directory: &Path, error: &std::io::Error) -> Stall {
    Stall {
        cause: format!("cannot write to {}: {error}", directory.display()),
        action: "free space or give your user access to that directory".to_owned(),
    }
}

#[cfg(test)]
#[path = "hook_tests.rs"]
mod tests;
