//! The recorded session, replayed as Claude Code ran it: what becomes of it, and
//! what the next session is told.

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::{
    Sandbox, Talk, assert_answer, assert_nowhere, binary, hook_for, run, session_a, told,
};

const SESSION: &str = "74c1e209-5ef6-4547-8a38-79ef71c9dc35";
const PROJECT: &str = "/home/demo/billing";

/// What the session was told at each of its starts.
struct Replayed {
    sandbox: Sandbox,
    starts: Vec<String>,
}

/// Sends every payload through its hook, with the variables that Claude Code
/// sets. Between two runs of the session time passes, in which another session
/// in the same project may do something.
fn replay(meanwhile: impl Fn(&Sandbox, usize)) -> Replayed {
    let mut sandbox = Sandbox::new();
    sandbox.set("CLAUDECODE", "1");
    sandbox.set("CLAUDE_CODE_SESSION_ID", SESSION);
    sandbox.set("CLAUDE_PROJECT_DIR", PROJECT);
    let mut starts = Vec::new();
    for payload in session_a() {
        let event = payload["hook_event_name"].as_str().unwrap();
        let hook = hook_for(event);
        let ran = run(
            &mut sandbox.command(binary(hook)),
            payload.to_string().as_bytes(),
        );
        assert_answer(hook, &ran, event);
        match event {
            "SessionStart" => starts.push(told(&ran.json())),
            "SessionEnd" => {
                sandbox.wait_for_quiet();
                meanwhile(&sandbox, starts.len());
                sandbox.wait_for_quiet();
            }
            _ => assert_eq!(ran.json(), json!({})),
        }
    }
    Replayed { sandbox, starts }
}

/// The values of a row, as text; lists are JSON arrays.
fn row(database: &Connection, sql: &str) -> Vec<String> {
    database
        .query_row(sql, [], |row| {
            (0..row.as_ref().column_count())
                .map(|column| row.get::<_, String>(column))
                .collect()
        })
        .unwrap_or_else(|error| panic!("{sql}: {error}"))
}

fn list(text: &str) -> Vec<String> {
    serde_json::from_str(text).unwrap()
}

const OBSERVATION: &str = "SELECT title, subtitle, narrative, facts, concepts, files_read,
    files_modified FROM observations WHERE type = ";

#[test]
fn three_turns_become_memories() {
    let replayed = replay(|_, _| {});
    let sandbox = &replayed.sandbox;
    let database = sandbox.database();
    assert_observations(&database);
    assert_summaries(&database);
    assert_prompts(&database);
    assert_edits(&database);
    assert_next_start(sandbox);
    assert_commands(sandbox);
    // A session that resumes knows what it did itself.
    assert!(replayed.starts[0].contains("no memory of billing yet"));
    assert_eq!(replayed.starts[1..], ["", ""]);
    let secret = ["rk_live_", "5f2c9d1e77aa41b0"].concat();
    assert_nowhere(sandbox, &[secret]);
    assert_eq!(
        sandbox.count(
            "SELECT count(*) FROM pending_messages WHERE status NOT IN ('processed', 'skipped')"
        ),
        0
    );
    assert_eq!(
        sandbox.count("SELECT count(*) FROM pending_messages"),
        i64::try_from(
            session_a()
                .iter()
                .filter(|payload| payload["hook_event_name"] != "SessionStart")
                .count()
        )
        .unwrap()
    );
    sandbox.assert_sound();
}

