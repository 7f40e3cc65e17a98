//! One server for a data directory: starting, finding, ending, handing over.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use super::{Client, Server};
use crate::support::{Sandbox, Talk, binary, run, wait_until};

fn status(sandbox: &Sandbox) -> Value {
    sandbox.claude_mem(["serve", "status", "--json"]).json()
}

fn client(sandbox: &Sandbox) -> Client {
    let port = status(sandbox)["port"].as_u64().unwrap();
    Client {
        port: u16::try_from(port).unwrap(),
    }
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[test]
fn two_starts_are_one_server_and_stop_leaves_nothing() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.claude_mem(["serve", "status"]).code, Some(1));
    let starts: Vec<_> = std::thread::scope(|scope| {
        let start = || sandbox.claude_mem(["serve", "start", "--port", "0"]);
        let starting: Vec<_> = (0..6).map(|_| scope.spawn(start)).collect();
        starting
            .into_iter()
            .map(|one| one.join().unwrap())
            .collect()
    });
    for start in &starts {
        assert_eq!(start.code, Some(0), "{start:?}");
    }
    let new = starts
        .iter()
        .filter(|start| start.stdout.starts_with("Serving at"));
    assert_eq!(new.count(), 1, "{starts:?}");
    // Who came too late has said so, and may not be gone yet.
    wait_until("one is left", || sandbox.processes().len() == 1);
    let running = status(&sandbox);
    assert_eq!(running["running"], true);
    let health = client(&sandbox).get("/api/health").ok();
    assert_eq!(
        (&health["pid"], &health["port"]),
        (&running["pid"], &running["port"])
    );
    let file: Value =
        serde_json::from_slice(&std::fs::read(sandbox.data.join("worker.pid")).unwrap()).unwrap();
    assert_eq!(
        (&file["pid"], &file["version"]),
        (&running["pid"], &health["version"])
    );
    for name in [
        "worker.pid",
        "sockets/http.lock",
        "sockets/http.sock",
        "logs/http.log",
    ] {
        let mode = std::fs::metadata(sandbox.data.join(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let second = sandbox.claude_mem(["serve", "--foreground", "--port", "0"]);
    assert_eq!(second.code, Some(1));
    assert!(
        second
            .stderr
            .contains("running already at http://127.0.0.1:"),
        "{second:?}"
    );
    let restarted = sandbox.claude_mem(["serve", "restart"]);
    assert_eq!(restarted.code, Some(0), "{restarted:?}");
    assert_eq!(
        status(&sandbox)["port"],
        running["port"],
        "it comes back where it was"
    );
    assert_ne!(status(&sandbox)["pid"], running["pid"]);
    assert!(
        sandbox
            .claude_mem(["serve", "stop"])
            .success()
            .starts_with("Ended")
    );
    assert!(
        sandbox
            .claude_mem(["serve", "stop"])
            .success()
            .starts_with("No server")
    );
    sandbox.wait_for_quiet();
    assert!(!sandbox.data.join("worker.pid").exists());
    assert!(!sandbox.data.join("sockets/http.sock").exists());
    assert!(
        sandbox
            .claude_mem(["serve", "logs"])
            .success()
            .contains("listening")
    );
}

#[test]
fn what_a_dead_server_left_behind_is_in_nobody_s_way() {
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox, &[]);
    nix::sys::signal::kill(server.pid(), nix::sys::signal::Signal::SIGKILL).unwrap();
    wait_until("it has died", || status(&sandbox)["running"] == false);
    assert!(sandbox.data.join("worker.pid").exists());
    assert!(sandbox.data.join("sockets/http.sock").exists());
    drop(server);
    // The number in the file may be anyone's by now: nobody is signalled.
    let mine = json!({"pid": std::process::id(), "port": 1, "version": "0.0.1"});
    std::fs::write(sandbox.data.join("worker.pid"), mine.to_string()).unwrap();
    assert!(
        sandbox
            .claude_mem(["serve", "stop"])
            .success()
            .starts_with("No server")
    );
    let mut again = Server::start(&sandbox, &[]);
    assert_eq!(again.client.get("/healthz").status, 200);
    again.terminate();
    assert!(!sandbox.data.join("worker.pid").exists());
}

#[test]
fn a_taken_port_is_an_error_that_names_its_holder() {
    let sandbox = Sandbox::new();
    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = holder.local_addr().unwrap().port().to_string();
    let ran = sandbox.claude_mem(["serve", "start", "--port", &port]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let me = format!("(process {})", std::process::id());
    assert!(
        ran.stderr.contains(&port) && ran.stderr.contains(&me),
        "{ran:?}"
    );
    assert!(ran.stderr.contains("CLAUDE_MEM_WORKER_PORT"), "{ran:?}");
    sandbox.wait_for_quiet();
}

#[test]
fn an_unwanted_server_leaves_and_a_wanted_one_stays() {
    let mut sandbox = Sandbox::new();
    sandbox.set("CLAUDE_MEM_HTTP_IDLE_SECS", "1");
    let mut server = Server::start(&sandbox, &[]);
    let mut events = server.client.events(None);
    drop(events.until(|event| event.kind() == "processing_status"));
    let began = std::time::Instant::now();
    // A client of the stream is somebody.
    wait_until("twice the time has passed", || {
        began.elapsed().as_secs() >= 2
    });
    assert!(!server.has_ended());
    drop(events);
    wait_until("it has left", || server.has_ended());
    assert!(!sandbox.data.join("worker.pid").exists());
}

#[test]
fn an_older_server_hands_over() {
    let sandbox = Sandbox::new();
    let port = free_port().to_string();
    let mut command = sandbox.command(binary("claude-mem"));
    command.args(["serve", "--foreground", "--port", &port]);
    let mut old = Server::spawn(&mut command);
    let file = sandbox.data.join("worker.pid");
    let mut told: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    told["version"] = "0.0.9".into();
    std::fs::write(&file, told.to_string()).unwrap();
    let new = sandbox.claude_mem(["serve", "start", "--port", &port]);
    assert!(new.stdout.starts_with("Serving at"), "{new:?}");
    wait_until("the old one has ended", || old.has_ended());
    assert_ne!(status(&sandbox)["pid"], told["pid"]);
    assert_eq!(status(&sandbox)["port"].to_string(), port);
    assert_eq!(client(&sandbox).get("/healthz").status, 200);
    assert!(
        sandbox.data.join("sockets/http.sock").exists(),
        "the new one's socket is there"
    );
    drop(sandbox.claude_mem(["serve", "stop"]));
}

#[test]
fn a_session_s_start_starts_it_once_and_only_if_wanted() {
    let mut sandbox = Sandbox::new();
    let talk = Talk::new("first", &sandbox.project);
    drop(sandbox.event(&talk.start("startup")));
    assert!(!sandbox.data.join("sockets/http.lock").exists());
    sandbox.set("CLAUDE_MEM_HTTP_AUTOSTART", "true");
    sandbox.set("CLAUDE_MEM_WORKER_PORT", free_port().to_string());
    drop(sandbox.event(&talk.start("startup")));
    wait_until("a server serves", || status(&sandbox)["running"] == true);
    let pid = status(&sandbox)["pid"].clone();
    drop(sandbox.event(&talk.start("startup")));
    wait_until("nothing else is left", || sandbox.processes().len() == 1);
    assert_eq!(status(&sandbox)["pid"], pid);
    let printed = sandbox.claude_mem(["viewer", "--print"]).success();
    assert_eq!(
        printed.trim(),
        format!("http://127.0.0.1:{}", client(&sandbox).port)
    );
    drop(sandbox.claude_mem(["serve", "stop"]));
}

#[test]
fn it_answers_over_the_unix_socket_of_a_long_home() {
    let root = tempfile::Builder::new().prefix("cm").tempdir().unwrap();
    let mut home = root.path().to_owned();
    while home.as_os_str().len() < 200 {
        home.push("a-rather-long-part-of-a-path");
    }
    let sandbox = Sandbox::at(root, home);
    let server = Server::start(&sandbox, &[]);
    let ran = run(
        sandbox
            .command("/usr/bin/curl")
            .current_dir(sandbox.locations().sockets_dir())
            .args([
                "-s",
                "--unix-socket",
                "http.sock",
                "http://localhost/api/version",
            ]),
        b"",
    );
    assert_eq!(ran.json(), server.client.get("/api/version").ok());
}

#[test]
fn a_listener_s_descriptor_is_not_inherited() {
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox, &["--relay"]);
    let begun = server.client.post(
        "/api/sessions/init",
        &json!({"contentSessionId": "s",
        "project": "p", "prompt": "hello"}),
    );
    assert_eq!(begun.ok()["status"], "initialized");
    let workers = sandbox.workers();
    assert_eq!(workers.len(), 1, "{}", binary("claude-mem").display());
    let port = server.client.port;
    drop(server);
    // The worker lives on; the port is free.
    drop(std::net::TcpListener::bind(("127.0.0.1", port)).unwrap());
}
