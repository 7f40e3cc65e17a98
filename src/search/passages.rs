//! Cutting a text into passages of some 20 to 80 words, since what answers a
//! question stands in one place.

use std::ops::Range;

use super::lexicon::{Lexicon, Sense, WordId};

/// Words of a passage, unless a single sentence has more.
const MOST_WORDS: u32 = 80;

/// Words from which on a passage ends with its line.
const LEAST_WORDS: u32 = 20;

/// What one passage holds of the query.
#[derive(Debug, Clone)]
pub(super) struct Passage {
    /// By number of term: occurrences.
    pub(super) frequency: Vec<f64>,
    /// By number of term: how near in meaning another word comes, 0 to 1.
    /// Empty until [`Self::compare`].
    nearness: Vec<f64>,
    /// What is compared.
    words: Vec<WordId>,
    /// Words that tell something.
    pub(super) length: f64,
    /// It ends with a question: the next one may be the answer.
    pub(super) asks: bool,
    /// The number of the field that it is part of, and where in it, in bytes.
    pub(super) field: usize,
    pub(super) span: Range<usize>,
}

impl Passage {
    fn new(terms: usize) -> Self {
        Self {
            frequency: vec![0.0; terms],
            nearness: Vec::new(),
            words: Vec::with_capacity(MOST_WORDS as usize),
            length: 0.0,
            asks: false,
            field: 0,
            span: 0..0,
        }
    }

    fn clear(&mut self) {
        self.frequency.fill(0.0);
        self.words.clear();
        self.length = 0.0;
    }

    /// Looks for words near in meaning to the query's.
    pub(super) fn compare(&mut self, lexicon: &mut Lexicon<'_>) {
        self.nearness.clear();
        self.nearness.resize(lexicon.terms(), 0.0);
        for &word in &self.words {
            for (most, near) in self
                .nearness
                .iter_mut()
                .zip(lexicon.nearness(word).unwrap_or(&[]))
            {
                *most = most.max(*near);
            }
        }
    }

    /// How near in meaning to a term another word comes; 0 where nobody has
    /// compared.
    pub(super) fn nearness(&self, term: usize) -> f64 {
        self.nearness.get(term).copied().unwrap_or(0.0)
    }

    /// Takes another one in.
    pub(super) fn join(&mut self, other: &Self) {
        for (sum, more) in self.frequency.iter_mut().zip(&other.frequency) {
            *sum += more;
        }
        self.words.extend_from_slice(&other.words);
        self.length += other.length;
    }
}

/// Sentences on their way to a passage.
struct Open {
    passage: Passage,
    words: u32,
    /// Bytes of the text.
    start: usize,
}

pub(super) struct Cutter<'a> {
    text: &'a str,
    terms: usize,
    done: Vec<Passage>,
    /// Whole sentences.
    passage: Option<Open>,
    sentence: Option<Open>,
    /// One that is not needed any more, to be used again.
    spare: Option<Passage>,
    /// Where the last token ends.
    end: usize,
}

impl<'a> Cutter<'a> {
    pub(super) fn new(text: &'a str, terms: usize) -> Self {
        Self {
            text,
            terms,
            done: Vec::new(),
            passage: None,
            sentence: None,
            spare: None,
            end: 0,
        }
    }

    /// A token stands here. Tokens may overlap: an identifier and its parts.
    pub(super) fn at(&mut self, start: usize, end: usize) {
        if start >= self.end {
            match boundary(&self.text[self.end..start]) {
                Boundary::None => {}
                Boundary::Sentence => self.end_sentence(),
                Boundary::Line => self.end_line(),
            }
        }
        self.end = self.end.max(end);
        if self.sentence.is_none() {
            let spare = self.spare.take();
            self.sentence = Some(Open {
                passage: spare.unwrap_or_else(|| Passage::new(self.terms)),
                words: 0,
                start,
            });
        }
    }

    /// What the token is to the query; `is_word` unless it is part of another
    /// token or holds others.
    pub(super) fn add(&mut self, sense: Sense, is_word: bool) {
        let Some(open) = &mut self.sentence else {
            return;
        };
        open.words += u32::from(is_word);
        if sense.stopword {
            return;
        }
        if is_word {
            open.passage.length += 1.0;
        }
        if let Some(number) = sense.number {
            open.passage.frequency[number] += 1.0;
        }
        open.passage.words.extend(sense.word);
    }

