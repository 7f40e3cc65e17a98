//! Every page in both themes, wide and narrow, with ordinary and with hostile
//! memories: nothing in the console, no other host, nothing that is hard to
//! read.

use super::world::writable;
use super::{Browser, HOSTILE, Server, open, seeded};
use crate::support::{Sandbox, wait_until};

/// Name of the screenshot, place, and what is there when the page is.
const PAGES: [(&str, &str, &str); 11] = [
    ("live", "#/", "article.card"),
    ("type", "#/?type=bugfix", "article.type-bugfix"),
    ("project", "#/?project=project-1", "article.card"),
    ("search", "#/?q=invoices", "article mark"),
    ("detail", "#90", ".detail .around .rail-row"),
    ("timeline", "#/timeline/50", ".rail-row.here"),
    ("session", "#/session/2", ".turn .rail-row"),
    ("stats", "#/stats", ".chart .bar rect.fill"),
    ("queue", "#/queue", ".equation .term"),
    ("context", "#/context?project=project-1", ".terminal"),
    ("settings", "#/settings", ".setting"),
];

const WIDE: (u32, u32) = (1440, 900);
const NARROW: (u32, u32) = (360, 740);

/// Nothing is loading any more, and the stream is open.
const SETTLED: &str =
    "!document.querySelector('.skeleton') && document.querySelector('[data-state=live]')";

#[track_caller]
fn look(browser: &Browser, server: &Server, place: &str, awaited: &str) {
    browser.load(&server.at(place));
    browser.wait_for(awaited);
    browser.wait(SETTLED);
    assert_eq!(browser.problems(), [""; 0], "{place}");
}

#[track_caller]
fn assert_quiet(browser: &Browser, server: &Server) {
    assert_eq!(browser.console(), [""; 0]);
    let foreign: Vec<String> = browser
        .requests()
        .into_iter()
        .filter(|address| !address.starts_with(&format!("{}/", server.address)))
        .filter(|address| address != "about:blank")
        .collect();
    assert_eq!(foreign, [""; 0]);
}

/// Every page, wide and narrow.
fn go_through(theme: &str, dark: bool) {
    let sandbox = seeded(100);
    let Some((server, browser)) = open(&sandbox, &[]) else {
        return;
    };
    browser.prefer_dark(dark);
    for (name, place, awaited) in PAGES {
        browser.resize(WIDE);
        look(&browser, &server, place, awaited);
        browser.screenshot(&format!("{name}-{theme}-wide"));
        browser.resize(NARROW);
        browser.wait_for(awaited);
        assert_eq!(browser.problems(), [""; 0], "{place}, narrow");
        browser.screenshot(&format!("{name}-{theme}-narrow"));
    }
    assert_quiet(&browser, &server);
}

#[test]
fn every_page_is_sound_in_light() {
    go_through("light", false);
}

#[test]
fn every_page_is_sound_in_dark() {
    go_through("dark", true);
}

#[test]
fn what_is_shown_is_what_is_stored() {
    let sandbox = seeded(100);
    let Some((server, browser)) = open(&sandbox, &[]) else {
        return;
    };
    let text = |selector: &str| {
        let text = browser.value(&format!(
            "document.querySelector({selector:?})?.textContent"
        ));
        text.as_str().unwrap_or_default().to_owned()
    };
    look(&browser, &server, "#90", ".detail .around .rail-row");
    assert_eq!(text(".detail-title"), "Memory 90 about invoices");
    for part in [
        "The count was taken too early, in row 90.",
        "The limit is 999 lines",
        "src/pages.rs",
        "gotcha",
    ] {
        assert!(text(".detail").contains(part), "{part}");
    }
    assert_eq!(text(".detail .prose code"), "count");
    look(&browser, &server, "#S3", ".detail .around .rail-row");
    assert!(text(".detail").contains("A test holds the count"));
    look(&browser, &server, "#P2", ".detail .around .rail-row");
    assert!(text(".detail blockquote").contains("Why does page 11 go missing?"));
    look(&browser, &server, "#/session/2", ".turn");
    assert_eq!(
        browser.value("document.querySelectorAll('.turn').length"),
        2
    );
    assert_eq!(
        browser.value("document.querySelectorAll('.turn .rail-row').length"),
        20
    );
    assert_eq!(
        text(".turn .turn-prompt"),
        "Prompt: Why does page 21 go missing?"
    );
    look(&browser, &server, "#/stats", ".chart .bar rect.fill");
    assert!(
        text(".numbers").contains("100observations"),
        "{}",
        text(".numbers")
    );
    assert!(text(".equation").contains("The sum is right"));
    // Of days that the server counts, not of the newest rows.
    assert!(!text(".page").contains("Counted from"), "{}", text(".page"));
    let spent = text(".spent");
    for part in ["tokens spent on memory", "at least $", "of 2M allowed"] {
        assert!(spent.contains(part), "{part} is not in {spent}");
    }
    assert_eq!(
        browser.value("document.querySelectorAll('.chart').length"),
        2
    );
    browser.run("document.querySelector('.spent').scrollIntoView()");
    browser.screenshot("stats-tokens-light");
    browser.prefer_dark(true);
    browser.screenshot("stats-tokens-dark");
    browser.prefer_dark(false);
    look(&browser, &server, "#/?q=invoices", "article mark");
    assert!(
        text("article .why").contains("in title"),
        "{}",
        text("article .why")
    );
    assert_eq!(text("article mark"), "invoices");
    assert_quiet(&browser, &server);
    // What is not there is said, and does no harm.
    browser.load(&server.at("#4711"));
    browser.wait("document.querySelector('.detail')?.textContent.includes('#4711 not found')");
}

