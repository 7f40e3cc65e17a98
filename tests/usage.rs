//! What models cost, and turns that are done again.

mod ledger;
mod past;
mod redo;
mod sums;
