//! The store on its own: real files, real SQLite, several handles at once.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use sockets_protocol::Locations;
use tempfile::TempDir;

use super::*;

pub(super) const LIMITS: BatchLimits = BatchLimits {
    events: 100,
    bytes: 1 << 20,
    lease_ms: 1000,
};

pub(super) struct World {
    _directory: TempDir,
    pub(super) locations: Locations,
}

impl World {
    pub(super) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self {
            locations: Locations::new(directory.path().join("data")),
            _directory: directory,
        }
    }

    pub(super) fn writer(&self, owner: &str) -> Writer {
        Writer::open(&self.locations, owner).unwrap()
    }

    pub(super) fn reader(&self) -> Reader {
        Reader::open(&self.locations.database()).unwrap().unwrap()
    }
}

pub(super) fn session(id: &str) -> SessionIdentity {
    SessionIdentity {
        content_session_id: id.to_owned(),
        project: "billing".to_owned(),
        project_root: "/home/demo/billing".to_owned(),
    }
}

pub(super) fn event(id: &str, prompt: Option<&str>, at: i64, kind: NewEventKind) -> NewEvent {
    NewEvent {
        event_id: id.to_owned(),
        prompt_id: prompt.map(str::to_owned),
        at,
        cwd: None,
        project: None,
        project_root: None,
        agent_id: None,
        agent_type: None,
        skip: None,
        kind,
    }
}

pub(super) fn prompt(id: &str, text: &str, at: i64) -> NewEvent {
    event(
        id,
        Some(id),
        at,
        NewEventKind::Prompt {
            text: text.to_owned(),
            private: false,
            git_branch: Some("main".to_owned()),
            git_head: Some("abc".to_owned()),
        },
    )
}

pub(super) fn tool(id: &str, prompt: Option<&str>, at: i64) -> NewEvent {
    event(
        id,
        prompt,
        at,
        NewEventKind::Observation {
            tool_name: "Bash".to_owned(),
            input: r#"{"command":"make"}"#.to_owned(),
            output: r#""ok""#.to_owned(),
            failed: false,
        },
    )
}

pub(super) fn end(id: &str, prompt: Option<&str>, at: i64, reason: &'static str) -> NewEvent {
    event(
        id,
        prompt,
        at,
        NewEventKind::Finalize {
            reason,
            message: Some("done".to_owned()),
            closes_turn: matches!(reason, "stop" | "session_end"),
        },
    )
}

pub(super) fn outcome(titles: &[&str]) -> TurnOutcome {
    TurnOutcome {
        observations: titles
            .iter()
            .map(|title| NewObservation {
                kind: "bugfix".to_owned(),
                title: (*title).to_owned(),
                facts: vec!["a fact".to_owned()],
                at: 5,
                ..NewObservation::default()
            })
            .collect(),
        summary: Some(NewSummary {
            request: "make it work".to_owned(),
            at: 6,
            ..NewSummary::default()
        }),
        skip_reason: None,
        model: "local".to_owned(),
        fallback_reason: None,
    }
}

pub(super) fn assert_balanced(reader: &Reader) {
    let totals = reader.counters(None).unwrap();
    assert!(totals.counters.balanced(), "{totals:?}");
}

#[test]
fn an_event_goes_in_once_whatever_is_sent_again() {
    let world = World::new();
    let mut writer = world.writer("w");
    let events = [prompt("p1", "hello", 1), tool("t1", Some("p1"), 2)];
    let first = writer.ingest(&session("s"), &events).unwrap();
    assert!(first.iter().all(|seen| seen.arrival == Arrival::Queued));
    let again = writer.ingest(&session("s"), &events).unwrap();
    assert!(again.iter().all(|seen| seen.arrival == Arrival::Duplicate));
    assert_eq!(first[1].queue_id, again[1].queue_id);
    // The same id in another session is another event.
    let other = writer.ingest(&session("other"), &events[1..]).unwrap();
    assert_eq!(other[0].arrival, Arrival::Queued);
    let counters = world.reader().counters(None).unwrap().counters;
    assert_eq!((counters.captured, counters.pending), (3, 3));
    assert_eq!(world.reader().prompts(&Filter::default()).unwrap().len(), 1);
}

