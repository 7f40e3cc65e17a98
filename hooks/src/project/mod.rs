//! Which project a directory belongs to: one answer for capture, injection, search and commands.
//!
//! In this order: a name given in the environment, a marker file, the git repository (a linked work
//! tree or a submodule belongs to its main repository), the directory itself. A home directory, the
//! temporary directory and `/` are never projects, and no search goes through them, so that a
//! repository in the home does not swallow everything below it.
//!
//! A project must be the same one wherever its directory is named from, and must never be taken for
//! another one: what one client's project remembers may not be shown in another's. `claims` sees
//! to that where directories are called the same. Nothing here fails: what cannot be read counts as
//! absent.

mod claims;
mod git;
mod path;
mod resolve;
#[cfg(test)]
mod tests;

pub(crate) use path::canonical;
pub use resolve::{Kind, MARKER, Project, Request, Scope, UNFILED, git_head, read_scope, resolve};

/// Where the session was started, as the host's variable has it. It does not follow
/// `cd`, as the directory in a payload does.
pub fn host_dir() -> Option<std::path::PathBuf> {
    std::env::var_os("CLAUDE_PROJECT_DIR")
        .filter(|dir| !dir.is_empty())
        .map(Into::into)
}
