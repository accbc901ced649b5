//! The library's busy paths, each on one target of a hundred policies: `cargo bench --bench paths`.
//!
//! One policy is one item, so that the column `items/s` can be compared with files a second.

mod corpus;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use corpus::{Corpus, POLICIES_AN_ORGANIZATION, Shape};
use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use manifest::Document;
use manifest::config::Config;
use model::diag::{Diagnostic, Place, SourceMap};
use model::docker::DockerLiveState;
use polwarden::plan::{FORMAT_VERSION, Plan, SourceRef, TargetInfo, TargetPlan};
use polwarden::render;
use polwarden::render::diagnostics::{DiagnosticAmount, human};
use polwarden::render::layout::Layout;
use polwarden::service::docker::check;
use polwarden::service::docker::check::{CheckedPolicies, KnownTeams, PolicyInput};

use git::{FileProblemKind, Listing, PackError, PackRules, PackTree, Source};
use polwarden::workspace::LoadedManifests;

fn main() {
    divan::main();
}

/// Text → typed manifests: YAML, schema, types.
#[divan::bench]
fn parse_and_schema(bencher: Bencher<'_, '_>) {
    let corpus = Corpus::new(valid());
    let mut sources = SourceMap::default();
    let files: Vec<_> = corpus
        .files
        .iter()
        .map(|(path, text)| (sources.add(path.as_str(), text.as_str()), text))
        .collect();
    let bytes: usize = files.iter().map(|(_, text)| text.len()).sum();
    bencher
        .counter(BytesCount::new(bytes))
        .counter(ItemsCount::new(files.len()))
        .bench_local(|| {
            for (file, text) in &files {
                black_box(manifest::parse(*file, text));
            }
        });
}

/// Text → canonical text, for a policy with so many unknown keys in the wrong order.
#[divan::bench(args = [10_000, 100_000])]
fn format_keys(bencher: Bencher<'_, '_>, keys: usize) {
    let mut text = String::new();
    for key in 0..keys {
        let _ = writeln!(text, "k{key:x}: 1");
    }
    text.push_str("kind: Policy\napiVersion: docker.com/governance/v1\n");
    bencher
        .counter(ItemsCount::new(keys))
        .bench_local(|| black_box(manifest::format::format(&text)));
}

/// Manifests → findings and what the repository wants.
#[divan::bench]
fn check(bencher: Bencher<'_, '_>) {
    let Some(repository) = Repository::load(valid()) else {
        return;
    };
    policies(bencher).bench_local(|| black_box(repository.check()));
}

/// What is wanted and what is live → a plan without changes.
#[divan::bench]
fn plan_without_changes(bencher: Bencher<'_, '_>) {
    let Some(repository) = Repository::load(valid()) else {
        return;
    };
    let desired = repository.check();
    let first = repository.plan(&desired, &DockerLiveState::default());
    let Ok(live) =
        polwarden::service::docker::plan::replay(&DockerLiveState::default(), &first.calls)
    else {
        return;
    };
    policies(bencher).bench_local(|| black_box(repository.plan(&desired, &live)));
}

/// What is wanted and an empty organization → a plan that makes all of it.
#[divan::bench]
fn plan_of_everything(bencher: Bencher<'_, '_>) {
    let Some(repository) = Repository::load(valid()) else {
        return;
    };
    let desired = repository.check();
    policies(bencher)
        .bench_local(|| black_box(repository.plan(&desired, &DockerLiveState::default())));
}

/// A plan that makes everything → text for people.
#[divan::bench]
fn render_plan(bencher: Bencher<'_, '_>) {
    let Some(repository) = Repository::load(valid()) else {
        return;
    };
    let target = repository.plan(&repository.check(), &DockerLiveState::default());
    let plan = Plan {
        format_version: FORMAT_VERSION,
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: None,
        tree: None,
        digest: None,
        only: Vec::new(),
        origins: None,
        events: Vec::new(),
        targets: vec![target],
    };
    policies(bencher).bench_local(|| black_box(render::plan::human(&plan, None, Layout::plain())));
}

/// A finding in every file → text for people.
#[divan::bench]
fn render_findings(bencher: Bencher<'_, '_>) {
    let Some(repository) = Repository::load(Shape {
        invalid_once_in: 1,
        ..valid()
    }) else {
        return;
    };
    let findings = repository.findings();
    bencher
        .counter(ItemsCount::new(findings.len()))
        .bench_local(|| {
            black_box(human(
                &repository.sources,
                &findings,
                DiagnosticAmount::All,
                false,
            ))
        });
}

