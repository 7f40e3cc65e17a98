//! The lines that Claude Code writes in its stream-json form.
//!
//! They are read leniently, field by field: what is not known is no error. The
//! one thing that must be there is the list of tools of the init event.

use serde_json::Value;

use crate::agent::model::TokenUsage;

/// The model name of messages that Claude Code itself speaks.
const SYNTHETIC: &str = "<synthetic>";

/// Names kept of what an init event offers, for a person to read.
const MAX_NAMES: usize = 5;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// What the model may use, before it is asked.
    Init(Offer),
    Said(Said),
    /// The account's limit is used up until then, in seconds since the epoch.
    UsedUp {
        resets_at: u64,
    },
    Result(Outcome),
    Other,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Offer {
    Nothing,
    /// The first of the tools and servers.
    Tools(Vec<String>),
    /// The event does not say.
    Unknown,
}

/// A message of the model, or of Claude Code in its place.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) text: String,
    /// `None` for Claude Code's own words.
    pub(super) model: Option<String>,
    /// Tools that it calls.
    pub(super) calls: Vec<String>,
    /// What sort of error the words are about, in Claude Code's names.
    pub(super) error: Option<String>,
}

/// How a request ended.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) is_error: bool,
    /// The HTTP status of a refusal.
    pub(super) status: Option<u16>,
    /// The last message's text, or the error's.
    pub(super) text: String,
    pub(super) truncated: bool,
    pub(super) usage: TokenUsage,
}

impl Message {
    pub(super) fn parse(line: &[u8]) -> Self {
        let Ok(value) = serde_json::from_slice::<Value>(line) else {
            return Self::Other;
        };
        match value["type"].as_str() {
            Some("system") if value["subtype"] == "init" => Self::Init(Offer::of(&value)),
            // A subagent's words are no answer.
            Some("assistant") if value["parent_tool_use_id"].is_null() => {
                Self::Said(Said::of(&value))
            }
            Some("rate_limit_event") => used_up(&value["rate_limit_info"]),
            Some("result") => Self::Result(Outcome::of(&value)),
            _ => Self::Other,
        }
    }
}

impl Offer {
    fn of(init: &Value) -> Self {
        let Some(tools) = init["tools"].as_array() else {
            return Self::Unknown;
        };
        let servers = init["mcp_servers"].as_array();
        let names: Vec<String> = tools
            .iter()
            .chain(servers.into_iter().flatten())
            .take(MAX_NAMES)
            .map(name)
            .collect();
        if names.is_empty() {
            Self::Nothing
        } else {
            Self::Tools(names)
        }
    }
}

/// A tool is a text, a server an object with a name.
fn name(item: &Value) -> String {
    item.as_str()
        .or_else(|| item["name"].as_str())
        .map_or_else(|| item.to_string(), str::to_owned)
}

impl Said {
    fn of(line: &Value) -> Self {
        let message = &line["message"];
        let blocks = message["content"].as_array();
        let mut said = Self {
            model: message["model"]
                .as_str()
                .filter(|model| *model != SYNTHETIC)
                .map(str::to_owned),
            error: line["error"].as_str().map(str::to_owned),
            ..Self::default()
        };
        for block in blocks.into_iter().flatten() {
            match block["type"].as_str() {
                Some("text") => said
                    .text
                    .push_str(block["text"].as_str().unwrap_or_default()),
                Some("tool_use") => said.calls.push(name(block)),
                _ => {}
            }
        }
        said
    }
}

fn used_up(info: &Value) -> Message {
    match (info["status"].as_str(), info["resetsAt"].as_u64()) {
        (Some("rejected"), Some(resets_at)) => Message::UsedUp { resets_at },
        _ => Message::Other,
    }
}

impl Outcome {
    fn of(result: &Value) -> Self {
        let status = result["api_error_status"].as_u64();
        let stopped = &result["stop_reason"];
        Self {
            is_error: result["is_error"] == true,
            status: status.and_then(|status| u16::try_from(status).ok()),
            text: result["result"].as_str().unwrap_or_default().to_owned(),
            truncated: stopped == "max_tokens" || stopped == "model_context_window_exceeded",
            usage: usage(result),
        }
    }
}

