//! Live objects by name, for `list` and `export`: what all services share.

use std::collections::BTreeMap;

use super::import::{ImportError, ImportedManifest};
use crate::plan::{ResourceKind, SourceRef};
use crate::render::listing::ManagedStatus;
use crate::run::service::BeginReading;
use manifest::config::UnmanagedSettings;
use model::diag::Place;

/// How the live objects of a target are listed.
#[derive(Clone, Copy)]
pub struct ListRequest<'a> {
    /// The line of a place.
    pub locate: &'a (dyn Fn(&Place) -> SourceRef + Sync),
    /// Whether all manifests were read. Otherwise an object without a manifest may be declared in an invalid one.
    pub manifests_are_valid: bool,
    pub begin: BeginReading<'a>,
}

/// What the manifests of a target say about its live objects.
pub struct Declarations<'a> {
    pub(super) places: BTreeMap<(ResourceKind, &'a str), SourceRef>,
    pub(super) unmanaged: &'a UnmanagedSettings,
    pub(super) are_complete: bool,
}

impl Declarations<'_> {
    /// Whether an object is managed, and where it is declared.
    pub(super) fn status(
        &self,
        kind: ResourceKind,
        name: &str,
    ) -> (ManagedStatus, Option<SourceRef>) {
        if let Some(source) = self.places.get(&(kind, name)) {
            return (ManagedStatus::Declared, Some(source.clone()));
        }
        let status = if !self.are_complete {
            ManagedStatus::Unknown
        } else if self.unmanaged.is_removed(name) {
            ManagedStatus::Removed
        } else if self.unmanaged.is_known(name) {
            ManagedStatus::Known
        } else {
            ManagedStatus::Unmanaged
        };
        (status, None)
    }
}

/// A live object as a manifest.
pub struct ExportedObject {
    pub kind: ResourceKind,
    pub manifest: Result<ImportedManifest, ImportError>,
}
