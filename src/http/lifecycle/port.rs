//! The port, and who has it when it is taken.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use anyhow::Context as _;
use capture::settings::{Key, Settings};
use tokio::net::{TcpListener, TcpSocket};

/// Where the ports of all users of a machine begin.
const FIRST_PORT: u16 = 37_700;

/// Connections that the kernel keeps until they are accepted.
const BACKLOG: u32 = 1024;

/// The port of a user who has set none.
pub fn default_port() -> u16 {
    let user = nix::unistd::geteuid().as_raw() % 100;
    FIRST_PORT + u16::try_from(user).unwrap_or(0)
}

pub(super) fn of(settings: &Settings) -> u16 {
    match u16::try_from(settings.number(Key::HttpPort)) {
        Ok(0) | Err(_) => default_port(),
        Ok(port) => port,
    }
}

/// Listens on this machine's own address alone.
pub(super) async fn bind(port: u16) -> anyhow::Result<TcpListener> {
    let address = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port));
    let listen = || -> std::io::Result<TcpListener> {
        let socket = TcpSocket::new_v4()?;
        // A port whose last connections linger is free.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    match listen() {
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            let whose = tokio::task::spawn_blocking(move || holder(port))
                .await
                .ok()
                .flatten()
                .unwrap_or_else(|| "another program".to_owned());
            anyhow::bail!(
                "port {port} is taken by {whose}: end it, or set {} to another port",
                Key::HttpPort.name()
            )
        }
        listening => listening.with_context(|| format!("failed to listen on {address}")),
    }
}

/// Who listens on the port, in words.
#[cfg(target_os = "linux")]
fn holder(port: u16) -> Option<String> {
    let table = std::fs::read_to_string("/proc/net/tcp").ok()?;
    let wanted = format!(":{port:04X}");
    let (uid, inode) = table.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let listens = fields.get(1)?.ends_with(&wanted) && *fields.get(3)? == "0A";
        listens.then_some((*fields.get(7)?, *fields.get(9)?))
    })?;
    let socket = format!("socket:[{inode}]");
    let has_it = |process: &std::path::Path| {
        std::fs::read_dir(process.join("fd")).is_ok_and(|fds| {
            fds.flatten().any(|fd| {
                std::fs::read_link(fd.path()).is_ok_and(|to| to.as_os_str() == socket.as_str())
            })
        })
    };
    let process = std::fs::read_dir("/proc")
        .ok()?
        .flatten()
        .find(|entry| has_it(&entry.path()));
    Some(match process {
        Some(process) => {
            let name = std::fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            let pid = process.file_name();
            format!("{} (process {})", name.trim(), pid.to_string_lossy())
        }
        None => format!("a process of user {uid}"),
    })
}

#[cfg(not(target_os = "linux"))]
fn holder(_port: u16) -> Option<String> {
    None
}
