//! The grammar of `--fault`:
//!
//! ```text
//! fault    = kind [ "=" value ] [ "@" selector { "," selector } ]
//! kind     = ("before" | "after") "-" what | what | what "-" ("before" | "after")
//! value    = duration | name [ "/" name ]
//! selector = range | class [ ":" range ] | "p=" number | "seed=" number | "times=" number | "once"
//! range    = n | n ".." | n ".." n
//! ```

use std::num::NonZeroU64;
use std::str::FromStr;
use std::time::Duration;

use jiff::SignedDuration;

use super::super::operation::Operation;
use super::error::nearest;
use super::{
    Among, Chance, Change, ErrorStatus, Fault, FaultError, FaultKind, Probability, Range, Selection, When, Which,
    WhichRule,
};

/// All kinds by their words, for suggestions; statuses are numbers.
const KINDS: [&str; 14] = [
    "reset",
    "hang",
    "crash",
    "undecodable",
    "truncated",
    "delay",
    "revoke-tokens",
    "add-policy",
    "rename-policy",
    "change-policy",
    "delete-policy",
    "add-rule",
    "change-rule",
    "delete-rule",
];

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let text = text.trim();
        let end = text.find(['=', '@']).unwrap_or(text.len());
        let (word, rest) = text.split_at(end);
        let (value, rest) = match rest.strip_prefix('=') {
            Some(rest) => Value::take(rest)?,
            None => (Value::default(), rest),
        };
        let at = match rest.strip_prefix('@') {
            Some(selectors) => selectors.parse()?,
            None if rest.is_empty() => Selection::default(),
            None => {
                let rest = rest.split('@').next().unwrap_or_default();
                return Err(FaultError::Trailing(rest.to_owned(), word.to_owned()));
            }
        };
        Ok(Self { kind: kind(word, value)?, at })
    }
}

/// What stands after `=`: texts between slashes, each with whether it was quoted.
#[derive(Debug, Default)]
struct Value(Vec<(String, bool)>);

impl Value {
    /// Takes a value off the beginning of a text.
    fn take(mut text: &str) -> Result<(Self, &str), FaultError> {
        let mut parts = Vec::new();
        loop {
            let (part, rest) = if text.starts_with('"') {
                let mut strings = serde_json::Deserializer::from_str(text).into_iter::<String>();
                let part = strings.next().and_then(Result::ok).ok_or_else(|| FaultError::Name(text.to_owned()))?;
                ((part, true), text.get(strings.byte_offset()..).unwrap_or_default())
            } else {
                let (part, rest) = text.split_at(text.find(['/', '@']).unwrap_or(text.len()));
                if part.trim().is_empty() || part.contains('"') {
                    return Err(FaultError::Name(part.to_owned()));
                }
                ((part.to_owned(), false), rest)
            };
            parts.push(part);
            match rest.strip_prefix('/') {
                Some(rest) => text = rest,
                None => return Ok((Self(parts), rest)),
            }
        }
    }

    /// No value at all.
    fn none(&self, kind: &'static str) -> Result<(), FaultError> {
        if self.0.is_empty() { Ok(()) } else { Err(FaultError::Value { kind, takes: "no value" }) }
    }

    /// A duration, if there is any value.
    fn duration(&self, kind: &'static str) -> Result<Option<Duration>, FaultError> {
        match self.0.as_slice() {
            [] => Ok(None),
            [(text, false)] => duration(text).map(Some),
            [..] => Err(FaultError::Value { kind, takes: "one duration" }),
        }
    }

    fn policy(self, kind: &'static str) -> Result<Which, FaultError> {
        let mut names = self.0.into_iter().map(which);
        match (names.next(), names.next()) {
            (name, None) => Ok(name.unwrap_or_default()),
            (_, Some(_)) => Err(FaultError::Value { kind, takes: "the name of a policy" }),
        }
    }

