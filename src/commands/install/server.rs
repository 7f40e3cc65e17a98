//! Our MCP server in Claude Code's own file of servers, as `claude mcp add` for
//! the user writes it there.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use jsonc_parser::ast::{Object, Value};

use super::document::{Container, Document};
use super::ours::Installed;
use super::render::{Item, Json};
use super::{Entry, Outcome, Plan, run};

/// The executable that serves, and its only argument.
const EXECUTABLE: &str = "claude-mem";
const ARGUMENT: &str = "mcp";

/// The server's name; tools are called `mcp__claude-mem__…` after it.
const NAME: &str = "claude-mem";

const SERVERS: &str = "mcpServers";

/// Where Claude Code keeps the user's servers: `.claude.json` in
/// `CLAUDE_CONFIG_DIR`, else in the home directory. `None` where neither is
/// known.
pub fn servers_path(config_dir: Option<&Path>, home: Option<&Path>) -> Option<PathBuf> {
    config_dir
        .filter(|dir| !dir.as_os_str().is_empty())
        .or(home)
        .map(|dir| dir.join(".claude.json"))
}

/// Registers the server that lies in the plan's directory.
pub fn install_server(plan: &Plan, dry_run: bool) -> Result<Outcome> {
    let directory = super::executables(&plan.hooks_dir)?;
    let command = format!("{}/{EXECUTABLE}", directory.trim_end_matches('/'));
    run(plan, dry_run, "install", || (), |text| add(text, &command))
}

/// Takes our server out again, wherever it lies.
pub fn uninstall_server(plan: &Plan, dry_run: bool) -> Result<Outcome> {
    run(plan, dry_run, "uninstall", || (), remove)
}

/// The text with our server.
fn add(text: &str, command: &str) -> Result<Installed> {
    let text = if text.trim().is_empty() { "{}\n" } else { text };
    let document = Document::parse(text)?;
    if let Some((_, servers)) = servers(&document)?
        && let Some((_, property)) = document.property(servers, NAME)?
    {
        match ours(&property.value) {
            Some(present) if present == command => return Ok(unchanged(text)),
            Some(_) => {}
            None => {
                let mut installed = unchanged(text);
                installed.warnings.push(format!(
                    "an MCP server called {NAME} is there that is not ours; it was left as it is, and the tools of claude-mem are not registered"
                ));
                return Ok(installed);
            }
        }
    }
    let bare = remove(text)?;
    let document = Document::parse(&bare.text)?;
    let server = Json::Object(vec![
        ("type", Json::text("stdio")),
        ("command", Json::text(command)),
        ("args", Json::List(vec![Json::text(ARGUMENT)])),
    ]);
    let added = if let Some((_, servers)) = servers(&document)? {
        document.with(&Container::object(servers), &Item::member(NAME, server))
    } else {
        let servers = Json::Object(vec![(NAME, server)]);
        let root = Container::object(document.root());
        document.with(&root, &Item::member(SERVERS, servers))
    };
    Ok(Installed {
        text: added,
        added: vec![entry(command)],
        ..bare
    })
}

/// The text without our server, and without what became empty by that.
fn remove(text: &str) -> Result<Installed> {
    if text.trim().is_empty() {
        return Ok(unchanged(text));
    }
    let document = Document::parse(text)?;
    let Some((place, servers)) = servers(&document)? else {
        return Ok(unchanged(text));
    };
    let Some((index, property)) = document.property(servers, NAME)? else {
        return Ok(unchanged(text));
    };
    let Some(command) = ours(&property.value) else {
        return Ok(unchanged(text));
    };
    let (container, index) = if servers.properties.len() > 1 {
        (Container::object(servers), index)
    } else {
        (Container::object(document.root()), place)
    };
    Ok(Installed {
        text: document.without(&container, index),
        added: Vec::new(),
        removed: vec![entry(command)],
        warnings: Vec::new(),
    })
}

fn entry(command: &str) -> Entry {
    Entry {
        event: SERVERS.to_owned(),
        command: format!("{command} {ARGUMENT}"),
    }
}

fn unchanged(text: &str) -> Installed {
    Installed {
        text: text.to_owned(),
        added: Vec::new(),
        removed: Vec::new(),
        warnings: Vec::new(),
    }
}

/// The object of all servers, and its place in the file.
fn servers<'d, 'a>(document: &'d Document<'a>) -> Result<Option<(usize, &'d Object<'a>)>> {
    match document.property(document.root(), SERVERS)? {
        None => Ok(None),
        Some((index, property)) => match &property.value {
            Value::Object(servers) => Ok(Some((index, servers))),
            _ => bail!(
                "{}: {SERVERS:?} is not an object",
                document.place(property.range.start)
            ),
        },
    }
}

/// The command of a server that is ours.
fn ours<'d>(server: &'d Value<'_>) -> Option<&'d str> {
    let server = server.as_object()?;
    let arguments = &server.get_array("args")?.elements;
    if arguments.len() != 1 || arguments[0].as_string_lit()?.value != ARGUMENT {
        return None;
    }
    let command: &str = &server.get_string("command")?.value;
    (command.rsplit('/').next() == Some(EXECUTABLE)).then_some(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMAND: &str = "/opt/my programs/claude-mem";

    #[test]
    fn what_is_put_in_is_taken_out_and_nothing_else_changes() {
        for text in [
            "{}\n",
            "{\n  \"numStartups\": 3,\n  \"projects\": {}\n}\n",
            "{\"mcpServers\":{\"other\":{\"command\":\"x\"}},\"a\":1}",
            "{\n\t\"mcpServers\": {\n\t\t\"other\": {\n\t\t\t\"command\": \"x\"\n\t\t}\n\t}\n}",
        ] {
            let with = add(text, COMMAND).unwrap();
            assert_eq!(with.added, [entry(COMMAND)]);
            let value: serde_json::Value = serde_json::from_str(&with.text).unwrap();
            assert_eq!(
                value["mcpServers"]["claude-mem"],
                serde_json::json!({"type": "stdio", "command": COMMAND, "args": ["mcp"]})
            );
            assert_eq!(add(&with.text, COMMAND).unwrap().text, with.text);
            let moved = add(&with.text, "/elsewhere/claude-mem").unwrap();
            assert_eq!((moved.added.len(), moved.removed.len()), (1, 1));
            assert_eq!(remove(&moved.text).unwrap().text, text);
        }
        assert_eq!(remove("").unwrap().text, "");
    }

    #[test]
    fn a_server_of_that_name_that_is_not_ours_stays() {
        let text = r#"{"mcpServers": {"claude-mem": {"command": "npx", "args": ["mcp"]}}}"#;
        let installed = add(text, COMMAND).unwrap();
        assert_eq!(
            (installed.text.as_str(), installed.warnings.len()),
            (text, 1)
        );
        assert_eq!(remove(text).unwrap().text, text);
        assert!(add(r#"{"mcpServers": []}"#, COMMAND).is_err());
        assert!(add("{", COMMAND).is_err());
    }

    #[test]
    fn the_file_is_where_claude_code_looks() {
        let (config, home) = (Path::new("/c"), Path::new("/h"));
        assert_eq!(
            servers_path(Some(config), Some(home)),
            Some("/c/.claude.json".into())
        );
        assert_eq!(
            servers_path(Some(Path::new("")), Some(home)),
            Some("/h/.claude.json".into())
        );
        assert_eq!(servers_path(None, None), None);
    }
}
