//! The search among ten thousand, a hundred thousand and a million rows: what
//! storing them costs, what the index takes, how long a query does.
//!
//! `CLAUDE_MEM_BENCH_ROWS=100000` (or several, with commas) measures at other
//! sizes. A database is kept below target/tmp and used again until the schema
//! changes; `CLAUDE_MEM_BENCH_FRESH=1` makes it anew.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use claude_mem::search::{Request, run};
use claude_mem::store::{
    BatchLimits, NewEvent, NewEventKind, Reader, SessionIdentity, TurnOutcome, Writer, checkpoint,
};
use serde::{Deserialize, Serialize};
use sockets_protocol::Locations;

use super::corpus::{Corpus, DRAWS, Draw, Random, SESSION};
use super::support::{Sandbox, binary};
use super::{Times, floor_command, timed};

const SIZES: [usize; 3] = [10_000, 100_000, 1_000_000];

/// Rows whose storing is timed together.
const STRETCH: usize = 10_000;

/// Queries of each sort, in all projects and again in one.
const QUERIES: usize = 144;

/// No sort of query is asked for longer than this.
const LONGEST: Duration = Duration::from_secs(45);

/// Processes of `claude-mem search`.
const PROCESSES: usize = 60;

/// Rows that are looked for by their titles, and among how many results.
const TITLES: usize = 400;
const TOP: usize = 5;

/// Results of a query, as the command asks for them.
const RESULTS: usize = 10;

pub(super) fn measure() {
    let corpus = Corpus::new();
    let given = std::env::var("CLAUDE_MEM_BENCH_ROWS").unwrap_or_default();
    let mut sizes: Vec<usize> = given
        .split(',')
        .filter_map(|rows| rows.trim().parse().ok())
        .collect();
    if sizes.is_empty() {
        sizes.extend(SIZES);
    }
    for rows in sizes {
        at_size(&corpus, rows);
    }
}

fn at_size(corpus: &Corpus, rows: usize) {
    println!("  {rows} rows");
    let data = database(corpus, rows);
    let locations = Locations::new(&data);
    let reader = Reader::open(&locations.database())
        .expect("the database is ours")
        .expect("the database was filled");
    disk(&reader, &locations, rows);
    let mut all = Asked::default();
    for (name, draw) in DRAWS {
        for everywhere in [true, false] {
            let asked = ask(&reader, corpus, draw, rows, everywhere);
            let place = if everywhere {
                "all projects"
            } else {
                "one project"
            };
            println!("    {name:<16} {place:<12}  {}", asked.line());
            all.wall.extend(asked.wall);
            all.processor += asked.processor;
            all.found += asked.found;
        }
    }
    println!("    together                       {}", all.line());
    let times = Times::new(all.wall);
    println!(
        "    p50 {:.2} ms (promised ≤ 5), p99 {:.2} ms (promised ≤ 25), both of 1,000,000 rows",
        ms(times.at(50)),
        ms(times.at(99))
    );
    titles(&reader, corpus, rows);
    one_shot(corpus, rows, &data);
}

/// How many rows of any age the words of their titles find, in any order.
fn titles(reader: &Reader, corpus: &Corpus, rows: usize) {
    let mut random = Random::new(11);
    for everywhere in [true, false] {
        let asked = (0..TITLES).filter(|_| {
            let row = random.below(rows);
            let (title, project) = corpus.title_words(row, &mut random);
            let request = Request {
                text: title,
                projects: (!everywhere).then(|| vec![project.to_owned()]),
                limit: TOP,
                ..Request::default()
            };
            let results = run(reader, &request).expect("there is something to look for");
            let mut found = results.observations.iter();
            // Rows are stored in their order.
            found.any(|found| found.row.id == i64::try_from(row + 1).unwrap_or(0))
        });
        let place = if everywhere {
            "all projects"
        } else {
            "one project"
        };
        println!(
            "    rows found by the words of their titles, {place}: {} of {TITLES} among the first {TOP} (promised: all)",
            asked.count()
        );
    }
}

fn disk(reader: &Reader, locations: &Locations, rows: usize) {
    let sizes = reader.sizes().expect("the database can be read");
    let file = std::fs::metadata(locations.database()).expect("the database was filled");
    let stored = reader.totals().expect("the database can be read");
    assert_eq!(
        usize::try_from(stored.observations),
        Ok(rows),
        "rows got lost"
    );
    let total = sizes.total().max(1);
    let percent = |bytes: i64| bytes * 100 / total;
    println!(
        "    disk   {} bytes a row: rows {} %, their indexes {} %, search {} % (promised ≤ 40)",
        file.len() / rows as u64,
        percent(sizes.rows),
        percent(sizes.lookups),
        percent(sizes.search)
    );
    for (table, bytes) in sizes.search_tables {
        if percent(bytes) > 0 {
            println!("           {table} {} %", percent(bytes));
        }
    }
}

/// What queries took.
#[derive(Default)]
struct Asked {
    wall: Vec<Duration>,
    /// Of this thread, together: tells of the search even where others use the
    /// machine.
    processor: Duration,
    found: usize,
}

