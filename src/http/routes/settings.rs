//! Settings, without their secrets.

use std::sync::LazyLock;

use axum::body::Bytes;
use axum::extract::{FromRequest as _, Request, State};
use axum::response::Response;
use capture::settings::{self, Key, Kind, Place, SETTINGS, Setting, Settings};
use serde_json::{Map, Value, json};

use super::super::answer::{Answer, Failure, ok, written};
use super::super::ask::JsonBody;
use super::super::state::{self, MayWrite, Shared, read_only};

/// Stands for a credential; setting one to this changes nothing.
const HIDDEN: &str = "***";

/// What the original's viewer keeps among the settings, and our names for it.
const VIEWER: [(&str, Key); 3] = [
    ("sidebarOpen", Key::ViewerSidebar),
    ("selectedProject", Key::ViewerProject),
    ("theme", Key::ViewerTheme),
];

/// Settings that the original's viewer sends along with the others, and that
/// mean nothing here: they are left out, and the answer says so.
const WITHOUT_MEANING: [&str; 8] = [
    "CLAUDE_MEM_WORKER_HOST",
    "CLAUDE_MEM_GEMINI_RATE_LIMITING_ENABLED",
    "CLAUDE_MEM_OPENROUTER_SITE_URL",
    "CLAUDE_MEM_OPENROUTER_APP_NAME",
    "CLAUDE_MEM_CONTEXT_OBSERVATION_TYPES",
    "CLAUDE_MEM_CONTEXT_OBSERVATION_CONCEPTS",
    "CLAUDE_MEM_CONTEXT_SHOW_LAST_MESSAGE",
    "CLAUDE_MEM_FOLDER_MD_EXCLUDE",
];

pub(in super::super) async fn show(State(app): State<Shared>) -> Answer {
    let current = state::settings();
    let mut answer = Map::new();
    for setting in SETTINGS {
        let value = current.get(setting.key);
        let shown = match setting.kind {
            Kind::Secret if value.is_empty() => String::new(),
            Kind::Secret => HIDDEN.to_owned(),
            _ if setting.key == Key::HttpPort => app.port.to_string(),
            _ => value.into_owned(),
        };
        answer.insert(setting.name.to_owned(), shown.into());
    }
    for (name, key) in VIEWER {
        answer.insert(name.to_owned(), viewer_value(&current, key));
    }
    ok(&answer)
}

fn viewer_value(current: &Settings, key: Key) -> Value {
    match key.setting().kind {
        Kind::Flag => current.bool(key).into(),
        _ => current.get(key).into_owned().into(),
    }
}

/// What each setting may hold, for a client that offers to change it.
pub(in super::super) async fn schema() -> Response {
    /// It is the same for as long as the process lives.
    static WRITTEN: LazyLock<Bytes> = LazyLock::new(|| {
        let settings: Vec<Value> = SETTINGS.iter().map(described).collect();
        json!({ "settings": settings }).to_string().into()
    });
    written(Bytes::clone(&WRITTEN))
}

fn described(setting: &Setting) -> Value {
    let kind = match setting.kind {
        Kind::Text => json!({ "kind": "text" }),
        Kind::Secret => json!({ "kind": "secret" }),
        Kind::Flag => json!({ "kind": "flag" }),
        Kind::Number { min, max } => json!({ "kind": "number", "min": min, "max": max }),
        Kind::List => json!({ "kind": "list" }),
        Kind::Choice(values) => json!({ "kind": "choice", "values": values }),
    };
    let place = match setting.place {
        Place::Anywhere => "anywhere",
        Place::Environment => "environment",
    };
    let mut described = json!({
        "name": setting.name,
        "doc": setting.doc,
        "default": setting.default,
        "place": place,
    });
    if let (Value::Object(all), Value::Object(kind)) = (&mut described, kind) {
        all.extend(kind);
    }
    described
}

