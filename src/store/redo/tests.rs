use super::super::tests::{
    LIMITS, World, assert_balanced, end, event, outcome, prompt, session, tool,
};
use super::*;
use crate::store::{BatchLimits, Filter, GiveBack, NewEvent, NewEventKind, Retention, TurnOutcome};

const OFFLINE: &str = "timeout: no answer";

/// A turn's events: a prompt, two calls of tools, its end.
fn turn_of(name: &str) -> Vec<NewEvent> {
    let named = |what: &str| format!("{name}-{what}");
    vec![
        prompt(name, "do it", 1),
        tool(&named("t1"), Some(name), 2),
        tool(&named("t2"), Some(name), 3),
        end(&named("e"), Some(name), 4, "stop"),
    ]
}

fn offline(titles: &[&str]) -> TurnOutcome {
    TurnOutcome {
        fallback_reason: Some(OFFLINE.to_owned()),
        ..outcome(titles)
    }
}

fn by_model(titles: &[&str]) -> TurnOutcome {
    TurnOutcome {
        model: "haiku".to_owned(),
        ..outcome(titles)
    }
}

/// A world with one turn in it, done with this outcome; its id.
fn done(with: &TurnOutcome) -> (World, Writer, i64) {
    let world = World::new();
    let mut writer = world.writer("w");
    writer.ingest(&session("s"), &turn_of("p1")).unwrap();
    let turn = work(&mut writer, LIMITS, with);
    (world, writer, turn)
}

/// Commits the next batch of session `s` with this outcome; its turn's id.
fn work(writer: &mut Writer, limits: BatchLimits, with: &TurnOutcome) -> i64 {
    let row = writer.session(&session("s"), 0).unwrap();
    let turn = writer.claim_turn(row, limits, true, 10).unwrap().unwrap();
    writer.commit_turn(&turn, with, 11).unwrap();
    turn.turn_id
}

/// Titles that are current and titles that are not, each in order.
fn titles(reader: &Reader) -> (Vec<String>, Vec<String>) {
    let mut rows = reader.observations(&Filter::default()).unwrap();
    rows.sort_by_key(|row| row.id);
    let (old, new): (Vec<_>, Vec<_>) = rows
        .into_iter()
        .partition(|row| row.superseded_by.is_some());
    let title = |rows: Vec<crate::store::ObservationRow>| -> Vec<String> {
        rows.into_iter().map(|row| row.title).collect()
    };
    (title(new), title(old))
}

fn pending(reader: &Reader) -> i64 {
    reader.counters(None).unwrap().counters.pending
}

#[test]
fn a_turn_done_offline_is_listed_with_its_reason_and_done_again() {
    let (world, mut writer, turn) = done(&offline(&["guess one", "guess two"]));
    let reader = world.reader();
    let listed = reader.redoable().unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].turn_id, listed[0].events), (turn, 3));
    assert_eq!(
        (listed[0].reason.as_str(), listed[0].offline),
        (OFFLINE, true)
    );
    assert!(listed[0].bytes > 0 && listed[0].is_ready());

    let redone = writer.redo(&[turn]).unwrap();
    assert_eq!((redone.turns, redone.events), (1, 3));
    assert_eq!(pending(&reader), 3, "the prompt stays where it is");
    assert_balanced(&reader);
    assert_eq!(
        titles(&reader).0.len(),
        2,
        "nothing has taken its place yet"
    );

    assert_eq!(work(&mut writer, LIMITS, &by_model(&["told"])), turn);
    let (current, old) = titles(&reader);
    assert_eq!(current, ["told"]);
    assert_eq!(old, ["guess one", "guess two"]);
    assert_eq!(reader.made_by(turn).unwrap().as_deref(), Some("haiku"));
    assert_eq!(reader.redoable().unwrap(), []);
    assert_eq!(reader.totals().unwrap().summaries, 1);
    assert_balanced(&reader);
    assert_eq!(reader.counters(None).unwrap().counters.processed, 4);
}

