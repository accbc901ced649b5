//! The text form of faults, which `parse` reads.

use std::fmt::{self, Display, Formatter};

use jiff::SignedDuration;

use super::kind::{Fault, FaultKind, FaultTiming, OperationName};
use super::select::{OrdinalRange, RequestClass, RequestSelection};

impl<O: OperationName, C: Display> Display for Fault<O, C> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { kind, at } = self;
        write!(f, "{kind}")?;
        if *at == RequestSelection::default() {
            Ok(())
        } else {
            write!(f, "@{at}")
        }
    }
}

impl FaultTiming {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
        }
    }
}

impl<C: Display> Display for FaultKind<C> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer {
                when,
                status,
                retry_after,
            } => {
                write!(f, "{}-{}", when.as_str(), status.get())?;
                retry_after.map_or(Ok(()), |seconds| write!(f, "={seconds}s"))
            }
            Self::Reset(when) => write!(f, "{}-reset", when.as_str()),
            Self::Hang(when) => write!(f, "{}-hang", when.as_str()),
            Self::Crash(when) => write!(f, "{}-crash", when.as_str()),
            Self::Undecodable(when) => write!(f, "{}-undecodable", when.as_str()),
            Self::Truncated => f.write_str("truncated"),
            // A duration that is too long to display is effectively infinite.
            Self::Delay(wait) => {
                write!(
                    f,
                    "delay={:#}",
                    SignedDuration::try_from(*wait).unwrap_or(SignedDuration::MAX)
                )
            }
            Self::RevokeTokens => f.write_str("revoke-tokens"),
            Self::OtherWriter(change) => write!(f, "{change}"),
        }
    }
}

impl<O: OperationName> Display for RequestSelection<O> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self {
            among,
            nth,
            chance,
            times,
        } = self;
        let counted = match (among, nth) {
            (RequestClass::Requests, None) => None,
            (RequestClass::Requests, Some(range)) => Some(range.to_string()),
            (RequestClass::Reads, None) => Some("reads".to_owned()),
            (RequestClass::Reads, Some(range)) => Some(format!("read:{range}")),
            (RequestClass::Writes, None) => Some("writes".to_owned()),
            (RequestClass::Writes, Some(range)) => Some(format!("write:{range}")),
            (RequestClass::Operation(operation), None) => Some(operation.to_string()),
            (RequestClass::Operation(operation), Some(range)) => {
                Some(format!("{operation}:{range}"))
            }
        };
        let chance =
            chance.map(|chance| format!("p={},seed={}", chance.probability.get(), chance.seed));
        let times = times.map(|times| {
            if times.get() == 1 {
                "once".to_owned()
            } else {
                format!("times={times}")
            }
        });
        let said: Vec<String> = [counted, chance, times].into_iter().flatten().collect();
        f.write_str(&said.join(","))
    }
}

impl Display for OrdinalRange {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let first = self.first();
        match self.last() {
            Some(last) if last == first => write!(f, "{first}"),
            Some(last) => write!(f, "{first}..{last}"),
            None => write!(f, "{first}.."),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::docker::DockerFault;

    #[test]
    fn every_form_has_one_text_that_means_the_same() {
        for (given, shown) in [
            ("before-500", "before-500"),
            ("500-after@3", "after-500@3"),
            ("before-429=2s@write:3", "before-429=2s@write:3"),
            ("reset", "before-reset"),
            ("reset-after@createRule:1", "after-reset@createRule:1"),
            ("after-hang@reads", "after-hang@reads"),
            ("crash@write:2..", "before-crash@write:2.."),
            ("undecodable@read:2..4", "after-undecodable@read:2..4"),
            ("truncated@signIn", "truncated@signIn"),
            (" delay=1500ms@requests ", "delay=1s 500ms"),
            (
                "revoke-tokens@seed=9, p=.5, writes",
                "revoke-tokens@writes,p=0.5,seed=9",
            ),
            ("hang@p=1", "before-hang@p=1,seed=0"),
            ("add-policy", "add-policy=any"),
            ("rename-policy=a b,c=d@once", "rename-policy=a b,c=d@once"),
            (
                "change-policy=\"any\"@times=1",
                "change-policy=\"any\"@once",
            ),
            ("delete-policy=any@times=2", "delete-policy=any@times=2"),
            ("add-rule=p/any", "add-rule=p/any"),
            (
                "change-rule=\"a/b\"/\"c@d\"@5",
                "change-rule=\"a/b\"/\"c@d\"@5",
            ),
            ("delete-rule=any/r", "delete-rule=r"),
        ] {
            let fault: DockerFault = given.parse().unwrap();
            assert_eq!(fault.to_string(), shown);
            assert_eq!(shown.parse::<DockerFault>().as_ref(), Ok(&fault), "{shown}");
        }
    }
}
