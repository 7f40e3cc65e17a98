//! A hundred thousand memories.

use std::time::Duration;

use super::{open, seeded};
use crate::support::PATIENCE;

const MEMORIES: u32 = 100_000;

/// Elements in the document, however many rows there are: some thirty cards of
/// a dozen each, and the frame.
const MOST_ELEMENTS: u64 = 1_200;

/// Steps of scrolling, of two thirds of a screen each.
const STEPS: u32 = 200;

/// Scrolls down step by step, a step a frame, and says how many elements there
/// were at most. A step that finds the end of what is loaded waits for more.
const SCROLL: &str = "
    const done = arguments[0];
    const list = document.getElementById('content');
    let most = 0, steps = 0;
    const step = () => {
        most = Math.max(most, document.querySelectorAll('*').length);
        const before = list.scrollTop;
        list.scrollTop += 600;
        if (list.scrollTop > before) steps += 1;
        if (steps < STEPS) requestAnimationFrame(step);
        else done(most);
    };
    step();";

/// How long a debug build on a busy machine may search so many rows. The page
/// gives up earlier, and is told to try again, as a person would.
const SEARCH: Duration = PATIENCE.saturating_mul(3);
const FOUND: &str = "(document.querySelector('.results [role=alert] button')?.click(),
    document.querySelector('mark'))";

#[test]
fn the_document_stays_small_however_far_one_scrolls() {
    let sandbox = seeded(MEMORIES);
    let Some((server, browser)) = open(&sandbox, &[]) else {
        return;
    };
    browser.load(&server.at("#/"));
    browser.wait("document.querySelectorAll('article').length > 5");
    let most = browser.run_async(&SCROLL.replace("STEPS", &STEPS.to_string()));
    assert!(most.as_u64().unwrap() < MOST_ELEMENTS, "{most}");
    // Rows are those that belong there: in order, none twice, none left out.
    let shown = "[...document.querySelectorAll('article.kind-observation')].map((card) => Number(card.dataset.key))";
    browser.wait(&format!("{shown}.length > 3"));
    let keys = browser.value(shown);
    let keys: Vec<u64> = keys
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key.as_u64().unwrap())
        .collect();
    assert!(
        keys.windows(2).all(|pair| pair[0] == pair[1] + 1),
        "{keys:?}"
    );
    assert!(keys[0] < u64::from(MEMORIES) - 500, "{keys:?}");
    browser.screenshot("long");
    // And back at once.
    browser.run("document.getElementById('content').scrollTop = 0");
    browser.wait("document.querySelector('article')?.dataset.key === 'S10000'");
    assert_eq!(browser.console(), [""; 0]);

    // A word that stands in every row of the index.
    browser.load(&server.at("#/?q=invoices"));
    browser.wait_within(SEARCH, FOUND);
    for (place, awaited) in [
        ("#/stats", ".chart"),
        ("#/?type=security_note", "article.type-security_note"),
        ("#12", ".detail .rail-row.here"),
    ] {
        browser.load(&server.at(place));
        browser.wait_for(awaited);
        let elements = browser.value("document.querySelectorAll('*').length");
        assert!(
            elements.as_u64().unwrap() < 3 * MOST_ELEMENTS,
            "{place}: {elements}"
        );
    }
    assert_eq!(browser.console(), [""; 0]);
}

#[test]
fn a_type_is_listed_to_its_end() {
    let sandbox = seeded(4_000);
    let Some((server, browser)) = open(&sandbox, &[]) else {
        return;
    };
    browser.load(&server.at("#/?type=decision"));
    browser.wait_for("article.type-decision");
    let all = sandbox.count("SELECT count(*) FROM observations WHERE type = 'decision'");
    let end = "document.querySelector('.feed-status').textContent.startsWith('The beginning')";
    browser.wait(&format!(
        "(document.getElementById('content').scrollTop = 1e9, {end})"
    ));
    let told = browser.value("document.querySelector('.feed-status').textContent");
    assert_eq!(told, format!("The beginning: {all} memories"));
}
