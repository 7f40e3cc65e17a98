//! What a worker commits appears by itself.

use super::world::writable;
use super::{Browser, Server, open, seeded};
use crate::support::{PATIENCE, Sandbox, Talk, wait_until, wait_until_within};

#[test]
fn an_empty_memory_teaches_and_then_fills_by_itself() {
    let mut sandbox = Sandbox::new();
    sandbox.set("CLAUDE_MEM_HTTP_AUTOSTART", "false");
    let Some((server, browser)) = open(&sandbox, &[]) else {
        return;
    };
    browser.load(&server.at("#/"));
    browser.wait_for(".steps");
    browser.wait_for("[data-state=live]");
    let taught = browser.value("document.querySelector('.empty').textContent");
    assert!(
        taught.as_str().unwrap().contains("claude-mem install"),
        "{taught}"
    );
    assert_eq!(browser.problems(), [""; 0]);
    browser.screenshot("empty");

    let talk = Talk::new("live", &sandbox.project);
    sandbox.play(&talk.decision("one", "the exchange rates"));
    browser.wait_for("article.type-decision");
    browser.wait_for("article.kind-summary");
    browser.wait_for("article.kind-prompt");
    assert_eq!(
        browser.value("document.querySelector('.steps')"),
        serde_json::Value::Null
    );
    let title =
        browser.value("document.querySelector('article.type-decision .card-title').textContent");
    let stored: String = sandbox
        .database()
        .query_row(
            "SELECT title FROM observations WHERE type = 'decision'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(title, stored.as_str());
    // Each once, however the stream tells of them.
    let keys = "[...document.querySelectorAll('article')].map((card) => card.dataset.key)";
    assert_eq!(
        browser.value(&format!("new Set({keys}).size === {keys}.length")),
        true
    );
    browser.wait("[...document.querySelectorAll('#project option')].some((option) => option.value === 'billing')");
    assert_eq!(browser.console(), [""; 0]);
    sandbox.wait_for_workers();
}

#[test]
fn a_server_that_was_away_is_found_again_and_nothing_is_missed() {
    let sandbox = seeded(30);
    let Some((server, browser)) = open(&sandbox, &[]) else {
        return;
    };
    browser.load(&server.at("#/"));
    browser.wait_for("[data-state=live]");
    browser.wait("document.querySelectorAll('article').length > 5");
    let port = server.port().to_owned();
    drop(server);
    browser.wait(
        "['reconnecting', 'offline'].includes(document.getElementById('connection').dataset.state)",
    );
    browser.screenshot("offline");
    let talk = Talk::new("meanwhile", &sandbox.project);
    sandbox.play(&talk.decision("one", "the ledger"));
    wait_until("a worker has made a memory of it", || {
        sandbox.count("SELECT count(*) FROM session_summaries WHERE project = 'billing'") == 1
    });
    let _server = Server::start(&sandbox, &["--port", &port]);
    browser.wait_for("[data-state=live]");
    browser.wait_for("article.kind-summary .project");
    browser.wait("[...document.querySelectorAll('article.kind-summary .project')].some((project) => project.textContent === 'billing')");
    sandbox.wait_for_workers();
}

#[test]
fn whoever_reads_is_not_disturbed() {
    let sandbox = seeded(300);
    let Some((server, browser)) = open(&sandbox, &[]) else {
        return;
    };
    browser.load(&server.at("#/"));
    browser.wait_for("[data-state=live]");
    browser.wait("document.querySelectorAll('article').length > 5");
    browser.run("document.getElementById('content').scrollTop = 2000");
    browser.wait(&format!(
        "document.getElementById('content').scrollTop === 2000 && {FIRST}"
    ));
    let first = first_on_screen(&browser);
    let talk = Talk::new("quiet", &sandbox.project);
    sandbox.play(&talk.decision("one", "the archive"));
    browser.wait("!document.querySelector('.pill').hidden && document.querySelector('.pill').textContent.includes('3 new')");
    assert_eq!(first_on_screen(&browser), first);
    browser.screenshot("pill");
    browser.run("document.querySelector('.pill').click()");
    browser.wait("document.getElementById('content').scrollTop === 0 && document.querySelector('.pill').hidden");
    browser.wait_for("article.type-decision");
    assert_eq!(browser.console(), [""; 0]);
    sandbox.wait_for_workers();
}

/// The memory at the top of the screen, and how far it is from there.
#[track_caller]
fn first_on_screen(browser: &Browser) -> serde_json::Value {
    browser.value(FIRST)
}

const FIRST: &str = "(() => { const top = document.getElementById('content').getBoundingClientRect().top;
            const boxes = [...document.querySelectorAll('article')].map((card) => [card.dataset.key, Math.round(card.getBoundingClientRect().top - top)]);
            return boxes.filter(([, at]) => at > 80).sort((a, b) => a[1] - b[1])[0]; })()";

impl Sandbox {
    /// Waits until no worker is at work any more; the server and the browser
    /// stay.
    fn wait_for_workers(&self) {
        wait_until("every worker has left", || {
            ["live", "meanwhile", "quiet"]
                .iter()
                .all(|session| !self.worker_is_alive(session))
        });
    }
}

#[test]
fn a_summary_that_grows_is_shown_as_it_is_now() {
    let sandbox = seeded(30);
    let Some((server, browser)) = open(&sandbox, &[]) else {
        return;
    };
    browser.load(&server.at("#/?type=summary"));
    browser.wait_for("[data-state=live]");
    browser.wait("document.querySelectorAll('article').length === 3");
    let changed = writable(&sandbox)
        .execute(
            "UPDATE session_summaries SET completed = 'The credit notes follow' WHERE id = 3",
            [],
        )
        .unwrap();
    assert_eq!(changed, 1);
    browser.wait("[...document.querySelectorAll('article')].some((card) => card.textContent.includes('The credit notes follow'))");
    assert_eq!(
        browser.value("document.querySelectorAll('article').length"),
        3
    );
    assert_eq!(browser.console(), [""; 0]);
}

#[test]
fn a_search_says_that_it_runs_gives_way_to_the_next_and_says_why_it_failed() {
    let sandbox = seeded(100);
    let Some((server, browser)) = open(&sandbox, &[]) else {
        return;
    };
    browser.load(&server.at("#/"));
    browser.wait("document.querySelectorAll('article').length > 5");
    let type_in = |words: &str| {
        browser.run(&format!(
            "const search = document.getElementById('search'); search.focus(); search.value = {words:?};
             search.dispatchEvent(new Event('input'));"
        ));
        browser.wait(&format!("location.hash.endsWith('q={words}')"));
    };
    server.halt(true);
    type_in("invoices");
    browser.wait("document.querySelector('.results [role=status]')?.textContent === 'Searching…'");
    assert_eq!(browser.problems(), [""; 0]);
    browser.screenshot("searching");
    let mut events = Vec::new();
    let mut is_taken_back = || {
        let addresses = browser.taken_back(&mut events);
        addresses.iter().any(|one| one.contains("query=invoices"))
    };
    assert!(!is_taken_back());
    type_in("discounts");
    // Long before its own time is over, which would end it as well.
    wait_until_within(
        PATIENCE / 2,
        "the first search is taken back",
        is_taken_back,
    );
    server.halt(false);
    browser.wait("document.querySelector('article mark')?.textContent === 'discounts'");
    assert_eq!(browser.console(), [""; 0]);
    drop(server);
    type_in("pages");
    browser.wait(
        "document.querySelector('.results [role=alert]')?.textContent.includes('does not answer')",
    );
    assert_eq!(browser.problems(), [""; 0]);
    browser.screenshot("search-failed");
}
