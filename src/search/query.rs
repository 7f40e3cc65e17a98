//! From what a person typed to an FTS5 expression that cannot be a syntax
//! error: it is put together from quoted strings and three operators alone.

use std::collections::HashSet;

/// Words of a query that are looked at; a pasted page must not become a query
/// of thousands of terms.
const MAX_TERMS: usize = 48;

/// Longest word in characters; what is beyond says nothing more.
const MAX_WORD_CHARS: usize = 120;

/// Shortest last word that is also tried as the beginning of a longer one.
const PREFIX_CHARS: usize = 3;

/// Words that are in nearly every row and so tell none from another.
const STOPWORDS: &[&str] = &[
    "a", "about", "all", "an", "and", "any", "are", "as", "at", "be", "been", "but", "by", "can",
    "could", "did", "do", "does", "for", "from", "had", "has", "have", "how", "i", "if", "in",
    "into", "is", "it", "its", "me", "my", "no", "not", "of", "on", "or", "our", "should", "so",
    "that", "the", "their", "them", "then", "there", "these", "they", "this", "to", "was", "we",
    "were", "what", "when", "where", "which", "who", "why", "will", "with", "would", "you", "your",
];

/// A query that is ready to run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    expression: String,
    terms: Vec<String>,
}

impl Query {
    /// Whether there is nothing to look for.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// The FTS5 expression; not to be run when the query is empty.
    pub fn expression(&self) -> &str {
        &self.expression
    }

    /// What is looked for, in lower case: words, parts of identifiers, phrases.
    pub fn terms(&self) -> &[String] {
        &self.terms
    }
}

/// Understands any text. Words are joined by OR, so that a row with some of
/// them is found and one with all of them ranks first; `"a phrase"` stays
/// together, `-word` must not occur, and an identifier is looked for as a whole
/// and in its parts.
pub fn parse(text: &str) -> Query {
    let pieces = pieces(text);
    let (wanted, unwanted): (Vec<Piece>, Vec<Piece>) =
        pieces.into_iter().partition(|piece| !piece.negated);
    // With nothing wanted, "-x" can only be meant as text: a command's flag.
    let (wanted, unwanted) = if wanted.is_empty() {
        (unwanted, wanted)
    } else {
        (wanted, unwanted)
    };
    let mut positive = Terms::default();
    let telling = wanted
        .iter()
        .any(|piece| piece.phrase || !is_stopword(&piece.text));
    let last = wanted.len().saturating_sub(1);
    let open_end = text.ends_with(|c: char| c.is_alphanumeric());
    for (index, piece) in wanted.iter().enumerate() {
        if telling && !piece.phrase && is_stopword(&piece.text) {
            continue;
        }
        let prefix = index == last && open_end && !piece.phrase;
        positive.add(&piece.text, prefix);
        if !piece.phrase {
            for part in parts(&piece.text) {
                positive.add(&part, false);
            }
        }
    }
    let mut negative = Terms::default();
    for piece in &unwanted {
        negative.add(&piece.text, false);
    }
    let mut expression = positive.joined();
    if !expression.is_empty() && !negative.strings.is_empty() {
        expression = format!("({expression}) NOT ({})", negative.joined());
    }
    Query {
        expression,
        terms: positive.texts,
    }
}

/// Terms without doubles.
#[derive(Default)]
struct Terms {
    seen: HashSet<String>,
    texts: Vec<String>,
    strings: Vec<String>,
}

impl Terms {
    fn add(&mut self, text: &str, prefix: bool) {
        let text = text.to_lowercase();
        if self.strings.len() >= MAX_TERMS || !self.seen.insert(text.clone()) {
            return;
        }
        let long_enough = text.chars().count() >= PREFIX_CHARS;
        let star = if prefix && long_enough { "*" } else { "" };
        self.strings
            .push(format!("\"{}\"{star}", text.replace('"', "\"\"")));
        self.texts.push(text);
    }

    fn joined(&self) -> String {
        self.strings.join(" OR ")
    }
}

/// A word or phrase with at least one letter or digit.
struct Piece {
    text: String,
    phrase: bool,
    negated: bool,
}

fn pieces(text: &str) -> Vec<Piece> {
    let mut found = Vec::new();
    let mut rest = text;
    while found.len() < MAX_TERMS {
        rest = rest.trim_start_matches(is_gap);
        let after_sign = rest.strip_prefix('-').unwrap_or(rest);
        let negated = after_sign.len() < rest.len()
            && after_sign.starts_with(|c: char| c.is_alphanumeric() || is_quote(c));
        let body = if negated { after_sign } else { rest };
        let Some(first) = body.chars().next() else {
            break;
        };
        let quoted = is_quote(first)
            .then(|| &body[first.len_utf8()..])
            .and_then(|inside| Some((inside, inside.find(is_quote)?)));
        let (piece, phrase, used) = if let Some((inside, end)) = quoted {
            let closing = inside[end..].chars().next().map_or(0, char::len_utf8);
            (&inside[..end], true, first.len_utf8() + end + closing)
        } else {
            // A quote that nobody closes is a gap like any other.
            let skip = if is_quote(first) { first.len_utf8() } else { 0 };
            let word = &body[skip..];
            let end = word
                .find(|c| is_gap(c) || is_quote(c))
                .unwrap_or(word.len());
            (&word[..end], false, skip + end)
        };
        rest = &body[used..];
        let clean = clean(piece);
        if !clean.is_empty() {
            found.push(Piece {
                text: clean,
                phrase,
                negated,
            });
        }
    }
    found
}

