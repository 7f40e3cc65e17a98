//! Turns Markdown, as assistants write it, into plain sentences that know
//! under which heading they stood.

use super::text;

/// Longest message that is read, in bytes; the middle of a longer one goes.
const MAX_MESSAGE: usize = 16_000;

/// One sentence of a message.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// The sentence without any markup.
    pub(super) text: String,
    /// The nearest heading above, lower case; empty before the first one.
    pub(super) heading: String,
    /// Which block of the message it belongs to.
    pub(super) block: usize,
    /// Whether the block is an item of a list or a row of a table.
    pub(super) item: bool,
}

/// Splits a message into sentences. Code blocks are left out.
pub(super) fn read(message: &str) -> Vec<Line> {
    let whole;
    let message = if message.len() > MAX_MESSAGE {
        whole = format!(
            "{}\n\n{}",
            text::head(message, MAX_MESSAGE / 2),
            text::tail(message, MAX_MESSAGE / 2)
        );
        &whole
    } else {
        message
    };
    let mut reader = Reader::default();
    for line in message.lines() {
        reader.line(line);
    }
    reader.flush();
    reader.out
}

#[derive(Default)]
struct Reader {
    out: Vec<Line>,
    heading: String,
    paragraph: String,
    item: bool,
    fence: Option<String>,
    block: usize,
}

impl Reader {
    fn line(&mut self, line: &str) {
        let trimmed = line.trim();
        if let Some(fence) = &self.fence {
            if trimmed.starts_with(fence.as_str()) {
                self.fence = None;
            }
            return;
        }
        if let Some(marker) = ["```", "~~~"].into_iter().find(|m| trimmed.starts_with(m)) {
            self.flush();
            self.fence = Some(marker.to_owned());
            return;
        }
        if trimmed.is_empty() || is_rule(trimmed) {
            self.flush();
            return;
        }
        let quoted = trimmed.trim_start_matches(['>', ' ']);
        if let Some(heading) = heading(quoted) {
            self.flush();
            self.heading = inline(&heading)
                .trim_end_matches([':', '：'])
                .to_lowercase();
            return;
        }
        if quoted.starts_with('|') {
            self.flush();
            self.table_row(quoted);
            return;
        }
        if let Some(item) = list_item(quoted) {
            self.flush();
            self.item = true;
            self.paragraph.push_str(item);
            return;
        }
        if !self.paragraph.is_empty() {
            self.paragraph.push(' ');
        }
        self.paragraph.push_str(quoted);
    }

    fn table_row(&mut self, row: &str) {
        let cells: Vec<String> = row
            .trim_matches('|')
            .split('|')
            .map(|cell| inline(cell).trim().to_owned())
            .filter(|cell| !cell.is_empty())
            .collect();
        let ruler = cells.iter().all(|c| c.chars().all(|c| "-: ".contains(c)));
        if ruler {
            // What stood above a ruler was the table's head, not a statement.
            if self
                .out
                .last()
                .is_some_and(|last| last.item && last.block + 1 == self.block)
            {
                self.out.pop();
            }
            return;
        }
        if cells.len() > 1 {
            let statement = format!("{}: {}", cells[0], cells[1..].join(", "));
            self.push(statement, true);
            self.block += 1;
        }
    }

    fn flush(&mut self) {
        let paragraph = std::mem::take(&mut self.paragraph);
        let item = std::mem::take(&mut self.item);
        if paragraph.is_empty() {
            return;
        }
        for sentence in sentences(&paragraph) {
            let plain = inline(&sentence);
            if plain.chars().any(char::is_alphanumeric) {
                self.push(plain, item);
            }
        }
        self.block += 1;
    }

    fn push(&mut self, text: String, item: bool) {
        self.out.push(Line {
            text,
            heading: self.heading.clone(),
            block: self.block,
            item,
        });
    }
}

fn is_rule(line: &str) -> bool {
    line.len() >= 3 && line.chars().all(|c| "-*_= ".contains(c))
}

/// A heading proper, or a line that is bold from end to end and used as one.
fn heading(line: &str) -> Option<String> {
    if line.starts_with('#') {
        let text = line.trim_start_matches('#');
        return text
            .starts_with([' ', '\t'])
            .then(|| text.trim().to_owned());
    }
    let inner = line.strip_prefix("**")?;
    let inner = inner.trim_end_matches([':', '：']);
    let inner = inner.strip_suffix("**")?;
    let short = text::word_count(inner) <= 6 && !inner.contains("**");
    let open = !inner.ends_with(['.', '!', '?', '。']);
    (short && open).then(|| inner.to_owned())
}

