//! The state in SQLite: one transaction per request.

use crate::state::{self, DatabaseLayout, Tables};

/// The tables of this service.
pub(crate) struct Pulumi;

pub(crate) type PulumiStore = state::Store<Pulumi>;
pub(crate) type PulumiRecords<'a> = state::Records<'a, Pulumi>;

impl Tables for Pulumi {
    /// The application id is `PWpu`.
    const LAYOUT: DatabaseLayout = DatabaseLayout {
        service: "pulumi",
        application: 0x5057_7075,
        number: 1,
        tables: TABLES,
    };
}

/// `place` orders lists by creation and is never reused, so it can be a cursor. Versions are never
/// deleted, because their numbers and tags stay reserved.
const TABLES: &str = "
create table organizations (
    place integer primary key autoincrement,
    name text not null unique,
    policy_as_code integer not null,
    is_foreign integer not null
) strict;
create table stacks (
    place integer primary key autoincrement,
    organization text not null references organizations (name),
    project text not null,
    name text not null,
    resources integer not null,
    unique (organization, project, name)
) strict;
create table accounts (
    place integer primary key autoincrement,
    organization text not null references organizations (name),
    name text not null,
    resources integer not null,
    unique (organization, name)
) strict;
create table packs (
    place integer primary key autoincrement,
    id text not null unique,
    source text not null,
    publisher text not null references organizations (name),
    name text not null,
    is_public integer not null,
    is_added integer not null,
    unique (publisher, name)
) strict;
create table additions (
    organization text not null references organizations (name),
    pack integer not null references packs (place),
    primary key (organization, pack)
) strict;
create table versions (
    pack integer not null references packs (place),
    number integer not null,
    tag text not null,
    status text not null,
    content text not null,
    ticket text not null unique,
    digest text,
    archive blob,
    primary key (pack, number),
    unique (pack, tag)
) strict;
create table policy_groups (
    place integer primary key autoincrement,
    organization text not null references organizations (name),
    name text not null,
    body text not null,
    unique (organization, name)
) strict;
create table applied (
    place integer primary key autoincrement,
    policy_group integer not null references policy_groups (place) on delete cascade,
    pack integer not null,
    number integer not null,
    config text not null,
    environments text not null,
    unique (policy_group, pack),
    foreign key (pack, number) references versions (pack, number)
) strict;
";
