//! Renders what a rollback does not restore.

use super::plan::words::what;
use super::report::both;
use super::text::neutral;
use crate::run::{HeldBack, UndoHeld};

/// One object with the reason and the next step.
pub fn held(held: &UndoHeld) -> String {
    let UndoHeld {
        resource,
        name,
        part,
        why,
    } = held;
    let whole = format!("{} \"{}\"", what(*resource), neutral(name));
    let what = match (part, resource.part()) {
        (Some(part), Some(kind)) => format!("{} \"{}\" of {whole}", kind.words().0, neutral(part)),
        (Some(_) | None, _) => whole,
    };
    match why {
        HeldBack::ChangedSince(difference) => format!(
            "Held: {what} was changed by another writer since; --overwrite puts it back all the same.{}",
            both(difference)
        ),
        HeldBack::NameTaken => {
            format!("Held: {what} cannot come back, since something else has its name now.")
        }
        HeldBack::NotUnderstood(why) => {
            format!("Held: {what} {}; it stays as it is.", neutral(why))
        }
        HeldBack::Published => format!(
            "Held: the version that the run published of {what} stays, as its tag would never be free again; the groups go \
             back to what they had."
        ),
        HeldBack::Retired => {
            format!(
                "Held: what the run deleted of {what} cannot come back: a version is published once."
            )
        }
        HeldBack::NoDelete => {
            format!(
                "Held: {what} was made by the run and stays: the service documents no way to delete it."
            )
        }
        HeldBack::Unknown => format!(
            "Held: what became of the run's call for {what} is unknown; look at it yourself."
        ),
    }
}
