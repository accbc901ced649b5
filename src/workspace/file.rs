//! Reads files that are named on the command line.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

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
    let file = File::open(path)?;
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
}
