//! Black-box tests: the real executables, real sockets, real SQLite.
//! One binary, so that there is one link step; `every_file_is_listed` keeps a
//! file from being forgotten.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail the test that calls them"
)]
#![expect(clippy::print_stderr, reason = "what is left out is said")]

mod claude_cli;
mod claude_code;
mod dependencies;
mod files;
mod hook_matrix;
mod http;
mod mcp;
mod models;
mod privacy;
mod projects;
mod protocol;
mod recall;
mod recovery;
mod retrieval;
mod session_a;
pub mod support;
mod usage;
mod viewer;
mod workers;

#[test]
fn every_file_is_listed() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let listed = include_str!("system.rs");
    for entry in std::fs::read_dir(root).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        let Some(module) = name.strip_suffix(".rs") else {
            continue;
        };
        assert!(
            module == "system" || listed.contains(&format!("mod {module};")),
            "tests/{name} is not listed in tests/system.rs"
        );
    }
}
