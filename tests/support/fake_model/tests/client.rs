//! A client for both dialects.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::support::PATIENCE;
use crate::support::fake_model::FakeModel;

/// The ways to ask: both dialects, whole and streamed.
pub(super) const WAYS: [Way; 4] = [
    Way {
        path: ANTHROPIC,
        stream: false,
    },
    Way {
        path: ANTHROPIC,
        stream: true,
    },
    Way {
        path: OPENAI,
        stream: false,
    },
    Way {
        path: OPENAI,
        stream: true,
    },
];
pub(super) const ANTHROPIC: &str = "/v1/messages";
pub(super) const OPENAI: &str = "/v1/chat/completions";

/// Instructions that describe the format.
pub(super) const SYSTEM: &str = "Answer with <observation> and <summary>.";

#[derive(Debug, Clone, Copy)]
pub(super) struct Way {
    pub(super) path: &'static str,
    pub(super) stream: bool,
}

impl Way {
    pub(super) fn is_anthropic(self) -> bool {
        self.path == ANTHROPIC
    }

    /// A call for memories with one user message.
    pub(super) fn body(self, user: &str) -> Value {
        self.conversation(&[("user", user)])
    }

    pub(super) fn conversation(self, messages: &[(&str, &str)]) -> Value {
        let mut all: Vec<Value> = messages
            .iter()
            .map(|(role, text)| json!({"role": role, "content": text}))
            .collect();
        if self.is_anthropic() {
            return json!({"model": "m", "max_tokens": 9, "system": SYSTEM, "messages": all,
                "stream": self.stream});
        }
        all.insert(0, json!({"role": "system", "content": SYSTEM}));
        json!({"model": "m", "messages": all, "stream": self.stream,
            "stream_options": {"include_usage": true}})
    }

    pub(super) fn ask(self, model: &FakeModel, user: &str) -> Got {
        post(model, self.path, &self.body(user))
    }
}

/// What came back.
#[derive(Debug)]
pub(super) struct Got {
    /// 0 where no answer came.
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: String,
    /// The connection was reset, with or without an answer before.
    pub(super) reset: bool,
}

impl Got {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    fn events(&self) -> Vec<Value> {
        self.body
            .lines()
            .filter_map(|line| line.strip_prefix("data: "))
            .filter(|data| *data != "[DONE]")
            .map(|data| serde_json::from_str(data).unwrap())
            .collect()
    }

    /// The words of an answer, put together as a client does it; `None` without
    /// content.
    pub(super) fn text(&self, way: Way) -> Option<String> {
        assert_eq!(self.status, 200, "{self:?}");
        let from = if way.is_anthropic() {
            "/delta/text"
        } else {
            "/choices/0/delta/content"
        };
        if way.stream {
            let events = self.events();
            let texts: Vec<&str> = events
                .iter()
                .filter_map(|event| event.pointer(from)?.as_str())
                .collect();
            return (!texts.is_empty()).then(|| texts.concat());
        }
        let whole = self.json();
        let from = if way.is_anthropic() {
            "/content/0/text"
        } else {
            "/choices/0/message/content"
        };
        whole.pointer(from)?.as_str().map(str::to_owned)
    }

    /// Why the answer ended.
    pub(super) fn stop(&self, way: Way) -> String {
        let places = [
            "/stop_reason",
            "/delta/stop_reason",
            "/choices/0/finish_reason",
        ];
        let told = if way.stream {
            self.events()
        } else {
            vec![self.json()]
        };
        told.iter()
            .flat_map(|event| places.map(|place| event.pointer(place)))
            .find_map(|stop| stop?.as_str())
            .unwrap()
            .to_owned()
    }

    /// The last account of tokens in it.
    pub(super) fn usage(&self, way: Way) -> Value {
        let told = if way.stream {
            self.events()
        } else {
            vec![self.json()]
        };
        told.iter()
            .rev()
            .find_map(|event| event.get("usage"))
            .cloned()
            .unwrap_or_default()
    }

    /// A header of the answer.
    pub(super) fn header(&self, name: &str) -> Option<String> {
        self.head.lines().find_map(|line| {
            let (given, value) = line.split_once(": ")?;
            (given == name).then(|| value.to_owned())
        })
    }
}

/// A connection on which a call was sent.
pub(super) fn send(model: &FakeModel, method: &str, path: &str, body: &str) -> TcpStream {
    let address = model.url().replace("http://", "");
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: model\r\nX-Test: canary-in-head\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    stream
}

/// Reads to the end of the connection.
pub(super) fn receive(mut stream: TcpStream) -> Got {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    let reset = loop {
        match stream.read(&mut buffer) {
            Ok(0) => break false,
            Ok(count) => bytes.extend(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => break true,
            Err(error) => panic!("{error} after {:?}", String::from_utf8_lossy(&bytes)),
        }
    };
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Got {
        status: status.unwrap_or(0),
        head: head.to_owned(),
        body: body.to_owned(),
        reset,
    }
}

pub(super) fn post(model: &FakeModel, path: &str, body: &Value) -> Got {
    receive(send(model, "POST", path, &body.to_string()))
}
