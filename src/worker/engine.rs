//! The task that owns the database handle. Messages that arrive while a commit
//! runs share the next one.
//!
//! SQLite is synchronous, and its calls run on the runtime's one thread: every
//! answer, a pong too, comes from here anyway, clients connect through the
//! kernel's queue meanwhile, and a thread of its own would put two wake-ups into
//! each acknowledgement (measured: 0.1 of 0.7 ms). Only the agent, which may
//! take long, runs elsewhere.

use std::ops::ControlFlow;
use std::sync::Arc;

use sockets_protocol::{Locations, Reply, Request};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::store::{ClaimedTurn, StoreError, checkpoint};

use super::agent::Worked;
use super::core::{Call, Core};

/// Messages committed in one transaction at most.
const BATCH: usize = 128;

enum Job {
    Answer(Box<Request>, oneshot::Sender<Reply>),
    DrainSpool(oneshot::Sender<Call>),
    Claim(
        bool,
        oneshot::Sender<Result<Option<ClaimedTurn>, StoreError>>,
    ),
    Conclude(
        Arc<ClaimedTurn>,
        Worked,
        oneshot::Sender<Result<(), StoreError>>,
    ),
    HasPending(oneshot::Sender<bool>),
    Session(oneshot::Sender<i64>),
    End,
}

/// A handle for sending work to the engine.
#[derive(Clone)]
pub(super) struct Engine {
    jobs: mpsc::UnboundedSender<Job>,
}

/// Starts the engine on the current runtime. Every commit of messages is told
/// to `notices`. The task gives the core back after [`Engine::end`].
pub(super) fn start(
    mut core: Core,
    notices: mpsc::UnboundedSender<Call>,
) -> (Engine, JoinHandle<Core>) {
    let (jobs, mut queue) = mpsc::unbounded_channel();
    let task = tokio::spawn(async move {
        let mut waiting = Vec::with_capacity(BATCH);
        while queue.recv_many(&mut waiting, BATCH).await > 0 {
            if work(&mut core, waiting.drain(..), &notices).is_break() {
                break;
            }
            if let Some(locations) = core.due_checkpoint() {
                tokio::task::spawn_blocking(move || bring_in_log(&locations));
            }
            // Let those who were answered say what they have next, so that it
            // goes into one transaction.
            tokio::task::yield_now().await;
        }
        core
    });
    (Engine { jobs }, task)
}

fn bring_in_log(locations: &Locations) {
    if let Err(error) = checkpoint::run(locations) {
        tracing::warn!("{error}");
    }
}

/// Does the jobs in their order, messages that follow each other together.
fn work(
    core: &mut Core,
    jobs: impl Iterator<Item = Job>,
    notices: &mpsc::UnboundedSender<Call>,
) -> ControlFlow<()> {
    let (mut requests, mut replies) = (Vec::new(), Vec::new());
    for job in jobs {
        if let Job::Answer(request, reply) = job {
            requests.push(*request);
            replies.push(reply);
            continue;
        }
        answer(core, &mut requests, &mut replies, notices);
        // A receiver that is gone has stopped waiting; there is nobody to tell.
        match job {
            Job::DrainSpool(reply) => drop(reply.send(core.drain_spool().0)),
            Job::Claim(all, reply) => drop(reply.send(core.claim(all))),
            Job::Conclude(turn, worked, reply) => {
                drop(reply.send(core.conclude(&turn, &worked)));
            }
            Job::HasPending(reply) => drop(reply.send(core.has_pending())),
            Job::Session(reply) => drop(reply.send(core.session())),
            Job::End => return ControlFlow::Break(()),
            Job::Answer(..) => {}
        }
    }
    answer(core, &mut requests, &mut replies, notices);
    ControlFlow::Continue(())
}

fn answer(
    core: &mut Core,
    requests: &mut Vec<Request>,
    replies: &mut Vec<oneshot::Sender<Reply>>,
    notices: &mpsc::UnboundedSender<Call>,
) {
    if requests.is_empty() {
        return;
    }
    let (answers, call) = core.answer(std::mem::take(requests));
    // Told before the answers go out: whoever has seen its ack can count on the
    // worker knowing what it calls for.
    let _ = notices.send(call);
    for (reply, answer) in replies.drain(..).zip(answers) {
        drop(reply.send(answer));
    }
}

impl Engine {
    /// Has a message answered. The receiver fails only when the engine is gone.
    pub(super) fn answer(&self, request: Request) -> oneshot::Receiver<Reply> {
        let (reply, answer) = oneshot::channel();
        drop(self.jobs.send(Job::Answer(Box::new(request), reply)));
        answer
    }

    pub(super) async fn drain_spool(&self) -> Option<Call> {
        self.ask(Job::DrainSpool).await
    }

    pub(super) async fn claim(&self, all: bool) -> Option<Result<Option<ClaimedTurn>, StoreError>> {
        self.ask(|reply| Job::Claim(all, reply)).await
    }

    pub(super) async fn conclude(
        &self,
        turn: Arc<ClaimedTurn>,
        worked: Worked,
    ) -> Option<Result<(), StoreError>> {
        self.ask(|reply| Job::Conclude(turn, worked, reply)).await
    }

    pub(super) async fn has_pending(&self) -> Option<bool> {
        self.ask(Job::HasPending).await
    }

    /// Row id of the session; 0 until it has one.
    pub(super) async fn session(&self) -> Option<i64> {
        self.ask(Job::Session).await
    }

    /// Has the engine give the core back. Later messages are answered with the
    /// news that the worker is leaving.
    pub(super) fn end(&self) {
        drop(self.jobs.send(Job::End));
    }

    async fn ask<T>(&self, job: impl FnOnce(oneshot::Sender<T>) -> Job) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.jobs.send(job(reply)).ok()?;
        answer.await.ok()
    }
}
