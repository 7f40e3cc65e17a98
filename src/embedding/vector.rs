//! Vectors of texts and how they are compared.

use super::pieces::of_word;
use super::table::DIMENSIONS;
use super::{Piece, pieces};

/// A text's vector: a direction, of no particular length.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Vector([u8; DIMENSIONS]);

/// Words of 64 bits in a [`Code`].
pub const CODE_WORDS: usize = DIMENSIONS / 64;

/// The signs of a vector's numbers. Codes that differ in few places belong to
/// vectors that point in about the same direction, and comparing them is a
/// handful of instructions: enough to say which vectors are worth comparing.
pub type Code = [u64; CODE_WORDS];

const _: () = assert!(DIMENSIONS.is_multiple_of(64));

impl Vector {
    /// What to store: the numbers, a signed byte each.
    pub fn as_bytes(&self) -> &[u8; DIMENSIONS] {
        &self.0
    }

    /// What [`Self::as_bytes`] gave. `None` if the length is another's.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The vector of a text that has these pieces. `None` if they say nothing.
    fn of(pieces: impl IntoIterator<Item = Piece>) -> Option<Self> {
        let mut pieces = pieces.into_iter();
        let first = pieces.next()?;
        let Some(second) = pieces.next() else {
            // Most words are one piece: its row is the vector.
            let row = first.row();
            return row.iter().any(|byte| *byte != 0).then_some(Self(row));
        };
        let mut sum = [0.0_f32; DIMENSIONS];
        for piece in [first, second].into_iter().chain(pieces) {
            let scale = piece.scale();
            for (sum, unit) in sum.iter_mut().zip(piece.row()) {
                *sum += scale * f32::from(unit.cast_signed());
            }
        }
        let largest = sum.iter().fold(0.0_f32, |largest, n| largest.max(n.abs()));
        (largest > f32::EPSILON).then(|| Self(sum.map(|number| to_byte(number / largest))))
    }
}

impl std::fmt::Debug for Vector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|byte| byte.cast_signed()))
            .finish()
    }
}

#[expect(clippy::cast_possible_truncation, reason = "-127 to 127")]
fn to_byte(number: f32) -> u8 {
    // Rounded by hand: a call for each number costs more than all the rest.
    ((number * 127.0 + 0.5_f32.copysign(number)) as i8).cast_unsigned()
}

/// The vector of a text. `None` when nothing in it is known to mean anything.
pub fn embed(text: &str) -> Option<Vector> {
    Vector::of(pieces(text))
}

/// Characters of a piece below which a word is in crumbs: a name or gibberish,
/// and its pieces say nothing of its meaning.
const CRUMB: usize = 3;

/// Makes the vectors of single words.
#[derive(Debug, Default)]
pub struct WordEmbedder {
    pieces: Vec<Piece>,
}

impl WordEmbedder {
    /// The vector of a word in lower case. `None` for what only its spelling
    /// tells: numbers, names and gibberish that the language model knows no part
    /// of that is long enough to mean something.
    pub fn embed(&mut self, word: &str) -> Option<Vector> {
        if word.contains(char::is_numeric) {
            return None;
        }
        of_word(word, CRUMB, &mut self.pieces)?;
        Vector::of(self.pieces.iter().copied())
    }

    /// Whether the language model knows the word or long parts of it.
    pub fn knows(&mut self, word: &str) -> bool {
        of_word(word, CRUMB, &mut self.pieces).is_some()
    }
}

/// How much two texts are about the same: the cosine, −1 to 1; 0 where one of
/// the vectors is nothing but zeros.
pub fn similarity(a: &Vector, b: &Vector) -> f32 {
    let lengths = length(a) * length(b);
    if lengths > 0.0 {
        product(a, b) / lengths
    } else {
        0.0
    }
}

/// The length of a vector, for comparing it with many others.
pub fn length(vector: &Vector) -> f32 {
    dot(&vector.0, &vector.0).sqrt()
}

/// The inner product of two vectors: their cosine times their lengths.
pub fn product(a: &Vector, b: &Vector) -> f32 {
    dot(&a.0, &b.0)
}

/// The signs of the vector's numbers.
pub fn code(vector: &Vector) -> Code {
    let mut code = [0; CODE_WORDS];
    for (word, bytes) in code.iter_mut().zip(vector.0.chunks_exact(64)) {
        *word = bytes.iter().rev().fold(0, |word, byte| {
            word << 1 | u64::from(byte.cast_signed() > 0)
        });
    }
    code
}

/// In how many places two codes differ, 0 to [`DIMENSIONS`](super::DIMENSIONS).
#[inline]
pub fn hamming(a: &Code, b: &Code) -> u32 {
    a.iter().zip(b).map(|(a, b)| (a ^ b).count_ones()).sum()
}

/// The inner product of signed bytes. In blocks of a fixed size, which the
/// compiler turns into vector instructions.
#[expect(
    clippy::cast_precision_loss,
    reason = "at most DIMENSIONS × 128 × 128, which a float holds exactly"
)]
fn dot(a: &[u8; DIMENSIONS], b: &[u8; DIMENSIONS]) -> f32 {
    const { assert!(DIMENSIONS * 128 * 128 <= 1 << f32::MANTISSA_DIGITS) };
    let mut sum = 0_i32;
    for (a, b) in a.chunks_exact(32).zip(b.chunks_exact(32)) {
        sum += a
            .iter()
            .zip(b)
            .map(|(a, b)| i32::from(a.cast_signed()) * i32::from(b.cast_signed()))
            .sum::<i32>();
    }
    sum as f32
}
