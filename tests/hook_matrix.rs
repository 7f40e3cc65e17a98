//! A hook never blocks, never fails and never speaks out of turn, whatever it is
//! given and whatever is broken around it.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use sockets_protocol::SafeId;

use crate::support::{
    HOOKS, Ran, Sandbox, Talk, assert_answer, binary, deadline, feed, hook_for, run, session_a,
    told, wait_until,
};

/// What stands on a hook's stdin.
struct Feed {
    what: &'static str,
    bytes: Vec<u8>,
    /// The other side never closes it.
    open: bool,
}

impl Feed {
    fn to(&self, command: &mut Command) -> Ran {
        feed(command, &self.bytes, self.open)
    }
}

/// A payload as Claude Code writes it, for the hook, in a session of that name.
fn recorded(hook: &str, session: &str) -> String {
    let data = include_str!("data/session-a.jsonl");
    // A read is announced with what it is called with.
    let announced = data.replace("\"PostToolUse\"", "\"PreToolUse\"");
    let data = if hook == "recall-hook" {
        &announced
    } else {
        data
    };
    let line = data
        .lines()
        .find(|line| {
            let payload: Value = serde_json::from_str(line).unwrap();
            hook_for(payload["hook_event_name"].as_str().unwrap()) == hook
        })
        .unwrap();
    line.replace("74c1e209-5ef6-4547-8a38-79ef71c9dc35", session)
}

/// The others only tell.
fn captures(hook: &str) -> bool {
    !["context-hook", "recall-hook"].contains(&hook)
}

/// The payload with 50 MB more in it.
fn huge(payload: &str) -> Vec<u8> {
    static PADDING: OnceLock<String> = OnceLock::new();
    let padding = PADDING.get_or_init(|| "word ".repeat(10 * 1024 * 1024));
    let start = payload.trim_end().strip_suffix('}').unwrap();
    format!("{start},\"padding\":\"{padding}\"}}").into_bytes()
}

fn feeds(hook: &str, session: &str) -> Vec<Feed> {
    let payload = recorded(hook, session);
    let bytes = payload.as_bytes();
    // Behind the event's name: what comes before it says nothing of the event.
    let named = payload.find("hook_event_name").unwrap() + "hook_event_name".len();
    let half = &bytes[..usize::midpoint(named, bytes.len())];
    let closed = |what, bytes: &[u8]| Feed {
        what,
        bytes: bytes.to_vec(),
        open: false,
    };
    let open = |what, bytes: &[u8]| Feed {
        what,
        bytes: bytes.to_vec(),
        open: true,
    };
    let mut broken = bytes.to_vec();
    let inside_a_text = payload.rfind('"').unwrap();
    broken.splice(inside_a_text..inside_a_text, [0xff, 0xfe, 0x80, 0xc3]);
    vec![
        closed("empty", b""),
        closed("an empty object", b"{}"),
        closed("cut in the session id", &bytes[..25]),
        closed("cut in the middle", half),
        closed("cut before its last byte", &bytes[..bytes.len() - 1]),
        closed("invalid UTF-8 in it", &broken),
        closed("nothing but invalid UTF-8", &[0xff; 4096]),
        closed("50 MB", &huge(&payload)),
        open("nothing, never closed", b""),
        open("half an object, never closed", half),
        open("a whole object, never closed", bytes),
        closed("a whole object", bytes),
    ]
}

/// What is wrong with the data directory.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Disk {
    Absent,
    ReadOnly,
    IsFile,
    /// No byte more fits.
    Full,
    /// No file may grow: what a quota or `ulimit -f` does, with a signal that
    /// ends a process which does not expect it.
    Limited,
}

