//! The calls of a turn within the room that there is for them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::call::Call;
use super::cut::{clipped, cut};
use super::shares::{Wish, divide};

/// Part of the room that the lines which name calls may take, in hundredths.
const HEADS_PERCENT: usize = 60;

/// The note about calls that are left out, in bytes.
const MOST_NOTE: usize = 200;

/// Number, point, blank and line break around a line that names a call.
const NUMBERED: usize = 10;

/// Calls of an earlier batch that are named, the newest.
const MOST_EARLIER: usize = 15;

/// Longest line about one of those, in bytes.
const MOST_EARLIER_LINE: usize = 150;

/// Room that the calls could use, in bytes.
pub(super) fn wish(calls: &[Call]) -> usize {
    calls
        .iter()
        .map(|call| head_size(call) + call.body.len())
        .sum()
}

fn head_size(call: &Call) -> usize {
    call.head.len() + NUMBERED
}

/// The calls in at most `most` bytes: each named if there is room for it, the
/// room for results shared fairly.
pub(super) fn text(calls: &[Call], most: usize) -> String {
    let (chosen, left_out) = chosen(calls, most);
    let note = note(calls, &left_out);
    let heads: usize = chosen.iter().map(|&index| head_size(&calls[index])).sum();
    let wishes: Vec<Wish> = chosen
        .iter()
        .map(|&index| Wish {
            size: calls[index].body.len(),
            weight: calls[index].rank.weight(),
        })
        .collect();
    let shares = divide(&wishes, most.saturating_sub(heads + note.len()));
    let mut out = note;
    for (&index, share) in chosen.iter().zip(shares) {
        let call = &calls[index];
        // Writing to a string cannot fail.
        let _written = writeln!(out, "{}. {}", index + 1, call.head);
        out.push_str(&cut(&call.body, share, call.keep));
    }
    out
}

/// Indexes of the calls that are named, and of the others. When there are too
/// many, the least telling go first, and of equals those in the middle.
fn chosen(calls: &[Call], most: usize) -> (Vec<usize>, Vec<usize>) {
    let mut heads: usize = calls.iter().map(head_size).sum();
    if heads <= most / 100 * HEADS_PERCENT || wish(calls) <= most {
        return ((0..calls.len()).collect(), Vec::new());
    }
    let room = (most / 100 * HEADS_PERCENT).saturating_sub(MOST_NOTE);
    let mut order: Vec<usize> = (0..calls.len()).collect();
    order.sort_by_key(|&index| (calls[index].rank, index.abs_diff(calls.len() / 2)));
    let mut left_out = Vec::new();
    for index in order {
        if heads <= room {
            break;
        }
        heads -= head_size(&calls[index]);
        left_out.push(index);
    }
    left_out.sort_unstable();
    let kept = (0..calls.len())
        .filter(|index| left_out.binary_search(index).is_err())
        .collect();
    (kept, left_out)
}

fn note(calls: &[Call], left_out: &[usize]) -> String {
    if left_out.is_empty() {
        return String::new();
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for &index in left_out {
        *counts.entry(&calls[index].tool).or_default() += 1;
    }
    let mut counts: Vec<(&str, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let listed: Vec<String> = counts
        .iter()
        .take(5)
        .map(|(tool, count)| format!("{count} {tool}"))
        .collect();
    let note = format!(
        "{} calls are left out: {}",
        left_out.len(),
        listed.join(", ")
    );
    format!("[{}]\n", clipped(&note, MOST_NOTE - 3))
}

/// The newest calls that an earlier batch has dealt with, a line each, the oldest
/// first.
pub(super) fn earlier(calls: &[Call], most: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut room = most;
    for call in calls.iter().rev().take(MOST_EARLIER) {
        let line = format!("- {}\n", clipped(&call.head, MOST_EARLIER_LINE));
        let Some(rest) = room.checked_sub(line.len()) else {
            break;
        };
        room = rest;
        lines.push(line);
    }
    lines.reverse();
    lines.concat()
}
