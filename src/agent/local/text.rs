//! Small operations on human text that every part of the extractor shares.

/// Stands before text that was marked as code, so that nothing capitalises it.
/// It has no width, and [`scrub`] removes it from everything that leaves.
pub(super) const CODE: char = '\u{2060}';

/// Removes the marks of code.
pub(super) fn scrub(text: &str) -> String {
    text.replace(CODE, "")
}

/// Whether any of the phrases occurs in the text, which must be lower case.
///
/// A phrase matches whole words only; a trailing `*` lets its last word go on
/// (`fix*` finds "fixed"). Scripts without spaces match anywhere.
pub(super) fn has(lower: &str, phrases: &[&str]) -> bool {
    find(lower, phrases).is_some()
}

/// Byte position of the first of the phrases that occurs, and its length.
pub(super) fn find(lower: &str, phrases: &[&str]) -> Option<(usize, usize)> {
    let pairs = Pairs::of(lower);
    phrases
        .iter()
        .filter(|phrase| pairs.may_hold(phrase.as_bytes()))
        .find_map(|phrase| find_one(lower, phrase))
}

/// Whether any of the parts occurs in the text, as it stands.
pub(super) fn contains_any(text: &str, parts: &[&str]) -> bool {
    let pairs = Pairs::of(text);
    parts
        .iter()
        .any(|part| pairs.may_hold(part.as_bytes()) && text.contains(part))
}

/// Which pairs of neighbouring bytes a text has, roughly. Most phrases of the
/// long word lists are ruled out by their first pair, without a search.
struct Pairs([u64; 64]);

impl Pairs {
    fn of(text: &str) -> Self {
        let mut bits = [0u64; 64];
        for pair in text.as_bytes().windows(2) {
            let at = Self::place(pair[0], pair[1]);
            bits[at / 64] |= 1 << (at % 64);
        }
        Self(bits)
    }

    fn place(a: u8, b: u8) -> usize {
        (usize::from(a) * 67 + usize::from(b)) & 4095
    }

    fn may_hold(&self, phrase: &[u8]) -> bool {
        let has = |a: u8, b: u8| {
            let at = Self::place(a, b);
            self.0[at / 64] & (1 << (at % 64)) != 0
        };
        match phrase {
            [a, b, c, ..] if *c != b'*' => has(*a, *b) && has(*b, *c),
            [a, b, ..] if *b != b'*' => has(*a, *b),
            _ => true,
        }
    }
}

fn find_one(lower: &str, phrase: &str) -> Option<(usize, usize)> {
    let (needle, open) = phrase
        .strip_suffix('*')
        .map_or((phrase, false), |stem| (stem, true));
    let starts_word = needle.chars().next().is_some_and(is_spaced_letter);
    let ends_word = needle.chars().next_back().is_some_and(is_spaced_letter);
    lower.match_indices(needle).find_map(|(at, _)| {
        let before = lower[..at].chars().next_back();
        let after = lower[at + needle.len()..].chars().next();
        let left = !starts_word || !before.is_some_and(is_spaced_letter);
        let right = open || !ends_word || !after.is_some_and(is_spaced_letter);
        (left && right).then_some((at, needle.len()))
    })
}

/// Letters of scripts that put spaces between words.
fn is_spaced_letter(c: char) -> bool {
    c.is_alphanumeric() && !is_cjk(c)
}

/// Chinese, Japanese and Korean characters, where a character weighs about as
/// much as a short word.
pub(super) fn is_cjk(c: char) -> bool {
    matches!(c, '\u{2E80}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7AF}' | '\u{F900}'..='\u{FAFF}' | '\u{FF00}'..='\u{FFEF}')
}

/// How much a text says, in words. Two CJK characters count as one word.
pub(super) fn word_count(text: &str) -> usize {
    let cjk = text.chars().filter(|&c| is_cjk(c)).count();
    let spaced = text
        .split(|c: char| c.is_whitespace() || is_cjk(c))
        .filter(|w| w.chars().any(char::is_alphanumeric))
        .count();
    spaced + cjk / 2
}