fn assert_observations(database: &Connection) {
    let bugfix = row(
        database,
        &format!("{OBSERVATION} 'bugfix' AND prompt_number = 1"),
    );
    let all = bugfix.join(" ").to_lowercase();
    assert!(
        all.contains("discount code") && all.contains("once"),
        "{all}"
    );
    let mut modified = list(&bugfix[6]);
    modified.sort();
    assert_eq!(modified, ["billing/invoice.py", "tests/test_invoice.py"]);
    assert!(list(&bugfix[5]).contains(&"billing/discounts.py".to_owned()));
    assert!(
        bugfix[3].contains("test_same_code_twice_counts_once"),
        "{}",
        bugfix[3]
    );

    let feature = row(
        database,
        &format!("{OBSERVATION} 'feature' AND prompt_number = 2"),
    );
    assert!(feature[0].contains("--json"), "{feature:?}");
    assert_eq!(list(&feature[6]), ["billing/report.py"]);

    let decision = row(
        database,
        &format!("{OBSERVATION} 'decision' AND prompt_number = 3"),
    );
    let title = decision[0].to_lowercase();
    assert!(
        title.contains("sqlite") && title.contains("exchange rates"),
        "{title}"
    );
    assert!(decision.join(" ").contains("Redis"), "{decision:?}");
    assert_eq!(
        list(&decision[6]),
        ["docs/decisions/0001-exchange-rates.md"]
    );

    for observation in [bugfix, feature, decision] {
        assert_well_told(&observation);
    }
}

/// What a person would expect of any observation.
fn assert_well_told(observation: &[String]) {
    const CONCEPTS: [&str; 7] = [
        "how-it-works",
        "why-it-exists",
        "what-changed",
        "problem-solution",
        "gotcha",
        "pattern",
        "trade-off",
    ];
    let title = &observation[0];
    let words = title.split_whitespace().count();
    assert!(
        (3..=15).contains(&words) && title.chars().count() <= 100,
        "{title}"
    );
    assert!(title.starts_with(char::is_uppercase), "{title}");
    assert!(
        !title.ends_with(['.', '…', ':']) && !title.contains('\n'),
        "{title}"
    );
    assert!(
        !observation[2].trim().is_empty(),
        "{title} has no narrative"
    );
    let facts = list(&observation[3]);
    assert!((2..=10).contains(&facts.len()), "{title}: {facts:?}");
    for fact in &facts {
        assert!(
            !fact.trim().is_empty() && fact.chars().count() <= 400,
            "{fact}"
        );
        assert_eq!(
            facts.iter().filter(|other| *other == fact).count(),
            1,
            "{fact}"
        );
    }
    let concepts = list(&observation[4]);
    assert!(!concepts.is_empty(), "{title}");
    assert!(
        concepts
            .iter()
            .all(|concept| CONCEPTS.contains(&&**concept)),
        "{concepts:?}"
    );
    for path in list(&observation[5]).iter().chain(&list(&observation[6])) {
        assert!(
            !path.starts_with('/'),
            "{path} is not relative to the project"
        );
    }
}

fn assert_summaries(database: &Connection) {
    let summary = |turn: i64| {
        row(
            database,
            &format!(
                "SELECT request, completed, next_steps, learned FROM session_summaries
                 WHERE prompt_number = {turn}"
            ),
        )
    };
    let [first, second, third] = [1, 2, 3].map(summary);
    for (summary, request, completed) in [
        (&first, "discount code", "apply_discount"),
        (&second, "--json", "--json"),
        (&third, "SQLite or in Redis", "SQLite"),
    ] {
        assert!(summary[0].contains(request), "{summary:?}");
        assert!(summary[1].contains(completed), "{summary:?}");
    }
    assert!(second[2].contains("real totals"), "{second:?}");
    assert!(third[2].contains("several hosts"), "{third:?}");
    assert!(first[3].contains("without checking"), "{first:?}");
}

fn assert_prompts(database: &Connection) {
    let prompt = |turn: i64| {
        row(
            database,
            &format!("SELECT prompt_text FROM user_prompts WHERE prompt_number = {turn}"),
        )
        .swap_remove(0)
    };
    let sent: Vec<Value> = session_a()
        .into_iter()
        .filter(|payload| payload["hook_event_name"] == "UserPromptSubmit")
        .collect();
    assert_eq!(prompt(1), sent[0]["prompt"].as_str().unwrap());
    assert_eq!(prompt(2), sent[1]["prompt"].as_str().unwrap());
    let third = sent[2]["prompt"].as_str().unwrap();
    let (before, rest) = third.split_once("<private>").unwrap();
    let (_, after) = rest.split_once("</private>").unwrap();
    assert_eq!(prompt(3), format!("{before}{after}"));
}

