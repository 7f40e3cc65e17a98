//! How things look on a terminal.

use std::io::Write;

use anstyle::{AnsiColor, Style};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

pub(super) const ERROR: Style = AnsiColor::Red.on_default().bold();
pub(super) const WARNING: Style = AnsiColor::Yellow.on_default();
pub(super) const GOOD: Style = AnsiColor::Green.on_default();
pub(super) const ID: Style = AnsiColor::Cyan.on_default();
pub(super) const STRONG: Style = Style::new().bold();
pub(super) const FAINT: Style = Style::new().dimmed();

/// Prints JSON for a script, indented for whoever looks at it.
pub(super) fn json(out: &mut dyn Write, value: &impl Serialize) -> anyhow::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)?;
    Ok(())
}

/// Date and time in the user's zone.
pub(super) fn when(epoch_ms: i64) -> String {
    in_zone(epoch_ms, crate::context::zone::local())
}

fn in_zone(epoch_ms: i64, zone: TimeZone) -> String {
    Timestamp::from_millisecond(epoch_ms).map_or_else(
        |_| "unknown time".to_owned(),
        |at| at.to_zoned(zone).strftime("%Y-%m-%d %H:%M").to_string(),
    )
}

/// A size for people.
pub(super) fn size(bytes: u64) -> String {
    const KIB: u64 = 1024;
    const MIB: u64 = KIB * 1024;
    let tenths = |unit: u64| {
        let tenths = u128::from(bytes) * 10 / u128::from(unit);
        format!("{}.{}", tenths / 10, tenths % 10)
    };
    match bytes {
        0..KIB => format!("{bytes} B"),
        KIB..MIB => format!("{} KiB", tenths(KIB)),
        _ => format!("{} MiB", tenths(MIB)),
    }
}

/// "1 event", "2 events".
pub(super) fn count(number: usize, what: &str) -> String {
    let end = if number == 1 { "" } else { "s" };
    format!("{number} {what}{end}")
}

/// Tells on stderr what the answer lacks.
pub(super) fn warn(text: &str) {
    let text = crate::context::text::for_terminal(text);
    // Who has closed it does not want to hear it.
    drop(writeln!(
        anstream::stderr(),
        "{WARNING}warning:{WARNING:#} {text}"
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_are_for_people() {
        assert_eq!(size(1023), "1023 B");
        assert_eq!(size(1536), "1.5 KiB");
        assert_eq!(size(3 << 30), "3072.0 MiB");
        assert_eq!(in_zone(0, TimeZone::UTC), "1970-01-01 00:00");
        assert_eq!(in_zone(i64::MAX, TimeZone::UTC), "unknown time");
        assert_eq!(count(1, "event"), "1 event");
    }
}
