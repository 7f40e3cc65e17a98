//! Finds credentials in one pass.
//!
//! Text is scanned for pairs of neighbouring bytes that are rare in text and part
//! of every credential that is looked for. Two tables give each byte the set of
//! pairs that it begins and the set that it ends, so nearly all of a text costs
//! two look-ups a byte; only at a pair is anything compared.

use std::borrow::Cow;

use super::bytes::get;
use super::{assign, tokens, wrapped};

/// A stretch of text to be replaced.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hit {
    pub(super) start: usize,
    pub(super) end: usize,
    /// What it was, in kebab case.
    pub(super) kind: &'static str,
}

/// Pairs in the words of names that tell a secret: pa*ss*word, se*cr*et,
/// *cr*edential, t*ok*en, co*ok*ie, k*ey*, p*wd*, *au*th, co*nn*ection string.
const WORD_PAIRS: [[u8; 2]; 7] = [*b"ss", *b"cr", *b"ok", *b"ey", *b"wd", *b"au", *b"nn"];

/// Replaces the credentials in a text by `[redacted:kind]`.
///
/// Borrowed when there was none.
pub fn redact(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut kept = 0;
    let mut scanner = Scanner::new(text.as_bytes());
    while let Some(hit) = scanner.next_hit() {
        out.push_str(&text[kept..hit.start]);
        out.push_str("[redacted:");
        out.push_str(hit.kind);
        out.push(']');
        kept = hit.end;
    }
    if kept == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[kept..]);
    Cow::Owned(out)
}

const FIRST: [u64; 256] = table(0);
const SECOND: [u64; 256] = table(1);

/// The pairs, one bit each, by their first or second byte. Words count in any
/// case.
const fn table(side: usize) -> [u64; 256] {
    let mut table = [0; 256];
    let mut bit = 0;
    while bit < WORD_PAIRS.len() {
        let byte = WORD_PAIRS[bit][side];
        table[byte as usize] |= 1 << bit;
        table[byte.to_ascii_uppercase() as usize] |= 1 << bit;
        bit += 1;
    }
    let mut index = 0;
    while index < tokens::PAIRS.len() {
        table[tokens::PAIRS[index][side] as usize] |= 1 << bit;
        index += 1;
        bit += 1;
    }
    index = 0;
    while index < wrapped::PAIRS.len() {
        table[wrapped::PAIRS[index][side] as usize] |= 1 << bit;
        index += 1;
        bit += 1;
    }
    assert!(bit <= 64, "one bit for each pair");
    table
}

const WORDS: u64 = (1 << WORD_PAIRS.len()) - 1;
const TOKENS: u64 = ((1 << tokens::PAIRS.len()) - 1) << WORD_PAIRS.len();

/// Yields credentials from left to right, none overlapping another.
struct Scanner<'a> {
    bytes: &'a [u8],
    /// Where the search goes on. Also the end of the last hit.
    at: usize,
    /// Names that end before here were looked at.
    names_until: usize,
    ends: wrapped::Ends,
    /// A hit further on, whose beginning the search has not reached yet: before
    /// it there may be another one, as in `https://<token>:<password>@host`.
    ahead: Option<Hit>,
    /// A hit may not begin before the end of the last one.
    floor: usize,
}

impl<'a> Scanner<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            names_until: 0,
            ends: wrapped::Ends::default(),
            ahead: None,
            floor: 0,
        }
    }

    fn next_hit(&mut self) -> Option<Hit> {
        loop {
            let Some((pair_at, pairs)) = self.next_pair() else {
                return self.ahead.take().map(|hit| self.commit(hit));
            };
            if let Some(ahead) = self.ahead
                && pair_at >= ahead.start
            {
                self.ahead = None;
                return Some(self.commit(ahead));
            }
            self.at = pair_at + 1;
            let Some(mut hit) = self.examine(pair_at, pairs) else {
                continue;
            };
            if hit.start < self.floor || hit.end <= hit.start {
                continue;
            }
            match self.ahead {
                Some(ahead) if hit.start >= ahead.start => {}
                Some(ahead) if hit.end > ahead.start => {
                    hit.end = hit.end.max(ahead.end);
                    self.ahead = None;
                    return Some(self.commit(hit));
                }
                None if hit.start > pair_at => self.ahead = Some(hit),
                _ => return Some(self.commit(hit)),
            }
        }
    }

    fn commit(&mut self, hit: Hit) -> Hit {
        self.at = hit.end;
        self.floor = hit.end;
        self.names_until = self.names_until.max(hit.end);
        hit
    }

    /// Position of the next pair, and which ones it may be.
    fn next_pair(&self) -> Option<(usize, u64)> {
        let rest = self.bytes.get(self.at..)?;
        let mut first = FIRST[usize::from(*rest.first()?)];
        for (index, &byte) in rest[1..].iter().enumerate() {
            let pairs = first & SECOND[usize::from(byte)];
            if pairs != 0 {
                return Some((self.at + index, pairs));
            }
            first = FIRST[usize::from(byte)];
        }
        None
    }

    fn examine(&mut self, pair_at: usize, pairs: u64) -> Option<Hit> {
        if pairs & TOKENS != 0
            && let Some(hit) = tokens::at(self.bytes, pair_at)
        {
            return Some(hit);
        }
        if pairs & !(TOKENS | WORDS) != 0
            && let Some(hit) = wrapped::at(self.bytes, pair_at, &mut self.ends)
        {
            return Some(hit);
        }
        if pairs & WORDS != 0 && pair_at >= self.names_until && is_word(self.bytes, pair_at) {
            let name = assign::name_around(self.bytes, pair_at, self.names_until);
            self.names_until = name.end;
            return assign::secret_of(self.bytes, name).map(|hit| self.with_own_kind(hit));
        }
        None
    }

    /// A value whose own shape is known is called by that.
    fn with_own_kind(&self, hit: Hit) -> Hit {
        let mut inner = Scanner::new(&self.bytes[..hit.end]);
        inner.at = hit.start;
        while let Some((pair_at, pairs)) = inner.next_pair() {
            if pairs & TOKENS != 0
                && let Some(found) = tokens::at(inner.bytes, pair_at)
                && found.start <= hit.start
                && found.end == hit.end
            {
                return Hit {
                    kind: found.kind,
                    ..hit
                };
            }
            if pair_at > hit.start + 8 {
                break;
            }
            inner.at = pair_at + 1;
        }
        hit
    }
}

/// Whether the pair stands in one of the words of [`WORD_PAIRS`].
fn is_word(bytes: &[u8], pair_at: usize) -> bool {
    let near = |offset: usize| get(bytes, pair_at + offset).to_ascii_lowercase();
    let before = |offset: usize| {
        pair_at
            .checked_sub(offset)
            .map_or(0, |at| get(bytes, at).to_ascii_lowercase())
    };
    match (near(0), near(1)) {
        (b's', b's') => (before(2), before(1)) == (b'p', b'a'),
        (b'c', b'r') => matches!((near(2), near(3)), (b'e', b't' | b'd')),
        (b'o', b'k') => matches!((before(1), near(2)), (b't', b'e') | (b'o', b'i')),
        (b'e', b'y') => before(1) == b'k',
        (b'w', b'd') => matches!(before(1), b'p' | b's'),
        (b'a', b'u') => (near(2), near(3)) == (b't', b'h'),
        (b'n', b'n') => (before(1), near(2)) == (b'o', b'e') || near(2) == b's',
        _ => false,
    }
}
