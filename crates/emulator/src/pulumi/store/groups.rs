//! Queries of groups and their packs.

use rusqlite::{OptionalExtension, Row, params};

use super::packs::{columns, pack, version};
use super::tables::PulumiRecords;
use crate::pulumi::objects::{AppliedPack, StoredGroup, StoredPack};
use crate::state::{json, text};

impl PulumiRecords<'_> {
    /// Oldest first.
    pub(crate) fn groups(&self, organization: &str) -> rusqlite::Result<Vec<StoredGroup>> {
        let sql = "select place, organization, name, body from policy_groups where organization = ?1 order by place";
        self.connection
            .prepare_cached(sql)?
            .query_map([organization], group)?
            .collect()
    }

    pub(crate) fn group(
        &self,
        organization: &str,
        name: &str,
    ) -> rusqlite::Result<Option<StoredGroup>> {
        let sql = "select place, organization, name, body from policy_groups where organization = ?1 and name = ?2";
        self.connection
            .prepare_cached(sql)?
            .query_row([organization, name], group)
            .optional()
    }

    /// Adds a group at the end of the list and returns it with its `place`.
    pub(crate) fn add_group(&self, group: StoredGroup) -> rusqlite::Result<StoredGroup> {
        let StoredGroup {
            place: _,
            organization,
            name,
            body,
        } = &group;
        self.execute(
            "insert into policy_groups (organization, name, body) values (?1, ?2, ?3)",
            params![organization, name, text(body)?],
        )?;
        Ok(StoredGroup {
            place: self.connection.last_insert_rowid(),
            ..group
        })
    }

    /// Writes the fields of a group that can change.
    pub(crate) fn update_group(&self, group: &StoredGroup) -> rusqlite::Result<()> {
        let StoredGroup {
            place,
            organization: _,
            name,
            body,
        } = group;
        self.execute(
            "update policy_groups set name = ?2, body = ?3 where place = ?1",
            params![place, name, text(body)?],
        )
    }

    /// Deletes a group with its packs.
    pub(crate) fn delete_group(&self, group: &StoredGroup) -> rusqlite::Result<()> {
        self.execute(
            "delete from policy_groups where place = ?1",
            params![group.place],
        )
    }

    /// The packs of a group in the order of addition.
    pub(crate) fn applied(&self, group: &StoredGroup) -> rusqlite::Result<Vec<AppliedPack>> {
        let sql = format!(
            "select {}, applied.config, applied.environments from applied
             join packs on packs.place = applied.pack
             join versions on versions.pack = applied.pack and versions.number = applied.number
             where applied.policy_group = ?1 order by applied.place",
            columns()
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let applied = statement.query_map([group.place], |row| {
            Ok(AppliedPack {
                pack: pack(row, 0)?,
                version: version(row, 7)?,
                config: json(row, 13)?,
                environments: json(row, 14)?,
            })
        })?;
        applied.collect()
    }

    /// Adds a pack to a group, or replaces its version and configuration.
    pub(crate) fn apply(&self, group: &StoredGroup, applied: &AppliedPack) -> rusqlite::Result<()> {
        let AppliedPack {
            pack,
            version,
            config,
            environments,
        } = applied;
        self.execute(
            "insert into applied (policy_group, pack, number, config, environments) values (?1, ?2, ?3, ?4, ?5)
             on conflict (policy_group, pack)
             do update set number = excluded.number, config = excluded.config, environments = excluded.environments",
            params![group.place, pack.place, version.number, text(config)?, text(environments)?],
        )
    }

    pub(crate) fn unapply(&self, group: &StoredGroup, pack: &StoredPack) -> rusqlite::Result<()> {
        self.execute(
            "delete from applied where policy_group = ?1 and pack = ?2",
            params![group.place, pack.place],
        )
    }
}

fn group(row: &Row<'_>) -> rusqlite::Result<StoredGroup> {
    Ok(StoredGroup {
        place: row.get(0)?,
        organization: row.get(1)?,
        name: row.get(2)?,
        body: json(row, 3)?,
    })
}
