//! Expressions of workflows, as far as `action.yml` uses them: names, texts, `!`, `==`, `!=`, `&&`, `||` and a few
//! functions. What is false is an empty text here.

use serde_json::Value;

/// Gives the value of a name such as `inputs.head`.
pub(super) type Names<'a> = &'a dyn Fn(&str) -> String;

/// A text in which `${{ … }}` stands for values.
pub(super) fn fill(text: &str, names: Names<'_>) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${{") {
        let (expression, after) = after.split_once("}}").unwrap();
        filled.push_str(before);
        filled.push_str(&value(expression, names));
        rest = after;
    }
    filled + rest
}

/// The value of an expression.
pub(super) fn value(expression: &str, names: Names<'_>) -> String {
    let mut parser = Parser {
        rest: expression.trim(),
        names,
    };
    let value = parser.either();
    assert!(
        parser.rest.is_empty(),
        "not understood: {:?} of {expression:?}",
        parser.rest
    );
    value
}

struct Parser<'a> {
    rest: &'a str,
    names: Names<'a>,
}

fn truth(is: bool) -> String {
    if is { "true".to_owned() } else { String::new() }
}

impl<'a> Parser<'a> {
    fn takes(&mut self, token: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(token) else {
            return false;
        };
        self.rest = rest.trim_start();
        true
    }

    fn either(&mut self) -> String {
        let mut left = self.both();
        while self.takes("||") {
            let right = self.both();
            left = if left.is_empty() { right } else { left };
        }
        left
    }

    fn both(&mut self) -> String {
        let mut left = self.equal();
        while self.takes("&&") {
            let right = self.equal();
            left = if left.is_empty() { left } else { right };
        }
        left
    }

    fn equal(&mut self) -> String {
        let left = self.one();
        if self.takes("==") {
            return truth(left == self.one());
        }
        if self.takes("!=") {
            return truth(left != self.one());
        }
        left
    }

    fn one(&mut self) -> String {
        if self.takes("!") {
            return truth(self.one().is_empty());
        }
        if self.takes("'") {
            let (text, rest) = self.rest.split_once('\'').unwrap();
            self.rest = rest.trim_start();
            return text.to_owned();
        }
        if self.takes("(") {
            let value = self.either();
            assert!(self.takes(")"));
            return value;
        }
        let end = self
            .rest
            .find(|c: char| !(c.is_alphanumeric() || "._-".contains(c)))
            .unwrap_or(self.rest.len());
        let (name, rest): (&'a str, &'a str) = self.rest.split_at(end);
        assert!(!name.is_empty(), "not understood: {:?}", self.rest);
        self.rest = rest.trim_start();
        if self.takes("(") {
            self.call(name)
        } else {
            (self.names)(name)
        }
    }

    fn call(&mut self, name: &str) -> String {
        let mut arguments = Vec::new();
        while !self.takes(")") {
            arguments.push(self.either());
            self.takes(",");
        }
        match (name, arguments.as_slice()) {
            ("always", []) => truth(true),
            (status, []) if format!("{status}()") == "cancelled()" => truth(false),
            ("fromJSON", [text]) => text.clone(),
            ("contains", [list, item]) => {
                let list: Vec<Value> = serde_json::from_str(list).unwrap();
                truth(list.iter().any(|value| value == item))
            }
            ("format", [text, first]) => text.replace("{0}", first),
            _ => panic!("no such function: {name}"),
        }
    }
}

#[test]
fn expressions_are_read_as_a_runner_reads_them() {
    let names = |name: &str| {
        if name == "inputs.a" {
            "x".to_owned()
        } else {
            String::new()
        }
    };
    for (expression, expected) in [
        ("inputs.b || inputs.a", "x"),
        ("inputs.b && inputs.a", ""),
        ("inputs.a == 'x' && 'yes' || 'no'", "yes"),
        ("inputs.b != '' && 'yes' || 'no'", "no"),
        (
            "!cancelled() && contains(fromJSON('[\"x\", \"y\"]'), inputs.a)",
            "true",
        ),
        ("format('refs/{0}/head', inputs.a)", "refs/x/head"),
    ] {
        assert_eq!(value(expression, &names), expected, "{expression}");
    }
    assert_eq!(fill("a${{ inputs.a }}b${{inputs.b}}c", &names), "axbc");
}