/// What an edit changed reaches the extractor; the files that it changed do not.
fn assert_edits(database: &Connection) {
    let edit = row(
        database,
        "SELECT tool_response || tool_input FROM pending_messages
         WHERE tool_name = 'Edit' AND tool_input LIKE '%billing/invoice.py%'",
    );
    assert!(
        edit[0].contains("+        if code not in self.codes:"),
        "{edit:?}"
    );
    assert!(!edit[0].contains("originalFile"), "{edit:?}");
}

fn titles(database: &Connection) -> Vec<String> {
    let mut statement = database
        .prepare("SELECT title FROM observations WHERE type IN ('bugfix', 'feature', 'decision')")
        .unwrap();
    let titles = statement.query_map([], |row| row.get(0)).unwrap();
    titles.map(Result::unwrap).collect()
}

fn assert_next_start(sandbox: &Sandbox) {
    let next = Talk::new("the-next-one", PROJECT.as_ref());
    let text = sandbox.told(&next, "startup");
    let titles = titles(&sandbox.database());
    assert_eq!(titles.len(), 3);
    for title in &titles {
        assert!(text.contains(title), "{title:?} is not in {text}");
    }
    let last = row(
        &sandbox.database(),
        "SELECT request, completed, next_steps FROM session_summaries ORDER BY prompt_number DESC",
    );
    for part in &last {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    assert!(!text.contains("rk_live"), "{text}");
    for source in ["startup", "clear", "compact"] {
        assert_eq!(sandbox.told(&next, source), text, "{source}");
    }
    assert_eq!(sandbox.told(&next, "resume"), "");
}

fn assert_commands(sandbox: &Sandbox) {
    let ran = sandbox.claude_mem(["search", "--project", "billing", "discount code", "--json"]);
    assert!(ran.success().contains("invoice"), "the bugfix is not found");
    let listed = sandbox
        .claude_mem(["list", "--project", "billing", "--json"])
        .json();
    assert_eq!(listed.as_array().unwrap().len(), 6, "{listed}");
    let status = sandbox.claude_mem(["status", "--json"]);
    assert_eq!(status.code, Some(0), "{status:?}");
    assert_eq!(status.json()["capture"]["pending"], 0);
}

#[test]
fn a_resumed_session_is_told_what_others_did() {
    let topics = ["", "the price list", "the tax table", ""];
    let replayed = replay(|sandbox, run| {
        if !topics[run].is_empty() {
            let other = Talk::new(&format!("other-{run}"), PROJECT.as_ref());
            drop(sandbox.told(&other, "startup"));
            sandbox.play(&other.decision(&format!("turn-{run}"), topics[run]));
        }
    });
    let starts = &replayed.starts;
    assert!(starts[1].contains("price list"), "{}", starts[1]);
    assert!(starts[2].contains("tax table"), "{}", starts[2]);
    assert!(
        !starts[2].contains("price list"),
        "told twice: {}",
        starts[2]
    );
    for text in &starts[1..] {
        assert!(
            !text.to_lowercase().contains("discount code"),
            "its own doing is no news: {text}"
        );
    }
    let itself = Talk::new(SESSION, PROJECT.as_ref());
    assert_eq!(replayed.sandbox.told(&itself, "resume"), "");
    let other = Talk::new("other-1", PROJECT.as_ref());
    let news = replayed.sandbox.told(&other, "resume");
    assert!(
        news.contains("tax table") && news.contains("--json"),
        "{news}"
    );
    assert!(!news.contains("price list"), "{news}");
    replayed.sandbox.assert_sound();
}
