//! Makes titles and statements out of sentences, prompts and commit messages.

use super::text::{self, capitalise, has, is_code_word, squeeze};
use super::words::{BREAKS, CONVENTIONAL, LABELS, LEADS, PAST, SMALL, VAGUE};

/// Longest title, in characters.
pub(super) const TITLE: usize = 90;
/// Longest fact, in characters.
pub(super) const FACT: usize = 220;

/// A title out of a sentence: without lead-in, short, capitalised, no full stop.
pub(super) fn title(sentence: &str) -> String {
    title_about(sentence, &[])
}

/// The same, where the names of functions in question are known.
pub(super) fn title_about(sentence: &str, functions: &[String]) -> String {
    let plain = strip_lead(&squeeze(
        &sentence.replace(['`', '\n'], " ").replace("**", ""),
    ));
    let short = shorten(without_check(&plain), TITLE);
    let bare = short.trim_end_matches(|c: char| ".:;,!。！； ".contains(c) || c == '-' || c == '—');
    let title = upper_first(bare, functions);
    text::clip(&title, TITLE)
}

/// Leaves out "…, and all tests pass", which is no news for long.
fn without_check(sentence: &str) -> &str {
    for mark in [", and ", ", und ", " and all ", ", all ", "，"] {
        if let Some((head, tail)) = sentence.rsplit_once(mark)
            && has(
                &tail.to_lowercase(),
                &["tests", "test suite", "测试", "build passes"],
            )
            && text::word_count(head) >= 3
        {
            return head;
        }
    }
    sentence
}

/// A fact out of a sentence.
pub(super) fn fact(sentence: &str) -> String {
    let plain = strip_lead(&squeeze(&sentence.replace('`', "")));
    let short = if plain.chars().count() > FACT {
        shorten(&plain, FACT)
    } else {
        plain
    };
    let bare = short.trim_end_matches(['.', ';', ',', ' ', '。']);
    capitalise_statement(bare)
}

/// Upper-case first letter, unless the first word is a name out of code, whose
/// own letters mean something.
fn upper_first(text: &str, functions: &[String]) -> String {
    let first = text.split_whitespace().next().unwrap_or("");
    let bare = first.trim_end_matches([',', ':']);
    let function = functions.iter().any(|f| f.rsplit('.').next() == Some(bare));
    if function || is_code_word(first) {
        return text.to_owned();
    }
    capitalise(text.trim_start_matches(|c: char| "\"'([{-–— ".contains(c)))
}

/// Upper-case first letter where the first word is no name out of code.
pub(super) fn capitalise_statement(text: &str) -> String {
    if is_code_word(text.split_whitespace().next().unwrap_or("")) {
        return text.to_owned();
    }
    capitalise(text)
}

/// A sentence of a message as part of a longer text. "No, it does not" keeps
/// its first word, as the rest says little alone.
pub(super) fn statement(sentence: &str) -> String {
    let plain = strip_lead(sentence);
    if super::roles::starts_with_pronoun(&plain.to_lowercase()) {
        return sentence.trim().to_owned();
    }
    capitalise_statement(&plain)
}

/// Beginnings without which a sentence would say the opposite, or nothing.
const NOT_DONE: &[&str] = &[
    "i have not",
    "i haven't",
    "i've not",
    "i did not",
    "i didn't",
    "we have not",
    "we haven't",
    "i could not",
    "i couldn't",
    "i cannot",
    "i can't",
];

/// Removes what a sentence begins with before it says anything.
pub(super) fn strip_lead(sentence: &str) -> String {
    let mut rest = sentence.trim();
    for _ in 0..4 {
        let before = rest;
        rest = strip_label(rest);
        let lower = rest.to_lowercase();
        for lead in LEADS {
            let long = rest.len() > lead.len() + 8;
            if lower.len() == rest.len()
                && lower.starts_with(lead)
                && long
                && !NOT_DONE.iter().any(|words| lower.starts_with(words))
            {
                rest = trim_marks(&rest[lead.len()..]);
                break;
            }
        }
        if rest == before {
            break;
        }
    }
    rest.to_owned()
}

/// Without the marks that stand after a lead-in. Those of a name, as in `.env`
/// and `--json`, stay.
fn trim_marks(text: &str) -> &str {
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let after = &rest[first.len_utf8()..];
        let mark = match first {
            ' ' | ',' | ':' | '—' | '–' | '!' => true,
            '.' | '-' => after.is_empty() || after.starts_with(' '),
            _ => false,
        };
        if !mark {
            break;
        }
        rest = after;
    }
    rest
}

