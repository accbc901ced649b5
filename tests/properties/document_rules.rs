//! Mutated documents of Chainloop: the verdict of the checks, compared with the vendor's rules.
//!
//! The rules here are written from the vendor's published schemas and its protocol. They share
//! nothing with the code that they judge: not the parser (documents are trees that are printed as
//! flow YAML, with the class of each scalar known beforehand), not the schemas and not the names.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use manifest::config::Target;
use manifest::{Document, parse};
use model::diag::{Severity, SourceMap};
use polwarden::service::chainloop::check::{DocumentInput, InputsSchemas, check_documents};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

use super::cases;

const ORGANIZATION: &str = "my-org";

/// A node of a document, as it is written.
#[derive(Debug, Clone, PartialEq)]
enum Node {
    Scalar(&'static str, Class),
    /// A string in double quotes.
    Text(String),
    List(Vec<Self>),
    /// Keys may occur twice.
    Fields(Vec<(String, Self)>),
}

/// What a plain scalar is in the core schema of YAML 1.2.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Class {
    Null,
    Truth,
    /// A number without a fraction, however it is written.
    Whole(i64),
    Fraction,
    /// A number that no finite value represents.
    Infinite,
    /// A string that looks like something else.
    Word,
}

/// Scalars that replace others.
const SCALARS: &[(&str, Class)] = &[
    ("null", Class::Null),
    ("~", Class::Null),
    ("true", Class::Truth),
    ("false", Class::Truth),
    ("yes", Class::Word),
    ("1_000", Class::Word),
    ("-1", Class::Whole(-1)),
    ("0", Class::Whole(0)),
    ("1", Class::Whole(1)),
    ("3", Class::Whole(3)),
    ("11", Class::Whole(11)),
    ("12.0", Class::Whole(12)),
    ("0x2A", Class::Whole(42)),
    ("43", Class::Whole(43)),
    ("2147483648", Class::Whole(2_147_483_648)),
    ("007", Class::Whole(7)),
    ("1.5", Class::Fraction),
    ("1e-3", Class::Fraction),
    ("1e999", Class::Infinite),
    ("-.inf", Class::Infinite),
    (".nan", Class::Infinite),
];

const TEXTS: &[&str] = &[
    "",
    "a",
    "Upper",
    "under_score",
    "-a",
    "a b",
    "my-org",
    "other-org",
    "sbom-fresh",
    "my-org/sbom-fresh",
    "other-org/sbom-fresh",
    "chainloop://sbom-fresh",
    "p:my-org/sbom-fresh",
    "sbom-fresh@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "sbom-fresh@sha256:0123",
    "https://policies.example.com/a.yaml",
    "file://a.yaml",
    "ftp://example.com/a",
    "framework/requirement",
    "org/framework/requirement@2",
    "{{ inputs.bom }}",
    "SARIF",
    "ARTIFACT",
    "EVIDENCE",
    "ATTESTATION",
    "MATERIAL_TYPE_UNSPECIFIED",
    "NEW_TYPE_OF_2027",
    "NEW-TYPE",
    "12",
    "INIT",
    "EXACT",
    "SAST",
    "Policy",
    "PolicyGroup",
    "Contract",
    "chainloop.dev/v1",
    "workflowcontract.chainloop.dev/v1",
    "chainloop.dev/v2",
];

const KEYS: &[&str] = &[
    "apiVersion",
    "api_version",
    "kind",
    "metadata",
    "name",
    "description",
    "annotations",
    "organization",
    "findingType",
    "finding_type",
    "spec",
    "path",
    "embedded",
    "ref",
    "type",
    "policies",
    "inputs",
    "autoMatch",
    "auto_match",
    "attestationPhases",
    "attestation_phases",
    "required",
    "default",
    "materials",
    "attestation",
    "optional",
    "selector",
    "matchMode",
    "match_mode",
    "disabled",
    "with",
    "requirements",
    "gate",
    "days",
    "level",
    "other",
];

