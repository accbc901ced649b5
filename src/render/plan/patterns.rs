//! Patterns of requests as people read them.

use crate::render::text::{neutral, neutral_hosts};

/// A list of at most this many entries is shown completely.
const LONGEST: usize = 6;
/// The number of entries that are shown of a longer list.
const SHOWN: usize = 3;

/// Patterns in a short form: the methods of the same URL and the actions on the same path are one
/// entry (`GET/HEAD https://a.example.com/**`), verbs are not repeated and `tcp` is omitted at the
/// beginning, and further ports of a host follow it (`git.example.com:22, :443`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PatternList {
    /// Neutralized.
    entries: Vec<String>,
    noun: (&'static str, &'static str),
}

/// How much of a list is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListDetail {
    /// All entries.
    Full,
    /// The first entries of a long list, with the number of the others and this explanation.
    Folded(&'static str),
}

impl PatternList {
    pub(crate) fn of(patterns: &[String]) -> Self {
        let mut entries: Vec<Entry<'_>> = Vec::new();
        for pattern in patterns {
            let parsed = Entry::parse(pattern);
            let same = entries.iter_mut().find(|entry| {
                entry.is_mergeable && parsed.is_mergeable && entry.what == parsed.what
            });
            match same {
                Some(entry) => entry.verbs.extend(parsed.verbs),
                None => entries.push(parsed),
            }
        }
        let is_network = entries.iter().all(Entry::is_network);
        // Without a verb, a network pattern is one of TCP.
        let mut verbs: &[&str] = &["tcp"];
        let mut texts: Vec<String> = Vec::with_capacity(entries.len());
        let mut previous: Option<&str> = None;
        for entry in &entries {
            let host = entry.host();
            match (host, previous) {
                (Some((host, port)), Some(before)) if host == before && verbs == entry.verbs => {
                    texts.push(format!(":{}", neutral(port)));
                }
                _ => texts.push(entry.text(verbs)),
            }
            previous = host.map(|(host, _)| host);
            verbs = &entry.verbs;
        }
        Self {
            entries: texts,
            noun: if is_network {
                ("host", "hosts")
            } else {
                ("pattern", "patterns")
            },
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether [`ListDetail::Folded`] leaves entries out.
    pub(crate) fn is_long(&self) -> bool {
        self.entries.len() > LONGEST
    }

    /// All entries, neutralized.
    pub(crate) fn entries(&self) -> &[String] {
        &self.entries
    }

    /// The entries, separated by commas.
    pub(crate) fn text(&self, detail: ListDetail) -> String {
        match detail {
            ListDetail::Folded(rest) if self.is_long() => {
                let shown: Vec<&str> = self
                    .entries
                    .iter()
                    .take(SHOWN)
                    .map(String::as_str)
                    .collect();
                format!(
                    "{} {}: {}, … ({} more{rest})",
                    self.entries.len(),
                    self.noun.1,
                    shown.join(", "),
                    self.entries.len() - SHOWN,
                )
            }
            ListDetail::Full | ListDetail::Folded(_) => self.entries.join(", "),
        }
    }
}

/// A pattern of a gate, such as `get https://api.example.com/**`.
struct Entry<'a> {
    verbs: Vec<&'a str>,
    what: &'a str,
    /// Whether other verbs with the same object can be part of it. Intersections (`A & B`) cannot.
    is_mergeable: bool,
}

impl<'a> Entry<'a> {
    fn parse(pattern: &'a str) -> Self {
        match pattern.split_once(' ') {
            Some((verb, what)) if !what.contains(" & ") && verb != "mcp" => Self {
                verbs: vec![verb],
                what,
                is_mergeable: true,
            },
            _ => Self {
                verbs: Vec::new(),
                what: pattern,
                is_mergeable: false,
            },
        }
    }

    fn is_network(&self) -> bool {
        !self.verbs.is_empty() && self.verbs.iter().all(|verb| matches!(*verb, "tcp" | "udp"))
    }

    /// The host and the port of a network pattern.
    fn host(&self) -> Option<(&'a str, &'a str)> {
        if !self.is_network() {
            return None;
        }
        let (host, port) = self.what.rsplit_once(':')?;
        let is_port = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        // Without brackets, what contains more colons is an IPv6 address without a port.
        let is_host = !host.contains(':') || host.ends_with(']');
        (is_port && is_host).then_some((host, port))
    }

    /// The pattern, with its verbs unless they are those of the entry before.
    fn text(&self, before: &[&str]) -> String {
        let what = neutral_hosts(self.what);
        if self.verbs == before || self.verbs.is_empty() {
            return what.into_owned();
        }
        let is_web = self.what.starts_with("https://") || self.what.starts_with("http://");
        let verbs: Vec<String> = self
            .verbs
            .iter()
            .map(|verb| {
                let verb = neutral(verb);
                if is_web {
                    verb.to_uppercase()
                } else {
                    verb.into_owned()
                }
            })
            .collect();
        format!("{} {what}", verbs.join("/"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn short(patterns: &[&str]) -> String {
        let patterns: Vec<String> = patterns.iter().map(ToString::to_string).collect();
        PatternList::of(&patterns).text(ListDetail::Folded(", -v shows all"))
    }

    #[test]
    fn patterns_are_short_and_exact() {
        for (patterns, expected) in [
            (&["tcp a.example.com:443"][..], "a.example.com:443"),
            (
                &["tcp git.example.com:22", "tcp git.example.com:443"],
                "git.example.com:22, :443",
            ),
            (
                &["tcp [2001:db8::1]:22", "tcp [2001:db8::1]:443"],
                "[2001:db8::1]:22, :443",
            ),
            (
                &["tcp 2001:db8::1", "tcp 2001:db8::2"],
                "2001:db8::1, 2001:db8::2",
            ),
            (
                &["tcp a.example.com:53", "udp a.example.com:53"],
                "tcp/udp a.example.com:53",
            ),
            (
                &[
                    "get https://a.example.com/**",
                    "head https://a.example.com/**",
                    "post https://b.example.com/x",
                ],
                "GET/HEAD https://a.example.com/**, POST https://b.example.com/x",
            ),
            (
                &["read ~/projects/**", "write ~/projects/**", "read /data"],
                "read/write ~/projects/**, read /data",
            ),
            (
                &["get https://a.example.com/", "get https://b.example.com/"],
                "GET https://a.example.com/, https://b.example.com/",
            ),
            (
                &[
                    "udp a.example.com:53",
                    "tcp b.example.com:53",
                    "tcp c.example.com",
                ],
                "udp a.example.com:53, tcp b.example.com:53, c.example.com",
            ),
            (
                &["udp a.example.com:53", "udp a.example.com:54"],
                "udp a.example.com:53, :54",
            ),
            (&["mcp *"], "mcp *"),
            (&["tcp *.a.example & tcp b.*"], "tcp *.a.example & tcp b.*"),
            (
                &[
                    "tcp a", "tcp b", "tcp c", "tcp d", "tcp e", "tcp f", "tcp g",
                ],
                "7 hosts: a, b, c, … (4 more, -v shows all)",
            ),
        ] {
            assert_eq!(short(patterns), expected);
        }
    }
}
