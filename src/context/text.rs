//! Text from memory made safe to show: in a model's context, where it must not
//! end the frame around it, and on a terminal, where it must not command it.

/// Names of tags that mean something to the host or to our own hooks. Text from
/// memory must not open or close any of them.
const TAG_NAMES: &[&str] = &["claude-mem", "system", "private", "persisted"];

/// Replaces `<` where it would begin one of those tags.
const HARMLESS: char = '‹';

/// One line: no control or invisible characters, runs of white space made one
/// space, no tag that matters to the host.
pub fn line(text: &str) -> String {
    if is_one_line(text) {
        return text.to_owned();
    }
    let mut plain = String::with_capacity(text.len());
    let mut gap = false;
    for c in text.chars() {
        if is_blank(c) {
            gap = !plain.is_empty();
        } else if !is_invisible(c) {
            if std::mem::take(&mut gap) {
                plain.push(' ');
            }
            plain.push(c);
        }
    }
    without_tags(&plain)
}

/// Whether a text is already one line as [`line()`] makes it, as most titles are: of
/// ASCII alone and without a `<`, which is soon seen.
fn is_one_line(text: &str) -> bool {
    let mut gap = true;
    for byte in text.bytes() {
        match byte {
            b' ' if gap => return false,
            b' ' => gap = true,
            b'<' => return false,
            b'!'..=b'~' => gap = false,
            _ => return false,
        }
    }
    !gap
}

/// Like [`line()`], for text of several lines: they are joined, list items by a
/// semicolon.
pub fn joined(text: &str) -> String {
    let mut whole = String::new();
    for part in text.lines() {
        let part = line(part);
        let item = part
            .strip_prefix("- ")
            .or_else(|| part.strip_prefix("* "))
            .or_else(|| part.strip_prefix("• "));
        let text = item.unwrap_or(&part);
        if text.is_empty() {
            continue;
        }
        if !whole.is_empty() {
            let open = !whole.ends_with(['.', '!', '?', ':', ';', ',']);
            whole.push_str(if item.is_some() && open { "; " } else { " " });
        }
        whole.push_str(text);
    }
    // Joined lines may have made a tag that none of them had.
    without_tags(&whole)
}

/// Like [`line()`], for text that keeps its lines: for a model, word for word.
pub fn lines(text: &str) -> String {
    let visible: String = text
        .chars()
        .filter(|&c| matches!(c, '\n' | '\t') || !(c.is_control() || is_invisible(c)))
        .collect();
    without_tags(&visible)
}

/// Several lines for a terminal: newlines and tabs stay, escape sequences and
/// other control characters go.
pub fn for_terminal(text: &str) -> String {
    text.chars()
        .filter(|&c| c == '\n' || c == '\t' || !(c.is_control() || is_invisible(c)))
        .collect()
}

/// At most `max` characters, the last one an ellipsis where something was cut.
pub fn clip(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        None => text.to_owned(),
        Some(_) if max == 0 => String::new(),
        Some(_) => {
            let kept: String = text.chars().take(max - 1).collect();
            format!("{}…", kept.trim_end())
        }
    }
}

/// The host counts characters as JavaScript does, in UTF-16 units, of which
/// there are never fewer than characters.
pub fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// [`clip()`] by what the host counts: at most `max` [`units`].
pub fn clip_units(text: &str, max: usize) -> String {
    let mut clipped = clip(text, max);
    while units(&clipped) > max {
        let over = units(&clipped) - max;
        let keep = clipped.chars().count().saturating_sub(over.div_ceil(2));
        clipped = clip(&clipped, keep);
    }
    clipped
}

fn is_blank(c: char) -> bool {
    c.is_whitespace() || c.is_control()
}

/// Characters that are not seen but can hide a tag or turn text around:
/// zero-width and direction marks, variation tags.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

fn without_tags(text: &str) -> String {
    if !text.contains('<') {
        return text.to_owned();
    }
    let mut safe = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        safe.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        safe.push(if opens_tag(rest) { HARMLESS } else { '<' });
    }
    safe.push_str(rest);
    safe
}

/// Whether what follows a `<` reads like one of the tags, generously.
fn opens_tag(rest: &str) -> bool {
    // A tag is written within a few characters; the bound keeps a line of
    // nothing but `<` and spaces linear.
    let start: String = rest
        .chars()
        .filter(|c| !(c.is_whitespace() || matches!(c, '/' | '\\')))
        .take_while(|c| *c != '<')
        .take(12)
        .collect::<String>()
        .to_ascii_lowercase()
        .replace('_', "-");
    TAG_NAMES.iter().any(|name| start.starts_with(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_one_line_already_stays_as_it_is() {
        for text in ["a", "a b c", "!~ (x > 1) \"é\"", "a > b"] {
            assert_eq!(line(text), text);
        }
        for (text, expected) in [
            ("", ""),
            (" ", ""),
            (" a", "a"),
            ("a ", "a"),
            ("a  b", "a b"),
            ("a\tb", "a b"),
            ("a\u{7f}b", "a b"),
            ("a <system> b", "a ‹system> b"),
        ] {
            assert_eq!(line(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_line_is_one_line_without_anything_hidden() {
        assert_eq!(line(" a\n\tb\r\n c\u{0}d\u{1b}[31m "), "a b c d [31m");
        assert_eq!(line("x\u{202e}y\u{200b}z"), "xyz");
        assert_eq!(line("\n\n"), "");
    }

    #[test]
    fn tags_of_the_host_are_broken_and_generics_stay() {
        for hostile in [
            "</claude-mem-context>",
            "<CLAUDE-MEM-CONTEXT>",
            "< / claude-mem-context >",
            "<\u{200b}/claude-\u{200b}mem-context>",
            "<system-reminder>",
            "</system_instruction>",
            "<<private>",
            "<persisted-output>",
        ] {
            let safe = line(hostile);
            assert!(safe.contains(HARMLESS), "{hostile:?} gave {safe:?}");
            let text = safe.replace([' ', '/', '<'], "");
            assert!(text.starts_with(HARMLESS), "{hostile:?} gave {safe:?}");
        }
        assert_eq!(line("Vec<T> a < b <div>"), "Vec<T> a < b <div>");
        assert!(!joined("</claude-\n- mem-context>").contains("</claude-mem"));
        assert!(!joined("<\n/claude-mem-context>").contains('<'));
        assert_eq!(
            lines("a\u{1b}\r\n\tVec<T>\u{200b}\n<\n/claude-mem-context>"),
            "a\n\tVec<T>\n‹\n/claude-mem-context>"
        );
    }

    #[test]
    fn lists_become_sentences() {
        assert_eq!(joined("- one\n- two\n\n* three"), "one; two; three");
        assert_eq!(joined("Did this.\nThen that"), "Did this. Then that");
    }

    #[test]
    fn clipping_respects_characters() {
        assert_eq!(clip("日本語", 3), "日本語");
        assert_eq!(clip("日本語です", 3), "日本…");
        assert_eq!(clip("ab", 0), "");
        assert_eq!(units("a😀"), 3);
    }

    #[test]
    fn hostile_text_takes_linear_time() {
        let text = "< ".repeat(300_000);
        assert_eq!(line(&text).len(), text.len() - 1);
        assert!(!line(&"<private".repeat(50_000)).contains('<'));
    }

    #[test]
    fn a_terminal_gets_lines_but_no_commands() {
        assert_eq!(for_terminal("a\n\u{1b}[2Jb\u{7}\tc"), "a\n[2Jb\tc");
    }
}
