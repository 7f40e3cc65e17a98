//! What a search asks for.

use std::sync::Arc;

use capture::settings::Key;

use crate::search::{Reranker, moment};
use crate::store::web::{Criteria, Order};

use super::super::super::answer::Failure;
use super::super::super::ask::Params;
use super::super::super::state::{now_ms, settings};

const DEFAULT_LIMIT: usize = 20;
pub(super) const MOST: usize = 100;

/// Best hits that are looked through for rows that meet the criteria too.
pub(super) const LOOKED_THROUGH: usize = 400;

/// What is looked for.
#[derive(Debug, Clone)]
pub(in super::super) struct Wanted {
    pub(super) query: Option<String>,
    pub(super) kinds: Kinds,
    pub(super) criteria: Criteria,
    pub(super) order: Option<Order>,
    pub(super) limit: usize,
    pub(super) offset: usize,
    pub(super) format: Format,
    /// The sentence model that the settings name.
    pub(super) reranker: Option<Arc<Reranker>>,
}

/// Which tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kinds {
    pub(super) observations: bool,
    pub(super) sessions: bool,
    pub(super) prompts: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// What is needed to choose.
    Index,
    /// Rows.
    Full,
}

const ALL: Kinds = Kinds {
    observations: true,
    sessions: true,
    prompts: true,
};

pub(super) const OBSERVATIONS: Kinds = Kinds {
    sessions: false,
    prompts: false,
    ..ALL
};

pub(super) const SESSIONS: Kinds = Kinds {
    observations: false,
    prompts: false,
    ..ALL
};

pub(super) const PROMPTS: Kinds = Kinds {
    observations: false,
    sessions: false,
    ..ALL
};

impl Wanted {
    pub(super) fn from_params(params: &Params) -> Result<Self, Failure> {
        let mut kinds = ALL;
        let mut criteria = Criteria {
            project: params.owned("project"),
            platform: params.owned("platformSource"),
            kinds: params.list("obs_type"),
            concepts: params.list("concepts"),
            files: params.list("files"),
            from: at(params, "dateStart", false)?,
            until: at(params, "dateEnd", true)?,
        };
        match params.get("type") {
            None => {}
            Some("observations") => kinds = OBSERVATIONS,
            Some("sessions") => kinds = SESSIONS,
            Some("prompts") => kinds = PROMPTS,
            // Some clients call the type of observations so.
            Some(kind) => criteria.kinds.extend(kind.split(',').map(str::to_owned)),
        }
        if criteria.is_about_observations() {
            kinds = OBSERVATIONS;
        }
        let order = match params.get("orderBy") {
            None | Some("relevance") => None,
            Some("date_desc") => Some(Order::NewestFirst),
            Some("date_asc") => Some(Order::OldestFirst),
            Some(_) => {
                return Err(Failure::bad(
                    "orderBy must be relevance, date_desc or date_asc",
                ));
            }
        };
        let format = match params.get("format") {
            None | Some("index") => Format::Index,
            Some("full" | "json") => Format::Full,
            Some(_) => return Err(Failure::bad("format must be index, full or json")),
        };
        Ok(Self {
            query: params.any(&["query", "q"]).map(str::to_owned),
            kinds,
            criteria,
            order,
            limit: params.count("limit", DEFAULT_LIMIT, MOST)?,
            offset: params.count("offset", 0, LOOKED_THROUGH)?,
            format,
            reranker: settings().path(Key::EmbeddingModel).map(Reranker::at),
        })
    }

    /// Whether more must be found than is shown, to choose from.
    pub(super) fn chooses(&self) -> bool {
        self.order.is_some() || self.criteria.platform.is_some()
    }

    /// A search by words alone, for a session that waits: by the static table.
    pub(in super::super) fn words(
        query: &str,
        project: Option<String>,
        platform: Option<String>,
        limit: usize,
    ) -> Self {
        Self {
            query: Some(query.to_owned()),
            kinds: ALL,
            criteria: Criteria {
                project,
                platform,
                ..Criteria::default()
            },
            order: None,
            limit,
            offset: 0,
            format: Format::Full,
            reranker: None,
        }
    }
}

fn at(params: &Params, name: &str, end: bool) -> Result<Option<i64>, Failure> {
    params
        .get(name)
        .map(|text| {
            moment(text, end, now_ms()).ok_or_else(|| {
                Failure::bad(format!(
                    "{name} must be a date such as 2026-01-31, a span such as 7d, or milliseconds"
                ))
            })
        })
        .transpose()
}
