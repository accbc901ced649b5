use std::collections::BTreeMap;

use access::LONGEST_QUESTION;
use manifest::test::MatrixValue;

pub(super) type Matrix = BTreeMap<String, Vec<MatrixValue>>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template<'t> {
    pieces: Vec<TemplatePart<'t>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum TemplatePart<'t> {
    Text(&'t str),
    Placeholder(&'t str),
}

/// An unbalanced brace. `{{` and `}}` are literal braces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StrayBrace(pub(super) char);

impl<'t> Template<'t> {
    pub(super) fn parse(text: &'t str) -> Result<Self, StrayBrace> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            if at > 0 {
                pieces.push(TemplatePart::Text(&rest[..at]));
            }
            rest = &rest[at..];
            if rest.starts_with("{{") || rest.starts_with("}}") {
                pieces.push(TemplatePart::Text(&rest[..1]));
                rest = &rest[2..];
            } else if rest.starts_with('{') {
                let end = rest.find('}').ok_or(StrayBrace('{'))?;
                let name = &rest[1..end];
                if name.is_empty()
                    || name.contains(|c: char| !c.is_alphanumeric() && c != '-' && c != '_')
                {
                    return Err(StrayBrace('{'));
                }
                pieces.push(TemplatePart::Placeholder(name));
                rest = &rest[end + 1..];
            } else {
                return Err(StrayBrace('}'));
            }
        }
        if !rest.is_empty() {
            pieces.push(TemplatePart::Text(rest));
        }
        Ok(Self { pieces })
    }

    /// The placeholders in the order of their first use.
    pub(super) fn placeholders(&self) -> Vec<&'t str> {
        let mut names = Vec::new();
        for piece in &self.pieces {
            match piece {
                TemplatePart::Placeholder(name) if !names.contains(name) => names.push(*name),
                TemplatePart::Placeholder(_) | TemplatePart::Text(_) => {}
            }
        }
        names
    }

    /// The number of requests that it expands to.
    pub(super) fn count(&self, matrix: &Matrix) -> u64 {
        let values = self
            .placeholders()
            .into_iter()
            .filter_map(|name| matrix.get(name));
        values.fold(1, |product: u64, values| {
            product.saturating_mul(u64::try_from(values.len()).unwrap_or(u64::MAX))
        })
    }

    /// All requests that it expands to; the last placeholder varies fastest. Each string is cut off
    /// soon after the maximum length of a request, which bounds the memory.
    pub(super) fn expand(&self, matrix: &Matrix) -> impl Iterator<Item = String> {
        let values: Vec<(&str, &[MatrixValue])> = self
            .placeholders()
            .into_iter()
            .filter_map(|name| Some((name, matrix.get(name)?.as_slice())))
            .collect();
        (0..self.count(matrix)).map(move |number| {
            let mut chosen = BTreeMap::new();
            let mut rest = number;
            for (name, values) in values.iter().rev() {
                let length = u64::try_from(values.len()).unwrap_or(u64::MAX).max(1);
                let index = usize::try_from(rest % length).unwrap_or_default();
                rest /= length;
                chosen.extend(values.get(index).map(|value| (*name, value)));
            }
            self.fill(&chosen)
        })
    }

    fn fill(&self, chosen: &BTreeMap<&str, &MatrixValue>) -> String {
        let mut text = String::new();
        for piece in &self.pieces {
            if text.len() > LONGEST_QUESTION {
                break;
            }
            match piece {
                TemplatePart::Text(piece) => text.push_str(piece),
                TemplatePart::Placeholder(name) => {
                    text.extend(chosen.get(name).map(ToString::to_string))
                }
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(json: serde_json::Value) -> Matrix {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn every_combination_is_made_once() {
        let matrix = matrix(
            serde_json::json!({"port": [80, 443], "host": ["a", "b", "c"], "other": ["x", "y"]}),
        );
        let template = Template::parse("tcp {host}.{host}:{port}").unwrap();
        assert_eq!(template.count(&matrix), 6);
        let texts: Vec<_> = template.expand(&matrix).collect();
        assert_eq!(
            texts,
            [
                "tcp a.a:80",
                "tcp a.a:443",
                "tcp b.b:80",
                "tcp b.b:443",
                "tcp c.c:80",
                "tcp c.c:443"
            ]
        );
    }

    #[test]
    fn braces_are_placeholders_or_doubled() {
        let one = |text: &str| {
            Template::parse(text)
                .map(|template| template.expand(&Matrix::new()).collect::<Vec<_>>())
        };
        assert_eq!(one("read /a{{b}}c"), Ok(vec!["read /a{b}c".to_owned()]));
        assert_eq!(one(""), Ok(vec![String::new()]));
        for (text, brace) in [
            ("a{", '{'),
            ("a}", '}'),
            ("{}", '{'),
            ("{a b}", '{'),
            ("{{a}", '}'),
            ("{a{b}}", '{'),
        ] {
            assert_eq!(Template::parse(text), Err(StrayBrace(brace)), "{text}");
        }
    }

    #[test]
    fn values_are_not_read_again() {
        let matrix = matrix(serde_json::json!({"a": ["{b}"], "b": ["x"]}));
        assert_eq!(
            Template::parse("{a}{b}")
                .unwrap()
                .expand(&matrix)
                .collect::<Vec<_>>(),
            ["{b}x"]
        );
    }

    #[test]
    fn counts_and_texts_stay_bounded() {
        let values: Vec<u64> = (0..10_000).collect();
        let matrix = matrix(
            serde_json::json!({"a": values, "b": values, "c": values, "d": values, "e": values,
                                               "f": ["x".repeat(100_000)]}),
        );
        assert_eq!(
            Template::parse("{a}{b}{c}{d}{e}").unwrap().count(&matrix),
            u64::MAX
        );
        let long = Template::parse("{f}{f}{f}{f}{f}{f}{f}{f}").unwrap();
        assert!(long.expand(&matrix).all(|text| text.len() < 200_000));
    }
}
