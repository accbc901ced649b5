//! Gates of access: from options, the configuration and the base revision to what plans are held to.

use std::path::Path;

use anyhow::{Context as _, bail};
use clap::Args;

use super::console::Console;
use super::directory;
use super::tree::RevisionArgs;
use super::workspace::Workspace;
use crate::plan::{GateInfo, GateOutcome, GateSource, Gates, SourceRef};
use crate::render::text::neutral;
use crate::service::diagnostics::is_error;
use crate::service::registry;
use crate::service::registry::{Checked, ConfiguredGates};
use access::{Gate, WideningPattern};
use git::{PullRequest, Revision, RevisionPath, Source as _};
use manifest::config;
use manifest::config::{Config, Target};
use manifest::{MAX_BYTES, parse_config};
use model::diag::{Code, Diagnostic, DocumentId, Place, SourceMap};

/// What a plan is held to, besides the `access` section of the configuration.
#[derive(Debug, Args)]
#[command(next_help_heading = "Access gates")]
pub(super) struct GateArgs {
    /// Exit with 4 if access is opened for anyone.
    ///
    /// With a base revision, only changes since that revision count.
    #[arg(long)]
    deny_widening: bool,
    /// Exit with 4 if access is opened outside of this pattern (repeatable).
    ///
    /// Examples: `tcp **.example.com:443`, `get https://api.example.com/**`, `read /data/**`, `mcp *`.
    #[arg(long, value_name = "PATTERN")]
    allow_widening: Vec<WideningPattern>,
    /// Base revision of the change.
    ///
    /// The gates of this revision apply too, and `plan` separates drift from the change. In the pipeline of a pull
    /// request, the default is the commit from which the change branched.
    #[arg(long, value_name = "REV")]
    base: Option<RevisionPath>,
}

/// The configuration of the base revision.
struct BaseConfig {
    /// The revision as it was named, with the folder of its configuration.
    path: RevisionPath,
    commit: String,
    config: Config,
    document: DocumentId,
    sources: SourceMap,
}

/// Knows what the plan of each target is held to.
pub(super) struct GateSources {
    widening: Option<Vec<WideningPattern>>,
    base: Option<BaseConfig>,
}

impl GateArgs {
    /// The base revision as it is named.
    pub(super) fn named_base(&self) -> Option<&RevisionPath> {
        self.base.as_ref()
    }

    /// Reads the base revision, where there is one.
    ///
    /// # Errors
    /// There is one, and it cannot be read: its gates would be passed over.
    pub(super) fn gate_sources(
        &self,
        at: &RevisionArgs,
        console: Console,
    ) -> anyhow::Result<GateSources> {
        let Self {
            deny_widening,
            allow_widening,
            base,
        } = self;
        let widening =
            (*deny_widening || !allow_widening.is_empty()).then(|| allow_widening.clone());
        let here = directory::start();
        let head = at.at.clone().unwrap_or_else(RevisionPath::head);
        let path = match base {
            Some(base) => Some(base.clone().or_folder_of(&head)),
            None => PullRequest::from_variables(git::ci_variable)
                .map(|request| {
                    request.base(here, &head).with_context(|| {
                        format!(
                            "cannot read the gates of the base revision of {}; name the base with --base",
                            request.variable
                        )
                    })
                })
                .transpose()?,
        };
        let base = path
            .map(|path| read_base(here, &path, console))
            .transpose()?
            .flatten();
        Ok(GateSources { widening, base })
    }
}

/// The configuration at a revision; nothing where there was none yet.
///
/// The folder is searched for in the base as it was for the change: a change that adds, moves or
/// removes a configuration below another one is checked against the gates that counted before.
fn read_base(
    here: &Path,
    path: &RevisionPath,
    console: Console,
) -> anyhow::Result<Option<BaseConfig>> {
    let revision = path.revision();
    let absent = || {
        let what = config::FILE_NAME;
        console.status(&format!(
            "There is no {what} at the base revision {}: no gates come from there.",
            neutral(revision)
        ));
        Ok(None)
    };
    let found = Revision::open_base_containing(here, path, config::FILE_NAME)
        .context("the gates of the base revision cannot be read")?;
    let Some(tree) = found else {
        return absent();
    };
    let text = tree.read(config::FILE_NAME.into(), MAX_BYTES);
    let text = text.with_context(|| {
        format!(
            "cannot read {} at the base revision {revision}",
            config::FILE_NAME
        )
    })?;
    let mut sources = SourceMap::default();
    let file = sources.add(config::FILE_NAME, text.clone());
    let read = parse_config(file, &text).and_then(|(config, document)| {
        let errors: Vec<Diagnostic> = crate::service::check_config::check_config(&config, document)
            .into_iter()
            .filter(is_error)
            .collect();
        if errors.is_empty() {
            Ok((config, document))
        } else {
            Err(errors)
        }
    });
    match read {
        Ok((config, document)) => Ok(Some(BaseConfig {
            path: tree.path(path),
            commit: tree
                .commit()
                .map_or_else(|| revision.to_owned(), |head| head.id),
            config,
            document,
            sources,
        })),
        Err(findings) => {
            let first = findings
                .first()
                .map(|finding| finding.message.as_str())
                .unwrap_or_default();
            bail!(
                "{} is invalid at the base revision {revision}, so that its gates are not known: {first}; \
                 name a revision where it is valid with --base",
                config::FILE_NAME
            )
        }
    }
}

