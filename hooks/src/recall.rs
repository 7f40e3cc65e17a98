//! Asking memory at the moments when it may help: a prompt, a file that is about
//! to be read, a command that failed.
//!
//! `claude-mem recall --hook` knows the answer and reads the database for it; here
//! it is decided whether that is worth a process, and the process is held to what
//! is left of the hook's time. Nothing is asked before the event is on its way.

use std::io::{Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde_json::{Value, json};
use sockets_protocol::{Locations, Request};

use crate::deliver::worker_binary;
use crate::settings::{Key, Settings};
use crate::shape::head_and_tail;
use crate::wire::Payload;

const PROMPT: &str = "UserPromptSubmit";
const READ: &str = "PreToolUse";
const FAILURE: &str = "PostToolUseFailure";

/// Bytes of a payload in which its event is named; host and tool come after it.
const HEADER: usize = 16 * 1024;

/// Bytes of a prompt or an error that memory is asked about. A pipe holds this
/// much many times over, so handing it on waits for nobody.
const QUESTION_BYTES: usize = 6 * 1024;

/// Most bytes of an answer: 1,500 characters, each written as an escape, and
/// the envelope.
const ANSWER_BYTES: usize = 32 * 1024;

/// With less time than this no answer would come.
const LEAST_TIME: Duration = Duration::from_millis(8);

/// Words of a prompt that say what it is about, at least, and their characters.
const LEAST_WORDS: usize = 2;
const LEAST_CHARS: usize = 3;

/// Whether the payload may be one that memory is asked about, by its first
/// bytes: parsing all of it takes longer than an answer may be kept back for.
pub(crate) fn may_be_asked(payload: &[u8]) -> bool {
    const NAME: &[u8] = b"\"hook_event_name\"";
    let header = &payload[..payload.len().min(HEADER)];
    let Some(at) = header.windows(NAME.len()).position(|part| part == NAME) else {
        return false;
    };
    let rest = header[at + NAME.len()..].trim_ascii_start();
    let Some(value) = rest.strip_prefix(b":").map(<[u8]>::trim_ascii_start) else {
        return false;
    };
    [PROMPT, READ, FAILURE].iter().any(|event| {
        let value = value.strip_prefix(b"\"");
        let value = value.and_then(|value| value.strip_prefix(event.as_bytes()));
        value.is_some_and(|rest| rest.starts_with(b"\""))
    })
}

/// What memory is asked: Claude Code's own payload, with nothing in it but what
/// the answer depends on and nothing that is private.
#[derive(Debug)]
pub(crate) struct Question {
    event: &'static str,
    switch: Key,
    payload: Value,
    /// The file that is read.
    file: Option<PathBuf>,
}

impl Question {
    fn new(event: &'static str, switch: Key, session: &str, cwd: Option<&str>) -> Self {
        let payload = json!({"hook_event_name": event, "session_id": session, "cwd": cwd});
        Self {
            event,
            switch,
            payload,
            file: None,
        }
    }

    /// What a file that is about to be read is asked about.
    pub(crate) fn of_read(payload: &Payload, session: &str) -> Option<Self> {
        let (event, tool) = (&payload.hook_event_name, &payload.tool_name);
        if event.as_deref() != Some(READ) || tool.as_deref() != Some("Read") {
            return None;
        }
        let path = payload.tool_input.get("file_path")?.as_str()?;
        let cwd = payload.cwd.as_deref();
        let mut question = Self::new(READ, Key::RecallRead, session, cwd);
        question.payload["tool_name"] = json!("Read");
        question.payload["tool_input"] = json!({"file_path": path});
        question.file = Some(Path::new(cwd.unwrap_or("/")).join(path));
        Some(question)
    }

    /// What an event that was captured is asked about: its text as it was
    /// captured, without what is private.
    pub(crate) fn of_request(request: &Request, session: &str) -> Option<Self> {
        match request {
            Request::Prompt(prompt) if !prompt.private && is_telling(&prompt.prompt) => {
                let cwd = prompt.cwd.as_deref();
                let mut question = Self::new(PROMPT, Key::RecallPrompt, session, cwd);
                question.payload["prompt"] = json!(head_and_tail(&prompt.prompt, QUESTION_BYTES));
                Some(question)
            }
            Request::Observation(call) if call.failed => {
                let cwd = call.cwd.as_deref();
                let error = call.tool_output.as_str()?;
                let mut question = Self::new(FAILURE, Key::RecallFailure, session, cwd);
                question.payload["tool_name"] = json!(call.tool_name);
                question.payload["error"] = json!(head_and_tail(error, QUESTION_BYTES));
                Some(question)
            }
            _ => None,
        }
    }

    /// The hook's answer, if memory has one to give before `by`.
    pub(crate) fn ask(&self, by: Instant) -> Option<String> {
        let mut child = start(by)?;
        let answered = self.answer_of(&mut child, by);
        // Whether it has answered, waits or was stopped: it is of no use any more.
        drop(child.kill());
        drop(child.wait());
        answered
    }

    /// Whether it is wanted, and anything is stored: about a file, since it was
    /// last changed.
    pub(crate) fn may_be_known(&self, settings: &Settings) -> bool {
        if !settings.bool(self.switch) {
            return false;
        }
        let Some(stored) = last_stored(&Locations::new(settings.data_dir())) else {
            return false;
        };
        let Some(file) = &self.file else {
            return true;
        };
        // A file that cannot be looked at is not there to be read.
        let changed = std::fs::metadata(file).and_then(|file| file.modified());
        changed.is_ok_and(|changed| changed <= stored)
    }

    fn answer_of(&self, child: &mut Child, by: Instant) -> Option<String> {
        let question = self.payload.to_string();
        // One that has gone already may have said all it has to say.
        drop(child.stdin.take()?.write_all(question.as_bytes()));
        let bytes = read_until(&mut child.stdout.take()?, by)?;
        let answer: Value = serde_json::from_slice(&bytes).ok()?;
        let text = answer["hookSpecificOutput"]["additionalContext"].as_str()?;
        Some(envelope(self.event, text))
    }
}

/// What tells Claude Code a text at an event, and nothing else.
pub fn envelope(event: &str, text: &str) -> String {
    json!({"hookSpecificOutput": {"hookEventName": event, "additionalContext": text}}).to_string()
}

/// When something was last written into memory; `None` where there is none. What
/// is committed stands in the log beside the file first.
fn last_stored(locations: &Locations) -> Option<SystemTime> {
    let file = std::fs::metadata(locations.database()).ok()?;
    let written = file.modified().ok().filter(|_| file.len() > 0)?;
    let log = std::fs::metadata(locations.database_log()).and_then(|log| log.modified());
    Some(log.map_or(written, |log| log.max(written)))
}

/// A prompt of one word is an answer or an order, a command of the host's is not
/// about anything. A script without spaces says more with fewer characters.
fn is_telling(prompt: &str) -> bool {
    let prompt = prompt.trim();
    let first = prompt.split_whitespace().next().unwrap_or_default();
    let is_command = first
        .strip_prefix('/')
        .is_some_and(|name| !name.contains(['/', '.']));
    let words = prompt
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.len() >= LEAST_CHARS);
    let words: usize = words
        .map(|word| if word.is_ascii() { 1 } else { LEAST_WORDS })
        .sum();
    !is_command && words >= LEAST_WORDS
}