    pub(super) fn finish(mut self) -> Vec<Passage> {
        self.end = self.text.len();
        self.end_sentence();
        self.end_passage(self.end);
        self.done
    }

    fn end_sentence(&mut self) {
        let Some(mut sentence) = self.sentence.take() else {
            return;
        };
        match &mut self.passage {
            Some(open) if open.words + sentence.words <= MOST_WORDS => {
                open.passage.join(&sentence.passage);
                open.words += sentence.words;
                sentence.passage.clear();
                self.spare = Some(sentence.passage);
            }
            _ => {
                self.end_passage(sentence.start);
                self.passage = Some(sentence);
            }
        }
    }

    fn end_line(&mut self) {
        self.end_sentence();
        if self
            .passage
            .as_ref()
            .is_some_and(|open| open.words >= LEAST_WORDS)
        {
            self.end_passage(self.end);
        }
    }

    fn end_passage(&mut self, end: usize) {
        if let Some(mut open) = self.passage.take() {
            // What ends the last sentence stands behind its last token.
            let tail = self.text[end..].char_indices().take(4);
            let end = tail
                .take_while(|(_, c)| !c.is_alphanumeric())
                .last()
                .map_or(end, |(at, c)| end + at + c.len_utf8());
            open.passage.asks = asks(&self.text[open.start..end]);
            open.passage.span = open.start..end;
            self.done.push(open.passage);
        }
    }
}

enum Boundary {
    None,
    Sentence,
    Line,
}

/// What stands between two tokens.
fn boundary(gap: &str) -> Boundary {
    if gap.len() < 2 && !gap.contains('\n') {
        return Boundary::None;
    }
    if gap.contains('\n') {
        return Boundary::Line;
    }
    let mut before = ' ';
    for c in gap.chars() {
        let ends = matches!(before, '.' | '!' | '?') && c.is_whitespace();
        if ends || matches!(c, '。' | '！' | '？' | '।') {
            return Boundary::Sentence;
        }
        before = c;
    }
    Boundary::None
}

/// Whether a text ends with a question; a remark in brackets after it does not
/// matter.
fn asks(text: &str) -> bool {
    let text = text.trim_end();
    let before = match text.chars().next_back() {
        Some(']') => text.rfind('['),
        Some(')') => text.rfind('('),
        _ => None,
    };
    let text = before.map_or(text, |start| text[..start].trim_end());
    text.ends_with(['?', '？'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{Kind, tokens};

    fn cut(text: &str) -> Vec<(f64, bool)> {
        let mut cutter = Cutter::new(text, 0);
        tokens(text, |token| {
            cutter.at(token.start, token.end);
            let sense = Sense {
                number: None,
                stopword: false,
                word: None,
            };
            cutter.add(sense, matches!(token.kind, Kind::Word | Kind::Pair));
        });
        let passages = cutter.finish();
        passages.iter().map(|p| (p.length, p.asks)).collect()
    }

    #[test]
    fn sentences_stay_together_up_to_a_bound() {
        assert_eq!(cut("One two. Three four! Five?"), [(5.0, true)]);
        assert_eq!(cut("One two.\nThree"), [(3.0, false)]);
        let line = "word ".repeat(20);
        assert_eq!(
            cut(&format!("{line}\nThree")),
            [(20.0, false), (1.0, false)]
        );
        let forty = "word ".repeat(39) + "end. ";
        assert_eq!(cut(&forty.repeat(3)), [(80.0, false), (40.0, false)]);
        assert_eq!(cut(&"word ".repeat(200)), [(200.0, false)]);
        assert_eq!(cut(""), []);
        assert_eq!(
            cut("v1.2.3 a/b.rs"),
            [(2.0, false)],
            "dots inside end nothing"
        );
    }

    #[test]
    fn a_question_is_seen_behind_a_remark() {
        assert_eq!(cut("How was it? [a photo of a dog]"), [(8.0, true)]);
        assert_eq!(cut("Is it? Yes."), [(3.0, false)]);
        let line = "so ".repeat(20);
        assert_eq!(cut(&format!("{line}?\nBecause."))[0], (20.0, true));
        assert!(!cut("为什么？因为")[0].1);
    }
}
