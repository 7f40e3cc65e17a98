//! One home, one project, one model server, and Claude Code in the middle.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::support::fake_model::{FakeModel, Scene};
use crate::support::{Ran, Sandbox, ran, real_claude, run};

/// Claude Code needs one to five seconds for a session here; several times that
/// on a machine with other work.
const SESSION_LIMIT: Duration = Duration::from_mins(1);

/// Tools, and servers of tools: ours as `install` registers it, and as a plugin.
const ALLOWED: &str = "Read,Edit,Write,Bash,mcp__claude-mem,mcp__plugin_claude-mem_claude-mem";

/// What the project is about: it divides by zero.
const SCRIPT: &str =
    "#!/bin/sh\n# Prints the mean of some readings: mean.sh SUM COUNT\necho $(($1 / $2))\n";

/// A home with claude-mem installed, a project under version control, a model.
pub(super) struct World {
    pub(super) sandbox: Sandbox,
    pub(super) model: FakeModel,
    claude: PathBuf,
}

impl World {
    /// `None` where the test is left out.
    pub(super) fn new(scenes: impl FnOnce(&Path) -> Vec<Scene>) -> Option<Self> {
        let claude = real_claude()?;
        let mut sandbox = Sandbox::new();
        // A pause of the host within a turn must not end the turn; a worker whose
        // session has ended does not wait for this.
        sandbox.set("CLAUDE_MEM_WORKER_IDLE_SECS", "20");
        sandbox.set("CLAUDE_MEM_PROVIDER", "local");
        let model = FakeModel::start(scenes(&sandbox.project));
        std::fs::create_dir(sandbox.root.path().join("tmp")).unwrap();
        let world = Self {
            sandbox,
            model,
            claude,
        };
        std::fs::write(world.sandbox.project.join("mean.sh"), SCRIPT).unwrap();
        drop(world.git(&["init", "--quiet", "--initial-branch=main"]));
        drop(world.git(&["add", "--all"]));
        drop(world.git(&["commit", "--quiet", "--message=Start"]));
        Some(world)
    }

    pub(super) fn git(&self, args: &[&str]) -> String {
        let mut command = self.sandbox.command("git");
        command
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .args([
                "-c",
                "user.name=Test",
                "-c",
                "user.email=test@example.invalid",
            ])
            .args(args);
        run(&mut command, b"").success()
    }

    pub(super) fn settings(&self) -> PathBuf {
        self.sandbox.home.join(".claude/settings.json")
    }

    pub(super) fn install(&self) {
        drop(self.sandbox.claude_mem(["install"]).success());
    }

    /// Claude Code with nothing of the caller's environment, with the model of
    /// this world and nothing else to talk to.
    fn command(&self) -> Command {
        let tmp = self.sandbox.root.path().join("tmp");
        let mut command = self.sandbox.command(&self.claude);
        command
            .env("ANTHROPIC_BASE_URL", self.model.url())
            .env("ANTHROPIC_API_KEY", "dummy")
            .env("DISABLE_TELEMETRY", "1")
            .env("DISABLE_AUTOUPDATER", "1")
            .env("DISABLE_ERROR_REPORTING", "1")
            .env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
            .env("IS_SANDBOX", "1")
            .env("LANG", "C.UTF-8")
            .env("TMPDIR", &tmp)
            .env("CLAUDE_CODE_TMPDIR", &tmp)
            .args(["-p", "--output-format", "stream-json", "--verbose"])
            .arg("--include-hook-events")
            .args(["--allowedTools", ALLOWED])
            .process_group(0);
        command
    }

    /// A session that ends well, and all that came of it.
    pub(super) fn session(&self, prompt: &str, resume: Option<&str>) -> Session {
        match resume {
            Some(id) => self.session_with(prompt, &["--resume", id]),
            None => self.session_with(prompt, &[]),
        }
    }

    /// The same with more arguments.
    pub(super) fn session_with(&self, prompt: &str, arguments: &[&str]) -> Session {
        let mut command = self.command();
        command.args(arguments);
        let session = Session::of(&to_the_end(command.args(["--", prompt])));
        let give_up = Instant::now() + SESSION_LIMIT;
        while !self.sandbox.processes().is_empty() {
            assert!(Instant::now() < give_up, "a worker stays: {}", self.state());
            std::thread::park_timeout(Duration::from_millis(20));
        }
        session
    }

    /// What became of the events so far, for the message of a failure.
    pub(super) fn state(&self) -> String {
        let events = self.texts(
            "SELECT id || ' ' || message_type || ' ' || ifnull(tool_name, ifnull(reason, '')) || ' '
             || status || ' prompt ' || ifnull(prompt_number, 0) FROM pending_messages ORDER BY id",
        );
        let logs: Vec<String> = self
            .sandbox
            .files()
            .iter()
            .filter(|path| path.parent().is_some_and(|place| place.ends_with("logs")))
            .map(|path| std::fs::read_to_string(path).unwrap())
            .collect();
        format!(
            "{} spooled, events {events:#?}, logs\n{}",
            self.sandbox.spooled(),
            logs.join("\n")
        )
    }

