//! The HTML page in a real browser: what is seen, what the keyboard reaches, and that nothing else is asked for.
//!
//! Without Chromium, these tests are skipped with a message.

pub(crate) mod devtools;

use serde_json::json;

use super::world::Words;
use crate::skip;
use devtools::{Browser, Tab};

fn with_page(test: impl FnOnce(&mut Tab<'_>)) {
    let Some(mut browser) = Browser::start() else {
        skip::needs("chromium");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.html");
    let html = Words::ordinary()
        .formats()
        .into_iter()
        .find(|(format, _)| *format == "html")
        .unwrap()
        .1;
    std::fs::write(&file, html).unwrap();
    let url = format!("file://{}", file.display());
    let mut tab = browser.open(&url);
    test(&mut tab);
    let noise = tab.noise();
    assert_eq!(
        noise.messages,
        Vec::<String>::new(),
        "the console stays empty"
    );
    assert_eq!(noise.requests, [url], "one file and nothing else");
}

/// The number of colors of an image, up to a hundred.
fn colors(png: &[u8]) -> usize {
    let mut reader = png::Decoder::new(std::io::Cursor::new(png))
        .read_info()
        .unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    let size = info.color_type.samples();
    let seen: std::collections::BTreeSet<&[u8]> = pixels[..info.buffer_size()]
        .chunks(size)
        .take(4_000_000)
        .collect();
    seen.len().min(100)
}

#[test]
fn the_page_in_a_browser() {
    with_page(|tab| {
        assert!(colors(&tab.screenshot()) > 20, "the picture is not blank");
        assert_eq!(
            tab.eval("document.querySelectorAll('.change').length"),
            json!(4)
        );
        assert_eq!(
            tab.eval("document.getElementById('filters').hidden"),
            json!(false)
        );
        assert_eq!(
            tab.eval("document.getElementById('count').textContent"),
            json!("4 of 4 rules, 4 of 4 changes")
        );

        // Light and dark.
        let back = "getComputedStyle(document.body).backgroundColor";
        tab.prefer("light");
        let light = tab.eval(back);
        tab.prefer("dark");
        assert_ne!(tab.eval(back), light);

        walk(tab);
        filter(tab);
    });
}

/// All that can be used is reached with the keyboard.
fn walk(tab: &mut Tab<'_>) {
    let focused = "(document.activeElement.id || document.activeElement.className || document.activeElement.tagName)";
    tab.press("Tab");
    assert_eq!(
        tab.eval(focused),
        json!("skip"),
        "the first stop is the way past the filters"
    );
    let mut stops = Vec::new();
    for _ in 0..8 {
        tab.press("Tab");
        stops.push(tab.eval(focused).as_str().unwrap().to_owned());
    }
    let expected = [
        "search",
        "show-opens",
        "show-closes",
        "show-create",
        "show-update",
        "show-delete",
        "expand",
        "fold",
    ];
    assert_eq!(stops, expected);
    tab.press("Tab");
    assert_eq!(tab.eval("document.activeElement.tagName"), json!("SUMMARY"));
    let open = "document.activeElement.parentElement.open";
    assert_eq!(tab.eval(open), json!(false));
    tab.press("Enter");
    assert_eq!(tab.eval(open), json!(true), "Enter unfolds");
    tab.press("Enter");
    assert_eq!(tab.eval(open), json!(false), "Enter folds");
    let text = "document.activeElement.textContent";
    let first = tab.eval(text);
    tab.press("j");
    assert_ne!(tab.eval(text), first, "j goes on");
    tab.press("k");
    assert_eq!(tab.eval(text), first, "k goes back");
    tab.press("c");
    assert_eq!(
        tab.eval("document.querySelectorAll('details[open]').length"),
        json!(0)
    );
    tab.press("e");
    assert_eq!(
        tab.eval("document.querySelectorAll('details:not([open])').length"),
        json!(0)
    );
}

fn filter(tab: &mut Tab<'_>) {
    let count = "document.getElementById('count').textContent";
    let visible =
        "[...document.querySelectorAll('.change')].filter((one) => one.checkVisibility()).length";
    tab.press("/");
    assert_eq!(tab.eval("document.activeElement.id"), json!("search"));
    for letter in ["u", "p", "l", "o", "a", "d"] {
        tab.press(letter);
    }
    // A policy with its rule, the requests that the rule closes, and the guard that it was.
    assert_eq!(tab.eval(count), json!("2 of 4 rules, 1 of 4 changes"));
    assert_eq!(tab.eval(visible), json!(1));
    tab.press("Escape");
    assert_eq!(tab.eval(count), json!("4 of 4 rules, 4 of 4 changes"));
    tab.eval("document.getElementById('show-create').focus()");
    tab.press(" ");
    assert_eq!(
        tab.eval(count),
        json!("4 of 4 rules, 3 of 4 changes"),
        "what is new is hidden"
    );
    tab.press(" ");
    assert_eq!(tab.eval(visible), json!(4));
}
