//! Texts that try to break out of a format (invariant 10). Each format is read by a parser that shares no code with what
//! is tested, and has the same structure whatever the texts are.

use html5gum::{Token, Tokenizer};
use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser, Tag};
use serde_json::Value;

use super::published::{assert_junit, format, sarif_faults};
use super::runner::commands;
use super::world::Words;

/// Pieces that mean something in one of the formats.
const PIECES: &[&str] = &[
    "`",
    "```",
    "````",
    "~~~",
    "~~~~",
    "<script>alert(1)</script>",
    "</details>",
    "</summary>",
    "</td></tr></table>",
    "</script>",
    "</style>",
    "-->",
    "<!--",
    "<!-- polwarden:plan:production -->",
    "<img src=x onerror=alert(1)>",
    "[x](https://evil.example.com)",
    "![x](https://evil.example.com/p.png)",
    "](1)",
    "[^1]",
    "@anybody",
    "#1",
    "https://evil.example.com",
    "www.evil.example.com",
    "|",
    "\\",
    "\\`",
    "\n",
    "\r",
    "\r\n",
    "\n\n# heading\n",
    "\n- item\n",
    "\u{202e}",
    "\u{2066}",
    "\u{200b}",
    "\u{2028}",
    "\u{85}",
    "::set-output name=a::b",
    "\n::error::x",
    "\n  ::add-mask::x",
    "##[add-mask]x",
    "##vso[task.setvariable variable=a]b",
    "##",
    "##[",
    "[command]",
    "&amp;",
    "&#60;",
    "\"",
    "'",
    "]]>",
    "<![CDATA[",
    "%0A",
    "%3A",
    "%",
    ",",
    ":",
    "::",
    "#",
    "*",
    "**",
    "_",
    "  ",
    "\t",
    "\u{0}",
    "\u{1b}[31m",
    "\u{9b}31m",
    "\u{fffe}",
    "\u{ffff}",
    "é",
    "🙂",
    "{0}",
    "- ",
    "+ ",
    "1. ",
    "> ",
    "---",
    "===",
    "$(id)",
    "${{ x }}",
    "javascript:alert(1)",
    "a",
    "example.com",
];

pub(super) fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![6 => prop::sample::select(PIECES).prop_map(str::to_owned), 1 => "\\PC{0,4}", 1 => any::<char>().prop_map(String::from)];
    prop::collection::vec(piece, 1..6).prop_map(|pieces| pieces.concat())
}

/// The structure of Markdown, without code.
pub(super) fn structure_of_markdown(text: &str) -> Vec<String> {
    let github = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_GFM;
    let mut structure = Vec::new();
    let mut in_block = false;
    for event in Parser::new_ext(text, github) {
        match event {
            Event::Code(_) => structure.push("code".to_owned()),
            Event::Start(Tag::CodeBlock(_)) => {
                in_block = true;
                structure.push(format!("{event:?}"));
            }
            Event::End(pulldown_cmark::TagEnd::CodeBlock) => in_block = false,
            Event::Text(_) if in_block => {}
            // All other parts contain only fixed words, which are the same for all texts.
            other => structure.push(format!("{other:?}")),
        }
    }
    structure
}

/// All tags of HTML with their attributes, and comments.
pub(super) fn structure_of_html(text: &str) -> Vec<String> {
    let mut emitter = html5gum::DefaultEmitter::default();
    emitter.naively_switch_states(true);
    let tokens = Tokenizer::new_with_emitter(text, emitter).map(|token| token.unwrap());
    tokens
        .filter_map(|token| match token {
            Token::StartTag(tag) => {
                let attributes: Vec<_> = tag
                    .attributes
                    .iter()
                    .map(|(name, value)| format!("{name:?}={value:?}"))
                    .collect();
                Some(format!("{:?} {attributes:?}", tag.name))
            }
            Token::EndTag(tag) => Some(format!("/{:?}", tag.name)),
            Token::Comment(comment) => Some(format!("{comment:?}")),
            Token::Doctype(_) | Token::String(_) => None,
            Token::Error(error) => Some(format!("{error:?}")),
        })
        .collect()
}

