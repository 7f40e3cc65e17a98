//! What each of the last days brought, and what it cost.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use capture::settings::Key;
use serde::Serialize;
use serde_json::json;

use crate::context::zone;
use crate::store::Reader;
use crate::store::web::DayCounts;
use crate::usage::{self, Day, Prices, Sum};

use super::super::answer::{self, Answer, Failure, ok};
use super::super::ask::Params;
use super::super::state::{Shared, now_ms, settings};

const DEFAULT_DAYS: usize = 30;

/// A leap year.
const MOST_DAYS: usize = 366;

/// How many days are asked for.
fn count(params: &Params) -> Result<u16, Failure> {
    let count = params.count("days", DEFAULT_DAYS, MOST_DAYS)?;
    if count == 0 {
        return Err(Failure::bad("days must be 1 or more"));
    }
    Ok(u16::try_from(count).unwrap_or(u16::MAX))
}

/// So many days, oldest first and today last.
fn days(count: u16) -> Result<Vec<Day>, Failure> {
    let mut days = usage::days(now_ms(), count, &zone::local())
        .ok_or_else(|| Failure::unavailable("the clock of this machine is out of range"))?;
    days.reverse();
    Ok(days)
}

/// A day, and what is told of it.
#[derive(Serialize)]
struct Told<'a, T> {
    day: &'a str,
    #[serde(flatten)]
    counts: T,
}

pub(in super::super) async fn daily(State(app): State<Shared>, params: Params) -> Answer {
    let count = count(&params)?;
    let project = params.owned("project");
    let asked = Arc::clone(&app);
    app.pool
        .read(move |reader| {
            let days = days(count)?;
            let bounds: Vec<i64> = days
                .iter()
                .map(|day| day.from)
                .chain(days.last().map(|day| day.until))
                .collect();
            let Some(reader) = reader else {
                let nothing = vec![DayCounts::default(); days.len()];
                return told(&days, &nothing).map(answer::written);
            };
            let path = asked.locations.database();
            let of = (project, bounds);
            let kept = asked.days.get(&path, &of, |(project, bounds)| {
                told(&days, &reader.web_days(project.as_deref(), bounds)?)
            })?;
            Ok(answer::written(Bytes::clone(&kept)))
        })
        .await
}

/// The answer to a question for days.
fn told(days: &[Day], counts: &[DayCounts]) -> Result<Bytes, Failure> {
    let told: Vec<Told<'_, &DayCounts>> = days
        .iter()
        .zip(counts)
        .map(|(day, counts)| Told {
            day: &day.name,
            counts,
        })
        .collect();
    let (first, last) = (days.first(), days.last());
    answer::json_of(&Span {
        from: first.map(|day| &day.name),
        until: last.map(|day| &day.name),
        days: told,
    })
}

#[derive(Serialize)]
struct Span<'a> {
    from: Option<&'a String>,
    until: Option<&'a String>,
    days: Vec<Told<'a, &'a DayCounts>>,
}

/// What calls came to, in the words of the API.
#[derive(Serialize)]
struct Spent {
    calls: u64,
    failed: u64,
    input_tokens: u64,
    cache_read_tokens: u64,
    cache_write_tokens: u64,
    output_tokens: u64,
    /// Dollars; null where no price is known.
    cost: Option<f64>,
    /// Some of the tokens have a price that is not known.
    cost_is_at_least: bool,
    /// Calls were made on a subscription, and cost this only at API prices.
    subscription: bool,
}

impl From<&Sum> for Spent {
    fn from(sum: &Sum) -> Self {
        Self {
            calls: sum.calls,
            failed: sum.failed_calls(),
            input_tokens: sum.input_tokens,
            cache_read_tokens: sum.cache_read_tokens,
            cache_write_tokens: sum.cache_write_tokens,
            output_tokens: sum.output_tokens,
            cost: sum.cost.known(),
            cost_is_at_least: sum.cost.at_least,
            subscription: sum.cost.subscription,
        }
    }
}

pub(in super::super) async fn usage(State(app): State<Shared>, params: Params) -> Answer {
    let count = count(&params)?;
    let project = params.owned("project");
    let asked = Arc::clone(&app);
    app.pool
        .read(move |reader| {
            let days = days(count)?;
            let settings = settings();
            let bounds = days.iter().map(|day| day.from).collect();
            let path = asked.locations.database();
            let calls =
                asked
                    .calls
                    .get(&path, &(project, bounds), |(project, _)| match reader {
                        Some(reader) => days
                            .iter()
                            .map(|day| {
                                reader.usage_by_model(day.from, day.until, project.as_deref())
                            })
                            .collect(),
                        None => Ok(vec![Vec::new(); days.len()]),
                    })?;
            let (prices, warnings) = Prices::of_settings(&settings);
            let mut total = Sum::default();
            let mut told = Vec::with_capacity(days.len());
            for (day, calls) in days.iter().zip(calls.iter()) {
                let mut sum = Sum::default();
                for row in calls {
                    sum.add(row, &prices);
                    total.add(row, &prices);
                }
                told.push(Told {
                    day: &day.name,
                    counts: Spent::from(&sum),
                });
            }
            ok(&json!({
                "days": told,
                "total": Spent::from(&total),
                "today": {
                    "tokens": days.last().map_or(Ok(0), |today| counted(reader, today))?,
                    "limit": settings.number(Key::DailyTokens),
                },
                "warnings": warnings,
            }))
        })
        .await
}

/// Tokens of all projects that count against the day's limit: of calls that
/// run, the most that they can cost.
fn counted(reader: Option<&Reader>, day: &Day) -> Result<u64, Failure> {
    let rows = reader
        .map(|reader| reader.usage_by_model(day.from, day.until, None))
        .transpose()?
        .unwrap_or_default();
    Ok(rows.iter().map(|row| row.tokens() + row.reserved).sum())
}
