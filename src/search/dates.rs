//! Dates that a query names: "in May 2023", "on 12 May", "since last week". A
//! row of that time is evidence for the words of the date, whether or not it
//! holds them.

use std::ops::Range;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

/// Milliseconds of a day.
const DAY: i64 = 24 * 60 * 60 * 1000;

/// Days over which the evidence fades before a time, and after it: things are
/// told after they happen.
const BEFORE: f64 = 7.0;
const AFTER: f64 = 30.0;

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// Seasons and the months that they begin with.
const SEASONS: [(&str, i8); 5] = [
    ("spring", 3),
    ("summer", 6),
    ("autumn", 9),
    ("fall", 9),
    ("winter", 12),
];

/// Words before a month or a year that make it a date.
const PREPOSITIONS: [&str; 12] = [
    "in", "during", "since", "of", "by", "until", "from", "before", "after", "year", "early",
    "late",
];

/// A date that a text names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mention {
    /// Bytes of the text.
    pub(super) place: Range<usize>,
    /// From and to, in epoch milliseconds, the end not included. Several where
    /// no year is named.
    pub(super) spans: Vec<(i64, i64)>,
}

impl Mention {
    /// How well a moment fits, 0 to 1.
    pub(super) fn fit(&self, at: i64) -> f64 {
        let fits = self.spans.iter().map(|&(from, to)| {
            if at < from {
                1.0 - (days(from - at) - 1.0).max(0.0) / BEFORE
            } else if at >= to {
                1.0 - (days(at - to) - 1.0).max(0.0) / AFTER
            } else {
                1.0
            }
        });
        fits.fold(0.0, f64::max)
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds of a few centuries"
)]
fn days(milliseconds: i64) -> f64 {
    milliseconds as f64 / DAY as f64
}

/// A word of the text.
struct Word<'a> {
    text: &'a str,
    lower: String,
    start: usize,
}

impl Word<'_> {
    fn end(&self) -> usize {
        self.start + self.text.len()
    }

    fn month(&self) -> Option<i8> {
        let found = MONTHS.iter().position(|month| {
            *month == self.lower
                || (self.lower.len() == 3 && month.starts_with(&self.lower))
                || self.lower == "sept" && *month == "september"
        })?;
        i8::try_from(found + 1).ok()
    }

    fn year(&self) -> Option<i16> {
        let year: i16 = self.digits(4)?.parse().ok()?;
        (1900..2100).contains(&year).then_some(year)
    }

    fn digits(&self, count: usize) -> Option<&str> {
        let all = self.lower.len() == count && self.lower.bytes().all(|b| b.is_ascii_digit());
        all.then_some(self.lower.as_str())
    }

    fn day(&self) -> Option<i8> {
        let number = ["st", "nd", "rd", "th"]
            .iter()
            .find_map(|end| self.lower.strip_suffix(end))
            .unwrap_or(&self.lower);
        number.parse().ok().filter(|day| (1..=31).contains(day))
    }

    fn is_preposition(&self) -> bool {
        PREPOSITIONS.contains(&self.lower.as_str())
    }
}

/// The dates that a text names. `now` is what "yesterday" counts from, and
/// `years` are those that a date without one may mean.
pub(super) fn mentions(text: &str, now: i64, years: Range<i16>) -> Vec<Mention> {
    let words = words(text);
    let mut found = Vec::new();
    let mut index = 0;
    while index < words.len() {
        let parser = Parser {
            words: &words[index..],
            text,
            years: years.clone(),
        };
        let match_ = parser.date().or_else(|| parser.relative(now));
        if let Some((used, spans)) = match_ {
            let place = words[index].start..words[index + used - 1].end();
            found.push(Mention { place, spans });
            index += used;
        } else {
            index += 1;
        }
    }
    found
}

fn words(text: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut start = None;
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        match (c.is_alphanumeric(), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                let text = &text[from..at];
                words.push(Word {
                    text,
                    lower: text.to_lowercase(),
                    start: from,
                });
                start = None;
            }
            _ => {}
        }
    }
    words
}

/// Words that were used, and the spans that they mean.
type Match = (usize, Vec<(i64, i64)>);

struct Parser<'a> {
    words: &'a [Word<'a>],
    text: &'a str,
    years: Range<i16>,
}

