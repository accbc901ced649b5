//! Random manifests with random comments, empty lines, quoting, order, indentation and brackets.

use proptest::prelude::*;

use super::formatted;
use crate::format::verify;

/// Takes choices from a list of random numbers, then zeros.
struct Dice(Vec<u32>, usize);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        let number = self.0.get(self.1).copied().unwrap_or(0);
        self.1 += 1;
        number as usize % sides
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.roll(of.len())]
    }

    /// A random selection in random order.
    fn some<T>(&mut self, mut of: Vec<T>) -> Vec<T> {
        let mut chosen = Vec::new();
        while !of.is_empty() {
            let next = of.remove(self.roll(of.len()));
            if self.roll(6) > 0 {
                chosen.push(next);
            }
        }
        chosen
    }
}

enum Value {
    /// Source text with one or more lines.
    Scalar(&'static str),
    Literal(&'static str),
    List(Vec<Value>),
    Mapping(Vec<(&'static str, Value)>),
}

const HOSTS: &[&str] = &[
    "a.example.com",
    "\"a.example.com\"",
    "'b.example.com'",
    "\"*.a.example.com\"",
    "10.0.0.0/8",
    "c:443",
    "443",
    "# ",
];
const ACTIONS: &[&str] = &[
    "connect:udp",
    "connect:tcp",
    "\"connect:tcp\"",
    "request:get",
    "write",
    "read",
    "fly",
];
const SCALARS: &[&str] = &[
    "r",
    "\"x # y\"",
    "'it''s'",
    "two\n words",
    "\"two \\\n  words\n\n end\\\\\"",
    "a#b",
    "~",
    "é",
];
const LITERALS: &[&str] = &["permit (\n  principal\n);", "a\n\nb", "# no comment", "x"];

fn texts(dice: &mut Dice, of: &'static [&'static str]) -> Value {
    Value::List(
        (0..dice.roll(7))
            .map(|_| Value::Scalar(dice.one(&of[..of.len() - 1])))
            .collect(),
    )
}

fn http(dice: &mut Dice) -> Value {
    let resource = |dice: &mut Dice| {
        let host = dice.one(&HOSTS[..3]);
        let port = dice.one(&["80", "443", "'80'"]);
        let path = dice.one(&["/", "/b/**"]);
        let entries = vec![
            ("host", Value::Scalar(host)),
            ("port", Value::Scalar(port)),
            ("path", Value::Scalar(path)),
        ];
        Value::Mapping(dice.some(entries))
    };
    Value::List((0..dice.roll(5)).map(|_| resource(dice)).collect())
}

fn rule(dice: &mut Dice) -> Value {
    let entries = vec![
        ("name", Value::Scalar(dice.one(SCALARS))),
        ("aliases", texts(dice, SCALARS)),
        ("decision", Value::Scalar(dice.one(&["allow", "deny"]))),
        ("actions", texts(dice, ACTIONS)),
        ("resources", texts(dice, HOSTS)),
        ("httpResources", http(dice)),
        ("resourcesFrom", texts(dice, HOSTS)),
        ("'odd'", Value::Scalar(dice.one(SCALARS))),
    ];
    Value::Mapping(dice.some(entries))
}

fn policy(dice: &mut Dice) -> Value {
    let scope = vec![
        ("teams", texts(dice, HOSTS)),
        ("profiles", texts(dice, HOSTS)),
    ];
    let cedar = vec![
        ("text", Value::Literal(dice.one(LITERALS))),
        ("schemaUrl", Value::Scalar(dice.one(SCALARS))),
    ];
    let rules = (0..dice.roll(4)).map(|_| rule(dice)).collect();
    let spec = vec![
        ("scope", Value::Mapping(dice.some(scope))),
        ("rules", Value::List(rules)),
        ("cedar", Value::Mapping(dice.some(cedar))),
        ("nothing", Value::Scalar("")),
    ];
    let metadata = vec![
        ("name", Value::Scalar(dice.one(SCALARS))),
        ("aliases", texts(dice, SCALARS)),
    ];
    let mut entries = vec![
        ("metadata", Value::Mapping(dice.some(metadata))),
        ("spec", Value::Mapping(dice.some(spec))),
        (
            "extra",
            Value::List(vec![
                texts(dice, HOSTS),
                Value::Mapping(vec![("k", texts(dice, HOSTS))]),
            ]),
        ),
    ];
    entries = dice.some(entries);
    for (key, value) in [
        ("kind", "Policy"),
        ("apiVersion", "docker.com/governance/v1"),
    ] {
        entries.insert(dice.roll(entries.len() + 1), (key, Value::Scalar(value)));
    }
    Value::Mapping(entries)
}

struct Writer<'a> {
    out: String,
    dice: &'a mut Dice,
    comments: usize,
}

impl Writer<'_> {
    fn comment(&mut self) -> String {
        self.comments += 1;
        format!("#{}c{}", self.dice.one(&[" ", "", "# "]), self.comments)
    }

    fn above(&mut self, indent: usize) {
        for _ in 0..self.dice.roll(9).saturating_sub(5) {
            if self.dice.roll(2) == 0 {
                self.out.push_str(&"\n".repeat(1 + self.dice.roll(2)));
            } else {
                let odd = self.dice.roll(8) / 7 * self.dice.roll(9);
                let comment = self.comment();
                self.out
                    .push_str(&format!("{}{comment}\n", " ".repeat(indent + odd)));
            }
        }
    }

    fn end(&mut self) {
        self.out.push_str(self.dice.one(&["", "", "", "  "]));
        if self.dice.roll(6) == 5 {
            let comment = self.comment();
            self.out.push_str(&format!(" {comment}"));
        }
        self.out.push('\n');
    }

    /// Writes a value after `key:` or `-`. `indent` is the column of the key or dash.
    fn value(&mut self, value: &Value, indent: usize, dash: bool) {
        let gap = " ".repeat(1 + self.dice.roll(6) / 5);
        let wish = self.dice.roll(5) == 4;
        match value {
            Value::Scalar(text) => {
                let text = text.replace(
                    '\n',
                    &format!("\n{}", " ".repeat(indent + 1 + self.dice.roll(3))),
                );
                let gap = if text.is_empty() { "" } else { &gap };
                self.out.push_str(&format!("{gap}{text}"));
                self.end();
            }
            Value::Literal(text) => self.literal(text, indent),
            Value::List(items) if items.is_empty() => self.line(" []"),
            Value::Mapping(entries) if entries.is_empty() => self.line(" {}"),
            Value::List(_) | Value::Mapping(_) if wish && flow_fits(value) => {
                self.out.push_str(&gap);
                self.flow(value, indent + 1);
                self.end();
            }
            Value::List(items) => {
                let deeper = if dash { 2 } else { self.dice.roll(4) };
                self.open(dash);
                self.list(items, indent + deeper, dash);
            }
            Value::Mapping(entries) => {
                let deeper = if dash { 2 } else { 1 + self.dice.roll(4) };
                self.open(dash);
                self.mapping(entries, indent + deeper, dash);
            }
        }
    }

    fn line(&mut self, text: &str) {
        self.out.push_str(text);
        self.end();
    }

    fn open(&mut self, dash: bool) {
        if dash { self.out.push(' ') } else { self.end() }
    }

    fn literal(&mut self, text: &str, indent: usize) {
        self.out
            .push_str(self.dice.one(&[" |", " >", " |-", " |+", " >+"]));
        self.end();
        let indent = " ".repeat(indent + 1 + self.dice.roll(4));
        for line in text.lines() {
            self.out.push_str(&if line.is_empty() {
                "\n".to_owned()
            } else {
                format!("{indent}{line}\n")
            });
        }
    }

    fn list(&mut self, items: &[Value], indent: usize, inline: bool) {
        for (index, item) in items.iter().enumerate() {
            if index > 0 || !inline {
                self.above(indent);
                self.out.push_str(&" ".repeat(indent));
            }
            self.out.push('-');
            self.value(item, indent, true);
        }
        self.above(indent);
    }

    fn mapping(&mut self, entries: &[(&str, Value)], indent: usize, inline: bool) {
        for (index, (key, value)) in entries.iter().enumerate() {
            if index > 0 || !inline {
                self.above(indent);
                self.out.push_str(&" ".repeat(indent));
            }
            self.out.push_str(&format!("{key}:"));
            self.value(value, indent, false);
        }
        self.above(indent);
    }

    fn flow(&mut self, value: &Value, indent: usize) {
        let (open, close) = if matches!(value, Value::List(_)) {
            ('[', ']')
        } else {
            ('{', '}')
        };
        self.out.push(open);
        let children: Vec<(Option<&str>, &Value)> = match value {
            Value::List(items) => items.iter().map(|item| (None, item)).collect(),
            Value::Mapping(entries) => entries
                .iter()
                .map(|(key, value)| (Some(*key), value))
                .collect(),
            Value::Scalar(_) | Value::Literal(_) => unreachable!(),
        };
        // Comments in empty lists are not supported.
        let wide = self.dice.roll(3) == 2 && !children.is_empty();
        for (index, (key, value)) in children.iter().enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            if wide {
                self.end();
                self.above(indent);
                self.out.push_str(&" ".repeat(indent + self.dice.roll(3)));
            }
            if let Some(key) = key {
                self.out.push_str(&format!(" {key}: "));
            }
            match value {
                Value::Scalar(text) => self.out.push_str(text),
                value => self.flow(value, indent),
            }
        }
        if wide {
            self.end();
            self.out.push_str(&" ".repeat(indent));
        }
        self.out.push(close);
    }
}