fn start(by: Instant) -> Option<Child> {
    by.checked_duration_since(Instant::now())
        .filter(|left| *left >= LEAST_TIME)?;
    Command::new(worker_binary().ok()?)
        .args(["recall", "--hook"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()
}

/// All that comes before the other side closes; `None` if it has not by then.
fn read_until(stdout: &mut ChildStdout, by: Instant) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    while bytes.len() <= ANSWER_BYTES {
        let left = by.checked_duration_since(Instant::now())?;
        let timeout = PollTimeout::try_from(left).ok()?;
        let mut wanted = [PollFd::new(stdout.as_fd(), PollFlags::POLLIN)];
        if poll(&mut wanted, timeout).ok()? == 0 {
            return None;
        }
        match stdout.read(&mut chunk).ok()? {
            0 => return Some(bytes),
            count => bytes.extend_from_slice(&chunk[..count]),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_event_is_found_in_the_first_bytes() {
        for event in [PROMPT, READ, FAILURE] {
            for text in [
                format!("{{\"session_id\": \"s\", \"hook_event_name\": \"{event}\", \"x\": 1}}"),
                format!("{{\"hook_event_name\":\n\t\"{event}\"}}"),
            ] {
                assert!(may_be_asked(text.as_bytes()), "{text}");
            }
        }
        let late = format!(
            "{{\"a\": \"{}\", \"hook_event_name\": \"{PROMPT}\"}}",
            "x".repeat(HEADER)
        );
        for text in [
            "",
            "{\"hook_event_name\"",
            "{\"hook_event_name\": ",
            "{\"hook_event_name\": \"PostToolUse\", \"error\": \"PostToolUseFailure\"}",
            "{\"prompt\": \"\\\"hook_event_name\\\": \\\"PreToolUse\\\"\"}",
            &late,
        ] {
            assert!(!may_be_asked(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn prompts_that_say_nothing_are_not_asked_about() {
        for telling in [
            "why does the discount apply twice",
            "Fix invoices.",
            "/home/x/app.py fails",
            "为什么折扣",
        ] {
            assert!(is_telling(telling), "{telling}");
        }
        for prompt in [
            "",
            "ok",
            "fix it",
            "/compact the talk",
            "/clear",
            "? !",
            "y",
        ] {
            assert!(!is_telling(prompt), "{prompt}");
        }
    }

    #[test]
    fn nothing_is_asked_before_anything_is_stored() {
        let dir = tempfile::tempdir().unwrap();
        let locations = Locations::new(dir.path());
        assert_eq!(last_stored(&locations), None);
        std::fs::write(locations.database(), "").unwrap();
        assert_eq!(last_stored(&locations), None);
        std::fs::write(locations.database(), "x").unwrap();
        let first = last_stored(&locations).unwrap();
        let log = std::fs::File::create(locations.database_log()).unwrap();
        let later = first + Duration::from_secs(5);
        log.set_modified(later).unwrap();
        assert_eq!(last_stored(&locations), Some(later));
    }
}
