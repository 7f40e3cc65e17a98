//! What can happen to a connection.

use serde_json::json;

use super::server::{Server, Step, answer, json as answer_json};
use super::*;
use crate::agent::model::Reason;

const SHORT: Duration = Duration::from_millis(200);

fn message() -> Step {
    answer_json(200, &json!({"content": [{"type": "text", "text": "fine"}]}))
}

fn failure_of(step: Step) -> Failure {
    let server = Server::start(vec![step]);
    ask_anthropic(&anthropic_at(&server.url())).unwrap_err()
}

#[test]
fn an_answer_that_does_not_come_or_does_not_end_is_a_timeout() {
    let begun = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"con".to_vec();
    for step in [Step::SayAndHang(Vec::new()), Step::SayAndHang(begun)] {
        let server = Server::start(vec![step]);
        let mut config = anthropic_at(&server.url());
        config.timeout = SHORT;
        let failure = ask_anthropic(&config).unwrap_err();
        assert_eq!(failure.reason, Reason::Timeout, "{failure}");
        assert!(failure.detail.contains("within 0.2 s"), "{failure}");
    }
}

#[test]
fn a_call_of_several_requests_has_one_deadline() {
    let refusal = answer_json(
        400,
        &json!({"error": "max_tokens: use max_completion_tokens"}),
    );
    let server = Server::start(vec![refusal, Step::SayAndHang(Vec::new())]);
    let mut config = openai_at(&server.url());
    config.timeout = SHORT;
    assert_eq!(ask_openai(&config).unwrap_err().reason, Reason::Timeout);
}

#[test]
fn a_connection_that_breaks_is_told_as_such() {
    let half = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"content\"".to_vec();
    let no_http = b"SSH-2.0-OpenSSH_9.9\r\n".to_vec();
    for step in [
        Step::Reset,
        Step::Say(Vec::new()),
        Step::Say(half),
        Step::Say(no_http),
    ] {
        let failure = failure_of(step);
        assert_eq!(failure.reason, Reason::Connection, "{failure}");
        assert!(failure.detail.contains("127.0.0.1"), "{failure}");
    }
}

#[test]
fn nobody_at_the_address_is_no_connection() {
    let address = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let failure = ask_anthropic(&anthropic_at(&format!("http://{address}"))).unwrap_err();
    assert_eq!(failure.reason, Reason::Connection);
    assert!(failure.detail.contains("no connection"), "{failure}");
}

#[test]
fn a_status_counts_even_if_its_words_do_not_arrive() {
    let half = b"HTTP/1.1 529 Overloaded\r\nContent-Length: 100\r\n\r\n{\"type\"".to_vec();
    assert_eq!(failure_of(Step::Say(half)).reason, Reason::Overloaded);
}

#[test]
fn an_endless_answer_is_given_up() {
    let mut bytes = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec();
    bytes.resize(9 * 1024 * 1024, b' ');
    let failure = failure_of(Step::Say(bytes));
    assert_eq!(failure.reason, Reason::Malformed);
    assert!(failure.detail.contains("longer than"), "{failure}");
}

#[test]
fn a_page_instead_of_json_is_not_the_providers() {
    let page = "<html><title>Sign in</title></html>";
    let failure = failure_of(answer(200, &["Content-Type: text/html"], page));
    assert_eq!(failure.reason, Reason::Connection);
    assert!(failure.detail.contains("Sign in"), "{failure}");
}

#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = Server::start(vec![message()]);
    for status in [301, 307] {
        let location = format!("Location: {}/v1/messages", elsewhere.url());
        let failure = failure_of(answer(status, &[&location], ""));
        assert_eq!(failure.reason, Reason::Connection);
        assert!(failure.detail.contains("redirect"), "{failure}");
    }
    assert_eq!(elsewhere.received().len(), 0);
}

#[test]
fn a_provider_outlives_the_runtime_of_a_call() {
    let body = r#"{"content": [{"type": "text", "text": "kept open"}]}"#;
    let alive = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let server = Server::start(vec![Step::SayAndHang(alive.into_bytes()), message()]);
    let provider = AnthropicProvider::new(&anthropic_at(&server.url()));
    ask(&provider).unwrap();
    ask(&provider).unwrap();
    assert_eq!(server.received().len(), 2);
}

#[test]
fn tls_is_asked_for_where_the_address_says_so() {
    // The server sees no HTTP and hangs up.
    let server = Server::start(vec![message()]);
    let base = format!("https://{}", server.address);
    let failure = ask_anthropic(&anthropic_at(&base)).unwrap_err();
    assert_eq!(failure.reason, Reason::Connection, "{failure}");
    assert_eq!(server.received().len(), 0);
}

#[test]
fn extra_certificates_that_cannot_be_read_do_no_harm() {
    let directory = tempfile::tempdir().unwrap();
    let broken = directory.path().join("broken.pem");
    std::fs::write(
        &broken,
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    )
    .unwrap();
    for path in [broken, directory.path().join("missing.pem")] {
        let url = reqwest::Url::parse("https://gateway.example").unwrap();
        let plain = super::super::client::build(&url, None).map(drop);
        let with_extra = super::super::client::build(&url, Some(&path)).map(drop);
        // A machine without any certificates fails either way.
        assert_eq!(plain.is_ok(), with_extra.is_ok(), "{}", path.display());

        let server = Server::start(vec![message()]);
        let mut config = anthropic_at(&server.url());
        config.extra_ca = Some(path);
        ask_anthropic(&config).unwrap();
    }
}

#[test]
fn no_failure_repeats_a_credential() {
    let body = json!({"error": {"message": format!("{} key {KEY} is wrong", "x".repeat(275))}});
    let server = Server::start(vec![
        answer_json(401, &body),
        answer(200, &[], &format!("not JSON {KEY}")),
        answer(
            502,
            &[],
            &format!("upstream said {KEY} and pass-word-1 and query-key-1"),
        ),
        Step::Reset,
    ]);
    let base = format!("http://user:pass-word-1@{}?key=query-key-1", server.address);
    let provider = AnthropicProvider::new(&anthropic_at(&base));
    for reason in [
        Reason::Auth,
        Reason::Connection,
        Reason::Overloaded,
        Reason::Connection,
    ] {
        let failure = ask(&provider).unwrap_err();
        assert_eq!(failure.reason, reason);
        for secret in ["sk-test", "pass-word-1", "query-key-1"] {
            assert!(!failure.detail.contains(secret), "{failure}");
        }
    }
}
