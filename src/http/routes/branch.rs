//! The plugin's own checkout, where it runs from one.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use axum::extract::State;
use axum::http::StatusCode;
use serde_json::json;

use super::super::answer::{Answer, Failure, ok};
use super::super::ask::JsonBody;
use super::super::relay::children;
use super::super::state::{MayWrite, Shared};
use super::logs::off_the_runtime;

/// How far above the executable the checkout may begin
/// (`<checkout>/target/release/claude-mem`).
const LEVELS: usize = 4;

/// What makes a checkout ours.
const OURS: &str = "sockets-protocol";

pub(in super::super) async fn status() -> Answer {
    off_the_runtime(|| {
        let checkout = checkout()?;
        let current = git(&checkout, &["rev-parse", "--abbrev-ref", "HEAD"])?;
        let upstream = git(&checkout, &["rev-parse", "--abbrev-ref", "@{upstream}"]).ok();
        let counts = upstream.as_ref().map(|_| {
            git(
                &checkout,
                &["rev-list", "--left-right", "--count", "HEAD...@{upstream}"],
            )
        });
        let counts = counts.transpose()?.unwrap_or_default();
        let mut counts = counts.split_whitespace().map(str::parse::<u64>);
        let mut next = || counts.next().and_then(Result::ok).unwrap_or_default();
        ok(&json!({
            "branch": current,
            "current": current,
            "remote": upstream,
            "ahead": next(),
            "behind": next(),
            "isDirty": !git(&checkout, &["status", "--porcelain", "-uno"])?.is_empty(),
        }))
    })
    .await
}

pub(in super::super) async fn switch(
    State(_app): State<Shared>,
    _may: MayWrite,
    body: JsonBody,
) -> Answer {
    let Some(branch) = body.text(&["branch"]).map(str::to_owned) else {
        return Err(Failure::bad("branch is required"));
    };
    // A name, and nothing that git could take for an option or a path.
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/');
    if branch.starts_with(['-', '.', '/']) || branch.contains("..") || !branch.chars().all(plain) {
        return Err(Failure::bad(format!(
            "{branch:?} is not the name of a branch"
        )));
    }
    off_the_runtime(move || {
        let checkout = checkout()?;
        git(&checkout, &["switch", "--quiet", &branch])?;
        ok(&json!({ "success": true, "branch": branch }))
    })
    .await
}

pub(in super::super) async fn update(
    State(_app): State<Shared>,
    _may: MayWrite,
    _body: JsonBody,
) -> Answer {
    off_the_runtime(|| {
        let checkout = checkout()?;
        git(&checkout, &["pull", "--ff-only", "--quiet"])?;
        let head = git(&checkout, &["rev-parse", "HEAD"])?;
        ok(&json!({ "success": true, "head": head }))
    })
    .await
}

/// The checkout that the running executable was built in.
fn checkout() -> Result<PathBuf, Failure> {
    let executable = std::env::current_exe().map_err(|error| conflict(error.to_string()))?;
    executable
        .ancestors()
        .skip(1)
        .take(LEVELS)
        .find(|directory| directory.join(".git").exists() && directory.join(OURS).is_dir())
        .map(Path::to_owned)
        .ok_or_else(|| {
            conflict(format!(
                "{} does not run from a git checkout of claude-mem",
                executable.display()
            ))
        })
}

fn git(checkout: &Path, arguments: &[&str]) -> Result<String, Failure> {
    let output = children(|| {
        Command::new("git")
            .arg("-C")
            .arg(checkout)
            .args(arguments)
            // A question would wait for ever.
            .env("GIT_TERMINAL_PROMPT", "0")
            .stdin(Stdio::null())
            .output()
    })
    .map_err(|error| conflict(format!("git cannot be run: {error}")))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let reason = String::from_utf8_lossy(&output.stderr);
    Err(conflict(format!("git: {}", reason.trim())))
}

fn conflict(reason: String) -> Failure {
    Failure::new(StatusCode::CONFLICT, reason)
}