impl Parser<'_> {
    fn date(&self) -> Option<Match> {
        self.iso()
            .or_else(|| self.month_first())
            .or_else(|| self.day_first())
            .or_else(|| self.season())
            .or_else(|| self.after_preposition())
    }

    fn word(&self, index: usize) -> Option<&Word<'_>> {
        self.words.get(index)
    }

    /// Whether only this stands between two words.
    fn between(&self, index: usize, allowed: &str) -> bool {
        let (Some(left), Some(right)) = (self.word(index), self.word(index + 1)) else {
            return false;
        };
        let gap = &self.text[left.end()..right.start];
        gap.chars().all(|c| allowed.contains(c))
    }

    fn iso(&self) -> Option<Match> {
        let year = self.word(0)?.year()?;
        let month: i8 = self.word(1)?.digits(2)?.parse().ok()?;
        if !self.between(0, "-") {
            return None;
        }
        let day = self
            .word(2)
            .filter(|_| self.between(1, "-"))
            .and_then(|word| word.digits(2)?.parse().ok());
        match day {
            Some(day) => Some((3, vec![span_of_day(year, month, day)?])),
            None => Some((2, vec![span_of_months(year, month, 1)?])),
        }
    }

    /// "May 12, 2023", "May 12", "May 2023".
    fn month_first(&self) -> Option<Match> {
        let month = self.word(0)?.month()?;
        if !self.between(0, " .,") {
            return None;
        }
        let second = self.word(1)?;
        if let Some(year) = second.year() {
            return Some((2, vec![span_of_months(year, month, 1)?]));
        }
        let day = second.day()?;
        let year = self.word(2).filter(|_| self.between(1, " ,"));
        if let Some(year) = year.and_then(Word::year) {
            return Some((3, vec![span_of_day(year, month, day)?]));
        }
        Some((2, self.each_year(|year| span_of_day(year, month, day))?))
    }

    /// "12 May 2023", "12th of May".
    fn day_first(&self) -> Option<Match> {
        let day = self.word(0)?.day().filter(|_| self.between(0, " "))?;
        let at = 1 + usize::from(self.word(1)?.lower == "of");
        let month = self.word(at)?.month()?;
        let year = self.word(at + 1).filter(|_| self.between(at, " .,"));
        if let Some(year) = year.and_then(Word::year) {
            return Some((at + 2, vec![span_of_day(year, month, day)?]));
        }
        Some((
            at + 1,
            self.each_year(|year| span_of_day(year, month, day))?,
        ))
    }

    fn season(&self) -> Option<Match> {
        let first = self.word(0)?;
        let (_, month) = SEASONS.iter().find(|(name, _)| *name == first.lower)?;
        let at = 1 + usize::from(self.word(1)?.lower == "of");
        let year = self.word(at)?.year()?;
        Some((at + 1, vec![span_of_months(year, *month, 3)?]))
    }

    /// "in May", "since 2023".
    fn after_preposition(&self) -> Option<Match> {
        if !self.word(0)?.is_preposition() || !self.between(0, " ") {
            return None;
        }
        let second = self.word(1)?;
        if let Some(year) = second.year() {
            // "in 2023-05" is read from the year on.
            let goes_on = self.word(2).is_some() && self.between(1, "-");
            let span = span_of_months(year, 1, 12).filter(|_| !goes_on)?;
            return Some((2, vec![span]));
        }
        let month = second.month()?;
        // "in May 2023" and "of May 12" are read from the month on.
        let goes_on = self
            .word(2)
            .is_some_and(|word| word.year().is_some() || word.day().is_some());
        if goes_on {
            return None;
        }
        Some((2, self.each_year(|year| span_of_months(year, month, 1))?))
    }

    /// "yesterday", "last week", "3 days ago".
    fn relative(&self, now: i64) -> Option<Match> {
        let zone = TimeZone::system();
        let today = Timestamp::from_millisecond(now).ok()?.to_zoned(zone).date();
        let first = self.word(0)?;
        let back = |days: i64| today.checked_sub(days.days()).ok();
        let (used, from, to) = match first.lower.as_str() {
            "today" => (1, today, today),
            "yesterday" => (1, back(1)?, back(1)?),
            "last" => {
                let days = unit(&self.word(1)?.lower)?;
                (2, back(2 * days)?, back(days.min(7) - 1)?)
            }
            number => {
                let count: i64 = number
                    .parse()
                    .ok()
                    .filter(|count| (1..1000).contains(count))?;
                let days = count * unit(&self.word(1)?.lower)?;
                if self.word(2)?.lower != "ago" {
                    return None;
                }
                (3, back(days + days / 7)?, back(days - days / 7)?)
            }
        };
        let (from, to) = (start(from)?, start(to.tomorrow().ok()?)?);
        Some((used, vec![(from, to)]))
    }

    fn each_year(&self, span: impl Fn(i16) -> Option<(i64, i64)>) -> Option<Vec<(i64, i64)>> {
        let spans: Vec<(i64, i64)> = self.years.clone().filter_map(span).collect();
        (!spans.is_empty()).then_some(spans)
    }
}

