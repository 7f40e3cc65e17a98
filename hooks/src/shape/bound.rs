//! Cuts texts and values to a size.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// How much of a tool's input or output is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Largest size of one string, in bytes. A whole value may be twice as large,
    /// as JSON.
    pub field_bytes: usize,
}

impl Default for Budget {
    /// 16 KiB a field: about 4,000 tokens, more than a summary of one tool call
    /// can use.
    fn default() -> Self {
        Self {
            field_bytes: 16 * 1024,
        }
    }
}

/// Most items of an array and most fields of an object that are kept.
const ITEMS_MAX: usize = 200;

/// Deepest level that is kept. Payloads seen have seven.
const DEPTH_MAX: usize = 24;

/// Longest key that is kept whole, in bytes.
const KEY_MAX: usize = 256;

/// What an array or object must be allowed for its parts to be looked at, in
/// bytes: less leaves no room for anything but notes.
const ROOM_MIN: usize = 96;

/// What a part costs besides its content: quotes, comma, colon.
const PART_BYTES: usize = 4;

/// Cuts a value so that each string has at most `budget.field_bytes` bytes and
/// the whole at most about twice as many as JSON.
///
/// Long strings keep head and tail, and so do long arrays and objects. Small
/// parts stay whole as long as there is room; the large ones share the rest.
pub fn bound(value: &mut Value, budget: &Budget) {
    let allowed = budget.field_bytes.saturating_mul(2);
    bound_level(value, size(value), allowed, budget.field_bytes, 0);
}

/// Keeps about two thirds of the room for the beginning of a text and one third
/// for its end, cut at line breaks where one is near, with a note in between.
///
/// The result has at most `budget` bytes. Borrowed when the text has no more.
pub fn head_and_tail(text: &str, budget: usize) -> Cow<'_, str> {
    if text.len() <= budget {
        return Cow::Borrowed(text);
    }
    let longest_note = note(text.len(), text.len()).len();
    let Some(room) = budget.checked_sub(longest_note).filter(|room| *room >= 32) else {
        return Cow::Owned(beginning(text, budget));
    };
    let head = head_end(text, room - room / 3);
    let tail = tail_start(text, text.len() - room / 3);
    let kept = [&text[..head], &note(tail - head, text.len()), &text[tail..]].concat();
    Cow::Owned(kept)
}

/// The beginning of a text for which a budget leaves no room for a note.
fn beginning(text: &str, budget: usize) -> String {
    const MARK: &str = "…";
    match budget.checked_sub(MARK.len()) {
        Some(room) => [&text[..text.floor_char_boundary(room)], MARK].concat(),
        None => String::new(),
    }
}

/// A number with its thousands apart: 64,595.
pub(super) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn note(cut: usize, all: usize) -> String {
    format!("\n[… {} of {} bytes cut …]\n", grouped(cut), grouped(all))
}

/// The end of the last line that ends in the last quarter of the head, else the
/// end of the head.
fn head_end(text: &str, head: usize) -> usize {
    let end = text.floor_char_boundary(head);
    let from = text.floor_char_boundary(end - end / 4);
    text[from..end].rfind('\n').map_or(end, |at| from + at)
}

/// The beginning of the first line that begins in the first quarter of the tail,
/// else the beginning of the tail.
fn tail_start(text: &str, tail: usize) -> usize {
    let start = text.ceil_char_boundary(tail);
    let until = text
        .floor_char_boundary(start + (text.len() - start) / 4)
        .max(start);
    text[start..until]
        .find('\n')
        .map_or(start, |at| start + at + 1)
}

/// Bounds a value of `size` bytes to `allowed` bytes, both as JSON.
fn bound_level(value: &mut Value, size: usize, allowed: usize, field: usize, depth: usize) {
    let too_large = size > allowed;
    let most = if too_large {
        (allowed / ROOM_MIN).clamp(3, ITEMS_MAX)
    } else {
        ITEMS_MAX
    };
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
        Value::String(text) => {
            if let Cow::Owned(cut) = fit(text, allowed, field) {
                *text = cut;
            }
        }
        Value::Array(_) | Value::Object(_) if depth >= DEPTH_MAX => {
            *value = Value::from("[nested too deep]");
        }
        Value::Array(items) => {
            if too_large && allowed < ROOM_MIN {
                *value = Value::from(format!("[{} items cut]", grouped(items.len())));
                return;
            }
            keep_ends(items, most);
            let room = if too_large { allowed } else { usize::MAX };
            bound_parts(items.iter_mut().collect(), room, field, depth);
        }
        Value::Object(fields) => {
            keep_fields(fields, most);
            let names: usize = fields.keys().map(|key| json_bytes(key) + PART_BYTES).sum();
            if too_large && names + ROOM_MIN > allowed {
                *value = Value::from(format!("[{} fields cut]", grouped(fields.len())));
                return;
            }
            let room = if too_large {
                allowed - names
            } else {
                usize::MAX
            };
            bound_parts(fields.values_mut().collect(), room, field, depth);
        }
    }
}

