//! Runs a plan that somebody approved.
