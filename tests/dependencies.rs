//! Who may know whom: the crates that the hook executables link, and the
//! directions between the parts that ARCHITECTURE.md draws.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Crates that a member needs at run time or to build its derives.
fn crates(member: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--offline",
            "--locked",
            "-e",
            "normal",
            "--prefix",
            "none",
        ])
        .args(["--no-dedupe", "--format", "{p}", "-p", member])
        .current_dir(ROOT)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

/// `serde`, `serde_json` and what these are made of.
const SERDE: [&str; 11] = [
    "itoa",
    "memchr",
    "proc-macro2",
    "quote",
    "serde",
    "serde_core",
    "serde_derive",
    "serde_json",
    "syn",
    "unicode-ident",
    "zmij",
];

fn assert_crates(member: &str, more: &[&str]) {
    let expected: BTreeSet<String> = SERDE
        .iter()
        .chain(more)
        .map(|name| (*name).to_owned())
        .collect();
    let found = crates(member);
    assert_eq!(
        found, expected,
        "{member} is on the critical path of every tool call (or of every client): weigh what a new crate costs, then list it here"
    );
}

#[test]
fn hooks_link_next_to_nothing() {
    assert_crates(
        "hooks",
        &[
            "arrayvec",
            "bitflags",
            "cfg-if",
            "errno",
            "fast-glob",
            "getrandom",
            "hooks",
            "libc",
            "memoffset",
            "nix",
            "signal-hook",
            "signal-hook-registry",
            "sockets-protocol",
            "uuid",
        ],
    );
}

#[test]
fn the_protocol_needs_serde_alone() {
    assert_crates("sockets-protocol", &["sockets-protocol"]);
}

/// Source files below a folder of the repository.
fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    fn walk(directory: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in std::fs::read_dir(directory).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    let mut found = Vec::new();
    walk(&Path::new(ROOT).join(folder), &mut found);
    assert!(!found.is_empty(), "{folder} has no sources");
    found
}

/// The code of a file, without comments and without what is compiled for tests
/// alone: tests may look behind the scenes.
fn code(text: &str) -> String {
    let mut kept = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.trim_start().starts_with("//") {
            continue;
        }
        if line.starts_with("#[cfg(test)]") {
            // To the end of the item, which the formatter puts at the margin.
            let _ = lines.find(|line| line.starts_with('}') || is_declaration(line));
            continue;
        }
        kept.push(line);
    }
    kept.join("\n")
}

fn is_declaration(line: &str) -> bool {
    !line.starts_with([' ', '#', '}']) && line.ends_with(';')
}

/// Names of modules that are declared for tests alone.
fn test_modules(files: &[(PathBuf, String)]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (_, text) in files {
        let lines: Vec<&str> = text.lines().collect();
        for pair in lines.windows(3).filter(|pair| pair[0] == "#[cfg(test)]") {
            let path = pair[1]
                .strip_prefix("#[path = \"")
                .and_then(|rest| rest.strip_suffix(".rs\"]"));
            let declared = pair[1]
                .split_once("mod ")
                .and_then(|(_, rest)| rest.strip_suffix(';'));
            names.extend(path.or(declared).map(str::to_owned));
        }
    }
    names
}

fn is_test(path: &Path, modules: &BTreeSet<String>) -> bool {
    path.with_extension("").components().any(|part| {
        part.as_os_str()
            .to_str()
            .is_some_and(|part| modules.contains(part))
    })
}

/// The code of a folder, file by file.
fn code_of(folder: &str) -> Vec<(PathBuf, String)> {
    let files = sources(folder);
    let modules = test_modules(&files);
    files
        .into_iter()
        .filter(|(path, _)| !is_test(path.strip_prefix(ROOT).unwrap(), &modules))
        .map(|(path, text)| (path, code(&text)))
        .collect()
}

/// Whether the text has `word` with no letter, digit or underscore beside it.
fn has_word(text: &str, word: &str) -> bool {
    let is_part = |character: char| character.is_alphanumeric() || character == '_';
    text.match_indices(word).any(|(at, _)| {
        !text[..at].ends_with(is_part) && !text[at + word.len()..].starts_with(is_part)
    })
}

fn assert_without(folder: &str, words: &[&str]) {
    for (path, code) in code_of(folder) {
        for word in words {
            assert!(!has_word(&code, word), "{} mentions {word}", path.display());
        }
    }
}

