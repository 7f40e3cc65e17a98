//! The HTTP process: how soon it answers, what it takes, how long requests
//! wait when many come at once.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::sync::Barrier;
use std::time::{Duration, Instant};

use super::support::{Sandbox, binary, wait_until};
use super::{Times, fill, mib, patient_sandbox, stop};

/// Requests under way at a time, each on a connection of its own.
const CLIENTS: usize = 50;

/// Requests of each client.
const REQUESTS: usize = 60;

const STARTS: usize = 15;

/// Each `{}` becomes a number that differs from request to request.
const ROUTES: [&str; 11] = [
    "/healthz",
    "/api/health",
    "/api/observations?limit=20&offset={}",
    "/api/observations?project=billing&limit=20",
    "/api/observation/{}",
    "/api/stats",
    "/api/stats/daily",
    "/api/usage",
    "/api/timeline?anchor={}",
    "/api/context/inject?project=billing",
    "/api/search?query=%22word{}%22&limit=20",
];

pub(super) fn measure() {
    let sandbox = patient_sandbox();
    fill(&sandbox.locations(), 100_000);
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
    println!("  resident when idle {:.1} MiB", resident(&server));
    for route in ROUTES {
        let times = Times::new(crowd(port, route));
        println!("  {route}\n           {}", times.line());
    }
    println!(
        "  resident after all this {:.1} MiB (promised ≤ 25)",
        resident(&server)
    );
    let told = Times::new(commits_to_client(&sandbox, port));
    println!(
        "  commit to client of the stream {}  (promised ≤ 150)",
        told.line()
    );
    idle(&server, port);
    stop(server);
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

fn crowd(port: u16, route: &str) -> Vec<Duration> {
    let begin = Barrier::new(CLIENTS);
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let begin = &begin;
                scope.spawn(move || {
                    let mut connection = connect(port);
                    begin.wait();
                    (0..REQUESTS)
                        .map(|request| {
                            let number = 1 + (client * REQUESTS + request) % 4999;
                            let path = route.replace("{}", &number.to_string());
                            let began = Instant::now();
                            ask(&mut connection, &path);
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

fn resident(server: &Child) -> f64 {
    let status =
        std::fs::read_to_string(format!("/proc/{}/status", server.id())).expect("the server lives");
    let line = status.lines().find(|line| line.starts_with("VmRSS"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
    mib(kib.expect("the kernel tells a size"))
}

/// From a commit by another process to its event, at moments that have nothing
/// to do with each other.
fn commits_to_client(sandbox: &Sandbox, port: u16) -> Vec<Duration> {
    const COMMITS: u64 = 60;
    let mut stream = connect(port);
    stream
        .get_mut()
        .write_all(b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .expect("the server reads");
    let mut until = |wanted: &str| {
        let mut line = String::new();
        while !line.contains(wanted) {
            line.clear();
            let read = stream.read_line(&mut line).expect("the stream goes on");
            assert!(read > 0, "the stream goes on");
        }
    };
    until("processing_status");
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE;
    let database = rusqlite::Connection::open_with_flags(sandbox.locations().database(), flags)
        .expect("the database is there");
    database
        .execute(
            "INSERT INTO session_summaries (id, uid, memory_session_id, project, created_at,
                 created_at_epoch) VALUES (1, 'told', 'filled', 'billing', '', 0)",
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
                    "UPDATE session_summaries SET notes = ?1 WHERE id = 1",
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
    let clients: Vec<TcpStream> = (0..4)
        .map(|_| {
            let mut stream = connect(port).into_inner();
            stream
                .write_all(b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
                .expect("the server reads");
            stream
        })
        .collect();
    let before = ticks(server);
    let began = Instant::now();
    wait_until("the span has passed", || began.elapsed() > SPAN);
    let used = f64::from(u32::try_from(ticks(server) - before).expect("few ticks"));
    println!(
        "  idle with {} clients of the stream: {:.2} % of a processor (promised < 0.5)",
        clients.len(),
        used / SPAN.as_secs_f64()
    );
}

/// Hundredths of a second that the process has run.
fn ticks(server: &Child) -> u64 {
    let text =
        std::fs::read_to_string(format!("/proc/{}/stat", server.id())).expect("the server lives");
    let fields = text.rsplit(')').next().unwrap_or_default();
    let number = |at: usize| {
        let field = fields.split_whitespace().nth(at);
        field
            .and_then(|field| field.parse::<u64>().ok())
            .unwrap_or(0)
    };
    number(11) + number(12)
}
