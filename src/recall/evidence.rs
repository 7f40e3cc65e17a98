//! What a text is about: its words without those that every request and every
//! error message is made of; and which of them a row has.

use std::collections::HashSet;
use std::sync::OnceLock;

use crate::analysis::{self, Kind, stem};
use crate::store::ObservationRow;

/// A pair of characters of a script without spaces is a word, or lies across two.
const PAIR: f64 = 0.75;

/// `E0502` or `TS2345` says as much as two words.
const CODE: f64 = 2.0;

/// Words that are asked for and worked with, whatever it is about.
const COMMON: &str = "\
    thanks thank please continue proceed go going ok okay yes no sure fine great good nice perfect \
    cool correct right wrong way fix run rerun test suite commit push pull merge rebase branch main \
    master revert undo redo try again change update add remove delete create make made write written \
    rewrite read edit show tell explain describe summarise summarize review refactor rename move \
    clean cleanup format lint linter build compile install start stop implement implementation use \
    used using help need want like let know think thought look check see search find open do done \
    work works working problem issue error bug fail failing failed failure broken break broke crash \
    still same different other another approach option plan step next first second last previous new \
    old better best simple simpler easy fast faster code file folder directory function method class \
    variable module helper script project repo repository app line comment doc docs documentation \
    readme changelog note name thing something anything everything item question answer idea example \
    version number status diff log warning message dependency dependencies feature detail part point \
    time today now morning yesterday tonight minute unused green short current currently possible \
    strange happen happens set setup get got give given take put keep unit small big large long \
    unable cannot could would should must seem seems understand clear reason sense mind pick choose \
    request ask task todo job ticket finish finished ready entry entries whole piece bit lot few \
    danke bitte weiter mach mache führe aus weitermachen";

/// One word that tells, and what it counts for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Telling {
    /// As it is found in the index.
    pub(super) term: String,
    /// As it stands in the text.
    pub(super) shown: String,
    pub(super) words: f64,
}

/// The distinct words of a text that tell what it is about, in order.
pub(super) fn telling(text: &str) -> Vec<Telling> {
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    analysis::tokens(text, |token| {
        let words = match token.kind {
            Kind::Pair => PAIR,
            Kind::Word if is_code(token.text) => CODE,
            Kind::Word => 1.0,
            Kind::Whole | Kind::Single => return,
        };
        let term = stem(token.text, token.kind);
        let is_short = token.text.chars().nth(1).is_none();
        if is_short || analysis::is_stopword(token.text) || is_common(&term) {
            return;
        }
        if seen.insert(term.clone().into_owned()) {
            found.push(Telling {
                shown: text[token.start..token.end].to_owned(),
                term: term.into_owned(),
                words,
            });
        }
    });
    found
}

/// Letters and several digits in one word.
pub(super) fn is_code(word: &str) -> bool {
    let digits = word.chars().filter(char::is_ascii_digit).count();
    digits > 1 && word.chars().any(char::is_alphabetic)
}

fn is_common(term: &str) -> bool {
    static TERMS: OnceLock<HashSet<String>> = OnceLock::new();
    let terms = TERMS.get_or_init(|| {
        let mut terms = HashSet::new();
        analysis::tokens(COMMON, |token| {
            terms.insert(stem(token.text, token.kind).into_owned());
        });
        terms
    });
    terms.contains(term)
}

/// How many of these words a row has.
pub(super) fn held<'a>(words: &'a [Telling], row: &ObservationRow) -> Vec<&'a Telling> {
    let terms = terms_of(row);
    words
        .iter()
        .filter(|word| terms.contains(&word.term))
        .collect()
}

/// What some words count for together.
pub(super) fn weight<'a>(words: impl IntoIterator<Item = &'a Telling>) -> f64 {
    words.into_iter().map(|word| word.words).sum()
}

/// The terms of all that a row says.
fn terms_of(row: &ObservationRow) -> HashSet<String> {
    let lists = [&row.facts, &row.files_read, &row.files_modified];
    let texts = [&row.title, &row.subtitle, &row.narrative]
        .into_iter()
        .chain(lists.into_iter().flatten());
    let mut terms = HashSet::new();
    for text in texts {
        analysis::tokens(text, |token| {
            terms.insert(stem(token.text, token.kind).into_owned());
        });
    }
    terms
}
