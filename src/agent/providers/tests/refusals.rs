//! What refusals mean, for whoever has to decide what to do next.

use serde_json::{Value, json};

use super::server::{Server, Step, answer, json as answer_json};
use super::*;
use crate::agent::model::Reason;

fn of_anthropic(step: Step) -> Failure {
    let server = Server::start(vec![step]);
    ask_anthropic(&anthropic_at(&server.url())).unwrap_err()
}

fn anthropic_error(kind: &str, message: &str) -> Value {
    json!({"type": "error", "error": {"type": kind, "message": message}})
}

/// What a refusal with this status, kind and message means.
fn meaning(status: u16, kind: &str, message: &str) -> Reason {
    let failure = of_anthropic(answer_json(status, &anthropic_error(kind, message)));
    assert_eq!(failure.detail, message);
    assert_eq!(failure.retry_after, None);
    failure.reason
}

#[test]
fn the_key_or_the_account_is_at_fault() {
    let invalid = "invalid_request_error";
    for (status, kind, message, reason) in [
        (
            401,
            "authentication_error",
            "invalid x-api-key",
            Reason::Auth,
        ),
        (403, "permission_error", "no permission", Reason::Auth),
        (
            402,
            "billing_error",
            "an issue with your payment",
            Reason::Quota,
        ),
        (403, "error", "enable billing first", Reason::Quota),
        (
            400,
            invalid,
            "Your credit balance is too low",
            Reason::Quota,
        ),
        (400, invalid, "Plans & Billing: see there", Reason::Quota),
        (
            400,
            invalid,
            "You have reached your API usage limits.",
            Reason::Quota,
        ),
        (429, "error", "Claude usage limit reached", Reason::Quota),
        (
            429,
            "rate_limit_error",
            "exceeded your daily rate limit",
            Reason::Quota,
        ),
    ] {
        assert_eq!(meaning(status, kind, message), reason, "{status} {message}");
    }
}

#[test]
fn the_moment_is_at_fault() {
    for (status, kind, message, reason) in [
        (
            429,
            "rate_limit_error",
            "50,000 input tokens per minute",
            Reason::RateLimit,
        ),
        (
            429,
            "rate_limit_error",
            "your quota per minute",
            Reason::RateLimit,
        ),
        (429, "error", "slow down", Reason::RateLimit),
        (529, "overloaded_error", "Overloaded", Reason::Overloaded),
        (
            500,
            "api_error",
            "Internal server error",
            Reason::Overloaded,
        ),
        (
            504,
            "timeout_error",
            "Request timed out",
            Reason::Overloaded,
        ),
    ] {
        assert_eq!(meaning(status, kind, message), reason, "{status} {message}");
    }
}

#[test]
fn the_request_is_at_fault() {
    let invalid = "invalid_request_error";
    let long = Reason::ContextTooLong;
    for (status, kind, message, reason) in [
        (
            413,
            "request_too_large",
            "Request exceeds the maximum size",
            long,
        ),
        (
            400,
            invalid,
            "prompt is too long: 210000 tokens > 200000",
            long,
        ),
        (
            400,
            invalid,
            "input and `max_tokens` exceed context limit",
            long,
        ),
        (
            404,
            "not_found_error",
            "model: claude-nonsense",
            Reason::NotFound,
        ),
        (
            400,
            invalid,
            "max_tokens: Field required",
            Reason::BadRequest,
        ),
        (422, invalid, "no", Reason::BadRequest),
    ] {
        assert_eq!(meaning(status, kind, message), reason, "{status} {message}");
    }
}

#[test]
fn a_gateway_reports_an_error_with_status_200() {
    let body = anthropic_error("overloaded_error", "Overloaded");
    assert_eq!(
        of_anthropic(answer_json(200, &body)).reason,
        Reason::Overloaded
    );
}

#[test]
fn a_wait_is_seconds_or_a_date_and_bounded() {
    let sent = "Date: Sat, 21 Nov 2026 08:49:30 GMT";
    let soon = "Retry-After: Sat, 21 Nov 2026 08:50:00 GMT";
    let over = "Retry-After: Sat, 21 Nov 2026 08:00:00 GMT";
    // Beyond any clock that a test may run with.
    let far = "Retry-After: Fri, 21 Nov 2200 08:50:00 GMT";
    for (headers, seconds) in [
        (&["Retry-After: 37"][..], Some(37.0)),
        (&["retry-after: 1.5"], Some(1.5)),
        (&[soon, sent], Some(30.0)),
        (&[over, sent], Some(0.0)),
        (&[far], Some(86_400.0)),
        (&["Retry-After: 99999999999999999999"], Some(86_400.0)),
        (&["Retry-After: -5"], None),
        (&["Retry-After: later"], None),
        (&[], None),
    ] {
        let failure = of_anthropic(answer(429, headers, "slow"));
        let wait = seconds.map(Duration::from_secs_f64);
        assert_eq!(failure.retry_after, wait, "{headers:?}");
        assert_eq!(failure.reason, Reason::RateLimit);
    }
}

#[test]
fn only_who_may_come_back_is_told_when() {
    for (status, wait) in [(529, Some(9)), (503, Some(9)), (402, Some(9)), (401, None)] {
        let failure = of_anthropic(answer(status, &["Retry-After: 9"], ""));
        assert_eq!(
            failure.retry_after,
            wait.map(Duration::from_secs),
            "{status}"
        );
    }
}

#[test]
fn a_page_in_between_is_told_by_status_and_title() {
    for (status, body, reason, detail) in [
        (
            502,
            "<html><head><title>502 Bad Gateway</title></head>",
            Reason::Overloaded,
            "HTTP 502 502 Bad Gateway",
        ),
        (
            503,
            "<html><body>busy</body></html>",
            Reason::Overloaded,
            "HTTP 503",
        ),
        (407, "", Reason::Connection, "HTTP 407"),
        (400, "{}", Reason::BadRequest, "HTTP 400"),
        (
            429,
            "Too many requests",
            Reason::RateLimit,
            "HTTP 429 Too many requests",
        ),
    ] {
        let failure = of_anthropic(answer(status, &[], body));
        assert_eq!((failure.reason, failure.detail.as_str()), (reason, detail));
    }
}