fn policy() -> Value {
    json!({
        "apiVersion": "chainloop.dev/v1",
        "kind": "Policy",
        "metadata": {
            "name": "sbom-fresh",
            "description": "d",
            "annotations": {"a": "b"},
            "organization": "my-org",
            "findingType": "SAST"
        },
        "spec": {
            "inputs": [
                {"name": "days", "required": true},
                {"name": "level", "description": "d", "required": false, "default": "high"}
            ],
            "policies": [
                {"kind": "SBOM_CYCLONEDX_JSON", "embedded": "package main"},
                {"kind": 12, "path": "a.rego", "attestationPhases": ["INIT", 3]},
                {"ref": "https://policies.example.com/a.rego"}
            ],
            "auto_match": {"ref": "b.rego"}
        }
    })
}

fn old_policy() -> Value {
    json!({
        "api_version": "workflowcontract.chainloop.dev/v1",
        "kind": "Policy",
        "metadata": {"name": "sbom-fresh"},
        "spec": {"type": "SARIF", "path": "a.rego", "policies": [], "inputs": [{"name": "days"}]}
    })
}

fn group() -> Value {
    json!({
        "apiVersion": "chainloop.dev/v1",
        "kind": "PolicyGroup",
        "metadata": {"name": "supply-chain", "finding_type": "VULNERABILITY"},
        "spec": {
            "inputs": [{"name": "bom", "default": "sbom"}],
            "policies": {
                "materials": [{
                    "type": "SBOM_CYCLONEDX_JSON",
                    "name": "{{ inputs.bom }}",
                    "match_mode": "PREFIX",
                    "optional": true,
                    "policies": [{
                        "ref": "sbom-fresh",
                        "with": {"days": 30},
                        "requirements": ["framework/requirement"],
                        "gate": true
                    }]
                }],
                "attestation": [
                    {"ref": "https://policies.example.com/a.yaml", "with": {"x": 1.5}},
                    {
                        "embedded": {
                            "apiVersion": "chainloop.dev/v1",
                            "kind": "Policy",
                            "metadata": {"name": "signed"},
                            "spec": {
                                "inputs": [{"name": "level", "required": true}],
                                "policies": [{"kind": "ATTESTATION", "embedded": "package main"}]
                            }
                        },
                        "selector": {"name": "a", "matchMode": 1},
                        "disabled": false,
                        "with": {"level": "{{ inputs.bom }}"}
                    }
                ]
            }
        }
    })
}

fn node(value: &Value) -> Node {
    match value {
        Value::Bool(true) => Node::Scalar("true", Class::Truth),
        Value::Bool(false) => Node::Scalar("false", Class::Truth),
        Value::Number(number) => {
            let known = [
                ("1", Class::Whole(1)),
                ("3", Class::Whole(3)),
                ("12", Class::Whole(12)),
                ("30", Class::Whole(30)),
                ("1.5", Class::Fraction),
            ];
            let known = known.iter().find(|(text, _)| *text == number.to_string());
            let (text, class) = known.expect("a number of the documents above");
            Node::Scalar(text, *class)
        }
        Value::String(text) => Node::Text(text.clone()),
        Value::Array(items) => Node::List(items.iter().map(node).collect()),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(key, value)| (key.clone(), node(value)));
            Node::Fields(fields.collect())
        }
        Value::Null => Node::Scalar("null", Class::Null),
    }
}

impl Node {
    fn print(&self) -> String {
        match self {
            Self::Scalar(text, _) => (*text).to_owned(),
            Self::Text(text) => Value::from(text.as_str()).to_string(),
            Self::List(items) => {
                let items: Vec<_> = items.iter().map(Self::print).collect();
                format!("[{}]", items.join(", "))
            }
            Self::Fields(fields) => {
                let fields: Vec<_> = fields
                    .iter()
                    .map(|(key, value)| format!("{}: {}", Value::from(key.as_str()), value.print()))
                    .collect();
                format!("{{{}}}", fields.join(", "))
            }
        }
    }

    /// The number of children in the tree below.
    fn size(&self) -> usize {
        match self {
            Self::Scalar(..) | Self::Text(_) => 0,
            Self::List(items) => items.iter().map(|item| 1 + item.size()).sum(),
            Self::Fields(fields) => fields.iter().map(|(_, value)| 1 + value.size()).sum(),
        }
    }

