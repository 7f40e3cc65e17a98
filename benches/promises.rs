//! The measured promises, each as a ratio to a reference taken in the same run:
//! machines differ and drift, the ratio of two interleaved measurements less so.
//! "Floor" is the wall time to spawn and reap an empty Rust binary.
//!
//! `scripts/bench [name…]` builds everything in release and runs this.
#![expect(clippy::print_stdout, reason = "its output is what it is for")]

use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::Barrier;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sockets_protocol::{Locations, SafeId};

#[expect(
    dead_code,
    unreachable_pub,
    unused_imports,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "shared with the tests, which use more of it"
)]
#[path = "../tests/support/mod.rs"]
mod support;

use support::{Sandbox, binary, wait_until};

/// Interleaved runs of each latency measurement.
const RUNS: usize = 600;

#[path = "measures/corpus.rs"]
mod corpus;
#[path = "measures/http.rs"]
mod http;
#[path = "measures/recall.rs"]
mod recall;
#[path = "measures/search.rs"]
mod search;

type Measurement = (&'static str, fn());

const MEASUREMENTS: &[Measurement] = &[
    ("save-hook", save_hook),
    ("new-hook", prompt_to_listening),
    ("context-hook", context_hook),
    ("recall", recall::measure),
    ("memory", worker_memory),
    ("burst", burst),
    ("disk", disk),
    ("http", http::measure),
    ("search", search::measure),
];

fn main() {
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    for (name, measure) in MEASUREMENTS {
        if wanted.is_empty() || wanted.iter().any(|want| want == name) {
            println!("{name}");
            measure();
            println!();
        }
    }
}

/// A sorted list of times.
struct Times(Vec<Duration>);

impl Times {
    fn new(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    /// The time that `percent` of all stay within.
    fn at(&self, percent: usize) -> Duration {
        self.0[(self.0.len() * percent / 100).min(self.0.len() - 1)]
    }

    fn line(&self) -> String {
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        format!(
            "min {:.2}  p50 {:.2}  p95 {:.2}  p99 {:.2}  max {:.2} ms",
            ms(self.0[0]),
            ms(self.at(50)),
            ms(self.at(95)),
            ms(self.at(99)),
            ms(self.0[self.0.len() - 1])
        )
    }
}

fn ratio(time: Duration, reference: Duration) -> f64 {
    time.as_secs_f64() / reference.as_secs_f64()
}

fn floor_command(sandbox: &Sandbox) -> Command {
    sandbox.command(
        binary("claude-mem")
            .with_file_name("examples")
            .join("floor"),
    )
}

fn timed(command: &mut Command, stdin: &[u8]) -> Duration {
    let began = Instant::now();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the executable was built by scripts/bench");
    let mut input = child.stdin.take().expect("stdin is a pipe");
    drop(input.write_all(stdin));
    drop(input);
    let mut output = Vec::new();
    let mut stdout = child.stdout.take().expect("stdout is a pipe");
    stdout.read_to_end(&mut output).expect("stdout can be read");
    child.wait().expect("the child can be waited for");
    began.elapsed()
}

/// The same payload size as the promise: 8 KB of source code in a Read.
fn payload(session: &str, number: usize) -> Value {
    let content = "    let total = lines.iter().map(|line| line.quantity * line.price).sum();\n"
        .repeat(8 * 1024 / 75);
    json!({
        "session_id": session, "hook_event_name": "PostToolUse", "prompt_id": "p1",
        "cwd": "/home/demo/billing", "tool_name": "Read", "tool_use_id": format!("toolu_{number}"),
        "tool_input": {"file_path": "/home/demo/billing/src/invoice.rs"},
        "tool_response": {"type": "text", "file": {
            "filePath": "/home/demo/billing/src/invoice.rs", "content": content,
            "numLines": 109, "startLine": 1, "totalLines": 109}},
    })
}

fn start_worker(sandbox: &Sandbox, session: &str) -> Child {
    let worker = sandbox
        .command(binary("claude-mem"))
        .args(["worker", session])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a worker can be started");
    let locations = sandbox.locations();
    wait_until("the worker listens", || {
        capture::deliver::connect_to(&locations, &SafeId::new(session)).is_ok()
    });
    worker
}

fn stop(mut worker: Child) {
    let pid = nix::unistd::Pid::from_raw(i32::try_from(worker.id()).expect("pids are small"));
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).expect("the worker lives");
    worker.wait().expect("the worker can be waited for");
}

fn patient_sandbox() -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.set("CLAUDE_MEM_WORKER_IDLE_SECS", "3600");
    sandbox.set("CLAUDE_MEM_LOG_LEVEL", "warn");
    sandbox
}