/// One line, single spaces.
pub(super) fn squeeze(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// The first `max` bytes at most, cut between characters.
pub(super) fn head(text: &str, max: usize) -> &str {
    if text.len() <= max {
        return text;
    }
    let mut end = max;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// The last `max` bytes at most, cut between characters.
pub(super) fn tail(text: &str, max: usize) -> &str {
    if text.len() <= max {
        return text;
    }
    let mut start = text.len() - max;
    while !text.is_char_boundary(start) {
        start += 1;
    }
    &text[start..]
}

/// At most `max` characters, cut between words, with an ellipsis where
/// something is missing.
pub(super) fn clip(text: &str, max: usize) -> String {
    let text = text.trim();
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let room = max.saturating_sub(1);
    let end = text.char_indices().nth(room).map_or(text.len(), |(i, _)| i);
    let cut = &text[..end];
    let whole = match cut.rfind(char::is_whitespace) {
        Some(space) if space * 3 > cut.len() * 2 => &cut[..space],
        _ => cut,
    };
    let whole = whole.trim_end_matches(|c: char| c.is_whitespace() || ",;:-–—(".contains(c));
    format!("{whole}…")
}

/// First letter in upper case.
pub(super) fn capitalise(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) if first.is_lowercase() => first.to_uppercase().chain(chars).collect(),
        _ => text.to_owned(),
    }
}

/// First letter in lower case, unless the word is a name or an abbreviation.
pub(super) fn uncapitalise(text: &str) -> String {
    let mut chars = text.chars();
    let (Some(first), second) = (chars.next(), chars.next()) else {
        return text.to_owned();
    };
    let plain = second.is_none_or(|c| c.is_lowercase() || c == ' ' || c == '\'');
    if !first.is_uppercase() || !plain || is_code_word(text.split(' ').next().unwrap_or("")) {
        return text.to_owned();
    }
    if text.starts_with("I ") || text.starts_with("I'") {
        return text.to_owned();
    }
    first.to_lowercase().chain(text.chars().skip(1)).collect()
}

/// Whether a word is a name out of code: a path, a flag, `snake_case`,
/// `camelCase`, a call or a dotted name.
pub(super) fn is_code_word(word: &str) -> bool {
    if word.starts_with(CODE) {
        return true;
    }
    let word = word.trim_matches(|c: char| ",;:!?\"'`".contains(c));
    let word = word.strip_suffix('.').unwrap_or(word);
    if word.chars().count() < 2 || !word.chars().any(char::is_alphanumeric) {
        return false;
    }
    let inner_upper = word
        .chars()
        .zip(word.chars().skip(1))
        .any(|(a, b)| a.is_lowercase() && b.is_uppercase());
    let dotted = word
        .split('.')
        .collect::<Vec<_>>()
        .windows(2)
        .any(|pair| !pair[0].is_empty() && pair[1].starts_with(|c: char| c.is_alphanumeric()))
        && !matches!(word, "e.g" | "i.e" | "z.B" | "d.h");
    let slash = word.matches('/').count() > 1 || (word.contains('/') && dotted);
    // `div(1,` is the head of a call; "file(s)" is prose.
    let called = word.split_once('(').is_some_and(|(name, rest)| {
        let plain = |c: char| c.is_alphanumeric() || "_.:".contains(c);
        !name.is_empty() && !rest.starts_with("s)") && name.chars().all(plain)
    });
    inner_upper
        || called
        || dotted
        || slash
        || word.contains('_')
        || word.contains("::")
        || word.contains("()")
        || word.starts_with("--")
        || (word.starts_with('.') && !word.starts_with(".."))
        || word.starts_with('/')
}

/// Whether a text names something particular: code, a number, an upper-case name.
pub(super) fn is_specific(text: &str) -> bool {
    text.split_whitespace().enumerate().any(|(i, word)| {
        is_code_word(word)
            || word.chars().any(|c| c.is_ascii_digit())
            || (i > 0 && word.starts_with(|c: char| c.is_uppercase()) && word != "I")
    })
}

/// The words that carry a text's meaning, folded, for comparing statements.
pub(super) fn key_words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text
        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|w| !w.is_empty())
    {
        let lower = word.to_lowercase();
        if lower.chars().any(is_cjk) {
            let chars: Vec<char> = lower.chars().collect();
            words.extend(chars.windows(2).map(|pair| pair.iter().collect()));
        } else if !STOP_WORDS.contains(&lower.as_str()) {
            words.push(stem(&lower).to_owned());
        }
    }
    words.sort_unstable();
    words.dedup();
    words
}

fn stem(word: &str) -> &str {
    let cut = ["ing", "ed", "es", "s", "e"]
        .into_iter()
        .find_map(|end| word.strip_suffix(end).filter(|rest| rest.len() >= 3));
    cut.unwrap_or(word)
}

