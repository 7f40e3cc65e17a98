//! As much of HTTP/1.1 as the clients need: one request, one answer, and the
//! connection ends.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Error, ErrorKind, Read as _, Result, Write as _};
use std::net::TcpStream;

use nix::sys::socket::{setsockopt, sockopt};
use serde_json::Value;

use super::asked::Asked;

/// Largest request body that is read, in bytes. Claude Code's requests have
/// about 100 KB.
const MAX_BODY: usize = 64 * 1024 * 1024;
/// Largest head of a request, in bytes.
const MAX_HEAD: usize = 256 * 1024;

/// How much of an answer the client gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivery {
    Whole,
    /// The first half of the body, then a reset.
    Half,
    /// A reset and no byte before it.
    Reset,
    /// An orderly end and no byte before it.
    Nothing,
}

/// An HTTP answer.
#[derive(Debug)]
pub(super) struct Answer {
    status: u16,
    kind: &'static str,
    headers: Vec<(&'static str, String)>,
    body: String,
    pub(super) delivery: Delivery,
}

impl Answer {
    pub(super) fn new(status: u16, kind: &'static str, body: String) -> Self {
        Self {
            status,
            kind,
            headers: Vec::new(),
            body,
            delivery: Delivery::Whole,
        }
    }

    pub(super) fn json(value: &Value) -> Self {
        Self::new(200, "application/json", value.to_string())
    }

    pub(super) fn error(status: u16, value: &Value) -> Self {
        Self::new(status, "application/json", value.to_string())
    }

    pub(super) fn events(body: String) -> Self {
        Self::new(200, "text/event-stream; charset=utf-8", body)
    }

    /// No answer at all.
    pub(super) fn none(delivery: Delivery) -> Self {
        Self {
            delivery,
            ..Self::json(&Value::Null)
        }
    }

    pub(super) fn header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Writes it; a reset is left to whoever owns the connection.
    pub(super) fn send(&self, mut stream: &TcpStream, bodiless: bool) -> Result<()> {
        if matches!(self.delivery, Delivery::Reset | Delivery::Nothing) {
            return Ok(());
        }
        let mut text = format!(
            "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n",
            self.status,
            phrase(self.status),
            self.kind,
            self.body.len()
        );
        for (name, value) in &self.headers {
            text.extend([*name, ": ", value, "\r\n"]);
        }
        text.push_str("\r\n");
        let mut bytes = text.into_bytes();
        let body = self.body.as_bytes();
        match self.delivery {
            _ if bodiless => (),
            Delivery::Half => bytes.extend(&body[..body.len() / 2]),
            _ => bytes.extend(body),
        }
        stream.write_all(&bytes)?;
        stream.flush()
    }

    pub(super) fn ends_with_reset(&self) -> bool {
        matches!(self.delivery, Delivery::Reset | Delivery::Half)
    }
}

fn phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        529 => "Site Overloaded",
        _ => "Unknown",
    }
}

/// Has the connection end with a reset instead of an orderly end, as soon as
/// its last handle is dropped.
pub(super) fn reset_at_close(stream: &TcpStream) {
    let at_once = nix::libc::linger {
        l_onoff: 1,
        l_linger: 0,
    };
    // A client that has gone already needs no reset.
    let _ = setsockopt(stream, sockopt::Linger, &at_once);
}

/// Whether nobody waits for an answer any more.
pub(super) fn is_gone(stream: &TcpStream) -> bool {
    let look = || {
        stream.set_nonblocking(true)?;
        let seen = stream.peek(&mut [0]);
        stream.set_nonblocking(false)?;
        seen
    };
    match look() {
        Ok(bytes) => bytes == 0,
        Err(error) => error.kind() != ErrorKind::WouldBlock,
    }
}

/// `None` for a connection that ends without a request. Of a request that
/// breaks off, what has come.
pub(super) fn read_request(from: &mut BufReader<&TcpStream>) -> Result<Option<Asked>> {
    let mut raw = Vec::new();
    let first = read_line(from, &mut raw)?;
    if raw.is_empty() {
        return Ok(None);
    }
    let mut words = first.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next(), words.next());
    let mut headers = BTreeMap::new();
    loop {
        let line = read_line(from, &mut raw)?;
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':') {
            headers.insert(name.to_lowercase(), value.trim().to_owned());
        }
    }
    let length: usize = headers
        .get("content-length")
        .and_then(|length| length.parse().ok())
        .unwrap_or(0);
    let mut body = Vec::new();
    from.take(length.min(MAX_BODY) as u64)
        .read_to_end(&mut body)?;
    raw.extend(&body);
    Ok(Some(Asked {
        method: method.unwrap_or_default(),
        path: path.unwrap_or_default(),
        headers,
        body: serde_json::from_slice(&body).unwrap_or_default(),
        raw: raw.into(),
    }))
}

/// The next line without its end; empty after the last one.
fn read_line(from: &mut BufReader<&TcpStream>, raw: &mut Vec<u8>) -> Result<String> {
    let before = raw.len();
    let left = MAX_HEAD.saturating_sub(before);
    if left == 0 {
        return Err(Error::new(ErrorKind::InvalidData, "a head without end"));
    }
    from.take(left as u64).read_until(b'\n', raw)?;
    Ok(String::from_utf8_lossy(&raw[before..]).trim().to_owned())
}
