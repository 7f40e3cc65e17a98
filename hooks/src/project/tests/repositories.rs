//! Linked work trees, submodules, bare repositories, and what is checked out in them.

use std::fs;

use super::{World, summary};
use crate::project::{Kind, git_head};

#[test]
fn a_live_worktree_belongs_to_its_main_repository() {
    let world = World::new();
    world.real("srv/billing");
    world.git("srv/billing", &["worktree", "add", "-q", "../wt/feature-x"]);
    world.git(
        "srv/billing",
        &[
            "worktree",
            "add",
            "-q",
            "../other/feature-x",
            "-b",
            "second",
        ],
    );
    world.dir("srv/wt/feature-x/src");
    let project = world.project("srv/wt/feature-x/src");
    assert_eq!(
        summary(&project),
        ("billing/feature-x", Some("billing"), Kind::Worktree)
    );
    assert_eq!(project.root, world.path("srv/wt/feature-x"));
    assert_eq!(
        git_head(&project),
        (
            Some("feature-x".to_owned()),
            Some(world.git("srv/billing", &["rev-parse", "HEAD"]))
        )
    );
    // Git tells two work trees in directories of one name apart, and so does the project.
    assert_eq!(world.name("srv/other/feature-x"), "billing/feature-x1");
    assert_eq!(world.name("srv/billing"), "billing");
    // A work tree whose directory was deleted is found again inside the main one only.
    world.git(
        "srv/billing",
        &["worktree", "add", "-q", ".claude/worktrees/fix"],
    );
    assert_eq!(
        world.name("srv/billing/.claude/worktrees/fix"),
        "billing/fix"
    );
    fs::remove_dir_all(world.path("srv/billing/.claude/worktrees/fix")).unwrap();
    assert_eq!(world.name("srv/billing/.claude/worktrees/fix"), "billing");
}

#[test]
fn a_worktree_keeps_its_name_when_the_main_repository_moves() {
    let world = World::new();
    world.real("srv/billing");
    world.git("srv/billing", &["worktree", "add", "-q", "../wt/feature-x"]);
    assert_eq!(world.name("srv/wt/feature-x"), "billing/feature-x");
    world.dir("srv/new");
    fs::rename(world.path("srv/billing"), world.path("srv/new/billing")).unwrap();
    let project = world.project("srv/wt/feature-x");
    assert_eq!(
        summary(&project),
        ("billing/feature-x", Some("billing"), Kind::Worktree)
    );
    assert_eq!(project.git_dir, None);
    assert_eq!(git_head(&project), (None, None));
    // The main repository was used at its new place, so its claim has moved on.
    assert_eq!(world.name("srv/new/billing"), "billing");
    assert_eq!(world.name("srv/wt/feature-x"), "billing/feature-x");
}

#[test]
fn someone_elses_broken_worktree_does_not_join() {
    let world = World::new();
    assert_eq!(
        world.name(world.repository("srv/a/billing", None)),
        "billing"
    );
    let top = world.dir("srv/b/wt");
    fs::write(
        top.join(".git"),
        "gitdir: /gone/b/billing/.git/worktrees/wt",
    )
    .unwrap();
    let project = world.project("srv/b/wt");
    assert_eq!(project.kind, Kind::Worktree);
    let parent = project.parent.unwrap();
    assert!(parent.starts_with("billing-"), "{parent}");
    assert_eq!(project.label, "billing/wt");
}

#[test]
fn a_broken_pointer_is_a_directory() {
    let world = World::new();
    for (index, text) in [
        "",
        "gitdir:",
        "gitdir: \0",
        "gitdir: ../nowhere",
        "\u{fffd}",
    ]
    .iter()
    .enumerate()
    {
        let dir = format!("srv/broken{index}");
        fs::write(world.dir(&dir).join(".git"), text).unwrap();
        assert_eq!(world.project(&dir).kind, Kind::Directory, "{text:?}");
    }
}

