//! What people read.

use std::fmt::Write as _;
use std::io::Write;

use crate::context::text::{clip, line};
use crate::usage::{Cost, Sum};

use super::super::output::{FAINT, STRONG, WARNING};
use super::groups::By;
use super::{Report, Savings};

/// Longest name of a group.
const NAME_CHARS: usize = 40;

/// Rows of the table; the sums count all groups.
const MOST_ROWS: usize = 100;

pub(super) fn write(report: &Report, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut outside = Vec::new();
    if report.groups.is_empty() {
        let span = match report.days {
            1 => "today".to_owned(),
            days => format!("in {days} days"),
        };
        writeln!(
            out,
            "No model was called {span}. `claude-mem status` says who makes the memories: the offline extractor costs nothing."
        )?;
    } else {
        rows(report, out)?;
        outside = notes(&report.total);
    }
    for note in outside {
        writeln!(out, "{note}")?;
    }
    let budget = &report.budget;
    writeln!(
        out,
        "today     {} of {} tokens, {} of {} calls in the last hour",
        thousands(budget.tokens_used),
        thousands(budget.daily_tokens),
        thousands(budget.calls_last_hour),
        thousands(budget.calls_per_hour)
    )?;
    writeln!(out, "saved     {}", saved(&report.saved))?;
    for warning in &report.warnings {
        writeln!(out, "{WARNING}warning{WARNING:#}   {}", line(warning))?;
    }
    Ok(())
}

fn rows(report: &Report, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut table = vec![heading(report.by)];
    for sum in report.groups.iter().take(MOST_ROWS) {
        table.push(cells(sum));
    }
    table.push(cells(&report.total));
    let columns = table.first().map_or(0, Vec::len);
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            let width = |row: &Vec<String>| row[column].chars().count();
            table.iter().map(width).max().unwrap_or(0)
        })
        .collect();
    let last = table.len() - 1;
    for (number, row) in table.iter().enumerate() {
        let text = aligned(row, &widths);
        match number {
            0 => writeln!(out, "{FAINT}{text}{FAINT:#}")?,
            _ if number == last => {
                let more = report.groups.len().saturating_sub(MOST_ROWS);
                if more > 0 {
                    writeln!(out, "… and {more} more, which --json lists")?;
                }
                writeln!(out, "{STRONG}{text}{STRONG:#}")?;
            }
            _ => writeln!(out, "{text}")?,
        }
    }
    Ok(())
}

fn heading(by: By) -> Vec<String> {
    [
        by.name(),
        "calls",
        "failed",
        "input",
        "cache read",
        "cache write",
        "output",
        "memories",
        "tokens each",
        "time",
        "cost",
    ]
    .map(str::to_owned)
    .to_vec()
}

fn cells(sum: &Sum) -> Vec<String> {
    let name = match (sum.name.as_str(), sum.project.as_str()) {
        ("", _) => "(none)".to_owned(),
        (name, "") => clip(&line(name), NAME_CHARS),
        (session, project) => clip(
            &format!("{} {}", line(project), line(session)),
            NAME_CHARS + 16,
        ),
    };
    vec![
        name,
        thousands(sum.calls),
        thousands(sum.failed_calls()),
        thousands(sum.input_tokens),
        thousands(sum.cache_read_tokens),
        thousands(sum.cache_write_tokens),
        thousands(sum.output_tokens),
        thousands(sum.observations),
        sum.tokens_per_observation
            .map_or_else(|| "-".to_owned(), thousands),
        duration(sum.duration_ms),
        cost(&sum.cost),
    ]
}

/// The name to the left, numbers to the right, the cost as it comes.
fn aligned(row: &[String], widths: &[usize]) -> String {
    let mut text = String::new();
    let last = row.len().saturating_sub(1);
    for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
        let gap = if column == 0 { "" } else { "  " };
        let _ = match column {
            0 => write!(text, "{gap}{cell:<width$}"),
            _ if column == last => write!(text, "{gap}{cell}"),
            _ => write!(text, "{gap}{cell:>width$}"),
        };
    }
    text
}

