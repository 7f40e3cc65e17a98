//! `claude-mem usage`.

mod groups;
mod table;

use std::io::Write;

use anyhow::Context as _;
use capture::settings::{Key, Settings};
use serde::Serialize;

use crate::context::Options;
use crate::context::savings::{Savings, savings};
use crate::store::{Reader, StoreError};
use crate::usage::{self, Day, Prices, Sum};

use self::groups::{By, Groups};
pub(super) use self::table::thousands;
use super::output;
use super::place::{Place, now_ms, told};

const HOUR_MS: i64 = 3_600_000;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Tokens are the ones that the providers count. Prices are list prices; CLAUDE_MEM_PRICES sets others.\n\
Saved is an estimate: for each session that was told something in the span, the tokens of the work behind the observations that it was shown, less the tokens of the text.\n\
\n\
Example: claude-mem usage --days 30 --by model"
)]
pub(super) struct Args {
    /// How many days, today included
    #[arg(long, default_value_t = 7, value_name = "N",
          value_parser = clap::value_parser!(u16).range(1..=3660))]
    days: u16,
    /// What to add up by
    #[arg(long, value_enum, default_value_t)]
    by: By,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<()> {
    let place = Place::here();
    let reader = place.reader()?;
    let (prices, warnings) = Prices::of_settings(&place.settings);
    let days = usage::days(now_ms(), args.days, &crate::context::zone::local())
        .context("so many days ago there was no calendar: give a smaller --days")?;
    let mut report = Report::new(args, &days, &place.settings, warnings);
    if let Some(reader) = &reader {
        reader
            .snapshot(|| report.read(reader, &days, &prices))
            .and_then(|()| report.read_savings(reader, &days, &place))
            .map_err(told)?;
    }
    if args.json {
        output::json(out, &report)
    } else {
        table::write(&report, out)
    }
}

/// All that is printed.
#[derive(Debug, Serialize)]
struct Report {
    days: u16,
    by: By,
    /// The first and the last day.
    from: String,
    until: String,
    groups: Vec<Sum>,
    total: Sum,
    budget: Budget,
    saved: Savings,
    warnings: Vec<String>,
}

/// What is used of the limits of this machine.
#[derive(Debug, Default, Serialize)]
struct Budget {
    /// Of today, calls that run counted as the most that they can cost.
    tokens_used: u64,
    daily_tokens: u64,
    calls_last_hour: u64,
    calls_per_hour: u64,
}

impl Report {
    fn new(args: &Args, days: &[Day], settings: &Settings, warnings: Vec<String>) -> Self {
        let name = |day: Option<&Day>| day.map(|day| day.name.clone()).unwrap_or_default();
        Self {
            days: args.days,
            by: args.by,
            from: name(days.last()),
            until: name(days.first()),
            groups: Vec::new(),
            total: Sum::new("total", ""),
            budget: Budget {
                daily_tokens: settings.number(Key::DailyTokens),
                calls_per_hour: settings.number(Key::CallsPerHour),
                ..Budget::default()
            },
            saved: Savings::default(),
            warnings,
        }
    }

    fn read(&mut self, reader: &Reader, days: &[Day], prices: &Prices) -> Result<(), StoreError> {
        let mut groups = Groups::default();
        let mut made = Vec::new();
        for (index, day) in days.iter().enumerate() {
            let rows = reader.usage(day.from, day.until)?;
            for row in &rows {
                self.total.add(row, prices);
                if index == 0 {
                    self.budget.tokens_used += row.tokens() + row.reserved;
                }
            }
            groups.calls(self.by, &day.name, &rows, prices);
            let of_day = reader.made_by_models(day.from, day.until)?;
            self.total.observations += of_day.iter().map(|made| made.observations).sum::<u64>();
            made.push((day.name.as_str(), of_day));
        }
        for (day, of_day) in made {
            groups.made(self.by, day, &of_day);
        }
        groups.all.iter_mut().for_each(Sum::settle);
        if self.by != By::Day {
            groups.all.sort_by_key(|sum| std::cmp::Reverse(sum.tokens));
        }
        self.groups = groups.all;
        self.total.settle();
        let now = now_ms();
        let hour = reader.usage(now.saturating_sub(HOUR_MS) + 1, i64::MAX)?;
        self.budget.calls_last_hour = hour.iter().map(|row| row.calls).sum();
        Ok(())
    }

    fn read_savings(
        &mut self,
        reader: &Reader,
        days: &[Day],
        place: &Place,
    ) -> Result<(), StoreError> {
        let options = Options::from_settings(&place.settings);
        if let (Some(last), Some(first)) = (days.first(), days.last()) {
            let span = (first.from, last.until);
            self.saved = savings(reader, &place.locations, options, span)?;
        }
        Ok(())
    }
}
