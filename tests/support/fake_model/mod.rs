//! A model server of one's own, for Claude Code and for the memory's providers.
//! It listens on a free port of the loopback interface, keeps every request, and
//! ends with the test. Who offers tools is answered from [`Scene`]s, in the
//! Messages API; who asks for memories is answered by the observer, in the
//! dialect of the question, with the faults that the test asks for.

mod anthropic;
mod asked;
mod faults;
mod http;
mod observer;
mod openai;
mod scene;
mod script;
mod tests;
mod tokens;

use std::collections::BTreeMap;
use std::io::BufReader;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use serde_json::{Value, json};

use super::PATIENCE;
use asked::Dialect;
use http::Answer;
use observer::Observer;

pub(crate) use asked::Asked;
pub(crate) use faults::{Fault, Latency, RetryAfter};
pub(crate) use scene::Scene;
pub(crate) use script::{digest, event_ids};
pub(crate) use tokens::TokenTotals;

/// The running server.
pub(crate) struct FakeModel {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

struct Shared {
    scenes: Vec<Scene>,
    observer: Observer,
    asked: Mutex<Vec<Asked>>,
    /// For ids that no two answers share.
    answers: AtomicUsize,
    /// Connections that a thread is busy with, so that they can be cut.
    open: Mutex<BTreeMap<usize, TcpStream>>,
    ending: AtomicBool,
}

impl FakeModel {
    pub(crate) fn start(scenes: Vec<Scene>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            scenes,
            observer: Observer::default(),
            asked: Mutex::default(),
            answers: AtomicUsize::new(0),
            open: Mutex::default(),
            ending: AtomicBool::new(false),
        });
        let accepting = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || accept(&listener, &shared)
        });
        Self {
            address,
            shared,
            accepting: Some(accepting),
        }
    }

    /// For `ANTHROPIC_BASE_URL`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The base of an OpenAI-compatible endpoint.
    pub(crate) fn openai_url(&self) -> String {
        format!("{}/v1", self.url())
    }

    /// Every request so far, in the order of arrival.
    pub(crate) fn requests(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap().clone()
    }

    /// The bytes of every request so far, heads included.
    pub(crate) fn everything_received(&self) -> Vec<Vec<u8>> {
        self.requests()
            .iter()
            .map(|asked| asked.raw().to_vec())
            .collect()
    }

    /// What the model was sent while a prompt with these words was its newest.
    pub(crate) fn bodies_about(&self, words: &str) -> Vec<Value> {
        self.requests()
            .into_iter()
            .filter(|asked| asked.route() == "/v1/messages")
            .filter(|asked| scene::newest_prompt(&asked.body).0.contains(words))
            .map(|asked| asked.body)
            .collect()
    }
}

/// The observer.
impl FakeModel {
    /// Every call for memories so far, in the order of arrival.
    pub(crate) fn observed(&self) -> Vec<Asked> {
        self.shared.observer.state().seen.clone()
    }

    pub(crate) fn calls(&self) -> usize {
        self.shared.observer.state().seen.len()
    }

    /// Calls that have arrived, are not answered, and whose clients are there.
    pub(crate) fn in_flight(&self) -> usize {
        self.shared.observer.state().in_flight
    }

    /// The most calls that were in flight at once.
    pub(crate) fn peak(&self) -> usize {
        self.shared.observer.state().peak
    }

    /// What clients were told that their calls cost.
    pub(crate) fn tokens(&self) -> TokenTotals {
        self.shared.observer.state().totals
    }

    /// Waits until so many calls have arrived since the start.
    #[track_caller]
    pub(crate) fn wait_for_calls(&self, calls: usize) {
        let came = self
            .shared
            .observer
            .wait_until(PATIENCE, |state| state.seen.len() >= calls);
        assert!(
            came,
            "waited in vain for {calls} calls: {} have come",
            self.calls()
        );
    }

    /// Has calls that arrive from here on wait for [`Self::release`].
    pub(crate) fn hold(&self) {
        self.shared.observer.change(|state| state.held = true);
    }

    pub(crate) fn release(&self) {
        self.shared.observer.change(|state| {
            state.held = false;
            state.releases += 1;
        });
    }

    /// How long the calls that arrive from here on take.
    pub(crate) fn set_latency(&self, latency: Option<Latency>) {
        self.shared.observer.change(|state| state.latency = latency);
    }

    /// Answers with what a function makes of each request.
    pub(crate) fn answer_with(&self, script: impl Fn(&Asked) -> String + Send + Sync + 'static) {
        self.shared
            .observer
            .change(|state| state.script = Some(Arc::new(script)));
    }

    /// Has every call go wrong whose instructions and question, in one text,
    /// fulfil the condition.
    pub(crate) fn fault_when(
        &self,
        condition: impl Fn(&str) -> bool + Send + Sync + 'static,
        fault: Fault,
    ) {
        self.shared
            .observer
            .change(|state| state.plan.when.push((Box::new(condition), fault)));
    }

