//! What became of the calls of a plan.

use crate::apply::journal::{ContentImage, DifferenceImage, ObjectImage, PolicyImage, RuleImage, RuleSays};
use crate::apply::{CallOutcome, Confirmation, Difference, Failure, Tally};
use crate::model::docker::{Operation, Resources};
use crate::plan::{Call, Sent, ToSend};
use crate::render::paint::Painter;
use crate::render::text::{neutral, neutral_lines};

/// One line for one call, and below it what is to be known about a failure.
pub fn call_line(call: &Call, outcome: &CallOutcome, painter: Painter) -> String {
    let what = describe(call);
    match outcome {
        CallOutcome::Applied(Confirmation::Answered) => format!("  {} {what}", painter.good("✓")),
        CallOutcome::Applied(Confirmation::ReadBack) => {
            format!("  {} {what} (no usable answer came; it was found applied)", painter.good("✓"))
        }
        CallOutcome::Overwrote(difference) => {
            let head = painter.bad("applied, over another writer's change");
            format!("  {} {what}: {head}{}", painter.bad("!"), both(&(&**difference).into()))
        }
        CallOutcome::NotAttempted => format!("  {} {what}: not attempted", painter.dim("·")),
        CallOutcome::Blocked { by } => {
            format!("  {} {what}: blocked, since call {} failed", painter.dim("·"), by.0)
        }
        CallOutcome::Failed(failure) => {
            let (head, more) = failed(failure);
            format!("  {} {what}: {}{more}", painter.bad("✗"), painter.bad(head))
        }
    }
}

fn failed(failure: &Failure) -> (&'static str, String) {
    match failure {
        Failure::Refused(error) => ("failed, not applied", below(&error.to_string())),
        Failure::Unknown { error, read_back } => {
            let more = below(&error.to_string()) + &below(&format!("It could not be read back: {read_back}"));
            ("failed; it may have been applied", more)
        }
        Failure::Overtaken { error, difference } => {
            let said = error.as_ref().map(|error| below(&error.to_string())).unwrap_or_default();
            ("failed: another writer was there", said + &differs(difference) + &below(AGAIN))
        }
        Failure::Moved { stale, difference } => {
            ("not sent", below(&format!("{stale}.")) + &differs(difference) + &below(AGAIN))
        }
        Failure::NotChecked(error) => {
            ("not sent, since its policy could not be read just before", below(&error.to_string()))
        }
        Failure::Journal(error) => ("not sent", below(&format!("{error}."))),
    }
}

const AGAIN: &str = "Run `polwarden apply` again: it plans from what is there now.";

fn differs(difference: &Difference) -> String {
    both(&difference.into())
}

/// Text below a line about a call.
pub(super) fn below(text: &str) -> String {
    format!("\n      {}", neutral_lines(text).replace('\n', "\n      "))
}

/// What was expected and what another writer had left, each on a line.
pub fn both(difference: &DifferenceImage) -> String {
    let DifferenceImage { planned, found } = difference;
    let says = |object: &Option<ObjectImage>| object.as_ref().map_or_else(|| "nothing".to_owned(), object_line);
    below(&format!("expected: {}", says(planned))) + &below(&format!("found:    {}", says(found)))
}

/// A policy or a rule in one line.
pub fn object_line(object: &ObjectImage) -> String {
    match object {
        ObjectImage::Policy(policy) => policy_line(policy),
        ObjectImage::Rule(rule) => rule_line(rule),
    }
}

/// A policy with its rules in one line.
pub fn policy_line(policy: &PolicyImage) -> String {
    let PolicyImage { id, name, scope, content, created_at: _, updated_at, unknown_scope_fields: _, unknown_fields: _ } =
        policy;
    let whom = if scope.is_organization_wide() {
        "everybody".to_owned()
    } else {
        let teams = scope.teams.iter().map(|team| format!("team {team}"));
        teams.chain(scope.profiles.iter().map(|profile| format!("profile {profile}"))).collect::<Vec<_>>().join(", ")
    };
    let holds = match content {
        ContentImage::Rules(rules) => {
            let rules: Vec<String> = rules.iter().map(rule_line).collect();
            if rules.is_empty() { "no rules".to_owned() } else { rules.join("; ") }
        }
        ContentImage::Cedar(cedar) => format!("Cedar text of {} lines", cedar.text.lines().count()),
        ContentImage::Opaque(opaque) => format!("it {}", opaque.why),
    };
    neutral(&format!("policy \"{name}\" ({id}), changed {updated_at}, for {whom}: {holds}")).into_owned()
}

fn rule_line(rule: &RuleImage) -> String {
    let RuleImage { id: _, name, says, unknown_fields: _ } = rule;
    let says = match says {
        RuleSays::Rule(rule) => {
            let actions: Vec<String> = rule.access.actions().iter().map(ToString::to_string).collect();
            let resources = match rule.access.resources() {
                Resources::Plain(texts) => texts.join(", "),
                Resources::Http(targets) => targets.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
            };
            format!("{} {} {resources}", rule.decision, actions.join(" "))
        }
        RuleSays::Opaque(opaque) => format!("it {}", opaque.why),
    };
    neutral(&format!("rule \"{name}\": {says}")).into_owned()
}

/// A call in words: `create rule "allow npm" in policy "Package managers"`.
pub fn describe(call: &Call) -> String {
    match &call.send {
        ToSend::Docker(send) => docker_words(send, &call.name, call.part.as_deref()),
    }
}

/// What was sent in words, with the name of what it is about, and that of the part.
pub fn describe_sent(sent: &Sent, name: &str, part: Option<&str>) -> String {
    match sent {
        Sent::Docker(send) => docker_words(send, name, part),
    }
}

fn docker_words<P>(send: &Operation<P>, policy: &str, rule: Option<&str>) -> String {
    let policy = neutral(policy);
    let kind = send.kind().words();
    match (send, rule) {
        (
            Operation::<P>::CreateRule { .. } | Operation::UpdateRule { .. } | Operation::DeleteRule { .. },
            Some(rule),
        ) => format!("{kind} \"{}\" in policy \"{policy}\"", neutral(rule)),
        (_, _) => format!("{kind} \"{policy}\""),
    }
}

/// How many calls were not applied, by what became of them: "1 failed, 2 blocked".
pub fn not_applied(tally: &Tally) -> String {
    let Tally { applied: _, overwrote: _, failed, unknown, blocked, not_attempted } = *tally;
    let failed = failed.saturating_sub(unknown);
    let parts = [(failed, "failed"), (unknown, "unknown"), (blocked, "blocked"), (not_attempted, "not attempted")];
    let parts: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    parts.join(", ")
}
