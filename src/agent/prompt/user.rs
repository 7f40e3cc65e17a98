//! The record of one turn.

use super::call::{self, Call};
use super::cut::{Keep, cut};
use super::paths::Root;
use super::quote::{item, one_line, quoted};
use super::shares::{Wish, divide_with_guarantees};
use super::{events, is_part};
use crate::agent::{Close, Turn};

/// Titles that are listed, the newest.
const MOST_TITLES: usize = 20;
const MOST_TITLE: usize = 130;

/// Earlier prompts that are listed, the newest.
const MOST_PROMPTS: usize = 5;
const MOST_EARLIER_PROMPT: usize = 240;

/// What the user asked, in bytes.
const MOST_PROMPT: usize = 3_000;

/// What the assistant said at the end, in bytes.
const MOST_CLOSING: usize = 4_000;

/// Answers of subagents, the newest.
const MOST_ANSWERS: usize = 8;
const MOST_ANSWER: usize = 1_500;

/// A part of the record: its heading, its text, and how the text is cut.
struct Section {
    heading: String,
    text: String,
    cut: Cut,
    /// Hundredths of the room that it has for certain.
    guarantee: usize,
}

enum Cut {
    /// Lines of a list, of which the first go first.
    Oldest,
    Text,
    /// The text is made to measure.
    Calls(Vec<Call>),
    Earlier(Vec<Call>),
}

impl Section {
    fn wish(&self) -> usize {
        match &self.cut {
            Cut::Calls(calls) => events::wish(calls),
            Cut::Earlier(calls) => events::earlier(calls, usize::MAX).len(),
            Cut::Oldest | Cut::Text => self.text.len(),
        }
    }

    fn fitted(&self, most: usize) -> String {
        match &self.cut {
            Cut::Calls(calls) => events::text(calls, most),
            Cut::Earlier(calls) => events::earlier(calls, most),
            Cut::Text => cut(&self.text, most, Keep::Ends).into_owned(),
            Cut::Oldest => newest(&self.text, most),
        }
    }
}

/// The lines at the end of a list that fit.
fn newest(lines: &str, most: usize) -> String {
    let mut from = lines.len();
    for line in lines.split_inclusive('\n').rev() {
        if lines.len() - (from - line.len()) > most {
            break;
        }
        from -= line.len();
    }
    lines[from..].to_owned()
}

/// The record in at most `most` bytes.
pub(super) fn text(turn: &Turn, most: usize) -> String {
    let root = Root::of(turn);
    let project = one_line(&turn.project, 100);
    let start = format!(
        "Project: |{project}\nPrompt {} of its session.\n",
        turn.prompt_number.max(1)
    );
    let end = ending(turn);
    let sections = sections(turn, &root);
    let fixed = start.len() + end.len() + sections.iter().map(|s| s.heading.len()).sum::<usize>();
    let room = most.saturating_sub(fixed);
    let wishes: Vec<Wish> = sections
        .iter()
        .map(|section| Wish {
            size: section.wish(),
            weight: section.guarantee,
        })
        .collect();
    let sure: Vec<usize> = sections.iter().map(|s| room / 100 * s.guarantee).collect();
    let shares = divide_with_guarantees(&wishes, &sure, room);
    let mut out = start;
    for (section, share) in sections.iter().zip(shares) {
        out.push_str(&section.heading);
        out.push_str(&section.fitted(share));
    }
    out.push_str(&end);
    out
}

fn section(heading: &str, text: String, cut: Cut, guarantee: usize) -> Section {
    Section {
        heading: format!("\n{heading}\n"),
        text,
        cut,
        guarantee,
    }
}

