//! Which hooks are ours, and which there should be.

use anyhow::{Result, bail};
use jsonc_parser::ast::{Array, Object, Value};

use super::Entry;
use super::document::{Container, Document};
use super::render::{Item, Json};

/// The only argument of our hooks. Its presence also makes Claude Code start the executable without
/// a shell, so that a path with spaces needs no quotes.
const ARGUMENT: &str = "claude-mem";

/// An executable of the hooks package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Executable {
    Context,
    New,
    Save,
    Summary,
    Cleanup,
    Recall,
}

impl Executable {
    pub(super) const ALL: [Self; 6] = [
        Self::Context,
        Self::New,
        Self::Save,
        Self::Summary,
        Self::Cleanup,
        Self::Recall,
    ];

    pub(super) const fn file_name(self) -> &'static str {
        match self {
            Self::Context => "context-hook",
            Self::New => "new-hook",
            Self::Save => "save-hook",
            Self::Summary => "summary-hook",
            Self::Cleanup => "cleanup-hook",
            Self::Recall => "recall-hook",
        }
    }
}

/// A hook that should be there.
struct Hook {
    event: &'static str,
    executable: Executable,
    /// Absent matches everything; tool events are given the explicit form that their examples have.
    matcher: Option<&'static str>,
    /// When Claude Code gives up waiting. The hooks give up by themselves long before.
    timeout_secs: u32,
}

const fn hook(
    event: &'static str,
    executable: Executable,
    matcher: Option<&'static str>,
    timeout_secs: u32,
) -> Hook {
    Hook {
        event,
        executable,
        matcher,
        timeout_secs,
    }
}

const HOOKS: [Hook; 10] = [
    hook("SessionStart", Executable::Context, None, 5),
    hook("UserPromptSubmit", Executable::New, None, 5),
    hook("PreToolUse", Executable::Recall, Some("Read"), 5),
    hook("PostToolUse", Executable::Save, Some("*"), 5),
    hook("PostToolUseFailure", Executable::Save, Some("*"), 5),
    hook("SubagentStop", Executable::Save, None, 5),
    hook("PreCompact", Executable::Save, None, 5),
    hook("Stop", Executable::Summary, None, 5),
    hook("StopFailure", Executable::Summary, None, 5),
    // All SessionEnd hooks of a session share a budget of about this much.
    hook("SessionEnd", Executable::Cleanup, None, 2),
];

/// A new text of the settings file, and how it differs.
pub(super) struct Installed {
    pub(super) text: String,
    pub(super) added: Vec<Entry>,
    pub(super) removed: Vec<Entry>,
    pub(super) warnings: Vec<String>,
}

/// The text with our hooks in `hooks_dir`, and none of ours elsewhere.
pub(super) fn install(text: &str, hooks_dir: &str) -> Result<Installed> {
    let text = if text.trim().is_empty() { "{}\n" } else { text };
    let document = Document::parse(text)?;
    let warnings = warnings(&document);
    let present = find(&document)?;
    if is_complete(&present, hooks_dir) {
        return Ok(Installed {
            text: text.to_owned(),
            added: Vec::new(),
            removed: Vec::new(),
            warnings,
        });
    }
    let mut bare = uninstall(text)?;
    for hook in &HOOKS {
        bare.text = add(&bare.text, hook, hooks_dir)?;
        bare.added.push(Entry {
            event: hook.event.to_owned(),
            command: command(hook, hooks_dir),
        });
    }
    Ok(Installed { warnings, ..bare })
}

/// The text without any of our hooks, and without what became empty by that.
pub(super) fn uninstall(text: &str) -> Result<Installed> {
    let mut text = text.to_owned();
    let mut removed = Vec::new();
    if text.trim().is_empty() {
        return Ok(Installed {
            text,
            added: Vec::new(),
            removed,
            warnings: Vec::new(),
        });
    }
    loop {
        let document = Document::parse(&text)?;
        let Some(first) = find(&document)?.into_iter().next() else {
            break;
        };
        let edited = document.without(&first.container, first.index);
        removed.push(first.entry);
        text = edited;
    }
    Ok(Installed {
        text,
        added: Vec::new(),
        removed,
        warnings: Vec::new(),
    })
}

fn command(hook: &Hook, hooks_dir: &str) -> String {
    format!(
        "{}/{}",
        hooks_dir.trim_end_matches('/'),
        hook.executable.file_name()
    )
}

/// One of our hooks where it stands in a file.
struct Found {
    entry: Entry,
    matcher: Option<String>,
    /// `None` also where other members of the hook are not what we write.
    timeout_secs: Option<u32>,
    /// What has to go so that nothing empty remains: the hook, or its group, or the event, or all.
    container: Container,
    index: usize,
}