/// Removes a label: "Root cause: …", "Fix — …", "The root cause: …".
fn strip_label(sentence: &str) -> &str {
    for separator in [": ", " — ", " – ", " - ", "：", "! ", ". "] {
        if let Some((label, rest)) = sentence.split_once(separator) {
            let label = label.trim().to_lowercase();
            let label = label.strip_prefix("the ").unwrap_or(&label);
            if LABELS.contains(&label) && rest.trim().chars().count() > 7 {
                return rest.trim();
            }
        }
    }
    sentence
}

/// A statement of at most `max` characters, cut where a clause ends.
pub(super) fn shorten(text: &str, max: usize) -> String {
    let mut short = text.trim().to_owned();
    if short.chars().count() > max {
        short = drop_asides(&short);
    }
    if let Some((clause, _)) = short.split_once("; ")
        && text::word_count(clause) >= 4
    {
        short = clause.to_owned();
    }
    if short.chars().count() <= max {
        return short;
    }
    let end = short
        .char_indices()
        .nth(max)
        .map_or(short.len(), |(i, _)| i);
    let floor = end / 4;
    let cut = BREAKS
        .iter()
        .filter_map(|mark| short[..end].rfind(mark))
        .filter(|at| *at >= floor && text::word_count(&short[..*at]) >= 4)
        .max();
    match cut {
        Some(at) => short[..at].to_owned(),
        None => trim_dangling(&text::clip(&short, max)),
    }
}

/// Removes text in brackets.
fn drop_asides(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find(" (") {
        let Some(close) = rest[open..].find(')') else {
            break;
        };
        out.push_str(&rest[..open]);
        rest = &rest[open + close + 1..];
    }
    out.push_str(rest);
    out
}

/// Takes away small words at a cut that want another word after them.
fn trim_dangling(clipped: &str) -> String {
    let mut words: Vec<&str> = clipped.trim_end_matches('…').split_whitespace().collect();
    while words.len() > 4
        && words
            .last()
            .is_some_and(|w| SMALL.contains(&w.to_lowercase().as_str()))
    {
        words.pop();
    }
    format!("{}…", words.join(" ").trim_end_matches([',', ';', ':']))
}

/// A commit's subject taken apart.
pub(super) struct Subject {
    /// The conventional type, such as `feat`.
    pub(super) kind: Option<String>,
    /// The part of the project, such as `report`.
    pub(super) scope: Option<String>,
    /// The subject without type, scope and ticket numbers.
    pub(super) text: String,
}

/// Reads `feat(report)!: add --json (#12)`.
pub(super) fn subject(raw: &str) -> Subject {
    let mut text = raw.trim();
    let (mut kind, mut part) = (None, None);
    if let Some((head, rest)) = text.split_once(": ") {
        let name = head.split(['(', '!']).next().unwrap_or(head).trim();
        let inner = head.split_once('(').and_then(|(_, s)| s.split_once(')'));
        let conventional = CONVENTIONAL.contains(&name.to_lowercase().as_str());
        // Many projects put a directory there: `net/http: reuse connections`.
        let scope = !head.contains(' ')
            && head
                .chars()
                .all(|c| c.is_alphanumeric() || "/_-.,()!*".contains(c))
            && head.chars().next().is_some_and(char::is_lowercase);
        if conventional {
            kind = Some(name.to_lowercase());
            part = inner.map(|(scope, _)| scope);
            text = rest;
        } else if scope && text::word_count(rest) >= 2 {
            part = Some(name);
            text = rest;
        }
    }
    let text = text.trim_start_matches(|c: char| !c.is_alphanumeric() && !"-/\"'`[@_.".contains(c));
    let text = match text.rsplit_once(" (#") {
        Some((head, tail))
            if tail
                .trim_end_matches(')')
                .chars()
                .all(|c| c.is_ascii_digit()) =>
        {
            head
        }
        _ => text,
    };
    Subject {
        kind,
        scope: part
            .filter(|p| p.len() <= 20 && !p.contains(['/', ',', '*']))
            .map(str::to_owned),
        text: squeeze(text),
    }
}

impl Subject {
    /// The subject as a title. The part of the project stands before a short one
    /// that does not name it: "Orders: pages start at 1".
    pub(super) fn title(&self) -> String {
        let words = text::key_words(&self.text);
        let unnamed = |scope: &&String| {
            let names = text::key_words(scope);
            let short = text::word_count(&self.text) <= 4;
            short && !names.is_empty() && names.iter().all(|name| !words.contains(name))
        };
        match self.scope.as_ref().filter(unnamed) {
            Some(scope) => title(&format!("{scope}: {}", self.text)),
            None => title(&self.text),
        }
    }
}

