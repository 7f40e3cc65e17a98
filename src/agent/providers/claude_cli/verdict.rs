//! What a failure is about: from the status, from the sort of error that Claude
//! Code names, and last from its words.

use std::time::{Duration, SystemTime};

use crate::agent::model::Reason;

/// Longest answer that may be a complaint of Claude Code in place of an answer.
const MAX_COMPLAINT: usize = 400;

/// The longest window of a subscription is a week; a day more for clocks that
/// differ.
const LONGEST_WAIT: Duration = Duration::from_hours(8 * 24);

/// How Claude Code's own complaints begin that come as if they were an answer.
const COMPLAINTS: [&str; 13] = [
    "not logged in",
    "please run /login",
    "invalid api key",
    "invalid bearer token",
    "failed to authenticate",
    "oauth token",
    "credit balance is too low",
    "claude ai usage limit reached",
    "claude usage limit reached",
    "you've hit your",
    "you've reached your",
    "prompt is too long",
    "api error:",
];

const ABOUT_LOGIN: &[&str] = &[
    "not logged in",
    "/login",
    "invalid api key",
    "invalid x-api-key",
    "invalid bearer token",
    "oauth token",
    "oauth authentication",
    "authentication_error",
    "failed to authenticate",
    "authentication error",
    "disabled api key authentication",
];
const ABOUT_LIMITS: &[&str] = &[
    "usage limit",
    "limit reached",
    "hit your",
    "reached your",
    "credit balance",
    "out of usage",
    "out of credits",
    "spend limit",
    "spending limit",
];
const ABOUT_LENGTH: &[&str] = &[
    "prompt is too long",
    "input is too long",
    "context window",
    "context limit",
];
const ABOUT_THE_WAY: &[&str] = &[
    "unable to connect",
    "connection",
    "econnre",
    "enotfound",
    "fetch failed",
    "certificate",
];

/// Why a result is an error. `kind` is Claude Code's own name for it.
pub(super) fn of_error(status: Option<u16>, kind: Option<&str>, text: &str) -> Reason {
    match (status, kind) {
        (Some(401 | 403), _) | (None, Some("authentication_failed" | "oauth_org_not_allowed")) => {
            Reason::Auth
        }
        (Some(402), _) | (None, Some("billing_error")) => Reason::Quota,
        (Some(408), _) => Reason::Timeout,
        (Some(413), _) => Reason::ContextTooLong,
        (Some(429), _) | (None, Some("rate_limit")) => match of_words(text) {
            Some(Reason::Quota) => Reason::Quota,
            _ => Reason::RateLimit,
        },
        (Some(500..), _) => Reason::Overloaded,
        (_, Some("max_output_tokens")) => Reason::Truncated,
        (None, Some("server_error" | "overloaded")) => match of_words(text) {
            Some(Reason::Connection) => Reason::Connection,
            _ => Reason::Overloaded,
        },
        (Some(404), _) | (None, Some("model_not_found")) => Reason::NotFound,
        (Some(_), _) | (None, Some("invalid_request")) => match of_words(text) {
            Some(reason @ (Reason::Auth | Reason::Quota | Reason::ContextTooLong)) => reason,
            _ => Reason::BadRequest,
        },
        (None, _) => of_words(text).unwrap_or(Reason::ChildDied),
    }
}

/// What a text is about that stands where an answer should, if it is a complaint
/// of Claude Code. A model may well write of logins and limits, so only short
/// texts without any tag count, and only those that begin like one.
pub(super) fn of_answer(text: &str) -> Option<Reason> {
    let text = text.trim();
    if text.len() > MAX_COMPLAINT || text.contains('<') {
        return None;
    }
    let lower = text.to_lowercase();
    COMPLAINTS
        .iter()
        .any(|start| lower.starts_with(start))
        .then(|| of_words(text))
        .flatten()
}

fn of_words(text: &str) -> Option<Reason> {
    let lower = text.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if has(ABOUT_LOGIN) {
        Some(Reason::Auth)
    } else if has(ABOUT_LIMITS) {
        Some(Reason::Quota)
    } else if has(ABOUT_LENGTH) {
        Some(Reason::ContextTooLong)
    } else if has(&["rate limit", "(429)"]) {
        Some(Reason::RateLimit)
    } else if has(&["overloaded", "server-side issue", "internal server error"]) {
        Some(Reason::Overloaded)
    } else if has(ABOUT_THE_WAY) {
        Some(Reason::Connection)
    } else {
        None
    }
}

/// The time at the end of a text such as `Claude AI usage limit
/// reached|1735689600`, in seconds since the epoch.
pub(super) fn reset_in(text: &str) -> Option<u64> {
    let (_, time) = text.trim().rsplit_once('|')?;
    time.trim().parse().ok()
}

