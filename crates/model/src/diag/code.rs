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
    /// A symbolic link points outside of the repository.
    SymlinkOutside = "symlink-outside", Error;
    /// A file exceeds the size limit.
    FileTooLarge = "file-too-large", Error;
    /// A path of a target or a file contains no manifests.
    NoManifests = "no-manifests", Error;
    // Syntax
    /// The text is not YAML (or JSON).
    YamlSyntax = "yaml-syntax", Error;
    /// Duplicate key in a mapping.
    DuplicateKey = "duplicate-key", Error;
    /// The text exceeds the limits for nesting or for expansion by aliases.
    YamlLimit = "yaml-limit", Error;
    /// YAML that has no JSON equivalent: tags, keys that are not strings, merge keys, infinite numbers.
    YamlUnsupported = "yaml-unsupported", Error;
    // Schema
    /// Unknown combination of `apiVersion` and `kind`.
    UnknownKind = "unknown-kind", Error;
    /// Unknown field.
    UnknownField = "unknown-field", Error;
    /// Missing required field.
    MissingField = "missing-field", Error;
    /// A value of the wrong type.
    WrongType = "wrong-type", Error;
    /// Invalid value.
    InvalidValue = "invalid-value", Error;
    /// Empty list or mapping where at least one entry is required.
    EmptyList = "empty-list", Error;
    // Meaning
    /// Exactly one of several fields must be present, but several or none are.
    ExactlyOne = "exactly-one", Error;
    /// Two policies of one target have the same name.
    PolicyNameTaken = "policy-name-taken", Error;
    /// Two rules of one policy have the same name.
    RuleNameTaken = "rule-name-taken", Error;
    /// An alias is the name of an existing object, or is used by another manifest too.
    AliasTaken = "alias-taken", Error;
    /// A policy contains both network and filesystem rules. The service supports one domain per policy.
    MixedDomains = "mixed-domains", Error;
    /// A rule mixes network, HTTP and filesystem actions.
    MixedActions = "mixed-actions", Error;
    /// The resources of a rule do not match its actions.
    ResourceKind = "resource-kind", Error;
    /// Duplicate value in a list.
    DuplicateValue = "duplicate-value", Warning;
    /// Invalid host.
    HostMalformed = "host-malformed", Error;
    /// A wildcard in a place where the service does not support one.
    WildcardMisplaced = "wildcard-misplaced", Error;
    /// A `*` inside a label. Presets use it, but the contract does not document it.
    WildcardUndocumented = "wildcard-undocumented", Warning;
    /// Uppercase letters in a host. The service does not document how it compares them; lowercase always works.
    HostUppercase = "host-uppercase", Warning;
    /// A port outside 1 to 65535, or not a number.
    PortInvalid = "port-invalid", Error;
    /// An invalid CIDR, or a CIDR with host bits set.
    CidrInvalid = "cidr-invalid", Error;
    /// A file path that cannot match any sandbox path.
    PathInvalid = "path-invalid", Error;
    /// An environment variable in a path: it is not expanded and matches nothing.
    PathVariable = "path-variable", Error;
    /// An HTTP path that is not canonical and therefore matches no request.
    HttpPathInvalid = "http-path-invalid", Error;
    /// A team that is neither an alias of the target, nor a uuid, nor the name of a team on the server.
    UnknownTeam = "unknown-team", Error;
    /// A team name that only the server can verify.
    TeamUnverified = "team-unverified", Warning;
    /// Unknown ResourceList.
    UnknownList = "unknown-list", Error;
    /// Two ResourceLists of one target have the same name.
    ListNameTaken = "list-name-taken", Error;
    /// A text contains a character that is invisible or changes how its neighbors are displayed.
    InvisibleCharacter = "invisible-character", Error;
    /// A word mixes letters of several scripts, or consists of letters that look like others.
    MixedScripts = "mixed-scripts", Warning;
    /// Two names of one target are displayed the same, although they are different.
    ConfusableName = "confusable-name", Warning;
    /// A ResourceList that no rule uses.
    ListUnused = "list-unused", Warning;
    /// A limit of the service is exceeded.
    LimitExceeded = "limit-exceeded", Error;
    /// A field or kind of rule that the target's profile of the service does not support.
    ProfileLacks = "profile-lacks", Error;
    /// An entry of `extensions` with the name of a supported field.
    ExtensionKnown = "extension-known", Error;
    /// Cedar text that does not parse, or contains no statement, a template or an `@id`.
    CedarInvalid = "cedar-invalid", Error;
    /// An action, entity type, attribute or annotation in Cedar text that Docker's MCP schema does not contain.
    CedarUnknownName = "cedar-unknown-name", Warning;
    /// A Cedar statement, or a clause or annotation of it, that never takes effect.
    CedarWithoutEffect = "cedar-without-effect", Warning;
    /// Wildcards cover names with exactly one more label, or only deeper names, and leave out a name between them.
    WildcardGap = "wildcard-gap", Warning;
    /// A writable mount requires both read and write to be allowed.
    WriteWithoutRead = "write-without-read", Warning;
    /// `connect:udp` is rarely meant; most allow lists need only TCP.
    UdpAllowed = "udp-allowed", Warning;
    // Lints from meaning
    /// An allow rule that never allows anything, because deny rules cover all requests that it matches.
    RuleNeverMatches = "rule-never-matches", Warning;
    /// An allowed resource that a wider deny covers: a deny has no exceptions.
    ExceptionDenied = "exception-denied", Warning;
    /// A rule that another rule with the same decision covers completely.
    RuleCovered = "rule-covered", Warning;
    /// Two rules of one policy that can be merged.
    RulesMergeable = "rules-mergeable", Warning;
    /// A deny of the names below a name that is itself allowed: wildcards do not cover it.
    ApexOpen = "apex-open", Warning;
    /// A deny that names only some of `localhost`, `127.0.0.1`, `[::1]` and `host.docker.internal`.
    LoopbackIncomplete = "loopback-incomplete", Warning;
    /// A rule that allows every host, every address or every path of a kind.
    AllowsEverything = "allows-everything", Warning;
    /// The wildcards of a target's rules overlap in too many ways to determine which rules ever decide.
    RulesEntangled = "rules-entangled", Warning;
    /// An address range inside another range with the same decision.
    CidrOverlap = "cidr-overlap", Warning;
    // Access gates
    /// The manifests allow requests that a gate of `polwarden.yaml` denies for everyone.
    AccessNever = "access-never", Error;
    /// The manifests alone do not allow requests that a gate of `polwarden.yaml` requires to be allowed.
    AccessAlways = "access-always", Warning;
    /// A gate depends on something that is not analyzed: a setting that this version does not know, or a Cedar policy
    /// that cannot be divided into cases.
    AccessNotAnalyzed = "access-not-analyzed", Warning;
    // Policy tests
    /// Invalid request in a policy test.
    RequestInvalid = "request-invalid", Error;
    /// A placeholder without a matrix, or braces that are not a placeholder.
    PlaceholderInvalid = "placeholder-invalid", Error;
    /// A key of a matrix that no request of its case uses.
    MatrixUnused = "matrix-unused", Warning;
    /// Two policy tests of one target have the same name.
    TestNameTaken = "test-name-taken", Error;
    /// Two cases of one policy test have the same name.
    CaseNameTaken = "case-name-taken", Error;
    /// A case expects one request to be both allowed and denied.
    TestContradiction = "test-contradiction", Error;
    /// A policy test contains more requests than the limit.
    TestTooLarge = "test-too-large", Error;
    /// A policy test names an unknown target, or a target that does not load its file.
    UnknownTarget = "unknown-target", Error;
    // Policy packs and policy groups
    /// A manifest of one service in a target of another.
    KindMisplaced = "kind-misplaced", Error;
    /// A name or tag that Pulumi Cloud does not accept: invalid characters, too long, or a reserved word.
    PulumiNameInvalid = "pulumi-name-invalid", Error;
    /// Two packs of one target have the same name.
    PackNameTaken = "pack-name-taken", Error;
    /// Two groups of one target have the same name.
    GroupNameTaken = "group-name-taken", Error;
    /// Two policies of one pack have the same name.
    PackPolicyTaken = "pack-policy-taken", Error;
    /// Duplicate pack in a group.
    GroupPackTaken = "group-pack-taken", Error;
    /// An invalid configuration schema, or one that requires a property that it does not declare.
    ConfigSchemaInvalid = "config-schema-invalid", Error;
    /// A source that does not exist, leaves the repository, is too large, or has no usable PulumiPolicy.yaml or no entry point.
    PackSourceInvalid = "pack-source-invalid", Error;
    /// The runtime in a pack's manifest differs from its PulumiPolicy.yaml.
    PackRuntimeDiffers = "pack-runtime-differs", Error;
    /// The source of a version differs from the lock file. The content of a tag cannot change.
    TagReused = "tag-reused", Error;
    /// A group uses a version of a pack that is neither published nor part of the plan.
    UnknownVersion = "unknown-version", Error;
    /// `polwarden-metadata.json` is missing, invalid, or written for another source.
    PackMetadataInvalid = "pack-metadata-invalid", Error;
    /// The policies, enforcement levels or configuration schemas of a manifest differ from its pack.
    PackPolicyDiffers = "pack-policy-differs", Error;
    /// The source of a Node.js pack without a `package.json`, so its entry point is not checked.
    PackPackageMissing = "pack-package-missing", Warning;
    /// The lock file does not contain the source of a version.
    PackUnlocked = "pack-unlocked", Warning;
    /// A group names a pack that no manifest of its target declares.
    UnknownPack = "unknown-pack", Warning;
    /// A group configures a policy that its pack does not have.
    UnknownPackPolicy = "unknown-pack-policy", Error;
    /// A configuration that the policy's configSchema does not accept.
    ConfigInvalid = "config-invalid", Error;
    /// A configured property is missing from the policy's configSchema.
    ConfigUnknown = "config-unknown", Warning;
    // Documents of Chainloop
    /// Invalid name of a policy, a policy group or an input at Chainloop.
    ChainloopNameInvalid = "chainloop-name-invalid", Error;
    /// A document names another organization than its target.
    OrganizationDiffers = "organization-differs", Error;
    /// Two inputs of one document have the same name.
    InputNameTaken = "input-name-taken", Error;
    /// A required input has a default, which the engine refuses.
    InputDefaultUnused = "input-default-unused", Error;
    /// A type of material that is not supported for policies.
    MaterialTypeRefused = "material-type-refused", Error;
    /// Unknown type of material: it is new, or misspelled.
    MaterialTypeUnknown = "material-type-unknown", Warning;
    /// A material of a policy group with a name but without a type.
    GroupMaterialUntyped = "group-material-untyped", Error;
    /// Phases of attestations that have no effect, or never occur.
    PhasesWithoutEffect = "phases-without-effect", Warning;
    /// A reference to an unknown policy or script.
    ReferenceInvalid = "reference-invalid", Error;
    /// A reference to a file of the repository. The service cannot read the file, so the document cannot be applied.
    LocalReference = "local-reference", Warning;
    /// Unknown argument of the attached policy.
    ArgumentUnknown = "argument-unknown", Error;
    /// Missing required argument of the attached policy.
    ArgumentMissing = "argument-missing", Error;
    /// Invalid argument of the attached policy.
    ArgumentInvalid = "argument-invalid", Error;
    // Configuration
    /// Two targets have the same name.
    TargetNameTaken = "target-name-taken", Error;
    /// A path in `polwarden.yaml` leaves the repository, or does not exist.
    TargetPathInvalid = "target-path-invalid", Error;
    /// Two targets manage the same organization.
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
