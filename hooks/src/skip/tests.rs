use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{SkipReason, disabled, disabled_by_settings, project, tool};
use crate::project::{Project, Request, resolve};
use crate::settings::Settings;

fn environment(pairs: &[(&str, &str)]) -> impl Fn(&str) -> Option<String> {
    let pairs: Vec<(String, String)> = pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    move |name| {
        let (_, value) = pairs.iter().find(|(known, _)| known == name)?;
        Some(value.clone())
    }
}

struct World {
    _directory: TempDir,
    base: PathBuf,
}

impl World {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let base = fs::canonicalize(directory.path()).unwrap();
        for path in [
            "home/work/acme/api/.git",
            "home/work/acme/api/src",
            "home/play/app",
            "data/x",
        ] {
            fs::create_dir_all(base.join(path)).unwrap();
        }
        fs::write(
            base.join("home/work/acme/api/.git/HEAD"),
            "ref: refs/heads/main",
        )
        .unwrap();
        Self {
            _directory: directory,
            base,
        }
    }

    fn project(&self, dir: &str) -> Project {
        resolve(&Request {
            dir: &self.base.join(dir),
            home: Some(&self.base.join("home")),
            temp_dir: Path::new("/tmp"),
            data_dir: &self.base.join("data"),
            name_override: None,
            claim: true,
        })
    }

    fn skipped(&self, excluded: &str, dir: &str, cwd: &str) -> Option<SkipReason> {
        let home = self.base.join("home");
        let excluded = excluded.replace("BASE", self.base.to_str().unwrap());
        let settings = Settings::from_parts(
            environment(&[
                ("HOME", home.to_str().unwrap()),
                ("CLAUDE_MEM_EXCLUDED_PROJECTS", &excluded),
            ]),
            self.base.join("data"),
        );
        project(&settings, &self.project(dir), &self.base.join(cwd))
    }

    fn excluded(&self, rule: &str, dir: &str) -> bool {
        match self.skipped(rule, dir, dir) {
            None => false,
            Some(SkipReason::ProjectExcluded) => true,
            other => panic!("{other:?}"),
        }
    }
}

const API: &str = "home/work/acme/api/src";
const APP: &str = "home/play/app";

#[test]
fn the_environment_ends_a_hook_before_anything_else() {
    let ask = |name: &'static str, value: &'static str| {
        disabled(move |asked| (asked == name).then(|| OsString::from(value)))
    };
    assert_eq!(ask("CLAUDE_MEM_INTERNAL", "0"), Some(SkipReason::Internal));
    assert_eq!(ask("CLAUDE_MEM_INTERNAL", ""), None);
    assert_eq!(ask("CLAUDE_MEM_DISABLED", "1"), Some(SkipReason::Disabled));
    assert_eq!(
        ask("CLAUDE_MEM_DISABLED", "TRUE"),
        Some(SkipReason::Disabled)
    );
    assert_eq!(ask("CLAUDE_MEM_DISABLED", "false"), None);
    assert_eq!(ask("OTHER", "1"), None);
}

#[test]
fn the_file_disables_and_the_environment_enables_again() {
    let directory = TempDir::new().unwrap();
    fs::write(
        directory.path().join("settings.json"),
        r#"{"CLAUDE_MEM_DISABLED":"true"}"#,
    )
    .unwrap();
    let settings =
        |pairs: &[(&str, &str)]| Settings::from_parts(environment(pairs), directory.path());
    assert_eq!(
        disabled_by_settings(&settings(&[])),
        Some(SkipReason::Disabled)
    );
    let enabled = settings(&[("CLAUDE_MEM_DISABLED", "0")]);
    assert_eq!(disabled_by_settings(&enabled), None);
}

