//! `claude-mem demo`: a recorded session, replayed as Claude Code would run it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};
use sockets_protocol::{Locations, SafeId};

use crate::store::{Filter, Reader};

use super::output::{FAINT, STRONG, count};
use super::record::Record;

/// Three prompts with two resumes, recorded from Claude Code: a bug mended with
/// a test that fails first, a feature, and a decision.
const RECORDED: &str = include_str!("../../tests/data/session-a.jsonl");

/// How long the last worker may take to leave.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: claude-mem demo\n         claude-mem demo --recording my-session.jsonl"
)]
pub(super) struct Args {
    /// Replay this file instead: one hook payload of Claude Code a line
    #[arg(long, value_name = "FILE")]
    recording: Option<PathBuf>,
    /// Keep the demo's data directory, to look around in it
    #[arg(long)]
    keep: bool,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<()> {
    let directory = tempfile::Builder::new()
        .prefix("claude-mem-demo-")
        .tempdir()
        .context("failed to make a throwaway data directory")?;
    let recording = Recording::load(args.recording.as_deref())?;
    let stage = Stage::new(directory.path(), &recording)?;
    let latencies = replay(&stage, &recording, out)?;
    stage.wait_for_workers(&recording)?;
    let reader = Reader::open(&stage.locations.database())?
        .context("the demo's worker stored nothing; its log is in the folder logs")?;
    show_turns(&reader, out)?;
    show_next_context(&stage, out)?;
    if args.recording.is_none() {
        show_search(&stage, out)?;
    }
    show_latencies(&latencies, out)?;
    let place = if args.keep {
        directory.keep()
    } else {
        directory.path().to_owned()
    };
    show_where_next(&place, args.keep, out)
}

/// The payloads, as they arrived.
struct Recording {
    payloads: Vec<(String, Value)>,
}

impl Recording {
    fn load(file: Option<&Path>) -> anyhow::Result<Self> {
        let text = match file {
            Some(path) => std::fs::read_to_string(path)
                .with_context(|| format!("failed to read {}", path.display()))?,
            None => RECORDED.to_owned(),
        };
        let payloads = text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty())
            .map(|(number, line)| {
                let payload = serde_json::from_str(line)
                    .with_context(|| format!("line {} of the recording is not JSON", number + 1))?;
                Ok((line.to_owned(), payload))
            })
            .collect::<anyhow::Result<Vec<_>>>()?;
        ensure!(
            !payloads.is_empty(),
            "the recording is empty: it needs one hook payload a line"
        );
        Ok(Self { payloads })
    }

    /// Where the session took place. The directory need not exist.
    fn project_dir(&self) -> &str {
        self.payloads
            .iter()
            .map(|(_, payload)| text(payload, "cwd"))
            .find(|cwd| !cwd.is_empty())
            .unwrap_or("/")
    }
}

/// The throwaway directory and how processes are started in it.
struct Stage {
    locations: Locations,
    executables: PathBuf,
    home: PathBuf,
    project_dir: String,
}

impl Stage {
    fn new(directory: &Path, recording: &Recording) -> anyhow::Result<Self> {
        let executable = std::env::current_exe().context("failed to find claude-mem itself")?;
        let executables = executable
            .parent()
            .context("failed to find the directory of claude-mem")?
            .to_owned();
        let hook = executables.join("save-hook");
        ensure!(
            hook.exists(),
            "{} is missing: build or install the hooks beside claude-mem (scripts/install)",
            hook.display()
        );
        Ok(Self {
            locations: Locations::new(directory.join("data")),
            executables,
            home: directory.join("home"),
            project_dir: recording.project_dir().to_owned(),
        })
    }