fn list_item(line: &str) -> Option<&str> {
    for marker in ["- ", "* ", "+ ", "• ", "– "] {
        if let Some(item) = line.strip_prefix(marker) {
            let item = item.trim_start();
            let boxed = ["[ ] ", "[x] ", "[X] "]
                .into_iter()
                .find_map(|mark| item.strip_prefix(mark));
            return Some(boxed.unwrap_or(item));
        }
    }
    let digits = line.chars().take_while(char::is_ascii_digit).count();
    if (1..=3).contains(&digits) {
        let rest = &line[digits..];
        let item = rest.strip_prefix(". ").or_else(|| rest.strip_prefix(") "));
        return item.map(str::trim_start);
    }
    None
}

/// Splits running text into sentences. Full stops in names, versions,
/// abbreviations and code spans end nothing.
pub(super) fn sentences(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut start = 0;
    let mut code = false;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c == '`' {
            code = !code && text[at + 1..].contains('`');
            continue;
        }
        if code {
            continue;
        }
        let ends = match c {
            '。' | '！' | '？' => true,
            '.' | '!' | '?' => is_sentence_end(text, start, at, c),
            _ => false,
        };
        if !ends {
            continue;
        }
        let mut end = at + c.len_utf8();
        while let Some(&(next, closing)) = chars.peek() {
            if !"\"')]*_”’»」』.!?".contains(closing) {
                break;
            }
            end = next + closing.len_utf8();
            chars.next();
        }
        push_sentence(&mut out, &text[start..end]);
        start = end;
    }
    push_sentence(&mut out, &text[start..]);
    out
}

fn push_sentence(out: &mut Vec<String>, sentence: &str) {
    let sentence = sentence.trim();
    if !sentence.is_empty() {
        out.push(text::squeeze(sentence));
    }
}

fn is_sentence_end(text: &str, start: usize, at: usize, mark: char) -> bool {
    let rest = text[at + 1..].trim_start_matches(['"', '\'', ')', ']', '*', '_', '”', '’', '»']);
    let Some(next) = rest.chars().next() else {
        return true;
    };
    if !next.is_whitespace() {
        return text::is_cjk(next);
    }
    let following = rest.trim_start();
    let Some(first) = following.chars().next() else {
        return true;
    };
    if mark != '.' {
        return true;
    }
    let word = text[start..at]
        .rsplit(|c: char| c.is_whitespace() || c == '(')
        .next()
        .unwrap_or("");
    let lower = word.to_lowercase();
    // "J. Doe" and "z. B.": a letter alone is short for something, but a small
    // one may also be a unit ("30 s."), unless another one follows.
    let single = word.chars().count() == 1;
    let dotted = following.chars().nth(1) == Some('.');
    let initial = single
        && (word.chars().all(char::is_uppercase)
            || (word.chars().all(char::is_alphabetic) && dotted));
    let number = !word.is_empty() && word.chars().all(|c| c.is_ascii_digit());
    if ABBREVIATIONS.contains(&lower.as_str()) || (initial && word != "I") {
        return false;
    }
    // "1. First" is a list number, while "in 2024. Then" ends a sentence.
    if number && word.len() <= 2 && text[start..at].trim() == word {
        return false;
    }
    if first.is_lowercase() {
        let next_word = following.split_whitespace().next().unwrap_or("");
        // People who write small begin sentences so as well; what is short for
        // something has few letters.
        let whole = word.chars().count() >= 4 && word.chars().all(char::is_alphabetic);
        return whole || text::is_code_word(next_word);
    }
    true
}

const ABBREVIATIONS: &[&str] = &[
    "e.g", "i.e", "etc", "vs", "cf", "ca", "approx", "dr", "mr", "mrs", "st", "fig", "resp", "z.b",
    "bzw", "d.h", "usw", "u.a", "nr", "ggf", "evtl", "p.ej", "incl", "max", "min", "spec", "impl",
    "conf", "temp", "orig", "prev", "misc",
];

/// Removes inline markup: emphasis, code marks, links, images, HTML tags and
/// pictographs. What stands in code spans stays as it is.
pub(super) fn inline(markdown: &str) -> String {
    let chars: Vec<char> = markdown.chars().collect();
    let mut out = String::with_capacity(markdown.len());
    let mut at = 0;
    while at < chars.len() {
        let c = chars[at];
        let next = chars.get(at + 1).copied();
        match c {
            '`' => at = code_span(&chars, at, &mut out),
            '!' if next == Some('[') => at += 1,
            '[' => at = link(&chars, at, &mut out),
            '*' if next == Some('*') => at += 2,
            '~' if next == Some('~') => at += 2,
            '*' | '_' if is_emphasis(&chars, at) => at += 1,
            '<' if is_tag(&chars, at) => {
                at += chars[at..]
                    .iter()
                    .position(|&c| c == '>')
                    .map_or(1, |n| n + 1);
            }
            c if is_pictograph(c) => at += 1,
            c => {
                out.push(c);
                at += 1;
            }
        }
    }
    text::squeeze(&out)
}