    /// Calls a function with the parent of the child with this number, and its position in it.
    fn edit(&mut self, mut number: usize, change: &mut dyn FnMut(&mut Self, usize)) {
        let count = match self {
            Self::Scalar(..) | Self::Text(_) => 0,
            Self::List(items) => items.len(),
            Self::Fields(fields) => fields.len(),
        };
        for position in 0..count {
            if number == 0 {
                change(self, position);
                return;
            }
            number -= 1;
            let child = match self {
                Self::List(items) => &mut items[position],
                Self::Fields(fields) => &mut fields[position].1,
                Self::Scalar(..) | Self::Text(_) => return,
            };
            let size = child.size();
            if number < size {
                child.edit(number, change);
                return;
            }
            number -= size;
        }
    }
}

#[derive(Debug, Clone)]
enum Mutation {
    Drop,
    Duplicate,
    Rename(&'static str),
    Replace(Node),
    Wrap,
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let scalar = select(SCALARS).prop_map(|(text, class)| Node::Scalar(text, class));
    let replacement = prop_oneof![
        6 => scalar,
        5 => select(TEXTS).prop_map(|text| Node::Text(text.to_owned())),
        1 => Just(Node::List(Vec::new())),
        1 => Just(Node::Fields(Vec::new())),
    ];
    prop_oneof![
        2 => Just(Mutation::Drop),
        1 => Just(Mutation::Duplicate),
        2 => select(KEYS).prop_map(Mutation::Rename),
        6 => replacement.prop_map(Mutation::Replace),
        1 => Just(Mutation::Wrap),
    ]
}

fn mutate(document: &mut Node, at: Index, mutation: &Mutation) {
    let size = document.size();
    if size == 0 {
        return;
    }
    document.edit(at.index(size), &mut |parent, position| match parent {
        Node::List(items) => match mutation {
            Mutation::Drop => drop(items.remove(position)),
            Mutation::Duplicate => items.push(items[position].clone()),
            Mutation::Rename(text) => items[position] = Node::Text((*text).to_owned()),
            Mutation::Replace(node) => items[position] = node.clone(),
            Mutation::Wrap => items[position] = Node::List(vec![items[position].clone()]),
        },
        Node::Fields(fields) => match mutation {
            Mutation::Drop => drop(fields.remove(position)),
            Mutation::Duplicate => fields.push(fields[position].clone()),
            Mutation::Rename(name) => fields[position].0 = (*name).to_owned(),
            Mutation::Replace(node) => fields[position].1 = node.clone(),
            Mutation::Wrap => {
                let value = fields[position].1.clone();
                fields[position].1 = Node::Fields(vec![("name".to_owned(), value)]);
            }
        },
        Node::Scalar(..) | Node::Text(_) => {}
    });
}

/// Why a document is rejected.
type Verdict = Result<(), String>;

/// The fields of a mapping that are set. `null` means unset.
type Fields<'a> = BTreeMap<&'a str, &'a Node>;

fn fail<T>(why: impl Into<String>) -> Result<T, String> {
    Err(why.into())
}

/// YAML itself: no key occurs twice, and no number is infinite except for arguments.
fn yaml(node: &Node, is_argument: bool) -> Verdict {
    match node {
        Node::Scalar(_, Class::Infinite) if !is_argument => fail("infinite"),
        Node::Scalar(..) | Node::Text(_) => Ok(()),
        Node::List(items) => items.iter().try_for_each(|item| yaml(item, false)),
        Node::Fields(fields) => {
            let names: BTreeSet<_> = fields.iter().map(|(name, _)| name).collect();
            if names.len() < fields.len() {
                return fail("a key occurs twice");
            }
            fields.iter().try_for_each(|(name, value)| match value {
                Node::Fields(arguments) if name == "with" && names_are_unique(arguments) => {
                    arguments
                        .iter()
                        .try_for_each(|(_, value)| yaml(value, true))
                }
                value => yaml(value, false),
            })
        }
    }
}

fn names_are_unique(fields: &[(String, Node)]) -> bool {
    fields
        .iter()
        .map(|(name, _)| name)
        .collect::<BTreeSet<_>>()
        .len()
        == fields.len()
}

fn mapping(node: &Node) -> Result<Fields<'_>, String> {
    let Node::Fields(fields) = node else {
        return fail("not a mapping");
    };
    let set = fields
        .iter()
        .filter(|(_, value)| !matches!(value, Node::Scalar(_, Class::Null)));
    Ok(set.map(|(name, value)| (name.as_str(), value)).collect())
}

