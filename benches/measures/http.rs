//! The HTTP process: how soon it answers, what it takes, how long requests
//! wait when many come at once.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::sync::Barrier;
use std::time::{Duration, Instant};

use super::corpus::{Corpus, DRAWS, Random, SESSION};
use super::support::{Sandbox, binary, wait_until};
use super::{Times, mib, patient_sandbox, search, stop};

const ROWS: usize = 100_000;

/// Requests under way at a time, each on a connection of its own.
const CLIENTS: usize = 50;

/// Requests of each client.
const REQUESTS: usize = 60;

/// Searches that are made again and again.
const SEARCHES: usize = 10;

const STARTS: usize = 15;

/// Prompts, and summaries, of each session of forty observations.
const TURNS: usize = 4;

/// Every route that is answered from rows, and what each answer costs at least.
/// `{}` becomes a number that differs from request to request; `{project}`,
/// `{file}` and `{words}` are ones that the corpus has.
///
/// `{again}` becomes one of a few words: what is searched for by several, or
/// once more.
const ROUTES: [&str; 33] = [
    "/healthz",
    "/",
    "/api/health",
    "/api/observations?limit=20&offset={}",
    "/api/observations?project={project}&limit=20",
    "/api/summaries?limit=20&offset={}",
    "/api/prompts?limit=20&offset={}",
    "/api/observation/{}",
    "/api/session/{}",
    "/api/prompt/{}",
    "/api/observations/by-file?path={file}",
    "/api/sessions/{}/turns",
    "/sessions/{}/status",
    "/api/stats",
    "/api/stats/daily",
    "/api/stats/daily?days=365",
    "/api/usage",
    "/api/projects",
    "/api/processing-status",
    "/api/pending-queue",
    "/api/settings",
    "/api/settings/schema",
    "/api/timeline?anchor={}",
    "/api/timeline?anchor={}&project={project}",
    "/api/context/inject?project={project}",
    "/api/context/recent?project={project}",
    "/api/decisions?project={project}",
    "/api/search/by-type?type=bugfix&offset={}",
    "/api/search/by-concept?concept=gotcha",
    "/api/search/by-file?filePath={file}",
    "/api/search?query={words}&project={project}",
    "/api/search?query={words}",
    "/api/search?query={again}",
];

pub(super) fn measure() {
    let corpus = Corpus::new();
    let sandbox = patient_sandbox();
    fill(&corpus, &sandbox);
    let starts = (0..STARTS).map(|_| {
        let began = Instant::now();
        let (server, port) = start(&sandbox);
        ask(&mut connect(port), "/healthz");
        let took = began.elapsed();
        stop(server);
        took
    });
    let ready = Times::new(starts.collect());
    println!("  ready    {}  (promised: p50 ≤ 50)", ready.line());
    let (server, port) = start(&sandbox);
    println!("  resident when idle {}", Memory::of(&server).line());
    for route in ROUTES.into_iter().filter(|route| is_wanted(route)) {
        let paths = paths(&corpus, route);
        let (began, before) = (Instant::now(), processor(&server));
        ask(&mut connect(port), &paths[0]);
        let first = began.elapsed();
        let between = processor(&server);
        let times = Times::new(crowd(port, &paths));
        let used = processor(&server).saturating_sub(between);
        println!(
            "  {route}\n           {}; processor {:.3} ms each; the first by itself {:.2} ms, processor {:.2}",
            times.line(),
            ms(used) / f64::from(requests()),
            ms(first),
            ms(between.saturating_sub(before)),
        );
    }
    println!(
        "  resident after all this {} (promised ≤ 25 resident)",
        Memory::of(&server).line()
    );
    let told = Times::new(commits_to_client(&sandbox, port));
    println!(
        "  commit to client of the stream {}  (promised ≤ 150)",
        told.line()
    );
    idle(&server, port);
    stop(server);
}

