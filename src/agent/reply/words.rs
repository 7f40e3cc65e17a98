//! What an answer without blocks means.

use crate::agent::model::Reason;

/// Longer texts are prose, whatever words are in them, in bytes.
const MOST_NOTICE: usize = 600;

/// Words of a service that refuses, by what they mean; the first that fits
/// counts. All words of a group must be there.
const NOTICES: &[(Reason, &[&str])] = &[
    (Reason::Auth, &["not logged in"]),
    (Reason::Auth, &["run /login"]),
    (Reason::Auth, &["please", "/login"]),
    (Reason::Auth, &["invalid api key"]),
    (Reason::Auth, &["incorrect api key"]),
    (Reason::Auth, &["invalid x-api-key"]),
    (Reason::Auth, &["invalid bearer token"]),
    (Reason::Auth, &["authentication_error"]),
    (Reason::Auth, &["authentication", "fail"]),
    (Reason::Auth, &["authentication", "error"]),
    (Reason::Auth, &["authentication", "required"]),
    (Reason::Auth, &["authentication", "expired"]),
    (Reason::Auth, &["authentication", "invalid"]),
    (Reason::Auth, &["failed to authenticate"]),
    (Reason::Auth, &["oauth token", "expired"]),
    (Reason::Auth, &["oauth token", "revoked"]),
    (Reason::ContextTooLong, &["prompt is too long"]),
    (Reason::ContextTooLong, &["input is too long"]),
    (Reason::ContextTooLong, &["context_length_exceeded"]),
    (Reason::ContextTooLong, &["context length", "exceed"]),
    (Reason::ContextTooLong, &["context length", "maximum"]),
    (Reason::ContextTooLong, &["context window", "exceed"]),
    (Reason::ContextTooLong, &["context limit", "reached"]),
    (Reason::Quota, &["usage limit", "reached"]),
    (Reason::Quota, &["usage limit", "exceed"]),
    (Reason::Quota, &["usage limit", "hit"]),
    (Reason::Quota, &["credit balance", "low"]),
    (Reason::Quota, &["insufficient_quota"]),
    (Reason::Quota, &["insufficient credits"]),
    (Reason::Quota, &["exceeded your current quota"]),
    (Reason::RateLimit, &["rate limit", "reached"]),
    (Reason::RateLimit, &["rate limit", "exceed"]),
    (Reason::RateLimit, &["rate limit", "error"]),
    (Reason::RateLimit, &["rate limited"]),
    (Reason::RateLimit, &["rate_limit"]),
    (Reason::RateLimit, &["too many requests"]),
    (Reason::Quota, &["limit reached"]),
    (Reason::Quota, &["reached your", "limit"]),
    (Reason::Quota, &["hit your", "limit"]),
    (Reason::Overloaded, &["overloaded_error"]),
    (Reason::Overloaded, &["overloaded"]),
    (Reason::Overloaded, &["internal server error"]),
    (Reason::Overloaded, &["api_error"]),
];

/// Why nothing could be read of a text. The meanings apply to short texts without
/// our tags: an observation about a rate limit is no failure.
pub(super) fn reason(text: &str, seen_tags: bool) -> Reason {
    let text = text.trim().trim_matches('\u{feff}').trim();
    if text.is_empty() {
        return Reason::Empty;
    }
    if seen_tags {
        return Reason::Malformed;
    }
    if text.len() > MOST_NOTICE {
        return Reason::Prose;
    }
    let lower = text.to_lowercase();
    NOTICES
        .iter()
        .find(|(_, words)| words.iter().all(|word| lower.contains(word)))
        .map_or(Reason::Prose, |(reason, _)| *reason)
}
