//! The typed manifests of a text, with lists that are sets normalized.

use crate as manifest;
use crate::config::Config;
use crate::docker::{
    DockerPolicyManifest, DockerPolicySpec, HttpResourceSpec, RuleSpec, ScopeSpec,
};
use crate::list::{ResourceListManifest, ResourceListSpec};
use crate::pulumi::{ConfigSchemaSpec, PackPolicySpec, PolicyPackManifest, PolicyPackSpec};
use crate::test::{CaseSpec, PolicyTestManifest, PolicyTestSpec, TestAudienceSpec};
use crate::{Document, Manifest};
use model::diag::SourceMap;

/// The documents of a text that match their schemas.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TypedText {
    documents: Vec<Document>,
    config: Option<Config>,
}

/// Parses a text as manifests and as a configuration.
pub(super) fn read(text: &str) -> TypedText {
    let file = SourceMap::default().add("", "");
    let mut documents = manifest::parse(file, text).documents;
    for Document { id: _, manifest } in &mut documents {
        match manifest {
            Manifest::Policy(policy) => normalize_policy(policy),
            Manifest::ResourceList(list) => normalize_list(list),
            Manifest::PolicyTest(test) => normalize_test(test),
            Manifest::PolicyPack(pack) => normalize_pack(pack),
            // Group lists keep their order, and documents of Chainloop keep every byte.
            Manifest::PolicyGroup(_)
            | Manifest::ChainloopPolicy(_)
            | Manifest::ChainloopGroup(_) => {}
        }
    }
    // A configuration contains no sets.
    let config = manifest::parse_config(file, text)
        .ok()
        .map(|(config, _)| config);
    TypedText { documents, config }
}

fn normalize_policy(policy: &mut DockerPolicyManifest) {
    let DockerPolicyManifest {
        api_version: _,
        kind: _,
        metadata: _,
        spec,
    } = policy;
    // A Cedar body contains no sets.
    let DockerPolicySpec {
        scope,
        rules,
        cedar: _,
        // The order of lists may matter in unknown settings.
        extensions: _,
    } = spec;
    if let Some(ScopeSpec { teams, profiles }) = scope {
        normalize(teams);
        normalize(profiles);
    }
    for rule in rules.iter_mut().flatten() {
        let RuleSpec {
            name: _,
            aliases: _,
            decision: _,
            actions,
            resources,
            http_resources,
            resources_from,
            extensions: _,
        } = rule;
        actions.sort_by_key(|action| *action as u8);
        actions.dedup();
        normalize(resources);
        normalize_http(http_resources);
        normalize(resources_from);
    }
}

fn normalize_list(list: &mut ResourceListManifest) {
    let ResourceListManifest {
        api_version: _,
        kind: _,
        metadata: _,
        spec,
    } = list;
    let ResourceListSpec {
        hosts,
        paths,
        http_resources,
    } = spec;
    normalize(hosts);
    normalize(paths);
    normalize_http(http_resources);
}

fn normalize_test(test: &mut PolicyTestManifest) {
    let PolicyTestManifest {
        api_version: _,
        kind: _,
        metadata: _,
        spec,
    } = test;
    let PolicyTestSpec { target: _, cases } = spec;
    for case in cases {
        let CaseSpec {
            name: _,
            audience,
            audiences,
            matrix: _,
            mcp: _,
            allow: _,
            approval: _,
            deny: _,
        } = case;
        for TestAudienceSpec { teams, profiles } in
            audience.iter_mut().chain(audiences.iter_mut().flatten())
        {
            normalize(teams);
            normalize(profiles);
        }
    }
}

fn normalize_pack(pack: &mut PolicyPackManifest) {
    let PolicyPackManifest {
        api_version: _,
        kind: _,
        metadata: _,
        spec,
    } = pack;
    let PolicyPackSpec {
        display_name: _,
        version_tag: _,
        version_tag_suffix: _,
        source: _,
        runtime: _,
        description: _,
        readme: _,
        provider: _,
        tags,
        repository: _,
        policies,
    } = spec;
    normalize(tags);
    for policy in policies {
        let PackPolicySpec {
            name: _,
            display_name: _,
            description: _,
            enforcement_level: _,
            message: _,
            config_schema,
            severity: _,
            framework: _,
            tags,
            remediation_steps: _,
            url: _,
        } = policy;
        normalize(tags);
        if let Some(ConfigSchemaSpec {
            kind: _,
            properties: _,
            required,
        }) = config_schema
        {
            normalize(required);
        }
    }
}

fn normalize(texts: &mut Option<Vec<String>>) {
    if let Some(texts) = texts {
        texts.sort_unstable();
        texts.dedup();
    }
}

fn normalize_http(resources: &mut Option<Vec<HttpResourceSpec>>) {
    if let Some(resources) = resources {
        let key = |HttpResourceSpec { host, port, path }: &HttpResourceSpec| {
            (host.clone(), *port, path.clone())
        };
        resources.sort_by_key(key);
        resources.dedup();
    }
}
