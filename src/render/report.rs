//! Renders the outcomes of calls.

use crate::plan::{AccessImpact, PlannedCall, PlannedOperation, SentOperation};
use crate::render::paint::Painter;
use crate::render::plan::access_view::{AccessLineKind, AccessView};
use crate::render::plan::patterns::ListDetail;
use crate::render::text::{count_of, neutral, neutral_lines};
use crate::run::{
    CallCounts, CallFailure, CallOutcome, CleanedUpVersion, Confirmation, LiveObject,
    ObjectDifference, Remedy, SkipReason,
};
use model::chainloop::LiveDocument;
use model::docker::{DockerOperation, Extensions, LiveContent, LivePolicy, LiveRule, RuleValue};
use model::pulumi::{LiveGroup, LiveGroupBody, LivePack};
use model::{chainloop, pulumi};

/// Why a call was not simply applied or adopted, as one sentence without line breaks.
pub fn failure_text(outcome: &CallOutcome) -> Option<String> {
    let text = match outcome {
        CallOutcome::Applied(_) | CallOutcome::Adopted => return None,
        CallOutcome::Replaced(difference) => format!(
            "it replaced a change by another client{}",
            expected_and_found(difference)
        ),
        CallOutcome::Skipped(reason) => skip_reason(*reason).to_owned(),
        CallOutcome::Unknown { error, read_back } => {
            format!("outcome unknown: {error}; it could not be read back: {read_back}")
        }
        CallOutcome::Failed(failure) => {
            let (head, more) = failed(failure);
            format!("{head}{more}")
        }
    };
    Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// One line for a call, followed by the details of a failure.
pub fn call_line(call: &PlannedCall, outcome: &CallOutcome, painter: Painter) -> String {
    let what = describe(call);
    match outcome {
        CallOutcome::Applied(Confirmation::Answered) => format!("  {} {what}", painter.good("✓")),
        CallOutcome::Applied(Confirmation::ReadBack) => {
            format!(
                "  {} {what} (no usable answer; the live state shows that it was applied)",
                painter.good("✓")
            )
        }
        CallOutcome::Replaced(difference) => {
            let head = painter.bad("applied; it replaced a change by another client");
            format!(
                "  {} {what}: {head}{}",
                painter.bad("!"),
                expected_and_found(difference)
            )
        }
        CallOutcome::Adopted => format!(
            "  {} {what}: adopted (already in the desired state, made by another client)",
            painter.good("=")
        ),
        CallOutcome::Skipped(reason) => {
            format!(
                "  {} {what}: skipped, {}",
                painter.dim("·"),
                skip_reason(*reason)
            )
        }
        CallOutcome::Unknown { error, read_back } => {
            let head = painter.bad("outcome unknown; it may have been applied");
            format!(
                "  {} {what}: {head}{}{}",
                painter.bad("?"),
                indented(&error.to_string()),
                indented(&format!("It could not be read back: {read_back}"))
            )
        }
        CallOutcome::Failed(failure) => {
            let (head, more) = failed(failure);
            format!("  {} {what}: {}{more}", painter.bad("✗"), painter.bad(head))
        }
    }
}

fn failed(failure: &CallFailure) -> (&'static str, String) {
    match failure {
        CallFailure::Refused(error) => ("failed, not applied", indented(&error.to_string())),
        CallFailure::Conflict { error, difference } => {
            let said = error
                .as_ref()
                .map(|error| indented(&error.to_string()))
                .unwrap_or_default();
            (
                "failed: changed by another client",
                said + &expected_and_found(difference),
            )
        }
        CallFailure::Stale { stale, difference } => (
            "not sent",
            indented(&format!("{stale}.")) + &expected_and_found(difference),
        ),
        CallFailure::NoUpload { pack, tag } => (
            "not sent",
            indented(&format!(
                "No upload address for version {tag} of pack `{pack}` was received, or its archive is not available."
            )),
        ),
        CallFailure::NotChecked(error) => (
            "not sent, since its policy could not be read just before",
            indented(&error.to_string()),
        ),
        CallFailure::Service(error) => ("not sent", indented(&format!("{error}."))),
        CallFailure::Journal(error) => ("not sent", indented(&format!("{error}."))),
    }
}

/// A failed call and its error in one line, for the summary of a run.
pub fn failure_line(call: &PlannedCall, outcome: &CallOutcome) -> Option<String> {
    let CallOutcome::Failed(failure) = outcome else {
        return None;
    };
    let error = match failure {
        CallFailure::Refused(error) | CallFailure::NotChecked(error) => {
            let request = error.request_id();
            let request = request.map(|id| format!(" (request id {id})"));
            format!("{}{}", error.kind(), request.unwrap_or_default())
        }
        CallFailure::Conflict { .. } => "changed by another client".to_owned(),
        CallFailure::Stale { stale, .. } => stale.to_string(),
        CallFailure::NoUpload { .. } => "the archive could not be uploaded".to_owned(),
        CallFailure::Service(error) => error.to_string(),
        CallFailure::Journal(error) => error.to_string(),
    };
    Some(format!("{}: {}", describe(call), neutral(&error)))
}

/// Why a call was skipped.
pub fn skip_reason(reason: SkipReason) -> String {
    match reason {
        SkipReason::AfterFailure { call } => format!("because call {} failed", call.0),
        SkipReason::Stopped => "because the run was stopped".to_owned(),
        SkipReason::PlanStale => "because the plan is stale".to_owned(),
        SkipReason::MissingId => "because an id from an earlier call is missing".to_owned(),
    }
}

/// Indents text below the line of a call.
pub(super) fn indented(text: &str) -> String {
    format!("\n      {}", neutral_lines(text).replace('\n', "\n      "))
}

/// The expected value and the value that another client left, each on a line.
pub fn expected_and_found(difference: &ObjectDifference) -> String {
    let ObjectDifference { planned, found } = difference;
    let says = |object: &Option<LiveObject>| {
        object
            .as_ref()
            .map_or_else(|| "nothing".to_owned(), object_line)
    };
    indented(&format!("expected: {}", says(planned)))
        + &indented(&format!("found:    {}", says(found)))
}

pub fn object_line(object: &LiveObject) -> String {
    match object {
        LiveObject::Policy(policy) => policy_line(policy),
        LiveObject::Rule(rule) => rule_line(rule),
        LiveObject::Pack(pack) => pack_line(pack),
        LiveObject::Group(group) => group_line(group),
        LiveObject::Document(document) => document_line(document),
    }
}

/// A policy with its rules in one line.
pub fn policy_line(policy: &LivePolicy) -> String {
    let LivePolicy {
        id,
        name,
        scope,
        content,
        created_at: _,
        updated_at,
        unknown_scope_fields: _,
        unknown_fields,
    } = policy;
    let people = if scope.is_organization_wide() {
        "everybody".to_owned()
    } else {
        let teams = scope.teams.iter().map(|team| format!("team {team}"));
        teams
            .chain(
                scope
                    .profiles
                    .iter()
                    .map(|profile| format!("profile {profile}")),
            )
            .collect::<Vec<_>>()
            .join(", ")
    };
    let says = match content {
        LiveContent::Rules(rules) => {
            let rules: Vec<String> = rules.iter().map(rule_line).collect();
            if rules.is_empty() {
                "no rules".to_owned()
            } else {
                rules.join("; ")
            }
        }
        LiveContent::Cedar(cedar) => {
            format!(
                "Cedar text of {}",
                count_of(cedar.text.lines().count(), "line")
            )
        }
        LiveContent::Opaque(opaque) => format!("it {}", opaque.why),
    };
    let settings = Extensions::of_live(unknown_fields).texts().join(", ");
    let settings = if settings.is_empty() {
        settings
    } else {
        format!(" ({settings})")
    };
    neutral(&format!(
        "policy \"{name}\" ({id}), changed {updated_at}, for {people}: {says}{settings}"
    ))
    .into_owned()
}

fn pack_line(pack: &LivePack) -> String {
    let LivePack {
        name,
        display_name: _,
        publisher: _,
        versions,
        unknown_fields: _,
    } = pack;
    let tags: Vec<&str> = versions
        .iter()
        .map(|version| version.tag.as_str())
        .collect();
    neutral(&format!(
        "pack \"{name}\" with the versions {}",
        tags.join(", ")
    ))
    .into_owned()
}

fn group_line(group: &LiveGroup) -> String {
    let LiveGroup {
        name,
        is_default: _,
        body,
        unknown_fields: _,
    } = group;
    let says = match body {
        Ok(LiveGroupBody {
            entity_type: _,
            mode: _,
            stacks,
            accounts: _,
            packs,
            agent_pool: _,
        }) => {
            let packs: Vec<String> = packs
                .iter()
                .map(|pack| format!("{} {}", pack.name, pack.tag))
                .collect();
            let stacks: Vec<String> = stacks.iter().map(ToString::to_string).collect();
            format!(
                "packs {}; stacks {}",
                join_or_none(&packs),
                join_or_none(&stacks)
            )
        }
        Err(opaque) => format!("it {}", opaque.why),
    };
    neutral(&format!("group \"{name}\": {says}")).into_owned()
}

fn document_line(document: &LiveDocument) -> String {
    let LiveDocument {
        kind,
        name,
        bytes: _,
        digest,
        latest: _,
        builtin,
        organization,
        versions: _,
        inputs_schema: _,
    } = document;
    let whose = match (builtin, organization) {
        (true, _) => ", builtin".to_owned(),
        (false, Some(owner)) => format!(" of {owner}"),
        (false, None) => String::new(),
    };
    let kind = kind.words();
    neutral(&format!("{kind} \"{name}\"{whose}: {digest}")).into_owned()
}

fn join_or_none(texts: &[String]) -> String {
    if texts.is_empty() {
        "none".to_owned()
    } else {
        texts.join(", ")
    }
}

pub fn rule_line(rule: &LiveRule) -> String {
    let LiveRule {
        id: _,
        name,
        rule,
        unknown_fields,
    } = rule;
    let says = match rule {
        Ok(rule) => {
            let values = rule.fields();
            // The name is already shown.
            let values = values
                .iter()
                .filter(|value| !matches!(value, RuleValue::Name(_)));
            let texts: Vec<String> = values
                .map(RuleValue::to_string)
                .chain(Extensions::of_live(unknown_fields).texts())
                .filter(|text| !text.is_empty())
                .collect();
            texts.join(" ")
        }
        Err(opaque) => format!("it {}", opaque.why),
    };
    neutral(&format!("rule \"{name}\": {says}")).into_owned()
}

/// A call in words: `create rule "allow npm" in policy "Package managers"`.
pub fn describe(call: &PlannedCall) -> String {
    match &call.send {
        PlannedOperation::Docker(send) => docker_words(send, &call.name, call.part.as_deref()),
        PlannedOperation::Pulumi(send) => pulumi_words(send),
        PlannedOperation::Chainloop(send) => chainloop_words(send),
    }
}

/// A call in words, by the names of the object and of its part.
pub fn describe_sent(sent: &SentOperation, name: &str, part: Option<&str>) -> String {
    match sent {
        SentOperation::Docker(send) => docker_words(send, name, part),
        SentOperation::Pulumi(send) => pulumi_words(send),
        SentOperation::Chainloop(send) => chainloop_words(send),
    }
}

/// Includes the digest, which identifies the version.
fn chainloop_words(send: &chainloop::ChainloopOperation) -> String {
    let chainloop::SentDocument {
        name,
        digest,
        bytes: _,
    } = send.document();
    neutral(&format!(
        "{} \"{name}\" as {}",
        send.kind().words(),
        digest.short()
    ))
    .into_owned()
}

fn pulumi_words(send: &pulumi::PulumiOperation) -> String {
    use pulumi::{GroupChange, PulumiOperation};
    let text = match send {
        PulumiOperation::CreatePackVersion { version } => {
            format!(
                "begin version {} of pack \"{}\"",
                version.version_tag, version.name
            )
        }
        PulumiOperation::PutArchive { pack, tag, .. } => {
            format!("upload the archive of version {tag} of pack \"{pack}\"")
        }
        PulumiOperation::CompletePackVersion { pack, tag } => {
            format!("complete version {tag} of pack \"{pack}\"")
        }
        PulumiOperation::DeletePackVersion { pack, version } => {
            format!("delete version {version} of pack \"{pack}\"")
        }
        PulumiOperation::DeletePack { pack } => format!("delete pack \"{pack}\""),
        PulumiOperation::CreateGroup { group } => format!("create group \"{}\"", group.name),
        PulumiOperation::DeleteGroup { group } => format!("delete group \"{group}\""),
        PulumiOperation::UpdateGroup { group, change } => match change {
            GroupChange::Rename { name } => format!("rename group \"{group}\" to \"{name}\""),
            GroupChange::AddStack { stack } => format!("add stack {stack} to group \"{group}\""),
            GroupChange::RemoveStack { stack } => {
                format!("remove stack {stack} from group \"{group}\"")
            }
            GroupChange::AddAccount { account } => {
                format!("add account \"{account}\" to group \"{group}\"")
            }
            GroupChange::RemoveAccount { account } => {
                format!("remove account \"{account}\" from group \"{group}\"")
            }
            GroupChange::SetAgentPool { agent_pool_id } if agent_pool_id.is_empty() => {
                format!("clear the agent pool of group \"{group}\"")
            }
            GroupChange::SetAgentPool { agent_pool_id } => {
                format!("set the agent pool of group \"{group}\" to \"{agent_pool_id}\"")
            }
            GroupChange::AddPack { pack, tag, .. } => {
                format!("enable version {tag} of pack \"{pack}\" in group \"{group}\"")
            }
            GroupChange::RemovePack { pack, version } => {
                format!("remove version {version} of pack \"{pack}\" from group \"{group}\"")
            }
        },
    };
    neutral(&text).into_owned()
}

/// The outcome of deleting an incomplete version.
pub fn cleaned_up(cleaned: &CleanedUpVersion, painter: Painter) -> String {
    let CleanedUpVersion { name, part, error } = cleaned;
    let what = neutral(&format!("version {part} of pack \"{name}\"")).into_owned();
    match error {
        None => format!(
            "  {} {what} was published incompletely and is deleted; its tag cannot be reused: raise `versionTag`",
            painter.notice("!")
        ),
        Some(error) => {
            let head =
                painter.bad("is half published, and could not be deleted; delete it yourself");
            format!("  {} {what} {head}{}", painter.bad("✗"), indented(error))
        }
    }
}

fn docker_words<P>(send: &DockerOperation<P>, policy: &str, rule: Option<&str>) -> String {
    let policy = neutral(policy);
    let kind = send.kind().words();
    match (send, rule) {
        (
            DockerOperation::<P>::CreateRule { .. }
            | DockerOperation::UpdateRule { .. }
            | DockerOperation::DeleteRule { .. },
            Some(rule),
        ) => format!("{kind} \"{}\" in policy \"{policy}\"", neutral(rule)),
        (_, _) => format!("{kind} \"{policy}\""),
    }
}

/// The calls by outcome: `4 applied · 0 adopted · 2 failed · 3 unknown · 0 skipped`.
pub fn counts(counts: &CallCounts) -> String {
    let CallCounts {
        applied,
        replaced,
        adopted,
        failed,
        unknown,
        skipped,
    } = *counts;
    let replaced = match replaced {
        0 => String::new(),
        count => format!(" ({count} replaced a change by another client)"),
    };
    let by = if adopted > 0 {
        " (made by another client)"
    } else {
        ""
    };
    format!(
        "{applied} applied{replaced} · {adopted} adopted{by} · {failed} failed · {unknown} unknown · \
         {skipped} skipped"
    )
}

/// The summary of a run names at most this many sets of requests of each kind.
const MOST_ROWS: usize = 3;

/// What a run that did not make all its calls leaves to be opened and closed, in one sentence: `open
/// beyond the plan: a.example.com (everyone)`.
pub fn remaining_access(access: &AccessImpact) -> String {
    let view = AccessView::of(access);
    let rows = |kind: AccessLineKind| -> Option<String> {
        let rows: Vec<String> = view
            .lines
            .iter()
            .filter(|line| line.kind == kind)
            .map(|line| format!("{} ({})", line.what(ListDetail::Folded("")), line.who))
            .collect();
        let more = rows.len().saturating_sub(MOST_ROWS);
        let mut text = rows.iter().take(MOST_ROWS).cloned().collect::<Vec<_>>();
        if more > 0 {
            text.push(format!("… and {more} more"));
        }
        (!rows.is_empty()).then(|| text.join("; "))
    };
    let mut parts = vec![match rows(AccessLineKind::Closed) {
        Some(open) => format!("open beyond the plan: {open}"),
        None if access.proven => "the policies of the plan open nothing beyond it".to_owned(),
        None => "whether anything is open beyond the plan was not analyzed".to_owned(),
    }];
    for (title, kind) in [
        ("still to open", AccessLineKind::Opened),
        ("still to deny", AccessLineKind::GuardAdded),
    ] {
        parts.extend(rows(kind).map(|rows| format!("{title}: {rows}")));
    }
    parts.join("; ")
}

/// What to do next, and the command. `command` is the one that was run.
pub fn next_step(remedy: Remedy, command: &str) -> String {
    let first = match remedy {
        Remedy::Again => return format!("{command} (it plans again from the live state)"),
        Remedy::CheckOutcome => {
            return "polwarden plan (it shows whether the calls with unknown outcome were applied)"
                .to_owned();
        }
        Remedy::ResolveError => "resolve the errors shown above",
        Remedy::FixRequest => "change what the server rejected (see the errors above)",
        Remedy::SignIn => "check the credentials",
        Remedy::GrantPermission => "grant the account the permission to change policies",
    };
    format!("{first}, then run: {command}")
}
