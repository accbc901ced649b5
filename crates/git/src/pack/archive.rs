//! The archive of a source: the same source always gives the same bytes.

use std::io::{self, Write as _};

use flate2::{Compression, GzBuilder};
use tar::{Builder, EntryType, Header};

use super::{PackEntry, PackTree};
use model::digest::ArchiveDigest;

/// Where the service looks for everything.
const PREFIX: &str = "package/";
/// The time of every entry: a day in 1985, as archives of npm have it. Some programs warn of 1970.
const TIME: u64 = 499_162_500;

/// A gzipped tar archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    bytes: Vec<u8>,
}

impl Archive {
    /// The bytes that are uploaded.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The digest of the bytes.
    pub fn digest(&self) -> ArchiveDigest {
        ArchiveDigest::of(&self.bytes)
    }

    /// The bytes themselves.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

impl PackTree {
    /// The archive: everything below `package/`, sorted by path; times, owners and modes are fixed.
    ///
    /// # Errors
    /// A name that an archive cannot hold.
    pub fn archive(&self) -> io::Result<Archive> {
        let mut builder = Builder::new(Vec::new());
        for (path, entry) in self.entries() {
            let path = format!("{PREFIX}{path}");
            match entry {
                PackEntry::File { bytes, executable } => {
                    let mut header =
                        header(EntryType::Regular, if *executable { 0o755 } else { 0o644 });
                    header.set_size(u64::try_from(bytes.len()).map_err(io::Error::other)?);
                    builder.append_data(&mut header, path, &**bytes)?;
                }
                PackEntry::Link { target } => {
                    let mut header = header(EntryType::Symlink, 0o777);
                    header.set_size(0);
                    builder.append_link(&mut header, path, target)?;
                }
            }
        }
        let tar = builder.into_inner()?;
        // Neither a time nor a name nor a system: they would differ from machine to machine.
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

fn header(kind: EntryType, mode: u32) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_mtime(TIME);
    header.set_uid(0);
    header.set_gid(0);
    header
}
