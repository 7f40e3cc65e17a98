//! Proxies come from the environment of the process, so each test runs itself
//! once more in a process with such an environment.

use std::process::Command;

use super::server::{Received, Server, answer, json as answer_json};
use super::*;

const BASE: &str = "PROXY_TEST_BASE";

/// Asks for `base` in a process with these variables. Answers what the failure
/// was, if there was one.
fn ask_with(base: &str, variables: &[(&str, &str)]) -> String {
    let name = "agent::providers::tests::proxy::in_an_environment_with_a_proxy";
    let mut child = Command::new(std::env::current_exe().unwrap());
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
        child.env_remove(name).env_remove(name.to_lowercase());
    }
    let output = child
        .args([
            name,
            "--exact",
            "--ignored",
            "--nocapture",
            "--test-threads=1",
        ])
        .env_remove("REQUEST_METHOD")
        .env(BASE, base)
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    let (_, outcome) = output.split_once("outcome: ").expect("the child asks");
    outcome.lines().next().unwrap().to_owned()
}

#[test]
#[ignore = "is run by the other tests, with the environment that they want"]
fn in_an_environment_with_a_proxy() {
    let base = std::env::var(BASE).expect("run by another test");
    let mut config = anthropic_at(&base);
    config.extra_ca = None;
    match ask_anthropic(&config) {
        Ok(reply) => println!("outcome: {}", reply.text),
        Err(failure) => println!("outcome: {failure}"),
    }
}

fn proxy() -> Server {
    let message = serde_json::json!({"content": [{"type": "text", "text": "by proxy"}]});
    Server::start(vec![answer_json(200, &message)])
}

fn only(server: &Server) -> Received {
    let received = server.received();
    assert_eq!(received.len(), 1, "{received:?}");
    received[0].clone()
}

#[test]
fn http_goes_through_the_proxy_of_the_environment() {
    let proxy = proxy();
    let address = format!("http://name:pass-word-1@{}", proxy.address);
    let outcome = ask_with("http://gateway.invalid/x", &[("HTTP_PROXY", &address)]);
    assert_eq!(outcome, "by proxy");
    let received = only(&proxy);
    assert_eq!(received.line, "POST http://gateway.invalid/x/v1/messages");
    assert!(received.header("proxy-authorization").is_some());
}

#[test]
fn https_goes_through_a_tunnel_that_knows_no_key() {
    let refusing = Server::start(vec![answer(403, &[], "")]);
    let address = format!("http://name:pass-word-1@{}", refusing.address);
    let outcome = ask_with("https://gateway.invalid", &[("https_proxy", &address)]);
    assert!(
        outcome.starts_with("connection: gateway.invalid"),
        "{outcome}"
    );
    assert!(!outcome.contains("pass-word-1"), "{outcome}");
    let received = only(&refusing);
    assert_eq!(received.line, "CONNECT gateway.invalid:443");
    assert_eq!(received.header("x-api-key"), None);
}

#[test]
fn hosts_that_the_environment_exempts_are_asked_directly() {
    let proxy = proxy();
    let variables = [
        ("ALL_PROXY", proxy.url()),
        ("NO_PROXY", "gateway.invalid".to_owned()),
    ];
    let variables = variables
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let outcome = ask_with("http://gateway.invalid", &variables);
    assert!(
        outcome.starts_with("connection: gateway.invalid"),
        "{outcome}"
    );
    assert_eq!(proxy.received().len(), 0);
}

#[test]
fn this_machine_is_never_asked_through_a_proxy() {
    let elsewhere = proxy();
    let here = proxy();
    let outcome = ask_with(&here.url(), &[("ALL_PROXY", &elsewhere.url())]);
    assert_eq!(outcome, "by proxy");
    assert_eq!((here.received().len(), elsewhere.received().len()), (1, 0));
}