fn code_span(chars: &[char], at: usize, out: &mut String) -> usize {
    let ticks = chars[at..].iter().take_while(|&&c| c == '`').count();
    let body = at + ticks;
    match chars[body..].iter().position(|&c| c == '`') {
        Some(length) => {
            out.push(text::CODE);
            out.extend(&chars[body..body + length]);
            let close = body + length;
            close
                + chars[close..]
                    .iter()
                    .take_while(|&&c| c == '`')
                    .count()
                    .min(ticks)
        }
        None => body,
    }
}

fn link(chars: &[char], at: usize, out: &mut String) -> usize {
    // A link's text is short; without a bound a text of only brackets would
    // cost quadratic time.
    let window = &chars[at..chars.len().min(at + 300)];
    if let Some(close) = window.iter().position(|&c| c == ']')
        && window.get(close + 1) == Some(&'(')
        && let Some(end) = window[close..].iter().position(|&c| c == ')')
    {
        let label: String = window[1..close].iter().collect();
        out.push_str(&label.replace(['`', '*'], ""));
        return at + close + end + 1;
    }
    out.push('[');
    at + 1
}

/// `*word*` opens after a space and closes before one; `2 * 3`, `*.py`,
/// `snake_case` and `__init__` have no such mark.
fn is_emphasis(chars: &[char], at: usize) -> bool {
    let mark = chars[at];
    let word = |c: Option<&char>| c.is_some_and(|c| c.is_alphanumeric() || *c == '_');
    let before = word(at.checked_sub(1).and_then(|i| chars.get(i)));
    let after = word(chars.get(at + 1));
    let dunder = mark == '_' && (chars.get(at + 1) == Some(&'_') || at > 0 && chars[at - 1] == '_');
    if dunder {
        return false;
    }
    // Emphasis is short; without a bound, marks alone would cost quadratic time.
    if !before && after {
        return chars[at + 1..chars.len().min(at + 200)].contains(&mark);
    }
    before && !after && chars[at.saturating_sub(200)..at].contains(&mark)
}

fn is_tag(chars: &[char], at: usize) -> bool {
    let name: String = chars[at + 1..]
        .iter()
        .skip_while(|&&c| c == '/')
        .take(8)
        .take_while(|c| c.is_ascii_alphabetic())
        .collect();
    matches!(
        name.to_ascii_lowercase().as_str(),
        "br" | "b" | "i" | "em" | "strong" | "code" | "sub" | "sup" | "details" | "summary" | "kbd"
    )
}

fn is_pictograph(c: char) -> bool {
    matches!(c, '\u{1F000}'..='\u{1FAFF}' | '\u{2600}'..='\u{27BF}' | '\u{2B00}'..='\u{2BFF}' | '\u{FE00}'..='\u{FE0F}' | '\u{200D}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_survive_names_versions_and_abbreviations() {
        let text =
            "Updated config.py to 1.2.3 (e.g. for CI). It uses `a. B. c`. foo.rs is next. Done!";
        assert_eq!(
            sentences(text),
            [
                "Updated config.py to 1.2.3 (e.g. for CI).",
                "It uses `a. B. c`.",
                "foo.rs is next.",
                "Done!"
            ]
        );
        assert_eq!(
            sentences("已修复登录问题。测试全部通过！"),
            ["已修复登录问题。", "测试全部通过！"]
        );
    }

    #[test]
    fn markup_goes_and_code_stays() {
        assert_eq!(
            text::scrub(&inline(
                "✅ **Fixed** the [`parse_x`](src/a.rs) _bug_ in `snake_case` and *.py"
            )),
            "Fixed the parse_x bug in snake_case and *.py"
        );
        assert_eq!(
            inline("my_var_name * 2 and __init__.py"),
            "my_var_name * 2 and __init__.py"
        );
    }

    #[test]
    fn headings_lists_tables_and_code_blocks_are_understood() {
        let lines = read(
            "## Root cause\nThe lock was\nnever freed.\n\n```rust\nfn x() {}\n```\n**Next steps:**\n1. Add a test.\n- [ ] Ship it\n\n| file | change |\n|---|---|\n| a.rs | new lock |\n",
        );
        let seen: Vec<(&str, &str)> = lines
            .iter()
            .map(|l| (l.heading.as_str(), l.text.as_str()))
            .collect();
        assert_eq!(
            seen,
            [
                ("root cause", "The lock was never freed."),
                ("next steps", "Add a test."),
                ("next steps", "Ship it"),
                ("next steps", "a.rs: new lock"),
            ]
        );
    }
}
