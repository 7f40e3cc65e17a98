//! What is written in a project is read in that project, however one got there,
//! and nowhere else.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Ran, Sandbox, Talk, assert_answer, binary, hook_for, run, told};

/// Where a session takes place.
struct Place<'a> {
    sandbox: &'a Sandbox,
    /// `CLAUDE_PROJECT_DIR`, which old hosts do not set.
    project_dir: Option<PathBuf>,
    /// The payload's, and where commands are run.
    cwd: PathBuf,
    environment: Vec<(&'static str, String)>,
}

impl<'a> Place<'a> {
    fn new(sandbox: &'a Sandbox, project_dir: Option<&Path>, cwd: &Path) -> Self {
        Self {
            sandbox,
            project_dir: project_dir.map(Path::to_owned),
            cwd: cwd.to_owned(),
            environment: Vec::new(),
        }
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.environment.push((name, value.to_owned()));
        self
    }

    fn command(&self, program: &str) -> Command {
        let mut command = self.sandbox.command(binary(program));
        command
            .current_dir(&self.cwd)
            .envs(self.environment.clone());
        command
    }

    fn hook(&self, payload: &serde_json::Value) -> Ran {
        let hook = hook_for(payload["hook_event_name"].as_str().unwrap());
        let mut command = self.command(hook);
        if let Some(dir) = &self.project_dir {
            command.env("CLAUDE_PROJECT_DIR", dir);
        }
        let ran = run(&mut command, payload.to_string().as_bytes());
        assert_answer(hook, &ran, &self.cwd.display().to_string());
        ran
    }

    /// A session about something.
    fn capture(&self, session: &str, topic: &str) {
        for payload in Talk::new(session, &self.cwd).decision("turn", topic) {
            drop(self.hook(&payload));
        }
    }

    /// What a new session here is told.
    fn told(&self) -> String {
        let ran = self.hook(&Talk::new("reader", &self.cwd).start("startup"));
        told(&ran.json())
    }

    fn claude_mem(&self, arguments: &[&str]) -> String {
        run(self.command("claude-mem").args(arguments), b"").success()
    }

    /// Everything that can be read here without asking for another project.
    fn everything(&self) -> String {
        [
            self.told(),
            self.claude_mem(&["context"]),
            self.claude_mem(&["list", "--json"]),
        ]
        .concat()
    }
}

/// The project that a session was filed under.
fn project_of(sandbox: &Sandbox, session: &str) -> String {
    sandbox
        .database()
        .query_row(
            "SELECT project FROM sdk_sessions WHERE content_session_id = ?1",
            [session],
            |row| row.get(0),
        )
        .unwrap_or_else(|error| panic!("{session}: {error}"))
}

fn git(sandbox: &Sandbox, directory: &Path, arguments: &[&str]) {
    let output = Command::new("git")
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", &sandbox.home)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .args(["-c", "user.name=T", "-c", "user.email=t@example.com"])
        .args([
            "-c",
            "protocol.file.allow=always",
            "-c",
            "init.defaultBranch=main",
        ])
        .args(arguments)
        .current_dir(directory)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn directory(path: &Path) -> PathBuf {
    std::fs::create_dir_all(path).unwrap();
    path.to_owned()
}

fn repository(sandbox: &Sandbox, path: &Path) -> PathBuf {
    directory(&path.join("src/deep"));
    git(sandbox, path, &["init", "-q"]);
    std::fs::write(path.join("src/deep/a.txt"), "a").unwrap();
    git(sandbox, path, &["add", "-A"]);
    git(sandbox, path, &["commit", "-q", "-m", "begin"]);
    path.to_owned()
}

/// A layout's name, a session in it, and the project that it belongs to.
type Layout<'a> = (&'static str, Place<'a>, &'static str);

/// A directory that is no repository, a marked one, and odd names.
fn plain_layouts(sandbox: &Sandbox) -> Vec<Layout<'_>> {
    let home = &sandbox.home;
    let plain = directory(&home.join("plain"));
    let below = directory(&plain.join("below"));
    let marked = directory(&home.join("marked/inner"));
    std::fs::write(home.join("marked/.claude-mem-project"), "the-marked-one\n").unwrap();
    let odd = directory(&home.join("Ödd näme 日本"));
    let chosen = directory(&home.join("something/else"));
    let removed = home.join("removed");
    let at = |project_dir: Option<&Path>, cwd: &Path| Place::new(sandbox, project_dir, cwd);
    let chosen = at(None, &chosen).with("CLAUDE_MEM_PROJECT", "chosen");
    vec![
        ("plain", at(None, &plain), "plain"),
        ("host's directory", at(Some(&plain), &below), "plain"),
        ("marker", at(None, &marked), "the-marked-one"),
        ("override", chosen, "chosen"),
        ("odd", at(None, &odd), "Ödd näme 日本"),
        // The host says where the session began, also after that has gone.
        ("host's removed", at(Some(&removed), home), "removed"),
    ]
}