    fn rule(self, kind: &'static str) -> Result<WhichRule, FaultError> {
        let mut names = self.0.into_iter().map(which);
        match (names.next(), names.next(), names.next()) {
            (None, _, _) => Ok(WhichRule::default()),
            (Some(rule), None, _) => Ok(WhichRule { policy: Which::Any, rule }),
            (Some(policy), Some(rule), None) => Ok(WhichRule { policy, rule }),
            (_, _, Some(_)) => Err(FaultError::Value { kind, takes: "RULE or POLICY/RULE" }),
        }
    }
}

fn which((name, quoted): (String, bool)) -> Which {
    if name == "any" && !quoted { Which::Any } else { Which::Named(name) }
}

fn duration(text: &str) -> Result<Duration, FaultError> {
    let parsed: Option<SignedDuration> = text.trim().parse().ok();
    parsed.and_then(|duration| duration.try_into().ok()).ok_or_else(|| FaultError::Duration(text.to_owned()))
}

/// `before-x` and `x-before` are the same; so are those with `after`.
fn split(word: &str) -> (Option<When>, &str) {
    for (name, when) in [("before", When::Before), ("after", When::After)] {
        let front = word.strip_prefix(name).and_then(|rest| rest.strip_prefix('-'));
        let back = word.strip_suffix(name).and_then(|rest| rest.strip_suffix('-'));
        if let Some(what) = front.or(back) {
            return (Some(when), what);
        }
    }
    (None, word)
}

fn kind(word: &str, value: Value) -> Result<FaultKind, FaultError> {
    let (when, what) = split(word);
    if !what.is_empty() && what.bytes().all(|byte| byte.is_ascii_digit()) {
        return answer(when, what, &value);
    }
    let ending = |kind: &'static str, usual: When, make: fn(When) -> FaultKind| {
        value.none(kind).map(|()| make(when.unwrap_or(usual)))
    };
    match what {
        "reset" => return ending("reset", When::Before, FaultKind::Reset),
        "hang" => return ending("hang", When::Before, FaultKind::Hang),
        "crash" => return ending("crash", When::Before, FaultKind::Crash),
        "undecodable" => return ending("undecodable", When::After, FaultKind::Undecodable),
        "truncated" if when == Some(When::Before) => {
            let why = "what is not done has no answer that could be cut";
            return Err(FaultError::When { kind: "truncated", when: "before", why });
        }
        "truncated" => return value.none("truncated").map(|()| FaultKind::Truncated),
        _ => {}
    }
    let (name, kind) = preparation(word, what, value)?;
    match when {
        None => Ok(kind),
        Some(when) => {
            let why = "it happens before the request is served, whatever becomes of that";
            Err(FaultError::When { kind: name, when: when.as_str(), why })
        }
    }
}

fn answer(when: Option<When>, what: &str, value: &Value) -> Result<FaultKind, FaultError> {
    let number: u16 = what.parse().map_err(|_| FaultError::Status(what.to_owned()))?;
    let status = ErrorStatus::try_from(number)?;
    let when = when.ok_or_else(|| FaultError::StatusAlone(what.to_owned()))?;
    let seconds = |wait: Duration| {
        let seconds = u32::try_from(wait.as_secs()).ok().filter(|_| wait.subsec_nanos() == 0);
        seconds
            .ok_or_else(|| FaultError::RetryAfter(format!("{:#}", SignedDuration::try_from(wait).unwrap_or_default())))
    };
    let retry_after = value.duration("a status")?.map(seconds).transpose()?;
    Ok(FaultKind::Answer { when, status, retry_after })
}

