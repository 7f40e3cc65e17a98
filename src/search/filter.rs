//! Filters inside a query: `type:bugfix file:invoice.py since:7d`.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _, Zoned};

/// Which rows may be found. Empty lists admit every row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    /// Names of projects; in a query they narrow what the request allows.
    pub projects: Vec<String>,
    /// Observation types. With types only observations are found, and the same
    /// holds for concepts and files.
    pub kinds: Vec<String>,
    pub concepts: Vec<String>,
    /// File names, or ends of paths.
    pub files: Vec<String>,
    /// Epoch milliseconds, included.
    pub from: Option<i64>,
    /// Epoch milliseconds, included.
    pub until: Option<i64>,
}

impl Filter {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether only observations can fit.
    pub fn is_about_observations(&self) -> bool {
        !(self.kinds.is_empty() && self.concepts.is_empty() && self.files.is_empty())
    }

    pub(super) fn admits_time(&self, at: i64) -> bool {
        self.from.is_none_or(|from| from <= at) && self.until.is_none_or(|until| at <= until)
    }

    /// Whether one of these paths is, or ends with, one that is asked for.
    pub(super) fn admits_files<'a>(&self, mut paths: impl Iterator<Item = &'a String>) -> bool {
        self.files.is_empty()
            || paths.any(|path| self.files.iter().any(|file| ends_with(path, file)))
    }
}

/// Whether a path ends with the components of another, whatever their case.
pub(super) fn ends_with(path: &str, end: &str) -> bool {
    let mut path = path.rsplit('/');
    end.trim_start_matches("./")
        .trim_matches('/')
        .rsplit('/')
        .all(|wanted| {
            path.next()
                .is_some_and(|part| part.eq_ignore_ascii_case(wanted))
        })
}

/// What became of `name:value`.
pub(super) enum Added {
    Yes,
    /// There is no such filter.
    Unknown,
    /// The value makes no sense, for this reason.
    Invalid(String),
}

const NAMES: [&str; 8] = [
    "type", "concept", "file", "project", "since", "after", "before", "until",
];

pub(super) fn is_name(name: &str) -> bool {
    NAMES.iter().any(|known| known.eq_ignore_ascii_case(name))
}

pub(super) fn add(filter: &mut Filter, name: &str, value: &str, now: i64) -> Added {
    let name = name.to_ascii_lowercase();
    if value.is_empty() {
        return Added::Unknown;
    }
    let list = match name.as_str() {
        "type" => &mut filter.kinds,
        "concept" => &mut filter.concepts,
        "file" => &mut filter.files,
        "project" => &mut filter.projects,
        "since" | "after" => return bound(&mut filter.from, &name, value, false, now),
        "before" => return bound(&mut filter.until, &name, value, false, now),
        "until" => return bound(&mut filter.until, &name, value, true, now),
        _ => return Added::Unknown,
    };
    list.extend(
        value
            .split(',')
            .filter(|part| !part.is_empty())
            .map(str::to_owned),
    );
    Added::Yes
}

fn bound(slot: &mut Option<i64>, name: &str, value: &str, end: bool, now: i64) -> Added {
    match moment(value, end, now) {
        Some(at) => {
            // `before` is the last moment that is not in it.
            *slot = Some(if name == "before" { at - 1 } else { at });
            Added::Yes
        }
        None => Added::Invalid(format!(
            "{name}:{value} is no date (2026-01-31, 7d, 12h, 3w, yesterday): searched as words"
        )),
    }
}

/// A moment in epoch milliseconds: a date or a time (UTC where it names no
/// zone), milliseconds, `today`, `yesterday`, or a span before now such as `7d`.
/// A date means its first moment, or with `end` its last.
pub fn moment(text: &str, end: bool, now: i64) -> Option<i64> {
    if let Some(at) = relative(text, now) {
        return Some(at);
    }
    if let Ok(epoch) = text.parse::<i64>() {
        return Some(epoch);
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at.as_millisecond());
    }
    if text.len() <= 10 {
        return day(text.parse().ok()?, end, &TimeZone::UTC);
    }
    let at: DateTime = text.parse().ok()?;
    Some(
        at.to_zoned(TimeZone::UTC)
            .ok()?
            .timestamp()
            .as_millisecond(),
    )
}

fn relative(text: &str, now: i64) -> Option<i64> {
    let zone = TimeZone::system();
    let now = Timestamp::from_millisecond(now).ok()?.to_zoned(zone);
    match text.to_ascii_lowercase().as_str() {
        "today" => return day(now.date(), false, now.time_zone()),
        "yesterday" => {
            return day(now.date().yesterday().ok()?, false, now.time_zone());
        }
        _ => {}
    }
    let unit = text.chars().next_back()?;
    let count: i64 = text[..text.len() - unit.len_utf8()].parse().ok()?;
    if !(0..=100_000).contains(&count) {
        return None;
    }
    let span = match unit {
        'h' => count.hours(),
        'd' => count.days(),
        'w' => count.weeks(),
        'm' => count.months(),
        'y' => i16::try_from(count).ok()?.years(),
        _ => return None,
    };
    let then: Zoned = now.checked_sub(span).ok()?;
    Some(then.timestamp().as_millisecond())
}

fn day(date: Date, end: bool, zone: &TimeZone) -> Option<i64> {
    let start = |date: Date| {
        let at = date.at(0, 0, 0, 0).to_zoned(zone.clone()).ok()?;
        Some(at.timestamp().as_millisecond())
    };
    if end {
        return Some(start(date.tomorrow().ok()?)? - 1);
    }
    start(date)
}
