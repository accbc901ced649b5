//! Queries of organizations, stacks and accounts.

use rusqlite::{OptionalExtension, Row, params};

use super::tables::Records;
use crate::pulumi::objects::{Account, Organization, Stack, StackReference};

impl Records<'_> {
    pub(crate) fn organizations(&self) -> rusqlite::Result<Vec<Organization>> {
        let sql = "select name, policy_as_code, is_foreign from organizations order by place";
        self.connection
            .prepare_cached(sql)?
            .query_map((), organization)?
            .collect()
    }

    pub(crate) fn organization(&self, name: &str) -> rusqlite::Result<Option<Organization>> {
        let sql = "select name, policy_as_code, is_foreign from organizations where name = ?1";
        self.connection
            .prepare_cached(sql)?
            .query_row([name], organization)
            .optional()
    }

    pub(crate) fn add_organization(&self, organization: &Organization) -> rusqlite::Result<()> {
        let Organization {
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
    pub(crate) fn add_stack(&self, organization: &str, stack: &Stack) -> rusqlite::Result<()> {
        let Stack {
            reference:
                StackReference {
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
    pub(crate) fn stacks(&self, organization: &str) -> rusqlite::Result<Vec<Stack>> {
        let sql =
            "select name, project, resources from stacks where organization = ?1 order by place";
        let mut statement = self.connection.prepare_cached(sql)?;
        let stacks = statement.query_map([organization], |row| {
            let reference = StackReference {
                name: row.get(0)?,
                routing_project: row.get(1)?,
            };
            Ok(Stack {
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
        account: &Account,
    ) -> rusqlite::Result<()> {
        let Account { name, resources } = account;
        self.execute(
            "insert into accounts (organization, name, resources) values (?1, ?2, ?3) on conflict do nothing",
            params![organization, name, resources],
        )
    }

    /// Oldest first.
    pub(crate) fn accounts(&self, organization: &str) -> rusqlite::Result<Vec<Account>> {
        let sql = "select name, resources from accounts where organization = ?1 order by place";
        let mut statement = self.connection.prepare_cached(sql)?;
        let accounts = statement.query_map([organization], |row| {
            Ok(Account {
                name: row.get(0)?,
                resources: row.get(1)?,
            })
        })?;
        accounts.collect()
    }
}

fn organization(row: &Row<'_>) -> rusqlite::Result<Organization> {
    Ok(Organization {
        name: row.get(0)?,
        policy_as_code: row.get(1)?,
        is_foreign: row.get(2)?,
    })
}
