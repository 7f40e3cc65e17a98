//! The life of workers: who starts them, what they hold, when they end.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixListener;
use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime};

use nix::sys::signal::{Signal, kill};
use serde_json::json;
use sockets_protocol::SafeId;

use crate::support::{
    Foreground, Sandbox, Talk, assert_answer, bash_line, binary, deadline, is_at_end, wait_until,
};

fn with_idle(seconds: &str) -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.set("CLAUDE_MEM_WORKER_IDLE_SECS", seconds);
    sandbox
}

fn talk(sandbox: &Sandbox) -> Talk {
    Talk::new("talk", &sandbox.project)
}

/// This many tool calls end at the same time, and no worker is there yet.
fn burst(events: usize) {
    let sandbox = with_idle("60");
    let talk = talk(&sandbox);
    // From files, as a hook whose host is late with the payload may give up.
    let payloads: Vec<_> = (0..events)
        .map(|number| {
            let path = sandbox.root.path().join(format!("payload-{number}"));
            let payload = talk.bash("p", &format!("call-{number}"), "ls", "a.rs");
            std::fs::write(&path, payload.to_string()).unwrap();
            File::open(path).unwrap()
        })
        .collect();
    let hooks: Vec<_> = payloads
        .into_iter()
        .map(|payload| {
            let mut hook = sandbox.command(binary("save-hook"));
            hook.stdin(payload).stdout(Stdio::null()).spawn().unwrap()
        })
        .collect();
    for mut hook in hooks {
        assert!(hook.wait().unwrap().success());
    }
    sandbox.play(&[talk.stop("p", "Looked at the files.")]);
    sandbox.wait_for_quiet();
    let calls = "SELECT count(*), count(DISTINCT event_id) FROM pending_messages
                 WHERE message_type = 'observation'";
    assert_eq!(
        sandbox.dump(calls),
        [format!("Integer({events}) | Integer({events})")],
        "{}",
        sandbox.worker_log()
    );
    assert_eq!(sandbox.workers_started(), 1, "{}", sandbox.worker_log());
    sandbox.assert_all_done();
}

#[test]
fn sixteen_hooks_at_once_start_one_worker_and_lose_nothing() {
    burst(16);
}

#[test]
fn two_hundred_hooks_at_once_start_one_worker_and_lose_nothing() {
    burst(200);
}

#[test]
fn a_hook_lets_go_of_its_descriptors_at_once_although_its_worker_lives_on() {
    let sandbox = with_idle("5");
    let payload = talk(&sandbox).prompt("p", "Begin.");
    let input = sandbox.root.path().join("payload.json");
    std::fs::write(&input, payload.to_string()).unwrap();
    let hook = binary("new-hook");
    let script = format!(
        "exec '{}' < '{}' 3>&1 4>&1 5>&2 6>&1 7>&1 8>&2 9>&1",
        hook.display(),
        input.display()
    );
    let began = Instant::now();
    let mut child = sandbox
        .command("/bin/sh")
        .args(["-c", &script])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut stderr = child.stderr.take().unwrap();
    let (mut out, mut err) = (String::new(), String::new());
    stdout.read_to_string(&mut out).unwrap();
    stderr.read_to_string(&mut err).unwrap();
    let took = began.elapsed();
    assert!(child.wait().unwrap().success());
    assert_eq!((out.trim(), err.as_str()), ("{}", ""));
    assert!(
        took <= deadline("new-hook"),
        "end of the output after {took:?}"
    );
    assert!(is_at_end(&stdout));

    sandbox.wait_for_listener("talk");
    let pid = sandbox.worker_pid("talk");
    let ours = nix::sys::stat::fstat(stdout.as_fd()).unwrap().st_ino;
    let held: Vec<(String, String)> = std::fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .flatten()
        .filter_map(|entry| {
            let target = std::fs::read_link(entry.path()).ok()?;
            Some((
                entry.file_name().into_string().unwrap(),
                target.display().to_string(),
            ))
        })
        .collect();
    for (number, target) in &held {
        assert_ne!(target, &format!("pipe:[{ours}]"), "{held:?}");
        assert!(!target.starts_with("pipe:"), "{held:?}");
        if matches!(number.as_str(), "0" | "1" | "2") {
            assert_eq!(target, "/dev/null", "{held:?}");
        }
    }
    assert!(held.len() > 3, "{held:?}");
    kill(pid, Signal::SIGTERM).unwrap();
}

