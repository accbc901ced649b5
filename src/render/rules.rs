//! What each code, guard, gate and exit code means: the text of `polwarden explain CODE`, of docs/reference/rules.md and of the
//! rules in SARIF.

use schemars::JsonSchema;
use serde::Serialize;

use super::annotations::{AnnotationLevel, AnnotationRule, PlanRule};
use super::paint::Painter;
use crate::plan::Guard;
use model::diag::{Code, CodeGuide, Severity, did_you_mean};

/// The version of the JSON form; a change that breaks readers raises it.
pub const FORMAT_VERSION: u32 = 1;

/// What a code means and what to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RuleEntry {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The code, or the number of an exit code.
    pub code: &'static str,
    /// What the code belongs to.
    pub kind: EntryKind,
    /// `error`, `warning`, `note` or `notice`; missing for guards, gates and exit codes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<&'static str>,
    /// The meaning, in one or two sentences.
    pub meaning: &'static str,
    /// An example that causes it, in Markdown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wrong: Option<&'static str>,
    /// The corrected example, in Markdown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub right: Option<&'static str>,
    /// Why it is reported.
    pub reason: &'static str,
    /// What to do about it.
    pub fix: &'static str,
}

/// What a code belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum EntryKind {
    /// A diagnostic of files.
    Diagnostic,
    /// What a plan, a drift report or a test run draws attention to.
    Finding,
    /// What `apply` refuses until it is acknowledged.
    Guard,
    /// A requirement on access.
    Gate,
    /// An exit code.
    ExitCode,
}

/// All entries, in the order of docs/reference/rules.md.
pub fn all() -> impl Iterator<Item = RuleEntry> {
    let codes = Code::ALL.iter().map(|code| diagnostic(*code));
    let findings = PlanRule::ALL.iter().map(|rule| finding(*rule));
    let guards = Guard::ALL.iter().map(|it| guard(*it));
    codes
        .chain(findings)
        .chain(guards)
        .chain(GATES)
        .chain(EXIT_CODES)
}

/// The entry of a code. Exit codes are numbers, optionally after `exit-`.
pub fn find(text: &str) -> Option<RuleEntry> {
    let code = text.strip_prefix("exit-").unwrap_or(text);
    all().find(|entry| entry.code == code)
}

/// The code that was probably meant.
pub fn suggest(text: &str) -> Option<&'static str> {
    did_you_mean(all().map(|entry| entry.code), text)
}

/// The entry of a rule of annotations.
pub fn of_annotation(rule: AnnotationRule) -> RuleEntry {
    match rule {
        AnnotationRule::File(code) => diagnostic(code),
        AnnotationRule::Plan(rule) => finding(rule),
    }
}

fn level(rule: AnnotationRule) -> Option<&'static str> {
    Some(match rule.weight() {
        AnnotationLevel::Error => "error",
        AnnotationLevel::Warning => "warning",
        AnnotationLevel::Notice => "notice",
    })
}

fn diagnostic(code: Code) -> RuleEntry {
    let CodeGuide {
        wrong,
        right,
        reason,
        fix,
    } = code.guide();
    RuleEntry {
        format_version: FORMAT_VERSION,
        code: code.as_str(),
        kind: EntryKind::Diagnostic,
        severity: Some(match code.severity() {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }),
        meaning: code.description(),
        wrong: Some(wrong),
        right: Some(right),
        reason,
        fix,
    }
}

fn finding(rule: PlanRule) -> RuleEntry {
    let (reason, fix) = finding_guide(rule);
    let rule = AnnotationRule::Plan(rule);
    RuleEntry {
        format_version: FORMAT_VERSION,
        code: rule.as_str(),
        kind: EntryKind::Finding,
        severity: level(rule),
        meaning: rule.description(),
        wrong: None,
        right: None,
        reason,
        fix,
    }
}

