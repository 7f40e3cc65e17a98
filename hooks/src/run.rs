//! The life of a hook process.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nix::sys::signal::{SigSet, Signal};
use sockets_protocol::{Finalize, Locations, Observation, Prompt, Request, SafeId};

use crate::deliver::{Delivery, check_owner, deliver};
use crate::event::{Event, What, event};
use crate::patience::Patience;
use crate::project::{self, Project};
use crate::settings::{Key, Settings, create_private_dir, write_beside};
use crate::shape::{Budget, head_and_tail, prepare_tool};
use crate::{log, privacy, skip, stdin};

/// The executables that capture. What an event is stands in the payload; the
/// executable only sets how long it may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hook {
    /// `UserPromptSubmit`.
    New,
    /// `PostToolUse`, `PostToolUseFailure`, `SubagentStop`, `PreCompact`.
    Save,
    /// `Stop`, `StopFailure`.
    Summary,
    /// `SessionEnd`.
    Cleanup,
}

impl Hook {
    /// The process is gone by then, whatever is broken. A tool call waits for
    /// its hook, and 150 ms is what nobody notices behind a tool call.
    fn deadline(self) -> Duration {
        match self {
            Self::New => Duration::from_millis(300),
            Self::Save | Self::Summary | Self::Cleanup => Duration::from_millis(150),
        }
    }
}

/// Longest prompt and longest closing message that are kept, as multiples of
/// the field budget: they say more about a turn than any tool's output.
const MESSAGE_BUDGETS: usize = 2;

/// Runs a hook from its first statement to its last; the process ends here,
/// with exit code 0 and one JSON object on stdout.
pub fn main(hook: Hook) -> ! {
    let patience = Patience::new(hook.deadline());
    if skip::disabled(|name| std::env::var_os(name)).is_some() {
        answer("{}");
    }
    survive_file_limits();
    // Nothing that happens from here on changes the answer, so it can be given
    // first; the host waits for the end of the process all the same.
    say("{}");
    patience.watch_answered();
    std::panic::set_hook(Box::new(|_| {}));
    let outcome = catch_unwind(AssertUnwindSafe(|| capture(patience)));
    if outcome.is_err() {
        let settings = Settings::load();
        log::note(
            &Locations::new(settings.data_dir()),
            "a hook panicked; its event is lost: please report this",
        );
    }
    answer("{}");
}

/// Gives the answer, unless it has been given, and ends the process.
#[expect(
    clippy::exit,
    reason = "a hook ends here, whatever its other threads wait for"
)]
pub fn answer(json: &str) -> ! {
    say(json);
    std::process::exit(0)
}

/// Prints the hook's answer; of two threads that try, one prints.
pub fn say(json: &str) {
    static SAID: AtomicBool = AtomicBool::new(false);
    if !SAID.swap(true, Ordering::SeqCst) {
        let mut stdout = std::io::stdout().lock();
        drop(stdout.write_all(json.as_bytes()));
        drop(stdout.write_all(b"\n"));
        drop(stdout.flush());
    }
}

/// Becomes `claude-mem context --hook`, which reads the database; a hook
/// executable itself never links SQLite.
pub fn exec_context() -> ! {
    if skip::disabled(|name| std::env::var_os(name)).is_some() {
        answer("{}");
    }
    survive_file_limits();
    let binary = crate::deliver::worker_binary();
    let error = match &binary {
        Ok(path) => Command::new(path).args(["context", "--hook"]).exec(),
        Err(error) => std::io::Error::new(error.kind(), error.to_string()),
    };
    // Being told is the only way for the user to learn that nothing is kept.
    let place = binary.map_or_else(
        |_| "claude-mem".to_owned(),
        |path| path.display().to_string(),
    );
    let text = format!(
        "claude-mem cannot run: {place}: {error}. What this session does is kept in the spool; install claude-mem again so that it becomes memory."
    );
    answer(
        &serde_json::json!({"hookSpecificOutput": {
            "hookEventName": "SessionStart", "additionalContext": text}})
        .to_string(),
    );
}

/// Where the size of files is limited (`ulimit -f`), a write beyond it ends the
/// process with a signal. Blocked, the write fails instead, here and in all
/// that is started from here.
fn survive_file_limits() {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGXFSZ);
    // A process that cannot block it runs on as it is.
    let _ = signals.thread_block();
}

fn capture(patience: Patience) {
    let settings = Settings::load();
    if skip::disabled_by_settings(&settings).is_some() || check_owner(settings.data_dir()).is_err()
    {
        // Not even a log can be kept there; the session's start tells the user.
        return;
    }
    let Some(object) = stdin::read_object(patience) else {
        return;
    };
    patience.make_up_for_standstill();
    let Some(event) = event(object.into(), std::env::var("CLAUDE_CODE_SESSION_ID").ok()) else {
        return;
    };
    let from_host = std::env::var_os("CLAUDE_PROJECT_DIR").filter(|dir| !dir.is_empty());
    let taken = take(
        &settings,
        event,
        |event| resolve_project(&settings, from_host.as_deref().map(Path::new), event),
        patience.ack_by(),
    );
    if let Taken::Handed {
        delivery: Delivery::Lost(reason),
        ..
    } = taken
    {
        log::note(&Locations::new(settings.data_dir()), &reason);
    }
}