fn cost(cost: &Cost) -> String {
    if cost.at_least && cost.dollars == 0.0 {
        return "price unknown".to_owned();
    }
    let about = if cost.subscription { "≈ " } else { "" };
    let least = if cost.at_least { "at least " } else { "" };
    let api = if cost.subscription {
        " at API prices"
    } else {
        ""
    };
    format!("{least}{about}{}{api}", dollars(cost.dollars))
}

/// Two decimals, and more where these would say nothing.
fn dollars(amount: f64) -> String {
    if amount == 0.0 || amount >= 0.1 {
        format!("${amount:.2}")
    } else {
        format!("${amount:.4}")
    }
}

fn duration(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0..60 => format!("{seconds}.{} s", ms % 1000 / 100),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// What the columns have no room for.
fn notes(total: &Sum) -> Vec<String> {
    let mut notes = Vec::new();
    if !total.failed.is_empty() {
        let reasons: Vec<String> = total
            .failed
            .iter()
            .map(|(reason, calls)| format!("{} {}", line(reason), thousands(*calls)))
            .collect();
        notes.push(format!("failed    {}", reasons.join(", ")));
    }
    if total.running_calls > 0 {
        notes.push(format!(
            "running   {}, of {} tokens at most",
            match total.running_calls {
                1 => "1 call".to_owned(),
                calls => format!("{} calls", thousands(calls)),
            },
            thousands(total.reserved_tokens)
        ));
    }
    if !total.cost.unknown_models.is_empty() {
        let models: Vec<String> = total
            .cost
            .unknown_models
            .iter()
            .map(|model| line(model))
            .collect();
        notes.push(format!(
            "unpriced  {}: `claude-mem settings set CLAUDE_MEM_PRICES '{{\"{}\": [1.0, 5.0]}}'` sets dollars a million tokens in and out",
            models.join(", "),
            models[0]
        ));
    }
    if total.cost.subscription {
        notes.push(
            "≈         calls of claude-cli run on your subscription; shown is what they would cost at API prices"
                .to_owned(),
        );
    }
    notes
}

fn saved(savings: &Savings) -> String {
    if savings.sessions == 0 {
        return "nothing yet: no session was told anything in this time".to_owned();
    }
    let number = |tokens: i64| {
        let sign = if tokens < 0 { "-" } else { "" };
        format!("{sign}{}", thousands(tokens.unsigned_abs()))
    };
    let sessions = match savings.sessions {
        1 => "1 session".to_owned(),
        sessions => format!("{} sessions", thousands(sessions)),
    };
    format!(
        "~{} tokens (estimated): {sessions} read ~{} instead of ~{} of work",
        number(savings.saved_tokens),
        number(savings.told_tokens),
        number(savings.work_tokens)
    )
}

/// A number with separators between its thousands.
pub(in crate::commands) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_say_how_sure_they_are() {
        let cases = [
            (0.0, false, false, "$0.00"),
            (0.0123, false, false, "$0.0123"),
            (1.5, true, false, "at least $1.50"),
            (1.5, false, true, "≈ $1.50 at API prices"),
            (0.0, true, false, "price unknown"),
        ];
        for (dollars, at_least, subscription, wanted) in cases {
            let seen = Cost {
                dollars,
                at_least,
                subscription,
                unknown_models: Vec::new(),
            };
            assert_eq!(cost(&seen), wanted);
        }
    }

    #[test]
    fn numbers_and_times_are_for_people() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_000), "1,000");
        assert_eq!(thousands(12_345_678), "12,345,678");
        assert_eq!(duration(1_250), "1.2 s");
        assert_eq!(duration(61_000), "1 min 1 s");
        assert_eq!(duration(3_720_000), "1 h 2 min");
    }
}
