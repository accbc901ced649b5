//! The state in SQLite: one transaction per request.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, params};

use super::builtin;
use super::document::{
    DocumentOwner, StoredDocument, StoredDocumentKind, StoredDocumentVersion, digest,
};
use super::options::ChainloopOptions;
use super::seed::{
    BuiltinSeed, ChainloopOrganizationSeed, ChainloopSeed, DocumentSeed, VersionSeed,
};
use crate::error::EmulatorError;
use crate::state::{self, DatabaseLayout, SeedFailure, Tables, time};

/// The organization that is created if none is configured.
const DEFAULT_ORGANIZATION: &str = "my-org";

/// The tables of this service.
pub(super) struct Chainloop;

pub(super) type ChainloopStore = state::Store<Chainloop>;
pub(super) type ChainloopRecords<'a> = state::Records<'a, Chainloop>;

impl Tables for Chainloop {
    /// The application id is `PWch`.
    const LAYOUT: DatabaseLayout = DatabaseLayout {
        service: "chainloop",
        application: 0x5057_6368,
        number: 1,
        tables: TABLES,
    };
}

/// A document with an empty owner is built-in. Versions are deleted only with their document. The
/// last version is the latest.
const TABLES: &str = "
create table organizations (
    place integer primary key autoincrement,
    name text not null unique,
    is_foreign integer not null
) strict;
create table documents (
    place integer primary key autoincrement,
    kind text not null,
    owner text not null,
    name text not null,
    unique (kind, owner, name)
) strict;
create table versions (
    place integer primary key autoincrement,
    document integer not null references documents (place) on delete cascade,
    digest text not null,
    format text not null,
    body blob not null,
    created_at text not null
) strict;
";

const DOCUMENT: &str = "place, kind, owner, name";

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ChainloopOrganization {
    pub(super) name: String,
    /// Whether the caller is not a member.
    pub(super) is_foreign: bool,
}

impl ChainloopRecords<'_> {
    pub(super) fn organizations(&self) -> rusqlite::Result<Vec<ChainloopOrganization>> {
        let sql = "select name, is_foreign from organizations order by place";
        let organization = |row: &Row<'_>| {
            Ok(ChainloopOrganization {
                name: row.get(0)?,
                is_foreign: row.get(1)?,
            })
        };
        self.connection
            .prepare_cached(sql)?
            .query_map((), organization)?
            .collect()
    }

    /// Oldest first.
    pub(super) fn documents(
        &self,
        kind: StoredDocumentKind,
    ) -> rusqlite::Result<Vec<StoredDocument>> {
        let sql = format!("select {DOCUMENT} from documents where kind = ?1 order by place");
        self.connection
            .prepare_cached(&sql)?
            .query_map([kind.as_str()], |row| document(row, kind))?
            .collect()
    }

    pub(super) fn document(
        &self,
        kind: StoredDocumentKind,
        owner: &DocumentOwner,
        name: &str,
    ) -> rusqlite::Result<Option<StoredDocument>> {
        let sql = format!(
            "select {DOCUMENT} from documents where kind = ?1 and owner = ?2 and name = ?3"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        statement
            .query_row([kind.as_str(), owner_text(owner), name], |row| {
                document(row, kind)
            })
            .optional()
    }

    pub(super) fn add_document(
        &self,
        kind: StoredDocumentKind,
        owner: DocumentOwner,
        name: &str,
    ) -> rusqlite::Result<StoredDocument> {
        let sql = "insert into documents (kind, owner, name) values (?1, ?2, ?3)";
        self.connection
            .prepare_cached(sql)?
            .execute([kind.as_str(), owner_text(&owner), name])?;
        Ok(StoredDocument {
            place: self.connection.last_insert_rowid(),
            kind,
            owner,
            name: name.to_owned(),
        })
    }

    /// Deletes a document with its versions.
    pub(super) fn delete(&self, document: &StoredDocument) -> rusqlite::Result<()> {
        let mut statement = self
            .connection
            .prepare_cached("delete from documents where place = ?1")?;
        statement.execute([document.place]).map(drop)
    }

    /// Oldest first.
    pub(super) fn versions(
        &self,
        document: &StoredDocument,
    ) -> rusqlite::Result<Vec<StoredDocumentVersion>> {
        let sql = "select digest, format, body, created_at from versions where document = ?1 order by place";
        let version = |row: &Row<'_>| {
            Ok(StoredDocumentVersion {
                digest: row.get(0)?,
                format: row.get(1)?,
                body: row.get(2)?,
                created_at: time(row, 3)?,
            })
        };
        self.connection
            .prepare_cached(sql)?
            .query_map([document.place], version)?
            .collect()
    }

    /// Adds the latest version.
    pub(super) fn add_version(
        &self,
        document: &StoredDocument,
        version: &StoredDocumentVersion,
    ) -> rusqlite::Result<()> {
        let StoredDocumentVersion {
            digest,
            format,
            body,
            created_at,
        } = version;
        let sql = "insert into versions (document, digest, format, body, created_at) values (?1, ?2, ?3, ?4, ?5)";
        let mut statement = self.connection.prepare_cached(sql)?;
        statement
            .execute(params![
                document.place,
                digest,
                format,
                body,
                created_at.to_string()
            ])
            .map(drop)
    }

    fn add_organization(&self, name: &str, is_foreign: bool) -> rusqlite::Result<bool> {
        let sql =
            "insert into organizations (name, is_foreign) values (?1, ?2) on conflict do nothing";
        Ok(self
            .connection
            .prepare_cached(sql)?
            .execute(params![name, is_foreign])?
            == 1)
    }
}

