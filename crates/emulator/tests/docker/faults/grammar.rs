//! The text form of faults.

use std::num::NonZeroU64;
use std::time::Duration;

use emulator::{
    Chance, DockerFault, DockerFaultKind, DockerInterference, DockerOperationId,
    DockerRequestClass, DockerRequestSelection, ErrorStatus, FaultTiming, ObjectChoice,
    OrdinalRange, Probability, RuleChoice,
};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

#[test]
fn what_is_wrong_is_said_with_what_would_be_right() {
    for (text, wanted) in [
        ("", "unknown fault ``; faults are before-STATUS"),
        ("@write:1", "unknown fault ``"),
        ("rest", "did you mean `reset`?"),
        ("before-rset@1", "did you mean `before-reset`?"),
        ("rset-after", "did you mean `reset-after`?"),
        ("changerule", "did you mean `change-rule`?"),
        ("after-", "unknown fault `after-`"),
        ("429", "write before-429 or after-429"),
        ("before-200", "invalid error status `200`"),
        ("after-600", "expected 400 to 599"),
        ("after-99999999", "expected 400 to 599"),
        ("before-429=2.5s", "invalid Retry-After `2s 500ms`"),
        ("before-429=soon", "invalid duration `soon`"),
        ("before-429=-2s", "invalid duration `-2s`"),
        (
            "before-truncated",
            "a request that is not executed has no answer",
        ),
        ("after-delay=1s", "`delay` does not accept `after`"),
        ("delay", "`delay` needs a value, as in delay=200ms"),
        ("delay=1s/2s", "`delay` takes one duration"),
        ("reset=5", "`reset` takes no value"),
        ("revoke-tokens=any", "`revoke-tokens` takes no value"),
        ("add-policy=a/b", "`add-policy` takes the name of a policy"),
        (
            "change-rule=a/b/c",
            "`change-rule` takes RULE or POLICY/RULE",
        ),
        ("change-rule=", "invalid name ``"),
        ("change-rule=\"open@1", "a name that is empty"),
        ("change-rule=\"a\"b@1", "unexpected `b`"),
        ("change-rule=a@b@1", "unknown selector"),
        ("reset@", "unknown selector ``"),
        ("reset@wirtes", "did you mean `writes`?"),
        ("reset@createrule:1", "did you mean `createRule`?"),
        ("reset@prob=1", "unknown selector `prob=1`"),
        ("reset@write:0", "requests are counted from 1"),
        ("reset@0", "requests are counted from 1"),
        ("reset@write:x", "invalid request number `x`"),
        ("reset@write:", "invalid request number ``"),
        ("reset@5..3", "invalid range 5..3; write 3..5"),
        ("reset@times=0", "requests are counted from 1"),
        ("reset@p=0", "invalid probability `0`"),
        ("reset@p=1.1", "invalid probability `1.1`"),
        ("reset@p=NaN", "invalid probability `NaN`"),
        ("reset@p=x", "invalid probability `x`"),
        ("reset@p=1,seed=-1", "invalid seed `-1`"),
        ("reset@seed=1", "a seed needs a probability"),
        ("reset@reads,writes", "duplicate choice of requests"),
        ("reset@1,once,times=2", "duplicate number of faults"),
    ] {
        let error = text.parse::<DockerFault>().expect_err(text).to_string();
        assert!(error.contains(wanted), "{text}: {error}");
    }
}

fn when() -> impl Strategy<Value = FaultTiming> {
    select(vec![FaultTiming::Before, FaultTiming::After])
}

fn which() -> impl Strategy<Value = ObjectChoice> {
    prop_oneof![
        Just(ObjectChoice::Any),
        Just(ObjectChoice::Named("any".to_owned())),
        "[a-z/@\", =.é\\\\\u{0}-\u{1f}]{0,8}".prop_map(ObjectChoice::Named),
    ]
}

fn kind() -> impl Strategy<Value = DockerFaultKind> {
    let rule = || (which(), which()).prop_map(|(policy, rule)| RuleChoice { policy, rule });
    let change = prop_oneof![
        which().prop_map(DockerInterference::AddPolicy),
        which().prop_map(DockerInterference::RenamePolicy),
        which().prop_map(DockerInterference::ChangePolicy),
        which().prop_map(DockerInterference::DeletePolicy),
        rule().prop_map(DockerInterference::AddRule),
        rule().prop_map(DockerInterference::ChangeRule),
        rule().prop_map(DockerInterference::DeleteRule),
    ];
    prop_oneof![
        (when(), 400..600_u16, of(any::<u32>())).prop_map(|(when, status, retry_after)| {
            DockerFaultKind::Answer {
                when,
                status: ErrorStatus::try_from(status).unwrap(),
                retry_after,
            }
        }),
        when().prop_map(DockerFaultKind::Reset),
        when().prop_map(DockerFaultKind::Hang),
        when().prop_map(DockerFaultKind::Crash),
        when().prop_map(DockerFaultKind::Undecodable),
        Just(DockerFaultKind::Truncated),
        (0..10_000_000_u64).prop_map(|ms| DockerFaultKind::Delay(Duration::from_millis(ms))),
        Just(DockerFaultKind::RevokeTokens),
        change.prop_map(DockerFaultKind::OtherWriter),
    ]
}

fn selection() -> impl Strategy<Value = DockerRequestSelection> {
    let number = || (1..1000_u64).prop_map(|number| NonZeroU64::new(number).unwrap());
    let range = prop_oneof![
        number().prop_map(OrdinalRange::only),
        number().prop_map(OrdinalRange::from),
        (number(), number()).prop_map(|(a, b)| OrdinalRange::between(a.min(b), a.max(b)).unwrap()),
    ];
    let among = prop_oneof![
        Just(DockerRequestClass::Requests),
        Just(DockerRequestClass::Reads),
        Just(DockerRequestClass::Writes),
        select(DockerOperationId::ALL.to_vec()).prop_map(DockerRequestClass::Operation),
    ];
    let probability =
        (f64::MIN_POSITIVE..=1.0).prop_map(|number| Probability::try_from(number).unwrap());
    let chance =
        (probability, any::<u64>()).prop_map(|(probability, seed)| Chance { probability, seed });
    (among, of(range), of(chance), of(number())).prop_map(|(among, nth, chance, times)| {
        DockerRequestSelection {
            among,
            nth,
            chance,
            times,
        }
    })
}

proptest! {
    #[test]
    fn every_fault_can_be_written_and_read_again(kind in kind(), at in selection()) {
        let fault = DockerFault { kind, at };
        let text = fault.to_string();
        prop_assert_eq!(text.parse::<DockerFault>(), Ok(fault), "{}", text);
    }

    #[test]
    fn no_text_makes_the_parser_fail_in_another_way(text in "[-a-z0-9=@,:./\" é]{0,30}") {
        // Parsing and displaying a fault are inverse.
        if let Ok(fault) = text.parse::<DockerFault>() {
            prop_assert_eq!(fault.to_string().parse::<DockerFault>(), Ok(fault));
        }
    }
}
