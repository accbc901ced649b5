//! Walks through a source with the rules of its runtime. Symbolic links are followed, because the
//! vendor's archiver does that, and because engines before 3.247 reject archives with links.

use std::collections::VecDeque;

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;

use super::rules::{
    ArchiveRules, FolderRules, NamedPath, PackRules, PackageRules, UnsupportedPattern,
};
use super::tree::{
    FileContent, PACKAGE_FILE, PackCollector, PackError, PackTree, entry_error, stays_inside,
};
use crate::limits::SourceLimits;
use crate::problem::{FileProblemKind, MAX_DEPTH};

/// Maximum number of links that one path may lead through, as on Linux.
const MAX_LINKS: usize = 40;
/// Maximum size of an ignore file or a `package.json` in bytes.
const MAX_RULE_BYTES: usize = 1 << 20;
/// The folder of git. A link must not lead into it: its configuration may contain credentials.
const GIT: &str = ".git";
/// The settings of npm. They may contain credentials too.
const NPMRC: &str = ".npmrc";

/// What is at a path, without following links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EntryKind {
    File,
    Folder,
    Link,
    Submodule,
    /// A pipe, socket or device.
    Special,
}

/// An entry of a folder.
pub(super) struct FolderEntry {
    /// `Err` has the name with replacements if it is not UTF-8.
    pub(super) name: Result<String, String>,
    pub(super) kind: EntryKind,
}

/// The files of a source in the work tree, the index or a commit. Paths are relative to the source
/// and contain no links.
pub(super) trait PackFiles {
    /// At most `limit` entries of a folder.
    fn entries(&self, folder: &Utf8Path, limit: usize)
    -> Result<Vec<FolderEntry>, FileProblemKind>;

    fn file(&self, path: &Utf8Path, limit: usize) -> Result<FileContent, FileProblemKind>;

    /// The target of a link.
    fn link(&self, path: &Utf8Path) -> Result<String, FileProblemKind>;

    /// # Errors
    /// [`FileProblemKind::Missing`] if there is nothing.
    fn kind(&self, path: &Utf8Path) -> Result<EntryKind, FileProblemKind>;

    /// The `.gitignore` files of the folders above the source in the repository, each with the path
    /// of the source from its folder.
    fn ignore_files_above(&self, limit: usize) -> Result<Vec<(String, String)>, FileProblemKind>;
}

/// Reads the files of a source that an archive contains.
pub(super) fn read(
    files: &impl PackFiles,
    rules: PackRules,
    limits: SourceLimits,
) -> Result<PackTree, PackError> {
    let mut walk = PackWalk {
        files,
        tool: rules,
        collected: PackCollector::new(limits),
        parents: Vec::new(),
    };
    let rules = match rules {
        PackRules::Npm => walk.package_rules()?,
        PackRules::Archive => None,
    };
    let rules = match rules {
        Some(rules) => FolderRules::Npm(rules),
        // Without a package, there is nothing that npm would pack.
        None => {
            let above = files
                .ignore_files_above(MAX_RULE_BYTES)
                .map_err(PackError::Directory)?;
            FolderRules::Archive(ArchiveRules::of_source(&above))
        }
    };
    walk.folder(Utf8Path::new(""), Utf8Path::new(""), rules)?;
    walk.collected.finish()
}

struct PackWalk<'f, F> {
    files: &'f F,
    tool: PackRules,
    collected: PackCollector,
    /// The folders from the source to the current one, links resolved.
    parents: Vec<Utf8PathBuf>,
}

fn wrong(path: &Utf8Path, kind: FileProblemKind) -> PackError {
    match path.as_str() {
        "" => PackError::Directory(kind),
        _ => entry_error(path, kind),
    }
}

fn unsupported(file: &str) -> impl Fn(UnsupportedPattern) -> PackError {
    move |UnsupportedPattern(pattern)| PackError::Pattern {
        path: file.into(),
        pattern,
    }
}

