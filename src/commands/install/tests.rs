mod layouts;

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::ours::{self, Executable};
use super::{Change, Entry, Outcome, Plan, install, run, settings_path, uninstall};

const EVENTS: [(&str, &str); 10] = [
    ("SessionStart", "context-hook"),
    ("UserPromptSubmit", "new-hook"),
    ("PreToolUse", "recall-hook"),
    ("PostToolUse", "save-hook"),
    ("PostToolUseFailure", "save-hook"),
    ("SubagentStop", "save-hook"),
    ("PreCompact", "save-hook"),
    ("Stop", "summary-hook"),
    ("StopFailure", "summary-hook"),
    ("SessionEnd", "cleanup-hook"),
];

/// A directory with executables, in a path with a space, and a place for settings.
struct World {
    directory: TempDir,
    plan: Plan,
}

impl World {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let plan = Plan {
            settings_path: directory.path().join("config/settings.json"),
            hooks_dir: Self::executables(&directory.path().join("my programs")),
        };
        Self { directory, plan }
    }

    fn with(text: &str) -> Self {
        let world = Self::new();
        fs::create_dir(world.directory.path().join("config")).unwrap();
        fs::write(&world.plan.settings_path, text).unwrap();
        world
    }

    fn executables(hooks_dir: &Path) -> PathBuf {
        fs::create_dir(hooks_dir).unwrap();
        for executable in Executable::ALL {
            let path = hooks_dir.join(executable.file_name());
            fs::write(&path, "").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        hooks_dir.to_owned()
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.plan.settings_path).unwrap()
    }

    fn install(&self) -> Outcome {
        install(&self.plan, false).unwrap()
    }

    fn uninstall(&self) -> Outcome {
        uninstall(&self.plan, false).unwrap()
    }

    fn error(&self) -> String {
        let before = self.text();
        let error = format!("{:#}", install(&self.plan, false).unwrap_err());
        assert_eq!(self.text(), before, "{error}");
        error
    }

    /// What is in the configuration directory beside the settings.
    fn others(&self) -> Vec<String> {
        fs::read_dir(self.plan.settings_path.parent().unwrap())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != "settings.json")
            .collect()
    }
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn a_missing_file_and_directory_are_created() {
    let world = World::new();
    let outcome = world.install();
    assert_eq!(outcome.change, Change::Created);
    assert_eq!(outcome.before, "");
    assert_eq!(outcome.added.len(), EVENTS.len());
    for (entry, (event, executable)) in outcome.added.iter().zip(EVENTS) {
        let command = world.plan.hooks_dir.join(executable);
        assert_eq!(entry.event, event);
        assert_eq!(Path::new(&entry.command), command);
    }
    let metadata = fs::metadata(&world.plan.settings_path).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    let text = world.text();
    assert_eq!(text, format!("{}\n", text.trim_end()));
    assert!(text.starts_with("{\n  \"hooks\": {\n"), "{text}");
    world.uninstall();
    assert_eq!(world.text(), "{}\n");

    for empty in ["", "  \n"] {
        fs::write(&world.plan.settings_path, empty).unwrap();
        assert_eq!(world.uninstall().change, Change::Unchanged);
        assert_eq!(world.install().change, Change::Updated);
        assert_eq!(world.text(), text);
    }
}

#[test]
fn nothing_is_created_by_uninstall_or_a_dry_run() {
    let world = World::new();
    assert_eq!(world.uninstall().change, Change::Unchanged);
    let outcome = install(&world.plan, true).unwrap();
    assert_eq!(outcome.change, Change::Created);
    assert!(outcome.after.contains("save-hook"));
    assert!(!world.directory.path().join("config").exists());

    let world = World::with("{}");
    let outcome = install(&world.plan, true).unwrap();
    assert_eq!(
        (outcome.change, outcome.before.as_str()),
        (Change::Updated, "{}")
    );
    assert_eq!(world.text(), "{}");
    world.install();
    let text = world.text();
    assert_eq!(uninstall(&world.plan, true).unwrap().after, "{}");
    assert_eq!(world.text(), text);
}

#[test]
fn an_installation_elsewhere_is_replaced() {
    let mut world = World::with("{\n  \"a\": 1\n}\n");
    world.install();
    let old = world.text();
    let first = world.plan.hooks_dir.to_str().unwrap().to_owned();
    world.plan.hooks_dir = World::executables(&world.directory.path().join("second"));
    let outcome = world.install();
    let second = world.plan.hooks_dir.to_str().unwrap();
    assert_eq!(world.text(), old.replace(&first, second));
    assert_eq!(outcome.removed.len(), EVENTS.len());
    assert!(outcome.removed[0].command.starts_with(&first));
    assert_eq!(outcome.added.len(), EVENTS.len());
}

