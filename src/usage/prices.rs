//! What tokens cost, in dollars a million of them.
//!
//! From the providers' own pages in November 2026: Anthropic's
//! `platform.claude.com/docs/en/about-claude/pricing` (a cache write is the one
//! that lasts five minutes), OpenAI's `developers.openai.com/api/docs/pricing`
//! (standard tier), Google's `ai.google.dev/gemini-api/docs/pricing` (text).
//! Where a page has a second price for very long prompts, it is the first that
//! is here: 100,000 tokens and more are more than a prompt of ours has.

use std::collections::BTreeMap;

use serde_json::Value;

/// Dollars a million tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Price {
    pub input: f64,
    pub cache_read: f64,
    pub cache_write: f64,
    pub output: f64,
}

const FREE: Price = price(0.0, 0.0, 0.0, 0.0);

const fn price(input: f64, cache_read: f64, cache_write: f64, output: f64) -> Price {
    Price {
        input,
        cache_read,
        cache_write,
        output,
    }
}

/// OpenAI and Google mostly take nothing more for what they write to a cache.
const KNOWN: &[(&str, Price)] = &[
    ("claude-haiku-5-5", price(0.1, 0.01, 0.125, 0.5)),
    ("claude-haiku-4-5", price(1.0, 0.1, 1.25, 5.0)),
    ("claude-3-5-haiku", price(0.8, 0.08, 1.0, 4.0)),
    ("claude-sonnet-5-5", price(2.0, 0.1, 2.5, 10.0)),
    ("claude-sonnet-5", price(2.0, 0.2, 2.5, 10.0)),
    ("claude-sonnet-4-6", price(3.0, 0.3, 3.75, 15.0)),
    ("claude-sonnet-4-5", price(3.0, 0.3, 3.75, 15.0)),
    ("claude-sonnet-4", price(3.0, 0.3, 3.75, 15.0)),
    ("claude-opus-5-5", price(4.0, 0.2, 5.0, 20.0)),
    ("claude-opus-5", price(5.0, 0.5, 6.25, 25.0)),
    ("claude-opus-4-8", price(5.0, 0.5, 6.25, 25.0)),
    ("claude-opus-4-7", price(5.0, 0.5, 6.25, 25.0)),
    ("claude-opus-4-6", price(5.0, 0.5, 6.25, 25.0)),
    ("claude-opus-4-5", price(5.0, 0.5, 6.25, 25.0)),
    ("claude-opus-4-1", price(15.0, 1.5, 18.75, 75.0)),
    ("claude-opus-4", price(15.0, 1.5, 18.75, 75.0)),
    ("claude-fable-5-1", price(10.0, 0.25, 12.5, 50.0)),
    ("claude-fable-5", price(10.0, 1.0, 12.5, 50.0)),
    ("gpt-6-luna", price(0.1, 0.01, 0.125, 0.5)),
    ("gpt-6-sol", price(2.0, 0.2, 2.5, 10.0)),
    ("gpt-5.6-luna", price(0.2, 0.02, 0.2, 1.2)),
    ("gpt-5.6-terra", price(2.0, 0.2, 2.0, 12.0)),
    ("gpt-5.6-sol", price(5.0, 0.5, 5.0, 30.0)),
    ("gpt-5-mini", price(0.25, 0.025, 0.25, 2.0)),
    ("gpt-5-nano", price(0.05, 0.005, 0.05, 0.4)),
    ("gpt-4o-mini", price(0.15, 0.075, 0.15, 0.6)),
    ("gemini-3.5-flash-lite", price(0.3, 0.03, 0.3, 2.5)),
    ("gemini-3.5-flash", price(1.5, 0.15, 1.5, 9.0)),
    ("gemini-3.1-flash-lite", price(0.25, 0.025, 0.25, 1.5)),
    ("gemini-2.5-flash-lite", price(0.1, 0.01, 0.1, 0.4)),
    ("local", FREE),
];

/// Most entries that are taken from the setting.
const MOST_OWN: usize = 1000;

/// The table, and what the user says differently.
#[derive(Debug, Default)]
pub struct Prices {
    own: BTreeMap<String, Price>,
    /// What `openai` stands for is a server of the user's own.
    own_server: bool,
}

impl Prices {
    /// Reads the setting: `{"model": [input, output]}`, or four numbers with
    /// cache read and cache write in the middle. What cannot be understood is
    /// named in the warnings, and the rest counts.
    pub fn read(setting: &str, own_server: bool) -> (Self, Vec<String>) {
        let mut prices = Self {
            own: BTreeMap::new(),
            own_server,
        };
        if setting.trim().is_empty() {
            return (prices, Vec::new());
        }
        let Ok(Value::Object(entries)) = serde_json::from_str(setting) else {
            return (prices, vec![
                "CLAUDE_MEM_PRICES is not a JSON object such as {\"my-model\": [1.0, 5.0]}; it is left out"
                    .to_owned(),
            ]);
        };
        let mut warnings = Vec::new();
        for (model, value) in entries.iter().take(MOST_OWN) {
            match own_price(model, value) {
                Some(price) => {
                    prices.own.insert(plain(model), price);
                }
                None => warnings.push(format!(
                    "CLAUDE_MEM_PRICES has no price for {model}: [input, output] or [input, cache_read, cache_write, output] is wanted, not {value}"
                )),
            }
        }
        (prices, warnings)
    }

