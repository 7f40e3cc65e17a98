//! An event that does not come from Claude Code's hooks: another host hands it in,
//! and it goes the way of every event.

use std::path::PathBuf;
use std::time::Instant;

use serde_json::{Map, Value};

use crate::deliver::Delivery;
use crate::event::event;
use crate::project::{Kind, Project};
use crate::run::{Taken, resolve_project, take};
use crate::settings::Settings;
use crate::skip;

/// What became of an event that was handed in.
#[derive(Debug)]
pub enum Relayed {
    /// It is not captured, for this reason.
    Skipped(&'static str),
    /// It is on its way under this id.
    Handed {
        event_id: String,
        delivery: Delivery,
    },
}

/// Whose event it is, where its sender says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedProject {
    pub name: String,
    /// Top of the project's work tree; empty where unknown.
    pub root: PathBuf,
}

/// Hands in an event with the fields of Claude Code's payloads
/// (`hook_event_name`, `session_id`, …). Without `project` it belongs to the
/// project of its `cwd`. The worker has until `ack_by` to answer; an event that
/// finds none is spooled, and a worker is started.
pub fn relay(
    settings: &Settings,
    payload: Map<String, Value>,
    project: Option<NamedProject>,
    ack_by: Instant,
) -> Relayed {
    if let Some(reason) = skip::disabled_by_settings(settings) {
        return Relayed::Skipped(reason.as_str());
    }
    let Some(event) = event(payload.into(), None) else {
        return Relayed::Skipped("no_event");
    };
    let taken = take(
        settings,
        event,
        |event| match project {
            Some(named) => Project {
                label: named.name.clone(),
                name: named.name,
                parent: None,
                root: named.root,
                kind: Kind::Override,
                git_dir: None,
            },
            None => resolve_project(settings, None, event.cwd.as_deref()),
        },
        ack_by,
    );
    match taken {
        Taken::Skipped(reason) => Relayed::Skipped(reason),
        Taken::Handed {
            event_id, delivery, ..
        } => Relayed::Handed { event_id, delivery },
    }
}
