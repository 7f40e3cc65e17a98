//! Building the HTTP client.

use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use reqwest::{Certificate, Client, ClientBuilder, Url};

use super::address;

/// No server takes longer to accept a connection, unless it is out of reach.
pub(super) const CONNECT: Duration = Duration::from_secs(10);
/// A connection is kept for the next call of the same turn.
const KEEP: Duration = Duration::from_secs(30);
/// Bytes of a file with extra certificates.
const MAX_PEM: u64 = 1024 * 1024;

/// A client for calls to the host of `url`.
///
/// The certificates of the machine are loaded only where they are needed: a
/// machine without any can still talk plain HTTP, and a worker that does so does
/// not hold them in memory.
///
/// Extra certificates that cannot be read are left out with a warning, as Claude
/// Code does it.
pub(super) fn build(url: &Url, extra_ca: Option<&Path>) -> Result<Client, reqwest::Error> {
    // Refused when somebody has installed one, which then serves.
    let _already = rustls::crypto::ring::default_provider().install_default();
    let extra = extra_ca.map(certificates).unwrap_or_default();
    if url.scheme() == "http" {
        return basic(url).tls_certs_only([]).build();
    }
    if extra.is_empty() {
        return basic(url).build();
    }
    basic(url).tls_certs_merge(extra).build().or_else(|error| {
        tracing::warn!(%error, "the extra certificates are left out");
        basic(url).build()
    })
}

fn basic(url: &Url) -> ClientBuilder {
    let client = Client::builder()
        .user_agent(concat!("claude-mem/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .pool_max_idle_per_host(1)
        .pool_idle_timeout(KEEP)
        // A redirect would take the key and the prompt to another place.
        .redirect(reqwest::redirect::Policy::none())
        // Whether a call is repeated is the caller's decision.
        .retry(reqwest::retry::never())
        .referer(false);
    if address::is_loopback(url) {
        client.no_proxy()
    } else {
        client
    }
}

fn certificates(path: &Path) -> Vec<Certificate> {
    let read = || -> anyhow::Result<Vec<Certificate>> {
        let mut pem = Vec::new();
        std::fs::File::open(path)?
            .take(MAX_PEM)
            .read_to_end(&mut pem)?;
        Ok(Certificate::from_pem_bundle(&pem)?)
    };
    read().unwrap_or_else(|error| {
        tracing::warn!(%error, path = %path.display(), "the extra certificates cannot be read");
        Vec::new()
    })
}
