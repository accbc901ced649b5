//! Writes a corpus, and what an emulator holds after it was applied.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::corpus::{
    Corpus, POLICIES_AN_ORGANIZATION, Policy, Resources, Rule, Shape, organization, teams,
};

/// Writes `polwarden.yaml`, the manifests, `seed.json` and `empty.json`.
///
/// # Errors
/// The folder is there already, or something cannot be written.
pub(crate) fn write(folder: &Path, shape: Shape) -> anyhow::Result<()> {
    fs::create_dir(folder)
        .with_context(|| format!("cannot create the folder `{}`", folder.display()))?;
    let corpus = Corpus::new(shape);
    fs::write(folder.join("polwarden.yaml"), &corpus.config)?;
    for (path, content) in &corpus.files {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, content)?;
    }
    let chunks: Vec<&[Policy]> = corpus.policies.chunks(POLICIES_AN_ORGANIZATION).collect();
    fs::write(folder.join("seed.json"), seed(&chunks).to_string())?;
    let nothing: Vec<&[Policy]> = chunks.iter().map(|_| &[][..]).collect();
    fs::write(folder.join("empty.json"), seed(&nothing).to_string())?;
    Ok(())
}

/// The emulator's seed file (docs/reference/emulator.md), an organization for each chunk.
fn seed(chunks: &[&[Policy]]) -> Value {
    let organizations = chunks.iter().enumerate().map(|(number, policies)| {
        let teams: Vec<Value> = teams()
            .map(|(name, uuid)| json!({"name": name, "uuid": uuid}))
            .collect();
        let policies: Vec<Value> = policies.iter().map(policy).collect();
        json!({"name": organization(number), "teams": teams, "policies": policies})
    });
    json!({"organizations": organizations.collect::<Vec<_>>()})
}

fn policy(policy: &Policy) -> Value {
    let Policy { name, team, rules } = policy;
    let team = team.and_then(|team| teams().find(|(alias, _)| *alias == team));
    let scope = team.map_or_else(|| json!({}), |(_, uuid)| json!({"teams": [uuid]}));
    json!({"name": name, "scope": scope, "rules": rules.iter().map(rule).collect::<Vec<_>>()})
}

fn rule(rule: &Rule) -> Value {
    let Rule {
        name,
        decision,
        actions,
        resources,
    } = rule;
    let mut value = json!({"name": name, "decision": decision, "actions": actions});
    match resources {
        Resources::Plain(entries) => value["resources"] = json!(entries),
        Resources::Http(targets) => {
            let target = |(host, port, path): &(String, u16, String)| json!({"host": host, "port": port, "path": path});
            value["http_resources"] = targets.iter().map(target).collect();
        }
    }
    value
}
