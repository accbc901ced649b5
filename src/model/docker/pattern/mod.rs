//! What resources mean: parsed patterns of hosts, addresses, HTTP targets and paths.
