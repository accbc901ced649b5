//! The check of `polwarden.yaml`.

use std::collections::{HashMap, HashSet};

use super::confusable::{OwnedName, check_names};
pub(crate) use super::docker::check::teams::is_uuid;
use manifest::IncompleteConfig;
use manifest::access::AccessSection;
use manifest::config::{Config, Target, UnmanagedSettings};
use model::Name;
use model::diag::{Code, Diagnostic, DocumentId, Path, PathSegment, Place};

/// Checks the configuration: unique names of targets, no organization managed twice, valid organizations and uuids,
/// paths inside the repository. Whether paths exist is checked when they are read.
pub fn check_config(config: &Config, document: DocumentId) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let place = |path: Path| Place::value(document, path);
    if config.targets.is_empty() {
        found.push(
            Diagnostic::new(
                Code::EmptyList,
                "no target is configured",
                place(Path::root().key("targets")),
            )
            .help("add a target with `name`, `provider`, `organization` and `paths`"),
        );
    }
    let mut names = HashMap::new();
    let mut organizations = HashMap::new();
    for (index, target) in config.targets.iter().enumerate() {
        let path = || Path::root().key("targets").index(index);
        check_target(target, document, &path(), &mut found);
        if let Some(first) = names.insert(target.name.as_str(), index) {
            let message = format!("duplicate target `{}`", target.name);
            found.push(
                Diagnostic::new(Code::TargetNameTaken, message, place(path().key("name")))
                    .label("again here")
                    .also(
                        place(Path::root().key("targets").index(first).key("name")),
                        "first here",
                    )
                    .help("rename one of them: `--target` selects targets by name"),
            );
        }
        let organization = (target.provider(), target.organization.to_ascii_lowercase());
        if let Some(first) = organizations.insert(organization, index) {
            let message = format!(
                "duplicate organization `{}` in two targets",
                target.organization
            );
            found.push(
                Diagnostic::new(
                    Code::TargetOverlap,
                    message,
                    place(path().key("organization")),
                )
                .label("again here")
                .also(
                    place(Path::root().key("targets").index(first).key("organization")),
                    "first here",
                )
                .help(
                    "put the paths of both into one target; otherwise each undoes the changes of the other",
                ),
            );
        }
    }
    let targets: Vec<OwnedName<'_>> = config
        .targets
        .iter()
        .enumerate()
        .map(|(owner, target)| OwnedName {
            text: &target.name,
            owner,
        })
        .collect();
    let target_place = |index: usize| place(Path::root().key("targets").index(index).key("name"));
    check_names("target name", &targets, target_place, &mut found);
    if let Some(text) = &config.apply.branch {
        let place = |_| place(Path::root().key("apply").key("branch"));
        check_names("branch", &[OwnedName { text, owner: 0 }], place, &mut found);
    }
    check_audience_names(&config.access, document, &Path::root(), &mut found);
    found.extend(super::docker::check::access::check(config, document));
    found
}

/// Audiences whose names are displayed the same. `path` is the path to the mapping that contains `access`.
fn check_audience_names(
    access: &AccessSection,
    document: DocumentId,
    path: &Path,
    found: &mut Vec<Diagnostic>,
) {
    let names: Vec<OwnedName<'_>> = access
        .audiences
        .iter()
        .enumerate()
        .map(|(owner, audience)| OwnedName {
            text: &audience.name,
            owner,
        })
        .collect();
    let place = |index: usize| {
        let audiences = path.clone().key("access").key("audiences");
        Place::value(document, audiences.index(index).key("name"))
    };
    check_names("audience name", &names, place, found);
}

/// Checks the readable part of a configuration with schema errors. Consequences of these errors are
/// left out.
pub fn check_incomplete_config(incomplete: &IncompleteConfig) -> Vec<Diagnostic> {
    let IncompleteConfig {
        config,
        id,
        invalid,
    } = incomplete;
    let target = |index| Path::root().key("targets").index(index);
    let access = || Path::root().key("access");
    let indices = || 0..config.targets.len();
    let is_affected = |path: &Path| invalid.affect(path) || invalid.explain(&path.parent());
    let teams_are_known = !indices().any(|index| is_affected(&target(index).key("teams")));
    let audiences_are_known = !is_affected(&access().key("audiences"))
        && !indices().any(|index| is_affected(&target(index).key("access").key("audiences")));
    let is_consequence = |path: &Path| match path.segments().last() {
        _ if invalid.explain(path) => true,
        Some(PathSegment::Key(key)) if key == "organization" => {
            invalid.explain(&path.parent().key("provider"))
        }
        Some(PathSegment::Key(key)) if key == "audience" => !audiences_are_known,
        // Gates are reported at the gate.
        Some(PathSegment::Index(_)) => invalid.replace(&path.clone().key("request")),
        Some(PathSegment::Key(_)) | None => false,
    };
    let mut found = check_config(config, *id);
    found.retain(|diagnostic| {
        let is_known = diagnostic.code != Code::UnknownTeam || teams_are_known;
        is_known
            && !diagnostic.labels.iter().any(|label| match &label.place {
                Place::Node { path, .. } | Place::Text { path, .. } => is_consequence(path),
                Place::File(_) | Place::Bytes { .. } => false,
            })
    });
    found
}

