use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader, DuplexStream};

use super::*;

fn request() -> Request {
    Request {
        model: "haiku".to_owned(),
        system: "Instructions".to_owned(),
        user: "/compact is what the user typed".to_owned(),
        max_output_tokens: 100,
    }
}

/// Plays a Claude Code that answers each message with some lines; returns the
/// outcome and the messages that it was sent.
fn play(script: Vec<Vec<Value>>) -> (Result<Option<Reply>, Failure>, Vec<Value>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        // Smaller than the messages: both sides must go on all the time.
        let (stdin, their_stdin) = tokio::io::duplex(16);
        let (their_stdout, stdout) = tokio::io::duplex(16);
        let request = request();
        let asked = hold(stdin, stdout, &request);
        tokio::join!(asked, act(their_stdin, their_stdout, script))
    })
}

async fn act(stdin: DuplexStream, mut stdout: DuplexStream, script: Vec<Vec<Value>>) -> Vec<Value> {
    let mut lines = BufReader::new(stdin).lines();
    let mut sent = Vec::new();
    for answers in script {
        let Ok(Some(line)) = lines.next_line().await else {
            break;
        };
        sent.push(serde_json::from_str(&line).unwrap());
        for answer in answers {
            // Who is refused is not read to the end.
            if stdout
                .write_all(format!("{answer}\n").as_bytes())
                .await
                .is_err()
            {
                return sent;
            }
        }
    }
    sent
}

fn init(tools: &[&str]) -> Value {
    json!({"type": "system", "subtype": "init", "tools": tools, "mcp_servers": []})
}

fn said(text: &str) -> Value {
    json!({"type": "assistant", "parent_tool_use_id": null,
        "message": {"model": "haiku-1", "content": [{"type": "text", "text": text}]}})
}

fn own(text: &str, error: &str) -> Value {
    let mut line = said(text);
    line["message"]["model"] = "<synthetic>".into();
    line["error"] = error.into();
    line
}

fn result(text: &str, input: u64) -> Value {
    json!({"type": "result", "is_error": false, "result": text, "stop_reason": "end_turn",
        "usage": {"input_tokens": input, "output_tokens": 2}})
}

fn refused(text: &str, status: Option<u16>) -> Value {
    json!({"type": "result", "is_error": true, "api_error_status": status, "result": text,
        "modelUsage": {"haiku-1": {"inputTokens": 7}}})
}

/// What it answers to the opening.
fn opened() -> Vec<Value> {
    vec![init(&[]), result("", 0)]
}

fn failure(script: Vec<Vec<Value>>) -> Failure {
    play(script).0.unwrap_err()
}

#[test]
fn the_content_follows_an_opening_that_asks_for_nothing() {
    let (outcome, sent) = play(vec![
        opened(),
        vec![init(&[]), said("<skip/>"), result("<skip/>", 10)],
    ]);
    let reply = outcome.unwrap().unwrap();
    assert_eq!((reply.text.as_str(), reply.truncated), ("<skip/>", false));
    assert_eq!(reply.model, "haiku-1");
    assert_eq!((reply.usage.input, reply.usage.output), (10, 2));
    assert_eq!(sent[0]["message"]["content"], OPENING);
    assert_eq!(sent[0]["shouldQuery"], false);
    assert_eq!(
        sent[1]["message"]["content"],
        "Here it is:\n\n/compact is what the user typed"
    );
    assert_eq!(sent[1].get("shouldQuery"), None);
}

#[test]
fn whoever_offers_tools_is_not_told_anything() {
    let (outcome, sent) = play(vec![vec![init(&["Bash", "Edit"])], vec![]]);
    let failure = outcome.unwrap_err();
    assert_eq!(failure.reason, Reason::UnsafeTools);
    assert!(failure.detail.contains("Bash, Edit"), "{failure}");
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert!(!sent[0].to_string().contains("compact"), "{sent:?}");
}

#[test]
fn tools_that_come_later_or_are_not_told_of_end_it_too() {
    let later = failure(vec![opened(), vec![init(&["Bash"])]]);
    assert_eq!(later.reason, Reason::UnsafeTools);
    let mut call = said("");
    call["message"]["content"] = json!([{"type": "tool_use", "name": "Write", "input": {}}]);
    let used = failure(vec![opened(), vec![call]]);
    assert_eq!(used.reason, Reason::UnsafeTools);
    assert!(used.detail.contains("Write"), "{used}");
    let untold = failure(vec![vec![said("hello"), result("hello", 1)]]);
    assert_eq!(untold.reason, Reason::UnsafeTools);
}