/// The way to a mount namespace of one's own, where the system lets this user
/// have one.
fn namespace() -> Option<&'static [&'static str]> {
    static FOUND: OnceLock<Option<&'static [&'static str]>> = OnceLock::new();
    *FOUND.get_or_init(|| {
        let place = tempfile::tempdir().unwrap();
        let ways: [&[&str]; 2] = [&["-m"], &["-U", "-r", "-m"]];
        ways.into_iter().find(|way| {
            Command::new("unshare")
                .args(*way)
                .args([
                    "sh",
                    "-c",
                    "mount -t tmpfs -o size=64k none \"$0\" && mount -o remount,ro \"$0\"",
                ])
                .arg(place.path())
                .output()
                .is_ok_and(|output| output.status.success())
        })
    })
}

impl Disk {
    /// The hook as a command, in a world where its data directory is so.
    fn command(self, sandbox: &Sandbox, data: &Path, hook: &Path) -> Command {
        let shell = |script: &str| {
            let mut command = sandbox.command("/bin/sh");
            command.args(["-c", script]).arg(data).arg(hook);
            command
        };
        let mounted = |script: &str| {
            let mut command = sandbox.command("/usr/bin/unshare");
            command.args(namespace().unwrap_or_default());
            command.args(["sh", "-c", script]).arg(data).arg(hook);
            command
        };
        let private = || {
            std::fs::create_dir(data).unwrap();
            std::fs::set_permissions(data, std::fs::Permissions::from_mode(0o700)).unwrap();
        };
        let mut command = match self {
            Self::Absent => sandbox.command(hook),
            Self::IsFile => {
                std::fs::write(data, "not a directory").unwrap();
                sandbox.command(hook)
            }
            Self::ReadOnly => {
                private();
                if namespace().is_some() {
                    mounted(
                        "mount --bind \"$0\" \"$0\" && mount -o remount,bind,ro \"$0\" && exec \"$1\"",
                    )
                } else {
                    std::fs::set_permissions(data, std::fs::Permissions::from_mode(0o500)).unwrap();
                    without_privileges(sandbox, data, hook)
                }
            }
            Self::Full => {
                private();
                if namespace().is_some() {
                    mounted(
                        "mount -t tmpfs -o size=64k,mode=700 none \"$0\" || exit 9
                         cat /dev/zero >\"$0/filler\" 2>/dev/null
                         exec \"$1\"",
                    )
                } else {
                    shell("ulimit -f 0; exec \"$1\"")
                }
            }
            Self::Limited => shell("ulimit -f 0; exec \"$1\""),
        };
        command.env("CLAUDE_MEM_DATA_DIR", data);
        command
    }
}

/// As someone whom file modes bind; root is not.
fn without_privileges(sandbox: &Sandbox, data: &Path, hook: &Path) -> Command {
    use std::os::unix::process::CommandExt as _;
    const NOBODY: u32 = 65534;
    if !nix::unistd::geteuid().is_root() {
        return sandbox.command(hook);
    }
    for place in [sandbox.root.path(), &sandbox.home, &sandbox.project] {
        std::fs::set_permissions(place, std::fs::Permissions::from_mode(0o711)).unwrap();
    }
    std::os::unix::fs::chown(data, Some(NOBODY), Some(NOBODY)).unwrap();
    let copy = sandbox.copy_of_binaries(true);
    let mut command = sandbox.command(copy.join(hook.file_name().unwrap()));
    command.uid(NOBODY).gid(NOBODY);
    command
}

/// A run within the deadline. A machine that does other things may delay one
/// run; a hook that waits for something is late each time.
fn punctual(hook: &str, what: &str, mut attempt: impl FnMut(usize) -> Ran) -> Ran {
    let mut late = Vec::new();
    for number in 0..3 {
        let before = deadline(hook);
        let ran = attempt(number);
        if ran.took <= before.max(deadline(hook)) {
            return ran;
        }
        late.push(ran.took);
    }
    panic!("{hook}, {what}: {late:?}")
}

