//! The viewer: one page, its assets embedded in the executable.

use std::hash::{DefaultHasher, Hasher as _};

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;

use super::super::answer::{Answer, Failure};
use super::super::ask::Segment;

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const IMAGE: &str = "image/svg+xml";

const INDEX: &str = include_str!("../viewer/index.html");

/// Everything that the page asks for, under `/assets/`.
const ASSETS: &[(&str, &str, &str)] = &[
    ("api.js", SCRIPT, include_str!("../viewer/api.js")),
    ("around.js", SCRIPT, include_str!("../viewer/around.js")),
    ("base.css", STYLE, include_str!("../viewer/base.css")),
    ("card.js", SCRIPT, include_str!("../viewer/card.js")),
    ("cards.css", STYLE, include_str!("../viewer/cards.css")),
    ("charts.js", SCRIPT, include_str!("../viewer/charts.js")),
    ("detail.js", SCRIPT, include_str!("../viewer/detail.js")),
    ("dom.js", SCRIPT, include_str!("../viewer/dom.js")),
    ("empty.js", SCRIPT, include_str!("../viewer/empty.js")),
    ("filters.js", SCRIPT, include_str!("../viewer/filters.js")),
    ("format.js", SCRIPT, include_str!("../viewer/format.js")),
    ("health.js", SCRIPT, include_str!("../viewer/health.js")),
    ("help.js", SCRIPT, include_str!("../viewer/help.js")),
    ("icon.svg", IMAGE, include_str!("../viewer/icon.svg")),
    ("icons.js", SCRIPT, include_str!("../viewer/icons.js")),
    ("keyboard.js", SCRIPT, include_str!("../viewer/keyboard.js")),
    ("main.js", SCRIPT, include_str!("../viewer/main.js")),
    (
        "page_context.js",
        SCRIPT,
        include_str!("../viewer/page_context.js"),
    ),
    (
        "page_feed.js",
        SCRIPT,
        include_str!("../viewer/page_feed.js"),
    ),
    (
        "page_queue.js",
        SCRIPT,
        include_str!("../viewer/page_queue.js"),
    ),
    (
        "page_search.js",
        SCRIPT,
        include_str!("../viewer/page_search.js"),
    ),
    (
        "page_session.js",
        SCRIPT,
        include_str!("../viewer/page_session.js"),
    ),
    (
        "page_settings.js",
        SCRIPT,
        include_str!("../viewer/page_settings.js"),
    ),
    (
        "page_stats.js",
        SCRIPT,
        include_str!("../viewer/page_stats.js"),
    ),
    ("pages.css", STYLE, include_str!("../viewer/pages.css")),
    ("rows.js", SCRIPT, include_str!("../viewer/rows.js")),
    ("source.js", SCRIPT, include_str!("../viewer/source.js")),
    ("stream.js", SCRIPT, include_str!("../viewer/stream.js")),
    ("theme.js", SCRIPT, include_str!("../viewer/theme.js")),
    ("themes.js", SCRIPT, include_str!("../viewer/themes.js")),
    ("vlist.js", SCRIPT, include_str!("../viewer/vlist.js")),
    ("words.js", SCRIPT, include_str!("../viewer/words.js")),
];

pub(in super::super) async fn index(headers: HeaderMap) -> Response {
    unchanging(HTML, INDEX, &headers)
}

pub(in super::super) async fn asset(Segment(name): Segment, headers: HeaderMap) -> Answer {
    ASSETS
        .iter()
        .find(|(known, ..)| *known == name)
        .map(|(_, kind, text)| unchanging(kind, text, &headers))
        .ok_or_else(|| Failure::not_found("Not found").with("path", format!("/assets/{name}")))
}

/// A part of the executable: a client keeps it, and asks each time whether it is
/// another one by now.
pub(super) fn unchanging(kind: &'static str, text: &'static str, asked: &HeaderMap) -> Response {
    let tag = tag(text);
    let mut response = if has(asked, &tag) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        Response::new(Body::from(text))
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

/// Differs from text to text; nothing else is asked of it.
fn tag(text: &str) -> String {
    let mut hasher = DefaultHasher::new();
    hasher.write(text.as_bytes());
    format!("\"{:016x}\"", hasher.finish())
}

/// Whether the client has the text of this tag.
fn has(asked: &HeaderMap, tag: &str) -> bool {
    asked
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|tags| tags.to_str().ok())
        .flat_map(|tags| tags.split(','))
        .map(str::trim)
        .any(|given| given == "*" || given.strip_prefix("W/").unwrap_or(given) == tag)
}
