//! Refusals in the shapes of those that follow OpenAI's interface.

use serde_json::{Value, json};

use super::server::{Server, Step, json as answer_json};
use super::*;
use crate::agent::model::Reason;

fn of_openai(step: Step) -> Failure {
    let server = Server::start(vec![step]);
    ask_openai(&openai_at(&server.url())).unwrap_err()
}

/// What a refusal with this status and body means. Its words are the provider's.
fn meaning(status: u16, body: &Value) -> Reason {
    let failure = of_openai(answer_json(status, body));
    let told = failure.detail.len() > 5 && body.to_string().contains(&failure.detail);
    assert!(told, "{failure}");
    failure.reason
}

#[test]
fn openai_and_azure_are_understood() {
    let quota = "You exceeded your current quota, please check your plan and billing details.";
    let minute = "Rate limit reached for m on requests per min. See https://x/account/billing";
    let day = "Rate limit reached for m on tokens per day (TPD)";
    // Azure names the way to a higher quota in every refusal.
    let azure = "exceeded call rate limit of your tier: https://aka.ms/oai/quotaincrease";
    let long = "This model's maximum is 8192 tokens.";
    for (status, message, code, reason) in [
        (401, "Incorrect API key", "invalid_api_key", Reason::Auth),
        (400, "Incorrect API key", "invalid_api_key", Reason::Auth),
        (429, quota, "insufficient_quota", Reason::Quota),
        (429, minute, "rate_limit_exceeded", Reason::RateLimit),
        (429, day, "rate_limit_exceeded", Reason::Quota),
        (429, azure, "429", Reason::RateLimit),
        (400, long, "context_length_exceeded", Reason::ContextTooLong),
        (404, "no such model", "model_not_found", Reason::NotFound),
    ] {
        let body = json!({"error": {"message": message, "code": code}});
        assert_eq!(meaning(status, &body), reason, "{body}");
    }
}

#[test]
fn servers_of_ones_own_are_understood() {
    let long = Reason::ContextTooLong;
    for (status, body, reason) in [
        (
            400,
            json!({"error": {"message": "too big", "type": "exceed_context_size_error"}}),
            long,
        ),
        (
            500,
            json!({"error": {"code": 500, "message": "context size exceeded"}}),
            long,
        ),
        (
            400,
            json!({"object": "error", "message": "maximum context length is 4096"}),
            long,
        ),
        (
            503,
            json!({"error": {"code": 503, "message": "Loading model"}}),
            Reason::Overloaded,
        ),
        (
            404,
            json!({"error": "model 'x' not found"}),
            Reason::NotFound,
        ),
        (401, json!({"detail": "Not authenticated"}), Reason::Auth),
    ] {
        assert_eq!(meaning(status, &body), reason, "{body}");
    }
}

#[test]
fn openrouter_is_understood_whatever_the_status() {
    for (code, message, reason) in [
        (402, "Insufficient credits", Reason::Quota),
        (403, "Your input was flagged", Reason::BadRequest),
        (408, "Your request timed out", Reason::Timeout),
        (
            429,
            "Rate limit exceeded: free-models-per-day",
            Reason::Quota,
        ),
        (429, "slow down", Reason::RateLimit),
        (502, "Provider returned error", Reason::Overloaded),
    ] {
        let error = json!({"code": code, "message": message});
        assert_eq!(meaning(code, &json!({"error": error})), reason);
        assert_eq!(meaning(200, &json!({"error": error})), reason);
        let half = json!({"choices": [{"error": error, "message": {"content": "half"}}]});
        assert_eq!(meaning(200, &half), reason);
    }
}

#[test]
fn an_error_within_success_may_have_no_status() {
    for (body, reason) in [
        (
            json!({"error": {"code": "insufficient_quota", "message": "no"}}),
            Reason::Quota,
        ),
        (
            json!({"error": {"code": "weird", "message": "no"}}),
            Reason::BadRequest,
        ),
        (
            json!({"error": null, "choices": [{"message": {"content": ""}}]}),
            Reason::Empty,
        ),
        (json!({"answer": 42}), Reason::Malformed),
    ] {
        let failure = of_openai(answer_json(200, &body));
        assert_eq!(failure.reason, reason, "{body}");
    }
}

#[test]
fn the_words_of_whoever_stands_behind_are_kept() {
    let body = json!({"error": {
        "code": 502,
        "message": "Provider returned error",
        "metadata": {"raw": "out of memory"},
    }});
    let failure = of_openai(answer_json(200, &body));
    assert_eq!(failure.detail, "Provider returned error: out of memory");
}

#[test]
fn gemini_says_in_details_how_long_and_for_what() {
    let exhausted = |quota: &str| {
        let body = json!([{"error": {
            "code": 429,
            "message": "You exceeded your current quota, please check your plan and billing details.",
            "status": "RESOURCE_EXHAUSTED",
            "details": [{"violations": [{"quotaId": quota}]}, {"retryDelay": "34.5s"}],
        }}]);
        let failure = of_openai(answer_json(429, &body));
        (failure.reason, failure.retry_after)
    };
    let minute = exhausted("GenerateRequestsPerMinutePerProjectPerModel");
    assert_eq!(
        minute,
        (Reason::RateLimit, Some(Duration::from_millis(34_500)))
    );
    let day = exhausted("GenerateRequestsPerDayPerProjectPerModel-FreeTier");
    assert_eq!(day, (Reason::Quota, None));
}

#[test]
fn gemini_wraps_its_refusals_into_a_list() {
    let exhausted = "RESOURCE_EXHAUSTED";
    let any = "Resource has been exhausted (e.g. check quota).";
    let long = "The input token count (9) exceeds the maximum number of tokens allowed";
    for (status, message, kind, reason) in [
        (429, any, exhausted, Reason::RateLimit),
        (
            429,
            "You exceeded your current quota.",
            exhausted,
            Reason::Quota,
        ),
        (
            400,
            "You exceeded your current quota.",
            exhausted,
            Reason::Quota,
        ),
        (400, "API key not valid.", "INVALID_ARGUMENT", Reason::Auth),
        (400, long, "INVALID_ARGUMENT", Reason::ContextTooLong),
        (
            503,
            "The model is overloaded.",
            "UNAVAILABLE",
            Reason::Overloaded,
        ),
    ] {
        let body = json!([{"error": {"message": message, "status": kind}}]);
        assert_eq!(meaning(status, &body), reason, "{body}");
    }
}