fn go_through(disk: Disk) {
    let sandbox = Sandbox::new();
    let mut runs = 0;
    for hook in HOOKS {
        for (number, feed) in feeds(hook, &format!("m-{hook}")).iter().enumerate() {
            let what = format!("{disk:?}, {}", feed.what);
            let ran = punctual(hook, &what, |attempt| {
                let data = sandbox.home.join(format!("data-{hook}-{number}-{attempt}"));
                let ran = feed.to(&mut disk.command(&sandbox, &data, &binary(hook)));
                assert_answer(hook, &ran, &what);
                leaves_no_trace(disk, &data, &what);
                ran
            });
            if hook == "context-hook"
                && matches!(disk, Disk::ReadOnly | Disk::IsFile | Disk::Full)
                && feed.what.starts_with("a whole object")
                && namespace().is_some()
            {
                let text = told(&ran.json());
                assert!(text.contains("is not keeping memory"), "{what}: {text:?}");
            }
            runs += 1;
        }
    }
    assert_eq!(runs, HOOKS.len() * 12);
}

/// Where nothing can be kept, nothing half-made lies about.
fn leaves_no_trace(disk: Disk, data: &Path, what: &str) {
    match disk {
        Disk::Absent => {}
        Disk::IsFile => {
            assert_eq!(std::fs::read(data).unwrap(), b"not a directory", "{what}");
        }
        Disk::ReadOnly => assert_eq!(std::fs::read_dir(data).unwrap().count(), 0, "{what}"),
        Disk::Full | Disk::Limited => {
            let mut found = Vec::new();
            files_below(data, &mut found);
            found.retain(|path| path.starts_with(data.join("spool")));
            assert!(found.is_empty(), "{what}: {found:?}");
        }
    }
}

fn files_below(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            files_below(&entry.path(), found);
        } else {
            found.push(entry.path());
        }
    }
}

#[test]
fn anything_on_stdin_with_no_data_directory() {
    go_through(Disk::Absent);
}

#[test]
fn anything_on_stdin_with_a_read_only_data_directory() {
    go_through(Disk::ReadOnly);
}

#[test]
fn anything_on_stdin_with_a_file_for_a_data_directory() {
    go_through(Disk::IsFile);
}

#[test]
fn anything_on_stdin_with_a_full_disk() {
    go_through(Disk::Full);
}

#[test]
fn anything_on_stdin_where_no_file_may_grow() {
    go_through(Disk::Limited);
}