/// Reason and fix.
fn finding_guide(rule: PlanRule) -> (&'static str, &'static str) {
    match rule {
        PlanRule::GateShut => (
            "`plan` and `apply` exit with 4 while a gate fails.",
            "Change the rule that the breach names, or the gate in a reviewed change.",
        ),
        PlanRule::EnforcementLoosens => (
            "Violations that were blocked are only reported afterwards, or not at all.",
            "Check that the new level is intended.",
        ),
        PlanRule::EnforcementTightens => (
            "Updates that passed may be blocked afterwards.",
            "Tell the people whose updates may be blocked.",
        ),
        PlanRule::AccessOpens => (
            "Opened access is the main risk of a change.",
            "Check who gains access to what; narrow the rule if it is more than intended.",
        ),
        PlanRule::AccessCloses => (
            "Tools that use this access stop working.",
            "Tell the people who use it, or keep the rule.",
        ),
        PlanRule::Guarded => (
            "The change is risky even if it is correct, so a person must confirm the exact plan.",
            "Check the plan, then pass the value of `--ack` that it prints.",
        ),
        PlanRule::Gap => (
            "The service offers no order of calls without this moment.",
            "Accept the moment, make the change in smaller steps, or refuse such plans with `--no-gap`.",
        ),
        PlanRule::NotCompared => (
            "The analysis reached its work limit or met content that this version does not understand.",
            "Check the change itself, and simplify rules with several wildcards.",
        ),
        PlanRule::GoesBack => (
            "The live document was changed after the version in git.",
            "Import the live document, or apply to restore the older version.",
        ),
        PlanRule::Held => (
            "The service or the configuration does not allow the change.",
            "Read the reason beside the change; it says what must happen first.",
        ),
        PlanRule::RemovedStillLive => (
            "Deleting a manifest does not delete its policy, which stays in force.",
            "Add the name to `removed` of the target to delete the policy, or restore the manifest.",
        ),
        PlanRule::ProbableRename => (
            "Without an alias, the new policy is added beside the old one.",
            "Add the old name to `metadata.aliases` of the manifest.",
        ),
        PlanRule::RemovedNotLive => (
            "The policy is deleted already, or the name is misspelled.",
            "Remove the entry from `removed`, or correct the name.",
        ),
        PlanRule::ConfigChanged => (
            "Settings decide what a plan may delete and what it must not open.",
            "Check that the change of the setting is intended.",
        ),
        PlanRule::ProtectionRemoved => (
            "The next change may delete the policy without the guard `protected`.",
            "Check that the policy no longer needs protection.",
        ),
        PlanRule::TestRemoved => (
            "A deleted test no longer notices a regression.",
            "Check that what the test proved is no longer needed.",
        ),
        PlanRule::ManifestNotRead => (
            "A policy in a file that is not read looks like a removed one.",
            "Give the file a name that ends in `.yaml`, `.yml` or `.json`, below a path of the target.",
        ),
        PlanRule::ConfusableName => (
            "A reviewer may take the unmanaged policy for the declared one.",
            "Check who created the policy; delete it with `removed`, or rename one of the two.",
        ),
        PlanRule::Drift => (
            "`drift` exits with 8, and the next `apply` undoes the change.",
            "Run `polwarden import --only NAME` to keep the change, or `polwarden apply` to undo it.",
        ),
        PlanRule::DriftOpens => (
            "Access was opened without a review.",
            "Undo it with `polwarden apply`, or import and review it.",
        ),
        PlanRule::DriftCloses => (
            "Tools that use this access do not work at the moment.",
            "Undo it with `polwarden apply`, or import and review it.",
        ),
        PlanRule::CallFailed => (
            "The server refused the call, another client changed the object, or the server could not be reached.",
            "Read the message, correct the cause, and run the command after `Next:` in the summary.",
        ),
        PlanRule::CallUnknown => (
            "Nothing proves whether the server applied the call.",
            "Run `polwarden plan`: it compares the manifests with the live state.",
        ),
        PlanRule::TestFailed => (
            "The manifests allow or deny something else than the test expects; `test` exits with 4.",
            "Correct the rules, or the expectation if the change is intended.",
        ),
    }
}

