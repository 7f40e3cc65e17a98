//! The page by keyboard alone.

use super::{open, seeded};

const ENTER: &str = "\u{e007}";
const ESCAPE: &str = "\u{e00c}";
const RIGHT: &str = "\u{e014}";

/// Where the focus is: the memory's key, else the element's name.
const FOCUS: &str =
    "document.activeElement.closest('[data-key]')?.dataset.key ?? document.activeElement.localName";

#[test]
fn memories_are_walked_through_opened_and_closed() {
    let sandbox = seeded(100);
    let Some((server, browser)) = open(&sandbox, &[]) else {
        return;
    };
    let focus = || browser.value(FOCUS);
    browser.load(&server.at("#/"));
    browser.wait("document.querySelectorAll('article').length > 5");
    browser.press("j");
    assert_eq!(focus(), "S10");
    browser.press("jj");
    assert_eq!(focus(), "99");
    browser.press("k");
    assert_eq!(focus(), "100");
    browser.press(ENTER);
    browser.wait_for(".detail .detail-title");
    assert_eq!(browser.value("location.hash"), "#100");
    browser.wait("document.activeElement.classList.contains('detail-title')");
    // What is open goes along, and the list keeps the focus.
    browser.press("j");
    browser.wait(
        "document.querySelector('.detail-title')?.textContent === 'Memory 99 about invoices'",
    );
    assert_eq!(browser.value("location.hash"), "#99");
    assert_eq!(focus(), "99");
    browser.press(ESCAPE);
    browser.wait("document.getElementById('detail').hidden");
    assert_eq!(browser.value("location.hash"), "#/");
    assert_eq!(focus(), "99");
    // Far down: the focus is always on screen.
    for _ in 0..40 {
        browser.press("j");
    }
    let inside = "(() => { const box = document.activeElement.getBoundingClientRect(); const list = document.getElementById('content').getBoundingClientRect(); return box.top >= list.top && box.bottom <= list.bottom; })()";
    assert_eq!(browser.value(inside), true);
    assert_eq!(browser.console(), [""; 0]);
}

#[test]
fn the_search_is_reached_and_left_by_keys() {
    let sandbox = seeded(100);
    let Some((server, browser)) = open(&sandbox, &[]) else {
        return;
    };
    browser.load(&server.at("#/"));
    browser.wait("document.querySelectorAll('article').length > 5");
    browser.press("/");
    assert_eq!(browser.value("document.activeElement.id"), "search");
    // Letters that are keys elsewhere are letters here.
    browser.press("jkt? missing");
    assert_eq!(
        browser.value("document.getElementById('search').value"),
        "jkt? missing"
    );
    browser.wait_for("article.kind-prompt mark");
    browser.press(ENTER);
    browser.wait("document.activeElement.id === 'content'");
    browser.press("j");
    assert_eq!(
        browser.value("Boolean(document.activeElement.closest('article.kind-prompt'))"),
        true
    );
    browser.press(ESCAPE);
    browser.wait("location.hash === '#/' && document.querySelector('.feed article')");
    assert_eq!(browser.value("document.getElementById('search').value"), "");
    assert_eq!(browser.console(), [""; 0]);
}

#[test]
fn the_theme_is_remembered_and_the_help_explains() {
    let sandbox = seeded(3);
    let Some((server, browser)) = open(&sandbox, &[]) else {
        return;
    };
    let ground = || browser.value("getComputedStyle(document.body).backgroundColor");
    browser.prefer_dark(true);
    browser.load(&server.at("#/"));
    browser.wait_for("article");
    let dark = ground();
    browser.press("t");
    let light = ground();
    assert_ne!(light, dark);
    browser.load(&server.at("#/stats"));
    browser.wait_for(".chart");
    assert_eq!(ground(), light);
    browser.press("t");
    assert_eq!(ground(), dark);
    browser.prefer_dark(false);
    assert_eq!(ground(), dark);
    browser.press("t");
    assert_eq!(ground(), light);
    browser.press("?");
    browser.wait("document.querySelector('dialog').open");
    browser.screenshot("help");
    assert_eq!(browser.problems(), [""; 0]);
    browser.press(ESCAPE);
    browser.wait("!document.querySelector('dialog').open");
    assert_eq!(browser.console(), [""; 0]);
}

#[test]
fn how_far_the_statistics_look_back_is_chosen_by_keys_and_remembered() {
    // Of two months, every half hour one.
    let sandbox = seeded(3_000);
    let Some((server, browser)) = open(&sandbox, &[]) else {
        return;
    };
    let load = || {
        browser.load(&server.at("#/stats"));
        browser.wait_for(".chart .bar rect.fill");
    };
    let bars = |count: u32| {
        browser.wait(&format!(
            "document.querySelector('.chart').querySelectorAll('.bar').length === {count}"
        ));
    };
    let told = || browser.value("document.querySelector('.chart').getAttribute('aria-label')");
    load();
    bars(30);
    browser.run("document.querySelector('.spans input:checked').focus()");
    browser.press(RIGHT);
    bars(90);
    assert_eq!(browser.value("document.activeElement.value"), "90");
    assert_eq!(
        told(),
        "Observations a day, by type: 3,000 observations in 90 days"
    );
    browser.press(RIGHT);
    bars(53);
    assert_eq!(
        told(),
        "Observations a week, by type: 3,000 observations in 53 weeks"
    );
    assert_eq!(browser.problems(), [""; 0]);
    browser.screenshot("stats-year");
    load();
    bars(53);
    let checked = "document.querySelector('.spans input:checked').value";
    assert_eq!(browser.value(checked), "365");
    browser.run(&format!("{}.focus()", checked.trim_end_matches(".value")));
    browser.press(RIGHT);
    bars(30);
    assert_eq!(browser.console(), [""; 0]);
}
