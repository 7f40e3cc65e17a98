//! The one SQLite database, and every line of SQL.
//!
//! Two handles: [`Reader`], opened read-only, which is all that search,
//! context, commands and the HTTP process ever hold, and [`Writer`], which only
//! a worker and `claude-mem queue redo` hold. Both know rows and events, nothing of agents or sockets.

mod around;
mod by_file;
pub mod checkpoint;
mod columns;
mod error;
mod events;
mod index;
mod ledger;
mod lists;
mod migrate;
mod open;
mod outcome;
mod reader;
mod redo;
mod remember;
mod rows;
mod search;
mod size;
mod status;
#[cfg(test)]
mod tests;
mod turns;
mod usage;
mod vectors;
pub mod web;
mod writer;

pub use around::{Around, Kind, Moment, Point};
pub use by_file::{FileCandidate, PathEnd, path_components, path_parts};
pub use error::StoreError;
pub use events::{Arrival, Ingested, NewEvent, NewEventKind, SessionIdentity};
pub use index::Table;
pub use ledger::{Admission, CallLimits, CallUsage, Ledger, Limit, NewCall, ProviderStall};
pub use open::SCHEMA_VERSION;
pub use outcome::{NewObservation, NewSummary, TurnOutcome};
pub use reader::{Filter, Reader};
pub use redo::{Redoable, Redone};
pub use rows::{ObservationRow, PromptRow, QueueRow, SessionRow, SummaryRow};
pub use search::{Bounds, Postings};
pub use size::Sizes;
pub use status::{Backlog, StatusTotals, Totals};
pub use turns::{BatchLimits, ClaimedEvent, ClaimedTurn, GiveBack};
pub use usage::{Made, UsageRow};
pub use vectors::{Near, Signatures};
pub use writer::{Retention, Writer};
