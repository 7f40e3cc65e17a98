//! `claude-mem queue`: what waits, runs or failed, and turns to do again.

mod child;
mod redo;
mod report;

use std::io::Write;
use std::process::ExitCode;

use serde::Serialize;

use crate::context::text::line;
use crate::health;
use crate::store::{Backlog, ProviderStall, Reader, Redoable};

use super::output::{self, FAINT, ID, STRONG, WARNING, when};
use super::place::{Place, now_ms, told};

/// Turns listed; the sums count all of them.
const MOST_LISTED: usize = 50;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: claude-mem queue\n         claude-mem queue redo --offline --dry-run"
)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    /// Print a JSON object
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List events that wait, run or failed, and turns to do again
    #[command(after_help = "Example: claude-mem queue list --json")]
    List,
    /// Have turns done again by the model
    Redo(redo::Args),
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    match &args.action {
        Some(Action::Redo(redo)) => redo::run(redo, args.json, out),
        Some(Action::List) | None => list(args.json, out).map(|()| ExitCode::SUCCESS),
    }
}

/// What `list` prints.
#[derive(Debug, Default, Serialize)]
struct Listing {
    /// Sessions with events that wait, run or failed.
    sessions: Vec<Backlog>,
    /// Turns that can be done again, or could if their events were still kept.
    turns: Vec<Redoable>,
    /// Why the model is not asked at the moment.
    stall: Option<ProviderStall>,
}

fn list(json: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    let place = Place::here();
    let mut listing = Listing::default();
    if let Some(reader) = place.reader()? {
        listing.stall = stall(&place, &reader)?.1;
        (listing.sessions, listing.turns) = reader
            .snapshot(|| Ok((reader.backlog()?, reader.redoable()?)))
            .map_err(told)?;
    }
    if json {
        return output::json(out, &listing);
    }
    write_listing(&listing, out)
}

/// The provider that is chosen now, and its stall.
fn stall(
    place: &Place,
    reader: &Reader,
) -> anyhow::Result<(health::Provider, Option<ProviderStall>)> {
    let nothing_to_see: Result<Option<Reader>, _> = Ok(None);
    let provider =
        health::check(&place.locations, &place.settings, now_ms(), &nothing_to_see).provider;
    let stall = reader.provider_stall(provider.name).map_err(told)?;
    Ok((provider, stall))
}

fn write_listing(listing: &Listing, out: &mut dyn Write) -> anyhow::Result<()> {
    if let Some(stall) = &listing.stall {
        writeln!(out, "{WARNING}{}{WARNING:#}", stall_line(stall))?;
    }
    if listing.sessions.is_empty() {
        writeln!(out, "Nothing waits, and nothing failed.")?;
    }
    for session in &listing.sessions {
        writeln!(
            out,
            "{STRONG}{}{STRONG:#}: pending {}, processing {}, failed {} {FAINT}(oldest {}, session {}){FAINT:#}",
            line(&session.project),
            session.pending,
            session.processing,
            session.failed,
            when(session.oldest_at_epoch),
            line(&session.content_session_id),
        )?;
        if let Some(error) = &session.last_error {
            writeln!(out, "    {}", line(error))?;
        }
    }
    if listing.turns.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{STRONG}Turns to do again{STRONG:#}")?;
    for turn in listing.turns.iter().take(MOST_LISTED) {
        write_turn(turn, out)?;
    }
    let more = listing.turns.len().saturating_sub(MOST_LISTED);
    if more > 0 {
        writeln!(out, "… and {more} more, which --json lists")?;
    }
    if listing.turns.iter().any(Redoable::is_ready) {
        writeln!(
            out,
            "`claude-mem queue redo` has them done again; `--dry-run` says what that takes, an id or --failed or --offline chooses."
        )?;
    }
    Ok(())
}

fn write_turn(turn: &Redoable, out: &mut dyn Write) -> anyhow::Result<()> {
    let state = match (state(turn), turn.offline) {
        (Some(state), _) => state.to_owned(),
        (None, true) => format!("done offline, {} events", turn.events),
        (None, false) => format!("{} events failed", turn.failed),
    };
    writeln!(
        out,
        "{ID}{:>5}{ID:#} {}, turn {}: {state}",
        turn.turn_id,
        line(&turn.project),
        turn.prompt_number,
    )?;
    if !turn.reason.is_empty() {
        writeln!(out, "      {FAINT}{}{FAINT:#}", line(&turn.reason))?;
    }
    Ok(())
}

/// Why a turn cannot be done again; `None` where it can.
fn state(turn: &Redoable) -> Option<&'static str> {
    if turn.waiting > 0 {
        Some("is in the queue already")
    } else if turn.events == 0 && turn.incomplete {
        Some("its first events are no longer kept, and it is not done again without them")
    } else if turn.events == 0 {
        Some("its events are no longer kept")
    } else {
        None
    }
}

fn stall_line(stall: &ProviderStall) -> String {
    format!(
        "{} does not answer ({}: {}); it is asked again at {}",
        line(&stall.provider),
        line(&stall.reason),
        line(&stall.detail),
        when(stall.retry_at_epoch)
    )
}
