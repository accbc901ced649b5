//! What a plan touches, at any provider: read, compared with what the plan was made from, and with what a run left.

use super::report::Report;
use super::stale::Stale;
use crate::plan::TargetPlan;
use crate::plan::{Mismatch, ReplayError};
use crate::service::chainloop::apply as chainloop;
use crate::service::docker::apply as docker;
use crate::service::pulumi::apply as pulumi;
use crate::service::registry::Reader;
use http::ApiError;
use model::Live;

/// Reads what is live and the plan touches or creates.
///
/// # Errors
/// Any failed read: a part of the answer is never taken for the whole.
pub async fn read_touched(
    plan: &TargetPlan,
    reader: &Reader,
    at_once: usize,
) -> Result<Live, ApiError> {
    match reader {
        Reader::Docker(reader) => docker::read_touched(plan, reader, at_once)
            .await
            .map(Live::Docker),
        Reader::Pulumi(reader) => reader.live_state().await.map(Live::Pulumi),
        Reader::Chainloop(reader) => chainloop::read_touched(plan, reader)
            .await
            .map(Live::Chainloop),
    }
}

/// Whether what the plan touches is still what it was made from.
pub fn check_unmoved(plan: &TargetPlan, live: &Live) -> Vec<Stale> {
    match live {
        Live::Docker(live) => docker::check_unmoved(plan, live),
        Live::Pulumi(live) => pulumi::check_unmoved(plan, live),
        Live::Chainloop(live) => chainloop::check_unmoved(plan, live),
    }
}

/// Of a whole organization, what [`read_touched`] would have read.
pub fn keep_touched(live: Live, plan: &TargetPlan) -> Live {
    match live {
        Live::Docker(live) => Live::Docker(docker::keep_touched(live, plan)),
        // All of it is read again too: a call is held to the whole.
        Live::Pulumi(live) => Live::Pulumi(live),
        Live::Chainloop(live) => Live::Chainloop(chainloop::keep_touched(live, plan)),
    }
}

/// How what was read back differs from what the applied calls make of what was there before.
///
/// # Errors
/// The applied calls do not fit what was there.
pub fn read_back_differs(
    plan: &TargetPlan,
    before: &Live,
    report: &Report,
    actual: &Live,
) -> Result<Vec<Mismatch>, ReplayError> {
    match (before, actual) {
        (Live::Docker(before), Live::Docker(actual)) => {
            docker::read_back_differs(plan, before, report, actual)
        }
        (Live::Pulumi(before), Live::Pulumi(actual)) => {
            pulumi::read_back_differs(plan, before, report, actual)
        }
        (Live::Chainloop(before), Live::Chainloop(actual)) => {
            chainloop::read_back_differs(plan, before, report, actual)
        }
        (Live::Docker(_) | Live::Pulumi(_) | Live::Chainloop(_), _) => Ok(Vec::new()),
    }
}