#[test]
fn a_turn_is_ready_when_it_is_over() {
    let world = World::new();
    let mut writer = world.writer("w");
    let id = session("s");
    writer
        .ingest(&id, &[prompt("p1", "one", 1), tool("t1", Some("p1"), 2)])
        .unwrap();
    let row = writer.session(&id, 0).unwrap();
    assert_eq!(writer.claim_turn(row, LIMITS, false, 10).unwrap(), None);
    writer
        .ingest(&id, &[end("sub", Some("p1"), 3, "subagent_stop")])
        .unwrap();
    assert_eq!(writer.claim_turn(row, LIMITS, false, 10).unwrap(), None);
    writer
        .ingest(&id, &[end("e1", Some("p1"), 4, "stop")])
        .unwrap();
    let turn = writer.claim_turn(row, LIMITS, false, 10).unwrap().unwrap();
    assert_eq!(turn.prompt.as_deref(), Some("one"));
    assert_eq!(turn.close_reason.as_deref(), Some("stop"));
    assert_eq!(turn.events.len(), 4);
    assert_eq!(writer.claim_turn(row, LIMITS, true, 10).unwrap(), None);
}

#[test]
fn the_next_prompt_ends_an_interrupted_turn_and_quiet_ends_any() {
    let world = World::new();
    let mut writer = world.writer("w");
    let id = session("s");
    writer
        .ingest(
            &id,
            &[
                prompt("p1", "one", 1),
                tool("t1", Some("p1"), 2),
                prompt("p2", "two", 3),
            ],
        )
        .unwrap();
    let row = writer.session(&id, 0).unwrap();
    let first = writer.claim_turn(row, LIMITS, false, 10).unwrap().unwrap();
    assert_eq!(first.prompt_number, 1);
    assert_eq!(first.close_reason.as_deref(), Some("next_prompt"));
    assert_eq!(writer.claim_turn(row, LIMITS, false, 10).unwrap(), None);
    let second = writer.claim_turn(row, LIMITS, true, 10).unwrap().unwrap();
    assert_eq!(second.prompt_number, 2);
    assert_eq!(second.close_reason.as_deref(), Some("idle"));
}

#[test]
fn events_find_their_turn_in_any_order_of_arrival() {
    let world = World::new();
    let mut writer = world.writer("w");
    let id = session("s");
    // The tool event came by another way than its prompt, and first.
    writer.ingest(&id, &[tool("t1", Some("p1"), 2)]).unwrap();
    writer.ingest(&id, &[prompt("p1", "late", 1)]).unwrap();
    writer
        .ingest(&id, &[end("e1", Some("p1"), 3, "stop")])
        .unwrap();
    let row = writer.session(&id, 0).unwrap();
    let turn = writer.claim_turn(row, LIMITS, false, 10).unwrap().unwrap();
    assert_eq!(turn.prompt.as_deref(), Some("late"));
    let kinds: Vec<_> = turn
        .events
        .iter()
        .map(|event| event.message_type.as_str())
        .collect();
    assert_eq!(kinds, ["prompt", "observation", "summarize"]);
}

#[test]
fn a_commit_is_all_or_nothing_and_needs_its_lease() {
    let world = World::new();
    let mut writer = world.writer("first");
    let id = session("s");
    writer
        .ingest(
            &id,
            &[prompt("p1", "one", 1), end("e1", Some("p1"), 2, "stop")],
        )
        .unwrap();
    let row = writer.session(&id, 0).unwrap();
    let turn = writer.claim_turn(row, LIMITS, false, 10).unwrap().unwrap();
    // The first worker seems dead; a second one takes its events back.
    let mut second = world.writer("second");
    assert_eq!(second.reclaim(row, 3, 20).unwrap(), 2);
    let again = second.claim_turn(row, LIMITS, false, 20).unwrap().unwrap();
    assert!(matches!(
        writer.commit_turn(&turn, &outcome(&["A"]), 30),
        Err(StoreError::LeaseLost { .. })
    ));
    assert_eq!(world.reader().totals().unwrap().observations, 0);
    assert_eq!(
        second
            .commit_turn(&again, &outcome(&["A"]), 30)
            .unwrap()
            .len(),
        1
    );
    let reader = world.reader();
    let totals = reader.totals().unwrap();
    assert_eq!((totals.observations, totals.summaries), (1, 1));
    let counters = reader.counters(None).unwrap().counters;
    assert_eq!((counters.captured, counters.processed), (2, 2));
    let seen = &reader.observations(&Filter::default()).unwrap()[0];
    assert_eq!(seen.git_branch.as_deref(), Some("main"));
    assert_eq!(seen.content_session_id, "s");
    assert_eq!(seen.created_at, "1970-01-01T00:00:00.005Z");
}

