//! Policies that manifests refer to, as their server has them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures_util::future::try_join_all;
use thiserror::Error;

use super::check::{DocumentInput, InputsSchemas, check_documents};
use super::client::ChainloopReader;
use crate::render::text::neutral;
use crate::service::invalid::InvalidManifests;
use http::ApiError;
use http::OrganizationNameError;
use manifest::Document;
use manifest::config::Target;
use model::chainloop::{DesiredDocument, LiveDocument, Reference};
use model::digest::Digest;

/// Why it is not known what a reference is to.
#[derive(Debug, Error)]
pub enum ReferenceReadError {
    /// The organization that it names cannot be part of a URL.
    #[error("the organization of `{reference}` cannot be used")]
    Organization {
        reference: Reference,
        /// Why.
        #[source]
        cause: OrganizationNameError,
    },
    /// The server does not answer as expected.
    #[error(transparent)]
    Read(#[from] ApiError),
    /// The server answers with the policy of another organization.
    #[error(
        "the server returns a policy of `{found}` for `{reference}`, not of `{owner}`: add the intended organization to the reference"
    )]
    OtherOwner {
        reference: Reference,
        /// Whose policy it is, neutral.
        found: String,
        /// Whose was meant.
        owner: String,
    },
}

/// The referenced policies, in the requested versions; `None` if the server has no such policy or
/// version.
pub type ReferencedDocuments = BTreeMap<Reference, Option<LiveDocument>>;

/// Whether the server can be asked for what a reference is to: it has no way to ask for the policies of other providers.
pub fn can_be_read(reference: &Reference) -> bool {
    reference.provider.is_none()
}

/// All references of some documents that can be read, each once.
pub fn all(documents: &[DesiredDocument]) -> BTreeSet<Reference> {
    let uses = documents.iter().flat_map(|document| &document.references);
    uses.map(|one| one.reference.clone())
        .filter(can_be_read)
        .collect()
}

/// Reads what references are to: the version that each names, or the latest.
///
/// # Errors
/// The server does not answer, or answers with another owner's policy.
async fn read(
    reader: &ChainloopReader,
    target: &Target,
    references: BTreeSet<Reference>,
) -> Result<ReferencedDocuments, ReferenceReadError> {
    let one = |reference: Reference| async move {
        let found = version(reader, target, &reference, reference.digest.as_ref()).await?;
        Ok::<_, ReferenceReadError>((reference, found))
    };
    Ok(try_join_all(references.into_iter().map(one))
        .await?
        .into_iter()
        .collect())
}

/// Reads one version of what a reference is to; the latest if none is named.
///
/// # Errors
/// The server does not answer, or answers with another owner's policy.
pub async fn version(
    reader: &ChainloopReader,
    target: &Target,
    reference: &Reference,
    digest: Option<&Digest>,
) -> Result<Option<LiveDocument>, ReferenceReadError> {
    let mut reader = reader.clone();
    let owner = reference
        .organization
        .as_deref()
        .unwrap_or(&target.organization);
    if owner != target.organization {
        let organization = owner.parse();
        reader = reader.for_organization(organization.map_err(|cause| {
            ReferenceReadError::Organization {
                reference: reference.clone(),
                cause,
            }
        })?);
    }
    let found = reader.policy(&reference.name, digest).await?;
    let other = found
        .as_ref()
        .filter(|found| !found.builtin && !found.is_of(owner));
    if let Some(other) = other {
        let other = other.organization.as_deref().unwrap_or_default();
        return Err(ReferenceReadError::OtherOwner {
            reference: reference.clone(),
            found: neutral(other).into_owned(),
            owner: owner.to_owned(),
        });
    }
    Ok(found)
}

/// What attached policies that no manifest declares take as arguments. Where the server has no such policy, nothing is known.
///
/// # Errors
/// The server does not answer, or answers with another owner's policy.
pub async fn schemas(
    reader: &ChainloopReader,
    target: &Target,
    documents: &[&Document],
) -> Result<InputsSchemas, ReferenceReadError> {
    let declared = check_documents(&DocumentInput {
        target,
        documents,
        // References do not depend on the content of files.
        inlined: &HashMap::new(),
        schemas: &InputsSchemas::new(),
        invalid: InvalidManifests::default(),
    });
    let found = read(reader, target, all(&declared.documents)).await?;
    Ok(found
        .into_iter()
        .filter_map(|(reference, found)| Some((reference, found?.inputs_schema?)))
        .collect())
}