#[test]
fn asking_twice_before_a_worker_came_changes_nothing_more() {
    let (world, mut writer, turn) = done(&offline(&["guess"]));
    writer.redo(&[turn, turn]).unwrap();
    let reader = world.reader();
    let before = reader.counters(None).unwrap();
    assert_eq!(writer.redo(&[turn]).unwrap(), Redone::default());
    assert_eq!(reader.counters(None).unwrap(), before);
    assert_eq!(before.counters.pending, 3);
    assert_balanced(&reader);
    // Nor while one is at work on it.
    let row = writer.session(&session("s"), 0).unwrap();
    let claimed = writer.claim_turn(row, LIMITS, true, 10).unwrap().unwrap();
    assert!(claimed.redo && claimed.earlier_titles.is_empty());
    assert_eq!(writer.redo(&[turn]).unwrap(), Redone::default());
    writer
        .commit_turn(&claimed, &by_model(&["told"]), 12)
        .unwrap();
    assert_eq!(titles(&reader).0, ["told"]);
    assert_balanced(&reader);
}

#[test]
fn a_turn_that_is_not_over_is_left_to_its_worker() {
    let world = World::new();
    let mut writer = world.writer("w");
    writer.ingest(&session("s"), &turn_of("p1")).unwrap();
    let two = BatchLimits {
        events: 2,
        ..LIMITS
    };
    let turn = work(&mut writer, two, &offline(&["guess"]));
    let reader = world.reader();
    let listed = reader.redoable().unwrap();
    assert_eq!((listed[0].events, listed[0].waiting), (1, 2));
    assert!(!listed[0].is_ready());
    assert_eq!(writer.redo(&[turn]).unwrap(), Redone::default());
    assert_eq!(pending(&reader), 2);
    work(&mut writer, LIMITS, &offline(&["another guess"]));
    assert_eq!(writer.redo(&[turn]).unwrap().events, 3);
    assert_balanced(&reader);
}

#[test]
fn what_comes_to_nothing_keeps_what_was_there_and_can_be_tried_again() {
    let (world, mut writer, turn) = done(&offline(&["guess"]));
    let reader = world.reader();
    writer.redo(&[turn]).unwrap();
    let nothing = TurnOutcome {
        skip_reason: Some("nothing_to_keep".to_owned()),
        model: "haiku".to_owned(),
        ..TurnOutcome::default()
    };
    work(&mut writer, LIMITS, &nothing);
    assert_eq!(titles(&reader).0, ["guess"]);
    let totals = reader.counters(None).unwrap();
    assert_eq!(totals.skipped_by_reason["nothing_to_keep"], 3);
    assert_balanced(&reader);

    assert_eq!(writer.redo(&[turn]).unwrap().events, 3);
    let totals = reader.counters(None).unwrap();
    assert_eq!((totals.counters.skipped, totals.counters.pending), (0, 3));
    assert_eq!(totals.skipped_by_reason.len(), 0, "{totals:?}");
    assert_balanced(&reader);
    work(&mut writer, LIMITS, &by_model(&["told"]));
    assert_eq!(titles(&reader).0, ["told"]);

    // And once more: what came second gives way to what comes third.
    writer.redo(&[turn]).unwrap();
    work(&mut writer, LIMITS, &by_model(&["told better"]));
    let (current, old) = titles(&reader);
    assert_eq!((current, old.len()), (vec!["told better".to_owned()], 2));
    assert_balanced(&reader);
}

