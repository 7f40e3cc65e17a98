//! `claude-mem context`.

use std::io::Write;

use serde::Serialize;

use crate::context::{Input, Options, fetch, render, zone};
use crate::health::{self, Stall};
use crate::store::Reader;

use super::output;
use super::place::{Place, Which, now_ms, stored, told};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: claude-mem context --project billing")]
pub(super) struct Args {
    /// The project, instead of the one of the current directory
    #[arg(long, value_name = "NAME")]
    project: Option<String>,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
    /// Answer Claude Code's `SessionStart`: JSON on stdin, JSON on stdout
    #[arg(long, hide = true, conflicts_with_all = ["project", "json"])]
    hook: bool,
}

#[derive(Debug, Serialize)]
struct Answer {
    project: String,
    /// What a session is told; empty for nothing.
    context: String,
    stall: Option<Stall>,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<()> {
    if args.hook {
        crate::context::hook::run();
    }
    let place = Place::here();
    let which = Which {
        project: args.project.clone(),
        all: false,
    };
    let scope = place.scope(&which)?;
    let name = scope
        .as_ref()
        .map(|(name, _)| name.clone())
        .unwrap_or_default();
    let options = Options::from_settings(&place.settings);
    let mut input = Input::empty(&name, options, zone::local());
    let reader = Reader::open(&place.locations.database());
    if let Ok(Some(reader)) = &reader {
        let projects = stored(reader, scope.as_ref())?.unwrap_or_default();
        fetch(reader, &projects, None, &mut input).map_err(told)?;
    }
    input.stall = health::stall(&place.locations, &place.settings, now_ms(), &reader);
    let text = render(&input);
    if args.json {
        let answer = Answer {
            project: name,
            context: text,
            stall: input.stall,
        };
        return output::json(out, &answer);
    }
    out.write_all(text.as_bytes())?;
    Ok(())
}
