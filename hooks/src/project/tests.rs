//! Directory layouts as people have them, made with plain files, and with git where only git knows
//! what a linked work tree or a submodule looks like.

mod claims;
mod repositories;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::{Kind, Project, Request, Scope, read_scope, resolve};

/// A machine of its own: a home, a place for repositories outside it, a temporary root.
struct World {
    _directory: TempDir,
    base: PathBuf,
}

impl World {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let base = fs::canonicalize(directory.path()).unwrap();
        for name in ["home", "srv", "temporary", "data"] {
            fs::create_dir(base.join(name)).unwrap();
        }
        Self {
            _directory: directory,
            base,
        }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.base.join(path)
    }

    fn dir(&self, path: &str) -> PathBuf {
        let path = self.path(path);
        fs::create_dir_all(&path).unwrap();
        path
    }

    /// A repository as git leaves it after `init`, as far as this crate looks.
    fn repository(&self, path: &str, origin: Option<&str>) -> PathBuf {
        let top = self.dir(path);
        fs::create_dir_all(top.join(".git/objects")).unwrap();
        fs::create_dir_all(top.join(".git/refs/heads")).unwrap();
        fs::write(top.join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
        let config = origin.map_or(String::new(), |url| {
            format!("[core]\n\tbare = false\n[remote \"origin\"]\n\tfetch = +refs\n\turl = {url}\n")
        });
        fs::write(top.join(".git/config"), config).unwrap();
        top
    }

    fn ask(&self, dir: &Path, name_override: Option<&str>, claim: bool) -> Project {
        resolve(&Request {
            dir,
            home: Some(&self.path("home")),
            temp_dir: &self.path("temporary"),
            data_dir: &self.path("data"),
            name_override,
            claim,
        })
    }

    /// The project as a hook finds it; a reader must find the same one before and after.
    fn project(&self, dir: impl AsRef<Path>) -> Project {
        let dir = self.base.join(dir);
        let before = self.ask(&dir, None, false);
        let written = self.ask(&dir, None, true);
        assert_eq!(before, written, "a reader before the first claim");
        assert_eq!(self.ask(&dir, None, false), written, "a reader after it");
        assert_eq!(self.ask(&dir, None, true), written, "the next hook");
        written
    }

    fn name(&self, dir: impl AsRef<Path>) -> String {
        self.project(dir).name
    }

    fn git(&self, dir: &str, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .args(["-c", "protocol.file.allow=always", "-c", "user.name=a"])
            .args([
                "-c",
                "user.email=a@example.com",
                "-c",
                "init.defaultBranch=main",
            ])
            .args(arguments)
            .current_dir(self.dir(dir))
            .env("HOME", self.path("home"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "git {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// A real repository with one commit.
    fn real(&self, path: &str) -> PathBuf {
        self.git(path, &["init", "-q"]);
        self.git(path, &["commit", "-q", "--allow-empty", "-m", "first"]);
        self.path(path)
    }
}

fn summary(project: &Project) -> (&str, Option<&str>, Kind) {
    (&project.name, project.parent.as_deref(), project.kind)
}

#[test]
fn a_plain_directory_is_itself() {
    let world = World::new();
    world.dir("srv/notes/deep");
    let project = world.project("srv/notes");
    assert_eq!(summary(&project), ("notes", None, Kind::Directory));
    assert_eq!(project.root, world.path("srv/notes"));
    assert_eq!(project.git_dir, None);
    assert_eq!(world.name("srv/notes/deep"), "deep");
}

#[test]
fn every_directory_of_a_repository_is_the_repository() {
    let world = World::new();
    let top = world.repository("srv/billing", None);
    world.dir("srv/billing/src/deep");
    for dir in [
        "srv/billing",
        "srv/billing/src/deep",
        "srv/billing/.git/refs",
    ] {
        let project = world.project(dir);
        assert_eq!(summary(&project), ("billing", None, Kind::Git), "{dir}");
        assert_eq!(project.root, top, "{dir}");
        assert_eq!(project.git_dir, Some(top.join(".git")), "{dir}");
    }
}

#[test]
fn an_empty_git_directory_is_no_repository() {
    let world = World::new();
    world.repository("srv/outer", None);
    world.dir("srv/outer/inner/.git");
    assert_eq!(world.name("srv/outer/inner"), "outer");
}

#[test]
fn a_missing_directory_belongs_to_what_is_left_above_it() {
    let world = World::new();
    world.repository("srv/billing", None);
    assert_eq!(world.name("srv/billing/gone/../removed/src"), "billing");
    let project = world.project("/no-such-root/elsewhere/app");
    assert_eq!(summary(&project), ("app", None, Kind::Directory));
    assert_eq!(project.root, Path::new("/no-such-root/elsewhere/app"));
}

#[test]
fn a_symbolic_link_leads_to_the_same_project() {
    let world = World::new();
    let top = world.repository("srv/billing", None);
    world.dir("srv/billing/src");
    symlink(&top, world.path("home/link")).unwrap();
    let direct = world.project("srv/billing/src");
    assert_eq!(world.project("home/link/src"), direct);
    assert_eq!(world.project("home/link/not-there"), direct);
}

#[test]
fn home_temporary_root_and_slash_are_no_projects() {
    let world = World::new();
    fs::write(world.path("home/.claude-mem-project"), "mine\n").unwrap();
    for dir in ["home", "temporary", "/", "/tmp", "home/../home/."] {
        let project = world.project(dir);
        assert_eq!(summary(&project), ("unfiled", None, Kind::Unfiled), "{dir}");
    }
    for dir in ["", &"/x".repeat(500_000)] {
        let project = world.ask(Path::new(dir), None, true);
        assert_eq!(project.kind, Kind::Unfiled);
    }
    assert_eq!(world.name(world.dir("home/work")), "work");
    assert_eq!(world.name(world.dir("temporary/job")), "job");
    assert!(
        !world.path("data/projects/unfiled.json").exists(),
        "nobody owns what is in no project"
    );
}

#[test]
fn dotfiles_in_the_home_do_not_swallow_what_is_below() {
    let world = World::new();
    world.repository("home", Some("git@example.com:me/dotfiles.git"));
    world.dir("home/work/app");
    let project = world.project("home/work/app");
    assert_eq!(summary(&project), ("app", None, Kind::Directory));
    assert_eq!(world.project("home").kind, Kind::Unfiled);
    // A linked work tree and a submodule of that repository stand alone too.
    world.dir("home/.git/worktrees/dots");
    fs::write(
        world.path("home/.git/worktrees/dots/HEAD"),
        "ref: refs/heads/x",
    )
    .unwrap();
    fs::write(world.path("home/.git/worktrees/dots/commondir"), "../..\n").unwrap();
    let pointer = world.path("home/.git/worktrees/dots");
    fs::write(
        world.dir("srv/dots").join(".git"),
        format!("gitdir: {}\n", pointer.display()),
    )
    .unwrap();
    let project = world.project("srv/dots");
    assert_eq!(summary(&project), ("dots", None, Kind::Worktree));
}

#[test]
fn a_marker_names_the_project() {
    let world = World::new();
    let top = world.repository("srv/monorepo", None);
    world.dir("srv/monorepo/packages/ui/src");
    let marker = "packages/ui/.claude-mem-project";
    fs::write(top.join(marker), "  design system \nsecond line\n").unwrap();
    let project = world.project("srv/monorepo/packages/ui/src");
    assert_eq!(summary(&project), ("design system", None, Kind::Marker));
    assert_eq!(project.root, top);
    assert_eq!(world.name("srv/monorepo"), "monorepo");
    // A marker above the top of a repository belongs to something else.
    fs::write(world.path("srv/.claude-mem-project"), "all\n").unwrap();
    assert_eq!(world.name("srv/monorepo"), "monorepo");
    assert_eq!(world.name(world.dir("srv/loose/deep")), "all");
    for empty in ["", "\n", " .. \n"] {
        fs::write(top.join(marker), empty).unwrap();
        assert_eq!(world.name("srv/monorepo/packages/ui"), "monorepo");
    }
    // A directory that is only called like a chosen name is another project.
    assert_ne!(world.name(world.repository("home/all", None)), "all");
}

#[test]
fn an_override_wins() {
    let world = World::new();
    let top = world.repository("srv/billing", None);
    fs::write(top.join(".claude-mem-project"), "marked").unwrap();
    for claim in [false, true] {
        let project = world.ask(&top, Some("Client A/../x\n"), claim);
        assert_eq!(summary(&project), ("Client A-..-x", None, Kind::Override));
        assert_eq!(project.root, top);
        assert_eq!(world.ask(&top, Some("  "), claim).name, "marked");
    }
    let project = world.ask(&world.path("home"), Some("home"), true);
    assert_eq!(summary(&project), ("home", None, Kind::Override));
}

#[test]
fn a_reader_sees_up_and_down_but_not_sideways() {
    let world = World::new();
    world.real("srv/billing");
    world.git("srv/billing", &["worktree", "add", "-q", "../wt/x"]);
    assert_eq!(
        read_scope(&world.project("srv/billing")),
        Scope {
            exact: vec!["billing".to_owned()],
            children_of: Some("billing".to_owned())
        }
    );
    assert_eq!(
        read_scope(&world.project("srv/wt/x")),
        Scope {
            exact: vec!["billing/x".to_owned(), "billing".to_owned()],
            children_of: None
        }
    );
    assert_eq!(
        read_scope(&world.project("home")),
        Scope {
            exact: vec!["unfiled".to_owned()],
            children_of: None
        }
    );
}
