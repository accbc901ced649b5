//! A plan with diagnostics whose texts of files and servers can be chosen.

use model::diag::{Code, Diagnostic, Place, SourceMap};
use polwarden::plan::{DriftReport, Plan};
use polwarden::render::annotations::{Annotation, PackDiagnostics, RepositoryPrefix};
use polwarden::render::markdown::{CommentOptions, GITHUB_COMMENT};
use polwarden::render::{drift, github, gitlab, html, junit, markdown, sarif};
use serde_json::{Value, json};

/// Ordinary texts, for golden files; and the same text everywhere, for hostile ones.
pub(super) struct Words {
    everywhere: Option<String>,
}

impl Words {
    pub(super) fn ordinary() -> Self {
        Self { everywhere: None }
    }

    pub(super) fn all(text: &str) -> Self {
        Self {
            everywhere: Some(text.to_owned()),
        }
    }

    fn say(&self, ordinary: &str) -> String {
        self.everywhere
            .clone()
            .unwrap_or_else(|| ordinary.to_owned())
    }

    fn source(&self, file: &str, line: u32) -> Value {
        json!({"file": self.say(file), "line": line})
    }

    fn rule(
        &self,
        policy: &str,
        rule: &str,
        allows: bool,
        resource: &str,
        source: Option<u32>,
    ) -> Value {
        let mut value = json!({"policy": self.say(policy), "rule": self.say(rule), "allows": allows,
            "resource": self.say(resource)});
        if let Some(line) = source {
            value["source"] = self.source("policies/ai.yaml", line);
        }
        value
    }

    fn changes(&self) -> Value {
        let say = |text: &str| self.say(text);
        json!([
            {"kind": "within", "resource": "policy", "name": say("AI services"), "id": say("pol_1"),
             "source": self.source("policies/ai.yaml", 5), "children": [
                {"kind": "update", "resource": "rule", "name": say("deny uploads"), "source": self.source("policies/ai.yaml", 17),
                 "fields": [
                    {"field": "name", "value": {"scalar": {"before": say("allow the data sets"), "after": say("deny uploads")}}},
                    {"field": "decision", "value": {"scalar": {"before": say("allow"), "after": say("deny")}}},
                    {"field": "resources", "value": {"set": {"added": [say("upload.example.com")],
                        "removed": [say("10.20.0.0/16"), say("datasets.example.com:443")], "kept": 3}}}]}]},
            {"kind": "create", "resource": "policy", "name": say("Tools"), "source": self.source("policies/tools.yaml", 4), "fields": [
                {"field": "teams", "value": {"set": {"added": [say("security")], "kept": 0}}}], "children": [
                {"kind": "create", "resource": "rule", "name": say("read"), "source": self.source("policies/tools.yaml", 9), "fields": [
                    {"field": "actions", "value": {"set": {"added": [say("connect:tcp"), say("connect:udp")], "kept": 0}}}]}]},
            {"kind": "update", "resource": "policy", "name": say("Cedar"), "fields": [
                {"field": "cedarText", "value": {"text": {
                    "before": format!("permit(\n  principal,\n  action,\n  resource\n);\n{}\n", self.single("// old")),
                    "after": format!("permit(\n  principal,\n  action,\n  resource\n);\n{}\n// more\n", self.single("// new"))}}}]},
            {"kind": "delete", "resource": "policy", "name": say("Old"), "id": say("pol_9")}
        ])
    }

    /// On one line, where the number of lines makes the shape of the output.
    fn single(&self, ordinary: &str) -> String {
        format!("{} {ordinary}", self.say("").replace(['\n', '\r'], " "))
    }

    fn gates(&self) -> Value {
        let say = |text: &str| self.say(text);
        let open = self.rule(
            "AI services",
            "allow the gateway",
            true,
            "**.example.com",
            Some(11),
        );
        json!([
            {"gate": {"kind": "never", "request": say("tcp **.paste.example.com"), "audience": say("contractors"), "reason": say("leaks")},
             "source": {"config": self.source("polwarden.yaml", 12)},
             "breaches": [{"who": [{"allOf": [say("security")], "noneOf": []}], "witness": say("tcp a.paste.example.com:443"),
                "already": false, "blame": [open], "before": [], "after": [open]}]},
            {"gate": {"kind": "deny-widening", "within": [say("tcp **.example.com:443")]}, "source": "commandLine", "breaches": [],
             "unknown": say("the rules cross each other in too many ways")},
            {"gate": {"kind": "always", "request": say("tcp proxy.example.com:443")},
             "source": {"base": {"at": self.source("polwarden.yaml", 14), "revision": say("0123456789abcdef")}}, "breaches": []},
        ])
    }

