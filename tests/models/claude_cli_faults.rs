//! The user's own `claude` as the model of a worker, when it does not do what it
//! should; and the ways in which the memory does not remember itself.

use std::path::{Path, PathBuf};

use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::support::fake_claude::{Behaviour, FakeClaude};
use crate::support::{HOOKS, Sandbox, wait_until};

use super::outage::{
    assert_stalled, assert_untouched, assert_well, status, talk, turn, turns_without_model,
    wait_for_return, wait_until_drained,
};

const ANSWER: &str = "<observation><type>decision</type><title>Invoices are kept in SQLite</title>\
    <narrative>One process reads them.</narrative></observation>\
    <summary><request>Where to keep invoices</request><completed>Decided</completed></summary>";

/// A world whose model is this executable, and where it is.
fn with_claude(behaviour: &Behaviour) -> (Sandbox, PathBuf) {
    let mut sandbox = Sandbox::new();
    let directory = sandbox.root.path().join("bin");
    std::fs::create_dir(&directory).unwrap();
    let claude = FakeClaude::install(&directory, behaviour);
    sandbox.set("CLAUDE_MEM_PROVIDER", "claude-cli");
    sandbox.set("CLAUDE_MEM_CLAUDE_PATH", &claude);
    sandbox.set("CLAUDE_MEM_RETRY_BASE_MS", "10");
    (sandbox, claude)
}

fn mend(claude: &Path) {
    let directory = claude.parent().unwrap();
    FakeClaude::install(directory, &Behaviour::Answer(ANSWER.to_owned()));
}

/// Processes with the sandbox's home: also those that were not given its mark.
fn at_home(sandbox: &Sandbox) -> Vec<Pid> {
    let wanted = format!("HOME={}", sandbox.home.display());
    let is_wanted = |pid: &i32| {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment
            .split(|byte| *byte == 0)
            .any(|variable| variable == wanted.as_bytes())
    };
    std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(is_wanted)
        .map(Pid::from_raw)
        .collect()
}

/// Whether the process has ended, be it that nobody has asked how.
fn is_gone(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |line| line.contains(") Z "))
}

/// Waits until nothing runs, the children of children included.
#[track_caller]
fn wait_for_nobody(sandbox: &Sandbox) {
    sandbox.wait_for_quiet();
    wait_until("no child is left", || at_home(sandbox).is_empty());
}

/// Asserts that the model did the turns, each once.
#[track_caller]
fn assert_told(sandbox: &Sandbox, turns: i64) {
    let told = "SELECT count(*) FROM session_summaries WHERE generated_by_model <> 'local'";
    assert_eq!(sandbox.count(told), turns, "{}", sandbox.worker_log());
    sandbox.assert_all_done();
    sandbox.assert_sound();
}

/// Runs the cases at one time: most of it is waiting.
fn each<T: Sync>(cases: &[T], check: impl Fn(&T) + Sync) {
    std::thread::scope(|threads| {
        for case in cases {
            threads.spawn(|| check(case));
        }
    });
}

#[test]
fn what_the_user_has_to_cure_costs_no_event_and_heals_by_itself() {
    let tools = || Behaviour::ToolsOffered(vec!["Bash".to_owned(), "Edit".to_owned()]);
    let cases = [
        (tools(), "unsafe_tools", "Bash", "update Claude Code"),
        (
            Behaviour::NotLoggedIn,
            "auth",
            "Not logged in",
            "run `claude` and log in with /login",
        ),
        (
            Behaviour::UsageLimit,
            "quota",
            "You've hit your usage limit",
            "wait until the limit is lifted",
        ),
        (
            Behaviour::ExitWithStderr("Not logged in · Please run /login".to_owned(), 1),
            "auth",
            "Not logged in",
            "run `claude` and log in with /login",
        ),
    ];
    each(&cases, |(behaviour, reason, words, action)| {
        let (sandbox, claude) = with_claude(behaviour);
        sandbox.play(&turn(&talk(&sandbox, "first"), "a"));
        wait_for_return(&sandbox, reason);
        assert_untouched(&sandbox, words);
        assert_stalled(&sandbox, reason, words, action);
        assert_untouched(&sandbox, words);
        mend(&claude);
        wait_until_drained(&sandbox);
        assert_well(&sandbox);
        wait_for_nobody(&sandbox);
        assert_eq!(sandbox.workers_started(), 1, "{}", sandbox.worker_log());
        assert_told(&sandbox, 1);
    });
}

