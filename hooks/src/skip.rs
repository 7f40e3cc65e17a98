//! Whether an event is captured at all, and if not, why.
//!
//! The cheap questions come first: an environment marker ends a hook before it reads anything. A
//! rule that cannot be understood as a glob is compared as plain text, so that a slip in a pattern
//! does not quietly let through what someone meant to keep out.

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::project::{Project, canonical};
use crate::settings::{Key, Settings, flag};

/// Set for everything that a worker starts, so that the model's own tools are never captured.
pub const INTERNAL_VARIABLE: &str = "CLAUDE_MEM_INTERNAL";

/// A file of this name in a directory ends capture there and below.
pub const IGNORE_FILE: &str = ".claude-mem-ignore";

/// Directories looked at for an ignore file; a limit for paths made to be slow.
const MAX_DEPTH: usize = 256;

/// Why an event is not captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SkipReason {
    Disabled,
    Internal,
    ToolExcluded,
    /// A tool of our own: memory must not become memory again.
    OwnTool,
    ProjectExcluded,
    IgnoredByProject,
    DataDir,
}

impl SkipReason {
    /// The name under which skipped events are counted and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Internal => "internal",
            Self::ToolExcluded => "tool_excluded",
            Self::OwnTool => "own_tool",
            Self::ProjectExcluded => "project_excluded",
            Self::IgnoredByProject => "project_ignored",
            Self::DataDir => "data_dir",
        }
    }
}

/// What the environment alone says; to be asked before anything is read.
pub fn disabled(environment: impl Fn(&str) -> Option<OsString>) -> Option<SkipReason> {
    if environment(INTERNAL_VARIABLE).is_some_and(|value| !value.is_empty()) {
        return Some(SkipReason::Internal);
    }
    environment(Key::Disabled.name())
        .is_some_and(|value| flag(&value.to_string_lossy()) == Some(true))
        .then_some(SkipReason::Disabled)
}

/// What the settings say, the file included.
pub fn disabled_by_settings(settings: &Settings) -> Option<SkipReason> {
    settings.bool(Key::Disabled).then_some(SkipReason::Disabled)
}

/// Whether calls of the tool `name` are left out. Upper and lower case differ, as they do in the
/// host's own matchers.
pub fn tool(settings: &Settings, name: &str) -> Option<SkipReason> {
    if is_own(name) {
        return Some(SkipReason::OwnTool);
    }
    settings
        .list(Key::SkipTools)
        .iter()
        .any(|rule| matches_text(rule, name))
        .then_some(SkipReason::ToolExcluded)
}

/// Whether a tool is our MCP server's, by the name that Claude Code gives it: `mcp__`, the server's
/// name (a plugin's server has the plugin's before it), `__` and the tool's.
fn is_own(name: &str) -> bool {
    name.strip_prefix("mcp__")
        .and_then(|rest| rest.split_once("__"))
        .is_some_and(|(server, _)| {
            server == "claude-mem" || server.starts_with("plugin_claude-mem_")
        })
}

/// Whether events of this project, or from this working directory, are left out.
pub fn project(settings: &Settings, project: &Project, cwd: &Path) -> Option<SkipReason> {
    let places = [project.root.clone(), cwd.to_owned(), canonical(cwd)];
    let data_dir = canonical(settings.data_dir());
    if places
        .iter()
        .any(|place| place.starts_with(&data_dir) || place.starts_with(settings.data_dir()))
    {
        return Some(SkipReason::DataDir);
    }
    let rules = settings.list(Key::ExcludedProjects);
    if rules
        .iter()
        .any(|rule| excludes(rule, project, &places, settings.home()))
    {
        return Some(SkipReason::ProjectExcluded);
    }
    has_ignore_file(&project.root, &places[2], settings.home())
        .then_some(SkipReason::IgnoredByProject)
}

