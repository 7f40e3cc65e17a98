//! The life of a hook process.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nix::sys::signal::{SigSet, Signal};
use sockets_protocol::{Finalize, Locations, Observation, Prompt, Request, SafeId};

use crate::deliver::{Delivery, check_owner, deliver};
use crate::event::{Event, What, event};
use crate::patience::Patience;
use crate::project::{self, Project};
use crate::recall::{self, Question};
use crate::settings::{Key, Settings, create_private_dir, write_beside};
use crate::shape::{Budget, head_and_tail, prepare_tool};
use crate::wire::Payload;
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
    /// `PreToolUse` of `Read`, of which nothing is captured.
    Recall,
}

impl Hook {
    /// The process is gone by then, whatever is broken. A tool call waits for
    /// its hook, and 150 ms is what nobody notices behind a tool call.
    fn deadline(self) -> Duration {
        match self {
            Self::New => Duration::from_millis(300),
            Self::Save | Self::Summary | Self::Cleanup | Self::Recall => Duration::from_millis(150),
        }
    }

    /// Whether memory may have something to say at one of its events.
    fn may_answer(self) -> bool {
        match self {
            Self::New | Self::Save | Self::Recall => true,
            Self::Summary | Self::Cleanup => false,
        }
    }
}

/// Longest prompt and longest closing message that are kept, as multiples of
/// the field budget: they say more about a turn than any tool's output.
const MESSAGE_BUDGETS: usize = 2;

/// Printing takes microseconds, unless nobody reads.
const PRINTING: Duration = Duration::from_millis(50);

/// Runs a hook from its first statement to its last; the process ends here,
/// with exit code 0 and one JSON object on stdout.
pub fn main(hook: Hook) -> ! {
    let patience = Patience::new(hook.deadline());
    if skip::disabled(|name| std::env::var_os(name)).is_some() {
        answer("{}");
    }
    survive_file_limits();
    // Reading waits for stdin alone, and not for long.
    let payload = hook.may_answer().then(|| stdin::read(patience));
    if payload.as_deref().is_some_and(recall::may_be_asked) {
        patience.watch();
    } else {
        // Nothing that happens from here on changes the answer, so it can be
        // given first; the host waits for the end of the process all the same.
        say("{}");
        patience.watch_answered();
    }
    std::panic::set_hook(Box::new(|_| {}));
    let outcome = catch_unwind(AssertUnwindSafe(|| capture(patience, payload)));
    if outcome.is_err() {
        let settings = Settings::load();
        log::note(
            &Locations::new(settings.data_dir()),
            "a hook panicked; its event is lost: please report this",
        );
    }
    answer(outcome.ok().flatten().as_deref().unwrap_or("{}"));
}