impl Asked {
    fn line(&self) -> String {
        let count = u32::try_from(self.wall.len()).expect("few queries");
        format!(
            "{}; processor {:.2} ms each; {} of {count} found something",
            Times::new(self.wall.clone()).line(),
            ms(self.processor / count),
            self.found
        )
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn ask(reader: &Reader, corpus: &Corpus, draw: Draw, rows: usize, everywhere: bool) -> Asked {
    let mut random = Random::new(7);
    let mut asked = Asked::default();
    let (begin, used) = (Instant::now(), processor());
    while asked.wall.len() < QUERIES && begin.elapsed() < LONGEST {
        let (text, project) = corpus.query(draw, &mut random, rows);
        let request = Request {
            text,
            projects: (!everywhere).then(|| vec![project.to_owned()]),
            limit: RESULTS,
            ..Request::default()
        };
        let began = Instant::now();
        let results = run(reader, &request).expect("there is something to look for");
        asked.wall.push(began.elapsed());
        asked.found += usize::from(!results.is_empty());
    }
    asked.processor = processor().saturating_sub(used);
    asked
}

/// Time that this thread has run on a processor, to a few milliseconds.
fn processor() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split(' ').next().and_then(|text| text.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or(0))
}

/// A process that asks once: what a person at a terminal waits for.
fn one_shot(corpus: &Corpus, rows: usize, data: &Path) {
    let mut sandbox = Sandbox::new();
    sandbox.set("CLAUDE_MEM_DATA_DIR", data);
    let mut random = Random::new(11);
    let (mut floor, mut search) = (Vec::new(), Vec::new());
    for _ in 0..PROCESSES {
        floor.push(timed(&mut floor_command(&sandbox), b""));
        let (text, _) = corpus.query(Draw::Title, &mut random, rows);
        let mut command = sandbox.command(binary("claude-mem"));
        search.push(timed(command.args(["search", "--all", &text]), b""));
    }
    println!("    claude-mem search  {}", Times::new(search).line());
    println!("    floor              {}", Times::new(floor).line());
}

/// What is known of a database from an earlier run.
#[derive(Serialize, Deserialize)]
struct Made {
    schema: String,
    /// Milliseconds of wall clock and of the processor for each [`STRETCH`]
    /// rows.
    wall: Vec<f64>,
    processor: Vec<f64>,
}

/// The data directory with so many rows, made where there is none.
pub(super) fn database(corpus: &Corpus, rows: usize) -> PathBuf {
    let data = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bench-search-{rows}"));
    let note = data.join("made.json");
    let schema = schema();
    let fresh = std::env::var_os("CLAUDE_MEM_BENCH_FRESH").is_some();
    let known = std::fs::read(&note)
        .ok()
        .and_then(|text| serde_json::from_slice::<Made>(&text).ok())
        .filter(|made| !fresh && made.schema == schema);
    let made = known.unwrap_or_else(|| {
        drop(std::fs::remove_dir_all(&data));
        let (wall, processor) = fill(corpus, &Locations::new(&data), rows);
        let made = Made {
            schema,
            wall,
            processor,
        };
        let text = serde_json::to_vec(&made).expect("numbers and a text");
        std::fs::write(&note, text).expect("the directory is ours");
        made
    });
    for (what, times) in [("wall clock", &made.wall), ("processor", &made.processor)] {
        println!(
            "    insert, {what:<10}  {:.1} s; for each {STRETCH} first {:.0}, last {:.0}, longest {:.0} ms (promised: flat)",
            times.iter().sum::<f64>() / 1000.0,
            times[0],
            times[times.len() - 1],
            times.iter().copied().fold(0.0, f64::max)
        );
    }
    data
}

/// The tables that this version makes, how it makes the index, and what is stored.
fn schema() -> String {
    let sandbox = Sandbox::new();
    drop(Writer::open(&sandbox.locations(), "bench").expect("the data directory is ours"));
    let sql = "SELECT group_concat(sql, ';') FROM (
                   SELECT sql FROM sqlite_schema UNION ALL SELECT value FROM meta WHERE key = 'index')";
    let made: String = sandbox
        .database()
        .query_row(sql, [], |row| row.get(0))
        .expect("there are tables");
    format!("{made}; a prompt and a summary for {SESSION} rows")
}

fn fill(corpus: &Corpus, locations: &Locations, rows: usize) -> (Vec<f64>, Vec<f64>) {
    let mut writer = Writer::open(locations, "bench").expect("the data directory is ours");
    let (mut wall, mut used) = (Vec::new(), Vec::new());
    for stretch in (0..rows).step_by(STRETCH) {
        let (began, before) = (Instant::now(), processor());
        let end = rows.min(stretch + STRETCH);
        for first in (stretch..end).step_by(SESSION) {
            store(corpus, &mut writer, first, end.min(first + SESSION));
            if checkpoint::is_due(locations) {
                checkpoint::run(locations).expect("nobody else writes");
            }
        }
        wall.push(ms(began.elapsed()));
        used.push(ms(processor().saturating_sub(before)));
    }
    (wall, used)
}

/// A session, as its worker would store it.
fn store(corpus: &Corpus, writer: &mut Writer, first: usize, end: usize) {
    const LIMITS: BatchLimits = BatchLimits {
        events: 1,
        bytes: 1 << 20,
        lease_ms: 60_000,
    };
    let outcome = TurnOutcome {
        observations: (first..end).map(|row| corpus.observation(row)).collect(),
        summary: Some(corpus.summary(first)),
        model: "bench".to_owned(),
        ..TurnOutcome::default()
    };
    let at = outcome.observations[0].at;
    let identity = SessionIdentity {
        content_session_id: format!("bench-{first}"),
        project: corpus.project(first).to_owned(),
        project_root: String::new(),
    };
    let event = NewEvent::new(
        "e",
        Some("p"),
        at,
        NewEventKind::prompt(corpus.prompt(first)),
    );
    let problem = "nobody else writes";
    writer.ingest(&identity, &[event]).expect(problem);
    let session = writer.session(&identity, at).expect(problem);
    let turn = writer
        .claim_turn(session, LIMITS, true, at)
        .expect(problem)
        .expect("a turn was opened");
    writer.commit_turn(&turn, &outcome, at).expect(problem);
}