/// A mapping with these fields only. A name with capital letters also has the spelling with `_`,
/// and only one of the two may be set.
fn object<'a>(node: &'a Node, known: &[&'static str]) -> Result<Fields<'a>, String> {
    let mut fields = Fields::new();
    for (name, value) in mapping(node)? {
        let snake = |known: &str| -> String {
            known
                .chars()
                .flat_map(|c| {
                    let lower = c.is_ascii_uppercase().then_some('_').into_iter();
                    lower.chain(c.to_lowercase())
                })
                .collect()
        };
        let Some(known) = known
            .iter()
            .find(|known| **known == name || snake(known) == name)
        else {
            return fail(format!("unknown field {name}"));
        };
        if fields.insert(known, value).is_some() {
            return fail(format!("both spellings of {name}"));
        }
    }
    Ok(fields)
}

fn text(node: &Node) -> Result<&str, String> {
    match node {
        Node::Text(text) => Ok(text),
        Node::Scalar(text, Class::Word) => Ok(text),
        _ => fail("not a string"),
    }
}

fn optional_text<'a>(fields: &Fields<'a>, name: &str) -> Result<Option<&'a str>, String> {
    fields.get(name).map(|node| text(node)).transpose()
}

fn truth(fields: &Fields<'_>, name: &str) -> Result<bool, String> {
    match fields.get(name) {
        None => Ok(false),
        Some(Node::Scalar(text, Class::Truth)) => Ok(*text == "true"),
        Some(_) => fail(format!("{name} is not a truth value")),
    }
}

fn list<'a>(fields: &Fields<'a>, name: &str) -> Result<&'a [Node], String> {
    match fields.get(name) {
        None => Ok(&[]),
        Some(Node::List(items)) => Ok(items),
        Some(_) => fail(format!("{name} is not a list")),
    }
}

/// A value of an enumeration: a name, or a number.
enum Choice<'a> {
    Name(&'a str),
    Number(i64),
}

fn choice(node: &Node) -> Result<Choice<'_>, String> {
    match node {
        Node::Scalar(_, Class::Whole(number)) => Ok(Choice::Number(*number)),
        node => text(node).map(Choice::Name),
    }
}

/// A value of an enumeration that accepts every number of its type.
fn open_choice(node: &Node, names: &[&str]) -> Verdict {
    match choice(node)? {
        Choice::Name(name) if names.contains(&name) => Ok(()),
        Choice::Number(number) if i32::try_from(number).is_ok() => Ok(()),
        _ => fail("not one of the enumeration"),
    }
}

/// The number of a type of material; -1 for one that the vendor adds later.
fn material(node: &Node) -> Result<i64, String> {
    match choice(node)? {
        Choice::Number(number) if (0..=42).contains(&number) => Ok(number),
        Choice::Name("MATERIAL_TYPE_UNSPECIFIED") => Ok(0),
        Choice::Name("STRING") => Ok(1),
        Choice::Name("ARTIFACT") => Ok(3),
        Choice::Name("EVIDENCE") => Ok(11),
        Choice::Name(name) => {
            let words = name.split('_');
            let is_word = |word: &str| {
                !word.is_empty()
                    && word
                        .bytes()
                        .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
            };
            let has_form = name.starts_with(|c: char| c.is_ascii_uppercase())
                && words.into_iter().all(is_word);
            if has_form {
                Ok(-1)
            } else {
                fail("not the form of a type")
            }
        }
        Choice::Number(_) => fail("a number outside of the enumeration"),
    }
}