fn guard(guard: Guard) -> RuleEntry {
    let (meaning, wrong, right, reason) = match guard {
        Guard::Deletes => (
            "The plan deletes more rules than `maxDeletes` of the target.",
            "a plan that deletes 14 of 20 rules, without `--ack`",
            "`--ack deletes=14,plan=0f3a6c2b9d1e4587`",
            "A wrong path or a bad merge often shows as many deletions.",
        ),
        Guard::Updates => (
            "The plan updates more rules than `maxUpdates` of the target.",
            "a plan that updates 12 of 20 rules, without `--ack`",
            "`--ack updates=12,plan=0f3a6c2b9d1e4587`",
            "A wrong search and replace often shows as many updates.",
        ),
        Guard::Prune => (
            "The plan deletes or replaces live policies that no manifest declares.",
            "`unmanaged: prune` and 2 unmanaged policies, without `--ack`",
            "`--ack prune=2,plan=0f3a6c2b9d1e4587`",
            "Another team may rely on these policies.",
        ),
        Guard::ScopeWidens => (
            "A policy for some people becomes a policy for the whole organization.",
            "`scope` removed from a policy, without `--ack`",
            "`--ack scope-widens=1,plan=0f3a6c2b9d1e4587`",
            "A missing scope is easily overlooked in a review.",
        ),
        Guard::LastDeny => (
            "A policy loses its last deny rule.",
            "the only deny rule deleted, without `--ack`",
            "`--ack last-deny=1,plan=0f3a6c2b9d1e4587`",
            "The deny rule may be what keeps a later allow rule from opening something.",
        ),
        Guard::Protected => (
            "A policy with `protect: true` is deleted, replaced or emptied.",
            "the domain of a protected policy changed, without `--ack`",
            "`--ack protected=1,plan=0f3a6c2b9d1e4587`",
            "The policy is marked as essential.",
        ),
        Guard::PackRemoved => (
            "A policy pack is removed from a policy group that stays.",
            "an entry of `policyPacks` deleted, without `--ack`",
            "`--ack pack-removed=1,plan=0f3a6c2b9d1e4587`",
            "The policies of the pack are no longer enforced for the group.",
        ),
        Guard::AllHosts => (
            "The plan adds rules that allow every host or every path.",
            "a new rule for `**`, without `--ack`",
            "`--ack all-hosts=1,plan=0f3a6c2b9d1e4587`",
            "Such a rule makes all other allow rules of its kind ineffective.",
        ),
        Guard::Mcp => (
            "A gate depends on a changed Cedar policy, which is not analyzed.",
            "a changed Cedar policy and `--deny-widening`, without `--ack`",
            "`--ack mcp=1,plan=0f3a6c2b9d1e4587`",
            "Nothing proves that the change opens no access.",
        ),
        Guard::NotAnalyzed => (
            "The plan or a gate depends on a policy that this version does not understand.",
            "a changed policy with an unknown field, without `--ack`",
            "`--ack not-analyzed=1,plan=0f3a6c2b9d1e4587`",
            "Nothing proves what the change does.",
        ),
    };
    RuleEntry {
        format_version: FORMAT_VERSION,
        code: guard.as_str(),
        kind: EntryKind::Guard,
        severity: None,
        meaning,
        wrong: Some(wrong),
        right: Some(right),
        reason,
        fix: "Check the plan. If all of it is intended, pass the value of `--ack` that `plan` prints; it is valid for \
              this plan only.",
    }
}

const fn gate(
    code: &'static str,
    meaning: &'static str,
    examples: (&'static str, &'static str),
    reason: &'static str,
    fix: &'static str,
) -> RuleEntry {
    RuleEntry {
        format_version: FORMAT_VERSION,
        code,
        kind: EntryKind::Gate,
        severity: None,
        meaning,
        wrong: Some(examples.0),
        right: Some(examples.1),
        reason,
        fix,
    }
}

const GATES: [RuleEntry; 4] = [
    gate(
        "never",
        "No request that matches the pattern may be allowed for the audience.",
        (
            "`never: [\"tcp **.paste.example.com\"]` and a rule that allows `a.paste.example.com`",
            "a deny rule for `**.paste.example.com`, or no such allow rule",
        ),
        "The gate is an invariant that no reviewed change may break.",
        "Deny the pattern, or change the gate in `access.never` of `polwarden.yaml`.",
    ),
    gate(
        "always",
        "Every request that matches the pattern must be allowed for the audience.",
        (
            "`always: [\"tcp status.example.com:443\"]` and a deny rule for `**.example.com`",
            "a deny rule that does not cover `status.example.com`",
        ),
        "Something essential would stop working.",
        "Allow the pattern, or change the gate in `access.always` of `polwarden.yaml`.",
    ),
    gate(
        "deny-widening",
        "The change may not open any access (`--deny-widening`).",
        (
            "a new allow rule in a pipeline with `--deny-widening`",
            "a change that only denies",
        ),
        "Some pipelines may only reduce access.",
        "Remove what opens access, or permit it with `--allow-widening PATTERN`.",
    ),
    gate(
        "allow-widening",
        "The change may open access only within the given patterns (`--allow-widening`).",
        (
            "`--allow-widening 'tcp **.example.com:443'` and a new rule for `example.org`",
            "a new rule for `api.example.com:443`",
        ),
        "It limits what a change can open without another approval.",
        "Narrow the rule, or add a pattern that covers it.",
    ),
];