/// Whether one rule excludes the project. A leading `!` turns the rule round: `!{billing,~/work}`
/// captures those two and nothing else.
fn excludes(rule: &str, project: &Project, places: &[PathBuf], home: Option<&Path>) -> bool {
    if let Some(inner) = rule.strip_prefix('!') {
        let inner = inner
            .strip_prefix('{')
            .and_then(|inner| inner.strip_suffix('}'))
            .filter(|inner| !inner.contains(['{', '}']))
            .unwrap_or(inner);
        return !inner
            .split(',')
            .map(str::trim)
            .filter(|rule| !rule.is_empty())
            .any(|rule| covers(rule, project, places, home));
    }
    covers(rule, project, places, home)
}

fn covers(rule: &str, project: &Project, places: &[PathBuf], home: Option<&Path>) -> bool {
    let expanded = match rule.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => home.map(|home| {
            // Joining an absolute path would replace the home.
            home.join(rest.trim_start_matches('/'))
        }),
        _ => None,
    };
    let path = expanded.as_deref().unwrap_or(Path::new(rule));
    if path.is_absolute() {
        return covers_path(path, places);
    }
    // A project whose name had to be made unique is still meant by the name people know it by, and
    // a rule for a project holds for its work trees.
    let directory = project.root.file_name().unwrap_or_default();
    let names = [
        &*project.name,
        &*project.label,
        &*directory.to_string_lossy(),
    ];
    let named = names
        .iter()
        .flat_map(|name| Path::new(*name).ancestors())
        .any(|name| matches_text(rule.trim_end_matches('/'), &name.to_string_lossy()));
    named
        || rule.contains("**")
            && places
                .iter()
                .any(|place| matches_below(rule, place.strip_prefix("/").unwrap_or(place)))
}

/// Whether a rule that begins at the root of the file system covers one of the places, or a
/// directory above it: what is below an excluded directory is excluded.
fn covers_path(rule: &Path, places: &[PathBuf]) -> bool {
    if places.iter().any(|place| place.starts_with(rule)) {
        return true;
    }
    // The part without wildcards may lead through symbolic links; places are without them.
    let plain: PathBuf = rule
        .components()
        .take_while(|component| !is_glob(&component.as_os_str().to_string_lossy()))
        .collect();
    let base = canonical(&plain);
    match rule.strip_prefix(&plain) {
        Ok(rest) if !rest.as_os_str().is_empty() => {
            let rest = rest.to_string_lossy();
            places
                .iter()
                .flat_map(|place| [place.strip_prefix(&base), place.strip_prefix(&plain)])
                .flatten()
                .any(|below| matches_below(&rest, below))
        }
        _ => places.iter().any(|place| place.starts_with(&base)),
    }
}

fn matches_below(glob: &str, path: &Path) -> bool {
    path.ancestors()
        .take(MAX_DEPTH)
        .filter(|ancestor| !ancestor.as_os_str().is_empty())
        .any(|ancestor| matches_text(glob, &ancestor.to_string_lossy()))
}

fn matches_text(rule: &str, text: &str) -> bool {
    if is_glob(rule) && fast_glob::validate(rule).is_ok() {
        fast_glob::glob_match(rule, text)
    } else {
        rule == text
    }
}

fn is_glob(text: &str) -> bool {
    text.contains(['*', '?', '[', '{'])
}

/// Looks in the working directory, and above it as far as the project's root. A working directory
/// outside the project has its own say up to the top of its repository, and so has the root. The
/// home directory counts only for someone who works in it.
fn has_ignore_file(root: &Path, cwd: &Path, home: Option<&Path>) -> bool {
    let ignored = |place: &Path| place.join(IGNORE_FILE).symlink_metadata().is_ok();
    if ignored(root) {
        return true;
    }
    let home = home.map(canonical);
    for (depth, place) in cwd.ancestors().take(MAX_DEPTH).enumerate() {
        let above_all = depth > 0 && (place.parent().is_none() || Some(place) == home.as_deref());
        if place == root || above_all {
            return false;
        }
        if ignored(place) {
            return true;
        }
        if !cwd.starts_with(root) && place.join(".git").symlink_metadata().is_ok() {
            return false;
        }
    }
    false
}
