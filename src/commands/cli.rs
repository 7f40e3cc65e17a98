//! The command line: what can be asked for, and who answers.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::worker;

use super::output::ERROR;
use super::{
    bench, context, demo, file, installation, list, logs, mcp, queue, recall, remember, search,
    serve, settings, show, status, supervise, timeline, usage,
};

/// A memory for Claude Code: it notes what sessions do, keeps what matters and
/// tells the next session.
#[derive(Debug, Parser)]
#[command(
    name = "claude-mem",
    version,
    arg_required_else_help = true,
    after_help = "Begin with `claude-mem install`, look after a session with `claude-mem status` and `claude-mem list`.\nEverything lies in ~/.claude-mem, or where CLAUDE_MEM_DATA_DIR says."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print what the next session in this directory will be told
    Context(context::Args),
    /// Print memories in full
    Show(show::Args),
    /// List the newest memories
    List(list::Args),
    /// Search the memory
    Search(search::Args),
    /// Print what happened around a memory, a session or a time
    Timeline(timeline::Args),
    /// Print what is known about a file
    File(file::Args),
    /// Print what a session is told by itself at a prompt, a file or an error
    Recall(recall::Args),
    /// Keep a text word for word
    Remember(remember::Args),
    /// Say whether memory is being kept; exit 1 when it is not
    Status(status::Args),
    /// Say what calls of models cost, and what memory saved
    Usage(usage::Args),
    /// List what waits or failed, or have turns done again
    Queue(queue::Args),
    /// Print the newest log of the workers
    Logs(logs::Args),
    /// Print or change settings
    Settings(settings::Args),
    /// Offer memory to a model as MCP tools, on stdin and stdout
    Mcp(mcp::Args),
    /// Serve the API and the viewer on this machine
    Serve(serve::Args),
    /// Open the viewer in a browser
    Viewer(serve::ViewerArgs),
    /// Run the worker of one session in the foreground
    #[command(
        after_help = "Example: claude-mem worker try-it\n         echo '{\"type\":\"ping\"}' | nc -U ~/.claude-mem/sockets/session-try-it.sock"
    )]
    Worker {
        /// Session id, or the number of a session in the database
        session: String,
        /// Started by a hook: without a terminal, logging to a file only
        #[arg(long, hide = true)]
        detached: bool,
    },
    /// Run a program that ends when the process does that wants it
    #[command(hide = true)]
    Supervise(supervise::Args),
    /// Add the hooks and the MCP server to Claude Code's settings
    Install(installation::Args),
    /// Take both out of Claude Code's settings; memories stay
    Uninstall(installation::Args),
    /// Measure how well the search finds
    Bench(bench::Args),
    /// Replay a recorded session and show what becomes of it
    Demo(demo::Args),
}

/// Runs the command of this process. Exit code 0 is success, 1 an error or a
/// stalled memory, 2 a command line that makes no sense.
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    // Hooks have a deadline, and no use for help texts.
    match arguments.get(1..) {
        Some(rest) if rest == ["context", "--hook"] => crate::context::hook::run(),
        Some(rest) if rest == ["recall", "--hook"] => crate::recall::hook::run(),
        _ => {}
    }
    let command = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli.command,
        Err(error) => {
            drop(error.print());
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let mut out = anstream::stdout();
    let outcome = run(command, &mut out).and_then(|code| {
        out.flush()?;
        Ok(code)
    });
    match outcome {
        Ok(code) => code,
        // Whoever reads has seen enough.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let text = crate::context::text::for_terminal(&format!("{error:#}"));
            drop(writeln!(
                anstream::stderr(),
                "{ERROR}error:{ERROR:#} {text}"
            ));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    match command {
        Command::Context(args) => context::run(&args, out)?,
        Command::Show(args) => show::run(&args, out)?,
        Command::List(args) => list::run(&args, out)?,
        Command::Search(args) => search::run(&args, out)?,
        Command::Timeline(args) => timeline::run(&args, out)?,
        Command::File(args) => file::run(&args, out)?,
        Command::Recall(args) => recall::run(&args, out)?,
        Command::Remember(args) => remember::run(&args, out)?,
        Command::Status(args) => return status::run(&args, out),
        Command::Usage(args) => usage::run(&args, out)?,
        Command::Queue(args) => return queue::run(&args, out),
        Command::Logs(args) => logs::run(&args, out)?,
        Command::Settings(args) => settings::run(&args, out)?,
        Command::Mcp(args) => mcp::run(&args)?,
        Command::Serve(args) => return serve::run(&args, out),
        Command::Viewer(args) => serve::view(&args, out)?,
        Command::Worker { session, detached } => {
            worker::run(&worker::Options { session, detached })?;
        }
        Command::Supervise(args) => return supervise::run(&args),
        Command::Install(args) => installation::install(&args, out)?,
        Command::Uninstall(args) => installation::uninstall(&args, out)?,
        Command::Bench(args) => bench::run(&args, out)?,
        Command::Demo(args) => demo::run(&args, out)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_formed_and_every_command_has_an_example() {
        Cli::command().debug_assert();
        for command in Cli::command().get_subcommands() {
            let help = command.clone().render_long_help().to_string();
            assert!(help.contains("Example"), "{}: {help}", command.get_name());
        }
    }

    #[test]
    fn a_reader_that_has_gone_is_no_error() {
        let error = io::Error::from(io::ErrorKind::BrokenPipe);
        assert!(is_broken_pipe(
            &anyhow::Error::new(error).context("failed to print")
        ));
        assert!(!is_broken_pipe(&anyhow::anyhow!("failed to print")));
    }
}
