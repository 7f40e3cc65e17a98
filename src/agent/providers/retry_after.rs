//! How long a provider asks to be left alone.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use reqwest::header::{DATE, HeaderMap, HeaderValue, RETRY_AFTER};

/// A longer wait is not believed: whoever waits looks again after a day.
const LONGEST: Duration = Duration::from_hours(24);

/// The header in either of its forms: seconds, or a date. A date is taken
/// relative to the answer's own, so that a wrong clock here does no harm.
pub(super) fn header(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return bounded(seconds);
    }
    let until = date(text)?;
    let sent = headers
        .get(DATE)
        .map(HeaderValue::to_str)
        .and_then(|text| date(text.ok()?));
    let from = sent.or_else(|| Timestamp::try_from(SystemTime::now()).ok())?;
    // Before `from` there is nothing left to wait for.
    let wait = Duration::try_from(until.duration_since(from)).unwrap_or_default();
    Some(wait.min(LONGEST))
}

/// A duration as Google's APIs write it: `34.07s`.
pub(super) fn written(text: &str) -> Option<Duration> {
    bounded(text.trim().strip_suffix('s')?.parse().ok()?)
}

fn bounded(seconds: f64) -> Option<Duration> {
    (seconds >= 0.0)
        .then(|| Duration::try_from_secs_f64(seconds).map_or(LONGEST, |wait| wait.min(LONGEST)))
}

fn date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(text.trim())
        .ok()
}