/// Whether a title says too little to be found again.
pub(super) fn is_vague(subject: &str) -> bool {
    let words: Vec<String> = text::key_words(subject)
        .into_iter()
        .filter(|word| !VAGUE.contains(&word.as_str()))
        .collect();
    words.is_empty()
        || (words.len() == 1
            && subject.split_whitespace().count() <= 2
            && !subject.chars().any(text::is_cjk))
}

/// An instruction as what was done: "add x" becomes "Added x".
pub(super) fn past(instruction: &str) -> String {
    let plain = instruction.trim();
    let mut words = plain.splitn(2, char::is_whitespace);
    let verb = words.next().unwrap_or("").to_lowercase();
    let rest = words.next().unwrap_or("").trim_start();
    match PAST.iter().find(|(present, _)| *present == verb) {
        Some((_, past)) if !rest.is_empty() => format!("{past} {rest}"),
        _ => capitalise_statement(plain),
    }
}

/// Whether a text begins with an instruction this module can put in the past.
pub(super) fn is_instruction(text: &str) -> bool {
    let verb = text.split_whitespace().next().unwrap_or("").to_lowercase();
    PAST.iter().any(|(present, _)| *present == verb)
}

/// Whether a text begins with a verb that tells a deed: "Added", "Fixed".
pub(super) fn is_deed(text: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or("");
    PAST.iter()
        .any(|(_, past)| past.split(' ').next() == Some(first))
}

/// Whether a statement asks something back or offers more work.
pub(super) fn is_offer(sentence: &str) -> bool {
    let trimmed = sentence.trim_end();
    let lower = sentence.to_lowercase();
    trimmed.ends_with(['?', '？'])
        || has(
            &lower,
            &[
                "let me know",
                "would you like",
                "do you want",
                "want me to",
                "if you'd like",
                "if you want me",
                "if you like",
                "shall i",
                "should i",
                "feel free",
                "happy to",
                "i can also",
                "i could also",
                "just say",
                "say the word",
                "tell me if",
                "sag bescheid",
                "soll ich",
                "wenn du möchtest",
                "falls du",
                "需要我",
                "要不要",
                "如果需要",
                "请告诉我",
                "avísame",
                "dis-moi",
                "if you prefer",
                "i can add",
                "ready for review",
                "ready when you are",
                "hope this helps",
            ],
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_short_sentences_of_a_person() {
        let cases = [
            (
                "I've added retry logic to the HTTP client.",
                "Added retry logic to the HTTP client",
            ),
            (
                "Root cause: the lock was never released.",
                "The lock was never released",
            ),
            (
                "parse_date now accepts ISO weeks.",
                "parse_date now accepts ISO weeks",
            ),
            (
                "Done. The **report** takes --json; text stays the default.",
                "The report takes --json",
            ),
            ("已修复登录超时的问题。", "已修复登录超时的问题"),
            (
                "Fixed: div(1, 0) returns None instead of raising.",
                "div(1, 0) returns None instead of raising",
            ),
            (
                "Note that .env holds a live token.",
                ".env holds a live token",
            ),
            (
                "I have not applied the plan.",
                "I have not applied the plan",
            ),
        ];
        for (sentence, expected) in cases {
            assert_eq!(title(sentence), expected);
        }
        let long = title(
            "The importer keeps a connection open for every file that it reads, which exhausts the pool after a hundred files and then blocks",
        );
        assert_eq!(
            long,
            "The importer keeps a connection open for every file that it reads"
        );
        assert!(title(&"wörter ".repeat(60)).chars().count() <= TITLE);
    }

    #[test]
    fn subjects_lose_types_scopes_and_ticket_numbers() {
        let feat = subject("feat(report)!: add --json output (#12)");
        assert_eq!(
            (feat.kind.as_deref(), feat.text.as_str()),
            (Some("feat"), "add --json output")
        );
        assert_eq!(
            subject("net/http: reuse idle connections").text,
            "reuse idle connections"
        );
        assert_eq!(subject("Note: keep this").text, "Note: keep this");
        let titles = [
            ("fix(orders): pages start at 1", "Orders: pages start at 1"),
            ("feat(export): export totals", "Export totals"),
            ("limiter: guard the map", "Limiter: guard the map"),
            ("net/http: reuse connections", "Reuse connections"),
        ];
        for (raw, expected) in titles {
            assert_eq!(subject(raw).title(), expected);
        }
        assert!(is_vague("wip") && is_vague("fix tests") && is_vague("address review comments"));
        assert!(!is_vague("Guard div by zero"));
    }

    #[test]
    fn instructions_become_deeds() {
        assert_eq!(past("add a --json flag"), "Added a --json flag");
        assert_eq!(past("the page is slow"), "The page is slow");
    }
}