impl GateSources {
    /// Holds plans to nothing but what the configuration says.
    pub(super) fn none() -> Self {
        Self {
            widening: None,
            base: None,
        }
    }

    /// The base revision at the folder of its configuration, where there is one.
    pub(super) fn base(&self) -> Option<&RevisionPath> {
        self.base.as_ref().map(|base| &base.path)
    }

    /// The configuration of the base revision, if it is known.
    pub(super) fn base_config(&self) -> Option<&Config> {
        self.base.as_ref().map(|base| &base.config)
    }

    /// What a saved plan is held to: all that a new one would be, and the bound on widening that it was made with.
    pub(super) fn gates_of_saved_plan(
        &self,
        workspace: &Workspace,
        target: &Target,
        saved: &[GateOutcome],
    ) -> anyhow::Result<Gates> {
        let mut gates = self.gates(workspace, target);
        for outcome in saved {
            let GateInfo::DenyWidening { within } = &outcome.gate else {
                continue;
            };
            if gates.widening.is_none() {
                let within: Result<Vec<WideningPattern>, _> =
                    within.iter().map(|text| text.parse()).collect();
                gates.widening =
                    Some(within.context("the plan holds a pattern that this version cannot read")?);
            }
        }
        Ok(gates)
    }

    /// What the plan of a target is held to: the gates of the configuration and those of the base revision.
    pub(super) fn gates(&self, workspace: &Workspace, target: &Target) -> Gates {
        let (config, document) = workspace.config();
        let ConfiguredGates { list } = registry::configured_gates(config, document, target);
        let located = |gate: Gate<Place>| {
            gate.with_source(|place| {
                GateSource::Config(SourceRef::locate(workspace.sources(), &place))
            })
        };
        let mut list: Vec<Gate<GateSource>> = list.into_iter().map(located).collect();
        if let Some(base) = &self.base {
            let ConfiguredGates { list: before } = base.gates(target);
            for gate in before {
                if !list.iter().any(|known| known.is_as_strict_as(&gate)) {
                    list.push(gate.with_source(|place| GateSource::Base {
                        at: SourceRef::locate(&base.sources, &place),
                        revision: base.commit.clone(),
                    }));
                }
            }
        }
        Gates {
            list,
            widening: self.widening.clone(),
            base: None,
        }
    }
}

impl BaseConfig {
    /// The gates of the organization that a target manages: a target may have been renamed.
    fn gates(&self, target: &Target) -> ConfiguredGates {
        let same = |other: &&Target| other.is_same_organization(target);
        match self.config.targets.iter().find(same) {
            Some(known) => registry::configured_gates(&self.config, self.document, known),
            None => registry::gates_of_all(&self.config, self.document, target.teams()),
        }
    }
}

/// What the manifests of a target break of its gates by themselves, unless they have errors of another kind.
pub(super) fn offline_gate_diagnostics(
    workspace: &Workspace,
    target: &Target,
    checked: &Checked,
) -> Vec<Diagnostic> {
    // Gates are about rules, which only one service has.
    let without_rules = !registry::decides_requests(target);
    if without_rules
        || workspace
            .findings()
            .iter()
            .chain(&checked.diagnostics)
            .any(is_error)
    {
        return Vec::new();
    }
    let (config, document) = workspace.config();
    let gates = registry::configured_gates(config, document, target);
    registry::check_gates(target, &checked.desired.policies, &gates).unwrap_or_else(|error| {
        let place = gates
            .list
            .first()
            .map_or(Place::File(document.file), |gate| gate.source.clone());
        let message = format!("the gates of target `{}` could not be checked", target.name);
        vec![Diagnostic::new(Code::AccessNever, message, place).help(error.to_string())]
    })
}

/// Whether a finding is about a gate that is broken.
pub(super) fn is_gate_diagnostic(finding: &Diagnostic) -> bool {
    matches!(finding.code, Code::AccessNever | Code::AccessAlways)
}
