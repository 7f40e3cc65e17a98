//! Sessions of any size, straight to their workers: a hook for each of ten
//! thousand events would take minutes.

use serde_json::{Value, json};

use crate::support::{Client, Sandbox, Talk};

/// An event's name, which stands in its command and so in what a model is told.
pub(super) fn name(session: &str, turn: usize, number: usize) -> String {
    format!("event-{session}-{turn}-{number}")
}

/// The prompt of a turn. It names no event: prompts are told again with later
/// turns.
pub(super) fn prompt(session: &str, turn: usize) -> Value {
    json!({"type": "prompt", "id": format!("prompt-{session}-{turn}"),
        "prompt_id": format!("turn-{turn}"), "prompt": "Go on with the ledger, please."})
}

/// A call of a tool in a turn.
pub(super) fn call(session: &str, turn: usize, number: usize) -> Value {
    let name = name(session, turn, number);
    json!({"type": "observation", "id": name, "prompt_id": format!("turn-{turn}"),
        "tool_name": "Bash", "tool_input": {"command": format!("make {name}")},
        "tool_output": {"stdout": "made", "stderr": ""}})
}

/// The end of a turn.
pub(super) fn stop(session: &str, turn: usize) -> Value {
    json!({"type": "finalize", "id": format!("stop-{session}-{turn}"), "reason": "stop",
        "prompt_id": format!("turn-{turn}"),
        "last_assistant_message": "The ledger is done and its tests pass."})
}

/// The end of a session.
pub(super) fn end(session: &str, turn: usize) -> Value {
    json!({"type": "finalize", "id": format!("end-{session}"), "reason": "session_end",
        "prompt_id": format!("turn-{turn}")})
}

/// A turn of so many calls from its prompt to its end.
pub(super) fn turn(session: &str, turn: usize, calls: usize) -> Vec<Value> {
    let calls = (0..calls).map(|number| call(session, turn, number));
    [prompt(session, turn)]
        .into_iter()
        .chain(calls)
        .chain([stop(session, turn)])
        .collect()
}

/// Sends all of it before the first answer is read; each is taken in.
pub(super) fn send(client: &mut Client, messages: &[Value]) {
    for message in messages {
        client.send(format!("{message}\n").as_bytes());
    }
    for message in messages {
        let reply = client.reply().expect("the worker answers");
        assert_eq!(reply["status"], "queued", "{reply} to {message}");
    }
}

/// The prompt of a turn through its hook, which starts a worker where there is
/// none.
pub(super) fn begin(sandbox: &Sandbox, session: &str, turn: usize) -> Client {
    let talk = Talk::new(session, &sandbox.project);
    let prompt = talk.prompt(&format!("turn-{turn}"), "Go on with the ledger, please.");
    drop(sandbox.event(&prompt));
    sandbox.wait_for_listener(session);
    sandbox.client(session)
}
