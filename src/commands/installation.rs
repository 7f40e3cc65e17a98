//! `claude-mem install` and `claude-mem uninstall`.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::context::text::line;

use super::install::{self, Change, Outcome, Plan};
use super::output::{GOOD, WARNING};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: claude-mem install --dry-run\n         claude-mem uninstall")]
pub(super) struct Args {
    /// Say what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn install(args: &Args, out: &mut dyn Write) -> anyhow::Result<()> {
    let outcome = install::install(&plan()?, args.dry_run)?;
    report(&outcome, args.dry_run, out)?;
    let outcome = install::install_server(&server_plan()?, args.dry_run)?;
    report(&outcome, args.dry_run, out)?;
    if !args.dry_run {
        writeln!(
            out,
            "New sessions of Claude Code are remembered from now on; `claude-mem status` shows it."
        )?;
    }
    Ok(())
}

pub(super) fn uninstall(args: &Args, out: &mut dyn Write) -> anyhow::Result<()> {
    let outcome = install::uninstall(&plan()?, args.dry_run)?;
    report(&outcome, args.dry_run, out)?;
    let servers = server_plan()?;
    if servers.settings_path.exists() {
        let outcome = install::uninstall_server(&servers, args.dry_run)?;
        report(&outcome, args.dry_run, out)?;
    }
    let data_dir = capture::settings::Settings::load().data_dir().to_owned();
    if !args.dry_run && data_dir.exists() {
        writeln!(
            out,
            "Memories stay in {}: delete that directory to forget them.",
            data_dir.display()
        )?;
    }
    Ok(())
}

/// The hooks, in Claude Code's settings.
fn plan() -> anyhow::Result<Plan> {
    plan_for(install::settings_path)
}

/// The server, in Claude Code's file of servers.
fn server_plan() -> anyhow::Result<Plan> {
    plan_for(install::servers_path)
}

/// All of it lies beside the running executable.
fn plan_for(file: fn(Option<&Path>, Option<&Path>) -> Option<PathBuf>) -> anyhow::Result<Plan> {
    let config = std::env::var_os("CLAUDE_CONFIG_DIR").map(PathBuf::from);
    let home = std::env::home_dir().filter(|home| !home.as_os_str().is_empty());
    let settings_path = file(config.as_deref(), home.as_deref())
        .context("failed to find Claude Code's settings: set HOME or CLAUDE_CONFIG_DIR")?;
    let executable = std::env::current_exe()
        .context("failed to find the running executable: start claude-mem by its full path")?;
    let hooks_dir = executable.parent().map(Path::to_owned).unwrap_or_default();
    Ok(Plan {
        settings_path,
        hooks_dir,
    })
}

fn report(outcome: &Outcome, dry_run: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    let path = outcome.settings_path.display();
    let what = match (outcome.change, dry_run) {
        (Change::Unchanged, _) => "is as it should be",
        (Change::Created, false) => "was created",
        (Change::Created, true) => "would be created",
        (Change::Updated, false) => "was updated",
        (Change::Updated, true) => "would be updated",
    };
    writeln!(out, "{GOOD}{path}{GOOD:#} {what}")?;
    for (sign, entries) in [('+', &outcome.added), ('-', &outcome.removed)] {
        for entry in entries {
            writeln!(
                out,
                "  {sign} {}: {}",
                line(&entry.event),
                line(&entry.command)
            )?;
        }
    }
    for warning in &outcome.warnings {
        writeln!(out, "{WARNING}warning:{WARNING:#} {}", line(warning))?;
    }
    Ok(())
}
