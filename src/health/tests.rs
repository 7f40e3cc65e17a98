use std::fs;
use std::path::Path;

use capture::settings::Settings;
use nix::unistd::geteuid;
use sockets_protocol::{Counters, Locations, SafeId, spool_file_name};

use crate::context::fixture::{MINUTE, MORNING, Memory, new_observation};
use crate::store::{Reader, StoreError};

use super::stall::Evidence;
use super::*;

const STALL: i64 = 15 * MINUTE;

fn settings(locations: &Locations) -> Settings {
    // What the environment of the tests offers is no matter of theirs.
    let local = |name: &str| (name == "CLAUDE_MEM_PROVIDER").then(|| "local".to_owned());
    Settings::from_parts(local, locations.data_dir())
}

fn look(locations: &Locations, now: i64) -> Health {
    let reader = Reader::open(&locations.database());
    check(locations, &settings(locations), now, &reader)
}

fn cause(locations: &Locations, now: i64) -> Option<String> {
    look(locations, now).stall_reason
}

fn spooled(locations: &Locations, session: &str, at: i64) {
    let directory = locations.spool_dir(&SafeId::new(session));
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join(spool_file_name(at, &format!("e{at}"))), "{}").unwrap();
}

/// A lock as a worker holds it, until it is dropped.
fn worker(locations: &Locations, session: &str) -> fs::File {
    fs::create_dir_all(locations.sockets_dir()).unwrap();
    let lock = fs::File::create(locations.lock(&SafeId::new(session))).unwrap();
    lock.lock().unwrap();
    lock
}

#[test]
fn no_database_yet_is_a_healthy_memory_of_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let locations = Locations::new(dir.path().join("not/there"));
    let health = look(&locations, MORNING);
    assert_eq!(health.stall_reason, None);
    assert_eq!(health.counters, Counters::default());
    assert_eq!(health.database.schema, None);
    assert_eq!(health.provider.name, "local");
    assert!(!locations.data_dir().exists(), "looking makes nothing");
    let json = serde_json::to_value(&health).unwrap();
    assert_eq!(json["capture"]["captured"], 0);
    assert_eq!(json["stalled"], false);
    assert!(json["stall_reason"].is_null() && json["workers"].is_array());
}

#[test]
fn waiting_events_are_a_stall_when_they_are_old_and_nobody_takes_them() {
    let mut memory = Memory::new();
    memory.remember(
        ("done", "billing"),
        MORNING,
        vec![new_observation("x", MORNING)],
        None,
    );
    assert_eq!(cause(&memory.locations, MORNING + 100 * STALL), None);

    memory.capture("waits", "billing", MORNING, "a prompt");
    assert_eq!(
        cause(&memory.locations, MORNING + STALL),
        None,
        "not old enough"
    );
    let late = look(&memory.locations, MORNING + STALL + 1);
    assert_eq!(
        late.stall_reason.as_deref(),
        Some("1 event waits in the queue and no worker takes them")
    );
    assert!(
        late.stall_action
            .unwrap()
            .contains("`claude-mem worker waits`")
    );
    assert_eq!((late.counters.captured, late.counters.pending), (2, 1));
    assert_eq!(late.backlog[0].content_session_id, "waits");
    assert_eq!(
        cause(&memory.locations, MORNING + 1000 * STALL),
        late.stall_reason,
        "the same line however long it lasts"
    );

    let lock = worker(&memory.locations, "waits");
    let served = look(&memory.locations, MORNING + 2 * STALL);
    assert_eq!(served.stall_reason, None);
    assert_eq!(served.workers.len(), 1);
    assert_eq!(served.workers[0].session, "waits");
    assert_eq!(served.workers[0].project.as_deref(), Some("billing"));
    drop(lock);
    assert!(
        look(&memory.locations, MORNING + 2 * STALL)
            .workers
            .is_empty()
    );
}

