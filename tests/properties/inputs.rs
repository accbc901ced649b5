//! Configurations, lock files and seeds with changes: they are refused or read, and never make the program panic.

use emulator::chainloop::ChainloopSeed;
use emulator::docker::DockerSeed;
use emulator::pulumi::PulumiSeed;
use manifest::{parse, parse_config, parse_lock};
use model::diag::SourceMap;
use polwarden::render::diagnostics::{DiagnosticAmount, human};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::mutated_bytes::{CASES, mutated_bytes};
use crate::mutated_json::mutated_json;

fn yaml_texts() -> Vec<String> {
    [
        include_str!("../../examples/gates/polwarden.yaml"),
        include_str!("../../examples/multi-target/polwarden.yaml"),
        include_str!("../../examples/pulumi/polwarden.yaml"),
        include_str!("../../examples/pulumi/polwarden.lock"),
        include_str!("../../examples/chainloop/polwarden.yaml"),
    ]
    .map(str::to_owned)
    .into()
}

fn seed() -> Value {
    json!({"organizations": [{
        "name": "my-org",
        "teams": [{"uuid": "7c9e6679-7425-40de-944b-e07fc1f90ae7", "name": "research"}],
        "policies": [{"id": "p1", "name": "p", "scope": {"teams": [], "profiles": []},
            "allowlist_v0": {"rules": [{"id": "r1", "name": "r", "actions": ["connect:tcp"],
                "resources": ["example.com:443"], "decision": "allow"}]}}],
    }]})
}

fn read_seed(text: &str) {
    let _ = DockerSeed::from_json(text);
    let _ = PulumiSeed::from_json(text);
    let _ = ChainloopSeed::from_json(text);
}

proptest! {
    #![proptest_config(crate::properties::cases(CASES))]

    #[test]
    fn configurations_and_lock_files_never_panic(bytes in mutated_bytes(yaml_texts())) {
        // Files that are not UTF-8 are refused before.
        let text = String::from_utf8_lossy(&bytes);
        let mut sources = SourceMap::default();
        let file = sources.add("polwarden.yaml", &*text);
        let mut diagnostics = parse_config(file, &text).err().unwrap_or_default();
        diagnostics.extend(parse_lock(file, &text).err().unwrap_or_default());
        diagnostics.extend(parse(file, &text).diagnostics);
        let shown = human(&sources, &diagnostics, DiagnosticAmount::All, false);
        prop_assert!(!shown.contains(['\u{1b}', '\u{202e}', '\0']), "{shown:?}");
    }

    #[test]
    fn bytes_of_a_seed_never_panic(bytes in mutated_bytes(vec![seed().to_string()])) {
        read_seed(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn values_of_a_seed_never_panic(seed in mutated_json(seed())) {
        read_seed(&seed.to_string());
    }
}