fn is_gap(c: char) -> bool {
    c.is_whitespace() || c.is_control() || matches!(c, ',' | ';')
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '“' | '”' | '„' | '«' | '»')
}

/// Without control characters (a NUL would end the expression) and without
/// what stands around a word; empty if nothing can be looked for.
fn clean(piece: &str) -> String {
    piece
        .trim_matches(|c: char| !c.is_alphanumeric())
        .chars()
        .filter(|c| !c.is_control())
        .take(MAX_WORD_CHARS)
        .collect()
}

fn is_stopword(word: &str) -> bool {
    STOPWORDS
        .binary_search(&word.to_lowercase().as_str())
        .is_ok()
}

/// The parts of `camelCase`, `snake_case`, `kebab-case` and `a/path.rs`; none
/// for a plain word. A part of one character or a stopword tells nothing.
fn parts(word: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut part = String::new();
    let chars: Vec<char> = word.chars().collect();
    for (index, &c) in chars.iter().enumerate() {
        let before = index.checked_sub(1).map(|before| chars[before]);
        let after = chars.get(index + 1);
        let hump = before.is_some_and(|before| {
            (before.is_lowercase() && c.is_uppercase())
                // In HTTPServer the last capital begins the next word.
                || (before.is_uppercase()
                    && c.is_uppercase()
                    && after.is_some_and(|after| after.is_lowercase()))
        });
        if hump || !c.is_alphanumeric() {
            parts.push(std::mem::take(&mut part));
        }
        if c.is_alphanumeric() {
            part.push(c);
        }
    }
    parts.push(part);
    if parts.len() == 1 {
        return Vec::new();
    }
    parts.retain(|part| part.chars().count() > 1 && !is_stopword(part));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expression(text: &str) -> String {
        parse(text).expression
    }

    #[test]
    fn words_are_joined_by_or_and_the_last_one_may_go_on() {
        assert_eq!(
            expression("discount codes counted"),
            r#""discount" OR "codes" OR "counted"*"#
        );
        assert_eq!(expression("rates "), r#""rates""#);
        assert_eq!(expression("is"), r#""is""#);
        assert_eq!(
            expression("db"),
            r#""db""#,
            "two letters begin too many words"
        );
    }

    #[test]
    fn stopwords_go_unless_nothing_else_is_left() {
        assert_eq!(
            expression("why is the total too low?"),
            r#""total" OR "too" OR "low""#
        );
        assert_eq!(expression("what is it?"), r#""what" OR "is" OR "it""#);
        assert_eq!(expression("\"to be\" is"), r#""to be""#);
        assert!(STOPWORDS.is_sorted(), "they are searched by halves");
    }

    #[test]
    fn phrases_stay_together_and_unwanted_words_are_kept_out() {
        assert_eq!(
            expression("\"exchange rates\" sqlite -postgres -\"flat file\""),
            r#"("exchange rates" OR "sqlite") NOT ("postgres" OR "flat file")"#
        );
        assert_eq!(
            expression("“exchange rates” x "),
            r#""exchange rates" OR "x""#
        );
        assert_eq!(expression("an open\"end"), r#""open" OR "end"*"#);
        assert_eq!(expression("--json"), r#""json"*"#, "a flag is no exclusion");
        assert_eq!(expression("-v"), r#""v""#, "nothing wanted: it is text");
        assert_eq!(
            expression("exit-code "),
            r#""exit-code" OR "exit" OR "code""#
        );
    }

    #[test]
    fn identifiers_are_looked_for_whole_and_in_parts() {
        assert_eq!(
            expression("applyDiscountTwice."),
            r#""applydiscounttwice" OR "apply" OR "discount" OR "twice""#
        );
        assert_eq!(
            expression("billing/invoice_total.py "),
            r#""billing/invoice_total.py" OR "billing" OR "invoice" OR "total" OR "py""#
        );
        assert_eq!(parts("HTTPServer"), ["HTTP", "Server"]);
        assert_eq!(parts("plain"), [""; 0]);
        assert_eq!(expression("E0308 "), r#""e0308""#);
    }

    #[test]
    fn nothing_to_look_for_is_empty() {
        for text in ["", "   ", "\"\"", "- -- *", "\0", "()^:{}", "\"", "👍"] {
            assert!(parse(text).is_empty(), "{text:?} gave {:?}", parse(text));
            assert_eq!(expression(text), "");
        }
    }

    #[test]
    fn a_quote_inside_a_term_does_not_end_it() {
        let mut terms = Terms::default();
        terms.add("a\" OR \"b", true);
        assert_eq!(terms.joined(), r#""a"" or ""b"*"#);
    }

    #[test]
    fn a_page_of_text_makes_a_bounded_query() {
        let words: Vec<String> = (0..100_000).map(|index| format!("word{index}")).collect();
        let page = words.join(" ");
        assert_eq!(parse(&page).terms().len(), MAX_TERMS);
        assert!(parse(&"x".repeat(1 << 20)).expression.len() < 200);
    }
}