fn save_hook() {
    let sandbox = patient_sandbox();
    let worker = start_worker(&sandbox, "bench");
    let (mut floor, mut hook) = (Vec::new(), Vec::new());
    for number in 0..RUNS {
        floor.push(timed(&mut floor_command(&sandbox), b""));
        let stdin = payload("bench", number).to_string();
        hook.push(timed(
            &mut sandbox.command(binary("save-hook")),
            stdin.as_bytes(),
        ));
    }
    stop(worker);
    let stored = sandbox.count("SELECT count(*) FROM pending_messages");
    let (floor, hook) = (Times::new(floor), Times::new(hook));
    println!("  floor      {}", floor.line());
    println!("  save-hook  {}", hook.line());
    println!(
        "  p50 {:.2} × floor (promised ≤ 2), p99 {:.2} × floor's p50 (promised ≤ 10), {stored} of {RUNS} events stored",
        ratio(hook.at(50), floor.at(50)),
        ratio(hook.at(99), floor.at(50))
    );
}

fn prompt_to_listening() {
    let sandbox = patient_sandbox();
    // The first one makes the database, which happens once in a user's life.
    let mut times = Vec::new();
    for number in 0..40 {
        let session = format!("cold-{number}");
        let prompt = json!({"session_id": session, "hook_event_name": "UserPromptSubmit",
            "prompt_id": "p", "prompt": "hello", "cwd": "/home/demo/billing"});
        let began = Instant::now();
        timed(
            &mut sandbox.command(binary("new-hook")),
            prompt.to_string().as_bytes(),
        );
        let id = SafeId::new(&session);
        let locations = sandbox.locations();
        while capture::deliver::connect_to(&locations, &id).is_err() {
            std::hint::spin_loop();
        }
        times.push(began.elapsed());
        let end = json!({"session_id": session, "hook_event_name": "SessionEnd", "prompt_id": "p"});
        timed(
            &mut sandbox.command(binary("cleanup-hook")),
            end.to_string().as_bytes(),
        );
        sandbox.wait_for_quiet();
    }
    let first = times.remove(0);
    let times = Times::new(times);
    println!("  {}", times.line());
    println!(
        "  p50 {:.1} ms (promised ≤ 30), the very first one {:.1} ms",
        times.at(50).as_secs_f64() * 1000.0,
        first.as_secs_f64() * 1000.0
    );
}

fn context_hook() {
    let sandbox = patient_sandbox();
    fill(&sandbox.locations(), 100_000);
    let stdin = json!({"session_id": "next", "hook_event_name": "SessionStart",
        "source": "startup", "cwd": "/home/demo/billing"})
    .to_string();
    let (mut floor, mut hook) = (Vec::new(), Vec::new());
    for _ in 0..RUNS / 2 {
        floor.push(timed(&mut floor_command(&sandbox), b""));
        hook.push(timed(
            &mut sandbox.command(binary("context-hook")),
            stdin.as_bytes(),
        ));
    }
    let (floor, hook) = (Times::new(floor), Times::new(hook));
    println!("  floor         {}", floor.line());
    println!("  context-hook  {}", hook.line());
    println!(
        "  p50 {:.2} × floor at 100,000 observations (promised ≤ 5)",
        ratio(hook.at(50), floor.at(50))
    );
}

fn worker_memory() {
    let sandbox = patient_sandbox();
    let workers: Vec<(String, Child)> = (0..50)
        .map(|number| {
            let session = format!("idle-{number}");
            let worker = start_worker(&sandbox, &session);
            (session, worker)
        })
        .collect();
    for (session, _) in &workers {
        for number in 0..5 {
            let stdin = payload(session, number).to_string();
            timed(&mut sandbox.command(binary("save-hook")), stdin.as_bytes());
        }
    }
    let mut private: Vec<u64> = workers
        .iter()
        .map(|(_, worker)| private_kib(worker.id()))
        .collect();
    private.sort_unstable();
    let total: u64 = private.iter().sum();
    println!(
        "  private memory of 50 idle workers: median {:.1}, most {:.1}, together {:.0} MiB (promised ≤ 8 each, ≤ 300 together)",
        mib(private[25]),
        mib(private[49]),
        mib(total)
    );
    for (_, worker) in workers {
        stop(worker);
    }
}

fn private_kib(pid: u32) -> u64 {
    std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))
        .expect("the worker lives")
        .lines()
        .filter(|line| line.starts_with("Private_"))
        .filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok())
        .sum()
}

fn mib(kib: u64) -> f64 {
    f64::from(u32::try_from(kib).expect("less than 4 TiB")) / 1024.0
}

