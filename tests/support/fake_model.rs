//! A model server of one's own: it speaks enough of the Anthropic Messages API
//! for Claude Code and for a provider, says what the test wrote down for it, and
//! keeps every request. It listens on a free port of the loopback interface and
//! ends with the test.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use serde_json::{Value, json};

/// Largest request body that is read, in bytes. Claude Code's requests have
/// about 100 KB.
const MAX_BODY: usize = 64 * 1024 * 1024;

/// What the model says where nothing is written down for it.
const DEFAULT_TEXT: &str = "Done.";

/// What the model does about one prompt, one answer after the other.
pub(crate) struct Scene {
    words: String,
    turns: Vec<Turn>,
}

/// One answer: text, calls of tools, or both.
struct Turn {
    text: String,
    calls: Vec<(String, Value)>,
}

impl Scene {
    /// Is played for prompts that contain these words; of several scenes, the
    /// first one that fits.
    pub(crate) fn about(words: &str) -> Self {
        Self {
            words: words.to_owned(),
            turns: Vec::new(),
        }
    }

    /// The next answer: what is said, and the tools called with their input, all
    /// at once. It follows when the calls of the answers before it have their
    /// results.
    #[must_use]
    pub(crate) fn turn<const N: usize>(mut self, text: &str, calls: [(&str, Value); N]) -> Self {
        self.turns.push(Turn {
            text: text.to_owned(),
            calls: calls
                .map(|(tool, input)| (tool.to_owned(), input))
                .into_iter()
                .collect(),
        });
        self
    }

    /// The answer that is due after so many tool results.
    fn after(&self, results: usize) -> Option<&Turn> {
        let mut before = 0;
        self.turns.iter().find(|turn| {
            let due = before == results;
            before += turn.calls.len();
            due
        })
    }
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// Such as `POST`.
    pub(crate) method: String,
    /// With the query.
    pub(crate) path: String,
    /// Names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    /// Null where it was not JSON.
    pub(crate) body: Value,
}

impl Asked {
    /// The path without the query.
    fn route(&self) -> &str {
        self.path.split('?').next().unwrap_or_default()
    }
}

/// The running server.
pub(crate) struct FakeModel {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

struct Shared {
    scenes: Vec<Scene>,
    asked: Mutex<Vec<Asked>>,
    /// For ids that no two answers share.
    answers: AtomicUsize,
    /// Connections that a thread is busy with, so that they can be cut.
    open: Mutex<BTreeMap<usize, TcpStream>>,
    ending: AtomicBool,
}

impl FakeModel {
    pub(crate) fn start(scenes: Vec<Scene>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            scenes,
            asked: Mutex::default(),
            answers: AtomicUsize::new(0),
            open: Mutex::default(),
            ending: AtomicBool::new(false),
        });
        let accepting = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || accept(&listener, &shared)
        });
        Self {
            address,
            shared,
            accepting: Some(accepting),
        }
    }

    /// For `ANTHROPIC_BASE_URL`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every request so far, in the order of arrival.
    pub(crate) fn requests(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap().clone()
    }

    /// What the model was sent while a prompt with these words was its newest.
    pub(crate) fn bodies_about(&self, words: &str) -> Vec<Value> {
        self.requests()
            .into_iter()
            .filter(|asked| asked.route() == "/v1/messages")
            .filter(|asked| newest_prompt(&asked.body).0.contains(words))
            .map(|asked| asked.body)
            .collect()
    }
}

impl Drop for FakeModel {
    fn drop(&mut self) {
        self.shared.ending.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        drop(TcpStream::connect(self.address));
        for stream in self.shared.open.lock().unwrap().values() {
            drop(stream.shutdown(Shutdown::Both));
        }
        if let Some(accepting) = self.accepting.take() {
            drop(accepting.join());
        }
    }
}

/// Serves each connection in a thread of its own; returns when all have ended.
fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    std::thread::scope(|threads| {
        for (number, stream) in listener.incoming().enumerate() {
            let Ok(stream) = stream else { continue };
            if let Ok(handle) = stream.try_clone() {
                shared.open.lock().unwrap().insert(number, handle);
            }
            // Only after the insertion: whoever ends the server either sees the
            // connection or is seen here.
            if shared.ending.load(Ordering::SeqCst) {
                return;
            }
            threads.spawn(move || {
                // A client that goes away is no matter of the server's.
                drop(serve(&stream, shared));
                shared.open.lock().unwrap().remove(&number);
                drop(stream.shutdown(Shutdown::Both));
            });
        }
    });
}

/// One request, one answer, and the connection ends.
fn serve(mut stream: &TcpStream, shared: &Shared) -> std::io::Result<()> {
    let Some(asked) = read_request(&mut BufReader::new(stream))? else {
        return Ok(());
    };
    let answer = shared.answer(&asked);
    let bodiless = asked.method == "HEAD";
    shared.asked.lock().unwrap().push(asked);
    write!(
        stream,
        "HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        answer.status,
        answer.kind,
        answer.body.len()
    )?;
    if !bodiless {
        stream.write_all(answer.body.as_bytes())?;
    }
    stream.flush()
}

