//! Parses the `access` sections of `polwarden.yaml` into gates, and reports what is invalid in
//! them.

use std::collections::{BTreeMap, HashMap};

use super::mcp;
use super::teams::is_uuid;
use crate::service::confusable::check_request;
use access::{
    Audience, CedarRequestContext, CedarRequestError, Gate, GateKind, GatePattern,
    GatePatternError, McpPattern, NamedAudience,
};
use manifest::access::{AccessSection, GateSpec, NamedAudienceSpec};
use manifest::config::{Config, Target};
use manifest::test::McpSpec;
use model::Name;
use model::diag::{Code, Diagnostic, DocumentId, Path, Place, did_you_mean};

/// The gates of one target, each with its place in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TargetGates {
    /// The gates of all targets first, then those of this target.
    pub list: Vec<Gate<Place>>,
}

/// The gates of one target, without those that
/// [`check_config`](crate::service::check_config::check_config) reports as invalid.
pub fn gates(config: &Config, document: DocumentId, target: &Target) -> TargetGates {
    read(&sections(config, document, Some(target)), target.teams()).0
}

/// The gates that a configuration declares for all targets, for an organization that the
/// configuration does not contain. `teams` are the short names of that organization's teams.
pub fn gates_of_all(
    config: &Config,
    document: DocumentId,
    teams: &BTreeMap<String, String>,
) -> TargetGates {
    read(&sections(config, document, None), teams).0
}

pub(crate) fn check(config: &Config, document: DocumentId) -> Vec<Diagnostic> {
    let mut found: Vec<Diagnostic> = Vec::new();
    for target in &config.targets {
        for finding in read(&sections(config, document, Some(target)), target.teams()).1 {
            // A problem in the common section is reported once, not once per target.
            if !found.contains(&finding) {
                found.push(finding);
            }
        }
    }
    found
}

struct LocatedAccess<'a> {
    access: &'a AccessSection,
    document: DocumentId,
    path: Path,
}

fn sections<'a>(
    config: &'a Config,
    document: DocumentId,
    target: Option<&'a Target>,
) -> Vec<LocatedAccess<'a>> {
    let mut sections = vec![LocatedAccess {
        access: &config.access,
        document,
        path: Path::root().key("access"),
    }];
    if let Some(target) = target {
        let index = config
            .targets
            .iter()
            .position(|other| std::ptr::eq(other, target))
            .or_else(|| {
                let mut targets = config.targets.iter();
                targets.position(|other| other.name == target.name)
            })
            .unwrap_or_default();
        let path = Path::root().key("targets").index(index).key("access");
        sections.extend(target.docker().map(|settings| LocatedAccess {
            access: &settings.access,
            document,
            path,
        }));
    }
    sections
}

fn read(
    sections: &[LocatedAccess<'_>],
    teams: &BTreeMap<String, String>,
) -> (TargetGates, Vec<Diagnostic>) {
    let mut reader = GateReader {
        teams,
        known: HashMap::new(),
        gates: TargetGates::default(),
        found: Vec::new(),
    };
    for section in sections {
        reader.audiences(section);
    }
    for LocatedAccess {
        access,
        document,
        path,
    } in sections
    {
        let AccessSection {
            never,
            always,
            audiences: _,
        } = access;
        for (kind, key, specs) in [
            (GateKind::Never, "never", never),
            (GateKind::Always, "always", always),
        ] {
            for (index, spec) in specs.iter().enumerate() {
                reader.gate(kind, spec, *document, &path.clone().key(key).index(index));
            }
        }
    }
    (reader.gates, reader.found)
}

/// The forms of patterns of MCP requests.
const MCP_PATTERNS: &str =
    "write for example `mcp invokeTool delete_*`, `mcp invokeTool * --server github` or `mcp *`";

struct GateReader<'a> {
    teams: &'a BTreeMap<String, String>,
    /// The first place of each audience, and its members if they are valid.
    known: HashMap<&'a str, (Place, Option<Audience>)>,
    gates: TargetGates,
    found: Vec<Diagnostic>,
}

impl<'a> GateReader<'a> {
    fn audiences(&mut self, section: &LocatedAccess<'a>) {
        for (index, spec) in section.access.audiences.iter().enumerate() {
            let path = section.path.clone().key("audiences").index(index);
            let place = Place::value(section.document, path.clone().key("name"));
            let NamedAudienceSpec { name, teams } = spec;
            if let Err(error) = Name::new(name) {
                self.found.push(Diagnostic::new(
                    Code::InvalidValue,
                    error.to_string(),
                    place.clone(),
                ));
            }
            if let Some((first, _)) = self.known.get(name.as_str()) {
                let message = format!("duplicate audience `{name}`");
                self.found.push(
                    Diagnostic::new(Code::InvalidValue, message, place)
                        .label("again here")
                        .also(first.clone(), "first here")
                        .help("rename one of them: gates refer to audiences by name"),
                );
                continue;
            }
            let audience = self.resolve_audience(teams, section.document, &path);
            self.known.insert(name, (place, audience));
        }
    }

