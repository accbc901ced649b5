//! The first files of a repository for the Docker AI Governance API.

use crate::service::starter::{Starter, StarterFile};

pub static STARTER: Starter = Starter {
    settings: "    # Live policies that no manifest declares: report, ignore or prune (delete).
    unmanaged: report
    # How much one apply may change without an acknowledgement: a percentage of the live rules, or a number.
    limits:
      maxUpdates: 30%
      maxDeletes: 30%
",
    samples: &[
        StarterFile {
            path: "policies/package-managers.yaml",
            text: include_str!("starter/package-managers.yaml"),
        },
        StarterFile {
            path: "policies/README.md",
            text: include_str!("starter/README.md"),
        },
    ],
    not_listed: None,
    credentials: "DOCKER_HUB_IDENTIFIER and DOCKER_HUB_SECRET",
    workflow_credentials: "          docker-identifier: ${{ secrets.POLWARDEN_{ACCOUNT}_IDENTIFIER }}
          docker-secret: ${{ secrets.POLWARDEN_{ACCOUNT}_SECRET }}
",
};