/// `None` for a connection that ends without a request.
fn read_request(from: &mut BufReader<&TcpStream>) -> std::io::Result<Option<Asked>> {
    let mut line = String::new();
    if from.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next(), words.next());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        if from.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':') {
            headers.insert(name.to_lowercase(), value.trim().to_owned());
        }
    }
    let length = headers
        .get("content-length")
        .and_then(|length| length.parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length.min(MAX_BODY)];
    from.read_exact(&mut body)?;
    Ok(Some(Asked {
        method: method.unwrap_or_default(),
        path: path.unwrap_or_default(),
        headers,
        body: serde_json::from_slice(&body).unwrap_or_default(),
    }))
}

/// An HTTP answer.
struct Answer {
    status: &'static str,
    kind: &'static str,
    body: String,
}

impl Answer {
    fn json(value: &Value) -> Self {
        Self {
            status: "200 OK",
            kind: "application/json",
            body: value.to_string(),
        }
    }
}

impl Shared {
    fn answer(&self, asked: &Asked) -> Answer {
        match asked.route() {
            "/v1/messages" => {
                let message = self.message(&asked.body);
                if asked.body["stream"] == true {
                    Answer {
                        status: "200 OK",
                        kind: "text/event-stream",
                        body: as_events(&message),
                    }
                } else {
                    Answer::json(&message)
                }
            }
            "/v1/messages/count_tokens" => {
                Answer::json(&json!({"input_tokens": tokens(&asked.body)}))
            }
            _ => Answer::json(&json!({})),
        }
    }

    /// The model's whole answer.
    fn message(&self, body: &Value) -> Value {
        let number = self.answers.fetch_add(1, Ordering::SeqCst);
        let (prompt, results) = newest_prompt(body);
        let scene = self
            .scenes
            .iter()
            .find(|scene| prompt.contains(&scene.words));
        let mut content = Vec::new();
        let mut calls = 0;
        if let Some(turn) = scene.and_then(|scene| scene.after(results)) {
            if !turn.text.is_empty() {
                content.push(json!({"type": "text", "text": turn.text}));
            }
            // Who offers no tools cannot run any.
            if body["tools"]
                .as_array()
                .is_some_and(|tools| !tools.is_empty())
            {
                for (index, (tool, input)) in turn.calls.iter().enumerate() {
                    let id = format!("toolu_{number:06}{index:02}");
                    content
                        .push(json!({"type": "tool_use", "id": id, "name": tool, "input": input}));
                    calls += 1;
                }
            }
        }
        if content.is_empty() {
            content.push(json!({"type": "text", "text": DEFAULT_TEXT}));
        }
        let content = Value::from(content);
        json!({
            "id": format!("msg_{number:06}"), "type": "message", "role": "assistant",
            "model": body["model"], "stop_sequence": null,
            "stop_reason": if calls > 0 { "tool_use" } else { "end_turn" },
            "usage": {"input_tokens": tokens(body), "output_tokens": tokens(&content),
                "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0},
            "content": content,
        })
    }
}

/// The message as the events in which it is streamed.
fn as_events(message: &Value) -> String {
    let mut begun = message.clone();
    begun["content"] = json!([]);
    begun["stop_reason"] = Value::Null;
    let mut events = vec![json!({"type": "message_start", "message": begun})];
    for (index, block) in message["content"]
        .as_array()
        .into_iter()
        .flatten()
        .enumerate()
    {
        let mut empty = block.clone();
        let delta = if block["type"] == "tool_use" {
            empty["input"] = json!({});
            json!({"type": "input_json_delta", "partial_json": block["input"].to_string()})
        } else {
            empty["text"] = json!("");
            json!({"type": "text_delta", "text": block["text"]})
        };
        events.extend([
            json!({"type": "content_block_start", "index": index, "content_block": empty}),
            json!({"type": "content_block_delta", "index": index, "delta": delta}),
            json!({"type": "content_block_stop", "index": index}),
        ]);
    }
    let delta = json!({"stop_reason": message["stop_reason"], "stop_sequence": null});
    let usage = json!({"output_tokens": message["usage"]["output_tokens"]});
    events.push(json!({"type": "message_delta", "delta": delta, "usage": usage}));
    events.push(json!({"type": "message_stop"}));
    events
        .iter()
        .map(|event| {
            let name = event["type"].as_str().unwrap_or_default();
            format!("event: {name}\ndata: {event}\n\n")
        })
        .collect::<Vec<_>>()
        .concat()
}

/// What the user said last, without what the host adds to it, and the number of
/// tool results that came after it.
fn newest_prompt(body: &Value) -> (String, usize) {
    let (mut prompt, mut results) = (String::new(), 0);
    let messages = body["messages"].as_array().into_iter().flatten();
    for message in messages.filter(|message| message["role"] == "user") {
        let new_results = blocks(&message["content"])
            .filter(|block| block["type"] == "tool_result")
            .count();
        if new_results > 0 {
            results += new_results;
            continue;
        }
        let said = said(&message["content"]);
        if !said.is_empty() {
            (prompt, results) = (said, 0);
        }
    }
    (prompt, results)
}

fn said(content: &Value) -> String {
    if let Some(text) = content.as_str() {
        return text.to_owned();
    }
    blocks(content)
        .filter_map(|block| block["text"].as_str())
        .filter(|text| !text.trim_start().starts_with("<system-reminder>"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn blocks(content: &Value) -> impl Iterator<Item = &Value> {
    content.as_array().into_iter().flatten()
}

/// About what a tokenizer would count: four bytes each.
fn tokens(value: &Value) -> usize {
    value.to_string().len() / 4 + 1
}
