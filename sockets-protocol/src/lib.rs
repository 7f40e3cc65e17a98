//! What claude-mem's hooks and per-session workers say to each other.
//!
//! A worker listens on a Unix domain socket of its session; clients write one
//! JSON message a line and read one JSON reply a line. This crate holds the
//! message types ([`Request`], [`Reply`]), the framing ([`LineFramer`]), the
//! record of an event that found no worker ([`SpoolRecord`]), and where
//! sockets, locks and spool lie ([`Locations`]). `PROTOCOL.md` beside it shows
//! every message by example, `vectors/` holds them for clients in other
//! languages.
//!
//! It deliberately opens no socket and no file: the worker does that on an
//! async runtime, a hook with the standard library alone.
#![forbid(unsafe_code)]

mod framing;
mod locations;
mod message;
mod parse;
mod spool;

pub use framing::{Frame, LineFramer, MAX_LINE_BYTES};
pub use locations::{Locations, SUN_PATH_MAX, SafeId, fnv1a};
pub use message::{
    Ack, AckStatus, Counters, ErrorCode, ErrorReply, Finalize, FinalizeReason, Observation, Prompt,
    Reply, Request, StatusReply,
};
pub use parse::{RequestError, encode, parse_request};
pub use spool::{SPOOL_BAD_SUFFIX, SPOOL_SUFFIX, SpoolRecord, spool_file_name};

/// Version of the protocol, in the worker's status reply. It rises when a
/// message changes its meaning; fields that are added do not raise it, because
/// both sides ignore fields that they do not know.
pub const PROTOCOL_VERSION: u32 = 1;