/// A JSON value with every string value replaced by nothing; keys are kept.
fn structure_of_json(value: &Value) -> Value {
    match value {
        Value::String(_) => Value::Null,
        Value::Array(list) => list.iter().map(structure_of_json).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| (key.clone(), structure_of_json(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}

pub(super) fn is_hidden(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t'))
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// What an ordinary text everywhere gives.
static PLAIN: std::sync::LazyLock<Vec<(&'static str, String)>> =
    std::sync::LazyLock::new(|| Words::all("plain").formats());

fn plain(name: &str) -> &'static str {
    &PLAIN.iter().find(|(format, _)| *format == name).unwrap().1
}

pub(super) fn commands_of_github(text: &str) -> Vec<(String, Vec<String>)> {
    let of = commands(text)
        .into_iter()
        .map(|command| (command.name, command.properties.into_keys().collect()));
    let mut all: Vec<_> = of.collect();
    // The order depends on the names of files.
    all.sort();
    all
}

proptest! {
    #![proptest_config(crate::properties::cases(200))]

    #[test]
    fn markdown_has_no_structure_from_data(text in hostile()) {
        let found = structure_of_markdown(&format(&Words::all(&text), "markdown"));
        prop_assert_eq!(found, structure_of_markdown(plain("markdown")));
    }

    #[test]
    fn html_has_no_structure_from_data(text in hostile()) {
        let found = structure_of_html(&format(&Words::all(&text), "html"));
        prop_assert_eq!(found, structure_of_html(plain("html")));
    }

    #[test]
    fn no_format_gives_a_command_to_a_runner(text in hostile()) {
        for (format, output) in Words::all(&text).formats() {
            let found = commands_of_github(&output);
            if format == "github" {
                prop_assert_eq!(found, commands_of_github(plain("github")));
            } else {
                prop_assert_eq!(found, Vec::new(), "{}: {}", format, output);
            }
        }
    }

    #[test]
    fn annotations_name_the_file_that_is_meant(text in hostile()) {
        let output = format(&Words::all(&text), "github");
        let expected = format!("deploy/policies here/{}", polwarden::render::text::neutral(&text));
        let commands = commands(&output);
        let files: Vec<&String> = commands.iter().filter_map(|command| command.properties.get("file")).collect();
        prop_assert!(!files.is_empty() && files.iter().all(|file| **file == expected), "{:?}", files);
    }

    #[test]
    fn sarif_and_code_quality_stay_what_they_are(text in hostile()) {
        let log = format(&Words::all(&text), "sarif");
        prop_assert_eq!(sarif_faults(&log), Vec::<String>::new());
        let log: Value = serde_json::from_str(&log).unwrap();
        for result in log["runs"][0]["results"].as_array().unwrap() {
            let message = result["message"]["text"].as_str().unwrap();
            prop_assert!(!message.contains("]("), "an embedded link: {}", message);
            for location in result["locations"].as_array().unwrap() {
                let uri = location["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap();
                prop_assert!(uri.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~/%".contains(&byte)), "{}", uri);
            }
        }
        let issues: Value = serde_json::from_str(&format(&Words::all(&text), "gitlab")).unwrap();
        let usual: Value = serde_json::from_str(plain("gitlab")).unwrap();
        let count = |value: &Value| value.as_array().unwrap().len();
        prop_assert_eq!(count(&issues), count(&usual));
        for issue in issues.as_array().unwrap() {
            prop_assert_eq!(structure_of_json(issue).as_object().unwrap().len(), 5);
        }
    }

    #[test]
    fn junit_is_one_document(text in hostile()) {
        let xml = format(&Words::all(&text), "junit");
        let names = |xml: &str| {
            let document = roxmltree::Document::parse(xml).unwrap();
            let all = document.descendants().filter(roxmltree::Node::is_element);
            let mut all: Vec<String> = all.map(|node| node.tag_name().name().to_owned()).collect();
            all.sort();
            all
        };
        prop_assert_eq!(names(&xml), names(plain("junit")));
    }

    #[test]
    fn nothing_hidden_is_left(text in hostile()) {
        for (format, output) in Words::all(&text).formats() {
            let found = output.chars().find(|c| is_hidden(*c));
            prop_assert_eq!(found, None, "{}: {:?}", format, output);
        }
    }
}

/// The oracles see what they are to see.
#[test]
fn a_break_out_would_be_seen() {
    let page = plain("markdown");
    let with = |piece: &str| page.replacen("plain", piece, 1);
    for piece in [
        "x` [x](https://e.example.com) `x",
        "x` <b> `x",
        "x`\n\n# x\n\n`x",
    ] {
        assert_ne!(
            structure_of_markdown(&with(piece)),
            structure_of_markdown(page),
            "{piece}"
        );
    }
    let page = plain("html");
    for piece in ["<b>", "<!-- x -->", "</td>", "<script>x</script>"] {
        assert_ne!(
            structure_of_html(&page.replacen("plain", piece, 1)),
            structure_of_html(page),
            "{piece}"
        );
    }
    assert_junit(&format(&Words::all("]]></failure><x a='\"&"), "junit"));
}

#[test]
fn a_marker_cannot_end_what_hides_it() {
    use polwarden::render::markdown::Marker;
    for text in ["", "a b", "-->", "a--b", "a>", "é", &"a".repeat(65)] {
        assert!(text.parse::<Marker>().is_err(), "{text}");
    }
    for text in ["production", "a.b_c-1"] {
        text.parse::<Marker>().unwrap();
    }
    let names = |names: &[&str]| {
        Marker::of_targets(
            &names
                .iter()
                .map(|name| (*name).to_owned())
                .collect::<Vec<_>>(),
        )
    };
    assert_eq!(names(&[]), "all".parse().unwrap());
    assert_eq!(names(&["a", "b"]), "a_b".parse().unwrap());
    assert_ne!(
        names(&["-->"]),
        names(&["--->"]),
        "names that cannot be a marker are distinguished"
    );
}
