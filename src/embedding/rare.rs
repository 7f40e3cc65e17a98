//! Reading what seldom matters from the file that the program was started from,
//! rather than from its memory: what was looked at there once stays resident.

use std::fs::File;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether this process wants it so.
static WANTED: AtomicBool = AtomicBool::new(false);

/// From here on rare rows are read from the program's file: for a process that
/// lives long, which would come to hold the whole table. Each read takes a third of
/// a microsecond more.
pub fn read_rare_rows_from_file() {
    WANTED.store(true, Ordering::Relaxed);
}

pub(super) fn is_wanted() -> bool {
    WANTED.load(Ordering::Relaxed)
}

/// The file, and where in it the constant lies.
static PLACE: OnceLock<Option<(File, u64)>> = OnceLock::new();

/// Bytes that are compared to be sure of the place.
const SAMPLE: usize = 4096;

/// The bytes from `at` on of the program's one large constant. `None` where its
/// file cannot be read: they are in memory all the same.
pub(super) fn read<const BYTES: usize>(constant: &'static [u8], at: usize) -> Option<[u8; BYTES]> {
    let (file, begin) = PLACE.get_or_init(|| find(constant)).as_ref()?;
    let mut bytes = [0; BYTES];
    file.read_exact_at(&mut bytes, begin + at as u64).ok()?;
    Some(bytes)
}

fn find(constant: &[u8]) -> Option<(File, u64)> {
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    let (begin, inode) = in_maps(&maps, constant.as_ptr().addr() as u64)?;
    let file = File::open("/proc/self/exe").ok()?;
    let sample = constant.get(..SAMPLE)?;
    let mut read = [0; SAMPLE];
    file.read_exact_at(&mut read, begin).ok()?;
    (file.metadata().ok()?.ino() == inode && read == *sample).then_some((file, begin))
}

/// Which place of which file is mapped at an address: `proc_pid_maps(5)`.
fn in_maps(maps: &str, address: u64) -> Option<(u64, u64)> {
    maps.lines().find_map(|line| {
        let mut fields = line.split_ascii_whitespace();
        let (from, to) = fields.next()?.split_once('-')?;
        let from = u64::from_str_radix(from, 16).ok()?;
        let to = u64::from_str_radix(to, 16).ok()?;
        let offset = u64::from_str_radix(fields.nth(1)?, 16).ok()?;
        let inode = fields.nth(1)?.parse().ok()?;
        (from..to)
            .contains(&address)
            .then(|| (offset + (address - from), inode))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_by_its_address() {
        let maps = "\
00400000-00402000 r--p 00000000 fe:00 17                 /usr/bin/claude-mem
00402000-00500000 r-xp 00002000 fe:00 17                 /usr/bin/claude mem (deleted)
7f0000000000-7f0000021000 rw-p 00000000 00:00 0
";
        assert_eq!(in_maps(maps, 0x0040_2010), Some((0x2010, 17)));
        assert_eq!(in_maps(maps, 0x0040_0000), Some((0, 17)));
        assert_eq!(in_maps(maps, 0x0050_0000), None);
        assert_eq!(in_maps("no such thing", 1), None);
    }
}
