//! From an event to what became of its turn: once, all or nothing, balanced.

use super::*;

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
