//! Queries of organizations, stacks and accounts.

use rusqlite::{OptionalExtension, Row, params};

use super::tables::PulumiRecords;
use crate::pulumi::objects::{PulumiOrganization, StackIdentity, StoredAccount, StoredStack};

impl PulumiRecords<'_> {
    pub(crate) fn organizations(&self) -> rusqlite::Result<Vec<PulumiOrganization>> {
        let sql = "select name, policy_as_code, is_foreign from organizations order by place";
        self.connection
            .prepare_cached(sql)?
            .query_map((), organization)?
            .collect()
    }

    pub(crate) fn organization(&self, name: &str) -> rusqlite::Result<Option<PulumiOrganization>> {
        let sql = "select name, policy_as_code, is_foreign from organizations where name = ?1";
        self.connection
            .prepare_cached(sql)?
            .query_row([name], organization)
            .optional()
    }

    pub(crate) fn add_organization(
        &self,
        organization: &PulumiOrganization,
    ) -> rusqlite::Result<()> {
        let PulumiOrganization {
            name,
            policy_as_code,
            is_foreign,
        } = organization;
        self.execute(
            "insert into organizations (name, policy_as_code, is_foreign) values (?1, ?2, ?3)",
            params![name, policy_as_code, is_foreign],
        )
    }

    /// Adds a stack, unless the organization already has it.
    pub(crate) fn add_stack(
        &self,
        organization: &str,
        stack: &StoredStack,
    ) -> rusqlite::Result<()> {
        let StoredStack {
            reference:
                StackIdentity {
                    name,
                    routing_project,
                },
            resources,
        } = stack;
        self.execute(
            "insert into stacks (organization, project, name, resources) values (?1, ?2, ?3, ?4)
             on conflict do nothing",
            params![organization, routing_project, name, resources],
        )
    }

    /// Oldest first.
    pub(crate) fn stacks(&self, organization: &str) -> rusqlite::Result<Vec<StoredStack>> {
        let sql =
            "select name, project, resources from stacks where organization = ?1 order by place";
        let mut statement = self.connection.prepare_cached(sql)?;
        let stacks = statement.query_map([organization], |row| {
            let reference = StackIdentity {
                name: row.get(0)?,
                routing_project: row.get(1)?,
            };
            Ok(StoredStack {
                reference,
                resources: row.get(2)?,
            })
        })?;
        stacks.collect()
    }

    /// Adds an account, unless the organization already has it.
    pub(crate) fn add_account(
        &self,
        organization: &str,
        account: &StoredAccount,
    ) -> rusqlite::Result<()> {
        let StoredAccount { name, resources } = account;
        self.execute(
            "insert into accounts (organization, name, resources) values (?1, ?2, ?3) on conflict do nothing",
            params![organization, name, resources],
        )
    }

    /// Oldest first.
    pub(crate) fn accounts(&self, organization: &str) -> rusqlite::Result<Vec<StoredAccount>> {
        let sql = "select name, resources from accounts where organization = ?1 order by place";
        let mut statement = self.connection.prepare_cached(sql)?;
        let accounts = statement.query_map([organization], |row| {
            Ok(StoredAccount {
                name: row.get(0)?,
                resources: row.get(1)?,
            })
        })?;
        accounts.collect()
    }
}

fn organization(row: &Row<'_>) -> rusqlite::Result<PulumiOrganization> {
    Ok(PulumiOrganization {
        name: row.get(0)?,
        policy_as_code: row.get(1)?,
        is_foreign: row.get(2)?,
    })
}
