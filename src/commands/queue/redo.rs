//! `claude-mem queue redo`: puts turns back into the queue and has them done,
//! one session after the other. The one command that writes the database: it
//! takes no event and makes no memory, it only says what is to be done again.

use std::io::{IsTerminal as _, Write};
use std::process::ExitCode;

use anyhow::bail;
use capture::settings::Key;

use crate::context::text::line;
use crate::store::{Reader, Redoable, Writer};

use super::super::output::{self, WARNING};
use super::super::place::{Place, now_ms, told};
use super::child::{Ended, Next, Workers};
use super::report::{self, Outcome, Report, Told, left_alone, planned};
use super::{stall, stall_line};

/// A provider that is left alone for longer is not waited for.
const WAIT_MS: i64 = 5_000;

/// Events of one call, as workers cut turns.
const EVENTS_PER_CALL: i64 = 48;

/// Tokens that a call has besides the events: the instructions and the answer.
const TOKENS_PER_CALL: i64 = 3_000;

/// Bytes of text and code that a model counts as one token, on average.
const BYTES_PER_TOKEN: i64 = 4;

#[expect(
    clippy::struct_excessive_bools,
    reason = "each one is a switch of the command line"
)]
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The memories that a turn became stay until new ones take their place. Without an id or a choice all turns are done again that `claude-mem queue` lists.\n\nExample: claude-mem queue redo 12 15"
)]
pub(super) struct Args {
    /// Turns, by the ids that `claude-mem queue` lists
    #[arg(value_name = "ID", conflicts_with_all = ["failed", "offline", "all"])]
    ids: Vec<i64>,
    /// Turns with events that failed
    #[arg(long, conflicts_with = "all")]
    failed: bool,
    /// Turns that the offline extractor did in a model's place
    #[arg(long, conflicts_with = "all")]
    offline: bool,
    /// All of them
    #[arg(long)]
    all: bool,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(args: &Args, json: bool, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let place = Place::here();
    let mut report = Report {
        dry_run: args.dry_run,
        ..Report::default()
    };
    let mut interrupted = false;
    if let Some(reader) = place.reader()? {
        let (ready, left) = chosen(args, &reader)?;
        report.turns = left.into_iter().map(left_alone).collect();
        warn(&place, &reader, &ready, &mut report)?;
        if !json {
            for warning in &report.warnings {
                writeln!(
                    anstream::stderr(),
                    "{WARNING}warning:{WARNING:#} {}",
                    line(warning)
                )?;
            }
        }
        if args.dry_run {
            report.turns.extend(ready.into_iter().map(planned));
        } else {
            interrupted = Redo::new(&place, &reader)?.all(ready, &mut report.turns)?;
        }
    } else if let Some(id) = args.ids.first() {
        bail!("there is no turn {id}: nothing has been remembered yet");
    }
    if json {
        output::json(out, &report)?;
    } else {
        report::write(&report, out)?;
    }
    if interrupted {
        out.flush()?;
        bail!("interrupted: what is done stays, `claude-mem queue` lists the rest");
    }
    Ok(ExitCode::SUCCESS)
}

/// The turns that are meant: those that can be done again, and the others.
fn chosen(args: &Args, reader: &Reader) -> anyhow::Result<(Vec<Redoable>, Vec<Redoable>)> {
    let mut found = Vec::new();
    if args.ids.is_empty() {
        let any = !args.failed && !args.offline;
        found = reader.redoable().map_err(told)?;
        found.retain(|turn| {
            any || (args.failed && turn.failed > 0) || (args.offline && turn.offline)
        });
    }
    let mut missing = Vec::new();
    for id in &args.ids {
        match reader.redoable_turn(*id).map_err(told)? {
            Some(turn) if !found.contains(&turn) => found.push(turn),
            Some(_) => {}
            None => missing.push(id.to_string()),
        }
    }
    if !missing.is_empty() {
        bail!(
            "there is no turn {} that could be done again: `claude-mem queue` lists the ids",
            missing.join(", ")
        );
    }
    Ok(found.into_iter().partition(Redoable::is_ready))
}

/// What is to be known beforehand.
fn warn(
    place: &Place,
    reader: &Reader,
    ready: &[Redoable],
    report: &mut Report,
) -> anyhow::Result<()> {
    let (provider, stall) = stall(place, reader)?;
    provider.name.clone_into(&mut report.provider);
    if ready.is_empty() {
        return Ok(());
    }
    if provider.model.is_none() {
        report.warnings.push(format!(
            "no model is chosen ({}), so the offline extractor does them again",
            provider.reason
        ));
    } else {
        report.estimated_tokens = ready.iter().map(|turn| estimate(place, turn)).sum();
    }
    report.warnings.extend(stall.as_ref().map(stall_line));
    Ok(())
}

fn estimate(place: &Place, turn: &Redoable) -> i64 {
    let chars = i64::try_from(place.settings.number(Key::PromptChars)).unwrap_or(i64::MAX);
    let calls = turn.events / EVENTS_PER_CALL + i64::from(turn.events % EVENTS_PER_CALL > 0);
    let bytes = turn.bytes.min(calls.saturating_mul(chars));
    bytes / BYTES_PER_TOKEN + calls * TOKENS_PER_CALL
}

/// The work itself.
struct Redo<'a> {
    place: &'a Place,
    reader: &'a Reader,
    workers: Workers,
    shows_progress: bool,
}

