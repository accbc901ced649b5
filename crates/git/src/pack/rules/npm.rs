//! The rules of `npm pack`, as npm-packlist and ignore-walk apply them.
//!
//! Every folder has lists of rules, and a later rule overrides an earlier one. In the folder of the
//! package they are, in this order: npm's own list of files that are never published, `files` of
//! `package.json` or else `.npmignore` or else `.gitignore`, and a strict list that the package
//! cannot override, with what is always or never published. A file is tested with the rules of the
//! outermost folder first. A folder is entered if something in it could be included.

use std::rc::Rc;

use serde_json::Value;

use super::UnsupportedPattern;
use super::glob::Glob;

/// What npm leaves out unless `files` or an ignore file says otherwise.
const DEFAULTS: &[&str] = &[
    ".npmignore",
    ".gitignore",
    "**/.git",
    "**/.svn",
    "**/.hg",
    "**/CVS",
    "**/.git/**",
    "**/.svn/**",
    "**/.hg/**",
    "**/CVS/**",
    "/.lock-wscript",
    "/.wafpickle-*",
    "/build/config.gypi",
    "npm-debug.log",
    "**/.npmrc",
    ".*.swp",
    ".DS_Store",
    "**/.DS_Store/**",
    "._*",
    "**/._*/**",
    "*.orig",
    "/archived-packages/**",
];

/// What is always or never part of a package.
const STRICT: &[&str] = &[
    "/.git",
    "!/package.json",
    "!/readme{,.*[^~$]}",
    "!/copying{,.*[^~$]}",
    // npm knows both spellings.
    "!/licen[cs]e{,.*[^~$]}",
    "/.git",
    "/node_modules",
    ".npmrc",
    "/package-lock.json",
    "/yarn.lock",
    "/pnpm-lock.yaml",
    "/bun.lockb",
];

/// The name that an archive for npm never contains: it may contain credentials.
const NPMRC: &str = ".npmrc";

/// The kind of a path that `files` names, without following links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NamedPath {
    File,
    Folder,
    Other,
    Missing,
}

/// The rules of a folder.
pub(crate) struct PackageRules<'p> {
    /// The folder above, and the name of this folder in it.
    parent: Option<(&'p PackageRules<'p>, String)>,
    /// The rules of the folders above included this folder as a whole.
    is_exact: bool,
    defaults: Rc<Vec<Glob>>,
    /// From `files`, which replaces the ignore files of the package's folder.
    files: Option<Vec<Glob>>,
    npmignore: Option<Vec<Glob>>,
    gitignore: Option<Vec<Glob>>,
    strict: Vec<Glob>,
    /// Files that `files` names, relative to this folder.
    required: Vec<String>,
}

fn parse<'r>(rules: impl IntoIterator<Item = &'r str>) -> Result<Vec<Glob>, UnsupportedPattern> {
    rules
        .into_iter()
        .map(str::trim)
        .filter(|rule| !rule.is_empty() && !rule.starts_with('#'))
        .map(Glob::parse)
        .collect()
}