/// `^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
fn is_name(text: &str) -> bool {
    let inner = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    !text.is_empty() && text.bytes().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

/// `^[a-zA-Z][a-zA-Z0-9_]*$`
fn is_input_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// `[chainloop://][provider:][org/]name[@sha256:hex]`
struct Reference<'a> {
    provider: Option<&'a str>,
    organization: Option<&'a str>,
    name: &'a str,
    digest: Option<&'a str>,
}

fn reference(text: &str) -> Result<Reference<'_>, String> {
    let rest = text.strip_prefix("chainloop://").unwrap_or(text);
    let cut = |text, mark| match str::split_once(text, mark) {
        Some((before, after)) => (Some(before), after),
        None => (None, text),
    };
    let (rest, digest) = match rest.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (rest, None),
    };
    let (provider, rest) = cut(rest, ':');
    let (organization, name) = cut(rest, '/');
    let is_hex = |digest: &str| {
        let hex = digest.strip_prefix("sha256:");
        hex.is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
    };
    let is_part = |part: Option<&str>| part.is_none_or(|part| !part.is_empty());
    if !is_name(name) || !is_part(provider) || !is_part(organization) || !digest.is_none_or(is_hex)
    {
        return fail("not a reference");
    }
    Ok(Reference {
        provider,
        organization,
        name,
        digest,
    })
}

/// Exactly one of the fields is set.
fn exactly_one(fields: &Fields<'_>, names: &[&str]) -> Verdict {
    match names
        .iter()
        .filter(|name| fields.contains_key(**name))
        .count()
    {
        1 => Ok(()),
        _ => fail(format!("not exactly one of {names:?}")),
    }
}

/// Where a script comes from: text, a URL, or a file.
fn script(fields: &Fields<'_>) -> Verdict {
    exactly_one(fields, &["path", "embedded", "ref"])?;
    optional_text(fields, "embedded")?;
    for name in ["path", "ref"] {
        let Some(text) = optional_text(fields, name)? else {
            continue;
        };
        match text.split_once("://") {
            None | Some(("http" | "https" | "file", _)) => {}
            Some(("chainloop", _)) if name == "ref" => {
                reference(text)?;
            }
            Some(_) => return fail("a scheme without scripts"),
        }
    }
    Ok(())
}

/// The inputs of a policy: their names, and whether they are required.
type Inputs<'a> = BTreeMap<&'a str, bool>;

fn inputs<'a>(spec: &Fields<'a>) -> Result<Inputs<'a>, String> {
    let mut found = Inputs::new();
    for input in list(spec, "inputs")? {
        let fields = object(input, &["name", "description", "required", "default"])?;
        let name = optional_text(&fields, "name")?.unwrap_or_default();
        optional_text(&fields, "description")?;
        let required = truth(&fields, "required")?;
        let default = optional_text(&fields, "default")?.unwrap_or_default();
        if !is_input_name(name) || (required && !default.is_empty()) {
            return fail("input");
        }
        if found.insert(name, required).is_some() {
            return fail("two inputs with one name");
        }
    }
    Ok(found)
}

/// The name of a document, after its head was checked.
fn head<'a>(fields: &Fields<'a>, kind: &str) -> Result<&'a str, String> {
    let version = optional_text(fields, "apiVersion")?;
    let versions = ["chainloop.dev/v1", "workflowcontract.chainloop.dev/v1"];
    if !version.is_some_and(|version| versions.contains(&version))
        || optional_text(fields, "kind")? != Some(kind)
    {
        return fail("apiVersion or kind");
    }
    let Some(metadata) = fields.get("metadata") else {
        return fail("no metadata");
    };
    let known = [
        "name",
        "description",
        "annotations",
        "organization",
        "findingType",
    ];
    let metadata = object(metadata, &known)?;
    optional_text(&metadata, "description")?;
    if let Some(annotations) = metadata.get("annotations") {
        mapping(annotations)?
            .into_values()
            .try_for_each(|value| text(value).map(drop))?;
    }
    let organization = optional_text(&metadata, "organization")?;
    let finding = optional_text(&metadata, "findingType")?;
    let types = ["VULNERABILITY", "SAST", "LICENSE_VIOLATION"];
    if organization.is_some_and(|organization| organization != ORGANIZATION)
        || finding.is_some_and(|finding| !types.contains(&finding))
    {
        return fail("organization or findingType");
    }
    match optional_text(&metadata, "name")? {
        Some(name) if is_name(name) => Ok(name),
        _ => fail("name"),
    }
}

