//! The rows that a session may be told.

use capture::project::Scope;
use capture::settings::{Key, Settings};
use jiff::tz::TimeZone;

use crate::health::Stall;
use crate::store::{Filter, ObservationRow, Reader, StoreError, SummaryRow};

/// How far stored rows are counted: beyond it "more than" is as good.
const COUNT_UP_TO: i64 = 1_000;

/// The settings `CLAUDE_MEM_CONTEXT_*`.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each one is a switch that the user sets by itself"
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    pub observations: usize,
    /// Summaries listed; there is one for each turn.
    pub summaries: usize,
    pub full_count: usize,
    /// Show the facts of an observation in full instead of its narrative.
    pub full_facts: bool,
    pub last_summary: bool,
    pub read_tokens: bool,
    pub work_tokens: bool,
    pub savings_amount: bool,
    pub savings_percent: bool,
}

impl Options {
    pub fn from_settings(settings: &Settings) -> Self {
        let number = |key| usize::try_from(settings.number(key)).unwrap_or(usize::MAX);
        Self {
            observations: number(Key::ContextObservations),
            summaries: number(Key::ContextSessionCount),
            full_count: number(Key::ContextFullCount),
            full_facts: settings.get(Key::ContextFullField) == "facts",
            last_summary: settings.bool(Key::ContextShowLastSummary),
            read_tokens: settings.bool(Key::ContextShowReadTokens),
            work_tokens: settings.bool(Key::ContextShowWorkTokens),
            savings_amount: settings.bool(Key::ContextShowSavingsAmount),
            savings_percent: settings.bool(Key::ContextShowSavingsPercent),
        }
    }
}

/// What the session knows already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Since {
    pub observation: i64,
    pub summary: i64,
    /// The session that resumes: its own rows are no news to it.
    pub session_db_id: Option<i64>,
}

/// Whether the session is told everything, or only what is new to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Start,
    Resume,
}

/// How many rows the projects have, counted up to a bound.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stored {
    pub observations: i64,
    pub summaries: i64,
}

impl Stored {
    /// The count in words: exact below the bound.
    pub(super) fn words(count: i64, shown: usize) -> Option<String> {
        let more = count.saturating_sub(i64::try_from(shown).unwrap_or(i64::MAX));
        match count {
            _ if more <= 0 => None,
            COUNT_UP_TO => Some(format!("more than {}", more - 1)),
            _ => Some(more.to_string()),
        }
    }
}

/// All that a rendering depends on.
#[derive(Debug, Clone)]
pub struct Input {
    /// The project's name for people.
    pub project: String,
    pub mode: Mode,
    pub options: Options,
    /// Newest first, no more than the options say.
    pub observations: Vec<ObservationRow>,
    /// Newest first; the first one is shown in full.
    pub summaries: Vec<SummaryRow>,
    pub stored: Stored,
    pub stall: Option<Stall>,
    /// Zone of the days and times shown.
    pub zone: TimeZone,
}

impl Input {
    /// Nothing in memory yet.
    pub fn empty(project: &str, options: Options, zone: TimeZone) -> Self {
        Self {
            project: project.to_owned(),
            mode: Mode::Start,
            options,
            observations: Vec::new(),
            summaries: Vec::new(),
            stored: Stored::default(),
            stall: None,
            zone,
        }
    }

    /// The highest ids among the rows: what the session has been told once it
    /// has read the rendering. What did not fit counts too; the text says that
    /// there is more.
    pub fn highest(&self) -> (i64, i64) {
        let observation = self.observations.iter().map(|row| row.id).max();
        let summary = self.summaries.iter().map(|row| row.id).max();
        (observation.unwrap_or(0), summary.unwrap_or(0))
    }
}

/// The stored projects that a reader of this scope sees.
pub fn projects(reader: &Reader, scope: &Scope) -> Result<Vec<String>, StoreError> {
    let mut names = scope.exact.clone();
    if let Some(parent) = &scope.children_of {
        names.extend(reader.children_of(parent)?);
    }
    Ok(names)
}

/// Fills `input` with the rows of these projects; with `since`, with what is
/// new to a session that resumes. Rows of subagents are steps on the way to
/// what the main agent's rows say, so they count only where there is nothing
/// else.
pub fn fetch(
    reader: &Reader,
    projects: &[String],
    since: Option<Since>,
    input: &mut Input,
) -> Result<(), StoreError> {
    let options = input.options;
    let filter = |limit, after: Option<i64>| Filter {
        projects: Some(projects.to_vec()),
        not_session_db_id: since.and_then(|since| since.session_db_id),
        after_id: after,
        limit,
        ..Filter::default()
    };
    reader.snapshot(|| {
        let observations = filter(options.observations, since.map(|since| since.observation));
        input.observations = reader.current_observations(&observations, false)?;
        if input.observations.is_empty() && since.is_none() {
            input.observations = reader.current_observations(&observations, true)?;
        }
        let summaries = options.summaries.max(usize::from(options.last_summary));
        input.summaries =
            reader.current_summaries(&filter(summaries, since.map(|since| since.summary)))?;
        if since.is_none() {
            let (observations, summaries) = reader.stored_up_to(projects, COUNT_UP_TO)?;
            input.stored = Stored {
                observations,
                summaries,
            };
        }
        Ok(())
    })?;
    input.mode = if since.is_some() {
        Mode::Resume
    } else {
        Mode::Start
    };
    Ok(())
}
