//! What the kernel says about the database's files.
//!
//! Every commit writes to the write-ahead log, and whoever watches its directory
//! hears of it. That nothing is heard proves nothing: the kernel or the file
//! system may have no such thing, so the one who watches looks now and then
//! anyway.

use std::path::Path;

/// Notices about a database's files.
#[derive(Debug)]
pub(super) struct Notices {
    #[cfg(target_os = "linux")]
    inner: linux::Inner,
}

impl Notices {
    /// Notices from now on about the database at `path`, there or not; `None`
    /// where the kernel has none.
    pub(super) fn of(path: &Path) -> Option<Self> {
        #[cfg(target_os = "linux")]
        return Some(Self {
            inner: linux::Inner::of(path)?,
        });
        #[cfg(not(target_os = "linux"))]
        {
            let _ = path;
            None
        }
    }

    /// Waits until something was done to one of the files; `None` where nothing
    /// more will be heard.
    pub(super) async fn heard(&mut self) -> Option<()> {
        #[cfg(target_os = "linux")]
        return self.inner.heard().await;
        #[cfg(not(target_os = "linux"))]
        None
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::ffi::OsString;
    use std::os::fd::{AsFd as _, AsRawFd, RawFd};
    use std::os::unix::ffi::OsStrExt as _;
    use std::path::Path;

    use nix::errno::Errno;
    use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    /// The kernel's queue, as the runtime waits for it.
    #[derive(Debug)]
    struct Queue(Inotify);

    impl AsRawFd for Queue {
        fn as_raw_fd(&self) -> RawFd {
            self.0.as_fd().as_raw_fd()
        }
    }

    #[derive(Debug)]
    pub(super) struct Inner {
        queue: AsyncFd<Queue>,
        /// Of the database; those of its other files begin with it.
        name: OsString,
    }

    impl Inner {
        pub(super) fn of(path: &Path) -> Option<Self> {
            let (directory, name) = (path.parent()?, path.file_name()?);
            let queue = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK).ok()?;
            // Of the directory, since files come and go. A file that is only
            // read is no news.
            let changes = AddWatchFlags::IN_MODIFY
                | AddWatchFlags::IN_CREATE
                | AddWatchFlags::IN_MOVED_TO
                | AddWatchFlags::IN_DELETE
                | AddWatchFlags::IN_ONLYDIR;
            queue.add_watch(directory, changes).ok()?;
            #[expect(
                deprecated,
                reason = "what follows it is unsafe, because a type may change its descriptor; \
                          a queue has one as long as it lives"
            )]
            let queue = AsyncFd::with_interest(Queue(queue), Interest::READABLE).ok()?;
            Some(Self {
                queue,
                name: name.to_owned(),
            })
        }

        pub(super) async fn heard(&mut self) -> Option<()> {
            loop {
                let mut ready = self.queue.readable().await.ok()?;
                match ready.get_inner().0.read_events() {
                    Err(Errno::EAGAIN) => ready.clear_ready(),
                    Err(Errno::EINTR) => {}
                    Err(_) => return None,
                    Ok(events) => {
                        for event in events {
                            if event.mask.contains(AddWatchFlags::IN_IGNORED) {
                                return None;
                            }
                            // Without a name: more than the queue could hold.
                            let concerns = event.name.as_ref().is_none_or(|name| {
                                name.as_bytes().starts_with(self.name.as_bytes())
                            });
                            if concerns {
                                return Some(());
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::time::Duration;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    /// Whether something was heard that was done before.
    async fn has_heard(notices: &mut Notices) -> bool {
        for _ in 0..100 {
            // Lets the runtime look at the queue.
            tokio::task::yield_now().await;
        }
        let heard = tokio::time::timeout(Duration::ZERO, notices.heard()).await;
        heard == Ok(Some(()))
    }

    #[tokio::test]
    async fn what_is_done_to_the_files_is_heard_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("claude-mem.db");
        let mut notices = Notices::of(&path).unwrap();
        for name in ["claude-mem.db", "claude-mem.db-wal"] {
            let file = directory.path().join(name);
            std::fs::write(&file, "x").unwrap();
            assert!(has_heard(&mut notices).await, "{name}");
            while has_heard(&mut notices).await {}
            assert_eq!(std::fs::read_to_string(&file).unwrap(), "x");
            std::fs::write(directory.path().join("settings.json"), "{}").unwrap();
            assert!(!has_heard(&mut notices).await);
        }
    }

    #[tokio::test]
    async fn the_end_of_the_directory_is_the_end_of_what_is_heard() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("claude-mem.db");
        let mut notices = Notices::of(&path).unwrap();
        drop(directory);
        let heard = tokio::time::timeout(PATIENCE, notices.heard()).await;
        assert_eq!(heard, Ok(None));
        assert!(Notices::of(&path).is_none());
    }
}
