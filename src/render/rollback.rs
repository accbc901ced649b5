//! Renders what a rollback does not restore.

use super::plan::wording::resource_name;
use super::report::expected_and_found;
use super::text::neutral;
use crate::run::{HeldUndo, HeldUndoReason};

/// One object with the reason and the next step.
pub fn held(held: &HeldUndo) -> String {
    let HeldUndo {
        resource,
        name,
        part,
        why,
    } = held;
    let whole = format!("{} \"{}\"", resource_name(*resource), neutral(name));
    let what = match (part, resource.part()) {
        (Some(part), Some(kind)) => format!("{} \"{}\" of {whole}", kind.words().0, neutral(part)),
        (Some(_) | None, _) => whole,
    };
    match why {
        HeldUndoReason::ChangedSince(difference) => format!(
            "Held: {what} was changed by another writer since; --overwrite puts it back all the same.{}",
            expected_and_found(difference)
        ),
        HeldUndoReason::NameTaken => {
            format!("Held: {what} cannot come back, since something else has its name now.")
        }
        HeldUndoReason::NotUnderstood(why) => {
            format!("Held: {what} {}; it stays as it is.", neutral(why))
        }
        HeldUndoReason::Published => format!(
            "Held: the version that the run published of {what} stays, as its tag would never be free again; the groups go \
             back to what they had."
        ),
        HeldUndoReason::Retired => {
            format!(
                "Held: what the run deleted of {what} cannot come back: a version is published once."
            )
        }
        HeldUndoReason::NoDelete => {
            format!(
                "Held: {what} was made by the run and stays: the service documents no way to delete it."
            )
        }
        HeldUndoReason::Unknown => format!(
            "Held: what became of the run's call for {what} is unknown; look at it yourself."
        ),
    }
}
