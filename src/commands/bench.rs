//! `claude-mem bench`.

use std::fs::File;
use std::io::{BufReader, BufWriter, IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use capture::settings::{Key, Settings};
use clap::Subcommand;
use serde::Serialize;
use sockets_protocol::Locations;

use crate::bench::{self, Answer, Data, Filled, Id, Score, Scores};
use crate::context::text::line;
use crate::search::{Reranker, Results};
use crate::store::{Reader, Sizes};

use super::output::{self, FAINT, STRONG, count, size};

/// Results of a query, where no cut-off is beyond it.
const RESULTS: usize = 20;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: claude-mem bench retrieval questions.jsonl --k 5,10 --run-out run.jsonl"
)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Store the documents of a data set, ask its queries, score what is found
    Retrieval(Retrieval),
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "The data set has one JSON object a line:\n  {\"kind\":\"doc\",\"haystack\":\"h\",\"id\":\"d1\",\"at\":1767225600000,\"text\":\"…\"}\n  {\"kind\":\"query\",\"haystack\":\"h\",\"id\":\"q1\",\"text\":\"…\",\"gold\":[\"d1\"],\"slice\":\"…\"}\nA query searches its own haystack. One without gold is right when nothing is found.\nany@k: a gold document is among the first k; frac@k: which share of them is; all@k: all are.\n\nExample: claude-mem bench retrieval questions.jsonl --k 5,10 --run-out run.jsonl"
)]
struct Retrieval {
    /// The data set
    #[arg(value_name = "DATA.jsonl")]
    data: PathBuf,
    /// Cut-offs to score at
    #[arg(long, value_name = "K,…", value_delimiter = ',', default_values_t = [5_u16, 10],
          value_parser = clap::value_parser!(u16).range(1..=1000))]
    k: Vec<u16>,
    /// Results that are asked for [default: 20, or the largest cut-off]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: Option<u16>,
    /// Write what was found, a line {"id","ids"} for each query
    #[arg(long, value_name = "FILE")]
    run_out: Option<PathBuf>,
    /// Keep the database in this directory, which must be empty or new
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<()> {
    match &args.what {
        What::Retrieval(args) => retrieval(args, out),
    }
}

/// All that is printed.
#[derive(Debug, Serialize)]
struct Report {
    haystacks: usize,
    documents: usize,
    queries: usize,
    /// Queries none of whose gold documents is in the data set.
    unanswerable: usize,
    /// Results that were asked for.
    limit: usize,
    /// What compared rows with queries in meaning.
    model: String,
    #[serde(flatten)]
    scores: Scores,
    latency_ms: Latency,
    store_seconds: f64,
    documents_per_second: f64,
    bytes: Sizes,
    /// Share of the search's own tables in all that is stored, in per cent.
    index_percent: f64,
}

fn retrieval(args: &Retrieval, out: &mut dyn Write) -> anyhow::Result<()> {
    let file = File::open(&args.data)
        .with_context(|| format!("failed to open {}", args.data.display()))?;
    let data = Data::read(BufReader::new(file))
        .with_context(|| format!("failed to read {}", args.data.display()))?;
    let throwaway = tempfile::Builder::new()
        .prefix("claude-mem-bench-")
        .tempdir()
        .context("failed to make a throwaway data directory")?;
    let directory = match &args.keep {
        Some(kept) => empty(kept)?,
        None => throwaway.path(),
    };
    let report = measure(args, &data, &Locations::new(directory.join("data")))?;
    if args.json {
        return output::json(out, &report);
    }
    render(&report, out)
}

fn measure(args: &Retrieval, data: &Data, locations: &Locations) -> anyhow::Result<Report> {
    let k: Vec<usize> = args.k.iter().map(|k| usize::from(*k)).collect();
    let farthest = k.iter().copied().max().unwrap_or(RESULTS);
    let limit = args.limit.map_or(RESULTS, usize::from).max(farthest);
    let documents = data.documents();
    let mut progress = Progress::new("stored", documents);
    let filled = bench::fill(locations, data, |done| progress.tell(done))?;
    let reader = Reader::open(&locations.database())?.context("the database is not there")?;
    let reranker = reranker();
    let answers = ask_all(&reader, &filled, data, limit, reranker.as_ref())?;
    if let Some(path) = &args.run_out {
        write_run(path, data, &answers)
            .with_context(|| format!("failed to write {}", path.display()))?;
    }
    let bytes = reader.sizes()?;
    Ok(Report {
        haystacks: data.haystacks.len(),
        documents,
        queries: data.queries.len(),
        unanswerable: data.unanswerable(),
        limit,
        model: reranker.map_or_else(|| Results::default().model, |one| one.name()),
        scores: bench::score(&data.queries, &answers, &k),
        latency_ms: Latency::of(&answers),
        store_seconds: filled.took.as_secs_f64(),
        documents_per_second: float(documents) / filled.took.as_secs_f64().max(1e-9),
        index_percent: percent(bytes.search, bytes.total()),
        bytes,
    })
}

/// A directory for a database of the bench's own, never for the user's.
fn empty(directory: &Path) -> anyhow::Result<&Path> {
    let has_entries = match directory.read_dir() {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
        Err(error) => {
            return Err(error).with_context(|| format!("failed to read {}", directory.display()));
        }
    };
    if has_entries || directory == Settings::load().data_dir() {
        bail!(
            "{} is in use: give --keep a directory that is empty or new",
            directory.display()
        );
    }
    Ok(directory)
}

/// The sentence model that the settings name, loaded: that is not part of a query's
/// time.
fn reranker() -> Option<Arc<Reranker>> {
    let reranker = Settings::load()
        .path(Key::EmbeddingModel)
        .map(Reranker::at)?;
    match reranker.load() {
        Ok(()) => Some(reranker),
        Err(warning) => {
            output::warn(&warning);
            None
        }
    }
}