    /// `None` where nobody knows. The user's word counts before the table, and
    /// the longer beginning of a name before the shorter.
    pub fn of(&self, provider: &str, model: &str) -> Option<Price> {
        let model = plain(model);
        let own = self
            .own
            .iter()
            .filter(|(prefix, _)| model.starts_with(prefix.as_str()))
            .max_by_key(|(prefix, _)| prefix.len());
        if let Some((_, price)) = own {
            return Some(*price);
        }
        let known = KNOWN
            .iter()
            .find(|(name, _)| model.strip_prefix(name).is_some_and(is_same_model));
        match known {
            Some((_, price)) => Some(*price),
            None if provider == "local" || (provider == "openai" && self.own_server) => Some(FREE),
            None => None,
        }
    }
}

/// Two numbers stand for input and output: the cache costs what it does with
/// Anthropic's models, a tenth of the input to read and a quarter more to write,
/// and with all others as much as the rest of the input.
fn own_price(model: &str, value: &Value) -> Option<Price> {
    let numbers: Vec<f64> = value
        .as_array()?
        .iter()
        .map(Value::as_f64)
        .collect::<Option<_>>()?;
    if numbers
        .iter()
        .any(|number| !number.is_finite() || *number < 0.0)
    {
        return None;
    }
    match numbers[..] {
        [input, output] if plain(model).starts_with("claude") => {
            Some(price(input, input * 0.1, input * 1.25, output))
        }
        [input, output] => Some(price(input, input, input, output)),
        [input, cache_read, cache_write, output] => {
            Some(price(input, cache_read, cache_write, output))
        }
        _ => None,
    }
}

/// Without the vendor that routers put in front, and with the dots of Claude's
/// versions as Anthropic writes them.
fn plain(model: &str) -> String {
    let name = model.rsplit('/').next().unwrap_or(model).to_lowercase();
    if name.starts_with("claude") {
        name.replace('.', "-")
    } else {
        name
    }
}

/// What may stand behind a name without making another model of it: nothing, a
/// date, or the size of its window.
fn is_same_model(rest: &str) -> bool {
    let date = rest.strip_prefix(['-', '@']).unwrap_or("x");
    matches!(rest, "" | "-latest" | "-preview" | "-0" | "[1m]")
        || (date.len() >= 8 && date.chars().all(|c| c.is_ascii_digit() || c == '-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(prices: &Prices, provider: &str, model: &str) -> Option<f64> {
        prices.of(provider, model).map(|price| price.input)
    }

    #[test]
    fn dates_and_vendors_make_no_other_model_and_versions_do() {
        let prices = Prices::default();
        for model in [
            "claude-haiku-4-5",
            "claude-haiku-4-5-20251001",
            "anthropic/claude-haiku-4.5",
            "Claude-Haiku-4-5[1m]",
        ] {
            assert_eq!(input(&prices, "x", model), Some(1.0), "{model}");
        }
        assert_eq!(input(&prices, "x", "claude-opus-4-5"), Some(5.0));
        assert_eq!(input(&prices, "x", "claude-opus-4-20250514"), Some(15.0));
        assert_eq!(input(&prices, "x", "gpt-4o-mini-2024-07-18"), Some(0.15));
        for unknown in ["claude-opus-4-9", "gpt-5-mini-high", "qwen3:8b", ""] {
            assert_eq!(prices.of("openai", unknown), None, "{unknown}");
        }
    }

    #[test]
    fn a_server_of_ones_own_costs_nothing_but_what_it_is_said_to() {
        let (prices, warnings) = Prices::read(r#"{"qwen3": [0.5, 1]}"#, true);
        assert_eq!(warnings, Vec::<String>::new());
        assert_eq!(input(&prices, "openai", "llama3"), Some(0.0));
        assert_eq!(input(&prices, "anthropic", "llama3"), None);
        assert_eq!(input(&prices, "openai", "qwen3:8b"), Some(0.5));
        assert_eq!(input(&prices, "local", "anything"), Some(0.0));
    }

    #[test]
    fn the_users_prices_come_first_and_the_longest_name_of_them() {
        let setting = r#"{"claude-haiku": [2, 10], "claude-haiku-4.5": [3, 0.1, 0.2, 15]}"#;
        let (prices, _) = Prices::read(setting, false);
        let haiku = prices.of("anthropic", "claude-haiku-4-5-20251001").unwrap();
        assert_eq!(haiku, price(3.0, 0.1, 0.2, 15.0));
        let other = prices.of("anthropic", "claude-haiku-9").unwrap();
        assert_eq!(other, price(2.0, 0.2, 2.5, 10.0));
    }

    #[test]
    fn what_is_broken_is_named_and_the_rest_counts() {
        let setting = r#"{"a": [1, 2], "b": [1], "c": "1", "d": [-1, 2], "e": [1, null]}"#;
        let (prices, warnings) = Prices::read(setting, false);
        assert_eq!(prices.of("x", "a"), Some(price(1.0, 1.0, 1.0, 2.0)));
        assert_eq!(warnings.len(), 4, "{warnings:?}");
        for (warning, name) in warnings.iter().zip(["b", "c", "d", "e"]) {
            assert!(warning.contains(&format!("for {name}:")), "{warning}");
        }
        let (_, warnings) = Prices::read("[1", false);
        assert!(warnings[0].contains("CLAUDE_MEM_PRICES"), "{warnings:?}");
    }
}
