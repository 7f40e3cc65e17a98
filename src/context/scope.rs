//! Which projects somebody means: the one at a directory, or one by its name.

use std::path::Path;

use capture::project::{self, Project, Scope};
use capture::settings::{Key, Settings};

/// The project of a directory, found without claiming its name.
pub fn project_at(settings: &Settings, dir: &Path) -> Project {
    let name = settings.get(Key::Project);
    project::resolve(&project::Request {
        dir,
        home: settings.home(),
        temp_dir: &std::env::temp_dir(),
        data_dir: settings.data_dir(),
        name_override: Some(name.as_ref()).filter(|name| !name.is_empty()),
        claim: false,
    })
}

/// What belongs to a project of this name, wherever it lies: a main repository
/// has its work trees, a work tree its main repository.
pub fn scope_named(name: &str) -> Scope {
    let parent = name.split_once('/').map(|(parent, _)| parent.to_owned());
    let children_of = parent.is_none().then(|| name.to_owned());
    let exact = std::iter::once(name.to_owned()).chain(parent).collect();
    Scope { exact, children_of }
}
