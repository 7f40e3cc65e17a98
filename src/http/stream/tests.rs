//! A client of the stream where the kernel tells nothing of commits.

use std::path::Path;

use axum::body::BodyDataStream;
use futures_util::StreamExt as _;

use crate::context::fixture::{MORNING, Memory, new_observation};

use super::notices::Notices;
use super::*;

/// Less than the time to a heartbeat, at which a client's rows are looked for anyway.
const PATIENCE: Duration = Duration::from_secs(12);

/// None, as of a kernel or a file system that has no such thing.
fn none(_: &Path) -> Option<Notices> {
    None
}

/// Notices that never come, as of a directory that another machine writes to.
#[cfg(target_os = "linux")]
fn silent(_: &Path) -> Option<Notices> {
    let elsewhere = Path::new("/proc/self/claude-mem.db");
    let notices = Notices::of(elsewhere);
    assert!(notices.is_some());
    notices
}

/// A client that has been greeted, and the text that it was told so far.
struct Listener {
    body: BodyDataStream,
    text: String,
}

impl Listener {
    async fn of(memory: &Memory, notices_of: fn(&Path) -> Option<Notices>) -> Self {
        let mut app = App::new(memory.locations.clone(), 0, false);
        app.hub = Hub::hearing(app.pool.clone(), notices_of);
        let connection = Extension(Arc::default());
        let answer = stream(State(Arc::new(app)), connection, HeaderMap::new()).await;
        let mut listener = Self {
            body: answer.unwrap().into_body().into_data_stream(),
            text: String::new(),
        };
        listener.until("processing_status").await;
        listener
    }

    async fn until(&mut self, wanted: &str) {
        while !self.text.contains(wanted) {
            let piece = tokio::time::timeout(PATIENCE, self.body.next()).await;
            let piece = piece.unwrap_or_else(|_| panic!("no {wanted} in {}", self.text));
            let piece = piece.expect("the stream goes on").unwrap();
            self.text.push_str(std::str::from_utf8(&piece).unwrap());
        }
    }
}

/// Commits reach a client one after the other.
async fn commits_reach_a_client(notices_of: fn(&Path) -> Option<Notices>) {
    let mut memory = Memory::new();
    let mut listener = Listener::of(&memory, notices_of).await;
    for number in 0..3 {
        let title = format!("commit {number}");
        assert!(!listener.text.contains(&title));
        let row = new_observation(&title, MORNING + number);
        memory.remember(("s", "billing"), MORNING + number, vec![row], None);
        listener.until(&title).await;
    }
}

#[tokio::test]
async fn a_commit_reaches_a_client_where_the_kernel_has_no_notices() {
    commits_reach_a_client(none).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_commit_reaches_a_client_where_notices_do_not_come() {
    commits_reach_a_client(silent).await;
}
