//! Whose process is at the other end of a connection.

use std::net::{SocketAddr, SocketAddrV4};

/// The user of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Peer {
    Ours,
    /// Someone else, or someone who cannot be told.
    Foreign,
}

impl Peer {
    fn of_uid(uid: Option<u32>) -> Self {
        if uid == Some(nix::unistd::geteuid().as_raw()) {
            Self::Ours
        } else {
            Self::Foreign
        }
    }

    /// Of a connection over the Unix socket, where the kernel says who it is.
    pub(super) fn of_unix(stream: &tokio::net::UnixStream) -> Self {
        Self::of_uid(stream.peer_cred().ok().map(|peer| peer.uid()))
    }

    /// Of a connection over TCP on this machine: on Linux the kernel's table of
    /// sockets says whose the other end is. Elsewhere nobody can tell, and
    /// everyone on this machine is let in.
    pub(super) fn of_tcp(peer: SocketAddr, here: SocketAddr) -> Self {
        let (SocketAddr::V4(peer), SocketAddr::V4(here)) = (peer, here) else {
            return Self::Foreign;
        };
        if cfg!(target_os = "linux") {
            Self::of_uid(owner(peer, here))
        } else {
            Self::Ours
        }
    }
}

/// The user of the socket at `from` that is connected to `to`.
fn owner(from: SocketAddrV4, to: SocketAddrV4) -> Option<u32> {
    #[cfg(target_os = "linux")]
    if let Some(uid) = diag::owner(from, to) {
        return Some(uid);
    }
    let table = std::fs::read_to_string("/proc/net/tcp").ok()?;
    in_table(&table, from, to)
}

/// The same from the text of `/proc/net/tcp`, which takes longer the more
/// sockets there are.
fn in_table(table: &str, from: SocketAddrV4, to: SocketAddrV4) -> Option<u32> {
    let place = |address: SocketAddrV4| {
        let ip = u32::from_ne_bytes(address.ip().octets());
        format!("{ip:08X}:{:04X}", address.port())
    };
    let (from, to) = (place(from), place(to));
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let matches = fields.get(1) == Some(&from.as_str()) && fields.get(2) == Some(&to.as_str());
        matches.then(|| fields.get(7)?.parse().ok()).flatten()
    })
}

/// One socket asked for by name: `sock_diag(7)`.
#[cfg(target_os = "linux")]
mod diag {
    use std::net::SocketAddrV4;
    use std::os::fd::AsRawFd as _;

    use nix::sys::socket::{
        AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, recv, sendto,
        socket,
    };

    /// `SOCK_DIAG_BY_FAMILY`, and `NLM_F_REQUEST`.
    const BY_FAMILY: u16 = 20;
    const REQUEST: u16 = 1;

    const AF_INET: u8 = 2;
    const IPPROTO_TCP: u8 = 6;

    /// `nlmsghdr`, and the offset of `idiag_uid` in the `inet_diag_msg` behind it.
    const HEADER: usize = 16;
    const UID: usize = HEADER + 64;

    pub(super) fn owner(from: SocketAddrV4, to: SocketAddrV4) -> Option<u32> {
        let kernel = socket(
            AddressFamily::Netlink,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC,
            SockProtocol::NetlinkSockDiag,
        )
        .ok()?;
        let question = question(from, to);
        let here = kernel.as_raw_fd();
        sendto(here, &question, &NetlinkAddr::new(0, 0), MsgFlags::empty()).ok()?;
        let mut answer = [0; 512];
        let length = recv(here, &mut answer, MsgFlags::MSG_DONTWAIT).ok()?;
        let kind = u16::from_ne_bytes(answer.get(4..6)?.try_into().ok()?);
        if kind != BY_FAMILY || length < UID + 4 {
            return None;
        }
        Some(u32::from_ne_bytes(answer[UID..UID + 4].try_into().ok()?))
    }

    /// `nlmsghdr` and `inet_diag_req_v2`.
    fn question(from: SocketAddrV4, to: SocketAddrV4) -> Vec<u8> {
        let mut body = vec![AF_INET, IPPROTO_TCP, 0, 0];
        body.extend(u32::MAX.to_ne_bytes());
        for port in [from.port(), to.port()] {
            body.extend(port.to_be_bytes());
        }
        for address in [from.ip(), to.ip()] {
            body.extend(address.octets());
            body.extend([0; 12]);
        }
        // Any interface, and no cookie.
        body.extend(0_u32.to_ne_bytes());
        body.extend([0xff; 8]);
        let length = u32::try_from(HEADER + body.len()).unwrap_or_default();
        let mut message = Vec::with_capacity(HEADER + body.len());
        message.extend(length.to_ne_bytes());
        message.extend(BY_FAMILY.to_ne_bytes());
        message.extend(REQUEST.to_ne_bytes());
        // Sequence number and port: there is one question and one answer.
        message.extend([0; 8]);
        message.extend(body);
        message
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn the_kernel_knows_whose_socket_it_is() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (_server, peer) = listener.accept().unwrap();
        let here = listener.local_addr().unwrap();
        assert_eq!(client.local_addr().unwrap(), peer);
        let (SocketAddr::V4(from), SocketAddr::V4(to)) = (peer, here) else {
            panic!("these are addresses of version 4");
        };
        let me = nix::unistd::geteuid().as_raw();
        assert_eq!(owner(from, to), Some(me));
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        assert_eq!(in_table(&table, from, to), Some(me));
        assert_eq!(Peer::of_tcp(peer, here), Peer::Ours);
        let nobody = SocketAddrV4::new(*from.ip(), 1);
        assert_eq!(owner(nobody, to), None);
        assert_eq!(in_table(&table, nobody, to), None);
    }
}
