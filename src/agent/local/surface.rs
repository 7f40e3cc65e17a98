//! What an edit gives to users of the code: flags, routes, variables and
//! dependencies.

use super::edit::Edit;
use super::paths;

/// Added lines of one file that are searched for what is usable from outside.
/// Longer additions are told by their definitions.
const SURFACE_LINES: usize = 200;
/// What can be used from outside: flags, routes, environment variables and
/// dependencies that were added.
pub(super) fn tell(path: &str, edits: &[&Edit], out: &mut Vec<String>) {
    if paths::is_prose(path) || paths::is_test_path(path) {
        return;
    }
    let removed: Vec<&str> = edits.iter().flat_map(|e| e.marked('-')).collect();
    let mut found: Vec<(String, String)> = Vec::new();
    let added = edits.iter().flat_map(|e| e.marked('+')).take(SURFACE_LINES);
    for line in added.filter(|line| line.contains(['"', '\'', '`', '.', '=', '('])) {
        let item = if paths::is_config(path) {
            dependency(path, line)
        } else {
            flag(line)
                .or_else(|| route(line))
                .or_else(|| variable(line))
        };
        if let Some((kind, name)) = item
            && !removed.iter().any(|old| {
                old.contains(name.split(' ').next().unwrap_or(&name)) || old.contains(&name)
            })
            && !found.iter().any(|(_, known)| *known == name)
        {
            found.push((kind.to_owned(), name));
        }
    }
    for (kind, name) in found.into_iter().take(4) {
        out.push(format!("{kind} {name} in {path}"));
    }
}

fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split(['"', '\'', '`']).skip(1).step_by(2)
}

fn flag(line: &str) -> Option<(&'static str, String)> {
    let defines = [
        "add_argument",
        "option",
        "Option",
        "flag",
        "Flag",
        "arg(",
        "long",
        "switch",
        "on(",
    ]
    .iter()
    .any(|mark| line.contains(mark));
    let name = quoted(line).find_map(|literal| {
        let name = literal
            .split([' ', '=', ','])
            .find(|w| w.starts_with("--"))?;
        let plain = name.len() > 3
            && name[2..]
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-');
        plain.then(|| name.to_owned())
    })?;
    defines.then_some(("New flag", name))
}

fn route(line: &str) -> Option<(&'static str, String)> {
    let path = quoted(line).find(|l| l.starts_with('/') && l.len() > 1 && !l.contains(' '))?;
    let lower = line.to_lowercase();
    let method = ["get", "post", "put", "delete", "patch"]
        .into_iter()
        .find(|m| {
            [
                format!(".{m}("),
                format!("{m}mapping("),
                format!("\"{m} /"),
                format!(", {m}("),
            ]
            .iter()
            .any(|form| lower.contains(form))
        })?;
    let server = [
        "app", "router", "route", "mapping", "server", "api", "@", "mux", "r.", "e.",
    ]
    .iter()
    .any(|mark| lower.contains(mark));
    server.then(|| ("New route", format!("{} {path}", method.to_uppercase())))
}

fn variable(line: &str) -> Option<(&'static str, String)> {
    let marks = [
        "process.env.",
        "os.environ",
        "getenv(",
        "env::var(",
        "Getenv(",
        "LookupEnv(",
        "ENV[",
        "env(",
    ];
    let at = marks
        .iter()
        .find_map(|mark| line.find(mark).map(|i| i + mark.len()))?;
    let name: String = line[at..]
        .chars()
        .skip_while(|c| !c.is_ascii_alphabetic())
        .skip_while(char::is_ascii_lowercase)
        .skip_while(|c| !c.is_ascii_alphabetic())
        .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
        .collect();
    let plain = name.len() > 3
        && name
            .chars()
            .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    plain.then_some(("Environment variable read:", name))
}

fn dependency(path: &str, line: &str) -> Option<(&'static str, String)> {
    let file = path.rsplit('/').next().unwrap_or(path);
    let line = line.trim().trim_end_matches(',');
    let (name, version) = match file {
        "package.json" | "composer.json" => {
            let mut parts = quoted(line);
            (parts.next()?, parts.next()?)
        }
        "Cargo.toml" | "pyproject.toml" | "Pipfile" => {
            let (name, rest) = line.split_once('=')?;
            (name.trim(), quoted(rest).next()?)
        }
        name if paths::is_list_of_dependencies(name) => {
            line.split_once("==").or_else(|| line.split_once(">="))?
        }
        "Gemfile" => {
            let mut parts = quoted(line.strip_prefix("gem ")?);
            (parts.next()?, parts.next().unwrap_or("*"))
        }
        "go.mod" => {
            let line = line.strip_prefix("require ").unwrap_or(line);
            line.split_once(' ')?
        }
        _ => return None,
    };
    let name = name.trim();
    let version_like = version.starts_with(|c: char| c.is_ascii_digit() || "^~=<>v*".contains(c));
    let name_like = !name.is_empty() && name != "version" && !name.contains(' ');
    (version_like && name_like).then(|| ("Dependency added:", format!("{name} {version}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_used_from_outside_is_noticed() {
        assert_eq!(
            flag("parser.add_argument(\"--json\", action=\"store_true\")")
                .unwrap()
                .1,
            "--json"
        );
        assert_eq!(route("@app.get(\"/health\")").unwrap().1, "GET /health");
        assert_eq!(
            route("router.post('/users/:id', handler)").unwrap().1,
            "POST /users/:id"
        );
        assert_eq!(
            variable("const k = process.env.API_URL ?? ''").unwrap().1,
            "API_URL"
        );
        assert_eq!(
            variable("x = os.environ[\"DB_HOST\"]").unwrap().1,
            "DB_HOST"
        );
        assert_eq!(
            variable("x = os.environ.get(\"DB_HOST\")").unwrap().1,
            "DB_HOST"
        );
        assert_eq!(
            dependency("package.json", "    \"axios\": \"^1.6.0\",")
                .unwrap()
                .1,
            "axios ^1.6.0"
        );
        assert_eq!(
            dependency("requirements.txt", "requests==2.31").unwrap().1,
            "requests 2.31"
        );
        assert_eq!(
            dependency("requirements-dev.txt", "requests==2.31")
                .unwrap()
                .1,
            "requests 2.31"
        );
        assert!(dependency("package.json", "  \"name\": \"demo\"").is_none());
        assert!(route("fetch('/api/users')").is_none());
    }
}
