//! Who is not served, and what cannot be done to the server.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use super::{Server, filled};
use crate::support::Sandbox;

#[test]
fn names_of_other_machines_and_pages_of_other_sites_are_refused() {
    let sandbox = filled();
    let server = Server::start(&sandbox, &["--relay"]);
    let client = server.client;
    for host in [
        "evil.example",
        "evil.example:37701",
        "localhost.evil.example",
        "10.0.0.1",
        "0.0.0.0",
        "",
    ] {
        let answer = client.with("GET", "/api/observations", &[("Host", host)], "");
        assert!(answer.error(403).contains("Host must be"), "{host}");
        assert!(!answer.text().contains("cents"));
    }
    assert_eq!(
        client
            .with("GET", "/healthz", &[("Host", "[::1]:1")], "")
            .status,
        200
    );
    let json = ("Content-Type", "application/json");
    for origin in [
        "http://evil.example",
        "null",
        "http://localhost:3000",
        "https://127.0.0.1",
    ] {
        let headers = [("Origin", origin), json];
        let body = r#"{"theme":"dark"}"#;
        let answer = client.with("POST", "/api/settings", &headers, body);
        assert!(answer.error(403).contains("other sites"), "{origin}");
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
    let cross = client.with(
        "GET",
        "/api/observations",
        &[("Sec-Fetch-Site", "cross-site")],
        "",
    );
    cross.error(403);
    let own = format!("http://localhost:{}", client.port);
    assert_eq!(
        client
            .with("GET", "/healthz", &[("Origin", &own)], "")
            .status,
        200
    );
    let named = format!(
        "GET http://evil.example/api/observations HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\n\r\n",
        client.port
    );
    client.raw(named.as_bytes()).error(403);
    assert!(!sandbox.data.join("settings.json").exists());
}

/// What a page sees whose own name leads to this machine.
#[test]
fn no_route_is_answered_under_a_foreign_name() {
    let sandbox = filled();
    let server = Server::start(&sandbox, &["--relay"]);
    let reads = super::contract::reads();
    let reads = reads.iter().map(|(method, _, path, _)| (*method, *path));
    let all = reads
        .chain(super::contract::WRITES)
        .chain([("GET", "/stream"), ("GET", "/nothing")]);
    for (method, path) in all {
        let path = path.replace("{id}", "1");
        for host in ["rebound.example", "rebound.example:80"] {
            let headers = [("Host", host), ("Content-Type", "application/json")];
            let answer = server.client.with(method, &path, &headers, "");
            assert!(answer.error(403).contains("Host must be"), "{path}");
        }
    }
}

#[test]
fn a_form_changes_nothing() {
    let sandbox = filled();
    let server = Server::start(&sandbox, &["--relay"]);
    let body = r#"{"theme":"dark","contentSessionId":"x","project":"p","prompt":"poison"}"#;
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "",
        "application/jsonx",
    ] {
        for path in [
            "/api/settings",
            "/api/sessions/init",
            "/api/logs/clear",
            "/api/mcp/toggle",
        ] {
            let answer = server
                .client
                .with("POST", path, &[("Content-Type", kind)], body);
            assert!(
                answer.error(415).contains("application/json"),
                "{path} {kind}"
            );
        }
    }
    assert!(!sandbox.data.join("settings.json").exists());
    assert_eq!(sandbox.count("SELECT count(*) FROM user_prompts"), 4);
}

#[test]
fn every_answer_is_protected() {
    let sandbox = filled();
    let server = Server::start(&sandbox, &[]);
    for path in [
        "/",
        "/api/observations",
        "/nothing",
        "/api/observation/x",
        "/api/context/inject?project=billing",
    ] {
        let answer = server.client.get(path);
        let policy = answer.header("content-security-policy").unwrap();
        assert!(
            policy.contains("default-src 'none'") && !policy.contains("unsafe"),
            "{policy}"
        );
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(answer.header("x-frame-options"), Some("DENY"));
    }
    let page = server.client.get("/").text();
    assert!(
        !page.contains("<script>") && !page.contains("style=") && !page.contains("http://"),
        "{page}"
    );
}

#[test]
fn no_path_leads_out() {
    let sandbox = filled();
    std::fs::write(sandbox.data.join("secret.txt"), "do not tell").unwrap();
    let server = Server::start(&sandbox, &[]);
    for path in [
        "/assets/../../secret.txt",
        "/assets/..%2f..%2fsecret.txt",
        "/assets/%2e%2e/secret.txt",
        "/assets//etc/passwd",
        "/assets/....//secret.txt",
        "/../secret.txt",
        "/%00",
        "/assets/%ff",
        "/api/observation/../settings",
        "/api/logs?lines=1&path=/etc/passwd",
    ] {
        let answer = server.client.get(path);
        assert!(
            !answer.text().contains("do not tell") && !answer.text().contains("root:"),
            "{path}"
        );
        assert!(
            answer.status == 404 || answer.status == 400 || path.starts_with("/api/logs"),
            "{path}: {}",
            answer.status
        );
        assert!(answer.json()["error"].is_string() || path.starts_with("/api/logs"));
    }
}

