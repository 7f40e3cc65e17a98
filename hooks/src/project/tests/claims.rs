//! Names that two projects want, and projects that are known again.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::World;
use crate::project::path::part;
use crate::project::{Request, resolve};

#[test]
fn one_name_in_two_places_is_two_projects() {
    let world = World::new();
    let first = world.repository("home/a/app", Some("https://example.com/a/app"));
    let second = world.repository("home/b/app", Some("https://example.com/b/app"));
    let third = world.dir("home/c/app");
    assert_eq!(world.name(&first), "app");
    let names: HashSet<String> = [&first, &second, &third].map(|dir| world.name(dir)).into();
    assert_eq!(names.len(), 3, "{names:?}");
    let second_name = world.name(&second);
    assert_eq!(second_name.len(), "app-123456".len());
    assert_eq!(world.project(&second).label, "app");
    assert_eq!(world.ask(&second, None, true).name, second_name);

    // What was stored under the short name stays out of reach when its owner has gone.
    fs::remove_dir_all(&first).unwrap();
    fs::remove_file(world.path("data/projects/app.json")).unwrap();
    assert_eq!(world.name(&second), second_name);

    // The longer name survives a change of the identity it was made from.
    fs::write(
        second.join(".git/config"),
        "[remote \"origin\"]\nurl=https://example.com/new\n",
    )
    .unwrap();
    assert_eq!(world.name(&second), second_name);
}

#[test]
fn one_origin_cloned_twice_is_one_project() {
    let world = World::new();
    let spellings = [
        "https://example.com/team/app.git",
        "https://me:to@ken@Example.com/team/app",
        "git@example.com:team/app.git",
        "ssh://git@example.com/team/app/",
        "https://example.com/team/app.git?token=secret",
    ];
    for (index, url) in spellings.iter().enumerate() {
        let dir = world.repository(&format!("srv/{index}/app"), Some(url));
        assert_eq!(world.name(dir), "app", "{url}");
    }
    let claim = fs::read_to_string(world.path("data/projects/app.json")).unwrap();
    assert!(claim.contains("origin:example.com/team/app\""), "{claim}");
    let other = world.repository("srv/other/app", Some("https://example.com/Team/app"));
    assert_ne!(world.name(other), "app");
}

#[test]
fn credentials_of_an_origin_are_not_stored() {
    let world = World::new();
    for (name, url) in [
        ("plain", "https://user:hunter2@example.com/x"),
        ("query", "https://example.com/x?key=hunter2"),
        ("at", "https://user:hun@hunter2@example.com/x"),
        ("short", "hunter2@example.com:x"),
    ] {
        world.name(world.repository(&format!("srv/{name}"), Some(url)));
        let claim = fs::read_to_string(world.path(&format!("data/projects/{name}.json"))).unwrap();
        assert!(!claim.contains("hunter2"), "{claim}");
        assert!(claim.contains("origin:example.com/x"), "{claim}");
    }
}

#[test]
fn a_moved_directory_stays_the_same_project() {
    let world = World::new();
    world.dir("srv/new");
    let plain = world.dir("srv/notes");
    let repository = world.repository("srv/billing", None);
    for (old, new) in [(plain, "srv/new/notes"), (repository, "srv/new/billing")] {
        let name = world.name(&old);
        fs::rename(&old, world.path(new)).unwrap();
        assert_eq!(world.name(new), name);
        let claim = fs::read_to_string(world.path(&format!("data/projects/{name}.json"))).unwrap();
        assert!(claim.contains("/srv/new/"), "{claim}");
        // The old place is free for someone else, who does not get the old memories.
        fs::create_dir(&old).unwrap();
        assert_ne!(world.name(&old), name);
        assert_eq!(world.name(new), name);
    }
}

#[test]
fn an_inode_number_alone_does_not_make_a_directory_known() {
    let world = World::new();
    let first = world.dir("srv/a/app");
    assert_eq!(world.name(&first), "app");
    // Rewrites the claim as it would look if the second directory had got the first one's number.
    let second = world.dir("srv/b/app");
    let metadata = fs::metadata(&second).unwrap();
    let path = world.path("data/projects/app.json");
    let recycled = format!(
        r#"{{"name":"app","root":{:?},"identity":"inode:{}:{}"}}"#,
        world.path("srv/gone/app"),
        metadata.dev(),
        metadata.ino()
    );
    fs::write(&path, recycled).unwrap();
    if metadata.created().is_ok() {
        assert_ne!(world.name(&second), "app");
    }
}

#[test]
fn a_directory_did_not_move_while_something_is_at_its_old_place() {
    let world = World::new();
    let old = world.dir("srv/a/app");
    let dir = world.dir("srv/b/app");
    assert_eq!(world.name(&dir), "app");
    let path = world.path("data/projects/app.json");
    let claim = fs::read_to_string(&path).unwrap();
    let claim = claim.replace(dir.to_str().unwrap(), old.to_str().unwrap());
    fs::write(&path, claim).unwrap();
    assert_ne!(world.name(&dir), "app");
}

