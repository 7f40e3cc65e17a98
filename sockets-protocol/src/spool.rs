//! Events that found no worker.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::locations::SafeId;

/// Ending of a spooled event's file. Files with another ending are not ready
/// (still being written) or not readable ([`SPOOL_BAD_SUFFIX`]).
pub const SPOOL_SUFFIX: &str = ".json";

/// Ending that a worker gives to a spool file that it cannot read, so that a
/// person can look at it and nothing is thrown away.
pub const SPOOL_BAD_SUFFIX: &str = ".bad";

/// The content of one spool file: whose event it is, and the message as it
/// would have gone over the socket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpoolRecord {
    /// Claude Code's session id, as it is (the folder's name is the
    /// [`SafeId`] of it, which cannot always be turned back).
    pub session: String,
    pub message: Value,
}

/// `<time>-<event id>.json`: the time in epoch milliseconds, padded so that the
/// names sort in order of time.
pub fn spool_file_name(at: i64, event_id: &str) -> String {
    format!("{at:013}-{}{SPOOL_SUFFIX}", SafeId::new(event_id))
}