/// 50 workers, each sent 200 events as fast as its client gets the acks.
fn burst() {
    const WORKERS: usize = 50;
    const EVENTS: usize = 200;
    let sandbox = patient_sandbox();
    let workers: Vec<Child> = (0..WORKERS)
        .map(|number| start_worker(&sandbox, &format!("burst-{number}")))
        .collect();
    let start = Barrier::new(WORKERS);
    let times: Vec<Duration> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..WORKERS)
            .map(|number| {
                let (locations, start) = (sandbox.locations(), &start);
                scope.spawn(move || send_events(&locations, number, EVENTS, start))
            })
            .collect();
        clients
            .into_iter()
            .flat_map(|client| client.join().expect("the client got its acks"))
            .collect()
    });
    let stored = sandbox.count("SELECT count(*) FROM pending_messages");
    let distinct =
        sandbox.count("SELECT count(DISTINCT session_db_id || event_id) FROM pending_messages");
    let times = Times::new(times);
    println!("  ack  {}", times.line());
    println!(
        "  p99 {:.1} ms (promised ≤ 50); {stored} rows, {distinct} distinct, of {} sent",
        times.at(99).as_secs_f64() * 1000.0,
        WORKERS * EVENTS
    );
    for worker in workers {
        stop(worker);
    }
}

fn send_events(
    locations: &Locations,
    worker: usize,
    events: usize,
    start: &Barrier,
) -> Vec<Duration> {
    let id = SafeId::new(&format!("burst-{worker}"));
    let mut stream = capture::deliver::connect_to(locations, &id).expect("the worker listens");
    start.wait();
    let mut chunk = [0; 4096];
    (0..events)
        .map(|number| {
            let line = format!(
                "{{\"type\":\"observation\",\"id\":\"e{number}\",\"tool_name\":\"Read\",\"tool_input\":{{}},\"tool_output\":\"{}\"}}\n",
                "x".repeat(2000)
            );
            let began = Instant::now();
            stream.write_all(line.as_bytes()).expect("the worker reads");
            loop {
                let count = stream.read(&mut chunk).expect("the worker answers");
                if chunk[..count].last() == Some(&b'\n') {
                    break;
                }
            }
            began.elapsed()
        })
        .collect()
}

fn disk() {
    let sandbox = patient_sandbox();
    fill(&sandbox.locations(), 20_000);
    let bytes = std::fs::metadata(sandbox.locations().database())
        .expect("the database was filled")
        .len();
    println!(
        "  {:.2} KiB an observation, indexes included (promised ≤ 3.3)",
        mib(bytes / 20_000 * 1024) / 1024.0
    );
}

/// Observations of ordinary size, of ten projects, over a year.
fn fill(locations: &Locations, rows: usize) {
    drop(claude_mem::store::Writer::open(locations, "bench").expect("the data directory is ours"));
    let mut connection =
        rusqlite::Connection::open_with_flags(locations.database(), rusqlite::OpenFlags::default())
            .expect("the database was made");
    let tx = connection
        .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
        .expect("nobody else writes");
    tx.execute(
        "INSERT INTO sdk_sessions (content_session_id, memory_session_id, project, started_at, started_at_epoch)
         VALUES ('filled', 'filled', 'billing', '', 0)",
        [],
    )
    .expect("the schema is known");
    let words: Vec<String> = (0..5000).map(|word| format!("word{word}")).collect();
    let mut seed = 42_u64;
    let mut text = |length: usize| {
        let mut text = String::new();
        for _ in 0..length {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let word = usize::try_from(seed >> 33).unwrap_or(0) % words.len();
            text.push_str(&words[word]);
            text.push(' ');
        }
        text
    };
    for row in 0..rows {
        let project = if row % 10 == 0 {
            "billing".to_owned()
        } else {
            format!("project-{}", row % 10)
        };
        let at = 1_760_000_000_000 + i64::try_from(row).expect("few rows") * 300_000;
        tx.execute(
            "INSERT INTO observations (uid, session_db_id, memory_session_id, project, type, title, subtitle,
                 narrative, facts, prompt_number, discovery_tokens, content_hash, created_at, created_at_epoch)
             VALUES (?1, 1, 'filled', ?2, 'discovery', ?3, ?4, ?5, json_array(?6, ?7), ?8, 900, ?1, '2026-01-01T00:00:00.000Z', ?9)",
            rusqlite::params![
                format!("uid-{row}"), project, text(7), text(14), text(60), text(8), text(8),
                i64::try_from(row).expect("few rows"), at
            ],
        )
        .expect("the schema is known");
    }
    tx.commit().expect("nobody else writes");
    connection
        .execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
        .expect("nobody else reads");
}