#[test]
fn prompts_and_their_rows_are_left_as_they_are() {
    let (world, mut writer, turn) = done(&offline(&["guess"]));
    let reader = world.reader();
    let prompts = reader.prompts(&Filter::default()).unwrap();
    writer.redo(&[turn]).unwrap();
    let kept: String = reader
        .connection
        .query_row(
            "SELECT status FROM pending_messages WHERE message_type = 'prompt'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(kept, "processed");
    work(&mut writer, LIMITS, &by_model(&["told"]));
    assert_eq!(reader.prompts(&Filter::default()).unwrap(), prompts);
}

#[test]
fn a_private_turn_is_never_done_again() {
    let world = World::new();
    let mut writer = world.writer("w");
    // Its calls came before anyone knew.
    writer
        .ingest(&session("s"), &[tool("t1", Some("p1"), 2)])
        .unwrap();
    let turn = work(&mut writer, LIMITS, &offline(&["guess"]));
    let mut secret = prompt("p1", "", 1);
    if let NewEventKind::Prompt { private, .. } = &mut secret.kind {
        *private = true;
    }
    writer.ingest(&session("s"), &[secret]).unwrap();
    let reader = world.reader();
    assert_eq!(reader.redoable().unwrap(), []);
    assert_eq!(reader.redoable_turn(turn).unwrap(), None);
    assert_eq!(writer.redo(&[turn]).unwrap(), Redone::default());
    assert_balanced(&reader);
}

#[test]
fn what_was_skipped_on_arrival_is_not_put_back() {
    let world = World::new();
    let mut writer = world.writer("w");
    let mut events = turn_of("p1");
    events[1].skip = Some("tool_excluded");
    writer.ingest(&session("s"), &events).unwrap();
    let turn = work(&mut writer, LIMITS, &offline(&["guess"]));
    assert_eq!(writer.redo(&[turn]).unwrap().events, 2);
    let totals = world.reader().counters(None).unwrap();
    assert_eq!(totals.skipped_by_reason["tool_excluded"], 1);
    assert_eq!((totals.counters.skipped, totals.counters.pending), (1, 2));
    assert_balanced(&world.reader());
}

#[test]
fn where_a_model_did_the_rest_only_what_failed_goes_back_the_prompt_too() {
    let world = World::new();
    let mut writer = world.writer("w");
    let id = session("s");
    writer.ingest(&id, &turn_of("p1")).unwrap();
    let row = writer.session(&id, 0).unwrap();
    let give_up = GiveBack::Attempted { most_attempts: 1 };
    let claimed = writer.claim_turn(row, LIMITS, false, 10).unwrap().unwrap();
    let turn = claimed.turn_id;
    writer.release_turn(turn, give_up, "no luck", 11).unwrap();
    // A late event of the turn went well.
    writer.ingest(&id, &[tool("late", Some("p1"), 12)]).unwrap();
    work(&mut writer, LIMITS, &by_model(&["late words"]));
    let reader = world.reader();
    let listed = reader.redoable().unwrap();
    assert_eq!((listed[0].events, listed[0].failed), (4, 4));
    assert_eq!(
        (listed[0].reason.as_str(), listed[0].offline),
        ("no luck", false)
    );

    assert_eq!(writer.redo(&[turn]).unwrap().events, 4);
    let counters = reader.counters(None).unwrap().counters;
    assert_eq!(
        (counters.failed, counters.pending, counters.processed),
        (0, 4, 1)
    );
    work(&mut writer, LIMITS, &by_model(&["told"]));
    assert_eq!(
        titles(&reader).0,
        ["late words", "told"],
        "one adds to the other"
    );
    assert_balanced(&reader);
}

#[test]
fn a_turn_whose_beginning_is_gone_is_named_and_left() {
    let (world, mut writer, turn) = done(&offline(&["guess"]));
    // 26 bytes a turn: the prompt and the first call go.
    let retention = Retention {
        age: std::time::Duration::from_hours(1),
        bytes: 26,
    };
    assert!(writer.prune(retention, 12).unwrap() > 0);
    let reader = world.reader();
    let listed = reader.redoable().unwrap();
    assert_eq!((listed[0].events, listed[0].incomplete), (0, true));
    assert!(!listed[0].is_ready());
    assert_eq!(writer.redo(&[turn]).unwrap(), Redone::default());
    assert_eq!(titles(&reader).0, ["guess"]);
    assert_balanced(&reader);
}

#[test]
fn a_turn_that_a_model_did_can_be_done_again_by_its_id_alone() {
    let (world, mut writer, turn) = done(&by_model(&["told"]));
    let reader = world.reader();
    assert_eq!(reader.redoable().unwrap(), []);
    let found = reader.redoable_turn(turn).unwrap().unwrap();
    assert_eq!((found.events, found.offline), (3, false));
    writer.redo(&[turn]).unwrap();
    work(&mut writer, LIMITS, &by_model(&["told better"]));
    assert_eq!(titles(&reader).0, ["told better"]);
    assert_eq!(reader.redoable_turn(turn + 1).unwrap(), None);
}

#[test]
fn several_turns_and_an_unknown_one_go_back_in_one_go() {
    let world = World::new();
    let mut writer = world.writer("w");
    let mut turns = Vec::new();
    for name in ["p1", "p2", "p3"] {
        writer.ingest(&session("s"), &turn_of(name)).unwrap();
        turns.push(work(&mut writer, LIMITS, &offline(&[name])));
    }
    turns.push(999);
    let redone = writer.redo(&turns).unwrap();
    assert_eq!((redone.turns, redone.events), (3, 9));
    assert_balanced(&world.reader());
    for wanted in &turns[..3] {
        assert_eq!(work(&mut writer, LIMITS, &by_model(&["told"])), *wanted);
    }
    assert_balanced(&world.reader());
}

#[test]
fn an_event_that_comes_meanwhile_is_part_of_the_turn() {
    let (world, mut writer, turn) = done(&offline(&["guess"]));
    writer.redo(&[turn]).unwrap();
    let late = event(
        "late",
        Some("p1"),
        9,
        NewEventKind::Finalize {
            reason: "session_end",
            message: None,
            closes_turn: true,
        },
    );
    writer.ingest(&session("s"), &[late]).unwrap();
    work(&mut writer, LIMITS, &by_model(&["told"]));
    let reader = world.reader();
    assert_eq!(
        (pending(&reader), titles(&reader).0),
        (0, vec!["told".to_owned()])
    );
    assert_balanced(&reader);
}

/// One event a batch.
const SMALL: BatchLimits = BatchLimits {
    events: 1,
    ..LIMITS
};

#[test]
fn a_turn_of_several_batches_gives_way_to_the_first_that_has_something_to_say() {
    let (world, mut writer, turn) = done(&offline(&["guess"]));
    let reader = world.reader();
    writer.redo(&[turn]).unwrap();
    work(
        &mut writer,
        SMALL,
        &TurnOutcome {
            summary: None,
            ..by_model(&[])
        },
    );
    assert_eq!(titles(&reader).0, ["guess"]);
    work(&mut writer, SMALL, &by_model(&["first"]));
    work(&mut writer, SMALL, &by_model(&["second"]));
    let (current, old) = titles(&reader);
    assert_eq!(current, ["first", "second"]);
    assert_eq!(old, ["guess"]);
    assert_eq!(pending(&reader), 0);
    assert_balanced(&reader);
}

#[test]
fn a_batch_that_went_well_does_not_hide_one_that_did_not() {
    let world = World::new();
    let mut writer = world.writer("w");
    writer.ingest(&session("s"), &turn_of("p1")).unwrap();
    work(&mut writer, SMALL, &offline(&["guess"]));
    work(&mut writer, LIMITS, &by_model(&["told"]));
    assert_eq!(world.reader().redoable().unwrap().len(), 1);
}

#[test]
fn what_is_said_again_stays_and_what_was_replaced_can_come_back() {
    let (world, mut writer, turn) = done(&offline(&["a", "b"]));
    let reader = world.reader();
    for (said, current) in [
        (vec!["a", "c"], vec!["a", "c"]),
        (vec!["b"], vec!["b"]),
        (vec!["b"], vec!["b"]),
    ] {
        writer.redo(&[turn]).unwrap();
        work(&mut writer, LIMITS, &by_model(&said));
        assert_eq!(titles(&reader).0, current);
        assert_eq!(reader.made_by(turn).unwrap().as_deref(), Some("haiku"));
    }
    assert_eq!(reader.totals().unwrap().observations, 3);
}

#[test]
fn doing_a_turn_again_ends_no_session_again() {
    let world = World::new();
    let mut writer = world.writer("w");
    let id = session("s");
    let mut events = turn_of("p1");
    events.push(end("over", Some("p1"), 5, "session_end"));
    writer.ingest(&id, &events).unwrap();
    let turn = work(&mut writer, LIMITS, &offline(&["guess"]));
    let row = writer.session(&id, 0).unwrap();
    let look = || world.reader().session(row).unwrap().unwrap();
    let ended = look();
    assert_eq!(ended.status, "completed");
    writer.redo(&[turn]).unwrap();
    let claimed = writer.claim_turn(row, LIMITS, true, 98).unwrap().unwrap();
    writer
        .commit_turn(&claimed, &by_model(&["told"]), 99)
        .unwrap();
    assert_eq!(look().completed_at_epoch, ended.completed_at_epoch);
    // It goes on, and its first turn is done again.
    writer.ingest(&id, &turn_of("p2")).unwrap();
    writer.redo(&[turn]).unwrap();
    let claimed = writer.claim_turn(row, LIMITS, true, 100).unwrap().unwrap();
    assert_eq!(claimed.turn_id, turn);
    writer
        .commit_turn(&claimed, &by_model(&["told"]), 101)
        .unwrap();
    assert_eq!(look().status, "active");
}
