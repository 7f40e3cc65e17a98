//! Addresses of endpoints, which may hold credentials themselves.

use reqwest::Url;

use super::Secret;
use crate::agent::model::{Failure, Reason};

/// Parses an address that calls can go to.
pub(super) fn parse(text: &str) -> Result<Url, Failure> {
    let url = Url::parse(text.trim())
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.ok_or_else(|| {
        let words = "the provider's base URL is not an http:// or https:// address";
        Failure::new(Reason::Connection, words)
    })
}

/// `base` with `path` below it. People give the base with and without a slash at
/// its end, and with parts of `path` already there (`spare`); a query stays.
pub(super) fn below(base: &Url, spare: &[&str], path: &str) -> Url {
    let mut url = base.clone();
    let mut start = base.path().trim_end_matches('/').to_owned();
    for part in spare {
        if let Some(shorter) = start.strip_suffix(part) {
            start = shorter.trim_end_matches('/').to_owned();
        }
    }
    url.set_path(&format!("{start}/{path}"));
    url.set_fragment(None);
    url
}

/// Whether it is this machine. No proxy stands between.
pub(super) fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else {
        return false;
    };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost")
        || bare
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// What of an address may be shown: not its user, password and query.
pub(super) fn shown(text: &str) -> String {
    let Ok(mut url) = Url::parse(text.trim()) else {
        return "(not an address)".to_owned();
    };
    if url.set_username("").is_err() || url.set_password(None).is_err() {
        return format!("{}:…", url.scheme());
    }
    url.set_query(None);
    url.set_fragment(None);
    url.as_str().trim_end_matches('/').to_owned()
}

/// The credentials in an address: its password, and the values of its query.
pub(super) fn secrets(url: &Url) -> Vec<Secret> {
    let values = url.query_pairs().map(|(_, value)| value.into_owned());
    url.password()
        .map(str::to_owned)
        .into_iter()
        .chain(values)
        .filter_map(|text| Secret::new(&text))
        .collect()
}
