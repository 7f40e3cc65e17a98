//! A server that follows a script: one connection for each step.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;

/// What happens to a connection after its request was read.
pub(super) enum Step {
    /// These bytes are the answer.
    Say(Vec<u8>),
    /// These bytes, and then nothing until the client gives up.
    SayAndHang(Vec<u8>),
    /// The connection is closed with the request unread, which resets it.
    Reset,
}

/// An answer with a status and a body; `extra` are further header lines.
pub(super) fn answer(status: u16, extra: &[&str], body: &str) -> Step {
    let mut text = format!(
        "HTTP/1.1 {status} Some Reason\r\nContent-Length: {}\r\nConnection: close\r\n",
        body.len()
    );
    for line in extra {
        text.push_str(line);
        text.push_str("\r\n");
    }
    text.push_str("\r\n");
    text.push_str(body);
    Step::Say(text.into_bytes())
}

pub(super) fn json(status: u16, body: &Value) -> Step {
    answer(
        status,
        &["Content-Type: application/json"],
        &body.to_string(),
    )
}

/// What the server was asked.
#[derive(Debug, Clone)]
pub(super) struct Received {
    /// Method and target.
    pub(super) line: String,
    /// Header lines, their names in small letters.
    pub(super) headers: Vec<String>,
    pub(super) body: String,
}

impl Received {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let start = format!("{name}: ");
        self.headers
            .iter()
            .find_map(|line| line.strip_prefix(&start))
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

pub(super) struct Server {
    pub(super) address: String,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Server {
    pub(super) fn start(steps: Vec<Step>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let received = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&received);
        thread::spawn(move || {
            for step in steps {
                let (stream, _) = listener.accept().unwrap();
                follow(&step, stream, &record);
            }
        });
        Self { address, received }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

fn follow(step: &Step, mut stream: TcpStream, record: &Mutex<Vec<Received>>) {
    if matches!(step, Step::Reset) {
        let mut first = [0];
        stream.read_exact(&mut first).unwrap();
        return;
    }
    let Some(request) = read(&stream) else {
        return;
    };
    record.lock().unwrap().push(request);
    let (Step::Say(bytes) | Step::SayAndHang(bytes)) = step else {
        return;
    };
    // A client that has seen enough closes while we write.
    let _closed = stream.write_all(bytes);
    if matches!(step, Step::SayAndHang(_)) {
        let _gone = stream.read(&mut [0]);
    }
}

/// `None` if the client went away, or speaks something else than HTTP.
fn read(stream: &TcpStream) -> Option<Received> {
    let mut reader = BufReader::new(stream);
    let mut first = Vec::new();
    reader.read_until(b'\n', &mut first).ok()?;
    let first = String::from_utf8(first).ok()?;
    let (line, _) = first.split_once(" HTTP/1.1")?;
    let mut headers = Vec::new();
    loop {
        let mut text = String::new();
        reader.read_line(&mut text).ok()?;
        match text.trim_end().split_once(": ") {
            Some((name, value)) => headers.push(format!("{}: {value}", name.to_lowercase())),
            None => break,
        }
    }
    let length = headers
        .iter()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Received {
        line: line.to_owned(),
        headers,
        body: String::from_utf8(body).ok()?,
    })
}