/// Whether the value can be written as a flow collection.
fn flow_fits(value: &Value) -> bool {
    match value {
        Value::Scalar(text) => !text.contains('\n') && !text.is_empty(),
        Value::Literal(_) => false,
        Value::List(items) => items.iter().all(flow_fits),
        Value::Mapping(entries) => entries.iter().all(|(_, value)| flow_fits(value)),
    }
}

fn text(numbers: Vec<u32>) -> String {
    let mut dice = Dice(numbers, 0);
    let value = policy(&mut dice);
    let Value::Mapping(entries) = value else {
        return String::new();
    };
    let mut writer = Writer {
        out: String::new(),
        dice: &mut dice,
        comments: 0,
    };
    writer.mapping(&entries, 0, false);
    writer.out
}

fn comments(text: &str) -> Vec<String> {
    let mut found: Vec<_> = text
        .split('#')
        .skip(1)
        .filter_map(|rest| {
            let rest = rest.trim_start_matches(['#', ' ']);
            let number: String = rest
                .strip_prefix('c')?
                .chars()
                .take_while(char::is_ascii_digit)
                .collect();
            (!number.is_empty()).then_some(number)
        })
        .collect();
    found.sort();
    found
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 2000, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn formatting_keeps_meaning_and_comments_and_is_idempotent(numbers in proptest::collection::vec(any::<u32>(), 0..400)) {
        let text = text(numbers);
        let once = formatted(&text);
        prop_assert!(once.starts_with('#') || once.starts_with("apiVersion: "), "left alone:\n{text}");
        prop_assert_eq!(&formatted(&once), &once, "\nfrom:\n{}", text);
        prop_assert_eq!(comments(&once), comments(&text));
        prop_assert_eq!(verify::check_same_meaning(&text, &once), Ok(()));
        let tidy = |line: &str| line == line.trim_end() && !line.starts_with('\t');
        prop_assert!(once.lines().all(tidy), "{}", once);
        prop_assert!(!once.contains("\n\n\n") || text.contains(['|', '>']), "{}", once);
    }

    #[test]
    fn no_text_makes_the_formatter_panic(text in "([a-c:é\\-\\[\\]{}\"'#|&*!?%@, \n\r\t\u{feff}]|\\PC){0,80}") {
        let head = "apiVersion: docker.com/governance/v1\nkind: Policy\n";
        for text in [text.clone(), format!("{head}{text}"), format!("{head}spec:\n  {text}\n")] {
            match super::format(&text) {
                Ok(once) => prop_assert_eq!(&formatted(&once), &once, "\nfrom:\n{}", text),
                Err(super::FormatError::Unreadable(_)) => {}
                Err(super::FormatError::ChangesMeaning(what)) => prop_assert!(false, "{} of {:?}", what, text),
            }
        }
    }
}