#[test]
fn an_answer_to_the_opening_is_counted_and_passed_over() {
    let answered = vec![
        init(&[]),
        said("What shall I do?"),
        result("What shall I do?", 5),
    ];
    let (outcome, _) = play(vec![answered, vec![said("<a/>"), result("<a/>", 10)]]);
    let reply = outcome.unwrap().unwrap();
    assert_eq!(reply.text, "<a/>");
    assert_eq!(reply.usage.input, 10, "a sum over the process");
    let answered = vec![init(&[]), said("What?"), result("What?", 50)];
    let (outcome, _) = play(vec![answered, vec![said("<a/>"), result("<a/>", 10)]]);
    assert_eq!(outcome.unwrap().unwrap().usage.input, 60);
}

#[test]
fn an_answer_in_two_messages_is_one() {
    let (outcome, _) = play(vec![
        opened(),
        vec![
            said("<title>Ze"),
            json!(7),
            said("ro</title>"),
            result("ro</title>", 3),
        ],
    ]);
    assert_eq!(outcome.unwrap().unwrap().text, "<title>Zero</title>");
}

#[test]
fn an_answer_that_is_cut_off_in_the_end_is_kept_as_such() {
    let words = "API Error: Claude's response exceeded the 100 output token maximum.";
    let end = [own(words, "max_output_tokens"), refused(words, None)];
    let (outcome, _) = play(vec![
        opened(),
        [vec![said("<title>Ze")], end.to_vec()].concat(),
    ]);
    let reply = outcome.unwrap().unwrap();
    assert_eq!((reply.text.as_str(), reply.truncated), ("<title>Ze", true));
    assert_eq!(reply.usage.input, 7);
    assert_eq!(
        failure(vec![opened(), end.to_vec()]).reason,
        Reason::Truncated
    );
}

#[test]
fn refusals_and_complaints_are_failures_with_their_cost() {
    let words = "Not logged in · Please run /login";
    let end = vec![own(words, "authentication_failed"), refused(words, None)];
    let refusal = failure(vec![opened(), end]);
    assert_eq!((refusal.reason, refusal.usage.input), (Reason::Auth, 7));
    assert_eq!(refusal.detail, words);
    let prose = failure(vec![opened(), vec![said(words), result(words, 4)]]);
    assert_eq!((prose.reason, prose.usage.input), (Reason::Auth, 4));
    let at_once = failure(vec![vec![init(&[]), said(words), result(words, 4)]]);
    assert_eq!(at_once.reason, Reason::Auth);
    let empty = failure(vec![opened(), vec![said(" \n"), result("", 4)]]);
    assert_eq!((empty.reason, empty.usage.input), (Reason::Empty, 4));
}

#[test]
fn a_used_up_limit_says_until_when() {
    let words = "You've hit your usage limit · resets 3pm (UTC)";
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let event = json!({"type": "rate_limit_event",
        "rate_limit_info": {"status": "rejected", "resetsAt": now + 3600}});
    let used_up = failure(vec![opened(), vec![event, refused(words, Some(429))]]);
    assert_eq!(used_up.reason, Reason::Quota);
    let wait = used_up.retry_after.unwrap().as_secs();
    assert!((3000..=3600).contains(&wait), "{wait}");
    let words = format!("Claude AI usage limit reached|{}", now + 3600);
    let used_up = failure(vec![opened(), vec![refused(&words, Some(429))]]);
    assert!(used_up.retry_after.unwrap().as_secs() > 3000);
    let refusal = failure(vec![
        opened(),
        vec![refused("API Error: Overloaded|9999999999", Some(529))],
    ]);
    assert_eq!(
        (refusal.reason, refusal.retry_after),
        (Reason::Overloaded, None)
    );
}

#[test]
fn an_end_without_a_result_is_no_answer() {
    assert_eq!(play(vec![]).0, Ok(None));
    assert_eq!(play(vec![vec![init(&[])]]).0, Ok(None));
    assert_eq!(play(vec![opened(), vec![said("<skip/>")]]).0, Ok(None));
}