    /// Captured events of a session, by message type and tool.
    pub(super) fn captured(&self, session: &str) -> BTreeMap<(String, String), i64> {
        let database = self.sandbox.database();
        let mut rows = database
            .prepare(
                "SELECT message_type, ifnull(tool_name, ''), count(*) FROM pending_messages
                 WHERE content_session_id = ?1 GROUP BY 1, 2",
            )
            .unwrap();
        rows.query_map([session], |row| {
            Ok(((row.get(0)?, row.get(1)?), row.get(2)?))
        })
        .unwrap()
        .map(Result::unwrap)
        .collect()
    }

    /// Asserts that exactly so many events of each message type and tool were
    /// captured in a session.
    #[track_caller]
    pub(super) fn assert_captured(&self, session: &str, expected: &[(&str, &str, i64)]) {
        let expected = expected
            .iter()
            .map(|(kind, tool, count)| (((*kind).to_owned(), (*tool).to_owned()), *count))
            .collect();
        assert_eq!(self.captured(session), expected, "{}", self.state());
    }

    /// The first column of every row.
    pub(super) fn texts(&self, sql: &str) -> Vec<String> {
        let database = self.sandbox.database();
        let mut rows = database.prepare(sql).unwrap();
        rows.query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect()
    }
}

/// Waits for a process with a limit of time, so that a host that hangs fails the
/// test. Its output ends only when nobody holds it open any more.
fn to_the_end(command: &mut Command) -> Ran {
    let began = Instant::now();
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || drop(tell.send(child.wait_with_output())));
    let Ok(output) = told.recv_timeout(SESSION_LIMIT) else {
        let _ = kill(pid, Signal::SIGKILL);
        panic!("{command:?} has not ended within {SESSION_LIMIT:?}");
    };
    ran(&output.unwrap(), began.elapsed())
}

/// What Claude Code reports of one session.
pub(super) struct Session {
    pub(super) id: String,
    /// Its messages, in order.
    messages: Vec<Value>,
}

impl Session {
    /// Asserts that the turn came to its end, and that no hook made itself felt.
    #[track_caller]
    fn of(ran: &Ran) -> Self {
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
        let messages: Vec<Value> = ran
            .stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let result = messages
            .iter()
            .find(|message| message["type"] == "result")
            .unwrap_or_else(|| panic!("no result: {ran:?}"));
        assert_eq!(result["is_error"], false, "{result}");
        assert_eq!(result["permission_denials"], json!([]), "{result}");
        let id = result["session_id"].as_str().unwrap().to_owned();
        let session = Self { id, messages };
        for answer in session.hook_answers() {
            assert_eq!(answer["outcome"], "success", "{answer}");
            assert_eq!(answer["exit_code"], 0, "{answer}");
            assert_eq!(answer["stderr"], "", "{answer}");
            let stdout = answer["stdout"].as_str().unwrap();
            if stdout.contains("hookSpecificOutput") {
                // Nothing that could block, deny or alter anything.
                let said: Value = serde_json::from_str(stdout).unwrap();
                let text = &said["hookSpecificOutput"]["additionalContext"];
                let event = &answer["hook_event"];
                assert_eq!(
                    said,
                    json!({"hookSpecificOutput": {"hookEventName": event, "additionalContext": text}})
                );
            } else {
                assert!(["", "{}\n"].contains(&stdout), "{answer}");
            }
        }
        session
    }

    fn hook_answers(&self) -> impl Iterator<Item = &Value> {
        self.messages
            .iter()
            .filter(|message| message["subtype"] == "hook_response")
    }

    /// How often memory was recalled.
    pub(super) fn recalls(&self) -> usize {
        let recalled = |answer: &&Value| answer["stdout"].to_string().contains("From memory");
        self.hook_answers().filter(recalled).count()
    }

    /// How often hooks have run, by event.
    pub(super) fn hooks(&self) -> BTreeMap<&str, usize> {
        let mut found = BTreeMap::new();
        for answer in self.hook_answers() {
            *found
                .entry(answer["hook_event"].as_str().unwrap())
                .or_default() += 1;
        }
        found
    }

    pub(super) fn result(&self) -> &Value {
        let is_result = |message: &&Value| message["type"] == "result";
        self.messages.iter().find(is_result).unwrap()
    }
}

/// Every memory that stands anywhere in a request, in order.
pub(super) fn memories(request: &Value) -> Vec<String> {
    match request {
        Value::String(text) => text
            .split("<claude-mem-context>")
            .skip(1)
            .filter_map(|rest| rest.split_once("</claude-mem-context>"))
            .map(|(memory, _)| memory.to_owned())
            .collect(),
        Value::Array(items) => items.iter().flat_map(memories).collect(),
        Value::Object(members) => members.values().flat_map(memories).collect(),
        _ => Vec::new(),
    }
}

/// The ids of the tool calls in a request.
pub(super) fn calls(request: &Value) -> BTreeSet<String> {
    request["messages"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|message| message["content"].as_array().into_iter().flatten())
        .filter(|block| block["type"] == "tool_use")
        .map(|block| block["id"].as_str().unwrap().to_owned())
        .collect()
}
