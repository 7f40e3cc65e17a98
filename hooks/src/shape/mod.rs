//! What a memory can use of a tool's input and output.
//!
//! A hook payload may hold megabytes: the file before an edit, pictures, long
//! output. Three steps make it small, in this order: [`drop_ballast`] takes out
//! what is never kept, the caller scrubs what is left
//! ([`crate::privacy::scrub_value`]), and [`bound()`] cuts it to a size. Cutting
//! last means that no secret and no private passage is cut in half and missed;
//! [`prepare_tool`] keeps the order.

mod ballast;
mod binary;
mod bound;
mod edits;

#[cfg(test)]
mod tests;

pub use ballast::{drop_ballast, prepare_tool, shape_tool};
pub use bound::{Budget, bound, head_and_tail};
