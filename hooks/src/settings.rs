//! Settings: an environment variable wins, then `settings.json`, then a default.
//!
//! `settings.json` in the data directory is a flat object of `CLAUDE_MEM_*` names. Loading never
//! fails: whatever is wrong with the file is remembered for `status` to tell, and defaults hold.
//! The hooks load settings on every event, so loading is one read and one small parse, and values
//! are interpreted only when they are asked for.

mod store;
mod table;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

pub use store::{Change, SetError, create_private_dir, set};
pub(crate) use store::{open_lock, write_beside};
pub use table::{Key, Kind, Place, SETTINGS, Setting, find};

/// The settings file inside the data directory.
pub const FILE_NAME: &str = "settings.json";

/// A settings file longer than this is refused: the whole table takes about 2 KB.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Where a value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    Environment,
    File,
    Default,
}

/// The settings in force for one process.
#[derive(Debug, Clone)]
pub struct Settings {
    environment: BTreeMap<&'static str, String>,
    file: Map<String, Value>,
    data_dir: PathBuf,
    home: Option<PathBuf>,
    problem: Option<String>,
}

impl Settings {
    /// The settings of this process: its environment, and the file in its data directory.
    pub fn load() -> Self {
        // One pass over the environment costs less than a lookup for each row of the table. A value
        // that is not UTF-8 is converted with loss, and then fails its check instead of vanishing.
        let environment: BTreeMap<OsString, OsString> = std::env::vars_os()
            .filter(|(name, _)| {
                name.as_encoded_bytes().starts_with(b"CLAUDE_MEM_") || name == "HOME"
            })
            .collect();
        let home = std::env::home_dir().filter(|home| !home.as_os_str().is_empty());
        let data_dir = data_dir(
            environment
                .get(std::ffi::OsStr::new("CLAUDE_MEM_DATA_DIR"))
                .map(Path::new),
            home.as_deref(),
        );
        let text = |name: &str| {
            environment
                .get(std::ffi::OsStr::new(name))
                .map(|value| value.to_string_lossy().into_owned())
        };
        Self {
            home,
            ..Self::from_parts(text, data_dir)
        }
    }

    /// The settings that hold for this environment and data directory; the process's own
    /// environment is not consulted.
    pub fn from_parts(
        environment: impl Fn(&str) -> Option<String>,
        data_dir: impl Into<PathBuf>,
    ) -> Self {
        let data_dir = data_dir.into();
        let path = data_dir.join(FILE_NAME);
        let (file, problem) = match read_file(&path) {
            Ok(file) => (file.unwrap_or_default(), None),
            Err(reason) => (
                Map::new(),
                Some(format!("{}: {reason}; defaults hold", path.display())),
            ),
        };
        Self {
            home: environment("HOME")
                .filter(|home| !home.is_empty())
                .map(PathBuf::from),
            environment: SETTINGS
                .iter()
                .filter_map(|setting| Some((setting.name, environment(setting.name)?)))
                .collect(),
            file,
            data_dir,
            problem,
        }
    }

    /// The directory that holds everything, absolute wherever a home is known.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// The user's home directory.
    pub fn home(&self) -> Option<&Path> {
        self.home.as_deref()
    }

    /// What is wrong with the settings file as a whole, naming its path and the reason.
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// Everything that is wrong: the file as a whole, and each value that was ignored. Unknown
    /// names are no problem, for the file may belong to a newer or another version.
    pub fn problems(&self) -> Vec<String> {
        let mut found: Vec<String> = self.problem.iter().cloned().collect();
        for setting in SETTINGS {
            if setting.place == Place::Environment && self.file.contains_key(setting.name) {
                found.push(format!(
                    "{} in {} is ignored: it can only be set in the environment",
                    setting.name,
                    self.data_dir.join(FILE_NAME).display(),
                ));
            }
            if let (Some(raw), source) = self.raw(setting)
                && let Err(reason) = check(setting, &raw)
            {
                let place = match source {
                    Source::Environment => "in the environment".to_owned(),
                    _ => format!("in {}", self.data_dir.join(FILE_NAME).display()),
                };
                found.push(format!(
                    "{} {place} is ignored: {reason}; the default {:?} holds",
                    setting.name, setting.default
                ));
            }
        }
        found
    }

    /// Where the value of `key` comes from; a value that is not valid counts as not given.
    pub fn source(&self, key: Key) -> Source {
        match self.valid(key.setting()) {
            Some((_, source)) => source,
            None => Source::Default,
        }
    }

