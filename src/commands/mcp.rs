//! `claude-mem mcp`.

use crate::mcp;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: claude mcp add --scope user claude-mem -- claude-mem mcp\n         (`claude-mem install` has done that)"
)]
pub(super) struct Args {}

pub(super) fn run(_args: &Args) -> anyhow::Result<()> {
    mcp::serve()
}
