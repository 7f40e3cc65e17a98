//! Why a row was found: which words stand in which field, and the text around
//! the first of them.

use crate::analysis::tokens;

use super::lexicon::Lexicon;
use super::query::Query;
use super::reading::Field;

/// Characters of a snippet.
const SNIPPET_CHARS: usize = 160;

/// Words that the reason names; more would not be read.
const MAX_WORDS: usize = 6;

/// The reason for a row without any of the words.
const NEAR: &str = "near in meaning";

/// The reason in words ("discount, code in title; invoice in files modified")
/// and a snippet.
pub(super) fn explain(
    fields: &[Field<'_>],
    query: &Query,
    lexicon: &mut Lexicon<'_>,
) -> (String, String) {
    let mut told = vec![false; query.words.len()];
    let mut reasons = Vec::new();
    let mut snippet = None;
    for field in fields {
        let (here, first) = words_in(field, query, lexicon, &mut told);
        let Some(first) = first else {
            continue;
        };
        // The title is shown anyway: a snippet from elsewhere tells more.
        if snippet.as_ref().is_none_or(|(name, _)| *name == "title") {
            snippet = Some((field.name, window(&field.text, first)));
        }
        if !here.is_empty() {
            reasons.push(format!("{} in {}", here.join(", "), field.name));
        }
    }
    if reasons.is_empty() && !query.words.is_empty() {
        let rest = fields
            .iter()
            .find(|field| field.name != "title" && !field.text.is_empty());
        let beginning = rest.map(|field| window(&field.text, 0));
        return (NEAR.to_owned(), beginning.unwrap_or_default());
    }
    let snippet = snippet.map(|(_, text)| text).unwrap_or_default();
    (reasons.join("; "), snippet)
}

/// Words of the query that this field has and none before it had, and where
/// the first of any stands.
fn words_in(
    field: &Field<'_>,
    query: &Query,
    lexicon: &mut Lexicon<'_>,
    told: &mut [bool],
) -> (Vec<String>, Option<usize>) {
    let mut words = Vec::new();
    let mut first = None;
    tokens(&field.text, |token| {
        let Some(number) = lexicon.sense(token).number else {
            return;
        };
        first.get_or_insert(token.start);
        if number == query.terms.len() {
            if let Some(last) = query.words.len().checked_sub(1).filter(|last| !told[*last]) {
                told[last] = true;
                words.push(query.words[last].shown.clone());
            }
            return;
        }
        for (index, word) in query.words.iter().enumerate() {
            let is_of_it = word.terms.iter().any(|(term, _)| *term == number);
            if is_of_it && !told[index] && words.len() < MAX_WORDS {
                told[index] = true;
                words.push(word.shown.clone());
            }
        }
    });
    (words, first)
}

/// About [`SNIPPET_CHARS`] characters around a byte, in one line.
fn window(text: &str, at: usize) -> String {
    let before: Vec<usize> = text[..at]
        .char_indices()
        .rev()
        .take(SNIPPET_CHARS / 3)
        .map(|(index, _)| index)
        .collect();
    let from = before.last().copied().unwrap_or(at);
    let end = text[from..]
        .char_indices()
        .nth(SNIPPET_CHARS)
        .map_or(text.len(), |(index, _)| from + index);
    let mut shown = text[from..end].to_owned();
    if from > 0 {
        // Not from the middle of a word.
        let start = shown
            .find(char::is_whitespace)
            .filter(|start| from + start < at);
        shown = format!("…{}", shown[start.unwrap_or(0)..].trim_start());
    }
    if end < text.len() {
        shown.push('…');
    }
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::query;

    fn why(fields: &[Field<'_>], text: &str) -> (String, String) {
        let query = query::parse(text, 0);
        explain(fields, &query, &mut Lexicon::new(&query, &[]))
    }

    #[test]
    fn the_reason_names_words_and_fields() {
        let fields = [
            Field::new("title", 1.0, "Discount codes counted once"),
            Field::new("narrative", 1.0, "The Invoice added the code twice."),
        ];
        assert_eq!(
            why(&fields, "discounted invoices zebra"),
            (
                "discounted in title; invoices in narrative".to_owned(),
                "The Invoice added the code twice.".to_owned()
            )
        );
    }

    #[test]
    fn a_snippet_is_cut_at_characters_and_stays_one_line() {
        let text = format!("{}\nneedle {}", "日本 ".repeat(200), "ü".repeat(400));
        let fields = [Field::new("narrative", 1.0, &text)];
        let (_, snippet) = why(&fields, "needle");
        assert!(
            snippet.contains("needle") && !snippet.contains('\n'),
            "{snippet}"
        );
        assert!(
            snippet.starts_with('…') && snippet.ends_with('…'),
            "{snippet}"
        );
        assert!(snippet.chars().count() <= SNIPPET_CHARS + 2);
    }
}
