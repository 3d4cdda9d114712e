//! The page, of tables that mean harm.

use std::{fs, path::Path};

use super::super::tests::{profile_of, texts};

/// Tags of the page, in order: a stranger's text adds none.
fn tags(page: &str) -> Vec<&str> {
    let starts = page.split('<').skip(1);
    starts
        .map(|rest| rest.split([' ', '>', '\n']).next().unwrap())
        .collect()
}

#[expect(clippy::disallowed_methods, reason = "says where test files are")]
fn naughty_strings() -> Option<Vec<String>> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora");
    let corpora = std::env::var_os("CORPORA").map_or_else(beside, Into::into);
    let text = fs::read(corpora.join("api/blns.json")).ok()?;
    Some(serde_json::from_slice(&text).unwrap())
}

#[test]
fn hostile_names_and_values_stay_text() {
    let Some(strings) = naughty_strings() else {
        println!("left out: corpora/api/blns.json is missing");
        return;
    };
    assert!(strings.len() > 100);
    for chunk in strings.chunks(40) {
        let columns: Vec<_> = chunk
            .iter()
            .map(|text| (text.as_str(), texts([text.as_str(), text.as_str(), ""])))
            .collect();
        let mut profile = profile_of(&columns);
        profile.file.name = chunk.first().cloned();
        profile.file.dialect = Some(serde_json::json!({ "quote": chunk, "escape": chunk.last() }));
        for (column, text) in profile.columns.iter_mut().zip(chunk) {
            column.source_name = Some(text.clone());
        }
        let page = profile.to_html();
        let allowed = [
            "!doctype", "html", "head", "meta", "title", "/title", "style", "/style", "/head", "body", "a",
            "/a", "header", "/header", "p", "/p", "h1", "/h1", "h2", "/h2", "h3", "/h3", "h4", "/h4", "dl",
            "/dl", "div", "/div", "dt", "/dt", "dd", "/dd", "main", "/main", "section", "/section", "ul",
            "/ul", "li", "/li", "span", "/span", "bdi", "/bdi", "code", "/code", "table", "/table", "thead",
            "/thead", "tbody", "/tbody", "caption", "/caption", "tr", "/tr", "th", "/th", "td", "/td",
            "small", "/small", "i", "/i", "article", "/article", "footer", "/footer", "/body", "/html",
        ];
        for tag in tags(&page) {
            assert!(allowed.contains(&tag), "{tag:?}");
        }
        // Each tag that is opened is closed: nothing broke out of an attribute or an element.
        for tag in ["bdi", "code", "span", "article", "table", "tr", "a", "dd", "li"] {
            let opened = tags(&page).iter().filter(|held| **held == tag).count();
            let closed = tags(&page)
                .iter()
                .filter(|held| **held == format!("/{tag}"))
                .count();
            assert_eq!(opened, closed, "{tag}");
        }
        let controls = page.chars().filter(|c| c.is_control() && *c != '\n').count();
        assert_eq!(controls, 0);
        assert!(!page.contains(['\u{202E}', '\u{200B}', '\u{FEFF}']));
    }
}

#[test]
fn the_page_fetches_and_runs_nothing() {
    let page = profile_of(&[("a", texts(["https://example.org", "x", "x"]))]).to_html();
    for word in [
        "<script", "<link", "<img", "<iframe", "src=", "url(", "@import", "onclick",
    ] {
        assert!(!page.contains(word), "{word}");
    }
    assert!(page.contains("<html lang=\"en\">") && page.contains("name=\"viewport\""));
}

#[test]
fn a_wide_table_of_long_values_stays_small() {
    let long = "<".repeat(5_000);
    let names: Vec<String> = (0..4096).map(|number| format!("{number}{long}")).collect();
    let columns: Vec<_> = names
        .iter()
        .map(|name| (name.as_str(), texts([&long, &long])))
        .collect();
    let page = profile_of(&columns).to_html();
    assert!(page.len() < 16 << 20, "{}", page.len());
    assert!(page.contains("id=\"c200\"") && !page.contains("id=\"c201\"") && page.contains("id=\"r4096\""));
}
