//! What lies on the disk belongs to its user alone, lies where it should, and
//! nowhere else.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;
use sockets_protocol::{Locations, SafeId};

use crate::support::{
    HOOKS, Ran, Sandbox, Talk, assert_answer, binary, hook_for, run, told, wait_until,
};

/// A user who is not root and owns nothing.
const NOBODY: u32 = 65534;

/// Everything below a directory, itself included, with what kind it is.
fn tree(root: &Path) -> Vec<(PathBuf, std::fs::Metadata)> {
    let mut found = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(path) = open.pop() {
        let Ok(metadata) = std::fs::symlink_metadata(&path) else {
            continue;
        };
        if metadata.is_dir() {
            let entries = std::fs::read_dir(&path).into_iter().flatten().flatten();
            open.extend(entries.map(|entry| entry.path()));
        }
        found.push((path, metadata));
    }
    found.sort_by(|left, right| left.0.cmp(&right.0));
    found
}

/// Directories 0700, everything else 0600. Gives back how many sockets there
/// were.
fn assert_private(data: &Path) -> usize {
    let mut sockets = 0;
    for (path, metadata) in tree(data) {
        let kind = metadata.file_type();
        let wanted = match () {
            () if kind.is_symlink() => continue,
            () if kind.is_dir() => 0o700,
            () => 0o600,
        };
        sockets += usize::from(kind.is_socket());
        let mode = metadata.mode() & 0o7777;
        assert_eq!(mode, wanted, "{} has {mode:o}", path.display());
    }
    sockets
}

#[test]
fn the_umask_changes_nothing() {
    for umask in ["000", "077"] {
        let mut sandbox = Sandbox::new();
        sandbox.set("CLAUDE_MEM_WORKER_IDLE_SECS", "20");
        let script = format!("umask {umask}; exec \"$0\" \"$@\"");
        let shell = |sandbox: &Sandbox, program: &Path, arguments: &[&str], stdin: &[u8]| {
            let mut command = sandbox.command("/bin/sh");
            command.args(["-c", &script]).arg(program).args(arguments);
            run(&mut command, stdin)
        };
        let event = |sandbox: &Sandbox, payload: &serde_json::Value| {
            let hook = hook_for(payload["hook_event_name"].as_str().unwrap());
            let ran = shell(sandbox, &binary(hook), &[], payload.to_string().as_bytes());
            assert_answer(hook, &ran, umask);
        };
        let talk = Talk::new("umask", &sandbox.project);
        let payloads = talk.decision("turn", "the price list");
        event(&sandbox, &payloads[0]);
        wait_until("the worker listens", || assert_private(&sandbox.data) > 0);
        for payload in &payloads[1..] {
            event(&sandbox, payload);
        }
        sandbox.wait_for_quiet();
        // What is told, what cannot be told, settings, and the spool.
        event(&sandbox, &talk.start("startup"));
        let ran = shell(
            &sandbox,
            &binary("claude-mem"),
            &["settings", "set", "CLAUDE_MEM_LOG_LEVEL", "info"],
            b"",
        );
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let alone = sandbox.copy_of_binaries(false);
        sandbox.set("CLAUDE_MEM_WORKER_IDLE_SECS", "1");
        let spooled = shell(
            &sandbox,
            &alone.join("new-hook"),
            &[],
            talk.prompt("later", "Go on.").to_string().as_bytes(),
        );
        assert_answer("new-hook", &spooled, "no worker");
        assert_eq!(sandbox.spooled(), 1);
        let ran = shell(&sandbox, &binary("claude-mem"), &["status"], b"");
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert_private(&sandbox.data);
        for part in [
            "claude-mem.db",
            "logs",
            "projects/billing.json",
            "sockets",
            "spool/umask",
            "told/umask.json",
            "settings.json",
        ] {
            assert!(sandbox.data.join(part).exists(), "{part} was not looked at");
        }
        let ran = shell(&sandbox, &binary("claude-mem"), &["worker", "umask"], b"");
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert_private(&sandbox.data);
        sandbox.assert_sound();
    }
}

#[test]
fn a_directory_that_others_may_enter_is_closed_to_them() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(&sandbox.data).unwrap();
    std::fs::set_permissions(&sandbox.data, std::fs::Permissions::from_mode(0o777)).unwrap();
    sandbox.play(&Talk::new("open", &sandbox.project).decision("turn", "the price list"));
    sandbox.wait_for_quiet();
    assert_private(&sandbox.data);
}