const fn exit_code(
    code: &'static str,
    meaning: &'static str,
    reason: &'static str,
    fix: &'static str,
) -> RuleEntry {
    RuleEntry {
        format_version: FORMAT_VERSION,
        code,
        kind: EntryKind::ExitCode,
        severity: None,
        meaning,
        wrong: None,
        right: None,
        reason,
        fix,
    }
}

const EXIT_CODES: [RuleEntry; 9] = [
    exit_code(
        "0",
        "Nothing to do, or done.",
        "The command did what it was asked to do.",
        "Nothing.",
    ),
    exit_code(
        "1",
        "An error without an exit code of its own.",
        "For example a wrong argument, a missing credential, or a server that does not answer.",
        "Read the message on standard error; `polwarden doctor` checks the usual causes.",
    ),
    exit_code(
        "2",
        "Changes are pending.",
        "Only with `plan --detailed-exitcode`.",
        "Apply the plan, or ignore the code.",
    ),
    exit_code(
        "3",
        "The manifests are invalid.",
        "Nothing is planned from manifests with errors.",
        "Correct the errors; `polwarden validate` shows all of them.",
    ),
    exit_code(
        "4",
        "A policy test or an access gate failed.",
        "The change breaks what a test or a gate requires.",
        "Correct the rules, the test or the gate.",
    ),
    exit_code(
        "5",
        "A safety guard refused, or nobody could be asked for approval.",
        "The change is risky, the commit does not meet a requirement, or no terminal is available.",
        "Read the refusal: it names the value of `--ack`, the requirement, or `--auto-approve`.",
    ),
    exit_code(
        "6",
        "The plan is stale.",
        "The live state changed after the plan was made, or the plan is not the expected one.",
        "Make a new plan and review it.",
    ),
    exit_code(
        "7",
        "Applied in part.",
        "Some calls were applied, and others failed, are unknown or were skipped.",
        "Run the command after `Next:` in the summary; `polwarden show last` shows each call.",
    ),
    exit_code(
        "8",
        "Drift.",
        "The live state differs from the manifests of the revision.",
        "Run `polwarden apply` to undo it, or `polwarden import --only NAME` to keep it.",
    ),
];

impl RuleEntry {
    /// What it belongs to, and what follows from it.
    fn kind_words(&self) -> &'static str {
        match self.kind {
            EntryKind::Diagnostic if self.severity == Some("error") => {
                "error: nothing is planned while it is there"
            }
            EntryKind::Diagnostic if self.severity == Some("note") => "note: needs no correction",
            EntryKind::Diagnostic => "warning: likely a mistake; nothing stops",
            EntryKind::Finding => match self.code {
                code if code == AnnotationRule::Plan(PlanRule::GateShut).as_str() => {
                    "error: nothing is applied while it is there"
                }
                "drift" => "error: `drift` exits with 8 because of it",
                "policy-test-failed" => "error: `test` exits with 4 because of it",
                "apply-call-failed" | "apply-call-unknown" => {
                    "error: `apply` exits with 1, 6 or 7 because of it"
                }
                _ if self.severity == Some("warning") => "warning: a reviewer should look at it",
                _ => "notice: a reviewer may want to know",
            },
            EntryKind::Guard => "guard",
            EntryKind::Gate => "gate",
            EntryKind::ExitCode => "exit code",
        }
    }

    /// The text for a terminal.
    pub fn human(&self, painter: Painter) -> String {
        let mut text = format!(
            "{} ({})\n\n{}\n\n",
            painter.strong(self.code),
            self.kind_words(),
            self.meaning
        );
        let parts = [
            ("Wrong:", self.wrong),
            ("Right:", self.right),
            ("Reason:", Some(self.reason)),
            ("Fix:", Some(self.fix)),
        ];
        for (label, part) in parts {
            if let Some(part) = part {
                text.push_str(&format!("{label:8} {part}\n"));
            }
        }
        text
    }

    /// The text for SARIF: plain, or Markdown.
    pub fn help(&self) -> String {
        let mut text = self.meaning.to_owned();
        if let (Some(wrong), Some(right)) = (self.wrong, self.right) {
            text.push_str(&format!("\n\nWrong: {wrong}\n\nRight: {right}"));
        }
        text.push_str(&format!(
            "\n\nReason: {}\n\nFix: {}\n\nThe same text: `polwarden explain {}`",
            self.reason, self.fix, self.code
        ));
        text
    }

    /// The entry as JSON.
    ///
    /// # Errors
    /// It cannot be serialized, which does not happen for plain data.
    pub fn json(&self) -> serde_json::Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}

