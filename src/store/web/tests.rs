//! What the HTTP process asks, over databases that real writers have filled.

use rusqlite::Connection;

use super::super::tests::{LIMITS, World, end, prompt, tool};
use super::super::{
    Around, Kind, NewObservation, NewSummary, Point, Reader, SessionIdentity, TurnOutcome, Writer,
};
use super::*;

fn observation(kind: &str, title: &str, at: i64) -> NewObservation {
    NewObservation {
        kind: kind.to_owned(),
        title: title.to_owned(),
        narrative: "ten chars.".to_owned(),
        concepts: vec![format!("about-{kind}")],
        files_read: vec!["src/read.rs".to_owned()],
        files_modified: vec![format!("src/{kind}.rs"), "src/read.rs".to_owned()],
        discovery_tokens: 100,
        at,
        ..NewObservation::default()
    }
}

/// One turn of a session: its prompt at `at`, its observations ten milliseconds
/// later, its summary twenty.
fn turn(writer: &mut Writer, session: &str, project: &str, at: i64, kinds: &[&str]) {
    let identity = SessionIdentity {
        content_session_id: session.to_owned(),
        project: project.to_owned(),
        project_root: String::new(),
    };
    let id = |name: &str| format!("{name}-{at}");
    let events = [
        prompt(&id("prompt"), "Go on.", at),
        tool(&id("tool"), Some(&id("prompt")), at + 1),
        end(&id("end"), Some(&id("prompt")), at + 2, "stop"),
    ];
    writer.ingest(&identity, &events).unwrap();
    let row = writer.session(&identity, at).unwrap();
    let claimed = writer.claim_turn(row, LIMITS, true, at + 3).unwrap();
    let observations = kinds
        .iter()
        .map(|kind| observation(kind, &format!("{kind} of {at}"), at + 10));
    let outcome = TurnOutcome {
        observations: observations.collect(),
        summary: Some(NewSummary {
            request: format!("Understand {project}"),
            at: at + 20,
            ..NewSummary::default()
        }),
        model: "test-model".to_owned(),
        ..TurnOutcome::default()
    };
    let claimed = claimed.unwrap();
    writer.commit_turn(&claimed, &outcome, at + 20).unwrap();
}

/// `billing` has #1 to #3 in two turns of session `one`, `shop` has #4.
fn filled() -> (World, Writer, Reader) {
    let world = World::new();
    let mut writer = world.writer("w");
    turn(&mut writer, "one", "billing", 1000, &["bugfix", "decision"]);
    turn(&mut writer, "one", "billing", 2000, &["feature"]);
    turn(&mut writer, "two", "shop", 3000, &["bugfix"]);
    let reader = Reader::open_for_web(&world.locations.database());
    (world, writer, reader.unwrap().unwrap())
}

/// The database behind the writers' backs.
fn raw(world: &World) -> Connection {
    let connection = super::super::open::open_for_writing(&world.locations.database()).unwrap();
    connection
        .pragma_update(None, "foreign_keys", true)
        .unwrap();
    connection
}

fn told(row: &impl Fields) -> serde_json::Value {
    let mut bytes = Vec::new();
    Object::write(&mut bytes, |object| row.fields(object));
    serde_json::from_slice(&bytes).unwrap()
}

fn ids<T: WebRow>(rows: &[T]) -> Vec<i64> {
    rows.iter().map(WebRow::id).collect()
}

#[test]
fn a_page_is_newest_first_and_of_one_project_or_platform() {
    let (_world, _writer, reader) = filled();
    let page = |project: Option<&str>, platform: Option<&str>, limit, offset| {
        let page = Page {
            project: project.map(str::to_owned),
            platform: platform.map(str::to_owned),
            limit,
            offset,
        };
        let count = reader
            .web_count_of_platform::<WebObservation>(&page)
            .unwrap();
        (reader.web_page::<WebObservation>(&page).unwrap(), count)
    };
    assert_eq!(page(None, None, 2, 0).0, [4, 3]);
    assert_eq!(page(None, None, 9, 3).0, [1]);
    assert_eq!(
        page(Some("billing"), Some("claude"), 9, 0),
        (vec![3, 2, 1], 3)
    );
    assert_eq!(page(None, Some("cursor"), 9, 0), (vec![], 0));
}

