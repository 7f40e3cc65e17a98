//! `claude-mem timeline`.

use std::io::Write;

use anyhow::{anyhow, bail};
use serde::Serialize;

use crate::context::{text::line, zone};
use crate::search::{self, Anchor, DEFAULT_DEPTH, Middle, SearchError, TimelineError, project_of};
use crate::store::{Around, Moment, Reader};

use super::output::{self, ID};
use super::place::{Place, Which, nothing_here, now_ms, stored, told};
use super::record::Record;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: claude-mem timeline 12 --before 5 --after 5\n         claude-mem timeline 2026-01-31T12:00\n         claude-mem timeline --query \"invoice rounding\""
)]
pub(super) struct Args {
    /// 12 for an observation, S3 for a summary, P4 for a prompt, session:ID, or a time
    #[arg(required_unless_present = "query", conflicts_with = "query")]
    anchor: Option<String>,
    /// Around what fits these words best
    #[arg(long, value_name = "WORDS")]
    query: Option<String>,
    /// How many rows before
    #[arg(long, value_name = "N", default_value_t = DEFAULT_DEPTH)]
    before: usize,
    /// How many rows after
    #[arg(long, value_name = "N", default_value_t = DEFAULT_DEPTH)]
    after: usize,
    #[command(flatten)]
    which: Which,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The answer for a script.
#[derive(Debug, Serialize)]
struct Answer<'a> {
    anchor: String,
    items: &'a [Moment],
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<()> {
    let place = Place::here();
    let middle = middle(args)?;
    let scope = place.scope(&args.which)?;
    let Some(reader) = place.reader()? else {
        if args.json {
            return output::json(out, &serde_json::json!({"anchor": null, "items": []}));
        }
        return nothing_here(out, None);
    };
    let mut name = scope.as_ref().map(|(name, _)| name.clone());
    let mut projects = stored(&reader, scope.as_ref())?;
    if args.which.project.is_none()
        && let Some(others) = other_project(&reader, &middle, projects.as_deref())?
    {
        name = Some(others.clone());
        projects = Some(vec![others]);
    }
    let around = Around {
        projects,
        before: args.before,
        after: args.after,
    };
    let found = search::timeline(&reader, &middle, &around).map_err(failed)?;
    if args.json {
        let anchor = found.anchor.to_string();
        let items = &found.items;
        return output::json(out, &Answer { anchor, items });
    }
    for (place, moment) in found.items.into_iter().enumerate() {
        let mark = if Some(place) == found.middle {
            ">"
        } else {
            " "
        };
        write!(out, "{ID}{mark}{ID:#} ")?;
        Record::from(moment).write_line(out, name.as_deref())?;
    }
    Ok(())
}

fn middle(args: &Args) -> anyhow::Result<Middle> {
    if let Some(query) = &args.query {
        return Ok(Middle::Query(query.clone()));
    }
    let text = args.anchor.as_deref().unwrap_or_default();
    let Some(anchor) = Anchor::parse(text, &zone::local(), now_ms()) else {
        bail!(
            "{:?} is no anchor: give an id such as 12, S3 or P4, session: and its id, a time such as 2026-01-31T12:00, or --query",
            line(text)
        );
    };
    Ok(Middle::Anchor(anchor))
}

/// The project of the anchor's row, where that is none of those looked at:
/// around it is its own project.
fn other_project(
    reader: &Reader,
    middle: &Middle,
    projects: Option<&[String]>,
) -> anyhow::Result<Option<String>> {
    let (Middle::Anchor(anchor), Some(projects)) = (middle, projects) else {
        return Ok(None);
    };
    let project = project_of(reader, anchor).map_err(told)?;
    Ok(project.filter(|project| !projects.contains(project)))
}

fn failed(error: TimelineError) -> anyhow::Error {
    match error {
        TimelineError::Search(SearchError::Store(error)) => told(error),
        TimelineError::Missing(what) => {
            anyhow!("{what} not found: `claude-mem list --all` prints the ids that there are")
        }
        other => other.into(),
    }
}
