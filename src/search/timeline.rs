//! What happened around a row, a session, a moment, or a query's best hit.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::store::{Around, Kind, Moment, Point, Reader, SessionRow, StoreError};

use super::{Request, SearchError, moment};

/// Rows before and after, where nobody says how many.
pub const DEFAULT_DEPTH: usize = 10;

/// The middle of a timeline, as people write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Anchor {
    /// `12` or `#12`.
    Observation(i64),
    /// `S12`.
    Summary(i64),
    /// `P12`.
    Prompt(i64),
    /// `session:7` or `session:` and Claude Code's id of it: its beginning. An
    /// id that is a UUID needs no prefix.
    Session(String),
    /// A date, a date and time, or a span before now: epoch milliseconds.
    At(i64),
}

impl Anchor {
    /// Understands an id, a session or a time; a time without a zone is one of
    /// `zone`, a span such as `7d` is counted back from `now`. `None` for
    /// anything else.
    pub fn parse(text: &str, zone: &TimeZone, now: i64) -> Option<Self> {
        let text = text.trim();
        let id = |text: &str| text.parse::<i64>().ok().filter(|id| *id > 0);
        if let Some(id) = id(text.strip_prefix('#').unwrap_or(text)) {
            return Some(Self::Observation(id));
        }
        if let Some(id) = text.strip_prefix(['S', 's']).and_then(id) {
            return Some(Self::Summary(id));
        }
        if let Some(id) = text.strip_prefix(['P', 'p']).and_then(id) {
            return Some(Self::Prompt(id));
        }
        if let Some(session) = text.strip_prefix("session:") {
            return Some(Self::Session(session.trim().to_owned()));
        }
        if uuid::Uuid::parse_str(text).is_ok() {
            return Some(Self::Session(text.to_owned()));
        }
        at(text, zone, now).map(Self::At)
    }

    /// The row that it is, if it is one.
    fn row(&self) -> Option<(Kind, i64)> {
        match self {
            Self::Observation(id) => Some((Kind::Observation, *id)),
            Self::Summary(id) => Some((Kind::Summary, *id)),
            Self::Prompt(id) => Some((Kind::Prompt, *id)),
            Self::Session(_) | Self::At(_) => None,
        }
    }
}

impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Observation(id) => write!(f, "#{id}"),
            Self::Summary(id) => write!(f, "S{id}"),
            Self::Prompt(id) => write!(f, "P{id}"),
            Self::Session(id) => write!(f, "session:{id}"),
            Self::At(at) => match Timestamp::from_millisecond(*at) {
                Ok(at) => write!(f, "{at}"),
                Err(_) => write!(f, "{at}"),
            },
        }
    }
}

/// A date or a time in `zone`, or whatever else is a moment to a query.
fn at(text: &str, zone: &TimeZone, now: i64) -> Option<i64> {
    let Ok(there) = text.parse::<DateTime>() else {
        // A number is an id, or nothing.
        let number = text.parse::<i64>().is_ok();
        return if number {
            None
        } else {
            moment(text, false, now)
        };
    };
    let zoned = there.to_zoned(zone.clone()).ok()?;
    Some(zoned.timestamp().as_millisecond())
}

/// What a timeline goes around.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Middle {
    Anchor(Anchor),
    /// The row that fits these words best.
    Query(String),
}

/// Rows of all kinds in order of time, or where they lie.
#[derive(Debug, Clone, PartialEq)]
pub struct Timeline<T = Moment> {
    pub anchor: Anchor,
    /// Place of the anchor's own row among the items; `None` where the anchor is
    /// a moment.
    pub middle: Option<usize>,
    pub items: Vec<T>,
}

