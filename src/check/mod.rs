//! What manifests mean: one rule a file, from documents to diagnostics and desired policies.