/// A repository, and all that shares it.
fn git_layouts(sandbox: &Sandbox) -> Vec<Layout<'_>> {
    let home = &sandbox.home;
    let repo = repository(sandbox, &home.join("work/repo"));
    let deep = repo.join("src/deep");
    let worktree = directory(&home.join("elsewhere")).join("feature-x");
    let path = worktree.to_str().unwrap();
    git(
        sandbox,
        &repo,
        &["worktree", "add", "-q", path, "-b", "feature-x"],
    );
    let library = repository(sandbox, &home.join("upstream/parser"));
    let url = library.to_str().unwrap();
    git(
        sandbox,
        &repo,
        &["submodule", "--quiet", "add", url, "libs/parser"],
    );
    let submodule = repo.join("libs/parser");
    let link = home.join("link");
    std::os::unix::fs::symlink(&repo, &link).unwrap();
    let at = |project_dir: Option<&Path>, cwd: &Path| Place::new(sandbox, project_dir, cwd);
    let deep_in_worktree = at(None, &worktree.join("src/deep"));
    let deep_in_link = at(None, &link.join("src/deep"));
    vec![
        ("repository", at(Some(&repo), &repo), "repo"),
        ("deep", at(None, &deep), "repo"),
        ("host's and deep", at(Some(&repo), &deep), "repo"),
        ("worktree", at(Some(&worktree), &worktree), "repo/feature-x"),
        ("deep in worktree", deep_in_worktree, "repo/feature-x"),
        ("submodule", at(None, &submodule), "repo/libs-parser"),
        ("symlink", at(Some(&link), &link), "repo"),
        ("deep through symlink", deep_in_link, "repo"),
    ]
}

#[test]
fn reading_finds_what_writing_filed() {
    let sandbox = Sandbox::new();
    let layouts: Vec<Layout<'_>> = plain_layouts(&sandbox)
        .into_iter()
        .chain(git_layouts(&sandbox))
        .collect();
    for (layout, place, _) in &layouts {
        place.capture(layout, &format!("a thing of {layout}"));
    }
    sandbox.wait_for_quiet();
    let told = |wanted: &str| {
        let found = layouts.iter().find(|(layout, ..)| *layout == wanted);
        found.unwrap().1.told()
    };
    for (layout, place, name) in &layouts {
        assert_eq!(project_of(&sandbox, layout), *name, "{layout}");
        let topic = format!("thing of {layout} ");
        assert!(told(layout).contains(&topic), "{layout}: {}", told(layout));
        // A person stands in the session's directory, or anywhere in its
        // repository, and knows nothing of the host's variable.
        if layout.starts_with("host's") {
            continue;
        }
        for command in ["context", "list"] {
            let text = place.claude_mem(&[command]);
            assert!(text.contains(&topic), "{layout}: {text}");
        }
    }
    // The main repository and what belongs to it see each other.
    assert!(told("repository").contains("thing of worktree "));
    assert!(told("repository").contains("thing of submodule "));
    assert!(told("worktree").contains("thing of repository "));
    assert!(!told("worktree").contains("thing of submodule "));
    assert!(!told("plain").contains("thing of repository "));
    sandbox.assert_sound();
}

#[test]
fn two_clients_of_one_name_never_meet() {
    let sandbox = Sandbox::new();
    let tenants = [
        (
            repository(&sandbox, &sandbox.home.join("acme/app")),
            "zebrafish",
        ),
        (
            repository(&sandbox, &sandbox.home.join("globex/app")),
            "quicksilver",
        ),
        (directory(&sandbox.home.join("initech/app")), "marmalade"),
    ];
    for (number, (root, canary)) in tenants.iter().enumerate() {
        let place = Place::new(&sandbox, Some(root), root);
        place.capture(&format!("tenant{number}"), &format!("the {canary} ledger"));
    }
    sandbox.wait_for_quiet();
    let names: Vec<String> = (0..tenants.len())
        .map(|number| project_of(&sandbox, &format!("tenant{number}")))
        .collect();
    assert_eq!(names[0], "app");
    for name in &names[1..] {
        assert!(name.starts_with("app-") && name.len() > 9, "{names:?}");
    }
    assert_ne!(names[1], names[2]);
    for (root, own) in &tenants {
        let place = Place::new(&sandbox, Some(root), root);
        let text = place.everything();
        for (_, canary) in &tenants {
            assert_eq!(
                text.contains(canary),
                canary == own,
                "{canary} at {}: {text}",
                root.display()
            );
        }
    }
}

