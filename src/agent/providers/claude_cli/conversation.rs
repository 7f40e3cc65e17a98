//! What is said to Claude Code, and what it answers.
//!
//! It tells what its model may use only when it is first spoken to, and not
//! in answer to a control request. So two messages are sent: a fixed sentence
//! that asks for no answer, and, when the init event has shown that there is
//! nothing to act with, what the call is about. A Claude Code that does not know
//! `shouldQuery` answers the sentence; that answer is counted and passed over.

#[cfg(test)]
mod tests;

use std::io;
use std::time::SystemTime;

use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};

use crate::agent::model::{Failure, Reason, Reply, Request, TokenUsage};

use super::lines::Lines;
use super::message::{Message, Offer, Outcome, Said};
use super::verdict;

/// The sentence before the content. It is the same for every call, and with it
/// the head of every request, which Claude Code marks with a digest of it.
pub(super) const OPENING: &str = "The next message is to be worked on as the instructions say.";

/// Stands before the content, since Claude Code takes what begins with a slash
/// for a command and answers it itself.
pub(super) const LEAD: &str = "Here it is:\n\n";

/// Asks once. `None` if the output ends without an answer.
pub(super) async fn hold(
    stdin: impl AsyncWrite + Unpin,
    stdout: impl AsyncRead + Unpin,
    request: &Request,
) -> Result<Option<Reply>, Failure> {
    let mut conversation = Conversation {
        stdin,
        lines: Lines::new(stdout),
        offer: None,
        resets_at: None,
    };
    let opening = message(OPENING, false);
    let Some(opened) = conversation.exchange(&opening).await? else {
        return Ok(None);
    };
    // What it has to complain about, it may complain about at once.
    if let Some(failure) = conversation.complaint(&opened) {
        return Err(failure);
    }
    let content = message(&format!("{LEAD}{}", request.user), true);
    let Some(heard) = conversation.exchange(&content).await? else {
        return Ok(None);
    };
    conversation
        .judge(heard, opened.outcome.usage, request)
        .map(Some)
}

fn message(text: &str, wants_answer: bool) -> Vec<u8> {
    let mut value = json!({"type": "user", "message": {"role": "user", "content": text}});
    if !wants_answer {
        value["shouldQuery"] = false.into();
    }
    let mut line = value.to_string().into_bytes();
    line.push(b'\n');
    line
}

struct Conversation<W, R> {
    stdin: W,
    lines: Lines<R>,
    /// `None` until the init event has come.
    offer: Option<Offer>,
    /// When the account's limit ends, in seconds since the epoch.
    resets_at: Option<u64>,
}

/// All that came of one message.
#[derive(Default)]
struct Heard {
    /// What the model said, over all its messages: an answer that was cut off is
    /// gone on with in the next.
    text: String,
    model: Option<String>,
    /// What Claude Code said in its place.
    own_words: String,
    error: Option<String>,
    outcome: Outcome,
}

impl<W: AsyncWrite + Unpin, R: AsyncRead + Unpin> Conversation<W, R> {
    /// Sends a message and hears it out. It is heard while it is being sent: a
    /// child that writes before it has read everything must not wait for us.
    async fn exchange(&mut self, message: &[u8]) -> Result<Option<Heard>, Failure> {
        let Self {
            stdin,
            lines,
            offer,
            resets_at,
        } = self;
        let sending = async {
            // Who does not read may still have said why.
            drop(stdin.write_all(message).await);
            drop(stdin.flush().await);
            std::future::pending::<()>().await;
        };
        tokio::select! {
            heard = hear(lines, offer, resets_at) => heard,
            () = sending => Ok(None),
        }
    }

    /// A failure, where a message brought one.
    fn complaint(&self, heard: &Heard) -> Option<Failure> {
        let outcome = &heard.outcome;
        let words = if !outcome.is_error && !heard.text.is_empty() {
            &heard.text
        } else if outcome.text.is_empty() {
            &heard.own_words
        } else {
            &outcome.text
        };
        let reason = if outcome.is_error {
            verdict::of_error(outcome.status, heard.error.as_deref(), words)
        } else {
            verdict::of_answer(words)?
        };
        let resets_at = self.resets_at.or_else(|| verdict::reset_in(words));
        let wait = resets_at
            .filter(|_| matches!(reason, Reason::Quota | Reason::RateLimit))
            .and_then(|seconds| verdict::until(seconds, SystemTime::now()));
        let failure = Failure::new(reason, words).retry_after(wait);
        Some(failure.costing(outcome.usage))
    }

    fn judge(&self, heard: Heard, before: TokenUsage, request: &Request) -> Result<Reply, Failure> {
        let complaint = self.complaint(&heard);
        let outcome = heard.outcome;
        let cut = complaint
            .as_ref()
            .is_some_and(|failure| failure.reason == Reason::Truncated);
        if let Some(failure) = complaint.filter(|_| !cut || heard.text.is_empty()) {
            return Err(failure);
        }
        // Sums are over the whole process, in versions that give sums.
        let mut usage = outcome.usage;
        if usage.total() < before.total() {
            usage += before;
        }
        let text = if heard.text.is_empty() {
            outcome.text
        } else {
            heard.text
        };
        if text.trim().is_empty() {
            return Err(Failure::new(Reason::Empty, "claude answered with nothing").costing(usage));
        }
        Ok(Reply {
            text,
            truncated: cut || outcome.truncated,
            usage,
            model: heard.model.unwrap_or_else(|| request.model.clone()),
        })
    }
}

/// Reads up to a result. Whatever shows that the model could act ends it.
async fn hear<R: AsyncRead + Unpin>(
    lines: &mut Lines<R>,
    offer: &mut Option<Offer>,
    resets_at: &mut Option<u64>,
) -> Result<Option<Heard>, Failure> {
    let mut heard = Heard::default();
    loop {
        let Some(line) = lines.next().await.map_err(|error| unreadable(&error))? else {
            return Ok(None);
        };
        match Message::parse(&line) {
            Message::Init(new) => {
                refuse_tools(&new)?;
                *offer = Some(new);
            }
            Message::Said(said) => heard.add(said)?,
            Message::UsedUp { resets_at: seconds } => *resets_at = Some(seconds),
            Message::Result(outcome) => {
                // An error needs no proof that nothing could act.
                if offer.is_none() && !outcome.is_error {
                    refuse_tools(&Offer::Unknown)?;
                }
                heard.outcome = outcome;
                return Ok(Some(heard));
            }
            Message::Other => {}
        }
    }
}

impl Heard {
    fn add(&mut self, said: Said) -> Result<(), Failure> {
        if !said.calls.is_empty() {
            refuse_tools(&Offer::Tools(said.calls))?;
        }
        match said.model {
            Some(model) => {
                self.text.push_str(&said.text);
                self.model = Some(model);
            }
            None => self.own_words.push_str(&said.text),
        }
        self.error = said.error.or_else(|| self.error.take());
        Ok(())
    }
}

fn refuse_tools(offer: &Offer) -> Result<(), Failure> {
    let words = match offer {
        Offer::Nothing => return Ok(()),
        Offer::Tools(names) => format!(
            "claude would let its model use {}; it was ended before it could",
            names.join(", ")
        ),
        Offer::Unknown => "claude does not say which tools its model may use".to_owned(),
    };
    Err(Failure::new(Reason::UnsafeTools, &words))
}

fn unreadable(error: &io::Error) -> Failure {
    let reason = if error.kind() == io::ErrorKind::FileTooLarge {
        Reason::Malformed
    } else {
        Reason::ChildDied
    };
    Failure::new(reason, &format!("reading from claude: {error}"))
}