/// The beginning of docs/reference/rules.md.
const INTRODUCTION: &str = include_str!("rules.md");

/// The page docs/reference/rules.md.
pub fn page() -> String {
    let of = |kind: EntryKind| all().filter(move |entry| entry.kind == kind);
    let mut page = INTRODUCTION.to_owned();
    page.push_str("\n| code | severity | meaning | wrong | right |\n|---|---|---|---|---|\n");
    for entry in of(EntryKind::Diagnostic) {
        let code = format!("`{}`", entry.code);
        let severity = entry.severity.unwrap_or_default();
        page.push_str(&row(&[
            &code,
            severity,
            entry.meaning,
            wrong(&entry),
            right(&entry),
        ]));
    }
    page.push_str("\n## Reasons and fixes\n\n| code | reason | fix |\n|---|---|---|\n");
    for entry in of(EntryKind::Diagnostic) {
        page.push_str(&row(&[
            &format!("`{}`", entry.code),
            entry.reason,
            entry.fix,
        ]));
    }
    page.push_str(
        "\n## Plans, drift and tests\n\nSee [formats.md](formats.md) for the formats that \
         contain them.\n\n| code | severity | meaning | reason | fix |\n|---|---|---|---|---|\n",
    );
    for entry in of(EntryKind::Finding) {
        let code = format!("`{}`", entry.code);
        let severity = entry.severity.unwrap_or_default();
        page.push_str(&row(&[
            &code,
            severity,
            entry.meaning,
            entry.reason,
            entry.fix,
        ]));
    }
    page.push_str(
        "\n## Guards\n\n`apply` refuses (exit code 5) until the exact plan is acknowledged: check it, then pass the value of \
         `--ack` that\n`plan` prints. See [guards.md](guards.md).\n\n\
         | guard | meaning | wrong | right | reason |\n|---|---|---|---|---|\n",
    );
    for entry in of(EntryKind::Guard) {
        let code = format!("`{}`", entry.code);
        page.push_str(&row(&[
            &code,
            entry.meaning,
            wrong(&entry),
            right(&entry),
            entry.reason,
        ]));
    }
    page.push_str(
        "\n## Gates\n\n`plan` and `apply` exit with 4 if a gate fails. See [gates.md](gates.md).\n\n\
         | gate | meaning | wrong | right | reason | fix |\n|---|---|---|---|---|---|\n",
    );
    for entry in of(EntryKind::Gate) {
        let code = format!("`{}`", entry.code);
        page.push_str(&row(&[
            &code,
            entry.meaning,
            wrong(&entry),
            right(&entry),
            entry.reason,
            entry.fix,
        ]));
    }
    page.push_str(
        "\n## Exit codes\n\nThey are the same for every command and format.\n\n\
         | exit code | meaning | reason | fix |\n|--:|---|---|---|\n",
    );
    for entry in of(EntryKind::ExitCode) {
        page.push_str(&row(&[entry.code, entry.meaning, entry.reason, entry.fix]));
    }
    page
}

fn wrong(entry: &RuleEntry) -> &'static str {
    entry.wrong.unwrap_or_default()
}

fn right(entry: &RuleEntry) -> &'static str {
    entry.right.unwrap_or_default()
}

/// A row of a table. A bar inside of code would end the cell, so such code is written as HTML.
fn row(cells: &[&str]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| escape(cell)).collect();
    format!("| {} |\n", cells.join(" | "))
}

fn escape(cell: &str) -> String {
    if !cell.contains('|') {
        return cell.to_owned();
    }
    let mut text = String::new();
    for (position, part) in cell.split('`').enumerate() {
        match (position % 2 == 1, part.contains('|')) {
            (true, true) => {
                text.push_str(&format!("<code>{}</code>", part.replace('|', "&#124;")));
            }
            (true, false) => text.push_str(&format!("`{part}`")),
            (false, _) => text.push_str(&part.replace('|', "&#124;")),
        }
    }
    text
}
