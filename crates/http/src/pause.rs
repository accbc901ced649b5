//! Pauses requested by a server.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// Numbers in `X-RateLimit-Reset` from this value on are seconds since 1970; smaller ones are
/// waits.
const FIRST_EPOCH: i64 = 1_000_000_000;

/// The wait requested by response headers: `Retry-After` (seconds or a date, RFC 9110 section
/// 10.2.3), or, with `X-RateLimit-Remaining: 0`, until `X-RateLimit-Reset`. Dates are relative to
/// the response's own `Date`, so a wrong local clock has no effect.
pub(super) fn requested_pause(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let now = text(DATE.as_str()).and_then(date).unwrap_or(now);
    if let Some(after) = text(RETRY_AFTER.as_str()) {
        return match after.parse::<u64>() {
            Ok(seconds) => Some(Duration::from_secs(seconds)),
            Err(_) => Some(time_until(date(after)?, now)),
        };
    }
    if text("x-ratelimit-remaining")?.parse::<u64>() != Ok(0) {
        return None;
    }
    let reset = text("x-ratelimit-reset")?.parse::<i64>().ok()?;
    if reset >= FIRST_EPOCH {
        return Some(time_until(Timestamp::from_second(reset).ok()?, now));
    }
    u64::try_from(reset).ok().map(Duration::from_secs)
}

pub(super) fn date(text: &str) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

fn time_until(then: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(then.duration_since(now)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_become_waits() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let epoch = now.as_second();
        for (headers, wanted) in [
            (vec![], None),
            (vec![("retry-after", "7".to_owned())], Some(7)),
            (
                vec![("retry-after", "Thu, 01 Jan 2026 00:00:30 GMT".to_owned())],
                Some(30),
            ),
            (
                vec![("retry-after", "Wed, 31 Dec 2025 00:00:30 GMT".to_owned())],
                Some(0),
            ),
            (vec![("retry-after", "soon".to_owned())], None),
            (vec![("retry-after", "-1".to_owned())], None),
            (
                vec![
                    ("x-ratelimit-remaining", "0".to_owned()),
                    ("x-ratelimit-reset", (epoch + 9).to_string()),
                ],
                Some(9),
            ),
            (
                vec![
                    ("x-ratelimit-remaining", "0".to_owned()),
                    ("x-ratelimit-reset", "12".to_owned()),
                ],
                Some(12),
            ),
            (
                vec![
                    ("x-ratelimit-remaining", "1".to_owned()),
                    ("x-ratelimit-reset", "12".to_owned()),
                ],
                None,
            ),
            (vec![("x-ratelimit-remaining", "0".to_owned())], None),
            (
                vec![
                    ("date", "Thu, 01 Jan 2026 01:00:00 GMT".to_owned()),
                    ("retry-after", "Thu, 01 Jan 2026 01:00:05 GMT".to_owned()),
                ],
                Some(5),
            ),
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in &headers {
                map.insert(*name, value.parse().unwrap());
            }
            assert_eq!(
                requested_pause(&map, now),
                wanted.map(Duration::from_secs),
                "{headers:?}"
            );
        }
    }
}
