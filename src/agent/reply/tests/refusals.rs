//! Answers of which nothing can be kept, and why.

use super::{got, refused};
use crate::agent::model::Reason;

#[test]
fn words_of_a_service_are_understood() {
    for (text, reason) in [
        ("Not logged in · Please run /login", Reason::Auth),
        ("Invalid API key · Please run /login", Reason::Auth),
        (
            "API Error: 401 {\"type\":\"error\",\"error\":{\"type\":\"authentication_error\",\"message\":\"invalid x-api-key\"}}",
            Reason::Auth,
        ),
        (
            "Authentication failed. Check your credentials.",
            Reason::Auth,
        ),
        (
            "OAuth token has expired. Please obtain a new token or run /login",
            Reason::Auth,
        ),
        ("Claude AI usage limit reached|1767225600", Reason::Quota),
        ("You've reached your usage limit.", Reason::Quota),
        ("5-hour limit reached ∙ resets 3pm", Reason::Quota),
        ("You've hit your limit · resets 9am", Reason::Quota),
        ("Credit balance is too low", Reason::Quota),
        ("API Error: Rate limit reached", Reason::RateLimit),
        (
            "Rate limit reached for gpt-x in organization",
            Reason::RateLimit,
        ),
        (
            "429 rate_limit_error: this request would exceed your rate limit",
            Reason::RateLimit,
        ),
        ("Prompt is too long", Reason::ContextTooLong),
        (
            "This model's maximum context length is 8192 tokens",
            Reason::ContextTooLong,
        ),
        ("API Error: 529 Overloaded", Reason::Overloaded),
        (
            "{\"error\":{\"type\":\"overloaded_error\"}}",
            Reason::Overloaded,
        ),
    ] {
        let refusal = refused(text);
        assert_eq!(refusal.reason, reason, "{text}");
        assert!(refusal.words.starts_with(&text[..10]), "{}", refusal.words);
    }
}

#[test]
fn other_words_are_prose_however_they_sound() {
    let long = format!(
        "Rate limit reached? {}",
        "I looked at the turn and thought about it. ".repeat(40)
    );
    for text in [
        "I could not find anything worth remembering.",
        "The turn changed the authentication module; nothing to add.",
        "The /login route was listed, that is all.",
        "I see a usage limit class here.",
        "It is about the context length of a field.",
        "<b>Hello</b>",
        "Vec<u8>",
        "{\"observations\": []}",
        &long,
    ] {
        assert_eq!(refused(text).reason, Reason::Prose, "{text}");
    }
    assert!(refused(&long).words.chars().count() <= 300);
}

#[test]
fn nothing_is_empty_and_tags_without_words_are_malformed() {
    for text in ["", " \n\t ", "\u{feff}\n"] {
        assert_eq!(refused(text).reason, Reason::Empty);
    }
    for text in [
        "<observation></observation>",
        "<observation><type>bugfix</type>",
        "<observation><title>Rate limit reached",
        "<summary><request>none</request></summary>",
        "</observation> Prompt is too long",
    ] {
        assert_eq!(refused(text).reason, Reason::Malformed, "{text}");
    }
}

#[test]
fn an_observation_about_a_limit_is_no_failure() {
    let read = got(
        "<observation><title>Rate limit reached after 5 calls</title><narrative>Not logged in. Credit balance is too low.</narrative></observation>",
    );
    assert_eq!(
        read.reading.observations[0].title,
        "Rate limit reached after 5 calls"
    );
}
