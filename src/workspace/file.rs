//! Reads files that are named on the command line.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::path::Path;

/// Opens a file to read it, without waiting: opening a pipe waits until another program writes to it, so
/// a pipe with the name of an expected file would stop a run for good.
///
/// The system's own names, such as `/dev/stdin` and the `/dev/fd/63` of a shell's `<(…)`, may be pipes
/// and devices.
///
/// # Errors
/// The file cannot be opened, or it is not a regular file.
pub fn open_regular(path: &Path) -> io::Result<File> {
    if path.starts_with("/dev") || path.starts_with("/proc/self/fd") {
        return File::open(path);
    }
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    }
    let file = options.open(path)?;
    // Whatever has the name by now, the open file is the one that is checked.
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::other("it is not a regular file"))
    }
}

/// Reads a text of limited size. The size is checked before, and again because pipes and devices
/// have none and files may grow.
///
/// # Errors
/// The file cannot be read, is larger than the limit in bytes, or is not UTF-8.
pub fn read_text(path: &Path, limit: u64) -> io::Result<String> {
    let too_large = || {
        let message = format!("it is larger than {limit} bytes");
        io::Error::new(io::ErrorKind::FileTooLarge, message)
    };
    let file = open_regular(path)?;
    if file.metadata()?.len() > limit {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(too_large());
    }
    String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_pipes_and_devices_are_read_up_to_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        std::fs::write(&path, "12345").unwrap();
        assert_eq!(read_text(&path, 5).unwrap(), "12345");
        let kind = |path: &Path, limit| read_text(path, limit).unwrap_err().kind();
        assert_eq!(kind(&path, 4), io::ErrorKind::FileTooLarge);
        std::fs::write(&path, b"\xff").unwrap();
        assert_eq!(kind(&path, 5), io::ErrorKind::InvalidData);
        #[cfg(unix)]
        assert_eq!(
            kind(Path::new("/dev/zero"), 1000),
            io::ErrorKind::FileTooLarge
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_that_nobody_writes_to_is_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.json.sig");
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        for path in [&path, &link] {
            let error = open_regular(path).unwrap_err();
            assert_eq!(error.to_string(), "it is not a regular file");
            assert!(read_text(path, 5).is_err());
        }
        assert!(open_regular(folder.path()).is_err());
    }
}