/// Viewers show what comes back as text, so a refusal is status 200 too.
pub(in super::super) async fn change(State(app): State<Shared>, request: Request) -> Answer {
    let refused = |failure: &Failure| ok(&json!({ "success": false, "error": failure.text() }));
    if !app.relay {
        let error = read_only();
        return ok(&json!({
            "success": false,
            "error": format!("{}: {}", error.text(), error.hint()),
        }));
    }
    let (parts, body) = request.into_parts();
    state::says_json(&parts)?;
    let JsonBody(wanted) = JsonBody::from_request(Request::from_parts(parts, body), &app).await?;
    let (ignored, wanted): (Vec<_>, Vec<_>) = wanted
        .iter()
        .partition(|(name, _)| WITHOUT_MEANING.contains(&name.as_str()));
    let changes = match wanted
        .into_iter()
        .filter_map(|(name, value)| change_of(name, value).transpose())
        .collect::<Result<Vec<_>, _>>()
    {
        Ok(changes) => changes,
        Err(failure) => return refused(&failure),
    };
    match set_all(&app, changes).await {
        Ok(()) => ok(&json!({
            "success": true,
            "message": "Settings updated successfully",
            "ignored": ignored.iter().map(|(name, _)| name).collect::<Vec<_>>(),
        })),
        Err(failure) => refused(&failure),
    }
}

type Change = (&'static str, String);

/// The setting that is meant, and its value as text; `None` for one that stays
/// as it is.
fn change_of(name: &str, value: &Value) -> Result<Option<Change>, Failure> {
    let named = VIEWER.iter().find(|(alias, _)| *alias == name);
    let setting = match named {
        Some((_, key)) => key.setting(),
        None => settings::find(name)
            .ok_or_else(|| Failure::bad(format!("there is no setting {name:?}")))?,
    };
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(_) | Value::Object(_) => {
            return Err(Failure::bad(format!(
                "{name} must be text, a number or true or false"
            )));
        }
    };
    let stays = setting.kind == Kind::Secret && text == HIDDEN;
    Ok((!stays).then_some((setting.name, text)))
}

/// Writes all of them, or none: each is tried on a copy of the file first.
async fn set_all(app: &Shared, changes: Vec<Change>) -> Result<(), Failure> {
    let directory = app.locations.data_dir().to_owned();
    let current = state::settings();
    tokio::task::spawn_blocking(move || {
        let failed = |error: &dyn std::fmt::Display| Failure::bad(error.to_string());
        let rehearsal = tempfile::tempdir().map_err(|error| failed(&error))?;
        // Clients send back all that they were shown.
        let changes: Vec<Change> = changes
            .into_iter()
            .filter(|(name, value)| is_change(&current, name, value))
            .collect();
        for place in [rehearsal.path(), &directory] {
            for (name, value) in &changes {
                settings::set(place, name, stored(name, value)).map_err(|error| failed(&error))?;
            }
        }
        Ok(())
    })
    .await
    .unwrap_or_else(|_| Err(Failure::unavailable("the settings were not written")))
}

/// Nothing but a list can be meant to be empty.
fn stored<'a>(name: &str, value: &'a str) -> Option<&'a str> {
    let is_list = settings::find(name).is_some_and(|setting| setting.kind == Kind::List);
    (is_list || !value.is_empty()).then_some(value)
}

fn is_change(current: &Settings, name: &str, value: &str) -> bool {
    settings::find(name).is_none_or(|setting| {
        let shown = current.get(setting.key);
        let is_port = setting.key == Key::HttpPort && shown == "0";
        shown != value && !is_port
    })
}

pub(in super::super) async fn mcp() -> Answer {
    ok(&json!({ "enabled": state::settings().bool(Key::McpEnabled) }))
}

pub(in super::super) async fn toggle_mcp(
    State(app): State<Shared>,
    _may: MayWrite,
    body: JsonBody,
) -> Answer {
    let Some(enabled) = body.value(&["enabled"]).and_then(Value::as_bool) else {
        return Err(Failure::bad("enabled must be true or false"));
    };
    set_all(&app, vec![(Key::McpEnabled.name(), enabled.to_string())]).await?;
    ok(&json!({ "success": true, "enabled": enabled }))
}
