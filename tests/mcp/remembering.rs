//! `remember`: word for word, once, and never by way of a model.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::json;

use super::{Client, World, filled};
use crate::support::{Sandbox, Talk, binary, wait_until};

const WORDS: &str = "  Rates come from the ECB,\n\tnot from the bank.\n\nWhy: <T> & \"audit\".  ";

fn texts(sandbox: &Sandbox, sql: &str) -> Vec<String> {
    let database = sandbox.database();
    let mut rows = database.prepare(sql).unwrap();
    rows.query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

/// A server with the environment that Claude Code gives it.
fn of_session(sandbox: &Sandbox, session: &str) -> Client {
    let mut command = sandbox.command(binary("claude-mem"));
    command.arg("mcp").env("CLAUDE_CODE_SESSION_ID", session);
    Client::spawn(&mut command).greeted()
}

#[test]
fn a_text_is_kept_word_for_word_and_found_at_once() {
    let sandbox = Sandbox::new();
    let mut client = Client::start(&sandbox);
    let said = client.call(
        "remember",
        &json!({"text": WORDS, "type": "decision", "concepts": ["gotcha"],
            "files": [sandbox.project.join("src/rates.py")]}),
    );
    assert_eq!(said.ok(), "Remembered as 1, word for word.");
    assert_eq!(
        texts(&sandbox, "SELECT narrative FROM observations"),
        [WORDS]
    );
    let row = "SELECT type || title || concepts || files_read || project || ifnull(generated_by_model, '')
        FROM observations";
    assert_eq!(
        texts(&sandbox, row),
        ["decisionRates come from the ECB,[\"gotcha\"][\"src/rates.py\"]billing"]
    );
    let details = client.call("get_observations", &json!({"ids": [1]})).ok();
    assert!(details.contains(WORDS), "{details}");
    let found = client.call("search", &json!({"query": "ECB"})).ok();
    assert!(found.contains("\n1 | "), "{found}");
    client.finish();
    sandbox.wait_for_quiet();
    sandbox.assert_sound();
    assert_eq!(sandbox.count("SELECT processed FROM sdk_sessions"), 1);
    assert_eq!(sandbox.count("SELECT count(*) FROM session_summaries"), 0);
}

#[test]
fn it_belongs_to_the_session_at_work_and_its_agent_never_sees_it() {
    let sandbox = Sandbox::new();
    let talk = Talk::new("at-work", &sandbox.project);
    sandbox.play(&[talk.prompt("p1", "Where do rates come from?")]);
    let mut client = of_session(&sandbox, "at-work");
    let said = client.call(
        "remember",
        &json!({"text": "Zanzibar is the codename.", "title": "T"}),
    );
    drop(said.ok());
    let again = client.call(
        "remember",
        &json!({"text": "Zanzibar is the codename.", "title": "T"}),
    );
    assert!(again.ok().contains("remembered before"));
    // The host's hook sees the same call.
    let call = talk.tool(
        "p1",
        "toolu_1",
        "mcp__plugin_claude-mem_claude-mem__remember",
        &json!({"text": "Zanzibar is the codename."}),
        &json!("ok"),
    );
    sandbox.play(&[
        call,
        talk.bash("p1", "toolu_2", "make", "done"),
        talk.stop("p1", "Done."),
    ]);
    client.finish();
    sandbox.wait_for_quiet();
    let sql = "SELECT narrative FROM observations WHERE narrative LIKE '%Zanzibar%'";
    assert_eq!(texts(&sandbox, sql), ["Zanzibar is the codename."]);
    let sql = "SELECT content_session_id FROM sdk_sessions";
    assert_eq!(texts(&sandbox, sql), ["at-work"]);
    let sql = "SELECT tool_name FROM pending_messages WHERE tool_name IS NOT NULL ORDER BY id";
    let remember = "claude-mem/remember";
    assert_eq!(texts(&sandbox, sql), [remember, remember, "Bash"]);
    let sql = "SELECT count(*) FROM pending_messages WHERE status <> 'processed'";
    assert_eq!(sandbox.count(sql), 0);
    let sql = "SELECT count(*) FROM session_summaries WHERE request || completed LIKE '%Zanzibar%'";
    assert_eq!(sandbox.count(sql), 0);
    sandbox.assert_sound();
}

#[test]
fn secrets_go_and_what_is_private_is_not_kept() {
    let sandbox = Sandbox::new();
    let key = format!("sk_live_{}", "4eC39HqLyjWDarjtT1zdp7dc");
    let talk = Talk::new("private", &sandbox.project);
    sandbox.play(&[talk.prompt("p1", "<private>the word is periwinkle</private>")]);
    let mut client = of_session(&sandbox, "private");
    let silent = client
        .call("remember", &json!({"text": "the word is periwinkle"}))
        .error();
    assert!(silent.contains("private"), "{silent}");
    client.finish();
    let mut client = of_session(&sandbox, "open");
    let text = format!("the key is {key} <private>periwinkle</private>");
    drop(
        client
            .call("remember", &json!({"text": text, "title": key}))
            .ok(),
    );
    for nothing in ["", " \n ", "<private>periwinkle</private>"] {
        let error = client.call("remember", &json!({"text": nothing})).error();
        assert!(error.contains("empty"), "{error}");
    }
    client.finish();
    sandbox.wait_for_quiet();
    for secret in [key.as_str(), "periwinkle"] {
        assert_eq!(sandbox.files_with(secret.as_bytes()), Vec::<&Path>::new());
    }
    sandbox.assert_sound();
}

#[test]
fn a_text_that_is_too_long_is_refused_and_not_cut() {
    let sandbox = Sandbox::new();
    let mut client = Client::start(&sandbox);
    let most = "word ".repeat(3000);
    drop(client.call("remember", &json!({"text": most})).ok());
    let error = client
        .call("remember", &json!({"text": "word ".repeat(4000)}))
        .error();
    assert!(error.contains("16384 are kept"), "{error}");
    assert_eq!(
        texts(&sandbox, "SELECT narrative FROM observations"),
        [most]
    );
}

#[test]
fn where_neither_worker_nor_spool_takes_it_the_error_says_so() {
    let sandbox = Sandbox::new();
    std::fs::create_dir_all(&sandbox.data).unwrap();
    let spool = sandbox.locations().spool_root();
    std::fs::write(&spool, "in the way").unwrap();
    let mut client = Client::start(&sandbox);
    let error = client
        .call("remember", &json!({"text": "keep this"}))
        .error();
    assert!(error.contains("failed to spool"), "{error}");
    let ran = sandbox.claude_mem(["remember", "keep this"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("failed to spool"), "{ran:?}");
    client.finish();
    drop(sandbox);

    let mut off = Sandbox::new();
    off.set("CLAUDE_MEM_DISABLED", "true");
    let ran = off.claude_mem(["remember", "keep this"]);
    assert!(ran.stderr.contains("switched off"), "{ran:?}");
}

/// A sandbox of the host that lets nobody connect: the text waits in the spool,
/// and everything that reads works.
#[test]
fn it_works_where_sockets_are_blocked() {
    let world = filled();
    let sandbox = &world.sandbox;
    let sockets = sandbox.locations().sockets_dir();
    std::fs::create_dir_all(&sockets).unwrap();
    std::fs::set_permissions(&sockets, std::fs::Permissions::from_mode(0o000)).unwrap();
    let mut client = Client::start(sandbox);
    let found = client.call("search", &json!({"query": "cents"})).ok();
    assert!(found.contains("\n1 | "), "{found}");
    let said = client
        .call("remember", &json!({"text": "Blocked sockets."}))
        .ok();
    assert!(said.starts_with("Remembered"), "{said}");
    client.finish();
    std::fs::set_permissions(&sockets, std::fs::Permissions::from_mode(0o700)).unwrap();
    wait_until("a worker has fetched it", || {
        drop(sandbox.claude_mem(["remember", "Another one."]));
        sandbox.count("SELECT count(*) FROM observations WHERE narrative = 'Blocked sockets.'") == 1
    });
}

#[test]
fn the_command_line_keeps_words_as_well() {
    let world = World::new();
    let sandbox = &world.sandbox;
    let ran = crate::support::run(
        sandbox.command(binary("claude-mem")).args([
            "remember",
            "-",
            "--title",
            "Rates",
            "--concept",
            "gotcha",
        ]),
        WORDS.as_bytes(),
    );
    assert_eq!(ran.success(), "Remembered as #1.\n");
    let ran = sandbox.claude_mem(["remember", "Elsewhere.", "--project", "shop"]);
    assert_eq!(ran.success(), "Remembered as #2.\n");
    let sql = "SELECT project || '|' || title || '|' || narrative FROM observations ORDER BY id";
    assert_eq!(
        texts(sandbox, sql),
        [
            format!("billing|Rates|{WORDS}"),
            "shop|Elsewhere.|Elsewhere.".to_owned()
        ]
    );
    let wrong = sandbox.claude_mem(["remember", "x", "--type", "novel"]);
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
}
