//! `claude-mem list`.

use std::cmp::Reverse;
use std::io::Write;

use crate::store::{Filter, Reader, StoreError};

use super::output;
use super::place::{Place, Which, nothing_here, stored, told};
use super::record::Record;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: claude-mem list --type decision -n 5")]
pub(super) struct Args {
    #[command(flatten)]
    which: Which,
    /// Only this type: bugfix, feature, decision, … or summary or prompt
    #[arg(long = "type", value_name = "TYPE")]
    kinds: Vec<String>,
    /// How many
    #[arg(short, default_value_t = 20)]
    number: usize,
    /// Print a JSON array
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<()> {
    let place = Place::here();
    let scope = place.scope(&args.which)?;
    let records = match place.reader()? {
        None => Vec::new(),
        Some(reader) => {
            let projects = stored(&reader, scope.as_ref())?;
            records(&reader, projects, &args.kinds, args.number).map_err(told)?
        }
    };
    if args.json {
        return output::json(out, &records);
    }
    if records.is_empty() && args.kinds.is_empty() {
        return nothing_here(out, scope.as_ref());
    }
    if records.is_empty() {
        writeln!(out, "Nothing of type {}.", args.kinds.join(" or "))?;
    }
    for record in &records {
        record.write_line(out, scope.as_ref().map(|(name, _)| name.as_str()))?;
    }
    Ok(())
}

/// The newest records. Prompts are listed only when they are asked for: what
/// became of them says more.
fn records(
    reader: &Reader,
    projects: Option<Vec<String>>,
    kinds: &[String],
    number: usize,
) -> Result<Vec<Record>, StoreError> {
    let wants = |kind: &str| kinds.iter().any(|wanted| wanted == kind);
    let of_observations: Vec<String> = kinds
        .iter()
        .filter(|kind| !matches!(kind.as_str(), "summary" | "prompt"))
        .cloned()
        .collect();
    let filter = Filter {
        projects,
        kinds: of_observations,
        limit: number,
        ..Filter::default()
    };
    let mut records = Vec::new();
    if kinds.is_empty() || !filter.kinds.is_empty() {
        let rows = reader.observations(&filter)?;
        records.extend(rows.into_iter().map(Record::Observation));
    }
    if kinds.is_empty() || wants("summary") {
        let rows = reader.summaries(&filter)?;
        records.extend(rows.into_iter().map(Record::Summary));
    }
    if wants("prompt") {
        let rows = reader.prompts(&filter)?;
        records.extend(rows.into_iter().map(Record::Prompt));
    }
    records.sort_by_key(|record| Reverse(record.at()));
    records.truncate(number);
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::fixture::{MINUTE, MORNING, Memory, new_observation, new_summary};

    #[test]
    fn the_newest_come_first_and_types_choose() {
        let mut memory = Memory::new();
        let mut decision = new_observation("decided", MORNING + MINUTE);
        decision.kind = "decision".to_owned();
        let found = vec![new_observation("fixed", MORNING), decision];
        let summary = new_summary("asked", MORNING + 2 * MINUTE);
        memory.remember(("a", "billing"), MORNING, found, Some(summary));
        let reader = memory.reader();
        let ids = |kinds: &[&str], number| {
            let kinds: Vec<String> = kinds.iter().map(|kind| (*kind).to_owned()).collect();
            let records =
                records(&reader, Some(vec!["billing".to_owned()]), &kinds, number).unwrap();
            let ids: Vec<String> = records
                .iter()
                .map(|record| record.id().to_string())
                .collect();
            ids.join(" ")
        };
        assert_eq!(ids(&[], 20), "S1 #2 #1");
        assert_eq!(ids(&[], 2), "S1 #2");
        assert_eq!(ids(&["decision"], 20), "#2");
        assert_eq!(ids(&["summary"], 20), "S1");
        assert_eq!(ids(&["bugfix", "prompt"], 20), "#1 P1");
        assert_eq!(ids(&["nonsense"], 20), "");
        assert!(
            records(&reader, Some(vec!["other".to_owned()]), &[], 9)
                .unwrap()
                .is_empty()
        );
    }
}
