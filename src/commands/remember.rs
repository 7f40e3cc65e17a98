//! `claude-mem remember`.

use std::io::Write;

use anyhow::anyhow;
use capture::remember::Memory;

use crate::mcp::{Kept, keep};

use super::output::GOOD;
use super::place::Place;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: claude-mem remember \"Rates come from the ECB, not from the bank.\" --type decision\n         git log -1 --format=%B | claude-mem remember - --title \"why 1.4 was late\""
)]
pub(super) struct Args {
    /// The words to keep as they are; - reads them from stdin
    text: String,
    /// What kind of memory it is
    #[arg(long = "type", value_name = "TYPE", value_parser = KINDS)]
    kind: Option<String>,
    /// Title; the first line if there is none
    #[arg(long)]
    title: Option<String>,
    /// What it is useful for, such as gotcha or how-it-works
    #[arg(long = "concept", value_name = "CONCEPT")]
    concepts: Vec<String>,
    /// A file that it is about
    #[arg(long = "file", value_name = "PATH")]
    files: Vec<String>,
    /// File it under this project instead of the one of the current directory
    #[arg(long, value_name = "NAME")]
    project: Option<String>,
}

const KINDS: [&str; 8] = crate::mcp::KINDS;

pub(super) fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<()> {
    let place = Place::here();
    let text = if args.text == "-" {
        std::io::read_to_string(std::io::stdin())?
    } else {
        args.text.clone()
    };
    let memory = Memory {
        text,
        kind: args.kind.clone(),
        title: args.title.clone(),
        concepts: args.concepts.clone(),
        files: args.files.clone(),
    };
    let dir = Place::directory()?;
    let kept = keep(&place.settings, &memory, &dir, args.project.as_deref());
    match kept.map_err(|reason| anyhow!(reason))? {
        Kept::Stored(id) => writeln!(out, "{GOOD}Remembered{GOOD:#} as #{id}.")?,
        Kept::Already => writeln!(out, "This was remembered before.")?,
        Kept::Spooled => writeln!(
            out,
            "It is in the spool, and is stored as soon as a worker runs: see `claude-mem status`."
        )?,
    }
    Ok(())
}
