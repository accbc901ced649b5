//! What a rollback leaves as it is.

use super::report::both;
use super::text::neutral;
use crate::apply::{HeldBack, UndoHeld};

/// One thing that stays as it is, with the reason and what to do.
pub fn held(held: &UndoHeld) -> String {
    let UndoHeld { policy, rule, why } = held;
    let what = match rule {
        Some(rule) => format!("rule \"{}\" of policy \"{}\"", neutral(rule), neutral(policy)),
        None => format!("policy \"{}\"", neutral(policy)),
    };
    match why {
        HeldBack::ChangedSince(difference) => format!(
            "Held: {what} was changed by another writer since; --overwrite puts it back all the same.{}",
            both(&(&**difference).into())
        ),
        HeldBack::NameTaken => format!("Held: {what} cannot come back, since something else has its name now."),
        HeldBack::NotUnderstood(why) => format!("Held: {what} {}, which this version cannot write.", neutral(why)),
        HeldBack::Unknown => format!("Held: what became of the run's call for {what} is unknown; look at it yourself."),
    }
}
