//! `claude-mem file`.

use std::io::Write;
use std::path::Path;

use serde::Serialize;

use crate::context::text::line;
use crate::search::{FileRequest, KnownOfFile, about_file, path_in};

use super::output::{self, FAINT};
use super::place::{Place, Which, stored, told};
use super::record::Record;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: claude-mem file src/billing/invoice.py\n         claude-mem file invoice.py --all --json"
)]
pub(super) struct Args {
    /// The file, wherever it lies today; it need not exist
    path: String,
    #[command(flatten)]
    which: Which,
    /// How many memories
    #[arg(short, default_value_t = 10)]
    number: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The answer for a script.
#[derive(Debug, Serialize)]
struct Answer {
    path: String,
    observations: Vec<KnownOfFile>,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<()> {
    let place = Place::here();
    let path = path(args, &place)?;
    let scope = place.scope(&args.which)?;
    let mut observations = Vec::new();
    if let Some(reader) = place.reader()? {
        let request = FileRequest {
            paths: vec![path.clone()],
            projects: stored(&reader, scope.as_ref())?,
            limit: args.number,
        };
        observations = about_file(&reader, &request).map_err(told)?;
    }
    if args.json {
        return output::json(out, &Answer { path, observations });
    }
    let name = scope.as_ref().map(|(name, _)| name.as_str());
    if observations.is_empty() {
        writeln!(
            out,
            "Nothing is known about {}. `claude-mem file --all …` looks at all projects.",
            line(&path)
        )?;
    }
    for known in observations {
        let why = known.fits.why();
        Record::Observation(known.row).write_line(out, name)?;
        writeln!(out, "       {FAINT}{}{FAINT:#}", line(&why))?;
    }
    Ok(())
}

/// A file that lies below the current directory is meant by its place in the
/// project.
fn path(args: &Args, place: &Place) -> anyhow::Result<String> {
    if args.which.all || args.which.project.is_some() {
        return Ok(args.path.clone());
    }
    let here = std::env::current_dir().unwrap_or_default().join(&args.path);
    let path = if here.exists() && !Path::new(&args.path).is_absolute() {
        here.to_string_lossy().into_owned()
    } else {
        args.path.clone()
    };
    Ok(path_in(&path, &place.project()?.root))
}
