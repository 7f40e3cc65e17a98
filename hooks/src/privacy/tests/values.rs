//! Whole JSON values.

use serde_json::{Value, json};

use super::super::scrub_value;

fn scrubbed(mut value: Value) -> Value {
    scrub_value(&mut value);
    value
}

fn secret() -> String {
    ["Zq7", "xK93", "mmP2", "wLs8"].concat()
}

#[test]
fn strings_keys_and_nested_values_are_scrubbed() {
    let key = format!("{}{}", "ghp_", secret().repeat(3).get(..36).unwrap());
    let value = json!({
        "command": format!("echo {key}"),
        "list": [{"deep": [format!("a <private>{key}</private> b")]}],
        key.as_str(): 1,
        "n": 5, "b": true, "x": null,
    });
    let wanted = json!({
        "command": "echo [redacted:github-token]",
        "list": [{"deep": ["a  b"]}],
        "[redacted:github-token]": 1,
        "n": 5, "b": true, "x": null,
    });
    assert_eq!(scrubbed(value), wanted);
}

#[test]
fn a_key_condemns_its_string() {
    let value = json!({
        "password": "swordfish", "apiKey": secret(), "token": secret(), "token_type": "bearer", "tokens": "a1b2c3d4e5f6g7h8",
        "Authorization": format!("Bearer {}", secret()), "password_hint": "my first dog",
        "env": [{"name": "DB_PASSWORD", "value": "swordfish"}, {"name": "DB_HOST", "value": "db.example.com"}],
    });
    let wanted = json!({
        "password": "[redacted:secret]", "apiKey": "[redacted:secret]", "token": "[redacted:secret]", "token_type": "bearer", "tokens": "a1b2c3d4e5f6g7h8",
        "Authorization": "Bearer [redacted:authorization]", "password_hint": "my first dog",
        "env": [{"name": "DB_PASSWORD", "value": "[redacted:secret]"}, {"name": "DB_HOST", "value": "db.example.com"}],
    });
    assert_eq!(scrubbed(value.clone()), wanted);
    assert_eq!(scrubbed(scrubbed(value)), wanted);
}

#[test]
fn an_option_condemns_the_next_argument() {
    let value = json!(["tool", "--password", "swordfish", "--verbose", "swordfish"]);
    assert_eq!(
        scrubbed(value),
        json!([
            "tool",
            "--password",
            "[redacted:secret]",
            "--verbose",
            "swordfish"
        ])
    );
}

#[test]
fn json_text_in_a_string_keeps_its_form() {
    let text = json!({"password": secret(), "user": "joe"}).to_string();
    let value = scrubbed(json!({"tool_input": text}));
    let inner: Value = serde_json::from_str(value["tool_input"].as_str().unwrap()).unwrap();
    assert_eq!(
        inner,
        json!({"password": "[redacted:secret]", "user": "joe"})
    );
}

#[test]
fn deep_values_end() {
    let mut value = json!("swordfish");
    for _ in 0..400 {
        value = json!([value]);
    }
    let text = scrubbed(value).to_string();
    assert!(text.contains("[nested too deep]") && !text.contains("swordfish"));
}
