//! Hooks as Claude Code runs them: payloads, and what may come of them.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Ran, Sandbox, binary, ran, run};

/// Every hook executable.
pub const HOOKS: [&str; 6] = [
    "context-hook",
    "new-hook",
    "save-hook",
    "summary-hook",
    "cleanup-hook",
    "recall-hook",
];

/// What a hook promises, whatever is broken, and what a loaded machine may add
/// until the test has seen the process end. Where more wants to run than can, a
/// hook takes a little more before it gives an event up.
pub fn deadline(hook: &str) -> Duration {
    let promised = match hook {
        "context-hook" => 500,
        "new-hook" => 300,
        _ => 150,
    };
    let overloaded = if is_overloaded() { 600 } else { 0 };
    Duration::from_millis(promised + 400 + overloaded)
}

/// More than two tasks want each processor right now.
fn is_overloaded() -> bool {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let runnable = text
        .split_whitespace()
        .nth(3)
        .and_then(|field| field.split_once('/'))
        .and_then(|(runnable, _)| runnable.parse::<usize>().ok());
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    runnable.is_some_and(|runnable| runnable > 2 * processors)
}

/// Asserts what Claude Code may be given by a hook: nothing that could block,
/// deny or alter anything.
#[track_caller]
pub fn assert_answer(hook: &str, ran: &Ran, what: &str) {
    assert_eq!(ran.code, Some(0), "{hook}, {what}: {ran:?}");
    assert_eq!(ran.stderr, "", "{hook}, {what}");
    let answer: Value = serde_json::from_str(&ran.stdout)
        .unwrap_or_else(|error| panic!("{hook}, {what}: {error} in {:?}", ran.stdout));
    assert_eq!(ran.stdout.lines().count(), 1, "{hook}, {what}: {ran:?}");
    if answer == json!({}) {
        return;
    }
    let (event, most) = match hook {
        "context-hook" => ("SessionStart", 9_000),
        "new-hook" => ("UserPromptSubmit", 1_500),
        "save-hook" => ("PostToolUseFailure", 1_500),
        "recall-hook" => ("PreToolUse", 1_500),
        _ => panic!("{hook}, {what}: {answer}"),
    };
    let text = told(&answer);
    assert_eq!(
        answer,
        json!({"hookSpecificOutput": {"hookEventName": event, "additionalContext": text}}),
        "{what}"
    );
    assert!(!text.is_empty() && text.encode_utf16().count() <= most);
}

/// What an answer tells the session.
pub fn told(answer: &Value) -> String {
    answer["hookSpecificOutput"]["additionalContext"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

/// Runs with these bytes on stdin, which with `open` is not closed before the
/// process has ended.
pub fn feed(command: &mut Command, stdin: &[u8], open: bool) -> Ran {
    let began = Instant::now();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let mut input = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        let feeding = scope.spawn(move || {
            // A process may end without reading all of it.
            drop(input.write_all(stdin));
            open.then_some(input)
        });
        let output = child.wait_with_output().unwrap();
        let took = began.elapsed();
        drop(feeding.join());
        ran(&output, took)
    })
}

/// The payloads of one session.
pub struct Talk {
    pub session: String,
    pub cwd: String,
}

impl Talk {
    pub fn new(session: &str, cwd: &Path) -> Self {
        Self {
            session: session.to_owned(),
            cwd: cwd.to_str().unwrap().to_owned(),
        }
    }

    fn payload(&self, event: &str, rest: &Value) -> Value {
        let mut payload = json!({"session_id": self.session, "cwd": self.cwd,
            "hook_event_name": event, "transcript_path": "/nowhere/transcript.jsonl"});
        let (Some(all), Some(rest)) = (payload.as_object_mut(), rest.as_object()) else {
            unreachable!("payloads are objects")
        };
        all.extend(rest.clone());
        payload
    }

    pub fn start(&self, source: &str) -> Value {
        self.payload("SessionStart", &json!({"source": source}))
    }

    pub fn prompt(&self, turn: &str, text: &str) -> Value {
        self.payload(
            "UserPromptSubmit",
            &json!({"prompt_id": turn, "prompt": text}),
        )
    }

    pub fn tool(&self, turn: &str, call: &str, name: &str, input: &Value, output: &Value) -> Value {
        self.payload(
            "PostToolUse",
            &json!({"prompt_id": turn, "tool_use_id": call, "tool_name": name,
                "tool_input": input, "tool_response": output}),
        )
    }