/// A policy with its name and inputs.
struct Policy<'a> {
    name: &'a str,
    inputs: Inputs<'a>,
}

const DOCUMENT: [&str; 4] = ["apiVersion", "kind", "metadata", "spec"];

fn check_policy(node: &Node) -> Result<Policy<'_>, String> {
    let fields = object(node, &DOCUMENT)?;
    let name = head(&fields, "Policy")?;
    let Some(spec) = fields.get("spec") else {
        return fail("no spec");
    };
    let known = [
        "path",
        "embedded",
        "type",
        "policies",
        "inputs",
        "autoMatch",
    ];
    let mut spec = object(spec, &known)?;
    let policies = list(&spec, "policies")?;
    if policies.is_empty() {
        spec.remove("policies");
    }
    exactly_one(&spec, &["path", "embedded", "policies"])?;
    let old: Fields<'_> = ["path", "embedded"]
        .into_iter()
        .filter_map(|name| Some((name, *spec.get(name)?)))
        .collect();
    if !old.is_empty() {
        script(&old)?;
    }
    if let Some(kind) = spec.get("type")
        && [1, 3, 11].contains(&material(kind)?)
    {
        return fail("a type that no policy has");
    }
    for policy in policies {
        let known = ["kind", "path", "embedded", "ref", "attestationPhases"];
        let fields = object(policy, &known)?;
        script(&fields)?;
        if let Some(kind) = fields.get("kind")
            && material(kind)? == 3
        {
            return fail("ARTIFACT");
        }
        let phases = ["ATTESTATION_PHASE_UNSPECIFIED", "INIT", "PUSH"];
        list(&fields, "attestationPhases")?
            .iter()
            .try_for_each(|phase| open_choice(phase, &phases))?;
    }
    if let Some(matcher) = spec.get("autoMatch") {
        script(&object(matcher, &["path", "embedded", "ref"])?)?;
    }
    Ok(Policy {
        name,
        inputs: inputs(&spec)?,
    })
}

const MODES: [&str; 3] = ["UNSPECIFIED", "EXACT", "PREFIX"];

