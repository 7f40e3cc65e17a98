//! The files: whose they are, who may read them, what a check finds.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

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
