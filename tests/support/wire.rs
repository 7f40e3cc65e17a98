//! Talking to a worker as a client of one's own would, and running one in the
//! foreground.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::JoinHandle;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use sockets_protocol::SafeId;

use super::{PATIENCE, Sandbox, binary, wait_until};

/// A connection to a worker.
pub struct Client {
    pub stream: UnixStream,
    replies: BufReader<UnixStream>,
}

impl Client {
    pub fn connect(socket: &Path) -> Self {
        let stream = UnixStream::connect(socket)
            .unwrap_or_else(|error| panic!("{}: {error}", socket.display()));
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        let replies = BufReader::new(stream.try_clone().unwrap());
        Self { stream, replies }
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// The next reply; `None` when the worker has closed the connection.
    pub fn reply(&mut self) -> Option<Value> {
        let mut line = String::new();
        let count = self.replies.read_line(&mut line).unwrap();
        (count > 0).then(|| serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}")))
    }

    /// Sends a line and takes its reply.
    pub fn ask(&mut self, line: impl AsRef<[u8]>) -> Value {
        self.send(line.as_ref());
        self.send(b"\n");
        self.reply().expect("the worker answers")
    }

    pub fn status(&mut self) -> Value {
        self.ask(br#"{"type":"status"}"#)
    }
}

/// An observation of `tool_name` Bash with this id in the turn `p`.
pub fn bash_line(id: &str, text: &str) -> String {
    json!({"type": "observation", "id": id, "tool_name": "Bash", "prompt_id": "p",
        "tool_input": {"command": text}, "tool_output": {"stdout": text}})
    .to_string()
}

/// `claude-mem worker <id>` in the foreground, started by hand.
pub struct Foreground {
    child: Child,
    log: Option<JoinHandle<String>>,
}

impl Foreground {
    /// Started, and listening on the socket of `session`.
    pub fn start(sandbox: &Sandbox, argument: &str, session: &str) -> Self {
        let mut child = sandbox
            .command(binary("claude-mem"))
            .args(["worker", argument])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let log = std::thread::spawn(move || {
            let mut text = Vec::new();
            drop(stderr.read_to_end(&mut text));
            String::from_utf8_lossy(&text).into_owned()
        });
        let worker = Self {
            child,
            log: Some(log),
        };
        sandbox.wait_for_listener(session);
        worker
    }

    pub fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap())
    }

    pub fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).unwrap();
    }

    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for its end: the exit code, `None` after a signal, and the log.
    pub fn wait(mut self) -> (Option<i32>, String) {
        wait_until("the worker has ended", || self.has_ended());
        let log = self.log.take().unwrap().join().unwrap();
        (self.child.wait().unwrap().code(), log)
    }

    /// SIGTERM, and its end.
    pub fn stop(self) -> String {
        self.signal(Signal::SIGTERM);
        let (code, log) = self.wait();
        assert_eq!(code, Some(0), "{log}");
        log
    }
}

impl Drop for Foreground {
    /// A worker that a failed test left behind.
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Sandbox {
    pub fn socket(&self, session: &str) -> std::path::PathBuf {
        self.locations().socket(&SafeId::new(session))
    }

    /// Waits until the session's worker listens.
    pub fn wait_for_listener(&self, session: &str) {
        let socket = self.socket(session);
        wait_until("a worker listens", || UnixStream::connect(&socket).is_ok());
    }

    pub fn client(&self, session: &str) -> Client {
        Client::connect(&self.socket(session))
    }

    /// Live workers, also those that have not got their lock yet.
    pub fn workers(&self) -> Vec<Pid> {
        let is_worker = |pid: &Pid| {
            std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| {
                let mut arguments = line.split(|byte| *byte == 0);
                arguments
                    .next()
                    .is_some_and(|name| name.ends_with(b"claude-mem"))
                    && arguments.next() == Some(b"worker")
            })
        };
        self.processes().into_iter().filter(is_worker).collect()
    }

    /// Every line of the workers' logs.
    pub fn worker_log(&self) -> String {
        self.files()
            .iter()
            .filter(|path| {
                path.file_name()
                    .is_some_and(|name| name.to_string_lossy().starts_with("worker-"))
            })
            .filter_map(|path| std::fs::read_to_string(path).ok())
            .collect()
    }

    /// The process that holds the session's lock.
    pub fn worker_pid(&self, session: &str) -> Pid {
        let reply = self.client(session).status();
        Pid::from_raw(i32::try_from(reply["pid"].as_i64().unwrap()).unwrap())
    }

    /// How many workers have begun to listen.
    pub fn workers_started(&self) -> usize {
        self.worker_log().matches("listening").count()
    }

    /// Asserts that nothing is left to do, and that nothing failed.
    pub fn assert_all_done(&self) {
        let open = self.dump(
            "SELECT event_id, status, coalesce(last_error, '') FROM pending_messages
             WHERE status NOT IN ('processed', 'skipped')",
        );
        assert_eq!(open, Vec::<String>::new(), "{}", self.worker_log());
        assert_eq!(self.spooled(), 0, "{}", self.worker_log());
        self.assert_conserved();
    }

    /// One row of text columns, joined, a line; for comparing what is stored.
    pub fn dump(&self, sql: &str) -> Vec<String> {
        let database = self.database();
        let mut statement = database.prepare(sql).unwrap();
        let columns = statement.column_count();
        statement
            .query_map([], |row| {
                (0..columns)
                    .map(|at| {
                        row.get::<_, rusqlite::types::Value>(at)
                            .map(|v| format!("{v:?}"))
                    })
                    .collect::<Result<Vec<_>, _>>()
                    .map(|values| values.join(" | "))
            })
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap()
    }

    /// The conservation equation of every session and SQLite's own check, read
    /// from the database.
    pub fn assert_conserved(&self) {
        let unbalanced = self.dump(
            "SELECT s.content_session_id, s.captured, s.processed, s.skipped,
                    count(p.id) FILTER (WHERE p.status IN ('pending', 'processing', 'failed')) AS open
             FROM sdk_sessions s LEFT JOIN pending_messages p ON p.session_db_id = s.id
             GROUP BY s.id HAVING s.captured <> s.processed + s.skipped + open",
        );
        assert_eq!(unbalanced, Vec::<String>::new());
        let uncounted = self.dump(
            "SELECT s.content_session_id, s.captured, count(p.id) FROM sdk_sessions s
             LEFT JOIN pending_messages p ON p.session_db_id = s.id
             GROUP BY s.id HAVING s.captured <> count(p.id)",
        );
        assert_eq!(uncounted, Vec::<String>::new());
        assert_eq!(self.dump("PRAGMA integrity_check"), ["Text(\"ok\")"]);
        assert_eq!(self.dump("PRAGMA foreign_key_check"), Vec::<String>::new());
    }
}