#[test]
fn an_executable_that_goes_away_is_missed_until_it_is_back() {
    let (sandbox, claude) = with_claude(&Behaviour::Answer(ANSWER.to_owned()));
    let first = talk(&sandbox, "first");
    sandbox.play(&turn(&first, "a"));
    wait_for_nobody(&sandbox);
    assert_told(&sandbox, 1);
    std::fs::remove_file(&claude).unwrap();
    sandbox.play(&turn(&first, "b"));
    wait_for_return(&sandbox, "binary_missing");
    assert_stalled(
        &sandbox,
        "binary_missing",
        "is not an executable file",
        "install Claude Code",
    );
    let used = sandbox.dump(
        "SELECT event_id FROM pending_messages
         WHERE status IN ('pending', 'processing') AND retry_count > (status = 'processing')",
    );
    assert_eq!(used, Vec::<String>::new());
    assert_eq!(turns_without_model(&sandbox), 0);
    mend(&claude);
    wait_until_drained(&sandbox);
    assert_well(&sandbox);
    wait_for_nobody(&sandbox);
    assert_told(&sandbox, 2);
}

#[test]
fn a_child_that_brings_no_answer_is_tried_three_times_and_leaves_nobody() {
    let cases = [
        (
            Behaviour::ExitSilently(0),
            "child_died",
            "ended without an answer",
        ),
        (
            Behaviour::ExitSilently(3),
            "child_died",
            "ended without an answer",
        ),
        (
            Behaviour::ExitWithStderr("Segmentation fault".to_owned(), 139),
            "child_died",
            "Segmentation fault",
        ),
        (
            Behaviour::DieMidAnswer,
            "child_died",
            "ended without an answer",
        ),
        (
            Behaviour::GarbageLines,
            "child_died",
            "ended without an answer",
        ),
        (Behaviour::Hang, "timeout", "within 1"),
        (Behaviour::HangWithGrandchild, "timeout", "within 1"),
    ];
    each(&cases, |(behaviour, reason, words)| {
        let (mut sandbox, claude) = with_claude(behaviour);
        let hangs = matches!(behaviour, Behaviour::Hang | Behaviour::HangWithGrandchild);
        if hangs {
            sandbox.set("CLAUDE_MEM_CALL_TIMEOUT_SECS", "1");
        }
        let first = talk(&sandbox, "first");
        sandbox.play(&turn(&first, "a"));
        wait_until("the turn is done without the model", || {
            turns_without_model(&sandbox) == 1
        });
        let calls = format!("SELECT count(*) FROM usage WHERE outcome = '{reason}'");
        assert_eq!(
            sandbox.count(&calls),
            3,
            "{behaviour:?} {}",
            sandbox.worker_log()
        );
        assert_stalled(&sandbox, reason, words, "claude-mem queue redo");
        wait_for_nobody(&sandbox);
        if matches!(behaviour, Behaviour::HangWithGrandchild) {
            let grandchild = FakeClaude::grandchild(&claude).unwrap();
            wait_until("the grandchild is gone", || is_gone(grandchild));
        }
        sandbox.assert_all_done();
        // A child of a busy machine may need more than a second to start.
        sandbox.set("CLAUDE_MEM_CALL_TIMEOUT_SECS", "60");
        mend(&claude);
        sandbox.play(&turn(&first, "b"));
        wait_until_drained(&sandbox);
        assert_well(&sandbox);
        wait_for_nobody(&sandbox);
        assert_told(&sandbox, 1);
    });
}

