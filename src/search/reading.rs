//! Reading a row for a query: how often its terms stand where.

use std::borrow::Cow;

use crate::analysis::{Kind, tokens};
use crate::store::{ObservationRow, PromptRow, SummaryRow};

use super::lexicon::Lexicon;
use super::passages::{Cutter, Passage};

/// A named text of a row and what a word in it is worth.
#[derive(Debug)]
pub(super) struct Field<'a> {
    pub(super) name: &'static str,
    pub(super) weight: f64,
    pub(super) text: Cow<'a, str>,
    /// It says what all the rest is about.
    heads: bool,
}

impl<'a> Field<'a> {
    pub(super) fn new(name: &'static str, weight: f64, text: impl Into<Cow<'a, str>>) -> Self {
        Self {
            name,
            weight,
            text: text.into(),
            heads: false,
        }
    }

    /// Whether it says what all the rest is about.
    pub(super) fn heads(&self) -> bool {
        self.heads
    }

    fn heading(name: &'static str, weight: f64, text: &'a str) -> Self {
        Self {
            heads: true,
            ..Self::new(name, weight, text)
        }
    }
}

/// A row that can be searched.
pub(super) trait Searched: Sized {
    fn id(&self) -> i64;
    fn at(&self) -> i64;
    fn session(&self) -> Option<i64>;
    fn project(&self) -> &str;
    /// Rows with a title can be compared by it.
    fn title(&self) -> Option<&str> {
        None
    }
    /// Observations have a type.
    fn kind(&self) -> Option<&str> {
        None
    }
    fn concepts(&self) -> &[String] {
        &[]
    }
    /// Which row took its place.
    fn superseded(&self) -> bool {
        false
    }
    /// Observations have files.
    fn files(&self) -> impl Iterator<Item = &String> {
        std::iter::empty()
    }
    /// In order of weight.
    fn fields(&self) -> Vec<Field<'_>>;
}

impl Searched for ObservationRow {
    fn id(&self) -> i64 {
        self.id
    }

    fn at(&self) -> i64 {
        self.created_at_epoch
    }

    fn session(&self) -> Option<i64> {
        self.session_db_id
    }

    fn project(&self) -> &str {
        &self.project
    }

    fn title(&self) -> Option<&str> {
        (!self.title.is_empty()).then_some(&self.title)
    }

    fn kind(&self) -> Option<&str> {
        Some(&self.kind)
    }

    fn concepts(&self) -> &[String] {
        &self.concepts
    }

    fn superseded(&self) -> bool {
        self.superseded_by.is_some()
    }

    fn files(&self) -> impl Iterator<Item = &String> {
        self.files_modified.iter().chain(&self.files_read)
    }

    fn fields(&self) -> Vec<Field<'_>> {
        vec![
            Field::heading("title", 2.0, &self.title),
            Field::heading("subtitle", 1.0, &self.subtitle),
            Field::new("narrative", 1.0, &self.narrative),
            Field::new("facts", 1.0, self.facts.join("\n")),
            Field::new("concepts", 1.0, self.concepts.join(", ")),
            Field::new("files modified", 1.0, self.files_modified.join(", ")),
            Field::new("files read", 1.0, self.files_read.join(", ")),
        ]
    }
}

impl Searched for SummaryRow {
    fn id(&self) -> i64 {
        self.id
    }

    fn at(&self) -> i64 {
        self.created_at_epoch
    }

    fn session(&self) -> Option<i64> {
        self.session_db_id
    }

    fn project(&self) -> &str {
        &self.project
    }

    fn fields(&self) -> Vec<Field<'_>> {
        vec![
            Field::heading("request", 2.0, &self.request),
            Field::new("completed", 1.0, &self.completed),
            Field::new("learned", 1.0, &self.learned),
            Field::new("investigated", 1.0, &self.investigated),
            Field::new("next steps", 1.0, &self.next_steps),
            Field::new("notes", 1.0, &self.notes),
        ]
    }
}

impl Searched for PromptRow {
    fn id(&self) -> i64 {
        self.id
    }

    fn at(&self) -> i64 {
        self.created_at_epoch
    }

    fn session(&self) -> Option<i64> {
        self.session_db_id
    }

