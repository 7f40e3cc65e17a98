//! The table: which pieces there are, and the vector of each. It is laid out in
//! the file as it is looked up in memory, so nothing is read, parsed or
//! allocated before a piece is asked for, and its pages stay shared with the
//! file that the program was started from. Rows of rare pieces are read from that
//! file (`rare.rs`) where a process wants it: once it has met many words it would
//! hold all of it.
//!
//! All numbers are little-endian:
//!
//! | bytes | what |
//! | --- | --- |
//! | 8 | `CMEMBED1` |
//! | 4 × 5 | dimensions; pieces; slots (a power of two); characters of the longest piece; bytes of all pieces' text |
//! | 68 | the table's name, filled up with spaces |
//! | 2 × slots | hash table with linear probing: the number of a piece, or `FFFF` |
//! | 4 × (pieces + 1) | where the text of each piece begins; the highest bit is set where the piece continues a word |
//! | … | the text of all pieces, filled up with zeros to a multiple of four |
//! | 4 × pieces | what one unit of the piece's row stands for, as a float |
//! | dimensions × pieces | the rows, signed bytes |

use super::rare;

const TABLE: &[u8] = include_bytes!("table.bin");

const fn number(at: usize) -> usize {
    let bytes = [TABLE[at], TABLE[at + 1], TABLE[at + 2], TABLE[at + 3]];
    u32::from_le_bytes(bytes) as usize
}

const fn between(from: usize, to: usize) -> &'static [u8] {
    TABLE.split_at(to).0.split_at(from).1
}

pub(super) const DIMENSIONS: usize = number(8);
/// Pieces in the table.
pub(super) const PIECES: usize = number(12);
const SLOTS: usize = number(16);
/// Characters of the longest piece: no longer part of a word need be looked up.
pub(super) const LONGEST: usize = number(20);
const TEXT_BYTES: usize = number(24);

const NAME_AT: usize = 28;
const SLOTS_AT: usize = 96;
const BEGINS_AT: usize = SLOTS_AT + 2 * SLOTS;
const TEXT_AT: usize = BEGINS_AT + 4 * (PIECES + 1);
const SCALES_AT: usize = TEXT_AT + TEXT_BYTES.next_multiple_of(4);
const ROWS_AT: usize = SCALES_AT + 4 * PIECES;

const _: () = {
    assert!(matches!(between(0, 8), b"CMEMBED1"));
    assert!(SLOTS.is_power_of_two() && PIECES < SLOTS && PIECES < EMPTY as usize);
    assert!(TABLE.len() == ROWS_AT + DIMENSIONS * PIECES);
};

pub(super) const MODEL_ID: &str = match std::str::from_utf8(between(NAME_AT, SLOTS_AT)) {
    Ok(name) => name.trim_ascii_end(),
    Err(_) => panic!("the table's name is not UTF-8"),
};

/// Pieces from here on are rare: of prose and code about programs, two pieces of three
/// were found to come before, whose rows are a fifth of a megabyte.
const RARE: u16 = 1024;

const EMPTY: u16 = u16::MAX;
const CONTINUES: u32 = 1 << 31;

/// A word or a part of one that the table has a vector for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Piece(u16);

impl Piece {
    /// The vector's numbers, in units of [`Self::scale`].
    pub(super) fn row(self) -> [u8; DIMENSIONS] {
        let at = ROWS_AT + DIMENSIONS * usize::from(self.0);
        let from_file = self.0 >= RARE && rare::is_wanted();
        let read = from_file.then(|| rare::read(TABLE, at)).flatten();
        read.unwrap_or_else(|| {
            *TABLE[at..]
                .first_chunk()
                .expect("the table's size is checked at compile time")
        })
    }

    pub(super) fn scale(self) -> f32 {
        f32::from_le_bytes(word(SCALES_AT + 4 * usize::from(self.0)))
    }

    /// The text, and whether it continues a word.
    pub(super) fn text(self) -> (&'static [u8], bool) {
        let begin = |index| u32::from_le_bytes(word(BEGINS_AT + 4 * index));
        let (from, to) = (begin(self.0.into()), begin(usize::from(self.0) + 1));
        let place = |begin: u32| TEXT_AT + (begin & !CONTINUES) as usize;
        (&TABLE[place(from)..place(to)], from & CONTINUES != 0)
    }
}

fn word(at: usize) -> [u8; 4] {
    [TABLE[at], TABLE[at + 1], TABLE[at + 2], TABLE[at + 3]]
}

/// The piece with this text, at the beginning of a word or going on with it.
pub(super) fn find(text: &[u8], continues: bool) -> Option<Piece> {
    let state = text.iter().copied().fold(start(continues), add);
    find_hashed(text, continues, state)
}

/// The longest piece that an ASCII text begins with, and its bytes.
pub(super) fn find_longest(text: &[u8], continues: bool) -> Option<(Piece, usize)> {
    const { assert!(LONGEST <= 32) };
    let mut states = [0; 32];
    let mut state = start(continues);
    for (known, byte) in states.iter_mut().zip(text.iter().take(LONGEST)) {
        state = add(state, *byte);
        *known = state;
    }
    (1..=text.len().min(LONGEST)).rev().find_map(|end| {
        let piece = find_hashed(&text[..end], continues, states[end - 1])?;
        Some((piece, end))
    })
}

fn find_hashed(text: &[u8], continues: bool, state: u32) -> Option<Piece> {
    let mut slot = (state ^ (state >> 15)) as usize;
    loop {
        slot &= SLOTS - 1;
        let at = SLOTS_AT + 2 * slot;
        let number = u16::from_le_bytes([TABLE[at], TABLE[at + 1]]);
        if number == EMPTY {
            return None;
        }
        let piece = Piece(number);
        if piece.text() == (text, continues) {
            return Some(piece);
        }
        slot += 1;
    }
}

/// FNV-1a; [`find_hashed`] folds it: its lowest bits alone depend on too little.
fn start(continues: bool) -> u32 {
    0x811c_9dc5 ^ u32::from(continues)
}

fn add(state: u32, byte: u8) -> u32 {
    (state ^ u32::from(byte)).wrapping_mul(0x0100_0193)
}

/// The piece's place in the vocabulary, which is in the order of how frequent
/// pieces are in the language: marks and letters first, then words. The words of
/// software and others that the model's vocabulary lacks count as the rarest.
pub fn rank(piece: Piece) -> u16 {
    piece.0
}

#[cfg(test)]
pub(super) fn all() -> impl Iterator<Item = Piece> {
    (0..PIECES).map(|number| Piece(u16::try_from(number).unwrap()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_those_of_the_table_wherever_they_are_read() {
        for piece in all() {
            let at = ROWS_AT + DIMENSIONS * usize::from(piece.0);
            assert_eq!(piece.row()[..], TABLE[at..at + DIMENSIONS], "{piece:?}");
            if cfg!(target_os = "linux") {
                assert_eq!(rare::read(TABLE, at), Some(piece.row()), "{piece:?}");
            }
        }
    }
}