#[test]
fn a_worker_is_a_process_of_its_own() {
    let sandbox = with_idle("60");
    sandbox.play(&[talk(&sandbox).prompt("p", "Begin.")]);
    sandbox.wait_for_listener("talk");
    let pid = sandbox.worker_pid("talk");
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat
        .rsplit_once(')')
        .unwrap()
        .1
        .split_whitespace()
        .collect();
    let (parent, group, session) = (fields[1], fields[2], fields[3]);
    assert_ne!(parent, std::process::id().to_string());
    assert_eq!(
        (group, session),
        (pid.to_string().as_str(), pid.to_string().as_str())
    );
    let cwd = std::fs::read_link(format!("/proc/{pid}/cwd")).unwrap();
    assert_eq!(cwd.to_str(), Some("/"));
    kill(pid, Signal::SIGTERM).unwrap();
}

#[test]
fn an_idle_worker_finishes_the_turn_and_leaves_nothing_behind() {
    let sandbox = with_idle("1");
    let talk = talk(&sandbox);
    sandbox.play(&[
        talk.prompt("p", "Where are invoices rounded?"),
        talk.bash(
            "p",
            "call-1",
            "grep -rn round src",
            "src/total.rs:12: round(x)",
        ),
        talk.failure(
            "p",
            "call-2",
            "cargo test",
            "Exit code 101\nassertion failed: total",
        ),
    ]);
    sandbox.wait_for_quiet();
    sandbox.assert_all_done();
    assert_eq!(sandbox.count("SELECT count(*) FROM session_summaries"), 1);
    assert_eq!(
        sandbox.dump("SELECT close_reason FROM turns"),
        ["Text(\"idle\")"]
    );
    assert!(!sandbox.socket("talk").exists());
    assert!(!sandbox.worker_is_alive("talk"));
    let left: Vec<_> = std::fs::read_dir(sandbox.locations().sockets_dir())
        .unwrap()
        .flatten()
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    assert_eq!(left, ["session-talk.lock"]);
}

#[test]
fn the_end_of_a_turn_ends_the_worker_long_before_it_is_idle() {
    let sandbox = with_idle("60");
    let talk = talk(&sandbox);
    sandbox.play(&[
        talk.prompt("p", "Count the files."),
        talk.bash("p", "call-1", "ls | wc -l", "12"),
        talk.stop("p", "There are 12 files."),
    ]);
    sandbox.wait_for_quiet();
    sandbox.assert_all_done();
    assert_eq!(sandbox.count("SELECT count(*) FROM session_summaries"), 1);
    assert_eq!(
        sandbox.dump("SELECT status FROM sdk_sessions"),
        ["Text(\"active\")"]
    );
}

#[test]
fn the_next_prompt_ends_a_turn_that_was_interrupted() {
    let sandbox = with_idle("60");
    let talk = talk(&sandbox);
    sandbox.play(&[
        talk.prompt("p1", "Rename the module billing to invoices."),
        talk.bash("p1", "call-1", "git mv src/billing.rs src/invoices.rs", ""),
        talk.prompt("p2", "No, stop. Count the files instead."),
        talk.bash("p2", "call-2", "ls | wc -l", "12"),
        talk.stop("p2", "There are 12 files."),
    ]);
    sandbox.wait_for_quiet();
    sandbox.assert_all_done();
    assert_eq!(
        sandbox.dump("SELECT prompt_number FROM session_summaries ORDER BY 1"),
        ["Integer(1)", "Integer(2)"]
    );
    assert_eq!(
        sandbox.dump("SELECT close_reason FROM turns ORDER BY prompt_number"),
        ["Text(\"next_prompt\")", "Text(\"stop\")"]
    );
}