/// All our hooks, in the order of the file.
fn find(document: &Document<'_>) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    let Some((hooks_index, hooks)) = hooks(document)? else {
        return Ok(found);
    };
    for (event_index, event) in hooks.properties.iter().enumerate() {
        let Value::Array(groups) = &event.value else {
            continue;
        };
        for (group_index, group) in groups.elements.iter().enumerate() {
            let Some((group, members)) = members(group) else {
                continue;
            };
            for (index, member) in members.elements.iter().enumerate() {
                let Some((command, timeout_secs)) = ours(member) else {
                    continue;
                };
                let (container, index) = if members.elements.len() > 1 {
                    (Container::array(members), index)
                } else if groups.elements.len() > 1 {
                    (Container::array(groups), group_index)
                } else if hooks.properties.len() > 1 {
                    (Container::object(hooks), event_index)
                } else {
                    (Container::object(document.root()), hooks_index)
                };
                found.push(Found {
                    entry: Entry {
                        event: event.name.as_str().to_owned(),
                        command: command.to_owned(),
                    },
                    matcher: group
                        .get_string("matcher")
                        .map(|text| text.value.to_string()),
                    timeout_secs,
                    container,
                    index,
                });
            }
        }
    }
    Ok(found)
}

/// The object of all hooks, and its place in the file.
fn hooks<'d, 'a>(document: &'d Document<'a>) -> Result<Option<(usize, &'d Object<'a>)>> {
    match document.property(document.root(), "hooks")? {
        None => Ok(None),
        Some((index, property)) => match &property.value {
            Value::Object(hooks) => Ok(Some((index, hooks))),
            _ => bail!(
                "{}: \"hooks\" is not an object",
                document.place(property.range.start)
            ),
        },
    }
}

fn members<'d, 'a>(group: &'d Value<'a>) -> Option<(&'d Object<'a>, &'d Array<'a>)> {
    let group = group.as_object()?;
    Some((group, group.get_array("hooks")?))
}

/// The command of a hook that is ours, and its timeout if the hook is of the form we write.
fn ours<'d>(member: &'d Value<'_>) -> Option<(&'d str, Option<u32>)> {
    let member = member.as_object()?;
    let arguments = &member.get_array("args")?.elements;
    if arguments.len() != 1 || arguments[0].as_string_lit()?.value != ARGUMENT {
        return None;
    }
    let command: &str = &member.get_string("command")?.value;
    let name = command.rsplit('/').next()?;
    if !Executable::ALL
        .iter()
        .any(|known| known.file_name() == name)
    {
        return None;
    }
    let plain = member.properties.len() == 4
        && member
            .get_string("type")
            .is_some_and(|kind| kind.value == "command");
    let timeout = member
        .get_number("timeout")
        .and_then(|number| number.value.parse().ok());
    Some((command, timeout.filter(|_| plain)))
}

/// Whether ours are all there, each once, and as they should be.
fn is_complete(present: &[Found], hooks_dir: &str) -> bool {
    present.len() == HOOKS.len()
        && HOOKS.iter().all(|hook| {
            present.iter().any(|found| {
                found.entry.event == hook.event
                    && found.entry.command == command(hook, hooks_dir)
                    && found.matcher.as_deref() == hook.matcher
                    && found.timeout_secs == Some(hook.timeout_secs)
            })
        })
}

fn add(text: &str, hook: &Hook, hooks_dir: &str) -> Result<String> {
    let document = Document::parse(text)?;
    let mut group = Vec::new();
    if let Some(matcher) = hook.matcher {
        group.push(("matcher", Json::text(matcher)));
    }
    let member = Json::Object(vec![
        ("type", Json::text("command")),
        ("command", Json::Text(command(hook, hooks_dir))),
        ("args", Json::List(vec![Json::text(ARGUMENT)])),
        ("timeout", Json::Number(hook.timeout_secs)),
    ]);
    group.push(("hooks", Json::List(vec![member])));
    let group = Json::Object(group);

    let Some((_, hooks)) = hooks(&document)? else {
        let hooks = Json::Object(vec![(hook.event, Json::List(vec![group]))]);
        let item = Item::member("hooks", hooks);
        return Ok(document.with(&Container::object(document.root()), &item));
    };
    match document.property(hooks, hook.event)? {
        None => {
            let item = Item::member(hook.event, Json::List(vec![group]));
            Ok(document.with(&Container::object(hooks), &item))
        }
        Some((_, event)) => match &event.value {
            Value::Array(groups) => {
                Ok(document.with(&Container::array(groups), &Item::element(group)))
            }
            _ => bail!(
                "{}: {:?} is not an array",
                document.place(event.range.start),
                hook.event
            ),
        },
    }
}

fn warnings(document: &Document<'_>) -> Vec<String> {
    let off = document
        .root()
        .get_boolean("disableAllHooks")
        .is_some_and(|flag| flag.value);
    let text = "\"disableAllHooks\" is true in this file: Claude Code runs no hook until it is \
                false or taken out";
    off.then(|| text.to_owned()).into_iter().collect()
}