#[test]
fn bodies_and_heads_are_bounded() {
    let sandbox = filled();
    let server = Server::start(&sandbox, &["--relay"]);
    let before = server.resident();
    let client = server.client;
    // Declared, and not.
    let large = "x".repeat(6 * 1024 * 1024);
    assert!(
        client
            .post_text("/api/sessions/init", &large)
            .error(413)
            .contains("5242880")
    );
    for length in ["Content-Length: 104857600", "Transfer-Encoding: chunked"] {
        let mut stream = client.connect();
        let head = format!(
            "POST /api/sessions/observations HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n{length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let chunk = vec![b'x'; 1 << 20];
        for _ in 0..100 {
            let sent = if length.starts_with('T') {
                stream
                    .write_all(b"100000\r\n")
                    .and_then(|()| stream.write_all(&chunk))
                    .and_then(|()| stream.write_all(b"\r\n"))
            } else {
                stream.write_all(&chunk)
            };
            if sent.is_err() {
                break;
            }
        }
        if length.starts_with('T') {
            drop(stream.write_all(b"0\r\n\r\n"));
        }
        let mut answer = String::new();
        drop(stream.read_to_string(&mut answer));
        assert!(
            answer.starts_with("HTTP/1.1 413"),
            "{length}: {answer:.200}"
        );
    }
    let long = "x".repeat(100_000);
    let bombs = [
        format!("GET /{long} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nHost: localhost\r\nX: {long}\r\n\r\n"),
        format!(
            "GET / HTTP/1.1\r\nHost: localhost\r\n{}\r\n",
            "X: 1\r\n".repeat(5000)
        ),
    ];
    for bomb in bombs {
        let status = client.raw(bomb.as_bytes()).status;
        assert!(matches!(status, 414 | 431), "{status}");
    }
    let grown = server.resident().saturating_sub(before);
    assert!(grown < 16 * 1024, "{grown} KiB more than before");
    assert_eq!(client.get("/healthz").status, 200);
}

#[test]
fn a_thousand_slow_connections_keep_nobody_out() {
    let sandbox = filled();
    let server = Server::start(&sandbox, &[]);
    let before = server.resident();
    let mut events = server.client.events(None);
    drop(events.until(|event| event.kind() == "processing_status"));
    let mut slow: Vec<TcpStream> = Vec::new();
    for _ in 0..1000 {
        let mut stream = server.client.connect();
        drop(stream.write_all(b"GET /api/observations HTT"));
        slow.push(stream);
    }
    assert_eq!(server.client.get("/api/observations").ok()["total"], 7);
    // Whoever is being answered stays.
    let mut writer = claude_mem::store::Writer::open(&sandbox.locations(), "test").unwrap();
    super::remember(
        &mut writer,
        "s",
        "garden",
        super::world::BEGIN + 900_000,
        Vec::new(),
    );
    drop(events.until(|event| event.kind() == "session-summary-created"));
    let grown = server.resident().saturating_sub(before);
    assert!(grown < 16 * 1024, "{grown} KiB more than before");
}

#[test]
fn another_user_is_refused() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let sandbox = filled();
    let server = Server::start(&sandbox, &[]);
    let ran = crate::support::run(
        sandbox
            .command("/usr/bin/setpriv")
            .args(["--reuid=65534", "--regid=65534", "--clear-groups", "/bin/bash", "-c"])
            .arg(format!(
                "exec 3<>/dev/tcp/127.0.0.1/{}; printf 'GET /api/observations HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' >&3; cat <&3",
                server.client.port
            ))
            .current_dir("/"),
        b"",
    );
    assert!(ran.stdout.starts_with("HTTP/1.1 403"), "{ran:?}");
    assert!(!ran.stdout.contains("cents"));
    // Over the socket the file's mode keeps them out already.
    let socket = sandbox.locations().sockets_dir().join("http.sock");
    let mode = std::fs::metadata(socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn reading_is_all_that_is_done_without_relay() {
    let sandbox = filled();
    let server = Server::start(&sandbox, &[]);
    let before: Vec<_> = sandbox.files();
    for (method, route) in super::contract::WRITES {
        let path = route.replace("{id}", "1");
        let body = r#"{"contentSessionId":"x","project":"p","prompt":"poison","tool_name":"Bash"}"#;
        let json = [("Content-Type", "application/json")];
        let answer = server.client.with(method, &path, &json, body);
        assert_eq!(answer.error(405), "read-only", "{path}");
        assert!(answer.json()["hint"].as_str().unwrap().contains("--relay"));
        assert!(answer.header("allow").is_some());
    }
    let settings = server
        .client
        .post("/api/settings", &json!({"theme": "dark"}))
        .ok();
    assert_eq!(settings["success"], false);
    assert!(
        settings["error"].as_str().unwrap().contains("read-only"),
        "{settings}"
    );
    assert_eq!(sandbox.files(), before);
    let status = std::fs::read_dir(format!("/proc/{}/fd", server.pid())).unwrap();
    for fd in status.flatten() {
        let target = std::fs::read_link(fd.path()).unwrap_or_default();
        if target == sandbox.locations().database() {
            let info = fd.path().to_string_lossy().replace("/fd/", "/fdinfo/");
            let info = std::fs::read_to_string(info).unwrap();
            let flags = info
                .lines()
                .find_map(|line| line.strip_prefix("flags:"))
                .unwrap();
            let flags = i32::from_str_radix(flags.trim(), 8).unwrap();
            assert_eq!(flags & 3, 0, "the database is open for writing");
        }
    }
}

#[test]
fn a_directory_of_someone_else_is_not_served() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let sandbox = Sandbox::new();
    std::fs::create_dir_all(&sandbox.data).unwrap();
    std::os::unix::fs::chown(&sandbox.data, Some(65_534), Some(65_534)).unwrap();
    let ran = sandbox.claude_mem(["serve", "--foreground", "--port", "0"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("belongs to another user"), "{ran:?}");
}