    fn project(&self) -> &str {
        &self.project
    }

    fn fields(&self) -> Vec<Field<'_>> {
        vec![Field::new("prompt", 1.0, &self.prompt_text)]
    }
}

/// What a row holds of the query.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    /// By number of term: occurrences, each worth the weight of its field.
    pub(super) frequency: Vec<f64>,
    /// Words that tell something, each worth the weight of its field.
    pub(super) length: f64,
    /// The first line of what stands above the passages.
    pub(super) title: Option<Passage>,
    /// What stands above the passages, if anything does.
    pub(super) head: Option<Passage>,
    /// In the order of the text.
    pub(super) passages: Vec<Passage>,
    /// A row without a title is labelled with a word of the query, as in
    /// "Decision: …".
    pub(super) label: bool,
    /// Terms with the position of their word. Fields are far apart.
    places: Vec<(u32, usize)>,
}

/// Positions between two fields: no phrase goes across.
const FIELD_GAP: u32 = 1_000;

pub(super) fn read(fields: &[Field<'_>], lexicon: &mut Lexicon<'_>) -> Reading {
    let terms = lexicon.terms();
    let mut reading = Reading {
        frequency: vec![0.0; terms],
        length: 0.0,
        title: None,
        head: None,
        passages: Vec::new(),
        label: false,
        places: Vec::new(),
    };
    let mut offset = 0;
    for (place, field) in fields.iter().enumerate() {
        let mut cutter = Cutter::new(&field.text, terms);
        let mut last = offset;
        let label = if reading.head.is_none() {
            label_end(&field.text)
        } else {
            0
        };
        tokens(&field.text, |token| {
            cutter.at(token.start, token.end);
            let sense = lexicon.sense(token);
            let is_word = matches!(token.kind, Kind::Word | Kind::Pair);
            cutter.add(sense, is_word);
            last = offset + token.position;
            if is_word && !sense.stopword {
                reading.length += field.weight;
            }
            if let Some(number) = sense.number {
                reading.label |= token.end <= label;
                reading.frequency[number] += field.weight;
                reading.places.push((last, number));
            }
        });
        offset = last + FIELD_GAP;
        let mut passages = cutter.finish();
        for passage in &mut passages {
            passage.field = place;
        }
        reading.take(passages, field.heads);
    }
    reading
}

/// Bytes in which a label ends.
const LABEL_BYTES: usize = 24;

/// Words of a label.
const LABEL_WORDS: usize = 2;

/// Where the label ends that a text begins with; 0 where it has none.
fn label_end(text: &str) -> usize {
    let head = &text[..text.floor_char_boundary(LABEL_BYTES)];
    let Some(end) = head.find(':') else {
        return 0;
    };
    let words = head[..end].split(|c: char| !c.is_alphanumeric());
    let count = words.filter(|word| !word.is_empty()).count();
    if (1..=LABEL_WORDS).contains(&count) {
        end
    } else {
        0
    }
}

impl Reading {
    /// Whether it is one passage without a title: what stands before and after
    /// it belongs to it.
    pub(super) fn is_single(&self) -> bool {
        self.head.is_none() && self.passages.len() == 1
    }

    /// Looks for words near in meaning to the query's.
    pub(super) fn compare(&mut self, lexicon: &mut Lexicon<'_>) {
        for passage in self.passages.iter_mut().chain(&mut self.head) {
            passage.compare(lexicon);
        }
    }

    fn take(&mut self, passages: Vec<Passage>, heads: bool) {
        if !heads {
            self.passages.extend(passages);
            return;
        }
        for passage in passages {
            match &mut self.head {
                Some(head) => head.join(&passage),
                none => {
                    self.title = Some(passage.clone());
                    *none = Some(passage);
                }
            }
        }
    }

    /// Whether these terms stand next to each other somewhere, in this order.
    pub(super) fn holds_phrase(&self, terms: &[usize]) -> bool {
        let stands = |position: u32, term: usize| self.places.contains(&(position, term));
        let Some((&first, rest)) = terms.split_first() else {
            return false;
        };
        self.places.iter().any(|&(position, number)| {
            number == first
                && rest
                    .iter()
                    .zip(position + 1..)
                    .all(|(&term, position)| stands(position, term))
        })
    }
}