/// The parts that have something to tell. Their guarantees are 100 together.
fn sections(turn: &Turn, root: &Root) -> Vec<Section> {
    let said = |text: &Option<String>, most| {
        let text = quoted(&root.relative(text.as_deref().unwrap_or_default()));
        cut(&text, most, Keep::Ends).into_owned()
    };
    let calls = |earlier| {
        let events = turn.events.iter();
        call::all(events.filter(|event| event.earlier == earlier), root)
    };
    let asked = said(&turn.prompt, MOST_PROMPT);
    let closing = said(&turn.last_assistant_message, MOST_CLOSING);
    let closing_heading = if turn.close == Close::StopFailure {
        "The error that ended the turn:"
    } else {
        "The assistant's closing message:"
    };
    let before = "Calls of this turn that were dealt with before, for context only:";
    let happened = "What happened, in order:";
    let [prompts, titles] = told_before(turn);
    let all = [
        prompts,
        titles,
        section("The user asked:", asked, Cut::Text, 16),
        section(before, String::new(), Cut::Earlier(calls(true)), 6),
        section(happened, String::new(), Cut::Calls(calls(false)), 36),
        section(
            "What subagents answered:",
            answers(turn, root),
            Cut::Text,
            10,
        ),
        section(closing_heading, closing, Cut::Text, 20),
    ];
    all.into_iter()
        .filter(|section| section.wish() > 0)
        .collect()
}

/// The newest prompts and titles of the session.
fn told_before(turn: &Turn) -> [Section; 2] {
    let newest = |all: &[String], count: usize, most: usize| -> String {
        let skipped = all.len().saturating_sub(count);
        all[skipped..].iter().map(|text| item(text, most)).collect()
    };
    [
        section(
            "Earlier prompts of the session, oldest first:",
            newest(&turn.earlier_prompts, MOST_PROMPTS, MOST_EARLIER_PROMPT),
            Cut::Oldest,
            4,
        ),
        section(
            "Already recorded in this session:",
            newest(&turn.earlier_titles, MOST_TITLES, MOST_TITLE),
            Cut::Oldest,
            8,
        ),
    ]
}

/// The last words of subagents, unless the call that started one has them. The
/// pseudo agent of a compaction retells the session and has no type.
fn answers(turn: &Turn, root: &Root) -> String {
    let told = |text: &str| {
        turn.events
            .iter()
            .filter(|event| matches!(event.tool_name.as_str(), "Agent" | "Task"))
            .any(|event| {
                let blocks = event
                    .output
                    .get("content")
                    .and_then(serde_json::Value::as_array);
                let mut texts = blocks
                    .into_iter()
                    .flatten()
                    .filter_map(|b| b.get("text")?.as_str());
                texts.any(|own| own.trim() == text.trim())
            })
    };
    let answers: Vec<_> = turn
        .subagent_messages
        .iter()
        .filter(|message| !message.agent_type.is_empty() && !told(&message.text))
        .collect();
    answers[answers.len().saturating_sub(MOST_ANSWERS)..]
        .iter()
        .map(|message| {
            let text = format!("{}: {}", message.agent_type, message.text.trim());
            cut(&quoted(&root.relative(&text)), MOST_ANSWER, Keep::Ends).into_owned()
        })
        .collect()
}

/// How the turn ended, and what is wanted.
fn ending(turn: &Turn) -> String {
    let close = match turn.close {
        _ if is_part(turn) => "The turn is not over; more of it follows later.",
        Close::Stop => "The turn is over: the assistant finished.",
        Close::StopFailure => "The turn is over: an API error ended it.",
        Close::SessionEnd => "The turn is over: the session ended.",
        Close::NextPrompt => {
            "The turn is over: the user's next prompt came before the assistant finished."
        }
        Close::Idle => "The turn is taken as over: nothing more happened for a long time.",
        Close::PreCompact => "The turn is over: the conversation was compacted.",
    };
    let missing = if turn.last_assistant_message.is_none() && !is_part(turn) {
        " There is no closing message."
    } else {
        ""
    };
    let wanted = if is_part(turn) {
        "Write the observations for what is settled by now. Give no summary."
    } else {
        "Write the observations and the summary."
    };
    format!("\n{close}{missing}\n{wanted}\n")
}