fn ask_all(
    reader: &Reader,
    filled: &Filled,
    data: &Data,
    limit: usize,
    reranker: Option<&Arc<Reranker>>,
) -> anyhow::Result<Vec<Answer>> {
    let mut progress = Progress::new("asked", data.queries.len());
    let mut answers = Vec::with_capacity(data.queries.len());
    for query in &data.queries {
        let answer = bench::ask(reader, filled, query, limit, reranker)
            .with_context(|| format!("failed to ask query {}", query.id))?;
        answers.push(answer);
        progress.tell(answers.len());
    }
    Ok(answers)
}

fn write_run(path: &Path, data: &Data, answers: &[Answer]) -> anyhow::Result<()> {
    #[derive(Serialize)]
    struct Line<'a> {
        id: &'a Id,
        ids: &'a [Id],
    }
    let mut file = BufWriter::new(File::create(path)?);
    for (query, answer) in data.queries.iter().zip(answers) {
        let (id, ids) = (&query.id, answer.ids.as_slice());
        serde_json::to_writer(&mut file, &Line { id, ids })?;
        file.write_all(b"\n")?;
    }
    file.flush()?;
    Ok(())
}

/// Times of the queries in milliseconds.
#[derive(Debug, Serialize)]
struct Latency {
    p50: f64,
    p95: f64,
    p99: f64,
    max: f64,
}

impl Latency {
    fn of(answers: &[Answer]) -> Self {
        let mut times: Vec<Duration> = answers.iter().map(|answer| answer.took).collect();
        times.sort_unstable();
        let at = |percent: usize| {
            let place = (times.len() * percent / 100).min(times.len().saturating_sub(1));
            times.get(place).map_or(0.0, Duration::as_secs_f64) * 1000.0
        };
        Self {
            p50: at(50),
            p95: at(95),
            p99: at(99),
            max: at(100),
        }
    }
}

fn render(report: &Report, out: &mut dyn Write) -> anyhow::Result<()> {
    let scores = &report.scores;
    write!(out, "{STRONG}{:<24} {:>6}", "slice", "n")?;
    for measure in ["any", "frac", "all"] {
        for k in &scores.k {
            write!(out, " {:>8}", format!("{measure}@{k}"))?;
        }
    }
    writeln!(out, " {:>8}{STRONG:#}", "MRR")?;
    for score in scores.overall.iter().chain(&scores.slices) {
        row(score, out)?;
    }
    if scores.abstentions > 0 {
        let (right, all) = (scores.abstained, scores.abstentions);
        writeln!(out, "abstention {right}/{all}")?;
    }
    let latency = &report.latency_ms;
    writeln!(
        out,
        "latency p50 {:.2}  p95 {:.2}  p99 {:.2}  max {:.2} ms, {} results asked for, compared by {}",
        latency.p50,
        latency.p95,
        latency.p99,
        latency.max,
        report.limit,
        line(&report.model)
    )?;
    writeln!(
        out,
        "{} of {} stored in {:.2} s, {:.0} a second",
        count(report.documents, "document"),
        count(report.haystacks, "haystack"),
        report.store_seconds,
        report.documents_per_second
    )?;
    let bytes = &report.bytes;
    writeln!(
        out,
        "database {}: rows {}, their indexes {}, search {} ({:.1} %)",
        bytes_told(bytes.total()),
        bytes_told(bytes.rows),
        bytes_told(bytes.lookups),
        bytes_told(bytes.search),
        report.index_percent
    )?;
    for (table, bytes) in bytes
        .search_tables
        .iter()
        .filter(|(_, bytes)| *bytes > 1 << 16)
    {
        writeln!(out, "  {FAINT}{table} {}{FAINT:#}", bytes_told(*bytes))?;
    }
    if report.unanswerable > 0 {
        writeln!(
            out,
            "no gold document of {} of {} queries is in the data set",
            report.unanswerable, report.queries
        )?;
    }
    Ok(())
}

fn row(score: &Score, out: &mut dyn Write) -> anyhow::Result<()> {
    write!(out, "{:<24} {:>6}", line(&score.slice), score.queries)?;
    for value in score.any.iter().chain(&score.frac).chain(&score.all) {
        write!(out, " {value:>8.1}")?;
    }
    writeln!(out, " {:>8.1}", score.mrr)?;
    Ok(())
}

fn bytes_told(bytes: i64) -> String {
    size(u64::try_from(bytes).unwrap_or(0))
}

fn percent(part: i64, whole: i64) -> f64 {
    let hundredths = part.saturating_mul(10_000) / whole.max(1);
    f64::from(i32::try_from(hundredths).unwrap_or(i32::MAX)) / 100.0
}

fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// How far it is, on a terminal alone.
struct Progress {
    what: &'static str,
    of: usize,
    told: usize,
    terminal: bool,
}

impl Progress {
    fn new(what: &'static str, of: usize) -> Self {
        Self {
            what,
            of,
            told: 0,
            terminal: std::io::stderr().is_terminal(),
        }
    }

    /// Says each hundredth, in one line that is cleared at the end.
    fn tell(&mut self, done: usize) {
        if !self.terminal || (done < self.of && done - self.told < self.of.div_ceil(100)) {
            return;
        }
        self.told = done;
        let mut stderr = anstream::stderr();
        drop(if done == self.of {
            write!(stderr, "\r\x1b[K")
        } else {
            write!(stderr, "\r{} {done} of {}", self.what, self.of)
        });
        drop(stderr.flush());
    }
}
