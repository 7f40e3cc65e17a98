//! Becoming a process of one's own.

use std::path::Path;

/// Leaves the session, the process group and every inherited descriptor of the
/// starter. Claude Code reads a hook's stdout and stderr to their end, so a
/// worker that kept any copy of them open would make it wait.
///
/// stdin, stdout and stderr are /dev/null already: the hook started us so. The
/// other descriptors are closed by number, before this process has opened any
/// of its own.
pub fn detach() {
    // Fails only for a process group leader, which is detached enough.
    let _ = nix::unistd::setsid();
    for descriptor in inherited() {
        let _ = nix::unistd::close(descriptor);
    }
    // A worker must not keep the user's directory busy.
    drop(std::env::set_current_dir(Path::new("/")));
}

fn inherited() -> Vec<i32> {
    let listed = |directory: &str| -> Option<Vec<i32>> {
        let entries = std::fs::read_dir(directory).ok()?;
        Some(
            entries
                .flatten()
                .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
                .filter(|descriptor| *descriptor > 2)
                .collect(),
        )
    };
    // The listing's own descriptor is in the list, and gone when it is read;
    // closing it again is an error that says nothing.
    listed("/proc/self/fd")
        .or_else(|| listed("/dev/fd"))
        .unwrap_or_default()
}
