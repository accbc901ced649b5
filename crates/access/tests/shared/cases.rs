//! How many random cases a property is tried on.

use proptest::test_runner::Config;

/// So many cases, times `POLWARDEN_TEST_CASES`: rare faults are looked for with `POLWARDEN_TEST_CASES=50`.
pub(crate) fn cases(usual: u32) -> Config {
    let times = std::env::var("POLWARDEN_TEST_CASES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(1_u32);
    Config {
        cases: usual.saturating_mul(times),
        ..Config::default()
    }
}
