//! `claude-mem supervise`: nobody outlives whoever wanted it.

use std::io::Read as _;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{Ran, Sandbox, binary, is_at_end, run, wait_until};

/// A program with a child; both end only by force. They say when they are ready.
const STUBBORN: &str =
    "trap '' TERM INT HUP; sh -c 'sleep 120' & echo ready; while :; do wait; done";

fn supervise(sandbox: &Sandbox, parent: u32, deadline: u64, program: &[&str]) -> Command {
    let mut command = sandbox.command(binary("claude-mem"));
    command
        .arg("supervise")
        .args(["--parent", &parent.to_string()])
        .args(["--deadline", &deadline.to_string()])
        .arg("--")
        .args(program);
    command
}

/// A program that is run to its end, by this process.
fn supervised(sandbox: &Sandbox, program: &[&str], stdin: &[u8]) -> Ran {
    let ran = run(
        &mut supervise(sandbox, std::process::id(), 60, program),
        stdin,
    );
    sandbox.wait_for_quiet();
    ran
}

/// Waits until the program runs.
fn ready(child: &mut Child) {
    let mut word = [0; 6];
    child
        .stdout
        .as_mut()
        .unwrap()
        .read_exact(&mut word)
        .unwrap();
    assert_eq!(&word, b"ready\n");
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).unwrap())
}

#[test]
fn the_program_has_the_streams_and_gives_the_status() {
    let sandbox = Sandbox::new();
    let long = "long ".repeat(100_000);
    let ran = supervised(
        &sandbox,
        &["sh", "-c", "cat; echo bad >&2; exit 3"],
        long.as_bytes(),
    );
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(3), "bad\n"));
    assert!(ran.stdout == long, "{} bytes", ran.stdout.len());
    let ran = supervised(&sandbox, &["true"], b"");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let ran = supervised(&sandbox, &["sh", "-c", "kill -TERM $$"], b"");
    assert_eq!(ran.code, Some(143), "{ran:?}");
    let ran = supervised(&sandbox, &["/nowhere/claude", "-p"], b"");
    assert_eq!(ran.code, Some(127), "{ran:?}");
    assert!(ran.stderr.contains("cannot run /nowhere/claude"), "{ran:?}");
    let ran = supervised(&sandbox, &["/usr/bin"], b"");
    assert_eq!(ran.code, Some(126), "{ran:?}");
}

#[test]
fn what_the_program_leaves_behind_is_ended_and_its_status_still_given() {
    let sandbox = Sandbox::new();
    let program = "(trap '' TERM; sleep 120; sleep 120) >/dev/null 2>&1 & exit 4";
    let ran = supervised(&sandbox, &["sh", "-c", program], b"");
    assert_eq!(ran.code, Some(4), "{ran:?}");
}

#[test]
fn the_streams_are_the_programs_alone() {
    let sandbox = Sandbox::new();
    let program = "echo ready; exec >/dev/null; sleep 120";
    let mut command = supervise(&sandbox, std::process::id(), 60, &["sh", "-c", program]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    ready(&mut child);
    let stdout = child.stdout.take().unwrap();
    wait_until("nobody writes any more", || is_at_end(&stdout));
    assert_eq!(child.try_wait().unwrap(), None);
    kill(pid(&child), Signal::SIGTERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(143));
}

#[test]
fn all_end_when_whoever_wanted_them_is_killed() {
    let sandbox = Sandbox::new();
    // In a group of its own, as a worker is.
    let mut shell = sandbox.command("/bin/sh");
    shell
        .arg("-c")
        .arg("\"$0\" supervise --parent $$ --deadline 60 -- sh -c \"$1\" & wait");
    shell.arg(binary("claude-mem")).arg(STUBBORN);
    let mut shell = shell.stdout(Stdio::piped()).spawn().unwrap();
    ready(&mut shell);
    assert!(sandbox.processes().len() >= 4);
    shell.kill().unwrap();
    drop(shell.wait());
    sandbox.wait_for_quiet();
}

#[test]
fn all_end_when_the_supervisor_is_told_to() {
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        let sandbox = Sandbox::new();
        let mut child = start(&sandbox, 60);
        kill(pid(&child), signal).unwrap();
        sandbox.wait_for_quiet();
        assert_eq!(child.wait().unwrap().code(), Some(137), "{signal}");
    }
}

#[test]
fn a_program_that_ends_when_asked_is_not_killed() {
    let sandbox = Sandbox::new();
    let program = "trap 'echo tidy; exit 6' TERM; echo ready; while :; do sleep 0.01; done";
    let mut command = supervise(&sandbox, std::process::id(), 60, &["sh", "-c", program]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    ready(&mut child);
    kill(pid(&child), Signal::SIGTERM).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(6));
    assert_eq!(output.stdout, b"tidy\n");
}

#[test]
fn all_end_when_the_time_is_up() {
    let sandbox = Sandbox::new();
    let mut child = start(&sandbox, 1);
    sandbox.wait_for_quiet();
    assert_eq!(child.wait().unwrap().code(), Some(137));
}

#[test]
fn the_program_ends_with_a_supervisor_that_is_killed() {
    let sandbox = Sandbox::new();
    let mut command = supervise(
        &sandbox,
        std::process::id(),
        60,
        &["sh", "-c", "trap '' TERM; echo ready; read -r never"],
    );
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let _open = child.stdin.take();
    ready(&mut child);
    assert_eq!(sandbox.processes().len(), 2);
    child.kill().unwrap();
    drop(child.wait());
    wait_until("the program has ended", || sandbox.processes().is_empty());
}

#[test]
fn a_thread_that_ends_is_not_a_parent_that_ends() {
    let sandbox = Sandbox::new();
    let mut command = supervise(
        &sandbox,
        std::process::id(),
        60,
        &[
            "sh",
            "-c",
            "echo ready; read -r line; echo \"$line\"; exit 7",
        ],
    );
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = std::thread::spawn(move || {
        let mut child = command.spawn().unwrap();
        ready(&mut child);
        child
    })
    .join()
    .unwrap();
    // The signal of the thread's end has been sent; the program still answers.
    std::io::Write::write_all(child.stdin.as_mut().unwrap(), b"alive\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.stdout, b"alive\n");
    assert_eq!(output.status.code(), Some(7));
}

#[test]
fn nothing_is_started_for_somebody_else() {
    let sandbox = Sandbox::new();
    let ran = run(&mut supervise(&sandbox, 1, 60, &["echo", "started"]), b"");
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{ran:?}");
    assert!(
        ran.stderr.contains("process 1 is not the parent"),
        "{ran:?}"
    );
}

/// A stubborn program that runs.
fn start(sandbox: &Sandbox, deadline: u64) -> Child {
    let program = ["sh", "-c", STUBBORN];
    let mut command = supervise(sandbox, std::process::id(), deadline, &program);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    ready(&mut child);
    child
}
