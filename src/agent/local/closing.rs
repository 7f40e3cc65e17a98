//! Understands the assistant's closing message: which sentences tell a cause,
//! a deed, a choice, a warning, something left to do, or nothing at all.

use super::markdown;
use super::phrasing::{is_deed, is_instruction, strip_lead};
pub(super) use super::roles::Role;
use super::roles::{is_dead_end, is_enumeration, is_hedged, role, starts_with_pronoun};
use super::text::{CODE, capitalise, has, is_code_word, is_specific, word_count};
use super::words::{BEFORE, HEAD_VERDICT, NEXT, NOW, VERIFIED};

/// One sentence with its role.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub(super) text: String,
    pub(super) role: Role,
    /// Whether the assistant itself is not sure.
    pub(super) hedged: bool,
    pub(super) item: bool,
    /// Whether it stands under a heading such as "Conclusion".
    pub(super) verdict: bool,
    pub(super) block: usize,
}

/// A closing message.
#[derive(Debug, Clone, Default)]
pub(super) struct Closing {
    pub(super) said: Vec<Said>,
    /// The text of an API error that ended the turn.
    pub(super) api_error: Option<String>,
    /// Whether a subagent said it, for want of a message of the turn's own.
    pub(super) borrowed: bool,
}

/// Reads a message. `failed` says that it is an error's text.
pub(super) fn read(message: Option<&str>, failed: bool) -> Closing {
    let Some(message) = message.map(str::trim).filter(|m| !m.is_empty()) else {
        return Closing::default();
    };
    if failed || message.starts_with("API Error") {
        let first = message.lines().next().unwrap_or("");
        return Closing {
            api_error: Some(super::text::clip(first, 160)),
            ..Closing::default()
        };
    }
    let mut said: Vec<Said> = Vec::new();
    let mut intro: Option<(usize, String)> = None;
    for line in markdown::read(message) {
        // "Next steps:" in a paragraph of its own heads the list under it.
        if let Some((block, text)) = &intro
            && (!line.item || line.block > block + 40)
            && !text.is_empty()
        {
            intro = None;
        }
        let heading = intro
            .as_ref()
            .map_or(line.heading.as_str(), |(_, text)| text.as_str());
        if !line.item && line.text.ends_with([':', '：']) {
            let plain = line.text.trim_end_matches([':', '：']);
            intro = Some((line.block, plain.to_lowercase()));
            // "Check production before deploying:" says it all before its code.
            if word_count(plain) >= 5 && role(plain, "") == Role::Next {
                let whole = markdown::Line {
                    text: plain.to_owned(),
                    ..line.clone()
                };
                judge(&whole, &line.heading, &mut said);
            }
            continue;
        }
        judge(&line, heading, &mut said);
    }
    Closing {
        said,
        ..Closing::default()
    }
}

/// Adds a line's sentences with their roles.
fn judge(line: &markdown::Line, heading: &str, said: &mut Vec<Said>) {
    for text in clauses(&line.text) {
        let mut role = role(&text, heading);
        // "X is 30 s too; set it to 40 s" gives advice.
        if advises(&text) && matches!(role, Role::Statement | Role::Warning | Role::Cause) {
            role = Role::Next;
        }
        // An aside about what is left also warns of how things are.
        let warning = before_aside(&text).filter(|_| role == Role::Next);
        let base = Said {
            hedged: is_hedged(&text),
            text,
            role,
            item: line.item,
            verdict: has(heading, HEAD_VERDICT),
            block: line.block,
        };
        said.extend(warning.map(|text| Said {
            text,
            role: Role::Warning,
            ..base.clone()
        }));
        said.push(base);
    }
}

/// Parts of a sentence that have to be judged apart: a given-up guess and the
/// real cause, a deed and what is left to do.
fn clauses(sentence: &str) -> Vec<String> {
    let lower = sentence.to_lowercase();
    if lower.len() == sentence.len() && is_dead_end(&lower) {
        for mark in [
            ", but the ",
            "; the ",
            " - the ",
            " — the ",
            ". the ",
            ", the real",
            ", the actual",
            "; it was",
            ", it was",
        ] {
            if let Some(at) = lower.find(mark)
                && has(
                    &lower[at..],
                    &["actual", "actually", "real", "really", "true", "it was"],
                )
            {
                let tail = sentence[at..].trim_start_matches([',', ';', '-', '—', ' ', '.']);
                let tail = tail.strip_prefix("but ").unwrap_or(tail);
                return vec![sentence[..at].to_owned(), capitalise(tail)];
            }
        }
    }
    if let Some((before, after)) = then_and_now(sentence) {
        return vec![before, after];
    }
    if let Some((first, second)) = sentence.split_once("; ") {
        let open = second.to_lowercase();
        if has(&open, NEXT) && !starts_with_pronoun(&open) {
            return vec![first.to_owned(), capitalise(second)];
        }
    }
    vec![sentence.to_owned()]
}

