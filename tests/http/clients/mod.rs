//! Clients that were written for the original claude-mem: what they send, and
//! what they read of the answers, told again. They are to work unchanged.

mod bridge;
mod integrator;
mod page;

use serde_json::Value;

use super::{Answer, Client, Server, filled};

impl Client {
    /// A request as `fetch` of Node sends it.
    fn fetch(self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let own = format!("127.0.0.1:{}", self.port);
        let mut headers = vec![
            ("Host", own.as_str()),
            ("Accept", "*/*"),
            ("Accept-Language", "*"),
            ("Sec-Fetch-Mode", "cors"),
            ("User-Agent", "node"),
        ];
        if body.is_some() {
            headers.push(("Content-Type", "application/json"));
        }
        let text = body.map_or_else(String::new, Value::to_string);
        self.with(method, path, &headers, &text)
    }

    fn sends(self, path: &str, body: &Value) -> Value {
        self.fetch("POST", path, Some(body)).ok()
    }

    fn reads(self, path: &str) -> Value {
        self.fetch("GET", path, None).ok()
    }
}

/// The text of an answer that is made for a model.
#[track_caller]
fn words(answer: &Value) -> &str {
    let blocks = answer["content"].as_array().expect("blocks of content");
    assert_eq!((blocks.len(), &blocks[0]["type"]), (1, &"text".into()));
    blocks[0]["text"].as_str().unwrap()
}
