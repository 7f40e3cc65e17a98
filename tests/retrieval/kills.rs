//! Whenever a writer dies, the index has the rows that the tables have.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use claude_mem::store::{NewObservation, Writer, checkpoint};
use sockets_protocol::Locations;

use super::memory::{found, observation, reader, remember};
use crate::support::Sandbox;

/// Kills in all, shared by databases that are written at the same time.
const KILLS: usize = 500;
const DATABASES: usize = 4;

/// The whole file is checked after so many kills, and at the end.
const CHECK_EVERY: usize = 25;

/// The first kills come before the database is ready, as the schema is made.
const KILLS_AT_BIRTH: usize = 10;

/// In the environment of a child: where it writes.
const WRITE_IN: &str = "CLAUDE_MEM_TEST_WRITE_IN";

/// What a child says of a turn that is committed, before the number of its last
/// observation.
const COMMITTED: &str = "committed ";

/// Rows that are in one and not in the other; nothing where both agree.
const DIFFERENCES: [&str; 6] = [
    "SELECT 'observation without index', id FROM observations
     WHERE id NOT IN (SELECT id FROM observations_fts_docsize)",
    "SELECT 'index without observation', id FROM observations_fts_docsize
     WHERE id NOT IN (SELECT id FROM observations)",
    "SELECT 'summary without index', id FROM session_summaries
     WHERE id NOT IN (SELECT id FROM session_summaries_fts_docsize)",
    "SELECT 'index without summary', id FROM session_summaries_fts_docsize
     WHERE id NOT IN (SELECT id FROM session_summaries)",
    "SELECT 'prompt without index', id FROM user_prompts
     WHERE id NOT IN (SELECT id FROM user_prompts_fts_docsize)",
    "SELECT 'index without prompt', id FROM user_prompts_fts_docsize
     WHERE id NOT IN (SELECT id FROM user_prompts)",
];

/// The child: a process of this test's own executable that writes for ever.
#[test]
#[ignore = "a child process of the test below"]
fn writes_until_it_is_killed() {
    let Some(directory) = std::env::var_os(WRITE_IN) else {
        return;
    };
    let locations = Locations::new(Path::new(&directory));
    let mut writer = Writer::open(&locations, "test").unwrap();
    let session = format!("session-{}", std::process::id());
    let mut out = std::io::stdout();
    for turn in 0.. {
        let observations = (0..3).map(|number| told(&session, turn, number)).collect();
        let ids = remember(&mut writer, (&session, "kills"), turn, observations);
        let last = ids.last().unwrap();
        writeln!(out, "{COMMITTED}{last}").unwrap();
        out.flush().unwrap();
        if checkpoint::is_due(&locations) {
            checkpoint::run(&locations).unwrap();
        }
    }
}

fn told(session: &str, turn: usize, number: usize) -> NewObservation {
    let mut told = observation(&format!("what {session} found in turn {turn} as {number}"));
    told.narrative = "Whoever writes may die at any moment. ".repeat(20);
    told.files_modified = vec![format!("src/turn_{turn}/part_{number}.rs")];
    told
}

fn start(sandbox: &Sandbox) -> Child {
    sandbox
        .command(std::env::current_exe().unwrap())
        .args([
            "retrieval::kills::writes_until_it_is_killed",
            "--exact",
            "--ignored",
        ])
        .env(WRITE_IN, &sandbox.data)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
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

/// Starts a writer and kills it a moment later. Returns the last observation
/// that it said was committed.
fn kill_one(sandbox: &Sandbox, random: &mut Seeded, at_birth: bool) -> Option<i64> {
    let mut child = start(sandbox);
    let mut said = BufReader::new(child.stdout.take().unwrap());
    let mut committed = None;
    let mut line = String::new();
    if !at_birth {
        while committed.is_none() {
            line.clear();
            assert!(
                said.read_line(&mut line).unwrap() > 0,
                "the child has ended"
            );
            committed = number(&line);
        }
    }
    let (_keep, never) = std::sync::mpsc::channel::<()>();
    let pause = Duration::from_micros(random.below(12_000));
    assert!(never.recv_timeout(pause).is_err());
    child.kill().unwrap();
    child.wait().unwrap();
    for line in said.lines() {
        committed = number(&line.unwrap()).or(committed);
    }
    committed
}

fn number(line: &str) -> Option<i64> {
    line.trim_end().strip_prefix(COMMITTED)?.parse().ok()
}

/// Opens the database as the next worker would, and looks whether all is there.
fn look(sandbox: &Sandbox, committed: Option<i64>, thoroughly: bool) {
    drop(Writer::open(&sandbox.locations(), "test").unwrap());
    for sql in DIFFERENCES {
        assert_eq!(sandbox.dump(sql), Vec::<String>::new());
    }
    let stored = sandbox.count("SELECT coalesce(max(id), 0) FROM observations");
    assert!(
        stored >= committed.unwrap_or(0),
        "{stored} of {committed:?}"
    );
    if let Some(id) = committed {
        let sql = format!("SELECT title FROM observations WHERE id = {id}");
        let title: String = sandbox
            .database()
            .query_row(&sql, [], |row| row.get(0))
            .unwrap();
        let ids = found(&reader(&sandbox.locations()), &title, Some("kills"));
        assert!(ids.contains(&id), "{title:?} found {ids:?} and not {id}");
    }
    if thoroughly {
        assert_eq!(sandbox.dump("PRAGMA integrity_check"), ["Text(\"ok\")"]);
    }
}

#[test]
fn five_hundred_writers_killed_in_the_middle_leave_index_and_tables_in_step() {
    std::thread::scope(|scope| {
        for database in 0..DATABASES {
            scope.spawn(move || {
                let sandbox = Sandbox::new();
                let mut random = Seeded(0x9e37_79b9_7f4a_7c15 + database as u64);
                let mut committed = None;
                for kill in 0..KILLS / DATABASES {
                    let at_birth = kill < KILLS_AT_BIRTH;
                    committed = kill_one(&sandbox, &mut random, at_birth).or(committed);
                    look(&sandbox, committed, kill % CHECK_EVERY == 0);
                }
                look(&sandbox, committed, true);
            });
        }
    });
}
