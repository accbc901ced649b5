//! The codes of all diagnostics. A code never changes its meaning and is never reused.

use std::fmt;

/// The severity of a diagnostic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// A fact that needs no correction. `--strict` ignores it.
    Note,
    /// A probable mistake, which does not prevent a plan.
    Warning,
    /// An error, which prevents a plan.
    Error,
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $text:literal, $severity:ident;)+) => {
        /// The code of a diagnostic, displayed in kebab case, for example `duplicate-key`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code { $($(#[doc = $doc])+ $variant,)+ }

        impl Code {
            /// All codes, in the order of their definition.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The text for users.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The severity of diagnostics with this code.
            pub fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)+ }
            }

            /// The meaning of the code, in one or two sentences.
            pub fn description(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+).trim_ascii_start(),)+ }
            }
        }
    };
}

codes! {
    // Files
    /// A file or folder cannot be read.
    FileUnreadable = "file-unreadable", Error;
    /// A file is not UTF-8 text.
    FileNotUtf8 = "file-not-utf8", Error;
    /// A folder links back to one of its parents.
    DirectoryLoop = "directory-loop", Error;
    /// A symbolic link leads out of the repository.
    SymlinkOutside = "symlink-outside", Error;
    /// A file is larger than is accepted.
    FileTooLarge = "file-too-large", Error;
    /// A path of a target or a file contains no manifests.
    NoManifests = "no-manifests", Error;
    // Syntax
    /// The text is not YAML (or JSON).
    YamlSyntax = "yaml-syntax", Error;
    /// A mapping holds the same key twice.
    DuplicateKey = "duplicate-key", Error;
    /// The text nests deeper, or grows more by aliases, than is accepted.
    YamlLimit = "yaml-limit", Error;
    /// YAML that has no JSON equivalent: tags, keys that are not strings, merge keys, infinite numbers.
    YamlUnsupported = "yaml-unsupported", Error;
    // Schema
    /// `apiVersion` and `kind` name no known manifest.
    UnknownKind = "unknown-kind", Error;
    /// A field that the schema does not know.
    UnknownField = "unknown-field", Error;
    /// A field that must be there is missing.
    MissingField = "missing-field", Error;
    /// A value of the wrong type.
    WrongType = "wrong-type", Error;
    /// A value that the schema does not accept.
    InvalidValue = "invalid-value", Error;
    /// A list or mapping that must not be empty is.
    EmptyList = "empty-list", Error;
    // Meaning
    /// Fields of which exactly one must be there: both are, or none.
    ExactlyOne = "exactly-one", Error;
    /// Two policies of one target have the same name.
    PolicyNameTaken = "policy-name-taken", Error;
    /// Two rules of one policy have the same name.
    RuleNameTaken = "rule-name-taken", Error;
    /// An alias names something that still exists, or that another manifest claims too.
    AliasTaken = "alias-taken", Error;
    /// A policy holds network and filesystem rules; the service keeps one domain a policy.
    MixedDomains = "mixed-domains", Error;
    /// A rule mixes network, HTTP and filesystem actions.
    MixedActions = "mixed-actions", Error;
    /// A rule's resources do not fit its actions.
    ResourceKind = "resource-kind", Error;
    /// The same value stands twice in a list.
    DuplicateValue = "duplicate-value", Warning;
    /// A host that is not one.
    HostMalformed = "host-malformed", Error;
    /// A wildcard in a place where the service does not read it as one.
    WildcardMisplaced = "wildcard-misplaced", Error;
    /// A `*` inside a label: presets hold it, the contract does not document it.
    WildcardUndocumented = "wildcard-undocumented", Warning;
    /// Capital letters in a host: the service does not document how it compares them; lower case is right either way.
    HostUppercase = "host-uppercase", Warning;
    /// A port outside 1 to 65535, or not a number.
    PortInvalid = "port-invalid", Error;
    /// A CIDR that is not one, or that has host bits set.
    CidrInvalid = "cidr-invalid", Error;
    /// A file path that no sandbox path can match.
    PathInvalid = "path-invalid", Error;
    /// An environment variable in a path: it is not expanded and matches nothing.
    PathVariable = "path-variable", Error;
    /// An HTTP path that is not canonical, so that it matches no request.
    HttpPathInvalid = "http-path-invalid", Error;
    /// A team that is neither an alias of the target, nor a uuid, nor known at the server.
    UnknownTeam = "unknown-team", Error;
    /// A team name that only the server can confirm.
    TeamUnverified = "team-unverified", Warning;
    /// A list name that no ResourceList has.
    UnknownList = "unknown-list", Error;
    /// Two ResourceLists of one target have the same name.
    ListNameTaken = "list-name-taken", Error;
    /// A text contains a character that is invisible or changes how its neighbors are displayed.
    InvisibleCharacter = "invisible-character", Error;
    /// A word mixes letters of several scripts, or consists of letters that look like others.
    MixedScripts = "mixed-scripts", Warning;
    /// Two names of one target are displayed alike, although they are different.
    ConfusableName = "confusable-name", Warning;
    /// A ResourceList that no rule pulls in.
    ListUnused = "list-unused", Warning;
    /// A limit of the service is exceeded.
    LimitExceeded = "limit-exceeded", Error;
    /// A field or kind of rule that the target's profile of the service does not have.
    ProfileLacks = "profile-lacks", Error;
    /// An entry of `extensions` with the name of a field that this version knows.
    ExtensionKnown = "extension-known", Error;
    /// Cedar text that does not parse, holds no statement, a template, or an `@id`.
    CedarInvalid = "cedar-invalid", Error;
    /// An action, entity type, attribute or annotation in Cedar text that Docker's MCP schema does not contain.
    CedarUnknownName = "cedar-unknown-name", Warning;
    /// A Cedar statement, or a clause or annotation of it, that never takes effect.
    CedarWithoutEffect = "cedar-without-effect", Warning;
    /// A wildcard covers exactly one label more, or only deeper names; a name between them is not covered.
    WildcardGap = "wildcard-gap", Warning;
    /// A writable mount needs read and write both allowed.
    WriteWithoutRead = "write-without-read", Warning;
    /// `connect:udp` is rarely meant; most allow lists need only TCP.
    UdpAllowed = "udp-allowed", Warning;
    // Lints from meaning
    /// An allow rule that never allows anything, since denies cover all that it matches.
    RuleNeverMatches = "rule-never-matches", Warning;
    /// A resource that a rule allows and a wider deny takes away: a deny has no exceptions.
    ExceptionDenied = "exception-denied", Warning;
    /// A rule that another rule with the same decision wholly covers.
    RuleCovered = "rule-covered", Warning;
    /// Two rules of one policy that could be one.
    RulesMergeable = "rules-mergeable", Warning;
    /// A deny of the names below a name that is itself allowed: wildcards do not cover it.
    ApexOpen = "apex-open", Warning;
    /// A deny that names only some of `localhost`, `127.0.0.1`, `[::1]` and `host.docker.internal`.
    LoopbackIncomplete = "loopback-incomplete", Warning;
    /// A rule that allows every host, every address or every path of a kind.
    AllowsEverything = "allows-everything", Warning;
    /// The wildcards of a target's rules cross each other in too many ways to say which of them ever decide.
    RulesEntangled = "rules-entangled", Warning;
    /// A range of addresses inside another of the same decision.
    CidrOverlap = "cidr-overlap", Warning;
    // Access gates
    /// The manifests allow what a gate of `polwarden.yaml` says that nobody may ever be allowed.
    AccessNever = "access-never", Error;
    /// The manifests alone do not allow what a gate of `polwarden.yaml` says that everybody must always be allowed.
    AccessAlways = "access-always", Warning;
    // Policy tests
    /// A request of a policy test that cannot be understood.
    RequestInvalid = "request-invalid", Error;
    /// A placeholder that no matrix fills, or braces that are none.
    PlaceholderInvalid = "placeholder-invalid", Error;
    /// A key of a matrix that no request of its case uses.
    MatrixUnused = "matrix-unused", Warning;
    /// Two policy tests of one target have the same name.
    TestNameTaken = "test-name-taken", Error;
    /// Two cases of one policy test have the same name.
    CaseNameTaken = "case-name-taken", Error;
    /// A case wants one request both allowed and denied.
    TestContradiction = "test-contradiction", Error;
    /// A policy test asks more requests than are run.
    TestTooLarge = "test-too-large", Error;
    /// A policy test names a target that is not there, or that does not load its file.
    UnknownTarget = "unknown-target", Error;
    // Policy packs and policy groups
    /// A manifest of one service in a target of another.
    KindMisplaced = "kind-misplaced", Error;
    /// A name or tag that Pulumi Cloud does not take: other characters, too long, or a reserved word.
    PulumiNameInvalid = "pulumi-name-invalid", Error;
    /// Two packs of one target have the same name.
    PackNameTaken = "pack-name-taken", Error;
    /// Two groups of one target have the same name.
    GroupNameTaken = "group-name-taken", Error;
    /// Two policies of one pack have the same name.
    PackPolicyTaken = "pack-policy-taken", Error;
    /// A group names a pack twice.
    GroupPackTaken = "group-pack-taken", Error;
    /// A configuration schema that is no JSON Schema, or that requires what it does not declare.
    ConfigSchemaInvalid = "config-schema-invalid", Error;
    /// A source that is not there, leaves the repository, is too large, or has no usable PulumiPolicy.yaml or no entry point.
    PackSourceInvalid = "pack-source-invalid", Error;
    /// A pack's manifest says another runtime than its PulumiPolicy.yaml.
    PackRuntimeDiffers = "pack-runtime-differs", Error;
    /// The source of a version is not what the lock file says: a tag never gets another content.
    TagReused = "tag-reused", Error;
    /// A group wants a version of a pack that is neither published nor published by the plan.
    UnknownVersion = "unknown-version", Error;
    /// `polwarden-metadata.json` is missing, invalid, or written for another source.
    PackMetadataInvalid = "pack-metadata-invalid", Error;
    /// A manifest has other policies, enforcement levels or configuration schemas than its pack.
    PackPolicyDiffers = "pack-policy-differs", Error;
    /// The source of a Node.js pack without a `package.json`, so its entry point is not checked.
    PackPackageMissing = "pack-package-missing", Warning;
    /// The lock file does not say what the source of a version is.
    PackUnlocked = "pack-unlocked", Warning;
    /// A group names a pack that no manifest of its target declares.
    UnknownPack = "unknown-pack", Warning;
    /// A group configures a policy that its pack does not have.
    UnknownPackPolicy = "unknown-pack-policy", Error;
    /// A configuration that the policy's configSchema does not accept.
    ConfigInvalid = "config-invalid", Error;
    /// A configured property that the policy's configSchema does not declare.
    ConfigUnknown = "config-unknown", Warning;
    // Documents of Chainloop
    /// A name of a policy, a policy group or an input that Chainloop does not take.
    ChainloopNameInvalid = "chainloop-name-invalid", Error;
    /// A document names another organization than its target.
    OrganizationDiffers = "organization-differs", Error;
    /// Two inputs of one document have the same name.
    InputNameTaken = "input-name-taken", Error;
    /// An input that must be given has a default, which the engine refuses.
    InputDefaultUnused = "input-default-unused", Error;
    /// A type of material that no policy can be for.
    MaterialTypeRefused = "material-type-refused", Error;
    /// A type of material that this version does not know: a new one, or a misspelled one.
    MaterialTypeUnknown = "material-type-unknown", Warning;
    /// A material of a policy group that has a name and no type.
    GroupMaterialUntyped = "group-material-untyped", Error;
    /// Phases of attestations that nothing looks at, or that never come.
    PhasesWithoutEffect = "phases-without-effect", Warning;
    /// A reference that leads to no policy and no script.
    ReferenceInvalid = "reference-invalid", Error;
    /// A reference to a file of the repository: the service does not see it, so that the document cannot be applied.
    LocalReference = "local-reference", Warning;
    /// An argument that the attached policy does not take.
    ArgumentUnknown = "argument-unknown", Error;
    /// An argument that the attached policy must be given is missing.
    ArgumentMissing = "argument-missing", Error;
    /// An argument that the attached policy's inputs do not accept.
    ArgumentInvalid = "argument-invalid", Error;
    // Configuration
    /// Two targets have the same name.
    TargetNameTaken = "target-name-taken", Error;
    /// A path in `polwarden.yaml` leaves the repository, or does not exist.
    TargetPathInvalid = "target-path-invalid", Error;
    /// Two targets would manage the same organization.
    TargetOverlap = "target-overlap", Error;
    /// A manifest declares a policy that `removed` lists.
    RemovedDeclared = "removed-declared", Error;
    /// A file that contains a manifest and is not read because of its name.
    ManifestSkipped = "manifest-skipped", Warning;
    /// A manifest in a folder that no target reads.
    ManifestOutsidePaths = "manifest-outside-paths", Note;
    /// A second `polwarden.yaml` below a path of a target, which is not read.
    ConfigNested = "config-nested", Warning;
    /// A Chainloop document of a kind that polwarden does not manage, such as `Contract`.
    DocumentSkipped = "document-skipped", Note;
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
