//! An executable that stands in for Claude Code as a model provider, for what
//! the real one cannot be made to do. It speaks stream-json as version 2.1.197
//! does: for every line on stdin an init event, an assistant message and a
//! result; the end of stdin ends it.

mod real_one;
mod tests;

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// What the real one answers to `--version`.
const VERSION: &str = "2.1.197 (Claude Code)";
/// Seconds until a process that hangs ends by itself, so that none stays when a
/// test is killed.
const LONGEST_HANG: u32 = 120;
/// Input tokens of every answer.
const INPUT_TOKENS: usize = 100;
const NOT_LOGGED_IN: &str = "Not logged in · Please run /login";
const LIMIT_REACHED: &str = "You've hit your usage limit · resets 3pm (UTC)";
/// Lines that are no events, or events that nobody knows: `printf` formats.
const GARBAGE: [&str; 6] = [
    "(node:1) Warning: something is deprecated",
    "{\"type\":\"assistant\",\"message\":{\"cont",
    "",
    "\\377\\376\\000",
    "{\"type\":\"moonshine\",\"subtype\":7}",
    "[1,2,3]",
];

/// What happens when the executable is run.
#[derive(Debug, Clone)]
pub(crate) enum Behaviour {
    Answer(String),
    /// Its init event names tools, then it answers.
    ToolsOffered(Vec<String>),
    /// Says so as if it were an answer, and exits with 0.
    NotLoggedIn,
    /// An error with status 429, and exit code 1.
    UsageLimit,
    /// Exits at once and says nothing.
    ExitSilently(i32),
    /// Exits at once with a text on stderr.
    ExitWithStderr(String, i32),
    /// Reads a line and never answers.
    Hang,
    /// Prints half a message and kills itself.
    DieMidAnswer,
    /// Prints nothing that could be read, and exits with 0.
    GarbageLines,
    /// Answers, with unreadable lines before and after the message.
    GarbageAround(String),
    /// Writes down how it was started, then answers.
    RecordEnvironment(PathBuf),
    /// Hangs with a child of its own, which has its descriptors.
    HangWithGrandchild,
}

/// How an executable was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recorded {
    pub(crate) directory: PathBuf,
    /// Without the executable's own name.
    pub(crate) args: Vec<String>,
    pub(crate) environment: BTreeMap<String, String>,
}

pub(crate) struct FakeClaude;

impl FakeClaude {
    /// Writes the executable `claude` into a directory, in place of one that is
    /// there.
    pub(crate) fn install(directory: &Path, behaviour: &Behaviour) -> PathBuf {
        let path = directory.join("claude");
        let script = script(behaviour);
        // Renamed into place: one that runs keeps reading its own script.
        let new = directory.join(".claude.new");
        std::fs::write(&new, script).unwrap();
        std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::rename(&new, &path).unwrap();
        path
    }

    /// What [`Behaviour::RecordEnvironment`] wrote at its last start.
    pub(crate) fn recorded(path: &Path) -> Recorded {
        let text = std::fs::read_to_string(path).unwrap();
        let mut fields = text.split_terminator('\0').map(str::to_owned);
        let directory = fields.next().unwrap().into();
        let count = fields.next().unwrap().parse().unwrap();
        let args = fields.by_ref().take(count).collect();
        let environment = fields
            .filter_map(|pair| {
                let (name, value) = pair.split_once('=')?;
                Some((name.to_owned(), value.to_owned()))
            })
            .collect();
        Recorded {
            directory,
            args,
            environment,
        }
    }

    /// The process that [`Behaviour::HangWithGrandchild`] started last.
    pub(crate) fn grandchild(claude: &Path) -> Option<i32> {
        let text = std::fs::read_to_string(grandchild_file(claude)).ok()?;
        text.trim().parse().ok()
    }
}

fn grandchild_file(claude: &Path) -> PathBuf {
    claude.with_file_name("claude.grandchild")
}

/// Only what the shell has built in is used without a path, since `PATH` may be
/// anything.
fn script(behaviour: &Behaviour) -> String {
    format!(
        "#!/bin/sh\n\
         case \" $* \" in *' --version '*) {version}; exit 0;; esac\n\
         {start}\n\
         while IFS= read -r line || [ -n \"$line\" ]; do\n\
         {act}\n\
         done\n",
        version = print(VERSION),
        start = at_start(behaviour),
        act = for_each_line(behaviour),
    )
}

fn at_start(behaviour: &Behaviour) -> String {
    match behaviour {
        Behaviour::ExitSilently(code) => format!("exit {code}"),
        Behaviour::ExitWithStderr(text, code) => format!("{} >&2\nexit {code}", print(text)),
        Behaviour::RecordEnvironment(path) => {
            let path = path.to_str().unwrap();
            let (new, path) = (quoted(&format!("{path}.new")), quoted(path));
            format!(
                "{{ printf '%s\\0' \"$(pwd -P)\" \"$#\" \"$@\"; /bin/cat /proc/$$/environ; }} >{new}\n\
                 /bin/mv {new} {path}"
            )
        }
        _ => String::new(),
    }
}