/// The kinds that do not end a request, each with its name.
fn preparation(word: &str, what: &str, value: Value) -> Result<(&'static str, FaultKind), FaultError> {
    let policy = |kind: &'static str, value: Value, make: fn(Which) -> Change| {
        Ok((kind, FaultKind::OtherWriter(make(value.policy(kind)?))))
    };
    let rule = |kind: &'static str, value: Value, make: fn(WhichRule) -> Change| {
        Ok((kind, FaultKind::OtherWriter(make(value.rule(kind)?))))
    };
    match what {
        "delay" => {
            let wait = value.duration("delay")?.ok_or(FaultError::NoValue { kind: "delay", example: "200ms" })?;
            Ok(("delay", FaultKind::Delay(wait)))
        }
        "revoke-tokens" => value.none("revoke-tokens").map(|()| ("revoke-tokens", FaultKind::RevokeTokens)),
        "add-policy" => policy("add-policy", value, Change::AddPolicy),
        "rename-policy" => policy("rename-policy", value, Change::RenamePolicy),
        "change-policy" => policy("change-policy", value, Change::ChangePolicy),
        "delete-policy" => policy("delete-policy", value, Change::DeletePolicy),
        "add-rule" => rule("add-rule", value, Change::AddRule),
        "change-rule" => rule("change-rule", value, Change::ChangeRule),
        "delete-rule" => rule("delete-rule", value, Change::DeleteRule),
        _ => {
            // `before-rest` is to be `before-reset`.
            let nearest = nearest(what, KINDS.into_iter()).map(|kind| word.replacen(what, kind, 1));
            Err(FaultError::Kind { word: word.to_owned(), nearest })
        }
    }
}

impl FromStr for Selection {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let (mut class, mut probability, mut seed, mut times) = (None, None, None, None);
        for word in text.split(',').map(str::trim) {
            match word.split_once('=') {
                Some(("p", number)) => once(&mut probability, "the probability", chance(number)?)?,
                Some(("seed", number)) => {
                    let number = number.parse().map_err(|_| FaultError::Seed(number.to_owned()))?;
                    once(&mut seed, "the seed", number)?;
                }
                Some(("times", number)) => once(&mut times, "how often", counted(number)?)?,
                None if word == "once" => once(&mut times, "how often", NonZeroU64::MIN)?,
                Some(_) => return Err(unknown(word)),
                None => once(&mut class, "which requests count", counting(word)?)?,
            }
        }
        let (among, nth) = class.unwrap_or_default();
        let chance = match (probability, seed) {
            (Some(probability), seed) => Some(Chance { probability, seed: seed.unwrap_or_default() }),
            (None, Some(_)) => return Err(FaultError::SeedAlone),
            (None, None) => None,
        };
        Ok(Self { among, nth, chance, times })
    }
}

fn once<T>(slot: &mut Option<T>, what: &'static str, value: T) -> Result<(), FaultError> {
    if slot.replace(value).is_some() { Err(FaultError::Twice(what)) } else { Ok(()) }
}

fn chance(text: &str) -> Result<Probability, FaultError> {
    let wrong = || FaultError::Probability(text.to_owned());
    text.parse::<f64>().map_err(|_| wrong())?.try_into().map_err(|_| wrong())
}

fn counted(text: &str) -> Result<NonZeroU64, FaultError> {
    text.parse().map_err(|_| FaultError::Number(text.to_owned()))
}

/// `5`, `writes`, `write:3`, `createRule:1..2`.
fn counting(word: &str) -> Result<(Among, Option<Range>), FaultError> {
    if word.starts_with(|first: char| first.is_ascii_digit()) {
        return Ok((Among::Requests, Some(range(word)?)));
    }
    let (class, numbers) = word.split_once(':').map_or((word, None), |(class, numbers)| (class, Some(numbers)));
    let among = match class {
        "request" | "requests" => Among::Requests,
        "read" | "reads" => Among::Reads,
        "write" | "writes" => Among::Writes,
        name => {
            let operation = Operation::ALL.into_iter().find(|operation| operation.as_str() == name);
            Among::Operation(operation.ok_or_else(|| unknown(word))?)
        }
    };
    Ok((among, numbers.map(range).transpose()?))
}

fn range(text: &str) -> Result<Range, FaultError> {
    match text.split_once("..") {
        None => Ok(Range::only(counted(text)?)),
        Some((first, "")) => Ok(Range::from(counted(first)?)),
        Some((first, last)) => Range::between(counted(first)?, counted(last)?),
    }
}

fn unknown(word: &str) -> FaultError {
    let head = word.split([':', '=']).next().unwrap_or_default();
    let known = ["requests", "reads", "writes", "once", "p", "seed", "times"].into_iter();
    let known = known.chain(Operation::ALL.map(Operation::as_str));
    FaultError::Selector { word: word.to_owned(), nearest: nearest(head, known).map(str::to_owned) }
}
