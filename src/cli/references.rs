//! Policies of Chainloop that manifests refer to, as their server has them.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, bail};
use futures_util::future::try_join_all;

use super::connect::Session;
use super::workspace::Workspace;
use crate::render::text::neutral;
use crate::service::chainloop::check::InputsSchemas;
use manifest::config::Target;
use model::chainloop::{DesiredDocument, LiveDocument, Reference};
use model::digest::Digest;

/// The policies that references are to, in the versions that were asked for; none where the server has no such policy or
/// version.
pub(super) type Found = BTreeMap<Reference, Option<LiveDocument>>;

/// Whether the server can be asked for what a reference is to: it has no way to ask for the policies of other providers.
pub(super) fn can_be_read(reference: &Reference) -> bool {
    reference.provider.is_none()
}

/// All references of some documents that can be read, each once.
pub(super) fn all(documents: &[DesiredDocument]) -> BTreeSet<Reference> {
    let uses = documents.iter().flat_map(|document| &document.references);
    uses.map(|one| one.reference.clone())
        .filter(can_be_read)
        .collect()
}

/// Reads what references are to: the version that each names, or the latest.
///
/// # Errors
/// The server does not answer, or answers with another owner's policy.
pub(super) async fn read(
    session: &Session,
    target: &Target,
    references: BTreeSet<Reference>,
) -> anyhow::Result<Found> {
    let one = |reference: Reference| async move {
        let found = version(session, target, &reference, reference.digest.as_ref()).await?;
        anyhow::Ok((reference, found))
    };
    Ok(try_join_all(references.into_iter().map(one))
        .await?
        .into_iter()
        .collect())
}

/// Reads one version of what a reference is to; the latest if none is named.
///
/// # Errors
/// As for [`read`].
pub(super) async fn version(
    session: &Session,
    target: &Target,
    reference: &Reference,
    digest: Option<&Digest>,
) -> anyhow::Result<Option<LiveDocument>> {
    let mut reader = session.chainloop_reader(target)?;
    let owner = reference
        .organization
        .as_deref()
        .unwrap_or(&target.organization);
    if owner != target.organization {
        let organization = owner.parse();
        reader = reader.of(organization
            .with_context(|| format!("the organization of `{reference}` cannot be used"))?);
    }
    let found = reader.policy(&reference.name, digest).await?;
    if let Some(found) = found
        .as_ref()
        .filter(|found| !found.builtin && !found.is_of(owner))
    {
        let other = neutral(found.organization.as_deref().unwrap_or_default());
        bail!(
            "the server answers `{reference}` with a policy of `{other}`, and not of `{owner}`: write the organization that is meant into the reference"
        );
    }
    Ok(found)
}

/// What attached policies that no manifest declares take as arguments. Where the server has no such policy, nothing is known.
///
/// # Errors
/// As for [`read`].
pub(super) async fn schemas(
    workspace: &Workspace,
    session: &Session,
    target: &Target,
) -> anyhow::Result<InputsSchemas> {
    if target.chainloop().is_none() {
        return Ok(InputsSchemas::new());
    }
    let documents = workspace
        .check_documents(target, &InputsSchemas::new())
        .documents;
    let found = read(session, target, all(&documents)).await?;
    Ok(found
        .into_iter()
        .filter_map(|(reference, found)| Some((reference, found?.inputs_schema?)))
        .collect())
}
