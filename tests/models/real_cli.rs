//! The whole way with the real Claude Code as the model: hooks, worker, `claude`,
//! answer, memory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::support::fake_model::FakeModel;
use crate::support::{Sandbox, real_claude, session_a};

/// Every file of the home but those of the data directory.
fn others(sandbox: &Sandbox) -> BTreeMap<PathBuf, Vec<u8>> {
    fn walk(directory: &Path, but: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
        for entry in std::fs::read_dir(directory).unwrap().flatten() {
            let path = entry.path();
            if path == but {
                continue;
            }
            if path.is_dir() {
                walk(&path, but, found);
            } else {
                found.insert(path.clone(), std::fs::read(path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(&sandbox.home, &sandbox.data, &mut found);
    found
}

#[test]
fn a_session_is_remembered_by_the_users_own_claude_which_leaves_no_trace() {
    let Some(claude) = real_claude() else {
        return;
    };
    let model = FakeModel::start(Vec::new());
    let mut sandbox = Sandbox::new();
    let private = sandbox.data.join("tmp");
    std::fs::create_dir_all(&private).unwrap();
    // Found on the path, as for everybody.
    let path = format!("{}:/usr/bin:/bin", claude.parent().unwrap().display());
    sandbox.set("PATH", path);
    sandbox.set("CLAUDE_MEM_PROVIDER", "auto");
    sandbox.set("CLAUDE_MEM_HTTP_AUTOSTART", "false");
    sandbox.set("ANTHROPIC_BASE_URL", model.url());
    sandbox.set("ANTHROPIC_API_KEY", "dummy");
    sandbox.set("TMPDIR", &private);
    // Its hooks are ours: what the child does would be captured.
    assert_eq!(sandbox.claude_mem(["install"]).code, Some(0));
    let run = |session: &str| {
        for mut payload in session_a() {
            payload["session_id"] = session.into();
            drop(sandbox.event(&payload));
        }
        sandbox.wait_for_quiet();
    };
    // The first start of all writes Claude Code's own files into a new home.
    run("first");
    let before = others(&sandbox);
    run("second");
    assert_eq!(others(&sandbox), before, "a file was written");
    assert_eq!(model.calls(), 6);
    for asked in model.observed() {
        let tools = asked.body["tools"].as_array().map_or(0, Vec::len);
        assert_eq!(tools, 0, "{}", asked.body);
    }
    assert!(!sandbox.home.join(".claude/projects").exists());
    // Two sessions of the user's, none of the child's.
    assert_eq!(sandbox.count("SELECT count(*) FROM sdk_sessions"), 2);
    assert_eq!(sandbox.count("SELECT count(*) FROM session_summaries"), 6);
    assert_eq!(
        sandbox.count("SELECT count(*) FROM observations WHERE generated_by_model = 'local'"),
        0
    );
    assert_eq!(
        sandbox.count("SELECT count(*) FROM turns WHERE fallback_reason IS NOT NULL"),
        0
    );
    let status = sandbox.claude_mem(["status", "--json"]);
    assert_eq!(status.code, Some(0), "{status:?}");
    assert_eq!(status.json()["provider"]["name"], "claude-cli");
    sandbox.assert_sound();
}
