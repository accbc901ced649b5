//! `polwarden import` at Pulumi Cloud: manifests for live packs and groups.

use std::collections::BTreeSet;

use camino::Utf8Path;

use super::{ImportArgs, ImportFile};
use crate::cli::connect::Session;
use crate::cli::console::Console;
use crate::cli::error::CommandResult;
use crate::cli::workspace::Workspace;
use crate::service::docker::import::file_stem;
use crate::service::imported::{ImportError, ImportedManifest};
use crate::service::pulumi::import as pulumi;
use manifest::Manifest;
use manifest::config::Target;
use model::pulumi::PulumiLiveState;

impl ImportArgs {
    /// Imports the packs and groups of one target that no manifest declares.
    ///
    /// # Errors
    /// The live state cannot be read, or a file cannot be written.
    pub(super) async fn import_packs(
        &self,
        workspace: &Workspace,
        target: &Target,
        session: &Session,
        console: Console,
    ) -> CommandResult<()> {
        let live = session
            .connections()
            .pulumi(target)?
            .reader(target)?
            .live_state()
            .await?;
        super::print_heading(target, session, console)?;
        let folder = self.folder(target);
        let (packs, groups) = declared(workspace, target);
        let mut import = PackImport {
            folder: &folder,
            files: Vec::new(),
            refused: Vec::new(),
            taken: BTreeSet::new(),
        };
        let mut known = 0;
        let PulumiLiveState {
            packs: live_packs,
            groups: live_groups,
        } = &live;
        for pack in live_packs {
            if packs.contains(pack.name.as_str()) {
                known += 1;
            } else if !pack.is_of(&target.organization) {
                import.refused.push((
                    format!("pack \"{}\"", pack.name),
                    "another organization publishes it".to_owned(),
                ));
            } else {
                let source = format!("../packs/{}", pack.name);
                import.add("pack", &pack.name, pulumi::pack(pack, &source));
            }
        }
        for group in live_groups {
            if groups.contains(group.name.as_str()) {
                known += 1;
            } else {
                import.add("group", &group.name, pulumi::group(group));
            }
        }
        let PackImport { files, refused, .. } = import;
        self.write(target, &files, known, &refused, console)
    }
}

/// The names of the packs and of the groups that manifests declare, those that groups had before included.
fn declared<'w>(
    workspace: &'w Workspace,
    target: &Target,
) -> (BTreeSet<&'w str>, BTreeSet<&'w str>) {
    let mut packs = BTreeSet::new();
    let mut groups = BTreeSet::new();
    for document in workspace.documents(target) {
        match &document.manifest {
            Manifest::PolicyPack(pack) => {
                packs.insert(pack.metadata.name.as_str());
            }
            Manifest::PolicyGroup(group) => {
                let metadata = &group.metadata;
                groups.extend(
                    metadata
                        .aliases
                        .iter()
                        .chain([&metadata.name])
                        .map(String::as_str),
                );
            }
            Manifest::Policy(_)
            | Manifest::ResourceList(_)
            | Manifest::PolicyTest(_)
            | Manifest::ChainloopPolicy(_)
            | Manifest::ChainloopGroup(_) => {}
        }
    }
    (packs, groups)
}

/// What will be written.
struct PackImport<'a> {
    folder: &'a Utf8Path,
    files: Vec<ImportFile>,
    refused: Vec<(String, String)>,
    taken: BTreeSet<String>,
}

impl PackImport<'_> {
    fn add(
        &mut self,
        kind: &'static str,
        name: &str,
        imported: Result<ImportedManifest, ImportError>,
    ) {
        match imported {
            Err(error) => self
                .refused
                .push((format!("{kind} \"{name}\""), error.to_string())),
            Ok(imported) => {
                let stem = format!("{kind}-{}", file_stem(name));
                let numbered = (2..).map(|number| format!("{stem}-{number}"));
                let free = std::iter::once(stem.clone())
                    .chain(numbered)
                    .find(|name| self.taken.insert(name.clone()));
                let path = self.folder.join(format!("{}.yaml", free.unwrap_or(stem)));
                self.files.push(ImportFile {
                    path,
                    kind,
                    policy: name.to_owned(),
                    imported,
                });
            }
        }
    }
}