#[test]
fn bookkeeping_tools_are_skipped_and_work_is_not() {
    let defaults = Settings::from_parts(|_| None, "/nowhere");
    for name in [
        "TodoWrite",
        "TaskCreate",
        "TaskUpdate",
        "Skill",
        "ListMcpResourcesTool",
    ] {
        assert_eq!(
            tool(&defaults, name),
            Some(SkipReason::ToolExcluded),
            "{name}"
        );
    }
    for name in [
        "Task",
        "Agent",
        "TaskOutput",
        "Bash",
        "todowrite",
        "",
        "mcp__x__Skill",
    ] {
        assert_eq!(tool(&defaults, name), None, "{name}");
    }
    let list = environment(&[("CLAUDE_MEM_SKIP_TOOLS", "mcp__*,Web{Fetch,Search},[broken")]);
    let settings = Settings::from_parts(list, "/nowhere");
    for name in ["mcp__plugin_x__y", "WebFetch", "WebSearch", "[broken"] {
        assert_eq!(
            tool(&settings, name),
            Some(SkipReason::ToolExcluded),
            "{name}"
        );
    }
    for name in ["mcp", "WebX", "TodoWrite", "broken"] {
        assert_eq!(tool(&settings, name), None, "{name}");
    }
}

#[test]
fn our_own_tools_are_never_captured_whatever_the_settings_say() {
    let nothing = Settings::from_parts(
        environment(&[("CLAUDE_MEM_SKIP_TOOLS", "none")]),
        "/nowhere",
    );
    for name in [
        "mcp__claude-mem__search",
        "mcp__plugin_claude-mem_claude-mem__remember",
        "mcp__plugin_claude-mem_memory__by_file",
    ] {
        assert_eq!(tool(&nothing, name), Some(SkipReason::OwnTool), "{name}");
    }
    for name in [
        "mcp__claude-mem",
        "mcp__claude-memory__search",
        "mcp__other__claude-mem",
        "mcp__plugin_other_claude-mem__search",
        crate::remember::TOOL,
    ] {
        assert_eq!(tool(&nothing, name), None, "{name}");
    }
}

#[test]
fn projects_are_excluded_by_name_and_by_place() {
    let world = World::new();
    for rule in [
        "api",
        "a?i",
        "x,api",
        "~/work",
        "~/work/",
        "~/work/*",
        "~/work/acme/api",
        "BASE/home/work",
        "BASE/**",
        "~/{work,other}/acme",
        "**/acme/**",
        "~/work/**/src",
        "!app",
        "!{app,other}",
        "*",
    ] {
        assert!(world.excluded(rule, API), "{rule}");
    }
    for rule in [
        "",
        "ap",
        "~/wor",
        "~/work/acme/apis",
        "~",
        "acme",
        "**/nope/**",
        "~/play/*",
        "!api",
        "!~/work",
        "!{app,api}",
    ] {
        let expected = rule == "~";
        assert_eq!(world.excluded(rule, API), expected, "{rule}");
    }
}

#[test]
fn a_rule_holds_for_a_name_that_had_to_be_made_unique() {
    let world = World::new();
    assert_eq!(world.project(APP).name, "app");
    fs::create_dir_all(world.base.join("home/other/app")).unwrap();
    assert_ne!(world.project("home/other/app").name, "app");
    assert!(world.excluded("app", "home/other/app"));
    assert!(!world.excluded("app-", "home/other/app"));
    // Nothing of a work tree's own directory tells that it belongs to this project.
    let git_dir = world.base.join("home/other/app/.git");
    let linked = git_dir.join("worktrees/fix");
    fs::create_dir_all(&linked).unwrap();
    for path in [&git_dir, &linked] {
        fs::write(path.join("HEAD"), "ref: refs/heads/fix").unwrap();
    }
    fs::write(linked.join("commondir"), "../..").unwrap();
    let top = world.base.join("home/wt");
    fs::create_dir(&top).unwrap();
    fs::write(top.join(".git"), format!("gitdir: {}", linked.display())).unwrap();
    assert!(world.project("home/wt").name.ends_with("/fix"));
    assert!(world.excluded("app", "home/wt"));
}