fn for_each_line(behaviour: &Behaviour) -> String {
    let init = print(&begun(&[]).to_string());
    let answer = |text: &str| [init.clone(), spoken(text)].join("\n");
    match behaviour {
        Behaviour::Answer(text) => answer(text),
        Behaviour::NotLoggedIn => format!("{}\nexit 0", answer(NOT_LOGGED_IN)),
        Behaviour::RecordEnvironment(_) => answer("<skip reason=\"routine\"/>"),
        Behaviour::ToolsOffered(names) => [
            print(&begun(names).to_string()),
            spoken("<skip reason=\"routine\"/>"),
        ]
        .join("\n"),
        Behaviour::UsageLimit => format!("{init}\n{}\nexit 1", refused(LIMIT_REACHED, 429)),
        // It has exited before the first line.
        Behaviour::ExitSilently(_) | Behaviour::ExitWithStderr(..) => ":".to_owned(),
        Behaviour::Hang => format!("{init}\nexec /bin/sleep {LONGEST_HANG}"),
        Behaviour::DieMidAnswer => {
            let message = assistant("<observation><title>Half", usage(8)).to_string();
            let half = &message[..message.find("Half").unwrap()];
            format!("{init}\nprintf %s {}\nkill -KILL $$", quoted(half))
        }
        Behaviour::GarbageLines => format!("{}\nexit 0", garbage()),
        Behaviour::GarbageAround(text) => {
            [garbage(), init.clone(), garbage(), spoken(text), garbage()].join("\n")
        }
        Behaviour::HangWithGrandchild => format!(
            "{init}\n/bin/sleep {LONGEST_HANG} &\necho $! >\"${{0%/*}}/claude.grandchild\"\nwait"
        ),
    }
}

fn garbage() -> String {
    GARBAGE
        .map(|line| format!("printf {}", quoted(&format!("{line}\\n"))))
        .join("\n")
}

/// The shell command that prints a line.
fn print(line: &str) -> String {
    format!("printf '%s\\n' {}", quoted(line))
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn spoken(text: &str) -> String {
    let usage = usage(text.len().div_ceil(4));
    let result = result(
        text,
        &usage,
        &json!({"is_error": false, "api_error_status": null}),
    );
    [assistant(text, usage), result]
        .map(|line| print(&line.to_string()))
        .join("\n")
}

fn refused(text: &str, status: u16) -> String {
    let mut said = assistant(text, usage(0));
    said["message"]["model"] = json!("<synthetic>");
    said["error"] = json!("rate_limit");
    let result = result(
        text,
        &usage(0),
        &json!({"is_error": true, "api_error_status": status, "stop_reason": "stop_sequence"}),
    );
    [said, result]
        .map(|line| print(&line.to_string()))
        .join("\n")
}

/// Of an answer; one of no tokens has read none either.
fn usage(output: usize) -> Value {
    let input = if output == 0 { 0 } else { INPUT_TOKENS };
    json!({"input_tokens": input, "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0, "output_tokens": output, "service_tier": "standard"})
}

fn begun(tools: &[String]) -> Value {
    json!({"type": "system", "subtype": "init", "cwd": "/", "session_id": SESSION,
        "tools": tools, "mcp_servers": [], "model": MODEL, "permissionMode": "default",
        "slash_commands": [], "apiKeySource": "none", "claude_code_version": "2.1.197",
        "output_style": "default", "agents": [], "skills": [], "plugins": [],
        "uuid": "00000000-0000-4000-8000-000000000001"})
}

const SESSION: &str = "00000000-0000-4000-8000-000000000000";
const MODEL: &str = "claude-haiku-4-5-20251001";

fn assistant(text: &str, mut usage: Value) -> Value {
    // The message is told when it begins; what it took is in the result.
    usage["output_tokens"] = json!(usage["output_tokens"].as_u64().unwrap_or_default().min(1));
    json!({"type": "assistant", "message": {"id": "msg_000000", "type": "message",
            "role": "assistant", "model": MODEL, "content": [{"type": "text", "text": text}],
            "stop_reason": null, "stop_sequence": null, "usage": usage,
            "context_management": null},
        "parent_tool_use_id": null, "session_id": SESSION,
        "uuid": "00000000-0000-4000-8000-000000000002"})
}

fn result(text: &str, usage: &Value, more: &Value) -> Value {
    let mut result = json!({"type": "result", "subtype": "success", "duration_ms": 5,
        "duration_api_ms": 4, "num_turns": 1, "result": text, "stop_reason": "end_turn",
        "session_id": SESSION, "total_cost_usd": 0, "usage": usage, "modelUsage": {},
        "permission_denials": [], "terminal_reason": "completed",
        "uuid": "00000000-0000-4000-8000-000000000003"});
    for (name, value) in more.as_object().into_iter().flatten() {
        result[name] = value.clone();
    }
    result
}