#[test]
fn what_arrived_is_captured() {
    let sandbox = Sandbox::new();
    let mut expected = Vec::new();
    for hook in HOOKS.into_iter().filter(|hook| captures(hook)) {
        let wanted = [
            "middle",
            "last byte",
            "half",
            "whole",
            "invalid UTF-8 in it",
        ];
        for (number, feed) in feeds(hook, "").iter().enumerate() {
            if !wanted.iter().any(|part| feed.what.contains(part)) {
                continue;
            }
            let session = format!("arrived-{hook}-{number}");
            let feed = feeds(hook, &session).swap_remove(number);
            let ran = feed.to(&mut sandbox.command(binary(hook)));
            assert_answer(hook, &ran, feed.what);
            expected.push((session, feed.what));
        }
    }
    sandbox.wait_for_quiet();
    // A hook that was late may have come no further than its spool.
    for (session, what) in &expected {
        let events = sandbox.count(&format!(
            "SELECT count(*) FROM pending_messages WHERE content_session_id = '{session}'"
        ));
        let mut spooled = Vec::new();
        let spool = sandbox.locations().spool_dir(&SafeId::new(session));
        files_below(&spool, &mut spooled);
        assert_eq!(
            events + i64::try_from(spooled.len()).unwrap(),
            1,
            "{session}, {what}: {:?}",
            std::fs::read_to_string(sandbox.data.join("logs/hooks.log"))
        );
    }
    assert_eq!(
        sandbox.count("SELECT count(*) FROM pending_messages")
            + i64::try_from(sandbox.spooled()).unwrap(),
        i64::try_from(expected.len()).unwrap()
    );
    let cut: String = sandbox
        .database()
        .query_row(
            "SELECT prompt_text FROM user_prompts WHERE content_session_id = 'arrived-new-hook-3'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    let whole = session_a()[1]["prompt"].as_str().unwrap().to_owned();
    assert!(!cut.is_empty() && whole.starts_with(&cut), "{cut:?}");
    sandbox.assert_sound();
}

#[test]
fn a_broken_environment() {
    let sandbox = Sandbox::new();
    let missing = sandbox.root.path().join("not/there");
    let below_a_file = sandbox.root.path().join("file/home");
    std::fs::write(sandbox.root.path().join("file"), "").unwrap();
    let mut sessions = 0;
    for hook in HOOKS {
        for (number, what) in [
            "no HOME",
            "no PATH",
            "empty PATH",
            "HOME is not there",
            "HOME cannot be",
            "HOME is empty",
            "a deleted directory",
            "closed stdout",
            "closed stdin",
            "closed stderr",
            "sockets is a file",
        ]
        .into_iter()
        .enumerate()
        {
            let payload = recorded(hook, &format!("e-{hook}-{number}"));
            let data = sandbox.data.clone();
            let mut command = sandbox.command(binary(hook));
            let through_shell = |script: &str| {
                let mut command = sandbox.command("/bin/sh");
                command.args(["-c", script]).arg(binary(hook));
                command
            };
            match what {
                "no HOME" => drop(command.env_remove("HOME").env("CLAUDE_MEM_DATA_DIR", &data)),
                "no PATH" => drop(command.env_remove("PATH")),
                "empty PATH" => drop(command.env("PATH", "")),
                "HOME is not there" => drop(command.env("HOME", &missing)),
                "HOME cannot be" => drop(command.env("HOME", &below_a_file)),
                "HOME is empty" => drop(command.env("HOME", "").env("CLAUDE_MEM_DATA_DIR", &data)),
                "a deleted directory" => {
                    let gone = sandbox.root.path().join("gone");
                    std::fs::create_dir(&gone).unwrap();
                    command = through_shell("rmdir \"$PWD\"; exec \"$0\"");
                    command.current_dir(gone);
                }
                "closed stdout" => command = through_shell("exec \"$0\" >&-"),
                "closed stdin" => command = through_shell("exec \"$0\" <&-"),
                "closed stderr" => command = through_shell("exec \"$0\" 2>&-"),
                _ => {
                    let other = sandbox.root.path().join(format!("other-{hook}"));
                    std::fs::create_dir_all(&other).unwrap();
                    std::fs::write(other.join("sockets"), "").unwrap();
                    command.env("CLAUDE_MEM_DATA_DIR", &other);
                    let ran = run(&mut command, payload.as_bytes());
                    assert_answer(hook, &ran, what);
                    let mut kept = Vec::new();
                    files_below(&other.join("spool"), &mut kept);
                    assert_eq!(kept.len(), usize::from(captures(hook)), "{hook}");
                    continue;
                }
            }
            let ran = run(&mut command, payload.as_bytes());
            if what == "closed stdout" {
                assert_eq!(
                    (ran.code, &*ran.stdout, &*ran.stderr),
                    (Some(0), "", ""),
                    "{hook}"
                );
            } else {
                assert_answer(hook, &ran, what);
            }
            let elsewhere = what.starts_with("HOME is not") || what.starts_with("HOME cannot");
            sessions += i64::from(!elsewhere && what != "closed stdin" && captures(hook));
        }
    }
    sandbox.wait_for_quiet();
    assert_eq!(
        sandbox.count("SELECT count(*) FROM pending_messages"),
        sessions
    );
    assert!(missing.join(".claude-mem/claude-mem.db").exists());
    assert_eq!(
        std::fs::read(sandbox.root.path().join("file")).unwrap(),
        b""
    );
}

#[test]
fn switched_off_means_nothing_is_written() {
    for (name, value) in [("CLAUDE_MEM_INTERNAL", "1"), ("CLAUDE_MEM_DISABLED", "1")] {
        let mut sandbox = Sandbox::new();
        sandbox.set(name, value);
        for hook in HOOKS {
            let ran = feed(&mut sandbox.command(binary(hook)), b"", true);
            assert_answer(hook, &ran, name);
            let ran = sandbox.hook_raw(hook, recorded(hook, "off").as_bytes());
            assert_answer(hook, &ran, name);
            assert_eq!(ran.json(), json!({}), "{hook}, {name}");
        }
        assert!(sandbox.processes().is_empty());
        assert!(!sandbox.data.exists(), "{name}: {:?}", sandbox.files());
    }
}

#[test]
fn a_hundred_stops_say_nothing() {
    let sandbox = Sandbox::new();
    let talk = Talk::new("stops", &sandbox.project);
    drop(sandbox.event(&talk.prompt("p", "Go on until it is done.")));
    wait_until("a worker listens", || sandbox.worker_is_alive("stops"));
    for number in 0..100 {
        let mut payload = talk.stop("p", &format!("Stop number {number}."));
        payload["stop_hook_active"] = json!(number % 2 == 1);
        let ran = punctual("summary-hook", "again and again", |_| {
            sandbox.hook("summary-hook", &payload)
        });
        assert_answer("summary-hook", &ran, "again and again");
        assert_eq!(ran.json(), json!({}));
    }
    sandbox.wait_for_quiet();
    let notes = std::fs::read_to_string(sandbox.data.join("logs/hooks.log"));
    assert_eq!(
        sandbox.count("SELECT count(*) FROM pending_messages"),
        101,
        "{notes:?}"
    );
    assert_eq!(sandbox.count("SELECT count(*) FROM session_summaries"), 1);
    sandbox.assert_sound();
}

#[test]
fn a_spool_directory_that_is_taken_away_is_made_again() {
    let sandbox = Sandbox::new();
    let alone = sandbox.copy_of_binaries(false);
    let spool = sandbox.locations().spool_root();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // What workers do when they have emptied one, only more often.
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                for entry in std::fs::read_dir(&spool).into_iter().flatten().flatten() {
                    drop(std::fs::remove_dir(entry.path()));
                }
            }
        });
        for number in 0..100 {
            let talk = Talk::new(&format!("s{number}"), &sandbox.project);
            drop(sandbox.event_by(&alone, &talk.prompt("p", "Go on.")));
        }
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(sandbox.spooled(), 100);
}

/// Opening a pipe that nobody writes to waits for ever, as a dead network disk
/// does.
#[test]
fn a_file_that_never_answers_does_not_hold_the_host() {
    let sandbox = Sandbox::new();
    let locations = sandbox.locations();
    std::fs::create_dir_all(locations.sockets_dir()).unwrap();
    let marker = locations.private_marker(&sockets_protocol::SafeId::new("s"));
    nix::unistd::mkfifo(&marker, nix::sys::stat::Mode::S_IRWXU).unwrap();
    for (name, event) in [
        ("new-hook", "UserPromptSubmit"),
        ("save-hook", "PostToolUse"),
        ("summary-hook", "Stop"),
        ("cleanup-hook", "SessionEnd"),
    ] {
        let payload = serde_json::json!({
            "session_id": "s", "prompt_id": "p", "hook_event_name": event, "prompt": "hello",
            "tool_name": "Bash", "tool_use_id": "t", "tool_input": {"command": "make"},
        });
        let ran = sandbox.hook(name, &payload);
        assert_answer(name, &ran, "a file that never answers");
        let least = std::time::Duration::from_millis(100);
        assert!(ran.took > least, "{name} did not wait for it: {ran:?}");
    }
}