    /// One entry for each of the next calls; `None` is answered well.
    pub(crate) fn queue_faults(&self, faults: impl IntoIterator<Item = Option<Fault>>) {
        self.shared
            .observer
            .change(|state| state.plan.queue.extend(faults));
    }

    /// What goes wrong with every call until this is changed.
    pub(crate) fn set_fault(&self, fault: Option<Fault>) {
        self.shared
            .observer
            .change(|state| state.plan.permanent = fault);
    }

    /// Faults with their probabilities. The same seed gives the nth call the
    /// same fault.
    pub(crate) fn random_faults(&self, seed: u64, faults: impl IntoIterator<Item = (Fault, f64)>) {
        let faults = faults.into_iter().collect();
        self.shared
            .observer
            .change(|state| state.plan.random = Some((seed, faults)));
    }

    /// Nothing goes wrong with calls that arrive from here on.
    pub(crate) fn clear_faults(&self) {
        self.shared
            .observer
            .change(|state| state.plan = faults::Plan::default());
    }

    /// Answers the calls that hang.
    pub(crate) fn let_go(&self) {
        self.shared.observer.change(|state| state.let_gos += 1);
    }
}

impl Drop for FakeModel {
    fn drop(&mut self) {
        self.shared.ending.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        drop(TcpStream::connect(self.address));
        for stream in self.shared.open.lock().unwrap().values() {
            drop(stream.shutdown(Shutdown::Both));
        }
        let ended = self.accepting.take().map(JoinHandle::join);
        assert!(
            ended.is_none_or(|ended| ended.is_ok()) || std::thread::panicking(),
            "a test's own answer or condition panicked"
        );
    }
}

/// Serves each connection in a thread of its own; returns when all have ended.
fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    std::thread::scope(|threads| {
        for (number, stream) in listener.incoming().enumerate() {
            let Ok(stream) = stream else { continue };
            // None that could not be cut.
            let Ok(handle) = stream.try_clone() else {
                continue;
            };
            shared.open.lock().unwrap().insert(number, handle);
            // Only after the insertion: whoever ends the server either sees the
            // connection or is seen here.
            if shared.ending.load(Ordering::SeqCst) {
                return;
            }
            threads.spawn(move || {
                let mut connection = Connection {
                    stream,
                    number,
                    shared,
                    reset: false,
                };
                // A client that goes away is no matter of the server's.
                connection.reset = serve(&connection.stream, shared).unwrap_or(false);
            });
        }
    });
}

/// Ends in an orderly way or with a reset, also where a test's own answer
/// panics.
struct Connection<'a> {
    stream: TcpStream,
    number: usize,
    shared: &'a Shared,
    reset: bool,
}

impl Drop for Connection<'_> {
    fn drop(&mut self) {
        // The other handle goes first: only the last one can reset.
        self.shared.open.lock().unwrap().remove(&self.number);
        if self.reset {
            http::reset_at_close(&self.stream);
        } else {
            drop(self.stream.shutdown(Shutdown::Both));
        }
    }
}

/// One request, one answer, and the connection ends; whether with a reset.
fn serve(stream: &TcpStream, shared: &Shared) -> std::io::Result<bool> {
    let Some(asked) = http::read_request(&mut BufReader::new(stream))? else {
        return Ok(false);
    };
    shared.asked.lock().unwrap().push(asked.clone());
    let answer = shared.answer(&asked, stream);
    answer.send(stream, asked.method == "HEAD")?;
    Ok(answer.ends_with_reset())
}

impl Shared {
    fn answer(&self, asked: &Asked, stream: &TcpStream) -> Answer {
        match asked.dialect() {
            Some(dialect) if asked.is_for_observer() => {
                self.observer.answer(asked, dialect, stream)
            }
            Some(dialect) => self.play(asked, dialect),
            None if asked.route() == "/v1/messages/count_tokens" => {
                let usage = scene::usage(&asked.body, &[]);
                Answer::json(&json!({"input_tokens": usage.input}))
            }
            None if asked.route().ends_with("/models") => openai::models(),
            None => Answer::json(&json!({})),
        }
    }

    fn play(&self, asked: &Asked, dialect: Dialect) -> Answer {
        let body = &asked.body;
        let number = self.answers.fetch_add(1, Ordering::SeqCst);
        let (content, calls) = scene::play(&self.scenes, body, number);
        let usage = scene::usage(body, &content);
        match dialect {
            Dialect::Anthropic => {
                let stop = if calls { "tool_use" } else { "end_turn" };
                let message = anthropic::message(number, body, &content, stop, usage);
                anthropic::answer(body, &message)
            }
            Dialect::OpenAi => {
                let words = scene::words_of(&content);
                openai::answer(number, body, Some(&words), "stop", usage)
            }
        }
    }
}
