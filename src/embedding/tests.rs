use std::collections::HashSet;

use super::pieces::wordpiece;
use super::table::{self, find};
use super::words::Words;
use super::*;

/// A line of `wordpiece.jsonl`: a text and what the model's own tokenizer made
/// of it.
#[derive(serde::Deserialize)]
struct Spelled {
    text: String,
    tokens: Vec<String>,
}

fn spell(piece: Piece) -> String {
    let (text, continues) = piece.text();
    let prefix = if continues { "##" } else { "" };
    format!("{prefix}{}", std::str::from_utf8(text).unwrap())
}

fn spelled(text: &str) -> Vec<String> {
    pieces(text).map(spell).collect()
}

/// What the model's tokenizer would say: no cutting at capitals, and a token
/// for what is unknown.
fn tokens(text: &str) -> Vec<String> {
    let mut words = Words::new(text);
    let mut all = Vec::new();
    while words.advance() {
        let mut found = Vec::new();
        let known =
            !super::pieces::is_longer(words.word(), 100) && wordpiece(words.word(), &mut found);
        if known {
            all.extend(found.into_iter().map(spell));
        } else {
            all.push("[UNK]".to_owned());
        }
    }
    all
}

/// `CLAUDE_MEM_WORDPIECE_VECTORS` may name a longer file of the same form.
#[test]
fn words_fall_into_the_pieces_that_the_model_was_trained_on() {
    let longer = std::env::var_os("CLAUDE_MEM_WORDPIECE_VECTORS")
        .map(|path| std::fs::read_to_string(path).unwrap());
    let vectors = longer.as_deref().unwrap_or(include_str!("wordpiece.jsonl"));
    let mut differ = Vec::new();
    let mut count = 0;
    for line in vectors.lines() {
        let Spelled { text, tokens: want } = serde_json::from_str(line).unwrap();
        count += 1;
        let got = tokens(&text);
        if got != want {
            differ.push(format!("{text:?}\n  got  {got:?}\n  want {want:?}"));
        }
    }
    assert!(count >= 200, "{count}");
    assert!(
        differ.is_empty(),
        "{} of {count}\n{}",
        differ.len(),
        differ.join("\n")
    );
}

#[test]
fn every_piece_is_found_by_its_text() {
    for piece in table::all() {
        let (text, continues) = piece.text();
        assert_eq!(find(text, continues), Some(piece), "{}", spell(piece));
    }
    assert_eq!(find(b"", false), None);
    assert_eq!(find(b"nosuchpiece", false), None);
    assert_eq!(find(b"the", true).map(spell).as_deref(), Some("##the"));
    let longest = table::all()
        .map(|piece| spell(piece).trim_start_matches("##").chars().count())
        .max();
    assert_eq!(longest, Some(table::LONGEST));
}

#[test]
fn identifiers_are_read_as_their_words() {
    for text in [
        "parseInvoiceTotal",
        "ParseInvoiceTotal",
        "parse invoice total",
    ] {
        assert_eq!(spelled(text), ["parse", "invoice", "total"], "{text}");
    }
    assert_eq!(
        spelled("parse_invoice_total"),
        ["parse", "_", "invoice", "_", "total"]
    );
    assert_eq!(
        spelled("HTTPServer2Port"),
        ["http", "server", "##2", "port"]
    );
    assert_eq!(
        spelled("lib/MainMenu.py"),
        ["lib", "/", "main", "menu", ".", "p", "##y"]
    );
    // Words with capitals in them, and plurals of abbreviations.
    assert_eq!(spelled("JavaScript YouTube"), ["javascript", "youtube"]);
    assert_eq!(spelled("DSLs"), ["dsl", "##s"]);
}

#[test]
fn hashes_and_keys_say_nothing() {
    for text in [
        "9a3f0c1d2e4b5a69788796a5b4c3d2e1f0a1b2c3",
        "x7Qz9Lm2Kp4R",
        "\u{0} \u{7} \u{301}",
        "night\u{10330}",
        "",
        "𠀀",
    ] {
        assert_eq!(spelled(text), [""; 0], "{text}");
        assert_eq!(embed(text), None, "{text}");
    }
    assert_eq!(pieces(&"x".repeat(101)).count(), 0);
    // Dates, versions and numbers are no noise.
    assert!(pieces("20240115 sha256sum 3.14").count() > 3);
}

