//! Memories to be shown, and a server that shows them.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use claude_mem::store::Writer;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::Browser;
use crate::support::{Sandbox, binary};

/// What must stay text.
pub(super) const HOSTILE: [&str; 6] = [
    "<img src=x onerror=\"window.__pwned=1\">",
    "</script><script>window.__pwned=1</script>",
    "<svg onload=window.__pwned=1><style>*{display:none}</style>",
    "javascript:window.__pwned=1//' onmouseover='window.__pwned=1",
    "{{constructor.constructor('window.__pwned=1')()}}",
    "`</code><iframe srcdoc='<script>parent.__pwned=1</script>'>`",
];

/// A server in the foreground, ended with the test.
pub(super) struct Server {
    child: Child,
    pub(super) address: String,
}

impl Server {
    pub(super) fn start(sandbox: &Sandbox, arguments: &[&str]) -> Self {
        let mut child = sandbox
            .command(binary("claude-mem"))
            .args(["serve", "--foreground"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let at = line
            .find("http://")
            .unwrap_or_else(|| panic!("no address in {line:?}"));
        let address = line[at..].trim().trim_end_matches('/').to_owned();
        Self { child, address }
    }

    pub(super) fn at(&self, place: &str) -> String {
        format!("{}/{place}", self.address)
    }

    /// Lets the server stand still, or go on.
    pub(super) fn halt(&self, still: bool) {
        let signal = if still {
            Signal::SIGSTOP
        } else {
            Signal::SIGCONT
        };
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        kill(pid, signal).unwrap();
    }

    pub(super) fn port(&self) -> &str {
        self.address.rsplit(':').next().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A server over the sandbox's memories and a browser before it, where there
/// is one.
pub(super) fn open(sandbox: &Sandbox, arguments: &[&str]) -> Option<(Server, Browser)> {
    let browser = Browser::start(sandbox)?;
    let arguments = [&["--port", "0"], arguments].concat();
    Some((Server::start(sandbox, &arguments), browser))
}

/// The database, for putting rows into it.
pub(super) fn writable(sandbox: &Sandbox) -> rusqlite::Connection {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE;
    rusqlite::Connection::open_with_flags(sandbox.locations().database(), flags).unwrap()
}

/// Steps of 32 rows that are brought into the search's index.
const INDEXED: usize = 16;

/// So many observations, each tenth with a summary, a prompt and a call of a
/// model, twenty to a
/// session, in four projects, every half hour one, the newest of now. Rows are
/// written as they are stored, since a hundred thousand turns would take a
/// worker minutes.
pub(super) fn seeded(observations: u32) -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.set("CLAUDE_MEM_HTTP_AUTOSTART", "false");
    drop(Writer::open(&sandbox.locations(), "test").unwrap());
    let connection = writable(&sandbox);
    let rows = format!(
        "WITH RECURSIVE count (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM count WHERE n < {observations}),
         rows AS (SELECT n, (n - 1) / 20 + 1 AS session, (n - 1) % 20 / 10 + 1 AS turn,
             'project-' || ((n - 1) / 20 % 4) AS project,
             cast(unixepoch('subsec') * 1000 AS INTEGER) - ({observations} - n) * 1800000 - 60000 AS at FROM count)"
    );
    let iso = "strftime('%Y-%m-%dT%H:%M:%fZ', at / 1000.0, 'unixepoch')";
    let kinds = "('bugfix'), ('feature'), ('refactor'), ('change'), ('discovery'), ('decision'), ('security_alert'), ('security_note')";
    let script = format!(
        "BEGIN;
         CREATE TEMP TABLE kinds (kind); INSERT INTO kinds VALUES {kinds};
         {rows} INSERT INTO sdk_sessions (content_session_id, memory_session_id, project, status, prompt_counter, captured, processed, started_at, started_at_epoch)
             SELECT 'c-' || session, 'm-' || session, project, 'completed', 2, 24, 24, {iso}, at FROM rows WHERE n % 20 = 1;
         {rows} INSERT INTO session_summaries (uid, session_db_id, memory_session_id, project, request, learned, completed, next_steps, prompt_number, created_at, created_at_epoch)
             SELECT 's-' || n, session, 'm-' || session, project, 'Mend page ' || n, 'Discounts add rows', 'A test holds the count', 'Look at credit notes', turn, {iso}, at + 1000 FROM rows WHERE n % 10 = 0;
         {rows} INSERT INTO user_prompts (uid, session_db_id, content_session_id, project, prompt_number, prompt_text, created_at, created_at_epoch)
             SELECT 'p-' || n, session, 'c-' || session, project, turn, 'Why does page ' || n || ' go missing?', {iso}, at - 1000 FROM rows WHERE n % 10 = 1;
         {rows} INSERT INTO observations (uid, session_db_id, memory_session_id, project, type, title, subtitle, narrative, facts, concepts, files_read, files_modified, prompt_number, discovery_tokens, content_hash, generated_by_model, created_at, created_at_epoch)
             SELECT 'o-' || n, session, 'm-' || session, project, (SELECT kind FROM kinds WHERE rowid = n % 8 + 1),
                 'Memory ' || n || ' about invoices', 'Pages are counted after discounts', 'The `count` was taken too early, in row ' || n || '.',
                 '[\"The limit is 999 lines\"]', '[\"gotcha\"]', '[\"src/invoice.rs\"]', '[\"src/pages.rs\"]', turn, 1500, 'h-' || n, 'test-model', {iso}, at FROM rows;
         {rows} INSERT INTO usage (session_db_id, prompt_number, project, provider, model, outcome, input_tokens, cache_read_tokens, output_tokens, duration_ms, created_at_epoch)
             SELECT session, turn, project, 'anthropic', iif(n % 30, 'claude-haiku-4-5', 'moonshine'), iif(n % 50, 'ok', 'timeout'), 6000 + n % 7 * 500, 2000, 700, 900, at FROM rows WHERE n % 10 = 0;
         COMMIT;"
    );
    connection.execute_batch(&script).unwrap();
    // Those that were written last can be searched for: observations.
    let mut writer = Writer::open(&sandbox.locations(), "test").unwrap();
    for _ in 0..INDEXED {
        if !writer.index_backlog().unwrap() {
            break;
        }
    }
    sandbox
}
