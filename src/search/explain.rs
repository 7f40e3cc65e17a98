//! Why a row was found: which words stand in which field, and the text around
//! the first of them.

/// Characters of a snippet.
const SNIPPET_CHARS: usize = 160;

/// Words that the reason names; more would not be read.
const MAX_WORDS: usize = 6;

/// A named text of a row.
#[derive(Debug)]
pub(super) struct Field {
    name: &'static str,
    text: String,
}

impl Field {
    pub(super) fn new(name: &'static str, text: &str) -> Self {
        Self {
            name,
            text: text.to_owned(),
        }
    }
}

/// The reason in words ("discount, code in title; invoice in files modified")
/// and a snippet. The index stems words, so a word counts as found where one of
/// the same beginning stands.
pub(super) fn explain(fields: &[Field], terms: &[String]) -> (String, String) {
    let mut left: Vec<&String> = terms.iter().collect();
    let mut reasons = Vec::new();
    let mut snippet = None;
    for field in fields {
        let text = lower(&field.text);
        let mut here = Vec::new();
        left.retain(|term| match find(&text, term) {
            Some(offset) => {
                here.push(((*term).clone(), offset));
                false
            }
            None => true,
        });
        if here.is_empty() {
            continue;
        }
        let first = here.iter().map(|(_, offset)| *offset).min().unwrap_or(0);
        // The title is shown anyway: a snippet from elsewhere tells more.
        if snippet.is_none() || snippet.as_ref().is_some_and(|(name, _)| *name == "title") {
            snippet = Some((field.name, window(&field.text, first)));
        }
        let words: Vec<String> = here
            .into_iter()
            .map(|(term, _)| term)
            .take(MAX_WORDS)
            .collect();
        reasons.push(format!("{} in {}", words.join(", "), field.name));
    }
    (
        reasons.join("; "),
        snippet.map(|(_, text)| text).unwrap_or_default(),
    )
}

/// Lower case with the character count kept, so that offsets in characters hold
/// in both texts.
fn lower(text: &str) -> Vec<char> {
    text.chars()
        .map(|c| c.to_lowercase().next().unwrap_or(c))
        .collect()
}

/// Where the term stands, as an offset in characters. A word may differ at its
/// end, as far as a stemmer would cut; a phrase must stand as it is.
fn find(text: &[char], term: &str) -> Option<usize> {
    let term: Vec<char> = term.chars().collect();
    let words: Vec<&[char]> = term
        .split(|c| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let first = words.first()?;
    let mut tokens = tokens(text).peekable();
    while let Some((offset, token)) = tokens.next() {
        if !same_word(token, first) {
            continue;
        }
        let mut following = tokens.clone();
        if words[1..].iter().all(|word| {
            following
                .next()
                .is_some_and(|(_, next)| same_word(next, word))
        }) {
            return Some(offset);
        }
    }
    None
}

fn tokens(text: &[char]) -> impl Iterator<Item = (usize, &[char])> + Clone {
    let mut position = 0;
    text.split(|c| !c.is_alphanumeric())
        .filter_map(move |token| {
            let offset = position;
            position += token.len() + 1;
            (!token.is_empty()).then_some((offset, token))
        })
}

fn same_word(token: &[char], word: &[char]) -> bool {
    let common = token
        .iter()
        .zip(word)
        .take_while(|(left, right)| left == right)
        .count();
    if common == word.len() {
        // The query's last word may be the beginning of a longer one.
        return common == token.len() || common >= 3;
    }
    common >= 3 && word.len() - common <= 3 && token.len() - common <= 3
}

/// About [`SNIPPET_CHARS`] characters around an offset, in one line.
fn window(text: &str, offset: usize) -> String {
    let from = offset.saturating_sub(SNIPPET_CHARS / 3);
    let mut shown: String = text.chars().skip(from).take(SNIPPET_CHARS).collect();
    if from > 0 {
        // Not from the middle of a word.
        let start = shown.find(char::is_whitespace).unwrap_or(0);
        shown = format!("…{}", shown[start..].trim_start());
    }
    if text.chars().nth(from + SNIPPET_CHARS).is_some() {
        shown.push('…');
    }
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn the_reason_names_words_and_fields() {
        let fields = [
            Field::new("title", "Discount codes counted once"),
            Field::new("narrative", "The Invoice added the code twice."),
        ];
        assert_eq!(
            explain(&fields, &terms(&["discounted", "invoices", "zebra"])),
            (
                "discounted in title; invoices in narrative".to_owned(),
                "The Invoice added the code twice.".to_owned()
            )
        );
    }

    #[test]
    fn phrases_and_paths_are_found_across_punctuation() {
        let text = lower("see billing/invoice.py, ok");
        assert_eq!(find(&text, "billing/invoice.py"), Some(4));
        assert_eq!(find(&text, "invoice billing"), None);
        assert_eq!(find(&text, "..."), None);
    }

    #[test]
    fn a_snippet_is_cut_at_characters_and_stays_one_line() {
        let text = format!("{}\nneedle {}", "日本 ".repeat(200), "ü".repeat(400));
        let fields = [Field::new("narrative", &text)];
        let (_, snippet) = explain(&fields, &terms(&["needle"]));
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