fn cosine(a: &str, b: &str) -> f32 {
    similarity(&embed(a).unwrap(), &embed(b).unwrap())
}

#[test]
fn texts_that_mean_the_same_are_nearer_than_others() {
    for (text, same, other) in [
        (
            "why was the site unreachable",
            "production outage, the server was down",
            "the invoice is rounded to cents",
        ),
        (
            "which pet does she own",
            "Maria adopted a golden retriever puppy",
            "Maria bought a new car",
        ),
        (
            "speed up slow queries",
            "added an index, lookups have a lower latency",
            "renamed the settings page",
        ),
        (
            "keep secrets out of the repository",
            "passwords and API keys live in the vault",
            "the colours of the chart are configurable",
        ),
    ] {
        let (near, far) = (cosine(text, same), cosine(text, other));
        assert!(near > far + 0.05, "{text}: {near} and {far}");
    }
    assert!(cosine("a dog", "A DOG") > 0.999);
}

#[test]
fn what_says_little_weighs_little() {
    for much in ["database", "puppy", "invoice", "guitar"] {
        for little in ["the", "of", ",", "and", "is"] {
            let both = format!("{little} {much} {little}");
            assert!(cosine(&both, much) > 0.9, "{both}");
        }
    }
}

#[test]
fn vectors_survive_their_bytes() {
    let vector = embed("a turn is a row").unwrap();
    let bytes = vector.as_bytes();
    assert_eq!(Vector::from_bytes(bytes), Some(vector));
    assert_eq!(Vector::from_bytes(&bytes[1..]), None);
    assert!(bytes.iter().any(|byte| byte.cast_signed().abs() == 127));
    assert!((similarity(&vector, &vector) - 1.0).abs() < 1e-6);
    let opposite = bytes.map(|byte| byte.cast_signed().saturating_neg().cast_unsigned());
    let opposite = Vector::from_bytes(&opposite).unwrap();
    assert!((similarity(&vector, &opposite) + 1.0).abs() < 1e-6);
    let nothing = Vector::from_bytes(&[0; DIMENSIONS]).unwrap();
    assert!(similarity(&vector, &nothing).abs() < f32::EPSILON);
}

#[test]
fn a_code_is_the_signs() {
    let mut bytes = [0_u8; DIMENSIONS];
    bytes[0] = 1;
    bytes[1] = (-1_i8).cast_unsigned();
    bytes[65] = 127;
    let one = code(&Vector::from_bytes(&bytes).unwrap());
    assert_eq!((one[0], one[1]), (1, 2));
    assert_eq!(hamming(&one, &[0; CODE_WORDS]), 2);
    assert_eq!(hamming(&one, &one), 0);
    let all = code(&Vector::from_bytes(&[1; DIMENSIONS]).unwrap());
    assert_eq!(hamming(&all, &[0; CODE_WORDS]) as usize, DIMENSIONS);
}

#[test]
fn near_vectors_have_near_codes() {
    let texts = [
        "fixed a memory leak in the event listeners",
        "memory leak: listeners were never removed",
        "chose PostgreSQL as the database",
    ];
    let [a, b, c] = texts.map(|text| code(&embed(text).unwrap()));
    assert!(hamming(&a, &b) + 20 < hamming(&a, &c));
}

#[test]
fn the_table_is_named_after_what_made_it() {
    let prefix = format!("all-MiniLM-L6-v2/static-{DIMENSIONS}/");
    assert!(MODEL_ID.starts_with(&prefix), "{MODEL_ID}");
    let digest = MODEL_ID.rsplit('/').next().unwrap();
    assert!(digest.len() == 12 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let distinct: HashSet<_> = table::all().map(spell).collect();
    assert_eq!(distinct.len(), table::PIECES);
}