#[test]
fn what_was_changed_by_hand_is_repaired() {
    let world = World::with("{\n  \"a\": 1\n}\n");
    world.install();
    let good = world.text();
    for (from, to) in [
        ("\"timeout\": 5", "\"timeout\": 5000"),
        ("\"matcher\": \"*\"", "\"matcher\": \"Bash\""),
        (
            "\"type\": \"command\"",
            "\"async\": true, \"type\": \"command\"",
        ),
        ("\"Stop\"", "\"Notification\""),
        (
            "    \"Stop\"",
            "    \"Setup\": [{\"hooks\":[{\"command\":\"/x/new-hook\",\"args\":[\"claude-mem\"]}]}],\n    \"Stop\"",
        ),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good);
        fs::write(&world.plan.settings_path, bad).unwrap();
        assert_eq!(world.install().change, Change::Updated, "{to}");
        assert_eq!(world.text(), good, "{to}");
    }
}

#[test]
fn only_ours_are_taken_out() {
    let entry =
        |command: &str, args: Value| json!({"type":"command","command":command,"args":args});
    let kept = json!([
        {"hooks":[entry("/x/save-hook", json!([])), entry("/x/other", json!(["claude-mem"]))]},
        {"hooks":[entry("save-hook --x", json!(["claude-mem"])), {"type":"command","command":"/x/save-hook"}]},
        {"hooks":[entry("/x/save-hook", json!(["claude-mem","x"]))]},
        {"hooks":"odd"}, 5,
    ]);
    let mut mixed = kept.clone();
    let ours = entry("/somewhere/save-hook", json!(["claude-mem"]));
    mixed[0]["hooks"]
        .as_array_mut()
        .unwrap()
        .insert(1, ours.clone());
    mixed[2]["hooks"]
        .as_array_mut()
        .unwrap()
        .insert(0, ours.clone());
    mixed
        .as_array_mut()
        .unwrap()
        .insert(0, json!({"hooks":[ours, ours]}));
    for pretty in [false, true] {
        let value = json!({"hooks":{"Stop":mixed,"Odd":"text"}});
        let text = if pretty {
            format!("{value:#}")
        } else {
            value.to_string()
        };
        let world = World::with(&text);
        let outcome = world.uninstall();
        assert_eq!(outcome.removed.len(), 4);
        let expected = Entry {
            event: "Stop".to_owned(),
            command: "/somewhere/save-hook".to_owned(),
        };
        assert!(outcome.removed.iter().all(|removed| *removed == expected));
        let expected = json!({"hooks":{"Stop":kept,"Odd":"text"}});
        assert_eq!(parsed(&world.text()), expected);
        if pretty {
            assert_eq!(world.text(), format!("{expected:#}"));
        }
    }
}

#[test]
fn a_file_that_cannot_be_understood_is_left_alone() {
    for (text, place, reason) in [
        ("{\n  \"a\": ,\n}", "line 2, column 8", "Unexpected"),
        ("{'a': 1}", "line 1, column 2", "quoted"),
        ("{\"a\": 1} x", "line 1, column 10", "more than one"),
        ("[]", "line 1, column 1", "does not hold an object"),
        (
            "{\n \"é\": 1, \"hooks\": []}",
            "line 2, column 10",
            "\"hooks\" is not an object",
        ),
        (
            "{\"hooks\": {\"Stop\": {}}}",
            "line 1, column 12",
            "\"Stop\" is not an array",
        ),
        (
            "{\"hooks\": {}, \"hooks\": {}}",
            "line 1, column 15",
            "a second \"hooks\"",
        ),
    ] {
        let world = World::with(text);
        let error = world.error();
        for part in [place, reason, "settings.json", "claude-mem install"] {
            assert!(error.contains(part), "{part} is not in: {error}");
        }
    }
    let world = World::with("");
    fs::write(&world.plan.settings_path, b"{\"a\": \"\xff\"}").unwrap();
    let error = format!("{:#}", install(&world.plan, false).unwrap_err());
    assert!(error.contains("UTF-8"), "{error}");
    fs::remove_file(&world.plan.settings_path).unwrap();
    fs::create_dir(&world.plan.settings_path).unwrap();
    let error = format!("{:#}", install(&world.plan, false).unwrap_err());
    assert!(error.contains("not a regular file"), "{error}");
}

