use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{Key, Kind, Place, SETTINGS, SetError, Settings, Source, check, data_dir, find, set};

fn with(file: &str, environment: &[(&str, &str)]) -> Settings {
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("settings.json"), file).unwrap();
    in_dir(directory.path(), environment)
}

fn in_dir(data_dir: &Path, environment: &[(&str, &str)]) -> Settings {
    let environment: Vec<(String, String)> = environment
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Settings::from_parts(
        |name| {
            let (_, value) = environment.iter().find(|(known, _)| known == name)?;
            Some(value.clone())
        },
        data_dir,
    )
}

#[test]
fn the_table_is_in_the_order_of_its_keys_and_its_defaults_are_valid() {
    for (index, setting) in SETTINGS.iter().enumerate() {
        assert_eq!(setting.key as usize, index, "{}", setting.name);
        assert_eq!(find(setting.name).map(|found| found.key), Some(setting.key));
        assert!(setting.name.starts_with("CLAUDE_MEM_"));
        assert_eq!(check(setting, setting.default), Ok(()), "{}", setting.name);
        assert!(!setting.doc.is_empty() && !setting.doc.contains('\n'));
    }
}

#[test]
fn defaults_hold_where_nothing_is_said() {
    let directory = TempDir::new().unwrap();
    let settings = in_dir(&directory.path().join("missing"), &[]);
    assert!(!settings.bool(Key::Disabled));
    assert!(settings.bool(Key::ContextShowReadTokens));
    assert_eq!(settings.number(Key::FieldBytes), 16_384);
    assert_eq!(settings.get(Key::Provider), "auto");
    assert_eq!(settings.list(Key::ExcludedProjects), Vec::<String>::new());
    assert_eq!(settings.source(Key::Provider), Source::Default);
    assert_eq!(settings.problems(), Vec::<String>::new());
}

#[test]
fn the_environment_wins_over_the_file() {
    let file = r#"{"CLAUDE_MEM_MODEL":"from-file","CLAUDE_MEM_FIELD_BYTES":"2048","OTHER":[1]}"#;
    let settings = with(file, &[("CLAUDE_MEM_MODEL", "from-environment")]);
    assert_eq!(settings.get(Key::Model), "from-environment");
    assert_eq!(settings.source(Key::Model), Source::Environment);
    assert_eq!(settings.number(Key::FieldBytes), 2048);
    assert_eq!(settings.source(Key::FieldBytes), Source::File);
    // Nothing but a list can be meant to be empty.
    let empty = [("CLAUDE_MEM_MODEL", " "), ("CLAUDE_MEM_SKIP_TOOLS", "")];
    let settings = with(file, &empty);
    assert_eq!(settings.get(Key::Model), "from-file");
    assert!(settings.list(Key::SkipTools).is_empty());
}

#[test]
fn the_file_may_hold_other_types_than_text() {
    let settings = with(
        "\u{feff}{\"CLAUDE_MEM_DISABLED\":true,\"CLAUDE_MEM_STALL_SECS\":120,\
         \"CLAUDE_MEM_EXCLUDED_PROJECTS\":[\"a, b\",\" c \"],\"CLAUDE_MEM_MODEL\":null}",
        &[],
    );
    assert!(settings.bool(Key::Disabled));
    assert_eq!(settings.number(Key::StallSecs), 120);
    assert_eq!(settings.list(Key::ExcludedProjects), ["a, b", "c"]);
    assert_eq!(settings.source(Key::Model), Source::Default);
    assert_eq!(settings.problems(), Vec::<String>::new());
}

#[test]
fn flags_are_read_in_every_spelling() {
    for (text, meaning) in [
        ("true", true),
        ("1", true),
        ("Yes", true),
        (" ON ", true),
        ("False", false),
        ("0", false),
        ("no", false),
        ("off", false),
    ] {
        for (key, default) in [(Key::Disabled, false), (Key::ContextShowReadTokens, true)] {
            let settings = with("", &[(key.name(), text)]);
            assert_eq!(settings.bool(key), meaning, "{text} (default {default})");
        }
    }
}