    fn resolve_audience(
        &mut self,
        teams: &[String],
        document: DocumentId,
        path: &Path,
    ) -> Option<Audience> {
        let place = || path.clone().key("teams");
        if teams.is_empty() {
            let message = "the audience has no teams";
            let finding =
                Diagnostic::new(Code::EmptyList, message, Place::value(document, place()));
            self.found.push(
                finding.help("name the teams; users outside of all teams are always checked"),
            );
            return None;
        }
        let mut ids = Vec::new();
        for (index, team) in teams.iter().enumerate() {
            match self.teams.get(team).map_or(team, |uuid| uuid) {
                uuid if is_uuid(uuid) => ids.push(uuid.to_ascii_lowercase()),
                _ => {
                    let message = format!("unknown team `{team}` in some targets of the audience");
                    let near = did_you_mean(self.teams.keys().map(String::as_str), team);
                    let help = near.map_or_else(
                        || "add it with its uuid to `teams` of the target, or move the audience to `access` of the target that defines it".to_owned(),
                        |near| format!("did you mean `{near}`?"),
                    );
                    let at = Place::value(document, place().index(index));
                    self.found.push(
                        Diagnostic::new(Code::UnknownTeam, message, at)
                            .help(help)
                            .suggest_similar(near),
                    );
                }
            }
        }
        (ids.len() == teams.len()).then(|| Audience::of_teams(ids))
    }

    fn gate(&mut self, kind: GateKind, spec: &GateSpec, document: DocumentId, path: &Path) {
        let GateSpec {
            request,
            audience,
            mcp,
            reason,
        } = spec;
        let source = Place::value(document, path.clone());
        check_request(request, || source.clone(), &mut self.found);
        let pattern = self.pattern(request, mcp.as_ref(), document, path);
        let audience = match audience {
            None => Some(None),
            Some(name) => self.named(name, document, path).map(Some),
        };
        if let (Some(pattern), Some(audience)) = (pattern, audience) {
            self.gates.list.push(Gate {
                kind,
                pattern,
                audience,
                reason: reason.clone(),
                source,
            });
        }
    }

    /// The pattern of a gate. Nothing if it is invalid, which is a diagnostic.
    fn pattern(
        &mut self,
        request: &str,
        mcp: Option<&McpSpec>,
        document: DocumentId,
        path: &Path,
    ) -> Option<GatePattern> {
        let field = path.clone().key("mcp");
        let given = match mcp {
            Some(spec) => mcp::request_context(spec, document, &field, &mut self.found)?,
            None => CedarRequestContext::default(),
        };
        if mcp.is_some() && !McpPattern::is_meant(request) {
            let message = format!("`mcp` is for MCP requests, and `{request}` is none");
            self.found.push(
                Diagnostic::new(Code::InvalidValue, message, Place::key(document, field))
                    .help("remove it, or write a pattern such as `mcp invokeTool *`"),
            );
            return None;
        }
        let error = match GatePattern::parse(request, &given) {
            Ok(pattern) => return Some(pattern),
            Err(error) => error,
        };
        // The text of a gate is its only value, or the field `request` of a mapping.
        let is_mapping = mcp.is_some();
        let source = Place::value(document, path.clone());
        self.found.push(match &error {
            GatePatternError::Mcp(CedarRequestError::Circumstance { field: part, .. })
                if is_mapping =>
            {
                let place = Place::value(document, field.key(*part));
                Diagnostic::new(Code::InvalidValue, error.to_string(), place).help(mcp::FIELDS)
            }
            GatePatternError::Mcp(error) => {
                let similar = McpPattern::with_known_action(request);
                Diagnostic::new(Code::InvalidValue, error.to_string(), source)
                    .label("not a pattern of requests")
                    .help(MCP_PATTERNS)
                    .suggest_similar(similar.as_deref().filter(|_| !is_mapping))
            }
            GatePatternError::Requests(error) => {
                Diagnostic::new(Code::InvalidValue, error.to_string(), source)
                    .label("not a pattern of requests")
                    .help("write for example `tcp **.example.com:443`, `get https://api.example.com/**` or `read /data/**`")
            }
        });
        None
    }

    fn named(&mut self, name: &str, document: DocumentId, path: &Path) -> Option<NamedAudience> {
        let Some((_, audience)) = self.known.get(name) else {
            let near = did_you_mean(self.known.keys().copied(), name);
            let help = near.map_or_else(
                || "add it to `audiences` of the same section".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            let place = Place::value(document, path.clone().key("audience"));
            let message = format!("unknown audience `{name}`");
            self.found.push(
                Diagnostic::new(Code::InvalidValue, message, place)
                    .help(help)
                    .suggest_similar(near),
            );
            return None;
        };
        Some(NamedAudience {
            name: name.to_owned(),
            audience: audience.clone()?,
        })
    }
}
