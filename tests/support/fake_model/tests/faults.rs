//! Each fault, as a client sees it.

use std::time::Duration;

use super::client::{Got, SYSTEM, WAYS, Way, receive, send};
use crate::support::fake_model::{FakeModel, Fault, RetryAfter};

const LIMITED: Fault = Fault::RateLimit { retry_after: None };
const TOO_LONG: Fault = Fault::ContextTooLong { over_chars: 60 };

/// Errors: what, status and type in the one dialect, status and code in the
/// other, and words of either, or of the one and of the other.
const ERRORS: [(Fault, u16, &str, u16, &str, &str); 10] = [
    (
        Fault::Auth,
        401,
        "authentication_error",
        401,
        "invalid_api_key",
        "key",
    ),
    (
        Fault::Permission,
        403,
        "permission_error",
        403,
        "",
        "permission",
    ),
    (
        Fault::Credit,
        400,
        "invalid_request_error",
        402,
        "402",
        "credit",
    ),
    (
        Fault::Quota,
        429,
        "rate_limit_error",
        429,
        "insufficient_quota",
        "usage limits|current quota",
    ),
    (
        LIMITED,
        429,
        "rate_limit_error",
        429,
        "rate_limit_exceeded",
        "rate limit",
    ),
    (
        Fault::Overloaded,
        529,
        "overloaded_error",
        503,
        "",
        "overloaded",
    ),
    (Fault::ApiError, 500, "api_error", 500, "", "server"),
    (
        Fault::NotFound,
        404,
        "not_found_error",
        404,
        "model_not_found",
        "model",
    ),
    (
        Fault::BadRequest,
        400,
        "invalid_request_error",
        400,
        "invalid_value",
        "messages",
    ),
    (
        TOO_LONG,
        400,
        "invalid_request_error",
        400,
        "context_length_exceeded",
        " tokens",
    ),
];

#[test]
fn errors_look_like_the_providers_own() {
    let model = FakeModel::start(Vec::new());
    let long = "x".repeat(61);
    for (fault, status, kind, other_status, code, words) in ERRORS {
        model.set_fault(Some(fault.clone()));
        for way in WAYS {
            let got = way.ask(&model, &long);
            let body = got.json();
            let error = &body["error"];
            if way.is_anthropic() {
                assert_eq!(
                    (got.status, &error["type"]),
                    (status, &kind.into()),
                    "{fault:?}"
                );
                assert_eq!(body["type"], "error");
                let id = body["request_id"].as_str().unwrap();
                assert_eq!(got.header("request-id").as_deref(), Some(id));
            } else {
                assert_eq!(got.status, other_status, "{fault:?}");
                let told = error["code"]
                    .to_string()
                    .replace('"', "")
                    .replace("null", "");
                assert_eq!(told, code, "{fault:?}");
            }
            let message = error["message"].as_str().unwrap().to_lowercase();
            let mut any = words.split('|');
            assert!(
                any.any(|words| message.contains(words)),
                "{fault:?} {way:?}: {message}"
            );
            assert_eq!(got.header("retry-after"), None);
        }
    }
    assert_eq!(model.tokens().total(), 0, "errors cost nothing");
    model.set_fault(None);
    assert!(WAYS[0].ask(&model, "x").text(WAYS[0]).is_some());
}

#[test]
fn only_long_prompts_are_too_long() {
    let model = FakeModel::start(Vec::new());
    let over_chars = SYSTEM.len() + 8;
    model.set_fault(Some(Fault::ContextTooLong { over_chars }));
    for way in WAYS {
        assert_eq!(way.ask(&model, "äöüäöüäö").status, 200, "{way:?}");
        let got = way.ask(&model, "äöüäöüäöü");
        assert_eq!(got.status, 400, "{way:?}");
        if way.is_anthropic() {
            let message = got.json()["error"]["message"].to_string();
            assert!(message.starts_with("\"prompt is too long: "), "{message}");
        }
    }
}

#[test]
fn a_rate_limit_says_when_to_come_again() {
    let model = FakeModel::start(Vec::new());
    let date = RetryAfter::date_in(Duration::from_hours(1));
    let RetryAfter::Date(text) = date.clone() else {
        panic!("{date:?}")
    };
    let then = jiff::fmt::rfc2822::parse(&text).unwrap().timestamp();
    assert!(
        text.ends_with(" GMT") && then > jiff::Timestamp::now(),
        "{text}"
    );
    for way in WAYS {
        for (retry_after, header) in [(RetryAfter::Seconds(7), "7"), (date.clone(), text.as_str())]
        {
            let retry_after = Some(retry_after);
            model.queue_faults([Some(Fault::RateLimit { retry_after })]);
            let got = way.ask(&model, "x");
            assert_eq!(got.status, 429);
            assert_eq!(got.header("retry-after").as_deref(), Some(header));
        }
    }
}

