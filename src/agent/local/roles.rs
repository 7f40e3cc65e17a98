//! What a single sentence is good for, by its words and its heading.

use super::phrasing::{is_deed, is_offer, strip_lead};
use super::text::{capitalise, find, has, is_specific, word_count};
use super::words::{
    CAUSE, DEAD_END, DECISION, DONE, HEAD_CAUSE, HEAD_NEXT, HEAD_VERIFIED, HEAD_WARNING, NEXT,
    NOTES, OPENINGS, REASONS, VERIFIED, WARNING,
};

/// What a sentence is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// "Done.", "Here is what I did:": says nothing.
    Empty,
    /// A question back, or an offer.
    Offer,
    /// Something left to do.
    Next,
    /// A guess that was given up. Never told as a fact.
    DeadEnd,
    /// A choice between alternatives.
    Decision,
    /// Why a choice was made.
    Reason,
    /// Why something happened.
    Cause,
    /// Something that surprises.
    Warning,
    /// How the work was checked.
    Verified,
    /// Anything else that is said as true.
    Statement,
}

/// The role of a sentence that stands under a heading (in lower case).
pub(super) fn role(text: &str, heading: &str) -> Role {
    let lower = text.to_lowercase();
    if has(heading, HEAD_NEXT) && !text.ends_with(['?', '？']) {
        return Role::Next;
    }
    if is_empty(text, &lower) {
        return Role::Empty;
    }
    if is_offer(text) {
        return Role::Offer;
    }
    if has(&lower, NEXT) || is_left_undone(&lower) {
        return Role::Next;
    }
    if is_dead_end(&lower) {
        return Role::DeadEnd;
    }
    if is_decision(&lower) {
        return Role::Decision;
    }
    let lead = lower.split([':', '：']).next().unwrap_or("");
    if has(heading, REASONS)
        || (word_count(lead) <= 2 && lower.contains([':', '：']) && has(lead, REASONS))
    {
        return Role::Reason;
    }
    if NOTES.iter().any(|lead| lower.starts_with(lead)) {
        return Role::Warning;
    }
    // "The 3 specs still pass" is no surprise.
    if has(&lower, &["still pass*"]) && has(&lower, VERIFIED) {
        return Role::Verified;
    }
    let called_cause = word_count(lead) <= 4 && lead.len() < lower.len() && has(lead, HEAD_CAUSE);
    if called_cause || has(heading, HEAD_CAUSE) || (has(&lower, CAUSE) && !is_other_deed(text)) {
        return Role::Cause;
    }
    if has(&lower, WARNING) || has(heading, HEAD_WARNING) || is_missing(&lower) {
        return Role::Warning;
    }
    // In "x is skipped now, and all tests pass" the deed comes first.
    let verified = find(&lower, VERIFIED).is_some_and(|(at, _)| word_count(&lower[..at]) < 6);
    if verified || has(heading, HEAD_VERIFIED) {
        return Role::Verified;
    }
    Role::Statement
}

fn is_empty(text: &str, lower: &str) -> bool {
    let words = word_count(text);
    let opening = OPENINGS.iter().any(|o| lower.starts_with(o));
    words == 0
        || (words <= 2 && !(is_specific(text) && words == 2) && !has(lower, VERIFIED))
        || (words <= 4 && has(lower, DONE) && !is_specific(text))
        || (opening && words <= 14 && !text.contains(": "))
        || text.ends_with([':', '：'])
}

/// "I have not applied it": work that was left for later.
fn is_left_undone(lower: &str) -> bool {
    let undone = has(
        lower,
        &[
            "i have not",
            "i haven't",
            "i did not",
            "i didn't",
            "but did not",
            "but didn't",
        ],
    );
    // "I did not touch the tests" tells how far the work went.
    let scope = &[
        "touch*", "chang*", "modif*", "find", "found", "see", "need*", "break*",
    ];
    undone && !has(lower, scope) && !is_dead_end(lower)
}

/// "There is no index on it yet".
fn is_missing(lower: &str) -> bool {
    has(lower, &["yet"]) && has(lower, &["no", "not", "isn't", "aren't", "nothing"])
}

/// "Wrote the record, because …" tells a deed; a fix tells its cause.
fn is_other_deed(text: &str) -> bool {
    let plain = capitalise(&strip_lead(text));
    is_deed(&plain) && !plain.starts_with("Fixed")
}

/// Whether a sentence tells of a guess that was given up.
pub(super) fn is_dead_end(lower: &str) -> bool {
    has(lower, DEAD_END)
}

fn is_decision(lower: &str) -> bool {
    if has(lower, DECISION) || lower.starts_with("decision") {
        return true;
    }
    let chose = has(
        lower,
        &[
            "chose",
            "picked",
            "selected",
            "opted",
            "went with",
            "using",
            "use",
            "kept",
            "wählen",
            "nehmen",
        ],
    );
    let against = has(
        lower,
        &["over", "instead of", "rather than", "statt", "anstelle"],
    );
    let reason = has(
        lower,
        &["because", "since", "as it", "so that", "weil", "da"],
    );
    let person = has(lower, &["i", "we", "wir", "ich"]);
    person && chose && against && reason
}

/// Whether the assistant is not sure of what it says.
pub(super) fn is_hedged(text: &str) -> bool {
    has(
        &text.to_lowercase(),
        &[
            "probably",
            "might",
            "maybe",
            "perhaps",
            "i suspect",
            "possibly",
            "could be",
            "likely",
            "seems",
            "appears to",
            "i think",
            "i believe",
            "i assume",
            "not sure",
            "unclear",
            "presumably",
            "vermutlich",
            "wahrscheinlich",
            "vielleicht",
            "可能",
            "也许",
            "quizás",
            "peut-être",
            "возможно",
            "かもしれ",
        ],
    )
}

/// "It now …" means nothing without the sentence before it.
pub(super) fn starts_with_pronoun(lower: &str) -> bool {
    [
        "that", "this", "it", "which", "they", "those", "these", "das", "dies",
    ]
    .iter()
    .any(|p| lower.split(|c: char| !c.is_alphanumeric()).next() == Some(*p))
}

/// "Three users: a.py, b.py, c.py" leads to what is said of them.
pub(super) fn is_enumeration(sentence: &str) -> bool {
    let Some((_, list)) = sentence.split_once(": ") else {
        return false;
    };
    let parts: Vec<&str> = list.split(", ").collect();
    parts.len() >= 3 && parts.iter().all(|part| word_count(part) <= 2)
}