/// "parse kept the last row and now skips it" tells how it was and how it is.
fn then_and_now(sentence: &str) -> Option<(String, String)> {
    let plain = strip_lead(sentence);
    let name = plain.split_whitespace().next()?;
    if !is_code_word(name) || name.ends_with([',', ':']) {
        return None;
    }
    let (before, after) = [", and now ", " and now ", ", now ", "; now "]
        .iter()
        .find_map(|mark| plain.split_once(mark))?;
    (word_count(before) >= 4 && word_count(after) >= 3)
        .then(|| (before.to_owned(), format!("{name} now {after}")))
}

/// Whether the last clause of a sentence tells the reader what to do.
fn advises(sentence: &str) -> bool {
    sentence
        .split_once("; ")
        .is_some_and(|(_, second)| second.starts_with(char::is_lowercase) && is_instruction(second))
}

/// "X still passes; that is worth a follow-up" also says "X still passes".
fn before_aside(sentence: &str) -> Option<String> {
    let (first, second) = sentence.split_once("; ")?;
    let aside = starts_with_pronoun(&second.to_lowercase()) || advises(sentence);
    (aside && word_count(first) >= 4).then(|| first.to_owned())
}

impl Closing {
    /// In the story of a fix, what is told before the deed and is no deed
    /// itself is the cause, though it may not be called so.
    pub(super) fn find_cause(&mut self) {
        if self.said.iter().any(|s| s.role == Role::Cause) {
            return;
        }
        for said in self
            .said
            .iter_mut()
            .filter(|s| s.role == Role::Statement && !s.hedged)
        {
            let lower = said.text.to_lowercase();
            if BEFORE.iter().any(|mark| lower.starts_with(mark)) {
                said.role = Role::Cause;
                return;
            }
        }
        let deed = |s: &Said| {
            let plain = capitalise(&strip_lead(&s.text));
            let lower = plain.to_lowercase();
            is_deed(&plain) || has(&lower, NOW)
        };
        let first = self.said.iter().position(|s| s.role == Role::Statement);
        let Some(at) = first else { return };
        let more = self.said[at + 1..]
            .iter()
            .any(|s| matches!(s.role, Role::Statement | Role::Verified));
        let said = &mut self.said[at];
        if more && !said.hedged && !said.item && !deed(said) && word_count(&said.text) >= 5 {
            said.role = Role::Cause;
        }
    }

    /// Puts the function's name for the "it" of "It now returns None", where the
    /// sentence before is about one of these functions.
    pub(super) fn resolve(&mut self, functions: &[String]) {
        for at in 1..self.said.len() {
            let before = strip_lead(&self.said[at - 1].text);
            let first = before.split_whitespace().next().unwrap_or("");
            let subject = first.trim_start_matches(CODE);
            let subject = subject.split('(').next().unwrap_or(subject);
            let known = functions.iter().any(|f| last_name(f) == last_name(subject));
            let said = &mut self.said[at];
            if known
                && !subject.is_empty()
                && let Some(rest) = said.text.strip_prefix("It ")
                && (rest.starts_with("now ") || rest.starts_with("no longer "))
            {
                said.text = format!("{CODE}{subject} {rest}");
            }
        }
    }

    /// Marks names at the beginning of sentences as code, so that they keep
    /// their letters though they look like words.
    pub(super) fn mark(&mut self, names: &[String]) {
        for said in &mut self.said {
            let plain = strip_lead(&said.text);
            let first = plain.split_whitespace().next().unwrap_or("");
            if names.iter().any(|name| name == first)
                && let Some(lead) = said.text.strip_suffix(&plain)
            {
                said.text = format!("{lead}{CODE}{plain}");
            }
        }
    }

    /// Sentences of a role that are said without doubt.
    pub(super) fn sure(&self, role: Role) -> impl Iterator<Item = &Said> {
        self.said
            .iter()
            .filter(move |s| s.role == role && !s.hedged)
    }

    /// Whether the message says anything that is worth keeping.
    pub(super) fn is_substantial(&self) -> bool {
        let words: usize = self.telling().map(|s| word_count(&s.text)).sum();
        words >= 8
    }

    /// Whether any sentence tells how the work was checked.
    pub(super) fn verifies(&self) -> bool {
        self.said
            .iter()
            .any(|s| s.role == Role::Verified || has(&s.text.to_lowercase(), VERIFIED))
    }

    /// Sentences that tell how things are or were.
    pub(super) fn telling(&self) -> impl Iterator<Item = &Said> {
        self.said.iter().filter(|s| {
            matches!(
                s.role,
                Role::Statement
                    | Role::Cause
                    | Role::Warning
                    | Role::Verified
                    | Role::Decision
                    | Role::Reason
            )
        })
    }

    /// The sentence that says most of what was done (`deeds`) or found.
    pub(super) fn key_sentence(&self, prompt: &str, deeds: bool) -> Option<&Said> {
        let whole = |s: &&Said| !starts_with_pronoun(&strip_lead(&s.text).to_lowercase());
        let any_whole = self.telling().any(|s| whole(&s));
        let candidates = self
            .telling()
            .filter(|s| s.role != Role::Reason && (!any_whole || whole(s)));
        let mut best: Option<(i64, &Said)> = None;
        for (i, said) in candidates.enumerate() {
            let score = score(said, i, prompt, deeds);
            if best.is_none_or(|(top, _)| score > top) {
                best = Some((score, said));
            }
        }
        best.filter(|(score, _)| *score > 0).map(|(_, said)| said)
    }
}

