//! The summary of an answer.

use super::blocks::Fields;
use super::tags::Tag;
use super::text::{lines, said};
use crate::agent::Summary;

/// Most characters of a field.
const MOST_FIELD: usize = 1_500;

/// A summary, if the fields say anything.
pub(super) fn read(fields: &Fields<'_>) -> Option<Summary> {
    let field = |tag| lines(&said(fields.first(tag)), MOST_FIELD);
    let summary = Summary {
        request: field(Tag::Request),
        investigated: field(Tag::Investigated),
        learned: field(Tag::Learned),
        completed: field(Tag::Completed),
        next_steps: field(Tag::NextSteps),
        notes: field(Tag::Notes),
    };
    (summary != Summary::default()).then_some(summary)
}
