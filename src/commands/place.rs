//! Where a command runs: its settings, its files, its project.

use std::io::Write;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, anyhow};
use capture::project::{self, Project, Scope};
use capture::settings::Settings;
use clap::Args;
use sockets_protocol::Locations;

use crate::context::{project_at, projects, scope_named};
use crate::health::Stall;
use crate::store::{Reader, StoreError};

/// Which projects a command looks at.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Which {
    /// Look at this project instead of the one of the current directory
    #[arg(long, value_name = "NAME", conflicts_with = "all")]
    pub(super) project: Option<String>,
    /// Look at all projects
    #[arg(long)]
    pub(super) all: bool,
}

#[derive(Debug)]
pub(super) struct Place {
    pub(super) settings: Settings,
    pub(super) locations: Locations,
}

impl Place {
    pub(super) fn here() -> Self {
        let settings = Settings::load();
        let locations = Locations::new(settings.data_dir());
        Self {
            settings,
            locations,
        }
    }

    /// `None` where nothing has been remembered yet.
    pub(super) fn reader(&self) -> anyhow::Result<Option<Reader>> {
        Reader::open(&self.locations.database()).map_err(told)
    }

    /// The project of the current directory, found without claiming its name.
    pub(super) fn project(&self) -> anyhow::Result<Project> {
        Ok(project_at(&self.settings, &Self::directory()?))
    }

    /// The directory that a command is about.
    ///
    /// What an assistant runs in a folder of its project is about the project,
    /// as what its hooks capture there is.
    pub(super) fn directory() -> anyhow::Result<PathBuf> {
        let here = std::env::current_dir().context(
            "failed to find the current directory: change to one that exists, or give --project",
        )?;
        Ok(project::host_dir()
            .filter(|project| here.starts_with(project))
            .unwrap_or(here))
    }

    /// The name of the project that is meant, and what belongs to it; `None`
    /// for all projects.
    pub(super) fn scope(&self, which: &Which) -> anyhow::Result<Option<(String, Scope)>> {
        if which.all {
            return Ok(None);
        }
        let Some(name) = &which.project else {
            let project = self.project()?;
            let scope = project::read_scope(&project);
            return Ok(Some((project.name, scope)));
        };
        Ok(Some((name.clone(), scope_named(name))))
    }
}

/// The stored projects in a scope; `None` for all.
pub(super) fn stored(
    reader: &Reader,
    scope: Option<&(String, Scope)>,
) -> anyhow::Result<Option<Vec<String>>> {
    scope
        .map(|(_, scope)| projects(reader, scope))
        .transpose()
        .map_err(told)
}

/// Epoch milliseconds.
pub(super) fn now_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_millis()).ok())
        .unwrap_or(0)
}

/// What the store reports, with the next step.
#[expect(
    clippy::needless_pass_by_value,
    reason = "stands in map_err, which hands the error over"
)]
pub(super) fn told(error: StoreError) -> anyhow::Error {
    let stall = Stall::of_store(&error);
    anyhow!("{}: {}", stall.cause, stall.action)
}

/// One line for someone who has no memories yet, or looks in the wrong place.
pub(super) fn nothing_here(
    out: &mut dyn Write,
    scope: Option<&(String, Scope)>,
) -> anyhow::Result<()> {
    match scope {
        Some((name, _)) => writeln!(
            out,
            "Nothing is remembered of {} yet. `claude-mem list --all` looks at all projects, `claude-mem status` says whether memory is being kept.",
            crate::context::text::line(name)
        )?,
        None => writeln!(
            out,
            "Nothing is remembered yet. `claude-mem status` says whether memory is being kept."
        )?,
    }
    Ok(())
}