#[test]
fn a_bad_value_is_a_problem_and_the_default_holds() {
    for (name, value) in [
        ("CLAUDE_MEM_DISABLED", "maybe"),
        ("CLAUDE_MEM_FIELD_BYTES", "1023"),
        ("CLAUDE_MEM_FIELD_BYTES", "1048577"),
        ("CLAUDE_MEM_FIELD_BYTES", "-5"),
        ("CLAUDE_MEM_FIELD_BYTES", "99999999999999999999999"),
        ("CLAUDE_MEM_PROVIDER", "oracle"),
        ("CLAUDE_MEM_SKIP_TOOLS", "[\"a\""),
        ("CLAUDE_MEM_MODEL", "two\nlines"),
    ] {
        let setting = find(name).unwrap();
        let settings = with("{}", &[(name, value)]);
        assert_eq!(settings.get(setting.key), setting.default, "{name}={value}");
        assert_eq!(settings.source(setting.key), Source::Default);
        let problems = settings.problems();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].starts_with(name) && problems[0].contains("environment"));
    }
    let settings = with(
        r#"{"CLAUDE_MEM_SKIP_TOOLS":{"a":1},"CLAUDE_MEM_PROJECT":"x"}"#,
        &[],
    );
    assert_eq!(settings.problems().len(), 2, "{:?}", settings.problems());
    assert_eq!(settings.get(Key::Project), "", "one name for all projects");
}

#[test]
fn choices_come_in_one_spelling() {
    let settings = with(r#"{"CLAUDE_MEM_LOG_LEVEL":"DEBUG"}"#, &[]);
    assert_eq!(settings.get(Key::LogLevel), "debug");
}

#[test]
fn lists_keep_globs_whole() {
    let list =
        |text| with("", &[("CLAUDE_MEM_EXCLUDED_PROJECTS", text)]).list(Key::ExcludedProjects);
    assert_eq!(list(" a ,, b,"), ["a", "b"]);
    assert_eq!(list("~/{x,y}/**,b"), ["~/{x,y}/**", "b"]);
    assert_eq!(list("{x,y"), ["{x", "y"]);
    assert_eq!(list("[ab]*,c"), ["[ab]*", "c"]);
    assert_eq!(list(r#"["a,b", "c"]"#), ["a,b", "c"]);
    assert_eq!(list("[]"), Vec::<String>::new());
}

#[test]
fn an_unusable_file_is_named_with_its_reason() {
    for (file, reason) in [
        ("{\"a\": ", "line 1 column 6"),
        ("[]", "not an object"),
        (&" ".repeat(2 << 20), "longer than"),
    ] {
        let settings = with(file, &[]);
        let problem = settings.problem().unwrap();
        assert!(problem.contains(reason), "{problem}");
        assert!(problem.contains("settings.json"), "{problem}");
        assert!(!settings.bool(Key::Disabled));
    }
    let directory = TempDir::new().unwrap();
    fs::create_dir(directory.path().join("settings.json")).unwrap();
    let settings = in_dir(directory.path(), &[]);
    assert!(settings.problem().unwrap().contains("not a regular file"));
}

#[test]
fn the_data_directory_is_found_from_any_working_directory() {
    let home = Some(Path::new("/home/demo"));
    for (value, expected) in [
        (None, "/home/demo/.claude-mem"),
        (Some(""), "/home/demo/.claude-mem"),
        (Some("~/x/y"), "/home/demo/x/y"),
        (Some("~"), "/home/demo"),
        (Some("~other/x"), "/home/demo/~other/x"),
        (Some("/srv/mem"), "/srv/mem"),
        (Some("relative"), "/home/demo/relative"),
    ] {
        assert_eq!(
            data_dir(value.map(Path::new), home),
            PathBuf::from(expected)
        );
    }
    assert_eq!(data_dir(None, None), Path::new("/.claude-mem"));
}

#[test]
fn a_path_does_not_depend_on_the_working_directory() {
    let path = |text| {
        let environment = [("HOME", "/home/demo"), ("CLAUDE_MEM_EMBEDDING_MODEL", text)];
        with("", &environment).path(Key::EmbeddingModel)
    };
    assert_eq!(path(" "), None);
    assert_eq!(path("~/m"), Some(PathBuf::from("/home/demo/m")));
    assert_eq!(path(" /srv/m "), Some(PathBuf::from("/srv/m")));
    assert_eq!(path("m"), Some(PathBuf::from("/home/demo/m")));
}

#[test]
fn setting_a_value_keeps_everything_else() {
    let directory = TempDir::new().unwrap();
    let data_dir = directory.path().join("new");
    let change = set(&data_dir, "CLAUDE_MEM_DISABLED", Some(" YES ")).unwrap();
    assert_eq!(
        (change.before, change.after.as_deref()),
        (None, Some("true"))
    );
    let path = data_dir.join("settings.json");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&data_dir), mode(&path)), (0o700, 0o600));

    fs::write(&path, r#"{"X":{"y":[1,2.5]},"CLAUDE_MEM_STALL_SECS":60}"#).unwrap();
    let change = set(&data_dir, "CLAUDE_MEM_STALL_SECS", Some("61")).unwrap();
    assert_eq!(change.before.as_deref(), Some("60"));
    let text = fs::read_to_string(&path).unwrap();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let expected = serde_json::json!({"X":{"y":[1,2.5]},"CLAUDE_MEM_STALL_SECS":"61"});
    assert_eq!(value, expected);
    assert!(text.ends_with("}\n"));

    let change = set(&data_dir, "CLAUDE_MEM_STALL_SECS", None).unwrap();
    assert_eq!((change.before.as_deref(), change.after), (Some("61"), None));
    assert!(!fs::read_to_string(&path).unwrap().contains("STALL"));
    // Nothing to take out is no reason to write.
    fs::write(&path, "{ }").unwrap();
    set(&data_dir, "CLAUDE_MEM_STALL_SECS", None).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "{ }");
    let mut left: Vec<_> = fs::read_dir(&data_dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["settings.json", "settings.lock"]);
}

