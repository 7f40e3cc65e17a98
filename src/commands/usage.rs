//! `claude-mem usage`.

mod prices;
mod sums;
mod table;

use std::io::Write;

use anyhow::Context as _;
use capture::settings::{Key, Settings};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde::Serialize;

use crate::context::Options;
use crate::context::savings::{Savings, savings};
use crate::store::{Reader, StoreError};

use self::prices::Prices;
use self::sums::{By, Groups, Sum};
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
    let (prices, warnings) = Prices::read(
        &place.settings.get(Key::Prices),
        asks_own_server(&place.settings),
    );
    let days = days(now_ms(), args.days, &crate::context::zone::local())?;
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
                    self.budget.tokens_used += sums::tokens(row) + row.reserved;
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

/// A day of the user's, in epoch milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Day {
    name: String,
    from: i64,
    until: i64,
}

/// The last days, today first. Days of a change of the clock are longer or
/// shorter than others.
fn days(now: i64, count: u16, zone: &TimeZone) -> anyhow::Result<Vec<Day>> {
    let today = Timestamp::from_millisecond(now)
        .context("the clock of this machine is out of range")?
        .to_zoned(zone.clone())
        .date();
    (0..i32::from(count))
        .map(|back| {
            let date = today
                .checked_sub(back.days())
                .context("so many days ago there was no calendar: give a smaller --days")?;
            Ok(Day {
                name: date.to_string(),
                from: start(date, zone)?,
                until: start(date.tomorrow()?, zone)?,
            })
        })
        .collect()
}

fn start(date: Date, zone: &TimeZone) -> anyhow::Result<i64> {
    let midnight = date.to_zoned(zone.clone())?;
    Ok(midnight.start_of_day()?.timestamp().as_millisecond())
}

/// Endpoints that run on the user's machine, by name.
const OWN_SERVERS: &[&str] = &["ollama", "llama.cpp", "vllm", "lmstudio"];

/// Whether `openai` is a server on this machine, which costs nothing.
fn asks_own_server(settings: &Settings) -> bool {
    let endpoint = settings.get(Key::OpenAiEndpoint).trim().to_lowercase();
    let host = endpoint.split_once("://").map(|(_, rest)| {
        let rest = rest.split(['/', '?']).next().unwrap_or_default();
        rest.rsplit('@').next().unwrap_or_default().to_owned()
    });
    host.map_or_else(
        || OWN_SERVERS.contains(&endpoint.as_str()),
        |host| {
            host.starts_with("[::1]")
                || host.starts_with("127.")
                || host == "localhost"
                || host.starts_with("localhost:")
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_the_users_and_may_have_23_hours() {
        let berlin = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        // 2026-03-30 00:30 in Berlin, the 29th in Greenwich.
        let now = 1_774_823_400_000;
        let found = days(now, 3, &berlin).unwrap();
        let names: Vec<&str> = found.iter().map(|day| day.name.as_str()).collect();
        assert_eq!(names, ["2026-03-30", "2026-03-29", "2026-03-28"]);
        let hours: Vec<i64> = found
            .iter()
            .map(|day| (day.until - day.from) / HOUR_MS)
            .collect();
        assert_eq!(hours, [24, 23, 24]);
        assert!(found[0].from <= now && now < found[0].until);
        assert_eq!(found[0].from, found[1].until);
        assert_eq!(days(now, 1, &TimeZone::UTC).unwrap()[0].name, "2026-03-29");
    }

    #[test]
    fn servers_on_this_machine_are_recognised() {
        let dir = tempfile::tempdir().unwrap();
        let own = |endpoint: &'static str| {
            let settings = Settings::from_parts(
                |name| (name == Key::OpenAiEndpoint.name()).then(|| endpoint.to_owned()),
                dir.path(),
            );
            asks_own_server(&settings)
        };
        for endpoint in [
            "ollama",
            "http://localhost:1234/v1",
            "http://127.0.0.1",
            "http://[::1]:8/v1",
        ] {
            assert!(own(endpoint), "{endpoint}");
        }
        for endpoint in [
            "",
            "openai",
            "https://localhost.example.com/v1",
            "https://api.example.com",
        ] {
            assert!(!own(endpoint), "{endpoint}");
        }
    }
}