/// Share of the smaller text's meaning that the other one holds as well, from
/// 0 to 1.
pub(super) fn overlap(a: &str, b: &str) -> f64 {
    let (a, b) = (key_words(a), key_words(b));
    let smaller = a.len().min(b.len());
    if smaller == 0 {
        return 0.0;
    }
    let common = a
        .iter()
        .filter(|word| b.binary_search(word).is_ok())
        .count();
    ratio(common, smaller)
}

/// Whether two statements say the same: most of their meaning is common.
pub(in crate::agent) fn same_statement(a: &str, b: &str) -> bool {
    let (left, right) = (key_words(a), key_words(b));
    let larger = left.len().max(right.len());
    if larger == 0 {
        return a.trim().eq_ignore_ascii_case(b.trim());
    }
    let common = left
        .iter()
        .filter(|word| right.binary_search(word).is_ok())
        .count();
    ratio(common, larger) >= 0.75
}

fn ratio(part: usize, whole: usize) -> f64 {
    let part = u32::try_from(part).unwrap_or(u32::MAX);
    let whole = u32::try_from(whole).unwrap_or(u32::MAX);
    f64::from(part) / f64::from(whole)
}

/// Ends a statement with a full stop, unless it has an end already.
pub(super) fn full_stop(text: &str) -> String {
    let text = text.trim();
    match text.chars().next_back() {
        None => String::new(),
        Some('.' | '!' | '?' | '…' | '。' | '！' | '？') => text.to_owned(),
        Some(c) if is_cjk(c) => format!("{text}。"),
        Some(':' | ';' | ',') => format!("{}.", text.trim_end_matches([':', ';', ','])),
        Some(_) => format!("{text}."),
    }
}

/// Statements as running text.
pub(super) fn paragraph<S: AsRef<str>>(sentences: &[S]) -> String {
    let mut out = String::new();
    for sentence in sentences {
        let sentence = full_stop(sentence.as_ref());
        if sentence.is_empty() {
            continue;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(&sentence);
    }
    out
}

/// "a, b and c"; beyond `max` items the rest is counted.
pub(super) fn listing<S: AsRef<str>>(items: &[S], max: usize) -> String {
    let shown: Vec<&str> = items.iter().take(max).map(AsRef::as_ref).collect();
    let more = items.len().saturating_sub(max);
    if more > 0 {
        return format!("{} and {more} more", shown.join(", "));
    }
    match shown.split_last() {
        None => String::new(),
        Some((only, [])) => (*only).to_owned(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

/// "1 test", "3 tests".
pub(super) fn counted(n: u64, noun: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{n} {noun}{plural}")
}

const STOP_WORDS: &[&str] = &[
    "a", "an", "the", "is", "are", "was", "were", "be", "been", "it", "its", "this", "that", "to",
    "of", "in", "on", "at", "for", "with", "and", "or", "by", "as", "from", "now", "so", "has",
    "have", "had", "i", "we", "you", "not", "no", "der", "die", "das", "und", "ist", "ein", "eine",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_match_whole_words() {
        assert!(has("we fixed it", &["fix*"]));
        assert!(!has("a prefix here", &["fix*"]));
        assert!(!has("fixture data", &["fix"]));
        assert!(has("已修复登录", &["修复"]));
        assert!(has("the cause: because of x", &["because"]));
    }

    #[test]
    fn clipping_never_splits_a_character() {
        let text = "äöü".repeat(60);
        for max in 0..30 {
            assert!(clip(&text, max).chars().count() <= max.max(1));
        }
        assert_eq!(clip("one two three four", 14), "one two three…");
        assert_eq!(head("ää", 3), "ä");
        assert_eq!(tail("ää", 3), "ä");
    }

    #[test]
    fn code_words_are_recognised() {
        for word in [
            "src/a.rs",
            "apply_discount",
            "parseDate",
            "foo()",
            "--json",
            "std::fs",
            "a.py.",
            "div(1,",
        ] {
            assert!(is_code_word(word), "{word}");
        }
        for word in [
            "word",
            "and/or",
            "e.g.",
            "end.",
            "I",
            "file(s)",
            "(re)start",
        ] {
            assert!(!is_code_word(word), "{word}");
        }
    }

    #[test]
    fn statements_are_compared_by_meaning() {
        assert!(same_statement(
            "Added --json to the report",
            "Add --json to report"
        ));
        assert!(!same_statement(
            "Added --json to the report",
            "Added retries to the client"
        ));
        assert_eq!(listing(&["a", "b", "c"], 5), "a, b and c");
        assert_eq!(listing(&["a", "b", "c"], 2), "a, b and 1 more");
    }
}
