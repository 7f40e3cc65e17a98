//! Finds the title of a piece of work: the commit's, the message's, or what the
//! prompt asked for.

use super::closing::{Role, Said};
use super::telling::Story;
use super::text::{self, listing};
use super::{facts, paths, phrasing, prompt};
use crate::agent::{Close, ObservationKind as Kind};

/// Words that tell of an error, and how the opposite is told.
const RAISING: &[(&str, &str)] = &[
    ("raise*", "raising"),
    ("threw", "throwing"),
    ("throw*", "throwing"),
];

impl Story<'_> {
    /// The title of the observation.
    pub(super) fn title(&self, kind: Kind) -> String {
        if let Some((_, commit)) = self.unit.commit {
            let subject = phrasing::subject(&commit.subject);
            if !phrasing::is_vague(&subject.text) {
                return subject.title();
            }
        }
        let sole = self.prompt.filter(|p| !p.vague && self.unit.sole);
        let complaint = sole
            .filter(|_| kind == Kind::Bugfix)
            .and_then(|p| prompt::complaint(&p.sentences));
        let asked = sole.map(|p| prompt::instruction(&p.sentences));
        if let Some(said) = self.key_sentence() {
            // What was wrong is easier to find again than how a cause is put.
            let weak = said.role == Role::Cause || said.text.starts_with(text::CODE);
            let clear = asked.as_ref().is_some_and(|i| phrasing::is_instruction(i));
            let finished = self.unit.broken.is_none() && kind != Kind::Bugfix;
            let better = complaint.is_some() || (finished && clear);
            if weak && !better && kind == Kind::Bugfix && said.role == Role::Cause {
                // A fix is not to be told as its defect.
                let mended = self.mended();
                if let Some(title) = mended.or_else(|| asked.clone().filter(|_| clear)) {
                    return phrasing::title(&phrasing::past(&title));
                }
            }
            if !(weak && better) {
                let title = phrasing::title_about(&said.text, &self.unit.functions());
                return self.with_error(title, kind);
            }
        }
        if let Some(complaint) = complaint {
            if !prompt::is_english(&complaint.replace(text::CODE, "")) {
                return phrasing::title(&complaint);
            }
            return fixed(&complaint);
        }
        let begun = asked.filter(|i| !self.is_unfinished() || phrasing::is_instruction(i));
        if let Some(instruction) = begun {
            return phrasing::title(&self.attempted(&instruction));
        }
        match facts::changes(self.unit).first() {
            Some(first) => phrasing::title(first),
            None => phrasing::title(&format!("Changed {}", listing(&self.unit.files(), 2))),
        }
    }

    /// "Fix `ZeroDivisionError` in div", out of the failure and the one function
    /// that was changed.
    fn mended(&self) -> Option<String> {
        let error = self.error_name()?;
        let changed: Vec<&str> = self
            .unit
            .edits
            .iter()
            .filter(|t| !paths::is_test_path(&t.edit.path))
            .flat_map(|t| &t.edit.touched().changed)
            .map(String::as_str)
            .collect();
        let first = changed.first()?;
        changed
            .iter()
            .all(|name| name == first)
            .then(|| format!("Fix {error} in {first}"))
    }

    /// The name of the error that the work cured: `ZeroDivisionError`.
    fn error_name(&self) -> Option<&str> {
        let message = self.unit.cured?.failed.1.outcome.error.as_deref()?;
        let name = message.split([':', ' ']).next()?;
        let named = name.ends_with("Error") || name.ends_with("Exception");
        (named && name.len() > 7 && name.starts_with(char::is_uppercase)).then_some(name)
    }

    /// "div now returns None" says more with the error that it no longer raises,
    /// where the message tells both.
    fn with_error(&self, title: String, kind: Kind) -> String {
        let Some(name) = self.error_name().filter(|_| kind == Kind::Bugfix) else {
            return title;
        };
        let lower = title.to_lowercase();
        let told = self.closing.sure(Role::Cause).find_map(|said| {
            let lower = said.text.to_lowercase();
            let verb = RAISING
                .iter()
                .find(|(word, _)| text::has(&lower, &[word]))?;
            said.text.contains(name).then_some(verb.1)
        });
        match told {
            Some(verb)
                if text::word_count(&title) <= 6
                    && text::has(&lower, &["now", "no longer"])
                    && !text::has(&lower, &["instead", "raise*", "throw*"]) =>
            {
                format!("{title} instead of {verb} {name}")
            }
            _ => title,
        }
    }

    /// Whether the turn broke off before anything showed the work in order.
    fn is_unfinished(&self) -> bool {
        matches!(self.close, Close::NextPrompt | Close::StopFailure)
            && self.closing.said.is_empty()
            && self.unit.proof.is_none()
    }

    /// The sentence of the message that can stand alone as a title.
    fn key_sentence(&self) -> Option<&Said> {
        let request = self.prompt.map_or("", |p| p.request.as_str());
        self.closing.key_sentence(request, true).filter(|said| {
            let title = phrasing::title(&said.text);
            let weak = phrasing::is_vague(&title) || said.role == Role::Verified || said.hedged;
            !weak && !super::roles::starts_with_pronoun(&title.to_lowercase())
        })
    }

    /// An instruction as what became of it: done, begun or failed.
    fn attempted(&self, instruction: &str) -> String {
        let lead = match (self.is_unfinished(), self.unit.broken) {
            (true, _) => "Started to",
            (false, Some(_)) => "Tried to",
            (false, None) => return phrasing::past(instruction),
        };
        if phrasing::is_instruction(instruction) {
            format!("{lead} {}", text::uncapitalise(instruction))
        } else {
            phrasing::past(instruction)
        }
    }
}

/// "Fixed: the page is empty", out of a complaint. Details go where it is long.
fn fixed(complaint: &str) -> String {
    let room = phrasing::TITLE - 7;
    let mut plain = complaint;
    for mark in [": ", ", "] {
        let too_long = mark == ": " || plain.chars().count() > room;
        if let Some((head, _)) = plain.split_once(mark)
            && too_long
            && text::word_count(head) >= 4
        {
            plain = head;
        }
    }
    let plain = phrasing::shorten(plain, room);
    format!("Fixed: {}", text::uncapitalise(&plain))
}
