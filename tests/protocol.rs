//! The wire protocol, spoken to a real worker over its real socket.

use std::collections::HashSet;
use std::io::{ErrorKind, Write as _};
use std::net::Shutdown;

use serde_json::{Value, json};

use crate::support::{Client, Foreground, Sandbox, bash_line, wait_until};

/// A worker that stays while a test talks to it.
fn staying() -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.set("CLAUDE_MEM_WORKER_IDLE_SECS", "60");
    sandbox
}

/// The fields of `pattern` that `reply` has differently.
fn differs(reply: &Value, pattern: &Value) -> Option<String> {
    match pattern {
        Value::Object(fields) => fields
            .iter()
            .find_map(|(name, wanted)| differs(&reply[name], wanted)),
        wanted => (reply != wanted).then(|| format!("{reply} is not {wanted}")),
    }
}

fn bytes_of(vector: &Value) -> Vec<u8> {
    if let Some(line) = vector["line"].as_str() {
        return line.as_bytes().to_vec();
    }
    let hex = vector["hex"].as_str().unwrap();
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

#[test]
fn a_worker_answers_as_the_vectors_say() {
    let sandbox = staying();
    let worker = Foreground::start(&sandbox, "vectors", "vectors");
    let mut client = sandbox.client("vectors");
    for line in include_str!("../sockets-protocol/vectors/requests.ndjson").lines() {
        let vector: Value = serde_json::from_str(line).unwrap();
        let reply = client.ask(bytes_of(&vector));
        if let Some(difference) = differs(&reply, &vector["reply"]) {
            panic!("{}: {difference} in {reply}", vector["name"]);
        }
        if reply["type"] == "ack" {
            assert!(reply["queue_id"].as_i64().is_some(), "{reply}");
        }
        if reply["type"] == "error" {
            assert!(!reply["message"].as_str().unwrap().is_empty(), "{reply}");
        }
    }
    worker.stop();
    sandbox.assert_conserved();
}

#[test]
fn spool_files_by_another_client_are_taken_as_the_vectors_say() {
    let sandbox = Sandbox::new();
    let directory = sandbox.data.join("spool/spool-vectors");
    std::fs::create_dir_all(&directory).unwrap();
    let vectors: Vec<Value> = include_str!("../sockets-protocol/vectors/spool.ndjson")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for vector in &vectors {
        let path = directory.join(vector["file"].as_str().unwrap());
        std::fs::write(path, vector["content"].as_str().unwrap()).unwrap();
    }
    std::fs::write(directory.join(".half-written.tmp"), "{").unwrap();
    Foreground::start(&sandbox, "spool-vectors", "spool-vectors").wait();
    for vector in &vectors {
        let file = directory.join(vector["file"].as_str().unwrap());
        assert!(!file.exists(), "{vector}");
        let aside = file.with_file_name(format!("{}.bad", vector["file"].as_str().unwrap()));
        let taken = vector["taken"] == true;
        assert_eq!(aside.exists(), !taken, "{vector}");
        if !taken {
            assert_eq!(
                std::fs::read_to_string(aside).unwrap(),
                vector["content"].as_str().unwrap()
            );
        }
    }
    let taken = vectors
        .iter()
        .filter(|vector| vector["taken"] == true)
        .count();
    let taken = i64::try_from(taken).unwrap();
    assert_eq!(
        sandbox.count("SELECT count(*) FROM pending_messages"),
        taken
    );
    assert_eq!(
        sandbox.count("SELECT count(*) FROM pending_messages WHERE status = 'pending'"),
        0
    );
    sandbox.assert_conserved();
}

#[test]
fn the_smallest_observation_is_stored_and_all_of_it_is_in_the_database_at_its_ack() {
    let sandbox = staying();
    let worker = Foreground::start(&sandbox, "try-it", "try-it");
    let mut client = sandbox.client("try-it");
    let reply = client
        .ask(r#"{"type":"observation","tool_name":"Read","tool_input":"{\"file_path\":\"a.rs\"}","tool_output":"{\"content\":\"fn main\"}"}"#);
    assert_eq!(
        (&reply["type"], &reply["status"]),
        (&json!("ack"), &json!("queued"))
    );
    let row = reply["queue_id"].as_i64().unwrap();
    // No waiting here: an ack means that it is committed.
    let stored = sandbox.dump(&format!(
        "SELECT event_id, tool_name, tool_input, tool_response, status FROM pending_messages WHERE id = {row}"
    ));
    assert_eq!(stored.len(), 1);
    for part in [
        reply["id"].as_str().unwrap(),
        "Read",
        "a.rs",
        "fn main",
        "pending",
    ] {
        assert!(stored[0].contains(part), "{part} is not in {stored:?}");
    }
    worker.stop();
}

#[test]
fn a_line_over_the_limit_is_refused_and_the_connection_lives() {
    let sandbox = staying();
    let worker = Foreground::start(&sandbox, "long", "long");
    let mut client = sandbox.client("long");
    let line_of = |length: usize| {
        let frame = bash_line("big", "").len();
        bash_line("big", &"x".repeat((length - frame) / 2))
    };
    let limit = sockets_protocol::MAX_LINE_BYTES;
    let mut long = line_of(limit).into_bytes();
    long.resize(limit + 1, b' ');
    let reply = client.ask(&long);
    assert_eq!(
        (&reply["type"], &reply["code"]),
        (&json!("error"), &json!("too_large"))
    );
    long.truncate(limit);
    let reply = client.ask(&long);
    assert_eq!(reply["id"], "big", "{reply}");
    assert_eq!(
        reply["status"], "queued",
        "a line of just the limit is taken"
    );
    assert_eq!(client.ask(r#"{"type":"ping"}"#), json!({"type": "pong"}));
    let kept = sandbox.count("SELECT sum(bytes) FROM pending_messages");
    assert!(kept < 64 * 1024, "{kept} bytes of it are kept");
    worker.stop();
}

#[test]
fn a_thousand_lines_sent_at_once_are_answered_in_their_order() {
    let sandbox = staying();
    let worker = Foreground::start(&sandbox, "order", "order");
    let mut client = sandbox.client("order");
    let mut lines = String::new();
    for number in 0..1000 {
        // Errors and answers that need no commit must not overtake the others.
        match number % 10 {
            3 => lines.push_str(&json!({"type": "dance", "id": number.to_string()}).to_string()),
            6 => lines.push_str(r#"{"type":"ping"}"#),
            9 => lines.push_str("broken"),
            _ => lines.push_str(&bash_line(&number.to_string(), "ls")),
        }
        lines.push('\n');
    }
    let mut writer = client.stream.try_clone().unwrap();
    let writing = std::thread::spawn(move || writer.write_all(lines.as_bytes()).unwrap());
    for number in 0..1000 {
        let reply = client.reply().unwrap();
        match number % 10 {
            3 => assert_eq!(reply["code"], "unknown_type", "{number}: {reply}"),
            6 => assert_eq!(reply, json!({"type": "pong"}), "{number}"),
            9 => assert_eq!(reply["code"], "bad_json", "{number}: {reply}"),
            _ => assert_eq!(reply["status"], "queued", "{number}: {reply}"),
        }
        if !matches!(number % 10, 6 | 9) {
            assert_eq!(reply["id"], number.to_string(), "{reply}");
        }
    }
    writing.join().unwrap();
    worker.stop();
    let ids = sandbox.dump("SELECT event_id FROM pending_messages ORDER BY id");
    assert_eq!(ids.len(), 700);
}

#[test]
fn a_client_that_never_reads_loses_nothing_and_blocks_nobody() {
    const EVENTS: usize = 20_000;
    let sandbox = staying();
    let worker = Foreground::start(&sandbox, "deaf", "deaf");
    let mut deaf = sandbox.client("deaf").stream;
    let writing = std::thread::spawn(move || {
        for number in 0..EVENTS {
            deaf.write_all(bash_line(&format!("e{number}"), "ls").as_bytes())
                .unwrap();
            deaf.write_all(b"\n").unwrap();
        }
        deaf
    });
    let mut other = sandbox.client("deaf");
    let mut pongs = 0;
    while !writing.is_finished() {
        assert_eq!(other.ask(r#"{"type":"ping"}"#), json!({"type": "pong"}));
        pongs += 1;
    }
    assert!(pongs > 3, "only {pongs} answers while the other one wrote");
    let deaf = writing.join().unwrap();
    let captured = || sandbox.count("SELECT coalesce(sum(captured), 0) FROM sdk_sessions");
    let events = i64::try_from(EVENTS).unwrap();
    wait_until("every event is in the database", || captured() == events);
    // It closes with all its replies unread, and nothing happens to anyone.
    drop(deaf);
    assert_eq!(other.ask(r#"{"type":"ping"}"#), json!({"type": "pong"}));
    let distinct = "SELECT count(DISTINCT event_id) FROM pending_messages";
    assert_eq!(sandbox.count(distinct), events);
    worker.stop();
    sandbox.assert_conserved();
}

#[test]
fn a_last_line_without_its_newline_is_answered_when_the_client_has_closed_its_side() {
    let sandbox = staying();
    let worker = Foreground::start(&sandbox, "printf", "printf");
    let mut client = sandbox.client("printf");
    client.send(bash_line("last", "ls").as_bytes());
    client.stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(client.reply().unwrap()["id"], "last");
    assert_eq!(client.reply(), None, "then the worker closes too");
    worker.stop();
}

#[test]
fn the_status_reply_balances_and_says_what_was_skipped() {
    let sandbox = staying();
    let worker = Foreground::start(&sandbox, "count", "count");
    let mut client = sandbox.client("count");
    client.ask(r#"{"type":"prompt","id":"p","prompt_id":"p","prompt":"Count the files"}"#);
    for number in 0..5 {
        client.ask(bash_line(&format!("b{number}"), "ls | wc -l"));
    }
    client.ask(bash_line("b0", "ls | wc -l"));
    client.ask(r#"{"type":"observation","id":"t","tool_name":"TodoWrite","prompt_id":"p"}"#);
    let status = client.status();
    let counters = &status["counters"];
    assert_eq!(counters["captured"], 7, "{status}");
    assert_eq!(counters["pending"], 6, "{status}");
    assert_eq!(counters["skipped"], 1, "{status}");
    let by_reason: i64 = status["skipped_by_reason"]
        .as_object()
        .unwrap()
        .values()
        .map(|count| count.as_i64().unwrap())
        .sum();
    assert_eq!(by_reason, 1, "{status}");
    let counters: sockets_protocol::Counters = serde_json::from_value(counters.clone()).unwrap();
    assert!(counters.balanced(), "{status}");
    assert_eq!(status["session"], "count");
    assert_eq!(status["pid"], worker.pid().as_raw());
    assert_eq!(
        status["project"], "billing",
        "that of the directory it was started in"
    );
    worker.stop();
}

#[test]
fn what_is_private_and_secret_is_gone_although_no_hook_saw_it() {
    let sandbox = staying();
    let worker = Foreground::start(&sandbox, "raw", "raw");
    let mut client = sandbox.client("raw");
    let token = format!("ghp_{}", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8");
    let key = format!("AKIA{}", "Q3EGRIZ5TNK4XWVU");
    for line in [
        json!({"type": "prompt", "id": "p", "prompt_id": "p",
            "prompt": format!("Use {token} <private>canary-in-prompt</private> now")}),
        json!({"type": "observation", "id": "o", "tool_name": "Bash", "prompt_id": "p",
            "tool_input": format!("{{\"command\":\"curl -H 'Authorization: Bearer {token}'\"}}"),
            "tool_output": {"stdout": format!("key={key} <private>canary-in-output</private>")}}),
        json!({"type": "finalize", "id": "f", "reason": "subagent_stop", "prompt_id": "p",
            "last_assistant_message": format!("Done with {key}. <private>canary-in-message")}),
    ] {
        assert_eq!(client.ask(line.to_string())["status"], "queued", "{line}");
    }
    // While the worker is alive: the write-ahead log is one of the files.
    for secret in [
        token.as_str(),
        &key,
        "canary-in-prompt",
        "canary-in-output",
        "canary-in-message",
    ] {
        let found = sandbox.files_with(secret.as_bytes());
        assert!(found.is_empty(), "{secret} is in {found:?}");
    }
    assert!(
        !sandbox.files_with(b"curl -H").is_empty(),
        "the rest is kept"
    );
    worker.stop();
}

#[test]
fn the_database_id_leads_to_the_session_as_a_link_and_as_an_argument() {
    let sandbox = staying();
    let worker = Foreground::start(&sandbox, "by-name", "by-name");
    sandbox.client("by-name").ask(bash_line("one", "ls"));
    let link = sandbox.locations().database_id_link(1);
    wait_until("the link is there", || link.exists());
    let status = Client::connect(&link).status();
    assert_eq!(
        (&status["session"], &status["session_db_id"]),
        (&json!("by-name"), &json!(1))
    );
    worker.stop();
    assert!(
        std::fs::symlink_metadata(&link).is_err(),
        "the link goes with the worker"
    );

    let worker = Foreground::start(&sandbox, "1", "by-name");
    let mut client = Client::connect(&sandbox.socket("by-name"));
    assert_eq!(client.ask(bash_line("one", "ls"))["status"], "duplicate");
    assert_eq!(client.status()["session"], "by-name");
    worker.stop();
    assert_eq!(sandbox.count("SELECT count(*) FROM sdk_sessions"), 1);
}

#[test]
fn a_session_named_like_a_number_keeps_its_socket_when_another_worker_leaves() {
    let sandbox = staying();
    let numbered = Foreground::start(&sandbox, "1", "1");
    let other = Foreground::start(&sandbox, "first", "first");
    sandbox.client("first").ask(bash_line("one", "ls"));
    assert_eq!(sandbox.client("1").status()["session"], "1");
    other.stop();
    assert_eq!(sandbox.client("1").status()["session"], "1");
    numbered.stop();
}

#[test]
fn a_second_worker_says_that_there_is_one_and_how_to_reach_it() {
    let sandbox = staying();
    let worker = Foreground::start(&sandbox, "taken", "taken");
    let second = sandbox.claude_mem(["worker", "taken"]);
    assert_eq!(second.code, Some(1), "{second:?}");
    assert!(second.stderr.contains("already running"), "{second:?}");
    assert!(
        second
            .stderr
            .contains(&sandbox.socket("taken").display().to_string()),
        "{second:?}"
    );
    assert_eq!(
        sandbox.client("taken").status()["pid"],
        worker.pid().as_raw()
    );
    worker.stop();
}

#[test]
fn clients_beyond_the_limit_are_turned_away_and_others_are_served() {
    let sandbox = staying();
    let worker = Foreground::start(&sandbox, "crowd", "crowd");
    let mut served: Vec<Client> = Vec::new();
    let turned_away = loop {
        let mut client = sandbox.client("crowd");
        let sent = client.stream.write_all(b"{\"type\":\"ping\"}\n");
        let mut byte = [0];
        match sent.and_then(|()| std::io::Read::read(&mut client.stream, &mut byte)) {
            Ok(1) => served.push(client),
            Err(error) if error.kind() == ErrorKind::WouldBlock => break false,
            Ok(_) | Err(_) => break true,
        }
        assert!(served.len() < 2000, "there is no limit");
    };
    assert!(turned_away, "a client was left waiting");
    assert!(served.len() >= 64, "only {} clients", served.len());
    drop(served.split_off(1));
    wait_until("a new client is served", || {
        let mut client = sandbox.client("crowd");
        client.stream.write_all(b"{\"type\":\"ping\"}\n").is_ok()
            && std::io::Read::read(&mut client.stream, &mut [0]).is_ok_and(|count| count == 1)
    });
    worker.stop();
}

#[test]
fn twenty_clients_at_once_lose_and_double_nothing() {
    let sandbox = staying();
    let worker = Foreground::start(&sandbox, "many", "many");
    let clients: Vec<_> = (0..20)
        .map(|client| {
            let mut connection = sandbox.client("many");
            std::thread::spawn(move || {
                let mut rows = Vec::new();
                for number in 0..50 {
                    // Every event is sent by two of the clients.
                    let id = format!("e{}-{number}", client / 2);
                    let reply = connection.ask(bash_line(&id, "ls"));
                    rows.push((
                        id,
                        reply["queue_id"].as_i64().unwrap(),
                        reply["status"].clone(),
                    ));
                }
                rows
            })
        })
        .collect();
    let replies: Vec<_> = clients
        .into_iter()
        .flat_map(|client| client.join().unwrap())
        .collect();
    let queued = replies.iter().filter(|reply| reply.2 == "queued").count();
    let rows: HashSet<_> = replies.iter().map(|reply| (&reply.0, reply.1)).collect();
    assert_eq!(
        (queued, rows.len()),
        (500, 500),
        "both senders of an event got its row"
    );
    worker.stop();
    assert_eq!(sandbox.count("SELECT count(*) FROM pending_messages"), 500);
    sandbox.assert_conserved();
}