fn check_target(target: &Target, document: DocumentId, path: &Path, found: &mut Vec<Diagnostic>) {
    let place = |path: Path| Place::value(document, path);
    if let Err(error) = Name::new(&target.name) {
        found.push(
            Diagnostic::new(
                Code::InvalidValue,
                error.to_string(),
                place(path.clone().key("name")),
            )
            .help("write a name that is readable and easy to type after `--target`"),
        );
    }
    if !is_organization(&target.organization) {
        let message = format!("invalid organization name `{}`", target.organization);
        found.push(
            Diagnostic::new(
                Code::InvalidValue,
                message,
                place(path.clone().key("organization")),
            )
            .help("use the name in the organization's address: letters, digits, `-` and `_`"),
        );
    }
    check_paths(target, document, path, found);
    check_unmanaged(target, document, path, found);
    let aliases: Vec<OwnedName<'_>> = target
        .teams()
        .keys()
        .enumerate()
        .map(|(owner, text)| OwnedName { text, owner })
        .collect();
    let alias_place = |index: usize| {
        let alias = aliases[index].text;
        Place::key(document, path.clone().key("teams").key(alias))
    };
    check_names("team alias", &aliases, alias_place, found);
    if let Some(settings) = target.docker() {
        check_audience_names(&settings.access, document, path, found);
    }
    for (alias, uuid) in target.teams() {
        let at = || path.clone().key("teams").key(alias);
        if !is_uuid(uuid) {
            let message = format!("the team alias `{alias}` has no valid uuid");
            found.push(
                Diagnostic::new(Code::InvalidValue, message, place(at()))
                    .label("not a uuid")
                    .help(
                        "write the team's uuid, for example `d290f1ee-6c54-4b01-90e6-d701748f0851`",
                    ),
            );
        }
        if is_uuid(alias) {
            let message = "a team alias looks like a uuid, which would make scopes misleading";
            found.push(
                Diagnostic::new(Code::InvalidValue, message, Place::key(document, at()))
                    .help("give the alias the name of the team"),
            );
        }
    }
}

/// Checks the names of live policies: no duplicates, and none that is both kept and deleted.
fn check_unmanaged(
    target: &Target,
    document: DocumentId,
    path: &Path,
    found: &mut Vec<Diagnostic>,
) {
    let UnmanagedSettings {
        mode: _,
        known,
        removed,
    } = &target.unmanaged;
    let removed_path = || path.clone().key("removed");
    let known_path = || path.clone().key("unmanaged").key("known");
    for (names, list) in [
        (known, &known_path as &dyn Fn() -> Path),
        (removed, &removed_path),
    ] {
        let owned: Vec<OwnedName<'_>> = names
            .iter()
            .enumerate()
            .map(|(owner, text)| OwnedName { text, owner })
            .collect();
        let place = |index: usize| Place::value(document, list().index(index));
        check_names("policy name", &owned, place, found);
        let mut seen = HashSet::new();
        for (index, name) in names.iter().enumerate() {
            if !seen.insert(name) {
                let place = Place::value(document, list().index(index));
                found.push(
                    Diagnostic::new(
                        Code::DuplicateValue,
                        format!("duplicate name `{name}`"),
                        place,
                    )
                    .help("remove one of the two entries"),
                );
            }
        }
    }
    for (index, name) in removed.iter().enumerate() {
        if let Some(other) = known.iter().position(|known| known == name) {
            found.push(
                Diagnostic::new(
                    Code::InvalidValue,
                    format!("policy `{name}` is listed in `removed` and in `unmanaged.known`"),
                    Place::value(document, removed_path().index(index)),
                )
                .label("deleted here")
                .also(
                    Place::value(document, known_path().index(other)),
                    "kept here",
                )
                .help("remove the name from one of the two lists"),
            );
        }
    }
}

fn check_paths(target: &Target, document: DocumentId, path: &Path, found: &mut Vec<Diagnostic>) {
    let paths = || path.clone().key("paths");
    if target.paths.is_empty() {
        found.push(
            Diagnostic::new(
                Code::EmptyList,
                "the target has no paths",
                Place::value(document, paths()),
            )
            .help("add the files and folders of its manifests"),
        );
    }
    for (index, text) in target.paths.iter().enumerate() {
        let Some(reason) = path_fault(text) else {
            continue;
        };
        found.push(
            Diagnostic::new(
                Code::TargetPathInvalid,
                format!("the path `{text}` {reason}"),
                Place::value(document, paths().index(index)),
            )
            .help("write a path relative to this file, inside the repository, with `/`"),
        );
    }
}

/// What keeps a text from being a path inside the repository, as the end of a sentence.
fn path_fault(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        return Some("is empty");
    }
    if text.contains(char::is_control) {
        return Some("contains control characters");
    }
    let drive = text.as_bytes().get(1) == Some(&b':');
    if text.starts_with(['/', '\\', '~']) || drive {
        return Some("is not relative");
    }
    let mut depth = 0_i64;
    for part in text.split(['/', '\\']) {
        depth += match part {
            "" | "." => 0,
            ".." => -1,
            _ => 1,
        };
        if depth < 0 {
            return Some("leaves the repository");
        }
    }
    None
}

/// Names of organizations become a part of the API's addresses, so that nothing else may be in them.
fn is_organization(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 255
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}
