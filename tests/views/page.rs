//! The page in a real browser, on a phone and on a desk: how tall it is, that nothing is cut off or
//! covered, and that it can be read without its script.

use serde_json::json;

use super::scenarios::{self, Scenario};
use crate::formats::browser::devtools::{Browser, Tab};
use crate::skip;

/// The width and height of a phone and of a window on a desk.
const SCREENS: [(u32, u32); 2] = [(390, 844), (1280, 900)];

/// Everything that contains text of its own.
const PARTS: &str = "[...document.querySelectorAll('h1,h2,h3,h4,p,summary,label,legend,button,output,li,dt,dd,.diff > div,.badge,div.change')]\
                     .filter((part) => part.checkVisibility() && part.getBoundingClientRect().height > 0)";

/// Parts that cover each other, and parts that leave the screen.
fn faults(tab: &mut Tab<'_>) -> String {
    let script = format!(
        "(() => {{
          const parts = {PARTS};
          const boxes = parts.map((part) => part.getBoundingClientRect());
          const says = (at) => parts[at].tagName + ' ' + parts[at].textContent.trim().slice(0, 40);
          const faults = [];
          for (let a = 0; a < parts.length; a++) {{
            if (boxes[a].right > innerWidth + 1 || boxes[a].left < -1) faults.push('cut off: ' + says(a));
            for (let b = a + 1; b < parts.length; b++) {{
              if (parts[a].contains(parts[b]) || parts[b].contains(parts[a])) continue;
              const width = Math.min(boxes[a].right, boxes[b].right) - Math.max(boxes[a].left, boxes[b].left);
              const height = Math.min(boxes[a].bottom, boxes[b].bottom) - Math.max(boxes[a].top, boxes[b].top);
              if (width > 1 && height > 1) faults.push('covered: ' + says(a) + ' / ' + says(b));
            }}
          }}
          const root = document.documentElement;
          if (root.scrollWidth > innerWidth) faults.push('scrolls sideways: ' + root.scrollWidth);
          return faults.slice(0, 5).join('\\n');
        }})()"
    );
    tab.eval(&script).as_str().unwrap().to_owned()
}

fn height(tab: &mut Tab<'_>) -> u64 {
    let height = tab.eval("Math.ceil(document.documentElement.scrollHeight)");
    height.as_u64().unwrap()
}

/// Opens the page of a plan.
fn with_page(scenario: &Scenario, test: impl FnOnce(&mut Tab<'_>)) {
    let Some(mut browser) = Browser::start() else {
        skip::needs("chromium");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.html");
    std::fs::write(&file, scenario.format("html")).unwrap();
    test(&mut browser.open(&format!("file://{}", file.display())));
}

fn assert_readable(scenario: &Scenario, tallest: u64) {
    with_page(scenario, |tab| {
        for (width, height) in SCREENS {
            tab.resize(width, height);
            let tall = self::height(tab);
            assert!(tall <= tallest, "{tall} px tall at {width} px");
            assert_eq!(faults(tab), "", "folded, at {width} px");
            tab.eval("document.getElementById('expand').click()");
            assert_eq!(faults(tab), "", "unfolded, at {width} px");
            tab.eval("document.getElementById('fold').click()");
        }
    });
}

#[test]
fn the_page_for_three_hundred_hosts_is_at_most_6000_px_tall() {
    assert_readable(&scenarios::three_hundred_hosts(), 6_000);
    assert_readable(&scenarios::three_hundred_rules(), 6_000);
}

#[test]
fn nothing_is_cut_off_or_covered_on_a_phone_or_on_a_desk() {
    for scenario in [
        scenarios::three_changes(),
        scenarios::several_targets(),
        scenarios::removed_and_renamed(),
        scenarios::example("quickstart"),
        scenarios::example("pulumi"),
        scenarios::example("chainloop"),
    ] {
        assert_readable(&scenario, 6_000);
    }
}

#[test]
fn a_search_unfolds_what_it_finds_and_folds_it_again() {
    let shown =
        "[...document.querySelectorAll('.access')].filter((rule) => rule.checkVisibility()).length";
    let folded = "document.querySelectorAll('details:not([open])').length";
    with_page(&scenarios::three_hundred_rules(), |tab| {
        let before = tab.eval(folded);
        assert_eq!(tab.eval(shown), json!(25), "the others are folded");
        tab.press("/");
        for letter in ["r", "2", "9", "9", "."] {
            tab.press(letter);
        }
        assert_eq!(tab.eval(shown), json!(1));
        assert_eq!(
            tab.eval("document.getElementById('count').textContent"),
            json!("1 of 300 rules, 1 of 30 changes")
        );
        let requests =
            "document.querySelector('.access:not([hidden]) .patterns').checkVisibility()";
        assert_eq!(tab.eval(requests), json!(true), "it is unfolded");
        tab.press("Escape");
        assert_eq!(tab.eval(folded), before, "as it was");
    });
    // A long list is reduced to what was searched for.
    with_page(&scenarios::three_hundred_hosts(), |tab| {
        tab.press("/");
        for letter in ["r", "2", "9", "9", "."] {
            tab.press(letter);
        }
        assert_eq!(
            tab.eval("document.querySelector('.patterns').textContent"),
            json!("mirror299.packages.example.com\n… (299 more)")
        );
        tab.press("Escape");
        let lines = "document.querySelector('.patterns').textContent.split('\\n').length";
        assert_eq!(tab.eval(lines), json!(300));
    });
}

#[test]
fn the_page_can_be_read_without_its_script() {
    with_page(&scenarios::three_changes(), |tab| {
        tab.without_script();
        let visible =
            |selector: &str| format!("document.querySelector('{selector}').checkVisibility()");
        assert_eq!(tab.eval(&visible("#filters")), json!(false));
        assert_eq!(tab.eval(&visible(".card")), json!(true));
        assert_eq!(tab.eval(&visible(".access summary .brief")), json!(true));
        // The browser itself unfolds.
        assert_eq!(tab.eval(&visible(".access dl")), json!(false));
        tab.eval("document.querySelector('.access summary').click()");
        assert_eq!(tab.eval(&visible(".access dl")), json!(true));
    });
}

/// What GitHub would render, a page shows as it is.
#[test]
fn a_page_contains_no_markdown() {
    for scenario in [
        scenarios::three_changes(),
        scenarios::several_targets(),
        scenarios::removed_and_renamed(),
        scenarios::example("quickstart"),
    ] {
        let page = scenario.format("html");
        let begin = page.find("<header>").unwrap();
        let end = page.find("<script>").unwrap();
        let page = &page[begin..end];
        let findings = page.find("<h3>Diagnostics of files</h3>");
        let page = &page[..findings.unwrap_or(page.len())];
        for mark in ["`", "|--", "###", "&lt;br&gt;", "```"] {
            assert!(!page.contains(mark), "{mark}: {page}");
        }
    }
}
