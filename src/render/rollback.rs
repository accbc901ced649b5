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
            "Held: {what} was changed by another client; add --overwrite to restore it anyway.{}",
            expected_and_found(difference)
        ),
        HeldUndoReason::NameTaken => {
            format!("Held: {what} cannot be restored, because another object uses its name.")
        }
        HeldUndoReason::NotUnderstood(why) => {
            format!("Held: {what} {}; it is not changed.", neutral(why))
        }
        HeldUndoReason::Published => format!(
            "Held: the version of {what} that the run published is kept, because its tag could never be reused; the \
             groups are restored."
        ),
        HeldUndoReason::Retired => {
            format!(
                "Held: the version of {what} that the run deleted cannot be restored: a version can be published only once."
            )
        }
        HeldUndoReason::NoDelete => {
            format!(
                "Held: {what} was created by the run and is kept: the service documents no way to delete it."
            )
        }
        HeldUndoReason::Unknown => {
            format!("Held: the outcome of the run's call for {what} is unknown; check it manually.")
        }
    }
}
