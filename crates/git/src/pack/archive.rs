//! Reproducible archives: the same source always results in the same bytes.

use std::io::{self, Write as _};

use flate2::{Compression, GzBuilder};
use tar::{Builder, EntryType, Header};

use super::tree::{PackEntry, PackTree};
use model::digest::ArchiveDigest;

/// The folder in which the service expects all files.
const PREFIX: &str = "package/";
/// The time of every entry, a day in 1985 as in archives of npm. Some programs warn about 1970.
const TIME: u64 = 499_162_500;

/// A gzip-compressed tar archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    bytes: Vec<u8>,
}

impl Archive {
    /// The bytes to upload.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The digest of the bytes, as recorded in plans.
    pub fn digest(&self) -> ArchiveDigest {
        ArchiveDigest::of(&self.bytes)
    }

    /// Returns the bytes without a copy.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

impl PackTree {
    /// Creates the archive: all files below `package/`, sorted by path, with fixed times, owners
    /// and modes.
    ///
    /// # Errors
    /// A path that a tar archive cannot contain.
    pub fn archive(&self) -> io::Result<Archive> {
        let mut builder = Builder::new(Vec::new());
        for (path, entry) in self.entries() {
            let path = format!("{PREFIX}{path}");
            let PackEntry { bytes, executable } = entry;
            let mut header = header(if *executable { 0o755 } else { 0o644 });
            header.set_size(u64::try_from(bytes.len()).map_err(io::Error::other)?);
            builder.append_data(&mut header, path, &**bytes)?;
        }
        let tar = builder.into_inner()?;
        // Time, file name and operating system would differ between machines.
        let mut gzip = GzBuilder::new()
            .mtime(0)
            .operating_system(255)
            .write(Vec::new(), Compression::new(6));
        gzip.write_all(&tar)?;
        Ok(Archive {
            bytes: gzip.finish()?,
        })
    }
}

fn header(mode: u32) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Regular);
    header.set_mode(mode);
    header.set_mtime(TIME);
    header.set_uid(0);
    header.set_gid(0);
    header
}
