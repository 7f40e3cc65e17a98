//! The one SQLite database, and every line of SQL.
//!
//! Two handles: [`Reader`], opened read-only, which is all that search,
//! context, commands and the HTTP process ever hold, and [`Writer`], which only
//! a worker and `claude-mem queue redo` hold. Both know rows and events, nothing of agents or sockets.

pub mod checkpoint;
mod error;
mod events;
mod ledger;
mod migrate;
mod open;
mod outcome;
mod reader;
mod redo;
mod rows;
mod search;
mod status;
#[cfg(test)]
mod tests;
mod turns;
mod usage;
pub mod web;
mod writer;

pub use error::StoreError;
pub use events::{Arrival, Ingested, NewEvent, NewEventKind, SessionIdentity};
pub use ledger::{Admission, CallLimits, CallUsage, Ledger, Limit, NewCall, ProviderStall};
pub use open::SCHEMA_VERSION;
pub use outcome::{NewObservation, NewSummary, TurnOutcome};
pub use reader::{Filter, Reader};
pub use redo::{Redoable, Redone};
pub use rows::{ObservationRow, PromptRow, QueueRow, SessionRow, SummaryRow};
pub use search::{Hit, SearchFilter};
pub use status::{Backlog, StatusTotals, Totals};
pub use turns::{BatchLimits, ClaimedEvent, ClaimedTurn, GiveBack};
pub use usage::{Made, UsageRow};
pub use writer::{Retention, Writer};