#[test]
fn unreadable_lines_around_an_answer_do_no_harm() {
    let (sandbox, _) = with_claude(&Behaviour::GarbageAround(ANSWER.to_owned()));
    sandbox.play(&turn(&talk(&sandbox, "first"), "a"));
    wait_for_nobody(&sandbox);
    assert_well(&sandbox);
    assert_told(&sandbox, 1);
}

#[test]
fn a_child_knows_that_it_is_ours_and_nothing_of_the_project() {
    let record = tempfile::tempdir().unwrap();
    let record = record.path().join("record");
    let (mut sandbox, _) = with_claude(&Behaviour::RecordEnvironment(record.clone()));
    sandbox.set("OF_THE_PROJECT", "secret-of-the-project");
    sandbox.play(&turn(&talk(&sandbox, "first"), "a"));
    wait_for_nobody(&sandbox);
    let recorded = FakeClaude::recorded(&record);
    assert_eq!(
        recorded
            .environment
            .get("CLAUDE_MEM_INTERNAL")
            .map(String::as_str),
        Some("1")
    );
    assert!(!recorded.environment.contains_key("OF_THE_PROJECT"));
    assert!(
        recorded
            .directory
            .starts_with(sandbox.data.canonicalize().unwrap())
    );
    let left: Vec<_> = std::fs::read_dir(&recorded.directory).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    let arguments = recorded.args.join("\n");
    for of_the_project in ["invoices", "event-a", "billing", "SQLite", "secret-of"] {
        assert!(
            !arguments.contains(of_the_project),
            "{of_the_project}: {arguments}"
        );
    }
    sandbox.assert_sound();
}

/// A payload of the hook's event, with this directory.
fn payload_of(hook: &str, cwd: &str) -> Value {
    let event = match hook {
        "context-hook" => "SessionStart",
        "new-hook" => "UserPromptSubmit",
        "summary-hook" => "Stop",
        "cleanup-hook" => "SessionEnd",
        _ => "PostToolUse",
    };
    json!({"session_id": "own", "cwd": cwd, "hook_event_name": event, "prompt_id": "p",
        "prompt": "Remember this.", "tool_use_id": "t", "tool_name": "Bash",
        "tool_input": {"command": "ls"}, "tool_response": {"stdout": "x"},
        "source": "startup", "reason": "other"})
}

#[test]
fn hooks_of_our_own_child_do_nothing() {
    let mut sandbox = Sandbox::new();
    sandbox.set("CLAUDE_MEM_INTERNAL", "1");
    let cwd = sandbox.project.display().to_string();
    for hook in HOOKS {
        let ran = sandbox.hook(hook, &payload_of(hook, &cwd));
        assert_eq!(
            (ran.code, ran.stdout.as_str(), ran.stderr.as_str()),
            (Some(0), "{}\n", ""),
            "{hook}"
        );
    }
    assert!(sandbox.processes().is_empty());
    assert!(!sandbox.data.exists());
}

#[test]
fn what_happens_in_the_data_directory_is_not_remembered() {
    let (sandbox, _) = with_claude(&Behaviour::Answer(ANSWER.to_owned()));
    sandbox.play(&turn(&talk(&sandbox, "first"), "a"));
    wait_for_nobody(&sandbox);
    let before = (
        status(&sandbox)["capture"].clone(),
        sandbox.workers_started(),
    );
    for directory in [sandbox.data.clone(), sandbox.data.join("claude-cli")] {
        assert!(directory.is_dir());
        for hook in HOOKS.into_iter().filter(|hook| *hook != "context-hook") {
            let payload = payload_of(hook, directory.to_str().unwrap());
            let ran = sandbox.hook(hook, &payload);
            assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "{}\n"), "{hook}");
        }
    }
    wait_for_nobody(&sandbox);
    assert_eq!(sandbox.spooled(), 0);
    let after = (
        status(&sandbox)["capture"].clone(),
        sandbox.workers_started(),
    );
    assert_eq!(after, before);
    assert_told(&sandbox, 1);
}
