//! The stand-in for Claude Code, run as a provider runs it.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use super::{Behaviour, FakeClaude};
use crate::support::{Ran, is_at_end, run, wait_until};

/// Two questions, the second without an end of line.
const STDIN: &str = "{\"type\":\"user\",\"message\":{\"role\":\"user\",\"content\":\"it's \\\\ one\"}}\n{\"type\":\"user\"}";

fn command(directory: &Path, behaviour: &Behaviour) -> Command {
    let mut command = Command::new(FakeClaude::install(directory, behaviour));
    // Nothing is found on this path.
    command.env_clear().env("PATH", "/nowhere");
    command
}

fn ran(behaviour: &Behaviour) -> Ran {
    let directory = tempfile::tempdir().unwrap();
    run(&mut command(directory.path(), behaviour), STDIN.as_bytes())
}

fn events(ran: &Ran) -> Vec<Value> {
    ran.stdout
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

/// Starts it and asks one thing; stdin stays open.
fn asked(directory: &Path, behaviour: &Behaviour) -> Child {
    let mut child = command(directory, behaviour)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let question = "{\"type\":\"user\"}\n";
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(question.as_bytes()).unwrap();
    child.stdin = Some(stdin);
    child
}

#[test]
fn each_question_gets_a_beginning_a_message_and_a_result() {
    let text = "<observation>it's 100 % \\n right\n</observation> äöü";
    let ran = ran(&Behaviour::Answer(text.to_owned()));
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    let events = events(&ran);
    assert_eq!((events.len(), ran.stdout.lines().count()), (6, 6));
    for events in events.chunks(3) {
        assert_eq!(events[0]["subtype"], "init");
        assert_eq!(events[0]["tools"], json!([]));
        assert_eq!(events[1]["message"]["content"][0]["text"], text);
        assert_eq!(events[2]["result"], text);
        assert_eq!(events[2]["is_error"], false);
        let usage = &events[2]["usage"];
        assert_eq!(usage["input_tokens"], 100);
        assert_eq!(usage["output_tokens"], text.len().div_ceil(4));
    }
}

#[test]
fn it_has_a_version() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = command(directory.path(), &Behaviour::Hang);
    let ran = run(command.arg("--version"), b"");
    assert_eq!(ran.success(), "2.1.197 (Claude Code)\n");
}

#[test]
fn tools_are_offered() {
    let names = vec!["Bash".to_owned(), "mcp__x__y".to_owned()];
    let events = events(&ran(&Behaviour::ToolsOffered(names.clone())));
    assert_eq!(events[0]["tools"], json!(names));
    assert_eq!(events[2]["type"], "result");
}

#[test]
fn accounts_refuse_as_prose_and_as_an_error() {
    let prose = ran(&Behaviour::NotLoggedIn);
    let told = events(&prose);
    assert_eq!((prose.code, told.len()), (Some(0), 3));
    assert_eq!(told[2]["is_error"], false);
    assert_eq!(told[2]["result"], "Not logged in · Please run /login");
    let error = ran(&Behaviour::UsageLimit);
    let told = events(&error);
    assert_eq!((error.code, told.len()), (Some(1), 3));
    assert_eq!(told[1]["error"], "rate_limit");
    assert_eq!(told[2]["is_error"], true);
    assert_eq!(told[2]["api_error_status"], 429);
    assert_eq!(told[2]["usage"]["output_tokens"], 0);
    let words = told[2]["result"].as_str().unwrap();
    assert!(words.contains("usage limit"), "{words}");
}

#[test]
fn it_exits_with_and_without_words() {
    let silent = ran(&Behaviour::ExitSilently(3));
    assert_eq!(silent.code, Some(3));
    assert_eq!((silent.stdout.as_str(), silent.stderr.as_str()), ("", ""));
    let loud = ran(&Behaviour::ExitWithStderr(
        "it's 100 % broken".to_owned(),
        4,
    ));
    assert_eq!((loud.code, loud.stdout.as_str()), (Some(4), ""));
    assert_eq!(loud.stderr, "it's 100 % broken\n");
}

