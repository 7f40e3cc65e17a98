//! What memory saves: a session that is told what earlier work found need not
//! find it again. What a session was told is not kept word for word; it is made
//! again from what is stored now, so the figures are estimates.

use std::collections::HashMap;
use std::fs;
use std::time::UNIX_EPOCH;

use capture::project::Scope;
use sockets_protocol::Locations;

use crate::store::{Reader, StoreError};

use super::fetch::{Input, Options, fetch, projects};
use super::render::render;
use super::told::{self, Told};

/// Sessions looked at, the newest first.
const MOST_SESSIONS: usize = 500;

/// Four characters a token is the usual rule for English and code.
const CHARS_PER_TOKEN: usize = 4;

/// What sessions were told, added up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Savings {
    /// Always: see the module.
    pub estimated: bool,
    pub sessions: u64,
    /// Tokens of the work behind the observations that were listed.
    pub work_tokens: i64,
    /// Tokens of the texts.
    pub told_tokens: i64,
    /// The difference.
    pub saved_tokens: i64,
}

/// Adds up the sessions that were last told something in `[from, until)`, in
/// epoch milliseconds. A session of which nothing was captured has no project,
/// and is left out.
///
/// # Errors
/// When the database cannot be read.
pub fn savings(
    reader: &Reader,
    locations: &Locations,
    options: Options,
    (from, until): (i64, i64),
) -> Result<Savings, StoreError> {
    let mut sum = Savings {
        estimated: true,
        ..Savings::default()
    };
    let mut known: HashMap<(String, i64, i64), (i64, i64)> = HashMap::new();
    for session in told_within(locations, from, until) {
        let Some(row) = reader.session_by_content_id(&session)? else {
            continue;
        };
        let Some(told) = told::read(locations, &session) else {
            continue;
        };
        let key = (row.project, told.observation, told.summary);
        let (work, text) = if let Some(cost) = known.get(&key) {
            *cost
        } else {
            let cost = cost(reader, &key.0, told, options)?;
            known.insert(key, cost);
            cost
        };
        sum.sessions += 1;
        sum.work_tokens = sum.work_tokens.saturating_add(work);
        sum.told_tokens = sum.told_tokens.saturating_add(text);
    }
    sum.saved_tokens = sum.work_tokens.saturating_sub(sum.told_tokens);
    Ok(sum)
}

/// Sessions by the time at which the note of what they were told was written.
fn told_within(locations: &Locations, from: i64, until: i64) -> Vec<String> {
    let mut found: Vec<(i64, String)> = fs::read_dir(locations.told_dir())
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let session = name.strip_suffix(".json")?.to_owned();
            let written = entry.metadata().ok()?.modified().ok()?;
            let since = written.duration_since(UNIX_EPOCH).ok()?;
            Some((i64::try_from(since.as_millis()).ok()?, session))
        })
        .filter(|(at, session)| (from..until).contains(at) && !session.starts_with('.'))
        .collect();
    found.sort_unstable_by(|left, right| right.cmp(left));
    found.truncate(MOST_SESSIONS);
    found.into_iter().map(|(_, session)| session).collect()
}

/// Tokens of the work behind what a session was told, and of the text.
fn cost(
    reader: &Reader,
    project: &str,
    told: Told,
    options: Options,
) -> Result<(i64, i64), StoreError> {
    let parent = project.split_once('/').map(|(parent, _)| parent.to_owned());
    let scope = Scope {
        children_of: parent.is_none().then(|| project.to_owned()),
        exact: std::iter::once(project.to_owned()).chain(parent).collect(),
    };
    let names = projects(reader, &scope)?;
    let mut input = Input::empty(project, options, super::zone::local());
    // Newer rows than the session was told stand first, and are let go of.
    let newer = reader.newer_than(&names, told.observation, told.summary)?;
    let more = Options {
        observations: options.observations.saturating_add(newer.0),
        summaries: options.summaries.saturating_add(newer.1),
        ..options
    };
    input.options = more;
    fetch(reader, &names, None, &mut input)?;
    input.options = options;
    input.observations.retain(|row| row.id <= told.observation);
    input.observations.truncate(options.observations);
    input.summaries.retain(|row| row.id <= told.summary);
    let summaries = options.summaries.max(usize::from(options.last_summary));
    input.summaries.truncate(summaries);
    let text = render(&input);
    let work = input
        .observations
        .iter()
        .filter(|row| text.contains(&format!("\n#{} ", row.id)))
        .map(|row| row.discovery_tokens.max(0))
        .sum();
    let tokens = text.chars().count().div_ceil(CHARS_PER_TOKEN);
    Ok((work, i64::try_from(tokens).unwrap_or(i64::MAX)))
}