#[test]
fn what_a_background_agent_does_after_the_end_of_the_turn_is_kept() {
    let sandbox = with_idle("1");
    let talk = talk(&sandbox);
    let by_agent = |call: &str| {
        let mut payload = talk.bash("p", call, "cargo test", "test result: ok. 3 passed");
        payload["agent_id"] = json!("a1");
        payload["agent_type"] = json!("general-purpose");
        payload
    };
    sandbox.play(&[
        talk.prompt("p", "Test it in the background."),
        talk.stop("p", "An agent is testing it."),
        by_agent("at-once"),
    ]);
    sandbox.wait_for_quiet();
    sandbox.assert_all_done();
    let turns = "SELECT count(*) FROM turns";
    assert_eq!(sandbox.count(turns), 1);
    // And when its worker has left as well.
    sandbox.play(&[by_agent("much-later")]);
    sandbox.wait_for_quiet();
    sandbox.assert_all_done();
    assert_eq!(sandbox.count(turns), 1);
    assert_eq!(sandbox.count("SELECT count(*) FROM pending_messages"), 4);
    assert_eq!(sandbox.count("SELECT count(*) FROM session_summaries"), 1);
}

#[test]
fn the_end_of_the_session_completes_it_and_the_next_prompt_opens_it_again() {
    let sandbox = with_idle("60");
    let talk = talk(&sandbox);
    sandbox.play(&talk.decision("p1", "the ledger"));
    sandbox.wait_for_quiet();
    sandbox.assert_all_done();
    let status = || sandbox.dump("SELECT status, completed_at IS NULL FROM sdk_sessions");
    assert_eq!(status(), ["Text(\"completed\") | Integer(0)"]);
    sandbox.play(&[
        talk.prompt("p2", "And the cache?"),
        talk.stop("p2", "In memory."),
    ]);
    sandbox.wait_for_quiet();
    sandbox.assert_all_done();
    assert_eq!(status(), ["Text(\"active\") | Integer(1)"]);
}

#[test]
fn a_worker_that_is_told_to_end_leaves_what_is_not_ready_for_the_next_one() {
    let sandbox = with_idle("60");
    let talk = talk(&sandbox);
    sandbox.play(&[
        talk.prompt("p1", "Count the files."),
        talk.stop("p1", "There are 12."),
        talk.prompt("p2", "Count the lines."),
        talk.bash("p2", "call-1", "wc -l", "300"),
    ]);
    sandbox.wait_for_listener("talk");
    let pid = sandbox.worker_pid("talk");
    kill(pid, Signal::SIGHUP).unwrap();
    assert_eq!(
        sandbox.worker_pid("talk"),
        pid,
        "SIGHUP is none of its business"
    );
    kill(pid, Signal::SIGTERM).unwrap();
    sandbox.wait_for_quiet();
    assert!(!sandbox.socket("talk").exists());
    assert_eq!(
        sandbox.dump("SELECT DISTINCT prompt_number, status FROM pending_messages ORDER BY 1"),
        [
            "Integer(1) | Text(\"processed\")",
            "Integer(2) | Text(\"pending\")"
        ]
    );
    sandbox.assert_conserved();
    sandbox.play(&[talk.stop("p2", "There are 300.")]);
    sandbox.wait_for_quiet();
    sandbox.assert_all_done();
    assert_eq!(sandbox.workers_started(), 2);
}

