//! The vectors that clients in other languages are tested with hold for this
//! crate too.

use serde::de::DeserializeOwned;
use serde_json::Value;
use sockets_protocol::{
    Frame, LineFramer, Locations, MAX_LINE_BYTES, Reply, SUN_PATH_MAX, SafeId, SpoolRecord, encode,
    parse_request, spool_file_name,
};

fn vectors<T: DeserializeOwned>(text: &str) -> Vec<T> {
    let all: Vec<T> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    assert!(!all.is_empty());
    all
}

fn bytes_of(vector: &Value) -> Vec<u8> {
    match (vector["line"].as_str(), vector["hex"].as_str()) {
        (Some(line), None) => line.as_bytes().to_vec(),
        (None, Some(hex)) => (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("vectors hold hex"))
            .collect(),
        _ => panic!("neither line nor hex: {vector}"),
    }
}

#[test]
fn requests_are_read_as_the_replies_say() {
    for vector in vectors::<Value>(include_str!("../vectors/requests.ndjson")) {
        let (line, reply) = (bytes_of(&vector), &vector["reply"]);
        match parse_request(&line) {
            Ok(request) => {
                assert_ne!(reply["type"], "error", "{vector}");
                let again = encode(&request);
                assert_eq!(parse_request(&again).as_ref(), Ok(&request), "{vector}");
                let sent: Value = serde_json::from_slice(&line).unwrap();
                let kind: Value = serde_json::from_slice(&again).unwrap();
                assert_eq!(kind["type"], sent["type"], "{vector}");
            }
            Err(error) => {
                let code = serde_json::to_value(error.code).unwrap();
                assert_eq!(
                    (&reply["type"], &reply["code"]),
                    (&Value::from("error"), &code),
                    "{vector}"
                );
                assert_eq!(error.id.as_deref(), reply["id"].as_str(), "{vector}");
            }
        }
    }
}

#[test]
fn streams_are_cut_as_the_frames_say() {
    for vector in vectors::<Value>(include_str!("../vectors/framing.ndjson")) {
        let limit = usize::try_from(vector["limit"].as_u64().unwrap()).unwrap();
        let mut framer = LineFramer::new(limit);
        let mut found = Vec::new();
        for chunk in vector["chunks"].as_array().unwrap() {
            framer.push(chunk.as_str().unwrap().as_bytes());
            found.extend(std::iter::from_fn(|| framer.next_frame()));
        }
        if vector["closed"] == true {
            found.extend(framer.finish());
        }
        let expected: Vec<Frame> = vector["frames"]
            .as_array()
            .unwrap()
            .iter()
            .map(|frame| match frame["line"].as_str() {
                Some(line) => Frame::Line(line.as_bytes().to_vec()),
                None => Frame::TooLong,
            })
            .collect();
        assert_eq!(found, expected, "{vector}");
    }
}

#[test]
fn spool_files_are_named_and_read_as_written() {
    for vector in vectors::<Value>(include_str!("../vectors/spool.ndjson")) {
        let at = vector["at"].as_i64().unwrap();
        let name = spool_file_name(at, vector["event_id"].as_str().unwrap());
        assert_eq!(name, vector["file"], "{vector}");
        let content = vector["content"].as_str().unwrap();
        let taken = serde_json::from_str::<SpoolRecord>(content)
            .is_ok_and(|record| parse_request(record.message.to_string().as_bytes()).is_ok());
        assert_eq!(taken, vector["taken"], "{vector}");
    }
}

#[test]
fn ids_become_the_file_names_that_the_vectors_give() {
    for vector in vectors::<Value>(include_str!("../vectors/safe-ids.ndjson")) {
        let safe = SafeId::new(vector["id"].as_str().unwrap());
        assert_eq!(safe.as_str(), vector["safe"], "{vector}");
        assert!(Locations::socket_name(&safe).len() <= SUN_PATH_MAX);
    }
}

/// Every message that `PROTOCOL.md` shows is one, with no field that this crate
/// does not know.
#[test]
fn the_documents_examples_are_messages() {
    let text = include_str!("../PROTOCOL.md");
    let (mut requests, mut replies, mut records) = (0, 0, 0);
    for line in text.lines().filter(|line| line.starts_with("{\"")) {
        let shown: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        let again = if let Ok(record) = serde_json::from_str::<SpoolRecord>(line) {
            records += 1;
            let message = parse_request(record.message.to_string().as_bytes());
            assert!(message.is_ok(), "{line}");
            serde_json::to_value(record).unwrap()
        } else if let Ok(reply) = serde_json::from_str::<Reply>(line)
            && (shown["type"] != "status" || shown["pid"].is_u64())
        {
            replies += 1;
            serde_json::to_value(reply).unwrap()
        } else {
            requests += 1;
            serde_json::to_value(parse_request(line.as_bytes()).unwrap()).unwrap()
        };
        for (name, value) in shown.as_object().unwrap() {
            let is_default = value == false && again.get(name).is_none();
            assert!(again[name] == *value || is_default, "{name} in {line}");
        }
    }
    assert!(
        requests >= 9 && replies >= 6 && records == 1,
        "{requests} {replies} {records}"
    );
    assert!(text.contains("8,388,608") && MAX_LINE_BYTES == 8_388_608);
    let spoken = format!(
        "`protocol` in the status reply is {}.",
        sockets_protocol::PROTOCOL_VERSION
    );
    assert!(text.contains(&spoken));
}