    pub fn bash(&self, turn: &str, call: &str, command: &str, stdout: &str) -> Value {
        self.tool(
            turn,
            call,
            "Bash",
            &json!({"command": command}),
            &json!({"stdout": stdout, "stderr": "", "interrupted": false}),
        )
    }

    /// A file that came into being.
    pub fn write(&self, turn: &str, call: &str, path: &str, content: &str) -> Value {
        self.tool(
            turn,
            call,
            "Write",
            &json!({"file_path": path, "content": content}),
            &json!({"type": "create", "filePath": path, "content": content, "structuredPatch": []}),
        )
    }

    /// A file that is about to be read.
    pub fn read(&self, turn: &str, call: &str, path: &str) -> Value {
        self.payload(
            "PreToolUse",
            &json!({"prompt_id": turn, "tool_use_id": call, "tool_name": "Read",
                "tool_input": {"file_path": path}}),
        )
    }

    pub fn failure(&self, turn: &str, call: &str, command: &str, error: &str) -> Value {
        self.payload(
            "PostToolUseFailure",
            &json!({"prompt_id": turn, "tool_use_id": call, "tool_name": "Bash",
                "tool_input": {"command": command}, "error": error}),
        )
    }

    pub fn stop(&self, turn: &str, message: &str) -> Value {
        self.payload(
            "Stop",
            &json!({"prompt_id": turn, "stop_hook_active": false,
                "last_assistant_message": message}),
        )
    }

    pub fn end(&self, turn: &str) -> Value {
        self.payload("SessionEnd", &json!({"prompt_id": turn, "reason": "other"}))
    }

    /// A turn that makes a memory: its words are in the prompt, in a decision
    /// that is written down, and in the closing message.
    pub fn decision(&self, turn: &str, about: &str) -> Vec<Value> {
        let path = format!("{}/docs/decisions/{turn}.md", self.cwd);
        let record = format!(
            "# {about} is kept in SQLite\n\nStatus: accepted\n\nOne process reads it, and it must survive a restart.\n"
        );
        vec![
            self.prompt(turn, &format!("Where should {about} be kept? Write a decision record.")),
            self.write(turn, &format!("{turn}-write"), &path, &record),
            self.stop(
                turn,
                &format!("Decision: keep {about} in SQLite, because one process reads it and it must survive a restart."),
            ),
            self.end(turn),
        ]
    }
}

impl Sandbox {
    /// Sends payloads through the hooks that Claude Code would run for them.
    pub fn play(&self, payloads: &[Value]) {
        for payload in payloads {
            drop(self.event(payload));
        }
    }

    /// What a session is told at its start.
    pub fn told(&self, talk: &Talk, source: &str) -> String {
        let ran = self.hook("context-hook", &talk.start(source));
        assert_answer("context-hook", &ran, source);
        told(&ran.json())
    }

    /// Files of the data directory that hold these bytes.
    pub fn files_with(&self, needle: &[u8]) -> Vec<PathBuf> {
        assert!(!needle.is_empty());
        let holds =
            |path: &PathBuf| std::fs::read(path).is_ok_and(|bytes| contains(&bytes, needle));
        self.files().into_iter().filter(holds).collect()
    }

    /// The hook executables in a directory of their own, which anyone may
    /// read; with `worker`, also the executable that workers are started from.
    pub fn copy_of_binaries(&self, worker: bool) -> PathBuf {
        let directory = self.root.path().join(format!("bin-{worker}"));
        std::fs::create_dir_all(&directory).unwrap();
        for name in HOOKS.into_iter().chain(worker.then_some("claude-mem")) {
            std::fs::copy(binary(name), directory.join(name)).unwrap();
        }
        directory
    }

    /// The hook that Claude Code would run for the payload's event, from a copy
    /// of the executables.
    pub fn event_by(&self, binaries: &Path, payload: &Value) -> Ran {
        let name = super::hook_for(payload["hook_event_name"].as_str().unwrap());
        let ran = run(
            &mut self.command(binaries.join(name)),
            payload.to_string().as_bytes(),
        );
        assert_answer(name, &ran, "from a copy");
        ran
    }
}

/// Whether the bytes occur, as they are.
pub fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    let Some(first) = needle.first() else {
        return true;
    };
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| byte == first) {
        if rest[at..].starts_with(needle) {
            return true;
        }
        rest = &rest[at + 1..];
    }
    false
}