#[test]
fn an_unknown_name_is_answered_with_the_nearest() {
    let directory = TempDir::new().unwrap();
    for (typed, nearest) in [
        ("CLAUDE_MEM_PROVIDR", "CLAUDE_MEM_PROVIDER"),
        ("provider", "CLAUDE_MEM_PROVIDER"),
        ("worker-idle-sec", "CLAUDE_MEM_WORKER_IDLE_SECS"),
        ("CLAUDE_MEM_RETENTION_DAY", "CLAUDE_MEM_RETENTION_DAYS"),
    ] {
        let error = set(directory.path(), typed, Some("1")).unwrap_err();
        assert!(matches!(error, SetError::UnknownKey { .. }));
        let text = error.to_string();
        assert!(text.contains(typed) && text.contains(nearest), "{text}");
    }
    set(directory.path(), &"x".repeat(1 << 20), None).unwrap_err();
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn a_value_that_cannot_hold_is_not_stored() {
    let directory = TempDir::new().unwrap();
    for setting in SETTINGS {
        let bad = match setting.kind {
            _ if setting.place == Place::Environment => "x",
            Kind::Flag | Kind::Choice(_) => "perhaps",
            Kind::Number { .. } => "3.5",
            Kind::List => "[\"",
            Kind::Text | Kind::Secret => "a\nb",
        };
        let text = set(directory.path(), setting.name, Some(bad))
            .unwrap_err()
            .to_string();
        assert!(text.contains(setting.name), "{text}");
    }
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn an_unparseable_file_is_left_untouched() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("settings.json");
    for text in ["{\"a\":1,}", "", "[]"] {
        fs::write(&path, text).unwrap();
        let error = set(directory.path(), "CLAUDE_MEM_DISABLED", Some("1")).unwrap_err();
        let shown = error.to_string();
        assert!(
            shown.contains("untouched") && shown.contains("settings.json"),
            "{shown}"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}

#[test]
fn a_link_to_the_file_stays_a_link() {
    let directory = TempDir::new().unwrap();
    let target = directory.path().join("kept-elsewhere.json");
    fs::write(&target, "{}").unwrap();
    let data_dir = directory.path().join("data");
    fs::create_dir(&data_dir).unwrap();
    symlink(&target, data_dir.join("settings.json")).unwrap();
    set(&data_dir, "CLAUDE_MEM_MODEL", Some("m")).unwrap();
    assert!(data_dir.join("settings.json").is_symlink());
    assert!(fs::read_to_string(&target).unwrap().contains("\"m\""));
}

#[test]
fn writers_at_once_lose_nothing() {
    let directory = TempDir::new().unwrap();
    let numbers: Vec<_> = SETTINGS
        .iter()
        .filter(|setting| matches!(setting.kind, Kind::Number { max, .. } if max >= 100))
        .collect();
    std::thread::scope(|scope| {
        for setting in &numbers {
            scope.spawn(|| set(directory.path(), setting.name, Some(setting.default)).unwrap());
        }
    });
    let settings = in_dir(directory.path(), &[]);
    for setting in numbers {
        assert_eq!(
            settings.source(setting.key),
            Source::File,
            "{}",
            setting.name
        );
    }
}
