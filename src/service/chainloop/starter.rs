//! The first files of a repository for Chainloop.

use crate::service::starter::{Starter, StarterFile};

pub static STARTER: Starter = Starter {
    settings: "    # Without `writes: true`, differences are shown and nothing is written.
    writes: false
",
    samples: &[
        StarterFile {
            path: "policies/commit-known.yaml",
            text: include_str!("starter/commit-known.yaml"),
        },
        StarterFile {
            path: "policies/README.md",
            text: include_str!("starter/README.md"),
        },
    ],
    not_listed: Some("Chainloop cannot list its policies"),
    credentials: "CHAINLOOP_TOKEN",
    workflow_credentials: "        env:
          CHAINLOOP_TOKEN: ${{ secrets.POLWARDEN_{ACCOUNT}_TOKEN }}
",
};