/// `modelUsage` is the sum over every request of the process. `usage` leaves
/// out what was asked without streaming, so it serves only where the other is
/// not there.
fn usage(result: &Value) -> TokenUsage {
    let mut sum = TokenUsage::default();
    for model in result["modelUsage"].as_object().into_iter().flatten() {
        let count = |name: &str| model.1[name].as_u64().unwrap_or(0);
        sum += TokenUsage {
            input: count("inputTokens"),
            cache_read: count("cacheReadInputTokens"),
            cache_write: count("cacheCreationInputTokens"),
            output: count("outputTokens"),
        };
    }
    if sum != TokenUsage::default() {
        return sum;
    }
    let count = |name: &str| result["usage"][name].as_u64().unwrap_or(0);
    TokenUsage {
        input: count("input_tokens"),
        cache_read: count("cache_read_input_tokens"),
        cache_write: count("cache_creation_input_tokens"),
        output: count("output_tokens"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Message {
        Message::parse(line.as_bytes())
    }

    #[test]
    fn an_init_event_offers_nothing_something_or_does_not_say() {
        let offer = |fields: &str| {
            let line = format!(r#"{{"type":"system","subtype":"init"{fields}}}"#);
            let Message::Init(offer) = parse(&line) else {
                panic!("{line}");
            };
            offer
        };
        assert_eq!(offer(r#","tools":[],"mcp_servers":[]"#), Offer::Nothing);
        assert_eq!(offer(r#","tools":[]"#), Offer::Nothing);
        assert_eq!(offer(""), Offer::Unknown);
        assert_eq!(offer(r#","tools":"none""#), Offer::Unknown);
        assert_eq!(
            offer(r#","tools":["Bash"],"mcp_servers":[{"name":"files","status":"connected"}]"#),
            Offer::Tools(vec!["Bash".to_owned(), "files".to_owned()])
        );
        assert_eq!(
            offer(r#","tools":[{"odd":1}]"#),
            Offer::Tools(vec![r#"{"odd":1}"#.to_owned()])
        );
    }

    #[test]
    fn what_is_said_is_the_text_of_all_blocks_and_whose_it_is() {
        let line = r#"{"type":"assistant","parent_tool_use_id":null,"message":{"model":"m-1","content":[
            {"type":"thinking","thinking":"hm"},{"type":"text","text":"a"},{"type":"tool_use","name":"Bash"},
            {"type":"text","text":"b"}]}}"#;
        let said = Said {
            text: "ab".to_owned(),
            model: Some("m-1".to_owned()),
            calls: vec!["Bash".to_owned()],
            error: None,
        };
        assert_eq!(parse(line), Message::Said(said));
        let own = r#"{"type":"assistant","error":"authentication_failed","message":{"model":"<synthetic>","content":[{"type":"text","text":"Not logged in"}]}}"#;
        let said = Said {
            text: "Not logged in".to_owned(),
            error: Some("authentication_failed".to_owned()),
            ..Said::default()
        };
        assert_eq!(parse(own), Message::Said(said));
        let nested =
            r#"{"type":"assistant","parent_tool_use_id":"toolu_1","message":{"content":[]}}"#;
        assert_eq!(parse(nested), Message::Other);
    }

    #[test]
    fn usage_is_the_sum_over_models_else_the_results_own() {
        let line = r#"{"type":"result","is_error":false,"api_error_status":null,"result":"x","stop_reason":"max_tokens",
            "usage":{"input_tokens":1,"output_tokens":2,"cache_read_input_tokens":3,"cache_creation_input_tokens":4}MORE}"#;
        let outcome = |more: &str| {
            let Message::Result(outcome) = parse(&line.replace("MORE", more)) else {
                panic!("{more}");
            };
            outcome
        };
        let usage = |input, output, cache_read, cache_write| TokenUsage {
            input,
            cache_read,
            cache_write,
            output,
        };
        let models = r#","modelUsage":{"a":{"inputTokens":10,"outputTokens":20,"cacheReadInputTokens":30,"cacheCreationInputTokens":40},"b":{"inputTokens":5}}"#;
        assert_eq!(outcome(models).usage, usage(15, 20, 30, 40));
        assert_eq!(outcome(r#","modelUsage":{}"#).usage, usage(1, 2, 3, 4));
        assert_eq!(outcome("").usage, usage(1, 2, 3, 4));
        assert!(outcome("").truncated);
    }

    #[test]
    fn a_refusal_has_a_status_and_a_limit_an_end() {
        let refused = parse(
            r#"{"type":"result","is_error":true,"api_error_status":529,"result":"API Error: 529 Overloaded"}"#,
        );
        let outcome = Outcome {
            is_error: true,
            status: Some(529),
            text: "API Error: 529 Overloaded".to_owned(),
            ..Outcome::default()
        };
        assert_eq!(refused, Message::Result(outcome));
        let event = |status: &str| {
            parse(&format!(
                r#"{{"type":"rate_limit_event","rate_limit_info":{{"status":"{status}","resetsAt":1735689600}}}}"#
            ))
        };
        let resets_at = 1_735_689_600;
        assert_eq!(event("rejected"), Message::UsedUp { resets_at });
        assert_eq!(event("allowed_warning"), Message::Other);
    }

    #[test]
    fn anything_else_is_passed_over() {
        for line in [
            "",
            "(node) warning",
            "[1,2]",
            "7",
            "null",
            r#"{"type":"assi"#,
            r#"{"type":"moonshine"}"#,
            r#"{"type":"system","subtype":"api_retry"}"#,
        ] {
            assert_eq!(parse(line), Message::Other, "{line}");
        }
        assert_eq!(Message::parse(b"\xff\xfe\x00"), Message::Other);
    }
}