#[test]
fn mode_and_links_are_kept() {
    let world = World::with("");
    let target = world.directory.path().join("dotfiles.json");
    fs::write(&target, "{}").unwrap();
    fs::set_permissions(&target, fs::Permissions::from_mode(0o640)).unwrap();
    fs::remove_file(&world.plan.settings_path).unwrap();
    symlink("../dotfiles.json", &world.plan.settings_path).unwrap();
    world.install();
    assert!(world.plan.settings_path.is_symlink());
    assert!(fs::read_to_string(&target).unwrap().contains("save-hook"));
    assert_eq!(
        fs::metadata(&target).unwrap().permissions().mode() & 0o777,
        0o640
    );
    // A link to a file that is not there yet.
    fs::remove_file(&target).unwrap();
    assert_eq!(world.install().change, Change::Created);
    assert!(world.plan.settings_path.is_symlink() && target.is_file());
    // A link to itself.
    fs::remove_file(&world.plan.settings_path).unwrap();
    symlink("settings.json", &world.plan.settings_path).unwrap();
    let error = format!("{:#}", install(&world.plan, false).unwrap_err());
    assert!(error.contains("leads nowhere"), "{error}");
}

#[test]
fn a_change_meanwhile_is_taken_up_once() {
    let hooks_dir = "/x";
    let go = |world: &World, intruder: &mut dyn FnMut()| {
        run(&world.plan, false, "install", intruder, |text| {
            ours::install(text, hooks_dir)
        })
    };
    let world = World::with("{\"a\":1}");
    let mut left = 1;
    let outcome = go(&world, &mut || {
        if left > 0 {
            left -= 1;
            fs::write(&world.plan.settings_path, "{\"b\":2}").unwrap();
        }
    });
    assert_eq!(outcome.unwrap().before, "{\"b\":2}");
    assert!(world.text().contains("\"b\":2") && world.text().contains("save-hook"));

    // The same length, and a file where there was none.
    for original in [Some("{\"a\":0}"), None] {
        let world = World::with("");
        match original {
            Some(text) => fs::write(&world.plan.settings_path, text).unwrap(),
            None => fs::remove_file(&world.plan.settings_path).unwrap(),
        }
        let mut count = 0;
        let error = go(&world, &mut || {
            count += 1;
            fs::write(&world.plan.settings_path, format!("{{\"a\":{count}}}")).unwrap();
        });
        let error = format!("{:#}", error.unwrap_err());
        assert!(error.contains("another program") && count == 2, "{error}");
        assert_eq!(world.text(), "{\"a\":2}");
        assert_eq!(world.others(), Vec::<String>::new());
    }
}

#[test]
fn hooks_that_are_switched_off_are_warned_of() {
    for text in [
        "{\"disableAllHooks\":true}",
        "{\"disableAllHooks\":false}",
        "{}",
    ] {
        let world = World::with(text);
        for _ in 0..2 {
            let warned = world.install().warnings.len();
            assert_eq!(warned, usize::from(text.contains("true")), "{text}");
        }
    }
}

#[test]
fn missing_executables_are_named() {
    let world = World::with("{}");
    fs::remove_file(world.plan.hooks_dir.join("new-hook")).unwrap();
    let plain = world.plan.hooks_dir.join("save-hook");
    fs::set_permissions(plain, fs::Permissions::from_mode(0o644)).unwrap();
    let error = world.error();
    assert!(error.contains("new-hook, save-hook"), "{error}");
    assert!(
        error.contains("my programs") && !error.contains("summary-hook"),
        "{error}"
    );
    // Taking out needs none.
    assert_eq!(world.uninstall().change, Change::Unchanged);
}

#[test]
fn the_settings_are_found() {
    let path = |config: Option<&str>, home: Option<&str>| {
        settings_path(config.map(Path::new), home.map(Path::new))
    };
    let home = Some("/home/demo");
    assert_eq!(
        path(Some("/c"), home),
        Some(PathBuf::from("/c/settings.json"))
    );
    assert_eq!(
        path(Some(""), home),
        Some(PathBuf::from("/home/demo/.claude/settings.json"))
    );
    assert_eq!(
        path(None, home),
        Some(PathBuf::from("/home/demo/.claude/settings.json"))
    );
    assert_eq!(path(None, None), None);
}