/// What became of an event.
#[derive(Debug)]
pub(crate) enum Taken {
    /// It is not captured, for this reason.
    Skipped(&'static str),
    Handed {
        event_id: String,
        delivery: Delivery,
    },
}

/// The way of every event: skip rules, its project, what must not leave this
/// process, and then to the worker, which has until `ack_by` to answer.
pub(crate) fn take(
    settings: &Settings,
    event: Event,
    project_of: impl FnOnce(&Event) -> Project,
    ack_by: Instant,
) -> Taken {
    if let What::Tool { name, .. } = &event.what
        && let Some(reason) = skip::tool(settings, name)
    {
        return Taken::Skipped(reason.as_str());
    }
    let project = project_of(&event);
    let cwd = PathBuf::from(event.cwd.as_deref().unwrap_or("/"));
    if let Some(reason) = skip::project(settings, &project, &cwd) {
        return Taken::Skipped(reason.as_str());
    }
    let locations = Locations::new(settings.data_dir());
    let id = SafeId::new(&event.session);
    let Some(event) = silence(&locations, &id, event) else {
        return Taken::Skipped("private");
    };
    let (session, event_id, at) = (event.session.clone(), event.id.clone(), now());
    let request = request(settings, &project, event, at);
    if matches!(&request, Request::Prompt(prompt) if prompt.private) {
        set_private(&locations, &id, &request);
    }
    let delivery = deliver(&locations, &session, &request, at, &event_id, ack_by);
    Taken::Handed { event_id, delivery }
}

pub(crate) fn resolve_project(
    settings: &Settings,
    from_host: Option<&Path>,
    event: &Event,
) -> Project {
    let dir = from_host
        .or_else(|| event.cwd.as_deref().map(Path::new))
        .unwrap_or(Path::new("/"));
    let name = settings.get(Key::Project);
    project::resolve(&project::Request {
        dir,
        home: settings.home(),
        temp_dir: &std::env::temp_dir(),
        data_dir: settings.data_dir(),
        name_override: Some(name.as_ref()).filter(|name| !name.is_empty()),
        claim: true,
    })
}

/// The message for the worker: private parts and credentials gone, sizes
/// bounded.
fn request(settings: &Settings, project: &Project, event: Event, at: i64) -> Request {
    let budget = Budget {
        field_bytes: usize::try_from(settings.number(Key::FieldBytes)).unwrap_or(16 * 1024),
    };
    let clean = |text: &str, budgets: usize| {
        head_and_tail(&privacy::scrub(text), budget.field_bytes * budgets).into_owned()
    };
    let path = |text: Option<String>| text.map(|text| clean(&text, 1));
    let project_root = path(Some(project.root.to_string_lossy().into_owned()));
    let (cwd, prompt_id) = (path(event.cwd), event.prompt_id);
    let (id, at, name) = (Some(event.id), Some(at), Some(project.name.clone()));
    match event.what {
        What::Prompt { text } => {
            let (git_branch, git_head) = project::git_head(project);
            Request::Prompt(Prompt {
                id,
                private: privacy::is_wholly_private(&text),
                prompt: clean(&text, MESSAGE_BUDGETS),
                cwd,
                project: name,
                project_root,
                at,
                git_branch: path(git_branch),
                git_head,
                prompt_id,
            })
        }
        What::Tool {
            name: tool_name,
            input,
            output,
            failed,
        } => {
            let (tool_input, tool_output) = prepare_tool(&tool_name, input, output, &budget);
            Request::Observation(Observation {
                id,
                tool_name,
                tool_input,
                tool_output,
                cwd,
                project: name,
                project_root,
                at,
                agent_id: event.agent_id,
                agent_type: event.agent_type,
                failed,
                prompt_id,
            })
        }
        What::End { reason, message } => Request::Finalize(Finalize {
            id,
            last_assistant_message: message.map(|text| clean(&text, MESSAGE_BUDGETS)),
            reason,
            cwd,
            project: name,
            project_root,
            at,
            agent_id: event.agent_id,
            agent_type: event.agent_type,
            prompt_id,
        }),
    }
}

/// What may leave of an event when the turn's prompt was wholly private: of a
/// tool call nothing, of an end that it ended. The next prompt ends the silence.
fn silence(locations: &Locations, id: &SafeId, mut event: Event) -> Option<Event> {
    let marker = locations.private_marker(id);
    let Ok(private_turn) = std::fs::read_to_string(&marker) else {
        return Some(event);
    };
    let same_turn = event
        .prompt_id
        .as_deref()
        .is_none_or(|prompt| private_turn.is_empty() || prompt == private_turn);
    match &mut event.what {
        What::Prompt { .. } => drop(std::fs::remove_file(marker)),
        What::Tool { .. } if same_turn => return None,
        What::End { message, .. } if same_turn => *message = None,
        What::Tool { .. } | What::End { .. } => {}
    }
    Some(event)
}

fn set_private(locations: &Locations, id: &SafeId, request: &Request) {
    let Request::Prompt(prompt) = request else {
        return;
    };
    let marker = locations.private_marker(id);
    let turn = prompt.prompt_id.clone().unwrap_or_default();
    let written = create_private_dir(locations.data_dir())
        .and_then(|()| create_private_dir(&locations.sockets_dir()))
        .and_then(|()| write_beside(&marker, turn.as_bytes()))
        .and_then(|(_, partial)| std::fs::rename(partial, &marker));
    if let Err(error) = written {
        log::note(
            locations,
            &format!("failed to write {}: {error}", marker.display()),
        );
    }
}

fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_millis()).ok())
        .unwrap_or(0)
}
