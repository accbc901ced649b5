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

use super::error::{FaultError, nearest};
use super::kind::{ErrorStatus, Fault, FaultKind, FaultTiming, Interference, OperationName};
use super::select::{Chance, OrdinalRange, Probability, RequestClass, RequestSelection};
use super::value::FaultArgument;

/// The kinds of all services except statuses, for suggestions.
const KINDS: [&str; 7] = [
    "reset",
    "hang",
    "crash",
    "undecodable",
    "truncated",
    "delay",
    "revoke-tokens",
];

impl<O: OperationName, C: Interference> FromStr for Fault<O, C> {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let text = text.trim();
        let end = text.find(['=', '@']).unwrap_or(text.len());
        let (word, rest) = text.split_at(end);
        let (value, rest) = match rest.strip_prefix('=') {
            Some(rest) => FaultArgument::take(rest)?,
            None => (FaultArgument::default(), rest),
        };
        let at = match rest.strip_prefix('@') {
            Some(selectors) => selectors.parse()?,
            None if rest.is_empty() => RequestSelection::default(),
            None => {
                let rest = rest.split('@').next().unwrap_or_default();
                return Err(FaultError::Trailing(rest.to_owned(), word.to_owned()));
            }
        };
        Ok(Self {
            kind: kind(word, value)?,
            at,
        })
    }
}

/// `before-x` and `x-before` are equivalent, like `after-x` and `x-after`.
fn split(word: &str) -> (Option<FaultTiming>, &str) {
    for (name, when) in [
        ("before", FaultTiming::Before),
        ("after", FaultTiming::After),
    ] {
        let front = word
            .strip_prefix(name)
            .and_then(|rest| rest.strip_prefix('-'));
        let back = word
            .strip_suffix(name)
            .and_then(|rest| rest.strip_suffix('-'));
        if let Some(what) = front.or(back) {
            return (Some(when), what);
        }
    }
    (None, word)
}

fn kind<C: Interference>(word: &str, value: FaultArgument) -> Result<FaultKind<C>, FaultError> {
    let (when, what) = split(word);
    if !what.is_empty() && what.bytes().all(|byte| byte.is_ascii_digit()) {
        return answer(when, what, &value);
    }
    let ending = |kind: &'static str, usual: FaultTiming, make: fn(FaultTiming) -> FaultKind<C>| {
        value.none(kind).map(|()| make(when.unwrap_or(usual)))
    };
    match what {
        "reset" => return ending("reset", FaultTiming::Before, FaultKind::Reset),
        "hang" => return ending("hang", FaultTiming::Before, FaultKind::Hang),
        "crash" => return ending("crash", FaultTiming::Before, FaultKind::Crash),
        "undecodable" => return ending("undecodable", FaultTiming::After, FaultKind::Undecodable),
        "truncated" if when == Some(FaultTiming::Before) => {
            let why = "a request that is not executed has no answer to truncate";
            return Err(FaultError::When {
                kind: "truncated",
                when: "before",
                why,
            });
        }
        "truncated" => return value.none("truncated").map(|()| FaultKind::Truncated),
        _ => {}
    }
    let (name, kind) = preparation(word, what, value)?;
    match when {
        None => Ok(kind),
        Some(when) => {
            let why = "it happens before the request is served, whatever becomes of that";
            Err(FaultError::When {
                kind: name,
                when: when.as_str(),
                why,
            })
        }
    }
}

fn answer<C>(
    when: Option<FaultTiming>,
    what: &str,
    value: &FaultArgument,
) -> Result<FaultKind<C>, FaultError> {
    let number: u16 = what
        .parse()
        .map_err(|_| FaultError::Status(what.to_owned()))?;
    let status = ErrorStatus::try_from(number)?;
    let when = when.ok_or_else(|| FaultError::StatusAlone(what.to_owned()))?;
    let seconds = |wait: Duration| {
        let seconds = u32::try_from(wait.as_secs())
            .ok()
            .filter(|_| wait.subsec_nanos() == 0);
        seconds.ok_or_else(|| {
            FaultError::RetryAfter(format!(
                "{:#}",
                SignedDuration::try_from(wait).unwrap_or_default()
            ))
        })
    };
    let retry_after = value.duration("a status")?.map(seconds).transpose()?;
    Ok(FaultKind::Answer {
        when,
        status,
        retry_after,
    })
}

