//! What a session is told, for those who are not started by Claude Code.

use std::fmt::Write as _;
use std::sync::Arc;

use anstyle::{AnsiColor, Style};
use axum::extract::State;
use capture::project::Scope;
use serde_json::json;

use crate::context::{self, Input, Options, text::joined, zone};
use crate::health::Stall;
use crate::store::Reader;
use crate::store::web::{Fields as _, Page, WebObservation, WebSummary};

use super::super::answer::{self, Answer, Failure, Fields, Items, ok};
use super::super::ask::{JsonBody, Params};
use super::super::kept::Bytes;
use super::super::state::{Shared, settings};
use super::health::look;
use super::render;
use super::search::{Wanted, find};

/// Observations that go with each recent summary.
const OBSERVATIONS_EACH: usize = 10;

const STRONG: Style = Style::new().bold();
const NUMBER: Style = AnsiColor::Cyan.on_default();

pub(in super::super) async fn inject(state: State<Shared>, params: Params) -> Answer {
    let projects = params.list("projects");
    let projects = match params.owned("project") {
        Some(project) => vec![project],
        None if projects.is_empty() => {
            return Err(Failure::bad("Project parameter is required"));
        }
        None => projects,
    };
    tell(state, projects, params.flag("full"), params.flag("colors")).await
}

pub(in super::super) async fn preview(state: State<Shared>, params: Params) -> Answer {
    let project = params
        .owned("project")
        .ok_or_else(|| Failure::bad("Project parameter is required"))?;
    tell(state, vec![project], params.flag("full"), true).await
}

/// The last of several projects is where the session is; the others are told
/// along with it.
async fn tell(
    State(app): State<Shared>,
    projects: Vec<String>,
    full: bool,
    colours: bool,
) -> Answer {
    let health = look(&app).await?;
    let stall = health.stall_reason.clone().map(|cause| Stall {
        cause,
        action: health.stall_action.clone().unwrap_or_default(),
    });
    let asked = Arc::clone(&app);
    app.pool
        .read(move |reader| {
            let mut options = Options::from_settings(&settings());
            if full {
                options.full_count = options.observations;
            }
            let start = SessionStart {
                projects,
                options,
                stall,
            };
            let path = asked.locations.database();
            let text = asked
                .starts
                .get(&path, &start, |start| start.text(reader))?;
            Ok(answer::text(if colours {
                painted(&text)
            } else {
                String::clone(&text)
            }))
        })
        .await
}

/// All that a session's start is told by, beside the rows: the same rows give the
/// same text, since no clock has a part in it.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) struct SessionStart {
    projects: Vec<String>,
    options: Options,
    stall: Option<Stall>,
}

impl Bytes for SessionStart {
    fn bytes(&self) -> usize {
        let stall = self.stall.as_ref();
        self.projects.bytes() + stall.map_or(0, |stall| stall.cause.len() + stall.action.len())
    }
}

impl SessionStart {
    fn text(&self, reader: Option<&Reader>) -> Result<String, Failure> {
        let here = self.projects.last().map(String::as_str).unwrap_or_default();
        let mut input = Input::empty(here, self.options, zone::local());
        if let Some(reader) = reader {
            let mut names = Vec::new();
            for project in &self.projects {
                names.extend(context::projects(reader, &scope(project))?);
            }
            names.sort_unstable();
            names.dedup();
            context::fetch(reader, &names, None, &mut input)?;
        }
        input.stall.clone_from(&self.stall);
        Ok(context::render(&input))
    }
}

/// What a session of this project sees.
fn scope(name: &str) -> Scope {
    let parent = name.split_once('/').map(|(parent, _)| parent.to_owned());
    let children_of = parent.is_none().then(|| name.to_owned());
    let exact = std::iter::once(name.to_owned()).chain(parent).collect();
    Scope { exact, children_of }
}

/// Headings and ids stand out on a terminal.
fn painted(text: &str) -> String {
    let mut shown = String::with_capacity(text.len() * 5 / 4);
    for line in text.lines() {
        let id = line.split(' ').next().unwrap_or_default();
        if line.starts_with("# ") || line.starts_with("## ") {
            let _ = write!(shown, "{STRONG}{line}{STRONG:#}");
        } else if id
            .trim_end_matches(',')
            .strip_prefix(['#', 'S'])
            .is_some_and(is_number)
        {
            let _ = write!(shown, "{NUMBER}{id}{NUMBER:#}{}", &line[id.len()..]);
        } else {
            shown.push_str(line);
        }
        shown.push('\n');
    }
    shown
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

pub(in super::super) async fn recent(State(app): State<Shared>, params: Params) -> Answer {
    let project = params.owned("project");
    let limit = params.count("limit", 3, 100)?;
    app.pool
        .read(move |reader| {
            let page = |limit| Page {
                project: project.clone(),
                limit,
                ..Page::default()
            };
            let mut text = String::new();
            let (mut summaries, mut observations) = (Items::default(), Items::default());
            if let Some(reader) = reader {
                reader.in_snapshot(|| {
                    let mut rows = reader.web_rows_of::<WebSummary>()?;
                    for id in reader.web_page::<WebSummary>(&page(limit))? {
                        rows.see(id, |row| {
                            render::summary(&mut text, &row);
                            summaries.push(|object| row.fields(object));
                        })?;
                    }
                    let mut rows = reader.web_rows_of::<WebObservation>()?;
                    for id in reader.web_page::<WebObservation>(&page(limit * OBSERVATIONS_EACH))? {
                        rows.see(id, |row| {
                            render::observation(&mut text, &row);
                            observations.push(|object| row.fields(object));
                        })?;
                    }
                    Ok::<_, Failure>(())
                })?;
            }
            let (summaries, observations) = (summaries.done(), observations.done());
            Ok(Fields::default()
                .put_items("summaries", &[&summaries])
                .put_items("session_summaries", &[&summaries])
                .put_items("observations", &[&observations])
                .put_items("recent_observations", &[&observations])
                .put("content", &json!([{ "type": "text", "text": text }]))?
                .ok())
        })
        .await
}

/// What memory says to a question, as a text to put in front of it.
pub(in super::super) async fn semantic(State(app): State<Shared>, body: JsonBody) -> Answer {
    let Some(query) = body.text(&["q", "query"]).map(str::to_owned) else {
        return Err(Failure::bad("q is required"));
    };
    let limit = body.count("limit", 5, 50)?;
    let project = body.text(&["project"]).map(str::to_owned);
    let platform = body.text(&["platformSource"]).map(str::to_owned);
    let asked = Arc::clone(&app);
    app.pool
        .read(move |reader| {
            let wanted = Wanted::words(&query, project, platform, limit);
            let found = find(&asked, reader, &wanted)?;
            let mut text = String::new();
            let mut count = 0;
            if let Some(reader) = reader {
                let mut rows = reader.web_rows_of::<WebObservation>()?;
                for hit in &found.observations {
                    let told = rows.see(hit.id, |row| {
                        let _ = writeln!(text, "#{} {}", row.id, joined(&row.title));
                        let _ = writeln!(text, "{}\n", joined(&row.narrative));
                    })?;
                    count += usize::from(told.is_some());
                }
            }
            ok(&json!({ "context": text.trim_end(), "count": count }))
        })
        .await
}