fn score(said: &Said, position: usize, prompt: &str, deeds: bool) -> i64 {
    let lower = said.text.to_lowercase();
    let words = word_count(&said.text);
    let plain = strip_lead(&said.text);
    let mut score = 6 - i64::try_from(position.min(12)).unwrap_or(12);
    score += i64::from(is_specific(&plain)) * 2;
    score += i64::from(super::text::overlap(prompt, &said.text) > 0.3) * 2;
    score -= i64::from(said.hedged) * 5;
    score -= i64::from(said.item) * 2;
    score -= i64::from(words < 4) * 4 + i64::from(words > 45) * 2;
    score -= i64::from(said.role == Role::Verified) * 5;
    let looked = [
        "i looked",
        "i read",
        "i checked",
        "i searched",
        "i reviewed",
        "i traced",
        "i went through",
        "looking at",
    ];
    score -= i64::from(looked.iter().any(|l| lower.starts_with(l))) * 4;
    score += i64::from(said.verdict) * 3;
    score -= i64::from(starts_with_pronoun(&plain.to_lowercase())) * 4;
    score -= i64::from(is_enumeration(&plain)) * 3;
    score -= i64::from(plain.starts_with(CODE)) * 2;
    if deeds {
        let done = is_deed(&super::text::capitalise(&plain))
            || has(&lower, &["now", "nun", "jetzt", "ahora", "现在", "已"]);
        score += i64::from(done) * 4;
        score -= i64::from(said.role == Role::Warning) * 3;
    } else {
        score += i64::from(said.role == Role::Cause) * 3;
    }
    score
}

/// `transfer` of `Service.transfer` and of `Service::transfer`.
fn last_name(name: &str) -> &str {
    name.rsplit(['.', ':']).next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles(message: &str) -> Vec<Role> {
        read(Some(message), false)
            .said
            .iter()
            .map(|s| s.role)
            .collect()
    }

    #[test]
    fn sentences_find_their_roles() {
        use Role::{Cause, Decision, Empty, Next, Offer, Reason, Statement, Verified, Warning};
        let cases: &[(&str, &[Role])] = &[
            (
                "Fixed. The root cause was a stale lock. All 12 tests pass.",
                &[Empty, Cause, Verified],
            ),
            (
                "Decision: use SQLite. Reasons: one reader, offline.",
                &[Decision, Reason],
            ),
            (
                "The flag works. Next step: add docs. Shall I?",
                &[Statement, Next, Offer],
            ),
            (
                "Codes still pass silently; that is worth a follow-up.",
                &[Warning, Next],
            ),
            (
                "I have not applied it. There is no index on it yet.",
                &[Next, Warning],
            ),
            (
                "The grace period is 30s as well; set it to 40s to be safe.",
                &[Warning, Next],
            ),
            ("What was wrong: the offset was off by one page.", &[Cause]),
            (
                "Wrote ADR 2 in docs, because offsets get slow.",
                &[Statement],
            ),
            (
                "load_rows kept what came twice and now drops it by id.",
                &[Statement, Statement],
            ),
            (
                "Written down in a.md; revisit when hosts share it.",
                &[Statement, Next],
            ),
            (
                "The parser changed a lot.\n\nNext steps:\n- Add a fuzz test\n- Ship it soon",
                &[Statement, Next, Next],
            ),
            (
                "已修复登录超时。原因是令牌没有刷新。测试通过。",
                &[Statement, Cause, Verified],
            ),
        ];
        for (message, expected) in cases {
            assert_eq!(&roles(message), expected, "{message}");
        }
    }

    #[test]
    fn a_guess_given_up_is_parted_from_the_real_cause() {
        let closing = read(
            Some(
                "I first suspected the cache, but the actual cause was a missing await in load_user.",
            ),
            false,
        );
        assert_eq!(closing.said[0].role, Role::DeadEnd);
        assert_eq!(closing.said[1].role, Role::Cause);
        assert_eq!(
            closing.said[1].text,
            "The actual cause was a missing await in load_user."
        );
    }

    #[test]
    fn it_is_told_by_its_name() {
        let mut closing = read(
            Some("Fixed: div(1, 0) raised an error. It now returns None. It is fast."),
            false,
        );
        closing.resolve(&["div".to_owned()]);
        let texts: Vec<&str> = closing.said.iter().map(|s| s.text.as_str()).collect();
        assert_eq!(texts[1..], ["\u{2060}div now returns None.", "It is fast."]);
        let mut other = read(Some("The parser failed on tabs. It now skips them."), false);
        other.resolve(&["div".to_owned()]);
        assert_eq!(other.said[1].text, "It now skips them.");
    }

    #[test]
    fn an_api_error_is_no_conclusion() {
        assert!(
            read(Some("API Error: 500 overloaded"), false)
                .said
                .is_empty()
        );
        assert!(read(Some("whatever"), true).api_error.is_some());
    }
}
