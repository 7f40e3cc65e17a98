//! The user's time zone, found in microseconds. The library's own way lists the
//! whole zone database first, which takes longer than all else that a starting
//! session waits for.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use jiff::tz::TimeZone;

const LOCAL: &str = "/etc/localtime";

/// Where systems keep their zones.
const DATABASES: &[&str] = &["/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/etc/zoneinfo"];

/// The zone of this process: `TZ`, else the system's; UTC where there is none.
pub(crate) fn local() -> TimeZone {
    static FOUND: OnceLock<TimeZone> = OnceLock::new();
    FOUND
        .get_or_init(|| {
            let wanted = std::env::var("TZ").ok();
            zone(wanted.as_deref(), Path::new(LOCAL), DATABASES)
        })
        .clone()
}

/// `TZ` may be a name (`Europe/Berlin`), a path, or a rule (`CET-1CEST`); a
/// leading colon means nothing. What it means is looked for in that order.
fn zone(wanted: Option<&str>, local: &Path, databases: &[&str]) -> TimeZone {
    let Some(wanted) = wanted else {
        return read(local).unwrap_or(TimeZone::UTC);
    };
    let wanted = wanted.strip_prefix(':').unwrap_or(wanted);
    if wanted.is_empty() {
        return TimeZone::UTC;
    }
    databases
        .iter()
        // Joining an absolute path gives that path.
        .find_map(|database| read(&Path::new(database).join(wanted)))
        .or_else(|| TimeZone::posix(wanted).ok())
        .unwrap_or(TimeZone::UTC)
}

fn read(path: &Path) -> Option<TimeZone> {
    let is_file = fs::metadata(path).is_ok_and(|file| file.is_file());
    let bytes = is_file.then(|| fs::read(path).ok()).flatten()?;
    TimeZone::tzif("local", &bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn hour(zone: &TimeZone) -> i8 {
        let summer = Timestamp::from_second(1_782_900_000).unwrap();
        summer.to_zoned(zone.clone()).hour()
    }

    #[test]
    fn a_rule_is_a_zone_and_nonsense_is_utc() {
        let nowhere = Path::new("/nowhere");
        let utc = hour(&TimeZone::UTC);
        let berlin = zone(Some("CET-1CEST,M3.5.0,M10.5.0/3"), nowhere, &[]);
        assert_eq!(hour(&berlin), utc + 2);
        for wanted in [
            None,
            Some(""),
            Some(":"),
            Some("../../etc/passwd"),
            Some("Nowhere/City"),
        ] {
            assert_eq!(hour(&zone(wanted, nowhere, DATABASES)), utc, "{wanted:?}");
        }
    }

    #[test]
    fn names_are_found_as_the_library_finds_them() {
        let Ok(known) = TimeZone::get("America/New_York") else {
            return; // No zone database on this machine.
        };
        for wanted in ["America/New_York", ":America/New_York"] {
            let found = zone(Some(wanted), Path::new("/nowhere"), DATABASES);
            assert_eq!(hour(&found), hour(&known));
        }
    }
}