#[test]
fn a_turn_that_goes_on_adds_to_its_summary_and_repeats_no_title() {
    let world = World::new();
    let mut writer = world.writer("w");
    let id = session("s");
    writer
        .ingest(
            &id,
            &[prompt("p1", "one", 1), end("e1", Some("p1"), 2, "stop")],
        )
        .unwrap();
    let row = writer.session(&id, 0).unwrap();
    let turn = writer.claim_turn(row, LIMITS, false, 10).unwrap().unwrap();
    writer.commit_turn(&turn, &outcome(&["A"]), 11).unwrap();
    writer
        .ingest(
            &id,
            &[
                tool("t1", Some("p1"), 12),
                end("e2", Some("p1"), 13, "stop"),
            ],
        )
        .unwrap();
    let turn = writer.claim_turn(row, LIMITS, false, 14).unwrap().unwrap();
    assert_eq!(turn.earlier_titles, ["A"]);
    assert!(turn.has_summary);
    let earlier: Vec<bool> = turn.events.iter().map(|event| event.earlier).collect();
    assert_eq!(earlier, [true, true, false, false]);
    let mut more = outcome(&["a ", "B"]);
    more.summary = Some(NewSummary {
        completed: "all of it".to_owned(),
        ..NewSummary::default()
    });
    writer.commit_turn(&turn, &more, 15).unwrap();
    let reader = world.reader();
    let summaries = reader.summaries(&Filter::default()).unwrap();
    assert_eq!(summaries.len(), 1);
    assert_eq!(summaries[0].request, "make it work");
    assert_eq!(summaries[0].completed, "all of it");
    let titles: Vec<_> = reader
        .observations(&Filter::default())
        .unwrap()
        .into_iter()
        .map(|row| row.title)
        .collect();
    assert_eq!(titles.len(), 2, "{titles:?}");
    assert_balanced(&reader);
}