#[test]
fn sql_is_in_the_store_alone() {
    const SQL: [&str; 8] = [
        "SELECT ",
        "INSERT INTO",
        "INSERT OR",
        "DELETE FROM",
        "CREATE TABLE",
        "PRAGMA ",
        "BEGIN IMMEDIATE",
        "rusqlite",
    ];
    for folder in ["src", "hooks/src", "sockets-protocol/src"] {
        for (path, code) in code_of(folder) {
            if path.starts_with(Path::new(ROOT).join("src/store")) {
                continue;
            }
            for word in SQL {
                assert!(!code.contains(word), "{} has {word:?}", path.display());
            }
        }
    }
}

#[test]
fn parts_know_each_other_in_one_direction() {
    let all = [
        "agent",
        "bench",
        "commands",
        "configuration",
        "context",
        "embedding",
        "health",
        "http",
        "lock_file",
        "mcp",
        "recall",
        "search",
        "store",
        "usage",
        "worker",
    ];
    for (part, may_know) in [
        ("agent", &[][..]),
        ("embedding", &[]),
        ("store", &["embedding"]),
        ("search", &["embedding", "store"]),
        ("bench", &["search", "store"]),
        ("health", &["agent", "configuration", "embedding", "store"]),
        ("context", &["health", "search", "store"]),
        ("usage", &["store"]),
        (
            "http",
            &[
                "context",
                "embedding",
                "health",
                "lock_file",
                "search",
                "store",
                "usage",
            ],
        ),
        ("mcp", &["context", "health", "search", "store"]),
        ("recall", &["agent", "context", "search", "store"]),
        ("worker", &["agent", "configuration", "lock_file", "store"]),
        (
            "commands",
            &[
                "agent",
                "bench",
                "configuration",
                "context",
                "health",
                "http",
                "mcp",
                "recall",
                "search",
                "store",
                "usage",
                "worker",
            ],
        ),
    ] {
        let forbidden: Vec<String> = all
            .iter()
            .filter(|other| **other != part && !may_know.contains(other))
            .flat_map(|other| [format!("crate::{other}"), format!("claude_mem::{other}")])
            .collect();
        let forbidden: Vec<&str> = forbidden.iter().map(String::as_str).collect();
        assert_without(&format!("src/{part}"), &forbidden);
    }
    for folder in ["hooks/src", "sockets-protocol/src"] {
        assert_without(folder, &["claude_mem", "tokio", "rusqlite"]);
    }
    assert_without("sockets-protocol/src", &["capture", "nix"]);
    assert_without("src/store", &["tokio", "capture"]);
    // Providers wait for the network and for a child process; what is asked and
    // how an answer is read needs no runtime.
    assert_without("src/agent", &["sockets_protocol"]);
    // Cutting a text and taking credentials out of it is the same everywhere;
    // settings, projects and the spool are no matter of the agent's.
    for (path, code) in code_of("src/agent") {
        let code = code
            .replace("capture::shape::", "")
            .replace("capture::privacy::", "");
        assert!(!code.contains("capture::"), "{}", path.display());
    }
    for part in ["local", "mode", "prompt", "reply"] {
        assert_without(&format!("src/agent/{part}"), &["tokio", "reqwest"]);
    }
}

#[test]
fn readers_hold_no_writer() {
    for folder in [
        "src/search",
        "src/context",
        "src/health",
        "src/http",
        "src/mcp",
        "src/recall",
    ] {
        assert_without(folder, &["Writer", "open_writer"]);
    }
    // How old it is may be looked at, and nothing more.
    for (path, code) in code_of("hooks/src") {
        let code = code.replace("metadata(locations.database())", "");
        assert!(!has_word(&code, "database"), "{}", path.display());
    }
}

#[test]
fn the_scan_sees_what_it_forbids() {
    assert!(has_word("use crate::agent;", "crate::agent"));
    assert!(has_word("fn f(w: Writer)", "Writer"));
    assert!(!has_word("BufWriter", "Writer"));
    assert!(!has_word("user_agent_id", "agent"));
    let text = "a\n// b\n    /// c\n#[cfg(test)]\n#[path = \"x.rs\"]\nmod y;\nd\n#[cfg(test)]\nmod z {\n    e;\n}\nf";
    assert_eq!(code(text), "a\nd\nf");
    assert_eq!(
        code("#[cfg(test)]\nmod tests;\nuse a::{\n    b\n};"),
        "use a::{\n    b\n};"
    );
    let modules = test_modules(&[(PathBuf::new(), text.to_owned())]);
    assert_eq!(modules, BTreeSet::from(["x".to_owned()]));
    assert!(is_test(Path::new("src/x.rs"), &modules) && is_test(Path::new("src/x/y.rs"), &modules));
}