#[test]
fn what_a_hook_had_to_spool_is_part_of_the_turn_when_it_ends() {
    let sandbox = with_idle("60");
    let talk = talk(&sandbox);
    sandbox.play(&[talk.prompt("p", "Count the files.")]);
    sandbox.wait_for_listener("talk");
    let directory = sandbox.locations().spool_dir(&SafeId::new("talk"));
    wait_until("the spool is empty", || !directory.exists());
    std::fs::create_dir_all(&directory).unwrap();
    let record = json!({"session": "talk", "message":
        {"type": "observation", "id": "late", "tool_name": "Bash", "prompt_id": "p",
         "tool_input": {"command": "ls | wc -l"}, "tool_output": {"stdout": "12"}}});
    std::fs::write(
        directory.join("1763650000000-late.json"),
        record.to_string(),
    )
    .unwrap();
    sandbox.play(&[talk.stop("p", "There are 12 files.")]);
    sandbox.wait_for_quiet();
    sandbox.assert_all_done();
    assert_eq!(sandbox.count("SELECT count(*) FROM pending_messages"), 3);
    assert_eq!(sandbox.worker_log().matches("turn done").count(), 1);
}

/// Something takes the worker's socket away, and hooks cannot reach it.
fn without_its_socket(take_away: impl Fn(&Sandbox)) {
    let sandbox = with_idle("1");
    let talk = talk(&sandbox);
    sandbox.play(&[talk.prompt("p", "Count the files.")]);
    sandbox.wait_for_listener("talk");
    take_away(&sandbox);
    for number in 0..3 {
        sandbox.play(&[talk.bash("p", &format!("call-{number}"), "ls", "a.rs")]);
    }
    sandbox.wait_for_quiet();
    sandbox.assert_all_done();
    let events = "SELECT count(*), count(DISTINCT event_id) FROM pending_messages";
    assert_eq!(sandbox.dump(events), ["Integer(4) | Integer(4)"]);
    assert_eq!(sandbox.count("SELECT count(*) FROM session_summaries"), 1);
    sandbox.play(&[talk.stop("p", "Two files.")]);
    sandbox.wait_for_quiet();
    sandbox.assert_all_done();
}

#[test]
fn a_socket_that_was_deleted_loses_nothing() {
    without_its_socket(|sandbox| std::fs::remove_file(sandbox.socket("talk")).unwrap());
}

#[test]
fn a_directory_of_sockets_that_was_deleted_loses_nothing() {
    without_its_socket(|sandbox| {
        std::fs::remove_dir_all(sandbox.locations().sockets_dir()).unwrap();
    });
}

#[test]
fn what_a_dead_worker_left_in_the_directory_is_in_nobodys_way() {
    let sandbox = with_idle("60");
    let locations = sandbox.locations();
    std::fs::create_dir_all(locations.sockets_dir()).unwrap();
    drop(UnixListener::bind(sandbox.socket("talk")).unwrap());
    let lock = locations.lock(&SafeId::new("talk"));
    std::fs::write(&lock, "4242 of another program").unwrap();
    let long_ago = SystemTime::now() - Duration::from_hours(1);
    File::options()
        .write(true)
        .open(&lock)
        .unwrap()
        .set_modified(long_ago)
        .unwrap();
    std::os::unix::fs::symlink("session-gone.sock", locations.database_id_link(1)).unwrap();
    let talk = talk(&sandbox);
    sandbox.play(&[talk.prompt("p", "Begin.")]);
    sandbox.wait_for_listener("talk");
    wait_until("the link leads to the worker", || {
        std::fs::read_link(locations.database_id_link(1))
            .is_ok_and(|target| target.as_os_str() == "session-talk.sock")
    });
    sandbox.play(&[talk.stop("p", "Done.")]);
    sandbox.wait_for_quiet();
    sandbox.assert_all_done();
}

#[test]
fn a_clock_that_was_set_back_does_not_keep_workers_from_starting() {
    let sandbox = with_idle("60");
    let lock = sandbox.locations().lock(&SafeId::new("talk"));
    std::fs::create_dir_all(lock.parent().unwrap()).unwrap();
    std::fs::write(&lock, ".").unwrap();
    let to_come = SystemTime::now() + Duration::from_hours(1);
    File::options()
        .write(true)
        .open(&lock)
        .unwrap()
        .set_modified(to_come)
        .unwrap();
    sandbox.play(&[talk(&sandbox).stop("p", "Done.")]);
    wait_until("the event is in the database", || {
        sandbox.locations().database().exists() && sandbox.spooled() == 0
    });
    sandbox.wait_for_quiet();
    sandbox.assert_all_done();
}