/// Bounds the parts of an array or object, whose sizes together may be `allowed`.
fn bound_parts(parts: Vec<&mut Value>, allowed: usize, field: usize, depth: usize) {
    let sizes: Vec<usize> = parts.iter().map(|part| size(part)).collect();
    let share = fair_share(&sizes, allowed.saturating_sub(parts.len() * PART_BYTES));
    for (part, size) in parts.into_iter().zip(sizes) {
        bound_level(part, size, size.min(share), field, depth + 1);
    }
}

/// The largest size that a part may have so that all fit in `allowed`: parts that
/// are smaller leave their room to the others.
fn fair_share(sizes: &[usize], allowed: usize) -> usize {
    let mut sorted = sizes.to_vec();
    sorted.sort_unstable();
    let mut left = allowed;
    for (index, size) in sorted.iter().enumerate() {
        let share = left / (sorted.len() - index);
        if *size > share {
            return share;
        }
        left -= size;
    }
    usize::MAX
}

/// Keeps the first and last items, with a note for what was between them.
fn keep_ends(items: &mut Vec<Value>, most: usize) {
    if items.len() <= most {
        return;
    }
    let all = items.len();
    let tail = most / 3;
    let head = most - tail - 1;
    let cut = all - head - tail;
    let note = format!("[… {} of {} items cut …]", grouped(cut), grouped(all));
    items.splice(head..all - tail, [Value::from(note)]);
}

/// Keeps the first and last fields, and shortens keys that are too long.
fn keep_fields(fields: &mut Map<String, Value>, most: usize) {
    let all = fields.len();
    if all <= most && fields.keys().all(|key| key.len() <= KEY_MAX) {
        return;
    }
    let tail = if all > most { most / 3 } else { 0 };
    let head = if all > most { most - tail - 1 } else { all };
    let old = std::mem::take(fields);
    for (index, (key, part)) in old.into_iter().enumerate() {
        if index == head && all > most {
            let note = format!("{} of {} fields", grouped(all - head - tail), grouped(all));
            fields.insert("[… cut …]".to_owned(), Value::from(note));
        }
        if index < head || index + tail >= all {
            fields.insert(head_and_tail(&key, KEY_MAX).into_owned(), part);
        }
    }
}

/// Cuts a text to `field` bytes, and to `allowed` bytes as a JSON string.
fn fit(text: &str, allowed: usize, field: usize) -> Cow<'_, str> {
    let mut budget = field.min(text.len());
    // Characters that JSON escapes take up to six times their size, so the first
    // guess may be too large; each guess is at most as large as the measured
    // proportion says.
    for _ in 0..4 {
        let cut = head_and_tail(text, budget);
        let bytes = json_bytes(&cut);
        if bytes <= allowed {
            return if cut.len() == text.len() {
                Cow::Borrowed(text)
            } else {
                Cow::Owned(cut.into_owned())
            };
        }
        budget = (budget.saturating_mul(allowed) / bytes).min(budget.saturating_sub(8));
    }
    Cow::Owned(head_and_tail(text, allowed.saturating_sub(2) / 6).into_owned())
}

/// Size of a value as JSON, in bytes.
fn size(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 5,
        Value::Number(number) => number.to_string().len(),
        Value::String(text) => json_bytes(text),
        Value::Array(items) => 2 + items.iter().map(|item| size(item) + 1).sum::<usize>(),
        Value::Object(fields) => {
            2 + fields
                .iter()
                .map(|(key, part)| json_bytes(key) + size(part) + 2)
                .sum::<usize>()
        }
    }
}

/// Size of a text as a JSON string, in bytes.
fn json_bytes(text: &str) -> usize {
    let escapes: usize = text
        .bytes()
        .map(|byte| match byte {
            b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 1,
            0..0x20 => 5,
            _ => 0,
        })
        .sum();
    text.len() + escapes + 2
}
