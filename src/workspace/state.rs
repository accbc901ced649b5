//! The state folder, `.polwarden`, and files that only their owner may read.
//!
//! The folder is in the work tree, so a pull request could bring one along: as a link that leads
//! elsewhere, or with files that look like those of earlier runs. Therefore links are never
//! followed, and files that git tracks are never used.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use camino::{Utf8Path, Utf8PathBuf};
use git::TrackedFiles;

/// The folder next to `polwarden.yaml` for state between runs.
pub const FOLDER: &str = ".polwarden";

/// Creates the state folder, or a folder in it, and makes git ignore its files.
///
/// # Errors
/// It cannot be created, or part of its path is a link or a file.
pub fn create_folder(below: Option<&str>) -> io::Result<PathBuf> {
    let mut folder = PathBuf::from(FOLDER);
    create_real_folder(&folder)?;
    if let Some(below) = below {
        folder.push(below);
        create_real_folder(&folder)?;
    }
    // Whatever has this name already is left alone, above all a link.
    match private(OpenOptions::new().write(true).create_new(true)).open(folder.join(".gitignore")) {
        Ok(mut file) => io::Write::write_all(&mut file, b"*\n")?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    Ok(folder)
}

fn create_real_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => check_real_folder(folder),
        created => created,
    }
}

/// Checks that a folder is not a link.
///
/// # Errors
/// It is missing, a link, or no folder.
pub fn check_real_folder(folder: &Path) -> io::Result<()> {
    let kind = folder.symlink_metadata()?.file_type();
    if kind.is_dir() {
        return Ok(());
    }
    let what = if kind.is_symlink() {
        "is a symbolic link"
    } else {
        "is not a folder"
    };
    Err(io::Error::new(
        io::ErrorKind::NotADirectory,
        format!("`{}` {what}; remove it", folder.display()),
    ))
}

/// Why a file of the state folder is not used.
///
/// # Errors
/// It is not a regular file, or git tracks it or cannot tell.
pub fn check_own(path: &Path) -> io::Result<()> {
    if !path.symlink_metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let tracked = TrackedFiles::around(Path::new(".")).map_err(io::Error::other)?;
    check_untracked(&tracked, path)
}

/// Checks that a file did not come with the repository.
///
/// # Errors
/// Git tracks it.
pub fn check_untracked(tracked: &TrackedFiles, path: &Path) -> io::Result<()> {
    let name = path.to_string_lossy().replace('\\', "/");
    if tracked.contains(&name) {
        return Err(io::Error::other(
            "it is tracked by git; remove it with `git rm -r --cached .polwarden`",
        ));
    }
    Ok(())
}

/// Creates a file that only its owner may read, or replaces its content. A link is not followed.
///
/// # Errors
/// It cannot be created, or it is a link.
pub fn create_private(path: &Path) -> io::Result<File> {
    let file = open(path, OpenOptions::new().write(true), true)?;
    if file.metadata()?.is_file() {
        file.set_len(0)?;
    }
    Ok(file)
}

/// Writes a file that only its owner may read. A link is not followed.
///
/// # Errors
/// It cannot be written, or it is a link.
pub fn write_private(path: &Path, bytes: impl AsRef<[u8]>) -> io::Result<()> {
    io::Write::write_all(&mut create_private(path)?, bytes.as_ref())
}

/// The file with the signature of a plan.
pub fn signature_path(plan: &Utf8Path) -> Utf8PathBuf {
    Utf8PathBuf::from(format!("{plan}.sig"))
}

/// Writes a file that others may read too. A link is not followed.
///
/// # Errors
/// It cannot be written, or it is a link.
pub fn write_shared(path: &Path, bytes: impl AsRef<[u8]>) -> io::Result<()> {
    let mut file = open(path, OpenOptions::new().write(true), false)?;
    if file.metadata()?.is_file() {
        file.set_len(0)?;
    }
    io::Write::write_all(&mut file, bytes.as_ref())
}

/// Opens a file to read it and add to it, which only its owner may read. It is created if it does
/// not exist. A link is not followed.
///
/// # Errors
/// It cannot be opened, or it is a link.
pub fn append_private(path: &Path) -> io::Result<File> {
    open(path, OpenOptions::new().read(true).append(true), true)
}

fn open(path: &Path, options: &mut OpenOptions, is_private: bool) -> io::Result<File> {
    // The system's own names for open files, such as `/dev/stdout`, are links.
    if path.starts_with("/dev") || path.starts_with("/proc/self/fd") {
        return options.open(path);
    }
    let before = match path.symlink_metadata() {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let options = options.create_new(true);
            let options = if is_private {
                private(options)
            } else {
                options
            };
            return options.open(path);
        }
        Err(error) => return Err(error),
    };
    if before.is_symlink() {
        return Err(is_link());
    }
    let file = options.open(path)?;
    // A link that replaced the file in the meantime points to another file.
    if !is_same(&before, &file.metadata()?) {
        return Err(is_link());
    }
    #[cfg(unix)]
    if is_private && before.is_file() {
        use std::os::unix::fs::PermissionsExt as _;
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

fn is_link() -> io::Error {
    io::Error::other("it is a symbolic link, which is not followed; use the path of its target")
}

#[cfg(unix)]
fn is_same(one: &fs::Metadata, other: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    one.dev() == other.dev() && one.ino() == other.ino()
}

#[cfg(not(unix))]
fn is_same(one: &fs::Metadata, other: &fs::Metadata) -> bool {
    one.file_type() == other.file_type()
}

#[cfg(unix)]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600)
}

#[cfg(not(unix))]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}
