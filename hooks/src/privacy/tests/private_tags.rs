//! Private passages and the agent's own tags.

use std::borrow::Cow;

use super::super::{is_wholly_private, strip_tags};

fn assert_strips(cases: &[(&str, &str)]) {
    for (text, wanted) in cases {
        assert_eq!(strip_tags(text), *wanted, "{text}");
    }
}

#[test]
fn content_goes_with_the_tag() {
    assert_strips(&[
        ("a<private>x</private>b", "ab"),
        ("a <PRIVATE>x</Private> b", "a  b"),
        ("a<private reason=\"x\">x</private>b", "ab"),
        ("a<private\n  a='1'\n>x</private >b", "ab"),
        ("a< private >x</ private>b", "ab"),
        ("<claude-mem-context>x</claude-mem-context>b", "b"),
        ("<system-reminder>x</system-reminder>b", "b"),
        ("<system_instruction>x</system_instruction>b", "b"),
        ("<system-instruction>x</system-instruction>b", "b"),
        ("<persisted-output>x</persisted-output>b", "b"),
        ("a<private/>b", "ab"),
        ("<private>x</private>if a < b", "if a < b"),
        ("a<private />b", "ab"),
        ("a</private>b", "ab"),
        ("1<private>x</private>2<private>y</private>3", "123"),
        ("é<private>ü</private>日", "é日"),
    ]);
}

#[test]
fn nesting_and_missing_ends() {
    assert_strips(&[
        ("a<private>x<private>y</private>z</private>b", "ab"),
        ("a<private>x<private>y</private>z", "a"),
        ("a<private>x", "a"),
        ("a<private", "a"),
        ("a<private x", "a"),
        ("a<private x <b>", "a"),
        ("a</private", "a"),
        ("a<private>x<system-reminder>y</private>b", "ab"),
        (
            "a<system-reminder>x<private>y</private>z</system-reminder>b",
            "ab",
        ),
        ("a<system-reminder>x<private>y</system-reminder>b", "a"),
        (
            "a<system-reminder>x<persisted-output>y</system-reminder>z</persisted-output>b",
            "ab",
        ),
        ("a</system-reminder>b<private>x</private>c", "abc"),
    ]);
}

#[test]
fn escaped_tags_count() {
    assert_strips(&[
        (r"a\u003cprivate\u003ex\u003c/private\u003eb", "ab"),
        (r"a\u003CPrivate\u003Ex\u003C\/private\u003Eb", "ab"),
        (r"a\\u003cprivate\\u003ex\\u003c\\/private\\u003eb", "ab"),
        (r"a<private>x<\/private>b", "ab"),
        (r"a\u003cprivate>x<\u002fprivate>b", "ab"),
        (
            r#"{"a":"1<private a=\"2\">x<\/private>3"}"#,
            r#"{"a":"13"}"#,
        ),
        (r"a<private\n>x</private\t>b", "ab"),
        (r"a\u003cprivate", "a"),
        (r"a<pri\u0076ate>x</pri\\u0056ate>b", "ab"),
        (r"a\u003c\u0050\u0052IVATE\u003ex<\/\u0070rivate>b", "ab"),
    ]);
}

#[test]
fn other_text_stays() {
    for text in [
        "",
        "<",
        "\\",
        "<privateer>x</privateer>",
        "Vec<private_key>",
        "<private-x>",
        "<privat>",
        "a < private b",
        "<b>private</b>",
        r"\u003cb\u003e",
        r"C:\private",
        r"<\u0071rivate>x",
        r"<pri\u0176ate>x",
        r"<pri\u00",
        r"<pri\u00é>",
        "<>",
        "</>",
        "a\\\\\\",
        "x <private, y>",
        "contains(\"<private\")",
        r#"contains(\"<private\")"#,
    ] {
        assert!(matches!(strip_tags(text), Cow::Borrowed(_)), "{text}");
    }
}

#[test]
fn what_is_left_forms_no_new_tag() {
    for text in [
        "<pri<private>x</private>vate>secret</private>",
        "<<private>x</private>private>secret",
        r"\u003<private>x</private>cprivate>secret",
    ] {
        assert!(!strip_tags(text).contains("secret"), "{text}");
    }
    // Each round of stripping reveals the next tag.
    let inner = (0..30).fold("<private/>".to_owned(), |inner, _| {
        format!("<pri{inner}vate/>")
    });
    let deep = format!("kept <pri{inner}vate>secret");
    assert!(!strip_tags(&deep).contains("secret") && strip_tags(&deep).starts_with("kept"));
    assert_eq!(strip_tags(&strip_tags(&deep)), strip_tags(&deep));
}

#[test]
fn wholly_private_prompts() {
    for text in [
        "<private>x</private>",
        " <private>x</private>\n",
        "<private>x",
        "<private>x</private>...",
        "<PRIVATE>a</PRIVATE> <private>b</private>",
        "<system-reminder>y</system-reminder><private>x</private>",
        r"\u003cprivate\u003ex",
    ] {
        assert!(is_wholly_private(text), "{text}");
    }
    for text in [
        "",
        " ",
        "...",
        "hello",
        "a<private>x</private>",
        "<private>x</private>1",
        "<system-reminder>x</system-reminder>",
        "<privateer>",
    ] {
        assert!(!is_wholly_private(text), "{text}");
    }
}
