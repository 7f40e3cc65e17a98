//! One attempt at a turn with a model: ask, read the answer, and where the turn
//! or one of its events is the trouble, ask about less.

use std::collections::HashSet;
use std::pin::Pin;

use super::local::text::same_statement;
use super::mode::Mode;
use super::model::{Failure, Provider, Reason, Reply, Request};
use super::{Reading, ToolEvent, Turn, local, prompt, reply};

/// A closing message shorter than this, with no call of a tool before it, is
/// not worth a call of the model.
const TRIVIAL_CHARS: usize = 80;

/// Tools that only look. A batch of nothing else is for the cheaper model, if
/// one is set.
const LOOKING: &[&str] = &[
    "Read",
    "Grep",
    "Glob",
    "LS",
    "NotebookRead",
    "WebFetch",
    "WebSearch",
    "ToolSearch",
];

/// How a model is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub model: String,
    /// For batches of nothing but reads and searches.
    pub simple_model: Option<String>,
    /// Characters of one call's input, at most.
    pub most_chars: usize,
    /// Tokens of one call's answer, at most.
    pub max_output_tokens: u32,
}

/// Turns turns into readings with a model.
#[derive(Debug)]
pub struct Extractor<'a> {
    pub provider: &'a dyn Provider,
    pub mode: &'a Mode,
    pub asked: &'a Asked,
}

/// What came of a turn.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Made {
    pub reading: Reading,
    /// The model that answered, as the provider names it.
    pub model: String,
    /// What the model could not be asked about, which the offline extractor read
    /// in its place, and why.
    pub fallback: Option<Failure>,
}

type Pending<'a> = Pin<Box<dyn Future<Output = Result<Made, Failure>> + Send + 'a>>;

impl Extractor<'_> {
    /// Makes one attempt. With `last`, a batch that the model cannot deal with
    /// is cut in half again and again, until what it cannot deal with is told
    /// from the rest.
    ///
    /// # Errors
    /// When nothing of the turn could be had from the model.
    pub async fn attempt(&self, turn: &Turn, last: bool) -> Result<Made, Failure> {
        let made = match self.ask(turn, self.asked.most_chars).await {
            Err(failure) if failure.reason == Reason::ContextTooLong => {
                self.shorter(turn, self.asked.most_chars, failure).await
            }
            other => other,
        };
        match made {
            Err(failure) if last && failure.reason.is_about_the_batch() => {
                self.bisect(turn, failure).await
            }
            other => other,
        }
        .map(|made| settled(made, turn))
    }

    /// The model takes less than it was sent: two calls with half of the events
    /// and half of the room, and so on.
    fn shorter<'a>(&'a self, turn: &'a Turn, chars: usize, failure: Failure) -> Pending<'a> {
        Box::pin(async move {
            let chars = chars / 2;
            if chars < prompt::LEAST_CHARS {
                return Err(failure);
            }
            let parts = halves(turn).map_or_else(|| vec![turn.clone()], |(a, b)| vec![a, b]);
            let mut made = Made::default();
            for mut part in parts {
                part.earlier_titles.extend(titles(&made.reading));
                let next = match self.ask(&part, chars).await {
                    Err(failure) if failure.reason == Reason::ContextTooLong => {
                        self.shorter(&part, chars, failure).await?
                    }
                    other => other?,
                };
                made = joined(made, next);
            }
            Ok(made)
        })
    }

    /// One event cannot sink the rest: both halves are asked about, and the one
    /// that fails is halved again. Where both fail, it is not one event's fault.
    fn bisect<'a>(&'a self, turn: &'a Turn, failure: Failure) -> Pending<'a> {
        Box::pin(async move {
            let Some((before, mut after)) = halves(turn) else {
                return Err(failure);
            };
            let first = self.ask(&before, self.asked.most_chars).await;
            if let Ok(made) = &first {
                after.earlier_titles.extend(titles(&made.reading));
            }
            if let Some(failure) = first
                .as_ref()
                .err()
                .filter(|it| !it.reason.is_about_the_batch())
            {
                return Err(failure.clone());
            }
            let second = self.ask(&after, self.asked.most_chars).await;
            match (first, second) {
                (Ok(first), Ok(second)) => Ok(joined(first, second)),
                (Ok(first), Err(failure)) if failure.reason.is_about_the_batch() => {
                    let rest = self.bisect(&after, failure).await;
                    Ok(joined(
                        first,
                        rest.or_else(|failure| offline(&after, failure))?,
                    ))
                }
                (Err(failure), Ok(second)) => {
                    let rest = self.bisect(&before, failure).await;
                    let rest = rest.or_else(|failure| offline(&before, failure))?;
                    Ok(joined(rest, second))
                }
                (_, Err(failure)) => Err(failure),
            }
        })
    }

    /// One call, and one more where the answer was cut off.
    async fn ask(&self, turn: &Turn, most_chars: usize) -> Result<Made, Failure> {
        // With room for asking once more.
        let chars = most_chars.saturating_sub(prompt::MOST_CONTINUATION);
        let prompt = prompt::build(self.mode, turn, chars);
        let mut request = Request {
            model: self.model_for(turn).to_owned(),
            system: prompt.system,
            user: prompt.user,
            max_output_tokens: self.asked.max_output_tokens,
        };
        let first = self.provider.ask(&request).await?;
        let mut read = self.read(&first);
        if first.truncated {
            request.user = prompt::continuation(&request.user, &first.text);
            // Whole blocks again: each answer can be read by itself.
            if let Ok(rest) = self.provider.ask(&request).await
                && let Ok(rest) = self.read(&rest)
            {
                read = Ok(match read {
                    Ok(first) => both(first, rest),
                    Err(_) => rest,
                });
            }
        }
        read.map(|mut reading| {
            reply::relative_paths(&mut reading, turn.root.as_deref());
            note_evidence(&mut reading, turn);
            Made {
                reading,
                model: first.model,
                fallback: None,
            }
        })
    }

    fn read(&self, answer: &Reply) -> Result<Reading, Failure> {
        match reply::read(&answer.text, self.mode) {
            Ok(read) => Ok(read.reading),
            Err(unreadable) => {
                let reason = match unreadable.reason {
                    _ if answer.truncated => Reason::Truncated,
                    reason => reason,
                };
                Err(Failure::new(reason, &unreadable.words).costing(answer.usage))
            }
        }
    }

    fn model_for(&self, turn: &Turn) -> &str {
        let mut events = turn.events.iter().filter(|event| !event.earlier).peekable();
        match &self.asked.simple_model {
            Some(simple)
                if events.peek().is_some()
                    && events.all(|event| LOOKING.contains(&event.tool_name.as_str())) =>
            {
                simple
            }
            _ => &self.asked.model,
        }
    }
}