/// Whether the route is to be measured: `CLAUDE_MEM_BENCH_ROUTES` has parts of
/// the ones that are, with commas between.
fn is_wanted(route: &str) -> bool {
    std::env::var("CLAUDE_MEM_BENCH_ROUTES").map_or(true, |parts| {
        parts.split(',').any(|part| route.contains(part))
    })
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn requests() -> u32 {
    u32::try_from(CLIENTS * REQUESTS).expect("few requests")
}

/// A copy of the database that the search is measured with, spread over the last
/// year, with prompts, summaries and calls of a model beside its observations.
fn fill(corpus: &Corpus, sandbox: &Sandbox) {
    let locations = sandbox.locations();
    let filled = sockets_protocol::Locations::new(search::database(corpus, ROWS));
    drop(claude_mem::store::Writer::open(&locations, "bench").expect("the data directory is ours"));
    std::fs::copy(filled.database(), locations.database()).expect("there is room for a copy");
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE;
    let database = rusqlite::Connection::open_with_flags(locations.database(), flags)
        .expect("the database is there");
    let step = 365 * 86_400_000 / ROWS;
    let turns = format!(
        "WITH RECURSIVE turn(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM turn WHERE n < {TURNS}),
         its AS (SELECT s.id AS session, s.content_session_id AS content,
                     s.memory_session_id AS memory, n + 1 AS number, o.*
                 FROM sdk_sessions s, turn JOIN observations o ON o.id = s.id * {SESSION} - {SESSION} + n)"
    );
    database
        .execute_batch(&format!(
            "BEGIN;
             UPDATE observations
             SET created_at_epoch = unixepoch() * 1000 - ({ROWS} - id) * {step};
             {turns}
             INSERT INTO user_prompts (uid, session_db_id, content_session_id, project,
                 prompt_number, prompt_text, created_at, created_at_epoch)
             SELECT 'p' || id, session, content, project, number, title || ': ' || subtitle,
                 created_at, created_at_epoch - 1 FROM its;
             {turns}
             INSERT INTO session_summaries (uid, session_db_id, memory_session_id, project,
                 request, learned, completed, prompt_number, created_at, created_at_epoch)
             SELECT 's' || id, session, memory, project, title, narrative, subtitle, number,
                 created_at, created_at_epoch + 1 FROM its;
             {turns}
             INSERT INTO usage (session_db_id, prompt_number, project, provider, model, outcome,
                 input_tokens, output_tokens, duration_ms, created_at_epoch)
             SELECT session, number, project, 'anthropic', 'claude-haiku-4-5', 'ok', 6000, 700,
                 900, created_at_epoch FROM its;
             COMMIT;
             PRAGMA wal_checkpoint(TRUNCATE);"
        ))
        .expect("the schema is known");
}

/// What each client asks for.
fn paths(corpus: &Corpus, route: &str) -> Vec<String> {
    let mut random = Random::new(5);
    let again: Vec<String> = (0..SEARCHES)
        .map(|_| corpus.query(DRAWS[0].1, &mut random, ROWS).0)
        .collect();
    (0..CLIENTS * REQUESTS)
        .map(|request| {
            let number = 1 + request % 2400;
            let (_, draw) = DRAWS[request % DRAWS.len()];
            let (text, project) = corpus.query(draw, &mut random, ROWS);
            let file = corpus.path(number);
            route
                .replace("{}", &number.to_string())
                .replace("{project}", project)
                .replace("{file}", &escaped(&file))
                .replace("{words}", &escaped(&text))
                .replace("{again}", &escaped(&again[request % again.len()]))
        })
        .collect()
}

/// A text as a value of a query.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02x}");
        }
    }
    escaped
}

