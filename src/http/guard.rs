//! Who may talk to the server, and the headers of every answer.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::answer::Failure;
use super::peer::Peer;
use super::state::Shared;

/// Everything that the viewer needs comes from here, and nothing else may.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
frame-ancestors 'none'";

/// On every answer.
const HEADERS: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (header::CACHE_CONTROL, "no-store"),
];

/// Lets a request through that its user has sent, and protects the answer.
pub(super) async fn guard(State(app): State<Shared>, request: Request, next: Next) -> Response {
    let mut response = match check(&request) {
        Ok(()) => {
            app.touch();
            let response = next.run(request).await;
            app.touch();
            response
        }
        Err(refusal) => refusal.into_response(),
    };
    for (name, value) in HEADERS {
        response
            .headers_mut()
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    response
}

fn check(request: &Request) -> Result<(), Failure> {
    let peer = request.extensions().get::<Peer>().copied();
    if peer != Some(Peer::Ours) {
        return Err(Failure::forbidden(
            "only the user who runs this server may talk to it",
        ));
    }
    check_names(request.method(), request.uri(), request.headers())
}

/// A page of another site can make a browser send requests here, and with a
/// name of its own that leads to this machine (DNS rebinding) even read the
/// answers. The browser says which page it was.
fn check_names(method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), Failure> {
    let host = one(headers, &header::HOST)?.unwrap_or_default();
    let named = uri.authority().map(axum::http::uri::Authority::as_str);
    if !is_loopback(host) || !named.is_none_or(is_loopback) {
        return Err(Failure::forbidden(
            "Host must be localhost, 127.0.0.1 or [::1]",
        ));
    }
    if let Some(origin) = one(headers, &header::ORIGIN)? {
        let same = origin
            .strip_prefix("http://")
            .or_else(|| origin.strip_prefix("https://"))
            .is_some_and(|place| place.eq_ignore_ascii_case(host));
        if !same {
            return Err(Failure::forbidden("requests of other sites are refused"));
        }
    }
    let fetch = |name: &'static str| one(headers, &HeaderName::from_static(name));
    let site = fetch("sec-fetch-site")?.unwrap_or("none");
    let follows_link = *method == Method::GET && fetch("sec-fetch-mode")? == Some("navigate");
    if matches!(site, "cross-site" | "same-site") && !follows_link {
        return Err(Failure::forbidden("requests of other sites are refused"));
    }
    Ok(())
}

/// The value of a header that may be there once.
fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Failure> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(Failure::forbidden(format!("{name} was sent twice")));
    }
    first
        .map(|value| {
            value
                .to_str()
                .map_err(|_| Failure::forbidden(format!("{name} cannot be read")))
        })
        .transpose()
}

/// A name or address of this machine alone, with or without a port.
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, port)) if port.is_empty() || is_port(port) => address,
            _ => return false,
        },
        None => match host.split_once(':') {
            Some((name, port)) if is_port(&format!(":{port}")) => name,
            Some(_) => return false,
            None => host,
        },
    };
    name.eq_ignore_ascii_case("localhost")
        || name
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn is_port(text: &str) -> bool {
    text.strip_prefix(':')
        .is_some_and(|port| port.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_loopback() {
        for name in [
            "localhost",
            "LocalHost:37701",
            "127.0.0.1",
            "127.0.0.1:80",
            "127.1.2.3",
            "[::1]",
            "[::1]:37701",
        ] {
            assert!(is_loopback(name), "{name}");
        }
        for name in [
            "",
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example:37701",
            "10.0.0.1",
            "0.0.0.0",
            "[::2]",
            "[::1",
            "[::1]evil",
            "localhost:port",
            "localhost:",
            "localhost@evil.example",
            "2130706433",
        ] {
            assert!(!is_loopback(name), "{name}");
        }
    }

    fn verdict(method: &Method, pairs: &[(&'static str, &'static str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        check_names(method, &Uri::from_static("/"), &headers).is_ok()
    }

    #[test]
    fn a_page_of_another_site_is_refused() {
        let host = ("host", "localhost:37701");
        let get = |pairs: &[_]| verdict(&Method::GET, pairs);
        assert!(get(&[host]));
        assert!(get(&[host, ("origin", "http://localhost:37701")]));
        assert!(!get(&[host, ("origin", "http://localhost:3000")]));
        assert!(!get(&[host, ("origin", "http://127.0.0.1:37701")]));
        assert!(!get(&[host, ("origin", "null")]));
        assert!(!get(&[host, host]));
        assert!(!get(&[host, ("sec-fetch-site", "cross-site")]));
        let link = [
            host,
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "navigate"),
        ];
        assert!(get(&link));
        assert!(!verdict(&Method::POST, &link));
        assert!(get(&[host, ("sec-fetch-site", "same-origin")]));
    }
}
