//! Things go wrong: nothing is lost, nothing is doubled.

use std::collections::HashSet;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::support::{
    Foreground, Sandbox, Talk, assert_answer, bash_line, binary, hook_for, session_a, wait_until,
};

const SESSION: &str = "74c1e209-5ef6-4547-8a38-79ef71c9dc35";

/// Everything that is stored but the clock's part in it.
const STORED: [&str; 7] = [
    "SELECT * FROM sdk_sessions ORDER BY id",
    "SELECT * FROM turns ORDER BY id",
    "SELECT * FROM user_prompts ORDER BY id",
    "SELECT * FROM observations ORDER BY id",
    "SELECT * FROM session_summaries ORDER BY id",
    "SELECT * FROM pending_messages ORDER BY id",
    "SELECT * FROM skip_counts ORDER BY session_db_id, reason",
];

fn stored(sandbox: &Sandbox) -> Vec<Vec<String>> {
    STORED.iter().map(|sql| sandbox.dump(sql)).collect()
}

/// Events of the recorded session that are captured.
fn captured() -> usize {
    session_a()
        .iter()
        .filter(|payload| payload["hook_event_name"] != "SessionStart")
        .count()
}

/// The recorded session under another id.
fn session_a_as(session: &str) -> Vec<Value> {
    session_a()
        .into_iter()
        .map(|mut payload| {
            payload["session_id"] = session.into();
            payload
        })
        .collect()
}

fn with_idle(seconds: &str) -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.set("CLAUDE_MEM_WORKER_IDLE_SECS", seconds);
    sandbox
}

/// Each event of each of these sessions is there once, and became what it
/// became once.
fn assert_once(sandbox: &Sandbox, sessions: &[String]) {
    let events = i64::try_from(captured()).unwrap();
    for session in sessions {
        assert_eq!(
            sandbox.dump(&format!(
                "SELECT count(*), count(DISTINCT event_id) FROM pending_messages
                 WHERE content_session_id = '{session}'"
            )),
            [format!("Integer({events}) | Integer({events})")],
            "{session}: {}",
            sandbox.worker_log()
        );
    }
    let doubled = "SELECT session_db_id, prompt_number, lower(title), count(*) FROM observations
                   GROUP BY 1, 2, 3 HAVING count(*) > 1";
    assert_eq!(sandbox.dump(doubled), Vec::<String>::new());
    let summaries =
        "SELECT session_db_id, count(*) FROM session_summaries GROUP BY 1 HAVING count(*) <> 3";
    assert_eq!(sandbox.dump(summaries), Vec::<String>::new());
    assert_eq!(
        sandbox.count("SELECT count(*) FROM user_prompts"),
        3 * i64::try_from(sessions.len()).unwrap()
    );
}

#[test]
fn what_was_acknowledged_survives_the_death_of_the_worker() {
    let sandbox = with_idle("60");
    let worker = Foreground::start(&sandbox, "dies", "dies");
    let mut client = sandbox.client("dies");
    for number in 0..10 {
        assert_eq!(
            client.ask(bash_line(&format!("e{number}"), "ls"))["status"],
            "queued"
        );
    }
    worker.signal(Signal::SIGKILL);
    let (code, _) = worker.wait();
    assert_eq!(code, None);
    assert!(sandbox.socket("dies").exists(), "it could not clean up");
    // It died while it worked on some of them, and its lease is far from over.
    change(
        &sandbox.locations().database(),
        "UPDATE pending_messages SET status = 'processing', retry_count = 1, lease_owner = 'dead',
             lease_expires_at_epoch = 4102444800000 WHERE id % 2 = 0",
    );
    let next = Foreground::start(&sandbox, "dies", "dies");
    let mut client = sandbox.client("dies");
    assert_eq!(client.ask(bash_line("e9", "ls"))["status"], "duplicate");
    assert_eq!(
        client.ask(r#"{"type":"finalize","id":"f"}"#)["status"],
        "queued"
    );
    next.wait();
    sandbox.assert_all_done();
    assert_eq!(sandbox.count("SELECT count(*) FROM pending_messages"), 11);
}

/// Does to a database what a dead worker or another program has done to it.
#[expect(
    clippy::disallowed_methods,
    reason = "the store makes only databases as they should be"
)]
fn change(database: &Path, sql: &str) {
    let connection = rusqlite::Connection::open(database).unwrap();
    connection.execute_batch(sql).unwrap();
}