/// Whether a turn is worth a call at all.
pub fn is_trivial(turn: &Turn) -> bool {
    let said = turn.last_assistant_message.as_deref().unwrap_or("");
    turn.events.iter().all(|event| event.earlier)
        && turn.subagent_messages.is_empty()
        && said.trim().chars().count() < TRIVIAL_CHARS
}

/// What the offline extractor makes of a turn, in the words of a model's reading.
pub fn offline_reading(turn: &Turn) -> Reading {
    let extraction = local::extract(turn);
    Reading {
        observations: extraction
            .observations
            .into_iter()
            .map(super::Observation::named)
            .collect(),
        summary: extraction.summary,
        skip_reason: extraction.skip_reason,
    }
}

fn offline(turn: &Turn, failure: Failure) -> Result<Made, Failure> {
    if failure.reason.waits() {
        return Err(failure);
    }
    Ok(Made {
        reading: offline_reading(turn),
        model: String::new(),
        fallback: Some(failure),
    })
}

/// The turn in two parts of as many new events each. The second one has its end.
fn halves(turn: &Turn) -> Option<(Turn, Turn)> {
    let fresh = |event: &&ToolEvent| !event.earlier;
    let count = turn.events.iter().filter(fresh).count();
    if count < 2 {
        return None;
    }
    let (earlier, new): (Vec<ToolEvent>, Vec<ToolEvent>) =
        turn.events.iter().cloned().partition(|event| event.earlier);
    let (first, second) = new.split_at(count / 2);
    let before = Turn {
        events: [&earlier, first].concat(),
        subagent_messages: Vec::new(),
        last_assistant_message: None,
        continues: true,
        ..turn.clone()
    };
    let after = Turn {
        events: [&earlier, second].concat(),
        ..turn.clone()
    };
    Some((before, after))
}

fn titles(reading: &Reading) -> impl Iterator<Item = String> {
    reading.observations.iter().map(|seen| seen.title.clone())
}

fn both(mut first: Reading, second: Reading) -> Reading {
    first.observations.extend(second.observations);
    first.summary = second.summary.or(first.summary);
    first.skip_reason = second.skip_reason.or(first.skip_reason);
    first
}

fn joined(mut first: Made, second: Made) -> Made {
    first.reading = both(first.reading, second.reading);
    if first.model.is_empty() {
        first.model = second.model;
    }
    first.fallback = first.fallback.or(second.fallback);
    first
}

/// The whole batch is the evidence: a model does not say which event told it.
fn note_evidence(reading: &mut Reading, turn: &Turn) {
    let new: Vec<&ToolEvent> = turn.events.iter().filter(|event| !event.earlier).collect();
    let agents: HashSet<_> = new.iter().map(|event| event.agent_id.as_deref()).collect();
    let sole = new.first().filter(|_| agents.len() == 1);
    for seen in &mut reading.observations {
        seen.events = new.iter().map(|event| event.id).collect();
        seen.agent_id = sole.and_then(|event| event.agent_id.clone());
        seen.agent_type = sole.and_then(|event| event.agent_type.clone());
    }
}

/// Without what was told before, in this answer or in an earlier one.
fn settled(mut made: Made, turn: &Turn) -> Made {
    let mut told = turn.earlier_titles.clone();
    made.reading.observations.retain(|seen| {
        let is_new = !told.iter().any(|title| same_statement(title, &seen.title));
        told.push(seen.title.clone());
        is_new
    });
    if turn.continues {
        made.reading.summary = None;
    }
    if !made.reading.observations.is_empty() || made.reading.summary.is_some() {
        made.reading.skip_reason = None;
    } else if made.reading.skip_reason.is_none() {
        made.reading.skip_reason = Some("everything in the turn is known already".to_owned());
    }
    made
}
