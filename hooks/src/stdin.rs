//! Reading one JSON object from a stdin that may be empty, cut short, huge,
//! not UTF-8, or never closed.

use std::io::{ErrorKind, Read};
use std::os::fd::AsFd;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde_json::{Map, Value};

use crate::patience::Patience;

/// Largest payload that is read. Claude Code sends whole files with an edit
/// (3 MB were seen); a payload beyond this is cut here and read as far as it
/// goes.
pub const MAX_PAYLOAD_BYTES: usize = 16 * 1024 * 1024;

/// Reads one JSON object. One that was cut is closed where it was cut, so that
/// what did arrive is not lost. `None` when nothing like an object arrived.
pub fn read_object(patience: Patience) -> Option<Map<String, Value>> {
    parse_object(&read(patience))
}

/// Reads until the JSON object is complete, the other side closes, the limit is
/// reached or the hook's patience is at its end. It waits for nothing else.
pub(crate) fn read(patience: Patience) -> Vec<u8> {
    let stdin = std::io::stdin();
    read_bytes(&mut stdin.lock(), |begun| patience.for_payload(begun))
}

/// The object in these bytes, cut or whole.
pub fn parse_object(bytes: &[u8]) -> Option<Map<String, Value>> {
    let text = String::from_utf8_lossy(bytes);
    let object = |text: &str| match serde_json::from_str(text) {
        Ok(Value::Object(object)) => Some(object),
        _ => None,
    };
    let read = |text: &str| object(text).or_else(|| object(&close_cut_json(text)?));
    read(&text).or_else(|| read(&without_lone_surrogates(&text)?))
}

/// Half of a UTF-16 pair, escaped, becomes the replacement character: JavaScript
/// writes one where it has cut a text inside an emoji, and Rust's strings cannot
/// hold it. `None` when there is none.
fn without_lone_surrogates(text: &str) -> Option<String> {
    let unit = |at: usize| {
        let escape = text.get(at..at + 6)?;
        u16::from_str_radix(escape.strip_prefix("\\u")?, 16).ok()
    };
    let (mut whole, mut copied, mut at) = (String::new(), 0, 0);
    while let Some(offset) = text[at..].find('\\') {
        at += offset;
        let (high, low) = (unit(at), unit(at + 6));
        match high {
            Some(0xd800..=0xdbff) if matches!(low, Some(0xdc00..=0xdfff)) => at += 12,
            Some(0xd800..=0xdfff) => {
                whole.push_str(&text[copied..at]);
                whole.push_str("\\ufffd");
                at += 6;
                copied = at;
            }
            _ => {
                // The escaped character may be a backslash itself.
                at += 1;
                at += text[at..].chars().next().map_or(0, char::len_utf8);
            }
        }
    }
    (copied > 0).then(|| whole + &text[copied..])
}

