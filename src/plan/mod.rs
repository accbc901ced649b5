//! The fewest calls that close the difference between desired and live; pure and synchronous.