    /// The value as text. A choice comes in its table spelling, everything else as it was written.
    pub fn get(&self, key: Key) -> Cow<'_, str> {
        if key == Key::DataDir {
            return self.data_dir.to_string_lossy();
        }
        let setting = key.setting();
        match self.valid(setting) {
            Some((text, _)) => match setting.kind {
                Kind::Choice(words) => choice(words, &text).map_or(text, Cow::Borrowed),
                _ => text,
            },
            None => Cow::Borrowed(setting.default),
        }
    }

    /// The value as a path, `None` where it is empty. As in [`data_dir`], a leading `~/` is the home,
    /// and so is the base of a relative path.
    pub fn path(&self, key: Key) -> Option<PathBuf> {
        let text = self.get(key);
        let text = text.trim();
        (!text.is_empty()).then(|| data_dir(Some(Path::new(text)), self.home()))
    }

    /// The value of a flag; `false` for a key that is no flag.
    pub fn bool(&self, key: Key) -> bool {
        flag(&self.get(key)).unwrap_or_default()
    }

    /// The value of a number, within the bounds of its row; 0 for a key that is no number.
    pub fn number(&self, key: Key) -> u64 {
        self.get(key).trim().parse().unwrap_or_default()
    }

    /// The items of a list, trimmed, without empty ones.
    pub fn list(&self, key: Key) -> Vec<String> {
        items(&self.get(key)).unwrap_or_default()
    }

    /// The value that was given and stands its check.
    fn valid(&self, setting: &Setting) -> Option<(Cow<'_, str>, Source)> {
        let (raw, source) = self.raw(setting);
        raw.filter(|raw| check(setting, raw).is_ok())
            .map(|raw| (raw, source))
    }

    /// The value that was given, valid or not. Nothing but a list can be meant to be empty, so an
    /// empty value of another kind counts as not given.
    fn raw(&self, setting: &Setting) -> (Option<Cow<'_, str>>, Source) {
        let given = |text: &str| setting.kind == Kind::List || !text.trim().is_empty();
        if let Some(text) = self.environment.get(setting.name)
            && given(text)
        {
            return (Some(Cow::Borrowed(text)), Source::Environment);
        }
        if setting.place == Place::Environment {
            return (None, Source::Default);
        }
        let text = match self.file.get(setting.name) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(Cow::Borrowed(text.as_str())),
            Some(other) => Some(Cow::Owned(other.to_string())),
        };
        match text {
            Some(text) if given(&text) => (Some(text), Source::File),
            _ => (None, Source::Default),
        }
    }
}

/// Where everything is kept: the value of `CLAUDE_MEM_DATA_DIR`, else `.claude-mem` in the home.
/// A leading `~/` is the home, and so is the base of a relative path, because the hooks' own
/// working directory changes from event to event.
pub fn data_dir(value: Option<&Path>, home: Option<&Path>) -> PathBuf {
    let home = home.unwrap_or(Path::new("/"));
    match value {
        Some(value) if !value.as_os_str().is_empty() => {
            home.join(value.strip_prefix("~").unwrap_or(value))
        }
        _ => home.join(".claude-mem"),
    }
}

/// The object in a settings file, `None` where there is no file, or why it cannot be used.
fn read_file(path: &Path) -> Result<Option<Map<String, Value>>, String> {
    let mut bytes = Vec::new();
    let read = match std::fs::metadata(path) {
        // Opening a pipe would wait for its writer.
        Ok(metadata) if !metadata.is_file() => return Err("is not a regular file".to_owned()),
        Ok(_) => {
            File::open(path).and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes))
        }
        Err(error) => Err(error),
    };
    match read {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
        Ok(read) if read as u64 > MAX_FILE_BYTES => {
            return Err(format!("is longer than {MAX_FILE_BYTES} bytes"));
        }
        Ok(_) => {}
    }
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    match serde_json::from_slice(text) {
        Ok(Value::Object(map)) => Ok(Some(map)),
        Ok(_) => Err("is JSON, but not an object".to_owned()),
        Err(error) => Err(format!("is not valid JSON: {error}")),
    }
}

/// Whether `text` is a value for `setting`; if not, what would be.
fn check(setting: &Setting, text: &str) -> Result<(), String> {
    let wanted = match setting.kind {
        Kind::Text | Kind::Secret if text.contains(char::is_control) => {
            "text in one line".to_owned()
        }
        Kind::Flag if flag(text).is_none() => "true or false".to_owned(),
        Kind::Number { min, max }
            if !text
                .trim()
                .parse()
                .is_ok_and(|number: u64| (min..=max).contains(&number)) =>
        {
            format!("a whole number from {min} to {max}")
        }
        Kind::List if items(text).is_none() => {
            "items separated by commas, or a JSON array of text".to_owned()
        }
        Kind::Choice(words) if choice(words, text).is_none() => {
            format!("one of {}", words.join(", "))
        }
        _ => return Ok(()),
    };
    // Only the beginning is repeated, in case someone put a document there.
    let shown: String = text.chars().take(40).collect();
    Err(format!("{shown:?} is not {wanted}"))
}

/// What a flag says, if it says anything known.
pub(crate) fn flag(text: &str) -> Option<bool> {
    let text = text.trim();
    let is = |word: &&str| text.eq_ignore_ascii_case(word);
    if ["true", "1", "yes", "on"].iter().any(is) {
        Some(true)
    } else if ["false", "0", "no", "off"].iter().any(is) {
        Some(false)
    } else {
        None
    }
}

fn choice(words: &[&'static str], text: &str) -> Option<&'static str> {
    words
        .iter()
        .find(|word| word.eq_ignore_ascii_case(text.trim()))
        .copied()
}

/// The items of a list; `None` where text begins like a JSON array and is none of text.
fn items(text: &str) -> Option<Vec<String>> {
    let text = text.trim();
    // A glob may begin with a bracket too (`[ab]*`), but not with one and a quote or a second one.
    let array = text
        .strip_prefix('[')
        .is_some_and(|rest| rest.trim_start().starts_with(['"', ']']));
    let items: Vec<String> = if array {
        serde_json::from_str(text).ok()?
    } else if text.starts_with('{') && text.contains("\":") {
        return None;
    } else {
        split(text).map(str::to_owned).collect()
    };
    Some(
        items
            .iter()
            .map(|item| item.trim())
            .filter(|item| !item.is_empty())
            .map(str::to_owned)
            .collect(),
    )
}

/// Splits at commas, but not at those between the braces of a glob.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let balanced = text.matches('{').count() == text.matches('}').count();
    let mut depth = 0_usize;
    text.split(move |character| {
        match character {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' => return depth == 0 || !balanced,
            _ => {}
        }
        false
    })
}