impl<F: PackFiles> PackWalk<'_, F> {
    /// The rules of the package's folder. `None` without a package.
    fn package_rules(&self) -> Result<Option<PackageRules<'static>>, PackError> {
        let path = Utf8Path::new(PACKAGE_FILE);
        let (real, _) = match self.follow(path, path) {
            Err(PackError::Entry {
                path: _,
                kind: FileProblemKind::Missing,
            }) => return Ok(None),
            followed => followed?,
        };
        let content = self.files.file(&real, MAX_RULE_BYTES);
        let content = content.map_err(|kind| wrong(path, kind))?;
        let package: Value = serde_json::from_slice(&content.bytes)
            .map_err(|error| PackError::Package(format!("it is not valid JSON: {error}")))?;
        if !package.is_object() {
            return Err(PackError::Package("expected a JSON object".to_owned()));
        }
        for field in ["bundleDependencies", "bundledDependencies"] {
            let is_empty = match package.get(field) {
                None | Some(Value::Null | Value::Bool(false)) => true,
                Some(Value::Array(names)) => names.is_empty(),
                Some(_) => false,
            };
            if !is_empty {
                let why = format!("`{field}` is not supported");
                return Err(PackError::Package(why));
            }
        }
        let kind = |path: &str| {
            let path = Utf8Path::new(path.trim_matches('/'));
            let is_plain = path
                .components()
                .all(|part| matches!(part, camino::Utf8Component::Normal(_)));
            // Nothing outside of the source is looked at.
            if !is_plain || path.as_str().is_empty() {
                return NamedPath::Missing;
            }
            match self.follow(path, path) {
                Ok((_, EntryKind::File)) => NamedPath::File,
                Ok((_, EntryKind::Folder)) => NamedPath::Folder,
                Err(PackError::Entry {
                    path: _,
                    kind: FileProblemKind::Missing,
                }) => NamedPath::Missing,
                Ok(_) | Err(_) => NamedPath::Other,
            }
        };
        let rules = PackageRules::of_package(&package, kind);
        rules.map(Some).map_err(unsupported(PACKAGE_FILE))
    }

    /// Collects the files of a folder. `real` is its path with links resolved.
    fn folder(
        &mut self,
        real: &Utf8Path,
        shown: &Utf8Path,
        mut rules: FolderRules<'_>,
    ) -> Result<(), PackError> {
        if self.parents.len() >= MAX_DEPTH {
            return Err(wrong(shown, FileProblemKind::too_deep()));
        }
        let bound = self.collected.remaining_visits().saturating_add(1);
        let entries = self.files.entries(real, bound);
        let entries = entries.map_err(|kind| wrong(shown, kind))?;
        self.read_ignore_files(&entries, real, shown, &mut rules)?;
        self.parents.push(real.to_owned());
        for FolderEntry { name, kind } in entries {
            self.collected.visit()?;
            let name = name.map_err(|lossy| wrong(&shown.join(lossy), FileProblemKind::Name))?;
            if name == GIT {
                if shown.as_str().is_empty() {
                    continue;
                }
                return Err(wrong(shown, FileProblemKind::Submodule));
            }
            self.entry(&real.join(&name), &shown.join(&name), kind, &rules)?;
        }
        self.parents.pop();
        Ok(())
    }

    fn read_ignore_files(
        &self,
        entries: &[FolderEntry],
        real: &Utf8Path,
        shown: &Utf8Path,
        rules: &mut FolderRules<'_>,
    ) -> Result<(), PackError> {
        for file in rules.ignore_files() {
            let entry = entries
                .iter()
                .find(|entry| entry.name.as_deref() == Ok(file));
            let Some(entry) = entry else { continue };
            let shown = shown.join(file);
            let (real, kind) = match entry.kind {
                EntryKind::Link => self.follow(&real.join(file), &shown)?,
                kind => (real.join(file), kind),
            };
            if kind != EntryKind::File {
                continue;
            }
            let content = self.files.file(&real, MAX_RULE_BYTES);
            let content = content.map_err(|kind| wrong(&shown, kind))?;
            let text = String::from_utf8_lossy(&content.bytes);
            rules
                .add(file, &text)
                .map_err(unsupported(shown.as_str()))?;
        }
        Ok(())
    }

    fn entry(
        &mut self,
        real: &Utf8Path,
        shown: &Utf8Path,
        kind: EntryKind,
        rules: &FolderRules<'_>,
    ) -> Result<(), PackError> {
        let name = shown.file_name().unwrap_or_default();
        match kind {
            EntryKind::File if rules.includes_file(name) => {
                let content = self.files.file(real, self.collected.remaining());
                let content = content.map_err(|kind| entry_error(shown, kind))?;
                self.collected.file(shown, content)
            }
            EntryKind::File => Ok(()),
            EntryKind::Folder => match rules.enter(name) {
                Some(rules) => self.folder(real, shown, rules),
                None => Ok(()),
            },
            EntryKind::Link if !rules.may_include_link(name) => Ok(()),
            EntryKind::Link => {
                let (real, kind) = self.follow(real, shown)?;
                if self.parents.contains(&real) {
                    return Err(PackError::LinkLoop {
                        path: shown.to_owned(),
                    });
                }
                self.entry(&real, shown, kind, rules)
            }
            EntryKind::Submodule => Err(wrong(shown, FileProblemKind::Submodule)),
            EntryKind::Special if rules.includes_file(name) => {
                Err(wrong(shown, FileProblemKind::Special))
            }
            EntryKind::Special => Ok(()),
        }
    }

    /// The target path of a link, and the file there. Every intermediate link must stay inside the
    /// source.
    fn follow(
        &self,
        link: &Utf8Path,
        shown: &Utf8Path,
    ) -> Result<(Utf8PathBuf, EntryKind), PackError> {
        let mut resolved: Vec<String> = Vec::new();
        let mut left: VecDeque<String> = link
            .components()
            .map(|part| part.as_str().to_owned())
            .collect();
        let mut last = EntryKind::Folder;
        let mut links = 0;
        while let Some(part) = left.pop_front() {
            match part.as_str() {
                "" | "." => continue,
                ".." => {
                    // Targets that leave the source were rejected when they were read.
                    resolved.pop();
                    continue;
                }
                _ => {}
            }
            if last != EntryKind::Folder {
                return Err(wrong(shown, FileProblemKind::Missing));
            }
            resolved.push(part);
            let path = Utf8PathBuf::from(resolved.join("/"));
            let kind = self.files.kind(&path).map_err(|kind| wrong(shown, kind))?;
            if kind == EntryKind::Link {
                links += 1;
                if links > MAX_LINKS {
                    return Err(wrong(shown, FileProblemKind::Loop));
                }
                let target = self.files.link(&path).map_err(|kind| wrong(shown, kind))?;
                if !stays_inside(&path, &target) {
                    return Err(PackError::LinkOutside {
                        path: shown.to_owned(),
                    });
                }
                resolved.pop();
                for part in target.split('/').rev() {
                    left.push_front(part.to_owned());
                }
                continue;
            }
            last = kind;
        }
        let is_secret = |part: &String| {
            part.eq_ignore_ascii_case(GIT)
                || self.tool == PackRules::Npm && part.eq_ignore_ascii_case(NPMRC)
        };
        if resolved.iter().any(is_secret) {
            return Err(PackError::LinkExcluded {
                path: shown.to_owned(),
                target: resolved.join("/"),
            });
        }
        Ok((Utf8PathBuf::from(resolved.join("/")), last))
    }
}