/// Numbers that look random and are the same in every run.
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// Kills whatever worker lives at moments nobody chose, until that has been done
/// `wanted` times.
fn kill_at_random(sandbox: &Sandbox, wanted: usize, done: &AtomicBool) {
    let mut random = Seeded(0x9e37_79b9_7f4a_7c15);
    let (_keep, never) = std::sync::mpsc::channel::<()>();
    let mut kills = 0;
    while kills < wanted {
        let pause = Duration::from_micros(random.below(40_000));
        assert!(never.recv_timeout(pause).is_err());
        for pid in sandbox.workers() {
            kills += usize::from(kill(pid, Signal::SIGKILL).is_ok());
        }
    }
    done.store(true, Ordering::SeqCst);
}

#[test]
fn workers_killed_at_forty_random_moments_lose_and_double_nothing() {
    let sandbox = with_idle("1");
    let done = AtomicBool::new(false);
    let mut sessions = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| kill_at_random(&sandbox, 40, &done));
        while !done.load(Ordering::SeqCst) {
            let session = format!("copy-{}", sessions.len());
            sandbox.play(&session_a_as(&session));
            sessions.push(session);
        }
    });
    // The next worker of each session, whoever starts it.
    let finishing: Vec<_> = sessions
        .iter()
        .map(|session| {
            let mut worker = sandbox.command(crate::support::binary("claude-mem"));
            worker
                .args(["worker", session])
                .stderr(std::process::Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut worker in finishing {
        assert!(worker.wait().unwrap().code().is_some());
    }
    sandbox.wait_for_quiet();
    let waiting = "SELECT count(*) FROM pending_messages WHERE status IN ('pending', 'processing')";
    assert_eq!((sandbox.count(waiting), sandbox.spooled()), (0, 0));
    sandbox.assert_conserved();
    assert_once(&sandbox, &sessions);
}

#[test]
fn replaying_a_session_changes_nothing() {
    let sandbox = Sandbox::new();
    sandbox.play(&session_a());
    sandbox.wait_for_quiet();
    sandbox.assert_all_done();
    assert_once(&sandbox, &[SESSION.to_owned()]);
    let before = stored(&sandbox);
    assert!(
        before.iter().take(6).all(|rows| !rows.is_empty()),
        "{before:?}"
    );
    sandbox.play(&session_a());
    sandbox.wait_for_quiet();
    assert_eq!(stored(&sandbox), before);
    sandbox.assert_all_done();
}

#[test]
fn two_terminals_with_one_session_are_captured_once() {
    let sandbox = Sandbox::new();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| sandbox.play(&session_a()));
        }
    });
    sandbox.wait_for_quiet();
    sandbox.assert_all_done();
    assert_once(&sandbox, &[SESSION.to_owned()]);
}

#[test]
fn a_worker_that_hangs_holds_no_hook_up_and_finds_everything_when_it_wakes() {
    let sandbox = with_idle("60");
    let payloads = session_a();
    sandbox.play(&payloads[..2]);
    sandbox.wait_for_listener(SESSION);
    let pid = sandbox.worker_pid(SESSION);
    kill(pid, Signal::SIGSTOP).unwrap();
    for payload in &payloads[2..] {
        let hook = hook_for(payload["hook_event_name"].as_str().unwrap());
        let ran = sandbox.hook(hook, payload);
        assert_answer(hook, &ran, "worker stopped");
    }
    assert_eq!(sandbox.spooled(), captured() - 1);
    kill(pid, Signal::SIGCONT).unwrap();
    sandbox.wait_for_quiet();
    sandbox.assert_all_done();
    assert_once(&sandbox, &[SESSION.to_owned()]);
    assert_eq!(sandbox.workers_started(), 1);
}

/// Something else is where the database should be: events wait, it stays as it
/// is, and when it is moved away they become memory.
fn in_the_way(put: impl FnOnce(&Path), look: impl Fn(&Path) -> Vec<u8>) {
    let sandbox = with_idle("60");
    let database = sandbox.locations().database();
    std::fs::create_dir_all(&sandbox.data).unwrap();
    put(&database);
    let before = look(&database);
    let talk = Talk::new("talk", &sandbox.project);
    sandbox.play(&talk.decision("p1", "the ledger"));
    sandbox.wait_for_quiet();
    assert_eq!(sandbox.spooled(), 4);
    assert_eq!(look(&database), before, "it was changed");
    for ending in ["-wal", "-shm", "-journal"] {
        let beside = sandbox.data.join(format!("claude-mem.db{ending}"));
        assert!(!beside.exists(), "{} was left", beside.display());
    }
    assert!(
        sandbox.worker_log().contains("claude-mem.db"),
        "{}",
        sandbox.worker_log()
    );
    std::fs::rename(&database, sandbox.root.path().join("moved-away")).unwrap();
    // A start that failed a moment ago is not tried again at once.
    wait_until("the spool is taken in", || {
        sandbox.play(&[talk.stop("p1", "And so it is.")]);
        sandbox.spooled() == 0
    });
    sandbox.wait_for_quiet();
    sandbox.assert_all_done();
    assert_eq!(sandbox.count("SELECT count(*) FROM pending_messages"), 5);
    assert_eq!(sandbox.count("SELECT count(*) FROM session_summaries"), 1);
    assert!(sandbox.count("SELECT count(*) FROM observations") > 0);
}

