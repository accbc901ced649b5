//! The services on loopback: an independent witness, built from the contracts alone.