#[test]
fn a_row_has_all_its_names_and_lists_are_json_whatever_is_stored() {
    let (world, _writer, reader) = filled();
    raw(&world)
        .execute(
            "UPDATE observations SET facts = 'no list at all', concepts = '' WHERE id = 1",
            [],
        )
        .unwrap();
    let row: WebObservation = reader.web_row(1).unwrap().unwrap();
    let told = told(&row);
    assert_eq!(told["facts"], r#"["no list at all"]"#);
    assert_eq!(told["concepts"], "[]");
    assert_eq!(told["files_touched"], r#"["src/bugfix.rs","src/read.rs"]"#);
    for name in ["session_id", "content_session_id", "claude_session_id"] {
        assert_eq!(told[name], "one", "{name}");
    }
    assert_eq!(told["text"], told["narrative"]);
    assert_eq!(told["memory_session_id"], told["sdk_session_id"]);
    let session = reader.web_session(1).unwrap().unwrap();
    assert_eq!(told["memory_session_id"], session.memory_session_id);
    let seen = reader
        .web_rows_of::<WebObservation>()
        .unwrap()
        .see(1, |row| self::told(&row));
    assert_eq!(seen.unwrap(), Some(told));
    let prompts: Vec<WebPrompt> = reader.web_rows_by_id(&[3, 9, 1]).unwrap();
    assert_eq!(ids(&prompts), [3, 1]);
    assert!(reader.web_row::<WebSummary>(99).unwrap().is_none());
}

#[test]
fn counts_follow_what_comes_and_a_whole_count_what_goes() {
    let (world, mut writer, reader) = filled();
    let mut census = Census::default();
    reader.update_census(&mut census, true).unwrap();
    assert_eq!(census.counts(Some("billing")).observations, 3);
    assert_eq!(census.counts(None).prompts, 3);
    assert_eq!((census.sessions(), census.projects().len()), (2, 2));
    turn(&mut writer, "three", "garden", 4000, &["change"]);
    reader.update_census(&mut census, false).unwrap();
    assert_eq!(census.counts(Some("garden")).summaries, 1);
    assert_eq!(census.by_source()["claude"], ["billing", "garden", "shop"]);
    raw(&world)
        .execute("DELETE FROM observations WHERE id <= 2", [])
        .unwrap();
    reader.update_census(&mut census, true).unwrap();
    assert_eq!(census.counts(Some("billing")).observations, 1);
    assert_eq!(reader.first_observation_at().unwrap(), Some(2010));
}

#[test]
fn a_cursor_is_its_text_and_nothing_else_is() {
    let cursor = Cursor {
        observation: 1,
        summary: 2,
        prompt: 3,
        session: 4,
        queued: 5,
        ended: (6, i64::MAX),
    };
    assert_eq!(cursor.to_string().parse(), Ok(cursor));
    for text in [
        "",
        "1.2.3",
        "1.2.3.4.5.6.x",
        "1.2.3.4.5.6.-7",
        "1.2.3.4.5.6.7.8",
    ] {
        assert_eq!(text.parse::<Cursor>(), Err(changes::NotACursor), "{text}");
    }
}

#[test]
fn changes_are_what_came_after_a_cursor_page_by_page() {
    let (_world, mut writer, reader) = filled();
    let first = reader.changes(&Cursor::default(), 2).unwrap();
    assert_eq!((ids(&first.observations), first.more), (vec![1, 2], true));
    assert!(
        first.ended.is_empty(),
        "a session ends after all that it did"
    );
    let newest = reader.newest_cursor().unwrap();
    let nothing = reader.changes(&newest, 2).unwrap();
    assert!(nothing.observations.is_empty() && nothing.queued.is_empty() && !nothing.more);
    turn(&mut writer, "two", "shop", 5000, &["change"]);
    let changes = reader.changes(&newest, 9).unwrap();
    assert_eq!(ids(&changes.observations), [5]);
    assert_eq!(ids(&changes.prompts), [4]);
    assert_eq!(changes.summaries.len(), 1);
    let kinds: Vec<&str> = changes
        .queued
        .iter()
        .map(|event| event.message_type.as_str())
        .collect();
    assert_eq!(kinds, ["observation", "summarize"]);
}

#[test]
fn a_summary_is_new_again_when_its_text_changes() {
    let (world, _writer, reader) = filled();
    let connection = raw(&world);
    let before = reader.newest_cursor().unwrap();
    let changed = |from: &Cursor| -> Vec<i64> {
        let changes = reader.changes(from, 9).unwrap();
        changes.summaries.iter().map(|(_, row)| row.id).collect()
    };
    assert_eq!(changed(&before), [0; 0]);
    connection
        .execute_batch(
            "UPDATE session_summaries SET learned = 'more' WHERE id = 2;
             UPDATE session_summaries SET learned = 'more' WHERE id = 1;
             UPDATE session_summaries SET learned = 'still more' WHERE id = 2;
             UPDATE session_summaries SET superseded_by = 'x' WHERE id = 3;",
        )
        .unwrap();
    assert_eq!(changed(&before), [1, 2]);
    // Numbers are not given again when the newest row goes.
    let after = reader.newest_cursor().unwrap();
    connection
        .execute("DELETE FROM session_summaries WHERE id = 2", [])
        .unwrap();
    assert_eq!(reader.newest_cursor().unwrap(), after);
    assert_eq!(changed(&before), [1]);
    connection
        .execute(
            "UPDATE session_summaries SET notes = 'new' WHERE id = 1",
            [],
        )
        .unwrap();
    assert_eq!(changed(&after), [1]);
}

#[test]
fn days_count_what_lies_between_their_bounds() {
    let (_world, _writer, reader) = filled();
    let days = reader.web_days(None, &[0, 1010, 2010, 4000]).unwrap();
    let seen: Vec<_> = days
        .iter()
        .map(|day| (day.observations, day.summaries, day.prompts))
        .collect();
    assert_eq!(seen, [(0, 0, 1), (2, 1, 1), (2, 2, 1)]);
    assert_eq!(
        days[1].by_kind,
        [("bugfix".to_owned(), 1), ("decision".to_owned(), 1)].into()
    );
    assert_eq!(days[1].discovery_tokens, 200);
    assert!(days[1].read_tokens > 2 * 10 / 4, "{}", days[1].read_tokens);
    assert_eq!(days[0].read_tokens, 0);
    let shop = reader.web_days(Some("shop"), &[0, 4000]).unwrap();
    assert_eq!((shop[0].observations, shop[0].prompts), (1, 1));
    assert!(reader.web_days(None, &[]).unwrap().is_empty());
}

#[test]
fn days_are_counted_in_an_index_alone() {
    let (world, ..) = filled();
    let plan: String = raw(&world)
        .query_row(
            &format!("EXPLAIN QUERY PLAN {}", days::OBSERVATIONS),
            (0, 1, "billing"),
            |row| row.get(3),
        )
        .unwrap();
    assert!(
        plan.contains("SEARCH observations USING COVERING INDEX observations_day"),
        "{plan}"
    );
}

#[test]
fn a_session_is_found_by_both_names_and_cut_from_its_end() {
    let (world, _writer, reader) = filled();
    let session = reader.web_session_named("one").unwrap().unwrap();
    assert_eq!(reader.web_session_named("1").unwrap().unwrap(), session);
    let of = |found: Result<(Vec<i64>, bool), _>| found.unwrap();
    assert_eq!(
        of(reader.web_ids_of_session::<WebPrompt>(1, 9)),
        (vec![1, 2], false)
    );
    assert_eq!(
        of(reader.web_ids_of_session::<WebObservation>(1, 3)),
        (vec![1, 2, 3], false)
    );
    assert_eq!(
        of(reader.web_ids_of_session::<WebObservation>(1, 2)),
        (vec![1, 2], true)
    );
    assert!(reader.web_session_named("99").unwrap().is_none());
    // A name of digits that is no number of a session.
    raw(&world)
        .execute(
            "UPDATE sdk_sessions SET content_session_id = '99' WHERE id = 2",
            [],
        )
        .unwrap();
    let named = reader.web_session_named("99").unwrap().unwrap();
    assert_eq!(named.id, 2);
}

#[test]
fn a_timeline_is_what_lies_before_and_after_and_prompts_come_first() {
    let (world, _writer, reader) = filled();
    let around = |project: Option<&str>, before, after| Around {
        projects: project.map(|project| vec![project.to_owned()]),
        before,
        after,
    };
    let names = |points: Vec<Point>| -> Vec<String> {
        let name = |point: &Point| match point.kind {
            Kind::Observation => format!("#{}", point.id),
            Kind::Summary => format!("S{}", point.id),
            Kind::Prompt => format!("P{}", point.id),
        };
        points.iter().map(name).collect()
    };
    let anchor = reader.point(Kind::Observation, 2).unwrap();
    let found = reader.around(1010, anchor, &around(None, 9, 2));
    assert_eq!(names(found.unwrap()), ["P1", "#1", "#2", "S1", "P2"]);
    let found = reader.around(1010, anchor, &around(None, 1, 0));
    assert_eq!(names(found.unwrap()), ["#1", "#2"]);
    // A prompt of the same millisecond came first, a summary of it later.
    raw(&world)
        .execute_batch(
            "UPDATE user_prompts SET created_at_epoch = 1010 WHERE id = 1;
             UPDATE session_summaries SET created_at_epoch = 1010 WHERE id = 1;",
        )
        .unwrap();
    let found = reader.around(1010, anchor, &around(None, 2, 1));
    assert_eq!(names(found.unwrap()), ["P1", "#1", "#2", "S1"]);
    let found = reader.around(2500, None, &around(Some("shop"), 9, 9));
    assert_eq!(names(found.unwrap()), ["P3", "#4", "S3"]);
}

#[test]
fn rows_are_found_by_what_they_are() {
    let (_world, _writer, reader) = filled();
    let find = |criteria: &Criteria, order| -> Vec<i64> {
        let rows = reader.web_find::<WebObservation>(criteria, order, 9, 0);
        rows.unwrap().iter().map(|(id, _)| *id).collect()
    };
    let of = |change: fn(&mut Criteria)| {
        let mut criteria = Criteria::default();
        change(&mut criteria);
        find(&criteria, Order::OldestFirst)
    };
    assert_eq!(find(&Criteria::default(), Order::NewestFirst), [4, 3, 2, 1]);
    assert_eq!(of(|it| it.kinds = vec!["bugfix".to_owned()]), [1, 4]);
    assert_eq!(of(|it| it.concepts = vec!["about-feature".to_owned()]), [3]);
    assert_eq!(of(|it| it.files = vec!["decision.rs".to_owned()]), [2]);
    assert_eq!(of(|it| it.project = Some("shop".to_owned())), [4]);
    assert_eq!(
        of(|it| (it.from, it.until) = (Some(1010), Some(2010))),
        [1, 2, 3]
    );
}

#[test]
fn the_queue_tells_what_waits_runs_and_became_of_an_event() {
    let (world, mut writer, reader) = filled();
    assert_eq!(reader.queue_state(i64::MAX).unwrap(), QueueState::default());
    let identity = SessionIdentity {
        content_session_id: "two".to_owned(),
        project: "shop".to_owned(),
        project_root: String::new(),
    };
    let events = [prompt("p", "More?", 6000), tool("t", Some("p"), 6001)];
    writer.ingest(&identity, &events).unwrap();
    raw(&world)
        .execute(
            "UPDATE pending_messages SET status = 'processing', started_processing_at_epoch = 6002
             WHERE event_id = 't'",
            [],
        )
        .unwrap();
    let state = |before| reader.queue_state(before).unwrap();
    assert_eq!(
        (state(0).pending, state(0).processing, state(0).stuck),
        (1, 1, 0)
    );
    assert_eq!((state(6003).stuck, state(0).depth()), (1, 2));
    let waiting = reader.web_queue(9).unwrap();
    let seen: Vec<_> = waiting
        .iter()
        .map(|event| (event.row.message_type.as_str(), event.row.project.as_str()))
        .collect();
    assert_eq!(seen, [("prompt", "shop"), ("observation", "shop")]);
    let told = serde_json::to_value(&waiting[1]).unwrap();
    assert_eq!(told["claude_session_id"], "two");
    assert_eq!(
        (&told["tool_name"], &told["status"]),
        (&"Bash".into(), &"processing".into())
    );
    let processed = reader.web_processed(2).unwrap();
    assert_eq!(processed.len(), 2);
    assert_eq!(processed[0].row.content_session_id, "two");
    let receipt = reader.receipt("two", "t").unwrap().unwrap();
    assert_eq!((receipt.session_db_id, receipt.prompt_number), (2, 2));
    assert_eq!(reader.receipt("one", "t").unwrap(), None);
    let counts = reader.session_counts(2).unwrap();
    assert_eq!(
        (counts.observations, counts.summaries, counts.queued),
        (1, 1, 2)
    );
    assert_eq!(reader.last_call().unwrap(), None);
}