#[test]
fn a_private_turn_leaves_nothing_but_its_counts() {
    let world = World::new();
    let mut writer = world.writer("w");
    let id = session("s");
    let mut secret = prompt("p1", "", 1);
    if let NewEventKind::Prompt { private, .. } = &mut secret.kind {
        *private = true;
    }
    let seen = writer
        .ingest(
            &id,
            &[
                secret,
                tool("t1", Some("p1"), 2),
                end("e1", Some("p1"), 3, "stop"),
            ],
        )
        .unwrap();
    assert!(
        seen.iter()
            .all(|seen| seen.arrival == Arrival::Skipped("private"))
    );
    let reader = world.reader();
    let totals = reader.counters(None).unwrap();
    assert_eq!((totals.counters.captured, totals.counters.skipped), (3, 3));
    assert_eq!(totals.skipped_by_reason["private"], 3);
    assert_eq!(reader.totals().unwrap().prompts, 0);
    let kept: i64 = reader
        .connection
        .query_row(
            "SELECT count(*) FROM pending_messages
             WHERE tool_input IS NOT NULL OR last_assistant_message IS NOT NULL",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(kept, 0);
}

#[test]
fn three_failures_make_an_event_failed_and_visible() {
    let world = World::new();
    let mut writer = world.writer("w");
    let id = session("s");
    writer
        .ingest(
            &id,
            &[prompt("p1", "one", 1), end("e1", Some("p1"), 2, "stop")],
        )
        .unwrap();
    let row = writer.session(&id, 0).unwrap();
    for attempt in 1..=3 {
        let turn = writer
            .claim_turn(row, LIMITS, false, 10)
            .unwrap()
            .unwrap_or_else(|| panic!("not offered for attempt {attempt}"));
        writer
            .release_turn(
                turn.turn_id,
                GiveBack::Attempted { most_attempts: 3 },
                "no luck",
                11,
            )
            .unwrap();
    }
    assert_eq!(writer.claim_turn(row, LIMITS, true, 12).unwrap(), None);
    let reader = world.reader();
    assert_eq!(reader.counters(None).unwrap().counters.failed, 2);
    let backlog = reader.backlog().unwrap();
    assert_eq!(backlog[0].last_error.as_deref(), Some("no luck"));
    assert_balanced(&reader);
}

#[test]
fn a_batch_takes_no_more_than_its_limits_but_at_least_one_event() {
    let world = World::new();
    let mut writer = world.writer("w");
    let id = session("s");
    let mut events = vec![prompt("p1", "one", 0)];
    events.extend((1..=10).map(|at| tool(&format!("t{at}"), Some("p1"), at)));
    writer.ingest(&id, &events).unwrap();
    let row = writer.session(&id, 0).unwrap();
    let few = BatchLimits {
        events: 4,
        ..LIMITS
    };
    let turn = writer.claim_turn(row, few, false, 20).unwrap().unwrap();
    assert_eq!(turn.events.len(), 4);
    writer.commit_turn(&turn, &outcome(&[]), 21).unwrap();
    let tiny = BatchLimits { bytes: 1, ..LIMITS };
    let turn = writer.claim_turn(row, tiny, false, 22).unwrap().unwrap();
    assert_eq!(turn.events.iter().filter(|event| !event.earlier).count(), 1);
}

#[test]
fn many_writers_lose_nothing() {
    let world = World::new();
    drop(world.writer("first"));
    std::thread::scope(|scope| {
        for worker in 0..8 {
            let world = &world;
            scope.spawn(move || {
                let mut writer = world.writer(&format!("w{worker}"));
                let id = session(&format!("s{worker}"));
                for at in 0..50 {
                    writer
                        .ingest(&id, &[tool(&format!("t{at}"), Some("p"), at)])
                        .unwrap();
                }
            });
        }
    });
    let counters = world.reader().counters(None).unwrap().counters;
    assert_eq!((counters.captured, counters.pending), (400, 400));
}

#[test]
fn retention_takes_the_old_and_then_the_oldest_and_keeps_the_counts() {
    let world = World::new();
    let mut writer = world.writer("w");
    let id = session("s");
    for turn in 0..4 {
        let name = format!("p{turn}");
        let at = turn * 1000;
        writer
            .ingest(
                &id,
                &[
                    prompt(&name, "x", at),
                    tool(&format!("t{turn}"), Some(&name), at),
                    end(&format!("e{turn}"), Some(&name), at, "stop"),
                ],
            )
            .unwrap();
        let row = writer.session(&id, 0).unwrap();
        let claimed = writer.claim_turn(row, LIMITS, false, at).unwrap().unwrap();
        writer
            .commit_turn(&claimed, &outcome(&[&name]), at)
            .unwrap();
    }
    let left = |world: &World| -> i64 {
        world
            .reader()
            .connection
            .query_row("SELECT count(*) FROM pending_messages", [], |row| {
                row.get(0)
            })
            .unwrap()
    };
    let by_age = Retention {
        age: Duration::from_millis(1500),
        bytes: u64::MAX >> 1,
    };
    assert_eq!(writer.prune(by_age, 3000).unwrap(), 6);
    assert_eq!(left(&world), 6);
    // Each turn holds 26 bytes of content, in three events.
    let by_size = Retention {
        age: Duration::from_secs(1000),
        bytes: 28,
    };
    writer.prune(by_size, 3000).unwrap();
    assert_eq!(left(&world), 3);
    let counters = world.reader().counters(None).unwrap().counters;
    assert_eq!((counters.captured, counters.processed), (12, 12));
}

#[test]
fn what_is_stored_is_found_and_an_update_keeps_the_index_right() {
    let world = World::new();
    let mut writer = world.writer("w");
    let id = session("s");
    writer
        .ingest(
            &id,
            &[prompt("p1", "one", 1), end("e", Some("p1"), 2, "stop")],
        )
        .unwrap();
    let row = writer.session(&id, 0).unwrap();
    let turn = writer.claim_turn(row, LIMITS, false, 10).unwrap().unwrap();
    writer
        .commit_turn(&turn, &outcome(&["Zebras cross", "Apples fall"]), 11)
        .unwrap();
    let reader = world.reader();
    let found = |expression: &str| {
        let postings = reader.postings(Table::Observations, expression, Bounds::default(), 5);
        postings.unwrap().ids
    };
    assert_eq!(found("\"zebra\""), [1], "stemmed: zebra finds zebras");
    assert_eq!(found("\"p_shop\" AND \"zebra\""), [0; 0]);
    assert_eq!(reader.unindexed().unwrap(), 0);
}

#[test]
fn a_listing_filters_pages_and_merges_projects_newest_first() {
    let world = World::new();
    let mut writer = world.writer("w");
    for (name, project) in [("a", "billing"), ("b", "billing/feature"), ("c", "shop")] {
        let id = SessionIdentity {
            project: project.to_owned(),
            ..session(name)
        };
        writer
            .ingest(&id, &[prompt("p", "x", 1), end("e", Some("p"), 2, "stop")])
            .unwrap();
        let row = writer.session(&id, 0).unwrap();
        let turn = writer.claim_turn(row, LIMITS, false, 10).unwrap().unwrap();
        writer
            .commit_turn(
                &turn,
                &outcome(&[&format!("{name}1"), &format!("{name}2")]),
                11,
            )
            .unwrap();
    }
    let reader = world.reader();
    assert_eq!(reader.children_of("billing").unwrap(), ["billing/feature"]);
    assert_eq!(
        reader.projects().unwrap(),
        ["billing", "billing/feature", "shop"]
    );
    let titles = |filter: &Filter| -> Vec<String> {
        reader
            .observations(filter)
            .unwrap()
            .into_iter()
            .map(|row| row.title)
            .collect()
    };
    let both = Filter {
        projects: Some(vec!["billing".to_owned(), "billing/feature".to_owned()]),
        ..Filter::default()
    };
    assert_eq!(titles(&both), ["b2", "b1", "a2", "a1"]);
    assert_eq!(
        titles(&Filter {
            limit: 2,
            offset: 1,
            ..both.clone()
        }),
        ["b1", "a2"]
    );
    assert_eq!(
        titles(&Filter {
            after_id: Some(3),
            ..both
        }),
        ["b2"]
    );
    assert_eq!(
        titles(&Filter {
            kinds: vec!["decision".to_owned()],
            ..Filter::default()
        })
        .len(),
        0
    );
    assert_eq!(titles(&Filter::default()).len(), 6);
}

#[test]
fn the_reader_cannot_write_and_the_files_are_private() {
    let world = World::new();
    assert!(Reader::open(&world.locations.database()).unwrap().is_none());
    assert!(
        !world.locations.data_dir().exists(),
        "looking makes nothing"
    );
    let mut writer = world.writer("w");
    writer
        .ingest(&session("s"), &[prompt("p", "x", 1)])
        .unwrap();
    let reader = world.reader();
    assert!(
        reader
            .connection
            .execute("DELETE FROM user_prompts", [])
            .is_err()
    );
    for entry in std::fs::read_dir(world.locations.data_dir())
        .unwrap()
        .flatten()
    {
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", entry.path().display());
    }
    let mode = std::fs::metadata(world.locations.data_dir())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn a_file_that_is_not_ours_is_left_as_it_is() {
    let cases: [(&str, &str); 2] = [
        (
            "CREATE TABLE schema_versions (id INTEGER); CREATE TABLE sdk_sessions (id INTEGER);",
            "original claude-mem",
        ),
        (
            "CREATE TABLE recipes (id INTEGER);",
            "not a claude-mem database",
        ),
    ];
    for (sql, words) in cases {
        let world = World::new();
        std::fs::create_dir_all(world.locations.data_dir()).unwrap();
        let path = world.locations.database();
        let foreign =
            rusqlite::Connection::open_with_flags(&path, rusqlite::OpenFlags::default()).unwrap();
        foreign.execute_batch(sql).unwrap();
        drop(foreign);
        let before = std::fs::read(&path).unwrap();
        let error = Writer::open(&world.locations, "w").unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
        assert!(Reader::open(&path).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }
}

#[test]
fn a_newer_schema_is_refused_for_writing_and_read_as_far_as_it_goes() {
    let world = World::new();
    let mut writer = world.writer("w");
    writer
        .ingest(&session("s"), &[prompt("p", "x", 1)])
        .unwrap();
    drop(writer);
    let path = world.locations.database();
    let newer =
        rusqlite::Connection::open_with_flags(&path, rusqlite::OpenFlags::default()).unwrap();
    newer
        .execute_batch("ALTER TABLE user_prompts ADD COLUMN mood TEXT; PRAGMA user_version = 99;")
        .unwrap();
    drop(newer);
    assert!(matches!(
        Writer::open(&world.locations, "w"),
        Err(StoreError::Newer { found: 99, .. })
    ));
    assert_eq!(world.reader().prompts(&Filter::default()).unwrap().len(), 1);
}

#[test]
fn a_damaged_file_is_named_as_such() {
    let world = World::new();
    drop(world.writer("w"));
    let path = world.locations.database();
    std::fs::write(
        &path,
        b"this was a database once, long ago, on another disk",
    )
    .unwrap();
    for error in [
        Writer::open(&world.locations, "w").unwrap_err(),
        Reader::open(&path).unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
        assert!(error.to_string().contains("backups"), "{error}");
    }
}

#[test]
fn sixteen_starters_make_one_database() {
    let world = World::new();
    std::thread::scope(|scope| {
        for starter in 0..16 {
            let world = &world;
            scope.spawn(move || drop(world.writer(&format!("w{starter}"))));
        }
    });
    let version: i64 = world
        .reader()
        .connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    assert_eq!(version, SCHEMA_VERSION);
    let vacuum: i64 = world
        .reader()
        .connection
        .pragma_query_value(None, "auto_vacuum", |row| row.get(0))
        .unwrap();
    assert_eq!(vacuum, 2, "incremental");
}

#[test]
fn what_a_check_finds_wrong_is_told_until_it_is_mended() {
    let world = World::new();
    let mut writer = world.writer("w");
    writer.check_integrity(1_000_000_000_000).unwrap();
    world.reader().assert_undamaged().unwrap();
    // An index that has lost a row, as a failing disk would leave it.
    writer
        .ingest(&session("s"), &[prompt("p", "x", 1)])
        .unwrap();
    let path = world.locations.database();
    let vandal =
        rusqlite::Connection::open_with_flags(&path, rusqlite::OpenFlags::default()).unwrap();
    vandal
        .execute_batch(
            "PRAGMA writable_schema = ON;
             UPDATE sqlite_schema SET rootpage = (
                 SELECT rootpage FROM sqlite_schema WHERE name = 'usage_time')
             WHERE name = 'user_prompts_time';",
        )
        .unwrap();
    drop(vandal);
    let mut writer = world.writer("again");
    let day_later = 1_000_000_000_000 + 25 * 3600 * 1000;
    assert!(matches!(
        writer.check_integrity(day_later),
        Err(StoreError::Damaged { .. })
    ));
    assert!(matches!(
        world.reader().assert_undamaged(),
        Err(StoreError::Damaged { .. })
    ));
}

#[test]
fn the_log_is_brought_in_when_it_has_grown_and_not_by_a_commit() {
    let world = World::new();
    let mut writer = world.writer("w");
    let id = session("s");
    let big = "x".repeat(200_000);
    let mut number = 0;
    while !checkpoint::is_due(&world.locations) {
        number += 1;
        assert!(number < 1000, "the log never grows");
        let mut event = tool(&format!("t{number}"), Some("p"), number);
        if let NewEventKind::Observation { output, .. } = &mut event.kind {
            output.clone_from(&big);
        }
        writer.ingest(&id, &[event]).unwrap();
    }
    let database = || std::fs::metadata(world.locations.database()).unwrap().len();
    let before = database();
    checkpoint::run(&world.locations).unwrap();
    assert!(database() > before, "the log's pages are in the database");
    // The next commit begins the log anew.
    writer.ingest(&id, &[tool("last", Some("p"), 0)]).unwrap();
    let counters = world.reader().counters(None).unwrap().counters;
    assert_eq!(counters.captured, number + 1);
}

#[test]
fn a_row_is_indexed_with_its_own_transaction_whatever_waits() {
    let world = World::new();
    let mut writer = world.writer("w");
    writer
        .connection
        .execute_batch(
            "WITH RECURSIVE count (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM count WHERE n < 500)
             INSERT INTO unindexed (kind, id) SELECT 0, 1000 + n FROM count",
        )
        .unwrap();
    writer
        .ingest(&session("s"), &[prompt("p1", "zebra", 1)])
        .unwrap();
    let found = world
        .reader()
        .postings(Table::Prompts, "\"zebra\"", Bounds::default(), 5)
        .unwrap();
    assert_eq!(found.ids, [1]);
    assert_eq!(world.reader().unindexed().unwrap(), 500);
}
