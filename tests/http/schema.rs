//! The API's own description, held against what is answered.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Answer, Client, Server};
use crate::support::Sandbox;

/// The served document.
pub(super) struct Description(Value);

impl Description {
    pub(super) fn of(client: Client) -> Self {
        Self(client.get("/api/openapi.json").ok())
    }

    pub(super) fn paths(&self) -> Vec<(String, String)> {
        let paths = self.0["paths"].as_object().unwrap();
        let methods = |path: &Value| path.as_object().unwrap().keys().cloned().collect();
        paths
            .iter()
            .flat_map(|(name, path)| {
                let methods: Vec<String> = methods(path);
                methods
                    .into_iter()
                    .map(move |method| (method.to_uppercase(), name.clone()))
            })
            .collect()
    }

    /// Asserts that an answer is as the document says.
    #[track_caller]
    pub(super) fn hold(&self, method: &str, path: &str, answer: &Answer) {
        let place = &self.0["paths"][path][&method.to_lowercase()]["responses"];
        let status = answer.status.to_string();
        let described = if place[&status].is_null() {
            &place["default"]
        } else {
            &place[&status]
        };
        assert!(
            described.is_object(),
            "{method} {path}: status {status} is not described: {}",
            answer.text()
        );
        let content = described["content"].as_object().unwrap();
        let (kind, body) = content.iter().next().unwrap();
        let sent = answer.header("content-type").unwrap();
        assert!(sent.starts_with(kind.as_str()), "{method} {path}: {sent}");
        if kind == "application/json" {
            let mut wrong = Vec::new();
            self.check(&answer.json(), &body["schema"], "", &mut wrong);
            assert_eq!(wrong, Vec::<String>::new(), "{method} {path}");
        }
    }

    fn check(&self, value: &Value, schema: &Value, at: &str, wrong: &mut Vec<String>) {
        if let Some(reference) = schema["$ref"].as_str() {
            let target = self.0.pointer(reference.trim_start_matches('#'));
            return self.check(
                value,
                target.expect("the reference leads somewhere"),
                at,
                wrong,
            );
        }
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.check(value, part, at, wrong);
        }
        let kinds: Vec<&str> = match &schema["type"] {
            Value::String(kind) => vec![kind],
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        if !kinds.is_empty() && !kinds.iter().any(|kind| is(value, kind)) {
            wrong.push(format!("{at}: {value} is no {kinds:?}"));
            return;
        }
        if let Some(allowed) = schema["enum"].as_array()
            && !allowed.contains(value)
        {
            wrong.push(format!("{at}: {value} is none of {allowed:?}"));
        }
        for name in schema["required"].as_array().into_iter().flatten() {
            let name = name.as_str().unwrap();
            if value.get(name).is_none() {
                wrong.push(format!("{at}.{name} is missing"));
            }
        }
        for (name, part) in schema["properties"].as_object().into_iter().flatten() {
            if let Some(value) = value.get(name) {
                self.check(value, part, &format!("{at}.{name}"), wrong);
            }
        }
        if schema["items"].is_object() {
            for item in value.as_array().into_iter().flatten() {
                self.check(item, &schema["items"], &format!("{at}[]"), wrong);
            }
        }
        if schema["additionalProperties"].is_object() {
            for (name, part) in value.as_object().into_iter().flatten() {
                let known = schema["properties"].get(name).is_some();
                if !known {
                    let at = format!("{at}.{name}");
                    self.check(part, &schema["additionalProperties"], &at, wrong);
                }
            }
        }
    }
}

fn is(value: &Value, kind: &str) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other} is no type"),
    }
}

/// The routes that the server has, by its source.
fn routes() -> BTreeSet<(String, String)> {
    let source = include_str!("../../src/http/router.rs");
    let mut routes = BTreeSet::new();
    for route in source.split(".route(").skip(1) {
        let (path, rest) = route
            .split_once('"')
            .and_then(|(_, rest)| rest.split_once('"'))
            .expect("a route has a path");
        let mut depth = 1;
        let inside: String = rest
            .chars()
            .take_while(|c| {
                depth += i32::from(*c == '(') - i32::from(*c == ')');
                depth > 0
            })
            .collect();
        for method in ["get", "post", "delete", "put", "patch"] {
            let has = |name: &str| {
                inside
                    .split(|c: char| !c.is_alphanumeric() && c != '(' && c != '_')
                    .any(|word| word.starts_with(&format!("{name}(")))
            };
            if has(method) {
                routes.insert((method.to_uppercase(), path.to_owned()));
            }
        }
    }
    routes
}

#[test]
fn the_document_has_the_routes_of_the_router_and_no_other() {
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox, &[]);
    let document = Description::of(server.client);
    let described: BTreeSet<(String, String)> = document.paths().into_iter().collect();
    assert_eq!(described, routes());
}