fn valid() -> Shape {
    Shape {
        policies: POLICIES_AN_ORGANIZATION,
        invalid_once_in: 0,
    }
}

fn policies<'a, 'b>(bencher: Bencher<'a, 'b>) -> Bencher<'a, 'b> {
    bencher.counter(ItemsCount::new(POLICIES_AN_ORGANIZATION))
}

/// A repository of one target, read and parsed.
struct Repository {
    sources: SourceMap,
    config: Config,
    loaded: LoadedManifests,
}

impl Repository {
    fn load(shape: Shape) -> Option<Self> {
        let corpus = Corpus::new(shape);
        let mut sources = SourceMap::default();
        let file = sources.add("polwarden.yaml", corpus.config.as_str());
        let (config, document) = manifest::parse_config(file, &corpus.config).ok()?;
        let files = corpus
            .files
            .into_iter()
            .map(|(path, text)| (Utf8PathBuf::from(path), Arc::from(text)));
        let loaded =
            polwarden::workspace::load(&Memory(files.collect()), &config, document, &mut sources);
        Some(Self {
            sources,
            config,
            loaded,
        })
    }

    fn check(&self) -> CheckedPolicies {
        let targets = self.config.targets.iter().zip(&self.loaded.targets);
        let mut checked = targets.map(|(target, loaded)| {
            let documents: Vec<&Document> = loaded.documents.iter().map(Arc::as_ref).collect();
            let cedar_files = &loaded.cedar_files;
            check::check(&PolicyInput {
                target,
                documents: &documents,
                cedar_files,
                teams: &KnownTeams::Offline,
                invalid: Default::default(),
            })
        });
        checked.next_back().unwrap_or_default()
    }

    fn findings(&self) -> Vec<Diagnostic> {
        self.loaded
            .diagnostics
            .iter()
            .cloned()
            .chain(self.check().diagnostics)
            .collect()
    }

    fn plan(&self, desired: &CheckedPolicies, live: &DockerLiveState) -> TargetPlan {
        let target = self.config.targets.first();
        let target = TargetInfo {
            name: target.map(|target| target.name.clone()).unwrap_or_default(),
            provider: manifest::config::Provider::Docker,
            organization: target
                .map(|target| target.organization.clone())
                .unwrap_or_default(),
            profile: target.and_then(manifest::config::Target::profile),
            endpoint: "https://hub.example.com/v2".to_owned(),
        };
        polwarden::service::docker::plan::plan_target(
            &polwarden::service::docker::plan::PolicyPlanRequest {
                target,
                desired: &desired.policies,
                live,
                unmanaged: manifest::config::UnmanagedSettings::default(),
                teams: &std::collections::BTreeMap::new(),
                locate: &|place: &Place| SourceRef {
                    file: self.sources.file(place.file()).name().to_owned(),
                    line: self.sources.resolve(place).line,
                },
            },
        )
    }
}

/// Files in memory, so that the disk is not measured.
struct Memory(BTreeMap<Utf8PathBuf, Arc<str>>);

impl Source for Memory {
    fn list(&self, path: &Utf8Path) -> Result<Listing, FileProblemKind> {
        let files = self
            .0
            .keys()
            .filter(|file| file.starts_with(path))
            .cloned()
            .collect();
        Ok(Listing {
            files,
            problems: Vec::new(),
            skipped: Vec::new(),
        })
    }

    fn read(&self, path: &Utf8Path, _limit: usize) -> Result<Arc<str>, FileProblemKind> {
        self.0.get(path).cloned().ok_or(FileProblemKind::Missing)
    }

    fn read_bytes(&self, path: &Utf8Path, limit: usize) -> Result<Vec<u8>, FileProblemKind> {
        Ok(self.read(path, limit)?.as_bytes().to_vec())
    }

    fn inspect(&self, path: &Utf8Path, limit: usize) -> Result<Arc<str>, FileProblemKind> {
        self.read(path, limit)
    }

    fn has_uncommitted_files(&self) -> bool {
        false
    }

    fn pack(&self, _: &Utf8Path, _: PackRules) -> Result<PackTree, PackError> {
        Err(PackError::Directory(FileProblemKind::Missing))
    }
}
