//! One spelling for letters that people take for the same.

use unicode_normalization::char::{decompose_compatible, is_combining_mark};

/// What a character is to the scanner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Part of a word.
    Word,
    /// Part of a script that is written without spaces, or a pictogram.
    Gram,
    /// Joins what stands around it to one identifier: `_ - .`
    Joiner,
    /// In the middle of a word, and not spoken: `'`.
    Apostrophe,
    Gap,
}

/// The classes of ASCII: most characters of most texts, several times each.
const ASCII: [Class; 128] = {
    let mut classes = [Class::Gap; 128];
    let mut c = 0;
    while c < 128 {
        classes[c as usize] = match c {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => Class::Word,
            b'_' | b'-' | b'.' => Class::Joiner,
            b'\'' => Class::Apostrophe,
            _ => Class::Gap,
        };
        c += 1;
    }
    classes
};

#[inline]
pub(super) fn class(c: char) -> Class {
    match ASCII.get(c as usize) {
        Some(class) => *class,
        None => beyond_ascii(c),
    }
}

fn beyond_ascii(c: char) -> Class {
    if c == '’' {
        return Class::Apostrophe;
    }
    if is_spaceless(c) {
        return Class::Gram;
    }
    if is_enclosed(c) {
        return Class::Gap;
    }
    if c.is_alphanumeric() || is_combining_mark(c) {
        return Class::Word;
    }
    if is_pictogram(c) {
        return Class::Gram;
    }
    Class::Gap
}

/// Thai, Lao, Myanmar, Khmer, kana, Han and what belongs to them.
fn is_spaceless(c: char) -> bool {
    matches!(
        u32::from(c),
        0x0E01..=0x0E3A | 0x0E40..=0x0E4E | 0x0E81..=0x0EDF | 0x1000..=0x109F | 0x1780..=0x17D3
            | 0x2E80..=0x2FDF | 0x3005..=0x3007 | 0x3041..=0x309A | 0x309D..=0x309F
            | 0x30A1..=0x30FA | 0x30FC..=0x30FF | 0x3105..=0x312F | 0x31A0..=0x31BF
            | 0x31F0..=0x31FF | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xA9E0..=0xA9FF
            | 0xAA60..=0xAA7F | 0xF900..=0xFAFF | 0xFF66..=0xFF9F | 0x1_AFF0..=0x1_B16F
            | 0x2_0000..=0x3_FFFF
    )
}

/// Numbers in circles and brackets: list marks.
fn is_enclosed(c: char) -> bool {
    matches!(u32::from(c), 0x2460..=0x249B | 0x24EA..=0x24FF | 0x2776..=0x2793)
}

/// Arrows, symbols, dingbats and emoji; not their modifiers.
fn is_pictogram(c: char) -> bool {
    matches!(u32::from(c), 0x2190..=0x2BFF | 0x1_F000..=0x1_F3FA | 0x1_F400..=0x1_FAFF)
}

/// Words of Hangul have spaces between them, but grow endings, so that pairs of
/// characters count beside the whole.
pub(super) fn is_hangul(c: char) -> bool {
    matches!(u32::from(c), 0x1100..=0x11FF | 0x3130..=0x318F | 0xA960..=0xA97F | 0xAC00..=0xD7FF)
}

/// Appends the folded form of a character: lower case, and in alphabets that
/// write accents, without them.
pub(super) fn push(c: char, into: &mut String) {
    if c.is_ascii() {
        into.push(c.to_ascii_lowercase());
        return;
    }
    if is_half_width(c) {
        decompose_compatible(c, |part| into.push(part));
        return;
    }
    if !has_accents(c) {
        into.extend(c.to_lowercase());
        return;
    }
    decompose_compatible(c, |part| {
        if !is_combining_mark(part) {
            into.extend(part.to_lowercase());
        }
    });
}

/// Katakana of half the width.
fn is_half_width(c: char) -> bool {
    matches!(u32::from(c), 0xFF66..=0xFF9F)
}

/// Latin, Greek, Cyrillic and Arabic with their extensions, combining accents,
/// letterlike and full-width forms. Elsewhere a mark is a letter of its own.
fn has_accents(c: char) -> bool {
    matches!(
        u32::from(c),
        0x00A0..=0x052F | 0x0600..=0x06FF | 0x1E00..=0x1FFF | 0x2070..=0x218F | 0x2C60..=0x2C7F
            | 0xA640..=0xA69F | 0xA720..=0xA7FF | 0xFB00..=0xFDFF | 0xFE70..=0xFEFF
            | 0xFF00..=0xFF65
    )
}