fn start(sandbox: &Sandbox) -> (Child, u16) {
    let mut server = sandbox
        .command(binary("claude-mem"))
        .args(["serve", "--foreground", "--port", "0"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("a server can be started");
    let mut line = String::new();
    let stdout = server.stdout.take().expect("stdout is a pipe");
    drop(BufReader::new(stdout).read_line(&mut line));
    let port = line.trim().rsplit(':').next().expect("an address");
    (server, port.parse().expect("an address ends with its port"))
}

fn connect(port: u16) -> BufReader<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", port)).expect("the server listens");
    drop(stream.set_nodelay(true));
    BufReader::new(stream)
}

/// Asks over a connection that stays open.
fn ask(connection: &mut BufReader<TcpStream>, path: &str) -> usize {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    connection
        .get_mut()
        .write_all(request.as_bytes())
        .expect("the server reads");
    let mut length = 0;
    loop {
        let mut line = String::new();
        connection.read_line(&mut line).expect("the server answers");
        let line = line.trim_end();
        assert!(
            !line.starts_with("HTTP/1.1") || line.contains(" 200 "),
            "{path}: {line}"
        );
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().expect("a length is a number");
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body).expect("the whole answer");
    length
}

fn crowd(port: u16, paths: &[String]) -> Vec<Duration> {
    let begin = Barrier::new(CLIENTS);
    std::thread::scope(|scope| {
        let clients: Vec<_> = paths
            .chunks(REQUESTS)
            .map(|paths| {
                let begin = &begin;
                scope.spawn(move || {
                    let mut connection = connect(port);
                    begin.wait();
                    paths
                        .iter()
                        .map(|path| {
                            let began = Instant::now();
                            ask(&mut connection, path);
                            began.elapsed()
                        })
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        clients
            .into_iter()
            .flat_map(|client| client.join().expect("the client was answered"))
            .collect()
    })
}

/// Kibibytes of a process.
struct Memory {
    resident: u64,
    /// What no other process has and no file could give back.
    private_dirty: u64,
}

impl Memory {
    fn of(server: &Child) -> Self {
        let text = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", server.id()))
            .expect("the server lives");
        let kib = |name: &str| {
            let line = text.lines().find(|line| line.starts_with(name));
            line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok())
                .expect("the kernel tells a size")
        };
        Self {
            resident: kib("Rss:"),
            private_dirty: kib("Private_Dirty:"),
        }
    }

    fn line(&self) -> String {
        format!(
            "{:.1} MiB, of it {:.1} private and written to",
            mib(self.resident),
            mib(self.private_dirty)
        )
    }
}

/// What the server's threads have run on a processor. Unlike the times of its
/// answers it hardly depends on what else the machine does.
fn processor(server: &Child) -> Duration {
    let threads = std::fs::read_dir(format!("/proc/{}/task", server.id()));
    let nanoseconds = threads
        .expect("the server lives")
        .flatten()
        .filter_map(|thread| std::fs::read_to_string(thread.path().join("schedstat")).ok())
        .filter_map(|text| text.split(' ').next()?.parse::<u64>().ok());
    Duration::from_nanos(nanoseconds.sum())
}

/// A client of the stream that has been greeted, for which rows are counted.
fn listen(port: u16) -> BufReader<TcpStream> {
    let mut stream = connect(port);
    stream
        .get_mut()
        .write_all(b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .expect("the server reads");
    read_until(&mut stream, "processing_status");
    stream
}

fn read_until(stream: &mut BufReader<TcpStream>, wanted: &str) {
    let mut line = String::new();
    while !line.contains(wanted) {
        line.clear();
        let read = stream.read_line(&mut line).expect("the stream goes on");
        assert!(read > 0, "the stream goes on");
    }
}

/// From a commit by another process to its event, at moments that have nothing
/// to do with each other.
fn commits_to_client(sandbox: &Sandbox, port: u16) -> Vec<Duration> {
    const COMMITS: u64 = 60;
    let mut stream = listen(port);
    let mut until = |wanted: &str| read_until(&mut stream, wanted);
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE;
    let database = rusqlite::Connection::open_with_flags(sandbox.locations().database(), flags)
        .expect("the database is there");
    database
        .execute(
            "INSERT INTO session_summaries (uid, memory_session_id, project, created_at,
                 created_at_epoch) VALUES ('told', 'told', 'told', '', 0)",
            [],
        )
        .expect("the schema is known");
    until("event: session-summary-created");
    (0..COMMITS)
        .map(|number| {
            let pause = Duration::from_millis(number * 37 % 101);
            let before = Instant::now();
            wait_until("the pause is over", || before.elapsed() >= pause);
            database
                .execute(
                    "UPDATE session_summaries SET notes = ?1 WHERE uid = 'told'",
                    [number.to_string()],
                )
                .expect("the schema is known");
            let began = Instant::now();
            until("event: session-summary-created");
            began.elapsed()
        })
        .collect()
}

/// Processor time of a server whose clients have nothing to be told.
fn idle(server: &Child, port: u16) {
    const SPAN: Duration = Duration::from_secs(5);
    let clients: Vec<_> = (0..4).map(|_| listen(port)).collect();
    let before = processor(server);
    let began = Instant::now();
    wait_until("the span has passed", || began.elapsed() > SPAN);
    let used = processor(server).saturating_sub(before);
    println!(
        "  idle with {} clients of the stream: {:.2} % of a processor (promised < 0.5)",
        clients.len(),
        used.as_secs_f64() * 100.0 / SPAN.as_secs_f64()
    );
}