/// Every text of some memories is hostile.
fn hostile() -> Sandbox {
    let sandbox = seeded(20);
    let connection = writable(&sandbox);
    for (number, text) in (1..).zip(HOSTILE) {
        let list = serde_json::to_string(&[text]).unwrap();
        let many = "title = ?1, subtitle = ?1, narrative = ?1, facts = ?2, concepts = ?2, files_read = ?2, files_modified = ?2, generated_by_model = ?1, git_branch = ?1, type = ?1, project = ?1";
        let set = |sql: &str, parameters: &[&dyn rusqlite::ToSql]| {
            assert_eq!(connection.execute(sql, parameters).unwrap(), 1, "{sql}");
        };
        set(
            &format!("UPDATE observations SET {many} WHERE id = {}", 20 - number),
            &[&text, &list],
        );
        if number <= 2 {
            set(
                "UPDATE session_summaries SET request = ?1, completed = ?1, learned = ?1, project = ?1 WHERE id = ?2",
                &[&text, &number],
            );
            set(
                "UPDATE user_prompts SET prompt_text = ?1, project = ?1 WHERE id = ?2",
                &[&text, &number],
            );
        }
    }
    let failed = "INSERT INTO pending_messages (session_db_id, content_session_id, event_id, message_type, tool_name, status, last_error, created_at_epoch)
        VALUES (1, 'c-1', 'bad', 'observation', ?1, 'failed', ?1, 0)";
    connection.execute(failed, [HOSTILE[0]]).unwrap();
    connection
        .execute(
            "UPDATE sdk_sessions SET captured = captured + 1 WHERE id = 1",
            [],
        )
        .unwrap();
    sandbox
}

#[test]
fn hostile_text_stays_text() {
    let sandbox = hostile();
    let Some((server, browser)) = open(&sandbox, &[]) else {
        return;
    };
    let check = |place: &str| {
        assert_eq!(
            browser.value("window.__pwned === undefined"),
            true,
            "{place}"
        );
        let foreign = "document.querySelectorAll('iframe, main img, aside img, body style, body script, [onerror], [onload], [style*=none]').length";
        assert_eq!(browser.value(foreign), 0, "{place}");
    };
    browser.load(&server.at("#/"));
    browser.wait("document.querySelectorAll('article').length > 5");
    let titles = browser
        .value("[...document.querySelectorAll('.card-title')].map((title) => title.textContent)");
    for text in &HOSTILE[..3] {
        let shown = titles.as_array().unwrap().iter().any(|title| title == text);
        assert!(shown, "{text} is not in {titles}");
    }
    check("live");
    browser.screenshot("hostile-live");
    for (number, text) in (1..).zip(HOSTILE) {
        let place = format!("#{}", 20 - number);
        browser.run(&format!("location.hash = {place:?}"));
        let title = serde_json::to_string(text).unwrap();
        browser.wait(&format!(
            "document.querySelector('.detail-title')?.textContent === {title}"
        ));
        browser.wait_for(".detail .around .rail-row");
        check(&place);
    }
    browser.screenshot("hostile-detail");
    for (place, awaited) in [
        ("#/?q=pwned+script+img", "article"),
        ("#/timeline/17", ".here"),
        ("#/session/1", ".turn"),
        ("#/stats", ".chart"),
        ("#/queue", ".trouble"),
        ("#/context", ".terminal"),
        (
            "#/?q=%3Cimg%20src=x%20onerror=window.__pwned=1%3E",
            "article, .empty",
        ),
        (
            "#/session/%3Cimg%20src=x%20onerror=window.__pwned=1%3E",
            ".empty",
        ),
        (
            "#/?project=%3Cimg%20src=x%20onerror=window.__pwned=1%3E",
            "select#project",
        ),
    ] {
        look(&browser, &server, place, awaited);
        check(place);
    }
    // A session of that name was asked for, and there is none.
    let console = browser.console();
    assert!(
        matches!(&console[..], [line] if line.contains("/turns - ") && line.contains("404")),
        "{console:?}"
    );
}

#[test]
fn a_stall_says_its_cause_and_what_to_do() {
    let sandbox = hostile();
    let Some((server, browser)) = open(&sandbox, &[]) else {
        return;
    };
    for (dark, theme) in [(false, "light"), (true, "dark")] {
        browser.prefer_dark(dark);
        look(&browser, &server, "#/", ".stall");
        let stall = browser.value("document.querySelector('.stall').textContent");
        let stall = stall.as_str().unwrap();
        assert!(stall.contains(HOSTILE[0]), "{stall}");
        assert!(stall.contains("claude-mem queue redo --failed"), "{stall}");
        browser.screenshot(&format!("stalled-{theme}"));
        look(&browser, &server, "#/queue", ".trouble");
        assert_eq!(
            browser.value("[...document.querySelectorAll('.advice code')].some((code) => code.textContent === 'claude-mem queue redo --failed')"),
            true
        );
        browser.screenshot(&format!("queue-failed-{theme}"));
    }
    assert_quiet(&browser, &server);
}

