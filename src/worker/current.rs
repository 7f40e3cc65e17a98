//! The agent as the settings have it at this moment: a worker that waits for a
//! key or for room in the budget sees at once when its user has seen to it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use capture::settings::{FILE_NAME, Settings};
use sockets_protocol::Locations;

use super::agent::Agent;

/// An [`Agent`] that is made anew when the settings file has changed.
#[derive(Debug)]
pub(super) struct Current {
    locations: Locations,
    file: PathBuf,
    made: Mutex<Made>,
}

#[derive(Debug)]
struct Made {
    from: Stamp,
    agent: Arc<Agent>,
}

/// What tells one state of the file from another; `None` where there is none.
type Stamp = Option<(SystemTime, u64)>;

impl Current {
    pub(super) fn new(settings: &Settings, locations: &Locations) -> Self {
        let file = settings.data_dir().join(FILE_NAME);
        Self {
            made: Mutex::new(Made {
                from: stamp(&file),
                agent: Arc::new(Agent::new(settings, locations)),
            }),
            locations: locations.clone(),
            file,
        }
    }

    pub(super) fn agent(&self) -> Arc<Agent> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let found = stamp(&self.file);
        if found != made.from {
            tracing::info!("the settings have changed");
            *made = Made {
                from: found,
                agent: Arc::new(Agent::new(&Settings::load(), &self.locations)),
            };
        }
        Arc::clone(&made.agent)
    }
}

fn stamp(file: &std::path::Path) -> Stamp {
    let data = std::fs::metadata(file).ok()?;
    Some((data.modified().ok()?, data.len()))
}