/// Why there is no timeline.
#[derive(Debug, thiserror::Error)]
pub enum TimelineError {
    #[error("{0} not found")]
    Missing(String),
    #[error("nothing is found for {0:?}")]
    NothingFound(String),
    #[error(transparent)]
    Search(#[from] SearchError),
}

impl From<StoreError> for TimelineError {
    fn from(error: StoreError) -> Self {
        Self::Search(error.into())
    }
}

/// The rows around the middle. Its cost does not depend on how much is stored.
///
/// # Errors
/// When there is no such row or session, nothing fits the words, or the database
/// cannot be read.
pub fn timeline(
    reader: &Reader,
    middle: &Middle,
    around: &Around,
) -> Result<Timeline, TimelineError> {
    let found = points(reader, middle, around)?;
    let mut place = None;
    let mut items = Vec::with_capacity(found.items.len());
    for (index, point) in found.items.iter().enumerate() {
        let Some(row) = reader.moment(point.kind, point.id)? else {
            continue;
        };
        if found.middle == Some(index) {
            place = Some(items.len());
        }
        items.push(row);
    }
    Ok(Timeline {
        anchor: found.anchor,
        middle: place,
        items,
    })
}

/// As [`timeline`], but only where the rows lie, for those who read them in a
/// shape of their own.
///
/// # Errors
/// As [`timeline`].
pub fn points(
    reader: &Reader,
    middle: &Middle,
    around: &Around,
) -> Result<Timeline<Point>, TimelineError> {
    let anchor = match middle {
        Middle::Anchor(anchor) => anchor.clone(),
        Middle::Query(text) => best_hit(reader, text, around)?,
    };
    let point = match anchor.row() {
        Some((kind, id)) => {
            let point = reader.point(kind, id)?;
            Some(point.ok_or_else(|| missing(&anchor))?)
        }
        None => None,
    };
    let at = match (&anchor, point) {
        (_, Some(point)) => point.at,
        (Anchor::At(at), _) => *at,
        (Anchor::Session(id), _) => {
            let session = session(reader, id)?.ok_or_else(|| missing(&anchor))?;
            session.started_at_epoch
        }
        _ => return Err(missing(&anchor)),
    };
    let items = reader.around(at, point, around)?;
    let middle = items.iter().position(|item| Some(*item) == point);
    Ok(Timeline {
        anchor,
        middle,
        items,
    })
}

fn missing(anchor: &Anchor) -> TimelineError {
    TimelineError::Missing(match anchor {
        Anchor::Observation(id) => format!("Observation #{id}"),
        other => other.to_string(),
    })
}

/// The row of an anchor; `None` where there is none.
///
/// # Errors
/// When the database cannot be read.
pub fn row_of(reader: &Reader, anchor: &Anchor) -> Result<Option<Moment>, StoreError> {
    match anchor.row() {
        Some((kind, id)) => reader.moment(kind, id),
        None => Ok(None),
    }
}

/// The project of an anchor's row; a moment has none.
///
/// # Errors
/// When the database cannot be read.
pub fn project_of(reader: &Reader, anchor: &Anchor) -> Result<Option<String>, StoreError> {
    if let Anchor::Session(id) = anchor {
        return Ok(session(reader, id)?.map(|session| session.project));
    }
    Ok(row_of(reader, anchor)?.map(|row| match row {
        Moment::Observation(row) => row.project,
        Moment::Summary(row) => row.project,
        Moment::Prompt(row) => row.project,
    }))
}

/// A number is the database's own id of a session.
fn session(reader: &Reader, id: &str) -> Result<Option<SessionRow>, StoreError> {
    if let Ok(number) = id.parse()
        && let Some(session) = reader.session(number)?
    {
        return Ok(Some(session));
    }
    reader.session_by_content_id(id)
}

/// Observations say most, then summaries, then what was asked.
fn best_hit(reader: &Reader, text: &str, around: &Around) -> Result<Anchor, TimelineError> {
    let request = Request {
        text: text.to_owned(),
        projects: around.projects.clone(),
        limit: 1,
        ..Request::default()
    };
    let found = super::run(reader, &request)?;
    let observation = found.observations.first();
    observation
        .map(|hit| Anchor::Observation(hit.row.id))
        .or_else(|| Some(Anchor::Summary(found.summaries.first()?.row.id)))
        .or_else(|| Some(Anchor::Prompt(found.prompts.first()?.row.id)))
        .ok_or_else(|| TimelineError::NothingFound(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anchors_are_read_as_people_write_them() {
        let session = "0190b2f5-6b1c-7c3e-9c55-0a4e2f1d8b77";
        for (text, anchor) in [
            ("12", Anchor::Observation(12)),
            (" #12 ", Anchor::Observation(12)),
            ("S3", Anchor::Summary(3)),
            ("p4", Anchor::Prompt(4)),
            ("session:7", Anchor::Session("7".to_owned())),
            ("session: try-it", Anchor::Session("try-it".to_owned())),
            (session, Anchor::Session(session.to_owned())),
            ("1970-01-01T00:00:01Z", Anchor::At(1000)),
            ("1970-01-02", Anchor::At(86_400_000)),
            ("1970-01-01 00:01", Anchor::At(60_000)),
            ("1d", Anchor::At(13_600_000)),
        ] {
            let read = Anchor::parse(text, &TimeZone::UTC, 100_000_000);
            assert_eq!(read, Some(anchor), "{text}");
        }
        for text in ["", "#", "0", "-1", "S", "whenever", "12a", "2026-13-01"] {
            assert_eq!(
                Anchor::parse(text, &TimeZone::UTC, 100_000_000),
                None,
                "{text}"
            );
        }
    }

    #[test]
    fn a_time_without_a_zone_is_one_of_the_readers() {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        let read = Anchor::parse("1970-01-01 02:00", &zone, 0);
        assert_eq!(read, Some(Anchor::At(0)));
    }
}
