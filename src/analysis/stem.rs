//! Cutting English words back to their stem (Snowball's English stemmer,
//! "Porter 2"); words of other alphabets stay as they are.

use std::borrow::Cow;
use std::sync::LazyLock;

use rust_stemmers::{Algorithm, Stemmer};

use super::scan::Kind;

static ENGLISH: LazyLock<Stemmer> = LazyLock::new(|| Stemmer::create(Algorithm::English));

/// Longest word that can be an English one; longer ones are hashes and the like.
const LONGEST: usize = 24;

/// The term under which a folded word is kept.
pub fn stem(text: &str, kind: Kind) -> Cow<'_, str> {
    let is_word = kind == Kind::Word
        && text.len() > 2
        && text.len() <= LONGEST
        && text.bytes().all(|byte| byte.is_ascii_lowercase());
    if is_word {
        ENGLISH.stem(text)
    } else {
        Cow::Borrowed(text)
    }
}
