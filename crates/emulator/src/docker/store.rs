//! The state in SQLite: one transaction per request.

use rusqlite::{OptionalExtension, Row, params};
use serde_json::{Map, Value};

use super::objects::{StoredPolicy, StoredRule, StoredTeam};
use crate::state::{self, DatabaseLayout, Tables, json, text, time};

/// The tables of this service.
pub(super) struct Docker;

pub(super) type DockerStore = state::Store<Docker>;
pub(super) type DockerRecords<'a> = state::Records<'a, Docker>;

impl Tables for Docker {
    /// The first files of this service had no application id, so it stays 0.
    const LAYOUT: DatabaseLayout = DatabaseLayout {
        service: "docker",
        application: 0,
        number: 1,
        tables: TABLES,
    };
}

/// `place` orders lists by creation and is never reused, so it can be a cursor.
const TABLES: &str = "
create table organizations (name text primary key) strict;
create table teams (
    id integer primary key autoincrement,
    organization text not null references organizations (name),
    uuid text not null,
    name text not null,
    unique (organization, uuid)
) strict;
create table policies (
    place integer primary key autoincrement,
    id text not null unique,
    organization text not null references organizations (name),
    name text not null,
    kind text not null,
    scope text not null,
    body text not null,
    created_at text not null,
    updated_at text not null,
    unique (organization, name)
) strict;
create index policies_in_order on policies (organization, place);
create table rules (
    place integer primary key autoincrement,
    policy text not null references policies (id) on delete cascade,
    id text not null unique,
    name text not null,
    body text not null
) strict;
create index rules_in_order on rules (policy, place);
";

const POLICY_COLUMNS: &str =
    "place, id, organization, name, kind, scope, body, created_at, updated_at";