/// The row of a setting, as an expression.
#[test]
fn a_search_that_lacks_its_sentence_model_says_so() {
    let mut sandbox = seeded(20);
    sandbox.set("CLAUDE_MEM_EMBEDDING_MODEL", "/nowhere/at/all");
    let Some((server, browser)) = open(&sandbox, &[]) else {
        return;
    };
    look(&browser, &server, "#/?q=invoices", ".results [role=note]");
    browser.wait_for("article mark");
    let told = browser.value("document.querySelector('.results [role=note]').textContent");
    assert!(
        told.as_str()
            .unwrap()
            .contains("CLAUDE_MEM_EMBEDDING_MODEL"),
        "{told}"
    );
}

fn setting(name: &str) -> String {
    format!("document.getElementById('name-{name}').closest('.setting')")
}

/// Takes another option of a setting and saves it.
#[track_caller]
fn choose(browser: &Browser, name: &str, value: &str) {
    let row = setting(name);
    browser.run(&format!(
        "const select = {row}.querySelector('select'); select.value = {value:?};
         select.dispatchEvent(new Event('input')); {row}.querySelector('button').click();"
    ));
    browser.wait(&format!(
        "{row}.querySelector('.said').textContent === 'Saved'"
    ));
}

#[test]
fn settings_are_changed_in_relay_mode_alone() {
    let sandbox = seeded(1);
    let Some((server, browser)) = open(&sandbox, &["--relay"]) else {
        return;
    };
    look(&browser, &server, "#/settings", ".setting-form");
    let row = setting("CLAUDE_MEM_DAILY_TOKENS");
    let give = |value: &str| {
        browser.run(&format!(
            "const row = {row}; const input = row.querySelector('input'); input.value = {value:?};
             input.dispatchEvent(new Event('input')); row.querySelector('button').click();"
        ));
    };
    give("99999999999999");
    browser.wait(&format!(
        "{row}.querySelector('.said.wrong')?.textContent.includes('CLAUDE_MEM_DAILY_TOKENS')"
    ));
    browser.run(&format!("{row}.scrollIntoView({{block: 'center'}})"));
    browser.screenshot("settings-wrong");
    give("12345");
    browser.wait(&format!(
        "{row}.querySelector('.said').textContent === 'Saved'"
    ));
    let stored = std::fs::read_to_string(sandbox.data.join("settings.json")).unwrap();
    assert!(stored.contains("12345"), "{stored}");
    // Without a value it is as usual again.
    give("");
    browser.wait(&format!("{row}.querySelector('input').value === '2000000'"));
    let stored = || std::fs::read_to_string(sandbox.data.join("settings.json")).unwrap();
    assert!(!stored().contains("DAILY_TOKENS"), "{}", stored());
    choose(&browser, "CLAUDE_MEM_VIEWER_THEME", "dark");
    choose(&browser, "CLAUDE_MEM_MCP_ENABLED", "false");
    wait_until("both are stored", || {
        stored().contains("\"dark\"") && stored().contains("MCP_ENABLED")
    });
    // A credential is never shown, and what the environment alone may say is
    // not offered.
    assert_eq!(
        browser.value(&format!(
            "{}.querySelector('input').type",
            setting("CLAUDE_MEM_OPENAI_API_KEY")
        )),
        "password"
    );
    assert_eq!(
        browser.value(&format!(
            "{}.querySelector('form')",
            setting("CLAUDE_MEM_DATA_DIR")
        )),
        serde_json::Value::Null
    );
    browser.screenshot("settings-relay");
    assert_quiet(&browser, &server);
    drop((server, browser));

    let Some((server, browser)) = open(&sandbox, &[]) else {
        return;
    };
    look(&browser, &server, "#/settings", ".setting .value");
    assert_eq!(
        browser.value("document.querySelectorAll('.setting input, .setting select').length"),
        0
    );
    assert_quiet(&browser, &server);
}

#[test]
fn cards_have_room_for_their_texts_when_the_window_becomes_narrow() {
    let sandbox = seeded(30);
    let Some((server, browser)) = open(&sandbox, &[]) else {
        return;
    };
    browser.resize(WIDE);
    look(&browser, &server, "#/", "article .card-text");
    browser.resize(NARROW);
    // Their titles take two lines now; no line of the text below is cut.
    let cut = "[...document.querySelectorAll('article.kind-observation')].filter((card) => {
        const text = card.querySelector('.card-text').getBoundingClientRect();
        const line = parseFloat(getComputedStyle(card.querySelector('.card-text')).lineHeight);
        return text.height < line - 1;
    }).length";
    browser.wait(&format!("({cut}) === 0"));
    browser.resize(WIDE);
    browser.wait(&format!("({cut}) === 0"));
}