#[test]
fn a_search_stays_in_its_project() {
    let sandbox = Sandbox::new();
    let roots = ["acme", "globex"].map(|name| directory(&sandbox.home.join(name)));
    let canaries = ["zebrafish", "quicksilver"];
    let places = roots
        .each_ref()
        .map(|root| Place::new(&sandbox, Some(root), root));
    for (place, canary) in places.iter().zip(canaries) {
        place.capture(canary, &format!("the {canary} ledger"));
    }
    sandbox.wait_for_quiet();
    for (place, own) in places.iter().zip(canaries) {
        for canary in canaries {
            let title = format!("he {canary} ledger");
            for words in [canary, "kept SQLite decision"] {
                let found = place.claude_mem(&["search", words, "--json"]);
                assert_eq!(
                    found.contains(&title),
                    canary == own,
                    "{words}, from {own}: {found}"
                );
            }
            let found = place.claude_mem(&["search", "--all", canary, "--json"]);
            assert!(found.contains(&title), "{found}");
        }
    }
}

#[test]
fn home_and_temporary_directories_are_no_projects() {
    let mut sandbox = Sandbox::new();
    let temporary = directory(&sandbox.root.path().join("tmp"));
    sandbox.set("TMPDIR", temporary.as_os_str());
    for (session, directory) in [("at-home", &sandbox.home), ("in-tmp", &temporary)] {
        let place = Place::new(&sandbox, Some(directory), directory);
        place.capture(session, "the zebrafish ledger");
        sandbox.wait_for_quiet();
        assert_eq!(project_of(&sandbox, session), "unfiled");
        assert_eq!(place.told(), "", "what lies anywhere is told nowhere");
    }
    let real = Place::new(&sandbox, None, &sandbox.project);
    let text = real.everything();
    assert!(!text.contains("zebrafish"), "{text}");
    // Captured all the same: a person can ask for it.
    let text = real.claude_mem(&["list", "--project", "unfiled"]);
    assert!(text.contains("ebrafish"), "{text}");
}

#[test]
fn what_is_excluded_is_neither_captured_nor_told() {
    let mut sandbox = Sandbox::new();
    let secret = repository(&sandbox, &sandbox.home.join("clients/secret-x"));
    let ignored = repository(&sandbox, &sandbox.home.join("ignored"));
    let open = repository(&sandbox, &sandbox.home.join("open"));
    std::fs::write(ignored.join(".claude-mem-ignore"), "").unwrap();
    let partly = directory(&open.join("vault"));
    std::fs::write(partly.join(".claude-mem-ignore"), "").unwrap();
    // Something to tell, captured before it was excluded.
    Place::new(&sandbox, Some(&secret), &secret).capture("before", "the zebrafish ledger");
    sandbox.wait_for_quiet();
    sandbox.set("CLAUDE_MEM_EXCLUDED_PROJECTS", "~/clients/*,nothing-else");
    for (session, root, cwd) in [
        ("x1", &secret, &secret),
        ("x2", &secret, &secret.join("src/deep")),
        ("x3", &ignored, &ignored.join("src/deep")),
        ("x4", &open, &partly),
    ] {
        let place = Place::new(&sandbox, Some(root), cwd);
        place.capture(session, "the quicksilver ledger");
        assert_eq!(place.told(), "", "{session}");
    }
    sandbox.wait_for_quiet();
    let found = sandbox.files_with(b"quicksilver");
    assert!(found.is_empty(), "{found:?}");
    let place = Place::new(&sandbox, Some(&open), &open);
    place.capture("o1", "the marmalade ledger");
    sandbox.wait_for_quiet();
    assert_eq!(project_of(&sandbox, "o1"), "open");
    assert!(place.told().contains("marmalade"));
}

#[test]
fn work_inside_the_data_directory_is_not_captured() {
    let sandbox = Sandbox::new();
    drop(sandbox.event(&Talk::new("first", &sandbox.project).prompt("p", "Begin.")));
    sandbox.wait_for_quiet();
    let inside = directory(&sandbox.data.join("observer"));
    Place::new(&sandbox, Some(&inside), &inside).capture("inside", "the quicksilver ledger");
    sandbox.wait_for_quiet();
    assert!(sandbox.files_with(b"quicksilver").is_empty());
}
