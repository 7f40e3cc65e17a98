//! Fitting items into a budget of characters: whole items, the newest first.

use super::text::units;

/// A line of the index, in the forms in which it can be shown.
#[derive(Debug, Clone, Default)]
pub(super) struct Item {
    pub(super) is_summary: bool,
    /// Heading under which it stands.
    pub(super) day: String,
    /// Everything up to the files.
    pub(super) start: String,
    /// Files, shown where all items have room for theirs; may be empty.
    pub(super) files: String,
    /// What stands behind the files; may be empty.
    pub(super) end: String,
    /// Its text in full, for items that are wanted so; may be empty.
    pub(super) detail: String,
    pub(super) read_tokens: i64,
    pub(super) work_tokens: i64,
}

/// How much was shown, and what it costs and saves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) observations: usize,
    pub(super) summaries: usize,
    pub(super) read_tokens: i64,
    pub(super) work_tokens: i64,
}

/// Lays out as many items as fit into `room` UTF-16 units, under a heading for
/// each day. Files are shown if everything fits with them.
pub(super) fn fit(items: &[Item], room: usize) -> (String, Cut) {
    let with_files = lay_out(items, room, true);
    if with_files.1.observations + with_files.1.summaries == items.len() {
        return with_files;
    }
    lay_out(items, room, false)
}

fn lay_out(items: &[Item], room: usize, files: bool) -> (String, Cut) {
    let mut body = String::new();
    let mut used = 0;
    let mut cut = Cut::default();
    let mut day = "";
    for item in items {
        let heading = if item.day == day {
            String::new()
        } else {
            format!("\n## {}\n", item.day)
        };
        let files = if files { item.files.as_str() } else { "" };
        let line = format!("{heading}{}{files}{}\n", item.start, item.end);
        // An item that does not fit in full may still fit as a line.
        let forms = [format!("{line}{}", item.detail), line];
        let Some(form) = forms.into_iter().find(|form| used + units(form) <= room) else {
            break;
        };
        used += units(&form);
        body.push_str(&form);
        day = &item.day;
        if item.is_summary {
            cut.summaries += 1;
        } else {
            cut.observations += 1;
            cut.read_tokens = cut.read_tokens.saturating_add(item.read_tokens);
            cut.work_tokens = cut.work_tokens.saturating_add(item.work_tokens);
        }
    }
    (body, cut)
}