/// Days of a unit of time.
fn unit(word: &str) -> Option<i64> {
    Some(match word.strip_suffix('s').unwrap_or(word) {
        "day" => 1,
        "week" => 7,
        "month" => 30,
        "year" => 365,
        _ => return None,
    })
}

fn start(date: Date) -> Option<i64> {
    let at = date.at(0, 0, 0, 0).to_zoned(TimeZone::UTC).ok()?;
    Some(at.timestamp().as_millisecond())
}

fn span_of_day(year: i16, month: i8, day: i8) -> Option<(i64, i64)> {
    let date = Date::new(year, month, day).ok()?;
    Some((start(date)?, start(date.tomorrow().ok()?)?))
}

fn span_of_months(year: i16, month: i8, count: i32) -> Option<(i64, i64)> {
    let date = Date::new(year, month, 1).ok()?;
    let end = date.checked_add(count.months()).ok()?;
    Some((start(date)?, start(end)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_774_000_000_000;

    fn spans(text: &str) -> Vec<(String, Vec<String>)> {
        mentions(text, NOW, 2023..2025)
            .into_iter()
            .map(|mention| {
                let days = mention.spans.iter().map(|(from, to)| {
                    let from = Timestamp::from_millisecond(*from).unwrap();
                    format!(
                        "{}+{}",
                        &from.to_string()[..10],
                        (to - from.as_millisecond()) / DAY
                    )
                });
                (text[mention.place.clone()].to_owned(), days.collect())
            })
            .collect()
    }

    fn one(text: &str) -> (String, Vec<String>) {
        let mut found = spans(text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        found.remove(0)
    }

    #[test]
    fn dates_are_read_in_the_ways_that_people_write_them() {
        for (text, place, span) in [
            ("fixed on 2023-05-12?", "2023-05-12", "2023-05-12+1"),
            ("in 2023-05", "2023-05", "2023-05-01+31"),
            ("on May 12th, 2023", "May 12th, 2023", "2023-05-12+1"),
            ("on 12 of may 2023", "12 of may 2023", "2023-05-12+1"),
            ("what broke in Feb 2024", "Feb 2024", "2024-02-01+29"),
            ("summer of 2023", "summer of 2023", "2023-06-01+92"),
            ("changed since 2023", "since 2023", "2023-01-01+365"),
        ] {
            let (found, spans) = one(text);
            assert_eq!(
                (found.as_str(), spans.as_slice()),
                (place, &[span.to_owned()][..])
            );
        }
    }

    #[test]
    fn a_date_without_a_year_means_every_year_it_may() {
        assert_eq!(one("on May 12").1, ["2023-05-12+1", "2024-05-12+1"]);
        assert_eq!(one("in may").1, ["2023-05-01+31", "2024-05-01+31"]);
        assert_eq!(spans("it may fail on port 2023"), []);
        assert_eq!(spans("31 February, version 12, may 40"), []);
    }

    #[test]
    fn spans_before_now_are_read() {
        assert_eq!(
            one("what did we do yesterday").1[0].split('+').nth(1),
            Some("1")
        );
        assert_eq!(one("3 weeks ago").0, "3 weeks ago");
        assert_eq!(one("last week").0, "last week");
    }

    #[test]
    fn evidence_fades_before_and_after() {
        let mention = Mention {
            place: 0..1,
            spans: vec![(100 * DAY, 101 * DAY)],
        };
        assert!(mention.fit(100 * DAY) > 0.999);
        assert!(mention.fit(99 * DAY) > 0.999);
        assert!(mention.fit(95 * DAY) < 0.5 && mention.fit(120 * DAY) > 0.3);
        assert!(mention.fit(0) < 0.001);
        assert!(mention.fit(200 * DAY) < 0.001);
    }
}
