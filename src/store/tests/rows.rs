//! Rows that are found, listed, and gone in time.

use std::time::Duration;

use super::*;

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
