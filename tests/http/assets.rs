//! Parts of the executable: sent once, and asked for by their tag from then on.

use super::{Server, filled};

#[test]
fn an_asset_that_is_known_is_not_sent_again() {
    let sandbox = filled();
    let server = Server::start(&sandbox, &[]);
    let get = |path: &str, tag: &str| {
        let headers = [("If-None-Match", tag)];
        server.client.with("GET", path, &headers, "")
    };
    let mut tags = Vec::new();
    for path in [
        "/",
        "/assets/main.js",
        "/assets/base.css",
        "/api/openapi.json",
    ] {
        let first = server.client.get(path);
        assert_eq!(first.status, 200, "{path}");
        assert_eq!(first.header("cache-control"), Some("no-cache"), "{path}");
        let tag = first.header("etag").unwrap().to_owned();
        for known in [
            tag.clone(),
            format!("W/{tag}"),
            format!("\"old\", {tag}"),
            "*".to_owned(),
        ] {
            let again = get(path, &known);
            assert_eq!(again.status, 304, "{path} {known}");
            assert_eq!(again.header("etag"), Some(tag.as_str()), "{path}");
            assert!(again.header("content-security-policy").is_some(), "{path}");
            assert!(again.body.is_empty(), "{path}");
        }
        let other = get(path, "\"old\"");
        assert_eq!((other.status, other.body), (200, first.body), "{path}");
        tags.push(tag);
    }
    tags.sort_unstable();
    tags.dedup();
    assert_eq!(tags.len(), 4, "two assets have one tag");
    // Memory is never kept outside of the database.
    let rows = server.client.get("/api/observations");
    assert_eq!(rows.header("cache-control"), Some("no-store"));
    assert_eq!(rows.header("etag"), None);
}