#[test]
fn a_submodule_belongs_to_its_superproject() {
    let world = World::new();
    world.real("srv/parser");
    world.real("srv/shop");
    world.git(
        "srv/shop",
        &["submodule", "--quiet", "add", "../parser", "libs/parser"],
    );
    world.dir("srv/shop/libs/parser/src");
    let project = world.project("srv/shop/libs/parser/src");
    assert_eq!(
        summary(&project),
        ("shop/libs-parser", Some("shop"), Kind::Submodule)
    );
    assert_eq!(project.root, world.path("srv/shop/libs/parser"));
    assert_eq!(git_head(&project).0.as_deref(), Some("main"));
    assert_eq!(
        summary(&world.project("srv/shop")),
        ("shop", None, Kind::Git)
    );
    // In a linked work tree of the superproject its repository lies elsewhere.
    world.git("srv/shop", &["commit", "-q", "-m", "add"]);
    world.git("srv/shop", &["worktree", "add", "-q", "../wt"]);
    world.git("srv/wt", &["submodule", "--quiet", "update", "--init"]);
    assert_eq!(world.name("srv/wt/libs/parser"), "shop/libs-parser");
}

#[test]
fn a_bare_repository_and_its_worktrees() {
    let world = World::new();
    world.real("srv/seed");
    world.git("srv", &["clone", "-q", "--bare", "seed", "store/foo.git"]);
    world.git(
        "srv/store/foo.git",
        &["worktree", "add", "-q", "../../wt/main"],
    );
    let project = world.project("srv/wt/main");
    assert_eq!(summary(&project), ("foo/main", Some("foo"), Kind::Worktree));
    assert_eq!(
        summary(&world.project("srv/store/foo.git")),
        ("foo", None, Kind::Git)
    );
    assert_eq!(world.name("srv/store/foo.git/refs"), "foo");

    // The repository hidden beside its work trees.
    world.git("srv", &["clone", "-q", "--bare", "seed", "bar/.bare"]);
    fs::write(world.path("srv/bar/.git"), "gitdir: ./.bare\n").unwrap();
    world.git(
        "srv/bar",
        &["worktree", "add", "-q", "trunk", "-b", "trunk"],
    );
    assert_eq!(world.name("srv/bar"), "bar");
    assert_eq!(world.name("srv/bar/trunk"), "bar/trunk");
    assert_eq!(world.name("srv/bar/.bare"), "bar");
}

#[test]
fn a_repository_kept_elsewhere_is_called_like_its_work_tree() {
    let world = World::new();
    world.dir("srv/storage");
    world.git(
        "srv/app",
        &["init", "-q", "--separate-git-dir", "../storage/7f3a"],
    );
    let project = world.project("srv/app");
    assert_eq!(summary(&project), ("app", None, Kind::Git));
    assert_eq!(project.git_dir, Some(world.path("srv/storage/7f3a")));
}

#[test]
fn head_is_read_from_every_form_of_ref() {
    let world = World::new();
    let top = world.repository("srv/app", None);
    let head = |text: &str| {
        fs::write(top.join(".git/HEAD"), text).unwrap();
        git_head(&world.project("srv/app"))
    };
    let hash = "0123456789abcdef0123456789abcdef01234567".to_owned();
    let main = Some("main".to_owned());
    assert_eq!(
        head("ref: refs/heads/main\n"),
        (main.clone(), None),
        "no commit yet"
    );
    fs::write(
        top.join(".git/packed-refs"),
        format!(
            "# pack-refs with: peeled\n{} refs/remotes/x/refs/heads/main\n{hash} refs/heads/main\n^{hash}\n",
            "f".repeat(40)
        ),
    )
    .unwrap();
    assert_eq!(
        head("ref: refs/heads/main\n"),
        (main.clone(), Some(hash.clone()))
    );
    let loose = "a".repeat(40);
    fs::write(top.join(".git/refs/heads/main"), format!("{loose}\n")).unwrap();
    assert_eq!(head("ref: refs/heads/main"), (main, Some(loose.clone())));
    assert_eq!(head(&format!("{hash}\n")), (None, Some(hash)));
    fs::write(top.join(".git/refs/heads/alias"), "ref: refs/heads/main").unwrap();
    assert_eq!(head("ref: refs/heads/alias").1, Some(loose));
    fs::write(top.join(".git/refs/heads/loop"), "ref: refs/heads/loop").unwrap();
    assert_eq!(
        head("ref: refs/heads/loop"),
        (Some("loop".to_owned()), None)
    );
    fs::write(world.path("srv/secret"), "b".repeat(40)).unwrap();
    assert_eq!(head("ref: ../../secret").1, None);
    assert_eq!(head("ref: refs/heads/.invalid"), (None, None));
    assert_eq!(head("nonsense"), (None, None));
}