fn check_group<'a>(node: &'a Node, declared: &[Policy<'_>]) -> Result<&'a str, String> {
    let fields = object(node, &DOCUMENT)?;
    let name = head(&fields, "PolicyGroup")?;
    let Some(spec) = fields.get("spec") else {
        return fail("no spec");
    };
    let spec = object(spec, &["policies", "inputs"])?;
    inputs(&spec)?;
    let Some(policies) = spec.get("policies") else {
        return Ok(name);
    };
    let policies = object(policies, &["materials", "attestation"])?;
    for one in list(&policies, "materials")? {
        let known = ["type", "name", "matchMode", "optional", "policies"];
        let fields = object(one, &known)?;
        let kind = fields.get("type").map(|kind| material(kind)).transpose()?;
        let name = optional_text(&fields, "name")?.unwrap_or_default();
        if !name.is_empty() && kind.unwrap_or_default() == 0 {
            return fail("a name without a type");
        }
        fields
            .get("matchMode")
            .map(|mode| open_choice(mode, &MODES))
            .transpose()?;
        truth(&fields, "optional")?;
        for attached in list(&fields, "policies")? {
            check_attached(attached, declared)?;
        }
    }
    for attached in list(&policies, "attestation")? {
        check_attached(attached, declared)?;
    }
    Ok(name)
}

fn check_attached(node: &Node, declared: &[Policy<'_>]) -> Verdict {
    let known = [
        "ref",
        "embedded",
        "selector",
        "disabled",
        "with",
        "requirements",
        "gate",
    ];
    let fields = object(node, &known)?;
    exactly_one(&fields, &["ref", "embedded"])?;
    truth(&fields, "disabled")?;
    truth(&fields, "gate")?;
    if let Some(selector) = fields.get("selector") {
        let fields = object(selector, &["name", "matchMode"])?;
        optional_text(&fields, "name")?;
        fields
            .get("matchMode")
            .map(|mode| open_choice(mode, &MODES))
            .transpose()?;
    }
    for requirement in list(&fields, "requirements")? {
        let parts: Vec<_> = text(requirement)?.split('/').collect();
        let has_space = |part: &&str| part.contains(char::is_whitespace) || part.is_empty();
        if !(2..=3).contains(&parts.len()) || parts.iter().any(has_space) {
            return fail("requirement");
        }
        // The names above contain `@` only in front of a version.
        let is_organization = |part: &str| !part.contains(['@', '_', '.', ':', '{', '}']);
        if parts.len() == 3 && !is_organization(parts[0]) {
            return fail("organization of a requirement");
        }
    }
    let given = fields
        .get("with")
        .map(|with| mapping(with))
        .transpose()?
        .unwrap_or_default();
    // Scalars are their source text.
    let is_scalar = |value: &&Node| matches!(value, Node::Scalar(..) | Node::Text(_));
    if !given.values().all(is_scalar) {
        return fail("an argument that is not a scalar");
    }
    let embedded = fields
        .get("embedded")
        .map(|policy| check_policy(policy))
        .transpose()?;
    let reference = match optional_text(&fields, "ref")? {
        Some(text)
            if !["http", "https", "file"]
                .iter()
                .any(|scheme| text.starts_with(&format!("{scheme}://"))) =>
        {
            if text.contains("://") && !text.starts_with("chainloop://") {
                return fail("scheme");
            }
            Some(reference(text)?)
        }
        _ => None,
    };
    // No digest of these documents is known, so a reference with one is to another version.
    let own = reference.filter(|reference| {
        reference.provider.is_none()
            && reference.digest.is_none()
            && reference.organization.is_none_or(|own| own == ORGANIZATION)
    });
    let named = own.and_then(|own| declared.iter().find(|policy| policy.name == own.name));
    let Some(policy) = embedded.as_ref().or(named) else {
        return Ok(());
    };
    let is_empty = |node: &Node| matches!(node, Node::Text(text) if text.is_empty());
    let missing = policy
        .inputs
        .iter()
        .any(|(name, required)| *required && given.get(name).is_none_or(|value| is_empty(value)));
    if missing || given.keys().any(|name| !policy.inputs.contains_key(name)) {
        return fail("arguments");
    }
    Ok(())
}

/// Whether a document is of a kind of Chainloop that is not managed: a contract, or whatever the
/// vendor adds. The texts above contain no misspelled `Policy`.
fn is_other_kind(node: &Node) -> bool {
    let Node::Fields(fields) = node else {
        return false;
    };
    let versions = ["chainloop.dev/v1", "workflowcontract.chainloop.dev/v1"];
    let is_kind = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_uppercase())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && !["Policy", "PolicyGroup"].contains(&text)
    };
    let any = |names: &[&str], is: &dyn Fn(&str) -> bool| {
        fields.iter().any(|(key, value)| {
            names.contains(&key.as_str()) && matches!(value, Node::Text(text) if is(text))
        })
    };
    any(&["apiVersion", "api_version"], &|text| {
        versions.contains(&text)
    }) && any(&["kind"], &is_kind)
}

fn is_group(node: &Node) -> bool {
    matches!(node, Node::Fields(fields) if fields.iter().any(|(key, value)| {
        key == "kind" && *value == Node::Text("PolicyGroup".to_owned())
    }))
}

/// The vendor's verdict on the documents of one organization.
fn vendor(documents: &[Node]) -> Verdict {
    documents
        .iter()
        .try_for_each(|document| yaml(document, false))?;
    let managed: Vec<_> = documents
        .iter()
        .filter(|document| !is_other_kind(document))
        .collect();
    let mut policies: Vec<Policy<'_>> = Vec::new();
    for document in managed.iter().filter(|document| !is_group(document)) {
        let policy = check_policy(document)?;
        if policies.iter().any(|other| other.name == policy.name) {
            return fail("two policies with one name");
        }
        policies.push(policy);
    }
    let mut groups = BTreeSet::new();
    for document in managed.iter().filter(|document| is_group(document)) {
        if !groups.insert(check_group(document, &policies)?) {
            return fail("two groups with one name");
        }
    }
    Ok(())
}

