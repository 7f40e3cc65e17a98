//! A text as the words that the model's tokenizer would see: lower case, no
//! accents, every punctuation mark and every Chinese character alone.

use std::collections::VecDeque;
use std::str::Chars;

use icu_properties::CodePointMapData;
use icu_properties::props::{GeneralCategory, GeneralCategoryGroup};
use unicode_normalization::char::decompose_canonical;

/// Goes from word to word; the word lies in [`Self::word`] until the next one.
pub(super) struct Words<'a> {
    rest: Chars<'a>,
    /// Normalised, but not yet part of a word.
    ready: VecDeque<(char, Case)>,
    word: String,
    /// Where the parts of a name in camel case begin, but for the first.
    humps: Vec<Hump>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    Upper,
    Lower,
    Digit,
    Other,
}

struct Hump {
    at: usize,
    /// It ends a run of capitals, as in `HTTPServer`.
    after_capitals: bool,
}

enum Kind {
    Space,
    /// A word by itself.
    Alone,
    Part,
}

impl<'a> Words<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            rest: text.chars(),
            ready: VecDeque::new(),
            word: String::new(),
            humps: Vec::new(),
        }
    }

    /// Whether there was one more word.
    pub(super) fn advance(&mut self) -> bool {
        self.word.clear();
        self.humps.clear();
        let mut last = [Case::Other; 2];
        while let Some((c, case)) = self.character() {
            match kind(c) {
                Kind::Space if self.word.is_empty() => {}
                Kind::Space => break,
                Kind::Alone if self.word.is_empty() => {
                    self.word.push(c);
                    return true;
                }
                Kind::Alone => {
                    self.ready.push_front((c, case));
                    break;
                }
                Kind::Part => {
                    self.note_hump(last, case);
                    self.word.push(c);
                    last = [last[1], case];
                }
            }
        }
        self.forget_plural();
        !self.word.is_empty()
    }

    pub(super) fn word(&self) -> &str {
        &self.word
    }

    /// Whether [`Self::parts`] has more than one.
    pub(super) fn has_humps(&self) -> bool {
        !self.humps.is_empty()
    }

    /// The word, cut where a capital began a part of it: `parseInvoiceTotal`,
    /// `HTTPServer`.
    pub(super) fn parts(&self) -> impl Iterator<Item = &str> {
        let begins = std::iter::once(0).chain(self.humps.iter().map(|hump| hump.at));
        let ends = self.humps.iter().map(|hump| hump.at);
        begins
            .zip(ends.chain([self.word.len()]))
            .map(|(from, to)| &self.word[from..to])
    }

    fn note_hump(&mut self, last: [Case; 2], case: Case) {
        let at = self.word.len();
        let hump = match (last, case) {
            ([_, Case::Lower | Case::Digit], Case::Upper) => Hump {
                at,
                after_capitals: false,
            },
            ([Case::Upper, Case::Upper], Case::Lower) => Hump {
                at: self.word.char_indices().next_back().map_or(0, |(at, _)| at),
                after_capitals: true,
            },
            _ => return,
        };
        self.humps.push(hump);
    }

    /// In `APIs` the s begins no `Is`.
    fn forget_plural(&mut self) {
        if let Some(hump) = self.humps.last()
            && hump.after_capitals
            && self.word.len() == hump.at + 2
            && self.word.ends_with('s')
        {
            self.humps.pop();
        }
    }

    /// The next normalised character and what case it was written in.
    fn character(&mut self) -> Option<(char, Case)> {
        loop {
            if let Some(ready) = self.ready.pop_front() {
                return Some(ready);
            }
            let c = self.rest.next()?;
            if c.is_ascii() {
                if !c.is_ascii_control() {
                    return Some((c.to_ascii_lowercase(), case(c)));
                }
                if matches!(c, '\t' | '\n' | '\r') {
                    return Some((' ', Case::Other));
                }
            } else {
                normalise(c, &mut self.ready);
            }
        }
    }
}

fn case(c: char) -> Case {
    if c.is_ascii_digit() {
        Case::Digit
    } else if c.is_lowercase() {
        Case::Lower
    } else if c.is_uppercase() {
        Case::Upper
    } else {
        Case::Other
    }
}

fn category(c: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(c)
}

/// Drops control characters and accents, and lowers the case.
fn normalise(c: char, ready: &mut VecDeque<(char, Case)>) {
    if c == char::REPLACEMENT_CHARACTER
        || matches!(
            category(c),
            GeneralCategory::Control | GeneralCategory::Format | GeneralCategory::PrivateUse
        )
    {
        return;
    }
    let case = case(c);
    decompose_canonical(c, |c| {
        if category(c) != GeneralCategory::NonspacingMark {
            ready.extend(c.to_lowercase().map(|c| (c, case)));
        }
    });
}

fn kind(c: char) -> Kind {
    if c.is_whitespace() {
        Kind::Space
    } else if c.is_ascii_punctuation() || is_chinese(c) || is_punctuation(c) {
        Kind::Alone
    } else {
        Kind::Part
    }
}

fn is_punctuation(c: char) -> bool {
    !c.is_ascii() && GeneralCategoryGroup::Punctuation.contains(category(c))
}

/// The blocks that the model's tokenizer takes for Chinese: ideographs, neither
/// kana nor Hangul.
fn is_chinese(c: char) -> bool {
    matches!(
        u32::from(c),
        0x3400..=0x4DBF
            | 0x4E00..=0x9FFF
            | 0xF900..=0xFAFF
            | 0x2_0000..=0x2_A6DF
            | 0x2_A700..=0x2_B81F
            | 0x2_B920..=0x2_CEAF
            | 0x2_F800..=0x2_FA1F
    )
}