#[test]
fn a_home_of_three_hundred_characters() {
    let root = tempfile::Builder::new().prefix("cm").tempdir().unwrap();
    let mut home = root.path().to_owned();
    while home.as_os_str().len() < 300 {
        home.push("a-rather-long-part-of-a-path");
    }
    let mut sandbox = Sandbox::at(root, home);
    sandbox.set("CLAUDE_MEM_WORKER_IDLE_SECS", "20");
    let talk = Talk::new("6b0b747e-6fde-4e91-8720-7acc3128ab18", &sandbox.project);
    let payloads = talk.decision("turn", "the price list");
    let (before, after) = payloads.split_at(2);
    drop(sandbox.told(&talk, "startup"));
    drop(sandbox.event(&before[0]));
    let locations = sandbox.locations();
    let socket = locations.socket(&SafeId::new(&talk.session));
    wait_until("the worker listens", || socket.exists());
    drop(sandbox.event(&before[1]));
    assert_eq!(
        sandbox.spooled(),
        0,
        "a worker that listens was not reached"
    );
    let status = sandbox.claude_mem(["status", "--json"]);
    assert_eq!(status.code, Some(0), "{status:?}");
    assert!(status.stdout.contains(&talk.session), "{status:?}");
    assert_eq!(
        status.json()["workers"].as_array().unwrap().len(),
        1,
        "{status:?}"
    );
    sandbox.play(after);
    sandbox.wait_for_quiet();
    assert!(
        sandbox
            .told(&Talk::new("next", &sandbox.project), "startup")
            .contains("price list")
    );
    sandbox.assert_sound();
}

#[test]
fn the_data_directory_goes_where_it_is_told() {
    for (value, place) in [
        ("kept/here", "kept/here"),
        ("./kept", "kept"),
        ("~/notes/of mine", "notes/of mine"),
        ("~", ""),
    ] {
        let mut sandbox = Sandbox::new();
        sandbox.set("CLAUDE_MEM_DATA_DIR", value);
        let expected = sandbox.home.join(place);
        if place.is_empty() {
            // The home itself would be closed to everyone else.
            continue;
        }
        sandbox.data.clone_from(&expected);
        sandbox.play(&Talk::new("moved", &sandbox.project).decision("turn", "the price list"));
        sandbox.wait_for_quiet();
        let told = sandbox.told(&Talk::new("next", &sandbox.project), "startup");
        assert!(told.contains("price list"), "{value}: {told}");
        assert_private(&expected);
        assert!(!sandbox.home.join(".claude-mem").exists(), "{value}");
        assert!(!sandbox.home.join("~").exists(), "{value}");
        assert!(!sandbox.project.join("kept").exists(), "{value}");
        sandbox.assert_sound();
    }
}

/// Everything with its size, its time and its mode; the time of the directory
/// that gets the data directory changes.
fn snapshot(root: &Path, without: &Path) -> BTreeMap<PathBuf, String> {
    tree(root)
        .into_iter()
        .filter(|(path, _)| !path.starts_with(without))
        .map(|(path, data)| {
            let content = if data.is_dir() && Some(&*path) == without.parent() {
                String::new()
            } else {
                format!("{} {:?}", data.len(), data.modified().unwrap())
            };
            (path, format!("{:o} {content}", data.mode()))
        })
        .collect()
}

#[test]
fn nothing_is_written_outside_the_data_directory() {
    let mut sandbox = Sandbox::new();
    let temporary = sandbox.root.path().join("tmp");
    std::fs::create_dir(&temporary).unwrap();
    sandbox.set("TMPDIR", temporary.as_os_str());
    let git = |arguments: &[&str]| {
        let output = Command::new("git")
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &sandbox.home)
            .args(["-c", "user.name=T", "-c", "user.email=t@example.com"])
            .args(arguments)
            .current_dir(&sandbox.project)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    std::fs::write(sandbox.project.join("a.py"), "a = 1\n").unwrap();
    git(&["init", "-q"]);
    git(&["add", "-A"]);
    git(&["commit", "-q", "-m", "begin"]);
    let before = snapshot(sandbox.root.path(), &sandbox.data);
    let talk = Talk::new("tidy", &sandbox.project);
    for source in ["startup", "resume", "compact"] {
        drop(sandbox.told(&talk, source));
        sandbox.play(&talk.decision(source, "the price list"));
        sandbox.wait_for_quiet();
    }
    for arguments in [
        &["context"][..],
        &["list"],
        &["search", "price"],
        &["show", "1"],
        &["status"],
        &["logs"],
        &["settings"],
    ] {
        drop(sandbox.claude_mem(arguments.iter().copied()));
    }
    assert!(sandbox.files().len() > 3);
    assert_eq!(snapshot(sandbox.root.path(), &sandbox.data), before);
    assert_eq!(git(&["status", "--porcelain", "--ignored"]), "");
}

