//! Questions in words that their answers do not have: 58 pairs among 400 other
//! notes of coding sessions, and 32 questions that nothing answers.

use claude_mem::bench::{Answer, Data, ask, fill, score};

use super::memory::reader;
use crate::support::Sandbox;

const PAIRS: &str = include_str!("../data/paraphrase.jsonl");

/// Per cent of the questions whose answer is among the first five.
const FOUND: f64 = 60.0;

/// Per cent of the unanswerable questions for which nothing is returned.
const REFUSED: usize = 80;

#[test]
fn what_is_said_in_other_words_is_found_and_nonsense_finds_nothing() {
    let sandbox = Sandbox::new();
    let data = Data::read(PAIRS.as_bytes()).unwrap();
    let filled = fill(&sandbox.locations(), &data, |_| {}).unwrap();
    let reader = reader(&sandbox.locations());
    let answers: Vec<Answer> = data
        .queries
        .iter()
        .map(|query| ask(&reader, &filled, query, 10, None).unwrap())
        .collect();
    let scores = score(&data.queries, &answers, &[5]);
    let overall = scores.overall.unwrap();
    assert_eq!((overall.queries, scores.abstentions), (58, 32));
    assert!(overall.any[0] >= FOUND, "{overall:?}");
    assert!(
        scores.abstained * 100 >= REFUSED * scores.abstentions,
        "{} refused",
        scores.abstained
    );
}
