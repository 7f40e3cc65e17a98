//! One client: lines in, one reply a line out, in order.

use interprocess::local_socket::tokio::Stream;
use interprocess::local_socket::tokio::prelude::*;
use sockets_protocol::{ErrorCode, ErrorReply, Frame, LineFramer, MAX_LINE_BYTES, Reply, encode};
use sockets_protocol::{RequestError, parse_request};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::OwnedSemaphorePermit;

use super::engine::Engine;

/// Replies kept for a client that does not read them. Beyond it replies are
/// dropped: the client wanted none, and its events are committed all the same.
const MAX_UNREAD: usize = 256 * 1024;

/// Read at once: most messages fit.
const READ_BYTES: usize = 16 * 1024;

/// Serves one client until it leaves. The permit bounds how many there are.
pub(super) async fn serve(stream: Stream, engine: Engine, permit: OwnedSemaphorePermit) {
    if !is_ours(&stream) {
        tracing::warn!("refused a connection of another user");
        return;
    }
    let (mut reader, mut writer) = (&stream, &stream);
    let mut framer = LineFramer::default();
    let mut unread: Vec<u8> = Vec::new();
    let mut chunk = Vec::with_capacity(READ_BYTES);
    loop {
        tokio::select! {
            biased;
            written = writer.write(&unread), if !unread.is_empty() => match written {
                Ok(count) => drop(unread.drain(..count)),
                // The client reads no more; it may still write.
                Err(_) => unread.clear(),
            },
            read = reader.read_buf(&mut chunk) => {
                let ended = !matches!(read, Ok(count) if count > 0);
                framer.push(&chunk);
                chunk.clear();
                let frames = frames(&mut framer, ended);
                for reply in answer(&engine, frames).await {
                    if unread.len() < MAX_UNREAD {
                        unread.extend(encode(&reply));
                    }
                }
                if ended {
                    drop(writer.write_all(&unread).await);
                    break;
                }
            }
        }
    }
    drop(permit);
}

/// Only the owner may talk: file modes keep others out, and where those are
/// gone (a copied directory, an odd file system) the kernel knows who it is.
fn is_ours(stream: &Stream) -> bool {
    let me = nix::unistd::geteuid().as_raw();
    stream
        .peer_creds()
        .is_ok_and(|peer| peer.euid() == Some(me))
}

fn frames(framer: &mut LineFramer, ended: bool) -> Vec<Frame> {
    let mut frames: Vec<Frame> = std::iter::from_fn(|| framer.next_frame()).collect();
    if ended {
        frames.extend(framer.finish());
    }
    frames
}

/// All messages go to the engine before the first answer is awaited, so that
/// what a client sends at once is committed at once.
async fn answer(engine: &Engine, frames: Vec<Frame>) -> Vec<Reply> {
    let waiting: Vec<_> = frames
        .into_iter()
        .map(|frame| match frame {
            Frame::Line(line) => parse_request(&line).map(|request| engine.answer(request)),
            Frame::TooLong => Err(RequestError {
                id: None,
                code: ErrorCode::TooLarge,
                message: format!("a line may have {MAX_LINE_BYTES} bytes; this one was skipped"),
            }),
        })
        .collect();
    let mut replies = Vec::with_capacity(waiting.len());
    for reply in waiting {
        replies.push(match reply {
            Ok(answer) => answer.await.unwrap_or_else(|_| leaving()),
            Err(error) => Reply::Error(ErrorReply::from(error)),
        });
    }
    replies
}

fn leaving() -> Reply {
    Reply::Error(ErrorReply {
        id: None,
        code: ErrorCode::Unavailable,
        message: "the worker is leaving: spool the event or try again".to_owned(),
    })
}