#[test]
fn it_dies_in_the_middle_of_a_message() {
    let directory = tempfile::tempdir().unwrap();
    let child = asked(directory.path(), &Behaviour::DieMidAnswer);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.signal(), Some(9));
    let stdout = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = stdout.lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(serde_json::from_str::<Value>(lines[0]).is_ok());
    assert!(lines[1].contains("<observation>") && !stdout.ends_with('\n'));
    assert!(serde_json::from_str::<Value>(lines[1]).is_err());
}

#[test]
fn garbage_comes_alone_and_around_an_answer() {
    let kinds = |ran: &Ran| -> Vec<String> {
        let told = events(ran);
        told.iter()
            .filter_map(|event| event["type"].as_str().map(str::to_owned))
            .collect()
    };
    let alone = ran(&Behaviour::GarbageLines);
    assert_eq!(
        (alone.code, kinds(&alone)),
        (Some(0), vec!["moonshine".to_owned()])
    );
    assert!(alone.stdout.contains('\u{fffd}'), "not UTF-8");
    let around = ran(&Behaviour::GarbageAround("<skip/>".to_owned()));
    let expected = [
        "moonshine",
        "system",
        "moonshine",
        "assistant",
        "result",
        "moonshine",
    ];
    assert_eq!(kinds(&around), [expected, expected].concat());
    assert!(around.stdout.lines().count() > 2 * expected.len());
}

#[test]
fn how_it_was_started_is_written_down() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("it's recorded");
    let mut command = command(
        directory.path(),
        &Behaviour::RecordEnvironment(file.clone()),
    );
    command
        .env("TWO_LINES", "a=b\nc")
        .args(["-p", "", "two\nlines"])
        .current_dir(directory.path());
    let ran = run(&mut command, STDIN.as_bytes());
    assert_eq!(events(&ran).len(), 6, "{ran:?}");
    let recorded = FakeClaude::recorded(&file);
    assert_eq!(recorded.directory, directory.path().canonicalize().unwrap());
    assert_eq!(recorded.args, ["-p", "", "two\nlines"]);
    let environment = [("PATH", "/nowhere"), ("TWO_LINES", "a=b\nc")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(recorded.environment, BTreeMap::from(environment));
}

#[test]
fn it_hangs_alone_or_with_a_child() {
    let directory = tempfile::tempdir().unwrap();
    for behaviour in [Behaviour::Hang, Behaviour::HangWithGrandchild] {
        let mut child = asked(directory.path(), &behaviour);
        let mut stdout = child.stdout.take().unwrap();
        let mut byte = [0];
        stdout.read_exact(&mut byte).unwrap();
        assert_eq!(byte, *b"{", "it has begun");
        assert!(child.try_wait().unwrap().is_none());
        if matches!(behaviour, Behaviour::HangWithGrandchild) {
            let claude = directory.path().join("claude");
            wait_until("a child is started", || {
                FakeClaude::grandchild(&claude).is_some()
            });
            let grandchild = Pid::from_raw(FakeClaude::grandchild(&claude).unwrap());
            child.kill().unwrap();
            drop(child.wait());
            assert!(!is_at_end(&stdout), "the child of the child holds it open");
            kill(grandchild, Signal::SIGKILL).unwrap();
        } else {
            assert_eq!(
                FakeClaude::grandchild(&directory.path().join("claude")),
                None
            );
            let comm = format!("/proc/{}/comm", child.id());
            wait_until("it sleeps", || {
                std::fs::read_to_string(&comm).is_ok_and(|name| {
                    name == "sleep
"
                })
            });
            child.kill().unwrap();
            drop(child.wait());
        }
        wait_until("its stdout is closed", || is_at_end(&stdout));
    }
}

#[test]
fn another_behaviour_takes_the_place_of_the_first() {
    let directory = tempfile::tempdir().unwrap();
    drop(command(directory.path(), &Behaviour::ExitSilently(5)));
    let answer = Behaviour::Answer("<skip/>".to_owned());
    let ran = run(&mut command(directory.path(), &answer), STDIN.as_bytes());
    assert_eq!((ran.code, events(&ran).len()), (Some(0), 6));
}