    /// An executable with an environment of the demo's own, so that neither the
    /// user's memory nor the user's settings come into it.
    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.executables.join(name));
        for (variable, _) in std::env::vars_os() {
            let name = variable.to_string_lossy();
            if name.starts_with("CLAUDE") {
                command.env_remove(&variable);
            }
        }
        command
            .env("HOME", &self.home)
            .env("CLAUDE_MEM_DATA_DIR", self.locations.data_dir())
            .env("CLAUDE_MEM_PROVIDER", "local")
            .env("CLAUDE_MEM_HTTP_AUTOSTART", "false")
            .env("CLAUDE_PROJECT_DIR", &self.project_dir);
        command
    }

    /// Runs a hook as Claude Code does: a process, JSON on stdin, JSON on stdout.
    fn hook(&self, name: &str, payload: &str) -> anyhow::Result<(Value, Duration)> {
        let began = Instant::now();
        let mut child = self
            .command(name)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("failed to start {name}"))?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin
                .write_all(payload.as_bytes())
                .with_context(|| format!("failed to write to {name}"))?;
        }
        let output = child
            .wait_with_output()
            .with_context(|| format!("failed to wait for {name}"))?;
        let took = began.elapsed();
        ensure!(
            output.status.success(),
            "{name} ended with {}",
            output.status
        );
        let answer = serde_json::from_slice(&output.stdout)
            .with_context(|| format!("{name} answered with something that is not JSON"))?;
        Ok((answer, took))
    }

    /// Waits until no worker is left and none is on its way: nothing in the
    /// spool, nothing in the queue.
    fn wait_for_workers(&self, recording: &Recording) -> anyhow::Result<()> {
        let give_up = Instant::now() + PATIENCE;
        let mut sessions: Vec<SafeId> = recording
            .payloads
            .iter()
            .map(|(_, payload)| SafeId::new(text(payload, "session_id")))
            .collect();
        sessions.dedup();
        while !self.is_done(&sessions)? {
            ensure!(
                Instant::now() < give_up,
                "the demo's worker did not leave within {} s",
                PATIENCE.as_secs()
            );
            std::thread::park_timeout(Duration::from_millis(5));
        }
        Ok(())
    }

    fn is_done(&self, sessions: &[SafeId]) -> anyhow::Result<bool> {
        let is_served = |id: &SafeId| {
            // The lock is free when the worker is gone.
            File::open(self.locations.lock(id)).is_ok_and(|file| file.try_lock_shared().is_err())
        };
        let is_spooled = |id: &SafeId| {
            std::fs::read_dir(self.locations.spool_dir(id))
                .is_ok_and(|mut entries| entries.next().is_some())
        };
        if sessions.iter().any(|id| is_served(id) || is_spooled(id)) {
            return Ok(false);
        }
        Ok(match Reader::open(&self.locations.database())? {
            Some(reader) => reader.backlog()?.is_empty(),
            None => false,
        })
    }
}

type Latencies = BTreeMap<&'static str, Vec<Duration>>;

fn replay(stage: &Stage, recording: &Recording, out: &mut dyn Write) -> anyhow::Result<Latencies> {
    writeln!(
        out,
        "{STRONG}Replaying a recorded Claude Code session{STRONG:#} {FAINT}(every hook is a process with JSON on stdin){FAINT:#}\n"
    )?;
    let mut latencies = Latencies::new();
    for (line, payload) in &recording.payloads {
        let event = text(payload, "hook_event_name");
        let hook = match event {
            "SessionStart" => "context-hook",
            "UserPromptSubmit" => "new-hook",
            "Stop" | "StopFailure" => "summary-hook",
            "SessionEnd" => "cleanup-hook",
            "PreToolUse" => "recall-hook",
            _ => "save-hook",
        };
        let (_, took) = stage.hook(hook, line)?;
        latencies.entry(hook).or_default().push(took);
        let what = match event {
            "UserPromptSubmit" => text(payload, "prompt"),
            "SessionStart" => text(payload, "source"),
            _ => text(payload, "tool_name"),
        };
        // What a person typed as private is not shown either.
        let what = capture::privacy::scrub(what);
        let short: String = what.chars().take(60).collect();
        writeln!(
            out,
            "  {:>6.1} ms  {event:<18}  {FAINT}{short}{FAINT:#}",
            took.as_secs_f64() * 1000.0
        )?;
    }
    writeln!(out)?;
    Ok(latencies)
}