/// `patience` says how long to wait for more, given whether anything has come.
fn read_bytes(
    input: &mut (impl Read + AsFd),
    patience: impl Fn(bool) -> Option<Duration>,
) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(16 * 1024);
    let mut chunk = vec![0; 64 * 1024];
    while bytes.len() < MAX_PAYLOAD_BYTES {
        // What has arrived while this process stood still is read all the same.
        let wait = patience(!bytes.is_empty());
        if !is_readable_within(input, wait.unwrap_or_default()) {
            if wait.is_none() {
                break;
            }
            continue;
        }
        match input.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => {
                bytes.extend_from_slice(&chunk[..count]);
                if is_complete(&bytes) {
                    break;
                }
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    bytes.truncate(MAX_PAYLOAD_BYTES);
    bytes
}

fn is_readable_within(input: &impl AsFd, wait: Duration) -> bool {
    let timeout = PollTimeout::try_from(wait).unwrap_or(PollTimeout::MAX);
    let mut wanted = [PollFd::new(input.as_fd(), PollFlags::POLLIN)];
    poll(&mut wanted, timeout).is_ok_and(|ready| ready > 0)
}

/// Whether the object has ended although the other side has not closed. Looked
/// into only where the bytes end like an object, so a large payload is not
/// parsed at every chunk.
fn is_complete(bytes: &[u8]) -> bool {
    bytes.trim_ascii_end().last() == Some(&b'}')
        && serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok()
}

/// Completes JSON that was cut: an open string is ended, open arrays and
/// objects are closed, a member without its value is dropped. `None` when the
/// text does not begin with an object.
fn close_cut_json(text: &str) -> Option<String> {
    if !text.trim_start().starts_with('{') {
        return None;
    }
    let mut scan = Scan::default();
    for (offset, byte) in text.bytes().enumerate() {
        scan.step(offset, byte);
        if scan.ended {
            break;
        }
    }
    let mut closed = match scan.string {
        Some(Place::Value { start }) => {
            let body = whole_characters(&text[start..]);
            format!("{}{body}\"", &text[..start])
        }
        _ => text[..scan.safe].to_owned(),
    };
    closed.extend(scan.open.iter().rev().map(|byte| *byte as char));
    Some(closed)
}

/// The string's body without an escape that was cut in its middle.
fn whole_characters(body: &str) -> &str {
    let tail = body.len() - body.len().min(5);
    for offset in (tail..body.len()).rev() {
        if !body.is_char_boundary(offset) || body.as_bytes()[offset] != b'\\' {
            continue;
        }
        let slashes = body[..=offset]
            .bytes()
            .rev()
            .take_while(|b| *b == b'\\')
            .count();
        let rest = &body[offset + 1..];
        let cut = rest.is_empty() || (rest.starts_with('u') && rest.len() < 5);
        if slashes % 2 == 1 && cut {
            return &body[..offset];
        }
        break;
    }
    body
}

#[derive(Clone, Copy)]
enum Place {
    Key,
    Value { start: usize },
}

/// A scanner that knows just enough JSON to say where a cut text can be closed.
#[derive(Default)]
struct Scan {
    /// Closing bytes of the open containers, with whether an object waits for a
    /// key in `keys`.
    open: Vec<u8>,
    keys: Vec<bool>,
    string: Option<Place>,
    escaped: bool,
    /// Length of the prefix that becomes valid by closing what is open.
    safe: usize,
    ended: bool,
}

impl Scan {
    fn step(&mut self, offset: usize, byte: u8) {
        if let Some(place) = self.string {
            self.step_in_string(offset, byte, place);
            return;
        }
        let waits_for_key = self.keys.last() == Some(&true);
        match byte {
            b'"' if waits_for_key => self.string = Some(Place::Key),
            b'"' => self.string = Some(Place::Value { start: offset + 1 }),
            b'{' | b'[' => {
                self.open.push(if byte == b'{' { b'}' } else { b']' });
                self.keys.push(byte == b'{');
                self.safe = offset + 1;
            }
            b'}' | b']' => {
                self.open.pop();
                self.keys.pop();
                self.safe = offset + 1;
                self.ended = self.open.is_empty();
            }
            b':' => {
                if let Some(key) = self.keys.last_mut() {
                    *key = false;
                }
            }
            // What stands before a comma is complete: also a number or literal.
            b',' => {
                self.safe = offset;
                if self.open.last() == Some(&b'}')
                    && let Some(key) = self.keys.last_mut()
                {
                    *key = true;
                }
            }
            _ => {}
        }
    }

    fn step_in_string(&mut self, offset: usize, byte: u8, place: Place) {
        if std::mem::take(&mut self.escaped) {
            return;
        }
        match byte {
            b'\\' => self.escaped = true,
            b'"' => {
                self.string = None;
                if matches!(place, Place::Value { .. }) {
                    self.safe = offset + 1;
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::io::Write as _;

    #[test]
    fn json_cut_anywhere_keeps_what_arrived() {
        let whole = json!({
            "session_id": "s1", "n": -1.5e3, "yes": true, "none": null,
            "tool_input": {"command": "printf \"a\\n\u{1f600}\" \\", "list": [1, [2, {"x": "y"}], "é"]},
            "last": "end"
        });
        for text in [
            whole.to_string(),
            serde_json::to_string_pretty(&whole).unwrap(),
        ] {
            for cut in 1..=text.len() {
                let bytes = &text.as_bytes()[..cut];
                let object = parse_object(bytes)
                    .unwrap_or_else(|| panic!("lost: {}", String::from_utf8_lossy(bytes)));
                let at = text.find("\"tool_input\"").unwrap();
                if cut > at {
                    assert_eq!(object["session_id"], "s1", "cut at {cut}");
                }
            }
            assert_eq!(Value::Object(parse_object(text.as_bytes()).unwrap()), whole);
        }
    }

    #[test]
    fn an_escape_cut_in_its_middle_goes() {
        for (cut, kept) in [
            (r#"{"a":"x\"#, "x"),
            (r#"{"a":"x\\"#, "x\\"),
            (r#"{"a":"x\u"#, "x"),
            (r#"{"a":"x\u00e"#, "x"),
            (r#"{"a":"x\u00e9"#, "xé"),
            (r#"{"a":"x\n"#, "x\n"),
        ] {
            assert_eq!(parse_object(cut.as_bytes()).unwrap()["a"], kept, "{cut}");
        }
    }

    #[test]
    fn half_of_a_pair_does_not_lose_the_event() {
        let read = |text: &str| parse_object(text.as_bytes()).unwrap()["a"].clone();
        assert_eq!(read(r#"{"a":"cut \ud83d","b":1}"#), "cut \u{fffd}");
        assert_eq!(
            read(r#"{"a":"\ude00 \ud83d\ude00 \ud83d"}"#),
            "\u{fffd} \u{1f600} \u{fffd}"
        );
        assert_eq!(
            read(r#"{"a":"\\ud83d \ud83d\\é","b":"#),
            "\\ud83d \u{fffd}\\é"
        );
    }

    #[test]
    fn what_is_no_object_is_nothing() {
        for text in ["", " ", "null", "[1]", "\"{\"", "}", "hello", "\u{feff}"] {
            assert_eq!(parse_object(text.as_bytes()), None, "{text}");
        }
        assert_eq!(parse_object(b"{").unwrap().len(), 0);
        assert!(parse_object(b"{\"a\":\"\xff\xfe\"}").unwrap()["a"].is_string());
    }

    #[test]
    fn an_input_that_is_never_closed_is_read_when_its_object_ends() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        writer.write_all(b"{\"a\":{\"b\":1}}\n").unwrap();
        let mut reader = reader;
        let forever = |_| Some(Duration::from_mins(1));
        assert_eq!(read_bytes(&mut reader, forever), b"{\"a\":{\"b\":1}}\n");
        writer.write_all(b"{\"a\":{\"b\":1}").unwrap();
        let waits = std::cell::Cell::new(3);
        let three_times = |_| {
            waits.set(waits.get() - 1);
            (waits.get() > 0).then_some(Duration::from_millis(1))
        };
        assert_eq!(read_bytes(&mut reader, three_times), b"{\"a\":{\"b\":1}");
    }
}