/// Two users; without root there is only one.
#[expect(clippy::print_stderr, reason = "says why a test proves nothing")]
fn two_users() -> Option<Sandbox> {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("skipped: only root can act as two users");
        return None;
    }
    let sandbox = Sandbox::new();
    for place in [sandbox.root.path(), &sandbox.home, &sandbox.project] {
        std::fs::set_permissions(place, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    Some(sandbox)
}

/// One of our programs, run by the other user with a home of their own and
/// the first user's data directory.
fn as_nobody(sandbox: &Sandbox, program: &Path, arguments: &[&str], stdin: &[u8]) -> Ran {
    let home = sandbox.root.path().join("nobodys-home");
    std::fs::create_dir_all(&home).unwrap();
    chown(&home, Some(NOBODY), Some(NOBODY)).unwrap();
    let mut command = sandbox.command(program);
    command
        .args(arguments)
        .env("HOME", home)
        .env("CLAUDE_MEM_DATA_DIR", &sandbox.data)
        .uid(NOBODY)
        .gid(NOBODY);
    run(&mut command, stdin)
}

#[test]
fn another_user_sees_and_changes_nothing() {
    let Some(mut sandbox) = two_users() else {
        return;
    };
    sandbox.set("CLAUDE_MEM_WORKER_IDLE_SECS", "20");
    let binaries = sandbox.copy_of_binaries(true);
    let talk = Talk::new("mine", &sandbox.project);
    sandbox.play(&talk.decision("turn", "the zebrafish ledger"));
    sandbox.wait_for_quiet();
    drop(sandbox.event(&talk.prompt("next", "Go on.")));
    let socket = sandbox.locations().socket(&SafeId::new("mine"));
    wait_until("the worker listens", || socket.exists());
    wait_until("the worker has the prompt", || {
        sandbox.count("SELECT count(*) FROM user_prompts") == 2
    });
    let link = sandbox.locations().database_id_link(1);
    wait_until("its link is there", || link.symlink_metadata().is_ok());
    let before: Vec<PathBuf> = tree(&sandbox.data)
        .into_iter()
        .map(|(path, _)| path)
        .collect();
    let events = sandbox.count("SELECT count(*) FROM pending_messages");

    let told = assert_shut_out(&sandbox, &binaries, &talk);
    assert!(told.contains("is not keeping memory"), "{told:?}");
    // The same with nothing but the kernel's word for who it is: file modes
    // that let everyone in.
    let sockets = sandbox.locations().sockets_dir();
    for (path, mode) in [(&sandbox.data, 0o711), (&sockets, 0o711), (&socket, 0o666)] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    drop(assert_shut_out(&sandbox, &binaries, &talk));
    let speaker = sandbox.root.path().join("speaker");
    std::fs::copy(std::env::current_exe().unwrap(), &speaker).unwrap();
    let spoken = as_nobody(
        &sandbox,
        &speaker,
        &[
            "--exact",
            "files::speaks_to_a_socket",
            "--ignored",
            "--nocapture",
        ],
        socket.to_str().unwrap().as_bytes(),
    );
    assert!(spoken.stdout.contains("ANSWER []"), "{spoken:?}");

    let after: Vec<PathBuf> = tree(&sandbox.data)
        .into_iter()
        .map(|(path, _)| path)
        .collect();
    assert_eq!(after, before);
    assert_eq!(
        sandbox.count("SELECT count(*) FROM pending_messages"),
        events
    );
    drop(sandbox.event(&talk.end("next")));
    sandbox.wait_for_quiet();
    sandbox.assert_sound();
}

/// All that the other user can try with our own programs. Gives back what a
/// session of theirs is told.
fn assert_shut_out(sandbox: &Sandbox, binaries: &Path, talk: &Talk) -> String {
    for hook in HOOKS.into_iter().skip(1) {
        let payload = talk
            .decision("other", "their own ledger")
            .into_iter()
            .chain([talk.read("other", "read", "/etc/hostname")])
            .find(|payload| hook_for(payload["hook_event_name"].as_str().unwrap()) == hook)
            .unwrap();
        let ran = as_nobody(
            sandbox,
            &binaries.join(hook),
            &[],
            payload.to_string().as_bytes(),
        );
        assert_answer(hook, &ran, "another user");
    }
    for arguments in [
        &["list", "--all"][..],
        &["search", "--all", "zebrafish"],
        &["show", "1"],
        &["logs"],
        &["context", "--project", "billing"],
        &["status"],
        &["worker", "mine"],
    ] {
        let ran = as_nobody(sandbox, &binaries.join("claude-mem"), arguments, b"");
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(
            !said.contains("ebrafish l") && !said.contains("ebrafish is"),
            "{arguments:?}: {said}"
        );
        assert!(!said.contains("panicked"), "{arguments:?}: {said}");
    }
    let start = talk.start("startup").to_string();
    let ran = as_nobody(
        sandbox,
        &binaries.join("context-hook"),
        &[],
        start.as_bytes(),
    );
    assert_answer("context-hook", &ran, "another user");
    let text = told(&ran.json());
    assert!(!text.contains("ebrafish"), "{text}");
    assert!(sandbox.files_with(b"their own ledger").is_empty());
    text
}

/// Not a test by itself: the other user's side of one, run in a process of its
/// own. Says a prompt to the socket whose path is on stdin, and prints what
/// comes back.
#[test]
#[ignore = "run by another test, as another user"]
fn speaks_to_a_socket() {
    let mut path = String::new();
    std::io::stdin().read_to_string(&mut path).unwrap();
    if path.is_empty() {
        return;
    }
    let mut stream = UnixStream::connect(&path).unwrap();
    drop(stream.write_all(b"{\"type\":\"prompt\",\"id\":\"foreign\",\"prompt\":\"their own ledger\"}\n{\"type\":\"status\"}\n"));
    let mut answer = Vec::new();
    drop(BufReader::new(&stream).read_until(b'\n', &mut answer));
    let answer = String::from_utf8_lossy(&answer);
    std::io::stdout()
        .write_all(format!("ANSWER [{answer}]\n").as_bytes())
        .unwrap();
}

#[test]
fn a_data_directory_of_someone_else_is_left_alone() {
    let Some(sandbox) = two_users() else {
        return;
    };
    // Everyone may write there, and its owner has prepared it: with memories
    // that this user's sessions would believe.
    let theirs = Talk::new("theirs", &sandbox.project);
    sandbox.play(&theirs.decision("turn", "the poisoned well"));
    sandbox.wait_for_quiet();
    for (path, _) in tree(&sandbox.data) {
        let mode = if path.is_dir() { 0o777 } else { 0o666 };
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        chown(&path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
    let before = snapshot(&sandbox.data, Path::new("/nowhere"));
    let talk = Talk::new("mine", &sandbox.project);
    for payload in talk.decision("turn", "the zebrafish ledger") {
        let ran = sandbox.event(&payload);
        assert_eq!(ran.json(), json!({}));
    }
    let told = sandbox.told(&talk, "startup");
    assert!(told.contains("is not keeping memory"), "{told:?}");
    let worker = sandbox.claude_mem(["worker", "mine"]);
    assert_eq!(worker.code, Some(1), "{worker:?}");
    assert!(worker.stderr.contains("belongs to"), "{worker:?}");
    assert!(sandbox.processes().is_empty());
    assert_eq!(snapshot(&sandbox.data, Path::new("/nowhere")), before);
    assert_eq!(
        Locations::new(&sandbox.data)
            .data_dir()
            .metadata()
            .unwrap()
            .uid(),
        NOBODY
    );
}

#[test]
fn memories_in_a_directory_of_someone_else_are_not_believed() {
    let Some(sandbox) = two_users() else {
        return;
    };
    let talk = Talk::new("theirs", &sandbox.project);
    sandbox.play(&talk.decision("turn", "the poisoned well"));
    sandbox.wait_for_quiet();
    let mine = Talk::new("mine", &sandbox.project);
    assert!(sandbox.told(&mine, "startup").contains("poisoned"));
    chown(&sandbox.data, Some(NOBODY), Some(NOBODY)).unwrap();
    let told = sandbox.told(&mine, "startup");
    assert!(told.contains("is not keeping memory"), "{told:?}");
    assert!(!told.contains("poisoned"), "{told}");
}