impl DockerRecords<'_> {
    pub(super) fn has_organizations(&self) -> rusqlite::Result<bool> {
        self.exists("select 1 from organizations", &[])
    }

    pub(super) fn has_organization(&self, name: &str) -> rusqlite::Result<bool> {
        self.exists("select 1 from organizations where name = ?1", &[name])
    }

    pub(super) fn add_organization(&self, name: &str) -> rusqlite::Result<()> {
        self.execute(
            "insert into organizations (name) values (?1)",
            params![name],
        )
    }

    /// Adds a team, unless the organization already has one with this uuid.
    pub(super) fn add_team(
        &self,
        organization: &str,
        uuid: &str,
        name: &str,
    ) -> rusqlite::Result<()> {
        self.execute(
            "insert into teams (organization, uuid, name) values (?1, ?2, ?3) on conflict do nothing",
            params![organization, uuid, name],
        )
    }

    pub(super) fn has_team(&self, organization: &str, uuid: &str) -> rusqlite::Result<bool> {
        self.exists(
            "select 1 from teams where organization = ?1 and uuid = ?2",
            &[organization, uuid],
        )
    }

    /// Oldest first.
    pub(super) fn teams(&self, organization: &str) -> rusqlite::Result<Vec<StoredTeam>> {
        let mut statement = self.connection.prepare_cached(
            "select id, uuid, name from teams where organization = ?1 order by id",
        )?;
        let teams = statement.query_map([organization], |row| {
            let id = row.get(0)?;
            let uuid = row.get(1)?;
            let name = row.get(2)?;
            Ok(StoredTeam {
                id,
                uuid,
                name,
                description: String::new(),
                member_count: 1,
            })
        })?;
        teams.collect()
    }

    pub(super) fn policy_count(&self, organization: &str) -> rusqlite::Result<usize> {
        let count: i64 = self
            .connection
            .prepare_cached("select count(*) from policies where organization = ?1")?
            .query_row([organization], |row| row.get(0))?;
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }

    /// Up to `count` policies after the position `after`, oldest first.
    pub(super) fn policies(
        &self,
        organization: &str,
        after: i64,
        count: usize,
    ) -> rusqlite::Result<Vec<StoredPolicy>> {
        let sql = format!(
            "select {POLICY_COLUMNS} from policies where organization = ?1 and place > ?2 order by place limit ?3"
        );
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let mut statement = self.connection.prepare_cached(&sql)?;
        statement
            .query_map(params![organization, after, count], policy)?
            .collect()
    }

    pub(super) fn policy(
        &self,
        organization: &str,
        id: &str,
    ) -> rusqlite::Result<Option<StoredPolicy>> {
        let sql =
            format!("select {POLICY_COLUMNS} from policies where organization = ?1 and id = ?2");
        self.connection
            .prepare_cached(&sql)?
            .query_row([organization, id], policy)
            .optional()
    }

    /// Whether a policy other than `except` has this name.
    pub(super) fn policy_name_taken(
        &self,
        organization: &str,
        name: &str,
        except: Option<&str>,
    ) -> rusqlite::Result<bool> {
        let sql = "select 1 from policies where organization = ?1 and name = ?2 and id <> ?3";
        self.exists(sql, &[organization, name, except.unwrap_or_default()])
    }

    /// Adds a policy at the end of the list; `place` is ignored.
    pub(super) fn add_policy(&self, policy: &StoredPolicy) -> rusqlite::Result<()> {
        let StoredPolicy {
            place: _,
            id,
            organization,
            name,
            kind,
            scope,
            body,
            created_at,
            updated_at,
        } = policy;
        self.execute(
            "insert into policies (id, organization, name, kind, scope, body, created_at, updated_at)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                id,
                organization,
                name,
                kind,
                text(scope)?,
                text(body)?,
                created_at.to_string(),
                updated_at.to_string()
            ],
        )
    }

    /// Writes the fields of a policy that can change.
    pub(super) fn update_policy(&self, policy: &StoredPolicy) -> rusqlite::Result<()> {
        let StoredPolicy {
            place: _,
            id,
            organization: _,
            name,
            kind: _,
            scope,
            body,
            created_at: _,
            updated_at,
        } = policy;
        self.execute(
            "update policies set name = ?2, scope = ?3, body = ?4, updated_at = ?5 where id = ?1",
            params![id, name, text(scope)?, text(body)?, updated_at.to_string()],
        )
    }

    /// Deletes a policy with its rules.
    pub(super) fn delete_policy(&self, id: &str) -> rusqlite::Result<()> {
        self.execute("delete from policies where id = ?1", params![id])
    }

    /// Oldest first.
    pub(super) fn rules(&self, policy: &str) -> rusqlite::Result<Vec<StoredRule>> {
        let mut statement = self
            .connection
            .prepare_cached("select body from rules where policy = ?1 order by place")?;
        statement.query_map([policy], |row| json(row, 0))?.collect()
    }

    pub(super) fn add_rule(&self, policy: &str, rule: &StoredRule) -> rusqlite::Result<()> {
        self.execute(
            "insert into rules (policy, id, name, body) values (?1, ?2, ?3, ?4)",
            params![policy, rule.id, rule.name, text(rule)?],
        )
    }

    pub(super) fn update_rule(&self, rule: &StoredRule) -> rusqlite::Result<()> {
        self.execute(
            "update rules set name = ?2, body = ?3 where id = ?1",
            params![rule.id, rule.name, text(rule)?],
        )
    }

    pub(super) fn delete_rule(&self, id: &str) -> rusqlite::Result<()> {
        self.execute("delete from rules where id = ?1", params![id])
    }
}

fn policy(row: &Row<'_>) -> rusqlite::Result<StoredPolicy> {
    Ok(StoredPolicy {
        place: row.get(0)?,
        id: row.get(1)?,
        organization: row.get(2)?,
        name: row.get(3)?,
        kind: row.get(4)?,
        scope: json::<Map<String, Value>>(row, 5)?,
        body: json(row, 6)?,
        created_at: time(row, 7)?,
        updated_at: time(row, 8)?,
    })
}
