//! `claude-mem serve` and `claude-mem viewer`.

use std::io::Write;
use std::process::{Command, ExitCode, Stdio};

use anyhow::Context as _;
use clap::Subcommand;

use crate::http::lifecycle::{self, Options, Running, Started};

use super::output::{self, STRONG};
use super::place::Place;

/// Lines of the log that are printed.
const LOG_LINES: usize = 200;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Without a command it starts in the background, as `serve start`.\n\
Example: claude-mem serve --relay\n         claude-mem serve status --json"
)]
pub(super) struct Args {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    how: How,
    /// Stay in the foreground, until Ctrl-C
    #[arg(long)]
    foreground: bool,
    /// The server itself, in the background
    #[arg(long, hide = true, conflicts_with = "foreground")]
    detached: bool,
}

#[derive(Debug, Clone, clap::Args)]
struct How {
    /// Listen on this port instead of the setting's; 0 for any that is free
    #[arg(long, value_name = "N", global = true)]
    port: Option<u16>,
    /// Take events and settings too, as hooks and the command line do
    #[arg(long, global = true)]
    relay: bool,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Start the server in the background, unless it runs
    Start,
    /// End the server
    Stop,
    /// End the server and start it again
    Restart,
    /// Say where the server is; exit 1 when there is none
    Status {
        /// Print a JSON object
        #[arg(long)]
        json: bool,
    },
    /// Print the server's log
    Logs,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: claude-mem viewer")]
pub(super) struct ViewerArgs {
    /// Only print the address
    #[arg(long)]
    print: bool,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let options = Options {
        port: args.how.port,
        relay: args.how.relay,
        detached: args.detached,
    };
    match &args.what {
        None if args.detached => Ok(serve_detached(&options)),
        None if args.foreground => {
            let mut printed = Ok(());
            lifecycle::serve(&options, |running| {
                printed = writeln!(out, "{}", running.address()).and_then(|()| out.flush());
            })?;
            printed?;
            Ok(ExitCode::SUCCESS)
        }
        None | Some(What::Start) => start(&options, out),
        Some(What::Stop) => stop(out),
        Some(What::Restart) => restart(options, out),
        Some(What::Status { json }) => status(*json, out),
        Some(What::Logs) => logs(out),
    }
}

fn serve_detached(options: &Options) -> ExitCode {
    crate::worker::detach();
    let mut told = false;
    let outcome = lifecycle::serve(options, |running| {
        lifecycle::tell_starter(&Ok(running));
        told = true;
    });
    if let Err(error) = &outcome
        && !told
    {
        lifecycle::tell_starter(&Err(format!("{error:#}")));
    }
    ExitCode::from(u8::from(outcome.is_err()))
}

fn start(options: &Options, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    match lifecycle::start(&Place::here().locations, options)? {
        Started::New(running) => {
            writeln!(out, "Serving at {STRONG}{}{STRONG:#}", running.address())?;
        }
        Started::Already(running) => writeln!(
            out,
            "Serving already at {STRONG}{}{STRONG:#}, process {}",
            running.address(),
            running.pid
        )?,
    }
    Ok(ExitCode::SUCCESS)
}

fn stop(out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    match lifecycle::stop(&Place::here().locations)? {
        Some(pid) => writeln!(out, "Ended the server, process {pid}.")?,
        None => writeln!(out, "No server is running.")?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The new server is as the old one was, where nothing else is asked for.
fn restart(mut options: Options, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let locations = Place::here().locations;
    if let Some(old) = lifecycle::running(&locations) {
        options.port = options.port.or(Some(old.port));
        options.relay |= old.relay;
    }
    lifecycle::stop(&locations)?;
    start(&options, out)
}

fn status(json: bool, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let running = lifecycle::running(&Place::here().locations);
    if json {
        let mut answer = running
            .as_ref()
            .map_or_else(|| serde_json::json!({}), Running::to_json);
        answer["running"] = running.is_some().into();
        output::json(out, &answer)?;
    } else if let Some(running) = &running {
        writeln!(
            out,
            "{STRONG}{}{STRONG:#}, process {}, version {}, {}",
            running.address(),
            running.pid,
            output_safe(&running.version),
            if running.relay { "relay" } else { "read-only" }
        )?;
    } else {
        writeln!(out, "No server is running; `claude-mem serve` starts one.")?;
    }
    Ok(ExitCode::from(u8::from(running.is_none())))
}

fn output_safe(text: &str) -> String {
    crate::context::text::line(text)
}

fn logs(out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let path = lifecycle::log_path(&Place::here().locations);
    match std::fs::read(&path) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            let lines: Vec<&str> = text.lines().collect();
            for line in &lines[lines.len().saturating_sub(LOG_LINES)..] {
                writeln!(out, "{line}")?;
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            writeln!(out, "There is no log in {} yet.", path.display())?;
        }
        Err(error) => {
            return Err(error).with_context(|| format!("failed to read {}", path.display()));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Opens the viewer in a browser where there is a desktop, else says where it
/// is.
pub(super) fn view(args: &ViewerArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let started = lifecycle::start(&Place::here().locations, &Options::default())?;
    let (Started::New(running) | Started::Already(running)) = started;
    let address = running.address();
    if args.print || !opened(&address) {
        writeln!(out, "{address}")?;
    } else {
        writeln!(out, "Opened {address}")?;
    }
    Ok(())
}

fn opened(address: &str) -> bool {
    let has = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let opener = if cfg!(target_os = "macos") {
        "open"
    } else if has("DISPLAY") || has("WAYLAND_DISPLAY") {
        "xdg-open"
    } else {
        return false;
    };
    Command::new(opener)
        .arg(address)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
