//! `claude-mem search`.

use std::io::Write;

use capture::settings::Key;
use serde::Serialize;

use crate::context::text::line;
use crate::search::{Explanation, Found, Request, Reranker, Results, SearchError, run as find};
use crate::store::Reader;

use super::output::{self, FAINT};
use super::place::{Place, Which, stored, told};
use super::record::Record;

/// What `--explain` calls the vectors that need no model.
const TABLE: &str = "the built-in table";

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: claude-mem search exchange rates\n         claude-mem search '\"discount code\" -test type:bugfix since:7d'\n\nFilters among the words: type: concept: file: project: since: before: until:\n(7d, 12h, 3w, yesterday, 2026-01-31)."
)]
pub(super) struct Args {
    /// Words; inside one quoted argument "a phrase" stays together and -word must not occur
    #[arg(required = true, value_name = "WORDS")]
    words: Vec<String>,
    #[command(flatten)]
    which: Which,
    /// Only observations of this type
    #[arg(long = "type", value_name = "TYPE")]
    kinds: Vec<String>,
    /// How many of each kind
    #[arg(short, default_value_t = 10)]
    number: usize,
    /// Say of each hit what its score is made of
    #[arg(long)]
    explain: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The answer for a script.
#[derive(Debug, Serialize)]
struct Answer<'a> {
    query: &'a str,
    /// The project that was searched; `None` for all.
    project: Option<&'a str>,
    #[serde(flatten)]
    results: Results,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<()> {
    let place = Place::here();
    let text = args.words.join(" ");
    let scope = place.scope(&args.which)?;
    let mut request = Request {
        text: text.clone(),
        kinds: args.kinds.clone(),
        limit: args.number,
        reranker: place.settings.path(Key::EmbeddingModel).map(Reranker::at),
        ..Request::default()
    };
    let mut results = Results::default();
    // Never wider than asked: the one who asks may be an assistant at work for
    // one client, and the other projects another's.
    if let Some(reader) = place.reader()? {
        request.projects = stored(&reader, scope.as_ref())?;
        results = ask(&reader, &request)?;
    } else if crate::search::query::parse(&text, 0).is_empty() {
        return Err(SearchError::Empty.into());
    }
    if let Some(warning) = &results.warning {
        output::warn(warning);
    }
    let name = scope.as_ref().map(|(name, _)| name.as_str());
    let answer = Answer {
        query: &text,
        project: name,
        results,
    };
    if args.json {
        return output::json(out, &answer);
    }
    render(answer, args.explain, out)
}

fn ask(reader: &Reader, request: &Request) -> anyhow::Result<Results> {
    find(reader, request).map_err(|error| match error {
        SearchError::Store(error) => told(error),
        SearchError::Empty => error.into(),
    })
}

fn render(answer: Answer<'_>, explain: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    let Answer {
        project, results, ..
    } = answer;
    for note in &results.notes {
        writeln!(out, "{FAINT}note: {}{FAINT:#}", line(note))?;
    }
    if results.is_empty() {
        match project {
            Some(name) => writeln!(
                out,
                "Nothing found in {}. Try other words, or `claude-mem search --all …` for every project.",
                line(name)
            )?,
            None => writeln!(out, "Nothing found. Try fewer or other words.")?,
        }
    }
    let model = explain.then_some(results.model.as_str());
    for found in results.observations {
        hit(out, project, model, found, Record::Observation)?;
    }
    for found in results.summaries {
        hit(out, project, model, found, Record::Summary)?;
    }
    for found in results.prompts {
        hit(out, project, model, found, Record::Prompt)?;
    }
    Ok(())
}

fn hit<T>(
    out: &mut dyn Write,
    project: Option<&str>,
    model: Option<&str>,
    found: Found<T>,
    record: fn(T) -> Record,
) -> anyhow::Result<()> {
    record(found.row).write_line(out, project)?;
    if !found.snippet.is_empty() {
        writeln!(out, "       {}", line(&found.snippet))?;
    }
    if !found.why.is_empty() {
        writeln!(out, "       {FAINT}{}{FAINT:#}", line(&found.why))?;
    }
    for (verb, ids) in [
        ("corrects", &found.corrects),
        ("says the same as", &found.also),
    ] {
        if !ids.is_empty() {
            let ids: Vec<String> = ids.iter().map(|id| format!("#{id}")).collect();
            writeln!(out, "       {FAINT}{verb} {}{FAINT:#}", ids.join(", "))?;
        }
    }
    if let Some(model) = model {
        let Explanation {
            coverage,
            words,
            exact,
            meaning,
            reranked,
        } = found.explanation;
        let by = if reranked { model } else { TABLE };
        writeln!(
            out,
            "       {FAINT}score {:.2}: words {words:.2} (exact {exact:.2}, {:.0} % of the query), meaning {meaning:.2} by {}{FAINT:#}",
            found.score,
            // The sum of nothing is a negative zero.
            100.0 * coverage.abs(),
            line(by)
        )?;
    }
    Ok(())
}
