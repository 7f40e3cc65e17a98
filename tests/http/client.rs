//! A client that says exactly what it is told to say.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use crate::support::PATIENCE;

/// Talks to one server, with a connection for each request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Client {
    pub(super) port: u16,
}

/// What came back.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {}: {}", self.status, self.text()))
    }

    /// The JSON of an answer that succeeded.
    #[track_caller]
    pub(super) fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text());
        self.json()
    }

    /// The text of an error with this status.
    #[track_caller]
    pub(super) fn error(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), Some("application/json"));
        let error = self.json()["error"].as_str().map(str::to_owned);
        error.unwrap_or_else(|| panic!("no error in {}", self.text()))
    }
}

impl Client {
    pub(super) fn connect(self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Sends these bytes, and reads the answer.
    pub(super) fn raw(self, bytes: &[u8]) -> Answer {
        let mut stream = self.connect();
        // A server that refuses may stop reading before the end.
        drop(stream.write_all(bytes));
        read_answer(&mut BufReader::new(stream)).expect("an answer")
    }

    /// A request with these headers beside `Host`.
    pub(super) fn with(
        self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut text = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        if !headers.iter().any(|(name, _)| *name == "Host") {
            let _ = write!(text, "Host: localhost:{}\r\n", self.port);
        }
        for (name, value) in headers {
            let _ = write!(text, "{name}: {value}\r\n");
        }
        if !body.is_empty() || method != "GET" {
            let _ = write!(text, "Content-Length: {}\r\n", body.len());
        }
        text.push_str("\r\n");
        text.push_str(body);
        self.raw(text.as_bytes())
    }

    pub(super) fn get(self, path: &str) -> Answer {
        self.with("GET", path, &[], "")
    }

    pub(super) fn post(self, path: &str, body: &Value) -> Answer {
        self.post_text(path, &body.to_string())
    }

    pub(super) fn post_text(self, path: &str, body: &str) -> Answer {
        let json = [("Content-Type", "application/json")];
        self.with("POST", path, &json, body)
    }

    /// The stream, from now on or from an event on.
    pub(super) fn events(self, last: Option<&str>) -> Events {
        let mut stream = self.connect();
        let resume = last.map_or_else(String::new, |id| format!("Last-Event-ID: {id}\r\n"));
        let request = format!("GET /stream HTTP/1.1\r\nHost: 127.0.0.1\r\n{resume}\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut reader = BufReader::new(stream);
        let (status, headers) = read_head(&mut reader).expect("the stream's head");
        assert_eq!(status, 200);
        Events {
            reader,
            headers,
            text: Vec::new(),
            ready: VecDeque::new(),
        }
    }
}

fn read_head(reader: &mut BufReader<TcpStream>) -> Option<(u16, Vec<(String, String)>)> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let status = line.split(' ').nth(1)?.parse().ok()?;
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            return Some((status, headers));
        };
        headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
}

fn read_answer(reader: &mut BufReader<TcpStream>) -> Option<Answer> {
    let (status, headers) = read_head(reader)?;
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let mut body = Vec::new();
    match length {
        Some((_, length)) => {
            body = vec![0; length.parse().ok()?];
            reader.read_exact(&mut body).ok()?;
        }
        None => drop(reader.read_to_end(&mut body)),
    }
    Some(Answer {
        status,
        headers,
        body,
    })
}

/// One event of the stream.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Event {
    pub(super) name: Option<String>,
    pub(super) id: String,
    pub(super) data: Value,
}

impl Event {
    pub(super) fn kind(&self) -> &str {
        let kind = || self.data["type"].as_str().unwrap_or_default();
        self.name.as_deref().unwrap_or_else(kind)
    }
}

/// A client of the stream.
pub(super) struct Events {
    pub(super) reader: BufReader<TcpStream>,
    pub(super) headers: Vec<(String, String)>,
    text: Vec<u8>,
    ready: VecDeque<Event>,
}

impl Events {
    /// The next event; comments are skipped.
    pub(super) fn next(&mut self) -> Event {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return event;
            }
            let chunk = self.chunk().expect("the stream goes on");
            self.text.extend(chunk);
            let ends = self.text.windows(2).rposition(|pair| pair == b"\n\n");
            let rest = self.text.split_off(ends.map_or(0, |at| at + 2));
            let whole = std::str::from_utf8(&self.text).unwrap();
            self.ready.extend(whole.split("\n\n").filter_map(parse));
            self.text = rest;
        }
    }

    /// Events up to one that meets the condition, that one included.
    pub(super) fn until(&mut self, mut condition: impl FnMut(&Event) -> bool) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            let event = self.next();
            let last = condition(&event);
            events.push(event);
            if last {
                return events;
            }
        }
    }

    /// Whether the server has ended the connection.
    pub(super) fn is_ended(&mut self) -> bool {
        self.reader
            .get_ref()
            .set_read_timeout(Some(Duration::from_millis(20)))
            .unwrap();
        let mut byte = [0; 4096];
        match self.reader.read(&mut byte) {
            Ok(0) => true,
            Ok(_) => false,
            Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }

    /// One piece of the chunked body.
    fn chunk(&mut self) -> Option<Vec<u8>> {
        let mut size = String::new();
        self.reader.read_line(&mut size).ok()?;
        let size = usize::from_str_radix(size.trim(), 16).ok()?;
        let mut bytes = vec![0; size + 2];
        self.reader.read_exact(&mut bytes).ok()?;
        bytes.truncate(size);
        (size > 0).then_some(bytes)
    }
}

fn parse(text: &str) -> Option<Event> {
    let field = |name: &str| {
        text.lines()
            .find_map(|line| Some(line.strip_prefix(name)?.trim_start().to_owned()))
    };
    Some(Event {
        name: field("event:"),
        id: field("id:")?,
        data: serde_json::from_str(&field("data:")?).unwrap(),
    })
}
