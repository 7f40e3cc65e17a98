use crate::context::fixture::{MORNING, Memory, new_observation, new_summary};
use crate::store::Reader;

use super::*;

fn ask(reader: &Reader, text: &str) -> Results {
    let request = Request {
        text: text.to_owned(),
        ..Request::default()
    };
    run(reader, &request).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

fn memory() -> Memory {
    let mut memory = Memory::new();
    let mut fix = new_observation("Count a discount code only once", MORNING);
    fix.narrative =
        "applyDiscount in billing/invoice_total.py added \"WELCOME10\" twice".to_owned();
    fix.files_modified = vec!["billing/invoice_total.py".to_owned()];
    let mut decision = new_observation("SQLite keeps the exchange rates", MORNING + 1);
    decision.kind = "decision".to_owned();
    memory.remember(
        ("a", "billing"),
        MORNING,
        vec![fix, decision],
        Some(new_summary("Why are totals too low?", MORNING)),
    );
    memory.remember(
        ("b", "other"),
        MORNING,
        vec![new_observation("Discount banner", MORNING)],
        None,
    );
    memory
}

#[test]
fn rows_are_found_by_their_words_and_say_why() {
    let memory = memory();
    let reader = memory.reader();
    let results = ask(&reader, "counting discounted codes");
    let best = &results.observations[0];
    assert_eq!(best.row.title, "Count a discount code only once");
    assert_eq!(best.why, "counting, discounted, codes in title");
    assert!(best.score > results.observations[1].score);
    assert_eq!(results.strategy, "hybrid");
    for (text, id) in [
        ("invoice_total.py", 1),
        ("applyDiscount", 1),
        ("WELCOME10", 1),
        ("\"exchange rates\"", 2),
        ("exch", 2),
        ("sqlite -discount", 2),
    ] {
        assert_eq!(ask(&reader, text).observations[0].row.id, id, "{text}");
    }
    assert_eq!(ask(&reader, "totals").summaries.len(), 1);
    assert_eq!(ask(&reader, "prompt").prompts.len(), 2);
    memory.supersede(2);
    assert!(ask(&reader, "sqlite").observations.is_empty(), "superseded");
    assert!(
        ask(&reader, "discount -code -banner")
            .observations
            .is_empty()
    );
}

#[test]
fn projects_types_and_limits_hold() {
    let memory = memory();
    let reader = memory.reader();
    let mut request = Request {
        text: "discount rates totals".to_owned(),
        projects: Some(vec!["billing".to_owned()]),
        ..Request::default()
    };
    let found = run(&reader, &request).unwrap();
    assert_eq!((found.observations.len(), found.summaries.len()), (2, 1));
    request.kinds = vec!["decision".to_owned()];
    let found = run(&reader, &request).unwrap();
    assert_eq!((found.observations.len(), found.summaries.len()), (1, 0));
    assert_eq!(found.observations[0].row.kind, "decision");
    request.kinds.clear();
    request.projects = None;
    request.limit = 1;
    assert_eq!(run(&reader, &request).unwrap().observations.len(), 1);
}

#[test]
fn a_search_for_nothing_names_an_example() {
    let memory = Memory::new();
    let request = Request {
        text: " \"\" ".to_owned(),
        ..Request::default()
    };
    let error = run(&memory.reader(), &request).unwrap_err().to_string();
    assert!(error.contains("`claude-mem search"), "{error}");
}

/// FTS5's own operators, quotes, controls and letters that fold oddly, in
/// thousands of orders of three, and what a person might paste.
#[test]
fn no_text_is_a_syntax_error() {
    let memory = memory();
    let reader = memory.reader();
    let pieces = [
        "\"", "'", "*", "^", "(", ")", ":", "-", "+", "NEAR(", "NOT", "AND", "OR", "title:",
        "{a b}", "\0", "\u{1}", "\u{301}", "İ", "日本", "😀", "\u{ffff}", "x", " ", "--", ";", "“",
        "»", "\\", "a\"b", "\u{e000}", "²", "ß",
    ];
    let mut asked = 0;
    for first in pieces {
        for second in pieces {
            for third in pieces.iter().skip(first.len() % 5).step_by(5) {
                let text = format!("{first}{second}{third}");
                let request = Request {
                    text: text.clone(),
                    ..Request::default()
                };
                match run(&reader, &request) {
                    Ok(_) => asked += 1,
                    Err(SearchError::Empty) => {}
                    Err(error) => panic!("{text:?}: {error}"),
                }
            }
        }
    }
    assert!(asked > 3_000, "{asked}");
    for text in [
        "\"a\0b\" c",
        "SELECT * FROM x; DROP TABLE y",
        "a AND (b OR",
        "C:\\dir\\*.rs",
        "fn f<T>() -> Vec<T>",
    ] {
        ask(&reader, text);
    }
}

#[test]
fn the_newer_of_two_that_say_the_same_stands_for_both() {
    let mut memory = Memory::new();
    let title = "Exchange rates are cached for five minutes";
    for (session, at) in [("a", MORNING), ("b", MORNING + 1000)] {
        let mut new = new_observation(title, at);
        new.narrative = "The cache of exchange rates holds five minutes.".to_owned();
        memory.remember((session, "billing"), at, vec![new], None);
    }
    let results = ask(&memory.reader(), "how long are exchange rates cached");
    let found: Vec<_> = results
        .observations
        .iter()
        .map(|found| found.row.id)
        .collect();
    assert_eq!(found, [2]);
    assert_eq!(results.observations[0].also, [1]);
}

#[test]
fn what_takes_something_back_comes_before_it_and_says_so() {
    let mut memory = Memory::new();
    let mut wrong = new_observation("Exchange rates are cached for five minutes", MORNING);
    wrong.narrative = "Exchange rates are cached for five minutes, the cache says.".to_owned();
    memory.remember(("a", "billing"), MORNING, vec![wrong], None);
    let mut right = new_observation(
        "Exchange rates are cached for fifteen minutes",
        MORNING + 1000,
    );
    right.narrative =
        "Exchange rates are cached for fifteen minutes: the earlier note was wrong.".to_owned();
    memory.remember(("b", "billing"), MORNING + 1000, vec![right], None);
    let results = ask(&memory.reader(), "exchange rates cached for five minutes");
    let found: Vec<_> = results
        .observations
        .iter()
        .map(|found| found.row.id)
        .collect();
    assert_eq!(found, [2, 1], "who corrects is heard first");
    assert_eq!(results.observations[0].corrects, [1]);
}

#[test]
fn nonsense_finds_nothing_and_a_mistyped_word_does_no_harm() {
    let memory = memory();
    let reader = memory.reader();
    assert!(ask(&reader, "qwxzv plmbktr frobnix zzyx").is_empty());
    assert_eq!(ask(&reader, "sqlite qwxzv").observations[0].row.id, 2);
}

#[test]
fn one_session_does_not_fill_the_answer() {
    let mut memory = Memory::new();
    let topics = [
        "retries", "timeouts", "headers", "caching", "quotas", "parsing", "logging",
    ];
    let notes = topics.map(|topic| {
        let mut note = new_observation(&format!("Webhook {topic}"), MORNING);
        note.narrative = format!("The webhook of the shop and its {topic}.");
        note
    });
    memory.remember(("a", "billing"), MORNING, notes.into(), None);
    let mut other = new_observation("Signatures of the webhook checked", MORNING);
    other.narrative = "Found while the webhook was being moved to another host, which nobody had \
                       expected, and written down for whoever comes next."
        .to_owned();
    memory.remember(("b", "billing"), MORNING, vec![other], None);
    let reader = memory.reader();
    let found = ask(&reader, "webhook").observations;
    let place = found
        .iter()
        .position(|found| found.row.title.starts_with("Signatures"));
    assert_eq!(found.len(), 8);
    assert!(place.is_some_and(|place| place < 7), "{place:?}");
}

#[test]
fn what_stands_at_the_end_of_a_long_log_is_found_and_shown() {
    let mut memory = Memory::new();
    let told = "the thumbnails were computed twice by the carousel";
    let notes = (0..6).map(|number| {
        let mut note = new_observation(&format!("Session {number}"), MORNING);
        let lines = (0..4_000).map(|line| format!("worker {line} polls the shop, nothing to do"));
        note.narrative = lines.collect::<Vec<_>>().join("\n");
        note.narrative.push_str(" The carousel moves.");
        if number == 2 {
            note.narrative.push('\n');
            note.narrative.push_str(told);
        }
        note
    });
    memory.remember(("a", "billing"), MORNING, notes.collect(), None);
    let found = ask(&memory.reader(), "carousel computing thumbnails").observations;
    let best = &found[0];
    assert_eq!(best.row.title, "Session 2");
    assert_eq!(best.why, "carousel, thumbnails, computing in narrative");
    assert!(best.snippet.contains(told), "{}", best.snippet);
}

/// A summary that is near in meaning is an answer where nothing else is, and none where
/// an observation's words are.
#[test]
fn what_is_only_near_in_meaning_does_not_accompany_words_that_fit() {
    let mut memory = Memory::new();
    let summary = new_summary(
        "The automobile would not start, its motor was dead",
        MORNING,
    );
    memory.remember(("a", "billing"), MORNING, Vec::new(), Some(summary));
    let near = ask(&memory.reader(), "car engine broken");
    assert_eq!(near.summaries.len(), 1, "{near:?}");
    assert_eq!(near.summaries[0].why, "near in meaning");

    let mut told = new_observation("Car engine broken", MORNING);
    told.narrative = "The engine of the car is broken.".to_owned();
    memory.remember(("b", "billing"), MORNING, vec![told], None);
    let found = ask(&memory.reader(), "car engine broken");
    assert_eq!(found.observations.len(), 1);
    assert!(found.summaries.is_empty(), "{:?}", found.summaries);
}

#[test]
fn a_word_is_completed_whether_or_not_it_stands_somewhere() {
    let mut memory = Memory::new();
    let titles = [
        "Configuration is read once",
        "Nginx conf moved",
        "Confidence intervals",
    ];
    let notes = titles.map(|title| new_observation(title, MORNING));
    memory.remember(("a", "billing"), MORNING, notes.into(), None);
    let titles = |text: &str| -> Vec<String> {
        let found = ask(&memory.reader(), text).observations;
        found.into_iter().map(|found| found.row.title).collect()
    };
    let found = titles("conf");
    assert_eq!(found.len(), 3, "{found:?}");
    assert_eq!(found[0], "Nginx conf moved");
    assert_eq!(titles("confid"), ["Confidence intervals"]);
    assert!(titles("conf ").len() < 3, "a finished word begins no other");
}