#[test]
fn a_spool_that_nobody_drains_is_a_stall() {
    let dir = tempfile::tempdir().unwrap();
    let locations = Locations::new(dir.path());
    spooled(&locations, "a", MORNING);
    spooled(&locations, "a", MORNING + 5);
    spooled(&locations, "b", MORNING + STALL);
    fs::write(locations.spool_dir(&SafeId::new("b")).join("1-x.bad"), "").unwrap();
    fs::write(locations.spool_dir(&SafeId::new("b")).join(".1-x.json"), "").unwrap();
    let health = look(&locations, MORNING + STALL + 10);
    assert_eq!(
        health.stall_reason.as_deref(),
        Some("2 events wait in the spool and no worker takes them")
    );
    assert_eq!(
        (health.spool.sessions, health.spool.events, health.spool.bad),
        (2, 3, 1)
    );
    assert_eq!(health.spool.oldest, Some(MORNING));
    assert!(
        health.warnings[0].contains("1 spooled events cannot be read"),
        "{:?}",
        health.warnings
    );
    let _lock = worker(&locations, "a");
    assert_eq!(cause(&locations, MORNING + STALL + 10), None);
}

#[test]
fn failed_events_are_a_stall_at_once_with_their_error() {
    let mut memory = Memory::new();
    let session = memory.capture("s", "billing", MORNING, "a prompt");
    memory.fail(session, MORNING, "Not logged in · Please run /login");
    let health = look(&memory.locations, MORNING);
    assert_eq!(health.counters.failed, 1);
    assert_eq!(
        health.stall_reason.as_deref(),
        Some("1 event could not be turned into memory: Not logged in · Please run /login")
    );
}

fn evidence(locations: &Locations) -> Evidence<'_> {
    let nothing: Result<Option<Reader>, _> = Ok(None);
    Evidence::gather(locations, &settings(locations), MORNING, &nothing)
}

#[test]
fn an_equation_that_does_not_hold_is_a_stall() {
    let dir = tempfile::tempdir().unwrap();
    let locations = Locations::new(dir.path());
    let mut evidence = evidence(&locations);
    assert_eq!(evidence.stall(), None);
    evidence.counters.captured = 1;
    assert!(evidence.stall().unwrap().cause.contains("do not add up"));
}

#[test]
fn the_most_fundamental_cause_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("data");
    fs::write(&file, "a file").unwrap();
    let locations = Locations::new(&file);
    let mut evidence = evidence(&locations);
    evidence.counters.captured = 1;
    evidence.unread = Some(Stall::new("unread", "x"));
    let stall = evidence.stall().unwrap();
    assert!(
        stall.cause.ends_with("is not a directory"),
        "{}",
        stall.cause
    );
    evidence.executable = Some("/gone/claude-mem (deleted)".into());
    assert_eq!(
        evidence.stall().unwrap().cause,
        "the executable /gone/claude-mem is gone, so no worker can start"
    );
    let above_a_file = Locations::new(file.join("below"));
    assert!(
        cause(&above_a_file, MORNING)
            .unwrap()
            .contains("cannot be ")
    );
}

#[test]
fn a_directory_of_others_is_a_stall() {
    let dir = tempfile::tempdir().unwrap();
    // Only root can give a directory away; everyone else has root's.
    let (theirs, owner) = if geteuid().is_root() {
        std::os::unix::fs::chown(dir.path(), Some(1), None).unwrap();
        (dir.path(), 1)
    } else {
        (Path::new("/"), 0)
    };
    let cause = cause(&Locations::new(theirs), MORNING).unwrap();
    assert!(
        cause.contains(&format!("belongs to user {owner} and you are")),
        "{cause}"
    );
}

#[test]
fn what_the_store_says_is_split_into_cause_and_action() {
    let damaged = StoreError::Damaged {
        path: "/a: b/claude-mem.db".into(),
        detail: "malformed: page 3".to_owned(),
    };
    let stall = Stall::of_store(&damaged);
    assert_eq!(
        stall.cause,
        "the database /a: b/claude-mem.db is damaged (malformed: page 3)"
    );
    assert!(stall.action.starts_with("move it away"), "{}", stall.action);
    let denied = StoreError::Io {
        action: "read",
        path: "/x".into(),
        source: std::io::ErrorKind::PermissionDenied.into(),
    };
    assert_eq!(
        Stall::of_store(&denied).cause,
        "failed to read /x: permission denied"
    );
}

#[test]
fn a_settings_file_that_makes_no_sense_is_a_warning() {
    let dir = tempfile::tempdir().unwrap();
    let locations = Locations::new(dir.path());
    fs::write(dir.path().join("settings.json"), "{").unwrap();
    let health = look(&locations, MORNING);
    assert_eq!(health.stall_reason, None);
    assert!(
        health.warnings[0].contains("settings.json"),
        "{:?}",
        health.warnings
    );
}
