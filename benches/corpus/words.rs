//! What the names of a corpus are made of.

pub(super) const TEAMS: &[&str] = &[
    "payments", "search", "platform", "security", "mobile", "data", "billing", "edge",
];

pub(super) const PURPOSES: &[&str] = &[
    "package registries",
    "source control",
    "container images",
    "internal services",
    "observability",
    "model endpoints",
    "build caches",
    "partner interfaces",
];

pub(super) const VERBS: &[&str] = &[
    "reach",
    "mirror",
    "publish to",
    "fetch from",
    "report to",
    "scan",
];

pub(super) const SERVICES: &[&str] = &[
    "registry",
    "mirror",
    "packages",
    "artifacts",
    "git",
    "cache",
    "metrics",
    "traces",
    "tickets",
    "models",
    "vault",
    "proxy",
    "docs",
    "queue",
    "search",
    "login",
];

pub(super) const PUBLIC_HOSTS: &[&str] = &[
    "github.com:443",
    "docker.io:443",
    "registry-1.docker.io:443",
    "ghcr.io:443",
    "quay.io:443",
    "mirror.example.com:80",
    "security.ubuntu.com:80",
    "gitlab.com:443",
];

pub(super) const FOLDERS: &[&str] = &[
    "projects", "work", "src", "data", "cache", "notes", "models", "exports",
];

pub(super) const API_PATHS: &[&str] = &[
    "/v1",
    "/v2/orders",
    "/repos",
    "/api/reports",
    "/graph",
    "/health",
    "/uploads",
];

pub(super) const METHODS: &[&str] = &["get", "head", "post", "put", "patch", "delete", "options"];

pub(super) const REASONS: &[&str] = &[
    "agreed with the team's architects",
    "needed by the nightly build",
    "until the old cluster is gone",
    "reviewed every quarter: see the runbook",
    "asked for by compliance # and confirmed",
];
