//! A small MCP client: one process, one JSON-RPC message a line.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use serde_json::{Value, json};

use crate::support::{PATIENCE, Sandbox, binary, wait_until};

/// A server of a sandbox, ended with the test.
pub(super) struct Client {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    sent: i64,
}

/// What a tool said.
#[derive(Debug)]
#[must_use = "look at what was said"]
pub(super) struct Said {
    pub(super) text: String,
    pub(super) is_error: bool,
}

impl Said {
    /// The text of a call that went well.
    #[track_caller]
    pub(super) fn ok(self) -> String {
        assert!(!self.is_error, "{self:?}");
        self.text
    }

    /// The text of a call that did not.
    #[track_caller]
    pub(super) fn error(self) -> String {
        assert!(self.is_error, "{self:?}");
        self.text
    }
}

impl Client {
    /// Started in the sandbox's project, past the handshake.
    pub(super) fn start(sandbox: &Sandbox) -> Self {
        Self::spawn(sandbox.command(binary("claude-mem")).arg("mcp")).greeted()
    }

    /// Without a word.
    pub(super) fn spawn(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (tell, lines) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            stdin,
            lines,
            sent: 0,
        }
    }

    pub(super) fn greeted(mut self) -> Self {
        let info = self.ask(
            "initialize",
            &json!({"protocolVersion": "2025-06-18", "capabilities": {},
                "clientInfo": {"name": "test", "version": "1"}}),
        );
        assert_eq!(info["result"]["serverInfo"]["name"], "claude-mem", "{info}");
        self.line(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string());
        self
    }

    /// Writes a line as it is.
    pub(super) fn line(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().unwrap();
        stdin.write_all(line.as_bytes()).unwrap();
        stdin.write_all(b"\n").unwrap();
    }

    /// The next message; everything on stdout must be one.
    #[track_caller]
    pub(super) fn next(&mut self) -> Value {
        let line = self
            .lines
            .recv_timeout(PATIENCE)
            .expect("the server answers");
        let message: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
        assert_eq!(message["jsonrpc"], "2.0", "{message}");
        message
    }

    /// Sends a request and gives its number.
    pub(super) fn request(&mut self, method: &str, params: &Value) -> i64 {
        self.sent += 1;
        let id = self.sent;
        self.line(
            &json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string(),
        );
        id
    }

    #[track_caller]
    pub(super) fn ask(&mut self, method: &str, params: &Value) -> Value {
        let id = self.request(method, params);
        let answer = self.next();
        assert_eq!(answer["id"], id, "{answer}");
        answer
    }

    #[track_caller]
    pub(super) fn call(&mut self, tool: &str, arguments: &Value) -> Said {
        let answer = self.ask("tools/call", &json!({"name": tool, "arguments": arguments}));
        let content = answer["result"]["content"].as_array();
        let Some([part]) = content.map(Vec::as_slice) else {
            panic!("{tool} {arguments}: {answer}");
        };
        assert_eq!(part["type"], "text", "{answer}");
        Said {
            text: part["text"].as_str().unwrap().to_owned(),
            is_error: answer["result"]["isError"] == true,
        }
    }

    pub(super) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Closes the server's stdin and sees it end well: its exit code is 0, and
    /// it has written nothing to stderr.
    #[track_caller]
    pub(super) fn finish(mut self) {
        drop(self.stdin.take());
        wait_until("the server has ended", || !self.is_running());
        let mut stderr = String::new();
        let pipe = self.child.stderr.as_mut().unwrap();
        pipe.read_to_string(&mut stderr).unwrap();
        let code = self.child.wait().unwrap().code();
        assert_eq!((code, stderr.as_str()), (Some(0), ""));
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
