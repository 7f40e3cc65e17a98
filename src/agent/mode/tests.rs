use std::path::Path;

use super::*;
use crate::agent::{Concept, ObservationKind};

fn dir_with(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    dir
}

#[track_caller]
fn refused(id: &str, dir: Option<&Path>, words: &[&str]) {
    let error = load(id, dir).unwrap_err().to_string();
    for word in words {
        assert!(error.contains(word), "'{word}' is not in: {error}");
    }
}

const OWN: &str = r#"{"name": "Own", "types": [{"id": "risk", "description": "r"}, {"id": "note", "description": "n"}],
    "guidance": "Keep risks."}"#;

#[test]
fn code_has_the_vocabulary_of_the_product() {
    let code = load("code", None).unwrap();
    let ids = |terms: &[Term]| terms.iter().map(|t| t.id.clone()).collect::<Vec<_>>();
    assert_eq!(
        ids(&code.types),
        ObservationKind::ALL.map(ObservationKind::as_str)
    );
    assert_eq!(ids(&code.concepts), Concept::ALL.map(Concept::as_str));
    assert_eq!(code.fallback_type, ObservationKind::Discovery.as_str());
    assert_eq!(code.language, None);
}

#[test]
fn every_built_in_mode_is_valid_and_listed() {
    for (id, name) in known(None) {
        let mode = load(&id, None).unwrap();
        assert_eq!((&mode.id, &mode.name), (&id, &name));
    }
    let ids: Vec<String> = known(None).into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, ["code", "research"]);
}

#[test]
fn a_suffix_is_a_language() {
    let german = load("code--de", None).unwrap();
    assert_eq!(
        (german.id.as_str(), german.language.as_deref()),
        ("code--de", Some("German"))
    );
    assert_eq!(german.types, load("code", None).unwrap().types);
    for id in ["research--pt-br", "research--pt_br"] {
        let mode = load(id, None).unwrap();
        assert_eq!(mode.language.as_deref(), Some("Brazilian Portuguese"));
    }
    refused(
        "code--klingon",
        None,
        &["'klingon'", "known languages", "pt-br", "de,"],
    );
}

#[test]
fn codes_of_languages_are_sorted_and_can_be_named() {
    assert!(languages::LANGUAGES.is_sorted_by(|a, b| a.0 < b.0));
    for (code, name) in languages::LANGUAGES {
        let mode = load(&format!("code--{code}"), None).unwrap();
        assert_eq!(mode.language.as_deref(), Some(name));
    }
}

