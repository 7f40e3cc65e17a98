//! What can be said of the page without a browser.

use std::path::{Path, PathBuf};

fn assets() -> Vec<(PathBuf, String)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http/viewer");
    std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            (path, text)
        })
        .collect()
}

#[test]
fn no_text_can_become_markup_or_code() {
    let ways = [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "DOMParser",
        "createContextualFragment",
        "srcdoc",
        "setHTML",
        "eval(",
        "new Function",
        "javascript:",
    ];
    for (path, text) in assets() {
        for way in ways {
            assert!(!text.contains(way), "{} has {way}", path.display());
        }
    }
}

#[test]
fn the_page_needs_nothing_that_its_policy_forbids() {
    for (path, text) in assets() {
        let markup = path
            .extension()
            .is_some_and(|kind| kind == "html" || kind == "svg");
        if markup {
            for forbidden in ["style=", "<style", " onload", " onclick", "javascript:"] {
                assert!(
                    !text.contains(forbidden),
                    "{} has {forbidden}",
                    path.display()
                );
            }
            let scripts = text.matches("<script").count();
            let linked = text.matches("src=\"/assets/").count() - text.matches("<img src=").count();
            assert_eq!(
                scripts,
                linked,
                "{} has a script of its own",
                path.display()
            );
        }
        for (at, _) in text.match_indices("://") {
            let begin = text[..at]
                .rfind(|c: char| !c.is_ascii_alphabetic())
                .map_or(0, |at| at + 1);
            let rest = &text[begin..];
            assert!(
                rest.starts_with("http://www.w3.org/"),
                "{} names another host: {}",
                path.display(),
                rest.lines().next().unwrap_or_default()
            );
        }
    }
}

#[test]
fn every_asset_is_served_and_asked_for() {
    let table = include_str!("../../src/http/routes/viewer.rs");
    let index = include_str!("../../src/http/viewer/index.html");
    for (path, _) in assets() {
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(
            table.contains(&format!("../viewer/{name}\"")),
            "{name} is not served"
        );
        assert!(
            name == "index.html" || index.contains(&format!("\"/assets/{name}\"")),
            "{name} is loaded late: index.html does not name it"
        );
    }
}