#[test]
fn a_repository_made_of_a_known_directory_keeps_its_name() {
    let world = World::new();
    assert_eq!(world.name(world.dir("srv/app")), "app");
    world.repository("srv/app", Some("https://example.com/app"));
    assert_eq!(world.name("srv/app"), "app");
    // Its claim now knows the origin, so that it is found again on another disk.
    let clone = world.repository("srv/copy/app", Some("https://example.com/app"));
    assert_eq!(world.name(clone), "app");
}

#[test]
fn odd_names_are_kept_readable_and_apart() {
    let world = World::new();
    let long = "n".repeat(250);
    let cases = [
        ("my app", "my app"),
        ("проект 日本", "проект 日本"),
        (".config", ".config"),
        ("...", "unnamed"),
        ("a\nb", "a-b"),
        ("rtl\u{202e}x", "rtl-x"),
        ("App", "App"),
        ("app", "app"),
    ];
    for (directory, name) in cases {
        assert_eq!(world.name(world.dir(&format!("srv/{directory}"))), name);
    }
    let other = format!("{}x", &long[1..]);
    let first = world.name(world.dir(&format!("srv/{long}")));
    let second = world.name(world.dir(&format!("srv/{other}")));
    assert!(
        first.len() < 80 && second.len() < 80 && first != second,
        "{first}"
    );
    assert_ne!(part(&format!("{long}a")), part(&format!("{long}b")));
    let unicode = "語".repeat(80);
    assert!(
        world
            .name(world.dir(&format!("srv/{unicode}")))
            .chars()
            .count()
            < 80
    );
    let three_hundred = "x".repeat(300);
    assert!(
        world
            .name(format!("srv/{three_hundred}"))
            .starts_with("xxx")
    );
    assert!(world.name(world.dir("srv/unfiled")).starts_with("unfiled-"));
    // Every one of them has a claim file of its own.
    let mut names = HashSet::new();
    for entry in fs::read_dir(world.path("data/projects")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(names.insert(name.to_lowercase()), "{name}");
    }
    assert_eq!(names.len(), cases.len() + 5, "{names:?}");
}

#[test]
fn names_that_are_not_utf8_stay_apart() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let world = World::new();
    let names: HashSet<String> = [&b"x\xff"[..], b"x\xfe"]
        .map(|name| {
            let dir = world.path("srv").join(OsStr::from_bytes(name));
            fs::create_dir(&dir).unwrap();
            world.name(dir)
        })
        .into();
    assert_eq!(names.len(), 2, "{names:?}");
}

#[test]
fn two_hundred_hooks_at_once_agree() {
    let world = World::new();
    let dirs: Vec<PathBuf> = (0..4)
        .map(|index| world.dir(&format!("srv/{index}/app")))
        .collect();
    let start = std::sync::Barrier::new(200);
    let names: HashSet<(usize, String)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..200)
            .map(|index| {
                let (world, dirs, start) = (&world, &dirs, &start);
                scope.spawn(move || {
                    start.wait();
                    (index % 4, world.ask(&dirs[index % 4], None, true).name)
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(names.len(), 4, "one name for each directory: {names:?}");
    let distinct: HashSet<&String> = names.iter().map(|(_, name)| name).collect();
    assert_eq!(distinct.len(), 4, "no name for two: {names:?}");
    let files: Vec<String> = fs::read_dir(world.path("data/projects"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != ".lock")
        .collect();
    assert_eq!(files.len(), 4, "nothing is left behind: {files:?}");
}

#[test]
fn a_corrupt_claim_is_replaced_by_writers_alone() {
    let world = World::new();
    let dir = world.dir("srv/app");
    let path = world.dir("data/projects").join("app.json");
    for corrupt in ["", "{", "[]", r#"{"name":"other","root":"/x"}"#] {
        fs::write(&path, corrupt).unwrap();
        assert_eq!(world.ask(&dir, None, false).name, "app");
        assert_eq!(fs::read_to_string(&path).unwrap(), corrupt);
        assert_eq!(world.ask(&dir, None, true).name, "app");
        let claim = fs::read_to_string(&path).unwrap();
        assert!(claim.contains("\"root\""), "{claim}");
    }
}

#[test]
fn claims_are_private() {
    let world = World::new();
    let data = world.path("data/deeper");
    let dir = world.dir("srv/app");
    resolve(&Request {
        dir: &dir,
        home: None,
        temp_dir: Path::new("/nowhere"),
        data_dir: &data,
        name_override: None,
        claim: true,
    });
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    assert_eq!(mode(&data.join("projects")), 0o700);
    assert_eq!(mode(&data.join("projects/app.json")), 0o600);
}

#[test]
fn readers_write_nothing() {
    let world = World::new();
    let dir = world.dir("srv/app");
    world.ask(&dir, None, false);
    world.ask(&dir, Some("chosen"), false);
    assert!(!world.path("data/projects").exists());
}

#[test]
fn an_unusable_data_directory_costs_only_the_claim() {
    let world = World::new();
    fs::write(world.path("data/projects"), "a file").unwrap();
    assert_eq!(world.ask(&world.dir("srv/app"), None, true).name, "app");
    assert_eq!(world.ask(&world.dir("srv/app"), Some("x"), true).name, "x");
}
