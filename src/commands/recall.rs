//! `claude-mem recall`.

use std::io::Write;

use anyhow::bail;
use serde::Serialize;

use crate::context::{text::line, zone};
use crate::recall::{Listener, Moment, known, render};
use crate::store::ObservationRow;

use super::output;
use super::place::{Place, Which, stored, told};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: claude-mem recall prompt \"why is the discount applied twice?\"\n         claude-mem recall file src/invoice.py\n         make 2>&1 | tail -20 | claude-mem recall error -\n\nA session is told this by itself, each memory once; looking here does not count.\nCLAUDE_MEM_RECALL_PROMPT, CLAUDE_MEM_RECALL_READ and CLAUDE_MEM_RECALL_FAILURE switch it off."
)]
pub(super) struct Args {
    /// What happens: a prompt, the reading of a file, or an error
    #[arg(value_name = "MOMENT", required_unless_present = "hook")]
    moment: Option<Kind>,
    /// The prompt, the file's path, or the error's text; - reads it from stdin
    #[arg(value_name = "TEXT", required_unless_present = "hook")]
    text: Option<String>,
    /// Look at this project instead of the one of the current directory
    #[arg(long, value_name = "NAME")]
    project: Option<String>,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
    /// Answer a hook of Claude Code's: JSON on stdin, JSON on stdout
    #[arg(long, hide = true, conflicts_with_all = ["moment", "text", "project", "json"])]
    hook: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    Prompt,
    File,
    Error,
}

/// The answer for a script.
#[derive(Debug, Serialize)]
struct Answer {
    /// What a session would be told; empty for nothing.
    context: String,
    observations: Vec<ObservationRow>,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<()> {
    let (Some(kind), Some(text)) = (args.moment, &args.text) else {
        crate::recall::hook::run();
    };
    let text = match text.as_str() {
        "-" => std::io::read_to_string(std::io::stdin())?,
        text => text.to_owned(),
    };
    let place = Place::here();
    let moment = match kind {
        Kind::Prompt => Moment::Prompt(text),
        Kind::File => Moment::Read(absolute(&text)?),
        Kind::Error => Moment::Failure(text),
    };
    let which = Which {
        project: args.project.clone(),
        all: false,
    };
    let scope = place.scope(&which)?;
    let name = scope.as_ref().map_or("", |(name, _)| name.as_str());
    let mut rows = Vec::new();
    if let Some(reader) = place.reader()? {
        let listener = Listener {
            projects: stored(&reader, scope.as_ref())?.unwrap_or_default(),
            root: place.project()?.root,
            session: None,
        };
        rows = known(&reader, &moment, &listener).map_err(told)?;
        rows.truncate(moment.most());
    }
    let context = render(&moment, &rows, name, &zone::local());
    if args.json {
        let answer = Answer {
            context,
            observations: rows,
        };
        return output::json(out, &answer);
    }
    if context.is_empty() {
        writeln!(
            out,
            "Nothing of {} would be recalled. `claude-mem search` asks for less evidence.",
            line(name)
        )?;
    }
    out.write_all(context.as_bytes())?;
    Ok(())
}

/// The path as Claude Code would give it.
fn absolute(path: &str) -> anyhow::Result<String> {
    let path = std::env::current_dir()?.join(path);
    if !path.is_file() {
        bail!(
            "{} is not a file: only what can be read is recalled",
            path.display()
        );
    }
    Ok(path.to_string_lossy().into_owned())
}
