//! Every row is found by the words of its title, whatever it was made by.

use claude_mem::store::{Filter, Reader, Writer};
use serde_json::Value;

use super::memory::{TOP, found, reader, remember};
use crate::support::Sandbox;

#[expect(dead_code, reason = "the queries are for the measurements alone")]
#[path = "../../benches/measures/corpus.rs"]
mod corpus;

/// Recorded sessions of Claude Code.
const RECORDED: [&str; 4] = [
    include_str!("../data/session-a.jsonl"),
    include_str!("../data/session-messy.jsonl"),
    include_str!("../data/session-pipeline.jsonl"),
    include_str!("../data/session-rust-cli.jsonl"),
];

/// What a title is asked for by: as it stands, its words alone, and those from
/// the last to the first. A word that would be an exclusion stands without its
/// sign.
pub(super) fn askings(title: &str) -> [String; 3] {
    let words: Vec<&str> = title
        .split_whitespace()
        .map(|word| word.trim_start_matches('-'))
        .filter(|word| word.contains(char::is_alphanumeric))
        .collect();
    let mut backwards = words.clone();
    backwards.reverse();
    let as_it_stands = title.split_whitespace().any(|word| word.starts_with('-'));
    [
        if as_it_stands {
            words.join(" ")
        } else {
            title.to_owned()
        },
        words.join(" "),
        backwards.join(" "),
    ]
}

/// The rows that are not among the first of what their own words find.
pub(super) fn lost(reader: &Reader, rows: &[(i64, String, String)]) -> Vec<String> {
    let mut lost = Vec::new();
    for (id, title, project) in rows {
        for text in askings(title) {
            for place in [None, Some(project.as_str())] {
                let ids = found(reader, &text, place);
                assert!(ids.len() <= TOP, "{text:?} found {ids:?}");
                if !ids.contains(id) {
                    lost.push(format!(
                        "#{id} by {text:?} in {place:?}, which found {ids:?}"
                    ));
                }
            }
        }
    }
    lost
}

/// Id, title and project of every observation that holds.
pub(super) fn rows(reader: &Reader) -> Vec<(i64, String, String)> {
    let filter = Filter {
        limit: usize::MAX,
        ..Filter::default()
    };
    reader
        .observations(&filter)
        .unwrap()
        .into_iter()
        .filter(|row| row.superseded_by.is_none())
        .map(|row| (row.id, row.title, row.project))
        .collect()
}

#[test]
fn what_became_of_recorded_sessions_is_found_by_its_titles() {
    let sandbox = Sandbox::new();
    for recorded in RECORDED {
        let payloads: Vec<Value> = recorded
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        sandbox.play(&payloads);
    }
    sandbox.wait_for_quiet();
    let reader = reader(&sandbox.locations());
    let rows = rows(&reader);
    assert!(rows.len() >= 10, "{rows:?}");
    assert_eq!(lost(&reader, &rows), Vec::<String>::new());
}

#[test]
fn rows_of_one_vocabulary_are_found_by_their_titles() {
    const ROWS: usize = 80;
    let sandbox = Sandbox::new();
    let corpus = corpus::Corpus::new();
    let mut writer = Writer::open(&sandbox.locations(), "test").unwrap();
    for first in (0..ROWS).step_by(corpus::SESSION) {
        let observations = (first..first + corpus::SESSION)
            .map(|row| corpus.observation(row))
            .collect();
        let session = format!("session-{first}");
        let place = (session.as_str(), corpus.project(first));
        let ids = remember(&mut writer, place, 0, observations);
        assert_eq!(ids.len(), corpus::SESSION);
    }
    drop(writer);
    let reader = reader(&sandbox.locations());
    let rows = rows(&reader);
    assert_eq!(rows.len(), ROWS);
    for (id, title, _) in rows {
        let [.., backwards] = askings(&title);
        let ids = found(&reader, &backwards, None);
        assert!(
            ids.contains(&id),
            "#{id} by {backwards:?}, which found {ids:?}"
        );
    }
}
