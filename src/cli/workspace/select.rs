//! Which targets are chosen.

use anyhow::bail;

use super::TargetSelection;
use manifest::config;
use manifest::config::Config;
use model::diag::did_you_mean;

/// The positions of the chosen targets in the configuration.
///
/// # Errors
/// There is no target of such a name.
pub(super) fn positions(
    config: &Config,
    selection: &TargetSelection,
) -> anyhow::Result<Vec<usize>> {
    if selection.targets.is_empty() {
        return Ok((0..config.targets.len()).collect());
    }
    let mut selected = Vec::new();
    for name in &selection.targets {
        match config
            .targets
            .iter()
            .position(|target| target.name == *name)
        {
            Some(position) => selected.push(position),
            None => {
                let names = || config.targets.iter().map(|target| target.name.as_str());
                let hint = did_you_mean(names(), name).map_or_else(
                    || format!("there are: {}", names().collect::<Vec<_>>().join(", ")),
                    |near| format!("did you mean `{near}`?"),
                );
                bail!("{} has no target `{name}`; {hint}", config::FILE_NAME);
            }
        }
    }
    selected.sort_unstable();
    selected.dedup();
    Ok(selected)
}