#[test]
fn events_wait_while_a_directory_is_in_the_databases_place() {
    in_the_way(
        |database| std::fs::create_dir(database).unwrap(),
        |database| {
            let names: HashSet<_> = std::fs::read_dir(database)
                .unwrap()
                .flatten()
                .collect::<Vec<_>>()
                .iter()
                .map(std::fs::DirEntry::file_name)
                .collect();
            format!("{names:?}").into_bytes()
        },
    );
}

#[test]
fn events_wait_while_another_programs_database_is_there() {
    in_the_way(
        |database| {
            change(
                database,
                "CREATE TABLE notes (text); INSERT INTO notes VALUES ('mine');",
            );
        },
        |database| std::fs::read(database).unwrap(),
    );
}

#[test]
fn events_wait_while_the_original_claude_mems_database_is_there() {
    in_the_way(
        |database| {
            change(
                database,
                    "CREATE TABLE schema_versions (id INTEGER PRIMARY KEY, version INTEGER UNIQUE NOT NULL,
                         applied_at TEXT NOT NULL);
                     INSERT INTO schema_versions (version, applied_at) VALUES (5, '2025-11-01');
                     CREATE TABLE sdk_sessions (id INTEGER PRIMARY KEY AUTOINCREMENT,
                         claude_session_id TEXT UNIQUE NOT NULL, sdk_session_id TEXT UNIQUE,
                         project TEXT NOT NULL, status TEXT NOT NULL DEFAULT 'active');
                     INSERT INTO sdk_sessions (claude_session_id, project) VALUES ('theirs', 'billing');",
            );
        },
        |database| std::fs::read(database).unwrap(),
    );
}

#[test]
fn events_wait_while_a_file_that_is_no_database_is_there() {
    in_the_way(
        |database| {
            std::fs::write(
                database,
                "a shopping list, of no use to SQLite\n".repeat(40),
            )
            .unwrap();
        },
        |database| std::fs::read(database).unwrap(),
    );
}

/// A lid that is closed, a machine short of processors: the hook's time passes
/// without the hook.
#[test]
fn a_machine_that_stands_still_loses_no_event() {
    let sandbox = with_idle("2");
    let talk = Talk::new("still", &sandbox.project);
    drop(sandbox.event(&talk.prompt("p", "Go on until it is done.")));
    wait_until("a worker listens", || sandbox.worker_is_alive("still"));
    let mut sent = 0;
    for number in 0..8 {
        let payload = talk
            .bash("p", &format!("call-{number}"), "make", "made")
            .to_string();
        // Before the payload, in its middle, before its end.
        let heard = payload.len() * (number % 3) / 2;
        let heard = heard.min(payload.len() - 1);
        let mut child = sandbox
            .command(binary("save-hook"))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(&payload.as_bytes()[..heard]).unwrap();
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
        // Its limit has begun to run by then.
        wait_until("it waits for its payload", || {
            std::fs::read_to_string(format!("/proc/{pid}/stat"))
                .is_ok_and(|stat| stat.contains("(save-hook) S "))
        });
        kill(pid, Signal::SIGSTOP).unwrap();
        let stopped = Instant::now();
        wait_until("its limit has passed", || {
            stopped.elapsed() > Duration::from_millis(700)
        });
        input.write_all(&payload.as_bytes()[heard..]).unwrap();
        drop(input);
        kill(pid, Signal::SIGCONT).unwrap();
        assert!(child.wait().unwrap().success());
        sent += 1;
    }
    sandbox.wait_for_quiet();
    let kept =
        sandbox.count("SELECT count(*) FROM pending_messages WHERE message_type = 'observation'");
    // The second tick may come right after the standstill.
    assert!(kept >= sent - 1, "{kept} of {sent}");
    sandbox.assert_sound();
}
