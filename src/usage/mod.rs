//! What models cost the user: calls added up by day and priced. `claude-mem
//! usage` and the viewer show the same sums.

mod prices;
mod sum;

use capture::settings::{Key, Settings};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

pub use self::prices::Prices;
pub use self::sum::{Cost, Sum};

/// A day of the user's, in epoch milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Day {
    /// `2026-03-29`.
    pub name: String,
    pub from: i64,
    /// The first moment that is not of the day.
    pub until: i64,
}

/// The last days, today first; `None` where the calendar does not reach so far
/// back. Days of a change of the clock are longer or shorter than others.
pub fn days(now: i64, count: u16, zone: &TimeZone) -> Option<Vec<Day>> {
    let now = Timestamp::from_millisecond(now).ok()?;
    let today = now.to_zoned(zone.clone()).date();
    (0..i32::from(count))
        .map(|back| {
            let date = today.checked_sub(back.days()).ok()?;
            Some(Day {
                name: date.to_string(),
                from: start(date, zone)?,
                until: start(date.tomorrow().ok()?, zone)?,
            })
        })
        .collect()
}

fn start(date: Date, zone: &TimeZone) -> Option<i64> {
    let midnight = date.to_zoned(zone.clone()).ok()?;
    Some(midnight.start_of_day().ok()?.timestamp().as_millisecond())
}

impl Prices {
    /// The table and the user's own prices, with a warning for each of these
    /// that cannot be understood.
    pub fn of_settings(settings: &Settings) -> (Self, Vec<String>) {
        Self::read(&settings.get(Key::Prices), asks_own_server(settings))
    }
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
            .map(|day| (day.until - day.from) / 3_600_000)
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