impl PackageRules<'_> {
    /// The rules of the folder of `package.json`. `kind` returns the kind of file at a path of the source.
    pub(crate) fn of_package(
        package: &Value,
        kind: impl Fn(&str) -> NamedPath,
    ) -> Result<Self, UnsupportedPattern> {
        let mut strict: Vec<String> = STRICT.iter().map(|rule| (*rule).to_owned()).collect();
        let mut required = Vec::new();
        let text = |field: &str| package.get(field).and_then(Value::as_str);
        let listed = package.get("files").and_then(Value::as_array);
        let files = match listed {
            None => None,
            Some(listed) => {
                let mut rules = vec!["*".to_owned()];
                for file in listed.iter().filter_map(Value::as_str) {
                    let mut file = match file.strip_prefix('.') {
                        Some(rest) if rest.starts_with('/') => rest.to_owned(),
                        _ => file.to_owned(),
                    };
                    if file.ends_with("/*") {
                        file.push('*');
                    }
                    let rule = format!("!{file}");
                    match kind(file.trim_start_matches('!')) {
                        NamedPath::File => {
                            strict.insert(0, rule);
                            required.push(file.strip_prefix('/').unwrap_or(&file).to_owned());
                        }
                        NamedPath::Folder => {
                            rules.push(rule.clone());
                            rules.push(format!("{rule}/**"));
                        }
                        NamedPath::Other => {}
                        NamedPath::Missing => rules.push(rule),
                    }
                }
                Some(parse(rules.iter().map(String::as_str))?)
            }
        };
        let programs: Vec<&str> = match package.get("bin") {
            Some(Value::String(program)) => vec![program],
            Some(Value::Object(programs)) => programs.values().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let always = [text("browser"), text("main")];
        for path in always.into_iter().flatten().chain(programs) {
            // With `./` in front, the rule matches nothing. That is what npm does.
            strict.push(format!("!/{path}"));
        }
        Ok(Self {
            parent: None,
            is_exact: false,
            defaults: Rc::new(parse(DEFAULTS.iter().copied())?),
            files,
            npmignore: None,
            gitignore: None,
            strict: parse(strict.iter().map(String::as_str))?,
            required,
        })
    }

    /// Adds an ignore file of this folder.
    pub(super) fn add(&mut self, name: &str, text: &str) -> Result<(), UnsupportedPattern> {
        let rules = Some(parse(text.lines())?);
        match name {
            ".npmignore" => self.npmignore = rules,
            ".gitignore" => self.gitignore = rules,
            _ => {}
        }
        Ok(())
    }

    /// Whether the package contains a file of this folder.
    pub(super) fn includes(&self, name: &str) -> bool {
        // npm never packs a name with a star, which Windows does not allow.
        !name.contains('*') && !name.eq_ignore_ascii_case(NPMRC) && self.filter(name, false, None)
    }

    /// The rules of a folder in this one, if something in it may be included.
    pub(super) fn enter(&self, name: &str) -> Option<PackageRules<'_>> {
        if name.contains('*') || !self.filter(name, true, None) {
            return None;
        }
        let is_exact =
            self.filter(name, false, None) || self.filter(&format!("{name}/"), false, None);
        let inside = |file: &String| {
            let rest = file.strip_prefix(name)?.strip_prefix('/')?;
            (!rest.contains('/')).then(|| rest.to_owned())
        };
        let required: Vec<String> = self.required.iter().filter_map(inside).collect();
        let mut strict = vec!["/.git".to_owned()];
        strict.extend(required.iter().map(|file| format!("!{file}")));
        Some(PackageRules {
            parent: Some((self, name.to_owned())),
            is_exact,
            defaults: Rc::clone(&self.defaults),
            files: None,
            npmignore: None,
            gitignore: None,
            // Names that `files` contains were parsed before.
            strict: parse(strict.iter().map(String::as_str)).ok()?,
            required,
        })
    }

    /// Whether the rules include a path below this folder. With `is_partial`, the path is that of a
    /// folder, and it is enough that they could include something in it. `name` is its last segment
    /// if the path was extended by a folder.
    fn filter(&self, path: &str, is_partial: bool, name: Option<&str>) -> bool {
        let mut included = true;
        if let Some((parent, folder)) = &self.parent {
            let outer = format!("{folder}/{path}");
            included = parent.filter(&outer, is_partial, Some(name.unwrap_or(path)));
            if !included && !self.is_exact {
                return false;
            }
        }
        let own = self.files.as_ref().or(self.npmignore.as_ref());
        let own = own.or(self.gitignore.as_ref());
        let rules = self.defaults.iter().chain(own.into_iter().flatten());
        for rule in rules.chain(&self.strict) {
            if rule.is_negated != included && matches(rule, path, is_partial, name) {
                included = rule.is_negated;
            }
        }
        included
    }
}

fn matches(rule: &Glob, path: &str, is_partial: bool, name: Option<&str>) -> bool {
    let at = |path: &str, partial: bool| {
        rule.matches(&format!("/{path}"), partial) || rule.matches(path, partial)
    };
    let as_folder =
        |path: &str| at(&format!("{path}/"), false) || (rule.is_negated && at(path, true));
    at(path, false)
        || is_partial
            && (as_folder(path) || name.is_some_and(|name| rule.is_name && as_folder(name)))
}