#[test]
fn a_rule_holds_for_work_trees() {
    let world = World::new();
    let git_dir = world.base.join("home/work/acme/api/.git/worktrees/fix");
    fs::create_dir_all(&git_dir).unwrap();
    fs::write(git_dir.join("HEAD"), "ref: refs/heads/fix").unwrap();
    fs::write(git_dir.join("commondir"), "../..").unwrap();
    let top = world.base.join("home/wt");
    fs::create_dir(&top).unwrap();
    fs::write(top.join(".git"), format!("gitdir: {}", git_dir.display())).unwrap();
    assert_eq!(world.project("home/wt").name, "api/fix");
    assert!(world.excluded("api", "home/wt"));
    assert!(world.excluded("api/*", "home/wt"));
    assert!(!world.excluded("ap", "home/wt"));
}

#[test]
fn a_working_directory_elsewhere_counts_too() {
    let world = World::new();
    let reason = Some(SkipReason::ProjectExcluded);
    assert_eq!(world.skipped("~/work", APP, API), reason);
    assert_eq!(world.skipped("~/work", API, APP), reason);
}

#[test]
fn a_rule_through_a_link_finds_the_place_behind_it() {
    let world = World::new();
    symlink(world.base.join("home/work"), world.base.join("home/link")).unwrap();
    for rule in ["~/link", "~/link/*", "~/link/acme/**"] {
        assert!(world.excluded(rule, API), "{rule}");
    }
    assert!(world.excluded("~/work", "home/link/acme/api"));
    assert!(!world.excluded("~/link", APP));
}

#[test]
fn an_ignore_file_ends_capture_between_the_directory_and_the_project_root() {
    let world = World::new();
    let ignored = |file: &str, dir: &str, cwd: &str| {
        let path = world.base.join(file).join(".claude-mem-ignore");
        fs::write(&path, "").unwrap();
        let reason = world.skipped("", dir, cwd);
        fs::remove_file(path).unwrap();
        assert!(matches!(reason, None | Some(SkipReason::IgnoredByProject)));
        reason.is_some()
    };
    fs::create_dir_all(world.base.join("home/work/acme/api/src/deep")).unwrap();
    assert!(ignored("home/work/acme/api", API, API));
    assert!(ignored("home/work/acme/api/src", API, API));
    assert!(ignored(
        "home/work/acme/api/src",
        API,
        "home/work/acme/api/src/deep"
    ));
    assert!(!ignored("home/work/acme/api/src/deep", API, API), "below");
    assert!(!ignored("home/work/acme", API, API), "above the root");
    assert!(!ignored("home", API, API), "the home");
    assert!(!ignored("home", APP, APP), "the home");
    assert!(ignored("home", "home", "home"), "working in the home");
    // A session may wander into another project, or out of its own.
    assert!(ignored("home/work/acme/api", APP, API));
    assert!(ignored(APP, APP, API));
    fs::create_dir_all(world.base.join("home/loose/deep")).unwrap();
    assert!(!ignored("home", APP, "home/loose/deep"), "the home");
    assert!(ignored("home/loose", APP, "home/loose/deep"));
    assert!(
        !ignored("home/work/acme", APP, API),
        "above the other repository"
    );
    assert!(!ignored(API, API, "no/longer/there"));
    assert!(ignored("home/work/acme/api", API, "no/longer/there"));
}

#[test]
fn nothing_inside_the_data_directory_is_captured() {
    let world = World::new();
    let reason = Some(SkipReason::DataDir);
    assert_eq!(world.skipped("", "data/x", "data/x"), reason);
    assert_eq!(world.skipped("", APP, "data"), reason);
    assert_eq!(world.skipped("", "data/x", APP), reason);
    assert_eq!(world.skipped("", APP, "data/not-there/yet"), reason);
    assert_eq!(world.skipped("", APP, "database"), None);
    symlink(
        world.base.join("data"),
        world.base.join("home/play/app/link"),
    )
    .unwrap();
    assert_eq!(world.skipped("", APP, "home/play/app/link/x"), reason);
    assert_eq!(world.skipped("", APP, "home/play/app/link/gone/y"), reason);
    // The data directory itself may be a link.
    symlink(world.base.join("data"), world.base.join("moved")).unwrap();
    let settings = Settings::from_parts(|_| None, world.base.join("moved"));
    let inside = project(&settings, &world.project(APP), &world.base.join("data/x"));
    assert_eq!(inside, reason);
}