#[test]
fn a_file_of_the_whole_name_overrides_single_fields() {
    let dir = dir_with(&[
        ("code--bavarian.json", r#"{"language": "Bavarian"}"#),
        (
            "code--de.json",
            r#"{"guidance": "Nur Entscheidungen.", "name": "Kurz"}"#,
        ),
        (
            "code--tight.json",
            r#"{"types": [{"id": "x", "description": "y"}], "concepts": []}"#,
        ),
    ]);
    let code = load("code", None).unwrap();
    let bavarian = load("code--bavarian", Some(dir.path())).unwrap();
    assert_eq!(bavarian.language.as_deref(), Some("Bavarian"));
    assert_eq!(bavarian.guidance, code.guidance);
    let german = load("code--de", Some(dir.path())).unwrap();
    assert_eq!(german.language.as_deref(), Some("German"));
    assert_eq!(
        (german.guidance.as_str(), german.name.as_str()),
        ("Nur Entscheidungen.", "Kurz")
    );
    assert_eq!(german.types, code.types);
    let tight = load("code--tight", Some(dir.path())).unwrap();
    assert_eq!((tight.fallback_type.as_str(), tight.language), ("x", None));
    assert!(tight.concepts.is_empty());
}

#[test]
fn a_users_mode_wins_over_the_built_in_one() {
    let dir = dir_with(&[
        ("code.json", OWN),
        ("legal.json", OWN),
        ("broken.json", "{"),
    ]);
    let code = load("code", Some(dir.path())).unwrap();
    assert_eq!(
        (code.name.as_str(), code.fallback_type.as_str()),
        ("Own", "note")
    );
    let french = load("legal--fr", Some(dir.path())).unwrap();
    assert_eq!(french.language.as_deref(), Some("French"));
    let own = |id: &str, name: &str| (id.to_owned(), name.to_owned());
    assert_eq!(
        known(Some(dir.path())),
        [
            own("code", "Own"),
            own("research", "Research"),
            own("broken", "not valid"),
            own("legal", "Own")
        ]
    );
}

#[test]
fn no_name_leaves_the_directory() {
    let dir = dir_with(&[("legal.json", OWN)]);
    let inner = dir.path().join("modes");
    std::fs::create_dir(&inner).unwrap();
    for id in [
        "../legal",
        "..",
        "",
        "-x",
        "--de",
        "a/b",
        "Code",
        "a.b",
        "ä",
        "a\0",
        "a\n",
        &"x".repeat(65),
    ] {
        refused(id, Some(&inner), &["cannot be the name of a mode"]);
    }
    refused(
        "legal",
        Some(&inner),
        &["no mode 'legal'", "code, research", "legal.json"],
    );
}

/// The valid mode with something else in it.
fn changed(change: fn(&mut serde_json::Value)) -> String {
    let mut value: serde_json::Value = serde_json::from_str(OWN).unwrap();
    change(&mut value);
    value.to_string()
}

/// Asserts that no mode comes of a file, and that the error names it and says so.
#[track_caller]
fn refused_file(text: &str, words: &[&str]) {
    let dir = dir_with(&[("own.json", text)]);
    refused("own", Some(dir.path()), &["own.json"]);
    refused("own", Some(dir.path()), words);
}

#[test]
fn an_error_names_the_file_the_field_and_what_is_allowed() {
    refused_file("{", &["line 1"]);
    refused_file("[]", &["not valid"]);
    refused_file(&changed(|m| m["typs"] = 1.into()), &["`typs`", "`types`"]);
    refused_file(
        &changed(|m| m["fallback_type"] = "other".into()),
        &["'fallback_type'", "'other'", "risk, note"],
    );
    refused_file(
        &changed(|m| m["guidance"] = "  ".into()),
        &["'guidance' is missing"],
    );
    refused_file(
        &changed(|m| m["guidance"] = "x".repeat(MOST_TEXT).into()),
        &["allowed are 2500"],
    );
    refused_file(
        &changed(|m| m["language"] = "German\nIgnore".into()),
        &["'language'", "one line"],
    );
}

#[test]
fn types_and_concepts_are_named_once_and_well() {
    refused_file(
        &changed(|m| m["types"] = serde_json::json!([])),
        &["'types' is empty"],
    );
    refused_file(
        &changed(|m| m["types"] = serde_json::Value::Null),
        &["'types' is missing"],
    );
    refused_file(
        &changed(|m| m["types"][1]["id"] = "ri-sk".into()),
        &["'types'", "'ri-sk' twice"],
    );
    refused_file(
        &changed(|m| m["types"][0]["id"] = "Risk!".into()),
        &["'Risk!'", "a-z"],
    );
    refused_file(
        &changed(|m| m["types"][0]["description"] = " ".into()),
        &["'risk' in 'types'", "not empty"],
    );
    let many = changed(|m| {
        let term = |n: u32| serde_json::json!({"id": format!("t{n}"), "description": "d"});
        m["concepts"] = (0..25).map(term).collect();
    });
    refused_file(&many, &["'concepts' has 25", "24"]);
}

#[test]
fn a_file_that_is_too_large_or_no_file_is_refused() {
    let dir = dir_with(&[("big.json", &" ".repeat(70_000))]);
    std::fs::create_dir(dir.path().join("folder.json")).unwrap();
    refused("big", Some(dir.path()), &["big.json", "65536"]);
    refused("folder", Some(dir.path()), &["folder.json", "regular file"]);
}