impl<'a> Redo<'a> {
    fn new(place: &'a Place, reader: &'a Reader) -> anyhow::Result<Self> {
        Ok(Self {
            place,
            reader,
            workers: Workers::new()?,
            shows_progress: std::io::stderr().is_terminal(),
        })
    }

    /// One session after the other; whether the user has put an end to it.
    /// Where one comes to nothing because the model is not asked, the others
    /// stay as they are.
    fn all(&mut self, ready: Vec<Redoable>, told: &mut Vec<Told>) -> anyhow::Result<bool> {
        let total = ready.len();
        let mut done = 0;
        let mut end = None;
        for turns in by_session(ready) {
            if let Some(why) = &end {
                told.extend(turns.into_iter().map(|turn| Told {
                    why: Some(String::clone(why)),
                    outcome: Outcome::Left,
                    model: None,
                    turn,
                }));
                continue;
            }
            let ended = self.session(&turns, done, total)?;
            done += turns.len();
            end = match &ended {
                Ended::Done | Ended::Failed(_) => None,
                Ended::Stopped => Some("the model is not asked at the moment".to_owned()),
                Ended::Interrupted => Some("interrupted".to_owned()),
            };
            for turn in turns {
                told.push(self.outcome(turn, &ended)?);
            }
        }
        Ok(end.as_deref() == Some("interrupted"))
    }

    fn session(&mut self, turns: &[Redoable], done: usize, total: usize) -> anyhow::Result<Ended> {
        let Some(first) = turns.first() else {
            return Ok(Ended::Done);
        };
        let ids: Vec<i64> = turns.iter().map(|turn| turn.turn_id).collect();
        let owner = format!("redo-{}", std::process::id());
        let mut writer = Writer::open(&self.place.locations, &owner).map_err(told)?;
        writer.redo(&ids).map_err(told)?;
        // The worker brings its own.
        drop(writer);
        let provider = stall(self.place, self.reader)?.0;
        let (reader, shows_progress) = (self.reader, self.shows_progress);
        let mut at = 0;
        let mut shown = None;
        self.workers.run(first.session_db_id, || {
            // Turns are done in their order.
            while turns.get(at).is_some_and(|turn| is_over(reader, turn)) {
                at += 1;
            }
            if let Some(turn) = turns
                .get(at)
                .filter(|_| shows_progress && shown != Some(at))
            {
                progress(done + at + 1, total, turn);
                shown = Some(at);
            }
            let stall = reader.provider_stall(provider.name).ok().flatten();
            let held = stall.is_some_and(|stall| stall.retry_at_epoch > now_ms() + WAIT_MS);
            if held && at < turns.len() {
                Next::Stop
            } else {
                Next::GoOn
            }
        })
    }

    fn outcome(&self, before: Redoable, ended: &Ended) -> anyhow::Result<Told> {
        let id = before.turn_id;
        let turn = self.reader.redoable_turn(id).map_err(told)?;
        let turn = turn.unwrap_or(before);
        let model = self.reader.made_by(id).map_err(told)?;
        let reason = Some(turn.reason.clone()).filter(|reason| !reason.is_empty());
        let (outcome, why) = match ended {
            _ if turn.waiting > 0 => (Outcome::Waits, reason.or_else(|| why_it_waits(ended))),
            _ if turn.failed > 0 => (Outcome::Failed, reason),
            _ if turn.offline => (Outcome::Offline, reason),
            _ => (Outcome::Done, None),
        };
        Ok(Told {
            outcome,
            model: model.filter(|_| outcome == Outcome::Done),
            why,
            turn,
        })
    }
}

fn why_it_waits(ended: &Ended) -> Option<String> {
    match ended {
        Ended::Failed(words) => Some(words.clone()),
        Ended::Stopped => Some("the model is not asked at the moment".to_owned()),
        Ended::Interrupted => Some("interrupted".to_owned()),
        Ended::Done => None,
    }
}

fn is_over(reader: &Reader, turn: &Redoable) -> bool {
    matches!(reader.redoable_turn(turn.turn_id), Ok(Some(turn)) if turn.waiting == 0)
}

fn progress(number: usize, total: usize, turn: &Redoable) {
    // A terminal that has gone is no reason to stop.
    drop(writeln!(
        std::io::stderr(),
        "{number} of {total}: {}, turn {} …",
        line(&turn.project),
        turn.prompt_number
    ));
}

/// The turns of each session in the order of their prompts, the session with
/// the oldest turn first.
fn by_session(turns: Vec<Redoable>) -> Vec<Vec<Redoable>> {
    let mut sessions: Vec<Vec<Redoable>> = Vec::new();
    for turn in turns {
        let is_its = |session: &&mut Vec<Redoable>| {
            session
                .first()
                .is_some_and(|first| first.session_db_id == turn.session_db_id)
        };
        match sessions.iter_mut().find(is_its) {
            Some(session) => session.push(turn),
            None => sessions.push(vec![turn]),
        }
    }
    for session in &mut sessions {
        session.sort_by_key(|turn| turn.prompt_number);
    }
    sessions
}
