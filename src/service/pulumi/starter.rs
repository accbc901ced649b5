//! The first files of a repository for Pulumi Cloud.

use crate::service::starter::{Starter, StarterFile};

pub static STARTER: Starter = Starter {
    settings:
        "    # Live packs and groups that no manifest declares: report, ignore or prune (delete).
    unmanaged: report
",
    samples: &[
        StarterFile {
            path: "policies/tag-guard.yaml",
            text: include_str!("starter/tag-guard.yaml"),
        },
        StarterFile {
            path: "policies/README.md",
            text: include_str!("starter/README.md"),
        },
        StarterFile {
            path: "packs/tag-guard/PulumiPolicy.yaml",
            text: include_str!("../../../examples/pulumi/packs/tag-guard/PulumiPolicy.yaml"),
        },
        StarterFile {
            path: "packs/tag-guard/__main__.py",
            text: include_str!("../../../examples/pulumi/packs/tag-guard/__main__.py"),
        },
        StarterFile {
            path: "packs/tag-guard/requirements.txt",
            text: include_str!("../../../examples/pulumi/packs/tag-guard/requirements.txt"),
        },
    ],
    not_listed: None,
    credentials: "PULUMI_ACCESS_TOKEN",
    workflow_credentials: "        env:
          PULUMI_ACCESS_TOKEN: ${{ secrets.POLWARDEN_{ACCOUNT}_TOKEN }}
",
};