fn show_turns(reader: &Reader, out: &mut dyn Write) -> anyhow::Result<()> {
    let all = Filter {
        limit: 100,
        ..Filter::default()
    };
    let mut prompts = reader.prompts(&all)?;
    prompts.sort_by_key(|prompt| prompt.prompt_number);
    let (observations, summaries) = (reader.observations(&all)?, reader.summaries(&all)?);
    ensure!(
        !prompts.is_empty() && !observations.is_empty() && !summaries.is_empty(),
        "the recorded session left no memory; run again with --keep and look into the folder logs"
    );
    for prompt in prompts {
        let number = prompt.prompt_number;
        writeln!(out, "{STRONG}What turn {number} became{STRONG:#}\n")?;
        let mine = |row: Option<i64>| row == Some(number);
        let seen = observations
            .iter()
            .filter(|row| mine(row.prompt_number))
            .cloned()
            .map(Record::Observation);
        let summed = summaries
            .iter()
            .filter(|row| mine(row.prompt_number))
            .cloned()
            .map(Record::Summary);
        for record in std::iter::once(Record::Prompt(prompt))
            .chain(seen)
            .chain(summed)
        {
            record.write_full(out)?;
            writeln!(out)?;
        }
    }
    Ok(())
}

fn show_next_context(stage: &Stage, out: &mut dyn Write) -> anyhow::Result<()> {
    let payload = json!({
        "session_id": "the-next-session", "hook_event_name": "SessionStart",
        "source": "startup", "cwd": stage.project_dir,
    });
    let (answer, took) = stage.hook("context-hook", &payload.to_string())?;
    let context = answer["hookSpecificOutput"]["additionalContext"]
        .as_str()
        .unwrap_or_default();
    if context.is_empty() {
        bail!("the next session was told nothing: {answer}");
    }
    writeln!(
        out,
        "{STRONG}What the next session is told{STRONG:#} {FAINT}({} characters, {:.1} ms){FAINT:#}\n\n{context}\n",
        context.chars().count(),
        took.as_secs_f64() * 1000.0
    )?;
    Ok(())
}

fn show_search(stage: &Stage, out: &mut dyn Write) -> anyhow::Result<()> {
    let words = ["why", "was", "the", "invoice", "total", "wrong"];
    let output = stage
        .command("claude-mem")
        .args(["search", "--project", "billing"])
        .args(words)
        .output()
        .context("failed to run a search")?;
    ensure!(
        output.status.success(),
        "the search failed: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    writeln!(
        out,
        "{STRONG}claude-mem search {}{STRONG:#}\n\n{}",
        words.join(" "),
        String::from_utf8_lossy(&output.stdout)
    )?;
    Ok(())
}

fn show_latencies(latencies: &Latencies, out: &mut dyn Write) -> anyhow::Result<()> {
    writeln!(
        out,
        "{STRONG}What the hooks cost{STRONG:#} {FAINT}(start of the process to its end){FAINT:#}\n"
    )?;
    let mut table = String::new();
    for (hook, times) in latencies {
        let mut times = times.clone();
        times.sort_unstable();
        let (median, most) = (times[times.len() / 2], times[times.len() - 1]);
        writeln!(
            table,
            "  {hook:<14} {:>9}   median {:>5.1} ms   most {:>5.1} ms",
            count(times.len(), "call"),
            median.as_secs_f64() * 1000.0,
            most.as_secs_f64() * 1000.0
        )?;
    }
    writeln!(out, "{table}")?;
    Ok(())
}

fn show_where_next(place: &Path, kept: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    writeln!(out, "{STRONG}Where to look next{STRONG:#}\n")?;
    if kept {
        writeln!(
            out,
            "  CLAUDE_MEM_DATA_DIR={} claude-mem list --all\n      the memories of this demo",
            place.join("data").display()
        )?;
    } else {
        writeln!(
            out,
            "  claude-mem demo --keep\n      the same, and its data directory stays for you to look around in"
        )?;
    }
    writeln!(
        out,
        "  claude-mem install --dry-run\n      what would be added to Claude Code's settings\n  claude-mem --help\n      everything else"
    )?;
    Ok(())
}

fn text<'a>(payload: &'a Value, field: &str) -> &'a str {
    payload[field].as_str().unwrap_or_default()
}
