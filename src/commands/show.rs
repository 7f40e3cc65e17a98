//! `claude-mem show`.

use std::io::Write;

use anyhow::bail;

use super::output;
use super::place::{Place, told};
use super::record::{Record, RecordId};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: claude-mem show 12 S3 P4")]
pub(super) struct Args {
    /// 12 for an observation, S3 for a summary, P4 for a prompt
    #[arg(required = true, value_name = "ID")]
    ids: Vec<RecordId>,
    /// Print a JSON array
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<()> {
    let reader = Place::here().reader()?;
    let mut found = Vec::new();
    let mut missing = Vec::new();
    for id in &args.ids {
        let record = match &reader {
            Some(reader) => Record::read(reader, *id).map_err(told)?,
            None => None,
        };
        match record {
            Some(record) => found.push(record),
            None => missing.push(id.to_string()),
        }
    }
    if args.json {
        output::json(out, &found)?;
    } else {
        for (index, record) in found.iter().enumerate() {
            if index > 0 {
                writeln!(out)?;
            }
            record.write_full(out)?;
        }
    }
    if !missing.is_empty() {
        out.flush()?;
        bail!(
            "there is no {}: `claude-mem list --all` prints the ids that there are",
            missing.join(", ")
        );
    }
    Ok(())
}