    fn events(&self) -> Value {
        let say = |text: &str| self.say(text);
        let event = |event: Value| json!({"target": say("production"), "source": self.source("polwarden.yaml", 5), "event": event});
        let declared = self.source("policies/metadata.yaml", 4);
        json!([
            event(json!({"code": "removed-still-live", "resource": "policy", "name": say("Metadata"),
                "effect": say("denies 169.254.169.254"), "declared": declared})),
            event(json!({"code": "probable-rename", "name": say("Tools"), "live": say("Theirs")})),
            event(json!({"code": "removed-not-live", "name": say("Gone")})),
            event(json!({"code": "protection-removed", "name": say("Tools")})),
            event(json!({"code": "test-removed", "name": say("Guard"), "case": say("never"), "declared": declared})),
            event(json!({"code": "manifest-not-read", "file": say("policies/a.yaml"), "now": say("policies/.a.yaml")})),
            event(json!({"code": "config-changed", "setting": say("limits.maxDeletes"),
                "value": {"scalar": {"before": say("0"), "after": say("30%")}}})),
            {"event": {"code": "config-changed", "setting": "access.never",
                "value": {"set": {"removed": [say("tcp **.paste.example.com")], "kept": 1}}}},
        ])
    }

    pub(super) fn plan(&self) -> Plan {
        let say = |text: &str| self.say(text);
        let deny = self.rule(
            "AI services",
            "deny uploads",
            false,
            "upload.example.com",
            Some(17),
        );
        let allow = self.rule(
            "AI services",
            "allow the data sets",
            true,
            "datasets.example.com",
            None,
        );
        let everyone = json!([{"allOf": [], "noneOf": []}]);
        let security = json!([{"allOf": [say("security")], "noneOf": []}, {"allOf": [], "noneOf": [say("security"), say("data")]}]);
        let cause = |policy: &str, rule: &str, line| json!({"policy": say(policy), "rule": say(rule), "source": self.source("policies/tools.yaml", line)});
        let opens = json!({"who": everyone, "what": [say("tcp maven.example.com:443")], "except": [],
            "witness": say("tcp maven.example.com:443"), "rule": cause("Tools", "read", 9), "before": [],
            "after": [self.rule("Tools", "read", true, "maven.example.com:443", Some(9))]});
        let closes = json!({"who": security, "what": [say("get upload.example.com/**"), say("put upload.example.com/**")],
            "except": [say("get upload.example.com/public")], "witness": say("get https://upload.example.com/"),
            "rule": cause("AI services", "deny uploads", 17), "before": [allow], "after": [deny]});
        let guard = json!({"who": security, "what": [say("tcp old.example.com")], "except": [],
            "witness": say("tcp old.example.com:443"), "rule": {"policy": say("Old"), "rule": say("deny old")}, "before": [deny], "after": []});
        let unenforced = json!({"who": security, "what": ["mcp *"], "except": [], "witness": "mcp invokeTool example",
            "rule": {"policy": say("Cedar"), "source": self.source("policies/cedar.yaml", 3)}, "before": [], "after": [],
            "assumption": say("MCP enforcement is not active")});
        let statement = |effect: &str, actions: &[&str]| {
            json!({"number": 2, "line": 7, "id": say("tools"), "effect": effect,
            "actions": actions.iter().map(|action| say(action)).collect::<Vec<_>>()})
        };
        let statements = json!([
            {"policy": say("Cedar"), "change": "added", "after": statement("permit", &["invokeTool"])},
            {"policy": say("Cedar"), "change": "removed", "before": statement("forbid", &[])},
            {"policy": say("Cedar"), "change": "changed", "before": statement("permit", &["getPrompt"]),
                "after": statement("approval", &["getPrompt"]), "source": self.source("policies/cedar.yaml", 3)}]);
        let target = json!({
            "target": {"name": say("production"), "provider": "docker", "organization": say("my-org"), "profile": "current",
                "endpoint": say("https://hub.example.com")},
            "changes": self.changes(),
            "access": {
                "proven": false,
                "notAnalyzed": [
                    {"kind": "cedar", "policy": say("Cedar"), "reason": say("the Cedar policy changes"), "source": self.source("policies/cedar.yaml", 3)},
                    {"kind": "invalid-resource", "policy": say("Old"), "reason": say("live resource `!`: invalid host")}],
                "opens": [opens, unenforced], "closes": [closes], "guards": {"weakened": [guard], "strengthened": []}, "approval": [],
                "statements": statements},
            "gates": self.gates(),
            "calls": [{"id": 1, "name": say("Old"), "why": say("it makes room"), "send": {"docker": {"operation": "deletePolicy", "id": "pol_9"}}}],
            "held": [{"resource": "rule", "name": say("Old"), "part": say("r"), "source": self.source("policies/old.yaml", 3),
                "reason": {"code": "not-understood", "why": say("has another shape")}}],
            "unmanaged": [{"resource": "policy", "id": "pol_7", "name": say("Theirs"), "parts": 2, "treatment": "report"},
                {"resource": "policy", "id": "pol_8", "name": say("Legacy"), "parts": 1, "treatment": "report", "known": true}],
            "guarded": [{"kind": "last-deny", "resource": "policy", "name": say("AI services"), "how": say("removes its last deny rule")}],
            "notes": [{"code": "gap", "policy": say("AI services"), "why": say("it must be emptied first")},
                {"code": "unknown-fields", "policy": say("Old"), "fields": [say("shade")]}],
            "before": [], "live": {"policy": 4, "rule": 11}
        });
        let plan = json!({"formatVersion": 3, "toolVersion": "0.1.0", "commit": {"id": say("0123456789abcdef"), "dirty": true},
            "events": self.events(), "targets": [target]});
        serde_json::from_value(plan).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The same changes, seen from the server's side.
    pub(super) fn drift(&self) -> DriftReport {
        let target = serde_json::to_value(self.plan()).unwrap()["targets"][0].take();
        let say = |text: &str| self.say(text);
        let report = json!({"formatVersion": 3, "toolVersion": "0.1.0", "drifted": true,
            "commit": {"id": say("0123456789abcdef"), "dirty": false},
            "targets": [{"target": target["target"], "changes": target["changes"], "access": target["access"],
                "held": target["held"], "unmanaged": target["unmanaged"],
                "managed": {"policy": 4}, "gates": target["gates"],
                "since": [{"name": say("AI services"), "id": say("pol_1"), "updatedAt": say("2026-11-22T09:30:00Z")}],
                "adopt": [
                    "polwarden", "import", "--target", say("production"), "--only", say("AI services"), "--only", say("Cedar"),
                    "--only", say("Tools"),
                ],
                "undo": ["polwarden", "apply", "--target", say("production")]}]});
        serde_json::from_value(report).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The drift in all formats, by name.
    pub(super) fn drift_formats(&self) -> Vec<(&'static str, String)> {
        let report = self.drift();
        let findings = self.findings().with(Annotation::of_drift(&report));
        let prefix = RepositoryPrefix::new("deploy/policies here");
        let plain = polwarden::render::layout::Layout::plain();
        vec![
            ("human", drift::human(&report, plain)),
            ("json", drift::json(&report).unwrap()),
            (
                "markdown",
                markdown::drift(Some(&report), &findings, &options()),
            ),
            (
                "github",
                github::github(Some(&drift::summary(&report)), &findings, &prefix),
            ),
            ("gitlab", gitlab::gitlab(&findings, &prefix).unwrap()),
            ("sarif", sarif::sarif(&findings, &prefix).unwrap()),
            (
                "junit",
                junit::drift(Some(&report), &findings, &prefix).unwrap(),
            ),
            ("html", html::drift(Some(&report), &findings)),
        ]
    }

    /// Diagnostics of files: an error with a second place, a warning, and a file that cannot be read.
    pub(super) fn findings(&self) -> PackDiagnostics {
        let mut sources = SourceMap::default();
        let text = format!("kind: Policy\nname: {}\nname: x\n", self.single("a"));
        let end = text.len() - 1;
        let file = sources.add(self.say("policies/ai.yaml"), text);
        let other = sources.add(self.say("policies/old.yaml"), "");
        sources.add("policies/fine.yaml", "");
        let list = [
            Diagnostic::new(
                Code::DuplicateKey,
                self.say("the key `name` is there twice"),
                Place::Bytes {
                    file,
                    range: end - 7..end - 3,
                },
            )
            .label(self.say("again"))
            .also(
                Place::Bytes {
                    file,
                    range: 13..17,
                },
                self.say("first here"),
            )
            .help(self.say("keep one of them")),
            Diagnostic::new(
                Code::UdpAllowed,
                self.say("the rule `u` allows UDP"),
                Place::Bytes { file, range: 0..4 },
            ),
            Diagnostic::new(Code::FileNotUtf8, self.say("not UTF-8"), Place::File(other)),
        ];
        let files = sources
            .files()
            .map(|(_, file)| file.name().to_owned())
            .collect();
        PackDiagnostics::new(
            list.iter()
                .map(|finding| Annotation::of_file(&sources, finding))
                .collect(),
            files,
        )
    }

    /// The plan in all formats, by name.
    pub(super) fn formats(&self) -> Vec<(&'static str, String)> {
        let plan = self.plan();
        let findings = self.findings().with(Annotation::of_plan(&plan));
        render(Some(&plan), &findings)
    }
}

pub(super) fn options() -> CommentOptions {
    CommentOptions {
        marker: "production".parse().unwrap(),
        most: GITHUB_COMMENT,
    }
}

/// A plan, or none, in all formats.
pub(super) fn render(
    plan: Option<&Plan>,
    findings: &PackDiagnostics,
) -> Vec<(&'static str, String)> {
    let prefix = RepositoryPrefix::new("deploy/policies here");
    let plain = polwarden::render::layout::Layout::plain();
    vec![
        (
            "human",
            plan.map(|plan| polwarden::render::plan::human(plan, None, plain))
                .unwrap_or_default(),
        ),
        (
            "json",
            plan.map(|plan| polwarden::render::plan::json(plan).unwrap())
                .unwrap_or_default(),
        ),
        ("markdown", markdown::plan(plan, findings, &options())),
        (
            "github",
            github::github(Some("Plan: 1 call (1 delete policy)."), findings, &prefix),
        ),
        ("gitlab", gitlab::gitlab(findings, &prefix).unwrap()),
        ("sarif", sarif::sarif(findings, &prefix).unwrap()),
        ("junit", junit::plan(plan, findings, &prefix).unwrap()),
        ("html", html::html(plan, findings)),
    ]
}