/// From a point in time, in seconds since the epoch, to how long it is until
/// then. `None` when it has passed.
pub(super) fn until(seconds: u64, now: SystemTime) -> Option<Duration> {
    let then = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))?;
    let wait = then.duration_since(now).ok()?;
    Some(wait.min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Case = (Option<u16>, Option<&'static str>, &'static str, Reason);

    /// Results of version 2.1.197: status, name of the error, words.
    const ERRORS: [Case; 17] = [
        (
            Some(401),
            Some("authentication_failed"),
            "Invalid API key · Fix external API key",
            Reason::Auth,
        ),
        (
            Some(403),
            Some("authentication_failed"),
            "Failed to authenticate. API Error: 403 Your API key does not have permission",
            Reason::Auth,
        ),
        (
            None,
            Some("authentication_failed"),
            "Not logged in · Please run /login",
            Reason::Auth,
        ),
        (
            None,
            None,
            "Not logged in · Please run /login",
            Reason::Auth,
        ),
        (
            Some(400),
            Some("billing_error"),
            "Credit balance is too low",
            Reason::Quota,
        ),
        (
            Some(429),
            Some("rate_limit"),
            "You've hit your usage limit · resets 3pm (UTC)",
            Reason::Quota,
        ),
        (
            Some(429),
            None,
            "Claude AI usage limit reached|1735689600",
            Reason::Quota,
        ),
        (
            Some(429),
            Some("rate_limit"),
            "API Error: Request rejected (429) · This request would exceed your account's rate limit. Please try again later.",
            Reason::RateLimit,
        ),
        (
            Some(529),
            Some("server_error"),
            "API Error: 529 Overloaded. This is a server-side issue",
            Reason::Overloaded,
        ),
        (
            Some(500),
            Some("server_error"),
            "API Error: 500 Internal server error.",
            Reason::Overloaded,
        ),
        (
            Some(400),
            Some("invalid_request"),
            "Prompt is too long · the request is ~152 tokens",
            Reason::ContextTooLong,
        ),
        (
            Some(400),
            Some("unknown"),
            "API Error: 400 messages: scripted bad request",
            Reason::BadRequest,
        ),
        (
            Some(404),
            Some("model_not_found"),
            "There's an issue with the selected model",
            Reason::NotFound,
        ),
        (
            None,
            Some("server_error"),
            "API Error: Unable to connect to API (ECONNRESET)",
            Reason::Connection,
        ),
        (
            None,
            Some("server_error"),
            "API Error: Connection to the API was lost (ECONNRESET).",
            Reason::Connection,
        ),
        (
            None,
            Some("max_output_tokens"),
            "API Error: Claude's response exceeded the 4096 output token maximum.",
            Reason::Truncated,
        ),
        (None, Some("unknown"), "something else", Reason::ChildDied),
    ];

    #[test]
    fn errors_are_told_apart() {
        for (status, kind, text, reason) in ERRORS {
            assert_eq!(
                of_error(status, kind, text),
                reason,
                "{status:?} {kind:?} {text}"
            );
        }
    }

    #[test]
    fn a_complaint_in_place_of_an_answer_is_no_answer() {
        assert_eq!(
            of_answer("Not logged in · Please run /login\n"),
            Some(Reason::Auth)
        );
        assert_eq!(
            of_answer("Claude AI usage limit reached|1735689600"),
            Some(Reason::Quota)
        );
        assert_eq!(
            of_answer("Prompt is too long"),
            Some(Reason::ContextTooLong)
        );
        for answer in [
            "",
            "There is nothing to keep.",
            "The user was not logged in and ran /login.",
            "<observation><title>Not logged in</title></observation>",
            "Not logged in <fact>is what the page says</fact>",
        ] {
            assert_eq!(of_answer(answer), None, "{answer}");
        }
        let long = format!(
            "Not logged in, says the page. {}",
            "x".repeat(MAX_COMPLAINT)
        );
        assert_eq!(of_answer(&long), None);
    }

    #[test]
    fn a_limits_end_is_read_and_bounded() {
        assert_eq!(
            reset_in("Claude AI usage limit reached|1735689600"),
            Some(1_735_689_600)
        );
        assert_eq!(reset_in("You've hit your limit · resets 3pm"), None);
        assert_eq!(reset_in("a|b"), None);
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        assert_eq!(until(1060, now), Some(Duration::from_mins(1)));
        assert_eq!(until(999, now), None);
        assert_eq!(until(u64::from(u32::MAX), now), Some(LONGEST_WAIT));
        assert_eq!(until(u64::MAX, now), None);
    }
}
