//! Dates of Cedar, the type `datetime`: milliseconds since 1970.

use std::str::FromStr as _;

use cedar_policy::{
    Context, Entities, EvalResult, Expression, Request, RestrictedExpression, eval_expression,
};
use jiff::Timestamp;

/// The milliseconds of a constant, as Cedar reads it.
pub(super) fn milliseconds(text: &str) -> Option<i64> {
    let is_plain = |c: char| c.is_ascii_digit() || "TZ:.+-".contains(c);
    if !text.chars().all(is_plain) {
        return None;
    }
    let expression =
        format!("datetime(\"{text}\").durationSince(datetime(\"1970-01-01\")).toMilliseconds()");
    let expression = Expression::from_str(&expression).ok()?;
    let any = || "Any::\"any\"".parse().ok();
    let request = Request::new(any()?, any()?, any()?, Context::empty(), None).ok()?;
    match eval_expression(&request, &Entities::empty(), &expression).ok()? {
        EvalResult::Long(milliseconds) => Some(milliseconds),
        _ => None,
    }
}

/// A date in the format that Cedar accepts. `None` for dates before the year 0 and after 9999.
pub(super) fn text(milliseconds: i64) -> Option<String> {
    let time = Timestamp::from_millisecond(milliseconds).ok()?;
    let format = if milliseconds % 1000 == 0 {
        "%Y-%m-%dT%H:%M:%SZ"
    } else {
        "%Y-%m-%dT%H:%M:%S%.3fZ"
    };
    let text = time.strftime(format).to_string();
    self::milliseconds(&text).is_some().then_some(text)
}

/// A date as a value.
pub(super) fn value(milliseconds: i64) -> RestrictedExpression {
    // The constructor for dates takes a text, which cannot express all of them.
    let offset = format!("datetime(\"1970-01-01\").offset(duration(\"{milliseconds}ms\"))");
    RestrictedExpression::from_str(&offset)
        .unwrap_or_else(|_| RestrictedExpression::new_datetime("1970-01-01"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The formats of Cedar's documentation of `datetime`.
    #[test]
    fn dates_are_read_as_cedar_reads_them() {
        let day = 24 * 60 * 60 * 1000;
        let cases = [
            ("1970-01-01", Some(0)),
            ("1970-01-02", Some(day)),
            ("1969-12-31T23:59:59.999Z", Some(-1)),
            ("1970-01-01T01:00:00+0100", Some(0)),
            ("1970-13-01", None),
            ("soon", None),
            ("1970-01-01\") || true || datetime(\"1970-01-01", None),
        ];
        for (constant, expected) in cases {
            assert_eq!(milliseconds(constant), expected, "{constant}");
        }
    }

    #[test]
    fn every_time_has_a_value_and_most_have_a_text() {
        assert_eq!(text(0).as_deref(), Some("1970-01-01T00:00:00Z"));
        assert_eq!(text(-1).as_deref(), Some("1969-12-31T23:59:59.999Z"));
        assert_eq!(text(100).as_deref(), Some("1970-01-01T00:00:00.100Z"));
        assert_eq!(text(i64::MAX), None);
        for time in [i64::MIN, -1, 0, 1, 1_798_761_600_000, i64::MAX] {
            let context = Context::from_pairs([("t".to_owned(), value(time))]).unwrap();
            let uid = || "Any::\"any\"".parse().unwrap();
            let request = Request::new(uid(), uid(), uid(), context, None).unwrap();
            let expression = Expression::from_str("context.t.toTime() == context.t.toTime()");
            let found = eval_expression(&request, &Entities::empty(), &expression.unwrap());
            assert_eq!(found.unwrap(), EvalResult::Bool(true), "{time}");
            let limit = Expression::from_str("context.t < datetime(\"2027-01-01\")").unwrap();
            let found = eval_expression(&request, &Entities::empty(), &limit);
            assert_eq!(found.unwrap(), EvalResult::Bool(time < 1_798_761_600_000));
        }
    }
}
