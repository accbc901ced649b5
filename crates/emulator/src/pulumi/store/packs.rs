//! Queries of packs and their versions.

use rusqlite::{OptionalExtension, Row, params};

use super::tables::PulumiRecords;
use crate::pulumi::objects::{StoredPack, StoredPackVersion, VersionStatus};
use crate::state::{json, text};

const PACK: &str = "packs.place, packs.id, packs.source, packs.publisher, packs.name, packs.is_public, packs.is_added";
const VERSION: &str = "versions.number, versions.tag, versions.status, versions.content, versions.ticket, versions.digest";

impl PulumiRecords<'_> {
    /// Oldest first.
    pub(crate) fn packs(&self) -> rusqlite::Result<Vec<StoredPack>> {
        let sql = format!("select {PACK} from packs order by place");
        self.connection
            .prepare_cached(&sql)?
            .query_map((), |row| pack(row, 0))?
            .collect()
    }

    pub(crate) fn pack(&self, publisher: &str, name: &str) -> rusqlite::Result<Option<StoredPack>> {
        let sql = format!("select {PACK} from packs where publisher = ?1 and name = ?2");
        self.connection
            .prepare_cached(&sql)?
            .query_row([publisher, name], |row| pack(row, 0))
            .optional()
    }

    /// Packs of other publishers that are added to an organization, oldest first.
    pub(crate) fn additions(&self, organization: &str) -> rusqlite::Result<Vec<StoredPack>> {
        let sql = format!(
            "select {PACK} from packs join additions on additions.pack = packs.place
             where additions.organization = ?1 order by packs.place"
        );
        self.connection
            .prepare_cached(&sql)?
            .query_map([organization], |row| pack(row, 0))?
            .collect()
    }

    pub(crate) fn add_addition(
        &self,
        organization: &str,
        pack: &StoredPack,
    ) -> rusqlite::Result<()> {
        self.execute(
            "insert into additions (organization, pack) values (?1, ?2) on conflict do nothing",
            params![organization, pack.place],
        )
    }

    /// Adds a pack and returns it with its `place`.
    pub(crate) fn add_pack(&self, pack: StoredPack) -> rusqlite::Result<StoredPack> {
        let StoredPack {
            place: _,
            id,
            source,
            publisher,
            name,
            is_public,
            is_added,
        } = &pack;
        self.execute(
            "insert into packs (id, source, publisher, name, is_public, is_added) values (?1, ?2, ?3, ?4, ?5, ?6)",
            params![id, source, publisher, name, is_public, is_added],
        )?;
        Ok(StoredPack {
            place: self.connection.last_insert_rowid(),
            ..pack
        })
    }

    /// The versions of a pack, oldest first, including deleted ones.
    pub(crate) fn versions(&self, pack: &StoredPack) -> rusqlite::Result<Vec<StoredPackVersion>> {
        let sql = format!("select {VERSION} from versions where pack = ?1 order by number");
        self.connection
            .prepare_cached(&sql)?
            .query_map([pack.place], |row| version(row, 0))?
            .collect()
    }

    pub(crate) fn add_version(
        &self,
        pack: &StoredPack,
        version: &StoredPackVersion,
    ) -> rusqlite::Result<()> {
        let StoredPackVersion {
            number,
            tag,
            status,
            content,
            ticket,
            digest,
        } = version;
        self.execute(
            "insert into versions (pack, number, tag, status, content, ticket, digest)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                pack.place,
                number,
                tag,
                text(status)?,
                text(content)?,
                ticket,
                digest
            ],
        )
    }

    /// Writes the status of a version. Deleting a version deletes its archive.
    pub(crate) fn set_status(
        &self,
        pack: &StoredPack,
        version: &StoredPackVersion,
        status: VersionStatus,
    ) -> rusqlite::Result<()> {
        self.execute(
            "update versions set status = ?3 where pack = ?1 and number = ?2",
            params![pack.place, version.number, text(&status)?],
        )?;
        match status {
            VersionStatus::Incomplete | VersionStatus::Complete => Ok(()),
            VersionStatus::Deleted => self.execute(
                "update versions set archive = null, digest = null where pack = ?1 and number = ?2",
                params![pack.place, version.number],
            ),
        }
    }

    /// The pack and the version of a ticket.
    pub(crate) fn by_ticket(
        &self,
        ticket: &str,
    ) -> rusqlite::Result<Option<(StoredPack, StoredPackVersion)>> {
        let sql = format!(
            "select {PACK}, {VERSION} from versions join packs on packs.place = versions.pack where ticket = ?1"
        );
        let both = |row: &Row<'_>| Ok((pack(row, 0)?, version(row, 7)?));
        self.connection
            .prepare_cached(&sql)?
            .query_row([ticket], both)
            .optional()
    }

    /// Stores an archive and replaces the previous one.
    pub(crate) fn set_archive(
        &self,
        ticket: &str,
        digest: &str,
        bytes: &[u8],
    ) -> rusqlite::Result<()> {
        self.execute(
            "update versions set digest = ?2, archive = ?3 where ticket = ?1",
            params![ticket, digest, bytes],
        )
    }

    pub(crate) fn archive(&self, ticket: &str) -> rusqlite::Result<Option<Vec<u8>>> {
        let mut statement = self
            .connection
            .prepare_cached("select archive from versions where ticket = ?1")?;
        Ok(statement
            .query_row([ticket], |row| row.get::<_, Option<Vec<u8>>>(0))
            .optional()?
            .flatten())
    }

    /// Whether a group of any organization enables the version.
    pub(crate) fn is_applied(
        &self,
        pack: &StoredPack,
        version: &StoredPackVersion,
    ) -> rusqlite::Result<bool> {
        let sql = "select 1 from applied where pack = ?1 and number = ?2";
        self.connection
            .prepare_cached(sql)?
            .exists(params![pack.place, version.number])
    }
}

/// Reads a pack from the columns starting at `first`.
pub(super) fn pack(row: &Row<'_>, first: usize) -> rusqlite::Result<StoredPack> {
    Ok(StoredPack {
        place: row.get(first)?,
        id: row.get(first + 1)?,
        source: row.get(first + 2)?,
        publisher: row.get(first + 3)?,
        name: row.get(first + 4)?,
        is_public: row.get(first + 5)?,
        is_added: row.get(first + 6)?,
    })
}

/// Reads a version from the columns starting at `first`.
pub(super) fn version(row: &Row<'_>, first: usize) -> rusqlite::Result<StoredPackVersion> {
    Ok(StoredPackVersion {
        number: row.get(first)?,
        tag: row.get(first + 1)?,
        status: json(row, first + 2)?,
        content: json(row, first + 3)?,
        ticket: row.get(first + 4)?,
        digest: row.get(first + 5)?,
    })
}

/// The columns of a pack and a version, in the order in which `pack` and `version` read them.
pub(super) fn columns() -> String {
    format!("{PACK}, {VERSION}")
}
