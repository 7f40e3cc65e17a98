//! `claude-mem settings`.

use std::io::Write;

use anyhow::anyhow;
use capture::settings::{
    FILE_NAME, Kind, Place as SettingPlace, SETTINGS, SetError, Setting, Settings, Source, find,
    set,
};
use clap::Subcommand;
use serde::Serialize;

use crate::context::text::line;

use super::output::{self, FAINT, STRONG, WARNING};
use super::place::Place;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples: claude-mem settings\n          claude-mem settings set CLAUDE_MEM_CONTEXT_OBSERVATIONS 30\n          claude-mem settings unset CLAUDE_MEM_CONTEXT_OBSERVATIONS"
)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print one value
    #[command(after_help = "Example: claude-mem settings get CLAUDE_MEM_PROVIDER")]
    Get { key: String },
    /// Write one value to the settings file
    #[command(after_help = "Example: claude-mem settings set CLAUDE_MEM_LOG_LEVEL debug")]
    Set {
        key: String,
        #[arg(allow_hyphen_values = true)]
        value: String,
    },
    /// Take one value out of the settings file, so that its default holds
    #[command(after_help = "Example: claude-mem settings unset CLAUDE_MEM_LOG_LEVEL")]
    Unset { key: String },
    /// Print where the settings file is
    #[command(after_help = "Example: ${EDITOR:-vi} \"$(claude-mem settings path)\"")]
    Path,
}

#[derive(Debug, Serialize)]
struct Entry<'a> {
    key: &'a str,
    value: String,
    /// environment, file or default.
    source: &'static str,
    default: &'a str,
    /// Where it can be given: anywhere, or in the environment alone.
    place: &'static str,
    doc: &'a str,
}

