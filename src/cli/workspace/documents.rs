//! What a workspace knows about documents of Chainloop.

use super::Workspace;
use crate::check::{CheckedDocuments, DocumentInput, InputsSchemas, check_documents};
use crate::manifest::config::Target;

impl Workspace {
    /// Checks the documents of a target, with what its server says about the inputs of policies.
    pub(in crate::cli) fn check_documents(&self, target: &Target, schemas: &InputsSchemas) -> CheckedDocuments {
        check_documents(&DocumentInput { target, documents: &self.documents(target), schemas })
    }
}