#[test]
fn answers_that_are_none_come_with_status_200() {
    let model = FakeModel::start(Vec::new());
    let words = "Not logged in · Please run /login";
    for way in WAYS {
        let with = |fault| {
            model.queue_faults([Some(fault)]);
            let got = way.ask(&model, "x");
            assert_eq!(got.status, 200);
            got
        };
        let said = |got: &Got| got.text(way);
        assert_eq!(
            said(&with(Fault::Prose(words.to_owned()))).as_deref(),
            Some(words)
        );
        let skip = "<skip reason=\"routine\"/>";
        assert_eq!(said(&with(Fault::Skip)).as_deref(), Some(skip));
        let malformed = said(&with(Fault::Malformed)).unwrap();
        assert!(malformed.contains("<observation") && !malformed.contains("</observation>"));
        assert!(!malformed.contains("</title>") && !malformed.contains("</summary>"));
        let empty = with(Fault::Empty);
        assert_eq!(said(&empty).unwrap_or_default(), "");
        let none = with(Fault::EmptyContent);
        assert_eq!(said(&none).unwrap_or_default(), "");
        if !way.stream {
            let place = if way.is_anthropic() {
                "/content/0/text"
            } else {
                "/choices/0/message/content"
            };
            let value = |got: &Got| got.json().pointer(place).cloned().unwrap_or_default();
            assert_eq!(
                (value(&empty), value(&none)),
                ("".into(), serde_json::Value::Null)
            );
        }
        let page = with(Fault::NotJson);
        assert!(page.body.starts_with("<!DOCTYPE html>"), "{page:?}");
        assert_eq!(
            page.header("Content-Type").as_deref(),
            Some("text/html; charset=utf-8")
        );
    }
}

#[test]
fn connections_are_reset() {
    let model = FakeModel::start(Vec::new());
    for way in WAYS {
        model.queue_faults([Some(Fault::Reset), Some(Fault::ResetMidstream)]);
        let before = way.ask(&model, "x");
        assert!(
            before.reset && before.head.is_empty(),
            "{way:?}: {before:?}"
        );
        let midstream = way.ask(&model, "x");
        assert!(midstream.reset, "{way:?}: {midstream:?}");
        let promised: usize = midstream.header("Content-Length").unwrap().parse().unwrap();
        assert!(
            (1..promised).contains(&midstream.body.len()),
            "{midstream:?}"
        );
        assert!(!way.ask(&model, "x").reset);
    }
    assert_eq!(model.in_flight(), 0);
}

#[test]
fn a_call_hangs_until_the_test_lets_go_or_the_server_ends() {
    let model = FakeModel::start(Vec::new());
    model.set_fault(Some(Fault::Hang));
    let send_to = |way: Way| send(&model, "POST", way.path, &way.body("x").to_string());
    let hung = WAYS.map(send_to);
    model.wait_for_calls(4);
    model.clear_faults();
    assert!(
        WAYS[0].ask(&model, "x").text(WAYS[0]).is_some(),
        "the others go on"
    );
    assert_eq!(model.in_flight(), 4);
    model.let_go();
    for (way, stream) in WAYS.into_iter().zip(hung) {
        assert!(receive(stream).text(way).is_some());
    }
    model.set_fault(Some(Fault::Hang));
    let hung = send_to(WAYS[0]);
    model.wait_for_calls(6);
    drop(model);
    let got = receive(hung);
    assert_eq!((got.status, got.reset), (0, false));
}

#[test]
fn faults_have_an_order_and_can_be_changed() {
    let model = FakeModel::start(Vec::new());
    let status = |user: &str| WAYS[0].ask(&model, user).status;
    model.random_faults(1, [(Fault::NotFound, 1.0)]);
    assert_eq!(status("x"), 404);
    model.set_fault(Some(Fault::Auth));
    model.queue_faults([Some(Fault::Overloaded), None, Some(Fault::ApiError)]);
    model.fault_when(|text| text.contains("POISON"), Fault::BadRequest);
    model.fault_when(|text| text.contains("POISON"), Fault::Permission);
    let seen = ["x", "POISON", "x", "x", "x", "a POISON b"].map(status);
    assert_eq!(seen, [529, 400, 200, 500, 401, 400]);
    model.set_fault(None);
    assert_eq!(status("x"), 404);
    model.queue_faults([Some(Fault::Auth)]);
    model.clear_faults();
    assert_eq!(["x", "POISON"].map(status), [200, 200]);
}

#[test]
fn the_same_seed_brings_the_same_faults() {
    let run = |seed| {
        let model = FakeModel::start(Vec::new());
        model.random_faults(seed, [(Fault::Auth, 0.3), (Fault::Overloaded, 0.3)]);
        let ask = |number| WAYS[0].ask(&model, &format!("{number}")).status;
        (0..60).map(ask).collect::<Vec<u16>>()
    };
    let first = run(1);
    assert_eq!(first, run(1));
    assert_ne!(first, run(2));
    for status in [200, 401, 529] {
        let count = first.iter().filter(|seen| **seen == status).count();
        assert!((6..=40).contains(&count), "{status}: {count} of 60");
    }
}