impl<'a> Entry<'a> {
    fn new(settings: &Settings, setting: &'a Setting) -> Self {
        Self {
            key: setting.name,
            value: displayed(setting, &settings.get(setting.key)),
            source: match settings.source(setting.key) {
                Source::Environment => "environment",
                Source::File => "file",
                Source::Default => "default",
            },
            default: setting.default,
            place: match setting.place {
                SettingPlace::Anywhere => "anywhere",
                SettingPlace::Environment => "environment",
            },
            doc: setting.doc,
        }
    }
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<()> {
    let place = Place::here();
    match &args.action {
        None => all(&place.settings, args.json, out),
        Some(Action::Get { key }) => get(&place.settings, key, args.json, out),
        Some(Action::Set { key, value }) => change(&place, key, Some(value), args.json, out),
        Some(Action::Unset { key }) => change(&place, key, None, args.json, out),
        Some(Action::Path) => {
            writeln!(
                out,
                "{}",
                place.settings.data_dir().join(FILE_NAME).display()
            )?;
            Ok(())
        }
    }
}

fn all(settings: &Settings, json: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    let entries: Vec<Entry<'_>> = SETTINGS
        .iter()
        .map(|setting| Entry::new(settings, setting))
        .collect();
    if json {
        return output::json(out, &entries);
    }
    for entry in entries {
        let default = match entry.source {
            "default" => "default".to_owned(),
            source => format!("{source}; default {}", shown(entry.default)),
        };
        writeln!(
            out,
            "{STRONG}{}{STRONG:#} = {} {FAINT}({default}){FAINT:#}\n    {}",
            entry.key,
            shown(&entry.value),
            entry.doc
        )?;
    }
    for problem in settings.problems() {
        writeln!(out, "{WARNING}warning:{WARNING:#} {}", line(&problem))?;
    }
    Ok(())
}

/// A credential is never printed, only that there is one.
fn displayed(setting: &Setting, value: &str) -> String {
    if setting.kind == Kind::Secret && !value.is_empty() {
        "(set)".to_owned()
    } else {
        value.to_owned()
    }
}

fn shown(value: &str) -> String {
    if value.is_empty() {
        "(empty)".to_owned()
    } else {
        line(value)
    }
}

fn get(settings: &Settings, key: &str, json: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    let Some(setting) = find(&full_name(key)) else {
        return Err(anyhow!(
            "there is no setting {key:?}: `claude-mem settings` prints all of them"
        ));
    };
    let entry = Entry::new(settings, setting);
    if json {
        return output::json(out, &entry);
    }
    writeln!(out, "{}", entry.value)?;
    Ok(())
}

fn change(
    place: &Place,
    key: &str,
    value: Option<&String>,
    json: bool,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let name = full_name(key);
    let change = set(place.settings.data_dir(), &name, value.map(String::as_str))
        .map_err(|error| explained(&error))?;
    // Read anew: the environment may still win over what was written.
    let settings = Settings::load();
    let setting = find(&name).ok_or_else(|| anyhow!("there is no setting {name}"))?;
    let entry = Entry::new(&settings, setting);
    if json {
        return output::json(out, &entry);
    }
    let what = match (&change.before, &change.after) {
        (before, after) if before == after => "is unchanged".to_owned(),
        (_, Some(after)) => format!("is now {}", shown(&displayed(setting, after))),
        (_, None) => format!(
            "is no longer set; its default is {}",
            shown(setting.default)
        ),
    };
    writeln!(out, "{name} {what} ({})", change.path.display())?;
    if entry.source == "environment" {
        writeln!(
            out,
            "{WARNING}warning:{WARNING:#} the environment sets it to {}, and that wins",
            shown(&entry.value)
        )?;
    }
    Ok(())
}

/// The error's text says all that its source says.
fn explained(error: &SetError) -> anyhow::Error {
    match error {
        SetError::UnknownKey { .. } => {
            anyhow!("{error}: `claude-mem settings` prints all of them")
        }
        _ => anyhow!("{error}"),
    }
}

/// Names may be written without their prefix and in lower case.
fn full_name(key: &str) -> String {
    let name = key.trim().to_ascii_uppercase().replace('-', "_");
    if name.starts_with("CLAUDE_MEM_") {
        name
    } else {
        format!("CLAUDE_MEM_{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>) -> String {
        let mut out = Vec::new();
        write(&mut out).unwrap();
        anstream::adapter::strip_bytes(&out)
            .into_vec()
            .try_into()
            .unwrap()
    }

    #[test]
    fn a_credential_is_never_printed() {
        let dir = tempfile::tempdir().unwrap();
        let environment =
            |name: &str| (name == "CLAUDE_MEM_GEMINI_API_KEY").then(|| "AIza-hidden".to_owned());
        let settings = Settings::from_parts(environment, dir.path());
        for json in [true, false] {
            let table = text(|out| all(&settings, json, out));
            assert!(!table.contains("AIza-hidden"), "{table}");
            let one = text(|out| get(&settings, "gemini_api_key", json, out));
            assert!(
                one.contains("(set)") && !one.contains("AIza-hidden"),
                "{one}"
            );
        }
    }

    #[test]
    fn every_setting_is_printed_with_where_it_comes_from() {
        let dir = tempfile::tempdir().unwrap();
        let environment = |name: &str| (name == "CLAUDE_MEM_LOG_LEVEL").then(|| "debug".to_owned());
        let settings = Settings::from_parts(environment, dir.path());
        let table = text(|out| all(&settings, false, out));
        assert_eq!(
            table
                .lines()
                .filter(|line| line.starts_with("CLAUDE_MEM_"))
                .count(),
            SETTINGS.len()
        );
        assert!(
            table.contains("CLAUDE_MEM_LOG_LEVEL = debug (environment; default info)"),
            "{table}"
        );
        assert!(
            table.contains("CLAUDE_MEM_PROJECT = (empty) (default)"),
            "{table}"
        );
        let json: serde_json::Value =
            serde_json::from_str(&text(|out| all(&settings, true, out))).unwrap();
        assert_eq!(json.as_array().unwrap().len(), SETTINGS.len());
    }

    #[test]
    fn names_may_be_short() {
        let dir = tempfile::tempdir().unwrap();
        let settings = Settings::from_parts(|_| None, dir.path());
        assert_eq!(
            text(|out| get(&settings, "worker-idle-secs", false, out)),
            "60\n"
        );
        let error = get(&settings, "nonsense", false, &mut Vec::new()).unwrap_err();
        assert!(
            error.to_string().contains("`claude-mem settings`"),
            "{error}"
        );
    }
}