#[test]
fn without_the_worker_executable_events_wait_for_it() {
    let sandbox = with_idle("60");
    let talk = talk(&sandbox);
    let hooks = sandbox.copy_of_binaries(false);
    for payload in [
        talk.prompt("p", "Count the files."),
        talk.bash("p", "call-1", "ls | wc -l", "12"),
    ] {
        drop(sandbox.event_by(&hooks, &payload));
    }
    assert_eq!(sandbox.spooled(), 2);
    assert!(!sandbox.locations().database().exists());
    std::fs::copy(binary("claude-mem"), hooks.join("claude-mem")).unwrap();
    wait_until("a worker may be started again", || {
        drop(sandbox.event_by(&hooks, &talk.stop("p", "There are 12.")));
        sandbox.spooled() == 0
    });
    sandbox.wait_for_quiet();
    sandbox.assert_all_done();
    assert_eq!(sandbox.count("SELECT count(*) FROM pending_messages"), 3);
}

#[test]
fn a_worker_of_another_session_finishes_what_was_abandoned() {
    let sandbox = with_idle("1");
    // One session lost its worker in the middle of a turn, with events in the
    // queue and one in the spool; of another nothing but its spool is there.
    let halves = Talk::new("half", &sandbox.project);
    let worker = Foreground::start(&sandbox, "half", "half");
    sandbox.play(&[halves.prompt("p", "Count the files.")]);
    sandbox
        .client("half")
        .ask(bash_line("call-1", "ls | wc -l"));
    worker.signal(Signal::SIGKILL);
    drop(worker.wait());
    let hooks = sandbox.copy_of_binaries(false);
    let spooled = Talk::new("never/served", &sandbox.project);
    for payload in [
        halves.bash("p", "call-2", "ls", "a.rs"),
        spooled.prompt("p", "Count the lines."),
        spooled.bash("p", "call-1", "wc -l a.rs", "300"),
    ] {
        drop(sandbox.event_by(&hooks, &payload));
    }
    assert_eq!(sandbox.spooled(), 3);
    let other = Talk::new("other", &sandbox.project);
    sandbox.play(&[
        other.prompt("p", "Something else."),
        other.bash("p", "call-1", "date", "Thu"),
    ]);
    sandbox.wait_for_quiet();
    sandbox.assert_all_done();
    assert_eq!(
        sandbox.dump(
            "SELECT content_session_id, count(*) FROM pending_messages GROUP BY 1 ORDER BY 1"
        ),
        [
            "Text(\"half\") | Integer(3)",
            "Text(\"never/served\") | Integer(2)",
            "Text(\"other\") | Integer(2)"
        ]
    );
    assert_eq!(sandbox.count("SELECT count(*) FROM session_summaries"), 3);
}

#[test]
fn a_session_with_a_live_worker_is_not_taken_from_it() {
    let sandbox = with_idle("1");
    let lively = Talk::new("lively", &sandbox.project);
    let worker = Foreground::start(&sandbox, "lively", "lively");
    worker.signal(Signal::SIGSTOP);
    // Stopped, it can neither leave nor answer; its lock says that it lives.
    let ran = sandbox.hook("new-hook", &lively.prompt("p", "Begin."));
    assert_answer("new-hook", &ran, "worker stopped");
    let other = Talk::new("other", &sandbox.project);
    sandbox.play(&[other.prompt("p", "Something else.")]);
    wait_until("the other worker has left", || {
        sandbox.worker_log().contains("left") && !sandbox.worker_is_alive("other")
    });
    assert_eq!(sandbox.spooled(), 1, "it stays in its spool");
    worker.signal(Signal::SIGCONT);
    drop(worker.wait());
    sandbox.assert_all_done();
    assert_eq!(
        sandbox.dump("SELECT content_session_id FROM pending_messages ORDER BY 1"),
        ["Text(\"lively\")", "Text(\"other\")"]
    );
}
