//! `claude-mem status`.

use std::io::Write;
use std::process::ExitCode;

use crate::context::text::line;
use crate::health::{self, Health, Worker};
use crate::store::Reader;

use super::output::{self, ERROR, FAINT, GOOD, STRONG, WARNING, count, size, when};
use super::place::{Place, now_ms};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: claude-mem status --json")]
pub(super) struct Args {
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let place = Place::here();
    let reader = Reader::open(&place.locations.database());
    let health = health::check(&place.locations, &place.settings, now_ms(), &reader);
    if args.json {
        output::json(out, &health)?;
    } else {
        render(&health, out)?;
    }
    Ok(if health.stalled {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

pub(super) fn render(health: &Health, out: &mut dyn Write) -> anyhow::Result<()> {
    let counters = &health.counters;
    writeln!(
        out,
        "{STRONG}captured {} = processed {} + skipped {} + pending {} + processing {} + failed {}{STRONG:#}",
        counters.captured,
        counters.processed,
        counters.skipped,
        counters.pending,
        counters.processing,
        counters.failed,
    )?;
    if !health.skipped_by_reason.is_empty() {
        let reasons: Vec<String> = health
            .skipped_by_reason
            .iter()
            .map(|(reason, events)| format!("{} {events}", line(reason)))
            .collect();
        writeln!(out, "skipped    {}", reasons.join(", "))?;
    }
    workers(&health.workers, out)?;
    queue(health, out)?;
    spool(health, out)?;
    let provider = &health.provider;
    let model = provider
        .model
        .as_ref()
        .map(|model| format!(" {model}"))
        .unwrap_or_default();
    writeln!(
        out,
        "provider   {}{model} ({})",
        provider.name, provider.reason
    )?;
    let database = &health.database;
    let state = match database.schema {
        Some(schema) => format!("{}, schema {schema}", size(database.bytes)),
        None if database.bytes == 0 => "not there yet".to_owned(),
        None => "cannot be read".to_owned(),
    };
    writeln!(out, "database   {} ({state})", database.path.display())?;
    writeln!(out, "version    {}", health.version)?;
    for warning in &health.warnings {
        writeln!(out, "{WARNING}warning{WARNING:#}    {}", line(warning))?;
    }
    match (&health.stall_reason, &health.stall_action) {
        (Some(cause), action) => {
            writeln!(out, "{ERROR}stalled{ERROR:#}    {}", line(cause))?;
            let action = action.as_deref().unwrap_or("run `claude-mem logs`");
            writeln!(out, "to do      {}", line(action))?;
        }
        (None, _) => writeln!(out, "{GOOD}healthy{GOOD:#}    nothing is stalled")?,
    }
    Ok(())
}

fn workers(workers: &[Worker], out: &mut dyn Write) -> anyhow::Result<()> {
    if workers.is_empty() {
        writeln!(out, "workers    none (they live only while there is work)")?;
    }
    for worker in workers {
        let project = worker.project.as_deref().map(line);
        let project = project
            .map(|name| format!(" for {name}"))
            .unwrap_or_default();
        let pid = worker
            .pid
            .map(|pid| format!(", process {pid}"))
            .unwrap_or_default();
        writeln!(out, "worker     {}{project}{pid}", line(&worker.session))?;
    }
    Ok(())
}

fn queue(health: &Health, out: &mut dyn Write) -> anyhow::Result<()> {
    if health.backlog.is_empty() {
        writeln!(out, "queue      empty")?;
    }
    for session in &health.backlog {
        writeln!(
            out,
            "queue      {}: pending {}, processing {}, failed {} {FAINT}(oldest {}, session {}){FAINT:#}",
            line(&session.project),
            session.pending,
            session.processing,
            session.failed,
            when(session.oldest_at_epoch),
            line(&session.content_session_id),
        )?;
        if let Some(error) = &session.last_error {
            writeln!(out, "           last error: {}", line(error))?;
        }
    }
    Ok(())
}

fn spool(health: &Health, out: &mut dyn Write) -> anyhow::Result<()> {
    let spool = &health.spool;
    match spool.oldest {
        None => writeln!(out, "spool      empty")?,
        Some(oldest) => writeln!(
            out,
            "spool      {} of {} {FAINT}(oldest {}){FAINT:#}",
            count(spool.events, "event"),
            count(spool.sessions, "session"),
            when(oldest)
        )?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::fixture::{MORNING, Memory, new_observation};
    use capture::settings::Settings;

    fn text(health: &Health) -> String {
        let mut out = Vec::new();
        render(health, &mut out).unwrap();
        let plain = anstream::adapter::strip_bytes(&out).into_vec();
        String::from_utf8(plain).unwrap()
    }

    #[test]
    fn the_equation_comes_first_and_a_stall_with_its_remedy_last() {
        let mut memory = Memory::new();
        let done = vec![new_observation("x", MORNING)];
        memory.remember(("a", "billing"), MORNING, done, None);
        let session = memory.capture("b", "billing", MORNING, "a prompt");
        let local = |name: &str| (name == "CLAUDE_MEM_PROVIDER").then(|| "local".to_owned());
        let settings = Settings::from_parts(local, memory.locations.data_dir());
        let look = |memory: &Memory| {
            health::check(
                &memory.locations,
                &settings,
                MORNING,
                &Ok(Some(memory.reader())),
            )
        };
        let healthy = text(&look(&memory));
        assert!(
            healthy.starts_with("captured 2 = processed 1 + skipped 0 + pending 1 + processing 0 + failed 0\nworkers    none"),
            "{healthy}"
        );
        assert!(
            healthy.contains("\nqueue      billing: pending 1, "),
            "{healthy}"
        );
        assert!(
            healthy.contains("\nspool      empty\nprovider   local ("),
            "{healthy}"
        );
        assert!(
            healthy.ends_with("\nhealthy    nothing is stalled\n"),
            "{healthy}"
        );

        memory.fail(session, MORNING, "out of\n\u{1b}[31mluck");
        let stalled = text(&look(&memory));
        assert!(
            stalled.ends_with("\nstalled    1 event could not be turned into memory: out of [31mluck\nto do      read `claude-mem logs`; `claude-mem queue redo --failed` tries again\n"),
            "{stalled}"
        );
    }
}