/// What a process that a hook waits for has to say: `None` where claude-mem is
/// switched off and where finding it out panics. At the deadline the process ends
/// with an empty answer, whatever it is at.
pub fn find_in_time<T>(
    deadline: Duration,
    find: impl FnOnce(Patience, Settings) -> Option<T>,
) -> Option<T> {
    let patience = Patience::new(deadline);
    patience.watch();
    if skip::disabled(|name| std::env::var_os(name)).is_some() {
        return None;
    }
    // What a panic would print helps nobody here.
    std::panic::set_hook(Box::new(|_| {}));
    let found = catch_unwind(AssertUnwindSafe(|| find(patience, Settings::load())));
    found.ok().flatten()
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

/// Prints the hook's answer. Of two threads that try, one prints, and the other,
/// which may be about to end the process, gives it a moment to.
pub fn say(json: &str) {
    static SAID: AtomicBool = AtomicBool::new(false);
    static PRINTED: (Mutex<bool>, Condvar) = (Mutex::new(false), Condvar::new());
    let (printed, news) = &PRINTED;
    let printed = || printed.lock().unwrap_or_else(PoisonError::into_inner);
    if SAID.swap(true, Ordering::SeqCst) {
        drop(news.wait_timeout_while(printed(), PRINTING, |printed| !*printed));
        return;
    }
    let mut stdout = std::io::stdout().lock();
    drop(stdout.write_all(json.as_bytes()));
    drop(stdout.write_all(b"\n"));
    drop(stdout.flush());
    *printed() = true;
    news.notify_all();
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

/// Captures the event, and then asks memory if it is a moment to. What memory
/// has to say is the hook's answer.
fn capture(patience: Patience, payload: Option<Vec<u8>>) -> Option<String> {
    let settings = Settings::load();
    if skip::disabled_by_settings(&settings).is_some() || check_owner(settings.data_dir()).is_err()
    {
        // Not even a log can be kept there; the session's start tells the user.
        return None;
    }
    let bytes = payload.unwrap_or_else(|| stdin::read(patience));
    let payload = Payload::from(stdin::parse_object(&bytes)?);
    patience.make_up_for_standstill();
    let fallback_session = std::env::var("CLAUDE_CODE_SESSION_ID").ok();
    let session = payload.session_id.clone().or(fallback_session)?;
    let from_host = project::host_dir();
    let from_host = from_host.as_deref();
    if let Some(question) = Question::of_read(&payload, &session) {
        return Some(question)
            .filter(|question| question.may_be_known(&settings))
            .filter(|_| is_open(&settings, &payload, &session, from_host))?
            .ask(patience.recall_by());
    }
    let is_interrupt = payload.is_interrupt;
    let event = event(payload, Some(session.clone()))?;
    let taken = take(
        &settings,
        event,
        |event| resolve_project(&settings, from_host, event.cwd.as_deref()),
        patience.ack_by(),
    );
    let Taken::Handed {
        delivery, request, ..
    } = taken
    else {
        return None;
    };
    if let Delivery::Lost(reason) = delivery {
        log::note(&Locations::new(settings.data_dir()), &reason);
        return None;
    }
    Question::of_request(&request, &session)
        .filter(|question| !is_interrupt && question.may_be_known(&settings))?
        .ask(patience.recall_by())
}

/// Whether a read is one of which memory may say something: not where capture
/// is off, and not in a turn that is private.
fn is_open(
    settings: &Settings,
    payload: &Payload,
    session: &str,
    from_host: Option<&Path>,
) -> bool {
    let cwd = payload.cwd.as_deref();
    let project = resolve_project(settings, from_host, cwd);
    let marker = Locations::new(settings.data_dir()).private_marker(&SafeId::new(session));
    skip::tool(settings, payload.tool_name.as_deref().unwrap_or_default()).is_none()
        && skip::project(settings, &project, Path::new(cwd.unwrap_or("/"))).is_none()
        && private_turn(&marker, payload.prompt_id.as_deref()) != Some(true)
}

/// What became of an event.
#[derive(Debug)]
pub(crate) enum Taken {
    /// It is not captured, for this reason.
    Skipped(&'static str),
    Handed {
        event_id: String,
        delivery: Delivery,
        /// What was handed over.
        request: Box<Request>,
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
    Taken::Handed {
        event_id,
        delivery,
        request: Box::new(request),
    }
}

pub(crate) fn resolve_project(
    settings: &Settings,
    from_host: Option<&Path>,
    cwd: Option<&str>,
) -> Project {
    let dir = from_host
        .or_else(|| cwd.map(Path::new))
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
    let Some(same_turn) = private_turn(&marker, event.prompt_id.as_deref()) else {
        return Some(event);
    };
    match &mut event.what {
        What::Prompt { .. } => drop(std::fs::remove_file(marker)),
        What::Tool { .. } if same_turn => return None,
        What::End { message, .. } if same_turn => *message = None,
        What::Tool { .. } | What::End { .. } => {}
    }
    Some(event)
}

/// Whether the session's private turn is that of this prompt; `None` where it has
/// no private turn.
fn private_turn(marker: &Path, prompt_id: Option<&str>) -> Option<bool> {
    let turn = std::fs::read_to_string(marker).ok()?;
    Some(prompt_id.is_none_or(|prompt| turn.is_empty() || prompt == turn))
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
