//! A server of a sandbox, and memories for it to serve.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use claude_mem::store::{
    BatchLimits, NewEvent, NewEventKind, NewObservation, NewSummary, SessionIdentity, TurnOutcome,
    Writer,
};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::Client;
use crate::support::{Sandbox, binary, wait_until};

/// A server in the foreground, ended with the test.
pub(super) struct Server {
    child: Child,
    pub(super) client: Client,
}

impl Server {
    /// Started on a free port with these arguments, and answering.
    pub(super) fn start(sandbox: &Sandbox, arguments: &[&str]) -> Self {
        let mut command = sandbox.command(binary("claude-mem"));
        command
            .args(["serve", "--foreground", "--port", "0"])
            .args(arguments);
        Self::spawn(&mut command)
    }

    pub(super) fn spawn(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let port = line.trim().rsplit(':').next().unwrap();
        let port = port
            .parse()
            .unwrap_or_else(|_| panic!("no address in {line:?}"));
        Self {
            child,
            client: Client { port },
        }
    }

    pub(super) fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap())
    }

    /// Kibibytes in memory now.
    pub(super) fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS"))
            .unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    pub(super) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    pub(super) fn terminate(&mut self) {
        kill(self.pid(), Signal::SIGTERM).unwrap();
        wait_until("the server has ended", || self.has_ended());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The database, for putting rows into it that no worker would.
pub(super) fn writable(sandbox: &Sandbox) -> rusqlite::Connection {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE;
    rusqlite::Connection::open_with_flags(sandbox.locations().database(), flags).unwrap()
}

const LIMITS: BatchLimits = BatchLimits {
    events: 100,
    bytes: 1_000_000,
    lease_ms: 60_000,
};

/// When the memories of [`filled`] begin.
pub(super) const BEGIN: i64 = 1_767_225_600_000;

/// A prompt as a worker commits it.
pub(super) fn prompt(id: &str, at: i64) -> NewEvent {
    NewEvent::new(id, None, at, NewEventKind::prompt("Go on."))
}

/// One turn of a session, from its prompt to what is remembered of it.
pub(super) fn remember(
    writer: &mut Writer,
    session: &str,
    project: &str,
    at: i64,
    observations: Vec<NewObservation>,
) {
    let identity = SessionIdentity {
        content_session_id: session.to_owned(),
        project: project.to_owned(),
        project_root: String::new(),
    };
    let prompt = NewEventKind::Prompt {
        text: format!("What of {project} at {at}?"),
        private: false,
        git_branch: None,
        git_head: None,
    };
    let call = NewEventKind::Observation {
        tool_name: "Read".to_owned(),
        input: "{}".to_owned(),
        output: "{}".to_owned(),
        failed: false,
    };
    let end = NewEventKind::Finalize {
        reason: "stop",
        message: Some("Done.".to_owned()),
        closes_turn: true,
    };
    let events = [
        NewEvent::new(&format!("p{at}"), None, at, prompt),
        NewEvent::new(&format!("o{at}"), None, at + 1, call),
        NewEvent::new(&format!("e{at}"), None, at + 2, end),
    ];
    writer.ingest(&identity, &events).unwrap();
    let row = writer.session(&identity, at).unwrap();
    let turn = writer
        .claim_turn(row, LIMITS, true, at + 3)
        .unwrap()
        .unwrap();
    let outcome = TurnOutcome {
        observations,
        summary: Some(NewSummary {
            request: format!("Understand {project}"),
            learned: "The ledger is kept in euros".to_owned(),
            completed: "The <b>ledger</b> was read".to_owned(),
            at: at + 20,
            ..NewSummary::default()
        }),
        model: "test-model".to_owned(),
        ..TurnOutcome::default()
    };
    writer.commit_turn(&turn, &outcome, at + 20).unwrap();
}

fn observation(kind: &str, title: &str, at: i64) -> NewObservation {
    NewObservation {
        kind: kind.to_owned(),
        title: title.to_owned(),
        subtitle: format!("About {title}"),
        narrative: format!("It was found that {title}."),
        facts: vec![format!("fact of {title}")],
        concepts: vec!["how-it-works".to_owned()],
        files_read: vec!["src/read.rs".to_owned()],
        files_modified: vec!["src/ledger.rs".to_owned()],
        discovery_tokens: 700,
        at,
        ..NewObservation::default()
    }
}

/// Session, project, and type and title of each observation.
type Told<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);

/// Two projects. `billing` has three turns with two observations each
/// (#1 to #6: decision, bugfix, discovery, feature, decision, change), `shop`
/// one with one (#7).
pub(super) fn filled() -> Sandbox {
    let sandbox = Sandbox::new();
    let mut writer = Writer::open(&sandbox.locations(), "test").unwrap();
    let turns: [Told<'_>; 4] = [
        (
            "one",
            "billing",
            &[
                ("decision", "prices are kept in cents"),
                ("bugfix", "the rounding was wrong"),
            ],
        ),
        (
            "one",
            "billing",
            &[
                ("discovery", "invoices are numbered"),
                ("feature", "a discount code"),
            ],
        ),
        (
            "two",
            "billing",
            &[
                ("decision", "euros everywhere"),
                ("change", "the parser moved"),
            ],
        ),
        ("three", "shop", &[("discovery", "the zebrafish catalogue")]),
    ];
    for (number, (session, project, rows)) in (0_i64..).zip(turns) {
        let at = BEGIN + number * 60_000;
        let rows = rows.iter().enumerate();
        let rows = rows.map(|(row, (kind, title))| {
            observation(kind, title, at + 10 + i64::try_from(row).unwrap())
        });
        remember(&mut writer, session, project, at, rows.collect());
    }
    sandbox
}