/// The empty string is free for built-in documents: organization names are never empty.
fn owner_text(owner: &DocumentOwner) -> &str {
    match owner {
        DocumentOwner::Builtin => "",
        DocumentOwner::Organization(name) => name,
    }
}

fn document(row: &Row<'_>, kind: StoredDocumentKind) -> rusqlite::Result<StoredDocument> {
    let owner: String = row.get(2)?;
    let owner = if owner.is_empty() {
        DocumentOwner::Builtin
    } else {
        DocumentOwner::Organization(owner)
    };
    Ok(StoredDocument {
        place: row.get(0)?,
        kind,
        owner,
        name: row.get(3)?,
    })
}

/// Creates the built-in documents and the organizations of `options` that are missing in the state.
/// Documents are only stored with a new owner, because a restart must not restore deleted ones.
pub(super) fn bootstrap(
    store: &ChainloopStore,
    options: &ChainloopOptions,
) -> Result<(), EmulatorError> {
    store
        .write(|records| create(records, options))
        .map_err(|failure| failure.into_error(&options.state))
}

fn create(records: &ChainloopRecords<'_>, options: &ChainloopOptions) -> Result<(), SeedFailure> {
    let none = ChainloopSeed::default();
    let ChainloopSeed {
        organizations,
        builtin: BuiltinSeed { policies, groups },
    } = options.seed.as_ref().unwrap_or(&none);
    if records.organizations()?.is_empty() {
        for policy in builtin::policies().iter().chain(policies) {
            add(
                records,
                StoredDocumentKind::Policy,
                DocumentOwner::Builtin,
                policy,
            )?;
        }
        for group in builtin::groups().iter().chain(groups) {
            add(
                records,
                StoredDocumentKind::Group,
                DocumentOwner::Builtin,
                group,
            )?;
        }
    }
    for ChainloopOrganizationSeed {
        name,
        foreign,
        policies,
        groups,
    } in organizations.iter().chain(&options.organizations)
    {
        if name.is_empty() {
            return Err(SeedFailure::Seed {
                place: "organizations".to_owned(),
                why: "a name is empty".to_owned(),
            });
        }
        if !records.add_organization(name, *foreign)? {
            continue;
        }
        for policy in policies {
            add(
                records,
                StoredDocumentKind::Policy,
                DocumentOwner::Organization(name.clone()),
                policy,
            )?;
        }
        for group in groups {
            add(
                records,
                StoredDocumentKind::Group,
                DocumentOwner::Organization(name.clone()),
                group,
            )?;
        }
    }
    if records
        .organizations()?
        .iter()
        .all(|organization| organization.is_foreign)
    {
        records.add_organization(DEFAULT_ORGANIZATION, false)?;
    }
    Ok(())
}

fn add(
    records: &ChainloopRecords<'_>,
    kind: StoredDocumentKind,
    owner: DocumentOwner,
    seed: &DocumentSeed,
) -> Result<(), SeedFailure> {
    let DocumentSeed { name, versions } = seed;
    let wrong = |why: &str| SeedFailure::Seed {
        place: format!("{} {name}", kind.as_str()),
        why: why.to_owned(),
    };
    if versions.is_empty() {
        return Err(wrong("it has no version"));
    }
    let document = records.add_document(kind, owner, name)?;
    for VersionSeed {
        text,
        created_at,
        digest: said,
        format,
    } in versions
    {
        let created_at = match created_at {
            None => Timestamp::now(),
            Some(text) => text.parse().map_err(|_| {
                wrong("invalid `createdAt`: expected a time such as 2026-01-02T03:04:05Z")
            })?,
        };
        let version = StoredDocumentVersion {
            digest: said.clone().unwrap_or_else(|| digest(text.as_bytes())),
            format: format.clone().unwrap_or_else(|| "FORMAT_YAML".to_owned()),
            body: text.clone().into_bytes(),
            created_at,
        };
        records.add_version(&document, &version)?;
    }
    Ok(())
}
