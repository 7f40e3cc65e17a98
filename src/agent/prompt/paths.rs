//! Paths as people of the project say them.

use std::borrow::Cow;

use crate::agent::Turn;

/// Shortest root that is taken out of texts, in bytes; a shorter one could be
/// part of anything.
const LEAST_ROOT: usize = 6;

/// The root of a turn's project.
#[derive(Debug)]
pub(super) struct Root {
    /// Without a `/` at its end. `None` where unknown or too short.
    root: Option<String>,
}

impl Root {
    /// The project's root, else the directory that all calls were made in.
    pub(super) fn of(turn: &Turn) -> Self {
        let known = turn
            .root
            .as_ref()
            .and_then(|root| root.to_str())
            .map(str::to_owned);
        let root = known
            .or_else(|| common(turn))
            .map(|root| root.trim_end_matches('/').to_owned())
            .filter(|root| root.len() >= LEAST_ROOT && root.starts_with('/'));
        Self { root }
    }

    /// A text with the project's paths relative to its root, which is `.`.
    pub(super) fn relative<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let Some(root) = self.root.as_deref().filter(|root| text.contains(*root)) else {
            return Cow::Borrowed(text);
        };
        let mut out = String::with_capacity(text.len());
        let mut kept = 0;
        for (at, _) in text.match_indices(root) {
            let end = at + root.len();
            let before = text[..at].chars().next_back();
            let mut after = text[end..].chars();
            let (next, second) = (after.next(), after.next());
            if at < kept || before.is_some_and(is_of_path) {
                continue;
            }
            let inside = next == Some('/') && second.is_some_and(|c| c != '/' && is_of_path(c));
            let another = match next {
                // The end of a sentence, or of a longer name.
                Some('.') => second.is_some_and(is_of_path),
                Some(c) => c != '/' && is_of_path(c),
                None => false,
            };
            if another {
                continue;
            }
            out.push_str(&text[kept..at]);
            if !inside {
                out.push('.');
            }
            kept = end + usize::from(inside);
        }
        out.push_str(&text[kept..]);
        Cow::Owned(out)
    }
}

/// Whether a path goes on with this character.
fn is_of_path(c: char) -> bool {
    c.is_alphanumeric() || "/._-~".contains(c)
}

fn common(turn: &Turn) -> Option<String> {
    let mut all = turn.events.iter().filter_map(|event| event.cwd.as_deref());
    let mut common: Vec<&str> = all.next()?.trim_end_matches('/').split('/').collect();
    for cwd in all {
        let same = common
            .iter()
            .zip(cwd.split('/'))
            .take_while(|(a, b)| **a == *b)
            .count();
        common.truncate(same);
    }
    Some(common.join("/"))
}