/// The errors of the checks.
fn errors(documents: &[Node]) -> Vec<String> {
    let target: Target = serde_yaml::from_str(&format!(
        "{{name: loop, provider: chainloop, organization: {ORGANIZATION}, paths: [policies]}}"
    ))
    .unwrap();
    let mut sources = SourceMap::default();
    let mut found = Vec::new();
    let mut typed: Vec<Document> = Vec::new();
    for (number, document) in documents.iter().enumerate() {
        let text = document.print() + "\n";
        let parsed = parse(sources.add(format!("{number}.yaml"), text.as_str()), &text);
        found.extend(parsed.diagnostics);
        typed.extend(parsed.documents);
    }
    let typed: Vec<&Document> = typed.iter().collect();
    let checked = check_documents(&DocumentInput {
        target: &target,
        documents: &typed,
        inlined: &HashMap::new(),
        schemas: &InputsSchemas::new(),
        invalid: Default::default(),
    });
    found.extend(checked.diagnostics);
    let errors = found
        .iter()
        .filter(|finding| finding.severity() == Severity::Error);
    errors
        .map(|finding| format!("{}: {}", finding.code, finding.message))
        .collect()
}

fn compare(documents: &[Node]) -> Result<bool, TestCaseError> {
    let wanted = vendor(documents);
    let errors = errors(documents);
    let text: Vec<_> = documents.iter().map(Node::print).collect();
    prop_assert_eq!(
        wanted.is_ok(),
        errors.is_empty(),
        "vendor: {:?}\nhere: {:#?}\n{}",
        wanted,
        errors,
        text.join("\n")
    );
    Ok(wanted.is_ok())
}

#[test]
fn the_documents_that_are_mutated_are_valid() {
    for policy in [policy(), old_policy()] {
        let documents = [node(&policy), node(&group())];
        assert_eq!(vendor(&documents), Ok(()));
        assert_eq!(errors(&documents), Vec::<String>::new());
    }
}

proptest! {
    #![proptest_config(cases(2_000))]
    #[test]
    fn mutated_documents_have_the_verdict_of_the_vendors_rules(
        old in any::<bool>(),
        mutations in proptest::collection::vec((any::<bool>(), any::<Index>(), mutation()), 1..4),
    ) {
        let policy = if old { old_policy() } else { policy() };
        let mut documents = [node(&policy), node(&group())];
        for (second, at, mutation) in &mutations {
            mutate(&mut documents[usize::from(*second)], *at, mutation);
        }
        compare(&documents)?;
    }
}

/// Each scalar and each text in each place, one at a time.
#[test]
fn each_value_in_each_place_has_the_verdict_of_the_vendors_rules() {
    let scalars = SCALARS
        .iter()
        .map(|(text, class)| Node::Scalar(text, *class));
    let texts = TEXTS.iter().map(|text| Node::Text((*text).to_owned()));
    let values: Vec<Node> = scalars.chain(texts).collect();
    let whole = [node(&policy()), node(&group())];
    let mut verdicts = [0, 0];
    let mut disagreements = Vec::new();
    for (number, document) in whole.iter().enumerate() {
        for place in 0..document.size() {
            for value in &values {
                let mut documents = whole.clone();
                documents[number].edit(place, &mut |parent, position| match parent {
                    Node::List(items) => items[position] = value.clone(),
                    Node::Fields(fields) => fields[position].1 = value.clone(),
                    Node::Scalar(..) | Node::Text(_) => {}
                });
                match compare(&documents) {
                    Ok(accepted) => verdicts[usize::from(accepted)] += 1,
                    Err(error) => disagreements.push(error.to_string()),
                }
            }
        }
    }
    disagreements.truncate(20);
    assert!(disagreements.is_empty(), "{}", disagreements.join("\n"));
    assert!(verdicts.iter().all(|count| *count > 500), "{verdicts:?}");
}
