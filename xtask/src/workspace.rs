//! The packages of the workspace and the texts of its files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, anyhow, ensure};
use serde_json::Value;
use walkdir::{DirEntry, WalkDir};

/// File name endings that are read.
const ENDINGS: [&str; 14] = [
    "rs", "md", "yaml", "yml", "json", "toml", "txt", "sh", "py", "js", "ts", "css", "rego",
    "cedar",
];

/// Everything that the checks look at, read once.
#[derive(Debug, Default)]
pub struct Repository {
    /// In the order of the names.
    pub packages: Vec<Package>,
    /// Texts by path relative to the root, with `/` as separator.
    pub files: BTreeMap<String, String>,
}

/// A member of the workspace.
#[derive(Debug, Default, Clone)]
pub struct Package {
    /// As in `Cargo.toml`.
    pub name: String,
    /// Relative to the root; empty for the root package.
    pub folder: String,
    /// Root file of the library, relative to the root of the workspace.
    pub library: Option<String>,
    /// The name under which the package's own binaries and tests import the library.
    pub library_name: String,
    /// Root files of the binaries.
    pub binaries: Vec<String>,
    /// Dependencies on other members.
    pub dependencies: Vec<Dependency>,
}

/// A dependency of one member on another.
#[derive(Debug, Clone)]
pub struct Dependency {
    /// The name in `use` items: the renamed name if there is one.
    pub import: String,
    /// The package that is used.
    pub package: String,
    /// `normal`, `build` or `dev`.
    pub kind: String,
}

impl Repository {
    /// Reads the workspace that contains this package.
    ///
    /// # Errors
    /// If `cargo metadata` fails or a file cannot be read.
    pub fn load() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .ok_or_else(|| anyhow!("the xtask folder has no parent folder"))?
            .to_owned();
        let packages = packages(&root)?;
        let mut files = BTreeMap::new();
        for entry in WalkDir::new(&root).into_iter().filter_entry(is_source) {
            let entry = entry?;
            let path = entry.path();
            let ending = path.extension().and_then(|ending| ending.to_str());
            if !entry.file_type().is_file() || !ending.is_some_and(|it| ENDINGS.contains(&it)) {
                continue;
            }
            // Test data may be invalid UTF-8 on purpose.
            if let Ok(text) = String::from_utf8(std::fs::read(path)?) {
                files.insert(relative(&root, path)?, text);
            }
        }
        Ok(Self { packages, files })
    }

    /// The Rust files, with their texts.
    pub fn rust_files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files
            .iter()
            .filter(|(path, _)| path.ends_with(".rs"))
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// Whether any file is below the folder.
    pub fn has_folder(&self, folder: &str) -> bool {
        let prefix = format!("{folder}/");
        self.files
            .range(prefix.clone()..)
            .next()
            .is_some_and(|(path, _)| path.starts_with(&prefix))
    }

    /// The package that contains a file: the one with the longest folder.
    pub fn package_of(&self, path: &str) -> Option<&Package> {
        self.packages
            .iter()
            .filter(|package| is_below(path, &package.folder))
            .max_by_key(|package| package.folder.len())
    }
}

/// Whether a path is below a folder; everything is below the root, which is the empty string.
pub fn is_below(path: &str, folder: &str) -> bool {
    folder.is_empty()
        || path
            .strip_prefix(folder)
            .is_some_and(|rest| rest.starts_with('/'))
}

/// Leaves out git's folder and build output, which cargo marks with `CACHEDIR.TAG`.
fn is_source(entry: &DirEntry) -> bool {
    if !entry.file_type().is_dir() || entry.depth() == 0 {
        return true;
    }
    let name = entry.file_name();
    name != ".git"
        && name != "target"
        && name != "dist"
        && name != "node_modules"
        && !entry.path().join("CACHEDIR.TAG").exists()
}

fn relative(root: &Path, path: &Path) -> Result<String> {
    let below = path.strip_prefix(root)?;
    let text = below
        .to_str()
        .ok_or_else(|| anyhow!("file name is not UTF-8: {}", below.display()))?;
    Ok(text.replace('\\', "/"))
}

/// Asks cargo, which knows about inherited and renamed dependencies.
fn packages(root: &Path) -> Result<Vec<Package>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--offline", "--format-version=1"])
        .current_dir(root)
        .output()
        .context("cannot run `cargo metadata`")?;
    ensure!(
        output.status.success(),
        "`cargo metadata` failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let members = array(&metadata["packages"]);
    let names: Vec<&str> = members
        .iter()
        .filter_map(|it| it["name"].as_str())
        .collect();
    let mut packages = members
        .iter()
        .map(|member| package(root, member, &names))
        .collect::<Result<Vec<_>>>()?;
    packages.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(packages)
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn package(root: &Path, member: &Value, members: &[&str]) -> Result<Package> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let manifest = PathBuf::from(text(&member["manifest_path"]));
    let folder = manifest.parent().unwrap_or(root);
    let mut package = Package {
        name: text(&member["name"]),
        folder: relative(root, folder)?,
        ..Package::default()
    };
    for target in array(&member["targets"]) {
        let path = relative(root, Path::new(&text(&target["src_path"])))?;
        match target["kind"][0].as_str() {
            Some("lib" | "rlib" | "proc-macro") => {
                package.library = Some(path);
                package.library_name = text(&target["name"]).replace('-', "_");
            }
            Some("bin") => package.binaries.push(path),
            _ => {}
        }
    }
    for dependency in array(&member["dependencies"]) {
        let name = text(&dependency["name"]);
        if members.contains(&name.as_str()) {
            package.dependencies.push(Dependency {
                import: dependency["rename"]
                    .as_str()
                    .unwrap_or(&name)
                    .replace('-', "_"),
                package: name,
                kind: dependency["kind"].as_str().unwrap_or("normal").to_owned(),
            });
        }
    }
    Ok(package)
}