/// The kinds that do not end a request, with their names.
fn preparation<C: Interference>(
    word: &str,
    what: &str,
    value: FaultArgument,
) -> Result<(&'static str, FaultKind<C>), FaultError> {
    if let Some(change) = C::WORDS.iter().find(|change| **change == what) {
        return C::read(change, value).map(|read| (*change, FaultKind::OtherWriter(read)));
    }
    match what {
        "delay" => {
            let wait = value.duration("delay")?.ok_or(FaultError::NoValue {
                kind: "delay",
                example: "200ms",
            })?;
            Ok(("delay", FaultKind::Delay(wait)))
        }
        "revoke-tokens" => value
            .none("revoke-tokens")
            .map(|()| ("revoke-tokens", FaultKind::RevokeTokens)),
        _ => {
            // Corrects only the kind: `before-rest` becomes `before-reset`.
            let known = KINDS.into_iter().chain(C::WORDS.iter().copied());
            let nearest = nearest(what, known).map(|kind| word.replacen(what, kind, 1));
            Err(FaultError::Kind {
                word: word.to_owned(),
                nearest,
                changes: C::IN_SHORT,
            })
        }
    }
}

impl<O: OperationName> FromStr for RequestSelection<O> {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let mut class = None;
        let mut probability = None;
        let mut seed = None;
        let mut times = None;
        for word in text.split(',').map(str::trim) {
            match word.split_once('=') {
                Some(("p", number)) => {
                    set_once(&mut probability, "the probability", chance(number)?)?
                }
                Some(("seed", number)) => {
                    let number = number
                        .parse()
                        .map_err(|_| FaultError::Seed(number.to_owned()))?;
                    set_once(&mut seed, "the seed", number)?;
                }
                Some(("times", number)) => {
                    set_once(&mut times, "number of faults", parse_ordinal(number)?)?
                }
                None if word == "once" => {
                    set_once(&mut times, "number of faults", NonZeroU64::MIN)?
                }
                Some(_) => return Err(unknown::<O>(word)),
                None => set_once(&mut class, "choice of requests", counting(word)?)?,
            }
        }
        let (among, nth) = class.unwrap_or((RequestClass::Requests, None));
        let chance = match (probability, seed) {
            (Some(probability), seed) => Some(Chance {
                probability,
                seed: seed.unwrap_or_default(),
            }),
            (None, Some(_)) => return Err(FaultError::SeedAlone),
            (None, None) => None,
        };
        Ok(Self {
            among,
            nth,
            chance,
            times,
        })
    }
}

fn set_once<T>(slot: &mut Option<T>, what: &'static str, value: T) -> Result<(), FaultError> {
    if slot.replace(value).is_some() {
        Err(FaultError::Twice(what))
    } else {
        Ok(())
    }
}

fn chance(text: &str) -> Result<Probability, FaultError> {
    let wrong = || FaultError::Probability(text.to_owned());
    text.parse::<f64>()
        .map_err(|_| wrong())?
        .try_into()
        .map_err(|_| wrong())
}

fn parse_ordinal(text: &str) -> Result<NonZeroU64, FaultError> {
    text.parse()
        .map_err(|_| FaultError::Number(text.to_owned()))
}

/// `5`, `writes`, `write:3`, `createRule:1..2`.
fn counting<O: OperationName>(
    word: &str,
) -> Result<(RequestClass<O>, Option<OrdinalRange>), FaultError> {
    if word.starts_with(|first: char| first.is_ascii_digit()) {
        return Ok((RequestClass::Requests, Some(range(word)?)));
    }
    let (class, numbers) = word
        .split_once(':')
        .map_or((word, None), |(class, numbers)| (class, Some(numbers)));
    let among = match class {
        "request" | "requests" => RequestClass::Requests,
        "read" | "reads" => RequestClass::Reads,
        "write" | "writes" => RequestClass::Writes,
        name => {
            let operation = O::all().iter().find(|operation| operation.as_str() == name);
            RequestClass::Operation(*operation.ok_or_else(|| unknown::<O>(word))?)
        }
    };
    Ok((among, numbers.map(range).transpose()?))
}

fn range(text: &str) -> Result<OrdinalRange, FaultError> {
    match text.split_once("..") {
        None => Ok(OrdinalRange::only(parse_ordinal(text)?)),
        Some((first, "")) => Ok(OrdinalRange::from(parse_ordinal(first)?)),
        Some((first, last)) => OrdinalRange::between(parse_ordinal(first)?, parse_ordinal(last)?),
    }
}

fn unknown<O: OperationName>(word: &str) -> FaultError {
    let head = word.split([':', '=']).next().unwrap_or_default();
    let known = ["requests", "reads", "writes", "once", "p", "seed", "times"].into_iter();
    let known = known.chain(O::all().iter().map(|operation| operation.as_str()));
    FaultError::Selector {
        word: word.to_owned(),
        nearest: nearest(head, known).map(str::to_owned),
        example: O::EXAMPLE,
    }
}
